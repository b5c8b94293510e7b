#include "cli/ci_case.h"
#include "cli/ci_compare.h"
#include "cli/ci_pool.h"
#include "cli/ci_suite.h"
#include "cli/json_out.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- the suite ---- */

static struct ci_suite *parse(const char *text)
{
    struct ci_suite *suite = NULL;
    struct err_text why = {0};
    cr_assert_eq(ci_suite_parse(&suite, "dir/suite.yaml", text, strlen(text), &why), ERR_OK, "%s", why.text);
    return suite;
}

static void refused(const char *text, const char *wanted)
{
    struct ci_suite *suite = NULL;
    struct err_text why = {0};
    cr_assert_eq(ci_suite_parse(&suite, "dir/suite.yaml", text, strlen(text), &why), ERR_CONFIG, "%s", text);
    cr_assert_not_null(strstr(why.text, wanted), "wanted: %s\ngot: %s", wanted, why.text);
}

Test(ci_suite, a_case_becomes_what_a_run_is_loaded_with)
{
    struct ci_suite *suite = parse("cases:\n"
                                   "  - name: one\n"
                                   "    config: a.yaml\n"
                                   "    seed: 7\n"
                                   "    synth: {seed: 3, duration: 5m}\n"
                                   "    set: [\"risk.open_orders_max=4\"]\n"
                                   "    allow: [gaps]\n"
                                   "    speed: {ratio_max: 6.5}\n"
                                   "  - {name: two, config: /b.yaml, tapes: [x.tape, /y.tape]}\n");
    const struct ci_case *one = &suite->cases[0], *two = &suite->cases[1];
    cr_assert_eq(suite->case_count, 2);
    cr_assert_str_eq(suite->baselines, "dir/baselines");
    cr_assert_str_eq(one->config, "dir/a.yaml");
    const char *const sets[] = {"feed.tapes=[]", "feed.synth.seed=\"3\"", "feed.synth.duration=\"5m\"", "seed=7",
                                "risk.open_orders_max=4"};
    cr_assert_eq(one->sets.count, ARRAY_LEN(sets));
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        cr_assert_str_eq(one->sets.items[i], sets[i]);
    cr_assert_eq(one->allowed, 1u << CI_WARN_GAPS);
    cr_assert_eq(one->ratio_max, 6500);
    cr_assert_eq(one->rounds, 5);
    cr_assert_str_eq(two->config, "/b.yaml");
    cr_assert_str_eq(two->tapes.items[0], "dir/x.tape");
    cr_assert_str_eq(two->tapes.items[1], "/y.tape");
    ci_suite_free(suite);
}

Test(ci_suite, mistakes_are_told_with_their_place)
{
    refused("case: []\n", "dir/suite.yaml:1:1: case: unknown key (did you mean 'cases'?)");
    refused("cases:\n  - {name: a, config: b, sets: []}\n",
            "dir/suite.yaml:2:26: cases[0].sets: unknown key (did you");
    refused("cases:\n  - {name: a, config: b, synth: {sed: 1}}\n", "unknown key (did you mean 'seed'?)");
    refused("cases:\n  - {name: a, config: b, synth: {duration: soon}}\n", "dir/suite.yaml:2:44: ");
    refused("cases:\n  - {name: a, config: b, tolerances: {profitt: {absolute: 1}}}\n", "did you mean 'profit'?");
    refused("cases:\n  - {name: a, config: b, tolerances: {profit: 1}}\n", "expected a section with absolute");
    refused("cases:\n  - {name: a, config: b, tolerances: {profit: {}}}\n", "expected absolute, relative or both");
    refused("cases:\n  - {name: a, config: b, tolerances: {profit: {absolute: -1}}}\n", "not negative");
    refused("cases:\n  - {name: a, config: b, tolerances: {win_rate: {absolute: 2}}}\n", "a decimal from 0 to 1");
    refused("cases:\n  - {name: a, config: b}\n  - {name: a, config: c}\n", "there is a case 'a' already");
    refused("cases:\n  - {name: ../a, config: b}\n", "expected a name of 1 to 64 letters");
    refused("cases:\n  - {name: a}\n", "'config' is missing");
    refused("cases:\n  - {name: a, config: b, synth: {}, tapes: [c]}\n", "both given: keep one");
    refused("cases:\n  - {name: a, config: b, allow: [gap]}\n", "unknown warning (did you mean 'gaps'?)");
    refused("cases:\n  - {name: a, config: b, speed: {rounds: 3}}\n", "'ratio_max' is missing");
    refused("cases:\n  - {name: a, config: b, set: [seed]}\n", "expected KEY=VALUE");
    refused("cases: []\n", "expected 1 to 4096 cases");
    refused("", "the suite is empty");
    refused("- a\n", "expected a suite");
}

