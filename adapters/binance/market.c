#include "adapters/binance/market.h"

#include "adapters/binance/frame.h"

#include <stdlib.h>
#include <string.h>

const char *binance_flavour_venue(enum binance_flavour flavour)
{
    static const char *const venues[] = {"binance", "binance-spot", "binance-usdm", "binance-coinm"};
    return venues[flavour];
}

/* --- what is it --- */

#define IS(value, word) json_is(value, word, sizeof(word) - 1)

/* Understood and not emitted: this engine has no use for them. */
static bool is_other(const struct json_value *event)
{
    static const char *const names[] = {
        "forceOrder",     "continuous_kline", "indexPriceUpdate", "indexPrice_kline", "markPrice_kline",
        "compositeIndex", "contractInfo",     "assetIndexUpdate", "1hTicker",         "4hTicker",
        "1dTicker",       "avgPrice",         "tradingSession",   "serverShutdown",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_is(event, names[i], strlen(names[i])))
            return true;
    return false;
}

/* Messages without "e": spot best prices, snapshots, answers and errors. */
static err_t nameless_kind(struct binance *binance, enum binance_kind *kind, struct err_text *why)
{
    const struct json_value *values = binance->values;
    if (binance_has(binance, F_SNAPSHOT_ID)) {
        *kind = BINANCE_SNAPSHOT;
        return ERR_OK;
    }
    if (binance_has(binance, F_LAST_ID) && binance_has(binance, F_BIDS) && binance_has(binance, F_ASKS)) {
        *kind = BINANCE_BBO;
        return ERR_OK;
    }
    if (binance_has(binance, F_ERROR) || binance_has(binance, F_CODE)) {
        const struct json_value *text = &values[binance_has(binance, F_ERROR) ? F_ERROR : F_MSG];
        return err_say(why, ERR_UNSUPPORTED, "the venue answered with an error: %.*s %.*s", (int)values[F_CODE].size,
                       values[F_CODE].size > 0 ? values[F_CODE].text : "", text->size < 200 ? (int)text->size : 200,
                       text->size > 0 ? text->text : "");
    }
    if (binance_has(binance, F_RESULT) || binance_has(binance, F_ID)) {
        *kind = BINANCE_OTHER;
        return ERR_OK;
    }
    return err_say(why, ERR_UNSUPPORTED,
                   "no message of Binance market data: neither \"e\" nor \"lastUpdateId\" nor best prices nor an "
                   "answer to a request");
}

err_t binance_kind_of(struct binance *binance, enum binance_kind *kind, struct err_text *why)
{
    const struct json_value *event = &binance->values[F_EVENT];
    if (event->kind != JSON_STRING) {
        if (event->kind != JSON_ABSENT)
            return err_say(why, ERR_SYNTAX, "\"e\": expected the name of an event, found another type");
        return nameless_kind(binance, kind, why);
    }
    if (IS(event, "bookTicker"))
        *kind = BINANCE_BBO;
    else if (IS(event, "trade"))
        *kind = BINANCE_TRADE;
    else if (IS(event, "depthUpdate"))
        *kind = BINANCE_DIFF;
    else if (IS(event, "aggTrade"))
        *kind = BINANCE_AGGREGATE;
    else if (IS(event, "markPriceUpdate"))
        *kind = BINANCE_MARK;
    else if (IS(event, "kline"))
        *kind = BINANCE_KLINE;
    else if (IS(event, "24hrTicker") || IS(event, "24hrMiniTicker"))
        *kind = BINANCE_TICKER;
    else if (is_other(event))
        *kind = BINANCE_OTHER;
    else
        return err_say(why, ERR_UNSUPPORTED, "\"e\": unknown event \"%.*s\"",
                       event->size < 60 ? (int)event->size : 60, event->text);
    return ERR_OK;
}

/* "btcusdt@depth@100ms" are diffs, "btcusdt@depth20@100ms" is a partial book. */
enum binance_depth binance_depth_of(const struct json_value *stream)
{
    if (stream->kind != JSON_STRING)
        return DEPTH_DIFFS;
    const char *at = memchr(stream->text, '@', stream->size);
    if (at == NULL)
        return DEPTH_DIFFS;
    const char *end = stream->text + stream->size;
    at++;
    if ((size_t)(end - at) >= 5 && memcmp(at, "depth", 5) == 0)
        return at + 5 < end && at[5] >= '0' && at[5] <= '9' ? DEPTH_PARTIAL : DEPTH_DIFFS;
    return DEPTH_FOREIGN;
}

