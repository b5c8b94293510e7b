/* `tapedeck diff` as it is used; that it finds the first difference is test_diff_mutations.c. */
#include "cli/diff_report.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct scratch scratch;
static struct ran ran;

#define RUN_YAML                                                                                                     \
    "journal: on\n"                                                                                                  \
    "feed: {synth: {seed: 7, duration: 40s}}\n"                                                                      \
    "account: {balances: {USDT: \"1000\"}}\n"                                                                        \
    "strategy: {name: grid, params: {levels: 4, spacing: 3, half_spread: 1, size: \"0.5\", position_max: \"5\"}}\n"

static void setup(void)
{
    scratch_begin(&scratch);
    scratch_write(&scratch, "run.yaml", RUN_YAML);
    run_program(&scratch, &ran, "run run.yaml --out a -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(diff, .init = setup, .fini = teardown);

static void run_as(const char *name, const char *set)
{
    run_program(&scratch, &ran, "run run.yaml --out %s -q %s", name, set);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

static void diff(const char *arguments, int code, const char *const *wanted, size_t count)
{
    run_program(&scratch, &ran, "diff %s", arguments);
    cr_expect_eq(ran.code, code, "diff %s: exit code %d\n%s%s", arguments, ran.code, ran.out, ran.err);
    for (size_t i = 0; i < count; i++)
        cr_expect_not_null(strstr(ran.out, wanted[i]), "diff %s: no '%s' in\n%s%s", arguments, wanted[i], ran.out,
                           ran.err);
}
#define DIFF(arguments, code, ...)                                                                                   \
    diff(arguments, code, (const char *const[]){__VA_ARGS__}, ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

Test(diff, a_run_is_identical_to_itself)
{
    DIFF("a a", 0, "identical, digest ");
    DIFF("a a --json", 0, "\"verdict\": \"identical\"");
}

Test(diff, a_fee_shows_with_its_key_its_record_and_the_state)
{
    run_as("b", "--set venue.fees.maker=0.0003");
    DIFF("a b", 1, "config venue.fees.maker: - -> 0.0003", "DIFFERS at record ", "execution=fill",
         "        fee: ", "  USDT.balance: ", "tapedeck why a ");
}

Test(diff, a_constant_shows_at_the_first_order)
{
    run_as("b", "--set strategy.params.size=0.4");
    DIFF("a b", 1, "config strategy.params.size: 0.5 -> 0.4", "DIFFERS at record 0 of the journals",
         "qty: 0.500 -> 0.400", "decided by a timer, after input ", "state after input ",
         "  order 1: buy 0.500 of 0.500");
}

Test(diff, another_market_is_found_without_a_tape)
{
    run_as("b", "--set feed.synth.seed=8");
    DIFF("a b", 1, "config feed.synth.seed: 7 -> 8", "DIFFERS at input 1 ", ".bid: ");
    run_as("c", "--set feed.latency.model=constant --set feed.latency.delay=30ms");
    DIFF("a c", 1, "config feed.latency.model: tape -> constant", "DIFFERS at input 1 ", "ts_ns: ");
}

Test(diff, a_notice_in_the_market_is_found_where_it_comes)
{
    run_as("b", "--set venue.faults.line_cuts=2024-01-01T00:00:20Z/2s");
    DIFF("a b", 1, "config venue.faults.line_cuts: - -> 2024-01-01T00:00:20Z/2s", "DIFFERS at input ",
         "(2024-01-01T00:00:20", "connection_down");
}

Test(diff, a_start_balance_is_a_state_that_differs_and_nothing_else)
{
    run_as("b", "--set account.balances.USDT=2000");
    DIFF("a b", 1, "DIFFERS at the state at the end", "  USDT.balance: ");
}

Test(diff, runs_without_a_journal_are_executed_to_make_one)
{
    char place[512];
    run_as("b", "--set journal=off --set venue.fees.maker=0.0003");
    snprintf(place, sizeof(place), "%s", scratch_path(&scratch, "temporary"));
    cr_assert_eq(mkdir(place, 0777), 0);
    setenv("TMPDIR", place, 1);
    DIFF("a b", 1, "DIFFERS at record ", "        fee: ");
    cr_expect_eq(rmdir(place), 0, "something was left in the temporary directory");
}

Test(diff, where_executes_nothing)
{
    run_as("b", "--set venue.fees.maker=0.0003");
    DIFF("a b --where", 1, "DIFFERS at record ", "        fee: ");
    cr_expect_null(strstr(ran.out, "state after"));
    cr_expect_null(strstr(ran.out, "decided on"));
}

Test(diff, configs_and_binaries_are_run)
{
    char arguments[1024];
    scratch_write(&scratch, "b.yaml",
                  "journal: on\nfeed: {synth: {seed: 7, duration: 40s}}\n"
                  "account: {balances: {USDT: \"1000\"}}\n"
                  "strategy: {name: grid, params: {levels: 4, spacing: 3, half_spread: 2, size: "
                  "\"0.5\", position_max: \"5\"}}\n");
    DIFF("run.yaml b.yaml", 1, "config strategy.params.half_spread: 1 -> 2", "DIFFERS at record 16 ");
    cr_expect_null(strstr(ran.out, "tapedeck why"), "there is no run to ask");
    snprintf(arguments, sizeof(arguments), "a a --binary-b '%s'", TEST_PROGRAM);
    DIFF(arguments, 0, "identical", TEST_PROGRAM);
    snprintf(arguments, sizeof(arguments), "b.yaml a --binary-b '%s' --binary-a '%s'", TEST_PROGRAM, TEST_PROGRAM);
    DIFF(arguments, 1, "DIFFERS at record 16 ");
}

Test(diff, what_cannot_be_compared_says_why)
{
    run_program(&scratch, &ran, "diff a");
    cr_expect_eq(ran.code, 2);
    run_program(&scratch, &ran, "diff a nothing");
    cr_expect_eq(ran.code, 5, "%d %s", ran.code, ran.err);
    run_program(&scratch, &ran, "diff a a --binary-b ./nothing");
    cr_expect_eq(ran.code, 5, "%d %s", ran.code, ran.err);
    cr_expect_not_null(strstr(ran.err, "./nothing: cannot be started"), "%s", ran.err);
    run_program(&scratch, &ran, "diff a a --binary-b /bin/false");
    cr_expect_eq(ran.code, 3, "%d %s", ran.code, ran.err);
    scratch_write(&scratch, "bad.yaml", "feed: {synth: {seed: 7}}\nstrategy: {name: gird}\n");
    run_program(&scratch, &ran, "diff a bad.yaml");
    cr_expect_eq(ran.code, 3, "%d %s", ran.code, ran.err);
    cr_expect_not_null(strstr(ran.err, "did you mean 'grid'"), "%s", ran.err);
}

Test(diff, a_damaged_journal_is_no_difference)
{
    run_as("b", "--set venue.fees.maker=0.0003");
    char path[512];
    snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "b/journal.tape"));
    size_t size;
    char *bytes = scratch_read(path, &size);
    bytes[size / 2] ^= 4;
    FILE *file = fopen(path, "w");
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
    free(bytes);
    run_program(&scratch, &ran, "diff a b");
    cr_expect_eq(ran.code, 4, "%d %s", ran.code, ran.err);
}

Test(diff, a_tape_that_is_gone_leaves_what_the_journals_tell)
{
    run_program(&scratch, &ran, "synth m.tape --duration 20s --seed 5 -q");
    run_program(&scratch, &ran, "synth n.tape --duration 20s --seed 6 -q");
    scratch_write(&scratch, "tape.yaml",
                  "journal: on\naccount: {balances: {USDT: \"1000\"}}\nstrategy: {name: grid}\n");
    run_program(&scratch, &ran, "run tape.yaml --tape m.tape --out m -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "run tape.yaml --tape n.tape --out n -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    DIFF("m n", 1, "DIFFERS at input 1 ", "message 0 of m.tape", "the first record of the journals that differs");
    cr_assert_eq(rename(scratch_path(&scratch, "n.tape"), scratch_path(&scratch, "elsewhere")), 0);
    DIFF("m n", 1, "DIFFERS at record 0 ", "cannot be compared: the market may differ before", "say where it is now");
    DIFF("m n --tape m.tape elsewhere", 1, "DIFFERS at input 1 ");
}

Test(diff, a_run_that_ends_earlier_differs_where_it_ends)
{
    run_as("b", "--set feed.synth.duration=20s");
    DIFF("a b", 1, "config feed.synth.duration: 40s -> 20s", "b     (the market ends here)");
    run_as("c", "--set feed.to=2024-01-01T00:00:20Z");
    DIFF("a c", 1, "b  c  digest", "b     (the run ends here)"); /* a timer comes before the input that b lacks */
    DIFF("a c --where", 1, "b     (the run ends here)");
}

Test(diff, few_blocks_of_long_journals_are_read)
{
    scratch_write(
        &scratch, "long.yaml",
        "journal: on\nfeed: {synth: {seed: 7, duration: 20m}}\naccount: {balances: {USDT: \"1000\"}}\n"
        "strategy: {name: grid, params: {levels: 4, spacing: 3, half_spread: 1, size: \"0.5\", position_max: "
        "\"5\"}}\nrisk: {daily_loss_max: \"1000000\"}\n");
    run_program(&scratch, &ran, "run long.yaml --out c -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "run long.yaml --out d -q --set venue.faults.channel_cuts=2024-01-01T00:15:00Z/1s");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "diff c d --where --json");
    cr_assert_eq(ran.code, 1, "%s", ran.err);
    json_t *report = json_loads(ran.out, 0, NULL);
    const json_t *journal = json_object_get(report, "journal_a");
    const json_int_t blocks = json_integer_value(json_object_get(journal, "blocks"));
    const json_int_t read = json_integer_value(json_object_get(journal, "blocks_read"));
    cr_expect_gt(blocks, 20, "the journal should be long");
    cr_expect_lt(read, 20, "%lld of %lld blocks were read", (long long)read, (long long)blocks);
    const char *ts = json_string_value(json_object_get(report, "ts"));
    cr_expect(ts != NULL && strncmp(ts, "2024-01-01T00:15:0", 18) == 0, "%s", ts);
    json_decref(report);
}

Test(diff_fields, arrays_are_compared_item_by_item)
{
    json_t *a = json_loads("{\"x\": 1, \"l\": [[\"1\", \"2\"], [\"3\", \"4\"]], \"gone\": true}", 0, NULL);
    json_t *b = json_loads("{\"x\": 1, \"l\": [[\"1\", \"5\"]], \"new\": \"n\"}", 0, NULL);
    json_t *fields = diff_fields(a, b);
    char *text = json_dumps(fields, JSON_COMPACT);
    cr_expect_str_eq(text, "[{\"field\":\"l[0][1]\",\"a\":\"2\",\"b\":\"5\"},{\"field\":\"l[1]\",\"a\":[\"3\",\"4\"],"
                           "\"b\":null},{\"field\":\"gone\",\"a\":true,\"b\":null},{\"field\":\"new\",\"a\":null,"
                           "\"b\":\"n\"}]");
    free(text);
    json_decref(fields);
    json_decref(a);
    json_decref(b);
}
