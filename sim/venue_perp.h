/* venue_perp.h: the part of the venue's state that contracts have; with venue_state.h, for the venue's files only.
 *
 *   venue_mark.c      marks, and who looks at what when
 *   venue_funding.c   instants at which funding is paid
 *   venue_margin.c    margin at the door
 *   venue_liquidate.c what happens when it is used up
 */
#ifndef TAPEDECK_SIM_VENUE_PERP_H
#define TAPEDECK_SIM_VENUE_PERP_H

#include "sim/perp.h"
#include "sim/venue.h"

struct own_order;
struct fee;

struct funding_due {
    ns_t ts;
    int64_t rate;
};

struct perp_market {
    px_t mark; /* told, or last made; 0: none */
    bool told; /* by the feed: no other is used from then on */
    px_t last_trade;
    /* funding: the instant told, and one that was told at that very instant for the time after it */
    struct funding_due due[2];
    uint32_t due_count;
    ns_t funding_done; /* the last instant paid */
    uint16_t group;    /* the first contract that settles in the same currency, which keeps: */
    bool dirty;        /* something changed that margin hangs on */
    bool liquidating;  /* isolated: of the instrument itself */
    bool closed;
    money_t insurance; /* what the fund got from us, less what it gave */
    /* isolated */
    money_t isolated;   /* of the wallet, set aside for the position */
    qty_t isolated_qty; /* the position that it stands behind */
    money_t before;     /* what fills had brought when the liquidation began, less what stood behind it */
    bool tried;         /* cross: closed in this round */
};

struct perp {
    struct perp_config config;
    struct perp_market *markets;
    bool on;    /* margin or funding */
    bool dirty; /* some market is */
    ns_t due;   /* the next instant of funding; NS_MAX: none known */
    uint32_t next_row;
    uint64_t last_payment, last_order;
    struct perp_stats stats;
};

/* ---- venue_mark.c ---- */
void perp_init(struct venue *venue, struct perp_market *markets, const struct venue_config *config);
/* The mark of an instrument as of now; 0: none. */
px_t perp_mark(struct venue *venue, uint16_t instrument);
/* The market moved: what does that mean for margin? After the venue's orders have done what they do. */
void perp_after_market(struct venue *venue, const struct event *event);
/* A fill was booked. */
void perp_after_fill(struct venue *venue, const struct own_order *order, px_t price, const struct fee *fee);
/* What stands or falls together: the group of an instrument (cross), or itself (isolated). */
uint16_t perp_unit(const struct venue *venue, uint16_t instrument);
/* Margin of this contract has to be looked at. */
void perp_touch(struct venue *venue, uint16_t instrument);
/* Look at what was touched. Between events: it ends and fills orders. */
void perp_look(struct venue *venue);

/* ---- venue_funding.c ---- */
/* The feed says when funding is paid next, and at which rate. */
void funding_told(struct venue *venue, uint16_t instrument, ns_t ts, int64_t rate);
/* Pay what is due up to `until` (inclusive); the venue's clock stands at each instant while it is paid. */
void funding_elapse(struct venue *venue, ns_t until);
void funding_reckon_due(struct venue *venue);

/* ---- venue_margin.c ---- */
struct margin_sums {
    money_t equity, maintenance;
};
/* Of a group (cross: any instrument of it) or of an instrument (isolated). */
struct margin_sums margin_sums(struct venue *venue, uint16_t instrument);
/* Is there margin for an order, or for the new form of one that rests? */
enum reason margin_check(struct venue *venue, const struct own_order *order);
/* isolated: what a fill moves between the wallet and what is set aside. */
void margin_isolate(struct venue *venue, uint16_t instrument, px_t price);

/* ---- venue_liquidate.c ---- */
/* Equity no longer covers the maintenance margin, or a liquidation could not be finished before. */
void liquidate(struct venue *venue, uint16_t instrument);

#endif
