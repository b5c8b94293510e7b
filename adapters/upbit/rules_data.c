/* rules_data.c: the rules of Upbit (Korea), row by row. How rows are read: core/venue_rules.h.
 *
 * Dates are those from which the venue said it would apply, at midnight in Korea where it named only the day (changes
 * come with the maintenance of that night). */
#include "adapters/upbit/rules.h"

/* Where it is written: pages of Upbit's developer centre, by the name of the page, and client libraries. */
#define GUIDE_2023   "Upbit guide market-info-trade-price-detail, version 1.4.1"
#define GUIDE_2024   "Upbit guide market-info-trade-price-detail, version 1.4.5: since 2024-01-29"
#define GUIDE_KRW    "Upbit guide krw-market-info: since 2025-07-31"
#define GUIDE_BTC    "Upbit guide btc-market-info"
#define GUIDE_USDT   "Upbit guide usdt-market-info"
#define NOTE_COARSE  "Upbit notice krw_tick_unit_change (16 coins); guide krw-market-info: in force since 2024-10-14"
#define NOTE_DOLLAR  "Upbit notice usdtkrw_tick_unit_change"
#define NOTE_USDT    "Upbit notice usdt_tick_unit_change"
#define NOTE_DEPTH   "Upbit notice orderbook_expansion"
#define NOTE_ACCOUNT "Upbit notice change_on_ratelimit"
#define GUIDE_RATES  "Upbit guide user-request-guide, version 1.4.0"
#define NOTE_RATES   "Upbit notice order-rate-limit-update"
#define ANSWER       "Upbit, answer of /v1/orders/chance; its begin is not known"

#define COARSE_COINS                                                                                                 \
    "KRW-ADA|KRW-ALGO|KRW-BLUR|KRW-CELO|KRW-ELF|KRW-EOS|KRW-GRS|KRW-GRT|KRW-ICX|KRW-MANA|KRW-MINA|KRW-POL|KRW-SAND|" \
    "KRW-SEI|KRW-STG|KRW-TRX"
#define DOLLAR_COINS "KRW-USDT|KRW-USDC"

#define KRW_UNTIL_2024                                                                                               \
    "2000000:1000 1000000:500 500000:100 100000:50 10000:10 1000:5 100:1 10:0.1 1:0.01 0.1:0.001 0:0.0001"
/* What the table until 2025-07-31 says above and below the band that the exceptions change. */
#define KRW_2024_HIGH "2000000:1000 1000000:500 500000:100 100000:50 10000:10"
#define KRW_2024_LOW  "10:0.01 1:0.001 0.1:0.0001 0.01:0.00001 0.001:0.000001 0.0001:0.0000001 0:0.00000001"
#define KRW_2025_HIGH "1000000:1000 500000:500 100000:100 50000:50 10000:10"
#define KRW_2025_LOW                                                                                                 \
    "100:1 10:0.1 1:0.01 0.1:0.001 0.01:0.0001 0.001:0.00001 0.0001:0.000001 0.00001:0.0000001 0:0.00000001"

