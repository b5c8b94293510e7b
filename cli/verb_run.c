#include "adapters/wire_feed.h"
#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/live_up.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/run_fork.h"
#include "cli/run_manifest.h"
#include "cli/run_output.h"
#include "cli/run_progress.h"
#include "cli/run_result.h"
#include "cli/run_snapshots.h"
#include "cli/run_start.h"
#include "cli/session_door.h"
#include "cli/stop_signal.h"
#include "cli/verbs.h"
#include "cli/world_up.h"
#include "feeds/pace_feed.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

const char verb_run_help[] =
    "NAME\n"
    "  tapedeck run - run a strategy over tapes, or on paper\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck run CONFIG [--tape FILE...] [--set KEY=VALUE]... [--out DIR [--force] | --no-output] [--json]\n"
    "\n"
    "DESCRIPTION\n"
    "  Reads CONFIG (YAML; 'tapedeck config explain' tells every key), replays its tapes through the engine with\n"
    "  its strategy against the simulated venue, and prints the result: orders, fills, the account, and what\n"
    "  identifies the run: seed, config hash, tape hashes, binary and the digest. The same binary, config, seed\n"
    "  and tapes give the same digest, always.\n"
    "\n"
    "  The run directory holds result.json, orders.csv, fills.csv, equity.csv, plot.csv when the strategy plots,\n"
    "  payments.csv when funding is paid, log.txt, the config as resolved, and apart from them timing.json; "
    "tail.txt\n"
    "  has the last lines of all, and manifest.json, written last, the hash of every file ('tapedeck evidence' "
    "checks\n"
    "  them). It is a new directory STRATEGY-HASH-N under output.dir (default: runs), or the one given with --out.\n"
    "\n"
    "  A progress bar is shown when standard error is a terminal. Ctrl-C ends the run in good order: the\n"
    "  strategy is stopped, the results so far are written and marked as partial. A second Ctrl-C ends it at\n"
    "  once.\n"
    "\n"
    "  In mode paper the run is a session: it listens to the venues of feed.live until it is ended (docs/paper.md).\n"
    "  'tapedeck ctl RUN status', 'pause', 'stop' ... speak to it while it goes on.\n"
    "\n"
    "OPTIONS\n"
    "  -t, --tape FILE...    these tapes in the place of the config's; all words up to the next option\n"
    "  -s, --set KEY=VALUE   put VALUE in the place of what the config says; checked like the file:\n"
    "                        --set strategy.params.half_spread=20\n"
    "  -o, --out DIR         the run directory; it must be new or empty\n"
    "      --force           write over an earlier run in DIR\n"
    "  -n, --no-output       write no files\n"
    "  -q, --quiet           no progress bar\n"
    "  -j, --json            print result.json, with timing, instead of text\n"
    "\n"
    "EXIT STATUS\n"
    "  0    the run finished\n"
    "  2    wrong command line\n"
    "  3    the config is wrong, or the strategy refused to start\n"
    "  4    a tape is damaged or cut short; what came before it is in the results, marked as partial\n"
    "  5    a file could not be read or written\n"
    "  6    no space left on the device\n"
    "  8    the run was ended by a money failure: an amount that does not fit\n"
    "  9    the run was ended because an invariant does not hold (docs/evidence.md); the results are partial\n"
    "  130  interrupted (143: terminated); the results are partial\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck run examples/maker.yaml --tape demo.tape\n"
    "  tapedeck run run.yaml --set seed=7 --set venue.latency.entry=5ms --out runs/slow\n"
    "  tapedeck run examples/noop.yaml --tape monday.tape tuesday.tape --json --no-output\n";

#define RUN_BUDGET        RUN_PROGRESS_EVERY /* inputs between two looks at the clock, the disk and the signals */
#define LIVE_BUDGET       16   /* the same in a session: it hears its operator however slow its strategy */
#define SNAPSHOT_BUDGET   4096 /* the same while snapshots are made by engine time */
#define FLUSH_INTERVAL_NS NS_PER_S
#define PACE_SLEEP_NS     (50 * NS_PER_MS) /* at a recorded pace: between two looks at the signals */

