/* grid.c: a market maker that keeps a ladder of orders on each side, on the lines of a fixed price grid.
 *
 *        bids, `levels` of them                           asks, `levels` of them
 *   ──┼───────┼───────┼───────┤ ◄─ at least ─► ┼ ◄─ at least ─► ├───────┼───────┼───────┼──► price
 *     └ spacing ┘           bid0  half_spread  r  half_spread  ask0
 *
 *   r    = mid - skew x position / size
 *   bid0 = floor(min(r - half_spread, best bid) / spacing) x spacing
 *   ask0 = ceil (max(r + half_spread, best ask) / spacing) x spacing
 *
 * The lines stand still: they are the multiples of `spacing`, whatever the market does. When it moves by a line,
 * one order leaves at one end of a ladder and one comes at the other end; all between keep their prices and
 * with them their places in the queue. A market that does not move makes no traffic at all.
 *
 * Every `interval` of aligned time it cancels what is no longer in the grid and places what is missing. That is the
 * only place where it sends orders: what the gate or the venue refuses is tried again an interval later, not
 * in a loop.
 *
 * Finding the order of a line must not cost a search. Each ladder is a ring of rungs, and line number n (price /
 * spacing) is always at rung n modulo the ring's length:
 *
 *   lines     ... 997  998  999 │1000 1001 1002 1003│ 1004 ...        ring of 8, levels 4, bid0 on line 1003
 *   rungs     ...   5    6    7 │   0    1    2    3│    4 ...        0..3 are the grid, 4..7 what it left behind
 *
 * The ring is twice as long as the ladder, so an order that is on its way out is not in the way of a new one,
 * unless the market jumped by more than the whole ladder; then the line waits until the old one is gone.
 *
 * The position stays inside `position_max` even if everything that is out fills at once. Orders count as out until
 * the venue says that they are not; near lines are given their quantity first, and what is left for the far ones
 * shrinks to nothing as the position grows. With position_max >= 2 x levels x size the limit is never what a
 * moving grid waits for. In the same way no order is placed that could meet one of our own: a bid waits for an ask
 * that is leaving at or below it.
 *
 * It quotes only on a sound book: a gap, a lost connection, a crossed or one-sided book cancels everything.
 *
 * What it does not do: it does not forecast, and it does not ask whether the spacing pays for the fees. Prices at
 * or below zero, and lines that a dearer band of a venue's tick table does not allow, are left out of the grid.
 */
#include "strategies/registry.h"

#define LEVELS_MAX 128
#define RUNGS_MAX  (2 * LEVELS_MAX)

struct rung {
    uint64_t order_id; /* 0: free */
    px_t price;
    qty_t leaves;
};

/* Where a ladder should stand: its line nearest to the market, and the distance of two lines. */
struct lines {
    int64_t first; /* line number: the price is first x distance */
    px_t distance;
};

struct ladder {
    struct rung rungs[RUNGS_MAX]; /* line n is at n & rung_mask */
    struct lines lines;           /* of the last decision */
    int64_t count;                /* of rungs that hold an order */
    qty_t open;                   /* sum of their leaves */
    px_t leaving;                 /* of what is on its way out, the price nearest to the other side; 0: nothing is */
    bool settled;                 /* all is as `lines` wants it, and nothing happened since */
};

struct grid {
    /* parameters, filled in before start */
    char symbol[PARAM_TEXT_SIZE];
    int64_t levels;
    int64_t spacing;             /* ticks */
    int64_t half_spread;         /* ticks */
    int64_t size_wanted;         /* at PARAM_DECIMALS */
    int64_t position_max_wanted; /* at PARAM_DECIMALS */
    int64_t skew;                /* ticks for one size of inventory, at PARAM_DECIMALS */
    ns_t interval;
    bool post_only;

    uint16_t number; /* of the instrument */
    const struct instrument *instrument;
    qty_t size;
    qty_t position_max;
    uint64_t rung_mask; /* rungs in use, a power of two, less one */
    bool timer_armed;
    bool full_told;
    struct ladder ladders[2]; /* by enum side */
};

static err_t refuse(struct strategy_ctx *ctx, const char *text)
{
    strategy_log(ctx, LOG_ERROR, text);
    return ERR_RANGE;
}

