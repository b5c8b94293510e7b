/* watch_model.h: what a viewer shows of a run after N inputs: numbers, taken from the engine and the venue at that
 * point, owning nothing and pointing at nothing but the instruments.
 *
 *   stage at N ─► watch_model_take ─► struct watch_model ─► layout (watch_layout.h)
 *
 * Two views of our orders meet here. What we know of an order (its state, what was filled) is the engine's. Its place
 * in the queue is the venue's, as far as the simulation has executed the venue: from the response latency behind our
 * clock to the entry latency ahead of it. So an order can be resting there of which no acknowledgement has come, or
 * be gone while we still call it live; `venue` says which.
 */
#ifndef TAPEDECK_CLI_WATCH_MODEL_H
#define TAPEDECK_CLI_WATCH_MODEL_H

#include "cli/world_up.h"

#define WATCH_LEVELS    64
#define WATCH_ORDERS    64
#define WATCH_TRADES    64
#define WATCH_BALANCES  12
#define WATCH_INPUT     192
#define WATCH_VARIABLES 24

struct watch_level {
    px_t price;
    qty_t qty;      /* displayed; 0: only ours */
    qty_t own;      /* left of our open orders at the price */
    qty_t ahead;    /* of the first of them; INT64_MAX: unknown */
    uint32_t count; /* how many they are */
    bool placed;    /* `ahead` is there: one of them rests at the venue */
};

enum watch_place {
    PLACE_AWAY,  /* not at the venue: on its way, or its end is on its way to us */
    PLACE_RESTS, /* as we know it */
    PLACE_FILL,  /* it rests with less: word of a fill is under way */
    PLACE_NEWS,  /* it rests with another price or more: word of that is under way */
};

struct watch_order {
    uint64_t id;
    px_t price;
    qty_t qty, leaves;
    qty_t ahead; /* unless AWAY; INT64_MAX: unknown */
    ns_t since;  /* it was sent */
    uint16_t instrument;
    uint8_t side, type, state, cancel_pending, amend_pending;
    uint8_t place; /* enum watch_place */
};

struct watch_trade {
    uint64_t input;
    ns_t ts;
    px_t price;
    qty_t qty;
    uint16_t instrument;
    uint8_t flags; /* enum event_flag */
};

struct watch_balance {
    char currency[NAME_SIZE];
    money_t total, locked;
};

/* What a strategy shows of itself; as text, since its state is not kept. */
struct watch_variable {
    char name[32], text[64];
};

struct watch_model {
    uint64_t input;
    ns_t ts;                /* 0: nothing was handled */
    char last[WATCH_INPUT]; /* what the last input was */
    uint16_t instrument, instrument_count;
    /* its book, best first */
    uint32_t book_flags;
    struct level touch[2];
    struct watch_level levels[2][WATCH_LEVELS];
    uint32_t level_count[2];
    /* of all instruments, oldest first; `order_count` may be more than are here */
    struct watch_order orders[WATCH_ORDERS];
    uint32_t order_count;
    /* of the instrument, oldest first */
    struct watch_trade trades[WATCH_TRADES];
    uint32_t trade_count;
    /* of the instrument */
    struct position position;
    px_t entry; /* at 4 more decimals than the price, as far as 18 go; 0: flat */
    uint8_t entry_decimals;
    money_t unrealised; /* at MONEY_DECIMALS, at the mid or the last trade */
    bool marked;        /* it is there */
    bool has_mark;
    struct event_mark mark; /* what the venue said last */
    /* of the account */
    char currency[NAME_SIZE]; /* the settle currency of the instrument */
    money_t equity;           /* of everything settled in it */
    struct watch_balance balances[WATCH_BALANCES];
    uint32_t balance_count; /* may be more than are here */
    struct engine_counters counters;
    struct watch_variable variables[WATCH_VARIABLES];
    uint32_t variable_count; /* may be more than are here */
};

/* All of it but the trades. `event`: the input handled last, NULL: not known. */
void watch_model_take(struct watch_model *model, const struct stage *stage, const struct strategy *strategy,
                      uint16_t instrument, const struct event *event);

#endif
