#include "cli/exit_code.h"
#include "cli/journal_compare.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/rerun.h"
#include "cli/run_dir.h"
#include "cli/run_output.h"
#include "cli/stop_signal.h"
#include "cli/tape_cat.h"
#include "cli/verbs.h"
#include "cli/verify_unended.h"

#include "data/tape_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char verb_verify_help[] =
    "NAME\n"
    "  tapedeck verify - execute a finished run again and prove that it is the same\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck verify RUN [--tape FILE...] [--file FILE...] [--runs DIR] [--json]\n"
    "\n"
    "DESCRIPTION\n"
    "  Executes RUN (a directory, or a bundle) with this binary from its own config and the tapes that it read,\n"
    "  which are known by their hashes, and compares. With a journal (config: 'journal: on') every execution, "
    "order,\n"
    "  cancel, amendment, log line, curve and written line is held against the one of then, and every 4096 inputs\n"
    "  the digests of the market and of the outputs. Without one only the digest at the end is compared.\n"
    "\n"
    "  The journal is checked first, byte by byte. A damaged block is named with its first and last record.\n"
    "  The first record that is not the same is shown with the one of then, the number of the input after which\n"
    "  it came, and the records before it, which are the same in both. What comes after it is not compared.\n"
    "\n"
    "  Files that the run read beside its tapes (a plug-in, latency tables, orders of a script) are known by their\n"
    "  SHA-256; one that was changed since is refused.\n"
    "\n"
    "  A run that was killed, or crashed, is held against its execution as far as it was written: rows, records of\n"
    "  the journal and the digest of progress.txt, whichever reaches furthest. The exit code is then 13.\n"
    "\n"
    "OPTIONS\n"
    "  -t, --tape FILE...    where the run's tapes are now; all words up to the next option\n"
    "  -f, --file FILE...    where other files that the run read are now; all words up to the next option\n"
    "  -r, --runs DIR        where RUN is looked for when it is no path (default: runs)\n"
    "  -q, --quiet           no progress bar\n"
    "  -j, --json            one JSON object\n"
    "\n"
    "EXIT STATUS\n"
    "  0    identical\n"
    "  1    something differs, or a tape or file is not the one that the run read\n"
    "  2    wrong command line\n"
    "  3    the run's config cannot be read by this version\n"
    "  4    the journal, result.json or a tape is damaged\n"
    "  5    there is no such run, or a tape or file is gone\n"
    "  12   the run was killed before its first input: there is nothing to compare\n"
    "  13   the run was killed or crashed; identical as far as it was written\n"
    "  130  interrupted (143: terminated)\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck verify runs/maker-1f3a9c02-1\n"
    "  tapedeck verify maker-1f3a9c02-1 --tape /mnt/archive/btcusdt.tape --json\n";

#define VERIFY_BUDGET 65536

struct verify_job {
    struct rerun *rerun;
    struct journal_compare *compare; /* NULL: the run has no journal */
    struct tape_check_report *check;
    struct progress progress;
    bool json;
    bool same_digest; /* asked when nothing differed before */
    err_t finish;
    struct verify_unended unended; /* of a run that has no result.json */
    struct err_text why, digest_why;
};

/* ---- the journal's bytes ---- */

static void print_fault(const char *path, const struct tape_fault *fault)
{
    printf("%s: damaged at byte %" PRIu64 ": %s", path, fault->offset, tape_fault_words(fault->kind));
    if (fault->block_count == 0) {
        puts("; no record is lost");
    } else if (fault->message_count == UINT64_MAX) {
        printf("; block %" PRIu64 " and all after it: records %" PRIu64 " to the end\n", fault->block,
               fault->first_message);
    } else {
        printf("; block %" PRIu64 "%s: records %" PRIu64 " to %" PRIu64 "\n", fault->block,
               fault->block_count > 1 ? " and those after it" : "", fault->first_message,
               fault->message_count == 0 ? fault->first_message : fault->first_message + fault->message_count - 1);
    }
}

