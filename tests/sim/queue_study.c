#include "queue_study.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/engine.h"
#include "sim/sim_world.h"
#include "strategies/registry.h"

#define ENTRY    (2 * NS_PER_MS)
#define RESPONSE (2 * NS_PER_MS)

/* ---- the planned stream ---- */

#define PLAN_INTERVAL (50 * NS_PER_MS)

struct plan {
    struct prng prng;
    ns_t last; /* no new orders from here on */
    struct {
        ns_t ts;
        uint64_t order_id;
    } cancels[256];
    uint32_t cancel_count;
    bool armed;
};

static void plan_place(struct strategy_ctx *ctx, struct plan *plan)
{
    const struct book *book = strategy_book(ctx, 0);
    const struct instrument *rules = strategy_instrument(ctx, 0);
    const px_t tick = rules->tick_tables[0].bands[0].tick;
    const enum side side = (enum side)prng_below(&plan->prng, 2);
    const px_t away = (px_t)prng_below(&plan->prng, 4);
    const qty_t qty = prng_range(&plan->prng, 1, 40) * rules->lot;
    const ns_t life = prng_range(&plan->prng, 300, 4000) * NS_PER_MS;
    struct level touch;
    uint64_t id;
    if (!book_is_sound(book) || !book_best(book, side, &touch) || plan->cancel_count == ARRAY_LEN(plan->cancels))
        return;
    if (strategy_limit(ctx, 0, side, touch.price - side_sign(side) * away * tick, qty, TIF_GTC, 0, &id) != ERR_OK)
        return;
    plan->cancels[plan->cancel_count].ts = strategy_now(ctx) + life;
    plan->cancels[plan->cancel_count++].order_id = id;
}

static void plan_timer(struct strategy_ctx *ctx, void *state, uint64_t timer_id, ns_t deadline)
{
    struct plan *plan = state;
    (void)timer_id;
    for (uint32_t i = 0; i < plan->cancel_count;) {
        if (plan->cancels[i].ts > deadline) {
            i++;
            continue;
        }
        (void)!strategy_cancel(ctx, plan->cancels[i].order_id);
        plan->cancels[i] = plan->cancels[--plan->cancel_count];
    }
    if (deadline < plan->last)
        plan_place(ctx, plan);
    cr_assert_eq(strategy_timer_at(ctx, deadline + PLAN_INTERVAL, NULL), ERR_OK);
}

static void plan_book(struct strategy_ctx *ctx, void *state, const struct event *event)
{
    struct plan *plan = state;
    if (plan->armed)
        return;
    plan->armed = true;
    cr_assert_eq(strategy_timer_at(ctx, event->ts + NS_PER_S, NULL), ERR_OK);
}

static const struct strategy planned = {.abi = STRATEGY_ABI,
                                        .name = "planned",
                                        .state_size = sizeof(struct plan),
                                        .book = plan_book,
                                        .timer = plan_timer};

/* ---- the grid ---- */

static void set_param(void *state, const char *name, int64_t value)
{
    for (uint32_t i = 0; i < grid_strategy.param_count; i++) {
        const struct strategy_param *param = &grid_strategy.params[i];
        if (strcmp(param->name, name) != 0)
            continue;
        if (param->type == PARAM_BOOL)
            *(bool *)((char *)state + param->offset) = value != 0;
        else
            memcpy((char *)state + param->offset, &value, sizeof(value));
        return;
    }
    cr_assert_fail("grid has no parameter %s", name);
}

static void grid_params(void *state)
{
    set_param(state, "levels", 4);
    set_param(state, "spacing", 1);
    set_param(state, "half_spread", 1);
    set_param(state, "size", 1000000);          /* 0.01 */
    set_param(state, "position_max", 20000000); /* 0.2 */
    set_param(state, "skew", 10000000);         /* 0.1 ticks */
    set_param(state, "interval", 100 * NS_PER_MS);
    set_param(state, "post_only", 1);
}

/* ---- markets ---- */

void study_market_make(struct study_market *market, uint64_t seed, ns_t duration, ns_t diff_interval)
{
    struct synth_config config;
    *market = (struct study_market){.seed = seed, .duration = duration, .diff_interval = diff_interval};
    synth_config_default(&config);
    config.seed = seed;
    config.duration_ns = duration;
    config.levels = SYNTH_BOTH;
    config.diff_interval_ns = diff_interval;
    l3_market_synth(&market->recording, &config);
}

void study_market_free(struct study_market *market)
{
    l3_market_free(&market->recording);
}

