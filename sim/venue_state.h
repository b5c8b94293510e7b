/* venue_state.h: what the files of the venue share. Nobody else includes it.
 *
 *   struct venue ── venue_instrument[] ── book (market)      as the feed shows it, without us; shared in lockstep
 *        │                │
 *        │                ├── taken[2]      displayed quantity that we took and the feed still shows
 *        │                └── best[2] ─► own_level ─► own_level ─► ...      sorted, best first
 *        │                                   │
 *        │                                   └─ first ─► own_order ─► own_order      time priority
 *        └── slabs of own_order and own_level, hash of ids, account
 *
 * All links are slab indexes. Cost of a market message beyond book_apply: O(the fewer of its levels and ours
 * + taken entries), independent of the number of levels in the message.
 */
#ifndef TAPEDECK_SIM_VENUE_STATE_H
#define TAPEDECK_SIM_VENUE_STATE_H

#include "core/book_l3.h"
#include "core/order_request.h"
#include "sim/fee.h"
#include "sim/impact.h"
#include "sim/order_rules.h"
#include "sim/queue_model.h"
#include "sim/venue.h"
#include "sim/venue_perp.h"
#include "sim/why.h"

#define SLOT_NONE UINT32_MAX
/* The queue at this price has never been displayed (beyond a partial snapshot): trades at the price do not
 * fill the order, only trades through it and crossing quantity do, until the feed shows the level. */
#define AHEAD_UNKNOWN INT64_MAX
#define PLACE_NONE    ((struct queue_place){.ahead = -1})
/* Prices of one side of one instrument at which displayed quantity can be remembered as taken. What could
 * not be remembered cannot be taken: a walk that finds the table full stops there. */
#define TAKEN_MAX 128
/* Client order ids rise; one seen again within this many of the highest is known exactly to be a
 * duplicate or not, and an older one is refused as a duplicate. */
#define ID_WINDOW 65536

struct own_order {
    uint64_t order_id, venue_order;
    px_t price;
    qty_t qty, filled;
    qty_t ahead;                    /* the pessimistic place: displayed quantity before us, or AHEAD_UNKNOWN */
    qty_t credit;                   /* taken off `ahead` because the display shrank, perhaps by trades not yet seen */
    ns_t credit_ts;                 /* book time of the last such shrinking */
    struct queue_place place;       /* the model's place, never behind the pessimistic one */
    struct queue_place before_drop; /* `place` before the level's last drop; PLACE_NONE: joined after it */
    ns_t since;                     /* trades stamped at or before this are older than our place in the queue */
    uint64_t unused;                /* 0: no byte is left to chance, states of runs are compared */
    money_t funds;                  /* by_funds: not spent yet, at MONEY_DECIMALS of the quote */
    ns_t expire_ts;                 /* good till date; 0: none */
    uint32_t due_at;                /* where in the heap of those */
    money_t locked;                 /* spot funds held, at MONEY_DECIMALS of the quote (buy) or base (sell) */
    uint64_t joined;                /* level 3: the last place of its book when the order joined */
    uint32_t next, previous;        /* same level, time order; `next` also links free slots */
    uint32_t level;
    uint32_t id_next; /* same hash bucket */
    uint16_t instrument;
    uint8_t side, type, tif, flags;
    bool marketable; /* rests only because of our impact: fills as a taker */
    uint8_t stp;     /* enum stp_mode, never STP_DEFAULT */
    bool by_funds;
    bool ended;
    uint8_t unused_at_end[14];
};
STATIC_ASSERT(sizeof(struct own_order) % 16 == 0, "no byte is left to chance");

/* The last decrease of a level that trades seen by then did not explain. Until the trade stream has passed it, a late
 * trade may still turn out to be its cause. */
struct level_drop {
    qty_t shown;    /* before it, less what trades had explained */
    qty_t qty;      /* 0: none, or explained since */
    ns_t after, ts; /* stamps of the book messages that it lies between */
};

struct own_level {
    px_t price;
    qty_t shown;     /* displayed by the feed after the last message */
    qty_t ahead_max; /* no order of the level has more than this ahead */
    struct level_drop drop;
    qty_t traded;   /* by trades that the display may not show yet */
    ns_t traded_ts; /* the last of them: a book message as young as this shows them all */
    uint32_t first, last;
    uint32_t better, worse; /* neighbours; `worse` also links free slots */
    uint32_t bucket_next;
    uint32_t traded_next; /* levels with `traded`, and some that had it */
    uint16_t instrument;
    uint8_t side;
    bool traded_listed;
};

