#include "cli/config_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config_chunk {
    struct config_chunk *next;
    size_t used, size;
    _Alignas(16) char bytes[];
};

struct config_tree *config_tree_new(void)
{
    struct config_tree *tree = calloc(1, sizeof(*tree));
    if (tree == NULL)
        return NULL;
    tree->root = config_tree_alloc(tree, sizeof(*tree->root));
    if (tree->root == NULL) {
        free(tree);
        return NULL;
    }
    tree->root->kind = CONFIG_NODE_MAP;
    return tree;
}

void config_tree_free(struct config_tree *tree)
{
    if (tree == NULL)
        return;
    for (struct config_chunk *chunk = tree->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(tree);
}

void *config_tree_alloc(struct config_tree *tree, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    struct config_chunk *chunk = tree->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t room = size > 16384 ? size : 16384;
        chunk = calloc(1, sizeof(*chunk) + room);
        if (chunk == NULL)
            return NULL;
        chunk->size = room;
        chunk->next = tree->chunks;
        tree->chunks = chunk;
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += size;
    return memory;
}

char *config_tree_copy(struct config_tree *tree, const char *text, size_t size)
{
    char *copy = config_tree_alloc(tree, size + 1);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

struct config_source *config_tree_source(struct config_tree *tree, const char *name, const char *text, size_t size)
{
    struct config_source *source = config_tree_alloc(tree, sizeof(*source));
    if (source == NULL)
        return NULL;
    source->name = config_tree_copy(tree, name, strlen(name));
    source->text = config_tree_copy(tree, text, size);
    source->size = size;
    return source->name == NULL || source->text == NULL ? NULL : source;
}

void config_node_append(struct config_node *parent, struct config_node *child)
{
    child->parent = parent;
    child->next = NULL;
    if (parent->last == NULL)
        parent->first = child;
    else
        parent->last->next = child;
    parent->last = child;
    parent->count++;
}

void config_node_remove(struct config_node *parent, struct config_node *child)
{
    struct config_node *before = NULL;
    for (struct config_node *at = parent->first; at != child; at = at->next)
        before = at;
    if (before == NULL)
        parent->first = child->next;
    else
        before->next = child->next;
    if (parent->last == child)
        parent->last = before;
    parent->count--;
}

struct config_node *config_node_child(const struct config_node *map, const char *key, size_t key_size)
{
    if (map->kind != CONFIG_NODE_MAP)
        return NULL;
    for (struct config_node *child = map->first; child != NULL; child = child->next) {
        if (strlen(child->key) == key_size && memcmp(child->key, key, key_size) == 0)
            return child;
    }
    return NULL;
}

/* ---- paths: words joined by points, items by [n] ---- */

struct step {
    const char *key; /* NULL: an item */
    size_t key_size;
    uint32_t index;
};

/* False at the end, or when the rest is not a path (then *path stays in the middle of it). */
static bool next_step(const char **path, struct step *step)
{
    const char *at = *path;
    if (*at == '[') {
        char *end;
        unsigned long index = strtoul(at + 1, &end, 10);
        if (end == at + 1 || *end != ']' || at[1] == '-' || at[1] == '+' || index > 65535)
            return false;
        *step = (struct step){NULL, 0, (uint32_t)index};
        *path = end + 1;
        return true;
    }
    if (*at == '.')
        at++;
    size_t size = strcspn(at, ".[");
    if (size == 0)
        return false;
    *step = (struct step){at, size, 0};
    *path = at + size;
    return true;
}

static struct config_node *step_into(const struct config_node *node, const struct step *step)
{
    if (step->key != NULL)
        return config_node_child(node, step->key, step->key_size);
    if (node->kind != CONFIG_NODE_LIST)
        return NULL;
    struct config_node *child = node->first;
    for (uint32_t i = 0; child != NULL && i < step->index; i++)
        child = child->next;
    return child;
}

const struct config_node *config_node_find(const struct config_node *root, const char *path)
{
    const struct config_node *node = root;
    struct step step;
    while (node != NULL && *path != '\0') {
        if (!next_step(&path, &step))
            return NULL;
        node = step_into(node, &step);
    }
    return node;
}

const char *config_node_path(const struct config_node *node, char *path)
{
    const struct config_node *way[CONFIG_DEPTH_MAX * 2];
    size_t count = 0, used = 0;
    path[0] = '\0';
    for (; node->parent != NULL && count < ARRAY_LEN(way); node = node->parent)
        way[count++] = node;
    while (count-- > 0 && used < CONFIG_PATH_MAX) {
        size_t room = CONFIG_PATH_MAX - used;
        if (way[count]->key != NULL) {
            used += (size_t)snprintf(path + used, room, "%s%.60s", used > 0 ? "." : "", way[count]->key);
            continue;
        }
        uint32_t index = 0;
        for (const struct config_node *at = way[count]->parent->first; at != way[count]; at = at->next)
            index++;
        used += (size_t)snprintf(path + used, room, "[%u]", index);
    }
    return path;
}

/* ---- --set ---- */

static err_t make_step(struct config_tree *tree, struct config_node **node, const struct step *step,
                       const struct config_source *source, size_t key_at, struct err_text *why)
{
    struct config_node *at = *node, *child = step_into(at, step);
    enum config_node_kind wanted = step->key != NULL ? CONFIG_NODE_MAP : CONFIG_NODE_LIST;
    char path[CONFIG_PATH_MAX], message[CONFIG_PATH_MAX + 80];
    if (child != NULL) {
        *node = child;
        return ERR_OK;
    }
    if (at->kind == CONFIG_NODE_SCALAR && at->null) { /* "feed:" with nothing under it becomes a section */
        at->kind = wanted;
        at->null = false;
        at->source = source;
    }
    if (at->kind != wanted || (step->key == NULL && step->index != at->count)) {
        const char *what = step->key == NULL && at->kind == wanted ? "has fewer items than that"
                           : at->kind == CONFIG_NODE_MAP           ? "is a section, not a list"
                           : at->kind == CONFIG_NODE_LIST          ? "is a list, not a section"
                                                                   : "is a value, there is nothing under it";
        config_node_path(at, path);
        snprintf(message, sizeof(message), "'%s' %s", path[0] != '\0' ? path : "the config", what);
        return config_say_at(why, source, key_at, step->key_size > 0 ? step->key_size : 1, message);
    }
    child = config_tree_alloc(tree, sizeof(*child));
    if (child == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    child->kind = CONFIG_NODE_SCALAR;
    child->null = true;
    child->text = "";
    child->source = source;
    child->key_at = child->at = key_at;
    child->key_size = child->size = step->key_size;
    if (step->key != NULL && (child->key = config_tree_copy(tree, step->key, step->key_size)) == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    config_node_append(at, child);
    *node = child;
    return ERR_OK;
}

/* The value takes the node's place; the node keeps its key and its neighbours. */
static void replace(struct config_node *node, const struct config_node *value)
{
    node->kind = value->kind;
    node->text = value->text;
    node->text_size = value->text_size;
    node->null = value->null;
    node->source = value->source;
    node->at = value->at;
    node->size = value->size;
    node->first = value->first;
    node->last = value->last;
    node->count = value->count;
    for (struct config_node *child = node->first; child != NULL; child = child->next)
        child->parent = node;
}

err_t config_tree_set(struct config_tree *tree, const char *assignment, struct err_text *why)
{
    struct config_source *source = config_tree_source(tree, "--set", assignment, strlen(assignment));
    if (source == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    source->is_set = true;
    size_t key_size = strcspn(assignment, "=");
    if (assignment[key_size] != '=' || key_size == 0 || key_size >= CONFIG_PATH_MAX)
        return config_say_at(why, source, 0, key_size,
                             "expected key.path=value, such as seed=7 or risk.open_orders_max=4");
    struct config_node empty = {.kind = CONFIG_NODE_SCALAR, .null = true, .text = "", .source = source, .at = 0};
    empty.size = key_size;
    struct config_node *value = NULL;
    err_t err = config_yaml_parse(tree, source, key_size + 1, &value, why);
    if (err != ERR_OK)
        return err;

    char *path = config_tree_copy(tree, assignment, key_size);
    if (path == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    struct config_node *node = tree->root;
    const char *at = path;
    struct step step;
    for (unsigned depth = 0; *at != '\0'; depth++) {
        if (depth == CONFIG_DEPTH_MAX || !next_step(&at, &step))
            return config_say_at(why, source, (size_t)(at - path), 1, "this is not a key path");
        size_t key_at = step.key != NULL ? (size_t)(step.key - path) : (size_t)(at - path) - 1;
        if ((err = make_step(tree, &node, &step, source, key_at, why)) != ERR_OK)
            return err;
    }
    replace(node, value != NULL ? value : &empty);
    node->source = source;
    return ERR_OK;
}

/* ---- errors with a place ---- */

#define SHOWN_MAX 100 /* characters of the offending line */

struct place {
    size_t line, column;          /* from 1; columns count characters */
    size_t line_start, line_size; /* bytes */
};

static struct place place_of(const struct config_source *source, size_t at)
{
    struct place place = {1, 1, 0, 0};
    at = at > source->size ? source->size : at;
    for (size_t i = 0; i < at; i++) {
        if (source->text[i] == '\n') {
            place.line++;
            place.line_start = i + 1;
        }
    }
    for (size_t i = place.line_start; i < at; i++)
        place.column += ((unsigned char)source->text[i] & 0xc0) != 0x80;
    size_t end = place.line_start;
    while (end < source->size && source->text[end] != '\n' && source->text[end] != '\r')
        end++;
    place.line_size = end - place.line_start;
    return place;
}

/* "  3 |   key: value" and the caret under it. A long line is shown from a little before the place. */
static size_t show_line(char *text, size_t room, const struct config_source *source, const struct place *place,
                        size_t at, size_t size)
{
    size_t first = place->line_start, last = place->line_start + place->line_size;
    if (at > last)
        at = last;
    while (at - first > SHOWN_MAX / 2)
        first++;
    while (first < at && ((unsigned char)source->text[first] & 0xc0) == 0x80)
        first++;
    if (last - first > SHOWN_MAX)
        last = first + SHOWN_MAX;
    while (last > first && last < source->size && ((unsigned char)source->text[last] & 0xc0) == 0x80)
        last--;
    char number[24], gutter[32];
    int width = source->is_set ? 0 : snprintf(number, sizeof(number), "%zu", place->line);
    number[width] = '\0';
    snprintf(gutter, sizeof(gutter), "  %*s | ", width, "");
    size_t used =
        (size_t)snprintf(text, room, "\n  %s | %.*s\n%s", number, (int)(last - first), source->text + first, gutter);
    for (size_t i = first; i < at && used + 1 < room; i++) { /* tabs stay tabs, so that the caret lines up */
        if (((unsigned char)source->text[i] & 0xc0) != 0x80)
            text[used++] = source->text[i] == '\t' ? '\t' : ' ';
    }
    if (used + 1 < room)
        text[used++] = '^';
    size_t stop = at + size < last ? at + size : last;
    for (size_t i = at + 1; i < stop && used + 1 < room; i++) {
        if (((unsigned char)source->text[i] & 0xc0) != 0x80)
            text[used++] = '~';
    }
    text[used < room ? used : room - 1] = '\0';
    return used;
}

err_t config_say_at(struct err_text *why, const struct config_source *source, size_t at, size_t size,
                    const char *message)
{
    struct place place = place_of(source, at);
    char text[700];
    size_t used;
    if (source->is_set)
        used = (size_t)snprintf(text, sizeof(text), "%s %.80s: %.330s", source->name, source->text, message);
    else
        used = (size_t)snprintf(text, sizeof(text), "%.160s:%zu:%zu: %.330s", source->name, place.line, place.column,
                                message);
    if (used < sizeof(text) - 1)
        show_line(text + used, sizeof(text) - used, source, &place, at, size);
    return err_say(why, ERR_CONFIG, "%s", text);
}

err_t config_say(struct err_text *why, const struct config_node *node, enum config_part part, const char *fmt, ...)
{
    char message[512], path[CONFIG_PATH_MAX];
    config_node_path(node, path);
    size_t used = path[0] == '\0' ? 0 : (size_t)snprintf(message, sizeof(message), "%s: ", path);
    va_list args;
    va_start(args, fmt);
    vsnprintf(message + used, sizeof(message) - used, fmt, args);
    va_end(args);
    if (node->source == NULL)
        return err_say(why, ERR_CONFIG, "%s", message);
    bool key = part == CONFIG_KEY && node->key != NULL;
    return config_say_at(why, node->source, key ? node->key_at : node->at, key ? node->key_size : node->size,
                         message);
}
