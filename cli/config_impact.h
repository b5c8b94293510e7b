/* config_impact.h: the section venue.impact, and what it is for one instrument. */
#ifndef TAPEDECK_CLI_CONFIG_IMPACT_H
#define TAPEDECK_CLI_CONFIG_IMPACT_H

#include "cli/config.h"

/* After the section was read: what belongs together, and what has nothing to belong to. ERR_CONFIG at the key. */
err_t config_impact_check(const struct run_config *config, struct err_text *why) MUST_USE;

#endif
