#include "engine_rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void note(struct rig *rig, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void note(struct rig *rig, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const size_t room = sizeof(rig->trace) - rig->trace_size;
    const int size = vsnprintf(rig->trace + rig->trace_size, room, fmt, args);
    va_end(args);
    if ((size_t)size < room)
        rig->trace_size += (size_t)size;
}

/* ---- the world ---- */

static struct rig *rig_of(struct world *world)
{
    return (struct rig *)(void *)world;
}

static err_t refill(struct world *world, ns_t now, ns_t timer_due)
{
    struct rig *rig = rig_of(world);
    struct run *run = &world->run;
    const struct event *at = run->at == NULL ? rig->events : run->at;
    const struct event *end = rig->events + rig->event_count;
    if (at != rig->events) { /* before the first input there is no time */
        cr_assert(now >= rig->last_now, "time fell");
        rig->last_now = now;
    }
    if (at == end)
        return rig->at_end == ERR_END ? ERR_END : err_say(&world->why, rig->at_end, "the tape tore");
    if (timer_due <= at->ts)
        return ERR_AGAIN;
    const ptrdiff_t batch = end - at < (ptrdiff_t)rig->batch ? end - at : (ptrdiff_t)rig->batch;
    *run = (struct run){at, at + batch, NS_MAX, NULL};
    return ERR_OK;
}

static err_t put(struct world *world, enum rig_sent_kind kind, ns_t now, const struct order *order, px_t price,
                 qty_t qty)
{
    struct rig *rig = rig_of(world);
    if (rig->answer == ERR_OK) {
        cr_assert_lt(rig->sent_count, RIG_SENT);
        rig->sent[rig->sent_count++] = (struct rig_sent){kind, now, order->id, price, qty, 0};
    }
    return rig->answer;
}

static err_t submit(struct world *world, ns_t now, const struct order *order)
{
    return put(world, RIG_SUBMIT, now, order, order->price, order->qty);
}
static err_t cancel(struct world *world, ns_t now, const struct order *order)
{
    return put(world, RIG_CANCEL, now, order, 0, 0);
}
static err_t amend(struct world *world, ns_t now, const struct order *order, px_t price, qty_t qty)
{
    return put(world, RIG_AMEND, now, order, price, qty);
}
static err_t replace(struct world *world, ns_t now, const struct order *old, const struct order *order,
                     enum replace_mode mode)
{
    struct rig *rig = rig_of(world);
    err_t err = put(world, RIG_REPLACE, now, order, order->price, order->qty);
    (void)mode;
    if (err == ERR_OK)
        rig->sent[rig->sent_count - 1].old_id = old->id;
    return err;
}
static err_t cancel_all(struct world *world, ns_t now, uint16_t instrument)
{
    return put(world, RIG_CANCEL_ALL, now, &(struct order){.id = instrument}, 0, 0);
}
static err_t countdown(struct world *world, ns_t now, uint16_t instrument, ns_t delay)
{
    return put(world, RIG_COUNTDOWN, now, &(struct order){.id = instrument}, 0, delay);
}
static void batch(struct world *world, ns_t now, bool begin)
{
    err_t err = put(world, begin ? RIG_BATCH_BEGIN : RIG_BATCH_END, now, &(struct order){.id = 0}, 0, 0);
    (void)err;
}
static const struct world_ops ops = {.refill = refill,
                                     .submit = submit,
                                     .cancel = cancel,
                                     .amend = amend,
                                     .replace = replace,
                                     .cancel_all = cancel_all,
                                     .countdown = countdown,
                                     .batch = batch};

/* ---- the strategy ---- */

static void tell(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    cr_assert_eq(rig->depth, 0, "a callback inside a callback: %s", rig->trace);
    rig->depth++;
    if (rig->react != NULL)
        rig->react(rig, ctx, moment, id, ts);
    rig->depth--;
}

