/* The strategy's verbs, the gate between them and the world, and what comes back. */
#include "core/engine_state.h"
#include "core/order_request.h"

#include <string.h>

static struct engine *engine_of(struct strategy_ctx *ctx)
{
    return (struct engine *)(void *)ctx;
}

/* ---- locked funds of spot orders ---- */

static const char *lock_currency(const struct engine *engine, const struct order *order)
{
    const struct instrument *instrument = &engine->instruments[order->instrument];
    return order->side == SIDE_BUY ? instrument->quote : instrument->base;
}

/* What an order by funds has not spent yet. */
static money_t funds_left(const struct instrument *instrument, const struct order *order)
{
    money_t spent;
    unsigned decimals = (unsigned)instrument->price_decimals + instrument->qty_decimals;
    if (money_rescale(order->cost, decimals, MONEY_DECIMALS, ROUND_CEIL, &spent) != ERR_OK || spent >= order->funds)
        return 0;
    return order->funds - spent;
}

/* A sell locks its quantity; a buy its value and the taker fee on it, rounded up. A market or best buy is valued at
 * the touch, one by funds at what it has left of them. What cannot be locked (nothing free) is not: funds are checked
 * by the venue, this is bookkeeping. */
static money_t lock_wanted(const struct engine *engine, const struct order *order)
{
    const struct instrument *instrument = &engine->instruments[order->instrument];
    if (instrument->contract != CONTRACT_SPOT)
        return 0;
    money_t amount, fee;
    if (order->side == SIDE_SELL)
        return money_rescale(order_leaves(order), instrument->qty_decimals, MONEY_DECIMALS, ROUND_CEIL, &amount) ==
                       ERR_OK
                   ? amount
                   : 0;
    px_t price = order->type != ORDER_LIMIT ? engine->books[order->instrument].touch[SIDE_SELL].price : order->price;
    if (order->funds != 0)
        amount = funds_left(instrument, order);
    else if (account_notional(instrument, price, order_leaves(order), ROUND_CEIL, &amount) != ERR_OK)
        return 0;
    if (instrument->fee_received)
        return amount;
    if (money_multiply(amount, instrument->taker_fee > 0 ? instrument->taker_fee : 0, &fee) != ERR_OK)
        return 0;
    return amount + money_divide(fee, money_pow10(FEE_DECIMALS), ROUND_CEIL);
}

static void relock(struct engine *engine, struct order *order, money_t wanted)
{
    if (order->locked == wanted)
        return;
    const char *currency = lock_currency(engine, order);
    if (order->locked != 0 && account_unlock(engine->account, currency, order->locked) != ERR_OK)
        ASSERT(!"unlocking what was locked");
    order->locked = wanted != 0 && account_lock(engine->account, currency, wanted) == ERR_OK ? wanted : 0;
}

/* ---- outputs ---- */

void engine_tell_order(struct engine *engine, const struct order *order, const struct execution *execution)
{
    if (engine->sink != NULL && engine->sink->order != NULL)
        engine->sink->order(engine->sink->context, engine->now, order, execution);
    if (engine->strategy->order != NULL)
        engine->strategy->order(&engine->ctx, engine->strategy_state, order, execution);
}

/* ---- what the venue says ---- */

void engine_fail(struct engine *engine, err_t err, const char *what, uint64_t number)
{
    engine->counters.money_overflows++;
    engine->failed =
        err_say(&engine->why, err, "%s %llu cannot be booked: %s", what, (unsigned long long)number, err_words(err));
    engine_wake_at(engine, INT64_MIN); /* the loop looks at `failed` before the next input */
}

