/* What `explain` says of two runs: each group alone, all of them, and that the steps always add up. */
#include "cli/explain_groups.h"
#include "cli/explain_world.h"
#include "cli/config_schema.h"
#include "core/decimal.h"
#include "core/prng.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct scratch scratch;
static struct ran ran;

/* Everything random is on, so that the seed is a difference too. */
#define RUN_YAML                                                                                                     \
    "feed: {synth: {seed: 7, duration: 15s}}\n"                                                                      \
    "venue:\n"                                                                                                       \
    "  queue: power\n"                                                                                               \
    "  queue_exponent: \"2\"\n"                                                                                      \
    "  latency: {model: lognormal, entry: 3ms, entry_sigma: \"0.5\", response: 2ms, response_sigma: \"0.5\"}\n"      \
    "  margin: {maintenance: \"0.01\", liquidation_fee: \"0\"}\n"                                                    \
    "account: {balances: {USDT: \"1000\"}}\n"                                                                        \
    "strategy: {name: grid, params: {levels: 4, spacing: 3, half_spread: 1, size: \"0.5\", position_max: \"5\"}}\n"

static void setup(void)
{
    scratch_begin(&scratch);
    scratch_write(&scratch, "run.yaml", RUN_YAML);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(explain, .init = setup, .fini = teardown);

static void run_as(const char *out, const char *sets)
{
    run_program(&scratch, &ran, "run run.yaml --out %s -q %s", out, sets);
    cr_assert_eq(ran.code, 0, "%s: %s", sets, ran.err);
}

static json_t *explained(const char *arguments)
{
    json_error_t error;
    run_program(&scratch, &ran, "explain %s --json", arguments);
    cr_assert_eq(ran.code, 0, "%s: %s", arguments, ran.err);
    json_t *report = json_loads(ran.out, 0, &error);
    cr_assert_not_null(report, "%s", error.text);
    return report;
}

static json_t *result_of(const char *run)
{
    char name[64];
    snprintf(name, sizeof(name), "%s/result.json", run);
    json_t *result = json_load_file(scratch_path(&scratch, name), 0, NULL);
    cr_assert_not_null(result);
    return result;
}

static money_t money_of(const json_t *object, const char *part, const char *currency)
{
    money_t value = 0;
    const char *text = json_string_value(json_object_get(json_object_get(object, part), currency));
    cr_assert_not_null(text, "%s %s", part, currency);
    cr_assert_eq(decimal_parse_money(text, strlen(text), MONEY_DECIMALS, ROUND_EXACT, &value), ERR_OK);
    return value;
}

static json_t *step_of(const json_t *report, const char *group)
{
    size_t i, k;
    json_t *step, *name;
    json_array_foreach(json_object_get(report, "steps"), i, step)
    {
        json_array_foreach(json_object_get(step, "groups"), k, name)
        {
            if (strcmp(json_string_value(name), group) == 0)
                return step;
        }
    }
    cr_assert_fail("no step has %s", group);
    return NULL;
}

static void check_currency(const json_t *report, const json_t *was, const json_t *is, const char *currency,
                           const char *what)
{
    static const char *const told[] = {"profit", "realised", "fees", "funding"};
    json_t *step;
    size_t i;
    for (size_t k = 0; k < ARRAY_LEN(told); k++) {
        money_t sum = 0;
        json_array_foreach(json_object_get(report, "steps"), i, step)
        {
            sum += money_of(step, told[k], currency);
        }
        cr_assert(sum == money_of(json_object_get(is, "metrics"), told[k], currency) -
                             money_of(json_object_get(was, "metrics"), told[k], currency),
                  "%s: %s in %s", what, told[k], currency);
    }
    json_array_foreach(json_object_get(report, "steps"), i, step)
    {
        cr_assert(money_of(step, "profit", currency) ==
                      money_of(step, "realised", currency) + money_of(step, "marked", currency) -
                          money_of(step, "fees", currency) + money_of(step, "funding", currency),
                  "%s: step %zu", what, i);
    }
}

/* Against what the runs themselves say, with nothing of the report but its steps. */
static void check_sums(const json_t *report, const char *a, const char *b, const char *what)
{
    json_t *was = result_of(a), *is = result_of(b), *residual;
    const json_t *steps = json_object_get(report, "steps"), *last = json_array_get(steps, json_array_size(steps) - 1);
    const char *currency, *digest = json_string_value(json_object_get(is, "digest"));
    json_object_foreach(json_object_get(report, "residual"), currency, residual)
    {
        cr_assert_str_eq(json_string_value(residual), "0");
        if (json_object_get(json_object_get(json_object_get(is, "metrics"), "profit"), currency) != NULL)
            check_currency(report, was, is, currency, what);
    }
    cr_assert_str_eq(json_string_value(json_object_get(json_object_get(report, "b"), "digest")), digest);
    cr_assert_str_eq(json_string_value(json_object_get(last, "digest")), digest, "%s: the last step ends in B", what);
    json_decref(was);
    json_decref(is);
}

/* ---- groups ---- */

Test(explain, every_key_of_a_config_belongs_to_a_group_or_changes_nothing)
{
    for (size_t i = 0; i < config_key_count; i++) {
        enum explain_group group;
        const struct config_key *key = &config_keys[i];
        if (config_type_is_section(key->type) || key->type == CONFIG_INSTRUMENTS)
            continue;
        cr_expect(explain_group_of(key->path, &group),
                  "%s: give it a group in cli/explain_groups.c, or EXPLAIN_NOTHING when it cannot change a result",
                  key->path);
    }
}

Test(explain, what_cannot_change_a_result_is_in_no_group_and_the_rest_is)
{
    static const char *const files[] = {"feed.tapes",         "feed.latency.file",  "venue.latency.file",
                                        "venue.margin.tiers", "venue.funding.file", "strategy.plugin"};
    for (size_t i = 0; i < config_key_count; i++) {
        enum explain_group group;
        const struct config_key *key = &config_keys[i];
        bool file = false;
        for (size_t k = 0; k < ARRAY_LEN(files); k++)
            file |= strcmp(files[k], key->path) == 0;
        if ((key->flags & CONFIG_NOT_HASHED) != 0 && explain_group_of(key->path, &group))
            cr_expect(file || group == EXPLAIN_NOTHING, "%s is not in the config hash", key->path);
    }
}

Test(explain, an_order_begins_with_what_is_named)
{
    struct explain_order order;
    cr_assert_eq(explain_order_parse(NULL, &order, NULL), ERR_OK);
    cr_expect_eq(order.count, EXPLAIN_GROUPS);
    cr_expect_eq(order.sets[0], 1u << EXPLAIN_LATENCY);
    cr_expect_eq(order.sets[EXPLAIN_GROUPS - 1], 1u << EXPLAIN_CODE);
    cr_assert_eq(explain_order_parse("code,fees+fills", &order, NULL), ERR_OK);
    cr_expect_eq(order.count, EXPLAIN_GROUPS - 1);
    cr_expect_eq(order.sets[0], 1u << EXPLAIN_CODE);
    cr_expect_eq(order.sets[1], 1u << EXPLAIN_FEES | 1u << EXPLAIN_FILLS);
    cr_expect_eq(order.sets[2], 1u << EXPLAIN_LATENCY);
    unsigned all = 0;
    for (uint32_t i = 0; i < order.count; i++) {
        cr_expect_eq(all & order.sets[i], 0);
        all |= order.sets[i];
    }
    cr_expect_eq(all, EXPLAIN_ALL);
}

Test(explain, a_wrong_order_is_told_with_a_suggestion)
{
    struct explain_order order;
    struct err_text why = {0};
    cr_expect_eq(explain_order_parse("latncy", &order, &why), ERR_USAGE);
    cr_expect_not_null(strstr(why.text, "did you mean 'latency'?"), "%s", why.text);
    why = (struct err_text){0};
    cr_expect_eq(explain_order_parse("fees,data+fees", &order, &why), ERR_USAGE);
    cr_expect_not_null(strstr(why.text, "twice"), "%s", why.text);
    cr_expect_eq(explain_order_parse("fees,", &order, &why), ERR_USAGE);
}

/* ---- one group ---- */

static const struct {
    const char *group, *sets;
    bool profit; /* it must change the profit, not the digest alone */
} alone[] = {
    {"latency", "--set venue.latency.entry=9ms", true},
    {"fees", "--set venue.fees.maker=0.0004", true},
    {"fees", "--set 'instruments=[{symbol: SYN1USDT, maker_fee: \"0.0003\"}]'", true},
    {"fills", "--set venue.queue=pessimistic --set venue.queue_exponent=null", true},
    {"fills", "--set 'instruments=[{symbol: SYN1USDT, tick: \"0.5\"}]'", true},
    {"data", "--set feed.synth.seed=8", true},
    {"data", "--set feed.to=2024-01-01T00:00:09Z", true},
    {"data", "--set venue.faults.request_loss=0.2", true},
    {"data", "--set feed.latency.model=constant --set feed.latency.delay=300ms", true},
    {"account", "--set venue.margin.mode=cross --set account.balances.USDT=90", true},
    {"seed", "--set seed=2", true},
    {"engine", "--set engine.order_capacity=16", false},
    {"parameters", "--set strategy.params.half_spread=2", true},
    {"parameters", "--set risk.position_max=1", true},
    {"code", "--set strategy.name=maker --set strategy.params='{half_spread: 1, size: \"0.5\", position_max: \"5\"}'",
     true},
};

Test(explain, a_group_that_differs_alone_is_the_whole_difference)
{
    run_as("a", "");
    for (size_t i = 0; i < ARRAY_LEN(alone); i++) {
        char b[16], both[32];
        snprintf(b, sizeof(b), "b%zu", i);
        snprintf(both, sizeof(both), "a %s", b);
        run_as(b, alone[i].sets);
        json_t *report = explained(both), *step;
        size_t k;
        cr_expect_eq(json_integer_value(json_object_get(report, "executed")), 2, "%s", alone[i].sets);
        json_array_foreach(json_object_get(report, "steps"), k, step)
        {
            const bool own = step == step_of(report, alone[i].group);
            cr_expect_eq(json_is_true(json_object_get(step, "differs")), own, "%s", alone[i].sets);
            if (!own)
                cr_expect(money_of(step, "profit", "USDT") == 0 && money_of(step, "fees", "USDT") == 0 &&
                          json_integer_value(json_object_get(step, "fills")) == 0 &&
                          json_array_size(json_object_get(step, "keys")) == 0);
            else if (alone[i].profit)
                cr_expect(money_of(step, "profit", "USDT") != 0, "%s", alone[i].sets);
        }
        json_t *part, *result = result_of(b);
        if (strcmp(alone[i].group, "fees") == 0) { /* the strategy does not look at them: they are all that changes */
            part = step_of(report, "fees");
            cr_expect(money_of(part, "profit", "USDT") == -money_of(part, "fees", "USDT"));
            cr_expect_eq(json_integer_value(json_object_get(part, "fills")), 0);
        }
        json_decref(result);
        check_sums(report, "a", b, alone[i].sets);
        json_decref(report);
    }
}

Test(explain, what_cannot_change_a_result_is_no_difference)
{
    run_as("a", "");
    run_as("b", "--set journal=on --set engine.checks=all --set output.log_level=error --set venue.bracket=true "
                "--set 'instruments=[{symbol: SYN1USDT}]'");
    json_t *report = explained("a b");
    cr_expect_eq(json_integer_value(json_object_get(report, "executed")), 1);
    check_sums(report, "a", "b", "nothing");
    json_decref(report);
    run_program(&scratch, &ran, "explain a b");
    cr_expect_not_null(strstr(ran.out, "Nothing differs"), "%s", ran.out);
    run_as("c", "--set strategy.name=noop --set strategy.params=null");
    run_as("d", "--set strategy.name=noop --set strategy.params=null --set seed=9");
    run_program(&scratch, &ran, "explain c d");
    cr_expect_not_null(strstr(ran.out, "USDT: no profit and no fees in any of the runs"), "%s", ran.out);
}

Test(explain, marked_is_what_the_account_says_is_unrealised)
{
    run_as("a", "");
    run_as("b", "--set strategy.params.half_spread=2");
    json_t *report = explained("a b"), *result = result_of("b");
    cr_expect(money_of(json_object_get(report, "b"), "marked", "USDT") ==
              money_of(json_object_get(result, "account"), "unrealised", "USDT"));
    cr_expect(money_of(json_object_get(report, "b"), "marked", "USDT") != 0);
    json_decref(report);
    json_decref(result);
}

/* ---- several ---- */

#define ALL_SETS                                                                                                     \
    "--set venue.latency.entry=9ms --set venue.fees.maker=0.0004 --set venue.queue=pessimistic "                     \
    "--set venue.queue_exponent=null --set feed.to=2024-01-01T00:00:12Z --set account.balances.USDT=2000 "           \
    "--set seed=2 --set engine.order_capacity=1024 --set strategy.name=maker "                                       \
    "--set strategy.params='{half_spread: 2, size: \"0.25\", position_max: \"3\", move_min: 1}'"

Test(explain, all_groups_together_leave_no_residual_in_any_order)
{
    run_as("a", "");
    run_as("b", ALL_SETS);
    static const char *const orders[] = {"a b", "a b --order code,parameters,data",
                                         "a b --order seed+fees,engine --jobs 1", "b a"};
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        json_t *report = explained(orders[i]), *step;
        size_t k, changed = 0;
        json_array_foreach(json_object_get(report, "steps"), k, step)
        {
            changed += json_is_true(json_object_get(step, "differs"));
        }
        cr_expect_eq(changed, i == 2 ? 8 : 9, "%s: %zu", orders[i], changed);
        cr_expect_eq(json_integer_value(json_object_get(report, "executed")), (json_int_t)changed + 1);
        check_sums(report, i == 3 ? "b" : "a", i == 3 ? "a" : "b", orders[i]);
        json_decref(report);
    }
}

