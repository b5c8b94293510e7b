/* venue_match.c: an order meets what stands against it: displayed quantity of others, and our own resting orders.
 *
 * A walk goes down the other side by price, then by time. At a price of ours the displayed quantity is cut where the
 * own order stands: what is ahead of it, less what we took of the level before (from its front), comes first, then
 * the own order, then the rest.
 *
 *   ask 100.2   displayed 30, own order A with 20 ahead        the walk: 20 others, A, 10 others
 *   ask 100.3   own order B, nothing displayed                           B
 *
 * What happens where the order meets one of ours is the mode of the order that takes:
 *
 *   NONE           they trade at the resting price: the resting one as maker, first, then the other as taker
 *   EXPIRE_TAKER   the rest of the taker expires
 *   EXPIRE_MAKER   the resting one expires, the taker goes on
 *   EXPIRE_BOTH    both expire, the resting one first
 *   DECREMENT      both lose the smaller of both rests; one that has nothing left expires, the other is told
 * (REDUCED) REJECT         never gets here: rejected at the door (venue_request.c), so the walk leaves our orders out
 *
 * What the taker has filled before it meets one of ours stands. A fill-or-kill order only counts what it will get:
 * with NONE our orders too, with EXPIRE_MAKER not; the other modes end it there, so it must be done before. */
#include "sim/venue_state.h"

/* ---- the walk ---- */

static bool in_reach(const struct match_walk *walk, px_t price)
{
    return !walk->bounded || !price_better(walk->side, walk->limit, price);
}

void match_begin(struct match_walk *walk, struct venue *venue, const struct own_order *order)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    const enum side side = side_opposite((enum side)order->side);
    *walk = (struct match_walk){.venue = venue,
                                .side = side,
                                .bounded = order->type != ORDER_MARKET,
                                .limit = order->price,
                                .own = SLOT_NONE};
    if (order->stp > STP_REJECT && market->best[side] != SLOT_NONE)
        walk->own = venue->levels[market->best[side]].first;
    take_walk_begin(&walk->shown, market, side, walk->bounded, walk->limit);
    walk->more = take_walk_next(&walk->shown);
    walk->left = walk->more ? walk->shown.available : 0;
}

/* Of what is left of the displayed level, the part that stands before an own order there. */
static qty_t before_own(const struct match_walk *walk, const struct own_order *own)
{
    const qty_t taken = walk->shown.at.qty - walk->left, ahead = place_ahead(walk->shown.market, own);
    if (ahead == AHEAD_UNKNOWN || ahead <= taken)
        return 0;
    return ahead - taken < walk->left ? ahead - taken : walk->left;
}

static void step_over_own(struct match_walk *walk)
{
    const struct venue *venue = walk->venue;
    const struct own_order *own = &venue->orders[walk->own];
    const uint32_t worse = venue->levels[own->level].worse;
    walk->own = own->next != SLOT_NONE ? own->next : worse != SLOT_NONE ? venue->levels[worse].first : SLOT_NONE;
}

bool match_next(struct match_walk *walk, struct match_step *step)
{
    if (walk->more && walk->left == 0) {
        walk->more = take_walk_next(&walk->shown);
        walk->left = walk->more ? walk->shown.available : 0;
    }
    /* Beyond what could be remembered as taken nothing is known to be free: our orders there are out of reach too. */
    struct own_order *own = walk->own == SLOT_NONE ? NULL : &walk->venue->orders[walk->own];
    if (own != NULL && (!in_reach(walk, own->price) || (!walk->more && walk->shown.full)))
        own = NULL;
    if (own != NULL && walk->more && price_better(walk->side, walk->shown.at.price, own->price))
        own = NULL; /* not yet */
    qty_t others = walk->more ? walk->left : 0;
    if (own != NULL)
        others = walk->more && walk->shown.at.price == own->price ? before_own(walk, own) : 0;
    if (others > 0) {
        *step = (struct match_step){walk->shown.price, others, NULL};
        walk->left -= others;
        return true;
    }
    if (own == NULL)
        return false;
    *step = (struct match_step){own->price, own_leaves(own), own};
    step_over_own(walk); /* before the caller may end it */
    return true;
}

/* ---- how much ---- */

qty_t match_want(const struct venue *venue, const struct own_order *order, px_t price)
{
    return order->by_funds ? order_request_affords(&venue->instruments[order->instrument], order->funds, price)
                           : own_leaves(order);
}

/* Take `qty` off what an order still wants, without doing it. False: an amount beyond 128 bits. */
static bool spend(const struct venue *venue, struct own_order *order, px_t price, qty_t qty)
{
    money_t cost;
    if (!order->by_funds) {
        order->filled += qty;
        return true;
    }
    if (account_notional(&venue->instruments[order->instrument], price, qty, ROUND_CEIL, &cost) != ERR_OK)
        return false;
    order->funds -= cost;
    return true;
}

