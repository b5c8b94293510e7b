#include "market_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define DIFF(U, u, pu, b, a)                                                                                         \
    "{'e':'depthUpdate','E':1700000000101,'T':1700000000100,'s':'BTCUSDT','U':" #U ",'u':" #u ",'pu':" #pu           \
    ",'b':[" b "],'a':[" a "]}"
#define SPOT_DIFF(U, u, b, a)                                                                                        \
    "{'e':'depthUpdate','E':1700000000101,'s':'BTCUSDT','U':" #U ",'u':" #u ",'b':[" b "],'a':[" a "]}"
#define SNAPSHOT(id, b, a)                                                                                           \
    "{'lastUpdateId':" #id ",'E':1700000000000,'T':1700000000000,'bids':[" b "],'asks':[" a "]}"

static struct market_fixture fixture;

static void usdm(void)
{
    fixture_binance(&fixture, BINANCE_USDM, 1, 3);
}

static void spot(void)
{
    fixture_binance(&fixture, BINANCE_SPOT, 2, 5);
}

static void automatic(void)
{
    fixture_binance(&fixture, BINANCE_AUTO, 1, 3);
}

static void teardown(void)
{
    fixture_close(&fixture);
}

TestSuite(binance_usdm, .init = usdm, .fini = teardown);
TestSuite(binance_spot, .init = spot, .fini = teardown);
TestSuite(binance_auto, .init = automatic, .fini = teardown);

/* --- books --- */

Test(binance_usdm, diffs_wait_for_the_snapshot_that_they_meet)
{
    cr_assert_eq(feed(&fixture, DIFF(90, 95, 89, "['100.0','1']", "")), ERR_OK);                 /* contained */
    cr_assert_eq(feed(&fixture, DIFF(98, 105, 95, "['100.1','2.5']", "['100.2','0']")), ERR_OK); /* meets 100 */
    cr_assert_eq(feed(&fixture, DIFF(110, 120, 105, "", "['100.3','0.001']")), ERR_OK);
    expect(&fixture, "");
    cr_assert_eq(stats_of(&fixture, 0)->diffs_buffered, 3);
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(100, "['100.0','1'],['99.9','7']", "['100.2','3']"), "BTCUSDT"), ERR_OK);
    expect(&fixture, "4 snapshot BTCUSDT exch 1700000000000 seq 100 bids 100x1 99.9x7 asks 100.2x3\n"
                     "4 delta BTCUSDT exch 1700000000100 seq 105 (98 after 95) bids 100.1x2.5 asks 100.2x0\n"
                     "4 delta BTCUSDT exch 1700000000100 seq 120 (110 after 105) asks 100.3x0.001\n");
    cr_assert_eq(feed(&fixture, DIFF(121, 130, 120, "['100.1','0']", "")), ERR_OK);
    expect(&fixture, "5 delta BTCUSDT exch 1700000000100 seq 130 (121 after 120) bids 100.1x0\n");
    const struct market_stats *stats = stats_of(&fixture, 0);
    cr_assert_eq(stats->diffs_seen, 4);
    cr_assert_eq(stats->diffs_applied, 3);
    cr_assert_eq(stats->diffs_old, 1);
    cr_assert_eq(stats->diffs_buffered, 0);
    cr_assert_eq(stats->snapshots, 1);
    cr_assert_eq(stats->gaps, 0);
}

Test(binance_usdm, a_broken_chain_is_a_gap_until_the_next_snapshot)
{
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(100, "['100.0','1']", ""), "BTCUSDT"), ERR_OK);
    cr_assert_eq(feed(&fixture, DIFF(101, 110, 100, "['99.0','1']", "")), ERR_OK);
    cr_assert_eq(feed(&fixture, DIFF(125, 130, 120, "['98.0','1']", "")), ERR_OK);
    cr_assert_eq(feed(&fixture, DIFF(131, 140, 130, "['97.0','1']", "")), ERR_OK);
    expect(&fixture, "1 snapshot BTCUSDT exch 1700000000000 seq 100 bids 100x1\n"
                     "2 delta BTCUSDT exch 1700000000100 seq 110 (101 after 100) bids 99x1\n"
                     "3 gap BTCUSDT exch 1700000000100 diff follows 120 (pu), the book is at 110\n");
    cr_assert_eq(stats_of(&fixture, 0)->gaps, 1);
    cr_assert_eq(stats_of(&fixture, 0)->diffs_buffered, 2);
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(128, "['100.0','2']", ""), "BTCUSDT"), ERR_OK);
    expect(&fixture, "5 snapshot BTCUSDT exch 1700000000000 seq 128 bids 100x2\n"
                     "5 delta BTCUSDT exch 1700000000100 seq 130 (125 after 120) bids 98x1\n"
                     "5 delta BTCUSDT exch 1700000000100 seq 140 (131 after 130) bids 97x1\n");
}

