#include "core/risk.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Linear, linear of the same settle currency, inverse: prices at 10^-2, 10^-2 and 10^-1, quantities at 10^-3,
 * 10^-3, 1. */
enum { BTC, ETH, COIN, INSTRUMENTS };
#define RATE_MAX 8
#define NOON     (INT64_C(20000) * 86400 * NS_PER_S + 43200 * NS_PER_S)
#define DAY      (86400 * NS_PER_S)
#define USDT(x)  ((money_t)(x)*money_pow10(MONEY_DECIMALS))

static struct instrument instruments[INSTRUMENTS];
static struct risk_limits limits[INSTRUMENTS];
static struct account *account;
static struct order_table *orders;
static struct risk *risk;
static struct risk_view view;

static void *block(size_t size)
{
    void *memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
    memset(memory, 0xa5, size);
    return memory;
}

static void set_up(void)
{
    cr_assert_eq(instrument_init(&instruments[BTC], "v", "BTCUSDT", "BTC", "USDT", CONTRACT_LINEAR, 2, 3), ERR_OK);
    cr_assert_eq(instrument_init(&instruments[ETH], "v", "ETHUSDT", "ETH", "USDT", CONTRACT_LINEAR, 2, 3), ERR_OK);
    cr_assert_eq(instrument_init(&instruments[COIN], "v", "BTCUSD", "BTC", "USD", CONTRACT_INVERSE, 1, 0), ERR_OK);
    instruments[COIN].multiplier = 100;
    memset(limits, 0, sizeof(limits));
    account = account_init(block(account_size(INSTRUMENTS)), instruments, INSTRUMENTS);
    orders = order_table_init(block(order_table_size(64)), 64);
    view = (struct risk_view){.instrument = &instruments[BTC],
                              .account = account,
                              .orders = orders,
                              .best_bid = 9990,
                              .best_ask = 10000,
                              .equity = USDT(1000)};
}

static void tear_down(void)
{
    free(account);
    free(orders);
    free(risk);
}

TestSuite(risk, .init = set_up, .fini = tear_down);

/* With the limits as the test has set them. */
static void begin(void)
{
    risk = risk_init(block(risk_size(INSTRUMENTS, RATE_MAX)), limits, INSTRUMENTS);
}

static struct order_request limit_order(enum side side, px_t price, qty_t qty)
{
    return (struct order_request){
        .instrument = BTC, .side = (uint8_t)side, .type = ORDER_LIMIT, .price = price, .qty = qty};
}

static enum reason ask(struct order_request request, ns_t ts)
{
    view.instrument = &instruments[request.instrument];
    return risk_check(risk, &request, &view, ts);
}

static struct order *rest(enum side side, qty_t qty)
{
    struct order_request request = limit_order(side, 10000, qty);
    struct order *order = NULL;
    cr_assert_eq(order_table_add(orders, &request, 1, &order), ERR_OK);
    return order;
}

