/* The step and the loop, against a written world. The digest has its own file, test_engine_digest.c. */
#include "engine_rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

static err_t limit(struct strategy_ctx *ctx, enum side side, px_t price, qty_t qty, uint64_t *id)
{
    return strategy_limit(ctx, 0, side, price, qty, TIF_GTC, 0, id);
}

static void check_trace(const struct rig *rig, const char *expected)
{
    cr_assert_str_eq(rig->trace, expected);
}

/* ---- inputs ---- */

Test(engine, inputs_reach_the_callback_of_their_kind_in_their_order)
{
    struct rig *rig = rig_new();
    static const struct event_signal signal = {.name = "s", .value = 1};
    static const struct event_text text = {"text"};
    static const struct event_mark mark = {.mark_price = 10001};
    rig_snapshot(rig, 100, 10000, 10010);
    rig_delta(rig, 101, SIDE_BUY, 10001, 5);
    rig_trade(rig, 101, 10010, 3);
    rig_event(rig, 102, EVENT_SIGNAL)->body = &signal;
    rig_event(rig, 103, EVENT_PARAMETER)->body = &text;
    rig_event(rig, 104, EVENT_TICK);
    rig_event(rig, 105, EVENT_MARK)->body = &mark;
    rig_event(rig, 106, EVENT_CONNECTION_DOWN);
    rig_event(rig, 107, EVENT_GAP);
    rig_run(rig);
    check_trace(rig, "b100 b101 x101 s102 s103 b105 b106 b107 stop ");
    const struct engine_counters *counters = engine_counters(rig->engine);
    cr_expect_eq(counters->inputs, 9);
    cr_expect_eq(counters->by_kind[EVENT_BOOK_DELTA], 1);
    cr_expect_eq(counters->gaps, 1);
    cr_expect_eq(counters->levels, 2 + 1 + 1);
    cr_expect_eq(engine_now(rig->engine), 107);
    rig_free(rig);
}

static void look_at_touch(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    struct level level;
    (void)id;
    if (moment == 'b' && ts == 101 && book_best(strategy_book(ctx, 0), SIDE_BUY, &level))
        rig->word = level.price;
}

Test(engine, a_book_message_is_applied_before_the_strategy_sees_it)
{
    struct rig *rig = rig_new();
    rig->react = look_at_touch;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_delta(rig, 101, SIDE_BUY, 10005, 5);
    rig_run(rig);
    cr_assert_eq(rig->word, 10005);
    rig_free(rig);
}

Test(engine, a_gap_without_an_instrument_makes_every_book_stale)
{
    struct rig *rig = rig_new();
    rig_snapshot(rig, 100, 10000, 10010);
    rig_snapshot(rig, 101, 500, 510)->instrument = 1;
    rig_event(rig, 102, EVENT_GAP)->instrument = 1;
    rig_up(rig);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_END);
    cr_expect(!(engine_book(rig->engine, 0)->flags & BOOK_STALE));
    cr_expect(engine_book(rig->engine, 1)->flags & BOOK_STALE);
    rig_event(rig, 103, EVENT_GAP)->instrument = INSTRUMENT_NONE;
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_END);
    cr_expect(engine_book(rig->engine, 0)->flags & BOOK_STALE);
    rig_free(rig);
}

Test(engine, levels_of_an_instrument_that_the_run_leaves_out_change_nothing)
{
    struct rig *rig = rig_new();
    rig_snapshot(rig, 100, 10000, 10010)->instrument = INSTRUMENT_NONE;
    rig_trade(rig, 101, 10000, 10)->instrument = 2;
    rig_run(rig);
    check_trace(rig, "stop ");
    cr_expect_eq(engine_counters(rig->engine)->inputs, 2);
    rig_free(rig);
}

Test(engine, what_breaks_the_world_is_returned_with_its_words)
{
    struct rig *rig = rig_new();
    rig_snapshot(rig, 100, 10000, 10010);
    rig->at_end = ERR_CORRUPT;
    rig_up(rig);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_CORRUPT);
    cr_assert_str_eq(engine_why(rig->engine)->text, "the tape tore");
    cr_assert_eq(engine_counters(rig->engine)->inputs, 1);
    rig_free(rig);
}

/* ---- timers ---- */

