/* backoff.h: how long to wait before the next attempt.
 *
 *   attempt   1          2            3         ...
 *   wait      [½, 1] s   [1, 2] s     [2, 4] s  ...  [30, 60] s  [30, 60] s ...
 *
 * The longest wait doubles from `base` to `cap`; the wait is drawn from its upper half, so that many that were cut
 * off at once do not come back at once. It never gives up by itself: `attempts` is there for whoever wants to.
 */
#ifndef TAPEDECK_ADAPTERS_BACKOFF_H
#define TAPEDECK_ADAPTERS_BACKOFF_H

#include "core/prng.h"

#ifdef __cplusplus
extern "C" {
#endif

struct backoff {
    ns_t base;
    ns_t cap;
    uint32_t attempts; /* since the last success */
    struct prng prng;
};

/* base > 0, cap >= base (asserted). Two with the same seed and stream wait alike. */
static inline void backoff_init(struct backoff *backoff, ns_t base, ns_t cap, uint64_t seed, uint64_t stream)
{
    ASSERT(base > 0 && cap >= base);
    backoff->base = base;
    backoff->cap = cap;
    backoff->attempts = 0;
    prng_init(&backoff->prng, seed, stream);
}

/* The wait before the next attempt, which is counted. In [half, whole] of min(cap, base x 2^attempts). */
static inline ns_t backoff_next(struct backoff *backoff)
{
    ns_t longest = backoff->base;
    for (uint32_t i = 0; i < backoff->attempts && longest < backoff->cap; i++)
        longest = longest > backoff->cap / 2 ? backoff->cap : longest * 2;
    if (backoff->attempts < UINT32_MAX)
        backoff->attempts++;
    return prng_range(&backoff->prng, longest - longest / 2, longest);
}

/* It worked: the next failure begins at `base` again. */
static inline void backoff_reset(struct backoff *backoff)
{
    backoff->attempts = 0;
}

#ifdef __cplusplus
}
#endif
#endif
