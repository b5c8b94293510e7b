/* Orders by funds, replacements, batches, cancel-all and countdowns, from the strategy's verbs to the world and back.
 */
#include "engine_rig.h"

#include <criterion/criterion.h>
#include <string.h>

#define USDT(x) ((money_t)(x)*money_pow10(MONEY_DECIMALS))

static struct order *order_of(struct rig *rig, uint64_t id)
{
    return order_table_find(engine_orders(rig->engine), id);
}

static money_t locked(struct rig *rig)
{
    return account_balance(engine_account_view(rig->engine), "USDT")->locked;
}

/* ---- by funds ---- */

static void spend(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    if (moment == 'b' && ts == 100)
        rig->word = strategy_market_quote(ctx, 0, USDT(200), NULL);
    if (moment == 'f' && id == 1 && ts == 102)
        cr_expect_eq(locked(rig) / money_pow10(MONEY_DECIMALS), 100, "half of it, and its fee");
}

Test(engine, an_order_by_funds_is_filled_when_the_venue_says_so)
{
    struct rig *rig = rig_new();
    rig->react = spend;
    rig_snapshot(rig, 100, 9990, 10000);
    rig_execution(rig, 101, 1, EXEC_ACK)->leaves = LEAVES_UNKNOWN;
    rig_fill(rig, 102, 1, 10000, 1000)->leaves = LEAVES_UNKNOWN;
    rig_fill(rig, 103, 1, 8000, 1250)->leaves = 0;
    rig_run(rig);
    cr_assert_eq(rig->word, ERR_OK);
    cr_expect(rig->sent_count == 1 && rig->sent[0].qty == 2000, "what 200 buy at 100.00");
    cr_expect_eq(order_of(rig, 1)->state, ORDER_FILLED);
    cr_expect_eq(order_of(rig, 1)->qty, 2250, "more than it would have bought at the touch");
    cr_expect_eq(order_table_open_qty(engine_orders(rig->engine), 0, SIDE_BUY), 0);
    cr_expect(locked(rig) == 0);
    cr_expect_eq(engine_counters(rig->engine)->illegal_reports, 0);
    rig_free(rig);
}

static struct rig *spend_under(struct risk_limits limits)
{
    struct rig *rig = rig_new();
    rig->react = spend;
    rig->limits[0] = limits;
    rig_snapshot(rig, 100, 9990, 10000);
    rig_run(rig);
    return rig;
}

Test(engine, an_order_by_funds_passes_the_gate_by_its_value_and_by_what_it_buys)
{
    const struct {
        struct risk_limits limits;
        enum reason reason;
    } cases[] = {
        {{.order_notional_max = USDT(200)}, REASON_NONE},
        {{.order_notional_max = USDT(200) - 1}, REASON_RISK_NOTIONAL},
        {{.position_max = 2000}, REASON_NONE},
        {{.position_max = 1999}, REASON_RISK_POSITION},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig *rig = spend_under(cases[i].limits);
        cr_expect_eq(order_of(rig, 1)->reason, cases[i].reason, "%zu: %s", i,
                     reason_name((enum reason)order_of(rig, 1)->reason));
        cr_expect_eq(rig->sent_count, cases[i].reason == REASON_NONE, "%zu", i);
        rig_free(rig);
    }
}

Test(engine, without_a_touch_an_order_by_funds_has_no_quantity_to_check)
{
    struct rig *rig = rig_new();
    rig->react = spend;
    rig->limits[0].position_max = 1000000;
    rig_delta(rig, 100, SIDE_BUY, 9990, 5); /* no snapshot yet: stale */
    rig_run(rig);
    cr_expect_eq(order_of(rig, 1)->reason, REASON_RISK_NO_MARKET);
    rig_free(rig);
}

/* ---- replace ---- */

static const struct order_request replacement = {
    .side = SIDE_BUY, .type = ORDER_LIMIT, .price = 9001, .qty = 500, .tag = 7};

static void replace_it(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    if (moment != 'b' || ts > 102)
        return;
    if (ts == 100) {
        cr_assert_eq(strategy_limit(ctx, 0, SIDE_BUY, 9000, 1500, TIF_GTC, 0, NULL), ERR_OK);
        return;
    }
    struct order_request request = replacement;
    request.instrument = 1;
    cr_expect_eq(strategy_replace(ctx, 1, &request, REPLACE_STOP_ON_FAILURE, NULL), ERR_RANGE, "another instrument");
    request = replacement;
    request.flags = (uint8_t)rig->word;
    uint64_t new_id = 0;
    cr_expect_eq(strategy_replace(ctx, 99, &request, REPLACE_STOP_ON_FAILURE, &new_id), ERR_NOTFOUND);
    rig->answer = ERR_OK;
    const err_t err = strategy_replace(ctx, 1, &request, REPLACE_ALLOW_FAILURE, &new_id);
    if (err == ERR_OK) {
        cr_expect_eq(new_id, 2);
        cr_expect_eq(strategy_cancel(ctx, 1), ERR_STATE, "its cancel is under way");
        cr_expect_eq(strategy_replace(ctx, 1, &request, REPLACE_ALLOW_FAILURE, NULL), ERR_STATE);
    } else {
        cr_expect_eq(err, ERR_RISK);
        cr_expect_eq(strategy_cancel(ctx, 1), ERR_OK, "a refused replacement leaves the old order alone");
    }
}