static void timers_of_one_instant(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)rig;
    (void)id;
    if (moment != 'b' || ts != 100)
        return;
    static const ns_t deadlines[] = {120, 110, 110, 105, 110, 50}; /* the last one is past: due now */
    for (size_t i = 0; i < ARRAY_LEN(deadlines); i++)
        cr_assert_eq(strategy_timer_at(ctx, deadlines[i], NULL), ERR_OK);
}

Test(engine, timers_fire_by_deadline_then_id_and_before_inputs_of_their_instant)
{
    for (uint32_t batch = 1; batch <= 3; batch++) {
        struct rig *rig = rig_new();
        rig->batch = batch;
        rig->react = timers_of_one_instant;
        rig_snapshot(rig, 100, 10000, 10010);
        rig_trade(rig, 100, 10000, 1);
        rig_trade(rig, 104, 10000, 1);
        rig_trade(rig, 105, 10000, 1);
        rig_trade(rig, 110, 10000, 1);
        rig_trade(rig, 119, 10000, 1);
        rig_run(rig);
        /* timer 1 was due after the last input: the session ended first */
        check_trace(rig, "b100 t6@100 x100 x104 t4@105 x105 t2@110 t3@110 t5@110 x110 x119 stop ");
        cr_expect_eq(engine_counters(rig->engine)->timers_fired, 5);
        rig_free(rig);
    }
}

static void chained_timers(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    if (moment == 'b')
        cr_assert(strategy_timer_at(ctx, 102, NULL) == ERR_OK && strategy_timer_at(ctx, 107, NULL) == ERR_OK);
    if (moment == 't' && id == 1) { /* at 102: one at once, one between inputs, and timer 2 is taken back */
        cr_assert(strategy_timer_at(ctx, ts, NULL) == ERR_OK && strategy_timer_at(ctx, 104, NULL) == ERR_OK);
        cr_assert_eq(strategy_timer_cancel(ctx, 2), ERR_OK);
        cr_assert_eq(strategy_timer_cancel(ctx, 2), ERR_NOTFOUND);
        cr_assert_eq(strategy_timer_cancel(ctx, 1), ERR_NOTFOUND, "it is firing");
    }
    rig->word++;
}

Test(engine, timers_can_be_set_and_cancelled_by_timers)
{
    struct rig *rig = rig_new();
    rig->react = chained_timers;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_trade(rig, 103, 10000, 1);
    rig_trade(rig, 110, 10000, 1);
    rig_run(rig);
    check_trace(rig, "b100 t1@102 t3@102 x103 t4@104 x110 stop ");
    rig_free(rig);
}

static void too_many_timers(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)rig;
    (void)id;
    for (int i = 0; moment == 'b' && i < 20; i++)
        cr_assert_eq(strategy_timer_at(ctx, ts + 1000, NULL), i < 16 ? ERR_OK : ERR_FULL);
}

Test(engine, more_timers_than_the_config_has_are_refused)
{
    struct rig *rig = rig_new();
    rig->react = too_many_timers;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_run(rig);
    rig_free(rig);
}

/* ---- orders ---- */

static void buy_once(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    uint64_t order = 0;
    (void)id;
    if (moment == 'b' && ts == 100) {
        cr_assert_eq(limit(ctx, SIDE_BUY, 10000, 2000, &order), ERR_OK);
        cr_assert_eq(order, 1);
        rig->word = (int64_t)order;
    }
}

Test(engine, an_order_leaves_at_the_moment_of_its_callback_and_its_answers_come_back)
{
    struct rig *rig = rig_new();
    rig->react = buy_once;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_execution(rig, 102, 1, EXEC_ACK);
    rig_fill(rig, 103, 1, 10000, 500);
    rig_fill(rig, 104, 1, 9990, 1500);
    rig_run(rig);
    check_trace(rig, "b100 sent1 o1:ack f1 o1:fill f1 o1:fill stop ");
    cr_assert_eq(rig->sent_count, 1);
    cr_expect_eq(rig->sent[0].ts, 100);
    const struct order *order = order_table_find(engine_orders(rig->engine), 1);
    cr_expect_eq(order->state, ORDER_FILLED);
    cr_expect_eq(account_position(engine_account_view(rig->engine), 0)->qty, 2000);
    cr_expect_eq(engine_counters(rig->engine)->fills, 2);
    cr_expect_eq(engine_counters(rig->engine)->orders, 1);
    rig_free(rig);
}

