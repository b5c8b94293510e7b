/* Sessions of the real adapters with the mock venues, over a network that does not exist. After every input the books
 * that the events build are held against those that the venue had at that update: they are right, or they are stale.
 *
 *     WIRE_SESSIONS=2000 WIRE_SEED=1 tests_cli -j1, suite virtual_wire
 *
 * A failure names its seed; WIRE_SESSIONS=1 WIRE_SEED=that repeats it alone. */
#include "core/prng.h"
#include "tests/cli/wire_session.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#define SPAN (90 * NS_PER_S)
#define HOUR (3600 * NS_PER_S)

static uint32_t rarely(struct prng *prng, uint32_t most)
{
    return prng_below(prng, 3) == 0 ? (uint32_t)prng_below(prng, most) : 0;
}

static struct virtual_net make_net(struct prng *prng)
{
    struct virtual_net net = {.delay = prng_range(prng, NS_PER_MS / 10, 80 * NS_PER_MS),
                              .jitter = prng_range(prng, 0, 30 * NS_PER_MS),
                              .stall = rarely(prng, 5000),
                              .stall_time = prng_range(prng, 0, 3 * NS_PER_S),
                              .silent = rarely(prng, 500000),
                              .request_loss = rarely(prng, 300000),
                              .drop = rarely(prng, 3000),
                              .clock_offset = prng_range(prng, -NS_PER_S, NS_PER_S)};
    if (prng_below(prng, 2) == 0)
        net.cut = prng_range(prng, 2 * NS_PER_S, 40 * NS_PER_S);
    if (prng_below(prng, 4) == 0) {
        net.step_at = SESSION_START + prng_range(prng, NS_PER_S, SPAN);
        net.step = prng_range(prng, -5 * NS_PER_S, 5 * NS_PER_S);
    }
    return net;
}

static struct wire_faults make_faults(struct prng *prng, enum wire_venue venue)
{
    struct wire_faults faults = {.stale_snapshot = rarely(prng, 500000),
                                 .http_429 = rarely(prng, 300000),
                                 .http_418 = rarely(prng, 20000),
                                 .ban_time = 3 * NS_PER_S,
                                 .no_retry_after = rarely(prng, 1000000),
                                 .http_503 = rarely(prng, 300000),
                                 .http_html = rarely(prng, 200000),
                                 .slow = rarely(prng, 300000),
                                 .truncate = rarely(prng, 300000),
                                 .refuse_handshake = rarely(prng, 300000),
                                 .no_pong = rarely(prng, 500000),
                                 .clock_skew = prng_range(prng, -NS_PER_S, NS_PER_S)};
    if (venue != WIRE_UPBIT) { /* without ids nobody can tell */
        faults.drop = rarely(prng, 20000);
        faults.depth_gap = rarely(prng, 20000);
        faults.reorder = rarely(prng, 20000);
    }
    faults.duplicate = rarely(prng, 20000);
    if (prng_below(prng, 4) == 0)
        faults.silence_after = prng_range(prng, 2 * NS_PER_S, 60 * NS_PER_S);
    if (prng_below(prng, 4) == 0)
        faults.half_open_after = prng_range(prng, 2 * NS_PER_S, 60 * NS_PER_S);
    if (prng_below(prng, 4) == 0)
        faults.life = prng_range(prng, 5 * NS_PER_S, 60 * NS_PER_S);
    if (prng_below(prng, 4) == 0)
        faults.drop_connection = prng_range(prng, 5 * NS_PER_S, 60 * NS_PER_S);
    return faults;
}

static uint64_t number_from(const char *name, uint64_t instead)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : instead;
}

/* With the fields that all tests here have in common. */
static struct session *new_session(enum wire_venue venue, uint64_t seed)
{
    struct session *session = calloc(1, sizeof(*session));
    cr_assert_not_null(session);
    session->venue = venue;
    session->seed = seed;
    session->span = SPAN;
    session->stretch = 1;
    session->old = 40 * NS_PER_S;
    session->actions_per_s = 60;
    session->diff_interval = 100 * NS_PER_MS;
    return session;
}

static void campaign(enum wire_venue venue)
{
    const uint64_t first = number_from("WIRE_SEED", 1), count = number_from("WIRE_SESSIONS", 25);
    uint64_t compared = 0, gaps = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct session *session = new_session(venue, seed);
        struct prng prng;
        prng_init(&prng, seed, 1 + (uint64_t)venue);
        session->net = make_net(&prng);
        session->faults = make_faults(&prng, venue);
        if (prng_below(&prng, 2) == 0)
            session->renew = prng_range(&prng, 10 * NS_PER_S, 60 * NS_PER_S);
        session->silence = 20 * NS_PER_S;
        session_run(session);
        compared += session->compared;
        gaps += session->gaps;
        free(session);
    }
    cr_log_info("%s: %llu sessions from seed %llu: %llu books equal, %llu gaps", wire_venue_name(venue),
                (unsigned long long)count, (unsigned long long)first, (unsigned long long)compared,
                (unsigned long long)gaps);
    cr_assert_gt(compared, 100 * count, "only %llu books were compared", (unsigned long long)compared);
}

