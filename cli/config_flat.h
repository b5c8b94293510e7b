/* config_flat.h: a config as one list of keys, so that two can be held against each other key by key. */
#ifndef TAPEDECK_CLI_CONFIG_FLAT_H
#define TAPEDECK_CLI_CONFIG_FLAT_H

#include "cli/json_out.h"

/* {"venue.fees.maker": "0.0002", ...} of every scalar that is set in a YAML text; NULL: it is none, or is empty. */
json_t *config_flat(const char *text, size_t size);

#endif
