/* The grid, driven by hand. Prices have 2 decimals and a tick of 0.01, quantities 3 decimals: 100.00 is 10000,
 * 0.010 is 10. Spacing 10 ticks: the lines are 99.90, 100.00, 100.10 ... */
#include "core/prng.h"
#include "strategies/registry.h"
#include "tests/strategies/fake_engine.h"

#include <criterion/criterion.h>
#include <string.h>

#define INTERVAL (100 * NS_PER_MS)

/* 3 levels a side, spacing 10, half_spread 20, skew 5 ticks for each size held, size 0.010, position_max 0.060. */
static struct fake *grid(void)
{
    struct fake *fake = fake_new(&grid_strategy);
    fake_param(fake, "levels", "3");
    fake_param(fake, "spacing", "10");
    fake_param(fake, "half_spread", "20");
    fake_param(fake, "size", "0.01");
    fake_param(fake, "position_max", "0.06");
    fake_param(fake, "skew", "5");
    fake_param(fake, "interval", "100ms");
    return fake;
}

static void begin(struct fake *fake)
{
    cr_assert_eq(fake_start(fake), ERR_OK, "%s", fake->last_log);
    fake_time(fake, 1000 * NS_PER_S + 1);
}

static struct fake *started_grid(void)
{
    struct fake *fake = grid();
    begin(fake);
    return fake;
}

static void next_timer(struct fake *fake)
{
    fake_time(fake, fake->now + INTERVAL);
    fake_answer(fake);
}

#define CHECK_OPEN(fake, expected) cr_assert_str_eq(fake_open_text(fake), expected, "got %s", fake_open_text(fake))

/* The open order of a side at a price; NULL: none. */
static struct order *order_at(struct fake *fake, enum side side, px_t price)
{
    for (struct order *order = NULL; (order = order_table_next_open(fake->orders, order)) != NULL;)
        if (order->side == side && order->price == price)
            return order;
    return NULL;
}

static struct order *any_order(struct fake *fake, uint64_t which)
{
    struct order *order = NULL;
    for (uint64_t i = 0; i <= which; i++)
        if ((order = order_table_next_open(fake->orders, order)) == NULL)
            return NULL;
    return order;
}

#define AT_100 "buy 0.010@99.80 buy 0.010@99.70 buy 0.010@99.60 sell 0.010@100.20 sell 0.010@100.30 sell 0.010@100.40"
#define AT_100_LEAVING                                                                                               \
    "buy 0.010@99.80! buy 0.010@99.70! buy 0.010@99.60! sell 0.010@100.20! sell 0.010@100.30! sell 0.010@100.40!"

Test(grid, keeps_a_ladder_on_each_side_at_half_spread_and_spacing)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 9999, 500, 10001, 500);
    CHECK_OPEN(fake, "-"); /* not before the timer */
    next_timer(fake);
    CHECK_OPEN(fake, AT_100);
    cr_assert(order_at(fake, SIDE_BUY, 9980)->flags & ORDER_POST_ONLY);
    fake_free(fake);
}

Test(grid, looks_at_the_market_on_aligned_timers)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 9999, 500, 10001, 500);
    fake_time(fake, 1000 * NS_PER_S + INTERVAL - 1);
    CHECK_OPEN(fake, "-");
    fake_time(fake, 1000 * NS_PER_S + INTERVAL);
    CHECK_OPEN(fake, AT_100);
    cr_assert_eq(order_at(fake, SIDE_SELL, 10020)->submit_ts, 1000 * NS_PER_S + INTERVAL);
    fake_free(fake);
}

