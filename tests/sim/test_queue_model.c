/* The queue models against their published numbers, against exact rationals, and against each other. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/prng.h"
#include "sim/queue_model.h"

#define MICRO INT64_C(1000000) /* one unit in lots of 10^-6 */

static const struct queue_model pessimistic = {.kind = QUEUE_PESSIMISTIC};
static const struct queue_model optimistic = {.kind = QUEUE_OPTIMISTIC};

static struct queue_model model_of(enum queue_kind kind, uint32_t exponent)
{
    struct queue_model model = {.kind = kind, .exponent = exponent, .unit = MICRO};
    cr_assert(queue_model_is_valid(&model));
    return model;
}

/* The place at 2^-16 of a lot. */
static int64_t exact(struct queue_place place)
{
    return place.ahead * (INT64_C(1) << QUEUE_PART_BITS) - place.part;
}

/* ---- the published numbers: ahead 30, behind 70, cancelled 10 ---- */

static void expect_place(const char *name, enum queue_kind kind, uint32_t exponent, int64_t micro)
{
    struct queue_model model = model_of(kind, exponent);
    struct queue_place place =
        queue_model_cancel(&model, (struct queue_place){30 * MICRO, 0}, 100 * MICRO, 10 * MICRO);
    int64_t error = exact(place) - micro * (INT64_C(1) << QUEUE_PART_BITS);
    /* The published numbers end at 10^-6: half a lot, and the fraction's own half step. */
    cr_expect(error >= -(1 << 15) - 1 && error <= (1 << 15) + 1,
              "%s: %" PRId64 " + %" PRIu32 "/65536 less, not %" PRId64, name, place.ahead, place.part, micro);
}

Test(queue_model, golden_numbers_of_the_field)
{
    expect_place("pessimistic", QUEUE_PESSIMISTIC, 0, 30000000);
    expect_place("optimistic", QUEUE_OPTIMISTIC, 0, 20000000);
    expect_place("proportional", QUEUE_PROPORTIONAL, 0, 27000000);
    expect_place("PowerProb(1)", QUEUE_POWER, 4, 27000000);
    expect_place("PowerProb(2)", QUEUE_POWER, 8, 28448276);
    expect_place("PowerProb(3)", QUEUE_POWER, 12, 29270270);
    expect_place("PowerProb2(1)", QUEUE_POWER2, 4, 27000000);
    expect_place("PowerProb2(2)", QUEUE_POWER2, 8, 24900000);
    expect_place("PowerProb3(1)", QUEUE_POWER3, 4, 27000000);
    expect_place("PowerProb3(2)", QUEUE_POWER3, 8, 29100000);
    expect_place("PowerProb3(3)", QUEUE_POWER3, 12, 29730000);
    expect_place("LogProb", QUEUE_LOG, 0, 25538345);
    expect_place("LogProb2", QUEUE_LOG2, 0, 29236335);
}

/* The same with the unit at one lot: the log models see other quantities, as they are not scale free. */
Test(queue_model, log_models_count_in_their_unit)
{
    struct queue_model coins = model_of(QUEUE_LOG, 0), lots = coins;
    lots.unit = 1;
    struct queue_place place = {30 * MICRO, 0};
    cr_expect_neq(queue_model_cancel(&coins, place, 100 * MICRO, 10 * MICRO).ahead,
                  queue_model_cancel(&lots, place, 100 * MICRO, 10 * MICRO).ahead);
    /* Scale and unit together change nothing: 30, 70, 10 of unit 1. */
    struct queue_place small = queue_model_cancel(&lots, (struct queue_place){30, 0}, 100, 10);
    int64_t fine = queue_model_cancel(&coins, place, 100 * MICRO, 10 * MICRO).ahead;
    cr_expect_eq(small.ahead, 26); /* 25.538345, the fraction against us */
    cr_expect_lt(llabs(exact(small) - fine * (INT64_C(1) << QUEUE_PART_BITS) / MICRO), 2);
}

/* ---- where the formulas are silent or go wrong elsewhere ---- */

Test(queue_model, nothing_goes_below_the_front)
{
    /* Published code gives -0.47 and -10.8 here, and the next trade then fills more than it had. */
    struct queue_model two = model_of(QUEUE_POWER, 8), kind_two = model_of(QUEUE_POWER2, 8);
    struct queue_place place = queue_model_cancel(&two, (struct queue_place){8, 0}, 10, 9);
    cr_expect(place.ahead == 0 && place.part == 0);
    place = queue_model_cancel(&kind_two, (struct queue_place){30, 0}, 100, 80);
    cr_expect(place.ahead == 0 && place.part == 0);
}

