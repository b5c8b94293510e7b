/* The single orders of a book against a slow model: one list of orders in the order of their joining, searched from
 * end to end. Every event is applied to both; then all displayed quantities, all queues and the state must agree. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/book_l3.h"
#include "core/prng.h"

#define CAPACITY 24
#define PRICES   8
#define BASE     1000

struct plain_order {
    uint64_t id;
    enum side side;
    px_t price;
    qty_t qty;
    bool told; /* in this telling */
};

struct plain {
    struct plain_order orders[CAPACITY + 1]; /* in the order of their places */
    uint32_t count;
    bool lost, fresh;
};

static struct plain_order *plain_find(struct plain *plain, uint64_t id)
{
    for (uint32_t i = 0; i < plain->count; i++)
        if (plain->orders[i].id == id)
            return &plain->orders[i];
    return NULL;
}

static void plain_remove(struct plain *plain, const struct plain_order *order)
{
    const size_t at = (size_t)(order - plain->orders);
    memmove(plain->orders + at, plain->orders + at + 1, (plain->count - at - 1) * sizeof(*order));
    plain->count--;
}

static void plain_add(struct plain *plain, const struct event *event, enum side side)
{
    struct plain_order *stood = plain_find(plain, event->seq_first);
    const struct plain_order order = {event->seq_first, side, event->levels[0].price, event->levels[0].qty, true};
    if ((stood != NULL && stood->told) || order.qty <= 0) {
        plain->lost = true;
        return;
    }
    if (stood != NULL && stood->side == side && stood->price == order.price && order.qty <= stood->qty) {
        *stood = order;
        return;
    }
    if (stood != NULL) {
        plain_remove(plain, stood);
    } else if (plain->count == CAPACITY) {
        for (uint32_t i = 0; i < plain->count;)
            if (!plain->orders[i].told)
                plain_remove(plain, &plain->orders[i]);
            else
                i++;
        if (plain->count == CAPACITY) {
            plain->lost = true;
            return;
        }
    }
    plain->orders[plain->count++] = order;
}

static void plain_change(struct plain *plain, const struct event *event, enum side side)
{
    struct plain_order *order = plain_find(plain, event->seq_first);
    const struct level *told = &event->levels[0];
    if (order == NULL || !order->told || order->side != side) {
        plain->lost = true;
    } else if (event->kind == EVENT_L3_MODIFY) {
        plain->lost = told->qty <= 0;
        if (!plain->lost && told->price == order->price && told->qty <= order->qty) {
            order->qty = told->qty;
        } else if (!plain->lost) {
            struct plain_order moved = *order;
            moved.price = told->price;
            moved.qty = told->qty;
            plain_remove(plain, order);
            plain->orders[plain->count++] = moved;
        }
    } else {
        const bool cancel = event->kind == EVENT_L3_CANCEL;
        if (told->price != order->price || told->qty > order->qty || told->qty < (cancel ? 0 : 1)) {
            plain->lost = true;
            return;
        }
        order->qty = cancel ? told->qty : order->qty - told->qty;
        if (order->qty == 0)
            plain_remove(plain, order);
    }
}

static void plain_apply(struct plain *plain, const struct event *event)
{
    const enum side side = event->flags & EVENT_SELL ? SIDE_SELL : SIDE_BUY;
    if (event->kind == EVENT_GAP) {
        plain->lost = true;
    } else if (event->kind == EVENT_BOOK_SNAPSHOT) {
        if (event->bid_count != 0)
            return;
        plain->lost = plain->fresh = false;
        for (uint32_t i = 0; i < plain->count; i++)
            plain->orders[i].told = false;
    } else if (!plain->lost) {
        plain->fresh = false;
        if (event->kind == EVENT_L3_ADD)
            plain_add(plain, event, side);
        else
            plain_change(plain, event, side);
    }
}

static qty_t plain_shown(const struct plain *plain, enum side side, px_t price)
{
    qty_t sum = 0;
    for (uint32_t i = 0; i < plain->count; i++)
        if (plain->orders[i].told && plain->orders[i].side == side && plain->orders[i].price == price)
            sum += plain->orders[i].qty;
    return sum;
}