Test(binance_usdm, a_snapshot_too_old_for_the_buffer_is_not_emitted)
{
    cr_assert_eq(feed(&fixture, DIFF(205, 210, 204, "['99.0','1']", "")), ERR_OK);
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(100, "['100.0','1']", ""), "BTCUSDT"), ERR_OK);
    expect(&fixture, "");
    cr_assert_eq(stats_of(&fixture, 0)->snapshots, 0);
    cr_assert_eq(stats_of(&fixture, 0)->snapshots_old, 1);
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(207, "['100.0','1']", ""), "BTCUSDT"), ERR_OK);
    expect(&fixture, "3 snapshot BTCUSDT exch 1700000000000 seq 207 bids 100x1\n"
                     "3 delta BTCUSDT exch 1700000000100 seq 210 (205 after 204) bids 99x1\n");
}

Test(binance_usdm, a_snapshot_older_than_the_live_book_does_not_take_it_back)
{
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(100, "['100.0','1']", ""), "BTCUSDT"), ERR_OK);
    cr_assert_eq(feed(&fixture, DIFF(101, 110, 100, "['99.0','1']", "")), ERR_OK);
    expect(&fixture, "1 snapshot BTCUSDT exch 1700000000000 seq 100 bids 100x1\n"
                     "2 delta BTCUSDT exch 1700000000100 seq 110 (101 after 100) bids 99x1\n");
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(105, "['100.0','1']", ""), "BTCUSDT"), ERR_OK);
    cr_assert_eq(feed(&fixture, DIFF(111, 120, 110, "['98.0','1']", "")), ERR_OK);
    expect(&fixture, "4 delta BTCUSDT exch 1700000000100 seq 120 (111 after 110) bids 98x1\n");
    cr_assert_eq(stats_of(&fixture, 0)->snapshots_old, 1);
    /* A newer one replaces it, and the next diff has to meet it. */
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(150, "['101.0','1']", ""), "BTCUSDT"), ERR_OK);
    cr_assert_eq(feed(&fixture, DIFF(121, 140, 120, "['98.0','2']", "")), ERR_OK);
    cr_assert_eq(feed(&fixture, DIFF(141, 160, 140, "['98.0','3']", "")), ERR_OK);
    expect(&fixture, "5 snapshot BTCUSDT exch 1700000000000 seq 150 bids 101x1\n"
                     "7 delta BTCUSDT exch 1700000000100 seq 160 (141 after 140) bids 98x3\n");
}

Test(binance_usdm, a_quiet_stretch_before_the_first_diff_is_no_gap)
{
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(100, "['100.0','1']", ""), "BTCUSDT"), ERR_OK);
    cr_assert_eq(feed(&fixture, DIFF(205, 210, 60, "['99.0','1']", "")), ERR_OK);
    expect(&fixture, "1 snapshot BTCUSDT exch 1700000000000 seq 100 bids 100x1\n"
                     "2 delta BTCUSDT exch 1700000000100 seq 210 (205 after 60) bids 99x1\n");
}

Test(binance_usdm, a_repeated_diff_is_old_and_no_gap)
{
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(100, "['100.0','1']", ""), "BTCUSDT"), ERR_OK);
    cr_assert_eq(feed(&fixture, DIFF(101, 110, 100, "['99.0','1']", "")), ERR_OK);
    cr_assert_eq(feed(&fixture, DIFF(101, 110, 100, "['99.0','1']", "")), ERR_OK);
    cr_assert_eq(fixture.events[EVENT_BOOK_DELTA], 1);
    cr_assert_eq(fixture.events[EVENT_GAP], 0);
    cr_assert_eq(stats_of(&fixture, 0)->diffs_old, 1);
}

Test(binance_usdm, a_lost_connection_is_a_gap_for_every_live_book)
{
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(100, "['100.0','1']", ""), "BTCUSDT"), ERR_OK);
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(50, "['5.0','1']", ""), "ETHUSDT"), ERR_OK);
    cr_assert_eq(
        feed(&fixture, "{'e':'trade','E':1,'T':1,'s':'XRPUSDT','t':1,'p':'1','q':'1','X':'MARKET','m':true}"),
        ERR_OK);
    fixture.used = 0;
    cr_assert_eq(feed_lost(&fixture), ERR_OK);
    expect(&fixture, "4 gap BTCUSDT the connection was lost\n"
                     "4 gap ETHUSDT the connection was lost\n");
    cr_assert_eq(feed_lost(&fixture), ERR_OK);
    expect(&fixture, "");
}

