/* synth_math.h: the few functions of mathematics that a market needs, in integers.
 *
 * The synthetic market must be the same on every machine and compiler, so it owns no double: powers,
 * logarithms and decays are fixed point, made from integer square roots, multiplications and shifts.
 * "Q32" is a number times 2^32.
 *
 *   2^-x          a table of 2^(-i/256) and linear interpolation: relative error below 2e-6
 *   log2 x        by repeated squaring, 32 bits; only at the start
 *   x^-a          2^(-a log2 x)
 *   a choice      Walker's alias table (Vose's construction): any distribution over up to 1024 outcomes in
 *                 one draw and one comparison
 */
#ifndef TAPEDECK_FEEDS_SYNTH_MATH_H
#define TAPEDECK_FEEDS_SYNTH_MATH_H

#include "core/base.h"

#define Q16 (INT64_C(1) << 16)
#define Q32 (INT64_C(1) << 32)

struct synth_exp {
    uint32_t table[257]; /* 2^(-i/256) at Q32, less one for i = 0, which would not fit */
};

#define SYNTH_ALIAS_BITS  10
#define SYNTH_ALIAS_COUNT (1u << SYNTH_ALIAS_BITS)
struct synth_alias {
    struct {
        uint32_t keep;  /* probability at Q32 to stay with this outcome */
        uint32_t other; /* the outcome otherwise */
    } cells[SYNTH_ALIAS_COUNT];
};

void synth_exp_init(struct synth_exp *exp);
/* 2^-x at Q32 for x at Q32; 0 from x = 32 on; 2^-0 is 2^32 - 1. */
static inline uint64_t synth_exp2_neg(const struct synth_exp *exp, uint64_t x_q32)
{
    uint64_t whole = x_q32 >> 32;
    if (whole >= 32)
        return 0;
    uint32_t index = (uint32_t)(x_q32 >> 24) & 255;
    uint64_t rest = x_q32 & 0xffffff;
    uint64_t high = exp->table[index], low = exp->table[index + 1];
    return (high - (((high - low) * rest) >> 24)) >> whole;
}
/* 2^x at Q16 for x at Q32, -16 <= x < 31; saturates outside. */
uint64_t synth_exp2(const struct synth_exp *exp, int64_t x_q32);
/* log2 of x (x >= 1), at Q32, rounded down. */
int64_t synth_log2(uint64_t x);
/* x^-(exponent_q16 / 2^16) at Q32, x >= 1, exponent > 0. */
uint64_t synth_pow_neg(const struct synth_exp *exp, uint64_t x, int64_t exponent_q16);
/* Largest r with r * r <= x. */
uint64_t synth_sqrt(u128_t x);

/* Outcome i (0..count-1, count <= SYNTH_ALIAS_COUNT) has probability weights[i] / sum. The sum is positive and
 * below 2^52. */
void synth_alias_init(struct synth_alias *alias, const uint64_t *weights, uint32_t count);
/* The outcome for 64 uniform bits. */
static inline uint32_t synth_alias_pick(const struct synth_alias *alias, uint64_t bits)
{
    uint32_t index = (uint32_t)(bits >> (64 - SYNTH_ALIAS_BITS));
    return (uint32_t)bits < alias->cells[index].keep ? index : alias->cells[index].other;
}

#endif
