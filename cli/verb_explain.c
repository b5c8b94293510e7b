#include "cli/ci_pool.h"
#include "cli/exit_code.h"
#include "cli/explain_report.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/stop_signal.h"
#include "cli/verbs.h"
#include "cli/version.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char verb_explain_help[] =
    "NAME\n"
    "  tapedeck explain - say where the profit difference of two runs comes from\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck explain A B [--order GROUP,...] [--all-orders] [--tape FILE...] [--plugin FILE...]\n"
    "                   [--binary FILE]... [--runs DIR] [--jobs N] [--json]\n"
    "\n"
    "DESCRIPTION\n"
    "  A and B are runs (directories, or bundles) of one session. What differs between them is sorted into groups;\n"
    "  beginning with A one group after the other is taken from B, and each run between the two is executed. A step\n"
    "  is what the profit changed, exactly, by currency, with its parts: realised, marked (what is still open),\n"
    "  fees, funding. The steps add up to profit(B) - profit(A), residual 0, or there is no answer. Both runs are\n"
    "  executed too, and must come out with their digests. Groups in which nothing differs cost nothing.\n"
    "\n"
    "    latency     how long requests and answers were under way: venue.latency\n"
    "    fees        what a fill costs: venue.fees, fees of instruments, of liquidations\n"
    "    fills       what fills and at which price: queue and fill model, impact, order rules\n"
    "    data        what was seen of the market: tapes, from and to, feed.latency, faults\n"
    "    account     the money behind it: balances, margin, funding\n"
    "    seed        what is drawn at random\n"
    "    engine      capacities, and the grid of the equity\n"
    "    parameters  what was decided: parameters of the strategy, limits of the risk gate\n"
    "    code        the strategy, its plug-in, the build of the program\n"
    "\n"
    "  That is the order of the steps too. A step depends on those before it: what a fee costs depends on what\n"
    "  fills. --order takes the groups that it names first, and those joined by + as one step; --all-orders "
    "executes\n"
    "  every order (at most five groups that differ, 32 runs) and tells the mean of each group, and its least and\n"
    "  most. A run in between that cannot be executed is passed over, and its groups are taken together, which is\n"
    "  said. docs/explain.md reads an example.\n"
    "\n"
    "OPTIONS\n"
    "  -O, --order GROUP,... these groups first: data,fees+fills\n"
    "  -a, --all-orders      every order, and the mean over them\n"
    "  -t, --tape FILE...    where the tapes of the runs are now, known by their hashes; all words up to the next\n"
    "                        option\n"
    "  -p, --plugin FILE...  where the plug-ins of the runs are now, known by the SHA-256 in their manifests\n"
    "  -b, --binary FILE     the tapedeck that made A or B, known by its build id: it executes the runs with that\n"
    "                        side's code. Without it this program executes both\n"
    "  -r, --runs DIR        where A and B are looked for when they are no paths (default: runs)\n"
    "      --jobs N          runs at a time (default: processors); changes no result\n"
    "  -q, --quiet           no progress bar\n"
    "  -j, --json            one JSON object\n"
    "\n"
    "EXIT STATUS\n"
    "  0    explained: both runs come out as recorded, and the steps add up\n"
    "  1    a run does not come out as recorded, is partial, or its tape is another one\n"
    "  2    wrong command line\n"
    "  3    a config cannot be read by this version; --all-orders: a run in between cannot be executed\n"
    "  4    result.json or a tape is damaged, or by an older version that told no profit\n"
    "  5    there is no such run, or a file of it is gone\n"
    "  12   a run has not ended: it was killed, crashed, or is still going on\n"
    "  130  interrupted (143: terminated)\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck explain runs/monday runs/monday-5ms\n"
    "  tapedeck explain old new --order code,parameters --json\n"
    "  tapedeck explain old new --binary ~/releases/tapedeck-0.1 --all-orders\n";

struct explain_job {
    struct explain_side sides[2];
    struct option_list tapes, plugins, binaries;
    const char *runs, *order_text;
    bool all_orders, json, quiet;
    int64_t jobs;
    struct explain_order order;
    struct explain_mix *mix;
    struct explain_sums *sums;
    unsigned worlds[EXPLAIN_WORLDS_MAX];
    uint32_t world_count; /* to execute */
    json_t *results[EXPLAIN_WORLDS_MAX];
    uint32_t done;
    struct progress progress;
    struct err_text why;
};

