#include "feeds/clip_feed.h"

#include "core/prng.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define INSTRUMENTS 3
#define PRICES      40
#define LEVELS      12
#define MESSAGES    300
#define LANE        5
#define UNKNOWN     (INSTRUMENTS - 1) /* has trades only */

/* ---- a feed whose batches are copies that are freed when released ---- */

struct fake {
    struct feed feed; /* first */
    const struct event *events;
    uint32_t count, at, batch; /* batch 0: random sizes, empty ones too */
    struct prng prng;
    struct event *held[64];
    uint64_t given, released;
    err_t end;
};

static err_t fake_next(struct feed *feed, struct event_batch *batch)
{
    struct fake *fake = (struct fake *)(void *)feed;
    if (fake->at == fake->count)
        return fake->end == ERR_END ? ERR_END : err_say(&feed->why, fake->end, "block 3 is damaged");
    uint32_t count = fake->batch != 0 ? fake->batch : (uint32_t)prng_below(&fake->prng, 9);
    if (count > fake->count - fake->at)
        count = fake->count - fake->at;
    uint32_t slot = 0;
    while (fake->held[slot] != NULL)
        slot++;
    fake->held[slot] = malloc((count + 1) * sizeof(struct event));
    memcpy(fake->held[slot], fake->events + fake->at, count * sizeof(struct event));
    fake->at += count;
    fake->given++;
    *batch = (struct event_batch){fake->held[slot], count, slot};
    return ERR_OK;
}

static void fake_release(struct feed *feed, uint32_t handle)
{
    struct fake *fake = (struct fake *)(void *)feed;
    cr_assert(handle < ARRAY_LEN(fake->held) && fake->held[handle] != NULL, "released twice");
    free(fake->held[handle]);
    fake->held[handle] = NULL;
    fake->released++;
}

static const struct feed_ops fake_ops = {fake_next, fake_release, NULL};

/* ---- a market with gaps ---- */

struct market {
    struct instrument instruments[INSTRUMENTS];
    struct event events[MESSAGES];
    struct level levels[MESSAGES][LEVELS];
    uint32_t count;
};

static void market_make(struct market *market, uint64_t seed)
{
    struct prng prng;
    ns_t ts = 1000;
    prng_init(&prng, seed, 3);
    memset(market, 0, sizeof(*market));
    for (int i = 0; i < INSTRUMENTS; i++)
        cr_assert_eq(instrument_init(&market->instruments[i], "synthetic", "X", "B", "Q", CONTRACT_LINEAR, 0, 0),
                     ERR_OK);
    for (uint32_t n = 0; n < MESSAGES; n++) {
        struct event *event = &market->events[market->count++];
        const uint64_t draw = prng_below(&prng, 100);
        ts += prng_range(&prng, 0, 3);
        *event = (struct event){.ts = ts, .exch_ts = ts - 1, .seq = n + 1, .levels = market->levels[n], .lane = LANE};
        event->instrument = (uint16_t)prng_below(&prng, UNKNOWN);
        if (draw < 4) {
            event->kind = EVENT_GAP;
            event->body = NULL;
            if (draw < 2)
                event->instrument = INSTRUMENT_NONE;
            continue;
        }
        event->kind = draw < 15 ? EVENT_BOOK_SNAPSHOT : draw < 75 ? EVENT_BOOK_DELTA : EVENT_TRADE;
        if (event->kind == EVENT_TRADE) {
            event->instrument = (uint16_t)prng_below(&prng, INSTRUMENTS);
            event->bid_count = 1;
            market->levels[n][0] = (struct level){100, 1};
            continue;
        }
        event->flags = event->kind == EVENT_BOOK_SNAPSHOT && draw < 8 ? EVENT_PARTIAL : 0;
        event->bid_count = (uint32_t)prng_below(&prng, LEVELS / 2);
        event->ask_count = (uint32_t)prng_below(&prng, LEVELS / 2);
        bool used[2][PRICES] = {{false}};
        for (uint32_t i = 0; i < event->bid_count + event->ask_count; i++) {
            const bool ask = i >= event->bid_count;
            px_t at = prng_range(&prng, 0, PRICES / 2 - 1) + (ask ? PRICES / 2 : 0);
            while (used[ask][at])
                at = ask ? PRICES / 2 + (at + 1) % (PRICES / 2) : (at + 1) % (PRICES / 2);
            used[ask][at] = true;
            const qty_t least = event->kind == EVENT_BOOK_SNAPSHOT;
            market->levels[n][i] = (struct level){100 + at, prng_range(&prng, least, 9)};
        }
    }
}

