#include "cli/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 24
#define GAP         2 /* spaces between columns */

struct cell {
    char *text;
    bool rule; /* a line of dashes after the row that this cell ends */
};

struct table {
    char align[COLUMNS_MAX];
    size_t columns;
    bool titled;
    bool broken; /* out of memory */
    struct cell *cells;
    size_t count, capacity;
};

static void add(struct table *table, char *text)
{
    if (text == NULL || table->broken) {
        free(text);
        table->broken = true;
        return;
    }
    if (table->count == table->capacity) {
        size_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
        struct cell *cells = realloc(table->cells, capacity * sizeof(*cells));
        if (cells == NULL) {
            free(text);
            table->broken = true;
            return;
        }
        table->cells = cells;
        table->capacity = capacity;
    }
    table->cells[table->count++] = (struct cell){text, false};
}

struct table *table_new(const char *align, ...)
{
    struct table *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return NULL;
    table->columns = strlen(align);
    ASSERT(table->columns >= 1 && table->columns <= COLUMNS_MAX);
    memcpy(table->align, align, table->columns);
    va_list args;
    va_start(args, align);
    for (size_t i = 0; i < table->columns; i++) {
        const char *title = va_arg(args, const char *);
        if (title == NULL) {
            ASSERT(i == 0);
            break;
        }
        table->titled = true;
        add(table, strdup(title));
    }
    va_end(args);
    if (table->titled)
        table_rule(table);
    return table;
}

void table_cell(struct table *table, const char *fmt, ...)
{
    if (table == NULL)
        return;
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    add(table, text);
}

void table_rule(struct table *table)
{
    if (table != NULL && table->count > 0)
        table->cells[table->count - 1].rule = true;
}

/* Code points, not bytes: continuation bytes take no room. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void spaces(FILE *file, size_t count)
{
    fprintf(file, "%*s", (int)count, "");
}

/* Text broken at spaces; lines after the first begin at `indent`. */
static void print_wrapped(FILE *file, const char *text, size_t indent)
{
    size_t room = indent + 30 > TABLE_WRAP ? 30 : TABLE_WRAP - indent;
    while (width_of(text) > room) {
        size_t cut = 0;
        for (size_t i = 0, width = 0; text[i] != '\0' && width <= room; i++) {
            if (text[i] == ' ')
                cut = i;
            width += ((unsigned char)text[i] & 0xc0) != 0x80;
        }
        if (cut == 0)
            break; /* one long word */
        fprintf(file, "%.*s\n", (int)cut, text);
        spaces(file, indent);
        text += cut + 1;
    }
    fprintf(file, "%s\n", text);
}

static void print_row(const struct table *table, const size_t *widths, size_t first, FILE *file)
{
    size_t at = 0;
    for (size_t i = 0; i < table->columns; i++) {
        const char *text = first + i < table->count ? table->cells[first + i].text : "";
        size_t width = width_of(text), pad = widths[i] - width;
        bool last = i + 1 == table->columns;
        if (i > 0) {
            spaces(file, GAP);
            at += GAP;
        }
        if (table->align[i] == 'r')
            spaces(file, pad);
        if (last && table->align[i] == 'w') {
            print_wrapped(file, text, at);
            return;
        }
        fputs(text, file);
        if (!last && table->align[i] != 'r')
            spaces(file, pad);
        at += widths[i];
    }
    fputc('\n', file);
}

static void print_rule(const struct table *table, const size_t *widths, FILE *file)
{
    size_t total = 0;
    for (size_t i = 0; i < table->columns; i++)
        total += widths[i] + (i > 0 ? GAP : 0);
    total = total > TABLE_WRAP && table->align[table->columns - 1] == 'w' ? TABLE_WRAP : total;
    for (size_t i = 0; i < total; i++)
        fputc('-', file);
    fputc('\n', file);
}

void table_print(struct table *table, FILE *file)
{
    if (table == NULL || table->broken)
        fputs("(table not shown: out of memory)\n", file);
    if (table == NULL)
        return;
    size_t widths[COLUMNS_MAX] = {0};
    for (size_t i = 0; i < table->count; i++) {
        size_t width = width_of(table->cells[i].text), column = i % table->columns;
        widths[column] = width > widths[column] ? width : widths[column];
    }
    for (size_t i = 0; i < table->count && !table->broken; i += table->columns) {
        print_row(table, widths, i, file);
        size_t end = i + table->columns - 1;
        if (end < table->count && table->cells[end].rule)
            print_rule(table, widths, file);
    }
    table_drop(table);
}

void table_drop(struct table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}
