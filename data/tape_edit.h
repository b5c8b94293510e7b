/* tape_edit.h: tapes out of tapes: repair, cut, merge.
 *
 *   repair   damaged ─► its longest valid prefix, byte for byte, and a new index
 *   cut      one tape ─► the messages of a span of time, begun with a snapshot of every book
 *   merge    k tapes ─► one, ordered by (ts, number of the tape, position)
 *
 * A result appears under its name only when it is whole: it is written beside it (name.tmp) and renamed.
 */
#ifndef TAPEDECK_DATA_TAPE_EDIT_H
#define TAPEDECK_DATA_TAPE_EDIT_H

#include "data/tape_check.h"
#include "data/tape_writer.h"

struct tape_edit_options {
    bool (*progress)(void *context, uint64_t done, uint64_t total, uint64_t levels, ns_t ts); /* as in a check */
    void *context;
    bool replace;           /* an existing result may be replaced; else ERR_EXISTS */
    uint32_t block_levels;  /* of the result, 0: the default */
    int zstd_level;         /* 0: the default */
    const char *created_by; /* may be NULL */
};

/* Check `path` and write its longest valid prefix, closed, to `out`; `out` NULL: in its own place, the damaged tape
 * stays as `path.bak`. Nothing is written when nothing is wrong (report->fault_count 0). ERR_CORRUPT: not even the
 * header can be read. */
err_t tape_repair(const char *path, const char *out, const struct tape_edit_options *options,
                  struct tape_check_report *report, struct err_text *why) MUST_USE;

struct tape_span {
    ns_t from, to;        /* from <= ts < to */
    bool without_opening; /* do not begin with snapshots: the books are then stale until the tape's next one */
};

/* Opening snapshots carry ts = `from`, the venue's stamp and update id of the last message that made the book. */
err_t tape_cut(const char *path, const char *out, const struct tape_span *span,
               const struct tape_edit_options *options, struct tape_writer_stats *stats,
               struct err_text *why) MUST_USE;

/* Instruments of the same venue and symbol become one; they must be defined alike (ERR_UNSUPPORTED). */
err_t tape_merge(const char *const *paths, uint32_t count, const char *out, const struct tape_edit_options *options,
                 struct tape_writer_stats *stats, struct err_text *why) MUST_USE;

#endif
