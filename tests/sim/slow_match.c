/* slow_match.c: an order meets the other side one unit at a time. Before each unit everything is looked at anew:
 * which price is the best, who stands first there, others or one of ours. */
#include "slow_venue.h"

#include <criterion/criterion.h>
#include <string.h>

static bool better(int side, px_t a, px_t b)
{
    return side == SIDE_BUY ? a > b : a < b;
}

static qty_t available(const struct slow_venue *slow, int side, px_t at)
{
    return slow->shown[side][at] == 0 ? 0 : slow->shown[side][at] - slow->taken[side][at];
}

static struct slow_order *own_at(struct slow_venue *slow, int side, px_t at)
{
    for (int i = 0; i < slow->order_count; i++)
        if (slow->orders[i].request.side == side && slow->orders[i].request.price - SLOW_BASE == at)
            return &slow->orders[i];
    return NULL;
}

/* Whose turn it is: the price, and the order of ours, NULL: others. False: nobody's. */
static bool next_unit(struct slow_venue *slow, const struct slow_order *order, px_t *price, struct slow_order **own)
{
    const int side = !order->request.side;
    for (px_t i = 0; i < SLOW_PRICES; i++) {
        const px_t at = side == SIDE_SELL ? i : SLOW_PRICES - 1 - i;
        if (order->request.type != ORDER_MARKET && better(side, order->request.price - SLOW_BASE, at))
            return false;
        *own = order->request.stp == STP_REJECT ? NULL : own_at(slow, side, at);
        const qty_t others = available(slow, side, at);
        if (others == 0 && *own == NULL)
            continue;
        if (*own != NULL && others > 0 && !(*own)->unknown && slow_ahead(slow, *own) > slow->taken[side][at])
            *own = NULL;
        *price = at;
        return true;
    }
    return false;
}

static bool has_funds(const struct slow_order *order)
{
    return order->request.funds != 0;
}

/* Does it still want a unit at this price? */
static bool wants(const struct slow_order *order, px_t at)
{
    return has_funds(order) ? order->funds >= at + SLOW_BASE : slow_leaves(order) > 0;
}

static bool is_done(const struct slow_order *order)
{
    return has_funds(order) ? order->funds == 0 : slow_leaves(order) == 0;
}

static void spend(struct slow_order *order, px_t at, qty_t qty)
{
    if (has_funds(order))
        order->funds -= qty * (at + SLOW_BASE);
    else
        order->filled += qty;
}

/* ---- what would happen ---- */

static qty_t filled_of(const struct slow_venue *slow, uint64_t id)
{
    int i = 0;
    while (slow->orders[i].request.order_id != id)
        i++;
    return slow->orders[i].filled;
}

int slow_plan(const struct slow_venue *from, const struct slow_order *planned, struct slow_part parts[SLOW_PARTS],
              bool *whole)
{
    static struct slow_venue slow;
    struct slow_order order = *planned, *own = NULL;
    int count = 0;
    px_t at = -1;
    bool fresh = true; /* the next unit begins a part */
    slow = *from;
    *whole = false;
    while (!is_done(&order) && next_unit(&slow, &order, &at, &own)) {
        const int side = !order.request.side;
        if (!wants(&order, at)) {
            *whole = true; /* what is left of its funds buys nothing */
            return count;
        }
        if (own != NULL && order.request.stp != STP_NONE) {
            if (order.request.stp != STP_EXPIRE_MAKER)
                return count;
            slow_forget(&slow, own->request.order_id);
            fresh = true;
            continue;
        }
        qty_t room = INT64_MAX;
        if (own != NULL && (own->request.flags & ORDER_REDUCE_ONLY))
            room = slow_reducible(from, side);
        if (own != NULL && (slow_leaves(own) == 0 || own->filled - filled_of(from, own->request.order_id) >= room)) {
            slow_forget(&slow, own->request.order_id);
            fresh = true;
            continue;
        }
        const uint64_t id = own != NULL ? own->request.order_id : 0;
        if (fresh || count == 0 || parts[count - 1].own != id || parts[count - 1].at != at) {
            cr_assert_lt(count, SLOW_PARTS);
            parts[count++] = (struct slow_part){at, 0, id};
        }
        fresh = false;
        parts[count - 1].qty++;
        if (own != NULL)
            own->filled++;
        else
            slow.taken[side][at]++;
        spend(&order, at, 1);
    }
    *whole = is_done(&order) || (count > 0 && !wants(&order, parts[count - 1].at));
    return count;
}

/* ---- what happens ---- */

/* The order takes what it has gathered of others at a price. True: it has ended. */
static bool take_others(struct slow_venue *slow, struct slow_order *order, px_t at, qty_t *gathered)
{
    qty_t filled;
    if (*gathered == 0)
        return false;
    const bool ended = slow_fill(slow, order, at, *gathered, false, &filled);
    slow->taken[!order->request.side][at] -= *gathered - filled;
    *gathered = 0;
    return ended;
}

