#include "cli/ci_baseline.h"
#include "cli/ci_case.h"
#include "cli/ci_compare.h"
#include "cli/ci_diverge.h"
#include "cli/ci_pool.h"
#include "cli/ci_report.h"
#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/stop_signal.h"
#include "cli/table.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char verb_ci_help[] =
    "NAME\n"
    "  tapedeck ci - run a suite of cases and hold them against their baselines\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck ci record SUITE [--runs DIR] [--case NAME]... [--jobs N] [--json]\n"
    "  tapedeck ci run SUITE [--runs DIR] [--binary FILE] [--strict] [--junit FILE] [--markdown FILE] [--case "
    "NAME]...\n"
    "                        [--jobs N] [--json]\n"
    "\n"
    "DESCRIPTION\n"
    "  SUITE (YAML) lists cases: a config, what is set in it, its tapes or a synthetic market, and how far each\n"
    "  metric may move. 'record' runs them and writes a baseline a case, a small text file for review; 'run' runs\n"
    "  them and compares:\n"
    "\n"
    "    identical    the digest is the baseline's: every input, order, fill and log line is the same\n"
    "    warning      so it is, but the data have gaps, or the baseline was recorded with another config ...\n"
    "    digest       the digest differs; every metric is equal or within its bound\n"
    "    speed        the run takes more times the bare loop over the same data than its bound\n"
    "    metrics      a metric is outside of its bound\n"
    "    no baseline  there is none, or it cannot be read\n"
    "    broken       the run could not be made, broke, or an invariant does not hold\n"
    "\n"
    "  On a difference it shows the metrics that moved, the config keys, tapes and binary that differ, and how far\n"
    "  the runs were the same. With the baselines' runs at hand (--runs, --binary) it names the first input, order "
    "or\n"
    "  execution that differs, as 'tapedeck diff' does. The worst verdict of the suite is the exit code. Warnings "
    "and digests do not make a\n"
    "  case fail; with --strict they do. docs/ci.md has the suite's keys, and pipelines that are ready to use.\n"
    "\n"
    "OPTIONS\n"
    "  -c, --case NAME       only this case; may be given more than once\n"
    "  -r, --runs DIR        record: keep the runs, with journals, in DIR, outside of the repository; run: compare "
    "with\n"
    "                        those of the baselines, by their digests\n"
    "  -b, --binary FILE     run: make the baseline's run anew by this tapedeck, when DIR does not have it\n"
    "      --strict          warnings and different digests are failures, with exit codes of their own\n"
    "      --junit FILE      write the results as JUnit XML\n"
    "      --markdown FILE   add a summary to the end of FILE: --markdown \"$GITHUB_STEP_SUMMARY\"\n"
    "      --jobs N          cases at a time (default: processors); changes no result\n"
    "  -j, --json            print the comparisons as JSON instead of text\n"
    "\n"
    "EXIT STATUS\n"
    "  0    all identical; record: all recorded\n"
    "  2    wrong command line\n"
    "  3    the suite is wrong\n"
    "  5, 6 a file could not be read or written\n"
    "  10   warning           20  the same with --strict\n"
    "  11   digest            21  the same with --strict\n"
    "  22   speed\n"
    "  23   metrics\n"
    "  24   no baseline\n"
    "  25   broken\n"
    "  130  interrupted (143: terminated)\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck ci record examples/suite.yaml\n"
    "  tapedeck ci run examples/suite.yaml\n"
    "  tapedeck ci run suite.yaml --strict --junit results.xml --markdown \"$GITHUB_STEP_SUMMARY\"\n";

struct ci_job_list {
    struct ci_suite *suite;
    uint32_t *cases; /* which of the suite's, a job each */
    uint32_t count;
    uint32_t at_a_time;
    json_t **results;
    const struct ci_job_list *ran; /* of the lists that follow from it */
    json_t **baselines;            /* a case of `ran` each; NULL: none, or none that is wanted */
    struct ci_kept kept;
};

static json_t *run_job(void *context, uint32_t index)
{
    const struct ci_job_list *list = context;
    return ci_case_run(&list->suite->cases[list->cases[index]]);
}

static json_t *speed_job(void *context, uint32_t index)
{
    const struct ci_job_list *list = context;
    return ci_case_speed(&list->suite->cases[list->cases[index]]);
}

static err_t list_new(struct ci_job_list *list, struct ci_suite *suite, struct err_text *why)
{
    *list = (struct ci_job_list){.suite = suite, .at_a_time = 1};
    list->cases = calloc(suite->case_count, sizeof(*list->cases));
    list->results = calloc(suite->case_count, sizeof(*list->results));
    return list->cases == NULL || list->results == NULL ? err_say(why, ERR_NOMEM, "out of memory") : ERR_OK;
}

