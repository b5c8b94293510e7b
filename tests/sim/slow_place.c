/* The place in the queue, pessimistic and by a model, in the slow venue. */
#include "slow_venue.h"

qty_t slow_pessimistic(const struct slow_order *order)
{
    return order->line < order->cap ? order->line : order->cap;
}

static qty_t round_up(int64_t exact)
{
    return (exact + 65535) / 65536;
}

qty_t slow_ahead(const struct slow_venue *slow, const struct slow_order *order)
{
    if (order->unknown)
        return INT64_MAX;
    return slow->queue.kind == QUEUE_PESSIMISTIC ? slow_pessimistic(order) : round_up(order->exact);
}

bool slow_rests_at(const struct slow_venue *slow, int side, px_t at)
{
    for (int i = 0; i < slow->order_count; i++)
        if (slow->orders[i].request.side == side && slow->orders[i].request.price - SLOW_BASE == at)
            return true;
    return false;
}

/* Forward to `wanted`, not past our order before it, and at least as far as the pessimistic place. */
static void move(struct slow_order *order, int64_t wanted, qty_t *floor)
{
    if (round_up(wanted) < *floor)
        wanted = *floor * 65536;
    order->exact = wanted < order->exact ? wanted : order->exact;
    if (round_up(order->exact) > slow_pessimistic(order))
        order->exact = slow_pessimistic(order) * 65536;
    *floor = round_up(order->exact);
}

static int64_t cancel(const struct slow_venue *slow, int64_t exact, qty_t shown, qty_t quantity)
{
    if (round_up(exact) > shown)
        exact = shown * 65536;
    qty_t ahead = round_up(exact), behind = shown - ahead;
    if (ahead > 0 && behind > 0)
        exact -= slow_share(&slow->queue, ahead, behind, quantity);
    exact = exact < 0 ? 0 : exact;
    return round_up(exact) > shown - quantity ? (shown - quantity) * 65536 : exact;
}

static int64_t from_front(int64_t exact, qty_t quantity)
{
    return exact > quantity * 65536 ? exact - quantity * 65536 : 0;
}

void slow_model_book(struct slow_venue *slow, int side, px_t at, bool known)
{
    struct slow_level *level = &slow->levels[side][at];
    qty_t shown = slow->shown[side][at], lost = level->shown - shown, floor = 0;
    level->shown = shown;
    if (!known)
        return;
    if (lost > 0) {
        qty_t explained = lost < level->traded ? lost : level->traded;
        level->traded -= explained;
        lost -= explained;
    }
    if (slow->book_ts >= level->traded_ts)
        level->traded = 0;
    if (lost > 0) {
        level->drop_shown = shown + lost;
        level->drop = lost;
        level->drop_after = slow->book_before;
        level->drop_ts = slow->book_ts;
    }
    for (int i = 0; i < slow->order_count; i++) {
        struct slow_order *order = &slow->orders[i];
        if (order->request.side != side || order->request.price - SLOW_BASE != at)
            continue;
        if (order->unknown) {
            order->unknown = false;
            order->exact = shown * 65536;
            order->exact_before = -1;
            floor = shown;
            continue;
        }
        if (lost > 0)
            order->exact_before = order->exact;
        move(order, lost > 0 ? cancel(slow, order->exact, level->drop_shown, lost) : order->exact, &floor);
    }
}

enum slow_age slow_model_trade(struct slow_venue *slow, struct slow_level *level, qty_t qty, ns_t stamp, bool stamped)
{
    enum slow_age age = SLOW_YOUNG;
    bool passed = slow->trade_ts > level->drop_ts + slow->slack;
    if (level->drop > 0 && !passed &&
        (!stamped || (stamp > level->drop_after && stamp <= level->drop_ts + slow->slack)))
        age = SLOW_LATE;
    else if (stamped && stamp <= level->drop_ts + slow->slack)
        age = SLOW_OLD;
    qty_t fresh = qty;
    if (age == SLOW_LATE) {
        qty_t explained = qty < level->drop ? qty : level->drop;
        level->drop -= explained;
        level->drop_shown -= explained;
        fresh -= explained;
    } else if (age == SLOW_YOUNG) {
        level->drop = 0;
    }
    if (!stamped || stamp > slow->book_ts) {
        level->traded += fresh;
        level->traded_ts = stamp > level->traded_ts ? stamp : level->traded_ts;
    }
    return age;
}

/* What of the trade is left behind the model's place. */
qty_t slow_model_hit(struct slow_venue *slow, struct slow_order *order, enum slow_age age, qty_t qty, qty_t *floor)
{
    struct slow_level *level = &slow->levels[order->request.side][order->request.price - SLOW_BASE];
    int64_t wanted = order->exact;
    qty_t before = INT64_MAX;
    if (age == SLOW_LATE && order->exact_before >= 0) {
        before = round_up(order->exact_before);
        order->exact_before = from_front(order->exact_before, qty);
        wanted = cancel(slow, order->exact_before, level->drop_shown, level->drop);
    } else if (age != SLOW_OLD) {
        before = round_up(order->exact);
        wanted = from_front(order->exact, qty);
    }
    move(order, wanted, floor);
    return qty > before ? qty - before : 0;
}