Test(binance_usdm, a_full_buffer_drops_the_oldest_and_counts)
{
    char text[256];
    for (int i = 0; i < 40000; i++) {
        snprintf(text, sizeof(text),
                 "{'e':'depthUpdate','E':1,'T':1,'s':'BTCUSDT','U':%d,'u':%d,'pu':%d,'b':[['100.0','1']],'a':[]}",
                 10 * i, 10 * i + 9, 10 * i - (i > 0));
        cr_assert_eq(feed(&fixture, text), ERR_OK);
    }
    const struct market_stats *stats = stats_of(&fixture, 0);
    cr_assert_eq(stats->diffs_seen, 40000);
    cr_assert_gt(stats->diffs_dropped, 20000);
    cr_assert_gt(stats->diffs_buffered, 1000);
    /* The newest are the ones that are kept. */
    fixture.quiet = true;
    cr_assert_eq(feed_of(&fixture, SNAPSHOT(399975, "['100.0','1']", ""), "BTCUSDT"), ERR_OK);
    cr_assert_eq(fixture.events[EVENT_BOOK_SNAPSHOT], 1);
    cr_assert_eq(fixture.events[EVENT_BOOK_DELTA], 3);
}

Test(binance_spot, a_snapshot_is_met_by_the_diff_that_holds_its_next_id)
{
    cr_assert_eq(feed(&fixture, SPOT_DIFF(90, 100, "['1.00','1']", "")), ERR_OK);
    cr_assert_eq(feed(&fixture, SPOT_DIFF(101, 104, "['2.00','0.00001']", "")), ERR_OK);
    cr_assert_eq(feed_of(&fixture, "{'lastUpdateId':100,'bids':[['1.00000000','1.00000000']],'asks':[]}", "BTCUSDT"),
                 ERR_OK);
    expect(&fixture, "3 snapshot BTCUSDT seq 100 bids 1x1\n"
                     "3 delta BTCUSDT exch 1700000000101 seq 104 (101) bids 2x0.00001\n");
    cr_assert_eq(feed(&fixture, SPOT_DIFF(103, 106, "", "['3','1']")), ERR_OK); /* overlaps: fine on spot */
    cr_assert_eq(feed(&fixture, SPOT_DIFF(108, 109, "", "['3','1']")), ERR_OK);
    expect(&fixture, "4 delta BTCUSDT exch 1700000000101 seq 106 (103) asks 3x1\n"
                     "5 gap BTCUSDT exch 1700000000101 diff begins at 108 (U), the book is at 106\n");
}

Test(binance_spot, a_partial_book_stream_gives_partial_snapshots_until_diffs_come)
{
    cr_assert_eq(feed(&fixture, "{'stream':'btcusdt@depth5@100ms','data':{'lastUpdateId':160,'bids':[['1.5','2']],"
                                "'asks':[['1.6','3']]}}"),
                 ERR_OK);
    expect(&fixture, "1 snapshot BTCUSDT seq 160 partial bids 1.5x2 asks 1.6x3\n");
    cr_assert_eq(feed(&fixture, SPOT_DIFF(161, 164, "['2.00','1']", "")), ERR_OK);
    cr_assert_eq(feed(&fixture, "{'stream':'btcusdt@depth5','data':{'lastUpdateId':170,'bids':[],'asks':[]}}"),
                 ERR_OK);
    expect(&fixture, "");
    cr_assert_eq(stats_of(&fixture, 0)->others, 1);
}

Test(binance_usdm, a_partial_stream_has_the_shape_of_a_diff_and_the_name_tells)
{
    cr_assert_eq(feed(&fixture, "{'stream':'btcusdt@depth10','data':" DIFF(5, 6, 4, "['1.5','2'],['1.4','1']",
                                                                           "['1.6','3']") "}"),
                 ERR_OK);
    expect(&fixture, "1 snapshot BTCUSDT exch 1700000000100 seq 6 (5 after 4) partial bids 1.5x2 1.4x1 asks 1.6x3\n");
    cr_assert_eq(feed(&fixture, "{'stream':'btcusdt@rpiDepth@500ms','data':" DIFF(5, 6, 4, "", "") "}"), ERR_OK);
    expect(&fixture, "");
    cr_assert_eq(feed_lost(&fixture), ERR_OK);
    expect(&fixture, "3 gap BTCUSDT the connection was lost\n");
}

Test(binance_usdm, snapshots_come_out_best_first_without_empty_levels)
{
    cr_assert_eq(feed_of(&fixture,
                         SNAPSHOT(7, "['99.0','1'],['100.0','1'],['98.0','0']", "['102.0','1'],['101.0','2']"),
                         "BTCUSDT"),
                 ERR_OK);
    expect(&fixture, "1 snapshot BTCUSDT exch 1700000000000 seq 7 bids 100x1 99x1 asks 101x2 102x1\n");
    expect_refused(&fixture, feed_of(&fixture, SNAPSHOT(8, "['99.0','1'],['99.0','2']", ""), "ETHUSDT"), ERR_SYNTAX,
                   "twice");
}

