/* venue_request.c: our requests, and how they are answered.
 *
 * A new order passes its checks in one fixed order, and the first that fails names the reason:
 *
 *   request limits ► duplicate id ► the venue has it ► stale book ► expiry ► quantity ► price ► notional
 *   ► band, depth, open orders ► reduce-only ► post-only ► self-trade ► fill-or-kill ► room ► margin ► funds
 *
 * Then it is acknowledged, takes what it may (venue_match.c), and rests or expires. Our own orders are no part of the
 * displayed book. In the mode STP_REJECT they never meet: an order that would have to trade at or through a price at
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

static bool funds_reach(const struct instrument *instrument, const struct own_order *order, money_t least)
{
    money_t funds;
    return money_rescale(least, (unsigned)instrument->price_decimals + instrument->qty_decimals, MONEY_DECIMALS,
                         ROUND_CEIL, &funds) == ERR_OK &&
           order->funds >= funds;
}

/* Value of the order at its limit, a market or best order at the best opposite price, one by funds those; orders that
 * only reduce are exempt, and so are contracts valued in base. */
static enum reason check_notional(struct venue *venue, const struct own_order *order)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    const struct instrument *instrument = market->instrument;
    const money_t least = rules_now(venue, market)->notional_min;
    struct level touch;
    px_t price = order->price;
    if (least == 0 || (order->flags & ORDER_REDUCE_ONLY) || instrument->contract == CONTRACT_INVERSE)
        return REASON_NONE;
    if (order->by_funds)
        return funds_reach(instrument, order, least) ? REASON_NONE : REASON_MIN_NOTIONAL;
    if (order->type != ORDER_LIMIT) {
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

/* Would it have to trade at or through a price where we rest? What is displayed before that price may be enough. */
static bool meets_own(struct venue *venue, const struct own_order *order, px_t own)
{
    struct own_order before = *order;
    before.type = ORDER_LIMIT; /* for the walk: bounded */
    before.price = order->side == SIDE_BUY ? own - 1 : own < INT64_MAX ? own + 1 : own;
    return !match_whole(venue, &before);
}

/* Checks against the market: would it take where it may not, or meet ourselves? */
static enum reason check_market(struct venue *venue, const struct own_order *order)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    enum side side = (enum side)order->side, opposite = side_opposite(side);
    bool bounded = order->type != ORDER_MARKET;
    const struct level *touch = &market->book->touch[opposite];
    px_t own;
    const bool reaches_own =
        queue_best(venue, market, opposite, &own) && (!bounded || !price_better(side, own, order->price));
    if ((order->flags & ORDER_POST_ONLY) &&
        (!bounded || (touch->qty != 0 && !price_better(side, touch->price, order->price)) ||
         (reaches_own && order->stp != STP_REJECT)))
        return REASON_POST_ONLY;
    if (reaches_own && order->stp == STP_REJECT && meets_own(venue, order, own))
        return REASON_SELF_TRADE;
    return REASON_NONE;
}

/* ---- orders ---- */

void order_take(struct venue *venue, struct own_order *order)
{
    (void)match_take(venue, order);
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
    return order->type == ORDER_LIMIT && (order->tif == TIF_GTC || order->tif == TIF_GTD);
}

/* An acknowledged order does what it can now, and what is left of it rests or expires. */
static void work(struct venue *venue, struct own_order *order)
{
    const struct venue_instrument *market = &venue->markets[order->instrument];
    if (order->tif == TIF_FOK && !match_whole(venue, order)) {
        venue_end(venue, order, EXEC_EXPIRED, REASON_FOK);
        return;
    }
    order->marketable = market->shift[order->side] != 0 && is_marketable(market, order);
    const enum reason reason = match_take(venue, order);
    if (order->ended)
        return;
    if (may_rest(order))
        queue_join(venue, order);
    else
        venue_end(venue, order, EXEC_EXPIRED, reason);
}

static uint32_t features_of(const struct own_order *order)
{
    uint32_t has = 0;
    if (order->type == ORDER_BEST)
        has |= HAS_BEST;
    if (order->by_funds)
        has |= HAS_FUNDS;
    else if (order->type != ORDER_LIMIT && order->side == SIDE_BUY)
        has |= HAS_MARKET_BUY_QTY;
    if (order->type == ORDER_MARKET && order->tif == TIF_FOK)
        has |= HAS_MARKET_FOK;
    if (order->tif == TIF_GTD)
        has |= HAS_GTD;
    if (order->flags & ORDER_REDUCE_ONLY)
        has |= HAS_REDUCE_ONLY;
    return has;
}

static bool venue_has(const struct venue *venue, uint16_t instrument, uint32_t has, enum stp_mode stp)
{
    return !venue->strict_types || order_rules_have(venue->markets[instrument].order_rules, has, stp);
}