static void wrong_requests(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    if (moment != 'b' || ts != 100)
        return;
    static const struct order_request good = {
        .instrument = 0, .side = SIDE_BUY, .type = ORDER_LIMIT, .price = 1, .qty = 1};
    struct order_request request = good;
    uint64_t order = 99;
    request.instrument = 2;
    cr_expect_eq(strategy_submit(ctx, &request, &order), ERR_RANGE);
    request = good;
    request.qty = 0;
    cr_expect_eq(strategy_submit(ctx, &request, &order), ERR_RANGE);
    request = good;
    request.side = 2;
    cr_expect_eq(strategy_submit(ctx, &request, &order), ERR_RANGE);
    request = good;
    request.type = ORDER_MARKET + 1;
    cr_expect_eq(strategy_submit(ctx, &request, &order), ERR_RANGE);
    request = good;
    request.tif = TIF_FOK + 1;
    cr_expect_eq(strategy_submit(ctx, &request, &order), ERR_RANGE);
    request = good;
    request.flags = 4;
    cr_expect_eq(strategy_submit(ctx, &request, &order), ERR_RANGE);
    cr_expect_eq(order, 99);
    cr_expect_eq(strategy_cancel(ctx, 1), ERR_NOTFOUND);
    cr_expect_eq(strategy_amend(ctx, 1, 1, 1), ERR_NOTFOUND);
    cr_expect_eq(rig->sent_count, 0);
}

Test(engine, a_wrong_request_is_refused_and_takes_no_id)
{
    struct rig *rig = rig_new();
    rig->react = wrong_requests;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_run(rig);
    cr_expect_eq(order_table_last_id(engine_orders(rig->engine)), 0);
    rig_free(rig);
}

static void fill_the_table(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    (void)rig;
    for (int i = 0; moment == 'b' && ts == 100 && i < 18; i++)
        cr_assert_eq(limit(ctx, SIDE_BUY, 10, 1, NULL), i < 16 ? ERR_OK : ERR_FULL);
}

Test(engine, a_table_full_of_open_orders_refuses)
{
    struct rig *rig = rig_new();
    rig->react = fill_the_table;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_run(rig);
    cr_expect_eq(rig->sent_count, 16);
    rig_free(rig);
}

static void cancel_and_amend(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    if (moment != 'b')
        return;
    if (ts == 100) {
        cr_assert_eq(limit(ctx, SIDE_BUY, 10000, 2000, NULL), ERR_OK);
        cr_assert_eq(limit(ctx, SIDE_BUY, 9000, 2000, NULL), ERR_OK);
    } else if (ts == 103) {
        cr_expect_eq(strategy_cancel(ctx, 1), ERR_OK);
        cr_expect_eq(strategy_cancel(ctx, 1), ERR_STATE, "one cancel is under way");
        cr_expect_eq(strategy_amend(ctx, 1, 9999, 1), ERR_STATE);
        cr_expect_eq(strategy_amend(ctx, 2, 9000, 0), ERR_RANGE);
        cr_expect_eq(strategy_amend(ctx, 2, 9001, 1000), ERR_OK);
        cr_expect_eq(strategy_amend(ctx, 2, 9002, 1000), ERR_STATE);
    } else if (ts == 106) { /* both answered: free again */
        cr_expect_eq(strategy_cancel(ctx, 1), ERR_OK);
        cr_expect_eq(strategy_amend(ctx, 2, 9003, 900), ERR_OK);
    }
    (void)rig;
}

Test(engine, one_cancel_or_amend_may_be_under_way_until_it_is_answered)
{
    struct rig *rig = rig_new();
    rig->react = cancel_and_amend;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_execution(rig, 101, 1, EXEC_ACK);
    rig_execution(rig, 102, 2, EXEC_ACK);
    rig_snapshot(rig, 103, 10000, 10010);
    rig_execution(rig, 104, 1, EXEC_CANCEL_REJECT);
    rig_execution(rig, 105, 2, EXEC_AMEND_REJECT);
    rig_snapshot(rig, 106, 10000, 10010);
    rig_execution(rig, 107, 1, EXEC_CANCELLED);
    struct execution *amended = rig_execution(rig, 108, 2, EXEC_AMENDED);
    amended->price = 9003;
    amended->qty = 900;
    rig_run(rig);
    cr_assert_eq(rig->sent_count, 6);
    cr_expect(rig->sent[2].kind == RIG_CANCEL && rig->sent[2].ts == 103 && rig->sent[2].order_id == 1);
    cr_expect(rig->sent[3].kind == RIG_AMEND && rig->sent[3].price == 9001 && rig->sent[3].qty == 1000);
    const struct order *second = order_table_find(engine_orders(rig->engine), 2);
    cr_expect(second->price == 9003 && second->qty == 900 && order_is_open(second));
    cr_expect_eq(order_table_find(engine_orders(rig->engine), 1)->state, ORDER_CANCELLED);
    cr_expect_eq(engine_counters(rig->engine)->cancels, 2);
    cr_expect_eq(engine_counters(rig->engine)->amends, 2);
    rig_free(rig);
}

