#include "adapters/http_head.h"

#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_name(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

static void trim(const char **text, size_t *size)
{
    while (*size > 0 && (**text == ' ' || **text == '\t')) {
        (*text)++;
        (*size)--;
    }
    while (*size > 0 && ((*text)[*size - 1] == ' ' || (*text)[*size - 1] == '\t' || (*text)[*size - 1] == '\r'))
        (*size)--;
}

bool http_head_find(const char *head, size_t size, const char *name, const char **value, size_t *value_size)
{
    const size_t name_size = strlen(name);
    bool found = false;
    for (const char *line = head, *end = head + size; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline == NULL ? end : newline;
        if ((size_t)(stop - line) > name_size && line[name_size] == ':' && same_name(line, name, name_size)) {
            *value = line + name_size + 1;
            *value_size = (size_t)(stop - *value);
            trim(value, value_size);
            found = true;
        }
        line = stop + 1;
    }
    return found;
}

/* Digits only; beyond 64 bits it is the largest number. */
static bool number_of(const char *text, size_t size, uint64_t *number)
{
    uint64_t sum = 0;
    if (size == 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9)
            return false;
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum))
            sum = UINT64_MAX / 100;
    }
    *number = sum;
    return true;
}

bool http_head_number(const char *head, size_t size, const char *name, uint64_t *number)
{
    const char *value;
    size_t value_size;
    return http_head_find(head, size, name, &value, &value_size) && number_of(value, value_size, number);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" to seconds since 0000-03-01. */
static bool date_of(const char *text, size_t size, int64_t *seconds)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    uint64_t day, year, hour, minute, second;
    if (size != 29 || text[3] != ',' || text[16] != ' ' || text[19] != ':' || text[22] != ':' ||
        !number_of(text + 5, 2, &day) || !number_of(text + 12, 4, &year) || !number_of(text + 17, 2, &hour) ||
        !number_of(text + 20, 2, &minute) || !number_of(text + 23, 2, &second))
        return false;
    for (int64_t month = 0; month < 12; month++) {
        if (!same_name(text + 8, months + 3 * month, 3))
            continue;
        /* Years begin in March, so that the leap day is the last one. */
        int64_t y = (int64_t)year - (month < 2), m = (month + 10) % 12;
        int64_t days = y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + (int64_t)day;
        *seconds = ((days * 24 + (int64_t)hour) * 60 + (int64_t)minute) * 60 + (int64_t)second;
        return true;
    }
    return false;
}

#define EPOCH_DAYS 719469 /* 1970-01-01, counted like that */

bool http_date(const char *head, size_t size, ns_t *date)
{
    const char *value;
    size_t value_size;
    int64_t seconds;
    if (!http_head_find(head, size, "date", &value, &value_size) || !date_of(value, value_size, &seconds))
        return false;
    seconds -= INT64_C(86400) * EPOCH_DAYS;
    if (seconds < 0 || seconds > NS_MAX / NS_PER_S)
        return false;
    *date = seconds * NS_PER_S;
    return true;
}

#define WAIT_MAX_S (INT64_C(30) * 24 * 3600)

bool http_retry_after(const char *head, size_t size, ns_t *wait)
{
    const char *value, *date;
    size_t value_size, date_size;
    uint64_t number;
    int64_t until, now, seconds;
    if (!http_head_find(head, size, "retry-after", &value, &value_size))
        return false;
    if (number_of(value, value_size, &number)) {
        seconds = number > (uint64_t)WAIT_MAX_S ? WAIT_MAX_S : (int64_t)number;
    } else {
        if (!date_of(value, value_size, &until) || !http_head_find(head, size, "date", &date, &date_size) ||
            !date_of(date, date_size, &now))
            return false;
        seconds = until > now ? until - now : 0;
        if (seconds > WAIT_MAX_S)
            seconds = WAIT_MAX_S;
    }
    *wait = seconds * NS_PER_S;
    return true;
}

bool http_remaining_req(const char *head, size_t size, struct http_remaining *remaining)
{
    const char *value;
    size_t value_size;
    if (!http_head_find(head, size, "remaining-req", &value, &value_size))
        return false;
    struct http_remaining found = {0};
    bool has_sec = false;
    for (const char *part = value, *end = value + value_size; part < end;) {
        const char *semicolon = memchr(part, ';', (size_t)(end - part));
        const char *stop = semicolon == NULL ? end : semicolon;
        const char *equals = memchr(part, '=', (size_t)(stop - part));
        if (equals != NULL) {
            const char *name = part, *text = equals + 1;
            size_t name_size = (size_t)(equals - part), text_size = (size_t)(stop - text);
            trim(&name, &name_size);
            trim(&text, &text_size);
            if (name_size == 5 && same_name(name, "group", 5)) {
                found.group = text;
                found.group_size = text_size;
            } else if (name_size == 3 && same_name(name, "sec", 3)) {
                has_sec = number_of(text, text_size, &found.sec);
            }
        }
        part = stop + 1;
    }
    if (found.group_size == 0 || !has_sec)
        return false;
    *remaining = found;
    return true;
}

bool http_banned_until(const char *text, size_t size, ns_t *until)
{
    static const char words[] = "banned until ";
    const size_t words_size = sizeof(words) - 1;
    for (size_t i = 0; i + words_size < size; i++) {
        if (!same_name(text + i, words, words_size))
            continue;
        size_t begin = i + words_size, end = begin;
        while (end < size && (unsigned)(unsigned char)text[end] - '0' <= 9)
            end++;
        uint64_t ms;
        if (!number_of(text + begin, end - begin, &ms) || ms > (uint64_t)(NS_MAX / NS_PER_MS))
            return false;
        *until = (ns_t)ms * NS_PER_MS;
        return true;
    }
    return false;
}