static bool trade(struct slow_venue *slow, struct slow_order *order, struct slow_order *own, px_t at)
{
    qty_t want = has_funds(order) ? order->funds / (at + SLOW_BASE) : slow_leaves(order), filled, same;
    if (order->request.flags & ORDER_REDUCE_ONLY) {
        qty_t room = slow_reducible(slow, order->request.side);
        want = room < want ? room : want;
        if (want == 0)
            return slow_fill(slow, order, at, 1, false, &same);
    }
    const qty_t theirs = slow_leaves(own) < want ? slow_leaves(own) : want;
    if (slow_fill(slow, own, at, theirs, true, &filled))
        slow_forget(slow, own->request.order_id);
    return filled > 0 && slow_fill(slow, order, at, filled, false, &same);
}

static void lose(struct slow_venue *slow, struct slow_order *order, qty_t qty)
{
    order->request.qty -= qty;
    slow_say(slow, order->request.order_id, EXEC_REDUCED, REASON_STP_DECREMENT, 0, order->request.qty, false);
}

static bool decrement(struct slow_venue *slow, struct slow_order *order, struct slow_order *own, px_t at)
{
    const qty_t want = has_funds(order) ? order->funds / (at + SLOW_BASE) : slow_leaves(order);
    const qty_t qty = slow_leaves(own) < want ? slow_leaves(own) : want;
    if (slow_leaves(own) == qty) {
        slow_say(slow, own->request.order_id, EXEC_EXPIRED, REASON_STP_DECREMENT, 0, 0, false);
        slow_forget(slow, own->request.order_id);
    } else {
        lose(slow, own, qty);
    }
    if (has_funds(order))
        order->funds -= qty * (at + SLOW_BASE);
    if (has_funds(order) ? order->funds == 0 : slow_leaves(order) == qty) {
        slow_say(slow, order->request.order_id, EXEC_EXPIRED, REASON_STP_DECREMENT, 0, 0, false);
        return true;
    }
    lose(slow, order, has_funds(order) ? 0 : qty);
    return false;
}

/* True: the order has ended. */
static bool meet(struct slow_venue *slow, struct slow_order *order, struct slow_order *own, px_t at)
{
    static const enum reason reasons[STP_MODE_COUNT] = {[STP_EXPIRE_TAKER] = REASON_STP_EXPIRE_TAKER,
                                                        [STP_EXPIRE_MAKER] = REASON_STP_EXPIRE_MAKER,
                                                        [STP_EXPIRE_BOTH] = REASON_STP_EXPIRE_BOTH};
    const enum stp_mode mode = (enum stp_mode)order->request.stp;
    if (mode == STP_NONE)
        return trade(slow, order, own, at);
    if (mode == STP_DECREMENT)
        return decrement(slow, order, own, at);
    if (mode != STP_EXPIRE_TAKER) {
        slow_say(slow, own->request.order_id, EXEC_EXPIRED, reasons[mode], 0, 0, false);
        slow_forget(slow, own->request.order_id);
    }
    if (mode != STP_EXPIRE_MAKER)
        slow_say(slow, order->request.order_id, EXEC_EXPIRED, reasons[mode], 0, 0, false);
    return mode != STP_EXPIRE_MAKER;
}

bool slow_take(struct slow_venue *slow, struct slow_order *order, enum reason *left)
{
    struct slow_order *own = NULL;
    qty_t gathered = 0;
    px_t at = -1, last = -1;
    *left = REASON_NO_LIQUIDITY;
    for (;;) {
        struct slow_order after = *order; /* when what is gathered is filled */
        if (gathered > 0)
            spend(&after, last, gathered);
        const bool more = !is_done(&after) && next_unit(slow, &after, &at, &own);
        const bool spent = has_funds(order) && last >= 0 && !wants(&after, last);
        if (gathered > 0 && (!more || spent || own != NULL || at != last)) {
            if (take_others(slow, order, last, &gathered))
                return true;
            if (has_funds(order) && !wants(order, last) && order->funds > 0) {
                *left = REASON_FUNDS_SPENT;
                return false;
            }
            continue;
        }
        if (!more)
            return false;
        if (!wants(&after, at)) {
            *left = REASON_FUNDS_SPENT;
            return false;
        }
        if (own != NULL) {
            if (meet(slow, order, own, at))
                return true;
            if (has_funds(order) && !wants(order, at)) {
                *left = REASON_FUNDS_SPENT;
                return false;
            }
            continue;
        }
        slow->taken[!order->request.side][at]++;
        gathered++;
        last = at;
    }
}
