/* How: the resolved config of a side is walked leaf by leaf; leaves of both sides with one path make a key. To write
 * a config the leaves of one side are walked again, in its order, each with the text of the side that its group is
 * from; then those that only the other side has. JSON is what is written: it is YAML too. */
#include "cli/explain_mix.h"

#include "cli/config_params.h"
#include "cli/config_tree.h"
#include "cli/hash_file.h"
#include "cli/json_out.h"
#include "cli/run_dir.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct leaf {
    const char *path;   /* what makes it the same key in both runs */
    const char *schema; /* key of the schema */
    const char *text;
    const char *content; /* what is compared: the hash of a file, else the text */
    enum explain_group group;
    const char *symbol, *venue; /* of an entry of `instruments`; venue may be NULL */
    bool written;               /* the run's own config.yaml has it: older programs may not know the others */
};

struct run_side {
    const struct rerun *run;
    struct config_node *raw; /* config.yaml as it stands there */
    struct leaf *leaves;
    size_t count, room;
};

struct explain_mix_inside {
    struct config_tree *tree; /* keeps all texts */
    struct run_side sides[2];
    size_t key_room;
};

struct walk {
    struct explain_mix_inside *inside;
    struct run_side *side;
    struct err_text *why;
};

static err_t no_memory(struct err_text *why)
{
    return err_say(why, ERR_NOMEM, "out of memory");
}

/* ---- leaves ---- */

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

static err_t keep_content(const struct walk *walk, struct leaf *leaf)
{
    char hash[SHA256_TEXT_SIZE], whole[PATH_MAX];
    uint64_t size;
    err_t err = hash_file(leaf->text, false, hash, &size, walk->why);
    if (err != ERR_OK)
        return err;
    const char *path = realpath(leaf->text, whole);
    if (path != NULL)
        leaf->text = config_tree_copy(walk->inside->tree, path, strlen(path));
    leaf->content = config_tree_copy(walk->inside->tree, hash, strlen(hash));
    return leaf->text == NULL || leaf->content == NULL ? no_memory(walk->why) : ERR_OK;
}

static bool names_file(const struct run_side *side, const struct leaf *leaf)
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
static err_t keep_tape(const struct walk *walk, struct leaf *leaf, size_t lane)
{
    const char *path, *hash;
    char whole[PATH_MAX];
    if (!rerun_tape(walk->side->run, lane, &path, &hash) || hash == NULL)
        return err_say(walk->why, ERR_CORRUPT, "%s/result.json: tapes[%zu] is not there", walk->side->run->dir, lane);
    leaf->text = realpath(path, whole) != NULL ? config_tree_copy(walk->inside->tree, whole, strlen(whole)) : path;
    leaf->content = hash;
    return leaf->text == NULL ? no_memory(walk->why) : ERR_OK;
}

/* Entries of `instruments` are the same when they are about the same instrument, wherever in the list. */
static err_t name_item(const struct walk *walk, struct leaf *leaf, const struct config_node *item)
{
    char path[2 * CONFIG_PATH_MAX];
    const struct config_node *symbol = config_node_child(item, "symbol", 6),
                             *venue = config_node_child(item, "venue", 5);
    unsigned before = 0;
    for (const struct config_node *at = item->parent->first; at != item; at = at->next) {
        const struct config_node *other = config_node_child(at, "symbol", 6),
                                 *place = config_node_child(at, "venue", 5);
        before += strcmp(other->text, symbol->text) == 0 && place->null == venue->null &&
                  (venue->null || strcmp(place->text, venue->text) == 0);
    }
    leaf->symbol = symbol->text;
    leaf->venue = venue->null ? NULL : venue->text;
    int used = snprintf(path, sizeof(path), "instruments[%s%s%s", symbol->text, venue->null ? "" : "@",
                        venue->null ? "" : venue->text);
    if (before != 0)
        used += snprintf(path + used, sizeof(path) - (size_t)used, "#%u", before + 1);
    snprintf(path + used, sizeof(path) - (size_t)used, "].%s", strrchr(leaf->schema, '.') + 1);
    leaf->path = config_tree_copy(walk->inside->tree, path, strlen(path));
    return leaf->path == NULL ? no_memory(walk->why) : ERR_OK;
}