struct taken {
    px_t price;
    qty_t shown; /* displayed when last looked at */
    qty_t qty;   /* of it already taken by us: 0 < qty <= shown */
    bool hidden; /* a partial snapshot no longer reaches the price */
};

struct taken_side {
    uint32_t count;
    struct taken at[TAKEN_MAX];
};

/* Requests counted in one window of a limit. */
struct request_window {
    ns_t begin, length;
    uint32_t count;
};
struct request_counts {
    struct request_window orders[2], requests[2]; /* of the short and the long limit */
};

#define BAND_MINUTES 6
struct band_minute {
    int64_t minute; /* since 1970 */
    int64_t qty;
    money_t value;
};
/* What price bands are measured against; kept only where a rule needs it. */
struct band_watch {
    px_t mark, last; /* 0: none yet */
    struct band_minute minutes[BAND_MINUTES];
};

#define REFUSALS_MAX 64

struct venue_instrument {
    struct book *book; /* one for all venues of a lockstep */
    const struct instrument *instrument;
    const struct fee_rule *fee_rule;
    const struct order_rules *order_rules;
    ns_t countdown;             /* when it runs out; NS_MAX: not armed */
    ns_t book_ts, book_before;  /* the venue's stamps of the last book message and the one before */
    ns_t trade_ts;              /* the highest stamp of a trade, while orders rested */
    struct queue_model queue;   /* the run's model, its unit that of the instrument */
    uint32_t best[2], worst[2]; /* own levels by order side */
    uint32_t level_count[2];    /* how many */
    uint32_t traded_first;      /* own levels with trades that the display may not show yet */
    uint32_t open_count;        /* own resting orders */
    struct taken_side taken[2]; /* by book side */
    qty_t *l3_taken;            /* level 3, instead: by slot of the book's orders; NULL: by price */
    uint32_t l3_taken_count;    /* how many are not 0 */

    const struct impact_model *impact_model; /* NULL: none */
    struct impact impact;
    px_t shift[2]; /* by order side: how much worse the market's prices are for it, >= 0; as of this call */

    const struct venue_rules *rules; /* NULL: the instrument's own */
    struct venue_span own_span;      /* of that */
    struct request_counts requests;  /* of all markets of the venue, in its first */
    struct band_watch watch;
    uint16_t account; /* the first market of the same venue */
    bool wants_reference;
};

struct venue {
    struct venue_sink sink;
    struct venue *follower; /* the next venue over the same books; NULL: none */
    bool follows;           /* another venue applies the market to the books */
    const struct instrument *instruments;
    struct venue_instrument *markets;
    struct own_order *orders;
    struct own_level *levels;
    uint32_t *buckets;       /* by order id */
    uint32_t *level_buckets; /* by instrument, side and price */
    struct account *account;
    struct perp perp;
    uint32_t instrument_count, orders_max, bucket_mask, level_mask;
    uint32_t order_free, level_free;
    uint32_t open_count;
    uint32_t *due; /* slots of good-till-date orders, a heap */
    uint32_t due_count;
    uint32_t countdown_count; /* armed */
    ns_t due_ts;              /* the next of both; NS_MAX: none */
    enum stp_mode stp;
    bool strict_types;
    bool check_funds;
    bool refused_orders; /* which limit the last RATE_LIMIT was about */
    bool halted;         /* nothing fills */
    ns_t stamp_slack;
    ns_t now;
    struct venue_watch *watch; /* NULL: none */
    uint64_t last_venue_order, last_trade;
    uint64_t id_high; /* highest client order id seen */
    uint64_t id_seen[ID_WINDOW / 64];
    struct venue_refusals refusals[REFUSALS_MAX];
};

/* What an order by funds still buys depends on the price: no bound here. */
static inline qty_t own_leaves(const struct own_order *order)
{
    return order->by_funds ? INT64_MAX : order->qty - order->filled;
}

/* True when price `a` is better than `b` for the holder of an order (or level) of `side`. */
static inline bool price_better(enum side side, px_t a, px_t b)
{
    return side == SIDE_BUY ? a > b : a < b;
}

