/* timers.h: one-shot deadlines, fired in (deadline, id) order: a binary heap in the caller's memory. Ids rise from 1,
 * so that of two timers due together the one set first fires first. */
#ifndef TAPEDECK_CORE_TIMERS_H
#define TAPEDECK_CORE_TIMERS_H

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct timer {
    ns_t deadline;
    uint64_t id;
};

struct timers {
    struct timer *heap;
    uint32_t count, capacity;
    uint64_t last_id;
};

/* `memory` holds `capacity` struct timer. */
void timers_init(struct timers *timers, struct timer *memory, uint32_t capacity);
/* ERR_FULL when all slots are taken. */
err_t timers_add(struct timers *timers, ns_t deadline, uint64_t *id) MUST_USE;
/* ERR_NOTFOUND when it fired already or never was. Linear in the number of timers. */
err_t timers_cancel(struct timers *timers, uint64_t id) MUST_USE;
/* The earliest deadline, NS_MAX: none. */
static inline ns_t timers_due(const struct timers *timers)
{
    return timers->count == 0 ? NS_MAX : timers->heap[0].deadline;
}
/* Take the earliest; there must be one. */
struct timer timers_pop(struct timers *timers);

#ifdef __cplusplus
}
#endif
#endif
