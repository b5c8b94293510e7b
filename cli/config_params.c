#include "cli/config_params.h"

#include "cli/config_file.h"
#include "cli/config_tree.h"
#include "cli/strategy_params.h"
#include "cli/suggest.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct reader {
    struct run_config *config;
    const char *directory;
    struct err_text *why;
};

static err_t no_memory(const struct reader *reader)
{
    return err_say(reader->why, ERR_NOMEM, "%s: out of memory", reader->config->path);
}

/* What the user wrote, short enough for a sentence. */
static const char *got(const struct config_node *node, char *text)
{
    if (node->kind != CONFIG_NODE_SCALAR)
        return strcpy(text, node->kind == CONFIG_NODE_MAP ? "a section" : "a list");
    snprintf(text, 96, "'%.60s'%s", node->text, node->text_size > 60 ? "..." : "");
    return text;
}

static const struct strategy_param *find_param(const struct strategy *strategy, const char *name)
{
    for (uint32_t i = 0; i < strategy->param_count; i++) {
        if (strcmp(strategy->params[i].name, name) == 0)
            return &strategy->params[i];
    }
    return NULL;
}

static err_t unknown_param(const struct reader *reader, const struct config_node *child)
{
    const struct strategy *strategy = reader->config->strategy;
    struct suggestion suggestion;
    char hint[128];
    suggest_start(&suggestion, child->key, strlen(child->key));
    for (uint32_t i = 0; i < strategy->param_count; i++)
        suggest_offer(&suggestion, strategy->params[i].name);
    return config_say(reader->why, child, CONFIG_KEY,
                      "strategy '%s' has no such parameter%s; see 'tapedeck strategy show'", strategy->name,
                      suggest_text(&suggestion, hint));
}

static err_t read_param(const struct reader *reader, const struct strategy_param *param,
                        const struct config_node *node)
{
    char expected[STRATEGY_PARAM_EXPECTED_SIZE], text[96];
    err_t err = ERR_SYNTAX;
    if (node->kind == CONFIG_NODE_SCALAR)
        err = strategy_param_parse(param, node->text, node->text_size, reader->config->strategy_state);
    if (err == ERR_OK)
        return ERR_OK;
    return config_say(reader->why, node, CONFIG_VALUE, "expected %s, got %s%s",
                      strategy_param_expected(param, expected), got(node, text),
                      err == ERR_RANGE       ? " (out of range)"
                      : err == ERR_PRECISION ? " (too fine)"
                                             : "");
}

/* A path given with --set is meant from where the user stands. */
static const char *joined_path(const struct reader *reader, const struct config_node *node)
{
    const char *directory = node->source->is_set || node->text[0] == '/' ? "" : reader->directory;
    const size_t room = strlen(directory) + node->text_size + 2;
    char *path = config_tree_alloc(reader->config->tree, room);
    if (path != NULL)
        snprintf(path, room, "%s%s%s", directory, directory[0] != '\0' ? "/" : "", node->text);
    return path;
}

static err_t read_file(const struct reader *reader, const struct strategy_param *param,
                       const struct config_node *node)
{
    struct run_config *config = reader->config;
    char text[96], key[CONFIG_PATH_MAX];
    if (node->kind != CONFIG_NODE_SCALAR)
        return config_say(reader->why, node, CONFIG_VALUE, "expected the path of a file, got %s", got(node, text));
    if (node->text_size == 0 && param->default_value != NULL)
        return ERR_OK;
    const char *path = joined_path(reader, node);
    if (path == NULL)
        return no_memory(reader);
    struct config_text content;
    snprintf(key, sizeof(key), "strategy.params.%s", param->name);
    err_t err = config_file_read(config, key, path, PARAM_FILE_BYTES_MAX, true, &content, reader->why);
    if (err != ERR_OK)
        return err;
    const struct strategy_file file = {.name = path, .text = content.bytes, .size = content.size};
    memcpy((char *)config->strategy_state + param->offset, &file, sizeof(file));
    return ERR_OK;
}

const struct strategy_file *config_params_file(const struct run_config *config, const struct strategy_param *param)
{
    ASSERT(param->type == PARAM_FILE);
    return (const void *)((const char *)config->strategy_state + param->offset);
}

/* ---- the state ---- */

/* Zero pages that cost nothing until they are touched: a strategy may ask for room that it seldom needs. */
static void *state_new(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void config_params_free(struct run_config *config)
{
    if (config->strategy_state != NULL)
        munmap(config->strategy_state, config->strategy_state_size);
    config->strategy_state = NULL;
}

void config_params_renew(struct run_config *config, const void *first)
{
    (void)madvise(config->strategy_state, config->strategy_state_size, MADV_DONTNEED); /* zero pages again */
    if (config->strategy->state_size != 0)
        memcpy(config->strategy_state, first, config->strategy->state_size);
}

static err_t grow_state(const struct reader *reader)
{
    struct run_config *config = reader->config;
    const struct strategy *strategy = config->strategy;
    if (strategy->state_size_of == NULL)
        return ERR_OK;
    const size_t size = strategy->state_size_of(config->strategy_state);
    if (size <= config->strategy_state_size)
        return ERR_OK;
    void *grown = state_new(size);
    if (grown == NULL)
        return err_say(reader->why, ERR_NOMEM, "%s: no memory for the state of strategy '%s': %zu MiB", config->path,
                       strategy->name, size >> 20);
    memcpy(grown, config->strategy_state, strategy->state_size);
    config_params_free(config);
    config->strategy_state = grown;
    config->strategy_state_size = size;
    return ERR_OK;
}

static err_t fill_in(const struct reader *reader)
{
    struct run_config *config = reader->config;
    const struct strategy *strategy = config->strategy;
    const struct config_node *node = config_node_find(config->tree->root, "strategy.params");
    config->strategy_state_size = strategy->state_size > 0 ? strategy->state_size : 1;
    if ((config->strategy_state = state_new(config->strategy_state_size)) == NULL)
        return no_memory(reader);
    strategy_params_defaults(strategy, config->strategy_state);
    for (const struct config_node *child = node != NULL ? node->first : NULL; child != NULL; child = child->next) {
        const struct strategy_param *param = find_param(strategy, child->key);
        if (param == NULL)
            return unknown_param(reader, child);
        if (child->null)
            continue;
        err_t err = param->type == PARAM_FILE ? read_file(reader, param, child) : read_param(reader, param, child);
        if (err != ERR_OK)
            return err;
    }
    for (uint32_t i = 0; i < strategy->param_count; i++) {
        const struct strategy_param *param = &strategy->params[i];
        const struct config_node *child =
            node != NULL ? config_node_child(node, param->name, strlen(param->name)) : NULL;
        if (param->default_value == NULL && (child == NULL || child->null))
            return run_config_error(config, "strategy.params", reader->why, "strategy '%s' needs '%s': %s",
                                    strategy->name, param->name, param->help);
    }
    return ERR_OK;
}

err_t config_params_read(struct run_config *config, const char *directory, struct err_text *why)
{
    const struct reader reader = {config, directory, why};
    err_t err = fill_in(&reader);
    return err == ERR_OK ? grow_state(&reader) : err;
}
