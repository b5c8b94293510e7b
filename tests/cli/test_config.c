#include "cli/config.h"
#include "cli/config_schema.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define BASE "feed: {tapes: [a.tape]}\nstrategy: {name: noop}\n"

static err_t parse(const char *text, const char *const *sets, size_t set_count, struct run_config **config,
                   struct err_text *why)
{
    struct option_list list = {.items = (const char **)(uintptr_t)sets, .count = set_count};
    struct config_options options = {.sets = &list, .tapes = NULL};
    err_clear(why);
    return run_config_parse(config, "dir/run.yaml", text, strlen(text), &options, why);
}

static struct run_config *good(const char *text)
{
    struct run_config *config = NULL;
    struct err_text why = {0};
    cr_assert_eq(parse(text, NULL, 0, &config, &why), ERR_OK, "%s", why.text);
    return config;
}

static void bad(const char *text, const char *set, const char *expected)
{
    struct run_config *config = NULL;
    struct err_text why = {0};
    err_t err = parse(text, &set, set != NULL, &config, &why);
    cr_assert_eq(err, ERR_CONFIG, "%s: %s", text, err_words(err));
    cr_assert_str_eq(why.text, expected);
}

static void refused(const char *text, const char *part)
{
    struct run_config *config = NULL;
    struct err_text why = {0};
    cr_assert_eq(parse(text, NULL, 0, &config, &why), ERR_CONFIG, "%s", text);
    cr_assert_not_null(strstr(why.text, part), "%s", why.text);
}

Test(config, defaults_are_those_of_the_schema)
{
    struct run_config *config = good(BASE);
    cr_assert_eq(config->seed, 1);
    cr_assert_eq(config->feed.tape_count, 1);
    cr_assert_str_eq(config->feed.tapes[0], "dir/a.tape");
    cr_assert_not(config->feed.from.set);
    cr_assert_eq(config->venue.latency.entry.delay, 2 * NS_PER_MS);
    cr_assert_not(config->venue.maker_fee.set);
    cr_assert_eq(config->engine.book_window, 131072);
    cr_assert_eq(config->output.equity_interval, NS_PER_S);
    cr_assert_str_eq(config->output.dir, "runs");
    cr_assert_null(config->risk.position_max.text);
    cr_assert_str_eq(config->strategy->name, "noop");
    run_config_free(config);
}

Test(config, every_value_is_read_exactly)
{
    struct run_config *config = good("seed: 18\n"
                                     "feed:\n"
                                     "  tapes: [/abs/a.tape, b.tape]\n"
                                     "  from: 2024-08-08T00:00:00.000000001Z\n"
                                     "  to: 2024-08-09\n"
                                     "  speed: 10x\n"
                                     "instruments:\n"
                                     "  - {symbol: BTCUSDT, maker_fee: \"-0.00005\", tick: 0.10}\n"
                                     "venue: {fees: {maker: 0.0002}, latency: {entry: 1.5ms}, check_funds: true}\n"
                                     "account: {balances: {USDT: 100000.000000000000000001, BTC: 1}}\n"
                                     "risk: {position_max: 0.20, daily_loss_max: 5e3}\n"
                                     "strategy: {name: maker, params: {half_spread: 7, size: 0.02}}\n");
    cr_assert_eq(config->feed.tape_count, 2);
    cr_assert_str_eq(config->feed.tapes[0], "/abs/a.tape");
    cr_assert_eq(config->feed.from.value, INT64_C(1723075200000000001));
    cr_assert_eq(config->feed.speed, 10);
    cr_assert_eq(config->instruments[0].maker_fee.value, -50000);
    cr_assert_str_eq(config->instruments[0].tick.text, "0.1");
    cr_assert_eq(config->venue.maker_fee.value, 200000);
    cr_assert_eq(config->venue.latency.entry.delay, 1500000);
    cr_assert(config->venue.check_funds);
    cr_assert(config->balances[0].amount == (money_t)100000 * 1000000000000000000 + 1);
    cr_assert_str_eq(config->balances[1].currency, "BTC");
    cr_assert_str_eq(config->risk.position_max.text, "0.2");
    cr_assert(config->risk.daily_loss_max.value == (money_t)5000 * 1000000000000000000);
    run_config_free(config);
}

