/* venue_rules.h: what a venue accepts, as dated data with sources; and how it names what it does not accept.
 *
 *   adapters/<venue>/rules_data.c                      here                              sim/venue_rules.c
 *   rows: market, rule, from, value, source ──► venue_rules_resolve() ──► spans of integers ──► checks
 *   codes: fault ─► the venue's own reject code ─────────────────────────────────────────────► execution
 *
 * A row is one fact: this rule has this value for these markets from this day on, says this source. Facts that
 * nobody wrote down are not in the table, and what is not in the table is not enforced. The row in force is the one
 * that names the market most closely ("KRW-BTC" before "KRW-*" before "*"), and of those the youngest that has begun;
 * a row without a value ends what a closer pattern said, and the wider one holds again:
 *
 *   {"KRW-*",   tick, "2024-01-29+09:00", "1000:1 100:0.1 ..."}      2024-03: KRW-ADA 0.1   KRW-XRP 0.1
 *   {"KRW-ADA", tick, "2024-10-14+09:00", "1000:1 100:1 ..."}        2025-01: KRW-ADA 1     KRW-XRP 0.1
 *   {"KRW-ADA", tick, "2025-07-31+09:00", NULL}                      2025-08: as KRW-*
 *   {"KRW-*",   tick, "2025-07-31+09:00", "1000:1 100:1 ..."}
 *
 * Values are text as the venue writes them; they become integers once, in the units of an instrument, before a run.
 */
#ifndef TAPEDECK_CORE_VENUE_RULES_H
#define TAPEDECK_CORE_VENUE_RULES_H

#include "core/err.h"
#include "core/instrument.h"
#include "core/order.h"

