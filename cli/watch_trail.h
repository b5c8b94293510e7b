/* watch_trail.h: states of a run, left behind on its way, for a second stage of the same run to come back to.
 *
 *   read ahead  ──●──────●──────●──────●──────►       an image every `spacing` inputs (stage_image.h), in memory
 *                 └─► looked at ──►                   put there, and executed on from there
 *
 * When the images take more than WATCH_TRAIL_BYTES every second one goes, and the spacing doubles. A state that
 * cannot be kept or put back is nothing to tell: more of the run is executed then.
 */
#ifndef TAPEDECK_CLI_WATCH_TRAIL_H
#define TAPEDECK_CLI_WATCH_TRAIL_H

#include "cli/stage_image.h"

#define WATCH_TRAIL_BYTES   (128u << 20)
#define WATCH_TRAIL_SPACING 16384 /* inputs, at first */

struct watch_trail;

struct watch_trail *watch_trail_new(void); /* NULL: out of memory */
void watch_trail_free(struct watch_trail *trail);
/* `stage` has just started, and is the one that is executed ahead. */
void watch_trail_begin(struct watch_trail *trail, struct stage *stage);
/* It has handled `input` inputs: keep its state if one is due. */
void watch_trail_pass(struct watch_trail *trail, struct stage *stage, uint64_t input);
/* The last input at or before this one whose state is kept, 0: none. */
uint64_t watch_trail_before(const struct watch_trail *trail, uint64_t input);
/* Put another stage of the same run to that of watch_trail_before; `fresh` is that stage when it had just started.
 * ERR_STATE: it cannot be, and the stage is as it was; another error: the stage is of no use any more. */
err_t watch_trail_put(const struct watch_trail *trail, struct stage *stage, const struct stage_image *fresh,
                      uint64_t input, struct err_text *why) MUST_USE;

#endif
