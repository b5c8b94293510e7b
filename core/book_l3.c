/* How: a slab of orders and one of levels, each with a hash into it, chained. The queue of a level is a doubly linked
 * list through the orders. Buckets hold slot + 1 and slots are handed out from the bottom, so that zeroed memory is
 * an empty table and what is never used is never touched.
 *
 * A snapshot without levels begins a new telling: the levels are forgotten, the orders stay in the hash as those of
 * an earlier telling. They do not rest, but an L3_ADD that names one again finds where it stood. They are swept out
 * when their room is needed. */
#include "core/book_l3.h"

#include <string.h>

static uint32_t bucket_count(uint32_t capacity)
{
    uint32_t count = 16;
    while (count < capacity)
        count *= 2;
    return count;
}

size_t book_l3_size(uint32_t capacity)
{
    return align64(sizeof(struct book_l3)) + align64(capacity * sizeof(struct l3_order)) +
           align64(capacity * sizeof(struct l3_level)) + 2 * align64(bucket_count(capacity) * sizeof(uint32_t));
}

void book_l3_attach(struct book *book, void *memory, uint32_t capacity, enum book_display display)
{
    uint8_t *at = memory;
    ASSERT(((uintptr_t)memory & 63) == 0 && capacity >= 1 && capacity <= BOOK_L3_ORDERS_MAX);
    ASSERT(book->stats.snapshots + book->stats.deltas == 0 && display != BOOK_BY_LEVELS);
    struct book_l3 *l3 = memory;
    memset(l3, 0, sizeof(*l3));
    at += align64(sizeof(*l3));
    l3->orders = (struct l3_order *)(void *)at;
    at += align64(capacity * sizeof(struct l3_order));
    l3->levels = (struct l3_level *)(void *)at;
    at += align64(capacity * sizeof(struct l3_level));
    l3->order_buckets = (uint32_t *)(void *)at;
    at += align64(bucket_count(capacity) * sizeof(uint32_t));
    l3->level_buckets = (uint32_t *)(void *)at;
    l3->capacity = capacity;
    l3->mask = bucket_count(capacity) - 1;
    l3->order_free = l3->level_free = L3_NONE;
    book->l3 = l3;
    book->display = display;
}

/* ---- levels ---- */

static uint32_t *level_bucket(const struct book_l3 *l3, enum side side, px_t price)
{
    const uint64_t key = (uint64_t)price * 2 + (uint64_t)side;
    return &l3->level_buckets[(key * UINT64_C(0x9E3779B97F4A7C15)) >> 32 & l3->mask];
}

uint32_t book_l3_level(const struct book_l3 *l3, enum side side, px_t price)
{
    uint32_t link = *level_bucket(l3, side, price);
    while (link != 0 && (l3->levels[link - 1].price != price || l3->levels[link - 1].side != side))
        link = l3->levels[link - 1].bucket_next;
    return link == 0 ? L3_NONE : link - 1;
}

static uint32_t level_at(struct book_l3 *l3, enum side side, px_t price)
{
    uint32_t slot = book_l3_level(l3, side, price);
    if (slot != L3_NONE)
        return slot;
    slot = l3->level_free; /* there are as many level slots as order slots */
    if (slot != L3_NONE)
        l3->level_free = l3->levels[slot].bucket_next;
    else
        slot = l3->level_used++;
    uint32_t *bucket = level_bucket(l3, side, price);
    l3->levels[slot] = (struct l3_level){
        .price = price, .first = L3_NONE, .last = L3_NONE, .bucket_next = *bucket, .side = (uint8_t)side};
    *bucket = slot + 1;
    return slot;
}

static void level_remove(struct book_l3 *l3, uint32_t slot)
{
    struct l3_level *level = &l3->levels[slot];
    uint32_t *link = level_bucket(l3, (enum side)level->side, level->price);
    while (*link != slot + 1)
        link = &l3->levels[*link - 1].bucket_next;
    *link = level->bucket_next;
    level->bucket_next = l3->level_free;
    l3->level_free = slot;
}

/* ---- orders ---- */

