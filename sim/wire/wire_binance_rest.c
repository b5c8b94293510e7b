/* wire_binance_rest.c: what Binance answers over HTTP: the public side.
 *
 *   path ─► prefix of the market ("/fapi/v1", "/dapi/v1", "/api/v3") ─► row of `calls` ─► weight ─► answer
 *
 * Every answer says what has been used of the minute's weight. There are no accounts here: a call that needs a key is
 * told that its key is not known, as a stranger's would be. */
#include "sim/wire/wire_binance.h"

#include <stdlib.h>

#define GROUP_WEIGHT 0
#define MINUTE       (60 * NS_PER_S)

struct call {
    struct wire *wire;
    const struct wire_request *request;
    ns_t now;
    struct wire_symbol *symbol; /* of "symbol="; NULL: not given */
    bool asked;                 /* "symbol=" was there, known or not */
    uint64_t limit;
    bool has_limit;
    uint32_t used;
};

static void finish(const struct call *call, uint16_t status)
{
    char used[16];
    struct wire_text text = {.bytes = used, .capacity = sizeof(used)};
    wire_put_u64(&text, call->used);
    used[text.size] = '\0';
    const struct wire_header header = {"x-mbx-used-weight-1m", used};
    wire_answer_json(call->wire, call->request, status, &header, 1);
}

static void fail(const struct call *call, uint16_t status, int code, const char *words)
{
    struct wire_text *answer = &call->wire->answer;
    wire_text_clear(answer);
    wire_put_format(answer, "{\"code\":%d,\"msg\":\"%s\"}", code, words);
    finish(call, status);
}

static void put_number(struct wire_text *text, const char *name, uint64_t value)
{
    wire_put(text, name);
    wire_put_u64(text, value);
}

/* ---- limits ---- */

/* The spot page promises Retry-After; the futures page does not speak of it. */
static void answer_limited(const struct call *call, uint16_t status, ns_t wait)
{
    struct wire *wire = call->wire;
    char used[16], seconds[24];
    struct wire_text text = {.bytes = used, .capacity = sizeof(used)};
    wire_put_u64(&text, call->used);
    used[text.size] = '\0';
    text = (struct wire_text){.bytes = seconds, .capacity = sizeof(seconds)};
    wire_put_u64(&text, (uint64_t)((wait + NS_PER_S - 1) / NS_PER_S));
    seconds[text.size] = '\0';
    const struct wire_header headers[] = {{"x-mbx-used-weight-1m", used}, {"retry-after", seconds}};
    const bool tells = binance_wire_is_spot(wire) ? !WIRE_FAULT_HITS(wire, no_retry_after, 0, wire->request_serial)
                                                  : WIRE_FAULT_HITS(wire, retry_after, 0, wire->request_serial);
    wire_text_clear(&wire->answer);
    if (status == 418) {
        put_number(&wire->answer, "{\"code\":-1003,\"msg\":\"Way too many requests; IP(127.0.0.1) banned until ",
                   wire_stamp_ms(wire, wire_venue_time(wire, call->now + wait)));
        wire_put(&wire->answer, ". Please use the websocket for live updates to avoid bans.\"}");
    } else {
        put_number(&wire->answer, "{\"code\":-1003,\"msg\":\"Too many requests; current limit of IP(127.0.0.1) is ",
                   binance_wire_is_spot(wire) ? 6000 : 2400);
        wire_put(&wire->answer,
                 " requests per minute. Please use the websocket for live updates to avoid polling the API.\"}");
    }
    wire_answer_json(wire, call->request, status, headers, tells ? 2 : 1);
}

