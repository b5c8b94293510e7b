/* The form `<local stamp> <json>`: what most recorders of raw frames write. */
#include "data/capture_form.h"

#include <string.h>

#define LINES_LOOKED_AT 16

/* 10^(19 - digits): what turns a stamp of so many digits before the point into nanoseconds. Only the ranges
 * below are given a meaning; between them a stamp is an accident. */
static bool stamp_unit(unsigned digits, ns_t *unit)
{
    if (digits >= 18 && digits <= 19)
        *unit = 1;
    else if (digits >= 15 && digits <= 17)
        *unit = NS_PER_US;
    else if (digits >= 12 && digits <= 14)
        *unit = NS_PER_MS;
    else if (digits >= 9 && digits <= 11)
        *unit = NS_PER_S;
    else
        return false;
    return true;
}

err_t capture_stamp_parse(const char *text, size_t size, ns_t *ts, size_t *used)
{
    size_t at = 0;
    uint64_t whole = 0;
    while (at < size && at < 20 && (unsigned char)(text[at] - '0') < 10)
        whole = whole * 10 + (uint64_t)(text[at++] - '0');
    if (at == 0)
        return ERR_SYNTAX;
    ns_t unit;
    if (!stamp_unit((unsigned)at, &unit))
        return ERR_RANGE;
    ns_t value;
    if (whole > NS_MAX || __builtin_mul_overflow((ns_t)whole, unit, &value))
        return ERR_RANGE;
    if (at < size && text[at] == '.') {
        at++;
        size_t first = at;
        for (ns_t digit = unit / 10; at < size && (unsigned char)(text[at] - '0') < 10; at++, digit /= 10)
            if (__builtin_add_overflow(value, (text[at] - '0') * digit, &value))
                return ERR_RANGE;
        if (at == first)
            return ERR_SYNTAX;
    }
    *ts = value;
    *used = at;
    return ERR_OK;
}

bool capture_is_depth_answer(const char *text, size_t size)
{
    static const char key[] = "\"lastUpdateId\"";
    size_t at = 0;
    while (at < size && (text[at] == ' ' || text[at] == '\t'))
        at++;
    if (at == size || text[at++] != '{')
        return false;
    while (at < size && (text[at] == ' ' || text[at] == '\t'))
        at++;
    return capture_starts_with(text + at, size - at, key);
}

bool capture_starts_with(const char *text, size_t size, const char *prefix)
{
    size_t length = strlen(prefix);
    return size >= length && memcmp(text, prefix, length) == 0;
}

bool capture_head_line(const char **head, size_t *size, const char **line, size_t *line_size)
{
    if (*size == 0)
        return false;
    const char *newline = memchr(*head, '\n', *size);
    size_t length = newline != NULL ? (size_t)(newline - *head) : *size;
    size_t used = newline != NULL ? length + 1 : length;
    *line = *head;
    *line_size = length > 0 && (*head)[length - 1] == '\r' ? length - 1 : length;
    *head += used;
    *size -= used;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Where the frame begins, behind stamp and blanks; ERR_SYNTAX, ERR_RANGE. */
static err_t split(const char *text, size_t size, ns_t *ts, size_t *frame)
{
    size_t at = 0;
    err_t err = capture_stamp_parse(text, size, ts, &at);
    if (err != ERR_OK)
        return err;
    if (at == size || !is_blank(text[at]))
        return ERR_SYNTAX;
    while (at < size && is_blank(text[at]))
        at++;
    *frame = at;
    return ERR_OK;
}

static bool detect(const char *head, size_t size)
{
    const char *line;
    size_t line_size;
    for (int i = 0; i < LINES_LOOKED_AT && capture_head_line(&head, &size, &line, &line_size); i++) {
        ns_t ts;
        size_t at = 0;
        if (split(line, line_size, &ts, &at) == ERR_OK && at < line_size && (line[at] == '{' || line[at] == '['))
            return true;
    }
    return false;
}

static err_t next(struct capture_source *source, struct capture_record *record, struct err_text *why)
{
    for (;;) {
        char *text;
        size_t size;
        err_t err = capture_lines_next(&source->lines, &text, &size, why);
        if (err != ERR_OK)
            return err;
        if (size == 0) {
            source->info->passed_over++;
            continue;
        }
        size_t at = 0;
        err = split(text, size, &record->ts, &at);
        if (err == ERR_RANGE)
            return err_say(why, err, "its stamp is no time: seconds, ms, us or ns since 1970 were expected");
        if (err != ERR_OK)
            return err_say(why, err, "not of the form <stamp> <json>");
        if (at == size)
            return err_say(why, ERR_SYNTAX, "a stamp without a frame (cut off?)");
        record->text = text + at;
        record->size = size - at;
        record->kind = capture_is_depth_answer(record->text, record->size) ? CAPTURE_SNAPSHOT : CAPTURE_FRAME;
        return ERR_OK;
    }
}

const struct capture_form capture_form_stamped = {
    .name = "stamped",
    .summary = "<local stamp> <json> a line; stamps in ns, us, ms or seconds; frames and REST depth answers",
    .detect = detect,
    .next = next,
};
