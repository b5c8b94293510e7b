/* wire_upbit_calls.c: what each call of Upbit's public REST answers. */
#include "sim/wire/wire_upbit_call.h"

#include "core/decimal.h"
#include "core/time_text.h"

#define DAY_NS (86400 * NS_PER_S)

static struct wire_symbol *symbol_of(struct wire *wire, const char *name, size_t size)
{
    const uint16_t number = wire_find_symbol(wire, name, size);
    if (number == INSTRUMENT_NONE || memcmp(wire->symbols[number].instrument.symbol, name, size) != 0)
        return NULL;
    return &wire->symbols[number];
}

/* The markets of "markets=A,B". False: one is not listed, or there are none; answered. */
static bool take_markets(const struct upbit_call *call, uint16_t *markets, uint32_t *count)
{
    char list[8192];
    *count = 0;
    if (!wire_query(call->request->query, "markets", list, sizeof(list)) || list[0] == '\0') {
        upbit_fail(call, 400, "Missing request parameter error. Check the required parameter!");
        return false;
    }
    for (const char *at = list; *at != '\0' && *count < INSTRUMENTS_MAX;) {
        const size_t size = strcspn(at, ",");
        const struct wire_symbol *symbol = symbol_of(call->wire, at, size);
        if (symbol == NULL) {
            upbit_fail(call, 404, "Code not found");
            return false;
        }
        markets[(*count)++] = symbol->number;
        at += size;
        at += *at == ',';
    }
    return true;
}

static struct wire_symbol *take_market(const struct upbit_call *call)
{
    char name[SYMBOL_SIZE];
    if (!wire_query(call->request->query, "market", name, sizeof(name)) || name[0] == '\0') {
        upbit_fail(call, 400, "Missing request parameter error. Check the required parameter!");
        return NULL;
    }
    struct wire_symbol *symbol = symbol_of(call->wire, name, strlen(name));
    if (symbol == NULL)
        upbit_fail(call, 404, "Code not found");
    return symbol;
}

static bool take_count(const struct upbit_call *call, uint64_t otherwise, uint64_t most, uint64_t *count)
{
    bool given;
    if (!wire_query_u64(call->request->query, "count", count, &given)) {
        upbit_fail(call, 400, "Type mismatch error. Check the parameters type!");
        return false;
    }
    if (!given || *count == 0)
        *count = otherwise;
    if (*count > most)
        *count = most;
    return true;
}

/* `put` of each market of the list, as an array. */
static void put_each(const struct upbit_call *call, const uint16_t *markets, uint32_t count,
                     bool (*put)(const struct upbit_call *call, const struct wire_symbol *symbol))
{
    struct wire_text *text = &call->wire->answer;
    bool any = false;
    wire_put_char(text, '[');
    for (uint32_t i = 0; i < count; i++) {
        const size_t size = text->size;
        if (any)
            wire_put_char(text, ',');
        if (put(call, &call->wire->symbols[markets[i]]))
            any = true;
        else
            text->size = size;
    }
    wire_put_char(text, ']');
    upbit_finish(call, 200);
}

static bool put_market(const struct upbit_call *call, const struct wire_symbol *symbol)
{
    struct upbit_writer writer;
    char details[8];
    upbit_open(&writer, &call->wire->answer, false);
    upbit_text(&writer, "market", "", symbol->instrument.symbol);
    upbit_text(&writer, "korean_name", "", symbol->instrument.base);
    upbit_text(&writer, "english_name", "", symbol->instrument.base);
    if (wire_query(call->request->query, "is_details", details, sizeof(details)) && strcmp(details, "true") == 0) {
        upbit_name(&writer, "market_event", "");
        wire_put(&call->wire->answer,
                 "{\"warning\":false,\"caution\":{\"PRICE_FLUCTUATIONS\":false,\"TRADING_VOLUME_SOARING\":false,"
                 "\"DEPOSIT_AMOUNT_SOARING\":false,\"GLOBAL_PRICE_DIFFERENCES\":false,"
                 "\"CONCENTRATION_OF_SMALL_ACCOUNTS\":false}}");
    }
    upbit_close(&writer);
    return true;
}

static uint32_t all_markets(const struct wire *wire, uint16_t *markets)
{
    for (uint16_t i = 0; i < wire->config.instrument_count; i++)
        markets[i] = i;
    return wire->config.instrument_count;
}

