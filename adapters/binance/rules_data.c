/* rules_data.c: the rules of Binance spot, USD-M and COIN-M, row by row. How rows are read: core/venue_rules.h.
 *
 * Binance changes filters of single symbols every few weeks and keeps no history of them, so the table holds what
 * announcements, API documents, dated answers and our captures attest, and no more. Where only a day is known on
 * which a value was seen, the row begins on that day and its source says so. */
#include "adapters/binance/rules.h"

#define ANNOUNCED_1 "Binance announcement of 2021-01-21, minimum order notional of USD-M futures"
#define ANNOUNCED_5 "Binance announcement of 2021-02-23, updates to USD-M futures trading rules"
#define INFO        "exchangeInfo printed in client code, begin not known"
#define SEEN_2024   "rejects (-4164) of 2024-07-30 in a client's issue tracker: not later than that day"
#define SEEN_2025   "rejects (-4164) of 2025-10-29 in a client's issue tracker: not later than that day"

#define CAPTURE_2023   "prices of captures of 2023-04-04: not later than that day"
#define CAPTURE_2024   "prices and quantities of captures of 2024-08-08"
#define FAPI_DOC       "Binance USD-M API documents"
#define FAPI_CHANGES   "Binance USD-M API change log: GTX and FOK orders that cannot be are rejected, not expired"
#define DAPI_DOC       "Binance COIN-M API documents"
#define COINM_FEES     "Binance notice of 2023-09-18: COIN-M fees change on 2023-09-26; rates of the fee page then"
#define COINM_FEES_OLD "Binance futures fee page, example of COIN-M until 2023-09"
#define FEE_PAGE       "Binance fee page, account without volume and without BNB; its begin is not known"
#define SPOT_DOC       "Binance spot API documents"
#define SPOT_2020      "Binance spot API change log, 2020-05-01"
#define SPOT_WEIGHT    "Binance spot limits, 1,200 until 2023-08-25"
#define SPOT_50        "rejects (-1015, 50 orders per 10 seconds) of 2023-10-24 in client logs"
#define SPOT_100       "Binance API FAQ; when it became 100 is not known, 50 was the limit on 2023-10-24"

/* ---- USD-M ---- */

static const struct venue_rule_row usdm_rows[] = {
    {"*", RULE_NOTIONAL_MIN, "2021-01-25T07:00Z", "1", ANNOUNCED_1},
    {"*", RULE_NOTIONAL_MIN, "2021-02-24T03:00Z", "5", ANNOUNCED_5},
    {"*", RULE_OPEN_ORDERS_MAX, "", "200", FAPI_DOC},
    {"*", RULE_FOK_REJECTED, "2023-03-22", "yes", FAPI_CHANGES},
    {"*", RULE_POST_ONLY_EXPIRES, "", "yes", FAPI_CHANGES},
    {"*", RULE_POST_ONLY_EXPIRES, "2023-03-22", NULL, FAPI_CHANGES},
    {"*", RULE_MAKER_FEE, "", "0.0002", FEE_PAGE},
    {"*", RULE_TAKER_FEE, "", "0.0005", FEE_PAGE ": documents before 2023-11 print 0.0004"},
    {"*", RULE_ORDER_LIMIT_SHORT, "", "300/10s", INFO},
    {"*", RULE_ORDER_LIMIT_LONG, "", "1200/1m", INFO},
    {"*", RULE_REQUEST_LIMIT_LONG, "", "2400/1m", INFO},

    {"BTCUSDT", RULE_TICK, "", "0:0.01", INFO ": with the largest market order of 300"},
    {"BTCUSDT", RULE_TICK, "2023-04-04", "0:0.1", CAPTURE_2023},
    {"BTCUSDT", RULE_LOT, "", "0.001", INFO},
    {"BTCUSDT", RULE_QTY_MIN, "", "0.001", INFO},
    {"BTCUSDT", RULE_QTY_MAX, "", "1000", INFO},
    {"BTCUSDT", RULE_MARKET_QTY_MAX, "", "300", INFO ": with the tick of 0.01"},
    {"BTCUSDT", RULE_MARKET_QTY_MAX, "2023-04-04", "120", INFO ": with the tick of 0.1"},
    {"BTCUSDT", RULE_NOTIONAL_MIN, "2024-07-30", "100", SEEN_2024},
    {"BTCUSDT", RULE_BUY_BAND, "", "..1.05 mark", INFO},
    {"BTCUSDT", RULE_SELL_BAND, "", "0.95.. mark", INFO},

    {"ETHUSDT", RULE_TICK, "", "0:0.01", CAPTURE_2024},
    {"ETHUSDT", RULE_LOT, "", "0.001", CAPTURE_2024},
    {"ETHUSDT", RULE_QTY_MIN, "", "0.001", CAPTURE_2024},
    {"ETHUSDT", RULE_NOTIONAL_MIN, "2025-10-29", "20", SEEN_2025},
};