Test(grid, first_lines_are_outside_the_reference_and_never_inside_the_touch)
{
    static const struct {
        px_t bid, ask;
        const char *half_spread, *expected;
    } table[] = {
        {9999, 10001, "20", "buy 0.010@99.80 sell 0.010@100.20"},
        {9999, 10000, "20", "buy 0.010@99.70 sell 0.010@100.20"}, /* 99.795 and 100.195 */
        {9999, 10001, "0", "buy 0.010@99.90 sell 0.010@100.10"},  /* the touch decides, then outward */
        {9990, 10010, "0", "buy 0.010@99.90 sell 0.010@100.10"},  /* a touch on a line is joined */
        {9950, 10050, "20", "buy 0.010@99.50 sell 0.010@100.50"}, /* a wide market: at its touch, not inside */
        {10000, 10001, "20", "buy 0.010@99.80 sell 0.010@100.30"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fake *fake = grid();
        fake_param(fake, "levels", "1");
        fake_param(fake, "half_spread", table[i].half_spread);
        begin(fake);
        fake_touch(fake, table[i].bid, 500, table[i].ask, 500);
        next_timer(fake);
        CHECK_OPEN(fake, table[i].expected);
        fake_free(fake);
    }
}

Test(grid, inventory_shifts_both_ladders_against_it)
{
    static const struct {
        qty_t position;
        const char *expected;
    } table[] = {
        {0, "buy 0.010@99.80 sell 0.010@100.20"},   {10, "buy 0.010@99.70 sell 0.010@100.20"},
        {20, "buy 0.010@99.70 sell 0.010@100.10"},  {-10, "buy 0.010@99.80 sell 0.010@100.30"},
        {-20, "buy 0.010@99.90 sell 0.010@100.30"}, {50, "buy 0.010@99.50 sell 0.010@100.10"}, /* ask at the touch */
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fake *fake = grid();
        fake_param(fake, "levels", "1");
        begin(fake);
        fake->position.qty = table[i].position;
        fake_touch(fake, 9999, 500, 10001, 500);
        next_timer(fake);
        CHECK_OPEN(fake, table[i].expected);
        fake_free(fake);
    }
}

Test(grid, mirrored_book_and_position_give_a_mirrored_grid)
{
    const uint64_t seed = 20240809;
    const px_t mirror = 20000; /* price p becomes 2 x 100.00 - p: a line becomes a line */
    struct prng prng;
    prng_init(&prng, seed, 1);
    for (unsigned round = 0; round < 300; round++) {
        px_t bid = prng_range(&prng, 9000, 10500), ask = bid + prng_range(&prng, 1, 90);
        qty_t position = prng_range(&prng, -65, 65);
        struct fake *a = grid(), *b = grid();
        if (round % 2 == 0) { /* every tick a line, and a shift that must be rounded: nothing hides the rounding */
            fake_param(a, "spacing", "1");
            fake_param(b, "spacing", "1");
            fake_param(a, "skew", "2.37");
            fake_param(b, "skew", "2.37");
        }
        begin(a);
        begin(b);
        a->position.qty = position;
        b->position.qty = -position;
        fake_touch(a, bid, 500, ask, 700);
        fake_touch(b, mirror - ask, 700, mirror - bid, 500);
        next_timer(a);
        next_timer(b);
        uint32_t count = order_table_open_count(a->orders);
        cr_assert_eq(count, order_table_open_count(b->orders), "seed %lu round %u", seed, round);
        cr_assert_gt(count, 0);
        for (struct order *here = NULL; (here = order_table_next_open(a->orders, here)) != NULL;) {
            const struct order *there = order_at(b, side_opposite((enum side)here->side), mirror - here->price);
            cr_assert_not_null(there, "seed %lu round %u: nothing mirrors %ld", seed, round, here->price);
            cr_assert_eq(here->qty, there->qty, "seed %lu round %u", seed, round);
        }
        fake_free(a);
        fake_free(b);
    }
}

Test(grid, constant_book_makes_no_order_traffic)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 9999, 500, 10001, 500);
    for (unsigned i = 0; i < 1000; i++) {
        next_timer(fake);
        fake_touch(fake, 9999, 500 + i, 10001, 500);
    }
    cr_assert_eq(fake->submitted, 6);
    cr_assert_eq(fake->cancelled, 0);
    fake_free(fake);
}

Test(grid, orders_stay_while_the_market_moves_less_than_a_line)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 9994, 500, 10006, 500); /* mid 100.00: bid 99.80, ask 100.20 */
    next_timer(fake);
    fake_param(fake, "half_spread", "15"); /* 99.85 and 100.15: room for four ticks either way */
    for (px_t mid = 9996; mid <= 10004; mid++) {
        fake_touch(fake, mid - 1, 500, mid + 1, 500);
        next_timer(fake);
    }
    CHECK_OPEN(fake, AT_100);
    cr_assert_eq(fake->cancelled, 0);
    fake_free(fake);
}

