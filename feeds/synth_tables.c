/* The distributions of synth_flow.h, computed once at the start, in integers. */
#include "feeds/synth_flow.h"

/* The shape of the book: orders a level, at Q16, that it holds at a distance from the own best price when nothing
 * moves. It rises from 4 at the touch to 8 at 24 ticks (the hump) and falls slowly to 2 at the far end. */
#define HUMP_TICKS 24
#define FALL_TICKS 200
static uint64_t profile_q16(uint64_t distance)
{
    if (distance < HUMP_TICKS)
        return (uint64_t)Q16 * (4 * HUMP_TICKS + 4 * distance) / HUMP_TICKS;
    return (uint64_t)Q16 * 8 * (HUMP_TICKS + FALL_TICKS) / (distance + FALL_TICKS);
}

/* The first tick of each band. */
static const uint32_t band_first[SYNTH_BANDS + 1] = {0, 2, 5, 11, 24, 52, 112, 240, SYNTH_DEPTH};

#define MAKER_SHARE_PPM   450000 /* limit orders of the exponential part */
#define MAKER_DECAY_TICKS 4
#define POWER_EXPONENT    (Q16 * 8 / 10)
#define POWER_SHIFT       3 /* (i + 3)^-0.8: the power holds from a few ticks on */
#define SIZE_SCALE        60
#define SIZE_TAIL_INVERSE (Q16 * 10 / 16) /* 1 / 1.6 */

/* Weights at 2^40 of placing i + 1 ticks from the opposite best price. */
static void placement_weights(const struct synth_exp *exp, uint64_t *weights)
{
    uint64_t makers[SYNTH_DEPTH], powers[SYNTH_DEPTH], maker_sum = 0, power_sum = 0;
    for (uint32_t i = 0; i < SYNTH_DEPTH; i++) {
        /* e^-(i / decay) = 2^-(i / (decay ln 2)); log2(e) at Q32 is 6196328019. */
        makers[i] = synth_exp2_neg(exp, UINT64_C(6196328019) * i / MAKER_DECAY_TICKS);
        powers[i] = synth_pow_neg(exp, i + 1 + POWER_SHIFT, POWER_EXPONENT);
        maker_sum += makers[i];
        power_sum += powers[i];
    }
    for (uint32_t i = 0; i < SYNTH_DEPTH; i++) {
        u128_t maker = ((u128_t)makers[i] << 20) * MAKER_SHARE_PPM / maker_sum;
        u128_t power = ((u128_t)powers[i] << 20) * (1000000 - MAKER_SHARE_PPM) / power_sum;
        weights[i] = (uint64_t)(maker + power);
    }
}

/* A hazard is what keeps the chosen number of orders: arrivals at a distance, over orders there (on both sides). */
static void hazards(struct synth_tables *tables, const uint64_t *weights)
{
    uint64_t sum = 0, orders_q16 = 0, opening[SYNTH_DEPTH];
    for (uint32_t i = 0; i < SYNTH_DEPTH; i++)
        sum += weights[i];
    for (uint32_t b = 0; b < SYNTH_BANDS; b++) {
        tables->band_hazard_q32[b] = 0;
        for (uint32_t i = band_first[b]; i < band_first[b + 1]; i++) {
            opening[i] = profile_q16(i);
            orders_q16 += opening[i];
            uint64_t hazard = (uint64_t)(((u128_t)weights[i] << 48) / sum / (2 * opening[i]));
            tables->hazard_q32[i] = hazard;
            tables->band[i] = (uint8_t)b;
            if (hazard > tables->band_hazard_q32[b])
                tables->band_hazard_q32[b] = hazard;
        }
    }
    tables->opening_count = (uint32_t)(orders_q16 >> 16);
    synth_alias_init(&tables->opening, opening, SYNTH_DEPTH);
}

/* The largest of 1, 2, 5, 10, 20, 50 ... that is not above `lots`. */
static uint32_t round_down(uint32_t lots)
{
    uint32_t power = 1;
    while (lots / power >= 10)
        power *= 10;
    uint32_t lead = lots / power;
    return power * (lead >= 5 ? 5 : lead >= 2 ? 2 : 1);
}

/* Quantile u of a Lomax distribution: scale ((1 - u)^-(1/tail) - 1); the last one is cut at u = 1 - 1/8192. */
static void sizes(struct synth_tables *tables)
{
    for (uint32_t i = 0; i <= SYNTH_SIZES; i++) {
        uint64_t survivors = (SYNTH_SIZES - i) * 8; /* of 8192 */
        if (survivors == 0)
            survivors = 1;
        uint64_t shrunk = synth_pow_neg(&tables->exp, 8192, SIZE_TAIL_INVERSE);
        uint64_t share = synth_pow_neg(&tables->exp, survivors, SIZE_TAIL_INVERSE);
        uint64_t ratio_q16 = (share << 16) / shrunk; /* (8192 / survivors)^(1/tail) */
        uint64_t over = ratio_q16 > (uint64_t)Q16 ? ratio_q16 - Q16 : 0;
        tables->size[i] = (uint32_t)(over * SIZE_SCALE >> 16) + 1;
    }
    for (uint32_t i = 0; i < SYNTH_SIZES; i++)
        tables->round_size[i] = round_down(tables->size[i + 1]);
}

void synth_tables_init(struct synth_tables *tables)
{
    uint64_t weights[SYNTH_DEPTH];
    synth_exp_init(&tables->exp);
    placement_weights(&tables->exp, weights);
    synth_alias_init(&tables->placement, weights, SYNTH_DEPTH);
    hazards(tables, weights);
    sizes(tables);
}
