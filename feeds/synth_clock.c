#include "feeds/synth_clock.h"

#define LN2_Q32 UINT64_C(2977044472)

static const ns_t excite_half_life[2] = {15 * NS_PER_MS, 3 * NS_PER_S};
static const uint32_t excite_share[2] = {60, 40}; /* of the branching ratio, percent */
#define HEAT_HALF_LIFE (200 * NS_PER_MS)
static const uint32_t wave_half_life_s[2] = {20, 1200};
#define WAVE_SIGMA_Q32 (Q32 / 2) /* of each wave, in powers of two */
/* Two waves of 1/2 each make E[volatility^2] = 2^(2 ln2 (1/4 + 1/4)); taking half of that exponent
 * (ln2 / 2 = 0.3466) off the sum makes it 1. */
#define WAVE_SHIFT_Q32     (INT64_C(1488522236))
#define WAVE_LIMIT_Q32     (4 * Q32)
#define NEWS_PER_JUMP      6000
#define JUMP_SIGMAS        4  /* smallest jump, in standard deviations of one second */
#define INFORMED_TICKS     32 /* ticks of pressure at which the informed flow is as fast as the ordinary */
#define PRESSURE_TICKS_MAX 64
#define EXCITE_LIMIT       64 /* times the base rate */

/* The rate of decay of a half-life, a second at Q16. */
static uint64_t decay_rate_q16(ns_t half_life)
{
    return (uint64_t)(((u128_t)LN2_Q32 * NS_PER_S / (uint64_t)half_life) >> 16);
}

void synth_clock_init(struct synth_clock *clock, const struct synth_exp *exp, struct prng *prng,
                      const struct synth_flow_config *config, int64_t price)
{
    ASSERT(price > SYNTH_PRICE_MIN && price < SYNTH_PRICE_MAX);
    uint64_t actions_q16 = (uint64_t)config->actions_per_s << 16;
    *clock = (struct synth_clock){.exp = exp, .prng = prng, .value_q16 = price << 16, .volatility_q16 = Q16};
    clock->base_rate = actions_q16 * (1000000 - config->branching_ppm) / 1000000;
    clock->rate = clock->base_rate;
    /* A kernel a e^(-bt) causes a / b actions: a = branching x b. */
    for (unsigned k = 0; k < 2; k++)
        clock->excite_jump[k] =
            decay_rate_q16(excite_half_life[k]) * excite_share[k] / 100 * config->branching_ppm / 1000000;
    clock->informed_rate = actions_q16 / INFORMED_TICKS;
    /* Half of the market orders are caused by market orders (the other half is in their weight). */
    clock->heat_jump_q16 =
        decay_rate_q16(HEAT_HALF_LIFE) * 1000000 / ((uint64_t)config->actions_per_s * config->market_ppm);
    clock->sigma_q32 = (int64_t)synth_sqrt(((u128_t)config->volatility_ppm << 64) / 1000000 * config->volatility_ppm /
                                           1000000 / SYNTH_NEWS_PER_S);
    clock->next_news = 1 + prng_exponential(prng, NS_PER_S / SYNTH_NEWS_PER_S);
}

void synth_clock_set(struct synth_clock *clock, ns_t now)
{
    clock->next_news += now - clock->now;
    clock->now = now;
}

static uint64_t decayed(const struct synth_clock *clock, uint64_t value, ns_t half_life, uint64_t elapsed)
{
    /* Beyond 2^31 ns a quotient of 64 bits does not hold the shift any more; nothing is left by then but of
     * the slow kernel, for which 128 bits are worth their time. */
    uint64_t halves_q32 = elapsed < UINT64_C(1) << 31 ? (elapsed << 32) / (uint64_t)half_life
                                                      : (uint64_t)(((u128_t)elapsed << 32) / (uint64_t)half_life);
    return (uint64_t)((u128_t)value * synth_exp2_neg(clock->exp, halves_q32) >> 32);
}

