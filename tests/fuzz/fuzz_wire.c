/* fuzz_wire.c: what strangers may send to a venue's wire, in the order of the lines of the input.
 *
 * The first byte chooses the venue, the second some faults. Each further line is one input, by its first letter: W a
 * WebSocket text, B a binary one, P a ping, O a handshake (its path, "?" its query), G a GET, H bytes of HTTP, F
 * bytes of frames, D a diff of the book, S a whole book, T a trade, A time that passes, X a client that is gone.
 * Whatever comes: each request is answered once, and nothing is said to who is not connected. */
#include "sim/wire/wire.h"
#include "sim/wire/wire_http.h"

#include <stdlib.h>
#include <string.h>

struct fuzz {
    struct wire *wire;
    bool open[4];
    uint64_t answers, sum;
    ns_t now;
    uint64_t id;
};

static void on_frame(void *context, uint32_t client, enum wire_opcode opcode, const char *bytes, size_t size)
{
    struct fuzz *fuzz = context;
    ASSERT(client < 4 && fuzz->open[client]);
    ASSERT(opcode == WIRE_TEXT || opcode == WIRE_BINARY || opcode == WIRE_PING || opcode == WIRE_PONG);
    for (size_t i = 0; i < size; i++)
        fuzz->sum += (unsigned char)bytes[i];
}

static void on_close(void *context, uint32_t client, uint16_t code, const char *reason)
{
    struct fuzz *fuzz = context;
    ASSERT(client < 4 && fuzz->open[client] && (code == 0 || code >= 1000) && strlen(reason) < 100);
    fuzz->open[client] = false;
}

static void on_answer(void *context, const struct wire_answer *answer)
{
    struct fuzz *fuzz = context;
    ASSERT(answer->status >= 200 && answer->header_count <= WIRE_ANSWER_HEADERS_MAX);
    ASSERT(!answer->cut || answer->cut_size < answer->body_size);
    fuzz->answers++;
    for (size_t i = 0; i < answer->body_size; i++)
        fuzz->sum += (unsigned char)answer->body[i];
}

static void market(struct fuzz *fuzz, char kind, const char *text, size_t size)
{
    struct level levels[64];
    uint32_t count = 0;
    for (size_t i = 0; i + 1 < size && count < 64; i += 2)
        levels[count++] = (struct level){(unsigned char)text[i] + 1, (unsigned char)text[i + 1]};
    struct event event = {.ts = fuzz->now, .exch_ts = fuzz->now, .levels = levels, .kind = EVENT_BOOK_DELTA};
    event.instrument = size > 0 ? (uint16_t)((unsigned char)text[0] % 3) : 0;
    event.bid_count = count / 2;
    event.ask_count = count - count / 2;
    event.seq_first = ++fuzz->id;
    event.seq = ++fuzz->id;
    if (kind == 'S') {
        /* Best first, as the contract of events wants it. */
        event.kind = EVENT_BOOK_SNAPSHOT;
        for (uint32_t i = 0; i < count; i++)
            levels[i] = (struct level){i < event.bid_count ? 1000 - (px_t)i : 1000 + (px_t)i, levels[i].qty + 1};
    }
    if (kind == 'T') {
        if (count == 0)
            return;
        levels[0].qty++;
        event.kind = EVENT_TRADE;
        event.bid_count = 1;
        event.ask_count = 0;
        event.flags = (uint8_t)(size & (EVENT_SELL | EVENT_AGGREGATE | EVENT_SPECIAL));
    }
    wire_market(fuzz->wire, fuzz->now, &event);
}

static void hello(struct fuzz *fuzz, struct wire_request *request)
{
    for (uint32_t client = 0; client < 4; client++) {
        if (fuzz->open[client])
            continue;
        const uint64_t before = fuzz->answers;
        fuzz->open[client] = true;
        fuzz->open[client] = wire_hello(fuzz->wire, fuzz->now, client, request) && fuzz->open[client];
        ASSERT(fuzz->open[client] ? fuzz->answers == before : fuzz->answers <= before + 1);
        return;
    }
}

static void ask(struct fuzz *fuzz, const struct wire_request *request)
{
    const uint64_t before = fuzz->answers;
    wire_request(fuzz->wire, fuzz->now, request);
    ASSERT(fuzz->answers == before + 1);
}

