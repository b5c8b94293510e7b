/* What an observer of the engine is told: the moment of each verb, and what the gate looked at. */
#include "engine_rig.h"

#include <criterion/criterion.h>
#include <string.h>

struct seen {
    char verb;
    struct engine_decision decision;
    struct event event;
    uint64_t order_id;
    px_t price, best_bid;
    enum reason reason;
};
static struct seen seen[16];
static int seen_count;

static void keep(char verb, const struct engine_decision *decision, const struct order *order, px_t price,
                 enum reason reason)
{
    cr_assert_lt(seen_count, 16);
    struct seen *at = &seen[seen_count++];
    *at = (struct seen){.verb = verb,
                        .decision = *decision,
                        .order_id = order->id,
                        .price = price,
                        .best_bid = decision->book->touch[SIDE_BUY].price,
                        .reason = reason};
    if (decision->event != NULL)
        at->event = *decision->event;
}
static void on_submit(void *context, const struct engine_decision *decision, const struct order *order,
                      const struct risk_report *report)
{
    (void)context;
    keep('s', decision, order, order->price, report->reason);
}
static void on_cancel(void *context, const struct engine_decision *decision, const struct order *order)
{
    (void)context;
    keep('c', decision, order, 0, REASON_NONE);
}
static void on_amend(void *context, const struct engine_decision *decision, const struct order *order, px_t price,
                     qty_t qty, const struct risk_report *report)
{
    (void)context, (void)qty;
    keep('a', decision, order, price, report->reason);
}

static struct order_request buy(px_t price)
{
    return (struct order_request){.instrument = 1, .side = SIDE_BUY, .type = ORDER_LIMIT, .price = price, .qty = 1};
}

static void react(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)rig, (void)id;
    struct order_request request = buy(moment == 'S' ? 50 : moment == 't' ? 70 : 60);
    if (moment == 'S' || (moment == 'b' && ts == 110) || moment == 't')
        (void)strategy_submit(ctx, &request, NULL);
    if (moment == 'b' && ts == 100)
        (void)strategy_timer_at(ctx, 105, NULL);
    if (moment == 'b' && ts == 120) {
        request.qty = 1000000; /* refused */
        (void)strategy_submit(ctx, &request, NULL);
        (void)strategy_amend(ctx, 2, 75, 1);
        (void)strategy_cancel(ctx, 1);
    }
}

static struct digest_value run(struct engine_observer *observer)
{
    struct rig *rig = rig_new();
    rig->react = react;
    rig->config.observer = observer;
    rig->limits[1].order_notional_max = money_pow10(MONEY_DECIMALS);
    for (ns_t ts = 100; ts <= 120; ts += 10) {
        struct event *event = rig_snapshot(rig, ts, 90 + ts, 95 + ts);
        event->instrument = 1;
        event->seq = (uint64_t)ts;
    }
    const struct digest_value digest = rig_run(rig);
    rig_free(rig);
    return digest;
}

Test(observe, each_verb_comes_with_what_it_was_decided_on)
{
    struct engine_observer observer = {.submit = on_submit, .cancel = on_cancel, .amend = on_amend};
    const struct digest_value watched = run(&observer);
    cr_assert_eq(seen_count, 6);
    cr_expect(seen[0].verb == 's' && seen[0].decision.inputs == 0 && seen[0].decision.event == NULL);
    cr_expect(seen[1].verb == 's' && seen[1].price == 70 && seen[1].decision.event == NULL);
    cr_expect(seen[1].decision.timer_id != 0 && seen[1].decision.deadline == 105 && seen[1].decision.now == 105);
    cr_expect_eq(seen[1].best_bid, 190); /* of the message at 100 */
    cr_expect(seen[2].verb == 's' && seen[2].event.seq == 110 && seen[2].decision.timer_id == 0);
    cr_expect_eq(seen[2].best_bid, 200);
    cr_expect_eq(seen[2].reason, REASON_NONE);
    cr_expect(seen[3].event.seq == 120 && seen[3].reason == REASON_RISK_NOTIONAL);
    cr_expect(seen[4].verb == 'a' && seen[4].order_id == 2 && seen[4].price == 75);
    cr_expect(seen[5].verb == 'c' && seen[5].order_id == 1);

    const struct digest_value alone = run(NULL);
    cr_assert_arr_eq(&watched, &alone, sizeof(alone));
}
