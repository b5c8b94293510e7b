/* Sessions with Binance, line by line: what comes over the wire, what the link asks for, what it tells. */
#include "adapters/binance/link.h"
#include "link_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct link_fixture f;

static const char *const names[] = {"BTCUSDT", "ETHUSDT", "BNBUSDT"};

static void open_with(enum binance_flavour flavour, const struct link_symbol *symbols, uint32_t count,
                      struct link_config config)
{
    struct market_sink sink;
    struct link_wire wire;
    link_fixture_init(&f, names, ARRAY_LEN(names), 1, 3, &sink, &wire);
    config.symbols = symbols;
    config.symbol_count = count;
    config.instruments = f.instruments;
    if (config.seed == 0)
        config.seed = 7;
    struct err_text why = {.code = ERR_OK};
    cr_assert_eq(binance_link_check(flavour, &config, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(binance_link_open(flavour, &config, &sink, &wire, &f.link), ERR_OK);
}

static void open_one(enum binance_flavour flavour, unsigned streams)
{
    const struct link_symbol symbols[] = {{"BTCUSDT", 0, streams}};
    open_with(flavour, symbols, 1, (struct link_config){0});
}

#define DEPTH "{'stream':'btcusdt@depth@100ms','data':"
#define DIFF(U, u, pu, b, a)                                                                                         \
    DEPTH "{'e':'depthUpdate','E':1700000000101,'T':1700000000100,'s':'BTCUSDT','U':" #U ",'u':" #u ",'pu':" #pu     \
          ",'b':[" b "],'a':[" a "]}}"
#define SPOT_DIFF(U, u, b, a)                                                                                        \
    DEPTH "{'e':'depthUpdate','E':1700000000101,'s':'BTCUSDT','U':" #U ",'u':" #u ",'b':[" b "],'a':[" a "]}}"
#define SNAPSHOT(id, b, a)                                                                                           \
    "{'lastUpdateId':" #id ",'E':1700000000000,'T':1700000000000,'bids':[" b "],'asks':[" a "]}"
#define AGG(id, f, l)                                                                                                \
    "{'stream':'btcusdt@aggTrade','data':{'e':'aggTrade','E':1700000000001,'s':'BTCUSDT','a':" #id                   \
    ",'p':'100.5','q':'1','f':" #f ",'l':" #l ",'T':1700000000000,'m':true}}"
#define TRADE(id)                                                                                                    \
    "{'stream':'btcusdt@trade','data':{'e':'trade','E':1700000000001,'s':'BTCUSDT','t':" #id                         \
    ",'p':'100.5','q':'1','T':1700000000000,'m':true,'M':true}}"

#define PUBLIC_DEPTH "wss://fstream.binance.com/public/stream?streams=btcusdt@depth@100ms"
#define GET_DEPTH    "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000"

/* Up, one diff, the snapshot: the book is live at 105, the time is 300. The snapshot was request `id`. */
static void usdm_live(void)
{
    open_one(BINANCE_USDM, LINK_BOOK);
    at(&f, 0);
    tick(&f);
    at(&f, 100);
    up(&f, 0);
    at(&f, 200);
    text(&f, 0, DIFF(98, 105, 95, "['100.1','2.5']", ""));
    shown_piece(&f, GET_DEPTH);
    at(&f, 300);
    answer(&f, f.last_get, 200, "", SNAPSHOT(100, "['100.0','1']", "['100.2','3']"));
    shown(&f, "snapshot BTCUSDT 100 bids 100x1 asks 100.2x3\n"
              "delta BTCUSDT 98..105 bids 100.1x2.5\n");
}

static void fini(void)
{
    link_fixture_close(&f);
}

TestSuite(binance_link, .fini = fini);

Test(binance_link, a_book_is_buffered_fetched_and_followed)
{
    open_one(BINANCE_USDM, LINK_BOOK);
    at(&f, 0);
    f.hide_time = false;
    tick(&f);
    shown(&f, "open 0 " PUBLIC_DEPTH "\n"
              "get 1 https://fapi.binance.com/fapi/v1/time\n");
    at(&f, 100);
    up(&f, 0);
    answer(&f, 1, 200, "", "{'serverTime':1700000001050}");
    shown(&f, "");
    at(&f, 150);
    text(&f, 0, DIFF(90, 95, 89, "['100.0','9']", ""));
    shown(&f, "get 2 " GET_DEPTH "\n"); /* the first diff is here: now a snapshot will meet the next ones */
    at(&f, 200);
    text(&f, 0, DIFF(98, 105, 95, "['100.1','2.5']", ""));
    shown(&f, "");
    answer(&f, 2, 200, "", SNAPSHOT(100, "['100.0','1']", "['100.2','3']"));
    shown(&f, "snapshot BTCUSDT 100 bids 100x1 asks 100.2x3\n"
              "delta BTCUSDT 98..105 bids 100.1x2.5\n");
    at(&f, 300);
    text(&f, 0, DIFF(110, 120, 105, "", "['100.3','0.001']"));
    shown(&f, "delta BTCUSDT 110..120 asks 100.3x0.001\n");
    const struct link_stats stats = stats_now(&f);
    cr_assert_eq(stats.connects, 1);
    cr_assert_eq(stats.requests, 2);
    cr_assert_eq(stats.clock_samples, 1);
    /* Sent at 0, answered at 100, the venue read 1050: its clock is 950 to 1051 ms ahead. */
    cr_assert_geq(stats.clock_offset - stats.clock_uncertainty, 950 * NS_PER_MS - 1);
    cr_assert_leq(stats.clock_offset - stats.clock_uncertainty, 950 * NS_PER_MS);
    cr_assert_leq(stats.clock_offset + stats.clock_uncertainty, 1051 * NS_PER_MS);
    cr_assert_eq(f.link->ops->market(f.link, 0)->diffs_applied, 2);
    cr_assert_null(f.link->ops->market(f.link, 1));
}

Test(binance_link, a_quiet_book_is_fetched_without_a_diff)
{
    open_one(BINANCE_USDM, LINK_BOOK);
    at(&f, 0);
    tick(&f);
    at(&f, 100);
    up(&f, 0);
    ticks_until(&f, 1000);
    shown(&f, "open 0 " PUBLIC_DEPTH "\n");
    ticks_until(&f, 1200);
    shown_piece(&f, GET_DEPTH);
    answer(&f, f.last_get, 200, "", SNAPSHOT(100, "['100.0','1']", ""));
    text(&f, 0, DIFF(120, 130, 90, "['100.1','2']", "")); /* quiet since 90: nothing of it lies between */
    shown(&f, "snapshot BTCUSDT 100 bids 100x1\ndelta BTCUSDT 120..130 bids 100.1x2\n");
}

Test(binance_link, a_snapshot_that_is_too_old_is_fetched_again_a_little_later)
{
    open_one(BINANCE_USDM, LINK_BOOK);
    at(&f, 0);
    tick(&f);
    up(&f, 0);
    text(&f, 0, DIFF(98, 105, 95, "['100.1','2.5']", ""));
    shown_piece(&f, GET_DEPTH);
    at(&f, 50);
    answer(&f, f.last_get, 200, "", SNAPSHOT(90, "['100.0','1']", ""));
    shown(&f, "");
    ticks_until(&f, 290);
    shown(&f, "");
    ticks_until(&f, 310);
    shown_piece(&f, GET_DEPTH);
    answer(&f, f.last_get, 200, "", SNAPSHOT(91, "['100.0','1']", ""));
    ticks_until(&f, 750);
    shown(&f, "");
    ticks_until(&f, 850);
    shown_piece(&f, GET_DEPTH); /* 250, then 500 ms */
    answer(&f, f.last_get, 200, "", SNAPSHOT(96, "['100.0','1']", ""));
    shown_piece(&f, "snapshot BTCUSDT 96");
    cr_assert_eq(f.link->ops->market(f.link, 0)->snapshots_old, 2);
}

Test(binance_link, a_broken_chain_is_a_gap_and_a_new_snapshot_at_once)
{
    usdm_live();
    at(&f, 400);
    text(&f, 0, DIFF(131, 140, 125, "['99.0','1']", ""));
    cr_assert_eq(f.events[EVENT_GAP], 1);
    shown_piece(&f, "gap BTCUSDT diff follows 125 (pu), the book is at 105\nget");
    at(&f, 500);
    answer(&f, f.last_get, 200, "", SNAPSHOT(130, "['100.0','2']", ""));
    shown(&f, "snapshot BTCUSDT 130 bids 100x2\ndelta BTCUSDT 131..140 bids 99x1\n");
}

Test(binance_link, a_lost_connection_is_a_gap_and_comes_back_with_back_off)
{
    usdm_live();
    at(&f, 1000);
    down(&f, 0, 1006, "reset by peer");
    shown(&f, "gap BTCUSDT the connection was lost (1006, reset by peer)\nconnection_down\n");
    ticks_until(&f, 1499);
    shown(&f, "");
    ticks_until(&f, 2000);
    shown(&f, "open 0 " PUBLIC_DEPTH "\n");
    down(&f, 0, 0, "refused");
    shown(&f, "");
    cr_assert(strstr(stats_now(&f).said.text, "attempt 2 follows in ") != NULL, "%s", stats_now(&f).said.text);
    ticks_until(&f, 2999);
    shown(&f, "");
    ticks_until(&f, 4000);
    shown(&f, "open 0 " PUBLIC_DEPTH "\n");
    up(&f, 0);
    shown(&f, "connection_up\n");
    text(&f, 0, DIFF(198, 205, 195, "['100.1','2.5']", ""));
    shown_piece(&f, GET_DEPTH);
    answer(&f, f.last_get, 200, "", SNAPSHOT(200, "['100.0','1']", ""));
    shown_piece(&f, "delta BTCUSDT 198..205");
    const struct link_stats stats = stats_now(&f);
    cr_assert_eq(stats.downs, 1);
    cr_assert_eq(stats.connects, 2);
    /* What came over the new connection was worth it: the next failure begins at one second again. */
    at(&f, 10000);
    down(&f, 0, 1006, "");
    ticks_until(&f, 11000);
    shown_piece(&f, "open 0");
}

Test(binance_link, a_snapshot_from_before_the_loss_is_not_taken)
{
    usdm_live();
    at(&f, 400);
    text(&f, 0, DIFF(131, 140, 125, "['99.0','1']", ""));
    uint64_t before = f.last_get;
    at(&f, 500);
    down(&f, 0, 1006, "");
    ticks_until(&f, 1500);
    up(&f, 0);
    forget(&f);
    answer(&f, before, 200, "", SNAPSHOT(140, "['100.0','2']", ""));
    shown(&f, "");
    text(&f, 0, DIFF(198, 205, 195, "['100.1','2.5']", ""));
    shown_piece(&f, GET_DEPTH);
    cr_assert_gt(f.last_get, before);
}

Test(binance_link, an_unreadable_diff_makes_its_book_stale)
{
    usdm_live();
    at(&f, 400);
    text(&f, 0,
         DEPTH "{'e':'depthUpdate','E':1,'T':1,'s':'BTCUSDT','U':106,'u':107,'pu':105,'b':[['x','1']],'a':[]}}");
    shown_piece(&f, "gap BTCUSDT a message could not be read\nget");
    const struct link_stats stats = stats_now(&f);
    cr_assert_eq(stats.refused, 1);
    cr_assert(strstr(stats.said.text, "btcusdt@depth@100ms") != NULL, "%s", stats.said.text);
    answer(&f, f.last_get, 200, "", SNAPSHOT(107, "['100.0','2']", ""));
    shown(&f, "snapshot BTCUSDT 107 bids 100x2\n");
}

Test(binance_link, a_message_that_is_no_json_makes_every_book_of_its_connection_stale)
{
    usdm_live();
    at(&f, 400);
    text(&f, 0, "{'stre");
    shown_piece(&f, "gap BTCUSDT a message could not be read\n");
}

Test(binance_link, a_silent_book_is_stale_and_proved_by_a_snapshot)
{
    usdm_live();
    ticks_until(&f, 10200);
    cr_assert_eq(f.events[EVENT_GAP], 0);
    forget(&f);
    ticks_until(&f, 10600);
    shown_piece(&f, "gap BTCUSDT nothing came for so long that it is stale\n");
    cr_assert_eq(stats_now(&f).stale, 1);
    answer(&f, f.last_get, 200, "", SNAPSHOT(105, "['100.0','1']", ""));
    shown(&f, "snapshot BTCUSDT 105 bids 100x1\n");
    /* Silent again: this time its stream is asked for again too. */
    ticks_until(&f, 21000);
    shown_piece(&f, "send 0 {'method':'UNSUBSCRIBE','params':['btcusdt@depth@100ms'],'id':");
    cr_assert_eq(stats_now(&f).stale, 2);
}

Test(binance_link, a_connection_that_answers_pings_and_brings_nothing_is_replaced)
{
    usdm_live();
    for (int64_t ms = 1000; ms <= 30000; ms += 1000) {
        ticks_until(&f, ms);
        if (ms % 3000 == 0)
            pong(&f, 0);
        answer(&f, f.last_get, 200, "", SNAPSHOT(105, "['100.0','1']", ""));
    }
    forget(&f);
    ticks_until(&f, 30600);
    shown_piece(&f, "open 1 " PUBLIC_DEPTH);
    cr_assert(strstr(stats_now(&f).said.text, "answers pings") != NULL, "%s", stats_now(&f).said.text);
}

Test(binance_link, a_connection_that_answers_nothing_is_closed)
{
    usdm_live();
    ticks_until(&f, 9000);
    forget(&f);
    ticks_until(&f, 10300);
    shown_piece(&f, "ping 0\n");
    ticks_until(&f, 30600);
    cr_assert(strstr(f.out, "close 0\n") != NULL, "%s", f.out);
    forget(&f);
    down(&f, 0, 0, "");
    ticks_until(&f, 32000);
    shown_piece(&f, "open ");
}

Test(binance_link, routes_of_usdm_are_apart_and_spot_has_one)
{
    open_one(BINANCE_USDM,
             LINK_BOOK | LINK_PARTIAL | LINK_TRADES | LINK_BBO | LINK_MARK | LINK_CANDLES | LINK_TICKER);
    tick(&f);
    shown(&f, "open 0 wss://fstream.binance.com/public/stream?streams=btcusdt@depth@100ms/btcusdt@depth20@100ms/"
              "btcusdt@bookTicker\n"
              "open 1 wss://fstream.binance.com/market/stream?streams=btcusdt@aggTrade/btcusdt@markPrice@1s/"
              "btcusdt@kline_1m/btcusdt@ticker\n");
    link_fixture_close(&f);
    const struct link_symbol symbols[] = {{"BTCUSDT", 0, LINK_BOOK | LINK_TRADES}, {"ETHUSDT", 1, LINK_BBO}};
    open_with(BINANCE_SPOT, symbols, 2, (struct link_config){.depth_ms = 1000, .stream = "wss://127.0.0.1:8443"});
    tick(&f);
    shown(&f, "open 0 wss://127.0.0.1:8443/stream?streams=btcusdt@depth/btcusdt@trade/ethusdt@bookTicker\n");
}

Test(binance_link, a_route_that_is_silent_from_the_start_is_told)
{
    open_one(BINANCE_USDM, LINK_TRADES);
    tick(&f);
    up(&f, 0);
    ticks_until(&f, 16000);
    const struct link_stats stats = stats_now(&f);
    cr_assert(strstr(stats.said.text, "btcusdt@aggTrade") != NULL && strstr(stats.said.text, "/market") != NULL &&
                  strstr(stats.said.text, "route") != NULL,
              "%s", stats.said.text);
}

Test(binance_link, trades_missing_after_a_lost_connection_are_a_gap)
{
    open_one(BINANCE_USDM, LINK_TRADES);
    tick(&f);
    up(&f, 0);
    text(&f, 0, AGG(10, 100, 101));
    shown_piece(&f, "trade BTCUSDT 100..101");
    at(&f, 100);
    down(&f, 0, 1006, "");
    shown(&f, "connection_down\n");
    ticks_until(&f, 1200);
    up(&f, 0);
    forget(&f);
    text(&f, 0, AGG(13, 106, 106));
    shown(&f, "gap BTCUSDT BTCUSDT: trades missing after id 10: 2\ntrade BTCUSDT 106..106 100.5x1\n");
    /* None missing: no gap. */
    down(&f, 0, 1006, "");
    ticks_until(&f, 4000);
    up(&f, 0);
    forget(&f);
    text(&f, 0, AGG(14, 107, 107));
    shown(&f, "trade BTCUSDT 107..107 100.5x1\n");
}

Test(binance_link, a_renewal_overlaps_and_neither_misses_nor_repeats)
{
    const struct link_symbol symbols[] = {{"BTCUSDT", 0, LINK_BOOK | LINK_TRADES}};
    open_with(BINANCE_SPOT, symbols, 1, (struct link_config){.renew = 60 * NS_PER_S});
    tick(&f);
    up(&f, 0);
    text(&f, 0, SPOT_DIFF(98, 105, "['100.1','2']", ""));
    answer(&f, f.last_get, 200, "", SNAPSHOT(100, "['100.0','1']", ""));
    text(&f, 0, TRADE(7));
    for (int64_t ms = 5000; ms <= 55000; ms += 5000) { /* something comes all the time */
        at(&f, ms);
        char diff[400];
        snprintf(diff, sizeof(diff),
                 DEPTH "{'e':'depthUpdate','E':1700000000101,'s':'BTCUSDT','U':%d,'u':%d,'b':[],'a':[]}}",
                 (int)(106 + ms / 5000 - 1), (int)(106 + ms / 5000 - 1));
        text(&f, 0, diff);
        ticks_until(&f, ms);
    }
    forget(&f); /* the book is at 116, the last trade is 7 */
    ticks_until(&f, 60000);
    shown_piece(&f, "open 1 wss://stream.binance.com:9443/stream?streams=btcusdt@depth@100ms/btcusdt@trade\n");
    at(&f, 60100);
    up(&f, 1);
    shown(&f, "");
    text(&f, 1, SPOT_DIFF(118, 119, "['100.5','5']", "")); /* ahead: the old one will bring 117 and this */
    text(&f, 1, TRADE(7));                                 /* behind: the new one brings trades from now on */
    shown(&f, "");
    text(&f, 0, TRADE(8)); /* so this is not taken from the old one */
    shown(&f, "");
    text(&f, 1, TRADE(8));
    shown(&f, "trade BTCUSDT 8 100.5x1\n");
    text(&f, 0, SPOT_DIFF(117, 117, "['100.4','4']", ""));
    shown(&f, "delta BTCUSDT 117..117 bids 100.4x4\n");
    text(&f, 0, SPOT_DIFF(118, 119, "['100.5','5']", ""));
    shown(&f, "delta BTCUSDT 118..119 bids 100.5x5\n");
    text(&f, 0, SPOT_DIFF(120, 120, "['100.6','6']", ""));
    shown(&f, ""); /* it had caught up */
    text(&f, 1, SPOT_DIFF(120, 120, "['100.6','6']", ""));
    shown(&f, "delta BTCUSDT 120..120 bids 100.6x6\n");
    ticks_until(&f, 60600);
    shown(&f, "close 0\n");
    down(&f, 0, 1000, "");
    at(&f, 60700);
    text(&f, 1, SPOT_DIFF(121, 121, "['100.7','7']", ""));
    shown(&f, "delta BTCUSDT 121..121 bids 100.7x7\n");
    const struct link_stats stats = stats_now(&f);
    cr_assert_eq(stats.renewals, 1);
    cr_assert_eq(f.events[EVENT_GAP], 0);
    cr_assert_eq(f.events[EVENT_CONNECTION_DOWN], 0);
}

Test(binance_link, futures_diffs_cut_elsewhere_by_the_new_connection_still_meet)
{
    const struct link_symbol symbols[] = {{"BTCUSDT", 0, LINK_BOOK}};
    open_with(BINANCE_USDM, symbols, 1,
              (struct link_config){.renew = 60 * NS_PER_S, .stale = 100 * NS_PER_S, .silence = 100 * NS_PER_S});
    tick(&f);
    up(&f, 0);
    text(&f, 0, DIFF(98, 105, 95, "['100.1','2.5']", ""));
    answer(&f, f.last_get, 200, "", SNAPSHOT(100, "['100.0','1']", ""));
    ticks_until(&f, 60000);
    shown_piece(&f, "open 1");
    up(&f, 1);
    forget(&f);
    text(&f, 1, DIFF(99, 103, 90, "['100.1','1']", ""));   /* behind */
    text(&f, 1, DIFF(104, 110, 103, "['100.1','3']", "")); /* covers 105: meets */
    text(&f, 0, DIFF(106, 108, 105, "['100.1','9']", "")); /* of the old one: too late */
    text(&f, 1, DIFF(111, 112, 110, "['100.1','4']", ""));
    shown(&f, "delta BTCUSDT 104..110 bids 100.1x3\ndelta BTCUSDT 111..112 bids 100.1x4\n");
    ticks_until(&f, 60600);
    shown_piece(&f, "close 0");
    cr_assert_eq(f.events[EVENT_GAP], 0);
}

Test(binance_link, the_next_connection_takes_over_when_the_old_one_dies_meanwhile)
{
    const struct link_symbol symbols[] = {{"BTCUSDT", 0, LINK_BOOK}};
    open_with(BINANCE_USDM, symbols, 1,
              (struct link_config){.renew = 60 * NS_PER_S, .stale = 100 * NS_PER_S, .silence = 100 * NS_PER_S});
    tick(&f);
    up(&f, 0);
    text(&f, 0, DIFF(98, 105, 95, "['100.1','2.5']", ""));
    answer(&f, f.last_get, 200, "", SNAPSHOT(100, "['100.0','1']", ""));
    ticks_until(&f, 60000);
    up(&f, 1);
    forget(&f);
    down(&f, 0, 1006, "");
    text(&f, 1, DIFF(106, 110, 105, "['100.1','3']", ""));
    shown(&f, "delta BTCUSDT 106..110 bids 100.1x3\n");
    cr_assert_eq(f.events[EVENT_GAP], 0);
}

Test(binance_link, what_only_the_next_connection_brought_is_missing_when_the_old_one_dies)
{
    const struct link_symbol symbols[] = {{"BTCUSDT", 0, LINK_BOOK}};
    open_with(BINANCE_USDM, symbols, 1,
              (struct link_config){.renew = 60 * NS_PER_S, .stale = 100 * NS_PER_S, .silence = 100 * NS_PER_S});
    tick(&f);
    up(&f, 0);
    text(&f, 0, DIFF(98, 105, 95, "['100.1','2.5']", ""));
    answer(&f, f.last_get, 200, "", SNAPSHOT(100, "['100.0','1']", ""));
    ticks_until(&f, 60000);
    up(&f, 1);
    text(&f, 1, DIFF(108, 110, 107, "['100.1','3']", "")); /* 106..107 is still on its way over the old one */
    forget(&f);
    down(&f, 0, 1006, "");
    shown_piece(&f, "gap BTCUSDT the connection ended before the next one had caught up\nget");
}

Test(binance_link, trades_that_a_dying_connection_swallowed_before_the_next_one_came_are_a_gap)
{
    const struct link_symbol symbols[] = {{"BTCUSDT", 0, LINK_TRADES}};
    open_with(BINANCE_USDM, symbols, 1,
              (struct link_config){.renew = 60 * NS_PER_S, .stale = 100 * NS_PER_S, .silence = 100 * NS_PER_S});
    tick(&f);
    up(&f, 0);
    text(&f, 0, AGG(10, 100, 100));
    ticks_until(&f, 60000);
    up(&f, 1);
    down(&f, 0, 1006, "");
    forget(&f);
    text(&f, 1, AGG(12, 102, 102));
    shown(&f, "gap BTCUSDT BTCUSDT: trades missing after id 10: 1\ntrade BTCUSDT 102..102 100.5x1\n");
}

Test(binance_link, a_server_that_goes_down_is_left_in_time)
{
    open_one(BINANCE_SPOT, LINK_BOOK);
    tick(&f);
    up(&f, 0);
    forget(&f);
    at(&f, 100);
    text(&f, 0, "{'e':'serverShutdown','E':1770123456789}");
    tick(&f);
    shown_piece(&f, "open 1 wss://stream.binance.com:9443/");
}

Test(binance_link, many_streams_are_subscribed_within_the_limits_and_refusals_are_told)
{
    enum { COUNT = 300 };
    static char texts[COUNT][32];
    static struct link_symbol symbols[COUNT];
    struct market_sink sink;
    struct link_wire wire;
    static const char *list[COUNT];
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof(texts[i]), "COIN%03dUSDT", i);
        list[i] = texts[i];
        symbols[i] = (struct link_symbol){texts[i], (uint16_t)i, LINK_BBO | LINK_BOOK};
    }
    link_fixture_init(&f, list, COUNT, 2, 3, &sink, &wire);
    struct link_config config = {.symbols = symbols, .symbol_count = COUNT, .instruments = f.instruments, .seed = 1};
    cr_assert_eq(binance_link_open(BINANCE_SPOT, &config, &sink, &wire, &f.link), ERR_OK);
    tick(&f);
    cr_assert_lt(strlen(f.out), (size_t)LINK_URL_SIZE + 20);
    up(&f, 0);
    tick(&f);
    /* Three messages within a second at most. */
    unsigned sends = 0;
    for (const char *at = f.out; (at = strstr(at, "send 0 ")) != NULL; at++)
        sends++;
    cr_assert_eq(sends, 3);
    forget(&f);
    text(&f, 0, "{'error':{'code':2,'msg':'Invalid request: unknown variant'},'id':2}");
    struct link_stats stats = stats_now(&f);
    cr_assert(strstr(stats.said.text, "Invalid request") != NULL, "%s", stats.said.text);
    cr_assert_eq(stats.refused, 1);
    cr_assert_gt(stats.held, 0);
    ticks_until(&f, 900);
    cr_assert(strstr(f.out, "send") == NULL);
    ticks_until(&f, 11000);
    shown_piece(&f, "close 0"); /* the other two were never answered */
}

