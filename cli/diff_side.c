#include "cli/diff_side.h"

#include "cli/config_flat.h"
#include "cli/config_tree.h"
#include "cli/run_output.h"
#include "cli/run_start.h"
#include "cli/stop_signal.h"
#include "cli/version.h"
#include "data/journal_tape.h"
#include "data/tape_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIDE_BUDGET 65536

extern char **environ;

/* ---- a place for what is made ---- */

static err_t make_temporary(struct diff_side *side, struct err_text *why)
{
    const char *parent = side->parent != NULL ? side->parent : getenv("TMPDIR");
    char path[PATH_SIZE];
    if (side->temporary != NULL)
        return ERR_OK;
    if (!run_dir_path(path, parent != NULL && parent[0] != '\0' ? parent : "/tmp", "tapedeck-diff.XXXXXX"))
        return err_say(why, ERR_RANGE, "TMPDIR: too long");
    if (mkdtemp(path) == NULL)
        return err_say(why, errno == ENOSPC ? ERR_NOSPACE : ERR_IO, "%s: cannot make a directory for a journal: %s",
                       path, strerror(errno));
    side->temporary = strdup(path);
    return side->temporary != NULL ? ERR_OK : err_say(why, ERR_NOMEM, "out of memory");
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    (void)remove(path);
    return 0;
}

/* ---- another binary, or a config ---- */

struct command {
    const char *words[1024];
    size_t count;
    bool over;
    char *owned[8];
    size_t owned_count;
};

static void word(struct command *command, const char *text)
{
    command->over |= command->count + 1 == ARRAY_LEN(command->words);
    if (!command->over)
        command->words[command->count++] = text;
}

/* A file of the config, as it is found from anywhere. */
static void set_file(struct command *command, const char *key, const char *path)
{
    char absolute[PATH_MAX], text[PATH_MAX + 64];
    if (path == NULL || path[0] == '\0' || realpath(path, absolute) == NULL ||
        command->owned_count == ARRAY_LEN(command->owned))
        return;
    snprintf(text, sizeof(text), "%s=%s", key, absolute);
    char *copy = command->owned[command->owned_count++] = strdup(text);
    if (copy != NULL) {
        word(command, "--set");
        word(command, copy);
    }
}

/* The last line that it said, without its own name in front. */
static err_t tell_failure(const struct diff_side *side, const char *said, int status, struct err_text *why)
{
    char text[600] = "";
    FILE *file = fopen(said, "r");
    const size_t size = file != NULL ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    text[size] = '\0';
    for (size_t end = size; end > 0 && (text[end - 1] == '\n' || text[end - 1] == ' '); end--)
        text[end - 1] = '\0';
    const char *first = strncmp(text, "tapedeck run: ", 14) == 0 ? text + 14 : text;
    if (WIFSIGNALED(status))
        return err_say(why, ERR_CONFIG, "%s: its run was ended by signal %d%s%s", side->name, WTERMSIG(status),
                       first[0] != '\0' ? ": " : "", first);
    const int code = WEXITSTATUS(status);
    return err_say(why,
                   code == 4   ? ERR_CORRUPT
                   : code == 5 ? ERR_NOTFOUND
                               : ERR_CONFIG,
                   "%s: cannot be run%s%s (exit code %d): %s", side->name, side->binary != NULL ? " by " : "",
                   side->binary != NULL ? side->binary : "", code, first[0] != '\0' ? first : "it said nothing");
}

static err_t wait_for(pid_t child, int *status, struct err_text *why)
{
    while (waitpid(child, status, 0) < 0) {
        if (errno != EINTR)
            return err_say(why, ERR_IO, "cannot wait for a run: %s", strerror(errno));
        if (stop_signal() != 0)
            (void)kill(child, SIGTERM);
    }
    return stop_signal() != 0 ? err_say(why, ERR_INTERRUPTED, "interrupted") : ERR_OK;
}

