/* journal_compare.h: a run as it is executed now, held record by record against the journal of then.
 *
 *   rerun ─► engine ─► journal_compare ◄─ journal.tape
 *                          │
 *                          └─ the first record that is not the same, and those before it
 *
 * After the first difference nothing more is compared: what follows from it proves nothing.
 */
#ifndef TAPEDECK_CLI_JOURNAL_COMPARE_H
#define TAPEDECK_CLI_JOURNAL_COMPARE_H

#include "core/instrument.h"
#include "core/journal.h"
#include "core/order.h"

#define JOURNAL_COMPARE_BEFORE 8 /* records kept from before the difference */

/* A record with its body. */
struct journal_entry {
    uint64_t number; /* in the journal, from 0 */
    struct event event;
    uint8_t body[128] __attribute__((aligned(16)));
};

enum journal_verdict {
    JOURNAL_SAME,
    JOURNAL_DIFFERS, /* `then` and `now` are not the same record */
    JOURNAL_ENDS,    /* the run did more than the journal tells: `now` only */
    JOURNAL_GOES_ON, /* the journal tells more than the run did: `then` only */
};

struct journal_difference {
    enum journal_verdict verdict;
    struct journal_entry then, now;
    struct journal_entry before[JOURNAL_COMPARE_BEFORE]; /* oldest first; the same in both */
    uint32_t before_count;
};

struct journal_compare;

/* The journal must be whole (tape_check), closed or not. */
err_t journal_compare_open(struct journal_compare **compare, const char *path, struct err_text *why) MUST_USE;
/* For stage_watch.journal. */
struct journal *journal_compare_journal(struct journal_compare *compare);
/* Are the instruments those of the journal's header? ERR_MISMATCH names what differs. */
err_t journal_compare_instruments(struct journal_compare *compare, const struct instrument *instruments,
                                  uint16_t instrument_count, struct err_text *why) MUST_USE;
/* A difference was found: the rest of the run need not be executed. */
bool journal_compare_differs(const struct journal_compare *compare);
/* The run is over. `ended`: then too, so that the journal must be at its end; else the journal may stop anywhere
 * before. ERR_OK also when there is a difference; the failures are those of reading. */
err_t journal_compare_finish(struct journal_compare *compare, bool ended, struct err_text *why) MUST_USE;
const struct journal_difference *journal_compare_difference(const struct journal_compare *compare);
/* All its records were compared. */
bool journal_compare_over(struct journal_compare *compare);
/* The run did more than the journal has: it was cut short, or ends. */
bool journal_compare_past(const struct journal_compare *compare);
/* The input after which the last record that was found the same came, and the one to be compared next (not over). */
uint64_t journal_compare_input(const struct journal_compare *compare);
uint64_t journal_compare_next_input(const struct journal_compare *compare);
uint64_t journal_compare_records(const struct journal_compare *compare); /* found the same */
void journal_compare_close(struct journal_compare *compare);

#endif
