#include "cli/state_json.h"

#include "cli/strategy_variables.h"

#include <stdlib.h>
#include <string.h>

static const struct engine *engine_of(const struct rerun *rerun)
{
    return rerun->stage->engine;
}

/* ---- books ---- */

static json_t *levels_json(const struct book *book, const struct instrument *instrument, enum side side,
                           uint32_t depth)
{
    json_t *levels = json_array();
    struct level level;
    bool more = book_best(book, side, &level);
    for (uint32_t i = 0; more && i < depth; i++) {
        json_t *pair = json_object();
        json_set_price(pair, "price", instrument, level.price);
        json_set_qty(pair, "qty", instrument, level.qty);
        json_array_append_new(levels, pair);
        more = book_next(book, side, level.price, &level);
    }
    return levels;
}

static json_t *books_json(const struct rerun *rerun, uint32_t depth)
{
    json_t *books = json_array();
    for (uint16_t i = 0; i < rerun->stage->instrument_count; i++) {
        const struct instrument *instrument = &rerun->stage->instruments[i];
        const struct book *book = engine_book(engine_of(rerun), i);
        json_t *object = json_object();
        json_set_text(object, "instrument", instrument->symbol);
        json_set_text(object, "venue", instrument->venue);
        json_set_bool(object, "stale", (book->flags & BOOK_STALE) != 0);
        json_set_bool(object, "crossed", (book->flags & BOOK_CROSSED) != 0);
        json_set_bool(object, "partial", (book->flags & BOOK_PARTIAL) != 0);
        json_set_u64(object, "seq", book->seq);
        json_set_time(object, "updated", book->ts);
        json_set_u64(object, "bid_levels", book_level_count(book, SIDE_BUY));
        json_set_u64(object, "ask_levels", book_level_count(book, SIDE_SELL));
        json_set(object, "bids", levels_json(book, instrument, SIDE_BUY, depth));
        json_set(object, "asks", levels_json(book, instrument, SIDE_SELL, depth));
        json_array_append_new(books, object);
    }
    return books;
}

/* ---- orders ---- */

/* What the venue knows of an order; null: it does not rest there (not yet, or not any more). */
static json_t *place_json(const struct rerun *rerun, const struct order *order)
{
    struct venue_order_view view;
    if (!venue_order(rerun->stage->venue, order->id, &view))
        return json_null();
    const struct instrument *instrument = &rerun->stage->instruments[order->instrument];
    json_t *place = json_object();
    json_set_price(place, "price", instrument, view.price);
    json_set_qty(place, "leaves", instrument, view.leaves);
    if (view.ahead == INT64_MAX)
        json_set(place, "ahead", json_null());
    else
        json_set_qty(place, "ahead", instrument, view.ahead);
    return place;
}

static json_t *order_json(const struct rerun *rerun, const struct order *order)
{
    const struct instrument *instrument = &rerun->stage->instruments[order->instrument];
    json_t *object = json_object();
    json_set_u64(object, "id", order->id);
    json_set_text(object, "instrument", instrument->symbol);
    json_set_text(object, "side", side_name((enum side)order->side));
    json_set_text(object, "type", order_type_name((enum order_type)order->type));
    json_set_text(object, "tif", tif_name((enum time_in_force)order->tif));
    json_set_text(object, "state", order_state_name((enum order_state)order->state));
    json_set_price(object, "price", instrument, order->price);
    json_set_qty(object, "qty", instrument, order->qty);
    json_set_qty(object, "filled", instrument, order->filled);
    json_set_qty(object, "remaining", instrument, order_leaves(order));
    json_set_bool(object, "post_only", (order->flags & ORDER_POST_ONLY) != 0);
    json_set_bool(object, "reduce_only", (order->flags & ORDER_REDUCE_ONLY) != 0);
    json_set_bool(object, "cancel_pending", order->cancel_pending != CANCEL_NONE);
    json_set_bool(object, "amend_pending", order->amend_pending != 0);
    json_set_time(object, "submitted", order->submit_ts);
    json_set_time(object, "acknowledged", order->ack_ts);
    json_set(object, "at_venue", place_json(rerun, order));
    return object;
}

static json_t *orders_json(const struct rerun *rerun)
{
    struct order_table *table = engine_orders(rerun->stage->engine);
    json_t *orders = json_array();
    for (struct order *order = NULL; (order = order_table_next_open(table, order)) != NULL;)
        json_array_append_new(orders, order_json(rerun, order));
    return orders;
}

/* ---- messages ---- */

