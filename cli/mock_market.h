/* mock_market.h: the market of the mock server: tapes, a made market, or as many depth frames as are asked for.
 *
 *   tape ─► [clip] ─┐
 *   tape ─► [clip] ─┴─► merged by venue time ─► struct mock_source
 *   synth (endless) ──────────────────────────►
 *   load: a stretch of a made market, again and again, with ids that go on
 *
 * Time is the venue's here (exch_ts): the server says what the venue said, when it said it. Streams of one tape are
 * stamped a little out of step; events keep the order of their tape, and one that is stamped before the one ahead of
 * it is played with it. Events without a stamp are stamped with their arrival, or with the last stamp if that is
 * later.
 */
#ifndef TAPEDECK_CLI_MOCK_MARKET_H
#define TAPEDECK_CLI_MOCK_MARKET_H

#include "cli/options.h"
#include "feeds/synth_market.h"
#include "sim/wire/shell/mock_server.h"

struct mock_market;

/* Instruments of the same symbol in several tapes are one. from 0 and to NS_MAX: all of them. */
err_t mock_market_tapes(struct mock_market **market, const struct option_list *tapes, ns_t from, ns_t to, bool loop,
                        struct err_text *why) MUST_USE;
/* Upbit writes a market as quote and base: SYN1USDT is USDT-SYN1 there; KRW-BTC stays. After one of those around. */
void mock_market_upbit_names(struct mock_market *market);
err_t mock_market_synth(struct mock_market **market, const struct synth_config *config,
                        struct err_text *why) MUST_USE;
err_t mock_market_load(struct mock_market **market, const struct synth_config *config, struct err_text *why) MUST_USE;
void mock_market_close(struct mock_market *market);

const struct instrument *mock_market_instruments(const struct mock_market *market, uint16_t *count);
/* Lives as long as the market. */
struct mock_source mock_market_source(struct mock_market *market);

#endif
