/* ci_pool.h: many jobs, each in a process of its own, some at a time.
 *
 *   parent ─fork─► job 0 ─► JSON through a pipe ─┐
 *          ─fork─► job 1 ─► JSON                 ├─► results, in the order of the jobs
 *          ...                                  ─┘
 *
 * A job that aborts, is killed or prints no result takes nothing else with it: its result is {"error": what
 * happened}, with the last of what it said on standard error. How many run at a time changes no result.
 */
#ifndef TAPEDECK_CLI_CI_POOL_H
#define TAPEDECK_CLI_CI_POOL_H

#include "core/err.h"

#include "cli/json_out.h"

typedef json_t *(*ci_job)(void *context, uint32_t index);
/* Called in the parent when a job has ended; may be NULL. */
typedef void (*ci_done)(void *context, uint32_t index);

/* `results` gets `count` references. ERR_INTERRUPTED: the jobs that ran were ended. ERR_NOMEM. */
err_t ci_pool_run(uint32_t count, uint32_t at_a_time, ci_job job, ci_done done, void *context, json_t **results,
                  struct err_text *why) MUST_USE;

#endif