static json_t *fault_json(const struct tape_fault *fault)
{
    json_t *object = json_object();
    json_set_text(object, "what", tape_fault_words(fault->kind));
    json_set_u64(object, "offset", fault->offset);
    if (fault->block_count != 0) {
        json_set_u64(object, "block", fault->block);
        json_set_u64(object, "first_record", fault->first_message);
        if (fault->message_count != UINT64_MAX && fault->message_count != 0)
            json_set_u64(object, "last_record", fault->first_message + fault->message_count - 1);
    }
    return object;
}

static err_t print_damage(struct verify_job *job, const char *path, const char *what)
{
    const struct tape_check_report *report = job->check;
    const uint64_t kept = report->fault_count < TAPE_FAULTS_KEPT ? report->fault_count : TAPE_FAULTS_KEPT;
    if (!job->json) {
        for (uint64_t i = 0; i < kept; i++)
            print_fault(path, &report->faults[i]);
    } else {
        json_t *object = json_object(), *faults = json_array();
        json_set_text(object, "verdict", "damaged");
        json_set_text(object, strncmp(what, "the journal", 11) == 0 ? "journal" : "inputs", path);
        for (uint64_t i = 0; i < kept; i++)
            json_array_append_new(faults, fault_json(&report->faults[i]));
        json_set(object, "faults", faults);
        if (json_print(stdout, object, false) != ERR_OK)
            return err_say(&job->why, ERR_IO, "standard output could not be written");
    }
    return err_say(&job->why, ERR_CORRUPT, "%s: %s damaged; nothing was executed", path, what);
}

static bool is_damaged(const struct verify_job *job)
{
    for (uint64_t i = 0; i < job->check->fault_count && i < TAPE_FAULTS_KEPT; i++)
        if (!job->rerun->unended || !tape_fault_is_of_a_cut(job->check->faults[i].kind))
            return true;
    return false;
}

static err_t check_tape(struct verify_job *job, const char *path, const char *what)
{
    if (job->check == NULL)
        job->check = calloc(1, sizeof(*job->check));
    if (job->check == NULL)
        return err_say(&job->why, ERR_NOMEM, "out of memory");
    err_t err = tape_check(path, NULL, job->check, &job->why);
    return err == ERR_OK && is_damaged(job) ? print_damage(job, path, what) : err;
}

/* What a session heard; of other runs there is nothing. */
static err_t check_inputs(struct verify_job *job)
{
    const char *path, *hash;
    if (job->rerun->config->mode != RUN_PAPER || !rerun_tape(job->rerun, 0, &path, &hash))
        return ERR_OK;
    return check_tape(job, path, "the session's inputs are");
}

static err_t open_journal(struct verify_job *job)
{
    char path[PATH_SIZE];
    if (!run_dir_path(path, job->rerun->dir, RUN_JOURNAL_FILE))
        return err_say(&job->why, ERR_RANGE, "%s: too long", job->rerun->dir);
    if (access(path, F_OK) != 0)
        return job->rerun->config->journal == RUN_JOURNAL_ON
                   ? err_say(&job->why, ERR_NOTFOUND, "%s: the run kept a journal, and it is gone", path)
                   : ERR_OK;
    err_t err = check_tape(job, path, "the journal is");
    return err == ERR_OK ? journal_compare_open(&job->compare, path, &job->why) : err;
}

/* ---- the run, again ---- */

static void show_progress(struct verify_job *job)
{
    const struct stage *stage = job->rerun->stage;
    const ns_t now = engine_now(stage->engine);
    const uint64_t total = stage->last_ts > stage->first_ts ? (uint64_t)(stage->last_ts - stage->first_ts) : 0;
    progress_update(&job->progress, now > stage->first_ts ? (uint64_t)(now - stage->first_ts) : 0, total,
                    engine_counters(stage->engine)->levels, now);
}

/* In a record of the journal. */
static bool differs(const struct verify_job *job)
{
    return job->compare != NULL && journal_compare_differs(job->compare);
}

