/* maker.c: a two-sided quoting market maker with inventory skew.
 *
 *      bid quote          reference            ask quote
 *   ──────┼─────────┼─────────┼──────────────────┼──────► price
 *         ◄── half_spread ──► ◄── half_spread ───►
 *                   reference = mid - skew x position / size
 *
 * It keeps at most one order a side. On a grid of aligned timers it works out where its quotes should be, and
 * moves an order only when the price has gone `move_min` ticks away: a resting order has a place in the queue,
 * and a place in the queue is worth more than a tick. Moving is cancel, wait for the venue's word, replace: two
 * orders of one side can never be out at once, so the position cannot pass `position_max`.
 *
 * Long inventory shifts both quotes down (buy later, sell sooner), short inventory shifts them up by as
 * much: mirror the book and the position and the quotes are mirrored, to the last unit. That is why the bid
 * rounds down, the ask rounds up and the shift rounds half away from zero.
 *
 * It quotes only on a sound book. A gap in the data, a lost connection, a crossed or one-sided book: both
 * orders are cancelled and nothing is sent until the book is sound again.
 *
 * What it does not do: it does not forecast, it does not look at its own queue position, and it does not ask
 * whether the spread pays for the fees. It is here to be read, and to be a base for one that does.
 */
#include "strategies/registry.h"

struct quote {
    uint64_t order_id; /* 0: no order out on this side */
    px_t price;
};

struct maker {
    /* parameters, filled in before start */
    char symbol[PARAM_TEXT_SIZE];
    int64_t size_wanted;         /* at PARAM_DECIMALS */
    int64_t position_max_wanted; /* at PARAM_DECIMALS */
    int64_t half_spread;         /* ticks */
    int64_t skew;                /* ticks for one size of inventory, at PARAM_DECIMALS */
    int64_t move_min;            /* ticks */
    ns_t interval;
    bool post_only;

    uint16_t number; /* of the instrument */
    const struct instrument *instrument;
    qty_t size;
    qty_t position_max;
    bool timer_armed;
    struct quote quotes[2]; /* by enum side */
};

static err_t refuse(struct strategy_ctx *ctx, const char *text)
{
    strategy_log(ctx, LOG_ERROR, text);
    return ERR_RANGE;
}

static err_t maker_start(struct strategy_ctx *ctx, void *state)
{
    struct maker *maker = state;
    if (strategy_find_instrument(ctx, maker->symbol, &maker->number) != ERR_OK)
        return refuse(ctx, "maker: `instrument` is not one of this run's instruments");
    maker->instrument = strategy_instrument(ctx, maker->number);

    qty_t size, position_max;
    if (instrument_qty_from(maker->instrument, maker->size_wanted, PARAM_DECIMALS, ROUND_DOWN, &size) != ERR_OK ||
        instrument_qty_from(maker->instrument, maker->position_max_wanted, PARAM_DECIMALS, ROUND_DOWN,
                            &position_max) != ERR_OK)
        return refuse(ctx, "maker: `size` or `position_max` is too large for the instrument");
    maker->size = instrument_round_qty(maker->instrument, size);
    maker->position_max = position_max;
    if (maker->size <= 0 || maker->size < maker->instrument->qty_min)
        return refuse(ctx, "maker: `size` is below the instrument's lot or smallest order");
    return ERR_OK;
}

/* Where the quote of a side should be now. False: nowhere. */
static bool wanted_price(struct strategy_ctx *ctx, const struct maker *maker, enum side side, px_t *price, px_t *tick)
{
    const struct book *book = strategy_book(ctx, maker->number);
    struct level bid, ask;
    if (!book_is_sound(book) || !book_best(book, SIDE_BUY, &bid) || !book_best(book, SIDE_SELL, &ask))
        return false;
    ns_t now = strategy_now(ctx);
    if (instrument_tick(maker->instrument, bid.price, now, tick) != ERR_OK)
        return false;

    /* Twice every price, so that the middle of an odd spread is an integer; the shift is in half ticks. */
    qty_t position = strategy_position(ctx, maker->number)->qty;
    money_t shift = money_divide((money_t)2 * maker->skew * position,
                                 (money_t)maker->size * decimal_pow10(PARAM_DECIMALS), ROUND_HALF_AWAY);
    if (money_multiply(shift, *tick, &shift) != ERR_OK)
        return false;
    money_t twice =
        (money_t)bid.price + ask.price - shift - (money_t)2 * side_sign(side) * maker->half_spread * *tick;

    /* Down for the bid, up for the ask; and never so far that it would take the other side of the book. */
    enum rounding outward = side == SIDE_BUY ? ROUND_FLOOR : ROUND_CEIL;
    money_t limit = side == SIDE_BUY ? ask.price - 1 : bid.price + 1;
    money_t exact = money_divide(twice, 2, outward);
    if (side == SIDE_BUY ? exact > limit : exact < limit)
        exact = limit;
    if (exact <= 0 || exact > INT64_MAX)
        return false;
    return instrument_round_price(maker->instrument, (px_t)exact, now, outward, price) == ERR_OK;
}

