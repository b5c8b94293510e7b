/* order_rules.h: what each venue makes of orders: the types it has, and how it amends, prevents self-trades and says
 * no.
 *
 * Sources: the venues' API documents, as of 2026-11:
 *   binance-usdm   developers.binance.com/docs/derivatives/usds-margined-futures, .../faq/stp-faq
 *   binance-coinm  developers.binance.com/docs/derivatives/coin-margined-futures
 *   binance-spot   developers.binance.com/docs/binance-spot-api-docs, .../faqs/stp_faq,
 * .../faqs/order_amend_keep_priority upbit          docs.upbit.com/kr, new-order, cancel-and-new-order A venue not
 * named here (the synthetic one) has everything. docs/fills.md shows the table to users.
 */
#ifndef TAPEDECK_SIM_ORDER_RULES_H
#define TAPEDECK_SIM_ORDER_RULES_H

#include "core/instrument.h"
#include "core/order.h"

#ifdef __cplusplus
extern "C" {
#endif

enum amend_policy {
    AMEND_SMALLER_KEEPS, /* a smaller total at the same price keeps the place, anything else goes to the back */
    AMEND_REQUEUES,     /* always to the back; to no more than is filled, or post-only to where it takes: cancelled */
    AMEND_SMALLER_ONLY, /* a smaller total at the same price, which keeps the place; nothing else is taken */
    AMEND_NEVER,
};

enum order_feature {
    HAS_MARKET_BUY_QTY = 1 << 0, /* a market buy by quantity */
    HAS_FUNDS = 1 << 1,          /* a market buy by an amount of the quote */
    HAS_BEST = 1 << 2,
    HAS_GTD = 1 << 3,
    HAS_REDUCE_ONLY = 1 << 4,
    HAS_REPLACE = 1 << 5,        /* cancel and new in one request */
    HAS_REPLACE_ANYWAY = 1 << 6, /* the new order also when the old one is gone */
    HAS_REPLACE_REST = 1 << 7,   /* the new quantity is what was left */
    HAS_COUNTDOWN = 1 << 8,      /* dead-man switch */
    HAS_MARKET_FOK = 1 << 9,     /* fill-or-kill market orders */
    HAS_ALL = (1 << 10) - 1,
};

struct order_rules {
    const char *venue; /* of the instrument; "": any other */
    enum amend_policy amend;
    uint32_t has;       /* enum order_feature */
    uint32_t stp;       /* bit 1 << enum stp_mode; STP_REJECT, the simulator's own, is always allowed */
    bool fok_skips_stp; /* self-trade prevention does not look at fill-or-kill orders: they trade with our own */
    ns_t gtd_min;       /* a good-till-date order lives longer than this */
};

/* Lives as long as the program. */
const struct order_rules *order_rules_of(const struct instrument *instrument);
/* Does the venue have what `has` and `stp` name? */
static inline bool order_rules_have(const struct order_rules *rules, uint32_t has, enum stp_mode stp)
{
    return (has & ~rules->has) == 0 && (stp <= STP_REJECT || (rules->stp >> stp & 1) != 0);
}

#ifdef __cplusplus
}
#endif
#endif
