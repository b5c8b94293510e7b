#include "adapters/upbit/market.h"

#include "adapters/upbit/frame.h"

#include <stdlib.h>
#include <string.h>

#define IS(value, word) json_is(value, word, sizeof(word) - 1)

const char *upbit_field_name(enum upbit_field field)
{
    static const char *const names[] = {
#define UPBIT_FIELD_NAME(name, text, brief) text,
        UPBIT_FIELD_MAP(UPBIT_FIELD_NAME)
#undef UPBIT_FIELD_NAME
    };
    return names[field];
}

/* --- what is it --- */

/* REST bodies name no type, answers and errors neither. */
static err_t nameless_kind(const struct upbit *upbit, enum upbit_kind *kind, struct err_text *why)
{
    const struct json_value *error = upbit_field(upbit, F_ERROR);
    if (error->kind != JSON_ABSENT)
        return err_say(why, ERR_UNSUPPORTED, "the venue answered with an error: %.*s",
                       error->size < 300 ? (int)error->size : 300, error->text);
    if (upbit_has(upbit, F_UNITS))
        *kind = UPBIT_BOOK;
    else if (upbit_has(upbit, F_TRADE_ID))
        *kind = UPBIT_TRADE;
    else if (upbit_has(upbit, F_CANDLE_TIME))
        *kind = UPBIT_CANDLE;
    else if (upbit_has(upbit, F_VOLUME_24H))
        *kind = UPBIT_TICKER;
    else if (upbit_has(upbit, F_STATUS) || upbit_has(upbit, F_METHOD))
        *kind = UPBIT_OTHER;
    else
        return err_say(why, ERR_UNSUPPORTED,
                       "no message of Upbit market data: neither \"type\" nor a body that is known without one");
    return ERR_OK;
}

err_t upbit_kind_of(const struct upbit *upbit, enum upbit_kind *kind, struct err_text *why)
{
    const struct json_value *type = upbit_field(upbit, F_TYPE);
    if (type->kind == JSON_ABSENT)
        return nameless_kind(upbit, kind, why);
    if (type->kind != JSON_STRING)
        return err_say(why, ERR_SYNTAX, "\"type\": expected a name, found another type");
    if (IS(type, "orderbook"))
        *kind = UPBIT_BOOK;
    else if (IS(type, "trade"))
        *kind = UPBIT_TRADE;
    else if (IS(type, "ticker"))
        *kind = UPBIT_TICKER;
    else if (type->size > 7 && memcmp(type->text, "candle.", 7) == 0)
        *kind = UPBIT_CANDLE;
    else
        return err_say(why, ERR_UNSUPPORTED, "\"type\": \"%.*s\" is no kind of market data",
                       type->size < 60 ? (int)type->size : 60, type->text);
    return ERR_OK;
}

const struct json_value *upbit_code(const struct upbit *upbit)
{
    const struct json_value *code = upbit_field(upbit, F_CODE);
    return code->kind != JSON_ABSENT ? code : upbit_field(upbit, F_MARKET);
}

/* --- books --- */

struct book_rows {
    const struct market_symbol *symbol;
    struct level *bids;
    struct level *asks;
    size_t capacity; /* of each */
    uint32_t bid_count;
    uint32_t ask_count;
};

static err_t take_level(const struct book_rows *rows, const struct json_value *values, unsigned price_field,
                        const char *price_name, unsigned qty_field, const char *qty_name, struct level *level,
                        struct err_text *why)
{
    err_t err = wire_decimal(upbit_value(values, price_field), machine_place(rows->symbol, price_name),
                             rows->symbol->price_decimals, ROUND_EXACT, WIRE_NOT_NEGATIVE, &level->price, why);
    if (err == ERR_OK)
        err = wire_decimal(upbit_value(values, qty_field), machine_place(rows->symbol, qty_name),
                           rows->symbol->qty_decimals, ROUND_EXACT, WIRE_NOT_NEGATIVE, &level->qty, why);
    if (err == ERR_OK && level->price == 0 && level->qty != 0)
        return err_say(why, ERR_RANGE, "%s \"%s\": a level at price zero", rows->symbol->text, price_name);
    return err;
}

