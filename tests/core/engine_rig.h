/* engine_rig.h: an engine between a written world and a written strategy.
 *
 *   script of events ──► rig (a world) ──► engine ──► strategy: writes a trace, then `react` does what the test wants
 *                          ▲                              │
 *                          └── sent: what the engine asked for
 *
 * The world hands out `batch` events at a time and answers nothing by itself: executions are events of the script.
 * The trace is one line of words: b100 (a book event at 100), x (trade), t1@105 (timer 1), s (signal), o1:fill
 * (order 1 changed), f1 (a fill of order 1), sent1, e110 (equity shown), stop. */
#ifndef TAPEDECK_TESTS_CORE_ENGINE_RIG_H
#define TAPEDECK_TESTS_CORE_ENGINE_RIG_H

#include "core/engine.h"

#define RIG_EVENTS 256
#define RIG_SENT   256

enum rig_sent_kind {
    RIG_SUBMIT,
    RIG_CANCEL,
    RIG_AMEND,
    RIG_REPLACE,
    RIG_CANCEL_ALL, /* order_id: the instrument */
    RIG_COUNTDOWN,  /* order_id: the instrument; qty: the delay */
    RIG_BATCH_BEGIN,
    RIG_BATCH_END,
};
struct rig_sent {
    enum rig_sent_kind kind;
    ns_t ts;
    uint64_t order_id;
    px_t price;
    qty_t qty;
    uint64_t old_id;
};

struct rig;
/* `moment`: b, x, t, s, o, f as in the trace, or S (start), E (stop). `id`: of the timer or order; `ts`: of the event
 * or deadline. */
typedef void (*rig_react)(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts);

struct rig {
    struct world world; /* first: a world is a rig */
    struct event events[RIG_EVENTS];
    struct level levels[RIG_EVENTS][4];
    struct execution executions[RIG_EVENTS];
    uint32_t event_count, batch;
    err_t answer;  /* of submit, cancel and amend */
    err_t at_end;  /* ERR_END, or what the world breaks with */
    ns_t last_now; /* what refill was last told */
    struct rig_sent sent[RIG_SENT];
    uint32_t sent_count;

    struct instrument instruments[2]; /* 0: BTC/USDT spot, 2 and 3 decimals, fee 0.1 %; 1: ETHUSDT linear, 2 and 3 */
    struct risk_limits limits[2];
    struct engine_config config;
    struct engine_sink sink;
    void *memory;
    struct engine *engine;
    struct strategy strategy;
    struct rig *self; /* the strategy's state */
    rig_react react;
    int64_t word; /* the test's own */
    uint64_t refusals_told;
    int depth; /* callbacks running: more than one is a callback inside a callback */
    char trace[16384];
    size_t trace_size;
};

struct rig *rig_new(void);
/* Build the engine from rig->config and the strategy; deposits 1000 USDT and 5 BTC. */
void rig_up(struct rig *rig);
/* rig_up, start, all inputs, stop. */
struct digest_value rig_run(struct rig *rig);
void rig_free(struct rig *rig);

/* Add an event to the script; more fields may be set through the pointer. */
struct event *rig_event(struct rig *rig, ns_t ts, enum event_kind kind);
/* One level a side. */
struct event *rig_snapshot(struct rig *rig, ns_t ts, px_t bid, px_t ask);
struct event *rig_delta(struct rig *rig, ns_t ts, enum side side, px_t price, qty_t qty);
struct event *rig_trade(struct rig *rig, ns_t ts, px_t price, qty_t qty);
struct execution *rig_execution(struct rig *rig, ns_t ts, uint64_t order_id, enum exec_kind kind);
struct execution *rig_fill(struct rig *rig, ns_t ts, uint64_t order_id, px_t price, qty_t qty);

#endif
