#include "core/merge_tree.h"

static uint32_t leaves_for(uint32_t count)
{
    uint32_t leaves = 1;
    while (leaves < count)
        leaves *= 2;
    return leaves;
}

size_t merge_tree_size(uint32_t count)
{
    size_t leaves = leaves_for(count);
    return leaves * sizeof(ns_t) + ((2 * leaves * sizeof(uint16_t) + 7) & ~(size_t)7);
}

static inline uint16_t match(const struct merge_tree *tree, uint16_t a, uint16_t b)
{
    /* `a` is the left, lower-numbered one: it wins ties */
    return tree->keys[b] < tree->keys[a] ? b : a;
}

void merge_tree_init(struct merge_tree *tree, void *memory, uint32_t count)
{
    ASSERT(count >= 1 && count <= UINT16_MAX);
    tree->count = count;
    tree->leaves = leaves_for(count);
    tree->keys = memory;
    tree->nodes = (uint16_t *)(void *)((uint8_t *)memory + tree->leaves * sizeof(ns_t));
    for (uint32_t i = 0; i < tree->leaves; i++) {
        tree->keys[i] = NS_MAX;
        tree->nodes[tree->leaves + i] = (uint16_t)i;
    }
    for (uint32_t n = tree->leaves - 1; n >= 1; n--)
        tree->nodes[n] = match(tree, tree->nodes[2 * n], tree->nodes[2 * n + 1]);
    if (tree->leaves == 1)
        tree->nodes[1] = 0;
}

void merge_tree_set(struct merge_tree *tree, uint32_t source, ns_t key)
{
    tree->keys[source] = key;
    for (uint32_t n = (tree->leaves + source) / 2; n >= 1; n /= 2)
        tree->nodes[n] = match(tree, tree->nodes[2 * n], tree->nodes[2 * n + 1]);
}

ns_t merge_tree_bound(const struct merge_tree *tree)
{
    const uint32_t winner = tree->nodes[1];
    ns_t bound = NS_MAX;
    for (uint32_t n = tree->leaves + winner; n > 1; n /= 2) {
        const uint32_t rival = tree->nodes[n ^ 1];
        const ns_t key = tree->keys[rival];
        /* the winner may also be read at the rival's key when its number is lower */
        const ns_t limit = key == NS_MAX ? NS_MAX : winner < rival ? key + 1 : key;
        if (limit < bound)
            bound = limit;
    }
    return bound;
}
