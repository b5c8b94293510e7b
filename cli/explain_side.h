/* explain_side.h: one of the two runs that are explained: what it left, and what it can be executed with.
 *
 *   RUN ─► rerun (config, tapes) ── result.json ─► the figures that it says
 *       └► manifest.json ─► SHA-256 of its plug-in ─► which of --plugin it is
 *   build id of result.json ─► this program, or which of --binary it is
 */
#ifndef TAPEDECK_CLI_EXPLAIN_SIDE_H
#define TAPEDECK_CLI_EXPLAIN_SIDE_H

#include "cli/explain_program.h"
#include "cli/explain_world.h"
#include "cli/options.h"
#include "cli/rerun.h"

struct explain_side_options {
    const struct option_list *tapes, *plugins, *binaries;
    const char *runs;
};

struct explain_side {
    struct rerun *run;
    struct explain_figures figures; /* that result.json says */
    const char *program;            /* NULL: this one */
    char plugin_then[80]; /* SHA-256, when it is not what lies there now; empty: the same, none, not known */
    char *set;            /* owned: strategy.plugin=... */
};

/* As rerun_open; ERR_MISMATCH: the run is partial. To be closed in any case. */
err_t explain_side_open(struct explain_side *side, const char *run, const struct explain_side_options *options,
                        struct err_text *why) MUST_USE;
/* Which program each is executed with. ERR_USAGE: a --binary that made neither. */
err_t explain_side_programs(struct explain_side sides[2], const struct option_list *binaries,
                            struct err_text *why) MUST_USE;
void explain_side_close(struct explain_side *side);

#endif
