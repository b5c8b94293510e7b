/* capture_form.h: what one way of writing captures down has to offer (inside the capture reader only).
 *
 *   detect   looks at the beginning of a file: is it mine?
 *   open     may allocate state for one file; NULL when none is needed
 *   next     takes lines, gives one record
 *   close    frees the state
 *
 * next() returns ERR_OK, ERR_END, ERR_SYNTAX or ERR_RANGE (this line is of no use; `why` says why, without
 * file and line, which the reader knows), or what capture_lines_next returned.
 */
#ifndef TAPEDECK_DATA_CAPTURE_FORM_H
#define TAPEDECK_DATA_CAPTURE_FORM_H

#include "data/capture_reader.h"

#ifdef __cplusplus
extern "C" {
#endif

struct capture_form;

struct capture_source {
    const struct capture_form *form;
    struct capture_lines lines;
    struct capture_file_info *info; /* the form counts passed_over and may set venue */
    void *state;                    /* the form's own */
};

struct capture_form {
    const char *name;
    const char *summary;
    bool (*detect)(const char *head, size_t size);
    err_t (*open)(struct capture_source *source);
    err_t (*next)(struct capture_source *source, struct capture_record *record, struct err_text *why);
    void (*close)(struct capture_source *source);
};

extern const struct capture_form capture_form_stamped;
extern const struct capture_form capture_form_cryptofeed;
extern const struct capture_form capture_form_dlasota;

/* ---- what several forms need ---- */

/* Digits with an optional fraction, at the beginning of the text: nanoseconds when there are 18 to 19 digits
 * before the point, microseconds at 15 to 17, milliseconds at 12 to 14, seconds at 9 to 11. A fraction finer
 * than a nanosecond is truncated. `used` is how many bytes the number takes. ERR_SYNTAX, ERR_RANGE. */
err_t capture_stamp_parse(const char *text, size_t size, ns_t *ts, size_t *used) MUST_USE;
/* Does the text begin as a REST depth answer does: an object whose first key is lastUpdateId? */
bool capture_is_depth_answer(const char *text, size_t size);
/* The first line of `head`, without its newline; false when there is none. Moves `head` behind it. */
bool capture_head_line(const char **head, size_t *size, const char **line, size_t *line_size);
bool capture_starts_with(const char *text, size_t size, const char *prefix);

#ifdef __cplusplus
}
#endif
#endif
