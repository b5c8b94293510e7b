/* rerun.h: a finished run, executed once more, and held against what it left behind.
 *
 *   RUN/result.json ─► digest, inputs, tape hashes ──────────────────────────┐
 *   RUN/config.yaml ─► run_config ─► tapes found and checked ─► stage ─► run ─► compare
 *                                                                 ▲
 *                                                    watch and sink of the caller
 *
 * Everything but the clock and the disk is a function of binary, config, seed and inputs; so whatever is to be known
 * of a finished run is found by running it again with someone looking on, and proved by the digest.
 *
 *     rerun_open ─► rerun_stage ─► rerun_start ─► rerun_advance ... ERR_END ─► rerun_finish (OK: the same run)
 *                               └─► rerun_seek: to any place of it, back too, and on from there
 *
 * A run that was interrupted or broke is executed up to the same input, and compared there. One that was killed has
 * no result.json: whoever asks for it (`unended`) gets it from start.json (run_start.h), and compares by other means.
 *
 * RUN may be a bundle (run_open.h); tapes in it are found before those at the recorded paths. Files that the run read
 * beside its tapes (run_inputs.h) are found in the same way, and must have the bytes that they had then.
 */
#ifndef TAPEDECK_CLI_RERUN_H
#define TAPEDECK_CLI_RERUN_H

#include "cli/config.h"
#include "cli/world_up.h"

struct rerun_options {
    const struct option_list *tapes; /* in the place of the recorded paths, in any order: their hashes tell; may be
                                        NULL or empty */
    const struct option_list *files; /* the same for the other files that it read */
    const char *runs;                /* where RUN is looked for when it is no path; NULL: "runs" */
    const struct option_list *sets;  /* key=value, for what lies elsewhere now (a plug-in); may be NULL */
    bool unended;                    /* take one that was killed or crashed, too */
    bool no_tapes, no_files;         /* rerun_find: do not look for these */
};

enum rerun_snapshots {
    RERUN_SNAPSHOTS_USE,  /* those that are there (snapshot.h) */
    RERUN_SNAPSHOTS_MAKE, /* and leave new ones behind where executing takes long */
    RERUN_SNAPSHOTS_OFF
};

struct rerun {
    const char *dir;                /* of the run */
    const char *name;               /* of it, to be told: the directory, or the bundle that it came out of */
    struct run_config *config;      /* as it was resolved, tapes where they are now */
    struct stage *stage;            /* after rerun_stage; another one after a seek */
    char digest[DIGEST_TEXT_SIZE];  /* what result.json says */
    char got[DIGEST_TEXT_SIZE];     /* after rerun_finish */
    uint64_t inputs, orders;        /* what result.json says */
    bool partial;                   /* the run was interrupted, or broke */
    enum rerun_snapshots snapshots; /* set by the caller before it seeks */
    uint64_t spacing_ns;            /* of wall time that executing takes, between two of them; 0: 200 ms */
    char said[760]; /* why a snapshot could not be used or made, the first time; empty: nothing to say */
    bool seeking;   /* sink and watch hear of what is only passed (rerun_seek) */
    bool unended;   /* it has no result.json: `digest` is empty, rerun_finish wants rerun_bound */
    bool crashed;   /* and crash.txt: `inputs` is the last before the one that broke it */
    char version[32], build_id[64]; /* of the binary that made it */
    char config_hash[33];
    struct rerun_inside *inside;
};

/* Of a directory without result.json, to whoever needs one: ERR_STATE, or ERR_NOTFOUND when it is no run. */
err_t rerun_say_unended(const char *dir, struct err_text *why) MUST_USE;
/* Read what the run left, find its tapes and files. ERR_NOTFOUND: no such run, or a tape or file is gone;
 * ERR_MISMATCH: one is not what the run read; ERR_CORRUPT: result.json or start.json is not one; ERR_STATE: it has
 * not ended and `unended` is not set, or it was killed before its first input (exit_with_run). */
