/* How: the place is found in the run itself (rerun_seek_at). The fork is then a run like any other, executed under
 * the parent's config up to the place, so that its files are those of a whole run; both directories are compared
 * after. */
#include "cli/verbs.h"

#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/rerun_at.h"
#include "cli/run_dir.h"
#include "cli/run_fork.h"
#include "cli/stop_signal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char verb_fork_help[] =
    "NAME\n"
    "  tapedeck fork - go on from a moment of a finished run with a change\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck fork RUN --at N|TIME --set KEY=VALUE ... [--out DIR] [--force] [--json] [--tape FILE ...]\n"
    "\n"
    "DESCRIPTION\n"
    "  Executes the run again up to the place, changes the config there, and goes on: with the same books, orders,\n"
    "  positions, messages under way and memory of the strategy. It leaves a run directory of its own, with the "
    "part\n"
    "  before the place in it, and the parent's config; verify, why, state and the others take it like any run.\n"
    "  Printed is what came of the change: orders, fills, profit, and the first order record that is another one.\n"
    "\n"
    "  What can be changed: strategy.params.*, venue.fees.*, venue.latency.*, venue.queue and its terms,\n"
    "  venue.impact.*, venue.faults.*, venue.margin.leverage, risk.*, and how the venue judges orders. A change "
    "that\n"
    "  gives the state another shape, or of a value that the run has worked with since, is refused in words.\n"
    "\n"
    "OPTIONS\n"
    "      --at N|TIME      after N inputs, or after the last one at or before 2024-08-08T12:30:00Z\n"
    "  -s, --set KEY=VALUE  the change; may be given again\n"
    "  -o, --out DIR        the fork's directory (default: a new one under output.dir)\n"
    "      --force          use --out DIR even when something is in it\n"
    "  -t, --tape FILE ...  tapes of the run that are elsewhere now; their hashes tell which is which\n"
    "  -r, --runs DIR       where RUN is looked for when it is no path (default runs)\n"
    "  -q, --quiet          no progress line\n"
    "  -j, --json           one object: the fork's directory, and the differences\n"
    "\n"
    "EXIT STATUS\n"
    "  those of 'tapedeck run'; 3 when the change cannot be made, 12 when the run has not ended\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck fork runs/demo --at 2024-08-08T12:30:00Z --set strategy.params.half_spread=4\n"
    "  tapedeck fork demo --at 1000000 --set venue.latency.entry=5ms --out runs/demo-slow\n";

struct fork_job {
    struct rerun *rerun;
    struct option_list sets;
    const char *at;
    struct run_output_options files;
    bool json, quiet;
    struct run_fork fork;
    struct run_config *tried;
    char dir[PATH_SIZE]; /* of the fork */
    int code;
    struct err_text why;
};

/* ---- the place ---- */

static err_t check_sets(struct fork_job *job)
{
    err_t err = job->sets.count != 0
                    ? ERR_OK
                    : err_say(&job->why, ERR_USAGE, "expected --set KEY=VALUE: what is to be changed");
    for (size_t i = 0; i < job->sets.count && err == ERR_OK; i++)
        err = stage_fork_check_key(job->sets.items[i], &job->why);
    return err;
}

/* Named, so that it can be forked in its place. */
static err_t refuse_fork(struct fork_job *job)
{
    char path[PATH_SIZE];
    json_t *fork = run_dir_path(path, job->rerun->dir, RERUN_FORK_FILE) ? json_load_file(path, 0, NULL) : NULL;
    const char *parent = json_string_value(json_object_get(fork, "parent"));
    err_t err =
        err_say(&job->why, ERR_UNSUPPORTED,
                "%s: is a fork itself, and a fork of a fork is not made: fork its parent, %s, with both changes "
                "at one place",
                job->rerun->name, parent != NULL ? parent : "which it does not name");
    json_decref(fork);
    return err;
}

static err_t find_place(struct fork_job *job)
{
    struct rerun *rerun = job->rerun;
    if (rerun_is_fork(rerun))
        return refuse_fork(job);
    if (rerun->config->mode == RUN_PAPER)
        return err_say(&job->why, ERR_UNSUPPORTED,
                       "%s: a session of mode paper is not forked: 'tapedeck run CONFIG --tape %s/" RUN_INPUTS_FILE
                       " --set ...' plays all of it with the change",
                       rerun->name, rerun->dir);
    err_t err = rerun_stage(rerun, NULL, NULL, &job->why);
    if (err == ERR_OK)
        err = rerun_seek_at(rerun, job->at, &job->why);
    if (err != ERR_OK)
        return err;
    job->fork.at = engine_counters(rerun->stage->engine)->inputs;
    if (job->fork.at == 0 || job->fork.at >= rerun->inputs)
        return err_say(&job->why, ERR_USAGE,
                       "--at %s: a fork begins after the first input and before the last of %" PRIu64, job->at,
                       rerun->inputs);
    return ERR_OK;
}