Test(explain, a_parameter_of_one_strategy_alone_goes_with_the_code)
{
    run_as("a", "");
    run_as("b", ALL_SETS);
    json_t *report = explained("a b"), *key;
    size_t i, code = 0, shared = 0;
    json_array_foreach(json_object_get(step_of(report, "code"), "keys"), i, key)
    {
        code += strcmp(json_string_value(json_object_get(key, "key")), "strategy.params.levels") == 0 ||
                strcmp(json_string_value(json_object_get(key, "key")), "strategy.params.move_min") == 0;
    }
    json_array_foreach(json_object_get(step_of(report, "parameters"), "keys"), i, key)
    {
        shared += strcmp(json_string_value(json_object_get(key, "key")), "strategy.params.size") == 0;
    }
    cr_expect_eq(code, 2);
    cr_expect_eq(shared, 1);
    json_decref(report);
}

Test(explain, a_run_in_between_that_cannot_be_is_passed_over_and_said)
{
    run_as("a", "");
    run_as("b",
           "--set venue.queue=l3_fifo --set venue.queue_exponent=null --set feed.synth.level3=true --set seed=3");
    json_t *report = explained("a b"), *step = step_of(report, "fills");
    cr_expect_eq(step, step_of(report, "data"));
    cr_expect_eq(json_array_size(json_object_get(step, "groups")), 2);
    cr_expect_not_null(strstr(json_string_value(json_object_get(step, "joined_because")), "l3_fifo needs"));
    cr_expect_eq(json_array_size(json_object_get(step, "keys")), 3);
    check_sums(report, "a", "b", "l3");
    json_decref(report);

    report = explained("a b --order data"); /* and in this order it can be */
    cr_expect_neq(step_of(report, "fills"), step_of(report, "data"));
    check_sums(report, "a", "b", "l3, data first");
    json_decref(report);

    run_program(&scratch, &ran, "explain a b --all-orders");
    cr_expect_eq(ran.code, 3, "%d", ran.code);
    cr_expect_not_null(strstr(ran.err, "A with B's fills cannot be executed"), "%s", ran.err);
    report = explained("a b --all-orders --order fills+data");
    check_sums(report, "a", "b", "l3, all orders");
    json_decref(report);
}

