/* config_tree.h: what the user wrote, as a tree that remembers where.
 *
 *     feed:                         feed (map) ─► tapes (list) ─► "a.tape"  line 2, column 11
 *       tapes: [a.tape]             seed (scalar) "7"                       of the source `--set seed=7`
 *
 * config_yaml.c makes it from YAML text; `--set` grafts values onto it. Every node knows its source (the file or
 * one --set), its line, column and extent, so that any later check can show the text with a caret. The tree
 * keeps copies of all texts; nodes and texts live until config_tree_free.
 */
#ifndef TAPEDECK_CLI_CONFIG_TREE_H
#define TAPEDECK_CLI_CONFIG_TREE_H

#include "core/err.h"

#include <stdarg.h>

#define CONFIG_BYTES_MAX (1024 * 1024)
#define CONFIG_DEPTH_MAX 16
#define CONFIG_PATH_MAX  256
#define CONFIG_WORDS_MAX 16000 /* bytes of a list of words */

struct config_source {
    const char *name; /* the file's path, "--set" or "--tape" */
    const char *text; /* all of it */
    size_t size;
    bool is_set; /* of the command line */
};

enum config_node_kind { CONFIG_NODE_SCALAR, CONFIG_NODE_MAP, CONFIG_NODE_LIST };

struct config_node {
    enum config_node_kind kind;
    const char *text; /* scalars: the value, NUL-terminated */
    size_t text_size;
    bool null;       /* a plain empty value, ~ or null: as if the key were not there */
    const char *key; /* children of maps; NULL: an item of a list, or the root */
    const struct config_source *source;
    size_t at, size;         /* the value's extent in the source, bytes */
    size_t key_at, key_size; /* the key's */
    struct config_node *parent, *first, *last, *next;
    uint32_t count; /* of children */
};

struct config_tree {
    struct config_node *root; /* a map */
    struct config_chunk *chunks;
};

struct config_tree *config_tree_new(void); /* NULL: no memory */
void config_tree_free(struct config_tree *tree);
/* Zeroed memory that lives as long as the tree; NULL: none left. */
void *config_tree_alloc(struct config_tree *tree, size_t size);
char *config_tree_copy(struct config_tree *tree, const char *text, size_t size);
struct config_source *config_tree_source(struct config_tree *tree, const char *name, const char *text, size_t size);

void config_node_append(struct config_node *parent, struct config_node *child);
void config_node_remove(struct config_node *parent, struct config_node *child);
struct config_node *config_node_child(const struct config_node *map, const char *key, size_t key_size);
/* By path, "instruments[0].tick". NULL: not written. */
const struct config_node *config_node_find(const struct config_node *root, const char *path);
/* The other way round; buffer of CONFIG_PATH_MAX; returns it. */
const char *config_node_path(const struct config_node *node, char *path);

/* Put the value of `--set key.path=value` into the tree, sections on the way are made. */
err_t config_tree_set(struct config_tree *tree, const char *assignment, struct err_text *why) MUST_USE;

enum config_part { CONFIG_VALUE, CONFIG_KEY };
/* An error at a place:
 *
 *     run.yaml:3:20: risk.open_orders_max: expected a whole number from 0 to 1000000, got 'many'
 *       3 |   open_orders_max: many
 *         |                    ^~~~
 *
 * Without `node` only `path` names the place. Returns ERR_CONFIG. */
err_t config_say(struct err_text *why, const struct config_node *node, enum config_part part, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
err_t config_say_at(struct err_text *why, const struct config_source *source, size_t at, size_t size,
                    const char *message);

/* ---- config_yaml.c ---- */
/* Parse one YAML document into nodes of `tree` (aliases and more than one document are refused). `offset` is
 * where the YAML begins in source->text. *root is NULL for an empty document. */
err_t config_yaml_parse(struct config_tree *tree, const struct config_source *source, size_t offset,
                        struct config_node **root, struct err_text *why) MUST_USE;

#endif