/* Before a directory is made: can it be done? */
static err_t try_it(struct fork_job *job)
{
    struct run_config *config = NULL;
    err_t err = rerun_load_config(job->rerun, "config.yaml", &job->sets, &config, &job->why);
    if (err == ERR_OK)
        err = rerun_try_fork(job->rerun, config, &job->why);
    job->tried = config; /* the stage that was tried is over it */
    return err;
}

/* The rest of that execution is of no use: the run is executed once more, for the files. */
static err_t load_configs(struct fork_job *job, struct run_config **config)
{
    err_t err = rerun_load_config(job->rerun, "config.yaml", NULL, &job->fork.parent, &job->why);
    return err == ERR_OK ? rerun_load_config(job->rerun, "config.yaml", &job->sets, config, &job->why) : err;
}

static char *fork_text(const struct fork_job *job)
{
    json_t *object = json_object(), *sets = json_array();
    json_set_u64(object, "format", 1);
    json_set_text(object, "parent", job->rerun->name);
    json_set_text(object, "parent_digest", job->rerun->digest);
    json_set_u64(object, "at", job->fork.at);
    for (size_t i = 0; i < job->sets.count; i++)
        json_array_append_new(sets, json_string(job->sets.items[i]));
    json_set(object, "set", sets);
    char *text = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    return text;
}

static err_t execute(struct fork_job *job)
{
    struct run_config *config = NULL;
    err_t err = load_configs(job, &config);
    if (err != ERR_OK)
        return err;
    char *text = fork_text(job);
    job->fork.fork_json = text;
    job->code =
        text == NULL ? exit_code_of(ERR_NOMEM) : run_forked(&job->fork, config, &job->files, job->quiet, job->dir);
    free(text);
    return ERR_OK;
}

/* ---- what came of it ---- */

static json_t *result_of(const char *dir)
{
    char path[PATH_SIZE];
    return run_dir_path(path, dir, "result.json") ? json_load_file(path, 0, NULL) : NULL;
}

static FILE *open_orders(const char *dir)
{
    char path[PATH_SIZE];
    return run_dir_path(path, dir, "orders.csv") ? fopen(path, "r") : NULL;
}

