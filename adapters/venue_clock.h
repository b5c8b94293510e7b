/* venue_clock.h: how far the venue's clock is from ours, from round trips, and what we know of it.
 *
 *   ours    sent ──────────────────────────── received
 *                 \                          /
 *   venue          ────────► low..high ─────             the venue read its clock somewhere in between
 *
 *   offset = venue - ours   lies in   [low - received, high - sent]
 *
 * A venue that prints milliseconds and cuts the rest gives low = ms, high = ms + 1 ms - 1 ns.
 *
 * Each round trip is a bound that holds whatever the way there and back took (Cristian 1989); no symmetry is assumed.
 * The bounds of the last CLOCK_SAMPLES round trips are intersected, each widened by what two clocks may drift apart
 * since (CLOCK_DRIFT_PPM), so that the quickest round trips decide and a slow one does no harm. What is told is the
 * middle of the intersection; the true offset is within `uncertainty` of it, so long as nobody stepped a clock.
 * Bounds that do not meet are the proof that somebody did: then only the newest counts, and `steps` says so.
 *
 * A one-way age (venue's stamp to our arrival) and a round trip are two things: the first needs the offset and is as
 * uncertain as it; the second needs nothing.
 */
#ifndef TAPEDECK_ADAPTERS_VENUE_CLOCK_H
#define TAPEDECK_ADAPTERS_VENUE_CLOCK_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CLOCK_SAMPLES   32
#define CLOCK_DRIFT_PPM 100 /* both clocks together */

struct venue_clock {
    uint64_t samples; /* taken in */
    uint64_t refused; /* round trips that cannot be: received before sent, or beyond 64 bits */
    uint64_t steps;   /* times the bounds did not meet */
    ns_t offset;      /* venue minus ours; valid when samples > 0 */
    ns_t uncertainty;
    ns_t rtt_last, rtt_min; /* rtt_min: of the samples kept */
    uint32_t kept, next;
    struct clock_bound {
        ns_t at; /* when received */
        ns_t low, high;
        ns_t rtt;
    } bounds[CLOCK_SAMPLES];
};

void venue_clock_init(struct venue_clock *clock);
/* One round trip. True: it did not meet the ones before (a clock was stepped). */
bool venue_clock_sample(struct venue_clock *clock, ns_t sent, ns_t received, ns_t venue_low, ns_t venue_high);
/* The clock that `sent` and `received` are read from has jumped by `step`: what is known moves along. */
void venue_clock_stepped(struct venue_clock *clock, ns_t step);

/* Our time of a venue's stamp, and back. Meaningless (and unshifted) without samples. */
static inline ns_t venue_clock_to_ours(const struct venue_clock *clock, ns_t venue_ts)
{
    return venue_ts - clock->offset;
}
/* The one-way age of something stamped `venue_ts` that arrived at `ts`: true within `uncertainty`; negative when the
 * stamp is later than the arrival, which is then the clocks' doing. */
static inline ns_t venue_clock_age(const struct venue_clock *clock, ns_t venue_ts, ns_t ts)
{
    return ts + clock->offset - venue_ts;
}

#ifdef __cplusplus
}
#endif
#endif
