/* diff_side.h: one of the two runs that are compared: a directory with result.json, config.yaml and a journal,
 * wherever they come from.
 *
 *   RUN with a journal ──────────────────────────────────────────────► as it is
 *   RUN without one ──► executed again, here, with a journal ────────┐
 *   RUN and a binary ─► that binary's `run` of its config and tapes ─┼─► a temporary directory, removed at the end
 *   CONFIG.yaml ──────► this (or that) binary's `run` ───────────────┘
 */
#ifndef TAPEDECK_CLI_DIFF_SIDE_H
#define TAPEDECK_CLI_DIFF_SIDE_H

#include "cli/diff_journal.h"
#include "cli/json_out.h"
#include "cli/rerun.h"
#include "cli/run_dir.h"
#include "cli/run_open.h"

struct diff_side {
    char label;         /* 'a', 'b' */
    const char *head;   /* what its lines begin with: "a", "b" */
    const char *name;   /* as it was given */
    const char *binary; /* NULL: this one */
    struct run_opened opened;
    char *temporary; /* NULL: nothing was made */
    char dir[PATH_SIZE];
    char journal_path[PATH_SIZE];
    bool made;          /* the run, now, by `run` */
    const char *parent; /* where a temporary directory is made; NULL: TMPDIR */
    const struct option_list *sets;
    json_t *result;
    json_t *config; /* key: text, of every key that is set */
    const char *digest, *build_id;
    uint64_t inputs; /* of one that has not ended: as far as is known */
    bool unended;    /* it was killed, crashed, or is going on: start.json in the place of result.json, no digest */
    struct diff_journal journal; /* after diff_side_journal */
    struct rerun_options options;
};

/* Find, or make. Errors as rerun_open, and ERR_CONFIG with what a binary said when its run failed. */
err_t diff_side_open(struct diff_side *side, char label, const char *name, const char *binary,
                     const struct rerun_options *options, struct err_text *why) MUST_USE;
/* The run of a config, made now by `binary` (NULL: this program) with a journal; `options->tapes` go in the place of
 * the config's. */
err_t diff_side_run(struct diff_side *side, char label, const char *config, const char *binary,
                    const struct option_list *sets, const struct rerun_options *options,
                    struct err_text *why) MUST_USE;
/* What was made is kept under this path, for good; the side stays as it is. ERR_EXISTS is none: it is there already.
 */
err_t diff_side_keep(struct diff_side *side, const char *path, struct err_text *why) MUST_USE;
/* Its journal; made when there is none. */
err_t diff_side_journal(struct diff_side *side, struct err_text *why) MUST_USE;
/* Also of a zeroed one. */
void diff_side_close(struct diff_side *side);

#endif