static err_t grid_start(struct strategy_ctx *ctx, void *state)
{
    struct grid *grid = state;
    if (strategy_find_instrument(ctx, grid->symbol, &grid->number) != ERR_OK)
        return refuse(ctx, "grid: `instrument` is not one of this run's instruments");
    grid->instrument = strategy_instrument(ctx, grid->number);

    qty_t size;
    if (instrument_qty_from(grid->instrument, grid->size_wanted, PARAM_DECIMALS, ROUND_DOWN, &size) != ERR_OK ||
        instrument_qty_from(grid->instrument, grid->position_max_wanted, PARAM_DECIMALS, ROUND_DOWN,
                            &grid->position_max) != ERR_OK)
        return refuse(ctx, "grid: `size` or `position_max` is too large for the instrument");
    grid->size = instrument_round_qty(grid->instrument, size);
    if (grid->size <= 0 || grid->size < grid->instrument->qty_min)
        return refuse(ctx, "grid: `size` is below the instrument's lot or smallest order");

    uint64_t rungs = 2;
    while (rungs < 2 * (uint64_t)grid->levels)
        rungs *= 2;
    ASSERT(rungs <= RUNGS_MAX);
    grid->rung_mask = rungs - 1;
    return ERR_OK;
}

/* ---- where the grid should be ---- */

/* Both ladders, by side. False: nowhere, the market is not one to quote on. Everything is kept twice, so that the
 * middle of an odd spread is an integer. The shift rounds half away from zero and the lines round outward:
 * mirror the book and the position, and the grid is mirrored. */
static bool wanted_lines(struct strategy_ctx *ctx, const struct grid *grid, struct lines lines[2])
{
    const struct book *book = strategy_book(ctx, grid->number);
    struct level touch[2];
    px_t tick;
    if (!book_is_sound(book) || !book_best(book, SIDE_BUY, &touch[SIDE_BUY]) ||
        !book_best(book, SIDE_SELL, &touch[SIDE_SELL]) ||
        instrument_tick(grid->instrument, touch[SIDE_BUY].price, strategy_now(ctx), &tick) != ERR_OK)
        return false;

    const money_t distance = (money_t)grid->spacing * tick;
    money_t shift = money_divide((money_t)2 * grid->skew * strategy_position(ctx, grid->number)->qty,
                                 (money_t)grid->size * decimal_pow10(PARAM_DECIMALS), ROUND_HALF_AWAY);
    if (distance > INT64_MAX || money_multiply(shift, tick, &shift) != ERR_OK || shift > INT64_MAX ||
        shift < -INT64_MAX)
        return false;
    const money_t reference = (money_t)touch[SIDE_BUY].price + touch[SIDE_SELL].price - shift;
    for (enum side side = SIDE_BUY; side <= SIDE_SELL; side++) {
        money_t nearest = reference - (money_t)2 * side_sign(side) * grid->half_spread * tick;
        const money_t limit = (money_t)2 * touch[side].price; /* at the touch, never inside the spread */
        if (side == SIDE_BUY ? nearest > limit : nearest < limit)
            nearest = limit;
        /* A true floor, below zero too, where a strong shift can send a bid; no line there is ever ordered. */
        money_t first = money_divide(nearest, 2 * distance, side == SIDE_BUY ? ROUND_FLOOR : ROUND_CEIL);
        if (first < 0)
            first = 0;
        if (first > INT64_MAX / distance - RUNGS_MAX)
            return false;
        lines[side] = (struct lines){.first = (int64_t)first, .distance = (px_t)distance};
    }
    return true;
}

/* The line that is `steps` further out than the first. */
static int64_t line_at(const struct ladder *ladder, enum side side, int64_t steps)
{
    return ladder->lines.first - side_sign(side) * steps;
}

/* 0 for a line that cannot be ordered. */
static px_t price_of(const struct ladder *ladder, int64_t line)
{
    return line > 0 ? line * ladder->lines.distance : 0;
}

static struct rung *rung_of(const struct grid *grid, struct ladder *ladder, int64_t line)
{
    return &ladder->rungs[(uint64_t)line & grid->rung_mask];
}

/* ---- bringing the orders there ---- */

/* Is price `a` of a side nearer to the other side than `b`? */
static bool is_nearer(enum side side, px_t a, px_t b)
{
    return side == SIDE_BUY ? a > b : a < b;
}

