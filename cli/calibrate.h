/* calibrate.h: own orders, put through every queue model of a grid, against what became of them in reality.
 *
 *   orders.csv ─► scripted run, model 1 ─► answers ─┐
 *   tapes         scripted run, model 2 ─► answers ─┼─► scores, choice, held-out error (calibrate_score.h) ─► report
 *                 ...                               ┘
 *
 * Every run is a run as `tapedeck run` makes it: the same config but for venue.queue, the strategy and what only
 * concerns output and room. The first one, pessimistic, also says which orders can be scored at all.
 */
#ifndef TAPEDECK_CLI_CALIBRATE_H
#define TAPEDECK_CLI_CALIBRATE_H

#include "cli/calibrate_score.h"
#include "cli/config.h"
#include "cli/options.h"
#include "cli/progress.h"

#define CALIBRATE_MODELS_MAX (5 + 3 * QUEUE_EXPONENT_MAX)
#define CALIBRATE_FILLS_FEW  300 /* real fills: below it a warning */

/* reason, words */
#define CALIBRATE_LEFT_MAP(X)                                                                                        \
    X(UNTOLD, "filled", "have nothing in the column `filled`")                                                       \
    X(KIND, "kind", "are market, ioc or fok orders: they do not queue")                                              \
    X(NOT_SENT, "not_sent", "are outside of the tapes, or had no room")                                              \
    X(REJECTED, "rejected", "were rejected by the simulated venue")                                                  \
    X(TOOK, "took", "took liquidity on arrival in the simulation")                                                   \
    X(NO_BOOK, "no_book", "were sent while there was no sound book")
#define CALIBRATE_LEFT_ENUM(name, key, words) LEFT_##name,
enum calibrate_left { CALIBRATE_LEFT_MAP(CALIBRATE_LEFT_ENUM) LEFT_COUNT };
#undef CALIBRATE_LEFT_ENUM

struct calibrate_model {
    enum queue_kind kind;
    uint32_t exponent; /* in quarters; 0: the kind has none */
    struct score_answer *answers;
    struct score_counts counts; /* over all orders */
};

struct calibrate {
    /* asked for */
    const char *config_path; /* NULL: no file, defaults */
    const char *orders_path;
    const struct option_list *sets, *tapes;
    ns_t tolerance;
    uint32_t folds_wanted;
    bool kinds[QUEUE_LOG2 + 1]; /* beside the two bounds, which are always there */
    uint32_t exponent_first, exponent_last;

    /* found */
    struct calibrate_model models[CALIBRATE_MODELS_MAX];
    uint32_t model_count; /* models[0] is pessimistic, the last one optimistic */
    struct score_set set;
    uint32_t *rows; /* of the script, of each scored order */
    uint32_t row_count;
    uint32_t left[LEFT_COUNT];
    uint32_t untimed; /* scored orders that filled, without first_fill_ts */
    uint64_t levels;  /* of a run */
    ns_t first_ts, last_ts;
    uint32_t best;
    uint32_t chosen[SCORE_FOLDS_MAX]; /* by the orders outside of each fold */
    struct score_held_out held_out, pessimistic, proportional, optimistic, rate_alone;
    struct progress progress;
};

/* "power", "log2": the words of venue.queue. */
const char *calibrate_kind_name(enum queue_kind kind);
/* "power 2.25"; buffer of 32; returns it. */
const char *calibrate_model_text(const struct calibrate_model *model, char *text);
/* "2.25"; "": none. Buffer of 16. */
const char *calibrate_exponent_text(const struct calibrate_model *model, char *text);
/* The first model of a kind (for proportional: power 1 stands for it); NULL: not in the grid. */
const struct calibrate_model *calibrate_find(const struct calibrate *calibrate, enum queue_kind kind);

/* Make the grid, run it, score. ERR_INTERRUPTED after a signal. */
err_t calibrate_run(struct calibrate *calibrate, struct err_text *why) MUST_USE;
void calibrate_free(struct calibrate *calibrate);

/* What makes the result doubtful, one sentence each; texts live as long as the list. */
#define CALIBRATE_WARNINGS_MAX 8
struct calibrate_warnings {
    char text[CALIBRATE_WARNINGS_MAX][320];
    uint32_t count;
};
void calibrate_warn(const struct calibrate *calibrate, struct calibrate_warnings *warnings);
void calibrate_print(const struct calibrate *calibrate);
err_t calibrate_print_json(const struct calibrate *calibrate) MUST_USE;

#endif
