/* rules.h: what Upbit lets one trade, at which date: tick tables, lots, minimums, fees.
 *
 *   "KRW-BTC" ─► quote KRW, base BTC ─► struct instrument with the tick tables of all dates
 *
 * A tick holds for prices from the lower bound of its band (inclusive). Tables change at midnight in Korea:
 *
 *   KRW markets    until 2024-01-29 │ until 2025-07-31 │ since
 *     exceptions   16 coins: tick 1 from 100 to 1,000, 2024-10-01 to 2025-07-31
 *                  USDT, USDC: tick 0.5 from 1,000 to 10,000 since 2025-03-21
 *   BTC markets    0.00000001
 *   USDT markets   one table, in force since 2024-08-19; what held before is not known and taken to be the same
 *
 * Smallest order: 5,000 KRW, 0.00005 BTC, 0.5 USDT. Quantities have eight decimals. Fees: 0.05 % in KRW markets,
 * 0.25 % elsewhere, maker and taker alike.
 *
 * Sources: docs.upbit.com/kr, pages krw-market-info, btc-market-info, usdt-market-info and their change log; the
 * table until 2025-07-31 is the one in wide use in client libraries of 2024. Live sessions take the tick of the
 * moment from /v1/orderbook/instruments; these tables are for replaying days on which nobody asked.
 */
#ifndef TAPEDECK_ADAPTERS_UPBIT_RULES_H
#define TAPEDECK_ADAPTERS_UPBIT_RULES_H

#include "core/instrument.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Enough for every price and size that Upbit shows. */
#define UPBIT_PRICE_DECIMALS 8
#define UPBIT_QTY_DECIMALS   8

/* The instrument of a market such as "KRW-BTC" (need not be NUL-terminated). With fewer price decimals than eight,
 * ticks finer than a unit become one unit. ERR_SYNTAX: not QUOTE-BASE; ERR_RANGE: too long, or decimals beyond
 * DECIMALS_MAX; ERR_UNKNOWN: a quote currency without rules (then the grid is one unit and there is no minimum,
 * and `instrument` is filled all the same). */
err_t upbit_rules_instrument(const char *market, size_t market_size, unsigned price_decimals, unsigned qty_decimals,
                             struct instrument *instrument) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
