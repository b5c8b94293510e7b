/* snapshot.h: the state of a run in a file: RUN/snapshots/<inputs>-<time>.snap (docs/state.md).
 *
 *   zstd │ header: binary, config, plug-in, inputs, digest, sizes
 *        │ lanes:  tape, mark
 *        │ pages:  those that differ from the beginning of the run: as they were then, and now
 *        │ seal:   hash of all that
 *
 * It is a cache. It holds for one binary, one config and these tapes, and whatever makes it unusable is a reason to
 * execute more of the run, never an error. Its layout is that of memory, and may change with every build.
 */
#ifndef TAPEDECK_CLI_SNAPSHOT_H
#define TAPEDECK_CLI_SNAPSHOT_H

#include "cli/run_dir.h"
#include "cli/stage_image.h"

#define SNAPSHOT_FOLDER "snapshots"

/* What it is bound to beside the sizes of the stage and its tapes. */
struct snapshot_key {
    char build_id[64];
    char config_hash[40];
    char plugin[72]; /* SHA-256 of the plug-in; empty: compiled in */
};
err_t snapshot_key_of(struct snapshot_key *key, const struct run_config *config, struct err_text *why) MUST_USE;

/* Of a stage between two inputs; it is settled. `fresh`: the stage when it had just started. ERR_STATE: nothing can
 * be kept here. ERR_EXISTS: it is there already. */
err_t snapshot_write(const char *folder, const struct snapshot_key *key, struct stage *stage,
                     const struct stage_image *fresh, struct err_text *why) MUST_USE;
/* Put a stage there. ERR_STATE, ERR_VERSION, ERR_CORRUPT, ...: it cannot be used, and the stage is as it was, unless
 * *spoilt. */
err_t snapshot_read(const char *path, const struct snapshot_key *key, struct stage *stage,
                    const struct stage_image *fresh, bool *spoilt, struct err_text *why) MUST_USE;

/* A file of a folder by its name. */
struct snapshot_name {
    uint64_t inputs;
    ns_t ts;
    char path[PATH_SIZE];
};
/* The last one at or before both. False: there is none. */
bool snapshot_find(const char *folder, uint64_t inputs, ns_t ts, struct snapshot_name *found);
/* When there are 256 of them every second one is removed; true: they were, and should be made half as often. */
bool snapshot_thin_out(const char *folder);

#endif
