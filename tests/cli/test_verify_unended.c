/* Runs that were killed: what they left is held against their execution, as far as it goes. */
#include "cli/run_progress.h"
#include "cli/world_up.h"
#include "core/prng.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HAS(text, part) cr_assert(strstr(text, part) != NULL, "expected '%s' in:\n%s%s", part, text, ran.err)

static struct scratch scratch;
static struct ran ran;

#define RUN_YAML                                                                                                     \
    "feed: {synth: {seed: 7, duration: 60s}}\n"                                                                      \
    "account: {balances: {USDT: \"1000\"}}\n"                                                                        \
    "strategy: {name: grid, params: {levels: 4, spacing: 3, half_spread: 1, size: \"0.5\", position_max: \"5\"}}\n"

static void begin(void)
{
    scratch_begin(&scratch);
    scratch_write(&scratch, "run.yaml", RUN_YAML);
}
static void end(void)
{
    scratch_end(&scratch);
}
TestSuite(verify_unended, .init = begin, .fini = end, .timeout = 120);

/* As if it had been killed between its last row and result.json. */
static void make_killed(const char *options)
{
    static const char *const last[] = {"run/result.json", "run/timing.json", "run/manifest.json", "run/tail.txt"};
    run_program(&scratch, &ran, "run run.yaml --out run --force -q %s", options);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++)
        cr_assert_eq(unlink(scratch_path(&scratch, last[i])), 0, "%s", last[i]);
}

static void cut(const char *name, uint64_t size)
{
    cr_assert_eq(truncate(scratch_path(&scratch, name), (off_t)size), 0, "%s", name);
}

static uint64_t size_of(const char *name)
{
    size_t size;
    char *text = scratch_read(scratch_path(&scratch, name), &size);
    cr_assert_not_null(text, "%s", name);
    free(text);
    return size;
}

static int verify(void)
{
    run_program(&scratch, &ran, "verify run -q");
    return ran.code;
}

Test(verify_unended, rows_cut_anywhere_are_a_beginning)
{
    const uint64_t seed = 20241121;
    struct prng prng;
    prng_init(&prng, seed, 0);
    for (int round = 0; round < 12; round++) {
        make_killed("");
        cut("run/orders.csv", prng_below(&prng, size_of("run/orders.csv") + 1));
        cut("run/fills.csv", prng_below(&prng, size_of("run/fills.csv") + 1));
        cut("run/equity.csv", prng_below(&prng, size_of("run/equity.csv") + 1));
        cr_assert_eq(verify(), 13, "seed %" PRIu64 " round %d: %d %s%s", seed, round, ran.code, ran.out, ran.err);
        HAS(ran.out, "identical up to input ");
    }
}

Test(verify_unended, a_journal_cut_anywhere_counts_to_its_last_whole_block)
{
    const uint64_t seed = 20241122;
    struct prng prng;
    prng_init(&prng, seed, 0);
    make_killed("--set journal=on --set feed.synth.duration=10m");
    const uint64_t size = size_of("run/journal.tape");
    const char *rows[] = {"run/orders.csv", "run/fills.csv", "run/equity.csv", "run/log.txt"};
    for (size_t i = 0; i < 4; i++)
        cut(rows[i], 0);
    for (int round = 0; round < 20; round++) {
        cut("run/journal.tape", size - (uint64_t)round * size / 25 - prng_below(&prng, 200));
        cr_assert_eq(verify(), 13, "seed %" PRIu64 " round %d: %d %s%s", seed, round, ran.code, ran.out, ran.err);
        HAS(ran.out, " records of the journal");
        run_program(&scratch, &ran, "evidence run");
        cr_assert_eq(ran.code, 12, "%s%s", ran.out, ran.err);
    }
}

Test(verify_unended, a_row_that_was_changed_is_named_with_its_line_and_input)
{
    make_killed("");
    size_t size;
    char *text = scratch_read(scratch_path(&scratch, "run/orders.csv"), &size);
    char *line = text;
    for (int i = 0; i < 9; i++)
        line = strchr(line, '\n') + 1;
    char *comma = strchr(line, ',');
    comma[-3] = comma[-3] == '1' ? '2' : '1';
    scratch_write(&scratch, "run/orders.csv", text);
    free(text);
    cr_expect_eq(verify(), 1);
    HAS(ran.out, "DIFFERS in line 10 of orders.csv, after input ");
    HAS(ran.out, "  then  ");
    run_program(&scratch, &ran, "verify run -q --json");
    HAS(ran.out, "\"file\": \"orders.csv\"");
    HAS(ran.out, "\"line\": 10");
}