Test(virtual_wire, binance_usdm_books_are_right_or_stale, .timeout = 3600)
{
    campaign(WIRE_BINANCE_USDM);
}

Test(virtual_wire, binance_spot_books_are_right_or_stale, .timeout = 3600)
{
    campaign(WIRE_BINANCE_SPOT);
}

Test(virtual_wire, upbit_books_are_right_or_stale, .timeout = 3600)
{
    campaign(WIRE_UPBIT);
}

/* Without faults nothing is lost, and a connection that is replaced every few seconds makes no gap. */
static void calm(enum wire_venue venue, ns_t renew)
{
    struct session *session = new_session(venue, 5);
    session->net = (struct virtual_net){.delay = 10 * NS_PER_MS, .jitter = 2 * NS_PER_MS};
    session->renew = renew;
    session_run(session);
    cr_assert_eq(session->gaps, 0, "%s: %llu gaps", wire_venue_name(venue), (unsigned long long)session->gaps);
    cr_assert_gt(session->compared, 1000, "%s: %llu compared", wire_venue_name(venue),
                 (unsigned long long)session->compared);
    free(session);
}

Test(virtual_wire, a_calm_session_has_no_gap)
{
    calm(WIRE_BINANCE_USDM, 0);
    calm(WIRE_BINANCE_SPOT, 0);
    calm(WIRE_UPBIT, 0);
}

Test(virtual_wire, renewals_make_no_gap)
{
    calm(WIRE_BINANCE_USDM, 7 * NS_PER_S);
    calm(WIRE_BINANCE_SPOT, 7 * NS_PER_S);
    calm(WIRE_UPBIT, 7 * NS_PER_S);
}

/* 25 hours of a quiet market, past the venue's own end of a connection. Wall time is told, not judged: machines
 * differ. */
static void run_day(struct session *session)
{
    struct timespec began, ended;
    session->span = 25 * HOUR;
    session->stretch = 25;
    session->stale = 60 * NS_PER_S; /* at times it is quiet for longer than the 10 s */
    session->old = 90 * NS_PER_S;
    session->actions_per_s = 2;
    session->diff_interval = NS_PER_S;
    clock_gettime(CLOCK_MONOTONIC, &began);
    session_run(session);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    const long long ms = (long long)(ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000;
    cr_log_warn("%s: 25 hours in %lld.%03lld s: %llu events, %llu books equal, %llu gaps",
                wire_venue_name(session->venue), ms / 1000, ms % 1000, (unsigned long long)session->events,
                (unsigned long long)session->compared, (unsigned long long)session->gaps);
    cr_assert_gt(session->compared, 50000, "%s: %llu compared", wire_venue_name(session->venue),
                 (unsigned long long)session->compared);
}

/* Twice a day: over a good network, where the connections are replaced before the venue ends them and nothing is
 * missed; and over one that cuts them every hour or so, where messages are late, lost, doubled and (where ids tell)
 * out of order. */
static void whole_day(enum wire_venue venue)
{
    struct session *good = new_session(venue, 7), *bad = new_session(venue, 8);
    good->net = (struct virtual_net){.delay = 10 * NS_PER_MS, .jitter = 5 * NS_PER_MS};
    run_day(good);
    cr_assert_eq(good->gaps, 0, "%s: %llu gaps", wire_venue_name(venue), (unsigned long long)good->gaps);
    bad->net = (struct virtual_net){.delay = 40 * NS_PER_MS,
                                    .jitter = 30 * NS_PER_MS,
                                    .stall = 200,
                                    .stall_time = 3 * NS_PER_S,
                                    .cut = HOUR,
                                    .silent = 200000,
                                    .request_loss = 20000,
                                    .drop = 50};
    bad->faults = (struct wire_faults){.duplicate = 500, .slow = 20000, .http_503 = 20000, .truncate = 20000};
    if (venue != WIRE_UPBIT)
        bad->faults.reorder = bad->faults.drop = 200;
    run_day(bad);
    cr_assert_gt(bad->gaps, 0, "a day without one gap has no faults in it");
    free(good);
    free(bad);
}

Test(virtual_wire, a_whole_day_of_binance_usdm_passes_in_seconds, .timeout = 600)
{
    whole_day(WIRE_BINANCE_USDM);
}

Test(virtual_wire, a_whole_day_of_binance_spot_passes_in_seconds, .timeout = 600)
{
    whole_day(WIRE_BINANCE_SPOT);
}

Test(virtual_wire, a_whole_day_of_upbit_passes_in_seconds, .timeout = 600)
{
    whole_day(WIRE_UPBIT);
}
