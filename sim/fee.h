/* fee.h: what a venue charges for a fill.
 *
 *   linear, spot   rate x |price| x quantity x multiplier        in the settle currency (the quote)
 *   spot, a buy    rate x quantity                               in the base, where the venue takes its fee from what
 *                                                                 a fill brings (instrument->fee_received)
 *   inverse        rate x multiplier x contracts / |price|       in the settle currency (the base)
 *
 * The exact value is rounded once a fill, to the decimals and in the direction of the venue's rule.
 * A rate below zero is a rebate: a negative fee.
 */
#ifndef TAPEDECK_SIM_FEE_H
#define TAPEDECK_SIM_FEE_H

#include "core/instrument.h"

#ifdef __cplusplus
extern "C" {
#endif

struct fee_rule {
    const char *venue;      /* prefix of the venue's name, "" for all others */
    uint8_t decimals;       /* of the fee in its currency */
    enum rounding rounding; /* ROUND_CEIL: a cost up, a rebate toward zero */
};

struct fee {
    money_t amount; /* at `decimals`; negative: a rebate */
    uint8_t decimals;
    const char *currency; /* of the instrument, lives as long */
};

/* The rule of the instrument's venue; static storage. */
const struct fee_rule *fee_rule_of(const struct instrument *instrument);
/* The currency in which the fee of a fill of that side is paid; lives as long as the instrument. */
const char *fee_currency(const struct instrument *instrument, enum side side);
/* One fill at `rate` (at FEE_DECIMALS). ERR_RANGE: the exact value does not fit in 128 bits, or an
 * inverse contract at price 0. */
err_t fee_compute(const struct instrument *instrument, const struct fee_rule *rule, enum side side, int64_t rate,
                  px_t price, qty_t qty, struct fee *fee) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
