#include "market_fixture.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void write_out(struct market_fixture *fixture, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void write_out(struct market_fixture *fixture, const char *fmt, ...)
{
    if (fixture->capacity - fixture->used < 4096) {
        fixture->capacity = fixture->capacity * 2 + 8192;
        fixture->out = realloc(fixture->out, fixture->capacity);
    }
    va_list args;
    va_start(args, fmt);
    int size = vsnprintf(fixture->out + fixture->used, 4096, fmt, args);
    va_end(args);
    fixture->used += (size_t)size;
}

static void write_levels(struct market_fixture *fixture, const struct event *event)
{
    const struct instrument *instrument = &fixture->instruments[event->instrument];
    for (uint32_t i = 0; i < event->bid_count + event->ask_count; i++) {
        char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE];
        instrument_format_price(instrument, event->levels[i].price, price);
        instrument_format_qty(instrument, event->levels[i].qty, qty);
        if (i == 0 && event->bid_count > 0 && event->kind != EVENT_TRADE)
            write_out(fixture, " bids");
        if (i == event->bid_count)
            write_out(fixture, " asks");
        write_out(fixture, " %sx%s", price, qty);
    }
}

static void write_body(struct market_fixture *fixture, const struct event *event)
{
    if (event->kind == EVENT_GAP) {
        write_out(fixture, " %s", ((const struct event_text *)event->body)->text);
    } else if (event->kind == EVENT_MARK) {
        const struct event_mark *mark = event->body;
        write_out(fixture, " mark %lld index %lld rate %lld next %lld", (long long)mark->mark_price,
                  (long long)mark->index_price, (long long)mark->funding_rate,
                  (long long)(mark->next_funding_ts / NS_PER_MS));
    } else if (event->kind == EVENT_CANDLE) {
        const struct event_candle *candle = event->body;
        write_out(fixture, " open %lld for %lld: %lld %lld %lld %lld volume %lld quote %lld%s",
                  (long long)(candle->open_ts / NS_PER_MS), (long long)(candle->interval / NS_PER_MS),
                  (long long)candle->open, (long long)candle->high, (long long)candle->low, (long long)candle->close,
                  (long long)candle->volume, (long long)candle->quote_volume, candle->closed ? " closed" : "");
    } else if (event->kind == EVENT_TICKER) {
        const struct event_ticker *ticker = event->body;
        write_out(fixture, " last %lldx%lld open %lld high %lld low %lld volume %lld", (long long)ticker->last_price,
                  (long long)ticker->last_qty, (long long)ticker->open_24h, (long long)ticker->high_24h,
                  (long long)ticker->low_24h, (long long)ticker->volume_24h);
    }
}

static err_t fixture_emit(void *context, const struct event *event)
{
    struct market_fixture *fixture = context;
    if (fixture->emit_error != ERR_OK)
        return fixture->emit_error;
    cr_assert(event->ts >= fixture->last_ts, "ts fell");
    fixture->last_ts = event->ts;
    fixture->events[event->kind]++;
    if (fixture->watch != NULL)
        fixture->watch(fixture->watch_context, event);
    if (fixture->quiet)
        return ERR_OK;
    write_out(fixture, "%lld %s %s", (long long)(event->ts / NS_PER_MS), event_kind_name(event->kind),
              fixture->instruments[event->instrument].symbol);
    if (event->exch_ts != 0)
        write_out(fixture, " exch %lld", (long long)(event->exch_ts / NS_PER_MS));
    if (event->seq != 0)
        write_out(fixture, " seq %llu", (unsigned long long)event->seq);
    if (event->seq_first != 0 && event->seq_prev != 0)
        write_out(fixture, " (%llu after %llu)", (unsigned long long)event->seq_first,
                  (unsigned long long)event->seq_prev);
    else if (event->seq_first != 0)
        write_out(fixture, " (%llu)", (unsigned long long)event->seq_first);
    static const char *const flags[] = {"sell", "aggregate", "special", "partial", "no-side"};
    for (unsigned i = 0; i < ARRAY_LEN(flags); i++)
        if (event->flags & 1u << i)
            write_out(fixture, " %s", flags[i]);
    if (event_has_levels(event->kind))
        write_levels(fixture, event);
    else
        write_body(fixture, event);
    write_out(fixture, "\n");
    return ERR_OK;
}

