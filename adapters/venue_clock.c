#include "adapters/venue_clock.h"

#include <string.h>

void venue_clock_init(struct venue_clock *clock)
{
    memset(clock, 0, sizeof(*clock));
}

/* How far two clocks may have drifted apart in `age`. */
static ns_t drift_of(ns_t age)
{
    return age <= 0 ? 0 : age / (1000000 / CLOCK_DRIFT_PPM) + 1;
}

/* The intersection of all bounds, as they hold at `ts`. False: they do not meet. */
static bool intersect(const struct venue_clock *clock, ns_t ts, ns_t *low, ns_t *high)
{
    *low = INT64_MIN;
    *high = INT64_MAX;
    for (uint32_t i = 0; i < clock->kept; i++) {
        const struct clock_bound *bound = &clock->bounds[i];
        ns_t drift = drift_of(ts - bound->at);
        if (bound->low - drift > *low)
            *low = bound->low - drift;
        if (bound->high + drift < *high)
            *high = bound->high + drift;
    }
    return *low <= *high;
}

static bool fits(ns_t value)
{
    return value > -(INT64_C(1) << 61) && value < INT64_C(1) << 61;
}

bool venue_clock_sample(struct venue_clock *clock, ns_t sent, ns_t received, ns_t venue_low, ns_t venue_high)
{
    if (received < sent || venue_high < venue_low || !fits(sent) || !fits(received) || !fits(venue_low) ||
        !fits(venue_high)) {
        clock->refused++;
        return false;
    }
    struct clock_bound bound = {
        .at = received, .low = venue_low - received, .high = venue_high - sent, .rtt = received - sent};
    clock->bounds[clock->next] = bound;
    clock->next = (clock->next + 1) % CLOCK_SAMPLES;
    if (clock->kept < CLOCK_SAMPLES)
        clock->kept++;
    clock->samples++;
    clock->rtt_last = bound.rtt;
    ns_t low, high;
    bool stepped = !intersect(clock, received, &low, &high);
    if (stepped) {
        clock->steps++;
        clock->bounds[0] = bound;
        clock->kept = 1;
        clock->next = 1;
        low = bound.low;
        high = bound.high;
    }
    clock->rtt_min = bound.rtt;
    for (uint32_t i = 0; i < clock->kept; i++)
        if (clock->bounds[i].rtt < clock->rtt_min)
            clock->rtt_min = clock->bounds[i].rtt;
    clock->offset = low + (high - low) / 2;
    clock->uncertainty = (high - low + 1) / 2;
    return stepped;
}

void venue_clock_stepped(struct venue_clock *clock, ns_t step)
{
    if (!fits(step))
        return;
    for (uint32_t i = 0; i < clock->kept; i++) {
        clock->bounds[i].at += step;
        clock->bounds[i].low -= step;
        clock->bounds[i].high -= step;
    }
    clock->offset -= step;
}
