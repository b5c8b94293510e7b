/* scripted.c: replays a file of own orders and writes what became of each.
 *
 *   orders.csv ─► rows ─┬─ by submit_ts ─► one timer, always at the next moment ─► submit, cancel
 *   (PARAM_FILE)        └─ by cancel_ts ──┘                                            │
 *                       ▲ order, fill: found by the order's tag, which is its row ◄────┘
 *                       └────────────► stop: one line a row, in the order of the file ─► outcomes.csv
 *
 * Everything is in one block, sized from the file before the run (state_size_of): rows, two sorted lists of them, an
 * index of ids to find one that is there twice, a pool of fills and the text of one line. Reading is linear, sorting
 * n log n, and each moment of the run costs what happens in it.
 *
 * Orders of one moment: cancels of orders sent before it, in the order of the file; then new orders, in the order of
 * the file; then cancels of those. A cancel whose order has ended, or was never sent, is not sent.
 *
 * Orders before the first input or after the last are not sent: there is nothing that could say what would have
 * become of them. They have a line in outcomes.csv like all others, and the log tells their number.
 */
#include "strategies/registry.h"
#include "strategies/scripted_state.h"

#include <stdio.h>
#include <string.h>

static err_t scripted_start(struct strategy_ctx *ctx, void *state)
{
    struct scripted *scripted = state;
    struct err_text why = {0};
    err_t err = ERR_OK;
    if (scripted->orders.text == NULL)
        err = err_say(&why, ERR_CONFIG, "scripted: `orders` names no file of orders");
    else if (strategy_find_instrument(ctx, scripted->symbol, &scripted->number) != ERR_OK)
        err = err_say(&why, ERR_UNKNOWN, "scripted: `instrument` is not one of this run's instruments");
    if (err == ERR_OK)
        err = scripted_read(ctx, scripted, &why);
    if (err != ERR_OK) {
        strategy_log(ctx, LOG_ERROR, why.text);
        return err;
    }
    return ERR_OK;
}

/* ---- the run ---- */

static void send(struct strategy_ctx *ctx, struct scripted *scripted, uint32_t number)
{
    struct scripted_row *row = &scripted->rows[number];
    const struct order_request request = {.instrument = row->instrument,
                                          .side = row->side,
                                          .type = row->type,
                                          .tif = row->tif,
                                          .flags = row->flags,
                                          .price = row->price,
                                          .qty = row->qty,
                                          .tag = (uint64_t)number + 1};
    const struct book *book = strategy_book(ctx, row->instrument);
    row->shown =
        row->type == ORDER_LIMIT && book_is_sound(book) ? book_qty_at(book, (enum side)row->side, row->price) : -1;
    row->status = SCRIPTED_PENDING; /* before: `order` may tell of a refusal at any time from here */
    const err_t err = strategy_submit(ctx, &request, &row->order_id);
    if (err == ERR_FULL) {
        row->status = SCRIPTED_NOT_SENT;
        row->unsent = SCRIPTED_TABLE_FULL;
        if (!scripted->full_told)
            strategy_log(ctx, LOG_WARN,
                         "scripted: more orders are open at once than the engine has room for: some are not sent; "
                         "raise engine.order_capacity");
        scripted->full_told = true;
    }
}

/* An order that has ended, or is not there, is not cancelled: the engine says so, and that is fine here. */
static void cancel(struct strategy_ctx *ctx, const struct scripted_row *row)
{
    if (row->status == SCRIPTED_PENDING || row->status == SCRIPTED_OPEN)
        (void)strategy_cancel(ctx, row->order_id);
}

static ns_t next_submit(const struct scripted *scripted)
{
    return scripted->submit_at < scripted->count ? scripted->rows[scripted->submits[scripted->submit_at]].submit_ts
                                                 : NS_MAX;
}

static ns_t next_cancel(const struct scripted *scripted)
{
    return scripted->cancel_at < scripted->cancel_count
               ? scripted->rows[scripted->cancels[scripted->cancel_at]].cancel_ts
               : NS_MAX;
}

static void arm(struct strategy_ctx *ctx, const struct scripted *scripted)
{
    const ns_t submit = next_submit(scripted), cancel = next_cancel(scripted);
    const ns_t next = submit < cancel ? submit : cancel;
    if (next != NS_MAX) {
        const err_t err = strategy_timer_at(ctx, next, NULL);
        ASSERT(err == ERR_OK); /* one timer at a time; there is room for one */
    }
}