/* A line without its end; empty: there is no more. */
static bool next_line(FILE *file, char line[1024])
{
    if (file == NULL || fgets(line, 1024, file) == NULL) {
        line[0] = '\0';
        return false;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

/* Null: all order records are the same. */
static json_t *first_difference(const char *parent, const char *fork)
{
    FILE *one = open_orders(parent), *two = open_orders(fork);
    char head[1024], was[1024], is[1024];
    json_t *difference = NULL;
    (void)next_line(one, head);
    (void)next_line(two, is);
    for (uint64_t record = 1;; record++) {
        const bool more_one = next_line(one, was), more_two = next_line(two, is);
        if (!more_one && !more_two)
            break;
        if (strcmp(was, is) == 0)
            continue;
        difference = json_object();
        json_set_u64(difference, "record", record);
        json_set_text(difference, "columns", head);
        json_set_text(difference, "parent", more_one ? was : NULL);
        json_set_text(difference, "fork", more_two ? is : NULL);
        break;
    }
    if (one != NULL)
        fclose(one);
    if (two != NULL)
        fclose(two);
    return difference != NULL ? difference : json_null();
}

static json_t *both(const json_t *parent, const json_t *fork, const char *section, const char *key)
{
    json_t *pair = json_object();
    const json_t *was = section != NULL ? json_object_get(parent, section) : parent;
    const json_t *is = section != NULL ? json_object_get(fork, section) : fork;
    json_set(pair, "parent", json_deep_copy(json_object_get(was, key)));
    json_set(pair, "fork", json_deep_copy(json_object_get(is, key)));
    return pair;
}

static json_t *report_json(const struct fork_job *job)
{
    json_t *parent = result_of(job->rerun->dir), *fork = result_of(job->dir);
    json_t *report = json_object();
    json_set_text(report, "parent", job->rerun->name);
    json_set_text(report, "dir", job->dir);
    json_set_u64(report, "at", job->fork.at);
    json_set(report, "digest", both(parent, fork, NULL, "digest"));
    json_set(report, "orders", both(parent, fork, NULL, "orders"));
    json_set(report, "fills", both(parent, fork, NULL, "fills"));
    json_set(report, "profit", both(parent, fork, "metrics", "profit"));
    json_set(report, "first_order_record", first_difference(job->rerun->dir, job->dir));
    json_decref(parent);
    json_decref(fork);
    return report;
}

/* A digest, a number, or amounts by currency. */
static void print_value(const json_t *value)
{
    const char *currency, *between = "";
    const json_t *amount;
    if (json_is_string(value))
        fputs(json_string_value(value), stdout);
    else if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_object_size(value) == 0)
        fputs("-", stdout);
    json_object_foreach((json_t *)(uintptr_t)value, currency, amount)
    {
        const char *text = json_string_value(amount);
        printf("%s%s %s", between, text != NULL ? text : "-", currency);
        between = ", ";
    }
}

static void print_pair(const json_t *report, const char *key)
{
    const json_t *pair = json_object_get(report, key);
    printf("%-8s ", key);
    print_value(json_object_get(pair, "parent"));
    fputs(" -> ", stdout);
    print_value(json_object_get(pair, "fork"));
    fputc('\n', stdout);
}

static void print_report(const json_t *report)
{
    static const char *const keys[] = {"digest", "orders", "fills", "profit"};
    printf("%s, from %s after %" PRIu64 " inputs\n\n", json_string_value(json_object_get(report, "dir")),
           json_string_value(json_object_get(report, "parent")),
           (uint64_t)json_integer_value(json_object_get(report, "at")));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        print_pair(report, keys[i]);
    const json_t *first = json_object_get(report, "first_order_record");
    if (json_is_null(first)) {
        puts("\nall order records are the same");
        return;
    }
    const char *was = json_string_value(json_object_get(first, "parent"));
    const char *is = json_string_value(json_object_get(first, "fork"));
    printf("\nthe first order record that differs is number %" PRIu64 "\n          %s\n  parent  %s\n  fork    %s\n",
           (uint64_t)json_integer_value(json_object_get(first, "record")),
           json_string_value(json_object_get(first, "columns")), was != NULL ? was : "(it has no more)",
           is != NULL ? is : "(it has no more)");
}

static err_t tell(struct fork_job *job)
{
    if (job->code != EXIT_CODE_OK)
        return ERR_OK; /* it was told why */
    json_t *report = report_json(job);
    if (job->json)
        return json_print(stdout, report, false);
    print_report(report);
    json_decref(report);
    return fflush(stdout) == 0 ? ERR_OK : err_say(&job->why, ERR_IO, "standard output could not be written");
}

int verb_fork(int argc, char **argv)
{
    struct fork_job job = {.code = EXIT_CODE_OK};
    struct option_list tapes = {0};
    struct rerun_options options = {.tapes = &tapes};
    const struct option_spec specs[] = {
        {.name = "at", .type = OPTION_TEXT, .target = &job.at, .value = "N|TIME"},
        {.name = "set", .letter = 's', .type = OPTION_LIST, .target = &job.sets, .value = "KEY=VALUE"},
        {.name = "out", .letter = 'o', .type = OPTION_TEXT, .target = &job.files.out, .value = "DIR"},
        {.name = "force", .type = OPTION_FLAG, .target = &job.files.force},
        {.name = "tape", .letter = 't', .type = OPTION_WORDS, .target = &tapes, .value = "FILE"},
        {.name = "runs", .letter = 'r', .type = OPTION_TEXT, .target = &options.runs, .value = "DIR"},
        {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = &job.quiet},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &job.json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &job.why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, 1, "one RUN (before --tape)", &job.why);
    if (err == ERR_OK && job.at == NULL)
        err = err_say(&job.why, ERR_USAGE, "expected --at N|TIME: a number of inputs, or a moment of the run");
    if (err == ERR_OK)
        err = check_sets(&job);
    if (err == ERR_OK) {
        stop_signal_catch();
        err = rerun_open(&job.rerun, argv[1], &options, &job.why);
    }
    if (err == ERR_OK)
        err = find_place(&job);
    if (err == ERR_OK)
        err = try_it(&job);
    if (err == ERR_OK)
        err = execute(&job);
    if (err == ERR_OK)
        err = tell(&job);
    const int code = err == ERR_OK ? job.code : exit_with_run("fork", &job.why);
    run_config_free(job.fork.parent);
    rerun_close(job.rerun);
    run_config_free(job.tried);
    option_list_free(&job.sets);
    option_list_free(&tapes);
    return code;
}
