/* csv_text.h: the lines and fields of a small CSV file that is in memory: a header that names the columns, in any
 * order, then rows. Lines that are empty or begin with # are passed over. No quotes, no commas inside of fields. */
#ifndef TAPEDECK_CLI_CSV_TEXT_H
#define TAPEDECK_CLI_CSV_TEXT_H

#include "core/err.h"

#define CSV_COLUMNS_MAX 8

struct csv_field {
    const char *text; /* not NUL-terminated; NULL: the file has no such column */
    size_t size;
};

struct csv_text {
    const char *path; /* for messages */
    const char *at, *end;
    uint32_t line; /* of the row read last, from 1 */
    /* by the reader: columns it knows, of which the first `required` must be there */
    const char *const *names;
    uint32_t count, required;
    uint32_t places[CSV_COLUMNS_MAX]; /* column of the file ─► column known */
    uint32_t width;                   /* columns of the file */
};

/* ERR_SYNTAX: no header, an unknown column, one twice, or a required one is missing. `csv` has path, at, end, names,
 * count and required. */
err_t csv_header(struct csv_text *csv, struct err_text *why) MUST_USE;
/* fields[0 .. count) of the next row. ERR_END: no more. ERR_SYNTAX: not as many fields as the header has. */
err_t csv_row(struct csv_text *csv, struct csv_field *fields, struct err_text *why) MUST_USE;

#endif