#define EXPECT(actual, expected)                                                                                     \
    do {                                                                                                             \
        enum reason got = (actual);                                                                                  \
        cr_expect(got == (expected), "%s: %s, expected %s", #actual, reason_name(got), reason_name(expected));       \
    } while (0)

Test(risk, without_limits_everything_passes)
{
    begin();
    struct order_request market = {.instrument = BTC, .side = SIDE_SELL, .type = ORDER_MARKET, .qty = INT64_MAX};
    view.stale = true;
    for (int i = 0; i < 1000; i++) {
        EXPECT(ask(limit_order(SIDE_BUY, INT64_MAX, INT64_MAX), NOON), REASON_NONE);
        EXPECT(ask(market, NOON), REASON_NONE);
    }
}

Test(risk, checks_answer_in_the_documented_order)
{
    limits[BTC] = (struct risk_limits){.order_notional_max = USDT(100),
                                       .position_max = 1000,
                                       .open_orders_max = 1,
                                       .orders_per_second_max = 1,
                                       .collar_bp = 10,
                                       .daily_loss_max = USDT(10)};
    begin();
    /* An order that breaks everything; what the answer names is put right, and the next check answers. */
    EXPECT(ask(limit_order(SIDE_BUY, 10000, 1000), NOON), REASON_NONE);
    struct order *open = rest(SIDE_BUY, 1000);
    struct order_request request = limit_order(SIDE_BUY, 20000, 5000);
    ns_t ts = NOON + 1;
    risk_kill(risk);
    EXPECT(ask(request, ts), REASON_RISK_KILLED);
    risk_clear(risk);
    risk_mark(risk, "USDT", USDT(1000), ts);
    view.equity = USDT(990);
    EXPECT(ask(request, ts), REASON_RISK_NOTIONAL);
    request.qty = 400;
    EXPECT(ask(request, ts), REASON_RISK_POSITION);
    request.flags = ORDER_REDUCE_ONLY;
    EXPECT(ask(request, ts), REASON_RISK_OPEN_ORDERS);
    struct execution end = {.order_id = open->id, .kind = EXEC_CANCELLED};
    cr_assert_eq(order_table_apply(orders, &end, ts, &open), ERR_OK);
    EXPECT(ask(request, ts), REASON_RISK_ORDER_RATE);
    ts = NOON + NS_PER_S;
    EXPECT(ask(request, ts), REASON_RISK_COLLAR);
    request.price = 10000;
    EXPECT(ask(request, ts), REASON_RISK_DAILY_LOSS);
    EXPECT(ask(request, ts), REASON_RISK_KILLED);
    risk_clear(risk);
    EXPECT(ask(request, ts), REASON_NONE);
    EXPECT(ask(request, ts), REASON_RISK_ORDER_RATE);
}

/* ---- notional ---- */

Test(risk, notional_may_reach_its_limit_and_not_pass_it)
{
    limits[BTC].order_notional_max = USDT(100);
    begin();
    EXPECT(ask(limit_order(SIDE_BUY, 10000, 1000), NOON), REASON_NONE);
    EXPECT(ask(limit_order(SIDE_BUY, 10000, 1001), NOON), REASON_RISK_NOTIONAL);
    EXPECT(ask(limit_order(SIDE_SELL, 10001, 1000), NOON), REASON_RISK_NOTIONAL);
    EXPECT(ask(limit_order(SIDE_BUY, INT64_MAX, INT64_MAX), NOON), REASON_RISK_NOTIONAL);
    EXPECT(ask(limit_order(SIDE_BUY, INT64_MIN, 1), NOON), REASON_BAD_PRICE);
    EXPECT(ask(limit_order(SIDE_SELL, -10001, 1000), NOON), REASON_RISK_NOTIONAL);
}

Test(risk, market_order_is_valued_at_the_opposite_touch_of_a_fresh_book)
{
    limits[BTC].order_notional_max = USDT(100);
    begin();
    struct order_request market = {.instrument = BTC, .side = SIDE_BUY, .type = ORDER_MARKET, .qty = 1001};
    EXPECT(ask(market, NOON), REASON_RISK_NOTIONAL);
    market.side = SIDE_SELL;
    EXPECT(ask(market, NOON), REASON_NONE); /* 99.9 x 1.001 */
    market.qty = 1002;
    EXPECT(ask(market, NOON), REASON_RISK_NOTIONAL);
    market.qty = 1;
    view.best_bid = 0;
    EXPECT(ask(market, NOON), REASON_RISK_NO_MARKET);
    market.side = SIDE_BUY;
    EXPECT(ask(market, NOON), REASON_NONE);
    view.stale = true;
    EXPECT(ask(market, NOON), REASON_RISK_NO_MARKET);
    EXPECT(ask(limit_order(SIDE_BUY, 10000, 1000), NOON), REASON_NONE); /* has a price of its own */
}

Test(risk, inverse_notional_is_in_coins)
{
    limits[COIN].order_notional_max = money_pow10(MONEY_DECIMALS - 2); /* 0.01 BTC */
    begin();
    struct order_request request = {
        .instrument = COIN, .side = SIDE_BUY, .type = ORDER_LIMIT, .price = 500000, .qty = 5};
    EXPECT(ask(request, NOON), REASON_NONE); /* 500 USD at 50,000 */
    request.price = 499999;
    EXPECT(ask(request, NOON), REASON_RISK_NOTIONAL); /* fewer dollars a coin: more coins */
    request.price = 0;
    EXPECT(ask(request, NOON), REASON_BAD_PRICE);
}

/* ---- position ---- */

Test(risk, position_counts_what_is_held_and_what_is_open_on_the_same_side)
{
    limits[BTC].position_max = 1000;
    begin();
    cr_assert_eq(account_fill(account, BTC, SIDE_BUY, 10000, 400, 0, 0, NULL), ERR_OK);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 600), NOON), REASON_NONE);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 601), NOON), REASON_RISK_POSITION);
    rest(SIDE_BUY, 500);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 100), NOON), REASON_NONE);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 101), NOON), REASON_RISK_POSITION);
    /* the other side does not see these buys, and may go from +0.4 to -1 */
    EXPECT(ask(limit_order(SIDE_SELL, 1, 1400), NOON), REASON_NONE);
    EXPECT(ask(limit_order(SIDE_SELL, 1, 1401), NOON), REASON_RISK_POSITION);
    EXPECT(ask(limit_order(SIDE_BUY, 1, INT64_MAX), NOON), REASON_RISK_POSITION);
}

