/* A client that knows nothing but the venue's page, following a random market over a wire that loses, repeats and
 * reorders: its book is the venue's, or it knows that it is not. */
#include "core/prng.h"
#include "tests/sim/wire_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICKS    2000
#define HISTORY  65536
#define MESSAGES 3000
#define WAITING  256

/* ---- books that can be compared at once: a sum over levels ---- */

struct sums {
    int64_t qty[2][TICKS];
    uint64_t hash;
};

static uint64_t level_hash(unsigned side, unsigned tick, int64_t qty)
{
    return qty == 0 ? 0 : prng_at(99, side, tick, (uint64_t)qty);
}

static void set(struct sums *book, unsigned side, unsigned tick, int64_t qty)
{
    book->hash ^= level_hash(side, tick, book->qty[side][tick]) ^ level_hash(side, tick, qty);
    book->qty[side][tick] = qty;
}

/* ---- the market ---- */

struct market {
    struct sums truth;
    uint64_t last; /* id */
    uint64_t hashes[HISTORY], ids[HISTORY];
    struct prng prng;
    bool spot, upbit;
};

static void remember(struct market *market)
{
    market->ids[market->last % HISTORY] = market->last;
    market->hashes[market->last % HISTORY] = market->truth.hash;
}

/* Bids below 1000, asks above: never crossed. */
static uint32_t change_some(struct market *market, struct level *levels, unsigned side, uint32_t most)
{
    const uint32_t count = (uint32_t)prng_below(&market->prng, most + 1);
    const uint64_t span = market->upbit ? 28 : 60; /* Upbit tells thirty levels a side */
    for (uint32_t i = 0; i < count; i++) {
        const unsigned tick =
            (unsigned)(side == 0 ? 999 - prng_below(&market->prng, span) : 1000 + prng_below(&market->prng, span));
        const int64_t qty = prng_below(&market->prng, 3) == 0 ? 0 : (int64_t)prng_below(&market->prng, 9000) + 1;
        levels[i] = (struct level){tick, qty};
        set(&market->truth, side, tick, qty);
    }
    return count;
}

static void whole_book(struct market *market, struct event *event, struct level *levels)
{
    for (unsigned tick = 1000; tick-- > 0;)
        if (market->truth.qty[0][tick] != 0)
            levels[event->bid_count++] = (struct level){tick, market->truth.qty[0][tick]};
    for (unsigned tick = 1000; tick < TICKS; tick++)
        if (market->truth.qty[1][tick] != 0)
            levels[event->bid_count + event->ask_count++] = (struct level){tick, market->truth.qty[1][tick]};
}

static void say(struct wire_rig *rig, struct market *market, bool snapshot)
{
    struct level levels[TICKS];
    struct event event = {.ts = rig->now, .exch_ts = rig->now, .levels = levels, .kind = EVENT_BOOK_DELTA};
    event.seq_prev = market->spot ? 0 : market->last;
    event.seq_first = market->last + 1 + (market->spot ? 0 : prng_below(&market->prng, 3));
    event.seq = event.seq_first + prng_below(&market->prng, 5);
    event.bid_count = change_some(market, levels, 0, 4);
    event.ask_count = change_some(market, levels + event.bid_count, 1, 4);
    if (market->upbit || snapshot) {
        event.kind = EVENT_BOOK_SNAPSHOT;
        event.bid_count = event.ask_count = 0;
        whole_book(market, &event, levels);
    }
    market->last = market->upbit ? (uint64_t)(rig->now / NS_PER_MS) : event.seq;
    if (market->upbit)
        event.seq = event.seq_first = event.seq_prev = 0;
    remember(market);
    wire_market(rig->wire, rig->now, &event);
}

/* ---- the client ---- */

struct client {
    struct wire_rig *rig;
    struct market *market;
    struct sums book;
    bool synced, first_done;
    uint64_t last; /* id, or stamp on Upbit */
    char *waiting[WAITING];
    size_t waiting_count;
    uint64_t seen, compared, resyncs;
    uint64_t said; /* a sum over all bytes that were heard, in order */
    char ping[32]; /* to be answered */
};

static uint64_t number_after(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    cr_assert_not_null(at, "%s in %s", name, text);
    return strtoull(at + strlen(name), NULL, 10);
}

/* "12.34" at as many decimals as it has */
static int64_t digits_of(const char **at)
{
    int64_t value = 0;
    for (; (**at >= '0' && **at <= '9') || **at == '.'; ++*at)
        if (**at != '.')
            value = value * 10 + (**at - '0');
    return value;
}

