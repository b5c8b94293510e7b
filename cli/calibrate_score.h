/* calibrate_score.h: how well a queue model tells what became of real orders, and which model is taken.
 *
 *   reality      submit ─────────────────●  first fill            ─────┐
 *   model        submit ─────────●       .                             │ who was first
 *                             too early  .
 *   other model  submit ─────────────────.──────────────● (or never)   │ within the life that both had
 *                                     too late                    ─────┘
 *
 * A life ends with its cancel. Of an order that filled in reality nobody knows how long it would have stayed, so
 * counting fills would compare a whole life here with half a one there. Who was first needs no more than what both
 * have seen: a model is right when it is too early as often as too late. (Two draws of one law, cut off by one
 * cancel, are each first with the same probability.)
 *
 * The choice. Orders are put into buckets of the quantity that was displayed when they joined, and of their life
 * where the file tells it. A model's miss is
 *
 *     sum over buckets of  (early - late)^2 / (n p (1 - p) + 1)         n orders, p the part that filled in reality
 *
 * in integers (millionths, rounded down a bucket). The variance is that of reality, the same for all models. Since
 * (early - late)^2 is early + late on average even for a model without bias, less noise wins too. The smallest miss
 * is taken; of equal ones the one with fewer too early and too late, then the one that comes first in the list, which
 * begins with the pessimistic one.
 *
 * Held out. Orders are split into folds: by UTC day when there are three days or more, else by blocks of time with as
 * many orders each. For each fold a model is chosen on the others, and scored on it. Orders whose life reaches
 * into the fold are left out of the choosing. A yes or no becomes a probability by counting, among the orders that
 * the model was chosen on, how often its yes (its no) was one: (real + 1/2) / (all + 1). Brier is the mean of (p -
 * real)^2, the log score the mean of -ln of the probability given to what happened.
 *
 * Floating point reports, it does not choose.
 */
#ifndef TAPEDECK_CLI_CALIBRATE_SCORE_H
#define TAPEDECK_CLI_CALIBRATE_SCORE_H

#include "core/err.h"

#define SCORE_FOLDS_MAX   20
#define SCORE_BUCKETS_MAX 9

struct score_order {
    ns_t submit_ts;
    ns_t end_ts;    /* of its life as both saw it; NS_MAX: the end of the data */
    bool end_told;  /* end_ts is a cancel that the file tells */
    bool real_fill; /* it filled in reality, at least in part */
    ns_t real_ts;   /* the first fill; 0: not told */
    qty_t qty, real_filled;
    qty_t shown; /* displayed at its price when it joined */
    uint16_t instrument;
    /* score_prepare */
    uint8_t bucket, fold;
};

/* What a model made of an order. */
struct score_answer {
    qty_t filled;
    ns_t first_ts; /* 0: never */
};

struct score_set {
    struct score_order *orders;
    uint32_t count;
    ns_t tolerance; /* first fills at most this far apart are one */
    uint32_t bucket_count, fold_count;
    bool by_day;
    struct {
        ns_t first_ts, last_ts; /* lives of the fold's orders */
        uint32_t count;
    } folds[SCORE_FOLDS_MAX];
};

/* Buckets and folds. `folds_wanted` 0: by itself. ERR_NOMEM; ERR_RANGE with words: too few orders. */
err_t score_prepare(struct score_set *set, uint32_t folds_wanted, struct err_text *why) MUST_USE;

/* Counts over orders. Added up, never averaged. */
struct score_counts {
    uint64_t orders, real, yes; /* filled in reality, by the model */
    uint64_t yes_real;          /* both */
    uint64_t early, late;       /* the model was first, reality was */
    uint64_t qty_error_ppm;     /* sum of |filled - real| / qty, rounded down */
    uint64_t miss;              /* millionths */
};

/* All orders; those that fold `fold` may learn from; those in it. */
struct score_counts score_all(const struct score_set *set, const struct score_answer *answers);
struct score_counts score_others(const struct score_set *set, const struct score_answer *answers, uint32_t fold);
struct score_counts score_fold(const struct score_set *set, const struct score_answer *answers, uint32_t fold);
/* The number of the model with the smallest miss, of `count`. */
uint32_t score_choose(const struct score_counts *counts, uint32_t count);

/* ---- for the report ---- */

struct score_mean {
    double value, error; /* standard error over the folds; NAN: fewer than two */
};
struct score_held_out {
    struct score_mean brier, log_score, fill_rate_error, qty_error;
    ns_t time_error; /* median over all folds; -1: none */
    uint64_t orders;
};
/* `chosen[k]` is the model of fold k; answers by model. ERR_NOMEM. */
err_t score_held_out(const struct score_set *set, const struct score_answer *const *answers, const uint32_t *chosen,
                     struct score_held_out *out) MUST_USE;
/* The same for what knows nothing but how often orders fill. */
struct score_held_out score_rate_alone(const struct score_set *set);

#endif