/* ---- venue.c: what is said, and booked ---- */
void venue_say(struct venue *venue, const struct own_order *order, enum exec_kind kind, enum reason reason);
/* The same of an order that stays as it is, when what was `asked` for it is refused. */
void venue_say_of(struct venue *venue, const struct own_order *order, const struct own_order *asked,
                  enum exec_kind kind, enum reason reason);
/* Fill at most `qty` (> 0): account, funds, fee, execution. Returns what was filled; `order->ended` is set when
 * that was the last of it, or when the rest had to expire (reduce-only, or an amount beyond 128 bits); the
 * caller then unlinks it. */
qty_t venue_fill(struct venue *venue, struct own_order *order, px_t price, qty_t qty, bool maker);
/* At FEE_DECIMALS. */
int64_t venue_fee_rate(const struct venue *venue, const struct own_order *order, bool maker);
/* End an order: release its funds, mark it, say so. */
void venue_end(struct venue *venue, struct own_order *order, enum exec_kind kind, enum reason reason);
/* Self-trade prevention takes `qty` off an order that keeps some; of an order by funds, whose funds have shrunk, 0.
 */
void venue_reduce(struct venue *venue, struct own_order *order, qty_t qty);
/* What an order may still fill: its leaves, less what would grow a position of a reduce-only order. */
qty_t venue_fillable(const struct venue *venue, const struct own_order *order);

/* ---- venue_request.c ---- */
/* Take displayed quantity within the order's limit. */
void order_take(struct venue *venue, struct own_order *order);

/* ---- venue_queue.c: resting orders ---- */
/* NULL when it does not rest. */
struct own_order *queue_find(const struct venue *venue, uint64_t order_id);
bool queue_has_room(const struct venue *venue);
/* Copy an order to the end of its level's queue, behind all that is displayed. */
void queue_join(struct venue *venue, const struct own_order *order);
void queue_leave(struct venue *venue, struct own_order *order);
/* Buys from the best price to the worst, then sells. */
void queue_cancel_all(struct venue *venue, uint16_t instrument, enum reason reason);
/* After a book message: re-anchor queues to what is displayed, then let crossing quantity fill us. */
void queue_after_book(struct venue *venue, struct venue_instrument *market, const struct event *event);
void queue_after_trade(struct venue *venue, struct venue_instrument *market, const struct event *event,
                       ns_t trade_ts);
/* Let opposite quantity at or through our prices of a side fill us. */
void queue_cross(struct venue *venue, struct venue_instrument *market, enum side side);
/* Fill a resting order by at most `qty`, and take it off the queue when that ended it. Returns what was filled. */
qty_t queue_fill(struct venue *venue, struct own_order *order, qty_t qty);

/* ---- venue_l3.c: the exact place, from single orders ---- */
static inline bool is_l3_fifo(const struct venue_instrument *market)
{
    return market->l3_taken != NULL;
}
size_t l3_size(uint32_t orders);
/* After a message was applied to the book. */
void l3_after_message(struct venue *venue, struct venue_instrument *market, uint16_t instrument);
qty_t l3_taken_at(const struct venue_instrument *market, enum side side, px_t price);
/* `qty` of what is displayed there and not taken yet is ours, first in line first. */
void l3_take(struct venue_instrument *market, enum side side, px_t price, qty_t qty);

/* ---- venue_levels.c: the prices at which we rest ---- */
/* Best price of our resting orders of a side. False: none. */
bool queue_best(const struct venue *venue, const struct venue_instrument *market, enum side side, px_t *price);
static inline uint32_t *level_bucket(const struct venue *venue, uint16_t instrument, enum side side, px_t price)
{
    const uint64_t key = (uint64_t)price ^ (uint64_t)instrument << 49 ^ (uint64_t)side << 48;
    return &venue->level_buckets[(key * UINT64_C(0x9E3779B97F4A7C15)) >> 32 & venue->level_mask];
}
/* SLOT_NONE when we do not rest there. */
static inline uint32_t level_find(const struct venue *venue, uint16_t instrument, enum side side, px_t price)
{
    uint32_t slot = *level_bucket(venue, instrument, side, price);
    while (slot != SLOT_NONE && (venue->levels[slot].price != price || venue->levels[slot].side != side ||
                                 venue->levels[slot].instrument != instrument))
        slot = venue->levels[slot].bucket_next;
    return slot;
}
/* The level of a price, made when it is not there. */
uint32_t level_at(struct venue *venue, uint16_t instrument, enum side side, px_t price);
/* Without orders. */
void level_remove(struct venue *venue, uint32_t slot);

