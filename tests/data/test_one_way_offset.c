#include "core/decimal.h"
#include "core/prng.h"
#include "data/one_way_offset.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define POINTS_MAX 64

static struct clock_point hull[4096];

Test(one_way_offset, the_least_latency_is_the_constant)
{
    struct one_way_offset clock;
    one_way_offset_init(&clock, hull, 4096);
    one_way_offset_add(&clock, 1000, 2000);
    one_way_offset_add(&clock, 1100, 2370);
    one_way_offset_add(&clock, 1200, 0); /* no stamp */
    one_way_offset_add(&clock, 1300, 2310);
    struct clock_line line;
    cr_assert_eq(one_way_offset_constant(&clock, &line), ERR_OK);
    cr_assert_eq(clock.least.delta, -1270);
    cr_assert_eq(clock.samples, 3);
    cr_assert_eq(clock.skipped, 1);
    cr_assert_eq(clock_line_at(&line, 999999), -1270);
    cr_assert_eq(clock_line_correct(&line, 1100, 50), 1100 + 1270 + 50);
    cr_assert_eq(clock_line_ppb(&line), 0);
}

Test(one_way_offset, no_sample_gives_no_line)
{
    struct one_way_offset clock;
    struct clock_line line;
    one_way_offset_init(&clock, hull, 4096);
    cr_assert_eq(one_way_offset_constant(&clock, &line), ERR_NOTFOUND);
    cr_assert_eq(one_way_offset_drift(&clock, &line), ERR_NOTFOUND);
    one_way_offset_add(&clock, 5, 3);
    cr_assert_eq(one_way_offset_drift(&clock, &line), ERR_OK);
    cr_assert_eq(clock_line_at(&line, 100), 2);
}

Test(one_way_offset, a_drift_of_20_ppm_under_queueing_is_found)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct prng prng;
        prng_init(&prng, seed, 1);
        struct one_way_offset clock;
        one_way_offset_init(&clock, hull, 4096);
        const ns_t start = INT64_C(1723161255000000000);
        for (int i = 0; i < 36000; i++) { /* 10 a second for an hour */
            ns_t exch = start + i * INT64_C(100000000);
            ns_t along = i * INT64_C(100000000);
            ns_t local = exch + along / 50000 + 3000000 + 2000000 + prng_exponential(&prng, 1000000);
            one_way_offset_add(&clock, local, exch);
        }
        struct clock_line line;
        cr_assert_eq(one_way_offset_drift(&clock, &line), ERR_OK, "seed %lu", (unsigned long)seed);
        int64_t ppb = clock_line_ppb(&line);
        cr_assert(ppb >= 19990 && ppb <= 20010, "seed %lu: %ld ppb", (unsigned long)seed, (long)ppb);
        ns_t at_start = clock_line_at(&line, start);
        cr_assert(at_start >= 4999000 && at_start < 5010000, "seed %lu: %ld ns", (unsigned long)seed, (long)at_start);
    }
}

/* Is the line a -> b under every point, and how high is it at the mean of local time (times n, times run)? */
static bool supports(const struct clock_point *points, int count, struct clock_point a, struct clock_point b)
{
    for (int i = 0; i < count; i++)
        if ((money_t)(b.local - a.local) * (points[i].delta - a.delta) <
            (money_t)(b.delta - a.delta) * (points[i].local - a.local))
            return false;
    return true;
}

Test(one_way_offset, the_hull_finds_what_trying_every_pair_finds)
{
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct prng prng;
        prng_init(&prng, seed, 1);
        struct clock_point points[POINTS_MAX];
        int count = 2 + (int)(prng_next(&prng) % (POINTS_MAX - 2));
        struct one_way_offset clock;
        one_way_offset_init(&clock, hull, 4096);
        ns_t local = 1000000;
        money_t sum = 0;
        for (int i = 0; i < count; i++) {
            local += 10000 + (ns_t)(prng_next(&prng) % 40000);
            points[i] = (struct clock_point){local, (ns_t)(prng_next(&prng) % 40) - 20};
            one_way_offset_add(&clock, local, local - points[i].delta);
            sum += local;
        }
        struct clock_line line;
        cr_assert_eq(one_way_offset_drift(&clock, &line), ERR_OK, "seed %lu", (unsigned long)seed);
        cr_assert(supports(points, count, line.from, line.to), "seed %lu: a point lies under the line",
                  (unsigned long)seed);
        /* Height at the mean: delta_a + slope x (mean - local_a), compared as fractions over count x run. */
        money_t run = line.to.local - line.from.local;
        money_t best = line.from.delta * run * count +
                       (money_t)(line.to.delta - line.from.delta) * (sum - (money_t)line.from.local * count);
        for (int i = 0; i < count; i++)
            for (int j = i + 1; j < count; j++) {
                if (!supports(points, count, points[i], points[j]))
                    continue;
                money_t other_run = points[j].local - points[i].local;
                money_t other = points[i].delta * other_run * count + (money_t)(points[j].delta - points[i].delta) *
                                                                          (sum - (money_t)points[i].local * count);
                cr_assert(other * run <= best * other_run, "seed %lu: the pair %d %d lies higher",
                          (unsigned long)seed, i, j);
            }
    }
}

Test(one_way_offset, corrected_time_never_falls)
{
    struct clock_line line = {{0, 0}, {1000003, -777}};
    ns_t last = INT64_MIN;
    for (ns_t local = 0; local < 100000; local++) {
        ns_t corrected = clock_line_correct(&line, local, 1000);
        cr_assert(corrected >= last);
        last = corrected;
    }
    line = (struct clock_line){{0, 0}, {1000003, 9777}};
    last = INT64_MIN;
    for (ns_t local = -50000; local < 50000; local++) {
        ns_t corrected = clock_line_correct(&line, local, 1000);
        cr_assert(corrected >= last);
        last = corrected;
    }
}

Test(one_way_offset, a_drift_that_no_clock_has_is_refused)
{
    struct one_way_offset clock;
    one_way_offset_init(&clock, hull, 4096);
    one_way_offset_add(&clock, 1000000, 500000);
    one_way_offset_add(&clock, 2000000, 1400000); /* a tenth */
    struct clock_line line;
    cr_assert_eq(one_way_offset_drift(&clock, &line), ERR_RANGE);
}

Test(one_way_offset, a_hull_without_room_says_so)
{
    struct clock_point small[8];
    struct one_way_offset clock;
    one_way_offset_init(&clock, small, 8);
    for (ns_t i = 1; i <= 20; i++) /* a parabola: every point is a corner */
        one_way_offset_add(&clock, i * 1000000, i * 1000000 - i * i);
    struct clock_line line;
    cr_assert_eq(one_way_offset_drift(&clock, &line), ERR_FULL);
    cr_assert_eq(one_way_offset_constant(&clock, &line), ERR_OK);
    cr_assert_eq(clock.least.delta, 1);
}
