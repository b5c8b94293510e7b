#include "feeds/synth_math.h"

uint64_t synth_sqrt(u128_t x)
{
    u128_t root = 0, bit = (u128_t)1 << 126;
    while (bit > x)
        bit >>= 2;
    for (; bit != 0; bit >>= 2) {
        if (x >= root + bit) {
            x -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint64_t)root;
}

/* 2^(-1/2), 2^(-1/4) ... 2^(-1/256) are square roots of one another; every entry is a product of some. */
void synth_exp_init(struct synth_exp *exp)
{
    uint64_t roots_q62[8]; /* roots_q62[k] = 2^(-1/2^(k+1)) */
    u128_t at = (u128_t)1 << 61;
    for (unsigned k = 0; k < 8; k++) {
        at = synth_sqrt(at << 62);
        roots_q62[k] = (uint64_t)at;
    }
    for (unsigned i = 0; i < 256; i++) {
        u128_t value = (u128_t)1 << 62;
        for (unsigned k = 0; k < 8; k++)
            if (i >> (7 - k) & 1)
                value = value * roots_q62[k] >> 62;
        exp->table[i] = (uint32_t)((value >> 30) - (i == 0));
    }
    exp->table[256] = UINT32_C(1) << 31;
}

uint64_t synth_exp2(const struct synth_exp *exp, int64_t x_q32)
{
    if (x_q32 <= -16 * Q32)
        return 0;
    if (x_q32 >= 31 * Q32)
        x_q32 = 31 * Q32 - 1;
    /* x = up - down with a whole `up`, so that the table's 2^-down does the rest. */
    int64_t up = x_q32 > 0 ? (x_q32 >> 32) + 1 : 0;
    uint64_t down = (uint64_t)((up << 32) - x_q32);
    return (uint64_t)((u128_t)synth_exp2_neg(exp, down) << up >> 16);
}

int64_t synth_log2(uint64_t x)
{
    ASSERT(x >= 1);
    unsigned whole = 63 - (unsigned)__builtin_clzll(x);
    u128_t mantissa = (u128_t)x << (63 - whole); /* in [1, 2) at Q63 */
    uint64_t fraction = 0;
    for (unsigned i = 0; i < 32; i++) {
        mantissa = mantissa * mantissa >> 63;
        fraction <<= 1;
        if (mantissa >> 64 != 0) {
            fraction |= 1;
            mantissa >>= 1;
        }
    }
    return (int64_t)((uint64_t)whole << 32 | fraction);
}

uint64_t synth_pow_neg(const struct synth_exp *exp, uint64_t x, int64_t exponent_q16)
{
    u128_t power = (u128_t)(uint64_t)synth_log2(x) * (uint64_t)exponent_q16 >> 16;
    return power >= (u128_t)32 << 32 ? 0 : synth_exp2_neg(exp, (uint64_t)power);
}

/* Vose 1991, with whole numbers: every cell holds `sum` of mass after scaling by the number of cells, so no
 * remainder is lost; the only rounding is the last one, of a cell's share to 32 bits. */
void synth_alias_init(struct synth_alias *alias, const uint64_t *weights, uint32_t count)
{
    ASSERT(count >= 1 && count <= SYNTH_ALIAS_COUNT);
    uint64_t mass[SYNTH_ALIAS_COUNT] = {0}, sum = 0;
    uint32_t small[SYNTH_ALIAS_COUNT], large[SYNTH_ALIAS_COUNT], small_count = 0, large_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        ASSERT(weights[i] < UINT64_C(1) << 52);
        sum += weights[i];
        mass[i] = weights[i] << SYNTH_ALIAS_BITS;
    }
    ASSERT(sum > 0 && sum < UINT64_C(1) << 52);
    for (uint32_t i = SYNTH_ALIAS_COUNT; i-- > 0;) {
        if (mass[i] < sum)
            small[small_count++] = i;
        else
            large[large_count++] = i;
    }
    while (small_count > 0 && large_count > 0) {
        uint32_t poor = small[--small_count], rich = large[large_count - 1];
        alias->cells[poor].keep = (uint32_t)(((u128_t)mass[poor] << 32) / sum);
        alias->cells[poor].other = rich;
        mass[rich] -= sum - mass[poor];
        if (mass[rich] < sum) {
            large_count--;
            small[small_count++] = rich;
        }
    }
    /* What is left holds exactly `sum`. */
    while (large_count > 0) {
        uint32_t full = large[--large_count];
        alias->cells[full].keep = UINT32_MAX;
        alias->cells[full].other = full;
    }
    ASSERT(small_count == 0);
}
