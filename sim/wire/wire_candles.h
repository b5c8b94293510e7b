/* wire_candles.h: candles that the venue makes of its trades: by second and by minute, kept for a while.
 *
 *   trade ─► seconds ring (the last WIRE_SECONDS with a trade)
 *        └─► minutes ring (the last WIRE_MINUTES with a trade)     longer intervals are folded from minutes
 *
 * Only intervals with a trade have a row. Bounds are whole multiples of the interval since 1970, weeks begin on
 * Monday and months on the 1st (wire_interval_start). What is older than the rings is not known any more.
 */
#ifndef TAPEDECK_SIM_WIRE_CANDLES_H
#define TAPEDECK_SIM_WIRE_CANDLES_H

#include "core/instrument.h"

#define WIRE_SECONDS 1024
#define WIRE_MINUTES 2048

struct wire_candle {
    ns_t open_ts;
    px_t open, high, low, close;
    qty_t volume, bought;        /* bought: by takers */
    money_t value, bought_value; /* at price + quantity decimals */
    uint64_t first_id, last_id;
    ns_t last_ts; /* stamp of the last trade */
    uint64_t count;
};

struct wire_candles {
    struct wire_candle *seconds, *minutes;
    uint64_t second_count, minute_count; /* rows ever; row i is at i % size */
    uint64_t trades;
};

/* name on Binance, length; 0: a month */
#define WIRE_INTERVAL_MAP(X)                                                                                         \
    X("1s", 1)                                                                                                       \
    X("1m", 60)                                                                                                      \
    X("3m", 180)                                                                                                     \
    X("5m", 300)                                                                                                     \
    X("10m", 600)                                                                                                    \
    X("15m", 900)                                                                                                    \
    X("30m", 1800)                                                                                                   \
    X("1h", 3600)                                                                                                    \
    X("2h", 7200)                                                                                                    \
    X("4h", 14400)                                                                                                   \
    X("6h", 21600)                                                                                                   \
    X("8h", 28800)                                                                                                   \
    X("12h", 43200)                                                                                                  \
    X("1d", 86400)                                                                                                   \
    X("3d", 259200)                                                                                                  \
    X("1w", 604800)                                                                                                  \
    X("1M", 0)
#define WIRE_INTERVALS 17
extern const char *const wire_interval_names[WIRE_INTERVALS];
extern const uint32_t wire_interval_seconds[WIRE_INTERVALS];
/* -1: no such interval. */
int wire_interval_find(const char *name, size_t size);
/* Beginning of the interval that holds `ts`, and the beginning of the next one. */
ns_t wire_interval_start(unsigned interval, ns_t ts);
ns_t wire_interval_next(unsigned interval, ns_t start);

bool wire_candles_init(struct wire_candles *candles) MUST_USE;
void wire_candles_deinit(struct wire_candles *candles);
void wire_candles_trade(struct wire_candles *candles, ns_t stamp, px_t price, qty_t qty, bool sold, uint64_t first_id,
                        uint64_t last_id);
/* The candle of an interval that begins at `start`. False: nothing was traded in it, as far as is known. */
bool wire_candles_fold(const struct wire_candles *candles, unsigned interval, ns_t start, struct wire_candle *candle);
/* All trades with stamps in [from, to), by whole minutes. False: none. */
bool wire_candles_span(const struct wire_candles *candles, ns_t from, ns_t to, struct wire_candle *candle);
/* Up to `capacity` candles of an interval with from <= open_ts < to, the newest ones if there are more, oldest first.
 * With `empty`, intervals without a trade repeat the close before them. */
uint32_t wire_candles_list(const struct wire_candles *candles, unsigned interval, ns_t from, ns_t to, bool empty,
                           struct wire_candle *rows, uint32_t capacity);
/* The last trade's price before `ts`, or 0. */
px_t wire_candles_close_before(const struct wire_candles *candles, ns_t ts);

#endif
