/* slow_l3.h: the exact queue again, from docs/fills.md and not from the venue: obviously right and not fast.
 *
 * Everyone who rests stands in one list, in the order of joining: the orders of the recording and ours between them.
 * A queue is whoever of the list is at a price; what is ahead of one of ours is the sum of what stands before it
 * there; nothing is remembered that can be counted anew. Fees, cash and positions are sums over the fills. The venue
 * must answer with the same executions at the same times. */
#ifndef SLOW_L3_H
#define SLOW_L3_H

#include "sim/venue.h"

struct slow_one {
    bool ours, told; /* told: since the last snapshot without levels */
    uint64_t id;
    enum side side;
    px_t price;
    qty_t left;
    qty_t taken; /* of a recorded order, by us */
    /* ours */
    qty_t qty, filled;
    uint8_t type, tif, flags;
};

struct slow_said {
    ns_t ts;
    uint64_t order_id;
    enum exec_kind kind;
    enum reason reason;
    px_t price;
    qty_t qty, leaves;
    money_t fee; /* at 10^-8 */
    bool maker;
};

struct slow_l3 {
    const struct instrument *rules;
    ns_t now;
    struct slow_one *line;
    int count, capacity, own_max;
    bool fresh, lost;
    qty_t position;
    money_t paid, fees; /* sum of price x quantity of buys less sells; fees at 10^-8 */
    struct slow_said *said;
    int said_count, said_capacity;
    uint64_t ids_seen; /* ids rise in the test */
};

void slow_l3_init(struct slow_l3 *slow, const struct instrument *rules, int own_max);
void slow_l3_free(struct slow_l3 *slow);
void slow_l3_market(struct slow_l3 *slow, ns_t ts, const struct event *event);
void slow_l3_request(struct slow_l3 *slow, ns_t ts, const struct venue_request *request);
/* What stands before one of ours; -1: it does not rest. */
qty_t slow_l3_ahead(const struct slow_l3 *slow, uint64_t id);
qty_t slow_l3_shown(const struct slow_l3 *slow, enum side side, px_t price);

#endif
