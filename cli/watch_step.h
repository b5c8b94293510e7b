/* watch_step.h: a finished run, brought to any of its inputs: the one place that knows how that is done.
 *
 *   forward ─► executed on            back ─► put to a state of the trail (watch_trail.h), and executed on from
 * there; without one from the start
 *
 * After watch_step_to the engine, the venue and the books of the rerun's stage are as they were after that many
 * inputs. What points into them dies with the next call.
 */
#ifndef TAPEDECK_CLI_WATCH_STEP_H
#define TAPEDECK_CLI_WATCH_STEP_H

#include "cli/rerun.h"
#include "cli/watch_trail.h"

struct watch_step;

/* At input 0: started, nothing handled. `options`, what looks on and the trail (each may be NULL) outlive it. */
err_t watch_step_open(struct watch_step **step, const char *run, const struct rerun_options *options,
                      const struct engine_sink *sink, const struct stage_watch *watch,
                      const struct watch_trail *trail, struct err_text *why) MUST_USE;
void watch_step_close(struct watch_step *step);
/* Towards `input`, executing at most `budget` inputs. OK: there; ERR_AGAIN: call again, or go elsewhere; ERR_END: the
 * run has fewer, and is where it ended. */
err_t watch_step_to(struct watch_step *step, uint64_t input, uint64_t budget, struct err_text *why) MUST_USE;
uint64_t watch_step_at(const struct watch_step *step);
/* The input handled last. NULL: none, or it is not known any more. */
const struct event *watch_step_event(const struct watch_step *step);
struct rerun *watch_step_rerun(const struct watch_step *step);

#endif
