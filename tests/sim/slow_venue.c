#include "slow_venue.h"

#include <criterion/criterion.h>
#include <string.h>

void slow_say(struct slow_venue *slow, uint64_t id, enum exec_kind kind, enum reason reason, px_t price, qty_t qty,
              bool maker)
{
    cr_assert_lt(slow->said_count, SLOW_SAID);
    slow->said[slow->said_count++] = (struct slow_said){id, kind, reason, price, qty, maker};
}

money_t slow_fee(int64_t rate, px_t price, qty_t qty)
{
    money_t exact = (money_t)rate * price * qty; /* at 10^-9 */
    money_t tens = exact / 10;
    return tens + (exact > tens * 10); /* up for costs; a rebate's quotient is already nearer to zero */
}

qty_t slow_leaves(const struct slow_order *order)
{
    return order->request.funds != 0 ? INT64_MAX : order->request.qty - order->filled;
}

static bool better(int side, px_t a, px_t b)
{
    return side == SIDE_BUY ? a > b : a < b;
}

static bool covered(const struct slow_venue *slow, int side, px_t at)
{
    return !slow->partial || (slow->cover[side] >= 0 && !better(side, slow->cover[side], at));
}

qty_t slow_reducible(const struct slow_venue *slow, int side)
{
    if (!slow->linear)
        return side == SIDE_SELL ? INT64_MAX : 0;
    qty_t held = side == SIDE_SELL ? slow->position : -slow->position;
    return held > 0 ? held : 0;
}

void slow_forget(struct slow_venue *slow, uint64_t id)
{
    for (int i = 0; i < slow->order_count; i++)
        if (slow->orders[i].request.order_id == id) {
            memmove(slow->orders + i, slow->orders + i + 1,
                    (size_t)(slow->order_count - i - 1) * sizeof(*slow->orders));
            slow->order_count--;
            return;
        }
}

bool slow_fill(struct slow_venue *slow, struct slow_order *order, px_t at, qty_t qty, bool maker, qty_t *filled)
{
    int side = order->request.side;
    qty_t room = INT64_MAX;
    *filled = 0;
    if (order->request.flags & ORDER_REDUCE_ONLY)
        room = slow_reducible(slow, side);
    if (room > 0) {
        *filled = qty < room ? qty : room;
        order->filled += *filled;
        if (order->request.funds != 0)
            order->funds -= *filled * (at + SLOW_BASE);
        slow->position += side == SIDE_BUY ? *filled : -*filled;
        slow_say(slow, order->request.order_id, EXEC_FILL, REASON_NONE, at + SLOW_BASE, *filled, maker);
    }
    if (order->request.funds != 0 ? order->funds == 0 : slow_leaves(order) == 0)
        return true;
    if (*filled == room || room == 0) {
        slow_say(slow, order->request.order_id, EXEC_EXPIRED, REASON_REDUCE_ONLY, 0, 0, false);
        return true;
    }
    return false;
}

/* Take up to `want` of a book side down to `limit`, skipping `skip` first; returns the quantity by price. */
static qty_t displayed(const struct slow_venue *slow, int book_side, px_t limit, qty_t want, qty_t skip,
                       qty_t by_price[SLOW_PRICES])
{
    qty_t sum = 0;
    memset(by_price, 0, SLOW_PRICES * sizeof(*by_price));
    for (int i = 0; i < SLOW_PRICES && sum < want; i++) {
        px_t at = book_side == SIDE_SELL ? i : SLOW_PRICES - 1 - i;
        if (better(book_side, limit, at))
            break;
        if (slow->shown[book_side][at] == 0)
            continue;
        qty_t free = slow->shown[book_side][at] - slow->taken[book_side][at];
        qty_t passed = free < skip ? free : skip;
        skip -= passed;
        free -= passed;
        by_price[at] = free < want - sum ? free : want - sum;
        sum += by_price[at];
    }
    return sum;
}

static void remember(struct slow_venue *slow, int book_side, const qty_t by_price[SLOW_PRICES])
{
    for (int i = 0; i < SLOW_PRICES; i++)
        slow->taken[book_side][i] += by_price[i];
}

/* ---- book ---- */

