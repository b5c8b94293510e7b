/* config_latency.h: the sections venue.latency and feed.latency: what belongs together, and their files of measured
 * delays (latency_file.h). What is made of the files' rows lives in the config's tree.
 */
#ifndef TAPEDECK_CLI_CONFIG_LATENCY_H
#define TAPEDECK_CLI_CONFIG_LATENCY_H

#include "cli/config.h"

/* After the sections were read: check them, read the files. ERR_CONFIG at the key, with the file and the line. */
err_t config_latency_read(struct run_config *config, struct err_text *why) MUST_USE;

#endif
