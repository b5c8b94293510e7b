/* The words of Upbit, held against its pages and against frames that were recorded. */
#include "tests/sim/wire_rig.h"

#include <criterion/criterion.h>
#include <string.h>

#define BOOK            "127x688682.445 126x1924299.536 / 128x280460.378 129x502824.981"
#define SAID(i, text)   cr_assert_str_eq(rig_at(&rig, i), text)
#define HAS(text, part) cr_assert_not_null(strstr(text, part), "%s", text)

static struct wire_rig rig;

static void open_upbit(void)
{
    rig_init(&rig, WIRE_UPBIT);
    rig_open(&rig);
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, BOOK, 0, 0, 0);
}

Test(wire_upbit, a_book_is_a_snapshot_first_and_then_live)
{
    open_upbit();
    cr_assert(rig_hello(&rig, 0, "/websocket/v1", ""));
    rig_text(&rig, 0, "[{\"ticket\":\"t\"},{\"type\":\"orderbook\",\"codes\":[\"KRW-BTC\"]}]");
    cr_assert_eq(rig.count, 1);
    cr_assert_eq(rig.said[0].opcode, WIRE_BINARY);
    SAID(0, "{\"type\":\"orderbook\",\"code\":\"KRW-BTC\",\"timestamp\":1700000000000,\"total_ask_size\":783285.359,"
            "\"total_bid_size\":2612981.981,\"orderbook_units\":[{\"ask_price\":128.0,\"bid_price\":127.0,"
            "\"ask_size\":280460.378,\"bid_size\":688682.445},{\"ask_price\":129.0,\"bid_price\":126.0,"
            "\"ask_size\":502824.981,\"bid_size\":1924299.536}],\"stream_type\":\"SNAPSHOT\",\"level\":0}");
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, "127x1 / 128x2", 0, 0, 0);
    HAS(rig_at(&rig, 1), "\"stream_type\":\"REALTIME\"");
    rig_close(&rig);
}

Test(wire_upbit, simple_names_are_those_of_recorded_frames)
{
    open_upbit();
    cr_assert(rig_hello(&rig, 0, "/websocket/v1", ""));
    rig_text(&rig, 0,
             "[{\"ticket\":\"t\"},{\"format\":\"SIMPLE\"},{\"type\":\"trade\",\"codes\":[\"KRW-BTC\"],"
             "\"isOnlyRealtime\":true}]");
    cr_assert_eq(rig.count, 0);
    rig_trade(&rig, "127", "46.488", false, 1618678262000003);
    SAID(0,
         "{\"ty\":\"trade\",\"cd\":\"KRW-BTC\",\"tms\":1700000000000,\"td\":\"2023-11-14\",\"ttm\":\"22:13:20\","
         "\"ttms\":1700000000000,\"tp\":127.0,\"tv\":46.488,\"ab\":\"BID\",\"pcp\":127.0,\"c\":\"EVEN\",\"cp\":0.0,"
         "\"sid\":1618678262000003,\"bap\":128.0,\"bas\":280460.378,\"bbp\":127.0,\"bbs\":688682.445,"
         "\"st\":\"REALTIME\"}");
    rig_close(&rig);
}

Test(wire_upbit, numbers_below_a_millionth_have_an_exponent)
{
    rig_init(&rig, WIRE_UPBIT);
    cr_assert_eq(instrument_init(&rig.instruments[0], "upbit", "BTC-ARK", "ARK", "BTC", CONTRACT_SPOT, 8, 8), ERR_OK);
    rig_open(&rig);
    cr_assert(rig_hello(&rig, 0, "/websocket/v1", ""));
    rig_text(&rig, 0,
             "[{\"ticket\":\"t\"},{\"type\":\"orderbook\",\"codes\":[\"BTC-ARK.1\"]},{\"format\":\"SIMPLE\"}]");
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, "0.00000099x5 / 0.000001x6", 0, 0, 0);
    HAS(rig_at(&rig, 0), "\"ap\":0.000001,\"bp\":9.9E-7,");
    rig_close(&rig);
}

Test(wire_upbit, lists_are_arrays_of_one)
{
    open_upbit();
    cr_assert(rig_hello(&rig, 0, "/websocket/v1", ""));
    rig_text(&rig, 0,
             "[{\"ticket\":\"t\"},{\"type\":\"orderbook\",\"codes\":[\"KRW-BTC.1\"]},{\"format\":\"SIMPLE_LIST\"}]");
    cr_assert_eq(rig_at(&rig, 0)[0], '[');
    HAS(rig_at(&rig, 0),
        "\"obu\":[{\"ap\":128.0,\"bp\":127.0,\"as\":280460.378,\"bs\":688682.445}],\"st\":\"SNAPSHOT\",\"lv\":0}]");
    rig_close(&rig);
}

