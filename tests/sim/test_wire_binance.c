/* The words of Binance, held against the examples of its own pages; and when they are said. */
#include "tests/sim/wire_rig.h"

#include <criterion/criterion.h>
#include <string.h>

#define SNAPSHOT      "100.50x2 100.40x1.5 / 100.60x3 100.70x4"
#define SAID(i, text) cr_assert_str_eq(rig_at(&rig, i), text)

static struct wire_rig rig;

static void open_at(enum wire_venue venue)
{
    rig_init(&rig, venue);
    rig_open(&rig);
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, SNAPSHOT, 0, 390497794, 0);
}

Test(wire_binance, a_futures_diff_has_the_fields_of_the_page)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert(rig_hello(&rig, 0, "/public/ws/btcusdt@depth@100ms", ""));
    rig.now += 5 * NS_PER_MS;
    rig_book(&rig, EVENT_BOOK_DELTA, "100.40x0.002 / 100.60x0", 390497796, 390497878, 390497794);
    cr_assert_eq(rig.count, 1);
    SAID(0, "{\"e\":\"depthUpdate\",\"E\":1700000000005,\"T\":1700000000005,\"s\":\"BTCUSDT\",\"U\":390497796,"
            "\"u\":390497878,\"pu\":390497794,\"b\":[[\"100.40\",\"0.002\"]],\"a\":[[\"100.60\",\"0.000\"]]}");
    rig_close(&rig);
}

Test(wire_binance, a_spot_diff_has_neither_T_nor_pu)
{
    open_at(WIRE_BINANCE_SPOT);
    cr_assert(rig_hello(&rig, 0, "/ws/btcusdt@depth@100ms", ""));
    rig_book(&rig, EVENT_BOOK_DELTA, "100.40x1 /", 390497795, 390497799, 0);
    SAID(0, "{\"e\":\"depthUpdate\",\"E\":1700000000000,\"s\":\"BTCUSDT\",\"U\":390497795,\"u\":390497799,"
            "\"b\":[[\"100.40\",\"1.000\"]],\"a\":[]}");
    rig_close(&rig);
}

Test(wire_binance, a_coinm_diff_names_its_pair)
{
    rig_init(&rig, WIRE_BINANCE_COINM);
    strcpy(rig.instruments[0].symbol, "BTCUSD_PERP");
    rig_open(&rig);
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, SNAPSHOT, 0, 10, 0);
    cr_assert(rig_hello(&rig, 0, "/ws/btcusd_perp@depth@100ms", ""));
    rig_book(&rig, EVENT_BOOK_DELTA, "100.40x1 /", 11, 12, 10);
    cr_assert_not_null(
        strstr(rig_at(&rig, 0), "\"s\":\"BTCUSD_PERP\",\"ps\":\"BTCUSD\",\"U\":11,\"u\":12,\"pu\":10"));
    rig_close(&rig);
}

Test(wire_binance, combined_streams_come_wrapped)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert(rig_hello(&rig, 0, "/public/stream", "streams=btcusdt@depth@100ms/ethusdt@depth@100ms"));
    rig_book(&rig, EVENT_BOOK_DELTA, "100.40x1 /", 390497795, 390497799, 390497794);
    cr_assert_not_null(
        strstr(rig_at(&rig, 0), "{\"stream\":\"btcusdt@depth@100ms\",\"data\":{\"e\":\"depthUpdate\""));
    cr_assert_str_eq(rig_at(&rig, 0) + strlen(rig_at(&rig, 0)) - 3, "]}}");
    rig_close(&rig);
}