Test(risk, reducing_passes_also_far_above_the_limit)
{
    limits[BTC].position_max = 1000;
    begin();
    cr_assert_eq(account_fill(account, BTC, SIDE_SELL, 10000, 5000, 0, 0, NULL), ERR_OK);
    EXPECT(ask(limit_order(SIDE_SELL, 1, 1), NOON), REASON_RISK_POSITION);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON), REASON_NONE);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 5000), NOON), REASON_NONE);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 6001), NOON), REASON_RISK_POSITION);
    rest(SIDE_BUY, 5000); /* what already closes it all is counted */
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1001), NOON), REASON_RISK_POSITION);
    struct order_request request = limit_order(SIDE_BUY, 1, 9999);
    request.flags = ORDER_REDUCE_ONLY;
    EXPECT(ask(request, NOON), REASON_NONE);
}

/* ---- open orders and rate ---- */

Test(risk, open_orders_are_counted_an_instrument)
{
    limits[BTC].open_orders_max = 2;
    limits[ETH].open_orders_max = 2;
    begin();
    rest(SIDE_BUY, 1);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON), REASON_NONE);
    rest(SIDE_SELL, 1);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON), REASON_RISK_OPEN_ORDERS);
    struct order_request other = limit_order(SIDE_BUY, 1, 1);
    other.instrument = ETH;
    EXPECT(ask(other, NOON), REASON_NONE);
}

Test(risk, any_second_holds_at_most_the_orders_allowed)
{
    limits[BTC].orders_per_second_max = 3;
    begin();
    /* ms: verdict. The second slides: an order leaves it exactly one second later. */
    static const struct {
        int64_t ms;
        bool passes;
    } lines[] = {{0, true},     {100, true},   {100, true},  {999, false},  {1000, true}, {1000, false},
                 {1099, false}, {1100, true},  {1100, true}, {1999, false}, {2000, true}, {2100, true},
                 {2100, true},  {2101, false}, {9000, true}, {9000, true},  {9000, true}, {9000, false}};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        enum reason got = ask(limit_order(SIDE_BUY, 1, 1), NOON + lines[i].ms * NS_PER_MS);
        cr_expect(got == (lines[i].passes ? REASON_NONE : REASON_RISK_ORDER_RATE), "line %zu, %lld ms: %s", i,
                  (long long)lines[i].ms, reason_name(got));
    }
}