static err_t fixture_discover(void *context, const char *symbol, size_t size, uint16_t *number,
                              const struct instrument **instrument)
{
    struct market_fixture *fixture = context;
    char text[SYMBOL_SIZE];
    snprintf(text, sizeof(text), "%.*s", (int)size, symbol);
    for (uint16_t i = 0; i < fixture->count; i++)
        cr_assert(strcmp(fixture->instruments[i].symbol, text) != 0, "%s was asked for twice", text);
    *number = INSTRUMENT_NONE;
    *instrument = NULL;
    if (fixture->count == FIXTURE_SYMBOLS_MAX || (fixture->ignore != NULL && strcmp(fixture->ignore, text) == 0))
        return ERR_OK;
    *number = fixture->count++;
    *instrument = &fixture->instruments[*number];
    return instrument_init(&fixture->instruments[*number], "test", text, "BASE", "QUOTE", CONTRACT_SPOT,
                           fixture->price_decimals, fixture->qty_decimals);
}

static struct market_sink fixture_init(struct market_fixture *fixture, unsigned price_decimals, unsigned qty_decimals)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->instruments = calloc(FIXTURE_SYMBOLS_MAX, sizeof(*fixture->instruments));
    fixture->price_decimals = price_decimals;
    fixture->qty_decimals = qty_decimals;
    return (struct market_sink){fixture, fixture_emit, fixture_discover};
}

void fixture_binance(struct market_fixture *fixture, enum binance_flavour flavour, unsigned price_decimals,
                     unsigned qty_decimals)
{
    struct market_sink sink = fixture_init(fixture, price_decimals, qty_decimals);
    cr_assert_eq(binance_market_open(flavour, &sink, &fixture->market), ERR_OK);
}

void fixture_upbit(struct market_fixture *fixture, unsigned price_decimals, unsigned qty_decimals)
{
    struct market_sink sink = fixture_init(fixture, price_decimals, qty_decimals);
    cr_assert_eq(upbit_market_open(&sink, &fixture->market), ERR_OK);
}

void fixture_close(struct market_fixture *fixture)
{
    fixture->market->ops->close(fixture->market);
    free(fixture->out);
    free(fixture->instruments);
}

/* A copy of exactly the frame and its padding, so that the sanitizers see every byte read beyond. The padding
 * holds what could continue a number: nobody may look at it. */
static char *padded(const char *text, size_t size)
{
    char *copy = malloc(size + FRAME_PADDING);
    if (size > 0)
        memcpy(copy, text, size);
    memset(copy + size, '7', FRAME_PADDING);
    return copy;
}

err_t fixture_bytes(struct market_fixture *fixture, const char *text, size_t size, const char *symbol)
{
    char *copy = padded(text, size);
    struct frame frame = {.ts = fixture->last_ts + NS_PER_MS,
                          .text = copy,
                          .size = size,
                          .symbol = symbol,
                          .symbol_size = symbol == NULL ? 0 : strlen(symbol)};
    err_clear(&fixture->why);
    err_t err = fixture->market->ops->frame(fixture->market, &frame, &fixture->why);
    fixture->last_ts = frame.ts;
    free(copy);
    return err;
}