Test(binance_auto, a_snapshot_without_a_name_is_of_the_only_symbol)
{
    expect_refused(&fixture, feed(&fixture, SNAPSHOT(100, "", "")), ERR_UNSUPPORTED, "names no symbol");
    cr_assert_eq(feed(&fixture, DIFF(98, 105, 95, "", "")), ERR_OK);
    cr_assert_eq(feed(&fixture, SNAPSHOT(100, "['100.0','1']", "")), ERR_OK);
    expect(&fixture, "3 snapshot BTCUSDT exch 1700000000000 seq 100 bids 100x1\n"
                     "3 delta BTCUSDT exch 1700000000100 seq 105 (98 after 95)\n");
    cr_assert_eq(feed(&fixture, "{'e':'bookTicker','u':1,'s':'ETHUSDT','b':'1','B':'1','a':'2','A':'1','T':1,'E':1}"),
                 ERR_OK);
    fixture.used = 0;
    fixture.out[0] = '\0';
    expect_refused(&fixture, feed(&fixture, SNAPSHOT(200, "", "")), ERR_UNSUPPORTED, "2 symbols");
    /* COIN-M snapshots say it themselves. */
    cr_assert_eq(
        feed(&fixture, "{'lastUpdateId':7,'E':2,'T':1,'symbol':'BTCUSD_PERP','pair':'BTCUSD','bids':[],'asks':[]}"),
        ERR_OK);
    expect(&fixture, "6 snapshot BTCUSD_PERP exch 1 seq 7\n");
}

/* --- prints --- */

Test(binance_usdm, trades_say_the_aggressor_and_what_is_special)
{
    static const struct {
        const char *frame, *event;
    } cases[] = {
        {"{'stream':'btcusdt@trade','data':{'e':'trade','E':12,'T':11,'s':'BTCUSDT','t':1,'p':'100.10','q':'0.006',"
         "'X':'MARKET','m':false}}",
         "1 trade BTCUSDT exch 11 seq 1 100.1x0.006\n"},
        {"{'e':'trade','E':12,'T':11,'s':'BTCUSDT','t':2,'p':'100.1','q':'1','X':'MARKET','m':true}",
         "2 trade BTCUSDT exch 11 seq 2 sell 100.1x1\n"},
        {"{'m':true,'X':'INSURANCE_FUND','q':'1','p':'100.1','t':3,'s':'BTCUSDT','T':11,'E':12,'e':'trade'}",
         "3 trade BTCUSDT exch 11 seq 3 sell special 100.1x1\n"},
        {"{'e':'trade','E':12,'T':11,'s':'BTCUSDT','t':4,'p':'100.1','q':'1','X':'NA','m':false}",
         "4 trade BTCUSDT exch 11 seq 4 special 100.1x1\n"},
        {"{'e':'trade','E':12,'T':11,'s':'BTCUSDT','t':5,'p':'0','q':'0','X':'NA','m':false}", ""},
        {"{'e':'aggTrade','E':13,'s':'BTCUSDT','a':90,'p':'100.2','q':'5','nq':'5','f':6,'l':9,'T':12,'m':true}",
         "6 trade BTCUSDT exch 12 seq 9 (6) sell aggregate 100.2x5\n"},
        {" { \"e\" : \"trade\" , \"E\":12 , \"T\":11 ,\n\"s\":\"BTCUSDT\",\"t\": 7 "
         ",\"p\":\"100.1\",\"q\":\"1\",\"m\": "
         "false , \"new\":[1,{\"e\":\"x\"}], \"X\" : \"MARKET\" } ",
         "7 trade BTCUSDT exch 11 seq 7 100.1x1\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cr_assert_eq(feed(&fixture, cases[i].frame), ERR_OK, "%s", fixture.why.text);
        expect(&fixture, cases[i].event);
    }
    cr_assert_eq(stats_of(&fixture, 0)->trades, 6);
    cr_assert_eq(stats_of(&fixture, 0)->others, 1);
}

Test(binance_usdm, a_repeated_trade_is_dropped_and_counted)
{
    const char *trade = "{'e':'trade','E':12,'T':11,'s':'BTCUSDT','t':%d,'p':'100.1','q':'1','X':'MARKET','m':false}";
    static const int ids[] = {5, 6, 7, 6, 5, 7, 8, 3};
    char text[256];
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        snprintf(text, sizeof(text), trade, ids[i]);
        cr_assert_eq(feed(&fixture, text), ERR_OK);
    }
    cr_assert_eq(stats_of(&fixture, 0)->trades, 5); /* 3 is late, not repeated */
    cr_assert_eq(stats_of(&fixture, 0)->duplicates, 3);
    cr_assert_eq(fixture.events[EVENT_TRADE], 5);
}

Test(binance_spot, best_prices_have_no_kind_and_no_stamp)
{
    cr_assert_eq(feed(&fixture, "{'stream':'btcusdt@bookTicker','data':{'u':5,'s':'BTCUSDT','b':'61837.63000000',"
                                "'B':'3.78826000','a':'61837.64000000','A':'1.54698000'}}"),
                 ERR_OK);
    expect(&fixture, "1 bbo BTCUSDT seq 5 bids 61837.63x3.78826 asks 61837.64x1.54698\n");
    cr_assert_eq(feed(&fixture, "{'u':6,'s':'BTCUSDT','b':'0.00','B':'0.00','a':'61837.64','A':'1'}"), ERR_OK);
    expect(&fixture, "2 bbo BTCUSDT seq 6 asks 61837.64x1\n");
}