/* The queue of a price, front to back, and the quantities that the book shows. */
static void check_price(const struct book *book, const struct plain *plain, enum side side, px_t price, uint64_t seed,
                        int step)
{
    const uint32_t level = book_l3_level(book->l3, side, price);
    uint32_t at = level == L3_NONE ? L3_NONE : book->l3->levels[level].first;
    for (uint32_t i = 0; i < plain->count; i++) {
        const struct plain_order *order = &plain->orders[i];
        if (!order->told || order->side != side || order->price != price)
            continue;
        cr_assert(at != L3_NONE && book->l3->orders[at].id == order->id && book->l3->orders[at].qty == order->qty,
                  "seed %" PRIu64 " step %d: the queue at %" PRId64, seed, step, price);
        at = book->l3->orders[at].next;
    }
    cr_assert_eq(at, L3_NONE, "seed %" PRIu64 " step %d: too many in the queue at %" PRId64, seed, step, price);
    cr_assert_eq(book_qty_at(book, side, price), plain_shown(plain, side, price),
                 "seed %" PRIu64 " step %d: shown at %" PRId64, seed, step, price);
}

static void check(const struct book *book, struct plain *plain, uint64_t seed, int step)
{
    uint32_t resting = 0;
    for (uint32_t i = 0; i < plain->count; i++) {
        const struct l3_order *order = book_l3_find(book, plain->orders[i].id);
        cr_assert_eq(order != NULL, plain->orders[i].told);
        resting += plain->orders[i].told;
    }
    cr_assert_eq(book->l3->order_count, resting, "seed %" PRIu64 " step %d", seed, step);
    cr_assert_eq((book->flags & BOOK_STALE) != 0, plain->lost || plain->fresh, "seed %" PRIu64 " step %d", seed,
                 step);
    for (int side = 0; side < 2; side++)
        for (px_t price = BASE; price < BASE + PRICES; price++)
            check_price(book, plain, (enum side)side, price, seed, step);
}

static struct book *new_book(const struct instrument *instrument, enum book_display display, uint32_t capacity)
{
    const size_t book_bytes = (book_size(BOOK_WINDOW_MIN, 16) + 63) / 64 * 64;
    const size_t bytes = book_bytes + (book_l3_size(capacity) + 63) / 64 * 64 + 4096;
    struct book *book = aligned_alloc(64, bytes);
    memset(book, 0, bytes);
    uint8_t *memory = (uint8_t *)book + 4096;
    book_init(book, memory, BOOK_WINDOW_MIN, 16, instrument);
    book_l3_attach(book, memory + book_bytes, capacity, display);
    return book;
}

static struct instrument any_instrument(void)
{
    struct instrument instrument;
    cr_assert_eq(instrument_init(&instrument, "synthetic", "TEST", "BTC", "USDT", CONTRACT_LINEAR, 0, 0), ERR_OK);
    return instrument;
}

/* Mostly what fits, now and then what does not. */
static void draw(struct prng *prng, struct plain *plain, struct event *event, struct level *level)
{
    const uint64_t pick = prng_below(prng, 1000);
    const struct plain_order *order = plain->count == 0 ? NULL : &plain->orders[prng_below(prng, plain->count)];
    *event = (struct event){.levels = level, .bid_count = 1, .flags = prng_below(prng, 2) ? EVENT_SELL : 0};
    level->price = BASE + prng_range(prng, 0, PRICES - 1);
    level->qty = prng_range(prng, 1, 9);
    event->seq_first = prng_below(prng, 60) + 1;
    if (pick < (plain->lost ? 200 : 8)) {
        event->kind = EVENT_BOOK_SNAPSHOT;
        event->bid_count = pick % 4 == 0;
    } else if (pick < 12) {
        event->kind = EVENT_GAP;
    } else if (pick < 450 || order == NULL) {
        event->kind = EVENT_L3_ADD;
        if (order != NULL && !order->told) {
            event->seq_first = order->id;
            level->price = prng_below(prng, 4) != 0 ? order->price : level->price;
            event->flags = order->side == SIDE_SELL ? EVENT_SELL : 0;
        } else if (plain_find(plain, event->seq_first) != NULL && prng_below(prng, 50) != 0) {
            event->seq_first += 60 * prng_range(prng, 1, 1000);
        }
    } else {
        event->kind = (uint8_t)prng_range(prng, EVENT_L3_MODIFY, EVENT_L3_EXECUTE);
        event->seq_first = order->id;
        event->flags = order->side == SIDE_SELL ? EVENT_SELL : 0;
        if (event->kind != EVENT_L3_MODIFY || prng_below(prng, 2) != 0)
            level->price = order->price;
        if (event->kind != EVENT_L3_MODIFY && prng_below(prng, 100) != 0)
            level->qty = prng_range(prng, event->kind == EVENT_L3_EXECUTE, order->qty);
        if (prng_below(prng, 300) == 0)
            event->flags ^= EVENT_SELL;
    }
}