err_t rerun_open(struct rerun **rerun, const char *run, const struct rerun_options *options,
                 struct err_text *why) MUST_USE;
/* The same without reading its config: where are its tapes and files? */
err_t rerun_find(struct rerun **rerun, const char *run, const struct rerun_options *options,
                 struct err_text *why) MUST_USE;
/* A run that was killed (`unended`) ends, from here on, after the last input that it is known to have handled: of its
 * last mark (run_progress.h), or `inputs` when more is known; one that crashed before the input that broke it. Then
 * rerun_finish is for it too: it compares the digest of the mark. A whole run stays as it is. ERR_STATE: nothing is
 * known. */
err_t rerun_bound(struct rerun *rerun, uint64_t inputs, struct err_text *why) MUST_USE;
/* After rerun_finish: the input at which that digest was compared; 0: it left none. */
uint64_t rerun_bound_marked(const struct rerun *rerun);
/* Wire it up; `sink` and `watch` (may be NULL) outlive the rerun. */
err_t rerun_stage(struct rerun *rerun, const struct engine_sink *sink, const struct stage_watch *watch,
                  struct err_text *why) MUST_USE;
err_t rerun_start(struct rerun *rerun, struct err_text *why) MUST_USE;
/* Handle up to `budget` more inputs. ERR_END: the run is where it ended. Between two calls the engine, the venue and
 * the books are as they were after that many inputs. */
err_t rerun_advance(struct rerun *rerun, uint64_t budget, struct err_text *why) MUST_USE;
/* The same, but nothing later than `ts`. ERR_AGAIN: all inputs and timers up to it were handled. */
err_t rerun_advance_until(struct rerun *rerun, ns_t ts, uint64_t budget, struct err_text *why) MUST_USE;
/* Bring it to where `inputs` inputs were handled, forward or back; what is not started yet is started. ERR_END: the
 * run has no more than it has now. Sink and watch may hear of what lies between, of some of it or of nothing, and of
 * it again on the way back; `seeking` is set meanwhile. */
err_t rerun_seek(struct rerun *rerun, uint64_t inputs, struct err_text *why) MUST_USE;
/* So far. */
uint32_t rerun_snapshots_written(const struct rerun *rerun);
/* To where everything up to `ts` was handled: its inputs and its timers. */
err_t rerun_seek_time(struct rerun *rerun, ns_t ts, struct err_text *why) MUST_USE;
/* Stop the engine and compare: ERR_MISMATCH with both digests and what may be the cause. */
err_t rerun_finish(struct rerun *rerun, struct err_text *why) MUST_USE;
/* The other files that it reads, where they were found; false: no more. */
bool rerun_file(const struct rerun *rerun, size_t number, const char **path, const char **sha256);
/* Can the run go on from where it is under `config`, which is of no use afterwards, nor is the rerun? ERR_CONFIG: no,
 * in words. Only what is known: a rerun that was not brought there by rerun_seek answers OK. */
err_t rerun_try_fork(struct rerun *rerun, const struct run_config *config, struct err_text *why) MUST_USE;
/* Was it forked from another one (run_fork.h)? */
bool rerun_is_fork(const struct rerun *rerun);
/* Its config (file "config.yaml", of a fork also RERUN_PARENT_FILE) with further settings; may be NULL. To be freed.
 */
err_t rerun_load_config(const struct rerun *rerun, const char *file, const struct option_list *more,
                        struct run_config **config, struct err_text *why) MUST_USE;
#define RERUN_FORK_FILE   "fork.json"
#define RERUN_PARENT_FILE "parent.yaml"
/* The tapes that it reads, a lane each, where they were found; false: no more (none at all: a made market). */
bool rerun_tape(const struct rerun *rerun, size_t lane, const char **path, const char **hash);
/* It lies in the run's own directory: what a session heard. */
bool rerun_tape_is_own(const struct rerun *rerun, size_t lane);
void rerun_close(struct rerun *rerun);

#endif
