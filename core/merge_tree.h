/* merge_tree.h: which of many sources comes next: a tournament over (key, source number).
 *
 *              winner
 *             ╱      ╲            leaves are sources, a node holds the number of its winner;
 *          w01        w23         changing one key replays log2(n) matches
 *         ╱   ╲      ╱   ╲
 *        0     1    2     3       ties: the lower number wins
 */
#ifndef TAPEDECK_CORE_MERGE_TREE_H
#define TAPEDECK_CORE_MERGE_TREE_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct merge_tree {
    ns_t *keys;      /* NS_MAX: the source has nothing */
    uint16_t *nodes; /* nodes[1] is the winner; leaves begin at `leaves` */
    uint32_t count;  /* of sources */
    uint32_t leaves; /* power of two >= count */
};

size_t merge_tree_size(uint32_t count);
/* All keys NS_MAX. `memory` of merge_tree_size(count) bytes, 8-byte aligned; count >= 1. */
void merge_tree_init(struct merge_tree *tree, void *memory, uint32_t count);
void merge_tree_set(struct merge_tree *tree, uint32_t source, ns_t key);
static inline uint32_t merge_tree_winner(const struct merge_tree *tree)
{
    return tree->nodes[1];
}
static inline ns_t merge_tree_key(const struct merge_tree *tree)
{
    return tree->keys[tree->nodes[1]];
}
/* Up to where may the winner be read on before another source comes first: keys below the result are the
 * winner's. NS_MAX: no other source. */
ns_t merge_tree_bound(const struct merge_tree *tree);

#ifdef __cplusplus
}
#endif
#endif