/* Cancel what is not on one of the first `levels` lines; 0 is everything. A cancel that is under way already is not
 * sent twice: the engine answers ERR_STATE, and that is fine here. */
static void sweep(struct strategy_ctx *ctx, struct grid *grid, enum side side, int64_t levels)
{
    struct ladder *ladder = &grid->ladders[side];
    ladder->settled = false;
    ladder->leaving = 0;
    for (int64_t steps = 0, left = ladder->count; left != 0 && steps <= (int64_t)grid->rung_mask; steps++) {
        const int64_t line = line_at(ladder, side, steps);
        const struct rung *rung = rung_of(grid, ladder, line);
        if (rung->order_id == 0)
            continue;
        left--;
        if (steps < levels && rung->price == price_of(ladder, line))
            continue;
        strategy_cancel(ctx, rung->order_id);
        if (ladder->leaving == 0 || is_nearer(side, rung->price, ladder->leaving))
            ladder->leaving = rung->price;
    }
}

/* False: refused, to be tried again in the next interval. */
static bool place(struct strategy_ctx *ctx, struct grid *grid, enum side side, int64_t line, qty_t qty)
{
    struct ladder *ladder = &grid->ladders[side];
    const struct order_request request = {.instrument = grid->number,
                                          .side = (uint8_t)side,
                                          .type = ORDER_LIMIT,
                                          .tif = TIF_GTC,
                                          .flags = grid->post_only ? ORDER_POST_ONLY : 0,
                                          .price = price_of(ladder, line),
                                          .qty = qty,
                                          .tag = (uint64_t)line};
    uint64_t order_id;
    const err_t err = strategy_submit(ctx, &request, &order_id);
    if (err == ERR_FULL && !grid->full_told) {
        strategy_log(ctx, LOG_WARN, "grid: the table of orders is full of open ones; raise engine.order_capacity");
        grid->full_told = true;
    }
    if (err != ERR_OK)
        return false;
    *rung_of(grid, ladder, line) = (struct rung){.order_id = order_id, .price = request.price, .leaves = qty};
    ladder->count++;
    ladder->open += qty;
    return true;
}

/* From the market outward: leave what is there, place what is missing, as far as the position limit reaches and
 * without meeting an order of ours that is leaving the other side. */
static void fill_in(struct strategy_ctx *ctx, struct grid *grid, enum side side)
{
    struct ladder *ladder = &grid->ladders[side];
    const struct instrument *instrument = grid->instrument;
    const px_t wall = grid->ladders[side_opposite(side)].leaving;
    /* What may be out on this side at once, and what of it is not yet given to a nearer line. */
    const qty_t room = grid->position_max - side_sign(side) * strategy_position(ctx, grid->number)->qty;
    qty_t left = room;
    bool complete = true;
    for (int64_t steps = 0; steps < grid->levels; steps++) {
        const int64_t line = line_at(ladder, side, steps);
        const px_t price = price_of(ladder, line);
        const struct rung *rung = rung_of(grid, ladder, line);
        if (rung->order_id != 0 && rung->leaves <= left) {
            left -= rung->leaves; /* perhaps filled in part: what remains has earned its place */
            continue;
        }
        const qty_t qty = instrument_round_qty(instrument, left < grid->size ? left : grid->size);
        if (rung->order_id != 0) {
            strategy_cancel(ctx, rung->order_id); /* more than the limit leaves for it */
            complete = false;
        } else if (qty <= 0 || qty < instrument->qty_min || price == 0 ||
                   instrument_notional(price, qty) < instrument->notional_min ||
                   !instrument_on_tick(instrument, price, strategy_now(ctx))) {
            continue;
        } else if (qty > room - ladder->open || (wall != 0 && !is_nearer(side, wall, price)) ||
                   !place(ctx, grid, side, line, qty)) {
            complete = false;
        }
        left -= qty > 0 ? qty : 0;
    }
    ladder->settled = complete;
}

