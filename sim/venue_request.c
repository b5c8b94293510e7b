/* venue_request.c: our requests, and how they are answered.
 *
 * A new order passes its checks in one fixed order, and the first that fails names the reason:
 *
 *   request limits ► duplicate id ► stale book ► quantity ► price ► notional ► band, depth, open orders
 *   ► reduce-only ► post-only ► self-trade ► fill-or-kill ► room ► margin ► funds
 *
 * Then it is acknowledged, takes what it may, and rests or expires. Our own orders are no part of the
 * displayed book and never trade with each other: an order that would have to trade at or through a price at
 * which we rest on the other side is rejected whole (REASON_SELF_TRADE). */
#include "sim/venue_state.h"

#include <string.h>

/* ---- checks of new and amended orders ---- */

/* Marks an id as used; false: it was before, or is too old to tell. */
static bool id_is_new(struct venue *venue, uint64_t id)
{
    uint64_t *word = &venue->id_seen[id % ID_WINDOW / 64];
    uint64_t bit = UINT64_C(1) << (id % 64);
    if (id > venue->id_high) {
        if (id - venue->id_high >= ID_WINDOW) {
            memset(venue->id_seen, 0, sizeof(venue->id_seen));
        } else {
            for (uint64_t skipped = venue->id_high + 1; skipped <= id; skipped++)
                venue->id_seen[skipped % ID_WINDOW / 64] &= ~(UINT64_C(1) << (skipped % 64));
        }
        venue->id_high = id;
    } else if (venue->id_high - id >= ID_WINDOW || (*word & bit) != 0) {
        return false;
    }
    *word |= bit;
    return true;
}

/* Value of the order at its limit, a market order at the best opposite price; orders that only reduce are
 * exempt, and so are contracts valued in base. */
static enum reason check_notional(struct venue *venue, const struct own_order *order)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    const struct instrument *instrument = market->instrument;
    const money_t least = rules_now(venue, market)->notional_min;
    struct level touch;
    px_t price = order->price;
    if (least == 0 || (order->flags & ORDER_REDUCE_ONLY) || instrument->contract == CONTRACT_INVERSE)
        return REASON_NONE;
    if (order->type == ORDER_MARKET) {
        if (!book_best(market->book, side_opposite((enum side)order->side), &touch))
            return REASON_NONE;
        price = touch.price;
    }
    return instrument_notional(price, order->qty) < least ? REASON_MIN_NOTIONAL : REASON_NONE;
}

static enum reason check_rules(struct venue *venue, const struct own_order *order, bool resting)
{
    enum reason reason = rules_check_qty(venue, order);
    if (reason == REASON_NONE && order->type == ORDER_LIMIT && !rules_price_fits(venue, order))
        reason = REASON_BAD_PRICE;
    if (reason == REASON_NONE)
        reason = check_notional(venue, order);
    if (reason == REASON_NONE)
        reason = rules_check(venue, order, resting);
    if (reason == REASON_NONE && (order->flags & ORDER_REDUCE_ONLY) &&
        venue_fillable(venue, order) < own_leaves(order))
        reason = REASON_REDUCE_ONLY;
    return reason;
}

/* Checks against the market: would it take where it may not, or meet ourselves? */
static enum reason check_market(struct venue *venue, const struct own_order *order)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    enum side side = (enum side)order->side, opposite = side_opposite(side);
    bool bounded = order->type == ORDER_LIMIT;
    const struct level *touch = &market->book->touch[opposite];
    px_t own;
    if ((order->flags & ORDER_POST_ONLY) &&
        (!bounded || (touch->qty != 0 && !price_better(side, touch->price, order->price))))
        return REASON_POST_ONLY;
    if (queue_best(venue, market, opposite, &own) && (!bounded || !price_better(side, own, order->price))) {
        /* It passes us by when what is displayed before our price is enough for it. */
        px_t before = side == SIDE_BUY ? own - 1 : own < INT64_MAX ? own + 1 : own;
        if (take_sum(market, opposite, true, before, own_leaves(order)) < own_leaves(order))
            return REASON_SELF_TRADE;
    }
    return REASON_NONE;
}

/* ---- orders ---- */

