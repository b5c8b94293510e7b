/* The fixed-point functions against values known on paper, and distributions counted exactly. */
#include "feeds/synth_flow.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct synth_exp exp2_table;

static void setup(void)
{
    synth_exp_init(&exp2_table);
}

/* |a - b| <= b / 2^shift + 1 */
static bool near(uint64_t a, uint64_t b, unsigned shift)
{
    uint64_t distance = a > b ? a - b : b - a;
    return distance <= (b >> shift) + 1;
}

Test(synth_math, square_roots_are_rounded_down)
{
    const struct {
        uint64_t high, low, root;
    } rows[] = {
        {0, 0, 0},
        {0, 1, 1},
        {0, 3, 1},
        {0, 4, 2},
        {0, 8, 2},
        {0, UINT64_MAX, UINT32_MAX},
        {1, 0, UINT64_C(1) << 32},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX},
        {0, 99, 9},
        {0, 100, 10},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_assert(synth_sqrt((u128_t)rows[i].high << 64 | rows[i].low) == rows[i].root, "row %zu", i);
}

Test(synth_math, powers_of_two_are_near_their_values, .init = setup)
{
    cr_assert(synth_exp2_neg(&exp2_table, 0) == UINT32_MAX);
    for (uint64_t n = 1; n < 32; n++)
        cr_assert(near(synth_exp2_neg(&exp2_table, n << 32), UINT64_C(1) << (32 - n), 30));
    cr_assert(synth_exp2_neg(&exp2_table, UINT64_C(32) << 32) == 0);
    cr_assert(synth_exp2_neg(&exp2_table, UINT64_MAX) == 0);
    /* 2^-0.5 = 0.70710678118654752, 2^-0.3 = 0.81225239635623547, 2^-0.001 = 0.99930709335 */
    cr_assert(near(synth_exp2_neg(&exp2_table, Q32 / 2), UINT64_C(3037000499), 19));
    cr_assert(near(synth_exp2_neg(&exp2_table, UINT64_C(1288490188)), UINT64_C(3488597478), 19));
    cr_assert(near(synth_exp2_neg(&exp2_table, UINT64_C(4294967)), UINT64_C(4291991323), 19));
    /* It never rises. */
    uint64_t last = UINT64_MAX;
    for (uint64_t x = 0; x < UINT64_C(3) << 32; x += 7654321) {
        uint64_t value = synth_exp2_neg(&exp2_table, x);
        cr_assert(value <= last);
        last = value;
    }
}

Test(synth_math, positive_powers_saturate, .init = setup)
{
    cr_assert(near(synth_exp2(&exp2_table, 0), Q16, 16));
    cr_assert(near(synth_exp2(&exp2_table, 3 * Q32), 8 * Q16, 16));
    cr_assert(near(synth_exp2(&exp2_table, -3 * Q32), Q16 / 8, 12));
    cr_assert(near(synth_exp2(&exp2_table, Q32 / 2), 92682, 14)); /* 1.41421 x 65536 */
    cr_assert(synth_exp2(&exp2_table, -17 * Q32) == 0);
    cr_assert(synth_exp2(&exp2_table, 40 * Q32) == synth_exp2(&exp2_table, 31 * Q32));
    cr_assert(near(synth_exp2(&exp2_table, 40 * Q32), UINT64_C(1) << 47, 16));
}

Test(synth_math, logarithms_and_roots_agree_with_paper, .init = setup)
{
    for (unsigned n = 0; n < 64; n++)
        cr_assert(synth_log2(UINT64_C(1) << n) == (int64_t)n << 32);
    /* log2 10 = 3.3219280948873623 */
    cr_assert(near((uint64_t)synth_log2(10), UINT64_C(14267572527), 30));
    /* 8^-1/3 = 1/2, 100^-1/2 = 1/10, 1^-a = 1 */
    cr_assert(near(synth_pow_neg(&exp2_table, 8, Q16 / 3), Q32 / 2, 14));
    cr_assert(near(synth_pow_neg(&exp2_table, 100, Q16 / 2), Q32 / 10, 18));
    cr_assert(near(synth_pow_neg(&exp2_table, 1, Q16), Q32 - 1, 31));
    cr_assert(synth_pow_neg(&exp2_table, UINT64_MAX, Q16) == 0);
}

/* The probability of each outcome is read off the cells: no sampling. */
static void check_alias(const uint64_t *weights, uint32_t count)
{
    static struct synth_alias alias;
    uint64_t mass[SYNTH_ALIAS_COUNT] = {0}, sum = 0;
    synth_alias_init(&alias, weights, count);
    for (uint32_t i = 0; i < SYNTH_ALIAS_COUNT; i++) {
        mass[i] += alias.cells[i].keep;
        mass[alias.cells[i].other] += (UINT64_C(1) << 32) - alias.cells[i].keep;
    }
    for (uint32_t i = 0; i < count; i++)
        sum += weights[i];
    for (uint32_t i = 0; i < SYNTH_ALIAS_COUNT; i++) {
        uint64_t expected = i < count ? (uint64_t)(((u128_t)weights[i] << 42) / sum) : 0;
        uint64_t distance = mass[i] > expected ? mass[i] - expected : expected - mass[i];
        cr_assert(distance <= 2 * SYNTH_ALIAS_COUNT, "outcome %u of %u: %lu, expected %lu", i, count,
                  (unsigned long)mass[i], (unsigned long)expected);
    }
}

