/* venue_liquidate.c: maintenance margin has reached equity.
 *
 *   cancel all open orders of the unit (EXPIRED, LIQUIDATION)
 *   ► close positions, the one that needs most margin first, at market: an order of the venue's own per position
 *   ► enough equity again: stop, the other positions stay
 *   ► flat, and less than nothing left: the insurance fund bears the rest
 *
 * What the book does not show cannot be taken: the rest waits for the next book message, and until then no order is
 * accepted. Fills pay the liquidation fee, to the fund. Nobody takes a position over, nobody is deleveraged. */
#include "sim/venue_state.h"

#include <string.h>

static bool in_unit(const struct venue *venue, uint16_t unit, uint16_t instrument)
{
    return venue->instruments[instrument].contract != CONTRACT_SPOT && perp_unit(venue, instrument) == unit;
}

static void end_orders(struct venue *venue, uint16_t instrument)
{
    const struct venue_instrument *market = &venue->markets[instrument];
    for (int side = 0; side < 2; side++) {
        while (market->best[side] != SLOT_NONE) {
            struct own_order *order = &venue->orders[venue->levels[market->best[side]].first];
            venue_end(venue, order, EXEC_EXPIRED, REASON_LIQUIDATION);
            queue_leave(venue, order);
        }
    }
}

/* Profit of closed positions less fees, of an instrument: what its liquidation costs is a difference of two. */
static money_t brought(const struct venue *venue, uint16_t instrument)
{
    const struct position *position = account_position(venue->account, instrument);
    return position->realised - position->fees;
}

static void begin(struct venue *venue, uint16_t unit)
{
    struct perp *perp = &venue->perp;
    perp->markets[unit].liquidating = true;
    perp->markets[unit].before = brought(venue, unit) - perp->markets[unit].isolated;
    perp->stats.liquidations++;
    for (uint16_t i = 0; i < venue->instrument_count; i++)
        if (in_unit(venue, unit, i))
            end_orders(venue, i);
}

/* ---- closing ---- */

static qty_t held(const struct venue *venue, uint16_t instrument)
{
    const qty_t qty = account_position(venue->account, instrument)->qty;
    return qty < 0 ? -qty : qty;
}

static void close_position(struct venue *venue, uint16_t instrument)
{
    struct venue_instrument *market = &venue->markets[instrument];
    const enum side side = account_position(venue->account, instrument)->qty > 0 ? SIDE_SELL : SIDE_BUY;
    if ((market->book->flags & BOOK_STALE) != 0 || take_sum(market, side_opposite(side), false, 0, 1) == 0)
        return;
    struct own_order order = {
        .order_id = ORDER_ID_VENUE | ++venue->perp.last_order,
        .venue_order = ++venue->last_venue_order,
        .qty = held(venue, instrument),
        .instrument = instrument,
        .side = (uint8_t)side,
        .type = ORDER_MARKET,
        .tif = TIF_IOC,
        .flags = ORDER_REDUCE_ONLY,
    };
    venue_say(venue, &order, EXEC_ACK, REASON_LIQUIDATION);
    order_take(venue, &order);
    if (!order.ended)
        venue_end(venue, &order, EXEC_EXPIRED, REASON_NO_LIQUIDITY);
}

/* The position that needs most maintenance margin of those not yet tried; instrument_count: none. */
static uint16_t largest(struct venue *venue, uint16_t unit)
{
    uint16_t found = (uint16_t)venue->instrument_count;
    money_t most = -1;
    for (uint16_t i = 0; i < venue->instrument_count; i++) {
        money_t notional;
        if (!in_unit(venue, unit, i) || held(venue, i) == 0 || venue->perp.markets[i].tried)
            continue;
        const px_t mark = perp_mark(venue, i);
        if (mark <= 0 ||
            account_notional(&venue->instruments[i], mark, held(venue, i), ROUND_CEIL, &notional) != ERR_OK)
            notional = 0;
        const money_t margin = margin_maintenance(&venue->perp.config.rules[i].tiers, notional);
        if (margin > most) {
            most = margin;
            found = i;
        }
    }
    return found;
}

static bool is_short(const struct margin_sums *sums)
{
    return sums->maintenance > 0 && sums->maintenance >= sums->equity;
}

/* ---- the end ---- */

/* The fund pays what a unit has lost beyond what stood behind it. */
static void cover(struct venue *venue, uint16_t unit, money_t loss)
{
    struct perp *perp = &venue->perp;
    struct perp_market *group = &perp->markets[perp->markets[unit].group];
    const char *currency = venue->instruments[unit].settle;
    struct execution execution = {
        .trade_id = ++perp->last_payment,
        .venue_ts = venue->now,
        .fee = -loss,
        .fee_decimals = MONEY_DECIMALS,
        .kind = EXEC_PAYMENT,
        .reason = REASON_INSURANCE,
    };
    if (account_pay(venue->account, currency, loss) != ERR_OK ||
        money_subtract(group->insurance, loss, &group->insurance) != ERR_OK) {
        perp->stats.overflows++;
        return;
    }
    memcpy(execution.fee_currency, currency, strnlen(currency, sizeof(execution.fee_currency) - 1));
    venue->sink.emit(venue->sink.context, venue->now, &execution, unit);
}

static void finish(struct venue *venue, uint16_t unit, bool flat)
{
    struct perp *perp = &venue->perp;
    struct perp_market *market = &perp->markets[unit];
    const struct balance *balance = account_balance(venue->account, venue->instruments[unit].settle);
    money_t left = flat && balance != NULL ? balance->total : 0;
    if (flat && perp->config.margin == MARGIN_ISOLATED && brought(venue, unit) - market->before < left)
        left = brought(venue, unit) - market->before;
    if (left < 0)
        cover(venue, unit, -left);
    market->liquidating = false;
    market->closed = perp->config.close_after_liquidation;
}

void liquidate(struct venue *venue, uint16_t unit)
{
    struct perp *perp = &venue->perp;
    if (!perp->markets[unit].liquidating)
        begin(venue, unit);
    for (uint16_t i = 0; i < venue->instrument_count; i++)
        perp->markets[i].tried = false;
    struct margin_sums sums = margin_sums(venue, unit);
    uint16_t next;
    while (is_short(&sums) && (next = largest(venue, unit)) < venue->instrument_count) {
        perp->markets[next].tried = true;
        close_position(venue, next);
        sums = margin_sums(venue, unit);
    }
    bool flat = true;
    for (uint16_t i = 0; i < venue->instrument_count; i++)
        flat = flat && (!in_unit(venue, unit, i) || held(venue, i) == 0);
    if (flat || !is_short(&sums))
        finish(venue, unit, flat);
    perp->markets[unit].dirty = false; /* what the fills of it touched has been looked at */
}
