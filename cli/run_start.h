/* run_start.h: what a run is, written before its first input: start.json of its directory.
 *
 *   config.yaml, orders.csv ..., journal.tape ─► start.json ─► first input ─► ...      by rename, with a seal
 * (seal.h)
 *
 * A run that is killed leaves no result.json; this is what it can be executed again from: seed, binary, hashes of the
 * config, the tapes and all other files that it read, and where it was started. No start.json: no input was handled.
 */
#ifndef TAPEDECK_CLI_RUN_START_H
#define TAPEDECK_CLI_RUN_START_H

#include "cli/run_inputs.h"
#include "cli/world_up.h"

#define RUN_START_FILE   "start.json"
#define RUN_START_FORMAT 1
#define RUN_START_MAX    (16u << 20)

/* Nothing when `dir` is NULL. config.yaml must lie there already: its hash is taken. */
err_t run_start_write(const char *dir, const struct run_config *config, const struct stage *stage,
                      const struct run_inputs *inputs, struct err_text *why) MUST_USE;
/* ERR_NOTFOUND: there is none; ERR_CORRUPT, ERR_VERSION. */
err_t run_start_read(const char *dir, json_t **start, struct err_text *why) MUST_USE;

/* What the binary and the tapes of a run are: in start.json, result.json and manifest.json alike. */
json_t *run_binary_json(void);
json_t *run_tapes_json(const struct stage *stage);

#endif