Test(binance_link, a_refused_request_stops_all_of_them_until_the_venue_allows_it)
{
    usdm_live();
    at(&f, 400);
    text(&f, 0, DIFF(131, 140, 125, "['99.0','1']", ""));
    answer(&f, f.last_get, 429, "Retry-After: 7\r\n", "{'code':-1003,'msg':'Too many requests'}");
    forget(&f);
    for (int64_t ms = 500; ms < 7300; ms += 100) { /* the stream goes on */
        ticks_until(&f, ms);
        text(&f, 0, DIFF(141, 150, 140, "", ""));
    }
    shown(&f, "");
    ticks_until(&f, 7500);
    shown_piece(&f, GET_DEPTH);
    answer(&f, f.last_get, 418, "", "{'code':-1003,'msg':'IP banned until 1700000100000. Please use the websocket'}");
    cr_assert_eq(stats_now(&f).limited, 2);
    forget(&f);
    for (int64_t ms = 8000; ms < 99900; ms += 1000) {
        ticks_until(&f, ms);
        text(&f, 0, DIFF(141, 150, 140, "", ""));
    }
    shown(&f, "");
    ticks_until(&f, 100600);
    shown_piece(&f, GET_DEPTH);
}

Test(binance_link, a_snapshot_that_failed_is_asked_for_again)
{
    usdm_live();
    at(&f, 400);
    text(&f, 0, DIFF(131, 140, 125, "['99.0','1']", ""));
    forget(&f);
    failed(&f, f.last_get, "timed out");
    cr_assert_eq(stats_now(&f).failures, 1);
    ticks_until(&f, 2000);
    shown_piece(&f, GET_DEPTH);
    /* The answer was lost on the way to us: it is given up in the end. */
    for (int64_t ms = 2100; ms <= 17000; ms += 100) {
        ticks_until(&f, ms);
        text(&f, 0, DIFF(141, 150, 140, "", ""));
    }
    ticks_until(&f, 20000);
    shown_piece(&f, GET_DEPTH);
}

