#include "adapters/shell/live_clock.h"

#include <criterion/criterion.h>

#define BOOT  (5 * NS_PER_S)
#define EPOCH (1700000000 * NS_PER_S)

Test(live_clock, it_begins_at_the_wall_clock)
{
    struct live_clock clock;
    live_clock_begin(&clock, BOOT, EPOCH);
    cr_assert_eq(live_clock_at(&clock, BOOT), EPOCH);
    cr_assert_eq(live_clock_at(&clock, BOOT + 7), EPOCH + 7);
    cr_assert_eq(live_clock_look(&clock, BOOT + NS_PER_S, EPOCH + NS_PER_S), 0);
}

Test(live_clock, a_wall_clock_set_forward_is_followed_at_once_and_told_once)
{
    struct live_clock clock;
    live_clock_begin(&clock, BOOT, EPOCH);
    cr_assert_eq(live_clock_look(&clock, BOOT + NS_PER_S, EPOCH + 4 * NS_PER_S), 3 * NS_PER_S);
    cr_assert_eq(live_clock_at(&clock, BOOT + NS_PER_S), EPOCH + 4 * NS_PER_S);
    cr_assert_eq(live_clock_look(&clock, BOOT + 2 * NS_PER_S, EPOCH + 5 * NS_PER_S), 0);
}

Test(live_clock, a_wall_clock_set_back_is_told_and_time_goes_on)
{
    struct live_clock clock;
    live_clock_begin(&clock, BOOT, EPOCH);
    ns_t last = live_clock_at(&clock, BOOT + NS_PER_S);
    cr_assert_eq(live_clock_look(&clock, BOOT + NS_PER_S, EPOCH - NS_PER_S), -2 * NS_PER_S);
    for (int i = 2; i < 6; i++) {
        const ns_t monotonic = BOOT + i * NS_PER_S, wall = EPOCH + (i - 2) * NS_PER_S;
        cr_assert_eq(live_clock_look(&clock, monotonic, wall), 0);
        const ns_t ts = live_clock_at(&clock, monotonic);
        cr_assert_eq(ts - last, NS_PER_S - NS_PER_S / LIVE_CLOCK_SLEW, "slowed, not stopped");
        last = ts;
    }
}

Test(live_clock, a_small_correction_is_followed_slowly_and_not_told)
{
    struct live_clock clock;
    live_clock_begin(&clock, BOOT, EPOCH);
    const ns_t ahead = NS_PER_MS;
    cr_assert_eq(live_clock_look(&clock, BOOT + NS_PER_S, EPOCH + NS_PER_S + ahead), 0);
    cr_assert_eq(live_clock_at(&clock, BOOT + NS_PER_S), EPOCH + NS_PER_S + NS_PER_S / LIVE_CLOCK_SLEW);
    cr_assert_eq(live_clock_look(&clock, BOOT + 2 * NS_PER_S, EPOCH + 2 * NS_PER_S + ahead), 0);
    cr_assert_eq(live_clock_look(&clock, BOOT + 3 * NS_PER_S, EPOCH + 3 * NS_PER_S + ahead), 0);
    cr_assert_eq(live_clock_at(&clock, BOOT + 3 * NS_PER_S), EPOCH + 3 * NS_PER_S + ahead);
}

Test(live_clock, time_never_falls_even_when_asked_out_of_order)
{
    struct live_clock clock;
    live_clock_begin(&clock, BOOT, EPOCH);
    const ns_t later = live_clock_at(&clock, BOOT + 10);
    cr_assert_eq(live_clock_at(&clock, BOOT), later);
}

Test(live_clock, a_clock_set_forward_after_it_was_set_back_does_not_stop_time)
{
    struct live_clock clock;
    live_clock_begin(&clock, BOOT, EPOCH);
    (void)live_clock_look(&clock, BOOT + NS_PER_S, EPOCH - 9 * NS_PER_S);
    const ns_t before = live_clock_at(&clock, BOOT + NS_PER_S);
    cr_assert_eq(live_clock_look(&clock, BOOT + 2 * NS_PER_S, EPOCH - 5 * NS_PER_S), 3 * NS_PER_S);
    cr_assert_gt(live_clock_at(&clock, BOOT + 2 * NS_PER_S), before);
}