/* Own orders by price, then time: the lowest not yet visited. */
static int next_order(const struct slow_venue *slow, int side, const bool visited[SLOW_ORDERS])
{
    int found = -1;
    for (int i = 0; i < slow->order_count; i++)
        if (!visited[i] && slow->orders[i].request.side == side &&
            (found < 0 || better(side, slow->orders[i].request.price, slow->orders[found].request.price)))
            found = i;
    return found;
}

static void cross(struct slow_venue *slow, int side)
{
    uint64_t ids[SLOW_ORDERS];
    bool visited[SLOW_ORDERS] = {false};
    int count = 0;
    for (int i; (i = next_order(slow, side, visited)) >= 0; visited[i] = true)
        ids[count++] = slow->orders[i].request.order_id;
    for (int n = 0; n < count; n++)
        for (int i = 0; i < slow->order_count; i++) {
            struct slow_order *order = &slow->orders[i];
            qty_t by_price[SLOW_PRICES], filled, others = order->unknown ? 0 : slow_ahead(slow, order);
            if (order->request.order_id != ids[n])
                continue;
            px_t at = order->request.price - SLOW_BASE;
            qty_t want = slow_leaves(order);
            if ((order->request.flags & ORDER_REDUCE_ONLY) && slow_reducible(slow, side) < want)
                want = slow_reducible(slow, side);
            qty_t got = displayed(slow, !side, at, want, others, by_price);
            if (got == 0)
                break;
            remember(slow, !side, by_price);
            if (slow_fill(slow, order, at, got, true, &filled))
                slow_forget(slow, ids[n]);
            break;
        }
}

/* Does the message, or what came before, tell how much is displayed at a price? */
static bool is_known(const struct slow_venue *slow, bool snapshot, int side, px_t at, qty_t old)
{
    return slow->shown[side][at] != 0 || covered(slow, side, at) || (!snapshot && old != 0);
}

static void settle_level(struct slow_venue *slow, bool snapshot, int side, px_t at, bool was_stale, qty_t old)
{
    qty_t shown = slow->shown[side][at], before = slow->known_shown[side][at];
    if (snapshot && was_stale)
        slow->taken[side][at] = 0;
    if (is_known(slow, snapshot, side, at, old)) {
        if (shown < before) {
            slow->taken[side][at] -= before - shown;
            if (slow->taken[side][at] < 0)
                slow->taken[side][at] = 0;
        }
        slow->known_shown[side][at] = shown;
    }
}

void slow_book(struct slow_venue *slow, const struct event *event, ns_t stamp)
{
    bool was_stale = slow->stale, snapshot = event->kind == EVENT_BOOK_SNAPSHOT;
    qty_t old[2][SLOW_PRICES];
    slow->book_before = slow->book_ts;
    slow->book_ts = stamp;
    if (event->kind == EVENT_GAP) {
        slow->stale = true;
        return;
    }
    memcpy(old, slow->shown, sizeof(old));
    if (snapshot) {
        slow->stale = false;
        slow->partial = (event->flags & EVENT_PARTIAL) != 0;
        memset(slow->shown, 0, sizeof(slow->shown));
        slow->cover[0] = event->bid_count > 0 ? event->levels[event->bid_count - 1].price - SLOW_BASE : -1;
        slow->cover[1] =
            event->ask_count > 0 ? event->levels[event->bid_count + event->ask_count - 1].price - SLOW_BASE : -1;
    }
    for (uint32_t i = 0; i < event->bid_count + event->ask_count; i++)
        slow->shown[i < event->bid_count ? 0 : 1][event->levels[i].price - SLOW_BASE] = event->levels[i].qty;
    if (slow->stale)
        return;
    for (int side = 0; side < 2; side++)
        for (px_t at = 0; at < SLOW_PRICES; at++)
            settle_level(slow, snapshot, side, at, was_stale, old[side][at]);
    for (int i = 0; i < slow->order_count; i++) {
        struct slow_order *order = &slow->orders[i];
        int side = order->request.side;
        px_t at = order->request.price - SLOW_BASE;
        qty_t shown = slow->shown[side][at];
        if (!is_known(slow, snapshot, side, at, old[side][at]))
            continue;
        if (order->unknown) {
            order->line = shown;
            order->since = stamp > order->since ? stamp : order->since;
        } else if (shown < order->cap) {
            order->cap = shown;
            order->cap_ts = stamp;
        }
    }
    for (int side = 0; side < 2; side++)
        for (px_t at = 0; at < SLOW_PRICES; at++)
            if (slow_rests_at(slow, side, at))
                slow_model_book(slow, side, at, is_known(slow, snapshot, side, at, old[side][at]));
    cross(slow, SIDE_BUY);
    cross(slow, SIDE_SELL);
}

