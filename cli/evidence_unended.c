/* What can be said of a run that was killed without executing it: start.json has its seal, config.yaml its hash in
 * there, the journal its chain of blocks. Rows have nothing but `tapedeck verify`. */
#include "cli/evidence.h"

#include "cli/hash_file.h"
#include "cli/run_dir.h"
#include "cli/run_output.h"
#include "cli/run_start.h"
#include "data/tape_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static err_t check_config(const char *dir, struct evidence_report *report, struct err_text *why)
{
    char path[PATH_SIZE], hash[SHA256_TEXT_SIZE];
    const char *wanted = json_string_value(json_object_get(report->start, "config_sha256"));
    struct err_text unread = {0};
    uint64_t size;
    if (wanted == NULL)
        return err_say(why, ERR_CORRUPT, "%s/" RUN_START_FILE ": 'config_sha256' is not there", dir);
    if (!run_dir_path(path, dir, "config.yaml"))
        return err_say(why, ERR_RANGE, "%s: too long", dir);
    const err_t err = hash_file(path, false, hash, &size, &unread);
    if (err != ERR_OK)
        return evidence_fault_add(report, EVIDENCE_FAULT_UNREADABLE, "config.yaml", "", unread.text, why);
    return strcmp(hash, wanted) == 0
               ? ERR_OK
               : evidence_fault_add(report, EVIDENCE_FAULT_CHANGED, "config.yaml", wanted, hash, why);
}

/* A cut block at the end and a missing index are what a kill leaves. */
static err_t check_journal(const char *dir, struct evidence_report *report, struct err_text *why)
{
    char path[PATH_SIZE], text[80];
    struct tape_check_report found;
    struct err_text unread = {0};
    if (!run_dir_path(path, dir, RUN_JOURNAL_FILE))
        return err_say(why, ERR_RANGE, "%s: too long", dir);
    if (access(path, F_OK) != 0)
        return json_is_true(json_object_get(report->start, "journal"))
                   ? evidence_fault_add(report, EVIDENCE_FAULT_MISSING, RUN_JOURNAL_FILE, "", "", why)
                   : ERR_OK;
    if (tape_check(path, NULL, &found, &unread) != ERR_OK)
        return evidence_fault_add(report, EVIDENCE_FAULT_UNREADABLE, RUN_JOURNAL_FILE, "", unread.text, why);
    report->has_journal = true;
    report->journal_records = found.messages;
    const uint64_t kept = found.fault_count < TAPE_FAULTS_KEPT ? found.fault_count : TAPE_FAULTS_KEPT;
    for (uint64_t i = 0; i < kept; i++) {
        const struct tape_fault *fault = &found.faults[i];
        if (tape_fault_is_of_a_cut(fault->kind))
            continue;
        snprintf(text, sizeof(text), "records %" PRIu64 " and later, byte %" PRIu64, fault->first_message,
                 fault->offset);
        return evidence_fault_add(report, EVIDENCE_FAULT_JOURNAL, RUN_JOURNAL_FILE, "", text, why);
    }
    return ERR_OK;
}

err_t evidence_check_unended(const char *dir, struct evidence_report *report, struct err_text *why)
{
    struct err_text inner = {0};
    err_t err = run_start_read(dir, &report->start, &inner);
    if (err == ERR_NOTFOUND)
        return ERR_OK; /* not one input was handled */
    if (err != ERR_OK)
        return err_say(why, err, "%s", inner.text);
    report->has_mark = run_progress_read(dir, &report->mark);
    err = check_config(dir, report, why);
    return err == ERR_OK ? check_journal(dir, report, why) : err;
}
