#include "core/metrics.h"

#include "core/prng.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct instrument instruments[2];
static struct metrics *metrics;

static void set_up(void)
{
    cr_assert_eq(instrument_init(&instruments[0], "synthetic", "BTCUSDT", "BTC", "USDT", CONTRACT_LINEAR, 2, 3),
                 ERR_OK);
    cr_assert_eq(instrument_init(&instruments[1], "synthetic", "BTCUSD", "BTC", "USD", CONTRACT_INVERSE, 1, 0),
                 ERR_OK);
    instruments[1].multiplier = 100;
    void *memory = malloc(metrics_size(2));
    memset(memory, 0xa5, metrics_size(2)); /* init must not count on zeros */
    metrics = metrics_init(memory, instruments, 2);
}

static void tear_down(void)
{
    free(metrics);
}

TestSuite(metrics, .init = set_up, .fini = tear_down);

static money_t money(const char *text)
{
    money_t value = 0;
    cr_assert_eq(decimal_parse_money(text, strlen(text), MONEY_DECIMALS, ROUND_EXACT, &value), ERR_OK, "%s", text);
    return value;
}

static void equals(money_t got, const char *wanted)
{
    char text[DECIMAL_TEXT_SIZE];
    decimal_format(text, got, MONEY_DECIMALS, 0);
    cr_assert_str_eq(text, wanted);
}

static void fill(enum side side, px_t price, qty_t qty, const char *realised, const char *fee)
{
    metrics_fill(metrics, &(struct metrics_fill){.instrument = 0,
                                                 .side = side,
                                                 .price = price,
                                                 .qty = qty,
                                                 .realised = money(realised),
                                                 .fee = money(fee)});
}

/* ---- drawdown ---- */

static money_t drawdown_of(const char *const *equities, size_t count)
{
    for (size_t i = 0; i < count; i++)
        metrics_equity(metrics, "USDT", money(equities[i]));
    return metrics_money_of(metrics, "USDT")->drawdown;
}

Test(metrics, drawdown_of_100_110_99_120_is_11)
{
    equals(drawdown_of((const char *const[]){"100", "110", "99", "120"}, 4), "11");
    equals(metrics_money_of(metrics, "USDT")->equity_start, "100");
    equals(metrics_money_of(metrics, "USDT")->equity_end, "120");
}

Test(metrics, equity_at_the_start_is_the_first_peak)
{
    equals(drawdown_of((const char *const[]){"100", "90", "95"}, 3), "10");
}

Test(metrics, drawdown_of_what_only_rises_is_0)
{
    equals(drawdown_of((const char *const[]){"-5", "0", "0", "7"}, 4), "0");
}

Test(metrics, drawdown_goes_below_zero_equity)
{
    equals(drawdown_of((const char *const[]){"1", "-2.5", "3", "0"}, 4), "3.5");
}

Test(metrics, drawdowns_of_two_currencies_are_apart)
{
    metrics_equity(metrics, "USDT", money("100"));
    metrics_equity(metrics, "BTC", money("1"));
    metrics_equity(metrics, "USDT", money("90"));
    equals(metrics_money_of(metrics, "BTC")->drawdown, "0");
    equals(metrics_money_of(metrics, "USDT")->drawdown, "10");
    cr_assert_null(metrics_money_of(metrics, "EUR"));
}

/* ---- closed trades ---- */

Test(metrics, a_round_trip_is_one_closed_trade_less_both_fees)
{
    fill(SIDE_BUY, 10000, 1000, "0", "0.1");
    cr_assert_eq(metrics->closed, 0);
    fill(SIDE_SELL, 11000, 1000, "10", "0.2");
    cr_assert_eq(metrics->closed, 1);
    cr_assert_eq(metrics->wins, 1);
    cr_assert_eq(metrics->round_trips, 1);
    equals(metrics_money_of(metrics, "USDT")->gains, "9.7");
    equals(metrics_money_of(metrics, "USDT")->traded, "210");
}

Test(metrics, fees_can_turn_a_win_into_a_loss)
{
    fill(SIDE_BUY, 10000, 1000, "0", "0.1");
    fill(SIDE_SELL, 10010, 1000, "0.1", "0.1");
    cr_assert_eq(metrics->wins, 0);
    cr_assert_eq(metrics->losses, 1);
    equals(metrics_money_of(metrics, "USDT")->losses, "0.1");
}

Test(metrics, a_trade_at_zero_is_neither)
{
    fill(SIDE_BUY, 10000, 1000, "0", "0");
    fill(SIDE_SELL, 10000, 1000, "0", "0");
    cr_assert_eq(metrics->closed, 1);
    cr_assert_eq(metrics->wins + metrics->losses, 0);
}

