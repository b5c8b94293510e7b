/* How: a price is looked up in the window first, where nearly all of them are, then in the sorted array. Going from
 * level to level merges the two: the nearer of the window's next and the array's next. */
#include "core/book_inside.h"

qty_t book_qty_at(const struct book *book, enum side s, px_t price)
{
    const struct book_side *side = &book->sides[s];
    uint64_t slot = book_slot_of(book, price);
    if (LIKELY(slot < book->window))
        return side->qty[slot];
    uint32_t i = book_far_lower_bound(&side->far, price);
    return i < side->far.count && side->far.levels[i].price == price ? side->far.levels[i].qty : 0;
}

/* The window slot to start scanning from so that the first hit is worse than `price`. */
static int64_t scan_start(const struct book *book, enum side s, px_t price)
{
    px_t last = book_price_of(book, (int64_t)book->window - 1);
    if (s == SIDE_BUY) {
        if (price > last)
            return book->window;
        if (price <= book->base)
            return 0;
        px_t distance = price - book->base;
        return distance / book->step + (distance % book->step != 0); /* ceil: a slot at or above price */
    }
    if (price < book->base)
        return -1;
    if (price >= last)
        return book->window;
    return (price - book->base) / book->step;
}

bool book_next(const struct book *book, enum side s, px_t price, struct level *level)
{
    const struct book_side *side = &book->sides[s];
    int64_t start = scan_start(book, s, price);
    int64_t slot = s == SIDE_BUY ? book_scan_down(side, start) : book_scan_up(side, start, book->window);
    bool found = slot >= 0;
    struct level next = {0, 0};
    if (found)
        next = (struct level){book_price_of(book, slot), side->qty[slot]};
    if (side->far.count != 0) {
        uint32_t i = book_far_lower_bound(&side->far, price);
        if (s == SIDE_BUY) {
            if (i > 0 && (!found || side->far.levels[i - 1].price > next.price)) {
                next = side->far.levels[i - 1];
                found = true;
            }
        } else {
            if (i < side->far.count && side->far.levels[i].price == price)
                i++;
            if (i < side->far.count && (!found || side->far.levels[i].price < next.price)) {
                next = side->far.levels[i];
                found = true;
            }
        }
    }
    if (found)
        *level = next;
    return found;
}

uint32_t book_top(const struct book *book, enum side side, struct level *levels, uint32_t capacity)
{
    uint32_t count = 0;
    struct level level;
    for (bool more = book_best(book, side, &level); more && count < capacity;
         more = book_next(book, side, level.price, &level))
        levels[count++] = level;
    return count;
}

uint32_t book_level_count(const struct book *book, enum side side)
{
    const struct book_side *levels = &book->sides[side];
    uint32_t count = levels->far.count;
    for (int64_t slot = book_scan_up(levels, -1, book->window); slot >= 0;
         slot = book_scan_up(levels, slot, book->window))
        count++;
    return count;
}
