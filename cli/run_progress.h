/* run_progress.h: how far a run has come, for when it is killed: progress.txt of its directory.
 *
 *   inputs=        123456 ts_ns=1723075200000000000 digest=0123...cdef going sum=89ab...   two lines of the same
 *   inputs=        188992 ts_ns=1723075201000000000 digest=4567...0123 ended sum=cdef...   length, written in turn
 *
 * A write goes to the system, not to the disk: it survives kill -9, and a loss of power as far as the system had
 * written. Half a line is known by its sum, and then the other line counts. The digest is engine_digest after that
 * many inputs; so whoever executes the run again knows that it was the same up to there. A run that ends removes the
 * file when result.json is there.
 */
#ifndef TAPEDECK_CLI_RUN_PROGRESS_H
#define TAPEDECK_CLI_RUN_PROGRESS_H

#include "core/engine.h"
#include "core/err.h"

#define RUN_PROGRESS_FILE  "progress.txt"
#define RUN_PROGRESS_EVERY 65536 /* inputs: a run is never further from its last mark when it is killed */

struct run_progress {
    int file; /* -1: none */
    unsigned turn;
    char path[4096];
};

struct run_progress_mark {
    uint64_t inputs;
    ns_t ts;
    char digest[DIGEST_TEXT_SIZE];
    bool ended; /* no input was handled after it */
};

/* `dir` NULL: nothing is written. */
err_t run_progress_open(struct run_progress *progress, const char *dir, struct err_text *why) MUST_USE;
/* `ended`: no input will be handled any more; before engine_stop. */
err_t run_progress_write(struct run_progress *progress, const struct engine *engine, bool ended,
                         struct err_text *why) MUST_USE;
void run_progress_close(struct run_progress *progress);
/* Close it and remove the file. */
void run_progress_remove(struct run_progress *progress);
/* The later of the lines that are whole. False: there is none. */
bool run_progress_read(const char *dir, struct run_progress_mark *mark);

#endif