Test(config, errors_show_file_line_column_and_caret)
{
    bad(BASE "risk:\n  open_orders_max: many\n", NULL,
        "dir/run.yaml:4:20: risk.open_orders_max: expected a whole number from 0 to 1000000, got 'many'\n"
        "  4 |   open_orders_max: many\n"
        "    |                    ^~~~");
    bad(BASE "seed: -1\n", NULL,
        "dir/run.yaml:3:7: seed: expected a whole number from 0 to 9223372036854775807, got '-1' (out of range)\n"
        "  3 | seed: -1\n"
        "    |       ^~");
    bad(BASE "venue: {latency: {entry: 5}}\n", NULL,
        "dir/run.yaml:3:26: venue.latency.entry: expected a duration such as 250ms, 1.5s, 5m, 2h, 1d, 10us, 7ns "
        "from 0s to 1h, got '5'\n"
        "  3 | venue: {latency: {entry: 5}}\n"
        "    |                          ^");
    bad(BASE "risk: [1]\n", NULL,
        "dir/run.yaml:3:8: risk: expected a section (key: value lines), got a list\n"
        "  3 | risk: [1]\n"
        "    |        ^");
    bad(BASE "venue: {check_funds: yes}\n", NULL,
        "dir/run.yaml:3:22: venue.check_funds: expected true or false, got 'yes'\n"
        "  3 | venue: {check_funds: yes}\n"
        "    |                      ^~~");
    bad(BASE "venue: {fees: {maker: 0.0000000001}}\n", NULL,
        "dir/run.yaml:3:23: venue.fees.maker: expected a rate such as 0.0005 (0.05 %), at most 9 decimals, from -0.1 "
        "to 0.1, got '0.0000000001' (more decimals than can be kept)\n"
        "  3 | venue: {fees: {maker: 0.0000000001}}\n"
        "    |                       ^~~~~~~~~~~~");
    bad(BASE "engine: {book_window: 5000}\n", NULL,
        "dir/run.yaml:3:23: engine.book_window: expected a power of two from 4096 to 1048576, got '5000'\n"
        "  3 | engine: {book_window: 5000}\n"
        "    |                       ^~~~");
}

Test(config, unknown_keys_come_with_a_suggestion)
{
    bad(BASE "risk:\n  price_colar_bp: 3\n", NULL,
        "dir/run.yaml:4:3: risk.price_colar_bp: unknown key (did you mean 'price_collar_bp'?)\n"
        "  4 |   price_colar_bp: 3\n"
        "    |   ^~~~~~~~~~~~~~");
    bad(BASE "zzzzzz: 3\n", NULL,
        "dir/run.yaml:3:1: zzzzzz: unknown key; known here: seed, mode, journal, feed, instruments, venue, account, "
        "risk, "
        "strategy, output, session, engine\n"
        "  3 | zzzzzz: 3\n"
        "    | ^~~~~~");
    bad(BASE "instruments:\n  - {symbol: A, tik: 1}\n", NULL,
        "dir/run.yaml:4:17: instruments[0].tik: unknown key (did you mean 'tick'?)\n"
        "  4 |   - {symbol: A, tik: 1}\n"
        "    |                 ^~~");
}

Test(config, strategy_and_its_parameters_are_checked)
{
    bad("feed: {tapes: [a]}\nstrategy: {name: makr}\n", NULL,
        "dir/run.yaml:2:18: strategy.name: unknown strategy 'makr' (did you mean 'maker'?); 'tapedeck strategy list' "
        "shows all\n"
        "  2 | strategy: {name: makr}\n"
        "    |                  ^~~~");
    bad("feed: {tapes: [a]}\nstrategy:\n  name: maker\n  params:\n    interval: 2d\n", NULL,
        "dir/run.yaml:5:15: strategy.params.interval: expected a duration such as 250ms or 5s from 1ms to 1h, got "
        "'2d' (out of range)\n"
        "  5 |     interval: 2d\n"
        "    |               ^~");
    bad("feed: {tapes: [a]}\nstrategy: {name: maker, params: {half_spred: 2}}\n", NULL,
        "dir/run.yaml:2:34: strategy.params.half_spred: strategy 'maker' has no such parameter (did you mean "
        "'half_spread'?); see 'tapedeck strategy show'\n"
        "  2 | strategy: {name: maker, params: {half_spred: 2}}\n"
        "    |                                  ^~~~~~~~~~");
}

