/* ci_baseline.h: what a case came to when it was last recorded: one small text file a case, for review in a pull
 * request.
 *
 * JSON, two blanks an indent, keys sorted, one value a line, texts exact: docs/ci.md. It is written when anything in
 * it but the binary has changed, so that a new build alone leaves the files as they are.
 */
#ifndef TAPEDECK_CLI_CI_BASELINE_H
#define TAPEDECK_CLI_CI_BASELINE_H

#include "cli/ci_suite.h"

#include "cli/json_out.h"

/* The record (ci_case.h). ERR_NOTFOUND: there is none yet; ERR_CORRUPT, ERR_VERSION: what is there is not one. */
err_t ci_baseline_read(const struct ci_suite *suite, const struct ci_case *one, json_t **record,
                       struct err_text *why) MUST_USE;
enum ci_recorded { CI_RECORDED_NEW, CI_RECORDED_CHANGED, CI_RECORDED_SAME };
err_t ci_baseline_write(const struct ci_suite *suite, const struct ci_case *one, json_t *record,
                        enum ci_recorded *recorded, struct err_text *why) MUST_USE;
/* "baselines/maker.json"; false: too long. */
#define CI_PATH_SIZE 4096
bool ci_baseline_path(const struct ci_suite *suite, const struct ci_case *one, char path[CI_PATH_SIZE]);

#endif
