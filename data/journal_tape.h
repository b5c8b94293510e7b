/* journal_tape.h: the records of a run (core/journal.h) to a tape, by a thread of its own.
 *
 *   engine thread ──► half A │ half B ──► writer thread ──► tape
 *
 * A record is copied into the half that is being filled; when it is full, or at a checkpoint that finds the thread
 * idle, the halves change places. When both are full, the engine waits: that is right for a run whose inputs wait
 * too (a replay), which loses nothing by being late. Where they do not wait (a session, `live`), nobody does: the
 * journal fails with ERR_FULL, for good, and whoever runs the engine ends the run. What was handed over survives the
 * death of the process as far as the thread has come, and the tape's blocks say how far that is.
 */
#ifndef TAPEDECK_DATA_JOURNAL_TAPE_H
#define TAPEDECK_DATA_JOURNAL_TAPE_H

#include "core/instrument.h"
#include "core/journal.h"

#ifdef __cplusplus
extern "C" {
#endif

struct journal_tape;

struct journal_tape_options {
    const char *source;     /* one line: what run this is */
    const char *created_by; /* program and version */
    bool live;              /* never wait */
};

err_t journal_tape_open(struct journal_tape **tape, const char *path, const struct instrument *instruments,
                        uint16_t instrument_count, const struct journal_tape_options *options,
                        struct err_text *why) MUST_USE;
/* For engine_config; lives as long as the tape. */
struct journal *journal_tape_journal(struct journal_tape *tape);
/* What was recorded so far goes to the disk as soon as the thread can. */
void journal_tape_flush(struct journal_tape *tape);
/* The first write that failed, ERR_OK: none. Nothing is written after it; whoever runs the engine asks and ends the
 * run. Any thread. */
err_t journal_tape_error(struct journal_tape *tape, struct err_text *why) MUST_USE;
/* Write all, the index too, and free. */
err_t journal_tape_close(struct journal_tape *tape, struct err_text *why) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