/* ---- all orders ---- */

static money_t share(const json_t *report, const char *group, const char *what)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(report, "all_orders"), i, entry)
    {
        if (strcmp(json_string_value(json_array_get(json_object_get(entry, "groups"), 0)), group) == 0)
            return money_of(json_object_get(entry, "profit"), "USDT", what);
    }
    cr_assert_fail("%s", group);
    return 0;
}

Test(explain, a_share_is_the_mean_over_all_orders)
{
    run_as("a", "");
    run_as("b", "--set venue.latency.entry=9ms --set venue.fees.maker=0.0004");
    json_t *all = explained("a b --all-orders"), *one = explained("a b"), *other = explained("a b --order fees");
    static const char *const groups[] = {"latency", "fees"};
    for (size_t i = 0; i < 2; i++) {
        const money_t x = money_of(step_of(one, groups[i]), "profit", "USDT"),
                      y = money_of(step_of(other, groups[i]), "profit", "USDT");
        cr_expect(x != y, "the order makes a difference here");
        cr_expect(share(all, groups[i], "numerator") == x + y);
        cr_expect(share(all, groups[i], "least") == (x < y ? x : y));
        cr_expect(share(all, groups[i], "most") == (x < y ? y : x));
    }
    cr_expect_eq(json_integer_value(json_object_get(all, "executed")), 4);
    json_decref(all);
    json_decref(one);
    json_decref(other);
}

