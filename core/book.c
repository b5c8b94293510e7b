/* How: two dense arrays of quantities share one window of slots. A byte for every BOOK_CHUNK slots says whether a
 * quantity was ever set there since the chunk was last found empty: setting is one predictable test, and looking for
 * the next best price skips empty stretches and forgets them on the way. One spare array of the same size makes
 * moving the window a walk over the levels that exist. Why not a bit a slot: every level would read, change and write
 * the same few words, each waiting for the one before (measured: a third slower). Why not a hash or a tree near the
 * touch: three to five times the cost of the array, and iteration orders to worry about. */
#include "core/book_inside.h"
#include "core/book_l3.h"

#include <string.h>

static size_t side_size(uint32_t window)
{
    return align64(window * sizeof(qty_t)) + align64(window / BOOK_CHUNK);
}

size_t book_size(uint32_t window, uint32_t far_capacity)
{
    return 3 * side_size(window) + 2 * align64(far_capacity * sizeof(struct level));
}

static uint8_t *place_side(struct book_side *side, uint8_t *at, uint32_t window)
{
    side->qty = (qty_t *)(void *)at;
    at += align64(window * sizeof(qty_t));
    side->used = at;
    at += align64(window / BOOK_CHUNK);
    side->best = -1;
    return at;
}

void book_init(struct book *book, void *memory, uint32_t window, uint32_t far_capacity,
               const struct instrument *instrument)
{
    ASSERT(window >= BOOK_WINDOW_MIN && window <= BOOK_WINDOW_MAX && (window & (window - 1)) == 0);
    ASSERT(((uintptr_t)memory & 63) == 0);
    memset(book, 0, sizeof(*book));
    uint8_t *at = memory;
    at = place_side(&book->sides[SIDE_BUY], at, window);
    at = place_side(&book->sides[SIDE_SELL], at, window);
    at = place_side(&book->spare, at, window);
    /* The window's memory must be zero. Fresh pages are: reading tells without touching what was never used
     * would cost as much as writing, so callers hand in zeroed memory (calloc, mmap). */
    for (int s = 0; s < 2; s++) {
        book->sides[s].far.levels = (struct level *)(void *)at;
        book->sides[s].far.capacity = far_capacity;
        at += align64(far_capacity * sizeof(struct level));
    }
    book->window = window;
    book->step = 1;
    book->flags = BOOK_STALE;
    book->instrument = instrument;
}

/* ---- far levels: one sorted array a side ---- */

static __attribute__((noinline)) void far_set(struct book *book, struct book_far *far, px_t price, qty_t qty)
{
    uint32_t i = book_far_lower_bound(far, price);
    bool found = i < far->count && far->levels[i].price == price;
    if (found && qty != 0) {
        far->levels[i].qty = qty;
    } else if (found) {
        memmove(far->levels + i, far->levels + i + 1, (far->count - i - 1) * sizeof(struct level));
        far->count--;
    } else if (qty == 0) {
        book->stats.deletes_absent++;
    } else if (far->count == far->capacity) {
        book->stats.refused++;
        book->flags |= BOOK_STALE;
    } else {
        memmove(far->levels + i + 1, far->levels + i, (far->count - i) * sizeof(struct level));
        far->levels[i] = (struct level){price, qty};
        far->count++;
    }
}

/* ---- the window ---- */

/* Chunks between the old best and the new one were just found empty: forget them. */
static void forget_chunks(struct book_side *side, int64_t low_slot, int64_t high_slot)
{
    const int64_t low = low_slot / BOOK_CHUNK + 1, high = high_slot / BOOK_CHUNK;
    for (int64_t chunk = low; chunk < high; chunk++)
        side->used[chunk] = 0;
}

/* The plain leaf: levels of one side into the window, everything unusual handed to far_set. Written once
 * for both sides; `buy` and the grid are constants in each of the six copies the compiler makes. Nothing in the
 * loop depends on whether a level is set or deleted (no one could predict that): the best price is looked for
 * once, after the message, from the best slot that was ever set. */
