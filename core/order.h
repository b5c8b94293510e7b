/* order.h: what we asked for, what became of it, and the one table of legal transitions.
 *
 *              submit            ack              fill        last fill
 *   (nothing) ───────► PENDING ───────► LIVE ─────────► LIVE ──────────► FILLED
 *                         │               │ cancel sent: LIVE + cancel_pending
 *                         │ reject        ├── cancelled ──► CANCELLED      reduced: LIVE, with a smaller total
 *                         ▼               └── expired ────► EXPIRED
 *                      REJECTED
 *
 * Venues' reports overtake each other. A fill, an amendment or an end that comes before the acknowledgement
 * is legal and implies it; the acknowledgement may then come later, once, and changes nothing but ack_ts.
 * The answer to a cancel or amend that lost its race (CANCEL_REJECT, AMEND_REJECT) is legal in every state.
 * A report that the table does not allow is ERR_STATE, the order keeps its state and the caller counts it:
 * never silently dropped. Fills are counted once, by the venue's trade id, by whoever feeds this table.
 */
#ifndef TAPEDECK_CORE_ORDER_H
#define TAPEDECK_CORE_ORDER_H

#include "core/event.h"

#ifdef __cplusplus
extern "C" {
#endif

enum order_type {
    ORDER_LIMIT,
    ORDER_MARKET,
    ORDER_BEST, /* a limit at the opposite best price, as it is when the order arrives; TIF_IOC or TIF_FOK */
};

enum time_in_force {
    TIF_GTC, /* rests until cancelled */
    TIF_IOC, /* what does not fill at once expires */
    TIF_FOK, /* fills whole at once or expires whole */
    TIF_GTD, /* rests until expire_ts on the venue's clock; that instant is already too late */
};

/* Self-trade prevention: what happens where an order of ours would trade with another of ours. The mode of the order
 * that takes decides. */
enum stp_mode {
    STP_DEFAULT,      /* what the venue was set to */
    STP_REJECT,       /* the order is rejected whole; no real venue has it */
    STP_NONE,         /* they trade with each other: one as maker, one as taker, both pay fees */
    STP_EXPIRE_TAKER, /* the rest of the taker expires */
    STP_EXPIRE_MAKER, /* the resting order expires, the taker goes on */
    STP_EXPIRE_BOTH,
    STP_DECREMENT, /* both lose the smaller of both rests; what is left of one lives */
};
#define STP_MODE_COUNT (STP_DECREMENT + 1)

enum order_flag {
    ORDER_POST_ONLY = 1 << 0,   /* rejected instead of taking */
    ORDER_REDUCE_ONLY = 1 << 1, /* never opens or grows a position */
    ORDER_REMAINING = 1 << 2,   /* of a replacement: not more than what was left of the order that it replaces */
};

/* When the order to be replaced is gone by then. */
enum replace_mode {
    REPLACE_STOP_ON_FAILURE, /* there is no new order either */
    REPLACE_ALLOW_FAILURE,   /* the new order is placed all the same */
};
#define ORDER_BATCH_MAX 20 /* requests in one message */

#define ORDER_STATE_MAP(X)                                                                                           \
    X(NONE, "none")                                                                                                  \
    X(PENDING, "pending")     /* sent, not yet acknowledged */                                                       \
    X(LIVE, "live")           /* acknowledged, resting or partly filled */                                           \
    X(FILLED, "filled")       /* terminal */                                                                         \
    X(CANCELLED, "cancelled") /* terminal; may be partly filled */                                                   \
    X(EXPIRED, "expired")     /* terminal; IOC/FOK/market remainder, GTD, self-trade prevention */                   \
    X(REJECTED, "rejected")   /* terminal; never existed at the venue */
#define ORDER_STATE_ENUM(name, text) ORDER_##name,
enum order_state { ORDER_STATE_MAP(ORDER_STATE_ENUM) ORDER_STATE_COUNT };
#undef ORDER_STATE_ENUM

/* What a venue can say about an order. */
#define EXEC_KIND_MAP(X)                                                                                             \
    X(ACK, "ack")                                                                                                    \
    X(REJECT, "reject") /* of the order itself */                                                                    \
    X(FILL, "fill")                                                                                                  \
    X(CANCELLED, "cancelled")                                                                                        \
    X(EXPIRED, "expired")                                                                                            \
    X(CANCEL_REJECT, "cancel_reject") /* the order stays as it is */                                                 \
    X(AMENDED, "amended")             /* price and qty are the new ones */                                           \
    X(AMEND_REJECT, "amend_reject")                                                                                  \
    X(PAYMENT, "payment") /* of no order: money booked by the venue that is no fill; reason says what for */         \
    X(REDUCED, "reduced") /* self-trade prevention took quantity off; qty is the new total (0: off its funds) */
#define EXEC_KIND_ENUM(name, text) EXEC_##name,
enum exec_kind { EXEC_KIND_MAP(EXEC_KIND_ENUM) EXEC_KIND_COUNT };
#undef EXEC_KIND_ENUM

/* Why: of the risk gate, of the simulated venue, of an adapter. The venue's own code is beside it. */
#define REASON_MAP(X)                                                                                                \
    X(NONE, "")                                                                                                      \
    X(RISK_KILLED, "kill switch")                                                                                    \
    X(RISK_NOTIONAL, "order notional above the limit")                                                               \
    X(RISK_POSITION, "position limit")                                                                               \
    X(RISK_OPEN_ORDERS, "too many open orders")                                                                      \
    X(RISK_ORDER_RATE, "too many orders a second")                                                                   \
    X(RISK_COLLAR, "price outside the collar")                                                                       \
    X(RISK_DAILY_LOSS, "daily loss limit")                                                                           \
    X(RISK_NO_MARKET, "no fresh market price to check against")                                                      \
    X(BAD_PRICE, "price off the tick grid or not positive")                                                          \
    X(BAD_QTY, "quantity off the lot or outside the limits")                                                         \
    X(MIN_NOTIONAL, "order value below the venue's minimum")                                                         \
    X(POST_ONLY, "post-only order would take")                                                                       \
    X(FOK, "fill-or-kill order cannot fill whole")                                                                   \
    X(NO_LIQUIDITY, "no opposite quantity left")                                                                     \
    X(REDUCE_ONLY, "reduce-only order would grow the position")                                                      \
    X(INSUFFICIENT_FUNDS, "insufficient funds")                                                                      \
    X(UNKNOWN_ORDER, "unknown order")                                                                                \
    X(DUPLICATE_ID, "duplicate client order id")                                                                     \
    X(USER, "asked by the user")                                                                                     \
    X(SELF_TRADE, "self-trade prevention")                                                                           \
    X(STALE_BOOK, "the book is stale")                                                                               \
    X(TABLE_FULL, "order table full")                                                                                \
    X(VENUE, "venue's own reason")                                                                                   \
    X(SESSION_END, "session ended")                                                                                  \
    X(TIMEOUT, "no answer in time; the venue never had it")                                                          \
    X(OUTAGE, "the venue is down")                                                                                   \
    X(QUERIED, "the answer was lost on the way; learned by asking")                                                  \
    X(INSUFFICIENT_MARGIN, "insufficient margin")                                                                    \
    X(LEVERAGE_LIMIT, "position above what its leverage allows")                                                     \
    X(LIQUIDATION, "the account is being liquidated")                                                                \
    X(ACCOUNT_CLOSED, "the account was closed by a liquidation")                                                     \
    X(FUNDING, "funding")                                                                                            \
    X(INSURANCE, "a loss beyond the balance, borne by the insurance fund")                                           \
    X(MAX_NOTIONAL, "order value above the venue's maximum")                                                         \
    X(PRICE_BAND, "price outside the venue's band")                                                                  \
    X(OPEN_ORDERS, "more open orders than the venue allows")                                                         \
    X(RATE_LIMIT, "too many requests for the venue's limit")                                                         \
    X(UNSUPPORTED, "the venue has no such order")                                                                    \
    X(BAD_EXPIRY, "the time to expire at is not in the future")                                                      \
    X(EXPIRED_GTD, "its time was over")                                                                              \
    X(FUNDS_SPENT, "what is left of its funds buys less than one lot")                                               \
    X(STP_EXPIRE_TAKER, "self-trade prevention: the taker expires")                                                  \
    X(STP_EXPIRE_MAKER, "self-trade prevention: the maker expires")                                                  \
    X(STP_EXPIRE_BOTH, "self-trade prevention: both expire")                                                         \
    X(STP_DECREMENT, "self-trade prevention: both are reduced")                                                      \
    X(AMENDED_TO_FILLED, "amended to no more than what is filled")                                                   \
    X(AMENDED_TO_TAKE, "post-only order amended to a price where it would take")                                     \
    X(REPLACED, "replaced by another order")                                                                         \
    X(REPLACE_GONE, "the order to be replaced is gone")                                                              \
    X(CANCEL_ALL, "cancelled with all of the instrument")                                                            \
    X(COUNTDOWN, "the dead-man countdown ran out")                                                                   \
    X(RISK_PAUSED, "paused by the operator")
#define REASON_ENUM(name, text) REASON_##name,
enum reason { REASON_MAP(REASON_ENUM) REASON_COUNT };
#undef REASON_ENUM

/* What a strategy asks for. order_request.h says which fields go together. */
struct order_request {
    uint16_t instrument;
    uint8_t side;  /* enum side */
    uint8_t type;  /* enum order_type */
    uint8_t tif;   /* enum time_in_force */
    uint8_t flags; /* enum order_flag */
    uint8_t stp;   /* enum stp_mode */
    uint8_t reserved;
    px_t price;   /* limit price; 0 for market and best orders */
    qty_t qty;    /* > 0; 0 when `funds` is given */
    uint64_t tag; /* the strategy's own word, carried through */
    money_t
        funds; /* spot market and best buys: spend this much of the quote, fees on top, at MONEY_DECIMALS; else 0 */
    ns_t expire_ts; /* TIF_GTD; else 0 */
    uint64_t reserved2;
};
STATIC_ASSERT(sizeof(struct order_request) == 64, "no padding");

/* Orders that the venue makes for us (liquidations) have this bit in their id, ours never. They are told whole: ACK
 * with side and quantity, fills, and the end; of an instrument one after the other. */
#define ORDER_ID_VENUE (UINT64_C(1) << 63)
static inline bool order_id_is_venues(uint64_t order_id)
{
    return (order_id & ORDER_ID_VENUE) != 0;
}

/* What the venue (or the risk gate) says: the body of EVENT_EXECUTION. */
struct execution {
    uint64_t order_id;    /* ours, or the venue's (ORDER_ID_VENUE); PAYMENT: 0 */
    uint64_t venue_order; /* the venue's; 0: not yet known */
    uint64_t trade_id;    /* fills: the venue's, unique per instrument; PAYMENT: its number */
    ns_t venue_ts;        /* when it happened at the venue */
    px_t price;      /* fill price; AMENDED: new price; ACK of a best order: its limit; PAYMENT: the mark, 0: none */
    qty_t qty;       /* fill quantity; AMENDED, REDUCED: new total quantity; PAYMENT: the position, signed */
    qty_t leaves;    /* what rests after this; LEAVES_UNKNOWN: of an order by funds that is not at its end */
    uint64_t unused; /* 0, as `reserved`: no byte is left to chance */
    money_t fee;     /* fills, PAYMENT: what we pay, at fee_decimals; negative: what we get */
    char fee_currency[24];
    uint8_t fee_decimals;
    uint8_t kind;       /* enum exec_kind */
    uint8_t maker;      /* fills: 1 when we were the resting side */
    uint8_t side;       /* orders that the venue makes: enum side; ours: 0, the order says it */
    uint16_t reason;    /* enum reason */
    int16_t venue_code; /* the venue's own reject code (-2010 ...), 0: none */
    int64_t rate;       /* PAYMENT of funding: its rate at 10^-12 */
    uint64_t reserved;
};
STATIC_ASSERT(sizeof(struct execution) == 128, "written to journals: two cache lines, no padding");
#define LEAVES_UNKNOWN ((qty_t)-1)

struct order {
    uint64_t id; /* ours, rising from 1; 0: the slot is free */
    uint64_t venue_order;
    uint64_t tag;
    px_t price; /* of a best order: 0 until the venue acknowledges it */
    qty_t qty;  /* of an order by funds: what they would buy at the touch, and never less than what they bought */
    qty_t filled;
    money_t funds;  /* 0: an order by quantity */
    money_t cost;   /* sum of price x qty of the fills */
    money_t fee;    /* sum of the fees in fee_currency, at fee_decimals of the fills */
    money_t locked; /* spot: funds held for what is open, at MONEY_DECIMALS; kept by the engine */
    ns_t submit_ts;
    ns_t ack_ts;  /* 0: not yet */
    ns_t done_ts; /* 0: not yet */
    ns_t expire_ts;
    uint32_t fill_count;
    uint16_t instrument;
    uint16_t reason; /* enum reason, of the end */
    uint8_t side, type, tif, flags;
    uint8_t state;          /* enum order_state */
    uint8_t cancel_pending; /* enum cancel_pending */
    uint8_t amend_pending;
    uint8_t fee_decimals;
    uint8_t stp;       /* enum stp_mode */
    uint8_t fee_split; /* 1: some fills had fees in other currencies (a discount token); they are not in `fee` */
    char fee_currency[24];
};

enum cancel_pending { CANCEL_NONE, CANCEL_ALONE, CANCEL_WITH_ALL };

static inline qty_t order_leaves(const struct order *order)
{
    return order->qty - order->filled;
}
static inline bool order_is_open(const struct order *order)
{
    return order->state == ORDER_PENDING || order->state == ORDER_LIVE;
}

/* ERR_STATE when the table forbids it. ERR_RANGE for a fill above the leaves or of a quantity <= 0, a fee that
 * does not fit, or an amendment or reduction to no more than what is filled. Then nothing changes. `ts` is the
 * engine's time of learning it. An order by funds is filled when the venue says so (leaves 0). */
err_t order_apply(struct order *order, const struct execution *execution, ns_t ts) MUST_USE;
/* The table itself, for tests and documents: may `kind` reach an order in `state`? */
bool order_transition_legal(enum order_state state, enum exec_kind kind);

/* ---- the table of orders: fixed slots, found by id in O(1), open ones walked oldest first ----
 *
 * The caller brings the memory. Slots of ended orders are taken again, oldest end first, only when no
 * free slot is left, so that the recent past stays readable; open orders are never evicted:
 * a table full of open orders is ERR_FULL. */
struct order_table;
size_t order_table_size(uint32_t capacity);
/* `memory` holds order_table_size(capacity) bytes, 64-byte aligned; capacity is a power of two. */
struct order_table *order_table_init(void *memory, uint32_t capacity);
/* A new PENDING order with the next id; the pointer lives until the slot is taken again. `request->qty` is what is
 * counted as open, of an order by funds too. ERR_FULL: all are open. ERR_RANGE: quantity <= 0, or no such side or
 * instrument; neither takes an id. */
err_t order_table_add(struct order_table *table, const struct order_request *request, ns_t ts,
                      struct order **order) MUST_USE;
/* NULL when unknown or forgotten. */
struct order *order_table_find(struct order_table *table, uint64_t id);
/* Apply an execution to its order and keep the open list right. ERR_NOTFOUND for an unknown id. */
err_t order_table_apply(struct order_table *table, const struct execution *execution, ns_t ts,
                        struct order **order) MUST_USE;
uint32_t order_table_open_count(const struct order_table *table);
/* Open orders of an instrument; INSTRUMENT_NONE: of all. */
uint32_t order_table_open_count_of(const struct order_table *table, uint16_t instrument);
/* Sum of the leaves of open orders of one side, at most INT64_MAX. */
qty_t order_table_open_qty(const struct order_table *table, uint16_t instrument, enum side side);
/* Walk the open orders, oldest first: start with NULL. Inside the walk orders may end, the current one too, and
 * new ones may be added (they come last), as long as the current one's slot is not taken again. */
struct order *order_table_next_open(struct order_table *table, const struct order *previous);
uint64_t order_table_last_id(const struct order_table *table);

const char *order_state_name(enum order_state state);
const char *exec_kind_name(enum exec_kind kind);
const char *reason_words(enum reason reason);
const char *reason_name(enum reason reason); /* "RISK_NOTIONAL" */
const char *tif_name(enum time_in_force tif);
const char *stp_mode_name(enum stp_mode mode); /* as in the config: "expire_maker" */
const char *order_type_name(enum order_type type);
const char *side_name(enum side side); /* "buy", "sell" */

#ifdef __cplusplus
}
#endif
#endif
