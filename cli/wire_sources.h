/* wire_sources.h: where a session's inputs come from, beside sockets: the tape of an earlier one; and the tee that
 * makes such a tape.
 *
 *   sockets ─► wire_source ─► wire_tee ─► wire_feed        live: written down, then applied
 *                                │
 *                                ▼
 *                            raw tape ─► raw_source ─► wire_feed        again: the same inputs, the same events
 *
 * What the links ask for is on the tape too, as checkpoints (data/TAPE.md): raw_source compares, and a session that
 * asks for something else than it did ends there with ERR_MISMATCH and the number of the input.
 */
#ifndef TAPEDECK_CLI_WIRE_SOURCES_H
#define TAPEDECK_CLI_WIRE_SOURCES_H

#include "adapters/wire_feed.h"
#include "data/raw_tape.h"
#include "data/tape_reader.h"

/* Inputs of `inner` go to `tape` before they are handed on; both outlive the tee. When the tape cannot take one, it
 * is not handed on either, and the session ends with the tape's words. */
err_t wire_tee_open(struct wire_source **source, struct wire_source *inner, struct raw_tape *tape,
                    struct err_text *why) MUST_USE;

/* From the next input on they go to this tape; NULL: nowhere. */
void wire_tee_switch(struct wire_source *tee, struct raw_tape *tape);
/* The first input shall be a LINK_TICK at `ts`. */
void wire_tee_begin(struct wire_source *tee, ns_t ts);

struct raw_source_options {
    bool read_ahead;
    bool cut_waits; /* a tape that is cut ends in ERR_AGAIN: nobody knows what came next */
    bool lenient;   /* what links ask for is not compared: other code than then reads the tape */
};
/* ERR_CONFIG: the tape is no raw tape. */
err_t raw_source_open(struct wire_source **source, const char *path, const struct raw_source_options *options,
                      struct err_text *why) MUST_USE;
/* Header of the tape; lives as long as the source. */
const struct tape_info *raw_source_info(const struct wire_source *source);
/* ts of the first input; before it is given. 0: there is none. */
ns_t raw_source_first_ts(struct wire_source *source);
/* The tape ends in the middle: whoever wrote it was killed. Known after ERR_END. */
bool raw_source_cut(const struct wire_source *source);
/* Inputs given so far. */
uint64_t raw_source_position(const struct wire_source *source);

/* Is the tape one of a session's inputs? Looks at its first block. */
err_t tape_is_raw(const char *path, bool *raw, struct err_text *why) MUST_USE;

#endif