struct run_job {
    struct run_config *config;
    struct run_output *output;
    struct run_metrics *metrics;
    struct stage *stage;
    bool listens;
    struct live_up *live; /* a session that goes on now; NULL: none */
    struct session_door *door;
    bool quiet;
    struct run_output_options files;
    struct run_inputs inputs;    /* read beside tapes */
    struct run_progress reached; /* for when it is killed */
    struct progress progress;
    struct run_snapshots snapshots;
    struct run_fork *fork; /* NULL: it is no fork */
    bool json;
    uint64_t flushed, marked; /* when: on the clock of `progress` */
    uint64_t marked_inputs;
    enum run_end end;
    err_t err; /* what ended it; ERR_OK: the end of the data, ERR_INTERRUPTED */
    struct err_text why;
};

/* What a fork is executed again from, beside what every run leaves. */
static err_t leave_parent(struct run_job *run)
{
    err_t err = run_output_file(run->output, RERUN_PARENT_FILE, run->fork->parent->resolved, &run->why);
    return err == ERR_OK ? run_output_file(run->output, RERUN_FORK_FILE, run->fork->fork_json, &run->why) : err;
}

static err_t open_stage(struct run_job *run)
{
    const struct stage_watch watch = {.journal = run_output_journal(run->output, run->files.none)};
    return stage_open_session(&run->stage, run->fork != NULL ? run->fork->parent : run->config,
                              run_metrics_sink(run->metrics), &watch,
                              run->live != NULL ? live_up_session(run->live) : NULL, &run->why);
}

/* Of a config that was read. */
static err_t open_run(struct run_job *run)
{
    struct err_text *why = &run->why;
    err_t err = run->files.out != NULL ? session_door_vacant(run->files.out, why) : ERR_OK;
    if (err != ERR_OK)
        return err;
    err = run->listens ? live_up_open(&run->live, run->config, why) : run_config_check_files(run->config, why);
    if (err == ERR_OK)
        err = run_inputs_take(&run->inputs, run->config, why);
    if (err == ERR_OK)
        err = run_output_new(&run->output, run->config, why);
    if (err == ERR_OK)
        err = run_metrics_new(&run->metrics, run_output_sink(run->output, run->files.none), why);
    if (err == ERR_OK)
        err = open_stage(run);
    if (err == ERR_OK)
        err = run_metrics_open(run->metrics, run->stage, why);
    if (err == ERR_OK)
        err = run_output_open(run->output, &run->files, run->stage->instruments, run->stage->instrument_count,
                              run->stage->engine, why);
    if (err == ERR_OK && run->live != NULL)
        err = live_up_record(run->live, run_output_dir(run->output), why);
    if (err == ERR_OK)
        err = run_progress_open(&run->reached, run_output_dir(run->output), why);
    if (err == ERR_OK && run->fork != NULL)
        err = leave_parent(run);
    if (err == ERR_OK && run->live != NULL)
        err = session_door_open(&run->door, run->config, run_output_dir(run->output), !run->quiet, run->live, why);
    if (err == ERR_OK) /* last: when it is there, the run can be executed again from what lies beside it */
        err = run_start_write(run_output_dir(run->output), run->config, run->stage, &run->inputs, why);
    return err;
}

static err_t start(struct run_job *run)
{
    err_t err = stage_start(run->stage);
    if (err == ERR_OK)
        return ERR_OK;
    const char *said = run_output_last_error(run->output);
    return err_say(&run->why, ERR_CONFIG, "the strategy '%s' refused to start: %s", run->config->strategy->name,
                   said != NULL ? said : err_words(err));
}

static void show_progress(struct run_job *run)
{
    const struct stage *stage = run->stage;
    if (run->door != NULL)
        return; /* has a line of its own */
    ns_t now = engine_now(stage->engine);
    uint64_t total = stage->last_ts > stage->first_ts ? (uint64_t)(stage->last_ts - stage->first_ts) : 0;
    uint64_t done = now > stage->first_ts ? (uint64_t)(now - stage->first_ts) : 0;
    progress_update(&run->progress, done, total, engine_counters(stage->engine)->levels, now);
}

/* A session goes on at its own pace. */
static uint32_t speed_of(const struct run_job *run)
{
    return run->live != NULL ? 0 : run->config->feed.speed;
}

/* feed.speed: sleep a little when the simulated time is ahead of the wall's; true: look at the signals and ask again.
 * Inputs are then handled one by one, so that at most one is early. It changes when, never what. */