void order_take(struct venue *venue, struct own_order *order)
{
    struct take_walk walk;
    struct venue_instrument *market = &venue->markets[order->instrument];
    const qty_t before = order->filled;
    px_t first = 0;
    take_walk_begin(&walk, market, side_opposite((enum side)order->side), order->type == ORDER_LIMIT, order->price);
    while (!order->ended && take_walk_next(&walk)) {
        qty_t leaves = own_leaves(order);
        qty_t filled = venue_fill(venue, order, walk.price, walk.available < leaves ? walk.available : leaves, false);
        if (first == 0)
            first = walk.at.price;
        if (filled > 0)
            take_record(&walk, filled);
    }
    if (UNLIKELY(market->impact_model != NULL) && order->filled != before)
        impact_after_take(venue, market, (enum side)order->side, first, order->filled - before);
}

/* Would it take from the book as the replay has it? */
static bool is_marketable(const struct venue_instrument *market, const struct own_order *order)
{
    const enum side side = (enum side)order->side;
    const struct level *touch = &market->book->touch[side_opposite(side)];
    return touch->qty != 0 && !price_better(side, touch->price, order->price);
}

static bool may_rest(const struct own_order *order)
{
    return order->type == ORDER_LIMIT && order->tif == TIF_GTC;
}

static bool fok_fills(struct venue *venue, const struct own_order *order)
{
    return take_sum(&venue->markets[order->instrument], side_opposite((enum side)order->side),
                    order->type == ORDER_LIMIT, order->price, own_leaves(order)) >= own_leaves(order);
}

/* An acknowledged order does what it can now, and what is left of it rests or expires. */
static void work(struct venue *venue, struct own_order *order)
{
    const struct venue_instrument *market = &venue->markets[order->instrument];
    if (order->tif == TIF_FOK && !fok_fills(venue, order)) {
        venue_end(venue, order, EXEC_EXPIRED, REASON_FOK);
        return;
    }
    order->marketable = market->shift[order->side] != 0 && is_marketable(market, order);
    order_take(venue, order);
    if (order->ended)
        return;
    if (may_rest(order))
        queue_join(venue, order);
    else
        venue_end(venue, order, EXEC_EXPIRED, REASON_NO_LIQUIDITY);
}

static enum reason check_new(struct venue *venue, struct own_order *order)
{
    if (!id_is_new(venue, order->order_id))
        return REASON_DUPLICATE_ID;
    if (venue->markets[order->instrument].book->flags & BOOK_STALE)
        return REASON_STALE_BOOK;
    enum reason reason = check_rules(venue, order, false);
    if (reason == REASON_NONE)
        reason = check_market(venue, order);
    if (reason == REASON_NONE && order->tif == TIF_FOK &&
        rules_now(venue, &venue->markets[order->instrument])->fok_rejected && !fok_fills(venue, order))
        reason = REASON_FOK;
    if (reason == REASON_NONE && may_rest(order) && !queue_has_room(venue))
        reason = REASON_TABLE_FULL;
    if (reason == REASON_NONE)
        reason = margin_check(venue, order);
    if (reason == REASON_NONE && funds_lock(venue, order) != ERR_OK)
        reason = REASON_INSUFFICIENT_FUNDS;
    return reason;
}

static void new_order(struct venue *venue, const struct venue_request *request)
{
    struct own_order order = {
        .order_id = request->order_id,
        .price = request->type == ORDER_MARKET ? 0 : request->price,
        .qty = request->qty,
        .instrument = request->instrument,
        .side = request->side,
        .type = request->type,
        .tif = request->tif,
        .flags = request->flags,
    };
    enum reason reason = check_new(venue, &order);
    /* Some venues take a post-only order that would take, and let it expire at once. */
    const bool expires =
        reason == REASON_POST_ONLY && rules_now(venue, &venue->markets[order.instrument])->post_only_expires;
    if (reason != REASON_NONE && !expires) {
        venue_say(venue, &order, EXEC_REJECT, reason);
        return;
    }
    order.venue_order = ++venue->last_venue_order;
    venue_say(venue, &order, EXEC_ACK, REASON_NONE);
    if (expires) {
        venue_end(venue, &order, EXEC_EXPIRED, REASON_POST_ONLY);
        return;
    }
    work(venue, &order);
}

