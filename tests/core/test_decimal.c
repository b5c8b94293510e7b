#include "core/decimal.h"
#include "core/prng.h"
#include "tests/core/decimal_oracle.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static err_t parse(const char *text, unsigned decimals, enum rounding rounding, int64_t *value)
{
    return decimal_parse(text, strlen(text), decimals, rounding, value);
}

/* ---- the table: one line a text ---- */

struct line {
    const char *text;
    unsigned decimals;
    enum rounding rounding;
    err_t err;
    int64_t value;
};

Test(decimal, text_becomes_the_integer_on_its_line)
{
    static const struct line lines[] = {
        {"61659.70", 2, ROUND_EXACT, ERR_OK, 6165970},
        {"61659.70", 8, ROUND_EXACT, ERR_OK, 6165970000000},
        {"61659.70", 1, ROUND_EXACT, ERR_OK, 616597},
        {"61659.70", 0, ROUND_EXACT, ERR_PRECISION, 0},
        {"61659.70000000", 2, ROUND_EXACT, ERR_OK, 6165970},
        {"0.00120000", 4, ROUND_EXACT, ERR_OK, 12},
        {"0.00120000", 3, ROUND_EXACT, ERR_PRECISION, 0},
        {"0", 18, ROUND_EXACT, ERR_OK, 0},
        {"-0", 0, ROUND_EXACT, ERR_OK, 0},
        {"-0.000", 2, ROUND_EXACT, ERR_OK, 0},
        {"+1.5", 1, ROUND_EXACT, ERR_OK, 15},
        {"-1.5", 1, ROUND_EXACT, ERR_OK, -15},
        {"007", 0, ROUND_EXACT, ERR_OK, 7},
        {"7.9276E-4", 8, ROUND_EXACT, ERR_OK, 79276},
        {"7.9276E-4", 7, ROUND_EXACT, ERR_PRECISION, 0},
        {"7.9276e-4", 7, ROUND_DOWN, ERR_OK, 7927},
        {"1e3", 0, ROUND_EXACT, ERR_OK, 1000},
        {"1E+3", 2, ROUND_EXACT, ERR_OK, 100000},
        {"12e-1", 0, ROUND_EXACT, ERR_PRECISION, 0},
        {"120e-1", 0, ROUND_EXACT, ERR_OK, 12},
        {"9223372036854775807", 0, ROUND_EXACT, ERR_OK, INT64_MAX},
        {"9223372036854775808", 0, ROUND_EXACT, ERR_RANGE, 0},
        {"-9223372036854775808", 0, ROUND_EXACT, ERR_OK, INT64_MIN},
        {"-9223372036854775809", 0, ROUND_EXACT, ERR_RANGE, 0},
        {"9223372036854775807.9", 0, ROUND_DOWN, ERR_OK, INT64_MAX},
        {"9223372036854775807.5", 0, ROUND_HALF_EVEN, ERR_RANGE, 0},
        {"-9223372036854775808.5", 0, ROUND_HALF_EVEN, ERR_OK, INT64_MIN},
        {"92233720368.54775807", 8, ROUND_EXACT, ERR_OK, INT64_MAX},
        {"92233720368.54775808", 8, ROUND_EXACT, ERR_RANGE, 0},
        {"99999999999999999", 2, ROUND_EXACT, ERR_RANGE, 0},
        {"99999999999999999", 1, ROUND_EXACT, ERR_OK, 999999999999999990},
        {"123456789012345678901234567", 0, ROUND_EXACT, ERR_RANGE, 0},
        {"0.123456789012345678901234567", 18, ROUND_DOWN, ERR_OK, 123456789012345678},
        {"0.123456789012345678901234567", 18, ROUND_UP, ERR_OK, 123456789012345679},
        {"123456789012345678901234567e-20", 0, ROUND_HALF_EVEN, ERR_OK, 1234568},
        {"1e-999999999999999999999", 18, ROUND_DOWN, ERR_OK, 0},
        {"1e-999999999999999999999", 18, ROUND_UP, ERR_OK, 1},
        {"1e999999999999999999999", 0, ROUND_DOWN, ERR_RANGE, 0},
        {"0e999999999999999999999", 0, ROUND_EXACT, ERR_OK, 0},
        {"0.0000000000000000000000000000000000000001e40", 0, ROUND_EXACT, ERR_OK, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        const struct line *line = &lines[i];
        int64_t value = 0;
        err_t err = parse(line->text, line->decimals, line->rounding, &value);
        cr_expect(err == line->err && value == line->value, "\"%s\" at %u decimals: %s %lld, expected %s %lld",
                  line->text, line->decimals, err_name(err), (long long)value, err_name(line->err),
                  (long long)line->value);
    }
}

Test(decimal, each_rounding_goes_where_its_name_says)
{
    /* value:             2.5  -2.5   3.5  -3.5  2.51 -2.51  2.49 -2.49 */
    static const char *const texts[] = {"2.5", "-2.5", "3.5", "-3.5", "2.51", "-2.51", "2.49", "-2.49"};
    static const struct {
        enum rounding rounding;
        int64_t values[8];
    } rows[] = {
        {ROUND_DOWN, {2, -2, 3, -3, 2, -2, 2, -2}},      {ROUND_UP, {3, -3, 4, -4, 3, -3, 3, -3}},
        {ROUND_FLOOR, {2, -3, 3, -4, 2, -3, 2, -3}},     {ROUND_CEIL, {3, -2, 4, -3, 3, -2, 3, -2}},
        {ROUND_HALF_EVEN, {2, -2, 4, -4, 3, -3, 2, -2}}, {ROUND_HALF_AWAY, {3, -3, 4, -4, 3, -3, 2, -2}},
    };
    for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
        for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
            int64_t value = 99;
            cr_assert_eq(parse(texts[t], 0, rows[r].rounding, &value), ERR_OK);
            cr_expect_eq(value, rows[r].values[t], "%s, rounding %d: %lld", texts[t], (int)rows[r].rounding,
                         (long long)value);
        }
    }
}

