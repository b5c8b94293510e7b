/* why.c: the notes of the venue's side, gathered from its state at the places that venue_state.h marks. Reads only.
 */
#include "sim/why.h"

#include "sim/venue_state.h"

static bool wanted(const struct venue *venue, uint64_t order_id)
{
    return venue->watch->wants(venue->watch->context, order_id);
}

static void tell(const struct venue *venue, struct why_note *note, enum why_kind kind, uint64_t order_id,
                 uint16_t instrument)
{
    note->kind = kind;
    note->ts = venue->now;
    note->order_id = order_id;
    note->instrument = instrument;
    note->cause = venue->watch->market;
    venue->watch->note(venue->watch->context, note);
}

static struct why_place place_of(const struct venue_instrument *market, const struct own_order *order)
{
    const qty_t ahead = place_ahead(market, order);
    const bool modelled = place_is_modelled(market) && ahead != AHEAD_UNKNOWN;
    return (struct why_place){ahead, order->ahead, modelled ? order->place.part : 0};
}

void why_arrived(struct venue *venue, const struct venue_request *request)
{
    venue->watch->market = NULL;
    if (request->order_id == 0 || !wanted(venue, request->order_id))
        return;
    struct venue_instrument *market = &venue->markets[request->instrument];
    const struct own_order *order = queue_find(venue, request->order_id);
    struct why_note note = {.arrived = {.request = *request,
                                        .book_flags = market->book->flags,
                                        .touch = {market->book->touch[SIDE_BUY], market->book->touch[SIDE_SELL]},
                                        .book_seq = market->book->seq,
                                        .book_stamp = market->book_ts}};
    struct why_arrived *arrived = &note.arrived;
    arrived->rests = order != NULL && order->instrument == request->instrument;
    if (arrived->rests) {
        arrived->leaves = own_leaves(order);
        arrived->ahead = place_ahead(market, order);
    }
    if (request->kind != VENUE_CANCEL) {
        const enum side side = (enum side)request->side, opposite = side_opposite(side);
        arrived->displayed = book_qty_at(market->book, side, request->price);
        arrived->takeable = take_sum(market, opposite, request->type != ORDER_MARKET, request->price, request->qty);
        arrived->has_own = queue_best(venue, market, opposite, &arrived->own);
    }
    tell(venue, &note, WHY_ARRIVED, request->order_id, request->instrument);
}

void why_joined(const struct venue *venue, const struct own_order *order)
{
    if (!wanted(venue, order->order_id))
        return;
    const struct venue_instrument *market = &venue->markets[order->instrument];
    struct why_note note = {.joined = {.price = order->price,
                                       .leaves = own_leaves(order),
                                       .displayed = venue->levels[order->level].shown,
                                       .ahead = place_ahead(market, order)}};
    for (uint32_t at = order->previous; at != SLOT_NONE; at = venue->orders[at].previous) {
        note.joined.ours++;
        note.joined.ours_qty += own_leaves(&venue->orders[at]);
    }
    tell(venue, &note, WHY_JOINED, order->order_id, order->instrument);
}

void why_before(const struct venue *venue, const struct own_order *order)
{
    venue->watch->before = place_of(&venue->markets[order->instrument], order);
}

void why_display(const struct venue *venue, const struct own_order *order, bool split)
{
    const struct venue_instrument *market = &venue->markets[order->instrument];
    const struct own_level *level = &venue->levels[order->level];
    const struct why_place before = venue->watch->before, after = place_of(market, order);
    if ((before.ahead == after.ahead && before.bound == after.bound) || !wanted(venue, order->order_id))
        return;
    struct why_note note = {.moved = {.before = before, .after = after, .displayed = level->shown, .split = split}};
    if (split) {
        note.moved.shown = level->drop.shown;
        note.moved.cancelled = level->drop.qty;
    }
    tell(venue, &note, WHY_DISPLAY, order->order_id, order->instrument);
}

void why_trade(const struct venue *venue, const struct own_order *order, const struct place_trade *trade, qty_t reach,
               qty_t over)
{
    const struct venue_instrument *market = &venue->markets[order->instrument];
    const struct why_place before = venue->watch->before, after = place_of(market, order);
    if (!wanted(venue, order->order_id))
        return;
    struct why_note note = {.moved = {.before = before,
                                      .after = after,
                                      .displayed = venue->levels[order->level].shown,
                                      .reach = reach,
                                      .over = over,
                                      .late = place_is_modelled(market) && trade->kind == TRADE_LATE,
                                      .known = place_is_modelled(market) && trade->kind == TRADE_OLD}};
    tell(venue, &note, WHY_TRADE, order->order_id, order->instrument);
}

void why_fill(const struct venue *venue, const struct own_order *order, const struct execution *execution,
              const struct fee *fee)
{
    if (!wanted(venue, order->order_id))
        return;
    const struct venue_instrument *market = &venue->markets[order->instrument];
    const struct event *cause = venue->watch->market;
    const enum side opposite = side_opposite((enum side)order->side);
    struct why_note note = {.fill = {.price = execution->price,
                                     .qty = execution->qty,
                                     .leaves = execution->leaves,
                                     .maker = execution->maker != 0,
                                     .touch = {market->book->touch[SIDE_BUY], market->book->touch[SIDE_SELL]},
                                     .rate = venue_fee_rate(venue, order, execution->maker != 0),
                                     .rule = market->fee_rule,
                                     .fee = *fee}};
    note.fill.impact = market->shift[order->side];
    if (cause == NULL)
        note.fill.how = execution->maker != 0 ? WHY_OWN : WHY_TAKEN;
    else if (cause->kind != EVENT_TRADE && cause->kind != EVENT_L3_EXECUTE)
        note.fill.how = WHY_CROSSED;
    else
        note.fill.how = impact_price(market, (enum side)order->side, cause->levels[0].price) == order->price
                            ? WHY_AT_PRICE
                            : WHY_THROUGH;
    if (note.fill.how == WHY_TAKEN || note.fill.how == WHY_CROSSED) {
        const px_t shift = order->side == SIDE_BUY ? -note.fill.impact : note.fill.impact;
        note.fill.displayed = book_qty_at(market->book, opposite, execution->price + shift);
    }
    tell(venue, &note, WHY_FILL, order->order_id, order->instrument);
}
