/* world_rig.h: a made-up market in lanes, the real venue and engine around sim_world, and a strategy with a plan.
 *
 *   market_make(seed) ─► lanes of events ─► fake feeds ─► sim_world ─► engine ─► planned strategy
 *                             │             (batches are copies, freed when released)
 *                             └──► oracle: the venue's book at any moment, from a plain sort of all events
 *
 * Every answer of the venue to a new order is held against the oracle at the moment of its arrival. */
#ifndef TAPEDECK_TESTS_SIM_WORLD_RIG_H
#define TAPEDECK_TESTS_SIM_WORLD_RIG_H

#include "core/engine.h"
#include "core/prng.h"
#include "sim/sim_world.h"

#define RIG_LANES       3
#define RIG_INSTRUMENTS 3
#define RIG_LANE_EVENTS 600
#define RIG_LEVELS      24
#define RIG_BASE        1000 /* the lowest price that the market uses */
#define RIG_PRICES      96
#define RIG_LOG         4096
#define RIG_TAG_FAR     1000000 /* tags of orders that only wake a venue */

/* What the strategy does when it sees an event. */
enum act { ACT_NONE, ACT_IOC, ACT_GTC, ACT_POST, ACT_MARKET, ACT_CANCEL, ACT_AMEND, ACT_TIMER };

struct market_event {
    struct event event; /* seq: position in the lane, from 1 */
    struct level levels[RIG_LEVELS];
    ns_t venue_ts; /* by the oracle's own reckoning */
    enum act act;
    uint16_t act_instrument;
    uint8_t act_side;
    int act_offset;
    qty_t act_qty;
};

struct market {
    uint16_t lanes, instruments;
    struct market_event *events[RIG_LANES];
    uint32_t counts[RIG_LANES];
};

struct market_options {
    uint64_t seed;
    uint16_t lanes, instruments;
    uint32_t messages;
    bool no_stamps;     /* exch_ts 0 everywhere */
    uint32_t acts_from; /* no act before this message */
    uint32_t per_mille; /* acts in a thousand messages */
};
void market_make(struct market *market, const struct market_options *options);
void market_free(struct market *market);

struct fake_feed {
    struct feed feed; /* first */
    const struct market_event *events;
    uint32_t count, at, batch, held_max;
    err_t end;        /* ERR_END, or what it breaks with */
    struct prng prng; /* batch 0: random sizes */
    bool live;        /* has what was let in, and then says ERR_AGAIN */
    uint32_t let_in;  /* events */
    ns_t tick;        /* with nothing else let in: a tick; 0: none */
    bool over;        /* nothing more will be let in */
    struct event *held[256];
    uint64_t given, released;
};

struct said {
    ns_t ts, venue_ts;
    uint64_t tag;
    uint8_t kind, maker;
    uint16_t reason;
    uint32_t none; /* no padding: compared as bytes */
    px_t price;
    qty_t qty;
};

struct rig_latency {
    ns_t entry, response;
};

struct world_rig {
    uint64_t seed;
    const struct market *market;
    /* to be set before world_up */
    struct rig_latency latency;         /* constant, and the least when there is a model */
    const struct latency_config *model; /* NULL: constant */
    uint32_t batch;                     /* events a batch, 0: random */
    uint32_t held_max;                  /* batches a feed keeps */
    uint32_t requests_max;
    uint32_t far_from; /* send (and cancel) a far order for every instrument at this message of lane 0; 0: do not */
    bool rich;         /* acts with every kind of order and request; self-trades are allowed */
    bool stubborn;     /* re-arms a timer for ever and answers every reject with an order */
    bool order_in_start;
    ns_t equity_interval;
    const struct faults *faults; /* NULL: nothing goes wrong */
    bool quiet;                  /* never acts */
    bool causal;
    bool late; /* causal, with market data that are later than answers: the oracle and exact latencies do not hold */
    bool live; /* one lane, let in by whoever drives the run */
    bool acts_on_notice; /* an order at each end of a cut */

    struct fake_feed feeds[RIG_LANES];
    struct feed *lanes[RIG_LANES];
    struct instrument instruments[RIG_INSTRUMENTS];
    struct risk_limits limits[RIG_INSTRUMENTS];
    struct venue_sink sink; /* the world's own */
    struct world *world;
    struct venue *venue;
    struct engine *engine;
    void *world_memory, *venue_memory, *engine_memory;
    struct world_rig *self;
    ns_t submitted[65536]; /* by order id */
    uint64_t answered;     /* new orders that the venue answered */
    struct said said[RIG_LOG];
    uint32_t said_count;
    uint64_t far_id[RIG_INSTRUMENTS];
    uint64_t seen;
    ns_t seen_ts;
    uint16_t seen_lane;
    uint64_t seen_position[RIG_LANES];
    uint64_t refused, lost;             /* new orders after the end; those that never reached the venue */
    uint64_t timed_out, turned_away;    /* new orders: lost by a fault, refused in an outage */
    uint64_t notices[EVENT_KIND_COUNT]; /* told by the world, and not by a lane */
    bool line_down, gap_due;
    uint64_t queried;  /* words with REASON_QUERIED */
    ns_t first_notice; /* 0: none */
};

struct world_rig *rig_new(const struct market *market, uint64_t seed);
void rig_up(struct world_rig *rig);
/* rig_up, all inputs, stop, and what must hold at every end. */
struct digest_value rig_run(struct world_rig *rig);
/* For who runs the engine himself: the last two of these, after `err`. */
struct digest_value rig_end(struct world_rig *rig, err_t err);
/* The world is closed, then the feeds: every batch was released once. */
void rig_free(struct world_rig *rig);

#endif
