#include "cli/config_latency.h"

#include "cli/config_tree.h"
#include "cli/latency_file.h"
#include "core/decimal.h"
#include "core/prng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE 64
/* Lanes draw apart: each is a connection of its own. */
#define STREAM_FEED 0x46454544

static const char *const model_names[] = {"constant", "lognormal", "empirical", "interpolated"};

static err_t no_memory(const struct run_config *config, struct err_text *why)
{
    return err_say(why, ERR_NOMEM, "%s: out of memory", config->path);
}

/* ---- what is made of the rows ---- */

static int by_length(const void *a, const void *b)
{
    const ns_t left = *(const ns_t *)a, right = *(const ns_t *)b;
    return (left > right) - (left < right);
}

static err_t make_samples(const struct run_config *config, const struct latency_row *rows, uint32_t count,
                          bool response, ns_t **samples, struct err_text *why)
{
    *samples = config_tree_alloc(config->tree, count * sizeof(ns_t));
    if (*samples == NULL)
        return no_memory(config, why);
    for (uint32_t i = 0; i < count; i++)
        (*samples)[i] = response ? rows[i].resp - rows[i].exch : rows[i].exch - rows[i].req;
    qsort(*samples, count, sizeof(ns_t), by_length);
    return ERR_OK;
}

static err_t read_requests(struct run_config *config, struct err_text *why)
{
    struct config_latency *latency = &config->venue.latency;
    struct latency_file file;
    err_t err = latency_file_read(config, "venue.latency.file", latency->file, LATENCY_FILE_REQUESTS, &file, why);
    if (err != ERR_OK)
        return err;
    latency->rows = file.rows;
    latency->row_count = file.row_count;
    memcpy(latency->file_hash, file.hash, sizeof(latency->file_hash));
    latency->accepted = config_tree_alloc(config->tree, file.row_count * sizeof(*latency->accepted));
    if (latency->accepted == NULL)
        return no_memory(config, why);
    latency->accepted_count = latency_rows_accepted(latency->rows, latency->row_count, latency->accepted);
    err = make_samples(config, latency->accepted, latency->accepted_count, false, &latency->entry_samples, why);
    if (err == ERR_OK)
        err = make_samples(config, latency->accepted, latency->accepted_count, true, &latency->response_samples, why);
    return err;
}

static err_t read_arrivals(struct run_config *config, struct err_text *why)
{
    struct config_feed_latency *latency = &config->feed.latency;
    struct latency_file file;
    err_t err = latency_file_read(config, "feed.latency.file", latency->file, LATENCY_FILE_FEED, &file, why);
    if (err != ERR_OK)
        return err;
    latency->rows = file.rows;
    latency->row_count = file.row_count;
    memcpy(latency->file_hash, file.hash, sizeof(latency->file_hash));
    return make_samples(config, latency->rows, latency->row_count, true, &latency->samples, why);
}

/* ---- the sections ---- */

/* The keys of one direction, and the model that they are for. */
struct side_keys {
    char delay[KEY_SIZE], min[KEY_SIZE], sigma[KEY_SIZE], burst[KEY_SIZE];
    const char *model_key;
    enum latency_kind model;
};

static bool written(const struct run_config *config, const char *key)
{
    const struct config_node *node = config_node_find(config->tree->root, key);
    return node != NULL && !node->null;
}

static err_t unused(const struct run_config *config, const char *key, const char *model, const char *model_key,
                    struct err_text *why)
{
    return run_config_error(config, key, why, "not used by model: %s; see %s", model, model_key);
}

static bool is_measured(enum latency_kind model)
{
    return model == LATENCY_EMPIRICAL || model == LATENCY_INTERPOLATED;
}

