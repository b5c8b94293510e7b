/* fuzz_upbit_market.c: lines of frames through an Upbit machine, as a capture has them.
 *
 * The second byte chooses the decimals (the first means nothing); each further line is a frame, an empty line a lost
 * connection. Whatever comes: ts never falls, every diff is counted once, a refused frame emits nothing and says
 * why. */
#include "adapters/upbit/market.h"

#include <stdlib.h>
#include <string.h>

struct fuzz {
    struct instrument instrument;
    uint16_t count;
    ns_t ts;
    uint64_t events;
    int64_t sum; /* reads every level, so that the sanitizers see them */
};

static err_t fuzz_emit(void *context, const struct event *event)
{
    struct fuzz *fuzz = context;
    ASSERT(event->ts >= fuzz->ts && event->instrument < fuzz->count && event->kind < EVENT_KIND_COUNT);
    fuzz->ts = event->ts;
    fuzz->events++;
    for (uint32_t i = 0; event_has_levels(event->kind) && i < event->bid_count + event->ask_count; i++) {
        ASSERT(event->levels[i].price > 0 && event->levels[i].qty >= 0);
        fuzz->sum ^= event->levels[i].price ^ event->levels[i].qty;
    }
    return ERR_OK;
}

static err_t fuzz_discover(void *context, const char *symbol, size_t size, uint16_t *number,
                           const struct instrument **instrument)
{
    struct fuzz *fuzz = context;
    ASSERT(size > 0 && (unsigned char)symbol[0] > (unsigned char)' ');
    *number = fuzz->count < 8 ? fuzz->count++ : INSTRUMENT_NONE;
    *instrument = &fuzz->instrument;
    return ERR_OK;
}

static err_t fuzz_found(void *context, const struct market_texts *texts)
{
    struct fuzz *fuzz = context;
    unsigned needed = 0, written = 0;
    if (texts->price != NULL && decimal_measure(texts->price, texts->price_size, &needed, &written) == ERR_OK)
        fuzz->sum += needed;
    if (texts->qty != NULL && decimal_measure(texts->qty, texts->qty_size, &needed, &written) == ERR_OK)
        fuzz->sum += needed;
    return ERR_OK;
}

static void fuzz_line(struct market *market, struct fuzz *fuzz, const uint8_t *line, size_t size, ns_t ts)
{
    if (size == 0) {
        ASSERT(market->ops->disconnected(market, ts) == ERR_OK);
        return;
    }
    char *text = malloc(size + FRAME_PADDING);
    memcpy(text, line, size);
    memset(text + size, '"', FRAME_PADDING);
    const struct frame frame = {.ts = ts, .text = text, .size = size, .symbol = "HINT", .symbol_size = 4};
    struct err_text why = {0};
    (void)!market->ops->scan(market, &frame, fuzz_found, fuzz, &why);
    err_clear(&why);
    uint64_t events = fuzz->events;
    err_t err = market->ops->frame(market, &frame, &why);
    ASSERT(err == ERR_OK || err == ERR_SYNTAX || err == ERR_RANGE || err == ERR_PRECISION || err == ERR_UNSUPPORTED);
    ASSERT(err == ERR_OK || (fuzz->events == events && why.code == err && why.text[0] != '\0'));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {.count = 0};
    if (size < 2)
        return 0;
    err_t err =
        instrument_init(&fuzz.instrument, "fuzz", "X", "B", "Q", CONTRACT_SPOT, data[1] % 10, data[1] / 10 % 10);
    ASSERT(err == ERR_OK);
    const struct market_sink sink = {&fuzz, fuzz_emit, fuzz_discover};
    struct market *market;
    if (upbit_market_open(&sink, &market) != ERR_OK)
        return 0;
    ns_t ts = 1;
    for (const uint8_t *at = data + 2, *end = data + size; at < end;) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
        const uint8_t *stop = newline == NULL ? end : newline;
        fuzz_line(market, &fuzz, at, (size_t)(stop - at), ts++);
        at = stop + 1;
    }
    for (uint16_t i = 0; i < fuzz.count; i++) {
        const struct market_stats *stats = market->ops->stats(market, i);
        ASSERT(stats->diffs_seen ==
               stats->diffs_applied + stats->diffs_buffered + stats->diffs_old + stats->diffs_dropped);
    }
    market->ops->close(market);
    return 0;
}