void engine_book_fill(struct engine *engine, const struct order *order, const struct execution *execution)
{
    err_t err = account_fill(engine->account, order->instrument, (enum side)order->side, execution->price,
                             execution->qty, execution->fee, execution->fee_decimals, execution->fee_currency);
    if (err != ERR_OK) {
        engine_fail(engine, err, "a fill of order", order->id);
        return;
    }
    invariants_fill(engine->invariants, order->instrument, (enum side)order->side, execution->price, execution->qty,
                    execution->fee, execution->fee_decimals, execution->fee_currency);
    engine->counters.fills++;
    engine->counters.maker_fills += execution->maker;
    if (engine->daily_loss)
        engine_mark_risk(engine, engine->now);
    if (engine->sink != NULL && engine->sink->fill != NULL)
        engine->sink->fill(engine->sink->context, engine->now, order, execution);
    if (engine->strategy->fill != NULL)
        engine->strategy->fill(&engine->ctx, engine->strategy_state, order, execution);
}

void engine_on_execution(struct engine *engine, const struct event *event)
{
    const struct execution *execution = event->body;
    engine_fold_execution(engine, execution);
    struct order *order;
    if (UNLIKELY(execution->kind == EXEC_PAYMENT)) {
        engine_on_payment(engine, event);
        return;
    }
    if (UNLIKELY(order_id_is_venues(execution->order_id))) {
        engine_on_venue_order(engine, event);
        return;
    }
    if (UNLIKELY(execution->order_id == 0)) {
        engine_on_refusal(engine, event);
        return;
    }
    if (order_table_apply(engine->orders, execution, event->ts, &order) != ERR_OK) {
        engine->counters.illegal_reports++;
        return;
    }
    if (execution->kind == EXEC_REJECT)
        engine->counters.rejects++;
    if (order->locked != 0 || execution->kind == EXEC_AMENDED)
        relock(engine, order, order_is_open(order) ? lock_wanted(engine, order) : 0);
    if (execution->kind == EXEC_FILL)
        engine_book_fill(engine, order, execution);
    engine_tell_order(engine, order, execution);
}

void engine_deliver_refusals(struct engine *engine)
{
    /* Those that a strategy causes while being told wait for the next input: no endless loop. */
    for (uint32_t left = engine->refusal_count; left != 0; left--) {
        struct refusal refusal = engine->refusals[engine->refusal_head];
        engine->refusal_head = (engine->refusal_head + 1) % engine->refusal_capacity;
        engine->refusal_count--;
        struct execution execution = {
            .order_id = refusal.order_id, .venue_ts = engine->now, .kind = EXEC_REJECT, .reason = refusal.reason};
        const struct order *order = order_table_find(engine->orders, refusal.order_id);
        if (order != NULL)
            engine_tell_order(engine, order, &execution);
    }
}

/* ---- verbs ---- */

static struct risk_view view_of(struct engine *engine, uint16_t instrument)
{
    const struct book *book = &engine->books[instrument];
    struct risk_view view = {.instrument = &engine->instruments[instrument],
                             .account = engine->account,
                             .orders = engine->orders,
                             .best_bid = book->touch[SIDE_BUY].qty != 0 ? book->touch[SIDE_BUY].price : 0,
                             .best_ask = book->touch[SIDE_SELL].qty != 0 ? book->touch[SIDE_SELL].price : 0,
                             .stale = (book->flags & BOOK_STALE) != 0};
    if (engine->daily_loss)
        view.equity = engine_equity(engine, view.instrument->settle);
    return view;
}

static err_t refuse(struct engine *engine, struct order *order, enum reason reason)
{
    const struct execution execution = {
        .order_id = order->id, .venue_ts = engine->now, .kind = EXEC_REJECT, .reason = (uint16_t)reason};
    engine->counters.refused++;
    engine_fold_execution(engine, &execution);
    struct order *same;
    err_t err = order_table_apply(engine->orders, &execution, engine->now, &same);
    ASSERT(err == ERR_OK && same == order);
    if (engine->refusal_count < engine->refusal_capacity) {
        uint32_t tail = (engine->refusal_head + engine->refusal_count) % engine->refusal_capacity;
        engine->refusals[tail] = (struct refusal){order->id, (uint16_t)reason};
        engine->refusal_count++;
    }
    return ERR_RISK;
}