static void decide(struct strategy_ctx *ctx, struct grid *grid)
{
    struct lines lines[2];
    if (!wanted_lines(ctx, grid, lines)) {
        sweep(ctx, grid, SIDE_BUY, 0);
        sweep(ctx, grid, SIDE_SELL, 0);
        return;
    }
    /* Cancels before orders, on both sides: venues count how many are open. */
    for (enum side side = SIDE_BUY; side <= SIDE_SELL; side++) {
        struct ladder *ladder = &grid->ladders[side];
        if (ladder->settled && lines[side].first == ladder->lines.first &&
            lines[side].distance == ladder->lines.distance)
            continue;
        ladder->lines = lines[side];
        sweep(ctx, grid, side, grid->levels);
    }
    for (enum side side = SIDE_BUY; side <= SIDE_SELL; side++)
        if (!grid->ladders[side].settled)
            fill_in(ctx, grid, side);
}

/* ---- callbacks ---- */

/* There is no time before the first event, so the first book message starts the timers. */
static void arm_timer(struct strategy_ctx *ctx, struct grid *grid)
{
    ns_t next = (strategy_now(ctx) / grid->interval + 1) * grid->interval;
    grid->timer_armed = strategy_timer_at(ctx, next, NULL) == ERR_OK;
}

static void grid_timer(struct strategy_ctx *ctx, void *state, uint64_t timer_id, ns_t deadline)
{
    (void)timer_id;
    (void)deadline;
    decide(ctx, state);
    arm_timer(ctx, state);
}

static void grid_book(struct strategy_ctx *ctx, void *state, const struct event *event)
{
    struct grid *grid = state;
    if (!grid->timer_armed)
        arm_timer(ctx, grid);
    if (event->kind != EVENT_GAP && event->kind != EVENT_CONNECTION_DOWN)
        return;
    if (event->instrument == grid->number || event->instrument == INSTRUMENT_NONE) {
        sweep(ctx, grid, SIDE_BUY, 0);
        sweep(ctx, grid, SIDE_SELL, 0);
    }
}

/* The rung follows its order. Everything but an acknowledgement is a reason to look at the ladder again. */
static void grid_order(struct strategy_ctx *ctx, void *state, const struct order *order,
                       const struct execution *execution)
{
    (void)ctx;
    struct grid *grid = state;
    struct ladder *ladder = &grid->ladders[order->side];
    struct rung *rung = rung_of(grid, ladder, (int64_t)order->tag);
    if (order->id != rung->order_id) /* of someone else, or refused before it had a rung */
        return;
    const qty_t leaves = order_is_open(order) ? order_leaves(order) : 0;
    ladder->open += leaves - rung->leaves;
    rung->leaves = leaves;
    rung->price = order->price;
    if (leaves == 0) {
        rung->order_id = 0;
        ladder->count--;
    }
    if (execution->kind != EXEC_ACK)
        ladder->settled = false;
}

/* A fill moves the limit of both sides. */
static void grid_fill(struct strategy_ctx *ctx, void *state, const struct order *order,
                      const struct execution *execution)
{
    (void)order;
    (void)execution;
    struct grid *grid = state;
    grid->ladders[SIDE_BUY].settled = grid->ladders[SIDE_SELL].settled = false;
    strategy_plot(ctx, "position", strategy_position(ctx, grid->number)->qty, grid->instrument->qty_decimals);
}

static void grid_stop(struct strategy_ctx *ctx, void *state)
{
    sweep(ctx, state, SIDE_BUY, 0);
    sweep(ctx, state, SIDE_SELL, 0);
}

static const struct strategy_param grid_params[] = {
    {"instrument", PARAM_TEXT, NULL, NULL, "", "symbol to quote; empty: the first instrument of the run",
     offsetof(struct grid, symbol)},
    {"levels", PARAM_INT, "1", "128", "10", "orders on each side", offsetof(struct grid, levels)},
    {"spacing", PARAM_INT, "1", "1000000", "10", "distance of two lines of the grid, in ticks",
     offsetof(struct grid, spacing)},
    {"half_spread", PARAM_INT, "0", "1000000", "20",
     "least distance of the first line from the reference price, in ticks", offsetof(struct grid, half_spread)},
    {"size", PARAM_DECIMAL, "0.00000001", "1000000000", "0.001", "quantity of one order, in units of the instrument",
     offsetof(struct grid, size_wanted)},
    {"position_max", PARAM_DECIMAL, "0.00000001", "1000000000", "0.02",
     "largest position, long or short, even if all that is out fills, in units of the instrument",
     offsetof(struct grid, position_max_wanted)},
    {"skew", PARAM_DECIMAL, "0", "100000", "1",
     "how far the reference price shifts against the position, in ticks for every `size` held",
     offsetof(struct grid, skew)},
    {"interval", PARAM_DURATION, "1ms", "1h", "100ms", "time between two looks at the market, aligned to the clock",
     offsetof(struct grid, interval)},
    {"post_only", PARAM_BOOL, NULL, NULL, "true", "have the venue refuse an order that would take",
     offsetof(struct grid, post_only)},
};

