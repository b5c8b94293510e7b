/* why.h: what happened to an order on the way to the venue, in its queues, and back; told as it happens.
 *
 *     us                  venue                                               us
 *     SENT ──────────────► ARRIVED ─► (ANSWERED: ack) ─► JOINED ─► TRADE, DISPLAY ... ─► FILL ─► ANSWERED ──► learnt
 *       └─ LOST ...        └─ a cancel or an amendment arrives the same way
 *
 * A watch is given to the venue and to the simulated world when they are made (venue_config, sim_config); without one
 * a market event pays one comparison. Every note names its cause: the market event that the venue was handling, or
 * none (a request of ours). What a watch does changes nothing: it is told, it is not asked, and `wants` only saves
 * notes.
 *
 * A place in the queue is told twice: `ahead` by the run's queue model, and `bound`, the pessimistic place that no
 * model is ever behind; both AHEAD_UNKNOWN (INT64_MAX) while the level was never displayed.
 */
#ifndef TAPEDECK_SIM_WHY_H
#define TAPEDECK_SIM_WHY_H

#include "sim/fee.h"
#include "sim/venue.h"

#ifdef __cplusplus
extern "C" {
#endif

enum why_kind {
    WHY_SENT,     /* ts: ours, when it left */
    WHY_LOST,     /* ts: ours, when it left; it never reaches the venue */
    WHY_ARRIVED,  /* ts: the venue's; before anything is checked */
    WHY_JOINED,   /* the order is at the end of its level's queue */
    WHY_TRADE,    /* a trade reached its place */
    WHY_DISPLAY,  /* a book message moved its place */
    WHY_FILL,     /* told before its execution */
    WHY_ANSWERED, /* ts: the venue's; an execution leaves it */
};

/* SENT, LOST */
struct why_sent {
    struct venue_request request;
    ns_t drawn; /* by the latency model */
    ns_t
        arrival; /* at the venue; LOST: of the refusal, here. Later than ts + drawn: behind what was sent before it */
};

/* ARRIVED */
struct why_arrived {
    struct venue_request request;
    uint32_t book_flags;   /* enum book_flag */
    struct level touch[2]; /* the venue's book: best bid, best ask; quantity 0: none */
    uint64_t book_seq;     /* of the last message in it */
    ns_t book_stamp;       /* of it, the venue's */
    qty_t displayed;       /* at the price, on the order's side */
    qty_t takeable;        /* within the limit, not yet taken by us, counted up to the quantity */
    px_t own;              /* best price of ours on the other side */
    bool has_own;
    bool rests; /* CANCEL, AMEND: the order rests; then also: */
    qty_t leaves, ahead;
};

/* JOINED */
struct why_joined {
    px_t price;
    qty_t leaves;
    qty_t displayed, ahead; /* 0 and AHEAD_UNKNOWN: beyond what the feed shows */
    uint32_t ours;          /* orders of ours before it at the price */
    qty_t ours_qty;
};

struct why_place {
    qty_t ahead, bound;
    uint32_t part; /* as in struct queue_place: `ahead` is rounded up by this much */
};

/* TRADE, DISPLAY */
struct why_moved {
    struct why_place before, after;
    qty_t displayed; /* at the price, after the message */
    /* TRADE */
    qty_t reach; /* what of it came to this order: what orders of ours before it took is off */
    qty_t over;  /* what was left of that behind everything ahead */
    bool late;   /* the display had shown it before: its cancels are split anew, with the trade from the front */
    bool known;  /* older than what was settled: the model's place counted it before */
    /* DISPLAY, when the decrease was split as cancelled */
    bool split;
    qty_t shown;     /* displayed before, less what trades explain */
    qty_t cancelled; /* of it */
};

/* FILL */
enum why_how {
    WHY_AT_PRICE, /* a trade at the price, after what was ahead; level 3: the execution of an order behind */
    WHY_THROUGH,  /* a trade, or an execution, at a worse price for its aggressor */
    WHY_CROSSED,  /* the book shows opposite quantity at or through the price */
    WHY_TAKEN,    /* it took what the book displays, or an order of ours */
    WHY_OWN,      /* an order of ours took it: self-trades were allowed */
};
struct why_fill {
    enum why_how how;
    px_t price;
    qty_t qty, leaves;
    bool maker;
    px_t impact;           /* by how much our own impact makes the market's prices worse for it */
    struct level touch[2]; /* the venue's book */
    qty_t displayed;       /* CROSSED, TAKEN: on the other side, at the fill's price (CROSSED: at the order's) */
    int64_t rate;          /* at FEE_DECIMALS */
    const struct fee_rule *rule;
    struct fee fee;
};

/* ANSWERED */
struct why_answered {
    const struct execution *execution; /* for the call */
    ns_t drawn;
    ns_t arrival; /* here; later than ts + drawn: behind the answer before it */
};

struct why_note {
    enum why_kind kind;
    ns_t ts;
    uint64_t order_id;
    uint16_t instrument;
    const struct event *cause; /* the market event being handled, for the call; NULL: a request of ours */
    union {
        struct why_sent sent;
        struct why_arrived arrived;
        struct why_joined joined;
        struct why_moved moved;
        struct why_fill fill;
        struct why_answered answered;
    };
};

struct venue_watch {
    void *context;
    bool (*wants)(void *context, uint64_t order_id);
    void (*note)(void *context, const struct why_note *note);
    /* the venue's own use */
    const struct event *market;
    struct why_place before;
};

#ifdef __cplusplus
}
#endif
#endif
