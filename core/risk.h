/* risk.h: the gate that every order passes before it leaves; a refusal is an event with its reason.
 *
 * Checks run in the order of the fields below and the first failure is the answer. A limit of 0 is off.
 * Money limits are in the instrument's settle (spot: quote) currency at MONEY_DECIMALS.
 * An order that only reduces an open position passes the position check. The daily loss is counted
 * from the equity at 00:00 UTC of the event's day; once hit, the kill switch is set and stays set until
 * an operator clears it (or the next day, if so configured).
 */
#ifndef TAPEDECK_CORE_RISK_H
#define TAPEDECK_CORE_RISK_H

#include "core/account.h"

#ifdef __cplusplus
extern "C" {
#endif

struct risk_limits {
    money_t order_notional_max;
    qty_t position_max; /* absolute, open orders of the same side included, in lots of the instrument */
    uint32_t open_orders_max;
    uint32_t orders_per_second_max; /* sliding second of event time */
    uint32_t collar_bp;             /* a limit price at most this far beyond the opposite touch, in 1/10,000 */
    money_t daily_loss_max;         /* over all instruments of one settle currency */
    bool kill_reset_daily;
};

struct risk_view { /* what the gate looks at; filled by the engine */
    const struct instrument *instrument;
    const struct account *account;
    struct order_table *orders;
    px_t best_bid, best_ask; /* 0: none */
    bool stale;              /* the book is stale */
    money_t equity;          /* of the settle currency, at MONEY_DECIMALS; marked at mid */
};

struct risk;
size_t risk_size(uint32_t instrument_count, uint32_t orders_per_second_max);
/* `limits`: one per instrument. */
struct risk *risk_init(void *memory, const struct risk_limits *limits, uint32_t instrument_count);
/* REASON_NONE when the order may leave (and then it counts for the rate). */
enum reason risk_check(struct risk *risk, const struct order_request *request, const struct risk_view *view, ns_t ts);
/* An amend is checked like the order it turns into, without the open-order count. */
enum reason risk_check_amend(struct risk *risk, const struct order *order, px_t price, qty_t qty,
                             const struct risk_view *view, ns_t ts);
void risk_kill(struct risk *risk);
void risk_clear(struct risk *risk);
bool risk_killed(const struct risk *risk);
/* Called at least once per event-day change and after fills: keeps the day's starting equity. */
void risk_mark(struct risk *risk, money_t equity, ns_t ts);

#ifdef __cplusplus
}
#endif
#endif
