/* config_perp.h: the sections venue.margin and venue.funding. */
#ifndef TAPEDECK_CLI_CONFIG_PERP_H
#define TAPEDECK_CLI_CONFIG_PERP_H

#include "cli/config.h"
#include "sim/perp.h"

/* After the sections were read: what belongs together, and the files. ERR_CONFIG at the key. */
err_t config_perp_read(struct run_config *config, struct err_text *why) MUST_USE;
/* What the venue is told. `rules` has room for all instruments; *rows is the caller's to free (NULL: none). */
err_t run_config_perp(const struct run_config *config, const struct instrument *instruments, uint16_t count,
                      struct perp_config *perp, struct margin_rules *rules, struct funding_row **rows,
                      struct err_text *why) MUST_USE;

#endif
