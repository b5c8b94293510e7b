/* ci_report.h: the comparisons of a suite, shown: as text, JSON, JUnit XML and Markdown.
 *
 * All four show the same object, in the order of the suite:
 *
 *   {suite, strict, exit_code, cases: [comparison (ci_compare.h)], counts: {verdict: number}}
 */
#ifndef TAPEDECK_CLI_CI_REPORT_H
#define TAPEDECK_CLI_CI_REPORT_H

#include "cli/ci_compare.h"

#include <stdio.h>

/* Takes the reference of `cases`. The exit code is that of the worst verdict. */
json_t *ci_report_new(const char *suite, json_t *cases, bool strict);
int ci_report_code(const json_t *report);

void ci_report_print(const json_t *report);
/* For CI systems that read test results. Written over. ERR_IO, ERR_NOSPACE, ERR_PERMISSION. */
err_t ci_report_junit(const json_t *report, const char *path, struct err_text *why) MUST_USE;
/* For people, added to the end: $GITHUB_STEP_SUMMARY is shared by the commands of a step. */
err_t ci_report_markdown(const json_t *report, const char *path, struct err_text *why) MUST_USE;

/* What there is to say of a case beyond its summary, line by line, into `file`; each line begins with `indent`. */
void ci_report_details(const json_t *comparison, const char *indent, FILE *file);

#endif
