/* rate_limit.h: never ask a venue for more than it allows, wherever its windows begin and whatever got lost.
 *
 *   ask(weight) ─► go ─► take ─► ticket ──── sent ───────────── answered or failed: settle(ticket)
 *       │                          │                                 │
 *       └─► not before `when`      └──── counts from here ───────────┴──── and for one whole window more ───►
 *
 * A venue counts a request at some moment between our sending it and our hearing of it. So here it counts from its
 * being sent until one whole window after its answer: then in no stretch of that length, fixed or sliding, begun by
 * whatever clock, can the venue have counted more than we did.
 *     (Say it counted r and q within one window, r the last that we sent. Had q been let go when r was sent, q's
 *     answer would have been a window before, and the venue's count of q at least that long before its count of r.)
 * What it needs is that a request given up (settled without an answer) does not reach the venue afterwards.
 *
 * One struct is one group: what a venue counts together (weight of an address, messages of a connection, calls of one
 * kind). A group may have several windows (5 a second and 100 a minute). Settled weight is kept in buckets of 1/64 of
 * its window, so memory is fixed and nothing is ever refused for want of it but more than RATE_IN_FLIGHT requests
 * without an answer.
 *
 * The venue's own word only ever lowers what is allowed: how much it has counted (rate_limit_told), which includes
 * what others at our address ask for; and its refusals:
 *
 *   429   stop this group: Retry-After when it is said, else `stop_429`, doubled at each repetition
 *   418   the same with `stop_418`, and "banned until <ms>" (Binance -1003) when that is said
 *
 * A stop lasts at most RATE_STOP_MAX. Doubling ends with the first answer that is none of the two.
 */
#ifndef TAPEDECK_ADAPTERS_RATE_LIMIT_H
#define TAPEDECK_ADAPTERS_RATE_LIMIT_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RATE_WINDOWS   2
#define RATE_BUCKETS   64
#define RATE_IN_FLIGHT 64
#define RATE_STOP_MAX  (3 * 24 * 3600 * NS_PER_S)

struct rate_window {
    uint32_t limit; /* weight allowed in any stretch of `span`; 0: no such window */
    ns_t span;      /* >= RATE_BUCKETS ns */
};

struct rate_rule {
    struct rate_window windows[RATE_WINDOWS]; /* the first is there (asserted) */
    ns_t stop_429, stop_418;                  /* where the venue does not say how long; > 0 */
};

struct rate_limit {
    struct rate_rule rule;
    ns_t stopped_until; /* 0: not stopped */
    uint32_t strikes;   /* refusals in a row */
    uint32_t in_flight;
    uint64_t tickets; /* given so far */
    struct rate_flight {
        uint64_t ticket;       /* 0: free */
        uint64_t before;       /* weight in flight when it was taken, itself not counted */
        uint64_t taken_weight; /* all weight ever taken, itself counted */
        uint32_t weight;
    } flights[RATE_IN_FLIGHT];
    uint64_t flight_weight; /* sum of them */
    uint64_t taken_weight;
    struct rate_ledger {
        uint64_t settled; /* weight in the buckets */
        struct rate_bucket {
            ns_t until; /* when it stops counting */
            uint64_t weight;
        } buckets[RATE_BUCKETS + 2]; /* a ring, rising by `until` */
        uint32_t head, count;
        /* The venue's own count. */
        uint64_t told;        /* what it said, and what it may not have counted yet then */
        uint64_t told_taken;  /* taken_weight at that time: what was taken since comes on top */
        uint64_t told_ticket; /* which answer said so */
        ns_t told_until;      /* when that window is over at the latest */
    } ledgers[RATE_WINDOWS];
};

void rate_limit_init(struct rate_limit *limit, const struct rate_rule *rule);

/* May `weight` be sent now? If not: `*when` is the earliest time at which it may be, as far as is known now; NS_MAX:
 * not before something in flight is settled. A weight above a window's limit counts as the whole limit. */
bool rate_limit_ask(struct rate_limit *limit, ns_t ts, uint32_t weight, ns_t *when) MUST_USE;
/* It is being sent: the ticket (never 0) is settled once. Must be allowed (asserted). */
uint64_t rate_limit_take(struct rate_limit *limit, ns_t ts, uint32_t weight) MUST_USE;
/* Its answer came, or it was given up, at `ts`. */
void rate_limit_settle(struct rate_limit *limit, ns_t ts, uint64_t ticket);

/* The answer of `ticket` (not settled yet) says that the venue has counted `used` in `window` (0 or 1). */
void rate_limit_told(struct rate_limit *limit, ns_t ts, uint64_t ticket, unsigned window, uint64_t used);
/* An answer with `status` came. 429 and 418 stop the group; what is returned is until when (0: not refused). `head`
 * and `body` may be NULL. `offset`: the venue's clock minus ours, for a ban that is told in its time. */
ns_t rate_limit_answer(struct rate_limit *limit, ns_t ts, int32_t status, const char *head, size_t head_size,
                       const char *body, size_t body_size, ns_t offset);
/* Nothing is sent before `until`, unless it is stopped for longer already. */
void rate_limit_stop(struct rate_limit *limit, ns_t until);
/* The local clock was stepped by `step` > 0: time that did not pass. */
void rate_limit_shift(struct rate_limit *limit, ns_t step);

/* What counts now in `window`. */
uint64_t rate_limit_used(struct rate_limit *limit, ns_t ts, unsigned window);

#ifdef __cplusplus
}
#endif
#endif