Test(wire_upbit, books_of_won_are_grouped_and_what_is_not_a_level_is_silent)
{
    open_upbit();
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, "127x1 126x2 119x3 / 128x4 131x5", 0, 0, 0);
    cr_assert(rig_hello(&rig, 0, "/websocket/v1", ""));
    /* The rig's tick is 0.01: 10 is a thousand of them. */
    rig_text(&rig, 0, "[{\"ticket\":\"t\"},{\"type\":\"orderbook\",\"codes\":[\"KRW-BTC\"],\"level\":10}]");
    HAS(rig_at(&rig, 0),
        "\"orderbook_units\":[{\"ask_price\":130.0,\"bid_price\":120.0,\"ask_size\":4,\"bid_size\":3},"
        "{\"ask_price\":140.0,\"bid_price\":110.0,\"ask_size\":5,\"bid_size\":3}]");
    rig_clear(&rig);
    rig_text(&rig, 0, "[{\"ticket\":\"t\"},{\"type\":\"orderbook\",\"codes\":[\"KRW-BTC\"],\"level\":7}]");
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, "127x1 / 128x4", 0, 0, 0);
    cr_assert_eq(rig.count, 0);
    rig_close(&rig);
}

Test(wire_upbit, data_come_in_text_frames_when_asked_for)
{
    rig_init(&rig, WIRE_UPBIT);
    rig.config.text_frames = true;
    rig_open(&rig);
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, BOOK, 0, 0, 0);
    cr_assert(rig_hello(&rig, 0, "/websocket/v1", ""));
    rig_text(&rig, 0, "[{\"ticket\":\"t\"},{\"type\":\"orderbook\",\"codes\":[\"KRW-BTC\"]}]");
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, "127x1 / 128x4", 0, 0, 0);
    cr_assert_eq(rig.count, 2);
    cr_assert(rig.said[0].opcode == WIRE_TEXT && rig.said[1].opcode == WIRE_TEXT);
    rig_close(&rig);
}

Test(wire_upbit, a_later_request_replaces_what_was_subscribed)
{
    open_upbit();
    cr_assert(rig_hello(&rig, 0, "/websocket/v1", ""));
    rig_text(&rig, 0,
             "[{\"ticket\":\"t\"},{\"type\":\"orderbook\",\"codes\":[\"KRW-BTC.15\"],\"is_only_realtime\":true}]");
    rig_text(&rig, 0, "[{\"ticket\":\"u\"},{\"type\":\"trade\",\"codes\":[\"KRW-BTC\",\"KRW-ETH\"]}]");
    rig_text(&rig, 0, "[{\"ticket\":\"v\"},{\"method\":\"LIST_SUBSCRIPTIONS\"}]");
    SAID(0,
         "{\"method\":\"LIST_SUBSCRIPTIONS\",\"result\":[{\"type\":\"trade\",\"codes\":[\"KRW-BTC\",\"KRW-ETH\"]}],"
         "\"ticket\":\"v\"}");
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, "127x1 / 128x4", 0, 0, 0);
    cr_assert_eq(rig.count, 1);
    rig_close(&rig);
}

Test(wire_upbit, wrong_requests_have_the_names_of_the_page)
{
    static const struct {
        const char *request, *name;
    } rows[] = {
        {"{\"ticket\":\"t\"}", "WRONG_FORMAT"},
        {"[{\"type\":\"trade\",\"codes\":[\"KRW-BTC\"]}]", "NO_TICKET"},
        {"[{\"ticket\":\"t\"},{\"codes\":[\"KRW-BTC\"]}]", "NO_TYPE"},
        {"[{\"ticket\":\"t\"},{\"type\":\"trade\"}]", "NO_CODES"},
        {"[{\"ticket\":\"t\"},{\"type\":\"trade\",\"codes\":[]}]", "INVALID_PARAM"},
    };
    open_upbit();
    rig.now += 500 * NS_PER_MS;
    cr_assert(rig_hello(&rig, 0, "/websocket/v1", ""));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rig_clear(&rig);
        rig_text(&rig, 0, rows[i].request);
        HAS(rig_at(&rig, 0), rows[i].name);
    }
    rig_close(&rig);
}

Test(wire_upbit, more_than_five_messages_a_second_are_refused)
{
    open_upbit();
    cr_assert(rig_hello(&rig, 0, "/websocket/v1", ""));
    for (int i = 0; i < 6; i++)
        rig_text(&rig, 0, "[{\"ticket\":\"v\"},{\"method\":\"LIST_SUBSCRIPTIONS\"}]");
    HAS(rig_at(&rig, 4), "LIST_SUBSCRIPTIONS");
    HAS(rig_at(&rig, 5), "Too Many Requests");
    rig_wait(&rig, NS_PER_S);
    rig_clear(&rig);
    rig_text(&rig, 0, "[{\"ticket\":\"v\"},{\"method\":\"LIST_SUBSCRIPTIONS\"}]");
    HAS(rig_at(&rig, 0), "LIST_SUBSCRIPTIONS");
    rig_close(&rig);
}

