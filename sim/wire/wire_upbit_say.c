/* wire_upbit_say.c: the messages of Upbit, field by field in the venue's order, with long names or short ones. */
#include "sim/wire/wire_upbit.h"

#include "core/decimal.h"
#include "core/time_text.h"

#define DAY_NS (86400 * NS_PER_S)

/* ---- writing ---- */

void upbit_open(struct upbit_writer *writer, struct wire_text *text, bool brief)
{
    *writer = (struct upbit_writer){.text = text, .brief = brief};
    wire_put_char(text, '{');
}

void upbit_close(struct upbit_writer *writer)
{
    wire_put_char(writer->text, '}');
}

void upbit_name(struct upbit_writer *writer, const char *name, const char *brief)
{
    wire_put(writer->text, writer->any ? ",\"" : "\"");
    wire_put(writer->text, writer->brief ? brief : name);
    wire_put(writer->text, "\":");
    writer->any = true;
}

void upbit_text(struct upbit_writer *writer, const char *name, const char *brief, const char *value)
{
    upbit_name(writer, name, brief);
    wire_put_string(writer->text, value, strlen(value));
}

void upbit_u64(struct upbit_writer *writer, const char *name, const char *brief, uint64_t value)
{
    upbit_name(writer, name, brief);
    wire_put_u64(writer->text, value);
}

/* The digits of a value below 10^-6: "99" at 8 is 9.9E-7. */
static void put_exponent(struct wire_text *text, uint64_t value, unsigned decimals)
{
    char room[24];
    struct wire_text number = wire_text_in(room, sizeof(room));
    while (value % 10 == 0) {
        value /= 10;
        decimals--;
    }
    wire_put_u64(&number, value);
    wire_put_bytes(text, room, 1);
    if (number.size > 1) {
        wire_put_char(text, '.');
        wire_put_bytes(text, room + 1, number.size - 1);
    }
    wire_put(text, "E-");
    wire_put_u64(text, decimals - (number.size - 1));
}

void upbit_number(struct wire_text *text, money_t value, unsigned decimals, unsigned show)
{
    const money_t least = decimals >= 6 ? money_pow10(decimals - 6) : 0;
    if (value > 0 && value < least) {
        put_exponent(text, (uint64_t)value, decimals);
        return;
    }
    wire_put_money(text, value, decimals, show < decimals ? show : decimals);
    if (decimals == 0 && show > 0)
        wire_put(text, ".0");
}

void upbit_price(struct upbit_writer *writer, const char *name, const char *brief, const struct wire_symbol *symbol,
                 px_t price)
{
    upbit_name(writer, name, brief);
    upbit_number(writer->text, price, symbol->instrument.price_decimals, 1);
}

void upbit_qty(struct upbit_writer *writer, const char *name, const char *brief, const struct wire_symbol *symbol,
               qty_t qty)
{
    upbit_name(writer, name, brief);
    upbit_number(writer->text, qty, symbol->instrument.qty_decimals, 0);
}

void upbit_value(struct upbit_writer *writer, const char *name, const char *brief, const struct wire_symbol *symbol,
                 money_t value)
{
    upbit_name(writer, name, brief);
    upbit_number(writer->text, value, (unsigned)symbol->instrument.price_decimals + symbol->instrument.qty_decimals,
                 0);
}

void upbit_time(struct upbit_writer *writer, const char *name, const char *brief, ns_t ts, enum upbit_time form,
                int zone)
{
    char iso[TIME_TEXT_SIZE];
    time_format(ts + zone * 3600 * NS_PER_S, iso); /* 2024-08-08T00:00:01.500000000Z */
    upbit_name(writer, name, brief);
    wire_put_char(writer->text, '"');
    const size_t from = form == UPBIT_CLOCK || form == UPBIT_CLOCK_PLAIN ? 11 : 0;
    const size_t to = form == UPBIT_DATE || form == UPBIT_DATE_PLAIN ? 10 : 19;
    const bool plain = form == UPBIT_DATE_PLAIN || form == UPBIT_CLOCK_PLAIN;
    for (size_t i = from; i < to; i++)
        if (!plain || (iso[i] != '-' && iso[i] != ':'))
            wire_put_char(writer->text, iso[i]);
    wire_put_char(writer->text, '"');
}

/* ---- books ---- */

