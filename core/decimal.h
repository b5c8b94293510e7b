/* decimal.h: decimal text to scaled integers and back, exactly or not at all.
 *
 *   "61659.70"  --decimals 2-->  6165970        "7.9276E-4" --decimals 8--> 79276
 *
 * Text is [-+]digits[.digits][(e|E)[-+]digits], at least one digit, no spaces, no locale. A value
 * that has more decimals than asked for is rounded in the named direction, or refused
 * (ROUND_EXACT, ERR_PRECISION). A value that does not fit is ERR_RANGE; text of another shape is
 * ERR_SYNTAX. There is no limit on the number of digits in the text. Minus zero is zero.
 */
#ifndef TAPEDECK_CORE_DECIMAL_H
#define TAPEDECK_CORE_DECIMAL_H

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum rounding {
    ROUND_EXACT,     /* refuse what does not fit: ERR_PRECISION */
    ROUND_DOWN,      /* toward zero (truncate) */
    ROUND_UP,        /* away from zero */
    ROUND_FLOOR,     /* toward minus infinity */
    ROUND_CEIL,      /* toward plus infinity */
    ROUND_HALF_EVEN, /* to nearest, ties to the even neighbour */
    ROUND_HALF_AWAY, /* to nearest, ties away from zero */
};

#define DECIMALS_MAX      18 /* largest scale of a price, quantity or rate */
#define DECIMAL_MONEY_MAX 36 /* largest scale of a money_t */
#define DECIMAL_TEXT_SIZE 48 /* room for any money_t at any scale, sign, point and NUL included */

/* Text to int64 at `decimals` (0..DECIMALS_MAX). */
err_t decimal_parse(const char *text, size_t text_size, unsigned decimals, enum rounding rounding,
                    int64_t *value) MUST_USE;
/* Text to money_t at `decimals` (0..DECIMAL_MONEY_MAX). */
err_t decimal_parse_money(const char *text, size_t text_size, unsigned decimals, enum rounding rounding,
                          money_t *value) MUST_USE;

/* The number of decimals that the text needs to be kept exactly: trailing zeros do not count, an
 * exponent does ("7.9276E-4" needs 8, "61659.70" needs 1, "1e3" needs 0). `written` is the number of
 * digits after the point as written ("61659.70": 2), exponent applied, never below `needed`. Both 0..999;
 * ERR_RANGE above that. */
err_t decimal_measure(const char *text, size_t text_size, unsigned *needed, unsigned *written) MUST_USE;

/* Shortest text that reads back to the same value, with at least `decimals_min` digits after the point
 * (decimals_min <= decimals). Writes a NUL; returns the length without it. `text` holds
 * DECIMAL_TEXT_SIZE bytes. */
size_t decimal_format(char *text, money_t value, unsigned decimals, unsigned decimals_min);

/* a * b / c with a 128-bit product, rounded as named; c != 0. ERR_RANGE when the result exceeds int64,
 * ERR_PRECISION for ROUND_EXACT with a remainder. */
err_t decimal_muldiv(int64_t a, int64_t b, int64_t c, enum rounding rounding, int64_t *value) MUST_USE;
/* dividend / divisor rounded as named (not ROUND_EXACT); divisor != 0, and not -2^127 / -1 (asserted). */
money_t money_divide(money_t dividend, money_t divisor, enum rounding rounding);
/* Move between scales: multiply by 10^(to - from), or divide with the named rounding. ERR_RANGE on
 * overflow, ERR_PRECISION for ROUND_EXACT. */
err_t money_rescale(money_t value, unsigned from, unsigned to, enum rounding rounding, money_t *out) MUST_USE;
err_t money_add(money_t a, money_t b, money_t *sum) MUST_USE;
err_t money_subtract(money_t a, money_t b, money_t *difference) MUST_USE;
err_t money_multiply(money_t a, money_t b, money_t *product) MUST_USE;

/* 10^n for n in 0..18. */
int64_t decimal_pow10(unsigned n);
/* 10^n for n in 0..38. */
money_t money_pow10(unsigned n);

#ifdef __cplusplus
}
#endif
#endif