Test(config, what_excludes_each_other_is_told)
{
    bad("strategy: {name: noop}\n", NULL,
        "dir/run.yaml: feed: no market data: give feed.tapes or feed.synth, or --tape FILE");
    bad("feed: {tapes: [a], synth: {seed: 2}}\nstrategy: {name: noop}\n", NULL,
        "dir/run.yaml:1:20: feed.synth: feed.tapes and feed.synth are both given: keep one\n"
        "  1 | feed: {tapes: [a], synth: {seed: 2}}\n"
        "    |                    ^~~~~");
    bad("feed: {tapes: [a], from: 2024-01-02, to: 2024-01-01}\nstrategy: {name: noop}\n", NULL,
        "dir/run.yaml:1:42: feed.to: expected a time after feed.from\n"
        "  1 | feed: {tapes: [a], from: 2024-01-02, to: 2024-01-01}\n"
        "    |                                          ^~~~~~~~~~");
    bad(BASE "instruments: [{symbol: A}, {symbol: A, venue: v}]\n", NULL,
        "dir/run.yaml:3:37: instruments[1].symbol: 'A' has an entry already: instruments[0]\n"
        "  3 | instruments: [{symbol: A}, {symbol: A, venue: v}]\n"
        "    |                                     ^");
    bad(BASE "instruments: [{tick: 1}]\n", NULL,
        "dir/run.yaml:3:16: instruments[0]: 'symbol' is missing: The instrument, as the venue writes it: BTCUSDT, "
        "KRW-BTC.\n"
        "  3 | instruments: [{tick: 1}]\n"
        "    |                ^~~~");
}

Test(config, queue_models_come_with_their_exponent)
{
    struct run_config *config = good(BASE "venue: {queue: power3, queue_exponent: \"2.75\"}\n");
    cr_expect(config->venue.queue.kind == QUEUE_POWER3 && config->venue.queue.exponent == 11);
    run_config_free(config);
    config = good(BASE "venue: {queue: log2}\n");
    cr_expect(config->venue.queue.kind == QUEUE_LOG2 && queue_model_has_exponent(QUEUE_LOG2) == false);
    run_config_free(config);
    config = good(BASE);
    cr_expect_eq(config->venue.queue.kind, QUEUE_PESSIMISTIC);
    run_config_free(config);
    bad(BASE "venue: {queue: power}\n", NULL,
        "dir/run.yaml:3:16: venue.queue: this queue model needs venue.queue_exponent, from 0.25 to 8 (\"2\" and "
        "\"3\" "
        "are usual)\n"
        "  3 | venue: {queue: power}\n"
        "    |                ^~~~~");
    bad(BASE "venue: {queue: power, queue_exponent: 0.3}\n", NULL,
        "dir/run.yaml:3:39: venue.queue_exponent: expected a multiple of 0.25, such as 1.5 or 3\n"
        "  3 | venue: {queue: power, queue_exponent: 0.3}\n"
        "    |                                       ^~~");
    bad(BASE "venue: {queue_exponent: 2}\n", NULL,
        "dir/run.yaml:3:25: venue.queue_exponent: only the queue models power, power2 and power3 have an exponent: "
        "leave it out, or set venue.queue to one of them\n"
        "  3 | venue: {queue_exponent: 2}\n"
        "    |                         ^");
}