/* ---- trades ---- */

static void hit(struct slow_venue *slow, int side, px_t at, qty_t qty, ns_t stamp, bool stamped, bool at_price)
{
    uint64_t ids[SLOW_ORDERS];
    bool visited[SLOW_ORDERS] = {false};
    int count = 0;
    enum slow_age age = SLOW_OLD;
    qty_t floor = 0;
    if (at_price && slow_rests_at(slow, side, at))
        age = slow_model_trade(slow, &slow->levels[side][at], qty, stamp, stamped);
    for (int i; (i = next_order(slow, side, visited)) >= 0; visited[i] = true)
        ids[count++] = slow->orders[i].request.order_id;
    for (int n = 0; n < count; n++)
        for (int i = 0; i < slow->order_count; i++) {
            struct slow_order *order = &slow->orders[i];
            px_t own = order->request.price - SLOW_BASE;
            qty_t filled = 0, reach = 0;
            if (order->request.order_id != ids[n])
                continue;
            if (stamp <= order->since)
                break;
            if (better(side, own, at)) {
                reach = slow_leaves(order);
            } else if (own == at && at_price && !order->unknown) {
                bool late = !stamped || stamp <= order->cap_ts + slow->slack;
                qty_t before = late ? order->line : slow_pessimistic(order);
                qty_t eaten = qty < before ? qty : before;
                order->line -= eaten;
                if (!late)
                    order->cap -= eaten;
                reach = qty - eaten;
                if (slow->queue.kind != QUEUE_PESSIMISTIC && qty > 0) {
                    qty_t more = slow_model_hit(slow, order, age, qty, &floor);
                    reach = more > reach ? more : reach;
                }
                reach = reach < slow_leaves(order) ? reach : slow_leaves(order);
            }
            if (reach > 0 && slow_fill(slow, order, own, reach, true, &filled))
                slow_forget(slow, ids[n]);
            qty = qty > filled ? qty - filled : 0;
            break;
        }
}

static px_t touch(const struct slow_venue *slow, int side)
{
    px_t best = -1;
    for (px_t at = 0; at < SLOW_PRICES; at++)
        if (slow->shown[side][at] != 0 && (best < 0 || better(side, at, best)))
            best = at;
    return best;
}

void slow_trade(struct slow_venue *slow, const struct event *event, ns_t stamp)
{
    px_t at = event->levels[0].price - SLOW_BASE;
    qty_t qty = event->levels[0].qty;
    if (slow->stale || (event->flags & EVENT_SPECIAL) || slow->order_count == 0)
        return;
    if (event->flags & EVENT_NO_SIDE) {
        px_t bid = touch(slow, 0), ask = touch(slow, 1);
        bool seller = bid >= 0 && at <= bid, buyer = ask >= 0 && at >= ask;
        cr_assert_leq(slow->order_count, SLOW_ORDERS);
        hit(slow, SIDE_BUY, at, qty, stamp, event->exch_ts != 0, seller && !buyer);
        hit(slow, SIDE_SELL, at, qty, stamp, event->exch_ts != 0, buyer && !seller);
    } else {
        hit(slow, event->flags & EVENT_SELL ? SIDE_BUY : SIDE_SELL, at, qty, stamp, event->exch_ts != 0, true);
    }
    if (event->exch_ts != 0 && stamp > slow->trade_ts)
        slow->trade_ts = stamp;
}

/* ---- time ---- */

static void end_order(struct slow_venue *slow, uint64_t id, enum exec_kind kind, enum reason reason)
{
    slow_say(slow, id, kind, reason, 0, 0, false);
    slow_forget(slow, id);
}

