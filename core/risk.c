/* risk.c: the checks, in the order in which risk.h lists them.
 *
 *   struct risk │ gates[instruments]: limits and a ring of stamps │ days[instruments]: one a settle currency │ stamps
 *
 * The ring of an instrument holds the times of its last orders_per_second_max orders. The oldest of them being
 * less than a second old is what "too many" means, so one comparison decides, at any rate.
 */
#include "core/risk.h"

#include <string.h>

#define NS_PER_DAY (86400 * NS_PER_S)

struct gate {
    struct risk_limits limits;
    ns_t *stamps;   /* orders_per_second_max of them */
    uint32_t next;  /* where the next one goes: the oldest, once the ring is full */
    uint32_t count; /* of stamps in the ring */
};

/* A settle currency's equity since the day began. */
struct day {
    char currency[NAME_SIZE];
    int64_t number; /* days since 1970; NO_DAY: starts with the next mark */
    money_t start;
    money_t low; /* the lowest mark since: a loss once hit stays hit when the market comes back */
};
#define NO_DAY INT64_MIN

enum kill { KILL_NONE, KILL_OPERATOR, KILL_LOSS, KILL_LOSS_TODAY };

struct risk {
    struct gate *gates;
    struct day *days;
    uint32_t instrument_count;
    uint32_t day_count;
    enum kill kill;
    int64_t kill_day; /* of KILL_LOSS_TODAY */
};