Test(config, text_that_is_not_yaml_is_refused_at_its_place)
{
    bad("a: [1, 2\nb: 3\n", NULL,
        "dir/run.yaml:3:1: not YAML: flow sequence without a closing bracket\n"
        "  3 | \n"
        "    | ^");
    bad("seed: 1\nseed: 2\n", NULL,
        "dir/run.yaml:2:1: not YAML: duplicate key\n"
        "  2 | seed: 2\n"
        "    | ^");
    bad("seed: &x 1\nmode: *x\n", NULL,
        "dir/run.yaml:2:8: aliases (*name) are not supported here: write the value out\n"
        "  2 | mode: *x\n"
        "    |        ^");
    bad(BASE "---\nseed: 2\n", NULL,
        "dir/run.yaml:1:1: more than one document (---) in one config\n"
        "  1 | feed: {tapes: [a.tape]}\n"
        "    | ^");
    bad("seed: \xff\n", NULL,
        "dir/run.yaml:1:7: a byte that is not UTF-8 text: this is not a config\n"
        "  1 | seed: \xff\n"
        "    |       ^");
    bad("just words\n", NULL,
        "dir/run.yaml:1:1: expected key: value lines\n"
        "  1 | just words\n"
        "    | ^~~~~~~~~~");
}

Test(config, columns_count_characters_and_tabs_stay)
{
    bad(BASE "account: {balances: {\"ö\": x}}\n", NULL,
        "dir/run.yaml:3:27: account.balances.ö: expected an amount of money, at least 0, got 'x'\n"
        "  3 | account: {balances: {\"ö\": x}}\n"
        "    |                           ^");
}

Test(config, set_overrides_and_its_errors_say_so)
{
    static const char *const sets[] = {"seed=7", "risk.open_orders_max=2", "venue.fees={maker: 0.001}",
                                       "instruments[0].symbol=X"};
    struct run_config *config = NULL;
    struct err_text why = {0};
    cr_assert_eq(parse(BASE "instruments: [{symbol: A, tick: 2}]\nrisk:\n", sets, 4, &config, &why), ERR_OK, "%s",
                 why.text);
    cr_assert_eq(config->seed, 7);
    cr_assert_eq(config->risk.open_orders_max, 2);
    cr_assert_eq(config->venue.maker_fee.value, 1000000);
    cr_assert_str_eq(config->instruments[0].symbol, "X");
    cr_assert_str_eq(config->instruments[0].tick.text, "2");
    run_config_free(config);

    bad(BASE, "risk.open_orders_max=many",
        "--set risk.open_orders_max=many: risk.open_orders_max: expected a whole number from 0 to 1000000, got "
        "'many'\n"
        "   | risk.open_orders_max=many\n"
        "   |                      ^~~~");
    bad(BASE, "sed=1",
        "--set sed=1: sed: unknown key (did you mean 'seed'?)\n"
        "   | sed=1\n"
        "   | ^~~");
    bad(BASE "seed: 3\n", "seed.x=1",
        "--set seed.x=1: 'seed' is a value, there is nothing under it\n"
        "   | seed.x=1\n"
        "   |      ^");
    bad(BASE, "seed",
        "--set seed: expected key.path=value, such as seed=7 or risk.open_orders_max=4\n"
        "   | seed\n"
        "   | ^~~~");
    bad(BASE, "risk=[1,2",
        "--set risk=[1,2: not YAML: flow sequence without a closing bracket\n"
        "   | risk=[1,2\n"
        "   |          ^");
}

Test(config, tape_option_replaces_tapes_and_synth)
{
    const char *paths[] = {"x.tape", "y.tape"};
    struct option_list tapes = {.items = paths, .count = 2};
    struct config_options options = {.sets = NULL, .tapes = &tapes};
    struct run_config *config = NULL;
    struct err_text why = {0};
    const char text[] = "feed: {synth: {seed: 3}}\nstrategy: {name: noop}\n";
    cr_assert_eq(run_config_parse(&config, "dir/run.yaml", text, strlen(text), &options, &why), ERR_OK, "%s",
                 why.text);
    cr_assert_not(config->feed.synth.set);
    cr_assert_eq(config->feed.tape_count, 2);
    cr_assert_str_eq(config->feed.tapes[0], "x.tape", "from where the user stands, not from the config's folder");
    cr_assert_eq(run_config_check_files(config, &why), ERR_CONFIG);
    cr_assert(strstr(why.text, "--set x.tape") == NULL, "%s", why.text);
    cr_assert(strncmp(why.text, "--tape x.tape: ", 15) == 0, "%s", why.text);
    run_config_free(config);
}

