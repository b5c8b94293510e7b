/* diff_report.h: what was found, as text and as JSON. */
#ifndef TAPEDECK_CLI_DIFF_REPORT_H
#define TAPEDECK_CLI_DIFF_REPORT_H

#include "cli/diff_find.h"

/* {"verdict": "identical" | "differs", "a": {...}, "b": {...}, "config": [...], ...}; `found` NULL: nothing was
 * looked for, the digests are the same. */
json_t *diff_report_json(const struct diff_side *a, const struct diff_side *b, const struct diff_found *found);
void diff_report_print(FILE *file, const struct diff_side *a, const struct diff_side *b,
                       const struct diff_found *found);
/* One line: "input 5003, message 4930 of m.tape". */
void diff_report_where(const struct diff_side *a, const struct diff_found *found, char *text, size_t room);

/* Fields of two JSON objects that are not the same: [{"field", "a", "b"}]. */
json_t *diff_fields(const json_t *a, const json_t *b);

#endif
