#include "adapters/wire.h"

#include <stdlib.h>
#include <string.h>

/* How much of a text is shown in an error. */
#define SHOW_MAX 40

static int show_size(size_t size)
{
    return size < SHOW_MAX ? (int)size : SHOW_MAX;
}

static const char *kind_words(const struct json_value *value)
{
    static const char *const words[] = {"nothing",  "null",     "true or false", "a number",
                                        "a string", "an array", "an object"};
    return words[value->kind];
}

static err_t wrong_kind(const struct json_value *value, const char *field, const char *expected, struct err_text *why)
{
    return err_say(why, ERR_SYNTAX, "\"%s\": expected %s, found %s", field, expected, kind_words(value));
}

err_t wire_u64(const struct json_value *value, const char *field, uint64_t *number, struct err_text *why)
{
    if (UNLIKELY(value->kind != JSON_NUMBER && value->kind != JSON_STRING))
        return wrong_kind(value, field, "a whole number", why);
    const char *text = value->text;
    size_t size = value->size;
    uint64_t sum = 0;
    size_t i = 0;
    for (; i < size && i < 19; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9)
            break;
        sum = sum * 10 + digit;
    }
    /* 19 digits always fit; the twentieth may not. */
    if (i == 19 && size == 20 && (unsigned)(unsigned char)text[19] - '0' <= 9 &&
        !__builtin_mul_overflow(sum, 10, &sum) && !__builtin_add_overflow(sum, (unsigned)(text[19] - '0'), &sum))
        i = 20;
    if (LIKELY(i == size && size > 0)) {
        *number = sum;
        return ERR_OK;
    }
    size_t digits = size > 0 && text[0] == '-' ? 1 : 0;
    bool sign = digits == 1;
    while (digits < size && (unsigned)(unsigned char)text[digits] - '0' <= 9)
        digits++;
    if (digits == size && size > sign)
        return err_say(why, ERR_RANGE, "\"%s\": %.*s is %s", field, show_size(size), text,
                       sign ? "negative" : "too large");
    return err_say(why, ERR_SYNTAX, "\"%s\": expected a whole number, found %.*s", field, show_size(size), text);
}

err_t wire_time(const struct json_value *value, const char *field, ns_t *ts, struct err_text *why)
{
    uint64_t number;
    err_t err = wire_u64(value, field, &number, why);
    if (err != ERR_OK)
        return err;
    /* Milliseconds reach 10^14 in the year 5138, microseconds passed it in 1973. */
    uint64_t unit = number >= UINT64_C(100000000000000) ? NS_PER_US : NS_PER_MS;
    if (number > (uint64_t)INT64_MAX / unit)
        return err_say(why, ERR_RANGE, "\"%s\": %.*s is no time of this age", field, show_size(value->size),
                       value->text);
    *ts = (ns_t)(number * unit);
    return ERR_OK;
}

err_t wire_bool(const struct json_value *value, const char *field, bool *truth, struct err_text *why)
{
    if (value->kind != JSON_BOOL)
        return wrong_kind(value, field, "true or false", why);
    *truth = value->text[0] == 't';
    return ERR_OK;
}

static bool digits_at(const char *text, size_t count, int64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9)
            return false;
        *number = *number * 10 + digit;
    }
    return true;
}

/* Days from 1970-01-01 to a civil date: years begin in March, so that the leap day is the last one. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

err_t wire_iso_utc(const struct json_value *value, const char *field, ns_t *ts, struct err_text *why)
{
    if (value->kind != JSON_STRING)
        return wrong_kind(value, field, "a date and time", why);
    const char *text = value->text;
    int64_t year, month, day, hour, minute, second;
    if (value->size != 19 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
        text[16] != ':' || !digits_at(text, 4, &year) || !digits_at(text + 5, 2, &month) ||
        !digits_at(text + 8, 2, &day) || !digits_at(text + 11, 2, &hour) || !digits_at(text + 14, 2, &minute) ||
        !digits_at(text + 17, 2, &second))
        return err_say(why, ERR_SYNTAX, "\"%s\": expected YYYY-MM-DDThh:mm:ss, found %.*s", field,
                       show_size(value->size), text);
    if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        second > 59)
        return err_say(why, ERR_RANGE, "\"%s\": %.*s is no date of this age", field, show_size(value->size), text);
    *ts = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 * NS_PER_S + second * NS_PER_S;
    return ERR_OK;
}

/* The words for a decimal that was refused. */
static err_t decimal_refused(err_t err, const char *text, size_t size, struct wire_place place, unsigned decimals,
                             struct err_text *why)
{
    unsigned needed = 0, written = 0;
    switch (err) {
    case ERR_PRECISION:
        if (decimal_measure(text, size, &needed, &written) != ERR_OK)
            break;
        return err_say(why, err, "%s \"%s\": %.*s needs %u decimals, the instrument keeps %u", place.symbol,
                       place.field, show_size(size), text, needed, decimals);
    case ERR_RANGE:
        return err_say(why, err, "%s \"%s\": %.*s is too large for 64 bits at %u decimals", place.symbol, place.field,
                       show_size(size), text, decimals);
    default:
        break;
    }
    return err_say(why, err, "%s \"%s\": expected a decimal number, found %.*s", place.symbol, place.field,
                   show_size(size), text);
}