Test(risk, refused_orders_do_not_count_for_the_rate)
{
    limits[BTC].orders_per_second_max = 1;
    limits[BTC].position_max = 10;
    limits[BTC].collar_bp = 1;
    begin();
    for (int i = 0; i < 5; i++) {
        EXPECT(ask(limit_order(SIDE_BUY, 10000, 11), NOON), REASON_RISK_POSITION);
        EXPECT(ask(limit_order(SIDE_BUY, 99999, 1), NOON), REASON_RISK_COLLAR);
    }
    EXPECT(ask(limit_order(SIDE_BUY, 10000, 1), NOON), REASON_NONE);
    EXPECT(ask(limit_order(SIDE_BUY, 10000, 1), NOON), REASON_RISK_ORDER_RATE);
}

Test(risk, each_instrument_has_a_rate_of_its_own)
{
    limits[BTC].orders_per_second_max = 1;
    limits[ETH].orders_per_second_max = RATE_MAX;
    limits[COIN].orders_per_second_max = 2;
    begin();
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON), REASON_NONE);
    for (uint16_t i = ETH; i <= COIN; i++) {
        struct order_request request = limit_order(SIDE_BUY, 1, 1);
        request.instrument = i;
        for (uint32_t n = 0; n < limits[i].orders_per_second_max; n++)
            EXPECT(ask(request, NOON), REASON_NONE);
        EXPECT(ask(request, NOON), REASON_RISK_ORDER_RATE);
    }
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON), REASON_RISK_ORDER_RATE);
    struct order_request other = limit_order(SIDE_BUY, 1, 1);
    other.instrument = COIN;
    EXPECT(ask(other, NOON + NS_PER_S), REASON_NONE);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON + NS_PER_S), REASON_NONE);
}

/* ---- collar ---- */

Test(risk, collar_is_measured_from_the_opposite_touch)
{
    limits[BTC].collar_bp = 50;
    begin();
    EXPECT(ask(limit_order(SIDE_BUY, 10050, 1), NOON), REASON_NONE);
    EXPECT(ask(limit_order(SIDE_BUY, 10051, 1), NOON), REASON_RISK_COLLAR);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON), REASON_NONE); /* far below harms nobody */
    EXPECT(ask(limit_order(SIDE_SELL, 9941, 1), NOON), REASON_NONE);
    EXPECT(ask(limit_order(SIDE_SELL, 9940, 1), NOON), REASON_RISK_COLLAR); /* 99.90 less 0.5 % is 99.4005 */
    EXPECT(ask(limit_order(SIDE_SELL, INT64_MAX, 1), NOON), REASON_NONE);
    EXPECT(ask(limit_order(SIDE_BUY, INT64_MAX, 1), NOON), REASON_RISK_COLLAR);
}

Test(risk, nothing_is_sent_on_a_stale_book_where_that_is_refused)
{
    struct risk_report report;
    const struct order_request closing = {
        .instrument = BTC, .side = SIDE_SELL, .type = ORDER_MARKET, .qty = 1, .flags = ORDER_REDUCE_ONLY};
    limits[BTC].refuse_stale = true;
    begin();
    EXPECT(ask(limit_order(SIDE_BUY, 10000, 1), NOON), REASON_NONE);
    const struct order *order = rest(SIDE_BUY, 5);
    view.stale = true;
    EXPECT(ask(limit_order(SIDE_BUY, 10000, 1), NOON), REASON_STALE_BOOK);
    EXPECT(ask(closing, NOON), REASON_STALE_BOOK);
    EXPECT(risk_check_amend(risk, order, 9000, 3, &view, NOON), REASON_STALE_BOOK);
    const struct order_request request = limit_order(SIDE_BUY, 10000, 1);
    risk_explain(risk, &request, &view, NOON, &report);
    EXPECT(report.reason, REASON_STALE_BOOK);
    cr_expect_eq(report.gates[RISK_GATE_SWITCH].verdict, RISK_FAILED);
    view.stale = false;
    EXPECT(ask(limit_order(SIDE_BUY, 10000, 1), NOON), REASON_NONE);
    limits[BTC].refuse_stale = false;
    begin();
    view.stale = true;
    EXPECT(ask(limit_order(SIDE_BUY, 10000, 1), NOON), REASON_NONE);
}

