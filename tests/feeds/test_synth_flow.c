/* The flows alone, pushed to where a market seldom goes. */
#include "feeds/synth_flow.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct synth_tables tables;
static struct synth_flow flow;
static struct synth_book book;
static void *memory[2];

static void setup(void)
{
    const struct synth_flow_config config = {
        .actions_per_s = 1000, .branching_ppm = 500000, .market_ppm = 20000, .volatility_ppm = 30};
    memory[0] = malloc(synth_book_size(SYNTH_ORDERS));
    memory[1] = malloc(synth_flow_size());
    synth_tables_init(&tables);
    synth_book_init(&book, memory[0], SYNTH_ORDERS, 50000);
    synth_flow_init(&flow, memory[1], &tables, &config, &book, 11, 0, 50000, 1000000);
}

static void teardown(void)
{
    free(memory[0]);
    free(memory[1]);
}

static void run(uint32_t actions)
{
    for (uint32_t i = 0; i < actions; i++) {
        int64_t centre;
        cr_assert(synth_flow_next(&flow, NS_MAX));
        synth_flow_act(&flow);
        cr_assert(book.order_count[0] >= SYNTH_SIDE_MIN && book.order_count[1] >= SYNTH_SIDE_MIN,
                  "a side ran dry after %u actions", i);
        cr_assert(book.best[SIDE_BUY] < book.best[SIDE_SELL]);
        if (!synth_flow_off_centre(&flow, &centre))
            continue;
        while (!synth_flow_clear_far(&flow, centre))
            continue;
        while (book.changed[0].summary | book.changed[1].summary) {
            int64_t ticks[SYNTH_WINDOW];
            synth_book_take_changes(&book, SIDE_BUY, ticks);
            synth_book_take_changes(&book, SIDE_SELL, ticks);
        }
        synth_book_recentre(&book, centre);
    }
}

TestSuite(synth_flow, .init = setup, .fini = teardown);

Test(synth_flow, market_orders_alone_never_empty_a_side)
{
    flow.market_weight_q32 = (uint64_t)Q32 * 20; /* limits and cancels are one in ten */
    run(60000);
    printf("bids %u, asks %u\n", book.order_count[0], book.order_count[1]);
    cr_assert(book.order_count[0] < 4 * SYNTH_SIDE_MIN || book.order_count[1] < 4 * SYNTH_SIDE_MIN,
              "the test does not come near the limit");
}

Test(synth_flow, every_order_is_in_one_band_and_one_queue)
{
    for (int round = 0; round < 20; round++) {
        run(1000);
        uint32_t listed = 0;
        for (uint32_t b = 0; b < SYNTH_BANDS; b++) {
            for (uint32_t i = 0; i < flow.band_count[b]; i++) {
                const struct synth_order *order = &book.orders[flow.band_orders[b][i]];
                cr_assert(order->lots > 0 && order->band == b && order->band_index == i);
            }
            listed += flow.band_count[b];
        }
        cr_assert(listed == book.order_count[0] + book.order_count[1]);
    }
}

Test(synth_flow, a_full_book_takes_no_more_and_goes_on)
{
    int64_t best = book.best[SIDE_BUY];
    /* Far orders, in the band where they belong, until there is no place. */
    while (!synth_book_full(&book)) {
        uint32_t index = synth_book_add(&book, SIDE_BUY, best - SYNTH_DEPTH - 100, 1);
        struct synth_order *order = &book.orders[index];
        order->band = SYNTH_BANDS - 1;
        order->band_index = flow.band_count[SYNTH_BANDS - 1]++;
        flow.band_orders[SYNTH_BANDS - 1][order->band_index] = index;
    }
    run(20000);
    cr_assert(book.order_count[0] + book.order_count[1] < SYNTH_ORDERS, "cancels make room");
}

Test(synth_flow, far_orders_are_cleared_before_the_window_moves)
{
    int64_t centre = book.best[SIDE_BUY] + SYNTH_REACH - 100;
    uint32_t before = book.order_count[SIDE_BUY], rounds = 1, cancelled = 0;
    while (!synth_flow_clear_far(&flow, centre)) {
        cancelled += flow.change_count;
        cr_assert(flow.change_count == SYNTH_CHANGES_MAX);
        rounds++;
    }
    cancelled += flow.change_count;
    int64_t worst;
    cr_assert(synth_book_worst(&book, SIDE_BUY, &worst) && worst >= centre - SYNTH_REACH);
    cr_assert(cancelled == before - book.order_count[SIDE_BUY] && rounds > 1);
}