static json_t *message_json(const struct rerun *rerun, const struct sim_message *message)
{
    static const char *const requests[] = {"new", "cancel", "amend", "replace", "cancel_all", "countdown"};
    const struct instrument *instrument =
        message->instrument < rerun->stage->instrument_count ? &rerun->stage->instruments[message->instrument] : NULL;
    json_t *object = json_object();
    const bool asks = message->request != NULL;
    json_set_text(object, "to", asks ? "venue" : "strategy");
    json_set_text(object, "kind",
                  asks ? requests[message->request->kind] : exec_kind_name((enum exec_kind)message->execution->kind));
    json_set_u64(object, "order", asks ? message->request->order_id : message->execution->order_id);
    json_set_text(object, "instrument", instrument != NULL ? instrument->symbol : NULL);
    if (instrument != NULL) {
        json_set_price(object, "price", instrument, asks ? message->request->price : message->execution->price);
        json_set_qty(object, "qty", instrument, asks ? message->request->qty : message->execution->qty);
    }
    if (!asks)
        json_set_text(object, "reason", reason_words((enum reason)message->execution->reason));
    json_set_time(object, "arrives", message->arrival);
    return object;
}

static json_t *messages_json(const struct rerun *rerun)
{
    json_t *messages = json_array();
    struct sim_message message;
    for (uint32_t i = 0; sim_world_message(rerun->stage->world, i, &message); i++)
        json_array_append_new(messages, message_json(rerun, &message));
    return messages;
}

/* ---- money ---- */

static json_t *positions_json(const struct rerun *rerun)
{
    const struct account *account = engine_account_view(engine_of(rerun));
    json_t *positions = json_array();
    for (uint16_t i = 0; i < rerun->stage->instrument_count; i++) {
        const struct instrument *instrument = &rerun->stage->instruments[i];
        const struct position *position = account_position(account, i);
        json_t *object = json_object();
        json_set_text(object, "instrument", instrument->symbol);
        json_set_qty(object, "qty", instrument, position->qty);
        json_set_decimal(object, "entry", account_entry_price(account, i, 8), instrument->price_decimals + 8u);
        json_set_decimal(object, "realised", position->realised, MONEY_DECIMALS);
        json_set_decimal(object, "fees", position->fees, MONEY_DECIMALS);
        json_set_decimal(object, "funding", position->funding, MONEY_DECIMALS);
        json_set_u64(object, "fills", position->fill_count);
        json_array_append_new(positions, object);
    }
    return positions;
}

static json_t *balances_json(const struct rerun *rerun)
{
    const struct account *account = engine_account_view(engine_of(rerun));
    json_t *balances = json_array();
    for (uint32_t i = 0; i < account_balance_count(account); i++) {
        const struct balance *balance = account_balance_at(account, i);
        json_t *object = json_object();
        json_set_text(object, "currency", balance->currency);
        json_set_decimal(object, "total", balance->total, MONEY_DECIMALS);
        json_set_decimal(object, "locked", balance->locked, MONEY_DECIMALS);
        json_set_decimal(object, "fees", balance->fees, MONEY_DECIMALS);
        json_set_decimal(object, "funding", balance->funding, MONEY_DECIMALS);
        json_set_decimal(object, "equity", engine_equity(engine_of(rerun), balance->currency), MONEY_DECIMALS);
        json_array_append_new(balances, object);
    }
    return balances;
}

static json_t *margin_json(const struct rerun *rerun)
{
    json_t *margin = json_array();
    for (uint16_t i = 0; i < rerun->stage->instrument_count; i++) {
        const struct instrument *instrument = &rerun->stage->instruments[i];
        struct venue_margin_view view;
        if (!venue_margin(rerun->stage->venue, i, &view))
            continue;
        json_t *object = json_object();
        json_set_text(object, "instrument", instrument->symbol);
        json_set_text(object, "mode", view.isolated ? "isolated" : "cross");
        json_set_price(object, "mark", instrument, view.mark);
        json_set_decimal(object, "equity", view.equity, MONEY_DECIMALS);
        json_set_decimal(object, "maintenance", view.maintenance, MONEY_DECIMALS);
        json_set_bool(object, "liquidating", view.liquidating);
        json_set_bool(object, "closed", view.closed);
        json_array_append_new(margin, object);
    }
    return margin;
}

/* ---- the gate, timers, counters ---- */

