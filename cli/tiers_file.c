#include "cli/tiers_file.h"

#include "adapters/json.h"
#include "cli/config_file.h"
#include "cli/config_tree.h"
#include "cli/csv_text.h"
#include "core/digest.h"

#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)16 << 20)
#define SYMBOLS_MAX    4096

struct piece {
    const char *text; /* NULL: not there */
    size_t size;
};

/* One tier as written. */
struct row {
    struct piece floor, rate, leverage, cap, cum;
};

struct reading {
    const struct run_config *config;
    const char *key, *path;
    struct tiers_file *file;
    struct tiers_entry *entry;
    money_t cap;   /* of the tier before, 0: not written */
    uint32_t line; /* 0: JSON */
    struct json *inner;
    struct json_shape tier_shape;
    struct json_value tier[8];
};

/* ---- one tier ---- */

static err_t bad(const struct reading *reading, const char *what, const char *text, struct err_text *why)
{
    const char *symbol = reading->entry->symbol;
    const uint32_t number = reading->entry->tiers.count + 1;
    if (reading->line != 0)
        return run_config_error(reading->config, reading->key, why, "%s:%u: %s: %s%s", reading->path, reading->line,
                                symbol, what, text);
    return run_config_error(reading->config, reading->key, why, "%s: %s, tier %u: %s%s", reading->path, symbol,
                            number, what, text);
}

static err_t amount(const struct reading *reading, const char *name, const struct piece *piece, unsigned decimals,
                    money_t *value, struct err_text *why)
{
    *value = 0;
    if (piece->text == NULL || piece->size == 0)
        return ERR_OK;
    err_t err = decimal_parse_money(piece->text, piece->size, decimals, ROUND_HALF_EVEN, value);
    if (err == ERR_OK && *value >= 0)
        return ERR_OK;
    return bad(reading, name, " is no amount that fits", why);
}

static err_t add_tier(struct reading *reading, const struct row *row, struct err_text *why)
{
    struct margin_tiers *tiers = &reading->entry->tiers;
    struct margin_tier tier = {.floor = 0};
    money_t rate, leverage, cap;
    if (tiers->count == MARGIN_TIERS_MAX)
        return bad(reading, "more tiers than are kept (40)", "", why);
    err_t err = amount(reading, "floor", &row->floor, MONEY_DECIMALS, &tier.floor, why);
    if (err == ERR_OK)
        err = amount(reading, "rate", &row->rate, FEE_DECIMALS, &rate, why);
    if (err == ERR_OK)
        err = amount(reading, "leverage", &row->leverage, LEVERAGE_DECIMALS, &leverage, why);
    if (err == ERR_OK)
        err = amount(reading, "cap", &row->cap, MONEY_DECIMALS, &cap, why);
    if (err == ERR_OK)
        err = amount(reading, "cum", &row->cum, MONEY_DECIMALS, &tier.cum, why);
    if (err != ERR_OK)
        return err;
    if (tiers->count > 0 && reading->cap != 0 && reading->cap != tier.floor)
        return bad(reading, "begins where the tier before it does not end", "", why);
    if (rate > INT64_MAX || leverage > LEVERAGE_MAX)
        return bad(reading, "the rate or the leverage is out of range", "", why);
    tier.rate = (int64_t)rate;
    tier.leverage_max = (int64_t)leverage;
    tiers->at[tiers->count++] = tier;
    reading->cap = cap;
    return ERR_OK;
}

/* The symbol's tiers are all there. */
static err_t end_entry(struct reading *reading, struct err_text *why)
{
    struct err_text inner = {0};
    uint32_t number;
    if (reading->entry == NULL)
        return ERR_OK;
    reading->entry->tiers.cap = reading->cap;
    if (margin_tiers_complete(&reading->entry->tiers, &number, &inner) == ERR_OK)
        return ERR_OK;
    return run_config_error(reading->config, reading->key, why, "%s: %s, tier %u: %s", reading->path,
                            reading->entry->symbol, number + 1, inner.text);
}