static struct rig *replace_under(struct risk_limits limits, uint8_t flags)
{
    struct rig *rig = rig_new();
    rig->react = replace_it;
    rig->limits[0] = limits;
    rig->word = flags;
    rig_snapshot(rig, 100, 9990, 10000);
    rig_execution(rig, 101, 1, EXEC_ACK);
    rig_snapshot(rig, 102, 9990, 10000);
    rig_execution(rig, 103, 1, EXEC_CANCELLED)->reason = REASON_REPLACED;
    struct execution *ack = rig_execution(rig, 103, 2, EXEC_ACK);
    ack->qty = 300;
    rig_run(rig);
    return rig;
}

Test(engine, a_replacement_is_one_request_and_two_orders)
{
    struct rig *rig = replace_under((struct risk_limits){0}, 0);
    cr_assert_eq(rig->sent_count, 2);
    cr_expect(rig->sent[1].kind == RIG_REPLACE && rig->sent[1].order_id == 2 && rig->sent[1].old_id == 1);
    cr_expect_eq(order_of(rig, 1)->state, ORDER_CANCELLED);
    cr_expect_eq(order_of(rig, 1)->reason, REASON_REPLACED);
    cr_expect(order_of(rig, 2)->state == ORDER_LIVE && order_of(rig, 2)->qty == 500 && order_of(rig, 2)->tag == 7);
    cr_expect_eq(engine_counters(rig->engine)->orders, 2);
    cr_expect_eq(engine_counters(rig->engine)->cancels, 1);
    rig_free(rig);
}

Test(engine, a_replacement_by_what_was_left_learns_its_quantity)
{
    struct rig *rig = replace_under((struct risk_limits){0}, ORDER_REMAINING);
    cr_expect_eq(order_of(rig, 2)->qty, 300);
    cr_expect_eq(order_table_open_qty(engine_orders(rig->engine), 0, SIDE_BUY), 300);
    rig_free(rig);
}

/* The old order may fill in part before it is gone. */
Test(engine, the_gate_counts_a_replacement_on_top_of_what_it_replaces)
{
    static const struct {
        struct risk_limits limits;
        uint8_t flags;
        enum reason reason;
    } cases[] = {
        {{.position_max = 2000}, 0, REASON_NONE},
        {{.position_max = 1999}, 0, REASON_RISK_POSITION},
        {{.position_max = 1500}, ORDER_REMAINING, REASON_NONE},
        {{.open_orders_max = 1}, 0, REASON_NONE}, /* it takes the other's place */
        {{.orders_per_second_max = 1}, 0, REASON_RISK_ORDER_RATE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig *rig = replace_under(cases[i].limits, cases[i].flags);
        const enum reason reason = (enum reason)order_of(rig, 2)->reason;
        cr_expect_eq(reason, cases[i].reason, "%zu: %s", i, reason_name(reason));
        cr_expect_eq(rig->sent[1].kind, reason == REASON_NONE ? RIG_REPLACE : RIG_CANCEL, "%zu", i);
        rig_free(rig);
    }
}

Test(engine, a_replacement_that_cannot_be_sent_leaves_the_old_order_alone)
{
    struct rig *rig = rig_new();
    rig->react = replace_it;
    rig_snapshot(rig, 100, 9990, 10000);
    rig_execution(rig, 101, 1, EXEC_ACK);
    rig_up(rig);
    cr_assert_eq(engine_start(rig->engine), ERR_OK);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_END);
    rig->answer = ERR_UNSUPPORTED;
    struct strategy_ctx *ctx = (struct strategy_ctx *)(void *)rig->engine;
    cr_expect_eq(strategy_replace(ctx, 1, &replacement, REPLACE_STOP_ON_FAILURE, NULL), ERR_RISK);
    cr_expect_eq(order_of(rig, 1)->cancel_pending, CANCEL_NONE);
    cr_expect(order_of(rig, 2)->state == ORDER_REJECTED && order_of(rig, 2)->locked == 0);
    rig_free(rig);
}

/* ---- all of an instrument ---- */

static void cancel_all(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)rig;
    (void)id;
    if (moment != 'b')
        return;
    if (ts == 100) {
        cr_expect_eq(strategy_cancel_all(ctx, 0), ERR_NOTFOUND);
        cr_expect_eq(strategy_cancel_all(ctx, 2), ERR_RANGE);
        for (int i = 0; i < 2; i++)
            cr_assert_eq(strategy_limit(ctx, 0, SIDE_BUY, 9000 + i, 10, TIF_GTC, 0, NULL), ERR_OK);
        cr_assert_eq(strategy_limit(ctx, 1, SIDE_BUY, 9000, 10, TIF_GTC, 0, NULL), ERR_OK);
        cr_assert_eq(strategy_cancel(ctx, 2), ERR_OK);
    } else if (ts == 101) {
        cr_expect_eq(strategy_cancel_all(ctx, 0), ERR_OK);
        cr_expect_eq(strategy_cancel(ctx, 1), ERR_STATE, "it is under way with all");
        cr_expect_eq(strategy_cancel(ctx, 3), ERR_OK, "another instrument's is not");
    } else {
        cr_expect_eq(strategy_cancel(ctx, 1), ERR_OK, "free again");
        cr_expect_eq(strategy_cancel(ctx, 2), ERR_STATE, "its own cancel is still under way");
    }
}

