/* links_up.h: from feed.live of a config to the links of a session.
 *
 *   feed.live ─► links_rules (asks the venues, once, before the session) ─► instruments
 *                                                                              │
 *             ─► links_open(wire_feed) ◄───────────────────────────────────────┘   (or those of a session's tape)
 *
 * Instruments are in the order of the config. Link i of the wire feed is entry i of feed.live.
 */
#ifndef TAPEDECK_CLI_LINKS_UP_H
#define TAPEDECK_CLI_LINKS_UP_H

#include "adapters/wire_feed.h"
#include "cli/config.h"

/* "binance-usdm", as instruments name it. Static storage. */
const char *links_venue(const struct config_link *link);

/* Is every entry one that can be opened? ERR_CONFIG at the key. */
err_t links_check(const struct run_config *config, struct err_text *why) MUST_USE;
/* Ask every venue for its rules (ticks, lots, limits) and make the instruments; *instruments is the caller's to free.
 * The system's clock is not looked at, but this waits for the network: before there is a session. */
err_t links_rules(const struct run_config *config, struct instrument **instruments, uint16_t *count,
                  struct err_text *why) MUST_USE;
/* feed.live as a config of its own, to be freed; NULL: no memory. */
char *links_text(const struct run_config *config);
/* Open the links of `wire`, which has config->feed.link_count of them and these instruments. ERR_MISMATCH: a symbol
 * of the config is not among the instruments. */
err_t links_open(const struct run_config *config, const struct instrument *instruments, uint16_t count,
                 struct wire_feed *wire, struct err_text *why) MUST_USE;

#endif
