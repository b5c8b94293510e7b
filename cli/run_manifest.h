/* run_manifest.h: the last act of a run: tail.txt, then the manifest of all that it leaves (evidence.h). */
#ifndef TAPEDECK_CLI_RUN_MANIFEST_H
#define TAPEDECK_CLI_RUN_MANIFEST_H

#include "cli/run_result.h"

struct run_ending {
    const struct run_summary *summary; /* `digest` may be that of a run that never started */
    bool started;                      /* false: the strategy refused */
    int signal;                        /* 0: none asked it to end */
    int exit_code;
    const char *reason; /* the sentence that ended it; NULL: the end of its inputs */
};

/* Nothing when the run has no directory. */
err_t run_manifest_write(const struct run_ending *ending, struct err_text *why) MUST_USE;

#endif