Test(decimal, other_shapes_are_syntax_errors_and_leave_the_output_alone)
{
    static const char *const texts[] = {
        "",     "-",      "+",     ".",   "1.",   ".5",   "-.5",   "1.e3",  "e3",    "1e",
        "1e+",  "1e-",    "1e1.5", "1,5", " 1",   "1 ",   "1\n",   "--1",   "+-1",   "1-",
        "0x10", "1_000",  "NaN",   "inf", "null", "1..2", "1.2.3", "1e2e3", "\"1\"", "12345678901234567890123x",
        "1.5f", "1.5e3 ", "00.-1"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int64_t value = 4711;
        money_t money = 4711;
        unsigned needed = 4711, written = 4711;
        cr_expect_eq(parse(texts[i], 8, ROUND_DOWN, &value), ERR_SYNTAX, "\"%s\"", texts[i]);
        cr_expect_eq(decimal_parse_money(texts[i], strlen(texts[i]), 8, ROUND_DOWN, &money), ERR_SYNTAX);
        cr_expect_eq(decimal_measure(texts[i], strlen(texts[i]), &needed, &written), ERR_SYNTAX);
        cr_expect(value == 4711 && money == 4711 && needed == 4711 && written == 4711, "\"%s\"", texts[i]);
    }
}

Test(decimal, text_ends_where_its_size_says_and_not_at_a_nul)
{
    int64_t value = 0;
    cr_assert_eq(decimal_parse("61659.70,0.5", 8, 2, ROUND_EXACT, &value), ERR_OK);
    cr_assert_eq(value, 6165970);
    cr_assert_eq(decimal_parse("1\0", 2, 2, ROUND_EXACT, &value), ERR_SYNTAX);
    cr_assert_eq(decimal_parse("61659.70", 6, 2, ROUND_EXACT, &value), ERR_SYNTAX); /* "61659." */
}

/* ---- against the oracle ---- */