/* ---- what differs ---- */

static err_t open_sides(struct explain_job *job, char **names)
{
    const struct explain_side_options options = {&job->tapes, &job->plugins, &job->binaries, job->runs};
    err_t err = ERR_OK;
    for (int i = 0; i < 2 && err == ERR_OK; i++)
        err = explain_side_open(&job->sides[i], names[i], &options, &job->why);
    return err == ERR_OK ? explain_side_programs(job->sides, &job->binaries, &job->why) : err;
}

static err_t find_differences(struct explain_job *job)
{
    const struct rerun *const runs[2] = {job->sides[0].run, job->sides[1].run};
    err_t err = explain_mix_new(&job->mix, runs, &job->why);
    if (err == ERR_OK && job->sides[0].program != job->sides[1].program)
        err = explain_mix_add(job->mix, "(build)", EXPLAIN_CODE, runs[0]->build_id, runs[1]->build_id, &job->why);
    return err;
}

static err_t plan(struct explain_job *job)
{
    job->sums = calloc(1, sizeof(*job->sums));
    if (job->sums == NULL)
        return err_say(&job->why, ERR_NOMEM, "out of memory");
    err_t err = explain_sums_plan(job->sums, &job->order, job->mix->differs, job->all_orders, &job->why);
    for (unsigned world = 0; err == ERR_OK && world <= explain_sums_last(job->sums); world++)
        if (job->sums->wanted[world])
            job->worlds[job->world_count++] = world;
    return err;
}

/* ---- executing ---- */

static json_t *run_world(void *context, uint32_t index)
{
    const struct explain_job *job = context;
    const unsigned set = explain_sums_set(job->sums, job->worlds[index]);
    char text[EXPLAIN_SET_TEXT_SIZE], name[EXPLAIN_SET_TEXT_SIZE + 32];
    if (set == 0)
        snprintf(name, sizeof(name), "the config of A");
    else if (set == EXPLAIN_ALL)
        snprintf(name, sizeof(name), "the config of B");
    else
        snprintf(name, sizeof(name), "A with B's %s", explain_set_text(set, text));
    char *config = explain_mix_text(job->mix, set);
    const struct explain_world world = {job->sides[(set >> EXPLAIN_CODE) & 1u].program, config, name};
    json_t *outcome = config != NULL ? explain_world_run(&world) : NULL;
    free(config);
    return outcome;
}

static void world_done(void *context, uint32_t index)
{
    struct explain_job *job = context;
    (void)index;
    job->done++;
    progress_update(&job->progress, job->done, job->world_count, job->done, 0);
}

static err_t execute(struct explain_job *job)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const uint32_t jobs = job->jobs != 0 ? (uint32_t)job->jobs : processors > 0 ? (uint32_t)processors : 1;
    progress_begin(&job->progress, "explain", "runs", !job->quiet);
    err_t err = ci_pool_run(job->world_count, jobs, run_world, world_done, job, job->results, &job->why);
    progress_end(&job->progress);
    return err == ERR_OK && stop_signal() != 0 ? err_say(&job->why, ERR_INTERRUPTED, "interrupted") : err;
}

