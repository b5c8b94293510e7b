/* progress.h: one line on a terminal that says how far, how fast and how long still.
 *
 *     run  [##########..........]  52.1 %  2024-08-08 13:05:21  31.2 M levels/s  0:14 left
 *
 * Written to stderr, at most ten times a second, and only when stderr is a terminal: into a pipe, a file or a
 * log it writes nothing. The clock it reads decides nothing but this line.
 */
#ifndef TAPEDECK_CLI_PROGRESS_H
#define TAPEDECK_CLI_PROGRESS_H

#include "core/base.h"

struct progress {
    const char *what; /* the verb; must outlive it */
    const char *unit; /* of `count`: "levels", "lines", "bytes" */
    bool shown;       /* stderr is a terminal */
    bool drawn;       /* a line stands there now */
    uint64_t start_ns, last_ns;
};

/* `wanted` false: silent whatever stderr is (--quiet). */
void progress_begin(struct progress *progress, const char *what, const char *unit, bool wanted);
/* `done` of `total` (any unit: bytes of a file, ns of a tape; total 0: unknown), `count` units handled so far,
 * `sim_ts` the simulated time (0: none). Cheap; call it every few milliseconds of work. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total, uint64_t count, ns_t sim_ts);
/* Wipe the line, so that the report begins on a clean one. Also before printing an error. */
void progress_end(struct progress *progress);
/* Wall time since begin, in ns. */
uint64_t progress_elapsed(const struct progress *progress);

#endif
