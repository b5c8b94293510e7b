/* invariants.h: a second set of books, kept apart from account.c and in another way, to hold it against.
 *
 *   fill, payment ──► account.c    position, average cost, profit, balances: rounded step by step
 *        └──────────► here         what was bought, what was sold, and the sum of price x quantity: never rounded
 *
 * What must hold between them, whatever happened:
 *
 *   position    quantity = bought - sold, as many fills, nothing left in the cost of a flat one
 *   realised    profit = money that came in less money that went out + what the open part cost
 *   cash        balance = start + payments - fees + what every instrument brought, settle currency by settle currency
 *   fees, funding   the sums of what was booked
 *   locked      the sum over the open orders
 *
 * So a position whose cost is wrong, a profit that is booked twice, a fee that is taken from the wrong currency or a
 * lock that is never given back is found, by whatever path the money went. Sums are kept modulo 2^128: nothing in
 * here can overflow before the account itself refuses.
 *
 * A check changes nothing. The caller brings the memory.
 */
#ifndef TAPEDECK_CORE_INVARIANTS_H
#define TAPEDECK_CORE_INVARIANTS_H

#include "core/account.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What does not hold: both sides of it. */
struct breach {
    const char *invariant; /* "cash"; static; NULL: all holds */
    char where[NAME_SIZE + 24];
    money_t expected, found;
    uint8_t decimals; /* of both */
    uint64_t inputs;  /* handled when it was found; by the engine */
    ns_t ts;
};

struct invariants;
size_t invariants_size(uint32_t instrument_count);
/* `memory` is 64-byte aligned. */
struct invariants *invariants_init(void *memory, const struct instrument *instruments, uint32_t instrument_count);
/* What the account holds now is what it starts with. */
void invariants_begin(struct invariants *invariants, const struct account *account);
/* The same as account_fill is told. */
void invariants_fill(struct invariants *invariants, uint16_t instrument, enum side side, px_t price, qty_t qty,
                     money_t fee, unsigned fee_decimals, const char *fee_currency);
/* Of account_pay, and of account_fund (in the settle currency): positive is received. */
void invariants_pay(struct invariants *invariants, const char *currency, money_t amount);
void invariants_fund(struct invariants *invariants, uint16_t instrument, money_t amount);

/* False: `breach` says what does not hold. */
bool invariants_hold(struct invariants *invariants, const struct account *account, struct breach *breach);
/* Open orders: quantities that can be, and the locks of the account. */
bool invariants_hold_orders(struct invariants *invariants, struct order_table *orders, const struct account *account,
                            struct breach *breach);

/* Fill in a breach; returns false, so that a check ends in it. */
bool breach_say(struct breach *breach, const char *invariant, const char *where, const char *what, money_t expected,
                money_t found, unsigned decimals);

#ifdef __cplusplus
}
#endif
#endif