static void list_free(struct ci_job_list *list)
{
    for (uint32_t i = 0; list->results != NULL && i < list->count; i++)
        json_decref(list->results[i]);
    free(list->results);
    free(list->cases);
}

static err_t run_cases(struct ci_job_list *list, struct ci_suite *suite, uint32_t at_a_time, struct err_text *why)
{
    err_t err = list_new(list, suite, why);
    for (uint32_t i = 0; i < suite->case_count && err == ERR_OK; i++)
        if (suite->cases[i].chosen)
            list->cases[list->count++] = i;
    list->at_a_time = at_a_time;
    return err != ERR_OK ? err : ci_pool_run(list->count, list->at_a_time, run_job, NULL, list, list->results, why);
}

/* One at a time and after all else: a measurement must not share the machine with another case. */
static err_t measure_speed(struct ci_job_list *list, const struct ci_job_list *ran, struct err_text *why)
{
    err_t err = list_new(list, ran->suite, why);
    for (uint32_t i = 0; i < ran->count && err == ERR_OK; i++)
        if (ran->suite->cases[ran->cases[i]].ratio_max != 0 &&
            json_is_null(json_object_get(ran->results[i], "error")))
            list->cases[list->count++] = ran->cases[i];
    return err != ERR_OK ? err : ci_pool_run(list->count, 1, speed_job, NULL, list, list->results, why);
}

/* ---- the runs of the baselines ---- */

static const char *digest_of(const json_t *record)
{
    return json_string_value(json_object_get(record, "digest"));
}

/* The number of a case among those that ran. */
static uint32_t number_in(const struct ci_job_list *ran, uint32_t number)
{
    uint32_t i = 0;
    while (ran->cases[i] != number)
        i++;
    return i;
}

static json_t *keep_job(void *context, uint32_t index)
{
    const struct ci_job_list *list = context;
    const uint32_t at = number_in(list->ran, list->cases[index]);
    return ci_keep(&list->suite->cases[list->cases[index]], &list->kept,
                   digest_of(json_object_get(list->ran->results[at], "record")));
}

static json_t *diverge_job(void *context, uint32_t index)
{
    const struct ci_job_list *list = context;
    const uint32_t at = number_in(list->ran, list->cases[index]);
    return ci_diverge(&list->suite->cases[list->cases[index]], &list->kept, digest_of(list->baselines[at]),
                      digest_of(json_object_get(list->ran->results[at], "record")));
}

static err_t keep_runs(struct ci_job_list *list, const struct ci_job_list *ran, struct ci_kept kept,
                       struct err_text *why)
{
    err_t err = list_new(list, ran->suite, why);
    list->ran = ran;
    list->kept = kept;
    list->at_a_time = ran->at_a_time;
    for (uint32_t i = 0; i < ran->count && err == ERR_OK && kept.runs != NULL; i++)
        if (digest_of(json_object_get(ran->results[i], "record")) != NULL)
            list->cases[list->count++] = ran->cases[i];
    return err != ERR_OK ? err : ci_pool_run(list->count, list->at_a_time, keep_job, NULL, list, list->results, why);
}

/* Of the cases whose digest is another one. */
static err_t find_first(struct ci_job_list *list, const struct ci_job_list *ran, json_t **baselines,
                        struct ci_kept kept, struct err_text *why)
{
    err_t err = list_new(list, ran->suite, why);
    list->ran = ran;
    list->baselines = baselines;
    list->kept = kept;
    list->at_a_time = ran->at_a_time;
    for (uint32_t i = 0; i < ran->count && err == ERR_OK && (kept.runs != NULL || kept.binary != NULL); i++) {
        const char *was = digest_of(baselines[i]), *now = digest_of(json_object_get(ran->results[i], "record"));
        if (was != NULL && now != NULL && strcmp(was, now) != 0)
            list->cases[list->count++] = ran->cases[i];
    }
    return err != ERR_OK ? err
                         : ci_pool_run(list->count, list->at_a_time, diverge_job, NULL, list, list->results, why);
}

/* ---- record ---- */

static const char *const recorded_words[] = {"new", "changed", "unchanged"};

