/* fuzz_binance_link.c: any inputs in any order through a Binance link.
 *
 * The first byte chooses the flavour and the mode; then records follow:
 *
 *   what (1 byte), conn (1), milliseconds since the last input (2), status (1), id (1), size of the text (2), text
 *
 * Whatever comes: nothing crashes, every error is final and never comes, every diff is counted once, no event is of
 * the future, no delta is of a stale book, ids of requests are new, slots that are opened are closed, and it does not
 * want to be woken without end. */
#include "adapters/binance/link.h"

#include <stdlib.h>
#include <string.h>

struct fuzz {
    struct instrument instruments[2];
    ns_t ts;
    bool open[LINK_CONNS];
    bool dropped; /* a LINK_DOWN may have been among them */
    bool fresh[2];
    uint64_t last_id;
    int64_t sum;
};

static err_t fuzz_emit(void *context, const struct event *event)
{
    struct fuzz *fuzz = context;
    ASSERT(event->ts <= fuzz->ts && (event->instrument < 2 || event->instrument == INSTRUMENT_NONE));
    for (uint32_t i = 0; event_has_levels(event->kind) && i < event->bid_count + event->ask_count; i++) {
        ASSERT(event->levels[i].price > 0 && event->levels[i].qty >= 0);
        fuzz->sum ^= event->levels[i].price ^ event->levels[i].qty;
    }
    if (event->kind == EVENT_BOOK_DELTA)
        ASSERT(fuzz->fresh[event->instrument]);
    if (event->kind == EVENT_BOOK_SNAPSHOT)
        fuzz->fresh[event->instrument] = true;
    if (event->kind == EVENT_GAP)
        fuzz->fresh[event->instrument] = false;
    return ERR_OK;
}

static void fuzz_open(void *context, uint16_t link, uint8_t conn, const char *url)
{
    struct fuzz *fuzz = context;
    (void)link;
    ASSERT(conn < LINK_CONNS && (!fuzz->open[conn] || fuzz->dropped) && strlen(url) < LINK_URL_SIZE);
    fuzz->open[conn] = true;
}

static void fuzz_close(void *context, uint16_t link, uint8_t conn)
{
    struct fuzz *fuzz = context;
    (void)link;
    ASSERT(conn < LINK_CONNS && fuzz->open[conn]);
}

static void fuzz_send(void *context, uint16_t link, uint8_t conn, const char *text, size_t size)
{
    struct fuzz *fuzz = context;
    (void)link;
    ASSERT(fuzz->open[conn] && size > 0 && text[size - 1] == '}');
}

static void fuzz_ping(void *context, uint16_t link, uint8_t conn)
{
    struct fuzz *fuzz = context;
    (void)link;
    ASSERT(fuzz->open[conn]);
}

static void fuzz_get(void *context, uint16_t link, uint64_t id, const char *url, ns_t timeout)
{
    struct fuzz *fuzz = context;
    (void)link;
    ASSERT(id > fuzz->last_id && strlen(url) < LINK_URL_SIZE && timeout > 0);
    fuzz->last_id = id;
}

static void fuzz_input(struct link *link, struct fuzz *fuzz, struct link_input input)
{
    struct err_text why = {.code = ERR_OK};
    input.ts = fuzz->ts;
    /* The contract: a connection that is not open says nothing. */
    bool of_conn = input.what <= LINK_PONG;
    if (of_conn && (input.conn >= LINK_CONNS || !fuzz->open[input.conn]))
        return;
    fuzz->dropped = fuzz->dropped || input.what == LINK_DROPPED;
    if (input.what == LINK_DOWN)
        fuzz->open[input.conn] = false;
    ASSERT(link->ops->input(link, &input, &why) == ERR_OK);
    for (int i = 0; link->ops->due(link) <= fuzz->ts; i++) {
        const struct link_input tick = {.ts = fuzz->ts, .what = LINK_TICK};
        ASSERT(i < 100);
        ASSERT(link->ops->input(link, &tick, &why) == ERR_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz *fuzz = calloc(1, sizeof(*fuzz));
    if (size < 1 || fuzz == NULL) {
        free(fuzz);
        return 0;
    }
    const unsigned all = LINK_BOOK | LINK_PARTIAL | LINK_TRADES | LINK_BBO | LINK_CANDLES | LINK_TICKER;
    const struct link_symbol symbols[] = {{"BTCUSDT", 0, all}, {"ETHUSDT", 1, LINK_BOOK | LINK_TRADES}};
    for (int i = 0; i < 2; i++)
        ASSERT(instrument_init(&fuzz->instruments[i], "fuzz", symbols[i].symbol, "B", "Q", CONTRACT_SPOT, 2, 3) ==
               ERR_OK);
    const struct link_config config = {.symbols = symbols,
                                       .symbol_count = 2,
                                       .instruments = fuzz->instruments,
                                       .poll = data[0] & 2 ? NS_PER_S : 0,
                                       .stale = data[0] & 4 ? 2 * NS_PER_S : 0,
                                       .renew = data[0] & 8 ? 20 * NS_PER_S : 0,
                                       .seed = data[0]};
    const struct market_sink sink = {fuzz, fuzz_emit, NULL};
    const struct link_wire wire = {fuzz, fuzz_open, fuzz_close, fuzz_send, fuzz_ping, fuzz_get};
    struct link *link;
    if (binance_link_open(data[0] & 1 ? BINANCE_SPOT : BINANCE_USDM, &config, &sink, &wire, &link) != ERR_OK) {
        free(fuzz);
        return 0;
    }
    fuzz->ts = NS_PER_S;
    fuzz_input(link, fuzz, (struct link_input){.what = LINK_TICK});
    for (const uint8_t *at = data + 1, *end = data + size; end - at >= 8;) {
        static const int32_t statuses[] = {200, 429, 418, 503, 400, 0, 1006, 101};
        struct link_input input = {.what = at[0] % LINK_WHAT_COUNT,
                                   .conn = at[1] % (LINK_CONNS + 1),
                                   .status = statuses[at[4] % 8],
                                   .id = at[5],
                                   .value = (int64_t)at[5] * NS_PER_S};
        fuzz->ts += (ns_t)(at[2] | at[3] << 8) * NS_PER_MS;
        size_t length = at[6] | (size_t)at[7] << 8;
        at += 8;
        if (length > (size_t)(end - at))
            length = (size_t)(end - at);
        char *text = malloc(length + FRAME_PADDING);
        memcpy(text, at, length);
        memset(text + length, '"', FRAME_PADDING);
        input.text = text;
        input.text_size = (uint32_t)length;
        if (input.what == LINK_ANSWER) {
            input.head = text;
            input.head_size = input.text_size;
        }
        at += length;
        fuzz_input(link, fuzz, input);
        free(text);
    }
    for (uint16_t i = 0; i < 2; i++) {
        const struct market_stats *stats = link->ops->market(link, i);
        ASSERT(stats->diffs_seen ==
               stats->diffs_applied + stats->diffs_buffered + stats->diffs_old + stats->diffs_dropped);
    }
    link->ops->close(link);
    free(fuzz);
    return 0;
}
