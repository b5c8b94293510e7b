#include "cli/config_read.h"

#include "cli/config_faults.h"
#include "cli/config_impact.h"
#include "cli/config_latency.h"
#include "cli/config_params.h"
#include "cli/config_perp.h"
#include "cli/config_schema.h"
#include "cli/strategy_registry.h"
#include "cli/suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct run_config *config;
    const char *directory;
    struct err_text *why;
};

static err_t read_section(struct reader *reader, const char *prefix, const struct config_node *node, void *base);

static err_t no_memory(struct reader *reader)
{
    return err_say(reader->why, ERR_NOMEM, "%s: out of memory", reader->config->path);
}

static const char *kind_words(const struct config_node *node)
{
    return node->kind == CONFIG_NODE_MAP ? "a section" : node->kind == CONFIG_NODE_LIST ? "a list" : "a single value";
}

/* What the user wrote, short enough for a sentence. */
static const char *got(const struct config_node *node, char *text)
{
    if (node->kind != CONFIG_NODE_SCALAR)
        return strcpy(text, kind_words(node));
    if (node->null)
        return strcpy(text, "nothing");
    snprintf(text, 96, "'%.60s'%s", node->text, node->text_size > 60 ? "..." : "");
    return text;
}

static err_t wrong_value(struct reader *reader, const struct config_key *key, const struct config_node *node,
                         err_t cause)
{
    char expected[CONFIG_EXPECTED_SIZE], text[96];
    if (cause == ERR_NOMEM)
        return no_memory(reader);
    const char *detail = cause == ERR_RANGE       ? " (out of range)"
                         : cause == ERR_PRECISION ? " (more decimals than can be kept)"
                                                  : "";
    return config_say(reader->why, node, CONFIG_VALUE, "expected %s, got %s%s", config_value_expected(key, expected),
                      got(node, text), detail);
}

static err_t read_scalar(struct reader *reader, const struct config_key *key, const struct config_node *node,
                         void *base)
{
    struct config_tree *tree = reader->config->tree;
    if (node == NULL || node->null) {
        if (key->default_value == NULL)
            return ERR_OK;
        err_t err = config_value_parse(key, key->default_value, strlen(key->default_value), tree, "", base);
        ASSERT(err == ERR_OK || err == ERR_NOMEM);
        return err == ERR_OK ? ERR_OK : no_memory(reader);
    }
    if (node->kind != CONFIG_NODE_SCALAR)
        return wrong_value(reader, key, node, ERR_SYNTAX);
    /* A path given with --set is meant from where the user stands. */
    const char *directory = node->source->is_set ? "" : reader->directory;
    err_t err = config_value_parse(key, node->text, node->text_size, tree, directory, base);
    return err == ERR_OK ? ERR_OK : wrong_value(reader, key, node, err);
}

/* ---- lists and maps ---- */

static err_t read_tapes(struct reader *reader, const struct config_key *key, const struct config_node *node)
{
    struct run_config *config = reader->config;
    if (node->kind != CONFIG_NODE_LIST)
        return wrong_value(reader, key, node, ERR_SYNTAX);
    const char **tapes = config_tree_alloc(config->tree, (node->count + 1) * sizeof(*tapes));
    if (tapes == NULL)
        return no_memory(reader);
    struct config_key item = {.path = key->path, .type = CONFIG_PATH};
    uint32_t count = 0;
    for (const struct config_node *child = node->first; child != NULL; child = child->next) {
        err_t err = read_scalar(reader, &item, child, &tapes[count]);
        if (err != ERR_OK)
            return err;
        if (tapes[count++] == NULL)
            return wrong_value(reader, &item, child, ERR_SYNTAX);
    }
    config->feed.tapes = tapes;
    config->feed.tape_count = count;
    return ERR_OK;
}