static uint32_t *order_bucket(const struct book_l3 *l3, uint64_t id)
{
    return &l3->order_buckets[(id * UINT64_C(0x9E3779B97F4A7C15)) >> 32 & l3->mask];
}

/* Of any telling. */
static uint32_t order_slot(const struct book_l3 *l3, uint64_t id)
{
    uint32_t link = *order_bucket(l3, id);
    while (link != 0 && l3->orders[link - 1].id != id)
        link = l3->orders[link - 1].bucket_next;
    return link == 0 ? L3_NONE : link - 1;
}

static uint32_t resting_slot(const struct book_l3 *l3, uint64_t id)
{
    const uint32_t slot = order_slot(l3, id);
    return slot != L3_NONE && l3->orders[slot].telling == l3->telling ? slot : L3_NONE;
}

const struct l3_order *book_l3_find(const struct book *book, uint64_t id)
{
    const uint32_t slot = book->l3 == NULL ? L3_NONE : resting_slot(book->l3, id);
    return slot == L3_NONE ? NULL : &book->l3->orders[slot];
}

static void order_forget(struct book_l3 *l3, uint32_t slot)
{
    struct l3_order *order = &l3->orders[slot];
    uint32_t *link = order_bucket(l3, order->id);
    while (*link != slot + 1)
        link = &l3->orders[*link - 1].bucket_next;
    *link = order->bucket_next;
    order->qty = 0;
    order->next = l3->order_free;
    l3->order_free = slot;
}

/* Those of an earlier telling that were not told again. */
static void sweep(struct book_l3 *l3)
{
    for (uint32_t slot = 0; slot < l3->order_used; slot++)
        if (l3->orders[slot].qty != 0 && l3->orders[slot].telling != l3->telling)
            order_forget(l3, slot);
}

/* L3_NONE: no room. */
static uint32_t order_new(struct book_l3 *l3, uint64_t id)
{
    if (l3->order_free == L3_NONE && l3->order_used == l3->capacity)
        sweep(l3);
    uint32_t slot = l3->order_free;
    if (slot == L3_NONE && l3->order_used == l3->capacity)
        return L3_NONE;
    if (slot != L3_NONE)
        l3->order_free = l3->orders[slot].next;
    else
        slot = l3->order_used++;
    uint32_t *bucket = order_bucket(l3, id);
    l3->orders[slot] = (struct l3_order){.id = id, .bucket_next = *bucket};
    *bucket = slot + 1;
    return slot;
}

/* Into the queue of its price, behind all with an earlier place: nearly always at the back. */
static void enqueue(struct book_l3 *l3, uint32_t slot)
{
    struct l3_order *order = &l3->orders[slot];
    order->level = level_at(l3, (enum side)order->side, order->price);
    struct l3_level *level = &l3->levels[order->level];
    uint32_t before = level->last;
    while (before != L3_NONE && l3->orders[before].place > order->place)
        before = l3->orders[before].previous;
    order->previous = before;
    order->next = before == L3_NONE ? level->first : l3->orders[before].next;
    *(before == L3_NONE ? &level->first : &l3->orders[before].next) = slot;
    *(order->next == L3_NONE ? &level->last : &l3->orders[order->next].previous) = slot;
    level->qty += order->qty;
}

static void dequeue(struct book_l3 *l3, uint32_t slot)
{
    const struct l3_order *order = &l3->orders[slot];
    struct l3_level *level = &l3->levels[order->level];
    *(order->previous == L3_NONE ? &level->first : &l3->orders[order->previous].next) = order->next;
    *(order->next == L3_NONE ? &level->last : &l3->orders[order->next].previous) = order->previous;
    level->qty -= order->qty;
    if (level->first == L3_NONE)
        level_remove(l3, order->level);
}

/* ---- what an event does ---- */

static struct l3_point point_of(const struct l3_order *order)
{
    return (struct l3_point){order->price, order->qty, order->place, order->level};
}

/* The orders say what is displayed. */
static void show(struct book *book, enum side side, px_t price)
{
    const uint32_t level = book_l3_level(book->l3, side, price);
    if (book->display != BOOK_BY_LEVELS)
        book_set(book, side, price, level == L3_NONE ? 0 : book->l3->levels[level].qty);
}

