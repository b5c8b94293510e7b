#include "tests/cli/wire_session.h"

#include "adapters/binance/link.h"
#include "adapters/upbit/link.h"
#include "feeds/synth_market.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPARED 25 /* best levels a side */
#define WINDOW   16384

static uint64_t fold(uint64_t hash, uint64_t value)
{
    hash ^= value;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t hash_of(const struct book *book, uint32_t depth)
{
    struct level levels[COMPARED];
    uint64_t hash = 1;
    for (int side = 0; side < 2; side++) {
        const uint32_t count = book_top(book, (enum side)side, levels, depth);
        hash = fold(hash, count);
        for (uint32_t i = 0; i < count; i++)
            hash = fold(fold(hash, (uint64_t)levels[i].price), (uint64_t)levels[i].qty);
    }
    return hash;
}

static void on_market(void *context, uint16_t venue, const struct wire *wire, ns_t now, const struct event *event)
{
    struct session *session = context;
    uint64_t seq = 0;
    (void)venue;
    if (event->instrument >= SESSION_INSTRUMENTS ||
        (event->kind != EVENT_BOOK_SNAPSHOT && event->kind != EVENT_BOOK_DELTA))
        return;
    const struct book *book = wire_book(wire, event->instrument, &seq);
    struct history *history = &session->histories[event->instrument];
    if (history->count == history->capacity) {
        history->capacity = history->capacity == 0 ? 4096 : 2 * history->capacity;
        history->moments = realloc(history->moments, history->capacity * sizeof(*history->moments));
        cr_assert_not_null(history->moments);
    }
    const uint64_t key =
        session->venue == WIRE_UPBIT ? (uint64_t)((now + session->faults.clock_skew) / NS_PER_MS) : seq;
    history->moments[history->count++] = (struct moment){key, now, hash_of(book, COMPARED)};
}

/* ---- a market that is played slowly ---- */

static err_t slow_next(struct feed *feed, struct event_batch *batch)
{
    struct slow_feed *slow = (struct slow_feed *)(void *)feed;
    const err_t err = slow->from->ops->next(slow->from, batch);
    if (err != ERR_OK)
        return err;
    cr_assert_leq(batch->count, ARRAY_LEN(slow->events));
    for (uint32_t i = 0; i < batch->count; i++) {
        struct event *event = &slow->events[i];
        *event = batch->events[i];
        event->ts = SESSION_START + (event->ts - SESSION_START) * slow->times;
        event->exch_ts = SESSION_START + (event->exch_ts - SESSION_START) * slow->times;
    }
    batch->events = slow->events;
    return ERR_OK;
}

static void slow_release(struct feed *feed, uint32_t handle)
{
    struct slow_feed *slow = (struct slow_feed *)(void *)feed;
    slow->from->ops->release(slow->from, handle);
}

static const struct feed_ops slow_ops = {.next = slow_next, .release = slow_release};

/* ---- opening ---- */

static void make_market(struct session *session)
{
    struct synth_config config;
    session->slow.times = session->stretch;
    synth_config_default(&config);
    config.seed = session->seed;
    config.instrument_count = SESSION_INSTRUMENTS;
    config.start_ts = SESSION_START;
    config.duration_ns = session->span / session->slow.times;
    config.diff_interval_ns = session->diff_interval / session->slow.times;
    config.latency_base_ns = config.latency_jitter_ns = 0;
    config.actions_per_s = session->actions_per_s * (uint32_t)session->slow.times;
    config.contract = session->venue == WIRE_BINANCE_USDM ? CONTRACT_LINEAR : CONTRACT_SPOT;
    config.batch_events = ARRAY_LEN(session->slow.events);
    session->market_memory = aligned_alloc(64, align64(synth_market_size(&config)));
    cr_assert_not_null(session->market_memory);
    session->market = synth_market_init(session->market_memory, &config);
    session->slow.feed.ops = &slow_ops;
    session->slow.from = synth_feed(session->market);
    for (uint16_t i = 0; i < SESSION_INSTRUMENTS; i++) {
        session->instruments[i] = synth_instruments(session->market)[i];
        snprintf(session->instruments[i].venue, NAME_SIZE, "%s", wire_venue_name(session->venue));
        if (session->venue == WIRE_UPBIT)
            snprintf(session->instruments[i].symbol, SYMBOL_SIZE, "KRW-SYN%u", i + 1);
    }
}

static void open_session(struct session *session)
{
    struct err_text why = {0};
    make_market(session);
    const struct virtual_venue venue = {.wire = {.venue = session->venue,
                                                 .seed = session->seed,
                                                 .instruments = session->instruments,
                                                 .instrument_count = SESSION_INSTRUMENTS,
                                                 .faults = session->faults,
                                                 .book_window = WINDOW},
                                        .market = &session->slow.feed};
    const struct virtual_wire_config config = {.seed = session->seed,
                                               .net = &session->net,
                                               .venues = &venue,
                                               .venue_count = 1,
                                               .from = SESSION_START,
                                               .to = SESSION_START + session->span,
                                               .context = session,
                                               .on_market = on_market};
    cr_assert_eq(virtual_wire_open(&session->virtual, &config, &why), ERR_OK, "%s", why.text);
    const struct wire_feed_config feed = {.source = virtual_wire_source(session->virtual),
                                          .wire = virtual_wire_wire(session->virtual),
                                          .instruments = session->instruments,
                                          .instrument_count = SESSION_INSTRUMENTS,
                                          .link_count = 1};
    cr_assert_eq(wire_feed_open(&session->feed, &feed, &why), ERR_OK, "%s", why.text);
    struct link_symbol symbols[SESSION_INSTRUMENTS];
    for (uint16_t i = 0; i < SESSION_INSTRUMENTS; i++)
        symbols[i] = (struct link_symbol){session->instruments[i].symbol, i, LINK_BOOK | LINK_TRADES};
    struct link_config link = {.renew = session->renew, .silence = session->silence, .stale = session->stale};
    link.symbols = symbols;
    link.symbol_count = SESSION_INSTRUMENTS;
    link.instruments = session->instruments;
    link.seed = session->seed;
    const struct market_sink sink = wire_feed_sink(session->feed, 0, wire_venue_name(session->venue));
    struct link *opened = NULL;
    const err_t err = session->venue == WIRE_UPBIT
                          ? upbit_link_open(&link, &sink, wire_feed_wire(session->feed), &opened)
                          : binance_link_open(session->venue == WIRE_BINANCE_USDM ? BINANCE_USDM : BINANCE_SPOT,
                                              &link, &sink, wire_feed_wire(session->feed), &opened);
    cr_assert_eq(err, ERR_OK);
    wire_feed_set(session->feed, 0, opened);
    for (int i = 0; i < SESSION_INSTRUMENTS; i++) {
        const size_t size = align64(book_size(WINDOW, BOOK_FAR_DEFAULT));
        session->memory[i] = aligned_alloc(64, size);
        cr_assert_not_null(session->memory[i]);
        memset(session->memory[i], 0, size);
        book_init(&session->books[i], session->memory[i], WINDOW, BOOK_FAR_DEFAULT, &session->instruments[i]);
    }
}

static void close_session(struct session *session)
{
    struct feed *lane = wire_feed_lane(session->feed);
    lane->ops->close(lane);
    virtual_wire_close(session->virtual);
    for (int i = 0; i < SESSION_INSTRUMENTS; i++) {
        free(session->memory[i]);
        free(session->histories[i].moments);
    }
    free(session->market_memory);
}

/* ---- holding the books against the venue's ---- */

static void compare(struct session *session, uint16_t number)
{
    const struct history *history = &session->histories[number];
    const uint64_t hash = hash_of(&session->books[number], COMPARED), key = session->keys[number];
    bool seen = false;
    for (size_t i = history->count; i-- > 0 && history->moments[i].key >= key;) {
        if (history->moments[i].key != key)
            continue;
        seen = true;
        if (history->moments[i].hash == hash) {
            session->compared++;
            return;
        }
    }
    cr_assert_fail("%s, seed %llu: the book of %u after %llu is %s", wire_venue_name(session->venue),
                   (unsigned long long)session->seed, number, (unsigned long long)key,
                   seen ? "not the venue's" : "of an update that the venue never made");
}

/* A book that is not stale is not older than any silence may last. */
static void check_age(struct session *session, uint16_t number)
{
    struct history *history = &session->histories[number];
    const ns_t then = virtual_wire_now(session->virtual) - session->old;
    while (history->then + 1 < history->count && history->moments[history->then + 1].at <= then)
        history->then++;
    if (!session->known[number] || (session->books[number].flags & BOOK_STALE) != 0 || history->count == 0 ||
        history->moments[history->then].at > then)
        return;
    cr_assert_geq(session->keys[number], history->moments[history->then].key,
                  "%s, seed %llu: the book of %u is silently old at %lld: update %llu, the venue had %llu",
                  wire_venue_name(session->venue), (unsigned long long)session->seed, number,
                  (long long)(virtual_wire_now(session->virtual) - SESSION_START),
                  (unsigned long long)session->keys[number], (unsigned long long)history->moments[history->then].key);
}

static void take(struct session *session, const struct event *event)
{
    session->events++;
    if (event->instrument >= SESSION_INSTRUMENTS)
        return;
    struct book *book = &session->books[event->instrument];
    book_apply(book, event);
    session->gaps += event->kind == EVENT_GAP;
    if (event->kind != EVENT_BOOK_SNAPSHOT && event->kind != EVENT_BOOK_DELTA)
        return;
    session->known[event->instrument] = true;
    session->keys[event->instrument] =
        session->venue == WIRE_UPBIT ? (uint64_t)(event->exch_ts / NS_PER_MS) : event->seq;
    if ((book->flags & BOOK_STALE) == 0)
        compare(session, event->instrument);
}

static void play(struct session *session)
{
    struct feed *lane = wire_feed_lane(session->feed);
    struct err_text why = {0};
    for (;;) {
        struct event_batch batch;
        const err_t err = lane->ops->next(lane, &batch);
        if (err == ERR_END)
            return;
        if (err == ERR_AGAIN) {
            cr_assert_eq(wire_feed_wait(session->feed, NS_MAX, &why), ERR_OK);
            continue;
        }
        cr_assert_eq(err, ERR_OK, "seed %llu: %s", (unsigned long long)session->seed, lane->why.text);
        for (uint32_t i = 0; i < batch.count; i++)
            take(session, &batch.events[i]);
        lane->ops->release(lane, batch.handle);
        for (uint16_t i = 0; i < SESSION_INSTRUMENTS; i++)
            check_age(session, i);
    }
}

void session_run(struct session *session)
{
    open_session(session);
    play(session);
    close_session(session);
}