Test(wire_binance, trades_and_aggregates_have_the_fields_of_the_page)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert(rig_hello(&rig, 0, "/market/ws/btcusdt@aggTrade/btcusdt@trade", ""));
    rig_trade(&rig, "100.5", "1", true, 100);
    rig_trade(&rig, "100.5", "0.5", true, 101);
    rig_trade(&rig, "100.6", "2", false, 102);
    rig_wait(&rig, 200 * NS_PER_MS);
    cr_assert_eq(rig.count, 5);
    SAID(0, "{\"e\":\"trade\",\"E\":1700000000000,\"T\":1700000000000,\"s\":\"BTCUSDT\",\"t\":100,\"p\":\"100.50\","
            "\"q\":\"1.000\",\"X\":\"MARKET\",\"m\":true}");
    SAID(2, "{\"e\":\"trade\",\"E\":1700000000000,\"T\":1700000000000,\"s\":\"BTCUSDT\",\"t\":102,\"p\":\"100.60\","
            "\"q\":\"2.000\",\"X\":\"MARKET\",\"m\":false}");
    SAID(3, "{\"e\":\"aggTrade\",\"E\":1700000000000,\"s\":\"BTCUSDT\",\"a\":1,\"p\":\"100.50\",\"q\":\"1.500\","
            "\"nq\":\"1.500\",\"f\":100,\"l\":101,\"T\":1700000000000,\"m\":true}");
    SAID(4, "{\"e\":\"aggTrade\",\"E\":1700000000000,\"s\":\"BTCUSDT\",\"a\":2,\"p\":\"100.60\",\"q\":\"2.000\","
            "\"nq\":\"2.000\",\"f\":102,\"l\":102,\"T\":1700000000000,\"m\":false}");
    rig_close(&rig);
}

Test(wire_binance, best_prices_follow_the_book_and_spot_leaves_out_the_event)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert(rig_hello(&rig, 0, "/public/ws/btcusdt@bookTicker", ""));
    rig_book(&rig, EVENT_BOOK_DELTA, "100.40x9 /", 390497795, 390497799, 390497794); /* not the touch */
    rig_book(&rig, EVENT_BOOK_DELTA, "/ 100.60x1", 390497800, 390497801, 390497799);
    cr_assert_eq(rig.count, 1);
    SAID(0, "{\"e\":\"bookTicker\",\"u\":390497801,\"E\":1700000000000,\"T\":1700000000000,\"s\":\"BTCUSDT\","
            "\"b\":\"100.50\",\"B\":\"2.000\",\"a\":\"100.60\",\"A\":\"1.000\"}");
    rig_close(&rig);
    open_at(WIRE_BINANCE_SPOT);
    cr_assert(rig_hello(&rig, 0, "/ws/btcusdt@bookTicker", ""));
    rig_book(&rig, EVENT_BOOK_DELTA, "100.50x3 /", 390497795, 390497796, 0);
    SAID(0, "{\"u\":390497796,\"s\":\"BTCUSDT\",\"b\":\"100.50\",\"B\":\"3.000\",\"a\":\"100.60\",\"A\":\"3.000\"}");
    rig_close(&rig);
}

Test(wire_binance, a_stream_on_the_wrong_route_is_taken_and_silent)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert(rig_hello(&rig, 0, "/market/ws/btcusdt@depth@100ms", ""));
    cr_assert(rig_hello(&rig, 1, "/public/ws/btcusdt@trade", ""));
    cr_assert(rig_hello(&rig, 2, "/ws/btcusdt@depth@100ms/btcusdt@trade", "")); /* the old place: public data only */
    rig_book(&rig, EVENT_BOOK_DELTA, "100.40x1 /", 390497795, 390497799, 390497794);
    rig_trade(&rig, "100.5", "1", true, 100);
    cr_assert_eq(rig.count, 1);
    cr_assert_eq(rig.said[0].client, 2);
    rig_clear(&rig);
    rig_text(&rig, 0, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":3}");
    SAID(0, "{\"result\":[\"btcusdt@depth@100ms\"],\"id\":3}");
    rig_close(&rig);
}

Test(wire_binance, control_frames_subscribe_list_and_unsubscribe)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert(rig_hello(&rig, 0, "/public/ws", ""));
    rig_text(&rig, 0,
             "{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@depth@100ms\",\"btcusdt@bookTicker\"],\"id\":1}");
    rig_text(&rig, 0, "{\"method\": \"LIST_SUBSCRIPTIONS\", \"id\": \"x-1\"}");
    rig_text(&rig, 0, "{\"method\":\"UNSUBSCRIBE\",\"params\":[\"btcusdt@bookTicker\"],\"id\":2}");
    rig_text(&rig, 0, "{\"method\":\"GET_PROPERTY\",\"params\":[\"combined\"],\"id\":4}");
    rig_text(&rig, 0, "{\"method\":\"SET_PROPERTY\",\"params\":[\"combined\",true],\"id\":5}");
    SAID(0, "{\"result\":null,\"id\":1}");
    SAID(1, "{\"result\":[\"btcusdt@depth@100ms\",\"btcusdt@bookTicker\"],\"id\":\"x-1\"}");
    SAID(2, "{\"result\":null,\"id\":2}");
    SAID(3, "{\"result\":false,\"id\":4}");
    SAID(4, "{\"result\":null,\"id\":5}");
    rig_clear(&rig);
    rig_book(&rig, EVENT_BOOK_DELTA, "100.50x1 /", 390497795, 390497799, 390497794);
    cr_assert_eq(rig.count, 1);
    cr_assert_eq(strncmp(rig_at(&rig, 0), "{\"stream\":", 10), 0);
    rig_close(&rig);
}

