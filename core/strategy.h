/* strategy.h: the one header that a strategy needs, compiled in or loaded from a shared object.
 *
 * A strategy is a struct of callbacks, a list of typed parameters and a block of zeroed memory of its own.
 * It is called with events in their total order and answers with verbs. It must be a pure function of
 * what it is told: no clock, no randomness of its own (strategy_random is seeded), no files, no threads.
 * Strategies that use floating point are built with -ffp-contract=off and without -ffast-math.
 *
 *   start ─► book | trade | order | fill | timer | signal ... ─► stop
 *
 * All that a strategy remembers lies in its memory, without addresses but those that verbs gave it or that lead into
 * that memory or the program, and all of them put there by `start`: so a copy of the bytes is its state, and a run can
 * go on from the middle (docs/state.md). What it remembers elsewhere (static variables, the heap) is lost then.
 *
 * What a strategy must read from outside is a parameter of type PARAM_FILE: whoever reads the config reads the file
 * and hands over its content. What it must leave behind besides orders are lines of named files: strategy_write.
 *
 * A shared object exports one symbol:
 *
 *   const struct strategy *tapedeck_strategy(void);
 *
 * `abi` is checked first: another number is refused with a message that says both.
 */
#ifndef TAPEDECK_CORE_STRATEGY_H
#define TAPEDECK_CORE_STRATEGY_H

#include "core/account.h"
#include "core/book.h"
#include "core/instrument.h"
#include "core/order.h"
#include "core/time_text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define STRATEGY_ABI    3
#define STRATEGY_SYMBOL "tapedeck_strategy"

struct strategy_ctx; /* the engine's side; passed to every verb */

enum param_type {
    PARAM_INT,      /* int64_t */
    PARAM_DECIMAL,  /* int64_t at 10^-PARAM_DECIMALS: "0.25" is 25000000 */
    PARAM_DURATION, /* ns_t; written 250ms, 5s, 1m, 2h, 1d, 10us, 7ns */
    PARAM_BOOL,     /* bool */
    PARAM_TEXT,     /* char[PARAM_TEXT_SIZE] */
    PARAM_FILE,     /* struct strategy_file; written as a path, relative to the config's folder */
};
#define PARAM_DECIMALS  8
#define PARAM_TEXT_SIZE 256

/* A file that the user named, read before start. It lives as long as the run. Its content counts in the config hash,
 * its name does not. */
struct strategy_file {
    const char *name; /* for messages: "NAME:line:column: ..."; NULL: no file was named */
    const char *text; /* all of it; a NUL follows that is not counted */
    size_t size;
};

struct strategy_param {
    const char *name;
    enum param_type type;
    const char *minimum; /* as a user would write it; NULL: none */
    const char *maximum;
    const char *default_value; /* NULL: the user must give it; PARAM_FILE: NULL, or "" for none */
    const char *help;          /* one sentence, with the unit */
    size_t offset;             /* in the strategy's state, where the value is put before start */
};

/* A variable that a strategy shows of itself: `tapedeck state` prints what lies at `offset` in its memory. */
enum variable_type {
    VARIABLE_INT,      /* int64_t, at 10^-decimals */
    VARIABLE_COUNT,    /* uint64_t */
    VARIABLE_COUNT32,  /* uint32_t */
    VARIABLE_COUNT16,  /* uint16_t */
    VARIABLE_BOOL,     /* bool */
    VARIABLE_PRICE,    /* px_t of the instrument whose number (uint16_t) lies at `instrument_at` */
    VARIABLE_QTY,      /* qty_t of that instrument */
    VARIABLE_MONEY,    /* money_t, at 10^-decimals */
    VARIABLE_TIME,     /* ns_t, a moment; 0: none */
    VARIABLE_DURATION, /* ns_t */
    VARIABLE_TEXT,     /* char[size], ends with a NUL */
};
struct strategy_variable {
    const char *name;
    enum variable_type type;
    size_t offset;        /* in the first state_size bytes */
    unsigned decimals;    /* INT, MONEY */
    size_t instrument_at; /* PRICE, QTY */
    size_t size;          /* TEXT */
    const char *help;     /* a few words, with the unit; may be NULL */
};