static void call_markets(struct upbit_call *call)
{
    uint16_t markets[INSTRUMENTS_MAX];
    put_each(call, markets, all_markets(call->wire, markets), put_market);
}

static void put_rate(struct upbit_writer *writer, const char *name, px_t change, px_t previous)
{
    upbit_name(writer, name, "");
    wire_put_money(writer->text, money_divide((money_t)change * 10000000000, (money_t)previous, ROUND_HALF_AWAY), 10,
                   1);
}

static bool put_ticker(const struct upbit_call *call, const struct wire_symbol *symbol)
{
    struct wire *wire = call->wire;
    struct upbit_writer writer;
    struct upbit_day day;
    if (symbol->prints.count == 0 || !upbit_day_of(wire, symbol, &day))
        return false;
    const struct wire_trade *trade = wire_trade_at(&symbol->prints, symbol->prints.count - 1);
    const px_t size = day.change < 0 ? -day.change : day.change;
    upbit_open(&writer, &wire->answer, false);
    upbit_text(&writer, "market", "", symbol->instrument.symbol);
    upbit_time(&writer, "trade_date", "", trade->stamp, UPBIT_DATE_PLAIN, 0);
    upbit_time(&writer, "trade_time", "", trade->stamp, UPBIT_CLOCK_PLAIN, 0);
    upbit_time(&writer, "trade_date_kst", "", trade->stamp, UPBIT_DATE_PLAIN, 9);
    upbit_time(&writer, "trade_time_kst", "", trade->stamp, UPBIT_CLOCK_PLAIN, 9);
    upbit_u64(&writer, "trade_timestamp", "", wire_stamp_ms(wire, trade->stamp));
    upbit_price(&writer, "opening_price", "", symbol, day.today.open);
    upbit_price(&writer, "high_price", "", symbol, day.today.high);
    upbit_price(&writer, "low_price", "", symbol, day.today.low);
    upbit_price(&writer, "trade_price", "", symbol, trade->price);
    upbit_price(&writer, "prev_closing_price", "", symbol, day.previous);
    upbit_text(&writer, "change", "", upbit_change_name(day.change));
    upbit_price(&writer, "change_price", "", symbol, size);
    put_rate(&writer, "change_rate", size, day.previous);
    upbit_price(&writer, "signed_change_price", "", symbol, day.change);
    put_rate(&writer, "signed_change_rate", day.change, day.previous);
    upbit_qty(&writer, "trade_volume", "", symbol, trade->qty);
    upbit_value(&writer, "acc_trade_price", "", symbol, day.today.value);
    upbit_value(&writer, "acc_trade_price_24h", "", symbol, day.last.value);
    upbit_qty(&writer, "acc_trade_volume", "", symbol, day.today.volume);
    upbit_qty(&writer, "acc_trade_volume_24h", "", symbol, day.last.volume);
    upbit_price(&writer, "highest_52_week_price", "", symbol, day.last.high);
    upbit_time(&writer, "highest_52_week_date", "", trade->stamp, UPBIT_DATE, 0);
    upbit_price(&writer, "lowest_52_week_price", "", symbol, day.last.low);
    upbit_time(&writer, "lowest_52_week_date", "", trade->stamp, UPBIT_DATE, 0);
    upbit_u64(&writer, "timestamp", "", wire_stamp_ms(wire, trade->stamp));
    upbit_close(&writer);
    return true;
}

static void call_ticker(struct upbit_call *call)
{
    uint16_t markets[INSTRUMENTS_MAX];
    uint32_t count;
    if (take_markets(call, markets, &count))
        put_each(call, markets, count, put_ticker);
}

static void call_ticker_all(struct upbit_call *call)
{
    char quotes[256];
    uint16_t markets[INSTRUMENTS_MAX];
    uint32_t count = 0;
    if (!wire_query(call->request->query, "quote_currencies", quotes, sizeof(quotes))) {
        upbit_fail(call, 400, "Missing request parameter error. Check the required parameter!");
        return;
    }
    for (const char *at = quotes; *at != '\0';) {
        const size_t size = strcspn(at, ",");
        for (uint16_t i = 0; i < call->wire->config.instrument_count; i++) {
            const char *quote = call->wire->symbols[i].instrument.quote;
            if (strlen(quote) == size && memcmp(quote, at, size) == 0 && count < INSTRUMENTS_MAX)
                markets[count++] = i;
        }
        at += size;
        at += *at == ',';
    }
    put_each(call, markets, count, put_ticker);
}