static char *quoted(const char *text)
{
    char *copy = strdup(text);
    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

err_t feed_of(struct market_fixture *fixture, const char *text, const char *symbol)
{
    char *copy = quoted(text);
    err_t err = fixture_bytes(fixture, copy, strlen(copy), symbol);
    free(copy);
    return err;
}

err_t feed(struct market_fixture *fixture, const char *text)
{
    return feed_of(fixture, text, NULL);
}

err_t feed_lost(struct market_fixture *fixture)
{
    return fixture->market->ops->disconnected(fixture->market, fixture->last_ts += NS_PER_MS);
}

static err_t fixture_found(void *context, const struct market_texts *texts)
{
    write_out(context, "%.*s %.*s %.*s\n", (int)texts->symbol_size, texts->symbol,
              texts->price == NULL ? 1 : (int)texts->price_size, texts->price == NULL ? "-" : texts->price,
              texts->qty == NULL ? 1 : (int)texts->qty_size, texts->qty == NULL ? "-" : texts->qty);
    return ERR_OK;
}

err_t fixture_scan(struct market_fixture *fixture, const char *text)
{
    char *copy = quoted(text);
    char *bytes = padded(copy, strlen(copy));
    struct frame frame = {.ts = 1, .text = bytes, .size = strlen(copy)};
    err_clear(&fixture->why);
    err_t err = fixture->market->ops->scan(fixture->market, &frame, fixture_found, fixture, &fixture->why);
    free(bytes);
    free(copy);
    return err;
}

void expect_text(struct market_fixture *fixture, const char *text, const char *file, int line)
{
    const char *got = fixture->used == 0 ? "" : fixture->out;
    cr_assert(strcmp(got, text) == 0, "%s:%d:\nexpected\n%sgot\n%s(last refusal: %s)", file, line, text, got,
              fixture->why.text);
    fixture->used = 0;
    if (fixture->out != NULL)
        fixture->out[0] = '\0';
}

void expect_refused_at(struct market_fixture *fixture, err_t err, err_t code, const char *piece, const char *file,
                       int line)
{
    cr_assert(err == code, "%s:%d: expected %s, got %s: %s", file, line, err_name(code), err_name(err),
              fixture->why.text);
    cr_assert(fixture->why.code == code && strstr(fixture->why.text, piece) != NULL,
              "%s:%d: expected words with '%s', got '%s'", file, line, piece, fixture->why.text);
    expect_text(fixture, "", file, line);
}

const struct market_stats *stats_of(const struct market_fixture *fixture, uint16_t number)
{
    const struct market_stats *stats = fixture->market->ops->stats(fixture->market, number);
    cr_assert_not_null(stats);
    cr_assert_eq(stats->diffs_seen,
                 stats->diffs_applied + stats->diffs_buffered + stats->diffs_old + stats->diffs_dropped,
                 "a diff was not counted");
    return stats;
}

/* --- captures --- */

struct gz_lines {
    gzFile file;
    char *text;
    size_t capacity;
    size_t begin, end; /* bytes in hand */
};

struct gz_lines *gz_open(const char *path)
{
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        return NULL;
    gzbuffer(file, 1u << 18);
    struct gz_lines *lines = calloc(1, sizeof(*lines));
    lines->file = file;
    lines->capacity = 1u << 20;
    lines->text = malloc(lines->capacity + FRAME_PADDING);
    return lines;
}

char *gz_next(struct gz_lines *lines, size_t *size)
{
    for (;;) {
        char *line = lines->text + lines->begin;
        char *newline = memchr(line, '\n', lines->end - lines->begin);
        if (newline != NULL) {
            *size = (size_t)(newline - line);
            lines->begin += *size + 1;
            return line;
        }
        memmove(lines->text, line, lines->end - lines->begin);
        lines->end -= lines->begin;
        lines->begin = 0;
        int got = gzread(lines->file, lines->text + lines->end, (unsigned)(lines->capacity - lines->end));
        cr_assert(got >= 0 && lines->end < lines->capacity);
        if (got == 0 && lines->end == 0)
            return NULL;
        if (got == 0)
            lines->text[lines->end++] = '\n';
        else
            lines->end += (size_t)got;
    }
}

void gz_close(struct gz_lines *lines)
{
    gzclose(lines->file);
    free(lines->text);
    free(lines);
}