static err_t take_unit(void *context, const struct json_value *values, struct err_text *why)
{
    struct book_rows *rows = context;
    struct level bid, ask;
    if (rows->bid_count == rows->capacity || rows->ask_count == rows->capacity)
        return err_say(why, ERR_RANGE, "\"orderbook_units\": too many levels");
    err_t err = take_level(rows, values, U_BID_PRICE, "bid_price", U_BID_SIZE, "bid_size", &bid, why);
    if (err == ERR_OK)
        err = take_level(rows, values, U_ASK_PRICE, "ask_price", U_ASK_SIZE, "ask_size", &ask, why);
    if (err != ERR_OK)
        return err;
    /* A side with fewer levels than the other is filled up with zeros: wire_snapshot_side takes them out. */
    rows->bids[rows->bid_count++] = bid;
    rows->asks[rows->ask_count++] = ask;
    return ERR_OK;
}

/* Prices of a grouped book are rounded by the venue: they are no prices that anyone can trade at. */
static err_t check_level(const struct upbit *upbit, struct err_text *why)
{
    const struct json_value *level = upbit_field(upbit, F_LEVEL);
    int64_t grouping = 0;
    if (level->kind == JSON_ABSENT || level->kind == JSON_NULL)
        return ERR_OK;
    err_t err = wire_decimal(level, (struct wire_place){"", "level"}, 8, ROUND_UP, WIRE_ANY, &grouping, why);
    if (err == ERR_OK && grouping != 0)
        return err_say(why, ERR_UNSUPPORTED, "\"level\": a book grouped by %.*s; subscribe with level 0",
                       (int)(level->size < 40 ? level->size : 40), level->text);
    return err;
}

static err_t book(struct upbit *upbit, struct market_symbol *symbol, const struct frame *frame, struct err_text *why)
{
    struct machine *machine = &upbit->machine;
    const struct json_value *units = upbit_field(upbit, F_UNITS);
    struct book_rows rows = {.symbol = symbol,
                             .bids = machine->levels,
                             .asks = machine->levels + machine->level_capacity / 2,
                             .capacity = machine->level_capacity / 2};
    ns_t exch_ts;
    err_t err = wire_time(upbit_field(upbit, F_TIME), "timestamp", &exch_ts, why);
    if (err != ERR_OK || (err = check_level(upbit, why)) != ERR_OK)
        return err;
    if (units->kind != JSON_ARRAY)
        return err_say(why, ERR_SYNTAX, "\"orderbook_units\": expected an array");
    if ((err = json_rows(machine->json, units->text, units->size, &upbit->unit_shape, upbit->unit, take_unit, &rows,
                         why)) != ERR_OK ||
        (err = wire_snapshot_side(rows.bids, &rows.bid_count, SIDE_BUY, machine_place(symbol, "bid_price"), why)) !=
            ERR_OK ||
        (err = wire_snapshot_side(rows.asks, &rows.ask_count, SIDE_SELL, machine_place(symbol, "ask_price"), why)) !=
            ERR_OK)
        return err;
    if (machine->checking)
        return ERR_OK;
    symbol->stats->diffs_seen++;
    if (machine_stamp(symbol, STREAM_DIFF, exch_ts)) {
        symbol->stats->diffs_old++;
        return ERR_OK;
    }
    symbol->stats->diffs_applied++;
    symbol->stats->snapshots++;
    symbol->has_book = true;
    memmove(rows.bids + rows.bid_count, rows.asks, rows.ask_count * sizeof(*rows.asks));
    const struct event event = {.ts = frame->ts,
                                .exch_ts = exch_ts,
                                .levels = rows.bids,
                                .bid_count = rows.bid_count,
                                .ask_count = rows.ask_count,
                                .instrument = symbol->number,
                                .kind = EVENT_BOOK_SNAPSHOT,
                                .flags = EVENT_PARTIAL};
    return machine_emit(machine, &event);
}

/* --- trades --- */

static err_t side_of(const struct upbit *upbit, uint8_t *flags, struct err_text *why)
{
    const struct json_value *side = upbit_field(upbit, F_ASK_BID);
    if (side->kind == JSON_ABSENT || side->kind == JSON_NULL)
        *flags = EVENT_NO_SIDE;
    else if (IS(side, "ASK"))
        *flags = EVENT_SELL; /* the taker asked: it sold */
    else if (IS(side, "BID"))
        *flags = 0;
    else
        return err_say(why, ERR_SYNTAX, "\"ask_bid\": expected \"ASK\" or \"BID\", found %.*s",
                       (int)(side->size < 40 ? side->size : 40), side->text);
    return ERR_OK;
}

