/* The book against a slow one: a plain sorted array a side, kept by linear search. Random markets run on both,
 * and every reading function must agree after every message. Seeds are printed with a failure. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/book.h"
#include "core/prng.h"

#define ORACLE_MAX   8192
#define FAR_CAPACITY 4096

struct oracle {
    struct level levels[2][ORACLE_MAX]; /* best first */
    uint32_t count[2];
    bool stale, partial;
};

static bool better(enum side side, px_t a, px_t b)
{
    return side == SIDE_BUY ? a > b : a < b;
}

static void oracle_set(struct oracle *oracle, enum side side, px_t price, qty_t qty)
{
    struct level *levels = oracle->levels[side];
    uint32_t i = 0, *count = &oracle->count[side];
    while (i < *count && better(side, levels[i].price, price))
        i++;
    bool found = i < *count && levels[i].price == price;
    if (qty == 0 && found) {
        memmove(levels + i, levels + i + 1, (*count - i - 1) * sizeof(*levels));
        --*count;
    } else if (qty != 0) {
        if (!found) {
            cr_assert_lt(*count, ORACLE_MAX);
            memmove(levels + i + 1, levels + i, (*count - i) * sizeof(*levels));
            ++*count;
        }
        levels[i] = (struct level){price, qty};
    }
}

static void oracle_apply(struct oracle *oracle, const struct event *event)
{
    if (event->kind == EVENT_GAP) {
        oracle->stale = true;
        return;
    }
    if (event->kind == EVENT_BOOK_SNAPSHOT) {
        oracle->count[0] = oracle->count[1] = 0;
        oracle->stale = false;
        oracle->partial = (event->flags & EVENT_PARTIAL) != 0;
    }
    for (uint32_t i = 0; i < event->bid_count; i++)
        oracle_set(oracle, SIDE_BUY, event->levels[i].price, event->levels[i].qty);
    for (uint32_t i = 0; i < event->ask_count; i++)
        oracle_set(oracle, SIDE_SELL, event->levels[event->bid_count + i].price,
                   event->levels[event->bid_count + i].qty);
}

static bool oracle_crossed(const struct oracle *oracle)
{
    return oracle->count[0] != 0 && oracle->count[1] != 0 &&
           oracle->levels[SIDE_BUY][0].price >= oracle->levels[SIDE_SELL][0].price;
}

/* ---- fixtures ---- */

static void make_instrument(struct instrument *instrument, px_t tick)
{
    cr_assert_eq(instrument_init(instrument, "synthetic", "TEST", "A", "B", CONTRACT_SPOT, 2, 2), ERR_OK);
    instrument_set_tick(instrument, tick);
}

static struct book *open_book(const struct instrument *instrument, uint32_t far_capacity)
{
    size_t head = (sizeof(struct book) + 63) / 64 * 64;
    size_t size = head + (book_size(BOOK_WINDOW_MIN, far_capacity) + 63) / 64 * 64;
    char *memory = aligned_alloc(64, size);
    memset(memory, 0, size);
    book_init((struct book *)(void *)memory, memory + head, BOOK_WINDOW_MIN, far_capacity, instrument);
    return (struct book *)(void *)memory;
}

static void apply(struct book *book, enum event_kind kind, const struct level *levels, uint32_t bids, uint32_t asks)
{
    struct event event = {.kind = (uint8_t)kind, .levels = levels, .bid_count = bids, .ask_count = asks};
    book_apply(book, &event);
}

static void check_side(const struct book *book, const struct oracle *oracle, enum side side, uint64_t seed, int step)
{
    static struct level top[ORACLE_MAX];
    const struct level *want = oracle->levels[side];
    uint32_t count = oracle->count[side];
    cr_assert_eq(book_level_count(book, side), count, "seed %" PRIu64 " step %d side %d: %u levels, not %u", seed,
                 step, side, book_level_count(book, side), count);
    struct level best = {-77, -77};
    bool has = book_best(book, side, &best);
    cr_assert_eq(has, count != 0, "seed %" PRIu64 " step %d", seed, step);
    cr_assert(has || best.price == -77, "an empty side gave a price, seed %" PRIu64, seed);
    cr_assert_eq(book_top(book, side, top, ORACLE_MAX), count, "seed %" PRIu64 " step %d", seed, step);
    for (uint32_t i = 0; i < count; i++) {
        cr_assert(top[i].price == want[i].price && top[i].qty == want[i].qty,
                  "seed %" PRIu64 " step %d side %d level %u: %" PRId64 "x%" PRId64 ", not %" PRId64 "x%" PRId64,
                  seed, step, side, i, top[i].price, top[i].qty, want[i].price, want[i].qty);
        cr_assert_eq(book_qty_at(book, side, want[i].price), want[i].qty, "seed %" PRIu64 " step %d", seed, step);
    }
}

