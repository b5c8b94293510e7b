/* The venues' own rules, through the venue: what is refused at which date, with which code. */
#include "adapters/binance/rules.h"
#include "adapters/upbit/rules.h"
#include "sim/venue.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* ---- a venue with one or two markets ---- */

#define SAID_MAX 4096

struct rig {
    struct instrument instruments[2];
    struct venue_rules rules[2];
    const struct venue_rules *rules_of[2];
    struct venue *venue;
    struct execution said[SAID_MAX];
    int count;
    ns_t now;
    uint64_t last_id;
};

static struct rig rig;

static void on_execution(void *context, ns_t ts, const struct execution *execution, uint16_t instrument)
{
    (void)context, (void)ts, (void)instrument;
    cr_assert_lt(rig.count, SAID_MAX);
    rig.said[rig.count++] = *execution;
}

static ns_t at(const char *text)
{
    ns_t ts;
    cr_assert_eq(venue_rule_time(text, &ts), ERR_OK, "%s", text);
    return ts;
}

static void add_market(uint16_t i, const struct venue_profile *profile, const char *symbol, unsigned price_decimals,
                       unsigned qty_decimals)
{
    struct instrument *instrument = &rig.instruments[i];
    struct err_text why = {0};
    err_t err = ERR_OK;
    if (profile == &upbit_profile)
        err = upbit_rules_instrument(symbol, strlen(symbol), price_decimals, qty_decimals, instrument);
    else
        err = binance_rules_guess(profile == &binance_usdm_profile    ? BINANCE_USDM
                                  : profile == &binance_coinm_profile ? BINANCE_COINM
                                                                      : BINANCE_SPOT,
                                  symbol, strlen(symbol), price_decimals, qty_decimals, instrument);
    cr_assert_eq(err, ERR_OK);
    cr_assert_eq(venue_rules_resolve(profile, instrument, &rig.rules[i], &why), ERR_OK, "%s", why.text);
    (void)venue_rules_put_ticks(profile, instrument);
    cr_assert_eq(instrument_check(instrument, &why), ERR_OK, "%s", why.text);
    rig.rules_of[i] = &rig.rules[i];
}

static void open_venue(uint16_t count, const char *time, bool check_funds)
{
    struct venue_sink sink = {NULL, on_execution};
    struct venue_config config = {.instruments = rig.instruments,
                                  .instrument_count = count,
                                  .rules = rig.rules_of,
                                  .book_window = BOOK_WINDOW_MIN,
                                  .book_far = 256,
                                  .check_funds = check_funds,
                                  .own_orders_max = 2048};
    size_t size = (venue_size(&config) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, size);
    memset(memory, 0, size);
    rig.venue = venue_init(memory, &config, &sink);
    rig.now = at(time);
    rig.count = 0;
}

static void close_venue(void)
{
    free(rig.venue);
    memset(&rig, 0, sizeof(rig));
}
TestSuite(venue_rules, .fini = close_venue);

static void one_market(const struct venue_profile *profile, const char *symbol, unsigned price_decimals,
                       unsigned qty_decimals, const char *time)
{
    add_market(0, profile, symbol, price_decimals, qty_decimals);
    open_venue(1, time, false);
}

static int64_t in(const char *text, unsigned decimals)
{
    int64_t value;
    cr_assert_eq(decimal_parse(text, strlen(text), decimals, ROUND_EXACT, &value), ERR_OK, "%s", text);
    return value;
}
static px_t px(const char *text)
{
    return in(text, rig.instruments[0].price_decimals);
}
static qty_t qty(const char *text)
{
    return in(text, rig.instruments[0].qty_decimals);
}

static void market_event(uint16_t instrument, enum event_kind kind, const struct level *levels, uint32_t bids,
                         uint32_t asks, const void *body)
{
    struct event event = {.kind = (uint8_t)kind, .instrument = instrument, .bid_count = bids, .ask_count = asks};
    if (body != NULL)
        event.body = body;
    else
        event.levels = levels;
    venue_market(rig.venue, rig.now, &event);
}

/* One level a side. */
static void book(uint16_t instrument, const char *bid, const char *ask, const char *size)
{
    const struct level levels[] = {{px(bid), qty(size)}, {px(ask), qty(size)}};
    market_event(instrument, EVENT_BOOK_SNAPSHOT, levels, 1, 1, NULL);
}