static err_t trade(struct upbit *upbit, struct market_symbol *symbol, const struct frame *frame, struct err_text *why)
{
    struct machine *machine = &upbit->machine;
    enum upbit_field time = upbit_has(upbit, F_TRADE_TIME) ? F_TRADE_TIME : F_TIME;
    struct level level;
    uint64_t id;
    ns_t exch_ts;
    uint8_t flags = 0;
    err_t err;
    if ((err = wire_time(upbit_field(upbit, time), upbit_field_name(time), &exch_ts, why)) != ERR_OK ||
        (err = wire_u64(upbit_field(upbit, F_TRADE_ID), "sequential_id", &id, why)) != ERR_OK ||
        (err = wire_decimal(upbit_field(upbit, F_PRICE), machine_place(symbol, "trade_price"), symbol->price_decimals,
                            ROUND_EXACT, WIRE_POSITIVE, &level.price, why)) != ERR_OK ||
        (err = wire_decimal(upbit_field(upbit, F_QTY), machine_place(symbol, "trade_volume"), symbol->qty_decimals,
                            ROUND_EXACT, WIRE_POSITIVE, &level.qty, why)) != ERR_OK ||
        (err = side_of(upbit, &flags, why)) != ERR_OK)
        return err;
    if (machine->checking)
        return ERR_OK;
    if (!recent_ids_add(&symbol->trades, id)) {
        symbol->stats->duplicates++;
        return ERR_OK;
    }
    /* What opens a subscription is the last trade before it: it did not happen now. */
    if (IS(upbit_field(upbit, F_STREAM_TYPE), "SNAPSHOT")) {
        symbol->stats->others++;
        return ERR_OK;
    }
    (void)machine_stamp(symbol, STREAM_TRADE, exch_ts);
    symbol->stats->trades++;
    const struct event event = {.ts = frame->ts,
                                .exch_ts = exch_ts,
                                .seq = id,
                                .levels = &level,
                                .bid_count = 1,
                                .instrument = symbol->number,
                                .kind = EVENT_TRADE,
                                .flags = flags};
    return machine_emit(machine, &event);
}

/* --- tickers and candles --- */

static err_t exact_price(const struct upbit *upbit, const struct market_symbol *symbol, enum upbit_field field,
                         px_t *price, struct err_text *why)
{
    return wire_decimal(upbit_field(upbit, field), machine_place(symbol, upbit_field_name(field)),
                        symbol->price_decimals, ROUND_EXACT, WIRE_NOT_NEGATIVE, price, why);
}

static err_t rounded_qty(const struct upbit *upbit, const struct market_symbol *symbol, enum upbit_field field,
                         qty_t *qty, struct err_text *why)
{
    return wire_decimal(upbit_field(upbit, field), machine_place(symbol, upbit_field_name(field)),
                        symbol->qty_decimals, ROUND_HALF_EVEN, WIRE_NOT_NEGATIVE, qty, why);
}

static err_t emit_body(const struct upbit *upbit, const struct market_symbol *symbol, const struct frame *frame,
                       ns_t exch_ts, uint8_t kind, const void *body)
{
    symbol->stats->others++;
    const struct event event = {
        .ts = frame->ts, .exch_ts = exch_ts, .body = body, .instrument = symbol->number, .kind = kind};
    return machine_emit(&upbit->machine, &event);
}

static err_t ticker(struct upbit *upbit, struct market_symbol *symbol, const struct frame *frame,
                    struct err_text *why)
{
    struct event_ticker body;
    ns_t exch_ts;
    err_t err;
    memset(&body, 0, sizeof(body));
    if ((err = wire_time(upbit_field(upbit, F_TIME), "timestamp", &exch_ts, why)) != ERR_OK ||
        (err = exact_price(upbit, symbol, F_PRICE, &body.last_price, why)) != ERR_OK ||
        (err = exact_price(upbit, symbol, F_OPEN, &body.open_24h, why)) != ERR_OK ||
        (err = exact_price(upbit, symbol, F_HIGH, &body.high_24h, why)) != ERR_OK ||
        (err = exact_price(upbit, symbol, F_LOW, &body.low_24h, why)) != ERR_OK ||
        (err = rounded_qty(upbit, symbol, F_QTY, &body.last_qty, why)) != ERR_OK ||
        (err = rounded_qty(upbit, symbol, F_VOLUME_24H, &body.volume_24h, why)) != ERR_OK)
        return err;
    if (upbit->machine.checking)
        return ERR_OK;
    (void)machine_stamp(symbol, STREAM_TICKER, exch_ts);
    return emit_body(upbit, symbol, frame, exch_ts, EVENT_TICKER, &body);
}