static void check(const struct book *book, const struct oracle *oracle, struct prng *prng, px_t center, px_t spread,
                  uint64_t seed, int step)
{
    check_side(book, oracle, SIDE_BUY, seed, step);
    check_side(book, oracle, SIDE_SELL, seed, step);
    cr_assert_eq((book->flags & BOOK_CROSSED) != 0, oracle_crossed(oracle), "seed %" PRIu64 " step %d", seed, step);
    cr_assert_eq((book->flags & BOOK_STALE) != 0, oracle->stale, "seed %" PRIu64 " step %d", seed, step);
    cr_assert_eq((book->flags & BOOK_PARTIAL) != 0, oracle->partial, "seed %" PRIu64 " step %d", seed, step);
    cr_assert_eq(book_is_sound(book),
                 !oracle->stale && !oracle_crossed(oracle) && oracle->count[0] != 0 && oracle->count[1] != 0);
    /* Prices where mostly nothing is: quantity, and the next worse level. */
    for (int i = 0; i < 8; i++) {
        px_t price = center + prng_range(prng, -spread, spread);
        for (int s = 0; s < 2; s++) {
            qty_t qty = 0;
            struct level next = {-77, -77}, want = {-77, -77};
            for (uint32_t j = oracle->count[s]; j-- > 0;) {
                if (oracle->levels[s][j].price == price)
                    qty = oracle->levels[s][j].qty;
                if (better((enum side)s, price, oracle->levels[s][j].price))
                    want = oracle->levels[s][j];
            }
            cr_assert_eq(book_qty_at(book, (enum side)s, price), qty, "seed %" PRIu64 " step %d", seed, step);
            bool found = book_next(book, (enum side)s, price, &next);
            cr_assert_eq(found, want.price != -77 || want.qty != -77, "seed %" PRIu64 " step %d", seed, step);
            cr_assert(next.price == want.price && next.qty == want.qty,
                      "seed %" PRIu64 " step %d: after %" PRId64 " comes %" PRId64 ", not %" PRId64, seed, step,
                      price, next.price, want.price);
        }
    }
}

struct market_shape {
    const char *name;
    px_t tick, start, drift;       /* drift: largest move of the center a message */
    int far_share, off_grid_share; /* of 100 levels */
    px_t far_distance;
};

static px_t draw_price(struct prng *prng, const struct market_shape *shape, px_t center, bool buy)
{
    px_t ticks = (px_t)prng_below(prng, 60) - 3; /* a few across the center: crossed books */
    px_t price = center + (buy ? -ticks : ticks) * shape->tick;
    if (prng_below(prng, 100) < (uint64_t)shape->far_share)
        price = center + prng_range(prng, -shape->far_distance, shape->far_distance) * shape->tick;
    price -= price % shape->tick;
    if (prng_below(prng, 100) < (uint64_t)shape->off_grid_share)
        price += prng_range(prng, 1, shape->tick);
    return price;
}

/* Fills `levels` with a message's worth; returns bids, and asks in *asks. Snapshots come best first. */
static uint32_t draw_message(struct prng *prng, const struct market_shape *shape, const struct oracle *oracle,
                             px_t center, bool snapshot, struct level *levels, uint32_t *asks)
{
    uint32_t counts[2];
    struct oracle *sorted = calloc(1, sizeof(*sorted));
    counts[0] = prng_below(prng, 12) == 0 ? 0 : (uint32_t)prng_below(prng, 30);
    counts[1] = prng_below(prng, 12) == 0 ? 0 : (uint32_t)prng_below(prng, 30);
    uint32_t used = 0;
    for (int s = 0; s < 2; s++) {
        uint32_t first = used;
        for (uint32_t i = 0; i < counts[s]; i++) {
            px_t price = draw_price(prng, shape, center, s == 0);
            qty_t qty = prng_below(prng, 3) == 0 ? 0 : prng_range(prng, 1, 1000);
            /* Deletes mostly name a level that is there. */
            if (!snapshot && qty == 0 && oracle->count[s] != 0 && prng_below(prng, 4) != 0)
                price = oracle->levels[s][prng_below(prng, oracle->count[s])].price;
            if (snapshot)
                oracle_set(sorted, (enum side)s, price, qty);
            else
                levels[used++] = (struct level){price, qty};
        }
        if (snapshot) {
            memcpy(levels + first, sorted->levels[s], sorted->count[s] * sizeof(*levels));
            used += sorted->count[s];
            counts[s] = sorted->count[s];
        }
    }
    free(sorted);
    *asks = counts[1];
    return counts[0];
}

