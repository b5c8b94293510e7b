#include "core/account.h"

#include "core/prng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED 31

/* Two linear, one inverse, two spot, and one whose exact profit has 24 decimals. */
enum { BTCUSDT, ETHUSDT, BTCUSD, SPOT_BTC, SPOT_ETH, FINE, INSTRUMENTS };
static struct instrument instruments[INSTRUMENTS];

static void set_up(void)
{
    static const struct {
        const char *symbol, *base, *quote;
        enum contract_kind contract;
        unsigned price_decimals, qty_decimals;
    } rows[INSTRUMENTS] = {
        {"BTCUSDT", "BTC", "USDT", CONTRACT_LINEAR, 2, 3},     {"ETHUSDT", "ETH", "USDT", CONTRACT_LINEAR, 2, 3},
        {"BTCUSD_PERP", "BTC", "USD", CONTRACT_INVERSE, 1, 0}, {"BTCUSDT", "BTC", "USDT", CONTRACT_SPOT, 2, 8},
        {"ETHBTC", "ETH", "BTC", CONTRACT_SPOT, 6, 8},         {"FINE", "X", "USDC", CONTRACT_LINEAR, 9, 9},
    };
    for (int i = 0; i < INSTRUMENTS; i++)
        cr_assert_eq(instrument_init(&instruments[i], "synthetic", rows[i].symbol, rows[i].base, rows[i].quote,
                                     rows[i].contract, rows[i].price_decimals, rows[i].qty_decimals),
                     ERR_OK);
    instruments[BTCUSD].multiplier = 100; /* a contract is 100 USD */
    instruments[FINE].multiplier = 1000003;
    instruments[FINE].multiplier_decimals = 6;
}

TestSuite(account, .init = set_up);

static struct account *new_account(void)
{
    size_t size = account_size(INSTRUMENTS);
    void *memory = aligned_alloc(64, size);
    memset(memory, 0xa5, size); /* init must not count on zeros */
    return account_init(memory, instruments, INSTRUMENTS);
}

/* "12.5" at MONEY_DECIMALS. */
static money_t money(const char *text)
{
    money_t value = 0;
    cr_assert_eq(decimal_parse_money(text, strlen(text), MONEY_DECIMALS, ROUND_EXACT, &value), ERR_OK, "%s", text);
    return value;
}

static const char *show(money_t value)
{
    static char texts[4][DECIMAL_TEXT_SIZE];
    static int next;
    char *text = texts[next++ & 3];
    decimal_format(text, value, MONEY_DECIMALS, 0);
    return text;
}

