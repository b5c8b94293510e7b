#include "core/instrument.h"

#include "core/prng.h"

#include <criterion/criterion.h>
#include <string.h>

#define SEED 5

static struct instrument plain(unsigned price_decimals, unsigned qty_decimals)
{
    struct instrument instrument;
    cr_assert_eq(instrument_init(&instrument, "synthetic", "AAAUSD", "AAA", "USD", CONTRACT_SPOT, price_decimals,
                                 qty_decimals),
                 ERR_OK);
    return instrument;
}

#define DAY_2025_07_31 INT64_C(1753920000000000000)

/* The KRW market of Upbit: prices at 10^-8, and the rules before and after 2025-07-31 in part. */
static struct instrument krw_market(void)
{
    static const struct {
        const char *from, *tick;
    } now[] = {{"0", "0.00000001"}, {"0.0001", "0.0000001"}, {"0.001", "0.000001"}, {"0.01", "0.00001"},
               {"0.1", "0.0001"},   {"1", "0.001"},          {"10", "0.01"},        {"100", "0.1"},
               {"1000", "1"},       {"10000", "10"},         {"100000", "50"},      {"500000", "100"},
               {"1000000", "500"},  {"2000000", "1000"}},
      before[] = {{"0", "0.0001"},   {"0.1", "0.001"},   {"1", "0.01"},      {"10", "0.1"},
                  {"100", "1"},      {"1000", "1"},      {"10000", "10"},    {"100000", "50"},
                  {"500000", "100"}, {"1000000", "500"}, {"2000000", "1000"}};
    struct instrument instrument;
    cr_assert_eq(instrument_init(&instrument, "upbit", "KRW-BTC", "BTC", "KRW", CONTRACT_SPOT, 8, 8), ERR_OK);
    instrument.tick_table_count = 2;
    instrument.tick_tables[0].band_count = ARRAY_LEN(before);
    instrument.tick_tables[1].band_count = ARRAY_LEN(now);
    instrument.tick_tables[1].from_ts = DAY_2025_07_31;
    for (size_t i = 0; i < ARRAY_LEN(now); i++) {
        struct tick_band *band = &instrument.tick_tables[1].bands[i];
        cr_assert_eq(decimal_parse(now[i].from, strlen(now[i].from), 8, ROUND_EXACT, &band->from), ERR_OK);
        cr_assert_eq(decimal_parse(now[i].tick, strlen(now[i].tick), 8, ROUND_EXACT, &band->tick), ERR_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        struct tick_band *band = &instrument.tick_tables[0].bands[i];
        cr_assert_eq(decimal_parse(before[i].from, strlen(before[i].from), 8, ROUND_EXACT, &band->from), ERR_OK);
        cr_assert_eq(decimal_parse(before[i].tick, strlen(before[i].tick), 8, ROUND_EXACT, &band->tick), ERR_OK);
    }
    struct err_text why = {0};
    cr_assert_eq(instrument_check(&instrument, &why), ERR_OK, "%s", why.text);
    return instrument;
}

static px_t price8(const char *text)
{
    px_t price = 0;
    cr_assert_eq(decimal_parse(text, strlen(text), 8, ROUND_EXACT, &price), ERR_OK, "%s", text);
    return price;
}

Test(instrument, tick_follows_the_band_of_the_price)
{
    static const struct {
        const char *price, *tick;
    } lines[] = {
        {"150000000", "1000"},
        {"2000000", "1000"},
        {"1999999.99", "500"},
        {"1000000", "500"},
        {"999999", "100"},
        {"500000", "100"},
        {"499999", "50"},
        {"100000", "50"},
        {"99999", "10"},
        {"10000", "10"},
        {"9999", "1"},
        {"1000", "1"},
        {"999", "0.1"},
        {"100", "0.1"},
        {"99.9", "0.01"},
        {"10", "0.01"},
        {"9.99", "0.001"},
        {"1", "0.001"},
        {"0.99", "0.0001"},
        {"0.1", "0.0001"},
        {"0.099", "0.00001"},
        {"0.01", "0.00001"},
        {"0.0099", "0.000001"},
        {"0.001", "0.000001"},
        {"0.00099", "0.0000001"},
        {"0.0001", "0.0000001"},
        {"0.00009999", "0.00000001"},
        {"0.00000001", "0.00000001"},
    };
    struct instrument instrument = krw_market();
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        px_t tick = 0;
        cr_assert_eq(instrument_tick(&instrument, price8(lines[i].price), DAY_2025_07_31, &tick), ERR_OK);
        cr_expect_eq(tick, price8(lines[i].tick), "%s", lines[i].price);
    }
}