static enum reason check_expiry(const struct venue *venue, const struct own_order *order)
{
    const ns_t least = venue->strict_types ? venue->markets[order->instrument].order_rules->gtd_min : 0;
    if (order->tif == TIF_GTD && (order->expire_ts <= venue->now || order->expire_ts - venue->now <= least))
        return REASON_BAD_EXPIRY;
    return REASON_NONE;
}

static enum reason check_new(struct venue *venue, struct own_order *order)
{
    if (!id_is_new(venue, order->order_id))
        return REASON_DUPLICATE_ID;
    if (!venue_has(venue, order->instrument, features_of(order), (enum stp_mode)order->stp))
        return REASON_UNSUPPORTED;
    if (venue->markets[order->instrument].book->flags & BOOK_STALE)
        return REASON_STALE_BOOK;
    enum reason reason = check_expiry(venue, order);
    if (reason == REASON_NONE)
        reason = check_rules(venue, order, false);
    if (reason == REASON_NONE)
        reason = check_market(venue, order);
    if (reason == REASON_NONE && order->tif == TIF_FOK &&
        rules_now(venue, &venue->markets[order->instrument])->fok_rejected && !match_whole(venue, order))
        reason = REASON_FOK;
    if (reason == REASON_NONE && may_rest(order) && !queue_has_room(venue))
        reason = REASON_TABLE_FULL;
    if (reason == REASON_NONE)
        reason = margin_check(venue, order);
    if (reason == REASON_NONE && funds_lock(venue, order) != ERR_OK)
        reason = REASON_INSUFFICIENT_FUNDS;
    return reason;
}

/* The opposite best price, ours included unless they must not meet; 0: nothing there, and so nothing to take. */
static px_t best_price(const struct venue *venue, const struct venue_request *request, enum stp_mode stp)
{
    const struct venue_instrument *market = &venue->markets[request->instrument];
    const enum side opposite = side_opposite((enum side)request->side);
    const struct level *touch = &market->book->touch[opposite];
    px_t price = touch->qty != 0 ? touch->price : 0, own;
    if (stp != STP_REJECT && queue_best(venue, market, opposite, &own) &&
        (touch->qty == 0 || price_better(opposite, own, price)))
        price = own;
    return price;
}

static enum stp_mode stp_of(const struct venue *venue, const struct venue_request *request)
{
    const enum stp_mode stp = request->stp == STP_DEFAULT ? venue->stp : (enum stp_mode)request->stp;
    const bool skips = request->tif == TIF_FOK && venue->markets[request->instrument].order_rules->fok_skips_stp;
    return skips && stp != STP_REJECT ? STP_NONE : stp;
}

