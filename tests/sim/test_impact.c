/* Our own impact: the law, its decay, and that nothing is to be had from it. */
#include "sim/impact.h"

#include "core/prng.h"
#include "sim/venue.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNIT IMPACT_UNIT
#define TICK (INT64_C(1) << 32) /* of a displacement */

/* sigma 300 ticks of 10,000, a day's volume of 250,000 */
static struct impact_config config_of(void)
{
    return (struct impact_config){.coefficient = 7 * UNIT / 10,
                                  .exponent = UNIT / 2,
                                  .volatility = 3 * UNIT / 100,
                                  .volume = 250000,
                                  .half_life = 1000,
                                  .terms = 1,
                                  .decay = UNIT / 2};
}

static struct impact_model model_of(const struct impact_config *config)
{
    struct impact_model model;
    struct err_text why = {0};
    cr_assert_eq(impact_model_init(&model, config, &why), ERR_OK, "%s", why.text);
    return model;
}

static double ticks(int64_t displacement)
{
    return (double)displacement / (double)TICK;
}

/* ---- the law ---- */

Test(impact, the_square_root_law_gives_its_known_number)
{
    const struct impact_config config = config_of();
    const struct impact_model model = model_of(&config);
    cr_expect_float_eq(ticks(impact_of(&model, 10000, 100)), 4.2, 1e-6);
    cr_expect_float_eq(ticks(impact_of(&model, 10000, 250000)), 210, 1e-6);
    cr_expect_float_eq(ticks(impact_of(&model, 10000, 1000000)), 420, 1e-6, "more than a day's volume");
}

Test(impact, the_slope_of_the_logarithms_is_the_exponent)
{
    static const int64_t exponents[] = {UNIT / 4, UNIT * 4 / 10, UNIT / 2, UNIT * 6 / 10, UNIT * 7 / 10, UNIT};
    for (size_t e = 0; e < ARRAY_LEN(exponents); e++) {
        struct impact_config config = config_of();
        config.exponent = exponents[e];
        const struct impact_model model = model_of(&config);
        double x = 0, y = 0, xx = 0, xy = 0;
        int n = 0;
        for (qty_t qty = 3; qty < 40000000; qty = qty * 3 / 2 + 1, n++) {
            const double lx = log((double)qty), ly = log(ticks(impact_of(&model, 10000, qty)));
            x += lx;
            y += ly;
            xx += lx * lx;
            xy += lx * ly;
        }
        const double slope = (n * xy - x * y) / (n * xx - x * x);
        cr_expect_float_eq(slope, (double)exponents[e] / (double)UNIT, 1e-4, "%.6f", slope);
    }
}

Test(impact, no_quantity_moves_nothing_and_no_quantity_moves_all)
{
    struct impact_config config = config_of();
    const struct impact_model model = model_of(&config);
    struct impact impact = {.ts = 0};
    impact_take(&model, &impact, 5, SIDE_BUY, 10000, 0);
    cr_expect_eq(impact_at(&model, &impact, 6), 0);
    cr_expect_not(impact.moved);
    config.coefficient = IMPACT_COEFFICIENT_MAX;
    config.volatility = IMPACT_VOLATILITY_MAX;
    config.volume = 1;
    config.exponent = UNIT;
    const struct impact_model huge = model_of(&config);
    cr_expect_eq(impact_of(&huge, INT64_MAX, INT64_MAX), IMPACT_TICKS_MAX * TICK);
    for (int i = 0; i < 5; i++)
        impact_take(&huge, &impact, 7, SIDE_SELL, INT64_MAX, INT64_MAX);
    cr_expect_eq(impact_ticks_at(&huge, &impact, 7), -IMPACT_TICKS_MAX);
}

/* ---- decay ---- */

Test(impact, half_is_gone_at_the_half_life)
{
    const struct impact_config config = config_of();
    const struct impact_model model = model_of(&config);
    struct impact impact = {.ts = 0};
    impact_take(&model, &impact, 77, SIDE_BUY, 10000, 100);
    const int64_t begin = impact_at(&model, &impact, 77);
    cr_expect_float_eq(ticks(begin), 4.2, 1e-6);
    for (int n = 1; n < 20; n++) {
        const int64_t left = impact_at(&model, &impact, 77 + n * 1000);
        cr_expect(left >= (begin >> n) - 2 && left <= (begin >> n) + 2, "%d half-lives", n);
    }
    cr_expect_float_eq(ticks(impact_at(&model, &impact, 577)), 4.2 / sqrt(2), 1e-6);
    cr_expect_eq(impact_at(&model, &impact, NS_MAX), 0);
    cr_expect(impact_ticks_at(&model, &impact, 77) == 4 && impact_ticks_at(&model, &impact, 577) == 3);
}