static void http_bytes(struct fuzz *fuzz, const char *text, size_t size)
{
    static struct wire_http http;
    for (size_t at = 0, used = 0; at < size && wire_http_parse(&http, text + at, size - at, &used) == ERR_OK;
         at += used) {
        ASSERT(used > 0 && used <= size - at);
        if (http.upgrade)
            hello(fuzz, &http.request);
        else
            ask(fuzz, &http.request);
    }
}

static void frame_bytes(char *text, size_t size)
{
    struct wire_ws frame;
    for (size_t at = 0, used = 0; at < size && wire_ws_parse(&frame, text + at, size - at, &used) == ERR_OK;
         at += used)
        ASSERT(used > 0 && used <= size - at && frame.size <= used);
}

static void line(struct fuzz *fuzz, char kind, char *text, size_t size)
{
    const uint32_t client = size > 0 ? (unsigned char)text[0] % 4 : 0;
    char *query = strchr(text, '?');
    struct wire_request request = {.peer = 1, .method = "GET", .path = text, .query = ""};
    switch (kind) {
    case 'W':
    case 'B':
    case 'P':
        for (uint32_t i = 0; i < 4; i++)
            if (fuzz->open[i])
                wire_frame(fuzz->wire, fuzz->now, i,
                           kind == 'W'   ? WIRE_TEXT
                           : kind == 'B' ? WIRE_BINARY
                                         : WIRE_PING,
                           text, size);
        break;
    case 'O':
    case 'G':
        if (query != NULL) {
            *query = '\0';
            request.query = query + 1;
        }
        if (kind == 'O')
            hello(fuzz, &request);
        else
            ask(fuzz, &request);
        break;
    case 'H':
        for (size_t i = 0; i < size; i++)
            text[i] = text[i] == '|' ? '\n' : text[i] == '~' ? '\r' : text[i];
        http_bytes(fuzz, text, size);
        break;
    case 'F':
        frame_bytes(text, size);
        break;
    case 'A':
        fuzz->now += (ns_t)(size * size) * 100 * NS_PER_MS;
        wire_timer(fuzz->wire, fuzz->now);
        break;
    case 'X':
        if (fuzz->open[client])
            wire_goodbye(fuzz->wire, fuzz->now, client);
        fuzz->open[client] = false;
        break;
    default:
        market(fuzz, kind, text, size);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const symbols[2][2] = {{"BTCUSDT", "ETHUSDT"}, {"KRW-BTC", "KRW-ETH"}};
    if (size < 3)
        return 0;
    struct fuzz fuzz = {.now = INT64_C(1700000000) * NS_PER_S};
    struct instrument instruments[2];
    const enum wire_venue venue = (enum wire_venue)(data[0] % WIRE_VENUE_COUNT);
    for (int i = 0; i < 2; i++)
        ASSERT(instrument_init(&instruments[i], "x", symbols[venue == WIRE_UPBIT][i], "BTC",
                               venue == WIRE_UPBIT ? "KRW" : "USDT", CONTRACT_SPOT, 2, 3) == ERR_OK);
    struct wire_config config = {.venue = venue,
                                 .instruments = instruments,
                                 .instrument_count = 2,
                                 .clock = {fuzz.now, fuzz.now, 1, 1},
                                 .no_limits = (data[1] & 1) != 0,
                                 .client_max = 4,
                                 .peer_max = 2,
                                 .stream_max = 16,
                                 .book_window = 4096,
                                 .far_capacity = 64};
    const uint32_t rate = (data[1] & 2) != 0 ? 300000 : 0;
    config.faults = (struct wire_faults){.drop = rate,
                                         .duplicate = rate,
                                         .reorder = rate,
                                         .stale_snapshot = rate,
                                         .truncate = rate,
                                         .http_html = rate};
    const struct wire_calls calls = {&fuzz, on_frame, on_close, NULL, on_answer};
    ASSERT(wire_open(&fuzz.wire, &config, &calls, NULL) == ERR_OK);
    for (const uint8_t *at = data + 2, *end = data + size; at < end;) {
        const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        if (stop > at) {
            char *text = malloc((size_t)(stop - at));
            ASSERT(text != NULL);
            memcpy(text, at + 1, (size_t)(stop - at) - 1);
            text[stop - at - 1] = '\0';
            line(&fuzz, (char)at[0], text, (size_t)(stop - at) - 1);
            free(text);
        }
        at = stop + 1;
    }
    wire_close(fuzz.wire);
    return 0;
}
