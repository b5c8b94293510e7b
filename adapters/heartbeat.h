/* heartbeat.h: how densely the inputs of a session came, and how far its clock was set; a function of the inputs.
 *
 * Whoever listens tells time when nothing else arrives (LINK_TICK), so a stretch without any input means that nobody
 * looked: a machine that was busy with something else, a process that was stopped.
 */
#ifndef TAPEDECK_ADAPTERS_HEARTBEAT_H
#define TAPEDECK_ADAPTERS_HEARTBEAT_H

#include "core/base.h"

struct heartbeat {
    ns_t limit;               /* a longer stretch without an input is counted; 0: none is */
    ns_t last;                /* ts of the last input */
    ns_t longest, longest_at; /* the longest stretch, and where it began */
    ns_t forward;             /* by so much the local clock was set forward, in all */
    uint64_t missed;          /* stretches beyond the limit */
    bool begun;
};

/* An input at `ts`, and with it a clock that was set forward by `step` (0: it was not), which is no time that passed.
 * Sums that fit no ns_t, which only a damaged tape can bring, are passed over. */
static inline void heartbeat_beat(struct heartbeat *heart, ns_t ts, ns_t step)
{
    ns_t stretch = 0, forward;
    const bool known = heart->begun && !__builtin_sub_overflow(ts, heart->last, &stretch);
    const ns_t began = heart->last;
    heart->begun = true;
    heart->last = ts;
    if (UNLIKELY(step != 0) && !__builtin_add_overflow(heart->forward, step, &forward))
        heart->forward = forward;
    if (!known)
        return;
    stretch = step < stretch ? stretch - step : 0;
    if (UNLIKELY(stretch > heart->longest)) {
        heart->longest = stretch;
        heart->longest_at = began;
    }
    heart->missed += heart->limit > 0 && stretch > heart->limit;
}

#endif
