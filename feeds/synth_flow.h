/* synth_flow.h: who trades in a synthetic market, and why its prices move as they do.
 *
 *   synth_clock ► which flow? ─┬─ limit    at a random distance from the opposite best price
 *                              ├─ market   sign from a few long metaorders
 *                              ├─ cancel   by distance to the touch; some reduce or reprice instead
 *                              └─ informed take, pull or improve quotes that the value has left behind
 *                                          │
 *                                          ▼
 *                                    synth_book, and a list of changes for the publisher
 *
 * Placement and cancellation. Limit orders arrive at i ticks from the opposite best price with a weight that
 * is partly exponential (makers at the touch) and partly a power of the distance, i^-0.8 (Cont, Stoikov & Talreja
 * 2010 give the form). Orders are cancelled with a hazard that depends on the distance from their own best price
 * and is set so that, left alone, the book would hold a chosen number of orders a level: few at the touch,
 * most at some tens of ticks (the hump), few far away. Cancels are drawn by thinning over bands of distance. An
 * order belongs to the band where it was last looked at; orders that the market moved towards are found late, like
 * forgotten orders are.
 *
 * Signs. Each market order belongs to one of a few metaorders, whose lengths have a power tail of 3/2 (Lillo, Mike
 * & Farmer 2005): signs have memory that falls like l^-1/2.
 *
 * Sizes have a Lomax tail of exponent 1.6, two in five are round; most market orders take no more than the best
 * price shows.
 *
 * Both sides always hold at least SYNTH_SIDE_MIN orders: cancels and market orders stop there.
 *
 * Everything is integer and drawn from one generator in one order: the same seed is the same market.
 */
#ifndef TAPEDECK_FEEDS_SYNTH_FLOW_H
#define TAPEDECK_FEEDS_SYNTH_FLOW_H

#include "feeds/synth_book.h"
#include "feeds/synth_clock.h"

#define SYNTH_DEPTH       600  /* ticks from the opposite best price to the farthest new order */
#define SYNTH_REACH       1500 /* ticks from the middle of the window; orders beyond are cancelled */
#define SYNTH_RECENTRE    256  /* the window moves when the touch is this far from its middle */
#define SYNTH_COLLAR      64   /* ticks that one market order may walk */
#define SYNTH_MAKERS_MAX  256  /* resting orders that one market order may meet */
#define SYNTH_SIDE_MIN    64   /* orders that always stay on a side */
#define SYNTH_ORDERS      8192 /* orders of one instrument */
#define SYNTH_CHANGES_MAX 512  /* changes of one action, or of one round of clearing */
#define SYNTH_BANDS       8
#define SYNTH_METAORDERS  4
#define SYNTH_SIZES       1024
#define SYNTH_WARMUP      30000 /* actions before the first published one */

/* Distributions that all instruments share. */
struct synth_tables {
    struct synth_exp exp;
    struct synth_alias placement;          /* outcome i: i + 1 ticks from the opposite best price */
    struct synth_alias opening;            /* outcome i: i ticks from the own best price, for the first book */
    uint8_t band[SYNTH_DEPTH];             /* of a distance from the own best price */
    uint64_t hazard_q32[SYNTH_DEPTH];      /* of cancelling one order, where placing one anywhere is 1 */
    uint64_t band_hazard_q32[SYNTH_BANDS]; /* the largest in the band */
    uint32_t opening_count;                /* orders of a side in the first book */
    uint32_t size[SYNTH_SIZES + 1];        /* quantiles, in lots */
    uint32_t round_size[SYNTH_SIZES];
};
void synth_tables_init(struct synth_tables *tables);

enum synth_change_kind { SYNTH_ADD, SYNTH_CANCEL, SYNTH_MODIFY, SYNTH_EXECUTE };
struct synth_change {
    uint64_t order_id;
    uint64_t update_id; /* of the book right after this change */
    int64_t tick;
    int64_t lots; /* add, modify: the order's; cancel: what is left; execute: what was executed */
    uint8_t kind; /* enum synth_change_kind */
    uint8_t side; /* of the resting order */
};

struct synth_flow {
    const struct synth_tables *tables;
    struct synth_book *book;
    struct prng prng;
    struct synth_clock clock;
    uint64_t market_weight_q32;

    uint32_t *band_orders[SYNTH_BANDS];
    uint32_t band_count[SYNTH_BANDS];
    struct {
        uint32_t left;
        uint8_t side;
    } metaorders[SYNTH_METAORDERS];

    struct synth_change changes[SYNTH_CHANGES_MAX];
    uint32_t change_count;
    uint8_t aggressor; /* of the executions among the changes */
};

/* Bytes for `memory` of synth_flow_init: the lists of the bands. */
size_t synth_flow_size(void);
/* Fills an empty book around `price` (ticks) and lets the market run in, up to `start`. */
void synth_flow_init(struct synth_flow *flow, void *memory, const struct synth_tables *tables,
                     const struct synth_flow_config *config, struct synth_book *book, uint64_t seed, uint64_t stream,
                     int64_t price, ns_t start);
/* Advance the clock to the next action, but not beyond `end`: then false, and the flow is over. */
bool synth_flow_next(struct synth_flow *flow, ns_t end);
/* Do that action; it may turn out to change nothing. */
void synth_flow_act(struct synth_flow *flow);
/* Has the touch come too far from the middle of the window? */
bool synth_flow_off_centre(const struct synth_flow *flow, int64_t *centre);
/* Cancel orders out of reach of `centre`, as many as a list of changes holds. True: all are gone. */
bool synth_flow_clear_far(struct synth_flow *flow, int64_t centre);

#endif