static const struct venue_rule_row rows[] = {
    /* ---- KRW markets: three tables, and two groups of coins apart ---- */
    {"KRW-*", RULE_TICK, "", KRW_UNTIL_2024, GUIDE_2023},
    {"KRW-*", RULE_TICK, "2024-01-29+09:00", KRW_2024_HIGH " 1000:1 100:0.1 " KRW_2024_LOW, GUIDE_2024},
    {"KRW-*", RULE_TICK, "2025-07-31+09:00", KRW_2025_HIGH " 5000:5 1000:1 " KRW_2025_LOW, GUIDE_KRW},
    {COARSE_COINS, RULE_TICK, "2024-10-14+09:00", KRW_2024_HIGH " 1000:1 100:1 " KRW_2024_LOW, NOTE_COARSE},
    {COARSE_COINS, RULE_TICK, "2025-07-31+09:00", NULL, GUIDE_KRW},
    {DOLLAR_COINS, RULE_TICK, "2025-03-21+09:00", KRW_2024_HIGH " 1000:0.5 100:0.1 " KRW_2024_LOW, NOTE_DOLLAR},
    {DOLLAR_COINS, RULE_TICK, "2025-07-31+09:00", KRW_2025_HIGH " 1000:0.5 " KRW_2025_LOW,
     "a client library; the guide does not say that the exception of 2025-03-21 survived"},
    {"KRW-*", RULE_NOTIONAL_MIN, "", "5000", ANSWER},
    {"KRW-*", RULE_NOTIONAL_MAX, "", "1000000000", ANSWER},
    {"KRW-*", RULE_MAKER_FEE, "", "0.0005", ANSWER},
    {"KRW-*", RULE_TAKER_FEE, "", "0.0005", ANSWER},

    /* ---- BTC markets ---- */
    {"BTC-*", RULE_TICK, "", "0:0.00000001", GUIDE_BTC},
    {"BTC-*", RULE_NOTIONAL_MIN, "", "0.0005", NOTE_USDT},
    {"BTC-*", RULE_NOTIONAL_MIN, "2024-08-19+09:00", "0.00005", NOTE_USDT},
    {"BTC-*", RULE_NOTIONAL_MAX, "", "20", NOTE_DEPTH},
    {"BTC-*", RULE_NOTIONAL_MAX, "2025-05-19T15:00+09:00", "10", NOTE_DEPTH},
    {"BTC-*", RULE_MAKER_FEE, "", "0.0025", ANSWER},
    {"BTC-*", RULE_TAKER_FEE, "", "0.0025", ANSWER},

    /* ---- USDT markets ---- */
    {"USDT-*", RULE_TICK, "", "0:0.001", NOTE_USDT},
    {"USDT-*", RULE_TICK, "2024-08-19+09:00",
     "10:0.01 1:0.001 0.1:0.0001 0.01:0.00001 0.001:0.000001 0.0001:0.0000001 0:0.00000001", GUIDE_USDT},
    {"USDT-*", RULE_NOTIONAL_MIN, "", "0.0005", NOTE_USDT},
    {"USDT-*", RULE_NOTIONAL_MIN, "2024-08-19+09:00", "0.5", NOTE_USDT},
    {"USDT-*", RULE_MAKER_FEE, "", "0.0025", ANSWER},
    {"USDT-*", RULE_TAKER_FEE, "", "0.0025", ANSWER},

    /* ---- all markets ---- */
    {"*", RULE_LOT, "", "0.00000001", "Upbit: volumes have at most eight decimals"},
    {"*", RULE_MARKET_LEVELS_MAX, "", "15", NOTE_DEPTH},
    {"*", RULE_MARKET_LEVELS_MAX, "2025-05-07T15:00+09:00", "30", NOTE_DEPTH},
    {"*", RULE_ORDER_LIMIT_SHORT, "", "8/1s", GUIDE_RATES},
    {"*", RULE_ORDER_LIMIT_LONG, "", "200/1m", GUIDE_RATES},
    {"*", RULE_ORDER_LIMIT_LONG, "2023-10-25T19:00+09:00", NULL, NOTE_ACCOUNT},
    {"*", RULE_ORDER_LIMIT_SHORT, "2026-08-21T21:00+09:00", "12/1s", NOTE_RATES},
    {"*", RULE_REQUEST_LIMIT_SHORT, "", "30/1s", GUIDE_RATES},
    {"*", RULE_REQUEST_LIMIT_LONG, "", "900/1m", GUIDE_RATES},
    {"*", RULE_REQUEST_LIMIT_LONG, "2023-10-25T19:00+09:00", NULL, NOTE_ACCOUNT},
};

