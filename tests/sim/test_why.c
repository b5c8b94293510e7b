/* What a watch is told: the notes follow each other without a hole, and each says what moved the order. */
#include "core/prng.h"
#include "sim/why.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTES_MAX 4096

struct heard {
    struct why_note notes[NOTES_MAX];
    struct event causes[NOTES_MAX];
    int count;
    uint64_t only; /* 0: all orders */
};

static struct heard heard;
static struct instrument instrument;
static struct venue *venue;
static ns_t now;

static bool wants(void *context, uint64_t order_id)
{
    const struct heard *h = context;
    return h->only == 0 || h->only == order_id;
}

static void on_note(void *context, const struct why_note *note)
{
    struct heard *h = context;
    cr_assert_lt(h->count, NOTES_MAX);
    h->notes[h->count] = *note;
    if (note->cause != NULL)
        h->causes[h->count] = *note->cause;
    h->count++;
}

static void on_execution(void *context, ns_t ts, const struct execution *execution, uint16_t number)
{
    (void)context, (void)ts, (void)execution, (void)number;
}

static struct venue_watch watch = {.context = &heard, .wants = wants, .note = on_note};

static void open_venue(enum queue_kind kind, uint32_t exponent)
{
    const struct venue_sink sink = {NULL, on_execution};
    cr_assert_eq(instrument_init(&instrument, "synthetic", "TEST", "A", "B", CONTRACT_LINEAR, 0, 0), ERR_OK);
    const struct venue_config config = {.instruments = &instrument,
                                        .instrument_count = 1,
                                        .book_window = BOOK_WINDOW_MIN,
                                        .book_far = 64,
                                        .own_orders_max = 64,
                                        .queue = {.kind = kind, .exponent = exponent, .unit = 1},
                                        .watch = &watch};
    const size_t size = (venue_size(&config) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, size);
    memset(memory, 0, size);
    venue = venue_init(memory, &config, &sink);
    memset(&heard, 0, sizeof(heard));
    now = 1000;
}

static void close_venue(void)
{
    free(venue);
}
TestSuite(why, .fini = close_venue);

static void book(enum event_kind kind, px_t bid, qty_t bid_qty, px_t ask, qty_t ask_qty)
{
    const struct level levels[] = {{bid, bid_qty}, {ask, ask_qty}};
    const struct event event = {
        .kind = (uint8_t)kind, .levels = levels, .bid_count = 1, .ask_count = ask != 0, .seq = 7, .exch_ts = ++now};
    venue_market(venue, now, &event);
}

static void trade_at(ns_t stamp, px_t price, qty_t qty)
{
    const struct level level = {price, qty};
    const struct event event = {
        .kind = EVENT_TRADE, .flags = EVENT_SELL, .levels = &level, .bid_count = 1, .seq = 8, .exch_ts = stamp};
    venue_market(venue, ++now, &event);
}

static void request(enum venue_request_kind kind, uint64_t id, enum side side, px_t price, qty_t qty)
{
    const struct venue_request body = {
        .kind = kind, .order_id = id, .side = (uint8_t)side, .price = price, .qty = qty};
    venue_request(venue, ++now, &body);
}

static const struct why_note *last(enum why_kind kind)
{
    cr_assert_gt(heard.count, 0);
    const struct why_note *note = &heard.notes[heard.count - 1];
    cr_assert_eq(note->kind, kind, "the last note is of kind %d, expected %d", (int)note->kind, (int)kind);
    return note;
}

#define PLACES(note, before_, after_)                                                                                \
    do {                                                                                                             \
        cr_expect_eq((note)->moved.before.ahead, before_, "%ld", (note)->moved.before.ahead);                        \
        cr_expect_eq((note)->moved.after.ahead, after_, "%ld", (note)->moved.after.ahead);                           \
    } while (0)

