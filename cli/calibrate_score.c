#include "cli/calibrate_score.h"

#include <math.h>
#include <stdlib.h>

#define DAY          (86400 * NS_PER_S)
#define DAYS_LEAST   3  /* fewer: blocks of time */
#define BLOCKS       5  /* of time */
#define GROUP_ORDERS 30 /* least orders of a bucket, about */
#define GROUPS_MAX   3  /* of each of the two measures */
#define PPM          1000000

/* ---- buckets ---- */

/* A measure of an order and where the order stands; equal measures stand together. */
struct ranked {
    uint16_t instrument;
    int64_t measure;
    uint32_t order;
};

static int by_measure(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->instrument != right->instrument)
        return left->instrument < right->instrument ? -1 : 1;
    if (left->measure != right->measure)
        return left->measure < right->measure ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

/* Add `weight` times the group (of `groups` about equally large ones, within its instrument) to each order's bucket.
 * Equal measures get the group of the first of them. */
static void group(struct score_set *set, struct ranked *ranked, uint32_t groups, uint32_t weight)
{
    qsort(ranked, set->count, sizeof(*ranked), by_measure);
    for (uint32_t begin = 0, end; begin < set->count; begin = end) {
        end = begin;
        while (end < set->count && ranked[end].instrument == ranked[begin].instrument)
            end++;
        uint32_t first = begin; /* of equal ones */
        for (uint32_t i = begin; i < end; i++) {
            if (ranked[i].measure != ranked[first].measure)
                first = i;
            const uint64_t number = (uint64_t)(first - begin) * groups / (end - begin);
            set->orders[ranked[i].order].bucket += (uint8_t)(number * weight);
        }
    }
}

static bool every_life_told(const struct score_set *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (!set->orders[i].end_told)
            return false;
    return true;
}

static void make_buckets(struct score_set *set, struct ranked *ranked)
{
    uint32_t groups = GROUPS_MAX;
    while (groups > 1 && groups * groups * GROUP_ORDERS > set->count)
        groups--;
    const bool lives = every_life_told(set);
    for (uint32_t i = 0; i < set->count; i++) {
        struct score_order *order = &set->orders[i];
        order->bucket = 0;
        ranked[i] = (struct ranked){order->instrument, order->shown, i};
    }
    /* Without told lives: that of an order which filled ends with its fill, and would sort orders by their outcome.
     */
    group(set, ranked, lives ? groups : groups * groups, 1);
    set->bucket_count = groups * groups;
    if (!lives)
        return;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct score_order *order = &set->orders[i];
        ranked[i] = (struct ranked){order->instrument, order->end_ts - order->submit_ts, i};
    }
    group(set, ranked, groups, groups);
}

/* ---- folds ---- */

/* When both have seen what they will see of it. */
static ns_t seen_until(const struct score_order *order)
{
    return order->real_fill && order->real_ts != 0 && order->real_ts < order->end_ts ? order->real_ts : order->end_ts;
}

static void make_folds(struct score_set *set, struct ranked *ranked, uint32_t wanted)
{
    uint32_t days = 0;
    for (uint32_t i = 0; i < set->count; i++)
        ranked[i] = (struct ranked){0, set->orders[i].submit_ts, i};
    qsort(ranked, set->count, sizeof(*ranked), by_measure);
    for (uint32_t i = 0; i < set->count; i++)
        days += i == 0 || ranked[i].measure / DAY != ranked[i - 1].measure / DAY;
    set->by_day = days >= DAYS_LEAST && (wanted == 0 || wanted <= days);
    uint32_t folds = wanted != 0 ? wanted : set->by_day ? (days < 10 ? days : 10) : BLOCKS;
    if (folds > set->count)
        folds = set->count;
    set->fold_count = folds;
    for (uint32_t i = 0, day = 0; i < set->count; i++) {
        struct score_order *order = &set->orders[ranked[i].order];
        day += i != 0 && ranked[i].measure / DAY != ranked[i - 1].measure / DAY;
        const uint64_t at = set->by_day ? (uint64_t)day * folds / days : (uint64_t)i * folds / set->count;
        order->fold = (uint8_t)at;
        if (set->folds[at].count++ == 0) {
            set->folds[at].first_ts = order->submit_ts;
            set->folds[at].last_ts = order->submit_ts;
        }
        const ns_t until = seen_until(order);
        if (until > set->folds[at].last_ts)
            set->folds[at].last_ts = until;
    }
}