/* Codes of the futures' error table; -1013 and its kin belong to spot. */
static const struct venue_code futures_codes[] = {
    {FAULT_PRICE_NOT_POSITIVE, -4001, -4001, 0, 0},
    {FAULT_PRICE_TICK, -4014, -4014, 0, 0},
    {FAULT_QTY_NOT_POSITIVE, -4003, -4003, 0, 0},
    {FAULT_QTY_LOT, -4023, -4023, 0, 0},
    {FAULT_QTY_SMALL, -4004, -4004, 0, 0},
    {FAULT_QTY_LARGE, -4005, -4005, 0, 0},
    {FAULT_NOTIONAL_SMALL, -4164, -4164, 0, 0},
    {FAULT_PRICE_HIGH, -4016, -4016, 0, 0},
    {FAULT_PRICE_LOW, -4024, -4024, 0, 0},
    {FAULT_MARKET_BAND, -4131, -4131, 0, 0},
    {FAULT_OPEN_ORDERS, -2025, -2025, 0, 0},
    {FAULT_POST_ONLY, -5022, -5022, 0, 0},
    {FAULT_FOK, -5021, -5021, 0, 0},
    {FAULT_REDUCE_ONLY, -2022, -2022, 0, 0},
    {FAULT_FUNDS, -2019, -2019, 0, 0},
    {FAULT_MARGIN, -2019, -2019, 0, 0},
    {FAULT_LEVERAGE, -2027, -2027, 0, 0},
    {FAULT_LIQUIDATION, -2023, -2023, 0, 0},
    {FAULT_DUPLICATE, -4116, -4116, 0, 0},
    {FAULT_CANCEL_UNKNOWN, -2011, -2011, 0, 0},
    {FAULT_AMEND_UNKNOWN, -2013, -2013, 0, 0},
    {FAULT_ORDER_RATE, -1015, -1015, 0, 0},
    {FAULT_REQUEST_RATE, -1003, -1003, 0, 0},
};

const struct venue_profile binance_usdm_profile = {
    .venue = "binance-usdm",
    .rows = usdm_rows,
    .row_count = ARRAY_LEN(usdm_rows),
    .codes = futures_codes,
    .code_count = ARRAY_LEN(futures_codes),
    .orders_count = COUNTS_NEW | COUNTS_AMEND,
    .requests_count = COUNTS_CANCEL | COUNTS_AMEND, /* a new order weighs nothing */
    .tape_first = true,
    .unknown =
        "Ticks, lots, maximums and price bands of symbols other than BTCUSDT and ETHUSDT: what the tape says of "
        "them is used, and no band. When BTCUSDT went from tick 0.01 to 0.1 (between 2021-07-22 and "
        "2023-04-04) and from 5 to 100 USDT (not later than 2024-07-30). When the taker fee became 0.05 %. "
        "Higher limits of accounts with volume.",
};

/* ---- COIN-M ---- */

static const struct venue_rule_row coinm_rows[] = {
    {"*", RULE_LOT, "", "1", DAPI_DOC},
    {"*", RULE_QTY_MIN, "", "1", DAPI_DOC},
    {"*", RULE_OPEN_ORDERS_MAX, "", "200", INFO},
    {"*", RULE_MAKER_FEE, "", "0.00015", COINM_FEES_OLD},
    {"*", RULE_TAKER_FEE, "", "0.0004", COINM_FEES_OLD},
    {"*", RULE_MAKER_FEE, "2023-09-26T04:00Z", "0.0002", COINM_FEES},
    {"*", RULE_TAKER_FEE, "2023-09-26T04:00Z", "0.0005", COINM_FEES},
    {"*", RULE_ORDER_LIMIT_LONG, "", "1200/1m", DAPI_DOC},
    {"*", RULE_REQUEST_LIMIT_LONG, "", "2400/1m", DAPI_DOC},

    {"BTCUSD_PERP", RULE_TICK, "", "0:0.1", INFO},
    {"BTCUSD_PERP", RULE_QTY_MAX, "", "1000000", INFO},
    {"BTCUSD_PERP", RULE_MARKET_QTY_MAX, "", "60000", INFO},
    {"BTCUSD_PERP", RULE_BUY_BAND, "", "..1.05 mark", INFO},
    {"BTCUSD_PERP", RULE_SELL_BAND, "", "0.95.. mark", INFO},
};

const struct venue_profile binance_coinm_profile = {
    .venue = "binance-coinm",
    .rows = coinm_rows,
    .row_count = ARRAY_LEN(coinm_rows),
    .codes = futures_codes,
    .code_count = ARRAY_LEN(futures_codes),
    .orders_count = COUNTS_NEW | COUNTS_AMEND,
    .requests_count = COUNTS_CANCEL | COUNTS_AMEND,
    .tape_first = true,
    .unknown =
        "Ticks, maximums and price bands of symbols other than BTCUSD_PERP. Whether COIN-M rejects fill-or-kill "
        "orders that cannot fill: they expire here. Higher limits of accounts with volume.",
};