static err_t record(const struct ci_job_list *ran, json_t *cases, bool *broken, struct err_text *why)
{
    const struct ci_suite *suite = ran->suite;
    for (uint32_t i = 0; i < ran->count; i++) {
        const struct ci_case *one = &suite->cases[ran->cases[i]];
        json_t *now = json_object_get(ran->results[i], "record"), *entry = json_object();
        const char *error = json_string_value(json_object_get(ran->results[i], "error"));
        char path[CI_PATH_SIZE];
        enum ci_recorded recorded = CI_RECORDED_SAME;
        json_array_append_new(cases, entry);
        json_set_text(entry, "name", one->name);
        if (error != NULL || now == NULL) {
            *broken = true;
            json_set_text(entry, "recorded", "broken");
            json_set_text(entry, "text", error);
            continue;
        }
        err_t err = ci_baseline_write(suite, one, now, &recorded, why);
        if (err != ERR_OK)
            return err;
        json_set_text(entry, "recorded", recorded_words[recorded]);
        json_set_text(entry, "text", ci_baseline_path(suite, one, path) ? path : "");
    }
    return ERR_OK;
}

static int print_recorded(json_t *cases, bool broken, bool json, struct err_text *why)
{
    if (json) {
        json_t *root = json_object();
        json_set(root, "cases", cases);
        if (json_print(stdout, root, false) != ERR_OK) {
            (void)err_say(why, ERR_IO, "standard output could not be written");
            return exit_with("ci", why);
        }
        return broken ? EXIT_CODE_CI_BROKEN : EXIT_CODE_OK;
    }
    struct table *table = table_new("llw", "case", "baseline", "");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *entry = json_array_get(cases, i);
        table_cell(table, "%s", json_string_value(json_object_get(entry, "name")));
        table_cell(table, "%s", json_string_value(json_object_get(entry, "recorded")));
        const char *text = json_string_value(json_object_get(entry, "text"));
        table_cell(table, "%s", text != NULL ? text : "no result");
    }
    table_print(table, stdout);
    json_decref(cases);
    return broken ? EXIT_CODE_CI_BROKEN : EXIT_CODE_OK;
}

/* ---- run ---- */

/* What a list knows of a case; NULL: nothing. */
static const json_t *result_of(const struct ci_job_list *list, uint32_t number)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->cases[i] == number)
            return list->results[i];
    return NULL;
}

struct baselines {
    json_t **records; /* a case that ran each; NULL: */
    struct err_text *missing;
};

static err_t read_baselines(struct baselines *baselines, const struct ci_job_list *ran, struct err_text *why)
{
    baselines->records = calloc(ran->count + 1u, sizeof(*baselines->records));
    baselines->missing = calloc(ran->count + 1u, sizeof(*baselines->missing));
    if (baselines->records == NULL || baselines->missing == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < ran->count; i++)
        if (ci_baseline_read(ran->suite, &ran->suite->cases[ran->cases[i]], &baselines->records[i],
                             &baselines->missing[i]) != ERR_OK)
            baselines->records[i] = NULL;
    return ERR_OK;
}

static void baselines_free(struct baselines *baselines, uint32_t count)
{
    for (uint32_t i = 0; baselines->records != NULL && i < count; i++)
        json_decref(baselines->records[i]);
    free(baselines->records);
    free(baselines->missing);
}

static json_t *compare_all(const struct ci_job_list *ran, const struct baselines *baselines,
                           const struct ci_job_list *speeds, const struct ci_job_list *firsts, bool strict)
{
    json_t *cases = json_array();
    for (uint32_t i = 0; i < ran->count; i++) {
        const struct ci_compared compared = {.one = &ran->suite->cases[ran->cases[i]],
                                             .outcome = ran->results[i],
                                             .baseline = baselines->records[i],
                                             .baseline_missing =
                                                 baselines->records[i] != NULL ? NULL : baselines->missing[i].text,
                                             .speed = result_of(speeds, ran->cases[i]),
                                             .first = result_of(firsts, ran->cases[i])};
        json_array_append_new(cases, ci_compare(&compared, strict));
    }
    return cases;
}

struct ci_options {
    struct option_list cases;
    const char *junit, *markdown;
    struct ci_kept kept;
    int64_t jobs;
    bool strict, json;
};

static err_t show(const json_t *report, const struct ci_options *options, struct err_text *why)
{
    err_t err = ERR_OK;
    if (options->json)
        err = json_print(stdout, json_incref((json_t *)(uintptr_t)report), false) == ERR_OK
                  ? ERR_OK
                  : err_say(why, ERR_IO, "standard output could not be written");
    else
        ci_report_print(report);
    if (err == ERR_OK && options->junit != NULL)
        err = ci_report_junit(report, options->junit, why);
    if (err == ERR_OK && options->markdown != NULL)
        err = ci_report_markdown(report, options->markdown, why);
    return err;
}

