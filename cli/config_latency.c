#include "cli/config_latency.h"

#include "cli/config_tree.h"
#include "core/decimal.h"
#include "core/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (256u << 20)
#define HEADER         "req,exch,resp"
#define FILE_KEY       "venue.latency.file"

static const char *const model_names[] = {"constant", "lognormal", "empirical", "interpolated"};

struct text {
    char *bytes;
    size_t size;
};

static err_t no_memory(const struct run_config *config, struct err_text *why)
{
    return err_say(why, ERR_NOMEM, "%s: out of memory", config->path);
}

static err_t read_text(const struct run_config *config, struct text *text, struct err_text *why)
{
    const char *path = config->venue.latency.file;
    struct stat status;
    if (stat(path, &status) != 0)
        return run_config_error(config, FILE_KEY, why, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return run_config_error(config, FILE_KEY, why, "%s: expected a CSV file", path);
    if (status.st_size > FILE_BYTES_MAX)
        return run_config_error(config, FILE_KEY, why, "%s: larger than 256 MiB; leave rows out", path);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return run_config_error(config, FILE_KEY, why, "%s: %s", path, strerror(errno));
    const size_t room = (size_t)status.st_size;
    text->bytes = malloc(room + 1);
    text->size = text->bytes != NULL ? fread(text->bytes, 1, room, file) : 0;
    const bool failed = ferror(file) != 0;
    fclose(file);
    if (text->bytes == NULL)
        return no_memory(config, why);
    if (failed || text->size != room) {
        free(text->bytes);
        return run_config_error(config, FILE_KEY, why, "%s: could not be read whole", path);
    }
    return ERR_OK;
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

static err_t read_row(const struct run_config *config, const struct lines *lines, struct latency_row *row,
                      struct err_text *why)
{
    static const char *const names[] = {"req", "exch", "resp"};
    ns_t *const fields[] = {&row->req, &row->exch, &row->resp};
    const char *at = lines->line, *end = lines->line + lines->size;
    for (int i = 0; i < 3; i++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        if ((comma == NULL) != (i == 2))
            return run_config_error(config, FILE_KEY, why, "%s:%u: expected three stamps: " HEADER ", got '%.*s'",
                                    config->venue.latency.file, lines->number,
                                    lines->size > 80 ? 80 : (int)lines->size, lines->line);
        const size_t size = (size_t)((comma != NULL ? comma : end) - at);
        const err_t err = decimal_parse(at, size, 0, ROUND_EXACT, fields[i]);
        if (err != ERR_OK)
            return run_config_error(
                config, FILE_KEY, why, "%s:%u: %s: expected whole nanoseconds since 1970, got '%.*s'",
                config->venue.latency.file, lines->number, names[i], size > 40 ? 40 : (int)size, at);
        at += size + 1;
    }
    return ERR_OK;
}

static uint32_t count_lines(const struct text *text)
{
    uint32_t count = 1;
    for (size_t i = 0; i < text->size; i++)
        count += text->bytes[i] == '\n';
    return count;
}

static err_t parse_rows(struct run_config *config, const struct text *text, uint32_t *numbers, struct err_text *why)
{
    struct config_latency *latency = &config->venue.latency;
    struct lines lines = {.at = text->bytes, .end = text->bytes + text->size};
    if (!next_line(&lines) || lines.size != strlen(HEADER) || memcmp(lines.line, HEADER, lines.size) != 0)
        return run_config_error(config, FILE_KEY, why, "%s:%u: expected the line '" HEADER "' first", latency->file,
                                lines.number > 0 ? lines.number : 1);
    while (next_line(&lines)) {
        err_t err = read_row(config, &lines, &latency->rows[latency->row_count], why);
        if (err != ERR_OK)
            return err;
        numbers[latency->row_count++] = lines.number;
    }
    uint32_t bad;
    struct err_text inner = {0};
    if (latency_rows_check(latency->rows, latency->row_count, &bad, &inner) != ERR_OK)
        return run_config_error(config, FILE_KEY, why, "%s:%u: %s", latency->file,
                                latency->row_count > 0 ? numbers[bad] : lines.number, inner.text);
    latency->accepted_count = latency_rows_accepted(latency->rows, latency->row_count, latency->accepted);
    return ERR_OK;
}

/* ---- what is made of the rows ---- */

static int by_length(const void *a, const void *b)
{
    const ns_t left = *(const ns_t *)a, right = *(const ns_t *)b;
    return (left > right) - (left < right);
}

static void make_samples(struct config_latency *latency)
{
    for (uint32_t i = 0; i < latency->accepted_count; i++) {
        const struct latency_row *row = &latency->accepted[i];
        latency->entry_samples[i] = row->exch - row->req;
        latency->response_samples[i] = row->resp - row->exch;
    }
    qsort(latency->entry_samples, latency->accepted_count, sizeof(ns_t), by_length);
    qsort(latency->response_samples, latency->accepted_count, sizeof(ns_t), by_length);
}

static err_t read_rows(struct run_config *config, struct err_text *why)
{
    struct config_latency *latency = &config->venue.latency;
    struct text text = {0};
    struct digest digest;
    err_t err = read_text(config, &text, why);
    if (err != ERR_OK)
        return err;
    const size_t room = count_lines(&text);
    uint32_t *numbers = malloc(room * sizeof(*numbers));
    latency->rows = config_tree_alloc(config->tree, room * sizeof(*latency->rows));
    latency->accepted = config_tree_alloc(config->tree, room * sizeof(*latency->accepted));
    latency->entry_samples = config_tree_alloc(config->tree, room * sizeof(ns_t));
    latency->response_samples = config_tree_alloc(config->tree, room * sizeof(ns_t));
    if (numbers == NULL || latency->rows == NULL || latency->accepted == NULL || latency->entry_samples == NULL ||
        latency->response_samples == NULL)
        err = no_memory(config, why);
    else
        err = parse_rows(config, &text, numbers, why);
    if (err == ERR_OK) {
        make_samples(latency);
        digest_init(&digest, 0);
        for (uint32_t i = 0; i < latency->row_count; i++) {
            digest_u64(&digest, (uint64_t)latency->rows[i].req);
            digest_u64(&digest, (uint64_t)latency->rows[i].exch);
            digest_u64(&digest, (uint64_t)latency->rows[i].resp);
        }
        digest_text(digest_value(&digest), latency->file_hash);
    }
    free(numbers);
    free(text.bytes);
    return err;
}

/* ---- the section ---- */

static bool written(const struct run_config *config, const char *key)
{
    const struct config_node *node = config_node_find(config->tree->root, key);
    return node != NULL && !node->null;
}

static err_t unused(const struct run_config *config, const char *key, struct err_text *why)
{
    return run_config_error(config, key, why, "not used by model: %s; see venue.latency.model",
                            model_names[config->venue.latency.model]);
}

static err_t check_side(const struct run_config *config, struct config_latency_side *side, const char *name,
                        struct err_text *why)
{
    const enum latency_kind model = config->venue.latency.model;
    char delay[64], key[64];
    snprintf(delay, sizeof(delay), "venue.latency.%s", name);
    snprintf(key, sizeof(key), "venue.latency.%s_sigma", name);
    if (side->sigma.text != NULL) {
        if (model != LATENCY_LOGNORMAL)
            return unused(config, key, why);
        if (decimal_parse(side->sigma.text, strlen(side->sigma.text), 9, ROUND_EXACT, &side->sigma_1e9) != ERR_OK)
            return run_config_error(config, key, why, "'%s' has more than 9 decimals", side->sigma.text);
    } else if (model == LATENCY_LOGNORMAL) {
        return run_config_error(config, key, why,
                                "is missing: the log-normal model needs the deviation of the logarithm, such as 0.5");
    }
    snprintf(key, sizeof(key), "venue.latency.%s_min", name);
    if (side->min != 0 && model != LATENCY_LOGNORMAL)
        return unused(config, key, why);
    if (side->min > side->delay && model == LATENCY_LOGNORMAL)
        return run_config_error(config, key, why, "the least latency is above the median, %s", delay);
    snprintf(key, sizeof(key), "venue.latency.%s_burst", name);
    if (side->burst != 0 && model != LATENCY_LOGNORMAL && model != LATENCY_EMPIRICAL)
        return unused(config, key, why);
    if (side->burst != 0 && side->burst < LATENCY_TAU_MIN)
        return run_config_error(config, key, why, "expected 0s (no bursts) or at least 1us");
    if (side->delay != CONFIG_LATENCY_DEFAULT && written(config, delay) &&
        (model == LATENCY_EMPIRICAL || model == LATENCY_INTERPOLATED))
        return unused(config, delay, why);
    return ERR_OK;
}

err_t config_latency_read(struct run_config *config, struct err_text *why)
{
    struct config_latency *latency = &config->venue.latency;
    const bool measured = latency->model == LATENCY_EMPIRICAL || latency->model == LATENCY_INTERPOLATED;
    err_t err = check_side(config, &latency->entry, "entry", why);
    if (err == ERR_OK)
        err = check_side(config, &latency->response, "response", why);
    if (err != ERR_OK)
        return err;
    if (!measured)
        return latency->file != NULL ? unused(config, FILE_KEY, why) : ERR_OK;
    if (latency->file == NULL)
        return run_config_error(config, FILE_KEY, why,
                                "is missing: model: %s needs a CSV file of measured requests, " HEADER,
                                model_names[latency->model]);
    return read_rows(config, why);
}

static struct latency_direction direction(const struct config_latency *latency,
                                          const struct config_latency_side *side, bool response)
{
    switch (latency->model) {
    case LATENCY_CONSTANT:
        return (struct latency_direction){.kind = LATENCY_CONSTANT, .value = side->delay};
    case LATENCY_LOGNORMAL:
        return (struct latency_direction){.kind = LATENCY_LOGNORMAL,
                                          .value = side->delay - side->min,
                                          .min = side->min,
                                          .sigma = side->sigma_1e9,
                                          .tau = side->burst};
    case LATENCY_EMPIRICAL:
        return (struct latency_direction){.kind = LATENCY_EMPIRICAL,
                                          .tau = side->burst,
                                          .samples = response ? latency->response_samples : latency->entry_samples,
                                          .sample_count = latency->accepted_count};
    case LATENCY_INTERPOLATED:
        break;
    }
    return (struct latency_direction){.kind = LATENCY_INTERPOLATED,
                                      .rows = response ? latency->accepted : latency->rows,
                                      .row_count = response ? latency->accepted_count : latency->row_count};
}

err_t run_config_latency(const struct run_config *config, struct latency_model *model, struct err_text *why)
{
    const struct config_latency *latency = &config->venue.latency;
    const struct latency_config made = {.seed = config->seed,
                                        .entry = direction(latency, &latency->entry, false),
                                        .response = direction(latency, &latency->response, true)};
    struct err_text inner = {0};
    if (latency_model_init(model, &made, &inner) != ERR_OK)
        return run_config_error(config, "venue.latency", why, "%s", inner.text);
    return ERR_OK;
}
