/* world.h: a feed and a gateway in one: what the engine runs against.
 *
 *            ┌────────────── world ──────────────┐
 *   run ◄─── │ market events, executions, ticks  │      sim, live, replay: the config picks one,
 *   orders ► │ submit, cancel, amend             │      the engine cannot tell which
 *            └───────────────────────────────────┘
 *
 * The world puts a run of inputs, already in the total order, where the engine can eat them without a
 * call each: events from `at` to `end`, of which those with ts < `until` may be consumed. Submitting lowers
 * `until` when an answer could come before the rest of the run; the engine lowers it for its timers.
 *
 * Lockstep. A world may have several faces of this kind, one for each engine, over the same market: fill models
 * compared on one day. The first engine leads: it asks for runs and all eat the leader's run; executions are for one
 * of them.
 *
 * Gateway verbs never answer directly: what became of an order arrives as an EVENT_EXECUTION.
 */
#ifndef TAPEDECK_CORE_WORLD_H
#define TAPEDECK_CORE_WORLD_H

#include "core/invariants.h"
#include "core/order.h"

#ifdef __cplusplus
extern "C" {
#endif

struct world;
struct run {
    const struct event *at;
    const struct event *end;
    ns_t until;
    const struct world *only; /* lockstep: for the engine of this world alone; NULL: for all */
};

struct world_ops {
    /* Fill world->run with the next inputs. `now` is the engine's time, `timer_due` its earliest timer
     * (NS_MAX: none). ERR_AGAIN: nothing before `timer_due`: fire it, then ask again. ERR_WAIT: it is not
     * known yet what comes next; nothing is fired. ERR_END: no more inputs ever. Other codes: the run is broken,
     * world->why says why. */
    err_t (*refill)(struct world *world, ns_t now, ns_t timer_due) MUST_USE;
    err_t (*submit)(struct world *world, ns_t now, const struct order *order) MUST_USE;
    err_t (*cancel)(struct world *world, ns_t now, const struct order *order) MUST_USE;
    err_t (*amend)(struct world *world, ns_t now, const struct order *order, px_t price, qty_t qty) MUST_USE;
    /* Cancel `old`, then place `order`, in one request; each is answered by itself. */
    err_t (*replace)(struct world *world, ns_t now, const struct order *old, const struct order *order,
                     enum replace_mode mode) MUST_USE;
    /* All orders of an instrument. When it does not get there: CANCEL_REJECT with order_id 0. */
    err_t (*cancel_all)(struct world *world, ns_t now, uint16_t instrument) MUST_USE;
    /* Cancel all orders of an instrument `delay` after this arrives, unless it is armed anew before; 0 disarms.
     * Answered by the cancels; when it is refused or does not get there: AMEND_REJECT with order_id 0. */
    err_t (*countdown)(struct world *world, ns_t now, uint16_t instrument, ns_t delay) MUST_USE;
    /* What is sent between `begin` and the call without it goes in one message: it arrives, or is lost, together. */
    void (*batch)(struct world *world, ns_t now, bool begin);
    /* May be NULL. Hold our orders and money against what the world knows of them. ERR_AGAIN: something is under way,
     * they cannot agree now. ERR_INVARIANT: they do not agree, and `breach` says where. */
    err_t (*audit)(struct world *world, struct order_table *orders, const struct account *account,
                   struct breach *breach) MUST_USE;
    /* May be NULL. The ts of an input that would make something happen which has not happened yet; NS_MAX: nothing
     * waits for one. For who feeds inputs as they come, after ERR_WAIT. */
    ns_t (*due)(const struct world *world);
    void (*close)(struct world *world);
};
struct world {
    const struct world_ops *ops;
    struct run run;
    struct err_text why;
};

#ifdef __cplusplus
}
#endif
#endif
