/* venue_margin.c: margin at the door.
 *
 *   needed by an instrument = the largest of      the position                         at the mark
 *                                                 the position, all buys filled        a buy at its price
 *                                                 the position, all sells filled       a sell at its price or the
 * mark / leverage          (reduce-only orders left out)
 *
 *   cross      needed, over all contracts of the wallet, + what the order would lose at once  <=  equity
 *   isolated   set aside + needed for what is not, + the same                                 <=  wallet
 *
 * An order that adds nothing to what its instrument needs (it closes) is never asked for margin. A value beyond 128
 * bits counts as one for which there is no margin. */
#include "sim/venue_state.h"

#define TOO_MUCH ((money_t)1 << 100) /* of one order: the sum over all orders still fits */

/* ---- what things are worth ---- */

static money_t value_of(const struct instrument *instrument, px_t price, qty_t qty)
{
    money_t value;
    if (price <= 0)
        return 0;
    return account_notional(instrument, price, qty, ROUND_CEIL, &value) == ERR_OK && value < TOO_MUCH ? value
                                                                                                      : TOO_MUCH;
}

static money_t larger(money_t a, money_t b)
{
    return a > b ? a : b;
}

struct worth {
    qty_t qty;
    money_t value;
};

/* What a market order would take, and pay for it. */
static struct worth walk_worth(struct venue_instrument *market, enum side side, qty_t qty)
{
    struct take_walk walk;
    struct worth worth = {0, 0};
    take_walk_begin(&walk, market, side_opposite(side), false, 0);
    while (worth.qty < qty && take_walk_next(&walk)) {
        const qty_t take = walk.available < qty - worth.qty ? walk.available : qty - worth.qty;
        const money_t value = value_of(market->instrument, walk.at.price, take);
        worth.value = worth.value + value < TOO_MUCH ? worth.value + value : TOO_MUCH;
        worth.qty += take;
    }
    return worth;
}

/* What the leaves of an order pay or bring at its own price. */
static struct worth own_worth(struct venue *venue, const struct own_order *order)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    const qty_t leaves = own_leaves(order);
    if (order->type == ORDER_MARKET)
        return walk_worth(market, (enum side)order->side, leaves);
    return (struct worth){leaves, value_of(market->instrument, order->price, leaves)};
}

/* As margin counts it. A sell fills at its price or better, and is a short at the mark from then on. */
static money_t order_value(struct venue *venue, const struct own_order *order, px_t mark)
{
    if (order->by_funds)
        return order->funds;
    const struct worth own = own_worth(venue, order);
    if (order->side == SIDE_BUY)
        return own.value;
    return larger(own.value, value_of(&venue->instruments[order->instrument], mark, own.qty));
}

/* What is lost against the mark when it fills at its own price. */
static money_t loss_at_once(struct venue *venue, const struct own_order *order, px_t mark)
{
    const struct instrument *instrument = &venue->instruments[order->instrument];
    if (order->by_funds)
        return 0; /* how much it would take is not known before */
    const struct worth own = own_worth(venue, order);
    const money_t marked = value_of(instrument, mark, own.qty);
    /* a linear buyer pays `own` for `marked`; coins are the other way round */
    const bool pays = (order->side == SIDE_BUY) != (instrument->contract == CONTRACT_INVERSE);
    return larger(pays ? own.value - marked : marked - own.value, 0);
}

/* ---- what an instrument needs ---- */

/* With the resting orders, one of them (`without`: its id) left out, and `with` added. */
static money_t exposure(struct venue *venue, uint16_t instrument, px_t mark, const struct own_order *with,
                        uint64_t without)
{
    const struct venue_instrument *market = &venue->markets[instrument];
    const qty_t qty = account_position(venue->account, instrument)->qty;
    const money_t held = value_of(market->instrument, mark, qty < 0 ? -qty : qty);
    money_t sides[2] = {qty < 0 ? -held : held, qty < 0 ? held : -held};
    for (int side = 0; side < 2; side++) {
        for (uint32_t at = market->best[side]; at != SLOT_NONE; at = venue->levels[at].worse) {
            for (uint32_t slot = venue->levels[at].first; slot != SLOT_NONE; slot = venue->orders[slot].next) {
                const struct own_order *order = &venue->orders[slot];
                if ((order->flags & ORDER_REDUCE_ONLY) == 0 && order->order_id != without)
                    sides[side] += order_value(venue, order, mark);
            }
        }
    }
    if (with != NULL && (with->flags & ORDER_REDUCE_ONLY) == 0)
        sides[with->side] += order_value(venue, with, mark);
    return larger(held, larger(sides[SIDE_BUY], sides[SIDE_SELL]));
}

static money_t needed(const struct venue *venue, uint16_t instrument, money_t notional)
{
    return margin_initial(notional, venue->perp.config.rules[instrument].leverage);
}

/* What instruments of the same wallet, this one left out, take of it (isolated: hold of it). */
static money_t needed_by_others(struct venue *venue, uint16_t instrument)
{
    struct perp *perp = &venue->perp;
    money_t sum = 0;
    for (uint16_t i = 0; i < venue->instrument_count; i++) {
        if (i == instrument || venue->instruments[i].contract == CONTRACT_SPOT ||
            perp->markets[i].group != perp->markets[instrument].group)
            continue;
        const qty_t qty = account_position(venue->account, i)->qty;
        if (qty == 0 && venue->markets[i].open_count == 0)
            continue;
        const px_t mark = perp_mark(venue, i);
        const money_t whole = needed(venue, i, exposure(venue, i, mark, NULL, 0));
        if (perp->config.margin == MARGIN_CROSS) {
            sum += whole;
        } else {
            const money_t position = needed(venue, i, value_of(&venue->instruments[i], mark, qty < 0 ? -qty : qty));
            sum += perp->markets[i].isolated + whole - position;
        }
    }
    return sum;
}

