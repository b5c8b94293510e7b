/* Marks, equity, and the state that the digest ends with. */
#include "core/engine_state.h"

#include <string.h>

/* Mid of a two-sided book, else the last trade, else the one side there is; 0: nothing known. */
static px_t mark_of(const struct engine *engine, uint16_t instrument)
{
    const struct level *touch = engine->books[instrument].touch;
    if (touch[SIDE_BUY].qty != 0 && touch[SIDE_SELL].qty != 0)
        return (px_t)(((money_t)touch[SIDE_BUY].price + touch[SIDE_SELL].price) / 2);
    if (engine->last_trades[instrument] != 0)
        return engine->last_trades[instrument];
    return touch[SIDE_BUY].qty != 0 ? touch[SIDE_BUY].price : touch[SIDE_SELL].qty != 0 ? touch[SIDE_SELL].price : 0;
}

/* Is this the first instrument that quotes its base in this currency? Each holding is valued once. */
static bool values_base(const struct engine *engine, uint16_t instrument)
{
    const struct instrument *own = &engine->instruments[instrument];
    for (uint16_t i = 0; i < instrument; i++) {
        const struct instrument *other = &engine->instruments[i];
        if (other->contract == CONTRACT_SPOT && strcmp(other->base, own->base) == 0 &&
            strcmp(other->quote, own->quote) == 0)
            return false;
    }
    return true;
}

/* The whole base holding at the mark, in quote; 0 when it does not fit (a holding beyond any market). */
static money_t holding_value(const struct engine *engine, const struct instrument *instrument, px_t mark)
{
    const struct balance *balance = account_balance(engine->account, instrument->base);
    money_t value;
    if (balance == NULL || money_multiply(balance->total, mark, &value) != ERR_OK)
        return 0;
    return money_divide(value, money_pow10(instrument->price_decimals), ROUND_HALF_EVEN);
}

money_t engine_equity(const struct engine *engine, const char *currency)
{
    const struct balance *balance = account_balance(engine->account, currency);
    money_t equity = balance == NULL ? 0 : balance->total;
    for (uint16_t i = 0; i < engine->instrument_count; i++) {
        const struct instrument *instrument = &engine->instruments[i];
        const px_t mark = mark_of(engine, i);
        if (mark == 0)
            continue;
        if (instrument->contract == CONTRACT_SPOT) {
            if (strcmp(instrument->quote, currency) == 0 && values_base(engine, i))
                equity += holding_value(engine, instrument, mark);
        } else if (strcmp(instrument->settle, currency) == 0) {
            money_t profit;
            if (account_position(engine->account, i)->qty != 0 &&
                account_unrealised(engine->account, i, mark, &profit) == ERR_OK)
                equity += profit;
        }
    }
    return equity;
}

void engine_mark_risk(struct engine *engine, ns_t ts)
{
    for (uint16_t i = 0; i < engine->instrument_count; i++) {
        const char *currency = engine->instruments[i].settle;
        bool seen = false;
        for (uint16_t j = 0; j < i && !seen; j++)
            seen = strcmp(engine->instruments[j].settle, currency) == 0;
        if (!seen)
            risk_mark(engine->risk, currency, engine_equity(engine, currency), ts);
    }
}

static void fold_money(struct digest *digest, money_t value)
{
    digest_u64(digest, (uint64_t)value);
    digest_u64(digest, (uint64_t)(value >> 64));
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

void engine_fold_state(struct engine *engine)
{
    struct digest *digest = &engine->digest;
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
    }
    for (uint32_t i = 0; i < account_balance_count(engine->account); i++) {
        const struct balance *balance = account_balance_at(engine->account, i);
        digest_bytes(digest, balance->currency, strlen(balance->currency));
        fold_money(digest, balance->total);
        fold_money(digest, balance->locked);
        fold_money(digest, balance->fees);
        fold_money(digest, balance->realised);
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