#define EXPECT_MONEY(actual, text)                                                                                   \
    cr_expect((actual) == money(text), "%s is %s, expected %s", #actual, show(actual), text)

/* "buy 1.5 @ 61659.70 fee 0.1 USDT" */
static err_t trade(struct account *account, int instrument, const char *line)
{
    char side[8], qty_text[40], price_text[40], fee_text[40] = "0", currency[40] = "";
    int words = sscanf(line, "%7s %39s @ %39s fee %39s %39s", side, qty_text, price_text, fee_text, currency);
    cr_assert(words == 3 || words == 5, "%s", line);
    int64_t qty = 0, price = 0;
    cr_assert_eq(decimal_parse(qty_text, strlen(qty_text), instruments[instrument].qty_decimals, ROUND_EXACT, &qty),
                 ERR_OK);
    cr_assert_eq(
        decimal_parse(price_text, strlen(price_text), instruments[instrument].price_decimals, ROUND_EXACT, &price),
        ERR_OK);
    return account_fill(account, (uint16_t)instrument, strcmp(side, "buy") == 0 ? SIDE_BUY : SIDE_SELL, price, qty,
                        money(fee_text), MONEY_DECIMALS, currency);
}

static money_t total(const struct account *account, const char *currency)
{
    const struct balance *balance = account_balance(account, currency);
    return balance == NULL ? 0 : balance->total;
}

static money_t unrealised(const struct account *account, int instrument, px_t mark)
{
    money_t profit = 0;
    cr_assert_eq(account_unrealised(account, (uint16_t)instrument, mark, &profit), ERR_OK);
    return profit;
}

/* ---- worked by hand ---- */

Test(account, linear_round_trip_realises_the_price_difference)
{
    struct account *account = new_account();
    cr_assert_eq(account_deposit(account, "USDT", money("1000")), ERR_OK);
    cr_assert_eq(trade(account, BTCUSDT, "buy 2 @ 100.00 fee 0.08 USDT"), ERR_OK);
    const struct position *position = account_position(account, BTCUSDT);
    cr_expect_eq(position->qty, 2000);
    cr_expect(position->cost == 2000 * 10000);
    EXPECT_MONEY(unrealised(account, BTCUSDT, 11050), "21");
    EXPECT_MONEY(total(account, "USDT"), "999.92");

    cr_assert_eq(trade(account, BTCUSDT, "sell 0.5 @ 110.00 fee 0.02 USDT"), ERR_OK);
    EXPECT_MONEY(position->realised, "5");
    EXPECT_MONEY(total(account, "USDT"), "1004.90");
    cr_assert_eq(trade(account, BTCUSDT, "sell 1.5 @ 90.00 fee -0.01 USDT"), ERR_OK);
    EXPECT_MONEY(position->realised, "-10");
    EXPECT_MONEY(position->fees, "0.09");
    EXPECT_MONEY(total(account, "USDT"), "989.91");
    EXPECT_MONEY(account_balance(account, "USDT")->fees, "0.09");
    EXPECT_MONEY(account_balance(account, "USDT")->realised, "-10");
    cr_expect(position->qty == 0 && position->cost == 0 && position->fill_count == 3);
    cr_expect(position->bought == 2000 && position->sold == 2000);
    EXPECT_MONEY(unrealised(account, BTCUSDT, 11050), "0");
    free(account);
}

Test(account, fill_that_flips_closes_first_and_opens_the_rest_at_its_price)
{
    struct account *account = new_account();
    const struct position *position = account_position(account, BTCUSDT);
    cr_assert_eq(trade(account, BTCUSDT, "sell 1 @ 100.00"), ERR_OK);
    cr_assert_eq(trade(account, BTCUSDT, "sell 1 @ 110.00"), ERR_OK);
    EXPECT_MONEY(unrealised(account, BTCUSDT, 10000), "10");
    cr_assert_eq(trade(account, BTCUSDT, "buy 5 @ 95.00"), ERR_OK);
    EXPECT_MONEY(position->realised, "20"); /* (100 - 95) + (110 - 95) */
    cr_expect_eq(position->qty, 3000);
    cr_expect(position->cost == 3000 * 9500);
    cr_assert_eq(trade(account, BTCUSDT, "sell 4 @ 96.00"), ERR_OK);
    EXPECT_MONEY(position->realised, "23");
    cr_expect_eq(position->qty, -1000);
    EXPECT_MONEY(total(account, "USDT"), "23");
    free(account);
}

Test(account, average_entry_weighs_the_fills)
{
    struct account *account = new_account();
    cr_expect(account_entry_price(account, BTCUSDT, 4) == 0);
    cr_assert_eq(trade(account, BTCUSDT, "buy 1 @ 100.00"), ERR_OK);
    cr_assert_eq(trade(account, BTCUSDT, "buy 2 @ 100.01"), ERR_OK);
    cr_expect(account_entry_price(account, BTCUSDT, 0) == 10001);
    cr_expect(account_entry_price(account, BTCUSDT, 4) == 100006667); /* 100.00666667 */
    cr_assert_eq(trade(account, BTCUSDT, "sell 3 @ 90.00"), ERR_OK);
    cr_expect(account_entry_price(account, BTCUSDT, 4) == 0);

    /* inverse: 100 at 50000 and 100 at 60000 average to the harmonic mean, 54545.4545... */
    cr_assert_eq(trade(account, BTCUSD, "sell 100 @ 50000.0"), ERR_OK);
    cr_assert_eq(trade(account, BTCUSD, "sell 100 @ 60000.0"), ERR_OK);
    cr_expect(account_entry_price(account, BTCUSD, 3) == 545454545);
    free(account);

    account = new_account(); /* coins that need more than 64 bits: 44444.4 recurring, to the 19th decimal */
    cr_assert_eq(trade(account, BTCUSD, "sell 10000000000 @ 50000.0"), ERR_OK);
    cr_assert_eq(trade(account, BTCUSD, "sell 10000000000 @ 40000.0"), ERR_OK);
    cr_expect(account_entry_price(account, BTCUSD, 18) == 444444 * money_pow10(18) + 444444444444444444);
    free(account);
}

Test(account, cost_taken_off_is_rounded_half_even_and_the_rest_keeps_what_is_left)
{
    /* cost of two units of quantity, what closing one of them takes off */
    static const struct {
        px_t first, second;
        int64_t taken;
    } lines[] = {{1, 2, 2}, {2, 3, 2}, {2, 2, 2}, {3, 4, 4}, {-1, -2, -2}, {-2, -3, -2}};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct account *account = new_account();
        cr_assert_eq(account_fill(account, BTCUSDT, SIDE_BUY, lines[i].first, 1, 0, 0, NULL), ERR_OK);
        cr_assert_eq(account_fill(account, BTCUSDT, SIDE_BUY, lines[i].second, 1, 0, 0, NULL), ERR_OK);
        cr_assert_eq(account_fill(account, BTCUSDT, SIDE_SELL, 100, 1, 0, 0, NULL), ERR_OK);
        const struct position *position = account_position(account, BTCUSDT);
        cr_expect(position->realised == (100 - lines[i].taken) * money_pow10(13), "line %zu: %s", i,
                  show(position->realised));
        cr_expect(position->cost == lines[i].first + lines[i].second - lines[i].taken, "line %zu", i);
        free(account);
    }
    /* thirds of one: 1/3 and 2/3 go to the nearest */
    struct account *account = new_account();
    cr_assert_eq(account_fill(account, BTCUSDT, SIDE_BUY, 0, 2, 0, 0, NULL), ERR_OK);
    cr_assert_eq(account_fill(account, BTCUSDT, SIDE_BUY, 2, 1, 0, 0, NULL), ERR_OK);
    cr_assert_eq(account_fill(account, BTCUSDT, SIDE_SELL, 100, 1, 0, 0, NULL), ERR_OK); /* takes 1 of 0.67 */
    cr_expect(account_position(account, BTCUSDT)->cost == 1);
    free(account);
}

