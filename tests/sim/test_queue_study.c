/* How far off are the queue models, and does the truth lie between their bounds? Seeded synthetic markets whose every
 * order is known are run with each model on price levels and once with exact queues (queue_study.h).
 *
 * Of each run: filled quantity, and profit marked at the last mid. The truth is held when it lies between the least
 * and the greatest of pessimistic (trades through a price count by their quantity), calibrated and optimistic. The
 * exponent of `power` is calibrated on the odd seeds and judged on the even ones.
 *
 * The few seeds of a test run take seconds. The whole study, and its tables:
 *
 *     QUEUE_STUDY_SEEDS=1000 build/release/tests_sim -j1 --filter 'queue_study/ *'      (without the space)
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue_study.h"

#define DURATION  (20 * NS_PER_S)
#define SEEDS     12
#define SEEDS_MAX 1000

struct subject {
    const char *name;
    struct queue_model model;
    bool candidate; /* of the calibration */
};

enum { LOW, HIGH, TRUTH, SHORT_COUNT = 4 };
static const struct subject subjects[] = {
    {"pessimistic, by quantity", {.kind = QUEUE_PESSIMISTIC, .by_quantity = true}, false},
    {"optimistic", {.kind = QUEUE_OPTIMISTIC}, false},
    {"l3_fifo", {.kind = QUEUE_L3_FIFO}, false},
    {"power 2", {.kind = QUEUE_POWER, .exponent = 8}, true},
    {"power 0.5", {.kind = QUEUE_POWER, .exponent = 2}, true},
    {"power 1", {.kind = QUEUE_POWER, .exponent = 4}, true},
    {"power 1.5", {.kind = QUEUE_POWER, .exponent = 6}, true},
    {"power 2.5", {.kind = QUEUE_POWER, .exponent = 10}, true},
    {"power 3", {.kind = QUEUE_POWER, .exponent = 12}, true},
    {"power 4", {.kind = QUEUE_POWER, .exponent = 16}, true},
    {"power 6", {.kind = QUEUE_POWER, .exponent = 24}, true},
    {"power 8", {.kind = QUEUE_POWER, .exponent = 32}, true},
    {"pessimistic", {.kind = QUEUE_PESSIMISTIC}, false},
    {"proportional", {.kind = QUEUE_PROPORTIONAL}, false},
    {"power2 2", {.kind = QUEUE_POWER2, .exponent = 8}, false},
    {"power3 2", {.kind = QUEUE_POWER3, .exponent = 8}, false},
    {"power3 3", {.kind = QUEUE_POWER3, .exponent = 12}, false},
    {"log", {.kind = QUEUE_LOG}, false},
    {"log2", {.kind = QUEUE_LOG2}, false},
};
#define SUBJECTS ARRAY_LEN(subjects)

struct result {
    qty_t placed, filled;
    money_t profit, gross;
};

/* Order by order, before fees, at twice the price x quantity unit: what the orders are worth at the end. */
struct by_order {
    money_t low, high, truth; /* the lesser and the greater worth under the bounds, summed */
    uint64_t orders, held; /* with a fill under one of the three; of them with the true quantity between the bounds */
};

static struct result results[SEEDS_MAX + 1][ARRAY_LEN(subjects)]; /* by seed, from 1 */
static struct by_order by_order[SEEDS_MAX + 1];

static uint32_t seed_count(void)
{
    const char *text = getenv("QUEUE_STUDY_SEEDS");
    const long seeds = text == NULL ? SEEDS : strtol(text, NULL, 10);
    cr_assert(seeds >= 2 && seeds <= SEEDS_MAX, "QUEUE_STUDY_SEEDS: 2 to %d", SEEDS_MAX);
    return (uint32_t)seeds;
}

static money_t worth(const struct study_outcome *outcome, uint32_t id)
{
    return (money_t)outcome->by_order[id] * outcome->twice_mark - 2 * outcome->paid_by_order[id];
}

static qty_t size_of(qty_t qty)
{
    return qty < 0 ? -qty : qty;
}

