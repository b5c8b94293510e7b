/* explain_world.h: one run between A and B, executed, and its figures.
 *
 *   config, program ─► run ─► result (as result.json has it) ─► struct explain_figures, exact
 *
 * Profit is metrics.profit of docs/results.md: equity at the end less equity at the start, fees taken off, what is
 * still open marked at the book. It is shown in parts that add up to it:
 *
 *   profit = realised - fees + funding + marked
 *
 * `marked` is the rest: what open positions and holdings are worth more than they cost, or were worth at the start.
 */
#ifndef TAPEDECK_CLI_EXPLAIN_WORLD_H
#define TAPEDECK_CLI_EXPLAIN_WORLD_H

#include "cli/json_out.h"
#include "core/account.h"
#include "core/digest.h"

struct explain_world {
    const char *program; /* NULL: this one */
    const char *config;  /* text */
    const char *name;    /* for messages */
};

/* In a process of its own (ci_pool.h). {"error": text or null, "result": {...}}. */
json_t *explain_world_run(const struct explain_world *world);

/* In this order in tables. The first is the sum of the others, fees taken off. */
#define EXPLAIN_PART_MAP(X)                                                                                          \
    X(PROFIT, "profit")                                                                                              \
    X(REALISED, "realised")                                                                                          \
    X(MARKED, "marked")                                                                                              \
    X(FEES, "fees")                                                                                                  \
    X(FUNDING, "funding")
#define EXPLAIN_PART_ENUM(name, word) EXPLAIN_PART_##name,
enum explain_part { EXPLAIN_PART_MAP(EXPLAIN_PART_ENUM) EXPLAIN_PARTS };
#undef EXPLAIN_PART_ENUM
const char *explain_part_name(enum explain_part part);

struct explain_money {
    char currency[NAME_SIZE];
    money_t parts[EXPLAIN_PARTS]; /* at MONEY_DECIMALS */
    bool settles;                 /* false: no instrument settles in it, fees alone were paid in it */
};

struct explain_figures {
    char digest[DIGEST_TEXT_SIZE];
    uint64_t orders, fills;
    struct explain_money money[CURRENCIES_MAX];
    uint32_t money_count;
};

/* Read them from a result. ERR_CORRUPT, and ERR_VERSION for a program that does not tell profits yet. */
err_t explain_figures_read(struct explain_figures *figures, const json_t *result, const char *name,
                           struct err_text *why) MUST_USE;
/* Of a currency; zeros when there is none. */
const struct explain_money *explain_figures_money(const struct explain_figures *figures, const char *currency);

#endif