static err_t check_side(const struct run_config *config, struct config_latency_side *side,
                        const struct side_keys *keys, struct err_text *why)
{
    const enum latency_kind model = keys->model;
    const char *name = model_names[model];
    if (side->sigma.text != NULL) {
        if (model != LATENCY_LOGNORMAL)
            return unused(config, keys->sigma, name, keys->model_key, why);
        if (decimal_parse(side->sigma.text, strlen(side->sigma.text), 9, ROUND_EXACT, &side->sigma_1e9) != ERR_OK)
            return run_config_error(config, keys->sigma, why, "'%s' has more than 9 decimals", side->sigma.text);
    } else if (model == LATENCY_LOGNORMAL) {
        return run_config_error(config, keys->sigma, why,
                                "is missing: the log-normal model needs the deviation of the logarithm, such as 0.5");
    }
    if (side->min != 0 && model != LATENCY_LOGNORMAL)
        return unused(config, keys->min, name, keys->model_key, why);
    if (side->min > side->delay && model == LATENCY_LOGNORMAL)
        return run_config_error(config, keys->min, why, "the least latency is above the median, %s", keys->delay);
    if (side->burst != 0 && model != LATENCY_LOGNORMAL && model != LATENCY_EMPIRICAL)
        return unused(config, keys->burst, name, keys->model_key, why);
    if (side->burst != 0 && side->burst < LATENCY_TAU_MIN)
        return run_config_error(config, keys->burst, why, "expected 0s (no bursts) or at least 1us");
    if (side->delay != CONFIG_LATENCY_DEFAULT && written(config, keys->delay) && is_measured(model))
        return unused(config, keys->delay, name, keys->model_key, why);
    return ERR_OK;
}

static err_t check_order_side(struct run_config *config, struct config_latency_side *side, const char *name,
                              struct err_text *why)
{
    struct side_keys keys = {.model_key = "venue.latency.model", .model = config->venue.latency.model};
    snprintf(keys.delay, KEY_SIZE, "venue.latency.%s", name);
    snprintf(keys.min, KEY_SIZE, "venue.latency.%s_min", name);
    snprintf(keys.sigma, KEY_SIZE, "venue.latency.%s_sigma", name);
    snprintf(keys.burst, KEY_SIZE, "venue.latency.%s_burst", name);
    return check_side(config, side, &keys, why);
}

/* A measured model has a file, and the others have none. */
static err_t check_file(const struct run_config *config, const char *file, const char *key,
                        const struct side_keys *keys, enum latency_file_kind kind, const char *what,
                        struct err_text *why)
{
    if (!is_measured(keys->model))
        return file == NULL ? ERR_OK : unused(config, key, model_names[keys->model], keys->model_key, why);
    if (file == NULL)
        return run_config_error(config, key, why, "is missing: model: %s needs a CSV file of measured %s, %s",
                                model_names[keys->model], what, latency_file_header(kind));
    return ERR_OK;
}

static err_t read_venue(struct run_config *config, struct err_text *why)
{
    struct config_latency *latency = &config->venue.latency;
    const struct side_keys keys = {.model_key = "venue.latency.model", .model = latency->model};
    err_t err = check_order_side(config, &latency->entry, "entry", why);
    if (err == ERR_OK)
        err = check_order_side(config, &latency->response, "response", why);
    if (err == ERR_OK)
        err = check_file(config, latency->file, "venue.latency.file", &keys, LATENCY_FILE_REQUESTS, "requests", why);
    return err == ERR_OK && is_measured(latency->model) ? read_requests(config, why) : err;
}

