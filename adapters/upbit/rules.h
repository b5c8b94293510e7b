/* rules.h: what Upbit lets one trade, at which date: tick tables, lots, minimums, fees.
 *
 *   "KRW-BTC" ─► quote KRW, base BTC ─► struct instrument with the tick tables of all dates
 *
 * What holds from which day, and who says so, is a table of its own: rules_data.c, upbit_profile. Ticks, smallest and
 * largest orders, fees, request limits and the names of errors are there, once; core/venue_rules.h says how its rows
 * are read, docs/venues.md tells users.
 *
 * Live sessions take the tick of the moment from /v1/orderbook/instruments; the table is for replaying days on which
 * nobody asked.
 */
#ifndef TAPEDECK_ADAPTERS_UPBIT_RULES_H
#define TAPEDECK_ADAPTERS_UPBIT_RULES_H

#include "core/instrument.h"
#include "core/venue_rules.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct venue_profile upbit_profile;

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
