/* venue_take.c: the memory of what we took.
 *
 * The feed does not know of us: a level that we emptied is still displayed. For each price at which we took
 * something the table keeps how much of the displayed quantity is ours already:
 *
 *   displayed 100, take 60       shown 100  taken 60   available 40
 *   feed shows 120               shown 120  taken 60   available 60     20 are new
 *   feed shows 90                shown  90  taken 30   available 60     the decrease eats the taken part first
 *   feed shows 40                entry gone            available 40
 *   feed shows 0                 entry gone: what comes later is new
 *
 * A full snapshot of a sound book is compared like any other message (a venue that sends only snapshots
 * would otherwise refill us with every one). After a gap everything starts afresh. Prices beyond the depth of
 * a partial snapshot are unknown, and keep their entry. */
#include "sim/venue_state.h"

static struct taken *find(struct taken_side *side, px_t price)
{
    for (uint32_t i = 0; i < side->count; i++)
        if (side->at[i].price == price)
            return &side->at[i];
    return NULL;
}

void take_walk_begin(struct take_walk *walk, struct venue_instrument *market, enum side book_side, bool bounded,
                     px_t limit)
{
    *walk = (struct take_walk){.market = market, .side = book_side, .bounded = bounded, .limit = limit};
    walk->room = TAKEN_MAX - market->taken[book_side].count;
    if (UNLIKELY(market->shift[SIDE_SELL] != 0) && book_side == SIDE_BUY && !bounded) {
        walk->bounded = true; /* our impact makes no price that is not positive */
        walk->limit = 1;
    }
}

bool take_walk_next(struct take_walk *walk)
{
    const struct book *book = walk->market->book;
    for (;;) {
        bool found = walk->started ? book_next(book, walk->side, walk->at.price, &walk->at)
                                   : book_best(book, walk->side, &walk->at);
        walk->started = true;
        if (found)
            walk->price = impact_price(walk->market, side_opposite(walk->side), walk->at.price);
        /* The taker's limit, seen as a quote of the side that it takes, would stand before this level: out of reach.
         */
        if (!found || (walk->bounded && price_better(walk->side, walk->limit, walk->price)))
            return false;
        if (is_l3_fifo(walk->market)) {
            walk->available = walk->at.qty - l3_taken_at(walk->market, walk->side, walk->at.price);
            if (walk->available > 0)
                return true;
            continue;
        }
        const struct taken *taken = find(&walk->market->taken[walk->side], walk->at.price);
        if (taken == NULL) {
            if (walk->room == 0) {
                walk->full = true;
                return false;
            }
            walk->room--;
            walk->available = walk->at.qty;
            return true;
        }
        walk->available = walk->at.qty - taken->qty;
        if (walk->available > 0)
            return true;
    }
}

void take_record(struct take_walk *walk, qty_t qty)
{
    struct taken_side *side = &walk->market->taken[walk->side];
    ASSERT(qty > 0 && qty <= walk->available);
    if (is_l3_fifo(walk->market)) {
        l3_take(walk->market, walk->side, walk->at.price, qty);
        walk->available -= qty;
        return;
    }
    struct taken *taken = find(side, walk->at.price);
    if (taken == NULL) {
        ASSERT(side->count < TAKEN_MAX);
        taken = &side->at[side->count++];
        *taken = (struct taken){.price = walk->at.price, .shown = walk->at.qty};
    }
    taken->qty += qty;
    walk->available -= qty;
}

qty_t take_sum(struct venue_instrument *market, enum side book_side, bool bounded, px_t limit, qty_t enough)
{
    struct take_walk walk;
    qty_t sum = 0;
    take_walk_begin(&walk, market, book_side, bounded, limit);
    while (sum < enough && take_walk_next(&walk))
        sum = walk.available >= enough - sum ? enough : sum + walk.available;
    return sum;
}

/* True when the entry is of use no more. */
static bool refresh(struct taken *taken, qty_t shown)
{
    if (shown < taken->shown) {
        qty_t less = taken->shown - shown;
        taken->qty = taken->qty > less ? taken->qty - less : 0;
    }
    taken->shown = shown;
    return taken->qty == 0;
}

void take_after_book(struct venue_instrument *market, const struct event *event)
{
    for (int s = 0; s < 2; s++) {
        struct taken_side *side = &market->taken[s];
        for (uint32_t i = 0; i < side->count;) {
            struct taken *taken = &side->at[i];
            qty_t shown = book_qty_at(market->book, (enum side)s, taken->price);
            /* Beyond a partial snapshot, and still hidden after deltas that do not show it. */
            taken->hidden = shown == 0 && (taken->hidden || event->kind == EVENT_BOOK_SNAPSHOT) &&
                            !book_covers(market->book, (enum side)s, taken->price);
            if (!taken->hidden && refresh(taken, shown))
                *taken = side->at[--side->count];
            else
                i++;
        }
    }
}

void take_forget(struct venue_instrument *market)
{
    market->taken[SIDE_BUY].count = 0;
    market->taken[SIDE_SELL].count = 0;
}
