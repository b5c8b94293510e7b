/* engine_state.h: the engine's insides, shared by its files and by nobody else.
 *
 *   engine.c         the step and the loop
 *   engine_orders.c  the strategy's verbs, the risk gate, executions, cash
 *   engine_venue.c   what the venue does to us: payments, and orders that it makes
 *   engine_bulk.c    verbs about more than one order: replace, cancel-all, countdown, batch
 *   engine_value.c   marks and equity
 *   engine_checks.c  invariants: what must hold between two inputs
 *   engine_journal.c what the journal is told
 *   engine_fold.c    what the digest is fed with beyond the hot path: bodies, executions, orders, the last state
 */
#ifndef TAPEDECK_CORE_ENGINE_STATE_H
#define TAPEDECK_CORE_ENGINE_STATE_H

#include "core/engine.h"
#include "core/invariants.h"
#include "core/journal.h"
#include "core/prng.h"
#include "core/timers.h"

/* A refusal waits here until the callback that caused it has returned. */
struct refusal {
    uint64_t order_id;
    uint16_t reason;
};

/* Points of event time, aligned to UTC. A point counts when something arrived since the last one. */
struct grid {
    ns_t interval;   /* 0: none */
    ns_t due;        /* NS_MAX: not started, or none */
    uint64_t inputs; /* handled when the last point was passed */
};
#define MARK_INTERVAL NS_PER_S
/* One ends before the next begins, but where answers can be lost the next may be heard of first. */
#define VENUE_ORDERS_KEPT 4

struct engine {
    struct strategy_ctx ctx; /* first: the strategy's handle is the engine */
    struct world *world;
    struct run *run;         /* of the leader's world */
    struct engine *leader;   /* whose books these are; NULL: itself */
    struct engine *follower; /* the next one of a lockstep; NULL: none */
    const struct strategy *strategy;
    void *strategy_state;
    const struct engine_sink *sink;
    const struct instrument *instruments;
    uint16_t instrument_count;
    ns_t now;
    ns_t last_ts;       /* of the last input; inputs never fall */
    struct grid equity; /* what the sink is shown */
    struct grid marks;  /* what the gate's daily loss is counted from: an output setting must not move it */
    bool daily_loss;    /* some limit needs the equity */
    struct book *books;
    px_t *last_trades;             /* 0: none yet */
    struct event_mark *marks_told; /* the last of each instrument; a price of 0: none yet */
    struct order *venue_orders;    /* made by the venue for us: the last VENUE_ORDERS_KEPT of each instrument */
    struct order_table *orders;
    struct account *account;
    struct risk *risk;
    struct timers timers;
    struct prng prng;
    struct digest market;   /* of the inputs that all engines of a lockstep share; the leader's counts */
    struct digest outputs;  /* of everything else: engine_outputs */
    uint64_t outputs_input; /* how many inputs were handled when it was last told */
    struct engine_counters counters;
    struct refusal *refusals; /* a ring of order_capacity */
    uint32_t refusal_head, refusal_count, refusal_capacity;
    err_t failed; /* sticky: a booking that did not fit, an invariant that does not hold */
    struct invariants *invariants;
    enum engine_checks checks;
    uint64_t checks_due, look_due; /* after this many inputs; look: also for an audit that could not be */
    uint64_t checks_done, audits_done;
    bool audit_due; /* the world could not say yet */
    struct breach breach;
    struct engine_observer *observer;
    struct journal *journal; /* NULL: none */
    err_t (*set_parameter)(const struct strategy *strategy, void *state, const char *text, struct err_text *why);
    uint64_t checkpoint_due; /* after this many inputs */
    struct timer firing;     /* the timer being handled; id 0: an input is */
    ns_t stop_at;            /* nothing from here on is handled now; NS_MAX: whatever there is (engine_run_until) */
    struct err_text why;
};

extern const struct strategy_verbs engine_verbs;

void engine_on_execution(struct engine *engine, const struct event *event);
/* A fill: account, counters, sink, strategy. */
void engine_book_fill(struct engine *engine, const struct order *order, const struct execution *execution);
/* A booking did not fit: the run ends before the next input. */
void engine_fail(struct engine *engine, err_t err, const char *what, uint64_t number);
void engine_tell_order(struct engine *engine, const struct order *order, const struct execution *execution);
/* A line of the engine's own in the run's log. */
void engine_log(struct engine *engine, enum log_level level, const char *text);
/* Gate, table and world for a new order, which replaces `old` when that is not NULL. Answers as strategy_submit. */
err_t engine_place(struct engine *engine, const struct order_request *request, struct order *old,
                   enum replace_mode mode, uint64_t *order_id) MUST_USE;
