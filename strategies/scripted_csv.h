/* scripted_csv.h: the file of own orders, cut into named fields.
 *
 *   order_id,submit_ts,side,price,qty,type,tif,cancel_ts           the header: names in any order
 *   a-17,1704067201500000000,buy,29999.9,0.010,limit,gtx,1704067203500000000
 *
 * Line 1 is the header. Empty lines and lines that begin with # are skipped, a byte order mark and CR LF are taken, a
 * field may stand in double quotes (without quotes inside). Every line has as many fields as the header. Nothing is
 * copied: fields point into the file.
 *
 * A mistake is told as NAME:line:column: field: what was expected, what stands there.
 */
#ifndef TAPEDECK_STRATEGIES_SCRIPTED_CSV_H
#define TAPEDECK_STRATEGIES_SCRIPTED_CSV_H

#include "core/strategy.h"

/* column, its name, is it needed */
#define SCRIPT_COLUMN_MAP(X)                                                                                         \
    X(ORDER_ID, "order_id", 1)                                                                                       \
    X(SUBMIT_TS, "submit_ts", 1)                                                                                     \
    X(SIDE, "side", 1)                                                                                               \
    X(PRICE, "price", 1)                                                                                             \
    X(QTY, "qty", 1)                                                                                                 \
    X(TYPE, "type", 1)                                                                                               \
    X(TIF, "tif", 1)                                                                                                 \
    X(CANCEL_TS, "cancel_ts", 1)                                                                                     \
    X(SYMBOL, "symbol", 0)                                                                                           \
    X(REDUCE_ONLY, "reduce_only", 0)                                                                                 \
    X(FILLED, "filled", 0) /* from here: what became of the order in reality */                                      \
    X(FIRST_FILL_TS, "first_fill_ts", 0)                                                                             \
    X(DONE_TS, "done_ts", 0)
#define SCRIPT_COLUMN_ENUM(name, text, needed) SCRIPT_##name,
enum script_column { SCRIPT_COLUMN_MAP(SCRIPT_COLUMN_ENUM) SCRIPT_COLUMN_COUNT };
#undef SCRIPT_COLUMN_ENUM

struct script_field {
    const char *text; /* NULL: the file has no such column */
    uint32_t size;
    uint32_t at; /* byte in the line, from 1 */
};

#define SCRIPT_FIELDS_MAX 64

struct script_reader {
    const struct strategy_file *file;
    const char *at, *end;
    uint32_t line;                        /* number of the current line, from 1 */
    uint32_t field_count;                 /* of the header */
    uint8_t column_of[SCRIPT_FIELDS_MAX]; /* field of a line to column; SCRIPT_COLUMN_COUNT: not looked at */
    struct script_field fields[SCRIPT_COLUMN_COUNT]; /* of the current line */
};

/* Upper bound of the rows of a file. */
uint32_t script_rows_most(const struct strategy_file *file);
/* Reads the header. ERR_CONFIG with words. */
err_t script_open(struct script_reader *reader, const struct strategy_file *file, struct err_text *why) MUST_USE;
/* The next row into `fields`. ERR_END: no more; ERR_CONFIG with words. */
err_t script_next(struct script_reader *reader, struct err_text *why) MUST_USE;

/* An error at a field of the current line: "NAME:line:column: field: <words>, got '...'". Returns ERR_CONFIG. */
err_t script_say(const struct script_reader *reader, enum script_column column, struct err_text *why, const char *fmt,
                 ...) PRINTF_LIKE(4, 5);

/* Values of fields. `value` is untouched on failure. */
/* Nanoseconds since 1970 or a time of time_text.h; an empty field gives `empty`. */
err_t script_time(const struct script_reader *reader, enum script_column column, ns_t empty, ns_t *value,
                  struct err_text *why) MUST_USE;
/* One of the words, letters of either case; its number. */
err_t script_choice(const struct script_reader *reader, enum script_column column, const char *const *words,
                    uint8_t count, uint8_t *value, struct err_text *why) MUST_USE;
/* A decimal number of at most `decimals` decimals; `what` names the scale: "prices of BTCUSDT". */
err_t script_number(const struct script_reader *reader, enum script_column column, unsigned decimals,
                    const char *what, int64_t *value, struct err_text *why) MUST_USE;
static inline bool script_has(const struct script_reader *reader, enum script_column column)
{
    return reader->fields[column].text != NULL && reader->fields[column].size != 0;
}

#endif
