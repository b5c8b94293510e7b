#include "cli/config.h"

#include "cli/config_params.h"
#include "cli/config_read.h"
#include "cli/config_tree.h"
#include "cli/strategy_registry.h"
#include "cli/suggest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static err_t say_file(struct err_text *why, const char *path, int error)
{
    err_t code = error == ENOENT || error == ENOTDIR ? ERR_NOTFOUND : error == EACCES ? ERR_PERMISSION : ERR_IO;
    return err_say(why, code, "%s: %s", path, strerror(error));
}

static err_t read_file(const char *path, char **text, size_t *size, struct err_text *why)
{
    struct stat status;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return say_file(why, path, errno);
    if (fstat(fileno(file), &status) != 0 || S_ISDIR(status.st_mode)) {
        fclose(file);
        return say_file(why, path, S_ISDIR(status.st_mode) ? EISDIR : EIO);
    }
    char *buffer = malloc(CONFIG_BYTES_MAX + 1); /* one byte more than allowed: too large is told by the parser */
    if (buffer == NULL) {
        fclose(file);
        return err_say(why, ERR_NOMEM, "%s: out of memory", path);
    }
    size_t got = fread(buffer, 1, CONFIG_BYTES_MAX + 1, file);
    int error = ferror(file) != 0 ? errno : 0;
    fclose(file);
    if (error != 0) {
        free(buffer);
        return say_file(why, path, error);
    }
    *text = buffer;
    *size = got;
    return ERR_OK;
}

/* --tape: a list of its own in place of feed.tapes; its items are named "--tape" in messages. */
static err_t set_tapes(struct config_tree *tree, const struct option_list *tapes, struct err_text *why)
{
    err_t err = config_tree_set(tree, "feed.tapes=[]", why);
    if (err != ERR_OK)
        return err;
    struct config_node *feed = config_node_child(tree->root, "feed", 4);
    struct config_node *list = config_node_child(feed, "tapes", 5), *synth = config_node_child(feed, "synth", 5);
    if (synth != NULL)
        config_node_remove(feed, synth);
    for (size_t i = 0; i < tapes->count; i++) {
        struct config_node *node = config_tree_alloc(tree, sizeof(*node));
        struct config_source *source = config_tree_source(tree, "--tape", tapes->items[i], strlen(tapes->items[i]));
        if (node == NULL || source == NULL)
            return err_say(why, ERR_NOMEM, "out of memory");
        source->is_set = true;
        node->source = source;
        node->text = source->text;
        node->text_size = node->size = source->size;
        config_node_append(list, node);
    }
    return ERR_OK;
}

static err_t apply_options(struct config_tree *tree, const struct config_options *options, struct err_text *why)
{
    err_t err = ERR_OK;
    for (size_t i = 0; options->sets != NULL && err == ERR_OK && i < options->sets->count; i++)
        err = config_tree_set(tree, options->sets->items[i], why);
    if (err == ERR_OK && options->tapes != NULL && options->tapes->count > 0)
        err = set_tapes(tree, options->tapes, why);
    return err;
}

static err_t parse_tree(struct run_config *config, const char *path, const char *text, size_t size,
                        const struct config_options *options, struct err_text *why)
{
    struct config_tree *tree = config->tree;
    struct config_source *source = config_tree_source(tree, path, text, size);
    char *directory = config_tree_copy(tree, path, strlen(path));
    struct config_node *root = NULL;
    if (source == NULL || directory == NULL)
        return err_say(why, ERR_NOMEM, "%s: out of memory", path);
    config->path = source->name;
    char *slash = strrchr(directory, '/');
    if (slash == directory)
        directory[1] = '\0';
    else if (slash != NULL)
        *slash = '\0';
    else
        directory[0] = '\0';

    err_t err = config_yaml_parse(tree, source, 0, &root, why);
    if (err != ERR_OK)
        return err;
    if (root != NULL && !root->null) {
        if (root->kind != CONFIG_NODE_MAP)
            return config_say_at(why, source, root->at, root->size, "expected key: value lines");
        tree->root = root;
    }
    tree->root->source = source;
    if (options != NULL && (err = apply_options(tree, options, why)) != ERR_OK)
        return err;
    config->recording = options != NULL && options->recording;
    if ((err = config_read(config, directory, why)) != ERR_OK)
        return err;
    return config_write(config, why);
}

err_t run_config_parse(struct run_config **config, const char *path, const char *text, size_t size,
                       const struct config_options *options, struct err_text *why)
{
    struct run_config *made = calloc(1, sizeof(*made));
    if (made == NULL || (made->tree = config_tree_new()) == NULL) {
        free(made);
        return err_say(why, ERR_NOMEM, "%s: out of memory", path);
    }
    err_t err = parse_tree(made, path, text, size, options, why);
    if (err != ERR_OK) {
        run_config_free(made);
        return err;
    }
    *config = made;
    return ERR_OK;
}