Test(binance_link, books_are_polled_where_that_is_asked_for)
{
    const struct link_symbol symbols[] = {{"BTCUSDT", 0, LINK_BOOK}};
    open_with(BINANCE_USDM, symbols, 1, (struct link_config){.poll = 100 * NS_PER_MS, .partial_levels = 10});
    tick(&f);
    shown(&f, "get 1 https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=10\n");
    at(&f, 40);
    answer(&f, 1, 200, "X-MBX-USED-WEIGHT-1M: 3\r\n", SNAPSHOT(100, "['100.0','1']", ""));
    shown(&f, "snapshot BTCUSDT 100 partial bids 100x1\n");
    ticks_until(&f, 99);
    shown(&f, "");
    ticks_until(&f, 100);
    shown(&f, "get 3 https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=10\n");
    ticks_until(&f, 400); /* never two at once */
    shown(&f, "");
    answer(&f, 3, 200, "", SNAPSHOT(120, "['100.1','1']", ""));
    shown(&f, "snapshot BTCUSDT 120 partial bids 100.1x1\n"
              "get 4 https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=10\n");
    ticks_until(&f, 10700); /* no answer any more */
    shown_piece(&f, "gap BTCUSDT no book by REST for too long\n");
}

Test(binance_link, thrown_away_inputs_are_a_gap)
{
    usdm_live();
    at(&f, 400);
    cr_assert_eq(give(&f, (struct link_input){.what = LINK_DROPPED, .conn = 0, .value = 12}), ERR_OK);
    shown_piece(&f, "gap BTCUSDT 12 inputs were thrown away before they were read\nget");
    cr_assert_eq(stats_now(&f).dropped, 12);
}

