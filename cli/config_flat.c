#include "cli/config_flat.h"

#include "cli/config_tree.h"

static void flatten(json_t *object, const struct config_node *node)
{
    char path[CONFIG_PATH_MAX];
    if (node->kind != CONFIG_NODE_SCALAR) {
        for (const struct config_node *child = node->first; child != NULL; child = child->next)
            flatten(object, child);
        return;
    }
    if (!node->null) /* not set: as if the key were not there */
        json_set_text(object, config_node_path(node, path), node->text);
}

json_t *config_flat(const char *text, size_t size)
{
    struct config_tree *tree = config_tree_new();
    struct config_source *source = tree != NULL ? config_tree_source(tree, "config", text, size) : NULL;
    struct config_node *root = NULL;
    json_t *object = NULL;
    if (source != NULL && config_yaml_parse(tree, source, 0, &root, NULL) == ERR_OK && root != NULL) {
        object = json_object();
        flatten(object, root);
    }
    config_tree_free(tree);
    return object;
}