static bool put_book(const struct upbit_call *call, const struct wire_symbol *symbol)
{
    struct wire *wire = call->wire;
    char text[32];
    uint64_t count;
    bool given;
    px_t grouping = 0;
    if (wire_query(call->request->query, "level", text, sizeof(text)) &&
        decimal_parse(text, strlen(text), symbol->instrument.price_decimals, ROUND_EXACT, &grouping) != ERR_OK)
        grouping = -1;
    if (!symbol->has_book || !upbit_grouping_is_known(wire, symbol, grouping))
        return false;
    if (!wire_query_u64(call->request->query, "count", &count, &given) || !given || count < 1 || count > UPBIT_UNITS)
        count = UPBIT_UNITS;
    const bool stale = symbol->has_old && WIRE_FAULT_HITS(wire, stale_snapshot, 0, wire->request_serial);
    wire->stats.faults += stale;
    struct upbit_units units;
    struct upbit_writer writer;
    upbit_units_of(stale ? &symbol->old : &symbol->book, (uint32_t)count, grouping, &units);
    upbit_open(&writer, &wire->answer, false);
    upbit_text(&writer, "market", "", symbol->instrument.symbol);
    upbit_u64(&writer, "timestamp", "", wire_stamp_ms(wire, stale ? symbol->old_stamp : symbol->book_stamp));
    upbit_qty(&writer, "total_ask_size", "", symbol, units.ask_total);
    upbit_qty(&writer, "total_bid_size", "", symbol, units.bid_total);
    upbit_name(&writer, "orderbook_units", "");
    upbit_put_units(&wire->answer, symbol, &units, false);
    upbit_name(&writer, "level", "");
    upbit_number(&wire->answer, grouping, symbol->instrument.price_decimals, 0);
    upbit_close(&writer);
    return true;
}

static void call_book(struct upbit_call *call)
{
    uint16_t markets[INSTRUMENTS_MAX];
    uint32_t count;
    if (take_markets(call, markets, &count))
        put_each(call, markets, count, put_book);
}

static bool put_instrument(const struct upbit_call *call, const struct wire_symbol *symbol)
{
    struct wire *wire = call->wire;
    const struct instrument *instrument = &symbol->instrument;
    struct upbit_writer writer;
    px_t step = upbit_tick_of(wire, symbol);
    upbit_open(&writer, &wire->answer, false);
    upbit_text(&writer, "market", "", instrument->symbol);
    upbit_text(&writer, "quote_currency", "", instrument->quote);
    upbit_name(&writer, "tick_size", "");
    wire_put_char(&wire->answer, '"');
    wire_put_decimal(&wire->answer, step, instrument->price_decimals, 0);
    wire_put_char(&wire->answer, '"');
    upbit_name(&writer, "supported_levels", "");
    wire_put(&wire->answer, "[\"0\"");
    for (int i = 0; i < 5 && strcmp(instrument->quote, "KRW") == 0 && step <= INT64_MAX / 10; i++) {
        step *= 10;
        wire_put(&wire->answer, ",\"");
        wire_put_decimal(&wire->answer, step, instrument->price_decimals, 0);
        wire_put_char(&wire->answer, '"');
    }
    wire_put_char(&wire->answer, ']');
    upbit_close(&writer);
    return true;
}

static void call_instruments(struct upbit_call *call)
{
    uint16_t markets[INSTRUMENTS_MAX];
    uint32_t count;
    if (take_markets(call, markets, &count))
        put_each(call, markets, count, put_instrument);
}

/* ---- trades ---- */

static void put_tick(const struct upbit_call *call, const struct wire_symbol *symbol, const struct wire_trade *trade,
                     px_t previous)
{
    struct wire *wire = call->wire;
    struct upbit_writer writer;
    upbit_open(&writer, &wire->answer, false);
    upbit_text(&writer, "market", "", symbol->instrument.symbol);
    upbit_time(&writer, "trade_date_utc", "", trade->stamp, UPBIT_DATE, 0);
    upbit_time(&writer, "trade_time_utc", "", trade->stamp, UPBIT_CLOCK, 0);
    upbit_u64(&writer, "timestamp", "", wire_stamp_ms(wire, trade->stamp));
    upbit_price(&writer, "trade_price", "", symbol, trade->price);
    upbit_qty(&writer, "trade_volume", "", symbol, trade->qty);
    upbit_price(&writer, "prev_closing_price", "", symbol, previous);
    upbit_price(&writer, "change_price", "", symbol, trade->price - previous);
    upbit_text(&writer, "ask_bid", "", (trade->flags & EVENT_SELL) != 0 ? "ASK" : "BID");
    upbit_u64(&writer, "sequential_id", "", trade->id);
    upbit_close(&writer);
}