Test(config, resolved_config_reads_back_to_the_same_run)
{
    struct run_config *config = good("feed: {tapes: [/a.tape], from: 2024-08-08,\n"
                                     "  live: [{venue: upbit, symbols: [KRW-BTC, KRW-ETH], streams: book}]}\n"
                                     "instruments: [{symbol: A, tick: 0.5, maker_fee: -0.0001}]\n"
                                     "account: {balances: {USDT: 12.5}}\n"
                                     "risk: {order_notional_max: 100}\n"
                                     "strategy: {name: maker, params: {skew: 2.5, instrument: \"a\\\"b\"}}\n");
    struct run_config *again = good(config->resolved);
    cr_assert_str_eq(again->resolved, config->resolved);
    cr_assert_str_eq(again->hash, config->hash);
    for (size_t i = 0; i < config_key_count; i++) { /* every key is written */
        if (strncmp(config_keys[i].path, "feed.synth.", 11) == 0)
            continue;
        char line[80];
        snprintf(line, sizeof(line), "%s:", config_key_name(&config_keys[i]));
        cr_assert_not_null(strstr(config->resolved, line), "%s", config_keys[i].path);
    }
    cr_assert_eq(again->feed.link_count, 1);
    cr_assert_str_eq(again->feed.links[0].symbols, "KRW-BTC,KRW-ETH");
    run_config_free(again);
    run_config_free(config);
}

Test(config, mode_paper_needs_venues_to_listen_to_and_takes_them_as_they_are_written)
{
    struct run_config *config =
        good("mode: paper\n"
             "feed: {tapes: [x.tape], live: [{venue: binance-usdm, symbols: 'BTCUSDT,ETHUSDT'}]}\n"
             "strategy: {name: noop}\n");
    cr_assert_eq(config->mode, RUN_PAPER);
    cr_assert_eq(config->feed.links[0].venue, LINK_BINANCE_USDM);
    cr_assert_str_eq(config->feed.links[0].streams, "book,trades");
    struct err_text why = {0};
    cr_assert_eq(run_config_check_files(config, &why), ERR_OK, "tapes are for mode backtest: %s", why.text);
    run_config_free(config);
    refused("mode: paper\nfeed: {tapes: [x.tape]}\nstrategy: {name: noop}\n",
            "mode paper listens to the venues of feed.live");
    refused("feed: {live: [{venue: binance, symbols: a}]}\n", "one of binance-usdm, binance-spot, upbit");
    refused("feed: {live: [{venue: upbit}]}\n", "'symbols' is missing");
    refused("feed: {live: [{venue: upbit, symbols: [a, [b]]}]}\n", "list of words");
}

Test(config, hash_changes_with_what_changes_results_and_only_then)
{
    static const char *const same[] = {"output.dir=elsewhere",      "feed.tapes=[b.tape]",
                                       "feed.read_ahead=true",      "feed.speed=10x",
                                       "output.log_level=debug",    "seed=1",
                                       "venue.latency.entry=2000us"};
    static const char *const other[] = {"seed=2",
                                        "venue.latency.entry=3ms",
                                        "risk.open_orders_max=1",
                                        "strategy.name=maker",
                                        "account.balances.USDT=1",
                                        "feed.to=2024-01-01",
                                        "engine.book_window=4096"};
    struct run_config *base = good(BASE), *config;
    struct err_text why = {0};
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        cr_assert_eq(parse(BASE, &same[i], 1, &config, &why), ERR_OK, "%s", why.text);
        cr_assert_str_eq(config->hash, base->hash, "%s", same[i]);
        run_config_free(config);
    }
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        cr_assert_eq(parse(BASE, &other[i], 1, &config, &why), ERR_OK, "%s", why.text);
        cr_assert_str_neq(config->hash, base->hash, "%s", other[i]);
        run_config_free(config);
    }
    run_config_free(base);
}

static void make_instrument(struct instrument *instrument)
{
    cr_assert_eq(instrument_init(instrument, "v", "BTCUSDT", "BTC", "USDT", CONTRACT_LINEAR, 1, 3), ERR_OK);
}