static err_t take_figures(struct explain_job *job)
{
    for (uint32_t i = 0; i < job->world_count; i++) {
        const unsigned world = job->worlds[i];
        const char *error = json_string_value(json_object_get(job->results[i], "error"));
        if (error != NULL) {
            job->sums->errors[world] = error;
            continue;
        }
        struct explain_figures *figures = malloc(sizeof(*figures));
        if (figures == NULL)
            return err_say(&job->why, ERR_NOMEM, "out of memory");
        job->sums->figures[world] = figures;
        err_t err =
            explain_figures_read(figures, json_object_get(job->results[i], "result"), "a run in between", &job->why);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* ---- proof ---- */

static err_t not_the_same(struct explain_job *job, int number, const char *got)
{
    const struct explain_side *side = &job->sides[number];
    const char *build = cli_build_id();
    if (side->plugin_then[0] != '\0')
        return err_say(
            &job->why, ERR_MISMATCH,
            "%s: does not come out as recorded (digest %s, recorded %s): its plug-in %s has changed since; "
            "say where the one of then is with --plugin FILE (SHA-256 %s)",
            side->run->name, got, side->run->digest, side->run->config->strategy_source.plugin, side->plugin_then);
    if (side->program == NULL && strcmp(side->run->build_id, build) != 0)
        return err_say(&job->why, ERR_MISMATCH,
                       "%s: does not come out as recorded (digest %s, recorded %s): it was made by build %s of "
                       "tapedeck %s, this is build %s; name that program with --binary FILE",
                       side->run->name, got, side->run->digest, side->run->build_id, side->run->version, build);
    return err_say(&job->why, ERR_MISMATCH,
                   "%s: does not come out as recorded (digest %s, recorded %s), so nothing that could be said of it "
                   "would be true; 'tapedeck verify' tells more",
                   side->run->name, got, side->run->digest);
}

/* What is explained is what was recorded: the runs at both ends must be those two. */
static err_t prove(struct explain_job *job)
{
    for (int i = 0; i < 2; i++) {
        const unsigned world = i == EXPLAIN_A ? 0 : explain_sums_last(job->sums);
        const struct explain_figures *figures = job->sums->figures[world];
        if (figures == NULL)
            return err_say(&job->why, ERR_CONFIG, "%s cannot be executed again: %s", job->sides[i].run->name,
                           job->sums->errors[world]);
        if (strcmp(figures->digest, job->sides[i].run->digest) != 0)
            return not_the_same(job, i, figures->digest);
    }
    return ERR_OK;
}

static err_t tell(struct explain_job *job)
{
    const struct explain_report report = {job->sides, job->mix, job->sums, job->world_count};
    err_t err = explain_sums_make(job->sums, &job->order, job->mix->differs, &job->sides[EXPLAIN_A].figures,
                                  &job->sides[EXPLAIN_B].figures, &job->why);
    if (err != ERR_OK)
        return err;
    if (!job->json) {
        explain_report_print(&report);
        return ERR_OK;
    }
    return json_print(stdout, explain_report_json(&report), false) == ERR_OK
               ? ERR_OK
               : err_say(&job->why, ERR_IO, "standard output could not be written");
}

static err_t parse(struct explain_job *job, int *argc, char **argv)
{
    const struct option_spec specs[] = {
        {.name = "order", .letter = 'O', .type = OPTION_TEXT, .target = &job->order_text, .value = "GROUP,..."},
        {.name = "all-orders", .letter = 'a', .type = OPTION_FLAG, .target = &job->all_orders},
        {.name = "tape", .letter = 't', .type = OPTION_WORDS, .target = &job->tapes, .value = "FILE"},
        {.name = "plugin", .letter = 'p', .type = OPTION_WORDS, .target = &job->plugins, .value = "FILE"},
        {.name = "binary", .letter = 'b', .type = OPTION_LIST, .target = &job->binaries, .value = "FILE"},
        {.name = "runs", .letter = 'r', .type = OPTION_TEXT, .target = &job->runs, .value = "DIR"},
        {.name = "jobs", .type = OPTION_INT, .target = &job->jobs, .value = "N", .minimum = 1, .maximum = 256},
        {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = &job->quiet},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &job->json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), argc, argv, &job->why);
    if (err == ERR_OK)
        err = options_operands(*argc, argv, 2, 2, "A and B, two runs", &job->why);
    return err == ERR_OK ? explain_order_parse(job->order_text, &job->order, &job->why) : err;
}

int verb_explain(int argc, char **argv)
{
    static struct explain_job job; /* large, and there is one */
    err_t err = parse(&job, &argc, argv);
    if (err == ERR_OK)
        err = open_sides(&job, argv + 1);
    if (err == ERR_OK)
        err = find_differences(&job);
    if (err == ERR_OK)
        err = plan(&job);
    if (err == ERR_OK) {
        stop_signal_catch();
        err = execute(&job);
    }
    if (err == ERR_OK)
        err = take_figures(&job);
    if (err == ERR_OK)
        err = prove(&job);
    if (err == ERR_OK)
        err = tell(&job);
    const int code = err == ERR_OK            ? EXIT_CODE_OK
                     : err == ERR_INTERRUPTED ? stop_signal_exit_code()
                                              : exit_with_run("explain", &job.why);
    for (uint32_t i = 0; i < job.world_count; i++)
        json_decref(job.results[i]);
    explain_sums_free(job.sums);
    explain_mix_free(job.mix);
    explain_side_close(&job.sides[0]);
    explain_side_close(&job.sides[1]);
    option_list_free(&job.tapes);
    option_list_free(&job.plugins);
    option_list_free(&job.binaries);
    return code;
}