Test(queue_model, edges_are_defined_for_every_model)
{
    for (int kind = QUEUE_PESSIMISTIC; kind <= QUEUE_LOG2; kind++) {
        struct queue_model model = model_of((enum queue_kind)kind, 10);
        struct queue_place place = queue_model_cancel(&model, (struct queue_place){0, 0}, 0, 0);
        cr_expect_eq(place.ahead, 0, "model %d: an empty level", kind);
        place = queue_model_cancel(&model, (struct queue_place){0, 0}, 50, 20);
        cr_expect_eq(place.ahead, 0, "model %d: in front", kind);
        place = queue_model_cancel(&model, (struct queue_place){50, 7}, 50, 20);
        cr_expect_eq(place.ahead, 30, "model %d: nothing behind, so all of it was ahead", kind);
        place = queue_model_cancel(&model, (struct queue_place){30, 0}, 50, 50);
        cr_expect_eq(place.ahead, 0, "model %d: the level is gone", kind);
        place = queue_model_cancel(&model, (struct queue_place){30, 5}, 50, 0);
        cr_expect(place.ahead == 30 && place.part == 5, "model %d: nothing happened", kind);
        place = queue_model_cancel(&model, (struct queue_place){INT64_MAX, 0}, INT64_MAX, 1);
        cr_expect_eq(place.ahead, INT64_MAX - 1, "model %d: the largest level", kind);
        place = queue_model_cancel(&model, (struct queue_place){INT64_MAX / 2, 0}, INT64_MAX, INT64_MAX - 1);
        cr_expect_leq(place.ahead, 1, "model %d: nearly all of the largest level", kind);
    }
}

Test(queue_model, small_cancels_add_up)
{
    /* A thousand cancels of one lot, each followed by a lot that joins behind: 30 of 100 ahead lose 3 in 10. */
    struct queue_model model = model_of(QUEUE_PROPORTIONAL, 0);
    struct queue_place place = {1000000, 0};
    for (int i = 0; i < 1000; i++)
        place = queue_model_cancel(&model, place, 10000000, 1);
    cr_expect_eq(place.ahead, 1000000 - 100 + 1); /* a little less than 100 lots, as the share falls on the way */
    cr_expect_gt(place.part, 65000u);
}

/* ---- against exact rationals ---- */

static u128_t raise(u128_t base, unsigned exponent)
{
    u128_t power = 1;
    while (exponent-- > 0)
        power *= base;
    return power;
}

Test(queue_model, whole_exponents_agree_with_exact_rationals)
{
    const uint64_t seed = 31;
    struct prng prng;
    prng_init(&prng, seed, 1);
    for (int i = 0; i < 200000; i++) {
        unsigned n = 1 + (unsigned)prng_below(&prng, 4);
        enum queue_kind kind = (enum queue_kind)(QUEUE_POWER + prng_below(&prng, 3));
        struct queue_model model = model_of(kind, n * QUEUE_EXPONENT_ONE);
        qty_t ahead = prng_range(&prng, 1, 30000), behind = prng_range(&prng, 1, 30000);
        qty_t cancelled = prng_range(&prng, 1, behind);
        u128_t f = raise((u128_t)ahead, n), b = raise((u128_t)behind, n), q = raise((u128_t)(ahead + behind), n);
        u128_t num = kind == QUEUE_POWER ? f : kind == QUEUE_POWER2 ? q - b : f;
        u128_t den = kind == QUEUE_POWER ? f + b : q;
        u128_t cut = (num * (u128_t)cancelled * 65536 * 2 + den) / (den * 2);
        int64_t expected = ahead * 65536 - (int64_t)cut;
        expected = expected < 0 ? 0 : expected;
        struct queue_place place =
            queue_model_cancel(&model, (struct queue_place){ahead, 0}, ahead + behind, cancelled);
        if (place.ahead == ahead + behind - cancelled && expected > place.ahead * 65536)
            continue; /* held by what is left */
        cr_assert_leq(llabs(exact(place) - expected), 1,
                      "seed %" PRIu64 " draw %d: kind %d n %u, %" PRId64 " + %" PRId64 " less %" PRId64, seed, i,
                      (int)kind, n, ahead, behind, cancelled);
    }
}

/* log2 digit by digit, 2^-x by it. */
static uint64_t slow_log2(uint64_t x)
{
    unsigned k = 63 - (unsigned)__builtin_clzll(x);
    uint64_t mantissa = x << (63 - k), digits = 0;
    for (int i = 0; i < 50; i++) {
        u128_t square = (u128_t)mantissa * mantissa;
        bool one = square >> 127 != 0;
        mantissa = (uint64_t)(square >> (one ? 64 : 63));
        digits = digits << 1 | one;
    }
    return ((uint64_t)k << 48) + (digits >> 2);
}

