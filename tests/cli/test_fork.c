/* tapedeck fork: a run that goes on with a change is a run of its own, and can be executed again. */
#include "cli/json_out.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct scratch scratch;
static struct ran ran;
static json_t *report;

#define RUN_YAML                                                                                                     \
    "journal: on\n"                                                                                                  \
    "feed: {synth: {seed: 12, duration: 30s}}\n"                                                                     \
    "venue: {queue: optimistic, latency: {entry: 8ms, response: 5ms}}\n"                                             \
    "account: {balances: {USDT: \"1000\"}}\n"                                                                        \
    "strategy: {name: grid, params: {levels: 4, spacing: 3, half_spread: 1, size: \"0.5\", position_max: \"5\"}}\n"

static void setup(void)
{
    scratch_begin(&scratch);
    scratch_write(&scratch, "run.yaml", RUN_YAML);
    run_program(&scratch, &ran, "run run.yaml --out run -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}
static void teardown(void)
{
    json_decref(report);
    scratch_end(&scratch);
}
TestSuite(fork, .init = setup, .fini = teardown);

static void fork_it(const char *words)
{
    run_program(&scratch, &ran, "fork run %s --json -q", words);
    cr_assert_eq(ran.code, 0, "%s: %s", words, ran.err);
    json_decref(report);
    report = json_loads(ran.out, 0, NULL);
    cr_assert_not_null(report, "%s", ran.out);
}

static const char *of(const char *key, const char *side)
{
    return json_string_value(json_object_get(json_object_get(report, key), side));
}

Test(fork, a_change_that_matters_to_nobody_gives_the_parents_digest)
{
    static const char *const places[] = {"1", "777", "2500", "2024-01-01T00:00:15Z", "4000"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        char words[200];
        snprintf(words, sizeof(words), "--at %s --set risk.open_orders_max=1000 --out same%zu", places[i], i);
        fork_it(words);
        cr_expect_str_eq(of("digest", "parent"), of("digest", "fork"), "%s", places[i]);
        cr_expect(json_is_null(json_object_get(report, "first_order_record")), "%s", places[i]);
    }
}

static void changed_and_proved(const char *set, const char *dir)
{
    char words[200];
    snprintf(words, sizeof(words), "--at 2500 --set %s --out %s", set, dir);
    fork_it(words);
    cr_expect_str_neq(of("digest", "parent"), of("digest", "fork"), "%s", set);
    run_program(&scratch, &ran, "verify %s", dir);
    cr_expect_eq(ran.code, 0, "%s: %s%s", set, ran.out, ran.err);
    run_program(&scratch, &ran, "evidence %s", dir);
    cr_expect_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "why %s 1", dir);
    cr_expect_eq(ran.code, 0, "%s: %s", set, ran.err);
}

Test(fork, a_parameter_is_changed_and_the_fork_is_executed_again)
{
    changed_and_proved("strategy.params.half_spread=3", "wide");
}

Test(fork, a_latency_is_changed_both_ways)
{
    changed_and_proved("venue.latency.entry=20ms", "slow");
    changed_and_proved("venue.latency.entry=0ms", "quick");
}

Test(fork, a_fee_is_changed_from_there_on)
{
    changed_and_proved("venue.fees.maker=0.001", "dear");
}

Test(fork, before_the_place_nothing_is_other_than_in_the_parent)
{
    fork_it("--at 2500 --set strategy.params.half_spread=3 --out wide");
    const json_t *first = json_object_get(report, "first_order_record");
    run_program(&scratch, &ran, "state run --at 2500 --json -q");
    json_t *state = json_loads(ran.out, 0, NULL);
    char *was = json_dumps(json_object_get(state, "orders"), 0);
    const int64_t at = json_integer_value(json_object_get(state, "ts_ns"));
    json_decref(state);
    run_program(&scratch, &ran, "state wide --at 2500 --json -q");
    state = json_loads(ran.out, 0, NULL);
    char *is = json_dumps(json_object_get(state, "orders"), 0);
    cr_expect_str_eq(was, is);
    const char *line = json_string_value(json_object_get(first, "fork"));
    cr_assert_not_null(line);
    cr_expect_geq(strtoll(strchr(line, ',') + 1, NULL, 10), at);
    json_decref(state);
    free(was);
    free(is);
}

static void refused(const char *words, const char *why, int code)
{
    run_program(&scratch, &ran, "fork run %s --out no -q", words);
    cr_expect_eq(ran.code, code, "%s: %d %s", words, ran.code, ran.err);
    cr_expect_not_null(strstr(ran.err, why), "%s: %s", words, ran.err);
    cr_expect_neq(access(scratch_path(&scratch, "no"), F_OK), 0, "%s left a directory", words);
}

Test(fork, what_cannot_be_changed_is_refused_in_words_and_leaves_nothing)
{
    refused("--at 2500 --set account.balances.USDT=5", "cannot be changed in the middle of a run", 3);
    refused("--at 2500 --set risk.orders_per_second_max=100", "gives the state another size", 3);
    refused("--at 2500 --set venue.queue=pessimistic", "the place of an order that rests is kept in another way", 3);
    refused("--at 2500 --set strategy.params.nonsense=1", "nonsense", 3);
    refused("--at 0 --set risk.open_orders_max=100", "a fork begins after the first input", 2);
    refused("--at 99999999 --set risk.open_orders_max=100", "the run has", 2);
    refused("--at 100", "expected --set KEY=VALUE", 2);
    fork_it("--at 2500 --set strategy.params.half_spread=3 --out wide");
    run_program(&scratch, &ran, "fork wide --at 3000 --set risk.open_orders_max=100 -q");
    cr_expect_not_null(strstr(ran.err, "is a fork itself"), "%s", ran.err);
}

Test(fork, a_value_that_is_wrong_is_told_as_the_users_and_not_the_parents)
{
    refused("--at 2500 --set venue.fees.maker=x", "venue.fees.maker: expected a rate", 3);
    cr_expect_null(strstr(ran.err, "cannot be run again"), "%s", ran.err);
}

Test(fork, the_difference_is_printed_for_people)
{
    run_program(&scratch, &ran, "fork run --at 2500 --set venue.fees.maker=0.0003 --out dear -q");
    cr_expect_eq(ran.code, 0, "%s", ran.err);
    cr_expect_not_null(strstr(ran.out, " USDT -> "), "%s", ran.out);
    cr_expect_null(strchr(ran.out, '"'), "%s", ran.out);
}

Test(fork, what_would_execute_half_of_a_fork_refuses_it)
{
    fork_it("--at 2500 --set strategy.params.half_spread=3 --out wide");
    run_program(&scratch, &ran, "fork wide --at 3000 --set risk.open_orders_max=100 -q");
    cr_expect_not_null(strstr(ran.err, "fork its parent, run, "), "%s", ran.err);
    run_program(&scratch, &ran, "explain run wide -q");
    cr_expect_eq(ran.code, 4, "%d %s", ran.code, ran.err);
    cr_expect_not_null(strstr(ran.err, "wide: is a fork: two configs, one after the other"), "%s", ran.err);
    run_program(&scratch, &ran, "diff run wide --binary-b /proc/self/exe");
    cr_expect_eq(ran.code, 2, "%d %s", ran.code, ran.err);
    cr_expect_not_null(strstr(ran.err, "wide: is a fork, which only "), "%s", ran.err);
    run_program(&scratch, &ran, "diff run wide");
    cr_expect_eq(ran.code, 1, "%d %s", ran.code, ran.err);
}
