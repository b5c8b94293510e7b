/* How models are scored against reality, on orders written out by hand. */
#include "cli/calibrate_score.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define S      NS_PER_S
#define ORDERS 400

static struct score_order orders[ORDERS];
static struct score_answer answers[ORDERS];
static struct score_set set;

/* `count` orders, one a second, each for half a second; none filled anywhere. */
static void begin(uint32_t count, ns_t tolerance)
{
    memset(answers, 0, sizeof(answers));
    set = (struct score_set){.orders = orders, .count = count, .tolerance = tolerance};
    for (uint32_t i = 0; i < count; i++)
        orders[i] = (struct score_order){
            .submit_ts = (i + 1) * S, .end_ts = (i + 1) * S + S / 2, .end_told = true, .qty = 10, .shown = 100};
}

static void real(uint32_t i, ns_t after, qty_t filled)
{
    orders[i].real_fill = filled != 0;
    orders[i].real_filled = filled;
    orders[i].real_ts = after != 0 ? orders[i].submit_ts + after : 0;
}

static void model(uint32_t i, ns_t after, qty_t filled)
{
    answers[i] = (struct score_answer){.filled = filled, .first_ts = orders[i].submit_ts + after};
}

static void prepare(uint32_t folds)
{
    struct err_text why = {0};
    cr_assert_eq(score_prepare(&set, folds, &why), ERR_OK, "%s", why.text);
}

Test(calibrate_score, who_was_first_decides_and_near_is_the_same)
{
    begin(9, 10);
    real(0, 100, 10), model(0, 89, 10);  /* too early */
    real(1, 100, 10), model(1, 90, 10);  /* the same, just */
    real(2, 100, 10), model(2, 110, 5);  /* the same, another quantity */
    real(3, 100, 10), model(3, 111, 10); /* too late */
    real(4, 100, 10);                    /* never: too late */
    model(5, 100, 2);                    /* reality never: too early */
    real(6, 0, 4), model(6, 1, 10);      /* reality does not say when */
    real(7, 0, 4);                       /* nor here, but the model never: too late */
    prepare(2);
    const struct score_counts counts = score_all(&set, answers);
    cr_assert_eq(counts.orders, 9);
    cr_assert_eq(counts.real, 7);
    cr_assert_eq(counts.yes, 6);
    cr_assert_eq(counts.yes_real, 5);
    cr_assert_eq(counts.early, 2);
    cr_assert_eq(counts.late, 3);
    /* 5, 10, 2, 6 and 4 of 10 */
    cr_assert_eq(counts.qty_error_ppm, 500000 + 1000000 + 200000 + 600000 + 400000);
    /* one bucket: (2 - 3)^2 x 9 / (7 x 2 + 9) */
    cr_assert_eq(counts.miss, 391304);
}

Test(calibrate_score, a_model_without_bias_misses_less_than_one_that_is_wrong_less_often)
{
    struct score_counts counts[2];
    begin(40, 0);
    for (uint32_t i = 0; i < 20; i++)
        real(i, 100, 10);
    for (uint32_t i = 0; i < 20; i++) /* twelve early, eight late */
        model(i, i < 12 ? 50 : 150, 10);
    prepare(2);
    counts[0] = score_all(&set, answers);
    for (uint32_t i = 0; i < 20; i++) /* six late, the others right */
        model(i, i < 6 ? 150 : 100, 10);
    counts[1] = score_all(&set, answers);
    cr_assert_eq(score_choose(counts, 2), 0);
    cr_assert_lt(counts[0].miss, counts[1].miss);
}

Test(calibrate_score, of_equal_misses_the_one_that_is_wrong_less_often_and_then_the_first_is_taken)
{
    const struct score_counts counts[] = {{.miss = 5, .early = 3, .late = 3},
                                          {.miss = 5, .early = 2, .late = 2},
                                          {.miss = 5, .early = 1, .late = 3},
                                          {.miss = 6}};
    cr_assert_eq(score_choose(counts, 4), 1);
}

Test(calibrate_score, buckets_are_of_queue_and_life_and_bias_in_one_does_not_make_up_for_another)
{
    begin(360, 0);
    for (uint32_t i = 0; i < 360; i++) {
        orders[i].shown = 1 + i % 3;
        orders[i].end_ts = orders[i].submit_ts + 1000 + i / 120;
        real(i, 500, i % 2 ? 10 : 0);
        /* orders that joined short queues come too early, those of long ones too late */
        if (i % 2)
            model(i, orders[i].shown == 1 ? 100 : orders[i].shown == 3 ? 900 : 500, 10);
    }
    prepare(0);
    cr_assert_eq(set.bucket_count, 9);
    uint32_t sizes[9] = {0};
    for (uint32_t i = 0; i < 360; i++)
        sizes[orders[i].bucket]++;
    for (int b = 0; b < 9; b++)
        cr_assert_eq(sizes[b], 40);
    const struct score_counts counts = score_all(&set, answers);
    cr_assert_eq(counts.early, counts.late);
    cr_assert_gt(counts.miss, 100 * 1000000);
}