Test(account, coin_value_of_a_fill_is_rounded_half_even)
{
    /* 10^19 / 2^20 = 5^19 / 2 = 9536743164062.5, three times that ...187.5 */
    struct account *account = new_account();
    cr_assert_eq(account_fill(account, BTCUSD, SIDE_BUY, 1 << 20, 1, 0, 0, NULL), ERR_OK);
    cr_expect(account_position(account, BTCUSD)->cost == 9536743164062);
    cr_assert_eq(account_fill(account, BTCUSD, SIDE_BUY, 1 << 20, 3, 0, 0, NULL), ERR_OK);
    cr_expect(account_position(account, BTCUSD)->cost == (money_t)9536743164062 + 28610229492188);
    free(account);
}

Test(account, inverse_profit_is_in_coins)
{
    struct account *account = new_account();
    cr_assert_eq(account_deposit(account, "BTC", money("1")), ERR_OK);
    cr_assert_eq(trade(account, BTCUSD, "buy 100 @ 50000.0 fee 0.0001 BTC"), ERR_OK);
    /* 100 contracts x 100 USD x (1/50000 - 1/40000) = 0.2 - 0.25 */
    EXPECT_MONEY(unrealised(account, BTCUSD, 400000), "-0.05");
    cr_assert_eq(trade(account, BTCUSD, "sell 50 @ 40000.0"), ERR_OK);
    EXPECT_MONEY(account_position(account, BTCUSD)->realised, "-0.025");
    cr_assert_eq(trade(account, BTCUSD, "sell 50 @ 80000.0"), ERR_OK);
    EXPECT_MONEY(account_position(account, BTCUSD)->realised, "0.0125"); /* + 0.1 - 0.0625 */
    EXPECT_MONEY(total(account, "BTC"), "1.0124");
    /* short: coins are gained when the price falls */
    cr_assert_eq(trade(account, BTCUSD, "sell 10 @ 50000.0"), ERR_OK);
    cr_assert_eq(trade(account, BTCUSD, "buy 10 @ 40000.0"), ERR_OK);
    EXPECT_MONEY(total(account, "BTC"), "1.0174");
    cr_expect_null(account_balance(account, "USD"), "nothing is settled in the quote of an inverse contract");
    free(account);
}

Test(account, spot_trade_moves_both_currencies)
{
    struct account *account = new_account();
    cr_assert_eq(account_deposit(account, "USDT", money("100000")), ERR_OK);
    cr_assert_eq(account_deposit(account, "BTC", money("3")), ERR_OK);
    cr_assert_eq(trade(account, SPOT_BTC, "buy 1 @ 60000.00 fee 0.001 BTC"), ERR_OK);
    EXPECT_MONEY(total(account, "USDT"), "40000");
    EXPECT_MONEY(total(account, "BTC"), "3.999");
    EXPECT_MONEY(unrealised(account, SPOT_BTC, 6100000), "1000");
    cr_assert_eq(trade(account, SPOT_BTC, "sell 1.5 @ 61000.00 fee 91.5 USDT"), ERR_OK);
    EXPECT_MONEY(total(account, "USDT"), "131408.5");
    EXPECT_MONEY(total(account, "BTC"), "2.499");
    EXPECT_MONEY(account_balance(account, "USDT")->realised, "1000");
    EXPECT_MONEY(account_balance(account, "BTC")->realised, "0");
    EXPECT_MONEY(account_position(account, SPOT_BTC)->fees, "91.5");
    cr_expect_eq(account_position(account, SPOT_BTC)->qty, -50000000, "half a coin of the start balance was sold");
    EXPECT_MONEY(unrealised(account, SPOT_BTC, 6000000), "500");
    free(account);
}

