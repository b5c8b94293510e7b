/* tape_reader.h: a tape file in, decoded blocks of events out (format: data/TAPE.md).
 *
 * Streaming: memory is a few blocks, whatever the length of the tape. Every block is checked (checksum,
 * chain, counts, order) before its events are given out: a wrong event is never returned. Without an index
 * (crash) blocks are found by scanning.
 *
 *     tape_reader_open ─► [seek] ─► next ─► next ─► ... ERR_END | ERR_TRUNCATED | ERR_CORRUPT
 *
 * ERR_TRUNCATED: the file ends in the middle of a block (a crash, or a recording still going on); all
 * events before it were given. ERR_CORRUPT: a block fails its check; `tapedeck tape check` says more.
 */
#ifndef TAPEDECK_DATA_TAPE_READER_H
#define TAPEDECK_DATA_TAPE_READER_H

#include "core/event.h"
#include "core/instrument.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tape_reader;

struct tape_info {
    uint32_t version;
    char source[256];
    char created_by[64];
    uint16_t instrument_count;
    const struct instrument *instruments; /* live as long as the reader */
    const char *session;                  /* how a session was listened to, as YAML; NULL: not said; as long */
    uint64_t file_bytes;
    bool indexed; /* an index is there: the fields below are known without scanning */
    uint64_t blocks, messages, levels;
    ns_t first_ts, last_ts;
    char hash[33]; /* chain hash of the last block: identifies the content */
};

struct tape_reader_options {
    uint32_t buffers; /* decoded blocks that may be held at once; 0: 2 */
    bool read_ahead;  /* a thread reads and decodes one block ahead */
};

/* A decoded block. Events carry the tape's own instrument numbers, lane 0. Lives until released. */
struct tape_block {
    const struct event *events;
    uint32_t event_count;
    uint32_t level_count;
    uint64_t number;        /* of the block, from 0 */
    uint64_t first_message; /* running number of its first event in the tape, from 0 */
    uint32_t buffer;        /* internal: which buffer */
};

err_t tape_reader_open(struct tape_reader **reader, const char *path, const struct tape_reader_options *options,
                       struct err_text *why) MUST_USE;
void tape_reader_close(struct tape_reader *reader);
const struct tape_info *tape_reader_info(const struct tape_reader *reader);

/* Give instrument i of the tape the number map[i] (INSTRUMENT_NONE allowed; NULL: its own), and its events a lane.
 * Before the first block. The map is copied. */
err_t tape_reader_map(struct tape_reader *reader, const uint16_t *map, uint16_t lane) MUST_USE;

/* ERR_FULL: all buffers are held. */
err_t tape_reader_next(struct tape_reader *reader, struct tape_block *block, struct err_text *why) MUST_USE;
/* Hand back block->buffer. */
void tape_reader_release(struct tape_reader *reader, uint32_t buffer);

/* The next block is the one that holds the first event with ts >= `ts` (the caller skips the events
 * before it). ERR_END: the tape ends earlier. Scans when there is no index. */
err_t tape_reader_seek_ts(struct tape_reader *reader, ns_t ts, struct err_text *why) MUST_USE;
/* The next block is the one that holds message number `message` (counted from 0 over the tape). */
err_t tape_reader_seek_message(struct tape_reader *reader, uint64_t message, struct err_text *why) MUST_USE;

/* Where reading spends its time, wall clock; stable only when no read-ahead thread runs. */
struct tape_reader_profile {
    uint64_t zstd_ns, read_ns, decode_ns;
    uint64_t compressed_bytes, raw_bytes;
};
void tape_reader_profile(const struct tape_reader *reader, struct tape_reader_profile *profile);

#ifdef __cplusplus
}
#endif
#endif