Test(ci_suite, the_nearest_bound_counts)
{
    struct ci_suite *suite =
        parse("tolerances: {profit.USDT: {absolute: 1}, profit: {absolute: 2}, fills: {absolute: 3}}\n"
              "cases:\n"
              "  - {name: a, config: b, tolerances: {profit: {absolute: 4}}}\n");
    const struct ci_case *one = &suite->cases[0];
    const money_t unit = money_pow10(MONEY_DECIMALS);
    cr_assert_eq(ci_case_bound(one, "profit.USDT")->absolute, 1 * unit); /* one currency before all of them */
    cr_assert_eq(ci_case_bound(one, "profit.BTC")->absolute, 4 * unit);  /* the case before the suite */
    cr_assert_eq(ci_case_bound(one, "fills")->absolute, 3 * unit);
    cr_assert_null(ci_case_bound(one, "fees.USDT"));
    cr_assert_null(ci_case_bound(one, "profit_factor.USDT"));
    ci_suite_free(suite);
}

/* ---- comparing ---- */

static json_t *record(const char *digest, const char *more)
{
    char text[2048];
    snprintf(text, sizeof(text),
             "{\"digest\": \"%s\", \"config_hash\": \"c\", \"config\": {\"seed\": \"1\"}, \"tapes\": [], "
             "\"binary\": {\"build_id\": \"b\"}, \"checkpoints\": [], \"metrics\": {} %s}",
             digest, more);
    json_t *made = json_loads(text, 0, NULL);
    cr_assert_not_null(made, "%s", text);
    return made;
}

/* Updates: what is in `more` replaces what is above. */
static enum ci_verdict verdict_of(const struct ci_case *one, json_t *was, json_t *now, json_t **kept)
{
    json_t *outcome = json_object();
    json_set(outcome, "record", now);
    json_set(outcome, "warnings", json_object());
    json_set(outcome, "error", json_null());
    json_t *comparison = ci_compare(&(struct ci_compared){.one = one, .outcome = outcome, .baseline = was}, false);
    const enum ci_verdict verdict = ci_verdict_of(comparison);
    json_decref(outcome);
    json_decref(was);
    if (kept != NULL)
        *kept = comparison;
    else
        json_decref(comparison);
    return verdict;
}

Test(ci_compare, grades_from_identical_to_broken)
{
    const struct ci_case one = {.name = "a"};
    cr_assert_eq(verdict_of(&one, record("x", ""), record("x", ""), NULL), CI_IDENTICAL);
    cr_assert_eq(verdict_of(&one, record("x", ""), record("y", ""), NULL), CI_DIFFERS);
    cr_assert_eq(verdict_of(&one, record("x", ", \"config\": {\"seed\": \"2\"}"), record("x", ""), NULL), CI_WARNED);
    cr_assert_eq(verdict_of(&one, record("x", ", \"metrics\": {\"fills\": \"3\"}"),
                            record("y", ", \"metrics\": {\"fills\": \"4\"}"), NULL),
                 CI_MOVED);
    cr_assert_eq(verdict_of(&one, NULL, record("x", ""), NULL), CI_NO_BASELINE);
    json_t *broken = json_object();
    json_set_text(broken, "error", "it broke");
    json_t *comparison = ci_compare(&(struct ci_compared){.one = &one, .outcome = broken}, false);
    cr_assert_eq(ci_verdict_of(comparison), CI_BROKEN);
    json_decref(comparison);
    json_decref(broken);
}

Test(ci_compare, codes_rise_with_the_verdict)
{
    for (int strict = 0; strict < 2; strict++)
        for (int i = 1; i < CI_VERDICT_COUNT; i++)
            cr_assert(ci_verdict_code((enum ci_verdict)i, strict) >
                      ci_verdict_code((enum ci_verdict)(i - 1), strict));
    cr_assert_not(ci_verdict_fails(CI_DIFFERS, false));
    cr_assert(ci_verdict_fails(CI_DIFFERS, true));
    cr_assert(ci_verdict_fails(CI_WARNED, true));
    cr_assert_not(ci_verdict_fails(CI_IDENTICAL, true));
    cr_assert(ci_verdict_fails(CI_SLOW, false));
}

