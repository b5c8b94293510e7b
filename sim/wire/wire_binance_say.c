/* wire_binance_say.c: the messages of Binance's streams, field by field in the venue's order.
 *
 * "E", the time of sending, is the stamp of what is told: a tape has one stamp a message, and what a frame says must
 * not depend on how fast it is played. */
#include "sim/wire/wire_binance.h"

#include "core/decimal.h"

#define DAY_NS     (86400 * NS_PER_S)
#define FUNDING_NS (28800 * NS_PER_S)

void binance_put_price(struct wire_text *text, const struct instrument *instrument, px_t price)
{
    wire_put_char(text, '"');
    wire_put_decimal(text, price, instrument->price_decimals, instrument->price_show);
    wire_put_char(text, '"');
}

void binance_put_qty(struct wire_text *text, const struct instrument *instrument, qty_t qty)
{
    wire_put_char(text, '"');
    wire_put_decimal(text, qty, instrument->qty_decimals, instrument->qty_show);
    wire_put_char(text, '"');
}

void binance_put_level(struct wire_text *text, const struct instrument *instrument, const struct level *level)
{
    wire_put(text, "[\"");
    wire_put_decimal(text, level->price, instrument->price_decimals, instrument->price_show);
    wire_put(text, "\",\"");
    wire_put_decimal(text, level->qty, instrument->qty_decimals, instrument->qty_show);
    wire_put(text, "\"]");
}

static void put_value(struct wire_text *text, const struct instrument *instrument, money_t value)
{
    wire_put_char(text, '"');
    wire_put_money(text, value, (unsigned)instrument->price_decimals + instrument->qty_decimals, 0);
    wire_put_char(text, '"');
}

static void put_levels(struct wire_text *text, const struct instrument *instrument, const char *name,
                       const struct level *levels, uint32_t count)
{
    wire_put(text, name);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            wire_put_char(text, ',');
        binance_put_level(text, instrument, &levels[i]);
    }
    wire_put_char(text, ']');
}

static void put_number(struct wire_text *text, const char *name, uint64_t value)
{
    wire_put(text, name);
    wire_put_u64(text, value);
}

/* {"e":"depthUpdate","E":1571889248277 */
static struct wire_text *begin(struct wire *wire, const char *event, ns_t stamp)
{
    struct wire_text *say = &wire->say;
    wire_text_clear(say);
    wire_put(say, "{\"e\":\"");
    wire_put(say, event);
    put_number(say, "\",\"E\":", wire_stamp_ms(wire, stamp));
    return say;
}

static void put_symbol(struct wire *wire, const struct wire_symbol *symbol)
{
    wire_put(&wire->say, ",\"s\":\"");
    wire_put(&wire->say, symbol->instrument.symbol);
    wire_put_char(&wire->say, '"');
}

/* COIN-M says the pair too: BTCUSD of BTCUSD_PERP. */
static void put_pair(struct wire *wire, const struct wire_symbol *symbol)
{
    if (wire->config.venue != WIRE_BINANCE_COINM)
        return;
    const char *name = symbol->instrument.symbol;
    wire_put(&wire->say, ",\"ps\":\"");
    wire_put_bytes(&wire->say, name, strcspn(name, "_"));
    wire_put_char(&wire->say, '"');
}

void binance_say_depth(struct wire *wire, const struct wire_symbol *symbol, const struct wire_diff *diff)
{
    const bool futures = !binance_wire_is_spot(wire);
    struct wire_text *say = begin(wire, "depthUpdate", diff->stamp);
    if (futures)
        put_number(say, ",\"T\":", wire_stamp_ms(wire, diff->stamp));
    put_symbol(wire, symbol);
    put_pair(wire, symbol);
    put_number(say, ",\"U\":", diff->first);
    put_number(say, ",\"u\":", diff->last);
    if (futures)
        put_number(say, ",\"pu\":", diff->previous);
    put_levels(say, &symbol->instrument, ",\"b\":[", diff->levels, diff->bid_count);
    put_levels(say, &symbol->instrument, ",\"a\":[", diff->levels + diff->bid_count, diff->ask_count);
    wire_put_char(say, '}');
}