Test(risk, collar_needs_a_fresh_touch)
{
    limits[BTC].collar_bp = 50;
    begin();
    view.best_ask = 0;
    EXPECT(ask(limit_order(SIDE_BUY, 10000, 1), NOON), REASON_RISK_NO_MARKET);
    EXPECT(ask(limit_order(SIDE_SELL, 10000, 1), NOON), REASON_NONE);
    view.stale = true;
    EXPECT(ask(limit_order(SIDE_SELL, 10000, 1), NOON), REASON_RISK_NO_MARKET);
    struct order_request market = {.instrument = BTC, .side = SIDE_SELL, .type = ORDER_MARKET, .qty = 1};
    EXPECT(ask(market, NOON), REASON_NONE); /* a market order has no price to hold in */
}

/* ---- daily loss and kill switch ---- */

Test(risk, daily_loss_sets_the_switch_until_it_is_cleared)
{
    limits[BTC].daily_loss_max = USDT(100);
    begin();
    risk_mark(risk, "USDT", USDT(1000), NOON);
    view.equity = USDT(900) + 1;
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON), REASON_NONE);
    cr_expect(!risk_killed(risk));
    view.equity = USDT(900);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON), REASON_RISK_DAILY_LOSS);
    cr_expect(risk_killed(risk));
    view.equity = USDT(2000);
    struct order_request other = limit_order(SIDE_BUY, 1, 1);
    other.instrument = COIN;
    EXPECT(ask(other, NOON), REASON_RISK_KILLED); /* all instruments */
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON + 3 * DAY), REASON_RISK_KILLED);
    risk_clear(risk);
    view.equity = USDT(850); /* the count starts here */
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON + 3 * DAY), REASON_NONE);
    view.equity = USDT(750);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON + 3 * DAY), REASON_RISK_DAILY_LOSS);
}

Test(risk, daily_loss_between_two_orders_is_not_forgotten)
{
    limits[BTC].daily_loss_max = USDT(100);
    begin();
    risk_mark(risk, "USDT", USDT(1000), NOON);
    risk_mark(risk, "USDT", USDT(899), NOON + 1);
    risk_mark(risk, "USDT", USDT(1000), NOON + 2);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON + 3), REASON_RISK_DAILY_LOSS);
}

Test(risk, loss_is_counted_from_midnight_utc)
{
    limits[BTC].daily_loss_max = USDT(100);
    begin();
    ns_t midnight = NOON + DAY / 2;
    risk_mark(risk, "USDT", USDT(1000), midnight - 2);
    risk_mark(risk, "USDT", USDT(950), midnight);
    view.equity = USDT(851);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), midnight + 1), REASON_NONE);
    view.equity = USDT(850);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), midnight + 2), REASON_RISK_DAILY_LOSS);
    /* and before 1970 days begin at midnight too */
    risk_clear(risk);
    risk_mark(risk, "USDT", USDT(1000), -DAY);
    risk_mark(risk, "USDT", USDT(950), -1);
    view.equity = USDT(849);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), 0), REASON_NONE);
}

Test(risk, switch_of_the_day_goes_back_with_the_next_day)
{
    limits[BTC].daily_loss_max = USDT(100);
    limits[BTC].kill_reset_daily = true;
    begin();
    ns_t midnight = NOON + DAY / 2;
    risk_mark(risk, "USDT", USDT(1000), NOON);
    view.equity = USDT(800);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON), REASON_RISK_DAILY_LOSS);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), midnight - 1), REASON_RISK_KILLED);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), midnight), REASON_NONE);
    risk_kill(risk); /* an operator's switch is not of the day */
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), midnight + 5 * DAY), REASON_RISK_KILLED);
}

