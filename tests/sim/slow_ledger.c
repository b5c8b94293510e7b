#include "slow_ledger.h"

#define E18 ((money_t)1000000000 * 1000000000)

static money_t power(int digits)
{
    money_t value = 1;
    while (digits-- > 0)
        value *= 10;
    return value;
}

static money_t size_of(money_t value)
{
    return value < 0 ? -value : value;
}

money_t ledger_half_even(money_t numerator, money_t denominator)
{
    money_t whole = numerator / denominator, twice = (numerator - whole * denominator) * 2;
    if (twice > denominator || (twice == denominator && whole % 2 == 1))
        whole++;
    return whole;
}

static money_t round_up(money_t numerator, money_t denominator)
{
    return numerator / denominator + (numerator % denominator != 0);
}

/* ---- positions ---- */

/* Of the fill, in the units of cost. */
static money_t worth(const struct ledger_market *market, int64_t price, int64_t qty)
{
    if (!market->inverse)
        return (money_t)price * qty;
    return ledger_half_even((money_t)qty * power(18 - market->qty_decimals + market->price_decimals), price);
}

/* Units of cost to 18 decimals of the settle currency; all scales here divide evenly. */
static money_t to_cash(const struct ledger_market *market, money_t cost)
{
    if (market->inverse)
        return cost * market->multiplier;
    return cost * market->multiplier * power(18 - market->price_decimals - market->qty_decimals);
}

void ledger_fill(struct ledger *ledger, int number, int side, int64_t price, int64_t qty, money_t fee_1e8)
{
    struct ledger_market *market = &ledger->markets[number];
    money_t value = worth(market, price, qty);
    const int64_t open = market->qty < 0 ? -market->qty : market->qty;
    const int held = market->qty < 0 ? -1 : 1;
    if (open > 0 && held != side) {
        const int64_t closing = qty < open ? qty : open;
        const money_t out = ledger_half_even(market->cost * closing, open);
        const money_t in = ledger_half_even(value * closing, qty);
        const money_t gain = market->inverse ? out - in : in - out;
        ledger->cash[market->wallet] += held * to_cash(market, gain);
        market->cost -= out;
        market->qty += side * closing;
        value -= in;
        qty -= closing;
    }
    if (qty > 0) {
        market->cost += value;
        market->qty += side * qty;
    }
    ledger->cash[market->wallet] -= fee_1e8 * power(10);
    ledger->fees[market->wallet] += fee_1e8 * power(10);
}

/* ---- funding ---- */

money_t ledger_funding(const struct ledger *ledger, int number, int64_t rate_1e12)
{
    const struct ledger_market *market = &ledger->markets[number];
    const money_t size = size_of(market->qty) * market->multiplier, rate = size_of(rate_1e12);
    money_t amount;
    if (market->inverse)
        amount = ledger_half_even(size * rate * power(18 - 12 + market->price_decimals - market->qty_decimals),
                                  market->mark);
    else
        amount = size * market->mark * rate * power(18 - 12 - market->price_decimals - market->qty_decimals);
    return (market->qty > 0) == (rate_1e12 > 0) ? -amount : amount;
}

/* ---- margin ---- */

money_t ledger_value(const struct ledger *ledger, int number, int64_t price, int64_t qty)
{
    const struct ledger_market *market = &ledger->markets[number];
    if (!market->inverse)
        return to_cash(market, (money_t)price * qty);
    return worth(market, price, qty) * market->multiplier;
}

money_t ledger_equity(const struct ledger *ledger, int wallet)
{
    money_t equity = ledger->cash[wallet];
    for (int i = 0; i < LEDGER_MARKETS; i++) {
        const struct ledger_market *market = &ledger->markets[i];
        const int held = market->qty < 0 ? -1 : 1;
        if (market->wallet != wallet || market->qty == 0)
            continue;
        const money_t now = worth(market, market->mark, held * market->qty);
        equity += held * to_cash(market, market->inverse ? market->cost - now : now - market->cost);
    }
    return equity;
}

money_t ledger_maintenance(const struct ledger *ledger, int wallet)
{
    money_t sum = 0;
    for (int i = 0; i < LEDGER_MARKETS; i++) {
        const struct ledger_market *market = &ledger->markets[i];
        if (market->wallet != wallet || market->qty == 0)
            continue;
        const money_t value = ledger_value(ledger, i, market->mark, (int64_t)size_of(market->qty));
        const struct margin_tiers *tiers = &ledger->rules[i].tiers;
        /* the definition: every slice of the value at the rate of its own tier */
        money_t slices = 0;
        for (uint32_t k = 0; k < tiers->count && value > tiers->at[k].floor; k++) {
            const money_t end =
                k + 1 < tiers->count && value > tiers->at[k + 1].floor ? tiers->at[k + 1].floor : value;
            slices += (end - tiers->at[k].floor) * tiers->at[k].rate;
        }
        sum += round_up(slices, 1000000000);
    }
    return sum;
}

static money_t largest(money_t a, money_t b, money_t c)
{
    const money_t larger = a > b ? a : b;
    return larger > c ? larger : c;
}

static money_t need(const struct ledger *ledger, int number, const struct ledger_order *more)
{
    const struct ledger_market *market = &ledger->markets[number];
    const money_t held = ledger_value(ledger, number, market->mark, (int64_t)size_of(market->qty));
    money_t buys = 0, sells = 0;
    for (int i = 0; i <= ledger->order_count; i++) {
        const struct ledger_order *order = i < ledger->order_count ? &ledger->orders[i] : more;
        if (order == NULL || order->market != number || order->reduce)
            continue;
        const money_t own = ledger_value(ledger, number, order->price, order->leaves);
        const money_t marked = ledger_value(ledger, number, market->mark, order->leaves);
        if (order->side > 0)
            buys += own;
        else
            sells += own > marked ? own : marked;
    }
    const money_t position = market->qty < 0 ? -held : held;
    return largest(held, position + buys, sells - position);
}

static money_t initial(const struct ledger *ledger, int number, money_t value)
{
    return round_up(value * 100, ledger->rules[number].leverage);
}

bool ledger_refuses(const struct ledger *ledger, const struct ledger_order *order)
{
    const struct ledger_market *market = &ledger->markets[order->market];
    const money_t before = need(ledger, order->market, NULL), after = need(ledger, order->market, order);
    if (after <= before)
        return false;
    money_t want = initial(ledger, order->market, after);
    const money_t own = ledger_value(ledger, order->market, order->price, order->leaves);
    const money_t marked = ledger_value(ledger, order->market, market->mark, order->leaves);
    const money_t loss = (order->side > 0) != market->inverse ? own - marked : marked - own;
    want += loss > 0 ? loss : 0;
    for (int i = 0; i < LEDGER_MARKETS; i++)
        if (i != order->market && ledger->markets[i].wallet == market->wallet)
            want += initial(ledger, i, need(ledger, i, NULL));
    return want > ledger_equity(ledger, market->wallet);
}
