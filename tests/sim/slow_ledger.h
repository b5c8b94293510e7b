/* slow_ledger.h: the second opinion on money: positions, cash, fees, funding, margin and liquidation of contracts,
 * written plainly from the definitions (docs/margin.md) and from nothing of the venue's code. It hears what the venue
 * says, works everything out again with 128-bit fractions, and knows beforehand which payments must come.
 *
 *   linear   cash moves by  s (exit value - cost closed) m            cost closed = cost x part / whole, half-even
 *   inverse  the same in coins, with every fill's coin value rounded once at 18 decimals, half-even
 */
#ifndef TAPEDECK_TESTS_SIM_SLOW_LEDGER_H
#define TAPEDECK_TESTS_SIM_SLOW_LEDGER_H

#include "sim/perp.h"

#define LEDGER_MARKETS 3
#define LEDGER_ORDERS  64

struct ledger_order { /* of ours, open */
    uint64_t id;
    int market, side; /* +1 buys, -1 sells */
    int64_t price, leaves;
    bool reduce;
};

struct ledger_market {
    bool inverse;
    int price_decimals, qty_decimals;
    int64_t multiplier;
    int wallet;   /* index in cash */
    int64_t qty;  /* signed */
    money_t cost; /* linear: price x qty units; inverse: coins at 18 decimals without the multiplier */
    int64_t mark;
    int64_t due, rate; /* of funding; 0: none */
    int64_t after, after_rate;
    int64_t done;
    money_t funding;
};

struct ledger {
    struct ledger_market markets[LEDGER_MARKETS];
    money_t cash[2], fees[2], insurance[2]; /* at 18 decimals */
    const struct margin_rules *rules;
    struct ledger_order orders[LEDGER_ORDERS];
    int order_count;
};

/* numerator / denominator, both > 0 or the numerator 0, half to even. */
money_t ledger_half_even(money_t numerator, money_t denominator);
void ledger_fill(struct ledger *ledger, int market, int side, int64_t price, int64_t qty, money_t fee_1e8);
/* What the holder receives at this mark and rate, at 18 decimals. */
money_t ledger_funding(const struct ledger *ledger, int market, int64_t rate_1e12);
/* Value of a quantity at a price, at 18 decimals, rounded up. */
money_t ledger_value(const struct ledger *ledger, int market, int64_t price, int64_t qty);
money_t ledger_equity(const struct ledger *ledger, int wallet);
money_t ledger_maintenance(const struct ledger *ledger, int wallet);
/* Would the venue have to refuse this limit order for want of margin? `new_id`: 0, or the order that it replaces. */
bool ledger_refuses(const struct ledger *ledger, const struct ledger_order *order);

#endif