Test(synth_math, an_alias_table_holds_exactly_the_weights)
{
    uint64_t weights[SYNTH_ALIAS_COUNT];
    struct prng prng;
    weights[0] = 1;
    check_alias(weights, 1);
    weights[1] = 0;
    weights[2] = 3;
    check_alias(weights, 3);
    prng_init(&prng, 99, 0);
    for (uint32_t count = 2; count <= SYNTH_ALIAS_COUNT; count = count * 3 / 2 + 1) {
        for (uint32_t i = 0; i < count; i++)
            weights[i] = prng_next(&prng) >> (24 + prng_below(&prng, 40));
        weights[count / 2] = 1;
        check_alias(weights, count);
    }
}

Test(synth_math, the_tables_have_the_shapes_they_promise)
{
    static struct synth_tables tables;
    synth_tables_init(&tables);
    for (uint32_t i = 1; i <= SYNTH_SIZES; i++)
        cr_assert(tables.size[i] >= tables.size[i - 1] && tables.size[i] >= 1);
    /* Lomax, scale 60, exponent 1.6: the median is 60 (2^0.625 - 1) = 32.5, and the largest of 8192 over 16,000. */
    cr_assert(tables.size[SYNTH_SIZES / 2] >= 32 && tables.size[SYNTH_SIZES / 2] <= 35);
    cr_assert(tables.size[SYNTH_SIZES] > 16000 && tables.size[SYNTH_SIZES] < 18000);
    for (uint32_t i = 0; i < SYNTH_SIZES; i++) {
        uint32_t lead = tables.round_size[i];
        while (lead % 10 == 0)
            lead /= 10;
        cr_assert(lead == 1 || lead == 2 || lead == 5);
    }
    /* Orders near the touch live shortest, and every band's hazard bounds those in it. */
    for (uint32_t i = 0; i < SYNTH_DEPTH; i++) {
        cr_assert(tables.hazard_q32[i] > 0 && tables.hazard_q32[i] <= tables.band_hazard_q32[tables.band[i]]);
        cr_assert(i == 0 || tables.band[i] >= tables.band[i - 1]);
    }
    cr_assert(tables.hazard_q32[0] > 20 * tables.hazard_q32[24]);
    cr_assert(2 * tables.opening_count < SYNTH_ORDERS, "the first book fits");
}

/* ---- the clock ---- */

struct counts {
    double mean, fano;
};

/* Actions in windows of one second over 400 s, at a touch that follows the value. */
static struct counts count_actions(uint32_t branching_ppm, uint64_t seed)
{
    const struct synth_flow_config config = {
        .actions_per_s = 500, .branching_ppm = branching_ppm, .market_ppm = 20000, .volatility_ppm = 0};
    struct prng prng;
    struct synth_clock clock;
    double sum = 0, squares = 0;
    const int windows = 400;
    prng_init(&prng, seed, 0);
    synth_clock_init(&clock, &exp2_table, &prng, &config, 100000);
    for (int window = 1; window <= windows; window++) {
        int count = 0;
        ns_t last = clock.now;
        while (synth_clock_next(&clock, 99999, 100001, window * NS_PER_S)) {
            cr_assert(clock.now > last && !clock.informed);
            last = clock.now;
            count++;
        }
        cr_assert(clock.now == window * NS_PER_S);
        sum += count;
        squares += (double)count * count;
    }
    double mean = sum / windows;
    return (struct counts){mean, (squares / windows - mean * mean) / mean};
}

Test(synth_clock, arrivals_keep_their_mean_and_cluster_with_the_branching_ratio, .init = setup)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct counts plain = count_actions(0, seed), excited = count_actions(600000, seed);
        printf("seed %lu: mean %.1f and %.1f of 500, Fano %.1f and %.1f\n", (unsigned long)seed, plain.mean,
               excited.mean, plain.fano, excited.fano);
        /* The activity of the hours moves both means. */
        cr_assert(plain.mean > 375 && plain.mean < 700);
        cr_assert(excited.mean > 375 && excited.mean < 750);
        cr_assert(excited.fano > plain.fano + 0.5, "self-excitation does not show");
    }
}

Test(synth_clock, the_informed_come_when_the_value_leaves_the_touch, .init = setup)
{
    const struct synth_flow_config config = {
        .actions_per_s = 500, .branching_ppm = 0, .market_ppm = 20000, .volatility_ppm = 0};
    struct prng prng;
    struct synth_clock clock;
    prng_init(&prng, 7, 0);
    synth_clock_init(&clock, &exp2_table, &prng, &config, 100000);
    cr_assert(synth_clock_pressure(&clock, 99990, 99995) == 5);
    cr_assert(synth_clock_pressure(&clock, 100004, 100005) == -4);
    cr_assert(synth_clock_pressure(&clock, 99990, 100000) == 0);
    uint32_t informed = 0, all = 0;
    while (synth_clock_next(&clock, 99960, 99968, 20 * NS_PER_S)) {
        informed += clock.informed;
        all++;
    }
    /* 32 ticks beyond: as fast as the ordinary flow at activity 1. */
    printf("%u of %u informed\n", informed, all);
    cr_assert(informed > 9000 && informed < 11000);
}