Test(grid, move_by_a_line_replaces_one_order_a_side_and_leaves_the_rest_their_places)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    uint64_t kept = order_at(fake, SIDE_BUY, 9970)->id;
    fake_touch(fake, 10009, 500, 10011, 500);
    fake_time(fake, fake->now + INTERVAL);
    CHECK_OPEN(fake, "buy 0.010@99.80 buy 0.010@99.70 buy 0.010@99.60! sell 0.010@100.20! sell 0.010@100.30 "
                     "sell 0.010@100.40 buy 0.010@99.90 sell 0.010@100.50");
    fake_answer(fake);
    cr_assert_eq(order_at(fake, SIDE_BUY, 9970)->id, kept);
    cr_assert_eq(fake->submitted, 8);
    cr_assert_eq(fake->cancelled, 2);
    fake_free(fake);
}

/* A ladder of 3 is a ring of 8: eight lines on, the new line is on the rung that the old order still holds. */
Test(grid, line_whose_rung_is_held_by_a_leaving_order_waits_for_it)
{
    struct fake *fake = grid();
    fake_param(fake, "position_max", "1");
    begin(fake);
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_touch(fake, 10079, 500, 10081, 500);
    fake_time(fake, fake->now + INTERVAL);
    CHECK_OPEN(fake, AT_100_LEAVING);
    fake_time(fake, fake->now + 5 * INTERVAL);
    CHECK_OPEN(fake, AT_100_LEAVING);
    cr_assert_eq(fake->cancelled, 6, "a cancel under way is not sent again");
    fake_answer(fake);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@100.60 buy 0.010@100.50 buy 0.010@100.40 sell 0.010@101.00 sell 0.010@101.10 "
                     "sell 0.010@101.20");
    fake_free(fake);
}

/* The bids at 99.80 and below are still out when the market has fallen through them. */
Test(grid, order_that_could_meet_one_of_our_own_waits_until_that_is_gone)
{
    struct fake *fake = grid();
    fake_param(fake, "position_max", "1");
    begin(fake);
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_touch(fake, 9949, 500, 9951, 500); /* asks wanted at 99.70, 99.80 and 99.90 */
    fake_time(fake, fake->now + INTERVAL);
    CHECK_OPEN(fake, "buy 0.010@99.80! buy 0.010@99.70! buy 0.010@99.60! sell 0.010@100.20! sell 0.010@100.30! "
                     "sell 0.010@100.40! buy 0.010@99.30 buy 0.010@99.20 buy 0.010@99.10 sell 0.010@99.90");
    fake_answer(fake);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.30 buy 0.010@99.20 buy 0.010@99.10 sell 0.010@99.90 sell 0.010@99.70 "
                     "sell 0.010@99.80");
    fake_free(fake);
}

Test(grid, refused_cancel_is_sent_again)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_touch(fake, 10009, 500, 10011, 500);
    fake_time(fake, fake->now + INTERVAL);
    cr_assert_eq(fake->cancelled, 2);
    fake_report(fake, order_at(fake, SIDE_BUY, 9960)->id, EXEC_CANCEL_REJECT, REASON_VENUE);
    cr_assert_eq(fake->cancelled, 2);
    fake_time(fake, fake->now + INTERVAL);
    cr_assert_eq(fake->cancelled, 3);
    fake_free(fake);
}

Test(grid, filled_line_is_placed_again_at_the_next_interval)
{
    struct fake *fake = grid();
    fake_param(fake, "skew", "0");
    begin(fake);
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_fill(fake, order_at(fake, SIDE_BUY, 9980)->id, 9980, 10);
    CHECK_OPEN(fake, "buy 0.010@99.70 buy 0.010@99.60 sell 0.010@100.20 sell 0.010@100.30 sell 0.010@100.40");
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.70 buy 0.010@99.60 sell 0.010@100.20 sell 0.010@100.30 sell 0.010@100.40 "
                     "buy 0.010@99.80");
    fake_free(fake);
}