Test(explain, shares_add_up_exactly)
{
    run_as("a", "");
    run_as("b", "--set venue.latency.entry=9ms --set venue.fees.maker=0.0004 --set seed=4 "
                "--set strategy.params.half_spread=2 --set feed.to=2024-01-01T00:00:12Z");
    json_t *report = explained("a b --all-orders"), *entry;
    size_t i;
    money_t sum = 0;
    cr_expect_eq(json_integer_value(json_object_get(report, "executed")), 32);
    json_array_foreach(json_object_get(report, "all_orders"), i, entry)
    {
        json_t *profit = json_object_get(json_object_get(entry, "profit"), "USDT");
        cr_expect_eq(json_integer_value(json_object_get(profit, "denominator")), 120);
        sum += money_of(json_object_get(entry, "profit"), "USDT", "numerator");
    }
    cr_expect(sum == 120 * money_of(json_object_get(report, "difference"), "profit", "USDT"));
    check_sums(report, "a", "b", "all orders");
    json_decref(report);
    run_as("c", ALL_SETS);
    run_program(&scratch, &ran, "explain a c --all-orders");
    cr_expect_eq(ran.code, 2);
    cr_expect_not_null(strstr(ran.err, "9 groups differ"), "%s", ran.err);
}

/* ---- any two ---- */

