/* record_tapes.h: the files of a recording: what came over the wire, and what it says, a pair of tapes a day.
 *
 *   DIR/raw-2026-11-21T064700Z.tape       inputs as received (data/raw_tape.h)
 *   DIR/market-2026-11-21T064700Z.tape    events of the links
 *   DIR/raw-2026-11-22T000000Z.tape       ...
 *
 * Names say when a tape begins. A new market tape begins with the books as they are, so that it can be replayed by
 * itself; raw tapes of one recording belong together, in the order of their names. Nothing is ever written over.
 * Market events that a kill takes away are still in the raw tape, but for its last half second.
 */
#ifndef TAPEDECK_CLI_RECORD_TAPES_H
#define TAPEDECK_CLI_RECORD_TAPES_H

#include "adapters/wire_feed.h"
#include "data/quality.h"
#include "data/raw_tape.h"
#include "data/tape_writer.h"

struct record_options {
    const char *dir;
    const char *source, *created_by, *session; /* for the headers: one line each */
    bool no_raw, no_market;
    bool one_pair; /* no new tapes at midnight (UTC) */
};

struct record_tapes {
    struct record_options options;
    const struct instrument *instruments;
    uint16_t instrument_count;
    struct quality *quality; /* one an instrument, with its book */
    struct wire_source *tee; /* NULL: no raw tape */
    struct raw_tape *raw;
    struct tape_writer *market;
    ns_t day; /* that the tapes are of: since the epoch */
    ns_t last_ts;
    struct level *levels; /* of a book at midnight */
    uint32_t level_capacity;
    void *books;
    uint64_t pairs, messages, market_bytes, raw_bytes; /* of tapes that are closed */
    struct err_text why;
};

/* `inner` is where inputs come from. The tapes begin at `ts`. */
err_t record_tapes_open(struct record_tapes *tapes, const struct record_options *options,
                        const struct instrument *instruments, uint16_t count, struct wire_source *inner, ns_t ts,
                        struct err_text *why) MUST_USE;
/* What the session reads: `inner`, written down on the way. */
struct wire_source *record_tapes_source(struct record_tapes *tapes);
/* An event of the links. */
err_t record_tapes_event(struct record_tapes *tapes, const struct event *event) MUST_USE;
/* Once a second or so: what was collected goes to the file. */
err_t record_tapes_flush(struct record_tapes *tapes) MUST_USE;
/* Bytes on disk so far. */
uint64_t record_tapes_bytes(const struct record_tapes *tapes, uint64_t *raw, uint64_t *market);
/* Close what is open, with indexes; on an error too, as far as it goes. What was learnt of the data stays. */
err_t record_tapes_close(struct record_tapes *tapes, struct err_text *why) MUST_USE;
void record_tapes_free(struct record_tapes *tapes);

#endif
