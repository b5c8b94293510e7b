/* why_text.h: an order's history as text for a trader, and as JSON for machines (docs/why.md). */
#ifndef TAPEDECK_CLI_WHY_TEXT_H
#define TAPEDECK_CLI_WHY_TEXT_H

#include "cli/why_record.h"

#include "cli/json_out.h"

#include <stdio.h>

/* `full`: every move in the queue on a line of its own, and the checks that are off. */
void why_text_print(FILE *file, const struct stage *stage, const struct run_config *config,
                    const struct why_order *order, bool full);
json_t *why_json(const struct stage *stage, const struct why_order *order);

#endif