static void run_shape(const struct market_shape *shape, uint64_t seed, int steps)
{
    struct instrument instrument;
    struct prng prng;
    struct level levels[128];
    struct oracle *oracle = calloc(1, sizeof(*oracle));
    make_instrument(&instrument, shape->tick);
    struct book *book = open_book(&instrument, FAR_CAPACITY), *copy = open_book(&instrument, FAR_CAPACITY);
    uint64_t applied = 0, crossed = 0, absent = 0;
    prng_init(&prng, seed, 1);
    px_t center = shape->start;
    oracle->stale = true;
    for (int step = 0; step < steps; step++) {
        struct event event = {.kind = EVENT_BOOK_DELTA, .ts = step, .seq = (uint64_t)step, .levels = levels};
        uint64_t what = prng_below(&prng, 100);
        center += prng_range(&prng, -shape->drift, shape->drift) * shape->tick;
        if (what < 3)
            event.kind = EVENT_GAP;
        else if (what < 8 || step == 0)
            event.kind = EVENT_BOOK_SNAPSHOT;
        if (event.kind == EVENT_BOOK_SNAPSHOT && what % 2 == 0)
            event.flags = EVENT_PARTIAL;
        if (event.kind != EVENT_GAP)
            event.bid_count = draw_message(&prng, shape, oracle, center, event.kind == EVENT_BOOK_SNAPSHOT, levels,
                                           &event.ask_count);
        book_apply(book, &event);
        if (event.kind == EVENT_BOOK_DELTA)
            for (uint32_t i = 0; i < event.bid_count + event.ask_count; i++) {
                enum side side = i < event.bid_count ? SIDE_BUY : SIDE_SELL;
                uint32_t before = oracle->count[side];
                oracle_set(oracle, side, levels[i].price, levels[i].qty);
                absent += levels[i].qty == 0 && oracle->count[side] == before;
            }
        else
            oracle_apply(oracle, &event);
        applied += event.bid_count + event.ask_count;
        crossed += event.kind != EVENT_GAP && oracle_crossed(oracle);
        check(book, oracle, &prng, center, 200 * shape->tick, seed, step);
        if (step % 16 == 0) {
            book_copy(copy, book);
            check(copy, oracle, &prng, center, 200 * shape->tick, seed, step);
        }
    }
    cr_assert_eq(book->stats.levels, applied, "%s seed %" PRIu64, shape->name, seed);
    cr_assert_eq(book->stats.crossed, crossed, "%s seed %" PRIu64, shape->name, seed);
    cr_assert_eq(book->stats.deletes_absent, absent, "%s seed %" PRIu64 ": %" PRIu64 ", not %" PRIu64, shape->name,
                 seed, book->stats.deletes_absent, absent);
    cr_assert_eq(book->stats.refused, 0);
    free(copy);
    free(book);
    free(oracle);
}

Test(book, agrees_with_a_sorted_map_on_random_markets)
{
    static const struct market_shape shapes[] = {
        {"near", 1, 1000000, 3, 2, 0, 2000},
        {"drifting", 1, 1000000, 400, 5, 0, 3000},
        {"jumping", 10, 50000000, 20000, 10, 5, 50000},
        {"won", 1000, 155772000000, 50, 5, 10, 100000},
        {"odd step", 7, 700007, 100, 5, 20, 10000},
        {"negative", 5, -3000, 300, 5, 10, 5000},
        {"round zero", 1, 0, 200, 10, 0, 10000},
        {"low", 1, 40, 2, 20, 0, 100000},
        {"huge", 1000000000, INT64_C(4000000000000000000), 100, 10, 10, 10000},
    };
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        for (uint64_t seed = 1; seed <= 4; seed++)
            run_shape(&shapes[i], seed, 400);
}