static int do_run(struct ci_suite *suite, const struct ci_options *options, uint32_t jobs, struct err_text *why)
{
    struct ci_job_list ran = {0}, speeds = {0}, firsts = {0};
    struct baselines baselines = {0};
    json_t *report = NULL;
    err_t err = run_cases(&ran, suite, jobs, why);
    if (err == ERR_OK)
        err = read_baselines(&baselines, &ran, why);
    if (err == ERR_OK)
        err = find_first(&firsts, &ran, baselines.records, options->kept, why);
    if (err == ERR_OK)
        err = measure_speed(&speeds, &ran, why);
    if (err == ERR_OK) {
        report = ci_report_new(suite->path, compare_all(&ran, &baselines, &speeds, &firsts, options->strict),
                               options->strict);
        err = show(report, options, why);
    }
    const int code = err == ERR_INTERRUPTED ? stop_signal_exit_code()
                     : err != ERR_OK        ? exit_with("ci", why)
                                            : ci_report_code(report);
    json_decref(report);
    list_free(&speeds);
    list_free(&firsts);
    baselines_free(&baselines, ran.count);
    list_free(&ran);
    return code;
}

static int do_record(struct ci_suite *suite, const struct ci_options *options, uint32_t jobs, struct err_text *why)
{
    struct ci_job_list ran = {0}, runs = {0};
    json_t *cases = json_array();
    bool broken = false;
    err_t err = run_cases(&ran, suite, jobs, why);
    if (err == ERR_OK)
        err = keep_runs(&runs, &ran, options->kept, why);
    for (uint32_t i = 0; i < runs.count && err == ERR_OK; i++) {
        const char *error = json_string_value(json_object_get(runs.results[i], "error"));
        if (error != NULL)
            err = err_say(why, ERR_IO, "%s: the run could not be kept: %s", suite->cases[runs.cases[i]].name, error);
    }
    if (err == ERR_OK)
        err = record(&ran, cases, &broken, why);
    list_free(&runs);
    list_free(&ran);
    if (err == ERR_OK)
        return print_recorded(cases, broken, options->json, why);
    json_decref(cases);
    return err == ERR_INTERRUPTED ? stop_signal_exit_code() : exit_with("ci", why);
}

int verb_ci(int argc, char **argv)
{
    struct ci_options options = {.jobs = 0};
    const struct option_spec specs[] = {
        {.name = "case", .letter = 'c', .type = OPTION_LIST, .target = &options.cases, .value = "NAME"},
        {.name = "runs", .letter = 'r', .type = OPTION_TEXT, .target = &options.kept.runs, .value = "DIR"},
        {.name = "binary", .letter = 'b', .type = OPTION_TEXT, .target = &options.kept.binary, .value = "FILE"},
        {.name = "strict", .type = OPTION_FLAG, .target = &options.strict},
        {.name = "junit", .type = OPTION_TEXT, .target = &options.junit, .value = "FILE"},
        {.name = "markdown", .type = OPTION_TEXT, .target = &options.markdown, .value = "FILE"},
        {.name = "jobs", .type = OPTION_INT, .target = &options.jobs, .value = "N", .minimum = 1, .maximum = 256},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &options.json},
    };
    struct err_text why = {0};
    struct ci_suite *suite = NULL;
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 2, 2, "'record' or 'run', and one SUITE", &why);
    const bool recording = err == ERR_OK && strcmp(argv[1], "record") == 0;
    if (err == ERR_OK && !recording && strcmp(argv[1], "run") != 0)
        err = err_say(&why, ERR_USAGE, "'%s' is neither 'record' nor 'run'", argv[1]);
    if (err == ERR_OK && recording &&
        (options.strict || options.junit != NULL || options.markdown != NULL || options.kept.binary != NULL))
        err = err_say(&why, ERR_USAGE, "--strict, --binary, --junit and --markdown belong to 'ci run'");
    if (err == ERR_OK)
        err = ci_suite_load(&suite, argv[2], &why);
    if (err == ERR_OK)
        err = ci_suite_choose(suite, &options.cases, &why);
    int code;
    if (err == ERR_OK) {
        const long processors = sysconf(_SC_NPROCESSORS_ONLN);
        const uint32_t jobs = options.jobs != 0 ? (uint32_t)options.jobs : processors > 0 ? (uint32_t)processors : 1;
        stop_signal_catch();
        code = recording ? do_record(suite, &options, jobs, &why) : do_run(suite, &options, jobs, &why);
    } else {
        code = exit_with("ci", &why);
    }
    ci_suite_free(suite);
    option_list_free(&options.cases);
    return code;
}