static struct venue_request limit(enum side side, const char *price, const char *size)
{
    return (struct venue_request){
        .order_id = ++rig.last_id, .side = (uint8_t)side, .price = px(price), .qty = qty(size)};
}
static struct venue_request market(enum side side, const char *size)
{
    return (struct venue_request){
        .order_id = ++rig.last_id, .side = (uint8_t)side, .type = ORDER_MARKET, .tif = TIF_IOC, .qty = qty(size)};
}

/* The first answer to a request. */
static const struct execution *ask(struct venue_request request)
{
    rig.count = 0;
    venue_request(rig.venue, rig.now, &request);
    cr_assert_gt(rig.count, 0);
    return &rig.said[0];
}

static void refused(struct venue_request request, enum reason reason, const char *code, int line)
{
    char text[VENUE_CODE_TEXT_SIZE];
    const struct execution *said = ask(request);
    cr_assert_eq(said->kind, EXEC_REJECT, "line %d: %s", line, exec_kind_name((enum exec_kind)said->kind));
    cr_assert_eq(said->reason, reason, "line %d: %s", line, reason_name((enum reason)said->reason));
    cr_assert_str_eq(venue_code_text(rig.rules[0].profile, said->venue_code, text), code, "line %d: %s", line, text);
    cr_assert_eq(rig.count, 1);
}
#define REFUSED(request, reason, code) refused(request, REASON_##reason, code, __LINE__)

static void accepted(struct venue_request request, int line)
{
    const struct execution *said = ask(request);
    cr_assert_eq(said->kind, EXEC_ACK, "line %d: %s, %s", line, exec_kind_name((enum exec_kind)said->kind),
                 reason_name((enum reason)said->reason));
    struct venue_request cancel = {.kind = VENUE_CANCEL, .order_id = request.order_id};
    if (rig.count == 1)
        venue_request(rig.venue, rig.now, &cancel);
}
#define ACCEPTED(request) accepted(request, __LINE__)

/* ---- ticks of Upbit ---- */

static const struct tick_case {
    const char *price, *tick;
} ticks_2024_02[] =
    {
        /* both ends of every band, as the requirement lists them */
        {"150000000", "1000"},
        {"2000000", "1000"},
        {"1999500", "500"},
        {"1000000", "500"},
        {"999900", "100"},
        {"500000", "100"},
        {"499950", "50"},
        {"100000", "50"},
        {"99990", "10"},
        {"10000", "10"},
        {"9999", "1"},
        {"1000", "1"},
        {"999.9", "0.1"},
        {"100", "0.1"},
        {"99.99", "0.01"},
        {"10", "0.01"},
        {"9.999", "0.001"},
        {"1", "0.001"},
        {"0.9999", "0.0001"},
        {"0.1", "0.0001"},
        {"0.09999", "0.00001"},
        {"0.01", "0.00001"},
        {"0.009999", "0.000001"},
        {"0.001", "0.000001"},
        {"0.0009999", "0.0000001"},
        {"0.0001", "0.0000001"},
        {"0.00009999", "0.00000001"},
},
  ticks_2025_08[] =
      {
          {"150000000", "1000"},
          {"2000000", "1000"},
          {"1999000", "1000"},
          {"1000000", "1000"},
          {"999500", "500"},
          {"500000", "500"},
          {"499900", "100"},
          {"100000", "100"},
          {"99950", "50"},
          {"50000", "50"},
          {"49990", "10"},
          {"10000", "10"},
          {"9995", "5"},
          {"5000", "5"},
          {"4999", "1"},
          {"1000", "1"},
          {"999", "1"},
          {"100", "1"},
          {"99.9", "0.1"},
          {"10", "0.1"},
          {"9.99", "0.01"},
          {"1", "0.01"},
          {"0.999", "0.001"},
          {"0.1", "0.001"},
          {"0.0999", "0.0001"},
          {"0.01", "0.0001"},
          {"0.00999", "0.00001"},
          {"0.001", "0.00001"},
          {"0.000999", "0.000001"},
          {"0.0001", "0.000001"},
          {"0.0000999", "0.0000001"},
          {"0.00001", "0.0000001"},
},
  ticks_2024_01[] = {
      {"2000000", "1000"}, {"1000000", "500"}, {"500000", "100"}, {"100000", "50"},
      {"10000", "10"},     {"9995", "5"},      {"1000", "5"},     {"999", "1"},
      {"100", "1"},        {"99.9", "0.1"},    {"10", "0.1"},     {"9.99", "0.01"},
      {"1", "0.01"},       {"0.999", "0.001"}, {"0.1", "0.001"},  {"0.0999", "0.0001"},
};

