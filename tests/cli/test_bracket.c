/* Queue models in lockstep: each comes out as if it had run alone, and the profit as an interval. */
#include "cli/bracket.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct outcome {
    char own[DIGEST_TEXT_SIZE];
    uint64_t fills;
    uint16_t follower_count;
    char digests[STAGE_FOLLOWERS_MAX][DIGEST_TEXT_SIZE];
    uint64_t follower_fills[STAGE_FOLLOWERS_MAX];
    json_t *json;
};

static struct outcome run(const char *seed, const char *queue, const char *strategy, bool bracket)
{
    char text[1024];
    struct run_config *config;
    struct stage *stage;
    struct err_text why = {0};
    struct outcome outcome = {0};
    snprintf(text, sizeof(text),
             "seed: %s\n"
             "feed: {synth: {seed: %s, duration: 90s, instruments: 2}}\n"
             "venue: {latency: {model: lognormal, entry: 3ms, entry_sigma: \"0.8\", response: 2ms, response_sigma: "
             "\"0.8\"}, queue: %s, bracket: %s}\n"
             "account: {balances: {USDT: \"1000\"}}\n"
             "risk: {daily_loss_max: \"100\"}\n"
             "output: {equity_interval: 5s}\n"
             "strategy: %s\n",
             seed, seed, queue, bracket ? "true" : "false", strategy);
    cr_assert_eq(run_config_parse(&config, "test.yaml", text, strlen(text), &(struct config_options){0}, &why),
                 ERR_OK, "%s", why.text);
    cr_assert_eq(stage_open(&stage, config, NULL, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(stage_start(stage), ERR_OK);
    err_t err;
    while ((err = engine_run(stage->engine, 1000)) == ERR_OK)
        ;
    cr_assert_eq(err, ERR_END, "%s", engine_why(stage->engine)->text);
    struct run_summary summary = {.config = config, .stage = stage, .digest = stage_stop(stage), .end = RUN_FINISHED};
    digest_text(summary.digest, outcome.own);
    outcome.fills = engine_counters(stage->engine)->fills;
    outcome.follower_count = stage->follower_count;
    for (uint16_t i = 0; i < stage->follower_count; i++) {
        digest_text(stage->followers[i].digest, outcome.digests[i]);
        outcome.follower_fills[i] = engine_counters(stage->followers[i].engine)->fills;
    }
    outcome.json = bracket_json(&summary);
    stage_close(stage);
    run_config_free(config);
    return outcome;
}

static const char *const strategies[] = {
    "{name: grid, params: {levels: 5, spacing: 2, half_spread: 0, size: \"0.5\", position_max: \"5\", skew: \"1\"}}",
    "{name: maker, params: {half_spread: 0, size: \"0.5\"}}",
    "{name: cross, params: {}}",
};

Test(bracket, every_model_comes_out_as_if_it_had_run_alone)
{
    static const char *const models[] = {"power, queue_exponent: \"2\"", "pessimistic, trade_through: by_quantity",
                                         "optimistic"};
    uint64_t differ = 0;
    for (size_t s = 0; s < ARRAY_LEN(strategies); s++) {
        for (int seed = 1; seed <= 4; seed++) {
            char text[16];
            snprintf(text, sizeof(text), "%d", seed);
            struct outcome all = run(text, models[0], strategies[s], true);
            cr_assert_eq(all.follower_count, 2);
            for (size_t m = 0; m < ARRAY_LEN(models); m++) {
                struct outcome one = run(text, models[m], strategies[s], false);
                cr_expect_str_eq(one.own, m == 0 ? all.own : all.digests[m - 1], "seed %d, %s, %s", seed, models[m],
                                 strategies[s]);
            }
            differ += all.follower_fills[0] != all.follower_fills[1];
            json_decref(all.json);
        }
    }
    cr_expect_gt(differ, 0, "models that never differ compare nothing");
}

Test(bracket, a_bound_as_the_run_s_own_model_has_one_follower)
{
    struct outcome outcome = run("1", "optimistic", strategies[0], true);
    cr_expect_eq(outcome.follower_count, 1);
    cr_expect_eq(json_array_size(json_object_get(outcome.json, "models")), 2);
    json_decref(outcome.json);
    cr_expect_eq(run("1", "optimistic", strategies[0], false).follower_count, 0);
}

Test(bracket, profit_is_an_interval_from_the_lowest_to_the_highest)
{
    static const char *const order[] = {"pessimistic", "power", "optimistic"};
    struct outcome outcome = run("3", "power, queue_exponent: \"2\"", strategies[0], true);
    const json_t *models = json_object_get(outcome.json, "models");
    const json_t *interval = json_object_get(json_object_get(outcome.json, "profit"), "USDT");
    const double low = atof(json_string_value(json_object_get(interval, "low")));
    const double high = atof(json_string_value(json_object_get(interval, "high")));
    bool reached_low = false, reached_high = false;
    cr_assert_eq(json_array_size(models), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *model = json_array_get(models, i);
        const double profit = atof(json_string_value(json_object_get(json_object_get(model, "profit"), "USDT")));
        cr_expect_str_eq(json_string_value(json_object_get(model, "queue")), order[i]);
        cr_expect(profit >= low && profit <= high);
        reached_low |= profit == low;
        reached_high |= profit == high;
    }
    cr_expect(reached_low && reached_high && low < high, "%f to %f", low, high);
    json_decref(outcome.json);
}
