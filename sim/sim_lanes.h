/* sim_lanes.h: the insides of the simulated world, shared by its files and by nobody else.
 *
 *   sim_lanes.c   the lanes: batches, the two cursors, what the tournaments know of them
 *   sim_gateway.c the way of a request to its venue
 *   sim_world.c   the venue's side, the runs for the engines
 *   sim_audit.c   the venue's view of our orders and money against the engine's
 *   sim_causal.c  the venue that knows no more than what has arrived
 *   sim_snapshot.c what of the world's memory is not its state
 *   sim_faults.c  what goes wrong on the way: lost messages, lines that are cut, the venue's outages
 */
#ifndef TAPEDECK_SIM_SIM_LANES_H
#define TAPEDECK_SIM_SIM_LANES_H

#include "core/merge_tree.h"
#include "sim/sim_world.h"
#include "sim/why.h"

struct cursor {
    uint64_t batch; /* running number */
    uint32_t at;
};

struct lane {
    struct feed *feed;
    struct event_batch *ring;
    uint64_t ring_mask;
    uint64_t first, end; /* batches held: [first, end) */
    struct cursor engine, venue;
    struct cursor late; /* while an instrument catches up with the venue */
    ns_t venue_clock, late_clock;
    ns_t own_clock; /* causal: what venue_clock would be if nothing had come late */
    ns_t delay; /* of the last event with a stamp that passed: the venue's cursor, or the engine's while it sleeps */
    bool ended;
    bool dry;      /* causal: the feed has nothing yet */
    err_t failure; /* the feed broke after the last batch: the engine stops when it gets there */
};

struct request {
    ns_t arrival;
    uint64_t unused; /* 0 */
    struct venue_request body;
};

struct response {
    ns_t ts;
    uint16_t instrument;
    struct execution body;
};

/* Requests that go in one message share its way. */
struct message {
    bool batch, on_its_way;
    uint64_t number;
    struct latency_outcome way;
};

/* Numbers the messages of one direction and one moment, for the latency model. */
struct moment {
    ns_t ts;
    uint64_t count;
};

/* Words about orders that do not come with the answers, rising in ts. */
struct word_queue {
    struct response *ring; /* NULL: none can come */
    uint64_t head, tail;
    ns_t last;
};

/* A line of ours that may be cut. The market's: what it does not carry is folded into `books`, and told as snapshots
 * when it is up again. */
struct line {
    enum { LINE_NEVER, LINE_UP, LINE_GAP, LINE_DOWN, LINE_TELLING } state; /* NEVER: it cannot be cut */
    struct fault_span span; /* the next window, or the one that it is in */
    uint16_t told;          /* TELLING: the instrument whose turn it is */
};

/* One engine's side of the world: its orders on their way, its venue, what comes back. */
struct branch {
    struct world world; /* first */
    struct sim_world *sim;
    struct venue *venue;
    struct moment sending, answering;
    struct message message;
    const ns_t *timer; /* when the venue next does something by itself */
    struct request *requests;
    struct response *responses;
    uint64_t request_head, request_tail, response_head, response_tail;
    ns_t last_arrival, last_response;
    struct word_queue refusals; /* of requests that never reach the venue */
    struct word_queue timeouts; /* of requests that were lost */
    struct word_queue reports;  /* what answers said that were lost, and what came for their orders meanwhile */
    struct event execution_event;
    ns_t word_last; /* when the engine last heard of an order */
    uint64_t sent, answered, rejected;
    struct sim_fault_stats faults;
    struct venue_watch *watch; /* NULL: none */
};

/* The first of what all branches have under way; of one instant, that of the lower branch. */
struct soonest {
    struct branch *branch; /* NULL: nothing is */
    ns_t ts;               /* then NS_MAX */
};