err_t score_prepare(struct score_set *set, uint32_t folds_wanted, struct err_text *why)
{
    if (set->count < 2)
        return err_say(why, ERR_RANGE, "%u orders can be scored: nothing to calibrate with", set->count);
    struct ranked *ranked = malloc(set->count * sizeof(*ranked));
    if (ranked == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    make_buckets(set, ranked);
    make_folds(set, ranked, folds_wanted);
    free(ranked);
    return ERR_OK;
}

/* ---- one order ---- */

enum verdict { VERDICT_SAME, VERDICT_EARLY, VERDICT_LATE };

static enum verdict judge(const struct score_set *set, const struct score_order *order,
                          const struct score_answer *answer)
{
    if (!order->real_fill)
        return answer->filled != 0 ? VERDICT_EARLY : VERDICT_SAME;
    if (answer->filled == 0)
        return VERDICT_LATE;
    if (order->real_ts == 0)
        return VERDICT_SAME; /* when is not told */
    const ns_t apart = answer->first_ts - order->real_ts;
    return apart < -set->tolerance ? VERDICT_EARLY : apart > set->tolerance ? VERDICT_LATE : VERDICT_SAME;
}

static uint64_t qty_error(const struct score_order *order, const struct score_answer *answer)
{
    const money_t apart = answer->filled > order->real_filled ? answer->filled - order->real_filled
                                                              : order->real_filled - answer->filled;
    return (uint64_t)(apart * PPM / order->qty);
}

/* ---- counts ---- */

struct bucket {
    uint64_t orders, real, early, late;
};

static void count(const struct score_set *set, const struct score_answer *answers, uint32_t i,
                  struct score_counts *counts, struct bucket *buckets)
{
    const struct score_order *order = &set->orders[i];
    const bool yes = answers[i].filled != 0;
    const enum verdict verdict = judge(set, order, &answers[i]);
    struct bucket *bucket = &buckets[order->bucket];
    counts->orders++;
    counts->real += order->real_fill;
    counts->yes += yes;
    counts->yes_real += yes && order->real_fill;
    counts->early += verdict == VERDICT_EARLY;
    counts->late += verdict == VERDICT_LATE;
    counts->qty_error_ppm += qty_error(order, &answers[i]);
    bucket->orders++;
    bucket->real += order->real_fill;
    bucket->early += verdict == VERDICT_EARLY;
    bucket->late += verdict == VERDICT_LATE;
}

/* (early - late)^2 / (real (n - real) / n + 1) = (early - late)^2 n / (real (n - real) + n) */
static uint64_t miss_of(const struct bucket *buckets, uint32_t bucket_count)
{
    uint64_t miss = 0;
    for (uint32_t i = 0; i < bucket_count; i++) {
        const struct bucket *bucket = &buckets[i];
        if (bucket->orders == 0)
            continue;
        const uint64_t bias =
            bucket->early > bucket->late ? bucket->early - bucket->late : bucket->late - bucket->early;
        miss += (uint64_t)((u128_t)bias * bias * bucket->orders * PPM /
                           ((u128_t)bucket->real * (bucket->orders - bucket->real) + bucket->orders));
    }
    return miss;
}

/* May fold `fold` learn from this order? Not from one whose life overlaps those of its own. */
static bool is_other(const struct score_set *set, const struct score_order *order, uint32_t fold)
{
    return order->fold != fold &&
           (order->submit_ts > set->folds[fold].last_ts || seen_until(order) < set->folds[fold].first_ts);
}

enum part { PART_ALL, PART_OTHERS, PART_FOLD };

static struct score_counts counts_of(const struct score_set *set, const struct score_answer *answers, enum part part,
                                     uint32_t fold)
{
    struct score_counts counts = {0};
    struct bucket buckets[SCORE_BUCKETS_MAX] = {{0}};
    for (uint32_t i = 0; i < set->count; i++) {
        const struct score_order *order = &set->orders[i];
        if (part == PART_ALL || (part == PART_FOLD ? order->fold == fold : is_other(set, order, fold)))
            count(set, answers, i, &counts, buckets);
    }
    counts.miss = miss_of(buckets, set->bucket_count);
    return counts;
}

struct score_counts score_all(const struct score_set *set, const struct score_answer *answers)
{
    return counts_of(set, answers, PART_ALL, 0);
}
struct score_counts score_others(const struct score_set *set, const struct score_answer *answers, uint32_t fold)
{
    return counts_of(set, answers, PART_OTHERS, fold);
}
struct score_counts score_fold(const struct score_set *set, const struct score_answer *answers, uint32_t fold)
{
    return counts_of(set, answers, PART_FOLD, fold);
}

uint32_t score_choose(const struct score_counts *counts, uint32_t count)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        const uint64_t wrong = counts[i].early + counts[i].late, least = counts[best].early + counts[best].late;
        if (counts[i].miss < counts[best].miss || (counts[i].miss == counts[best].miss && wrong < least))
            best = i;
    }
    return best;
}

/* ---- held out ---- */

/* Sums over the orders of a fold, to be divided by their number. */
struct sums {
    double orders, brier, log_score, fill_rate_error, qty_error;
};

