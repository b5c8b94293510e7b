/* Does it look like a market? The stylised facts (Cont 2001), printed, and held within wide bounds. Doubles are
 * fine here: they measure, they do not decide what the market does. */
#include "tests/feeds/synth_fixture.h"

#include <math.h>

#define SECONDS     300
#define SIGNS_MAX   200000
#define DEPTH_TICKS 500

struct facts {
    double spread_share[16]; /* share of the time, by ticks; the last: as much or more */
    double mid[SECONDS];     /* in ticks, at the end of each second */
    int trades[SECONDS];
    int8_t signs[SIGNS_MAX]; /* one a market order */
    int sign_count;
    double depth[DEPTH_TICKS];
    int depth_samples;
    uint32_t least_levels; /* of a side, ever seen at a sample */
};

static uint32_t sample_depth(struct facts *facts, const struct synth_market *market, uint16_t instrument, px_t tick)
{
    uint32_t least = UINT32_MAX;
    for (unsigned side = SIDE_BUY; side <= SIDE_SELL; side++) {
        struct level level;
        uint32_t count = 0;
        cr_assert(synth_best(market, instrument, side, &level));
        px_t best = level.price;
        do {
            px_t distance = (best - level.price) * side_sign(side) / tick;
            if (distance < DEPTH_TICKS)
                facts->depth[distance] += (double)level.qty;
            count++;
        } while (synth_next(market, instrument, side, level.price, &level));
        least = count < least ? count : least;
    }
    facts->depth_samples++;
    return least;
}

static void observe(struct facts *facts, uint64_t seed, uint16_t instrument)
{
    struct synth_config config = stepping(seed, SECONDS * NS_PER_S);
    config.bbo = true;
    config.instrument_count = instrument + 1u;
    struct fixture fixture = fixture_open(&config);
    px_t tick = synth_instruments(fixture.market)[instrument].tick_tables[0].bands[0].tick;
    const struct event *event;
    ns_t last_bbo = config.start_ts, last_trade = 0;
    px_t spread = 1;
    int second = 0;
    double mid = 0;
    *facts = (struct facts){.least_levels = UINT32_MAX};
    while ((event = fixture_next(&fixture)) != NULL) {
        if (event->instrument != instrument)
            continue;
        for (; second < (event->exch_ts - config.start_ts) / NS_PER_S && second < SECONDS; second++) {
            facts->mid[second] = mid;
            uint32_t least = sample_depth(facts, fixture.market, instrument, tick);
            facts->least_levels = least < facts->least_levels ? least : facts->least_levels;
        }
        if (event->kind == EVENT_TRADE && second < SECONDS) {
            facts->trades[second]++;
            if (event->exch_ts != last_trade && facts->sign_count < SIGNS_MAX)
                facts->signs[facts->sign_count++] = event->flags & EVENT_SELL ? -1 : 1;
            last_trade = event->exch_ts;
        }
        if (event->kind == EVENT_BBO) {
            px_t ticks = spread < 15 ? spread : 15;
            facts->spread_share[ticks] += (double)(event->exch_ts - last_bbo) / (SECONDS * 1e9);
            last_bbo = event->exch_ts;
            spread = (event->levels[1].price - event->levels[0].price) / tick;
            cr_assert(spread > 0);
            mid = (double)(event->levels[0].price + event->levels[1].price) / 2 / (double)tick;
        }
    }
    for (; second < SECONDS; second++)
        facts->mid[second] = mid;
    fixture_close(&fixture);
}

static double kurtosis(const struct facts *facts)
{
    double squares = 0, fourths = 0;
    for (int i = 1; i < SECONDS; i++) {
        double r = facts->mid[i] - facts->mid[i - 1];
        squares += r * r;
        fourths += r * r * r * r;
    }
    return fourths * (SECONDS - 1) / (squares * squares);
}

/* Of the absolute one-second returns. */
static double clustering(const struct facts *facts, int lag)
{
    double mean = 0, covariance = 0, variance = 0;
    for (int i = 1; i < SECONDS; i++)
        mean += fabs(facts->mid[i] - facts->mid[i - 1]) / (SECONDS - 1);
    for (int i = 1; i < SECONDS; i++) {
        double r = fabs(facts->mid[i] - facts->mid[i - 1]) - mean;
        variance += r * r;
        if (i > lag)
            covariance += r * (fabs(facts->mid[i - lag] - facts->mid[i - lag - 1]) - mean);
    }
    return covariance / variance;
}