/* A random value of a random half of the keys; every group has some. */
static void draw_sets(struct prng *prng, char *sets, size_t room)
{
    static const char *const choices[][4] = {
        {"venue.latency.entry=1ms", "venue.latency.entry=7ms", "venue.latency.response=15ms",
         "venue.latency.entry_sigma=1"},
        {"venue.fees.maker=-0.0001", "venue.fees.taker=0.001", "venue.fees.maker=0.0007",
         "'instruments=[{symbol: SYN1USDT, maker_fee: \"0.0003\"}]'"},
        {"venue.queue_exponent=3", "venue.trade_through=by_quantity", "venue.self_trade=none",
         "venue.impact='{coefficient: 1, volatility: \"0.03\", volume: 1000}'"},
        {"feed.synth.seed=21", "feed.from=2024-01-01T00:00:03Z",
         "venue.faults='{line_cut_every: 4s, line_cut_length: 500ms}'", "feed.latency.model=constant"},
        {"account.balances.USDT=500", "account.balances.BTC=1", "venue.funding.source=off", "venue.check_funds=true"},
        {"seed=5", "seed=6", "seed=7", "seed=8"},
        {"engine.book_far=64", "output.equity_interval=5s", "output.equity_interval=0s", "engine.timer_capacity=64"},
        {"strategy.params.half_spread=3", "strategy.params.skew=2", "risk.open_orders_max=3",
         "risk.orders_per_second_max=5"},
    };
    size_t used = 0;
    sets[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        if (prng_below(prng, 2) == 0)
            used += (size_t)snprintf(sets + used, room - used, "--set %s ", choices[i][prng_below(prng, 4)]);
}

Test(explain, any_two_runs_are_explained_without_residual, .timeout = 300)
{
    const uint64_t seed = 20241121;
    struct prng prng;
    prng_init(&prng, seed, 0);
    for (unsigned round = 0; round < 15; round++) {
        char sets[2][1024], names[2][16], arguments[128], what[2400];
        for (unsigned i = 0; i < 2; i++) {
            draw_sets(&prng, sets[i], sizeof(sets[i]));
            snprintf(names[i], sizeof(names[i]), "%c%u", 'a' + (char)i, round);
            run_as(names[i], sets[i]);
        }
        static const char *const orders[] = {"", "--order data,code", "--order parameters+fees,seed"};
        snprintf(arguments, sizeof(arguments), "%s %s %s", names[0], names[1], orders[prng_below(&prng, 3)]);
        snprintf(what, sizeof(what), "seed %" PRIu64 " round %u: %s: A %s B %s", seed, round, arguments, sets[0],
                 sets[1]);
        json_t *report = explained(arguments);
        check_sums(report, names[0], names[1], what);
        json_decref(report);
    }
}

/* ---- code ---- */

/* Buys HOW lots at the touch once, and keeps them. */
static void make_plugin(const char *file, int how)
{
    char command[2048];
    scratch_write(&scratch, "once.c",
                  "#include \"core/strategy.h\"\n"
                  "struct once { bool done; };\n"
                  "static void on_book(struct strategy_ctx *ctx, void *state, const struct event *event)\n"
                  "{\n"
                  "    struct once *once = state;\n"
                  "    struct level ask;\n"
                  "    uint64_t id;\n"
                  "    if (once->done || !book_best(strategy_book(ctx, event->instrument), SIDE_SELL, &ask))\n"
                  "        return;\n"
                  "    once->done = strategy_limit(ctx, event->instrument, SIDE_BUY, ask.price,\n"
                  "        HOW * strategy_instrument(ctx, event->instrument)->lot, TIF_GTC, 0, &id) == ERR_OK;\n"
                  "}\n"
                  "static const struct strategy once = {.abi = STRATEGY_ABI, .name = \"once\", .version = \"1\",\n"
                  "    .help = \"Buys once.\", .state_size = sizeof(struct once), .book = on_book};\n"
                  "const struct strategy *tapedeck_strategy(void);\n"
                  "const struct strategy *tapedeck_strategy(void) { return &once; }\n");
    snprintf(command, sizeof(command), "cd '%s' && cc -shared -fPIC -DHOW=%d -I'%s' -o %s once.c", scratch.dir, how,
             TEST_SOURCE, file);
    cr_assert_eq(system(command), 0);
}

#define PLUGIN_SETS "--set strategy.name=null --set strategy.params=null --set strategy.plugin="

Test(explain, another_plug_in_is_code)
{
    make_plugin("one.so", 1);
    make_plugin("three.so", 3);
    run_as("a", PLUGIN_SETS "one.so");
    run_as("b", PLUGIN_SETS "three.so --set venue.fees.taker=0.001");
    json_t *report = explained("a b");
    cr_expect_eq(json_integer_value(json_object_get(report, "executed")), 3);
    cr_expect(money_of(step_of(report, "code"), "profit", "USDT") != 0);
    cr_expect(money_of(step_of(report, "code"), "marked", "USDT") != 0, "what it bought is still open");
    cr_expect(money_of(step_of(report, "fees"), "profit", "USDT") != 0);
    check_sums(report, "a", "b", "plug-ins");
    json_decref(report);
}

Test(explain, a_plug_in_that_was_built_anew_is_found_by_its_hash)
{
    char command[1024];
    make_plugin("mine.so", 1);
    run_as("a", PLUGIN_SETS "mine.so");
    make_plugin("mine.so", 3);
    run_as("b", PLUGIN_SETS "mine.so");
    make_plugin("then.so", 1);
    run_program(&scratch, &ran, "explain a b");
    cr_expect_eq(ran.code, 1, "%s", ran.out);
    cr_expect_not_null(strstr(ran.err, "has changed since"), "%s", ran.err);
    json_t *report = explained("a b --plugin then.so");
    cr_expect(money_of(step_of(report, "code"), "profit", "USDT") != 0);
    check_sums(report, "a", "b", "--plugin");
    json_decref(report);
    snprintf(command, sizeof(command), "cd '%s' && cp mine.so copy.so", scratch.dir);
    cr_assert_eq(system(command), 0);
    run_as("c", PLUGIN_SETS "copy.so");
    report = explained("b c"); /* the same content elsewhere is the same code */
    cr_expect_eq(json_integer_value(json_object_get(report, "executed")), 1);
    json_decref(report);
}

static void edit(const char *name, const char *from, const char *to)
{
    char command[2048];
    snprintf(command, sizeof(command), "cd '%s' && grep -q '%s' %s && sed -i 's/%s/%s/' %s", scratch.dir, from, name,
             from, to, name);
    cr_assert_eq(system(command), 0, "%s: %s", name, from);
}

/* Another build that pays another fee: it says another build id, and B is what it made. */
static void make_other_build(void)
{
    char script[2048], command[2048];
    snprintf(script, sizeof(script),
             "#!/bin/sh\n"
             "if [ \"$1\" = --version ]; then printf 'tapedeck 0.0.9\\nbuild 0123abcd\\ncc\\n'; exit; fi\n"
             "exec '%s' \"$@\" --set venue.fees.maker=0.0006\n",
             TEST_PROGRAM);
    scratch_write(&scratch, "other", script);
    snprintf(command, sizeof(command), "chmod +x '%s'", scratch_path(&scratch, "other"));
    cr_assert_eq(system(command), 0);
    run_as("b", "--set venue.fees.maker=0.0006 --set venue.latency.entry=9ms");
    edit("b/config.yaml", "maker: \"0.0006\"", "maker: null");
    edit("b/result.json", "\"build_id\": \"[0-9a-f]*\"", "\"build_id\": \"0123abcd\"");
}

Test(explain, another_build_is_executed_and_is_code)
{
    run_as("a", "");
    make_other_build();
    run_program(&scratch, &ran, "explain a b");
    cr_expect_eq(ran.code, 1, "%s", ran.out);
    cr_expect_not_null(strstr(ran.err, "made by build 0123abcd"), "%s", ran.err);
    cr_expect_not_null(strstr(ran.err, "--binary FILE"), "%s", ran.err);
    static const char *const orders[] = {"a b --binary ./other", "a b --binary ./other --order code",
                                         "a b --binary ./other --all-orders"};
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        json_t *report = explained(orders[i]), *code = step_of(report, "code");
        cr_expect(money_of(code, "profit", "USDT") != 0);
        cr_expect(money_of(code, "profit", "USDT") == -money_of(code, "fees", "USDT"), "it is a fee");
        cr_expect_str_eq(json_string_value(json_object_get(json_array_get(json_object_get(code, "keys"), 0), "key")),
                         "(build)");
        cr_expect(money_of(step_of(report, "fees"), "profit", "USDT") == 0);
        check_sums(report, "a", "b", orders[i]);
        json_decref(report);
    }
}