/* False: it was answered already. */
static bool pay(struct call *call, uint32_t weight)
{
    struct wire *wire = call->wire;
    const uint64_t serial = wire->request_serial;
    const uint32_t limit = binance_wire_is_spot(wire) ? 6000 : 2400;
    struct wire_verdict verdict =
        wire_limits_ask(&wire->limits, call->now, call->request->peer, GROUP_WEIGHT, MINUTE, limit, weight);
    call->used = verdict.used;
    if (verdict.status == 200 && WIRE_FAULT_HITS(wire, http_418, 0, serial)) {
        wire->stats.faults++;
        wire_limits_ban(&wire->limits, call->now, call->request->peer);
        verdict.status = 418;
        verdict.wait = wire->limits.ban_time;
    } else if (verdict.status == 200 && WIRE_FAULT_HITS(wire, http_429, 0, serial)) {
        wire->stats.faults++;
        verdict.status = 429;
        verdict.wait = MINUTE - call->now % MINUTE;
    } else if (verdict.status != 200) {
        wire->stats.limited++;
    }
    if (verdict.status != 200) {
        answer_limited(call, verdict.status, verdict.wait);
        return false;
    }
    if (WIRE_FAULT_HITS(wire, http_503, 0, serial)) {
        static const struct {
            int code;
            const char *words;
        } wordings[] = {
            {-1000, "Unknown error, please check your request or try again later."},
            {-1000, "Service Unavailable."},
            {-1001, "Internal error; unable to process your request. Please try again."},
            {-1008, "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. "
                    "Please try again."},
        };
        wire->stats.faults++;
        fail(call, 503, wordings[serial % ARRAY_LEN(wordings)].code, wordings[serial % ARRAY_LEN(wordings)].words);
        return false;
    }
    return true;
}

/* ---- parameters ---- */