Test(engine, reports_that_the_table_forbids_are_counted_and_told_to_nobody)
{
    struct rig *rig = rig_new();
    rig->react = buy_once;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_execution(rig, 101, 7, EXEC_ACK); /* never sent */
    rig_fill(rig, 102, 1, 10000, 2001);   /* more than was asked for */
    rig_execution(rig, 103, 1, EXEC_ACK);
    rig_execution(rig, 104, 1, EXEC_REJECT); /* it lives */
    rig_execution(rig, 105, 1, EXEC_ACK);    /* again */
    rig_execution(rig, 106, 1, EXEC_CANCELLED);
    rig_fill(rig, 107, 1, 10000, 1); /* it is gone */
    rig_run(rig);
    check_trace(rig, "b100 sent1 o1:ack o1:cancelled stop ");
    cr_expect_eq(engine_counters(rig->engine)->illegal_reports, 5);
    cr_expect_eq(account_position(engine_account_view(rig->engine), 0)->fill_count, 0);
    rig_free(rig);
}

static void trade_beyond_all_bounds(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    (void)rig;
    if (moment == 'b' && ts == 100)
        cr_assert_eq(limit(ctx, SIDE_BUY, INT64_MAX / 2, INT64_MAX / 2, NULL), ERR_OK);
}

Test(engine, a_fill_that_cannot_be_booked_stops_the_run)
{
    struct rig *rig = rig_new();
    rig->react = trade_beyond_all_bounds;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_fill(rig, 101, 1, INT64_MAX / 2, INT64_MAX / 2);
    rig_snapshot(rig, 102, 10000, 10010);
    rig_up(rig);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_RANGE);
    cr_expect(strstr(engine_why(rig->engine)->text, "order 1") != NULL);
    cr_expect_eq(engine_counters(rig->engine)->inputs, 2, "nothing is handled after it");
    cr_expect_eq(engine_counters(rig->engine)->money_overflows, 1);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_RANGE, "it stays stopped");
    rig_free(rig);
}

/* ---- refusals ---- */

static void refused_buy(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    if (moment == 'b' && ts == 100) {
        uint64_t first = 0, second = 0;
        cr_assert_eq(limit(ctx, SIDE_BUY, 10000, 2000, &first), ERR_RISK);
        cr_assert_eq(limit(ctx, SIDE_BUY, 10000, 3000, &second), ERR_RISK);
        cr_assert(first == 1 && second == 2);
        cr_expect_eq(rig->refusals_told, 0, "told after the callback, never inside it");
        const struct order *order = order_table_find(strategy_orders(ctx), 1);
        cr_expect_eq(order->state, ORDER_REJECTED);
        rig->word = order->reason;
    }
}

Test(engine, refusals_of_the_gate_are_told_after_the_callback_in_their_order)
{
    struct rig *rig = rig_new();
    rig->limits[0].order_notional_max = 100 * money_pow10(MONEY_DECIMALS);
    rig->react = refused_buy;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_trade(rig, 100, 10000, 1);
    rig_run(rig);
    check_trace(rig, "b100 o1:reject o2:reject x100 stop ");
    cr_expect_eq(rig->word, REASON_RISK_NOTIONAL);
    cr_expect_eq(rig->sent_count, 0);
    cr_expect_eq(engine_counters(rig->engine)->refused, 2);
    cr_expect_eq(engine_counters(rig->engine)->orders, 0);
    rig_free(rig);
}

Test(engine, an_order_that_the_world_does_not_take_is_refused_too)
{
    struct rig *rig = rig_new();
    rig->answer = ERR_END;
    rig->react = refused_buy;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_run(rig);
    check_trace(rig, "b100 o1:reject o2:reject stop ");
    cr_expect_eq(rig->word, REASON_VENUE);
    cr_expect_eq(account_balance(engine_account_view(rig->engine), "USDT")->locked, 0);
    rig_free(rig);
}

