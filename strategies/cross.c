/* cross.c: a moving-average cross on bars built from trades.
 *
 *   trades ─► last price ─┬─ timer at each full minute: the bar closes ─► ring of closes
 *                         └─ (a minute without a trade repeats the close before it)
 *
 *   sum of the last `fast` closes / fast   above   sum of the last `slow` closes / slow   ─► hold +size
 *                                          below                                          ─► hold -size
 *
 * Nothing is divided: a/m > b/n is a x n > b x m, in integers, so the comparison is exact and two averages that
 * are equal are equal. (Then the position stays as it is.)
 *
 * A bar is closed by time and not by the first trade after it. Timers fire before the inputs of the same
 * instant, so a trade at exactly 12:01:00 belongs to the bar that begins there.
 *
 * There is one order at a time, for the distance between the position held and the position wanted. What did
 * not fill is asked for again at the next bar: a market order's rest by a new market order, a limit order by a
 * cancel and a new one at the touch of that time.
 *
 * What it does not do: it does not know that data were missed (the bars around a gap are built from the
 * trades that were seen), and it trades on every crossing, however small.
 */
#include "strategies/registry.h"

#define SLOW_MAX 1024

struct cross {
    /* parameters, filled in before start */
    char symbol[PARAM_TEXT_SIZE];
    int64_t size_wanted; /* at PARAM_DECIMALS */
    int64_t fast, slow;  /* bars */
    ns_t bar;
    bool market;

    uint16_t number; /* of the instrument */
    const struct instrument *instrument;
    qty_t size;
    qty_t target; /* signed: the position that the averages ask for */

    bool timer_armed;
    px_t last_price;       /* of the newest trade */
    px_t closes[SLOW_MAX]; /* the close of bar i is at i % slow */
    uint64_t bar_count;    /* closed so far */
    money_t fast_sum, slow_sum;

    uint64_t order_id; /* 0: no order out */
};

static err_t refuse(struct strategy_ctx *ctx, const char *text)
{
    strategy_log(ctx, LOG_ERROR, text);
    return ERR_RANGE;
}

static err_t cross_start(struct strategy_ctx *ctx, void *state)
{
    struct cross *cross = state;
    if (strategy_find_instrument(ctx, cross->symbol, &cross->number) != ERR_OK)
        return refuse(ctx, "cross: `instrument` is not one of this run's instruments");
    cross->instrument = strategy_instrument(ctx, cross->number);
    if (cross->fast >= cross->slow)
        return refuse(ctx, "cross: `fast` must be shorter than `slow`");

    qty_t size;
    if (instrument_qty_from(cross->instrument, cross->size_wanted, PARAM_DECIMALS, ROUND_DOWN, &size) != ERR_OK)
        return refuse(ctx, "cross: `size` is too large for the instrument");
    cross->size = instrument_round_qty(cross->instrument, size);
    if (cross->size <= 0 || cross->size < cross->instrument->qty_min)
        return refuse(ctx, "cross: `size` is below the instrument's lot or smallest order");
    return ERR_OK;
}

/* Send the order that leads from the position held to the position wanted. */
static void trade_to_target(struct strategy_ctx *ctx, struct cross *cross)
{
    if (cross->order_id != 0) {
        strategy_cancel(ctx, cross->order_id); /* ERR_STATE: one is under way already */
        return;
    }
    qty_t distance = cross->target - strategy_position(ctx, cross->number)->qty;
    if (distance == 0)
        return;
    enum side side = distance > 0 ? SIDE_BUY : SIDE_SELL;
    qty_t qty = distance > 0 ? distance : -distance;

    const struct book *book = strategy_book(ctx, cross->number);
    struct level touch;
    if (!book_is_sound(book) || !book_best(book, side, &touch))
        return;
    uint64_t order_id;
    err_t err = cross->market
                    ? strategy_market(ctx, cross->number, side, qty, &order_id)
                    : strategy_limit(ctx, cross->number, side, touch.price, qty, TIF_GTC, ORDER_POST_ONLY, &order_id);
    if (err == ERR_OK)
        cross->order_id = order_id;
}

/* The sums are kept by adding the newest close and taking off the one that leaves the window. */
static void close_bar(struct cross *cross, px_t close)
{
    uint64_t slow = (uint64_t)cross->slow, fast = (uint64_t)cross->fast, bar = cross->bar_count;
    if (bar >= fast)
        cross->fast_sum -= cross->closes[(bar - fast) % slow];
    if (bar >= slow)
        cross->slow_sum -= cross->closes[bar % slow];
    cross->closes[bar % slow] = close;
    cross->fast_sum += close;
    cross->slow_sum += close;
    cross->bar_count++;
}

/* There is no time before the first event, so the first trade starts the timers. */
static void arm_timer(struct strategy_ctx *ctx, struct cross *cross)
{
    ns_t next = (strategy_now(ctx) / cross->bar + 1) * cross->bar;
    cross->timer_armed = strategy_timer_at(ctx, next, NULL) == ERR_OK;
}

