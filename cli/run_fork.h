/* run_fork.h: a run that was another one up to a place (verb_fork.c), executed like any other (verb_run.c). */
#ifndef TAPEDECK_CLI_RUN_FORK_H
#define TAPEDECK_CLI_RUN_FORK_H

#include "cli/rerun.h"
#include "cli/run_output.h"
#include "cli/stage_fork.h"

struct run_fork {
    struct run_config *parent; /* what is executed under it up to: */
    uint64_t at;               /* after so many inputs */
    const char *fork_json;     /* text of RERUN_FORK_FILE */
    /* of the execution */
    struct stage_image *first;
    struct stage *before;
};

/* Execute a fork, with all that a run leaves behind, into a directory: its path goes to `dir`. Takes `config`. The
 * exit code of the run; an error was told already. */
int run_forked(struct run_fork *fork, struct run_config *config, const struct run_output_options *files, bool quiet,
               char dir[4096]);

#endif