static bool is_done(const struct own_order *order)
{
    return order->by_funds ? order->funds <= 0 : own_leaves(order) == 0;
}

bool match_whole(struct venue *venue, const struct own_order *order)
{
    struct own_order left = *order;
    struct match_walk walk;
    struct match_step step;
    match_begin(&walk, venue, order);
    while (!is_done(&left)) {
        if (!match_next(&walk, &step))
            return false;
        qty_t want = match_want(venue, &left, step.price);
        if (want == 0)
            return true; /* what is left of the funds buys nothing, and prices only get worse */
        if (step.own != NULL && order->stp == STP_EXPIRE_MAKER)
            continue;
        if (step.own != NULL && order->stp != STP_NONE)
            return false;
        const qty_t there = step.own != NULL ? venue_fillable(venue, step.own) : step.qty;
        if (!spend(venue, &left, step.price, there < want ? there : want))
            return false;
        if (match_want(venue, &left, step.price) == 0)
            return true;
    }
    return true;
}

/* ---- meeting one of ours ---- */

static void end_own(struct venue *venue, struct own_order *own, enum reason reason)
{
    venue_end(venue, own, EXEC_EXPIRED, reason);
    queue_leave(venue, own);
}

/* A reduce-only order with nothing left to reduce ends in venue_fill. */
static void trade_with_own(struct venue *venue, struct own_order *order, struct own_order *own, qty_t want)
{
    const px_t price = own->price;
    const qty_t mine = venue_fillable(venue, order);
    if (mine == 0) {
        (void)venue_fill(venue, order, price, want, false);
        return;
    }
    const qty_t filled = venue_fill(venue, own, price, want < mine ? want : mine, true);
    if (own->ended)
        queue_leave(venue, own);
    if (filled > 0)
        (void)venue_fill(venue, order, price, filled, false);
}

/* Both lose the smaller rest. What the resting order keeps stays where it is in the queue. */
static void decrement(struct venue *venue, struct own_order *order, struct own_order *own, qty_t want)
{
    const qty_t qty = want < own_leaves(own) ? want : own_leaves(own);
    const px_t price = own->price;
    if (qty == own_leaves(own))
        end_own(venue, own, REASON_STP_DECREMENT);
    else
        venue_reduce(venue, own, qty);
    if (order->by_funds ? !spend(venue, order, price, qty) || is_done(order) : qty == own_leaves(order))
        venue_end(venue, order, EXEC_EXPIRED, REASON_STP_DECREMENT);
    else
        venue_reduce(venue, order, order->by_funds ? 0 : qty);
}

static void meet(struct venue *venue, struct own_order *order, struct own_order *own, qty_t want)
{
    switch ((enum stp_mode)order->stp) {
    case STP_NONE:
        trade_with_own(venue, order, own, want);
        break;
    case STP_EXPIRE_TAKER:
        venue_end(venue, order, EXEC_EXPIRED, REASON_STP_EXPIRE_TAKER);
        break;
    case STP_EXPIRE_MAKER:
        end_own(venue, own, REASON_STP_EXPIRE_MAKER);
        break;
    case STP_EXPIRE_BOTH:
        end_own(venue, own, REASON_STP_EXPIRE_BOTH);
        venue_end(venue, order, EXEC_EXPIRED, REASON_STP_EXPIRE_BOTH);
        break;
    case STP_DECREMENT:
        decrement(venue, order, own, want);
        break;
    case STP_DEFAULT:
    case STP_REJECT:
        ASSERT(!"settled at the door");
    }
}

enum reason match_take(struct venue *venue, struct own_order *order)
{
    struct match_walk walk;
    struct match_step step;
    struct venue_instrument *market = &venue->markets[order->instrument];
    qty_t taken = 0; /* of others */
    px_t first = 0;
    bool spent = false;
    match_begin(&walk, venue, order);
    while (!order->ended && !spent && match_next(&walk, &step)) {
        qty_t want = match_want(venue, order, step.price);
        if (want > 0 && step.own != NULL) {
            meet(venue, order, step.own, want);
        } else if (want > 0) {
            qty_t filled = venue_fill(venue, order, step.price, step.qty < want ? step.qty : want, false);
            if (filled > 0)
                take_record(&walk.shown, filled);
            taken += filled;
            if (first == 0)
                first = walk.shown.at.price;
        }
        spent = order->by_funds && !order->ended && match_want(venue, order, step.price) == 0;
    }
    if (UNLIKELY(market->impact_model != NULL) && taken > 0)
        impact_after_take(venue, market, (enum side)order->side, first, taken);
    return spent ? REASON_FUNDS_SPENT : REASON_NO_LIQUIDITY;
}