/* On the grid it rests; half a tick off it is refused, buy and sell, with the venue's own words. */
static void walk_ticks(const char *time, const struct tick_case *cases, size_t count)
{
    rig.now = at(time);
    book(0, "0.00000001", "90000000000", "1");
    for (size_t i = 0; i < count; i++) {
        rig.now += 10 * NS_PER_S; /* under the request limit */
        px_t tick = px(cases[i].tick), price = px(cases[i].price);
        char size[32];
        qty_t worth = 0; /* about 10,000 KRW */
        cr_assert_eq(decimal_muldiv(10000 * decimal_pow10(8), decimal_pow10(8), price, ROUND_UP, &worth), ERR_OK);
        decimal_format(size, worth, 8, 0);
        px_t found;
        cr_assert_eq(instrument_tick(&rig.instruments[0], price, rig.now, &found), ERR_OK);
        cr_assert_eq(found, tick, "%s at %s", cases[i].price, time);
        ACCEPTED(limit(SIDE_BUY, cases[i].price, size));
        if (tick == 1)
            continue; /* the scale has nothing between two ticks */
        struct venue_request off = limit(SIDE_BUY, cases[i].price, size);
        off.price += tick / 2;
        REFUSED(off, BAD_PRICE, "invalid_price_bid");
        off = limit(SIDE_SELL, cases[i].price, size);
        off.price += tick / 2;
        REFUSED(off, BAD_PRICE, "invalid_price_ask");
    }
}

Test(venue_rules, upbit_keeps_the_27_ticks_of_february_2024)
{
    cr_assert_eq(ARRAY_LEN(ticks_2024_02), 27);
    one_market(&upbit_profile, "KRW-XRP", 8, 8, "2024-02-15");
    walk_ticks("2024-02-15", ticks_2024_02, ARRAY_LEN(ticks_2024_02));
}

Test(venue_rules, upbit_keeps_the_ticks_before_and_after_it)
{
    one_market(&upbit_profile, "KRW-XRP", 8, 8, "2024-01-20");
    walk_ticks("2024-01-20", ticks_2024_01, ARRAY_LEN(ticks_2024_01));
    walk_ticks("2025-08-01", ticks_2025_08, ARRAY_LEN(ticks_2025_08));
}

Test(venue_rules, a_tick_changes_at_midnight_in_korea_while_orders_come)
{
    one_market(&upbit_profile, "KRW-XRP", 8, 8, "2025-07-30T23:59+09:00");
    book(0, "500", "700", "1000");
    ACCEPTED(limit(SIDE_BUY, "600.1", "100"));
    rig.now = at("2025-07-31+09:00") - 1;
    ACCEPTED(limit(SIDE_BUY, "600.1", "100"));
    rig.now++;
    REFUSED(limit(SIDE_BUY, "600.1", "100"), BAD_PRICE, "invalid_price_bid");
    ACCEPTED(limit(SIDE_BUY, "600", "100"));
}

Test(venue_rules, a_resting_order_may_stay_off_the_new_grid_and_not_be_moved_there)
{
    one_market(&upbit_profile, "KRW-XRP", 8, 8, "2025-07-30T23:59+09:00");
    book(0, "500", "700", "1000");
    struct venue_request order = limit(SIDE_BUY, "600.1", "100");
    cr_assert_eq(ask(order)->kind, EXEC_ACK);
    rig.now = at("2025-07-31T00:01+09:00");
    order.kind = VENUE_AMEND;
    order.price = px("600.2");
    const struct execution *said = ask(order);
    cr_assert_eq(said->kind, EXEC_AMEND_REJECT);
    cr_assert_eq(said->reason, REASON_UNSUPPORTED, "this venue has no amendment");
    cr_assert_eq(venue_open_count(rig.venue), 1);
    order.kind = VENUE_NEW;
    order.order_id += 1000; /* ids are used once */
    said = ask(order);
    cr_assert_eq(said->reason, REASON_BAD_PRICE, "%s", reason_name((enum reason)said->reason));
    char text[VENUE_CODE_TEXT_SIZE];
    cr_assert_str_eq(venue_code_text(&upbit_profile, said->venue_code, text), "invalid_price_bid");
}