static struct by_order compare_orders(const struct study_outcome outcomes[3])
{
    struct by_order sum = {0, 0, 0, 0, 0};
    for (uint32_t id = 1; id < STUDY_ORDERS_MAX; id++) {
        const money_t a = worth(&outcomes[LOW], id), b = worth(&outcomes[HIGH], id);
        const qty_t low = size_of(outcomes[LOW].by_order[id]), high = size_of(outcomes[HIGH].by_order[id]),
                    truth = size_of(outcomes[TRUTH].by_order[id]);
        sum.low += a < b ? a : b;
        sum.high += a < b ? b : a;
        sum.truth += worth(&outcomes[TRUTH], id);
        sum.orders += (low | high | truth) != 0;
        sum.held += (low | high | truth) != 0 && truth >= low && truth <= high;
    }
    return sum;
}

static void run_all(enum study_stream stream, ns_t diff_interval, uint32_t seeds, size_t count)
{
    struct study_outcome *outcomes = calloc(SHORT_COUNT, sizeof(*outcomes));
    for (uint32_t seed = 1; seed <= seeds; seed++) {
        struct study_market market;
        study_market_make(&market, seed, DURATION, diff_interval);
        for (size_t i = 0; i < count; i++) {
            struct study_outcome *outcome = &outcomes[i < 3 ? i : 3];
            study_run(&market, stream, &subjects[i].model, outcome);
            results[seed][i] = (struct result){outcome->placed, outcome->filled, outcome->profit, outcome->gross};
        }
        by_order[seed] = compare_orders(outcomes);
        study_market_free(&market);
    }
    free(outcomes);
}

/* ---- errors of the fill rate ---- */

static double rate(uint32_t seed, size_t subject)
{
    const struct result *result = &results[seed][subject];
    return result->placed == 0 ? 0 : (double)result->filled / (double)result->placed;
}

struct spread {
    double mean, rms;
};

/* Over the seeds from `first` in steps of `step`. */
static struct spread error_of(size_t subject, uint32_t first, uint32_t step, uint32_t seeds)
{
    struct spread spread = {0, 0};
    uint32_t count = 0;
    for (uint32_t seed = first; seed <= seeds; seed += step, count++) {
        const double error = rate(seed, subject) - rate(seed, TRUTH);
        spread.mean += error;
        spread.rms += error * error;
    }
    spread.mean /= count;
    spread.rms = sqrt(spread.rms / count);
    return spread;
}

/* The candidate with the least error on the odd seeds. */
static size_t calibrate(uint32_t seeds, size_t count)
{
    size_t best = 3;
    for (size_t i = 0; i < count; i++)
        if (subjects[i].candidate && error_of(i, 1, 2, seeds).rms < error_of(best, 1, 2, seeds).rms)
            best = i;
    return best;
}

/* ---- coverage ---- */

struct coverage {
    uint32_t filled, profit, gross; /* runs in which the truth is held */
    uint32_t by_order;              /* profit before fees, summed order by order; planned orders only */
};

static bool holds(money_t a, money_t b, money_t c, money_t truth)
{
    const money_t low = a < b ? (a < c ? a : c) : (b < c ? b : c), high = a > b ? (a > c ? a : c) : (b > c ? b : c);
    return truth >= low && truth <= high;
}

static struct coverage cover(uint32_t seeds, size_t calibrated)
{
    struct coverage coverage = {0};
    for (uint32_t seed = 1; seed <= seeds; seed++) {
        const struct result *low = &results[seed][LOW], *high = &results[seed][HIGH], *truth = &results[seed][TRUTH],
                            *middle = &results[seed][calibrated];
        coverage.filled += holds(low->filled, high->filled, middle->filled, truth->filled);
        coverage.profit += holds(low->profit, high->profit, middle->profit, truth->profit);
        coverage.gross += holds(low->gross, high->gross, middle->gross, truth->gross);
    }
    return coverage;
}

static void print_coverage(const char *what, const struct coverage *coverage, uint32_t seeds)
{
    fprintf(stderr,
            "%s, seeds 1 to %u: truth held in %.1f %% by filled quantity, %.1f %% by profit, %.1f %% by profit "
            "before fees\n",
            what, seeds, 100.0 * coverage->filled / seeds, 100.0 * coverage->profit / seeds,
            100.0 * coverage->gross / seeds);
}

