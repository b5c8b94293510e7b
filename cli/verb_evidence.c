#include "cli/evidence.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/run_open.h"
#include "cli/verbs.h"

#include <inttypes.h>
#include <string.h>

const char verb_evidence_help[] =
    "NAME\n"
    "  tapedeck evidence - hold a run directory against its manifest\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck evidence RUN [--strict] [--json] [--runs DIR]\n"
    "\n"
    "DESCRIPTION\n"
    "  Every run that ends writes manifest.json last of all: how it ended, the digest, the binary, the config, the\n"
    "  tapes, and size and SHA-256 of every file, under a seal of its own. This reads all of it and says whether it\n"
    "  is as it was; if not, which file differs. Tapes in a folder 'tapes' of the run (from a bundle) are read to\n"
    "  their end too. docs/evidence.md tells what the files hold.\n"
    "\n"
    "  A directory without a manifest is of a run that has not ended: it is still going on, was killed, or crashed;\n"
    "  then crash.txt says where. start.json, written before its first input, says what it was, and progress.txt "
    "how\n"
    "  far it came at least; they, the config and the whole blocks of the journal are checked. 'tapedeck verify'\n"
    "  executes it again up to there.\n"
    "\n"
    "  RUN is a run directory, the name of one under 'runs' (--runs), or a bundle, which is unpacked for the while.\n"
    "\n"
    "OPTIONS\n"
    "  -s, --strict          a file that the manifest does not know is a difference too\n"
    "  -r, --runs DIR        where RUN is looked for when it is no path (default: runs)\n"
    "  -j, --json            one JSON object\n"
    "\n"
    "EXIT STATUS\n"
    "  0    the run ended, and everything is as it was then\n"
    "  1    a file was changed, is missing, or cannot be read\n"
    "  2    wrong command line\n"
    "  4    the manifest, or the bundle, is damaged\n"
    "  5    there is no such run\n"
    "  12   the run has not ended: no manifest; nothing that it left was changed\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck evidence maker-1f3a9c02-1\n"
    "  tapedeck evidence monday.tar.zst --json\n";