Test(instrument, rules_are_those_of_the_day)
{
    struct instrument instrument = krw_market();
    px_t tick = 0;
    cr_assert_eq(instrument_tick(&instrument, price8("500"), DAY_2025_07_31 - 1, &tick), ERR_OK);
    cr_expect_eq(tick, price8("1"));
    cr_assert_eq(instrument_tick(&instrument, price8("500"), DAY_2025_07_31, &tick), ERR_OK);
    cr_expect_eq(tick, price8("0.1"));
    cr_assert_eq(instrument_tick(&instrument, price8("500"), INT64_MIN, &tick), ERR_OK);
    cr_expect_eq(tick, price8("1"), "times before the first table have the first table's rules");
    cr_expect(!instrument_on_tick(&instrument, price8("500.1"), DAY_2025_07_31 - 1));
    cr_expect(instrument_on_tick(&instrument, price8("500.1"), DAY_2025_07_31));
}

Test(instrument, price_that_is_not_positive_has_no_tick)
{
    struct instrument instrument = krw_market();
    static const px_t prices[] = {0, -1, -100000000, INT64_MIN};
    for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
        px_t out = 4711;
        cr_expect_eq(instrument_tick(&instrument, prices[i], 0, &out), ERR_RANGE);
        cr_expect_eq(instrument_round_price(&instrument, prices[i], 0, ROUND_CEIL, &out), ERR_RANGE);
        cr_expect_eq(instrument_round_price(&instrument, prices[i], 0, ROUND_HALF_AWAY, &out), ERR_RANGE);
        cr_expect(!instrument_on_tick(&instrument, prices[i], 0));
        cr_expect_eq(out, 4711, "untouched on failure");
    }
}

Test(instrument, rounding_crosses_into_the_neighbour_band)
{
    static const struct {
        const char *price;
        enum rounding rounding;
        const char *line;
    } lines[] = {
        {"1999700", ROUND_CEIL, "2000000"},
        {"1999700", ROUND_FLOOR, "1999500"},
        {"1999700", ROUND_HALF_AWAY, "1999500"},
        {"1999750", ROUND_HALF_AWAY, "2000000"},
        {"2000400", ROUND_FLOOR, "2000000"},
        {"2000500", ROUND_HALF_AWAY, "2001000"},
        {"999.95", ROUND_CEIL, "1000"},
        {"999.95", ROUND_HALF_AWAY, "1000"},
        {"999.94", ROUND_HALF_AWAY, "999.9"},
        {"0.00009999", ROUND_CEIL, "0.00009999"},
        {"1000", ROUND_FLOOR, "1000"},
        {"1000", ROUND_CEIL, "1000"},
        {"99999.00000001", ROUND_CEIL, "100000"},
    };
    struct instrument instrument = krw_market();
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        px_t rounded = 0;
        cr_assert_eq(
            instrument_round_price(&instrument, price8(lines[i].price), DAY_2025_07_31, lines[i].rounding, &rounded),
            ERR_OK);
        cr_expect_eq(rounded, price8(lines[i].line), "%s, rounding %d: %lld", lines[i].price, (int)lines[i].rounding,
                     (long long)rounded);
    }
}