/* No feedback: the three answer about the same orders. Returns in how many runs the profit is held. */
static uint32_t hold_by_order(uint32_t seeds)
{
    uint64_t orders = 0, held = 0;
    uint32_t runs = 0;
    for (uint32_t seed = 1; seed <= seeds; seed++) {
        orders += by_order[seed].orders;
        held += by_order[seed].held;
        runs += by_order[seed].truth >= by_order[seed].low && by_order[seed].truth <= by_order[seed].high;
    }
    fprintf(
        stderr,
        "  order by order: the true quantity between the bounds in %.2f %% of %" PRIu64
        " orders; profit before fees between the sums of the lesser and of the greater worth in %.1f %% of runs\n",
        100.0 * (double)held / (double)orders, orders, 100.0 * runs / seeds);
    return runs;
}

static struct coverage study(const char *what, enum study_stream stream, uint32_t seeds)
{
    const size_t count = seeds > 100 ? SUBJECTS : SHORT_COUNT;
    run_all(stream, 0, seeds, count);
    const size_t calibrated = calibrate(seeds, count);
    struct coverage coverage = cover(seeds, calibrated);
    print_coverage(what, &coverage, seeds);
    if (stream == STUDY_PLANNED)
        coverage.by_order = hold_by_order(seeds);
    double truth = 0;
    for (uint32_t seed = 1; seed <= seeds; seed++)
        truth += rate(seed, TRUTH) / seeds;
    fprintf(stderr, "  true fill rate %.4f; error of the fill rate, mean and root mean square:\n", truth);
    for (size_t i = 0; i < count; i++) {
        const struct spread all = error_of(i, 1, 1, seeds);
        if (i != TRUTH)
            fprintf(stderr, "  %-26s %+.4f  %.4f\n", subjects[i].name, all.mean, all.rms);
    }
    const struct spread held_out = error_of(calibrated, 2, 2, seeds), low = error_of(LOW, 2, 2, seeds),
                        high = error_of(HIGH, 2, 2, seeds);
    fprintf(stderr, "  calibrated on odd seeds: %s; on even seeds %+.4f  %.4f (bounds there: %.4f and %.4f)\n",
            subjects[calibrated].name, held_out.mean, held_out.rms, low.rms, high.rms);
    if (seeds > 100)
        cr_assert(held_out.rms <= low.rms && held_out.rms <= high.rms, "calibration makes it worse");
    return coverage;
}

static void at_least(uint32_t held, uint32_t seeds, const char *what)
{
    cr_assert(100 * held >= 95 * seeds || held + 1 >= seeds, "%s: the truth is held in %u of %u runs", what, held,
              seeds);
}

Test(queue_study, the_bracket_holds_the_truth_of_orders_planned_in_advance)
{
    const uint32_t seeds = seed_count();
    const struct coverage coverage = study("planned orders", STUDY_PLANNED, seeds);
    at_least(coverage.filled, seeds, "filled quantity");
    at_least(coverage.by_order, seeds, "profit, order by order");
}

Test(queue_study, the_bracket_holds_the_truth_of_a_grid_that_reacts_to_its_fills)
{
    const uint32_t seeds = seed_count();
    const struct coverage coverage = study("grid", STUDY_GRID, seeds);
    at_least(coverage.filled, seeds, "filled quantity");
    at_least(coverage.profit, seeds, "profit");
}

/* Depth in batches is late, and then more than the queue is guessed: no promise, only the figures. */
Test(queue_study, depth_in_batches)
{
    static const ns_t intervals[] = {NS_PER_MS, 10 * NS_PER_MS, 100 * NS_PER_MS};
    const uint32_t seeds = seed_count() / 4;
    for (size_t i = 0; i < ARRAY_LEN(intervals) && seeds > 20; i++)
        for (int stream = STUDY_PLANNED; stream <= STUDY_GRID; stream++) {
            char what[64];
            snprintf(what, sizeof(what), "%s, depth every %d ms", stream == STUDY_PLANNED ? "planned orders" : "grid",
                     (int)(intervals[i] / NS_PER_MS));
            run_all((enum study_stream)stream, intervals[i], seeds, SHORT_COUNT);
            const struct coverage coverage = cover(seeds, 3);
            print_coverage(what, &coverage, seeds);
        }
}
