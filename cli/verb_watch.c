#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/run_open.h"
#include "cli/stop_signal.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/watch_app.h"
#include "cli/watch_layout.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

const char verb_watch_help[] =
    "NAME\n"
    "  tapedeck watch - step through a finished run, forward and back\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck watch RUN [--at WHERE] [--instrument SYMBOL] [--events all|fills|log] [--tape FILE...] [--runs DIR]\n"
    "  tapedeck watch RUN --screen 100x30 [--at WHERE] ...\n"
    "\n"
    "DESCRIPTION\n"
    "  Executes a finished run once more and shows it after any of its inputs: the book with our orders at their\n"
    "  levels and what is ahead of them, the open orders, the last trades, position and balances, and everything\n"
    "  that happened to us. docs/watch.md explains the picture.\n"
    "\n"
    "  RUN is a run directory, the name of one under 'runs' (--runs), or a bundle. While one looks, the rest of the\n"
    "  run is executed ahead and held against the journal; without a journal (config: 'journal: on') the digest is\n"
    "  compared at the end. The second line says how far that has come. A run that was killed is shown up to where\n"
    "  it is known to have come, one that crashed up to the input before the one that broke it.\n"
    "\n"
    "  WHERE is an input (12345), a share (50%), a time of the first day (10:00:01.5), a span from the start (+5s), "
    "or\n"
    "  a date and time: the run is shown after everything up to it.\n"
    "\n"
    "KEYS\n"
    "  right left     one input forward, back; also Space and Backspace\n"
    "  down up        ten\n"
    "  PgDn PgUp      a thousand\n"
    "  > <            a hundred thousand\n"
    "  Home End       the start, the end\n"
    "  500 right      digits before any of these: that many times\n"
    "  f F            the next, the previous fill\n"
    "  o O            the next, the previous event of an own order\n"
    "  l L            the next, the previous line of the log\n"
    "  g              go to an input, a share, a time\n"
    "  /              look for an order by its id; n N: its next, its previous event\n"
    "  Tab            another instrument\n"
    "  v              list all that happened, fills alone, the log alone\n"
    "  s              the strategy's variables in the place of the trades\n"
    "  Esc            stop on a long way\n"
    "  ?  q           all keys; quit\n"
    "\n"
    "OPTIONS\n"
    "  -a, --at WHERE        begin there (default: the start)\n"
    "  -s, --screen WxH      print one picture of this many columns and rows as plain text, and end\n"
    "  -i, --instrument SYM  whose book is shown (default: the first of the run)\n"
    "  -e, --events WHAT     list all (default), fills, or log\n"
    "  -V, --variables       begin with the strategy's variables in the place of the trades\n"
    "  -t, --tape FILE...    where the run's tapes are now; all words up to the next option\n"
    "  -f, --file FILE...    where other files that the run read are now; all words up to the next option\n"
    "  -r, --runs DIR        where RUN is looked for when it is no path (default: runs)\n"
    "  -q, --quiet           with --screen: no progress bar\n"
    "\n"
    "EXIT STATUS\n"
    "  0    done\n"
    "  1    the run came out differently from its journal or its digest, or a tape or file is not the one that it "
    "read\n"
    "  2    wrong command line; no terminal\n"
    "  3    the run's config cannot be read by this version\n"
    "  4    the journal, result.json or a tape is damaged\n"
    "  5    there is no such run, or a tape or file is gone\n"
    "  12   the run was killed before it wrote how far it had come\n"
    "  130  interrupted (143: terminated)\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck watch maker-1f3a9c02-1\n"
    "  tapedeck watch runs/maker-1f3a9c02-1 --at 10:00\n"
    "  tapedeck watch maker-1f3a9c02-1 --at 120345 --screen 120x40 > after.txt\n";

struct watch_job {
    struct run_opened run;
    struct watch_app *app;
    const char *at, *screen, *instrument;
    int events;
    bool quiet, variables;
    int signal; /* that ended it, 0: none */
    struct err_text why;
};

