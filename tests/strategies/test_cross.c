/* The moving-average cross, driven by hand. Prices have 2 decimals, quantities 3: 100.00 is 10000, 0.010 is 10. */
#include "core/prng.h"
#include "strategies/registry.h"
#include "tests/strategies/fake_engine.h"

#include <criterion/criterion.h>
#include <string.h>

#define MINUTE (60 * NS_PER_S)

/* fast 2, slow 4, size 0.010, bars of a minute; the touch is 99.99 and 100.01. */
static struct fake *cross(const char *market)
{
    struct fake *fake = fake_new(&cross_strategy);
    fake_param(fake, "size", "0.01");
    fake_param(fake, "fast", "2");
    fake_param(fake, "slow", "4");
    fake_param(fake, "market", market);
    cr_assert_eq(fake_start(fake), ERR_OK);
    fake_time(fake, 1000 * MINUTE);
    fake_touch(fake, 9999, 500, 10001, 500);
    return fake;
}

/* One bar with one trade, thirty seconds into it; ends at the next full minute, after its timer. */
static void bar(struct fake *fake, px_t close)
{
    fake_time(fake, fake->now + MINUTE / 2);
    fake_trade(fake, close, 1, 0);
    fake_time(fake, fake->now + MINUTE / 2);
}

static void fill_all(struct fake *fake)
{
    fake_answer(fake);
    for (struct order *order; (order = order_table_next_open(fake->orders, NULL)) != NULL;)
        fake_fill(fake, order->id, 10000, order_leaves(order));
}

#define CHECK_OPEN(fake, expected) cr_assert_str_eq(fake_open_text(fake), expected, "got %s", fake_open_text(fake))

Test(cross, waits_until_the_slow_window_is_full)
{
    struct fake *fake = cross("true");
    bar(fake, 10000);
    bar(fake, 10010);
    bar(fake, 10020);
    CHECK_OPEN(fake, "-");
    bar(fake, 10030);
    CHECK_OPEN(fake, "buy 0.010@market");
    fake_free(fake);
}

Test(cross, holds_long_above_short_below_and_turns_in_one_order)
{
    static const struct {
        px_t close;
        const char *expected; /* the order after the bar */
        qty_t position;       /* after it filled */
    } table[] = {
        {10000, "-", 0},
        {10000, "-", 0},
        {10000, "-", 0},
        {10000, "-", 0},                  /* equal averages: nothing */
        {10040, "buy 0.010@market", 10},  /* 100.20 over 100.10 */
        {10040, "-", 10},                 /* still above */
        {9900, "sell 0.020@market", -10}, /* 99.70 under 99.95 */
        {9900, "-", -10},                 /* 99.00 under 99.70 */
        {10300, "buy 0.020@market", 10},  /* 101.00 over 100.35 */
    };
    struct fake *fake = cross("true");
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        bar(fake, table[i].close);
        CHECK_OPEN(fake, table[i].expected);
        fill_all(fake);
        cr_assert_eq(fake->position.qty, table[i].position, "bar %zu", i);
    }
    fake_free(fake);
}

Test(cross, equal_averages_keep_the_position)
{
    struct fake *fake = cross("true");
    for (px_t close = 10000; close < 10040; close += 10)
        bar(fake, close);
    fill_all(fake);
    cr_assert_eq(fake->position.qty, 10);
    for (unsigned i = 0; i < 6; i++) {
        bar(fake, 10030);
        fill_all(fake);
    }
    cr_assert_eq(fake->position.qty, 10);
    cr_assert_eq(fake->submitted, 1);
    fake_free(fake);
}

Test(cross, minute_without_trades_repeats_the_close)
{
    struct fake *fake = cross("true");
    bar(fake, 10000);
    bar(fake, 10030);
    fake_time(fake, fake->now + 2 * MINUTE); /* two silent bars: closes 100.00 100.30 100.30 100.30 */
    CHECK_OPEN(fake, "buy 0.010@market");
    fake_free(fake);
}

Test(cross, trade_on_the_full_minute_belongs_to_the_next_bar)
{
    struct fake *fake = cross("true");
    bar(fake, 10000);
    bar(fake, 10000);
    bar(fake, 10000);
    fake_time(fake, fake->now + MINUTE); /* closes the fourth bar at 100.00 ... */
    fake_trade(fake, 10100, 1, 0);       /* ... before this trade of the same instant */
    CHECK_OPEN(fake, "-");
    fake_time(fake, fake->now + MINUTE);
    CHECK_OPEN(fake, "buy 0.010@market");
    fake_free(fake);
}

Test(cross, prints_from_outside_the_public_book_do_not_count)
{
    struct fake *fake = cross("true");
    for (unsigned i = 0; i < 5; i++) {
        fake_time(fake, fake->now + MINUTE / 4);
        fake_trade(fake, 10000, 1, 0);
        fake_time(fake, fake->now + MINUTE / 4);
        fake_trade(fake, 10000 + 100 * (px_t)i, 1, EVENT_SPECIAL);
        fake_time(fake, fake->now + MINUTE / 2);
    }
    CHECK_OPEN(fake, "-");
    fake_free(fake);
}

Test(cross, what_did_not_fill_is_asked_for_again_at_the_next_bar)
{
    struct fake *fake = cross("true");
    for (px_t close = 10000; close < 10040; close += 10)
        bar(fake, close);
    uint64_t id = fake_open(fake, SIDE_BUY)->id;
    fake_fill(fake, id, 10001, 4);
    fake_report(fake, id, EXEC_EXPIRED, REASON_NO_LIQUIDITY);
    CHECK_OPEN(fake, "-");
    bar(fake, 10040);
    CHECK_OPEN(fake, "buy 0.006@market");
    fake_free(fake);
}

