/* Runs that were killed, given to the verbs that ask a run something: as far as it is known, and not further. That
 * they can be proved is test_verify_unended.c. */
#include "cli/rerun.h"
#include "cli/run_progress.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HAS(text, part) cr_assert(strstr(text, part) != NULL, "expected '%s' in:\n%s%s", part, text, ran.err)

static struct scratch scratch;
static struct ran ran;

#define RUN_YAML                                                                                                     \
    "feed: {synth: {seed: 7, duration: 60s}}\n"                                                                      \
    "account: {balances: {USDT: \"1000\"}}\n"                                                                        \
    "strategy: {name: grid, params: {levels: 4, spacing: 3, half_spread: 1, size: \"0.5\", position_max: \"5\"}}\n"
#define MARK 1000

static void make(const char *name, const char *options)
{
    run_program(&scratch, &ran, "run run.yaml --out %s -q %s", name, options);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

static void setup(void)
{
    scratch_begin(&scratch);
    scratch_write(&scratch, "run.yaml", RUN_YAML);
    make("whole", "");
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(unended, .init = setup, .fini = teardown, .timeout = 120);

/* As if it had been killed: what is written at the end goes. */
static void make_killed(const char *options)
{
    static const char *const last[] = {"killed/result.json", "killed/timing.json", "killed/manifest.json",
                                       "killed/tail.txt"};
    make("killed", options);
    for (size_t i = 0; i < ARRAY_LEN(last); i++)
        cr_assert_eq(unlink(scratch_path(&scratch, last[i])), 0, "%s", last[i]);
}

/* After MARK inputs of the run `of` it wrote how far it was. */
static void mark(const char *of)
{
    char dir[512], killed[512];
    struct err_text why = {0};
    struct rerun *rerun;
    struct run_progress progress;
    snprintf(dir, sizeof(dir), "%s", scratch_path(&scratch, of));
    snprintf(killed, sizeof(killed), "%s", scratch_path(&scratch, "killed"));
    cr_assert_eq(rerun_open(&rerun, dir, &(struct rerun_options){.unended = true}, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(rerun_stage(rerun, NULL, NULL, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(rerun_start(rerun, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(rerun_advance(rerun, MARK, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(run_progress_open(&progress, killed, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(run_progress_write(&progress, rerun->stage->engine, false, &why), ERR_OK, "%s", why.text);
    run_progress_close(&progress);
    rerun_close(rerun);
}

static void cut_journal(void)
{
    struct stat status;
    const char *path = scratch_path(&scratch, "killed/journal.tape");
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(truncate(path, status.st_size * 6 / 10), 0);
}

static int program(const char *words)
{
    run_program(&scratch, &ran, "%s", words);
    return ran.code;
}

Test(unended, diff_goes_as_far_as_the_journal_that_was_cut)
{
    make_killed("--set journal=on --set feed.synth.duration=10m");
    make("longer", "--set feed.synth.duration=10m");
    make("fee", "--set feed.synth.duration=10m --set venue.fees.maker=0.0003");
    cut_journal();
    cr_expect_eq(program("diff --runs . killed longer"), 13, "%d %s%s", ran.code, ran.out, ran.err);
    HAS(ran.out, "a  killed  not ended  ");
    HAS(ran.out, "identical up to input ");
    HAS(ran.out, "killed has not ended");
    cr_expect_eq(program("diff --runs . longer killed --json"), 13);
    HAS(ran.out, "\"verdict\": \"identical_so_far\"");
    cr_expect_eq(program("diff --runs . fee killed"), 1);
    HAS(ran.out, "fee: ");
    HAS(ran.out, "state after input ");
    /* a byte that was changed is no cut */
    FILE *file = fopen(scratch_path(&scratch, "killed/journal.tape"), "r+");
    fseek(file, 2000, SEEK_SET);
    const int byte = fgetc(file);
    fseek(file, 2000, SEEK_SET);
    fputc(byte ^ 1, file);
    fclose(file);
    cr_expect_eq(program("diff --runs . killed longer"), 4, "%d %s", ran.code, ran.out);
    HAS(ran.err, "is damaged, and not only cut short");
}

Test(unended, diff_makes_the_journal_that_was_not_kept_up_to_the_last_mark)
{
    make_killed("");
    cr_expect_eq(program("diff --runs . killed whole"), 12);
    HAS(ran.err, "before it wrote how far it had come");
    mark("whole");
    cr_expect_eq(program("diff --runs . killed whole"), 13, "%d %s%s", ran.code, ran.out, ran.err);
    HAS(ran.out, "identical up to input 1000: ");
    make("size", "--set strategy.params.size=0.4");
    cr_expect_eq(program("diff --runs . killed size"), 1);
    HAS(ran.out, "qty: 0.500 -> 0.400");
    mark("size"); /* not what this config does */
    cr_expect_eq(program("diff --runs . killed whole"), 3);
    HAS(ran.err, "After input 1000 its digest was ");
}

Test(unended, state_is_told_to_the_last_mark_and_no_further)
{
    make_killed("");
    mark("whole");
    cr_expect_eq(program("state --runs . killed --at 900"), 0, "%s", ran.err);
    HAS(ran.out, "after 900 of at least 1000 inputs");
    cr_expect_eq(program("state --runs . killed --at 900 --json"), 0);
    HAS(ran.out, "\"ended\": false");
    cr_expect_eq(program("state --runs . killed --at 1001"), 2);
    HAS(ran.err, "has not ended, and is known up to input 1000");
}

Test(unended, why_is_proved_by_the_last_mark)
{
    make_killed("");
    mark("whole");
    cr_expect_eq(program("why --runs . killed 1"), 0, "%s", ran.err);
    HAS(ran.out, "executed again up to input 1000 (it has not ended): the digest after input 1000 is the one");
    make("size", "--set strategy.params.size=0.4");
    mark("size");
    cr_expect_eq(program("why --runs . killed 1"), 1);
    HAS(ran.err, "NOT THE SAME RUN. After input 1000 its digest was ");
}

Test(unended, what_needs_a_whole_run_says_so_and_what_to_do)
{
    make_killed("");
    mark("whole");
    const char *const words[] = {"fork --runs . killed --at 100 --set venue.fees.maker=0",
                                 "explain --runs . killed whole"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        cr_expect_eq(program(words[i]), 12, "%s: %d", words[i], ran.code);
        HAS(ran.err, "'tapedeck verify killed' tells how far it is proved");
        HAS(ran.err, "'tapedeck run killed/config.yaml --out NEW'");
    }
}

Test(unended, a_run_that_was_killed_before_its_first_input_is_no_fault_of_the_program)
{
    make_killed("");
    unlink(scratch_path(&scratch, "killed/start.json"));
    const char *const words[] = {"diff --runs . killed whole", "state --runs . killed --at 1",
                                 "why --runs . killed 1", "watch --runs . killed --screen 80x24"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        cr_expect_eq(program(words[i]), 12, "%s: %d %s", words[i], ran.code, ran.err);
        HAS(ran.err, "killed before its first input");
    }
}

/* Not killed, but its journal was cut afterwards: what lies behind the cut agrees with nothing. */
Test(unended, watch_says_of_no_input_behind_a_cut_that_the_journal_agrees)
{
    make("killed", "--set journal=on --set feed.synth.duration=10m");
    cut_journal();
    cr_expect_eq(program("watch --runs . killed --at 1% --screen 80x24"), 0, "%s", ran.err);
    HAS(ran.out, "journal agrees");
    cr_expect_eq(program("watch --runs . killed --at 95% --screen 80x24"), 0, "%s", ran.err);
    cr_expect_null(strstr(ran.out, "journal agrees"), "%s", ran.out);
}

Test(unended, a_name_that_is_no_run_is_told_apart)
{
    cr_expect_eq(program("verify --runs . run.yaml"), 5);
    HAS(ran.err, "run.yaml: is a file, and no run");
    cr_expect_eq(program("state --runs . whol --at 1"), 5);
    HAS(ran.err, "did you mean 'whole'?");
    cr_expect_eq(program("state --runs . whole --at 2030-01-01"), 0);
    HAS(ran.err, "--at 2030-01-01 is after the last input of the run");
}