Test(grid, partly_filled_order_keeps_its_place)
{
    struct fake *fake = grid();
    fake_param(fake, "skew", "0");
    begin(fake);
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_fill(fake, order_at(fake, SIDE_BUY, 9980)->id, 9980, 4);
    for (unsigned i = 0; i < 10; i++)
        next_timer(fake);
    CHECK_OPEN(fake, "buy 0.006@99.80 buy 0.010@99.70 buy 0.010@99.60 sell 0.010@100.20 sell 0.010@100.30 "
                     "sell 0.010@100.40");
    cr_assert_eq(fake->submitted, 6);
    fake_free(fake);
}

Test(grid, position_limit_takes_the_far_lines_first_then_stops_the_side)
{
    static const struct {
        qty_t position;
        const char *expected;
    } table[] = {
        {30, AT_100},
        {35, "buy 0.010@99.80 buy 0.010@99.70 buy 0.005@99.60 sell 0.010@100.20 sell 0.010@100.30 "
             "sell 0.010@100.40"},
        {50, "buy 0.010@99.80 sell 0.010@100.20 sell 0.010@100.30 sell 0.010@100.40"},
        {60, "sell 0.010@100.20 sell 0.010@100.30 sell 0.010@100.40"},
        {70, "sell 0.010@100.20 sell 0.010@100.30 sell 0.010@100.40"},
        {-60, "buy 0.010@99.80 buy 0.010@99.70 buy 0.010@99.60"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fake *fake = grid();
        fake_param(fake, "skew", "0");
        begin(fake);
        fake->position.qty = table[i].position;
        fake_touch(fake, 9999, 500, 10001, 500);
        next_timer(fake);
        CHECK_OPEN(fake, table[i].expected);
        fake_free(fake);
    }
}

/* With the limit just as large as a ladder, a new line has to wait until the old one is gone: both could fill. */
Test(grid, leaving_order_counts_until_the_venue_says_that_it_is_gone)
{
    struct fake *fake = grid();
    fake_param(fake, "position_max", "0.03");
    begin(fake);
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_touch(fake, 10009, 500, 10011, 500);
    fake_time(fake, fake->now + INTERVAL);
    CHECK_OPEN(fake, "buy 0.010@99.80 buy 0.010@99.70 buy 0.010@99.60! sell 0.010@100.20! sell 0.010@100.30 "
                     "sell 0.010@100.40");
    fake_answer(fake);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.80 buy 0.010@99.70 sell 0.010@100.30 sell 0.010@100.40 buy 0.010@99.90 "
                     "sell 0.010@100.50");
    fake_free(fake);
}

Test(grid, near_line_gets_the_quantity_that_a_far_one_held)
{
    struct fake *fake = grid();
    fake_param(fake, "position_max", "0.02");
    fake_param(fake, "skew", "0");
    begin(fake);
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.80 buy 0.010@99.70 sell 0.010@100.20 sell 0.010@100.30");
    fake_touch(fake, 10009, 500, 10011, 500); /* 99.70 is still in the grid of three, but has no room */
    next_timer(fake);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.80 sell 0.010@100.30 buy 0.010@99.90 sell 0.010@100.40");
    fake_free(fake);
}

Test(grid, limit_that_a_fill_of_the_other_side_lifts_is_used_again)
{
    struct fake *fake = grid();
    fake_param(fake, "skew", "0");
    begin(fake);
    fake->position.qty = 60;
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_fill(fake, order_at(fake, SIDE_SELL, 10020)->id, 10020, 10);
    next_timer(fake);
    CHECK_OPEN(fake, "sell 0.010@100.30 sell 0.010@100.40 buy 0.010@99.80 sell 0.010@100.20");
    fake_free(fake);
}

Test(grid, gap_cancels_everything_at_once_and_waits_for_a_sound_book)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_gap(fake);
    CHECK_OPEN(fake, AT_100_LEAVING);
    fake_answer(fake);
    for (unsigned i = 0; i < 5; i++)
        next_timer(fake);
    CHECK_OPEN(fake, "-");
    fake_touch(fake, 9999, 500, 10001, 500); /* the snapshot that ends the gap */
    next_timer(fake);
    CHECK_OPEN(fake, AT_100);
    fake_free(fake);
}