struct strategy {
    uint32_t abi; /* STRATEGY_ABI */
    const char *name;
    const char *version;
    const char *help; /* a paragraph */
    size_t state_size;
    const struct strategy_param *params;
    uint32_t param_count;

    /* Any of these may be NULL. `state` is the strategy's memory, zeroed, parameters filled in. */
    err_t (*start)(struct strategy_ctx *ctx, void *state);
    /* After a book message was applied; `event` is the message. Also called for BBO, MARK, GAP,
     * CONNECTION_* so that nothing is hidden: look at event->kind. */
    void (*book)(struct strategy_ctx *ctx, void *state, const struct event *event);
    void (*trade)(struct strategy_ctx *ctx, void *state, const struct event *event);
    /* After an order changed (the fill that ends an order comes first through `fill`, then here). A refusal
     * of the risk gate comes here too, with EXEC_REJECT and its reason. */
    void (*order)(struct strategy_ctx *ctx, void *state, const struct order *order,
                  const struct execution *execution);
    void (*fill)(struct strategy_ctx *ctx, void *state, const struct order *order, const struct execution *execution);
    void (*timer)(struct strategy_ctx *ctx, void *state, uint64_t timer_id, ns_t deadline);
    void (*signal)(struct strategy_ctx *ctx, void *state, const struct event *event);
    void (*stop)(struct strategy_ctx *ctx, void *state);
    /* After the venue booked money that is no fill: funding (REASON_FUNDING), a loss that the insurance fund bore.
     * Orders that the venue makes for us (liquidations) come through `order` and `fill` like our own; their ids
     * have the bit ORDER_ID_VENUE, and strategy_orders does not know them. */
    void (*payment)(struct strategy_ctx *ctx, void *state, uint16_t instrument, const struct execution *execution);

    /* For a strategy whose memory depends on its parameters (rows of a file, length of a window): asked once, when
     * they are filled in; answers the bytes of the whole state, at least state_size. What follows the first
     * state_size bytes is zeroed too, and costs nothing until it is touched. NULL: state_size. Pure, and it cannot
     * refuse: it counts, start judges. */
    size_t (*state_size_of)(const void *state);

    /* What it shows of itself; may be NULL with a count of 0. */
    const struct strategy_variable *variables;
    uint32_t variable_count;
};

/* One request of a batch. */
enum action_kind { ACTION_SUBMIT, ACTION_CANCEL, ACTION_AMEND };
struct order_action {
    enum action_kind kind;
    struct order_request request; /* SUBMIT */
    uint64_t order_id;            /* CANCEL, AMEND: which; SUBMIT: the new id is put here */
    px_t price;                   /* AMEND */
    qty_t qty;                    /* AMEND */
    err_t result;                 /* of this request, as its own verb would have answered */
};
#define STRATEGY_FILE_NAME_MAX 47

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct strategy_verbs {
    ns_t (*now)(struct strategy_ctx *ctx);
    err_t (*submit)(struct strategy_ctx *ctx, const struct order_request *request, uint64_t *order_id);
    err_t (*cancel)(struct strategy_ctx *ctx, uint64_t order_id);
    err_t (*amend)(struct strategy_ctx *ctx, uint64_t order_id, px_t price, qty_t qty);
    err_t (*replace)(struct strategy_ctx *ctx, uint64_t order_id, const struct order_request *request,
                     enum replace_mode mode, uint64_t *new_id);
    err_t (*cancel_all)(struct strategy_ctx *ctx, uint16_t instrument);
    err_t (*countdown)(struct strategy_ctx *ctx, uint16_t instrument, ns_t delay);
    err_t (*batch)(struct strategy_ctx *ctx, struct order_action *actions, uint32_t count);
    err_t (*timer_at)(struct strategy_ctx *ctx, ns_t deadline, uint64_t *timer_id);
    err_t (*timer_cancel)(struct strategy_ctx *ctx, uint64_t timer_id);
    uint16_t (*instrument_count)(struct strategy_ctx *ctx);
    const struct instrument *(*instrument)(struct strategy_ctx *ctx, uint16_t instrument);
    const struct book *(*book)(struct strategy_ctx *ctx, uint16_t instrument);
    const struct position *(*position)(struct strategy_ctx *ctx, uint16_t instrument);
    const struct account *(*account)(struct strategy_ctx *ctx);
    struct order_table *(*orders)(struct strategy_ctx *ctx);
    uint64_t (*random)(struct strategy_ctx *ctx);
    void (*log)(struct strategy_ctx *ctx, enum log_level level, const char *text);
    void (*plot)(struct strategy_ctx *ctx, const char *name, int64_t value, unsigned decimals);
    err_t (*write)(struct strategy_ctx *ctx, const char *file, const char *line);
};

