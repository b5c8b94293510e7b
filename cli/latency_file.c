#include "cli/latency_file.h"

#include "cli/config_file.h"
#include "cli/config_tree.h"
#include "core/decimal.h"
#include "core/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)256 << 20)
#define COLUMNS_MAX    3

/* What is being read, and where messages point. */
struct reading {
    const struct run_config *config;
    const char *key, *path;
    enum latency_file_kind kind;
    struct err_text *why;
    char *bytes;
    size_t size;
    uint32_t *numbers; /* line of each row */
};

static const struct {
    const char *header;
    const char *count;
    const char *names[COLUMNS_MAX];
    int columns;
} shapes[] = {
    [LATENCY_FILE_REQUESTS] = {"req,exch,resp", "three", {"req", "exch", "resp"}, 3},
    [LATENCY_FILE_FEED] = {"exch,recv", "two", {"exch", "recv", NULL}, 2},
};

const char *latency_file_header(enum latency_file_kind kind)
{
    return shapes[kind].header;
}

static err_t no_memory(const struct reading *reading)
{
    return err_say(reading->why, ERR_NOMEM, "%s: out of memory", reading->config->path);
}

static err_t read_text(struct reading *reading)
{
    struct config_text text = {0};
    err_t err =
        config_file_read(reading->config, reading->key, reading->path, FILE_BYTES_MAX, false, &text, reading->why);
    reading->bytes = text.bytes;
    reading->size = text.size;
    return err;
}

/* ---- lines ---- */

struct lines {
    const char *at, *end;
    const char *line; /* the current one, without its end */
    size_t size;
    uint32_t number; /* from 1 */
};

/* The next line that says something. */
static bool next_line(struct lines *lines)
{
    while (lines->at < lines->end) {
        const char *stop = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
        if (stop == NULL)
            stop = lines->end;
        lines->line = lines->at;
        lines->size = (size_t)(stop - lines->at);
        lines->at = stop < lines->end ? stop + 1 : stop;
        lines->number++;
        if (lines->size > 0 && lines->line[lines->size - 1] == '\r')
            lines->size--;
        if (lines->size > 0 && lines->line[0] != '#')
            return true;
    }
    return false;
}

static err_t read_row(const struct reading *reading, const struct lines *lines, struct latency_row *row)
{
    ns_t stamps[COLUMNS_MAX];
    const int columns = shapes[reading->kind].columns;
    const char *at = lines->line, *end = lines->line + lines->size;
    for (int i = 0; i < columns; i++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        if ((comma == NULL) != (i == columns - 1))
            return run_config_error(reading->config, reading->key, reading->why,
                                    "%s:%u: expected %s stamps: %s, got '%.*s'", reading->path, lines->number,
                                    shapes[reading->kind].count, shapes[reading->kind].header,
                                    lines->size > 80 ? 80 : (int)lines->size, lines->line);
        const size_t size = (size_t)((comma != NULL ? comma : end) - at);
        if (decimal_parse(at, size, 0, ROUND_EXACT, &stamps[i]) != ERR_OK)
            return run_config_error(reading->config, reading->key, reading->why,
                                    "%s:%u: %s: expected whole nanoseconds since 1970, got '%.*s'", reading->path,
                                    lines->number, shapes[reading->kind].names[i], size > 40 ? 40 : (int)size, at);
        at += size + 1;
    }
    *row = reading->kind == LATENCY_FILE_FEED ? (struct latency_row){stamps[0], stamps[0], stamps[1]}
                                              : (struct latency_row){stamps[0], stamps[1], stamps[2]};
    return ERR_OK;
}

/* Rows of market data, in the words of their columns: exch rising, 0 < exch <= recv, at most an hour between. */
static err_t check_feed_rows(const struct latency_file *file, uint32_t *bad, struct err_text *why)
{
    *bad = 0;
    if (file->row_count == 0)
        return err_say(why, ERR_RANGE, "no rows");
    for (uint32_t i = 0; i < file->row_count; i++) {
        const ns_t exch = file->rows[i].exch, recv = file->rows[i].resp;
        *bad = i;
        if (exch <= 0)
            return err_say(why, ERR_RANGE, "exch is %" PRId64 ": expected the venue's stamp", exch);
        if (recv < exch)
            return err_say(why, ERR_RANGE,
                           "recv %" PRId64 " is before exch %" PRId64
                           ": the venue's clock and yours differ; correct the offset in the file",
                           recv, exch);
        if (recv - exch > LATENCY_MAX)
            return err_say(why, ERR_RANGE,
                           "%" PRId64 " ns from exch to recv: more than an hour; are both stamps in ns?",
                           recv - exch);
        if (i > 0 && exch < file->rows[i - 1].exch)
            return err_say(why, ERR_ORDER, "exch %" PRId64 " after %" PRId64 ": rows must rise in exch", exch,
                           file->rows[i - 1].exch);
    }
    return ERR_OK;
}

static err_t parse_rows(struct reading *reading, struct latency_file *file)
{
    const char *header = shapes[reading->kind].header;
    struct lines lines = {.at = reading->bytes, .end = reading->bytes + reading->size};
    if (!next_line(&lines) || lines.size != strlen(header) || memcmp(lines.line, header, lines.size) != 0)
        return run_config_error(reading->config, reading->key, reading->why, "%s:%u: expected the line '%s' first",
                                reading->path, lines.number > 0 ? lines.number : 1, header);
    while (next_line(&lines)) {
        err_t err = read_row(reading, &lines, &file->rows[file->row_count]);
        if (err != ERR_OK)
            return err;
        reading->numbers[file->row_count++] = lines.number;
    }
    uint32_t bad;
    struct err_text inner = {0};
    const err_t err = reading->kind == LATENCY_FILE_FEED
                          ? check_feed_rows(file, &bad, &inner)
                          : latency_rows_check(file->rows, file->row_count, &bad, &inner);
    if (err != ERR_OK)
        return run_config_error(reading->config, reading->key, reading->why, "%s:%u: %s", reading->path,
                                file->row_count > 0 ? reading->numbers[bad] : lines.number, inner.text);
    return ERR_OK;
}

static void hash_rows(struct latency_file *file)
{
    struct digest digest;
    digest_init(&digest, 0);
    for (uint32_t i = 0; i < file->row_count; i++) {
        digest_u64(&digest, (uint64_t)file->rows[i].req);
        digest_u64(&digest, (uint64_t)file->rows[i].exch);
        digest_u64(&digest, (uint64_t)file->rows[i].resp);
    }
    digest_text(digest_value(&digest), file->hash);
}

err_t latency_file_read(const struct run_config *config, const char *key, const char *path,
                        enum latency_file_kind kind, struct latency_file *file, struct err_text *why)
{
    struct reading reading = {.config = config, .key = key, .path = path, .kind = kind, .why = why};
    *file = (struct latency_file){0};
    err_t err = read_text(&reading);
    if (err == ERR_OK) {
        size_t room = 1;
        for (size_t i = 0; i < reading.size; i++)
            room += reading.bytes[i] == '\n';
        reading.numbers = malloc(room * sizeof(*reading.numbers));
        file->rows = config_tree_alloc(config->tree, room * sizeof(*file->rows));
        err = reading.numbers != NULL && file->rows != NULL ? parse_rows(&reading, file) : no_memory(&reading);
    }
    if (err == ERR_OK)
        hash_rows(file);
    free(reading.numbers);
    free(reading.bytes);
    return err;
}
