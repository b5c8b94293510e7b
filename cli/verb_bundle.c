#include "cli/bundle.h"
#include "cli/evidence.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/rerun.h"
#include "cli/run_dir.h"
#include "cli/run_inputs.h"
#include "cli/run_open.h"
#include "cli/run_start.h"
#include "cli/verbs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char verb_bundle_help[] =
    "NAME\n"
    "  tapedeck bundle - pack a run into one file, and unpack it\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck bundle RUN --out FILE [--with-tapes] [--tape FILE...] [--file FILE...] [--runs DIR] [--json]\n"
    "  tapedeck bundle --extract FILE --out DIR [--json]\n"
    "\n"
    "DESCRIPTION\n"
    "  Packs a run directory into a tar archive under zstd ('tar --zstd -xf' opens it). The same run makes the same\n"
    "  archive: names are sorted, owners and times are left out. With --with-tapes the tapes that the run read go\n"
    "  in too, named by the hash of their content, so that 'why' can execute the run on another machine. The other\n"
    "  files that it read (a plug-in, latency tables, orders of a script) always do; one that was changed since the\n"
    "  run is refused. A plug-in is bound to the machine that it was compiled for, which the run says.\n"
    "\n"
    "  Verbs that take a RUN ('why', 'verify', 'evidence') take the bundle as well: it is unpacked to a temporary "
    "directory\n"
    "  (under TMPDIR), and tapes in it are found before those at the recorded paths.\n"
    "\n"
    "  The run is held against its manifest before it is packed. One that differs is packed all the same, and the\n"
    "  exit code is 1; one without a manifest was killed or crashed, or is still going on, and the exit code is 12.\n"
    "\n"
    "OPTIONS\n"
    "  -o, --out FILE        the bundle, NAME.tar.zst by custom; with --extract the directory, new or empty\n"
    "  -w, --with-tapes      the tapes too\n"
    "  -t, --tape FILE...    where the run's tapes are now; all words up to the next option\n"
    "  -f, --file FILE...    where other files that the run read are now\n"
    "      --without-files   leave them out\n"
    "  -x, --extract FILE    unpack this bundle into --out, and hold the run against its manifest\n"
    "  -r, --runs DIR        where RUN is looked for when it is no path (default: runs)\n"
    "  -j, --json            one JSON object\n"
    "\n"
    "EXIT STATUS\n"
    "  0    done, and the run is as it ended\n"
    "  1    done, but the run differs from its manifest ('tapedeck evidence' tells where); or a tape or file is not\n"
    "       the one that the run read: then there is no bundle\n"
    "  2    wrong command line\n"
    "  4    the manifest or the bundle is damaged\n"
    "  5    there is no such run, tape or file, or FILE is there already\n"
    "  6    no space left on the device\n"
    "  12   done, but the run has not ended: no manifest\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck bundle maker-1f3a9c02-1 --with-tapes --out monday.tar.zst\n"
    "  tapedeck why monday.tar.zst 57\n"
    "  tapedeck bundle --extract monday.tar.zst --out monday\n";

struct bundle_job {
    const char *out, *extract, *runs;
    bool with_tapes, without_files, json;
    struct option_list tapes, files;
    struct bundle_sums sums;
    enum evidence_state state;
    struct err_text why;
};

static err_t check(struct bundle_job *job, const char *dir)
{
    struct evidence_report report;
    err_t err = evidence_check(dir, &report, &job->why);
    job->state = report.state;
    evidence_report_free(&report);
    return err;
}

/* The tapes and files of a run are named in its result.json (start.json), and found as for running it again. */
static err_t list_extras(struct bundle_job *job, struct rerun *rerun, struct bundle_extra **extras, size_t *count)
{
    const char *path, *hash;
    size_t most = 1, used = 0;
    for (size_t i = 0; rerun_tape(rerun, i, &path, &hash); i++)
        most++;
    for (size_t i = 0; rerun_file(rerun, i, &path, &hash); i++)
        most++;
    struct bundle_extra *list = calloc(most, sizeof(*list));
    if (list == NULL)
        return err_say(&job->why, ERR_NOMEM, "out of memory");
    for (size_t i = 0; job->with_tapes && rerun_tape(rerun, i, &path, &hash); i++) {
        if (rerun_tape_is_own(rerun, i))
            continue; /* it goes with the directory */
        struct bundle_extra *extra = &list[used++];
        *extra = (struct bundle_extra){.folder = EVIDENCE_TAPES, .path = path};
        snprintf(extra->name, sizeof(extra->name), "%.32s.tape", hash);
    }
    for (size_t i = 0; !job->without_files && rerun_file(rerun, i, &path, &hash); i++) {
        struct bundle_extra *extra = &list[used++];
        *extra = (struct bundle_extra){.folder = RUN_INPUTS_FOLDER, .path = path};
        run_input_name(hash, path, extra->name);
    }
    *extras = list;
    *count = used;
    return ERR_OK;
}

static err_t pack_extras(struct bundle_job *job, const char *dir)
{
    const struct rerun_options options = {.tapes = &job->tapes,
                                          .files = &job->files,
                                          .unended = true,
                                          .no_tapes = !job->with_tapes,
                                          .no_files = job->without_files};
    struct rerun *rerun = NULL;
    struct bundle_extra *extras = NULL;
    size_t count = 0;
    err_t err = rerun_find(&rerun, dir, &options, &job->why);
    if (err == ERR_OK)
        err = list_extras(job, rerun, &extras, &count);
    if (err == ERR_OK)
        err = bundle_write(dir, extras, count, job->out, &job->sums, &job->why);
    free(extras);
    rerun_close(rerun);
    return err;
}

