#include "adapters/upbit/rules.h"

#include <string.h>

/* Bounds and ticks at eight decimals. */
#define E8(x) ((int64_t)((x)*INT64_C(100000000)))
struct band {
    int64_t from;
    int64_t tick;
};
struct table {
    ns_t from_ts;
    const struct band *bands;
    size_t count;
};
#define BANDS(array) (array), ARRAY_LEN(array)

/* Midnight in Korea, nine hours before it is in UTC. */
#define DAY_2024_01_29 (INT64_C(1706454000) * NS_PER_S)
#define DAY_2024_10_01 (INT64_C(1727708400) * NS_PER_S)
#define DAY_2025_03_21 (INT64_C(1742482800) * NS_PER_S)
#define DAY_2025_07_31 (INT64_C(1753887600) * NS_PER_S)

static const struct band krw_until_2024[] = {
    {0, 10000},
    {10000000, 100000},
    {E8(1), 1000000},
    {E8(10), 10000000},
    {E8(100), E8(1)},
    {E8(1000), E8(5)},
    {E8(10000), E8(10)},
    {E8(100000), E8(50)},
    {E8(500000), E8(100)},
    {E8(1000000), E8(500)},
    {E8(2000000), E8(1000)},
};

static const struct band krw_until_2025[] = {
    {0, 1},
    {10000, 10},
    {100000, 100},
    {1000000, 1000},
    {10000000, 10000},
    {E8(1), 100000},
    {E8(10), 1000000},
    {E8(100), 10000000},
    {E8(1000), E8(1)},
    {E8(10000), E8(10)},
    {E8(100000), E8(50)},
    {E8(500000), E8(100)},
    {E8(1000000), E8(500)},
    {E8(2000000), E8(1000)},
};

/* The sixteen coins: tick 1 from 100 on. */
static const struct band krw_coarse[] = {
    {0, 1},
    {10000, 10},
    {100000, 100},
    {1000000, 1000},
    {10000000, 10000},
    {E8(1), 100000},
    {E8(10), 1000000},
    {E8(100), E8(1)},
    {E8(10000), E8(10)},
    {E8(100000), E8(50)},
    {E8(500000), E8(100)},
    {E8(1000000), E8(500)},
    {E8(2000000), E8(1000)},
};

/* The dollar coins: tick 0.5 from 1,000 to 10,000. */
static const struct band krw_dollar_until_2025[] = {
    {0, 1},
    {10000, 10},
    {100000, 100},
    {1000000, 1000},
    {10000000, 10000},
    {E8(1), 100000},
    {E8(10), 1000000},
    {E8(100), 10000000},
    {E8(1000), 50000000},
    {E8(10000), E8(10)},
    {E8(100000), E8(50)},
    {E8(500000), E8(100)},
    {E8(1000000), E8(500)},
    {E8(2000000), E8(1000)},
};

static const struct band krw_since_2025[] = {
    {0, 1},
    {1000, 10},
    {10000, 100},
    {100000, 1000},
    {1000000, 10000},
    {10000000, 100000},
    {E8(1), 1000000},
    {E8(10), 10000000},
    {E8(100), E8(1)},
    {E8(5000), E8(5)},
    {E8(10000), E8(10)},
    {E8(50000), E8(50)},
    {E8(100000), E8(100)},
    {E8(500000), E8(500)},
    {E8(1000000), E8(1000)},
};

static const struct band krw_dollar_since_2025[] = {
    {0, 1},
    {1000, 10},
    {10000, 100},
    {100000, 1000},
    {1000000, 10000},
    {10000000, 100000},
    {E8(1), 1000000},
    {E8(10), 10000000},
    {E8(100), E8(1)},
    {E8(1000), 50000000},
    {E8(10000), E8(10)},
    {E8(50000), E8(50)},
    {E8(100000), E8(100)},
    {E8(500000), E8(500)},
    {E8(1000000), E8(1000)},
};

static const struct band btc_always[] = {{0, 1}};

static const struct band usdt_since_2024[] = {
    {0, 1}, {10000, 10}, {100000, 100}, {1000000, 1000}, {10000000, 10000}, {E8(1), 100000}, {E8(10), 1000000},
};

static const struct table krw_tables[] = {
    {0, BANDS(krw_until_2024)},
    {DAY_2024_01_29, BANDS(krw_until_2025)},
    {DAY_2025_07_31, BANDS(krw_since_2025)},
};
static const struct table krw_coarse_tables[] = {
    {0, BANDS(krw_until_2024)},
    {DAY_2024_01_29, BANDS(krw_until_2025)},
    {DAY_2024_10_01, BANDS(krw_coarse)},
    {DAY_2025_07_31, BANDS(krw_since_2025)},
};
static const struct table krw_dollar_tables[] = {
    {0, BANDS(krw_until_2024)},
    {DAY_2024_01_29, BANDS(krw_until_2025)},
    {DAY_2025_03_21, BANDS(krw_dollar_until_2025)},
    {DAY_2025_07_31, BANDS(krw_dollar_since_2025)},
};
static const struct table btc_tables[] = {{0, BANDS(btc_always)}};
static const struct table usdt_tables[] = {{0, BANDS(usdt_since_2024)}};