/* ---- one picture ---- */

static err_t screen_size(struct watch_job *job, int *cols, int *rows)
{
    char rest;
    if (sscanf(job->screen, "%dx%d%c", cols, rows, &rest) == 2 && *cols >= WATCH_COLS_MIN &&
        *cols <= SCREEN_COLS_MAX && *rows >= WATCH_ROWS_MIN && *rows <= SCREEN_ROWS_MAX)
        return ERR_OK;
    return err_say(&job->why, ERR_USAGE, "--screen %s: expected COLUMNSxROWS, %dx%d to %dx%d", job->screen,
                   WATCH_COLS_MIN, WATCH_ROWS_MIN, SCREEN_COLS_MAX, SCREEN_ROWS_MAX);
}

static err_t arrive(struct watch_job *job)
{
    struct progress progress;
    err_t err = ERR_OK;
    progress_begin(&progress, "watch", "inputs", !job->quiet);
    while (err == ERR_OK && watch_app_on_the_way(job->app)) {
        const struct watch_scout *scout = watch_app_scout(job->app);
        progress_update(&progress, watch_scout_at(scout), watch_scout_rerun(scout)->inputs, watch_scout_at(scout), 0);
        if (stop_signal() != 0)
            err = err_say(&job->why, ERR_INTERRUPTED, "interrupted: nothing is shown");
        else
            err = watch_app_work(job->app, &job->why);
    }
    progress_end(&progress);
    return err == ERR_AGAIN ? ERR_OK : err;
}

static err_t print_screen(struct watch_job *job, int cols, int rows)
{
    struct screen screen;
    err_t err = arrive(job);
    if (err != ERR_OK)
        return err;
    err = screen_init(&screen, cols, rows);
    if (err != ERR_OK)
        return err_say(&job->why, err, "out of memory");
    watch_app_draw(job->app, &screen);
    err = screen_print(&screen, stdout);
    screen_deinit(&screen);
    return err == ERR_OK ? ERR_OK : err_say(&job->why, err, "standard output could not be written");
}

/* ---- a terminal ---- */

static err_t draw(struct watch_job *job, struct terminal *terminal, struct screen *screen)
{
    int cols, rows;
    terminal_size(terminal, &cols, &rows);
    if (cols != screen->cols || rows != screen->rows) {
        screen_deinit(screen);
        if (screen_init(screen, cols, rows) != ERR_OK)
            return err_say(&job->why, ERR_NOMEM, "out of memory");
    }
    watch_app_draw(job->app, screen);
    terminal_draw(terminal, screen);
    return ERR_OK;
}

/* Every turn: a slice of work, the picture, a key if there is one. A blocking wait only when nothing is left to do.
 */
static err_t interact(struct watch_job *job, struct terminal *terminal, struct screen *screen)
{
    err_t err = ERR_OK;
    while (err == ERR_OK) {
        const err_t work = watch_app_work(job->app, &job->why);
        if (work != ERR_OK && work != ERR_AGAIN)
            return work;
        err = draw(job, terminal, screen);
        job->signal = terminal_signal(terminal);
        if (err != ERR_OK || job->signal != 0)
            break;
        int key = terminal_key(terminal, work == ERR_AGAIN ? -1 : 0);
        for (; key != 0 && err == ERR_OK; key = terminal_key(terminal, 0)) {
            err = watch_app_key(job->app, key);
            if (watch_app_on_the_way(job->app))
                break; /* a slice of the way first: keys that wait are its next steps */
        }
    }
    return err == ERR_END ? ERR_OK : err;
}

static err_t show(struct watch_job *job)
{
    struct terminal *terminal;
    struct screen screen = {0, 0, NULL};
    err_t err = terminal_open(&terminal, &job->why);
    if (err != ERR_OK)
        return err;
    err = interact(job, terminal, &screen);
    screen_deinit(&screen);
    terminal_close(terminal);
    return err == ERR_OK && job->signal != 0 ? ERR_INTERRUPTED : err;
}