Test(wire_binance, wrong_control_frames_get_an_error_and_keep_the_connection)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert(rig_hello(&rig, 0, "/public/ws", ""));
    rig_text(&rig, 0, "{\"method\":\"SUBSCRIBE\",");
    rig_text(&rig, 0, "{\"method\":\"FOLLOW\",\"params\":[],\"id\":9}");
    rig_text(&rig, 0, "{\"method\":\"SUBSCRIBE\",\"params\":\"btcusdt@depth\",\"id\":9}");
    cr_assert_eq(rig.count, 3);
    cr_assert_eq(strncmp(rig_at(&rig, 0), "{\"code\":3,", 10), 0);
    cr_assert_eq(strncmp(rig_at(&rig, 1), "{\"code\":2,", 10), 0);
    cr_assert_not_null(strstr(rig_at(&rig, 2), "\"id\":9}"));
    rig_close(&rig);
}

Test(wire_binance, a_slower_stream_gathers_the_diffs_and_keeps_the_chain)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert(rig_hello(&rig, 0, "/public/ws/btcusdt@depth@500ms", ""));
    rig_book(&rig, EVENT_BOOK_DELTA, "100.40x9 100.30x1 /", 390497795, 390497799, 390497794);
    rig.now += 100 * NS_PER_MS;
    rig_book(&rig, EVENT_BOOK_DELTA, "100.40x8 / 100.90x1", 390497801, 390497805, 390497799);
    rig_wait(&rig, NS_PER_S);
    cr_assert_eq(rig.count, 1);
    SAID(0, "{\"e\":\"depthUpdate\",\"E\":1700000000100,\"T\":1700000000100,\"s\":\"BTCUSDT\",\"U\":390497795,"
            "\"u\":390497805,\"pu\":390497794,\"b\":[[\"100.40\",\"8.000\"],[\"100.30\",\"1.000\"]],"
            "\"a\":[[\"100.90\",\"1.000\"]]}");
    rig_book(&rig, EVENT_BOOK_DELTA, "100.40x7 /", 390497810, 390497811, 390497805);
    rig_wait(&rig, NS_PER_S);
    cr_assert_not_null(strstr(rig_at(&rig, 1), "\"U\":390497810,\"u\":390497811,\"pu\":390497805"));
    rig_close(&rig);
}

Test(wire_binance, the_book_over_http_has_the_id_and_the_best_levels_first)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert_eq(rig_get(&rig, "/fapi/v1/depth", "symbol=BTCUSDT&limit=5"), 200);
    cr_assert_str_eq(rig.body, "{\"lastUpdateId\":390497794,\"E\":1700000000000,\"T\":1700000000000,"
                               "\"bids\":[[\"100.50\",\"2.000\"],[\"100.40\",\"1.500\"]],"
                               "\"asks\":[[\"100.60\",\"3.000\"],[\"100.70\",\"4.000\"]]}");
    cr_assert_not_null(strstr(rig.headers, "x-mbx-used-weight-1m: 2\n"));
    cr_assert_eq(rig_get(&rig, "/fapi/v1/depth", "symbol=BTCUSDT&limit=7"), 400);
    cr_assert_eq(rig_get(&rig, "/fapi/v1/depth", "symbol=NOPE"), 400);
    cr_assert_str_eq(rig.body, "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}");
    cr_assert_eq(rig_get(&rig, "/fapi/v1/depth", ""), 400);
    cr_assert_not_null(strstr(rig.body, "\"code\":-1102"));
    cr_assert_eq(rig_get(&rig, "/api/v3/depth", "symbol=BTCUSDT"), 404);
    rig_close(&rig);
}