/* ---- venue_place.c: the model's place in the queue; the pessimistic one is venue_queue.c's ---- */
/* What a trade is to a level's drop. */
struct place_trade {
    enum { TRADE_YOUNG, TRADE_LATE, TRADE_OLD } kind;
    qty_t floor; /* place of the last order met: a later one of ours never overtakes it */
};
/* Does the venue split cancels, or only keep the pessimistic place? */
static inline bool place_is_modelled(const struct venue_instrument *market)
{
    return market->queue.kind != QUEUE_PESSIMISTIC && market->queue.kind != QUEUE_L3_FIFO;
}
/* Displayed quantity of others before the order, or AHEAD_UNKNOWN. */
static inline qty_t place_ahead(const struct venue_instrument *market, const struct own_order *order)
{
    return order->ahead == AHEAD_UNKNOWN || !place_is_modelled(market) ? order->ahead : order->place.ahead;
}
/* The display of a level went from `level->shown` to `shown`; before the pessimistic places follow. True: the model
 * has something to split, and place_follow must be called for every order, first to last. */
bool place_level_shown(const struct venue_instrument *market, struct own_level *level, qty_t shown);
/* After its pessimistic place. `floor` as in place_trade. */
void place_follow(const struct venue_instrument *market, const struct own_level *level, struct own_order *order,
                  bool split, qty_t *floor);
/* A trade of `qty` reached the price of a level: all of it, whatever we filled, is what the display will show. */
struct place_trade place_trade_begin(struct venue *venue, struct venue_instrument *market, struct own_level *level,
                                     qty_t qty, ns_t ts, bool stamped);
/* After a book message: trades that it must show, and did not, were hidden by others who joined. */
void place_forget_traded(struct venue *venue, struct venue_instrument *market);
/* `reach` of it comes to the order. Returns what is left of that when nothing is ahead any more. */
qty_t place_meets_trade(const struct venue_instrument *market, const struct own_level *level,
                        struct place_trade *trade, struct own_order *order, qty_t reach);

/* ---- why.c: what a watch is told; called only when there is one ---- */
void why_arrived(struct venue *venue, const struct venue_request *request);
void why_joined(const struct venue *venue, const struct own_order *order);
/* Around whatever may move the order's place. */
void why_before(const struct venue *venue, const struct own_order *order);
void why_display(const struct venue *venue, const struct own_order *order, bool split);
void why_trade(const struct venue *venue, const struct own_order *order, const struct place_trade *trade, qty_t reach,
               qty_t over);
void why_fill(const struct venue *venue, const struct own_order *order, const struct execution *execution,
              const struct fee *fee);

/* ---- venue_take.c: taking displayed quantity, once ---- */
/* Walks displayed levels of a book side, best first, as far as they may be taken. */
struct take_walk {
    struct venue_instrument *market;
    enum side side; /* of the book */
    bool bounded;   /* by `limit` */
    px_t limit;
    bool started;
    uint32_t room;   /* entries still free in the table, counting what this walk would use */
    bool full;       /* it ended because there were none */
    struct level at; /* the level reached: price and displayed quantity */
    px_t price;      /* of it for us: as displayed, less our impact */
    qty_t available; /* of it, not yet taken */
};
void take_walk_begin(struct take_walk *walk, struct venue_instrument *market, enum side book_side, bool bounded,
                     px_t limit);
/* The next level with something to take. False: no more. */
bool take_walk_next(struct take_walk *walk);
/* Remember that `qty` <= available was taken at the level reached. */
void take_record(struct take_walk *walk, qty_t qty);
/* What could be taken within the limit, counted up to `enough`. */
qty_t take_sum(struct venue_instrument *market, enum side book_side, bool bounded, px_t limit, qty_t enough);
/* After a book message: give back what the feed shows as new. */
void take_after_book(struct venue_instrument *market, const struct event *event);
void take_forget(struct venue_instrument *market);

