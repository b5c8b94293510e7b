/* The venue's clock, silence, and waiting between attempts. */
#include "adapters/backoff.h"
#include "adapters/stale_watch.h"
#include "adapters/venue_clock.h"

#include <criterion/criterion.h>
#include <inttypes.h>

#define MS NS_PER_MS

Test(venue_clock, a_round_trip_bounds_the_offset)
{
    struct venue_clock clock;
    venue_clock_init(&clock);
    cr_assert_not(venue_clock_sample(&clock, 1000 * MS, 1100 * MS, 6050 * MS, 6051 * MS - 1));
    /* Between 6050 - 1100 and 6051 - 1000. */
    cr_assert_leq(clock.offset - clock.uncertainty, 4950 * MS);
    cr_assert_geq(clock.offset + clock.uncertainty, 5051 * MS - 1);
    cr_assert_leq(clock.uncertainty, 51 * MS);
    cr_assert_eq(clock.rtt_last, 100 * MS);
    cr_assert_eq(venue_clock_age(&clock, 6000 * MS, 1100 * MS), 1100 * MS + clock.offset - 6000 * MS);
    cr_assert_eq(venue_clock_to_ours(&clock, 6000 * MS), 6000 * MS - clock.offset);
}

Test(venue_clock, quick_round_trips_decide_and_slow_ones_do_no_harm)
{
    struct venue_clock clock;
    venue_clock_init(&clock);
    venue_clock_sample(&clock, 0, 4 * MS, 102 * MS, 102 * MS);
    ns_t narrow = clock.uncertainty;
    venue_clock_sample(&clock, 1000 * MS, 3000 * MS, 1110 * MS, 1110 * MS);
    cr_assert_leq(clock.uncertainty, narrow + 1 * MS);
    cr_assert_eq(clock.rtt_min, 4 * MS);
    cr_assert_eq(clock.rtt_last, 2000 * MS);
    cr_assert_eq(clock.steps, 0);
}

Test(venue_clock, the_true_offset_is_within_what_is_told)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct prng prng;
        struct venue_clock clock;
        prng_init(&prng, seed, 3);
        venue_clock_init(&clock);
        ns_t offset = prng_range(&prng, -5000 * MS, 5000 * MS), ts = 0;
        int64_t ppm = prng_range(&prng, -40, 40);
        for (int i = 0; i < 200; i++) {
            ts += prng_range(&prng, 1, 60) * NS_PER_S;
            ns_t there = prng_range(&prng, 1, 200 * MS), back = prng_range(&prng, 1, 200 * MS);
            ns_t truth = offset + ts / 1000000 * ppm;
            ns_t venue = (ts + there + truth) / MS * MS; /* cut to milliseconds */
            if (ts + there + truth < 0)
                continue;
            if (i == 120) { /* our clock is stepped, and we are told */
                ns_t step = prng_range(&prng, -3000 * MS, 3000 * MS);
                venue_clock_stepped(&clock, step);
                offset -= step;
                ts += step > 0 ? step : 0;
                continue;
            }
            venue_clock_sample(&clock, ts, ts + there + back, venue, venue + MS - 1);
            truth = offset + ts / 1000000 * ppm;
            cr_assert(clock.offset - truth <= clock.uncertainty + MS &&
                          truth - clock.offset <= clock.uncertainty + MS,
                      "seed %" PRIu64 " sample %d: %" PRId64 " is not %" PRId64 " +- %" PRId64, seed, i, truth,
                      clock.offset, clock.uncertainty);
        }
        cr_assert_leq(clock.steps, 1);
    }
}

Test(venue_clock, a_step_that_nobody_told_is_found)
{
    struct venue_clock clock;
    venue_clock_init(&clock);
    for (int i = 0; i < 10; i++)
        venue_clock_sample(&clock, i * 1000 * MS, i * 1000 * MS + 10 * MS, i * 1000 * MS + 5 * MS,
                           i * 1000 * MS + 5 * MS);
    cr_assert(venue_clock_sample(&clock, 20000 * MS, 20010 * MS, 25005 * MS, 25005 * MS));
    cr_assert_eq(clock.steps, 1);
    cr_assert_eq(clock.offset, 5000 * MS);
    cr_assert_not(venue_clock_sample(&clock, 30000 * MS, 29000 * MS, 1, 1));
    cr_assert_eq(clock.refused, 1);
}

Test(stale_watch, silence_is_told_once_and_a_beginning_without_anything_apart)
{
    struct stale_watch watch;
    stale_watch_init(&watch, 10);
    cr_assert_eq(stale_watch_look(&watch, 1000), STALE_NO); /* off */
    stale_watch_start(&watch, 100);
    cr_assert_eq(stale_watch_due(&watch), 110);
    cr_assert_eq(stale_watch_look(&watch, 109), STALE_NO);
    cr_assert_eq(stale_watch_look(&watch, 110), STALE_NEVER);
    cr_assert_eq(stale_watch_look(&watch, 200), STALE_NO);
    cr_assert(stale_watch_seen(&watch, 210));
    cr_assert_not(stale_watch_seen(&watch, 215));
    cr_assert_eq(stale_watch_age(&watch, 220), 5);
    cr_assert_eq(stale_watch_look(&watch, 225), STALE_ENDED);
    stale_watch_start(&watch, 300);
    cr_assert_eq(stale_watch_look(&watch, 310), STALE_ENDED); /* it did speak once */
    stale_watch_start(&watch, 400);
    stale_watch_shift(&watch, 1000);
    cr_assert_eq(stale_watch_due(&watch), 1410);
    stale_watch_stop(&watch);
    cr_assert_eq(stale_watch_due(&watch), NS_MAX);
}

Test(backoff, doubles_to_its_cap_and_begins_again_after_a_success)
{
    struct backoff a, b;
    backoff_init(&a, NS_PER_S, 60 * NS_PER_S, 5, 1);
    backoff_init(&b, NS_PER_S, 60 * NS_PER_S, 5, 1);
    static const int64_t longest[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    for (size_t i = 0; i < ARRAY_LEN(longest); i++) {
        ns_t wait = backoff_next(&a);
        cr_assert(wait >= longest[i] * NS_PER_S / 2 && wait <= longest[i] * NS_PER_S, "attempt %zu: %" PRId64, i,
                  wait);
        cr_assert_eq(wait, backoff_next(&b));
        cr_assert_eq(a.attempts, i + 1);
    }
    backoff_reset(&a);
    cr_assert_leq(backoff_next(&a), NS_PER_S);
    struct backoff huge;
    backoff_init(&huge, 1, NS_MAX, 1, 1);
    for (int i = 0; i < 200; i++)
        cr_assert_geq(backoff_next(&huge), 0);
}
