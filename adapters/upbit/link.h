/* link.h: Upbit's whole public side as a state machine behind adapters/link.h.
 *
 *   one WebSocket ─► [ now ] and, while it is renewed, [ next ]        all symbols, one request: tickets, types,
 * codes
 *
 *   a book:   subscribed ─► every message is the whole book ─► FRESH ── nothing for half of `stale` ──► GET
 * /v1/orderbook ▲                           ▲                                          │ │ └── the venue shows the
 * same, or newer ────┤ └── subscribed again ◄── GAP ◄── no answer until `stale` ──────────────┘
 *
 * Upbit has no update ids: a message that is missing shows nowhere. But each message is the whole book, so the next
 * one heals it; and a market in which nothing happens sends nothing for minutes. So silence alone proves nothing:
 * when a book was not heard of for half of `stale`, the venue is asked for it (30 levels, as the stream has). The
 * answer, if it is newer than what the stream brought by more than LAG, shows that the stream is dead: it is
 * subscribed again, and the second time in a row the connection is renewed. Without an answer the book is stale: GAP.
 *
 * A GAP is told when something may be missing: of everything when the connection went down or inputs were dropped; of
 * a book that is stale or a message of which could not be read. CONNECTION_UP and CONNECTION_DOWN (of no instrument)
 * tell of connections that were lost, not of those that were renewed.
 *
 * Renewal: the next connection comes up beside the old one and both count until every followed book was heard of
 * there or OVERLAP passed; trades are told apart by their ids, all else by stamps, so nothing is missed and nothing
 * comes twice. Trades are asked for without the opening snapshot, which is a trade of before.
 *
 * Limits: five handshakes a second; five messages a second and 100 a minute on a connection; ten GETs of a group a
 * second, clamped by Remaining-Req. 429 and 418 stop what they are about, a refused handshake too.
 *
 * The venue tells no time but in the Date of its answers, in whole seconds: the clock's offset is known within a
 * second.
 */
#ifndef TAPEDECK_ADAPTERS_UPBIT_LINK_H
#define TAPEDECK_ADAPTERS_UPBIT_LINK_H

#include "adapters/link.h"
#include "adapters/upbit/market.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Is the config one that can be opened? ERR_CONFIG: no, and `why` says which value and what may stand there. */
err_t upbit_link_check(const struct link_config *config, struct err_text *why) MUST_USE;
/* What upbit_link_check says, and ERR_NOMEM. Sink and wire are copied; what they point to outlives the link. */
err_t upbit_link_open(const struct link_config *config, const struct market_sink *sink, const struct link_wire *wire,
                      struct link **link) MUST_USE;

/* Where GET gives the tick of `symbol` now. `rest` NULL: the venue's own. ERR_RANGE: it does not fit. */
err_t upbit_instruments_url(const char *rest, const char *symbol, char *url, size_t url_size) MUST_USE;
/* The instrument of `symbol` by the rules of adapters/upbit/rules.h, held against that answer (padded like a frame).
 * ERR_NOTFOUND: the venue does not list it. ERR_STATE: it tells a tick that today's table does not have (`why` says
 * which); the instrument is filled nevertheless. Else as upbit_rules_instrument. */
err_t upbit_instruments(const char *text, size_t size, const char *symbol, struct instrument *instrument,
                        struct err_text *why) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
