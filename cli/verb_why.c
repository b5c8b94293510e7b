#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/rerun.h"
#include "cli/stop_signal.h"
#include "cli/verbs.h"
#include "cli/why_text.h"

#include "core/decimal.h"

#include <inttypes.h>
#include <string.h>

const char verb_why_help[] =
    "NAME\n"
    "  tapedeck why - explain the orders of a run: what each was decided on, and why it filled, or did not\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck why RUN ORDER... [--full] [--json] [--tape FILE...] [--runs DIR]\n"
    "  tapedeck why RUN --fills | --all [--full] [--json] ...\n"
    "\n"
    "DESCRIPTION\n"
    "  Executes a finished run once more, looks on, and prints what happened to the orders asked for: the message "
    "or\n"
    "  timer that each was decided on and the best prices that the strategy saw; every check of the risk gate with\n"
    "  its figure; the latencies drawn; the venue's book at arrival; the place in the queue with the cause of each\n"
    "  move; each fill with the trade or book message of the recording that made it; amendments and cancels, races\n"
    "  lost included; and when the strategy learnt of it. docs/why.md reads one order line by line.\n"
    "\n"
    "  RUN is a run directory, the name of one under 'runs' (--runs), or a bundle. ORDER is an id as in orders.csv "
    "and\n"
    "  fills.csv, or a range of them: 57, 100-120. Orders refused by the risk gate have ids too.\n"
    "\n"
    "  The tapes are looked for where the run found them, and must have the content that it read; --tape says where\n"
    "  they are now, in any order. At the end the digest must be the one of result.json. If it is not (another\n"
    "  binary, a plug-in that was changed), nothing is explained, and the exit code is 1.\n"
    "\n"
    "  Long histories are told in sums: 37 cancels, 4.1: ahead 12.4 -> 9.1.\n"
    "\n"
    "OPTIONS\n"
    "  -F, --fills           every order that was filled, at least in part\n"
    "  -a, --all             every order of the run\n"
    "  -f, --full            every move in the queue on its own line; checks that are off too\n"
    "  -t, --tape FILE...    where the run's tapes are now; all words up to the next option\n"
    "  -r, --runs DIR        where RUN is looked for when it is no path (default: runs)\n"
    "  -q, --quiet           no progress bar\n"
    "  -j, --json            one JSON object an order and line, with every move\n"
    "\n"
    "EXIT STATUS\n"
    "  0    explained\n"
    "  1    the run came out differently, or a tape is not the one that it read: nothing is explained\n"
    "  2    wrong command line, or the run has no such order\n"
    "  3    the run's config cannot be read by this version\n"
    "  4    result.json or a tape is damaged\n"
    "  5    there is no such run, or a tape is gone\n"
    "  12   the run was killed before it wrote how far it had come\n"
    "  130  interrupted (143: terminated)\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck why maker-1f3a9c02-1 57\n"
    "  tapedeck why runs/maker-1f3a9c02-1 57 --full\n"
    "  tapedeck why maker-1f3a9c02-1 --fills --json | jq 'select(.side == \"buy\")'\n"
    "  tapedeck why maker-1f3a9c02-1 100-120 --tape /mnt/archive/btcusdt.tape\n";

#define WHY_BUDGET 65536

struct why_job {
    struct rerun *rerun;
    struct why_record *record;
    struct progress progress;
    bool all, fills, full, json;
    struct err_text why;
};

/* ---- which orders ---- */

static bool parse_id(const char *text, size_t size, uint64_t *id)
{
    money_t number;
    if (size == 0 || decimal_parse_money(text, size, 0, ROUND_EXACT, &number) != ERR_OK || number < 1 ||
        number > UINT64_MAX)
        return false;
    *id = (uint64_t)number;
    return true;
}

static err_t want(struct why_job *job, const char *word)
{
    const char *dash = strchr(word, '-');
    const size_t size = dash != NULL ? (size_t)(dash - word) : strlen(word);
    uint64_t from, to;
    if (!parse_id(word, size, &from) ||
        !parse_id(dash != NULL ? dash + 1 : word, strlen(dash != NULL ? dash + 1 : word), &to) || to < from)
        return err_say(&job->why, ERR_USAGE, "expected an order id or a range of them (57, 100-120), got '%s'", word);
    err_t err = why_record_want(job->record, from, to);
    return err == ERR_OK ? ERR_OK : err_say(&job->why, err, "out of memory");
}

static err_t want_words(struct why_job *job, int argc, char **argv)
{
    const bool named = argc > 2;
    if (named + job->all + job->fills != 1)
        return err_say(&job->why, ERR_USAGE,
                       named || job->all ? "name orders, or --fills, or --all: keep one"
                                         : "expected RUN and an ORDER (or --fills, or --all)");
    job->record = why_record_new();
    if (job->record == NULL)
        return err_say(&job->why, ERR_NOMEM, "out of memory");
    if (!named)
        why_record_want_all(job->record, job->fills);
    err_t err = ERR_OK;
    for (int i = 2; i < argc && err == ERR_OK; i++)
        err = want(job, argv[i]);
    return err;
}