struct rules {
    const char *quote;
    const char *const *bases; /* NULL: all others */
    size_t base_count;
    const struct table *tables;
    size_t table_count;
    int64_t notional_min; /* at eight decimals */
    int64_t fee;          /* at FEE_DECIMALS */
};

static const char *const coarse_bases[] = {"ADA", "ALGO", "BLUR", "CELO", "ELF",  "EOS", "GRS", "GRT",
                                           "ICX", "MANA", "MINA", "POL",  "SAND", "SEI", "STG", "TRX"};
static const char *const dollar_bases[] = {"USDT", "USDC"};

/* The first line that fits counts. */
static const struct rules all_rules[] = {
    {"KRW", dollar_bases, ARRAY_LEN(dollar_bases), krw_dollar_tables, ARRAY_LEN(krw_dollar_tables), E8(5000), 500000},
    {"KRW", coarse_bases, ARRAY_LEN(coarse_bases), krw_coarse_tables, ARRAY_LEN(krw_coarse_tables), E8(5000), 500000},
    {"KRW", NULL, 0, krw_tables, ARRAY_LEN(krw_tables), E8(5000), 500000},
    {"BTC", NULL, 0, btc_tables, ARRAY_LEN(btc_tables), 5000, 2500000},
    {"USDT", NULL, 0, usdt_tables, ARRAY_LEN(usdt_tables), 50000000, 2500000},
};

static const struct rules *find_rules(const char *quote, const char *base)
{
    for (size_t i = 0; i < ARRAY_LEN(all_rules); i++) {
        const struct rules *rules = &all_rules[i];
        if (strcmp(rules->quote, quote) != 0)
            continue;
        if (rules->bases == NULL)
            return rules;
        for (size_t b = 0; b < rules->base_count; b++)
            if (strcmp(rules->bases[b], base) == 0)
                return rules;
    }
    return NULL;
}

/* Value at eight decimals to `decimals`; what is lost is rounded up, so that nothing becomes 0 or too small. */
static int64_t to_scale(int64_t value, unsigned decimals)
{
    if (decimals >= 8)
        return value * decimal_pow10(decimals - 8);
    int64_t factor = decimal_pow10(8 - decimals);
    return (value + factor - 1) / factor;
}

/* Bands whose tick is finer than the scale all get one unit, and equal neighbours become one band. A scale so fine
 * that the highest bound leaves 64 bits cuts the table short there: prices cannot be that high either. */
static void put_table(const struct table *from, unsigned decimals, struct tick_table *to)
{
    int64_t highest = decimals > 8 ? INT64_MAX / decimal_pow10(decimals - 8) : INT64_MAX;
    to->from_ts = from->from_ts;
    to->band_count = 0;
    for (size_t i = 0; i < from->count && from->bands[i].from <= highest && from->bands[i].tick <= highest; i++) {
        const struct tick_band band = {to_scale(from->bands[i].from, decimals),
                                       to_scale(from->bands[i].tick, decimals)};
        struct tick_band *last = to->band_count > 0 ? &to->bands[to->band_count - 1] : NULL;
        if (last != NULL && last->from == band.from)
            *last = band;
        else if (last == NULL || last->tick != band.tick)
            to->bands[to->band_count++] = band;
    }
}

err_t upbit_rules_instrument(const char *market, size_t market_size, unsigned price_decimals, unsigned qty_decimals,
                             struct instrument *instrument)
{
    char symbol[SYMBOL_SIZE];
    if (market_size >= sizeof(symbol))
        return ERR_RANGE;
    memcpy(symbol, market, market_size);
    symbol[market_size] = '\0';
    char *dash = strchr(symbol, '-');
    if (dash == NULL || dash == symbol || dash[1] == '\0')
        return ERR_SYNTAX;
    *dash = '\0';
    const char *base = dash + 1;
    const struct rules *rules = find_rules(symbol, base);
    char name[SYMBOL_SIZE];
    memcpy(name, market, market_size);
    name[market_size] = '\0';
    err_t err = instrument_init(instrument, "upbit", name, base, symbol, CONTRACT_SPOT, price_decimals, qty_decimals);
    if (err != ERR_OK)
        return err;
    if (qty_decimals > UPBIT_QTY_DECIMALS)
        instrument->lot = decimal_pow10(qty_decimals - UPBIT_QTY_DECIMALS);
    if (rules == NULL)
        return ERR_UNKNOWN;
    instrument->tick_table_count = (uint32_t)rules->table_count;
    for (size_t i = 0; i < rules->table_count; i++)
        put_table(&rules->tables[i], price_decimals, &instrument->tick_tables[i]);
    err = money_rescale(rules->notional_min, 8, price_decimals + qty_decimals, ROUND_UP, &instrument->notional_min);
    instrument->maker_fee = instrument->taker_fee = rules->fee;
    return err;
}