/* ---- what an observer is told; only when there is one ---- */

static struct engine_decision decision_of(const struct engine *engine, uint16_t instrument)
{
    const struct timer *timer = &engine->firing;
    /* the run's cursor stands behind the input being handled */
    const bool input = engine->counters.inputs != 0 && timer->id == 0 && engine->run->at != NULL;
    return (struct engine_decision){.now = engine->now,
                                    .inputs = engine->counters.inputs,
                                    .event = input ? engine->run->at - 1 : NULL,
                                    .timer_id = timer->id,
                                    .deadline = timer->id != 0 ? timer->deadline : 0,
                                    .book = &engine->books[instrument]};
}

static void observe_submit(const struct engine *engine, const struct order *order)
{
    const struct engine_observer *observer = engine->observer;
    const struct engine_decision decision = decision_of(engine, order->instrument);
    if (observer->submit != NULL)
        observer->submit(observer->context, &decision, order, &observer->report);
}

void engine_observe_cancel(const struct engine *engine, const struct order *order)
{
    const struct engine_observer *observer = engine->observer;
    const struct engine_decision decision = decision_of(engine, order->instrument);
    if (observer->cancel != NULL)
        observer->cancel(observer->context, &decision, order);
}

static void observe_amend(const struct engine *engine, const struct order *order, px_t price, qty_t qty,
                          const struct risk_view *view)
{
    struct engine_observer *observer = engine->observer;
    const struct engine_decision decision = decision_of(engine, order->instrument);
    risk_explain_amend(engine->risk, order, price, qty, view, engine->now, &observer->report);
    if (observer->amend != NULL)
        observer->amend(observer->context, &decision, order, price, qty, &observer->report);
}

static void explain(const struct engine *engine, const struct order *old, const struct order_request *request,
                    const struct risk_view *view)
{
    struct risk_report *report = &engine->observer->report;
    if (old == NULL)
        risk_explain(engine->risk, request, view, engine->now, report);
    else
        risk_explain_replace(engine->risk, old, request, view, engine->now, report);
}

/* What is counted as open of an order by funds: what they buy at the touch, one lot when there is none. */
static qty_t open_qty(const struct engine *engine, const struct order_request *request)
{
    if (request->funds == 0)
        return request->qty;
    const struct instrument *instrument = &engine->instruments[request->instrument];
    const qty_t qty =
        order_request_affords(instrument, request->funds, engine->books[request->instrument].touch[SIDE_SELL].price);
    return qty > 0 ? qty : instrument->lot;
}

err_t engine_place(struct engine *engine, const struct order_request *request, struct order *old,
                   enum replace_mode mode, uint64_t *order_id)
{
    const struct risk_view view = view_of(engine, request->instrument);
    if (UNLIKELY(engine->observer != NULL))
        explain(engine, old, request, &view);
    const enum reason reason = old == NULL ? risk_check(engine->risk, request, &view, engine->now)
                                           : risk_check_replace(engine->risk, old, request, &view, engine->now);
    struct order_request counted = *request;
    counted.qty = open_qty(engine, request);
    struct order *order;
    err_t err = order_table_add(engine->orders, &counted, engine->now, &order);
    if (err != ERR_OK)
        return err;
    order->locked = 0;
    if (order_id != NULL)
        *order_id = order->id;
    engine_fold_order(engine, DIGEST_ORDER, order, order->price, order->qty);
    if (UNLIKELY(engine->observer != NULL))
        observe_submit(engine, order);
    if (reason != REASON_NONE)
        return refuse(engine, order, reason);
    relock(engine, order, lock_wanted(engine, order));
    err = old == NULL ? engine->world->ops->submit(engine->world, engine->now, order)
                      : engine->world->ops->replace(engine->world, engine->now, old, order, mode);
    if (err != ERR_OK) {
        relock(engine, order, 0);
        return refuse(engine, order, REASON_VENUE);
    }
    engine->counters.orders++;
    if (engine->sink != NULL && engine->sink->order != NULL)
        engine->sink->order(engine->sink->context, engine->now, order, NULL);
    return ERR_OK;
}