static err_t add_leaf(const struct walk *walk, const struct leaf *leaf)
{
    struct run_side *side = walk->side;
    if (side->count == side->room) {
        const size_t room = side->room * 2 + 128;
        struct leaf *grown = realloc(side->leaves, room * sizeof(*grown));
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
    struct leaf leaf = {.text = node->text, .content = node->text};
    config_node_path(node, path);
    const struct config_node *raw = walk->side->raw != NULL ? config_node_find(walk->side->raw, path) : NULL;
    leaf.written = raw != NULL && !raw->null;
    leaf.path = config_tree_copy(walk->inside->tree, path, strlen(path));
    leaf.schema = schema_of(walk->inside->tree, path);
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
    err_t err = parse(walk->inside->tree, path, text, size, &walk->side->raw, walk->why);
    free(text);
    return err;
}

static err_t read_side(struct explain_mix_inside *inside, struct run_side *side, struct err_text *why)
{
    const struct walk walk = {inside, side, why};
    const char *resolved = side->run->config->resolved;
    struct config_node *root = NULL;
    err_t err = read_raw(&walk);
    if (err == ERR_OK)
        err = parse(inside->tree, "config", resolved, strlen(resolved), &root, why);
    return err == ERR_OK && root != NULL ? take_all(&walk, root) : err;
}

/* ---- keys ---- */

static struct leaf *find(const struct run_side *side, const char *path)
{
    for (size_t i = 0; i < side->count; i++)
        if (strcmp(side->leaves[i].path, path) == 0)
            return &side->leaves[i];
    return NULL;
}

static err_t add_key(struct explain_mix *mix, const struct explain_key *key, struct err_text *why)
{
    struct explain_mix_inside *inside = mix->inside;
    if (mix->key_count == inside->key_room) {
        const size_t room = inside->key_room * 2 + 128;
        struct explain_key *grown = realloc(mix->keys, room * sizeof(*grown));
        if (grown == NULL)
            return no_memory(why);
        mix->keys = grown;
        inside->key_room = room;
    }
    mix->keys[mix->key_count++] = *key;
    if (key->differs)
        mix->differs |= 1u << key->group;
    return ERR_OK;
}

/* What only one strategy knows comes and goes with it. */
static void move_lone_params(struct run_side *sides)
{
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < sides[i].count; k++) {
            struct leaf *leaf = &sides[i].leaves[k];
            if (strcmp(leaf->schema, "strategy.params") == 0 && find(&sides[1 - i], leaf->path) == NULL)
                leaf->group = EXPLAIN_CODE;
        }
}

static err_t pair(struct explain_mix *mix, struct err_text *why)
{
    struct run_side *sides = mix->inside->sides;
    err_t err = ERR_OK;
    move_lone_params(sides);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < sides[i].count && err == ERR_OK; k++) {
            const struct leaf *leaf = &sides[i].leaves[k], *other = find(&sides[1 - i], leaf->path);
            if (i == 1 && other != NULL)
                continue;
            struct explain_key key = {.path = leaf->path, .group = leaf->group};
            key.text[i] = leaf->text;
            key.text[1 - i] = other != NULL ? other->text : NULL;
            key.differs = other == NULL || strcmp(leaf->content, other->content) != 0;
            err = add_key(mix, &key, why);
        }
    return err;
}

err_t explain_mix_new(struct explain_mix **mix, const struct rerun *const runs[2], struct err_text *why)
{
    struct explain_mix *made = calloc(1, sizeof(*made));
    if (made != NULL)
        made->inside = calloc(1, sizeof(*made->inside));
    if (made == NULL || made->inside == NULL || (made->inside->tree = config_tree_new()) == NULL) {
        explain_mix_free(made);
        return no_memory(why);
    }
    err_t err = ERR_OK;
    for (int i = 0; i < 2 && err == ERR_OK; i++) {
        made->inside->sides[i].run = runs[i];
        err = read_side(made->inside, &made->inside->sides[i], why);
    }
    if (err == ERR_OK)
        err = pair(made, why);
    if (err != ERR_OK) {
        explain_mix_free(made);
        return err;
    }
    *mix = made;
    return ERR_OK;
}