Test(risk, losses_of_one_settle_currency_are_one_and_of_two_are_two)
{
    limits[BTC].daily_loss_max = USDT(100);
    limits[ETH].daily_loss_max = USDT(100);
    limits[COIN].daily_loss_max = USDT(1);
    begin();
    risk_mark(risk, "USDT", USDT(1000), NOON);
    risk_mark(risk, "BTC", USDT(10), NOON);
    risk_mark(risk, "BTC", USDT(9) + 1, NOON);
    struct order_request request = limit_order(SIDE_BUY, 1, 1);
    request.instrument = COIN;
    view.equity = USDT(10);
    EXPECT(ask(request, NOON), REASON_NONE);
    request.instrument = ETH;
    view.equity = USDT(900);
    EXPECT(ask(request, NOON), REASON_RISK_DAILY_LOSS); /* marked as USDT, whoever lost it */
}

/* ---- amends ---- */

Test(risk, amend_is_checked_like_the_order_that_it_makes)
{
    limits[BTC] = (struct risk_limits){
        .order_notional_max = USDT(100), .position_max = 1000, .open_orders_max = 1, .collar_bp = 50};
    begin();
    struct order *order = rest(SIDE_BUY, 600);
    cr_assert_eq(account_fill(account, BTC, SIDE_BUY, 10000, 300, 0, 0, NULL), ERR_OK);
    EXPECT(risk_check_amend(risk, order, 10000, 700, &view, NOON), REASON_NONE); /* and no open-order count */
    EXPECT(risk_check_amend(risk, order, 10000, 701, &view, NOON), REASON_RISK_POSITION);
    EXPECT(risk_check_amend(risk, order, 10000, 1001, &view, NOON), REASON_RISK_NOTIONAL);
    EXPECT(risk_check_amend(risk, order, 10051, 600, &view, NOON), REASON_RISK_COLLAR);
    cr_assert_eq(account_fill(account, BTC, SIDE_BUY, 10000, 5000, 0, 0, NULL), ERR_OK);
    EXPECT(risk_check_amend(risk, order, 10000, 599, &view, NOON), REASON_NONE); /* to less: always */
    EXPECT(risk_check_amend(risk, order, 10000, 601, &view, NOON), REASON_RISK_POSITION);
    risk_kill(risk);
    EXPECT(risk_check_amend(risk, order, 10000, 599, &view, NOON), REASON_RISK_KILLED);
}

Test(risk, amends_and_orders_share_the_rate)
{
    limits[BTC].orders_per_second_max = 2;
    begin();
    const struct order *order = rest(SIDE_BUY, 600);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON), REASON_NONE);
    EXPECT(risk_check_amend(risk, order, 1, 1, &view, NOON), REASON_NONE);
    EXPECT(risk_check_amend(risk, order, 1, 1, &view, NOON), REASON_RISK_ORDER_RATE);
    EXPECT(ask(limit_order(SIDE_BUY, 1, 1), NOON), REASON_RISK_ORDER_RATE);
}

/* ---- explanations ---- */

/* Random limits, orders and moments: the explanation gives the answer that the gate then gives, fails at the check of
 * that answer, and changes nothing. */
