#include "cli/values.h"

#include "core/decimal.h"
#include "core/time_text.h"

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

err_t value_time(const char *text, size_t size, ns_t *value)
{
    return time_parse(text, size, value);
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
    STATIC_ASSERT(VALUE_TEXT_SIZE >= TIME_TEXT_SIZE, "one buffer for all");
    return time_format(value, text);
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
