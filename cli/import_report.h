/* import_report.h: what an import has to say, as one JSON object and as a page for people. */
#ifndef TAPEDECK_CLI_IMPORT_REPORT_H
#define TAPEDECK_CLI_IMPORT_REPORT_H

#include "cli/import_run.h"

#include "cli/json_out.h"

/* {"tape":..., "venue":..., "instruments":[{...}], "totals":{...}, "clock":{...}, "files":[...], "dropped":[...]}:
 * the fields are those of `tapedeck help import`. */
json_t *import_report_json(const struct import_options *options, const struct import_result *result);
/* `elapsed_ns`: wall time of the import, 0: not told. */
void import_report_print(const struct import_options *options, const struct import_result *result,
                         uint64_t elapsed_ns);

#endif
