/* verify_unended.h: a run that was killed or crashed, held against its execution now, as far as it was written.
 *
 *   orders.csv, log.txt, ... ─► a beginning of the rows that come now          (rows_compare.h)
 *   journal.tape             ─► record by record, to its last whole block      (journal_compare.h)
 *   progress.txt             ─► the digest after the last budget of inputs     (run_progress.h)
 *
 * Each ends somewhere else; the furthest of them is how far the run is proved. What it did after that is not known.
 */
#ifndef TAPEDECK_CLI_VERIFY_UNENDED_H
#define TAPEDECK_CLI_VERIFY_UNENDED_H

#include "cli/journal_compare.h"
#include "cli/json_out.h"
#include "cli/rerun.h"
#include "cli/rows_compare.h"
#include "cli/run_progress.h"

struct verify_unended {
    struct rerun *rerun;
    struct journal_compare *compare; /* NULL: the run has no journal */
    struct run_output *output;
    struct rows_compare *rows;
    struct run_progress_mark mark;
    bool has_mark, mark_reached, mark_differs;
    char mark_got[DIGEST_TEXT_SIZE];
};

/* Read what lies in the directory. `compare` is the caller's. To be closed in any case. */
err_t verify_unended_open(struct verify_unended *unended, struct rerun *rerun, struct journal_compare *compare,
                          struct err_text *why) MUST_USE;
/* Wire up the rerun and start it. */
err_t verify_unended_start(struct verify_unended *unended, struct err_text *why) MUST_USE;
/* Execute up to `budget` more inputs. ERR_END: all was compared, or something differs. */
err_t verify_unended_advance(struct verify_unended *unended, uint64_t budget, struct err_text *why) MUST_USE;
/* A record of the journal, a row or the digest is not the same. */
bool verify_unended_differs(const struct verify_unended *unended);
/* After ERR_END without a difference: the input up to which it was the same, and how many more the run may have
 * handled; UINT64_MAX: not known. */
uint64_t verify_unended_input(const struct verify_unended *unended);
uint64_t verify_unended_unknown(const struct verify_unended *unended);
/* The verdict in words, on standard output; a difference in the journal is the caller's to tell. */
void verify_unended_print(const struct verify_unended *unended);
/* The same as keys of an object. */
void verify_unended_json(const struct verify_unended *unended, json_t *object);
void verify_unended_close(struct verify_unended *unended);

#endif
