#include "engine_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Payments and orders of the venue: what arrives without an order of ours. */

struct notes {
    char text[4096];
    size_t size;
};
static struct notes notes;

static void write_down(const char *text)
{
    notes.size += (size_t)snprintf(notes.text + notes.size, sizeof(notes.text) - notes.size, "%s; ", text);
}

static void on_log(void *context, ns_t ts, enum log_level level, const char *text)
{
    (void)context;
    (void)ts;
    cr_expect_eq(level, LOG_WARN);
    write_down(text);
}

static void on_payment(void *context, ns_t ts, uint16_t instrument, const struct execution *execution)
{
    char text[96];
    (void)context;
    snprintf(text, sizeof(text), "paid@%d %s of %u", (int)ts, reason_name((enum reason)execution->reason),
             instrument);
    write_down(text);
}

static void told_payment(struct strategy_ctx *ctx, void *state, uint16_t instrument,
                         const struct execution *execution)
{
    (void)state;
    (void)execution;
    cr_expect_eq(instrument, 1);
    /* booked before it is told */
    cr_expect(account_balance(strategy_account(ctx), "USDT")->total != 1000 * money_pow10(MONEY_DECIMALS));
    write_down("told");
}

static struct rig *listening(void)
{
    struct rig *rig = rig_new();
    notes = (struct notes){.size = 0};
    rig->sink.log = on_log;
    rig->sink.payment = on_payment;
    rig->strategy.payment = told_payment;
    return rig;
}

static struct execution *payment(struct rig *rig, ns_t ts, enum reason reason, money_t amount)
{
    struct execution *execution = rig_execution(rig, ts, 0, EXEC_PAYMENT);
    rig->events[rig->event_count - 1].instrument = 1;
    execution->reason = (uint16_t)reason;
    execution->fee = -amount;
    execution->fee_decimals = 2;
    strcpy(execution->fee_currency, "USDT");
    return execution;
}

static const char *usdt(const struct rig *rig)
{
    static char text[DECIMAL_TEXT_SIZE];
    decimal_format(text, account_balance(engine_account_view(rig->engine), "USDT")->total, MONEY_DECIMALS, 0);
    return text;
}

static struct execution *of_venue(struct rig *rig, ns_t ts, uint64_t number, enum exec_kind kind, qty_t qty)
{
    struct execution *execution = rig_execution(rig, ts, ORDER_ID_VENUE | number, kind);
    rig->events[rig->event_count - 1].instrument = 1;
    execution->side = SIDE_SELL;
    execution->qty = qty;
    if (kind == EXEC_FILL) {
        execution->price = 200000;
        strcpy(execution->fee_currency, "USDT");
        execution->fee = 1;
    }
    return execution;
}

Test(engine_venue, funding_is_booked_told_and_counted)
{
    struct rig *rig = listening();
    payment(rig, 10, REASON_FUNDING, -1200);
    payment(rig, 20, REASON_FUNDING, 300);
    rig_run(rig);
    cr_expect_str_eq(usdt(rig), "991");
    const struct position *position = account_position(engine_account_view(rig->engine), 1);
    cr_expect(position->funding == -9 * money_pow10(MONEY_DECIMALS));
    cr_expect(account_balance(engine_account_view(rig->engine), "USDT")->funding == position->funding);
    cr_expect_eq(engine_counters(rig->engine)->payments, 2);
    cr_expect_eq(engine_counters(rig->engine)->illegal_reports, 0);
    cr_expect_str_eq(notes.text, "paid@10 FUNDING of 1; told; paid@20 FUNDING of 1; told; ");
    rig_free(rig);
}

Test(engine_venue, a_loss_that_the_insurance_fund_bears_is_no_funding_and_is_logged)
{
    struct rig *rig = listening();
    payment(rig, 10, REASON_INSURANCE, 1250);
    rig_run(rig);
    cr_expect_str_eq(usdt(rig), "1012.5");
    cr_expect(account_position(engine_account_view(rig->engine), 1)->funding == 0);
    cr_expect_not_null(strstr(notes.text, "the insurance fund bore 12.5 USDT"));
    rig_free(rig);
}