/* [["9.99","1.000"],...] behind a name */
static void take_levels(struct client *client, const char *text, const char *name, unsigned side)
{
    const char *at = strstr(text, name);
    cr_assert_not_null(at, "%s in %s", name, text);
    at += strlen(name);
    while (*at == '[' || *at == ',') {
        at += strcspn(at, "\"") + 1;
        const int64_t tick = digits_of(&at);
        at += 3;
        const int64_t qty = digits_of(&at);
        at += 2;
        set(&client->book, side, (unsigned)tick, qty);
    }
}

static void empty(struct client *client)
{
    memset(&client->book, 0, sizeof(client->book));
}

static void compare(struct client *client)
{
    const struct market *market = client->market;
    if (!client->synced || market->ids[client->last % HISTORY] != client->last)
        return;
    client->compared++;
    cr_assert_eq(client->book.hash, market->hashes[client->last % HISTORY], "the book at id %llu is not the venue's",
                 (unsigned long long)client->last);
}

/* The page's rule of a frame for who is in step. False: out of step. */
static bool follow(struct client *client, const char *text)
{
    const uint64_t first = number_after(text, "\"U\":"), last = number_after(text, "\"u\":");
    if (client->market->spot) {
        if (last <= client->last)
            return true;
        if (first > client->last + 1)
            return false;
    } else if (!client->first_done) {
        if (last < client->last)
            return true;
        if (first > client->last && number_after(text, "\"pu\":") != client->last)
            return false;
    } else if (number_after(text, "\"pu\":") != client->last) {
        return false;
    }
    client->first_done = true;
    take_levels(client, text, "\"b\":[", 0);
    take_levels(client, text, "\"a\":[", 1);
    client->last = last;
    compare(client);
    return true;
}

static void drop_waiting(struct client *client)
{
    for (size_t i = 0; i < client->waiting_count; i++)
        free(client->waiting[i]);
    client->waiting_count = 0;
}

static void fetch(struct client *client)
{
    struct wire_rig *rig = client->rig;
    const uint16_t status = client->market->spot ? rig_get(rig, "/api/v3/depth", "symbol=BTCUSDT&limit=1000")
                                                 : rig_get(rig, "/fapi/v1/depth", "symbol=BTCUSDT&limit=1000");
    if (status != 200 || rig->cut)
        return;
    empty(client);
    client->last = number_after(rig->body, "\"lastUpdateId\":");
    take_levels(client, rig->body, "\"bids\":[", 0);
    take_levels(client, rig->body, "\"asks\":[", 1);
    client->synced = true;
    client->first_done = false;
    compare(client);
    for (size_t i = 0; i < client->waiting_count && client->synced; i++)
        client->synced = follow(client, client->waiting[i]);
    if (client->synced)
        drop_waiting(client);
}