Test(ci_compare, a_metric_shows_its_delta_and_bound)
{
    struct ci_suite *suite = parse("cases:\n"
                                   "  - {name: a, config: b, tolerances: {profit: {absolute: \"0.5\", relative: "
                                   "\"0.015\"}, win_rate: {relative: \"0.5\"}}}\n");
    json_t *comparison;
    cr_assert_eq(verdict_of(&suite->cases[0],
                            record("x", ", \"metrics\": {\"profit.USDT\": \"-10\", \"win_rate\": \"1/3\", \"gone\": "
                                        "\"none\", \"same\": \"1/2\"}"),
                            record("y", ", \"metrics\": {\"profit.USDT\": \"-10.6\", \"win_rate\": \"1/2\", \"new\": "
                                        "\"7\", \"same\": \"2/4\"}"),
                            &comparison),
                 CI_MOVED);
    const json_t *metrics = json_object_get(comparison, "metrics");
    const char *const wanted[][4] = {{"profit.USDT", "-0.6", "+-0.5 or +-1.5 %", "outside"},
                                     {"win_rate", "+0.166666667", "+-50 %", "within"},
                                     {"new", NULL, "equal", "within"},
                                     {"gone", NULL, "equal", "outside"}};
    cr_assert_eq(json_array_size(metrics), ARRAY_LEN(wanted));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        const json_t *entry = json_array_get(metrics, i);
        const char *delta = json_string_value(json_object_get(entry, "delta"));
        cr_assert_str_eq(json_string_value(json_object_get(entry, "name")), wanted[i][0]);
        cr_assert((delta == NULL) == (wanted[i][1] == NULL));
        if (delta != NULL)
            cr_assert_str_eq(delta, wanted[i][1]);
        cr_assert_str_eq(json_string_value(json_object_get(entry, "bound")), wanted[i][2]);
        cr_assert_str_eq(json_is_true(json_object_get(entry, "within")) ? "within" : "outside", wanted[i][3]);
    }
    json_decref(comparison);
    ci_suite_free(suite);
}

Test(ci_compare, a_key_that_a_newer_version_added_is_no_stale_config)
{
    const struct ci_case one = {.name = "a"};
    const char *at_default = ", \"config\": {\"seed\": \"1\", \"venue.queue\": \"pessimistic\"}";
    const char *set = ", \"config\": {\"seed\": \"1\", \"venue.queue\": \"optimistic\"}";
    cr_assert_eq(verdict_of(&one, record("x", ""), record("x", at_default), NULL), CI_IDENTICAL);
    cr_assert_eq(verdict_of(&one, record("x", ""), record("x", set), NULL), CI_WARNED);
}

static void parts(const char *was, const char *now, const char *wanted)
{
    char more[512];
    snprintf(more, sizeof(more), ", \"checkpoints\": [%s]", was);
    json_t *before = record("x", more);
    snprintf(more, sizeof(more), ", \"checkpoints\": [%s]", now);
    json_t *after = record("y", more), *text = ci_first_divergence(before, after);
    cr_assert((text == NULL) == (wanted == NULL));
    if (wanted != NULL)
        cr_assert_str_eq(json_string_value(text), wanted);
    json_decref(text);
    json_decref(before);
    json_decref(after);
}

Test(ci_compare, checkpoints_bracket_where_runs_part)
{
    parts("\"256 t1 a\", \"512 t2 b\", \"768 t3 c\"", "\"256 t1 a\", \"512 t2 b\", \"768 t3 d\"",
          "the runs are the same up to input 512 (t2) and part before input 768 (t3)");
    parts("\"256 t1 a\"", "\"256 t1 b\"", "the runs part within the first 256 inputs (up to t1)");
    parts("\"256 t1 a\"", "\"256 t1 a\"", "the runs are the same up to input 256 (t1) and part after it");
    parts("", "\"256 t1 a\"", NULL);
}

Test(ci_compare, checkpoints_of_two_spacings_are_compared_where_they_meet)
{
    parts("\"256 t1 a\", \"512 t2 b\", \"768 t3 c\", \"1024 t4 d\"", "\"512 t2 b\", \"1024 t4 e\"",
          "the runs are the same up to input 512 (t2) and part before input 1024 (t4)");
}

/* ---- jobs ---- */

static json_t *count_or_break(void *context, uint32_t index)
{
    (void)context;
    if (index == 3)
        raise(SIGKILL);
    if (index == 5)
        _Exit(0);
    json_t *object = json_object();
    json_set_u64(object, "index", index);
    return object;
}

Test(ci_pool, results_are_in_order_and_a_broken_job_breaks_no_other)
{
    json_t *results[12];
    struct err_text why = {0};
    cr_assert_eq(ci_pool_run(12, 4, count_or_break, NULL, NULL, results, &why), ERR_OK, "%s", why.text);
    for (uint32_t i = 0; i < 12; i++) {
        const char *error = json_string_value(json_object_get(results[i], "error"));
        if (i == 3)
            cr_assert_not_null(strstr(error, "signal 9"), "%s", error);
        else if (i == 5)
            cr_assert_not_null(strstr(error, "without a result"), "%s", error);
        else
            cr_assert_eq(json_integer_value(json_object_get(results[i], "index")), i);
        json_decref(results[i]);
    }
}