Test(binance_spot, stamps_in_microseconds_are_known_by_their_size)
{
    cr_assert_eq(feed(&fixture, "{'e':'trade','E':1700000000123456,'s':'BTCUSDT','t':1,'p':'1','q':'1',"
                                "'T':1700000000123000,'m':false,'M':true}"),
                 ERR_OK);
    expect(&fixture, "1 trade BTCUSDT exch 1700000000123 seq 1 1x1\n");
}

Test(binance_usdm, marks_candles_and_tickers_have_bodies)
{
    static const struct {
        const char *frame, *event;
    } cases[] = {
        {"{'e':'markPriceUpdate','E':5000,'s':'BTCUSDT','p':'11794.15','ap':'1','i':'11784.62659091','P':'1',"
         "'r':'0.00038167','T':1562306400000}",
         "1 mark BTCUSDT exch 5000 mark 117942 index 117846 rate 381670000 next 1562306400000\n"},
        {"{'e':'markPriceUpdate','E':5001,'s':'BTCUSDT','p':'11794.25','P':'','r':'','T':0}",
         "2 mark BTCUSDT exch 5001 mark 117942 index 0 rate 0 next 0\n"},
        {"{'e':'kline','E':6000,'s':'BTCUSDT','k':{'t':1638747660000,'T':1638747719999,'s':'BTCUSDT','i':'1m','f':1,"
         "'L':2,'o':'0.1','c':'0.2','h':'0.3','l':'0.1','v':'1000.0005','n':100,'x':true,'q':'1.00005','V':'5'}}",
         "3 candle BTCUSDT exch 6000 open 1638747660000 for 60000: 1 3 1 2 volume 1000000 quote 10000 closed\n"},
        {"{'e':'24hrTicker','E':7000,'s':'BTCUSDT','p':'1','P':'1','w':'1.11111','c':'5.5','Q':'0.001','b':'1','o':'"
         "1',"
         "'h':'9','l':'0.5','v':'12','q':'3'}",
         "4 ticker BTCUSDT exch 7000 last 55x1 open 10 high 90 low 5 volume 12000\n"},
        {"{'e':'24hrMiniTicker','E':7000,'s':'BTCUSDT','c':'5.5','o':'1','h':'9','l':'0.5','v':'12','q':'3'}",
         "5 ticker BTCUSDT exch 7000 last 55x0 open 10 high 90 low 5 volume 12000\n"},
        {"{'e':'forceOrder','E':1,'o':{}}", ""},
        {"{'result':null,'id':1}", ""},
        {"{'id':3,'result':['a']}", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cr_assert_eq(feed(&fixture, cases[i].frame), ERR_OK, "%s", fixture.why.text);
        expect(&fixture, cases[i].event);
    }
    cr_assert_eq(stats_of(&fixture, 0)->others, 5);
    cr_assert_eq(stats_of(&fixture, INSTRUMENT_NONE)->others, 3);
}

Test(binance_usdm, stamps_are_watched_within_each_stream_alone)
{
    cr_assert_eq(feed(&fixture, "{'e':'trade','T':1000,'s':'BTCUSDT','t':1,'p':'1','q':'1','m':false}"), ERR_OK);
    cr_assert_eq(feed(&fixture, "{'e':'bookTicker','T':500,'u':1,'s':'BTCUSDT','b':'1','B':'1','a':'2','A':'1'}"),
                 ERR_OK);
    cr_assert_eq(stats_of(&fixture, 0)->exch_ts_backwards, 0);
    cr_assert_eq(feed(&fixture, "{'e':'trade','T':999,'s':'BTCUSDT','t':2,'p':'1','q':'1','m':false}"), ERR_OK);
    cr_assert_eq(stats_of(&fixture, 0)->exch_ts_backwards, 1);
    cr_assert_eq(stats_of(&fixture, 0)->trades, 2);
}

Test(binance_usdm, an_array_is_taken_whole_or_not_at_all)
{
#define MINI(s, c)                                                                                                   \
    "{'e':'24hrMiniTicker','E':7000,'s':'" s "','c':'" c "','o':'1','h':'9','l':'0.5','v':'12','q':'3'}"
    cr_assert_eq(feed(&fixture, "{'stream':'!miniTicker@arr','data':[" MINI("A", "1") "," MINI("B", "2") "]}"),
                 ERR_OK);
    expect(&fixture, "1 ticker A exch 7000 last 10x0 open 10 high 90 low 5 volume 12000\n"
                     "1 ticker B exch 7000 last 20x0 open 10 high 90 low 5 volume 12000\n");
    expect_refused(&fixture, feed(&fixture, "[" MINI("A", "1") "," MINI("B", "2.55") "]"), ERR_PRECISION,
                   "B \"c\": 2.55 needs 2 decimals, the instrument keeps 1");
    cr_assert_eq(stats_of(&fixture, 0)->others, 1);
    cr_assert_eq(feed(&fixture, "[]"), ERR_OK);
}

/* --- what is wrong with a frame is said --- */

Test(binance_usdm, refused_frames_name_their_field)
{
    static const struct {
        const char *frame;
        err_t err;
        const char *words;
    } cases[] = {
        {"", ERR_SYNTAX, "empty"},
        {"hello", ERR_SYNTAX, "not an object"},
        {"{}", ERR_UNSUPPORTED, "neither \"e\""},
        {"{'e':5}", ERR_SYNTAX, "\"e\""},
        {"{'e':'novelty','s':'X'}", ERR_UNSUPPORTED, "novelty"},
        {"{'code':-1121,'msg':'Invalid symbol.'}", ERR_UNSUPPORTED, "-1121 Invalid symbol."},
        {"{'error':{'code':2,'msg':'x'},'id':1}", ERR_UNSUPPORTED, "\"code\":2"},
        {"{'stream':'a@b','data':5}", ERR_SYNTAX, "\"data\""},
        {DIFF(1, 2, 0, "['1.55','1']", ""), ERR_PRECISION, "BTCUSDT \"b price\": 1.55 needs 2 decimals"},
        {DIFF(1, 2, 0, "", "['1.5','0.0001']"), ERR_PRECISION, "BTCUSDT \"a quantity\": 0.0001 needs 4 decimals"},
        {DIFF(1, 2, 0, "['-1.5','1']", ""), ERR_RANGE, "negative"},
        {DIFF(1, 2, 0, "['0','1']", ""), ERR_RANGE, "zero"},
        {DIFF(1, 2, 0, "['1','-1']", ""), ERR_RANGE, "negative"},
        {DIFF(1, 2, 0, "['99999999999999999999','1']", ""), ERR_RANGE, "too large"},
        {DIFF(1, 2, 0, "[1.5,2]", ""), ERR_SYNTAX, "expected [\"price\",\"quantity\"] at byte 2"},
        {DIFF(1, 2, 0, "['1.5']", ""), ERR_SYNTAX, "at byte 7"},
        {DIFF(1, 2, 0, "['','1']", ""), ERR_SYNTAX, "decimal number"},
        {DIFF(1, 2, 0, "['1.','1']", ""), ERR_SYNTAX, "decimal number"},
        {DIFF(1, 2, 0, "['1.5x','1']", ""), ERR_SYNTAX, "decimal number"},
        {DIFF(1, 2, 0, "['1.5','1'],", ""), ERR_SYNTAX, ""},
        {DIFF(1, 2, 0, "'1.5','1'", ""), ERR_SYNTAX, "expected [\"price\",\"quantity\"]"},
        {DIFF(1, 2, 0, "{'p':'1'}", ""), ERR_SYNTAX, "expected [\"price\",\"quantity\"]"},
        {DIFF(3, 2, 0, "", ""), ERR_RANGE, "update ids fall"},
        {DIFF(-3, 2, 0, "", ""), ERR_RANGE, "\"U\": -3 is negative"},
        {DIFF(1.5, 2, 0, "", ""), ERR_SYNTAX, "\"U\": expected a whole number"},
        {DIFF(1, 99999999999999999999, 0, "", ""), ERR_RANGE, "\"u\": 99999999999999999999 is too large"},
        {"{'e':'depthUpdate','s':'BTCUSDT','U':1,'u':2,'pu':0,'b':5,'a':[]}", ERR_SYNTAX, "\"b\": expected an array"},
        {"{'e':'depthUpdate','s':'BTCUSDT','U':1,'u':2,'pu':0,'a':[]}", ERR_SYNTAX, "\"b\": expected an array"},
        {"{'e':'depthUpdate','s':5,'U':1,'u':2,'pu':0,'b':[],'a':[]}", ERR_SYNTAX, "\"s\": expected a symbol"},
        {"{'e':'depthUpdate','s':'','U':1,'u':2,'pu':0,'b':[],'a':[]}", ERR_SYNTAX, "symbol is empty"},
        {"{'e':'depthUpdate','s':'A B','U':1,'u':2,'pu':0,'b':[],'a':[]}", ERR_SYNTAX, "space"},
        {"{'e':'trade','T':1,'s':'BTCUSDT','t':1,'p':'1','q':'0','X':'MARKET','m':false}", ERR_RANGE, "\"q\""},
        {"{'e':'trade','T':1,'s':'BTCUSDT','t':1,'p':'1','q':'1','X':'MARKET','m':'no'}", ERR_SYNTAX, "\"m\""},
        {"{'e':'trade','T':1,'s':'BTCUSDT','t':1,'q':'1','X':'MARKET','m':true}", ERR_SYNTAX, "\"p\""},
        {"{'e':'aggTrade','T':1,'s':'BTCUSDT','p':'1','q':'1','f':1,'l':1,'m':true}", ERR_SYNTAX, "\"a\""},
        {"{'e':'aggTrade','T':1,'s':'BTCUSDT','a':1,'p':'1','q':'1','l':1,'m':true}", ERR_SYNTAX, "\"f\""},
        {"{'e':'trade','T':-1,'s':'BTCUSDT','t':1,'p':'1','q':'1','m':true}", ERR_RANGE, "\"T\""},
        {"{'e':'trade','T':99999999999999,'s':'BTCUSDT','t':1,'p':'1','q':'1','m':true}", ERR_RANGE, "no time"},
        {"{'e':'depthUpdate','E':1,'s':'BTCUSDT','U':157,'u':160,'b':[],'a':[]}", ERR_UNSUPPORTED, "without \"pu\""},
        {"{'e':'trade','T':1,'s':'BTCUSDT','t':1,'p':'1','q':'1','m':tru}", ERR_SYNTAX, "JSON"},
        {"{'e':'trade','T':1,'s':'BTCUSDT','t':1,'p':'1','q':'1','m':true}}", ERR_SYNTAX, "JSON"},
        {"[1,2]", ERR_SYNTAX, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_refused(&fixture, feed(&fixture, cases[i].frame), cases[i].err, cases[i].words);
    if (fixture.count > 0)
        cr_assert_eq(stats_of(&fixture, 0)->diffs_seen, 0);
}

/* Whatever was cut off, the machine refuses it in words, emits nothing, and understands the next whole frame. */
Test(binance_usdm, a_frame_cut_at_any_byte_is_refused)
{
    static const char *const frames[] = {
        "{\"stream\":\"btcusdt@depth@0ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":1,\"T\":1,\"s\":\"BTCUSDT\",\"U\":1,"
        "\"u\":2,\"pu\":0,\"b\":[[\"1.5\",\"2\"],[\"1.4\",\"0.125\"]],\"a\":[[\"1.6\",\"1\"]]}}",
        "{\"e\":\"trade\",\"E\":12,\"T\":11,\"s\":\"BTCUSDT\",\"t\":4,\"p\":\"100.1\",\"q\":\"1\",\"X\":\"NA\",\"m\":"
        "false}",
        "[{\"lastUpdateId\":1027024,\"symbol\":\"BTCUSDT\",\"bids\":[[\"4.0\",\"431.0\"]],\"asks\":[[\"4.2\",\"12."
        "0\"]]}]",
    };
    for (size_t f = 0; f < ARRAY_LEN(frames); f++) {
        for (size_t size = 0; size < strlen(frames[f]); size++) {
            err_t err = fixture_bytes(&fixture, frames[f], size, NULL);
            cr_assert(err == ERR_SYNTAX, "%.*s gave %s: %s", (int)size, frames[f], err_name(err), fixture.why.text);
            cr_assert_gt(strlen(fixture.why.text), 0);
        }
        expect(&fixture, "");
        cr_assert_eq(fixture_bytes(&fixture, frames[f], strlen(frames[f]), NULL), ERR_OK, "%s", fixture.why.text);
        fixture.used = 0;
        if (fixture.out != NULL)
            fixture.out[0] = '\0';
    }
}

Test(binance_usdm, symbols_that_are_declined_are_passed_over)
{
    fixture.ignore = "ETHUSDT";
    cr_assert_eq(feed(&fixture, "{'e':'trade','T':1,'s':'ETHUSDT','t':1,'p':'1.55555','q':'1','m':false}"), ERR_OK);
    cr_assert_eq(feed(&fixture, "{'e':'trade','T':1,'s':'ETHUSDT','t':1,'p':'1.55555','q':'1','m':false}"), ERR_OK);
    expect(&fixture, "");
    cr_assert_eq(stats_of(&fixture, INSTRUMENT_NONE)->others, 2);
    cr_assert_null(fixture.market->ops->stats(fixture.market, 0));
}

Test(binance_usdm, many_symbols_each_keep_their_own_book)
{
    char text[256];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 300; i++) {
            snprintf(text, sizeof(text),
                     round == 0 ? "{'lastUpdateId':%d,'T':1,'symbol':'S%d','bids':[['1','1']],'asks':[]}"
                                : "{'e':'depthUpdate','T':1,'u':%d,'s':'S%d','U':1,'pu':%d,'b':[],'a':[]}",
                     1000 + i + 10 * round, i, 1000 + i);
            cr_assert_eq(feed(&fixture, text), ERR_OK, "%s", fixture.why.text);
        }
    cr_assert_eq(fixture.count, 300);
    cr_assert_eq(fixture.events[EVENT_BOOK_SNAPSHOT], 300);
    cr_assert_eq(fixture.events[EVENT_BOOK_DELTA], 300);
    cr_assert_eq(fixture.events[EVENT_GAP], 0);
}

Test(binance_usdm, an_error_of_the_sink_is_final_and_comes_back)
{
    fixture.emit_error = ERR_NOSPACE;
    cr_assert_eq(feed(&fixture, "{'e':'trade','T':1,'s':'BTCUSDT','t':1,'p':'1','q':'1','m':false}"), ERR_NOSPACE);
}

Test(binance_usdm, symbols_may_be_written_with_escapes)
{
    cr_assert_eq(feed(&fixture, "{'e':'trade','T':1,'s':'BTC\\u0055SDT','t':1,'p':'1','q':'1','m':false}"), ERR_OK);
    cr_assert_eq(feed(&fixture, "{'e':'trade','T':1,'s':'BTCUSDT','t':2,'p':'1','q':'1','m':false}"), ERR_OK);
    expect(&fixture, "1 trade BTCUSDT exch 1 seq 1 1x1\n2 trade BTCUSDT exch 1 seq 2 1x1\n");
    cr_assert_eq(fixture.count, 1);
}

/* --- flavours and decimals --- */

Test(binance_auto, the_frames_tell_the_market)
{
    static const struct {
        const char *frame;
        enum binance_flavour flavour;
    } cases[] = {
        {DIFF(1, 2, 0, "", ""), BINANCE_USDM},
        {"{'e':'depthUpdate','s':'BTCUSD_PERP','ps':'BTCUSD','U':1,'u':2,'pu':0,'b':[],'a':[]}", BINANCE_COINM},
        {SPOT_DIFF(1, 2, "", ""), BINANCE_SPOT},
        {"{'u':5,'s':'BTCUSDT','b':'1','B':'1','a':'2','A':'1'}", BINANCE_SPOT},
        {"{'e':'bookTicker','u':5,'s':'BTCUSDT','b':'1','B':'1','a':'2','A':'1','T':1,'E':1}", BINANCE_USDM},
        {"{'e':'trade','s':'B','t':1,'p':'1','q':'1','T':1,'m':true,'M':true}", BINANCE_SPOT},
        {"{'e':'trade','s':'B','t':1,'p':'1','q':'1','T':1,'m':true,'X':'MARKET'}", BINANCE_USDM},
        {"{'e':'aggTrade','s':'B','a':1,'p':'1','q':'1','f':1,'l':1,'T':1,'m':true,'M':true}", BINANCE_SPOT},
        {"{'e':'aggTrade','s':'B','a':1,'p':'1','q':'1','f':1,'l':1,'T':1,'m':true}", BINANCE_USDM},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct market_fixture each;
        fixture_binance(&each, BINANCE_AUTO, 1, 3);
        cr_assert_eq(binance_market_flavour(each.market), BINANCE_AUTO);
        cr_assert_eq(feed(&each, cases[i].frame), ERR_OK, "%s", each.why.text);
        cr_assert_eq(binance_market_flavour(each.market), cases[i].flavour, "%s", cases[i].frame);
        fixture_close(&each);
    }
}

Test(binance_auto, a_scan_shows_every_text_that_must_be_kept)
{
    static const struct {
        const char *frame, *texts;
    } cases[] = {
        {"{'stream':'btcusdt@depth','data':" DIFF(1, 2, 0, "['1.50','2'],['1.4','0.10']", "['1.6','1']") "}",
         "BTCUSDT 1.50 2\nBTCUSDT 1.4 0.10\nBTCUSDT 1.6 1\n"},
        {SNAPSHOT(1, "['1.50','2']", ""), " 1.50 2\n"},
        {"{'e':'trade','s':'B','t':1,'p':'1.10','q':'7','T':1,'m':true,'X':'MARKET'}", "B 1.10 7\n"},
        {"{'u':5,'s':'BTCUSDT','b':'1','B':'1.0','a':'2','A':'3'}", "BTCUSDT 1 1.0\nBTCUSDT 2 3\n"},
        {"[{'e':'24hrMiniTicker','E':7000,'s':'A','c':'5.5','o':'1','h':'9','l':'0.5','v':'12','q':'3'}]",
         "A 5.5 -\nA 1 -\nA 9 -\nA 0.5 -\n"},
        {"{'e':'kline','E':6000,'s':'A','k':{'o':'0.1','c':'0.2','h':'0.3','l':'0.1','v':'1000.0005'}}",
         "A 0.1 -\nA 0.3 -\nA 0.1 -\nA 0.2 -\n"},
        {"{'result':null,'id':1}", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cr_assert_eq(fixture_scan(&fixture, cases[i].frame), ERR_OK, "%s", fixture.why.text);
        expect(&fixture, cases[i].texts);
    }
    cr_assert_eq(fixture.count, 0, "a scan asks nobody for instruments");
}