static size_t round_up_64(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

size_t risk_size(uint32_t instrument_count, uint32_t orders_per_second_max)
{
    return round_up_64(sizeof(struct risk)) + round_up_64(instrument_count * sizeof(struct gate)) +
           round_up_64(instrument_count * sizeof(struct day)) +
           round_up_64((size_t)instrument_count * orders_per_second_max * sizeof(ns_t));
}

struct risk *risk_init(void *memory, const struct risk_limits *limits, uint32_t instrument_count)
{
    ASSERT(memory != NULL && (uintptr_t)memory % 64 == 0);
    struct risk *risk = memory;
    *risk = (struct risk){.instrument_count = instrument_count, .kill = KILL_NONE};
    char *at = (char *)memory + round_up_64(sizeof(*risk));
    risk->gates = (struct gate *)(void *)at;
    at += round_up_64(instrument_count * sizeof(struct gate));
    risk->days = (struct day *)(void *)at;
    at += round_up_64(instrument_count * sizeof(struct day));
    ns_t *stamps = (ns_t *)(void *)at;
    for (uint32_t i = 0; i < instrument_count; i++) {
        risk->gates[i] = (struct gate){.limits = limits[i], .stamps = stamps};
        stamps += limits[i].orders_per_second_max;
    }
    return risk;
}

/* ---- the day's loss ---- */

static int64_t day_of(ns_t ts)
{
    return ts / NS_PER_DAY - (ts % NS_PER_DAY < 0);
}

static struct day *find_day(struct risk *risk, const char *currency)
{
    for (uint32_t i = 0; i < risk->day_count; i++) {
        if (strncmp(risk->days[i].currency, currency, NAME_SIZE) == 0)
            return &risk->days[i];
    }
    ASSERT(risk->day_count < risk->instrument_count); /* only currencies that instruments settle in */
    struct day *day = &risk->days[risk->day_count++];
    memset(day, 0, sizeof(*day));
    strncpy(day->currency, currency, NAME_SIZE - 1);
    day->number = NO_DAY;
    return day;
}

static struct day *mark(struct risk *risk, const char *currency, money_t equity, ns_t ts)
{
    struct day *day = find_day(risk, currency);
    int64_t number = day_of(ts);
    if (day->number != number) {
        day->number = number;
        day->start = day->low = equity;
    }
    if (equity < day->low)
        day->low = equity;
    return day;
}

/* A switch that was set for the day goes back with the next one. */
static void end_day(struct risk *risk, ns_t ts)
{
    if (risk->kill == KILL_LOSS_TODAY && day_of(ts) > risk->kill_day)
        risk->kill = KILL_NONE;
}

void risk_mark(struct risk *risk, const char *currency, money_t equity, ns_t ts)
{
    end_day(risk, ts);
    mark(risk, currency, equity, ts);
}

/* True, and the switch is set, when the day's lowest equity is the limit or more below its start. */
static bool loss_hit(struct risk *risk, const struct risk_limits *limits, const struct risk_view *view, ns_t ts)
{
    const struct day *day = mark(risk, view->instrument->settle, view->equity, ts);
    if (limits->daily_loss_max == 0)
        return false;
    money_t loss;
    if (money_subtract(day->start, day->low, &loss) == ERR_OK && loss < limits->daily_loss_max)
        return false;
    risk->kill = limits->kill_reset_daily ? KILL_LOSS_TODAY : KILL_LOSS;
    risk->kill_day = day->number;
    return true;
}

/* ---- the switch ---- */

void risk_kill(struct risk *risk)
{
    risk->kill = KILL_OPERATOR;
}

void risk_clear(struct risk *risk)
{
    risk->kill = KILL_NONE;
    for (uint32_t i = 0; i < risk->day_count; i++)
        risk->days[i].number = NO_DAY;
}

bool risk_killed(const struct risk *risk)
{
    return risk->kill != KILL_NONE;
}

/* ---- the checks ---- */

static void stamp(struct gate *gate, ns_t ts)
{
    uint32_t max = gate->limits.orders_per_second_max;
    if (max == 0)
        return;
    gate->stamps[gate->next] = ts;
    gate->next = gate->next + 1 == max ? 0 : gate->next + 1;
    if (gate->count < max)
        gate->count++;
}

/* An order, or what an amend turns one into. */
struct candidate {
    const struct risk_view *view;
    uint16_t instrument;
    enum side side;
    bool is_market, reduce_only;
    bool is_new;   /* takes a place among the open orders */
    px_t price;    /* of a limit order */
    qty_t qty;     /* the whole order */
    money_t grows; /* by how much the open quantity of its side does */
};

/* The best price that the order could trade at; 0: none that can be relied on. */
static px_t opposite_touch(const struct candidate *order)
{
    if (order->view->stale)
        return 0;
    return order->side == SIDE_BUY ? order->view->best_ask : order->view->best_bid;
}

static enum reason check_notional(const struct risk_limits *limits, const struct candidate *order)
{
    if (limits->order_notional_max == 0)
        return REASON_NONE;
    px_t price = order->is_market ? opposite_touch(order) : order->price;
    if (order->is_market && price == 0)
        return REASON_RISK_NO_MARKET;
    const struct instrument *instrument = order->view->instrument;
    if (price == INT64_MIN || (price <= 0 && instrument->contract == CONTRACT_INVERSE))
        return REASON_BAD_PRICE;
    money_t notional;
    err_t err = account_notional(instrument, price < 0 ? -price : price, order->qty, ROUND_UP, &notional);
    if (err != ERR_OK || notional > limits->order_notional_max) /* an error: too large to be told */
        return REASON_RISK_NOTIONAL;
    return REASON_NONE;
}

/* The position as if every open order of this side filled, and none of the other. An order that only reduces
 * ends below zero on this side's scale, and so passes; reduce-only ones are trimmed by the venue to do so. */
static enum reason check_position(const struct risk_limits *limits, const struct candidate *order)
{
    if (limits->position_max == 0 || order->reduce_only || order->grows <= 0) /* the last: an amend to less */
        return REASON_NONE;
    const struct position *position = account_position(order->view->account, order->instrument);
    money_t held = (money_t)position->qty * side_sign(order->side);
    money_t open = order_table_open_qty(order->view->orders, order->instrument, order->side);
    return held + open + order->grows > limits->position_max ? REASON_RISK_POSITION : REASON_NONE;
}

static enum reason check_open_orders(const struct risk_limits *limits, const struct candidate *order)
{
    if (limits->open_orders_max == 0 || !order->is_new)
        return REASON_NONE;
    uint32_t open = order_table_open_count_of(order->view->orders, order->instrument);
    return open >= limits->open_orders_max ? REASON_RISK_OPEN_ORDERS : REASON_NONE;
}

static enum reason check_rate(const struct gate *gate, ns_t ts)
{
    uint32_t max = gate->limits.orders_per_second_max;
    if (max == 0 || gate->count < max)
        return REASON_NONE;
    return ts - gate->stamps[gate->next] < NS_PER_S ? REASON_RISK_ORDER_RATE : REASON_NONE;
}

static enum reason check_collar(const struct risk_limits *limits, const struct candidate *order)
{
    if (limits->collar_bp == 0 || order->is_market)
        return REASON_NONE;
    px_t touch = opposite_touch(order);
    if (touch == 0)
        return REASON_RISK_NO_MARKET;
    money_t beyond = ((money_t)order->price - touch) * side_sign(order->side); /* > 0: worse for us than the touch */
    money_t allowed = (money_t)(touch < 0 ? -(money_t)touch : touch) * limits->collar_bp;
    return beyond * 10000 > allowed ? REASON_RISK_COLLAR : REASON_NONE;
}

static enum reason check(struct risk *risk, const struct candidate *order, ns_t ts)
{
    ASSERT(order->instrument < risk->instrument_count);
    struct gate *gate = &risk->gates[order->instrument];
    const struct risk_limits *limits = &gate->limits;
    enum reason reason;
    end_day(risk, ts);
    if (risk->kill != KILL_NONE)
        return REASON_RISK_KILLED;
    if ((reason = check_notional(limits, order)) != REASON_NONE ||
        (reason = check_position(limits, order)) != REASON_NONE ||
        (reason = check_open_orders(limits, order)) != REASON_NONE ||
        (reason = check_rate(gate, ts)) != REASON_NONE || (reason = check_collar(limits, order)) != REASON_NONE)
        return reason;
    if (loss_hit(risk, limits, order->view, ts))
        return REASON_RISK_DAILY_LOSS;
    stamp(gate, ts);
    return REASON_NONE;
}

enum reason risk_check(struct risk *risk, const struct order_request *request, const struct risk_view *view, ns_t ts)
{
    struct candidate order = {.view = view,
                              .instrument = request->instrument,
                              .side = (enum side)request->side,
                              .is_market = request->type == ORDER_MARKET,
                              .reduce_only = (request->flags & ORDER_REDUCE_ONLY) != 0,
                              .is_new = true,
                              .price = request->price,
                              .qty = request->qty,
                              .grows = request->qty};
    return check(risk, &order, ts);
}

enum reason risk_check_amend(struct risk *risk, const struct order *order, px_t price, qty_t qty,
                             const struct risk_view *view, ns_t ts)
{
    struct candidate amended = {.view = view,
                                .instrument = order->instrument,
                                .side = (enum side)order->side,
                                .is_market = order->type == ORDER_MARKET,
                                .reduce_only = (order->flags & ORDER_REDUCE_ONLY) != 0,
                                .is_new = false,
                                .price = price,
                                .qty = qty,
                                .grows = (money_t)qty - order->qty};
    return check(risk, &amended, ts);
}