bool engine_takes_request(const struct engine *engine, const struct order_request *request)
{
    return request->instrument < engine->instrument_count &&
           order_request_is_sound(request, &engine->instruments[request->instrument]);
}

static err_t verb_submit(struct strategy_ctx *ctx, const struct order_request *request, uint64_t *order_id)
{
    struct engine *engine = engine_of(ctx);
    if (!engine_takes_request(engine, request) || (request->flags & ORDER_REMAINING) != 0)
        return ERR_RANGE;
    return engine_place(engine, request, NULL, REPLACE_STOP_ON_FAILURE, order_id);
}

static err_t verb_cancel(struct strategy_ctx *ctx, uint64_t order_id)
{
    struct engine *engine = engine_of(ctx);
    struct order *order = order_table_find(engine->orders, order_id);
    if (order == NULL || !order_is_open(order))
        return ERR_NOTFOUND;
    if (order->cancel_pending)
        return ERR_STATE;
    if (UNLIKELY(engine->observer != NULL))
        engine_observe_cancel(engine, order);
    err_t err = engine->world->ops->cancel(engine->world, engine->now, order);
    if (err != ERR_OK)
        return err;
    order->cancel_pending = CANCEL_ALONE;
    engine->counters.cancels++;
    engine_fold_order(engine, DIGEST_CANCEL, order, order->price, order->qty);
    return ERR_OK;
}

static err_t verb_amend(struct strategy_ctx *ctx, uint64_t order_id, px_t price, qty_t qty)
{
    struct engine *engine = engine_of(ctx);
    struct order *order = order_table_find(engine->orders, order_id);
    if (order == NULL || !order_is_open(order))
        return ERR_NOTFOUND;
    if (order->cancel_pending || order->amend_pending)
        return ERR_STATE;
    if (qty <= 0 || order->type != ORDER_LIMIT)
        return ERR_RANGE;
    const struct risk_view view = view_of(engine, order->instrument);
    if (UNLIKELY(engine->observer != NULL))
        observe_amend(engine, order, price, qty, &view);
    if (risk_check_amend(engine->risk, order, price, qty, &view, engine->now) != REASON_NONE) {
        engine->counters.refused++;
        return ERR_RISK;
    }
    err_t err = engine->world->ops->amend(engine->world, engine->now, order, price, qty);
    if (err != ERR_OK)
        return err;
    order->amend_pending = 1;
    engine->counters.amends++;
    engine_fold_order(engine, DIGEST_AMEND, order, price, qty);
    return ERR_OK;
}

static err_t verb_timer_at(struct strategy_ctx *ctx, ns_t deadline, uint64_t *timer_id)
{
    struct engine *engine = engine_of(ctx);
    if (deadline < engine->now)
        deadline = engine->now;
    err_t err = timers_add(&engine->timers, deadline, timer_id);
    if (err == ERR_OK)
        engine_wake_at(engine, deadline);
    return err;
}

static err_t verb_timer_cancel(struct strategy_ctx *ctx, uint64_t timer_id)
{
    return timers_cancel(&engine_of(ctx)->timers, timer_id);
}

static ns_t verb_now(struct strategy_ctx *ctx)
{
    return engine_of(ctx)->now;
}

static uint16_t verb_instrument_count(struct strategy_ctx *ctx)
{
    return engine_of(ctx)->instrument_count;
}

static const struct instrument *verb_instrument(struct strategy_ctx *ctx, uint16_t instrument)
{
    struct engine *engine = engine_of(ctx);
    return instrument < engine->instrument_count ? &engine->instruments[instrument] : NULL;
}

static const struct book *verb_book(struct strategy_ctx *ctx, uint16_t instrument)
{
    struct engine *engine = engine_of(ctx);
    return instrument < engine->instrument_count ? &engine->books[instrument] : NULL;
}

