/* wire_binance_calls.c: what each call of Binance's public REST answers. */
#include "sim/wire/wire_binance_call.h"

#include <stdlib.h>

static void call_ping(struct call *call)
{
    if (!call_pay(call, 1))
        return;
    wire_put(&call->wire->answer, "{}");
    call_finish(call, 200);
}

static void call_time(struct call *call)
{
    struct wire *wire = call->wire;
    if (!call_pay(call, 1))
        return;
    call_put_number(&wire->answer, "{\"serverTime\":", wire_stamp_ms(wire, wire_venue_time(wire, call->now)));
    wire_put_char(&wire->answer, '}');
    call_finish(call, 200);
}

static uint32_t depth_weight(bool spot, uint64_t limit)
{
    if (spot)
        return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250;
    return limit <= 50 ? 2 : limit == 100 ? 5 : limit == 500 ? 10 : 20;
}

static void put_side(struct wire *wire, const struct wire_symbol *symbol, const struct book *book, enum side side,
                     uint64_t limit)
{
    struct level level;
    bool more = book_best(book, side, &level);
    for (uint64_t i = 0; more && i < limit; i++) {
        if (i > 0)
            wire_put_char(&wire->answer, ',');
        binance_put_level(&wire->answer, &symbol->instrument, &level);
        more = book_next(book, side, level.price, &level);
    }
}

static void call_depth(struct call *call)
{
    static const uint16_t allowed[] = {5, 10, 20, 50, 100, 500, 1000};
    struct wire *wire = call->wire;
    const bool spot = binance_wire_is_spot(wire);
    if (!call_need_symbol(call) || !call_take_limit(call, spot ? 100 : 500, spot ? 5000 : 1000))
        return;
    bool valid = spot;
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        valid |= allowed[i] == call->limit;
    if (!valid) {
        call_fail(call, 400, -1130, "Data sent for parameter 'limit' is not valid.");
        return;
    }
    if (!call_pay(call, depth_weight(spot, call->limit)))
        return;
    const struct wire_symbol *symbol = call->symbol;
    if (!symbol->has_book) {
        call_fail(call, 503, -1001, "Internal error; unable to process your request. Please try again.");
        return;
    }
    const bool stale = symbol->has_old && WIRE_FAULT_HITS(wire, stale_snapshot, 0, wire->request_serial);
    const struct book *book = stale ? &symbol->old : &symbol->book;
    wire->stats.faults += stale;
    call_put_number(&wire->answer, "{\"lastUpdateId\":", stale ? symbol->old_id : symbol->book_id);
    if (!spot) {
        call_put_number(&wire->answer, ",\"E\":", wire_stamp_ms(wire, wire_venue_time(wire, call->now)));
        call_put_number(&wire->answer,
                        ",\"T\":", wire_stamp_ms(wire, stale ? symbol->old_stamp : symbol->book_stamp));
    }
    if (wire->config.venue == WIRE_BINANCE_COINM) {
        const char *name = symbol->instrument.symbol;
        wire_put_format(&wire->answer, ",\"symbol\":\"%s\",\"pair\":\"%.*s\"", name, (int)strcspn(name, "_"), name);
    }
    wire_put(&wire->answer, ",\"bids\":[");
    put_side(wire, symbol, book, SIDE_BUY, call->limit);
    wire_put(&wire->answer, "],\"asks\":[");
    put_side(wire, symbol, book, SIDE_SELL, call->limit);
    wire_put(&wire->answer, "]}");
    call_finish(call, 200);
}

static void put_quote(struct wire *wire, const struct wire_symbol *symbol, px_t price, qty_t qty)
{
    const struct instrument *instrument = &symbol->instrument;
    wire_put_char(&wire->answer, '"');
    wire_put_money(&wire->answer, instrument_notional(price, qty),
                   (unsigned)instrument->price_decimals + instrument->qty_decimals, 0);
    wire_put_char(&wire->answer, '"');
}