static err_t begin_entry(struct reading *reading, const char *symbol, size_t size, struct err_text *why)
{
    struct tiers_file *file = reading->file;
    err_t err = end_entry(reading, why);
    if (err != ERR_OK)
        return err;
    if (size == 0 || size >= SYMBOL_SIZE)
        return run_config_error(reading->config, reading->key, why, "%s: '%.*s' is no symbol", reading->path,
                                size > 60 ? 60 : (int)size, symbol);
    struct tiers_entry *entry = &file->entries[file->count];
    memcpy(entry->symbol, symbol, size);
    entry->symbol[size] = '\0';
    if (tiers_file_find(file, entry->symbol) != NULL)
        return run_config_error(reading->config, reading->key, why, "%s: %s is there twice", reading->path,
                                entry->symbol);
    if (file->count == SYMBOLS_MAX)
        return run_config_error(reading->config, reading->key, why, "%s: more than %d symbols", reading->path,
                                SYMBOLS_MAX);
    file->count++;
    reading->entry = entry;
    reading->cap = 0;
    return ERR_OK;
}

/* ---- CSV ---- */

static err_t read_csv(struct reading *reading, const struct config_text *text, struct err_text *why)
{
    static const char *const names[] = {"symbol", "floor", "rate", "leverage", "cap", "cum"};
    struct csv_text csv = {.path = reading->path,
                           .at = text->bytes,
                           .end = text->bytes + text->size,
                           .names = names,
                           .count = ARRAY_LEN(names),
                           .required = 3};
    struct csv_field fields[ARRAY_LEN(names)];
    struct err_text inner = {0};
    err_t err = csv_header(&csv, &inner);
    while (err == ERR_OK && (err = csv_row(&csv, fields, &inner)) == ERR_OK) {
        reading->line = csv.line;
        const bool same = reading->entry != NULL && strlen(reading->entry->symbol) == fields[0].size &&
                          memcmp(reading->entry->symbol, fields[0].text, fields[0].size) == 0;
        err_t inside = same ? ERR_OK : begin_entry(reading, fields[0].text, fields[0].size, why);
        const struct row row = {.floor = {fields[1].text, fields[1].size},
                                .rate = {fields[2].text, fields[2].size},
                                .leverage = {fields[3].text, fields[3].size},
                                .cap = {fields[4].text, fields[4].size},
                                .cum = {fields[5].text, fields[5].size}};
        if (inside == ERR_OK)
            inside = add_tier(reading, &row, why);
        if (inside != ERR_OK)
            return inside;
    }
    return err == ERR_END ? ERR_OK : run_config_error(reading->config, reading->key, why, "%s", inner.text);
}

/* ---- JSON ---- */

enum { SYMBOL, BRACKETS };
enum { LEVERAGE, FLOOR, CAP, QTY_FLOOR, QTY_CAP, RATE, CUM };

static struct piece either(const struct json_value *one, const struct json_value *other)
{
    const struct json_value *value = one->kind != JSON_ABSENT ? one : other;
    const bool number = value->kind == JSON_NUMBER || value->kind == JSON_STRING;
    return (struct piece){number ? value->text : NULL, number ? value->size : 0};
}

static err_t take_tier(void *context, const struct json_value *values, struct err_text *why)
{
    struct reading *reading = context;
    const struct row row = {.floor = either(&values[FLOOR], &values[QTY_FLOOR]),
                            .rate = either(&values[RATE], &values[RATE]),
                            .leverage = either(&values[LEVERAGE], &values[LEVERAGE]),
                            .cap = either(&values[CAP], &values[QTY_CAP]),
                            .cum = either(&values[CUM], &values[CUM])};
    if (row.floor.text == NULL || row.rate.text == NULL)
        return bad(reading, "notionalFloor (or qtyFloor) and maintMarginRatio are expected", "", why);
    return add_tier(reading, &row, why);
}