Test(binance_link, a_step_of_our_clock_is_no_silence)
{
    usdm_live();
    at(&f, 400);
    const int64_t hour = 3600 * 1000;
    at(&f, 400 + hour);
    cr_assert_eq(give(&f, (struct link_input){.what = LINK_CLOCK, .value = hour * NS_PER_MS}), ERR_OK);
    ticks_until(&f, 2000 + hour);
    cr_assert_eq(f.events[EVENT_GAP], 0);
    shown(&f, "");
    text(&f, 0, DIFF(110, 120, 105, "", "['100.3','0.001']"));
    shown(&f, "delta BTCUSDT 110..120 asks 100.3x0.001\n");
    cr_assert_eq(stats_now(&f).clock_steps, 1);
}

Test(binance_link, a_clock_that_is_set_back_changes_nothing_since_time_goes_on)
{
    usdm_live();
    at(&f, 400);
    tick(&f);
    const struct link_stats before = stats_now(&f);
    cr_assert_eq(give(&f, (struct link_input){.what = LINK_CLOCK, .value = -3600 * NS_PER_S}), ERR_OK);
    const struct link_stats after = stats_now(&f);
    cr_assert_gt(before.clock_samples, 0);
    cr_assert_eq(after.clock_offset, before.clock_offset);
    cr_assert_eq(after.clock_steps, 1);
    text(&f, 0, DIFF(110, 120, 105, "", "['100.3','0.001']"));
    shown(&f, "delta BTCUSDT 110..120 asks 100.3x0.001\n");
}

