/* A small Binance written for this test, with everything that goes wrong, against the link.
 *
 *   books that move ─► diffs, best prices, trades ─► connections that delay, cut, stall, lose, repeat, swap ─► link
 *                  └─► GET /depth, of now or of a while ago, 429, 418, 5xx, nothing ───────────────────────► link
 *
 * After every input: a book that the events did not call stale is, level by level, the venue's at the update it says
 * it is at, and not older than silence may make it; trades are told in order, and a hole between two is told by a
 * GAP; the venue never counts more weight, messages or connections than it allows. At the end nothing goes wrong for
 * a while, and every book must be there.
 *
 * One seed is one session; TAPEDECK_SEEDS says how many, TAPEDECK_SEED which one first. */
#define _GNU_SOURCE /* vasprintf */
#include "adapters/binance/link.h"
#include "core/prng.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRICES  40
#define SYMBOLS 12
#define HISTORY 4096
#define EPOCH   (INT64_C(1700000000) * NS_PER_S)
#define TROUBLE (90 * NS_PER_S)
#define CALM    (260 * NS_PER_S)
#define STALE   (3 * NS_PER_S)
#define AGE_MAX (9 * NS_PER_S) /* silence, a look, two delays and a snapshot of a while ago */

enum fault {
    LOSE = 1 << 0,
    REPEAT = 1 << 1,
    SWAP = 1 << 2,
    CORRUPT = 1 << 3,
    CUT = 1 << 4,
    STALL = 1 << 5,
    OLD_SNAPSHOT = 1 << 6,
    HTTP = 1 << 7,
    DROP = 1 << 8,
    SHUTDOWN = 1 << 9,
    BOUNDARIES = 1 << 10, /* connections cut their diffs at different updates */
    STEP = 1 << 11,
    ALL_FAULTS = (1 << 12) - 1,
};

struct moment { /* a book after an update */
    uint64_t id;
    ns_t ts;
    int32_t qty[PRICES]; /* the lower half are bids */
};

struct coin {
    char name[SYMBOL_SIZE], lower[SYMBOL_SIZE];
    struct moment *history;
    uint32_t count;
    uint64_t trade;
    /* What the events made of it. */
    int32_t qty[PRICES];
    bool there, stale, gap_since_trade;
    uint64_t seq, last_trade, last_bbo;
    ns_t fresh_ts; /* when it was last not stale */
};

struct socket {
    bool open, stalled, zombie;
    uint32_t generation;
    ns_t last_delivery;
    uint64_t sent_u[SYMBOLS]; /* of its diffs */
    bool depth[SYMBOLS], trades[SYMBOLS], bbo[SYMBOLS];
    uint32_t lost_count; /* thrown away before the link */
    uint32_t to_lose;
    ns_t messages[16];
    uint32_t message_count;
};

enum what { DO_UPDATE, DO_FLUSH, DO_INPUT, DO_OPENED, DO_GET, DO_MESSAGE, DO_MISHAP };
struct thing {
    ns_t ts;
    uint64_t order;
    uint8_t what, conn, input_what;
    uint32_t generation;
    uint32_t coin;
    int32_t status;
    uint64_t id;
    char *text, *head;
};

struct venue {
    struct prng prng;
    uint64_t seed;
    enum binance_flavour flavour;
    unsigned faults;
    bool calm;
    uint32_t coin_count;
    struct coin coins[SYMBOLS];
    uint64_t last_id;
    struct socket sockets[LINK_CONNS];
    struct thing *things;
    uint32_t thing_count, thing_capacity;
    uint64_t order;
    ns_t ts;     /* the world's time */
    ns_t offset; /* of the link's clock */
    struct link *link;
    /* What the venue counts: per minute of its own clock, per five minutes, per second. */
    int64_t minute;
    uint32_t weight, weight_limit;
    ns_t connects[512];
    uint32_t connect_count;
    ns_t skew;
    uint64_t gaps, checks, deliveries;
    uint64_t hash; /* of all that the link told and asked for */
};

static void fold(struct venue *venue, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        venue->hash = (venue->hash ^ at[i]) * UINT64_C(1099511628211);
}

static uint64_t below(struct venue *venue, uint64_t bound)
{
    return prng_below(&venue->prng, bound);
}

static bool chance(struct venue *venue, unsigned fault, unsigned in)
{
    return !venue->calm && (venue->faults & fault) != 0 && below(venue, in) == 0;
}

#define check(venue, condition, ...)                                                                                 \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "seed %" PRIu64 " faults %x at %" PRId64 " ms: ", (venue)->seed, (venue)->faults,        \
                    ((venue)->ts - EPOCH) / NS_PER_MS);                                                              \
            fprintf(stderr, __VA_ARGS__);                                                                            \
            fprintf(stderr, "\n");                                                                                   \
            cr_assert(condition);                                                                                    \
        }                                                                                                            \
    } while (0)