Test(verify_unended, rows_that_the_run_never_wrote_are_a_difference)
{
    make_killed("");
    FILE *file = fopen(scratch_path(&scratch, "run/fills.csv"), "a");
    fputs("2024-01-01T00:02:00Z,1,2,3\n", file);
    fclose(file);
    cr_expect_eq(verify(), 1);
    HAS(ran.out, "of fills.csv");
    HAS(ran.out, "(nothing more is written)");
}

Test(verify_unended, another_config_is_a_difference_and_evidence_says_which_file)
{
    make_killed("");
    size_t size;
    char *text = scratch_read(scratch_path(&scratch, "run/config.yaml"), &size);
    *strchr(strstr(text, "spacing: 3"), '3') = '4';
    scratch_write(&scratch, "run/config.yaml", text);
    free(text);
    cr_expect_eq(verify(), 1);
    run_program(&scratch, &ran, "evidence run");
    cr_expect_eq(ran.code, 1, "%s", ran.out);
    HAS(ran.out, "config.yaml: changed: expected ");
}

Test(verify_unended, a_changed_start_record_is_believed_in_nothing)
{
    make_killed("");
    size_t size;
    char *text = scratch_read(scratch_path(&scratch, "run/start.json"), &size);
    *strchr(strstr(text, "\"seed\": 1"), '1') = '2';
    scratch_write(&scratch, "run/start.json", text);
    free(text);
    cr_expect_eq(verify(), 4);
    HAS(ran.err, "nothing in it can be believed");
    run_program(&scratch, &ran, "evidence run");
    cr_expect_eq(ran.code, 4, "%s", ran.out);
}

Test(verify_unended, a_run_that_never_began_has_nothing_to_compare)
{
    make_killed("");
    unlink(scratch_path(&scratch, "run/start.json"));
    cr_expect_eq(verify(), 12);
    HAS(ran.err, "killed before its first input");
    run_program(&scratch, &ran, "evidence run");
    cr_expect_eq(ran.code, 12);
    HAS(ran.out, "killed before its first input");
    unlink(scratch_path(&scratch, "run/config.yaml"));
    cr_expect_eq(verify(), 5);
}

Test(verify_unended, progress_tells_the_later_line_that_is_whole)
{
    struct run_config *config = NULL;
    struct stage *stage = NULL;
    struct run_progress progress;
    struct run_progress_mark mark;
    struct err_text why = {0};
    cr_assert_eq(run_config_parse(&config, "run.yaml", RUN_YAML, strlen(RUN_YAML), NULL, &why), ERR_OK, "%s",
                 why.text);
    cr_assert_eq(stage_open(&stage, config, NULL, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(stage_start(stage), ERR_OK);
    char dir[512];
    snprintf(dir, sizeof(dir), "%s", scratch_path(&scratch, "."));
    cr_expect_not(run_progress_read(dir, &mark));
    cr_assert_eq(run_progress_open(&progress, dir, &why), ERR_OK);
    cr_expect_not(run_progress_read(dir, &mark));
    for (uint64_t i = 1; i <= 3; i++) {
        cr_assert_eq(engine_run(stage->engine, 100), ERR_OK);
        cr_assert_eq(run_progress_write(&progress, stage->engine, i == 3, &why), ERR_OK);
        char digest[DIGEST_TEXT_SIZE];
        digest_text(engine_digest(stage->engine), digest);
        cr_assert(run_progress_read(dir, &mark));
        cr_expect_eq(mark.inputs, 100 * i);
        cr_expect_eq(mark.ended, i == 3);
        cr_expect_str_eq(mark.digest, digest);
    }
    run_progress_close(&progress);
    /* the third lies in the first line: any byte of it that changes brings the second back */
    const char *name = scratch_path(&scratch, RUN_PROGRESS_FILE);
    for (long at = 0; at < 116; at++) {
        FILE *file = fopen(name, "r+");
        fseek(file, at, SEEK_SET);
        const int byte = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(byte ^ 4, file);
        fclose(file);
        if (run_progress_read(dir, &mark))
            cr_expect(mark.inputs == 200 || byte == ' ', "byte %ld: %" PRIu64, at, mark.inputs);
        else
            cr_expect_fail("byte %ld: nothing is whole", at);
        file = fopen(name, "r+");
        fseek(file, at, SEEK_SET);
        fputc(byte, file);
        fclose(file);
    }
    run_progress_remove(&progress);
    stage_close(stage);
    run_config_free(config);
}
