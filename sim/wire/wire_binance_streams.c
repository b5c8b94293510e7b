/* wire_binance_streams.c: the streams of Binance: what their names mean, and when they speak. */
#include "sim/wire/wire_binance.h"

/* ---- names of streams ---- */

struct sort {
    const char *name; /* behind the "@"; "*": a number or an interval follows */
    enum wire_kind kind;
    enum wire_beat futures, spot;
    enum binance_route home; /* on USD-M */
};

/* Longer names first where one begins like another. */
static const struct sort sorts[] = {
    {"bookTicker", WIRE_BBO, BEAT_NONE, BEAT_NONE, ROUTE_PUBLIC},
    {"aggTrade", WIRE_AGGREGATES, BEAT_NONE, BEAT_NONE, ROUTE_MARKET},
    {"trade", WIRE_PRINTS, BEAT_NONE, BEAT_NONE, ROUTE_MARKET},
    {"markPrice", WIRE_MARK, BEAT_3S, BEAT_3S, ROUTE_MARKET},
    {"miniTicker", WIRE_MINI_TICKER, BEAT_500MS, BEAT_1S, ROUTE_MARKET},
    {"ticker", WIRE_TICKER, BEAT_2S, BEAT_1S, ROUTE_MARKET},
};

static bool same(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && memcmp(text, word, size) == 0;
}