/* What may still be bought or sold before the position is at its limit: at most one size, in whole lots. */
static qty_t wanted_qty(struct strategy_ctx *ctx, const struct maker *maker, enum side side)
{
    qty_t room = maker->position_max - side_sign(side) * strategy_position(ctx, maker->number)->qty;
    qty_t qty = instrument_round_qty(maker->instrument, room < maker->size ? room : maker->size);
    return qty < maker->instrument->qty_min ? 0 : qty;
}

/* A cancel that is under way already is not sent twice: the engine answers ERR_STATE, and that is fine here. */
static void pull(struct strategy_ctx *ctx, const struct quote *quote)
{
    if (quote->order_id != 0)
        strategy_cancel(ctx, quote->order_id);
}

/* Bring one side to where it should be: leave, cancel or place. */
static void requote(struct strategy_ctx *ctx, struct maker *maker, enum side side)
{
    struct quote *quote = &maker->quotes[side];
    px_t price = 0, tick = 0;
    bool wanted = wanted_price(ctx, maker, side, &price, &tick);

    if (quote->order_id != 0) {
        px_t moved = wanted ? price - quote->price : 0;
        if (!wanted || (moved < 0 ? -moved : moved) >= (money_t)maker->move_min * tick)
            pull(ctx, quote);
        return;
    }
    qty_t qty = wanted ? wanted_qty(ctx, maker, side) : 0;
    if (qty <= 0 || instrument_notional(price, qty) < maker->instrument->notional_min)
        return;
    unsigned flags = maker->post_only ? ORDER_POST_ONLY : 0;
    uint64_t order_id;
    if (strategy_limit(ctx, maker->number, side, price, qty, TIF_GTC, flags, &order_id) == ERR_OK)
        *quote = (struct quote){.order_id = order_id, .price = price};
}

/* There is no time before the first event, so the first book message starts the timers. */
static void arm_timer(struct strategy_ctx *ctx, struct maker *maker)
{
    ns_t next = (strategy_now(ctx) / maker->interval + 1) * maker->interval;
    maker->timer_armed = strategy_timer_at(ctx, next, NULL) == ERR_OK;
}

static void maker_timer(struct strategy_ctx *ctx, void *state, uint64_t timer_id, ns_t deadline)
{
    (void)timer_id;
    (void)deadline;
    struct maker *maker = state;
    requote(ctx, maker, SIDE_BUY);
    requote(ctx, maker, SIDE_SELL);
    arm_timer(ctx, maker);
}

static void maker_book(struct strategy_ctx *ctx, void *state, const struct event *event)
{
    struct maker *maker = state;
    if (!maker->timer_armed)
        arm_timer(ctx, maker);
    bool ours = event->instrument == maker->number || event->instrument == INSTRUMENT_NONE;
    if (ours && (event->kind == EVENT_GAP || event->kind == EVENT_CONNECTION_DOWN)) {
        pull(ctx, &maker->quotes[SIDE_BUY]);
        pull(ctx, &maker->quotes[SIDE_SELL]);
    }
}

/* After a cancel the side is quoted anew at once; after a fill or a refusal it waits for the next timer. */
static void maker_order(struct strategy_ctx *ctx, void *state, const struct order *order,
                        const struct execution *execution)
{
    struct maker *maker = state;
    struct quote *quote = &maker->quotes[order->side];
    if (order->id != quote->order_id || order_is_open(order))
        return;
    quote->order_id = 0;
    if (execution->kind == EXEC_CANCELLED)
        requote(ctx, maker, order->side);
}

