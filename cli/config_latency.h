/* config_latency.h: the section venue.latency: what belongs together, and the file of measured requests.
 *
 *     req,exch,resp
 *     1723075200000000000,1723075200001830000,1723075200003410000      ns since 1970, one request a line
 *     1723075200250000000,0,1723075200300000000                        0 or less: rejected, never at the venue
 *
 * Empty lines and lines that begin with # are skipped. Rows, and what is made of them, live in the config's tree.
 */
#ifndef TAPEDECK_CLI_CONFIG_LATENCY_H
#define TAPEDECK_CLI_CONFIG_LATENCY_H

#include "cli/config.h"

/* After the section was read: check it, read the file. ERR_CONFIG at the key, with the file and the line. */
err_t config_latency_read(struct run_config *config, struct err_text *why) MUST_USE;

#endif
