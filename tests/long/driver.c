/* driver.c: a made market, the simulated exchange and a strategy, and nothing else: what is needed of the program
 * where its libraries are not to be had (a static build with musl). No files, no config, no tapes.
 *
 *     driver STRATEGY SECONDS [PARAMETER=VALUE]...     prints the digest
 *
 * The same run in the program, which must print the same:
 *
 *     feed: {synth: {duration: <SECONDS>s}}
 *     venue: {latency: {entry: 2ms, response: 2ms}}
 *     account: {balances: {USDT: "100000"}}
 *     strategy: {name: <STRATEGY>, params: {...}}
 */
#include "cli/strategy_params.h"
#include "core/engine.h"
#include "feeds/synth_market.h"
#include "sim/latency_model.h"
#include "sim/sim_world.h"
#include "strategies/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The defaults of the config's section `engine` and of its seed. */
#define SEED           1
#define ORDER_CAPACITY 4096
#define TIMER_CAPACITY 1024
#define L3_ORDERS      65536
#define WAY            (2 * NS_PER_MS)
#define DEPOSIT        100000

_Noreturn static void fail(const char *what)
{
    fprintf(stderr, "driver: %s\n", what);
    exit(1);
}

static void *memory(size_t size)
{
    void *block = aligned_alloc(64, align64(size));
    if (block == NULL)
        fail("out of memory");
    return memset(block, 0, align64(size));
}

static void *prepared_state(const struct strategy *strategy, int count, char **params)
{
    void *state = memory(strategy->state_size > 0 ? strategy->state_size : 1);
    strategy_params_defaults(strategy, state);
    for (int i = 0; i < count; i++) {
        const char *value = strchr(params[i], '=');
        const struct strategy_param *param = NULL;
        for (uint32_t j = 0; value != NULL && j < strategy->param_count; j++)
            if (strncmp(strategy->params[j].name, params[i], (size_t)(value - params[i])) == 0)
                param = &strategy->params[j];
        if (param == NULL || strategy_param_parse(param, value + 1, strlen(value + 1), state) != ERR_OK)
            fail(params[i]);
    }
    return state;
}

static const struct book *books(const void *context, uint16_t instrument)
{
    return engine_book(context, instrument);
}

static const struct event_mark *marks(const void *context, uint16_t instrument)
{
    return engine_mark(context, instrument);
}

int main(int argc, char **argv)
{
    const struct strategy *strategy = NULL;
    struct err_text why = {0};
    for (uint32_t i = 0; argc >= 3 && i < strategies_builtin_count; i++)
        if (strcmp(strategies_builtin[i]->name, argv[1]) == 0)
            strategy = strategies_builtin[i];
    if (strategy == NULL)
        fail("STRATEGY SECONDS [PARAMETER=VALUE]...");

    struct synth_config synth;
    synth_config_default(&synth);
    synth.seed = 1;
    synth.duration_ns = atoi(argv[2]) * NS_PER_S;
    synth.levels = SYNTH_LEVEL2;
    if (synth_config_check(&synth, &why) != ERR_OK)
        fail(why.text);
    struct synth_market *market = synth_market_init(memory(synth_market_size(&synth)), &synth);
    struct feed *lanes[] = {synth_feed(market)};

    struct latency_model latency;
    const struct latency_config ways = {.seed = SEED,
                                        .entry = {.kind = LATENCY_CONSTANT, .value = WAY},
                                        .response = {.kind = LATENCY_CONSTANT, .value = WAY}};
    if (latency_model_init(&latency, &ways, &why) != ERR_OK)
        fail(why.text);

    const struct venue_config venue = {.instruments = synth_instruments(market),
                                       .instrument_count = (uint16_t)synth.instrument_count,
                                       .book_window = BOOK_WINDOW_DEFAULT,
                                       .book_far = BOOK_FAR_DEFAULT,
                                       .own_orders_max = ORDER_CAPACITY,
                                       .stp = STP_REJECT,
                                       .l3_orders = L3_ORDERS};
    struct sim_config world = {.lanes = lanes,
                               .lane_count = 1,
                               .latency = &latency,
                               .requests_max = ORDER_CAPACITY * 4,
                               .instrument_count = (uint16_t)synth.instrument_count,
                               .instruments = synth_instruments(market),
                               .book_window = BOOK_WINDOW_DEFAULT,
                               .book_far = BOOK_FAR_DEFAULT};
    const struct risk_limits limits = {0};
    const struct engine_config config = {.instruments = synth_instruments(market),
                                         .limits = &limits,
                                         .instrument_count = (uint16_t)synth.instrument_count,
                                         .book_window = BOOK_WINDOW_DEFAULT,
                                         .book_far = BOOK_FAR_DEFAULT,
                                         .l3_orders = L3_ORDERS,
                                         .order_capacity = ORDER_CAPACITY,
                                         .timer_capacity = TIMER_CAPACITY,
                                         .equity_interval = NS_PER_S,
                                         .seed = SEED,
                                         .strategy = strategy};
    void *world_memory = memory(sim_world_size(&world));
    const struct venue_sink sink = sim_world_sink(world_memory, 0);
    world.venue = venue_init(memory(venue_size(&venue)), &venue, &sink);
    struct world *sim = sim_world_init(world_memory, &world);
    struct engine *engine =
        engine_init(memory(engine_size(&config)), &config, sim, prepared_state(strategy, argc - 3, argv + 3));
    sim_world_books(sim, books, engine);
    sim_world_marks(sim, marks);
    const money_t deposit = DEPOSIT * money_pow10(MONEY_DECIMALS);
    if (account_deposit(engine_account(engine), "USDT", deposit) != ERR_OK ||
        account_deposit(venue_account(world.venue), "USDT", deposit) != ERR_OK || engine_start(engine) != ERR_OK)
        fail("cannot start");
    err_t err;
    while ((err = engine_run(engine, 65536)) == ERR_OK)
        continue;
    if (err != ERR_END)
        fail(engine_why(engine)->text);
    char digest[DIGEST_TEXT_SIZE];
    digest_text(engine_stop(engine), digest);
    printf("%s %llu\n", digest, (unsigned long long)engine_counters(engine)->fills);
    return 0;
}
