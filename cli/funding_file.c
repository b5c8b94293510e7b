#include "cli/funding_file.h"

#include "cli/config_file.h"
#include "cli/config_tree.h"
#include "cli/csv_text.h"
#include "cli/values.h"
#include "core/digest.h"

#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)64 << 20)
#define TS_LEAST       INT64_C(100000000000000000) /* 1973: fewer digits are no nanoseconds of our days */

static err_t read_row(const struct run_config *config, const char *key, const struct csv_text *csv,
                      const struct csv_field *fields, struct funding_entry *entry, struct err_text *why)
{
    const struct csv_field *ts = &fields[0], *rate = &fields[1];
    *entry = (struct funding_entry){.symbol = fields[2].text,
                                    .symbol_size = fields[2].size,
                                    .mark = fields[3].text,
                                    .mark_size = fields[3].size,
                                    .line = csv->line};
    if (value_time(ts->text, ts->size, &entry->ts) != ERR_OK)
        return run_config_error(config, key, why, "%s:%u: ts: expected %s, got '%.*s'", csv->path, csv->line,
                                value_time_expected, ts->size > 40 ? 40 : (int)ts->size, ts->text);
    if (entry->ts < TS_LEAST)
        return run_config_error(config, key, why,
                                "%s:%u: ts '%.*s' is before 1973: expected nanoseconds (milliseconds need six more "
                                "zeros) or a time as 2024-08-08T08:00:00Z",
                                csv->path, csv->line, ts->size > 40 ? 40 : (int)ts->size, ts->text);
    if (decimal_parse(rate->text, rate->size, RATE_DECIMALS, ROUND_EXACT, &entry->rate) != ERR_OK ||
        entry->rate > decimal_pow10(RATE_DECIMALS) || entry->rate < -decimal_pow10(RATE_DECIMALS))
        return run_config_error(config, key, why,
                                "%s:%u: rate: expected a decimal from -1 to 1 with at most 12 decimals, got '%.*s'",
                                csv->path, csv->line, rate->size > 40 ? 40 : (int)rate->size, rate->text);
    return ERR_OK;
}

err_t funding_file_read(const struct run_config *config, const char *key, const char *path, struct funding_file *file,
                        struct err_text *why)
{
    static const char *const names[] = {"ts", "rate", "symbol", "mark"};
    struct config_text text = {0};
    struct csv_field fields[ARRAY_LEN(names)];
    struct err_text inner = {0};
    *file = (struct funding_file){.path = path};
    err_t err = config_file_read(config, key, path, FILE_BYTES_MAX, true, &text, why);
    if (err != ERR_OK)
        return err;
    uint32_t most = 1;
    for (size_t i = 0; i < text.size; i++)
        most += text.bytes[i] == '\n';
    file->entries = config_tree_alloc(config->tree, most * sizeof(*file->entries));
    if (file->entries == NULL)
        return err_say(why, ERR_NOMEM, "%s: out of memory", path);
    struct csv_text csv = {.path = path,
                           .at = text.bytes,
                           .end = text.bytes + text.size,
                           .names = names,
                           .count = ARRAY_LEN(names),
                           .required = 2};
    err = csv_header(&csv, &inner);
    while (err == ERR_OK && (err = csv_row(&csv, fields, &inner)) == ERR_OK) {
        const err_t row = read_row(config, key, &csv, fields, &file->entries[file->count], why);
        if (row != ERR_OK)
            return row;
        file->count++;
    }
    if (err != ERR_END)
        return run_config_error(config, key, why, "%s", inner.text);
    struct digest digest;
    digest_init(&digest, 0);
    digest_bytes(&digest, text.bytes, text.size);
    digest_text(digest_value(&digest), file->hash);
    return ERR_OK;
}

/* ---- rows of a run ---- */

struct matching {
    const struct run_config *config;
    const char *key;
    const struct funding_file *file;
    const struct instrument *instruments;
    uint16_t instrument_count;
    struct funding_row *rows;
    uint32_t count;
};