static void hear(void *context, uint32_t number, enum wire_opcode opcode, const char *text, size_t size)
{
    struct client *client = context;
    (void)number;
    for (size_t i = 0; i < size; i++)
        client->said = (client->said ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    if (opcode == WIRE_PING) {
        snprintf(client->ping, sizeof(client->ping), "%.*s", (int)size, text);
        return;
    }
    char *copy = malloc(size + 1);
    memcpy(copy, text, size);
    copy[size] = '\0';
    client->seen++;
    if (client->market->upbit) {
        cr_assert_eq(opcode, WIRE_BINARY);
        const uint64_t stamp = number_after(copy, "\"timestamp\":");
        if (stamp >= client->last) {
            client->last = stamp;
            client->synced = true;
            empty(client);
            for (const char *at = copy; (at = strstr(at, "\"ask_price\":")) != NULL; at++) {
                const char *fields[4] = {"\"ask_price\":", "\"bid_price\":", "\"ask_size\":", "\"bid_size\":"};
                int64_t values[4];
                for (int i = 0; i < 4; i++) {
                    const char *value = strstr(at, fields[i]) + strlen(fields[i]);
                    const char *end = value;
                    (void)digits_of(&end);
                    cr_assert_eq(decimal_parse(value, (size_t)(end - value), i < 2 ? 2 : 3, ROUND_EXACT, &values[i]),
                                 ERR_OK);
                }
                if (values[2] != 0)
                    set(&client->book, 1, (unsigned)values[0], values[2]);
                if (values[3] != 0)
                    set(&client->book, 0, (unsigned)values[1], values[3]);
            }
            compare(client);
        }
        free(copy);
        return;
    }
    if (client->synced && !follow(client, copy)) {
        client->synced = false;
        client->resyncs++;
    }
    if (client->synced) {
        free(copy);
        return;
    }
    if (client->waiting_count == WAITING)
        drop_waiting(client);
    client->waiting[client->waiting_count++] = copy;
}

/* ---- the run ---- */

static struct client run(enum wire_venue venue, uint64_t seed, const struct wire_faults *faults, const char *speed)
{
    static struct wire_rig rig;
    static struct market market;
    static struct client client;
    memset(&market, 0, sizeof(market));
    memset(&client, 0, sizeof(client));
    rig_init(&rig, venue);
    if (faults != NULL)
        rig.config.faults = *faults;
    rig.config.seed = seed;
    rig.config.no_limits = true;
    rig_open(&rig);
    market.spot = venue == WIRE_BINANCE_SPOT;
    market.upbit = venue == WIRE_UPBIT;
    prng_init(&market.prng, seed, 1);
    market.last = 1000;
    client.rig = &rig;
    client.market = &market;
    rig.hear = hear;
    rig.hear_context = &client;
    say(&rig, &market, true);
    char path[64];
    snprintf(path, sizeof(path), "%s/ws/btcusdt@depth%s", venue == WIRE_BINANCE_USDM ? "/public" : "", speed);
    cr_assert(rig_hello(&rig, 0, market.upbit ? "/websocket/v1" : path, ""));
    if (market.upbit)
        rig_text(&rig, 0, "[{\"ticket\":\"t\"},{\"type\":\"orderbook\",\"codes\":[\"KRW-BTC\"]}]");
    for (int i = 0; i < MESSAGES; i++) {
        rig_wait(&rig, (ns_t)(1 + prng_below(&market.prng, 200)) * NS_PER_MS);
        if (client.ping[0] != '\0')
            wire_frame(rig.wire, rig.now, 0, WIRE_PONG, client.ping, strlen(client.ping));
        client.ping[0] = '\0';
        say(&rig, &market, prng_below(&market.prng, 200) == 0);
        if (!market.upbit && !client.synced && client.waiting_count > 2)
            fetch(&client);
    }
    printf("# %s%s seed %llu: %llu frames, %llu books compared, %llu resyncs\n", wire_venue_name(venue), speed,
           (unsigned long long)seed, (unsigned long long)client.seen, (unsigned long long)client.compared,
           (unsigned long long)client.resyncs);
    drop_waiting(&client);
    rig_close(&rig);
    return client;
}

Test(wire_follow, a_book_that_follows_the_page_is_the_venues_at_every_message)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        static const enum wire_venue venues[] = {WIRE_BINANCE_USDM, WIRE_BINANCE_SPOT, WIRE_UPBIT};
        for (size_t v = 0; v < ARRAY_LEN(venues); v++) {
            const struct client client = run(venues[v], seed, NULL, "@100ms");
            cr_assert_eq(client.resyncs, 0);
            cr_assert_gt(client.compared, MESSAGES - 10);
        }
    }
}

Test(wire_follow, slower_streams_gather_without_losing_anything)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct client client = run(WIRE_BINANCE_USDM, seed, NULL, "@500ms");
        cr_assert_eq(client.resyncs, 0);
        cr_assert_gt(client.compared, 300);
        client = run(WIRE_BINANCE_USDM, seed, NULL, "");
        cr_assert_gt(client.compared, 500);
        client = run(WIRE_BINANCE_SPOT, seed, NULL, "");
        cr_assert_eq(client.resyncs, 0);
        cr_assert_gt(client.compared, 200);
    }
}

static const struct wire_faults all_faults = {.drop = 10000,
                                              .duplicate = 10000,
                                              .reorder = 10000,
                                              .depth_gap = 5000,
                                              .stale_snapshot = 300000,
                                              .stale_age = 2 * NS_PER_S,
                                              .truncate = 100000,
                                              .http_503 = 100000};

Test(wire_follow, with_faults_the_book_is_right_or_known_to_be_wrong)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct client client = run(WIRE_BINANCE_USDM, seed, &all_faults, "@100ms");
        cr_assert_gt(client.resyncs, 20);
        cr_assert_gt(client.compared, MESSAGES / 2);
        client = run(WIRE_BINANCE_SPOT, seed, &all_faults, "@100ms");
        cr_assert_gt(client.resyncs, 10);
        cr_assert_gt(client.compared, MESSAGES / 2);
        client = run(WIRE_UPBIT, seed, &all_faults, "");
        cr_assert_gt(client.compared, MESSAGES / 2);
    }
}

Test(wire_follow, the_same_inputs_make_the_same_bytes)
{
    for (unsigned venue = 0; venue < 3; venue++) {
        static const enum wire_venue venues[] = {WIRE_BINANCE_USDM, WIRE_BINANCE_SPOT, WIRE_UPBIT};
        const struct client one = run(venues[venue], 5, &all_faults, "@100ms");
        const struct client two = run(venues[venue], 5, &all_faults, "@100ms");
        const struct client other = run(venues[venue], 6, &all_faults, "@100ms");
        cr_assert_eq(one.said, two.said);
        cr_assert_neq(one.said, other.said);
    }
}
