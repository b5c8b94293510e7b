/* tape_writer.h: events in, a tape file out (format: data/TAPE.md).
 *
 * Events are collected into blocks; a block is packed, compressed, hashed and appended with one write
 * when it holds `block_levels` levels (or as many messages), or 4 MiB of texts, or when `flush_ns` of event time
 * have passed. A crash loses at most the block being collected. The index is
 * written by tape_writer_close; a tape without one is readable all the same.
 */
#ifndef TAPEDECK_DATA_TAPE_WRITER_H
#define TAPEDECK_DATA_TAPE_WRITER_H

#include "core/event.h"
#include "core/instrument.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tape_writer;

struct tape_writer_options {
    uint32_t block_levels;  /* 0: the default (TAPE_BLOCK_LEVELS_DEFAULT); 64..65536 */
    int zstd_level;         /* 0: the default (TAPE_ZSTD_LEVEL_DEFAULT) */
    ns_t flush_ns;          /* event time; 0: by size only */
    bool sync;              /* fdatasync after every block */
    bool exclusive;         /* fail with ERR_EXISTS instead of replacing a file */
    const char *source;     /* provenance: one line, may be NULL */
    const char *created_by; /* program and version, may be NULL */
    const char *session;    /* how a session was listened to, may be NULL */
};
#define TAPE_BLOCK_LEVELS_DEFAULT 32768

struct tape_writer_stats {
    uint64_t messages, levels, blocks, bytes;
};

/* `instruments` are written into the header; events refer to them by index. The file appears under its
 * own name at once (a recording that dies leaves a readable tape). */
err_t tape_writer_open(struct tape_writer **writer, const char *path, const struct instrument *instruments,
                       uint16_t instrument_count, const struct tape_writer_options *options,
                       struct err_text *why) MUST_USE;
/* Events must not fall in ts (ERR_ORDER). Levels are copied. Any kind may be written; EVENT_EXECUTION too. */
err_t tape_writer_add(struct tape_writer *writer, const struct event *event) MUST_USE;
/* Write the block being collected. */
err_t tape_writer_flush(struct tape_writer *writer) MUST_USE;
/* Flush, write the index, close, free. Free also on error. */
err_t tape_writer_close(struct tape_writer *writer, struct tape_writer_stats *stats, struct err_text *why) MUST_USE;
/* Free without writing anything more (used after an error). */
void tape_writer_abandon(struct tape_writer *writer);
const struct tape_writer_stats *tape_writer_stats(const struct tape_writer *writer);
/* The sentence of the last error. */
const struct err_text *tape_writer_why(const struct tape_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