/* As make_other_build, and it was made before there were faults: it neither writes such keys nor reads them. */
static void make_old_build(void)
{
    char command[2048];
    make_other_build();
    scratch_write(&scratch, "old",
                  "#!/bin/sh\n"
                  "if [ \"$1\" = run ] && grep -q faults \"$2\"; then\n"
                  "    echo 'tapedeck run: what is venue.faults?' >&2\n"
                  "    exit 3\n"
                  "fi\n"
                  "exec ./other \"$@\"\n");
    snprintf(command, sizeof(command),
             "cd '%s' && chmod +x old && awk '/^  faults:/ {cut = 1; next} cut && /^  [a-z]/ {cut = 0} !cut' "
             "b/config.yaml >cut && ! grep -q faults cut && mv cut b/config.yaml",
             scratch.dir);
    cr_assert_eq(system(command), 0);
}

Test(explain, an_older_build_is_not_told_keys_that_it_does_not_know)
{
    run_as("a", "--set seed=2");
    make_old_build();
    json_t *report = explained("a b --binary ./old --order code");
    cr_expect(money_of(step_of(report, "code"), "profit", "USDT") != 0);
    cr_expect(json_is_null(json_object_get(step_of(report, "code"), "joined_because")));
    check_sums(report, "a", "b", "an older build");
    json_decref(report);
    run_as("c", "--set venue.faults.request_loss=0.2"); /* of these it cannot execute the half with A's faults */
    report = explained("c b --binary ./old --order code");
    const json_t *step = step_of(report, "code");
    cr_expect_not_null(strstr(json_string_value(json_object_get(step, "joined_because")), "what is venue.faults?"));
    cr_expect_eq(step, step_of(report, "data"));
    check_sums(report, "c", "b", "an older build that cannot");
    json_decref(report);
}

