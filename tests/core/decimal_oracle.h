/* decimal_oracle.h: decimal text to an integer the slow way, on strings of digits, as one would on paper.
 *
 * Shares no code and no idea with core/decimal.c: the whole number is written out with all its zeros, the point
 * is moved, the fraction compared with "5000...", and one is added to the string of digits where rounding asks
 * for it. For texts up to ORACLE_TEXT_MAX characters.
 */
#ifndef TAPEDECK_TESTS_CORE_DECIMAL_ORACLE_H
#define TAPEDECK_TESTS_CORE_DECIMAL_ORACLE_H

#include "core/decimal.h"

#include <string.h>

#define ORACLE_TEXT_MAX 1000
#define ORACLE_EXPONENT 3000 /* larger ones change nothing for so short texts */
#define ORACLE_DIGITS   8192

struct oracle_text {
    char whole[ORACLE_TEXT_MAX + 1], fraction[ORACLE_TEXT_MAX + 1];
    int exponent;
    bool negative;
};

static size_t oracle_take_digits(const char *text, size_t size, size_t at, char *digits)
{
    size_t count = 0;
    while (at + count < size && text[at + count] >= '0' && text[at + count] <= '9') {
        digits[count] = text[at + count];
        count++;
    }
    digits[count] = '\0';
    return count;
}

/* [-+]digits[.digits][(e|E)[-+]digits] */
static bool oracle_read(const char *text, size_t size, struct oracle_text *out)
{
    char exponent[ORACLE_TEXT_MAX + 1];
    size_t at = 0, count;
    memset(out, 0, sizeof(*out));
    if (at < size && (text[at] == '-' || text[at] == '+'))
        out->negative = text[at++] == '-';
    if ((count = oracle_take_digits(text, size, at, out->whole)) == 0)
        return false;
    at += count;
    if (at < size && text[at] == '.') {
        if ((count = oracle_take_digits(text, size, ++at, out->fraction)) == 0)
            return false;
        at += count;
    }
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        bool below = false;
        at++;
        if (at < size && (text[at] == '-' || text[at] == '+'))
            below = text[at++] == '-';
        if ((count = oracle_take_digits(text, size, at, exponent)) == 0)
            return false;
        at += count;
        for (size_t i = 0; i < count; i++) {
            out->exponent = out->exponent * 10 + (exponent[i] - '0');
            if (out->exponent > ORACLE_EXPONENT)
                out->exponent = ORACLE_EXPONENT;
        }
        if (below)
            out->exponent = -out->exponent;
    }
    return at == size;
}

/* Digits of the number with the point moved by `shift` to the right: the part before it and the part after. */
static void oracle_move_point(const struct oracle_text *text, int shift, char *before, char *after)
{
    static char line[3 * ORACLE_DIGITS];
    memset(line, '0', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    size_t middle = ORACLE_DIGITS;
    size_t whole = strlen(text->whole), fraction = strlen(text->fraction);
    memcpy(line + middle - whole, text->whole, whole);
    memcpy(line + middle, text->fraction, fraction);
    middle = (size_t)((int)middle + shift);
    size_t first = 0;
    while (first < middle && line[first] == '0')
        first++;
    memcpy(before, line + first, middle - first);
    before[middle - first] = '\0';
    strcpy(after, line + middle);
}

static bool oracle_above(const char *digits, const char *limit) /* both without leading zeros */
{
    size_t a = strlen(digits), b = strlen(limit);
    return a != b ? a > b : strcmp(digits, limit) > 0;
}

/* The result's magnitude goes to *value; the sign is in it. `limit` is the largest magnitude. */
static err_t oracle_parse(const char *text, size_t size, unsigned decimals, enum rounding rounding,
                          const char *limit_plus, const char *limit_minus, money_t *value)
{
    static struct oracle_text read;
    static char before[3 * ORACLE_DIGITS], after[3 * ORACLE_DIGITS], half[3 * ORACLE_DIGITS];
    if (!oracle_read(text, size, &read))
        return ERR_SYNTAX;
    oracle_move_point(&read, read.exponent + (int)decimals, before, after);
    const char *limit = read.negative ? limit_minus : limit_plus;
    if (oracle_above(before, limit))
        return ERR_RANGE;

    memset(half, '0', strlen(after));
    half[strlen(after)] = '\0';
    bool rest = strcmp(after, half) != 0;
    half[0] = '5';
    int against_half = strcmp(after, half);
    if (rest && rounding == ROUND_EXACT)
        return ERR_PRECISION;
    bool odd = before[0] != '\0' && strchr("13579", before[strlen(before) - 1]) != NULL;
    bool up =
        rest && (rounding == ROUND_UP || (rounding == ROUND_FLOOR && read.negative) ||
                 (rounding == ROUND_CEIL && !read.negative) || (rounding == ROUND_HALF_AWAY && against_half >= 0) ||
                 (rounding == ROUND_HALF_EVEN && (against_half > 0 || (against_half == 0 && odd))));
    if (up) { /* add one on paper */
        size_t i = strlen(before);
        while (i > 0 && before[i - 1] == '9')
            before[--i] = '0';
        if (i > 0) {
            before[i - 1]++;
        } else {
            memmove(before + 1, before, strlen(before) + 1);
            before[0] = '1';
        }
    }
    if (oracle_above(before, limit))
        return ERR_RANGE;
    u128_t magnitude = 0;
    for (const char *at = before; *at != '\0'; at++)
        magnitude = magnitude * 10 + (u128_t)(*at - '0');
    *value = (money_t)(read.negative ? 0 - magnitude : magnitude);
    return ERR_OK;
}

static inline err_t oracle_parse_int64(const char *text, size_t size, unsigned decimals, enum rounding rounding,
                                       int64_t *value)
{
    money_t wide;
    err_t err = oracle_parse(text, size, decimals, rounding, "9223372036854775807", "9223372036854775808", &wide);
    if (err == ERR_OK)
        *value = (int64_t)wide;
    return err;
}

static inline err_t oracle_parse_money(const char *text, size_t size, unsigned decimals, enum rounding rounding,
                                       money_t *value)
{
    return oracle_parse(text, size, decimals, rounding, "170141183460469231731687303715884105727",
                        "170141183460469231731687303715884105728", value);
}

/* Decimals that the text needs, and has written; no upper bound here. */
static inline bool oracle_measure(const char *text, size_t size, int *needed, int *written)
{
    static struct oracle_text read;
    static char before[3 * ORACLE_DIGITS], after[3 * ORACLE_DIGITS];
    if (!oracle_read(text, size, &read))
        return false;
    oracle_move_point(&read, read.exponent, before, after);
    *needed = (int)strlen(after);
    while (*needed > 0 && after[*needed - 1] == '0')
        --*needed;
    *written = (int)strlen(read.fraction) - read.exponent;
    if (*written < *needed)
        *written = *needed;
    return true;
}

#endif