static void call_trades(struct call *call)
{
    struct wire *wire = call->wire;
    const bool spot = binance_wire_is_spot(wire);
    if (!call_need_symbol(call) || !call_take_limit(call, 500, 1000) || !call_pay(call, spot ? 25 : 5))
        return;
    const struct wire_symbol *symbol = call->symbol;
    const struct wire_trades *trades = &symbol->prints;
    uint64_t i = trades->count > call->limit ? trades->count - call->limit : 0;
    i = i > wire_trades_first(trades) ? i : wire_trades_first(trades);
    wire_put_char(&wire->answer, '[');
    for (uint64_t first = i; i < trades->count; i++) {
        const struct wire_trade *trade = wire_trade_at(trades, i);
        call_put_number(&wire->answer, i == first ? "{\"id\":" : ",{\"id\":", trade->id);
        wire_put(&wire->answer, ",\"price\":");
        binance_put_price(&wire->answer, &symbol->instrument, trade->price);
        wire_put(&wire->answer, ",\"qty\":");
        binance_put_qty(&wire->answer, &symbol->instrument, trade->qty);
        wire_put(&wire->answer, ",\"quoteQty\":");
        put_quote(wire, symbol, trade->price, trade->qty);
        call_put_number(&wire->answer, ",\"time\":", wire_stamp_ms(wire, trade->stamp));
        wire_put(&wire->answer,
                 (trade->flags & EVENT_SELL) != 0 ? ",\"isBuyerMaker\":true" : ",\"isBuyerMaker\":false");
        wire_put(&wire->answer, spot ? ",\"isBestMatch\":true}" : "}");
    }
    wire_put_char(&wire->answer, ']');
    call_finish(call, 200);
}

static void call_aggregates(struct call *call)
{
    struct wire *wire = call->wire;
    const bool spot = binance_wire_is_spot(wire);
    ns_t from, to;
    uint64_t from_id;
    bool by_id;
    if (!call_need_symbol(call) || !call_take_limit(call, 500, 1000) ||
        !call_take_time(call, "startTime", INT64_MIN, &from) || !call_take_time(call, "endTime", NS_MAX - 1, &to))
        return;
    if (!wire_query_u64(call->request->query, "fromId", &from_id, &by_id)) {
        call_fail(call, 400, -1100, "Illegal characters found in parameter 'fromId'.");
        return;
    }
    if (!call_pay(call, spot ? 4 : 20))
        return;
    const struct wire_symbol *symbol = call->symbol;
    const struct wire_trades *trades = &symbol->aggregates;
    const uint64_t end = trades->count - symbol->open_aggregate;
    uint64_t first = wire_trades_first(trades), count = 0;
    if (!by_id && from == INT64_MIN && end - first > call->limit)
        first = end - call->limit;
    wire_put_char(&wire->answer, '[');
    for (uint64_t i = first; i < end && count < call->limit; i++) {
        const struct wire_trade *trade = wire_trade_at(trades, i);
        if ((by_id && trade->id < from_id) || trade->stamp < from || trade->stamp / NS_PER_MS > to / NS_PER_MS)
            continue;
        call_put_number(&wire->answer, count++ == 0 ? "{\"a\":" : ",{\"a\":", trade->id);
        wire_put(&wire->answer, ",\"p\":");
        binance_put_price(&wire->answer, &symbol->instrument, trade->price);
        wire_put(&wire->answer, ",\"q\":");
        binance_put_qty(&wire->answer, &symbol->instrument, trade->qty);
        call_put_number(&wire->answer, ",\"f\":", trade->first);
        call_put_number(&wire->answer, ",\"l\":", trade->last);
        call_put_number(&wire->answer, ",\"T\":", wire_stamp_ms(wire, trade->stamp));
        wire_put(&wire->answer, (trade->flags & EVENT_SELL) != 0 ? ",\"m\":true" : ",\"m\":false");
        wire_put(&wire->answer, spot ? ",\"M\":true}" : "}");
    }
    wire_put_char(&wire->answer, ']');
    call_finish(call, 200);
}

