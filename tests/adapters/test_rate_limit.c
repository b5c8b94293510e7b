#include "adapters/rate_limit.h"

#include "adapters/http_head.h"
#include "core/prng.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rate_limit limit;

static void setup(uint32_t count, ns_t span, uint32_t count2, ns_t span2)
{
    const struct rate_rule rule = {
        .windows = {{count, span}, {count2, span2}}, .stop_429 = 2 * NS_PER_S, .stop_418 = 120 * NS_PER_S};
    rate_limit_init(&limit, &rule);
}

static void send(ns_t ts, uint32_t weight)
{
    ns_t when;
    cr_assert(rate_limit_ask(&limit, ts, weight, &when));
    rate_limit_settle(&limit, ts, rate_limit_take(&limit, ts, weight));
}

static ns_t refused_until(ns_t ts, uint32_t weight)
{
    ns_t when = 0;
    cr_assert_not(rate_limit_ask(&limit, ts, weight, &when));
    return when;
}

Test(rate_limit, goes_until_the_window_is_full_and_says_when_again)
{
    setup(10, 64 * NS_PER_S, 0, 0);
    send(0, 4);
    send(10 * NS_PER_S, 6);
    ns_t when = refused_until(20 * NS_PER_S, 3);
    cr_assert(when >= 64 * NS_PER_S && when <= 65 * NS_PER_S, "%" PRId64, when);
    when = refused_until(20 * NS_PER_S, 5); /* the first alone is not enough */
    cr_assert(when >= 74 * NS_PER_S && when <= 75 * NS_PER_S, "%" PRId64, when);
    send(65 * NS_PER_S, 4);
    cr_assert_eq(rate_limit_used(&limit, 65 * NS_PER_S, 0), 10);
}

Test(rate_limit, counts_from_sending_until_a_window_after_the_answer)
{
    ns_t when;
    setup(1, 64 * NS_PER_S, 0, 0);
    cr_assert(rate_limit_ask(&limit, 0, 1, &when));
    uint64_t ticket = rate_limit_take(&limit, 0, 1);
    cr_assert_eq(refused_until(1000 * NS_PER_S, 1), NS_MAX); /* it may still be on its way */
    rate_limit_settle(&limit, 1000 * NS_PER_S, ticket);
    cr_assert_eq(refused_until(1001 * NS_PER_S, 1), 1065 * NS_PER_S);
    send(1065 * NS_PER_S, 1);
}

Test(rate_limit, two_windows_hold_both)
{
    setup(2, NS_PER_S, 5, 60 * NS_PER_S);
    send(0, 1);
    send(0, 1);
    cr_assert_leq(refused_until(1, 1), 1100 * NS_PER_MS);
    send(2 * NS_PER_S, 2);
    send(4 * NS_PER_S, 1);
    cr_assert_geq(refused_until(6 * NS_PER_S, 1), 60 * NS_PER_S);
}

Test(rate_limit, what_the_venue_counted_lowers_what_is_allowed)
{
    ns_t when;
    setup(100, 60 * NS_PER_S, 0, 0);
    cr_assert(rate_limit_ask(&limit, 0, 10, &when));
    uint64_t first = rate_limit_take(&limit, 0, 10), second = rate_limit_take(&limit, 0, 10);
    rate_limit_told(&limit, NS_PER_S, second, 0, 75); /* others ask too; the first may not be counted yet */
    cr_assert_eq(rate_limit_used(&limit, NS_PER_S, 0), 85);
    rate_limit_settle(&limit, NS_PER_S, second);
    cr_assert(rate_limit_ask(&limit, NS_PER_S, 15, &when));
    cr_assert_eq(refused_until(NS_PER_S, 16), 61 * NS_PER_S);
    /* An older answer that says less changes nothing. */
    rate_limit_told(&limit, 2 * NS_PER_S, first, 0, 10);
    rate_limit_settle(&limit, 2 * NS_PER_S, first);
    cr_assert_eq(rate_limit_used(&limit, 2 * NS_PER_S, 0), 85);
    /* Its minute is over. */
    cr_assert_eq(rate_limit_used(&limit, 61 * NS_PER_S, 0), 20);
}

