/* Sessions of the real adapters with the mock venues, over a network that does not exist. After every input the books
 * that the events build are held against those that the venue had at that update: they are right, or they are stale.
 *
 *     WIRE_SESSIONS=2000 WIRE_SEED=1 tests_cli -j1, suite virtual_wire
 *
 * A failure names its seed; WIRE_SESSIONS=1 WIRE_SEED=that repeats it alone. */
#include "cli/links_up.h"
#include "cli/virtual_wire.h"

#include "adapters/binance/link.h"
#include "adapters/upbit/link.h"
#include "adapters/upbit/rules.h"
#include "core/book.h"
#include "core/prng.h"
#include "feeds/synth_market.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START        (INT64_C(1704067200) * NS_PER_S)
#define SPAN         (90 * NS_PER_S)
#define INSTRUMENTS  2
#define COMPARED     25 /* best levels a side */
#define SILENT_AFTER (40 * NS_PER_S)
#define WINDOW       16384

/* What the venue had, after each of its market events. */
struct moment {
    uint64_t key; /* update id; Upbit: the stamp in ms */
    ns_t at;
    uint64_t hash;
};
struct history {
    struct moment *moments;
    size_t count, capacity, then; /* then: the last one SILENT_AFTER ago */
};

struct session {
    enum wire_venue venue;
    uint64_t seed;
    ns_t skew; /* of the venue's clock */
    struct synth_market *market;
    void *market_memory;
    struct instrument instruments[INSTRUMENTS];
    struct virtual_wire *virtual;
    struct wire_feed *feed;
    struct history histories[INSTRUMENTS];
    struct book books[INSTRUMENTS];
    void *memory[INSTRUMENTS];
    uint64_t keys[INSTRUMENTS]; /* of the client's books */
    bool known[INSTRUMENTS];
    uint64_t compared, gaps, events;
};

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
    if (event->instrument >= INSTRUMENTS || (event->kind != EVENT_BOOK_SNAPSHOT && event->kind != EVENT_BOOK_DELTA))
        return;
    const struct book *book = wire_book(wire, event->instrument, &seq);
    struct history *history = &session->histories[event->instrument];
    if (history->count == history->capacity) {
        history->capacity = history->capacity == 0 ? 4096 : 2 * history->capacity;
        history->moments = realloc(history->moments, history->capacity * sizeof(*history->moments));
        cr_assert_not_null(history->moments);
    }
    const uint64_t key = session->venue == WIRE_UPBIT ? (uint64_t)((now + session->skew) / NS_PER_MS) : seq;
    history->moments[history->count++] = (struct moment){key, now, hash_of(book, COMPARED)};
}

/* ---- opening ---- */

static void make_market(struct session *session)
{
    struct synth_config config;
    synth_config_default(&config);
    config.seed = session->seed;
    config.instrument_count = INSTRUMENTS;
    config.start_ts = START;
    config.duration_ns = SPAN;
    config.diff_interval_ns = 100 * NS_PER_MS;
    config.latency_base_ns = config.latency_jitter_ns = 0;
    config.actions_per_s = 60;
    config.contract = session->venue == WIRE_BINANCE_USDM ? CONTRACT_LINEAR : CONTRACT_SPOT;
    config.batch_events = 64;
    session->market_memory = aligned_alloc(64, align64(synth_market_size(&config)));
    cr_assert_not_null(session->market_memory);
    session->market = synth_market_init(session->market_memory, &config);
    for (uint16_t i = 0; i < INSTRUMENTS; i++) {
        session->instruments[i] = synth_instruments(session->market)[i];
        snprintf(session->instruments[i].venue, NAME_SIZE, "%s", wire_venue_name(session->venue));
        if (session->venue == WIRE_UPBIT)
            snprintf(session->instruments[i].symbol, SYMBOL_SIZE, "KRW-SYN%u", i + 1);
    }
}

static uint32_t rarely(struct prng *prng, uint32_t most)
{
    return prng_below(prng, 3) == 0 ? (uint32_t)prng_below(prng, most) : 0;
}

