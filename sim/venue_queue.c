/* venue_queue.c: our resting orders, and the pessimistic place in the queue of each; the place by a model that splits
 * cancels is kept beside it (venue_place.c).
 *
 * Place. `ahead` is what others display before us. It falls by trades of the opposite aggressor at our
 * price, and is never more than what is displayed (min after every book message); it never rises.
 *
 * Trades and depth come on separate streams, in any order. The trade first: `ahead` falls by the trade, the
 * depth then only confirms. The depth first: the display shrinks below `ahead`, which follows it, and the
 * difference is kept as `credit`; a trade stamped not later than that book message is then the cause of the
 * shrinking, and eats the credit before it eats `ahead`. So a decrease and its trade never count twice:
 *
 *   displayed 100, ahead 100     depth shows 70: ahead 70, credit 30     its trade of 30: ahead 70, credit 0
 *
 * Trades stamped before our order joined are older than its place, and pass it by. */
#include "sim/venue_state.h"

/* ---- ids ---- */

static uint32_t bucket_of(const struct venue *venue, uint64_t order_id)
{
    return (uint32_t)((order_id * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & venue->bucket_mask;
}

struct own_order *queue_find(const struct venue *venue, uint64_t order_id)
{
    for (uint32_t slot = venue->buckets[bucket_of(venue, order_id)]; slot != SLOT_NONE;
         slot = venue->orders[slot].id_next)
        if (venue->orders[slot].order_id == order_id)
            return &venue->orders[slot];
    return NULL;
}

static void id_remove(struct venue *venue, const struct own_order *order)
{
    uint32_t *link = &venue->buckets[bucket_of(venue, order->order_id)];
    while (&venue->orders[*link] != order)
        link = &venue->orders[*link].id_next;
    *link = order->id_next;
}

/* ---- joining and leaving ---- */

bool queue_has_room(const struct venue *venue)
{
    return venue->order_free != SLOT_NONE;
}

void queue_join(struct venue *venue, const struct own_order *from)
{
    struct venue_instrument *market = &venue->markets[from->instrument];
    enum side side = (enum side)from->side;
    uint32_t slot = venue->order_free;
    ASSERT(slot != SLOT_NONE);
    struct own_order *order = &venue->orders[slot];
    venue->order_free = order->next;
    *order = *from;
    order->level = level_at(venue, order->instrument, side, order->price);
    struct own_level *level = &venue->levels[order->level];
    level->shown = book_qty_at(market->book, side, order->price);
    order->ahead = level->shown;
    if (level->shown == 0 && !book_covers(market->book, side, order->price))
        order->ahead = AHEAD_UNKNOWN;
    if (order->ahead > level->ahead_max)
        level->ahead_max = order->ahead;
    order->credit = 0;
    order->credit_ts = 0;
    order->since = venue->now;
    order->joined = is_l3_fifo(market) ? market->book->l3->last_place : 0;
    order->place = (struct queue_place){order->ahead, 0};
    order->before_drop = PLACE_NONE;

    order->next = SLOT_NONE;
    order->previous = level->last;
    *(level->last == SLOT_NONE ? &level->first : &venue->orders[level->last].next) = slot;
    level->last = slot;

    uint32_t *bucket = &venue->buckets[bucket_of(venue, order->order_id)];
    order->id_next = *bucket;
    *bucket = slot;
    market->open_count++;
    venue->open_count++;
    if (UNLIKELY(order->expire_ts != 0))
        clock_join(venue, order);
    if (UNLIKELY(venue->watch != NULL))
        why_joined(venue, order);
}

void queue_leave(struct venue *venue, struct own_order *order)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    struct own_level *level = &venue->levels[order->level];
    uint32_t slot = (uint32_t)(order - venue->orders);
    if (UNLIKELY(order->expire_ts != 0))
        clock_leave(venue, order);
    id_remove(venue, order);
    *(order->previous == SLOT_NONE ? &level->first : &venue->orders[order->previous].next) = order->next;
    *(order->next == SLOT_NONE ? &level->last : &venue->orders[order->next].previous) = order->previous;
    if (level->first == SLOT_NONE)
        level_remove(venue, order->level);
    order->order_id = 0;
    order->next = venue->order_free;
    venue->order_free = slot;
    market->open_count--;
    venue->open_count--;
}

void queue_cancel_all(struct venue *venue, uint16_t instrument, enum reason reason)
{
    const struct venue_instrument *market = &venue->markets[instrument];
    for (int side = 0; side < 2; side++)
        while (market->best[side] != SLOT_NONE) {
            struct own_order *order = &venue->orders[venue->levels[market->best[side]].first];
            venue_end(venue, order, EXEC_CANCELLED, reason);
            queue_leave(venue, order);
        }
}

/* ---- fills of resting orders ---- */

qty_t queue_fill(struct venue *venue, struct own_order *order, qty_t qty)
{
    qty_t filled = venue_fill(venue, order, order->price, qty, !order->marketable);
    if (order->ended)
        queue_leave(venue, order);
    return filled;
}

/* ---- after a book message ---- */

static void anchor(struct own_order *order, qty_t shown, ns_t book_ts)
{
    if (order->ahead <= shown)
        return;
    if (order->ahead == AHEAD_UNKNOWN) {
        /* Seen for the first time: what is displayed now is before us, and trades up to now are in it. */
        order->since = book_ts > order->since ? book_ts : order->since;
    } else {
        order->credit += order->ahead - shown;
        order->credit_ts = book_ts;
    }
    order->ahead = shown;
}

static void anchor_level(struct venue *venue, struct venue_instrument *market, struct own_level *level,
                         const struct event *event)
{
    const enum side side = (enum side)level->side;
    const qty_t shown = book_qty_at(market->book, side, level->price);
    /* Nothing there: is that known? A delta that deletes what was displayed says so, and so does a snapshot
     * that reaches as deep; beyond a partial snapshot nothing is known. */
    if (shown == 0 && (level->shown == 0 || event->kind == EVENT_BOOK_SNAPSHOT) &&
        !book_covers(market->book, side, level->price)) {
        level->shown = 0;
        return;
    }
    const bool split = place_is_modelled(market) && place_level_shown(market, level, shown);
    level->shown = shown;
    if (LIKELY(shown >= level->ahead_max && !split))
        return;
    if (shown < level->ahead_max)
        level->ahead_max = shown;
    qty_t floor = 0;
    for (uint32_t at = level->first; at != SLOT_NONE; at = venue->orders[at].next) {
        if (UNLIKELY(venue->watch != NULL))
            why_before(venue, &venue->orders[at]);
        anchor(&venue->orders[at], shown, market->book_ts);
        if (place_is_modelled(market))
            place_follow(market, level, &venue->orders[at], split, &floor);
        if (UNLIKELY(venue->watch != NULL))
            why_display(venue, &venue->orders[at], split);
    }
}

/* The prices of a delta among ours. A level that the delta does not tell has not changed. */
static void anchor_told(struct venue *venue, struct venue_instrument *market, enum side side,
                        const struct event *event)
{
    const struct level *told = event->levels + (side == SIDE_BUY ? 0 : event->bid_count);
    const uint32_t count = side == SIDE_BUY ? event->bid_count : event->ask_count;
    const px_t best = venue->levels[market->best[side]].price, worst = venue->levels[market->worst[side]].price;
    const px_t low = side == SIDE_BUY ? worst : best;
    const uint64_t span = (uint64_t)(side == SIDE_BUY ? best : worst) - (uint64_t)low;
    for (uint32_t i = 0; i < count; i++) {
        if ((uint64_t)told[i].price - (uint64_t)low > span)
            continue;
        const uint32_t slot = level_find(venue, event->instrument, side, told[i].price);
        if (slot != SLOT_NONE)
            anchor_level(venue, market, &venue->levels[slot], event);
    }
}

static void anchor_side(struct venue *venue, struct venue_instrument *market, enum side side,
                        const struct event *event)
{
    const uint32_t count = side == SIDE_BUY ? event->bid_count : event->ask_count;
    if (event->kind == EVENT_BOOK_DELTA && count < market->level_count[side])
        anchor_told(venue, market, side, event);
    else
        for (uint32_t slot = market->best[side]; slot != SLOT_NONE; slot = venue->levels[slot].worse)
            anchor_level(venue, market, &venue->levels[slot], event);
}

/* The one order that a level-3 message changed stood at one price, and stands at one. */
static void anchor_changed(struct venue *venue, struct venue_instrument *market, const struct event *event)
{
    const struct l3_change *change = &market->book->l3->change;
    const px_t prices[2] = {change->before.price, change->after.price};
    if (change->kind == L3_UNCHANGED)
        return;
    for (int i = change->kind == L3_MOVED && prices[0] != prices[1] ? 0 : 1; i < 2; i++) {
        const uint32_t slot = level_find(venue, event->instrument, change->side, prices[i]);
        if (slot != SLOT_NONE)
            anchor_level(venue, market, &venue->levels[slot], event);
    }
}

/* Opposite quantity displayed at or through the order's price, not yet taken, fills it, after what is
 * displayed before it in its own queue (only a crossed feed shows both). */
static void fill_crossed(struct venue *venue, struct venue_instrument *market, struct own_order *order)
{
    struct take_walk walk;
    qty_t want = venue_fillable(venue, order), got = 0;
    qty_t others = order->ahead == AHEAD_UNKNOWN ? 0 : place_ahead(market, order);
    take_walk_begin(&walk, market, side_opposite((enum side)order->side), true, order->price);
    while (got < want && take_walk_next(&walk)) {
        qty_t skip = walk.available < others ? walk.available : others;
        qty_t take = walk.available - skip < want - got ? walk.available - skip : want - got;
        others -= skip;
        if (take > 0)
            take_record(&walk, take);
        got += take;
    }
    if (got > 0)
        (void)queue_fill(venue, order, got);
}

void queue_cross(struct venue *venue, struct venue_instrument *market, enum side side)
{
    const struct level *touch = &market->book->touch[side_opposite(side)];
    uint32_t slot = venue->halted ? SLOT_NONE : market->best[side];
    while (slot != SLOT_NONE && touch->qty != 0 && !price_better(side, touch->price, venue->levels[slot].price)) {
        uint32_t worse = venue->levels[slot].worse;
        for (uint32_t at = venue->levels[slot].first, next; at != SLOT_NONE; at = next) {
            next = venue->orders[at].next;
            fill_crossed(venue, market, &venue->orders[at]);
        }
        slot = worse;
    }
}

void queue_after_book(struct venue *venue, struct venue_instrument *market, const struct event *event)
{
    if (event_is_level3(event->kind))
        anchor_changed(venue, market, event);
    else if (market->best[SIDE_BUY] != SLOT_NONE)
        anchor_side(venue, market, SIDE_BUY, event);
    if (!event_is_level3(event->kind) && market->best[SIDE_SELL] != SLOT_NONE)
        anchor_side(venue, market, SIDE_SELL, event);
    if (market->traded_first != SLOT_NONE)
        place_forget_traded(venue, market);
    queue_cross(venue, market, SIDE_BUY);
    queue_cross(venue, market, SIDE_SELL);
}

/* ---- after a trade ---- */

struct print {
    px_t price;
    qty_t qty;
    qty_t left; /* what is left of it after our fills */
    ns_t ts;
    bool stamped; /* by the venue */
};

/* The trade went through a better price of ours: everything of ours there is filled, or as much as was traded. */
static void fill_level(struct venue *venue, uint32_t slot, struct print *print, bool by_quantity)
{
    for (uint32_t at = venue->levels[slot].first, next; at != SLOT_NONE; at = next) {
        struct own_order *order = &venue->orders[at];
        next = order->next;
        if (print->ts <= order->since)
            continue;
        const qty_t leaves = own_leaves(order);
        const qty_t reach = by_quantity && print->left < leaves ? print->left : leaves;
        if (reach == 0)
            return;
        const qty_t filled = queue_fill(venue, order, reach);
        print->left = print->left > filled ? print->left - filled : 0;
    }
}

/* `reach` of a trade comes to an order's pessimistic place. Returns what is left of it when nothing is ahead any
 * more. */
static qty_t meet_trade(const struct venue *venue, const struct print *print, struct own_order *order, qty_t reach)
{
    if (!print->stamped || print->ts <= order->credit_ts || print->ts - order->credit_ts <= venue->stamp_slack) {
        qty_t counted = order->credit < reach ? order->credit : reach;
        order->credit -= counted;
        reach -= counted;
    }
    qty_t eaten = order->ahead < reach ? order->ahead : reach;
    order->ahead -= eaten;
    return reach - eaten;
}

/* The trade's quantity passes once through the queue  others, ours, others, ours ...  of a level. Each order's
 * place counts only others, from the front; so our own fills come off what reaches the next one. */
static void pass_level(struct venue *venue, struct venue_instrument *market, uint32_t slot, struct print *print)
{
    struct own_level *level = &venue->levels[slot];
    const bool modelled = place_is_modelled(market);
    struct place_trade trade = {.floor = 0};
    if (modelled)
        trade = place_trade_begin(venue, market, level, print->qty, print->ts, print->stamped);
    for (uint32_t at = level->first, next; at != SLOT_NONE && print->left > 0; at = next) {
        struct own_order *order = &venue->orders[at];
        next = order->next;
        if (print->ts <= order->since || order->ahead == AHEAD_UNKNOWN)
            continue;
        if (UNLIKELY(venue->watch != NULL))
            why_before(venue, order);
        qty_t over = meet_trade(venue, print, order, print->left);
        if (modelled) {
            qty_t over_model = place_meets_trade(market, level, &trade, order, print->left);
            over = over > over_model ? over : over_model;
        }
        if (UNLIKELY(venue->watch != NULL))
            why_trade(venue, order, &trade, print->left, over);
        if (over > 0)
            print->left -= queue_fill(venue, order, over < own_leaves(order) ? over : own_leaves(order));
    }
}

/* What a trade of the aggressor opposite to `side` does to our orders of `side`. */
static void trade_side(struct venue *venue, struct venue_instrument *market, enum side side, struct print *print,
                       bool at_price)
{
    const px_t price = impact_price(market, side, print->price);
    uint32_t slot = market->best[side];
    while (slot != SLOT_NONE && price_better(side, venue->levels[slot].price, price)) {
        uint32_t worse = venue->levels[slot].worse;
        fill_level(venue, slot, print, market->queue.by_quantity);
        slot = worse;
    }
    if (at_price && slot != SLOT_NONE && venue->levels[slot].price == price)
        pass_level(venue, market, slot, print);
}

/* How far the trade stream has come. */
static void note_trade(struct venue_instrument *market, const struct print *print)
{
    if (print->stamped && print->ts > market->trade_ts)
        market->trade_ts = print->ts;
}

void queue_after_trade(struct venue *venue, struct venue_instrument *market, const struct event *event, ns_t trade_ts)
{
    const struct level *touch = market->book->touch;
    struct print print = {
        .price = event->levels[0].price,
        .qty = event->levels[0].qty,
        .left = event->levels[0].qty,
        .ts = trade_ts,
        .stamped = event->exch_ts != 0,
    };
    if (print.left <= 0)
        return;
    if ((event->flags & EVENT_NO_SIDE) == 0) {
        trade_side(venue, market, event->flags & EVENT_SELL ? SIDE_BUY : SIDE_SELL, &print, true);
        note_trade(market, &print);
        return;
    }
    /* No side told: at or below the best bid it was a seller, at or above the best ask a buyer; between them it
     * says nothing about a queue, and only fills what it went through. */
    bool seller = touch[SIDE_BUY].qty != 0 && print.price <= touch[SIDE_BUY].price;
    bool buyer = touch[SIDE_SELL].qty != 0 && print.price >= touch[SIDE_SELL].price;
    trade_side(venue, market, SIDE_BUY, &print, seller && !buyer);
    trade_side(venue, market, SIDE_SELL, &print, buyer && !seller);
    note_trade(market, &print);
}
