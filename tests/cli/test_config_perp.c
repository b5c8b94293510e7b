/* The sections venue.margin and venue.funding, and their files. */
#include "cli/config_perp.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scratch scratch;
static struct instrument instruments[3];

static void setup(void)
{
    scratch_begin(&scratch);
    cr_assert_eq(instrument_init(&instruments[0], "binance-usdm", "BTCUSDT", "BTC", "USDT", CONTRACT_LINEAR, 1, 3),
                 0);
    cr_assert_eq(instrument_init(&instruments[1], "binance-usdm", "ETHUSDT", "ETH", "USDT", CONTRACT_LINEAR, 2, 3),
                 0);
    cr_assert_eq(instrument_init(&instruments[2], "binance-spot", "BTCUSDT", "BTC", "USDT", CONTRACT_SPOT, 2, 5), 0);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(config_perp, .init = setup, .fini = teardown);

struct made {
    struct run_config *config;
    struct perp_config perp;
    struct margin_rules rules[3];
    struct funding_row *rows;
    struct err_text why;
};

static err_t make(struct made *made, const char *venue, const char *others, uint16_t count)
{
    char text[2048];
    *made = (struct made){.config = NULL};
    snprintf(text, sizeof(text), "feed: {tapes: [a.tape]}\nstrategy: {name: noop}\nvenue: {%s}\n%s", venue, others);
    err_t err = run_config_parse(&made->config, scratch_path(&scratch, "run.yaml"), text, strlen(text),
                                 &(struct config_options){0}, &made->why);
    if (err == ERR_OK) {
        err = run_config_perp(made->config, instruments, count, &made->perp, made->rules, &made->rows, &made->why);
        if (err != ERR_OK)
            run_config_free(made->config);
    }
    return err;
}

static void drop(struct made *made)
{
    free(made->rows);
    run_config_free(made->config);
}

static void good(struct made *made, const char *venue, const char *others, uint16_t count)
{
    cr_assert_eq(make(made, venue, others, count), ERR_OK, "%s", made->why.text);
}

static void bad(const char *venue, const char *words)
{
    struct made made;
    cr_assert_eq(make(&made, venue, "", 3), ERR_CONFIG, "%s", venue);
    cr_expect(strstr(made.why.text, words) != NULL, "'%s' is not in '%s'", words, made.why.text);
}

static money_t money(int64_t whole)
{
    return whole * money_pow10(MONEY_DECIMALS);
}

#define FEE "liquidation_fee: 0.0125"

Test(config_perp, funding_comes_from_the_tape_and_margin_is_off_unless_asked_for)
{
    struct made made;
    good(&made, "", "", 3);
    cr_expect_eq(made.perp.margin, MARGIN_OFF);
    cr_expect_eq(made.perp.funding, FUNDING_TAPE);
    cr_expect_null(made.rows);
    drop(&made);
}

Test(config_perp, one_rate_stands_for_all_sizes)
{
    struct made made;
    good(&made, "margin: {mode: isolated, leverage: 12.5, maintenance: 0.004, after_liquidation: close, " FEE "}",
         "instruments: [{symbol: ETHUSDT, leverage: 3}]\n", 3);
    cr_expect_eq(made.perp.margin, MARGIN_ISOLATED);
    cr_expect(made.perp.close_after_liquidation);
    cr_expect_eq(made.rules[0].leverage, 1250);
    cr_expect_eq(made.rules[1].leverage, 300);
    cr_expect_eq(made.rules[0].liquidation_fee, 12500000);
    cr_expect_eq(made.rules[0].tiers.count, 1);
    cr_expect_eq(made.rules[0].tiers.at[0].rate, 4000000);
    drop(&made);
}

static const char *const brackets =
    "[{\"symbol\":\"ETHUSDT\",\"notionalCoef\":1.50,\"brackets\":[{\"bracket\":1,\"initialLeverage\":75,"
    "\"notionalCap\":"
    "10000,\"notionalFloor\":0,\"maintMarginRatio\":0.0065,\"cum\":0.0}]},\n"
    " {\"symbol\":\"BTCUSDT\",\"brackets\":[{\"bracket\":1,\"initialLeverage\":125,\"notionalCap\":50000,"
    "\"notionalFloor\":0,\"maintMarginRatio\":0.004,\"cum\":0.0},{\"bracket\":2,\"initialLeverage\":100,"
    "\"notionalCap\":"
    "250000,\"notionalFloor\":50000,\"maintMarginRatio\":0.005,\"cum\":50.0}]}]\n";

Test(config_perp, tiers_are_read_as_the_venue_answers_them)
{
    struct made made;
    scratch_write(&scratch, "tiers.json", brackets);
    good(&made, "margin: {mode: cross, leverage: 10, tiers: tiers.json, " FEE "}", "", 3);
    const struct margin_tiers *tiers = &made.rules[0].tiers;
    cr_expect_eq(tiers->count, 2);
    cr_expect(tiers->at[1].floor == money(50000) && tiers->at[1].cum == money(50) && tiers->cap == money(250000));
    cr_expect_eq(tiers->at[1].rate, 5000000);
    cr_expect_eq(tiers->at[1].leverage_max, 10000);
    cr_expect_eq(made.rules[1].tiers.at[0].rate, 6500000);
    drop(&made);
}

Test(config_perp, tiers_in_coins_and_in_csv)
{
    struct made made;
    scratch_write(&scratch, "coins.json",
                  "[{\"symbol\":\"BTCUSDT\",\"brackets\":[{\"bracket\":1,\"initialLeverage\":125,\"qtyCap\":5,"
                  "\"qtyFloor\":0,\"maintMarginRatio\":0.004,\"cum\":0.0},{\"initialLeverage\":100,\"qtyCap\":10,"
                  "\"qtyFloor\":5,\"maintMarginRatio\":0.005,\"cum\":0.005}]}]");
    good(&made, "margin: {mode: cross, tiers: coins.json, " FEE "}", "", 1);
    cr_expect(made.rules[0].tiers.at[1].floor == money(5) && made.rules[0].tiers.cap == money(10));
    drop(&made);
    scratch_write(
        &scratch, "tiers.csv",
        "# of a day\nfloor,symbol,rate,leverage\n0,BTCUSDT,0.004,125\n50000,BTCUSDT,0.005,\n0,ETHUSDT,0.01,\n");
    good(&made, "margin: {mode: cross, tiers: tiers.csv, " FEE "}", "", 3);
    cr_expect_eq(made.rules[0].tiers.count, 2);
    cr_expect(made.rules[0].tiers.at[1].cum == money(50) && made.rules[0].tiers.cap == 0);
    cr_expect_eq(made.rules[1].tiers.count, 1);
    drop(&made);
}

Test(config_perp, what_is_wrong_with_margin_is_told)
{
    bad("margin: {mode: cross, maintenance: 0.004}", "venue.margin.liquidation_fee");
    bad("margin: {mode: cross, " FEE "}", "venue.margin.tiers");
    bad("margin: {mode: cross, leverage: 0.001, maintenance: 0.004, " FEE "}", "venue.margin.leverage");
    bad("margin: {mode: cross, leverage: 1.001, maintenance: 0.004, " FEE "}", "more than 2 decimals");
    bad("margin: {mode: cross, tiers: none.json, " FEE "}", "none.json");
    scratch_write(&scratch, "tiers.json", brackets);
    bad("margin: {mode: cross, leverage: 80, tiers: tiers.json, " FEE "}", "ETHUSDT allows a leverage of 75 at most");
    scratch_write(&scratch, "a.csv", "symbol,floor,rate\nBTCUSDT,0,0.004\n");
    bad("margin: {mode: cross, tiers: a.csv, " FEE "}", "no tiers for ETHUSDT");
    scratch_write(&scratch, "a.csv", "symbol,floor,rate,cum\nBTCUSDT,0,0.004,0\nBTCUSDT,50000,0.005,51\n");
    bad("margin: {mode: cross, tiers: a.csv, " FEE "}", "BTCUSDT, tier 2: the maintenance amount (cum) is 51");
    scratch_write(&scratch, "a.csv", "symbol,floor,rate,cap\nBTCUSDT,0,0.004,40000\nBTCUSDT,50000,0.005,\n");
    bad("margin: {mode: cross, tiers: a.csv, " FEE "}", "a.csv:3: BTCUSDT: begins where the tier before it");
    scratch_write(&scratch, "a.csv", "symbol,floor,rates\nBTCUSDT,0,0.004\n");
    bad("margin: {mode: cross, tiers: a.csv, " FEE "}", "'rates' is no column");
    scratch_write(&scratch, "a.csv", "symbol,floor,rate\nBTCUSDT,0\n");
    bad("margin: {mode: cross, tiers: a.csv, " FEE "}", "a.csv:2: 2 fields where the first line names 3");
    scratch_write(&scratch, "a.csv", "symbol,floor,rate\nBTCUSDT,0,x\n");
    bad("margin: {mode: cross, tiers: a.csv, " FEE "}", "a.csv:2: BTCUSDT: rate is no amount");
    scratch_write(&scratch, "a.csv", "symbol,floor,rate\nA,0,0.1\nB,0,0.1\nA,0,0.1\n");
    bad("margin: {mode: cross, tiers: a.csv, " FEE "}", "A is there twice");
    scratch_write(&scratch, "b.json", "[{\"symbol\":\"BTCUSDT\"}]");
    bad("margin: {mode: cross, tiers: b.json, " FEE "}", "\"brackets\"");
    scratch_write(&scratch, "b.json", "[{\"symbol\":\"BTCUSDT\",\"brackets\":[{\"cum\":1}]}]");
    bad("margin: {mode: cross, tiers: b.json, " FEE "}", "BTCUSDT, tier 1: notionalFloor");
    scratch_write(&scratch, "b.json", "[{\"symbol\"");
    bad("margin: {mode: cross, tiers: b.json, " FEE "}", "b.json");
}

/* ---- funding ---- */

Test(config_perp, rows_of_funding_are_sorted_and_counted_once)
{
    struct made made;
    scratch_write(&scratch, "f.csv",
                  "symbol,ts,rate,mark\nETHUSDT,2024-08-08T08:00:00Z,-0.00003,\n"
                  "BTCUSDT,2024-08-08T16:00:00Z,0.0002,55000.15\nBTCUSDT,1723104000000000000,0.0001,\n"
                  "XRPUSDT,2024-08-08T08:00:00Z,0.1,1\nBTCUSDT,2024-08-08T16:00:00Z,0.0002,55000.15\n");
    good(&made, "funding: {source: file, file: f.csv}", "", 3);
    cr_expect_eq(made.perp.funding, FUNDING_FILE);
    cr_assert_eq(made.perp.row_count, 3);
    cr_expect(made.rows[0].instrument == 0 && made.rows[0].rate == 100000000 && made.rows[0].mark == 0);
    cr_expect(made.rows[1].instrument == 1 && made.rows[1].rate == -30000000);
    cr_expect_eq(made.rows[1].ts, made.rows[0].ts);
    cr_expect(made.rows[2].instrument == 0 && made.rows[2].mark == 550002, "half-even at the instrument's decimals");
    drop(&made);
    scratch_write(&scratch, "f.csv", "ts,rate\n2024-08-08T08:00:00Z,0.0001\n");
    good(&made, "funding: {source: file, file: f.csv}", "", 1);
    cr_expect_eq(made.perp.row_count, 1);
    drop(&made);
}

Test(config_perp, what_is_wrong_with_funding_is_told)
{
    bad("funding: {source: file}", "venue.funding.file");
    bad("funding: {file: f.csv}", "venue.funding.source");
    scratch_write(&scratch, "f.csv", "ts,rate\n2024-08-08T08:00:00Z,0.0001\n");
    bad("funding: {source: file, file: f.csv}", "no column 'symbol', and the run has 2 contracts");
    scratch_write(&scratch, "f.csv", "symbol,ts,rate\nXRPUSDT,2024-08-08T08:00:00Z,0.0001\n");
    bad("funding: {source: file, file: f.csv}", "no row is of a contract of this run");
    scratch_write(&scratch, "f.csv", "symbol,ts,rate\nBTCUSDT,1723104000000,0.0001\n");
    bad("funding: {source: file, file: f.csv}", "f.csv:2: ts '1723104000000' is before 1973");
    scratch_write(&scratch, "f.csv", "symbol,ts,rate\nBTCUSDT,yesterday,0.0001\n");
    bad("funding: {source: file, file: f.csv}", "f.csv:2: ts: expected");
    scratch_write(&scratch, "f.csv", "symbol,ts,rate\nBTCUSDT,2024-08-08,1.5\n");
    bad("funding: {source: file, file: f.csv}", "f.csv:2: rate: expected a decimal from -1 to 1");
    scratch_write(&scratch, "f.csv", "symbol,ts,rate,mark\nBTCUSDT,2024-08-08,0.1,-3\n");
    bad("funding: {source: file, file: f.csv}", "f.csv:2: mark: expected a price above zero");
    scratch_write(&scratch, "f.csv", "symbol,ts,rate\nBTCUSDT,2024-08-08,0.1\nBTCUSDT,2024-08-08,0.2\n");
    bad("funding: {source: file, file: f.csv}", "BTCUSDT has two rates or marks");
    scratch_write(&scratch, "f.csv", "# nothing\n");
    bad("funding: {source: file, file: f.csv}", "f.csv: empty");
}

Test(config_perp, what_the_files_say_is_in_the_hash_and_where_they_are_is_not)
{
    struct made one, two, three;
    scratch_write(&scratch, "f.csv", "symbol,ts,rate\nBTCUSDT,2024-08-08,0.1\n");
    scratch_write(&scratch, "g.csv", "symbol,ts,rate\nBTCUSDT,2024-08-08,0.1\n");
    good(&one, "funding: {source: file, file: f.csv}", "", 1);
    good(&two, "funding: {source: file, file: g.csv}", "", 1);
    scratch_write(&scratch, "f.csv", "symbol,ts,rate\nBTCUSDT,2024-08-08,0.2\n");
    good(&three, "funding: {source: file, file: f.csv}", "", 1);
    cr_expect_str_eq(one.config->hash, two.config->hash);
    cr_expect_str_neq(one.config->hash, three.config->hash);
    drop(&one);
    drop(&two);
    drop(&three);
}
