/* run_inputs.h: the files that a run reads beside its tapes: plug-in, latency tables, tiers, funding, whatever a
 * parameter names. They are known by the SHA-256 of their bytes, taken when the run begins.
 *
 *   config ─► every key of type path and every parameter of type file that is set ─► key, path, size, SHA-256
 *                                                                                        │
 *   start.json, result.json, manifest.json: inputs_read ◄────────────────────────────────┘
 *
 * A run is executed again only with files of the same bytes, wherever they are now (rerun.h); a bundle carries them
 * (bundle.h) under RUN_INPUTS_FOLDER, named by their hash.
 */
#ifndef TAPEDECK_CLI_RUN_INPUTS_H
#define TAPEDECK_CLI_RUN_INPUTS_H

#include "cli/config.h"
#include "cli/json_out.h"
#include "cli/sha256.h"

#define RUN_INPUTS_FOLDER  "files"
#define RUN_INPUT_NAME_MAX 96

struct run_input {
    char key[128];    /* where the config names it: venue.latency.file, strategy.params.orders */
    const char *path; /* as the config has it; lives as long as the config */
    uint64_t size;
    char sha256[SHA256_TEXT_SIZE];
    char machine[24]; /* of a plug-in: what it was compiled for; empty: no plug-in */
};

struct run_inputs {
    struct run_input *at;
    size_t count;
};

/* Reads each of them. ERR_NOTFOUND, ERR_IO: one went after the config was read. To be freed in any case. */
err_t run_inputs_take(struct run_inputs *inputs, const struct run_config *config, struct err_text *why) MUST_USE;
void run_inputs_free(struct run_inputs *inputs);
/* `inputs` NULL: none were taken. */
json_t *run_inputs_json(const struct run_inputs *inputs);

/* The name of a file with that content in RUN_INPUTS_FOLDER: its hash, and what its path ends in (".so", ".csv"). */
void run_input_name(const char *sha256, const char *path, char name[RUN_INPUT_NAME_MAX]);
/* What a shared object was compiled for: "x86-64", "aarch64", else "ELF machine N"; "" when it is none. */
void run_input_machine(const char *path, char machine[24]);
/* What this program was compiled for, in the same words. */
const char *run_input_own_machine(void);

#endif