/* Names of errors, and their numbers: new ones go to the end, the numbers are on tapes. */
#define UPBIT_ERRORS(X)                                                                                              \
    X(create_bid_error)                                                                                              \
    X(create_ask_error)                                                                                              \
    X(insufficient_funds_bid)                                                                                        \
    X(insufficient_funds_ask)                                                                                        \
    X(under_min_total_bid)                                                                                           \
    X(under_min_total_ask)                                                                                           \
    X(under_min_total_market_bid)                                                                                    \
    X(under_min_total_market_ask)                                                                                    \
    X(over_krw_funds_bid)                                                                                            \
    X(validation_error)                                                                                              \
    X(invalid_parameter)                                                                                             \
    X(invalid_post_only)                                                                                             \
    X(invalid_time_in_force)                                                                                         \
    X(duplicated_identifier)                                                                                         \
    X(notfoundmarket)                                                                                                \
    X(invalid_price_bid)                                                                                             \
    X(invalid_price_ask)                                                                                             \
    X(invalid_volume_bid)                                                                                            \
    X(invalid_volume_ask)                                                                                            \
    X(invalid_funds_bid)                                                                                             \
    X(market_does_not_exist)                                                                                         \
    X(bad_request)                                                                                                   \
    X(market_offline)                                                                                                \
    X(order_not_found)                                                                                               \
    X(too_many_requests)                                                                                             \
    X(internal_server_error)
#define ERROR_ENUM(name) E_##name,
enum { E_none, UPBIT_ERRORS(ERROR_ENUM) };
#undef ERROR_ENUM
#define ERROR_WORD(name) #name,
static const char *const words[] = {UPBIT_ERRORS(ERROR_WORD)};
#undef ERROR_WORD

/* Where nobody has written down the name of an error there is none here: a post-only order that would take, an order
 * above the maximum other than a bid in KRW, a market order deeper than the levels shown. */
static const struct venue_code codes[] = {
    {FAULT_PRICE_NOT_POSITIVE, E_invalid_price_bid, E_invalid_price_ask, 0, 0},
    {FAULT_PRICE_TICK, E_invalid_price_bid, E_invalid_price_ask, 0, 0},
    {FAULT_QTY_NOT_POSITIVE, E_invalid_volume_bid, E_invalid_volume_ask, 0, 0},
    {FAULT_QTY_LOT, E_invalid_volume_bid, E_invalid_volume_ask, 0, 0},
    {FAULT_QTY_SMALL, E_invalid_volume_bid, E_invalid_volume_ask, 0, 0},
    {FAULT_QTY_LARGE, E_invalid_volume_bid, E_invalid_volume_ask, 0, 0},
    {FAULT_NOTIONAL_SMALL, E_under_min_total_bid, E_under_min_total_ask, E_under_min_total_market_bid,
     E_under_min_total_market_ask},
    {FAULT_NOTIONAL_LARGE, E_over_krw_funds_bid, 0, 0, 0},
    {FAULT_FUNDS, E_insufficient_funds_bid, E_insufficient_funds_ask, 0, 0},
    {FAULT_DUPLICATE, E_duplicated_identifier, E_duplicated_identifier, 0, 0},
    {FAULT_CANCEL_UNKNOWN, E_order_not_found, E_order_not_found, 0, 0},
    {FAULT_AMEND_UNKNOWN, E_order_not_found, E_order_not_found, 0, 0},
    {FAULT_ORDER_RATE, E_too_many_requests, E_too_many_requests, 0, 0},
    {FAULT_REQUEST_RATE, E_too_many_requests, E_too_many_requests, 0, 0},
};

const struct venue_profile upbit_profile = {
    .venue = "upbit",
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
    .codes = codes,
    .code_count = ARRAY_LEN(codes),
    .code_words = words,
    .code_word_count = ARRAY_LEN(words),
    .orders_count = COUNTS_NEW | COUNTS_AMEND, /* POST /v1/orders, POST /v1/orders/cancel_and_new */
    .requests_count = COUNTS_CANCEL,
    .window_from_first = true, /* user-request-guide: time runs from the first request, failed ones do not count */
    .unknown =
        "When the smallest order in KRW became 5,000 (it was 500 once); the begin of the largest orders and of "
        "the fees; fees of campaigns; names of errors of a post-only order that would take, of an order above "
        "the maximum (other than a bid in KRW), of a market order deeper than the levels shown. Restrictions "
        "of single coins (caution, delisting) are not in the table.",
};