Test(explain, a_program_that_made_neither_run_is_refused)
{
    run_as("a", "");
    make_other_build();
    run_program(&scratch, &ran, "explain a a --binary ./other");
    cr_expect_eq(ran.code, 2, "%s", ran.err);
    cr_expect_not_null(strstr(ran.err, "is build 0123abcd"), "%s", ran.err);
    run_program(&scratch, &ran, "explain a b --binary /bin/true");
    cr_expect_eq(ran.code, 4, "%s", ran.err);
    cr_expect_not_null(strstr(ran.err, "is no tapedeck"), "%s", ran.err);
    run_program(&scratch, &ran, "explain a b --binary ./nothing");
    cr_expect_eq(ran.code, 5, "%s", ran.err);
}

Test(explain, builds_that_make_no_difference_are_said_to)
{
    run_as("a", "");
    run_as("b", "--set venue.latency.entry=9ms");
    edit("b/result.json", "\"build_id\": \"[0-9a-f]*\"", "\"build_id\": \"0123abcd\"");
    run_program(&scratch, &ran, "explain a b");
    cr_expect_eq(ran.code, 0, "%s", ran.err);
    cr_expect_not_null(strstr(ran.out, "the builds make no"), "%s", ran.out);
}

/* ---- what is no explanation ---- */

Test(explain, a_run_that_does_not_come_out_as_recorded_is_not_explained)
{
    run_as("a", "");
    run_as("b", "--set venue.latency.entry=9ms");
    edit("b/config.yaml", "seed: 7", "seed: 9");
    run_program(&scratch, &ran, "explain a b");
    cr_expect_eq(ran.code, 1);
    cr_expect_str_empty(ran.out);
    cr_expect_not_null(strstr(ran.err, "b: does not come out as recorded"), "%s", ran.err);
    run_program(&scratch, &ran, "explain b a");
    cr_expect_eq(ran.code, 1);
}

Test(explain, a_profit_that_was_written_by_hand_is_found)
{
    run_as("a", "");
    run_as("b", "--set venue.latency.entry=9ms");
    edit("b/result.json", "\"profit\": {", "\"profit\": {\"ABC\": \"1\",");
    run_program(&scratch, &ran, "explain a b");
    cr_expect_eq(ran.code, 1, "%s", ran.out);
    cr_expect_not_null(strstr(ran.err, "result.json"), "%s", ran.err);
}

Test(explain, a_partial_run_is_refused)
{
    run_as("a", "");
    edit("a/result.json", "\"partial\": false", "\"partial\": true");
    run_program(&scratch, &ran, "explain a a");
    cr_expect_eq(ran.code, 1);
    cr_expect_not_null(strstr(ran.err, "only whole runs"), "%s", ran.err);
    run_program(&scratch, &ran, "explain nothing a");
    cr_expect_eq(ran.code, 5, "%d %s", ran.code, ran.err);
    run_program(&scratch, &ran, "explain a");
    cr_expect_eq(ran.code, 2);
}

/* ---- files and lists ---- */

Test(explain, a_tape_is_known_by_its_content_wherever_it_lies)
{
    char command[1024];
    run_program(&scratch, &ran, "synth one.tape --duration 10s --seed 3");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "synth two.tape --duration 10s --seed 4");
    snprintf(command, sizeof(command), "cd '%s' && mkdir there && cp one.tape there/copy.tape", scratch.dir);
    cr_assert_eq(system(command), 0);
    run_as("a", "--tape one.tape");
    run_as("b", "--tape there/copy.tape --set venue.fees.maker=0.0004");
    run_as("c", "--tape two.tape");
    run_as("d", "--tape one.tape two.tape");
    json_t *report = explained("a b");
    cr_expect(json_is_false(json_object_get(step_of(report, "data"), "differs")));
    check_sums(report, "a", "b", "a copy");
    json_decref(report);
    static const char *const others[] = {"c", "d"};
    for (size_t i = 0; i < 2; i++) {
        char arguments[16];
        snprintf(arguments, sizeof(arguments), "a %s", others[i]);
        report = explained(arguments);
        cr_expect(json_is_true(json_object_get(step_of(report, "data"), "differs")));
        check_sums(report, "a", others[i], "another tape");
        json_decref(report);
    }
    snprintf(command, sizeof(command), "cd '%s' && mv one.tape there/moved.tape && rm there/copy.tape", scratch.dir);
    cr_assert_eq(system(command), 0);
    run_program(&scratch, &ran, "explain a b");
    cr_expect_eq(ran.code, 5, "%s", ran.err);
    report = explained("a b --tape there/moved.tape");
    check_sums(report, "a", "b", "--tape");
    json_decref(report);
}