Test(grid, crossed_locked_or_one_sided_book_is_not_quoted)
{
    static const struct {
        px_t bid;
        qty_t bid_qty;
        px_t ask;
        qty_t ask_qty;
    } table[] = {{10002, 500, 10001, 500}, {10001, 500, 10001, 500}, {9999, 500, 0, 0}, {0, 0, 10001, 500}};
    struct fake *fake = started_grid();
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        fake_touch(fake, 9999, 500, 10001, 500);
        next_timer(fake);
        CHECK_OPEN(fake, AT_100);
        fake_touch(fake, table[i].bid, table[i].bid_qty, table[i].ask, table[i].ask_qty);
        next_timer(fake);
        CHECK_OPEN(fake, "-");
    }
    fake_free(fake);
}

Test(grid, nothing_is_sent_before_the_first_snapshot)
{
    struct fake *fake = started_grid();
    fake_gap(fake);
    for (unsigned i = 0; i < 5; i++)
        next_timer(fake);
    cr_assert_eq(fake->submitted, 0);
    fake_free(fake);
}

Test(grid, order_refused_by_the_gate_is_tried_once_an_interval)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 9999, 500, 10001, 500);
    fake->refuse_next = true;
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.70 buy 0.010@99.60 sell 0.010@100.20 sell 0.010@100.30 sell 0.010@100.40");
    for (unsigned i = 1; i <= 5; i++) {
        uint64_t before = order_table_last_id(fake->orders);
        fake->refuse_next = true;
        next_timer(fake);
        cr_assert_eq(order_table_last_id(fake->orders), before + 1);
    }
    next_timer(fake);
    cr_assert_not_null(order_at(fake, SIDE_BUY, 9980));
    fake_free(fake);
}

Test(grid, order_rejected_by_the_venue_is_tried_again_at_the_next_interval_only)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 9999, 500, 10001, 500);
    fake_time(fake, fake->now + INTERVAL);
    fake_report(fake, order_at(fake, SIDE_BUY, 9980)->id, EXEC_REJECT, REASON_POST_ONLY);
    fake_answer(fake);
    fake_touch(fake, 9999, 400, 10001, 400); /* market data in between is no reason either */
    cr_assert_null(order_at(fake, SIDE_BUY, 9980));
    cr_assert_eq(fake->submitted, 6);
    next_timer(fake);
    cr_assert_not_null(order_at(fake, SIDE_BUY, 9980));
    cr_assert_eq(fake->submitted, 7);
    fake_free(fake);
}

Test(grid, order_that_the_venue_cancelled_comes_back_at_the_next_interval)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_report(fake, order_at(fake, SIDE_SELL, 10030)->id, EXEC_CANCELLED, REASON_VENUE);
    cr_assert_null(order_at(fake, SIDE_SELL, 10030));
    next_timer(fake);
    cr_assert_not_null(order_at(fake, SIDE_SELL, 10030));
    fake_free(fake);
}

Test(grid, order_below_the_venues_smallest_value_is_not_sent)
{
    struct fake *fake = started_grid();
    fake->instrument.notional_min = 10 * 9970 + 1; /* just above 0.010 at 99.70 */
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.80 sell 0.010@100.20 sell 0.010@100.30 sell 0.010@100.40");
    fake_free(fake);
}

Test(grid, lines_at_or_below_zero_are_left_out)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 34, 500, 36, 500); /* mid 0.35: bids at 0.10, 0.00 and -0.10 */
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@0.10 sell 0.010@0.60 sell 0.010@0.70 sell 0.010@0.80");
    fake->position.qty = 30; /* the reference at 0.20: the first bid at 0.00 */
    fake_touch(fake, 34, 500, 36, 501);
    next_timer(fake);
    CHECK_OPEN(fake, "sell 0.010@0.60 sell 0.010@0.40 sell 0.010@0.50");
    fake_free(fake);
}

Test(grid, strongest_shift_is_no_grid_rather_than_a_wrong_one)
{
    struct fake *fake = grid();
    fake_param(fake, "skew", "100000");
    fake_param(fake, "position_max", "1000000000");
    begin(fake);
    fake->position.qty = INT64_MAX / 2;
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    CHECK_OPEN(fake, "-");
    fake->position.qty = -(INT64_MAX / 2);
    next_timer(fake);
    CHECK_OPEN(fake, "-");
    fake_free(fake);
}

