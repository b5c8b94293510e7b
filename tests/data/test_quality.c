#include "data/quality.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct quality quality;
static struct instrument instrument;
static void *memory;

static void setup(void)
{
    cr_assert_eq(instrument_init(&instrument, "binance-spot", "BTCUSDT", "BTC", "USDT", CONTRACT_SPOT, 2, 3), ERR_OK);
    size_t size = quality_size(BOOK_WINDOW_MIN, 64);
    memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
    memset(memory, 0, size);
    quality_init(&quality, memory, BOOK_WINDOW_MIN, 64, &instrument, 30 * NS_PER_S);
}

static void teardown(void)
{
    free(memory);
}

static void feed(enum event_kind kind, ns_t ts, ns_t exch_ts, uint64_t seq, struct level bid, struct level ask)
{
    struct level levels[2] = {bid, ask};
    struct event event = {.ts = ts, .exch_ts = exch_ts, .seq = seq, .kind = (uint8_t)kind};
    event.levels = levels;
    event.bid_count = event.ask_count = event_has_levels((uint8_t)kind) ? 1 : 0;
    quality_apply(&quality, &event, ts - exch_ts);
}

#define L(price, qty)                                                                                                \
    (struct level)                                                                                                   \
    {                                                                                                                \
        price, qty                                                                                                   \
    }

Test(quality, a_ticker_is_compared_only_with_the_diff_of_its_id, .init = setup, .fini = teardown)
{
    feed(EVENT_BOOK_SNAPSHOT, 1, 1, 10, L(100, 5), L(101, 6));
    feed(EVENT_BBO, 2, 2, 10, L(100, 5), L(101, 6)); /* the snapshot's id: no diff was applied */
    cr_assert_eq(quality.bbo_compared, 0);
    feed(EVENT_BOOK_DELTA, 3, 3, 12, L(100, 7), L(101, 6));
    feed(EVENT_BBO, 4, 4, 12, L(100, 7), L(101, 6));
    feed(EVENT_BBO, 5, 5, 13, L(100, 9), L(101, 6)); /* ahead of the book */
    cr_assert_eq(quality.bbo_compared, 1);
    cr_assert_eq(quality.bbo_wrong, 0);
    feed(EVENT_BOOK_DELTA, 6, 6, 14, L(100, 8), L(101, 6));
    feed(EVENT_BBO, 7, 7, 14, L(100, 8), L(101, 7)); /* another quantity */
    feed(EVENT_BBO, 8, 8, 14, L(99, 8), L(101, 6));  /* another price */
    cr_assert_eq(quality.bbo_compared, 3);
    cr_assert_eq(quality.bbo_wrong, 2);
    cr_assert_eq(quality.bbo_wrong_seq, 14);
    feed(EVENT_GAP, 9, 0, 0, L(0, 0), L(0, 0));
    feed(EVENT_BBO, 10, 10, 14, L(100, 8), L(101, 6)); /* the book is stale */
    cr_assert_eq(quality.bbo_compared, 3);
    cr_assert_eq(quality.gaps, 1);
}

Test(quality, a_ticker_ahead_of_the_book_waits_for_its_diff, .init = setup, .fini = teardown)
{
    feed(EVENT_BBO, 1, 1, 12, L(100, 7), L(101, 6));
    feed(EVENT_BBO, 2, 2, 13, L(100, 1), L(101, 6)); /* no diff ends with this id */
    feed(EVENT_BBO, 3, 3, 14, L(100, 9), L(101, 6));
    feed(EVENT_BBO, 4, 4, 99, L(100, 9), L(101, 6));
    feed(EVENT_BOOK_SNAPSHOT, 5, 5, 10, L(100, 5), L(101, 6));
    cr_assert_eq(quality.bbo_compared, 0);
    feed(EVENT_BOOK_DELTA, 6, 6, 12, L(100, 7), L(101, 6));
    cr_assert_eq(quality.bbo_compared, 1);
    feed(EVENT_BOOK_DELTA, 7, 7, 14, L(100, 8), L(101, 6));
    cr_assert_eq(quality.bbo_compared, 2);
    cr_assert_eq(quality.bbo_wrong, 1);
    for (uint64_t seq = 100; seq < 100 + 3 * QUALITY_TICKERS; seq++) /* more than can wait: the oldest go */
        feed(EVENT_BBO, 8, 8, seq, L(100, 5), L(101, 6));
    feed(EVENT_BOOK_DELTA, 9, 9, 99 + 3 * QUALITY_TICKERS, L(100, 5), L(101, 6));
    cr_assert_eq(quality.bbo_compared, 3);
    cr_assert_eq(quality.bbo_wrong, 1);
}

Test(quality, crossed_books_are_counted_by_message, .init = setup, .fini = teardown)
{
    feed(EVENT_BOOK_SNAPSHOT, 1, 1, 1, L(100, 5), L(101, 6));
    cr_assert_eq(quality.crossed, 0);
    feed(EVENT_BOOK_DELTA, 2, 2, 2, L(101, 1), L(103, 1));
    cr_assert_eq(quality.crossed, 1);
    feed(EVENT_BOOK_DELTA, 3, 3, 3, L(101, 0), L(103, 1));
    cr_assert_eq(quality.crossed, 1);
    cr_assert_eq(quality.levels, 6);
}

Test(quality, stamps_are_judged_within_a_stream_and_across, .init = setup, .fini = teardown)
{
    feed(EVENT_TRADE, 1, 100, 1, L(100, 1), L(0, 0));
    feed(EVENT_BBO, 2, 90, 2, L(100, 1), L(101, 1)); /* another stream may lag */
    feed(EVENT_TRADE, 3, 95, 3, L(100, 1), L(0, 0)); /* this one may not */
    feed(EVENT_TRADE, 4, 0, 4, L(100, 1), L(0, 0));  /* no stamp: no judgement */
    cr_assert_eq(quality.backwards, 1);
    cr_assert_eq(quality.backwards_across, 1);
    cr_assert_eq(quality.latency_min, -99);
}

Test(quality, silences_are_counted_and_the_first_ones_listed, .init = setup, .fini = teardown)
{
    ns_t ts = 0;
    feed(EVENT_TRADE, ts += 1, 0, 1, L(1, 1), L(0, 0));
    feed(EVENT_TRADE, ts += 30 * NS_PER_S, 0, 1, L(1, 1), L(0, 0)); /* not more than 30 s */
    cr_assert_eq(quality.silences, 0);
    for (int i = 0; i < QUALITY_LISTED + 5; i++)
        feed(EVENT_TRADE, ts += 31 * NS_PER_S, 0, 1, L(1, 1), L(0, 0));
    cr_assert_eq(quality.silences, QUALITY_LISTED + 5);
    cr_assert_eq(quality.listed[0].to - quality.listed[0].from, 31 * NS_PER_S);
    cr_assert_eq(quality.silence_longest, 31 * NS_PER_S);
}