static uint32_t units_side(const struct book *book, enum side side, uint32_t count, px_t grouping,
                           struct level *levels, qty_t *total)
{
    struct level level;
    uint32_t rows = 0;
    for (bool more = book_best(book, side, &level); more; more = book_next(book, side, level.price, &level)) {
        px_t price = level.price;
        /* Grouped bids are rounded down and asks up: nobody is shown a better price than there is. */
        if (grouping > 0)
            price = side == SIDE_BUY ? price - price % grouping : price + (grouping - price % grouping) % grouping;
        if (rows > 0 && levels[rows - 1].price == price) {
            levels[rows - 1].qty += level.qty;
        } else {
            if (rows == count)
                break;
            levels[rows++] = (struct level){price, level.qty};
        }
        *total += level.qty;
    }
    return rows;
}

void upbit_units_of(const struct book *book, uint32_t count, px_t grouping, struct upbit_units *units)
{
    units->bid_total = units->ask_total = 0;
    units->bid_count = units_side(book, SIDE_BUY, count, grouping, units->bids, &units->bid_total);
    units->ask_count = units_side(book, SIDE_SELL, count, grouping, units->asks, &units->ask_total);
}

void upbit_put_units(struct wire_text *text, const struct wire_symbol *symbol, const struct upbit_units *units,
                     bool brief)
{
    const uint32_t rows = units->bid_count > units->ask_count ? units->bid_count : units->ask_count;
    const struct level none = {0, 0};
    wire_put_char(text, '[');
    for (uint32_t i = 0; i < rows; i++) {
        const struct level *bid = i < units->bid_count ? &units->bids[i] : &none;
        const struct level *ask = i < units->ask_count ? &units->asks[i] : &none;
        struct upbit_writer unit;
        if (i > 0)
            wire_put_char(text, ',');
        upbit_open(&unit, text, brief);
        upbit_price(&unit, "ask_price", "ap", symbol, ask->price);
        upbit_price(&unit, "bid_price", "bp", symbol, bid->price);
        upbit_qty(&unit, "ask_size", "as", symbol, ask->qty);
        upbit_qty(&unit, "bid_size", "bs", symbol, bid->qty);
        upbit_close(&unit);
    }
    wire_put_char(text, ']');
}

px_t upbit_tick_of(const struct wire *wire, const struct wire_symbol *symbol)
{
    const ns_t venue = wire_venue_time(wire, wire->now);
    px_t tick = instrument_tick_table(&symbol->instrument, venue)->bands[0].tick;
    struct level bid = {0, 0}, ask;
    wire_touch(symbol, &bid, &ask);
    if (bid.price > 0)
        (void)!instrument_tick(&symbol->instrument, bid.price, venue, &tick);
    return tick;
}

bool upbit_grouping_is_known(const struct wire *wire, const struct wire_symbol *symbol, px_t grouping)
{
    if (grouping == 0)
        return true;
    if (strcmp(symbol->instrument.quote, "KRW") != 0 || grouping < 0)
        return false;
    px_t step = upbit_tick_of(wire, symbol);
    for (int i = 0; i < 5 && step <= INT64_MAX / 10; i++) {
        step *= 10;
        if (step == grouping)
            return true;
    }
    return false;
}

static void say_book(const struct wire *wire, const struct wire_symbol *symbol, const struct wire_stream *stream,
                     bool live, struct upbit_writer *writer)
{
    struct upbit_units units;
    upbit_units_of(&symbol->book, (uint32_t)stream->param, stream->grouping, &units);
    upbit_text(writer, "type", "ty", "orderbook");
    upbit_text(writer, "code", "cd", symbol->instrument.symbol);
    upbit_u64(writer, "timestamp", "tms", wire_stamp_ms(wire, symbol->book_stamp));
    upbit_qty(writer, "total_ask_size", "tas", symbol, units.ask_total);
    upbit_qty(writer, "total_bid_size", "tbs", symbol, units.bid_total);
    upbit_name(writer, "orderbook_units", "obu");
    upbit_put_units(writer->text, symbol, &units, writer->brief);
    upbit_text(writer, "stream_type", "st", live ? "REALTIME" : "SNAPSHOT");
    upbit_name(writer, "level", "lv");
    upbit_number(writer->text, stream->grouping, symbol->instrument.price_decimals, 0);
}

/* ---- days ---- */

const char *upbit_change_name(px_t change)
{
    return change > 0 ? "RISE" : change < 0 ? "FALL" : "EVEN";
}

bool upbit_day_of(const struct wire *wire, const struct wire_symbol *symbol, struct upbit_day *day)
{
    const ns_t venue = wire_venue_time(wire, wire->now);
    const ns_t midnight = venue - venue % DAY_NS;
    if (!wire_candles_span(&symbol->candles, venue - DAY_NS, NS_MAX, &day->last))
        return false;
    if (!wire_candles_span(&symbol->candles, midnight, NS_MAX, &day->today)) {
        const px_t close = day->last.close;
        day->today = (struct wire_candle){.open = close, .high = close, .low = close, .close = close};
    }
    day->previous = wire_candles_close_before(&symbol->candles, midnight);
    if (day->previous == 0)
        day->previous = day->today.open;
    day->change = day->today.close - day->previous;
    return true;
}