void book_l3_lose(struct book *book)
{
    book->l3->state = L3_LOST;
    book->l3->change.kind = L3_UNCHANGED;
    if (book->display != BOOK_BY_LEVELS)
        book->flags |= BOOK_STALE;
}

static void lose_wrong(struct book *book)
{
    book->l3->stats.lost_wrong++;
    book_l3_lose(book);
}

static bool sum_fits(const struct book_l3 *l3, enum side side, px_t price, qty_t qty)
{
    const uint32_t level = book_l3_level(l3, side, price);
    return level == L3_NONE || qty <= INT64_MAX - l3->levels[level].qty;
}

static void add(struct book *book, const struct event *event, enum side side)
{
    struct book_l3 *l3 = book->l3;
    const struct level *told = &event->levels[0];
    uint32_t slot = order_slot(l3, event->seq_first);
    uint64_t place = l3->last_place + 1;
    if (told->qty <= 0 || (slot != L3_NONE && l3->orders[slot].telling == l3->telling) ||
        !sum_fits(l3, side, told->price, told->qty)) {
        lose_wrong(book);
        return;
    }
    if (slot != L3_NONE) {
        const struct l3_order *stood = &l3->orders[slot];
        if (stood->side == side && stood->price == told->price && told->qty <= stood->qty)
            place = stood->place;
    } else {
        slot = order_new(l3, event->seq_first);
        if (slot == L3_NONE) {
            l3->stats.lost_full++;
            book_l3_lose(book);
            return;
        }
    }
    struct l3_order *order = &l3->orders[slot];
    order->place = place;
    order->price = told->price;
    order->qty = told->qty;
    order->telling = l3->telling;
    order->side = (uint8_t)side;
    if (place > l3->last_place)
        l3->last_place = place;
    enqueue(l3, slot);
    if (++l3->order_count > l3->stats.orders_most)
        l3->stats.orders_most = l3->order_count;
    l3->change = (struct l3_change){L3_JOINED, side, slot, {0}, point_of(order)};
    show(book, side, told->price);
}

static void reduce(struct book *book, uint32_t slot, qty_t left, enum l3_change_kind kind)
{
    struct book_l3 *l3 = book->l3;
    struct l3_order *order = &l3->orders[slot];
    const enum side side = (enum side)order->side;
    const px_t price = order->price;
    l3->change = (struct l3_change){kind, side, slot, point_of(order), point_of(order)};
    l3->change.after.qty = left;
    if (left == 0) {
        dequeue(l3, slot);
        order_forget(l3, slot);
        l3->order_count--;
    } else {
        l3->levels[order->level].qty -= order->qty - left;
        order->qty = left;
    }
    show(book, side, price);
}

static void move(struct book *book, uint32_t slot, const struct level *told)
{
    struct book_l3 *l3 = book->l3;
    struct l3_order *order = &l3->orders[slot];
    const enum side side = (enum side)order->side;
    const struct l3_point before = point_of(order);
    dequeue(l3, slot);
    order->price = told->price;
    order->qty = told->qty;
    order->place = ++l3->last_place;
    enqueue(l3, slot);
    l3->change = (struct l3_change){L3_MOVED, side, slot, before, point_of(order)};
    /* Both prices in one change: the book is never looked at between. */
    if (before.price != told->price)
        show(book, side, before.price);
    show(book, side, told->price);
}

static void modify(struct book *book, uint32_t slot, const struct level *told)
{
    const struct l3_order *order = &book->l3->orders[slot];
    if (told->qty <= 0 || !sum_fits(book->l3, (enum side)order->side, told->price, told->qty))
        lose_wrong(book);
    else if (told->price != order->price || told->qty > order->qty)
        move(book, slot, told);
    else if (told->qty < order->qty)
        reduce(book, slot, told->qty, L3_REDUCED);
}

