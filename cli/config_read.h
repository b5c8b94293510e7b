/* config_read.h: from the tree to struct run_config, by the schema (config_read.c), and back to text
 * (config_write.c). Used by config.c only. */
#ifndef TAPEDECK_CLI_CONFIG_READ_H
#define TAPEDECK_CLI_CONFIG_READ_H

#include "cli/config.h"
#include "cli/config_tree.h"

/* Fill `config` (zeroed, config->tree set) from the tree; load the strategy; check what belongs together.
 * `directory` is the config's folder, "" for the current one. */
err_t config_read(struct run_config *config, const char *directory, struct err_text *why) MUST_USE;
/* Set config->resolved and config->hash. */
err_t config_write(struct run_config *config, struct err_text *why) MUST_USE;

#endif