static px_t size_of(px_t change)
{
    return change < 0 ? -change : change;
}

static void put_rate(struct upbit_writer *writer, const char *name, const char *brief, px_t change, px_t previous)
{
    const money_t rate = money_divide((money_t)change * 10000000000, (money_t)previous, ROUND_HALF_AWAY);
    upbit_name(writer, name, brief);
    wire_put_money(writer->text, rate, 10, 1);
}

/* ---- trades ---- */

static bool say_trade(const struct wire *wire, const struct wire_symbol *symbol, bool live,
                      struct upbit_writer *writer)
{
    struct upbit_day day;
    struct level bid, ask;
    if (symbol->prints.count == 0 || !upbit_day_of(wire, symbol, &day))
        return false;
    const struct wire_trade *trade = wire_trade_at(&symbol->prints, symbol->prints.count - 1);
    const px_t change = trade->price - day.previous;
    wire_touch(symbol, &bid, &ask);
    upbit_text(writer, "type", "ty", "trade");
    upbit_text(writer, "code", "cd", symbol->instrument.symbol);
    upbit_u64(writer, "timestamp", "tms", wire_stamp_ms(wire, trade->stamp));
    upbit_time(writer, "trade_date", "td", trade->stamp, UPBIT_DATE, 0);
    upbit_time(writer, "trade_time", "ttm", trade->stamp, UPBIT_CLOCK, 0);
    upbit_u64(writer, "trade_timestamp", "ttms", wire_stamp_ms(wire, trade->stamp));
    upbit_price(writer, "trade_price", "tp", symbol, trade->price);
    upbit_qty(writer, "trade_volume", "tv", symbol, trade->qty);
    if ((trade->flags & EVENT_NO_SIDE) == 0)
        upbit_text(writer, "ask_bid", "ab", (trade->flags & EVENT_SELL) != 0 ? "ASK" : "BID");
    upbit_price(writer, "prev_closing_price", "pcp", symbol, day.previous);
    upbit_text(writer, "change", "c", upbit_change_name(change));
    upbit_price(writer, "change_price", "cp", symbol, size_of(change));
    upbit_u64(writer, "sequential_id", "sid", trade->id);
    upbit_price(writer, "best_ask_price", "bap", symbol, ask.price);
    upbit_qty(writer, "best_ask_size", "bas", symbol, ask.qty);
    upbit_price(writer, "best_bid_price", "bbp", symbol, bid.price);
    upbit_qty(writer, "best_bid_size", "bbs", symbol, bid.qty);
    upbit_text(writer, "stream_type", "st", live ? "REALTIME" : "SNAPSHOT");
    return true;
}

