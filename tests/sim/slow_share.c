/* The shares of the queue models as plain fractions of wide integers. */
#include <criterion/criterion.h>

#include "slow_venue.h"

static u128_t raise(u128_t base, unsigned exponent)
{
    u128_t power = 1;
    while (exponent-- > 0)
        power *= base;
    return power;
}

static u128_t square_root(u128_t x)
{
    u128_t root = 0;
    for (int bit = 63; bit >= 0; bit--) {
        u128_t next = root | (u128_t)1 << bit;
        if (next * next <= x)
            root = next;
    }
    return root;
}

/* x^(quarters/4), at a scale that is the same for one exponent. */
static u128_t power(qty_t x, unsigned quarters)
{
    if (quarters % 4 == 0)
        return raise((u128_t)x, quarters / 4);
    if (quarters % 2 == 0)
        return square_root(raise((u128_t)x, quarters / 2) << 80); /* 32^5 x 2^80 */
    cr_assert_leq(quarters, 3);
    return square_root(square_root(raise((u128_t)x, quarters) << 112)); /* 32^3 x 2^112 */
}

/* log2(1 + x) at 2^-60, digit by digit. */
static u128_t logarithm(qty_t x)
{
    uint64_t value = (uint64_t)x + 1;
    unsigned whole = 63 - (unsigned)__builtin_clzll(value);
    u128_t mantissa = (u128_t)value << (63 - whole), digits = 0;
    for (int i = 0; i < 60; i++) {
        mantissa = mantissa * mantissa >> 63;
        digits <<= 1;
        if (mantissa >> 64 != 0) {
            mantissa >>= 1;
            digits |= 1;
        }
    }
    return ((u128_t)whole << 60) + digits;
}

int64_t slow_share(const struct queue_model *model, qty_t ahead, qty_t behind, qty_t quantity)
{
    u128_t num = 0, den = 1;
    switch (model->kind) {
    case QUEUE_PESSIMISTIC:
    case QUEUE_L3_FIFO:
        break;
    case QUEUE_OPTIMISTIC:
        num = 1;
        break;
    case QUEUE_PROPORTIONAL:
        num = (u128_t)ahead;
        den = (u128_t)(ahead + behind);
        break;
    case QUEUE_POWER:
        num = power(ahead, model->exponent);
        den = num + power(behind, model->exponent);
        break;
    case QUEUE_POWER2:
        den = power(ahead + behind, model->exponent);
        num = den - power(behind, model->exponent);
        break;
    case QUEUE_POWER3:
        num = power(ahead, model->exponent);
        den = power(ahead + behind, model->exponent);
        break;
    case QUEUE_LOG:
        num = logarithm(ahead);
        den = num + logarithm(behind);
        break;
    case QUEUE_LOG2:
        den = logarithm(ahead + behind);
        num = den - logarithm(behind);
        break;
    }
    return (int64_t)((num * (u128_t)quantity * 65536 * 2 + den) / (den * 2));
}
