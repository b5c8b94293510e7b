/* synth_book.h: the true book of a synthetic market: every single order.
 *
 *      levels[tick & 4095]                       orders (a slab)
 *      ┌──────┬──────┬──────┬──────┬──────┐
 *  ... │ bids │ bids │      │ asks │ asks │ ...   level.head ─► #17 ─► #4 ─► #99 ◄─ level.tail
 *      └──────┴──────┴──────┴──────┴──────┘                    first in the queue    last
 *                 ▲             ▲
 *              best bid      best ask
 *
 * Prices are whole ticks and quantities whole lots. The levels are a ring of 4096 ticks: moving the window
 * (recentre) moves no memory, it only says which 4096 ticks the slots mean now. Two bits a slot: "has
 * bids/asks" finds the next price, "changed" remembers what the venue has not published yet; a side has a
 * summary bit a word, so both are found in a few instructions.
 *
 * Invariants: best bid < best ask, always; every order is in the queue of its price, first come first served; a
 * level's quantity and count are the sums over its queue; ids rise by one and are never used again;
 * update_id rises by one with every change of an order.
 *
 * It will not decide anything (synth_flow does) nor publish anything (synth_market does).
 */
#ifndef TAPEDECK_FEEDS_SYNTH_BOOK_H
#define TAPEDECK_FEEDS_SYNTH_BOOK_H

#include "core/base.h"

#define SYNTH_WINDOW   4096 /* ticks */
#define SYNTH_WORDS    (SYNTH_WINDOW / 64)
#define SYNTH_NO_ORDER UINT32_MAX

struct synth_order {
    uint64_t id;
    int64_t lots; /* what is left, > 0 while it rests */
    int64_t tick;
    uint32_t next, prev; /* towards the back and the front of the queue; in the free list: next */
    uint32_t band_index; /* synth_flow's */
    uint8_t band;        /* synth_flow's */
    uint8_t side;
    uint16_t reserved;
};

struct synth_level {
    int64_t lots;
    uint32_t head, tail;
    uint32_t count;
    uint32_t side; /* of its orders, when it has any */
};

struct synth_bits {
    uint64_t words[SYNTH_WORDS];
    uint64_t summary;
};

struct synth_book {
    struct synth_level *levels; /* SYNTH_WINDOW */
    struct synth_order *orders; /* order_capacity */
    uint32_t order_capacity;
    uint32_t free_head;
    uint32_t order_count[2];
    int64_t best[2]; /* tick of the best bid and ask; only while order_count of the side > 0 */
    int64_t low;     /* the window: [low, low + SYNTH_WINDOW) */
    uint64_t last_id;
    uint64_t update_id;
    struct synth_bits used[2];
    struct synth_bits changed[2];
};

size_t synth_book_size(uint32_t order_capacity);
/* `memory` is 8-byte aligned; the window is centred at `centre`. */
void synth_book_init(struct synth_book *book, void *memory, uint32_t order_capacity, int64_t centre);

static inline bool synth_book_in_window(const struct synth_book *book, int64_t tick)
{
    return tick >= book->low && tick < book->low + SYNTH_WINDOW;
}
static inline bool synth_book_full(const struct synth_book *book)
{
    return book->free_head == SYNTH_NO_ORDER;
}
static inline struct synth_level *synth_book_level(const struct synth_book *book, int64_t tick)
{
    return &book->levels[tick & (SYNTH_WINDOW - 1)];
}
/* Lots of `side` at `tick`; 0 outside the window. */
int64_t synth_book_lots(const struct synth_book *book, enum side side, int64_t tick);

/* A new order at the back of its price's queue; its place in the slab. There must be room, the price must be in
 * the window and not cross. */
uint32_t synth_book_add(struct synth_book *book, enum side side, int64_t tick, int64_t lots);
/* Take `lots` (1..what is left) from an order; at nothing left it is gone and its place is free again. */
void synth_book_reduce(struct synth_book *book, uint32_t order, int64_t lots);
/* Move an order to the back of the queue of another price (or its own), with a new quantity; it keeps its id. */
void synth_book_move(struct synth_book *book, uint32_t order, int64_t tick, int64_t lots);

/* The next price of `side` with orders, worse than `tick`. False: none. */
bool synth_book_next(const struct synth_book *book, enum side side, int64_t tick, int64_t *next);

/* The worst price of `side` with orders. False: none. */
bool synth_book_worst(const struct synth_book *book, enum side side, int64_t *worst);

/* Anything changed and not published? */
static inline bool synth_book_has_changes(const struct synth_book *book)
{
    return (book->changed[0].summary | book->changed[1].summary) != 0;
}
/* Changed prices of a side, best first, into `ticks` (SYNTH_WINDOW of room); forgets them. Returns how many. */
uint32_t synth_book_take_changes(struct synth_book *book, enum side side, int64_t *ticks);
/* Would a window around `centre` lose unpublished changes? */
bool synth_book_changes_outside(const struct synth_book *book, int64_t centre);
/* Move the window. Neither orders nor unpublished changes may lie outside the new one. */
void synth_book_recentre(struct synth_book *book, int64_t centre);

#endif