static err_t read_instruments(struct reader *reader, const struct config_key *key, const struct config_node *node)
{
    struct run_config *config = reader->config;
    if (node->kind != CONFIG_NODE_LIST)
        return wrong_value(reader, key, node, ERR_SYNTAX);
    if (node->count > INSTRUMENTS_MAX)
        return config_say(reader->why, node, CONFIG_KEY, "%u entries, at most %d are allowed", node->count,
                          INSTRUMENTS_MAX);
    struct config_instrument *items = config_tree_alloc(config->tree, (node->count + 1) * sizeof(*items));
    if (items == NULL)
        return no_memory(reader);
    uint32_t count = 0;
    for (const struct config_node *child = node->first; child != NULL; child = child->next, count++) {
        if (child->kind != CONFIG_NODE_MAP)
            return config_say(reader->why, child, CONFIG_VALUE,
                              "expected a section that begins '- symbol: NAME', got %s", kind_words(child));
        err_t err = read_section(reader, "instruments[].", child, &items[count]);
        if (err != ERR_OK)
            return err;
        for (uint32_t i = 0; i < count; i++) {
            const char *a = items[i].venue, *b = items[count].venue;
            if (strcmp(items[i].symbol, items[count].symbol) == 0 && (a == NULL || b == NULL || strcmp(a, b) == 0))
                return config_say(reader->why, config_node_child(child, "symbol", 6), CONFIG_VALUE,
                                  "'%s' has an entry already: instruments[%u]", items[count].symbol, i);
        }
    }
    config->instruments = items;
    config->instrument_count = count;
    return ERR_OK;
}

/* [a, b] or a,b: kept as the latter. */
static err_t read_words(struct reader *reader, const struct config_key *key, const struct config_node *node,
                        void *base)
{
    if (node == NULL || node->kind != CONFIG_NODE_LIST)
        return read_scalar(reader, key, node, base);
    size_t size = 1, used = 0;
    for (const struct config_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind != CONFIG_NODE_SCALAR || child->null || child->text_size == 0 ||
            memchr(child->text, ',', child->text_size) != NULL)
            return wrong_value(reader, key, child, ERR_SYNTAX);
        size += child->text_size + 1;
    }
    if (node->first == NULL)
        return wrong_value(reader, key, node, ERR_SYNTAX);
    if (size > CONFIG_WORDS_MAX)
        return wrong_value(reader, key, node, ERR_RANGE);
    char *words = config_tree_alloc(reader->config->tree, size);
    if (words == NULL)
        return no_memory(reader);
    for (const struct config_node *child = node->first; child != NULL; child = child->next)
        used += (size_t)snprintf(words + used, size - used, "%s%s", used > 0 ? "," : "", child->text);
    *(const char **)(void *)((char *)base + key->offset) = words;
    return ERR_OK;
}

static err_t read_links(struct reader *reader, const struct config_key *key, const struct config_node *node)
{
    struct run_config *config = reader->config;
    if (node->kind != CONFIG_NODE_LIST)
        return wrong_value(reader, key, node, ERR_SYNTAX);
    if (node->count > CONFIG_LINKS_MAX)
        return config_say(reader->why, node, CONFIG_KEY, "%u entries, at most %d are allowed", node->count,
                          CONFIG_LINKS_MAX);
    struct config_link *links = config_tree_alloc(config->tree, (node->count + 1) * sizeof(*links));
    if (links == NULL)
        return no_memory(reader);
    uint32_t count = 0;
    for (const struct config_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind != CONFIG_NODE_MAP)
            return config_say(reader->why, child, CONFIG_VALUE,
                              "expected a section that begins '- venue: NAME', got %s", kind_words(child));
        err_t err = read_section(reader, "feed.live[].", child, &links[count++]);
        if (err != ERR_OK)
            return err;
    }
    config->feed.links = links;
    config->feed.link_count = count;
    return ERR_OK;
}

static err_t read_balances(struct reader *reader, const struct config_key *key, const struct config_node *node)
{
    struct run_config *config = reader->config;
    if (node->kind != CONFIG_NODE_MAP)
        return wrong_value(reader, key, node, ERR_SYNTAX);
    struct config_balance *balances = config_tree_alloc(config->tree, (node->count + 1) * sizeof(*balances));
    if (balances == NULL)
        return no_memory(reader);
    struct config_key amount = {.path = key->path, .type = CONFIG_MONEY, .minimum = key->minimum};
    uint32_t count = 0;
    for (const struct config_node *child = node->first; child != NULL; child = child->next, count++) {
        struct config_money money = {0};
        if (count == CURRENCIES_MAX)
            return config_say(reader->why, child, CONFIG_KEY, "more than %d currencies", CURRENCIES_MAX);
        if (child->key[0] == '\0' || strlen(child->key) >= NAME_SIZE)
            return config_say(reader->why, child, CONFIG_KEY, "expected a currency of 1 to %d letters",
                              NAME_SIZE - 1);
        if (child->null)
            return wrong_value(reader, &amount, child, ERR_SYNTAX);
        err_t err = read_scalar(reader, &amount, child, &money);
        if (err != ERR_OK)
            return err;
        balances[count] = (struct config_balance){child->key, money.value};
    }
    config->balances = balances;
    config->balance_count = count;
    return ERR_OK;
}