Test(venue_rules, a_price_of_zero_or_less_is_refused_and_never_given_a_tick)
{
    one_market(&upbit_profile, "KRW-XRP", 8, 8, "2024-02-15");
    book(0, "500", "700", "1000");
    REFUSED(limit(SIDE_BUY, "0", "100"), BAD_PRICE, "invalid_price_bid");
    REFUSED(limit(SIDE_SELL, "-1000", "100"), BAD_PRICE, "invalid_price_ask");
    close_venue();
    one_market(&binance_usdm_profile, "BTCUSDT", 1, 3, "2024-03-01");
    book(0, "60000", "60001", "10");
    REFUSED(limit(SIDE_BUY, "0", "1"), BAD_PRICE, "-4001");
    REFUSED(limit(SIDE_SELL, "-0.1", "1"), BAD_PRICE, "-4001");
}

/* ---- Upbit's other rules ---- */

Test(venue_rules, upbit_refuses_in_its_own_words)
{
    one_market(&upbit_profile, "KRW-BTC", 0, 8, "2024-03-01");
    book(0, "90000000", "90001000", "1");
    REFUSED(limit(SIDE_BUY, "89999000", "0.00005"), MIN_NOTIONAL, "under_min_total_bid");
    REFUSED(limit(SIDE_SELL, "90001000", "0.00005"), MIN_NOTIONAL, "under_min_total_ask");
    REFUSED(market(SIDE_SELL, "0.00005"), MIN_NOTIONAL, "under_min_total_market_ask");
    REFUSED(limit(SIDE_BUY, "89999000", "11.2"), MAX_NOTIONAL, "over_krw_funds_bid");
    REFUSED(limit(SIDE_BUY, "89999000", "0"), BAD_QTY, "invalid_volume_bid");
    struct venue_request again = limit(SIDE_BUY, "89999000", "0.001");
    ACCEPTED(again);
    REFUSED(again, DUPLICATE_ID, "duplicated_identifier");
    rig.now += NS_PER_S;
    const struct execution *said = ask((struct venue_request){.kind = VENUE_CANCEL, .order_id = 999});
    char text[VENUE_CODE_TEXT_SIZE];
    cr_assert_eq(said->kind, EXEC_CANCEL_REJECT);
    cr_assert_str_eq(venue_code_text(&upbit_profile, said->venue_code, text), "order_not_found");
    /* nobody wrote down the names of these */
    struct venue_request post = limit(SIDE_BUY, "90001000", "0.001");
    post.flags = ORDER_POST_ONLY;
    REFUSED(post, POST_ONLY, "0");
    REFUSED(limit(SIDE_SELL, "90001000", "11.2"), MAX_NOTIONAL, "0");
}

Test(venue_rules, upbit_names_missing_funds_by_side)
{
    add_market(0, &upbit_profile, "KRW-BTC", 0, 8);
    open_venue(1, "2024-03-01", true);
    book(0, "90000000", "90001000", "1");
    REFUSED(limit(SIDE_BUY, "89999000", "0.001"), INSUFFICIENT_FUNDS, "insufficient_funds_bid");
    REFUSED(limit(SIDE_SELL, "90001000", "0.001"), INSUFFICIENT_FUNDS, "insufficient_funds_ask");
}

Test(venue_rules, smallest_and_largest_orders_follow_the_date)
{
    one_market(&upbit_profile, "USDT-XRP", 8, 8, "2024-08-18");
    book(0, "0.5", "0.7", "1000");
    ACCEPTED(limit(SIDE_BUY, "0.6", "0.1"));
    REFUSED(limit(SIDE_BUY, "0.6001", "0.1"), BAD_PRICE, "invalid_price_bid");
    rig.now = at("2024-08-20");
    REFUSED(limit(SIDE_BUY, "0.6", "0.1"), MIN_NOTIONAL, "under_min_total_bid");
    ACCEPTED(limit(SIDE_BUY, "0.6001", "1"));
    close_venue();
    one_market(&upbit_profile, "BTC-ETH", 8, 8, "2025-05-19T14:59+09:00");
    book(0, "0.05", "0.06", "1000");
    ACCEPTED(limit(SIDE_BUY, "0.05", "300"));
    rig.now = at("2025-05-19T15:00+09:00");
    REFUSED(limit(SIDE_BUY, "0.05", "300"), MAX_NOTIONAL, "over_krw_funds_bid");
    ACCEPTED(limit(SIDE_BUY, "0.05", "200"));
}

Test(venue_rules, a_market_order_deeper_than_the_levels_shown_is_refused)
{
    struct level levels[21];
    one_market(&upbit_profile, "KRW-BTC", 0, 8, "2025-05-07T14:59+09:00");
    levels[0] = (struct level){px("89000000"), qty("1")};
    for (int i = 0; i < 20; i++)
        levels[i + 1] = (struct level){px("90000000") + i * 1000, qty("0.1")};
    market_event(0, EVENT_BOOK_SNAPSHOT, levels, 1, 20, NULL);
    REFUSED(market(SIDE_BUY, "1.6"), NO_LIQUIDITY, "0");
    rig.now = at("2025-05-07T15:00+09:00");
    ACCEPTED(market(SIDE_BUY, "1.6"));
}