static void stubborn(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    (void)ts;
    if (moment == 'b' || moment == 'o' || moment == 't')
        cr_assert_eq(limit(ctx, SIDE_BUY, 10000, 2000, NULL), ERR_RISK);
    if (moment == 'b')
        cr_assert_eq(strategy_timer_at(ctx, ts + 1, NULL), ERR_OK);
    (void)rig;
}

Test(engine, who_answers_every_refusal_with_an_order_is_told_once_an_input_and_timer)
{
    struct rig *rig = rig_new();
    rig->answer = ERR_FULL;
    rig->react = stubborn;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_event(rig, 105, EVENT_TICK);
    rig_run(rig);
    /* the input's own, then those that were caused by being told wait for the next step */
    check_trace(rig, "b100 o1:reject t1@101 o2:reject o3:reject o4:reject o5:reject stop ");
    rig_free(rig);
}

/* ---- spot funds behind open orders ---- */

#define WHOLE      money_pow10(MONEY_DECIMALS)
#define THOUSANDTH money_pow10(MONEY_DECIMALS - 3)

static money_t locked_of(const struct rig *rig, const char *currency)
{
    return account_balance(engine_account_view(rig->engine), currency)->locked;
}

static void order_by_word(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    if (moment == 'b' && ts == 100)
        cr_assert_eq(limit(ctx, rig->word == 0 ? SIDE_BUY : SIDE_SELL, 10000, 2000, NULL), ERR_OK);
}

/* One report after the other for an order of 2.000 at 100.00, and what stays locked after each. */
struct lock_step {
    enum exec_kind kind;
    px_t price;
    qty_t qty;
    int64_t thousandths; /* locked after it */
};

static void check_locks(enum side side, const struct lock_step *steps, size_t count)
{
    struct rig *rig = rig_new();
    rig->react = order_by_word;
    rig->word = side;
    rig_snapshot(rig, 100, 10000, 10010);
    for (size_t i = 0; i < count; i++) {
        if (steps[i].kind == EXEC_FILL) {
            rig_fill(rig, 101, 1, steps[i].price, steps[i].qty);
            continue;
        }
        struct execution *execution = rig_execution(rig, 101, 1, steps[i].kind);
        execution->price = steps[i].price;
        execution->qty = steps[i].qty;
    }
    rig_up(rig);
    const char *currency = side == SIDE_BUY ? "USDT" : "BTC", *other = side == SIDE_BUY ? "BTC" : "USDT";
    cr_assert_eq(engine_run(rig->engine, 1), ERR_OK);
    /* 2.000 x 100.00 and its taker fee of 0.1 %; a sell: 2.000 BTC */
    cr_assert(locked_of(rig, currency) == (side == SIDE_BUY ? 200200 : 2000) * THOUSANDTH);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(engine_run(rig->engine, 1), ERR_OK);
        cr_expect(locked_of(rig, currency) == steps[i].thousandths * THOUSANDTH, "%s, step %zu: %" PRId64 " locked",
                  side_name(side), i, (int64_t)(locked_of(rig, currency) / THOUSANDTH));
        cr_expect(locked_of(rig, other) == 0);
    }
    cr_expect_eq(engine_counters(rig->engine)->illegal_reports, 0);
    rig_free(rig);
}

Test(engine, a_buy_locks_its_value_and_fee_until_it_ends)
{
    static const struct lock_step filled[] = {
        {EXEC_ACK, 0, 0, 200200}, {EXEC_FILL, 10000, 500, 150150}, {EXEC_FILL, 9000, 1500, 0}};
    static const struct lock_step cancelled[] = {{EXEC_FILL, 10000, 500, 150150}, {EXEC_CANCELLED, 0, 0, 0}};
    static const struct lock_step rejected[] = {{EXEC_REJECT, 0, 0, 0}};
    static const struct lock_step expired[] = {{EXEC_ACK, 0, 0, 200200}, {EXEC_EXPIRED, 0, 0, 0}};
    static const struct lock_step amended[] = {
        {EXEC_ACK, 0, 0, 200200},          {EXEC_FILL, 10000, 1000, 100100},    {EXEC_AMENDED, 5000, 3000, 100100},
        {EXEC_AMENDED, 5000, 2000, 50050}, {EXEC_AMENDED, 10000, 4000, 300300}, {EXEC_CANCEL_REJECT, 0, 0, 300300},
        {EXEC_CANCELLED, 0, 0, 0}};
    check_locks(SIDE_BUY, filled, ARRAY_LEN(filled));
    check_locks(SIDE_BUY, cancelled, ARRAY_LEN(cancelled));
    check_locks(SIDE_BUY, rejected, ARRAY_LEN(rejected));
    check_locks(SIDE_BUY, expired, ARRAY_LEN(expired));
    check_locks(SIDE_BUY, amended, ARRAY_LEN(amended));
}