Test(explain, entries_of_instruments_are_known_by_their_instrument)
{
    run_as("a", "--set feed.synth.instruments=2 "
                "--set 'instruments=[{symbol: SYN1USDT, maker_fee: \"0.0001\"}, {symbol: SYN2USDT, tick: \"0.5\"}]'");
    run_as("b", "--set feed.synth.instruments=2 "
                "--set 'instruments=[{symbol: SYN2USDT, tick: \"0.5\"}, {symbol: SYN1USDT, maker_fee: \"0.0001\"}]'");
    run_as("c", "--set feed.synth.instruments=2 --set 'instruments=[{symbol: SYN2USDT, tick: \"0.2\"}]'");
    json_t *report = explained("a b");
    cr_expect_eq(json_integer_value(json_object_get(report, "executed")), 1);
    json_decref(report);
    report = explained("a c");
    cr_expect(json_is_true(json_object_get(step_of(report, "fees"), "differs")));
    cr_expect(json_is_true(json_object_get(step_of(report, "fills"), "differs")));
    const json_t *key = json_array_get(json_object_get(step_of(report, "fills"), "keys"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(key, "key")), "instruments[SYN2USDT].tick");
    check_sums(report, "a", "c", "instruments");
    json_decref(report);
}

/* ---- several currencies ---- */

Test(explain, currencies_are_kept_apart)
{
    run_program(&scratch, &ran, "synth spot.tape --duration 20s --contract spot --seed 5");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_as("a",
           "--tape spot.tape --set 'account.balances={USDT: \"100000\", SYN1: \"5\"}' --set venue.fees.maker=0.001 "
           "--set venue.fees.spot=received");
    run_as("b",
           "--tape spot.tape --set 'account.balances={SYN1: \"5\", USDT: \"100000\"}' --set venue.fees.maker=0.001 "
           "--set venue.fees.spot=quote --set venue.latency.entry=9ms");
    json_t *report = explained("a b --all-orders"), *step = step_of(report, "fees");
    cr_expect(money_of(step, "fees", "SYN1") < 0, "no more fees of what was bought");
    cr_expect(money_of(step, "fees", "USDT") > 0);
    cr_expect(money_of(step, "profit", "SYN1") == 0, "nothing settles in it");
    cr_expect(money_of(json_object_get(report, "a"), "fees", "SYN1") +
                  money_of(json_object_get(report, "difference"), "fees", "SYN1") ==
              0);
    cr_expect(money_of(report, "residual", "SYN1") == 0);
    cr_expect(json_is_true(json_object_get(step_of(report, "account"), "differs")), "their order is in the digest");
    cr_expect(money_of(step_of(report, "account"), "profit", "USDT") == 0);
    check_sums(report, "a", "b", "spot");
    json_decref(report);
    run_program(&scratch, &ran, "explain a b");
    cr_expect_not_null(strstr(ran.out, "SYN1        fees paid  orders"), "%s", ran.out);
}

/* Profits in the base, at prices of a reciprocal: every amount has all its decimals. */
Test(explain, an_inverse_contract_of_a_real_day_is_explained_to_the_last_decimal, .timeout = 120)
{
    static const char capture[] = TEST_DATA "/binance_hftbacktest/cm__btcusd_perp_20240808.gz";
    if (access(capture, R_OK) != 0)
        cr_skip_test("skipped: no real captures here");
    run_program(&scratch, &ran, "import '%s' --out cm.tape", capture);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
#define INVERSE                                                                                                      \
    "--tape cm.tape --set account.balances='{BTC: \"5\"}' --set strategy.name=maker "                                \
    "--set strategy.params='{half_spread: 1, size: \"20\", position_max: \"100\"}' "
    run_as("a", INVERSE);
    run_as("b", INVERSE "--set venue.latency.entry=25ms --set venue.fees.maker=-0.00005 --set seed=3 "
                        "--set strategy.params.skew=3");
    json_t *report = explained("a b --all-orders");
    cr_expect(money_of(step_of(report, "latency"), "marked", "BTC") != 0);
    cr_expect(money_of(step_of(report, "fees"), "profit", "BTC") > 0, "a rebate");
    check_sums(report, "a", "b", "inverse");
    json_decref(report);
}

Test(explain, bundles_are_runs_too)
{
    run_as("a", "");
    run_as("b", "--set venue.latency.entry=9ms");
    run_program(&scratch, &ran, "bundle b --out b.tar.zst");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    json_t *report = explained("a b.tar.zst");
    check_sums(report, "a", "b", "a bundle");
    json_decref(report);
}

Test(explain, text_shows_the_steps_the_keys_and_the_caveat)
{
    run_as("a", "");
    run_as("b", "--set venue.latency.entry=9ms --set venue.fees.maker=0.0004");
    run_program(&scratch, &ran, "explain a b");
    cr_expect_eq(ran.code, 0, "%s", ran.err);
    static const char *const shown[] = {
        "venue.latency.entry",        "3ms -> 9ms",          "(not set) -> 0.0004", "realised", "residual 0",
        "--all-orders tells how far", "3 runs were executed"};
    for (size_t i = 0; i < ARRAY_LEN(shown); i++)
        cr_expect_not_null(strstr(ran.out, shown[i]), "%s: %s", shown[i], ran.out);
}
