/* synth_publisher.h: one instrument of a synthetic market: its flow, its book, and what its venue says of them.
 *
 * A step is one instant of the venue: an action of the flow, or the publication of a batch of diffs. Its messages
 * go to `pending` and are taken from there one by one; only when all are taken are further steps made. How many
 * at once is a matter of speed: a run of steps keeps the instrument in the cache, but the true book is then ahead
 * of the messages. When the feed's batches are of one event, so are the runs: the truth is that of the message.
 */
#ifndef TAPEDECK_FEEDS_SYNTH_PUBLISHER_H
#define TAPEDECK_FEEDS_SYNTH_PUBLISHER_H

#include "feeds/synth_flow.h"
#include "feeds/synth_market.h"

/* The largest instant: every order of a market order met makes a trade, an execution and a BBO may follow; a batch of
 * diffs may name every tick on both sides, and a snapshot every tick once. */
#define SYNTH_INSTANT_EVENTS (2 * SYNTH_CHANGES_MAX + 8)
#define SYNTH_INSTANT_LEVELS (3 * SYNTH_WINDOW + SYNTH_INSTANT_EVENTS + 2)
/* A run of steps ends when it has made so much; the last step may make a whole instant more. */
#define SYNTH_RUN_EVENTS     256
#define SYNTH_RUN_LEVELS     4096
#define SYNTH_PENDING_EVENTS (SYNTH_RUN_EVENTS + SYNTH_INSTANT_EVENTS)
#define SYNTH_PENDING_LEVELS (SYNTH_RUN_LEVELS + SYNTH_INSTANT_LEVELS)
#define SYNTH_EVENT_LEVELS   (2 * SYNTH_WINDOW) /* of one event */

enum synth_phase { SYNTH_OPENING, SYNTH_OPENING_ORDERS, SYNTH_RUNNING, SYNTH_CLEARING, SYNTH_ENDED };

struct synth_publisher {
    const struct synth_config *config;
    struct synth_stats *stats;
    struct synth_book book;
    struct synth_flow flow;
    uint16_t instrument;
    px_t tick;
    qty_t lot;

    enum synth_phase phase;
    bool action_due; /* the flow's clock stands at its next action */
    ns_t action_ts;
    ns_t flow_end; /* NS_MAX: endless */
    ns_t diff_ts;  /* when the changes so far are published; NS_MAX: nothing changed */
    ns_t snapshot_ts;
    int64_t centre;        /* clearing: of the next window */
    int64_t opening_tick;  /* opening orders: the next price ... */
    uint32_t opening_skip; /* ... and how many of its queue are told */
    uint64_t delta_seq;    /* of the last delta or snapshot */
    uint64_t trade_id;
    struct level touch[2]; /* as last published by a BBO, in ticks and lots */

    struct prng latency;
    ns_t line_ts; /* when the last instant reached us: the next cannot be earlier */

    struct event *events; /* SYNTH_PENDING_EVENTS */
    struct level *levels; /* SYNTH_PENDING_LEVELS */
    uint32_t event_count, level_count, taken;
    uint32_t run_events; /* a run ends with so many events */
    int64_t *ticks;      /* SYNTH_WINDOW: scratch */
};

/* Fills in an instrument; returns its opening price in ticks. */
int64_t synth_instrument_init(struct instrument *instrument, const struct synth_config *config, uint32_t number);

size_t synth_publisher_size(void);
void synth_publisher_init(struct synth_publisher *publisher, void *memory, const struct synth_config *config,
                          const struct synth_tables *tables, struct synth_stats *stats,
                          const struct instrument *instrument, uint16_t number, int64_t price);
/* The next message, which stays until the next call of take. NULL: the end. */
const struct event *synth_publisher_peek(struct synth_publisher *publisher);
static inline void synth_publisher_take(struct synth_publisher *publisher)
{
    publisher->taken++;
}

#endif
