#include "core/margin.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/prng.h"

/* Golden figures: the liquidation prices and maintenance amounts of Binance's own formula and of freqtrade's. */

static money_t money(const char *text)
{
    money_t value = 0;
    cr_assert_eq(decimal_parse_money(text, strlen(text), MONEY_DECIMALS, ROUND_EXACT, &value), ERR_OK, "%s", text);
    return value;
}

static const char *text_of(money_t value, unsigned decimals)
{
    static char texts[8][DECIMAL_TEXT_SIZE];
    static int next;
    char *text = texts[next++ % 8];
    decimal_format(text, value, decimals, 0);
    return text;
}

static struct instrument contract(enum contract_kind kind, unsigned price_decimals, unsigned qty_decimals)
{
    struct instrument instrument;
    cr_assert_eq(instrument_init(&instrument, "binance-usdm", "BTCUSDT", "BTC",
                                 kind == CONTRACT_INVERSE ? "USD" : "USDT", kind, price_decimals, qty_decimals),
                 ERR_OK);
    return instrument;
}

/* The brackets of a large perpetual, shortened. */
static struct margin_tiers brackets(void)
{
    struct margin_tiers tiers = {.count = 4, .cap = money("10000000")};
    static const char *const floors[] = {"0", "50000", "250000", "1000000"};
    static const int64_t rates[] = {4000000, 5000000, 10000000, 25000000};
    uint32_t bad;
    for (int i = 0; i < 4; i++)
        tiers.at[i] = (struct margin_tier){.floor = money(floors[i]), .rate = rates[i], .leverage_max = 12500 >> i};
    cr_assert_eq(margin_tiers_complete(&tiers, &bad, NULL), ERR_OK);
    return tiers;
}

static struct position position_of(const struct instrument *instrument, enum side side, px_t price, qty_t qty)
{
    void *memory = aligned_alloc(64, account_size(1));
    struct account *account = account_init(memory, instrument, 1);
    cr_assert_eq(account_fill(account, 0, side, price, qty, 0, 0, NULL), ERR_OK);
    struct position position = *account_position(account, 0);
    free(memory);
    return position;
}

static const char *liquidation(const struct instrument *instrument, const struct margin_tiers *tiers, enum side side,
                               px_t price, qty_t qty, const char *wallet)
{
    struct position position = position_of(instrument, side, price, qty);
    money_t at;
    err_t err = margin_liquidation_price(instrument, tiers, &position, money(wallet), 2, &at);
    return err == ERR_OK ? text_of(at, instrument->price_decimals + 2) : err_name(err);
}

/* ---- tiers ---- */

Test(margin, cum_of_each_tier_follows_from_the_rates)
{
    struct margin_tiers tiers = brackets();
    cr_expect_str_eq(text_of(tiers.at[0].cum, MONEY_DECIMALS), "0");
    cr_expect_str_eq(text_of(tiers.at[1].cum, MONEY_DECIMALS), "50");
    cr_expect_str_eq(text_of(tiers.at[2].cum, MONEY_DECIMALS), "1300");
    cr_expect_str_eq(text_of(tiers.at[3].cum, MONEY_DECIMALS), "16300");
}

Test(margin, maintenance_does_not_jump_at_the_edge_of_a_tier)
{
    struct margin_tiers tiers = brackets();
    for (uint32_t i = 1; i < tiers.count; i++) {
        const money_t below = margin_maintenance(&tiers, tiers.at[i].floor - 1);
        const money_t at = margin_maintenance(&tiers, tiers.at[i].floor);
        cr_expect(at >= below && at - below <= 1, "tier %u: %s then %s", i, text_of(below, 18), text_of(at, 18));
    }
    cr_expect_str_eq(text_of(margin_maintenance(&tiers, money("49999")), MONEY_DECIMALS), "199.996");
    cr_expect_str_eq(text_of(margin_maintenance(&tiers, money("250000")), MONEY_DECIMALS), "1200");
    cr_expect_str_eq(text_of(margin_maintenance(&tiers, money("2000000")), MONEY_DECIMALS), "33700");
}

Test(margin, maintenance_never_falls_with_the_notional)
{
    struct margin_tiers tiers = brackets();
    struct prng prng;
    prng_init(&prng, 11, 0);
    for (int i = 0; i < 20000; i++) {
        money_t notional = (money_t)prng_below(&prng, 3000000) * money_pow10(18) + (money_t)prng_below(&prng, 1000);
        money_t more = notional + (money_t)prng_below(&prng, 1u << 30);
        cr_assert_leq(margin_maintenance(&tiers, notional), margin_maintenance(&tiers, more), "seed 11, step %d", i);
    }
}