Test(rate_limit, refusals_stop_longer_each_time_unless_the_venue_says_how_long)
{
    setup(100, 60 * NS_PER_S, 0, 0);
    const ns_t s = NS_PER_S;
    cr_assert_eq(rate_limit_answer(&limit, 0, 200, NULL, 0, NULL, 0, 0), 0);
    cr_assert_eq(rate_limit_answer(&limit, 0, 429, NULL, 0, NULL, 0, 0), 2 * s);
    cr_assert_eq(rate_limit_answer(&limit, s, 429, NULL, 0, NULL, 0, 0),
                 3 * s); /* on its way already: no repetition */
    cr_assert_eq(refused_until(s, 1), 3 * s);
    cr_assert_eq(rate_limit_answer(&limit, 4 * s, 429, NULL, 0, NULL, 0, 0), 8 * s);
    cr_assert_eq(rate_limit_answer(&limit, 9 * s, 200, NULL, 0, NULL, 0, 0), 0);
    cr_assert_eq(rate_limit_answer(&limit, 10 * s, 429, NULL, 0, NULL, 0, 0), 12 * s);
    const char *head = "HTTP/1.1 429 Too Many Requests\r\nretry-AFTER:  30 \r\n\r\n";
    cr_assert_eq(rate_limit_answer(&limit, 20 * s, 429, head, strlen(head), NULL, 0, 0), 50 * s);
    /* The ban is told in the venue's time, which is 5 s ahead of ours. */
    const char *body = "{\"code\":-1003,\"msg\":\"Way too many requests; IP(1.2.3.4) banned until 105000. Please use "
                       "the websocket\"}";
    cr_assert_eq(rate_limit_answer(&limit, 60 * s, 418, NULL, 0, body, strlen(body), 5 * s), 100 * s);
    cr_assert_eq(rate_limit_answer(&limit, 200 * s, 418, NULL, 0, NULL, 0, 0),
                 200 * s + 8 * 120 * s); /* the fourth in a row */
    for (int i = 0; i < 40; i++)
        (void)rate_limit_answer(&limit, limit.stopped_until, 418, NULL, 0, NULL, 0, 0);
    ns_t begin = limit.stopped_until;
    cr_assert_eq(rate_limit_answer(&limit, begin, 418, NULL, 0, NULL, 0, 0), begin + RATE_STOP_MAX);
}

Test(rate_limit, a_step_of_our_clock_lets_nothing_through)
{
    setup(10, 60 * NS_PER_S, 0, 0);
    send(0, 10);
    rate_limit_stop(&limit, 30 * NS_PER_S);
    rate_limit_shift(&limit, 3600 * NS_PER_S);
    cr_assert_geq(refused_until(3601 * NS_PER_S, 1), 3660 * NS_PER_S);
}

/* A venue that counts, against a sender that sends whenever it may.
 *
 * Fixed windows with any phase and sliding ones are watched at once; requests take any time to get there, answers any
 * time back, or are never heard of; the sender bursts at the edges of what it believes the venue's windows to be. */
#define SENT_MAX 20000

struct on_its_way {
    ns_t counted, answered;
    uint64_t ticket;
    uint32_t weight;
};

static void adversary(uint64_t seed)
{
    static struct on_its_way sent[SENT_MAX];
    struct prng prng;
    prng_init(&prng, seed, 9);
    const uint32_t allowed = (uint32_t)prng_range(&prng, 5, 200);
    const ns_t span = prng_range(&prng, 1, 60) * NS_PER_S;
    const ns_t phase = prng_range(&prng, 0, span - 1);
    const int64_t slow_in = prng_range(&prng, 1, 30); /* one in so many takes long */
    setup(allowed, span, 0, 0);
    uint32_t count = 0, open = 0;
    ns_t ts = (1000 * NS_PER_S);
    uint64_t total = 0;
    while (ts < (1000 * NS_PER_S) + 12 * span && count < SENT_MAX) {
        for (uint32_t i = open; i < count; i++) { /* answers that are due */
            if (sent[i].ticket == 0 || sent[i].answered > ts)
                continue;
            if (prng_below(&prng, 3) == 0) { /* the venue says what its window holds */
                uint64_t used = 0;
                for (uint32_t k = 0; k < count; k++)
                    if (sent[k].counted <= sent[i].counted &&
                        (sent[k].counted + phase) / span == (sent[i].counted + phase) / span)
                        used += sent[k].weight;
                rate_limit_told(&limit, ts, sent[i].ticket, 0, used);
            }
            rate_limit_settle(&limit, ts, sent[i].ticket);
            sent[i].ticket = 0;
        }
        while (open < count && sent[open].ticket == 0)
            open++;
        uint32_t weight = (uint32_t)prng_range(&prng, 1, allowed / 3 + 1);
        ns_t when = 0;
        if (count < SENT_MAX && rate_limit_ask(&limit, ts, weight, &when)) {
            bool slow = prng_below(&prng, (uint64_t)slow_in) == 0;
            ns_t there = prng_range(&prng, 0, slow ? span : span / 100);
            ns_t back = prng_range(&prng, 0, prng_below(&prng, (uint64_t)slow_in) == 0 ? span : span / 100);
            sent[count++] = (struct on_its_way){.counted = ts + there,
                                                .answered = ts + there + back,
                                                .ticket = rate_limit_take(&limit, ts, weight),
                                                .weight = weight};
            total += weight;
            continue; /* as much as goes, at once */
        }
        /* To the edge of a window as the venue counts it, to when it may be, or a little further. */
        ns_t edge = ts + span - (ts + phase) % span;
        ns_t step = ts + prng_range(&prng, 1, span / 10);
        uint64_t way = prng_below(&prng, 3);
        ts = way == 0 && when != NS_MAX && when > ts ? when : way == 1 && edge - 1 > ts ? edge - 1 : step;
    }
    /* Any stretch that begins where something was counted: the worst ones do. */
    for (uint32_t i = 0; i < count; i++) {
        uint64_t within = 0;
        for (uint32_t k = 0; k < count; k++)
            if (sent[k].counted >= sent[i].counted && sent[k].counted < sent[i].counted + span)
                within += sent[k].weight;
        cr_assert(within <= allowed, "seed %" PRIu64 ": the venue counted %" PRIu64 " of %u within %" PRId64 " ms",
                  seed, within, allowed, span / NS_PER_MS);
    }
    /* And it is of use: much of what would be allowed is sent, where the way there is short. */
    if (slow_in > 25)
        cr_assert(total > 4 * (uint64_t)allowed, "seed %" PRIu64 ": only %" PRIu64 " sent", seed, total);
}

