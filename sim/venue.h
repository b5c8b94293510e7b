/* venue.h: the invented venue: one matching rule set over the recorded market and our own orders.
 *
 *   market event (exch_ts) ─►┌────────────────────────────┐
 *   our request (arrival) ──►│ book, own orders, balances │─► emit(execution, venue time)
 *                            └────────────────────────────┘
 *
 * The venue lives on its own clock: every call carries the venue's time, which never falls. The caller
 * (sim_world) brings market events at exch_ts and requests after their entry latency, and delivers the
 * executions after the response latency. A market event and a request of the same instant: the event first.
 *
 * Fill rules of this first cut (../docs/fills.md tells them to users):
 *  - A marketable order walks the displayed levels from the best to its limit and takes each level's
 *    displayed quantity less what we took before: consumption is remembered a price, and given back only
 *    by what the feed shows as new (an increase of a level is new quantity, a decrease first eats the consumed
 *    part, a level that went to zero and the first snapshot after a gap start afresh). The memory holds 128
 *    prices a side; what could not be remembered cannot be taken.
 *  - A resting order joins behind all displayed quantity of its price. Trades of the opposite aggressor at
 *    its price eat what is ahead, then fill it; one trade's quantity passes through our orders in time
 *    priority once, and is never used twice. How much cancels ahead help is the queue model's (queue_model.h; the
 *    pessimistic one: not at all), but the quantity ahead is never more than what is displayed. A shrinking
 *    display and the trade that caused it count once, whichever comes first; a trade stamped before the order
 *    joined does not count for it.
 *  - Beyond the depth of a partial snapshot the queue is unknown: no trade at the price fills until the level is
 *    displayed.
 *  - A trade through the price (worse for the aggressor than our price) fills it whole, at its own price.
 *  - Opposite displayed quantity at or through its price (a depth update crosses us) fills it at its own price,
 *    at most by what is displayed there and not yet consumed.
 *  - With QUEUE_L3_FIFO the book is made of the single orders of the tape, and the rules for resting orders are those
 *    of venue_l3.c.
 *  - Recorded trades flagged EVENT_SPECIAL fill nothing. Aggressor side unknown: price decides.
 *  - Self-trade prevention by the taker's mode (venue_match.c). By default our orders never trade with each other:
 *    one that would have to trade at or through a price where we rest on the other side is rejected
 *    (REASON_SELF_TRADE).
 *  - Which amendments keep the place is the instrument's venue's rule (order_rules.h).
 *  - With an impact model, what we took makes the market's prices worse for what we take next, and trades come
 *    less far to our resting orders: venue_impact.c.
 *  - The venue's own rules of the moment are checked at the door, and refusals carry its own code (venue_rules.c).
 *  - While the book is stale (GAP), nothing fills and new orders are rejected (REASON_STALE_BOOK), cancels work.
 *
 * Lockstep. Several venues may stand over one set of books, which are the market without us and so the same for all:
 * one leads, gets the market events and passes them on to those that follow; each has its own orders, balances
 * and memory of what it took, its own models and its own sink. They must agree on everything that venue_config says
 * of the books.
 *
 * Pure: no clock, no randomness, no allocation after init. The caller brings the memory.
 */
#ifndef TAPEDECK_SIM_VENUE_H
#define TAPEDECK_SIM_VENUE_H

#include "core/account.h"
#include "core/book.h"
#include "core/order.h"
#include "core/venue_rules.h"
#include "sim/impact.h"
#include "sim/perp.h"
#include "sim/queue_model.h"