Test(margin, a_published_cum_must_agree_with_its_tiers)
{
    struct margin_tiers tiers = brackets();
    struct err_text why = {0};
    uint32_t bad = 99;
    tiers.at[2].cum = money("1300.01");
    cr_expect_eq(margin_tiers_complete(&tiers, &bad, &why), ERR_OK, "rounding of the venue's is not an error");
    cr_expect_str_eq(text_of(tiers.at[2].cum, MONEY_DECIMALS), "1300");
    tiers.at[2].cum = money("1301");
    cr_expect_eq(margin_tiers_complete(&tiers, &bad, &why), ERR_RANGE);
    cr_expect_eq(bad, 2);
    cr_expect_not_null(strstr(why.text, "1301"));
    cr_expect_not_null(strstr(why.text, "1300"));
}

Test(margin, tiers_that_cannot_be_are_refused)
{
    uint32_t bad;
    struct margin_tiers tiers = brackets();
    tiers.at[0].floor = 1;
    cr_expect_eq(margin_tiers_complete(&tiers, &bad, NULL), ERR_RANGE);
    cr_expect_eq(bad, 0);
    tiers = brackets();
    tiers.at[2].floor = tiers.at[1].floor;
    cr_expect_eq(margin_tiers_complete(&tiers, &bad, NULL), ERR_RANGE);
    cr_expect_eq(bad, 2);
    tiers = brackets();
    tiers.at[3].rate = tiers.at[2].rate - 1;
    cr_expect_eq(margin_tiers_complete(&tiers, &bad, NULL), ERR_RANGE);
    tiers = brackets();
    tiers.at[1].rate = INT64_C(1000000000);
    cr_expect_eq(margin_tiers_complete(&tiers, &bad, NULL), ERR_RANGE);
    tiers = brackets();
    tiers.cap = tiers.at[3].floor;
    cr_expect_eq(margin_tiers_complete(&tiers, &bad, NULL), ERR_RANGE);
    tiers.count = 0;
    cr_expect_eq(margin_tiers_complete(&tiers, &bad, NULL), ERR_RANGE);
}

Test(margin, initial_margin_is_rounded_up)
{
    cr_expect_str_eq(text_of(margin_initial(money("6000"), 1000), MONEY_DECIMALS), "600");
    cr_expect_str_eq(text_of(margin_initial(money("1"), 300), MONEY_DECIMALS), "0.333333333333333334");
    cr_expect_str_eq(text_of(margin_initial(money("1000"), 250), MONEY_DECIMALS), "400");
    cr_expect_eq(margin_initial(0, 100), 0);
}

Test(margin, ratio_is_capped_and_needs_equity)
{
    cr_expect_eq(margin_ratio(0, -5), 0);
    cr_expect_eq(margin_ratio(money("1"), money("4")), 250000000);
    cr_expect_eq(margin_ratio(money("1"), money("3")), 333333334, "rounded up");
    cr_expect_eq(margin_ratio(money("1"), 0), RATIO_CAP);
    cr_expect_eq(margin_ratio(money("1"), -1), RATIO_CAP);
    cr_expect_eq(margin_ratio(money("1"), 1), RATIO_CAP);
}

/* ---- the liquidation price ---- */

Test(margin, liquidation_prices_of_the_field_come_out)
{
    struct instrument linear = contract(CONTRACT_LINEAR, 1, 3);
    struct margin_tiers tiers = brackets();
    /* 54216.8674698..., 65737.0517928..., 54246.2311557...: down for a long position, up for a short one */
    cr_expect_str_eq(liquidation(&linear, &tiers, SIDE_BUY, 600000, 100, "600"), "54216.867");
    cr_expect_str_eq(liquidation(&linear, &tiers, SIDE_SELL, 600000, 100, "600"), "65737.052");
    cr_expect_str_eq(liquidation(&linear, &tiers, SIDE_BUY, 600000, 2000, "12000"), "54246.231");
}

Test(margin, the_tier_is_that_of_the_notional_at_the_price)
{
    struct instrument linear = contract(CONTRACT_LINEAR, 1, 3);
    struct margin_tiers tiers = brackets();
    /* 1 long at 50200, second tier at entry; at the price, 49948.79 or so, it is in the first: (50200 - 450) / 0.996
     */
    cr_expect_str_eq(liquidation(&linear, &tiers, SIDE_BUY, 502000, 1000, "450"), "49949.799");
    /* 1 short at 49800, first tier at entry; at the price in the second: (450 + 50 + 49800) / 1.005 */
    cr_expect_str_eq(liquidation(&linear, &tiers, SIDE_SELL, 498000, 1000, "450"), "50049.752");
}

