/* capture_lines.h: a plain or gzipped text file in, its lines out.
 *
 *   file ─► chunk of file bytes ─► [inflate] ─► window of text ─► line │ line │ ...  ERR_END
 *
 *        window   ┌─ given ─┬──── line ────┬── not looked at yet ──┬─ free ─┬─ padding ─┐
 *                 0       start          newline                  end    capacity
 *
 * Streaming: memory is one window, which grows only when a single line does not fit, up to
 * CAPTURE_LINE_MAX; a longer line is passed over and reported, never cut in silence. Gzip is told by its
 * magic bytes, not by the name of the file; several members one after the other are one text. There is
 * no limit on the size of a file.
 */
#ifndef TAPEDECK_DATA_CAPTURE_LINES_H
#define TAPEDECK_DATA_CAPTURE_LINES_H

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CAPTURE_LINE_MAX (64u << 20) /* bytes of the longest line that is read, 64 MiB */
#define CAPTURE_PADDING  64          /* readable bytes after every line, for parsers that look ahead */

struct capture_inflate;

struct capture_lines {
    const char *path; /* the caller's; lives as long as the reader */
    int fd;
    struct capture_inflate *inflate; /* NULL: plain text */
    char *window;
    size_t capacity; /* bytes of text that fit; CAPTURE_PADDING more are allocated */
    size_t start;    /* first byte that was not given yet */
    size_t end;      /* end of the text in the window */
    uint64_t line;   /* number of the line given last, from 1 */
    uint64_t bytes_done;
    uint64_t bytes_total;   /* size of the file */
    bool ended;             /* the file gave its last byte */
    bool overlong;          /* inside a line that is passed over */
    struct err_text broken; /* how the text ended: ERR_END, or what is wrong with the file */
};

/* ERR_NOTFOUND, ERR_PERMISSION, ERR_IO, ERR_UNSUPPORTED (not a regular file: importing reads its input
 * more than once), ERR_NOMEM. */
err_t capture_lines_open(struct capture_lines *lines, const char *path, struct err_text *why) MUST_USE;
void capture_lines_close(struct capture_lines *lines);

/* The next line, without its newline (and the carriage return before it). The text lives until the next
 * call, may be changed in place by the caller, and is followed by CAPTURE_PADDING readable bytes.
 * ERR_END; ERR_RANGE: the line numbered `lines->line` is longer than CAPTURE_LINE_MAX and was passed over,
 * go on; ERR_TRUNCATED or ERR_CORRUPT: a gzip file that is cut short or damaged, all whole lines before were
 * given; ERR_IO, ERR_NOMEM. */
err_t capture_lines_next(struct capture_lines *lines, char **text, size_t *size, struct err_text *why) MUST_USE;

/* As much of the beginning of the text as a window holds (at least `want` bytes when the file has them),
 * without using it up: for guessing the form. Lives until the next call. */
err_t capture_lines_head(struct capture_lines *lines, size_t want, const char **text, size_t *size,
                         struct err_text *why) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
