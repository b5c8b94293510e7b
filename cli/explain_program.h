/* explain_program.h: another build of this program, asked and run.
 *
 *   PATH --version ─► its build id        PATH run CONFIG --json ─► the result of a run, as it would be in
 * result.json
 *
 * Nothing but its command line is relied on, so that any version that prints results will do.
 */
#ifndef TAPEDECK_CLI_EXPLAIN_PROGRAM_H
#define TAPEDECK_CLI_EXPLAIN_PROGRAM_H

#include "cli/json_out.h"

#define EXPLAIN_BUILD_SIZE 80

/* ERR_NOTFOUND, ERR_PERMISSION: it cannot be started; ERR_UNSUPPORTED: it is no tapedeck. */
err_t explain_program_build(const char *program, char build[EXPLAIN_BUILD_SIZE], struct err_text *why) MUST_USE;
/* Execute a config (text), without files. The result is to be released. ERR_CONFIG: it refused, in its own words;
 * ERR_INTERRUPTED. */
err_t explain_program_run(const char *program, const char *config, json_t **result, struct err_text *why) MUST_USE;

#endif