Test(binance_link, more_streams_than_a_connection_may_have_take_another_one)
{
    enum { COUNT = 600 };
    static char texts[COUNT][32];
    static struct link_symbol symbols[COUNT];
    static const char *list[COUNT];
    struct market_sink sink;
    struct link_wire wire;
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof(texts[i]), "COIN%03dUSDT", i);
        list[i] = texts[i];
        symbols[i] = (struct link_symbol){texts[i], (uint16_t)i, LINK_BBO | LINK_BOOK};
    }
    link_fixture_init(&f, list, COUNT, 2, 3, &sink, &wire);
    struct link_config config = {.symbols = symbols, .symbol_count = COUNT, .instruments = f.instruments, .seed = 1};
    cr_assert_eq(binance_link_open(BINANCE_USDM, &config, &sink, &wire, &f.link), ERR_OK);
    tick(&f);
    cr_assert(strstr(f.out, "open 0 ") != NULL && strstr(f.out, "open 1 ") != NULL &&
              strstr(f.out, "open 2 ") == NULL);
}

Test(binance_link, a_sink_that_refuses_ends_it)
{
    usdm_live();
    f.emit_error = ERR_NOSPACE;
    const char *frame = "{\"stream\":\"btcusdt@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":1,\"T\":1,\"s\":"
                        "\"BTCUSDT\",\"U\":106,\"u\":107,\"pu\":105,\"b\":[],\"a\":[]}}";
    cr_assert_eq(
        give(&f, (struct link_input){.what = LINK_TEXT, .text = frame, .text_size = (uint32_t)strlen(frame)}),
        ERR_NOSPACE);
}

