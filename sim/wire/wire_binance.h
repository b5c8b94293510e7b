/* wire_binance.h: the words of Binance, between the files that write them.
 *
 * Three markets in one, by struct wire's venue: USD-M futures, COIN-M futures and spot. They differ in the fields of
 * a message, in the routes under which a stream speaks, and in paths, weights and limits; the tables are in the
 * files. */
#ifndef TAPEDECK_SIM_WIRE_BINANCE_H
#define TAPEDECK_SIM_WIRE_BINANCE_H

#include "sim/wire/wire_state.h"

static inline bool binance_wire_is_spot(const struct wire *wire)
{
    return wire->config.venue == WIRE_BINANCE_SPOT;
}

/* ---- wire_binance_streams.c ---- */
enum binance_route {
    ROUTE_ALL,    /* spot, COIN-M: one place for all */
    ROUTE_LEGACY, /* USD-M without a route: connects, answers, and delivers public data only */
    ROUTE_PUBLIC,
    ROUTE_MARKET,
    ROUTE_PRIVATE,
};
/* What a name means, and the route under which it speaks. Names that mean nothing are silent streams: the venue takes
 * them too. `size` is below WIRE_NAME_SIZE. */
void binance_parse_stream(const struct wire *wire, const char *name, size_t size, struct wire_stream *stream,
                          enum binance_route *home);
void binance_on_depth(struct wire *wire, struct wire_symbol *symbol, const struct wire_diff *diff);
void binance_on_bbo(struct wire *wire, struct wire_symbol *symbol);
void binance_on_print(struct wire *wire, struct wire_symbol *symbol, const struct wire_trade *trade);
void binance_on_aggregate(struct wire *wire, struct wire_symbol *symbol, const struct wire_trade *trade);
void binance_on_beat(struct wire *wire, struct wire_symbol *symbol, uint32_t number);

/* ---- wire_binance_say.c: each leaves its message in wire->say ---- */
void binance_say_depth(struct wire *wire, const struct wire_symbol *symbol, const struct wire_diff *diff);
void binance_say_top(struct wire *wire, struct wire_symbol *symbol, struct wire_stream *stream);
void binance_say_bbo(struct wire *wire, const struct wire_symbol *symbol);
void binance_say_print(struct wire *wire, const struct wire_symbol *symbol, const struct wire_trade *trade);
void binance_say_aggregate(struct wire *wire, const struct wire_symbol *symbol, const struct wire_trade *trade);
void binance_say_kline(struct wire *wire, const struct wire_symbol *symbol, unsigned interval,
                       const struct wire_candle *candle, bool closed);
/* These two append, so that arrays can be made of them. */
void binance_put_mark(struct wire *wire, const struct wire_symbol *symbol);
void binance_put_ticker(struct wire *wire, const struct wire_symbol *symbol, bool mini);

/* What lists of numbers look like: ["61659.70","1.486"] */
void binance_put_level(struct wire_text *text, const struct instrument *instrument, const struct level *level);
void binance_put_price(struct wire_text *text, const struct instrument *instrument, px_t price);
void binance_put_qty(struct wire_text *text, const struct instrument *instrument, qty_t qty);
/* Mark price, next funding; of the tape, or the middle of the touch and no funding rate. */
struct event_mark binance_mark_of(const struct wire *wire, const struct wire_symbol *symbol);
/* The last 24 hours. False: no trade yet. */
struct binance_day {
    struct wire_candle candle;
    px_t change, average;
    int64_t change_percent; /* at 3 decimals */
    struct level bid, ask;
    ns_t open_ts, close_ts;
};
bool binance_day_of(const struct wire *wire, const struct wire_symbol *symbol, struct binance_day *day);

/* ---- wire_binance_rest.c, wire_binance_info.c ---- */
void binance_request(struct wire *wire, ns_t now, const struct wire_request *request);
void binance_put_exchange_info(struct wire *wire, const uint16_t *symbols, uint32_t count);
void binance_put_day(struct wire *wire, const struct wire_symbol *symbol, bool mini);

#endif
