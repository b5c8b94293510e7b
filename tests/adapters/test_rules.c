#include "adapters/binance/rules.h"
#include "adapters/upbit/rules.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Noon in Korea of a day. */
#define D2023       (INT64_C(1672542000) * NS_PER_S) /* 2023-01-01 */
#define D2024_01_28 (INT64_C(1706410800) * NS_PER_S) /* the day before the first change */
#define D2024_01_29 (INT64_C(1706497200) * NS_PER_S)
#define D2024_03    (INT64_C(1709262000) * NS_PER_S)
#define D2024_10_02 (INT64_C(1727838000) * NS_PER_S) /* announced, and put off */
#define D2024_10_14 (INT64_C(1728874800) * NS_PER_S)
#define D2025_07_30 (INT64_C(1753844400) * NS_PER_S)
#define D2025_07_31 (INT64_C(1753930800) * NS_PER_S)

static struct instrument upbit(const char *market, unsigned price_decimals)
{
    struct instrument instrument;
    struct err_text why = {0};
    cr_assert_eq(upbit_rules_instrument(market, strlen(market), price_decimals, 8, &instrument), ERR_OK, "%s",
                 market);
    cr_assert_eq(instrument_check(&instrument, &why), ERR_OK, "%s", why.text);
    return instrument;
}

static int64_t e8(const char *text)
{
    int64_t value;
    cr_assert_eq(decimal_parse(text, strlen(text), 8, ROUND_EXACT, &value), ERR_OK);
    return value;
}