/* Contracts settled in coin are the ones quoted in USD with a delivery: BTCUSD_PERP, BTCUSD_250328. */
static enum binance_flavour futures_flavour(const struct json_value *symbol)
{
    for (size_t i = 0; symbol->kind == JSON_STRING && i + 4 <= symbol->size; i++)
        if (memcmp(symbol->text + i, "USD_", 4) == 0)
            return BINANCE_COINM;
    return BINANCE_USDM;
}

err_t binance_learn(struct binance *binance, enum binance_kind kind, struct err_text *why)
{
    if (LIKELY(binance->flavour != BINANCE_AUTO) && kind != BINANCE_DIFF)
        return ERR_OK;
    bool futures = false, spot = false;
    const struct json_value *symbol = &binance->values[F_SYMBOL];
    switch (kind) {
    case BINANCE_DIFF:
        futures = binance_has(binance, F_PREVIOUS_ID);
        spot = !futures;
        break;
    case BINANCE_BBO:
        futures = binance_has(binance, F_EVENT);
        spot = !futures;
        break;
    case BINANCE_AGGREGATE:
        spot = binance_has(binance, F_BEST_MATCH);
        futures = !spot;
        break;
    case BINANCE_TRADE:
        futures = binance_has(binance, F_TRADE_TYPE);
        spot = !futures && binance_has(binance, F_BEST_MATCH);
        break;
    case BINANCE_MARK:
        futures = true;
        break;
    case BINANCE_SNAPSHOT:
        futures = binance_has(binance, F_TIME);
        spot = !futures;
        symbol = &binance->values[F_SNAPSHOT_SYMBOL];
        break;
    default:
        break;
    }
    if (binance->flavour == BINANCE_AUTO) {
        if (futures)
            binance->flavour = futures_flavour(symbol);
        else if (spot)
            binance->flavour = BINANCE_SPOT;
    }
    if (UNLIKELY(kind == BINANCE_DIFF && futures != (binance->flavour != BINANCE_SPOT)))
        return err_say(
            why, ERR_UNSUPPORTED, "a %s book diff (%s \"pu\") among frames of %s: one machine reads one market",
            futures ? "futures" : "spot", futures ? "with" : "without", binance_flavour_venue(binance->flavour));
    return ERR_OK;
}

static enum sync_rule rule_of(const struct binance *binance)
{
    return binance->flavour == BINANCE_SPOT ? SYNC_SPOT : SYNC_FUTURES;
}

/* --- books --- */

/* The transaction time, else the time of sending, else none. */
static err_t stamp_of(const struct binance *binance, ns_t *exch_ts, struct err_text *why)
{
    *exch_ts = 0;
    if (LIKELY(binance_has(binance, F_TIME)))
        return wire_time(&binance->values[F_TIME], "T", exch_ts, why);
    if (binance_has(binance, F_EVENT_TIME))
        return wire_time(&binance->values[F_EVENT_TIME], "E", exch_ts, why);
    return ERR_OK;
}

/* Bids and asks into the machine's scratch memory. */
static err_t both_sides(struct binance *binance, const struct market_symbol *symbol, enum binance_field bids,
                        const char *bids_name, enum binance_field asks, const char *asks_name,
                        struct sync_message *message, struct err_text *why)
{
    struct machine *machine = &binance->machine;
    err_t err = wire_levels(&binance->values[bids], machine_place(symbol, bids_name), symbol->price_decimals,
                            symbol->qty_decimals, machine->levels, machine->level_capacity, &message->bid_count, why);
    if (UNLIKELY(err != ERR_OK))
        return err;
    message->levels = machine->levels;
    return wire_levels(&binance->values[asks], machine_place(symbol, asks_name), symbol->price_decimals,
                       symbol->qty_decimals, machine->levels + message->bid_count,
                       machine->level_capacity - message->bid_count, &message->ask_count, why);
}

