/* risk.h: the gate that every order passes before it leaves; a refusal is an event with its reason.
 *
 *   request ─► kill switch ─► notional ─► position ─► open orders ─► rate ─► collar ─► daily loss ─► out
 *                  ▲                                                                      │ hit
 *                  └──────────────────────────────────────────────────────────────────────┘
 *
 * With refuse_stale the switch is also off while the book is stale (REASON_STALE_BOOK): who trades on a book that is
 * not the market's trades on nothing.
 * Checks run in the order of the fields below and the first failure is the answer. A limit of 0 is off.
 * Money limits are in the instrument's settle (spot: quote) currency at MONEY_DECIMALS; notionals are rounded
 * up. A market order is valued at the opposite touch; where a check needs a touch and the book is stale or that
 * side empty, the answer is REASON_RISK_NO_MARKET.
 * An order by funds is worth its funds, and its quantity is what they buy at that touch.
 * An order that only reduces an open position passes the position check, and so does a reduce-only one.
 *
 * The daily loss is counted from the equity at 00:00 UTC of the event's day (the first mark of the day), to the
 * lowest mark since: a loss that was hit between two orders is hit, also when the market came back. It is acted
 * on at the next order: that one is refused (REASON_RISK_DAILY_LOSS) and the kill switch is set, for all
 * instruments, and stays set until an operator clears it (or the next day, if so configured). Clearing starts
 * the count anew from the next mark.
 */
#ifndef TAPEDECK_CORE_RISK_H
#define TAPEDECK_CORE_RISK_H

#include "core/account.h"

#ifdef __cplusplus
extern "C" {
#endif

struct risk_limits {
    money_t order_notional_max;
    qty_t position_max; /* absolute, open orders of the same side included; in the instrument's quantity scale */
    uint32_t open_orders_max;
    uint32_t orders_per_second_max; /* sliding second of event time */
    uint32_t collar_bp;             /* a limit price at most this far beyond the opposite touch, in 1/10,000 */
    money_t daily_loss_max;         /* over all instruments of one settle currency */
    bool kill_reset_daily;
    bool refuse_stale; /* no order while the book is stale: REASON_STALE_BOOK; cancels work */
};

struct risk_view { /* what the gate looks at; filled by the engine */
    const struct instrument *instrument;
    const struct account *account;
    struct order_table *orders;
    px_t best_bid, best_ask; /* 0: none */
    bool stale;              /* the book is stale */
    money_t equity;          /* of the settle currency, at MONEY_DECIMALS; marked at mid */
};

/* What each check of the gate looked at, for people. */
enum risk_gate {
    RISK_GATE_SWITCH,      /* no figure */
    RISK_GATE_NOTIONAL,    /* of the order, at MONEY_DECIMALS */
    RISK_GATE_POSITION,    /* if all of this side filled: in the scale of quantities; below 0: it reduces */
    RISK_GATE_OPEN_ORDERS, /* of the instrument, before this one */
    RISK_GATE_RATE,        /* orders of the second before this one */
    RISK_GATE_COLLAR,      /* 1/1,000,000 beyond the opposite touch, rounded up; below 0: on our side of it */
    RISK_GATE_DAILY_LOSS,  /* at MONEY_DECIMALS */
    RISK_GATE_COUNT
};
enum risk_verdict {
    RISK_OFF,         /* no limit is set */
    RISK_EXEMPT,      /* does not apply to such an order */
    RISK_PASSED,      /* the figure is within the limit */
    RISK_FAILED,      /* the answer */
    RISK_NOT_REACHED, /* an earlier check failed */
};
struct risk_figure {
    money_t figure, limit; /* in the units above; figure: 0 when not known */
    uint8_t verdict;       /* enum risk_verdict */
    bool known;            /* the figure could be told */
};
struct risk_report {
    struct risk_figure gates[RISK_GATE_COUNT];
    enum reason reason; /* REASON_NONE: it passed */
    px_t touch;         /* the opposite touch that was used, 0: none, or the book is stale */
};

struct risk;
/* `orders_per_second_max`: the largest of the limits'. */
size_t risk_size(uint32_t instrument_count, uint32_t orders_per_second_max);
/* `limits`: one per instrument, copied. `memory` is 64-byte aligned. */
struct risk *risk_init(void *memory, const struct risk_limits *limits, uint32_t instrument_count);
/* REASON_NONE when the order may leave (and then it counts for the rate). Called before the order is in
 * view->orders. */
enum reason risk_check(struct risk *risk, const struct order_request *request, const struct risk_view *view, ns_t ts);
/* An amend is checked like the order it turns into (`qty` is the new total), without the open-order count; it
 * counts for the rate like an order. `order` is in view->orders, as it was. */
enum reason risk_check_amend(struct risk *risk, const struct order *order, px_t price, qty_t qty,
                             const struct risk_view *view, ns_t ts);
/* What risk_check (risk_check_amend) would say now, and on what figures; changes nothing. */
void risk_explain(const struct risk *risk, const struct order_request *request, const struct risk_view *view, ns_t ts,
                  struct risk_report *report);
void risk_explain_amend(const struct risk *risk, const struct order *order, px_t price, qty_t qty,
                        const struct risk_view *view, ns_t ts, struct risk_report *report);
void risk_explain_replace(const struct risk *risk, const struct order *old, const struct order_request *request,
                          const struct risk_view *view, ns_t ts, struct risk_report *report);
/* The order that is to replace `old`, which is in view->orders. It takes the other's place among the open orders. For
 * the position both count, because the old one may fill in part before it is cancelled; but of the same side with
 * ORDER_REMAINING both together are no more than the old one was. */
enum reason risk_check_replace(struct risk *risk, const struct order *old, const struct order_request *request,
                               const struct risk_view *view, ns_t ts);
/* Of an instrument's gate. */
const struct risk_limits *risk_limits_of(const struct risk *risk, uint32_t instrument);
/* How many orders count for its rate at `ts`; without a limit none are kept. */
uint32_t risk_orders_of_second(const struct risk *risk, uint32_t instrument, ns_t ts);
/* A settle currency's equity since its day began; false: no more. */
struct risk_day {
    const char *currency;
    money_t start, low; /* at MONEY_DECIMALS */
};
bool risk_day_at(const struct risk *risk, uint32_t index, struct risk_day *day);
/* While it is paused new orders are refused (REASON_RISK_PAUSED), and amendments; cancels pass. */
void risk_pause(struct risk *risk, bool paused);
void risk_kill(struct risk *risk);
void risk_clear(struct risk *risk);
bool risk_killed(const struct risk *risk);
bool risk_paused(const struct risk *risk);
/* Called at least once per event-day change and after fills, for each settle currency (of an instrument of this
 * gate): keeps the day's starting and lowest equity. */
void risk_mark(struct risk *risk, const char *currency, money_t equity, ns_t ts);

#ifdef __cplusplus
}
#endif
#endif
