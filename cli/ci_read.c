#include "cli/ci_read.h"

#include "cli/suggest.h"

#include <stdio.h>
#include <string.h>

err_t ci_no_memory(struct ci_reader *reader)
{
    return err_say(reader->why, ERR_NOMEM, "%s: out of memory", reader->path);
}

static const char *kind_words(const struct config_node *node)
{
    return node->kind == CONFIG_NODE_MAP ? "a section" : node->kind == CONFIG_NODE_LIST ? "a list" : "a single value";
}

err_t ci_expect(struct ci_reader *reader, const struct config_node *node, enum config_node_kind kind,
                const char *what)
{
    if (node->kind == kind && !node->null)
        return ERR_OK;
    if (node->null)
        return config_say(reader->why, node, CONFIG_VALUE, "expected %s, got nothing", what);
    return config_say(reader->why, node, CONFIG_VALUE, "expected %s, got %s", what,
                      node->kind == CONFIG_NODE_SCALAR ? node->text : kind_words(node));
}

err_t ci_known_keys(struct ci_reader *reader, const struct config_node *node, const char *const *known)
{
    for (const struct config_node *child = node->first; child != NULL; child = child->next) {
        struct suggestion suggestion;
        char hint[128], shown[200] = "";
        bool found = false;
        size_t used = 0;
        suggest_start(&suggestion, child->key, strlen(child->key));
        for (size_t i = 0; known[i] != NULL; i++) {
            found |= strcmp(known[i], child->key) == 0;
            suggest_offer(&suggestion, known[i]);
            used += (size_t)snprintf(shown + used, sizeof(shown) - used, "%s%s", used > 0 ? ", " : "", known[i]);
        }
        if (found)
            continue;
        suggest_text(&suggestion, hint);
        return hint[0] != '\0' ? config_say(reader->why, child, CONFIG_KEY, "unknown key%s", hint)
                               : config_say(reader->why, child, CONFIG_KEY, "unknown key; known here: %s", shown);
    }
    return ERR_OK;
}

const struct config_node *ci_child(const struct config_node *node, const char *key)
{
    const struct config_node *child = config_node_child(node, key, strlen(key));
    return child == NULL || child->null ? NULL : child;
}

err_t ci_read_text(struct ci_reader *reader, const struct config_node *node, const char **text)
{
    err_t err = ci_expect(reader, node, CONFIG_NODE_SCALAR, "a text");
    if (err == ERR_OK && node->text_size == 0)
        return config_say(reader->why, node, CONFIG_VALUE, "expected a text, got nothing");
    if (err == ERR_OK)
        *text = node->text;
    return err;
}

err_t ci_read_path(struct ci_reader *reader, const struct config_node *node, const char **path)
{
    const char *text = NULL;
    err_t err = ci_read_text(reader, node, &text);
    if (err != ERR_OK)
        return err;
    if (text[0] == '/' || reader->directory[0] == '\0') {
        *path = text;
        return ERR_OK;
    }
    const size_t size = strlen(reader->directory) + 1 + strlen(text);
    char *joined = config_tree_alloc(reader->tree, size + 1);
    if (joined == NULL)
        return ci_no_memory(reader);
    snprintf(joined, size + 1, "%s/%s", reader->directory, text);
    *path = joined;
    return ERR_OK;
}

err_t ci_read_decimal(struct ci_reader *reader, const struct config_node *node, unsigned decimals, money_t most,
                      const char *expected, money_t *value)
{
    money_t read = 0;
    err_t err = ci_expect(reader, node, CONFIG_NODE_SCALAR, expected);
    if (err != ERR_OK)
        return err;
    err = decimal_parse_money(node->text, node->text_size, decimals, ROUND_EXACT, &read);
    if (err != ERR_OK || read < 0 || read > most)
        return config_say(reader->why, node, CONFIG_VALUE, "expected %s, got '%.60s'", expected, node->text);
    *value = read;
    return ERR_OK;
}

err_t ci_add_item(struct ci_reader *reader, struct option_list *list, const char *item)
{
    return option_list_add(list, item) == ERR_OK ? ERR_OK : ci_no_memory(reader);
}
