/* synth_clock.h: when the next thing happens in a synthetic market, and what the thing traded is worth.
 *
 *   news, 50 a second ──► waves of volatility ──► value (a random walk with rare jumps)
 *                                │                   │ beyond the touch: "pressure", in ticks
 *                                ▼                   ▼
 *   Hawkes intensity = base x activity + kernels,  informed intensity ∝ pressure
 *                                └───────┬───────────┘
 *                                        ▼
 *                                  the next action, ordinary or informed
 *
 * Arrivals. Ordinary actions come by a self-exciting process (Hawkes 1971) with two exponential kernels, half-lives
 * 15 ms and 3 s, drawn by thinning (Ogata 1981): exact here, because between two actions the intensity only
 * falls, except where news change it, and there the draw starts anew (waiting times have no memory). With
 * branching ratio n the mean rate is base / (1 - n).
 *
 * Value. A geometric random walk in small steps at random times. The logarithm of its volatility is the sum of
 * a fast and a slow wave (Ornstein-Uhlenbeck, half-lives 20 s and 20 min): fat tails and clusters of
 * volatility. About every two minutes a step is a jump with a Pareto tail of exponent 3, which also lifts the fast
 * wave. Activity is (1 + volatility) / 2: busy hours are wild hours.
 *
 * Integer only; intensities are a second at Q16, all right at `now`.
 */
#ifndef TAPEDECK_FEEDS_SYNTH_CLOCK_H
#define TAPEDECK_FEEDS_SYNTH_CLOCK_H

#include "core/prng.h"
#include "feeds/synth_math.h"

#define SYNTH_NEWS_PER_S 50
#define SYNTH_PRICE_MIN  2400 /* ticks; the value is reflected here */
#define SYNTH_PRICE_MAX  (INT64_C(1) << 40)

struct synth_flow_config {
    uint32_t actions_per_s;  /* mean rate of ordinary actions, 1..1000000 */
    uint32_t branching_ppm;  /* share of them that other actions caused, 0..900000 */
    uint32_t market_ppm;     /* market orders among them, roughly, 1..200000 */
    uint32_t volatility_ppm; /* standard deviation of the value over one second, relative, 0..10000 */
};

struct synth_clock {
    const struct synth_exp *exp;
    struct prng *prng;
    ns_t now;
    ns_t next_news;
    bool informed; /* the action that is due is informed */

    uint64_t base_rate;
    uint64_t rate; /* base_rate times activity */
    uint64_t excite[2], excite_jump[2];
    uint64_t informed_rate; /* for each tick of pressure */
    uint64_t heat_q16;      /* extra weight of market orders, which market orders add to; half-life 200 ms */
    uint64_t heat_jump_q16;

    int64_t value_q16; /* ticks */
    int64_t sigma_q32; /* relative, one step, at volatility 1 */
    int64_t waves_q32[2];
    int64_t volatility_q16;
};

/* `price` in ticks. Time starts at 0. */
void synth_clock_init(struct synth_clock *clock, const struct synth_exp *exp, struct prng *prng,
                      const struct synth_flow_config *config, int64_t price);
/* Say that it is `now`, whatever it was. */
void synth_clock_set(struct synth_clock *clock, ns_t now);
/* Advance to the next action, while the touch stays as it is; false: not before `end`, and now == end. */
bool synth_clock_next(struct synth_clock *clock, int64_t best_bid, int64_t best_ask, ns_t end);
/* By how many ticks the value lies above the best ask (positive) or below the best bid (negative). */
static inline int64_t synth_clock_pressure(const struct synth_clock *clock, int64_t best_bid, int64_t best_ask)
{
    int64_t value = clock->value_q16 >> 16;
    return value > best_ask ? value - best_ask : value < best_bid ? value - best_bid : 0;
}
/* A market order came. */
static inline void synth_clock_heat(struct synth_clock *clock)
{
    if (clock->heat_q16 < (uint64_t)Q16 * 16)
        clock->heat_q16 += clock->heat_jump_q16;
}

#endif