/* ---- states and counters ---- */

Test(book, a_new_book_is_empty_and_stale)
{
    struct instrument instrument;
    struct level level = {5, 5};
    make_instrument(&instrument, 1);
    struct book *book = open_book(&instrument, 16);
    cr_assert(book->flags & BOOK_STALE);
    cr_assert_not(book_best(book, SIDE_BUY, &level));
    cr_assert_not(book_next(book, SIDE_SELL, 0, &level));
    cr_assert_eq(level.price, 5);
    cr_assert_eq(book_qty_at(book, SIDE_SELL, 0), 0);
    cr_assert_not(book_is_sound(book));
    free(book);
}

Test(book, a_gap_is_stale_until_the_next_snapshot)
{
    struct instrument instrument;
    const struct level levels[] = {{99, 5}, {101, 5}};
    make_instrument(&instrument, 1);
    struct book *book = open_book(&instrument, 16);
    apply(book, EVENT_BOOK_SNAPSHOT, levels, 1, 1);
    cr_assert(book_is_sound(book));
    apply(book, EVENT_GAP, NULL, 0, 0);
    cr_assert_not(book_is_sound(book));
    apply(book, EVENT_BOOK_DELTA, levels, 1, 1);
    cr_assert(book->flags & BOOK_STALE);
    apply(book, EVENT_BOOK_SNAPSHOT, levels, 1, 1);
    cr_assert(book_is_sound(book));
    cr_assert_eq(book->stats.gaps, 1);
    cr_assert_eq(book->stats.snapshots, 2);
    cr_assert_eq(book->stats.deltas, 1);
    free(book);
}

Test(book, crossed_levels_are_reported_and_kept)
{
    struct instrument instrument;
    const struct level levels[] = {{99, 5}, {101, 5}, {101, 7}, {101, 0}};
    make_instrument(&instrument, 1);
    struct book *book = open_book(&instrument, 16);
    apply(book, EVENT_BOOK_SNAPSHOT, levels, 1, 1);
    apply(book, EVENT_BOOK_DELTA, levels + 2, 1, 0);
    cr_assert(book->flags & BOOK_CROSSED);
    cr_assert_eq(book_qty_at(book, SIDE_BUY, 101), 7);
    cr_assert_eq(book_qty_at(book, SIDE_SELL, 101), 5);
    apply(book, EVENT_BOOK_DELTA, levels + 3, 1, 0);
    cr_assert_not(book->flags & BOOK_CROSSED);
    cr_assert_eq(book->stats.crossed, 1);
    free(book);
}

/* A message is one change: crossed in the middle of it is not crossed. */
Test(book, crossing_is_judged_after_the_whole_message)
{
    struct instrument instrument;
    const struct level first[] = {{99, 5}, {101, 5}}, move[] = {{99, 0}, {102, 5}, {101, 0}, {103, 5}};
    make_instrument(&instrument, 1);
    struct book *book = open_book(&instrument, 16);
    apply(book, EVENT_BOOK_SNAPSHOT, first, 1, 1);
    apply(book, EVENT_BOOK_DELTA, move, 2, 2);
    cr_assert_eq(book->stats.crossed, 0);
    cr_assert_eq(book->touch[SIDE_BUY].price, 102);
    cr_assert_eq(book->touch[SIDE_SELL].price, 103);
    free(book);
}

Test(book, a_level_without_room_makes_it_stale_and_is_counted)
{
    struct instrument instrument;
    const px_t center = 1000000;
    struct level level = {center, 5};
    make_instrument(&instrument, 1);
    struct book *book = open_book(&instrument, 16);
    apply(book, EVENT_BOOK_SNAPSHOT, &level, 1, 0);
    for (int i = 0; i < 16; i++) {
        level = (struct level){100 + i, 1};
        apply(book, EVENT_BOOK_DELTA, &level, 1, 0);
    }
    cr_assert_eq(book->stats.refused, 0);
    cr_assert_not(book->flags & BOOK_STALE);
    level = (struct level){50, 1};
    apply(book, EVENT_BOOK_DELTA, &level, 1, 0);
    cr_assert_eq(book->stats.refused, 1);
    cr_assert(book->flags & BOOK_STALE);
    cr_assert_eq(book_level_count(book, SIDE_BUY), 17);
    /* Room again after a delete; a snapshot makes it whole. */
    level = (struct level){center, 5};
    apply(book, EVENT_BOOK_SNAPSHOT, &level, 1, 0);
    cr_assert_not(book->flags & BOOK_STALE);
    free(book);
}