/* --- what will happen --- */

static bool before(const struct thing *a, const struct thing *b)
{
    return a->ts != b->ts ? a->ts < b->ts : a->order < b->order;
}

static struct thing *plan(struct venue *venue, ns_t ts, enum what what)
{
    if (venue->thing_count == venue->thing_capacity) {
        venue->thing_capacity = venue->thing_capacity * 2 + 64;
        venue->things = realloc(venue->things, venue->thing_capacity * sizeof(*venue->things));
    }
    struct thing thing = {.ts = ts, .order = venue->order++, .what = (uint8_t)what};
    uint32_t at = venue->thing_count++;
    while (at > 0 && before(&thing, &venue->things[(at - 1) / 2])) {
        venue->things[at] = venue->things[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    venue->things[at] = thing;
    return &venue->things[at];
}

static struct thing next_thing(struct venue *venue)
{
    struct thing first = venue->things[0], last = venue->things[--venue->thing_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= venue->thing_count)
            break;
        if (child + 1 < venue->thing_count && before(&venue->things[child + 1], &venue->things[child]))
            child++;
        if (!before(&venue->things[child], &last))
            break;
        venue->things[at] = venue->things[child];
        at = child;
    }
    venue->things[at] = last;
    return first;
}

static ns_t delay(struct venue *venue)
{
    return (ns_t)(1 + below(venue, below(venue, 20) == 0 ? 400 : 30)) * NS_PER_MS;
}

/* Over a connection things come in the order in which they were sent. */
static struct thing *deliver(struct venue *venue, uint8_t conn, enum link_what what)
{
    struct socket *socket = &venue->sockets[conn];
    ns_t ts = venue->ts + delay(venue);
    if (ts < socket->last_delivery)
        ts = socket->last_delivery;
    if (chance(venue, SWAP, 200))
        ts += 5 * NS_PER_MS; /* those behind it overtake */
    else
        socket->last_delivery = ts;
    struct thing *thing = plan(venue, ts, DO_INPUT);
    thing->conn = conn;
    thing->generation = socket->generation;
    thing->input_what = (uint8_t)what;
    return thing;
}

static char *text_of(const char *fmt, ...) PRINTF_LIKE(1, 2);
static char *text_of(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int size = vasprintf(&text, fmt, args);
    va_end(args);
    cr_assert_geq(size, 0);
    return text;
}

static void say(struct venue *venue, uint8_t conn, char *text)
{
    struct socket *socket = &venue->sockets[conn];
    if (socket->stalled || chance(venue, LOSE, 150)) {
        free(text);
        return;
    }
    if (chance(venue, CORRUPT, 300))
        text[below(venue, strlen(text))] = '\0';
    struct thing *thing = deliver(venue, conn, LINK_TEXT);
    thing->text = text;
    if (chance(venue, REPEAT, 100)) {
        char *again = strdup(text);
        deliver(venue, conn, LINK_TEXT)->text = again;
    }
}

/* --- books --- */

static const struct moment *moment_at(const struct coin *coin, uint64_t id)
{
    uint32_t low = 0, high = coin->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (coin->history[middle].id <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &coin->history[low - 1];
}

static const struct moment *now_of(const struct coin *coin)
{
    return &coin->history[coin->count - 1];
}

/* A diff holds every level that was touched, also one that is again what it was. */
static bool was_touched(const struct moment *from, const struct moment *to, int price)
{
    for (; from < to; from++)
        if (from[0].qty[price] != from[1].qty[price])
            return true;
    return false;
}

static size_t put_side(char *out, const struct moment *from, const struct moment *to, bool bids, bool whole)
{
    size_t used = 0;
    for (int i = 0; i < PRICES; i++) {
        int price = bids ? PRICES / 2 - 1 - i : PRICES / 2 + i;
        if (price < 0 || price >= PRICES)
            break;
        if (whole ? to->qty[price] == 0 : !was_touched(from, to, price))
            continue;
        used += (size_t)sprintf(out + used, "%s[\"%d.5\",\"%d\"]", used > 0 ? "," : "", 100 + price, to->qty[price]);
    }
    out[used] = '\0';
    return used;
}

static void flush(struct venue *venue, uint8_t conn, uint32_t index)
{
    struct socket *socket = &venue->sockets[conn];
    struct coin *coin = &venue->coins[index];
    const struct moment *from = moment_at(coin, socket->sent_u[index]), *to = now_of(coin);
    char bids[2048], asks[2048];
    if (to->id == from->id)
        return;
    put_side(bids, from, to, true, false);
    put_side(asks, from, to, false, false);
    char previous[32] = "";
    if (venue->flavour == BINANCE_USDM)
        sprintf(previous, "\"pu\":%" PRIu64 ",", from->id);
    say(venue, conn,
        text_of("{\"stream\":\"%s@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":%" PRId64
                ",%s\"s\":\"%s\",\"U\":%" PRIu64 ",\"u\":%" PRIu64 ",%s\"b\":[%s],\"a\":[%s]}}",
                coin->lower, to->ts / NS_PER_MS, venue->flavour == BINANCE_USDM ? "\"T\":1700000000000," : "",
                coin->name, from[1].id, to->id, previous, bids, asks));
    socket->sent_u[index] = to->id;
}

static void update(struct venue *venue, uint32_t index)
{
    struct coin *coin = &venue->coins[index];
    struct moment *next = &coin->history[coin->count];
    if (coin->count < HISTORY) {
        *next = *now_of(coin);
        coin->count++;
        /* Futures ids are shared by all coins and skip; spot's are a coin's own and follow. */
        if (venue->flavour == BINANCE_USDM)
            next->id = venue->last_id += 1 + below(venue, 5);
        else
            next->id++;
        next->ts = venue->ts;
        for (uint64_t changes = 1 + below(venue, 3); changes > 0; changes--) {
            uint64_t price = below(venue, PRICES);
            next->qty[price] = below(venue, 3) == 0 ? 0 : (int32_t)(1 + below(venue, 900));
        }
        bool traded = below(venue, 3) == 0;
        coin->trade += traded;
        for (uint8_t conn = 0; conn < LINK_CONNS; conn++) {
            const struct socket *socket = &venue->sockets[conn];
            if (!socket->open)
                continue;
            if (socket->bbo[index])
                say(venue, conn,
                    text_of("{\"stream\":\"%s@bookTicker\",\"data\":{\"u\":%" PRIu64
                            ",\"s\":\"%s\",\"b\":\"100.5\",\"B\":"
                            "\"%d\",\"a\":\"120.5\",\"A\":\"%d\"}}",
                            coin->lower, next->id, coin->name, next->qty[0], next->qty[20]));
            if (!traded || !socket->trades[index])
                continue;
            if (venue->flavour == BINANCE_USDM)
                say(venue, conn,
                    text_of(
                        "{\"stream\":\"%s@aggTrade\",\"data\":{\"e\":\"aggTrade\",\"E\":1,\"s\":\"%s\",\"a\":%" PRIu64
                        ",\"p\":\"110.5\",\"q\":\"1\",\"f\":%" PRIu64 ",\"l\":%" PRIu64 ",\"T\":1,\"m\":true}}",
                        coin->lower, coin->name, coin->trade, coin->trade, coin->trade));
            else
                say(venue, conn,
                    text_of("{\"stream\":\"%s@trade\",\"data\":{\"e\":\"trade\",\"E\":1,\"s\":\"%s\",\"t\":%" PRIu64
                            ",\"p\":\"110.5\",\"q\":\"1\",\"T\":1,\"m\":true,\"M\":true}}",
                            coin->lower, coin->name, coin->trade));
        }
    }
    /* Mostly lively, sometimes quiet for longer than silence may be. */
    ns_t wait = (ns_t)(20 + below(venue, 160)) * NS_PER_MS * venue->coin_count / 2;
    if (below(venue, 150) == 0)
        wait += (ns_t)below(venue, 12) * NS_PER_S;
    if (venue->calm && venue->coin_count == 2)
        wait *= 5;
    plan(venue, venue->ts + wait, DO_UPDATE)->coin = index;
}

static void flush_all(struct venue *venue)
{
    for (uint8_t conn = 0; conn < LINK_CONNS; conn++) {
        const struct socket *socket = &venue->sockets[conn];
        bool skip = (venue->faults & BOUNDARIES) != 0 && below(venue, 3) == 0;
        for (uint32_t i = 0; i < venue->coin_count && socket->open && !skip; i++)
            if (socket->depth[i])
                flush(venue, conn, i);
    }
    plan(venue, venue->ts + 100 * NS_PER_MS, DO_FLUSH);
}

/* --- the wire --- */

static void socket_end(struct venue *venue, uint8_t conn, int32_t status)
{
    struct socket *socket = &venue->sockets[conn];
    socket->open = false;
    struct thing *thing =
        plan(venue, socket->last_delivery > venue->ts ? socket->last_delivery : venue->ts, DO_INPUT);
    thing->conn = conn;
    thing->generation = socket->generation;
    thing->input_what = LINK_DOWN;
    thing->status = status;
}

static void subscribe(struct venue *venue, uint8_t conn, const char *name, size_t size, bool on)
{
    struct socket *socket = &venue->sockets[conn];
    for (uint32_t i = 0; i < venue->coin_count; i++) {
        const struct coin *coin = &venue->coins[i];
        size_t length = strlen(coin->lower);
        if (size <= length || memcmp(name, coin->lower, length) != 0 || name[length] != '@')
            continue;
        const char *what = name + length + 1;
        size_t what_size = size - length - 1;
        if (what_size == 11 && memcmp(what, "depth@100ms", 11) == 0) {
            if (!socket->depth[i])
                socket->sent_u[i] = now_of(coin)->id;
            socket->depth[i] = on;
        } else if (what_size == 10 && memcmp(what, "bookTicker", 10) == 0) {
            socket->bbo[i] = on;
        } else {
            socket->trades[i] = on;
        }
    }
}

static void subscribe_list(struct venue *venue, uint8_t conn, const char *text, char separator, char end, bool on)
{
    while (*text != '\0' && *text != end) {
        const char *stop = text;
        while (*stop != '\0' && *stop != end && *stop != separator)
            stop++;
        const char *begin = text;
        size_t size = (size_t)(stop - text);
        if (separator == ',' && size >= 2) {
            begin++;
            size -= 2;
        }
        subscribe(venue, conn, begin, size, on);
        text = *stop == separator ? stop + 1 : stop;
    }
}

static void wire_open(void *context, uint16_t link, uint8_t conn, const char *url)
{
    struct venue *venue = context;
    struct socket *socket = &venue->sockets[conn];
    (void)link;
    check(venue, !socket->open, "connection %u is opened twice", conn);
    uint32_t generation = socket->generation + 1;
    *socket = (struct socket){.generation = generation, .last_delivery = venue->ts};
    struct thing *thing = plan(venue, venue->ts + delay(venue), DO_OPENED);
    thing->conn = conn;
    thing->generation = generation;
    thing->text = strdup(url);
}

static void wire_close(void *context, uint16_t link, uint8_t conn)
{
    struct venue *venue = context;
    struct socket *socket = &venue->sockets[conn];
    (void)link;
    socket->generation++; /* nothing of it comes any more but that it is down */
    socket->open = false;
    socket->lost_count = socket->to_lose = 0;
    struct thing *thing = plan(venue, venue->ts + delay(venue), DO_INPUT);
    thing->conn = conn;
    thing->generation = socket->generation;
    thing->input_what = LINK_DOWN;
}

static void count_message(struct venue *venue, struct socket *socket)
{
    uint32_t within = 0;
    for (uint32_t i = 0; i < socket->message_count && i < ARRAY_LEN(socket->messages); i++)
        within += venue->ts - socket->messages[i] < NS_PER_S;
    socket->messages[socket->message_count++ % ARRAY_LEN(socket->messages)] = venue->ts;
    check(venue, within < (venue->flavour == BINANCE_SPOT ? 5u : 10u), "%u messages within a second", within + 1);
}

static void wire_send(void *context, uint16_t link, uint8_t conn, const char *text, size_t size)
{
    struct venue *venue = context;
    (void)link;
    if (!venue->sockets[conn].open)
        return;
    struct thing *thing = plan(venue, venue->ts + delay(venue), DO_MESSAGE);
    thing->conn = conn;
    thing->generation = venue->sockets[conn].generation;
    thing->text = text_of("%.*s", (int)size, text);
}

static void wire_ping(void *context, uint16_t link, uint8_t conn)
{
    struct venue *venue = context;
    struct socket *socket = &venue->sockets[conn];
    (void)link;
    if (!socket->open)
        return;
    count_message(venue, socket);
    if (!socket->stalled || socket->zombie)
        deliver(venue, conn, LINK_PONG);
}

static void wire_get(void *context, uint16_t link, uint64_t id, const char *url, ns_t timeout)
{
    struct venue *venue = context;
    (void)link;
    (void)timeout;
    fold(venue, &venue->ts, sizeof(venue->ts));
    fold(venue, url, strlen(url));
    struct thing *thing = plan(venue, venue->ts + delay(venue), DO_GET);
    thing->id = id;
    thing->text = strdup(url);
}

/* --- the venue's side of it --- */

static void opened(struct venue *venue, const struct thing *thing)
{
    struct socket *socket = &venue->sockets[thing->conn];
    if (socket->generation != thing->generation)
        return;
    uint32_t within = 0;
    for (uint32_t i = 0; i < venue->connect_count && i < ARRAY_LEN(venue->connects); i++)
        within += venue->ts - venue->connects[i] < 300 * NS_PER_S;
    venue->connects[venue->connect_count++ % ARRAY_LEN(venue->connects)] = venue->ts;
    check(venue, within < 300, "%u connections within five minutes", within + 1);
    if (chance(venue, CUT, 6)) {
        socket_end(venue, thing->conn, below(venue, 3) == 0 ? 503 : 0);
        return;
    }
    socket->open = true;
    const char *market = strstr(thing->text, "/market/");
    const char *streams = strstr(thing->text, "streams=");
    check(venue, streams != NULL, "no streams in %s", thing->text);
    subscribe_list(venue, thing->conn, streams + 8, '/', '\0', true);
    for (uint32_t i = 0; i < SYMBOLS && venue->flavour == BINANCE_USDM; i++) { /* silence on the wrong route */
        if (market != NULL)
            socket->depth[i] = socket->bbo[i] = false;
        else
            socket->trades[i] = false;
    }
    deliver(venue, thing->conn, LINK_UP);
}

static void message(struct venue *venue, const struct thing *thing)
{
    struct socket *socket = &venue->sockets[thing->conn];
    if (socket->generation != thing->generation || !socket->open)
        return;
    count_message(venue, socket);
    const char *list = strchr(thing->text, '['), *id = strstr(thing->text, "\"id\":");
    check(venue, list != NULL && id != NULL, "not understood: %s", thing->text);
    subscribe_list(venue, thing->conn, list + 1, ',', ']', strstr(thing->text, "UNSUB") == NULL);
    if (!socket->stalled) {
        struct thing *reply = deliver(venue, thing->conn, LINK_TEXT);
        reply->text = text_of("{\"result\":null,\"id\":%s", id + 5);
    }
}

static void reply(struct venue *venue, uint64_t id, int32_t status, char *head, char *body)
{
    struct thing *thing = plan(venue, venue->ts + delay(venue), DO_INPUT);
    thing->conn = UINT8_MAX;
    thing->input_what = status == 0 ? LINK_FAILED : LINK_ANSWER;
    thing->status = status;
    thing->id = id;
    thing->head = head;
    thing->text = body;
}

static void get(struct venue *venue, const struct thing *thing)
{
    bool depth = strstr(thing->text, "/depth?") != NULL;
    int64_t minute = (venue->ts + venue->skew) / (60 * NS_PER_S);
    uint32_t weight = !depth ? 1 : venue->flavour == BINANCE_SPOT ? 50 : 20;
    if (minute != venue->minute)
        venue->weight = 0;
    venue->minute = minute;
    venue->weight += weight;
    check(venue, venue->weight <= venue->weight_limit, "weight %u in a minute", venue->weight);
    char *head = text_of("Content-Type: application/json\r\nX-Mbx-Used-Weight-1m: %u\r\n", venue->weight);
    if (chance(venue, HTTP, 4)) {
        static const int32_t statuses[] = {0, 429, 418, 503, 200, 429};
        int32_t status = statuses[below(venue, ARRAY_LEN(statuses))];
        char *body = text_of("%s", status == 200 ? "{\"lastUpdateId\":10,\"bids\":[[\"1" : "Service Unavailable.");
        if (status == 418 || (status == 429 && below(venue, 4) > 0)) { /* unsaid, a ban lasts too long for this */
            free(head);
            head = text_of("retry-after: %u\r\n", (unsigned)below(venue, 6));
        }
        reply(venue, thing->id, status, head, body);
        return;
    }
    if (chance(venue, HTTP, 30)) { /* no answer and no word of it */
        free(head);
        return;
    }
    if (!depth) {
        reply(venue, thing->id, 200, head,
              text_of("{\"serverTime\":%" PRId64 "}", (venue->ts + venue->skew) / NS_PER_MS));
        return;
    }
    const char *name = strstr(thing->text, "symbol=") + 7;
    size_t size = strcspn(name, "&");
    for (uint32_t i = 0; i < venue->coin_count; i++) {
        const struct coin *coin = &venue->coins[i];
        if (strlen(coin->name) != size || memcmp(coin->name, name, size) != 0)
            continue;
        const struct moment *moment = now_of(coin);
        if (chance(venue, OLD_SNAPSHOT, 2))
            while (moment > coin->history && venue->ts - moment->ts < 2 * NS_PER_S && below(venue, 8) > 0)
                moment--;
        char bids[2048], asks[2048];
        put_side(bids, NULL, moment, true, true);
        put_side(asks, NULL, moment, false, true);
        /* Futures: no update of this coin need have this id. */
        uint64_t last = moment->id;
        if (venue->flavour == BINANCE_USDM) {
            uint64_t end = moment == now_of(coin) ? venue->last_id : moment[1].id - 1;
            last += below(venue, end - last + 1);
        }
        char *stamps =
            text_of("%s", venue->flavour == BINANCE_USDM ? "\"E\":1700000000000,\"T\":1700000000000," : "");
        reply(venue, thing->id, 200, head,
              text_of("{\"lastUpdateId\":%" PRIu64 ",%s\"bids\":[%s],\"asks\":[%s]}", last, stamps, bids, asks));
        free(stamps);
        return;
    }
    check(venue, false, "GET of %s", thing->text);
}

static void mishap(struct venue *venue)
{
    plan(venue, venue->ts + 700 * NS_PER_MS, DO_MISHAP);
    uint8_t conn = (uint8_t)below(venue, LINK_CONNS);
    struct socket *socket = &venue->sockets[conn];
    if (chance(venue, STEP, 20)) {
        ns_t step = (ns_t)below(venue, 20) * NS_PER_S;
        venue->offset += step;
        struct link_input input = {.ts = venue->ts + venue->offset, .what = LINK_CLOCK, .value = step};
        struct err_text why = {.code = ERR_OK};
        cr_assert_eq(venue->link->ops->input(venue->link, &input, &why), ERR_OK);
    }
    if (!socket->open || socket->stalled)
        return;
    if (chance(venue, CUT, 4)) {
        socket_end(venue, conn, 1006);
    } else if (chance(venue, STALL, 5)) {
        socket->stalled = true;
        socket->zombie = below(venue, 2) == 0;
    } else if (chance(venue, DROP, 3)) {
        socket->to_lose = 1 + (uint32_t)below(venue, 6);
    } else if (chance(venue, SHUTDOWN, 5)) {
        deliver(venue, conn, LINK_TEXT)->text = text_of("{\"e\":\"serverShutdown\",\"E\":1700000000000}");
    }
}

/* --- what the link tells --- */

static err_t take_event(void *context, const struct event *event)
{
    struct venue *venue = context;
    const uint64_t words[] = {(uint64_t)event->ts, event->seq, event->kind, event->instrument};
    fold(venue, words, sizeof(words));
    if (event->instrument == INSTRUMENT_NONE)
        return ERR_OK;
    struct coin *coin = &venue->coins[event->instrument];
    switch (event->kind) {
    case EVENT_GAP:
        venue->gaps++;
        coin->stale = coin->gap_since_trade = true;
        break;
    case EVENT_BOOK_SNAPSHOT:
        memset(coin->qty, 0, sizeof(coin->qty));
        coin->there = true;
        coin->stale = false;
        /* fall through */
    case EVENT_BOOK_DELTA:
        check(venue, coin->there && !coin->stale, "%s: a diff of a stale book", coin->name);
        for (uint32_t i = 0; i < event->bid_count + event->ask_count; i++) {
            int64_t price = (event->levels[i].price - 1005) / 10;
            check(venue, price >= 0 && price < PRICES && (price < PRICES / 2) == (i < event->bid_count),
                  "%s: a level from nowhere", coin->name);
            coin->qty[price] = (int32_t)(event->levels[i].qty / 1000);
        }
        coin->seq = event->seq;
        break;
    case EVENT_TRADE: {
        bool in_order = (venue->faults & (SWAP | LOSE)) == 0;
        check(venue, !in_order || event->seq > coin->last_trade, "%s: trade %" PRIu64 " after %" PRIu64, coin->name,
              event->seq, coin->last_trade);
        check(venue,
              !in_order || coin->last_trade == 0 || event->seq == coin->last_trade + 1 || coin->gap_since_trade ||
                  coin->stale,
              "%s: trades are missing between %" PRIu64 " and %" PRIu64, coin->name, coin->last_trade, event->seq);
        coin->last_trade = event->seq;
        coin->gap_since_trade = false;
        break;
    }
    case EVENT_BBO:
        check(venue, (venue->faults & (SWAP | REPEAT)) != 0 || event->seq > coin->last_bbo,
              "%s: best prices %" PRIu64 " after %" PRIu64, coin->name, event->seq, coin->last_bbo);
        coin->last_bbo = event->seq;
        break;
    default:
        check(venue, false, "an event of kind %u", event->kind);
    }
    return ERR_OK;
}

static void check_books(struct venue *venue)
{
    for (uint32_t i = 0; i < venue->coin_count; i++) {
        struct coin *coin = &venue->coins[i];
        if (!coin->there || coin->stale)
            continue;
        coin->fresh_ts = venue->ts;
        const struct moment *moment = moment_at(coin, coin->seq);
        check(venue, moment != NULL && memcmp(moment->qty, coin->qty, sizeof(coin->qty)) == 0,
              "%s is wrong at %" PRIu64, coin->name, coin->seq);
        check(venue, moment == now_of(coin) || venue->ts - moment[1].ts < AGE_MAX,
              "%s is %" PRId64 " ms old and nobody says so", coin->name, (venue->ts - moment[1].ts) / NS_PER_MS);
        venue->checks++;
    }
}

static void give(struct venue *venue, struct link_input input)
{
    struct err_text why = {.code = ERR_OK};
    char *padded = NULL;
    input.ts = venue->ts + venue->offset;
    if (input.text != NULL) {
        input.text_size = (uint32_t)strlen(input.text);
        padded = malloc(input.text_size + FRAME_PADDING);
        memcpy(padded, input.text, input.text_size);
        memset(padded + input.text_size, '7', FRAME_PADDING);
        input.text = padded;
    }
    if (input.head != NULL)
        input.head_size = (uint32_t)strlen(input.head);
    cr_assert_eq(venue->link->ops->input(venue->link, &input, &why), ERR_OK, "%s", why.text);
    free(padded);
    check_books(venue);
}

static void input_of(struct venue *venue, const struct thing *thing)
{
    if (thing->conn < LINK_CONNS) {
        struct socket *socket = &venue->sockets[thing->conn];
        if (socket->generation != thing->generation)
            return;
        venue->deliveries++;
        if (socket->to_lose > 0 && thing->input_what == LINK_TEXT) {
            socket->to_lose--;
            socket->lost_count++;
            return;
        }
        if (socket->lost_count > 0) {
            struct link_input dropped = {.what = LINK_DROPPED, .conn = thing->conn, .value = socket->lost_count};
            socket->lost_count = 0;
            give(venue, dropped);
            if (socket->generation != thing->generation)
                return; /* it was closed for that */
        }
    }
    give(venue, (struct link_input){.what = thing->input_what,
                                    .conn = thing->conn < LINK_CONNS ? thing->conn : 0,
                                    .id = thing->id,
                                    .status = thing->status,
                                    .text = thing->text,
                                    .head = thing->head});
}

/* --- a session --- */

static void venue_begin(struct venue *venue, uint64_t seed)
{
    memset(venue, 0, sizeof(*venue));
    venue->seed = seed;
    prng_init(&venue->prng, seed, 1);
    venue->flavour = below(venue, 2) == 0 ? BINANCE_SPOT : BINANCE_USDM;
    venue->faults = (unsigned)(prng_next(&venue->prng) & prng_next(&venue->prng)) & ALL_FAULTS;
    venue->coin_count = below(venue, 4) == 0 ? SYMBOLS : 2;
    venue->ts = EPOCH;
    venue->skew = (ns_t)below(venue, 7000) * NS_PER_MS - 3 * NS_PER_S;
    venue->weight_limit = venue->flavour == BINANCE_SPOT ? 6000 : 2400;
    venue->last_id = 1000;
    for (uint32_t i = 0; i < venue->coin_count; i++) {
        struct coin *coin = &venue->coins[i];
        /* Long names, so that not all streams fit into a URL. */
        snprintf(coin->name, sizeof(coin->name), "C%02u%.26sUSDT", i % 100,
                 venue->coin_count == SYMBOLS ? "ABCDEFGHIJKLMNOPQRSTUVWXYZ" : "");
        for (size_t k = 0; coin->name[k] != '\0'; k++)
            coin->lower[k] =
                coin->name[k] >= 'A' && coin->name[k] <= 'Z' ? (char)(coin->name[k] + 32) : coin->name[k];
        coin->history = calloc(HISTORY + 1, sizeof(*coin->history));
        coin->history[0].id = venue->flavour == BINANCE_USDM ? (venue->last_id += 3) : 1000;
        coin->history[0].ts = EPOCH;
        for (int price = 0; price < PRICES; price++)
            coin->history[0].qty[price] = 5;
        coin->count = 1;
        plan(venue, EPOCH + (ns_t)below(venue, 500) * NS_PER_MS, DO_UPDATE)->coin = i;
    }
    plan(venue, EPOCH, DO_FLUSH);
    plan(venue, EPOCH, DO_MISHAP);
}

static void venue_end(struct venue *venue)
{
    for (uint32_t i = 0; i < venue->thing_count; i++) {
        free(venue->things[i].text);
        free(venue->things[i].head);
    }
    free(venue->things);
    for (uint32_t i = 0; i < venue->coin_count; i++)
        free(venue->coins[i].history);
}

static void link_begin(struct venue *venue, struct instrument *instruments)
{
    struct link_symbol symbols[SYMBOLS];
    for (uint32_t i = 0; i < venue->coin_count; i++) {
        cr_assert_eq(instrument_init(&instruments[i], "test", venue->coins[i].name, "B", "Q", CONTRACT_SPOT, 1, 3),
                     ERR_OK);
        symbols[i] = (struct link_symbol){venue->coins[i].name, (uint16_t)i, LINK_BOOK | LINK_TRADES | LINK_BBO};
    }
    char base[400] = "wss://";
    memset(base + 6, 'v', sizeof(base) - 7); /* a long name leaves less for streams */
    const struct link_config config = {.symbols = symbols,
                                       .symbol_count = venue->coin_count,
                                       .instruments = instruments,
                                       .stream = base,
                                       .stale = STALE,
                                       .silence = 12 * NS_PER_S,
                                       .renew = 25 * NS_PER_S,
                                       .seed = venue->seed};
    const struct market_sink sink = {venue, take_event, NULL};
    const struct link_wire wire = {venue, wire_open, wire_close, wire_send, wire_ping, wire_get};
    cr_assert_eq(binance_link_open(venue->flavour, &config, &sink, &wire, &venue->link), ERR_OK);
}

static void run(struct venue *venue)
{
    const ns_t end = EPOCH + TROUBLE + CALM;
    while (venue->ts < end) {
        ns_t due = venue->link->ops->due(venue->link);
        due = due == NS_MAX ? NS_MAX : due - venue->offset;
        if (due <= venue->things[0].ts) {
            venue->ts = due > venue->ts ? due : venue->ts;
            give(venue, (struct link_input){.what = LINK_TICK});
        } else {
            struct thing thing = next_thing(venue);
            venue->ts = thing.ts;
            if (!venue->calm && venue->ts > EPOCH + TROUBLE) {
                venue->calm = true;
                for (uint8_t conn = 0; conn < LINK_CONNS; conn++)
                    if (venue->sockets[conn].open && venue->sockets[conn].stalled)
                        socket_end(venue, conn, 1006);
            }
            switch ((enum what)thing.what) {
            case DO_UPDATE:
                update(venue, thing.coin);
                break;
            case DO_FLUSH:
                flush_all(venue);
                break;
            case DO_INPUT:
                input_of(venue, &thing);
                break;
            case DO_OPENED:
                opened(venue, &thing);
                break;
            case DO_GET:
                get(venue, &thing);
                break;
            case DO_MESSAGE:
                message(venue, &thing);
                break;
            case DO_MISHAP:
                mishap(venue);
                break;
            }
            free(thing.text);
            free(thing.head);
        }
    }
}

struct totals {
    uint64_t gaps, checks, deliveries, renewals, downs, limited, stale, refused, held, dropped, failures, hash;
};

static void session(uint64_t seed, struct totals *totals)
{
    struct venue venue;
    struct instrument *instruments = calloc(SYMBOLS, sizeof(*instruments));
    venue_begin(&venue, seed);
    link_begin(&venue, instruments);
    run(&venue);
    struct link_stats stats;
    venue.link->ops->stats(venue.link, &stats);
    for (uint32_t i = 0; i < venue.coin_count; i++) {
        const struct coin *coin = &venue.coins[i];
        check(&venue, coin->there, "%s never came (%s)", coin->name, stats.said.text);
        /* A quiet book is stale for the moments that its proofs take. */
        check(&venue, venue.ts - coin->fresh_ts < 15 * NS_PER_S, "%s stays stale (%s)", coin->name, stats.said.text);
    }
    ns_t off = stats.clock_offset - (venue.skew - venue.offset);
    check(&venue, stats.clock_samples > 0 && off <= stats.clock_uncertainty && -off <= stats.clock_uncertainty,
          "the venue's clock is %" PRId64 " us off, beyond %" PRId64, off / 1000, stats.clock_uncertainty / 1000);
    totals->hash = venue.hash;
    totals->gaps += venue.gaps;
    totals->checks += venue.checks;
    totals->deliveries += venue.deliveries;
    totals->renewals += stats.renewals;
    totals->downs += stats.downs;
    totals->limited += stats.limited;
    totals->stale += stats.stale;
    totals->refused += stats.refused;
    totals->held += stats.held;
    totals->dropped += stats.dropped;
    totals->failures += stats.failures;
    venue.link->ops->close(venue.link);
    venue_end(&venue);
    free(instruments);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

Test(binance_link_venue, books_are_right_or_stale_whatever_goes_wrong, .timeout = 3600)
{
    uint64_t first = from_environment("TAPEDECK_SEED", 1), count = from_environment("TAPEDECK_SEEDS", 100);
    struct totals totals = {0};
    for (uint64_t seed = first; seed < first + count; seed++)
        session(seed, &totals);
    printf("# seeds %" PRIu64 "..%" PRIu64 ": %" PRIu64 " books compared, %" PRIu64 " deliveries, %" PRIu64
           " gaps, %" PRIu64 " renewals, %" PRIu64 " downs, %" PRIu64 " refusals by limit, %" PRIu64
           " stale, %" PRIu64 " unreadable, %" PRIu64 " held, %" PRIu64 " thrown away, %" PRIu64 " failures\n",
           first, first + count - 1, totals.checks, totals.deliveries, totals.gaps, totals.renewals, totals.downs,
           totals.limited, totals.stale, totals.refused, totals.held, totals.dropped, totals.failures);
    if (count < 50)
        return;
    /* Everything that is to be tried was. */
    cr_assert(totals.gaps > 0 && totals.renewals > 0 && totals.downs > 0 && totals.limited > 0 && totals.stale > 0 &&
              totals.refused > 0 && totals.held > 0 && totals.dropped > 0 && totals.failures > 0);
}

Test(binance_link_venue, the_same_inputs_make_the_same_session)
{
    struct totals first = {0}, second = {0};
    session(3, &first);
    session(3, &second);
    cr_assert_eq(first.hash, second.hash);
}
