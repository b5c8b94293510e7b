#include "cli/values.h"

#include "core/decimal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char value_duration_expected[] = "a duration such as 250ms, 1.5s, 5m, 2h, 1d, 10us, 7ns";
const char value_time_expected[] = "a time such as 2024-08-08T12:30:00.5Z or 2024-08-08, or nanoseconds since 1970";
const char value_size_expected[] = "a size such as 4096, 64K, 16M or 2G";

struct unit {
    const char *name;
    int64_t scale;
};

static const struct unit duration_units[] = {
    {"ns", 1},
    {"us", NS_PER_US},
    {"ms", NS_PER_MS},
    {"s", NS_PER_S},
    {"m", 60 * NS_PER_S},
    {"h", 3600 * NS_PER_S},
    {"d", 86400 * NS_PER_S},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* How many bytes of the text are number: sign, digits, one point. */
static size_t number_size(const char *text, size_t size)
{
    size_t at = 0;
    if (at < size && (text[at] == '-' || text[at] == '+'))
        at++;
    while (at < size && (is_digit(text[at]) || text[at] == '.'))
        at++;
    return at;
}

err_t value_duration(const char *text, size_t size, ns_t *value)
{
    size_t digits = number_size(text, size);
    money_t number;
    err_t err = decimal_parse_money(text, digits, DECIMALS_MAX, ROUND_EXACT, &number);
    if (err != ERR_OK)
        return err;
    if (digits == size) { /* only zero is the same in every unit */
        if (number != 0)
            return ERR_SYNTAX;
        *value = 0;
        return ERR_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(duration_units); i++) {
        const struct unit *unit = &duration_units[i];
        if (strlen(unit->name) != size - digits || memcmp(unit->name, text + digits, size - digits) != 0)
            continue;
        money_t product;
        if ((err = money_multiply(number, unit->scale, &product)) != ERR_OK ||
            (err = money_rescale(product, DECIMALS_MAX, 0, ROUND_EXACT, &product)) != ERR_OK)
            return err;
        if (product > INT64_MAX || product < INT64_MIN)
            return ERR_RANGE;
        *value = (ns_t)product;
        return ERR_OK;
    }
    return ERR_SYNTAX;
}

err_t value_size(const char *text, size_t size, uint64_t *value)
{
    size_t end = size;
    if (end >= 2 && text[end - 1] == 'B' && text[end - 2] == 'i')
        end -= 2;
    unsigned shift = 0;
    if (end > 0) {
        switch (text[end - 1]) {
        case 'K':
        case 'k':
            shift = 10;
            break;
        case 'M':
            shift = 20;
            break;
        case 'G':
            shift = 30;
            break;
        case 'T':
            shift = 40;
            break;
        default:
            break;
        }
    }
    if (shift == 0 && end != size)
        return ERR_SYNTAX;
    if (shift != 0)
        end--;
    int64_t number;
    err_t err = decimal_parse(text, end, 0, ROUND_EXACT, &number);
    if (err != ERR_OK)
        return err;
    if (number < 0 || number > (INT64_MAX >> shift))
        return ERR_RANGE;
    *value = (uint64_t)number << shift;
    return ERR_OK;
}

/* ---- times: the proleptic Gregorian calendar, days counted from 1970-01-01 ---- */

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

err_t value_time(const char *text, size_t size, ns_t *value)
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

/* ---- back to text ---- */

const char *value_duration_text(ns_t value, char *text)
{
    size_t unit = 0;
    for (size_t i = 0; i < ARRAY_LEN(duration_units); i++) {
        if (value != 0 && value % duration_units[i].scale == 0)
            unit = i;
    }
    if (value == 0)
        unit = 3; /* "0s" */
    snprintf(text, VALUE_TEXT_SIZE, "%" PRId64 "%s", value / duration_units[unit].scale, duration_units[unit].name);
    return text;
}

const char *value_time_text(ns_t value, char *text)
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
    snprintf(text, VALUE_TEXT_SIZE, "%04" PRId64 "-%02u-%02uT%02d:%02d:%02d.%09" PRId64 "Z", year, month, day,
             (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60), fraction);
    return text;
}

const char *value_size_text(uint64_t bytes, char *text)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    uint64_t tenths = bytes * 10;
    if (bytes < 1024) {
        snprintf(text, VALUE_TEXT_SIZE, "%" PRIu64 " B", bytes);
        return text;
    }
    for (uint64_t left = bytes; left >= 1024; left /= 1024) {
        unit++;
        tenths = bytes / (UINT64_C(1) << (10 * (unit - 1))) * 10 / 1024;
    }
    snprintf(text, VALUE_TEXT_SIZE, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, units[unit]);
    return text;
}

const char *value_span_text(ns_t value, char *text)
{
    const char *sign = value < 0 ? "-" : "";
    uint64_t seconds = (value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value) / (uint64_t)NS_PER_S;
    unsigned hours = (unsigned)(seconds / 3600 % 24), minutes = (unsigned)(seconds / 60 % 60);
    unsigned rest = (unsigned)(seconds % 60);
    if (seconds >= 86400)
        snprintf(text, VALUE_TEXT_SIZE, "%s%" PRIu64 "d %02u:%02u:%02u", sign, seconds / 86400, hours, minutes, rest);
    else if (seconds >= 3600)
        snprintf(text, VALUE_TEXT_SIZE, "%s%u:%02u:%02u", sign, hours, minutes, rest);
    else
        snprintf(text, VALUE_TEXT_SIZE, "%s%u:%02u", sign, minutes, rest);
    return text;
}

const char *value_count_text(uint64_t count, char *text)
{
    char digits[24];
    int size = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    char *to = text;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}
