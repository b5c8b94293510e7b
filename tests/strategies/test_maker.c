/* The maker, driven by hand. Prices have 2 decimals and a tick of 0.01, quantities 3 decimals: 100.00 is 10000,
 * 0.010 is 10. */
#include "core/prng.h"
#include "strategies/registry.h"
#include "tests/strategies/fake_engine.h"

#include <criterion/criterion.h>
#include <string.h>

#define INTERVAL (100 * NS_PER_MS)

/* half_spread 5, skew 2 ticks for each size held, size 0.010, position_max 0.030, move_min 2. */
static struct fake *maker(void)
{
    struct fake *fake = fake_new(&maker_strategy);
    fake_param(fake, "size", "0.01");
    fake_param(fake, "position_max", "0.03");
    fake_param(fake, "half_spread", "5");
    fake_param(fake, "skew", "2");
    fake_param(fake, "move_min", "2");
    fake_param(fake, "interval", "100ms");
    return fake;
}

static struct fake *started_maker(void)
{
    struct fake *fake = maker();
    cr_assert_eq(fake_start(fake), ERR_OK);
    fake_time(fake, 1000 * NS_PER_S + 1);
    return fake;
}

static void next_timer(struct fake *fake)
{
    fake_time(fake, fake->now + INTERVAL);
    fake_answer(fake);
}

#define CHECK_OPEN(fake, expected) cr_assert_str_eq(fake_open_text(fake), expected, "got %s", fake_open_text(fake))

Test(maker, quotes_both_sides_at_half_spread_from_the_mid)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 9999, 500, 10001, 500);
    CHECK_OPEN(fake, "-"); /* not before the timer */
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.95 sell 0.010@100.05");
    fake_free(fake);
}

Test(maker, looks_at_the_market_on_an_aligned_grid)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 9999, 500, 10001, 500);
    fake_time(fake, 1000 * NS_PER_S + INTERVAL - 1);
    CHECK_OPEN(fake, "-");
    fake_time(fake, 1000 * NS_PER_S + INTERVAL);
    CHECK_OPEN(fake, "buy 0.010@99.95 sell 0.010@100.05");
    cr_assert_eq(fake_open(fake, SIDE_BUY)->submit_ts, 1000 * NS_PER_S + INTERVAL);
    fake_free(fake);
}

Test(maker, odd_spread_rounds_both_quotes_outward)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 9999, 500, 10000, 500); /* mid 99.995: 99.945 and 100.045 */
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.94 sell 0.010@100.05");
    fake_free(fake);
}

Test(maker, inventory_shifts_both_quotes_against_it)
{
    static const struct {
        qty_t position;
        const char *expected;
    } table[] = {
        {0, "buy 0.010@99.95 sell 0.010@100.05"},   {10, "buy 0.010@99.93 sell 0.010@100.03"},
        {20, "buy 0.010@99.91 sell 0.010@100.01"},  {-10, "buy 0.010@99.97 sell 0.010@100.07"},
        {-20, "buy 0.010@99.99 sell 0.010@100.09"}, {5, "buy 0.010@99.94 sell 0.010@100.04"},
        {2, "buy 0.010@99.94 sell 0.010@100.05"}, /* 0.4 ticks: nearest half tick 0.5, then both outward */
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fake *fake = started_maker();
        fake->position.qty = table[i].position;
        fake_touch(fake, 9999, 500, 10001, 500);
        next_timer(fake);
        CHECK_OPEN(fake, table[i].expected);
        fake_free(fake);
    }
}

