/* market.h: Binance market data (spot, USD-M, COIN-M): frames in, events out.
 *
 *   {"stream":"btcusdt@depth","data":{...}}    or the data alone
 *
 *   depthUpdate              BOOK_DELTA, through the venue's synchronisation (adapters/sync_book.h)
 *   {"lastUpdateId":...}     BOOK_SNAPSHOT (a REST body; its symbol comes from the body, the frame, or is the only
 *                            one known)
 *   @depth5, 10, 20          BOOK_SNAPSHOT with EVENT_PARTIAL, as long as the symbol has no diff stream
 *   trade                    TRADE; EVENT_SELL when the buyer was the maker; EVENT_SPECIAL unless "X" is MARKET
 *   aggTrade                 TRADE with EVENT_AGGREGATE; seq_first..seq are the trade ids that it merges
 *   bookTicker               BBO (spot sends no kind and no stamps)
 *   markPriceUpdate          MARK (prices rounded half-even to the book's decimals, the rate to 10^-12)
 *   kline                    CANDLE (accumulated volumes are rounded half-even to the instrument's decimals)
 *   24hrTicker, miniTicker   TICKER (likewise)
 *   liquidations, rolling windows, indices, answers to requests: understood, counted, not emitted
 *
 * Stamps: exch_ts is "T" (transaction time) where there is one, else "E"; milliseconds, or microseconds where the
 * number is that large. "E" goes backwards between streams; it is watched within each stream alone.
 *
 * The rule for a frame is read off the frame itself ("pu" makes it a futures diff), so that a machine opened with
 * BINANCE_AUTO reads any of the three; what it found it says in binance_market_flavour. A bare partial-depth frame
 * of futures cannot be told from a diff (only the stream's name differs): take partial depth with the wrapper.
 */
#ifndef TAPEDECK_ADAPTERS_BINANCE_MARKET_H
#define TAPEDECK_ADAPTERS_BINANCE_MARKET_H

#include "adapters/market.h"

#ifdef __cplusplus
extern "C" {
#endif

enum binance_flavour { BINANCE_AUTO, BINANCE_SPOT, BINANCE_USDM, BINANCE_COINM };

/* ERR_NOMEM. The sink is copied. With a flavour other than AUTO, frames of another flavour are refused. */
err_t binance_market_open(enum binance_flavour flavour, const struct market_sink *sink,
                          struct market **market) MUST_USE;

/* The flavour as opened, or with BINANCE_AUTO as the frames have shown it so far: known at the latest when
 * `discover` is asked, and after a successful `scan` of a market-data frame. */
enum binance_flavour binance_market_flavour(const struct market *market);

/* "binance-spot", "binance-usdm", "binance-coinm"; "binance" for AUTO. Static storage. */
const char *binance_flavour_venue(enum binance_flavour flavour);

#ifdef __cplusplus
}
#endif
#endif
