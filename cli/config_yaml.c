/* config_yaml.c: the one file that knows libfyaml. YAML text in, config nodes out.
 *
 * The library's document is walked once and copied, so that nothing of it outlives this call, and so that the
 * rest of the program can be tested and fuzzed without it. What YAML can do and a config must not (aliases that
 * multiply, keys that are lists, several documents) is refused here, at its place.
 */
#include "cli/config_tree.h"

#include <libfyaml.h>
#include <stdio.h>
#include <string.h>

struct builder {
    struct config_tree *tree;
    const struct config_source *source;
    size_t offset;
    struct err_text *why;
};

/* libfyaml 0.7.12 reads bytes that are not UTF-8 as an empty value; so they are looked for before it. */
static bool utf8_valid(const unsigned char *text, size_t size, size_t *at)
{
    size_t i = 0;
    while (i < size) {
        unsigned char c = text[i];
        size_t more = c < 0x80                ? 0
                      : c >= 0xc2 && c < 0xe0 ? 1
                      : c >= 0xe0 && c < 0xf0 ? 2
                      : c >= 0xf0 && c < 0xf5 ? 3
                                              : 9;
        bool control = c < 0x20 && c != '\n' && c != '\r' && c != '\t';
        if (more == 9 || control || more > size - i - 1) {
            *at = i;
            return false;
        }
        for (size_t j = 1; j <= more; j++) {
            if ((text[i + j] & 0xc0) != 0x80) {
                *at = i;
                return false;
            }
        }
        i += more + 1;
    }
    return true;
}

static void extent(const struct builder *builder, struct fy_token *token, size_t *at, size_t *size)
{
    const struct fy_mark *start = token != NULL ? fy_token_start_mark(token) : NULL;
    const struct fy_mark *end = token != NULL ? fy_token_end_mark(token) : NULL;
    size_t length = builder->source->size;
    *at = start != NULL && start->input_pos + builder->offset <= length ? start->input_pos + builder->offset : length;
    size_t stop = end != NULL && end->input_pos + builder->offset <= length ? end->input_pos + builder->offset : *at;
    *size = stop > *at ? stop - *at : 0;
}

static bool plain_null(struct fy_node *yaml, const char *text, size_t size)
{
    enum fy_node_style style = fy_node_get_style(yaml);
    if (style != FYNS_PLAIN && style != FYNS_ANY)
        return false;
    return size == 0 || (size == 1 && text[0] == '~') || (size == 4 && memcmp(text, "null", 4) == 0);
}

static err_t no_memory(struct builder *builder)
{
    return err_say(builder->why, ERR_NOMEM, "%s: out of memory", builder->source->name);
}

static err_t refuse(struct builder *builder, const struct config_node *place, const char *message)
{
    return config_say_at(builder->why, builder->source, place->at, place->size, message);
}

static err_t build(struct builder *builder, struct fy_node *yaml, struct config_node *node, unsigned depth);

static err_t build_scalar(struct builder *builder, struct fy_node *yaml, struct config_node *node)
{
    size_t size = 0;
    const char *text = fy_node_get_scalar(yaml, &size);
    node->kind = CONFIG_NODE_SCALAR;
    extent(builder, fy_node_get_scalar_token(yaml), &node->at, &node->size);
    if (fy_node_is_alias(yaml))
        return refuse(builder, node, "aliases (*name) are not supported here: write the value out");
    if (text == NULL)
        text = "";
    if (memchr(text, '\0', size) != NULL)
        return refuse(builder, node, "a NUL character is not allowed");
    node->null = plain_null(yaml, text, size);
    node->text = config_tree_copy(builder->tree, text, size);
    node->text_size = size;
    return node->text == NULL ? no_memory(builder) : ERR_OK;
}

static err_t build_pair(struct builder *builder, struct fy_node_pair *pair, struct config_node *map, unsigned depth)
{
    struct fy_node *yaml_key = fy_node_pair_key(pair), *yaml = fy_node_pair_value(pair);
    struct config_node *node = config_tree_alloc(builder->tree, sizeof(*node));
    struct config_node key = {0};
    if (node == NULL)
        return no_memory(builder);
    if (yaml_key == NULL || !fy_node_is_scalar(yaml_key)) {
        key.at = map->at;
        return refuse(builder, &key, "a key must be a single word");
    }
    err_t err = build_scalar(builder, yaml_key, &key);
    if (err != ERR_OK)
        return err;
    node->key = key.text;
    node->source = builder->source;
    node->key_at = key.at;
    node->key_size = key.size;
    if (yaml == NULL || (fy_node_is_scalar(yaml) && fy_node_get_scalar_token(yaml) == NULL)) {
        node->text = "";
        node->null = true;
        node->at = key.at;
        node->size = key.size;
    } else if ((err = build(builder, yaml, node, depth + 1)) != ERR_OK) {
        return err;
    }
    if (node->at == builder->source->size ||
        (node->null && node->text_size == 0)) { /* "key:" has no value to point at */
        node->at = key.at;
        node->size = key.size;
    }
    config_node_append(map, node);
    return ERR_OK;
}

