#include "core/book_check.h"

#include "core/book_inside.h"
#include "core/book_l3.h"

static const char *const side_what[2] = {"bids", "asks"};

static bool wrong(const struct book *book, const char *invariant, enum side side, px_t expected, px_t found,
                  struct breach *breach)
{
    return breach_say(breach, invariant, book->instrument->symbol, side_what[side], expected, found,
                      book->instrument->price_decimals);
}

/* The best level by the arrays: the window's best slot, or the outermost of the far ones. */
static struct level best_of(const struct book *book, enum side s)
{
    const struct book_side *side = &book->sides[s];
    struct level best = {0, 0};
    if (side->best >= 0)
        best = (struct level){book_price_of(book, side->best), side->qty[side->best]};
    if (side->far.count != 0) {
        const struct level *far = &side->far.levels[s == SIDE_BUY ? side->far.count - 1 : 0];
        if (best.qty == 0 || (s == SIDE_BUY ? far->price > best.price : far->price < best.price))
            best = *far;
    }
    return best;
}

static bool touch_holds(const struct book *book, enum side side, struct breach *breach)
{
    const struct level best = best_of(book, side), *touch = &book->touch[side];
    if (best.qty != touch->qty)
        return breach_say(breach, "touch", book->instrument->symbol, side_what[side], best.qty, touch->qty,
                          book->instrument->qty_decimals);
    if (best.qty < 0)
        return breach_say(breach, "book", book->instrument->symbol, side_what[side], 0, best.qty,
                          book->instrument->qty_decimals);
    return best.qty == 0 || best.price == touch->price ||
           wrong(book, "touch", side, best.price, touch->price, breach);
}

/* Every slot of the window, chunk by chunk. */
static bool window_holds(const struct book *book, enum side s, struct breach *breach)
{
    const struct book_side *side = &book->sides[s];
    int64_t first = -1, last = -1;
    for (int64_t slot = 0; slot < (int64_t)book->window; slot++) {
        if (side->qty[slot] == 0)
            continue;
        if (side->qty[slot] < 0)
            return breach_say(breach, "book", book->instrument->symbol, side_what[s], 0, side->qty[slot],
                              book->instrument->qty_decimals);
        if (side->used[slot / BOOK_CHUNK] == 0)
            return wrong(book, "book", s, 0, book_price_of(book, slot), breach);
        first = first < 0 ? slot : first;
        last = slot;
    }
    const int64_t best = s == SIDE_BUY ? last : first;
    return best == side->best ||
           breach_say(breach, "touch", book->instrument->symbol, side_what[s], best, side->best, 0);
}

static bool far_holds(const struct book *book, enum side s, struct breach *breach)
{
    const struct book_far *far = &book->sides[s].far;
    for (uint32_t i = 0; i < far->count; i++) {
        const struct level *level = &far->levels[i];
        if (level->qty <= 0)
            return breach_say(breach, "book", book->instrument->symbol, side_what[s], 1, level->qty,
                              book->instrument->qty_decimals);
        if (i != 0 && level->price <= level[-1].price)
            return wrong(book, "book", s, level[-1].price, level->price, breach);
        if (book_slot_of(book, level->price) < book->window)
            return wrong(book, "book", s, 0, level->price, breach);
    }
    return true;
}

/* What is displayed is what the single orders sum up to, when it is they who say what is displayed. */
static bool orders_hold(const struct book *book, enum side side, struct breach *breach)
{
    const struct book_l3 *l3 = book->l3;
    struct level level;
    if (l3 == NULL || l3->state != L3_KNOWN || book->display == BOOK_BY_LEVELS || (book->flags & BOOK_STALE) != 0)
        return true;
    for (bool more = book_best(book, side, &level); more; more = book_next(book, side, level.price, &level)) {
        const uint32_t slot = book_l3_level(l3, side, level.price);
        qty_t sum = 0;
        for (uint32_t at = slot == L3_NONE ? L3_NONE : l3->levels[slot].first; at != L3_NONE;
             at = l3->orders[at].next)
            sum += l3->orders[at].qty;
        if (sum != level.qty)
            return breach_say(breach, "book", book->instrument->symbol, "sum of orders", sum, level.qty,
                              book->instrument->qty_decimals);
    }
    return true;
}

bool book_check(const struct book *book, bool whole, struct breach *breach)
{
    for (int s = SIDE_BUY; s <= SIDE_SELL; s++) {
        const enum side side = (enum side)s;
        if (!touch_holds(book, side, breach))
            return false;
        if (whole &&
            (!window_holds(book, side, breach) || !far_holds(book, side, breach) || !orders_hold(book, side, breach)))
            return false;
    }
    const struct level *bid = &book->touch[SIDE_BUY], *ask = &book->touch[SIDE_SELL];
    const bool crossed = bid->qty != 0 && ask->qty != 0 && bid->price >= ask->price;
    const bool flagged = (book->flags & BOOK_CROSSED) != 0;
    return crossed == flagged || breach_say(breach, "crossed", book->instrument->symbol, "flag", crossed, flagged, 0);
}