Test(metrics, partial_closes_take_their_share_of_the_entry_fee)
{
    fill(SIDE_SELL, 10000, 3000, "0", "0.3");
    fill(SIDE_BUY, 9900, 1000, "1", "0.05"); /* a third of the entry's fee: 1 - 0.1 - 0.05 */
    equals(metrics_money_of(metrics, "USDT")->gains, "0.85");
    cr_assert_eq(metrics->round_trips, 0);
    fill(SIDE_BUY, 9900, 2000, "2", "0.1");
    equals(metrics_money_of(metrics, "USDT")->gains, "2.55");
    cr_assert_eq(metrics->closed, 2);
    cr_assert_eq(metrics->round_trips, 1);
}

Test(metrics, a_flip_splits_its_fee_between_both_parts)
{
    fill(SIDE_BUY, 10000, 1000, "0", "0");
    fill(SIDE_SELL, 10100, 4000, "1", "0.4"); /* a quarter closes: 1 - 0.1 */
    equals(metrics_money_of(metrics, "USDT")->gains, "0.9");
    equals(metrics->open[0].fees, "0.3");
    cr_assert_eq(metrics->open[0].qty, -3000);
    cr_assert_eq(metrics->round_trips, 1);
}

Test(metrics, a_rebate_is_a_gain)
{
    fill(SIDE_BUY, 10000, 1000, "0", "-0.01");
    fill(SIDE_SELL, 10000, 1000, "0", "-0.02");
    cr_assert_eq(metrics->wins, 1);
    equals(metrics_money_of(metrics, "USDT")->gains, "0.03");
}

Test(metrics, notional_of_an_inverse_contract_is_in_coins)
{
    metrics_fill(metrics, &(struct metrics_fill){.instrument = 1, .side = SIDE_BUY, .price = 500000, .qty = 5});
    equals(metrics_money_of(metrics, "BTC")->traded, "0.01"); /* 5 x 100 USD at 50,000 */
    equals(metrics_money_of(metrics, "USDT")->traded, "0");
}

Test(metrics, shares_of_huge_amounts_do_not_overflow)
{
    const money_t fee = money("100000000000000000"); /* 10^35 units x a quantity of 2^62 */
    metrics_fill(metrics, &(struct metrics_fill){
                              .instrument = 0, .side = SIDE_BUY, .price = 1, .qty = INT64_MAX / 2, .fee = fee});
    metrics_fill(metrics,
                 &(struct metrics_fill){.instrument = 0, .side = SIDE_SELL, .price = 1, .qty = INT64_MAX / 4});
    const money_t lost = metrics_money_of(metrics, "USDT")->losses;
    cr_assert(lost > fee / 2 - money("1") && lost < fee / 2 + money("1"));
    cr_assert_eq(lost + metrics->open[0].fees, fee);
}

/* What the account says and what the trades say are the same money: no fee is counted twice or lost. */
Test(metrics, closed_trades_and_open_fees_add_up_to_the_account)
{
    const uint64_t seed = 71;
    struct prng prng;
    prng_init(&prng, seed, 0);
    const size_t size = account_size(2);
    void *memory = aligned_alloc(64, size);
    memset(memory, 0, size);
    struct account *account = account_init(memory, instruments, 2);
    money_t before = 0, fees = 0;
    for (int i = 0; i < 20000; i++) {
        const enum side side = prng_next(&prng) % 2 == 0 ? SIDE_BUY : SIDE_SELL;
        const px_t price = 990000 + (px_t)(prng_next(&prng) % 20000);
        const qty_t qty = 1 + (qty_t)(prng_next(&prng) % 5000);
        const money_t fee = (money_t)(prng_next(&prng) % 2000000007) * 1000003 - 100 * (money_t)1000003;
        cr_assert_eq(account_fill(account, 0, side, price, qty, fee, MONEY_DECIMALS, "USDT"), ERR_OK);
        const struct position *position = account_position(account, 0);
        const struct metrics_fill one = {.instrument = 0,
                                         .side = side,
                                         .price = price,
                                         .qty = qty,
                                         .realised = position->realised - before,
                                         .fee = fee};
        metrics_fill(metrics, &one);
        before = position->realised;
        fees += fee;
        const struct metrics_money *usdt = metrics_money_of(metrics, "USDT");
        cr_assert_eq(usdt->gains - usdt->losses - metrics->open[0].fees, before - fees, "seed %lu, fill %d",
                     (unsigned long)seed, i);
        cr_assert_eq(metrics->open[0].qty, position->qty);
    }
    cr_assert_eq(metrics->failed, ERR_OK);
    cr_assert(metrics->wins > 1000 && metrics->losses > 1000 && metrics->round_trips > 100);
    free(memory);
}

