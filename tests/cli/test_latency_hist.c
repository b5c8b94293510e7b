#include "cli/latency_hist.h"
#include "core/prng.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct latency_hist hist;

static void empty(void)
{
    memset(&hist, 0, sizeof(hist));
}

Test(latency_hist, an_empty_one_has_no_time, .init = empty)
{
    cr_assert_eq(latency_hist_at(&hist, 5000), 0);
    cr_assert_eq(latency_hist_mean(&hist), 0);
}

Test(latency_hist, short_times_are_exact, .init = empty)
{
    for (ns_t time = 1; time <= 100; time++)
        latency_hist_add(&hist, time);
    cr_assert_eq(latency_hist_at(&hist, 5000), 50);
    cr_assert_eq(latency_hist_at(&hist, 9900), 99);
    cr_assert_eq(latency_hist_at(&hist, 10000), 100);
    cr_assert_eq(latency_hist_at(&hist, 1), 1);
    cr_assert_eq(latency_hist_mean(&hist), 50);
}

Test(latency_hist, times_before_the_stamp_come_first, .init = empty)
{
    const ns_t times[] = {-3000000, -5, 0, 7, 9000000};
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        latency_hist_add(&hist, times[i]);
    cr_assert_eq(latency_hist_at(&hist, 1), -3000000);
    cr_assert_eq(latency_hist_at(&hist, 4000), -5);
    cr_assert_eq(latency_hist_at(&hist, 6000), 0);
    cr_assert_eq(latency_hist_at(&hist, 10000), 9000000);
    cr_assert_eq(latency_hist_mean(&hist), (-3000000 - 5 + 7 + 9000000) / 5);
}

Test(latency_hist, a_time_beyond_the_last_bucket_is_kept_as_the_most, .init = empty)
{
    const ns_t days = 5 * 24 * 3600 * NS_PER_S;
    latency_hist_add(&hist, days);
    cr_assert_eq(hist.most, days);
    cr_assert_eq(latency_hist_at(&hist, 5000), days);
}

static int in_order(const void *a, const void *b)
{
    const ns_t left = *(const ns_t *)a, right = *(const ns_t *)b;
    return (left > right) - (left < right);
}

/* Against all times, sorted: every percentile within 1/256. */
Test(latency_hist, percentiles_are_those_of_the_sorted_times_within_their_bound, .init = empty)
{
    enum { COUNT = 20001 };
    static ns_t times[COUNT];
    const uint64_t seed = 7;
    struct prng prng;
    prng_init(&prng, seed, 1);
    for (size_t i = 0; i < COUNT; i++) {
        times[i] = (ns_t)(prng_next(&prng) >> (18 + prng_next(&prng) % 45));
        if (prng_next(&prng) % 4 == 0)
            times[i] = -times[i];
        latency_hist_add(&hist, times[i]);
    }
    qsort(times, COUNT, sizeof(*times), in_order);
    for (uint32_t at = 1; at <= 10000; at += 3) {
        const size_t rank = ((size_t)COUNT * at + 9999) / 10000;
        const ns_t wanted = times[rank - 1], got = latency_hist_at(&hist, at);
        const ns_t off = got > wanted ? got - wanted : wanted - got;
        cr_assert(off <= (wanted < 0 ? -wanted : wanted) / 256, "seed %llu: at %u: %lld, wanted %lld",
                  (unsigned long long)seed, at, (long long)got, (long long)wanted);
    }
}