/* ---- runs ---- */

static void *fresh(size_t size)
{
    size = (size + 63) & ~(size_t)63;
    void *memory = aligned_alloc(64, size);
    cr_assert(memory != NULL);
    return memset(memory, 0, size);
}

static const struct book *books(const void *context, uint16_t instrument)
{
    return engine_book(context, instrument);
}

static void on_order(void *context, ns_t ts, const struct order *order, const struct execution *execution)
{
    struct study_outcome *outcome = context;
    (void)ts;
    if (execution == NULL) { /* it is on its way */
        outcome->orders++;
        outcome->placed += order->qty;
    }
}

static void on_fill(void *context, ns_t ts, const struct order *order, const struct execution *execution)
{
    struct study_outcome *outcome = context;
    (void)ts;
    outcome->fills++;
    outcome->filled += execution->qty;
    if (order->id < STUDY_ORDERS_MAX) {
        outcome->by_order[order->id] += execution->qty * side_sign((enum side)order->side);
        outcome->paid_by_order[order->id] +=
            (money_t)execution->price * execution->qty * side_sign((enum side)order->side);
    }
}

void study_run(const struct study_market *market, enum study_stream stream, const struct queue_model *model,
               struct study_outcome *outcome)
{
    const struct l3_market *recording = &market->recording;
    const struct strategy *strategy = stream == STUDY_PLANNED ? &planned : &grid_strategy;
    const struct latency_config constant = {.entry = {.value = ENTRY}, .response = {.value = RESPONSE}};
    const struct risk_limits limits = {0};
    struct latency_model latency;
    struct l3_feed feed;
    memset(outcome, 0, sizeof(*outcome));
    cr_assert_eq(latency_model_init(&latency, &constant, NULL), ERR_OK);
    l3_feed_init(&feed, recording, market->seed, 8192);
    struct feed *lanes[1] = {&feed.feed};
    const struct engine_sink sink = {.context = outcome, .order = on_order, .fill = on_fill};
    const struct venue_config venue = {.instruments = &recording->instrument,
                                       .instrument_count = 1,
                                       .book_window = BOOK_WINDOW_MIN,
                                       .book_far = 4096,
                                       .own_orders_max = 256,
                                       .queue = *model,
                                       .l3_orders = 16384};
    struct sim_config world = {
        .lanes = lanes, .lane_count = 1, .latency = &latency, .requests_max = 4096, .instrument_count = 1};
    const struct engine_config engine_config = {.instruments = &recording->instrument,
                                                .limits = &limits,
                                                .instrument_count = 1,
                                                .book_window = BOOK_WINDOW_MIN,
                                                .book_far = 4096,
                                                .l3_orders = 16384,
                                                .order_capacity = STUDY_ORDERS_MAX,
                                                .timer_capacity = 16,
                                                .seed = 1,
                                                .strategy = strategy,
                                                .sink = &sink};
    void *world_memory = fresh(sim_world_size(&world)), *venue_memory = fresh(venue_size(&venue)),
         *engine_memory = fresh(engine_size(&engine_config)), *state = fresh(strategy->state_size);
    if (stream == STUDY_PLANNED) {
        struct plan *plan = state;
        prng_init(&plan->prng, market->seed, 77);
        plan->last = recording->events[recording->count - 1].ts - 5 * NS_PER_S;
    } else {
        grid_params(state);
    }
    const struct venue_sink venue_sink = sim_world_sink(world_memory, 0);
    world.venue = venue_init(venue_memory, &venue, &venue_sink);
    struct world *leader = sim_world_init(world_memory, &world);
    struct engine *engine = engine_init(engine_memory, &engine_config, leader, state);
    sim_world_books(leader, books, engine);
    cr_assert_eq(engine_start(engine), ERR_OK);
    cr_assert_eq(engine_run(engine, UINT64_MAX), ERR_END, "seed %lu: %s", (unsigned long)market->seed,
                 engine_why(engine)->text);
    outcome->profit = engine_equity(engine, recording->instrument.settle);
    const struct balance *balance = account_balance(engine_account_view(engine), recording->instrument.settle);
    outcome->gross = outcome->profit + (balance == NULL ? 0 : balance->fees);
    const struct level *touch = engine_book(engine, 0)->touch;
    outcome->twice_mark = touch[SIDE_BUY].price + touch[SIDE_SELL].price;
    leader->ops->close(leader);
    free(world_memory);
    free(venue_memory);
    free(engine_memory);
    free(state);
}
