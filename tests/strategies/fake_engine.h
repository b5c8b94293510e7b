/* fake_engine.h: the engine's side of the strategy contract, small enough to be held in the head.
 *
 *   test ── book, trade, time ──► fake engine ──► strategy ──► orders ──► read back as text
 *        ── ack, fill, cancel ──►
 *
 * It keeps a real book and a real order table (core/), one instrument, one position and a few timers. It sends
 * nothing anywhere: a test plays the venue with fake_answer and fake_fill. A request is refused when
 * `refuse_next` is set, in the way in which the engine does it: `order` is called before submit returns.
 */
#ifndef TAPEDECK_TESTS_STRATEGIES_FAKE_ENGINE_H
#define TAPEDECK_TESTS_STRATEGIES_FAKE_ENGINE_H

#include "core/strategy.h"

#define FAKE_TIMERS 16
#define FAKE_LEVELS 16

struct fake_timer {
    uint64_t id; /* 0: free */
    ns_t deadline;
};

struct fake {
    struct strategy_ctx ctx; /* first: a ctx is a fake */
    const struct strategy *strategy;
    void *state;
    struct instrument instrument;
    struct book book;
    void *book_memory;
    struct order_table *orders;
    struct position position;
    ns_t now;
    struct fake_timer timers[FAKE_TIMERS];
    uint64_t timer_last;
    uint64_t seq;

    bool refuse_next;   /* the risk gate refuses the next order */
    uint64_t submitted; /* accepted by submit */
    uint64_t cancelled; /* cancels sent */
    uint32_t logged;    /* lines of any level */
    char last_log[512];
    char written[65536], written_to[64]; /* lines of strategy_write, and the file of the last one */
    uint64_t trade_last;
    money_t fee;              /* of the fills to come, two decimals */
    const char *fee_currency; /* of it; NULL: none */
};

/* A fake for a strategy, with the defaults of its parameters: price at 2 decimals, tick 0.01, quantity at 3
 * decimals, lot 0.001. Call fake_param, then fake_start. */
struct fake *fake_new(const struct strategy *strategy);
void fake_free(struct fake *fake);
/* As a user would write it (a file: its content, which must live as long as the fake); aborts the test when the
 * strategy has no such parameter or the text is wrong. */
void fake_param(struct fake *fake, const char *name, const char *value);
err_t fake_start(struct fake *fake);

/* Let time pass to `ts`: timers due at or before it fire, in (deadline, id) order. */
void fake_time(struct fake *fake, ns_t ts);
/* A snapshot with one level a side; quantity 0 leaves the side out. Time must have been set before. */
void fake_touch(struct fake *fake, px_t bid, qty_t bid_qty, px_t ask, qty_t ask_qty);
void fake_gap(struct fake *fake);
void fake_trade(struct fake *fake, px_t price, qty_t qty, unsigned flags);

/* The venue acknowledges what is pending, then cancels what was asked to be cancelled, until all is quiet. */
void fake_answer(struct fake *fake);
void fake_fill(struct fake *fake, uint64_t order_id, px_t price, qty_t qty);
void fake_report(struct fake *fake, uint64_t order_id, enum exec_kind kind, enum reason reason);

/* The open order of a side; NULL: none. Aborts the test when there are two. */
struct order *fake_open(struct fake *fake, enum side side);
/* The open orders, oldest first, as "buy 0.010@100.00 sell 0.010@100.05"; "-" when there is none. An order
 * with a cancel on its way ends in '!'. Lives until the next call. */
const char *fake_open_text(struct fake *fake);

#endif