static inline __attribute__((always_inline)) void apply_side(struct book *book, const struct level *levels,
                                                             uint32_t count, bool buy, enum book_grid grid)
{
    struct book_side *side = &book->sides[buy ? SIDE_BUY : SIDE_SELL];
    qty_t *const slots = side->qty;
    uint8_t *const used = side->used;
    const px_t base = book->base;
    const uint64_t window = book->window;
    const uint64_t step = (uint64_t)book->step, step_inverse = book->step_inverse;
    /* As unsigned, -1 (no level) is the largest: right for asks; bids compare as signed. */
    int64_t reach = side->best;
    uint64_t absent = 0;

    for (uint32_t i = 0; i < count; i++) {
        const qty_t qty = levels[i].qty;
        const uint64_t slot = book_slot_on(grid, base, step, step_inverse, levels[i].price);
        if (UNLIKELY(slot >= window)) {
            book->stats.far_levels++;
            far_set(book, &side->far, levels[i].price, qty);
            continue;
        }
        const qty_t old = slots[slot];
        slots[slot] = qty;
        absent += (old | qty) == 0;
        if (UNLIKELY(used[slot / BOOK_CHUNK] == 0))
            used[slot / BOOK_CHUNK] = 1;
        const int64_t candidate = qty != 0 ? (int64_t)slot : -1;
        if (buy)
            reach = candidate > reach ? candidate : reach;
        else
            reach = (uint64_t)candidate < (uint64_t)reach ? candidate : reach;
    }
    if (reach >= 0 && slots[reach] == 0) {
        const int64_t from = reach;
        reach = buy ? book_scan_down(side, from) : book_scan_up(side, from, (uint32_t)window);
        if (buy)
            forget_chunks(side, reach, from);
        else
            forget_chunks(side, from, reach < 0 ? (int64_t)window : reach);
    }
    side->best = reach;
    book->stats.deletes_absent += absent;
}

static void apply_levels(struct book *book, enum side side, const struct level *levels, uint32_t count)
{
    const bool buy = side == SIDE_BUY;
    switch (book_grid_of(book)) {
    case GRID_UNIT:
        buy ? apply_side(book, levels, count, true, GRID_UNIT) : apply_side(book, levels, count, false, GRID_UNIT);
        break;
    case GRID_SMALL:
        buy ? apply_side(book, levels, count, true, GRID_SMALL) : apply_side(book, levels, count, false, GRID_SMALL);
        break;
    case GRID_LARGE:
        buy ? apply_side(book, levels, count, true, GRID_LARGE) : apply_side(book, levels, count, false, GRID_LARGE);
        break;
    }
}

/* The better of the window's best and the sorted array's best. */
static inline void refresh_touch(struct book *book, enum side s)
{
    const struct book_side *side = &book->sides[s];
    struct level touch = {0, 0};
    if (LIKELY(side->best >= 0))
        touch = (struct level){book_price_of(book, side->best), side->qty[side->best]};
    if (side->far.count != 0) {
        struct level far = s == SIDE_BUY ? side->far.levels[side->far.count - 1] : side->far.levels[0];
        if (touch.qty == 0 || (s == SIDE_BUY ? far.price > touch.price : far.price < touch.price))
            touch = far;
    }
    book->touch[s] = touch;
}

/* Empties a side's window, touching only what was used. */
static void clear_window(struct book_side *side, uint32_t window)
{
    for (uint32_t chunk = 0; chunk < window / BOOK_CHUNK; chunk++) {
        if (side->used[chunk] == 0)
            continue;
        side->used[chunk] = 0;
        memset(side->qty + (size_t)chunk * BOOK_CHUNK, 0, BOOK_CHUNK * sizeof(qty_t));
    }
    side->best = -1;
}

/* Where a window of `span` may be centered so that no price of it leaves the range of a price. */
static px_t clamp_center(px_t center, px_t span)
{
    if (center > INT64_MAX - span)
        return INT64_MAX - span;
    return center < INT64_MIN + span ? INT64_MIN + span : center;
}

static void set_grid(struct book *book, px_t center, ns_t ts)
{
    px_t step = 1;
    if (instrument_tick(book->instrument, center > 0 ? center : 1, ts, &step) != ERR_OK)
        step = 1;
    /* A window must not overflow the price's range: a step that large means a few levels; they go far. */
    if (step > INT64_MAX / 4 / (px_t)book->window)
        step = 1;
    px_t base = clamp_center(center, (px_t)book->window * step) - (px_t)(book->window / 2) * step;
    base -= base % step; /* toward zero; any multiple near the center will do */
    book->step = step;
    book->step_inverse = step == 1 ? 0 : UINT64_MAX / (uint64_t)step + 1;
    book->base = base;
}

/* Where the window should be centered; false: the book is empty. */
static bool middle(const struct book *book, px_t *center)
{
    const struct level *bid = &book->touch[SIDE_BUY], *ask = &book->touch[SIDE_SELL];
    if (bid->qty == 0 && ask->qty == 0)
        return false;
    if (bid->qty == 0)
        *center = ask->price;
    else if (ask->qty == 0)
        *center = bid->price;
    else
        *center = bid->price / 2 + ask->price / 2;
    return true;
}

/* Put one level of `side` (old window or far) where it belongs on the new grid. */
static void place(struct book *book, struct book_side *to, struct book_far *far, px_t price, qty_t qty)
{
    uint64_t slot = book_slot_of(book, price);
    if (slot >= book->window) {
        far_set(book, far, price, qty);
        return;
    }
    to->qty[slot] = qty;
    to->used[slot / BOOK_CHUNK] = 1;
}