/* A book as plain as can be. */
struct plain {
    qty_t shown[2][PRICES];
    bool stale, partial;
    uint64_t seq;
};

static void plain_start(struct plain *books)
{
    memset(books, 0, INSTRUMENTS * sizeof(*books));
    for (int i = 0; i < INSTRUMENTS; i++)
        books[i].stale = true;
}

static void plain_apply(struct plain *books, const struct event *event)
{
    for (int i = 0; i < INSTRUMENTS && event->kind == EVENT_GAP; i++)
        books[i].stale |= event->instrument == i || event->instrument == INSTRUMENT_NONE;
    if (event->kind != EVENT_BOOK_SNAPSHOT && event->kind != EVENT_BOOK_DELTA)
        return;
    struct plain *book = &books[event->instrument];
    if (event->kind == EVENT_BOOK_SNAPSHOT)
        *book = (struct plain){.partial = (event->flags & EVENT_PARTIAL) != 0};
    book->seq = event->seq;
    for (uint32_t i = 0; i < event->bid_count + event->ask_count; i++)
        book->shown[i >= event->bid_count][event->levels[i].price - 100] = event->levels[i].qty;
}

/* Stale books hold different levels: nobody may look at them. */
static bool plain_same(const struct plain *a, const struct plain *b)
{
    if (a->stale || b->stale)
        return a->stale == b->stale;
    return a->partial == b->partial && a->seq == b->seq && memcmp(a->shown, b->shown, sizeof(a->shown)) == 0;
}

struct reading {
    struct plain books[INSTRUMENTS];
    uint64_t snapshots, events;
};

/* Reads a clip to its end against the whole market; batches are held for a while, as the venue's look-ahead does. */
static void check_clip(const struct market *market, uint64_t seed, uint32_t batch, ns_t from, ns_t to)
{
    struct fake fake = {
        .feed = {.ops = &fake_ops}, .events = market->events, .count = market->count, .batch = batch, .end = ERR_END};
    struct feed *clip;
    struct err_text why = {0};
    struct plain whole[INSTRUMENTS], books[INSTRUMENTS];
    uint32_t at = 0, waiting[3] = {0}, waiting_count = 0;
    bool told[INSTRUMENTS] = {false}, known[INSTRUMENTS] = {false};
    err_t err;
    struct event_batch given;
    prng_init(&fake.prng, seed, 9);
    plain_start(whole);
    plain_start(books);
    for (; at < market->count && market->events[at].ts < from; at++) {
        plain_apply(whole, &market->events[at]);
        if (market->events[at].kind != EVENT_TRADE && market->events[at].instrument < INSTRUMENTS)
            known[market->events[at].instrument] = true;
    }
    cr_assert_eq(clip_feed_open(&clip, &fake.feed, market->instruments, INSTRUMENTS, from, to, LANE, &why), ERR_OK);
    bool opening = at != 0 && at < market->count && from < to;
    while ((err = clip->ops->next(clip, &given)) == ERR_OK) {
        for (uint32_t i = 0; i < given.count; i++) {
            const struct event *event = &given.events[i];
            if (opening && event->ts == from && event->seq != market->events[at].seq) {
                /* the books as they were, one event each */
                cr_assert(event->instrument < INSTRUMENTS && !told[event->instrument] && event->lane == LANE);
                cr_assert(event->kind == EVENT_GAP || event->kind == EVENT_BOOK_SNAPSHOT);
                told[event->instrument] = true;
                plain_apply(books, event);
                continue;
            }
            if (opening) {
                opening = false;
                cr_assert(memcmp(told, known, sizeof(told)) == 0, "seed %" PRIu64 " from %" PRId64, seed, from);
                for (int n = 0; n < INSTRUMENTS; n++)
                    cr_assert(plain_same(&whole[n], &books[n]), "seed %" PRIu64 " from %" PRId64 ": book %d", seed,
                              from, n);
            }
            cr_assert_lt(at, market->count);
            cr_assert(memcmp(event, &market->events[at], sizeof(*event)) == 0, "seed %" PRIu64 " message %u", seed,
                      at);
            plain_apply(whole, event);
            plain_apply(books, event);
            for (int n = 0; n < INSTRUMENTS; n++)
                cr_assert(plain_same(&whole[n], &books[n]), "seed %" PRIu64 " message %u book %d", seed, at, n);
            at++;
        }
        waiting[waiting_count++] = given.handle;
        if (waiting_count == ARRAY_LEN(waiting)) {
            clip->ops->release(clip, waiting[0]);
            memmove(waiting, waiting + 1, sizeof(waiting) - sizeof(waiting[0]));
            waiting_count--;
        }
    }
    cr_assert_eq(err, ERR_END);
    cr_assert_eq(clip->ops->next(clip, &given), ERR_END, "and stays so");
    cr_assert(at == market->count || market->events[at].ts >= to || from >= to, "seed %" PRIu64 ": stops at %u", seed,
              at);
    cr_assert(at == 0 || market->events[at - 1].ts < to || market->events[at - 1].ts < from);
    while (waiting_count > 0)
        clip->ops->release(clip, waiting[--waiting_count]);
    clip->ops->close(clip);
    cr_assert_eq(fake.given, fake.released, "seed %" PRIu64 ": every batch goes back once", seed);
}