Test(account, fee_may_be_paid_in_a_third_currency)
{
    struct account *account = new_account();
    cr_assert_eq(account_deposit(account, "BNB", money("1")), ERR_OK);
    cr_assert_eq(trade(account, SPOT_BTC, "buy 1 @ 60000.00 fee 0.075 BNB"), ERR_OK);
    cr_assert_eq(trade(account, BTCUSDT, "buy 1 @ 60000.00 fee 0.025 BNB"), ERR_OK);
    EXPECT_MONEY(total(account, "BNB"), "0.9");
    EXPECT_MONEY(account_balance(account, "BNB")->fees, "0.1");
    EXPECT_MONEY(account_position(account, SPOT_BTC)->fees, "0"); /* of the settle currency only */
    EXPECT_MONEY(total(account, "USDT"), "-60000");
    free(account);
}

Test(account, finer_fee_is_rounded_half_even_and_no_fee_needs_no_currency)
{
    struct account *account = new_account();
    cr_assert_eq(account_fill(account, BTCUSDT, SIDE_BUY, 100, 1, 25, 19, "USDT"), ERR_OK);
    cr_expect(account_balance(account, "USDT")->fees == 2);
    cr_assert_eq(account_fill(account, BTCUSDT, SIDE_BUY, 100, 1, 35, 19, "USDT"), ERR_OK);
    cr_expect(account_balance(account, "USDT")->fees == 6);
    cr_assert_eq(account_fill(account, BTCUSDT, SIDE_BUY, 100, 1, 0, 2, NULL), ERR_OK);
    cr_expect_eq(account_balance_count(account), 1);
    free(account);
}

Test(account, balances_come_in_the_order_of_first_use)
{
    struct account *account = new_account();
    cr_assert_eq(account_deposit(account, "ETH", money("1")), ERR_OK);
    cr_assert_eq(trade(account, SPOT_BTC, "buy 1 @ 60000.00 fee 0.075 BNB"), ERR_OK);
    cr_assert_eq(account_pay(account, "KRW", money("-5")), ERR_OK);
    static const char *const order[] = {"ETH", "USDT", "BTC", "BNB", "KRW"};
    cr_assert_eq(account_balance_count(account), ARRAY_LEN(order));
    for (uint32_t i = 0; i < ARRAY_LEN(order); i++)
        cr_expect_str_eq(account_balance_at(account, i)->currency, order[i]);
    cr_expect_null(account_balance_at(account, ARRAY_LEN(order)));
    EXPECT_MONEY(total(account, "KRW"), "-5");
    free(account);
}

Test(account, locked_funds_are_not_free)
{
    struct account *account = new_account();
    cr_assert_eq(account_deposit(account, "USDT", money("100")), ERR_OK);
    cr_assert_eq(account_lock(account, "USDT", money("60")), ERR_OK);
    EXPECT_MONEY(account_free(account, "USDT"), "40");
    cr_expect_eq(account_lock(account, "USDT", money("40.000000000000000001")), ERR_RANGE);
    EXPECT_MONEY(account_free(account, "USDT"), "40");
    cr_expect_eq(account_lock(account, "USDT", money("40")), ERR_OK);
    EXPECT_MONEY(account_free(account, "USDT"), "0");
    EXPECT_MONEY(total(account, "USDT"), "100");
    cr_expect_eq(account_unlock(account, "USDT", money("100.000000000000000001")), ERR_RANGE);
    cr_expect_eq(account_deposit(account, "USDT", money("-1")), ERR_RANGE, "locked money cannot be withdrawn");
    cr_expect_eq(account_unlock(account, "USDT", money("70")), ERR_OK);
    cr_expect_eq(account_deposit(account, "USDT", money("-70")), ERR_OK);
    EXPECT_MONEY(account_free(account, "USDT"), "0");
    EXPECT_MONEY(account_balance(account, "USDT")->locked, "30");
    cr_expect_eq(account_lock(account, "EUR", 1), ERR_RANGE);
    cr_expect_eq(account_unlock(account, "EUR", 1), ERR_RANGE);
    cr_expect_eq(account_lock(account, "EUR", 0), ERR_OK);
    cr_expect_null(account_balance(account, "EUR"));
    free(account);
}