/* ---- Binance ---- */

Test(venue_rules, binance_futures_refuses_with_the_codes_of_its_error_table)
{
    one_market(&binance_usdm_profile, "BTCUSDT", 2, 4, "2024-08-08");
    book(0, "60000", "60000.1", "200");
    REFUSED(limit(SIDE_BUY, "59999.95", "0.01"), BAD_PRICE, "-4014");
    REFUSED(limit(SIDE_BUY, "59999", "0"), BAD_QTY, "-4003");
    REFUSED(limit(SIDE_BUY, "59999", "0.0025"), BAD_QTY, "-4023");
    REFUSED(limit(SIDE_BUY, "59999", "0.0005"), BAD_QTY, "-4004");
    REFUSED(limit(SIDE_BUY, "59999", "1000.001"), BAD_QTY, "-4005");
    REFUSED(market(SIDE_BUY, "120.001"), BAD_QTY, "-4005");
    ACCEPTED(limit(SIDE_BUY, "59999", "120.001"));
    REFUSED(limit(SIDE_BUY, "59999", "0.001"), MIN_NOTIONAL, "-4164");
    struct venue_request order = limit(SIDE_BUY, "60000.1", "0.01");
    order.flags = ORDER_POST_ONLY;
    REFUSED(order, POST_ONLY, "-5022");
    order = limit(SIDE_SELL, "60001", "0.01");
    order.flags = ORDER_REDUCE_ONLY;
    REFUSED(order, REDUCE_ONLY, "-2022");
    order = limit(SIDE_BUY, "60000.1", "201");
    order.tif = TIF_FOK;
    REFUSED(order, FOK, "-5021");
    order = limit(SIDE_BUY, "59999", "0.01");
    ACCEPTED(order);
    REFUSED(order, DUPLICATE_ID, "-4116");
    cr_assert_eq(ask((struct venue_request){.kind = VENUE_CANCEL, .order_id = 999})->venue_code, -2011);
    cr_assert_eq(ask((struct venue_request){.kind = VENUE_AMEND, .order_id = 999, .qty = 1})->venue_code, -2013);
}

Test(venue_rules, an_amendment_is_refused_for_what_was_asked)
{
    one_market(&binance_usdm_profile, "BTCUSDT", 2, 3, "2024-08-08");
    book(0, "60000", "60000.1", "200");
    struct venue_request order = limit(SIDE_BUY, "59999", "0.01");
    cr_assert_eq(ask(order)->kind, EXEC_ACK);
    order.kind = VENUE_AMEND;
    order.qty = qty("2000");
    const struct execution *said = ask(order);
    cr_assert_eq(said->kind, EXEC_AMEND_REJECT);
    cr_assert_eq(said->venue_code, -4005);
    cr_assert_eq(said->leaves, qty("0.01"));
    order.qty = qty("0.01");
    order.price = 0;
    cr_assert_eq(ask(order)->venue_code, -4001);
    order.price = px("59000.05");
    cr_assert_eq(ask(order)->venue_code, -4014);
}

Test(venue_rules, the_smallest_order_and_what_cannot_be_follow_the_date)
{
    one_market(&binance_usdm_profile, "BTCUSDT", 1, 3, "2021-01-20");
    book(0, "500", "501", "10");
    ACCEPTED(limit(SIDE_BUY, "500", "0.001")); /* no minimum yet */
    rig.now = at("2021-01-26");
    REFUSED(limit(SIDE_BUY, "500", "0.001"), MIN_NOTIONAL, "-4164");
    ACCEPTED(limit(SIDE_BUY, "500", "0.002"));
    rig.now = at("2021-02-24T03:00Z");
    REFUSED(limit(SIDE_BUY, "500", "0.002"), MIN_NOTIONAL, "-4164");
    ACCEPTED(limit(SIDE_BUY, "500", "0.01"));
    rig.now = at("2024-07-30");
    REFUSED(limit(SIDE_BUY, "500", "0.01"), MIN_NOTIONAL, "-4164");
    ACCEPTED(limit(SIDE_BUY, "500", "0.2"));
    close_venue();

    one_market(&binance_usdm_profile, "BTCUSDT", 1, 3, "2023-03-21");
    book(0, "500", "501", "10");
    struct venue_request order = limit(SIDE_BUY, "501", "11");
    order.tif = TIF_FOK;
    cr_assert_eq(ask(order)->kind, EXEC_ACK);
    cr_assert_eq(rig.said[1].kind, EXEC_EXPIRED);
    struct venue_request post = limit(SIDE_BUY, "501", "1");
    post.flags = ORDER_POST_ONLY;
    cr_assert_eq(ask(post)->kind, EXEC_ACK);
    cr_assert_eq(rig.said[1].kind, EXEC_EXPIRED);
    cr_assert_eq(rig.said[1].reason, REASON_POST_ONLY);
    cr_assert_eq(rig.count, 2);
    rig.now = at("2023-03-22");
    post.order_id = ++rig.last_id;
    REFUSED(post, POST_ONLY, "-5022");
    order.order_id = ++rig.last_id;
    REFUSED(order, FOK, "-5021");
    order = limit(SIDE_BUY, "501", "10");
    order.tif = TIF_FOK;
    ACCEPTED(order);
}