Test(queue_model, logarithms_and_powers_keep_their_error)
{
    const uint64_t seed = 77;
    struct prng prng;
    uint64_t worst_log = 0, worst_power = 0;
    prng_init(&prng, seed, 2);
    for (int i = 0; i < 200000; i++) {
        uint64_t x = (prng_next(&prng) >> prng_below(&prng, 64)) | 1;
        uint64_t fast = queue_log2(x), slow = slow_log2(x);
        uint64_t error = fast > slow ? fast - slow : slow - fast;
        worst_log = error > worst_log ? error : worst_log;
        if (x < 2)
            continue;
        /* 2^-(log2 x) is 1/x. */
        uint64_t inverse = (uint64_t)(((u128_t)1 << 48) / x), power = queue_exp2_neg(fast);
        error = inverse > power ? inverse - power : power - inverse;
        worst_power = error > worst_power ? error : worst_power;
    }
    cr_expect_lt(worst_log, UINT64_C(1) << 6, "seed %" PRIu64 ": log2 is off by %" PRIu64 " / 2^48", seed, worst_log);
    cr_expect_lt(worst_power, UINT64_C(1) << 6, "seed %" PRIu64 ": 2^-x is off by %" PRIu64 " / 2^48", seed,
                 worst_power);
    cr_expect_eq(queue_log2(1), 0);
    cr_expect_eq(queue_exp2_neg(0), UINT64_C(1) << 48);
    cr_expect_eq(queue_exp2_neg(UINT64_C(63) << 48), 0);
}

/* ---- against each other ---- */

Test(queue_model, every_model_stays_between_the_bounds)
{
    const uint64_t seed = 5;
    struct prng prng;
    prng_init(&prng, seed, 3);
    for (int i = 0; i < 300000; i++) {
        unsigned bits = (unsigned)prng_below(&prng, 62);
        qty_t shown = (qty_t)(prng_next(&prng) >> 2 >> bits);
        qty_t ahead = (qty_t)prng_below(&prng, (uint64_t)shown + 1),
              cancelled = (qty_t)prng_below(&prng, (uint64_t)shown + 1);
        struct queue_model model = {(enum queue_kind)prng_below(&prng, QUEUE_LOG2 + 1),
                                    1 + (uint32_t)prng_below(&prng, 32), prng_range(&prng, 1, 100000000), false};
        struct queue_place place = {ahead, ahead > 0 ? (uint32_t)prng_below(&prng, 65536) : 0};
        struct queue_place high = queue_model_cancel(&pessimistic, (struct queue_place){ahead, 0}, shown, cancelled);
        struct queue_place middle = queue_model_cancel(&model, place, shown, cancelled);
        struct queue_place low =
            queue_model_cancel(&optimistic, (struct queue_place){ahead > 0 ? ahead - 1 : 0, 0}, shown, cancelled);
        cr_assert(
            middle.ahead >= 0 && middle.ahead <= shown - cancelled && middle.part < 65536 &&
                (middle.ahead > 0 || middle.part == 0) && middle.ahead <= high.ahead && middle.ahead >= low.ahead,
            "seed %" PRIu64 " draw %d: kind %d exponent %u, %" PRId64 " of %" PRId64 " less %" PRId64 ": %" PRId64
            " not in %" PRId64 " .. %" PRId64,
            seed, i, (int)model.kind, model.exponent, ahead, shown, cancelled, middle.ahead, low.ahead, high.ahead);
        cr_assert(middle.ahead < place.ahead || (middle.ahead == place.ahead && middle.part >= place.part),
                  "seed %" PRIu64 " draw %d: it grew", seed, i);
    }
}

Test(queue_model, bad_settings_are_refused)
{
    cr_expect_not(queue_model_is_valid(&(struct queue_model){.kind = QUEUE_POWER, .exponent = 0}));
    cr_expect_not(queue_model_is_valid(&(struct queue_model){.kind = QUEUE_POWER3, .exponent = 33}));
    cr_expect_not(queue_model_is_valid(&(struct queue_model){.kind = QUEUE_LOG, .unit = 0}));
    cr_expect_not(queue_model_is_valid(&(struct queue_model){.kind = (enum queue_kind)(QUEUE_L3_FIFO + 1)}));
    cr_expect(queue_model_is_valid(&(struct queue_model){.kind = QUEUE_PESSIMISTIC}));
}