Test(maker, mirrored_book_and_position_give_mirrored_quotes)
{
    const uint64_t seed = 20240808;
    const px_t mirror = 20000; /* price p becomes 2 x 100.00 - p */
    struct prng prng;
    prng_init(&prng, seed, 1);
    for (unsigned round = 0; round < 300; round++) {
        px_t bid = prng_range(&prng, 9000, 10500), ask = bid + prng_range(&prng, 1, 9);
        qty_t position = prng_range(&prng, -35, 35);
        struct fake *a = started_maker(), *b = started_maker();
        a->position.qty = position;
        b->position.qty = -position;
        fake_touch(a, bid, 500, ask, 700);
        fake_touch(b, mirror - ask, 700, mirror - bid, 500);
        next_timer(a);
        next_timer(b);
        for (enum side side = SIDE_BUY; side <= SIDE_SELL; side++) {
            const struct order *here = fake_open(a, side), *there = fake_open(b, side_opposite(side));
            cr_assert_eq(here == NULL, there == NULL, "seed %lu round %u", seed, round);
            if (here != NULL) {
                cr_assert_eq(here->price, mirror - there->price, "seed %lu round %u: %ld and %ld", seed, round,
                             here->price, there->price);
                cr_assert_eq(here->qty, there->qty, "seed %lu round %u", seed, round);
            }
        }
        fake_free(a);
        fake_free(b);
    }
}

Test(maker, quote_never_reaches_the_other_side_of_the_book)
{
    struct fake *fake = maker();
    fake_param(fake, "half_spread", "0");
    fake_param(fake, "skew", "50");
    cr_assert_eq(fake_start(fake), ERR_OK);
    fake_time(fake, NS_PER_S);
    fake->position.qty = -20; /* wants to buy 100 ticks above the mid */
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@100.00 sell 0.010@101.00");
    cr_assert(fake_open(fake, SIDE_BUY)->flags & ORDER_POST_ONLY);
    fake_free(fake);
}

Test(maker, quotes_are_on_the_grid_of_the_tick)
{
    struct fake *fake = started_maker();
    instrument_set_tick(&fake->instrument, 50); /* 0.50; submit asserts the grid */
    fake_touch(fake, 9950, 500, 10000, 500);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@97.00 sell 0.010@102.50"); /* 99.75 -+ 2.50, outward */
    fake_free(fake);
}

Test(maker, constant_book_makes_no_order_traffic)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 9999, 500, 10001, 500);
    for (unsigned i = 0; i < 1000; i++) {
        next_timer(fake);
        fake_touch(fake, 9999, 500 + i, 10001, 500);
    }
    cr_assert_eq(fake->submitted, 2);
    cr_assert_eq(fake->cancelled, 0);
    fake_free(fake);
}

Test(maker, small_move_leaves_the_quote_its_place_in_the_queue)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_touch(fake, 10000, 500, 10002, 500); /* one tick: below move_min */
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.95 sell 0.010@100.05");
    fake_touch(fake, 10001, 500, 10003, 500); /* two ticks */
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.97 sell 0.010@100.07");
    cr_assert_eq(fake->cancelled, 2);
    fake_free(fake);
}

Test(maker, replacement_waits_for_the_venue_to_confirm_the_cancel)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_touch(fake, 10009, 500, 10011, 500);
    fake_time(fake, fake->now + 10 * INTERVAL); /* no answer for ten timers */
    CHECK_OPEN(fake, "buy 0.010@99.95! sell 0.010@100.05!");
    cr_assert_eq(fake->submitted, 2);
    cr_assert_eq(fake->cancelled, 2);
    fake_answer(fake); /* replaced at once, not at the next timer */
    CHECK_OPEN(fake, "buy 0.010@100.05 sell 0.010@100.15");
    fake_free(fake);
}

Test(maker, refused_cancel_is_sent_again)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_touch(fake, 10009, 500, 10011, 500);
    fake_time(fake, fake->now + INTERVAL);
    fake_report(fake, fake_open(fake, SIDE_BUY)->id, EXEC_CANCEL_REJECT, REASON_VENUE);
    cr_assert_eq(fake->cancelled, 2);
    fake_time(fake, fake->now + INTERVAL);
    cr_assert_eq(fake->cancelled, 3);
    fake_free(fake);
}

