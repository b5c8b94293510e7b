/* How: the resolved config of a side is walked leaf by leaf; leaves of both sides with one path make a key. To write
 * a config the leaves of one side are walked again, in its order, each with the text of the side that its group is
 * from; then those that only the other side has. JSON is what is written: it is YAML too.
 *
 * The order of keys means nothing but in account.balances: accounts list them so, and the digest is of that list. It
 * is compared, and goes with its group. */
#include "cli/explain_mix.h"

#include "cli/explain_leaves.h"
#include "cli/json_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct explain_mix_inside {
    struct config_tree *tree; /* keeps all texts */
    struct explain_leaves sides[2];
    size_t key_room;
};

static err_t no_memory(struct err_text *why)
{
    return err_say(why, ERR_NOMEM, "out of memory");
}

/* ---- keys ---- */

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
static void move_lone_params(struct explain_leaves *sides)
{
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < sides[i].count; k++) {
            struct explain_leaf *leaf = &sides[i].leaves[k];
            if (strcmp(leaf->schema, "strategy.params") == 0 &&
                explain_leaves_find(&sides[1 - i], leaf->path) == NULL)
                leaf->group = EXPLAIN_CODE;
        }
}

static err_t pair(struct explain_mix *mix, struct err_text *why)
{
    struct explain_leaves *sides = mix->inside->sides;
    err_t err = ERR_OK;
    move_lone_params(sides);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < sides[i].count && err == ERR_OK; k++) {
            const struct explain_leaf *leaf = &sides[i].leaves[k],
                                      *other = explain_leaves_find(&sides[1 - i], leaf->path);
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

/* ---- order ---- */

static bool is_balance(const struct explain_leaf *leaf)
{
    return strcmp(leaf->schema, "account.balances") == 0;
}

/* "USDT, BTC". NULL: no memory. */
static const char *currencies_of(const struct explain_mix_inside *inside, const struct explain_leaves *side)
{
    char *text = NULL;
    size_t size = 0;
    const char *between = "";
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        return NULL;
    for (size_t i = 0; i < side->count; i++)
        if (is_balance(&side->leaves[i])) {
            fprintf(file, "%s%s", between, strrchr(side->leaves[i].path, '.') + 1);
            between = ", ";
        }
    const char *copy = fclose(file) == 0 ? config_tree_copy(inside->tree, text, size) : NULL;
    free(text);
    return copy;
}

/* Of the currencies that both sides have, are they in the same order? */
static bool same_order(const struct explain_leaves *sides)
{
    const struct explain_leaf *last = NULL;
    for (size_t i = 0; i < sides[EXPLAIN_A].count; i++) {
        const struct explain_leaf *leaf = &sides[EXPLAIN_A].leaves[i];
        const struct explain_leaf *other =
            is_balance(leaf) ? explain_leaves_find(&sides[EXPLAIN_B], leaf->path) : NULL;
        if (other == NULL)
            continue;
        if (last != NULL && other < last)
            return false;
        last = other;
    }
    return true;
}

static err_t compare_order(struct explain_mix *mix, struct err_text *why)
{
    const struct explain_leaves *sides = mix->inside->sides;
    if (same_order(sides))
        return ERR_OK;
    const char *a = currencies_of(mix->inside, &sides[EXPLAIN_A]), *b = currencies_of(mix->inside, &sides[EXPLAIN_B]);
    return a == NULL || b == NULL ? no_memory(why)
                                  : explain_mix_add(mix, "account.balances", EXPLAIN_ACCOUNT, a, b, why);
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
        err = explain_leaves_read(&made->inside->sides[i], made->inside->tree, why);
    }
    if (err == ERR_OK)
        err = pair(made, why);
    if (err == ERR_OK)
        err = compare_order(made, why);
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
        explain_leaves_free(&mix->inside->sides[0]);
        explain_leaves_free(&mix->inside->sides[1]);
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

/* The entry of an instrument; its name stands in the path of the leaf. */
static json_t *item_of(json_t *root, json_t *names, const struct explain_leaf *leaf)
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

static void write_leaf(json_t *root, json_t *names, const struct explain_leaf *leaf)
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
static bool may_be_unknown(const struct explain_leaves *code, const struct explain_leaf *leaf)
{
    const struct explain_leaf *own = explain_leaves_find(code, leaf->path);
    return own != NULL && !own->written && strcmp(own->content, leaf->content) == 0;
}

struct writer {
    const struct explain_leaves *sides;
    unsigned set;
    json_t *root, *names; /* names: of the entries of `instruments`, as they stand there */
};

static void write_all(const struct writer *writer, unsigned lead, bool balances)
{
    const struct explain_leaves *code = &writer->sides[writer->set >> EXPLAIN_CODE & 1u];
    for (unsigned turn = 0; turn < 2; turn++) {
        const struct explain_leaves *side = &writer->sides[turn == 0 ? lead : 1 - lead];
        for (size_t i = 0; i < side->count; i++) {
            const struct explain_leaf *leaf = &side->leaves[i];
            const struct explain_leaves *from = &writer->sides[writer->set >> leaf->group & 1u];
            if (is_balance(leaf) != balances ||
                (turn == 1 && explain_leaves_find(&writer->sides[lead], leaf->path) != NULL))
                continue;
            const struct explain_leaf *chosen = from == side ? leaf : explain_leaves_find(from, leaf->path);
            if (chosen != NULL && !may_be_unknown(code, chosen))
                write_leaf(writer->root, writer->names, chosen);
        }
    }
}

char *explain_mix_text(const struct explain_mix *mix, unsigned set)
{
    const struct writer writer = {mix->inside->sides, set, json_object(), json_array()};
    write_all(&writer, EXPLAIN_A, false);
    write_all(&writer, set >> EXPLAIN_ACCOUNT & 1u, true);
    char *text = json_dumps(writer.root, JSON_INDENT(2));
    json_decref(writer.names);
    json_decref(writer.root);
    return text;
}