static err_t add_row(struct matching *matching, const struct funding_entry *entry, uint16_t number,
                     struct err_text *why)
{
    struct funding_row *row = &matching->rows[matching->count];
    *row = (struct funding_row){.ts = entry->ts, .rate = entry->rate, .instrument = number};
    if (entry->mark != NULL && entry->mark_size > 0 &&
        (decimal_parse(entry->mark, entry->mark_size, matching->instruments[number].price_decimals, ROUND_HALF_EVEN,
                       &row->mark) != ERR_OK ||
         row->mark <= 0))
        return run_config_error(matching->config, matching->key, why,
                                "%s:%u: mark: expected a price above zero, got '%.*s'", matching->file->path,
                                entry->line, entry->mark_size > 40 ? 40 : (int)entry->mark_size, entry->mark);
    matching->count++;
    return ERR_OK;
}

static bool is_of(const struct funding_entry *entry, const struct instrument *instrument)
{
    return instrument->contract != CONTRACT_SPOT &&
           (entry->symbol == NULL || (strlen(instrument->symbol) == entry->symbol_size &&
                                      memcmp(instrument->symbol, entry->symbol, entry->symbol_size) == 0));
}

static int by_time(const void *a, const void *b)
{
    const struct funding_row *one = a, *other = b;
    if (one->ts != other->ts)
        return one->ts < other->ts ? -1 : 1;
    return (one->instrument > other->instrument) - (one->instrument < other->instrument);
}

/* A row twice is one; two that differ are an error. */
static err_t drop_doubles(struct matching *matching, struct err_text *why)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < matching->count; i++) {
        const struct funding_row *row = &matching->rows[i], *before = &matching->rows[kept > 0 ? kept - 1 : 0];
        const bool same = kept > 0 && by_time(before, row) == 0;
        char time[VALUE_TEXT_SIZE];
        if (same && (before->rate != row->rate || before->mark != row->mark))
            return run_config_error(matching->config, matching->key, why,
                                    "%s: %s has two rates or marks at %s; keep one", matching->file->path,
                                    matching->instruments[row->instrument].symbol, value_time_text(row->ts, time));
        if (!same)
            matching->rows[kept++] = *row;
    }
    matching->count = kept;
    return ERR_OK;
}

static err_t match(struct matching *matching, struct err_text *why)
{
    const struct funding_file *file = matching->file;
    uint16_t contracts = 0;
    for (uint16_t n = 0; n < matching->instrument_count; n++)
        contracts += matching->instruments[n].contract != CONTRACT_SPOT;
    if (file->count > 0 && file->entries[0].symbol == NULL && contracts > 1)
        return run_config_error(matching->config, matching->key, why,
                                "%s: no column 'symbol', and the run has %u contracts; say whose each row is",
                                file->path, contracts);
    for (uint32_t i = 0; i < file->count; i++) {
        for (uint16_t n = 0; n < matching->instrument_count; n++) {
            if (!is_of(&file->entries[i], &matching->instruments[n]))
                continue;
            err_t err = add_row(matching, &file->entries[i], n, why);
            if (err != ERR_OK)
                return err;
        }
    }
    if (matching->count == 0)
        return run_config_error(matching->config, matching->key, why, "%s: no row is of a contract of this run",
                                file->path);
    qsort(matching->rows, matching->count, sizeof(*matching->rows), by_time);
    return drop_doubles(matching, why);
}

err_t funding_file_rows(const struct run_config *config, const char *key, const struct funding_file *file,
                        const struct instrument *instruments, uint16_t instrument_count, struct funding_row **rows,
                        uint32_t *count, struct err_text *why)
{
    struct matching matching = {
        .config = config, .key = key, .file = file, .instruments = instruments, .instrument_count = instrument_count};
    /* a symbol may be listed on several venues of the run */
    size_t most = 1;
    for (uint32_t i = 0; i < file->count; i++)
        for (uint16_t n = 0; n < instrument_count; n++)
            most += is_of(&file->entries[i], &instruments[n]);
    matching.rows = calloc(most, sizeof(*matching.rows));
    if (matching.rows == NULL)
        return err_say(why, ERR_NOMEM, "%s: out of memory", file->path);
    err_t err = match(&matching, why);
    if (err != ERR_OK) {
        free(matching.rows);
        return err;
    }
    *rows = matching.rows;
    *count = matching.count;
    return ERR_OK;
}