static err_t execute_unended(struct verify_job *job)
{
    err_t err = verify_unended_open(&job->unended, job->rerun, job->compare, &job->why);
    if (err == ERR_OK)
        err = verify_unended_start(&job->unended, &job->why);
    while (err == ERR_OK) {
        if (stop_signal() != 0)
            return err_say(&job->why, ERR_INTERRUPTED, "interrupted: nothing is proved");
        err = verify_unended_advance(&job->unended, VERIFY_BUDGET, &job->why);
        show_progress(job);
    }
    return err == ERR_END ? ERR_OK : err;
}

static err_t execute(struct verify_job *job)
{
    if (job->rerun->unended)
        return execute_unended(job);
    const struct stage_watch watch = {.journal = job->compare != NULL ? journal_compare_journal(job->compare) : NULL};
    err_t err = rerun_stage(job->rerun, NULL, &watch, &job->why);
    if (err == ERR_OK && job->compare != NULL)
        err = journal_compare_instruments(job->compare, job->rerun->stage->instruments,
                                          job->rerun->stage->instrument_count, &job->why);
    if (err == ERR_OK)
        err = rerun_start(job->rerun, &job->why);
    while (err == ERR_OK && !differs(job)) {
        if (stop_signal() != 0)
            return err_say(&job->why, ERR_INTERRUPTED, "interrupted: nothing is proved");
        err = rerun_advance(job->rerun, VERIFY_BUDGET, &job->why);
        show_progress(job);
    }
    if (err != ERR_OK && err != ERR_END)
        return err;
    if (differs(job))
        return ERR_OK;
    job->finish = rerun_finish(job->rerun, &job->digest_why);
    return job->compare == NULL ? ERR_OK : journal_compare_finish(job->compare, true, &job->why);
}

/* ---- telling ---- */

static void print_entry(const struct verify_job *job, const char *head, const struct journal_entry *entry)
{
    const struct stage *stage = job->rerun->stage;
    const struct tape_cat cat = {stdout, stage->instruments, stage->instrument_count, 0};
    fputs(head, stdout);
    tape_cat_text(&cat, entry->number, &entry->event);
}

static void print_difference(const struct verify_job *job, const struct journal_difference *difference)
{
    const struct journal_entry *first = difference->verdict == JOURNAL_GOES_ON ? &difference->then : &difference->now;
    printf("%s: DIFFERS at record %" PRIu64 " of its journal, after input %" PRIu64 "\n\n", job->rerun->name,
           first->number, first->event.seq);
    for (uint32_t i = 0; i < difference->before_count; i++)
        print_entry(job, "  same  ", &difference->before[i]);
    if (difference->verdict != JOURNAL_ENDS)
        print_entry(job, "  then  ", &difference->then);
    else
        puts("  then  (the journal ends here)");
    if (difference->verdict != JOURNAL_GOES_ON)
        print_entry(job, "  now   ", &difference->now);
    else
        puts("  now   (the run ends here)");
}

static void entry_json(const struct verify_job *job, json_t *object, const char *name,
                       const struct journal_entry *entry)
{
    const struct stage *stage = job->rerun->stage;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        return;
    const struct tape_cat cat = {file, stage->instruments, stage->instrument_count, 0};
    tape_cat_json(&cat, entry->number, &entry->event);
    fclose(file);
    json_set(object, name, json_loads(text, 0, NULL));
    free(text);
}

