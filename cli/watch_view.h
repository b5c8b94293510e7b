/* watch_view.h: a window on a run that can be put anywhere, and remembers where it was.
 *
 *                 need                      keep         N
 *   ──────────────┼─────────────────────────┼────────────┤
 *    executed      and each input looked at, and a model
 *    at once       for its trades            kept of each
 *
 * What is shown of an input is a function of the input alone, whichever way it was reached: the trades are those of
 * the WATCH_LOOKBACK inputs before it. Models of the last WATCH_KEEP inputs are kept, so a step back among them is a
 * copy; one further back brings another WATCH_KEEP of them.
 */
#ifndef TAPEDECK_CLI_WATCH_VIEW_H
#define TAPEDECK_CLI_WATCH_VIEW_H

#include "cli/watch_model.h"
#include "cli/watch_step.h"

#define WATCH_LOOKBACK 4096
#define WATCH_KEEP     512

struct watch_view;

/* `dir` is the directory of the run; the trail outlives it. */
err_t watch_view_open(struct watch_view **view, const char *dir, const struct rerun_options *options,
                      const struct watch_trail *trail, struct err_text *why) MUST_USE;
void watch_view_close(struct watch_view *view);
/* Which instrument models are of; those kept are forgotten when it is another one. */
void watch_view_instrument(struct watch_view *view, uint16_t instrument);
/* Towards `input`, executing at most about `budget` inputs. OK: `model` is that of it, and lives until the next call.
 * ERR_AGAIN: call again, or go elsewhere. ERR_END: the run has fewer. */
err_t watch_view_to(struct watch_view *view, uint64_t input, uint64_t budget, const struct watch_model **model,
                    struct err_text *why) MUST_USE;
/* Where its rerun is: for a progress line. */
uint64_t watch_view_at(const struct watch_view *view);

#endif