/* ---- sections ---- */

static err_t unknown_key(struct reader *reader, const char *prefix, const struct config_node *child)
{
    struct suggestion suggestion;
    char hint[128] = "", known[300] = "";
    size_t used = 0;
    suggest_start(&suggestion, child->key, strlen(child->key));
    for (const struct config_key *key = NULL; (key = config_key_next(prefix, key)) != NULL;) {
        suggest_offer(&suggestion, config_key_name(key));
        if (used < sizeof(known) - 1)
            used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used > 0 ? ", " : "",
                                     config_key_name(key));
    }
    suggest_text(&suggestion, hint);
    if (hint[0] != '\0')
        return config_say(reader->why, child, CONFIG_KEY, "unknown key%s", hint);
    return config_say(reader->why, child, CONFIG_KEY, "unknown key; known here: %s", known);
}

static err_t read_key(struct reader *reader, const struct config_key *key, const struct config_node *node, void *base)
{
    char prefix[CONFIG_PATH_MAX];
    bool there = node != NULL && !node->null;
    switch (key->type) {
    case CONFIG_SECTION:
    case CONFIG_SECTION_OPTIONAL:
        if (there && node->kind != CONFIG_NODE_MAP)
            return wrong_value(reader, key, node, ERR_SYNTAX);
        if (key->type == CONFIG_SECTION_OPTIONAL)
            *(bool *)((char *)base + key->offset) = there;
        snprintf(prefix, sizeof(prefix), "%s.", key->path);
        return read_section(reader, prefix, there ? node : NULL, base);
    case CONFIG_TAPES:
        return there ? read_tapes(reader, key, node) : ERR_OK;
    case CONFIG_INSTRUMENTS:
        return there ? read_instruments(reader, key, node) : ERR_OK;
    case CONFIG_LINKS:
        return there ? read_links(reader, key, node) : ERR_OK;
    case CONFIG_BALANCES:
        return there ? read_balances(reader, key, node) : ERR_OK;
    case CONFIG_WORDS:
        return read_words(reader, key, node, base);
    case CONFIG_PARAMS: /* read when the strategy is known */
        return there && node->kind != CONFIG_NODE_MAP ? wrong_value(reader, key, node, ERR_SYNTAX) : ERR_OK;
    default:
        return read_scalar(reader, key, node, base);
    }
}