/* ---- the verb ---- */

/* Whatever was looked at: when it was not the run, that is the last word. */
static err_t judge(struct watch_job *job)
{
    uint64_t from = 0;
    const enum watch_proof proof = watch_scout_proof(watch_app_scout(job->app), UINT64_MAX, &from);
    if (proof == PROOF_DIFFERS)
        return err_say(&job->why, ERR_MISMATCH,
                       "%s: not the same run: executed again it differs from its journal after input %" PRIu64
                       "; 'tapedeck verify' says in what",
                       job->run.dir, from);
    if (proof == PROOF_FAILED)
        return err_say(&job->why, ERR_MISMATCH,
                       "%s: not the same run: executed again it has another digest; 'tapedeck verify' says more",
                       job->run.dir);
    return ERR_OK;
}

static err_t watch(struct watch_job *job, const char *name, const struct rerun_options *options)
{
    int cols = 0, rows = 0;
    static const char *const keys[] = {"", "v", "vv"};
    err_t err = job->screen != NULL ? screen_size(job, &cols, &rows) : ERR_OK;
    if (err == ERR_OK)
        err = run_open(&job->run, name, options->runs, &job->why);
    if (err == ERR_OK)
        err = watch_app_open(&job->app, name, job->run.dir, options, &job->why);
    if (err == ERR_OK && job->instrument != NULL)
        err = watch_app_instrument(job->app, job->instrument, &job->why);
    if (err == ERR_OK && job->at != NULL)
        err = watch_app_go(job->app, job->at, &job->why);
    for (const char *key = keys[job->events]; err == ERR_OK && *key != '\0'; key++)
        err = watch_app_key(job->app, *key);
    if (err == ERR_OK && job->variables)
        err = watch_app_key(job->app, 's');
    if (err == ERR_OK)
        err = job->screen != NULL ? print_screen(job, cols, rows) : show(job);
    return err == ERR_OK ? judge(job) : err;
}

int verb_watch(int argc, char **argv)
{
    struct watch_job job = {0};
    struct option_list tapes = {0}, files = {0};
    struct rerun_options options = {.tapes = &tapes, .files = &files, .unended = true};
    const struct option_spec specs[] = {
        {.name = "at", .letter = 'a', .type = OPTION_TEXT, .target = &job.at, .value = "WHERE"},
        {.name = "screen", .letter = 's', .type = OPTION_TEXT, .target = &job.screen, .value = "WxH"},
        {.name = "instrument", .letter = 'i', .type = OPTION_TEXT, .target = &job.instrument, .value = "SYMBOL"},
        {.name = "events", .letter = 'e', .type = OPTION_CHOICE, .target = &job.events, .choices = "all|fills|log"},
        {.name = "variables", .letter = 'V', .type = OPTION_FLAG, .target = &job.variables},
        {.name = "tape", .letter = 't', .type = OPTION_WORDS, .target = &tapes, .value = "FILE"},
        {.name = "file", .letter = 'f', .type = OPTION_WORDS, .target = &files, .value = "FILE"},
        {.name = "runs", .letter = 'r', .type = OPTION_TEXT, .target = &options.runs, .value = "DIR"},
        {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = &job.quiet},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &job.why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, 1, "RUN", &job.why);
    if (err == ERR_OK) {
        stop_signal_catch();
        err = watch(&job, argv[1], &options);
    }
    const int code = err == ERR_OK                                    ? EXIT_CODE_OK
                     : err == ERR_INTERRUPTED && job.signal == 0      ? stop_signal_exit_code()
                     : err == ERR_INTERRUPTED && job.signal == SIGINT ? EXIT_CODE_SIGINT
                     : err == ERR_INTERRUPTED                         ? EXIT_CODE_SIGTERM
                                                                      : exit_with_run("watch", &job.why);
    watch_app_close(job.app);
    run_close(&job.run);
    option_list_free(&tapes);
    option_list_free(&files);
    return code;
}