Test(risk, an_explanation_answers_as_the_gate_does)
{
    static const enum reason of_gate[] = {REASON_RISK_KILLED,      REASON_RISK_NOTIONAL,   REASON_RISK_POSITION,
                                          REASON_RISK_OPEN_ORDERS, REASON_RISK_ORDER_RATE, REASON_RISK_COLLAR,
                                          REASON_RISK_DAILY_LOSS};
    uint64_t word = 20240808;
    int failed[RISK_GATE_COUNT] = {0}, passed = 0;
    limits[BTC] = (struct risk_limits){.order_notional_max = USDT(300),
                                       .position_max = 3000,
                                       .open_orders_max = 3,
                                       .orders_per_second_max = 4,
                                       .collar_bp = 100,
                                       .daily_loss_max = USDT(50),
                                       .kill_reset_daily = true};
    begin();
    ns_t ts = NOON;
    for (int i = 0; i < 20000; i++) {
        word = word * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const uint64_t draw = word >> 16;
        struct order_request request = limit_order(draw & 1 ? SIDE_BUY : SIDE_SELL, 9800 + (px_t)(draw >> 4 & 255),
                                                   1 + (qty_t)(draw >> 12 & 4095));
        request.type = (draw >> 1 & 7) == 0 ? ORDER_MARKET : ORDER_LIMIT;
        request.flags = (draw >> 24 & 7) == 0 ? ORDER_REDUCE_ONLY : 0;
        view.stale = (draw >> 27 & 15) == 0;
        view.equity = USDT(1000 - (int64_t)(draw >> 31 & 63));
        ts += (ns_t)(draw >> 37 & 1023) * NS_PER_MS;
        if (i % 100 == 99)
            ts += DAY;
        struct risk_report report, again;
        risk_explain(risk, &request, &view, ts, &report);
        risk_explain(risk, &request, &view, ts, &again);
        cr_assert_arr_eq(&report, &again, sizeof(report));
        const enum reason reason = ask(request, ts);
        cr_assert_eq(report.reason, reason, "%d: explained %s, answered %s", i, reason_name(report.reason),
                     reason_name(reason));
        int at = -1;
        for (int gate = 0; gate < RISK_GATE_COUNT; gate++) {
            const struct risk_figure *figure = &report.gates[gate];
            if (figure->verdict == RISK_FAILED)
                at = gate;
            cr_assert(figure->verdict != RISK_NOT_REACHED || at >= 0, "%d", i);
            if (figure->verdict == RISK_PASSED && figure->known && gate != RISK_GATE_SWITCH)
                cr_assert(gate == RISK_GATE_OPEN_ORDERS || gate == RISK_GATE_RATE || gate == RISK_GATE_DAILY_LOSS
                              ? figure->figure < figure->limit
                              : figure->figure <= figure->limit,
                          "%d, gate %d", i, gate);
        }
        cr_assert((at >= 0) == (reason != REASON_NONE));
        if (at >= 0) {
            cr_assert(reason == of_gate[at] || reason == REASON_RISK_NO_MARKET, "%d", i);
            failed[at]++;
        } else {
            passed++;
        }
        if (reason == REASON_NONE && (word >> 8 & 1) != 0 && order_table_open_count(orders) < 4)
            (void)rest((enum side)request.side, 1 + (qty_t)(word >> 9 & 63));
        if ((word >> 5 & 7) == 0) {
            struct order *open = order_table_next_open(orders, NULL);
            const struct execution gone = {.order_id = open != NULL ? open->id : 0, .kind = EXEC_CANCELLED};
            if (open != NULL)
                cr_assert_eq(order_table_apply(orders, &gone, 1, &open), ERR_OK);
        }
    }
    for (int gate = 0; gate < RISK_GATE_COUNT; gate++)
        cr_expect_gt(failed[gate], 0, "gate %d never failed", gate);
    cr_expect_gt(passed, 100);
}

Test(risk, an_explanation_tells_the_figures)
{
    struct risk_report report;
    limits[BTC] = (struct risk_limits){.order_notional_max = USDT(300), .position_max = 3000, .collar_bp = 100};
    begin();
    (void)rest(SIDE_BUY, 250);
    const struct order_request request = limit_order(SIDE_BUY, 10050, 500);
    risk_explain(risk, &request, &view, NOON, &report);
    cr_expect_eq(report.reason, REASON_NONE);
    cr_expect(report.gates[RISK_GATE_NOTIONAL].figure == USDT(50) + USDT(1) / 4);
    cr_expect(report.gates[RISK_GATE_POSITION].figure == 750);
    cr_expect(report.gates[RISK_GATE_OPEN_ORDERS].figure == 1);
    cr_expect_eq(report.gates[RISK_GATE_OPEN_ORDERS].verdict, RISK_OFF);
    cr_expect(report.gates[RISK_GATE_COLLAR].figure == 5000); /* 50 of 10,000: 50 bp */
    cr_expect(report.gates[RISK_GATE_COLLAR].limit == 10000);
    cr_expect_eq(report.touch, 10000);
    cr_expect_eq(report.gates[RISK_GATE_DAILY_LOSS].verdict, RISK_OFF);
}