static err_t print_json(struct verify_job *job, bool identical)
{
    json_t *object = json_object();
    json_set_text(object, "run", job->rerun->name);
    if (job->rerun->unended) {
        verify_unended_json(&job->unended, object);
    } else {
        json_set_text(object, "verdict", identical ? "identical" : "differs");
        json_set_text(object, "digest", job->rerun->digest);
        json_set_u64(object, "inputs", engine_counters(job->rerun->stage->engine)->inputs);
        json_set_bool(object, "journal", job->compare != NULL);
        if (job->compare != NULL)
            json_set_u64(object, "records", journal_compare_records(job->compare));
    }
    if (differs(job)) {
        const struct journal_difference *difference = journal_compare_difference(job->compare);
        const struct journal_entry *first =
            difference->verdict == JOURNAL_GOES_ON ? &difference->then : &difference->now;
        json_set_u64(object, "record", first->number);
        json_set_u64(object, "input", first->event.seq);
        if (difference->verdict != JOURNAL_ENDS)
            entry_json(job, object, "then", &difference->then);
        if (difference->verdict != JOURNAL_GOES_ON)
            entry_json(job, object, "now", &difference->now);
    } else if (!identical && !job->rerun->unended) {
        json_set_text(object, "now_digest", job->rerun->got);
    }
    return json_print(stdout, object, false) == ERR_OK
               ? ERR_OK
               : err_say(&job->why, ERR_IO, "standard output could not be written");
}

static err_t tell(struct verify_job *job)
{
    const bool unended = job->rerun->unended;
    const bool identical = unended ? !verify_unended_differs(&job->unended) : !differs(job) && job->finish == ERR_OK;
    err_t err = ERR_OK;
    if (job->json)
        err = print_json(job, identical);
    else if (differs(job))
        print_difference(job, journal_compare_difference(job->compare));
    else if (unended)
        verify_unended_print(&job->unended);
    else if (identical && job->compare != NULL)
        printf("%s: identical, digest %s; %" PRIu64 " inputs, %" PRIu64 " records of the journal\n", job->rerun->name,
               job->rerun->got, engine_counters(job->rerun->stage->engine)->inputs,
               journal_compare_records(job->compare));
    else if (identical)
        printf("%s: identical, digest %s; %" PRIu64 " inputs, no journal\n", job->rerun->name, job->rerun->got,
               engine_counters(job->rerun->stage->engine)->inputs);
    if (err != ERR_OK || identical)
        return err;
    return differs(job) || unended ? err_say(&job->why, ERR_MISMATCH, "%s: is not the same run", job->rerun->name)
                                   : err_say(&job->why, ERR_MISMATCH, "%s", job->digest_why.text);
}

static int code_of(const struct verify_job *job, err_t err)
{
    if (err == ERR_OK)
        return job->rerun->unended ? EXIT_CODE_PREFIX : EXIT_CODE_OK;
    if (err == ERR_INTERRUPTED)
        return stop_signal_exit_code();
    const int code = exit_with("verify", &job->why);
    return err == ERR_STATE ? EXIT_CODE_UNENDED : code; /* of rerun_open: killed before its first input */
}

int verb_verify(int argc, char **argv)
{
    struct verify_job job = {0};
    struct option_list tapes = {0}, files = {0};
    struct rerun_options options = {.tapes = &tapes, .files = &files, .unended = true};
    bool quiet = false;
    const struct option_spec specs[] = {
        {.name = "tape", .letter = 't', .type = OPTION_WORDS, .target = &tapes, .value = "FILE"},
        {.name = "file", .letter = 'f', .type = OPTION_WORDS, .target = &files, .value = "FILE"},
        {.name = "runs", .letter = 'r', .type = OPTION_TEXT, .target = &options.runs, .value = "DIR"},
        {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = &quiet},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &job.json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &job.why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, 1, "RUN", &job.why);
    if (err == ERR_OK) {
        stop_signal_catch();
        err = rerun_open(&job.rerun, argv[1], &options, &job.why);
    }
    if (err == ERR_OK)
        err = check_inputs(&job);
    if (err == ERR_OK)
        err = open_journal(&job);
    if (err == ERR_OK) {
        progress_begin(&job.progress, "verify", "levels", !quiet);
        err = execute(&job);
        progress_end(&job.progress);
    }
    if (err == ERR_OK)
        err = tell(&job);
    const int code = code_of(&job, err);
    verify_unended_close(&job.unended);
    journal_compare_close(job.compare);
    rerun_close(job.rerun);
    free(job.check);
    option_list_free(&tapes);
    option_list_free(&files);
    return code;
}