err_t run_config_load(struct run_config **config, const char *path, const struct config_options *options,
                      struct err_text *why)
{
    char *text = NULL;
    size_t size = 0;
    err_t err = read_file(path, &text, &size, why);
    if (err == ERR_OK)
        err = run_config_parse(config, path, text, size, options, why);
    free(text);
    return err;
}

void run_config_free(struct run_config *config)
{
    if (config == NULL)
        return;
    config_params_free(config);
    strategy_unload(config->library);
    config_tree_free(config->tree);
    free(config);
}

err_t run_config_error(const struct run_config *config, const char *key, struct err_text *why, const char *fmt, ...)
{
    char message[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    const struct config_node *node = config_node_find(config->tree->root, key);
    if (node != NULL)
        return config_say(why, node, node->kind == CONFIG_NODE_SCALAR ? CONFIG_VALUE : CONFIG_KEY, "%s", message);
    return err_say(why, ERR_CONFIG, "%s: %s: %s", config->path, key, message);
}

err_t run_config_check_files(const struct run_config *config, struct err_text *why)
{
    for (uint32_t i = 0; i < config->feed.tape_count; i++) {
        const char *path = config->feed.tapes[i];
        struct stat status;
        char key[48];
        snprintf(key, sizeof(key), "feed.tapes[%u]", i);
        const struct config_node *node = config_node_find(config->tree->root, key);
        if (config->mode == RUN_PAPER && node != NULL && !node->source->is_set)
            continue; /* for mode backtest: a session listens, unless the command line gives it one */
        if (access(path, R_OK) != 0 || stat(path, &status) != 0)
            return run_config_error(config, key, why,
                                    "%s: %s (--tape FILE names another one, 'tapedeck synth FILE' makes one)", path,
                                    strerror(errno));
        if (S_ISDIR(status.st_mode))
            return run_config_error(config, key, why, "%s: is a folder, expected a tape file", path);
    }
    return ERR_OK;
}

/* ---- instruments and limits ---- */

bool config_instrument_matches(const struct config_instrument *entry, const struct instrument *instrument)
{
    return strcmp(entry->symbol, instrument->symbol) == 0 &&
           (entry->venue == NULL || strcmp(entry->venue, instrument->venue) == 0);
}

struct entry_ref {
    const struct run_config *config;
    uint32_t index;
    const struct instrument *instrument;
    struct err_text *why;
};

/* The text was checked when the config was read; what can fail here is the fit to the instrument's scale. */
static err_t take_decimal(const struct entry_ref *ref, const char *name, const struct config_decimal *decimal,
                          unsigned decimals, int64_t *value)
{
    char key[64];
    if (decimal->text == NULL)
        return ERR_OK;
    err_t err = decimal_parse(decimal->text, strlen(decimal->text), decimals, ROUND_EXACT, value);
    if (err == ERR_OK)
        return ERR_OK;
    snprintf(key, sizeof(key), "instruments[%u].%s", ref->index, name);
    return run_config_error(ref->config, key, ref->why, "expected at most %u decimals for %s, got '%s'%s", decimals,
                            ref->instrument->symbol, decimal->text, err == ERR_RANGE ? " (out of range)" : "");
}

static err_t apply_entry(const struct entry_ref *ref, const struct config_instrument *entry,
                         struct instrument *instrument)
{
    px_t tick = 0;
    err_t err;
    if (entry->maker_fee.set)
        instrument->maker_fee = entry->maker_fee.value;
    if (entry->taker_fee.set)
        instrument->taker_fee = entry->taker_fee.value;
    if ((err = take_decimal(ref, "tick", &entry->tick, instrument->price_decimals, &tick)) != ERR_OK ||
        (err = take_decimal(ref, "lot", &entry->lot, instrument->qty_decimals, &instrument->lot)) != ERR_OK ||
        (err = take_decimal(ref, "qty_min", &entry->qty_min, instrument->qty_decimals, &instrument->qty_min)) !=
            ERR_OK)
        return err;
    if (entry->tick.text != NULL)
        instrument_set_tick(instrument, tick);
    if (entry->notional_min.text == NULL)
        return ERR_OK;
    unsigned decimals = (unsigned)instrument->price_decimals + instrument->qty_decimals;
    err = decimal_parse_money(entry->notional_min.text, strlen(entry->notional_min.text), decimals, ROUND_EXACT,
                              &instrument->notional_min);
    if (err == ERR_OK)
        return ERR_OK;
    char key[64];
    snprintf(key, sizeof(key), "instruments[%u].notional_min", ref->index);
    return run_config_error(ref->config, key, ref->why, "expected at most %u decimals for %s, got '%s'", decimals,
                            instrument->symbol, entry->notional_min.text);
}

err_t run_config_apply_instrument(const struct run_config *config, struct instrument *instrument,
                                  struct err_text *why)
{
    if (config->venue.maker_fee.set)
        instrument->maker_fee = config->venue.maker_fee.value;
    if (config->venue.taker_fee.set)
        instrument->taker_fee = config->venue.taker_fee.value;
    instrument->fee_received = config->venue.spot_fee == SPOT_FEE_RECEIVED;
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        struct entry_ref ref = {config, i, instrument, why};
        if (!config_instrument_matches(&config->instruments[i], instrument))
            continue;
        err_t err = apply_entry(&ref, &config->instruments[i], instrument);
        if (err != ERR_OK)
            return err;
        struct err_text inner = {0};
        if (instrument_check(instrument, &inner) != ERR_OK) {
            char key[48];
            snprintf(key, sizeof(key), "instruments[%u]", i);
            return run_config_error(config, key, why, "%s", inner.text);
        }
    }
    return ERR_OK;
}