static void cross_timer(struct strategy_ctx *ctx, void *state, uint64_t timer_id, ns_t deadline)
{
    (void)timer_id;
    (void)deadline;
    struct cross *cross = state;
    arm_timer(ctx, cross);
    close_bar(cross, cross->last_price);
    if (cross->bar_count < (uint64_t)cross->slow)
        return;
    money_t fast = cross->fast_sum * cross->slow, slow = cross->slow_sum * cross->fast;
    if (fast != slow)
        cross->target = fast > slow ? cross->size : -cross->size;
    strategy_plot(ctx, "fast", (int64_t)(cross->fast_sum / cross->fast), cross->instrument->price_decimals);
    strategy_plot(ctx, "slow", (int64_t)(cross->slow_sum / cross->slow), cross->instrument->price_decimals);
    trade_to_target(ctx, cross);
}

static void cross_trade(struct strategy_ctx *ctx, void *state, const struct event *event)
{
    struct cross *cross = state;
    if (event->instrument != cross->number || (event->flags & EVENT_SPECIAL) != 0)
        return; /* another instrument, or a print that the public book never saw (insurance fund, block) */
    if (!cross->timer_armed)
        arm_timer(ctx, cross);
    cross->last_price = event->levels[0].price;
}

static void cross_order(struct strategy_ctx *ctx, void *state, const struct order *order,
                        const struct execution *execution)
{
    struct cross *cross = state;
    if (order->id != cross->order_id || order_is_open(order))
        return;
    cross->order_id = 0;
    if (execution->kind == EXEC_CANCELLED)
        trade_to_target(ctx, cross);
}

static void cross_stop(struct strategy_ctx *ctx, void *state)
{
    struct cross *cross = state;
    if (cross->order_id != 0)
        strategy_cancel(ctx, cross->order_id);
}

static const struct strategy_param cross_params[] = {
    {"instrument", PARAM_TEXT, NULL, NULL, "", "symbol to trade; empty: the first instrument of the run",
     offsetof(struct cross, symbol)},
    {"size", PARAM_DECIMAL, "0.00000001", "1000000000", "0.01",
     "position held when long or short, in units of the instrument", offsetof(struct cross, size_wanted)},
    {"fast", PARAM_INT, "1", "1023", "5", "length of the fast average, in bars", offsetof(struct cross, fast)},
    {"slow", PARAM_INT, "2", "1024", "20", "length of the slow average, in bars", offsetof(struct cross, slow)},
    {"bar", PARAM_DURATION, "1s", "1d", "1m", "length of a bar, aligned to the clock", offsetof(struct cross, bar)},
    {"market", PARAM_BOOL, NULL, NULL, "true",
     "true: market orders; false: post-only limit orders at the touch, moved at every bar",
     offsetof(struct cross, market)},
};

static const struct strategy_variable cross_variables[] = {
    {.name = "size",
     .type = VARIABLE_QTY,
     .offset = offsetof(struct cross, size),
     .instrument_at = offsetof(struct cross, number)},
    {.name = "target",
     .type = VARIABLE_QTY,
     .offset = offsetof(struct cross, target),
     .instrument_at = offsetof(struct cross, number),
     .help = "the position that the averages ask for"},
    {.name = "timer_armed", .type = VARIABLE_BOOL, .offset = offsetof(struct cross, timer_armed)},
    {.name = "last_price",
     .type = VARIABLE_PRICE,
     .offset = offsetof(struct cross, last_price),
     .instrument_at = offsetof(struct cross, number),
     .help = "of the newest trade"},
    {.name = "bar_count",
     .type = VARIABLE_COUNT,
     .offset = offsetof(struct cross, bar_count),
     .help = "closed so far"},
    {.name = "fast_sum",
     .type = VARIABLE_MONEY,
     .offset = offsetof(struct cross, fast_sum),
     .help = "of the closes, in price units"},
    {.name = "slow_sum",
     .type = VARIABLE_MONEY,
     .offset = offsetof(struct cross, slow_sum),
     .help = "of the closes, in price units"},
    {.name = "order_id",
     .type = VARIABLE_COUNT,
     .offset = offsetof(struct cross, order_id),
     .help = "0: no order out"},
};

const struct strategy cross_strategy = {
    .abi = STRATEGY_ABI,
    .name = "cross",
    .version = "1",
    .help = "A moving-average cross. Builds bars from trades and is long while the average of the last `fast` closes "
            "is above that of the last `slow` closes, short while it is below.",
    .state_size = sizeof(struct cross),
    .params = cross_params,
    .param_count = ARRAY_LEN(cross_params),
    .variables = cross_variables,
    .variable_count = ARRAY_LEN(cross_variables),
    .start = cross_start,
    .trade = cross_trade,
    .order = cross_order,
    .timer = cross_timer,
    .stop = cross_stop,
};
