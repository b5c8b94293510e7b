#include "market_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct market_fixture fixture;

static void setup(void)
{
    fixture_upbit(&fixture, 8, 8);
}

static void teardown(void)
{
    fixture_close(&fixture);
}

TestSuite(upbit, .init = setup, .fini = teardown);

#define BOOK(tms, units)                                                                                             \
    "{'ty':'orderbook','cd':'KRW-BTC','tms':" #tms ",'tas':1,'tbs':2,'obu':[" units "],'st':'REALTIME'}"

Test(upbit, every_book_message_is_the_whole_visible_book)
{
    cr_assert_eq(feed(&fixture, "{'type':'orderbook','code':'KRW-BTC','timestamp':1000,'total_ask_size':1,"
                                "'total_bid_size':2,'orderbook_units':[{'ask_price':148520000,'bid_price':148490000,"
                                "'ask_size':0.0134,'bid_size':0.0706},{'ask_price':148530000.0,'bid_price':148480000,"
                                "'ask_size':6E-8,'bid_size':1}],'level':0,'stream_type':'SNAPSHOT'}"),
                 ERR_OK);
    expect(&fixture, "1 snapshot KRW-BTC exch 1000 partial bids 148490000x0.0706 148480000x1 asks 148520000x0.0134 "
                     "148530000x0.00000006\n");
}

Test(upbit, exponents_are_read_exactly)
{
    cr_assert_eq(feed(&fixture, BOOK(1001, "{'ap':9.9E-7,'bp':9.8e-7,'as':1,'bs':2}")), ERR_OK);
    expect(&fixture, "1 snapshot KRW-BTC exch 1001 partial bids 0.00000098x2 asks 0.00000099x1\n");
}

Test(upbit, a_book_stamped_before_the_last_is_dropped_and_counted)
{
    cr_assert_eq(feed(&fixture, BOOK(1001, "{'ap':2,'bp':1,'as':1,'bs':2}")), ERR_OK);
    cr_assert_eq(feed(&fixture, BOOK(1000, "{'ap':3,'bp':1,'as':1,'bs':2}")), ERR_OK);
    cr_assert_eq(feed(&fixture, BOOK(1001, "{'ap':4,'bp':1,'as':1,'bs':2}")), ERR_OK);
    expect(&fixture, "1 snapshot KRW-BTC exch 1001 partial bids 1x2 asks 2x1\n"
                     "3 snapshot KRW-BTC exch 1001 partial bids 1x2 asks 4x1\n");
    const struct market_stats *stats = stats_of(&fixture, 0);
    cr_assert_eq(stats->diffs_seen, 3);
    cr_assert_eq(stats->diffs_applied, 2);
    cr_assert_eq(stats->diffs_old, 1);
    cr_assert_eq(stats->exch_ts_backwards, 1);
}

Test(upbit, one_absurd_stamp_does_not_silence_the_book)
{
    cr_assert_eq(feed(&fixture, BOOK(1700000000000, "{'ap':2,'bp':1,'as':1,'bs':2}")), ERR_OK);
    cr_assert_eq(feed(&fixture, BOOK(1800000000000, "{'ap':2,'bp':1,'as':1,'bs':2}")), ERR_OK);
    cr_assert_eq(feed(&fixture, BOOK(1700000000001, "{'ap':2,'bp':1,'as':1,'bs':2}")), ERR_OK);
    cr_assert_eq(fixture.events[EVENT_BOOK_SNAPSHOT], 3);
    cr_assert_eq(stats_of(&fixture, 0)->exch_ts_backwards, 1);
}

Test(upbit, a_thin_side_is_filled_with_zeros_that_are_left_out)
{
    cr_assert_eq(feed(&fixture, BOOK(1001, "{'ap':2,'bp':1,'as':1,'bs':2},{'ap':0.0,'bp':0.5,'as':0.0,'bs':1}")),
                 ERR_OK);
    expect(&fixture, "1 snapshot KRW-BTC exch 1001 partial bids 1x2 0.5x1 asks 2x1\n");
}

Test(upbit, trades_say_which_side_took_and_keep_ids_beyond_doubles)
{
    cr_assert_eq(feed(&fixture,
                      "{'type':'trade','code':'KRW-BTC','timestamp':1787728554853,'trade_date':'2026-08-26',"
                      "'trade_time':'07:15:54','trade_timestamp':1787728554797,'trade_price':109847000.0,"
                      "'trade_volume':0.00509799,'ask_bid':'ASK','prev_closing_price':1,'change':'RISE',"
                      "'sequential_id':17877285547970001,'stream_type':'REALTIME'}"),
                 ERR_OK);
    expect(&fixture, "1 trade KRW-BTC exch 1787728554797 seq 17877285547970001 sell 109847000x0.00509799\n");
    cr_assert_eq(feed(&fixture, "{'ty':'trade','cd':'KRW-BTC','tms':1618678262712,'td':'2021-04-17','ttm':'16:51:02',"
                                "'ttms':1787728554797,'tp':127.0,'tv':46.48838371,'ab':'BID','sid':17877285547970002,"
                                "'st':'REALTIME'}"),
                 ERR_OK);
    expect(&fixture, "2 trade KRW-BTC exch 1787728554797 seq 17877285547970002 127x46.48838371\n");
}