static json_t *risk_json(const struct rerun *rerun)
{
    const struct risk *risk = engine_risk(engine_of(rerun));
    json_t *object = json_object(), *gates = json_array(), *days = json_array();
    struct risk_day day;
    json_set_bool(object, "killed", risk_killed(risk));
    for (uint16_t i = 0; i < rerun->stage->instrument_count; i++) {
        json_t *gate = json_object();
        json_set_text(gate, "instrument", rerun->stage->instruments[i].symbol);
        json_set_u64(gate, "open_orders", order_table_open_count_of(engine_orders(rerun->stage->engine), i));
        json_set_u64(gate, "open_orders_max", risk_limits_of(risk, i)->open_orders_max);
        json_set_u64(gate, "orders_of_last_second", risk_orders_of_second(risk, i, engine_now(engine_of(rerun))));
        json_set_u64(gate, "orders_per_second_max", risk_limits_of(risk, i)->orders_per_second_max);
        json_array_append_new(gates, gate);
    }
    for (uint32_t i = 0; risk_day_at(risk, i, &day); i++) {
        json_t *one = json_object();
        json_set_text(one, "currency", day.currency);
        json_set_decimal(one, "equity_at_start", day.start, MONEY_DECIMALS);
        json_set_decimal(one, "equity_low", day.low, MONEY_DECIMALS);
        json_array_append_new(days, one);
    }
    json_set(object, "instruments", gates);
    json_set(object, "days", days);
    return object;
}

static int by_deadline(const void *a, const void *b)
{
    const struct timer *one = a, *two = b;
    if (one->deadline != two->deadline)
        return one->deadline < two->deadline ? -1 : 1;
    return one->id < two->id ? -1 : one->id > two->id;
}

/* In the order in which they will fire. */
static json_t *timers_json(const struct rerun *rerun)
{
    uint32_t count;
    const struct timer *heap = engine_timers(engine_of(rerun), &count);
    struct timer *timers = malloc((count + 1) * sizeof(*timers));
    json_t *array = json_array();
    if (timers == NULL)
        return array;
    memcpy(timers, heap, count * sizeof(*timers));
    qsort(timers, count, sizeof(*timers), by_deadline);
    for (uint32_t i = 0; i < count; i++) {
        json_t *object = json_object();
        json_set_u64(object, "id", timers[i].id);
        json_set_time(object, "due", timers[i].deadline);
        json_array_append_new(array, object);
    }
    free(timers);
    return array;
}

static json_t *counters_json(const struct rerun *rerun)
{
    const struct engine_counters *counters = engine_counters(engine_of(rerun));
    json_t *object = json_object();
    json_set_u64(object, "levels", counters->levels);
    json_set_u64(object, "orders", counters->orders);
    json_set_u64(object, "refused", counters->refused);
    json_set_u64(object, "cancels", counters->cancels);
    json_set_u64(object, "amends", counters->amends);
    json_set_u64(object, "fills", counters->fills);
    json_set_u64(object, "maker_fills", counters->maker_fills);
    json_set_u64(object, "rejects", counters->rejects);
    json_set_u64(object, "timers_fired", counters->timers_fired);
    json_set_u64(object, "gaps", counters->gaps);
    json_set_u64(object, "crossed", counters->crossed);
    json_set_u64(object, "payments", counters->payments);
    return object;
}

static json_t *strategy_json(const struct rerun *rerun)
{
    const struct strategy *strategy = rerun->config->strategy;
    json_t *object = json_object(), *variables = json_object();
    json_set_text(object, "name", strategy->name);
    for (uint32_t i = 0; i < strategy->variable_count; i++) {
        char text[VARIABLE_TEXT_SIZE];
        strategy_variable_text(&strategy->variables[i], engine_strategy_state(engine_of(rerun)),
                               rerun->stage->instruments, rerun->stage->instrument_count, text);
        json_set_text(variables, strategy->variables[i].name, text);
    }
    json_set(object, "variables", variables);
    return object;
}

json_t *state_json(const struct rerun *rerun, uint32_t depth)
{
    char digest[DIGEST_TEXT_SIZE];
    json_t *state = json_object();
    digest_text(engine_digest(engine_of(rerun)), digest);
    json_set_text(state, "run", rerun->name);
    json_set_u64(state, "inputs", engine_counters(engine_of(rerun))->inputs);
    json_set_u64(state, "inputs_of_run", rerun->inputs);
    json_set_bool(state, "ended", !rerun->unended);
    json_set_time(state, "ts", engine_now(engine_of(rerun)));
    json_set_text(state, "digest", digest);
    json_set(state, "books", books_json(rerun, depth));
    json_set(state, "orders", orders_json(rerun));
    json_set(state, "under_way", messages_json(rerun));
    json_set(state, "positions", positions_json(rerun));
    json_set(state, "balances", balances_json(rerun));
    json_set(state, "margin", margin_json(rerun));
    json_set(state, "risk", risk_json(rerun));
    json_set(state, "timers", timers_json(rerun));
    json_set(state, "counters", counters_json(rerun));
    json_set(state, "strategy", strategy_json(rerun));
    return state;
}