static void cancel_all(struct slow_venue *slow, enum reason reason)
{
    const bool visited[SLOW_ORDERS] = {false};
    for (int side = 0; side < 2; side++)
        for (int i; (i = next_order(slow, side, visited)) >= 0;)
            end_order(slow, slow->orders[i].request.order_id, EXEC_CANCELLED, reason);
}

void slow_pass(struct slow_venue *slow, ns_t ts)
{
    for (;;) {
        const struct slow_order *first = NULL;
        for (int i = 0; i < slow->order_count; i++) {
            const struct slow_order *order = &slow->orders[i];
            if (order->request.tif != TIF_GTD || order->request.expire_ts > ts)
                continue;
            if (first == NULL || order->request.expire_ts < first->request.expire_ts ||
                (order->request.expire_ts == first->request.expire_ts &&
                 order->request.order_id < first->request.order_id)) /* ids rise with time */
                first = order;
        }
        const bool armed = slow->countdown != 0 && slow->countdown <= ts;
        if (armed && (first == NULL || slow->countdown < first->request.expire_ts)) {
            slow->countdown = 0;
            cancel_all(slow, REASON_COUNTDOWN);
        } else if (first != NULL) {
            end_order(slow, first->request.order_id, EXEC_EXPIRED, REASON_EXPIRED_GTD);
        } else {
            return;
        }
    }
}

/* ---- requests ---- */

static px_t best_own(const struct slow_venue *slow, int side)
{
    px_t own = -1;
    for (int i = 0; i < slow->order_count; i++)
        if (slow->orders[i].request.side == side &&
            (own < 0 || better(side, slow->orders[i].request.price - SLOW_BASE, own)))
            own = slow->orders[i].request.price - SLOW_BASE;
    return own;
}

static bool would_be_whole(const struct slow_venue *slow, const struct slow_order *order)
{
    struct slow_part parts[SLOW_PARTS];
    bool whole;
    (void)slow_plan(slow, order, parts, &whole);
    return whole;
}

static enum reason check_market(const struct slow_venue *slow, const struct slow_order *order)
{
    const struct venue_request *request = &order->request;
    const int side = request->side;
    const bool bounded = request->type != ORDER_MARKET;
    const px_t limit = request->price - SLOW_BASE, best = touch(slow, !side), own = best_own(slow, !side);
    const bool reaches = own >= 0 && (!bounded || !better(side, own, limit));
    if ((request->flags & ORDER_POST_ONLY) &&
        (!bounded || (best >= 0 && !better(side, best, limit)) || (reaches && request->stp != STP_REJECT)))
        return REASON_POST_ONLY;
    if (request->stp != STP_REJECT || !reaches)
        return REASON_NONE;
    struct slow_order before = *order;
    before.request.type = ORDER_LIMIT;
    before.request.price = own + SLOW_BASE + (side == SIDE_BUY ? -1 : 1);
    return would_be_whole(slow, &before) ? REASON_NONE : REASON_SELF_TRADE;
}

static enum reason check_rules(const struct slow_venue *slow, const struct slow_order *order)
{
    const struct venue_request *request = &order->request;
    if (request->funds != 0 ? request->funds < 0 || request->qty != 0 : request->qty <= 0)
        return REASON_BAD_QTY;
    if (request->type == ORDER_LIMIT && request->price <= 0)
        return REASON_BAD_PRICE;
    if ((request->flags & ORDER_REDUCE_ONLY) && slow_reducible(slow, request->side) < slow_leaves(order))
        return REASON_REDUCE_ONLY;
    return REASON_NONE;
}