/* "candle.1s", "candle.240m"; REST minute candles say the minutes in "unit". */
static err_t interval_of(const struct upbit *upbit, ns_t *interval, struct err_text *why)
{
    const struct json_value *type = upbit_field(upbit, F_TYPE);
    if (type->kind == JSON_ABSENT) {
        uint64_t minutes;
        err_t err = wire_u64(upbit_field(upbit, F_UNIT), "unit", &minutes, why);
        if (err == ERR_OK && (minutes == 0 || minutes > 1440))
            return err_say(why, ERR_RANGE, "\"unit\": a candle of %llu minutes", (unsigned long long)minutes);
        if (err == ERR_OK)
            *interval = (ns_t)minutes * 60 * NS_PER_S;
        return err;
    }
    ns_t count = 0;
    uint32_t at = 7;
    for (; at < type->size && at < 11 && type->text[at] >= '0' && type->text[at] <= '9'; at++)
        count = count * 10 + (type->text[at] - '0');
    if (count == 0 || at + 1 != type->size || (type->text[at] != 's' && type->text[at] != 'm'))
        return err_say(why, ERR_UNSUPPORTED, "\"type\": \"%.*s\" is no candle that is known",
                       (int)(type->size < 40 ? type->size : 40), type->text);
    *interval = count * (type->text[at] == 's' ? 1 : 60) * NS_PER_S;
    return ERR_OK;
}

static err_t candle(struct upbit *upbit, struct market_symbol *symbol, const struct frame *frame,
                    struct err_text *why)
{
    struct event_candle body;
    ns_t exch_ts;
    err_t err;
    memset(&body, 0, sizeof(body));
    if ((err = wire_time(upbit_field(upbit, F_TIME), "timestamp", &exch_ts, why)) != ERR_OK ||
        (err = interval_of(upbit, &body.interval, why)) != ERR_OK ||
        (err = wire_iso_utc(upbit_field(upbit, F_CANDLE_TIME), "candle_date_time_utc", &body.open_ts, why)) !=
            ERR_OK ||
        (err = exact_price(upbit, symbol, F_OPEN, &body.open, why)) != ERR_OK ||
        (err = exact_price(upbit, symbol, F_HIGH, &body.high, why)) != ERR_OK ||
        (err = exact_price(upbit, symbol, F_LOW, &body.low, why)) != ERR_OK ||
        (err = exact_price(upbit, symbol, F_PRICE, &body.close, why)) != ERR_OK ||
        (err = rounded_qty(upbit, symbol, F_CANDLE_VOLUME, &body.volume, why)) != ERR_OK)
        return err;
    const struct json_value *value = upbit_field(upbit, F_CANDLE_VALUE);
    if ((value->kind != JSON_NUMBER && value->kind != JSON_STRING) ||
        decimal_parse_money(value->text, value->size, (unsigned)symbol->price_decimals + symbol->qty_decimals,
                            ROUND_HALF_EVEN, &body.quote_volume) != ERR_OK ||
        body.quote_volume < 0)
        return err_say(why, ERR_SYNTAX, "\"candle_acc_trade_price\": expected an amount of money");
    if (upbit->machine.checking)
        return ERR_OK;
    (void)machine_stamp(symbol, STREAM_CANDLE, exch_ts);
    return emit_body(upbit, symbol, frame, exch_ts, EVENT_CANDLE, &body);
}

/* --- frames --- */

