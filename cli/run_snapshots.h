/* run_snapshots.h: snapshots of a run while it runs (output.snapshots). They change nothing of it. */
#ifndef TAPEDECK_CLI_RUN_SNAPSHOTS_H
#define TAPEDECK_CLI_RUN_SNAPSHOTS_H

#include "cli/snapshot.h"

struct run_snapshots {
    char folder[PATH_SIZE]; /* empty: none are made */
    struct snapshot_key key;
    struct stage_image *fresh;
    ns_t interval, due; /* engine time; due 0: with the first look */
    uint32_t written;
};

/* After stage_start. `dir`: of the run; NULL: it writes no files, and no snapshots. */
err_t run_snapshots_open(struct run_snapshots *snapshots, const struct run_config *config, struct stage *stage,
                         const char *dir, struct err_text *why) MUST_USE;
/* Between two inputs, now and then: make one if it is due. The first failure ends them, with a line on standard error:
 * it is no failure of the run. */
void run_snapshots_look(struct run_snapshots *snapshots, struct stage *stage);
void run_snapshots_close(struct run_snapshots *snapshots);

#endif