Test(wire_binance, the_minute_weight_ends_in_429_and_insisting_in_418)
{
    open_at(WIRE_BINANCE_SPOT);
    for (int i = 0; i < 24; i++)
        cr_assert_eq(rig_get(&rig, "/api/v3/depth", "symbol=BTCUSDT&limit=5000"), 200);
    cr_assert_not_null(strstr(rig.headers, "x-mbx-used-weight-1m: 6000\n"));
    cr_assert_eq(rig_get(&rig, "/api/v3/ping", ""), 429);
    cr_assert_not_null(strstr(rig.headers, "retry-after: 40\n"), "%s", rig.headers); /* :20 of the minute */
    cr_assert_not_null(strstr(rig.body, "\"code\":-1003"));
    for (int i = 0; i < 9; i++)
        rig_get(&rig, "/api/v3/ping", "");
    cr_assert_eq(rig.status, 418);
    cr_assert_not_null(strstr(rig.body, "banned until 1700000120000"), "%s", rig.body);
    rig_wait(&rig, 119 * NS_PER_S);
    cr_assert_eq(rig_get(&rig, "/api/v3/ping", ""), 418);
    rig_wait(&rig, 2 * NS_PER_S);
    cr_assert_eq(rig_get(&rig, "/api/v3/ping", ""), 200);
    rig_close(&rig);
}

Test(wire_binance, futures_pages_promise_no_retry_after)
{
    open_at(WIRE_BINANCE_USDM);
    for (int i = 0; i < 121; i++)
        rig_get(&rig, "/fapi/v1/depth", "symbol=BTCUSDT&limit=1000");
    cr_assert_eq(rig.status, 429);
    cr_assert_null(strstr(rig.headers, "retry-after"));
    rig_close(&rig);
}

Test(wire_binance, too_many_messages_end_the_connection)
{
    open_at(WIRE_BINANCE_SPOT);
    cr_assert(rig_hello(&rig, 0, "/ws", ""));
    for (int i = 0; i < 6; i++)
        wire_frame(rig.wire, rig.now, 0, i < 5 ? WIRE_PING : WIRE_PONG, "x", 1);
    cr_assert_eq(rig.count, 6);
    cr_assert_eq(rig.said[4].opcode, WIRE_PONG);
    cr_assert_eq(rig.said[5].opcode, WIRE_CLOSE);
    cr_assert_eq(rig.said[5].code, 1008);
    rig_close(&rig);
}

Test(wire_binance, spot_pings_every_twenty_seconds_and_wants_its_payload_back)
{
    open_at(WIRE_BINANCE_SPOT);
    cr_assert(rig_hello(&rig, 0, "/ws/btcusdt@trade", ""));
    cr_assert(rig_hello(&rig, 1, "/ws/btcusdt@trade", ""));
    for (int i = 0; i < 5; i++) {
        rig_wait(&rig, 20 * NS_PER_S);
        for (size_t s = 0; s < rig.count; s++)
            if (rig.said[s].opcode == WIRE_PING)
                wire_frame(rig.wire, rig.now, rig.said[s].client, WIRE_PONG,
                           rig.said[s].client == 0 ? rig.said[s].text : "mine",
                           rig.said[s].client == 0 ? rig.said[s].size : 4);
        if (i < 4)
            rig_clear(&rig);
    }
    struct wire_stats stats;
    wire_stats_get(rig.wire, &stats);
    cr_assert_eq(stats.clients, 1, "the one that echoed lives, the other does not: %u", stats.clients);
    rig_close(&rig);
}

Test(wire_binance, connections_live_a_day)
{
    open_at(WIRE_BINANCE_USDM);
    rig.config.ping_interval = 0;
    cr_assert(rig_hello(&rig, 0, "/public/ws/btcusdt@depth", ""));
    for (int i = 0; i < 481; i++) {
        rig_wait(&rig, 180 * NS_PER_S);
        if (rig.count > 0 && rig.said[rig.count - 1].opcode == WIRE_PING)
            wire_frame(rig.wire, rig.now, 0, WIRE_PONG, "", 0);
    }
    cr_assert_eq(rig.said[rig.count - 1].opcode, WIRE_CLOSE);
    cr_assert_eq(rig.said[rig.count - 1].code, 1001);
    rig_close(&rig);
}