Test(engine, a_sell_locks_its_quantity_until_it_ends)
{
    static const struct lock_step filled[] = {{EXEC_FILL, 10000, 500, 1500}, {EXEC_FILL, 10000, 1500, 0}};
    static const struct lock_step amended[] = {{EXEC_FILL, 10000, 500, 1500},
                                               {EXEC_AMENDED, 11000, 1000, 500},
                                               {EXEC_AMENDED, 11000, 4000, 3500},
                                               {EXEC_EXPIRED, 0, 0, 0}};
    check_locks(SIDE_SELL, filled, ARRAY_LEN(filled));
    check_locks(SIDE_SELL, amended, ARRAY_LEN(amended));
}

static void two_locks(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    (void)rig;
    if (moment == 'b' && ts == 100) {
        cr_assert_eq(limit(ctx, SIDE_BUY, 10000, 9000, NULL), ERR_OK); /* 900.9 of 1000 */
        cr_assert_eq(limit(ctx, SIDE_BUY, 10000, 2000, NULL), ERR_OK); /* nothing free for it */
        cr_assert_eq(strategy_market(ctx, 0, SIDE_SELL, 5000, NULL), ERR_OK);
        cr_assert_eq(strategy_limit(ctx, 1, SIDE_BUY, 10000, 2000, TIF_GTC, 0, NULL), ERR_OK); /* a contract */
    }
}

Test(engine, what_is_not_free_cannot_be_locked_and_contracts_lock_nothing)
{
    struct rig *rig = rig_new();
    rig->react = two_locks;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_execution(rig, 101, 2, EXEC_CANCELLED);
    rig_execution(rig, 102, 1, EXEC_CANCELLED);
    rig_execution(rig, 103, 3, EXEC_EXPIRED);
    rig_up(rig);
    cr_assert_eq(engine_run(rig->engine, 1), ERR_OK);
    cr_expect(locked_of(rig, "USDT") == 900900 * THOUSANDTH && locked_of(rig, "BTC") == 5 * WHOLE);
    cr_assert_eq(engine_run(rig->engine, 1), ERR_OK);
    cr_expect(locked_of(rig, "USDT") == 900900 * THOUSANDTH, "an order without a lock has none to release");
    cr_assert_eq(engine_run(rig->engine, 2), ERR_OK);
    cr_expect(locked_of(rig, "USDT") == 0 && locked_of(rig, "BTC") == 0);
    rig_free(rig);
}

/* ---- equity ---- */

static void timer_on_the_grid(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)rig;
    (void)id;
    if (moment == 'b' && ts == 95)
        cr_assert_eq(strategy_timer_at(ctx, 110, NULL), ERR_OK);
}

Test(engine, equity_is_shown_on_a_grid_of_whole_intervals_where_something_arrived)
{
    for (uint32_t batch = 1; batch <= 5; batch += 2) {
        struct rig *rig = rig_new();
        rig->batch = batch;
        rig->config.equity_interval = 10;
        rig->react = timer_on_the_grid;
        rig_snapshot(rig, 95, 10000, 10010);
        rig_trade(rig, 99, 10000, 1);
        rig_trade(rig, 100, 10000, 1);
        rig_trade(rig, 103, 10000, 1);
        rig_trade(rig, 110, 10000, 1);
        rig_trade(rig, 137, 10000, 1);
        rig_trade(rig, 140, 10000, 1);
        rig_run(rig);
        /* before the inputs of its instant, after its timers; nothing arrived in (110, 130]; at the end once more */
        check_trace(rig, "b95 x99 e100 x100 x103 t1@110 e110 x110 e120 x137 e140 x140 stop e140 ");
        rig_free(rig);
    }
}

