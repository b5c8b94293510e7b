/* instrument.h: what is traded, in which units, under which rules at which date.
 *
 * Prices and quantities of an instrument are int64 in units of 10^-price_decimals and
 * 10^-qty_decimals; a notional (price x quantity) is exact in a money_t at the sum of both scales.
 *
 * Rules are dated: a tick table holds from `from_ts` until the next one begins, and replaying an old
 * day uses the rules of that day. A table may have price bands (Upbit):
 *
 *     tables[0] from 1970 ── bands { from 0: tick 1 } { from 1000: tick 5 } ...
 *     tables[1] from 2025-07-31 ── bands ...
 *
 * A book accepts levels off the grid (old orders survive a tick change); only orders are checked.
 */
#ifndef TAPEDECK_CORE_INSTRUMENT_H
#define TAPEDECK_CORE_INSTRUMENT_H

#include "core/decimal.h"

#ifdef __cplusplus
extern "C" {
#endif

#define INSTRUMENTS_MAX 1024
#define TICK_BANDS_MAX  24
#define TICK_TABLES_MAX 6
#define NAME_SIZE       24 /* venue, currency: NUL included */
#define SYMBOL_SIZE     40 /* symbol: NUL included */
#define FEE_DECIMALS    9  /* a fee rate is an int64 at this scale: 0.0005 is 500000 */

enum contract_kind {
    CONTRACT_SPOT,    /* base against quote; balances of both */
    CONTRACT_LINEAR,  /* profit in quote (settle == quote): quantity x price move x multiplier */
    CONTRACT_INVERSE, /* profit in base (settle == base): contracts x multiplier x (1/entry - 1/exit) */
};

struct tick_band {
    px_t from; /* >= 0; the band holds from this price (inclusive) to the next band's */
    px_t tick; /* > 0 */
};

struct tick_table {
    ns_t from_ts; /* the table holds from this time (inclusive) to the next table's */
    uint32_t band_count;
    struct tick_band bands[TICK_BANDS_MAX]; /* bands rising by `from`; bands[0].from is the lowest price */
};

struct instrument {
    char venue[NAME_SIZE];    /* "binance-usdm", "binance-coinm", "binance-spot", "upbit", "synthetic" */
    char symbol[SYMBOL_SIZE]; /* as the venue writes it: "BTCUSDT", "KRW-BTC" */
    char base[NAME_SIZE];
    char quote[NAME_SIZE];
    char settle[NAME_SIZE]; /* currency of profit and fees of contracts; quote for spot */
    enum contract_kind contract;
    uint8_t price_decimals; /* scale of px_t */
    uint8_t qty_decimals;   /* scale of qty_t */
    uint8_t price_show;     /* at least this many decimals when shown as text, <= price_decimals */
    uint8_t qty_show;       /* the same for quantities */
    uint32_t tick_table_count;
    struct tick_table tick_tables[TICK_TABLES_MAX]; /* rising by from_ts; at least one */
    qty_t lot;                                      /* quantity step, > 0 */
    qty_t qty_min;                                  /* smallest order, 0: none */
    qty_t qty_max;                                  /* largest order, 0: none */
    money_t notional_min; /* smallest order value at price_decimals + qty_decimals, 0: none */
    int64_t multiplier;   /* contract size at multiplier_decimals; 1 for spot and most linear contracts */
    uint8_t multiplier_decimals;
    int64_t maker_fee; /* rate at FEE_DECIMALS; may be negative (a rebate) */
    int64_t taker_fee;
    bool
        fee_received; /* spot: a fee is taken from what the fill brings, a buy's from the base; else from the quote */
};

/* Zeroed but valid: one tick table from the beginning of time with one band, tick and lot of one unit,
 * multiplier 1. A name that is empty, does not fit its field, or is not UTF-8 without blanks and control
 * characters is ERR_RANGE, as are too many decimals. */
err_t instrument_init(struct instrument *instrument, const char *venue, const char *symbol, const char *base,
                      const char *quote, enum contract_kind contract, unsigned price_decimals,
                      unsigned qty_decimals) MUST_USE;
/* Every field in range, tables and bands rising, ticks positive. */
err_t instrument_check(const struct instrument *instrument, struct err_text *why) MUST_USE;
/* Replace all tables by one with a single band. */
void instrument_set_tick(struct instrument *instrument, px_t tick);

/* The table in force at `ts` (the first table for earlier times); lives as long as the instrument. */
const struct tick_table *instrument_tick_table(const struct instrument *instrument, ns_t ts);
/* The tick of `price` at `ts`. A price <= 0 or below the first band has no tick: ERR_RANGE, never a default. */
err_t instrument_tick(const struct instrument *instrument, px_t price, ns_t ts, px_t *tick) MUST_USE;
/* True when `price` is a multiple of its band's tick at `ts`. */
bool instrument_on_tick(const struct instrument *instrument, px_t price, ns_t ts);
/* Nearest price on the grid in the named direction (ROUND_FLOOR, ROUND_CEIL, ROUND_HALF_AWAY: others are
 * asserted); a price that rounds into the next band is on that band's grid too. Grid lines are multiples of the
 * band's tick counted from zero. ERR_RANGE for a price <= 0, and if nothing positive fits that way (to the
 * nearest: in neither way). */
err_t instrument_round_price(const struct instrument *instrument, px_t price, ns_t ts, enum rounding rounding,
                             px_t *rounded) MUST_USE;
/* Quantity truncated to the lot (toward zero). */
qty_t instrument_round_qty(const struct instrument *instrument, qty_t qty);

/* price x qty, exact, at price_decimals + qty_decimals. */
static inline money_t instrument_notional(px_t price, qty_t qty)
{
    return (money_t)price * qty;
}

/* Decimal value at `decimals` (a parameter, say) to this instrument's scale. */
err_t instrument_price_from(const struct instrument *instrument, int64_t value, unsigned decimals,
                            enum rounding rounding, px_t *price) MUST_USE;
err_t instrument_qty_from(const struct instrument *instrument, int64_t value, unsigned decimals,
                          enum rounding rounding, qty_t *qty) MUST_USE;

/* Text with the instrument's decimals; buffers of DECIMAL_TEXT_SIZE; return the length. */
size_t instrument_format_price(const struct instrument *instrument, px_t price, char *text);
size_t instrument_format_qty(const struct instrument *instrument, qty_t qty, char *text);

/* Does no instrument before this one of the list settle in its currency? A walk over a list meets each settle
 * currency once this way, in the order of the instruments. */
bool instrument_is_first_of_settle(const struct instrument *instruments, uint16_t number);

const char *contract_kind_name(enum contract_kind kind); /* "spot", "linear", "inverse" */
err_t contract_kind_parse(const char *name, enum contract_kind *kind) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
