#include "adapters/shell/live_clock.h"

#include <time.h>

void live_clock_begin(struct live_clock *clock, ns_t monotonic, ns_t wall)
{
    *clock = (struct live_clock){
        .offset = wall - monotonic, .known = wall - monotonic, .looked = monotonic, .last = INT64_MIN};
}

ns_t live_clock_at(struct live_clock *clock, ns_t monotonic)
{
    const ns_t ts = monotonic + clock->offset;
    if (ts > clock->last)
        clock->last = ts;
    return clock->last;
}

ns_t live_clock_look(struct live_clock *clock, ns_t monotonic, ns_t wall)
{
    const ns_t now = wall - monotonic;
    const ns_t step = now - clock->known;
    const ns_t most = (monotonic - clock->looked) / LIVE_CLOCK_SLEW;
    const bool stepped = step > LIVE_CLOCK_STEP || step < -LIVE_CLOCK_STEP;
    clock->known = now;
    clock->looked = monotonic;
    if (step > LIVE_CLOCK_STEP && now > clock->offset)
        clock->offset = now;
    else if (stepped)
        return step; /* back: from the next look on it is slowed */
    else if (now - clock->offset > most)
        clock->offset += most;
    else if (clock->offset - now > most)
        clock->offset -= most;
    else
        clock->offset = now;
    return stepped ? step : 0;
}

static ns_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (ns_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

ns_t live_clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

ns_t live_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}