Test(engine_venue, an_order_that_the_venue_makes_is_adopted_with_its_fills)
{
    struct rig *rig = listening();
    of_venue(rig, 10, 1, EXEC_ACK, 700);
    of_venue(rig, 10, 1, EXEC_FILL, 400);
    of_venue(rig, 11, 1, EXEC_FILL, 300);
    of_venue(rig, 20, 2, EXEC_ACK, 100);
    of_venue(rig, 20, 2, EXEC_EXPIRED, 0);
    rig_run(rig);
    const struct position *position = account_position(engine_account_view(rig->engine), 1);
    cr_expect_eq(position->qty, -700);
    cr_expect_eq(position->fill_count, 2);
    cr_expect_eq(engine_counters(rig->engine)->fills, 2);
    cr_expect_eq(engine_counters(rig->engine)->venue_orders, 2);
    cr_expect_eq(engine_counters(rig->engine)->orders, 0);
    cr_expect_eq(engine_counters(rig->engine)->illegal_reports, 0);
    cr_expect_not_null(strstr(notes.text, "liquidation: the venue sells 0.7 of ETHUSDT; "));
    cr_expect_not_null(strstr(rig->trace, "o9223372036854775809:ack f9223372036854775809 o9223372036854775809:fill"));
    cr_expect_not_null(strstr(rig->trace, "o9223372036854775810:expired"));
    cr_expect_eq(order_table_open_count(engine_orders(rig->engine)), 0);
    rig_free(rig);
}

Test(engine_venue, what_no_order_of_the_venue_allows_is_counted_and_books_nothing)
{
    struct rig *rig = listening();
    of_venue(rig, 10, 1, EXEC_FILL, 400); /* of an order never told */
    of_venue(rig, 11, 1, EXEC_ACK, 0);    /* of nothing */
    of_venue(rig, 12, 2, EXEC_ACK, 5);
    of_venue(rig, 13, 2, EXEC_ACK, 5);  /* twice */
    of_venue(rig, 14, 2, EXEC_FILL, 6); /* more than it has */
    struct execution *wide = payment(rig, 15, REASON_FUNDING, 1);
    rig->events[rig->event_count - 1].instrument = INSTRUMENT_NONE;
    cr_expect_eq(wide->order_id, 0);
    rig_run(rig);
    cr_expect_eq(engine_counters(rig->engine)->illegal_reports, 5);
    cr_expect_eq(account_position(engine_account_view(rig->engine), 1)->qty, 0);
    cr_expect_str_eq(usdt(rig), "1000");
    rig_free(rig);
}

Test(engine_venue, the_next_order_may_be_heard_of_before_the_last_has_ended)
{
    struct rig *rig = listening();
    for (uint64_t id = 1; id <= 5; id++) /* four are kept: the fifth finds no place */
        of_venue(rig, 10, id, EXEC_ACK, 10);
    for (uint64_t id = 4; id >= 1; id--)
        of_venue(rig, 20, id, EXEC_FILL, 10);
    of_venue(rig, 30, 5, EXEC_ACK, 10);
    rig_run(rig);
    cr_expect_eq(account_position(engine_account_view(rig->engine), 1)->qty, -40);
    cr_expect_eq(engine_counters(rig->engine)->venue_orders, 5);
    cr_expect_eq(engine_counters(rig->engine)->illegal_reports, 1);
    rig_free(rig);
}

Test(engine_venue, a_payment_that_does_not_fit_ends_the_run)
{
    struct rig *rig = listening();
    struct execution *execution = payment(rig, 10, REASON_FUNDING, 0);
    execution->fee = -(((money_t)1 << 126) / 100);
    rig_snapshot(rig, 11, 100, 101);
    rig_up(rig);
    cr_assert_eq(engine_start(rig->engine), ERR_OK);
    cr_expect_eq(engine_run(rig->engine, UINT64_MAX), ERR_RANGE);
    cr_expect_eq(engine_counters(rig->engine)->money_overflows, 1);
    cr_expect_eq(engine_counters(rig->engine)->inputs, 1);
    rig_free(rig);
}

Test(engine_venue, the_rate_of_a_payment_and_the_side_of_an_order_are_in_the_digest)
{
    struct digest_value values[4];
    for (int i = 0; i < 4; i++) {
        struct rig *rig = rig_new();
        payment(rig, 10, REASON_FUNDING, 5)->rate = i == 1;
        of_venue(rig, 11, 1, EXEC_ACK, 5)->side = i == 2 ? SIDE_BUY : SIDE_SELL;
        values[i] = rig_run(rig);
        rig_free(rig);
    }
    cr_expect(memcmp(&values[0], &values[3], sizeof(values[0])) == 0);
    cr_expect(memcmp(&values[0], &values[1], sizeof(values[0])) != 0);
    cr_expect(memcmp(&values[0], &values[2], sizeof(values[0])) != 0);
}

Test(engine_venue, the_last_mark_is_kept)
{
    struct rig *rig = rig_new();
    const struct event_mark first = {.mark_price = 5, .next_funding_ts = 1}, second = {.mark_price = 7};
    rig_event(rig, 1, EVENT_MARK)->body = &first;
    rig_event(rig, 2, EVENT_MARK)->body = &second;
    rig_run(rig);
    cr_expect_eq(engine_mark(rig->engine, 0)->mark_price, 7);
    cr_expect_null(engine_mark(rig->engine, 1));
    rig_free(rig);
}