err_t explain_mix_add(struct explain_mix *mix, const char *path, enum explain_group group, const char *a,
                      const char *b, struct err_text *why)
{
    const struct explain_key key = {.path = path, .group = group, .text = {a, b}, .differs = true};
    return add_key(mix, &key, why);
}

void explain_mix_free(struct explain_mix *mix)
{
    if (mix == NULL)
        return;
    if (mix->inside != NULL) {
        free(mix->inside->sides[0].leaves);
        free(mix->inside->sides[1].leaves);
        config_tree_free(mix->inside->tree);
    }
    free(mix->inside);
    free(mix->keys);
    free(mix);
}

/* ---- writing ---- */

/* Sections on the way are made. */
static json_t *section_of(json_t *root, const char *path)
{
    const char *point;
    while ((point = strchr(path, '.')) != NULL) {
        json_t *next = json_object_getn(root, path, (size_t)(point - path));
        if (next == NULL) {
            next = json_object();
            json_object_setn_new(root, path, (size_t)(point - path), next);
        }
        root = next;
        path = point + 1;
    }
    return root;
}

static json_t *list_of(json_t *root, const char *path)
{
    const char *point = strrchr(path, '.');
    json_t *section = section_of(root, path);
    const char *name = point != NULL ? point + 1 : path;
    json_t *list = json_object_get(section, name);
    if (list == NULL)
        json_object_set_new(section, name, list = json_array());
    return list;
}

/* The entry of this very name: "BTCUSDT@upbit#2" is not "BTCUSDT@upbit". Its name stands in the path of the leaf. */
static json_t *item_of(json_t *root, json_t *names, const struct leaf *leaf)
{
    json_t *list = list_of(root, "instruments");
    const size_t size = (size_t)(strrchr(leaf->path, ']') - leaf->path);
    for (size_t i = 0; i < json_array_size(names); i++)
        if (json_string_length(json_array_get(names, i)) == size &&
            memcmp(json_string_value(json_array_get(names, i)), leaf->path, size) == 0)
            return json_array_get(list, i);
    json_t *item = json_object();
    json_set_text(item, "symbol", leaf->symbol);
    if (leaf->venue != NULL)
        json_set_text(item, "venue", leaf->venue);
    json_array_append_new(names, json_stringn(leaf->path, size));
    json_array_append_new(list, item);
    return item;
}

static void write_leaf(json_t *root, json_t *names, const struct leaf *leaf)
{
    if (strcmp(leaf->schema, "feed.tapes") == 0)
        json_array_append_new(list_of(root, leaf->schema), json_string(leaf->text));
    else if (leaf->symbol != NULL)
        json_set_text(item_of(root, names, leaf), strrchr(leaf->schema, '.') + 1, leaf->text);
    else {
        const char *point = strrchr(leaf->path, '.');
        json_set_text(section_of(root, leaf->path), point != NULL ? point + 1 : leaf->path, leaf->text);
    }
}

/* A program that did not write a key may not know it; it does by itself what the default says. */
static bool may_be_unknown(const struct run_side *code, const struct leaf *leaf)
{
    const struct leaf *own = find(code, leaf->path);
    return own != NULL && !own->written && strcmp(own->content, leaf->content) == 0;
}

char *explain_mix_text(const struct explain_mix *mix, unsigned set)
{
    const struct run_side *sides = mix->inside->sides;
    const int base = (set & EXPLAIN_ALL) == EXPLAIN_ALL ? EXPLAIN_B : EXPLAIN_A;
    const struct run_side *code = &sides[(set >> EXPLAIN_CODE) & 1u];
    json_t *root = json_object(), *names = json_array();
    for (int turn = 0; turn < 2; turn++) {
        const struct run_side *side = &sides[turn == 0 ? base : 1 - base];
        for (size_t i = 0; i < side->count; i++) {
            const struct leaf *leaf = &side->leaves[i];
            const struct run_side *from = &sides[(set >> leaf->group) & 1u];
            if (turn == 1 && find(&sides[base], leaf->path) != NULL)
                continue; /* was there */
            const struct leaf *chosen = from == side ? leaf : find(from, leaf->path);
            if (chosen != NULL && !may_be_unknown(code, chosen))
                write_leaf(root, names, chosen);
        }
    }
    char *text = json_dumps(root, JSON_INDENT(2));
    json_decref(names);
    json_decref(root);
    return text;
}
