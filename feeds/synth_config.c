/* The config of a synthetic market and the instruments it trades. */
#include "feeds/synth_publisher.h"

#include <inttypes.h>
#include <stdio.h>

/* Eight sorts of instrument, from one whose tick is a three-hundred-thousandth of its price to one whose tick is a
 * ten-thousandth; the ninth is again like the first, at another price, and so on. */
static const struct sort {
    px_t price, tick;
    qty_t lot;
    uint8_t price_decimals, qty_decimals;
} sorts[] = {
    {300000, 1, 1, 1, 3},   /* 30000.0 by 0.1, lot 0.001 */
    {200000, 1, 1, 2, 2},   /* 2000.00 by 0.01, lot 0.01 */
    {10000, 1, 1, 2, 1},    /* 100.00 by 0.01, lot 0.1: a large tick */
    {5000, 1, 10, 4, 0},    /* 0.5000 by 0.0001, lot 10 */
    {60000, 5, 5, 2, 3},    /* 600.00 by 0.05, lot 0.005 */
    {12000, 1, 1000, 8, 0}, /* 0.00012000 by 0.00000001, lot 1000 */
    {10000, 1, 1, 3, 0},    /* 10.000 by 0.001, lot 1 */
    {100000, 1, 1, 5, 0},   /* 1.00000 by 0.00001, lot 1 */
};

void synth_config_default(struct synth_config *config)
{
    *config = (struct synth_config){
        .seed = 1,
        .instrument_count = 1,
        .start_ts = INT64_C(1704067200) * NS_PER_S,
        .duration_ns = 3600 * NS_PER_S,
        .levels = SYNTH_LEVEL2,
        .contract = CONTRACT_LINEAR,
        .diff_interval_ns = 100 * NS_PER_MS,
        .latency_base_ns = 5 * NS_PER_MS,
        .latency_jitter_ns = NS_PER_MS,
        .actions_per_s = 2400,
        .branching_ppm = 600000,
        .market_ppm = 20000,
        .volatility_ppm = 30,
        .batch_events = SYNTH_BATCH_EVENTS,
    };
}

err_t synth_config_check(const struct synth_config *config, struct err_text *why)
{
    const ns_t day = 86400 * NS_PER_S;
    const struct {
        const char *name;
        int64_t value, low, high;
    } ranges[] = {
        {"instruments", config->instrument_count, 1, SYNTH_INSTRUMENTS_MAX},
        {"start", config->start_ts, 0, INT64_C(200) * 365 * day},
        {"duration", config->duration_ns, 0, INT64_C(36500) * day},
        {"level", config->levels, SYNTH_LEVEL2, SYNTH_BOTH},
        {"contract", config->contract, CONTRACT_SPOT, CONTRACT_LINEAR},
        {"diff interval", config->diff_interval_ns, 0, day},
        {"snapshot interval", config->snapshot_interval_ns, 0, 365 * day},
        {"latency", config->latency_base_ns, 0, 3600 * NS_PER_S},
        {"latency jitter", config->latency_jitter_ns, 0, 60 * NS_PER_S},
        {"rate", config->actions_per_s, 1, 1000000},
        {"branching ratio in ppm", config->branching_ppm, 0, 900000},
        {"market order share in ppm", config->market_ppm, 1, 200000},
        {"volatility in ppm", config->volatility_ppm, 0, 1000},
        {"events of a batch", config->batch_events, 1, SYNTH_BATCH_EVENTS},
    };
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (ranges[i].value < ranges[i].low || ranges[i].value > ranges[i].high)
            return err_say(why, ERR_RANGE,
                           "synthetic market: %s is %" PRId64 "; expected %" PRId64 " to %" PRId64 "%s",
                           ranges[i].name, ranges[i].value, ranges[i].low, ranges[i].high,
                           ranges[i].high >= 60 * NS_PER_S ? " (ns)" : "");
    return ERR_OK;
}

int64_t synth_instrument_init(struct instrument *instrument, const struct synth_config *config, uint32_t number)
{
    const struct sort *sort = &sorts[number % ARRAY_LEN(sorts)];
    char base[NAME_SIZE], symbol[SYMBOL_SIZE];
    snprintf(base, sizeof(base), "SYN%" PRIu32, number + 1);
    snprintf(symbol, sizeof(symbol), "SYN%" PRIu32 "USDT", number + 1);
    err_t err = instrument_init(instrument, "synthetic", symbol, base, "USDT", config->contract, sort->price_decimals,
                                sort->qty_decimals);
    ASSERT(err == ERR_OK);
    instrument_set_tick(instrument, sort->tick);
    instrument->lot = sort->lot;
    instrument->qty_min = sort->lot;
    instrument->price_show = sort->price_decimals;
    instrument->qty_show = sort->qty_decimals;
    instrument->maker_fee = INT64_C(200000); /* 0.02 % */
    instrument->taker_fee = INT64_C(500000); /* 0.05 % */
    int64_t ticks = sort->price / sort->tick;
    /* The same sort again: at 80 to 120 percent of its price. */
    if (number >= ARRAY_LEN(sorts))
        ticks = ticks * (int64_t)(80 + prng_at(config->seed, number, 0, 0) % 41) / 100;
    return ticks;
}