Test(book, levels_walked_over_by_the_window_are_not_lost)
{
    struct instrument instrument;
    const px_t start = 1000000;
    make_instrument(&instrument, 1);
    struct book *book = open_book(&instrument, 256);
    struct level levels[2] = {{start, 1}, {start + 1, 1}};
    apply(book, EVENT_BOOK_SNAPSHOT, levels, 1, 1);
    /* The market rises by many windows; a bid stays behind at every 500th price. */
    for (px_t price = start; price < start + 60000; price += 500) {
        levels[0] = (struct level){price, 7};
        levels[1] = (struct level){price + 501, 3};
        struct level gone = {price + 1, 0};
        apply(book, EVENT_BOOK_DELTA, levels, 1, 1);
        apply(book, EVENT_BOOK_DELTA, &gone, 0, 1);
    }
    cr_assert_gt(book->stats.recentres, 5);
    cr_assert_eq(book_level_count(book, SIDE_BUY), 120);
    for (px_t price = start; price < start + 60000; price += 500)
        cr_assert_eq(book_qty_at(book, SIDE_BUY, price), 7, "%" PRId64, price);
    /* And falls back to the start: they come into the window again. */
    for (px_t price = start + 59500; price > start; price -= 500) {
        struct level gone = {price, 0};
        apply(book, EVENT_BOOK_DELTA, &gone, 1, 0);
        levels[0] = (struct level){price + 501, 0};
        levels[1] = (struct level){price + 1, 3};
        apply(book, EVENT_BOOK_DELTA, levels, 0, 2);
    }
    struct level best;
    cr_assert(book_best(book, SIDE_BUY, &best));
    cr_assert_eq(best.price, start);
    cr_assert_eq(book_level_count(book, SIDE_SELL), 1);
    free(book);
}

Test(book, set_changes_one_level_outside_of_messages)
{
    struct instrument instrument;
    make_instrument(&instrument, 1);
    struct book *book = open_book(&instrument, 16);
    book_set(book, SIDE_SELL, 500, 3);
    book_set(book, SIDE_BUY, 499, 2);
    cr_assert_eq(book->touch[SIDE_SELL].price, 500);
    cr_assert_eq(book->touch[SIDE_BUY].qty, 2);
    book_set(book, SIDE_BUY, 499, 0);
    cr_assert_eq(book->touch[SIDE_BUY].qty, 0);
    book_clear(book);
    cr_assert_eq(book_level_count(book, SIDE_SELL), 0);
    free(book);
}

Test(book, kinds_without_levels_of_a_book_change_nothing)
{
    struct instrument instrument;
    const struct level levels[] = {{99, 5}, {101, 5}, {100, 9}};
    make_instrument(&instrument, 1);
    struct book *book = open_book(&instrument, 16);
    apply(book, EVENT_BOOK_SNAPSHOT, levels, 1, 1);
    apply(book, EVENT_TRADE, levels + 2, 1, 0);
    apply(book, EVENT_BBO, levels + 1, 1, 1);
    cr_assert_eq(book_level_count(book, SIDE_BUY), 1);
    cr_assert_eq(book->touch[SIDE_BUY].price, 99);
    free(book);
}

