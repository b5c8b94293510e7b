#include "cli/explain_leaves.h"

#include "cli/config_schema.h"
#include "cli/hash_file.h"
#include "cli/run_dir.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    struct config_tree *tree;
    struct explain_leaves *side;
    struct err_text *why;
};

static err_t no_memory(struct err_text *why)
{
    return err_say(why, ERR_NOMEM, "out of memory");
}

/* "feed.tapes[2]" is of the key feed.tapes, "account.balances.USDT" of account.balances. */
static const char *schema_of(struct config_tree *tree, const char *path)
{
    static const char *const maps[] = {"account.balances.", "strategy.params."};
    char key[CONFIG_PATH_MAX];
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        if (strncmp(path, maps[i], strlen(maps[i])) == 0)
            return config_tree_copy(tree, maps[i], strlen(maps[i]) - 1);
    for (const char *at = path; *at != '\0'; at++) {
        if (*at != '[') {
            key[used++] = *at;
            continue;
        }
        at = strchr(at, ']');
        if (at[1] != '\0') { /* an item that is a section */
            key[used++] = '[';
            key[used++] = ']';
        }
    }
    return config_tree_copy(tree, key, used);
}

static err_t keep_content(const struct walk *walk, struct explain_leaf *leaf)
{
    char hash[SHA256_TEXT_SIZE], whole[PATH_MAX];
    uint64_t size;
    err_t err = hash_file(leaf->text, false, hash, &size, walk->why);
    if (err != ERR_OK)
        return err;
    const char *path = realpath(leaf->text, whole);
    if (path != NULL)
        leaf->text = config_tree_copy(walk->tree, path, strlen(path));
    leaf->content = config_tree_copy(walk->tree, hash, strlen(hash));
    return leaf->text == NULL || leaf->content == NULL ? no_memory(walk->why) : ERR_OK;
}

static bool names_file(const struct explain_leaves *side, const struct explain_leaf *leaf)
{
    static const char params[] = "strategy.params.";
    const struct config_key *key = config_key_find(leaf->schema);
    const struct strategy *strategy = side->run->config->strategy;
    if (key == NULL || key->type != CONFIG_PARAMS)
        return key != NULL && key->type == CONFIG_PATH;
    for (uint32_t i = 0; i < strategy->param_count; i++)
        if (strcmp(strategy->params[i].name, leaf->path + sizeof(params) - 1) == 0)
            return strategy->params[i].type == PARAM_FILE && leaf->text[0] != '\0';
    return false;
}

/* Tapes are known by their hash; a rerun has found where they are. */
static err_t keep_tape(const struct walk *walk, struct explain_leaf *leaf, size_t lane)
{
    const char *path, *hash;
    char whole[PATH_MAX];
    if (!rerun_tape(walk->side->run, lane, &path, &hash) || hash == NULL)
        return err_say(walk->why, ERR_CORRUPT, "%s/result.json: tapes[%zu] is not there", walk->side->run->dir, lane);
    leaf->text = realpath(path, whole) != NULL ? config_tree_copy(walk->tree, whole, strlen(whole)) : path;
    leaf->content = hash;
    return leaf->text == NULL ? no_memory(walk->why) : ERR_OK;
}

/* Entries of `instruments` are the same when they are about the same instrument, wherever in the list. */
static err_t name_item(const struct walk *walk, struct explain_leaf *leaf, const struct config_node *item)
{
    char path[2 * CONFIG_PATH_MAX];
    const struct config_node *symbol = config_node_child(item, "symbol", 6),
                             *venue = config_node_child(item, "venue", 5);
    leaf->symbol = symbol->text;
    leaf->venue = venue->null ? NULL : venue->text;
    snprintf(path, sizeof(path), "instruments[%s%s%s].%s", symbol->text, venue->null ? "" : "@",
             venue->null ? "" : venue->text, strrchr(leaf->schema, '.') + 1);
    leaf->path = config_tree_copy(walk->tree, path, strlen(path));
    return leaf->path == NULL ? no_memory(walk->why) : ERR_OK;
}