/* ---- spot ---- */

static const struct venue_rule_row spot_rows[] = {
    {"*", RULE_OPEN_ORDERS_MAX, "2020-05-01", "200", SPOT_2020},
    {"*", RULE_MAKER_FEE, "", "0.001", FEE_PAGE},
    {"*", RULE_TAKER_FEE, "", "0.001", FEE_PAGE},
    {"*", RULE_ORDER_LIMIT_SHORT, "", "50/10s", SPOT_50},
    {"*", RULE_ORDER_LIMIT_SHORT, "2024-01-01", "100/10s", SPOT_100},
    {"*", RULE_REQUEST_LIMIT_LONG, "", "1200/1m", SPOT_WEIGHT},
    {"*", RULE_REQUEST_LIMIT_LONG, "2023-08-25", "6000/1m", SPOT_WEIGHT},

    {"BTCUSDT", RULE_TICK, "", "0:0.01", INFO},
    {"BTCUSDT", RULE_LOT, "", "0.00001", INFO},
    {"BTCUSDT", RULE_QTY_MIN, "", "0.00001", INFO},
    {"BTCUSDT", RULE_QTY_MAX, "", "9000", INFO},
    {"BTCUSDT", RULE_NOTIONAL_MIN, "", "10", "rejects and answers of 2020 and 2021 in clients' issue trackers"},
    {"BTCUSDT", RULE_NOTIONAL_MIN, "2024-01-01", "5", INFO ", filter NOTIONAL"},
    {"BTCUSDT", RULE_NOTIONAL_MAX, "2024-01-01", "9000000 limit", INFO ", filter NOTIONAL, not of market orders"},
    {"BTCUSDT", RULE_BUY_BAND, "2024-01-01", "0.2..5 average", INFO ", filter PERCENT_PRICE_BY_SIDE"},
    {"BTCUSDT", RULE_SELL_BAND, "2024-01-01", "0.2..5 average", INFO ", filter PERCENT_PRICE_BY_SIDE"},
};

/* Filters answer -1013 "Filter failure: <name>"; what only the matching engine knows answers -2010. */
static const struct venue_code spot_codes[] = {
    {FAULT_PRICE_NOT_POSITIVE, -1013, -1013, 0, 0},
    {FAULT_PRICE_TICK, -1013, -1013, 0, 0},
    {FAULT_QTY_NOT_POSITIVE, -1013, -1013, 0, 0},
    {FAULT_QTY_LOT, -1013, -1013, 0, 0},
    {FAULT_QTY_SMALL, -1013, -1013, 0, 0},
    {FAULT_QTY_LARGE, -1013, -1013, 0, 0},
    {FAULT_NOTIONAL_SMALL, -1013, -1013, 0, 0},
    {FAULT_NOTIONAL_LARGE, -1013, -1013, 0, 0},
    {FAULT_PRICE_HIGH, -1013, -1013, 0, 0},
    {FAULT_PRICE_LOW, -1013, -1013, 0, 0},
    {FAULT_OPEN_ORDERS, -1013, -1013, 0, 0},
    {FAULT_POST_ONLY, -2010, -2010, 0, 0},
    {FAULT_FUNDS, -2010, -2010, 0, 0},
    {FAULT_DUPLICATE, -2010, -2010, 0, 0},
    {FAULT_CANCEL_UNKNOWN, -2011, -2011, 0, 0},
    {FAULT_AMEND_UNKNOWN, -2011, -2011, 0, 0},
    {FAULT_ORDER_RATE, -1015, -1015, 0, 0},
    {FAULT_REQUEST_RATE, -1003, -1003, 0, 0},
};

const struct venue_profile binance_spot_profile = {
    .venue = "binance-spot",
    .rows = spot_rows,
    .row_count = ARRAY_LEN(spot_rows),
    .codes = spot_codes,
    .code_count = ARRAY_LEN(spot_codes),
    .orders_count = COUNTS_NEW | COUNTS_AMEND,
    .requests_count = COUNTS_NEW | COUNTS_CANCEL | COUNTS_AMEND, /* weight 1 each */
    .tape_first = true,
    .unknown =
        "Filters of symbols other than BTCUSDT: what the tape says of them is used. The days on which the filters "
        "of BTCUSDT changed between 2021 and 2024 (the rows take 2024-01-01). When 50 orders in 10 seconds "
        "became 100 (between 2023-10-24 and 2024; the row takes 2024-01-01). The largest market order follows "
        "the traded volume and changes by the hour. Orders that filled are counted here, though the venue "
        "takes them off its count.",
};
