/* l3_market.h: recordings of single orders for tests, whole in memory.
 *
 *   l3_market_small   a few prices and a few dozen orders, everything happens all the time: sweeps, moves, crossed
 * and unfair messages, gaps after which all orders are told again, messages that do not fit l3_market_synth   the
 * synthetic market of feeds/, its level-3 events and, when asked for, its price levels too */
#ifndef L3_MARKET_H
#define L3_MARKET_H

#include "core/feed.h"
#include "core/instrument.h"
#include "core/prng.h"
#include "feeds/synth_market.h"

#define L3_SMALL_BASE   1000 /* the lowest price of a small market */
#define L3_SMALL_PRICES 14

struct l3_market {
    struct instrument instrument;
    bool fair, faults;
    struct event *events;
    struct level *levels; /* of all events, one after the other */
    uint32_t count, capacity;
    size_t level_count, level_capacity;
};

/* `levels`: also whole books of price levels, now and then. `faults`: gaps, and messages that do not fit. `fair`:
 * nobody rests through the other side or is executed before those in front of him. */
void l3_market_small(struct l3_market *market, uint64_t seed, uint32_t actions, bool levels, bool faults, bool fair);
void l3_market_synth(struct l3_market *market, const struct synth_config *config);
void l3_market_free(struct l3_market *market);

/* A feed over the recording, in batches of random size. */
struct l3_feed {
    struct feed feed; /* first */
    const struct l3_market *market;
    struct prng prng;
    uint32_t at, batch_max;
};
void l3_feed_init(struct l3_feed *feed, const struct l3_market *market, uint64_t seed, uint32_t batch_max);

#endif
