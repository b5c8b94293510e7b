/* How: the run is brought to the place (rerun_seek) and read there. When getting there took long, the rest of the run
 * is executed after the answer, for the snapshots that make the next answer quick. */
#include "cli/verbs.h"

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/rerun_at.h"
#include "cli/state_json.h"
#include "cli/stop_signal.h"
#include "cli/version.h"
#include "core/time_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char verb_state_help[] =
    "NAME\n"
    "  tapedeck state - everything that a finished run knew at one moment\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck state RUN --at N|TIME [--depth K] [--json] [--tape FILE ...] [--no-snapshots]\n"
    "\n"
    "DESCRIPTION\n"
    "  Brings the run to the place and prints its books, its open orders with what is ahead of each in its queue at\n"
    "  the venue, messages under way, positions, balances, margin, the risk gate, timers, and the variables that "
    "the\n"
    "  strategy shows.\n"
    "\n"
    "  RUN is the directory of a run, a bundle of one, or the name of a directory under runs/. N is a number of\n"
    "  inputs: the state is that after N of them. TIME is a moment of the run: the state is that after all inputs\n"
    "  and timers up to it.\n"
    "\n"
    "  The run is executed from the nearest snapshot before the place (RUN/snapshots), or from its beginning. Where\n"
    "  that takes long, snapshots are left behind, and after the answer the rest of the run is executed once for\n"
    "  those of the rest. They are a cache: they hold for one build, and may be removed.\n"
    "\n"
    "OPTIONS\n"
    "      --at N|TIME      after N inputs, or at 2024-08-08T12:30:00Z\n"
    "  -k, --depth K        levels of each side of the books (default 5)\n"
    "  -t, --tape FILE ...  tapes of the run that are elsewhere now; their hashes tell which is which\n"
    "  -r, --runs DIR       where RUN is looked for when it is no path (default runs)\n"
    "      --no-snapshots   use none, and make none\n"
    "  -q, --quiet          no word about snapshots, or that the run is of another build or the moment after its "
    "end\n"
    "  -j, --json           one object (docs/state.md)\n"
    "\n"
    "EXIT STATUS\n"
    "  0    printed\n"
    "  1    a tape or file is not the one that the run read\n"
    "  2    wrong command line\n"
    "  3    the run's config cannot be read by this version\n"
    "  4    result.json, a bundle or a tape is damaged\n"
    "  5    there is no such run, or a tape or file is gone\n"
    "  12   the run was killed before it wrote how far it had come\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck state maker-1f3a9c02-1 --at 2024-08-08T12:30:00Z\n"
    "  tapedeck state runs/demo --at 1000000 --depth 20 --json\n";

#define DEPTH_MAX 1000000

struct state_job {
    struct rerun *rerun;
    const char *at;
    int64_t depth;
    bool json, quiet, bare;
    struct err_text why;
};

static void tell(struct state_job *job)
{
    if (job->rerun->said[0] != '\0' && !job->quiet)
        fprintf(stderr, "tapedeck state: %s (the run was executed from an earlier place)\n", job->rerun->said);
    job->rerun->said[0] = '\0';
}

/* What may be taken for something else: a moment after the end, a run of another build. */
static void remark(const struct state_job *job)
{
    const struct rerun *rerun = job->rerun;
    ns_t ts;
    if (job->quiet)
        return;
    if (strcmp(rerun->build_id, cli_build_id()) != 0)
        fprintf(stderr,
                "tapedeck state: the run was made by another build (%s), and this is what build %s does; 'tapedeck "
                "verify %s' tells whether it is the same\n",
                rerun->build_id, cli_build_id(), rerun->name);
    if (engine_counters(rerun->stage->engine)->inputs == rerun->inputs &&
        time_parse(job->at, strlen(job->at), &ts) == ERR_OK && ts > engine_now(rerun->stage->engine))
        fprintf(stderr, "tapedeck state: --at %s is after the last input %s: this is the state there\n", job->at,
                rerun->unended ? "that is known" : "of the run");
}

static err_t print(struct state_job *job)
{
    json_t *state = state_json(job->rerun, (uint32_t)job->depth);
    if (job->json)
        return json_print(stdout, state, false);
    state_print(stdout, state);
    json_decref(state);
    return fflush(stdout) == 0 ? ERR_OK : err_say(&job->why, ERR_IO, "standard output could not be written");
}

/* The answer was given: what follows is for the next one, and may fail or be interrupted. */
static void make_the_rest(struct state_job *job)
{
    struct err_text unheard = {0};
    uint64_t inputs = engine_counters(job->rerun->stage->engine)->inputs;
    if (rerun_snapshots_written(job->rerun) == 0)
        return;
    if (!job->quiet)
        fputs("tapedeck state: making snapshots of the rest of the run, once\n", stderr);
    while (stop_signal() == 0 && rerun_seek(job->rerun, inputs += 1u << 18, &unheard) == ERR_OK)
        ;
    tell(job);
}

static err_t show(struct state_job *job)
{
    job->rerun->snapshots = job->bare ? RERUN_SNAPSHOTS_OFF : RERUN_SNAPSHOTS_MAKE;
    err_t err = rerun_stage(job->rerun, NULL, NULL, &job->why);
    if (err == ERR_OK)
        err = rerun_seek_at(job->rerun, job->at, &job->why);
    if (err != ERR_OK)
        return err;
    tell(job);
    remark(job);
    err = print(job);
    if (err == ERR_OK && !job->bare)
        make_the_rest(job);
    return err;
}

int verb_state(int argc, char **argv)
{
    struct state_job job = {.depth = 5};
    struct option_list tapes = {0};
    struct rerun_options options = {.tapes = &tapes, .unended = true};
    const struct option_spec specs[] = {
        {.name = "at", .type = OPTION_TEXT, .target = &job.at, .value = "N|TIME"},
        {.name = "depth",
         .letter = 'k',
         .type = OPTION_INT,
         .target = &job.depth,
         .value = "K",
         .minimum = 0,
         .maximum = DEPTH_MAX},
        {.name = "tape", .letter = 't', .type = OPTION_WORDS, .target = &tapes, .value = "FILE"},
        {.name = "runs", .letter = 'r', .type = OPTION_TEXT, .target = &options.runs, .value = "DIR"},
        {.name = "no-snapshots", .type = OPTION_FLAG, .target = &job.bare},
        {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = &job.quiet},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &job.json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &job.why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, 1, "one RUN (before --tape)", &job.why);
    if (err == ERR_OK && job.at == NULL)
        err = err_say(&job.why, ERR_USAGE, "expected --at N|TIME: a number of inputs, or a moment of the run");
    if (err == ERR_OK) {
        stop_signal_catch();
        err = rerun_open(&job.rerun, argv[1], &options, &job.why);
    }
    if (err == ERR_OK)
        err = rerun_bound(job.rerun, 0, &job.why);
    if (err == ERR_OK)
        err = show(&job);
    const int code = err == ERR_OK ? EXIT_CODE_OK : exit_with_run("state", &job.why);
    rerun_close(job.rerun);
    option_list_free(&tapes);
    return code;
}
