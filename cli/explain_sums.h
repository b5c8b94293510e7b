/* explain_sums.h: the steps from A to B, and that they add up.
 *
 *   worlds      0 ──► 1 ──► 3 ──► 7          bit i: unit i is B's already
 *               A   +latency +fees +code = B
 *   steps         └──┘  └──┘  └──┘           profit(B) - profit(A) = sum of the steps, residual 0, a currency
 *
 * A unit is what is substituted at once: a group, or some that were joined, of which a key differs. Only worlds on
 * the way are executed. A world that cannot be executed (a queue model that the data of A do not carry) is passed
 * over: its step is taken together with the next.
 *
 * A step depends on those before it: what a fee costs depends on what fills. With all 2^n worlds the share of a unit
 * is its mean step over all orders (the Shapley value), over n! exactly: shares add up to the same difference. The
 * least and the most that it does in any order say how far the units work on one another.
 */
#ifndef TAPEDECK_CLI_EXPLAIN_SUMS_H
#define TAPEDECK_CLI_EXPLAIN_SUMS_H

#include "cli/explain_groups.h"
#include "cli/explain_world.h"

#define EXPLAIN_WORLDS_MAX (1u << EXPLAIN_GROUPS)
#define EXPLAIN_UNITS_ALL  5 /* the most of which all orders are executed: 32 runs */

struct explain_step {
    unsigned set;      /* of groups */
    unsigned from, to; /* worlds; the same: no key of it differs, nothing was executed */
    const char *why;   /* why groups were taken together that were not joined; NULL: they were not */
};

struct explain_share {
    money_t numerator, least, most; /* of the profit; the mean is numerator / share_denominator */
};

struct explain_sums {
    unsigned units[EXPLAIN_GROUPS]; /* sets of groups, in the order of the steps */
    uint32_t unit_count;
    bool wanted[EXPLAIN_WORLDS_MAX];
    struct explain_figures *figures[EXPLAIN_WORLDS_MAX]; /* NULL: not executed; owned */
    const char *errors[EXPLAIN_WORLDS_MAX];              /* it could not be; kept by the caller */
    struct explain_step steps[EXPLAIN_GROUPS];
    uint32_t step_count;
    char currencies[CURRENCIES_MAX][NAME_SIZE]; /* of all worlds */
    uint32_t currency_count;
    bool shared; /* the following are there */
    struct explain_share shares[EXPLAIN_UNITS_ALL][CURRENCIES_MAX];
    money_t share_denominator;
};

/* Which worlds are to be executed. `differs`: the groups of which a key differs. ERR_USAGE: `all_orders`, and too
 * many units. */
err_t explain_sums_plan(struct explain_sums *sums, const struct explain_order *order, unsigned differs,
                        bool all_orders, struct err_text *why) MUST_USE;
/* The groups that are B's in a world; EXPLAIN_ALL in the last, which is B. */
unsigned explain_sums_set(const struct explain_sums *sums, unsigned world);
unsigned explain_sums_last(const struct explain_sums *sums);
/* `figures` and `errors` are filled in: make the steps and the shares, and add them up. `a` and `b` are what the runs
 * themselves say. ERR_MISMATCH: a residual that is not zero; ERR_RANGE: a difference that does not fit; ERR_CONFIG:
 * with all orders, a world that cannot be executed. */
err_t explain_sums_make(struct explain_sums *sums, const struct explain_order *order, unsigned differs,
                        const struct explain_figures *a, const struct explain_figures *b,
                        struct err_text *why) MUST_USE;
/* Of one part of one currency, over one step. */
money_t explain_sums_step(const struct explain_sums *sums, const struct explain_step *step, const char *currency,
                          enum explain_part part);
void explain_sums_free(struct explain_sums *sums);

#endif