Test(wire_binance, candles_are_made_of_trades_and_closed_once)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert(rig_hello(&rig, 0, "/market/ws/btcusdt@kline_1m", ""));
    rig_trade(&rig, "100", "1", false, 1);
    rig_trade(&rig, "102", "1", false, 2);
    rig_trade(&rig, "99", "2", true, 3);
    rig_wait(&rig, NS_PER_S);
    cr_assert_eq(rig.count, 1);
    cr_assert_not_null(
        strstr(rig_at(&rig, 0),
               "\"k\":{\"t\":1699999980000,\"T\":1700000039999,\"s\":\"BTCUSDT\",\"i\":\"1m\","
               "\"f\":1,\"L\":3,\"o\":\"100.00\",\"c\":\"99.00\",\"h\":\"102.00\",\"l\":\"99.00\","
               "\"v\":\"4.000\",\"n\":3,\"x\":false,\"q\":\"400\",\"V\":\"2.000\",\"Q\":\"202\",\"B\":\"0\"}"),
        "%s", rig_at(&rig, 0));
    rig_wait(&rig, 60 * NS_PER_S);
    size_t closed = 0;
    for (size_t i = 0; i < rig.count; i++)
        closed += strstr(rig_at(&rig, i), "\"x\":true") != NULL;
    cr_assert_eq(closed, 1);
    cr_assert_eq(rig_get(&rig, "/fapi/v1/klines", "symbol=BTCUSDT&interval=1m&limit=2"), 200);
    cr_assert_str_eq(rig.body, "[[1699999980000,\"100.00\",\"102.00\",\"99.00\",\"99.00\",\"4.000\",1700000039999,"
                               "\"400\",3,\"2.000\",\"202\",\"0\"],"
                               "[1700000040000,\"99.00\",\"99.00\",\"99.00\",\"99.00\",\"0.000\",1700000099999,\"0\","
                               "0,\"0.000\",\"0\",\"0\"]]");
    rig_close(&rig);
}

Test(wire_binance, a_gap_of_the_recorder_is_one_diff_of_the_venue)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert(rig_hello(&rig, 0, "/public/ws/btcusdt@depth@100ms", ""));
    rig_book(&rig, EVENT_BOOK_DELTA, "100.40x9 /", 390497795, 390497799, 390497794);
    wire_market(rig.wire, rig.now, &(struct event){.ts = rig.now, .exch_ts = rig.now, .kind = EVENT_GAP});
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, "100.50x2 100.30x1 / 100.60x3 100.80x1", 0, 390500000, 0);
    cr_assert_eq(rig.count, 2);
    cr_assert_not_null(
        strstr(rig_at(&rig, 1),
               "\"U\":390497800,\"u\":390500000,\"pu\":390497799,\"b\":[[\"100.40\",\"0.000\"],[\"100.30\","
               "\"1.000\"]],\"a\":[[\"100.70\",\"0.000\"],[\"100.80\",\"1.000\"]]"),
        "%s", rig_at(&rig, 1));
    /* The diff over the edge of the snapshot chains to what was said. */
    rig_book(&rig, EVENT_BOOK_DELTA, "100.50x5 /", 390499990, 390500010, 390499980);
    cr_assert_not_null(strstr(rig_at(&rig, 2), "\"pu\":390500000"));
    rig_close(&rig);
}

Test(wire_binance, aggregates_of_the_tape_are_told_as_they_are)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert(rig_hello(&rig, 0, "/market/ws/btcusdt@aggTrade", ""));
    const struct level level = {10050, 1500};
    const struct event event = {.ts = rig.now,
                                .exch_ts = rig.now,
                                .seq = 105,
                                .seq_first = 100,
                                .levels = &level,
                                .bid_count = 1,
                                .kind = EVENT_TRADE,
                                .flags = EVENT_AGGREGATE | EVENT_SELL};
    wire_market(rig.wire, rig.now, &event);
    SAID(0, "{\"e\":\"aggTrade\",\"E\":1700000000000,\"s\":\"BTCUSDT\",\"a\":1,\"p\":\"100.50\",\"q\":\"1.500\","
            "\"nq\":\"1.500\",\"f\":100,\"l\":105,\"T\":1700000000000,\"m\":true}");
    cr_assert_eq(rig_get(&rig, "/fapi/v1/aggTrades", "symbol=BTCUSDT&limit=1"), 200);
    cr_assert_str_eq(rig.body, "[{\"a\":1,\"p\":\"100.50\",\"q\":\"1.500\",\"f\":100,\"l\":105,\"T\":1700000000000,"
                               "\"m\":true}]");
    cr_assert_eq(rig_get(&rig, "/fapi/v1/aggTrades", "symbol=BTCUSDT&fromId=2"), 200);
    cr_assert_str_eq(rig.body, "[]");
    rig_close(&rig);
}

