/* venue_funds.c: what stands behind spot orders.
 *
 *   limit buy    price x leaves + fee of that at the higher of both rates, in quote
 *   market buy   cost and fees of the walk it is about to take, in quote
 *   by funds     the funds and the taker fee on them, in quote
 *   sell         leaves, in base (the fee comes off the proceeds)
 *
 * Where a venue takes the fee of a buy from the base that it brings, no fee is held for it.
 *
 * Fees of several part fills, each rounded up, may exceed the fee reserved for the whole by some units of the last
 * digit: a fill is never charged more than its order still holds, so a balance never falls below zero. */
#include "sim/venue_state.h"

static bool needs_funds(const struct venue *venue, const struct own_order *order)
{
    return venue->check_funds && venue->instruments[order->instrument].contract == CONTRACT_SPOT;
}

static const char *locked_currency(const struct venue *venue, const struct own_order *order)
{
    const struct instrument *instrument = &venue->instruments[order->instrument];
    return order->side == SIDE_BUY ? instrument->quote : instrument->base;
}

/* Cost and fee of a buy at one price. */
static err_t cost_of(const struct venue_instrument *market, int64_t rate, px_t price, qty_t qty, money_t *cost)
{
    struct fee fee;
    money_t notional, charge;
    err_t err = account_notional(market->instrument, price, qty, ROUND_CEIL, &notional);
    if (err == ERR_OK && market->instrument->fee_received) {
        *cost = notional; /* the fee comes off the base that is bought */
        return ERR_OK;
    }
    if (err == ERR_OK)
        err = fee_compute(market->instrument, market->fee_rule, SIDE_BUY, rate, price, qty, &fee);
    if (err == ERR_OK)
        err = money_rescale(fee.amount, fee.decimals, MONEY_DECIMALS, ROUND_CEIL, &charge);
    if (err == ERR_OK)
        err = money_add(notional, charge, cost);
    return err;
}

/* Orders of ours in the way cost only where they would trade. */
static err_t walk_cost(struct venue *venue, const struct own_order *order, qty_t qty, money_t *cost)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    struct match_walk walk;
    struct match_step step;
    *cost = 0;
    match_begin(&walk, venue, order);
    while (qty > 0 && match_next(&walk, &step)) {
        if (step.own != NULL && order->stp != STP_NONE)
            continue;
        qty_t take = step.qty < qty ? step.qty : qty;
        money_t level_cost;
        err_t err = cost_of(market, rules_fee(venue, market, false), step.price, take, &level_cost);
        if (err == ERR_OK)
            err = money_add(*cost, level_cost, cost);
        if (err != ERR_OK)
            return err;
        qty -= take;
    }
    return ERR_OK;
}

/* Funds and the taker fee on them. */
static err_t funds_cost(int64_t taker_fee, money_t funds, money_t *cost)
{
    const int64_t rate = taker_fee > 0 ? taker_fee : 0;
    money_t fee;
    err_t err = money_multiply(funds, rate, &fee);
    return err == ERR_OK ? money_add(funds, money_divide(fee, money_pow10(FEE_DECIMALS), ROUND_CEIL), cost) : err;
}

/* What the leaves of an order can need at most. */
static err_t need(struct venue *venue, const struct own_order *order, px_t price, qty_t leaves, money_t *money)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    const struct instrument *instrument = market->instrument;
    if (order->side == SIDE_SELL)
        return money_rescale(leaves, instrument->qty_decimals, MONEY_DECIMALS, ROUND_CEIL, money);
    if (order->by_funds)
        return funds_cost(instrument->fee_received ? 0 : rules_fee(venue, market, false), order->funds, money);
    if (order->type == ORDER_MARKET)
        return walk_cost(venue, order, leaves, money);
    int64_t maker = rules_fee(venue, market, true), taker = rules_fee(venue, market, false);
    int64_t rate = maker > taker ? maker : taker;
    return cost_of(market, rate > 0 ? rate : 0, price, leaves, money);
}

static void hold(struct venue *venue, struct own_order *order, money_t amount)
{
    money_t change = amount - order->locked;
    err_t err = ERR_OK;
    if (change < 0)
        err = account_unlock(venue->account, locked_currency(venue, order), -change);
    ASSERT(change <= 0 && err == ERR_OK);
    order->locked = amount;
}

err_t funds_lock(struct venue *venue, struct own_order *order)
{
    return funds_relock(venue, order, order->price, order->qty);
}

err_t funds_relock(struct venue *venue, struct own_order *order, px_t price, qty_t qty)
{
    money_t amount;
    if (!needs_funds(venue, order))
        return ERR_OK;
    err_t err = need(venue, order, price, qty - order->filled, &amount);
    if (err != ERR_OK)
        return err;
    if (amount > order->locked) {
        err = account_lock(venue->account, locked_currency(venue, order), amount - order->locked);
        if (err != ERR_OK)
            return ERR_RANGE;
        order->locked = amount;
    } else {
        hold(venue, order, amount);
    }
    return ERR_OK;
}

err_t funds_before_fill(struct venue *venue, struct own_order *order, px_t price, qty_t qty, struct fee *fee)
{
    const struct instrument *instrument = &venue->instruments[order->instrument];
    money_t notional, spent, charge, rest, rest_need;
    if (!needs_funds(venue, order))
        return ERR_OK;
    err_t err = account_notional(instrument, price, qty, ROUND_CEIL, &notional);
    if (err != ERR_OK)
        return err;
    const bool in_base = order->side == SIDE_BUY && instrument->fee_received;
    money_t fee_room = order->side == SIDE_BUY ? order->locked - notional : notional;
    if (in_base)
        err = money_rescale(qty, instrument->qty_decimals, MONEY_DECIMALS, ROUND_DOWN, &fee_room);
    if (err != ERR_OK)
        return err;
    err = money_rescale(fee_room > 0 ? fee_room : 0, MONEY_DECIMALS, fee->decimals, ROUND_DOWN, &fee_room);
    if (err != ERR_OK)
        return err;
    if (fee->amount > fee_room)
        fee->amount = fee_room;

    if (order->side == SIDE_SELL) {
        err = money_rescale(qty, instrument->qty_decimals, MONEY_DECIMALS, ROUND_CEIL, &spent);
    } else {
        err = money_rescale(fee->amount, fee->decimals, MONEY_DECIMALS, ROUND_CEIL, &charge);
        spent = notional + (err == ERR_OK && charge > 0 && !in_base ? charge : 0);
    }
    if (err != ERR_OK)
        return err;
    rest = order->locked > spent ? order->locked - spent : 0;
    if (order->type != ORDER_MARKET && !order->by_funds) {
        err = need(venue, order, order->price, own_leaves(order) - qty, &rest_need);
        if (err != ERR_OK)
            return err;
        rest = rest < rest_need ? rest : rest_need;
    }
    hold(venue, order, rest);
    return ERR_OK;
}

void funds_release(struct venue *venue, struct own_order *order)
{
    if (order->locked != 0)
        hold(venue, order, 0);
}
