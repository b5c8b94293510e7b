/* The venue's view of our orders and money: at every quiet moment the engine's own, with and without faults
 * (world_rig.c checks it in every run of every test); and a difference of any kind is found. */
#include "world_rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>

static struct world_rig *run_of(struct market *market, uint64_t seed)
{
    const struct market_options options = {
        .seed = seed, .lanes = 2, .instruments = 2, .messages = 300, .per_mille = 200};
    market_make(market, &options);
    struct world_rig *rig = rig_new(market, seed);
    rig->latency = (struct rig_latency){3, 5};
    (void)rig_run(rig);
    return rig;
}

/* The name of what does not hold now; "": all does. A run that was ended by it is not looked at again. */
static const char *broken(struct world_rig *rig)
{
    if (engine_check(rig->engine) == ERR_OK)
        return "";
    const struct breach *breach = engine_breach(rig->engine);
    cr_assert_neq(breach->expected, breach->found);
    return breach->invariant;
}

enum tamper { THEIR_CASH, THEIR_POSITION, OUR_LEAVES, OUR_PRICE, OUR_END, TAMPER_COUNT };

static const char *tamper(struct world_rig *rig, enum tamper what, struct order *order)
{
    struct account *theirs = venue_account(rig->venue);
    struct execution end = {.order_id = order->id, .kind = EXEC_CANCELLED};
    switch (what) {
    case THEIR_CASH:
        cr_assert_eq(account_pay(theirs, rig->instruments[0].settle, 1), ERR_OK);
        return "venue_cash";
    case THEIR_POSITION:
        ((struct position *)(uintptr_t)account_position(theirs, 1))->qty++;
        return "venue_position";
    case OUR_LEAVES:
        order->qty++;
        return "venue_orders";
    case OUR_PRICE:
        order->price++;
        return "venue_orders";
    default:
        cr_assert_eq(order_table_apply(engine_orders(rig->engine), &end, engine_now(rig->engine), &order), ERR_OK);
        return "venue_orders";
    }
}

Test(sim_audit, a_difference_of_any_kind_is_found_by_its_name)
{
    unsigned found[TAMPER_COUNT] = {0};
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct market market;
        struct world_rig *rig = run_of(&market, seed);
        struct order *order = order_table_next_open(engine_orders(rig->engine), NULL);
        const enum tamper what = (enum tamper)(seed % TAMPER_COUNT);
        cr_assert_str_eq(broken(rig), "", "seed %" PRIu64 ": %s", seed, engine_why(rig->engine)->text);
        cr_assert_geq(engine_check_counts(rig->engine).audits, 2);
        if (order != NULL) {
            const char *wanted = tamper(rig, what, order);
            cr_assert_str_eq(broken(rig), wanted, "seed %" PRIu64, seed);
            found[what]++;
        }
        rig_free(rig);
        market_free(&market);
    }
    for (int i = 0; i < TAMPER_COUNT; i++)
        cr_expect(found[i] != 0, "no run of kind %d had an open order", i);
}