static void move_window(struct book *book, px_t center, ns_t ts)
{
    const px_t old_base = book->base, old_step = book->step;
    set_grid(book, center, ts);
    book->stats.recentres++;
    for (int s = 0; s < 2; s++) {
        struct book_side *side = &book->sides[s];
        struct book_side *to = &book->spare;
        /* Far levels that the new window covers come in first, so that those that leave find room. */
        struct book_far *far = &side->far;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < far->count; i++) {
            struct level level = far->levels[i];
            if (book_slot_of(book, level.price) < book->window)
                place(book, to, far, level.price, level.qty);
            else
                far->levels[kept++] = level;
        }
        far->count = kept;
        for (int64_t slot = book_scan_up(side, -1, book->window); slot >= 0;
             slot = book_scan_up(side, slot, book->window))
            place(book, to, far, old_base + slot * old_step, side->qty[slot]);
        clear_window(side, book->window);
        /* Swap the arrays; the emptied one is the next spare. */
        struct book_side emptied = *side;
        side->qty = to->qty;
        side->used = to->used;
        side->best = s == SIDE_BUY ? book_scan_down(side, book->window) : book_scan_up(side, -1, book->window);
        to->qty = emptied.qty;
        to->used = emptied.used;
        refresh_touch(book, (enum side)s);
    }
}

/* The side's slots into the spare array, as they are; what they lay in is the spare now. */
static void move_to_spare(struct book *book, struct book_side *side)
{
    struct book_side *to = &book->spare;
    for (uint32_t chunk = 0; chunk < book->window / BOOK_CHUNK; chunk++) {
        if (side->used[chunk] == 0)
            continue;
        const size_t at = (size_t)chunk * BOOK_CHUNK;
        memcpy(to->qty + at, side->qty + at, BOOK_CHUNK * sizeof(qty_t));
        memset(side->qty + at, 0, BOOK_CHUNK * sizeof(qty_t));
        to->used[chunk] = side->used[chunk];
        side->used[chunk] = 0;
    }
    const struct book_side emptied = *side;
    side->qty = to->qty;
    side->used = to->used;
    to->qty = emptied.qty;
    to->used = emptied.used;
}

/* The n-th lowest of the three arrays: where book_init put side n. */
static const qty_t *array_of(const struct book *book, int number)
{
    const qty_t *low = book->spare.qty, *high = low;
    for (int s = 0; s < 2; s++) {
        low = book->sides[s].qty < low ? book->sides[s].qty : low;
        high = book->sides[s].qty > high ? book->sides[s].qty : high;
    }
    return number == 0 ? low : low + (high - low) / 2;
}

void book_settle(struct book *book)
{
    for (int s = 0; s < 2; s++) {
        const qty_t *wanted = array_of(book, s);
        if (book->sides[s].qty == wanted)
            continue;
        if (book->sides[1 - s].qty == wanted)
            move_to_spare(book, &book->sides[1 - s]);
        move_to_spare(book, &book->sides[s]);
    }
}

/* Is a touch within an eighth of the window's edge, or outside? */
static inline bool near_edge(const struct book *book, enum side s)
{
    const struct level *touch = &book->touch[s];
    if (touch->qty == 0)
        return false;
    const uint64_t span = (uint64_t)book->step * book->window;
    return (uint64_t)touch->price - (uint64_t)book->base - span / 8 >= span / 4 * 3;
}

static void recentre(struct book *book, ns_t ts)
{
    px_t center;
    if (!middle(book, &center))
        return;
    px_t span = book->step * (px_t)book->window;
    px_t middle_price = book_price_of(book, book->window / 2);
    px_t distance;
    bool beyond = __builtin_sub_overflow(clamp_center(center, span), middle_price, &distance);
    /* Two touches further apart than the window cannot both be inside: do not move to and fro for that. */
    if (beyond || distance > span / 16 || distance < -(span / 16))
        move_window(book, center, ts);
}

/* First levels of an empty book: the window goes to them. */
static void start_grid(struct book *book, const struct event *event)
{
    const struct level *levels = event->levels;
    bool have_bid = false, have_ask = false;
    px_t bid = 0, ask = 0;
    for (uint32_t i = 0; i < event->bid_count; i++) {
        if (levels[i].qty != 0 && (!have_bid || levels[i].price > bid)) {
            bid = levels[i].price;
            have_bid = true;
        }
    }
    levels += event->bid_count;
    for (uint32_t i = 0; i < event->ask_count; i++) {
        if (levels[i].qty != 0 && (!have_ask || levels[i].price < ask)) {
            ask = levels[i].price;
            have_ask = true;
        }
    }
    if (have_bid && have_ask)
        set_grid(book, bid / 2 + ask / 2, event->ts);
    else if (have_bid || have_ask)
        set_grid(book, have_bid ? bid : ask, event->ts);
}

