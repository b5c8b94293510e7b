/* run_result.h: how a run ended, as result.json (docs/results.md) and as text for people. */
#ifndef TAPEDECK_CLI_RUN_RESULT_H
#define TAPEDECK_CLI_RUN_RESULT_H

#include "cli/config.h"
#include "cli/run_inputs.h"
#include "cli/run_metrics.h"
#include "cli/world_up.h"

#include "cli/json_out.h"

enum run_end { RUN_FINISHED, RUN_INTERRUPTED, RUN_ERROR };

struct run_summary {
    const struct run_config *config;
    const struct stage *stage;
    const struct run_inputs *inputs; /* what it read beside tapes; NULL: not taken */
    struct digest_value digest;
    enum run_end end;
    const char *error; /* RUN_ERROR: the sentence; else NULL */
    ns_t last_ts;      /* the engine's time at the end; 0: nothing happened */
    uint64_t wall_ns;
    const char *dir;             /* NULL: no files */
    const struct breach *breach; /* of a check that is not the engine's own; NULL: none */
    struct run_metrics *metrics; /* NULL: not taken */
};

/* The same for the same inputs: without wall time. */
json_t *run_result_json(const struct run_summary *summary);
/* Where and how fast: what differs between two runs. */
json_t *run_timing_json(const struct run_summary *summary);
void run_result_print(const struct run_summary *summary);

#endif