/* Cancels due at `ts`; with `of_older` only those of orders sent before. */
static void cancels_at(struct strategy_ctx *ctx, struct scripted *scripted, ns_t ts, bool of_older)
{
    while (next_cancel(scripted) == ts) {
        const struct scripted_row *row = &scripted->rows[scripted->cancels[scripted->cancel_at]];
        if (of_older && row->submit_ts == ts)
            return;
        scripted->cancel_at++;
        cancel(ctx, row);
    }
}

static void scripted_timer(struct strategy_ctx *ctx, void *state, uint64_t timer_id, ns_t deadline)
{
    struct scripted *scripted = state;
    (void)timer_id;
    cancels_at(ctx, scripted, deadline, true);
    while (next_submit(scripted) == deadline)
        send(ctx, scripted, scripted->submits[scripted->submit_at++]);
    cancels_at(ctx, scripted, deadline, false);
    arm(ctx, scripted);
}

/* The first input, whatever it is: what is before it was never in this market. */
static void scripted_input(struct strategy_ctx *ctx, void *state, const struct event *event)
{
    struct scripted *scripted = state;
    (void)event;
    if (LIKELY(scripted->started))
        return;
    scripted->started = true;
    const ns_t now = strategy_now(ctx);
    for (; next_submit(scripted) < now; scripted->submit_at++)
        scripted->rows[scripted->submits[scripted->submit_at]].unsent = SCRIPTED_BEFORE_DATA;
    while (next_cancel(scripted) < now)
        scripted->cancel_at++;
    for (uint32_t i = scripted->submit_at; i < scripted->count; i++)
        scripted->rows[scripted->submits[i]].unsent = SCRIPTED_AFTER_DATA; /* until it is sent */
    arm(ctx, scripted);
}

/* ---- what becomes of them ---- */

/* NULL: not of the script (the venue makes orders too, when it liquidates). */
static struct scripted_row *row_of(const struct scripted *scripted, const struct order *order)
{
    return order->tag - 1 < scripted->count ? &scripted->rows[order->tag - 1] : NULL;
}

static void scripted_fill(struct strategy_ctx *ctx, void *state, const struct order *order,
                          const struct execution *execution)
{
    struct scripted *scripted = state;
    struct scripted_row *row = row_of(scripted, order);
    if (row == NULL)
        return;
    if (row->fill_count++ == 0)
        row->first_fill_ts = strategy_now(ctx);
    row->maker_filled += execution->maker ? execution->qty : 0;
    if (scripted->fill_count == scripted->fill_capacity)
        return; /* sums go on; the line says how many fills it leaves out, and the log too */
    const uint32_t number = scripted->fill_count++;
    scripted->fills[number] = (struct script_fill){.price = execution->price,
                                                   .qty = execution->qty,
                                                   .venue_ts = execution->venue_ts,
                                                   .ts = strategy_now(ctx),
                                                   .next = SCRIPT_NO_FILL,
                                                   .maker = execution->maker};
    if (row->fill_kept++ == 0)
        row->fill_first = number;
    else
        scripted->fills[row->fill_last].next = number;
    row->fill_last = number;
}

static uint8_t status_of(enum order_state state)
{
    switch (state) {
    case ORDER_LIVE:
        return SCRIPTED_OPEN;
    case ORDER_FILLED:
        return SCRIPTED_FILLED;
    case ORDER_CANCELLED:
        return SCRIPTED_CANCELLED;
    case ORDER_EXPIRED:
        return SCRIPTED_EXPIRED;
    case ORDER_REJECTED:
        return SCRIPTED_REJECTED;
    default:
        return SCRIPTED_PENDING;
    }
}

static void scripted_order(struct strategy_ctx *ctx, void *state, const struct order *order,
                           const struct execution *execution)
{
    struct scripted *scripted = state;
    struct scripted_row *row = row_of(scripted, order);
    if (row == NULL)
        return;
    const bool open = order_is_open(order);
    row->status = status_of((enum order_state)order->state);
    row->filled = order->filled;
    row->cost = order->cost;
    row->fee = order->fee;
    row->fee_decimals = order->fee_decimals;
    row->fee_split = order->fee_split;
    memcpy(row->fee_currency, order->fee_currency, sizeof(row->fee_currency));
    if (execution->kind == EXEC_ACK) {
        row->ack_venue_ts = execution->venue_ts;
        row->ack_ts = strategy_now(ctx);
    }
    if (open ? execution->kind == EXEC_CANCEL_REJECT : row->done_ts == 0) {
        row->reason = execution->reason;
        row->venue_code = execution->venue_code;
    }
    if (!open && row->done_ts == 0) {
        row->done_venue_ts = execution->venue_ts;
        row->done_ts = strategy_now(ctx);
    }
}