Test(wire_binance, ids_that_begin_anew_are_raised)
{
    open_at(WIRE_BINANCE_SPOT);
    cr_assert(rig_hello(&rig, 0, "/ws/btcusdt@depth@100ms", ""));
    rig_book(&rig, EVENT_BOOK_DELTA, "100.40x1 /", 390497795, 390497799, 0);
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, "100.50x9 / 100.60x3", 0, 1000, 0); /* the tape is played again */
    rig_book(&rig, EVENT_BOOK_DELTA, "100.50x8 /", 1001, 1004, 0);
    cr_assert_not_null(strstr(rig_at(&rig, 1), "\"U\":390497800,\"u\":390497800,"), "%s", rig_at(&rig, 1));
    cr_assert_not_null(strstr(rig_at(&rig, 2), "\"U\":390497801,\"u\":390497804,"), "%s", rig_at(&rig, 2));
    rig_close(&rig);
}

Test(wire_binance, marks_are_those_of_the_tape_or_the_middle_of_the_touch)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert(rig_hello(&rig, 0, "/market/ws/btcusdt@markPrice@1s", ""));
    rig_wait(&rig, NS_PER_S);
    SAID(0, "{\"e\":\"markPriceUpdate\",\"E\":1700000001000,\"s\":\"BTCUSDT\",\"p\":\"100.55\",\"ap\":\"100.55\","
            "\"i\":\"100.55\",\"P\":\"100.55\",\"r\":\"0.00000000\",\"T\":1700006400000}");
    const struct event_mark mark = {.mark_price = 10100,
                                    .index_price = 10090,
                                    .funding_rate = 100000000,
                                    .next_funding_ts = INT64_C(1700006400) * NS_PER_S};
    wire_market(rig.wire, rig.now,
                &(struct event){.ts = rig.now, .exch_ts = rig.now, .body = &mark, .kind = EVENT_MARK});
    rig_wait(&rig, NS_PER_S);
    cr_assert_not_null(strstr(rig_at(&rig, 1), "\"p\":\"101.00\""));
    cr_assert_not_null(strstr(rig_at(&rig, 1), "\"r\":\"0.00010000\",\"T\":1700006400000"), "%s", rig_at(&rig, 1));
    cr_assert_eq(rig_get(&rig, "/fapi/v1/premiumIndex", "symbol=BTCUSDT"), 200);
    cr_assert_not_null(strstr(rig.body, "\"markPrice\":\"101.00\",\"indexPrice\":\"100.90\""));
    rig_close(&rig);
}

Test(wire_binance, the_day_is_made_of_what_was_traded)
{
    open_at(WIRE_BINANCE_SPOT);
    cr_assert(rig_hello(&rig, 0, "/ws/btcusdt@miniTicker", ""));
    rig_trade(&rig, "100", "1", false, 1);
    rig_trade(&rig, "110", "3", true, 2);
    rig_wait(&rig, NS_PER_S);
    SAID(0, "{\"e\":\"24hrMiniTicker\",\"E\":1700000001000,\"s\":\"BTCUSDT\",\"c\":\"110.00\",\"o\":\"100.00\","
            "\"h\":\"110.00\",\"l\":\"100.00\",\"v\":\"4.000\",\"q\":\"430\"}");
    cr_assert_eq(rig_get(&rig, "/api/v3/ticker/24hr", "symbol=BTCUSDT"), 200);
    cr_assert_not_null(strstr(rig.body, "\"priceChange\":\"10.00\",\"priceChangePercent\":\"10.000\","
                                        "\"weightedAvgPrice\":\"107.50\""),
                       "%s", rig.body);
    rig_close(&rig);
}

Test(wire_binance, calls_with_a_key_are_answered_as_to_a_stranger)
{
    open_at(WIRE_BINANCE_USDM);
    cr_assert_eq(rig_get(&rig, "/fapi/v2/balance", ""), 401);
    cr_assert_str_eq(rig.body, "{\"code\":-2014,\"msg\":\"API-key format invalid.\"}");
    cr_assert_eq(rig_get(&rig, "/fapi/v1/nothing", ""), 404);
    rig_close(&rig);
}