unsigned run_config_overrides(const struct run_config *config, const struct instrument *instrument)
{
    unsigned set = (config->venue.maker_fee.set ? CONFIG_SETS_MAKER_FEE : 0u) |
                   (config->venue.taker_fee.set ? CONFIG_SETS_TAKER_FEE : 0u);
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        const struct config_instrument *entry = &config->instruments[i];
        if (!config_instrument_matches(entry, instrument))
            continue;
        set |= (entry->lot.text != NULL ? CONFIG_SETS_LOT : 0u) |
               (entry->qty_min.text != NULL ? CONFIG_SETS_QTY_MIN : 0u) |
               (entry->notional_min.text != NULL ? CONFIG_SETS_NOTIONAL_MIN : 0u) |
               (entry->maker_fee.set ? CONFIG_SETS_MAKER_FEE : 0u) |
               (entry->taker_fee.set ? CONFIG_SETS_TAKER_FEE : 0u);
    }
    return set;
}

err_t run_config_match_instruments(const struct run_config *config, const struct instrument *instruments,
                                   uint32_t instrument_count, struct err_text *why)
{
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        const struct config_instrument *entry = &config->instruments[i];
        bool found = false;
        struct suggestion suggestion;
        char hint[128], key[64];
        suggest_start(&suggestion, entry->symbol, strlen(entry->symbol));
        for (uint32_t j = 0; j < instrument_count && !found; j++) {
            found = config_instrument_matches(entry, &instruments[j]);
            suggest_offer(&suggestion, instruments[j].symbol);
        }
        if (found)
            continue;
        snprintf(key, sizeof(key), "instruments[%u].symbol", i);
        return run_config_error(config, key, why, "no instrument '%s'%s%s in this run's market data%s", entry->symbol,
                                entry->venue != NULL ? " of venue " : "", entry->venue != NULL ? entry->venue : "",
                                suggest_text(&suggestion, hint));
    }
    return ERR_OK;
}

err_t run_config_risk_limits(const struct run_config *config, const struct instrument *instrument,
                             struct risk_limits *limits, struct err_text *why)
{
    const struct config_risk *risk = &config->risk;
    struct risk_limits made = {
        .order_notional_max = risk->order_notional_max.value,
        .open_orders_max = risk->open_orders_max,
        .orders_per_second_max = risk->orders_per_second_max,
        .collar_bp = risk->price_collar_bp,
        .daily_loss_max = risk->daily_loss_max.value,
        .kill_reset_daily = risk->kill_reset_daily,
        .refuse_stale = risk->stale_books == RISK_STALE_REFUSE,
    };
    if (risk->position_max.text != NULL) {
        /* A limit finer than the instrument's quantity means the largest quantity below it. */
        err_t err = decimal_parse(risk->position_max.text, strlen(risk->position_max.text), instrument->qty_decimals,
                                  ROUND_DOWN, &made.position_max);
        if (err != ERR_OK)
            return run_config_error(config, "risk.position_max", why, "'%s' does not fit the quantities of %s",
                                    risk->position_max.text, instrument->symbol);
        if (made.position_max == 0 && strcmp(risk->position_max.text, "0") != 0)
            return run_config_error(config, "risk.position_max", why,
                                    "'%s' is less than the smallest quantity of %s: it would mean no limit",
                                    risk->position_max.text, instrument->symbol);
    }
    *limits = made;
    return ERR_OK;
}
