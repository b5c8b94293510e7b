/* decimal.c: decimal text and scaled integers.
 *
 * Three readers, each giving up to the next:
 *
 *   parse_8         up to 8 characters, "61659.70": in one register, without a branch a digit
 *   parse_plain     up to 18 characters, "-116595.10000000": digit by digit, still nothing to round
 *   parse_general   any text, any exponent, every rounding, every error
 *
 * The first two cannot overflow before their one multiplication, which is checked; the last looks at the shape of
 * the whole text first and then keeps the digits that count. (Sixteen characters in two registers were measured
 * too: no faster than digit by digit.)
 */
#include "core/decimal.h"

#include <string.h>

#define PLAIN_SIZE_MAX 18 /* so many digits cannot overflow an int64 */

static const int64_t pow10_table[19] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

int64_t decimal_pow10(unsigned n)
{
    ASSERT(n < ARRAY_LEN(pow10_table));
    return pow10_table[n];
}

money_t money_pow10(unsigned n)
{
    ASSERT(n <= 38);
    unsigned low = n <= 18 ? n : 18;
    unsigned middle = n - low <= 18 ? n - low : 18;
    return (money_t)pow10_table[low] * pow10_table[middle] * pow10_table[n - low - middle];
}

/* ---- rounding ---- */

/* How the part that is cut off compares with half a unit of the last digit kept. */
enum rest { REST_NONE, REST_BELOW_HALF, REST_HALF, REST_ABOVE_HALF };

/* Does the magnitude grow by one? `odd` is of the last digit kept. Not for ROUND_EXACT. */
static bool rounds_up(enum rounding rounding, enum rest rest, bool negative, bool odd)
{
    if (rest == REST_NONE)
        return false;
    switch (rounding) {
    case ROUND_EXACT:
    case ROUND_DOWN:
        return false;
    case ROUND_UP:
        return true;
    case ROUND_FLOOR:
        return negative;
    case ROUND_CEIL:
        return !negative;
    case ROUND_HALF_EVEN:
        return rest == REST_ABOVE_HALF || (rest == REST_HALF && odd);
    case ROUND_HALF_AWAY:
        return rest != REST_BELOW_HALF;
    }
    ASSERT(!"enum rounding");
    return false;
}

static enum rest rest_of(u128_t remainder, u128_t divisor)
{
    if (remainder == 0)
        return REST_NONE;
    u128_t other = divisor - remainder; /* remainder < divisor: comparing these two cannot overflow */
    return remainder < other ? REST_BELOW_HALF : remainder == other ? REST_HALF : REST_ABOVE_HALF;
}

/* ---- the general reader ---- */

/* The text taken apart: +-0.d1 d2 d3 ... dn x 10^point, d1 and dn not zero; n = 0 is zero. */
struct number {
    const char *digits; /* at d1; a '.' may stand among the digits */
    int64_t count;      /* n */
    int64_t point;
    int64_t written; /* digits after the point as written, exponent applied; may be negative */
    bool negative;
};

/* Exponents beyond this are all the same: too large or too small for any text that fits in memory. */
#define EXPONENT_CLAMP (INT64_MAX / 4)

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

static err_t read_exponent(const char *at, const char *end, int64_t *exponent)
{
    bool negative = false;
    if (at < end && (*at == '-' || *at == '+'))
        negative = *at++ == '-';
    if (at == end)
        return ERR_SYNTAX;
    int64_t value = 0;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return ERR_SYNTAX;
        if (value < EXPONENT_CLAMP / 10)
            value = value * 10 + (*at - '0');
        else
            value = EXPONENT_CLAMP;
    }
    *exponent = negative ? -value : value;
    return ERR_OK;
}

static err_t read_number(const char *text, size_t text_size, struct number *number)
{
    const char *at = text, *end = text + text_size;
    bool negative = false;
    if (at < end && (*at == '-' || *at == '+'))
        negative = *at++ == '-';

    int64_t seen = 0, before_point = 0; /* digits, the leading zeros included */
    int64_t first = -1, last = -1;      /* index of the first and the last that is not zero */
    const char *first_at = at;
    bool after_point = false;
    for (; at < end; at++) {
        if (is_digit(*at)) {
            if (*at != '0') {
                if (first < 0) {
                    first = seen;
                    first_at = at;
                }
                last = seen;
            }
            seen++;
            before_point += !after_point;
        } else if (*at == '.' && !after_point && seen > 0) {
            after_point = true;
        } else {
            break;
        }
    }
    if (seen == 0 || (after_point && seen == before_point)) /* nothing at all, or "1." */
        return ERR_SYNTAX;

    int64_t exponent = 0;
    if (at < end) {
        if (*at != 'e' && *at != 'E')
            return ERR_SYNTAX;
        err_t err = read_exponent(at + 1, end, &exponent);
        if (err != ERR_OK)
            return err;
    }
    *number = (struct number){.digits = first_at,
                              .count = first < 0 ? 0 : last - first + 1,
                              .point = first < 0 ? 0 : before_point - first + exponent,
                              .written = seen - before_point - exponent,
                              .negative = negative};
    return ERR_OK;
}

