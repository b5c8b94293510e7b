/* venue_impact.c: what our impact D (impact.h) does to our fills, and why that is never to our good.
 *
 * The recording does not know of us. For matching, and for nothing else, the market's prices are moved against the
 * order in hand: up for a buy when D > 0, down for a sell when D < 0, and never in its favour:
 *
 *   shift(buy)  = max(0, D) x tick        a level or trade at p counts as one at p + shift
 *   shift(sell) = max(0, -D) x tick                                            p - shift
 *
 *                 replay   as a buy sees it, D = 2 ticks
 *   asks  100.3     5        100.5          a market buy pays 100.4 for the first 3
 *         100.2     3        100.4          a limit of 100.3 takes nothing, and rests
 *   bids  100.1     4        100.3          a trade at 100.1 does not reach a buy at 100.2
 *
 * So at any moment each fill is one that the same order in the same state would get without impact, at the same price
 * or a better one: with prices moved both ways a concave law would pay whoever buys in many small pieces and sells in
 * one (each piece moves more than its share), and exponential decay does not prevent it (Gatheral 2010). Nothing is
 * to be had from moving a market that only ever moves against you.
 *
 * Fees too: an order that the replay's book would have filled as a taker, and which rests only because the shift kept
 * it from its level, pays the taker's fee whenever it fills.
 *
 * The order that takes does not feel its own take: what it costs is the walk through the displayed levels. The take
 * counts as one, whatever the number of its levels. Resting orders move nothing when they fill. The strategy's book,
 * marks and the checks at the door (post-only, smallest value) stay those of the replay.
 *
 * On level 3 an execution that was moved fills only what it went through: at the price that it comes to, the places
 * are those of other orders. */
#include "sim/venue_state.h"

static px_t tick_at(const struct venue *venue, const struct venue_instrument *market, px_t price)
{
    px_t tick;
    return instrument_tick(market->instrument, price, venue->now, &tick) == ERR_OK ? tick : 1;
}

/* The tick where an order of `side` would take, or else where it would stand. */
static px_t touch_tick(const struct venue *venue, const struct venue_instrument *market, enum side side)
{
    const struct level *opposite = &market->book->touch[side_opposite(side)], *own = &market->book->touch[side];
    return tick_at(venue, market, opposite->qty != 0 ? opposite->price : own->price);
}

void impact_refresh(struct venue *venue, struct venue_instrument *market)
{
    market->shift[SIDE_BUY] = market->shift[SIDE_SELL] = 0;
    if (!market->impact.moved)
        return;
    const int64_t ticks = impact_ticks_at(market->impact_model, &market->impact, venue->now);
    const enum side side = ticks > 0 ? SIDE_BUY : SIDE_SELL;
    if (ticks == 0)
        return;
    if (__builtin_mul_overflow(ticks > 0 ? ticks : -ticks, touch_tick(venue, market, side), &market->shift[side]))
        market->shift[side] = INT64_MAX;
}

void impact_after_take(struct venue *venue, struct venue_instrument *market, enum side side, px_t price, qty_t qty)
{
    impact_take(market->impact_model, &market->impact, venue->now, side, price / tick_at(venue, market, price), qty);
    impact_refresh(venue, market);
}