static struct virtual_net make_net(struct prng *prng)
{
    struct virtual_net net = {.delay = prng_range(prng, NS_PER_MS / 10, 80 * NS_PER_MS),
                              .jitter = prng_range(prng, 0, 30 * NS_PER_MS),
                              .stall = rarely(prng, 5000),
                              .stall_time = prng_range(prng, 0, 3 * NS_PER_S),
                              .silent = rarely(prng, 500000),
                              .request_loss = rarely(prng, 300000),
                              .drop = rarely(prng, 3000),
                              .clock_offset = prng_range(prng, -NS_PER_S, NS_PER_S)};
    if (prng_below(prng, 2) == 0)
        net.cut = prng_range(prng, 2 * NS_PER_S, 40 * NS_PER_S);
    if (prng_below(prng, 4) == 0) {
        net.step_at = START + prng_range(prng, NS_PER_S, SPAN);
        net.step = prng_range(prng, -5 * NS_PER_S, 5 * NS_PER_S);
    }
    return net;
}

static struct wire_faults make_faults(struct prng *prng, enum wire_venue venue)
{
    struct wire_faults faults = {.stale_snapshot = rarely(prng, 500000),
                                 .http_429 = rarely(prng, 300000),
                                 .http_418 = rarely(prng, 20000),
                                 .ban_time = 3 * NS_PER_S,
                                 .no_retry_after = rarely(prng, 1000000),
                                 .http_503 = rarely(prng, 300000),
                                 .http_html = rarely(prng, 200000),
                                 .slow = rarely(prng, 300000),
                                 .truncate = rarely(prng, 300000),
                                 .refuse_handshake = rarely(prng, 300000),
                                 .no_pong = rarely(prng, 500000),
                                 .clock_skew = prng_range(prng, -NS_PER_S, NS_PER_S)};
    if (venue != WIRE_UPBIT) { /* without ids nobody can tell */
        faults.drop = rarely(prng, 20000);
        faults.depth_gap = rarely(prng, 20000);
        faults.reorder = rarely(prng, 20000);
    }
    faults.duplicate = rarely(prng, 20000);
    if (prng_below(prng, 4) == 0)
        faults.silence_after = prng_range(prng, 2 * NS_PER_S, 60 * NS_PER_S);
    if (prng_below(prng, 4) == 0)
        faults.half_open_after = prng_range(prng, 2 * NS_PER_S, 60 * NS_PER_S);
    if (prng_below(prng, 4) == 0)
        faults.life = prng_range(prng, 5 * NS_PER_S, 60 * NS_PER_S);
    if (prng_below(prng, 4) == 0)
        faults.drop_connection = prng_range(prng, 5 * NS_PER_S, 60 * NS_PER_S);
    return faults;
}