void binance_say_top(struct wire *wire, struct wire_symbol *symbol, struct wire_stream *stream)
{
    struct level bids[20], asks[20];
    const uint32_t bid_count = book_top(&symbol->book, SIDE_BUY, bids, (uint32_t)stream->param);
    const uint32_t ask_count = book_top(&symbol->book, SIDE_SELL, asks, (uint32_t)stream->param);
    struct wire_text *say = &wire->say;
    if (binance_wire_is_spot(wire)) {
        wire_text_clear(say);
        put_number(say, "{\"lastUpdateId\":", symbol->book_id);
        put_levels(say, &symbol->instrument, ",\"bids\":[", bids, bid_count);
        put_levels(say, &symbol->instrument, ",\"asks\":[", asks, ask_count);
    } else {
        const uint64_t first = stream->said != 0 ? stream->said + 1 : symbol->book_id;
        begin(wire, "depthUpdate", symbol->book_stamp);
        put_number(say, ",\"T\":", wire_stamp_ms(wire, symbol->book_stamp));
        put_symbol(wire, symbol);
        put_pair(wire, symbol);
        put_number(say, ",\"U\":", first);
        put_number(say, ",\"u\":", symbol->book_id);
        put_number(say, ",\"pu\":", first - 1);
        put_levels(say, &symbol->instrument, ",\"b\":[", bids, bid_count);
        put_levels(say, &symbol->instrument, ",\"a\":[", asks, ask_count);
    }
    wire_put_char(say, '}');
    stream->said = symbol->book_id;
}

void binance_say_bbo(struct wire *wire, const struct wire_symbol *symbol)
{
    const struct instrument *instrument = &symbol->instrument;
    struct wire_text *say = &wire->say;
    wire_text_clear(say);
    if (binance_wire_is_spot(wire)) {
        put_number(say, "{\"u\":", symbol->bbo_id);
    } else {
        put_number(say, "{\"e\":\"bookTicker\",\"u\":", symbol->bbo_id);
        put_number(say, ",\"E\":", wire_stamp_ms(wire, symbol->bbo_stamp));
        put_number(say, ",\"T\":", wire_stamp_ms(wire, symbol->bbo_stamp));
    }
    put_symbol(wire, symbol);
    put_pair(wire, symbol);
    wire_put(say, ",\"b\":");
    binance_put_price(say, instrument, symbol->bbo[0].price);
    wire_put(say, ",\"B\":");
    binance_put_qty(say, instrument, symbol->bbo[0].qty);
    wire_put(say, ",\"a\":");
    binance_put_price(say, instrument, symbol->bbo[1].price);
    wire_put(say, ",\"A\":");
    binance_put_qty(say, instrument, symbol->bbo[1].qty);
    wire_put_char(say, '}');
}

static void put_price_qty(struct wire *wire, const struct wire_symbol *symbol, const struct wire_trade *trade)
{
    wire_put(&wire->say, ",\"p\":");
    binance_put_price(&wire->say, &symbol->instrument, trade->price);
    wire_put(&wire->say, ",\"q\":");
    binance_put_qty(&wire->say, &symbol->instrument, trade->qty);
}

/* "m": the buyer was the maker, so the aggressor sold. */
static void put_maker(struct wire *wire, const struct wire_trade *trade)
{
    wire_put(&wire->say, (trade->flags & EVENT_SELL) != 0 ? ",\"m\":true" : ",\"m\":false");
    wire_put(&wire->say, binance_wire_is_spot(wire) ? ",\"M\":true}" : "}");
}

/* USD-M has this stream and has never written it down; its fields are those that are seen in recordings. */
void binance_say_print(struct wire *wire, const struct wire_symbol *symbol, const struct wire_trade *trade)
{
    const bool spot = binance_wire_is_spot(wire);
    struct wire_text *say = begin(wire, "trade", trade->stamp);
    if (!spot)
        put_number(say, ",\"T\":", wire_stamp_ms(wire, trade->stamp));
    put_symbol(wire, symbol);
    put_number(say, ",\"t\":", trade->id);
    put_price_qty(wire, symbol, trade);
    if (spot)
        put_number(say, ",\"T\":", wire_stamp_ms(wire, trade->stamp));
    else
        wire_put(say, (trade->flags & EVENT_SPECIAL) != 0 ? ",\"X\":\"INSURANCE_FUND\"" : ",\"X\":\"MARKET\"");
    put_maker(wire, trade);
}

