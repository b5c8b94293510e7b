/* explain_report.h: an explanation, as text and as JSON. */
#ifndef TAPEDECK_CLI_EXPLAIN_REPORT_H
#define TAPEDECK_CLI_EXPLAIN_REPORT_H

#include "cli/explain_mix.h"
#include "cli/explain_side.h"
#include "cli/explain_sums.h"

struct explain_report {
    const struct explain_side *sides;
    const struct explain_mix *mix;
    const struct explain_sums *sums;
    uint32_t executed; /* runs */
};

void explain_report_print(const struct explain_report *report);
json_t *explain_report_json(const struct explain_report *report);

#endif
