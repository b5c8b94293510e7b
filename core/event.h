/* event.h: everything that can change what the engine does is one of these.
 *
 * The unit is a venue message, not a row: one header and an array of levels.
 *
 *   struct event (64 bytes, one cache line)            levels (16 bytes each)
 *   ┌──────────────────────────────────────────┐      ┌───────────── bids ─────────────┬──── asks ────┐
 *   │ ts exch_ts seq seq_first seq_prev        │      │ best bid first in a snapshot   │ best first   │
 *   │ levels ──────────────────────────────────┼────► │ any order in a delta           │              │
 *   │ bid_count ask_count instrument kind ...  │      └────────────────────────────────┴──────────────┘
 *   └──────────────────────────────────────────┘
 *
 * Total order of inputs: (ts, lane, position in the lane). A lane is a named source and its number
 * decides ties. Within a lane ts never falls. Who wins a tie between an input and a timer: the timer
 * (it was due first).
 *
 * An event and its levels belong to the feed that gave them and live until the next call of that feed.
 */
#ifndef TAPEDECK_CORE_EVENT_H
#define TAPEDECK_CORE_EVENT_H

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* code, name, payload */
#define EVENT_KIND_MAP(X)                                                                                            \
    X(NONE, "none")              /* never delivered */                                                               \
    X(BOOK_SNAPSHOT, "snapshot") /* levels: the whole book; replaces it. No levels: it is empty, and on a            \
                                    level-3 tape what rests follows as L3_ADD */                                     \
    X(BOOK_DELTA, "delta")       /* levels: absolute quantities, 0 deletes */                                        \
    X(TRADE, "trade")            /* levels[0]: price and quantity; EVENT_SELL: the aggressor sold */                 \
    X(BBO, "bbo")                /* levels[0]: best bid (bid_count 1), then best ask (ask_count 1) */                \
    X(L3_ADD, "l3_add")          /* levels[0]; EVENT_SELL: an ask; seq_first: order id */                            \
    X(L3_MODIFY, "l3_modify")    /* levels[0]: new price and quantity; seq_first: order id */                        \
    X(L3_CANCEL, "l3_cancel")    /* levels[0]: price and quantity left (0: gone); seq_first: order id */             \
    X(L3_EXECUTE, "l3_execute")  /* levels[0]: price and executed quantity of the resting order */                   \
    X(MARK, "mark")              /* body: struct event_mark */                                                       \
    X(CANDLE, "candle")          /* body: struct event_candle */                                                     \
    X(TICKER, "ticker")          /* body: struct event_ticker */                                                     \
    X(GAP, "gap")                /* data were missed: the book is stale until the next snapshot;                     \
                                    body: struct event_text or NULL */                                               \
    X(CONNECTION_UP, "connection_up")                                                                                \
    X(CONNECTION_DOWN, "connection_down")                                                                            \
    X(EXECUTION, "execution")   /* body: struct execution (core/order.h) */                                          \
    X(BALANCE, "balance")       /* body: struct event_balance */                                                     \
    X(POSITION, "position")     /* body: struct event_balance, amounts in contracts */                               \
    X(TICK, "tick")             /* nothing but time */                                                               \
    X(PARAMETER, "parameter")   /* body: struct event_text "key=value" */                                            \
    X(SIGNAL, "signal")         /* body: struct event_signal */                                                      \
    X(OPERATOR, "operator")     /* body: struct event_text */                                                        \
    X(OUTPUT, "output")         /* of a journal: what the run did; body: struct event_output */                      \
    X(CHECKPOINT, "checkpoint") /* of a journal: the digests; body: struct event_checkpoint */                       \
    X(WIRE, "wire")             /* of a raw tape: an input as it came; body: struct event_wire */

#define EVENT_ENUM(name, text) EVENT_##name,
enum event_kind { EVENT_KIND_MAP(EVENT_ENUM) EVENT_KIND_COUNT };
#undef EVENT_ENUM

enum event_flag {
    EVENT_SELL = 1 << 0,      /* trade: the aggressor sold (the buyer was the maker); level 3: an ask */
    EVENT_AGGREGATE = 1 << 1, /* trade: several prints of one taker order merged by the venue (aggTrade) */
    EVENT_SPECIAL = 1 << 2,   /* trade: not of the public order book (insurance fund, ADL, block) */
    EVENT_PARTIAL = 1 << 3,   /* snapshot: only the top levels are known (partial depth, Upbit) */
    EVENT_NO_SIDE = 1 << 4,   /* trade: the venue did not say which side was the aggressor */
    EVENT_PRIVATE = 1 << 5,   /* connection: the one that brings the answers to our orders, not the market's */
};

#define INSTRUMENT_NONE UINT16_MAX

struct level {
    px_t price;
    qty_t qty;
};
STATIC_ASSERT(sizeof(struct level) == 16, "a level is two words");

