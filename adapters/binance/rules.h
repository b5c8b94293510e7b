/* rules.h: what Binance lets one trade: from exchangeInfo where there is one, from the symbol's name where not.
 *
 *   exchangeInfo ── symbols[] ── filters[] ─► tick, lot, minimums ─► struct instrument
 *   "BTCUSD_PERP", decimals ─────────────────► currencies, contract, a grid of one unit
 *
 * pricePrecision and quantityPrecision are not the tick and the lot; they are how finely the venue prints. The
 * instrument keeps the finer of both, so that levels off today's grid fit too.
 *
 * What held at which date, as far as anybody wrote it down, is in rules_data.c.
 *
 * Fees are those of an account without volume: spot 0.1 %, contracts 0.02 % maker and 0.05 % taker.
 */
#ifndef TAPEDECK_ADAPTERS_BINANCE_RULES_H
#define TAPEDECK_ADAPTERS_BINANCE_RULES_H

#include "adapters/binance/market.h"
#include "core/venue_rules.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rules, limits and error codes by date (rules_data.c). */
extern const struct venue_profile binance_spot_profile, binance_usdm_profile, binance_coinm_profile;

/* Each symbol of an exchangeInfo body (padded like a frame), whatever its status. An error of `found` ends the walk
 * and is returned. ERR_SYNTAX, ERR_RANGE, ERR_PRECISION: `why` says which symbol and filter. `flavour` is not
 * BINANCE_AUTO (asserted). */
typedef err_t (*binance_rules_fn)(void *context, const struct instrument *instrument);
err_t binance_rules_parse(enum binance_flavour flavour, const char *text, size_t size, binance_rules_fn found,
                          void *context, struct err_text *why) MUST_USE;

/* The instrument of a symbol of which only the name and the decimals are known. The currencies come from the name's
 * ending (longest known quote currency; "?" when none fits). COIN-M contracts are worth 100 USD for BTC and 10 USD
 * for the rest. ERR_RANGE: the name is too long, or decimals beyond DECIMALS_MAX. */
err_t binance_rules_guess(enum binance_flavour flavour, const char *symbol, size_t symbol_size,
                          unsigned price_decimals, unsigned qty_decimals, struct instrument *instrument) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