static err_t add_leaf(const struct walk *walk, const struct explain_leaf *leaf)
{
    struct explain_leaves *side = walk->side;
    if (side->count == side->room) {
        const size_t room = side->room * 2 + 128;
        struct explain_leaf *grown = realloc(side->leaves, room * sizeof(*grown));
        if (grown == NULL)
            return no_memory(walk->why);
        side->leaves = grown;
        side->room = room;
    }
    side->leaves[side->count++] = *leaf;
    return ERR_OK;
}

static err_t take_leaf(const struct walk *walk, const struct config_node *node)
{
    char path[CONFIG_PATH_MAX];
    struct explain_leaf leaf = {.text = node->text, .content = node->text};
    config_node_path(node, path);
    const struct config_node *raw = walk->side->raw != NULL ? config_node_find(walk->side->raw, path) : NULL;
    leaf.written = raw != NULL && !raw->null;
    leaf.path = config_tree_copy(walk->tree, path, strlen(path));
    leaf.schema = schema_of(walk->tree, path);
    if (leaf.path == NULL || leaf.schema == NULL)
        return no_memory(walk->why);
    if (!explain_group_of(leaf.schema, &leaf.group))
        return err_say(walk->why, ERR_STATE, "the config key %s belongs to no group; please report it", leaf.schema);
    if (leaf.group == EXPLAIN_NOTHING)
        return ERR_OK;
    err_t err = ERR_OK;
    if (strcmp(leaf.schema, "feed.tapes") == 0) {
        size_t lane = 0;
        for (const struct config_node *at = node->parent->first; at != node; at = at->next)
            lane++;
        err = keep_tape(walk, &leaf, lane);
    } else if (strncmp(leaf.schema, "instruments[]", 13) == 0) {
        err = name_item(walk, &leaf, node->parent);
    } else if (names_file(walk->side, &leaf)) {
        err = keep_content(walk, &leaf);
    }
    return err == ERR_OK ? add_leaf(walk, &leaf) : err;
}

static err_t take_all(const struct walk *walk, const struct config_node *node)
{
    if (node->kind == CONFIG_NODE_SCALAR)
        return node->null ? ERR_OK : take_leaf(walk, node);
    err_t err = ERR_OK;
    for (const struct config_node *child = node->first; child != NULL && err == ERR_OK; child = child->next)
        err = take_all(walk, child);
    return err;
}

static err_t parse(struct config_tree *tree, const char *name, const char *text, size_t size,
                   struct config_node **root, struct err_text *why)
{
    struct config_source *source = config_tree_source(tree, name, text, size);
    return source == NULL ? no_memory(why) : config_yaml_parse(tree, source, 0, root, why);
}

static err_t read_raw(const struct walk *walk)
{
    char path[PATH_SIZE];
    if (!run_dir_path(path, walk->side->run->dir, "config.yaml"))
        return err_say(walk->why, ERR_RANGE, "%s: too long", walk->side->run->dir);
    FILE *file = fopen(path, "r");
    char *text = file != NULL ? malloc(CONFIG_BYTES_MAX) : NULL;
    if (text == NULL) {
        if (file != NULL)
            fclose(file);
        return err_say(walk->why, file == NULL ? ERR_IO : ERR_NOMEM, "%s: cannot be read", path);
    }
    const size_t size = fread(text, 1, CONFIG_BYTES_MAX, file);
    fclose(file);
    err_t err = parse(walk->tree, path, text, size, &walk->side->raw, walk->why);
    free(text);
    return err;
}

err_t explain_leaves_read(struct explain_leaves *side, struct config_tree *tree, struct err_text *why)
{
    const struct walk walk = {tree, side, why};
    const char *resolved = side->run->config->resolved;
    struct config_node *root = NULL;
    err_t err = read_raw(&walk);
    if (err == ERR_OK)
        err = parse(tree, "config", resolved, strlen(resolved), &root, why);
    return err == ERR_OK && root != NULL ? take_all(&walk, root) : err;
}

void explain_leaves_free(struct explain_leaves *side)
{
    free(side->leaves);
}

struct explain_leaf *explain_leaves_find(const struct explain_leaves *side, const char *path)
{
    for (size_t i = 0; i < side->count; i++)
        if (strcmp(side->leaves[i].path, path) == 0)
            return &side->leaves[i];
    return NULL;
}