Test(metrics, a_ratio_is_rounded_half_even)
{
    money_t ratio;
    cr_assert_eq(metrics_ratio(2, 3, 9, &ratio), ERR_OK);
    cr_assert_eq(ratio, 666666667);
    cr_assert_eq(metrics_ratio(1, 2, 0, &ratio), ERR_OK);
    cr_assert_eq(ratio, 0);
    cr_assert_eq(metrics_ratio(3, 2, 0, &ratio), ERR_OK);
    cr_assert_eq(ratio, 2);
}

/* ---- bounds ---- */

static bool within(const char *was, const char *now, const char *absolute, const char *relative)
{
    const struct metrics_value before = {money(was), 1, MONEY_DECIMALS}, after = {money(now), 1, MONEY_DECIMALS};
    struct metrics_bound bound = {0};
    if (absolute != NULL) {
        bound.has_absolute = true;
        bound.absolute = money(absolute);
    }
    if (relative != NULL) {
        bound.has_relative = true;
        cr_assert_eq(decimal_parse(relative, strlen(relative), METRICS_RATE_DECIMALS, ROUND_EXACT, &bound.relative),
                     ERR_OK);
    }
    return metrics_within(&before, &after, &bound);
}

Test(metrics_within, the_bound_itself_is_within)
{
    cr_assert(within("10", "10.5", "0.5", NULL));
    cr_assert(within("10", "9.5", "0.5", NULL));
    cr_assert_not(within("10", "10.500000000000000001", "0.5", NULL));
    cr_assert_not(within("10", "9.499999999999999999", "0.5", NULL));
}

Test(metrics_within, relative_is_of_the_baseline_whatever_its_sign)
{
    cr_assert(within("-200", "-202", NULL, "0.01"));
    cr_assert(within("-200", "-198", NULL, "0.01"));
    cr_assert_not(within("-200", "-202.000000000000000001", NULL, "0.01"));
    cr_assert_not(within("100", "-100", NULL, "1"));
    cr_assert(within("100", "-100", NULL, "2"));
}

Test(metrics_within, either_of_two_bounds_will_do)
{
    cr_assert(within("1", "1.4", "0.5", "0.1"));
    cr_assert(within("100", "109", "0.5", "0.1"));
    cr_assert_not(within("100", "111", "0.5", "0.1"));
}

Test(metrics_within, without_a_bound_only_equal_is_within)
{
    cr_assert(within("3", "3", NULL, NULL));
    cr_assert_not(within("3", "3.000000000000000001", NULL, NULL));
    cr_assert_not(within("0", "0.000000000000000001", NULL, "1000"));
}

Test(metrics_within, huge_amounts_are_compared_exactly)
{
    cr_assert(within("100000000000000000000", "110000000000000000000", NULL, "0.1"));
    cr_assert_not(within("100000000000000000000", "110000000000000000000.000000000000000001", NULL, "0.1"));
    cr_assert(within("-100000000000000000000", "60000000000000000000", "160000000000000000000", NULL));
}

static bool fraction_within(int64_t a, uint64_t b, int64_t c, uint64_t d, const char *absolute, const char *relative)
{
    const struct metrics_value was = {a, b, 0}, now = {c, d, 0};
    struct metrics_bound bound = {.has_absolute = absolute != NULL, .has_relative = relative != NULL};
    if (absolute != NULL)
        bound.absolute = money(absolute);
    if (relative != NULL)
        cr_assert_eq(decimal_parse(relative, strlen(relative), METRICS_RATE_DECIMALS, ROUND_EXACT, &bound.relative),
                     ERR_OK);
    return metrics_within(&was, &now, &bound);
}

Test(metrics_within, fractions_are_compared_as_fractions)
{
    cr_assert(fraction_within(1, 3, 2, 6, NULL, NULL));
    cr_assert(fraction_within(1, 3, 1, 2, NULL, "0.5")); /* exactly half as much again: decimals would not say so */
    cr_assert_not(fraction_within(1, 3, 1, 2, NULL, "0.499999999"));
    cr_assert(fraction_within(1, 4, 1, 2, "0.25", NULL));
    cr_assert_not(fraction_within(1, 4, 1, 2, "0.249999999999999999", NULL));
    cr_assert(fraction_within(INT64_MAX - 1, INT64_MAX, 1, 1, "0.000000000000000001", NULL));
}