static err_t message(struct upbit *upbit, const struct frame *frame, void *context, struct err_text *why)
{
    (void)context;
    struct machine *machine = &upbit->machine;
    struct market_symbol *symbol;
    enum upbit_kind kind;
    err_t err = upbit_kind_of(upbit, &kind, why);
    if (err != ERR_OK)
        return err;
    if (kind == UPBIT_OTHER) {
        machine->rest.others += !machine->checking;
        return ERR_OK;
    }
    err = machine_symbol_of(machine, upbit_code(upbit), "code", &symbol, why);
    if (err != ERR_OK)
        return err;
    if (symbol->ignored) {
        symbol->stats->others += !machine->checking;
        return ERR_OK;
    }
    switch (kind) {
    case UPBIT_BOOK:
        return book(upbit, symbol, frame, why);
    case UPBIT_TRADE:
        return trade(upbit, symbol, frame, why);
    case UPBIT_TICKER:
        return ticker(upbit, symbol, frame, why);
    case UPBIT_CANDLE:
        return candle(upbit, symbol, frame, why);
    case UPBIT_OTHER:
        break;
    }
    return ERR_OK;
}

static err_t parse(struct upbit *upbit, const char *text, size_t size, struct err_text *why)
{
    return json_members(upbit->machine.json, text, size, &upbit->shape, upbit->values, why);
}

err_t upbit_messages(struct upbit *upbit, const struct frame *frame, upbit_message_fn each, void *context,
                     unsigned passes, struct err_text *why)
{
    struct machine *machine = &upbit->machine;
    err_t err = machine_begin(machine, frame, why);
    if (err != ERR_OK)
        return err;
    if (json_peek(frame->text, frame->size) != JSON_ARRAY) {
        err = parse(upbit, frame->text, frame->size, why);
        return err != ERR_OK ? err : each(upbit, frame, context, why);
    }
    size_t count;
    err = machine_items(machine, frame->text, frame->size, &count, why);
    if (err != ERR_OK || count == 0)
        return err;
    err = parse(upbit, machine->items[0].text, machine->items[0].size, why);
    bool newest_first = err == ERR_OK && !upbit_has(upbit, F_TYPE) &&
                        (upbit_has(upbit, F_TRADE_ID) || upbit_has(upbit, F_CANDLE_TIME));
    for (unsigned pass = 0; pass < passes && err == ERR_OK; pass++) {
        machine->checking = pass + 1 < passes;
        for (size_t i = 0; i < count && err == ERR_OK; i++) {
            const struct json_value *item = &machine->items[newest_first ? count - 1 - i : i];
            err = parse(upbit, item->text, item->size, why);
            if (err == ERR_OK)
                err = each(upbit, frame, context, why);
        }
    }
    machine->checking = false;
    return err;
}

static err_t market_frame(struct market *market, const struct frame *frame, struct err_text *why)
{
    return upbit_messages((struct upbit *)market, frame, message, NULL, 2, why);
}

static err_t market_disconnected(struct market *market, ns_t ts)
{
    return machine_lost(&((struct upbit *)market)->machine, ts, "the connection was lost");
}

static const struct market_stats *market_stats(const struct market *market, uint16_t number)
{
    return machine_stats(&((const struct upbit *)market)->machine, number);
}

static void market_close(struct market *market)
{
    struct upbit *upbit = (struct upbit *)market;
    if (upbit == NULL)
        return;
    machine_deinit(&upbit->machine);
    free(upbit);
}

static const struct market_ops ops = {"upbit",      market_frame, upbit_scan, market_disconnected,
                                      market_stats, market_close};

err_t upbit_market_open(const struct market_sink *sink, struct market **market)
{
    static const char *const names[] = {
#define UPBIT_FIELD_NAMES(name, text, brief) text, brief,
        UPBIT_FIELD_MAP(UPBIT_FIELD_NAMES)
#undef UPBIT_FIELD_NAMES
    };
    static const char *const unit_names[] = {"ask_price", "ap", "bid_price", "bp",
                                             "ask_size",  "as", "bid_size",  "bs"};
    struct upbit *upbit = calloc(1, sizeof(*upbit));
    if (upbit == NULL)
        return ERR_NOMEM;
    json_shape_init(&upbit->shape, names, ARRAY_LEN(names), NULL);
    json_shape_init(&upbit->unit_shape, unit_names, ARRAY_LEN(unit_names), NULL);
    err_t err = machine_init(&upbit->machine, &ops, sink);
    if (err != ERR_OK) {
        market_close(&upbit->machine.market);
        return err;
    }
    *market = &upbit->machine.market;
    return ERR_OK;
}