Test(maker, filled_side_is_quoted_again_at_the_next_timer_with_the_new_skew)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_fill(fake, fake_open(fake, SIDE_BUY)->id, 9995, 10);
    CHECK_OPEN(fake, "sell 0.010@100.05");
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.93 sell 0.010@100.03");
    fake_free(fake);
}

Test(maker, partly_filled_quote_stays)
{
    struct fake *fake = started_maker();
    fake_param(fake, "skew", "0");
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_fill(fake, fake_open(fake, SIDE_BUY)->id, 9995, 4);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.006@99.95 sell 0.010@100.05");
    fake_free(fake);
}

Test(maker, position_limit_shrinks_then_stops_one_side)
{
    static const struct {
        qty_t position;
        const char *expected;
    } table[] = {
        {24, "buy 0.006@99.95 sell 0.010@100.05"},
        {30, "sell 0.010@100.05"},
        {35, "sell 0.010@100.05"},
        {-30, "buy 0.010@99.95"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fake *fake = started_maker();
        fake_param(fake, "skew", "0");
        fake->position.qty = table[i].position;
        fake_touch(fake, 9999, 500, 10001, 500);
        next_timer(fake);
        CHECK_OPEN(fake, table[i].expected);
        fake_free(fake);
    }
}

Test(maker, gap_cancels_both_quotes_at_once_and_waits_for_a_sound_book)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake_gap(fake);
    CHECK_OPEN(fake, "buy 0.010@99.95! sell 0.010@100.05!");
    fake_answer(fake);
    for (unsigned i = 0; i < 5; i++)
        next_timer(fake);
    CHECK_OPEN(fake, "-");
    fake_touch(fake, 9999, 500, 10001, 500); /* the snapshot that ends the gap */
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.95 sell 0.010@100.05");
    fake_free(fake);
}

Test(maker, crossed_or_one_sided_book_is_not_quoted)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 10002, 500, 10001, 500);
    next_timer(fake);
    CHECK_OPEN(fake, "-");
    fake_touch(fake, 9999, 500, 0, 0);
    next_timer(fake);
    CHECK_OPEN(fake, "-");
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.95 sell 0.010@100.05");
    fake_touch(fake, 10001, 500, 10001, 500); /* locked */
    next_timer(fake);
    CHECK_OPEN(fake, "-");
    fake_free(fake);
}

Test(maker, nothing_is_sent_before_the_first_snapshot)
{
    struct fake *fake = started_maker();
    fake_gap(fake);
    for (unsigned i = 0; i < 5; i++)
        next_timer(fake);
    cr_assert_eq(fake->submitted, 0);
    fake_free(fake);
}

Test(maker, refused_quote_is_tried_again_at_the_next_timer_only)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 9999, 500, 10001, 500);
    fake->refuse_next = true;
    next_timer(fake);
    CHECK_OPEN(fake, "sell 0.010@100.05");
    next_timer(fake);
    CHECK_OPEN(fake, "sell 0.010@100.05 buy 0.010@99.95");
    fake_report(fake, fake_open(fake, SIDE_BUY)->id, EXEC_CANCELLED, REASON_VENUE); /* the venue's own idea */
    CHECK_OPEN(fake, "sell 0.010@100.05 buy 0.010@99.95");
    fake_free(fake);
}

Test(maker, order_below_the_venues_smallest_value_is_not_sent)
{
    struct fake *fake = started_maker();
    fake->instrument.notional_min = 10 * 9995 + 1; /* just above 0.010 at 99.95 */
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    CHECK_OPEN(fake, "sell 0.010@100.05");
    fake_free(fake);
}

Test(maker, stop_takes_the_quotes_back)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    fake->strategy->stop(&fake->ctx, fake->state);
    CHECK_OPEN(fake, "buy 0.010@99.95! sell 0.010@100.05!");
    fake_free(fake);
}