#ifdef __cplusplus
extern "C" {
#endif

enum venue_request_kind {
    VENUE_NEW,
    VENUE_CANCEL,
    VENUE_AMEND,
    VENUE_REPLACE,    /* cancel `old_id`, then NEW */
    VENUE_CANCEL_ALL, /* of the instrument: buys from the best, then sells, each answered */
    VENUE_COUNTDOWN,  /* cancel all of the instrument `delay` from now, unless set again before; 0: switch off */
};

struct venue_request {
    enum venue_request_kind kind;
    uint64_t order_id; /* ours; of CANCEL_ALL and COUNTDOWN: 0 */
    uint16_t instrument;
    uint8_t side, type, tif, flags;
    uint8_t stp; /* enum stp_mode */
    enum replace_mode replace_mode;
    px_t price;      /* NEW, AMEND */
    qty_t qty;       /* NEW, AMEND: total quantity */
    money_t funds;   /* NEW: in place of a quantity; at MONEY_DECIMALS of the quote */
    ns_t expire_ts;  /* NEW, TIF_GTD */
    uint64_t old_id; /* REPLACE */
    ns_t delay;      /* COUNTDOWN */
    uint64_t unused; /* 0: no byte is left to chance, states of runs are compared */
};

/* Executions come out here, in the order in which they happen. `emit` must not call the venue. */
struct venue_sink {
    void *context;
    void (*emit)(void *context, ns_t venue_ts, const struct execution *execution, uint16_t instrument);
};

struct venue_watch; /* sim/why.h */

struct venue_config {
    const struct instrument *instruments; /* must outlive the venue; fees and limits are read from here */
    uint16_t instrument_count;
    /* One an instrument, outliving the venue: limits, fees by date, request limits, codes. NULL, or an entry that
     * is: what the instrument itself says, and no codes. */
    const struct venue_rules *const *rules;
    uint32_t book_window, book_far;
    uint32_t own_orders_max;  /* resting at once, over all instruments */
    bool check_funds;         /* spot orders need balances: REASON_INSUFFICIENT_FUNDS */
    struct perp_config perp;  /* zero: contracts need no margin and pay no funding */
    struct queue_model queue; /* zero: pessimistic; a `unit` of 0 is one whole unit of each instrument */
    uint32_t l3_orders; /* single orders of a level-3 book, an instrument (core/book_l3.h); 0: level-3 events are
                           nothing to the venue, and there is no QUEUE_L3_FIFO */
    struct venue
        *leader;       /* a lockstep: the venue that keeps the books and passes the market on; NULL: this one does */
    enum stp_mode stp; /* of orders that name none; STP_DEFAULT is STP_REJECT */
    bool strict_types; /* reject what the instrument's venue does not have (order_rules.h): REASON_UNSUPPORTED */
    ns_t stamp_slack;  /* a trade stamped up to this much after a book message may still be in it; 0: stamps are exact
                        */
    struct venue_watch *watch; /* NULL: none; outlives the venue */

    /* One an instrument, `terms` 0: none for it; NULL: none at all. They outlive the venue. */
    const struct impact_model *impacts;
};

/* What was refused: a line a venue, reason and code. */
struct venue_refusals {
    uint16_t instrument; /* the first market of the venue */
    uint16_t reason;     /* enum reason */
    int16_t code;        /* the venue's own, 0: none */
    uint64_t count;
};

struct venue;
/* Bytes for venue_init, whose memory is 64-byte aligned and zeroed. */
size_t venue_size(const struct venue_config *config);
struct venue *venue_init(void *memory, const struct venue_config *config, const struct venue_sink *sink);
/* For start balances; the venue keeps its own account, apart from the engine's. */
struct account *venue_account(struct venue *venue);
/* The venue's book of an instrument, to be filled by book_copy before the first event, or by events. */
struct book *venue_book(struct venue *venue, uint16_t instrument);

/* A market event of the recording, at venue time `ts`: for the leader, and through it for those that follow. */
void venue_market(struct venue *venue, ns_t ts, const struct event *event);
/* From here on the market stands still for our orders (an outage): nothing fills until it goes on. Books are kept. */
void venue_halt(struct venue *venue, bool halted);
/* A request of ours reaches the venue. Every NEW is answered by ACK or REJECT first, then by its fills. */
void venue_request(struct venue *venue, ns_t ts, const struct venue_request *request);
/* When the venue next ends an order by itself (good till date, or all of an instrument by a countdown); NS_MAX:
 * never. That of an instant comes before the market events and requests of that instant; both calls above see to it.
 * The pointer lives as long as the venue. */
const ns_t *venue_timer(const struct venue *venue);
/* End what is due up to `ts`, each order at its own time; of this venue alone. */
void venue_pass(struct venue *venue, ns_t ts);

/* Refusals so far, in the order of their first; false: no more. The first 64 kinds are counted. */
bool venue_refused(const struct venue *venue, uint32_t index, struct venue_refusals *refusals);

/* A mark of the past, for a venue that begins to follow the market: as venue_market would have taken it. */
void venue_mark(struct venue *venue, uint16_t instrument, const struct event_mark *mark);

/* When the venue does something by itself next (funding), NS_MAX: no time known; kept up to date. At such a time the
 * market's events and all requests come first: venue_market and venue_request first do what was due before them, and
 * venue_elapse does what is due up to `ts`, for the leader and those that follow. */
const ns_t *venue_due(const struct venue *venue);
void venue_elapse(struct venue *venue, ns_t ts);

const struct perp_stats *venue_perp_stats(const struct venue *venue);
/* What the insurance fund got from us less what it gave, in the settle currency of an instrument. */
money_t venue_insurance(const struct venue *venue, uint16_t instrument);

/* As they were given. */
const struct instrument *venue_instruments(const struct venue *venue);
uint32_t venue_open_count(const struct venue *venue);
/* Resting orders of an instrument (0: venue_market has nothing to match there). */
uint32_t venue_open_count_of(const struct venue *venue, uint16_t instrument);

/* Of a contract, as the venue reckons it; cross: of all that settle in its currency. */
struct venue_margin_view {
    px_t mark;                   /* 0: none */
    money_t equity, maintenance; /* at MONEY_DECIMALS of the settle currency */
    bool isolated, liquidating, closed;
};
/* False: margin is off, or it is no contract. */
bool venue_margin(struct venue *venue, uint16_t instrument, struct venue_margin_view *view);

struct venue_order_view {
    uint64_t order_id;
    enum side side;
    px_t price;
    qty_t leaves;
    qty_t ahead; /* displayed quantity before us, by the queue model, rounded up; INT64_MAX: unknown, never displayed
                    yet */
};
/* False when not resting. */
bool venue_order(const struct venue *venue, uint64_t order_id, struct venue_order_view *view);

#ifdef __cplusplus
}
#endif
#endif
