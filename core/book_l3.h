/* book_l3.h: the single orders of a level-3 book: who stands where in which queue.
 *
 *    id ─► order 17 ─► level 100.1, bids:  #17 ─► #4 ─► #99       first in line first
 *          order  5 ─► level 100.0, bids:  #5                     `place` rises along every queue
 *          order  8 ─► level 100.2, asks:  #8 ─► #3
 *                            │ sums
 *                            ▼
 *                       struct book: the displayed quantities
 *
 * It is a part of a book (book.h) that book_l3_attach gives it; book_apply then also takes level-3 events.
 *
 *   L3_ADD      to the back of its price's queue
 *   L3_MODIFY   another price or a larger quantity: to the back; a smaller quantity: in its place
 *   L3_CANCEL   the quantity left, 0: gone
 *   L3_EXECUTE  the executed quantity comes off, nothing left: gone
 *
 * Who keeps the displayed quantities when a tape carries levels and orders (book.h, enum book_display): the levels,
 * as soon as there are any; in a book that is kept BY_ORDERS always the orders, and messages with levels are passed
 * over.
 *
 * When the orders are known. A level-3 tape begins with an L3_ADD for each resting order. A snapshot without levels
 * says that the book is empty and that what rests is told again. Orders are lost by a GAP, and by anything that shows
 * that messages are missing or do not fit: an unknown id, an id added twice, a quantity that cannot be, no more room.
 * What was lost is counted, a book that is shown by its orders becomes stale, and level-3 events are passed over
 * until a snapshot without levels. Orders that are told again where they stood, with no more quantity, keep their
 * place: they have stood in line all the time. (One that left and came back meanwhile is taken for one that stayed.)
 *
 * The caller brings the memory, zeroed; pages that no order needed are never touched.
 */
#ifndef TAPEDECK_CORE_BOOK_L3_H
#define TAPEDECK_CORE_BOOK_L3_H

#include "core/book.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BOOK_L3_ORDERS_DEFAULT 65536
#define BOOK_L3_ORDERS_MAX     (1u << 24)
#define L3_NONE                UINT32_MAX

struct l3_order {
    uint64_t id;
    uint64_t place; /* lower: joined its queue earlier */
    px_t price;
    qty_t qty;               /* what is left, > 0 */
    uint32_t next, previous; /* in the queue, towards its back and front; `next` also links free slots */
    uint32_t level;
    uint32_t bucket_next;
    uint32_t telling; /* the number of the snapshot after which it was told */
    uint8_t side;
    uint8_t reserved[3];
};

struct l3_level {
    px_t price;
    qty_t qty; /* sum over the queue */
    uint32_t first, last;
    uint32_t bucket_next; /* also links free slots */
    uint8_t side;
    uint8_t reserved[3];
};

enum l3_state {
    L3_FRESH, /* nothing told yet: the first L3_ADD begins */
    L3_KNOWN,
    L3_LOST,
};

enum l3_change_kind {
    L3_UNCHANGED,
    L3_JOINED,   /* a queue, at its back or, told again, where it stood */
    L3_REDUCED,  /* in its place, or gone */
    L3_EXECUTED, /* the same, by an execution */
    L3_MOVED,    /* to the back of a queue */
    L3_CLEARED,  /* no order rests; their slots mean nothing any more */
};

/* What the last event did. */
struct l3_change {
    enum l3_change_kind kind;
    enum side side;
    uint32_t slot; /* of the order */
    struct l3_point {
        px_t price;
        qty_t qty; /* of the order */
        uint64_t place;
        uint32_t level;
    } before, after; /* JOINED: no `before`; gone: after.qty 0 */
};

struct l3_stats {
    uint32_t orders_most; /* at once */
    uint64_t lost_full;   /* times that the orders were lost for want of room ... */
    uint64_t lost_wrong;  /* ... and by a message that does not fit */
    uint64_t passed_over; /* level-3 events while they were lost */
};

struct book_l3 {
    struct l3_order *orders;
    struct l3_level *levels;
    uint32_t *order_buckets, *level_buckets; /* slot + 1; 0: empty */
    uint32_t capacity, mask;
    uint32_t order_count;            /* resting */
    uint32_t order_used, level_used; /* slots that were ever taken since the memory was zero */
    uint32_t order_free, level_free; /* given back */
    uint32_t telling;
    enum l3_state state;
    uint64_t last_place;
    struct l3_change change;
    struct l3_stats stats;
};

size_t book_l3_size(uint32_t capacity);
/* To a book that has had no event yet. `memory` is 64-byte aligned and zeroed, for `capacity` orders
 * (1 .. BOOK_L3_ORDERS_MAX). `display`: BOOK_BY_EITHER or BOOK_BY_ORDERS. */
void book_l3_attach(struct book *book, void *memory, uint32_t capacity, enum book_display display);

/* NULL: no such order rests. The pointer lives until the next event. */
const struct l3_order *book_l3_find(const struct book *book, uint64_t id);
/* The level of a price, L3_NONE: no order rests there. */
uint32_t book_l3_level(const struct book_l3 *l3, enum side side, px_t price);

/* ---- for book.c ---- */
/* A level-3 event. */
void book_l3_apply(struct book *book, const struct event *event);
/* A snapshot or delta is about to be applied; false: pass it over. */
bool book_l3_before_levels(struct book *book, const struct event *event);
void book_l3_lose(struct book *book);
/* Orders and, where `to` is kept by orders, what is displayed. Both have orders of the same capacity, or `from` none.
 */
void book_l3_copy(struct book *to, const struct book *from);

#ifdef __cplusplus
}
#endif
#endif