struct event {
    ns_t ts;            /* when the engine learns of it */
    ns_t exch_ts;       /* the venue's own stamp; 0: the venue gave none */
    uint64_t seq;       /* last update id (u), trade id, ticker update id, level-3 sequence; 0: none */
    uint64_t seq_first; /* first update id (U), first trade id, level-3 order id; 0: none */
    uint64_t seq_prev;  /* previous last update id (pu); 0: the venue gives none */
    union {
        const struct level *levels; /* bid_count bids, then ask_count asks */
        const void *body;           /* by kind */
    };
    uint32_t bid_count; /* trades and level 3: 1, and ask_count 0; their side is in flags */
    uint32_t ask_count;
    uint16_t instrument; /* index in the run's instrument list, or INSTRUMENT_NONE */
    uint8_t kind;        /* enum event_kind */
    uint8_t flags;       /* enum event_flag */
    uint16_t lane;       /* number of the source: decides ties */
    uint16_t reserved;   /* 0 */
};
STATIC_ASSERT(sizeof(struct event) == 64, "one cache line");

struct event_mark {
    px_t mark_price;      /* mark prices have more decimals than the book: rounded half-even to price_decimals */
    px_t index_price;     /* 0: none */
    int64_t funding_rate; /* at 10^-12 */
    ns_t next_funding_ts; /* 0: none */
};

struct event_candle {
    ns_t open_ts;
    ns_t interval;
    px_t open, high, low, close;
    qty_t volume;
    money_t quote_volume; /* at price_decimals + qty_decimals */
    uint8_t closed;       /* 0: still running */
    uint8_t reserved[15];
};

struct event_ticker {
    px_t last_price;
    qty_t last_qty;
    px_t open_24h, high_24h, low_24h;
    qty_t volume_24h;
};

struct event_text {
    char text[120];
};

struct event_signal {
    char name[32];
    int64_t value; /* at 10^-9 */
};

struct event_balance {
    char currency[24];
    money_t total;  /* at 10^-18 */
    money_t locked; /* at 10^-18 */
};

/* What a run did (core/journal.h). */
#define OUTPUT_KIND_MAP(X)                                                                                           \
    X(ORDER, "order")     /* sent, or refused by the risk gate: an execution with the refusal follows */             \
    X(CANCEL, "cancel")   /* asked for */                                                                            \
    X(AMEND, "amend")     /* asked for: price and qty are the new ones */                                            \
    X(LOG, "log")         /* detail: enum log_level */                                                               \
    X(PLOT, "plot")       /* qty: the value, detail: its decimals */                                                 \
    X(WRITE, "write")     /* a line for a file of the run directory */                                               \
    X(REQUEST, "request") /* replace (mode, order), cancel all (instrument), countdown (instrument, delay), batch    \
                             (count): text says which, price and qty are those */
#define OUTPUT_KIND_ENUM(name, text) OUTPUT_##name,
enum output_kind { OUTPUT_KIND_MAP(OUTPUT_KIND_ENUM) OUTPUT_KIND_COUNT };
#undef OUTPUT_KIND_ENUM

struct event_output {
    uint64_t order_id; /* 0: not of an order */
    px_t price;
    qty_t qty;
    uint64_t detail; /* orders: self-trade mode << 32, side << 24, type << 16, time in force << 8, flags */
    uint64_t tag;    /* orders: the strategy's own word; texts: FNV-1a of the whole */
    char text[80];   /* the beginning of it; orders: funds and expiry, when there are any */
    uint8_t kind;    /* enum output_kind */
    uint8_t reserved[7];
};

struct event_checkpoint {
    uint64_t inputs, executions, orders, fills; /* so far */
    uint64_t market[2], outputs[2];             /* digests: low, high */
};

/* One input of a session as it came over the wire; adapters/link.h (struct link_input) says what the fields mean. */
struct event_wire {
    int64_t value;
    uint64_t id;
    const char *head, *text; /* not terminated; each followed by EVENT_WIRE_PADDING readable bytes; NULL: none */
    uint32_t head_size, text_size;
    int32_t status;
    uint16_t link;
    uint8_t conn, what;
};
#define EVENT_WIRE_PADDING 64

const char *output_kind_name(enum output_kind kind);
const char *event_kind_name(enum event_kind kind);
err_t event_kind_parse(const char *name, size_t name_size, enum event_kind *kind) MUST_USE;
/* Does the kind carry levels (and not a body)? */
static inline bool event_has_levels(uint8_t kind)
{
    return kind >= EVENT_BOOK_SNAPSHOT && kind <= EVENT_L3_EXECUTE;
}
static inline bool event_is_level3(uint8_t kind)
{
    return kind >= EVENT_L3_ADD && kind <= EVENT_L3_EXECUTE;
}
/* Size of the body of a kind, 0 for kinds without one (and for EVENT_EXECUTION, see core/order.h, and EVENT_WIRE,
 * which points to more). */
size_t event_body_size(enum event_kind kind);

/* The order of two inputs of different lanes: true when `a` comes first. */
static inline bool event_before(const struct event *a, const struct event *b)
{
    return a->ts != b->ts ? a->ts < b->ts : a->lane < b->lane;
}

#ifdef __cplusplus
}
#endif
#endif
