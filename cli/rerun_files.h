/* rerun_files.h: where the files that a run read beside its tapes are now. Part of rerun.c.
 *
 *   inputs_read of the run ─► beside the run (bundle.h) │ given by the user │ at the recorded path
 *                                     └── the one with the same SHA-256 ─► "venue.latency.file=..." for the config
 *
 * A key that the caller sets (rerun_options.sets) is the caller's: what the run read there is not looked for.
 */
#ifndef TAPEDECK_CLI_RERUN_FILES_H
#define TAPEDECK_CLI_RERUN_FILES_H

#include "cli/json_out.h"
#include "cli/rerun.h"
#include "cli/sha256.h"

struct rerun_found {
    char *path, *set; /* set: KEY=PATH, as for --set */
    char sha256[SHA256_TEXT_SIZE];
};

struct rerun_files {
    struct rerun_found *at;
    size_t count;
    struct option_list sets; /* those, then the caller's */
};

/* `files`, zeroed, is filled from `list`, which may be NULL (an older run: its config says all there is).
 * `started_in`: where relative paths begin, "" when it is not known. ERR_NOTFOUND: a file is gone; ERR_MISMATCH: it
 * was changed, or is a plug-in of another machine; ERR_CORRUPT: the list is none. */
err_t rerun_files_find(struct rerun_files *files, const char *dir, const char *started_in, const json_t *list,
                       const struct rerun_options *options, struct err_text *why) MUST_USE;
/* ERR_MISMATCH: a plug-in among them was compiled for another machine. */
err_t rerun_files_machine(const struct rerun_files *files, struct err_text *why) MUST_USE;
const struct option_list *rerun_files_sets(const struct rerun_files *files);
void rerun_files_free(struct rerun_files *files);

#endif