Test(clip_feed, a_stretch_begins_with_the_books_and_then_sees_what_the_whole_sees, .timeout = 60)
{
    static struct market market;
    for (uint64_t seed = 1; seed <= 25; seed++) {
        struct prng prng;
        market_make(&market, seed);
        prng_init(&prng, seed, 4);
        const ns_t last = market.events[market.count - 1].ts;
        for (int n = 0; n < 6; n++) {
            const ns_t from = prng_range(&prng, 995, last + 3), to = prng_range(&prng, 995, last + 3);
            check_clip(&market, seed, (uint32_t)(n * n * n), from, to);
            check_clip(&market, seed, (uint32_t)n, from, NS_MAX);
            check_clip(&market, seed, (uint32_t)n, INT64_MIN, to);
        }
    }
}

Test(clip_feed, a_clip_closed_early_gives_back_what_it_kept)
{
    static struct market market;
    struct fake fake = {.feed = {.ops = &fake_ops}, .events = market.events, .batch = 50, .end = ERR_END};
    struct feed *clip;
    struct event_batch batch;
    struct err_text why = {0};
    market_make(&market, 1);
    fake.count = market.count;
    cr_assert_eq(
        clip_feed_open(&clip, &fake.feed, market.instruments, INSTRUMENTS, market.events[70].ts, NS_MAX, 0, &why),
        ERR_OK);
    cr_assert_eq(clip->ops->next(clip, &batch), ERR_OK); /* the books; the first messages wait behind them */
    clip->ops->release(clip, batch.handle);
    clip->ops->close(clip);
    cr_assert_eq(fake.given, 2);
    cr_assert_eq(fake.released, 2);
}

Test(clip_feed, what_breaks_the_feed_is_passed_on_with_its_words)
{
    static struct market market;
    market_make(&market, 1);
    for (uint32_t count = 0; count < 60; count += 30) { /* before the stretch, and in it */
        struct fake fake = {
            .feed = {.ops = &fake_ops}, .events = market.events, .count = count, .batch = 50, .end = ERR_CORRUPT};
        struct feed *clip;
        struct event_batch batch;
        struct err_text why = {0};
        err_t err;
        cr_assert_eq(
            clip_feed_open(&clip, &fake.feed, market.instruments, INSTRUMENTS, market.events[9].ts, NS_MAX, 0, &why),
            ERR_OK);
        while ((err = clip->ops->next(clip, &batch)) == ERR_OK)
            clip->ops->release(clip, batch.handle);
        cr_expect_eq(err, ERR_CORRUPT);
        cr_expect_str_eq(clip->why.text, "block 3 is damaged");
        clip->ops->close(clip);
    }
}
