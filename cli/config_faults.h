/* config_faults.h: the section venue.faults, and its lists of fixed windows:
 *
 *     outages: "2024-08-08T01:00:00Z/30s, 2024-08-08T02:10:00Z/5m"        begin and length, rising, apart
 */
#ifndef TAPEDECK_CLI_CONFIG_FAULTS_H
#define TAPEDECK_CLI_CONFIG_FAULTS_H

#include "cli/config.h"

/* After the section was read: what belongs together, and the lists. ERR_CONFIG at the key. */
err_t config_faults_read(struct run_config *config, struct err_text *why) MUST_USE;

#endif