Test(engine, a_grid_before_1970_is_aligned_too)
{
    struct rig *rig = rig_new();
    rig->config.equity_interval = 10;
    rig_snapshot(rig, -25, 10000, 10010);
    rig_trade(rig, -15, 10000, 1);
    rig_trade(rig, 5, 10000, 1);
    rig_run(rig);
    check_trace(rig, "b-25 e-20 x-15 e-10 x5 stop e5 ");
    rig_free(rig);
}

Test(engine, a_time_without_inputs_costs_no_work, .timeout = 10)
{
    struct rig *rig = rig_new();
    rig->config.equity_interval = 10;
    rig_snapshot(rig, 3, 10000, 10010);
    rig_trade(rig, 54 * 365 * 86400 * NS_PER_S, 10000, 1);
    rig_trade(rig, 54 * 365 * 86400 * NS_PER_S + 20, 10000, 1);
    rig_run(rig);
    check_trace(rig, "b3 e10 x1702944000000000000 e1702944000000000010 x1702944000000000020 stop "
                     "e1702944000000000020 ");
    rig_free(rig);
}

static void buy_spot_and_contract(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    (void)rig;
    if (moment == 'b' && ts == 100) {
        cr_assert_eq(limit(ctx, SIDE_BUY, 10000, 1000, NULL), ERR_OK);
        cr_assert_eq(strategy_limit(ctx, 1, SIDE_SELL, 500, 2000, TIF_GTC, 0, NULL), ERR_OK);
    }
}

Test(engine, equity_is_cash_and_holdings_and_unrealised_profit_at_mid_then_trade_then_touch)
{
    struct rig *rig = rig_new();
    rig->react = buy_spot_and_contract;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_fill(rig, 101, 1, 10000, 1000); /* 6 BTC, 900 USDT */
    rig_fill(rig, 102, 2, 500, 2000);   /* short 2 at 5.00 */
    rig_up(rig);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_END);
    cr_expect(engine_equity(rig->engine, "USDT") == 900 * WHOLE + 600300 * THOUSANDTH, "6 BTC at 100.05");
    rig_snapshot(rig, 103, 400, 420)->instrument = 1;
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_END);
    cr_expect(engine_equity(rig->engine, "USDT") == 900 * WHOLE + (600300 + 1800) * THOUSANDTH,
              "short from 5.00 at 4.10");
    rig_delta(rig, 104, SIDE_SELL, 420, 0)->instrument = 1;
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_END);
    cr_expect(engine_equity(rig->engine, "USDT") == 900 * WHOLE + (600300 + 2000) * THOUSANDTH, "one side: at 4.00");
    rig_trade(rig, 105, 450, 1)->instrument = 1;
    rig_trade(rig, 106, 999, 1)->instrument = 1;
    rig->events[rig->event_count - 1].flags = EVENT_SPECIAL;
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_END);
    cr_expect(engine_equity(rig->engine, "USDT") == 900 * WHOLE + (600300 + 1000) * THOUSANDTH,
              "last trade: at 4.50");
    cr_expect(engine_equity(rig->engine, "BTC") == 6 * WHOLE);
    cr_expect(engine_equity(rig->engine, "EUR") == 0);
    rig_free(rig);
}

/* ---- the daily loss, marked on the grid ---- */

static void hold_over_midnight(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    if (moment == 'x' && ts % (86400 * NS_PER_S) == 7 * NS_PER_S)
        rig->word = strategy_limit(ctx, 0, SIDE_BUY, 1000, 1, TIF_GTC, 0, NULL);
}

Test(engine, the_day_begins_with_what_was_held_at_midnight)
{
    const ns_t day = 86400 * NS_PER_S;
    struct rig *rig = rig_new();
    rig->config.equity_interval = NS_PER_S;
    rig->limits[0].daily_loss_max = rig->limits[1].daily_loss_max = 100 * WHOLE;
    rig->react = hold_over_midnight;
    rig_snapshot(rig, day - 10 * NS_PER_S, 10000, 10000); /* 5 BTC at 100 */
    rig_snapshot(rig, day + 5 * NS_PER_S, 7000, 7000);    /* 150 lost, all of it today */
    rig_trade(rig, day + 7 * NS_PER_S, 7000, 1);
    rig_run(rig);
    cr_assert_eq(rig->word, ERR_RISK);
    cr_expect_eq(order_table_find(engine_orders(rig->engine), 1)->reason, REASON_RISK_DAILY_LOSS);
    rig_free(rig);
}