Test(upbit, repeated_trades_and_the_one_that_opens_a_subscription_are_not_emitted)
{
#define TRADE(sid, st)                                                                                               \
    "{'ty':'trade','cd':'KRW-BTC','tms':1,'ttms':1,'tp':1,'tv':1,'ab':'BID','sid':" #sid ",'st':'" st "'}"
    cr_assert_eq(feed(&fixture, TRADE(10, "SNAPSHOT")), ERR_OK);
    cr_assert_eq(feed(&fixture, TRADE(12, "REALTIME")), ERR_OK);
    cr_assert_eq(feed(&fixture, TRADE(11, "REALTIME")), ERR_OK); /* unique, not rising */
    cr_assert_eq(feed(&fixture, TRADE(12, "REALTIME")), ERR_OK);
    cr_assert_eq(feed(&fixture, TRADE(10, "REALTIME")), ERR_OK);
    expect(&fixture, "2 trade KRW-BTC exch 1 seq 12 1x1\n3 trade KRW-BTC exch 1 seq 11 1x1\n");
    cr_assert_eq(stats_of(&fixture, 0)->trades, 2);
    cr_assert_eq(stats_of(&fixture, 0)->others, 1);
    cr_assert_eq(stats_of(&fixture, 0)->duplicates, 2);
}

Test(upbit, lists_and_rest_bodies_are_read)
{
    cr_assert_eq(feed(&fixture, "[" TRADE(10, "REALTIME") "]"), ERR_OK);
    expect(&fixture, "1 trade KRW-BTC exch 1 seq 10 1x1\n");
    /* Newest first in a REST body. */
    cr_assert_eq(feed(&fixture,
                      "[{'market':'KRW-ETH','trade_date_utc':'x','timestamp':7,'trade_price':2,'trade_volume':1,"
                      "'ask_bid':'ASK','sequential_id':2},{'market':'KRW-ETH','timestamp':6,'trade_price':2,"
                      "'trade_volume':1,'ask_bid':'BID','sequential_id':1}]"),
                 ERR_OK);
    expect(&fixture, "2 trade KRW-ETH exch 6 seq 1 2x1\n2 trade KRW-ETH exch 7 seq 2 sell 2x1\n");
    cr_assert_eq(feed(&fixture, "[{'market':'KRW-ETH','timestamp':9,'orderbook_units':[{'ask_price':2,'bid_price':1,"
                                "'ask_size':1,'bid_size':1}],'level':0}]"),
                 ERR_OK);
    expect(&fixture, "3 snapshot KRW-ETH exch 9 partial bids 1x1 asks 2x1\n");
    expect_refused(&fixture, feed(&fixture, "[" TRADE(11, "REALTIME") ",{'ty':'trade','cd':'KRW-BTC'}]"), ERR_SYNTAX,
                   "timestamp");
    cr_assert_eq(stats_of(&fixture, 0)->trades, 1);
}

Test(upbit, tickers_and_candles_have_bodies)
{
    cr_assert_eq(feed(&fixture, "{'ty':'ticker','cd':'KRW-BTC','op':1,'hp':4,'lp':0.5,'tp':2,'tv':0.25,"
                                "'atv24h':100.123456785,'tms':5}"),
                 ERR_OK);
    expect(&fixture,
           "1 ticker KRW-BTC exch 5 last 200000000x25000000 open 100000000 high 400000000 low 50000000 volume "
           "10012345678\n");
    cr_assert_eq(feed(&fixture, "{'type':'candle.1m','code':'KRW-BTC','candle_date_time_utc':'2025-07-01T12:00:00',"
                                "'opening_price':1,'high_price':3,'low_price':1,'trade_price':2,"
                                "'candle_acc_trade_volume':10,'candle_acc_trade_price':20.5,'timestamp':6}"),
                 ERR_OK);
    expect(&fixture,
           "2 candle KRW-BTC exch 6 open 1751371200000 for 60000: 100000000 300000000 100000000 200000000 volume "
           "1000000000 quote 205000000000000000\n");
    cr_assert_eq(stats_of(&fixture, 0)->others, 2);
}

Test(upbit, a_lost_connection_is_a_gap_for_every_book)
{
    cr_assert_eq(feed(&fixture, BOOK(1001, "{'ap':2,'bp':1,'as':1,'bs':2}")), ERR_OK);
    fixture.used = 0;
    cr_assert_eq(feed_lost(&fixture), ERR_OK);
    expect(&fixture, "2 gap KRW-BTC the connection was lost\n");
    cr_assert_eq(feed_lost(&fixture), ERR_OK);
    expect(&fixture, "");
    cr_assert_eq(stats_of(&fixture, 0)->gaps, 1);
}