/* A snapshot's sides as the engine wants them, bids and asks still side by side. */
static err_t tidy_snapshot(struct machine *machine, const struct market_symbol *symbol, struct sync_message *message,
                           struct err_text *why)
{
    struct level *asks = machine->levels + message->bid_count;
    err_t err =
        wire_snapshot_side(machine->levels, &message->bid_count, SIDE_BUY, machine_place(symbol, "bids"), why);
    if (err == ERR_OK)
        err = wire_snapshot_side(asks, &message->ask_count, SIDE_SELL, machine_place(symbol, "asks"), why);
    if (err == ERR_OK && message->ask_count > 0)
        memmove(machine->levels + message->bid_count, asks, message->ask_count * sizeof(*asks));
    return err;
}

/* Top levels only. A symbol that has a diff stream has a better book already: then it is counted, not emitted. */
static err_t emit_partial(struct binance *binance, struct market_symbol *symbol, const struct frame *frame,
                          const struct sync_message *message)
{
    (void)machine_stamp(symbol, STREAM_PARTIAL, message->exch_ts);
    if (symbol->stats->diffs_seen > 0 || symbol->sync.state != SYNC_WAITING) {
        symbol->stats->others++;
        return ERR_OK;
    }
    symbol->stats->snapshots++;
    symbol->has_book = true;
    const struct event event = {.ts = frame->ts,
                                .exch_ts = message->exch_ts,
                                .seq = message->last,
                                .seq_first = message->first,
                                .seq_prev = message->previous,
                                .levels = message->levels,
                                .bid_count = message->bid_count,
                                .ask_count = message->ask_count,
                                .instrument = symbol->number,
                                .kind = EVENT_BOOK_SNAPSHOT,
                                .flags = EVENT_PARTIAL};
    return machine_emit(&binance->machine, &event);
}

static err_t depth_update(struct binance *binance, const struct frame *frame, struct err_text *why)
{
    const struct json_value *values = binance->values;
    struct machine *machine = &binance->machine;
    enum binance_depth depth = binance_depth_of(&values[F_STREAM]);
    struct market_symbol *symbol;
    struct sync_message message = {0};
    err_t err = machine_symbol_of(machine, &values[F_SYMBOL], "s", &symbol, why);
    if (UNLIKELY(err != ERR_OK))
        return err;
    if (UNLIKELY(symbol->ignored || depth == DEPTH_FOREIGN)) {
        symbol->stats->others += !machine->checking;
        return ERR_OK;
    }
    if ((err = stamp_of(binance, &message.exch_ts, why)) != ERR_OK ||
        (err = wire_u64(&values[F_FIRST_ID], "U", &message.first, why)) != ERR_OK ||
        (err = wire_u64(&values[F_LAST_ID], "u", &message.last, why)) != ERR_OK)
        return err;
    if (binance_has(binance, F_PREVIOUS_ID) &&
        (err = wire_u64(&values[F_PREVIOUS_ID], "pu", &message.previous, why)) != ERR_OK)
        return err;
    if (UNLIKELY(message.first > message.last || message.previous > message.last))
        return err_say(why, ERR_RANGE, "%s: update ids fall: pu %llu, U %llu, u %llu", symbol->text,
                       (unsigned long long)message.previous, (unsigned long long)message.first,
                       (unsigned long long)message.last);
    err = both_sides(binance, symbol, F_BIDS, "b", F_ASKS, "a", &message, why);
    if (UNLIKELY(err != ERR_OK))
        return err;
    if (UNLIKELY(depth == DEPTH_PARTIAL) && (err = tidy_snapshot(machine, symbol, &message, why)) != ERR_OK)
        return err;
    if (UNLIKELY(machine->checking))
        return ERR_OK;
    if (UNLIKELY(depth == DEPTH_PARTIAL))
        return emit_partial(binance, symbol, frame, &message);
    (void)machine_stamp(symbol, STREAM_DIFF, message.exch_ts);
    return sync_book_diff(&symbol->sync, rule_of(binance), frame->ts, &message);
}

