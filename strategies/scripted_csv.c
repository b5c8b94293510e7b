#include "strategies/scripted_csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SCRIPT_COLUMN_NAME(name, text, needed)   [SCRIPT_##name] = text,
#define SCRIPT_COLUMN_NEEDED(name, text, needed) [SCRIPT_##name] = needed,
static const char *const names[] = {SCRIPT_COLUMN_MAP(SCRIPT_COLUMN_NAME)};
static const bool needed_columns[] = {SCRIPT_COLUMN_MAP(SCRIPT_COLUMN_NEEDED)};

/* Columns of outcomes.csv that say nothing to a script: known, so that the file of one run is the script of another.
 */
static const char *const unread[] = {"status",       "avg_price",     "maker",       "fills",  "fee",
                                     "fee_currency", "reason",        "venue_code",  "ack_ts", "ack_venue_ts",
                                     "shown",        "done_venue_ts", "run_order_id"};

uint32_t script_rows_most(const struct strategy_file *file)
{
    uint32_t count = 1;
    if (file->text == NULL)
        return count;
    const char *at = file->text, *end = file->text + file->size;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        count++;
        at++;
    }
    return count;
}

static err_t say_at(const struct script_reader *reader, uint32_t at, struct err_text *why, const char *text)
{
    return err_say(why, ERR_CONFIG, "%s:%u:%u: %s", reader->file->name, reader->line, at, text);
}

err_t script_say(const struct script_reader *reader, enum script_column column, struct err_text *why, const char *fmt,
                 ...)
{
    char words[320], text[420];
    const struct script_field *field = &reader->fields[column];
    va_list args;
    va_start(args, fmt);
    vsnprintf(words, sizeof(words), fmt, args);
    va_end(args);
    snprintf(text, sizeof(text), "%s: %s, got '%.*s'%s", names[column], words,
             field->size > 40 ? 40 : (int)field->size, field->text, field->size > 40 ? "..." : "");
    return say_at(reader, field->at, why, text);
}

/* The next line that says something, without its end. */
static bool next_line(struct script_reader *reader, const char **line, const char **line_end)
{
    while (reader->at < reader->end) {
        const char *stop = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
        if (stop == NULL)
            stop = reader->end;
        *line = reader->at;
        *line_end = stop > reader->at && stop[-1] == '\r' ? stop - 1 : stop;
        reader->at = stop < reader->end ? stop + 1 : stop;
        reader->line++;
        if (*line != *line_end && **line != '#')
            return true;
    }
    return false;
}

/* The field that begins at *at; *at goes to the byte after it, which is a comma or the end of the line. */
static err_t next_field(const struct script_reader *reader, const char *line, const char *line_end, const char **at,
                        struct script_field *field, struct err_text *why)
{
    const char *begin = *at, *stop;
    field->at = (uint32_t)(begin - line) + 1;
    if (begin < line_end && *begin == '"') {
        stop = memchr(begin + 1, '"', (size_t)(line_end - begin - 1));
        if (stop == NULL || (stop + 1 < line_end && stop[1] != ','))
            return say_at(reader, field->at, why, "a quoted field has no closing quote before the next comma");
        field->text = begin + 1;
        *at = stop + 1;
    } else {
        stop = memchr(begin, ',', (size_t)(line_end - begin));
        if (stop == NULL)
            stop = line_end;
        field->text = begin;
        *at = stop;
    }
    field->size = (uint32_t)(stop - field->text);
    return ERR_OK;
}

static bool is_word(const struct script_field *field, const char *word)
{
    return field->size == strlen(word) && memcmp(field->text, word, field->size) == 0;
}

static err_t take_name(struct script_reader *reader, const struct script_field *field, struct err_text *why)
{
    char text[320];
    uint8_t column = 0;
    while (column < SCRIPT_COLUMN_COUNT && !is_word(field, names[column]))
        column++;
    if (column < SCRIPT_COLUMN_COUNT && reader->fields[column].text != NULL) {
        snprintf(text, sizeof(text), "the column '%s' is there twice", names[column]);
        return say_at(reader, field->at, why, text);
    }
    bool known = column < SCRIPT_COLUMN_COUNT || (field->size > 2 && memcmp(field->text, "x_", 2) == 0);
    for (size_t i = 0; i < ARRAY_LEN(unread) && !known; i++)
        known = is_word(field, unread[i]);
    if (!known) {
        snprintf(text, sizeof(text),
                 "unknown column '%.*s'; expected order_id, submit_ts, side, price, qty, type, tif, cancel_ts and "
                 "perhaps symbol, reduce_only, filled, first_fill_ts, done_ts; name a column of your own x_...",
                 field->size > 40 ? 40 : (int)field->size, field->text);
        return say_at(reader, field->at, why, text);
    }
    if (column < SCRIPT_COLUMN_COUNT)
        reader->fields[column] = *field;
    reader->column_of[reader->field_count++] = column;
    return ERR_OK;
}

