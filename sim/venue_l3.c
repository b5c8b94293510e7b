/* venue_l3.c: the exact place in the queue, from the single orders of a level-3 tape.
 *
 *   the recording   #17 ─► #4 ─► #99          who joined when is known: `place` rises along the queue
 * (core/book_l3.h) with us         #17 ─► #4 ─► us ─► #99    `joined` is the last place given before ours
 *
 * The quantity ahead is the sum over the orders with place <= joined. It falls by what they lose, and by nothing
 * else; nothing behind us changes it.
 *
 * An execution of the recording is a taker who goes through the book by price, then by time. With us in it the taker
 * would have met first what we have at better prices, best first, then what we have at the price before the order
 * that was executed. That order's quantity goes to ours as far as they have room for it, once, and the rest is its
 * own. An order that loses its fill to us is gone all the same: the recording says so, and what it would have done
 * instead nobody knows. Trades are passed over: the executions say the same and more. An execution says nothing of
 * how much more its taker wanted, so one at a worse price fills us by its quantity and not, as on level 2, whole.
 *
 * An order of the recording that comes to rest at or through our price is a taker that we were not there for: it
 * fills us by its quantity, at our price.
 *
 * What we took of the other side is remembered order by order, first in line first. A decrease of an order eats what
 * we took of it first, so that no more than it ever showed can be taken of it; an order that moves takes that along.
 */
#include "sim/venue_state.h"

#include <string.h>

size_t l3_size(uint32_t orders)
{
    return orders * sizeof(qty_t);
}

/* ---- what we took ---- */

static qty_t taken_at_level(const struct venue_instrument *market, const struct l3_level *level)
{
    qty_t sum = 0;
    for (uint32_t slot = level->first; slot != L3_NONE; slot = market->book->l3->orders[slot].next)
        sum += market->l3_taken[slot];
    return sum;
}

qty_t l3_taken_at(const struct venue_instrument *market, enum side side, px_t price)
{
    if (market->l3_taken_count == 0)
        return 0;
    const uint32_t level = book_l3_level(market->book->l3, side, price);
    return level == L3_NONE ? 0 : taken_at_level(market, &market->book->l3->levels[level]);
}

void l3_take(struct venue_instrument *market, enum side side, px_t price, qty_t qty)
{
    const struct book_l3 *l3 = market->book->l3;
    const uint32_t level = book_l3_level(l3, side, price);
    ASSERT(level != L3_NONE);
    for (uint32_t slot = l3->levels[level].first; qty > 0; slot = l3->orders[slot].next) {
        ASSERT(slot != L3_NONE);
        const qty_t room = l3->orders[slot].qty - market->l3_taken[slot];
        const qty_t take = room < qty ? room : qty;
        market->l3_taken_count += market->l3_taken[slot] == 0 && take > 0;
        market->l3_taken[slot] += take;
        qty -= take;
    }
}

/* An order has `less` less than before. */
static void give_back(struct venue_instrument *market, uint32_t slot, qty_t less)
{
    qty_t *taken = &market->l3_taken[slot];
    if (*taken == 0)
        return;
    *taken = *taken > less ? *taken - less : 0;
    market->l3_taken_count -= *taken == 0;
}

/* ---- our places ---- */

static uint32_t own_level_at(const struct venue *venue, uint16_t instrument, enum side side, px_t price)
{
    return venue->markets[instrument].open_count == 0 ? SLOT_NONE : level_find(venue, instrument, side, price);
}

/* An order that stood at `point` has `less` less, or joined there with `-less`. */
static void move_places(struct venue *venue, uint16_t instrument, enum side side, const struct l3_point *point,
                        qty_t less)
{
    const uint32_t level = own_level_at(venue, instrument, side, point->price);
    if (level == SLOT_NONE)
        return;
    venue->levels[level].shown = book_qty_at(venue->markets[instrument].book, side, point->price);
    for (uint32_t at = venue->levels[level].first; at != SLOT_NONE; at = venue->orders[at].next) {
        struct own_order *order = &venue->orders[at];
        if (point->place > order->joined)
            continue;
        if (UNLIKELY(venue->watch != NULL))
            why_before(venue, order);
        order->ahead -= less;
        ASSERT(order->ahead >= 0);
        if (UNLIKELY(venue->watch != NULL))
            why_display(venue, order, false);
    }
}

/* Everything is told again: whoever stood ahead of us will be added to it. */
static void forget_places(struct venue *venue, struct venue_instrument *market)
{
    for (int side = 0; side < 2; side++)
        for (uint32_t level = market->best[side]; level != SLOT_NONE; level = venue->levels[level].worse)
            for (uint32_t at = venue->levels[level].first; at != SLOT_NONE; at = venue->orders[at].next)
                venue->orders[at].ahead = 0;
    memset(market->l3_taken, 0, market->book->l3->order_used * sizeof(qty_t));
    market->l3_taken_count = 0;
}

/* ---- executions ---- */

/* Fill the orders of a level that joined before `place`, in their order, as far as `qty` goes. Returns what is left.
 */
static qty_t fill_before(struct venue *venue, uint32_t level, uint64_t place, qty_t qty)
{
    for (uint32_t at = venue->levels[level].first, next; at != SLOT_NONE && qty > 0; at = next) {
        struct own_order *order = &venue->orders[at];
        const qty_t leaves = own_leaves(order);
        next = order->next;
        if (order->joined >= place)
            break;
        qty -= queue_fill(venue, order, leaves < qty ? leaves : qty);
    }
    return qty;
}

static void execute(struct venue *venue, struct venue_instrument *market, uint16_t instrument,
                    const struct l3_change *change)
{
    qty_t left = change->before.qty - change->after.qty;
    const px_t price = impact_price(market, change->side, change->before.price);
    uint32_t level = market->best[change->side];
    while (level != SLOT_NONE && left > 0 && price_better(change->side, venue->levels[level].price, price)) {
        const uint32_t worse = venue->levels[level].worse;
        left = fill_before(venue, level, UINT64_MAX, left);
        level = worse;
    }
    if (price != change->before.price)
        return; /* moved by our impact to a price where the places are those of others */
    level = own_level_at(venue, instrument, change->side, price);
    if (level != SLOT_NONE && left > 0)
        (void)fill_before(venue, level, change->before.place, left);
}

/* ---- events ---- */

void l3_after_message(struct venue *venue, struct venue_instrument *market, uint16_t instrument)
{
    const struct l3_change *change = &market->book->l3->change;
    const qty_t less = change->before.qty - change->after.qty;
    switch (change->kind) {
    case L3_UNCHANGED:
        return;
    case L3_CLEARED:
        forget_places(venue, market);
        return;
    case L3_JOINED:
        move_places(venue, instrument, change->side, &change->after, -change->after.qty);
        break;
    case L3_REDUCED:
    case L3_EXECUTED:
        give_back(market, change->slot, less);
        move_places(venue, instrument, change->side, &change->before, less);
        if (change->kind == L3_EXECUTED && !venue->halted)
            execute(venue, market, instrument, change);
        return;
    case L3_MOVED:
        give_back(market, change->slot, less > 0 ? less : 0);
        move_places(venue, instrument, change->side, &change->before, change->before.qty);
        break;
    }
    queue_cross(venue, market, side_opposite(change->side));
}
