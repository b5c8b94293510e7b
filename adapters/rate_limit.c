#include "adapters/rate_limit.h"

#include "adapters/http_head.h"

#include <string.h>

void rate_limit_init(struct rate_limit *limit, const struct rate_rule *rule)
{
    ASSERT(rule->windows[0].limit > 0 && rule->stop_429 > 0 && rule->stop_418 > 0);
    memset(limit, 0, sizeof(*limit));
    limit->rule = *rule;
    for (unsigned i = 0; i < RATE_WINDOWS; i++)
        ASSERT(rule->windows[i].limit == 0 || rule->windows[i].span >= RATE_BUCKETS);
}

static ns_t add_time(ns_t ts, ns_t span)
{
    return ts > NS_MAX - span ? NS_MAX : ts + span;
}

/* --- what counts --- */

static void forget_old(struct rate_ledger *ledger, ns_t ts)
{
    while (ledger->count > 0 && ledger->buckets[ledger->head].until <= ts) {
        ledger->settled -= ledger->buckets[ledger->head].weight;
        ledger->head = (ledger->head + 1) % ARRAY_LEN(ledger->buckets);
        ledger->count--;
    }
    if (ledger->told_until <= ts)
        ledger->told_until = 0;
}

static uint64_t used_by_us(const struct rate_limit *limit, const struct rate_ledger *ledger)
{
    return limit->flight_weight + ledger->settled;
}

static uint64_t used_as_told(const struct rate_limit *limit, const struct rate_ledger *ledger)
{
    return ledger->told_until == 0 ? 0 : ledger->told + (limit->taken_weight - ledger->told_taken);
}

uint64_t rate_limit_used(struct rate_limit *limit, ns_t ts, unsigned window)
{
    struct rate_ledger *ledger = &limit->ledgers[window];
    forget_old(ledger, ts);
    uint64_t ours = used_by_us(limit, ledger), told = used_as_told(limit, ledger);
    return ours > told ? ours : told;
}

/* When the settled weight will have fallen by `excess`; NS_MAX: there is not so much. */
static ns_t when_fallen(const struct rate_ledger *ledger, uint64_t excess)
{
    for (uint32_t i = 0; i < ledger->count; i++) {
        const struct rate_bucket *bucket = &ledger->buckets[(ledger->head + i) % ARRAY_LEN(ledger->buckets)];
        if (bucket->weight >= excess)
            return bucket->until;
        excess -= bucket->weight;
    }
    return NS_MAX;
}

static ns_t later(ns_t a, ns_t b)
{
    return a > b ? a : b;
}

bool rate_limit_ask(struct rate_limit *limit, ns_t ts, uint32_t weight, ns_t *when)
{
    ns_t earliest = limit->stopped_until > ts ? limit->stopped_until : ts;
    if (limit->in_flight == RATE_IN_FLIGHT)
        earliest = NS_MAX;
    for (unsigned i = 0; i < RATE_WINDOWS && limit->rule.windows[i].limit > 0; i++) {
        struct rate_ledger *ledger = &limit->ledgers[i];
        uint64_t allowed = limit->rule.windows[i].limit;
        uint64_t asked = weight < allowed ? weight : allowed;
        forget_old(ledger, ts);
        uint64_t ours = used_by_us(limit, ledger) + asked, told = used_as_told(limit, ledger) + asked;
        if (ours > allowed)
            earliest = later(earliest, when_fallen(ledger, ours - allowed));
        if (ledger->told_until != 0 && told > allowed)
            earliest = later(earliest, ledger->told_until);
    }
    if (earliest <= ts)
        return true;
    *when = earliest;
    return false;
}

/* --- taking and settling --- */

uint64_t rate_limit_take(struct rate_limit *limit, ns_t ts, uint32_t weight)
{
    ns_t when;
    bool allowed = rate_limit_ask(limit, ts, weight, &when);
    ASSERT(allowed);
    struct rate_flight *flight = limit->flights;
    while (flight->ticket != 0)
        flight++;
    *flight = (struct rate_flight){.ticket = ++limit->tickets, .before = limit->flight_weight, .weight = weight};
    limit->in_flight++;
    limit->flight_weight += weight;
    limit->taken_weight += weight;
    flight->taken_weight = limit->taken_weight;
    return flight->ticket;
}

static struct rate_flight *flight_of(struct rate_limit *limit, uint64_t ticket)
{
    for (struct rate_flight *flight = limit->flights; flight < limit->flights + RATE_IN_FLIGHT; flight++)
        if (flight->ticket == ticket)
            return flight;
    return NULL;
}

/* Into the newest bucket when it ends no later than 1/64 of a window from when it began: it is then counted that much
 * too long, never too short. So at most 65 buckets are younger than a window. */