static bool wait_for_wall(const struct run_job *run)
{
    const uint32_t speed = speed_of(run);
    const ns_t now = engine_now(run->stage->engine);
    if (speed == 0 || now <= run->stage->first_ts)
        return false;
    const ns_t wait =
        pace_wait((ns_t)progress_elapsed(&run->progress), pace_due(0, run->stage->first_ts, now, speed, 1));
    if (wait == 0)
        return false;
    struct timespec sleep = {.tv_sec = 0, .tv_nsec = (long)(wait < PACE_SLEEP_NS ? wait : PACE_SLEEP_NS)};
    (void)nanosleep(&sleep, NULL);
    return true;
}

/* What a kill -9 takes with it: a second at most. */
static void flush(struct run_job *run)
{
    const uint64_t now = progress_elapsed(&run->progress);
    if (now - run->flushed < FLUSH_INTERVAL_NS)
        return;
    run_output_flush(run->output);
    run->flushed = now;
}

/* After every budget at full speed; a thousand times a second when inputs are handled one by one. */
static err_t mark(struct run_job *run)
{
    const uint64_t now = progress_elapsed(&run->progress), inputs = engine_counters(run->stage->engine)->inputs;
    const uint64_t every = run->live != NULL ? FLUSH_INTERVAL_NS : NS_PER_MS;
    if (inputs - run->marked_inputs < RUN_BUDGET && now - run->marked < every)
        return ERR_OK;
    run->marked = now;
    run->marked_inputs = inputs;
    return run_progress_write(&run->reached, run->stage->engine, false, &run->why);
}

/* Where it parts from its parent. */
static err_t fork_here(struct run_job *run)
{
    const struct stage_watch watch = {.journal = run_output_journal(run->output, run->files.none)};
    err_t err = stage_fork(run->stage, run->fork->first, run->config, run_metrics_sink(run->metrics), &watch,
                           &run->fork->before, &run->why);
    if (err == ERR_OK)
        run_output_engine(run->output, run->stage->engine);
    return err;
}

/* Up to `budget` inputs, and a fork not beyond its place. */
static err_t run_some(struct run_job *run, uint64_t budget)
{
    const struct run_fork *fork = run->fork;
    const uint64_t done = engine_counters(run->stage->engine)->inputs;
    if (fork != NULL && fork->before == NULL) {
        if (done == fork->at) {
            err_t err = fork_here(run);
            if (err != ERR_OK)
                return err;
        } else if (fork->at - done < budget) {
            budget = fork->at - done;
        }
    }
    return engine_run(run->stage->engine, budget);
}

/* The tape of a session that was killed ends where nobody knows what came next. */
static err_t wait_for_input(struct run_job *run)
{
    struct stage *stage = run->stage;
    return run->live != NULL ? wire_feed_wait(stage->wire, engine_due(stage->engine), &run->why) : ERR_END;
}

static void run_loop(struct run_job *run)
{
    const uint64_t budget = run->live != NULL                  ? LIVE_BUDGET
                            : speed_of(run) != 0               ? 1
                            : run->snapshots.folder[0] != '\0' ? SNAPSHOT_BUDGET
                                                               : RUN_BUDGET;
    err_t err = ERR_OK;
    while (err == ERR_OK) {
        if (stop_signal() != 0) {
            err = engine_check(run->stage->engine);
            if (err == ERR_OK)
                err = ERR_INTERRUPTED;
            break;
        }
        if (wait_for_wall(run))
            continue;
        err = run_some(run, budget);
        if (err == ERR_WAIT)
            err = wait_for_input(run);
        show_progress(run);
        flush(run);
        if (err == ERR_OK)
            run_snapshots_look(&run->snapshots, run->stage);
        if (err == ERR_OK)
            err = run_output_error(run->output, &run->why);
        if (err == ERR_OK)
            err = mark(run);
        if (err == ERR_OK && run->door != NULL)
            err = session_door_look(run->door, run->stage, &run->why);
    }
    if (run->door != NULL && (err == ERR_END || err == ERR_INTERRUPTED)) {
        const err_t late = session_door_end(run->door, run->stage, &run->why);
        err = late != ERR_OK ? late : err;
    }
    run->end = err == ERR_END ? RUN_FINISHED : err == ERR_INTERRUPTED ? RUN_INTERRUPTED : RUN_ERROR;
    run->err = err == ERR_END ? ERR_OK : err;
    if (run->end == RUN_ERROR && engine_why(run->stage->engine)->text[0] != '\0')
        (void)err_say(&run->why, err, "%s", engine_why(run->stage->engine)->text);
}