Test(venue_rules, a_futures_price_beside_the_mark_is_refused)
{
    one_market(&binance_usdm_profile, "BTCUSDT", 1, 3, "2024-03-01");
    book(0, "60000", "60000.1", "200");
    /* no mark yet: the middle of the book */
    REFUSED(limit(SIDE_BUY, "63000.2", "0.01"), PRICE_BAND, "-4016");
    const struct event_mark mark = {.mark_price = px("50000")};
    market_event(0, EVENT_MARK, NULL, 0, 0, &mark);
    REFUSED(limit(SIDE_BUY, "52500.1", "0.01"), PRICE_BAND, "-4016");
    ACCEPTED(limit(SIDE_BUY, "52500", "0.01"));
    ACCEPTED(limit(SIDE_BUY, "20000", "0.01")); /* a buy has no lower end */
    REFUSED(limit(SIDE_SELL, "47499.9", "0.01"), PRICE_BAND, "-4024");
    ACCEPTED(limit(SIDE_SELL, "70000", "0.01"));
    REFUSED(market(SIDE_BUY, "0.01"), PRICE_BAND, "-4131"); /* the best ask is 20 % above the mark */
    ACCEPTED(market(SIDE_SELL, "0.01"));
}

Test(venue_rules, a_spot_price_is_held_against_the_average_of_the_last_minutes)
{
    one_market(&binance_spot_profile, "BTCUSDT", 2, 5, "2024-08-08");
    book(0, "60000", "60000.01", "200");
    const struct level cheap[] = {{px("10000"), qty("3")}}, dear[] = {{px("50000"), qty("1")}};
    market_event(0, EVENT_TRADE, cheap, 1, 0, NULL);
    market_event(0, EVENT_TRADE, dear, 1, 0, NULL); /* average 20,000 */
    REFUSED(limit(SIDE_SELL, "100000.01", "0.01"), PRICE_BAND, "-1013");
    ACCEPTED(limit(SIDE_SELL, "100000", "0.01"));
    REFUSED(limit(SIDE_BUY, "3999.99", "0.01"), PRICE_BAND, "-1013");
    ACCEPTED(limit(SIDE_BUY, "4000", "0.01"));
    ACCEPTED(market(SIDE_BUY, "0.01")); /* the band is of limit orders */
    rig.now += 7 * 60 * NS_PER_S;       /* no trade in the window: the last one */
    ACCEPTED(limit(SIDE_SELL, "250000", "0.01"));
    REFUSED(limit(SIDE_SELL, "250000.01", "0.01"), PRICE_BAND, "-1013");
}

Test(venue_rules, binance_spot_has_one_code_for_all_filters)
{
    one_market(&binance_spot_profile, "BTCUSDT", 3, 6, "2024-08-08");
    book(0, "60000", "60000.01", "2000");
    REFUSED(limit(SIDE_BUY, "59999.005", "0.01"), BAD_PRICE, "-1013");
    REFUSED(limit(SIDE_BUY, "59999", "0.000015"), BAD_QTY, "-1013");
    REFUSED(limit(SIDE_BUY, "59999", "0.00001"), MIN_NOTIONAL, "-1013");
    REFUSED(limit(SIDE_BUY, "59999", "151"), MAX_NOTIONAL, "-1013");
    ACCEPTED(market(SIDE_BUY, "151")); /* the maximum is not of market orders */
    struct venue_request order = limit(SIDE_BUY, "60001", "0.01");
    order.flags = ORDER_POST_ONLY;
    REFUSED(order, POST_ONLY, "-2010");
}

