/* run_open.h: RUN, as a user names it, to a directory.
 *
 *   a directory ──────────────────────────────► itself
 *   a name ─► RUNS/name ──────────────────────► that directory
 *   a bundle (bundle.h) ─► temporary directory ► what was unpacked, gone with run_close
 */
#ifndef TAPEDECK_CLI_RUN_OPEN_H
#define TAPEDECK_CLI_RUN_OPEN_H

#include "core/err.h"

struct run_opened {
    char *dir;       /* without slashes at its end */
    char *temporary; /* to be removed; NULL: nothing was unpacked */
};

/* `runs`: where names are looked for; NULL: "runs". ERR_NOTFOUND: there is no such run; ERR_CORRUPT, ERR_TRUNCATED: a
 * damaged bundle. */
err_t run_open(struct run_opened *run, const char *name, const char *runs, struct err_text *why) MUST_USE;
/* Also of a zeroed one. */
void run_close(struct run_opened *run);

#endif