static bool say_ticker(const struct wire *wire, const struct wire_symbol *symbol, bool live,
                       struct upbit_writer *writer)
{
    struct upbit_day day;
    if (symbol->prints.count == 0 || !upbit_day_of(wire, symbol, &day))
        return false;
    const struct wire_trade *trade = wire_trade_at(&symbol->prints, symbol->prints.count - 1);
    upbit_text(writer, "type", "ty", "ticker");
    upbit_text(writer, "code", "cd", symbol->instrument.symbol);
    upbit_price(writer, "opening_price", "op", symbol, day.today.open);
    upbit_price(writer, "high_price", "hp", symbol, day.today.high);
    upbit_price(writer, "low_price", "lp", symbol, day.today.low);
    upbit_price(writer, "trade_price", "tp", symbol, trade->price);
    upbit_price(writer, "prev_closing_price", "pcp", symbol, day.previous);
    upbit_text(writer, "change", "c", upbit_change_name(day.change));
    upbit_price(writer, "change_price", "cp", symbol, size_of(day.change));
    upbit_price(writer, "signed_change_price", "scp", symbol, day.change);
    put_rate(writer, "change_rate", "cr", size_of(day.change), day.previous);
    put_rate(writer, "signed_change_rate", "scr", day.change, day.previous);
    upbit_qty(writer, "trade_volume", "tv", symbol, trade->qty);
    upbit_qty(writer, "acc_trade_volume", "atv", symbol, day.today.volume);
    upbit_qty(writer, "acc_trade_volume_24h", "atv24h", symbol, day.last.volume);
    upbit_value(writer, "acc_trade_price", "atp", symbol, day.today.value);
    upbit_value(writer, "acc_trade_price_24h", "atp24h", symbol, day.last.value);
    upbit_time(writer, "trade_date", "tdt", trade->stamp, UPBIT_DATE_PLAIN, 0);
    upbit_time(writer, "trade_time", "ttm", trade->stamp, UPBIT_CLOCK_PLAIN, 0);
    upbit_u64(writer, "trade_timestamp", "ttms", wire_stamp_ms(wire, trade->stamp));
    upbit_text(writer, "ask_bid", "ab", (trade->flags & EVENT_SELL) != 0 ? "ASK" : "BID");
    upbit_qty(writer, "acc_ask_volume", "aav", symbol, day.today.volume - day.today.bought);
    upbit_qty(writer, "acc_bid_volume", "abv", symbol, day.today.bought);
    /* A year is not kept: the extremes are those of the last 24 hours. */
    upbit_price(writer, "highest_52_week_price", "h52wp", symbol, day.last.high);
    upbit_time(writer, "highest_52_week_date", "h52wdt", trade->stamp, UPBIT_DATE, 0);
    upbit_price(writer, "lowest_52_week_price", "l52wp", symbol, day.last.low);
    upbit_time(writer, "lowest_52_week_date", "l52wdt", trade->stamp, UPBIT_DATE, 0);
    upbit_text(writer, "market_state", "ms", "ACTIVE");
    upbit_name(writer, "is_trading_suspended", "its");
    wire_put(writer->text, "false");
    upbit_name(writer, "delisting_date", "dd");
    wire_put(writer->text, "null");
    upbit_text(writer, "market_warning", "mw", "NONE");
    upbit_u64(writer, "timestamp", "tms", wire_stamp_ms(wire, trade->stamp));
    upbit_text(writer, "stream_type", "st", live ? "REALTIME" : "SNAPSHOT");
    return true;
}

/* ---- candles ---- */

static bool say_candle(const struct wire *wire, const struct wire_symbol *symbol, const struct wire_stream *stream,
                       bool live, struct upbit_writer *writer)
{
    const unsigned interval = (unsigned)stream->param;
    struct wire_candle candle;
    if (wire_candles_list(&symbol->candles, interval, INT64_MIN, NS_MAX / 2, false, &candle, 1) != 1)
        return false;
    char type[24] = "candle.";
    const uint32_t seconds = wire_interval_seconds[interval];
    struct wire_text text = wire_text_in(type, sizeof(type));
    text.size = 7;
    wire_put_u64(&text, seconds < 60 ? seconds : seconds / 60);
    wire_put_bytes(&text, seconds < 60 ? "s" : "m", 2);
    upbit_text(writer, "type", "ty", type);
    upbit_text(writer, "code", "cd", symbol->instrument.symbol);
    upbit_time(writer, "candle_date_time_utc", "cdttmu", candle.open_ts, UPBIT_ISO, 0);
    upbit_time(writer, "candle_date_time_kst", "cdttmk", candle.open_ts, UPBIT_ISO, 9);
    upbit_price(writer, "opening_price", "op", symbol, candle.open);
    upbit_price(writer, "high_price", "hp", symbol, candle.high);
    upbit_price(writer, "low_price", "lp", symbol, candle.low);
    upbit_price(writer, "trade_price", "tp", symbol, candle.close);
    upbit_qty(writer, "candle_acc_trade_volume", "catv", symbol, candle.volume);
    upbit_value(writer, "candle_acc_trade_price", "catp", symbol, candle.value);
    upbit_u64(writer, "timestamp", "tms", wire_stamp_ms(wire, candle.last_ts));
    upbit_text(writer, "stream_type", "st", live ? "REALTIME" : "SNAPSHOT");
    return true;
}

bool upbit_say(struct wire *wire, const struct wire_symbol *symbol, const struct wire_stream *stream, bool brief,
               bool live, struct wire_text *text)
{
    struct upbit_writer writer;
    bool said = true;
    upbit_open(&writer, text, brief);
    switch ((enum wire_kind)stream->kind) {
    case WIRE_TOP:
        said = symbol->has_book && upbit_grouping_is_known(wire, symbol, stream->grouping);
        if (said)
            say_book(wire, symbol, stream, live, &writer);
        break;
    case WIRE_PRINTS:
        said = say_trade(wire, symbol, live, &writer);
        break;
    case WIRE_TICKER:
        said = say_ticker(wire, symbol, live, &writer);
        break;
    case WIRE_KLINE:
        said = say_candle(wire, symbol, stream, live, &writer);
        break;
    default:
        return false;
    }
    upbit_close(&writer);
    return said;
}