struct sim_world {
    struct latency_model latency;
    ns_t entry_min, response_min;
    struct branch *branches; /* the first leads: all eat its run */
    uint16_t branch_count;
    struct soonest request; /* that reaches its venue */
    struct soonest word;    /* about an order, that reaches its engine */
    sim_book_source books;
    sim_mark_source marks; /* NULL: none; with the context of the books */
    const void *books_context;
    const ns_t *due; /* the venues' own next moment */
    struct lane *lanes;
    uint16_t lane_count;
    uint16_t run_lane;   /* whose events the run holds; lane_count: an execution's */
    bool market_over;    /* the last market event was given: no new requests */
    bool started, awake; /* awake: the venue follows the lanes */
    bool *instrument_awake;
    uint16_t instrument_count;
    struct merge_tree by_ts, by_exch;
    ns_t market_last; /* the latest arrival of what the venue has passed */
    ns_t venue_done;  /* the venue has seen everything up to here */
    ns_t engine_next; /* no request can be sent before; while the venue advances */
    uint32_t mask;    /* requests_max - 1 */
    uint64_t clock_behind, lookahead_most;
    bool causal;
    ns_t horizon; /* causal: how far the venue may live before the next input; else NS_MAX */
    ns_t told;    /* causal: the engine is there already */
    ns_t acted;   /* causal: the latest that the venue has handled beside market events */
    uint64_t late_events, late_words;
    err_t broken;
    const struct faults *faults; /* NULL: nothing goes wrong, and nothing of the following is used */
    struct line market, channel;
    struct fault_span outage; /* the one that the venue is in, or the next */
    bool halted;
    struct book *unheard; /* one an instrument, while the market's line is down */
    bool *unknown;        /* by instrument: what it showed was lost (single orders) */
    struct level *levels; /* of the snapshot being told */
    struct event notice;
    uint64_t outages, line_cuts, channel_cuts, unheard_count;
};

static inline struct event_batch *sim_batch(struct lane *lane, uint64_t number)
{
    return &lane->ring[number & lane->ring_mask];
}

/* When the venue sees an event: never backwards (`clock`), never after its arrival here. */
static inline ns_t sim_venue_time(const struct lane *lane, ns_t clock, const struct event *event)
{
    ns_t ts = event->exch_ts;
    if (UNLIKELY(ts == 0 && __builtin_sub_overflow(event->ts, lane->delay, &ts)))
        ts = INT64_MIN;
    if (ts > event->ts)
        ts = event->ts;
    return ts > clock ? ts : clock;
}

static inline void sim_keep_delay(struct lane *lane, const struct event *event)
{
    if (event->exch_ts >= event->ts)
        lane->delay = 0;
    else if (__builtin_sub_overflow(event->ts, event->exch_ts, &lane->delay))
        lane->delay = NS_MAX;
}

/* What the engines are to eat next. */
static inline struct run *sim_run(const struct sim_world *sim)
{
    return &sim->branches[0].world.run;
}

static inline struct branch *sim_branch_of(struct world *world)
{
    return (struct branch *)(void *)world;
}

/* Moments at the end of time stay there. */
static inline ns_t sim_later(ns_t ts, ns_t delay)
{
    return ts > NS_MAX - delay ? NS_MAX : ts + delay;
}

static inline uint64_t sim_number_at(struct moment *moment, ns_t ts)
{
    if (moment->ts != ts)
        *moment = (struct moment){.ts = ts};
    return moment->count++;
}

static inline void sim_under_way(struct soonest *soonest, struct branch *branch, ns_t ts)
{
    if (ts < soonest->ts || (ts == soonest->ts && branch < soonest->branch) || soonest->branch == NULL)
        *soonest = (struct soonest){branch, ts};
}

/* The world is broken from here on; returns `err`. */
err_t sim_break(struct sim_world *sim, err_t err, const char *words);
/* Bring the event under the cursor into memory. *event NULL: the lane has ended. */
err_t sim_look(struct sim_world *sim, struct lane *lane, struct cursor *cursor, const struct event **event) MUST_USE;
/* Tell the tournaments what is under a lane's cursor now. */
err_t sim_set_engine_key(struct sim_world *sim, uint16_t number) MUST_USE;
err_t sim_set_venue_key(struct sim_world *sim, uint16_t number) MUST_USE;
/* How much of the run was consumed, into its lane's cursor. Nothing is released: the engine may still be looking at
 * the last event it took. */
void sim_store_run(struct sim_world *sim);
/* Hand back what both cursors have passed. */
void sim_release_passed(const struct sim_world *sim, struct lane *lane);
/* The run is over: its lane goes back into the tournament. */
err_t sim_take_back_run(struct sim_world *sim) MUST_USE;

