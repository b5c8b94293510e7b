/* evidence.h: a run directory that can be held against what was true at its end (docs/evidence.md).
 *
 *   files of the run ─► SHA-256 and size of each ─┐
 *   facts: end, digest, binary, config, tapes ────┴─► manifest.json + seal     last of all, by rename
 *
 * The seal is the SHA-256 of all of the manifest before it: a byte that changes anywhere in the directory is found.
 * It is no signature: who changes a file and makes a new manifest is not found out.
 *
 * No manifest: the run did not end. With crash.txt (crash_note.h) it crashed; without, it is still going on, or was
 * killed. Then start.json (run_start.h) and its seal say what it was, and the whole blocks of its journal and
 * progress.txt (run_progress.h) how far it came (evidence_unended.c).
 */
#ifndef TAPEDECK_CLI_EVIDENCE_H
#define TAPEDECK_CLI_EVIDENCE_H

#include "cli/json_out.h"
#include "cli/run_progress.h"

#define EVIDENCE_FILE  "manifest.json"
#define EVIDENCE_TAPES "tapes" /* <hash>.tape: tapes that travel with the run (bundle.h) */
/* and RUN_INPUTS_FOLDER (run_inputs.h): the other files that it read, by their SHA-256 */
#define EVIDENCE_FORMAT 1

/* Write the manifest of a directory: the facts, then all files that lie in it (folders and unfinished *.tmp are
 * passed over), each synced before. Takes the reference of `facts`. */
err_t evidence_write(const char *dir, json_t *facts, struct err_text *why) MUST_USE;

enum evidence_state {
    EVIDENCE_WHOLE,   /* ended, and every file is as it was */
    EVIDENCE_DIFFERS, /* ended, and something is not as it was */
    EVIDENCE_UNENDED, /* no manifest, no crash.txt */
    EVIDENCE_CRASHED  /* no manifest, but crash.txt */
};

#define EVIDENCE_FAULT_MAP(X)                                                                                        \
    X(CHANGED, "changed")                                                                                            \
    X(SIZE, "another size")                                                                                          \
    X(MISSING, "missing")                                                                                            \
    X(UNREADABLE, "unreadable")                                                                                      \
    X(EXTRA, "not in the manifest") /* told, and no difference */                                                    \
    X(TAPE, "damaged, or not the tape that its name says")                                                           \
    X(FILE, "not the file that its name says")                                                                       \
    X(JOURNAL, "damaged")
#define EVIDENCE_FAULT_ENUM(name, text) EVIDENCE_FAULT_##name,
enum evidence_fault_kind { EVIDENCE_FAULT_MAP(EVIDENCE_FAULT_ENUM) EVIDENCE_FAULT_COUNT };
#undef EVIDENCE_FAULT_ENUM

struct evidence_fault {
    enum evidence_fault_kind kind;
    char *name;
    char wanted[80], got[80]; /* hash or size; may be empty */
};

struct evidence_report {
    enum evidence_state state;
    size_t files, tapes, inputs; /* compared: of the manifest, and tapes and other inputs that lie beside */
    struct evidence_fault *faults;
    size_t fault_count;
    json_t *manifest; /* NULL: there is none */
    char crash[1024]; /* the text of crash.txt */
    /* of a run that has not ended */
    json_t *start; /* start.json; NULL: it was killed before its first input */
    bool has_mark, has_journal;
    struct run_progress_mark mark; /* how far it came at least */
    uint64_t journal_records;      /* in whole blocks */
};

/* Hold a directory against its manifest. ERR_CORRUPT: the manifest (start.json) itself is damaged; ERR_VERSION;
 * ERR_NOTFOUND: no such directory, or nothing of a run in it. The report is to be freed in any case. */
err_t evidence_check(const char *dir, struct evidence_report *report, struct err_text *why) MUST_USE;
/* Internal: the part of it for a directory without a manifest. The faults it adds leave `state` as it is. */
err_t evidence_check_unended(const char *dir, struct evidence_report *report, struct err_text *why) MUST_USE;
err_t evidence_fault_add(struct evidence_report *report, enum evidence_fault_kind kind, const char *name,
                         const char *wanted, const char *got, struct err_text *why) MUST_USE;
void evidence_report_free(struct evidence_report *report);
const char *evidence_fault_words(enum evidence_fault_kind kind);

#endif
