/* ci_compare.h: a run against its baseline: what differs, by how much, and how bad that is.
 *
 * A comparison is a JSON object, which every report (text, JSON, JUnit, Markdown) only shows:
 *
 *   name, verdict, exit_code, failed, summary
 *   digest      {baseline, now}
 *   metrics     [{name, baseline, now, delta, bound, within}]     those that moved
 *   config      [{key, baseline, now}]  tapes [{name, baseline, now}]  binary [{key, baseline, now}]     that differ
 *   divergence  text: how far the runs were the same; null: nothing diverged, or nothing is known
 *   first       {where, text, report, error}: the first difference, exactly (ci_diverge.h); null: not looked for
 *   warnings    [{name, text, count, allowed}]
 *   speed       {ratio, ratio_max, over}; null: not measured
 *   error       text; null: the run ended well
 *
 * The verdict is the worst of what was found, in this order:
 */
#ifndef TAPEDECK_CLI_CI_COMPARE_H
#define TAPEDECK_CLI_CI_COMPARE_H

#include "cli/ci_suite.h"
#include "cli/exit_code.h"

#include "cli/json_out.h"

enum ci_verdict {
    CI_IDENTICAL,   /* the digest is the baseline's */
    CI_WARNED,      /* so it is, but there are warnings that the case does not allow */
    CI_DIFFERS,     /* the digest differs; every metric is equal or within its bound */
    CI_SLOW,        /* slower than its bound */
    CI_MOVED,       /* a metric is outside of its bound */
    CI_NO_BASELINE, /* there is none, or it cannot be read */
    CI_BROKEN,      /* no result: the run could not be made, broke, or an invariant does not hold */
    CI_VERDICT_COUNT
};
const char *ci_verdict_name(enum ci_verdict verdict);
enum ci_verdict ci_verdict_of(const json_t *comparison);
/* With --strict the first two above identical count as failures. */
bool ci_verdict_fails(enum ci_verdict verdict, bool strict);
enum exit_code ci_verdict_code(enum ci_verdict verdict, bool strict);

struct ci_compared {
    const struct ci_case *one;
    const json_t *outcome;        /* of ci_case_run */
    const json_t *baseline;       /* NULL: none */
    const char *baseline_missing; /* why there is none */
    const json_t *speed;          /* of ci_case_speed; NULL: not measured */
    const json_t *first;          /* of ci_diverge; NULL: not looked for */
};
json_t *ci_compare(const struct ci_compared *compared, bool strict);

/* How far two records were the same run, as a sentence; NULL: nothing is known, or they are the same. */
json_t *ci_first_divergence(const json_t *baseline, const json_t *now);

#endif