/* ---- venue_impact.c: what we moved; only when there is a model ---- */
/* At the begin of every call of the venue that may fill. */
void impact_refresh(struct venue *venue, struct venue_instrument *market);
/* One order took `qty`, the first of it from the replay's price. */
void impact_after_take(struct venue *venue, struct venue_instrument *market, enum side side, px_t price, qty_t qty);
/* A price of the replay as an order of `side` sees it. */
static inline px_t impact_price(const struct venue_instrument *market, enum side side, px_t price)
{
    px_t moved;
    if (LIKELY(market->shift[side] == 0))
        return price;
    if (side == SIDE_BUY)
        return __builtin_add_overflow(price, market->shift[side], &moved) ? INT64_MAX : moved;
    return __builtin_sub_overflow(price, market->shift[side], &moved) ? INT64_MIN : moved;
}

/* ---- venue_rules.c: the venue's own rules, by date ---- */
void rules_init(struct venue *venue, struct venue_instrument *market, const struct venue_rules *rules);
/* The rules of the moment. */
const struct venue_span *rules_now(const struct venue *venue, struct venue_instrument *market);
int64_t rules_fee(const struct venue *venue, const struct venue_instrument *market, bool maker);
/* Count a request; REASON_RATE_LIMIT: it is beyond a limit, and not counted. */
enum reason rules_count_request(struct venue *venue, const struct venue_request *request);
/* A mark or trade of a market that wants_reference. */
void rules_see(struct venue_instrument *market, const struct event *event, ns_t stamp);
enum reason rules_check_qty(struct venue *venue, const struct own_order *order);
bool rules_price_fits(const struct venue *venue, const struct own_order *order);
/* Largest notional, price band, depth of market orders, and unless it is `resting` already the open orders. */
enum reason rules_check(struct venue *venue, const struct own_order *order, bool resting);
/* Count a refusal; the venue's code for it, or 0. */
int16_t rules_refuse(struct venue *venue, const struct own_order *order, enum exec_kind kind, enum reason reason);
/* ---- venue_match.c: an order meets what stands against it ---- */
struct match_walk {
    struct venue *venue;
    enum side side; /* that stands against it */
    bool bounded;   /* by `limit` */
    px_t limit;
    struct take_walk shown; /* the displayed level reached */
    bool more;              /* there is one */
    qty_t left;             /* of it, in this walk */
    uint32_t own;           /* the next order of ours; SLOT_NONE: no more, or they are left out */
};
struct match_step {
    px_t price;
    qty_t qty;
    struct own_order *own; /* NULL: quantity of others, of the displayed level that take_record is about */
};
void match_begin(struct match_walk *walk, struct venue *venue, const struct own_order *order);
/* The next by price and time. What was given is taken to be used up; an own order may be ended. */
bool match_next(struct match_walk *walk, struct match_step *step);
/* What the order would take at a price; 0: its funds buy less than one lot. */
qty_t match_want(const struct venue *venue, const struct own_order *order, px_t price);
/* Would it be done at once? */
bool match_whole(struct venue *venue, const struct own_order *order);
/* Do it. What is left when the order has not ended goes no further for the reason returned. */
enum reason match_take(struct venue *venue, struct own_order *order);

/* ---- venue_clock.c: good till date, countdown ---- */
void clock_join(struct venue *venue, const struct own_order *order);
void clock_leave(struct venue *venue, const struct own_order *order);
/* 0: switch off. */
void clock_countdown(struct venue *venue, uint16_t instrument, ns_t delay);

/* ---- venue_funds.c: spot balances behind orders ---- */
/* Lock what the order can cost at most. ERR_RANGE: not enough is free (nothing is locked). */
err_t funds_lock(struct venue *venue, struct own_order *order) MUST_USE;
/* Move the lock of a resting order to a new price and quantity; ERR_RANGE: as before. */
err_t funds_relock(struct venue *venue, struct own_order *order, px_t price, qty_t qty) MUST_USE;
/* A fill is about to be booked: `fee` is cut to what the order still holds for it, the funds of the fill and
 * what is no longer needed behind the rest are released. */
err_t funds_before_fill(struct venue *venue, struct own_order *order, px_t price, qty_t qty,
                        struct fee *fee) MUST_USE;
void funds_release(struct venue *venue, struct own_order *order);

#endif