static size_t put_digits(struct prng *prng, char *text, uint64_t count)
{
    /* Runs of nines, zeros and a single five are where rounding and carries go wrong. */
    static const char *const styles[] = {"0123456789", "9", "0", "05", "09", "0000005"};
    const char *style = styles[prng_below(prng, ARRAY_LEN(styles))];
    for (uint64_t i = 0; i < count; i++)
        text[i] = style[prng_below(prng, strlen(style))];
    return count;
}

/* A text of one of several kinds, from what venues send to what nobody should. */
static size_t draw_text(struct prng *prng, char *text)
{
    static const char *const limits[] = {"9223372036854775807",
                                         "9223372036854775808",
                                         "9223372036854775806",
                                         "170141183460469231731687303715884105727",
                                         "170141183460469231731687303715884105728",
                                         "18446744073709551616"};
    size_t size = 0;
    uint64_t kind = prng_below(prng, 8);
    if (prng_below(prng, 4) == 0)
        text[size++] = "-+"[prng_below(prng, 2)];
    if (kind == 0) { /* around the limits, the point anywhere */
        const char *limit = limits[prng_below(prng, ARRAY_LEN(limits))];
        size_t point = (size_t)prng_below(prng, strlen(limit) + 1);
        size += (size_t)sprintf(text + size, "%.*s", (int)point, limit);
        if (point == 0)
            text[size++] = '0';
        if (limit[point] != '\0')
            size += (size_t)sprintf(text + size, ".%s", limit + point);
        size += put_digits(prng, text + size, limit[point] == '\0' ? 0 : prng_below(prng, 4));
    } else {
        bool is_long = kind >= 6;
        size += put_digits(prng, text + size, 1 + prng_below(prng, is_long ? 60 : 9));
        if (prng_below(prng, 4) != 0) {
            text[size++] = '.';
            size += put_digits(prng, text + size, 1 + prng_below(prng, is_long ? 60 : 9));
        }
    }
    if (prng_below(prng, 4) == 0)
        size += (size_t)sprintf(
            text + size, "%c%s%d", "eE" [prng_below(prng, 2)], (const char *[]) { "", "+", "-" }[prng_below(prng, 3)],
            (int)prng_below(prng, 50));
    if (prng_below(prng, 16) == 0) /* and one in sixteen is damaged */
        text[prng_below(prng, size)] = "x.-+eE 0"[prng_below(prng, 8)];
    text[size] = '\0';
    return size;
}

#define TEXTS 60000
#define SEED  20240808

Test(decimal, random_texts_agree_with_arithmetic_on_paper)
{
    struct prng prng;
    prng_init(&prng, SEED, 1);
    unsigned accepted = 0;
    for (int i = 0; i < TEXTS; i++) {
        char text[256];
        size_t size = draw_text(&prng, text);
        unsigned decimals = (unsigned)prng_below(&prng, DECIMALS_MAX + 1);
        enum rounding rounding = (enum rounding)prng_below(&prng, 7);
        int64_t value = 1, expected = 1;
        err_t err = decimal_parse(text, size, decimals, rounding, &value);
        err_t want = oracle_parse_int64(text, size, decimals, rounding, &expected);
        cr_assert(err == want && value == expected, "seed %d: \"%s\" at %u, rounding %d: %s %lld, on paper %s %lld",
                  SEED, text, decimals, (int)rounding, err_name(err), (long long)value, err_name(want),
                  (long long)expected);
        accepted += err == ERR_OK;

        money_t money = 1, money_expected = 1;
        unsigned money_decimals = (unsigned)prng_below(&prng, DECIMAL_MONEY_MAX + 1);
        err = decimal_parse_money(text, size, money_decimals, rounding, &money);
        want = oracle_parse_money(text, size, money_decimals, rounding, &money_expected);
        cr_assert(err == want && money == money_expected, "seed %d: money \"%s\" at %u, rounding %d: %s, on paper %s",
                  SEED, text, money_decimals, (int)rounding, err_name(err), err_name(want));

        unsigned needed = 0, written = 0;
        int paper_needed = 0, paper_written = 0;
        err = decimal_measure(text, size, &needed, &written);
        bool shaped = oracle_measure(text, size, &paper_needed, &paper_written);
        cr_assert(err == (shaped ? ERR_OK : ERR_SYNTAX), "seed %d: \"%s\": %s", SEED, text, err_name(err));
        if (shaped)
            cr_assert((int)needed == paper_needed && (int)written == paper_written,
                      "seed %d: \"%s\": needs %u, wrote %u; on paper %d and %d", SEED, text, needed, written,
                      paper_needed, paper_written);
    }
    cr_assert_gt(accepted, TEXTS / 4, "the draw must not be mostly refused: %u", accepted);
}