Test(binance_link, wrong_configs_say_what_is_wrong)
{
    struct link_symbol symbols[] = {{"BTCUSDT", 0, LINK_BOOK}, {"btcusdt", 1, LINK_BOOK}};
    struct instrument instruments[2];
    const struct link_config good = {.symbols = symbols, .symbol_count = 1, .instruments = instruments};
    struct {
        enum binance_flavour flavour;
        err_t code;
        const char *piece;
        struct link_config config;
    } wrong[] = {
        {BINANCE_COINM, ERR_UNSUPPORTED, "binance-usdm", good},
        {BINANCE_USDM, ERR_CONFIG, "symbols", {.symbols = symbols, .instruments = instruments}},
        {BINANCE_USDM, ERR_CONFIG, "twice", good},
        {BINANCE_USDM, ERR_CONFIG, "100, 250 or 500", good},
        {BINANCE_SPOT, ERR_CONFIG, "100 or 1000", good},
        {BINANCE_USDM, ERR_CONFIG, "https://", good},
        {BINANCE_USDM, ERR_CONFIG, "wss://", good},
        {BINANCE_USDM, ERR_CONFIG, "duration", good},
    };
    wrong[2].config.symbol_count = 2;
    wrong[3].config.depth_ms = 50;
    wrong[4].config.depth_ms = 250;
    wrong[5].config.rest = "http://example.org";
    wrong[6].config.stream = "https://example.org";
    wrong[7].config.stale = -1;
    memset(&f, 0, sizeof(f));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct err_text why = {.code = ERR_OK};
        cr_assert_eq(binance_link_check(wrong[i].flavour, &wrong[i].config, &why), wrong[i].code, "%zu", i);
        cr_assert(strstr(why.text, wrong[i].piece) != NULL, "%zu: %s", i, why.text);
    }
    symbols[0].streams = LINK_TRADES;
    struct link_config polled = good;
    polled.poll = NS_PER_S;
    struct err_text why = {.code = ERR_OK};
    cr_assert_eq(binance_link_check(BINANCE_SPOT, &polled, &why), ERR_CONFIG);
    cr_assert(strstr(why.text, "polling brings books only") != NULL, "%s", why.text);
    why.code = ERR_OK;
    symbols[0].streams = LINK_MARK;
    cr_assert_eq(binance_link_check(BINANCE_SPOT, &good, &why), ERR_CONFIG);
    cr_assert(strstr(why.text, "mark prices") != NULL, "%s", why.text);
}