/* 0.01 below 100.00, 0.25 from there: a line that the dearer band does not have is left out (submit asserts). */
Test(grid, lines_off_the_tick_of_a_dearer_band_are_left_out)
{
    struct fake *fake = started_grid();
    struct tick_table *table = &fake->instrument.tick_tables[0];
    table->band_count = 2;
    table->bands[1] = (struct tick_band){.from = 10000, .tick = 25};
    fake_touch(fake, 9979, 500, 9981, 500);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.60 buy 0.010@99.50 buy 0.010@99.40 sell 0.010@100.00");
    fake_free(fake);
}

Test(grid, grid_of_another_tick_replaces_the_old_one)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    instrument_set_tick(&fake->instrument, 5); /* lines at multiples of 0.50, half spread 1.00 */
    fake_touch(fake, 9995, 500, 10005, 500);
    next_timer(fake);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.00 buy 0.010@98.50 buy 0.010@98.00 sell 0.010@101.00 sell 0.010@101.50 "
                     "sell 0.010@102.00");
    fake_free(fake);
}

Test(grid, full_table_of_orders_is_said_once_and_not_hidden)
{
    struct fake *fake = grid();
    fake_param(fake, "levels", "128");
    fake_param(fake, "position_max", "100");
    begin(fake);
    uint64_t id;
    while (strategy_limit(&fake->ctx, 0, SIDE_BUY, 100, 1, TIF_GTC, 0, &id) == ERR_OK)
        ;
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    next_timer(fake);
    cr_assert_eq(fake->logged, 1);
    cr_assert(strstr(fake->last_log, "engine.order_capacity") != NULL, "%s", fake->last_log);
    fake_free(fake);
}

Test(grid, stop_takes_the_orders_back)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake->strategy->stop(&fake->ctx, fake->state);
    CHECK_OPEN(fake, AT_100_LEAVING);
    fake_free(fake);
}

Test(grid, start_refuses_what_cannot_work_and_says_why)
{
    static const struct {
        const char *name, *value, *word;
    } table[] = {
        {"instrument", "ETHUSDT", "instrument"}, {"size", "0.0009", "size"}, /* below the lot of 0.001 */
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fake *fake = grid();
        fake_param(fake, table[i].name, table[i].value);
        cr_assert_neq(fake_start(fake), ERR_OK);
        cr_assert(strstr(fake->last_log, table[i].word) != NULL, "%s", fake->last_log);
        fake_free(fake);
    }
    struct fake *fake = grid();
    fake->instrument.qty_min = 11;
    cr_assert_neq(fake_start(fake), ERR_OK);
    fake_free(fake);
}

/* An operator may have orders of his own in the same session. Theirs have the tag 0, as has the rung of our ask at
 * 100.80: line 1008 in a ring of 8. */
Test(grid, orders_of_others_are_left_alone)
{
    struct fake *fake = started_grid();
    fake_touch(fake, 10059, 500, 10061, 500);
    next_timer(fake);
    cr_assert_not_null(order_at(fake, SIDE_SELL, 10080));
    uint64_t theirs;
    cr_assert_eq(strategy_limit(&fake->ctx, 0, SIDE_SELL, 10020, 5, TIF_GTC, 0, &theirs), ERR_OK);
    fake_answer(fake);
    next_timer(fake);
    cr_assert(order_is_open(order_table_find(fake->orders, theirs)));
    fake_report(fake, theirs, EXEC_CANCELLED, REASON_USER);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@100.40 buy 0.010@100.30 buy 0.010@100.20 sell 0.010@100.80 sell 0.010@100.90 "
                     "sell 0.010@101.00");
    cr_assert_eq(fake->cancelled, 0);
    fake_free(fake);
}

/* ---- properties ---- */

struct extremes {
    px_t bid_highest, ask_lowest;
    qty_t open[2];
    uint32_t count[2];
};

static struct extremes extremes(struct fake *fake)
{
    struct extremes found = {.bid_highest = INT64_MIN, .ask_lowest = INT64_MAX};
    for (struct order *order = NULL; (order = order_table_next_open(fake->orders, order)) != NULL;) {
        found.open[order->side] += order_leaves(order);
        found.count[order->side]++;
        if (order->side == SIDE_BUY && order->price > found.bid_highest)
            found.bid_highest = order->price;
        if (order->side == SIDE_SELL && order->price < found.ask_lowest)
            found.ask_lowest = order->price;
    }
    return found;
}

