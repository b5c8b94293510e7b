/* ci_read.h: small readers of a suite's nodes: each takes what it expects or tells the place. Used by ci_suite.c. */
#ifndef TAPEDECK_CLI_CI_READ_H
#define TAPEDECK_CLI_CI_READ_H

#include "cli/config_tree.h"
#include "cli/options.h"
#include "core/decimal.h"

struct ci_reader {
    struct config_tree *tree;
    const char *path;      /* of the suite */
    const char *directory; /* it lies in; "": the current one */
    struct err_text *why;
};

err_t ci_no_memory(struct ci_reader *reader);
/* The node is of this kind and says something; `what` is the word for it: "a list of tapes". */
err_t ci_expect(struct ci_reader *reader, const struct config_node *node, enum config_node_kind kind,
                const char *what) MUST_USE;
/* Every key of the section is one of these; the list ends with NULL. */
err_t ci_known_keys(struct ci_reader *reader, const struct config_node *node, const char *const *known) MUST_USE;
/* The child, or NULL when it is not there or has no value. */
const struct config_node *ci_child(const struct config_node *node, const char *key);
err_t ci_read_text(struct ci_reader *reader, const struct config_node *node, const char **text) MUST_USE;
/* Relative ones are joined to the suite's folder. */
err_t ci_read_path(struct ci_reader *reader, const struct config_node *node, const char **path) MUST_USE;
/* From 0 to `most`, exact. */
err_t ci_read_decimal(struct ci_reader *reader, const struct config_node *node, unsigned decimals, money_t most,
                      const char *expected, money_t *value) MUST_USE;
err_t ci_add_item(struct ci_reader *reader, struct option_list *list, const char *item) MUST_USE;

#endif
