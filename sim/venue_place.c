/* venue_place.c: the place in the queue by a model that splits cancels (queue_model.h).
 *
 * Cancelled is what a level lost and no trade explains. Trades and depth come on separate streams, so both orders
 * must give the same place:
 *
 *   trade first   the trade takes its quantity from the front, and the level remembers it as `traded`; the decrease
 *                 that shows it is then explained, and only the rest is split. What the display has not
 *                 shown by a book message as young as the trade was hidden by others who joined, and is forgotten.
 *   depth first   the whole decrease is split as if cancelled, and the level remembers it as its drop. When a
 *                 trade of that time comes late, the split is done again: first the trade from the front, from
 *                 the place before the drop, then what is left of the drop. The new place holds when it is nearer
 *                 to the front: a place never grows.
 *
 *   displayed 100, ahead 50, proportional        depth: 70 (ahead 35)      its trade of 30: ahead 50 - 30 = 20
 *                                                trade of 30 (ahead 20)    its depth, 70: explained, ahead 20
 *
 * One drop is remembered, the last. A trade older than the book message before it changes only the pessimistic place,
 * which bounds the model's: the drop that it caused has been split, and is not taken twice. Once a younger trade has
 * been seen, the trade stream has passed the drop, and its cancels are final. */
#include "sim/venue_state.h"

static bool is_nearer(struct queue_place a, struct queue_place b)
{
    return a.ahead < b.ahead || (a.ahead == b.ahead && a.part > b.part);
}

/* Move an order forward to `wanted`, but not past the orders of ours before it, and at least to the pessimistic
 * place. */
static void advance(struct own_order *order, struct queue_place wanted, qty_t *floor)
{
    if (wanted.ahead < *floor)
        wanted = (struct queue_place){*floor, 0};
    if (is_nearer(wanted, order->place))
        order->place = wanted;
    if (order->place.ahead > order->ahead)
        order->place = (struct queue_place){order->ahead, 0};
    *floor = order->place.ahead;
}

bool place_level_shown(const struct venue_instrument *market, struct own_level *level, qty_t shown)
{
    qty_t drop = level->shown - shown;
    qty_t explained = 0;
    if (drop > 0 && level->traded > 0) {
        explained = drop < level->traded ? drop : level->traded;
        level->traded -= explained;
    }
    if (drop <= explained)
        return false;
    level->drop = (struct level_drop){
        .shown = level->shown - explained,
        .qty = drop - explained,
        .after = market->book_before,
        .ts = market->book_ts,
    };
    return true;
}

void place_follow(const struct venue_instrument *market, const struct own_level *level, struct own_order *order,
                  bool split, qty_t *floor)
{
    const struct level_drop *drop = &level->drop;
    if (order->ahead == AHEAD_UNKNOWN)
        return;
    if (order->place.ahead == AHEAD_UNKNOWN) { /* displayed for the first time */
        order->place = (struct queue_place){order->ahead, 0};
        order->before_drop = PLACE_NONE;
        *floor = order->place.ahead;
        return;
    }
    struct queue_place wanted = order->place;
    if (split) {
        order->before_drop = order->place;
        wanted = queue_model_cancel(&market->queue, order->place, drop->shown, drop->qty);
    }
    advance(order, wanted, floor);
}

void place_forget_traded(struct venue *venue, struct venue_instrument *market)
{
    for (uint32_t *link = &market->traded_first; *link != SLOT_NONE;) {
        struct own_level *level = &venue->levels[*link];
        /* what is beyond a partial snapshot is not shown by it, however young it is */
        if (market->book_ts >= level->traded_ts &&
            (level->shown != 0 || book_covers(market->book, (enum side)level->side, level->price)))
            level->traded = 0;
        if (level->traded != 0) {
            link = &level->traded_next;
            continue;
        }
        level->traded_listed = false;
        *link = level->traded_next;
    }
}

struct place_trade place_trade_begin(struct venue *venue, struct venue_instrument *market, struct own_level *level,
                                     qty_t qty, ns_t ts, bool stamped)
{
    const ns_t slack = venue->stamp_slack;
    struct level_drop *drop = &level->drop;
    struct place_trade trade = {.kind = TRADE_YOUNG};
    qty_t explained = 0;
    if (!stamped || ts <= drop->ts || ts - drop->ts <= slack) {
        bool passed = market->trade_ts > drop->ts && market->trade_ts - drop->ts > slack;
        bool caused = drop->qty > 0 && !passed && (!stamped || ts > drop->after);
        /* Without a stamp and without a drop to explain it, a trade is new. */
        trade.kind = caused ? TRADE_LATE : stamped ? TRADE_OLD : TRADE_YOUNG;
    }
    if (trade.kind == TRADE_LATE) {
        explained = qty < drop->qty ? qty : drop->qty;
        drop->qty -= explained;
        drop->shown -= explained;
    } else if (trade.kind == TRADE_YOUNG) {
        drop->qty = 0;
    }
    if (!stamped || ts > market->book_ts) {
        level->traded += qty - explained;
        level->traded_ts = ts > level->traded_ts ? ts : level->traded_ts;
        if (!level->traded_listed) {
            level->traded_listed = true;
            level->traded_next = market->traded_first;
            market->traded_first = (uint32_t)(level - venue->levels);
        }
    }
    return trade;
}

/* From the front of a place. Returns what is left of the trade. */
static qty_t take_front(struct queue_place *place, qty_t reach)
{
    if (reach >= place->ahead) {
        reach -= place->ahead;
        *place = (struct queue_place){0, 0};
        return reach;
    }
    place->ahead -= reach;
    return 0;
}

qty_t place_meets_trade(const struct venue_instrument *market, const struct own_level *level,
                        struct place_trade *trade, struct own_order *order, qty_t reach)
{
    const struct level_drop *drop = &level->drop;
    struct queue_place wanted = order->place;
    qty_t over = 0;
    if (trade->kind == TRADE_LATE && order->before_drop.ahead >= 0) {
        over = take_front(&order->before_drop, reach);
        wanted = queue_model_cancel(&market->queue, order->before_drop, drop->shown, drop->qty);
    } else if (trade->kind != TRADE_OLD) {
        over = take_front(&wanted, reach);
    }
    advance(order, wanted, &trade->floor);
    return over;
}