Test(instrument, rounding_agrees_with_a_search_price_by_price)
{
    /* Bands whose edges are on no grid, ticks that rise and fall, an empty band, a lowest price above zero. */
    struct instrument instrument = plain(0, 0);
    static const struct tick_band bands[] = {{7, 4}, {30, 7}, {50, 100}, {65, 3}, {81, 10}, {95, 1}, {99, 25}};
    instrument.tick_tables[0].band_count = ARRAY_LEN(bands);
    memcpy(instrument.tick_tables[0].bands, bands, sizeof(bands));
    struct err_text why = {0};
    cr_assert_eq(instrument_check(&instrument, &why), ERR_OK, "%s", why.text);
    for (px_t price = 1; price <= 300; price++) {
        px_t below = price, above = price, out;
        while (below > 0 && !instrument_on_tick(&instrument, below, 0))
            below--;
        while (!instrument_on_tick(&instrument, above, 0))
            above++;
        px_t got = -1;
        err_t err = instrument_round_price(&instrument, price, 0, ROUND_FLOOR, &got);
        cr_expect(below > 0 ? err == ERR_OK && got == below : err == ERR_RANGE, "floor of %lld: %s %lld",
                  (long long)price, err_name(err), (long long)got);
        cr_expect_eq(instrument_round_price(&instrument, price, 0, ROUND_CEIL, &got), ERR_OK);
        cr_expect_eq(got, above, "ceil of %lld: %lld", (long long)price, (long long)got);
        out = below > 0 && price - below < above - price ? below : above;
        cr_expect_eq(instrument_round_price(&instrument, price, 0, ROUND_HALF_AWAY, &got), ERR_OK);
        cr_expect_eq(got, out, "nearest of %lld: %lld", (long long)price, (long long)got);
    }
    px_t tick = 0;
    cr_expect_eq(instrument_tick(&instrument, 6, 0, &tick), ERR_RANGE, "below the first band");
}

Test(instrument, rounded_prices_are_on_the_grid_and_within_a_tick)
{
    struct instrument instrument = krw_market();
    struct prng prng;
    prng_init(&prng, SEED, 0);
    for (int i = 0; i < 50000; i++) {
        px_t price = (px_t)(prng_next(&prng) >> (1 + prng_below(&prng, 60)));
        ns_t ts = DAY_2025_07_31 - (ns_t)prng_below(&prng, 2);
        px_t below = 0, above = 0, nearest = 0, tick = 0;
        if (price <= 0)
            continue;
        err_t err = instrument_round_price(&instrument, price, ts, ROUND_FLOOR, &below);
        cr_assert(err == ERR_OK || (err == ERR_RANGE && price < price8("0.0001")), "seed %d: %lld", SEED,
                  (long long)price);
        if (err == ERR_OK) {
            cr_assert(instrument_on_tick(&instrument, below, ts) && below <= price, "seed %d: %lld", SEED,
                      (long long)price);
            cr_assert_eq(instrument_tick(&instrument, below, ts, &tick), ERR_OK);
            cr_assert(price - below < tick, "seed %d: %lld to %lld", SEED, (long long)price, (long long)below);
        }
        if (instrument_round_price(&instrument, price, ts, ROUND_CEIL, &above) != ERR_OK) {
            cr_assert_gt(price, INT64_MAX - price8("1000"), "seed %d: %lld", SEED, (long long)price);
            continue;
        }
        cr_assert(instrument_on_tick(&instrument, above, ts) && above >= price, "seed %d: %lld", SEED,
                  (long long)price);
        cr_assert_eq(instrument_round_price(&instrument, price, ts, ROUND_HALF_AWAY, &nearest), ERR_OK);
        cr_assert(nearest == below || nearest == above);
    }
}

Test(instrument, largest_prices_do_not_overflow)
{
    struct instrument instrument = plain(0, 0);
    px_t rounded = 0;
    instrument_set_tick(&instrument, 10); /* INT64_MAX ends in 7 */
    cr_expect_eq(instrument_round_price(&instrument, INT64_MAX, 0, ROUND_CEIL, &rounded), ERR_RANGE);
    cr_expect_eq(rounded, 0);
    cr_expect_eq(instrument_round_price(&instrument, INT64_MAX, 0, ROUND_FLOOR, &rounded), ERR_OK);
    cr_expect_eq(rounded, INT64_MAX - 7);
    cr_expect_eq(instrument_round_price(&instrument, INT64_MAX, 0, ROUND_HALF_AWAY, &rounded), ERR_OK);
    cr_expect_eq(rounded, INT64_MAX - 7, "above there is nothing");
    instrument_set_tick(&instrument, INT64_MAX);
    cr_expect_eq(instrument_round_price(&instrument, 1, 0, ROUND_CEIL, &rounded), ERR_OK);
    cr_expect_eq(rounded, INT64_MAX);
    cr_expect_eq(instrument_round_price(&instrument, INT64_MAX - 1, 0, ROUND_FLOOR, &rounded), ERR_RANGE);
}

