/* market.h: Upbit market data: frames in, events out.
 *
 *   {"type":"orderbook","code":"KRW-BTC",...}      the DEFAULT format
 *   {"ty":"orderbook","cd":"KRW-BTC",...}          the SIMPLE format
 *   [{...}]                                        the *_LIST formats, and REST bodies ("market" for the code)
 *
 *   orderbook   BOOK_SNAPSHOT with EVENT_PARTIAL: every message is the whole (visible) book. No sequence numbers:
 *               a book stamped before the last one is dropped and counted
 *   trade       TRADE; EVENT_SELL when the taker asked; seq is the sequential id (beyond 2^53). An id that was seen
 *               among the last ones is dropped and counted; the old trade that opens a subscription (stream type
 *               SNAPSHOT) is remembered, counted, and not emitted
 *   ticker      TICKER; open, high and low are of the UTC day, the volume of 24 hours
 *   candle      CANDLE, never marked closed: Upbit repeats the running one, the last counts
 *   {"status":"UP"}, answers to LIST_SUBSCRIPTIONS: understood, counted
 *
 * Stamps: exch_ts is the trade's own time (trade_timestamp), else the message's (timestamp). Captures from before
 * Upbit had milliseconds there hold whole seconds.
 * Prices and sizes must be kept exactly; accumulated volumes are rounded half-even.
 */
#ifndef TAPEDECK_ADAPTERS_UPBIT_MARKET_H
#define TAPEDECK_ADAPTERS_UPBIT_MARKET_H

#include "adapters/market.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ERR_NOMEM. The sink is copied. */
err_t upbit_market_open(const struct market_sink *sink, struct market **market) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
