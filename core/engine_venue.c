/* What the venue does to us without being asked: payments, and orders that it makes for us to liquidate a position.
 *
 * Its orders are no part of the order table: they take no room there, count in no limit of the gate and cannot be
 * cancelled. The last few of an instrument are kept, so that their fills are booked, told and shown like any other.
 */
#include "core/engine_state.h"

#include <stdio.h>

static void refuse_report(struct engine *engine)
{
    engine->counters.illegal_reports++;
}

/* ---- payments ---- */

static void log_insurance(struct engine *engine, const struct execution *execution)
{
    char amount[DECIMAL_TEXT_SIZE], text[160];
    decimal_format(amount, -execution->fee, execution->fee_decimals, 0);
    snprintf(text, sizeof(text), "the loss was larger than the balance: the insurance fund bore %s %.*s", amount,
             (int)sizeof(execution->fee_currency), execution->fee_currency);
    engine_log(engine, LOG_WARN, text);
}

void engine_on_payment(struct engine *engine, const struct event *event)
{
    const struct execution *execution = event->body;
    money_t paid;
    if (event->instrument >= engine->instrument_count) {
        refuse_report(engine);
        return;
    }
    err_t err = money_rescale(execution->fee, execution->fee_decimals, MONEY_DECIMALS, ROUND_HALF_EVEN, &paid);
    if (err == ERR_OK && execution->reason == REASON_FUNDING)
        err = account_fund(engine->account, event->instrument, -paid);
    else if (err == ERR_OK)
        err = account_pay(engine->account, execution->fee_currency, -paid);
    if (err != ERR_OK) {
        engine_fail(engine, err, "payment", execution->trade_id);
        return;
    }
    if (execution->reason == REASON_FUNDING)
        invariants_fund(engine->invariants, event->instrument, -paid);
    else
        invariants_pay(engine->invariants, execution->fee_currency, -paid);
    engine->counters.payments++;
    if (execution->reason == REASON_INSURANCE)
        log_insurance(engine, execution);
    if (engine->daily_loss)
        engine_mark_risk(engine, engine->now);
    if (engine->sink != NULL && engine->sink->payment != NULL)
        engine->sink->payment(engine->sink->context, engine->now, event->instrument, execution);
    if (engine->strategy->payment != NULL)
        engine->strategy->payment(&engine->ctx, engine->strategy_state, event->instrument, execution);
}

/* ---- orders of the venue ---- */

static void log_begin(struct engine *engine, const struct order *order)
{
    const struct instrument *instrument = &engine->instruments[order->instrument];
    char qty[DECIMAL_TEXT_SIZE], text[160];
    instrument_format_qty(instrument, order->qty, qty);
    snprintf(text, sizeof(text), "liquidation: the venue %ss %s of %s", side_name((enum side)order->side), qty,
             instrument->symbol);
    engine_log(engine, LOG_WARN, text);
}

/* The order of an id, or the place of the oldest where a new one can go. NULL: neither. */
static struct order *find(struct engine *engine, uint16_t instrument, uint64_t id)
{
    struct order *orders = &engine->venue_orders[(size_t)instrument * VENUE_ORDERS_KEPT], *place = NULL;
    for (int i = 0; i < VENUE_ORDERS_KEPT; i++) {
        if (orders[i].id == id)
            return &orders[i];
        if (!order_is_open(&orders[i]) && (place == NULL || orders[i].id < place->id))
            place = &orders[i];
    }
    return place;
}

/* ERR_STATE: it is no order. */
static err_t adopt(struct order *order, const struct event *event)
{
    const struct execution *execution = event->body;
    if (execution->qty <= 0 || execution->side > SIDE_SELL)
        return ERR_STATE;
    *order = (struct order){.id = execution->order_id,
                            .price = execution->price,
                            .qty = execution->qty,
                            .submit_ts = event->ts,
                            .instrument = event->instrument,
                            .side = execution->side,
                            .type = ORDER_MARKET,
                            .tif = TIF_IOC,
                            .flags = ORDER_REDUCE_ONLY,
                            .state = ORDER_PENDING};
    return ERR_OK;
}

void engine_on_venue_order(struct engine *engine, const struct event *event)
{
    const struct execution *execution = event->body;
    if (event->instrument >= engine->instrument_count) {
        refuse_report(engine);
        return;
    }
    struct order *order = find(engine, event->instrument, execution->order_id);
    const bool known = order != NULL && order->id == execution->order_id;
    const bool begins = !known && order != NULL && execution->kind == EXEC_ACK;
    err_t err = begins ? adopt(order, event) : known ? ERR_OK : ERR_NOTFOUND;
    if (err == ERR_OK)
        err = order_apply(order, execution, event->ts);
    if (err != ERR_OK) {
        refuse_report(engine);
        return;
    }
    if (begins) {
        engine->counters.venue_orders++;
        log_begin(engine, order);
    }
    if (execution->kind == EXEC_FILL)
        engine_book_fill(engine, order, execution);
    engine_tell_order(engine, order, execution);
}
