/* impact.h: how far our own taking has moved the market: the square-root law and its decay.
 *
 *   D, ticks
 *     │        ┌╲  second take
 *     │   ┌╲   │ ╲__                    each take adds  I(q) = Y x sigma x (q / V)^delta
 *     │   │ ╲__│     ╲____              which then decays as a sum of exponentials
 *     │   │ first         ╲________
 *     ├───┴───────────────────────────► the venue's time
 *
 * I is the impact of a quantity q: Y a number near 1 (0.5 to 1), sigma the standard deviation of a day's return, V a
 * day's volume and delta about one half (Almgren et al. 2005, Toth et al. 2011, Donier & Bonart 2015). Y = 0.7,
 * sigma = 300 ticks and 100 of 250,000 traded a day give 4.2 ticks. What a take did decays (the propagator of
 * Bouchaud, Gefen, Potters & Wyart 2004); its kernel is
 *
 *   G(t) = sum over j < terms of w_j 2^(-t / (half_life x 4^j)),   w_j in proportion to 4^(-j decay),   G(0) = 1
 *
 * One term is the exponential resilience of Obizhaeva & Wang 2013, half gone after half_life; more of them come close
 * to a power law t^-decay from half_life to half_life x 4^terms.
 *
 * Here is only the number D. What it does to fills is in venue_impact.c and ../docs/fills.md.
 *
 * Integers: a state is ticks at 2^-32, rounded toward zero, so buys and sells are mirror images. It is kept as of the
 * last take and never as of a look: how often D is asked for changes nothing. The power is right to 2^-40 of itself.
 */
#ifndef TAPEDECK_SIM_IMPACT_H
#define TAPEDECK_SIM_IMPACT_H

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMPACT_TERMS_MAX       8
#define IMPACT_UNIT            INT64_C(1000000000) /* coefficients are at 10^-9 */
#define IMPACT_COEFFICIENT_MAX (100 * IMPACT_UNIT)
#define IMPACT_VOLATILITY_MAX  (10 * IMPACT_UNIT)
#define IMPACT_HALF_LIFE_MAX   (24 * 3600 * NS_PER_S)
#define IMPACT_TICKS_MAX       (INT64_C(1) << 24) /* more is cut: nothing is left to be displaced */

struct impact_config {
    int64_t coefficient; /* Y, > 0 */
    int64_t exponent;    /* delta, 0 < delta <= 1 */
    int64_t volatility;  /* sigma: of a day's return, > 0; 0.03 is 3 % */
    qty_t volume;        /* V: of a day, in the instrument's quantities, > 0 */
    ns_t half_life;      /* > 0 */
    uint32_t terms;      /* 1 .. IMPACT_TERMS_MAX */
    int64_t decay;       /* 0 .. 1; with one term without meaning */
};

struct impact_model {
    uint64_t scale; /* Y x sigma, at 2^-48 */
    uint64_t volume_log;
    int64_t exponent;
    uint32_t terms; /* 0: no impact */
    ns_t half_life[IMPACT_TERMS_MAX];
    uint64_t weight[IMPACT_TERMS_MAX]; /* at 2^-32, 2^32 in all */
};

/* What was moved, up: > 0. Zeroed: nothing. */
struct impact {
    int64_t state[IMPACT_TERMS_MAX]; /* at 2^-32 ticks, as of `ts` */
    ns_t ts;
    bool moved; /* some state is not 0 */
};

/* ERR_RANGE with words, the field first. */
err_t impact_model_init(struct impact_model *model, const struct impact_config *config,
                        struct err_text *why) MUST_USE;

/* The law: impact of a quantity at a price of so many ticks, in ticks at 2^-32, cut at IMPACT_TICKS_MAX. */
int64_t impact_of(const struct impact_model *model, int64_t price_ticks, qty_t qty);
/* Somebody took `qty` (0: nothing happens) at `ts`, not before the last take. */
void impact_take(const struct impact_model *model, struct impact *impact, ns_t ts, enum side side,
                 int64_t price_ticks, qty_t qty);
/* D at `ts` (not before the last take), in ticks at 2^-32; it is 0 for good when all has decayed. */
int64_t impact_at(const struct impact_model *model, const struct impact *impact, ns_t ts);
/* The same in whole ticks, halves away from zero. */
int64_t impact_ticks_at(const struct impact_model *model, const struct impact *impact, ns_t ts);

#ifdef __cplusplus
}
#endif
#endif