Test(decimal, short_plain_prices_agree_with_arithmetic_on_paper)
{
    struct prng prng;
    prng_init(&prng, SEED, 2);
    for (int i = 0; i < TEXTS; i++) {
        char text[64];
        size_t size = 0;
        if (prng_below(&prng, 8) == 0)
            text[size++] = '-';
        size += put_digits(&prng, text + size, 1 + prng_below(&prng, 12));
        text[size++] = '.';
        size += put_digits(&prng, text + size, 1 + prng_below(&prng, 10));
        text[size] = '\0';
        unsigned decimals = (unsigned)prng_below(&prng, 12);
        int64_t value = 1, expected = 1;
        err_t err = decimal_parse(text, size, decimals, ROUND_HALF_EVEN, &value);
        err_t want = oracle_parse_int64(text, size, decimals, ROUND_HALF_EVEN, &expected);
        cr_assert(err == want && value == expected, "seed %d: \"%s\" at %u: %s %lld, on paper %s %lld", SEED, text,
                  decimals, err_name(err), (long long)value, err_name(want), (long long)expected);
    }
}

/* ---- measure ---- */

Test(decimal, measure_tells_what_is_needed_and_what_was_written)
{
    static const struct {
        const char *text;
        err_t err;
        unsigned needed, written;
    } lines[] = {
        {"61659.70", ERR_OK, 1, 2},   {"7.9276E-4", ERR_OK, 8, 8},  {"1e3", ERR_OK, 0, 0},
        {"1200e-2", ERR_OK, 0, 2},    {"0.000", ERR_OK, 0, 3},      {"100", ERR_OK, 0, 0},
        {"1.50e1", ERR_OK, 0, 1},     {"1e-999", ERR_OK, 999, 999}, {"1e-1000", ERR_RANGE, 0, 0},
        {"0e-1000", ERR_RANGE, 0, 0}, {"0e-999", ERR_OK, 0, 999},
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        unsigned needed = 0, written = 0;
        err_t err = decimal_measure(lines[i].text, strlen(lines[i].text), &needed, &written);
        cr_expect(err == lines[i].err && needed == lines[i].needed && written == lines[i].written, "%s: %s %u %u",
                  lines[i].text, err_name(err), needed, written);
    }
}

/* ---- text out ---- */

Test(decimal, format_writes_the_shortest_text_with_the_least_decimals_asked_for)
{
    static const struct {
        const char *money;
        unsigned decimals, least;
        const char *text;
    } lines[] = {
        {"0", 0, 0, "0"},
        {"0", 8, 0, "0"},
        {"0", 8, 2, "0.00"},
        {"6165970", 2, 0, "61659.7"},
        {"6165970", 2, 2, "61659.70"},
        {"-5", 1, 0, "-0.5"},
        {"-5", 3, 0, "-0.005"},
        {"100", 2, 0, "1"},
        {"100", 0, 0, "100"},
        {"123", 0, 0, "123"},
        {"9223372036854775807", 8, 0, "92233720368.54775807"},
        {"-9223372036854775808", 18, 0, "-9.223372036854775808"},
        {"170141183460469231731687303715884105727", 36, 0, "170.141183460469231731687303715884105727"},
        {"-170141183460469231731687303715884105728", 0, 0, "-170141183460469231731687303715884105728"},
        {"-170141183460469231731687303715884105728", 36, 36, "-170.141183460469231731687303715884105728"},
        {"100000000000000000000", 0, 0, "100000000000000000000"},
        {"100000000000000000000", 20, 1, "1.0"},
        {"1", 36, 0, "0.000000000000000000000000000000000001"},
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        money_t value = 0;
        char text[DECIMAL_TEXT_SIZE];
        cr_assert_eq(decimal_parse_money(lines[i].money, strlen(lines[i].money), 0, ROUND_EXACT, &value), ERR_OK);
        size_t size = decimal_format(text, value, lines[i].decimals, lines[i].least);
        cr_expect_str_eq(text, lines[i].text);
        cr_expect_eq(size, strlen(lines[i].text));
    }
}

