/* prng.h: the seeded generator (xoshiro256**, seeded by splitmix64): the only source of chance inside.
 *
 * Reference: Blackman & Vigna, "Scrambled linear pseudorandom number generators" (2021). Integer only,
 * the same numbers on every machine. Streams with other names are independent: prng_init mixes both.
 */
#ifndef TAPEDECK_CORE_PRNG_H
#define TAPEDECK_CORE_PRNG_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct prng {
    uint64_t state[4];
};

void prng_init(struct prng *prng, uint64_t seed, uint64_t stream);
uint64_t prng_next(struct prng *prng);
/* Uniform in [0, bound), bound > 0, without bias (Lemire 2019). */
uint64_t prng_below(struct prng *prng, uint64_t bound);
/* Uniform in [low, high], both included. */
int64_t prng_range(struct prng *prng, int64_t low, int64_t high);
/* Exponential with the given mean, by an integer -ln table (no libm); mean >= 0; the result is
 * in [0, 64 ln 2 x mean] (44.4 x mean), cut at INT64_MAX. */
int64_t prng_exponential(struct prng *prng, int64_t mean);
/* Standard normal at 10^-9, by an integer method (no libm); within 9.5 standard deviations. Takes as many
 * numbers as it needs: 1.27 on average. */
int64_t prng_normal(struct prng *prng);
/* Stateless: one number for (seed, stream, index, kind), so that adding a draw does not shift others. */
uint64_t prng_at(uint64_t seed, uint64_t stream, uint64_t index, uint64_t kind);

#ifdef __cplusplus
}
#endif
#endif