/* The first member of the engine's side, so that verbs are one load away. */
struct strategy_ctx {
    const struct strategy_verbs *verbs;
};

/* ---- verbs ---- */

/* The engine's time: the ts of the event or timer being handled. */
static inline ns_t strategy_now(struct strategy_ctx *ctx)
{
    return ctx->verbs->now(ctx);
}
/* Ask for an order. OK: it passed the risk gate and was sent; *order_id is its id (order_id may be NULL).
 * ERR_RISK: refused, and `order` is called with the reason. ERR_FULL: the order table is full of open
 * orders. ERR_RANGE: the request itself is wrong (unknown instrument, fields that do not go together:
 * core/order_request.h). */
static inline err_t strategy_submit(struct strategy_ctx *ctx, const struct order_request *request, uint64_t *order_id)
{
    return ctx->verbs->submit(ctx, request, order_id);
}
/* A limit order; order_flags are ORDER_POST_ONLY and friends. */
static inline err_t strategy_limit(struct strategy_ctx *ctx, uint16_t instrument, enum side side, px_t price,
                                   qty_t qty, enum time_in_force tif, unsigned order_flags, uint64_t *order_id)
{
    struct order_request request = {.instrument = instrument,
                                    .side = (uint8_t)side,
                                    .type = ORDER_LIMIT,
                                    .tif = (uint8_t)tif,
                                    .flags = (uint8_t)order_flags,
                                    .price = price,
                                    .qty = qty};
    return strategy_submit(ctx, &request, order_id);
}
static inline err_t strategy_market(struct strategy_ctx *ctx, uint16_t instrument, enum side side, qty_t qty,
                                    uint64_t *order_id)
{
    struct order_request request = {
        .instrument = instrument, .side = (uint8_t)side, .type = ORDER_MARKET, .tif = TIF_IOC, .qty = qty};
    return strategy_submit(ctx, &request, order_id);
}
/* Buy for an amount of the quote currency, fees on top; spot only. `funds` is at MONEY_DECIMALS. */
static inline err_t strategy_market_quote(struct strategy_ctx *ctx, uint16_t instrument, money_t funds,
                                          uint64_t *order_id)
{
    struct order_request request = {
        .instrument = instrument, .side = SIDE_BUY, .type = ORDER_MARKET, .tif = TIF_IOC, .funds = funds};
    return strategy_submit(ctx, &request, order_id);
}
/* ERR_NOTFOUND: unknown or ended; ERR_STATE: a cancel is already under way. */
static inline err_t strategy_cancel(struct strategy_ctx *ctx, uint64_t order_id)
{
    return ctx->verbs->cancel(ctx, order_id);
}
static inline err_t strategy_amend(struct strategy_ctx *ctx, uint64_t order_id, px_t price, qty_t qty)
{
    return ctx->verbs->amend(ctx, order_id, price, qty);
}
/* Cancel an order and place another one of the same instrument, in one request: the cancel first, the new order at
 * the end of its queue. Answers for the new order are those of strategy_submit (a refusal by the gate leaves the old
 * one alone), for the old one those of strategy_cancel. With ORDER_REMAINING the new quantity is at most what was
 * left. */
static inline err_t strategy_replace(struct strategy_ctx *ctx, uint64_t order_id, const struct order_request *request,
                                     enum replace_mode mode, uint64_t *new_id)
{
    return ctx->verbs->replace(ctx, order_id, request, mode, new_id);
}
/* Ask for the cancel of every open order of an instrument. ERR_NOTFOUND: none is open. */
static inline err_t strategy_cancel_all(struct strategy_ctx *ctx, uint16_t instrument)
{
    return ctx->verbs->cancel_all(ctx, instrument);
}
/* Dead-man switch: the venue cancels everything of the instrument `delay` after this reaches it, unless it is called
 * again before; 0 switches it off. ERR_RANGE: a delay below 0, no such instrument. */