/* The digits after the first `kept`, against half a unit of the last kept one. kept < count. */
static enum rest rest_of_digits(const struct number *number, int64_t kept, const char *at)
{
    if (kept < 0) /* 0.0xyz of a unit, and d1 is not zero */
        return REST_BELOW_HALF;
    if (*at == '.')
        at++;
    int digit = *at - '0';
    bool more = number->count > kept + 1; /* the last digit is not zero */
    if (digit == 5)
        return more ? REST_ABOVE_HALF : REST_HALF;
    return digit < 5 ? REST_BELOW_HALF : REST_ABOVE_HALF;
}

/* |number| x 10^decimals, rounded, not above `limit` (below 2^127 + 1). */
static err_t scale_number(const struct number *number, unsigned decimals, enum rounding rounding, u128_t limit,
                          u128_t *magnitude)
{
    u128_t value = 0;
    if (number->count > 0) {
        int64_t kept = number->point + (int64_t)decimals; /* digits of the result's integer part */
        if (kept > 39)
            return ERR_RANGE; /* at least 10^39, above 2^128 */
        const char *at = number->digits;
        for (int64_t i = 0; i < kept; i++) {
            int digit = 0; /* beyond the last digit: zeros */
            if (i < number->count) {
                if (*at == '.')
                    at++;
                digit = *at++ - '0';
            }
            if (__builtin_mul_overflow(value, (u128_t)10, &value) ||
                __builtin_add_overflow(value, (u128_t)digit, &value))
                return ERR_RANGE;
        }
        if (value > limit)
            return ERR_RANGE;
        if (kept < number->count) {
            if (rounding == ROUND_EXACT)
                return ERR_PRECISION;
            value += rounds_up(rounding, rest_of_digits(number, kept, at), number->negative, value & 1);
        }
    }
    if (value > limit)
        return ERR_RANGE;
    *magnitude = value;
    return ERR_OK;
}

static err_t __attribute__((noinline))
parse_general(const char *text, size_t text_size, unsigned decimals, enum rounding rounding, int64_t *value)
{
    struct number number;
    err_t err = read_number(text, text_size, &number);
    if (err != ERR_OK)
        return err;
    u128_t magnitude;
    err = scale_number(&number, decimals, rounding, (u128_t)INT64_MAX + number.negative, &magnitude);
    if (err != ERR_OK)
        return err;
    *value = (int64_t)(number.negative ? 0 - (uint64_t)magnitude : (uint64_t)magnitude);
    return ERR_OK;
}

/* ---- the fast readers ---- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* 1 to 8 characters as a number, the first in the lowest byte, zero bytes above. */
static uint64_t load_word(const char *text, size_t size)
{
    uint64_t word = 0;
    if (size == 8) {
        memcpy(&word, text, 8);
    } else if (size >= 4) { /* two halves that overlap */
        uint32_t low, high;
        memcpy(&low, text, 4);
        memcpy(&high, text + size - 4, 4);
        word = low | (uint64_t)high << (8 * (size - 4));
    } else {
        for (size_t i = 0; i < size; i++)
            word |= (uint64_t)(unsigned char)text[i] << (8 * i);
    }
    return word;
}

/* Eight bytes 0..9, the first digit in the lowest byte, as a number: pairs, then fours, then all (Lemire, "Number
 * parsing at a gigabyte per second", 2021). */