Test(config, overrides_are_laid_over_an_instrument)
{
    struct run_config *config =
        good(BASE "venue: {fees: {maker: 0.001, taker: 0.002}}\n"
                  "instruments: [{symbol: BTCUSDT, taker_fee: 0.003, tick: 0.5, lot: 0.01, notional_min: 5}]\n");
    struct instrument instrument;
    struct err_text why = {0};
    make_instrument(&instrument);
    cr_assert_eq(run_config_apply_instrument(config, &instrument, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(instrument.maker_fee, 1000000);
    cr_assert_eq(instrument.taker_fee, 3000000);
    cr_assert_eq(instrument.lot, 10);
    cr_assert(instrument.notional_min == 50000);
    cr_assert(instrument_on_tick(&instrument, 5, 0));
    cr_assert_not(instrument_on_tick(&instrument, 4, 0));
    cr_assert_eq(run_config_match_instruments(config, &instrument, 1, &why), ERR_OK);
    run_config_free(config);

    config = good(BASE "instruments: [{symbol: BTCUSDT, tick: 0.05}]\n");
    cr_assert_eq(run_config_apply_instrument(config, &instrument, &why), ERR_CONFIG);
    cr_assert(strstr(why.text,
                     "dir/run.yaml:3:39: instruments[0].tick: expected at most 1 decimals for BTCUSDT, got '0.05'") !=
                  NULL,
              "%s", why.text);
    run_config_free(config);
}

Test(config, instruments_that_are_not_there_are_told)
{
    struct run_config *config = good(BASE "instruments: [{symbol: BTCUSD}]\n");
    struct instrument instrument;
    struct err_text why = {0};
    make_instrument(&instrument);
    cr_assert_eq(run_config_match_instruments(config, &instrument, 1, &why), ERR_CONFIG);
    cr_assert(strstr(why.text, "no instrument 'BTCUSD' in this run's market data (did you mean 'BTCUSDT'?)") != NULL,
              "%s", why.text);
    run_config_free(config);
}

Test(config, position_limit_below_one_lot_is_not_silently_unlimited)
{
    struct run_config *config = good(BASE "risk: {position_max: 0.0001}\n");
    struct instrument instrument;
    struct risk_limits limits;
    struct err_text why = {0};
    make_instrument(&instrument);
    cr_assert_eq(run_config_risk_limits(config, &instrument, &limits, &why), ERR_CONFIG);
    run_config_free(config);
    config = good(BASE "risk: {position_max: 0.2, price_collar_bp: 50}\n");
    cr_assert_eq(run_config_risk_limits(config, &instrument, &limits, &why), ERR_OK);
    cr_assert_eq(limits.position_max, 200);
    cr_assert_eq(limits.collar_bp, 50);
    run_config_free(config);
}

Test(config, all_texts_of_the_schema_hold_in_their_own_types)
{
    for (size_t i = 0; i < config_key_count; i++) {
        char expected[CONFIG_EXPECTED_SIZE];
        cr_assert_gt(strlen(config_keys[i].help), 10, "%s", config_keys[i].path);
        cr_assert_gt(strlen(config_value_expected(&config_keys[i], expected)), 3, "%s", config_keys[i].path);
        cr_assert_eq(config_key_find(config_keys[i].path), &config_keys[i]);
    }
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    cr_assert(config_explain(file, NULL));
    cr_assert_not(config_explain(file, "nothing"));
    fclose(file);
    for (size_t i = 0; i < config_key_count; i++)
        cr_assert_not_null(strstr(text, config_keys[i].path), "%s", config_keys[i].path);
    free(text);
}

Test(config, the_page_tells_every_key_with_its_default)
{
    FILE *file = fopen(TEST_SOURCE "/docs/config.md", "r");
    cr_assert_not_null(file);
    static char page[65536];
    page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char row[128], value[128];
        snprintf(row, sizeof(row), "\n| `%s` | ", key->path);
        const char *at = strstr(page, row);
        cr_assert_not_null(at, "docs/config.md does not tell %s", key->path);
        snprintf(value, sizeof(value), "`%s`", key->default_value != NULL ? key->default_value : key->path);
        const char *end = strchr(at + 1, '\n'), *hit = strstr(at, value);
        cr_assert(hit != NULL && hit < end, "docs/config.md tells another default of %s", key->path);
        hit = strstr(at, key->help);
        cr_assert(hit != NULL && hit < end, "docs/config.md tells another meaning of %s", key->path);
    }
}