err_t script_open(struct script_reader *reader, const struct strategy_file *file, struct err_text *why)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *line, *line_end, *at;
    *reader = (struct script_reader){.file = file, .at = file->text, .end = file->text + file->size};
    if (file->size >= 3 && memcmp(file->text, mark, 3) == 0)
        reader->at += 3;
    if (!next_line(reader, &line, &line_end))
        return err_say(
            why, ERR_CONFIG,
            "%s:1:1: empty; expected the line 'order_id,submit_ts,side,price,qty,type,tif,cancel_ts' first",
            file->name);
    for (at = line;; at++) {
        struct script_field field;
        if (reader->field_count == SCRIPT_FIELDS_MAX)
            return say_at(reader, (uint32_t)(at - line) + 1, why, "more than 64 columns");
        err_t err = next_field(reader, line, line_end, &at, &field, why);
        if (err == ERR_OK)
            err = take_name(reader, &field, why);
        if (err != ERR_OK)
            return err;
        if (at == line_end)
            break;
    }
    for (uint8_t column = 0; column < SCRIPT_COLUMN_COUNT; column++)
        if (needed_columns[column] && reader->fields[column].text == NULL) {
            char text[128];
            snprintf(text, sizeof(text), "the column '%s' is missing in the header", names[column]);
            return say_at(reader, 1, why, text);
        }
    return ERR_OK;
}

err_t script_next(struct script_reader *reader, struct err_text *why)
{
    const char *line, *line_end, *at;
    if (!next_line(reader, &line, &line_end))
        return ERR_END;
    uint32_t count = 0;
    for (at = line;; at++, count++) {
        struct script_field field;
        if (count == reader->field_count)
            break;
        err_t err = next_field(reader, line, line_end, &at, &field, why);
        if (err != ERR_OK)
            return err;
        if (reader->column_of[count] < SCRIPT_COLUMN_COUNT)
            reader->fields[reader->column_of[count]] = field;
        if (at == line_end) {
            count++;
            at++;
            break;
        }
    }
    if (count == reader->field_count && at > line_end)
        return ERR_OK;
    char text[128];
    snprintf(text, sizeof(text), "expected %u fields as in the header, got %s%u", reader->field_count,
             at <= line_end ? "more than " : "", count);
    return say_at(reader, (uint32_t)((at < line_end ? at : line_end) - line) + 1, why, text);
}

/* ---- values ---- */

err_t script_time(const struct script_reader *reader, enum script_column column, ns_t empty, ns_t *value,
                  struct err_text *why)
{
    const struct script_field *field = &reader->fields[column];
    ns_t ts = empty;
    if (field->text != NULL && field->size != 0 && (time_parse(field->text, field->size, &ts) != ERR_OK || ts <= 0))
        return script_say(reader, column, why,
                          "expected nanoseconds since 1970 or a UTC time such as 2024-08-08T12:30:00.5Z");
    *value = ts;
    return ERR_OK;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_word(const struct script_field *field, const char *word)
{
    uint32_t i = 0;
    while (i < field->size && word[i] != '\0' && lower(field->text[i]) == word[i])
        i++;
    return i == field->size && word[i] == '\0';
}

err_t script_choice(const struct script_reader *reader, enum script_column column, const char *const *words,
                    uint8_t count, uint8_t *value, struct err_text *why)
{
    char expected[96];
    size_t used = 0;
    for (uint8_t i = 0; i < count; i++) {
        if (same_word(&reader->fields[column], words[i])) {
            *value = i;
            return ERR_OK;
        }
        used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s%s",
                                 i == 0           ? ""
                                 : i == count - 1 ? " or "
                                                  : ", ",
                                 words[i]);
    }
    return script_say(reader, column, why, "expected %s", expected);
}

err_t script_number(const struct script_reader *reader, enum script_column column, unsigned decimals,
                    const char *what, int64_t *value, struct err_text *why)
{
    const struct script_field *field = &reader->fields[column];
    const err_t err = decimal_parse(field->text, field->size, decimals, ROUND_EXACT, value);
    if (err == ERR_PRECISION)
        return script_say(reader, column, why, "expected at most %u decimals, as the %s have", decimals, what);
    if (err != ERR_OK)
        return script_say(reader, column, why, "expected a decimal number%s",
                          err == ERR_RANGE ? " that fits 63 bits" : "");
    return ERR_OK;
}