static int code_of(const struct run_job *run, err_t err)
{
    if (err == ERR_INTERRUPTED)
        return stop_signal_exit_code();
    const bool money =
        run->stage != NULL && run->end == RUN_ERROR && engine_counters(run->stage->engine)->money_overflows > 0;
    return err != ERR_OK && money ? EXIT_CODE_RUN : exit_code_of(err);
}

/* Text of a JSON value into the run directory. */
static err_t write_json(struct run_job *run, const char *name, json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2));
    size_t size = text != NULL ? strlen(text) : 0;
    char *line = text != NULL ? realloc(text, size + 2) : NULL;
    json_decref(value);
    if (line == NULL) {
        free(text);
        return err_say(&run->why, ERR_NOMEM, "%s: out of memory", name);
    }
    strcpy(line + size, "\n");
    err_t err = run_output_file(run->output, name, line, &run->why);
    free(line);
    return err;
}

static err_t report(struct run_job *run, const struct run_summary *summary)
{
    struct err_text unused = {0};
    err_t err = run_output_close(run->output, run->err == ERR_OK ? &run->why : &unused);
    if (err == ERR_OK && run->live != NULL)
        err = live_up_finish(run->live, run->stage, run->err == ERR_OK ? &run->why : &unused);
    if (err == ERR_OK)
        err = write_json(run, "timing.json", run_timing_json(summary));
    if (err == ERR_OK) /* last: when it is there, all is there */
        err = write_json(run, "result.json", run_result_json(summary));
    if (err == ERR_OK)
        run_progress_remove(&run->reached); /* what it says, result.json says better */
    if (run->json) {
        json_t *object = run_result_json(summary);
        json_set(object, "timing", run_timing_json(summary));
        json_set_text(object, "dir", summary->dir);
        if (json_print(stdout, object, false) != ERR_OK && err == ERR_OK)
            err = err_say(&run->why, ERR_IO, "standard output could not be written");
    } else if (run->fork == NULL) {
        run_result_print(summary);
    }
    return err;
}

/* The manifest comes last: whoever finds it finds all the rest whole. A run that ended badly keeps its own reason. */
static err_t leave_evidence(struct run_job *run, const struct run_summary *summary, bool started, err_t err)
{
    const struct run_ending ending = {.summary = summary,
                                      .started = started,
                                      .signal = err == ERR_INTERRUPTED ? stop_signal() : 0,
                                      .exit_code = code_of(run, err),
                                      .reason = err == ERR_OK            ? NULL
                                                : err == ERR_INTERRUPTED ? "interrupted"
                                                                         : run->why.text};
    const err_t written = run_manifest_write(&ending, err == ERR_OK ? &run->why : NULL);
    return err != ERR_OK ? err : written;
}

/* The strategy refused: nothing happened, and that is what is left. */
static err_t end_unstarted(struct run_job *run, err_t err)
{
    const struct run_summary summary = {.config = run->config,
                                        .stage = run->stage,
                                        .inputs = &run->inputs,
                                        .end = RUN_ERROR,
                                        .error = run->why.text,
                                        .dir = run_output_dir(run->output)};
    struct err_text unheard = {0};
    run_progress_remove(&run->reached);
    if (run_output_close(run->output, &unheard) != ERR_OK)
        return err;
    return leave_evidence(run, &summary, false, err);
}

static err_t run_all(struct run_job *run)
{
    err_t err = start(run);
    if (err != ERR_OK)
        return end_unstarted(run, err);
    err = run_snapshots_open(&run->snapshots, run->config, run->stage, run_output_dir(run->output), &run->why);
    if (err != ERR_OK)
        return end_unstarted(run, err);
    if (run->fork != NULL)
        err = stage_image_take(&run->fork->first, run->stage, &run->why);
    if (err != ERR_OK)
        return end_unstarted(run, err);
    run_loop(run);
    struct err_text unheard = {0}; /* when the disk is full, what follows says so */
    (void)!run_progress_write(&run->reached, run->stage->engine, true, &unheard);
    ns_t last_ts = engine_now(run->stage->engine);
    struct run_summary summary = {.config = run->config,
                                  .stage = run->stage,
                                  .inputs = &run->inputs,
                                  .digest = stage_stop(run->stage),
                                  .end = run->end,
                                  .error = run->end == RUN_ERROR ? run->why.text : NULL,
                                  .last_ts = last_ts,
                                  .wall_ns = progress_elapsed(&run->progress),
                                  .dir = run_output_dir(run->output),
                                  .breach = session_door_breach(run->door),
                                  .metrics = run->metrics};
    progress_end(&run->progress);
    err = report(run, &summary);
    return leave_evidence(run, &summary, true, run->err != ERR_OK ? run->err : err);
}