static err_t build(struct builder *builder, struct fy_node *yaml, struct config_node *node, unsigned depth)
{
    void *iterator = NULL;
    node->source = builder->source;
    if (fy_node_is_scalar(yaml) || fy_node_is_alias(yaml))
        return build_scalar(builder, yaml, node);
    node->at = builder->source->size;
    if (depth > CONFIG_DEPTH_MAX) {
        node->at = builder->offset;
        return refuse(builder, node, "nested too deeply");
    }
    if (fy_node_is_mapping(yaml)) {
        node->kind = CONFIG_NODE_MAP;
        for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(yaml, &iterator)) != NULL;) {
            err_t err = build_pair(builder, pair, node, depth);
            if (err != ERR_OK)
                return err;
        }
    } else {
        node->kind = CONFIG_NODE_LIST;
        for (struct fy_node *item; (item = fy_node_sequence_iterate(yaml, &iterator)) != NULL;) {
            struct config_node *child = config_tree_alloc(builder->tree, sizeof(*child));
            if (child == NULL)
                return no_memory(builder);
            err_t err = build(builder, item, child, depth + 1);
            if (err != ERR_OK)
                return err;
            config_node_append(node, child);
        }
    }
    if (node->first != NULL) { /* a collection is shown by its first key or item */
        const struct config_node *first = node->first;
        node->at = first->key != NULL ? first->key_at : first->at;
        node->size = first->key != NULL ? first->key_size : first->size;
    }
    return ERR_OK;
}

/* The library counts lines and columns from 1; its columns count characters. */
static size_t position(const struct builder *builder, int line, int column)
{
    const char *text = builder->source->text;
    size_t at = builder->offset, size = builder->source->size;
    for (int i = 1; i < line && at < size; at++)
        i += text[at] == '\n';
    for (int i = 1; i < column && at < size && text[at] != '\n'; i++) {
        at++;
        while (at < size && ((unsigned char)text[at] & 0xc0) == 0x80)
            at++;
    }
    return at;
}

static err_t say_first_error(struct builder *builder, struct fy_diag *diag)
{
    void *iterator = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);
    if (error == NULL)
        return config_say_at(builder->why, builder->source, builder->offset, 0, "this is not YAML");
    char message[200];
    snprintf(message, sizeof(message), "not YAML: %s", error->msg);
    return config_say_at(builder->why, builder->source, position(builder, error->line, error->column), 1, message);
}

static err_t load(struct builder *builder, struct fy_parser *parser, struct fy_diag *diag, struct config_node **root)
{
    struct fy_document *document = fy_parse_load_document(parser);
    if (document == NULL) {
        void *iterator = NULL;
        *root = NULL;
        if (fy_diag_errors_iterate(diag, &iterator) != NULL || fy_parser_get_stream_error(parser))
            return say_first_error(builder, diag);
        return ERR_OK; /* nothing in it */
    }
    err_t err = ERR_OK;
    struct config_node *node = config_tree_alloc(builder->tree, sizeof(*node));
    if (node == NULL)
        err = no_memory(builder);
    else if (fy_document_root(document) != NULL)
        err = build(builder, fy_document_root(document), node, 0);
    else
        node = NULL;
    fy_parse_document_destroy(parser, document);
    if (err != ERR_OK)
        return err;
    struct fy_document *second = fy_parse_load_document(parser);
    if (second != NULL) {
        fy_parse_document_destroy(parser, second);
        return config_say_at(builder->why, builder->source, builder->offset, 0,
                             "more than one document (---) in one config");
    }
    if (fy_parser_get_stream_error(parser))
        return say_first_error(builder, diag);
    *root = node;
    return ERR_OK;
}

err_t config_yaml_parse(struct config_tree *tree, const struct config_source *source, size_t offset,
                        struct config_node **root, struct err_text *why)
{
    struct builder builder = {tree, source, offset, why};
    const char *text = source->text + offset;
    size_t size = source->size - offset, bad;
    if (source->size > CONFIG_BYTES_MAX)
        return err_say(why, ERR_CONFIG, "%s: larger than %d bytes: this is not a config", source->name,
                       CONFIG_BYTES_MAX);
    if (!utf8_valid((const unsigned char *)text, size, &bad))
        return config_say_at(why, source, offset + bad, 1, "a byte that is not UTF-8 text: this is not a config");

    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    diag_config.colorize = false;
    struct fy_diag *diag = fy_diag_create(&diag_config);
    if (diag == NULL)
        return no_memory(&builder);
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = diag};
    struct fy_parser *parser = fy_parser_create(&config);
    err_t err = ERR_NOMEM;
    if (parser != NULL && fy_parser_set_string(parser, text, size) == 0)
        err = load(&builder, parser, diag, root);
    if (parser != NULL)
        fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    return err == ERR_NOMEM ? no_memory(&builder) : err;
}
