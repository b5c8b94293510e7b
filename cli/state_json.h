/* state_json.h: everything that a run knows at one moment, as one JSON object (docs/state.md) and as text. */
#ifndef TAPEDECK_CLI_STATE_JSON_H
#define TAPEDECK_CLI_STATE_JSON_H

#include "cli/json_out.h"
#include "cli/rerun.h"

/* `depth`: levels of a side. */
json_t *state_json(const struct rerun *rerun, uint32_t depth);
/* The same for people. */
void state_print(FILE *file, const json_t *state);

#endif
