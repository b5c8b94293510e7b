#include "core/merge_tree.h"

#include "core/prng.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#define SOURCES_MOST 70

static void tree_open(struct merge_tree *tree, uint32_t count)
{
    /* exactly as many bytes as asked for, so that the sanitizer sees one too many */
    void *memory = malloc(merge_tree_size(count));
    cr_assert(memory != NULL);
    merge_tree_init(tree, memory, count);
}

static uint32_t first_of(const ns_t *keys, uint32_t count)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < count; i++)
        if (keys[i] < keys[first])
            first = i;
    return first;
}

/* The least key at which another source comes before `winner`: at its own key when its number is lower, else after.
 */
static ns_t bound_of(const ns_t *keys, uint32_t count, uint32_t winner)
{
    ns_t bound = NS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (i == winner || keys[i] == NS_MAX)
            continue;
        const ns_t limit = i < winner ? keys[i] : keys[i] + 1;
        bound = limit < bound ? limit : bound;
    }
    return bound;
}

Test(merge_tree, one_source_always_wins_without_bound)
{
    struct merge_tree tree;
    tree_open(&tree, 1);
    cr_assert_eq(merge_tree_winner(&tree), 0);
    cr_assert_eq(merge_tree_key(&tree), NS_MAX);
    merge_tree_set(&tree, 0, -5);
    cr_assert_eq(merge_tree_winner(&tree), 0);
    cr_assert_eq(merge_tree_key(&tree), -5);
    cr_assert_eq(merge_tree_bound(&tree), NS_MAX);
    free(tree.keys);
}

Test(merge_tree, of_equal_keys_the_lower_number_wins_and_may_be_read_through_the_tie)
{
    struct merge_tree tree;
    tree_open(&tree, 3);
    for (uint32_t i = 0; i < 3; i++)
        merge_tree_set(&tree, i, 10);
    cr_assert_eq(merge_tree_winner(&tree), 0);
    cr_assert_eq(merge_tree_bound(&tree), 11);
    merge_tree_set(&tree, 0, 12);
    cr_assert_eq(merge_tree_winner(&tree), 1);
    cr_assert_eq(merge_tree_bound(&tree), 11, "source 2 ties and comes after, source 0 comes at 12");
    merge_tree_set(&tree, 1, 12);
    cr_assert_eq(merge_tree_winner(&tree), 2);
    cr_assert_eq(merge_tree_bound(&tree), 12, "both others are before it at 12");
    free(tree.keys);
}

Test(merge_tree, random_keys_agree_with_a_linear_search)
{
    for (uint32_t count = 1; count <= SOURCES_MOST; count++) {
        struct prng prng;
        struct merge_tree tree;
        ns_t keys[SOURCES_MOST];
        prng_init(&prng, 42, count);
        tree_open(&tree, count);
        for (uint32_t i = 0; i < count; i++)
            keys[i] = NS_MAX;
        for (int step = 0; step < 400; step++) {
            const uint32_t source = (uint32_t)prng_below(&prng, count);
            const uint64_t draw = prng_below(&prng, 12);
            keys[source] = draw == 0   ? NS_MAX
                           : draw == 1 ? NS_MAX - 1
                           : draw == 2 ? INT64_MIN
                                       : prng_range(&prng, -8, 8);
            merge_tree_set(&tree, source, keys[source]);
            const uint32_t winner = first_of(keys, count);
            cr_assert_eq(merge_tree_winner(&tree), winner, "%u sources, step %d", count, step);
            cr_assert_eq(merge_tree_key(&tree), keys[winner]);
            cr_assert_eq(merge_tree_bound(&tree), bound_of(keys, count, winner), "%u sources, step %d", count, step);
        }
        free(tree.keys);
    }
}

/* What it is for: reading many sources up to the bound gives the order of (key, source). */
Test(merge_tree, reading_up_to_the_bound_gives_the_total_order)
{
    enum { SOURCES = 9, EACH = 300 };
    static ns_t keys[SOURCES][EACH];
    uint32_t at[SOURCES] = {0};
    struct merge_tree tree;
    struct prng prng;
    prng_init(&prng, 7, 7);
    tree_open(&tree, SOURCES);
    for (uint32_t s = 0; s < SOURCES; s++) {
        ns_t key = 0;
        for (uint32_t i = 0; i < EACH; i++)
            keys[s][i] = key += prng_range(&prng, 0, 2);
        merge_tree_set(&tree, s, keys[s][0]);
    }
    ns_t last_key = INT64_MIN;
    uint32_t last_source = 0, read = 0;
    while (merge_tree_key(&tree) != NS_MAX) {
        const uint32_t s = merge_tree_winner(&tree);
        const ns_t bound = merge_tree_bound(&tree);
        cr_assert_lt(keys[s][at[s]], bound);
        while (at[s] < EACH && keys[s][at[s]] < bound) {
            const ns_t key = keys[s][at[s]++];
            cr_assert(key > last_key || (key == last_key && s >= last_source), "source %u at %" PRId64, s, key);
            last_key = key;
            last_source = s;
            read++;
        }
        merge_tree_set(&tree, s, at[s] < EACH ? keys[s][at[s]] : NS_MAX);
    }
    cr_assert_eq(read, SOURCES * EACH);
    free(tree.keys);
}