/* ---- sim_world.c ---- */
/* The venue, or who speaks for it, answers at `venue_ts`. */
void sim_world_answer(struct branch *branch, ns_t venue_ts, const struct execution *execution, uint16_t instrument);

/* Which branch's request and word are next, after the queues were changed. */
void sim_find_request(struct sim_world *sim);
void sim_find_word(struct sim_world *sim);

/* ---- sim_gateway.c ---- */
/* Whatever venue still sleeps wakes, with the books that the engine has now. */
err_t sim_wake_all(struct sim_world *sim) MUST_USE;
/* What a request that came to nothing is answered with: one execution, of a replacement two. Returns how many. */
uint32_t sim_refusals(const struct venue_request *body, enum reason reason, struct execution said[2]);
/* A request sent `now` is lost on the way, and after `delay` we hear of it. */
err_t sim_refuse(struct branch *branch, struct word_queue *words, ns_t now, ns_t delay,
                 const struct venue_request *body, enum reason reason);

/* The verbs of world_ops. */
err_t sim_submit(struct world *world, ns_t now, const struct order *order) MUST_USE;
err_t sim_cancel(struct world *world, ns_t now, const struct order *order) MUST_USE;
err_t sim_amend(struct world *world, ns_t now, const struct order *order, px_t price, qty_t qty) MUST_USE;
err_t sim_replace(struct world *world, ns_t now, const struct order *old, const struct order *order,
                  enum replace_mode mode) MUST_USE;
err_t sim_cancel_all(struct world *world, ns_t now, uint16_t instrument) MUST_USE;
err_t sim_countdown(struct world *world, ns_t now, uint16_t instrument, ns_t delay) MUST_USE;
void sim_batch_message(struct world *world, ns_t now, bool begin);

/* ---- sim_causal.c ---- */
/* Everything that was consumed is known to the venue, and what comes next to us. ERR_WAIT: not yet. */
err_t sim_causal_ready(struct sim_world *sim) MUST_USE;
/* The next event that the venue may see; NULL: the engine has not consumed more. */
void sim_causal_look(const struct sim_world *sim, struct lane *lane, const struct event **event);
void sim_causal_took(struct sim_world *sim, struct lane *lane, const struct event *event);
/* The venue has handled something of `ts`: what comes now comes later. */
void sim_causal_passed(struct sim_world *sim, ns_t ts);
ns_t sim_causal_due(const struct world *world);

/* ---- sim_audit.c ---- */
err_t sim_audit(struct world *world, struct order_table *orders, const struct account *account,
                struct breach *breach) MUST_USE;

/* ---- sim_faults.c; only when there are faults ---- */
size_t sim_faults_size(const struct sim_config *config);
void sim_faults_init(struct sim_world *sim, const struct sim_config *config, uint8_t *at);
/* The first market event is at `ts`. */
void sim_faults_start(struct sim_world *sim, ns_t ts);
/* When the engines are told next that a line was cut or is up again. NS_MAX: never. */
ns_t sim_next_notice(const struct sim_world *sim);
err_t sim_give_notice(struct sim_world *sim) MUST_USE;
/* A market event that the line does not carry. */
bool sim_is_unheard(const struct sim_world *sim, ns_t ts);
void sim_pass_unheard(struct sim_world *sim, const struct event *event);
/* The venue's clock comes to `ts`: outages begin and end. */
void sim_venue_at(struct sim_world *sim, ns_t ts);
/* A request is sent. True: it is lost, and `*err` says whether we will hear of that. */
bool sim_lose_request(struct branch *branch, ns_t now, ns_t arrival, uint64_t number,
                      const struct venue_request *body, err_t *err);
/* A request arrives. True: the venue is down, and refuses it. */
bool sim_refuse_request(struct branch *branch, ns_t ts, const struct venue_request *body);
/* When an answer that should be here at `ts` is. */
ns_t sim_answer_at(struct branch *branch, ns_t venue_ts, uint64_t number, ns_t ts);
/* True: it was lost, or belongs to an order of which one was; it comes as a report, and `*ts` is when. */
bool sim_report_answer(struct branch *branch, ns_t venue_ts, uint64_t number, const struct response *response,
                       ns_t *ts);

#endif
