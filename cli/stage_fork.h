/* stage_fork.h: a run goes on under another config, from where it is.
 *
 *   parent's stage, started ─► first image ─► ... N inputs ─┐
 *   new config ─► stage, started unheard ─► its beginning ──┴─► stage of the new config, in the state of the parent
 *
 * What the two beginnings differ in is the config (and addresses); there the new one counts, everywhere else what the
 * parent has come to. Where the parent has moved on from a value of its config (a balance that was traded with) both
 * cannot be had, and the change is refused; so is one that gives the state another shape.
 */
#ifndef TAPEDECK_CLI_STAGE_FORK_H
#define TAPEDECK_CLI_STAGE_FORK_H

#include "cli/stage_image.h"

/* `first`: of the stage when it had just started. Afterwards *stage is a run of `config`, under the same address, and
 * what it was before is in *before, to be closed after it: whoever looked at its instruments may go on to. ERR_CONFIG:
 * cannot be changed here, and nothing has changed but that the run was settled. */
err_t stage_fork(struct stage *stage, const struct stage_image *first, const struct run_config *config,
                 const struct engine_sink *sink, const struct stage_watch *watch, struct stage **before,
                 struct err_text *why) MUST_USE;
/* May this key be set in the middle of a run? ERR_CONFIG with words. */
err_t stage_fork_check_key(const char *set, struct err_text *why) MUST_USE;

#endif