/* The order that a request names, or an answer that there is none. */
static struct own_order *find_or_refuse(struct venue *venue, const struct venue_request *request, enum exec_kind kind)
{
    struct own_order *order = queue_find(venue, request->order_id);
    if (order == NULL || order->instrument != request->instrument) {
        struct own_order unknown = {.order_id = request->order_id, .instrument = request->instrument};
        venue_say(venue, &unknown, kind, REASON_UNKNOWN_ORDER);
        return NULL;
    }
    return order;
}

static void cancel_order(struct venue *venue, const struct venue_request *request)
{
    struct own_order *order = find_or_refuse(venue, request, EXEC_CANCEL_REJECT);
    if (order == NULL)
        return;
    venue_end(venue, order, EXEC_CANCELLED, REASON_NONE);
    queue_leave(venue, order);
}

/* Checks of an amendment. A smaller quantity at the same price needs no market, so it works on a stale book. */
static enum reason check_amended(struct venue *venue, const struct own_order *amended, bool in_place)
{
    if (amended->qty <= amended->filled)
        return REASON_BAD_QTY;
    if (!in_place && (venue->markets[amended->instrument].book->flags & BOOK_STALE))
        return REASON_STALE_BOOK;
    enum reason reason = check_rules(venue, amended, true);
    if (reason == REASON_NONE && !in_place)
        reason = check_market(venue, amended);
    return reason;
}

static void amend_order(struct venue *venue, const struct venue_request *request)
{
    struct own_order *order = find_or_refuse(venue, request, EXEC_AMEND_REJECT);
    if (order == NULL)
        return;
    bool in_place = request->price == order->price && request->qty < order->qty;
    struct own_order amended = *order;
    amended.price = request->price;
    amended.qty = request->qty;
    enum reason reason = check_amended(venue, &amended, in_place);
    if (reason == REASON_NONE)
        reason = margin_check(venue, &amended);
    if (reason == REASON_NONE && funds_relock(venue, &amended, amended.price, amended.qty) != ERR_OK)
        reason = REASON_INSUFFICIENT_FUNDS;
    if (reason != REASON_NONE) {
        venue_say_of(venue, order, &amended, EXEC_AMEND_REJECT, reason);
        return;
    }
    if (in_place) {
        *order = amended;
        venue_say(venue, order, EXEC_AMENDED, REASON_NONE);
        return;
    }
    queue_leave(venue, order); /* its funds have moved to `amended` */
    venue_say(venue, &amended, EXEC_AMENDED, REASON_NONE);
    work(venue, &amended);
}

/* Beyond a request limit: refused as it came, and an order that it names stays as it is. */
static void refuse_unread(struct venue *venue, const struct venue_request *request)
{
    struct own_order *order = request->kind == VENUE_NEW ? NULL : queue_find(venue, request->order_id);
    struct own_order named = {.order_id = request->order_id,
                              .instrument = request->instrument,
                              .side = request->side,
                              .type = request->type};
    enum exec_kind kind = request->kind == VENUE_NEW     ? EXEC_REJECT
                          : request->kind == VENUE_AMEND ? EXEC_AMEND_REJECT
                                                         : EXEC_CANCEL_REJECT;
    venue_say(venue, order != NULL ? order : &named, kind, REASON_RATE_LIMIT);
}

void venue_request(struct venue *venue, ns_t ts, const struct venue_request *request)
{
    ASSERT(ts >= venue->now);
    ASSERT(request->instrument < venue->instrument_count && request->side <= SIDE_SELL);
    if (UNLIKELY(venue->perp.due < ts))
        funding_elapse(venue, ts - 1);
    venue->now = ts;
    if (UNLIKELY(venue->markets[request->instrument].impact_model != NULL))
        impact_refresh(venue, &venue->markets[request->instrument]);
    if (UNLIKELY(venue->watch != NULL))
        why_arrived(venue, request);
    if (rules_count_request(venue, request) != REASON_NONE) {
        refuse_unread(venue, request);
        return;
    }
    switch (request->kind) {
    case VENUE_NEW:
        new_order(venue, request);
        break;
    case VENUE_CANCEL:
        cancel_order(venue, request);
        break;
    case VENUE_AMEND:
        amend_order(venue, request);
        break;
    }
    if (UNLIKELY(venue->perp.dirty))
        perp_look(venue);
}