/* What the order needs, at 10^-9 of the quote. */
static money_t cost_of(const struct slow_venue *slow, const struct slow_order *order)
{
    const struct venue_request *request = &order->request;
    const money_t quote = 100000000;
    struct slow_part parts[SLOW_PARTS];
    struct slow_order walk = *order;
    money_t cost = 0;
    bool whole;
    if (request->funds != 0)
        return order->funds * quote * 10 + (money_t)order->funds * slow->taker_fee;
    if (request->type != ORDER_MARKET) {
        int64_t rate = slow->maker_fee > slow->taker_fee ? slow->maker_fee : slow->taker_fee;
        return request->price <= 0
                   ? 0
                   : ((money_t)request->price * request->qty * quote + slow_fee(rate, request->price, request->qty)) *
                         10;
    }
    if (walk.request.stp > STP_NONE)
        walk.request.stp = STP_EXPIRE_MAKER; /* ours cost only where they would trade */
    const int count = slow_plan(slow, &walk, parts, &whole);
    for (int i = 0; i < count; i++)
        cost += (money_t)(parts[i].at + SLOW_BASE) * parts[i].qty * quote +
                slow_fee(slow->taker_fee, parts[i].at + SLOW_BASE, parts[i].qty);
    return cost * 10;
}

static bool can_pay(const struct slow_venue *slow, const struct slow_order *order)
{
    if (!slow->check_funds)
        return true;
    if (order->request.side == SIDE_SELL)
        return order->request.qty <= slow->base_free;
    return cost_of(slow, order) <= slow->quote_free * 10;
}

static bool may_rest(const struct venue_request *request)
{
    return request->type == ORDER_LIMIT && (request->tif == TIF_GTC || request->tif == TIF_GTD);
}

static void work(struct slow_venue *slow, struct slow_order order)
{
    int side = order.request.side;
    px_t limit = order.request.price - SLOW_BASE;
    enum reason left;
    if (order.request.tif == TIF_FOK && !would_be_whole(slow, &order)) {
        slow_say(slow, order.request.order_id, EXEC_EXPIRED, REASON_FOK, 0, 0, false);
        return;
    }
    if (slow_take(slow, &order, &left))
        return;
    if (!may_rest(&order.request)) {
        slow_say(slow, order.request.order_id, EXEC_EXPIRED, left, 0, 0, false);
        return;
    }
    order.line = slow->shown[side][limit];
    order.unknown = order.line == 0 && !covered(slow, side, limit);
    order.cap = INT64_MAX;
    order.cap_ts = 0;
    order.since = slow->now;
    order.exact = order.line * 65536;
    order.exact_before = -1;
    if (!slow_rests_at(slow, side, limit))
        slow->levels[side][limit] = (struct slow_level){0};
    slow->levels[side][limit].shown = slow->shown[side][limit];
    slow->orders[slow->order_count++] = order;
}

static bool is_used(struct slow_venue *slow, uint64_t id)
{
    for (int i = 0; i < slow->seen_count; i++)
        if (slow->seen[i] == id)
            return true;
    slow->seen[slow->seen_count++] = id;
    return false;
}

static enum reason check_new(struct slow_venue *slow, const struct slow_order *order)
{
    if (is_used(slow, order->request.order_id))
        return REASON_DUPLICATE_ID;
    if (slow->stale)
        return REASON_STALE_BOOK;
    if (order->request.tif == TIF_GTD && order->request.expire_ts <= slow->now)
        return REASON_BAD_EXPIRY;
    enum reason reason = check_rules(slow, order);
    if (reason == REASON_NONE)
        reason = check_market(slow, order);
    if (reason == REASON_NONE && may_rest(&order->request) && slow->order_count == SLOW_ORDERS)
        reason = REASON_TABLE_FULL;
    if (reason == REASON_NONE && !can_pay(slow, order))
        reason = REASON_INSUFFICIENT_FUNDS;
    return reason;
}

static void new_order(struct slow_venue *slow, const struct venue_request *request, qty_t qty)
{
    struct slow_order order = {.request = *request, .funds = (qty_t)(request->funds / money_pow10(MONEY_DECIMALS))};
    order.request.qty = qty;
    if (request->stp == STP_DEFAULT)
        order.request.stp = (uint8_t)slow->stp;
    if (slow->requeues && request->tif == TIF_FOK && order.request.stp != STP_REJECT)
        order.request.stp = STP_NONE;
    if (request->type == ORDER_BEST) {
        const px_t shown = touch(slow, !request->side);
        const px_t own = order.request.stp == STP_REJECT ? -1 : best_own(slow, !request->side);
        const px_t best = shown < 0 || (own >= 0 && better(!request->side, own, shown)) ? own : shown;
        order.request.price = best < 0 ? 0 : best + SLOW_BASE;
    }
    enum reason reason = check_new(slow, &order);
    slow_say(slow, request->order_id, reason == REASON_NONE ? EXEC_ACK : EXEC_REJECT, reason, 0, 0, false);
    if (reason == REASON_NONE)
        work(slow, order);
}

