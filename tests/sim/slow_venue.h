/* slow_venue.h: the fill rules again, written to be obviously right and not to be fast.
 *
 * Prices are indexes of small arrays, own orders one array in time order, and the queue is told the other way
 * round: `line` counts others before us as if nobody ever cancelled, `cap` is the least that the display has
 * allowed since, and the pessimistic place is the smaller of both. A model's place is one number of 2^-16 units,
 * its shares plain fractions of wide integers (roots by search, logarithms digit by digit). The venue must answer
 * with the same executions. */
#ifndef SLOW_VENUE_H
#define SLOW_VENUE_H

#include "sim/venue.h"

#define SLOW_PRICES 96
#define SLOW_BASE   1000 /* price of index 0 */
#define SLOW_ORDERS 6    /* resting at once */
#define SLOW_SAID   64

struct slow_order {
    struct venue_request request; /* stp: the mode that holds; price of a best order: as it arrived */
    qty_t filled;
    qty_t funds;  /* not spent yet, in whole units of the quote */
    bool unknown; /* the queue here was never displayed */
    qty_t line, cap;
    ns_t cap_ts, since;
    int64_t exact, exact_before; /* the model's place, and before its level's last drop (-1: not in it), at 2^-16 */
};

/* Of a price at which an order rests. */
struct slow_level {
    qty_t shown, traded, drop_shown, drop;
    ns_t traded_ts, drop_after, drop_ts;
};

struct slow_said {
    uint64_t order_id;
    enum exec_kind kind;
    enum reason reason;
    px_t price;
    qty_t qty;
    bool maker;
};

struct slow_venue {
    bool linear, check_funds, stale, partial;
    int64_t maker_fee, taker_fee;
    ns_t now, slack;
    qty_t shown[2][SLOW_PRICES];
    qty_t known_shown[2][SLOW_PRICES]; /* what the level showed when something was last known of it */
    qty_t taken[2][SLOW_PRICES];       /* of known_shown */
    px_t cover[2];                     /* index; -1: nothing known */
    struct queue_model queue;          /* the unit of the log models is 1 */
    struct slow_level levels[2][SLOW_PRICES];
    ns_t book_ts, book_before, trade_ts;
    struct slow_order orders[SLOW_ORDERS];
    int order_count;
    uint64_t seen[4096];
    int seen_count;
    qty_t position;
    bool requeues; /* the venue's way with amendments: always to the back; and with fill-or-kill: no prevention */
    enum stp_mode stp;
    ns_t countdown;                /* 0: not armed */
    money_t quote_free, base_free; /* told by the test before each request */
    struct slow_said said[SLOW_SAID];
    int said_count;
};

void slow_book(struct slow_venue *slow, const struct event *event, ns_t stamp);
void slow_trade(struct slow_venue *slow, const struct event *event, ns_t stamp);
void slow_request(struct slow_venue *slow, const struct venue_request *request);
/* What ends by itself up to `ts`; before anything else of that instant. */
void slow_pass(struct slow_venue *slow, ns_t ts);
/* The place in the queue; INT64_MAX: unknown. */
qty_t slow_ahead(const struct slow_venue *slow, const struct slow_order *order);
/* A fee at 10^-8, rounded up. Prices and quantities have no decimals. */
money_t slow_fee(int64_t rate, px_t price, qty_t qty);

/* ---- slow_place.c, for slow_venue.c ---- */
/* What a trade is to the last drop of its level. */
enum slow_age { SLOW_YOUNG, SLOW_LATE, SLOW_OLD };
qty_t slow_pessimistic(const struct slow_order *order);
bool slow_rests_at(const struct slow_venue *slow, int side, px_t at);
/* A book message came; `known` when it tells what this price shows. */
void slow_model_book(struct slow_venue *slow, int side, px_t at, bool known);
enum slow_age slow_model_trade(struct slow_venue *slow, struct slow_level *level, qty_t qty, ns_t stamp,
                               bool stamped);
/* What of the trade is left behind the model's place. */
qty_t slow_model_hit(struct slow_venue *slow, struct slow_order *order, enum slow_age age, qty_t qty, qty_t *floor);

/* ---- slow_venue.c, for slow_match.c ---- */
void slow_say(struct slow_venue *slow, uint64_t id, enum exec_kind kind, enum reason reason, px_t price, qty_t qty,
              bool maker);
/* INT64_MAX for one by funds. */
qty_t slow_leaves(const struct slow_order *order);
qty_t slow_reducible(const struct slow_venue *slow, int side);
/* Fill an order; true when it has ended. */
bool slow_fill(struct slow_venue *slow, struct slow_order *order, px_t at, qty_t qty, bool maker, qty_t *filled);
void slow_forget(struct slow_venue *slow, uint64_t id);

/* ---- slow_match.c ---- */
#define SLOW_PARTS 256
struct slow_part {
    px_t at;
    qty_t qty;
    uint64_t own; /* the order of ours that it is of; 0: others */
};
/* What an order would get, by price and by whom it stands with, in order. */
int slow_plan(const struct slow_venue *slow, const struct slow_order *order, struct slow_part parts[SLOW_PARTS],
              bool *whole);
/* True: it has ended; else `left` is why what is left goes no further. */
bool slow_take(struct slow_venue *slow, struct slow_order *order, enum reason *left);

/* ---- slow_share.c ---- */
/* quantity x the share ahead of a cancel, at 2^-16, to the nearest. `ahead` and `behind` up to 32. */
int64_t slow_share(const struct queue_model *model, qty_t ahead, qty_t behind, qty_t quantity);

#endif