Test(wire_upbit, silence_ends_a_connection_after_two_minutes_and_PING_keeps_it)
{
    open_upbit();
    cr_assert(rig_hello(&rig, 0, "/websocket/v1", ""));
    cr_assert(rig_hello(&rig, 1, "/websocket/v1", ""));
    rig_text(&rig, 1, "PING");
    rig_wait(&rig, 130 * NS_PER_S);
    size_t up = 0, ends = 0;
    for (size_t i = 0; i < rig.count; i++) {
        up += strcmp(rig_at(&rig, i), "{\"status\":\"UP\"}") == 0 && rig.said[i].client == 1;
        ends += rig.said[i].opcode == WIRE_CLOSE;
        cr_assert(rig.said[i].opcode != WIRE_CLOSE || rig.said[i].client == 0);
    }
    cr_assert_eq(up, 14);
    cr_assert_eq(ends, 1);
    rig_close(&rig);
}

Test(wire_upbit, books_over_http_and_what_is_left_of_the_second)
{
    open_upbit();
    cr_assert_eq(rig_get(&rig, "/v1/orderbook", "markets=KRW-BTC&count=1"), 200);
    cr_assert_str_eq(rig.body,
                     "[{\"market\":\"KRW-BTC\",\"timestamp\":1700000000000,\"total_ask_size\":280460.378,"
                     "\"total_bid_size\":688682.445,\"orderbook_units\":[{\"ask_price\":128.0,\"bid_price\":127.0,"
                     "\"ask_size\":280460.378,\"bid_size\":688682.445}],\"level\":0}]");
    HAS(rig.headers, "remaining-req: group=orderbook; min=600; sec=9\n");
    cr_assert_eq(rig_get(&rig, "/v1/orderbook", "markets=KRW-BTC&level=7"), 200);
    cr_assert_str_eq(rig.body, "[]");
    cr_assert_eq(rig_get(&rig, "/v1/ticker", "markets=KRW-NOPE"), 404);
    cr_assert_str_eq(rig.body, "{\"error\":{\"name\":404,\"message\":\"Code not found\"}}");
    for (int i = 0; i < 8; i++)
        cr_assert_eq(rig_get(&rig, "/v1/orderbook", "markets=KRW-BTC"), 200);
    HAS(rig.headers, "sec=0\n");
    cr_assert_eq(rig_get(&rig, "/v1/orderbook", "markets=KRW-BTC"), 429);
    cr_assert_eq(rig_get(&rig, "/v1/market/all", ""), 200);
    cr_assert_eq(rig_get(&rig, "/v1/accounts", ""), 401);
    HAS(rig.body, "\"name\":\"no_authorization_token\"");
    rig_close(&rig);
}

Test(wire_upbit, candles_come_newest_first_and_skip_silence)
{
    open_upbit();
    rig_trade(&rig, "127", "1", false, 1);
    rig_trade(&rig, "128", "2", true, 2);
    rig_wait(&rig, 180 * NS_PER_S);
    rig_trade(&rig, "126", "1", false, 3);
    cr_assert_eq(rig_get(&rig, "/v1/candles/minutes/1", "market=KRW-BTC&count=5"), 200);
    cr_assert_str_eq(
        rig.body,
        "[{\"market\":\"KRW-BTC\",\"candle_date_time_utc\":\"2023-11-14T22:16:00\",\"candle_date_time_kst\":\"2023-"
        "11-"
        "15T07:16:00\",\"opening_price\":126.0,\"high_price\":126.0,\"low_price\":126.0,\"trade_price\":126.0,"
        "\"timestamp\":1700000180000,\"candle_acc_trade_price\":126,\"candle_acc_trade_volume\":1,\"unit\":1},"
        "{\"market\":\"KRW-BTC\",\"candle_date_time_utc\":\"2023-11-14T22:13:00\",\"candle_date_time_kst\":\"2023-11-"
        "15T07:13:00\",\"opening_price\":127.0,\"high_price\":128.0,\"low_price\":127.0,\"trade_price\":128.0,"
        "\"timestamp\":1700000000000,\"candle_acc_trade_price\":383,\"candle_acc_trade_volume\":3,\"unit\":1}]");
    cr_assert_eq(rig_get(&rig, "/v1/candles/minutes/1", "market=KRW-BTC&count=5&to=2023-11-14T22:16:00Z"), 200);
    cr_assert_null(strstr(rig.body, "22:16"));
    cr_assert_eq(rig_get(&rig, "/v1/trades/ticks", "market=KRW-BTC&count=2"), 200);
    HAS(rig.body, "[{\"market\":\"KRW-BTC\",\"trade_date_utc\":\"2023-11-14\",\"trade_time_utc\":\"22:16:20\","
                  "\"timestamp\":1700000180000,\"trade_price\":126.0,");
    cr_assert_eq(rig_get(&rig, "/v1/candles/minutes/7", "market=KRW-BTC"), 404);
    rig_close(&rig);
}
