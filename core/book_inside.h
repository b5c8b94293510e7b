/* book_inside.h: how a book lies in memory, for the files that are the book (book.c, book_read.c) and no others.
 *
 *   price ──► slot of the window             book_slot_of       and back: book_price_of
 *   slot  ──► the next one with a quantity   book_scan_up, book_scan_down: empty chunks are skipped by their byte
 *   price ──► place in the sorted array      book_far_lower_bound: what the window does not hold
 *
 * book.c alone writes: it sets quantities, marks chunks used and forgets them, moves the window. book_read.c only
 * looks. All here is static inline: applying levels is the hottest loop of the program and stays in one translation
 * unit with what it calls.
 *
 * A chunk's byte may say "used" of a chunk that is empty by now, never the other way round.
 */
#ifndef TAPEDECK_CORE_BOOK_INSIDE_H
#define TAPEDECK_CORE_BOOK_INSIDE_H

#include "core/book.h"

#define BOOK_CHUNK 256 /* slots */

/* First index whose price is >= `price`. */
static inline uint32_t book_far_lower_bound(const struct book_far *far, px_t price)
{
    uint32_t low = 0, high = far->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (far->levels[middle].price < price)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How prices become slots: the unit grid needs no division, small steps one multiplication, large ones two. */
enum book_grid { GRID_UNIT, GRID_SMALL, GRID_LARGE };
#define GRID_SMALL_STEP_MAX (INT64_C(1) << 22)

static inline enum book_grid book_grid_of(const struct book *book)
{
    return book->step == 1 ? GRID_UNIT : book->step <= GRID_SMALL_STEP_MAX ? GRID_SMALL : GRID_LARGE;
}

/* Slot of a price, or a number >= window when it is outside or off the grid. With M = ceil(2^64 / step) the upper
 * half of distance * M is the quotient, and the lower half is below M exactly for multiples of the step, as long as
 * slots x step < M (Lemire, Kaser and Kurz, "Faster remainder by direct computation", 2019): that holds for every
 * slot of a window of 2^20 when step <= 2^22. Larger steps multiply back. */
static inline __attribute__((always_inline)) uint64_t book_slot_on(enum book_grid grid, px_t base, uint64_t step,
                                                                   uint64_t step_inverse, px_t price)
{
    const uint64_t distance = (uint64_t)price - (uint64_t)base;
    if (grid == GRID_UNIT)
        return distance;
    const u128_t product = (u128_t)distance * step_inverse;
    const uint64_t slot = (uint64_t)(product >> 64);
    const bool exact = grid == GRID_SMALL ? (uint64_t)product < step_inverse : slot * step == distance;
    return exact ? slot : UINT64_MAX;
}

static inline uint64_t book_slot_of(const struct book *book, px_t price)
{
    return book_slot_on(book_grid_of(book), book->base, (uint64_t)book->step, book->step_inverse, price);
}

static inline px_t book_price_of(const struct book *book, int64_t slot)
{
    return book->base + slot * book->step;
}

/* The highest chunk <= `chunk` that is marked used, -1: none. */
static inline int64_t book_used_down(const struct book_side *side, int64_t chunk)
{
    while (chunk >= 0 && side->used[chunk] == 0)
        chunk--;
    return chunk;
}

static inline int64_t book_used_up(const struct book_side *side, int64_t chunk, int64_t chunk_count)
{
    while (chunk < chunk_count && side->used[chunk] == 0)
        chunk++;
    return chunk;
}

/* The highest slot with a quantity below `slot`, -1: none. */
static inline int64_t book_scan_down(const struct book_side *side, int64_t slot)
{
    slot--;
    while (slot >= 0) {
        const int64_t first = slot & ~(int64_t)(BOOK_CHUNK - 1);
        if (side->used[slot / BOOK_CHUNK] != 0)
            for (; slot >= first; slot--)
                if (side->qty[slot] != 0)
                    return slot;
        const int64_t chunk = book_used_down(side, first / BOOK_CHUNK - 1);
        slot = chunk * BOOK_CHUNK + BOOK_CHUNK - 1;
    }
    return -1;
}

/* The lowest slot with a quantity above `slot`, -1: none. */
static inline int64_t book_scan_up(const struct book_side *side, int64_t slot, uint32_t window)
{
    slot++;
    while (slot < (int64_t)window) {
        const int64_t end = (slot & ~(int64_t)(BOOK_CHUNK - 1)) + BOOK_CHUNK;
        if (side->used[slot / BOOK_CHUNK] != 0)
            for (; slot < end; slot++)
                if (side->qty[slot] != 0)
                    return slot;
        slot = book_used_up(side, end / BOOK_CHUNK, window / BOOK_CHUNK) * BOOK_CHUNK;
    }
    return -1;
}

#endif
