/* What the digest is fed with beyond the hot path. Explicit fields, never structs: padding and what stands after the
 * end of a text are no part of a run. */
#include "core/engine_state.h"

#include <string.h>

static void fold_text(struct digest *digest, const char *text, size_t size)
{
    digest_bytes(digest, text, strnlen(text, size));
}

static void fold_money(struct digest *digest, money_t value)
{
    digest_u64(digest, (uint64_t)value);
    digest_u64(digest, (uint64_t)(value >> 64));
}

static void fold_mark(struct digest *digest, const struct event_mark *mark)
{
    digest_u64(digest, (uint64_t)mark->mark_price);
    digest_u64(digest, (uint64_t)mark->index_price);
    digest_u64(digest, (uint64_t)mark->funding_rate);
    digest_u64(digest, (uint64_t)mark->next_funding_ts);
}

static void fold_candle(struct digest *digest, const struct event_candle *candle)
{
    digest_u64(digest, (uint64_t)candle->open_ts);
    digest_u64(digest, (uint64_t)candle->interval);
    digest_u64(digest, (uint64_t)candle->open);
    digest_u64(digest, (uint64_t)candle->high);
    digest_u64(digest, (uint64_t)candle->low);
    digest_u64(digest, (uint64_t)candle->close);
    digest_u64(digest, (uint64_t)candle->volume);
    fold_money(digest, candle->quote_volume);
    digest_u64(digest, candle->closed);
}

static void fold_ticker(struct digest *digest, const struct event_ticker *ticker)
{
    digest_u64(digest, (uint64_t)ticker->last_price);
    digest_u64(digest, (uint64_t)ticker->last_qty);
    digest_u64(digest, (uint64_t)ticker->open_24h);
    digest_u64(digest, (uint64_t)ticker->high_24h);
    digest_u64(digest, (uint64_t)ticker->low_24h);
    digest_u64(digest, (uint64_t)ticker->volume_24h);
}

static void fold_balance(struct digest *digest, const struct event_balance *balance)
{
    fold_text(digest, balance->currency, sizeof(balance->currency));
    fold_money(digest, balance->total);
    fold_money(digest, balance->locked);
}

void engine_fold_body(struct engine *engine, const struct event *event)
{
    struct digest *digest = &engine->market;
    if (engine->leader != NULL)
        return;
    if (event_has_levels(event->kind)) {
        for (uint32_t i = 0; i < event->bid_count + event->ask_count; i++)
            digest_u64(digest, digest_level(&event->levels[i]));
        return;
    }
    if (event->body == NULL || event_body_size((enum event_kind)event->kind) == 0)
        return;
    switch (event->kind) {
    case EVENT_MARK:
        fold_mark(digest, event->body);
        break;
    case EVENT_CANDLE:
        fold_candle(digest, event->body);
        break;
    case EVENT_TICKER:
        fold_ticker(digest, event->body);
        break;
    case EVENT_BALANCE:
    case EVENT_POSITION:
        fold_balance(digest, event->body);
        break;
    case EVENT_SIGNAL: {
        const struct event_signal *signal = event->body;
        fold_text(digest, signal->name, sizeof(signal->name));
        digest_u64(digest, (uint64_t)signal->value);
        break;
    }
    default: { /* GAP, PARAMETER, OPERATOR */
        const struct event_text *text = event->body;
        fold_text(digest, text->text, sizeof(text->text));
        break;
    }
    }
}

void engine_fold_order(struct engine *engine, enum digest_mark mark, const struct order *order, px_t price, qty_t qty)
{
    struct digest *digest = engine_outputs(engine);
    const bool more = order->stp != STP_DEFAULT || order->funds != 0 || order->expire_ts != 0;
    digest_u64(digest, (uint64_t)mark << 56 | (uint64_t)more << 48 | (uint64_t)order->instrument << 32 |
                           (uint64_t)order->side << 24 | (uint64_t)order->type << 16 | (uint64_t)order->tif << 8 |
                           order->flags);
    digest_u64(digest, (uint64_t)engine->now);
    digest_u64(digest, order->id);
    digest_u64(digest, order->tag);
    digest_u64(digest, (uint64_t)price);
    digest_u64(digest, (uint64_t)qty);
    if (more) {
        digest_u64(digest, order->stp);
        fold_money(digest, order->funds);
        digest_u64(digest, (uint64_t)order->expire_ts);
    }
    if (engine->journal != NULL)
        engine_journal_order(engine,
                             mark == DIGEST_CANCEL  ? OUTPUT_CANCEL
                             : mark == DIGEST_AMEND ? OUTPUT_AMEND
                                                    : OUTPUT_ORDER,
                             order, price, qty);
}