static void maker_fill(struct strategy_ctx *ctx, void *state, const struct order *order,
                       const struct execution *execution)
{
    (void)order;
    (void)execution;
    struct maker *maker = state;
    strategy_plot(ctx, "position", strategy_position(ctx, maker->number)->qty, maker->instrument->qty_decimals);
}

static void maker_stop(struct strategy_ctx *ctx, void *state)
{
    struct maker *maker = state;
    pull(ctx, &maker->quotes[SIDE_BUY]);
    pull(ctx, &maker->quotes[SIDE_SELL]);
}

static const struct strategy_param maker_params[] = {
    {"instrument", PARAM_TEXT, NULL, NULL, "", "symbol to quote; empty: the first instrument of the run",
     offsetof(struct maker, symbol)},
    {"size", PARAM_DECIMAL, "0.00000001", "1000000000", "0.01", "quantity of one quote, in units of the instrument",
     offsetof(struct maker, size_wanted)},
    {"position_max", PARAM_DECIMAL, "0.00000001", "1000000000", "0.1",
     "largest position, long or short, in units of the instrument", offsetof(struct maker, position_max_wanted)},
    {"half_spread", PARAM_INT, "0", "1000000", "5", "distance of a quote from the reference price, in ticks",
     offsetof(struct maker, half_spread)},
    {"skew", PARAM_DECIMAL, "0", "100000", "1",
     "how far both quotes shift against the position, in ticks for every `size` held", offsetof(struct maker, skew)},
    {"move_min", PARAM_INT, "1", "1000000", "2",
     "a resting quote stays until it is this far from where it should be, in ticks",
     offsetof(struct maker, move_min)},
    {"interval", PARAM_DURATION, "1ms", "1h", "100ms", "time between two looks at the market, aligned to the clock",
     offsetof(struct maker, interval)},
    {"post_only", PARAM_BOOL, NULL, NULL, "true", "have the venue refuse a quote that would take",
     offsetof(struct maker, post_only)},
};

static const struct strategy_variable maker_variables[] = {
    {.name = "size",
     .type = VARIABLE_QTY,
     .offset = offsetof(struct maker, size),
     .instrument_at = offsetof(struct maker, number)},
    {.name = "position_max",
     .type = VARIABLE_QTY,
     .offset = offsetof(struct maker, position_max),
     .instrument_at = offsetof(struct maker, number)},
    {.name = "timer_armed", .type = VARIABLE_BOOL, .offset = offsetof(struct maker, timer_armed)},
    {.name = "buy_order",
     .type = VARIABLE_COUNT,
     .offset = offsetof(struct maker, quotes[SIDE_BUY].order_id),
     .help = "0: no order out on this side"},
    {.name = "buy_price",
     .type = VARIABLE_PRICE,
     .offset = offsetof(struct maker, quotes[SIDE_BUY].price),
     .instrument_at = offsetof(struct maker, number)},
    {.name = "sell_order",
     .type = VARIABLE_COUNT,
     .offset = offsetof(struct maker, quotes[SIDE_SELL].order_id),
     .help = "0: no order out on this side"},
    {.name = "sell_price",
     .type = VARIABLE_PRICE,
     .offset = offsetof(struct maker, quotes[SIDE_SELL].price),
     .instrument_at = offsetof(struct maker, number)},
};

const struct strategy maker_strategy = {
    .abi = STRATEGY_ABI,
    .name = "maker",
    .version = "1",
    .help =
        "A two-sided market maker. Keeps one order a side at `half_spread` ticks from the mid price, both shifted "
        "against the position by `skew`, and moves them on a grid of timers when the market has moved by "
        "`move_min` ticks. Cancels when data are missing.",
    .state_size = sizeof(struct maker),
    .params = maker_params,
    .param_count = ARRAY_LEN(maker_params),
    .variables = maker_variables,
    .variable_count = ARRAY_LEN(maker_variables),
    .start = maker_start,
    .book = maker_book,
    .order = maker_order,
    .fill = maker_fill,
    .timer = maker_timer,
    .stop = maker_stop,
};