static bool need_symbol(const struct call *call)
{
    if (call->symbol != NULL)
        return true;
    if (call->asked)
        fail(call, 400, -1121, "Invalid symbol.");
    else
        fail(call, 400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.");
    return false;
}

/* A limit between 1 and `most`; spot cuts what is more, futures refuse it. */
static bool take_limit(struct call *call, uint64_t otherwise, uint64_t most)
{
    if (!call->has_limit)
        call->limit = otherwise;
    if (call->limit > most && binance_wire_is_spot(call->wire))
        call->limit = most;
    if (call->limit >= 1 && call->limit <= most)
        return true;
    fail(call, 400, -1130, "Data sent for parameter 'limit' is not valid.");
    return false;
}

/* ---- calls ---- */

static void call_ping(struct call *call)
{
    if (!pay(call, 1))
        return;
    wire_put(&call->wire->answer, "{}");
    finish(call, 200);
}

static void call_time(struct call *call)
{
    struct wire *wire = call->wire;
    if (!pay(call, 1))
        return;
    put_number(&wire->answer, "{\"serverTime\":", wire_stamp_ms(wire, wire_venue_time(wire, call->now)));
    wire_put_char(&wire->answer, '}');
    finish(call, 200);
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
    if (!need_symbol(call) || !take_limit(call, spot ? 100 : 500, spot ? 5000 : 1000))
        return;
    bool valid = spot;
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        valid |= allowed[i] == call->limit;
    if (!valid) {
        fail(call, 400, -1130, "Data sent for parameter 'limit' is not valid.");
        return;
    }
    if (!pay(call, depth_weight(spot, call->limit)))
        return;
    const struct wire_symbol *symbol = call->symbol;
    if (!symbol->has_book) {
        fail(call, 503, -1001, "Internal error; unable to process your request. Please try again.");
        return;
    }
    const bool stale = symbol->has_old && WIRE_FAULT_HITS(wire, stale_snapshot, 0, wire->request_serial);
    const struct book *book = stale ? &symbol->old : &symbol->book;
    wire->stats.faults += stale;
    put_number(&wire->answer, "{\"lastUpdateId\":", stale ? symbol->old_id : symbol->book_id);
    if (!spot) {
        put_number(&wire->answer, ",\"E\":", wire_stamp_ms(wire, wire_venue_time(wire, call->now)));
        put_number(&wire->answer, ",\"T\":", wire_stamp_ms(wire, stale ? symbol->old_stamp : symbol->book_stamp));
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
    finish(call, 200);
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
    if (!need_symbol(call) || !take_limit(call, 500, 1000) || !pay(call, spot ? 25 : 5))
        return;
    const struct wire_symbol *symbol = call->symbol;
    const struct wire_trades *trades = &symbol->prints;
    uint64_t i = trades->count > call->limit ? trades->count - call->limit : 0;
    i = i > wire_trades_first(trades) ? i : wire_trades_first(trades);
    wire_put_char(&wire->answer, '[');
    for (uint64_t first = i; i < trades->count; i++) {
        const struct wire_trade *trade = wire_trade_at(trades, i);
        put_number(&wire->answer, i == first ? "{\"id\":" : ",{\"id\":", trade->id);
        wire_put(&wire->answer, ",\"price\":");
        binance_put_price(&wire->answer, &symbol->instrument, trade->price);
        wire_put(&wire->answer, ",\"qty\":");
        binance_put_qty(&wire->answer, &symbol->instrument, trade->qty);
        wire_put(&wire->answer, ",\"quoteQty\":");
        put_quote(wire, symbol, trade->price, trade->qty);
        put_number(&wire->answer, ",\"time\":", wire_stamp_ms(wire, trade->stamp));
        wire_put(&wire->answer,
                 (trade->flags & EVENT_SELL) != 0 ? ",\"isBuyerMaker\":true" : ",\"isBuyerMaker\":false");
        wire_put(&wire->answer, spot ? ",\"isBestMatch\":true}" : "}");
    }
    wire_put_char(&wire->answer, ']');
    finish(call, 200);
}

/* Times of a request are in ms; what is not given is `otherwise`. False: not a number, and answered. */
static bool take_time(const struct call *call, const char *name, ns_t otherwise, ns_t *ts)
{
    uint64_t ms;
    bool given;
    if (!wire_query_u64(call->request->query, name, &ms, &given) || (given && ms > INT64_MAX / NS_PER_MS)) {
        fail(call, 400, -1100, "Illegal characters found in a parameter; a time in milliseconds was expected.");
        return false;
    }
    *ts = given ? (ns_t)ms * NS_PER_MS : otherwise;
    return true;
}

static void call_aggregates(struct call *call)
{
    struct wire *wire = call->wire;
    const bool spot = binance_wire_is_spot(wire);
    ns_t from, to;
    uint64_t from_id;
    bool by_id;
    if (!need_symbol(call) || !take_limit(call, 500, 1000) || !take_time(call, "startTime", INT64_MIN, &from) ||
        !take_time(call, "endTime", NS_MAX - 1, &to))
        return;
    if (!wire_query_u64(call->request->query, "fromId", &from_id, &by_id)) {
        fail(call, 400, -1100, "Illegal characters found in parameter 'fromId'.");
        return;
    }
    if (!pay(call, spot ? 4 : 20))
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
        put_number(&wire->answer, count++ == 0 ? "{\"a\":" : ",{\"a\":", trade->id);
        wire_put(&wire->answer, ",\"p\":");
        binance_put_price(&wire->answer, &symbol->instrument, trade->price);
        wire_put(&wire->answer, ",\"q\":");
        binance_put_qty(&wire->answer, &symbol->instrument, trade->qty);
        put_number(&wire->answer, ",\"f\":", trade->first);
        put_number(&wire->answer, ",\"l\":", trade->last);
        put_number(&wire->answer, ",\"T\":", wire_stamp_ms(wire, trade->stamp));
        wire_put(&wire->answer, (trade->flags & EVENT_SELL) != 0 ? ",\"m\":true" : ",\"m\":false");
        wire_put(&wire->answer, spot ? ",\"M\":true}" : "}");
    }
    wire_put_char(&wire->answer, ']');
    finish(call, 200);
}

static void put_kline(struct wire *wire, const struct wire_symbol *symbol, unsigned interval,
                      const struct wire_candle *candle)
{
    const struct instrument *instrument = &symbol->instrument;
    const unsigned decimals = (unsigned)instrument->price_decimals + instrument->qty_decimals;
    struct wire_text *answer = &wire->answer;
    const px_t prices[] = {candle->open, candle->high, candle->low, candle->close};
    put_number(answer, "[", (uint64_t)(candle->open_ts / NS_PER_MS));
    for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
        wire_put_char(answer, ',');
        binance_put_price(answer, instrument, prices[i]);
    }
    wire_put_char(answer, ',');
    binance_put_qty(answer, instrument, candle->volume);
    put_number(answer, ",", (uint64_t)(wire_interval_next(interval, candle->open_ts) / NS_PER_MS - 1));
    wire_put(answer, ",\"");
    wire_put_money(answer, candle->value, decimals, 0);
    put_number(answer, "\",", candle->count);
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
    if (!need_symbol(call) || !take_limit(call, 500, spot ? 1000 : 1500) || !take_time(call, "startTime", 0, &from) ||
        !take_time(call, "endTime", NS_MAX / 2, &to))
        return;
    if (!wire_query(call->request->query, "interval", name, sizeof(name))) {
        fail(call, 400, -1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.");
        return;
    }
    const int interval = wire_interval_find(name, strlen(name));
    if (interval < 0 || strcmp(name, "10m") == 0 || (interval == 0 && !spot)) {
        fail(call, 400, -1120, "Invalid interval.");
        return;
    }
    const uint64_t limit = call->limit;
    if (!pay(call, spot ? 2 : limit < 100 ? 1 : limit < 500 ? 2 : limit <= 1000 ? 5 : 10))
        return;
    const ns_t venue = wire_venue_time(wire, call->now);
    if (to > venue)
        to = venue;
    struct wire_candle *rows = malloc(limit * sizeof(*rows));
    if (rows == NULL) {
        fail(call, 503, -1001, "Internal error; unable to process your request. Please try again.");
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
    finish(call, 200);
}

/* ---- of one market or of all ---- */

typedef bool (*put_fn)(struct wire *wire, const struct wire_symbol *symbol);

static void call_each(struct call *call, put_fn put)
{
    struct wire *wire = call->wire;
    if (call->asked) {
        if (!need_symbol(call))
            return;
        if (!put(wire, call->symbol))
            wire_put(&wire->answer, "{}");
        finish(call, 200);
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
    finish(call, 200);
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
    put_number(answer, "\",\"interestRate\":\"0.00010000\",\"nextFundingTime\":",
               (uint64_t)(mark.next_funding_ts / NS_PER_MS));
    put_number(answer, ",\"time\":", wire_stamp_ms(wire, wire_venue_time(wire, wire->now)));
    wire_put_char(answer, '}');
    return true;
}

static void call_premium(struct call *call)
{
    if (pay(call, call->asked ? 1 : 10))
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
        put_number(answer, ",\"time\":", wire_stamp_ms(wire, symbol->bbo_stamp));
        put_number(answer, ",\"lastUpdateId\":", symbol->bbo_id);
    }
    wire_put_char(answer, '}');
    return true;
}

static void call_book_ticker(struct call *call)
{
    const bool spot = binance_wire_is_spot(call->wire);
    if (pay(call, call->asked ? 2 : spot ? 4 : 5))
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
        put_number(&wire->answer, ",\"time\":", wire_stamp_ms(wire, last->stamp));
    wire_put_char(&wire->answer, '}');
    return true;
}

static void call_price_ticker(struct call *call)
{
    const bool spot = binance_wire_is_spot(call->wire);
    if (pay(call, call->asked ? (spot ? 2 : 1) : (spot ? 4 : 2)))
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
    if (pay(call, call->asked ? (spot ? 2 : 1) : (spot ? 80 : 40)))
        call_each(call, put_day);
}

static void call_funding(struct call *call)
{
    if (!pay(call, 1))
        return;
    wire_put(&call->wire->answer, "[]"); /* a tape tells rates to come, not those that were paid */
    finish(call, 200);
}

static void call_info(struct call *call)
{
    struct wire *wire = call->wire;
    if (!pay(call, binance_wire_is_spot(wire) ? 20 : 1))
        return;
    uint16_t symbols[INSTRUMENTS_MAX];
    uint32_t count = 0;
    for (uint16_t i = 0; i < wire->config.instrument_count; i++)
        symbols[count++] = i;
    /* Spot takes one symbol, or a list of them as JSON. */
    char list[8192];
    if (binance_wire_is_spot(wire) && call->asked) {
        if (!need_symbol(call))
            return;
        symbols[0] = call->symbol->number;
        count = 1;
    } else if (binance_wire_is_spot(wire) && wire_query(call->request->query, "symbols", list, sizeof(list))) {
        uint32_t tokens;
        count = 0;
        if (wire_json(list, strlen(list), wire->tokens, WIRE_TOKENS, &tokens) != ERR_OK ||
            wire->tokens[0].kind != TOKEN_ARRAY) {
            fail(call, 400, -1100, "Illegal characters found in parameter 'symbols'.");
            return;
        }
        for (uint32_t i = 1; i < tokens && count < INSTRUMENTS_MAX; i++) {
            symbols[count] = wire_find_symbol(wire, wire->tokens[i].text, wire->tokens[i].size);
            if (symbols[count++] == INSTRUMENT_NONE) {
                fail(call, 400, -1121, "Invalid symbol.");
                return;
            }
        }
    }
    binance_put_exchange_info(wire, symbols, count);
    finish(call, 200);
}

static void call_private(struct call *call)
{
    if (!pay(call, 1))
        return;
    if (wire_header_of(call->request, "X-MBX-APIKEY") == NULL)
        fail(call, 401, -2014, "API-key format invalid.");
    else
        fail(call, 401, -2015, "Invalid API-key, IP, or permissions for action.");
}

#define ON_SPOT    1u
#define ON_FUTURES 2u

static const struct {
    const char *path;
    void (*run)(struct call *call);
    unsigned on;
} calls[] = {
    {"/ping", call_ping, ON_SPOT | ON_FUTURES},
    {"/time", call_time, ON_SPOT | ON_FUTURES},
    {"/exchangeInfo", call_info, ON_SPOT | ON_FUTURES},
    {"/depth", call_depth, ON_SPOT | ON_FUTURES},
    {"/trades", call_trades, ON_SPOT | ON_FUTURES},
    {"/aggTrades", call_aggregates, ON_SPOT | ON_FUTURES},
    {"/klines", call_klines, ON_SPOT | ON_FUTURES},
    {"/ticker/bookTicker", call_book_ticker, ON_SPOT | ON_FUTURES},
    {"/ticker/price", call_price_ticker, ON_SPOT | ON_FUTURES},
    {"/ticker/24hr", call_day, ON_SPOT | ON_FUTURES},
    {"/premiumIndex", call_premium, ON_FUTURES},
    {"/fundingRate", call_funding, ON_FUTURES},
    {"/account", call_private, ON_SPOT | ON_FUTURES},
    {"/balance", call_private, ON_FUTURES},
    {"/positionRisk", call_private, ON_FUTURES},
    {"/order", call_private, ON_SPOT | ON_FUTURES},
    {"/openOrders", call_private, ON_SPOT | ON_FUTURES},
    {"/listenKey", call_private, ON_FUTURES},
};

/* "/fapi/v1/depth" ─► "/depth". NULL: not of this market. */
static const char *path_of(const struct wire *wire, const char *path)
{
    static const char *const prefixes[] = {
        [WIRE_BINANCE_USDM] = "/fapi/v", [WIRE_BINANCE_COINM] = "/dapi/v", [WIRE_BINANCE_SPOT] = "/api/v"};
    const char *prefix = prefixes[wire->config.venue];
    const size_t size = strlen(prefix);
    if (strncmp(path, prefix, size) != 0 || path[size] < '1' || path[size] > '3' || path[size + 1] != '/')
        return NULL;
    return path + size + 1;
}

void binance_request(struct wire *wire, ns_t now, const struct wire_request *request)
{
    struct call call = {.wire = wire, .request = request, .now = now};
    const char *path = path_of(wire, request->path);
    char name[SYMBOL_SIZE];
    if (wire_query(request->query, "symbol", name, sizeof(name))) {
        const uint16_t symbol = wire_find_symbol(wire, name, strlen(name));
        call.asked = true;
        /* Requests write symbols large. */
        if (symbol != INSTRUMENT_NONE && strcmp(wire->symbols[symbol].instrument.symbol, name) == 0)
            call.symbol = &wire->symbols[symbol];
    }
    if (!wire_query_u64(request->query, "limit", &call.limit, &call.has_limit)) {
        fail(&call, 400, -1100, "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'.");
        return;
    }
    const unsigned on = binance_wire_is_spot(wire) ? ON_SPOT : ON_FUTURES;
    for (size_t i = 0; path != NULL && i < ARRAY_LEN(calls); i++) {
        if (strcmp(path, calls[i].path) != 0 || (calls[i].on & on) == 0)
            continue;
        if (calls[i].run != call_private && strcmp(request->method, "GET") != 0)
            break;
        calls[i].run(&call);
        return;
    }
    if (!pay(&call, 1))
        return;
    wire_text_clear(&wire->answer);
    wire_put(&wire->answer, "{\"code\":-5000,\"msg\":\"Path ");
    const size_t size = strlen(request->path) < 200 ? strlen(request->path) : 200;
    for (size_t i = 0; i < size; i++)
        if (request->path[i] >= ' ' && request->path[i] != '"' && request->path[i] != '\\' && request->path[i] < 127)
            wire_put_char(&wire->answer, request->path[i]);
    wire_put_format(&wire->answer, ", Method %.10s is invalid\"}", request->method);
    finish(&call, 404);
}