Test(calibrate_score, a_life_that_nobody_told_makes_no_bucket)
{
    begin(360, 0);
    for (uint32_t i = 0; i < 360; i++)
        orders[i].end_ts = orders[i].submit_ts + 1000 + i;
    orders[17].end_told = false;
    prepare(0);
    for (uint32_t i = 1; i < 360; i++)
        cr_assert_eq(orders[i].bucket, orders[0].bucket); /* all joined the same queue */
}

Test(calibrate_score, folds_are_days_when_there_are_three_and_else_blocks_of_time)
{
    const ns_t day = 86400 * S;
    begin(50, 0);
    prepare(0);
    cr_assert(!set.by_day && set.fold_count == 5);
    for (uint32_t i = 0; i < 50; i++)
        cr_assert_eq(orders[i].fold, i / 10);
    begin(50, 0);
    for (uint32_t i = 0; i < 50; i++)
        orders[i].submit_ts = day * (i < 5 ? 1 : i < 6 ? 2 : 9) + i, orders[i].end_ts = orders[i].submit_ts + 1;
    prepare(0);
    cr_assert(set.by_day && set.fold_count == 3);
    cr_assert(set.folds[0].count == 5 && set.folds[1].count == 1 && set.folds[2].count == 44);
}

Test(calibrate_score, nothing_is_learned_from_an_order_whose_life_reaches_into_the_fold)
{
    begin(20, 0);
    prepare(2);
    cr_assert_eq(score_others(&set, answers, 1).orders, 10);
    orders[9].end_ts = orders[10].submit_ts; /* the last of the first fold lives until the second begins */
    orders[8].end_ts = orders[12].submit_ts; /* this one too, but it filled before */
    real(8, 100, 10);
    cr_assert_eq(score_others(&set, answers, 1).orders, 9);
    cr_assert_eq(score_fold(&set, answers, 1).orders, 10);
}

/* Two folds of four; learned from the other fold each time. */
Test(calibrate_score, the_held_out_scores_are_those_of_a_count_by_hand)
{
    begin(8, 0);
    const uint32_t chosen[] = {0, 0};
    const struct score_answer *const all[] = {answers};
    struct score_held_out out;
    real(0, 100, 10), model(0, 100, 10);
    real(1, 100, 10), model(1, 400, 10);
    model(2, 100, 10);
    real(4, 100, 10), model(4, 100, 10);
    real(5, 100, 10);
    prepare(2);
    cr_assert_eq(score_held_out(&set, all, chosen, &out), ERR_OK);
    /* fold 0 learns from 4..7: yes 1 of 1 real, no 1 of 3: p(yes) = 1.5 / 2, p(no) = 1.5 / 4
     * fold 1 learns from 0..3: yes 2 of 3 real, no 0 of 1: p(yes) = 2.5 / 4, p(no) = 0.5 / 2 */
    const double brier0 = 2 * 0.25 * 0.25 + 0.75 * 0.75 + 0.375 * 0.375;
    const double brier1 = 0.375 * 0.375 + 0.75 * 0.75 + 2 * 0.25 * 0.25;
    cr_assert_float_eq(out.brier.value, (brier0 + brier1) / 8, 1e-12);
    cr_assert_float_eq(out.brier.error, 0, 1e-12); /* both folds are equally wrong */
    const double log0 = -2 * log(0.75) - log(0.25) - log(1 - 0.375);
    const double log1 = -log(0.625) - log(0.25) - 2 * log(0.75);
    cr_assert_float_eq(out.log_score.value, (log0 + log1) / 8, 1e-12);
    /* one fill too many in fold 0, one too few in fold 1 */
    cr_assert_float_eq(out.fill_rate_error.value, 0, 1e-12);
    cr_assert_float_eq(out.fill_rate_error.error, sqrt(2 * 2.0) / 8, 1e-12);
    cr_assert_float_eq(out.qty_error.value, 2.0 / 8, 1e-12);
    cr_assert_eq(out.time_error, 0); /* 0, 300, 0 */
}

Test(calibrate_score, one_order_is_not_enough)
{
    struct err_text why = {0};
    begin(1, 0);
    cr_assert_eq(score_prepare(&set, 0, &why), ERR_RANGE);
    cr_assert(why.text[0] != '\0');
}