static err_t take_symbol(void *context, const struct json_value *values, struct err_text *why)
{
    struct reading *reading = context;
    if (values[SYMBOL].kind != JSON_STRING || values[BRACKETS].kind != JSON_ARRAY)
        return run_config_error(reading->config, reading->key, why,
                                "%s: expected [{\"symbol\":...,\"brackets\":[...]}, ...]", reading->path);
    err_t err = begin_entry(reading, values[SYMBOL].text, values[SYMBOL].size, why);
    return err != ERR_OK ? err
                         : json_rows(reading->inner, values[BRACKETS].text, values[BRACKETS].size,
                                     &reading->tier_shape, reading->tier, take_tier, reading, why);
}

static err_t read_json(struct reading *reading, const struct config_text *text, struct err_text *why)
{
    static const char *const symbol_names[] = {"symbol", "brackets"};
    static const char *const tier_names[] = {"initialLeverage", "notionalFloor",    "notionalCap", "qtyFloor",
                                             "qtyCap",          "maintMarginRatio", "cum"};
    struct json_shape shape;
    struct json_value values[ARRAY_LEN(symbol_names)];
    struct json *outer = NULL;
    struct err_text inner = {0};
    char *padded = calloc(1, text->size + JSON_PADDING);
    json_shape_init(&shape, symbol_names, ARRAY_LEN(symbol_names), NULL);
    json_shape_init(&reading->tier_shape, tier_names, ARRAY_LEN(tier_names), NULL);
    err_t err = padded == NULL ? ERR_NOMEM : json_open(text->size, &outer);
    if (err == ERR_OK)
        err = json_open(text->size, &reading->inner);
    if (err == ERR_OK) {
        memcpy(padded, text->bytes, text->size);
        err = json_rows(outer, padded, text->size, &shape, values, take_symbol, reading, &inner);
    }
    json_close(outer);
    json_close(reading->inner);
    free(padded);
    if (err == ERR_OK || err == ERR_NOMEM)
        return err;
    /* what the rows said names the place already */
    if (err == ERR_CONFIG)
        return err_say(why, err, "%s", inner.text);
    return run_config_error(reading->config, reading->key, why, "%s: %s", reading->path, inner.text);
}

/* ---- the file ---- */

const struct margin_tiers *tiers_file_find(const struct tiers_file *file, const char *symbol)
{
    for (uint32_t i = 0; i < file->count; i++)
        if (strcmp(file->entries[i].symbol, symbol) == 0)
            return &file->entries[i].tiers;
    return NULL;
}

/* At most so many symbols: each is named once, as a word or a line of its own. */
static uint32_t symbols_most(const struct config_text *text, bool json)
{
    uint32_t count = 2;
    for (const char *at = text->bytes; at < text->bytes + text->size; at++)
        count += *at == (json ? '[' : '\n');
    return count < SYMBOLS_MAX ? count : SYMBOLS_MAX + 1;
}

err_t tiers_file_read(const struct run_config *config, const char *key, const char *path, struct tiers_file *file,
                      struct err_text *why)
{
    struct config_text text = {0};
    struct reading reading = {.config = config, .key = key, .path = path, .file = file};
    *file = (struct tiers_file){0};
    err_t err = config_file_read(config, key, path, FILE_BYTES_MAX, false, &text, why);
    if (err != ERR_OK)
        return err;
    const bool json = json_peek(text.bytes, text.size) == JSON_ARRAY;
    file->entries = config_tree_alloc(config->tree, (symbols_most(&text, json) + 1) * sizeof(*file->entries));
    if (file->entries == NULL)
        err = err_say(why, ERR_NOMEM, "%s: out of memory", path);
    if (err == ERR_OK)
        err = json ? read_json(&reading, &text, why) : read_csv(&reading, &text, why);
    if (err == ERR_OK)
        err = end_entry(&reading, why);
    if (err == ERR_OK && file->count == 0)
        err = run_config_error(config, key, why, "%s: no symbol in it", path);
    struct digest digest;
    digest_init(&digest, 0);
    digest_bytes(&digest, text.bytes, text.size);
    digest_text(digest_value(&digest), file->hash);
    free(text.bytes);
    return err;
}