static inline err_t strategy_countdown(struct strategy_ctx *ctx, uint16_t instrument, ns_t delay)
{
    return ctx->verbs->countdown(ctx, instrument, delay);
}
/* Up to ORDER_BATCH_MAX requests in one message: they reach the venue at one instant, in this order, and each is
 * checked, sent and answered on its own. ERR_RANGE: too many, nothing is done. Otherwise OK, and each action has its
 * result. */
static inline err_t strategy_batch(struct strategy_ctx *ctx, struct order_action *actions, uint32_t count)
{
    return ctx->verbs->batch(ctx, actions, count);
}
/* One shot at `deadline` (not before now). Timers due together fire in (deadline, id) order. */
static inline err_t strategy_timer_at(struct strategy_ctx *ctx, ns_t deadline, uint64_t *timer_id)
{
    return ctx->verbs->timer_at(ctx, deadline, timer_id);
}
static inline err_t strategy_timer_cancel(struct strategy_ctx *ctx, uint64_t timer_id)
{
    return ctx->verbs->timer_cancel(ctx, timer_id);
}
static inline uint16_t strategy_instrument_count(struct strategy_ctx *ctx)
{
    return ctx->verbs->instrument_count(ctx);
}
/* NULL for an index out of range; these pointers live as long as the run. */
static inline const struct instrument *strategy_instrument(struct strategy_ctx *ctx, uint16_t instrument)
{
    return ctx->verbs->instrument(ctx, instrument);
}
/* The number of an instrument by its symbol; the empty symbol is the first instrument of the run.
 * ERR_UNKNOWN: the run has no such symbol. For start, not for the event path. */
static inline err_t strategy_find_instrument(struct strategy_ctx *ctx, const char *symbol, uint16_t *number)
{
    for (uint16_t i = 0; i < ctx->verbs->instrument_count(ctx); i++)
        if (symbol[0] == '\0' || __builtin_strcmp(ctx->verbs->instrument(ctx, i)->symbol, symbol) == 0) {
            *number = i;
            return ERR_OK;
        }
    return ERR_UNKNOWN;
}
static inline const struct book *strategy_book(struct strategy_ctx *ctx, uint16_t instrument)
{
    return ctx->verbs->book(ctx, instrument);
}
static inline const struct position *strategy_position(struct strategy_ctx *ctx, uint16_t instrument)
{
    return ctx->verbs->position(ctx, instrument);
}
static inline const struct account *strategy_account(struct strategy_ctx *ctx)
{
    return ctx->verbs->account(ctx);
}
static inline struct order_table *strategy_orders(struct strategy_ctx *ctx)
{
    return ctx->verbs->orders(ctx);
}
/* Seeded by the run's seed. */
static inline uint64_t strategy_random(struct strategy_ctx *ctx)
{
    return ctx->verbs->random(ctx);
}
/* A line in the run's log, stamped with event time and folded into the digest. */
static inline void strategy_log(struct strategy_ctx *ctx, enum log_level level, const char *text)
{
    ctx->verbs->log(ctx, level, text);
}
/* A point of a named curve, at event time. */
static inline void strategy_plot(struct strategy_ctx *ctx, const char *name, int64_t value, unsigned decimals)
{
    ctx->verbs->plot(ctx, name, value, decimals);
}
/* A line, without its end, to a file of this name in the run's directory, in the order of the calls; folded into the
 * digest. The name is 1 to STRATEGY_FILE_NAME_MAX letters, digits and ._- and begins with a letter or digit.
 * ERR_RANGE: another name, or a line end in the line. A name that the run itself uses ("fills.csv") ends the run, and
 * so does a disk that is full: neither is told here, since a strategy must not behave otherwise when nobody wants its
 * files. */
static inline err_t strategy_write(struct strategy_ctx *ctx, const char *file, const char *line)
{
    return ctx->verbs->write(ctx, file, line);
}

#ifdef __cplusplus
}
#endif
#endif