static err_t read_section(struct reader *reader, const char *prefix, const struct config_node *node, void *base)
{
    for (const struct config_node *child = node != NULL ? node->first : NULL; child != NULL; child = child->next) {
        const struct config_key *key = NULL;
        while ((key = config_key_next(prefix, key)) != NULL && strcmp(config_key_name(key), child->key) != 0)
            continue;
        if (key == NULL)
            return unknown_key(reader, prefix, child);
    }
    for (const struct config_key *key = NULL; (key = config_key_next(prefix, key)) != NULL;) {
        const char *name = config_key_name(key);
        const struct config_node *child = node != NULL ? config_node_child(node, name, strlen(name)) : NULL;
        if ((key->flags & CONFIG_REQUIRED) != 0 && (child == NULL || child->null))
            return config_say(reader->why, child != NULL ? child : node, CONFIG_KEY, "'%s' is missing: %s", name,
                              key->help);
        err_t err = read_key(reader, key, child, base);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* ---- what belongs together ---- */

static err_t check_feed(struct reader *reader)
{
    struct run_config *config = reader->config;
    const struct config_node *root = config->tree->root;
    if (config->mode == RUN_PAPER && config->feed.link_count == 0)
        return run_config_error(config, "feed", reader->why,
                                "no market data: mode paper listens to the venues of feed.live");
    if (config->mode == RUN_PAPER)
        return ERR_OK; /* tapes may stay where they are, for mode backtest */
    if (config->feed.synth.set && config->feed.tape_count > 0)
        return config_say(reader->why, config_node_find(root, "feed.synth"), CONFIG_KEY,
                          "feed.tapes and feed.synth are both given: keep one");
    if (!config->feed.synth.set && config->feed.tape_count == 0)
        return run_config_error(config, "feed", reader->why,
                                "no market data: give feed.tapes or feed.synth, or --tape FILE");
    if (config->feed.from.set && config->feed.to.set && config->feed.from.value >= config->feed.to.value)
        return config_say(reader->why, config_node_find(root, "feed.to"), CONFIG_VALUE,
                          "expected a time after feed.from");
    return ERR_OK;
}

static err_t check_queue(struct reader *reader)
{
    struct run_config *config = reader->config;
    const char *text = config->venue.queue_exponent.text;
    const bool wanted = queue_model_has_exponent(config->venue.queue.kind);
    int64_t hundredths = 0;
    config->venue.queue.by_quantity = config->venue.trade_through == TRADE_THROUGH_BY_QUANTITY;
    if (config->venue.bracket && config->venue.queue.kind == QUEUE_L3_FIFO)
        return run_config_error(
            config, "venue.bracket", reader->why,
            "places in the queue are exact with venue.queue l3_fifo: there is nothing to bracket");
    if (!wanted && text != NULL)
        return run_config_error(
            config, "venue.queue_exponent", reader->why,
            "only the queue models power, power2 and power3 have an exponent: leave it out, or set "
            "venue.queue to one of them");
    if (!wanted)
        return ERR_OK;
    if (text == NULL)
        return run_config_error(
            config, "venue.queue", reader->why,
            "this queue model needs venue.queue_exponent, from 0.25 to 8 (\"2\" and \"3\" are usual)");
    err_t err = decimal_parse(text, strlen(text), 2, ROUND_EXACT, &hundredths);
    if (err != ERR_OK || hundredths * QUEUE_EXPONENT_ONE % 100 != 0)
        return run_config_error(config, "venue.queue_exponent", reader->why,
                                "expected a multiple of 0.25, such as 1.5 or 3");
    config->venue.queue.exponent = (uint32_t)(hundredths * QUEUE_EXPONENT_ONE / 100);
    return ERR_OK;
}

static err_t find_strategy(struct reader *reader)
{
    struct run_config *config = reader->config;
    const char *name = config->strategy_source.name, *plugin = config->strategy_source.plugin;
    char hint[128];
    if (name == NULL && plugin == NULL && config->recording)
        config->strategy_source.name = name = "noop";
    if ((name == NULL) == (plugin == NULL))
        return run_config_error(config, "strategy", reader->why, "%s",
                                name == NULL ? "no strategy: give strategy.name (see 'tapedeck strategy list') or "
                                               "strategy.plugin"
                                             : "name and plugin are both given: keep one");
    if (name != NULL) {
        config->strategy = strategy_find(name);
        if (config->strategy == NULL)
            return run_config_error(config, "strategy.name", reader->why,
                                    "unknown strategy '%s'%s; 'tapedeck strategy list' shows all", name,
                                    strategy_suggest(name, hint));
        return strategy_check(config->strategy, name, reader->why);
    }
    struct err_text inner = {0};
    err_t err = strategy_load(plugin, &config->library, &config->strategy, &inner);
    if (err == ERR_OK)
        return ERR_OK;
    return run_config_error(config, "strategy.plugin", reader->why, "%s", inner.text);
}

err_t config_read(struct run_config *config, const char *directory, struct err_text *why)
{
    struct reader reader = {config, directory, why};
    err_t err = read_section(&reader, "", config->tree->root, config);
    if (config->recording)
        config->mode = RUN_PAPER;
    if (config->mode == RUN_PAPER && config_node_find(config->tree->root, "journal") == NULL)
        config->journal = RUN_JOURNAL_ON; /* a session happens once */
    if (err == ERR_OK)
        err = check_feed(&reader);
    if (err == ERR_OK)
        err = check_queue(&reader);
    if (err == ERR_OK)
        err = config_latency_read(config, why);
    if (err == ERR_OK)
        err = config_impact_check(config, why);
    if (err == ERR_OK)
        err = config_faults_read(config, why);
    if (err == ERR_OK)
        err = config_perp_read(config, why);
    if (err == ERR_OK)
        err = find_strategy(&reader);
    if (err == ERR_OK)
        err = config_params_read(config, directory, why);
    return err;
}