err_t binance_snapshot_symbol(const struct binance *binance, const struct frame *frame, char *text, size_t *size,
                              struct err_text *why)
{
    const struct json_value *own = &binance->values[F_SNAPSHOT_SYMBOL];
    const struct json_value *stream = &binance->values[F_STREAM];
    *size = 0;
    if (own->kind != JSON_ABSENT)
        return machine_symbol_text(own, "symbol", text, size, why);
    if (stream->kind == JSON_STRING) {
        const char *at = memchr(stream->text, '@', stream->size);
        size_t length = at == NULL ? 0 : (size_t)(at - stream->text);
        if (length == 0 || length >= SYMBOL_SIZE)
            return err_say(why, ERR_SYNTAX, "\"stream\": expected symbol@stream, found %.*s",
                           stream->size < 60 ? (int)stream->size : 60, stream->text);
        for (size_t i = 0; i < length; i++) {
            char c = stream->text[i];
            text[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        }
        *size = length;
        return ERR_OK;
    }
    if (frame->symbol != NULL && frame->symbol_size > 0) {
        if (frame->symbol_size >= SYMBOL_SIZE)
            return err_say(why, ERR_RANGE, "a symbol of %zu bytes; at most %d are taken", frame->symbol_size,
                           SYMBOL_SIZE - 1);
        memcpy(text, frame->symbol, frame->symbol_size);
        *size = frame->symbol_size;
    }
    return ERR_OK;
}

/* The symbol of a snapshot; one that says nothing is of the only symbol known. */
static err_t snapshot_symbol(struct binance *binance, const struct frame *frame, struct market_symbol **symbol,
                             struct err_text *why)
{
    struct machine *machine = &binance->machine;
    char text[SYMBOL_SIZE];
    size_t size;
    err_t err = binance_snapshot_symbol(binance, frame, text, &size, why);
    if (err != ERR_OK)
        return err;
    if (size > 0)
        return machine_symbol(machine, text, size, symbol, why);
    if (machine->symbol_count != 1)
        return err_say(why, ERR_UNSUPPORTED,
                       "a depth snapshot that names no symbol, and %u symbols are known: say which one it is of",
                       machine->symbol_count);
    *symbol = machine->symbols[0];
    return ERR_OK;
}

static err_t snapshot(struct binance *binance, const struct frame *frame, struct err_text *why)
{
    const struct json_value *values = binance->values;
    struct machine *machine = &binance->machine;
    struct market_symbol *symbol;
    struct sync_message message = {0};
    err_t err = snapshot_symbol(binance, frame, &symbol, why);
    if (err != ERR_OK)
        return err;
    if (symbol->ignored) {
        symbol->stats->others += !machine->checking;
        return ERR_OK;
    }
    if ((err = stamp_of(binance, &message.exch_ts, why)) != ERR_OK ||
        (err = wire_u64(&values[F_SNAPSHOT_ID], "lastUpdateId", &message.last, why)) != ERR_OK ||
        (err = both_sides(binance, symbol, F_SNAPSHOT_BIDS, "bids", F_SNAPSHOT_ASKS, "asks", &message, why)) !=
            ERR_OK ||
        (err = tidy_snapshot(machine, symbol, &message, why)) != ERR_OK)
        return err;
    if (machine->checking)
        return ERR_OK;
    if (values[F_STREAM].kind == JSON_STRING || frame->kind == FRAME_REST_PARTIAL)
        return emit_partial(binance, symbol, frame, &message);
    return sync_book_snapshot(&symbol->sync, rule_of(binance), frame->ts, &message);
}

/* --- frames --- */

static err_t message(struct binance *binance, const struct frame *frame, struct err_text *why)
{
    enum binance_kind kind;
    err_t err = binance_kind_of(binance, &kind, why);
    if (UNLIKELY(err != ERR_OK) || UNLIKELY((err = binance_learn(binance, kind, why)) != ERR_OK))
        return err;
    switch (kind) {
    case BINANCE_DIFF:
        return depth_update(binance, frame, why);
    case BINANCE_SNAPSHOT:
        return snapshot(binance, frame, why);
    case BINANCE_TRADE:
        return binance_trade(binance, frame, false, why);
    case BINANCE_AGGREGATE:
        return binance_trade(binance, frame, true, why);
    case BINANCE_BBO:
        return binance_bbo(binance, frame, why);
    case BINANCE_MARK:
        return binance_mark(binance, frame, why);
    case BINANCE_KLINE:
        return binance_kline(binance, frame, why);
    case BINANCE_TICKER:
        return binance_ticker(binance, frame, why);
    case BINANCE_OTHER:
        break;
    }
    binance->machine.rest.others += !binance->machine.checking;
    return ERR_OK;
}

/* "!ticker@arr" and the like: every element is a message. All are checked before the first one is emitted. */
static err_t messages(struct binance *binance, const struct frame *frame, const char *text, size_t size,
                      struct err_text *why)
{
    struct machine *machine = &binance->machine;
    size_t count;
    err_t err = machine_items(machine, text, size, &count, why);
    for (int pass = 0; pass < 2 && err == ERR_OK; pass++) {
        machine->checking = pass == 0;
        for (size_t i = 0; i < count && err == ERR_OK; i++) {
            const struct json_value *item = &machine->items[i];
            err = json_members(machine->json, item->text, item->size, &binance->shape, binance->values, why);
            if (err == ERR_OK)
                err = message(binance, frame, why);
        }
    }
    machine->checking = false;
    return err;
}

static err_t market_frame(struct market *market, const struct frame *frame, struct err_text *why)
{
    struct binance *binance = (struct binance *)market;
    err_t err = machine_begin(&binance->machine, frame, why);
    if (UNLIKELY(err != ERR_OK))
        return err;
    if (UNLIKELY(json_peek(frame->text, frame->size) == JSON_ARRAY))
        return messages(binance, frame, frame->text, frame->size, why);
    err = json_members(binance->machine.json, frame->text, frame->size, &binance->shape, binance->values, why);
    if (UNLIKELY(err != ERR_OK))
        return err;
    const struct json_value *data = &binance->values[F_DATA];
    if (UNLIKELY(data->kind != JSON_ABSENT && data->kind != JSON_OBJECT)) {
        if (data->kind != JSON_ARRAY)
            return err_say(why, ERR_SYNTAX, "\"data\": expected an object or an array, found another type");
        return messages(binance, frame, data->text, data->size, why);
    }
    return message(binance, frame, why);
}

static err_t market_disconnected(struct market *market, ns_t ts)
{
    return machine_lost(&((struct binance *)market)->machine, ts, "the connection was lost");
}

static const struct market_stats *market_stats(const struct market *market, uint16_t number)
{
    return machine_stats(&((const struct binance *)market)->machine, number);
}

static void market_close(struct market *market)
{
    struct binance *binance = (struct binance *)market;
    if (binance == NULL)
        return;
    machine_deinit(&binance->machine);
    free(binance);
}

static const struct market_ops ops[] = {
    {"binance", market_frame, binance_scan, market_disconnected, market_stats, market_close},
    {"binance-spot", market_frame, binance_scan, market_disconnected, market_stats, market_close},
    {"binance-usdm", market_frame, binance_scan, market_disconnected, market_stats, market_close},
    {"binance-coinm", market_frame, binance_scan, market_disconnected, market_stats, market_close},
};

err_t binance_market_open(enum binance_flavour flavour, const struct market_sink *sink, struct market **market)
{
    static const char *const names[] = {
#define BINANCE_FIELD_NAME(name, text) text,
        BINANCE_FIELD_MAP(BINANCE_FIELD_NAME)
#undef BINANCE_FIELD_NAME
    };
    static const char *const kline_names[K_COUNT] = {"t", "T", "o", "c", "h", "l", "v", "q", "x"};
    struct binance *binance = calloc(1, sizeof(*binance));
    if (binance == NULL)
        return ERR_NOMEM;
    binance->opened = binance->flavour = flavour;
    json_shape_init(&binance->shape, names, ARRAY_LEN(names), "data");
    json_shape_init(&binance->kline_shape, kline_names, ARRAY_LEN(kline_names), NULL);
    err_t err = machine_init(&binance->machine, &ops[flavour], sink);
    if (err != ERR_OK) {
        market_close(&binance->machine.market);
        return err;
    }
    *market = &binance->machine.market;
    return ERR_OK;
}

enum binance_flavour binance_market_flavour(const struct market *market)
{
    return ((const struct binance *)market)->flavour;
}
