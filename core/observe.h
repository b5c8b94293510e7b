/* observe.h: a second pair of eyes on the engine: what each order was decided on, and what the gate said.
 *
 *   input or timer ─► strategy ─► submit | cancel | amend ─► risk gate ─► world
 *                                           │                   │
 *                                           └──── observer ◄────┘       once a verb, before the world is asked
 *
 * A run without an observer pays one comparison an order verb and nothing an input. What an observer does changes
 * nothing: it is told, it is not asked. What the strategy learns is not told here but by the sink (engine.h).
 */
#ifndef TAPEDECK_CORE_OBSERVE_H
#define TAPEDECK_CORE_OBSERVE_H

#include "core/risk.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the strategy was called for when it used a verb. */
struct engine_decision {
    ns_t now;
    uint64_t inputs;           /* handled so far, this one included; 0: strategy->start */
    const struct event *event; /* the input being handled; NULL: a timer, or the start */
    uint64_t timer_id;         /* of the timer being handled, 0: none */
    ns_t deadline;             /* its deadline */
    const struct book *book;   /* of the order's instrument, as the strategy sees it */
};

/* Any function may be NULL. Pointers live for the call. */
struct engine_observer {
    void *context;
    /* A new order, already with its id; `report->reason` other than REASON_NONE: refused. */
    void (*submit)(void *context, const struct engine_decision *decision, const struct order *order,
                   const struct risk_report *report);
    void (*cancel)(void *context, const struct engine_decision *decision, const struct order *order);
    /* `order` as it is; refused like a new order. */
    void (*amend)(void *context, const struct engine_decision *decision, const struct order *order, px_t price,
                  qty_t qty, const struct risk_report *report);
    struct risk_report report; /* the engine's own use */
};

#ifdef __cplusplus
}
#endif
#endif