Test(rate_limit, the_venue_never_counts_above_its_limit, .timeout = 600)
{
    const char *seeds = getenv("TAPEDECK_SEEDS"), *first = getenv("TAPEDECK_SEED");
    uint64_t begin = first == NULL ? 1 : strtoull(first, NULL, 10);
    uint64_t end = begin + (seeds == NULL ? 200 : strtoull(seeds, NULL, 10));
    for (uint64_t seed = begin; seed < end; seed++)
        adversary(seed);
    printf("# seeds %" PRIu64 "..%" PRIu64 "\n", begin, end - 1);
}

/* --- headers --- */

Test(http_head, values_are_found_whatever_the_letters)
{
    const char head[] =
        "HTTP/2 200\r\nx-MBX-used-Weight-1M: 41\r\nX-MBX-USED-WEIGHT: 7\nRemaining-req:group=default ;sec= "
        "29; min=1800;new=x\r\nRetry-After: soon\r\n";
    uint64_t number = 0;
    cr_assert(http_head_number(head, sizeof(head) - 1, "X-MBX-USED-WEIGHT-1m", &number));
    cr_assert_eq(number, 41);
    cr_assert(http_head_number(head, sizeof(head) - 1, "x-mbx-used-weight", &number));
    cr_assert_eq(number, 7);
    cr_assert_not(http_head_number(head, sizeof(head) - 1, "x-mbx-used", &number));
    struct http_remaining remaining;
    cr_assert(http_remaining_req(head, sizeof(head) - 1, &remaining));
    cr_assert(remaining.group_size == 7 && memcmp(remaining.group, "default", 7) == 0 && remaining.sec == 29);
    ns_t wait = 5;
    cr_assert_not(http_retry_after(head, sizeof(head) - 1, &wait));
    cr_assert_eq(wait, 5);
}

Test(http_head, a_date_counts_from_the_answers_own)
{
    const char head[] = "Date: Tue, 29 Feb 2028 23:59:30 GMT\r\nRetry-After: Wed, 01 Mar 2028 00:00:10 GMT\r\n";
    ns_t wait;
    cr_assert(http_retry_after(head, sizeof(head) - 1, &wait));
    cr_assert_eq(wait, 40 * NS_PER_S);
    const char undated[] = "Retry-After: Wed, 01 Mar 2028 00:00:10 GMT\r\n";
    cr_assert_not(http_retry_after(undated, sizeof(undated) - 1, &wait));
    const char long_wait[] = "Retry-After: 99999999999999999999999999\r\n";
    cr_assert(http_retry_after(long_wait, sizeof(long_wait) - 1, &wait));
    cr_assert_eq(wait, INT64_C(30) * 24 * 3600 * NS_PER_S);
}

Test(http_head, what_is_malformed_is_absent)
{
    struct http_remaining remaining;
    ns_t until;
    static const char *const wrong[] = {"",
                                        "Remaining-Req",
                                        "Remaining-Req:",
                                        "Remaining-Req: sec=1",
                                        "Remaining-Req: group=a; sec=x",
                                        "Remaining-Req: group=; sec=1"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        cr_assert_not(http_remaining_req(wrong[i], strlen(wrong[i]), &remaining), "%s", wrong[i]);
    cr_assert_not(http_banned_until("banned until ", 13, &until));
    cr_assert_not(http_banned_until("banned until tomorrow", 21, &until));
    cr_assert(http_banned_until("IP banned UNTIL 1591702613943.", 30, &until));
    cr_assert_eq(until, INT64_C(1591702613943) * NS_PER_MS);
}