/* `learned` gives the probabilities, `test` is scored with them. */
static struct sums score_with(const struct score_counts *learned, const struct score_counts *test)
{
    const double yes = ((double)learned->yes_real + 0.5) / ((double)learned->yes + 1);
    const double no =
        ((double)(learned->real - learned->yes_real) + 0.5) / ((double)(learned->orders - learned->yes) + 1);
    const double yes_real = (double)test->yes_real, yes_not = (double)(test->yes - test->yes_real);
    const double no_real = (double)(test->real - test->yes_real);
    const double no_not = (double)test->orders - yes_real - yes_not - no_real;
    return (struct sums){
        .orders = (double)test->orders,
        .brier =
            yes_real * (1 - yes) * (1 - yes) + yes_not * yes * yes + no_real * (1 - no) * (1 - no) + no_not * no * no,
        .log_score = -(yes_real * log(yes) + yes_not * log(1 - yes) + no_real * log(no) + no_not * log(1 - no)),
        .fill_rate_error = (double)test->yes - (double)test->real,
        .qty_error = (double)test->qty_error_ppm / PPM,
    };
}

/* The mean over all orders; its error from how the folds' means spread, each weighing as many orders as it has. */
static struct score_mean mean_of(const struct sums *folds, uint32_t fold_count, size_t field)
{
    double orders = 0, sum = 0, squares = 0;
    for (uint32_t k = 0; k < fold_count; k++) {
        orders += folds[k].orders;
        sum += *(const double *)(const void *)((const char *)&folds[k] + field);
    }
    const double mean = orders > 0 ? sum / orders : 0;
    for (uint32_t k = 0; k < fold_count; k++) {
        const double apart =
            *(const double *)(const void *)((const char *)&folds[k] + field) - mean * folds[k].orders;
        squares += apart * apart;
    }
    const double k = fold_count;
    return (struct score_mean){mean, fold_count > 1 ? sqrt(squares * k / (k - 1)) / orders : NAN};
}

static void take_means(struct score_held_out *out, const struct sums *folds, uint32_t fold_count)
{
    out->brier = mean_of(folds, fold_count, offsetof(struct sums, brier));
    out->log_score = mean_of(folds, fold_count, offsetof(struct sums, log_score));
    out->fill_rate_error = mean_of(folds, fold_count, offsetof(struct sums, fill_rate_error));
    out->qty_error = mean_of(folds, fold_count, offsetof(struct sums, qty_error));
}

static int by_length(const void *a, const void *b)
{
    const ns_t left = *(const ns_t *)a, right = *(const ns_t *)b;
    return (left > right) - (left < right);
}

err_t score_held_out(const struct score_set *set, const struct score_answer *const *answers, const uint32_t *chosen,
                     struct score_held_out *out)
{
    struct sums folds[SCORE_FOLDS_MAX];
    ns_t *errors = malloc(set->count * sizeof(*errors));
    uint32_t error_count = 0;
    if (errors == NULL)
        return ERR_NOMEM;
    *out = (struct score_held_out){.time_error = -1, .orders = set->count};
    for (uint32_t k = 0; k < set->fold_count; k++) {
        const struct score_counts learned = score_others(set, answers[chosen[k]], k);
        const struct score_counts test = score_fold(set, answers[chosen[k]], k);
        folds[k] = score_with(&learned, &test);
    }
    take_means(out, folds, set->fold_count);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct score_order *order = &set->orders[i];
        const struct score_answer *answer = &answers[chosen[order->fold]][i];
        if (order->real_fill && order->real_ts != 0 && answer->filled != 0)
            errors[error_count++] = answer->first_ts > order->real_ts ? answer->first_ts - order->real_ts
                                                                      : order->real_ts - answer->first_ts;
    }
    qsort(errors, error_count, sizeof(*errors), by_length);
    if (error_count != 0)
        out->time_error = errors[(error_count - 1) / 2]; /* the lower of two in the middle */
    free(errors);
    return ERR_OK;
}

/* A model that always says no: its no has the probability with which orders fill. */
struct score_held_out score_rate_alone(const struct score_set *set)
{
    struct sums folds[SCORE_FOLDS_MAX];
    struct score_held_out out = {.time_error = -1, .orders = set->count};
    for (uint32_t k = 0; k < set->fold_count; k++) {
        struct score_counts learned = {0}, test = {0};
        for (uint32_t i = 0; i < set->count; i++) {
            struct score_counts *counts = set->orders[i].fold == k            ? &test
                                          : is_other(set, &set->orders[i], k) ? &learned
                                                                              : NULL;
            if (counts == NULL)
                continue;
            counts->orders++;
            counts->real += set->orders[i].real_fill;
        }
        folds[k] = score_with(&learned, &test);
        folds[k].fill_rate_error =
            learned.orders != 0
                ? (double)learned.real / (double)learned.orders * (double)test.orders - (double)test.real
                : 0;
    }
    take_means(&out, folds, set->fold_count);
    return out;
}