Test(decimal, formatted_text_reads_back_to_the_same_value)
{
    struct prng prng;
    prng_init(&prng, SEED, 3);
    for (int i = 0; i < TEXTS; i++) {
        money_t value = (money_t)((u128_t)prng_next(&prng) << 64 | prng_next(&prng)) >> prng_below(&prng, 127);
        unsigned decimals = (unsigned)prng_below(&prng, DECIMAL_MONEY_MAX + 1);
        unsigned least = (unsigned)prng_below(&prng, decimals + 1);
        char text[DECIMAL_TEXT_SIZE];
        size_t size = decimal_format(text, value, decimals, least);
        money_t back = ~value;
        cr_assert_lt(size, sizeof(text));
        cr_assert_eq(decimal_parse_money(text, size, decimals, ROUND_EXACT, &back), ERR_OK, "seed %d: %s", SEED,
                     text);
        cr_assert(back == value, "seed %d: %s", SEED, text);
        const char *point = strchr(text, '.');
        size_t shown = point == NULL ? 0 : strlen(point + 1);
        cr_assert(shown >= least && (shown == least || text[size - 1] != '0'), "seed %d: %s, least %u", SEED, text,
                  least);
    }
}

/* ---- arithmetic ---- */

Test(decimal, muldiv_is_the_exact_quotient_rounded)
{
    struct prng prng;
    prng_init(&prng, SEED, 4);
    for (int i = 0; i < TEXTS; i++) {
        int64_t a = (int64_t)prng_next(&prng) >> prng_below(&prng, 64);
        int64_t b = (int64_t)prng_next(&prng) >> prng_below(&prng, 64);
        int64_t c = (int64_t)prng_next(&prng) >> prng_below(&prng, 64);
        if (prng_below(&prng, 4) == 0)
            b = 2 * prng_range(&prng, -50, 50) + 1, c = prng_below(&prng, 2) ? 2 : -2; /* ties */
        if (c == 0)
            c = INT64_MIN;
        enum rounding rounding = (enum rounding)prng_below(&prng, 7);
        int64_t value = 0;
        err_t err = decimal_muldiv(a, b, c, rounding, &value);
        money_t product = (money_t)a * b;
        /* floor by C's own division, which truncates */
        money_t floor = product / c - (product % c != 0 && (product < 0) != (c < 0));
        money_t rest = product - floor * c; /* of the sign of c, |rest| < |c| */
        money_t twice = rest * 2 - c;       /* against half */
        int against_half = rest == 0 ? -1 : twice == 0 ? 0 : (twice < 0) == (c < 0) ? 1 : -1;
        money_t expected = floor;
        bool minus = (product < 0) != (c < 0);
        if (rest != 0) {
            if (rounding == ROUND_CEIL || (rounding == ROUND_UP && !minus) || (rounding == ROUND_DOWN && minus))
                expected++;
            if (rounding == ROUND_HALF_EVEN)
                expected += against_half > 0 || (against_half == 0 && (floor & 1));
            if (rounding == ROUND_HALF_AWAY)
                expected += against_half > 0 || (against_half == 0 && !minus);
        }
        err_t want = rest != 0 && rounding == ROUND_EXACT           ? ERR_PRECISION
                     : expected > INT64_MAX || expected < INT64_MIN ? ERR_RANGE
                                                                    : ERR_OK;
        cr_assert(err == want && (err != ERR_OK || value == expected),
                  "seed %d: %lld x %lld / %lld, rounding %d: %s %lld", SEED, (long long)a, (long long)b, (long long)c,
                  (int)rounding, err_name(err), (long long)value);
    }
}