Test(account, notional_is_in_the_settle_currency)
{
    money_t notional = 0;
    cr_assert_eq(account_notional(&instruments[BTCUSDT], 6000000, 1500, ROUND_UP, &notional), ERR_OK);
    EXPECT_MONEY(notional, "90000");
    cr_assert_eq(account_notional(&instruments[BTCUSD], 500000, 3, ROUND_UP, &notional), ERR_OK);
    EXPECT_MONEY(notional, "0.006");
    cr_assert_eq(account_notional(&instruments[FINE], 1, 1, ROUND_UP, &notional), ERR_OK);
    cr_expect(notional == 2, "1.000003 x 10^-18, rounded up");
    cr_assert_eq(account_notional(&instruments[FINE], 1, 1, ROUND_DOWN, &notional), ERR_OK);
    cr_expect(notional == 1);
    cr_expect_eq(account_notional(&instruments[BTCUSD], 0, 3, ROUND_UP, &notional), ERR_RANGE);
    cr_expect_eq(account_notional(&instruments[BTCUSDT], INT64_MAX, INT64_MAX, ROUND_UP, &notional), ERR_RANGE);
}

/* ---- failures ---- */

#define REFUSED(code, call)                                                                                          \
    do {                                                                                                             \
        cr_expect_eq((call), (code), "%s", #call);                                                                   \
        cr_expect(memcmp(before, account, size) == 0, "%s left a trace", #call);                                     \
    } while (0)

Test(account, booking_that_fails_changes_nothing_at_all)
{
    const money_t most = (money_t)(~(u128_t)0 >> 1);
    struct account *account = new_account();
    size_t size = account_size(INSTRUMENTS);
    cr_assert_eq(account_deposit(account, "USDT", money("1000")), ERR_OK);
    cr_assert_eq(account_pay(account, "RICH", most), ERR_OK);
    cr_assert_eq(account_pay(account, "POOR", -most), ERR_OK);
    cr_assert_eq(trade(account, BTCUSDT, "buy 2 @ 100.00 fee 0.08 USDT"), ERR_OK);
    cr_assert_eq(trade(account, BTCUSD, "buy 2 @ 50000.0"), ERR_OK);
    void *before = malloc(size);
    memcpy(before, account, size);

    REFUSED(ERR_RANGE, account_fill(account, BTCUSDT, SIDE_BUY, 100, 0, 0, 0, NULL));
    REFUSED(ERR_RANGE, account_fill(account, BTCUSDT, SIDE_BUY, 100, -1, 0, 0, NULL));
    REFUSED(ERR_RANGE, account_fill(account, BTCUSDT, SIDE_BUY, 100, INT64_MIN, 0, 0, NULL));
    REFUSED(ERR_RANGE, account_fill(account, BTCUSDT, SIDE_BUY, 100, INT64_MAX, 0, 0, NULL)); /* the quantity */
    REFUSED(ERR_RANGE, account_fill(account, BTCUSDT, SIDE_SELL, INT64_MIN, 2000, most, 0, "USDT")); /* the fee */
    REFUSED(ERR_RANGE, account_fill(account, BTCUSDT, SIDE_BUY, 100, 1, 1, 37, "USDT"));             /* its scale */
    REFUSED(ERR_RANGE, account_fill(account, BTCUSDT, SIDE_BUY, 100, 1, -1, 18, "RICH"));            /* its balance */
    REFUSED(ERR_RANGE, account_fill(account, BTCUSDT, SIDE_BUY, 100, 1, 2, 18, "POOR"));
    REFUSED(ERR_UNKNOWN, account_fill(account, BTCUSDT, SIDE_SELL, 100, 1, 1, 2, ""));
    REFUSED(ERR_UNKNOWN, account_fill(account, BTCUSDT, SIDE_SELL, 100, 1, 1, 2, "a name of 24 characters!"));
    REFUSED(ERR_RANGE, account_fill(account, BTCUSD, SIDE_SELL, 0, 1, 0, 0, NULL));
    REFUSED(ERR_RANGE, account_fill(account, BTCUSD, SIDE_SELL, -5, 1, 0, 0, NULL));
    REFUSED(ERR_RANGE, account_fill(account, BTCUSD, SIDE_BUY, 1, INT64_MAX - 2, 0, 0, NULL));       /* coins */
    REFUSED(ERR_RANGE, account_fill(account, SPOT_BTC, SIDE_BUY, INT64_MAX, INT64_MAX, 0, 0, NULL)); /* cash */
    REFUSED(ERR_RANGE, account_fill(account, SPOT_BTC, SIDE_SELL, 0, INT64_MIN, 0, 0, NULL));
    REFUSED(ERR_RANGE, account_pay(account, "RICH", 1));
    REFUSED(ERR_RANGE, account_deposit(account, "RICH", 1));
    REFUSED(ERR_RANGE, account_deposit(account, "NONE", -1));
    REFUSED(ERR_UNKNOWN, account_pay(account, "", 1));
    money_t profit = 77;
    REFUSED(ERR_RANGE, account_unrealised(account, BTCUSD, 0, &profit));
    cr_expect(profit == 77);
    free(before);
    free(account);
}

Test(account, too_many_currencies_are_refused_before_anything_is_booked)
{
    struct account *account = new_account();
    size_t size = account_size(INSTRUMENTS);
    char name[16];
    for (int i = 0; i < CURRENCIES_MAX - 2; i++) {
        sprintf(name, "C%d", i);
        cr_assert_eq(account_deposit(account, name, 1), ERR_OK);
    }
    void *before = malloc(size);
    memcpy(before, account, size);
    REFUSED(ERR_FULL, trade(account, SPOT_BTC, "buy 1 @ 60000.00 fee 1 BNB")); /* two fit, the third does not */
    cr_expect_eq(trade(account, SPOT_BTC, "buy 1 @ 60000.00 fee 1 C5"), ERR_OK);
    memcpy(before, account, size);
    REFUSED(ERR_FULL, account_pay(account, "LAST", 1));
    cr_expect_eq(account_pay(account, "C5", 1), ERR_OK);
    cr_expect_eq(account_balance_count(account), CURRENCIES_MAX);
    free(before);
    free(account);
}

Test(account, extremes_neither_overflow_nor_trap)
{
    struct account *account = new_account();
    cr_assert_eq(account_fill(account, BTCUSDT, SIDE_BUY, INT64_MAX, INT64_MAX, 0, 0, NULL), ERR_OK);
    cr_expect(account_entry_price(account, BTCUSDT, 18) == INT64_MAX * money_pow10(18));
    money_t profit = 0;
    cr_expect_eq(account_unrealised(account, BTCUSDT, INT64_MIN, &profit), ERR_RANGE);
    cr_expect_eq(account_unrealised(account, BTCUSDT, INT64_MAX, &profit), ERR_OK);
    cr_expect_eq(account_fill(account, BTCUSDT, SIDE_SELL, INT64_MIN, INT64_MAX, 0, 0, NULL), ERR_RANGE);
    cr_assert_eq(account_fill(account, ETHUSDT, SIDE_SELL, 1, INT64_MAX, 0, 0, NULL), ERR_OK);
    cr_expect_eq(account_fill(account, ETHUSDT, SIDE_SELL, 1, 1, 0, 0, NULL), ERR_RANGE, "-2^63 has no opposite");
    /* one contract at the highest price there is: less than half of 10^-18 coins */
    struct instrument *coarse = &instruments[BTCUSD];
    coarse->price_decimals = 0;
    cr_assert_eq(account_fill(account, BTCUSD, SIDE_BUY, INT64_MAX, 1, 0, 0, NULL), ERR_OK);
    cr_expect(account_entry_price(account, BTCUSD, 18) == 0, "no cost is left to divide by");
    cr_assert_eq(account_fill(account, BTCUSD, SIDE_BUY, INT64_MAX, INT64_MAX - 1, 0, 0, NULL), ERR_OK);
    cr_expect(account_entry_price(account, BTCUSD, 0) > 0);
    free(account);
}

/* ---- conservation, by brute force ----
 *
 * The test keeps every fill, and works the account out again from the list: what was paid and received, in exact
 * integers, knows nothing of average costs. Whatever the path, realised plus unrealised must be that sum. */

struct fill {
    int instrument, sign;
    px_t price;
    qty_t qty;
};

#define FILLS 400

static money_t half_even(money_t n, money_t d) /* n / d, d > 0 */
{
    money_t q = n / d, r = n % d;
    if (r < 0) {
        r += d;
        q--;
    }
    return q + (2 * r > d || (2 * r == d && (q & 1)));
}

/* |qty| / price in 10^-18 coins; small enough here for one multiplication. */
static money_t coins(px_t price, qty_t qty)
{
    return half_even((money_t)qty * money_pow10(18 + 1), price);
}

/* Exact profit of all fills of an instrument and of closing the rest at `mark`, in cost units. */
static money_t brute_profit(const struct fill *fills, int count, int instrument, px_t mark)
{
    money_t cash = 0;
    qty_t net = 0;
    for (int i = 0; i < count; i++) {
        if (fills[i].instrument != instrument)
            continue;
        net += fills[i].sign * fills[i].qty;
        if (instrument == BTCUSD)
            cash += fills[i].sign * coins(fills[i].price, fills[i].qty);
        else
            cash -= fills[i].sign * ((money_t)fills[i].price * fills[i].qty);
    }
    int sign = net < 0 ? -1 : 1;
    if (instrument == BTCUSD)
        return cash - sign * coins(mark, sign * net);
    return cash + (money_t)mark * net;
}

static void draw_fill(struct prng *prng, struct fill *fill)
{
    static const px_t around[INSTRUMENTS] = {6000000, 300000, 600000, 6000000, 50000, 123456789012};
    fill->instrument = (int)prng_below(prng, INSTRUMENTS);
    fill->sign = prng_below(prng, 2) ? 1 : -1;
    fill->price = prng_range(prng, around[fill->instrument] / 2, around[fill->instrument] * 2);
    fill->qty = prng_range(prng, 1, prng_below(prng, 3) == 0 ? 20 : 1000003);
}

Test(account, realised_and_unrealised_add_up_to_what_was_paid_and_received)
{
    for (uint64_t round = 0; round < 60; round++) {
        struct account *account = new_account();
        struct fill fills[FILLS];
        struct prng prng;
        prng_init(&prng, SEED, round);
        money_t fees[4] = {0}; /* USDT, BTC, BNB, USDC */
        static const char *const payers[] = {"USDT", "BTC", "BNB", "USDC"};
        for (int i = 0; i < FILLS; i++) {
            draw_fill(&prng, &fills[i]);
            if (prng_below(&prng, 10) == 0) { /* exactly flat now and then */
                qty_t held = account_position(account, (uint16_t)fills[i].instrument)->qty;
                if (held != 0) {
                    fills[i].sign = held < 0 ? 1 : -1;
                    fills[i].qty = held < 0 ? -held : held;
                }
            }
            uint64_t payer = prng_below(&prng, 4);
            money_t fee = prng_range(&prng, -1000000, 3000000);
            fees[payer] += fee * money_pow10(10);
            const struct fill *fill = &fills[i];
            cr_assert_eq(account_fill(account, (uint16_t)fill->instrument, fill->sign > 0 ? SIDE_BUY : SIDE_SELL,
                                      fill->price, fill->qty, fee, 8, payers[payer]),
                         ERR_OK);

            const struct position *position = account_position(account, (uint16_t)fill->instrument);
            cr_assert(position->qty != 0 || position->cost == 0, "seed %d, round %llu, fill %d: flat with a cost",
                      SEED, (unsigned long long)round, i);
            /* Units of 10^-18: linear and spot exactly; inverse in coins x 100. */
            px_t mark = fill->price + 77;
            money_t exact = brute_profit(fills, i + 1, fill->instrument, mark);
            money_t sum = position->realised + unrealised(account, fill->instrument, mark);
            const struct instrument *x = &instruments[fill->instrument];
            if (fill->instrument == FINE) { /* 24 decimals: both parts are rounded, once each */
                money_t difference = sum - half_even(exact * x->multiplier, 1000000);
                cr_assert(difference >= -1 && difference <= 1, "seed %d, round %llu, fill %d: off by %lld", SEED,
                          (unsigned long long)round, i, (long long)difference);
            } else {
                if (fill->instrument == BTCUSD)
                    exact *= 100;
                else
                    exact *= money_pow10(18u - x->price_decimals - x->qty_decimals);
                cr_assert(sum == exact, "seed %d, round %llu, fill %d of %s: %s, brute force says %s", SEED,
                          (unsigned long long)round, i, x->symbol, show(sum), show(exact));
            }
        }

        /* Balances: contracts give their realised profit, spot its cash, everything its fees. */
        money_t want[5] = {-fees[0], -fees[1], -fees[2], -fees[3], 0}; /* and ETH */
        want[0] += account_position(account, BTCUSDT)->realised + account_position(account, ETHUSDT)->realised;
        want[1] += account_position(account, BTCUSD)->realised;
        want[3] += account_position(account, FINE)->realised;
        for (int i = 0; i < FILLS; i++) {
            money_t amount = (money_t)fills[i].price * fills[i].qty;
            if (fills[i].instrument == SPOT_BTC) {
                want[0] -= fills[i].sign * amount * money_pow10(8);
                want[1] += fills[i].sign * fills[i].qty * money_pow10(10);
            } else if (fills[i].instrument == SPOT_ETH) {
                want[1] -= fills[i].sign * amount * money_pow10(4);
                want[4] += fills[i].sign * fills[i].qty * money_pow10(10);
            }
        }
        static const char *const currencies[] = {"USDT", "BTC", "BNB", "USDC", "ETH"};
        for (int c = 0; c < 5; c++)
            cr_assert(total(account, currencies[c]) == want[c], "seed %d, round %llu: %s %s, brute force says %s",
                      SEED, (unsigned long long)round, currencies[c], show(total(account, currencies[c])),
                      show(want[c]));
        for (int c = 0; c < 4; c++)
            cr_assert(account_balance(account, payers[c])->fees == fees[c]);
        money_t realised = account_position(account, BTCUSDT)->realised +
                           account_position(account, ETHUSDT)->realised +
                           account_position(account, SPOT_BTC)->realised;
        cr_assert(account_balance(account, "USDT")->realised == realised);
        free(account);
    }
}

Test(account, round_trips_leave_nothing_behind)
{
    /* Opened in one piece, closed in many odd ones: the cost taken off is rounded, the sum is not. */
    for (uint64_t round = 0; round < 300; round++) {
        struct account *account = new_account();
        struct prng prng;
        prng_init(&prng, SEED, 1000 + round);
        int instrument = round % 2 ? BTCUSD : BTCUSDT;
        enum side side = (enum side)prng_below(&prng, 2);
        px_t entry = prng_range(&prng, 100000, 900000);
        qty_t open = prng_range(&prng, 7, 100000), left = open;
        money_t bought = instrument == BTCUSD ? coins(entry, open) : (money_t)entry * open, sold = 0;
        cr_assert_eq(account_fill(account, (uint16_t)instrument, side, entry, open, 0, 0, NULL), ERR_OK);
        while (left > 0) {
            qty_t qty = prng_range(&prng, 1, left < 1000 ? left : left / 3);
            px_t price = prng_range(&prng, 100000, 900000);
            sold += instrument == BTCUSD ? coins(price, qty) : (money_t)price * qty;
            cr_assert_eq(account_fill(account, (uint16_t)instrument, side_opposite(side), price, qty, 0, 0, NULL),
                         ERR_OK);
            left -= qty;
        }
        const struct position *position = account_position(account, (uint16_t)instrument);
        cr_assert(position->qty == 0 && position->cost == 0);
        money_t gain = (sold - bought) * side_sign(side) * (instrument == BTCUSD ? -100 : money_pow10(13));
        cr_assert(position->realised == gain, "seed %d, round %llu: %s, expected %s", SEED, (unsigned long long)round,
                  show(position->realised), show(gain));
        free(account);
    }
}

Test(account, average_cost_follows_the_textbook)
{
    /* In doubles, as textbooks do: exact sums could still be of the wrong parts. */
    struct prng prng;
    prng_init(&prng, SEED, 5000);
    for (int instrument = BTCUSDT; instrument <= BTCUSD; instrument += 2) {
        struct account *account = new_account();
        double qty = 0, entry = 0, realised = 0;
        bool inverse = instrument == BTCUSD;
        for (int i = 0; i < 3000; i++) {
            struct fill fill;
            draw_fill(&prng, &fill);
            double price = (double)fill.price, size = (double)fill.qty;
            cr_assert_eq(account_fill(account, (uint16_t)instrument, fill.sign > 0 ? SIDE_BUY : SIDE_SELL, fill.price,
                                      fill.qty, 0, 0, NULL),
                         ERR_OK);
            if (qty * fill.sign < 0) {
                double closed = fmin(size, fabs(qty)), held = qty < 0 ? -1 : 1;
                realised += inverse ? held * closed * (1 / entry - 1 / price) : held * closed * (price - entry);
                qty += fill.sign * closed;
                size -= closed;
            }
            if (size > 0) {
                if (qty == 0)
                    entry = price;
                else
                    entry = inverse ? (fabs(qty) + size) / (fabs(qty) / entry + size / price)
                                    : (fabs(qty) * entry + size * price) / (fabs(qty) + size);
                qty += fill.sign * size;
            }
            const struct position *position = account_position(account, (uint16_t)instrument);
            cr_assert_eq((double)position->qty, qty);
            double ours = (double)account_entry_price(account, (uint16_t)instrument, 6) * 1e-6;
            cr_assert(qty == 0 || fabs(ours - entry) < 1e-8 * entry, "seed %d, fill %d: %f, textbook %f", SEED, i,
                      ours, entry);
            double scale = inverse ? 1e-18 / 1000 : 1e-18 / 1e-5; /* 100 contracts / 10^1, 10^-(2 + 3) */
            cr_assert(fabs((double)position->realised * scale - realised) < 1e-6 * (fabs(realised) + 1) + 1e-3,
                      "seed %d, fill %d: %f, textbook %f", SEED, i, (double)position->realised * scale, realised);
        }
        free(account);
    }
}

Test(account, balance_of_a_fine_instrument_is_the_rounding_of_the_exact_sum)
{
    /* Profit has 24 decimals here: rounding every fill would drift, rounding the sum does not. */
    struct account *account = new_account();
    struct prng prng;
    prng_init(&prng, SEED, 6000);
    money_t exact = 0;
    for (int i = 0; i < 5000; i++) {
        px_t entry = prng_range(&prng, 1, 2000), exit = prng_range(&prng, 1, 2000);
        cr_assert_eq(account_fill(account, FINE, SIDE_BUY, entry, 1, 0, 0, NULL), ERR_OK);
        cr_assert_eq(account_fill(account, FINE, SIDE_SELL, exit, 1, 0, 0, NULL), ERR_OK);
        exact += exit - entry;
        cr_assert(total(account, "USDC") == half_even(exact * 1000003, 1000000), "seed %d, trade %d", SEED, i);
    }
    free(account);
}