Test(why, an_arrival_tells_the_book_that_it_meets)
{
    open_venue(QUEUE_PESSIMISTIC, 0);
    book(EVENT_BOOK_SNAPSHOT, 100, 40, 105, 9);
    request(VENUE_NEW, 1, SIDE_BUY, 100, 3);
    const struct why_note *note = &heard.notes[0];
    cr_assert_eq(note->kind, WHY_ARRIVED);
    cr_expect_null(note->cause);
    cr_expect_eq(note->arrived.touch[SIDE_BUY].price, 100);
    cr_expect_eq(note->arrived.touch[SIDE_SELL].qty, 9);
    cr_expect_eq(note->arrived.displayed, 40);
    cr_expect_eq(note->arrived.takeable, 0);
    cr_expect_eq(note->arrived.book_seq, 7);
    cr_expect(!note->arrived.rests && !note->arrived.has_own);
    cr_assert_eq(heard.notes[1].kind, WHY_JOINED);
    cr_expect_eq(heard.notes[1].joined.displayed, 40);
    cr_expect_eq(heard.notes[1].joined.ahead, 40);

    request(VENUE_NEW, 2, SIDE_BUY, 100, 5);
    cr_expect_eq(last(WHY_JOINED)->joined.ours, 1);
    cr_expect_eq(last(WHY_JOINED)->joined.ours_qty, 3);
    request(VENUE_NEW, 3, SIDE_SELL, 100, 5);
    note = last(WHY_ARRIVED);
    cr_expect(note->arrived.has_own && note->arrived.own == 100 && note->arrived.takeable == 5);
    request(VENUE_CANCEL, 1, SIDE_BUY, 0, 0);
    note = last(WHY_ARRIVED);
    cr_expect(note->arrived.rests && note->arrived.leaves == 3 && note->arrived.ahead == 40);
}

Test(why, each_move_in_the_queue_names_its_cause)
{
    open_venue(QUEUE_PROPORTIONAL, 0);
    book(EVENT_BOOK_SNAPSHOT, 100, 50, 105, 9);
    request(VENUE_NEW, 1, SIDE_BUY, 100, 3);
    book(EVENT_BOOK_DELTA, 100, 100, 0, 0); /* 50 more, behind us: no move */
    cr_expect_eq(last(WHY_JOINED)->joined.ahead, 50);
    trade_at(now + 1, 100, 10);
    const struct why_note *note = last(WHY_TRADE);
    PLACES(note, 50, 40);
    cr_expect(note->moved.reach == 10 && note->moved.over == 0 && !note->moved.late);
    cr_expect_eq(heard.causes[heard.count - 1].kind, EVENT_TRADE);
    book(EVENT_BOOK_DELTA, 100, 72, 0, 0); /* 28 less: 10 by the trade, 18 of 90 cancelled, 40 : 50 */
    note = last(WHY_DISPLAY);
    PLACES(note, 40, 32);
    cr_expect(note->moved.split && note->moved.shown == 90 && note->moved.cancelled == 18);
    cr_expect_eq(heard.causes[heard.count - 1].kind, EVENT_BOOK_DELTA);
    cr_expect_eq(note->moved.displayed, 72);
    trade_at(now, 100, 18); /* older than the display that shows it: no cancel at all */
    note = last(WHY_TRADE);
    cr_expect(note->moved.late);
    PLACES(note, 32, 22); /* 40 - 18 of the trade, and nothing left to split */
    trade_at(now + 1, 100, 23);
    const struct why_note *fill = last(WHY_FILL);
    note = fill - 1;
    PLACES(note, 22, 0);
    cr_expect_eq(note->moved.over, 1);
    cr_expect(fill->fill.how == WHY_AT_PRICE && fill->fill.qty == 1 && fill->fill.leaves == 2 && fill->fill.maker);
    trade_at(now + 1, 99, 1);
    fill = last(WHY_FILL);
    cr_expect(fill->fill.how == WHY_THROUGH && fill->fill.qty == 2 && fill->fill.leaves == 0);
}