Test(decimal, divisions_at_the_ends_of_the_range_are_exact)
{
    int64_t value = 0;
    cr_assert_eq(decimal_muldiv(INT64_MIN, INT64_MIN, INT64_MIN, ROUND_EXACT, &value), ERR_OK);
    cr_assert_eq(value, INT64_MIN);
    cr_assert_eq(decimal_muldiv(INT64_MIN, 1, -1, ROUND_EXACT, &value), ERR_RANGE);
    cr_assert_eq(decimal_muldiv(INT64_MAX, INT64_MAX, INT64_MAX, ROUND_EXACT, &value), ERR_OK);
    cr_assert_eq(value, INT64_MAX);
    money_t lowest = (money_t)((u128_t)1 << 127);
    cr_assert(money_divide(lowest, 1, ROUND_FLOOR) == lowest);
    cr_assert(money_divide(lowest, lowest, ROUND_FLOOR) == 1);
    cr_assert(money_divide(lowest + 1, -1, ROUND_FLOOR) == -(lowest + 1));
    cr_assert(money_divide(-7, 2, ROUND_HALF_EVEN) == -4);
    cr_assert(money_divide(7, -2, ROUND_FLOOR) == -4);
    cr_assert(money_divide(lowest, 3, ROUND_HALF_AWAY) == lowest / 3 - 1); /* 2^127 / 3 = ...576.67 */
}

Test(decimal, money_moves_between_scales_or_says_why_not)
{
    money_t out = 77;
    cr_assert_eq(money_rescale(125, 2, 18, ROUND_EXACT, &out), ERR_OK);
    cr_assert(out == (money_t)1250000000000000000);
    cr_assert_eq(money_rescale(-125, 2, 1, ROUND_HALF_EVEN, &out), ERR_OK);
    cr_assert(out == -12);
    cr_assert_eq(money_rescale(-125, 2, 1, ROUND_EXACT, &out), ERR_PRECISION);
    cr_assert_eq(money_rescale(1, 0, 36, ROUND_EXACT, &out), ERR_OK);
    cr_assert(out == money_pow10(36));
    cr_assert_eq(money_rescale(171, 0, 36, ROUND_EXACT, &out), ERR_RANGE);
    cr_assert(out == money_pow10(36), "untouched on failure");
    cr_assert_eq(money_rescale(money_pow10(36), 36, 0, ROUND_EXACT, &out), ERR_OK);
    cr_assert(out == 1);
}

Test(decimal, sums_and_products_that_do_not_fit_are_refused)
{
    money_t highest = (money_t)(~(u128_t)0 >> 1), lowest = -highest - 1, out = 5;
    cr_assert_eq(money_add(highest, 1, &out), ERR_RANGE);
    cr_assert_eq(money_add(lowest, -1, &out), ERR_RANGE);
    cr_assert_eq(money_subtract(0, lowest, &out), ERR_RANGE);
    cr_assert_eq(money_subtract(lowest, 1, &out), ERR_RANGE);
    cr_assert_eq(money_multiply(lowest, -1, &out), ERR_RANGE);
    cr_assert_eq(money_multiply(highest, 2, &out), ERR_RANGE);
    cr_assert(out == 5, "untouched on failure");
    cr_assert_eq(money_add(highest, lowest, &out), ERR_OK);
    cr_assert(out == -1);
    cr_assert_eq(money_subtract(-1, lowest, &out), ERR_OK);
    cr_assert(out == highest);
    cr_assert_eq(money_multiply(highest, -1, &out), ERR_OK);
    cr_assert(out == lowest + 1);
}

Test(decimal, powers_of_ten_are_powers_of_ten)
{
    money_t power = 1;
    for (unsigned n = 0; n <= 38; n++) {
        cr_assert(money_pow10(n) == power, "10^%u", n);
        if (n <= 18)
            cr_assert_eq((money_t)decimal_pow10(n), power);
        if (n < 38)
            power *= 10;
    }
}