/* A run that refused to start, or was killed before it, has nothing that it could be executed again from. */
static bool has_record(const char *dir)
{
    char path[PATH_SIZE];
    return (run_dir_path(path, dir, "result.json") && access(path, F_OK) == 0) ||
           (run_dir_path(path, dir, RUN_START_FILE) && access(path, F_OK) == 0);
}

static err_t pack(struct bundle_job *job, const char *name)
{
    struct run_opened run = {0};
    err_t err = run_open(&run, name, job->runs, &job->why);
    if (err == ERR_OK && run.temporary != NULL)
        err = err_say(&job->why, ERR_USAGE, "%s: is a bundle already", name);
    if (err == ERR_OK)
        err = check(job, run.dir);
    if (err == ERR_OK)
        err = job->with_tapes || (has_record(run.dir) && !job->without_files)
                  ? pack_extras(job, run.dir)
                  : bundle_write(run.dir, NULL, 0, job->out, &job->sums, &job->why);
    run_close(&run);
    return err;
}

static err_t unpack(struct bundle_job *job)
{
    err_t err = bundle_extract(job->extract, job->out, &job->sums, &job->why);
    return err == ERR_OK ? check(job, job->out) : err;
}

static const char *const state_words[] = {
    [EVIDENCE_WHOLE] = "whole",
    [EVIDENCE_DIFFERS] = "differs",
    [EVIDENCE_UNENDED] = "not_ended",
    [EVIDENCE_CRASHED] = "crashed",
};
static const char *const state_remarks[] = {
    [EVIDENCE_WHOLE] = "the run is as it ended",
    [EVIDENCE_DIFFERS] = "the run is NOT as it ended: 'tapedeck evidence' tells where",
    [EVIDENCE_UNENDED] = "the run has not ended: it is still going on, or was killed",
    [EVIDENCE_CRASHED] = "the run has not ended: it crashed",
};

static err_t print(const struct bundle_job *job)
{
    if (!job->json) {
        printf("%s: %" PRIu64 " files, %" PRIu64 " bytes; %s\n", job->out, job->sums.files, job->sums.bytes,
               state_remarks[job->state]);
        return ERR_OK;
    }
    json_t *object = json_object();
    json_set_text(object, "out", job->out);
    json_set_u64(object, "files", job->sums.files);
    json_set_u64(object, "bytes", job->sums.bytes);
    json_set_text(object, "state", state_words[job->state]);
    return json_print(stdout, object, false);
}

static int code_of(enum evidence_state state)
{
    return state == EVIDENCE_WHOLE     ? EXIT_CODE_OK
           : state == EVIDENCE_DIFFERS ? EXIT_CODE_DIFFERENCE
                                       : EXIT_CODE_UNENDED;
}

int verb_bundle(int argc, char **argv)
{
    struct bundle_job job = {0};
    const struct option_spec specs[] = {
        {.name = "out", .letter = 'o', .type = OPTION_TEXT, .target = &job.out, .value = "FILE"},
        {.name = "with-tapes", .letter = 'w', .type = OPTION_FLAG, .target = &job.with_tapes},
        {.name = "tape", .letter = 't', .type = OPTION_WORDS, .target = &job.tapes, .value = "FILE"},
        {.name = "file", .letter = 'f', .type = OPTION_WORDS, .target = &job.files, .value = "FILE"},
        {.name = "without-files", .type = OPTION_FLAG, .target = &job.without_files},
        {.name = "extract", .letter = 'x', .type = OPTION_TEXT, .target = &job.extract, .value = "FILE"},
        {.name = "runs", .letter = 'r', .type = OPTION_TEXT, .target = &job.runs, .value = "DIR"},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &job.json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &job.why);
    const int operands = job.extract == NULL ? 1 : 0;
    if (err == ERR_OK)
        err = options_operands(argc, argv, operands, operands,
                               operands == 1 ? "one RUN (before --tape)" : "no RUN beside --extract", &job.why);
    if (err == ERR_OK && job.out == NULL)
        err = err_say(&job.why, ERR_USAGE, "--out is needed: %s", operands == 1 ? "the bundle" : "the directory");
    if (err == ERR_OK && job.tapes.count != 0 && !job.with_tapes)
        err = err_say(&job.why, ERR_USAGE, "--tape says where tapes are that --with-tapes packs: give both");
    if (err == ERR_OK && job.files.count != 0 && job.without_files)
        err = err_say(&job.why, ERR_USAGE, "--file and --without-files: keep one");
    if (err == ERR_OK && job.with_tapes && job.extract != NULL)
        err = err_say(&job.why, ERR_USAGE, "--with-tapes and --extract: tapes of a bundle are always unpacked");
    if (err == ERR_OK)
        err = job.extract != NULL ? unpack(&job) : pack(&job, argv[1]);
    if (err == ERR_OK && (err = print(&job)) != ERR_OK)
        (void)err_say(&job.why, err, "standard output could not be written");
    const int code = err == ERR_OK ? code_of(job.state) : exit_with("bundle", &job.why);
    option_list_free(&job.tapes);
    option_list_free(&job.files);
    return code;
}
