/* margin.h: how much has to stand behind a contract, and the price at which it no longer does.
 *
 *   maintenance
 *   margin       │                          ╱  rate 2 %
 *                │                      ╱         MM = notional x rate - cum
 *                │               . ─ ╱
 *                │        . ─ ' rate 1 %          cum of a tier = cum of the one before
 *                │  . ─ '                                       + floor x (rate - rate before)
 *                └──────────────────┴──────── notional
 *                0                floor           so that MM does not jump where a tier begins
 *
 * Tiers are data of the venue (the leverage brackets that it publishes); nothing of them is built in. All amounts are
 * money_t at MONEY_DECIMALS in the currency that the contract settles in: an inverse contract's notional is in coins.
 *
 * The liquidation price is the mark at which maintenance margin and equity meet, the position being the only thing
 * that moves:   MM(notional at LP) = rest + profit at LP.   With s = +1 long, -1 short, m the multiplier, k the tier
 * of the notional *at that price*:
 *
 *   linear     LP = (rest + cum_k - s cost) / (|q| m (rate_k - s))
 *   inverse    LP = |q| m (1 + s rate_k) / (cost + s (rest + cum_k))            cost in coins
 *
 * rounded to where the position still is (or just is) liquidated: a long one's down, a short one's up.
 */
#ifndef TAPEDECK_CORE_MARGIN_H
#define TAPEDECK_CORE_MARGIN_H

#include "core/account.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MARGIN_TIERS_MAX  40
#define LEVERAGE_DECIMALS 2
#define LEVERAGE_MAX      100000 /* 1000, at LEVERAGE_DECIMALS */
#define RATE_DECIMALS     12     /* of funding rates: 0.0001 is 10^8 */
#define RATIO_DECIMALS    9
#define RATIO_CAP         INT64_C(1000000000000) /* 1000: margin ratios above it, and those without equity */

struct margin_tier {
    money_t floor;        /* notional from which it holds; 0 in the first */
    money_t cum;          /* what the formula takes off; 0 in the first */
    int64_t rate;         /* maintenance rate at FEE_DECIMALS, above 0 and below 1 */
    int64_t leverage_max; /* at LEVERAGE_DECIMALS, 0: not said */
};

struct margin_tiers {
    uint32_t count;
    money_t cap; /* no larger position is allowed; 0: not said */
    struct margin_tier at[MARGIN_TIERS_MAX];
};

/* A table of one tier, for ever. */
void margin_tiers_single(struct margin_tiers *tiers, int64_t rate);
/* Floors from 0 rising, rates in range and rising, the cap above the last floor; works out every `cum`, and where one
 * was given (not 0) it must agree within a millionth of the floor. ERR_RANGE: `bad` is the number of the tier. */
err_t margin_tiers_complete(struct margin_tiers *tiers, uint32_t *bad, struct err_text *why) MUST_USE;
/* The tier of a notional >= 0; lives as long as the table. */
const struct margin_tier *margin_tier_of(const struct margin_tiers *tiers, money_t notional);

/* Maintenance margin of a notional >= 0, rounded up. */
money_t margin_maintenance(const struct margin_tiers *tiers, money_t notional);
/* notional / leverage (at LEVERAGE_DECIMALS, > 0), rounded up; notional >= 0. */
money_t margin_initial(money_t notional, int64_t leverage);
/* maintenance / equity at RATIO_DECIMALS, rounded up, at most RATIO_CAP; 0 when nothing has to be maintained. */
int64_t margin_ratio(money_t maintenance, money_t equity);

/* Where a position of an instrument is liquidated, at price_decimals + extra_decimals. `rest` is what stands behind
 * it: the wallet less the maintenance margin of other positions plus their profit. ERR_NOTFOUND: no price above zero
 * liquidates it, or it is flat. ERR_RANGE: beyond 128 bits. */
err_t margin_liquidation_price(const struct instrument *instrument, const struct margin_tiers *tiers,
                               const struct position *position, money_t rest, unsigned extra_decimals,
                               money_t *price) MUST_USE;

/* What the holder of `qty` (signed) receives when funding is paid: -qty x mark x rate x multiplier, inverse
 * -qty x multiplier x rate / mark. `rate` is at RATE_DECIMALS and at most 1 in size. Half-even at MONEY_DECIMALS, so
 * that a long and a short of the same size always add up to nothing. ERR_RANGE on overflow, or for an inverse mark <=
 * 0. */
err_t margin_funding(const struct instrument *instrument, qty_t qty, px_t mark, int64_t rate,
                     money_t *payment) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