Test(impact, several_terms_come_close_to_a_power_law)
{
    struct impact_config config = config_of();
    config.terms = 6;
    config.coefficient = 100 * UNIT;
    config.half_life = 1000000;
    const struct impact_model model = model_of(&config);
    uint64_t sum = 0;
    for (uint32_t j = 0; j < model.terms; j++)
        sum += model.weight[j];
    cr_expect_eq(sum, UINT64_C(1) << 32);
    struct impact impact = {.ts = 0};
    impact_take(&model, &impact, 0, SIDE_BUY, 10000, 250000);
    const double from = log((double)impact_at(&model, &impact, 2000000));
    const double to = log((double)impact_at(&model, &impact, 256000000));
    const double slope = (to - from) / log(128);
    cr_expect(slope < -0.45 && slope > -0.60, "%.3f", slope);
}

Test(impact, looking_changes_nothing_and_buys_mirror_sells)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct prng prng;
        struct impact_config config = config_of();
        config.terms = (uint32_t)(1 + seed % IMPACT_TERMS_MAX);
        const struct impact_model model = model_of(&config);
        struct impact seen = {.ts = 0}, mirrored = {.ts = 0}, unseen = {.ts = 0};
        ns_t ts = 1000;
        prng_init(&prng, seed, 1);
        for (int i = 0; i < 300; i++) {
            const enum side side = (enum side)prng_below(&prng, 2);
            const qty_t qty = prng_range(&prng, 0, 500);
            const ns_t next = ts + prng_range(&prng, 0, 900);
            while (ts < next) {
                ts += prng_range(&prng, 1, 300);
                ts = ts > next ? next : ts;
                cr_assert_eq(impact_at(&model, &seen, ts), -impact_at(&model, &mirrored, ts), "seed %" PRIu64, seed);
                cr_assert_eq(impact_ticks_at(&model, &seen, ts), -impact_ticks_at(&model, &mirrored, ts));
            }
            impact_take(&model, &seen, ts, side, 9000 + i, qty);
            impact_take(&model, &mirrored, ts, side_opposite(side), 9000 + i, qty);
            impact_take(&model, &unseen, ts, side, 9000 + i, qty);
        }
        cr_expect(memcmp(&seen, &unseen, sizeof(seen)) == 0, "seed %" PRIu64, seed);
    }
}

Test(impact, fields_out_of_range_are_named)
{
    static const struct {
        size_t offset;
        int64_t value;
        const char *words;
    } cases[] = {
        {offsetof(struct impact_config, coefficient), 0, "coefficient: more than 0"},
        {offsetof(struct impact_config, coefficient), IMPACT_COEFFICIENT_MAX + 1, "coefficient"},
        {offsetof(struct impact_config, exponent), UNIT + 1, "exponent"},
        {offsetof(struct impact_config, volatility), 0, "volatility"},
        {offsetof(struct impact_config, volume), 0, "volume"},
        {offsetof(struct impact_config, half_life), IMPACT_HALF_LIFE_MAX + 1, "half_life"},
        {offsetof(struct impact_config, decay), -1, "decay"},
    };
    for (size_t i = 0; i <= ARRAY_LEN(cases); i++) {
        struct impact_config config = config_of();
        struct impact_model model = {.terms = 77};
        struct err_text why = {0};
        if (i == ARRAY_LEN(cases))
            config.terms = IMPACT_TERMS_MAX + 1;
        else
            memcpy((char *)&config + cases[i].offset, &cases[i].value, sizeof(int64_t));
        cr_expect_eq(impact_model_init(&model, &config, &why), ERR_RANGE);
        const char *words = i == ARRAY_LEN(cases) ? "terms: 1 to 8, not 9" : cases[i].words;
        cr_expect(strstr(why.text, words) != NULL, "%s", why.text);
        cr_expect_eq(model.terms, 77, "untouched");
    }
}

/* ---- what it costs ---- */

struct trader {
    struct instrument instrument;
    struct venue *venue;
    void *memory;
    money_t cash; /* price x quantity, signed */
    qty_t position;
    qty_t bought;
    uint64_t id;
    px_t last_price;
};

static void on_execution(void *context, ns_t ts, const struct execution *execution, uint16_t instrument)
{
    struct trader *trader = context;
    (void)ts;
    (void)instrument;
    if (execution->kind == EXEC_FILL)
        trader->last_price = execution->price;
}