Test(venue_rules, one_order_more_than_may_rest_is_refused)
{
    one_market(&binance_usdm_profile, "BTCUSDT", 1, 3, "2024-03-01");
    book(0, "60000", "60000.1", "200");
    for (int i = 0; i < 200; i++)
        cr_assert_eq(ask(limit(SIDE_BUY, "59999", "0.01"))->kind, EXEC_ACK);
    struct venue_request order = limit(SIDE_BUY, "59999", "0.01");
    REFUSED(order, OPEN_ORDERS, "-2025");
    order = limit(SIDE_BUY, "60000.1", "0.01");
    order.tif = TIF_IOC;
    ACCEPTED(order); /* does not rest */
    struct venue_request amend = limit(SIDE_BUY, "59998", "0.01");
    amend.kind = VENUE_AMEND;
    amend.order_id = 1;
    cr_assert_eq(ask(amend)->kind, EXEC_AMENDED);
}

Test(venue_rules, fees_follow_the_date)
{
    one_market(&binance_coinm_profile, "BTCUSD_PERP", 1, 0, "2023-09-26T03:59Z");
    book(0, "25000", "25000.1", "1000");
    ask(market(SIDE_BUY, "10")); /* 10 x 100 USD / 25000.1 x 0.0004 */
    cr_assert_eq(rig.said[1].kind, EXEC_FILL);
    cr_assert(rig.said[1].fee == 1600, "%lld", (long long)rig.said[1].fee);
    rig.now = at("2023-09-26T04:00Z");
    ask(market(SIDE_BUY, "10"));
    cr_assert(rig.said[1].fee == 2000, "%lld", (long long)rig.said[1].fee);
}

/* ---- request limits ---- */

static uint64_t count_of(enum reason reason, int16_t code)
{
    struct venue_refusals refusals;
    for (uint32_t i = 0; venue_refused(rig.venue, i, &refusals); i++)
        if (refusals.reason == reason && refusals.code == code)
            return refusals.count;
    return 0;
}

Test(venue_rules, orders_beyond_the_venues_window_are_refused_until_the_next)
{
    add_market(0, &binance_usdm_profile, "BTCUSDT", 1, 3);
    add_market(1, &binance_usdm_profile, "ETHUSDT", 1, 3);
    open_venue(2, "2024-03-01T00:01Z", false);
    book(0, "60000", "60000.1", "200");
    book(1, "3000", "3000.1", "200");
    rig.now += 9 * NS_PER_S;
    for (int i = 0; i < 150; i++) { /* the account's count, over all its markets */
        struct venue_request other = limit(SIDE_BUY, "2999", "1");
        other.instrument = 1;
        other.tif = TIF_IOC;
        cr_assert_eq(ask(other)->kind, EXEC_ACK);
        struct venue_request order = limit(SIDE_BUY, "59999", "0.01");
        order.tif = TIF_IOC;
        cr_assert_eq(ask(order)->kind, EXEC_ACK);
    }
    REFUSED(limit(SIDE_BUY, "59999", "0.01"), RATE_LIMIT, "-1015");
    REFUSED(limit(SIDE_BUY, "59999", "0.01"), RATE_LIMIT, "-1015");
    cr_assert_eq(count_of(REASON_RATE_LIMIT, -1015), 2);
    /* cancels are counted elsewhere */
    cr_assert_eq(ask((struct venue_request){.kind = VENUE_CANCEL, .order_id = 999})->reason, REASON_UNKNOWN_ORDER);
    /* windows begin at whole tens of seconds, not with the first request */
    rig.now = at("2024-03-01T00:01Z") + 10 * NS_PER_S - 1;
    struct venue_request once = limit(SIDE_BUY, "59999", "0.01");
    REFUSED(once, RATE_LIMIT, "-1015");
    rig.now++;
    ACCEPTED(once); /* the refused request has used up nothing, its id neither */
}

Test(venue_rules, the_longer_window_holds_over_the_shorter_ones)
{
    one_market(&binance_usdm_profile, "BTCUSDT", 1, 3, "2024-03-01");
    book(0, "60000", "60000.1", "200");
    for (int ten = 0; ten < 4; ten++, rig.now += 10 * NS_PER_S)
        for (int i = 0; i < 300; i++) {
            struct venue_request order = limit(SIDE_BUY, "59999", "0.01");
            order.tif = TIF_IOC;
            cr_assert_eq(ask(order)->kind, EXEC_ACK);
        }
    REFUSED(limit(SIDE_BUY, "59999", "0.01"), RATE_LIMIT, "-1015");
    rig.now = at("2024-03-01T00:01Z");
    ACCEPTED(limit(SIDE_BUY, "59999", "0.01"));
}