static err_t read_feed(struct run_config *config, struct err_text *why)
{
    struct config_feed_latency *latency = &config->feed.latency;
    const struct config_latency_side *side = &latency->side;
    const struct side_keys keys = {.delay = "feed.latency.delay",
                                   .min = "feed.latency.min",
                                   .sigma = "feed.latency.sigma",
                                   .burst = "feed.latency.burst",
                                   .model_key = "feed.latency.model",
                                   .model = config_feed_latency_kind(latency)};
    if (latency->model != FEED_LATENCY_TAPE) {
        err_t err = check_side(config, &latency->side, &keys, why);
        if (err == ERR_OK)
            err = check_file(config, latency->file, "feed.latency.file", &keys, LATENCY_FILE_FEED, "arrivals", why);
        return err == ERR_OK && is_measured(keys.model) ? read_arrivals(config, why) : err;
    }
    const char *alien = side->sigma.text != NULL                                               ? keys.sigma
                        : side->min != 0                                                       ? keys.min
                        : side->burst != 0                                                     ? keys.burst
                        : latency->file != NULL                                                ? "feed.latency.file"
                        : side->delay != CONFIG_LATENCY_DEFAULT && written(config, keys.delay) ? keys.delay
                                                                                               : NULL;
    return alien == NULL ? ERR_OK : unused(config, alien, "tape", keys.model_key, why);
}

err_t config_latency_read(struct run_config *config, struct err_text *why)
{
    err_t err = read_venue(config, why);
    return err == ERR_OK ? read_feed(config, why) : err;
}

/* ---- the models ---- */

/* What a direction is made of. */
struct material {
    enum latency_kind model;
    const struct config_latency_side *side;
    const struct latency_row *rows;
    uint32_t row_count;
    const ns_t *samples;
    uint32_t sample_count;
};

static struct latency_direction direction(const struct material *of)
{
    switch (of->model) {
    case LATENCY_CONSTANT:
        return (struct latency_direction){.kind = LATENCY_CONSTANT, .value = of->side->delay};
    case LATENCY_LOGNORMAL:
        return (struct latency_direction){.kind = LATENCY_LOGNORMAL,
                                          .value = of->side->delay - of->side->min,
                                          .min = of->side->min,
                                          .sigma = of->side->sigma_1e9,
                                          .tau = of->side->burst};
    case LATENCY_EMPIRICAL:
        return (struct latency_direction){.kind = LATENCY_EMPIRICAL,
                                          .tau = of->side->burst,
                                          .samples = of->samples,
                                          .sample_count = of->sample_count};
    case LATENCY_INTERPOLATED:
        break;
    }
    return (struct latency_direction){.kind = LATENCY_INTERPOLATED, .rows = of->rows, .row_count = of->row_count};
}

err_t run_config_latency(const struct run_config *config, struct latency_model *model, struct err_text *why)
{
    const struct config_latency *latency = &config->venue.latency;
    const struct material entry = {latency->model,     &latency->entry,        latency->rows,
                                   latency->row_count, latency->entry_samples, latency->accepted_count};
    const struct material response = {latency->model,          &latency->response,        latency->accepted,
                                      latency->accepted_count, latency->response_samples, latency->accepted_count};
    const struct latency_config made = {
        .seed = config->seed, .entry = direction(&entry), .response = direction(&response)};
    struct err_text inner = {0};
    if (latency_model_init(model, &made, &inner) != ERR_OK)
        return run_config_error(config, "venue.latency", why, "%s", inner.text);
    return ERR_OK;
}

enum latency_kind config_feed_latency_kind(const struct config_feed_latency *latency)
{
    return latency->model == FEED_LATENCY_TAPE ? LATENCY_CONSTANT : (enum latency_kind)(latency->model - 1);
}

err_t run_config_feed_latency(const struct run_config *config, uint16_t lane, struct latency_model *model,
                              struct err_text *why)
{
    const struct config_feed_latency *latency = &config->feed.latency;
    const struct material response = {config_feed_latency_kind(latency),
                                      &latency->side,
                                      latency->rows,
                                      latency->row_count,
                                      latency->samples,
                                      latency->row_count};
    /* market data come one way only: the answers of a request that nobody sent */
    const struct latency_config made = {.seed = prng_at(config->seed, STREAM_FEED, lane, 0),
                                        .entry = {.kind = LATENCY_CONSTANT},
                                        .response = direction(&response)};
    struct err_text inner = {0};
    if (latency_model_init(model, &made, &inner) != ERR_OK)
        return run_config_error(config, "feed.latency", why, "%s", inner.text);
    return ERR_OK;
}
