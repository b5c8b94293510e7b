/* live_clock.h: the only clock that a session sees.
 *
 *   ts = monotonic clock + offset         offset: wall clock minus monotonic clock, when the session began
 *
 * ts never falls, whatever happens to the wall clock. Once a second the offset is held against what it should be:
 *
 *   the wall clock is ahead by more than LIVE_CLOCK_STEP    it was set forward: ts follows at once
 *   it is behind by more than that                          it was set back: ts goes on, and is slowed by
 *                                                           LIVE_CLOCK_SLEW until it agrees
 *   less than that                                          a correction in small steps: ts follows by
 * LIVE_CLOCK_SLEW
 *
 * Both first cases are told as a step.
 */
#ifndef TAPEDECK_ADAPTERS_SHELL_LIVE_CLOCK_H
#define TAPEDECK_ADAPTERS_SHELL_LIVE_CLOCK_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LIVE_CLOCK_STEP (50 * NS_PER_MS)
#define LIVE_CLOCK_SLEW 2000 /* one part in so many: 0.5 ms a second */

struct live_clock {
    ns_t offset; /* applied */
    ns_t known;  /* wall minus monotonic, when it was last looked at: a step is told once */
    ns_t looked; /* monotonic */
    ns_t last;   /* ts given last */
};

/* The pure half, for tests. */
void live_clock_begin(struct live_clock *clock, ns_t monotonic, ns_t wall);
ns_t live_clock_at(struct live_clock *clock, ns_t monotonic);
/* Look at both clocks; a step, or 0. */
ns_t live_clock_look(struct live_clock *clock, ns_t monotonic, ns_t wall);

/* The clocks themselves. */
ns_t live_clock_monotonic(void);
ns_t live_clock_wall(void);

#ifdef __cplusplus
}
#endif
#endif
