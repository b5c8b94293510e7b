/* Which row is in force, and what its text means. */
#include "core/venue_rules.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct venue_rule_row rows[] = {
    {"*", RULE_NOTIONAL_MIN, "2020-01-01", "1", "a"},
    {"*", RULE_NOTIONAL_MIN, "2022-01-01", "5", "b"},
    {"BTC*", RULE_NOTIONAL_MIN, "2021-01-01", "10", "c"},
    {"ETHUSDT|BTCUSDT", RULE_NOTIONAL_MIN, "2021-06-01", "20", "d"},
    {"BTCUSDT", RULE_NOTIONAL_MIN, "2023-01-01", NULL, "e"},
    {"BTC*", RULE_BUY_BAND, "", "0.5..2 average", "f"},
    {"BTC*", RULE_SELL_BAND, "", "0.95.. mark", "g"},
    {"BTC*", RULE_ORDER_LIMIT_SHORT, "", "300/10s", "h"},
    {"BTC*", RULE_ORDER_LIMIT_LONG, "", "1200/1m", "i"},
    {"BTC*", RULE_NOTIONAL_MAX, "", "1000 limit", "j"},
    {"BTC*", RULE_QTY_MAX, "", "99999999999999999999", "k"},
    {"BAD", RULE_LOT, "", "x", "l"},
};
static const struct venue_profile profile = {.venue = "test", .rows = rows, .row_count = ARRAY_LEN(rows)};

static ns_t at(const char *text)
{
    ns_t ts;
    cr_assert_eq(venue_rule_time(text, &ts), ERR_OK, "%s", text);
    return ts;
}

static const char *source(const char *market, const char *day)
{
    const struct venue_rule_row *row = venue_rule_at(&profile, market, RULE_NOTIONAL_MIN, at(day));
    return row == NULL ? "none" : row->source;
}

Test(rule_rows, dates_are_read_with_their_offsets)
{
    cr_assert_eq(at(""), 0);
    cr_assert_eq(at("1970-01-02"), INT64_C(86400) * NS_PER_S);
    cr_assert_eq(at("2024-01-29+09:00"), INT64_C(1706454000) * NS_PER_S);
    cr_assert_eq(at("2025-05-19T15:00+09:00"), INT64_C(1747634400) * NS_PER_S);
    cr_assert_eq(at("2024-02-29T23:59Z"), INT64_C(1709251140) * NS_PER_S);
    static const char *const bad[] = {"2024",         "2024-1-1",           "2024-13-01",       "2024-01-32",
                                      "2024-01-01T9", "2024-01-01T24:00Z",  "2024-01-01 Z",     "2024-01-01+9",
                                      "1969-01-01",   "2024-01-01T00:00ZZ", "2024-01-01T00:60", "x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ns_t ts = 7;
        cr_assert_eq(venue_rule_time(bad[i], &ts), ERR_SYNTAX, "%s", bad[i]);
        cr_assert_eq(ts, 7);
    }
}

Test(rule_rows, the_closest_pattern_that_has_begun_is_in_force)
{
    cr_assert_str_eq(source("XRPUSDT", "2019-12-31"), "none");
    cr_assert_str_eq(source("XRPUSDT", "2020-01-01"), "a");
    cr_assert_str_eq(source("XRPUSDT", "2022-01-01"), "b");
    cr_assert_str_eq(source("BTCEUR", "2020-12-31"), "a");
    cr_assert_str_eq(source("BTCEUR", "2022-06-01"), "c"); /* closer, though older */
    cr_assert_str_eq(source("BTCUSDT", "2021-05-31"), "c");
    cr_assert_str_eq(source("BTCUSDT", "2021-06-01"), "d");
    cr_assert_str_eq(source("BTCUSDT", "2023-01-01"), "c"); /* its own row has ended */
    cr_assert_str_eq(source("ETHUSDT", "2023-01-01"), "d");
    cr_assert_str_eq(source("ETHUSD", "2023-01-01"), "b"); /* a name is matched whole */
}