/* Of a known instrument, with fields that go together. */
bool engine_takes_request(const struct engine *engine, const struct order_request *request);
void engine_observe_cancel(const struct engine *engine, const struct order *order); /* there must be an observer */
/* Deliver the refusals that were waiting when called. */
void engine_deliver_refusals(struct engine *engine);
/* ---- engine_bulk.c ---- */
err_t engine_verb_replace(struct strategy_ctx *ctx, uint64_t order_id, const struct order_request *request,
                          enum replace_mode mode, uint64_t *new_id);
err_t engine_verb_cancel_all(struct strategy_ctx *ctx, uint16_t instrument);
err_t engine_verb_countdown(struct strategy_ctx *ctx, uint16_t instrument, ns_t delay);
err_t engine_verb_batch(struct strategy_ctx *ctx, struct order_action *actions, uint32_t count);
/* A request about an instrument was refused, or did not get there. */
void engine_on_refusal(struct engine *engine, const struct event *event);

/* Give the gate the equity of every settle currency, as of `ts`. */
void engine_mark_risk(struct engine *engine, ns_t ts);
/* An answer or a timer at `ts` may come before the rest of the run. */
static inline void engine_wake_at(struct engine *engine, ns_t ts)
{
    if (ts < engine->run->until)
        engine->run->until = ts;
}

/* Where outputs are folded, and what only this engine is told. Each is bound to its place among the inputs. */
static inline struct digest *engine_outputs(struct engine *engine)
{
    if (engine->outputs_input != engine->counters.inputs) {
        engine->outputs_input = engine->counters.inputs;
        digest_u64(&engine->outputs, engine->counters.inputs);
    }
    return &engine->outputs;
}

/* Two numbers in one word of the digest: a change of one always shows, and changes of both make up for each other
 * only by an accident of 2^-64. */
static inline uint64_t digest_pair(uint64_t a, uint64_t b)
{
    return a * UINT64_C(0x9e3779b97f4a7c15) + b;
}
static inline uint64_t digest_level(const struct level *level)
{
    return digest_pair((uint64_t)level->price, (uint64_t)level->qty);
}

enum digest_mark {
    DIGEST_INPUT = 1,
    DIGEST_ORDER,
    DIGEST_CANCEL,
    DIGEST_AMEND,
    DIGEST_LOG,
    DIGEST_PLOT,
    DIGEST_TIMER,
    DIGEST_STATE,
    DIGEST_WRITE,
    DIGEST_REPLACE,
    DIGEST_CANCEL_ALL,
    DIGEST_COUNTDOWN,
    DIGEST_BATCH
};

/* ---- engine_venue.c ---- */
void engine_on_payment(struct engine *engine, const struct event *event);
void engine_on_venue_order(struct engine *engine, const struct event *event);

/* ---- engine_operator.c ---- */
void engine_on_operator(struct engine *engine, const struct event *event);
void engine_on_parameter(struct engine *engine, const struct event *event);

/* ---- engine_checks.c ---- */
void engine_check_begin(struct engine *engine);
err_t engine_check_look(struct engine *engine) MUST_USE;
/* Where the world is asked for more. */
static inline err_t engine_check_due(struct engine *engine)
{
    return LIKELY(engine->counters.inputs < engine->look_due) ? ERR_OK : engine_check_look(engine);
}
/* An input is older than the one before it. */
void engine_check_time(struct engine *engine, const struct event *event) __attribute__((cold));

/* ---- engine_journal.c: with a journal only ---- */
void engine_journal_execution(struct engine *engine, const struct execution *execution);
void engine_journal_order(struct engine *engine, enum output_kind kind, const struct order *order, px_t price,
                          qty_t qty);
/* What engine_bulk.c asks for: `a` and `b` as folded. */
void engine_journal_request(struct engine *engine, enum digest_mark mark, uint64_t a, uint64_t b);
/* `name` and `text` may be empty. */
void engine_journal_text(struct engine *engine, enum output_kind kind, const char *name, const char *text,
                         int64_t value, uint64_t detail);
void engine_journal_checkpoint(struct engine *engine);

/* ---- engine_fold.c ---- */
/* What an input carries beyond its header: levels, or the fields of its body. */
void engine_fold_body(struct engine *engine, const struct event *event);
void engine_fold_order(struct engine *engine, enum digest_mark mark, const struct order *order, px_t price,
                       qty_t qty);
void engine_fold_execution(struct engine *engine, const struct execution *execution);
void engine_fold_state(struct engine *engine);

#endif