static err_t on_start(struct strategy_ctx *ctx, void *state)
{
    tell(*(struct rig **)state, ctx, 'S', 0, 0);
    return ERR_OK;
}
static void on_event(struct strategy_ctx *ctx, void *state, const struct event *event, char moment)
{
    struct rig *rig = *(struct rig **)state;
    cr_assert_eq(strategy_now(ctx), event->ts);
    note(rig, "%c%" PRId64 " ", moment, event->ts);
    tell(rig, ctx, moment, 0, event->ts);
}
static void on_book(struct strategy_ctx *ctx, void *state, const struct event *event)
{
    on_event(ctx, state, event, 'b');
}
static void on_trade(struct strategy_ctx *ctx, void *state, const struct event *event)
{
    on_event(ctx, state, event, 'x');
}
static void on_signal(struct strategy_ctx *ctx, void *state, const struct event *event)
{
    on_event(ctx, state, event, 's');
}
static void on_order(struct strategy_ctx *ctx, void *state, const struct order *order,
                     const struct execution *execution)
{
    struct rig *rig = *(struct rig **)state;
    note(rig, "o%" PRIu64 ":%s ", order->id, exec_kind_name((enum exec_kind)execution->kind));
    rig->refusals_told += execution->kind == EXEC_REJECT;
    tell(rig, ctx, 'o', order->id, strategy_now(ctx));
}
static void on_fill(struct strategy_ctx *ctx, void *state, const struct order *order,
                    const struct execution *execution)
{
    struct rig *rig = *(struct rig **)state;
    cr_assert_eq(execution->kind, EXEC_FILL);
    note(rig, "f%" PRIu64 " ", order->id);
    tell(rig, ctx, 'f', order->id, strategy_now(ctx));
}
static void on_timer(struct strategy_ctx *ctx, void *state, uint64_t timer_id, ns_t deadline)
{
    struct rig *rig = *(struct rig **)state;
    cr_assert_eq(strategy_now(ctx), deadline);
    note(rig, "t%" PRIu64 "@%" PRId64 " ", timer_id, deadline);
    tell(rig, ctx, 't', timer_id, deadline);
}
static void on_stop(struct strategy_ctx *ctx, void *state)
{
    struct rig *rig = *(struct rig **)state;
    note(rig, "stop ");
    tell(rig, ctx, 'E', 0, strategy_now(ctx));
}

/* ---- the sink ---- */

static void sink_order(void *context, ns_t ts, const struct order *order, const struct execution *execution)
{
    (void)ts;
    if (execution == NULL)
        note(context, "sent%" PRIu64 " ", order->id);
}
static void sink_equity(void *context, ns_t ts, const struct engine *engine)
{
    (void)engine;
    note(context, "e%" PRId64 " ", ts);
}

/* ---- up and down ---- */

struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    cr_assert(rig != NULL);
    rig->world.ops = &ops;
    rig->batch = RIG_EVENTS;
    rig->at_end = ERR_END;
    rig->last_now = INT64_MIN;
    cr_assert_eq(instrument_init(&rig->instruments[0], "synthetic", "BTC-USDT", "BTC", "USDT", CONTRACT_SPOT, 2, 3),
                 ERR_OK);
    cr_assert_eq(instrument_init(&rig->instruments[1], "synthetic", "ETHUSDT", "ETH", "USDT", CONTRACT_LINEAR, 2, 3),
                 ERR_OK);
    for (int i = 0; i < 2; i++)
        rig->instruments[i].taker_fee = decimal_pow10(FEE_DECIMALS) / 1000;
    rig->strategy = (struct strategy){.abi = STRATEGY_ABI,
                                      .name = "written",
                                      .state_size = sizeof(struct rig *),
                                      .start = on_start,
                                      .book = on_book,
                                      .trade = on_trade,
                                      .order = on_order,
                                      .fill = on_fill,
                                      .timer = on_timer,
                                      .signal = on_signal,
                                      .stop = on_stop};
    rig->sink = (struct engine_sink){.context = rig, .order = sink_order};
    rig->config = (struct engine_config){.instruments = rig->instruments,
                                         .limits = rig->limits,
                                         .instrument_count = 2,
                                         .book_window = BOOK_WINDOW_MIN,
                                         .book_far = 64,
                                         .order_capacity = 16,
                                         .timer_capacity = 16,
                                         .checks = ENGINE_CHECKS_ALL,
                                         .seed = 1,
                                         .strategy = &rig->strategy,
                                         .sink = &rig->sink};
    return rig;
}

