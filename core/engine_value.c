/* Marks and equity. */
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