Test(instrument, quantity_is_cut_to_the_lot)
{
    struct instrument instrument = plain(2, 3);
    instrument.lot = 5;
    cr_expect_eq(instrument_round_qty(&instrument, 17), 15);
    cr_expect_eq(instrument_round_qty(&instrument, 15), 15);
    cr_expect_eq(instrument_round_qty(&instrument, 4), 0);
    cr_expect_eq(instrument_round_qty(&instrument, -17), -15);
    cr_expect_eq(instrument_round_qty(&instrument, INT64_MAX), INT64_MAX - 2);
}

Test(instrument, values_move_to_its_scales)
{
    struct instrument instrument = plain(2, 3);
    int64_t out = 0;
    cr_expect_eq(instrument_price_from(&instrument, 6165970000000, 8, ROUND_EXACT, &out), ERR_OK);
    cr_expect_eq(out, 6165970);
    cr_expect_eq(instrument_price_from(&instrument, 6165970500000, 8, ROUND_EXACT, &out), ERR_PRECISION);
    cr_expect_eq(instrument_price_from(&instrument, 6165970500000, 8, ROUND_HALF_EVEN, &out), ERR_OK);
    cr_expect_eq(out, 6165970);
    cr_expect_eq(instrument_qty_from(&instrument, 25, 0, ROUND_EXACT, &out), ERR_OK);
    cr_expect_eq(out, 25000);
    cr_expect_eq(instrument_qty_from(&instrument, INT64_MAX, 0, ROUND_EXACT, &out), ERR_RANGE);
    cr_expect_eq(out, 25000);
}

Test(instrument, text_shows_its_decimals)
{
    struct instrument instrument = plain(8, 8);
    char text[DECIMAL_TEXT_SIZE];
    instrument.price_show = 2;
    cr_expect_eq(instrument_format_price(&instrument, 6165970000000, text), 8);
    cr_expect_str_eq(text, "61659.70");
    instrument_format_qty(&instrument, 100000000, text);
    cr_expect_str_eq(text, "1");
    instrument_format_price(&instrument, -1, text);
    cr_expect_str_eq(text, "-0.00000001");
}

Test(instrument, settle_currency_is_that_of_the_contract)
{
    struct instrument instrument;
    cr_assert_eq(instrument_init(&instrument, "v", "S", "BTC", "USD", CONTRACT_INVERSE, 1, 0), ERR_OK);
    cr_expect_str_eq(instrument.settle, "BTC");
    cr_assert_eq(instrument_init(&instrument, "v", "S", "BTC", "USD", CONTRACT_LINEAR, 1, 0), ERR_OK);
    cr_expect_str_eq(instrument.settle, "USD");
    cr_expect(instrument.lot == 1 && instrument.multiplier == 1 && instrument.tick_tables[0].bands[0].tick == 1);
    cr_expect_eq(instrument_check(&instrument, NULL), ERR_OK);
}

Test(instrument, names_that_do_not_fit_are_refused)
{
    static const char *const wrong[] = {"",     "two words", "tab\t",    "123456789012345678901234", "\x7f", "\xc3",
                                        "\xff", "\xc0\x80",  "a\xe2\x82"};
    struct instrument instrument, before;
    memset(&instrument, 0x5a, sizeof(instrument));
    before = instrument;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        cr_expect_eq(instrument_init(&instrument, wrong[i], "S", "B", "Q", CONTRACT_SPOT, 0, 0), ERR_RANGE, "%zu", i);
        cr_expect_eq(instrument_init(&instrument, "v", "S", wrong[i], "Q", CONTRACT_SPOT, 0, 0), ERR_RANGE, "%zu", i);
        cr_expect_eq(instrument_init(&instrument, "v", "S", "B", wrong[i], CONTRACT_SPOT, 0, 0), ERR_RANGE, "%zu", i);
    }
    cr_expect_eq(instrument_init(&instrument, "v", "S", "B", "Q", CONTRACT_SPOT, 19, 0), ERR_RANGE);
    cr_expect_eq(instrument_init(&instrument, "v", "S", "B", "Q", CONTRACT_SPOT, 0, 19), ERR_RANGE);
    cr_expect(memcmp(&instrument, &before, sizeof(instrument)) == 0, "untouched on failure");
    cr_expect_eq(instrument_init(&instrument, "v", "币安人生USDT", "币安人生", "USDT", CONTRACT_SPOT, 0, 0), ERR_OK);
    cr_expect_eq(instrument_init(&instrument, "12345678901234567890123", "S", "B", "Q", CONTRACT_SPOT, 0, 0), ERR_OK);
}