static void scripted_stop(struct strategy_ctx *ctx, void *state)
{
    struct scripted *scripted = state;
    uint32_t by_status[SCRIPTED_REJECTED + 1] = {0}, unlisted = 0;
    scripted_write_head(ctx);
    for (uint32_t i = 0; i < scripted->count; i++) {
        by_status[scripted->rows[i].status]++;
        unlisted += scripted->rows[i].fill_count - scripted->rows[i].fill_kept;
        scripted_write_row(ctx, scripted, &scripted->rows[i]);
    }
    char text[256];
    snprintf(
        text, sizeof(text),
        "scripted: %u orders: %u filled, %u cancelled, %u expired, %u rejected, %u open, %u pending, %u not sent",
        scripted->count, by_status[SCRIPTED_FILLED], by_status[SCRIPTED_CANCELLED], by_status[SCRIPTED_EXPIRED],
        by_status[SCRIPTED_REJECTED], by_status[SCRIPTED_OPEN], by_status[SCRIPTED_PENDING],
        by_status[SCRIPTED_NOT_SENT]);
    strategy_log(ctx, by_status[SCRIPTED_NOT_SENT] != 0 ? LOG_WARN : LOG_INFO, text);
    if (unlisted != 0) {
        snprintf(text, sizeof(text),
                 "scripted: %u fills are counted but not listed in " SCRIPT_OUTCOMES ": raise `fills_max`", unlisted);
        strategy_log(ctx, LOG_WARN, text);
    }
}

static const struct strategy_param scripted_params[] = {
    {"orders", PARAM_FILE, NULL, NULL, NULL,
     "CSV of own orders: order_id, submit_ts, side, price, qty, type, tif, cancel_ts (docs/scripted.md).",
     offsetof(struct scripted, orders)},
    {"instrument", PARAM_TEXT, NULL, NULL, "",
     "Symbol of orders that the file gives none; empty: the first instrument of the run.",
     offsetof(struct scripted, symbol)},
    {"end_as_recorded", PARAM_BOOL, NULL, NULL, "false",
     "Cancel an order that has no cancel_ts when it ended in reality (done_ts, else first_fill_ts) and end_slack "
     "more.",
     offsetof(struct scripted, end_as_recorded)},
    {"end_slack", PARAM_DURATION, "0s", "1d", "50ms", "How much longer end_as_recorded lets an order rest.",
     offsetof(struct scripted, end_slack)},
    {"fills_max", PARAM_INT, "0", "4000000000", "0",
     "Most fills that outcomes.csv lists, over all orders; 0: four an order, and 65536 more.",
     offsetof(struct scripted, fills_max)},
};

static const struct strategy_variable scripted_variables[] = {
    {.name = "rows", .type = VARIABLE_COUNT32, .offset = offsetof(struct scripted, count)},
    {.name = "submit_at",
     .type = VARIABLE_COUNT32,
     .offset = offsetof(struct scripted, submit_at),
     .help = "the next order to send"},
    {.name = "cancel_at",
     .type = VARIABLE_COUNT32,
     .offset = offsetof(struct scripted, cancel_at),
     .help = "the next order to cancel"},
    {.name = "fills", .type = VARIABLE_COUNT32, .offset = offsetof(struct scripted, fill_count)},
    {.name = "started", .type = VARIABLE_BOOL, .offset = offsetof(struct scripted, started)},
};

const struct strategy scripted_strategy = {
    .abi = STRATEGY_ABI,
    .name = "scripted",
    .version = "1",
    .help = "Replays a CSV of own orders and writes what becomes of each to outcomes.csv. To put real orders through "
            "the models of the simulated venue, to calibrate these, and to compare simulators.",
    .state_size = sizeof(struct scripted),
    .params = scripted_params,
    .param_count = ARRAY_LEN(scripted_params),
    .variables = scripted_variables,
    .variable_count = ARRAY_LEN(scripted_variables),
    .start = scripted_start,
    .book = scripted_input,
    .trade = scripted_input,
    .order = scripted_order,
    .fill = scripted_fill,
    .timer = scripted_timer,
    .stop = scripted_stop,
    .state_size_of = scripted_size_of,
};