/* ---- the run, again ---- */

static void show_progress(struct why_job *job)
{
    const struct stage *stage = job->rerun->stage;
    const ns_t now = engine_now(stage->engine);
    const uint64_t total = stage->last_ts > stage->first_ts ? (uint64_t)(stage->last_ts - stage->first_ts) : 0;
    progress_update(&job->progress, now > stage->first_ts ? (uint64_t)(now - stage->first_ts) : 0, total,
                    engine_counters(stage->engine)->levels, now);
}

static err_t execute(struct why_job *job)
{
    err_t err = rerun_stage(job->rerun, why_record_sink(job->record), why_record_watch(job->record), &job->why);
    if (err != ERR_OK)
        return err;
    why_record_stage(job->record, job->rerun->stage);
    err = rerun_start(job->rerun, &job->why);
    while (err == ERR_OK) {
        if (stop_signal() != 0)
            return err_say(&job->why, ERR_INTERRUPTED, "interrupted: nothing is explained");
        err = rerun_advance(job->rerun, WHY_BUDGET, &job->why);
        show_progress(job);
    }
    if (err != ERR_END)
        return err;
    err = rerun_finish(job->rerun, &job->why);
    if (err == ERR_OK && why_record_broken(job->record))
        err = err_say(&job->why, ERR_NOMEM, "out of memory: the histories have holes; ask for fewer orders");
    return err;
}

/* ---- telling ---- */

static void print_proof(const struct rerun *rerun)
{
    if (!rerun->unended)
        printf("\n%s executed again, digest %s: the same run\n", rerun->name, rerun->got);
    else if (rerun_bound_marked(rerun) == 0)
        printf("\n%s executed again up to input %" PRIu64 "; it left no digest that would prove it the same run\n",
               rerun->name, rerun->inputs);
    else
        printf("\n%s executed again up to input %" PRIu64 " (it has not ended): the digest after input %" PRIu64
               " is the one that it left, %s\n",
               rerun->name, rerun->inputs, rerun_bound_marked(rerun), rerun->got);
}

static err_t print(struct why_job *job)
{
    const struct stage *stage = job->rerun->stage;
    size_t printed = 0;
    err_t err = ERR_OK;
    why_record_sort(job->record);
    for (size_t i = 0; i < why_record_count(job->record) && err == ERR_OK; i++) {
        const struct why_order *order = why_record_at(job->record, i);
        if (order == NULL)
            continue;
        if (job->json) {
            err = json_print(stdout, why_json(stage, order), true);
        } else {
            fputs(printed == 0 ? "" : "\n", stdout);
            why_text_print(stdout, stage, job->rerun->config, order, job->full);
        }
        printed++;
    }
    if (err != ERR_OK)
        return err_say(&job->why, err, "standard output could not be written");
    if (printed == 0 && !job->all && !job->fills)
        return err_say(&job->why, ERR_USAGE, "%s: the run has no such order: its ids are 1 to %" PRIu64,
                       job->rerun->dir, order_table_last_id(engine_orders(stage->engine)));
    if (printed == 0 && !job->json)
        printf("%s: %s\n", job->rerun->dir, job->fills ? "no order was filled" : "no order was given");
    if (!job->json && printed != 0)
        print_proof(job->rerun);
    return ERR_OK;
}

int verb_why(int argc, char **argv)
{
    struct why_job job = {0};
    struct option_list tapes = {0};
    struct rerun_options options = {.tapes = &tapes, .unended = true};
    bool quiet = false;
    const struct option_spec specs[] = {
        {.name = "fills", .letter = 'F', .type = OPTION_FLAG, .target = &job.fills},
        {.name = "all", .letter = 'a', .type = OPTION_FLAG, .target = &job.all},
        {.name = "full", .letter = 'f', .type = OPTION_FLAG, .target = &job.full},
        {.name = "tape", .letter = 't', .type = OPTION_WORDS, .target = &tapes, .value = "FILE"},
        {.name = "runs", .letter = 'r', .type = OPTION_TEXT, .target = &options.runs, .value = "DIR"},
        {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = &quiet},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &job.json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &job.why);
    if (err == ERR_OK && argc < 2)
        err = err_say(&job.why, ERR_USAGE, "expected RUN and an ORDER (or --fills, or --all)");
    if (err == ERR_OK)
        err = want_words(&job, argc, argv);
    if (err == ERR_OK) {
        stop_signal_catch();
        err = rerun_open(&job.rerun, argv[1], &options, &job.why);
    }
    if (err == ERR_OK)
        err = rerun_bound(job.rerun, 0, &job.why);
    if (err == ERR_OK) {
        progress_begin(&job.progress, "why", "levels", !quiet);
        err = execute(&job);
        progress_end(&job.progress);
    }
    if (err == ERR_OK)
        err = print(&job);
    const int code = err == ERR_OK            ? EXIT_CODE_OK
                     : err == ERR_INTERRUPTED ? stop_signal_exit_code()
                                              : exit_with_run("why", &job.why);
    rerun_close(job.rerun);
    why_record_free(job.record);
    option_list_free(&tapes);
    return code;
}
