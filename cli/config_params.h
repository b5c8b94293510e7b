/* config_params.h: the section strategy.params: the strategy's own table, its state, and the files that it names. */
#ifndef TAPEDECK_CLI_CONFIG_PARAMS_H
#define TAPEDECK_CLI_CONFIG_PARAMS_H

#include "cli/config.h"

#define PARAM_FILE_BYTES_MAX ((size_t)1 << 30)

/* The strategy is known: make its state, fill in its parameters, read its files. `directory` is what relative paths
 * in the file start from. ERR_CONFIG at the key. */
err_t config_params_read(struct run_config *config, const char *directory, struct err_text *why) MUST_USE;
/* The state as it was after reading: `first` is a copy of its first state_size bytes, the rest is zeros again. */
void config_params_renew(struct run_config *config, const void *first);
/* Give the state back. */
void config_params_free(struct run_config *config);
/* The place of a PARAM_FILE in the state. */
const struct strategy_file *config_params_file(const struct run_config *config, const struct strategy_param *param);

#endif