static void put_kline(struct wire *wire, const struct wire_symbol *symbol, unsigned interval,
                      const struct wire_candle *candle)
{
    const struct instrument *instrument = &symbol->instrument;
    const unsigned decimals = (unsigned)instrument->price_decimals + instrument->qty_decimals;
    struct wire_text *answer = &wire->answer;
    const px_t prices[] = {candle->open, candle->high, candle->low, candle->close};
    call_put_number(answer, "[", (uint64_t)(candle->open_ts / NS_PER_MS));
    for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
        wire_put_char(answer, ',');
        binance_put_price(answer, instrument, prices[i]);
    }
    wire_put_char(answer, ',');
    binance_put_qty(answer, instrument, candle->volume);
    call_put_number(answer, ",", (uint64_t)(wire_interval_next(interval, candle->open_ts) / NS_PER_MS - 1));
    wire_put(answer, ",\"");
    wire_put_money(answer, candle->value, decimals, 0);
    call_put_number(answer, "\",", candle->count);
    wire_put_char(answer, ',');
    binance_put_qty(answer, instrument, candle->bought);
    wire_put(answer, ",\"");
    wire_put_money(answer, candle->bought_value, decimals, 0);
    wire_put(answer, "\",\"0\"]");
}

static void call_klines(struct call *call)
{
    struct wire *wire = call->wire;
    const bool spot = binance_wire_is_spot(wire);
    char name[8];
    ns_t from, to;
    if (!call_need_symbol(call) || !call_take_limit(call, 500, spot ? 1000 : 1500) ||
        !call_take_time(call, "startTime", 0, &from) || !call_take_time(call, "endTime", NS_MAX / 2, &to))
        return;
    if (!wire_query(call->request->query, "interval", name, sizeof(name))) {
        call_fail(call, 400, -1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.");
        return;
    }
    const int interval = wire_interval_find(name, strlen(name));
    if (interval < 0 || strcmp(name, "10m") == 0 || (interval == 0 && !spot)) {
        call_fail(call, 400, -1120, "Invalid interval.");
        return;
    }
    const uint64_t limit = call->limit;
    if (!call_pay(call, spot ? 2 : limit < 100 ? 1 : limit < 500 ? 2 : limit <= 1000 ? 5 : 10))
        return;
    const ns_t venue = wire_venue_time(wire, call->now);
    if (to > venue)
        to = venue;
    struct wire_candle *rows = malloc(limit * sizeof(*rows));
    if (rows == NULL) {
        call_fail(call, 503, -1001, "Internal error; unable to process your request. Please try again.");
        return;
    }
    /* With a beginning it is the oldest that are wanted: at most `limit` intervals from there. */
    if (from > 0) {
        ns_t end = wire_interval_start((unsigned)interval, from - 1 + NS_PER_MS);
        if (end < from)
            end = wire_interval_next((unsigned)interval, end);
        for (uint64_t i = 0; i < limit && end <= to; i++)
            end = wire_interval_next((unsigned)interval, end);
        to = end - 1 < to ? end - 1 : to;
    }
    const uint32_t count =
        wire_candles_list(&call->symbol->candles, (unsigned)interval, from, to + 1, true, rows, (uint32_t)limit);
    wire_put_char(&wire->answer, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            wire_put_char(&wire->answer, ',');
        put_kline(wire, call->symbol, (unsigned)interval, &rows[i]);
    }
    wire_put_char(&wire->answer, ']');
    free(rows);
    call_finish(call, 200);
}

/* ---- of one market or of all ---- */

typedef bool (*put_fn)(struct wire *wire, const struct wire_symbol *symbol);

static void call_each(struct call *call, put_fn put)
{
    struct wire *wire = call->wire;
    if (call->asked) {
        if (!call_need_symbol(call))
            return;
        if (!put(wire, call->symbol))
            wire_put(&wire->answer, "{}");
        call_finish(call, 200);
        return;
    }
    bool any = false;
    wire_put_char(&wire->answer, '[');
    for (uint16_t i = 0; i < wire->config.instrument_count; i++) {
        const size_t size = wire->answer.size;
        if (any)
            wire_put_char(&wire->answer, ',');
        if (put(wire, &wire->symbols[i]))
            any = true;
        else
            wire->answer.size = size;
    }
    wire_put_char(&wire->answer, ']');
    call_finish(call, 200);
}

static bool put_premium(struct wire *wire, const struct wire_symbol *symbol)
{
    const struct event_mark mark = binance_mark_of(wire, symbol);
    const struct instrument *instrument = &symbol->instrument;
    struct wire_text *answer = &wire->answer;
    if (mark.mark_price == 0)
        return false;
    wire_put_format(answer, "{\"symbol\":\"%s\",\"markPrice\":", instrument->symbol);
    binance_put_price(answer, instrument, mark.mark_price);
    wire_put(answer, ",\"indexPrice\":");
    binance_put_price(answer, instrument, mark.index_price);
    wire_put(answer, ",\"estimatedSettlePrice\":");
    binance_put_price(answer, instrument, mark.mark_price);
    wire_put(answer, ",\"lastFundingRate\":\"");
    wire_put_decimal(answer, mark.funding_rate, 12, 8);
    call_put_number(answer, "\",\"interestRate\":\"0.00010000\",\"nextFundingTime\":",
                    (uint64_t)(mark.next_funding_ts / NS_PER_MS));
    call_put_number(answer, ",\"time\":", wire_stamp_ms(wire, wire_venue_time(wire, wire->now)));
    wire_put_char(answer, '}');
    return true;
}

static void call_premium(struct call *call)
{
    if (call_pay(call, call->asked ? 1 : 10))
        call_each(call, put_premium);
}

static bool put_book_ticker(struct wire *wire, const struct wire_symbol *symbol)
{
    const struct instrument *instrument = &symbol->instrument;
    struct wire_text *answer = &wire->answer;
    struct level bid, ask;
    wire_touch(symbol, &bid, &ask);
    wire_put_format(answer, "{\"symbol\":\"%s\",\"bidPrice\":", instrument->symbol);
    binance_put_price(answer, instrument, bid.price);
    wire_put(answer, ",\"bidQty\":");
    binance_put_qty(answer, instrument, bid.qty);
    wire_put(answer, ",\"askPrice\":");
    binance_put_price(answer, instrument, ask.price);
    wire_put(answer, ",\"askQty\":");
    binance_put_qty(answer, instrument, ask.qty);
    if (!binance_wire_is_spot(wire)) {
        call_put_number(answer, ",\"time\":", wire_stamp_ms(wire, symbol->bbo_stamp));
        call_put_number(answer, ",\"lastUpdateId\":", symbol->bbo_id);
    }
    wire_put_char(answer, '}');
    return true;
}

static void call_book_ticker(struct call *call)
{
    const bool spot = binance_wire_is_spot(call->wire);
    if (call_pay(call, call->asked ? 2 : spot ? 4 : 5))
        call_each(call, put_book_ticker);
}

static bool put_price_ticker(struct wire *wire, const struct wire_symbol *symbol)
{
    const struct wire_trades *trades = &symbol->prints;
    if (trades->count == 0)
        return false;
    const struct wire_trade *last = wire_trade_at(trades, trades->count - 1);
    wire_put_format(&wire->answer, "{\"symbol\":\"%s\",\"price\":", symbol->instrument.symbol);
    binance_put_price(&wire->answer, &symbol->instrument, last->price);
    if (!binance_wire_is_spot(wire))
        call_put_number(&wire->answer, ",\"time\":", wire_stamp_ms(wire, last->stamp));
    wire_put_char(&wire->answer, '}');
    return true;
}

static void call_price_ticker(struct call *call)
{
    const bool spot = binance_wire_is_spot(call->wire);
    if (call_pay(call, call->asked ? (spot ? 2 : 1) : (spot ? 4 : 2)))
        call_each(call, put_price_ticker);
}

static bool put_day(struct wire *wire, const struct wire_symbol *symbol)
{
    struct binance_day day;
    if (!binance_day_of(wire, symbol, &day))
        return false;
    binance_put_day(wire, symbol, false);
    return true;
}

static void call_day(struct call *call)
{
    const bool spot = binance_wire_is_spot(call->wire);
    if (call_pay(call, call->asked ? (spot ? 2 : 1) : (spot ? 80 : 40)))
        call_each(call, put_day);
}

static void call_funding(struct call *call)
{
    if (!call_pay(call, 1))
        return;
    wire_put(&call->wire->answer, "[]"); /* a tape tells rates to come, not those that were paid */
    call_finish(call, 200);
}

static void call_info(struct call *call)
{
    struct wire *wire = call->wire;
    if (!call_pay(call, binance_wire_is_spot(wire) ? 20 : 1))
        return;
    uint16_t symbols[INSTRUMENTS_MAX];
    uint32_t count = 0;
    for (uint16_t i = 0; i < wire->config.instrument_count; i++)
        symbols[count++] = i;
    /* Spot takes one symbol, or a list of them as JSON. */
    char list[8192];
    if (binance_wire_is_spot(wire) && call->asked) {
        if (!call_need_symbol(call))
            return;
        symbols[0] = call->symbol->number;
        count = 1;
    } else if (binance_wire_is_spot(wire) && wire_query(call->request->query, "symbols", list, sizeof(list))) {
        uint32_t tokens;
        count = 0;
        if (wire_json(list, strlen(list), wire->tokens, WIRE_TOKENS, &tokens) != ERR_OK ||
            wire->tokens[0].kind != TOKEN_ARRAY) {
            call_fail(call, 400, -1100, "Illegal characters found in parameter 'symbols'.");
            return;
        }
        for (uint32_t i = 1; i < tokens && count < INSTRUMENTS_MAX; i++) {
            symbols[count] = wire_find_symbol(wire, wire->tokens[i].text, wire->tokens[i].size);
            if (symbols[count++] == INSTRUMENT_NONE) {
                call_fail(call, 400, -1121, "Invalid symbol.");
                return;
            }
        }
    }
    binance_put_exchange_info(wire, symbols, count);
    call_finish(call, 200);
}

static void call_private(struct call *call)
{
    if (!call_pay(call, 1))
        return;
    if (wire_header_of(call->request, "X-MBX-APIKEY") == NULL)
        call_fail(call, 401, -2014, "API-key format invalid.");
    else
        call_fail(call, 401, -2015, "Invalid API-key, IP, or permissions for action.");
}

const struct call_row binance_calls[] = {
    {"/ping", call_ping, CALL_ON_SPOT | CALL_ON_FUTURES, false},
    {"/time", call_time, CALL_ON_SPOT | CALL_ON_FUTURES, false},
    {"/exchangeInfo", call_info, CALL_ON_SPOT | CALL_ON_FUTURES, false},
    {"/depth", call_depth, CALL_ON_SPOT | CALL_ON_FUTURES, false},
    {"/trades", call_trades, CALL_ON_SPOT | CALL_ON_FUTURES, false},
    {"/aggTrades", call_aggregates, CALL_ON_SPOT | CALL_ON_FUTURES, false},
    {"/klines", call_klines, CALL_ON_SPOT | CALL_ON_FUTURES, false},
    {"/ticker/bookTicker", call_book_ticker, CALL_ON_SPOT | CALL_ON_FUTURES, false},
    {"/ticker/price", call_price_ticker, CALL_ON_SPOT | CALL_ON_FUTURES, false},
    {"/ticker/24hr", call_day, CALL_ON_SPOT | CALL_ON_FUTURES, false},
    {"/premiumIndex", call_premium, CALL_ON_FUTURES, false},
    {"/fundingRate", call_funding, CALL_ON_FUTURES, false},
    {"/account", call_private, CALL_ON_SPOT | CALL_ON_FUTURES, true},
    {"/balance", call_private, CALL_ON_FUTURES, true},
    {"/positionRisk", call_private, CALL_ON_FUTURES, true},
    {"/order", call_private, CALL_ON_SPOT | CALL_ON_FUTURES, true},
    {"/openOrders", call_private, CALL_ON_SPOT | CALL_ON_FUTURES, true},
    {"/listenKey", call_private, CALL_ON_FUTURES, true},
};
const size_t binance_call_count = ARRAY_LEN(binance_calls);