static bool begins(const char *text, size_t size, const char *word)
{
    return size >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

/* "depth", "depth@100ms", "depth20@500ms": what follows "depth". */
static void depth_stream(const struct wire *wire, const char *rest, size_t size, struct wire_stream *stream)
{
    const bool spot = binance_wire_is_spot(wire);
    size_t at = 0;
    int32_t levels = 0;
    while (at < size && rest[at] >= '0' && rest[at] <= '9' && at < 3)
        levels = levels * 10 + (rest[at++] - '0');
    if (at > 0 && levels != 5 && levels != 10 && levels != 20)
        return;
    const char *speed = rest + at;
    const size_t speed_size = size - at;
    enum wire_beat beat;
    if (speed_size == 0)
        beat = spot ? BEAT_1S : BEAT_250MS;
    else if (same(speed, speed_size, "@100ms") || (levels == 0 && same(speed, speed_size, "@0ms")))
        beat = levels == 0 ? BEAT_NONE : BEAT_100MS;
    else if (!spot && same(speed, speed_size, "@250ms"))
        beat = BEAT_250MS;
    else if (!spot && same(speed, speed_size, "@500ms"))
        beat = BEAT_500MS;
    else if (spot && same(speed, speed_size, "@1000ms"))
        beat = BEAT_1S;
    else
        return;
    stream->kind = levels == 0 ? WIRE_DEPTH : WIRE_TOP;
    stream->param = levels;
    stream->beat = (uint8_t)beat;
}

/* What a name means. Names that mean nothing are silent streams: the venue takes them too. */
void binance_parse_stream(const struct wire *wire, const char *name, size_t size, struct wire_stream *stream,
                          enum binance_route *home)
{
    const bool spot = binance_wire_is_spot(wire);
    *stream = (struct wire_stream){
        .name_size = (uint16_t)size, .symbol = INSTRUMENT_NONE, .kind = WIRE_SILENT, .beat = BEAT_NONE};
    memcpy(stream->name, name, size);
    *home = ROUTE_MARKET;
    const char *at = memchr(name, '@', size);
    if (name[0] == '!') {
        if (same(name, size, "!bookTicker")) {
            stream->kind = WIRE_BBO;
            *home = ROUTE_PUBLIC;
        } else if (same(name, size, "!ticker@arr") || same(name, size, "!miniTicker@arr")) {
            stream->kind = name[1] == 't' ? WIRE_TICKER : WIRE_MINI_TICKER;
            stream->beat = BEAT_1S;
        } else if (!spot && (same(name, size, "!markPrice@arr") || same(name, size, "!markPrice@arr@1s"))) {
            stream->kind = WIRE_MARK;
            stream->beat = name[size - 1] == 's' ? BEAT_1S : BEAT_3S;
        }
        return;
    }
    if (at == NULL)
        return;
    const size_t symbol_size = (size_t)(at - name);
    const char *type = at + 1;
    const size_t type_size = size - symbol_size - 1;
    if (begins(type, type_size, "depth"))
        *home = ROUTE_PUBLIC;
    /* Symbols are written small in the names of streams. */
    for (size_t i = 0; i < symbol_size; i++)
        if (name[i] >= 'A' && name[i] <= 'Z')
            return;
    const uint16_t symbol = wire_find_symbol(wire, name, symbol_size);
    if (symbol == INSTRUMENT_NONE)
        return;
    stream->symbol = symbol;
    if (begins(type, type_size, "depth")) {
        depth_stream(wire, type + 5, type_size - 5, stream);
        return;
    }
    if (begins(type, type_size, "kline_")) {
        const int interval = wire_interval_find(type + 6, type_size - 6);
        if (interval < 0 || strcmp(wire_interval_names[interval], "10m") == 0)
            return;
        stream->kind = WIRE_KLINE;
        stream->param = interval;
        stream->beat = spot ? (interval == 0 ? BEAT_1S : BEAT_2S) : BEAT_250MS;
        return;
    }
    if (!spot && same(type, type_size, "markPrice@1s")) {
        stream->kind = WIRE_MARK;
        stream->beat = BEAT_1S;
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(sorts); i++) {
        if (!same(type, type_size, sorts[i].name) || (spot && sorts[i].kind == WIRE_MARK))
            continue;
        stream->kind = (uint8_t)sorts[i].kind;
        stream->beat = (uint8_t)(spot ? sorts[i].spot : sorts[i].futures);
        *home = sorts[i].home;
        return;
    }
}

/* ---- when streams speak ---- */

static void deliver_kind(struct wire *wire, const struct wire_symbol *symbol, enum wire_kind kind)
{
    for (uint32_t i = symbol->first_stream; i != WIRE_NONE; i = wire->streams[i].next)
        if (wire->streams[i].kind == kind && wire->streams[i].beat == BEAT_NONE)
            wire_deliver(wire, i, WIRE_TEXT);
}

static bool hears(const struct wire *wire, uint32_t first, enum wire_kind kind)
{
    for (uint32_t i = first; i != WIRE_NONE; i = wire->streams[i].next)
        if (wire->streams[i].kind == kind && wire->streams[i].beat == BEAT_NONE)
            return true;
    return false;
}

void binance_on_depth(struct wire *wire, struct wire_symbol *symbol, const struct wire_diff *diff)
{
    if (!hears(wire, symbol->first_stream, WIRE_DEPTH))
        return;
    if (WIRE_FAULT_HITS(wire, depth_gap, symbol->number + UINT64_C(1000000), diff->last)) {
        wire->stats.faults++;
        return;
    }
    binance_say_depth(wire, symbol, diff);
    deliver_kind(wire, symbol, WIRE_DEPTH);
}

void binance_on_bbo(struct wire *wire, struct wire_symbol *symbol)
{
    const bool own = hears(wire, symbol->first_stream, WIRE_BBO), all = hears(wire, wire->all_stream, WIRE_BBO);
    if (!own && !all)
        return;
    binance_say_bbo(wire, symbol);
    deliver_kind(wire, symbol, WIRE_BBO);
    for (uint32_t i = all ? wire->all_stream : WIRE_NONE; i != WIRE_NONE; i = wire->streams[i].next)
        if (wire->streams[i].kind == WIRE_BBO)
            wire_deliver(wire, i, WIRE_TEXT);
}

void binance_on_print(struct wire *wire, struct wire_symbol *symbol, const struct wire_trade *trade)
{
    if (!hears(wire, symbol->first_stream, WIRE_PRINTS))
        return;
    binance_say_print(wire, symbol, trade);
    deliver_kind(wire, symbol, WIRE_PRINTS);
}

void binance_on_aggregate(struct wire *wire, struct wire_symbol *symbol, const struct wire_trade *trade)
{
    if (!hears(wire, symbol->first_stream, WIRE_AGGREGATES))
        return;
    binance_say_aggregate(wire, symbol, trade);
    deliver_kind(wire, symbol, WIRE_AGGREGATES);
}

/* An interval that ended is said once more, closed; then the one that is running, if anything was traded. */
static void beat_kline(struct wire *wire, struct wire_symbol *symbol, uint32_t number)
{
    struct wire_stream *stream = &wire->streams[number];
    const unsigned interval = (unsigned)stream->param;
    const ns_t start = wire_interval_start(interval, wire_venue_time(wire, wire->now));
    struct wire_candle candle;
    if (stream->running != 0 && start > stream->running &&
        wire_candles_list(&symbol->candles, interval, stream->running, wire_interval_next(interval, stream->running),
                          true, &candle, 1) == 1) {
        binance_say_kline(wire, symbol, interval, &candle, true);
        wire_deliver(wire, number, WIRE_TEXT);
    }
    const bool fresh = stream->running != start || stream->said != symbol->candles.trades;
    stream->running = start;
    if (!fresh || wire_candles_list(&symbol->candles, interval, start, wire_interval_next(interval, start), true,
                                    &candle, 1) != 1)
        return;
    stream->said = symbol->candles.trades;
    binance_say_kline(wire, symbol, interval, &candle, false);
    wire_deliver(wire, number, WIRE_TEXT);
}

/* !ticker@arr and its like: what changed since the last beat. */
static void beat_all(struct wire *wire, uint32_t number)
{
    const struct wire_stream *stream = &wire->streams[number];
    struct binance_day day;
    bool any = false;
    wire_text_clear(&wire->say);
    for (uint16_t i = 0; i < wire->config.instrument_count; i++) {
        const struct wire_symbol *symbol = &wire->symbols[i];
        if (stream->kind == WIRE_MARK ? binance_mark_of(wire, symbol).mark_price == 0
                                      : !binance_day_of(wire, symbol, &day))
            continue;
        wire_put_char(&wire->say, any ? ',' : '[');
        any = true;
        if (stream->kind == WIRE_MARK)
            binance_put_mark(wire, symbol);
        else
            binance_put_ticker(wire, symbol, stream->kind == WIRE_MINI_TICKER);
    }
    if (!any)
        return;
    wire_put_char(&wire->say, ']');
    wire_deliver(wire, number, WIRE_TEXT);
}

void binance_on_beat(struct wire *wire, struct wire_symbol *symbol, uint32_t number)
{
    struct wire_stream *stream = &wire->streams[number];
    struct wire_diff diff;
    struct binance_day day;
    if (symbol == NULL) {
        beat_all(wire, number);
        return;
    }
    switch ((enum wire_kind)stream->kind) {
    case WIRE_DEPTH:
        if (!wire_batch_take(wire, symbol, stream->batch, &diff))
            return;
        binance_say_depth(wire, symbol, &diff);
        break;
    case WIRE_TOP:
        if (!symbol->has_book || stream->said == symbol->book_id)
            return;
        binance_say_top(wire, symbol, stream);
        break;
    case WIRE_KLINE:
        beat_kline(wire, symbol, number);
        return;
    case WIRE_MARK:
        if (binance_mark_of(wire, symbol).mark_price == 0)
            return;
        wire_text_clear(&wire->say);
        binance_put_mark(wire, symbol);
        break;
    case WIRE_TICKER:
    case WIRE_MINI_TICKER:
        if (stream->said == symbol->candles.trades || !binance_day_of(wire, symbol, &day))
            return;
        stream->said = symbol->candles.trades;
        wire_text_clear(&wire->say);
        binance_put_ticker(wire, symbol, stream->kind == WIRE_MINI_TICKER);
        break;
    default:
        return;
    }
    wire_deliver(wire, number, WIRE_TEXT);
}