void binance_say_aggregate(struct wire *wire, const struct wire_symbol *symbol, const struct wire_trade *trade)
{
    struct wire_text *say = begin(wire, "aggTrade", trade->stamp);
    put_symbol(wire, symbol);
    put_number(say, ",\"a\":", trade->id);
    put_price_qty(wire, symbol, trade);
    if (wire->config.venue == WIRE_BINANCE_USDM) {
        wire_put(say, ",\"nq\":");
        binance_put_qty(say, &symbol->instrument, trade->qty);
    }
    put_number(say, ",\"f\":", trade->first);
    put_number(say, ",\"l\":", trade->last);
    put_number(say, ",\"T\":", wire_stamp_ms(wire, trade->stamp));
    put_maker(wire, trade);
}

void binance_say_kline(struct wire *wire, const struct wire_symbol *symbol, unsigned interval,
                       const struct wire_candle *candle, bool closed)
{
    const struct instrument *instrument = &symbol->instrument;
    const ns_t next = wire_interval_next(interval, candle->open_ts);
    const ns_t venue = wire_venue_time(wire, wire->now);
    struct wire_text *say = begin(wire, "kline", closed ? next : venue);
    const struct {
        const char *name;
        px_t price;
    } prices[] = {
        {",\"o\":", candle->open}, {",\"c\":", candle->close}, {",\"h\":", candle->high}, {",\"l\":", candle->low}};
    put_symbol(wire, symbol);
    put_number(say, ",\"k\":{\"t\":", (uint64_t)(candle->open_ts / NS_PER_MS));
    put_number(say, ",\"T\":", (uint64_t)(next / NS_PER_MS - 1));
    put_symbol(wire, symbol);
    wire_put(say, ",\"i\":\"");
    wire_put(say, wire_interval_names[interval]);
    wire_put(say, "\",\"f\":");
    wire_put_i64(say, candle->count > 0 ? (int64_t)candle->first_id : -1);
    wire_put(say, ",\"L\":");
    wire_put_i64(say, candle->count > 0 ? (int64_t)candle->last_id : -1);
    for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
        wire_put(say, prices[i].name);
        binance_put_price(say, instrument, prices[i].price);
    }
    wire_put(say, ",\"v\":");
    binance_put_qty(say, instrument, candle->volume);
    put_number(say, ",\"n\":", candle->count);
    wire_put(say, closed ? ",\"x\":true,\"q\":" : ",\"x\":false,\"q\":");
    put_value(say, instrument, candle->value);
    wire_put(say, ",\"V\":");
    binance_put_qty(say, instrument, candle->bought);
    wire_put(say, ",\"Q\":");
    put_value(say, instrument, candle->bought_value);
    wire_put(say, ",\"B\":\"0\"}}");
}

/* ---- marks ---- */

struct event_mark binance_mark_of(const struct wire *wire, const struct wire_symbol *symbol)
{
    struct event_mark mark = symbol->mark;
    struct level bid, ask;
    if (!symbol->has_mark) {
        wire_touch(symbol, &bid, &ask);
        mark.mark_price = bid.qty != 0 && ask.qty != 0 ? (bid.price + ask.price) / 2 : bid.price + ask.price;
    }
    if (mark.index_price == 0)
        mark.index_price = mark.mark_price;
    if (mark.next_funding_ts == 0) {
        const ns_t venue = wire_venue_time(wire, wire->now);
        mark.next_funding_ts = venue - venue % FUNDING_NS + FUNDING_NS;
    }
    return mark;
}

void binance_put_mark(struct wire *wire, const struct wire_symbol *symbol)
{
    const struct event_mark mark = binance_mark_of(wire, symbol);
    const struct instrument *instrument = &symbol->instrument;
    struct wire_text *say = &wire->say;
    put_number(say, "{\"e\":\"markPriceUpdate\",\"E\":", wire_stamp_ms(wire, wire_venue_time(wire, wire->now)));
    put_symbol(wire, symbol);
    wire_put(say, ",\"p\":");
    binance_put_price(say, instrument, mark.mark_price);
    if (wire->config.venue == WIRE_BINANCE_USDM) {
        wire_put(say, ",\"ap\":");
        binance_put_price(say, instrument, mark.mark_price);
    }
    wire_put(say, ",\"i\":");
    binance_put_price(say, instrument, mark.index_price);
    wire_put(say, ",\"P\":");
    binance_put_price(say, instrument, mark.mark_price);
    wire_put(say, ",\"r\":\"");
    wire_put_decimal(say, mark.funding_rate, 12, 8);
    put_number(say, "\",\"T\":", (uint64_t)(mark.next_funding_ts / NS_PER_MS));
    wire_put_char(say, '}');
}

