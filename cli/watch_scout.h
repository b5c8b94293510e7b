/* watch_scout.h: the run, executed once from its start to its end, ahead of whoever looks: what fills the index, and
 * what says whether this is the run that it says it is.
 *
 *   watch_step ─► engine ─┬─► watch_index
 *                         └─► journal_compare ─► the same so far, or from which input on it is not
 *
 * With a journal every record and every checkpoint is compared on the way; without one the digest is known at the
 * end.
 */
#ifndef TAPEDECK_CLI_WATCH_SCOUT_H
#define TAPEDECK_CLI_WATCH_SCOUT_H

#include "cli/watch_index.h"
#include "cli/watch_step.h"

enum watch_proof {
    PROOF_OPEN,    /* no journal so far, and the digest to compare is not reached, or there is none */
    PROOF_SAME,    /* up to the input asked about */
    PROOF_DIFFERS, /* the journal says something else, at or before it */
    PROOF_FAILED,  /* the digest is another one */
};

struct watch_scout;

/* `dir` is the directory of the run. */
err_t watch_scout_open(struct watch_scout **scout, const char *dir, const struct rerun_options *options,
                       struct err_text *why) MUST_USE;
void watch_scout_close(struct watch_scout *scout);
/* Execute at most `budget` more inputs. OK: go on; ERR_END: the run is at its end, and its digest is compared. */
err_t watch_scout_run(struct watch_scout *scout, uint64_t budget, struct err_text *why) MUST_USE;
bool watch_scout_ended(const struct watch_scout *scout);
uint64_t watch_scout_at(const struct watch_scout *scout);
const struct watch_index *watch_scout_index(const struct watch_scout *scout);
/* For the step that is looked at; lives as long as the scout. */
const struct watch_trail *watch_scout_trail(const struct watch_scout *scout);
struct rerun *watch_scout_rerun(const struct watch_scout *scout);
/* Its journal reaches as far as `input`. */
bool watch_scout_journal(const struct watch_scout *scout, uint64_t input);
/* What is known of the run up to `input`. DIFFERS: after which one, in `from`. */
enum watch_proof watch_scout_proof(const struct watch_scout *scout, uint64_t input, uint64_t *from);

#endif
