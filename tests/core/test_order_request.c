#include "core/order_request.h"

#include <criterion/criterion.h>

static struct instrument spot, linear;

static void set_up(void)
{
    cr_assert_eq(instrument_init(&spot, "upbit", "KRW-BTC", "BTC", "KRW", CONTRACT_SPOT, 0, 8), ERR_OK);
    cr_assert_eq(instrument_init(&linear, "v", "BTCUSDT", "BTC", "USDT", CONTRACT_LINEAR, 2, 3), ERR_OK);
}

TestSuite(order_request, .init = set_up);

static const struct order_request limit = {.side = SIDE_BUY, .type = ORDER_LIMIT, .price = 1, .qty = 1};
static const struct order_request market = {.side = SIDE_BUY, .type = ORDER_MARKET, .tif = TIF_IOC, .qty = 1};
static const struct order_request best = {.side = SIDE_BUY, .type = ORDER_BEST, .tif = TIF_IOC, .qty = 1};

#define SOUND(from, ...)                                                                                             \
    do {                                                                                                             \
        struct order_request request = from;                                                                         \
        __VA_ARGS__;                                                                                                 \
        cr_expect(order_request_is_sound(&request, &spot), #from " " #__VA_ARGS__);                                  \
    } while (0)
#define WRONG(from, ...)                                                                                             \
    do {                                                                                                             \
        struct order_request request = from;                                                                         \
        __VA_ARGS__;                                                                                                 \
        cr_expect(!order_request_is_sound(&request, &spot), #from " " #__VA_ARGS__);                                 \
    } while (0)

Test(order_request, fields_go_together_as_the_table_says)
{
    SOUND(limit, (void)0);
    SOUND(limit, request.flags = ORDER_POST_ONLY | ORDER_REDUCE_ONLY | ORDER_REMAINING);
    SOUND(limit, request.tif = TIF_GTD; request.expire_ts = 1);
    SOUND(limit, request.stp = STP_DECREMENT);
    WRONG(limit, request.qty = 0);
    WRONG(limit, request.side = 2);
    WRONG(limit, request.flags = 8);
    WRONG(limit, request.stp = STP_MODE_COUNT);
    WRONG(limit, request.type = ORDER_BEST + 1);
    WRONG(limit, request.tif = TIF_GTD + 1);
    WRONG(limit, request.tif = TIF_GTD);
    WRONG(limit, request.tif = TIF_GTD; request.expire_ts = -1);
    WRONG(limit, request.expire_ts = 1);
    WRONG(limit, request.qty = 0; request.funds = 5);

    SOUND(market, request.tif = TIF_GTC);
    SOUND(market, request.tif = TIF_FOK);
    SOUND(market, request.qty = 0; request.funds = 5);
    WRONG(market, request.funds = 5);
    WRONG(market, request.qty = 0; request.funds = -5);
    WRONG(market, request.qty = 0; request.funds = 5; request.side = SIDE_SELL);
    WRONG(market, request.tif = TIF_GTD; request.expire_ts = 1);

    SOUND(best, request.side = SIDE_SELL; request.tif = TIF_FOK);
    SOUND(best, request.qty = 0; request.funds = 5);
    WRONG(best, request.tif = TIF_GTC);
    WRONG(best, request.flags = ORDER_POST_ONLY);
}

Test(order_request, only_spot_is_bought_by_funds)
{
    struct order_request request = market;
    request.qty = 0;
    request.funds = 5;
    cr_expect(order_request_is_sound(&request, &spot));
    cr_expect(!order_request_is_sound(&request, &linear));
}

/* Upbit's own example: 6000 KRW at 160,594,000. */
Test(order_request, funds_buy_whole_lots)
{
    const money_t krw = money_pow10(MONEY_DECIMALS);
    cr_expect_eq(order_request_affords(&spot, 6000 * krw, 160594000), 3736);
    cr_expect_eq(order_request_affords(&spot, krw, 100000000), 1);
    cr_expect_eq(order_request_affords(&spot, krw - 1, 100000000), 0);
    spot.lot = 1000;
    cr_expect_eq(order_request_affords(&spot, 6000 * krw, 160594000), 3000);
    cr_expect_eq(order_request_affords(&spot, 0, 160594000), 0);
    cr_expect_eq(order_request_affords(&spot, krw, 0), 0);
    cr_expect_eq(order_request_affords(&spot, krw, -5), 0);
    cr_expect_eq(order_request_affords(&spot, money_pow10(38), 1), INT64_MAX / 1000 * 1000);
}
