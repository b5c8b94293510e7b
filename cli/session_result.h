/* session_result.h: what a session heard and asked for, for the result of a run in mode paper. */
#ifndef TAPEDECK_CLI_SESSION_RESULT_H
#define TAPEDECK_CLI_SESSION_RESULT_H

#include "adapters/link.h"
#include "cli/json_out.h"
#include "cli/world_up.h"

/* Of a stage with a wire feed. */
json_t *session_json(const struct stage *stage);
/* One link of it. */
json_t *session_link_json(const struct link *link);
/* Warnings only: what should not happen in a session, a line each. */
void session_print(const struct stage *stage);

#endif