Test(book, a_partial_book_says_how_deep_it_knows)
{
    struct instrument instrument;
    const struct level levels[] = {{100, 5}, {98, 5}, {102, 5}}, deep[] = {{90, 1}};
    make_instrument(&instrument, 1);
    struct book *book = open_book(&instrument, 16), *copy = open_book(&instrument, 16);
    struct event event = {
        .kind = EVENT_BOOK_SNAPSHOT, .flags = EVENT_PARTIAL, .levels = levels, .bid_count = 2, .ask_count = 1};
    book_apply(book, &event);
    apply(book, EVENT_BOOK_DELTA, deep, 1, 0);
    book_copy(copy, book);
    for (const struct book *each = book;; each = copy) {
        cr_assert(book_covers(each, SIDE_BUY, 98));
        cr_assert(book_covers(each, SIDE_BUY, 101));
        cr_assert_not(book_covers(each, SIDE_BUY, 97));
        cr_assert(book_covers(each, SIDE_SELL, 102));
        cr_assert_not(book_covers(each, SIDE_SELL, 103));
        if (each == copy)
            break;
    }
    /* A side without a level knows nothing; a whole book knows everything. */
    event.ask_count = 0;
    book_apply(book, &event);
    cr_assert_not(book_covers(book, SIDE_SELL, 99));
    event.flags = 0;
    book_apply(book, &event);
    cr_assert(book_covers(book, SIDE_SELL, 99));
    cr_assert(book_covers(book, SIDE_BUY, 1));
    free(copy);
    free(book);
}

/* A damaged tape may hold any price: nothing overflows, nothing is lost. */
Test(book, prices_at_the_ends_of_the_range_are_kept)
{
    static const px_t wild[] = {INT64_MAX,
                                INT64_MIN,
                                INT64_MAX - 1,
                                INT64_MIN + 1,
                                0,
                                1,
                                -1,
                                INT64_MAX - 5000,
                                INT64_MIN + 5000,
                                INT64_MAX / 2,
                                INT64_MIN / 2,
                                INT64_MAX / 2 + 1,
                                1000000,
                                INT64_C(1) << 62,
                                -(INT64_C(1) << 62)};
    static const px_t ticks[] = {1, 10, 1000, 12345678901, INT64_MAX / 3, INT64_MAX};
    struct instrument instrument;
    struct prng prng;
    struct oracle *oracle = calloc(1, sizeof(*oracle));
    for (size_t t = 0; t < ARRAY_LEN(ticks); t++) {
        for (uint64_t seed = 1; seed <= 20; seed++) {
            prng_init(&prng, seed, t);
            make_instrument(&instrument, ticks[t]);
            struct book *book = open_book(&instrument, FAR_CAPACITY);
            memset(oracle, 0, sizeof(*oracle));
            for (int step = 0; step < 60; step++) {
                struct level levels[2];
                struct event event = {.kind = step == 0 ? EVENT_BOOK_SNAPSHOT : EVENT_BOOK_DELTA, .levels = levels};
                event.bid_count = (uint32_t)prng_below(&prng, 2);
                event.ask_count = (uint32_t)prng_below(&prng, 2);
                for (int i = 0; i < 2; i++)
                    levels[i] = (struct level){wild[prng_below(&prng, ARRAY_LEN(wild))], prng_range(&prng, 0, 2)};
                if (step == 0)
                    levels[0].qty = levels[1].qty = 1;
                book_apply(book, &event);
                oracle_apply(oracle, &event);
                check_side(book, oracle, SIDE_BUY, seed, step);
                check_side(book, oracle, SIDE_SELL, seed, step);
                for (size_t i = 0; i < ARRAY_LEN(wild); i++) {
                    struct level next;
                    (void)book_next(book, SIDE_BUY, wild[i], &next);
                    (void)book_next(book, SIDE_SELL, wild[i], &next);
                }
            }
            free(book);
        }
    }
    free(oracle);
}

/* Off the grid nothing would be lost, only slow: so that levels on it live in the window must be said. */
Test(book, levels_on_a_coarse_grid_live_in_the_window)
{
    static const px_t ticks[] = {1, 7, 1000, 1000000000};
    for (size_t t = 0; t < ARRAY_LEN(ticks); t++) {
        struct instrument instrument;
        struct level levels[200];
        make_instrument(&instrument, ticks[t]);
        struct book *book = open_book(&instrument, 16);
        for (int i = 0; i < 100; i++) {
            levels[i] = (struct level){(100000 - i) * ticks[t], 5};
            levels[100 + i] = (struct level){(100001 + i) * ticks[t], 5};
        }
        apply(book, EVENT_BOOK_SNAPSHOT, levels, 100, 100);
        cr_assert_eq(book->step, ticks[t]);
        cr_assert_eq(book->stats.far_levels, 0);
        cr_assert_eq(book_level_count(book, SIDE_BUY), 100);
        cr_assert_eq(book->touch[SIDE_SELL].price, 100001 * ticks[t]);
        free(book);
    }
}
