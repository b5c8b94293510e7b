/* The market of the mock server: tapes in the order of the venue's time, opened with books, cut, and played again. */
#include "cli/mock_market.h"
#include "core/book.h"
#include "tests/cli/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct scratch scratch;
static struct err_text why;
static struct option_list tapes;
static char paths[4][512]; /* of the list, which keeps none itself */

static void setup(void)
{
    scratch_begin(&scratch);
    why = (struct err_text){0};
}

static void teardown(void)
{
    option_list_free(&tapes);
    scratch_end(&scratch);
}

TestSuite(mock_market, .init = setup, .fini = teardown);

static void make_tape(const char *name, const char *options)
{
    static struct ran ran;
    run_program(&scratch, &ran, "synth %s --duration 20s -q %s", scratch_path(&scratch, name), options);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

static struct mock_market *open_tapes(const char *const *names, size_t count, ns_t from, ns_t to, bool loop)
{
    struct mock_market *market;
    option_list_free(&tapes);
    tapes = (struct option_list){0};
    for (size_t i = 0; i < count; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s", scratch_path(&scratch, names[i]));
        cr_assert_eq(option_list_add(&tapes, paths[i]), ERR_OK);
    }
    cr_assert_eq(mock_market_tapes(&market, &tapes, from, to, loop, &why), ERR_OK, "%s", why.text);
    return market;
}

struct seen {
    uint64_t events, snapshots, deltas, trades, first_trade, last_trade;
    ns_t first_ts, last_ts;
    uint64_t by_instrument[4];
};

/* Play up to `most` events; time must not fall. */
static struct seen play(struct mock_market *market, uint64_t most)
{
    const struct mock_source source = mock_market_source(market);
    struct seen seen = {.last_ts = INT64_MIN};
    const struct event *event;
    while (seen.events < most && (event = source.peek(source.context, &why)) != NULL) {
        cr_assert_geq(event->ts, seen.last_ts, "event %llu", (unsigned long long)seen.events);
        cr_assert_neq(event->exch_ts, 0);
        cr_assert_eq(source.peek(source.context, &why), event, "looking twice shows the same");
        seen.first_ts = seen.events == 0 ? event->ts : seen.first_ts;
        seen.last_ts = event->ts;
        seen.events++;
        seen.snapshots += event->kind == EVENT_BOOK_SNAPSHOT;
        seen.deltas += event->kind == EVENT_BOOK_DELTA;
        seen.by_instrument[event->instrument]++;
        if (event->kind == EVENT_TRADE) {
            seen.trades++;
            seen.first_trade = seen.first_trade == 0 ? event->seq : seen.first_trade;
            seen.last_trade = event->seq;
        }
        source.take(source.context);
    }
    cr_assert_eq(why.code, ERR_OK, "%s", why.text);
    return seen;
}

Test(mock_market, a_tape_is_played_whole_and_in_order)
{
    make_tape("a.tape", "--seed 3");
    struct mock_market *market = open_tapes((const char *[]){"a.tape"}, 1, 0, NS_MAX, false);
    const struct seen seen = play(market, UINT64_MAX);
    cr_assert_eq(seen.snapshots, 1, "the first book is told once");
    cr_assert_eq(seen.deltas, 200);
    cr_assert_gt(seen.trades, 500);
    cr_assert_eq(seen.last_trade - seen.first_trade + 1, seen.trades);
    mock_market_close(market);
}

Test(mock_market, the_first_books_come_before_all_else)
{
    make_tape("a.tape", "--seed 3 --instruments 3");
    struct mock_market *market = open_tapes((const char *[]){"a.tape"}, 1, 0, NS_MAX, false);
    const struct mock_source source = mock_market_source(market);
    uint16_t count;
    (void)mock_market_instruments(market, &count);
    cr_assert_eq(count, 3);
    for (uint16_t i = 0; i < 3; i++) {
        const struct event *event = source.peek(source.context, &why);
        cr_assert_eq(event->kind, EVENT_BOOK_SNAPSHOT);
        cr_assert_eq(event->instrument, i);
        cr_assert_gt(event->bid_count, 10);
        source.take(source.context);
    }
    const struct seen rest = play(market, UINT64_MAX);
    cr_assert_eq(rest.snapshots, 0);
    cr_assert_eq(rest.deltas, 600);
    mock_market_close(market);
}

Test(mock_market, several_tapes_are_one_market_and_equal_symbols_one_instrument)
{
    make_tape("a.tape", "--seed 3");
    make_tape("b.tape", "--seed 4 --instruments 2");
    struct mock_market *market = open_tapes((const char *[]){"a.tape", "b.tape"}, 2, 0, NS_MAX, false);
    uint16_t count;
    const struct instrument *instruments = mock_market_instruments(market, &count);
    cr_assert_eq(count, 2);
    cr_assert_str_eq(instruments[1].symbol, "SYN2USDT");
    const struct seen seen = play(market, UINT64_MAX);
    cr_assert_gt(seen.by_instrument[0], seen.by_instrument[1]);
    mock_market_close(market);
}

Test(mock_market, a_stretch_begins_with_a_whole_book)
{
    const ns_t start = INT64_C(1704067200) * NS_PER_S;
    make_tape("a.tape", "--seed 3");
    struct mock_market *market =
        open_tapes((const char *[]){"a.tape"}, 1, start + 5 * NS_PER_S, start + 10 * NS_PER_S, false);
    const struct seen seen = play(market, UINT64_MAX);
    cr_assert_eq(seen.snapshots, 1);
    cr_assert(seen.deltas >= 49 && seen.deltas <= 51, "%llu", (unsigned long long)seen.deltas);
    cr_assert_geq(seen.first_ts, start + 5 * NS_PER_S);
    cr_assert_lt(seen.last_ts, start + 10 * NS_PER_S);
    mock_market_close(market);
}

Test(mock_market, played_again_times_and_trades_go_on)
{
    make_tape("a.tape", "--seed 3");
    struct mock_market *once = open_tapes((const char *[]){"a.tape"}, 1, 0, NS_MAX, false);
    const struct seen first = play(once, UINT64_MAX);
    mock_market_close(once);
    struct mock_market *market = open_tapes((const char *[]){"a.tape"}, 1, 0, NS_MAX, true);
    const struct seen seen = play(market, 3 * first.events);
    cr_assert_eq(seen.snapshots, 3);
    cr_assert_eq(seen.trades, 3 * first.trades);
    cr_assert_eq(seen.last_trade - seen.first_trade + 1, seen.trades, "ids without holes");
    cr_assert_geq(seen.last_ts - seen.first_ts, 3 * (first.last_ts - first.first_ts));
    mock_market_close(market);
}

Test(mock_market, a_load_goes_on_with_chained_ids)
{
    struct synth_config config;
    struct mock_market *market;
    synth_config_default(&config);
    cr_assert_eq(mock_market_load(&market, &config, &why), ERR_OK, "%s", why.text);
    const struct mock_source source = mock_market_source(market);
    uint64_t last = 0, snapshots = 0, levels = 0;
    for (int i = 0; i < 50000; i++) {
        const struct event *event = source.peek(source.context, &why);
        cr_assert(event->kind == EVENT_BOOK_SNAPSHOT || event->kind == EVENT_BOOK_DELTA);
        cr_assert(event->kind == EVENT_BOOK_SNAPSHOT ? event->seq > last
                                                     : event->seq_prev == last && event->seq > last,
                  "event %d", i);
        last = event->seq;
        snapshots += event->kind == EVENT_BOOK_SNAPSHOT;
        levels += event->bid_count + event->ask_count;
        source.take(source.context);
    }
    cr_assert_eq(snapshots, 3, "each round begins with the book");
    cr_assert_gt(levels / 50000, 8);
    mock_market_close(market);
}

Test(mock_market, a_tape_that_is_not_there_is_named)
{
    struct mock_market *market;
    struct option_list list = {0};
    cr_assert_eq(option_list_add(&list, scratch_path(&scratch, "nothing.tape")), ERR_OK);
    cr_assert_neq(mock_market_tapes(&market, &list, 0, NS_MAX, false, &why), ERR_OK);
    cr_assert_not_null(strstr(why.text, "nothing.tape"), "%s", why.text);
    option_list_free(&list);
}
