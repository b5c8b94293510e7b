/* rerun_inside.h: what the files of a rerun share, and nobody else.
 *
 *   rerun_record.c  what the run left of itself
 *   rerun_files.c   where the files are that it read
 *   rerun.c         found, wired up, executed, compared
 *   rerun_seek.c    brought to any place of it
 *   rerun_bound.c   of one that was killed: as far as is known
 */
#ifndef TAPEDECK_CLI_RERUN_INSIDE_H
#define TAPEDECK_CLI_RERUN_INSIDE_H

#include "cli/json_out.h"
#include "cli/rerun.h"
#include "cli/rerun_files.h"
#include "cli/run_dir.h"
#include "cli/run_open.h"
#include "cli/run_progress.h"
#include "cli/snapshot.h"
#include "cli/stage_fork.h"

struct rerun_inside {
    struct run_opened run;
    json_t *result;             /* or start.json */
    char started_in[PATH_SIZE]; /* empty: not known, or gone */
    struct option_list tapes;   /* where they are, a lane each */
    char **paths;               /* owned: what `tapes` points to */
    struct rerun_files files;   /* read beside tapes, where they are */
    const struct engine_sink *sink;
    struct stage_watch watch;
    bool watched; /* else `watch` is empty */
    bool started;
    void *first_state; /* owned: of the strategy, as the config made it */
    /* a fork: executed under `parent` up to fork_at inputs */
    struct run_config *parent; /* owned; NULL: none */
    uint64_t fork_at;
    void *parent_state; /* as first_state */
    struct stage_image *fork_first;
    struct stage *before_fork; /* of the parent; NULL: not there yet */
    /* one that was killed, bounded */
    bool marked; /* it left a digest: `mark` */
    struct run_progress_mark mark;
    char mark_got[DIGEST_TEXT_SIZE]; /* after that many inputs now; empty: not passed */
    /* snapshots */
    enum { FOLDER_UNKNOWN, FOLDER_NONE, FOLDER_OPEN } folder_state;
    char folder[PATH_SIZE];
    struct snapshot_key key;
    struct stage_image *fresh; /* the stage when it had just started; NULL: not taken, no snapshots */
    uint64_t kept_at, spacing; /* wall time: the last snapshot read or written, and what lies between two */
    uint32_t written;
};

/* Find the run, and read what it left of itself into `rerun`, result and started_in. */
err_t rerun_record_read(struct rerun *rerun, const char *run, const struct rerun_options *options,
                        struct err_text *why) MUST_USE;
/* The file that it says it in. */
const char *rerun_record_name(const struct rerun *rerun);
/* To the mark, from `done` inputs; UINT64_MAX: none is ahead. */
uint64_t rerun_bound_left(const struct rerun *rerun, uint64_t done);
void rerun_bound_look(struct rerun *rerun);
err_t rerun_bound_finish(struct rerun *rerun, struct err_text *why) MUST_USE;
/* Wire it up once more, to begin again. */
err_t rerun_stage_again(struct rerun *rerun, struct err_text *why) MUST_USE;

#endif
