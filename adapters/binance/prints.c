/* prints.c: Binance messages that are not books: trades, best prices, marks, candles, tickers. */
#include "adapters/binance/frame.h"

#include <string.h>

/* Symbol and stamp of a message. True in `done`: there is nothing more to do (ignored symbol). */
static err_t begin(struct binance *binance, enum binance_field stamp, const char *stamp_name,
                   struct market_symbol **symbol, ns_t *exch_ts, bool *done, struct err_text *why)
{
    err_t err = machine_symbol_of(&binance->machine, &binance->values[F_SYMBOL], "s", symbol, why);
    if (UNLIKELY(err != ERR_OK))
        return err;
    *done = false;
    *exch_ts = 0;
    if (UNLIKELY((*symbol)->ignored)) {
        (*symbol)->stats->others += !binance->machine.checking;
        *done = true;
        return ERR_OK;
    }
    if (binance_has(binance, stamp))
        return wire_time(&binance->values[stamp], stamp_name, exch_ts, why);
    if (binance_has(binance, F_EVENT_TIME))
        return wire_time(&binance->values[F_EVENT_TIME], "E", exch_ts, why);
    return ERR_OK;
}

static err_t price_of(const struct binance *binance, const struct market_symbol *symbol, enum binance_field field,
                      const char *name, px_t *price, struct err_text *why)
{
    return wire_decimal(&binance->values[field], machine_place(symbol, name), symbol->price_decimals, ROUND_EXACT,
                        WIRE_NOT_NEGATIVE, price, why);
}

static err_t qty_of(const struct binance *binance, const struct market_symbol *symbol, enum binance_field field,
                    const char *name, qty_t *qty, struct err_text *why)
{
    return wire_decimal(&binance->values[field], machine_place(symbol, name), symbol->qty_decimals, ROUND_EXACT,
                        WIRE_NOT_NEGATIVE, qty, why);
}

err_t binance_trade(struct binance *binance, const struct frame *frame, bool aggregate, struct err_text *why)
{
    const struct json_value *values = binance->values;
    struct market_symbol *symbol;
    struct level level;
    ns_t exch_ts;
    uint64_t id, seq, seq_first = 0;
    bool buyer_is_maker, done;
    err_t err = begin(binance, F_TIME, "T", &symbol, &exch_ts, &done, why);
    if (UNLIKELY(err != ERR_OK || done))
        return err;
    enum binance_field id_field = aggregate ? F_ASKS : F_TRADE_ID;
    if ((err = wire_u64(&values[id_field], aggregate ? "a" : "t", &id, why)) != ERR_OK ||
        (err = price_of(binance, symbol, F_PRICE, "p", &level.price, why)) != ERR_OK ||
        (err = qty_of(binance, symbol, F_QTY, "q", &level.qty, why)) != ERR_OK ||
        (err = wire_bool(&values[F_BUYER_IS_MAKER], "m", &buyer_is_maker, why)) != ERR_OK)
        return err;
    seq = id;
    if (aggregate && ((err = wire_u64(&values[F_FIRST_TRADE], "f", &seq_first, why)) != ERR_OK ||
                      (err = wire_u64(&values[F_LAST_TRADE], "l", &seq, why)) != ERR_OK))
        return err;
    bool special = binance_has(binance, F_TRADE_TYPE) && !json_is(&values[F_TRADE_TYPE], "MARKET", 6);
    if (UNLIKELY((level.price == 0 || level.qty == 0) && !special))
        return err_say(why, ERR_RANGE, "%s \"%s\": a trade at zero", symbol->text, level.price == 0 ? "p" : "q");
    if (UNLIKELY(binance->machine.checking))
        return ERR_OK;
    if (UNLIKELY(!recent_ids_add(aggregate ? &symbol->aggregates : &symbol->trades, id))) {
        symbol->stats->duplicates++;
        return ERR_OK;
    }
    (void)machine_stamp(symbol, aggregate ? STREAM_AGGREGATE : STREAM_TRADE, exch_ts);
    if (UNLIKELY(level.price == 0 || level.qty == 0)) {
        symbol->stats->others++; /* an insurance-fund or ADL print without a price: nothing traded in the book */
        return ERR_OK;
    }
    symbol->stats->trades++;
    const struct event event = {.ts = frame->ts,
                                .exch_ts = exch_ts,
                                .seq = seq,
                                .seq_first = seq_first,
                                .levels = &level,
                                .bid_count = 1,
                                .instrument = symbol->number,
                                .kind = EVENT_TRADE,
                                .flags =
                                    (uint8_t)((buyer_is_maker ? EVENT_SELL : 0) | (aggregate ? EVENT_AGGREGATE : 0) |
                                              (special ? EVENT_SPECIAL : 0))};
    return machine_emit(&binance->machine, &event);
}

