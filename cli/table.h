/* table.h: aligned text tables.
 *
 *     struct table *table = table_new("lrr", "instrument", "messages", "gaps");
 *     table_cell(table, "%s", symbol);
 *     table_cell(table, "%" PRIu64, messages);
 *     table_cell(table, "%u", gaps);
 *     table_print(table, stdout);      (prints and frees)
 *
 * Widths are counted in code points, so UTF-8 symbols line up. Out of memory loses the table, not the program:
 * table_print then says so.
 */
#ifndef TAPEDECK_CLI_TABLE_H
#define TAPEDECK_CLI_TABLE_H

#include "core/base.h"

#include <stdio.h>

struct table;

/* One letter a column: 'l' left, 'r' right, 'w' (last column only) left and broken at spaces so that a line fits
 * TABLE_WRAP. Then as many titles; a first title of NULL: no title line, and no further arguments. */
struct table *table_new(const char *align, ...);
/* The next cell, row by row. */
void table_cell(struct table *table, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A line of dashes after the row that was just finished. */
void table_rule(struct table *table);
void table_print(struct table *table, FILE *file); /* frees it */
void table_drop(struct table *table);              /* frees it unprinted */

#define TABLE_WRAP 110

#endif
