/* The proleptic Gregorian calendar, days counted from 1970-01-01. */
#include "core/time_text.h"

#include "core/decimal.h"

#include <inttypes.h>
#include <stdio.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Howard Hinnant, "chrono-compatible low-level date algorithms" (days_from_civil). */
static int64_t days_of_date(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

static void date_of_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

static unsigned days_in_month(int64_t year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

struct cursor {
    const char *at, *end;
};

/* Exactly `digits` digits; false leaves the cursor somewhere in them. */
static bool take_digits(struct cursor *cursor, unsigned digits, unsigned *value)
{
    *value = 0;
    for (unsigned i = 0; i < digits; i++, cursor->at++) {
        if (cursor->at == cursor->end || !is_digit(*cursor->at))
            return false;
        *value = *value * 10 + (unsigned)(*cursor->at - '0');
    }
    return true;
}

static bool take_char(struct cursor *cursor, char c)
{
    if (cursor->at == cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

/* Up to nine digits of a second. More digits would not be kept: refused. */
static bool take_fraction(struct cursor *cursor, int64_t *ns)
{
    unsigned digits = 0;
    *ns = 0;
    for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++, digits++) {
        if (digits == 9)
            return false;
        *ns = *ns * 10 + (*cursor->at - '0');
    }
    if (digits == 0)
        return false;
    for (; digits < 9; digits++)
        *ns *= 10;
    return true;
}

/* "Z", nothing (UTC too) or +hh:mm. */
static bool take_zone(struct cursor *cursor, int64_t *seconds)
{
    *seconds = 0;
    if (cursor->at == cursor->end || take_char(cursor, 'Z'))
        return cursor->at == cursor->end;
    bool minus = *cursor->at == '-';
    unsigned hours, minutes;
    if (!minus && *cursor->at != '+')
        return false;
    cursor->at++;
    if (!take_digits(cursor, 2, &hours))
        return false;
    (void)take_char(cursor, ':');
    if (!take_digits(cursor, 2, &minutes) || hours > 14 || minutes > 59)
        return false;
    *seconds = (int64_t)(hours * 3600 + minutes * 60) * (minus ? -1 : 1);
    return cursor->at == cursor->end;
}

static err_t parse_civil(const char *text, size_t size, ns_t *value)
{
    struct cursor cursor = {text, text + size};
    unsigned year, month, day, hour = 0, minute = 0, second = 0;
    int64_t fraction = 0, offset = 0;
    if (!take_digits(&cursor, 4, &year) || !take_char(&cursor, '-') || !take_digits(&cursor, 2, &month) ||
        !take_char(&cursor, '-') || !take_digits(&cursor, 2, &day))
        return ERR_SYNTAX;
    if (cursor.at != cursor.end) {
        if (!take_char(&cursor, 'T') && !take_char(&cursor, ' '))
            return ERR_SYNTAX;
        if (!take_digits(&cursor, 2, &hour) || !take_char(&cursor, ':') || !take_digits(&cursor, 2, &minute))
            return ERR_SYNTAX;
        if (take_char(&cursor, ':') && !take_digits(&cursor, 2, &second))
            return ERR_SYNTAX;
        if (take_char(&cursor, '.') && !take_fraction(&cursor, &fraction))
            return ERR_SYNTAX;
        if (!take_zone(&cursor, &offset))
            return ERR_SYNTAX;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
        second > 59)
        return ERR_RANGE;
    if (year < 1970 || year > 2261) /* 2262-04-11 is the end of int64 nanoseconds */
        return ERR_RANGE;
    int64_t seconds = days_of_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    *value = seconds * NS_PER_S + fraction;
    return ERR_OK;
}

err_t time_parse(const char *text, size_t size, ns_t *value)
{
    for (size_t i = 0; i < size; i++) {
        if (!is_digit(text[i]))
            return parse_civil(text, size, value);
    }
    int64_t number;
    err_t err = decimal_parse(text, size, 0, ROUND_EXACT, &number);
    if (err == ERR_OK)
        *value = number;
    return err;
}

const char *time_format(ns_t value, char *text)
{
    int64_t seconds = value / NS_PER_S, fraction = value % NS_PER_S;
    if (fraction < 0) {
        fraction += NS_PER_S;
        seconds--;
    }
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t year;
    unsigned month, day;
    date_of_days(days, &year, &month, &day);
    snprintf(text, TIME_TEXT_SIZE, "%04" PRId64 "-%02u-%02uT%02d:%02d:%02d.%09" PRId64 "Z", year, month, day,
             (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60), fraction);
    return text;
}