Test(engine, all_orders_of_an_instrument_are_told_when_their_cancel_does_not_get_there)
{
    struct rig *rig = rig_new();
    rig->react = cancel_all;
    rig_snapshot(rig, 100, 9990, 10000);
    rig_snapshot(rig, 101, 9990, 10000);
    rig_execution(rig, 102, 0, EXEC_CANCEL_REJECT)->reason = REASON_VENUE;
    rig_snapshot(rig, 103, 9990, 10000);
    rig_run(rig);
    cr_expect_not_null(strstr(rig->trace, "o1:cancel_reject"), "%s", rig->trace);
    cr_expect_null(strstr(rig->trace, "o2:cancel_reject"), "%s", rig->trace);
    cr_expect_null(strstr(rig->trace, "o3:cancel_reject"), "%s", rig->trace);
    cr_expect_eq(engine_counters(rig->engine)->illegal_reports, 0);
    cr_expect_eq(engine_counters(rig->engine)->rejects, 1);
    cr_expect_eq(rig->sent[4].kind, RIG_CANCEL_ALL);
    rig_free(rig);
}

static void arm(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)rig;
    (void)id;
    if (moment != 'b' || ts != 100)
        return;
    cr_expect_eq(strategy_countdown(ctx, 2, 5), ERR_RANGE);
    cr_expect_eq(strategy_countdown(ctx, 0, -1), ERR_RANGE);
    cr_expect_eq(strategy_countdown(ctx, 1, 5), ERR_OK);
    cr_expect_eq(strategy_countdown(ctx, 1, 0), ERR_OK);
}

Test(engine, a_countdown_goes_out_and_a_refused_one_is_counted)
{
    struct rig *rig = rig_new();
    rig->react = arm;
    rig_snapshot(rig, 100, 9990, 10000);
    rig_execution(rig, 102, 0, EXEC_AMEND_REJECT)->reason = REASON_UNSUPPORTED;
    rig_run(rig);
    cr_assert_eq(rig->sent_count, 2);
    cr_expect(rig->sent[0].kind == RIG_COUNTDOWN && rig->sent[0].order_id == 1 && rig->sent[0].qty == 5);
    cr_expect_eq(engine_counters(rig->engine)->rejects, 1);
    cr_expect_eq(engine_counters(rig->engine)->illegal_reports, 0);
    rig_free(rig);
}

/* ---- batches ---- */

static void batch(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    if (moment != 'b' || ts != 100)
        return;
    const struct order_request good = {.side = SIDE_BUY, .type = ORDER_LIMIT, .price = 9000, .qty = 1000};
    struct order_action actions[ORDER_BATCH_MAX + 1] = {
        {.kind = ACTION_SUBMIT, .request = good},
        {.kind = ACTION_SUBMIT, .request = good},
        {.kind = ACTION_SUBMIT, .request = good},
        {.kind = ACTION_CANCEL, .order_id = 1},
        {.kind = ACTION_AMEND, .order_id = 2, .price = 9001, .qty = 900},
        {.kind = ACTION_CANCEL, .order_id = 99},
    };
    actions[2].request.qty = 0;
    cr_expect_eq(strategy_batch(ctx, actions, ORDER_BATCH_MAX + 1), ERR_RANGE);
    cr_expect_eq(rig->sent_count, 0);
    cr_expect_eq(strategy_batch(ctx, actions, 6), ERR_OK);
    cr_expect_eq(actions[0].result, ERR_OK);
    cr_expect_eq(actions[0].order_id, 1);
    cr_expect_eq(actions[1].result, rig->limits[0].position_max == 0 ? ERR_OK : ERR_RISK, "each meets the gate");
    cr_expect_eq(actions[2].result, ERR_RANGE);
    cr_expect_eq(actions[3].result, ERR_OK);
    cr_expect_eq(actions[5].result, ERR_NOTFOUND);
}

Test(engine, each_request_of_a_batch_is_checked_sent_and_answered_on_its_own)
{
    for (qty_t most = 0; most <= 1500; most += 1500) {
        struct rig *rig = rig_new();
        rig->react = batch;
        rig->limits[0].position_max = most;
        rig_snapshot(rig, 100, 9990, 10000);
        rig_run(rig);
        const uint32_t last = rig->sent_count - 1;
        cr_expect_eq(rig->sent[0].kind, RIG_BATCH_BEGIN);
        cr_expect_eq(rig->sent[last].kind, RIG_BATCH_END);
        cr_expect_eq(rig->sent_count, most == 0 ? 6 : 4);
        rig_free(rig);
    }
}
