/* venue_mark.c: marks, and when margin is looked at.
 *
 * Whatever margin hangs on (a mark, a fill, a payment) only leaves a note, and perp_look reads the notes when the
 * event is done: a liquidation ends orders and takes from the book, which nothing may do in the middle of a walk over
 * them. */
#include "sim/venue_state.h"

#include <string.h>

void perp_init(struct venue *venue, struct perp_market *markets, const struct venue_config *config)
{
    struct perp *perp = &venue->perp;
    *perp = (struct perp){.config = config->perp, .markets = markets, .due = NS_MAX};
    perp->on = perp->config.margin != MARGIN_OFF || perp->config.funding != FUNDING_OFF;
    ASSERT(perp->config.margin == MARGIN_OFF || perp->config.rules != NULL);
    for (uint16_t i = 0; i < config->instrument_count; i++) {
        uint16_t group = 0;
        while (config->instruments[group].contract == CONTRACT_SPOT ||
               strcmp(config->instruments[group].settle, config->instruments[i].settle) != 0) {
            if (group == i)
                break;
            group++;
        }
        markets[i] = (struct perp_market){.funding_done = INT64_MIN, .group = group};
    }
    funding_reckon_due(venue);
}

/* ---- marks ---- */

static px_t made_mark(const struct venue *venue, uint16_t instrument)
{
    const struct book *book = venue->markets[instrument].book;
    const struct level *bid = &book->touch[SIDE_BUY], *ask = &book->touch[SIDE_SELL];
    const struct perp_market *market = &venue->perp.markets[instrument];
    if (book->flags & BOOK_STALE)
        return market->mark != 0 ? market->mark : market->last_trade;
    if (bid->qty != 0 && ask->qty != 0)
        return (px_t)(((money_t)bid->price + ask->price) / 2);
    if (market->last_trade != 0)
        return market->last_trade;
    return bid->qty != 0 ? bid->price : ask->qty != 0 ? ask->price : market->mark;
}

px_t perp_mark(struct venue *venue, uint16_t instrument)
{
    struct perp_market *market = &venue->perp.markets[instrument];
    if (!market->told) {
        market->mark = made_mark(venue, instrument);
        venue->perp.stats.marks_made++;
    }
    return market->mark;
}

void venue_mark(struct venue *venue, uint16_t instrument, const struct event_mark *mark)
{
    ASSERT(instrument < venue->instrument_count);
    for (struct venue *one = venue; one != NULL; one = one->follower) {
        struct perp_market *market = &one->perp.markets[instrument];
        if (!one->perp.on || one->instruments[instrument].contract == CONTRACT_SPOT)
            continue;
        if (mark->mark_price > 0) {
            if (market->mark != mark->mark_price)
                perp_touch(one, instrument);
            market->mark = mark->mark_price;
            market->told = true;
        }
        if (mark->next_funding_ts != 0 && one->perp.config.funding == FUNDING_TAPE)
            funding_told(one, instrument, mark->next_funding_ts, mark->funding_rate);
    }
}

/* ---- notes ---- */

uint16_t perp_unit(const struct venue *venue, uint16_t instrument)
{
    const struct perp *perp = &venue->perp;
    return perp->config.margin == MARGIN_CROSS ? perp->markets[instrument].group : instrument;
}

void perp_touch(struct venue *venue, uint16_t instrument)
{
    struct perp *perp = &venue->perp;
    if (perp->config.margin == MARGIN_OFF || venue->instruments[instrument].contract == CONTRACT_SPOT)
        return;
    perp->markets[perp_unit(venue, instrument)].dirty = true;
    perp->dirty = true;
}

void perp_after_market(struct venue *venue, const struct event *event)
{
    struct perp *perp = &venue->perp;
    if (event->instrument >= venue->instrument_count)
        return;
    struct perp_market *market = &perp->markets[event->instrument];
    if (event->kind == EVENT_TRADE && (event->flags & EVENT_SPECIAL) == 0)
        market->last_trade = event->levels[0].price;
    if (perp->config.margin == MARGIN_OFF || account_position(venue->account, event->instrument)->qty == 0)
        return;
    if (perp->markets[perp_unit(venue, event->instrument)].liquidating ||
        (!market->told && made_mark(venue, event->instrument) != market->mark))
        perp_touch(venue, event->instrument);
}

void perp_after_fill(struct venue *venue, const struct own_order *order, px_t price, const struct fee *fee)
{
    struct perp *perp = &venue->perp;
    if (venue->instruments[order->instrument].contract == CONTRACT_SPOT)
        return;
    if (order_id_is_venues(order->order_id)) {
        money_t charged;
        struct perp_market *group = &perp->markets[perp->markets[order->instrument].group];
        perp->stats.liquidation_fills++;
        if (money_rescale(fee->amount, fee->decimals, MONEY_DECIMALS, ROUND_HALF_EVEN, &charged) != ERR_OK ||
            money_add(group->insurance, charged, &group->insurance) != ERR_OK)
            perp->stats.overflows++;
    }
    if (perp->config.margin == MARGIN_ISOLATED)
        margin_isolate(venue, order->instrument, price);
    perp_touch(venue, order->instrument);
}

/* ---- looking ---- */

void perp_look(struct venue *venue)
{
    struct perp *perp = &venue->perp;
    perp->dirty = false;
    for (uint16_t i = 0; i < venue->instrument_count; i++) {
        struct perp_market *unit = &perp->markets[i];
        if (!unit->dirty)
            continue;
        unit->dirty = false;
        const struct margin_sums sums = margin_sums(venue, i);
        const int64_t ratio = margin_ratio(sums.maintenance, sums.equity);
        if (ratio > perp->stats.ratio_peak)
            perp->stats.ratio_peak = ratio;
        if (unit->liquidating || (sums.maintenance > 0 && sums.maintenance >= sums.equity))
            liquidate(venue, i);
    }
}

const struct perp_stats *venue_perp_stats(const struct venue *venue)
{
    return &venue->perp.stats;
}

money_t venue_insurance(const struct venue *venue, uint16_t instrument)
{
    ASSERT(instrument < venue->instrument_count);
    return venue->perp.markets[venue->perp.markets[instrument].group].insurance;
}
