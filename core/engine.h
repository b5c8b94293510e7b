/* engine.h: one step, one loop, one screen.
 *
 *   world.run ─► event ─► books, orders, account ─► strategy ─► risk gate ─► world.submit
 *
 * The engine owns the state (books, orders, account, timers), knows no mode and asks no clock.
 * Everything is placed in one memory block at engine_init; after that nothing allocates.
 *
 * Lockstep. Engines may follow another one, each with a world of its own branch (world.h), strategy, orders and
 * account: the leader asks for inputs, applies the market to the books, which all share, and steps the others through
 * the same input; then it is the next one's turn. Each ends as if it had run alone, at much less than the price.
 *
 * Outputs go to a sink: a table of functions called as things happen (an order was sent, a fill was
 * booked, a line was logged). The running digest folds every input's header, every output, and at the
 * end the whole state.
 */
#ifndef TAPEDECK_CORE_ENGINE_H
#define TAPEDECK_CORE_ENGINE_H

#include "core/digest.h"
#include "core/invariants.h"
#include "core/journal.h"
#include "core/observe.h"
#include "core/risk.h"
#include "core/strategy.h"
#include "core/timers.h"
#include "core/world.h"

#ifdef __cplusplus
extern "C" {
#endif

struct engine;

/* Who wants to know. Any function may be NULL. Pointers live for the call. */
struct engine_sink {
    void *context;
    void (*order)(void *context, ns_t ts, const struct order *order, const struct execution *execution);
    void (*fill)(void *context, ns_t ts, const struct order *order, const struct execution *execution);
    void (*payment)(void *context, ns_t ts, uint16_t instrument, const struct execution *execution);
    void (*equity)(void *context, ns_t ts, const struct engine *engine);
    void (*log)(void *context, ns_t ts, enum log_level level, const char *text);
    void (*plot)(void *context, ns_t ts, const char *name, int64_t value, unsigned decimals);
    void (*write)(void *context, ns_t ts, const char *file, const char *line); /* no line end in it */
};

/* How much is looked at while it runs; never changes a result. What it does not hold ends the run (invariants.h). */
enum engine_checks {
    ENGINE_CHECKS_CHEAP, /* sums, best prices, open orders, time: every few thousand inputs */
    ENGINE_CHECKS_ALL,   /* more often, and whole books */
};

struct engine_config {
    const struct instrument *instruments; /* must outlive the engine */
    const struct risk_limits *limits;     /* one per instrument */
    uint16_t instrument_count;
    uint32_t book_window;    /* BOOK_WINDOW_DEFAULT */
    uint32_t book_far;       /* BOOK_FAR_DEFAULT */
    uint32_t l3_orders;      /* single orders of a level-3 book, an instrument; 0: level-3 events move no book */
    uint32_t order_capacity; /* power of two */
    uint32_t timer_capacity;
    ns_t equity_interval; /* sink->equity on this UTC-aligned grid; 0: never */
    enum engine_checks checks;
    uint64_t seed;
    const struct strategy *strategy;
    const struct engine_sink *sink;
    struct engine *leader;            /* a lockstep: the engine that this one follows; NULL: none */
    struct journal *journal;          /* journal.h; NULL: none; outlives the engine */
    struct engine_observer *observer; /* NULL: none; outlives the engine */
    /* An operator's "name=value" into the strategy's parameters while it runs; a function of its arguments alone.
     * NULL: that is left to the strategy's `signal`. */
    err_t (*set_parameter)(const struct strategy *strategy, void *state, const char *text, struct err_text *why);
};

struct engine_counters {
    uint64_t inputs;
    uint64_t levels;
    uint64_t by_kind[EVENT_KIND_COUNT];
    uint64_t orders;  /* passed the gate and sent */
    uint64_t refused; /* by the risk gate */
    uint64_t cancels, amends;
    uint64_t fills, maker_fills;
    uint64_t rejects;         /* by the venue */
    uint64_t illegal_reports; /* executions that the order table forbids or does not know */
    uint64_t timers_fired;
    uint64_t gaps, crossed;   /* over all books */
    uint64_t money_overflows; /* bookings that did not fit: the run stops */
    uint64_t payments;        /* funding and what else the venue booked without a fill */
    uint64_t venue_orders;    /* made by the venue for us: liquidations */
};

size_t engine_size(const struct engine_config *config);
/* `memory` is 64-byte aligned, of engine_size(config) bytes; `strategy_state` of strategy->state_size (or
 * state_size_of) with the parameters already in it. */
struct engine *engine_init(void *memory, const struct engine_config *config, struct world *world,
                           void *strategy_state);
/* For the start balances. */
struct account *engine_account(struct engine *engine);

/* Calls strategy->start; each engine of a lockstep for itself. */
err_t engine_start(struct engine *engine) MUST_USE;
/* The same, and nobody is told of what it says: of a run that goes on from elsewhere, which said it already. */
err_t engine_start_unheard(struct engine *engine) MUST_USE;
/* Handle inputs until the world has no more (ERR_END), `budget` inputs were handled (OK), what comes next is not
 * known yet (ERR_WAIT), or something broke. `budget` lets a caller show progress and look at signals; it does not
 * change any result. Lockstep: for the leader, which runs all; budget counts its inputs. */
err_t engine_run(struct engine *engine, uint64_t budget) MUST_USE;
/* After ERR_WAIT, which only a world that is fed as things come says: the ts of an input, a tick say, that would make
 * something happen; NS_MAX: nothing waits. It may lie before the last input. */
ns_t engine_due(const struct engine *engine);
/* The same, but nothing later than `ts`: ERR_AGAIN when all inputs and timers up to it were handled. What comes of
 * the run does not depend on where it was held. */
err_t engine_run_until(struct engine *engine, ns_t ts, uint64_t budget) MUST_USE;
/* Between two inputs: memory as a snapshot needs it, all addresses in it those of engine_init. Changes nothing else.
 */
void engine_settle(struct engine *engine);
/* Calls strategy->stop, folds the final state into the digest. */
struct digest_value engine_stop(struct engine *engine);
/* The digest of everything so far: inputs and outputs, without the final state. */
struct digest_value engine_digest(const struct engine *engine);

ns_t engine_now(const struct engine *engine);
const struct engine_counters *engine_counters(const struct engine *engine);
const struct book *engine_book(const struct engine *engine, uint16_t instrument);
/* The last mark price that the feed told; NULL: none yet. */
const struct event_mark *engine_mark(const struct engine *engine, uint16_t instrument);
struct order_table *engine_orders(struct engine *engine);
const struct account *engine_account_view(const struct engine *engine);
/* What the run waits for, no order kept among them. */
const struct timer *engine_timers(const struct engine *engine, uint32_t *count);
const struct risk *engine_risk(const struct engine *engine);
const void *engine_strategy_state(const struct engine *engine);
/* Cash plus unrealised profit of everything settled in `currency`, marked at mid (last trade, then entry,
 * when a side is missing; spot holdings of base currencies are valued through the instrument that quotes
 * them in `currency`). At MONEY_DECIMALS. */
money_t engine_equity(const struct engine *engine, const char *currency);
/* Look now, at everything that `checks` says, for the leader and all that follow: before a run is stopped in its
 * middle. At the end of its inputs engine_run does. */
err_t engine_check(struct engine *engine) MUST_USE;
/* After ERR_INVARIANT: what does not hold; else NULL. */
const struct breach *engine_breach(const struct engine *engine);
struct engine_check_counts {
    uint64_t checks; /* done */
    uint64_t audits; /* of them those in which the world could be asked for its view of our orders */
};
struct engine_check_counts engine_check_counts(const struct engine *engine);
/* After an error of engine_run. */
const struct err_text *engine_why(const struct engine *engine);

#ifdef __cplusplus
}
#endif
#endif