Test(rule_rows, the_next_change_is_one_of_the_row_in_force)
{
    cr_assert_eq(venue_rule_next(&profile, "BTCUSDT", RULE_NOTIONAL_MIN, 0), at("2020-01-01"));
    cr_assert_eq(venue_rule_next(&profile, "BTCUSDT", RULE_NOTIONAL_MIN, at("2021-06-01")), at("2023-01-01"));
    cr_assert_eq(venue_rule_next(&profile, "BTCUSDT", RULE_NOTIONAL_MIN, at("2023-01-01")), NS_MAX);
    cr_assert_eq(venue_rule_next(&profile, "XRPUSDT", RULE_NOTIONAL_MIN, at("2020-01-01")), at("2022-01-01"));
    cr_assert_eq(venue_rule_next(&profile, "XRPUSDT", RULE_TICK, 0), NS_MAX);
    cr_assert(venue_market_is_known(&profile, "BTCEUR") && !venue_market_is_known(&profile, "XRPUSDT"));
}

static struct venue_rules rules;

static struct instrument instrument_of(const char *symbol)
{
    struct instrument instrument;
    cr_assert_eq(instrument_init(&instrument, "test", symbol, "A", "B", CONTRACT_SPOT, 2, 3), ERR_OK);
    return instrument;
}

Test(rule_rows, spans_begin_where_any_rule_changes_and_hold_integers)
{
    struct instrument instrument = instrument_of("BTCUSDT");
    struct err_text why = {0};
    cr_assert_eq(venue_rules_resolve(&profile, &instrument, &rules, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(rules.span_count, 5);
    cr_assert(venue_rules_at(&rules, 0)->notional_min == 0);
    cr_assert(venue_rules_at(&rules, at("2020-06-01"))->notional_min == 100000);
    cr_assert(venue_rules_at(&rules, at("2021-06-01") - 1)->notional_min == 1000000);
    cr_assert(venue_rules_at(&rules, at("2021-06-01"))->notional_min == 2000000);
    const struct venue_span *span = venue_rules_at(&rules, at("2030-01-01"));
    cr_assert(span->notional_min == 1000000);
    cr_assert(span->notional_max == 100000000 && span->notional_max_limit_only);
    cr_assert_eq(span->qty_max, 0); /* more than can be ordered */
    cr_assert_eq(span->lot, 1);
    cr_assert(span->band[SIDE_BUY].reference == BAND_AVERAGE && span->band[SIDE_BUY].low == 500000 &&
              span->band[SIDE_BUY].high == 2000000);
    cr_assert(span->band[SIDE_SELL].reference == BAND_MARK && span->band[SIDE_SELL].low == 950000 &&
              span->band[SIDE_SELL].high == 0);
    cr_assert(span->orders[0].count == 300 && span->orders[0].window == 10 * NS_PER_S);
    cr_assert(span->orders[1].count == 1200 && span->orders[1].window == 60 * NS_PER_S);
    cr_assert(span->requests[0].count == 0);
}

Test(rule_rows, what_a_row_does_not_say_the_instrument_says)
{
    struct instrument instrument = instrument_of("XRPUSDT");
    instrument.lot = 10;
    instrument.qty_max = 5000;
    instrument.taker_fee = 7;
    struct venue_profile tape_first = profile;
    cr_assert_eq(venue_rules_resolve(&profile, &instrument, &rules, NULL), ERR_OK);
    const struct venue_span *span = venue_rules_at(&rules, at("2023-01-01"));
    cr_assert(span->lot == 10 && span->qty_max == 5000 && span->taker_fee == 7 && span->notional_min == 500000);
    /* filters that came with the tape win where the profile says so */
    tape_first.tape_first = true;
    instrument.notional_min = 42;
    cr_assert_eq(venue_rules_resolve(&tape_first, &instrument, &rules, NULL), ERR_OK);
    cr_assert(venue_rules_at(&rules, at("2023-01-01"))->notional_min == 42);
    cr_assert_eq(venue_rules_resolve(&profile, &instrument, &rules, NULL), ERR_OK);
    cr_assert(venue_rules_at(&rules, at("2023-01-01"))->notional_min == 500000);
}

Test(rule_rows, a_value_that_cannot_be_read_names_its_row)
{
    struct instrument instrument = instrument_of("BAD");
    struct err_text why = {0};
    cr_assert_neq(venue_rules_resolve(&profile, &instrument, &rules, &why), ERR_OK);
    cr_assert_not_null(strstr(why.text, "BAD of test: rule lot \"x\""), "%s", why.text);
}