static const struct position *verb_position(struct strategy_ctx *ctx, uint16_t instrument)
{
    struct engine *engine = engine_of(ctx);
    return instrument < engine->instrument_count ? account_position(engine->account, instrument) : NULL;
}

static const struct account *verb_account(struct strategy_ctx *ctx)
{
    return engine_of(ctx)->account;
}

static struct order_table *verb_orders(struct strategy_ctx *ctx)
{
    return engine_of(ctx)->orders;
}

static uint64_t verb_random(struct strategy_ctx *ctx)
{
    return prng_next(&engine_of(ctx)->prng);
}

void engine_log(struct engine *engine, enum log_level level, const char *text)
{
    digest_u64(engine_outputs(engine), (uint64_t)DIGEST_LOG << 56 | (uint64_t)level);
    digest_bytes(engine_outputs(engine), text, strlen(text));
    if (engine->journal != NULL)
        engine_journal_text(engine, OUTPUT_LOG, "", text, 0, (uint64_t)level);
    if (engine->sink != NULL && engine->sink->log != NULL)
        engine->sink->log(engine->sink->context, engine->now, level, text);
}

static void verb_log(struct strategy_ctx *ctx, enum log_level level, const char *text)
{
    engine_log(engine_of(ctx), level, text);
}

static void verb_plot(struct strategy_ctx *ctx, const char *name, int64_t value, unsigned decimals)
{
    struct engine *engine = engine_of(ctx);
    digest_u64(engine_outputs(engine), (uint64_t)DIGEST_PLOT << 56 | decimals);
    digest_u64(engine_outputs(engine), (uint64_t)value);
    digest_bytes(engine_outputs(engine), name, strlen(name));
    if (engine->journal != NULL)
        engine_journal_text(engine, OUTPUT_PLOT, name, "", value, decimals);
    if (engine->sink != NULL && engine->sink->plot != NULL)
        engine->sink->plot(engine->sink->context, engine->now, name, value, decimals);
}

static bool is_file_name(const char *name)
{
    size_t size = 0;
    for (; name[size] != '\0'; size++) {
        const char c = name[size];
        const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (size == STRATEGY_FILE_NAME_MAX || (!word && (size == 0 || (c != '.' && c != '_' && c != '-'))))
            return false;
    }
    return size != 0;
}

static err_t verb_write(struct strategy_ctx *ctx, const char *file, const char *line)
{
    struct engine *engine = engine_of(ctx);
    if (!is_file_name(file) || strpbrk(line, "\r\n") != NULL)
        return ERR_RANGE;
    const size_t size = strlen(line);
    digest_u64(engine_outputs(engine), (uint64_t)DIGEST_WRITE << 56 | size);
    digest_bytes(engine_outputs(engine), file, strlen(file));
    digest_bytes(engine_outputs(engine), line, size);
    if (engine->journal != NULL)
        engine_journal_text(engine, OUTPUT_WRITE, file, line, 0, 0);
    if (engine->sink != NULL && engine->sink->write != NULL)
        engine->sink->write(engine->sink->context, engine->now, file, line);
    return ERR_OK;
}

const struct strategy_verbs engine_verbs = {
    .now = verb_now,
    .submit = verb_submit,
    .cancel = verb_cancel,
    .amend = verb_amend,
    .replace = engine_verb_replace,
    .cancel_all = engine_verb_cancel_all,
    .countdown = engine_verb_countdown,
    .batch = engine_verb_batch,
    .timer_at = verb_timer_at,
    .timer_cancel = verb_timer_cancel,
    .instrument_count = verb_instrument_count,
    .instrument = verb_instrument,
    .book = verb_book,
    .position = verb_position,
    .account = verb_account,
    .orders = verb_orders,
    .random = verb_random,
    .log = verb_log,
    .plot = verb_plot,
    .write = verb_write,
};
