#include "adapters/heartbeat.h"
#include "cli/config.h"
#include "cli/session_watch.h"

#include <criterion/criterion.h>
#include <string.h>

#define TICK NS_PER_S
#define TS   (INT64_C(1704067200) * NS_PER_S)
#define WALL (INT64_C(5000) * NS_PER_S)

static struct session_watch begun(void)
{
    struct session_watch watch;
    session_watch_begin(&watch, TICK, WALL, TS, 0);
    return watch;
}

Test(session, time_that_goes_as_the_walls_is_well)
{
    struct session_watch watch = begun();
    struct breach breach = {0};
    for (int64_t s = 1; s <= 600; s++) /* 4 % slow, for ten minutes: each minute by itself is within 5 % */
        cr_assert(session_watch_look(&watch, WALL + s * NS_PER_S, TS + s * NS_PER_S * 96 / 100, 0, &breach));
    cr_expect_eq(watch.looks, 10);
    cr_expect(session_watch_end(&watch, WALL + 600 * NS_PER_S, TS + 576 * NS_PER_S, 0, &breach));
}

Test(session, time_that_lags_is_a_breach_when_it_is_found_twice)
{
    struct session_watch watch = begun();
    struct breach breach = {0};
    cr_expect(session_watch_look(&watch, WALL + 59 * NS_PER_S, TS, 0, &breach), "not yet looked at");
    /* 60 s less 5 %, a second and two ticks is 54 s */
    cr_expect(session_watch_look(&watch, WALL + 60 * NS_PER_S, TS + 54 * NS_PER_S, 0, &breach));
    watch = begun();
    cr_expect(session_watch_look(&watch, WALL + 60 * NS_PER_S, TS + 54 * NS_PER_S - 1, 0, &breach),
              "once is a doubt");
    cr_expect(!session_watch_look(&watch, WALL + 61 * NS_PER_S, TS + 54 * NS_PER_S, 0, &breach));
    cr_expect_str_eq(breach.invariant, "wall_clock");
    cr_expect(breach.expected == 61 * NS_PER_S && breach.found == 54 * NS_PER_S && breach.decimals == 9);
}

Test(session, time_that_runs_ahead_is_a_breach_too)
{
    struct session_watch watch = begun();
    struct breach breach = {0};
    cr_expect(session_watch_end(&watch, WALL + 20 * NS_PER_S, TS + 24 * NS_PER_S, 0, &breach));
    cr_expect(!session_watch_end(&watch, WALL + 20 * NS_PER_S, TS + 24 * NS_PER_S + 1, 0, &breach),
              "the end decides alone");
}

Test(session, a_doubt_that_passes_is_forgotten)
{
    struct session_watch watch = begun();
    struct breach breach = {0};
    cr_expect(session_watch_look(&watch, WALL + 60 * NS_PER_S, TS + 50 * NS_PER_S, 0, &breach));
    cr_expect(session_watch_look(&watch, WALL + 61 * NS_PER_S, TS + 61 * NS_PER_S, 0, &breach));
    cr_expect(session_watch_look(&watch, WALL + 121 * NS_PER_S, TS + 111 * NS_PER_S, 0, &breach), "a new doubt");
}

Test(session, a_clock_that_is_set_forward_is_no_time_that_passed)
{
    struct session_watch watch = begun();
    struct breach breach = {0};
    const ns_t hour = 3600 * NS_PER_S;
    cr_expect(session_watch_look(&watch, WALL + 60 * NS_PER_S, TS + 60 * NS_PER_S + hour, hour, &breach));
    cr_expect_eq(watch.looks, 1);
    cr_expect(session_watch_end(&watch, WALL + 90 * NS_PER_S, TS + 90 * NS_PER_S + hour, hour, &breach));
}

Test(session, heartbeats_are_counted_by_the_stretches_between_inputs)
{
    struct heartbeat heart = {.limit = 5 * NS_PER_S};
    heartbeat_beat(&heart, TS, 0);
    cr_expect(heart.longest == 0 && heart.missed == 0, "the first follows nothing");
    heartbeat_beat(&heart, TS + 5 * NS_PER_S, 0);
    cr_expect_eq(heart.missed, 0);
    heartbeat_beat(&heart, TS + 10 * NS_PER_S + 1, 0);
    cr_expect(heart.missed == 1 && heart.longest == 5 * NS_PER_S + 1 && heart.longest_at == TS + 5 * NS_PER_S);
    heartbeat_beat(&heart, TS + 3611 * NS_PER_S, 3600 * NS_PER_S);
    cr_expect(heart.missed == 1 && heart.forward == 3600 * NS_PER_S, "a step is no stretch");
    heart = (struct heartbeat){0};
    heartbeat_beat(&heart, INT64_MIN, 0);
    heartbeat_beat(&heart, INT64_MAX, INT64_MAX);
    heartbeat_beat(&heart, INT64_MAX, INT64_MAX);
    cr_expect(heart.missed == 0 && heart.forward == INT64_MAX, "what cannot be is passed over");
}

Test(session, the_limit_is_five_ticks_and_at_least_a_second)
{
    cr_expect_eq(session_heartbeat(&(struct config_session){.tick = NS_PER_S}), 5 * NS_PER_S);
    cr_expect_eq(session_heartbeat(&(struct config_session){.tick = NS_PER_MS}), NS_PER_S);
}