static void change_order(struct book *book, const struct event *event, enum side side)
{
    struct book_l3 *l3 = book->l3;
    const struct level *told = &event->levels[0];
    const uint32_t slot = resting_slot(l3, event->seq_first);
    if (slot == L3_NONE || l3->orders[slot].side != side) {
        lose_wrong(book);
        return;
    }
    const qty_t qty = l3->orders[slot].qty;
    if (event->kind == EVENT_L3_MODIFY)
        modify(book, slot, told);
    else if (told->price != l3->orders[slot].price || told->qty < 0 || told->qty > qty ||
             (event->kind == EVENT_L3_EXECUTE && told->qty == 0))
        lose_wrong(book);
    else if (event->kind == EVENT_L3_EXECUTE)
        reduce(book, slot, qty - told->qty, L3_EXECUTED);
    else if (told->qty < qty)
        reduce(book, slot, told->qty, L3_REDUCED);
}

void book_l3_apply(struct book *book, const struct event *event)
{
    struct book_l3 *l3 = book->l3;
    const enum side side = event->flags & EVENT_SELL ? SIDE_SELL : SIDE_BUY;
    l3->change.kind = L3_UNCHANGED;
    if (l3->state == L3_LOST) {
        l3->stats.passed_over++;
        return;
    }
    if (book->display != BOOK_BY_LEVELS) {
        book->seq = event->seq;
        book->ts = event->ts;
        if (l3->state == L3_FRESH)
            book->flags &= ~(uint32_t)BOOK_STALE;
    }
    l3->state = L3_KNOWN;
    if (event->kind == EVENT_L3_ADD)
        add(book, event, side);
    else
        change_order(book, event, side);
}

/* ---- beside messages with levels ---- */

static void begin_telling(struct book_l3 *l3)
{
    memset(l3->level_buckets, 0, (l3->mask + 1) * sizeof(uint32_t));
    l3->level_used = 0;
    l3->level_free = L3_NONE;
    l3->order_count = 0;
    l3->telling++;
    l3->state = L3_KNOWN;
    l3->change = (struct l3_change){.kind = L3_CLEARED};
}

bool book_l3_before_levels(struct book *book, const struct event *event)
{
    book->l3->change.kind = L3_UNCHANGED;
    if (event->kind == EVENT_BOOK_SNAPSHOT && event->bid_count + event->ask_count == 0) {
        begin_telling(book->l3);
        return true;
    }
    if (book->display == BOOK_BY_ORDERS)
        return false;
    book->display = BOOK_BY_LEVELS;
    return true;
}

/* ---- copying ---- */

static void show_all(struct book *book)
{
    const struct book_l3 *l3 = book->l3;
    book_clear(book);
    for (uint32_t bucket = 0; bucket <= l3->mask; bucket++)
        for (uint32_t link = l3->level_buckets[bucket]; link != 0; link = l3->levels[link - 1].bucket_next)
            book_set(book, (enum side)l3->levels[link - 1].side, l3->levels[link - 1].price,
                     l3->levels[link - 1].qty);
}

void book_l3_copy(struct book *to, const struct book *from)
{
    struct book_l3 *l3 = to->l3;
    const struct book_l3 *source = from->l3;
    ASSERT(source != NULL && source->capacity == l3->capacity);
    memcpy(l3->orders, source->orders, source->order_used * sizeof(struct l3_order));
    memcpy(l3->levels, source->levels, source->level_used * sizeof(struct l3_level));
    memcpy(l3->order_buckets, source->order_buckets, (source->mask + 1) * sizeof(uint32_t));
    memcpy(l3->level_buckets, source->level_buckets, (source->mask + 1) * sizeof(uint32_t));
    l3->order_count = source->order_count;
    l3->order_used = source->order_used;
    l3->level_used = source->level_used;
    l3->order_free = source->order_free;
    l3->level_free = source->level_free;
    l3->telling = source->telling;
    l3->state = source->state;
    l3->last_place = source->last_place;
    l3->change = (struct l3_change){.kind = L3_CLEARED};
    l3->stats = source->stats;
    if (to->display != BOOK_BY_ORDERS) {
        to->display = from->display;
        return;
    }
    to->flags = l3->state == L3_KNOWN ? 0 : BOOK_STALE;
    show_all(to);
}