err_t binance_bbo(struct binance *binance, const struct frame *frame, struct err_text *why)
{
    struct market_symbol *symbol;
    struct level bid, ask;
    ns_t exch_ts;
    uint64_t seq;
    bool done;
    err_t err = begin(binance, F_TIME, "T", &symbol, &exch_ts, &done, why);
    if (UNLIKELY(err != ERR_OK || done))
        return err;
    if ((err = wire_u64(&binance->values[F_LAST_ID], "u", &seq, why)) != ERR_OK ||
        (err = price_of(binance, symbol, F_BIDS, "b", &bid.price, why)) != ERR_OK ||
        (err = qty_of(binance, symbol, F_BID_QTY, "B", &bid.qty, why)) != ERR_OK ||
        (err = price_of(binance, symbol, F_ASKS, "a", &ask.price, why)) != ERR_OK ||
        (err = qty_of(binance, symbol, F_ASK_QTY, "A", &ask.qty, why)) != ERR_OK)
        return err;
    if (UNLIKELY(binance->machine.checking))
        return ERR_OK;
    (void)machine_stamp(symbol, STREAM_BBO, exch_ts);
    symbol->stats->bbos++;
    /* An empty side is sent as zeros. */
    struct level levels[2];
    uint32_t bids = 0, asks = 0;
    if (LIKELY(bid.price > 0 && bid.qty > 0))
        levels[bids++] = bid;
    if (LIKELY(ask.price > 0 && ask.qty > 0))
        levels[bids + asks++] = ask;
    const struct event event = {.ts = frame->ts,
                                .exch_ts = exch_ts,
                                .seq = seq,
                                .levels = levels,
                                .bid_count = bids,
                                .ask_count = asks,
                                .instrument = symbol->number,
                                .kind = EVENT_BBO};
    return machine_emit(&binance->machine, &event);
}

static err_t emit_body(struct binance *binance, const struct market_symbol *symbol, const struct frame *frame,
                       ns_t exch_ts, uint8_t kind, const void *body)
{
    symbol->stats->others++;
    const struct event event = {
        .ts = frame->ts, .exch_ts = exch_ts, .body = body, .instrument = symbol->number, .kind = kind};
    return machine_emit(&binance->machine, &event);
}

/* A value that may be absent, or an empty string, for want of one: 0 then. */
static err_t optional(const struct json_value *value, struct wire_place place, unsigned decimals,
                      enum rounding rounding, int64_t *number, struct err_text *why)
{
    *number = 0;
    if (value->kind == JSON_ABSENT || value->kind == JSON_NULL || (value->kind == JSON_STRING && value->size == 0))
        return ERR_OK;
    return wire_decimal(value, place, decimals, rounding, WIRE_ANY, number, why);
}

/* "T" is the next funding time here, so "E" is the stamp. */
err_t binance_mark(struct binance *binance, const struct frame *frame, struct err_text *why)
{
    const struct json_value *values = binance->values;
    struct market_symbol *symbol;
    struct event_mark mark;
    ns_t exch_ts;
    bool done;
    memset(&mark, 0, sizeof(mark));
    err_t err = begin(binance, F_EVENT_TIME, "E", &symbol, &exch_ts, &done, why);
    if (err != ERR_OK || done)
        return err;
    unsigned decimals = symbol->price_decimals;
    if ((err = wire_decimal(&values[F_PRICE], machine_place(symbol, "p"), decimals, ROUND_HALF_EVEN,
                            WIRE_NOT_NEGATIVE, &mark.mark_price, why)) != ERR_OK ||
        (err = optional(&values[F_INDEX_PRICE], machine_place(symbol, "i"), decimals, ROUND_HALF_EVEN,
                        &mark.index_price, why)) != ERR_OK ||
        (err = optional(&values[F_FUNDING_RATE], machine_place(symbol, "r"), 12, ROUND_HALF_EVEN, &mark.funding_rate,
                        why)) != ERR_OK)
        return err;
    if (binance_has(binance, F_TIME) && (err = wire_time(&values[F_TIME], "T", &mark.next_funding_ts, why)) != ERR_OK)
        return err;
    if (binance->machine.checking)
        return ERR_OK;
    (void)machine_stamp(symbol, STREAM_MARK, exch_ts);
    return emit_body(binance, symbol, frame, exch_ts, EVENT_MARK, &mark);
}

