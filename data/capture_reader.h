/* capture_reader.h: recorded venue frames out of the files in which people keep them.
 *
 *   file a ─► lines ─► form ─► record ┐
 *   file b ─► lines ─► form ─► record ┼─► earliest stamp first ─► record, record, ... ERR_END
 *   file c     (opened when its first stamp is reached)          (ties: order of the command line)
 *
 * A form is a way of writing frames down: one entry in the table of capture_reader.c, one file
 * capture_<form>.c. Adding one is: write detect() and next(), add the entry.
 *
 *   stamped      <local stamp> <json>: ns, us, ms or seconds; combined or bare frames, REST depth answers
 *   cryptofeed   <seconds>: <json or b'...'>, with lines for connections and HTTP answers; several files
 *   dlasota      CSV, a row a level or a trade; the venue's frames are put together again
 *
 * Files that follow each other and files that overlap are the same thing here: the record with the
 * earliest stamp comes first. A file is open only between its first and its last stamp, so that a year
 * of day files needs one window of memory.
 *
 * What cannot be read is reported line by line (capture_reader_next returns ERR_SYNTAX or ERR_RANGE) and
 * reading goes on. Stamps that fall inside one file are given as they are: judging them is the caller's.
 */
#ifndef TAPEDECK_DATA_CAPTURE_READER_H
#define TAPEDECK_DATA_CAPTURE_READER_H

#include "data/capture_lines.h"

#ifdef __cplusplus
extern "C" {
#endif

struct capture_reader;

enum capture_kind {
    CAPTURE_FRAME,     /* a message as it came over the WebSocket */
    CAPTURE_SNAPSHOT,  /* a REST answer with a whole book */
    CAPTURE_RECONNECT, /* the connection was opened again: data may be missing; no text */
};

/* One thing that arrived. Text and symbol live until the next call of the reader. */
struct capture_record {
    ns_t ts;             /* local arrival, UTC */
    const char *text;    /* followed by CAPTURE_PADDING readable bytes */
    size_t size;         /* of the text */
    const char *symbol;  /* of a snapshot whose text does not say it; NULL: not known */
    size_t symbol_size;  /* bytes of `symbol` */
    uint64_t line;       /* number of its (first) line, from 1 */
    uint32_t line_count; /* lines it was made of */
    uint32_t file;       /* index of its file in the command line's order */
    enum capture_kind kind;
};

struct capture_file_info {
    const char *path;
    const char *form;     /* name of its form */
    const char *venue;    /* what the form knows of the venue ("binance-usdm"), NULL: nothing */
    ns_t first_ts;        /* of its first record; NS_MAX: it has none */
    uint64_t lines;       /* read so far */
    uint64_t passed_over; /* understood, but no market data: subscriptions, other HTTP answers, comments */
};

/* `form` is a form's name, or NULL: each file is looked at. The paths must outlive the reader. Every file
 * is opened once to learn its form and its first stamp. ERR_UNKNOWN: a file in no known form, or empty, or no
 * form of that name. */
err_t capture_reader_open(struct capture_reader **reader, const char *const *paths, uint32_t path_count,
                          const char *form, struct err_text *why) MUST_USE;
void capture_reader_close(struct capture_reader *reader);

/* ERR_END. ERR_SYNTAX, ERR_RANGE: lines that cannot be used; `record` says where (line, line_count, file)
 * and `why` says why; go on. ERR_TRUNCATED, ERR_CORRUPT: the file record->file ends in disorder; going on
 * reads the other files. ERR_IO, ERR_NOMEM: give up. */
err_t capture_reader_next(struct capture_reader *reader, struct capture_record *record,
                          struct err_text *why) MUST_USE;

uint32_t capture_reader_file_count(const struct capture_reader *reader);
/* Lives as long as the reader; the counts move on with reading. */
const struct capture_file_info *capture_reader_file(const struct capture_reader *reader, uint32_t file);
/* Bytes of the files (as they lie on disk) read so far and altogether. */
void capture_reader_progress(const struct capture_reader *reader, uint64_t *bytes_done, uint64_t *bytes_total);

/* Names and one-line descriptions of the forms: index 0, 1, ... until NULL. */
const char *capture_form_name(uint32_t index);
const char *capture_form_summary(uint32_t index);

#ifdef __cplusplus
}
#endif
#endif