Test(book_l3, agrees_with_a_plain_list_of_orders)
{
    const struct instrument instrument = any_instrument();
    uint64_t lost_full = 0, lost_wrong = 0, passed_over = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct plain plain = {.fresh = true};
        struct prng prng;
        prng_init(&prng, seed, 3);
        struct book *book = new_book(&instrument, BOOK_BY_ORDERS, CAPACITY);
        struct book *copy = new_book(&instrument, BOOK_BY_ORDERS, CAPACITY);
        for (int step = 0; step < 3000; step++) {
            struct event event;
            struct level level;
            draw(&prng, &plain, &event, &level);
            book_apply(book, &event);
            plain_apply(&plain, &event);
            check(book, &plain, seed, step);
            if (step % 100 == 99) {
                book_copy(copy, book);
                check(copy, &plain, seed, step);
            }
        }
        lost_full += book->l3->stats.lost_full;
        lost_wrong += book->l3->stats.lost_wrong;
        passed_over += book->l3->stats.passed_over;
        free(book);
        free(copy);
    }
    cr_assert(lost_full > 20 && lost_wrong > 20 && passed_over > 20, "%" PRIu64 " %" PRIu64 " %" PRIu64, lost_full,
              lost_wrong, passed_over);
}

static void one(struct book *book, enum event_kind kind, uint64_t id, px_t price, qty_t qty)
{
    const struct level level = {price, qty};
    const struct event event = {.kind = (uint8_t)kind, .seq_first = id, .levels = &level, .bid_count = 1};
    book_apply(book, &event);
}

Test(book_l3, messages_with_levels_take_over_the_display_unless_it_is_kept_by_orders)
{
    const struct instrument instrument = any_instrument();
    struct book *either = new_book(&instrument, BOOK_BY_EITHER, 4),
                *orders = new_book(&instrument, BOOK_BY_ORDERS, 4);
    struct book *books[2] = {either, orders};
    for (int i = 0; i < 2; i++) {
        one(books[i], EVENT_L3_ADD, 1, 1000, 5);
        cr_assert_eq(book_qty_at(books[i], SIDE_BUY, 1000), 5);
        one(books[i], EVENT_BOOK_SNAPSHOT, 0, 1001, 7);
        one(books[i], EVENT_L3_ADD, 2, 1000, 1);
    }
    cr_assert(book_qty_at(either, SIDE_BUY, 1000) == 0 && book_qty_at(either, SIDE_BUY, 1001) == 7);
    cr_assert(book_qty_at(orders, SIDE_BUY, 1000) == 6 && book_qty_at(orders, SIDE_BUY, 1001) == 0);
    /* The orders are kept all the same: a book by orders can be made of the other. */
    struct book *copy = new_book(&instrument, BOOK_BY_ORDERS, 4);
    book_copy(copy, either);
    cr_assert(book_qty_at(copy, SIDE_BUY, 1000) == 6 && book_qty_at(copy, SIDE_BUY, 1001) == 0 && copy->flags == 0);
    /* Orders that are lost say nothing against the levels. */
    one(either, EVENT_L3_CANCEL, 9, 1000, 0);
    cr_assert(either->flags == 0 && either->l3->state == L3_LOST);
    book_copy(copy, either);
    cr_assert_eq(copy->flags, BOOK_STALE);
    free(either);
    free(orders);
    free(copy);
}

Test(book_l3, a_change_says_what_was_and_what_is)
{
    const struct instrument instrument = any_instrument();
    struct book *book = new_book(&instrument, BOOK_BY_ORDERS, 4);
    const struct l3_change *change = &book->l3->change;
    one(book, EVENT_L3_ADD, 1, 1000, 5);
    cr_assert(change->kind == L3_JOINED && change->after.price == 1000 && change->after.qty == 5);
    one(book, EVENT_L3_EXECUTE, 1, 1000, 2);
    cr_assert(change->kind == L3_EXECUTED && change->before.qty == 5 && change->after.qty == 3);
    one(book, EVENT_L3_MODIFY, 1, 1000, 3);
    cr_assert_eq(change->kind, L3_UNCHANGED);
    one(book, EVENT_L3_MODIFY, 1, 1002, 1);
    cr_assert(change->kind == L3_MOVED && change->before.price == 1000 && change->after.price == 1002 &&
              change->before.place < change->after.place);
    one(book, EVENT_L3_CANCEL, 1, 1002, 0);
    cr_assert(change->kind == L3_REDUCED && change->before.qty == 1 && change->after.qty == 0);
    one(book, EVENT_GAP, 0, 0, 0);
    cr_assert_eq(change->kind, L3_UNCHANGED);
    free(book);
}
