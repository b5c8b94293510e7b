/* explain_groups.h: what a difference of two runs can come from, and which key of a config belongs to what.
 *
 *   venue.latency.entry ─► latency        feed.tapes ─► data        strategy.plugin ─► code
 *   venue.fees.maker    ─► fees           risk.*     ─► parameters  output.dir      ─► nothing: changes no result
 *
 * Every key of config_schema.c belongs to exactly one group, or to none because it cannot change a result. The table
 * names keys and whole sections ("venue.latency."); the longest name that fits wins. A key of the schema that no line
 * fits is found by a test, not by a user.
 */
#ifndef TAPEDECK_CLI_EXPLAIN_GROUPS_H
#define TAPEDECK_CLI_EXPLAIN_GROUPS_H

#include "core/err.h"

/* name, what is in it. The order is the one in which they are substituted unless the user says otherwise: from what
 * the market and the venue did to what was decided, the program itself last. */
#define EXPLAIN_GROUP_MAP(X)                                                                                         \
    X(LATENCY, "latency", "how long requests and answers were under way: venue.latency")                             \
    X(FEES, "fees", "what a fill costs: venue.fees, fees of instruments, of liquidations")                           \
    X(FILLS, "fills", "what fills and at which price: queue and fill model, impact, order rules")                    \
    X(DATA, "data", "what was seen of the market: tapes, from and to, feed.latency, faults")                         \
    X(ACCOUNT, "account", "the money behind it: balances, margin, funding")                                          \
    X(SEED, "seed", "what is drawn at random")                                                                       \
    X(ENGINE, "engine", "capacities, and the grid of the equity")                                                    \
    X(PARAMETERS, "parameters", "what was decided: parameters of the strategy, limits of the risk gate")             \
    X(CODE, "code", "the strategy, its plug-in, the build of the program")
#define EXPLAIN_GROUP_ENUM(name, word, help) EXPLAIN_##name,
enum explain_group { EXPLAIN_GROUP_MAP(EXPLAIN_GROUP_ENUM) EXPLAIN_GROUPS, EXPLAIN_NOTHING = EXPLAIN_GROUPS };
#undef EXPLAIN_GROUP_ENUM

/* A set of groups: bit 1 << group. */
#define EXPLAIN_ALL ((1u << EXPLAIN_GROUPS) - 1)

const char *explain_group_name(enum explain_group group);
const char *explain_group_help(enum explain_group group);
/* "fees+fills", in the order of the enum. Buffer of EXPLAIN_SET_TEXT_SIZE; returns it. */
#define EXPLAIN_SET_TEXT_SIZE 128
const char *explain_set_text(unsigned set, char *text);

/* Of a key as the schema writes it ("instruments[].tick"). False: it has none. */
bool explain_group_of(const char *key, enum explain_group *group);

/* The steps: sets of groups that are substituted together, one after the other; each group is in exactly one. */
struct explain_order {
    unsigned sets[EXPLAIN_GROUPS];
    uint32_t count;
};
/* "data,fees+fills": these first, joined ones as one step, then what was not named, in the order of the enum. NULL:
 * that order alone. ERR_USAGE: no such group, or one that is named twice. */
err_t explain_order_parse(const char *text, struct explain_order *order, struct err_text *why) MUST_USE;

#endif