Test(maker, start_refuses_what_cannot_work_and_says_why)
{
    static const struct {
        const char *name, *value, *word;
    } table[] = {
        {"instrument", "ETHUSDT", "instrument"}, {"size", "0.0009", "size"}, /* below the lot of 0.001 */
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fake *fake = maker();
        fake_param(fake, table[i].name, table[i].value);
        cr_assert_neq(fake_start(fake), ERR_OK);
        cr_assert(strstr(fake->last_log, table[i].word) != NULL, "%s", fake->last_log);
        fake_free(fake);
    }
    struct fake *fake = maker();
    fake->instrument.qty_min = 11;
    cr_assert_neq(fake_start(fake), ERR_OK);
    fake_free(fake);
}

/* A drunken market and a rude venue: whatever happens, one order a side (fake_open asserts it), and a position
 * that stays inside its limit even if everything out there fills. */
Test(maker, holds_its_promises_over_random_histories)
{
    const uint64_t seed = 7;
    struct prng prng;
    prng_init(&prng, seed, 2);
    struct fake *fake = started_maker();
    px_t bid = 10000, ask = 10002;
    fake_touch(fake, bid, 500, ask, 500);
    uint64_t fills = 0;
    for (unsigned step = 0; step < 20000; step++) {
        switch (prng_below(&prng, 9)) {
        case 0:
        case 1:
            bid += prng_range(&prng, -3, 3);
            ask = bid + prng_range(&prng, 1, 6);
            fake_touch(fake, bid, 500, ask, 500);
            break;
        case 2:
            fake_gap(fake);
            break;
        case 3:
            fake->refuse_next = true;
            break;
        case 4:
            fake_answer(fake);
            break;
        case 5:
        case 6: {
            struct order *order = fake_open(fake, prng_below(&prng, 2) == 0 ? SIDE_BUY : SIDE_SELL);
            if (order != NULL) {
                fake_fill(fake, order->id, order->price, prng_range(&prng, 1, order_leaves(order)));
                fills++;
            }
            break;
        }
        case 7: {
            struct order *order = fake_open(fake, SIDE_BUY);
            if (order != NULL && order->cancel_pending)
                fake_report(fake, order->id, EXEC_CANCEL_REJECT, REASON_UNKNOWN_ORDER);
            break;
        }
        default:
            fake_time(fake, fake->now + INTERVAL);
            break;
        }
        for (enum side side = SIDE_BUY; side <= SIDE_SELL; side++) {
            const struct order *order = fake_open(fake, side); /* asserts one a side */
            qty_t worst = side_sign(side) * fake->position.qty + (order == NULL ? 0 : order_leaves(order));
            if (order != NULL)
                cr_assert_leq(worst, 30, "seed %lu step %u", seed, step);
        }
        cr_assert(fake->position.qty >= -30 && fake->position.qty <= 30, "seed %lu step %u", seed, step);
    }
    cr_assert_gt(fills, 500, "the market was too quiet to prove anything");
    fake_free(fake);
}

/* An operator may have orders of his own in the same session. */
Test(maker, orders_of_others_are_left_alone)
{
    struct fake *fake = started_maker();
    fake_touch(fake, 9999, 500, 10001, 500);
    next_timer(fake);
    uint64_t theirs;
    fake_answer(fake);
    cr_assert_eq(strategy_limit(&fake->ctx, 0, SIDE_SELL, 11000, 5, TIF_GTC, 0, &theirs), ERR_OK);
    fake_report(fake, theirs, EXEC_ACK, REASON_NONE);
    fake_report(fake, theirs, EXEC_CANCELLED, REASON_USER);
    CHECK_OPEN(fake, "buy 0.010@99.95 sell 0.010@100.05");
    next_timer(fake);
    CHECK_OPEN(fake, "buy 0.010@99.95 sell 0.010@100.05");
    fake_free(fake);
}