static double sign_memory(const struct facts *facts, int lag)
{
    double sum = 0;
    for (int i = lag; i < facts->sign_count; i++)
        sum += facts->signs[i] * facts->signs[i - lag];
    return sum / (facts->sign_count - lag);
}

static double fano(const struct facts *facts)
{
    double mean = 0, variance = 0;
    for (int i = 0; i < SECONDS; i++)
        mean += (double)facts->trades[i] / SECONDS;
    for (int i = 0; i < SECONDS; i++)
        variance += (facts->trades[i] - mean) * (facts->trades[i] - mean) / SECONDS;
    return variance / mean;
}

static double depth_between(const struct facts *facts, int from, int to)
{
    double sum = 0;
    for (int i = from; i < to; i++)
        sum += facts->depth[i];
    return sum / (to - from) / facts->depth_samples / 2;
}

static void check_facts(uint64_t seed, uint16_t instrument)
{
    static struct facts facts;
    observe(&facts, seed, instrument);
    double near = facts.spread_share[1] + facts.spread_share[2] + facts.spread_share[3];
    double touch = depth_between(&facts, 0, 3), hump = depth_between(&facts, 12, 60);
    double deep = depth_between(&facts, 300, 450);
    printf("seed %lu, instrument %u: spread 1: %.2f 2: %.2f 3: %.2f >3: %.3f; kurtosis of 1 s returns %.1f; |r| acf "
           "1: %.2f 5: %.2f; sign acf 1: %.2f 10: %.2f 100: %.3f; Fano of trades %.0f; depth at 0-2: %.0f, "
           "12-59: %.0f, 300-449: %.0f; least levels %u\n",
           (unsigned long)seed, instrument, facts.spread_share[1], facts.spread_share[2], facts.spread_share[3],
           1 - near, kurtosis(&facts), clustering(&facts, 1), clustering(&facts, 5), sign_memory(&facts, 1),
           sign_memory(&facts, 10), sign_memory(&facts, 100), fano(&facts), touch, hump, deep, facts.least_levels);
    cr_assert(near > 0.9, "the spread is mostly 1 to 3 ticks");
    cr_assert(facts.spread_share[1] > 0.4);
    cr_assert(kurtosis(&facts) > 3, "tails");
    cr_assert(clustering(&facts, 1) > 0.05, "volatility comes in clusters");
    cr_assert(sign_memory(&facts, 1) > 0.1 && sign_memory(&facts, 10) > 0.02, "signs have memory");
    cr_assert(sign_memory(&facts, 10) < sign_memory(&facts, 1), "and forget");
    cr_assert(fano(&facts) > 2, "trades come in clusters");
    cr_assert(hump > 1.1 * touch && hump > 1.3 * deep, "the book is deepest away from the touch");
    cr_assert(facts.least_levels > 150, "several hundred ticks of book");
}

Test(synth_facts, a_small_tick_instrument_looks_like_a_market)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        check_facts(seed, 0);
}

Test(synth_facts, a_large_tick_instrument_looks_like_one)
{
    check_facts(1, 2);
}

/* The mid goes where the value goes: a market that only bounced would be easy prey for any maker. */
Test(synth_facts, the_mid_follows_the_value)
{
    struct synth_config config = stepping(2, 120 * NS_PER_S);
    config.bbo = true;
    struct fixture fixture = fixture_open(&config);
    const struct event *event;
    double apart = 0;
    int64_t low = INT64_MAX, high = 0;
    uint64_t count = 0;
    while ((event = fixture_next(&fixture)) != NULL) {
        if (event->kind != EVENT_BBO)
            continue;
        int64_t mid_q16 = (event->levels[0].price + event->levels[1].price) << 15;
        double difference = (double)(synth_value_q16(fixture.market, 0) - mid_q16) / 65536;
        apart += difference * difference;
        low = mid_q16 < low ? mid_q16 : low;
        high = mid_q16 > high ? mid_q16 : high;
        count++;
    }
    double distance = sqrt(apart / (double)count);
    printf("mid within %.1f ticks of the value (rms) over a range of %.0f ticks\n", distance,
           (double)(high - low) / 65536);
    cr_assert(distance < 12);
    cr_assert((high - low) >> 16 > 40);
    fixture_close(&fixture);
}
