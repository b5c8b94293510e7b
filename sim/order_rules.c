/* order_rules.c: the table. */
#include "sim/order_rules.h"

#include <string.h>

#define STP_BIT(mode) (1u << (mode))
#define STP_FUTURES                                                                                                  \
    (STP_BIT(STP_NONE) | STP_BIT(STP_EXPIRE_TAKER) | STP_BIT(STP_EXPIRE_MAKER) | STP_BIT(STP_EXPIRE_BOTH))

static const struct order_rules rules[] = {
    {
        .venue = "binance-usdm",
        .amend = AMEND_REQUEUES,
        .has = HAS_MARKET_BUY_QTY | HAS_GTD | HAS_REDUCE_ONLY | HAS_COUNTDOWN,
        .stp = STP_FUTURES,
        .fok_skips_stp = true,
        .gtd_min = 600 * NS_PER_S,
    },
    {
        .venue = "binance-coinm",
        .amend = AMEND_REQUEUES,
        .has = HAS_MARKET_BUY_QTY | HAS_REDUCE_ONLY | HAS_COUNTDOWN,
        .stp = STP_FUTURES,
        .fok_skips_stp = true,
    },
    {
        .venue = "binance-spot",
        .amend = AMEND_SMALLER_ONLY,
        .has = HAS_MARKET_BUY_QTY | HAS_FUNDS | HAS_REPLACE | HAS_REPLACE_ANYWAY,
        .stp = STP_FUTURES | STP_BIT(STP_DECREMENT),
    },
    {
        .venue = "upbit",
        .amend = AMEND_NEVER,
        .has = HAS_FUNDS | HAS_BEST | HAS_REPLACE | HAS_REPLACE_REST,
        .stp = STP_BIT(STP_NONE) | STP_BIT(STP_EXPIRE_TAKER) | STP_BIT(STP_EXPIRE_MAKER) | STP_BIT(STP_DECREMENT),
    },
    {.venue = "", .amend = AMEND_SMALLER_KEEPS, .has = HAS_ALL, .stp = ~0u},
};

const struct order_rules *order_rules_of(const struct instrument *instrument)
{
    const struct order_rules *found = rules;
    while (found->venue[0] != '\0' && strcmp(found->venue, instrument->venue) != 0)
        found++;
    return found;
}