Test(margin, what_no_price_liquidates_has_none)
{
    struct instrument linear = contract(CONTRACT_LINEAR, 1, 3), inverse = contract(CONTRACT_INVERSE, 1, 0);
    struct margin_tiers tiers = brackets();
    struct position flat = {0};
    money_t at;
    cr_expect_eq(margin_liquidation_price(&linear, &tiers, &flat, 0, 0, &at), ERR_NOTFOUND);
    cr_expect_str_eq(liquidation(&linear, &tiers, SIDE_BUY, 600000, 100, "6000"), "ERR_NOTFOUND");
    /* short 100 USD at 60000 with half a coin behind it: at no price is a coin short worth less than that */
    inverse.multiplier = 100;
    cr_expect_str_eq(liquidation(&inverse, &tiers, SIDE_SELL, 600000, 1, "0.5"), "ERR_NOTFOUND");
}

Test(margin, inverse_liquidation_price)
{
    struct instrument inverse = contract(CONTRACT_INVERSE, 1, 0);
    struct margin_tiers tiers;
    margin_tiers_single(&tiers, 4000000);
    inverse.multiplier = 100;
    /* 600 contracts of 100 USD at 60000: one coin. Long with 0.1 coin: 60000 x 1.004 / 1.1; short: 60000 x 0.996 /
     * 0.9 */
    cr_expect_str_eq(liquidation(&inverse, &tiers, SIDE_BUY, 600000, 600, "0.1"), "54763.636");
    cr_expect_str_eq(liquidation(&inverse, &tiers, SIDE_SELL, 600000, 600, "0.1"), "66400");
}

/* Maintenance and equity of one position at a mark, as the venue works them out. */
static bool is_liquidated(const struct instrument *instrument, const struct margin_tiers *tiers,
                          struct account *account, money_t rest, px_t mark)
{
    money_t notional, profit;
    const qty_t qty = account_position(account, 0)->qty;
    cr_assert_eq(account_notional(instrument, mark, qty < 0 ? -qty : qty, ROUND_CEIL, &notional), ERR_OK);
    cr_assert_eq(account_unrealised(account, 0, mark, &profit), ERR_OK);
    return margin_maintenance(tiers, notional) >= rest + profit;
}

Test(margin, random_positions_are_liquidated_from_their_price_on_and_not_before)
{
    struct margin_tiers tiers = brackets();
    struct prng prng;
    const uint64_t seed = 4711;
    int found = 0;
    prng_init(&prng, seed, 0);
    for (int i = 0; i < 4000; i++) {
        const bool coins = prng_below(&prng, 3) == 0;
        struct instrument instrument = contract(coins ? CONTRACT_INVERSE : CONTRACT_LINEAR, 2, coins ? 0 : 3);
        instrument.multiplier = coins ? 100 : 1;
        const enum side side = prng_below(&prng, 2) == 0 ? SIDE_BUY : SIDE_SELL;
        const px_t price = prng_range(&prng, 100000, 9000000);
        const qty_t qty = prng_range(&prng, 1, coins ? 1000000 : 60000);
        void *memory = aligned_alloc(64, account_size(1));
        struct account *account = account_init(memory, &instrument, 1);
        cr_assert_eq(account_fill(account, 0, side, price, qty, 0, 0, NULL), ERR_OK);
        money_t notional, at;
        cr_assert_eq(account_notional(&instrument, price, qty, ROUND_CEIL, &notional), ERR_OK);
        /* not a round share: where the price is a whole tick, the last digit of a coin value decides */
        const money_t rest = notional / 1000 * prng_range(&prng, 20, 900) + prng_range(&prng, 1, 1000000);
        if (margin_liquidation_price(&instrument, &tiers, account_position(account, 0), rest, 0, &at) == ERR_OK &&
            at < INT64_MAX / 4) {
            const px_t mark = (px_t)at, before = side == SIDE_BUY ? mark + 1 : mark - 1;
            found++;
            cr_expect(is_liquidated(&instrument, &tiers, account, rest, mark), "seed %" PRIu64 ", step %d", seed, i);
            cr_expect(before <= 0 || !is_liquidated(&instrument, &tiers, account, rest, before),
                      "seed %" PRIu64 ", step %d: one tick before; %s %s at %s, rest %s, liquidated at %s", seed, i,
                      contract_kind_name(instrument.contract), text_of(side == SIDE_BUY ? qty : -qty, 0),
                      text_of(price, 2), text_of(rest, MONEY_DECIMALS), text_of(at, 2));
        }
        free(memory);
    }
    cr_expect_gt(found, 3000);
}