void engine_fold_execution(struct engine *engine, const struct execution *execution)
{
    struct digest *digest = engine_outputs(engine);
    digest_u64(digest, execution->order_id);
    digest_u64(digest, execution->venue_order);
    digest_u64(digest, execution->trade_id);
    digest_u64(digest, (uint64_t)execution->venue_ts);
    digest_u64(digest, (uint64_t)execution->price);
    digest_u64(digest, (uint64_t)execution->qty);
    digest_u64(digest, (uint64_t)execution->leaves);
    fold_money(digest, execution->fee);
    digest_u64(digest, (uint64_t)execution->side << 56 | (uint64_t)execution->fee_decimals << 48 |
                           (uint64_t)execution->kind << 40 | (uint64_t)execution->maker << 32 |
                           (uint64_t)execution->reason << 16 | (uint16_t)execution->venue_code);
    fold_text(digest, execution->fee_currency, sizeof(execution->fee_currency));
    if (execution->kind == EXEC_PAYMENT)
        digest_u64(digest, (uint64_t)execution->rate);
    if (engine->journal != NULL)
        engine_journal_execution(engine, execution);
}

static void fold_book(struct digest *digest, const struct book *book)
{
    digest_u64(digest, book->flags);
    digest_u64(digest, book->seq);
    for (int side = 0; side < 2; side++) {
        struct level level;
        for (bool more = book_best(book, (enum side)side, &level); more;
             more = book_next(book, (enum side)side, level.price, &level)) {
            digest_u64(digest, (uint64_t)level.price);
            digest_u64(digest, (uint64_t)level.qty);
        }
    }
}

/* Folded where there is some: a run without has the digest that it always had. */
static void fold_funding(struct digest *digest, money_t funding)
{
    if (funding != 0)
        fold_money(digest, funding);
}

void engine_fold_state(struct engine *engine)
{
    struct digest *digest = engine_outputs(engine);
    digest_u64(digest, (uint64_t)DIGEST_STATE << 56 | engine->instrument_count);
    digest_u64(digest, (uint64_t)engine->now);
    for (uint16_t i = 0; i < engine->instrument_count; i++) {
        fold_book(digest, &engine->books[i]);
        const struct position *position = account_position(engine->account, i);
        digest_u64(digest, (uint64_t)position->qty);
        digest_u64(digest, (uint64_t)position->bought);
        digest_u64(digest, (uint64_t)position->sold);
        digest_u64(digest, position->fill_count);
        fold_money(digest, position->cost);
        fold_money(digest, position->realised);
        fold_money(digest, position->fees);
        fold_funding(digest, position->funding);
    }
    for (uint32_t i = 0; i < account_balance_count(engine->account); i++) {
        const struct balance *balance = account_balance_at(engine->account, i);
        digest_bytes(digest, balance->currency, strlen(balance->currency));
        fold_money(digest, balance->total);
        fold_money(digest, balance->locked);
        fold_money(digest, balance->fees);
        fold_money(digest, balance->realised);
        fold_funding(digest, balance->funding);
    }
    for (struct order *order = order_table_next_open(engine->orders, NULL); order != NULL;
         order = order_table_next_open(engine->orders, order)) {
        digest_u64(digest, order->id);
        digest_u64(digest, (uint64_t)order->price);
        digest_u64(digest, (uint64_t)order_leaves(order));
        digest_u64(digest, order->state);
    }
    digest_u64(digest, engine->counters.inputs);
    digest_u64(digest, engine->counters.fills);
}