static err_t below_floor(const char *text, size_t size, struct wire_place place, int64_t number, struct err_text *why)
{
    return err_say(why, ERR_RANGE, "%s \"%s\": %.*s is %s", place.symbol, place.field, show_size(size), text,
                   number < 0 ? "negative" : "zero");
}

err_t wire_decimal(const struct json_value *value, struct wire_place place, unsigned decimals, enum rounding rounding,
                   enum wire_floor floor, int64_t *number, struct err_text *why)
{
    if (UNLIKELY(value->kind != JSON_STRING && value->kind != JSON_NUMBER))
        return wrong_kind(value, place.field, "a decimal number", why);
    int64_t parsed;
    err_t err = decimal_parse(value->text, value->size, decimals, rounding, &parsed);
    if (UNLIKELY(err != ERR_OK))
        return decimal_refused(err, value->text, value->size, place, decimals, why);
    if (UNLIKELY((floor != WIRE_ANY && parsed < 0) || (floor == WIRE_POSITIVE && parsed == 0)))
        return below_floor(value->text, value->size, place, parsed, why);
    *number = parsed;
    return ERR_OK;
}

/* --- level arrays --- */

static inline const char *skip_spaces(const char *p, const char *end)
{
    while (UNLIKELY(*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') && p < end)
        p++;
    return p;
}

static const uint64_t pow10_table[19] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
};

/* A quoted decimal whose opening quote was just passed. The common case (digits, perhaps a point and digits, the
 * quote) is done here: the fraction is read to the instrument's decimals, what is left must be zeros. Everything
 * else (signs, exponents, more than 18 digits, a fraction that is too long) goes to decimal_parse, whose word is
 * final; both give the same number. Texts are padded, so that no byte read here is outside of them: a NUL or any
 * other byte ends the digits. */
static inline err_t quoted_decimal(const char **cursor, const char *end, unsigned decimals, int64_t *number)
{
    const char *start = *cursor;
    const char *p = start;
    uint64_t sum = 0;
    unsigned digit;
    while ((digit = (unsigned)(unsigned char)*p - '0') <= 9 && p < end) {
        sum = sum * 10 + digit;
        p++;
    }
    size_t whole = (size_t)(p - start);
    unsigned left = decimals;
    if (*p == '.' && whole > 0) {
        p++;
        while (left > 0 && (digit = (unsigned)(unsigned char)*p - '0') <= 9) {
            sum = sum * 10 + digit;
            left--;
            p++;
        }
        if (p[-1] == '.' && (unsigned)(unsigned char)*p - '0' > 9)
            goto slow;
        while (*p == '0' && p < end)
            p++;
    }
    if (LIKELY(*p == '"' && whole > 0 && whole + decimals <= 18)) {
        *number = (int64_t)(sum * pow10_table[left]);
        *cursor = p + 1;
        return ERR_OK;
    }
slow:;
    const char *quote = memchr(start, '"', (size_t)(end - start));
    if (quote == NULL)
        return ERR_SYNTAX;
    *cursor = quote + 1;
    return decimal_parse(start, (size_t)(quote - start), decimals, ROUND_EXACT, number);
}

/* Elements of a level after the second one (old spot streams send an empty array): passed over unread. */
static const char *skip_rest(const char *p, const char *end)
{
    int depth = 1;
    for (; p < end; p++) {
        if (*p == '[') {
            depth++;
        } else if (*p == ']' && --depth == 0) {
            return p;
        } else if (*p == '"') {
            p = memchr(p + 1, '"', (size_t)(end - p - 1));
            if (p == NULL)
                return end;
        }
    }
    return end;
}

static err_t levels_malformed(const struct json_value *value, struct wire_place place, const char *at,
                              struct err_text *why)
{
    size_t offset = (size_t)(at - value->text);
    size_t left = offset < value->size ? value->size - offset : 0;
    return err_say(why, ERR_SYNTAX, "%s \"%s\": expected [\"price\",\"quantity\"] at byte %zu, found %.*s",
                   place.symbol, place.field, offset, show_size(left), left > 0 ? at : "the end");
}

static err_t level_refused(err_t err, const char *text, const char *after, struct wire_place place, const char *which,
                           unsigned decimals, struct err_text *why)
{
    char field[64];
    size_t size = (size_t)(after - text) - 1;
    size_t used = strlen(place.field);
    if (used > 20)
        used = 20;
    memcpy(field, place.field, used);
    strcpy(field + used, which);
    return decimal_refused(err, text, size, (struct wire_place){place.symbol, field}, decimals, why);
}

err_t wire_levels(const struct json_value *value, struct wire_place place, unsigned price_decimals,
                  unsigned qty_decimals, struct level *levels, size_t capacity, uint32_t *count, struct err_text *why)
{
    if (value->kind != JSON_ARRAY)
        return wrong_kind(value, place.field, "an array of [\"price\",\"quantity\"]", why);
    ASSERT(capacity >= wire_levels_max(value->size));
    const char *end = value->text + value->size;
    const char *p = skip_spaces(value->text + 1, end);
    struct level *level = levels;
    if (*p == ']' && p == end - 1) {
        *count = 0;
        return ERR_OK;
    }
    for (;;) {
        if (UNLIKELY(*p != '['))
            return levels_malformed(value, place, p, why);
        p = skip_spaces(p + 1, end);
        if (UNLIKELY(*p != '"'))
            return levels_malformed(value, place, p, why);
        const char *text = ++p;
        err_t err = quoted_decimal(&p, end, price_decimals, &level->price);
        if (UNLIKELY(err != ERR_OK))
            return p == text ? levels_malformed(value, place, p, why)
                             : level_refused(err, text, p, place, " price", price_decimals, why);
        if (UNLIKELY(level->price <= 0))
            return below_floor(text, (size_t)(p - text) - 1, place, level->price, why);
        p = skip_spaces(p, end);
        if (UNLIKELY(*p != ','))
            return levels_malformed(value, place, p, why);
        p = skip_spaces(p + 1, end);
        if (UNLIKELY(*p != '"'))
            return levels_malformed(value, place, p, why);
        text = ++p;
        err = quoted_decimal(&p, end, qty_decimals, &level->qty);
        if (UNLIKELY(err != ERR_OK))
            return p == text ? levels_malformed(value, place, p, why)
                             : level_refused(err, text, p, place, " quantity", qty_decimals, why);
        if (UNLIKELY(level->qty < 0))
            return below_floor(text, (size_t)(p - text) - 1, place, level->qty, why);
        p = skip_spaces(p, end);
        if (UNLIKELY(*p == ','))
            p = skip_rest(p + 1, end);
        if (UNLIKELY(*p != ']'))
            return levels_malformed(value, place, p, why);
        level++;
        p = skip_spaces(p + 1, end);
        if (*p == ',') {
            p = skip_spaces(p + 1, end);
            continue;
        }
        if (LIKELY(*p == ']' && p == end - 1))
            break;
        return levels_malformed(value, place, p, why);
    }
    *count = (uint32_t)(level - levels);
    return ERR_OK;
}

err_t wire_level_texts(const struct json_value *value, const char *field, wire_pair_fn pair, void *context,
                       struct err_text *why)
{
    if (value->kind != JSON_ARRAY)
        return wrong_kind(value, field, "an array of [\"price\",\"quantity\"]", why);
    const struct wire_place place = {"", field};
    const char *end = value->text + value->size;
    const char *p = skip_spaces(value->text + 1, end);
    if (*p == ']')
        return ERR_OK;
    while (p < end && *p == '[') {
        const char *texts[2];
        size_t sizes[2];
        for (int i = 0; i < 2; i++) {
            p = skip_spaces(p + 1, end);
            const char *quote = p < end && *p == '"' ? memchr(p + 1, '"', (size_t)(end - p - 1)) : NULL;
            if (quote == NULL)
                return levels_malformed(value, place, p, why);
            texts[i] = p + 1;
            sizes[i] = (size_t)(quote - p) - 1;
            p = skip_spaces(quote + 1, end);
            if (i == 0 && *p != ',')
                return levels_malformed(value, place, p, why);
        }
        if (*p == ',')
            p = skip_rest(p + 1, end);
        if (p >= end || *p != ']')
            return levels_malformed(value, place, p, why);
        err_t err = pair(context, texts[0], sizes[0], texts[1], sizes[1]);
        if (err != ERR_OK)
            return err;
        p = skip_spaces(p + 1, end);
        if (*p == ']' && p < end)
            return ERR_OK;
        if (*p != ',')
            break;
        p = skip_spaces(p + 1, end);
    }
    return levels_malformed(value, place, p, why);
}

static int by_price_falling(const void *a, const void *b)
{
    const struct level *x = a, *y = b;
    return (x->price < y->price) - (x->price > y->price);
}

static int by_price_rising(const void *a, const void *b)
{
    return by_price_falling(b, a);
}

err_t wire_snapshot_side(struct level *levels, uint32_t *count, enum side side, struct wire_place place,
                         struct err_text *why)
{
    uint32_t kept = 0;
    bool sorted = true;
    for (uint32_t i = 0; i < *count; i++) {
        if (levels[i].qty == 0)
            continue;
        levels[kept] = levels[i];
        if (kept > 0 && (side == SIDE_BUY ? levels[kept - 1].price <= levels[kept].price
                                          : levels[kept - 1].price >= levels[kept].price))
            sorted = false;
        kept++;
    }
    if (!sorted) {
        qsort(levels, kept, sizeof(*levels), side == SIDE_BUY ? by_price_falling : by_price_rising);
        for (uint32_t i = 1; i < kept; i++)
            if (levels[i].price == levels[i - 1].price)
                return err_say(why, ERR_SYNTAX, "%s \"%s\": a price stands there twice", place.symbol, place.field);
    }
    *count = kept;
    return ERR_OK;
}
