/* dlasota_row.h: a line of a CSV of the Binance Data Processor to a row, taken apart and checked (inside
 * capture_dlasota.c only).
 *
 *   header line ──► struct dlasota_table: which column is where; the three shapes of file differ in that
 *   line ─────────► struct dlasota_row:   a level or a trade; its fields point into the line
 *
 * Nothing is owned and nothing is kept from row to row: which rows make a message, and the message's text, are the
 * matter of capture_dlasota.c. A number fits into 64 bits, a symbol or decimal holds only what may stand between
 * quotes in a frame; errors name the column.
 */
#ifndef TAPEDECK_DATA_DLASOTA_ROW_H
#define TAPEDECK_DATA_DLASOTA_ROW_H

#include "core/err.h"

#define DLASOTA_COLUMNS   20 /* names that are known */
#define DLASOTA_WORD_SIZE 40 /* of the longest symbol, price or quantity, with a NUL */

struct dlasota_table {
    uint32_t column_count;
    uint8_t place[DLASOTA_COLUMNS]; /* column of the file, UINT8_MAX: it has none */
};

/* Not terminated. */
struct dlasota_field {
    const char *text;
    size_t size;
};

enum dlasota_kind { ROW_NONE, ROW_DIFF, ROW_SNAPSHOT, ROW_TRADE };

struct dlasota_row {
    enum dlasota_kind kind;
    ns_t ts;
    uint64_t event_time, transaction_time;
    uint64_t first_id, final_id, previous_id;
    uint64_t trade_id;
    bool flag; /* an ask; of a trade: the buyer is the maker */
    struct dlasota_field symbol, price, qty, order_type, market;
};

/* False: not the header of a table of depth levels or trades. */
bool dlasota_row_header(struct dlasota_table *table, const char *line, size_t size) MUST_USE;
/* ERR_SYNTAX: `key_known` says whether `row` tells at least to which message the line belongs. */
err_t dlasota_row_read(const struct dlasota_table *table, const char *line, size_t size, struct dlasota_row *row,
                       bool *key_known, struct err_text *why) MUST_USE;
/* The venue that a row comes from, NULL: unknown. Without a column for the market: only futures have chained update
 * ids and a kind of order in trades. */
const char *dlasota_row_venue(const struct dlasota_table *table, const struct dlasota_row *row);

#endif
