/* metrics.h: what a run is judged by, exact: closed trades, wins, gains and losses, turnover, drawdown.
 *
 *   fill ──► open part of the position ──► closed trade: profit of the part less its fees ──► gains, losses, wins
 *   point of the equity grid ──► highest so far, fall from it ──► largest drawdown
 *
 * Definitions:
 *
 *   closed trade    every fill that reduces a position closes a part of it, at average cost: its profit is what the
 *                   account realised with that fill, less the part's share of the fees paid to open it, less its own
 *                   fee. Shares are by quantity, rounded once, half-even; what is left stays with the rest, so the
 *                   profits of all closed trades and the fees of what is open add up to realised profit less fees.
 *                   A fill that flips a position closes with one part and opens with the other; so does its fee.
 *   round trip      a position that was not flat is flat again, or of the other sign
 *   win, loss       closed trades with a profit above and below zero; at zero neither
 *   gains, losses   sums of both, losses as a positive amount; the profit factor is gains / losses
 *   traded          sum of the notionals of all fills
 *   drawdown        the largest fall from the highest equity so far; the equity at the start is the first peak
 *
 * Money is at MONEY_DECIMALS of the instrument's settle currency. Amounts of different currencies are never added.
 * Every function may be left out by a caller that does not need its part. Nothing here decides anything in a run.
 */
#ifndef TAPEDECK_CORE_METRICS_H
#define TAPEDECK_CORE_METRICS_H

#include "core/account.h"

#ifdef __cplusplus
extern "C" {
#endif

struct metrics_open { /* of an instrument */
    qty_t qty;        /* signed */
    money_t fees;     /* paid for the open part */
};

struct metrics_money { /* of a settle currency */
    char currency[NAME_SIZE];
    money_t gains, losses;
    money_t traded;
    money_t equity_start, equity_end; /* when equity_points is not 0 */
    money_t peak, drawdown;
    uint64_t equity_points;
};

struct metrics {
    uint64_t fills, maker_fills;
    uint64_t closed, wins, losses, round_trips;
    uint32_t currency_count;
    struct metrics_money money[CURRENCIES_MAX];
    const struct instrument *instruments;
    err_t failed; /* ERR_OK, or why these figures are not to be had: a sum that does not fit, too many currencies */
    uint16_t instrument_count;
    struct metrics_open open[]; /* one an instrument */
};

size_t metrics_size(uint16_t instrument_count);
/* `memory` is 16-byte aligned, of metrics_size(); `instruments` must outlive it. Every settle currency has an entry,
 * in the order of the instruments. */
struct metrics *metrics_init(void *memory, const struct instrument *instruments, uint16_t instrument_count);

struct metrics_fill {
    uint16_t instrument;
    enum side side;
    bool maker;
    px_t price;
    qty_t qty;        /* > 0 */
    money_t realised; /* what the account realised with this fill, before fees */
    money_t fee;      /* in the settle currency; 0 when it was paid in another one */
};
void metrics_fill(struct metrics *metrics, const struct metrics_fill *fill);
/* The first one of a currency is the equity at the start. */
void metrics_equity(struct metrics *metrics, const char *currency, money_t equity);
/* NULL: no instrument settles in it. Lives as long as the metrics. */
struct metrics_money *metrics_money_of(struct metrics *metrics, const char *currency);

/* numerator / denominator at `decimals`, rounded half-even; denominator > 0. ERR_RANGE when it does not fit. */
err_t metrics_ratio(money_t numerator, money_t denominator, unsigned decimals, money_t *ratio) MUST_USE;

/* ---- is it still what it was? ----
 *
 * A value is a fraction: counts and money have the denominator 1, a win rate has the number of closed trades. */
struct metrics_value {
    money_t numerator;
    uint64_t denominator; /* > 0; above 1 only with a numerator below 2^63 either way */
    unsigned decimals;    /* of the numerator */
};
#define METRICS_RATE_DECIMALS 9
struct metrics_bound {
    bool has_absolute, has_relative;
    money_t absolute; /* >= 0, at MONEY_DECIMALS; below 2^63 where the denominators are not 1 */
    int64_t relative; /* >= 0, at METRICS_RATE_DECIMALS: 0.01 is 1 % of what it was */
};
bool metrics_equal(const struct metrics_value *was, const struct metrics_value *now);
/* Equal, or within either of the bounds, the bounds themselves included. Exact: nothing is rounded. Both values have
 * the same decimals. */
bool metrics_within(const struct metrics_value *was, const struct metrics_value *now,
                    const struct metrics_bound *bound);

#ifdef __cplusplus
}
#endif
#endif
