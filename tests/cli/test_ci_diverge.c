/* `ci run` with the baselines' runs at hand: the first event that differs, exactly. */
#include "scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct scratch scratch;
static struct ran ran;

static const char config_text[] =
    "account: {balances: {USDT: \"1000\"}}\n"
    "venue: {fees: {maker: \"%s\"}}\n"
    "strategy: {name: grid, params: {levels: 4, spacing: 3, half_spread: 1, size: \"0.5\", position_max: \"5\"}}\n";

static void write_config(const char *fee)
{
    char text[512];
    snprintf(text, sizeof(text), config_text, fee);
    scratch_write(&scratch, "grid.yaml", text);
}

static void ci(int code, const char *arguments)
{
    run_program(&scratch, &ran, "ci %s", arguments);
    cr_assert_eq(ran.code, code, "ci %s: exit code %d\n%s%s", arguments, ran.code, ran.out, ran.err);
}

static void says(const char *wanted)
{
    cr_expect_not_null(strstr(ran.out, wanted), "no '%s' in\n%s", wanted, ran.out);
}

static void setup(void)
{
    scratch_begin(&scratch);
    scratch_write(&scratch, "suite.yaml",
                  "cases:\n  - {name: grid, config: grid.yaml, synth: {seed: 7, duration: 40s}}\n");
    write_config("0.0002");
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(ci_diverge, .init = setup, .fini = teardown);

Test(ci_diverge, a_kept_run_names_the_first_event)
{
    ci(0, "record suite.yaml --runs kept");
    ci(0, "run suite.yaml --runs kept");
    cr_expect_null(strstr(ran.out, "first difference"));
    write_config("0.0003");
    ci(23, "run suite.yaml --runs kept");
    says("  first difference: record ");
    says("    then  ");
    says("    now   ");
    says("          fee: ");
    says("  state after input ");
    ci(23, "run suite.yaml --runs kept --json");
    says("\"where\": \"record ");
}

Test(ci_diverge, without_a_run_of_this_baseline_nothing_is_guessed)
{
    ci(0, "record suite.yaml --runs kept");
    write_config("0.0003");
    ci(0, "record suite.yaml"); /* another baseline, whose run is not kept */
    write_config("0.0004");
    ci(23, "run suite.yaml --runs kept");
    says("  first difference: not known: kept has no run of the baseline");
    ci(23, "run suite.yaml");
    cr_expect_null(strstr(ran.out, "first difference"));
    says("the runs part within the first");
}

Test(ci_diverge, another_binary_makes_the_run_of_the_baseline)
{
    char arguments[1024];
    ci(0, "record suite.yaml");
    write_config("0.0003");
    snprintf(arguments, sizeof(arguments), "run suite.yaml --binary '%s'", TEST_PROGRAM);
    ci(23, arguments);
    says("does not make the baseline's run of this case"); /* it was the case that changed, not the program */
    run_program(&scratch, &ran, "ci record suite.yaml --binary x");
    cr_expect_eq(ran.code, 2);
}