static void amend(struct slow_venue *slow, struct slow_order *order, const struct venue_request *request)
{
    struct slow_order amended = *order;
    bool in_place = !slow->requeues && request->price == order->request.price && request->qty < order->request.qty;
    enum reason reason = REASON_NONE;
    amended.request.price = request->price;
    amended.request.qty = request->qty;
    if (slow->requeues && request->qty > 0 && slow_leaves(&amended) <= 0) {
        end_order(slow, request->order_id, EXEC_CANCELLED, REASON_AMENDED_TO_FILLED);
        return;
    }
    if (slow_leaves(&amended) <= 0)
        reason = REASON_BAD_QTY;
    else if (!in_place && slow->stale)
        reason = REASON_STALE_BOOK;
    if (reason == REASON_NONE)
        reason = check_rules(slow, &amended);
    if (reason == REASON_NONE && !in_place)
        reason = check_market(slow, &amended);
    if (slow->requeues && reason == REASON_POST_ONLY) {
        end_order(slow, request->order_id, EXEC_CANCELLED, REASON_AMENDED_TO_TAKE);
        return;
    }
    if (reason != REASON_NONE) {
        slow_say(slow, request->order_id, EXEC_AMEND_REJECT, reason, 0, 0, false);
        return;
    }
    slow_say(slow, request->order_id, EXEC_AMENDED, REASON_NONE, request->price, request->qty, false);
    if (in_place) {
        *order = amended;
        return;
    }
    slow_forget(slow, request->order_id);
    work(slow, amended);
}

static struct slow_order *find(struct slow_venue *slow, uint64_t id)
{
    for (int i = 0; i < slow->order_count; i++)
        if (slow->orders[i].request.order_id == id)
            return &slow->orders[i];
    return NULL;
}

static void replace(struct slow_venue *slow, const struct venue_request *request)
{
    const struct slow_order *old = find(slow, request->old_id);
    qty_t qty = request->qty;
    if (old == NULL) {
        slow_say(slow, request->old_id, EXEC_CANCEL_REJECT, REASON_UNKNOWN_ORDER, 0, 0, false);
        if (request->replace_mode == REPLACE_STOP_ON_FAILURE || (request->flags & ORDER_REMAINING)) {
            slow_say(slow, request->order_id, EXEC_REJECT,
                     is_used(slow, request->order_id) ? REASON_DUPLICATE_ID : REASON_REPLACE_GONE, 0, 0, false);
            return;
        }
    } else {
        if ((request->flags & ORDER_REMAINING) && slow_leaves(old) < qty)
            qty = slow_leaves(old);
        end_order(slow, request->old_id, EXEC_CANCELLED, REASON_REPLACED);
    }
    new_order(slow, request, qty);
}

void slow_request(struct slow_venue *slow, const struct venue_request *request)
{
    struct slow_order *order = find(slow, request->order_id);
    switch (request->kind) {
    case VENUE_NEW:
        new_order(slow, request, request->qty);
        break;
    case VENUE_REPLACE:
        replace(slow, request);
        break;
    case VENUE_CANCEL_ALL:
        cancel_all(slow, REASON_CANCEL_ALL);
        break;
    case VENUE_COUNTDOWN:
        slow->countdown = request->delay == 0 ? 0 : slow->now + request->delay;
        break;
    case VENUE_CANCEL:
        if (order != NULL)
            end_order(slow, request->order_id, EXEC_CANCELLED, REASON_NONE);
        else
            slow_say(slow, request->order_id, EXEC_CANCEL_REJECT, REASON_UNKNOWN_ORDER, 0, 0, false);
        break;
    case VENUE_AMEND:
        if (order != NULL)
            amend(slow, order, request);
        else
            slow_say(slow, request->order_id, EXEC_AMEND_REJECT, REASON_UNKNOWN_ORDER, 0, 0, false);
        break;
    }
}
