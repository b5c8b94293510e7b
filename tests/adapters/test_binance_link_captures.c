/* The real captures through the link: the same events as the market machine makes of the same frames. */
#include "adapters/binance/link.h"
#include "adapters/binance/market.h"
#include "link_fixture.h"
#include "market_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HFT TEST_DATA "/binance_hftbacktest/"

/* A running hash of all that an event says but its `ts` (the link's session begins at its own time). */
struct folded {
    uint64_t hash, events;
};

static void fold(struct folded *folded, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        folded->hash = (folded->hash ^ at[i]) * UINT64_C(1099511628211);
}

static void fold_event(void *context, const struct event *event)
{
    struct folded *folded = context;
    if (event->kind == EVENT_CONNECTION_UP || event->kind == EVENT_CONNECTION_DOWN)
        return;
    folded->events++;
    const int64_t words[] = {event->exch_ts,
                             (int64_t)event->seq,
                             (int64_t)event->seq_first,
                             (int64_t)event->seq_prev,
                             event->bid_count,
                             event->ask_count,
                             event->kind,
                             event->flags};
    fold(folded, words, sizeof(words));
    if (event_has_levels(event->kind))
        fold(folded, event->levels, (event->bid_count + event->ask_count) * sizeof(*event->levels));
    else if (event->kind == EVENT_MARK)
        fold(folded, event->body, sizeof(struct event_mark));
    else if (event->kind == EVENT_CANDLE)
        fold(folded, event->body, sizeof(struct event_candle));
    else if (event->kind == EVENT_TICKER)
        fold(folded, event->body, sizeof(struct event_ticker));
}

struct capture {
    const char *path;
    const char *symbol;
    enum binance_flavour flavour;
    unsigned price_decimals, qty_decimals;
};

static void input_text(struct link_fixture *f, enum link_what what, uint8_t conn, uint64_t id, const char *text,
                       size_t size)
{
    struct link_input input = {
        .what = (uint8_t)what, .conn = conn, .id = id, .status = 200, .text = text, .text_size = (uint32_t)size};
    cr_assert_eq(give(f, input), ERR_OK, "%s", f->why.text);
}

/* Wrapped messages as they are; "@depth@0ms" was the name of the fastest diffs in that year. Futures trades came as
 * "@trade", which the link does not ask for: they are left out. A line of a REST answer is the answer to what the
 * link asked for. */
static void replay(const struct capture *capture)
{
    struct gz_lines *lines = gz_open(capture->path);
    if (lines == NULL)
        cr_skip_test("skipped: no capture %s", capture->path);
    struct folded by_market = {0}, by_link = {0};
    struct market_fixture m;
    fixture_binance(&m, capture->flavour, capture->price_decimals, capture->qty_decimals);
    m.quiet = true;
    m.watch = fold_event;
    m.watch_context = &by_market;

    struct link_fixture f;
    struct market_sink sink;
    struct link_wire wire;
    link_fixture_init(&f, &capture->symbol, 1, capture->price_decimals, capture->qty_decimals, &sink, &wire);
    f.quiet = true;
    f.watch = fold_event;
    f.watch_context = &by_link;
    const struct link_symbol symbol = {capture->symbol, 0, LINK_BOOK | LINK_TRADES | LINK_BBO};
    const struct link_config config = {.symbols = &symbol,
                                       .symbol_count = 1,
                                       .instruments = f.instruments,
                                       .stale = 3600 * NS_PER_S,
                                       .silence = 3600 * NS_PER_S,
                                       .seed = 1};
    cr_assert_eq(binance_link_open(capture->flavour, &config, &sink, &wire, &f.link), ERR_OK);
    const bool spot = capture->flavour == BINANCE_SPOT;
    uint64_t frames = 0;
    size_t size;
    char *wrapped = malloc(8u << 20);
    for (char *line; (line = gz_next(lines, &size)) != NULL;) {
        char *space = memchr(line, ' ', size);
        cr_assert_not_null(space);
        const ns_t ts = strtoll(line, NULL, 10);
        char *payload = space + 1;
        size_t payload_size = size - (size_t)(payload - line);
        char end = payload[payload_size];
        payload[payload_size] = '\0';
        f.ts = ts;
        if (frames++ == 0) {
            tick(&f);
            up(&f, 0);
            if (!spot)
                up(&f, 1);
        }
        bool is_snapshot = strncmp(payload, "{\"stream\"", 9) != 0;
        if (is_snapshot) {
            cr_assert_eq(fixture_bytes(&m, payload, payload_size, capture->symbol), ERR_OK, "%s", m.why.text);
            cr_assert_gt(f.last_get, 0, "the link has not asked for a snapshot");
            input_text(&f, LINK_ANSWER, 0, f.last_get, payload, payload_size);
        } else if (spot || strstr(payload, "@trade\"") == NULL) {
            const char *old_name = strstr(payload, "@depth@0ms\"");
            size_t head = old_name == NULL ? 0 : (size_t)(old_name - payload);
            int wrapped_size = old_name == NULL ? sprintf(wrapped, "%s", payload)
                                                : sprintf(wrapped, "%.*s@depth@100ms%s", (int)head, payload,
                                                          old_name + strlen("@depth@0ms"));
            cr_assert_eq(fixture_bytes(&m, wrapped, (size_t)wrapped_size, NULL), ERR_OK, "%s", m.why.text);
            input_text(&f, LINK_TEXT, 0, 0, wrapped, (size_t)wrapped_size);
        }
        payload[payload_size] = end;
        cr_assert(by_market.hash == by_link.hash, "line %llu: %.200s", (unsigned long long)frames, line);
    }
    free(wrapped);
    gz_close(lines);
    cr_assert_gt(by_market.events, 1000);
    cr_assert_eq(by_market.events, by_link.events);
    const struct market_stats *stats = f.link->ops->market(f.link, 0);
    cr_assert_eq(stats->gaps, 0);
    cr_assert_gt(stats->diffs_applied, 1000);
    printf("# %s: %llu events, %llu diffs applied\n", capture->path + strlen(TEST_DATA),
           (unsigned long long)by_link.events, (unsigned long long)stats->diffs_applied);
    fixture_close(&m);
    link_fixture_close(&f);
}

Test(binance_link_captures, usdm_btcusdt)
{
    replay(&(struct capture){HFT "usdm__btcusdt_20240808.gz", "BTCUSDT", BINANCE_USDM, 2, 3});
}

Test(binance_link_captures, usdm_ethusdt)
{
    replay(&(struct capture){HFT "usdm__ethusdt_20240808.gz", "ETHUSDT", BINANCE_USDM, 2, 3});
}

Test(binance_link_captures, spot_btcusdt)
{
    replay(&(struct capture){HFT "spot__btcusdt_20240808.gz", "BTCUSDT", BINANCE_SPOT, 2, 8});
}