static uint32_t join_digits(uint64_t digits)
{
    digits = digits * 10 + (digits >> 8);
    return (uint32_t)(((digits & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
                       (digits >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
                      32);
}

/* Digits with at most one point among them, and no more decimals than wanted. False: something else. */
static bool parse_8(const char *text, size_t size, unsigned decimals, int64_t *value)
{
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
        return false;
    uint64_t word = load_word(text, size) ^ (EACH(0x30) >> (64 - 8 * size));    /* digits become 0..9 */
    uint64_t others = (((word & EACH(0x7f)) + EACH(0x76)) | word) & EACH(0x80); /* a bit for every byte above 9 */
    if (others != 0) {
        unsigned at = (unsigned)__builtin_ctzll(others) & ~7u; /* the bit where the first of them starts */
        unsigned written = (unsigned)size - 1 - at / 8;        /* characters after it */
        if ((others & (others - 1)) != 0 || (word >> at & 0xff) != ('.' ^ 0x30) || at == 0 || written == 0 ||
            written > decimals)
            return false;
        /* Take the point out; what is above it moves down. */
        word = (word & ((UINT64_C(1) << at) - 1)) | (word >> 8 & ~UINT64_C(0) << at);
        size--;
        decimals -= written;
    }
    return !__builtin_mul_overflow((int64_t)join_digits(word << (64 - 8 * size)), pow10_table[decimals], value);
}

static err_t __attribute__((noinline))
parse_plain(const char *text, size_t text_size, unsigned decimals, enum rounding rounding, int64_t *value)
{
    if (UNLIKELY(text_size == 0 || text_size > PLAIN_SIZE_MAX))
        return parse_general(text, text_size, decimals, rounding, value);
    const char *at = text, *end = text + text_size;
    bool negative = *at == '-';
    at += negative;

    uint64_t number = 0;
    unsigned missing = decimals; /* zeros to append */
    const char *digits = at;
    for (unsigned digit; at < end && (digit = (unsigned char)(*at - '0')) <= 9; at++)
        number = number * 10 + digit;
    if (UNLIKELY(at == digits))
        return parse_general(text, text_size, decimals, rounding, value);
    if (at < end) {
        const char *fraction = at + 1;
        if (UNLIKELY(*at != '.' || fraction == end))
            return parse_general(text, text_size, decimals, rounding, value);
        const char *stop = (size_t)(end - fraction) > decimals ? fraction + decimals : end;
        at = fraction;
        for (unsigned digit; at < stop && (digit = (unsigned char)(*at - '0')) <= 9; at++)
            number = number * 10 + digit;
        missing -= (unsigned)(at - fraction);
        while (at < end && *at == '0') /* more decimals than wanted, but none that counts */
            at++;
        if (UNLIKELY(at != end))
            return parse_general(text, text_size, decimals, rounding, value);
    }
    int64_t magnitude;
    if (UNLIKELY(__builtin_mul_overflow((int64_t)number, pow10_table[missing], &magnitude)))
        return ERR_RANGE; /* also -2^63 itself, whose 19 digits are never here */
    *value = negative ? -magnitude : magnitude;
    return ERR_OK;
}

err_t decimal_parse(const char *text, size_t text_size, unsigned decimals, enum rounding rounding, int64_t *value)
{
    ASSERT(decimals <= DECIMALS_MAX);
    int64_t at_once;
    if (text_size - 1 < 8 && LIKELY(parse_8(text, text_size, decimals, &at_once))) {
        *value = at_once;
        return ERR_OK;
    }
    return parse_plain(text, text_size, decimals, rounding, value);
}

err_t decimal_parse_money(const char *text, size_t text_size, unsigned decimals, enum rounding rounding,
                          money_t *value)
{
    ASSERT(decimals <= DECIMAL_MONEY_MAX);
    struct number number;
    err_t err = read_number(text, text_size, &number);
    if (err != ERR_OK)
        return err;
    u128_t magnitude;
    err = scale_number(&number, decimals, rounding, ((u128_t)1 << 127) - 1 + number.negative, &magnitude);
    if (err != ERR_OK)
        return err;
    *value = (money_t)(number.negative ? 0 - magnitude : magnitude);
    return ERR_OK;
}

err_t decimal_measure(const char *text, size_t text_size, unsigned *needed, unsigned *written)
{
    struct number number;
    err_t err = read_number(text, text_size, &number);
    if (err != ERR_OK)
        return err;
    int64_t need = number.count - number.point > 0 ? number.count - number.point : 0;
    int64_t wrote = number.written > need ? number.written : need;
    if (wrote > 999)
        return ERR_RANGE;
    *needed = (unsigned)need;
    *written = (unsigned)wrote;
    return ERR_OK;
}

/* ---- text out ---- */

/* Digits of `value`, last one first, at least `count_min` of them; returns how many. */
static unsigned digits_backward(u128_t value, unsigned count_min, char *digits)
{
    unsigned count = 0;
    while (value > UINT64_MAX) { /* 128-bit divisions are slow: one for 19 digits */
        uint64_t low = (uint64_t)(value % UINT64_C(10000000000000000000));
        value /= UINT64_C(10000000000000000000);
        for (int i = 0; i < 19; i++, low /= 10)
            digits[count++] = (char)('0' + low % 10);
    }
    for (uint64_t low = (uint64_t)value; low != 0; low /= 10)
        digits[count++] = (char)('0' + low % 10);
    while (count < count_min)
        digits[count++] = '0';
    return count;
}

size_t decimal_format(char *text, money_t value, unsigned decimals, unsigned decimals_min)
{
    ASSERT(decimals <= DECIMAL_MONEY_MAX && decimals_min <= decimals);
    char digits[48];
    u128_t magnitude = value < 0 ? 0 - (u128_t)value : (u128_t)value;
    unsigned count = digits_backward(magnitude, decimals + 1, digits);
    unsigned cut = 0; /* trailing zeros that need not be shown */
    while (cut < decimals - decimals_min && digits[cut] == '0')
        cut++;

    char *at = text;
    if (value < 0)
        *at++ = '-';
    for (unsigned i = count; i-- > decimals;)
        *at++ = digits[i];
    if (cut < decimals)
        *at++ = '.';
    for (unsigned i = decimals; i-- > cut;)
        *at++ = digits[i];
    *at = '\0';
    return (size_t)(at - text);
}

/* ---- arithmetic ---- */

/* dividend / divisor rounded; ERR_PRECISION for ROUND_EXACT with a remainder, ERR_RANGE above int128. */
static err_t divide(money_t dividend, money_t divisor, enum rounding rounding, money_t *quotient)
{
    ASSERT(divisor != 0);
    bool negative = (dividend < 0) != (divisor < 0);
    u128_t over = dividend < 0 ? 0 - (u128_t)dividend : (u128_t)dividend;
    u128_t under = divisor < 0 ? 0 - (u128_t)divisor : (u128_t)divisor;
    u128_t magnitude = over / under;
    enum rest rest = rest_of(over % under, under);
    if (rest != REST_NONE && rounding == ROUND_EXACT)
        return ERR_PRECISION;
    magnitude += rounds_up(rounding, rest, negative, magnitude & 1);
    if (magnitude > ((u128_t)1 << 127) - 1 + negative)
        return ERR_RANGE; /* -2^127 / -1 */
    *quotient = (money_t)(negative ? 0 - magnitude : magnitude);
    return ERR_OK;
}

err_t decimal_muldiv(int64_t a, int64_t b, int64_t c, enum rounding rounding, int64_t *value)
{
    money_t quotient;
    err_t err = divide((money_t)a * b, c, rounding, &quotient);
    if (err != ERR_OK)
        return err;
    if (quotient > INT64_MAX || quotient < INT64_MIN)
        return ERR_RANGE;
    *value = (int64_t)quotient;
    return ERR_OK;
}

money_t money_divide(money_t dividend, money_t divisor, enum rounding rounding)
{
    ASSERT(rounding != ROUND_EXACT);
    money_t quotient = 0;
    err_t err = divide(dividend, divisor, rounding, &quotient);
    ASSERT(err == ERR_OK);
    return quotient;
}

err_t money_rescale(money_t value, unsigned from, unsigned to, enum rounding rounding, money_t *out)
{
    ASSERT(from <= DECIMAL_MONEY_MAX && to <= DECIMAL_MONEY_MAX);
    if (to >= from)
        return money_multiply(value, money_pow10(to - from), out);
    return divide(value, money_pow10(from - to), rounding, out);
}

err_t money_add(money_t a, money_t b, money_t *sum)
{
    money_t result;
    if (__builtin_add_overflow(a, b, &result))
        return ERR_RANGE;
    *sum = result;
    return ERR_OK;
}

err_t money_subtract(money_t a, money_t b, money_t *difference)
{
    money_t result;
    if (__builtin_sub_overflow(a, b, &result))
        return ERR_RANGE;
    *difference = result;
    return ERR_OK;
}

err_t money_multiply(money_t a, money_t b, money_t *product)
{
    money_t result;
    if (__builtin_mul_overflow(a, b, &result))
        return ERR_RANGE;
    *product = result;
    return ERR_OK;
}