static struct trader *trader_new(const struct impact_model *model)
{
    struct trader *trader = calloc(1, sizeof(*trader));
    cr_assert_eq(instrument_init(&trader->instrument, "synthetic", "T", "B", "Q", CONTRACT_LINEAR, 0, 0), ERR_OK);
    const struct venue_config config = {.instruments = &trader->instrument,
                                        .instrument_count = 1,
                                        .book_window = BOOK_WINDOW_MIN,
                                        .book_far = 64,
                                        .own_orders_max = 4,
                                        .impacts = model};
    const size_t size = (venue_size(&config) + 63) / 64 * 64;
    trader->memory = aligned_alloc(64, size);
    memset(trader->memory, 0, size);
    const struct venue_sink sink = {trader, on_execution};
    trader->venue = venue_init(trader->memory, &config, &sink);
    return trader;
}

static void trader_free(struct trader *trader)
{
    free(trader->memory);
    free(trader);
}

/* The market is made new: whole at 9999 and 10000. */
static void show(struct trader *trader, ns_t ts)
{
    static const struct level levels[2] = {{9999, 1000000}, {10000, 1000000}};
    const struct event gap = {.ts = ts, .exch_ts = ts, .kind = EVENT_GAP};
    const struct event event = {
        .ts = ts, .exch_ts = ts, .levels = levels, .bid_count = 1, .ask_count = 1, .kind = EVENT_BOOK_SNAPSHOT};
    venue_market(trader->venue, ts, &gap);
    venue_market(trader->venue, ts, &event);
}

static void take(struct trader *trader, ns_t ts, enum side side, qty_t qty)
{
    const struct venue_request request = {.kind = VENUE_NEW,
                                          .order_id = ++trader->id,
                                          .side = (uint8_t)side,
                                          .type = ORDER_MARKET,
                                          .tif = TIF_IOC,
                                          .qty = qty};
    trader->last_price = 0;
    show(trader, ts);
    venue_request(trader->venue, ts, &request);
    cr_assert_neq(trader->last_price, 0);
    trader->cash -= side_sign(side) * (money_t)trader->last_price * qty;
    trader->position += side_sign(side) * qty;
}

Test(impact, a_round_trip_never_pays_and_never_costs_less_than_without, .timeout = 60)
{
    money_t worst = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct prng prng;
        struct impact_config config = config_of();
        config.coefficient = (int64_t)(1 + seed % 3) * UNIT;
        config.exponent = (int64_t)(1 + seed % 7) * UNIT / 7;
        config.terms = (uint32_t)(1 + seed % 4);
        const struct impact_model model = model_of(&config);
        struct trader *moved = trader_new(&model), *plain = trader_new(NULL);
        ns_t ts = 10;
        prng_init(&prng, seed, 2);
        for (int trip = 0; trip < 20; trip++) {
            const money_t before = moved->cash;
            const int takes = (int)prng_range(&prng, 1, 12);
            for (int i = 0; i <= takes; i++) {
                /* now and then in many small pieces, and back in one */
                const enum side side = i == takes ? (moved->position > 0 ? SIDE_SELL : SIDE_BUY)
                                       : trip % 2 ? SIDE_BUY
                                                  : (enum side)prng_below(&prng, 2);
                const qty_t open = moved->position > 0 ? moved->position : -moved->position;
                const qty_t qty = i == takes ? open : trip % 2 ? 1 : prng_range(&prng, 1, 400);
                ts += prng_range(&prng, 0, 300);
                if (qty == 0)
                    continue;
                take(moved, ts, side, qty);
                take(plain, ts, side, qty);
                cr_assert(side == SIDE_BUY ? moved->last_price >= plain->last_price
                                           : moved->last_price <= plain->last_price,
                          "seed %" PRIu64, seed);
            }
            cr_assert_eq(moved->position, 0);
            cr_assert(moved->cash <= before, "seed %" PRIu64 ", trip %d earned from a market that stands still", seed,
                      trip);
        }
        cr_assert(moved->cash <= plain->cash, "seed %" PRIu64, seed);
        worst = moved->cash - plain->cash < worst ? moved->cash - plain->cash : worst;
        trader_free(moved);
        trader_free(plain);
    }
    cr_expect(worst < -1000000, "the market did move");
}

Test(impact, buying_twice_pays_what_the_first_moved)
{
    const struct impact_config config = config_of();
    const struct impact_model model = model_of(&config);
    struct trader *trader = trader_new(&model);
    take(trader, 10, SIDE_BUY, 100);
    cr_expect_eq(trader->last_price, 10000);
    take(trader, 10, SIDE_BUY, 100);
    cr_expect_eq(trader->last_price, 10004);
    take(trader, 1010, SIDE_BUY, 1);
    cr_expect_eq(trader->last_price, 10004, "8.4, half of it gone");
    take(trader, 1010, SIDE_SELL, 1);
    cr_expect_eq(trader->last_price, 9999, "not moved in its favour");
    trader_free(trader);
}