err_t binance_kline(struct binance *binance, const struct frame *frame, struct err_text *why)
{
    const struct json_value *object = &binance->values[F_KLINE];
    const struct json_value *kline = binance->kline;
    struct market_symbol *symbol;
    struct event_candle candle;
    ns_t exch_ts, close_ts;
    bool done, closed;
    memset(&candle, 0, sizeof(candle));
    err_t err = begin(binance, F_EVENT_TIME, "E", &symbol, &exch_ts, &done, why);
    if (err != ERR_OK || done)
        return err;
    if (object->kind != JSON_OBJECT)
        return err_say(why, ERR_SYNTAX, "\"k\": expected an object");
    err = json_members(binance->machine.json, object->text, object->size, &binance->kline_shape, binance->kline, why);
    if (err != ERR_OK)
        return err;
    const struct {
        unsigned field;
        const char *name;
        px_t *price;
    } prices[] = {{K_OPEN, "k.o", &candle.open},
                  {K_HIGH, "k.h", &candle.high},
                  {K_LOW, "k.l", &candle.low},
                  {K_CLOSE, "k.c", &candle.close}};
    for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
        err = wire_decimal(&kline[prices[i].field], machine_place(symbol, prices[i].name), symbol->price_decimals,
                           ROUND_EXACT, WIRE_POSITIVE, prices[i].price, why);
        if (err != ERR_OK)
            return err;
    }
    if ((err = wire_decimal(&kline[K_VOLUME], machine_place(symbol, "k.v"), symbol->qty_decimals, ROUND_HALF_EVEN,
                            WIRE_NOT_NEGATIVE, &candle.volume, why)) != ERR_OK ||
        (err = wire_time(&kline[K_OPEN_TIME], "k.t", &candle.open_ts, why)) != ERR_OK ||
        (err = wire_time(&kline[K_CLOSE_TIME], "k.T", &close_ts, why)) != ERR_OK ||
        (err = wire_bool(&kline[K_CLOSED], "k.x", &closed, why)) != ERR_OK)
        return err;
    const struct json_value *quote = &kline[K_QUOTE];
    if ((quote->kind != JSON_STRING && quote->kind != JSON_NUMBER) ||
        decimal_parse_money(quote->text, quote->size, (unsigned)symbol->price_decimals + symbol->qty_decimals,
                            ROUND_HALF_EVEN, &candle.quote_volume) != ERR_OK ||
        candle.quote_volume < 0)
        return err_say(why, ERR_SYNTAX, "\"k.q\": expected an amount of money");
    if (close_ts < candle.open_ts)
        return err_say(why, ERR_RANGE, "\"k.T\": the candle closes before it opens");
    /* "T" is the last millisecond of the candle. */
    candle.interval = close_ts - candle.open_ts + NS_PER_MS;
    candle.closed = closed;
    if (binance->machine.checking)
        return ERR_OK;
    (void)machine_stamp(symbol, STREAM_CANDLE, exch_ts);
    return emit_body(binance, symbol, frame, exch_ts, EVENT_CANDLE, &candle);
}

err_t binance_ticker(struct binance *binance, const struct frame *frame, struct err_text *why)
{
    struct market_symbol *symbol;
    struct event_ticker ticker;
    ns_t exch_ts;
    bool done;
    memset(&ticker, 0, sizeof(ticker));
    err_t err = begin(binance, F_EVENT_TIME, "E", &symbol, &exch_ts, &done, why);
    if (err != ERR_OK || done)
        return err;
    if ((err = price_of(binance, symbol, F_CLOSE, "c", &ticker.last_price, why)) != ERR_OK ||
        (err = price_of(binance, symbol, F_OPEN, "o", &ticker.open_24h, why)) != ERR_OK ||
        (err = price_of(binance, symbol, F_HIGH, "h", &ticker.high_24h, why)) != ERR_OK ||
        (err = price_of(binance, symbol, F_LAST_TRADE, "l", &ticker.low_24h, why)) != ERR_OK ||
        (err = wire_decimal(&binance->values[F_VOLUME], machine_place(symbol, "v"), symbol->qty_decimals,
                            ROUND_HALF_EVEN, WIRE_NOT_NEGATIVE, &ticker.volume_24h, why)) != ERR_OK)
        return err;
    if (binance_has(binance, F_LAST_QTY) &&
        (err = qty_of(binance, symbol, F_LAST_QTY, "Q", &ticker.last_qty, why)) != ERR_OK)
        return err;
    if (binance->machine.checking)
        return ERR_OK;
    (void)machine_stamp(symbol, STREAM_TICKER, exch_ts);
    return emit_body(binance, symbol, frame, exch_ts, EVENT_TICKER, &ticker);
}
