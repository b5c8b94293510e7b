/* diff_journal.h: two journals, bisected.
 *
 *   a: ── records ── C ── records ── C ── records ── C ──     C: checkpoints, every JOURNAL_CHECKPOINT inputs, with
 * the b: ── records ── C ── records ── C ── RECORDS ── C ──        digests of everything so far └ same          └
 * same          └ not
 *
 * A checkpoint that is the same vouches for all before it: for the outputs by one digest, for the market by another.
 * As long as the outputs are the same, so are the numbers of the records; so the last checkpoint that is the same in
 * both journals is found by bisection over record numbers, O(log n) blocks of each, and only the segment after it is
 * walked.
 */
#ifndef TAPEDECK_CLI_DIFF_JOURNAL_H
#define TAPEDECK_CLI_DIFF_JOURNAL_H

#include "cli/journal_compare.h"

#include "data/tape_reader.h"

#define DIFF_BEFORE  8  /* records kept from before the difference */
#define DIFF_HISTORY 16 /* earlier ones of the same order */

/* A journal, read here and there. */
struct diff_journal {
    const char *path;
    struct tape_reader *reader;
    struct tape_block block;
    bool held;
    bool unended; /* the run went on after its last record: nothing is known of that */
    uint64_t records;
    uint64_t blocks; /* that it has */
    uint64_t blocks_read, checkpoints_read;
};

/* ERR_TRUNCATED: it was not closed, so that its blocks cannot be found by number. */
err_t diff_journal_open(struct diff_journal *journal, const char *path, struct err_text *why) MUST_USE;
void diff_journal_close(struct diff_journal *journal);
/* Lives until the next call. ERR_END: there are no more. */
err_t diff_journal_at(struct diff_journal *journal, uint64_t number, const struct event **record,
                      struct err_text *why) MUST_USE;

/* A checkpoint; the beginning of the run is one too. */
struct diff_mark {
    bool start;      /* before the first record: nothing has happened */
    uint64_t record; /* its number */
    ns_t ts;
    struct event_checkpoint at;
};

struct diff_journals {
    /* outputs: orders, cancels, executions, log lines ... */
    struct diff_mark outputs_same; /* the last checkpoint up to which they are */
    bool outputs_differ;
    bool has_a, has_b; /* the first record that is not the same; one of them may have ended */
    struct journal_entry a, b;
    bool unrecorded; /* it is a checkpoint: what is under its digest and no record differs (timers) */
    bool at_end;     /* and it is the last one: the state at the end differs */
    /* the market, as far as the outputs are the same */
    struct diff_mark market_same;
    bool market_differs;
    struct diff_mark market_shown; /* the first checkpoint that shows it */
    /* what led there: the same in both */
    struct journal_entry before[DIFF_BEFORE];
    uint32_t before_count;
    struct journal_entry
        history[DIFF_HISTORY]; /* of the order of the first difference, oldest first, not in `before` */
    uint32_t history_count;
};

err_t diff_journals(struct diff_journal *a, struct diff_journal *b, struct diff_journals *found,
                    struct err_text *why) MUST_USE;
/* The number of the input (from 1) that the market's message `message` (from 0) was, in a run whose market is one
 * lane without anything left out or added. ERR_AGAIN: the records do not tell. */
err_t diff_journal_input(struct diff_journal *journal, uint64_t message, uint64_t *input,
                         struct err_text *why) MUST_USE;
/* The last checkpoint before `ts`. */
err_t diff_journal_before(struct diff_journal *journal, ns_t ts, struct diff_mark *mark,
                          struct err_text *why) MUST_USE;
/* Of an output or an execution; 0: of none. */
uint64_t diff_order_of(const struct event *record);
/* An entry of ours may be copied: its event finds its body by this, and not by its own pointer, which is NULL. */
void diff_entry_keep(struct journal_entry *entry, uint64_t number, const struct event *record);
struct event diff_entry_event(const struct journal_entry *entry); /* lives as long as the entry */

#endif