static void open_session(struct session *session, const struct virtual_net *net, const struct wire_faults *faults,
                         const struct link_config *wanted)
{
    struct err_text why = {0};
    make_market(session);
    session->skew = faults->clock_skew;
    const struct virtual_venue venue = {.wire = {.venue = session->venue,
                                                 .seed = session->seed,
                                                 .instruments = session->instruments,
                                                 .instrument_count = INSTRUMENTS,
                                                 .faults = *faults,
                                                 .book_window = WINDOW},
                                        .market = synth_feed(session->market)};
    const struct virtual_wire_config config = {.seed = session->seed,
                                               .net = net,
                                               .venues = &venue,
                                               .venue_count = 1,
                                               .from = START,
                                               .to = START + SPAN,
                                               .context = session,
                                               .on_market = on_market};
    cr_assert_eq(virtual_wire_open(&session->virtual, &config, &why), ERR_OK, "%s", why.text);
    const struct wire_feed_config feed = {.source = virtual_wire_source(session->virtual),
                                          .wire = virtual_wire_wire(session->virtual),
                                          .instruments = session->instruments,
                                          .instrument_count = INSTRUMENTS,
                                          .link_count = 1};
    cr_assert_eq(wire_feed_open(&session->feed, &feed, &why), ERR_OK, "%s", why.text);
    struct link_symbol symbols[INSTRUMENTS];
    for (uint16_t i = 0; i < INSTRUMENTS; i++)
        symbols[i] = (struct link_symbol){session->instruments[i].symbol, i, LINK_BOOK | LINK_TRADES};
    struct link_config link = *wanted;
    link.symbols = symbols;
    link.symbol_count = INSTRUMENTS;
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
    for (int i = 0; i < INSTRUMENTS; i++) {
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
    for (int i = 0; i < INSTRUMENTS; i++) {
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

/* A book that is not stale is not older than what any silence is noticed in. */
static void check_age(struct session *session, uint16_t number)
{
    struct history *history = &session->histories[number];
    const ns_t then = virtual_wire_now(session->virtual) - SILENT_AFTER;
    while (history->then + 1 < history->count && history->moments[history->then + 1].at <= then)
        history->then++;
    if (!session->known[number] || (session->books[number].flags & BOOK_STALE) != 0 || history->count == 0 ||
        history->moments[history->then].at > then)
        return;
    cr_assert_geq(session->keys[number], history->moments[history->then].key,
                  "%s, seed %llu: the book of %u is silently old at %lld: update %llu, the venue had %llu",
                  wire_venue_name(session->venue), (unsigned long long)session->seed, number,
                  (long long)(virtual_wire_now(session->virtual) - START), (unsigned long long)session->keys[number],
                  (unsigned long long)history->moments[history->then].key);
}

static void take(struct session *session, const struct event *event)
{
    session->events++;
    if (event->instrument >= INSTRUMENTS)
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
        for (uint16_t i = 0; i < INSTRUMENTS; i++)
            check_age(session, i);
    }
}

static uint64_t number_from(const char *name, uint64_t instead)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : instead;
}

static void campaign(enum wire_venue venue)
{
    const uint64_t first = number_from("WIRE_SEED", 1), count = number_from("WIRE_SESSIONS", 25);
    uint64_t compared = 0, gaps = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct session *session = calloc(1, sizeof(*session));
        struct prng prng;
        cr_assert_not_null(session);
        session->venue = venue;
        session->seed = seed;
        prng_init(&prng, seed, 1 + (uint64_t)venue);
        const struct virtual_net net = make_net(&prng);
        const struct wire_faults faults = make_faults(&prng, venue);
        const struct link_config link = {
            .renew = prng_below(&prng, 2) == 0 ? prng_range(&prng, 10 * NS_PER_S, 60 * NS_PER_S) : 0,
            .silence = 20 * NS_PER_S};
        open_session(session, &net, &faults, &link);
        play(session);
        close_session(session);
        compared += session->compared;
        gaps += session->gaps;
        free(session);
    }
    cr_log_info("%s: %llu sessions from seed %llu: %llu books equal, %llu gaps", wire_venue_name(venue),
                (unsigned long long)count, (unsigned long long)first, (unsigned long long)compared,
                (unsigned long long)gaps);
    cr_assert_gt(compared, 100 * count, "only %llu books were compared", (unsigned long long)compared);
}

Test(virtual_wire, binance_usdm_books_are_right_or_stale, .timeout = 3600)
{
    campaign(WIRE_BINANCE_USDM);
}

Test(virtual_wire, binance_spot_books_are_right_or_stale, .timeout = 3600)
{
    campaign(WIRE_BINANCE_SPOT);
}

Test(virtual_wire, upbit_books_are_right_or_stale, .timeout = 3600)
{
    campaign(WIRE_UPBIT);
}

/* Without faults nothing is lost, and a connection that is replaced every few seconds makes no gap. */
static void calm(enum wire_venue venue, ns_t renew)
{
    struct session *session = calloc(1, sizeof(*session));
    const struct virtual_net net = {.delay = 10 * NS_PER_MS, .jitter = 2 * NS_PER_MS};
    const struct wire_faults faults = {0};
    const struct link_config link = {.renew = renew};
    cr_assert_not_null(session);
    session->venue = venue;
    session->seed = 5;
    open_session(session, &net, &faults, &link);
    play(session);
    cr_assert_eq(session->gaps, 0, "%s: %llu gaps", wire_venue_name(venue), (unsigned long long)session->gaps);
    cr_assert_gt(session->compared, 1000, "%s: %llu compared", wire_venue_name(venue),
                 (unsigned long long)session->compared);
    close_session(session);
    free(session);
}

Test(virtual_wire, a_calm_session_has_no_gap)
{
    calm(WIRE_BINANCE_USDM, 0);
    calm(WIRE_BINANCE_SPOT, 0);
    calm(WIRE_UPBIT, 0);
}

Test(virtual_wire, renewals_make_no_gap)
{
    calm(WIRE_BINANCE_USDM, 7 * NS_PER_S);
    calm(WIRE_BINANCE_SPOT, 7 * NS_PER_S);
    calm(WIRE_UPBIT, 7 * NS_PER_S);
}
