/* raw_tape.h: the inputs of a session to a tape, by a thread of its own, before they are applied.
 *
 *   engine thread ──► half A │ half B ──► writer thread ──► tape, a block at least once a second
 *
 * An input is copied into the half that is being filled. The thread takes it as soon as it is done with the other one
 * and something is worth writing: half a block, or whatever there is when RAW_TAPE_FLUSH has passed. Nobody waits:
 * when the disk cannot follow and both halves are full, adding is ERR_FULL, and so for ever after. Whoever adds ends
 * the session then, in good order, and the tape says how far it came; an input is never left out in silence.
 *
 * What the death of the process takes with it: what was not written yet, RAW_TAPE_FLUSH at most.
 */
#ifndef TAPEDECK_DATA_RAW_TAPE_H
#define TAPEDECK_DATA_RAW_TAPE_H

#include "core/instrument.h"
#include "core/event.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RAW_TAPE_FLUSH (500 * NS_PER_MS) /* by the wall */
#define RAW_TAPE_HALF  (32u << 20)       /* bytes of a half; one larger input makes it grow */

struct raw_tape;

struct raw_tape_options {
    const char *source;     /* one line: what session this is */
    const char *created_by; /* program and version */
    const char *session;    /* how it listens: feed.live of a config, as YAML; NULL: not said */
    uint32_t half_bytes;    /* 0: RAW_TAPE_HALF */
    bool exclusive;         /* ERR_EXISTS instead of replacing a file */
};

struct raw_tape_stats {
    uint64_t records, bytes;  /* added; bytes of texts and heads too */
    uint64_t most_held;       /* bytes of a half that were in use at most */
    uint64_t blocks, written; /* on disk, with bytes as stored */
};

err_t raw_tape_open(struct raw_tape **tape, const char *path, const struct instrument *instruments,
                    uint16_t instrument_count, const struct raw_tape_options *options, struct err_text *why) MUST_USE;
/* A copy; ts must not fall. ERR_FULL: the disk did not follow; another code: a write failed, long ago perhaps, and
 * raw_tape_why says how. Nothing is added after an error. One thread. */
err_t raw_tape_add(struct raw_tape *tape, ns_t ts, const struct event_wire *input) MUST_USE;
/* A checkpoint behind the input added last. */
err_t raw_tape_checkpoint(struct raw_tape *tape, ns_t ts, const struct event_checkpoint *checkpoint) MUST_USE;
const struct err_text *raw_tape_why(const struct raw_tape *tape);
void raw_tape_read_stats(struct raw_tape *tape, struct raw_tape_stats *stats);
/* Write all, the index too, and free. After an error: what could be written is on disk, and the error comes back. */
err_t raw_tape_close(struct raw_tape *tape, struct raw_tape_stats *stats, struct err_text *why) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