static const struct strategy_variable grid_variables[] = {
    {.name = "size",
     .type = VARIABLE_QTY,
     .offset = offsetof(struct grid, size),
     .instrument_at = offsetof(struct grid, number)},
    {.name = "position_max",
     .type = VARIABLE_QTY,
     .offset = offsetof(struct grid, position_max),
     .instrument_at = offsetof(struct grid, number)},
    {.name = "timer_armed", .type = VARIABLE_BOOL, .offset = offsetof(struct grid, timer_armed)},
    {.name = "buy_lines_first",
     .type = VARIABLE_INT,
     .offset = offsetof(struct grid, ladders[SIDE_BUY].lines.first),
     .help = "line number: the price is first x distance"},
    {.name = "buy_lines_distance",
     .type = VARIABLE_PRICE,
     .offset = offsetof(struct grid, ladders[SIDE_BUY].lines.distance),
     .instrument_at = offsetof(struct grid, number)},
    {.name = "buy_orders", .type = VARIABLE_INT, .offset = offsetof(struct grid, ladders[SIDE_BUY].count)},
    {.name = "buy_open",
     .type = VARIABLE_QTY,
     .offset = offsetof(struct grid, ladders[SIDE_BUY].open),
     .instrument_at = offsetof(struct grid, number)},
    {.name = "buy_leaving",
     .type = VARIABLE_PRICE,
     .offset = offsetof(struct grid, ladders[SIDE_BUY].leaving),
     .instrument_at = offsetof(struct grid, number),
     .help = "0: nothing is on its way out"},
    {.name = "buy_settled", .type = VARIABLE_BOOL, .offset = offsetof(struct grid, ladders[SIDE_BUY].settled)},
    {.name = "sell_lines_first",
     .type = VARIABLE_INT,
     .offset = offsetof(struct grid, ladders[SIDE_SELL].lines.first),
     .help = "line number: the price is first x distance"},
    {.name = "sell_lines_distance",
     .type = VARIABLE_PRICE,
     .offset = offsetof(struct grid, ladders[SIDE_SELL].lines.distance),
     .instrument_at = offsetof(struct grid, number)},
    {.name = "sell_orders", .type = VARIABLE_INT, .offset = offsetof(struct grid, ladders[SIDE_SELL].count)},
    {.name = "sell_open",
     .type = VARIABLE_QTY,
     .offset = offsetof(struct grid, ladders[SIDE_SELL].open),
     .instrument_at = offsetof(struct grid, number)},
    {.name = "sell_leaving",
     .type = VARIABLE_PRICE,
     .offset = offsetof(struct grid, ladders[SIDE_SELL].leaving),
     .instrument_at = offsetof(struct grid, number),
     .help = "0: nothing is on its way out"},
    {.name = "sell_settled", .type = VARIABLE_BOOL, .offset = offsetof(struct grid, ladders[SIDE_SELL].settled)},
};

const struct strategy grid_strategy = {
    .abi = STRATEGY_ABI,
    .name = "grid",
    .version = "1",
    .help =
        "A grid market maker. Keeps `levels` orders a side on the lines of a price grid, `spacing` ticks apart, the "
        "nearest at least `half_spread` from a reference price that shifts against the position by `skew`. On a "
        "grid of timers it cancels the orders that are no longer in the grid and places the missing ones. "
        "Cancels when data are missing.",
    .state_size = sizeof(struct grid),
    .params = grid_params,
    .param_count = ARRAY_LEN(grid_params),
    .variables = grid_variables,
    .variable_count = ARRAY_LEN(grid_variables),
    .start = grid_start,
    .book = grid_book,
    .order = grid_order,
    .fill = grid_fill,
    .timer = grid_timer,
    .stop = grid_stop,
};