static void put_settled(struct rate_ledger *ledger, const struct rate_window *window, ns_t ts, uint32_t weight)
{
    forget_old(ledger, ts);
    const ns_t grain = window->span / RATE_BUCKETS;
    const ns_t until = add_time(ts, window->span);
    struct rate_bucket *newest = NULL;
    if (ledger->count > 0)
        newest = &ledger->buckets[(ledger->head + ledger->count - 1) % ARRAY_LEN(ledger->buckets)];
    if (newest == NULL || (newest->until < until && ledger->count < ARRAY_LEN(ledger->buckets))) {
        newest = &ledger->buckets[(ledger->head + ledger->count++) % ARRAY_LEN(ledger->buckets)];
        *newest = (struct rate_bucket){.until = add_time(until, grain), .weight = 0};
    } else if (newest->until < until) {
        newest->until = until;
    }
    newest->weight += weight;
    ledger->settled += weight;
}

void rate_limit_settle(struct rate_limit *limit, ns_t ts, uint64_t ticket)
{
    struct rate_flight *flight = flight_of(limit, ticket);
    ASSERT(ticket != 0 && flight != NULL);
    for (unsigned i = 0; i < RATE_WINDOWS && limit->rule.windows[i].limit > 0; i++)
        put_settled(&limit->ledgers[i], &limit->rule.windows[i], ts, flight->weight);
    limit->in_flight--;
    limit->flight_weight -= flight->weight;
    flight->ticket = 0;
}

/* --- the venue's word --- */

/* What it said may not include what was in flight together with that request, nor anything sent later. A count of an
 * older request does not replace that of a newer one: the larger of both holds. */
void rate_limit_told(struct rate_limit *limit, ns_t ts, uint64_t ticket, unsigned window, uint64_t used)
{
    ASSERT(window < RATE_WINDOWS);
    struct rate_ledger *ledger = &limit->ledgers[window];
    const struct rate_flight *flight = flight_of(limit, ticket);
    if (ticket == 0 || flight == NULL || limit->rule.windows[window].limit == 0)
        return;
    forget_old(ledger, ts);
    uint64_t told = used > UINT32_MAX ? UINT32_MAX : used;
    told += flight->before + (limit->taken_weight - flight->taken_weight);
    if (ledger->told_until != 0 && ticket < ledger->told_ticket && told < used_as_told(limit, ledger))
        return;
    ledger->told = told;
    ledger->told_taken = limit->taken_weight;
    ledger->told_ticket = ticket;
    ledger->told_until = add_time(ts, limit->rule.windows[window].span);
}

void rate_limit_stop(struct rate_limit *limit, ns_t until)
{
    if (until > limit->stopped_until)
        limit->stopped_until = until;
}

ns_t rate_limit_answer(struct rate_limit *limit, ns_t ts, int32_t status, const char *head, size_t head_size,
                       const char *body, size_t body_size, ns_t offset)
{
    if (status != 429 && status != 418) {
        if (ts >= limit->stopped_until)
            limit->strikes = 0;
        return 0;
    }
    ns_t wait = status == 429 ? limit->rule.stop_429 : limit->rule.stop_418;
    /* Those that were on their way when the first was refused are no repetition of ours. */
    if (ts >= limit->stopped_until && limit->strikes < UINT32_MAX)
        limit->strikes++;
    for (uint32_t i = 1; i < limit->strikes && wait < RATE_STOP_MAX; i++)
        wait *= 2;
    ns_t said, until;
    if (head != NULL && http_retry_after(head, head_size, &said)) {
        wait = said;
    } else if (body != NULL && http_banned_until(body, body_size, &until)) {
        __extension__ __int128 left = (__int128)until - offset - ts;
        if (left > 0)
            wait = left > RATE_STOP_MAX ? RATE_STOP_MAX : (ns_t)left;
    }
    if (wait > RATE_STOP_MAX)
        wait = RATE_STOP_MAX;
    rate_limit_stop(limit, add_time(ts, wait));
    return limit->stopped_until;
}

void rate_limit_shift(struct rate_limit *limit, ns_t step)
{
    if (step <= 0)
        return;
    if (limit->stopped_until > 0)
        limit->stopped_until = add_time(limit->stopped_until, step);
    for (unsigned i = 0; i < RATE_WINDOWS; i++) {
        struct rate_ledger *ledger = &limit->ledgers[i];
        for (uint32_t k = 0; k < ledger->count; k++) {
            struct rate_bucket *bucket = &ledger->buckets[(ledger->head + k) % ARRAY_LEN(ledger->buckets)];
            bucket->until = add_time(bucket->until, step);
        }
        if (ledger->told_until != 0)
            ledger->told_until = add_time(ledger->told_until, step);
    }
}