Test(venue_rules, cancels_have_a_limit_of_their_own_and_leave_the_order)
{
    one_market(&binance_usdm_profile, "BTCUSDT", 1, 3, "2024-03-01");
    book(0, "60000", "60000.1", "200");
    struct venue_request order = limit(SIDE_BUY, "59999", "0.01");
    cr_assert_eq(ask(order)->kind, EXEC_ACK);
    for (int i = 0; i < 2400; i++)
        cr_assert_eq(ask((struct venue_request){.kind = VENUE_CANCEL, .order_id = 999})->reason,
                     REASON_UNKNOWN_ORDER);
    const struct execution *said = ask((struct venue_request){.kind = VENUE_CANCEL, .order_id = order.order_id});
    cr_assert_eq(said->kind, EXEC_CANCEL_REJECT);
    cr_assert_eq(said->reason, REASON_RATE_LIMIT);
    cr_assert_eq(said->venue_code, -1003);
    cr_assert_eq(said->leaves, order.qty);
    cr_assert_eq(venue_open_count(rig.venue), 1);
}

Test(venue_rules, upbit_counts_a_second_from_its_first_request)
{
    one_market(&upbit_profile, "KRW-BTC", 0, 8, "2024-03-01");
    book(0, "90000000", "90001000", "1");
    rig.now += NS_PER_S / 2;
    for (int i = 0; i < 8; i++)
        cr_assert_eq(ask(limit(SIDE_BUY, "89999000", "0.001"))->kind, EXEC_ACK);
    rig.now += NS_PER_S - 1;
    REFUSED(limit(SIDE_BUY, "89999000", "0.001"), RATE_LIMIT, "too_many_requests");
    rig.now++;
    ACCEPTED(limit(SIDE_BUY, "89999000", "0.001"));
    /* twelve a second since 2026-08-21 21:00 in Korea */
    rig.now = at("2026-08-21T21:00+09:00");
    for (int i = 0; i < 12; i++)
        cr_assert_eq(ask(limit(SIDE_BUY, "89999000", "0.001"))->kind, EXEC_ACK);
    REFUSED(limit(SIDE_BUY, "89999000", "0.001"), RATE_LIMIT, "too_many_requests");
}

Test(venue_rules, upbit_had_a_limit_a_minute_until_october_2023)
{
    one_market(&upbit_profile, "KRW-BTC", 0, 8, "2023-10-25T18:50+09:00");
    book(0, "40000000", "40001000", "1");
    int accepted_count = 0;
    for (int second = 0; second < 30; second++, rig.now += NS_PER_S)
        for (int i = 0; i < 8; i++)
            accepted_count += ask(limit(SIDE_BUY, "39999000", "0.001"))->kind == EXEC_ACK;
    cr_assert_eq(accepted_count, 200);
    rig.now = at("2023-10-25T19:00+09:00");
    for (int second = 0; second < 30; second++, rig.now += NS_PER_S)
        for (int i = 0; i < 8; i++)
            cr_assert_eq(ask(limit(SIDE_BUY, "39999000", "0.001"))->kind, EXEC_ACK);
}

/* ---- without a profile ---- */

Test(venue_rules, a_venue_that_nobody_knows_has_no_codes_and_no_limits)
{
    add_market(0, &binance_usdm_profile, "BTCUSDT", 1, 3);
    rig.rules_of[0] = NULL;
    open_venue(1, "2024-03-01", false);
    book(0, "60000", "60000.1", "200");
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(ask(limit(SIDE_BUY, "59999", "0.001"))->kind, EXEC_ACK);
    REFUSED(limit(SIDE_BUY, "59999", "0"), BAD_QTY, "0");
}

Test(venue_rules, no_rules_ask_for_no_more_than_matching_needs)
{
    add_market(0, &binance_usdm_profile, "BTCUSDT", 2, 4);
    venue_rules_none(&rig.instruments[0], &rig.rules[0]);
    open_venue(1, "2024-08-08", false);
    book(0, "60000", "60000.1", "200");
    ACCEPTED(limit(SIDE_BUY, "59999.01", "0.0001"));
    REFUSED(limit(SIDE_BUY, "59999", "0"), BAD_QTY, "0");
    REFUSED(limit(SIDE_BUY, "0", "1"), BAD_PRICE, "0");
}
