/* link.h: Binance's whole public side, spot and USD-M futures, as a state machine behind adapters/link.h.
 *
 *                    lines                         connections (LINK_CONNS slots)
 *   streams ─► ┌ /public: up to 1024 streams ─► [ now ] and, while it is renewed, [ next ]
 *              ├ /public: the rest
 *              └ /market: trades, marks, candles, tickers        (spot: one route for all)
 *
 *   a book:   connection up ─► diffs are buffered ─► GET /depth ─► snapshot ─► LIVE
 *                                   ▲                   │ too old: again, a little later
 *                                   └── GAP ◄── chain broken, line down, silence, unreadable diff, input dropped
 *
 * A line is a fixed list of streams of one route. Its first streams stand in the URL, the rest follow in SUBSCRIBE
 * messages. It reconnects with back-off (1 s doubling to 60 s). It is renewed before the venue closes it (24 h), when
 * the venue says that it goes down for maintenance, and when it brings nothing: the next connection comes up beside
 * the old one, each stream changes over where both are known to meet (diffs: by their ids; trades: by theirs), and
 * the old one is closed when all have. Nothing is missed and nothing comes twice, so that is no gap.
 *
 * A GAP is told exactly when something may be missing: of the books of a line that went down, of a book whose chain
 * broke, whose stream went silent, or of which a message could not be read; of trades that are found missing after
 * their line was down. CONNECTION_UP and CONNECTION_DOWN (of no instrument) tell of lines that went down unplanned.
 *
 * A line that brings nothing is silent for one of two reasons: nothing happens, or the streams were asked for on a
 * route that does not have them, which Binance accepts and never serves. `said` names the stream and the route.
 *
 * Limits (adapters/rate_limit.h): weight a minute, 90 % of the venue's, lowered by X-MBX-USED-WEIGHT-1M; messages a
 * second on a connection, two of the venue's left to the pongs; connections in five minutes. 429 and 418 stop all
 * GETs.
 *
 * The venue's clock is measured with GET /time, a few times at the start and then twice a minute.
 *
 * The sink's `discover` is not asked (it may be NULL): symbols and instruments are those of the config.
 */
#ifndef TAPEDECK_ADAPTERS_BINANCE_LINK_H
#define TAPEDECK_ADAPTERS_BINANCE_LINK_H

#include "adapters/binance/market.h"
#include "adapters/link.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Is the config one that can be opened? ERR_CONFIG: no, and `why` says which value and what may stand there.
 * `flavour` is spot or USD-M (others: ERR_UNSUPPORTED). */
err_t binance_link_check(enum binance_flavour flavour, const struct link_config *config,
                         struct err_text *why) MUST_USE;
/* What binance_link_check says, and ERR_NOMEM. Sink and wire are copied; what they point to outlives the link. */
err_t binance_link_open(enum binance_flavour flavour, const struct link_config *config,
                        const struct market_sink *sink, const struct link_wire *wire, struct link **link) MUST_USE;

/* Where GET gives the rules of `symbol` (spot: of it alone; futures: of all). `rest` NULL: the venue's own. The text
 * fits LINK_URL_SIZE; ERR_RANGE: it does not. */
err_t binance_exchange_info_url(enum binance_flavour flavour, const char *rest, const char *symbol, char *url,
                                size_t url_size) MUST_USE;
/* The instrument of `symbol` from that answer (padded like a frame): tick, lot, smallest and largest quantity,
 * smallest notional, decimals. ERR_NOTFOUND: the venue does not list it. ERR_STATE: it is listed but not trading now
 * (`why` says its status); the instrument is filled nevertheless. Else as binance_rules_parse. */
err_t binance_exchange_info(enum binance_flavour flavour, const char *text, size_t size, const char *symbol,
                            struct instrument *instrument, struct err_text *why) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