/* Run `command` (its first word is the program) into temporary/run. */
static err_t spawn(struct diff_side *side, struct command *command, struct err_text *why)
{
    char out[PATH_SIZE], said[PATH_SIZE];
    err_t err = make_temporary(side, why);
    if (err != ERR_OK)
        return err;
    if (!run_dir_path(out, side->temporary, "run") || !run_dir_path(said, side->temporary, "said"))
        return err_say(why, ERR_RANGE, "TMPDIR: too long");
    const char *const more[] = {"--out", out, "--set", "journal=on", "--quiet"};
    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        word(command, more[i]);
    if (command->over)
        return err_say(why, ERR_RANGE, "%s: more than %zu words on a command line", side->name,
                       ARRAY_LEN(command->words));
    command->words[command->count] = NULL;
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return err_say(why, ERR_NOMEM, "out of memory");
    pid_t child;
    int status = 0;
    int failed = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (failed == 0)
        failed = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (failed == 0)
        failed = posix_spawn(&child, command->words[0], &actions, NULL, (char **)(uintptr_t)command->words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        return err_say(why, failed == ENOENT ? ERR_NOTFOUND : ERR_IO, "%s: cannot be started: %s", command->words[0],
                       strerror(failed));
    err = wait_for(child, &status, why);
    if (err == ERR_OK && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        err = tell_failure(side, said, status, why);
    side->made = true;
    return err == ERR_OK && !run_dir_path(side->dir, side->temporary, "run")
               ? err_say(why, ERR_RANGE, "TMPDIR: too long")
               : err;
}

static const char *program_of(const struct diff_side *side)
{
    return side->binary != NULL ? side->binary : "/proc/self/exe";
}

static err_t run_config_file(struct diff_side *side, struct err_text *why)
{
    static struct command command;
    const struct option_list *tapes = side->options.tapes, *sets = side->sets;
    command = (struct command){0};
    word(&command, program_of(side));
    word(&command, "run");
    word(&command, side->name);
    for (size_t i = 0; sets != NULL && i < sets->count; i++) {
        word(&command, "--set");
        word(&command, sets->items[i]);
    }
    for (size_t i = 0; tapes != NULL && i < tapes->count; i++) {
        if (i == 0)
            word(&command, "--tape");
        word(&command, tapes->items[i]);
    }
    return spawn(side, &command, why);
}

/* The run's own config and tapes, by another binary. */
static err_t run_by_binary(struct diff_side *side, struct err_text *why)
{
    static struct command command;
    struct rerun *rerun;
    char config[PATH_SIZE];
    command = (struct command){0};
    err_t err = rerun_open(&rerun, side->dir, &side->options, why);
    if (err != ERR_OK)
        return err;
    if (!run_dir_path(config, side->dir, "config.yaml")) {
        rerun_close(rerun);
        return err_say(why, ERR_RANGE, "%s: too long", side->dir);
    }
    if (rerun_is_fork(rerun)) {
        rerun_close(rerun);
        return err_say(why, ERR_USAGE,
                       "%s: is a fork, which only the program that executes its parent can make: --binary-%c is for "
                       "runs of one config. Fork the parent with that program, and compare the two forks",
                       side->name, side->label);
    }
    word(&command, program_of(side));
    word(&command, "run");
    word(&command, config);
    const char *path, *hash;
    for (size_t lane = 0; rerun_tape(rerun, lane, &path, &hash); lane++) {
        if (lane == 0)
            word(&command, "--tape");
        word(&command, path);
    }
    set_file(&command, "strategy.plugin", rerun->config->strategy_source.plugin);
    set_file(&command, "venue.latency.file", rerun->config->venue.latency.file);
    set_file(&command, "feed.latency.file", rerun->config->feed.latency.file);
    err = spawn(side, &command, why);
    for (size_t i = 0; i < command.owned_count; i++)
        free(command.owned[i]);
    rerun_close(rerun);
    return err;
}

/* ---- what it left ---- */

static err_t read_config(struct diff_side *side, struct err_text *why)
{
    char path[PATH_SIZE];
    static char text[CONFIG_BYTES_MAX + 1];
    if (!run_dir_path(path, side->dir, "config.yaml"))
        return err_say(why, ERR_RANGE, "%s: too long", side->dir);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return err_say(why, ERR_NOTFOUND, "%s: cannot be read: %s", path, strerror(errno));
    const size_t size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    side->config = config_flat(text, size);
    return side->config != NULL ? ERR_OK : err_say(why, ERR_CORRUPT, "%s: is no config", path);
}

/* Of one that has not ended. What it wrote says more, once its journal is open. */
static err_t read_start(struct diff_side *side, struct err_text *why)
{
    if (!side->options.unended || side->made)
        return rerun_say_unended(side->dir, why);
    struct rerun *rerun;
    const struct rerun_options options = {.unended = true, .no_tapes = true, .no_files = true};
    err_t err = rerun_find(&rerun, side->dir, &options, why);
    if (err != ERR_OK)
        return err;
    struct err_text unheard = {0};
    if (rerun_bound(rerun, 0, &unheard) == ERR_OK)
        side->inputs = rerun->inputs;
    rerun_close(rerun);
    err = run_start_read(side->dir, &side->result, why);
    if (err != ERR_OK)
        return err;
    side->unended = true;
    side->build_id = json_string_value(json_object_get(json_object_get(side->result, "binary"), "build_id"));
    return side->build_id == NULL
               ? err_say(why, ERR_CORRUPT, "%s/" RUN_START_FILE ": the binary is not there", side->dir)
               : read_config(side, why);
}

static err_t read_result(struct diff_side *side, struct err_text *why)
{
    char path[PATH_SIZE];
    json_error_t error;
    if (!run_dir_path(path, side->dir, "result.json"))
        return err_say(why, ERR_RANGE, "%s: too long", side->dir);
    if (access(path, R_OK) != 0)
        return read_start(side, why);
    side->result = json_load_file(path, 0, &error);
    if (side->result == NULL)
        return err_say(why, ERR_CORRUPT, "%s:%d: not JSON: %s", path, error.line, error.text);
    if (json_integer_value(json_object_get(side->result, "format")) != 1)
        return err_say(why, ERR_VERSION, "%s: its format is not 1: written by another version of tapedeck", path);
    const json_t *inputs = json_object_get(side->result, "inputs");
    side->digest = json_string_value(json_object_get(side->result, "digest"));
    side->build_id = json_string_value(json_object_get(json_object_get(side->result, "binary"), "build_id"));
    if (side->digest == NULL || side->build_id == NULL || !json_is_integer(inputs))
        return err_say(why, ERR_CORRUPT, "%s: digest, binary or inputs are not there", path);
    side->inputs = (uint64_t)json_integer_value(inputs);
    return read_config(side, why);
}

static bool is_config(const char *name)
{
    const char *point = strrchr(name, '.');
    struct stat status;
    return point != NULL && (strcmp(point, ".yaml") == 0 || strcmp(point, ".yml") == 0) && stat(name, &status) == 0 &&
           S_ISREG(status.st_mode);
}

static void begin(struct diff_side *side, char label, const char *name, const char *binary,
                  const struct rerun_options *options)
{
    *side = (struct diff_side){
        .label = label, .head = label == 'a' ? "a" : "b", .name = name, .binary = binary, .options = *options};
}

err_t diff_side_open(struct diff_side *side, char label, const char *name, const char *binary,
                     const struct rerun_options *options, struct err_text *why)
{
    err_t err;
    begin(side, label, name, binary, options);
    if (is_config(name)) {
        err = run_config_file(side, why);
    } else {
        err = run_open(&side->opened, name, options->runs, why);
        if (err == ERR_OK && strlen(side->opened.dir) >= sizeof(side->dir))
            err = err_say(why, ERR_RANGE, "%s: too long", name);
        if (err == ERR_OK)
            strcpy(side->dir, side->opened.dir);
        if (err == ERR_OK && binary != NULL)
            err = run_by_binary(side, why);
    }
    return err == ERR_OK ? read_result(side, why) : err;
}

err_t diff_side_run(struct diff_side *side, char label, const char *config, const char *binary,
                    const struct option_list *sets, const struct rerun_options *options, struct err_text *why)
{
    const char *parent = side->parent;
    begin(side, label, config, binary, options);
    side->parent = parent;
    side->sets = sets;
    const err_t err = run_config_file(side, why);
    return err == ERR_OK ? read_result(side, why) : err;
}

err_t diff_side_keep(struct diff_side *side, const char *path, struct err_text *why)
{
    if (rename(side->dir, path) == 0) {
        if (strlen(path) < sizeof(side->dir))
            strcpy(side->dir, path);
        return ERR_OK;
    }
    if (errno == EEXIST || errno == ENOTEMPTY)
        return ERR_OK;
    return err_say(why, ERR_IO, "%s: a run cannot be kept there: %s", path, strerror(errno));
}

void diff_side_close(struct diff_side *side)
{
    diff_journal_close(&side->journal);
    json_decref(side->result);
    json_decref(side->config);
    if (side->temporary != NULL)
        (void)nftw(side->temporary, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(side->temporary);
    run_close(&side->opened);
    *side = (struct diff_side){0};
}

/* ---- its journal ---- */

static err_t advance_all(struct rerun *rerun, struct err_text *why)
{
    err_t err = rerun_start(rerun, why);
    while (err == ERR_OK) {
        if (stop_signal() != 0)
            return err_say(why, ERR_INTERRUPTED, "interrupted");
        err = rerun_advance(rerun, SIDE_BUDGET, why);
    }
    return err == ERR_END ? rerun_finish(rerun, why) : err;
}

/* Not a difference of the two runs: the one cannot be had. */
static err_t not_this_binary(const struct diff_side *side, const struct err_text *inner, struct err_text *why)
{
    return err_say(why, ERR_CONFIG,
                   "%s kept no journal, and executed again it is another run: name the binary that made "
                   "it with --binary-%c. %s",
                   side->name, side->label, inner->text);
}

/* The instruments of a journal's header are those of the stage, which needs the journal: so it is opened by the first
 * record, and a run has one at least. */
struct late_journal {
    struct journal journal;
    struct rerun *rerun;
    struct journal_tape *tape;
    const char *path;
    err_t err;
    struct err_text why;
};

static void on_record(void *context, const struct event *record)
{
    struct late_journal *late = context;
    if (late->tape == NULL && late->err == ERR_OK) {
        const struct journal_tape_options options = {.source = "journal made by tapedeck diff",
                                                     .created_by = cli_version()};
        late->err = journal_tape_open(&late->tape, late->path, late->rerun->stage->instruments,
                                      late->rerun->stage->instrument_count, &options, &late->why);
    }
    if (late->tape != NULL) {
        struct journal *journal = journal_tape_journal(late->tape);
        journal->record(journal->context, record);
    }
}

static err_t make_journal(struct diff_side *side, struct err_text *why)
{
    struct rerun *rerun;
    err_t err = make_temporary(side, why);
    if (err == ERR_OK && !run_dir_path(side->journal_path, side->temporary, RUN_JOURNAL_FILE))
        err = err_say(why, ERR_RANGE, "TMPDIR: too long");
    if (err == ERR_OK)
        err = rerun_open(&rerun, side->dir, &side->options, why);
    if (err != ERR_OK)
        return err;
    err = rerun_bound(rerun, 0, why);
    if (err != ERR_OK) {
        rerun_close(rerun);
        return err;
    }
    struct late_journal late = {.rerun = rerun, .path = side->journal_path};
    late.journal = (struct journal){&late, on_record};
    const struct stage_watch watch = {.journal = &late.journal};
    err = rerun_stage(rerun, NULL, &watch, why);
    struct err_text inner = {0};
    if (err == ERR_OK) {
        err = advance_all(rerun, &inner);
        if (err != ERR_OK)
            err = err == ERR_MISMATCH ? not_this_binary(side, &inner, why) : err_say(why, err, "%s", inner.text);
    }
    const err_t closed = journal_tape_close(late.tape, err == ERR_OK ? why : NULL);
    if (err == ERR_OK && late.err != ERR_OK)
        err = err_say(why, late.err, "%s", late.why.text);
    rerun_close(rerun);
    return err == ERR_OK ? closed : err;
}

/* A journal that was cut short has no index: its whole blocks are closed again, beside it. */
static err_t close_journal(struct diff_side *side, struct err_text *why)
{
    char closed[PATH_SIZE];
    struct tape_check_report report = {0};
    const struct tape_edit_options options = {.created_by = cli_version(), .replace = true};
    err_t err = make_temporary(side, why);
    if (err == ERR_OK && !run_dir_path(closed, side->temporary, RUN_JOURNAL_FILE))
        err = err_say(why, ERR_RANGE, "TMPDIR: too long");
    if (err == ERR_OK)
        err = tape_repair(side->journal_path, closed, &options, &report, why);
    if (err != ERR_OK)
        return err;
    for (uint32_t i = 0; i < report.fault_count && i < ARRAY_LEN(report.faults); i++)
        if (!tape_fault_is_of_a_cut(report.faults[i].kind))
            return err_say(why, ERR_CORRUPT, "%s: is damaged, and not only cut short: 'tapedeck tape check %s'",
                           side->journal_path, side->journal_path);
    if (report.fault_count != 0)
        strcpy(side->journal_path, closed);
    return ERR_OK;
}

/* To the last record: what the run did after it is not compared. */
static err_t count_inputs(struct diff_side *side, struct err_text *why)
{
    const struct event *last;
    err_t err = diff_journal_at(&side->journal, side->journal.records - 1, &last, why);
    if (err == ERR_OK)
        side->inputs = last->seq;
    return err;
}

static err_t journal_of_unended(struct diff_side *side, struct err_text *why)
{
    struct stat status;
    const bool there = stat(side->journal_path, &status) == 0 && status.st_size != 0;
    err_t err = there ? close_journal(side, why) : ERR_OK;
    if (err == ERR_OK && there)
        err = diff_journal_open(&side->journal, side->journal_path, why);
    if (err == ERR_OK && there && side->journal.records != 0)
        return count_inputs(side, why);
    diff_journal_close(&side->journal); /* killed before the first block was whole: as if it kept none */
    if (err == ERR_OK)
        err = make_journal(side, why);
    return err == ERR_OK ? diff_journal_open(&side->journal, side->journal_path, why) : err;
}

err_t diff_side_journal(struct diff_side *side, struct err_text *why)
{
    if (!run_dir_path(side->journal_path, side->dir, RUN_JOURNAL_FILE))
        return err_say(why, ERR_RANGE, "%s: too long", side->dir);
    err_t err = ERR_OK;
    if (side->unended) {
        err = journal_of_unended(side, why);
        side->journal.unended = true;
        return err;
    }
    if (access(side->journal_path, F_OK) != 0)
        err = make_journal(side, why);
    return err == ERR_OK ? diff_journal_open(&side->journal, side->journal_path, why) : err;
}