static const char *const state_words[] = {
    [EVIDENCE_WHOLE] = "whole",
    [EVIDENCE_DIFFERS] = "differs",
    [EVIDENCE_UNENDED] = "not_ended",
    [EVIDENCE_CRASHED] = "crashed",
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static err_t print_json(const char *dir, const struct evidence_report *report)
{
    json_t *object = json_object(), *faults = json_array();
    json_set_text(object, "run", dir);
    json_set_text(object, "state", state_words[report->state]);
    json_set_u64(object, "files", report->files);
    json_set_u64(object, "tapes", report->tapes);
    json_set_u64(object, "inputs_read", report->inputs);
    for (size_t i = 0; i < report->fault_count; i++) {
        const struct evidence_fault *fault = &report->faults[i];
        json_t *entry = json_object();
        json_set_text(entry, "file", fault->name);
        json_set_text(entry, "fault", evidence_fault_words(fault->kind));
        json_set_text(entry, "expected", fault->wanted[0] != '\0' ? fault->wanted : NULL);
        json_set_text(entry, "found", fault->got[0] != '\0' ? fault->got : NULL);
        json_array_append_new(faults, entry);
    }
    json_set(object, "faults", faults);
    if (report->state == EVIDENCE_UNENDED || report->state == EVIDENCE_CRASHED) {
        json_set(object, "start", report->start != NULL ? json_incref(report->start) : json_null());
        json_set(object, "inputs_least",
                 report->has_mark ? json_integer((json_int_t)report->mark.inputs) : json_null());
        json_set_text(object, "digest_there", report->has_mark ? report->mark.digest : NULL);
        json_set(object, "journal_records",
                 report->has_journal ? json_integer((json_int_t)report->journal_records) : json_null());
    }
    json_set_text(object, "crash", report->crash[0] != '\0' ? report->crash : NULL);
    json_set(object, "manifest", report->manifest != NULL ? json_incref(report->manifest) : json_null());
    return json_print(stdout, object, false);
}

static void print_faults(const struct evidence_report *report)
{
    for (size_t i = 0; i < report->fault_count; i++) {
        const struct evidence_fault *fault = &report->faults[i];
        printf("%s: %s", fault->name, evidence_fault_words(fault->kind));
        if (fault->wanted[0] != '\0')
            printf(": expected %s", fault->wanted);
        if (fault->got[0] != '\0')
            printf("%s found %s", fault->wanted[0] != '\0' ? "," : ":", fault->got);
        fputc('\n', stdout);
    }
}

static void print_unended(const char *dir, const struct evidence_report *report)
{
    print_faults(report);
    if (report->state == EVIDENCE_CRASHED)
        printf("%s: not ended: the run crashed\n%s", dir, report->crash);
    else if (report->start == NULL)
        printf("%s: not ended: no " EVIDENCE_FILE " and no start.json; the run was killed before its first input\n",
               dir);
    else
        printf("%s: not ended: no " EVIDENCE_FILE "; the run is still going on, or was killed\n", dir);
    if (report->start == NULL)
        return;
    printf("config %s, build %s\n", text_of(report->start, "config_hash"),
           text_of(json_object_get(report->start, "binary"), "build_id"));
    if (report->has_mark)
        printf("at least %" PRIu64 " inputs, digest %s after them\n", report->mark.inputs, report->mark.digest);
    if (report->has_journal)
        printf("%" PRIu64 " whole records of the journal\n", report->journal_records);
    puts(report->fault_count == 0
             ? "start.json and config.yaml are as they were; 'tapedeck verify' executes it up to there"
             : "NOT as it was left");
}

static void print_text(const char *dir, const struct evidence_report *report)
{
    if (report->state == EVIDENCE_UNENDED || report->state == EVIDENCE_CRASHED) {
        print_unended(dir, report);
        return;
    }
    const char *reason = text_of(report->manifest, "reason");
    print_faults(report);
    const char *digest = text_of(report->manifest, "digest");
    printf("%s: %s (%s%s%s), digest %s: %zu files", dir, state_words[report->state], text_of(report->manifest, "end"),
           reason[0] != '\0' ? ": " : "", reason, digest[0] != '\0' ? digest : "none", report->files);
    if (report->tapes != 0)
        printf(", %zu tapes", report->tapes);
    if (report->inputs != 0)
        printf(", %zu other inputs", report->inputs);
    puts(report->state == EVIDENCE_WHOLE ? ", all as they were" : "");
}

static int code_of(const struct evidence_report *report, bool strict)
{
    if (report->state == EVIDENCE_UNENDED || report->state == EVIDENCE_CRASHED)
        return report->fault_count != 0 ? EXIT_CODE_DIFFERENCE : EXIT_CODE_UNENDED;
    return report->state == EVIDENCE_DIFFERS || (strict && report->fault_count != 0) ? EXIT_CODE_DIFFERENCE
                                                                                     : EXIT_CODE_OK;
}

int verb_evidence(int argc, char **argv)
{
    bool json = false, strict = false;
    const char *runs = NULL;
    struct err_text why = {0};
    struct run_opened run = {0};
    struct evidence_report report = {0};
    const struct option_spec specs[] = {
        {.name = "strict", .letter = 's', .type = OPTION_FLAG, .target = &strict},
        {.name = "runs", .letter = 'r', .type = OPTION_TEXT, .target = &runs, .value = "DIR"},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, 1, "one RUN", &why);
    if (err == ERR_OK)
        err = run_open(&run, argv[1], runs, &why);
    if (err == ERR_OK)
        err = evidence_check(run.dir, &report, &why);
    if (err == ERR_OK) {
        const char *name = run.temporary != NULL ? argv[1] : run.dir;
        if (!json)
            print_text(name, &report);
        else if ((err = print_json(name, &report)) != ERR_OK)
            (void)err_say(&why, err, "standard output could not be written");
    }
    const int code = err == ERR_OK ? code_of(&report, strict) : exit_with("evidence", &why);
    evidence_report_free(&report);
    run_close(&run);
    return code;
}