/* ---- the last 24 hours ---- */

bool binance_day_of(const struct wire *wire, const struct wire_symbol *symbol, struct binance_day *day)
{
    const ns_t venue = wire_venue_time(wire, wire->now);
    day->close_ts = venue;
    day->open_ts = venue - DAY_NS;
    if (!wire_candles_span(&symbol->candles, day->open_ts, NS_MAX, &day->candle))
        return false;
    struct wire_candle *candle = &day->candle;
    if (symbol->has_ticker) {
        /* The venue's own words of the day: the tape may have begun later. */
        const struct event_ticker *ticker = &symbol->ticker;
        candle->open = ticker->open_24h;
        candle->high = ticker->high_24h > candle->high ? ticker->high_24h : candle->high;
        candle->low = ticker->low_24h < candle->low ? ticker->low_24h : candle->low;
    }
    day->change = candle->close - candle->open;
    day->change_percent = candle->open > 0 ? (int64_t)money_divide((money_t)day->change * 100000,
                                                                   (money_t)candle->open, ROUND_HALF_AWAY)
                                           : 0;
    day->average = candle->volume > 0 ? (px_t)money_divide(candle->value, (money_t)candle->volume, ROUND_HALF_AWAY)
                                      : candle->close;
    wire_touch(symbol, &day->bid, &day->ask);
    return true;
}

void binance_put_ticker(struct wire *wire, const struct wire_symbol *symbol, bool mini)
{
    const struct instrument *instrument = &symbol->instrument;
    struct wire_text *say = &wire->say;
    struct binance_day day;
    if (!binance_day_of(wire, symbol, &day))
        return;
    const struct wire_candle *candle = &day.candle;
    const struct wire_trade *last = wire_trade_at(&symbol->prints, symbol->prints.count - 1);
    const bool spot = binance_wire_is_spot(wire);
    wire_put(say, mini ? "{\"e\":\"24hrMiniTicker\",\"E\":" : "{\"e\":\"24hrTicker\",\"E\":");
    wire_put_u64(say, wire_stamp_ms(wire, day.close_ts));
    put_symbol(wire, symbol);
    put_pair(wire, symbol);
#define PRICE(name, value) (wire_put(say, name), binance_put_price(say, instrument, value))
#define QTY(name, value)   (wire_put(say, name), binance_put_qty(say, instrument, value))
    if (!mini) {
        PRICE(",\"p\":", day.change);
        wire_put(say, ",\"P\":\"");
        wire_put_decimal(say, day.change_percent, 3, 3);
        wire_put(say, "\"");
        PRICE(",\"w\":", day.average);
        if (spot)
            PRICE(",\"x\":", candle->open);
    }
    PRICE(",\"c\":", candle->close);
    if (!mini)
        QTY(",\"Q\":", last->qty);
    if (!mini && spot) {
        PRICE(",\"b\":", day.bid.price);
        QTY(",\"B\":", day.bid.qty);
        PRICE(",\"a\":", day.ask.price);
        QTY(",\"A\":", day.ask.qty);
    }
    PRICE(",\"o\":", candle->open);
    PRICE(",\"h\":", candle->high);
    PRICE(",\"l\":", candle->low);
    QTY(",\"v\":", candle->volume);
#undef PRICE
#undef QTY
    wire_put(say, ",\"q\":");
    put_value(say, instrument, candle->value);
    if (!mini) {
        put_number(say, ",\"O\":", (uint64_t)(day.open_ts / NS_PER_MS));
        put_number(say, ",\"C\":", (uint64_t)(day.close_ts / NS_PER_MS));
        put_number(say, ",\"F\":", candle->first_id);
        put_number(say, ",\"L\":", candle->last_id);
        put_number(say, ",\"n\":", candle->count);
    }
    wire_put_char(say, '}');
}
