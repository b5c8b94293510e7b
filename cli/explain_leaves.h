/* explain_leaves.h: the config of a run, leaf by leaf, as it is compared with another's.
 *
 *   resolved config ─► path "venue.fees.maker", text, what is compared, group ...
 *
 * Entries of `instruments` are named by their instrument, files compared by their content, and what cannot change a
 * result is left out.
 */
#ifndef TAPEDECK_CLI_EXPLAIN_LEAVES_H
#define TAPEDECK_CLI_EXPLAIN_LEAVES_H

#include "cli/config_tree.h"
#include "cli/explain_groups.h"
#include "cli/rerun.h"

struct explain_leaf {
    const char *path;   /* what makes it the same key in both runs */
    const char *schema; /* key of the schema */
    const char *text;
    const char *content; /* what is compared: the hash of a file, else the text */
    enum explain_group group;
    const char *symbol, *venue; /* of an entry of `instruments`; venue may be NULL */
    bool written;               /* the run's own config.yaml has it: older programs may not know the others */
};

struct explain_leaves {
    const struct rerun *run;
    struct config_node *raw; /* config.yaml as it stands there */
    struct explain_leaf *leaves;
    size_t count, room;
};

/* side->run is set; texts are kept by `tree`. ERR_IO, ERR_NOTFOUND: a file that the run names cannot be read. To be
 * freed in any case. */
err_t explain_leaves_read(struct explain_leaves *side, struct config_tree *tree, struct err_text *why) MUST_USE;
void explain_leaves_free(struct explain_leaves *side);
/* NULL: not set there. */
struct explain_leaf *explain_leaves_find(const struct explain_leaves *side, const char *path);

#endif