/* --- exchangeInfo --- */

#define INFO                                                                                                         \
    "{'timezone':'UTC','symbols':[{'symbol':'ODD','status':'TRADING'},"                                              \
    "{'symbol':'BTCUSDT','status':'TRADING','baseAsset':'BTC','quoteAsset':'USDT','pricePrecision':2,"               \
    "'quantityPrecision':3,'filters':[{'filterType':'PRICE_FILTER','tickSize':'0.10'},"                              \
    "{'filterType':'LOT_SIZE','minQty':'0.001','maxQty':'1000','stepSize':'0.001'},"                                 \
    "{'filterType':'MIN_NOTIONAL','notional':'100'}]},"                                                              \
    "{'symbol':'OLDUSDT','status':'SETTLING','baseAsset':'OLD','quoteAsset':'USDT','pricePrecision':2,"              \
    "'quantityPrecision':0,'filters':[{'filterType':'PRICE_FILTER','tickSize':'0.01'},"                              \
    "{'filterType':'LOT_SIZE','minQty':'1','maxQty':'9','stepSize':'1'}]}]}"

static err_t info_of(const char *symbol, struct instrument *instrument, struct err_text *why)
{
    static char body[4096];
    memset(body, 0, sizeof(body));
    strcpy(body, INFO);
    for (char *c = body; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    why->code = ERR_OK;
    return binance_exchange_info(BINANCE_USDM, body, strlen(body), symbol, instrument, why);
}

Test(binance_exchange_info, one_symbol_is_read_whatever_stands_beside_it)
{
    struct instrument instrument;
    struct err_text why;
    px_t tick_size;
    cr_assert_eq(info_of("BTCUSDT", &instrument, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(instrument.price_decimals, 2);
    cr_assert_eq(instrument.qty_decimals, 3);
    cr_assert_eq(instrument_tick(&instrument, 6000000, 0, &tick_size), ERR_OK);
    cr_assert_eq(tick_size, 10);
    cr_assert_eq(instrument.lot, 1);
    cr_assert_eq(instrument.qty_min, 1);
    cr_assert_eq(instrument.qty_max, 1000000);
    cr_assert(instrument.notional_min == 100 * 100000);
    cr_assert_eq(info_of("NOPE", &instrument, &why), ERR_NOTFOUND);
    cr_assert(strstr(why.text, "NOPE is not listed") != NULL, "%s", why.text);
    cr_assert_eq(info_of("OLDUSDT", &instrument, &why), ERR_STATE);
    cr_assert(strstr(why.text, "SETTLING") != NULL, "%s", why.text);
    cr_assert_str_eq(instrument.symbol, "OLDUSDT");
    cr_assert_eq(info_of("ODD", &instrument, &why), ERR_SYNTAX);
}

Test(binance_exchange_info, its_url_names_the_symbol_where_that_is_possible)
{
    char url[LINK_URL_SIZE];
    cr_assert_eq(binance_exchange_info_url(BINANCE_SPOT, NULL, "BTCUSDT", url, sizeof(url)), ERR_OK);
    cr_assert_str_eq(url, "https://api.binance.com/api/v3/exchangeInfo?symbol=BTCUSDT");
    cr_assert_eq(binance_exchange_info_url(BINANCE_USDM, "https://127.0.0.1:8443", "BTCUSDT", url, sizeof(url)),
                 ERR_OK);
    cr_assert_str_eq(url, "https://127.0.0.1:8443/fapi/v1/exchangeInfo");
    cr_assert_eq(binance_exchange_info_url(BINANCE_SPOT, NULL, "BTCUSDT", url, 20), ERR_RANGE);
}