Test(cross, limit_order_joins_the_touch_and_follows_it_at_each_bar)
{
    struct fake *fake = cross("false");
    for (px_t close = 10000; close < 10040; close += 10)
        bar(fake, close);
    CHECK_OPEN(fake, "buy 0.010@99.99");
    cr_assert(fake_open(fake, SIDE_BUY)->flags & ORDER_POST_ONLY);
    fake_answer(fake);
    fake_touch(fake, 10019, 500, 10021, 500);
    bar(fake, 10040);
    CHECK_OPEN(fake, "buy 0.010@99.99!"); /* first the cancel; two orders are never out at once */
    fake_answer(fake);
    CHECK_OPEN(fake, "buy 0.010@100.19");
    fake_free(fake);
}

Test(cross, limit_order_filled_before_its_cancel_arrives_is_not_bought_twice)
{
    struct fake *fake = cross("false");
    for (px_t close = 10000; close < 10040; close += 10)
        bar(fake, close);
    fake_answer(fake);
    bar(fake, 10040);
    struct order *order = fake_open(fake, SIDE_BUY);
    cr_assert(order->cancel_pending);
    fake_fill(fake, order->id, 9999, order_leaves(order));
    for (unsigned i = 0; i < 3; i++) {
        bar(fake, 10050);
        CHECK_OPEN(fake, "-");
    }
    cr_assert_eq(fake->position.qty, 10);
    fake_free(fake);
}

Test(cross, no_order_while_the_book_is_stale)
{
    struct fake *fake = cross("true");
    bar(fake, 10000);
    bar(fake, 10010);
    bar(fake, 10020);
    fake_gap(fake);
    bar(fake, 10030);
    CHECK_OPEN(fake, "-");
    fake_touch(fake, 9999, 500, 10001, 500);
    bar(fake, 10040);
    CHECK_OPEN(fake, "buy 0.010@market");
    fake_free(fake);
}

Test(cross, refusal_is_tried_again_at_the_next_bar)
{
    struct fake *fake = cross("true");
    bar(fake, 10000);
    bar(fake, 10010);
    bar(fake, 10020);
    fake->refuse_next = true;
    bar(fake, 10030);
    CHECK_OPEN(fake, "-");
    bar(fake, 10040);
    CHECK_OPEN(fake, "buy 0.010@market");
    fake_free(fake);
}

Test(cross, stop_takes_the_resting_order_back)
{
    struct fake *fake = cross("false");
    for (px_t close = 10000; close < 10040; close += 10)
        bar(fake, close);
    fake_answer(fake);
    fake->strategy->stop(&fake->ctx, fake->state);
    CHECK_OPEN(fake, "buy 0.010@99.99!");
    fake_free(fake);
}

Test(cross, start_refuses_what_cannot_work_and_says_why)
{
    static const struct {
        const char *name, *value, *word;
    } table[] = {
        {"instrument", "ETHUSDT", "instrument"},
        {"fast", "20", "fast"}, /* as long as slow */
        {"size", "0.0009", "size"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fake *fake = fake_new(&cross_strategy);
        fake_param(fake, table[i].name, table[i].value);
        cr_assert_neq(fake_start(fake), ERR_OK);
        cr_assert(strstr(fake->last_log, table[i].word) != NULL, "%s", fake->last_log);
        fake_free(fake);
    }
}

/* The running sums against sums taken anew at every bar. */
Test(cross, running_sums_agree_with_sums_taken_anew)
{
    const uint64_t seed = 11;
    const unsigned fast = 3, slow = 7, bars = 2000;
    struct prng prng;
    prng_init(&prng, seed, 3);
    struct fake *fake = fake_new(&cross_strategy);
    fake_param(fake, "size", "0.01");
    fake_param(fake, "fast", "3");
    fake_param(fake, "slow", "7");
    cr_assert_eq(fake_start(fake), ERR_OK);
    fake_time(fake, 1000 * MINUTE);
    fake_touch(fake, 9999, 500, 10001, 500);

    static px_t closes[2000];
    qty_t expected = 0;
    unsigned turns = 0;
    for (unsigned i = 0; i < bars; i++) {
        closes[i] = prng_range(&prng, 9900, 10100);
        bar(fake, closes[i]);
        fill_all(fake);
        if (i + 1 >= slow) {
            int64_t fast_sum = 0, slow_sum = 0;
            for (unsigned j = 0; j < slow; j++)
                slow_sum += closes[i - j];
            for (unsigned j = 0; j < fast; j++)
                fast_sum += closes[i - j];
            qty_t before = expected;
            if (fast_sum * slow != slow_sum * fast)
                expected = fast_sum * slow > slow_sum * fast ? 10 : -10;
            turns += before != expected;
        }
        cr_assert_eq(fake->position.qty, expected, "seed %lu bar %u", seed, i);
    }
    cr_assert_gt(turns, 100);
    fake_free(fake);
}

/* An operator may have orders of his own in the same session. */
Test(cross, orders_of_others_are_left_alone)
{
    struct fake *fake = cross("false");
    for (px_t close = 10030; close >= 10000; close -= 10)
        bar(fake, close);
    uint64_t theirs;
    fake_answer(fake);
    cr_assert_eq(strategy_limit(&fake->ctx, 0, SIDE_SELL, 11000, 5, TIF_GTC, 0, &theirs), ERR_OK);
    fake_report(fake, theirs, EXEC_ACK, REASON_NONE);
    fake_report(fake, theirs, EXEC_CANCELLED, REASON_USER);
    CHECK_OPEN(fake, "sell 0.010@100.01");
    bar(fake, 9990);
    CHECK_OPEN(fake, "sell 0.010@100.01!");
    fake_free(fake);
}