#ifdef __cplusplus
extern "C" {
#endif

/* rule, its name, what a value looks like */
#define VENUE_RULE_MAP(X)                                                                                            \
    X(TICK, "tick", "lower bound:tick, highest first")                                                               \
    X(LOT, "lot", "quantity step")                                                                                   \
    X(QTY_MIN, "qty_min", "smallest quantity")                                                                       \
    X(QTY_MAX, "qty_max", "largest quantity")                                                                        \
    X(MARKET_QTY_MAX, "market_qty_max", "largest quantity of a market order")                                        \
    X(MARKET_LEVELS_MAX, "market_levels_max", "a market order must find its quantity in so many levels")             \
    X(NOTIONAL_MIN, "notional_min", "smallest price x quantity")                                                     \
    X(NOTIONAL_MAX, "notional_max", "largest price x quantity; \"limit\": of limit orders only")                     \
    X(BUY_BAND, "buy_band", "LOW..HIGH times the mark price or the average of the last minutes")                     \
    X(SELL_BAND, "sell_band", "the same for sells")                                                                  \
    X(OPEN_ORDERS_MAX, "open_orders_max", "resting orders of a market at once")                                      \
    X(MAKER_FEE, "maker_fee", "rate of an account without volume")                                                   \
    X(TAKER_FEE, "taker_fee", "the same for fills that take")                                                        \
    X(FOK_REJECTED, "fok_rejected", "\"yes\": a fill-or-kill order that cannot fill is rejected, not expired")       \
    X(POST_ONLY_EXPIRES, "post_only_expires", "\"yes\": a post-only order that would take is accepted and expires")  \
    X(ORDER_LIMIT_SHORT, "order_limit_short", "new and changed orders in a window")                                  \
    X(ORDER_LIMIT_LONG, "order_limit_long", "the same, a longer window")                                             \
    X(REQUEST_LIMIT_SHORT, "request_limit_short", "what the venue counts besides orders, in a window")               \
    X(REQUEST_LIMIT_LONG, "request_limit_long", "the same, a longer window")
#define VENUE_RULE_ENUM(name, text, help) RULE_##name,
enum venue_rule { VENUE_RULE_MAP(VENUE_RULE_ENUM) RULE_COUNT };
#undef VENUE_RULE_ENUM

struct venue_rule_row {
    const char *markets; /* "BTCUSDT", "KRW-ADA|KRW-TRX", "KRW-*", "*" */
    enum venue_rule rule;
    const char *from;  /* "2024-01-29+09:00", "2021-02-24T03:00Z"; "": since ever, as far as is known */
    const char *value; /* NULL: from here on as the wider pattern says */
    const char *source;
};

/* What can be wrong with a request, finer than a reason: venues give some reasons several codes. */
#define VENUE_FAULT_MAP(X)                                                                                           \
    X(NONE, NONE)                                                                                                    \
    X(PRICE_NOT_POSITIVE, BAD_PRICE)                                                                                 \
    X(PRICE_TICK, BAD_PRICE)                                                                                         \
    X(QTY_NOT_POSITIVE, BAD_QTY)                                                                                     \
    X(QTY_LOT, BAD_QTY)                                                                                              \
    X(QTY_SMALL, BAD_QTY)                                                                                            \
    X(QTY_LARGE, BAD_QTY)                                                                                            \
    X(NOTIONAL_SMALL, MIN_NOTIONAL)                                                                                  \
    X(NOTIONAL_LARGE, MAX_NOTIONAL)                                                                                  \
    X(PRICE_HIGH, PRICE_BAND)                                                                                        \
    X(PRICE_LOW, PRICE_BAND)                                                                                         \
    X(MARKET_BAND, PRICE_BAND)                                                                                       \
    X(MARKET_DEPTH, NO_LIQUIDITY)                                                                                    \
    X(OPEN_ORDERS, OPEN_ORDERS)                                                                                      \
    X(POST_ONLY, POST_ONLY)                                                                                          \
    X(FOK, FOK)                                                                                                      \
    X(REDUCE_ONLY, REDUCE_ONLY)                                                                                      \
    X(FUNDS, INSUFFICIENT_FUNDS)                                                                                     \
    X(MARGIN, INSUFFICIENT_MARGIN)                                                                                   \
    X(LEVERAGE, LEVERAGE_LIMIT)                                                                                      \
    X(LIQUIDATION, LIQUIDATION)                                                                                      \
    X(DUPLICATE, DUPLICATE_ID)                                                                                       \
    X(CANCEL_UNKNOWN, UNKNOWN_ORDER)                                                                                 \
    X(AMEND_UNKNOWN, UNKNOWN_ORDER)                                                                                  \
    X(ORDER_RATE, RATE_LIMIT)                                                                                        \
    X(REQUEST_RATE, RATE_LIMIT)
#define VENUE_FAULT_ENUM(name, reason) FAULT_##name,
enum venue_fault { VENUE_FAULT_MAP(VENUE_FAULT_ENUM) FAULT_COUNT };
#undef VENUE_FAULT_ENUM

/* A fault in the venue's words. Venues that answer with numbers have them here; venues that answer with words
 * have the word's number in their list of words, which counts from 1. */
struct venue_code {
    enum venue_fault fault;
    int16_t buy, sell;               /* of limit orders, and of requests without a side (buy) */
    int16_t market_buy, market_sell; /* 0: the same as of limit orders */
};

/* Bit of a request's kind, for what counts where. */
#define COUNTS_NEW    (1u << 0)
#define COUNTS_CANCEL (1u << 1)
#define COUNTS_AMEND  (1u << 2)

struct venue_profile {
    const char *venue; /* as instruments name it */
    const struct venue_rule_row *rows;
    size_t row_count;
    const struct venue_code *codes;
    size_t code_count;
    const char *const *code_words; /* NULL: the codes are the venue's numbers */
    size_t code_word_count;
    unsigned orders_count, requests_count; /* COUNTS_*: what the two kinds of request limits count */
    bool window_from_first; /* a window begins with its first request; else at whole multiples of its length, UTC */
    bool tape_first;        /* filters that a tape carries were read from the venue that day, and win over the rows */
    const char *unknown;    /* what is not known, for readers; may be NULL */
};

/* ---- reading the table ---- */

/* "2024-01-29", "2024-01-29T03:00", each with "Z", "+09:00" or nothing (UTC); "" is 0. ERR_SYNTAX. */
err_t venue_rule_time(const char *text, ns_t *ts) MUST_USE;
/* The row in force at `ts`, NULL: nothing known. */
const struct venue_rule_row *venue_rule_at(const struct venue_profile *profile, const char *market,
                                           enum venue_rule rule, ns_t ts);
/* When the row in force changes next after `ts`; NS_MAX: not as far as is known. */
ns_t venue_rule_next(const struct venue_profile *profile, const char *market, enum venue_rule rule, ns_t ts);
/* Does any row name the market, by itself or by a prefix? "*" alone does not count. */
bool venue_market_is_known(const struct venue_profile *profile, const char *market);
/* Dated tick tables of a market in the instrument's price decimals (ticks finer than a unit become one unit) in
 * place of those it has. False: no rows, nothing changed. Rows are data of this program: a table that does not
 * parse or fit is asserted, and tests resolve every row. */
bool venue_rules_put_ticks(const struct venue_profile *profile, struct instrument *instrument);

const char *venue_rule_name(enum venue_rule rule);
const char *venue_rule_help(enum venue_rule rule);
const char *venue_fault_name(enum venue_fault fault);
enum reason venue_fault_reason(enum venue_fault fault);

/* ---- codes ---- */

/* The venue's code of a fault; 0: none known. */
int16_t venue_code_of(const struct venue_profile *profile, enum venue_fault fault, enum side side, bool market_order);
/* As text: the venue's word, or its number ("0": none). `profile` may be NULL. The buffer holds
 * VENUE_CODE_TEXT_SIZE and is returned. */
#define VENUE_CODE_TEXT_SIZE 48
const char *venue_code_text(const struct venue_profile *profile, int16_t code, char *text);

/* ---- resolved, in the units of an instrument ---- */

#define VENUE_SPANS_MAX 24
#define BAND_DECIMALS   6

struct venue_limit {
    uint32_t count; /* 0: no limit */
    ns_t window;
};

enum band_reference { BAND_NONE, BAND_MARK, BAND_AVERAGE };

struct price_band {
    int64_t low, high; /* times the reference, at BAND_DECIMALS; 0: open to that side */
    uint8_t reference; /* enum band_reference */
};

struct venue_span {
    ns_t from_ts;
    qty_t lot;                              /* >= 1 */
    qty_t qty_min, qty_max, market_qty_max; /* 0: none */
    uint32_t market_levels_max;             /* 0: none */
    uint32_t open_orders_max;               /* 0: none */
    money_t notional_min, notional_max;     /* at price + quantity decimals; 0: none */
    int64_t maker_fee, taker_fee;           /* at FEE_DECIMALS */
    struct price_band band[2];              /* by side */
    struct venue_limit orders[2], requests[2];
    bool notional_max_limit_only;
    bool fok_rejected;
    bool post_only_expires;
};

struct venue_rules {
    const struct venue_profile *profile; /* NULL: no venue is known behind them: no codes, no request limits */
    uint32_t span_count;
    bool free_grid;                           /* any positive price will do */
    struct venue_span spans[VENUE_SPANS_MAX]; /* rising by from_ts; the first holds before it too */
};

/* What the instrument itself says, into a zeroed span or one filled so before. */
void venue_span_of_instrument(const struct instrument *instrument, struct venue_span *span);
/* One span that asks for no more than matching needs: positive quantities and prices. Fees are the instrument's. */
void venue_rules_none(const struct instrument *instrument, struct venue_rules *rules);
/* The profile's rows for the instrument's symbol; where there is no row, what the instrument says (and where the
 * instrument carries filters and the profile is `tape_first`, always what it says of ticks, lot, quantities and
 * smallest notional). Ticks stay in the instrument (venue_rules_put_ticks). ERR_RANGE: a value that does not fit the
 * instrument's scale, `why` names the row. */
err_t venue_rules_resolve(const struct venue_profile *profile, const struct instrument *instrument,
                          struct venue_rules *rules, struct err_text *why) MUST_USE;
/* True when the instrument came with the venue's own filters. */
bool venue_rules_tape_has_filters(const struct instrument *instrument);

/* The span in force at `ts`. */
static inline const struct venue_span *venue_rules_at(const struct venue_rules *rules, ns_t ts)
{
    uint32_t i = rules->span_count - 1;
    while (i > 0 && rules->spans[i].from_ts > ts)
        i--;
    return &rules->spans[i];
}

#ifdef __cplusplus
}
#endif
#endif
