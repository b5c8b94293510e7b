/* wire_faults.c: chance for what goes wrong on purpose.
 *
 * Each decision is a function of (seed, source, number, fault): the third frame of the fifth connection is lost or
 * not, whatever else happens. So a failure found in one run is found again when other faults are switched on or off.
 */
#include "core/prng.h"
#include "sim/wire/wire_state.h"

#define MILLION 1000000

bool wire_fault_hits(const struct wire *wire, uint32_t rate, uint64_t source, uint64_t number, uint64_t which)
{
    return prng_at(wire->config.seed, source, number, which) % MILLION < rate;
}

ns_t wire_fault_skew(const struct wire *wire, ns_t venue_time)
{
    const struct wire_faults *faults = &wire->config.faults;
    const ns_t since = venue_time - wire->config.clock.venue_base;
    return faults->clock_skew + (ns_t)((money_t)since * faults->clock_drift / MILLION);
}

ns_t wire_fault_end(const struct wire *wire, uint64_t serial, ns_t now, ns_t life)
{
    const struct wire_faults *faults = &wire->config.faults;
    ns_t end = now + (faults->life != 0 ? faults->life : life);
    if (faults->drop_connection != 0) {
        struct prng prng;
        prng_init(&prng, wire->config.seed, serial * 2 + 1);
        const ns_t cut = now + prng_exponential(&prng, faults->drop_connection);
        end = cut < end ? cut : end;
    }
    return end;
}