static void advance(struct synth_clock *clock, ns_t now)
{
    uint64_t elapsed = (uint64_t)(now - clock->now);
    for (unsigned k = 0; k < 2; k++)
        clock->excite[k] = decayed(clock, clock->excite[k], excite_half_life[k], elapsed);
    clock->heat_q16 = decayed(clock, clock->heat_q16, HEAT_HALF_LIFE, elapsed);
    clock->now = now;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* One step of a wave: w -= w k, w += sigma sqrt(2 k) N, with k = ln2 / (half-life in steps). */
static void step_wave(struct synth_clock *clock, unsigned which)
{
    int64_t k_q32 = (int64_t)(LN2_Q32 / ((uint64_t)wave_half_life_s[which] * SYNTH_NEWS_PER_S));
    int64_t root_q32 = (int64_t)synth_sqrt((u128_t)(uint64_t)(2 * k_q32) << 32);
    int64_t sigma_q32 = (int64_t)((u128_t)WAVE_SIGMA_Q32 * (uint64_t)root_q32 >> 32);
    int64_t wave = clock->waves_q32[which];
    wave -= (int64_t)((money_t)wave * k_q32 / Q32);
    wave += (int64_t)((money_t)sigma_q32 * prng_normal(clock->prng) / 1000000000);
    clock->waves_q32[which] = clamp(wave, -WAVE_LIMIT_Q32, WAVE_LIMIT_Q32);
}

/* A Pareto multiple (>= 1, exponent 3, at most 2^(16/3)) of the smallest jump, in ticks at Q16. */
static int64_t draw_jump(struct synth_clock *clock)
{
    uint64_t uniform = prng_below(clock->prng, 65536) + 1;
    uint64_t multiple_q16 =
        (synth_pow_neg(clock->exp, uniform, Q16 / 3) << 16) / synth_pow_neg(clock->exp, 65536, Q16 / 3);
    int64_t second_q32 = clock->sigma_q32 * 7; /* sqrt(50) = 7.07 steps make a second */
    int64_t least_q16 = (int64_t)((money_t)clock->value_q16 * second_q32 * JUMP_SIGMAS / Q32);
    int64_t jump = (int64_t)((money_t)least_q16 * (int64_t)multiple_q16 / Q16);
    return prng_below(clock->prng, 2) == 0 ? jump : -jump;
}

static void news(struct synth_clock *clock)
{
    clock->next_news = clock->now + 1 + prng_exponential(clock->prng, NS_PER_S / SYNTH_NEWS_PER_S);
    step_wave(clock, 0);
    step_wave(clock, 1);
    clock->volatility_q16 =
        (int64_t)synth_exp2(clock->exp, clock->waves_q32[0] + clock->waves_q32[1] - WAVE_SHIFT_Q32);
    int64_t step_q16 = (int64_t)((money_t)clock->value_q16 * clock->sigma_q32 / Q32);
    step_q16 = (int64_t)((money_t)step_q16 * clock->volatility_q16 / Q16);
    step_q16 = (int64_t)((money_t)step_q16 * prng_normal(clock->prng) / 1000000000);
    if (prng_below(clock->prng, NEWS_PER_JUMP) == 0) {
        step_q16 += draw_jump(clock);
        clock->waves_q32[0] = clamp(clock->waves_q32[0] + Q32, -WAVE_LIMIT_Q32, WAVE_LIMIT_Q32);
    }
    int64_t value = clock->value_q16 + step_q16;
    if (value < (int64_t)SYNTH_PRICE_MIN << 16)
        value = ((int64_t)SYNTH_PRICE_MIN << 17) - value;
    clock->value_q16 = clamp(value, (int64_t)SYNTH_PRICE_MIN << 16, SYNTH_PRICE_MAX << 16);
    uint64_t activity_q17 = (uint64_t)(Q16 + clamp(clock->volatility_q16, 0, 8 * Q16));
    clock->rate = (uint64_t)((u128_t)clock->base_rate * activity_q17 >> 17);
}

bool synth_clock_next(struct synth_clock *clock, int64_t best_bid, int64_t best_ask, ns_t end)
{
    for (;;) {
        int64_t pressure = synth_clock_pressure(clock, best_bid, best_ask);
        uint64_t ticks = (uint64_t)clamp(pressure < 0 ? -pressure : pressure, 0, PRESSURE_TICKS_MAX);
        uint64_t informed = ticks * clock->informed_rate;
        uint64_t total = informed + clock->rate + clock->excite[0] + clock->excite[1];
        ns_t mean = (ns_t)(((uint64_t)NS_PER_S << 16) / (total + 1)) + 1;
        ns_t then = clock->now + 1 + prng_exponential(clock->prng, mean);
        ns_t stop = clock->next_news < end ? clock->next_news : end;
        if (then >= stop) {
            advance(clock, stop);
            if (stop == end)
                return false;
            news(clock);
            continue;
        }
        advance(clock, then);
        uint64_t pick = prng_below(clock->prng, total);
        clock->informed = pick < informed;
        if (pick >= informed + clock->rate + clock->excite[0] + clock->excite[1])
            continue; /* thinned out: the kernels fell in the meantime */
        for (unsigned k = 0; k < 2; k++)
            if (clock->excite[k] < clock->base_rate * EXCITE_LIMIT)
                clock->excite[k] += clock->excite_jump[k];
        return true;
    }
}
