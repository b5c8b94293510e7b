/* bundle.h: a run directory as one file.
 *
 *   NAME/config.yaml ... NAME/timing.json      the files of the run, sorted
 *   NAME/tapes/<hash>.tape                     the tapes that it read, when asked for
 *   NAME/files/<sha256>.so .csv ...            the other files that it read: plug-in, tables, scripts
 *
 * It is a tar archive under zstd: `tar --zstd -xf` opens it. Owners, times and modes are not in it, so that the same
 * run makes the same archive. Tapes and files are named by the hash of their content; whoever runs the run again
 * looks there first (rerun.h).
 */
#ifndef TAPEDECK_CLI_BUNDLE_H
#define TAPEDECK_CLI_BUNDLE_H

#include "core/err.h"

/* What goes in beside the run's own files. */
struct bundle_extra {
    const char *folder; /* EVIDENCE_TAPES or RUN_INPUTS_FOLDER */
    const char *path;   /* where it is now */
    char name[96];      /* in the folder */
};

struct bundle_sums {
    uint64_t files, bytes; /* of the content */
};

/* `out` must not be there yet. */
err_t bundle_write(const char *dir, const struct bundle_extra *extras, size_t extra_count, const char *out,
                   struct bundle_sums *sums, struct err_text *why) MUST_USE;
/* Into `dir`, which is made when missing and must be empty. What was unpacked stays when it ends in an error.
 * ERR_CORRUPT: not a bundle, or damaged. */
err_t bundle_extract(const char *bundle, const char *dir, struct bundle_sums *sums, struct err_text *why) MUST_USE;

#endif