Test(upbit, refused_frames_name_their_field)
{
    static const struct {
        const char *frame;
        err_t err;
        const char *words;
    } cases[] = {
        {"{'error':{'name':'NO_CODES','message':'codes'}}", ERR_UNSUPPORTED, "NO_CODES"},
        {"{'error':{'name':404,'message':'x'}}", ERR_UNSUPPORTED, "404"},
        {"{}", ERR_UNSUPPORTED, "neither \"type\""},
        {"{'type':'myOrder','code':'KRW-BTC'}", ERR_UNSUPPORTED, "myOrder"},
        {"{'type':7}", ERR_SYNTAX, "\"type\""},
        {"{'ty':'trade','tms':1}", ERR_SYNTAX, "\"code\""},
        {"{'ty':'orderbook','cd':'KRW-BTC','tms':1,'obu':5}", ERR_SYNTAX, "orderbook_units"},
        {"{'ty':'orderbook','cd':'KRW-BTC','tms':1,'obu':[5]}", ERR_SYNTAX, "array of objects"},
        {"{'ty':'orderbook','cd':'KRW-BTC','obu':[]}", ERR_SYNTAX, "\"timestamp\""},
        {"{'ty':'orderbook','cd':'KRW-BTC','tms':1,'lv':10000,'obu':[]}", ERR_UNSUPPORTED, "grouped by 10000"},
        {BOOK(1, "{'ap':2,'bp':1,'as':1}"), ERR_SYNTAX, "\"bid_size\""},
        {BOOK(1, "{'ap':-2,'bp':1,'as':1,'bs':1}"), ERR_RANGE, "\"ask_price\": -2 is negative"},
        {BOOK(1, "{'ap':0,'bp':1,'as':1,'bs':1}"), ERR_RANGE, "price zero"},
        {BOOK(1, "{'ap':2.000000001,'bp':1,'as':1,'bs':1}"), ERR_PRECISION,
         "KRW-BTC \"ask_price\": 2.000000001 needs 9"},
        {BOOK(1, "{'ap':true,'bp':1,'as':1,'bs':1}"), ERR_SYNTAX, "\"ask_price\""},
        {"{'ty':'trade','cd':'KRW-BTC','tms':1,'ttms':1,'tp':0,'tv':1,'ab':'BID','sid':1}", ERR_RANGE, "trade_price"},
        {"{'ty':'trade','cd':'KRW-BTC','tms':1,'ttms':1,'tp':1,'tv':1,'ab':'MID','sid':1}", ERR_SYNTAX,
         "\"ask_bid\""},
        {"{'ty':'trade','cd':'KRW-BTC','tms':1,'ttms':1,'tp':1,'tv':1,'ab':'BID'}", ERR_SYNTAX, "sequential_id"},
        {"{'type':'candle.1w','code':'KRW-BTC','timestamp':1}", ERR_UNSUPPORTED, "candle.1w"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_refused(&fixture, feed(&fixture, cases[i].frame), cases[i].err, cases[i].words);
}

Test(upbit, a_frame_cut_at_any_byte_is_refused)
{
    static const char *const frames[] = {
        "{\"ty\":\"orderbook\",\"cd\":\"KRW-BTC\",\"tms\":1,\"obu\":[{\"ap\":2.5,\"bp\":1,\"as\":1,\"bs\":2E-3},{"
        "\"ap\":3,"
        "\"bp\":0.5,\"as\":1,\"bs\":1}],\"st\":\"REALTIME\"}",
        "[{\"ty\":\"trade\",\"cd\":\"KRW-BTC\",\"tms\":1,\"ttms\":1,\"tp\":1,\"tv\":1,\"ab\":\"BID\",\"sid\":7}]",
    };
    for (size_t f = 0; f < ARRAY_LEN(frames); f++)
        for (size_t size = 0; size < strlen(frames[f]); size++) {
            err_t err = fixture_bytes(&fixture, frames[f], size, NULL);
            cr_assert(err == ERR_SYNTAX, "%.*s gave %s: %s", (int)size, frames[f], err_name(err), fixture.why.text);
        }
    expect(&fixture, "");
}

Test(upbit, answers_are_counted_with_no_instrument)
{
    cr_assert_eq(feed(&fixture, "{'status':'UP'}"), ERR_OK);
    cr_assert_eq(feed(&fixture, "{'method':'LIST_SUBSCRIPTIONS','result':[],'ticket':'t'}"), ERR_OK);
    cr_assert_eq(stats_of(&fixture, INSTRUMENT_NONE)->others, 2);
}

Test(upbit, a_scan_shows_every_text_that_must_be_kept)
{
    cr_assert_eq(fixture_scan(&fixture, BOOK(1, "{'ap':9.9E-7,'bp':1,'as':1.50,'bs':2}")), ERR_OK);
    cr_assert_eq(fixture_scan(&fixture, TRADE(10, "REALTIME")), ERR_OK);
    cr_assert_eq(
        fixture_scan(&fixture, "{'ty':'ticker','cd':'KRW-BTC','op':1,'hp':4,'lp':0.5,'tp':2,'tv':3,'tms':5}"),
        ERR_OK);
    expect(&fixture,
           "KRW-BTC 1 2\nKRW-BTC 9.9E-7 1.50\nKRW-BTC 1 1\nKRW-BTC 2 -\nKRW-BTC 1 -\nKRW-BTC 4 -\nKRW-BTC 0.5 -\n");
}