static int exit_code(const struct run_job *run, err_t err)
{
    if (err == ERR_INTERRUPTED)
        fputs("tapedeck run: interrupted, the results are partial\n", stderr);
    else if (err != ERR_OK)
        (void)exit_with(run->fork != NULL ? "fork" : "run", &run->why);
    return code_of(run, err);
}

static void close_run(struct run_job *run)
{
    session_door_close(run->door);
    run_snapshots_close(&run->snapshots);
    stage_close(run->stage);
    live_up_close(run->live);
    run_metrics_free(run->metrics);
    run_progress_close(&run->reached);
    run_output_free(run->output);
    run_inputs_free(&run->inputs);
    run_config_free(run->config);
}

int run_forked(struct run_fork *fork, struct run_config *config, const struct run_output_options *files, bool quiet,
               char dir[4096])
{
    struct run_job run = {.reached = {.file = -1}, .config = config, .fork = fork, .files = *files};
    err_t err = open_run(&run);
    if (err == ERR_OK) {
        progress_begin(&run.progress, "fork", "levels", !quiet);
        snprintf(dir, 4096, "%s", run_output_dir(run.output));
        err = run_all(&run);
    }
    const int code = exit_code(&run, err);
    stage_image_free(fork->first);
    close_run(&run);
    stage_close(fork->before);
    return code;
}

/* `run --tape a.tape maker.yaml`: --tape takes all words, also the config; it is known by its name. */
static void find_config(int *argc, char **argv, struct option_list *tapes)
{
    if (*argc != 1 || tapes->count < 2)
        return;
    for (size_t i = 0; i < tapes->count; i++) {
        const char *point = strrchr(tapes->items[i], '.');
        if (point == NULL || (strcmp(point, ".yaml") != 0 && strcmp(point, ".yml") != 0))
            continue;
        argv[1] = (char *)(uintptr_t)tapes->items[i];
        *argc = 2;
        memmove(tapes->items + i, tapes->items + i + 1, (tapes->count - i - 1) * sizeof(*tapes->items));
        tapes->count--;
        return;
    }
}

int verb_run(int argc, char **argv)
{
    struct run_job run = {.reached = {.file = -1}};
    struct option_list sets = {0}, tapes = {0};
    const struct option_spec specs[] = {
        {.name = "tape", .letter = 't', .type = OPTION_WORDS, .target = &tapes, .value = "FILE"},
        {.name = "set", .letter = 's', .type = OPTION_LIST, .target = &sets, .value = "KEY=VALUE"},
        {.name = "out", .letter = 'o', .type = OPTION_TEXT, .target = &run.files.out, .value = "DIR"},
        {.name = "force", .type = OPTION_FLAG, .target = &run.files.force},
        {.name = "no-output", .letter = 'n', .type = OPTION_FLAG, .target = &run.files.none},
        {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = &run.quiet},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &run.json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &run.why);
    if (err == ERR_OK) {
        find_config(&argc, argv, &tapes);
        err = options_operands(argc, argv, 1, 1, "one CONFIG (before --tape)", &run.why);
    }
    if (err == ERR_OK && run.files.none && run.files.out != NULL)
        err = err_say(&run.why, ERR_USAGE, "--no-output and --out: keep one");
    if (err == ERR_OK) {
        struct config_options options = {.sets = &sets, .tapes = &tapes};
        stop_signal_catch();
        err = run_config_load(&run.config, argv[1], &options, &run.why);
        /* mode paper listens, unless it is given the tape of an earlier session */
        run.listens = err == ERR_OK && run.config->mode == RUN_PAPER && tapes.count == 0;
        if (err == ERR_OK)
            err = open_run(&run);
    }
    if (err == ERR_OK) {
        progress_begin(&run.progress, "run", "levels", !run.quiet);
        err = run_all(&run);
    }
    int code = exit_code(&run, err);
    close_run(&run);
    option_list_free(&sets);
    option_list_free(&tapes);
    return code;
}