Test(upbit_rules, ticks_follow_price_and_date)
{
    static const struct {
        const char *market;
        ns_t ts;
        const char *price, *tick;
    } cases[] = {
        {"KRW-BTC", D2024_01_29, "150000000", "1000"},
        {"KRW-BTC", D2024_01_29, "2000000", "1000"},
        {"KRW-BTC", D2024_01_29, "1999500", "500"},
        {"KRW-BTC", D2024_01_29, "1000000", "500"},
        {"KRW-BTC", D2024_01_29, "999900", "100"},
        {"KRW-BTC", D2024_01_29, "500000", "100"},
        {"KRW-BTC", D2024_01_29, "499950", "50"},
        {"KRW-BTC", D2024_01_29, "100000", "50"},
        {"KRW-BTC", D2024_01_29, "99990", "10"},
        {"KRW-BTC", D2024_01_29, "10000", "10"},
        {"KRW-BTC", D2024_01_29, "9999", "1"},
        {"KRW-BTC", D2024_01_29, "1000", "1"},
        {"KRW-BTC", D2024_01_29, "999.9", "0.1"},
        {"KRW-BTC", D2024_01_29, "100", "0.1"},
        {"KRW-BTC", D2024_01_29, "99.99", "0.01"},
        {"KRW-BTC", D2024_01_29, "10", "0.01"},
        {"KRW-BTC", D2024_01_29, "9.999", "0.001"},
        {"KRW-BTC", D2024_01_29, "1", "0.001"},
        {"KRW-BTC", D2024_01_29, "0.9999", "0.0001"},
        {"KRW-BTC", D2024_01_29, "0.1", "0.0001"},
        {"KRW-BTC", D2024_01_29, "0.01", "0.00001"},
        {"KRW-BTC", D2024_01_29, "0.001", "0.000001"},
        {"KRW-BTC", D2024_01_29, "0.0001", "0.0000001"},
        {"KRW-BTC", D2024_01_29, "0.00001", "0.00000001"},
        /* before */
        {"KRW-XRP", D2024_01_28, "1000", "5"},
        {"KRW-XRP", D2024_01_28, "9995", "5"},
        {"KRW-XRP", D2024_01_28, "999", "1"},
        {"KRW-XRP", D2023, "99.9", "0.1"},
        {"KRW-XRP", D2023, "0.5", "0.001"},
        {"KRW-XRP", D2023, "0.0003", "0.0001"},
        /* after */
        {"KRW-XRP", D2025_07_30, "600", "0.1"},
        {"KRW-XRP", D2025_07_31, "600", "1"},
        {"KRW-XRP", D2025_07_31, "5000", "5"},
        {"KRW-XRP", D2025_07_31, "4999", "1"},
        {"KRW-XRP", D2025_07_31, "50000", "50"},
        {"KRW-XRP", D2025_07_31, "49990", "10"},
        {"KRW-XRP", D2025_07_31, "100000", "100"},
        {"KRW-XRP", D2025_07_31, "500000", "500"},
        {"KRW-XRP", D2025_07_31, "1000000", "1000"},
        {"KRW-XRP", D2025_07_31, "10", "0.1"},
        {"KRW-XRP", D2025_07_31, "0.00001", "0.0000001"},
        /* exceptions */
        {"KRW-ADA", D2024_01_29, "500", "0.1"},
        {"KRW-ADA", D2024_10_02, "500", "0.1"},
        {"KRW-ADA", D2024_10_14, "500", "1"},
        {"KRW-ADA", D2024_10_14, "1000", "1"},
        {"KRW-ADA", D2024_10_14, "99.99", "0.01"},
        {"KRW-ADA", D2025_07_31, "5000", "5"},
        {"KRW-TRX", D2025_07_30, "99.9", "0.01"},
        {"KRW-XRP", D2024_10_02, "500", "0.1"},
        {"KRW-USDT", D2024_10_02, "1400", "1"},
        {"KRW-USDT", D2025_07_30, "1400", "0.5"},
        {"KRW-USDC", D2025_07_31, "1400", "0.5"},
        {"KRW-USDC", D2025_07_31, "10000", "10"},
        /* other quotes */
        {"BTC-ETH", D2025_07_31, "0.05", "0.00000001"},
        {"USDT-BTC", D2025_07_31, "60000", "0.01"},
        {"USDT-XRP", D2025_07_31, "0.5", "0.0001"},
        {"USDT-XRP", D2024_03, "0.5", "0.001"},
        {"USDT-BTC", D2024_03, "60000", "0.001"},
        {"USDT-XRP", D2025_07_31, "0.00001", "0.00000001"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct instrument instrument = upbit(cases[i].market, 8);
        px_t tick = 0;
        cr_assert_eq(instrument_tick(&instrument, e8(cases[i].price), cases[i].ts, &tick), ERR_OK);
        cr_assert_eq(tick, e8(cases[i].tick), "%s at %s (case %zu): tick %lld", cases[i].market, cases[i].price, i,
                     (long long)tick);
    }
}

Test(upbit_rules, prices_of_zero_or_less_have_no_tick)
{
    struct instrument instrument = upbit("KRW-BTC", 8);
    px_t tick;
    cr_assert_eq(instrument_tick(&instrument, 0, D2025_07_31, &tick), ERR_RANGE);
    cr_assert_eq(instrument_tick(&instrument, -5, D2025_07_31, &tick), ERR_RANGE);
}

Test(upbit_rules, coarser_and_finer_scales_keep_the_grid)
{
    struct instrument instrument = upbit("KRW-BTC", 0);
    px_t tick;
    cr_assert_eq(instrument_tick(&instrument, 150000000, D2025_07_31, &tick), ERR_OK);
    cr_assert_eq(tick, 1000);
    cr_assert_eq(instrument_tick(&instrument, 3, D2025_07_31, &tick), ERR_OK);
    cr_assert_eq(tick, 1);
    instrument = upbit("KRW-BTC", 2);
    cr_assert_eq(instrument_tick(&instrument, 9999, D2024_01_29, &tick), ERR_OK); /* 99.99 */
    cr_assert_eq(tick, 1);
    for (unsigned decimals = 0; decimals <= DECIMALS_MAX; decimals++)
        upbit("KRW-USDT", decimals);
}

Test(upbit_rules, minimums_and_fees_are_the_markets)
{
    struct instrument instrument = upbit("KRW-BTC", 8);
    cr_assert(instrument.notional_min == (money_t)5000 * 10000000000000000);
    cr_assert_eq(instrument.taker_fee, 500000);
    cr_assert_str_eq(instrument.base, "BTC");
    cr_assert_str_eq(instrument.quote, "KRW");
    instrument = upbit("BTC-ETH", 8);
    cr_assert(instrument.notional_min == (money_t)5 * 100000000000);
    cr_assert_eq(instrument.maker_fee, 2500000);
}

Test(upbit_rules, markets_without_rules_are_said_to_be)
{
    struct instrument instrument;
    cr_assert_eq(upbit_rules_instrument("SGD-BTC", 7, 2, 8, &instrument), ERR_UNKNOWN);
    cr_assert_eq(instrument_check(&instrument, NULL), ERR_OK);
    cr_assert_eq(upbit_rules_instrument("KRWBTC", 6, 2, 8, &instrument), ERR_SYNTAX);
    cr_assert_eq(upbit_rules_instrument("-BTC", 4, 2, 8, &instrument), ERR_SYNTAX);
    cr_assert_eq(upbit_rules_instrument("KRW-", 4, 2, 8, &instrument), ERR_SYNTAX);
    cr_assert_eq(upbit_rules_instrument("KRW-BTC", 7, 19, 8, &instrument), ERR_RANGE);
}

Test(binance_rules, names_tell_currencies_and_contracts)
{
    static const struct {
        enum binance_flavour flavour;
        const char *symbol, *base, *quote, *settle;
        int64_t multiplier;
    } cases[] = {
        {BINANCE_SPOT, "BTCUSDT", "BTC", "USDT", "USDT", 1},
        {BINANCE_SPOT, "BTCFDUSD", "BTC", "FDUSD", "FDUSD", 1},
        {BINANCE_SPOT, "BLZETH", "BLZ", "ETH", "ETH", 1},
        {BINANCE_SPOT, "RUNEEUR", "RUNE", "EUR", "EUR", 1},
        {BINANCE_SPOT, "ODDNAME", "ODDNAME", "?", "?", 1},
        {BINANCE_USDM, "BTCUSDT", "BTC", "USDT", "USDT", 1},
        {BINANCE_USDM, "BTCUSDT_250328", "BTC", "USDT", "USDT", 1},
        {BINANCE_COINM, "BTCUSD_PERP", "BTC", "USD", "BTC", 100},
        {BINANCE_COINM, "ETHUSD_250328", "ETH", "USD", "ETH", 10},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct instrument instrument;
        cr_assert_eq(
            binance_rules_guess(cases[i].flavour, cases[i].symbol, strlen(cases[i].symbol), 2, 3, &instrument),
            ERR_OK);
        cr_assert_str_eq(instrument.base, cases[i].base);
        cr_assert_str_eq(instrument.quote, cases[i].quote);
        cr_assert_str_eq(instrument.settle, cases[i].settle);
        cr_assert_eq(instrument.multiplier, cases[i].multiplier);
        cr_assert_eq(instrument_check(&instrument, NULL), ERR_OK);
    }
}

static struct instrument found[4];
static int found_count;

static err_t note(void *context, const struct instrument *instrument)
{
    (void)context;
    found[found_count++] = *instrument;
    return ERR_OK;
}

static err_t parse(enum binance_flavour flavour, const char *json, struct err_text *why)
{
    size_t size = strlen(json);
    char *text = malloc(size + FRAME_PADDING);
    for (size_t i = 0; i < size; i++)
        text[i] = json[i] == '\'' ? '"' : json[i];
    memset(text + size, '"', FRAME_PADDING);
    found_count = 0;
    err_t err = binance_rules_parse(flavour, text, size, note, NULL, why);
    free(text);
    return err;
}

#define USDM_FILTERS                                                                                                 \
    "'filters':[{'filterType':'PRICE_FILTER','minPrice':'556.80','maxPrice':'4529764','tickSize':'0.10'},"           \
    "{'filterType':'LOT_SIZE','minQty':'0.001','maxQty':'1000','stepSize':'0.001'},"                                 \
    "{'filterType':'MARKET_LOT_SIZE','minQty':'0.001','maxQty':'120','stepSize':'0.005'},"                           \
    "{'filterType':'MIN_NOTIONAL','notional':'100'}]"

Test(binance_rules, exchange_info_gives_grid_lot_and_minimums)
{
    struct err_text why = {0};
    cr_assert_eq(
        parse(BINANCE_USDM,
              "{'timezone':'UTC','rateLimits':[{}],'symbols':[{'symbol':'BTCUSDT','contractType':'PERPETUAL',"
              "'pricePrecision':2,'quantityPrecision':3,'baseAsset':'BTC','quoteAsset':'USDT'," USDM_FILTERS "}]}",
              &why),
        ERR_OK, "%s", why.text);
    cr_assert_eq(found_count, 1);
    cr_assert_eq(found[0].price_decimals, 2);
    cr_assert_eq(found[0].qty_decimals, 3);
    cr_assert_eq(found[0].tick_tables[0].bands[0].tick, 10);
    cr_assert_eq(found[0].lot, 1);
    cr_assert_eq(found[0].qty_min, 1);
    cr_assert_eq(found[0].qty_max, 1000000);
    cr_assert(found[0].notional_min == 10000000);
    cr_assert_eq(found[0].contract, CONTRACT_LINEAR);

    cr_assert_eq(
        parse(BINANCE_SPOT,
              "{'symbols':[{'symbol':'BNBBTC','baseAsset':'BNB','quoteAsset':'BTC','filters':[{'filterType':"
              "'PRICE_FILTER','tickSize':'0.00000100'},{'filterType':'LOT_SIZE','minQty':'0.00100000','maxQty':"
              "'100000.00000000','stepSize':'0.00100000'},{'filterType':'NOTIONAL','minNotional':'0.00010000'}"
              "]},{'symbol':'ETHBTC','baseAsset':'ETH','quoteAsset':'BTC','filters':[{'filterType':"
              "'PRICE_FILTER','tickSize':'0.00001'},{'filterType':'LOT_SIZE','stepSize':'0.0001'}]}]}",
              &why),
        ERR_OK, "%s", why.text);
    cr_assert_eq(found_count, 2);
    cr_assert_eq(found[0].price_decimals, 6);
    cr_assert_eq(found[0].qty_decimals, 3);
    cr_assert(found[0].notional_min == 100000);
    cr_assert_str_eq(found[1].symbol, "ETHBTC");

    cr_assert_eq(parse(BINANCE_COINM,
                       "{'symbols':[{'symbol':'BTCUSD_PERP','pair':'BTCUSD','contractSize':100,'baseAsset':'BTC',"
                       "'quoteAsset':'USD','pricePrecision':1,'quantityPrecision':0,'filters':[{'filterType':"
                       "'PRICE_FILTER','tickSize':'0.1'},{'filterType':'LOT_SIZE','stepSize':'1'}]}]}",
                       &why),
                 ERR_OK, "%s", why.text);
    cr_assert_eq(found[0].multiplier, 100);
    cr_assert_str_eq(found[0].settle, "BTC");
}

Test(binance_rules, broken_exchange_info_is_refused_with_its_symbol)
{
    static const struct {
        const char *text;
        err_t err;
        const char *words;
    } cases[] = {
        {"{}", ERR_SYNTAX, "symbols"},
        {"[]", ERR_SYNTAX, "object"},
        {"{'symbols':[5]}", ERR_SYNTAX, ""},
        {"{'symbols':[{'symbol':'A'}]}", ERR_SYNTAX, "baseAsset"},
        {"{'symbols':[{'symbol':'A','baseAsset':'B','quoteAsset':'C'}]}", ERR_SYNTAX, "A \"filters\""},
        {"{'symbols':[{'symbol':'A','baseAsset':'B','quoteAsset':'C','filters':[]}]}", ERR_SYNTAX, "A \"tickSize\""},
        {"{'symbols':[{'symbol':'A','baseAsset':'B','quoteAsset':'C','filters':[{'filterType':'PRICE_FILTER','"
         "tickSize':"
         "'-1'},{'filterType':'LOT_SIZE','stepSize':'1'}]}]}",
         ERR_RANGE, "A \"tickSize\": -1 is negative"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err_text why = {0};
        cr_assert_eq(parse(BINANCE_USDM, cases[i].text, &why), cases[i].err, "%s: %s", cases[i].text, why.text);
        cr_assert(strstr(why.text, cases[i].words) != NULL, "%s", why.text);
        cr_assert_eq(found_count, 0);
    }
}
