/* account.h: positions and cash, exact.
 *
 *   fill ──► position (qty, cost) ──► realised profit ──┐
 *      └───► fee ──► balance of the fee's currency      ├─► balance of the settle currency
 *            spot: quote ◄── price x qty ──► base ──────┘
 *
 * Money is a money_t at MONEY_DECIMALS (18) in its currency. Positions keep integers:
 *
 *   linear, spot    qty, and cost = sum of price x qty of the open part       (average entry = cost / qty)
 *   inverse         qty, and cost = sum of qty / price of the open part, in 10^-18 coins: the coin value of
 *                   each fill is rounded once, half-even, and from there on sums are exact
 *
 * Adding to a position adds to its cost; reducing takes cost off in proportion and realises the
 * difference; a fill that flips the sign closes first and opens the rest at the fill price. The cost
 * taken off is rounded once, half-even, and what it leaves stays in the cost of the rest: over a round trip
 * the realised profit is exactly the sum of what was sold less the sum of what was bought (inverse: of the
 * fills' coin values). Where price, quantity and multiplier together have more than 18 decimals, the exact
 * sum is kept and the balance follows its rounding (half-even): an error of half a unit at most, ever.
 *
 * Profit, formulas (s = +1 long, -1 short, m = contract multiplier):
 *   linear    s |q| m (exit - entry), in quote
 *   inverse   s |q| m (1/entry - 1/exit), in base; entry averages harmonically
 *
 * Spot: a buy moves quote to base, a sell base to quote. The position is the net of this account's fills
 * and knows nothing of start balances: it is negative when more was sold than bought, and its profit then
 * is against buying back. Open orders lock funds (a buy its notional plus fee, a sell its quantity) and
 * unlock what is not used when they fill or end: whoever keeps the orders calls account_lock and
 * account_unlock, a fill itself does not touch the lock.
 * Fees: negative is a rebate; taken from the balance of their currency, which may be a third one. A balance
 * may go negative: this is bookkeeping, funds are checked by the venue and the gate.
 */
#ifndef TAPEDECK_CORE_ACCOUNT_H
#define TAPEDECK_CORE_ACCOUNT_H

#include "core/instrument.h"
#include "core/order.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MONEY_DECIMALS 18
#define CURRENCIES_MAX 64

struct balance {
    char currency[NAME_SIZE];
    money_t total;    /* at MONEY_DECIMALS */
    money_t locked;   /* of the total, held by open spot orders */
    money_t fees;     /* paid so far, negative: rebates */
    money_t realised; /* profit of closed contracts and spot sells, before fees */
    money_t funding;  /* received so far, negative: paid */
};

struct position {
    qty_t qty;          /* signed, in the instrument's scale */
    money_t cost;       /* linear, spot: sum of price x |qty| at price + qty decimals
                         * inverse: sum of |qty| x 10^(18 - qty_decimals + price_decimals) / price
                         * without the multiplier; >= 0 unless prices are negative (not inverse) */
    money_t realised;   /* at MONEY_DECIMALS of the settle currency, before fees */
    money_t fees;       /* at MONEY_DECIMALS, of the fee currency of its fills when that is the settle currency */
    money_t funding;    /* at MONEY_DECIMALS of the settle currency, received so far, negative: paid */
    qty_t bought, sold; /* sums, never falling */
    uint64_t fill_count;
};

struct account;

/* The caller brings 64-byte aligned memory of account_size(). `instruments` must outlive the account. */
size_t account_size(uint32_t instrument_count);
struct account *account_init(void *memory, const struct instrument *instruments, uint32_t instrument_count);

/* A deposit (or, negative, a withdrawal): used for the start balances. ERR_RANGE: more than is free is
 * withdrawn, or overflow. ERR_FULL: too many currencies. ERR_UNKNOWN: the name is empty or too long. */
err_t account_deposit(struct account *account, const char *currency, money_t amount) MUST_USE;
/* A fill: position, cash and fee at once. ERR_RANGE on overflow, a quantity <= 0 or an inverse price <= 0;
 * ERR_FULL and ERR_UNKNOWN as above; then nothing has changed. A fee of more than MONEY_DECIMALS is rounded
 * half-even; when it is 0 its currency is not looked at (NULL will do). */
err_t account_fill(struct account *account, uint16_t instrument, enum side side, px_t price, qty_t qty, money_t fee,
                   unsigned fee_decimals, const char *fee_currency) MUST_USE;
/* Any payment booked to a currency: positive is received. */
err_t account_pay(struct account *account, const char *currency, money_t amount) MUST_USE;
/* Funding of a contract, in its settle currency: positive is received. */
err_t account_fund(struct account *account, uint16_t instrument, money_t amount) MUST_USE;
/* Spot: lock and unlock funds of an order, amount >= 0. ERR_RANGE when less is free (or locked) than asked:
 * nothing changes. */
err_t account_lock(struct account *account, const char *currency, money_t amount) MUST_USE;
err_t account_unlock(struct account *account, const char *currency, money_t amount) MUST_USE;

/* NULL when the currency is not held. Both live as long as the account. */
const struct balance *account_balance(const struct account *account, const char *currency);
const struct balance *account_balance_at(const struct account *account, uint32_t index); /* in order of first use */
uint32_t account_balance_count(const struct account *account);
const struct position *account_position(const struct account *account, uint16_t instrument);
money_t account_free(const struct account *account, const char *currency); /* total - locked */

/* What `qty` >= 0 is worth at `price`, in the settle currency (spot: quote) at MONEY_DECIMALS, multiplier
 * included, rounded as named (not ROUND_EXACT). ERR_RANGE on overflow, or for an inverse price <= 0. */
err_t account_notional(const struct instrument *instrument, px_t price, qty_t qty, enum rounding rounding,
                       money_t *notional) MUST_USE;
/* What the open part of a position cost, in the settle currency at MONEY_DECIMALS, multiplier included, half-even;
 * inverse: its coins. ERR_RANGE on overflow. */
err_t account_cost(const struct instrument *instrument, const struct position *position, money_t *cost) MUST_USE;
/* Average entry price at `extra_decimals` (0..18) more digits than the instrument's price, half-even; 0 when
 * flat. */
money_t account_entry_price(const struct account *account, uint16_t instrument, unsigned extra_decimals);
/* Unrealised profit of an instrument at `mark`, at MONEY_DECIMALS of its settle currency; spot: of the
 * net of this account's fills (start balances have no cost). ERR_RANGE as for account_notional. */
err_t account_unrealised(const struct account *account, uint16_t instrument, px_t mark, money_t *profit) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