void rig_up(struct rig *rig)
{
    const size_t size = (engine_size(&rig->config) + 63) & ~(size_t)63;
    rig->memory = aligned_alloc(64, size);
    cr_assert(rig->memory != NULL);
    memset(rig->memory, 0, size);
    rig->self = rig;
    if (rig->config.equity_interval != 0)
        rig->sink.equity = sink_equity;
    rig->engine = engine_init(rig->memory, &rig->config, &rig->world, &rig->self);
    struct account *account = engine_account(rig->engine);
    cr_assert_eq(account_deposit(account, "USDT", 1000 * money_pow10(MONEY_DECIMALS)), ERR_OK);
    cr_assert_eq(account_deposit(account, "BTC", 5 * money_pow10(MONEY_DECIMALS)), ERR_OK);
}

struct digest_value rig_run(struct rig *rig)
{
    rig_up(rig);
    cr_assert_eq(engine_start(rig->engine), ERR_OK);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_END, "%s", engine_why(rig->engine)->text);
    return engine_stop(rig->engine);
}

void rig_free(struct rig *rig)
{
    free(rig->memory);
    free(rig);
}

/* ---- the script ---- */

struct event *rig_event(struct rig *rig, ns_t ts, enum event_kind kind)
{
    cr_assert_lt(rig->event_count, RIG_EVENTS);
    struct event *event = &rig->events[rig->event_count];
    *event = (struct event){.ts = ts, .exch_ts = ts, .kind = (uint8_t)kind};
    event->levels = event_has_levels((uint8_t)kind) ? rig->levels[rig->event_count] : NULL;
    rig->event_count++;
    return event;
}

struct event *rig_snapshot(struct rig *rig, ns_t ts, px_t bid, px_t ask)
{
    struct event *event = rig_event(rig, ts, EVENT_BOOK_SNAPSHOT);
    struct level *levels = rig->levels[rig->event_count - 1];
    levels[0] = (struct level){bid, 5000};
    levels[1] = (struct level){ask, 7000};
    event->bid_count = event->ask_count = 1;
    return event;
}

struct event *rig_delta(struct rig *rig, ns_t ts, enum side side, px_t price, qty_t qty)
{
    struct event *event = rig_event(rig, ts, EVENT_BOOK_DELTA);
    rig->levels[rig->event_count - 1][0] = (struct level){price, qty};
    event->bid_count = side == SIDE_BUY;
    event->ask_count = side == SIDE_SELL;
    return event;
}

struct event *rig_trade(struct rig *rig, ns_t ts, px_t price, qty_t qty)
{
    struct event *event = rig_event(rig, ts, EVENT_TRADE);
    rig->levels[rig->event_count - 1][0] = (struct level){price, qty};
    event->bid_count = 1;
    return event;
}

struct execution *rig_execution(struct rig *rig, ns_t ts, uint64_t order_id, enum exec_kind kind)
{
    struct event *event = rig_event(rig, ts, EVENT_EXECUTION);
    struct execution *execution = &rig->executions[rig->event_count - 1];
    *execution = (struct execution){.order_id = order_id, .venue_ts = ts, .kind = (uint8_t)kind};
    event->body = execution;
    return execution;
}

struct execution *rig_fill(struct rig *rig, ns_t ts, uint64_t order_id, px_t price, qty_t qty)
{
    struct execution *execution = rig_execution(rig, ts, order_id, EXEC_FILL);
    execution->price = price;
    execution->qty = qty;
    execution->trade_id = rig->event_count;
    strcpy(execution->fee_currency, "USDT");
    return execution;
}