Test(instrument, check_says_which_field_is_wrong)
{
    static const struct {
        int which;
        const char *words;
    } cases[] = {
        {0, "tick tables"}, {1, "tick 0"},     {2, "above band"},  {3, "after table"},   {4, "lot"},
        {5, "qty_max"},     {6, "multiplier"}, {7, "taker_fee"},   {8, "settles in"},    {9, "price_show"},
        {10, "bands"},      {11, "begins at"}, {12, "multiplier"}, {13, "notional_min"}, {14, "symbol"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct instrument x = plain(2, 3);
        x.tick_tables[0].bands[1] = (struct tick_band){.from = 10, .tick = 5};
        x.tick_tables[0].band_count = 2;
        x.tick_tables[1] = x.tick_tables[0];
        x.tick_tables[1].from_ts = 5;
        x.tick_table_count = 2;
        cr_assert_eq(instrument_check(&x, NULL), ERR_OK);
        switch (cases[i].which) {
        case 0:
            x.tick_table_count = 0;
            break;
        case 1:
            x.tick_tables[1].bands[1].tick = 0;
            break;
        case 2:
            x.tick_tables[1].bands[1].from = 0;
            break;
        case 3:
            x.tick_tables[1].from_ts = 0;
            break;
        case 4:
            x.lot = 0;
            break;
        case 5:
            x.qty_min = 10, x.qty_max = 9;
            break;
        case 6:
            x.multiplier = 0;
            break;
        case 7:
            x.taker_fee = INT64_MAX;
            break;
        case 8:
            strcpy(x.settle, "EUR");
            break;
        case 9:
            x.price_show = 3;
            break;
        case 10:
            x.tick_tables[0].band_count = TICK_BANDS_MAX + 1;
            break;
        case 11:
            x.tick_tables[0].bands[0].from = -1;
            break;
        case 12:
            x.multiplier = 10;
            break;
        case 13:
            x.notional_min = -1;
            break;
        case 14:
            x.symbol[0] = '\0';
            break;
        }
        struct err_text why = {0};
        cr_expect_neq(instrument_check(&x, &why), ERR_OK, "case %d", cases[i].which);
        cr_expect(strstr(why.text, cases[i].words) != NULL, "case %d: \"%s\"", cases[i].which, why.text);
    }
}

Test(instrument, contract_names_read_back)
{
    for (int kind = CONTRACT_SPOT; kind <= CONTRACT_INVERSE; kind++) {
        enum contract_kind back = CONTRACT_SPOT;
        cr_expect_eq(contract_kind_parse(contract_kind_name((enum contract_kind)kind), &back), ERR_OK);
        cr_expect_eq((int)back, kind);
    }
    enum contract_kind back = CONTRACT_LINEAR;
    cr_expect_eq(contract_kind_parse("Spot", &back), ERR_UNKNOWN);
    cr_expect_eq(back, CONTRACT_LINEAR);
}

Test(instrument, each_settle_currency_has_one_first_instrument)
{
    static const char *const quotes[] = {"USD", "EUR", "USD", "KRW", "EUR"};
    static const bool first[] = {true, true, false, true, false};
    struct instrument list[ARRAY_LEN(quotes)];
    for (uint16_t i = 0; i < ARRAY_LEN(quotes); i++) {
        cr_assert_eq(instrument_init(&list[i], "synthetic", "AAA", "AAA", quotes[i], CONTRACT_SPOT, 2, 2), ERR_OK);
        cr_expect_eq(instrument_is_first_of_settle(list, i), first[i], "%u", i);
    }
}
