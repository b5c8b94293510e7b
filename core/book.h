/* book.h: the full-depth price levels of one instrument.
 *
 *            far (sorted)      window: WINDOW ticks, dense          far (sorted)
 *   bids   ─ ─ ─ ─ ─ ─ ─ ┤ qty[0] ... qty[best_bid] . . . . . ├ ─ ─ ─ ─ ─ ─ ─
 *   asks   ─ ─ ─ ─ ─ ─ ─ ┤ . . . . . qty[best_ask] ... qty[W] ├ ─ ─ ─ ─ ─ ─ ─
 *                         base                                base + W * step
 *
 * Near the touch a level is one array slot (O(1) read and write); a byte for a stretch of slots tells where there
 * is nothing, so that the next best price is found quickly. Levels outside the window, or off its grid, live in
 * one sorted array a side: fewer, slower, never lost. The window moves when the touch comes near its edge. Best
 * prices are always at hand.
 *
 * What is wrong with a book is reported, not hidden:
 *   stale     no snapshot yet, or data were missed since (GAP); stays until the next snapshot
 *   crossed   best bid >= best ask after a whole message; levels stay as the venue sent them
 *   counters  deletes of absent levels, levels off the grid, levels refused for want of room
 *
 * The caller brings the memory (book_size); nothing is allocated after book_init. An empty side has no
 * price: functions say so with their result, there is no sentinel price to leak.
 */
#ifndef TAPEDECK_CORE_BOOK_H
#define TAPEDECK_CORE_BOOK_H

#include "core/event.h"
#include "core/instrument.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BOOK_WINDOW_MIN     4096
#define BOOK_WINDOW_MAX     1048576
#define BOOK_WINDOW_DEFAULT 131072 /* ticks; a power of two */
#define BOOK_FAR_DEFAULT    16384  /* levels a side outside the window or off its grid */

enum book_flag {
    BOOK_STALE = 1 << 0,
    BOOK_CROSSED = 1 << 1,
    BOOK_PARTIAL = 1 << 2, /* the last snapshot held only the top levels */
};

/* Who says what is displayed. Without orders (book_l3.h): the messages with levels. */
enum book_display {
    BOOK_BY_LEVELS,
    BOOK_BY_EITHER, /* the orders, until a message with levels comes: then BY_LEVELS */
    BOOK_BY_ORDERS, /* messages with levels are passed over */
};

struct book_l3;

struct book_stats {
    uint64_t snapshots;
    uint64_t deltas;
    uint64_t levels;         /* applied, deletes included */
    uint64_t deletes_absent; /* deletes of levels that were not there: normal on most venues */
    uint64_t far_levels;     /* levels that went to the sorted arrays */
    uint64_t crossed;        /* messages after which the book was crossed */
    uint64_t gaps;
    uint64_t recentres;
    uint64_t refused; /* levels dropped because the sorted array was full: the book is then stale */
};

struct book_far {
    struct level *levels; /* rising by price */
    uint32_t count;
    uint32_t capacity;
};

struct book_side {
    qty_t *qty;    /* window slots */
    uint8_t *used; /* a byte a chunk of slots: 0 means that all of them are empty */
    int64_t best;  /* slot of the best window level, -1: none */
    struct book_far far;
};

struct book {
    px_t base;             /* price of slot 0 */
    px_t step;             /* price distance of neighbouring slots */
    uint64_t step_inverse; /* for exact division by step; 0 when step is 1 */
    uint32_t window;       /* slots, a power of two */
    uint32_t flags;        /* enum book_flag */
    struct level touch[2]; /* best bid, best ask; qty 0: that side is empty */
    px_t cover[2];         /* the worst price of each side of the last snapshot: as deep as a partial book knows */
    bool covered[2];       /* false: that side of it was empty */
    struct book_side sides[2];
    struct book_side spare; /* empty arrays that a moving window is rebuilt in */
    enum book_display display;
    struct book_l3 *l3; /* its single orders, NULL: level-3 events change nothing */
    const struct instrument *instrument;
    uint64_t seq; /* of the last message applied */
    ns_t ts;      /* of the last message applied */
    struct book_stats stats;
};

size_t book_size(uint32_t window, uint32_t far_capacity);
/* `memory` is 64-byte aligned and zeroed (fresh pages are, and stay untouched until used); `instrument` gives the
 * grid and must outlive the book. A new book is empty and stale. */
void book_init(struct book *book, void *memory, uint32_t window, uint32_t far_capacity,
               const struct instrument *instrument);
/* Put the arrays back to where book_init placed them: a moving window changes them about. Nothing else changes. For a
 * snapshot of the memory, in which addresses must be as they were at the start. */
void book_settle(struct book *book);
/* Make `to` (initialised with the same sizes and instrument) hold what `from` holds; counters too. A `to` with orders
 * needs a `from` with orders. */
void book_copy(struct book *to, const struct book *from);

/* Apply a BOOK_SNAPSHOT, BOOK_DELTA or GAP, and with orders a level-3 event; other kinds change nothing. */
void book_apply(struct book *book, const struct event *event);
/* One level, outside of messages (a simulated venue's own changes). */
void book_set(struct book *book, enum side side, px_t price, qty_t qty);
void book_clear(struct book *book);

/* Best price of a side. False: the side is empty and `level` untouched. */
static inline bool book_best(const struct book *book, enum side side, struct level *level)
{
    if (book->touch[side].qty == 0)
        return false;
    *level = book->touch[side];
    return true;
}
/* Both sides there, not crossed, not stale. */
static inline bool book_is_sound(const struct book *book)
{
    return book->flags == (book->flags & BOOK_PARTIAL) && book->touch[0].qty != 0 && book->touch[1].qty != 0;
}
/* Is what the book holds at a price all that the venue displays there? False beyond the depth of a partial
 * snapshot: a level that deltas brought is known, one that is not there is not known to be empty. */
static inline bool book_covers(const struct book *book, enum side side, px_t price)
{
    if ((book->flags & BOOK_PARTIAL) == 0)
        return true;
    return book->covered[side] && (side == SIDE_BUY ? price >= book->cover[side] : price <= book->cover[side]);
}
/* Displayed quantity at a price, 0: none. */
qty_t book_qty_at(const struct book *book, enum side side, px_t price);
/* The next level worse than `price` (lower for bids, higher for asks). False: none. */
bool book_next(const struct book *book, enum side side, px_t price, struct level *level);
/* Up to `capacity` best levels, best first; returns how many. */
uint32_t book_top(const struct book *book, enum side side, struct level *levels, uint32_t capacity);
/* Counts: for reports, not for the event path. */
uint32_t book_level_count(const struct book *book, enum side side);

#ifdef __cplusplus
}
#endif
#endif
