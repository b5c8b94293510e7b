#include "cli/csv_text.h"

#include <stdio.h>
#include <string.h>

static bool next_line(struct csv_text *csv, struct csv_field *line)
{
    while (csv->at < csv->end) {
        const char *stop = memchr(csv->at, '\n', (size_t)(csv->end - csv->at));
        if (stop == NULL)
            stop = csv->end;
        *line = (struct csv_field){csv->at, (size_t)(stop - csv->at)};
        csv->at = stop < csv->end ? stop + 1 : stop;
        csv->line++;
        if (line->size > 0 && line->text[line->size - 1] == '\r')
            line->size--;
        if (line->size > 0 && line->text[0] != '#')
            return true;
    }
    return false;
}

/* False: that was the last one. */
static bool next_field(struct csv_field *rest, struct csv_field *field)
{
    const char *comma = memchr(rest->text, ',', rest->size);
    *field = (struct csv_field){rest->text, comma != NULL ? (size_t)(comma - rest->text) : rest->size};
    if (comma == NULL)
        return false;
    rest->size -= field->size + 1;
    rest->text = comma + 1;
    return true;
}

static void list_names(const struct csv_text *csv, char *text, size_t room)
{
    size_t used = 0;
    for (uint32_t i = 0; i < csv->count && used < room; i++) {
        const int more = snprintf(text + used, room - used, "%s%s%s%s", i > 0 ? "," : "",
                                  i >= csv->required ? "[" : "", csv->names[i], i >= csv->required ? "]" : "");
        used += more > 0 ? (size_t)more : 0;
    }
}

err_t csv_header(struct csv_text *csv, struct err_text *why)
{
    char names[160];
    struct csv_field rest, field;
    uint32_t seen = 0;
    list_names(csv, names, sizeof(names));
    if (!next_line(csv, &rest))
        return err_say(why, ERR_SYNTAX, "%s: empty; expected a first line that names the columns: %s", csv->path,
                       names);
    for (bool more = true; more;) {
        more = next_field(&rest, &field);
        uint32_t at = 0;
        while (at < csv->count &&
               (strlen(csv->names[at]) != field.size || memcmp(csv->names[at], field.text, field.size) != 0))
            at++;
        if (at == csv->count || (seen >> at & 1) != 0 || csv->width == CSV_COLUMNS_MAX)
            return err_say(why, ERR_SYNTAX, "%s:%u: '%.*s' is %s; expected a line that names the columns: %s",
                           csv->path, csv->line, field.size > 40 ? 40 : (int)field.size, field.text,
                           at == csv->count ? "no column" : "named twice", names);
        seen |= 1u << at;
        csv->places[csv->width++] = at;
    }
    for (uint32_t i = 0; i < csv->required; i++)
        if ((seen >> i & 1) == 0)
            return err_say(why, ERR_SYNTAX, "%s:%u: no column '%s'; expected a line that names the columns: %s",
                           csv->path, csv->line, csv->names[i], names);
    return ERR_OK;
}

err_t csv_row(struct csv_text *csv, struct csv_field *fields, struct err_text *why)
{
    struct csv_field line, rest, field;
    if (!next_line(csv, &line))
        return ERR_END;
    memset(fields, 0, csv->count * sizeof(*fields));
    rest = line;
    uint32_t found = 0;
    for (bool more = true; more; found++) {
        more = next_field(&rest, &field);
        if (found < csv->width)
            fields[csv->places[found]] = field;
    }
    if (found != csv->width)
        return err_say(why, ERR_SYNTAX, "%s:%u: %u fields where the first line names %u: '%.*s'", csv->path,
                       csv->line, found, csv->width, line.size > 80 ? 80 : (int)line.size, line.text);
    return ERR_OK;
}