/* ---- funding ---- */

static const char *funding(const struct instrument *instrument, qty_t qty, px_t mark, const char *rate)
{
    int64_t value = 0;
    money_t paid = 0;
    cr_assert_eq(decimal_parse(rate, strlen(rate), RATE_DECIMALS, ROUND_EXACT, &value), ERR_OK);
    err_t err = margin_funding(instrument, qty, mark, value, &paid);
    return err == ERR_OK ? text_of(paid, MONEY_DECIMALS) : err_name(err);
}

Test(margin, who_pays_funding_is_told_by_two_signs)
{
    struct instrument linear = contract(CONTRACT_LINEAR, 1, 3);
    cr_expect_str_eq(funding(&linear, 2000, 600000, "0.0001"), "-12");
    cr_expect_str_eq(funding(&linear, -2000, 600000, "0.0001"), "12");
    cr_expect_str_eq(funding(&linear, 2000, 600000, "-0.0001"), "12");
    cr_expect_str_eq(funding(&linear, -2000, 600000, "-0.0001"), "-12");
    cr_expect_str_eq(funding(&linear, 0, 600000, "0.0001"), "0");
    cr_expect_str_eq(funding(&linear, 2000, 600000, "0"), "0");
}

Test(margin, funding_of_contracts_with_multipliers_and_in_coins)
{
    struct instrument linear = contract(CONTRACT_LINEAR, 1, 3), inverse = contract(CONTRACT_INVERSE, 1, 0);
    linear.multiplier = 5;
    linear.multiplier_decimals = 1; /* half a coin a contract */
    cr_expect_str_eq(funding(&linear, 2000, 600000, "0.0001"), "-6");
    inverse.multiplier = 100;
    /* 600 contracts of 100 USD at 60000 are one coin */
    cr_expect_str_eq(funding(&inverse, 600, 600000, "0.0001"), "-0.0001");
    cr_expect_str_eq(funding(&inverse, -600, 600000, "0.000123456789"), "0.000123456789");
    cr_expect_str_eq(funding(&inverse, 1, 300000, "0.00000001"), "-0.000000000033333333", "half-even");
    cr_expect_str_eq(funding(&inverse, 1, 0, "0.0001"), "ERR_RANGE");
}

Test(margin, funding_of_long_and_short_adds_up_to_nothing)
{
    struct prng prng;
    prng_init(&prng, 5, 0);
    for (int i = 0; i < 5000; i++) {
        struct instrument instrument = contract(prng_below(&prng, 2) == 0 ? CONTRACT_LINEAR : CONTRACT_INVERSE,
                                                (unsigned)prng_below(&prng, 9), (unsigned)prng_below(&prng, 9));
        const qty_t qty = prng_range(&prng, 1, INT64_C(1000000000));
        const px_t mark = prng_range(&prng, 1, INT64_C(1000000000));
        const int64_t rate = prng_range(&prng, -decimal_pow10(11), decimal_pow10(11));
        money_t paid, received;
        cr_assert_eq(margin_funding(&instrument, qty, mark, rate, &paid), ERR_OK, "seed 5, step %d", i);
        cr_assert_eq(margin_funding(&instrument, -qty, mark, rate, &received), ERR_OK);
        cr_assert(paid + received == 0, "seed 5, step %d", i);
        cr_assert(rate == 0 || paid == 0 || (paid < 0) == (rate > 0));
    }
}

Test(margin, funding_beyond_what_money_holds_is_refused)
{
    struct instrument linear = contract(CONTRACT_LINEAR, 0, 0);
    money_t paid;
    linear.multiplier = INT64_MAX;
    cr_expect_eq(margin_funding(&linear, INT64_MAX, INT64_MAX, decimal_pow10(RATE_DECIMALS), &paid), ERR_RANGE);
    linear.multiplier = 1;
    cr_expect_eq(margin_funding(&linear, INT64_MAX, INT64_MAX, decimal_pow10(RATE_DECIMALS), &paid), ERR_RANGE,
                 "2^126 whole units are more than 18 decimals leave room for");
}