/* A drunken market and a rude venue: whatever happens, our own bids stay below our own asks (those that are on
 * their way out too), no side has more orders out than twice its levels rounded up, and the position stays inside its
 * limit even if everything that is out fills. */
static void drunken_history(uint64_t seed, const char *levels, uint32_t level_count, const char *position_max,
                            qty_t limit)
{
    struct prng prng;
    prng_init(&prng, seed, 2);
    struct fake *fake = grid();
    fake_param(fake, "levels", levels);
    fake_param(fake, "position_max", position_max);
    begin(fake);
    px_t bid = 10000, ask = 10002;
    fake_touch(fake, bid, 500, ask, 500);
    uint64_t fills = 0;
    for (unsigned step = 0; step < 8000; step++) {
        uint32_t open = order_table_open_count(fake->orders);
        switch (prng_below(&prng, 12)) {
        case 0:
        case 1:
        case 2:
            bid += prng_range(&prng, -15, 15);
            if (prng_below(&prng, 20) == 0)
                bid += prng_range(&prng, -300, 300);
            bid = bid < 500 ? 500 : bid;
            ask = bid + prng_range(&prng, 1, 40);
            fake_touch(fake, bid, 500, ask, 500);
            break;
        case 3:
            if (prng_below(&prng, 5) == 0)
                fake_gap(fake);
            break;
        case 4:
            fake->refuse_next = true;
            break;
        case 5:
        case 6:
            fake_answer(fake);
            break;
        case 7:
        case 8: {
            struct order *order = open == 0 ? NULL : any_order(fake, prng_below(&prng, open));
            if (order != NULL) {
                fake_fill(fake, order->id, order->price, prng_range(&prng, 1, order_leaves(order)));
                fills++;
            }
            break;
        }
        case 9: {
            struct order *order = open == 0 ? NULL : any_order(fake, prng_below(&prng, open));
            if (order != NULL && order->cancel_pending)
                fake_report(fake, order->id, EXEC_CANCEL_REJECT, REASON_UNKNOWN_ORDER);
            else if (order != NULL && order->state == ORDER_PENDING)
                fake_report(fake, order->id, EXEC_REJECT, REASON_POST_ONLY);
            break;
        }
        default:
            fake_time(fake, fake->now + INTERVAL);
            break;
        }
        struct extremes now = extremes(fake);
        cr_assert_lt(now.bid_highest, now.ask_lowest, "seed %lu step %u", seed, step);
        for (enum side side = SIDE_BUY; side <= SIDE_SELL; side++) {
            cr_assert_leq(now.count[side], 4 * level_count, "seed %lu step %u", seed, step);
            cr_assert_leq(side_sign(side) * fake->position.qty + now.open[side], limit, "seed %lu step %u", seed,
                          step);
        }
    }
    cr_assert_gt(fills, 200, "seed %lu: the market was too quiet to prove anything", seed);
    /* It comes to rest: a quiet market, an honest venue, and the whole grid is there. */
    fake->position.qty = 0;
    fake_touch(fake, 9999, 500, 10001, 500);
    for (unsigned i = 0; i < 5; i++)
        next_timer(fake);
    fake->refuse_next = false;
    next_timer(fake);
    uint64_t sent = fake->submitted + fake->cancelled;
    next_timer(fake);
    cr_assert_eq(fake->submitted + fake->cancelled, sent, "seed %lu: restless", seed);
    struct extremes last = extremes(fake);
    cr_assert(last.bid_highest == 9980 && last.ask_lowest == 10020, "seed %lu", seed);
    cr_assert(last.open[SIDE_BUY] <= limit && last.open[SIDE_SELL] <= limit, "seed %lu", seed);
    for (px_t price = 9980; price > 9980 - 10 * (px_t)level_count && price > 9980 - limit; price -= 10)
        cr_assert_not_null(order_at(fake, SIDE_BUY, price), "seed %lu: no bid at %ld", seed, price);
    fake_free(fake);
}

Test(grid, holds_its_promises_over_random_histories)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        drunken_history(seed, "3", 3, "0.06", 60);
        drunken_history(seed, "5", 5, "0.035", 35); /* the limit is what binds */
        drunken_history(seed, "1", 1, "0.01", 10);
    }
    drunken_history(5, "128", 128, "3", 3000);
}