Test(why, fills_from_the_book_say_what_it_displayed)
{
    open_venue(QUEUE_PESSIMISTIC, 0);
    instrument.taker_fee = 500000;
    book(EVENT_BOOK_SNAPSHOT, 100, 50, 105, 9);
    request(VENUE_NEW, 1, SIDE_BUY, 105, 4);
    const struct why_note *note = last(WHY_FILL);
    cr_expect(note->fill.how == WHY_TAKEN && note->fill.displayed == 9 && note->fill.price == 105);
    cr_expect_null(note->cause);
    cr_expect_eq(note->fill.rate, 500000);
    request(VENUE_NEW, 2, SIDE_BUY, 103, 4);
    book(EVENT_BOOK_DELTA, 100, 50, 103, 2);
    note = last(WHY_FILL);
    cr_expect(note->fill.how == WHY_CROSSED && note->fill.displayed == 2 && note->fill.qty == 2);
    cr_expect(note->fill.maker && heard.causes[heard.count - 1].kind == EVENT_BOOK_DELTA);
}

Test(why, only_the_orders_asked_for_are_told)
{
    open_venue(QUEUE_PESSIMISTIC, 0);
    heard.only = 2;
    book(EVENT_BOOK_SNAPSHOT, 100, 5, 105, 9);
    request(VENUE_NEW, 1, SIDE_BUY, 100, 3);
    request(VENUE_NEW, 2, SIDE_BUY, 100, 3);
    trade_at(now + 1, 100, 7);
    trade_at(now + 1, 99, 7);
    cr_assert_gt(heard.count, 3);
    for (int i = 0; i < heard.count; i++)
        cr_expect_eq(heard.notes[i].order_id, 2);
}

/* Any market, any model: a place starts where the note before left it, falls, and is bounded by what is told. */
static void check_chains(uint64_t seed)
{
    struct prng prng;
    prng_init(&prng, seed, 1);
    open_venue((enum queue_kind)(seed % 8), 8);
    book(EVENT_BOOK_SNAPSHOT, 100, 50, 105, 9);
    uint64_t id = 0;
    for (int i = 0; i < 400 && heard.count < NOTES_MAX - 200; i++) {
        const uint64_t draw = prng_next(&prng);
        const px_t price = 97 + (px_t)(draw >> 8 & 3);
        const qty_t qty = 1 + (qty_t)(draw >> 16 & 31);
        if ((draw & 7) == 0 && venue_open_count(venue) < 40)
            request(VENUE_NEW, ++id, SIDE_BUY, price, qty);
        else if ((draw & 7) < 4)
            trade_at(now - (ns_t)(draw >> 32 & 3), price, qty);
        else
            book(EVENT_BOOK_DELTA, price, qty * 3, 0, 0);
    }
    struct why_place at[512] = {0};
    qty_t left[512] = {0};
    int moves = 0;
    for (int i = 0; i < heard.count; i++) {
        const struct why_note *note = &heard.notes[i];
        const uint64_t order = note->order_id;
        cr_assert_lt(order, 512);
        if (note->kind == WHY_JOINED) {
            at[order] = (struct why_place){note->joined.ahead, note->joined.ahead, 0};
            left[order] = note->joined.leaves;
        } else if (note->kind == WHY_TRADE || note->kind == WHY_DISPLAY) {
            const struct why_moved *moved = &note->moved;
            moves++;
            cr_assert_eq(moved->before.ahead, at[order].ahead, "seed %lu, note %d", seed, i);
            cr_assert_eq(moved->before.bound, at[order].bound, "seed %lu, note %d", seed, i);
            cr_assert_leq(moved->after.ahead, moved->before.ahead, "seed %lu, note %d", seed, i);
            cr_assert_leq(moved->after.ahead, moved->after.bound, "seed %lu, note %d", seed, i);
            cr_assert(!moved->split || moved->before.ahead - moved->after.ahead <= moved->cancelled + 1 ||
                          moved->after.ahead == moved->displayed,
                      "seed %lu, note %d", seed, i);
            cr_assert_not_null(note->cause);
            at[order] = moved->after;
        } else if (note->kind == WHY_FILL) {
            left[order] -= note->fill.qty;
            cr_assert_eq(left[order], note->fill.leaves, "seed %lu, note %d", seed, i);
        }
    }
    cr_assert_gt(moves, 10, "seed %lu", seed);
}

Test(why, every_place_begins_where_the_note_before_left_it)
{
    for (uint64_t seed = 1; seed <= 64; seed++) {
        check_chains(seed);
        if (seed < 64)
            close_venue();
    }
}
