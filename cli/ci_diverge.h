/* ci_diverge.h: a case whose digest is not its baseline's: the first input or decision that differs, exactly.
 *
 *   RUNS/NAME-DIGEST ─► the baseline's run, kept by `ci record --runs RUNS` ──┐
 *   --binary FILE ────► or made anew, by the program that made the baseline ──┼─► diff_find ─► text, JSON
 *   the case ─────────► run once more, with a journal ────────────────────────┘
 *
 * A baseline is small, so that people read it; runs with their journals are not, and are kept beside the repository:
 * in a cache. They are found by the baseline's digest, so that a stale one is never taken for it.
 */
#ifndef TAPEDECK_CLI_CI_DIVERGE_H
#define TAPEDECK_CLI_CI_DIVERGE_H

#include "cli/ci_suite.h"

#include "cli/json_out.h"

struct ci_kept {
    const char *runs;   /* folder; NULL: none */
    const char *binary; /* NULL: none */
};

/* Both are meant for a process of their own (ci_pool.h). */
/* Run the case with a journal and keep the run: {"error": text or null}. */
json_t *ci_keep(const struct ci_case *one, const struct ci_kept *kept, const char *digest);
/* {"where": text, "text": lines, "report": as `diff --json`, "error": null}, or {"error": why that cannot be told}.
 */
json_t *ci_diverge(const struct ci_case *one, const struct ci_kept *kept, const char *baseline_digest,
                   const char *now_digest);

#endif