/* "HHmmss" or "HH:mm:ss" of a day. False: neither. */
static bool parse_clock(const char *text, ns_t *clock)
{
    unsigned value[3];
    const size_t step = text[2] == ':' ? 3 : 2;
    if (strlen(text) != (step == 3 ? 8u : 6u))
        return false;
    for (size_t i = 0; i < 3; i++) {
        const char *at = text + i * step;
        if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9' || (step == 3 && i < 2 && at[2] != ':'))
            return false;
        value[i] = (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
    }
    *clock = ((ns_t)value[0] * 3600 + (ns_t)value[1] * 60 + (ns_t)value[2]) * NS_PER_S;
    return value[0] < 24 && value[1] < 60 && value[2] < 60;
}

static void call_ticks(struct upbit_call *call)
{
    struct wire *wire = call->wire;
    const struct wire_symbol *symbol = take_market(call);
    uint64_t count, cursor = UINT64_MAX, days = 0;
    bool has_cursor, has_days;
    char text[16];
    if (symbol == NULL || !take_count(call, 1, 500, &count))
        return;
    if (!wire_query_u64(call->request->query, "cursor", &cursor, &has_cursor) ||
        !wire_query_u64(call->request->query, "days_ago", &days, &has_days) || days > 7) {
        upbit_fail(call, 400, "Type mismatch error. Check the parameters type!");
        return;
    }
    const ns_t venue = wire_venue_time(wire, wire->now);
    ns_t to = venue - venue % DAY_NS - (has_days ? (ns_t)days * DAY_NS : 0), clock = DAY_NS;
    if (wire_query(call->request->query, "to", text, sizeof(text)) && !parse_clock(text, &clock)) {
        upbit_fail(call, 400, "Invalid parameter. Check the given value!");
        return;
    }
    to += clock;
    struct upbit_day day = {.previous = 0};
    (void)upbit_day_of(wire, symbol, &day);
    uint64_t said = 0;
    wire_put_char(&wire->answer, '[');
    for (uint64_t i = symbol->prints.count; i > wire_trades_first(&symbol->prints) && said < count; i--) {
        const struct wire_trade *trade = wire_trade_at(&symbol->prints, i - 1);
        if (trade->stamp >= to || (has_cursor && trade->id >= cursor))
            continue;
        if (said++ > 0)
            wire_put_char(&wire->answer, ',');
        put_tick(call, symbol, trade, day.previous);
    }
    wire_put_char(&wire->answer, ']');
    upbit_finish(call, 200);
}

/* ---- candles ---- */

static void put_candle(const struct upbit_call *call, const struct wire_symbol *symbol, unsigned interval,
                       const struct wire_candle *candle, px_t previous)
{
    struct wire *wire = call->wire;
    const uint32_t seconds = wire_interval_seconds[interval];
    struct upbit_writer writer;
    upbit_open(&writer, &wire->answer, false);
    upbit_text(&writer, "market", "", symbol->instrument.symbol);
    upbit_time(&writer, "candle_date_time_utc", "", candle->open_ts, UPBIT_ISO, 0);
    upbit_time(&writer, "candle_date_time_kst", "", candle->open_ts, UPBIT_ISO, 9);
    upbit_price(&writer, "opening_price", "", symbol, candle->open);
    upbit_price(&writer, "high_price", "", symbol, candle->high);
    upbit_price(&writer, "low_price", "", symbol, candle->low);
    upbit_price(&writer, "trade_price", "", symbol, candle->close);
    upbit_u64(&writer, "timestamp", "", wire_stamp_ms(wire, candle->last_ts));
    upbit_value(&writer, "candle_acc_trade_price", "", symbol, candle->value);
    upbit_qty(&writer, "candle_acc_trade_volume", "", symbol, candle->volume);
    if (seconds == 86400) {
        upbit_price(&writer, "prev_closing_price", "", symbol, previous);
        upbit_price(&writer, "change_price", "", symbol, candle->close - previous);
        put_rate(&writer, "change_rate", candle->close - previous, previous);
    } else if (seconds == 0 || seconds == 604800) {
        upbit_time(&writer, "first_day_of_period", "", candle->open_ts, UPBIT_DATE, 0);
    } else if (seconds >= 60) {
        upbit_u64(&writer, "unit", "", seconds / 60);
    }
    upbit_close(&writer);
}

/* "/seconds", "/minutes/3", "/days" ... ; -1: no such candles. */
static int interval_of(const char *rest)
{
    static const struct {
        const char *rest, *name;
    } names[] = {{"seconds", "1s"},     {"minutes/1", "1m"},   {"minutes/3", "3m"},   {"minutes/5", "5m"},
                 {"minutes/10", "10m"}, {"minutes/15", "15m"}, {"minutes/30", "30m"}, {"minutes/60", "1h"},
                 {"days", "1d"},        {"weeks", "1w"},       {"minutes/240", "4h"}, {"months", "1M"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(rest, names[i].rest) == 0)
            return wire_interval_find(names[i].name, strlen(names[i].name));
    return -1;
}

static void call_candles(struct upbit_call *call)
{
    struct wire *wire = call->wire;
    const int interval = interval_of(call->rest);
    char text[64];
    uint64_t count;
    if (interval < 0) {
        upbit_fail(call, 404, "no Route matched with those values");
        return;
    }
    const struct wire_symbol *symbol = take_market(call);
    if (symbol == NULL || !take_count(call, 1, 200, &count))
        return;
    ns_t to = NS_MAX / 2;
    if (wire_query(call->request->query, "to", text, sizeof(text)) && text[0] != '\0') {
        /* A "+" that was not encoded arrives as a space; "2024-08-08 00:00:00" is written with one, too. */
        for (size_t i = 11; text[i] != '\0' && i < sizeof(text) - 1; i++)
            text[i] = text[i] == ' ' ? '+' : text[i];
        if (time_parse(text, strlen(text), &to) != ERR_OK) {
            upbit_fail(call, 400, "Invalid parameter. Check the given value!");
            return;
        }
    }
    struct wire_candle rows[200];
    const uint32_t found =
        wire_candles_list(&symbol->candles, (unsigned)interval, INT64_MIN, to, false, rows, (uint32_t)count);
    wire_put_char(&wire->answer, '[');
    for (uint32_t i = found; i > 0; i--) {
        const px_t before = wire_candles_close_before(&symbol->candles, rows[i - 1].open_ts);
        if (i < found)
            wire_put_char(&wire->answer, ',');
        put_candle(call, symbol, (unsigned)interval, &rows[i - 1], before != 0 ? before : rows[i - 1].open);
    }
    wire_put_char(&wire->answer, ']');
    upbit_finish(call, 200);
}

static void call_private(struct upbit_call *call)
{
    wire_put(&call->wire->answer,
             wire_header_of(call->request, "Authorization") == NULL
                 ? "{\"error\":{\"name\":\"no_authorization_token\",\"message\":\"인증 토큰이 없습니다.\"}}"
                 : "{\"error\":{\"name\":\"invalid_access_key\",\"message\":\"잘못된 엑세스 키입니다.\"}}");
    upbit_finish(call, 401);
}

const struct upbit_call_row upbit_calls[] = {
    {"/v1/market/all", UPBIT_MARKET, call_markets},
    {"/v1/ticker", UPBIT_TICKER, call_ticker},
    {"/v1/ticker/all", UPBIT_TICKER, call_ticker_all},
    {"/v1/orderbook", UPBIT_ORDERBOOK, call_book},
    {"/v1/orderbook/instruments", UPBIT_ORDERBOOK, call_instruments},
    {"/v1/orderbook/supported_levels", UPBIT_ORDERBOOK, call_instruments},
    {"/v1/trades/ticks", UPBIT_TRADE, call_ticks},
    {"/v1/candles/*", UPBIT_CANDLE, call_candles},
    {"/v1/accounts", UPBIT_PRIVATE, call_private},
    {"/v1/orders", UPBIT_PRIVATE, call_private},
    {"/v1/orders/*", UPBIT_PRIVATE, call_private},
    {"/v1/order", UPBIT_PRIVATE, call_private},
};
const size_t upbit_call_count = ARRAY_LEN(upbit_calls);