struct margin_sums margin_sums(struct venue *venue, uint16_t instrument)
{
    struct perp *perp = &venue->perp;
    struct margin_sums sums = {0, 0};
    const bool cross = perp->config.margin == MARGIN_CROSS;
    if (cross) {
        const struct balance *balance = account_balance(venue->account, venue->instruments[instrument].settle);
        sums.equity = balance != NULL ? balance->total : 0;
    } else {
        sums.equity = perp->markets[instrument].isolated;
    }
    for (uint16_t i = 0; i < venue->instrument_count; i++) {
        const qty_t qty = account_position(venue->account, i)->qty;
        money_t profit;
        if (qty == 0 || venue->instruments[i].contract == CONTRACT_SPOT ||
            (cross ? perp->markets[i].group != perp->markets[instrument].group : i != instrument))
            continue;
        const px_t mark = perp_mark(venue, i);
        if (mark <= 0 || account_unrealised(venue->account, i, mark, &profit) != ERR_OK) {
            perp->stats.overflows += mark > 0;
            continue;
        }
        sums.equity += profit;
        sums.maintenance += margin_maintenance(&perp->config.rules[i].tiers,
                                               value_of(&venue->instruments[i], mark, qty < 0 ? -qty : qty));
    }
    return sums;
}

/* ---- the check ---- */

static money_t available(struct venue *venue, uint16_t instrument)
{
    if (venue->perp.config.margin == MARGIN_CROSS)
        return margin_sums(venue, instrument).equity;
    const struct balance *balance = account_balance(venue->account, venue->instruments[instrument].settle);
    return balance != NULL ? balance->total : 0;
}

static enum reason check(struct venue *venue, const struct own_order *order)
{
    const struct perp *perp = &venue->perp;
    const uint16_t i = order->instrument;
    const struct margin_rules *rules = &perp->config.rules[i];
    px_t mark = perp_mark(venue, i);
    if (mark == 0)
        mark = order->price;
    const money_t before = exposure(venue, i, mark, NULL, 0),
                  after = exposure(venue, i, mark, order, order->order_id);
    if (after <= before)
        return REASON_NONE;
    const int64_t leverage_max = margin_tier_of(&rules->tiers, after)->leverage_max;
    if ((leverage_max != 0 && rules->leverage > leverage_max) || (rules->tiers.cap != 0 && after > rules->tiers.cap))
        return REASON_LEVERAGE_LIMIT;
    money_t want = needed(venue, i, after) + loss_at_once(venue, order, mark) + needed_by_others(venue, i);
    if (perp->config.margin == MARGIN_ISOLATED) {
        const qty_t qty = account_position(venue->account, i)->qty;
        want += perp->markets[i].isolated -
                needed(venue, i, value_of(&venue->instruments[i], mark, qty < 0 ? -qty : qty));
    }
    return want > available(venue, i) ? REASON_INSUFFICIENT_MARGIN : REASON_NONE;
}

enum reason margin_check(struct venue *venue, const struct own_order *order)
{
    struct perp *perp = &venue->perp;
    if (perp->config.margin == MARGIN_OFF || venue->instruments[order->instrument].contract == CONTRACT_SPOT)
        return REASON_NONE;
    const struct perp_market *unit = &perp->markets[perp_unit(venue, order->instrument)];
    if (unit->liquidating)
        return REASON_LIQUIDATION;
    if (unit->closed)
        return REASON_ACCOUNT_CLOSED;
    const enum reason reason = check(venue, order);
    perp->stats.margin_rejects += reason != REASON_NONE;
    return reason;
}

/* ---- isolated ---- */

static money_t part_of(money_t amount, qty_t part, qty_t whole)
{
    const money_t each = amount / whole;
    return each * part + amount % whole * part / whole;
}

void margin_isolate(struct venue *venue, uint16_t instrument, px_t price)
{
    struct perp_market *market = &venue->perp.markets[instrument];
    const qty_t now = account_position(venue->account, instrument)->qty, was = market->isolated_qty;
    const qty_t size = now < 0 ? -now : now, old = was < 0 ? -was : was;
    const bool same_side = (now < 0) == (was < 0) && now != 0 && was != 0;
    qty_t added = size;
    if (same_side && size <= old) {
        market->isolated = part_of(market->isolated, size, old);
        added = 0;
    } else if (same_side) {
        added = size - old;
    } else {
        market->isolated = 0;
    }
    if (added > 0)
        market->isolated += needed(venue, instrument, value_of(&venue->instruments[instrument], price, added));
    market->isolated_qty = now;
}

/* ---- reading ---- */

bool venue_margin(struct venue *venue, uint16_t instrument, struct venue_margin_view *view)
{
    struct perp *perp = &venue->perp;
    ASSERT(instrument < venue->instrument_count);
    if (perp->config.margin == MARGIN_OFF || venue->instruments[instrument].contract == CONTRACT_SPOT)
        return false;
    const struct perp_stats stats = perp->stats; /* a look counts for nothing */
    const struct margin_sums sums = margin_sums(venue, instrument);
    const struct perp_market *market = &perp->markets[instrument];
    *view = (struct venue_margin_view){.mark = perp_mark(venue, instrument),
                                       .equity = sums.equity,
                                       .maintenance = sums.maintenance,
                                       .isolated = perp->config.margin == MARGIN_ISOLATED,
                                       .liquidating = perp->markets[perp_unit(venue, instrument)].liquidating,
                                       .closed = market->closed};
    perp->stats = stats;
    return true;
}