static void new_order(struct venue *venue, const struct venue_request *request, qty_t qty)
{
    const enum stp_mode stp = stp_of(venue, request);
    struct own_order order = {
        .order_id = request->order_id,
        .price = request->type == ORDER_LIMIT  ? request->price
                 : request->type == ORDER_BEST ? best_price(venue, request, stp)
                                               : 0,
        .qty = qty,
        .funds = request->funds,
        .by_funds = request->funds != 0,
        .expire_ts = request->tif == TIF_GTD ? request->expire_ts : 0,
        .stp = (uint8_t)stp,
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

static void say_no(struct venue *venue, uint64_t order_id, uint16_t instrument, enum exec_kind kind,
                   enum reason reason)
{
    const struct own_order unknown = {.order_id = order_id, .instrument = instrument};
    venue_say(venue, &unknown, kind, reason);
}

/* The order that a request names, or an answer that there is none. */
static struct own_order *find_or_refuse(struct venue *venue, uint64_t order_id, uint16_t instrument,
                                        enum exec_kind kind)
{
    struct own_order *order = queue_find(venue, order_id);
    if (order != NULL && order->instrument == instrument)
        return order;
    say_no(venue, order_id, instrument, kind, REASON_UNKNOWN_ORDER);
    return NULL;
}

static void cancel_order(struct venue *venue, const struct venue_request *request)
{
    struct own_order *order = find_or_refuse(venue, request->order_id, request->instrument, EXEC_CANCEL_REJECT);
    if (order == NULL)
        return;
    venue_end(venue, order, EXEC_CANCELLED, REASON_NONE);
    queue_leave(venue, order);
}

/* Cancel first; what the new order asks for is looked at afterwards, when the old one's place and funds are free. */
static void replace_order(struct venue *venue, const struct venue_request *request)
{
    const bool rest = (request->flags & ORDER_REMAINING) != 0,
               anyway = request->replace_mode == REPLACE_ALLOW_FAILURE;
    if (!venue_has(venue, request->instrument,
                   HAS_REPLACE | (rest ? HAS_REPLACE_REST : 0) | (anyway ? HAS_REPLACE_ANYWAY : 0), STP_DEFAULT)) {
        say_no(venue, request->old_id, request->instrument, EXEC_CANCEL_REJECT, REASON_UNSUPPORTED);
        say_no(venue, request->order_id, request->instrument, EXEC_REJECT, REASON_UNSUPPORTED);
        return;
    }
    qty_t qty = request->qty;
    struct own_order *old = find_or_refuse(venue, request->old_id, request->instrument, EXEC_CANCEL_REJECT);
    if (old == NULL && (rest || !anyway)) {
        say_no(venue, request->order_id, request->instrument, EXEC_REJECT,
               id_is_new(venue, request->order_id) ? REASON_REPLACE_GONE : REASON_DUPLICATE_ID);
        return;
    }
    if (old != NULL) {
        if (rest && own_leaves(old) < qty)
            qty = own_leaves(old);
        venue_end(venue, old, EXEC_CANCELLED, REASON_REPLACED);
        queue_leave(venue, old);
    }
    new_order(venue, request, qty);
}

/* A countdown is not answered, but one that the venue does not have is not armed in silence. */
static void arm_countdown(struct venue *venue, const struct venue_request *request)
{
    if (venue_has(venue, request->instrument, HAS_COUNTDOWN, STP_DEFAULT))
        clock_countdown(venue, request->instrument, request->delay);
    else
        say_no(venue, 0, request->instrument, EXEC_AMEND_REJECT, REASON_UNSUPPORTED);
}

/* What the venue makes of an amendment before it looks at its numbers. */
static enum reason check_policy(enum amend_policy policy, const struct own_order *order,
                                const struct venue_request *request)
{
    if (policy == AMEND_NEVER || (policy == AMEND_SMALLER_ONLY && request->price != order->price))
        return REASON_UNSUPPORTED;
    if (policy == AMEND_SMALLER_ONLY && request->qty >= order->qty)
        return REASON_BAD_QTY;
    return REASON_NONE;
}

/* A refused amendment leaves the order alone, but for two that some venues take for a cancel. */
static enum reason ends_by_amendment(const struct own_order *order, enum amend_policy policy, enum reason reason)
{
    if (policy != AMEND_REQUEUES)
        return REASON_NONE;
    if (reason == REASON_POST_ONLY)
        return REASON_AMENDED_TO_TAKE;
    return order->qty > 0 && order->qty <= order->filled ? REASON_AMENDED_TO_FILLED : REASON_NONE;
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
    struct own_order *order = find_or_refuse(venue, request->order_id, request->instrument, EXEC_AMEND_REJECT);
    if (order == NULL)
        return;
    const enum amend_policy policy = venue->markets[order->instrument].order_rules->amend;
    bool in_place = policy != AMEND_REQUEUES && request->price == order->price && request->qty < order->qty;
    struct own_order amended = *order;
    amended.price = request->price;
    amended.qty = request->qty;
    enum reason reason = check_policy(policy, order, request);
    if (reason == REASON_NONE)
        reason = check_amended(venue, &amended, in_place);
    const enum reason end = ends_by_amendment(&amended, policy, reason);
    if (end != REASON_NONE) {
        venue_end(venue, order, EXEC_CANCELLED, end);
        queue_leave(venue, order);
        return;
    }
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
    static const uint8_t kinds[] = {[VENUE_NEW] = EXEC_REJECT,
                                    [VENUE_CANCEL] = EXEC_CANCEL_REJECT,
                                    [VENUE_AMEND] = EXEC_AMEND_REJECT,
                                    [VENUE_REPLACE] = EXEC_REJECT,
                                    [VENUE_CANCEL_ALL] = EXEC_CANCEL_REJECT,
                                    [VENUE_COUNTDOWN] = EXEC_AMEND_REJECT};
    struct own_order named = {.order_id = request->order_id,
                              .instrument = request->instrument,
                              .side = request->side,
                              .type = request->type};
    const uint64_t old_id = request->kind == VENUE_REPLACE ? request->old_id : request->order_id;
    const struct own_order *order = request->kind == VENUE_NEW ? NULL : queue_find(venue, old_id);
    if (request->kind == VENUE_REPLACE) {
        const struct own_order gone = {.order_id = old_id, .instrument = request->instrument};
        venue_say(venue, order != NULL ? order : &gone, EXEC_CANCEL_REJECT, REASON_RATE_LIMIT);
        order = NULL;
    }
    venue_say(venue, order != NULL ? order : &named, (enum exec_kind)kinds[request->kind], REASON_RATE_LIMIT);
}

void venue_request(struct venue *venue, ns_t ts, const struct venue_request *request)
{
    ASSERT(ts >= venue->now);
    venue_pass(venue, ts);
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
        new_order(venue, request, request->qty);
        break;
    case VENUE_CANCEL:
        cancel_order(venue, request);
        break;
    case VENUE_AMEND:
        amend_order(venue, request);
        break;
    case VENUE_REPLACE:
        replace_order(venue, request);
        break;
    case VENUE_CANCEL_ALL:
        queue_cancel_all(venue, request->instrument, REASON_CANCEL_ALL);
        break;
    case VENUE_COUNTDOWN:
        arm_countdown(venue, request);
        break;
    }
    if (UNLIKELY(venue->perp.dirty))
        perp_look(venue);
}