/* Best first in a snapshot: the last level of a side is as deep as it goes. */
static void set_cover(struct book *book, const struct event *event)
{
    const uint32_t counts[2] = {event->bid_count, event->ask_count};
    const struct level *end = event->levels;
    for (int s = 0; s < 2; s++) {
        end += counts[s];
        book->covered[s] = counts[s] != 0;
        book->cover[s] = counts[s] != 0 ? end[-1].price : 0;
    }
}

static inline bool is_empty(const struct book *book)
{
    return book->touch[0].qty == 0 && book->touch[1].qty == 0;
}

static inline void finish_message(struct book *book, ns_t ts)
{
    refresh_touch(book, SIDE_BUY);
    refresh_touch(book, SIDE_SELL);
    if (UNLIKELY(near_edge(book, SIDE_BUY) || near_edge(book, SIDE_SELL)))
        recentre(book, ts);
    const struct level *bid = &book->touch[SIDE_BUY], *ask = &book->touch[SIDE_SELL];
    if (UNLIKELY(bid->qty != 0 && ask->qty != 0 && bid->price >= ask->price)) {
        book->flags |= BOOK_CROSSED;
        book->stats.crossed++;
    } else {
        book->flags &= ~(uint32_t)BOOK_CROSSED;
    }
}

void book_clear(struct book *book)
{
    for (int s = 0; s < 2; s++) {
        clear_window(&book->sides[s], book->window);
        book->sides[s].far.count = 0;
        book->touch[s] = (struct level){0, 0};
    }
    book->flags &= ~(uint32_t)(BOOK_CROSSED | BOOK_PARTIAL);
}

void book_apply(struct book *book, const struct event *event)
{
    switch (event->kind) {
    case EVENT_BOOK_DELTA:
        if (UNLIKELY(book->display != BOOK_BY_LEVELS) && !book_l3_before_levels(book, event))
            return;
        book->stats.deltas++;
        if (UNLIKELY(is_empty(book)))
            start_grid(book, event);
        break;
    case EVENT_BOOK_SNAPSHOT:
        if (book->l3 != NULL && !book_l3_before_levels(book, event))
            return;
        book->stats.snapshots++;
        book_clear(book);
        book->flags = event->flags & EVENT_PARTIAL ? BOOK_PARTIAL : 0;
        start_grid(book, event);
        set_cover(book, event);
        break;
    case EVENT_GAP:
        book->stats.gaps++;
        book->flags |= BOOK_STALE;
        if (book->l3 != NULL)
            book_l3_lose(book);
        return;
    case EVENT_L3_ADD:
    case EVENT_L3_MODIFY:
    case EVENT_L3_CANCEL:
    case EVENT_L3_EXECUTE:
        if (book->l3 != NULL)
            book_l3_apply(book, event);
        return;
    default:
        return;
    }
    apply_levels(book, SIDE_BUY, event->levels, event->bid_count);
    apply_levels(book, SIDE_SELL, event->levels + event->bid_count, event->ask_count);
    book->stats.levels += (uint64_t)event->bid_count + event->ask_count;
    book->seq = event->seq;
    book->ts = event->ts;
    finish_message(book, event->ts);
}

void book_set(struct book *book, enum side side, px_t price, qty_t qty)
{
    const struct level level = {price, qty};
    if (is_empty(book) && qty != 0)
        set_grid(book, price, book->ts);
    apply_levels(book, side, &level, 1);
    book->stats.levels++;
    finish_message(book, book->ts);
}

void book_copy(struct book *to, const struct book *from)
{
    ASSERT(to->window == from->window && to->instrument == from->instrument);
    for (int s = 0; s < 2; s++) {
        struct book_side *side = &to->sides[s];
        const struct book_side *source = &from->sides[s];
        ASSERT(side->far.capacity == source->far.capacity);
        clear_window(side, to->window);
        for (int64_t slot = book_scan_up(source, -1, from->window); slot >= 0;
             slot = book_scan_up(source, slot, from->window))
            side->qty[slot] = source->qty[slot];
        memcpy(side->used, source->used, from->window / BOOK_CHUNK);
        side->best = source->best;
        side->far.count = source->far.count;
        if (source->far.count != 0)
            memcpy(side->far.levels, source->far.levels, source->far.count * sizeof(struct level));
        to->touch[s] = from->touch[s];
        to->cover[s] = from->cover[s];
        to->covered[s] = from->covered[s];
    }
    to->base = from->base;
    to->step = from->step;
    to->step_inverse = from->step_inverse;
    to->flags = from->flags;
    to->seq = from->seq;
    to->ts = from->ts;
    to->stats = from->stats;
    if (to->l3 != NULL)
        book_l3_copy(to, from);
}
