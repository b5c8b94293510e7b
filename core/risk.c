/* risk.c: the checks, in the order in which risk.h lists them.
 *
 *   struct risk │ gates[instruments]: limits and a ring of stamps │ days[instruments]: one a settle currency │ stamps
 *
 * The ring of an instrument holds the times of its last orders_per_second_max orders. The oldest of them being
 * less than a second old is what "too many" means, so one comparison decides, at any rate.
 */
#include "core/risk.h"

#include "core/order_request.h"

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
    bool paused;
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

void risk_pause(struct risk *risk, bool paused)
{
    risk->paused = paused;
}

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

bool risk_paused(const struct risk *risk)
{
    return risk->paused;
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
    bool is_market, reduce_only; /* is_market: no limit of its own */
    bool is_new;                 /* takes a place among the open orders */
    px_t price;                  /* of a limit order */
    qty_t qty;                   /* the whole order; of one by funds what they buy at the touch */
    money_t funds;               /* at MONEY_DECIMALS; 0: an order by quantity */
    money_t grows;               /* by how much the open quantity of its side does */
};

/* The best price that the order could trade at; 0: none that can be relied on. */
static px_t opposite_touch(const struct candidate *order)
{
    if (order->view->stale)
        return 0;
    return order->side == SIDE_BUY ? order->view->best_ask : order->view->best_bid;
}

/* REASON_RISK_NOTIONAL: too large to be told. */
static enum reason notional_of(const struct candidate *order, money_t *notional)
{
    if (order->funds != 0) {
        *notional = order->funds;
        return REASON_NONE;
    }
    px_t price = order->is_market ? opposite_touch(order) : order->price;
    if (order->is_market && price == 0)
        return REASON_RISK_NO_MARKET;
    const struct instrument *instrument = order->view->instrument;
    if (price == INT64_MIN || (price <= 0 && instrument->contract == CONTRACT_INVERSE))
        return REASON_BAD_PRICE;
    err_t err = account_notional(instrument, price < 0 ? -price : price, order->qty, ROUND_UP, notional);
    return err == ERR_OK ? REASON_NONE : REASON_RISK_NOTIONAL;
}

static enum reason check_notional(const struct risk_limits *limits, const struct candidate *order)
{
    money_t notional;
    if (limits->order_notional_max == 0)
        return REASON_NONE;
    enum reason reason = notional_of(order, &notional);
    return reason == REASON_NONE && notional > limits->order_notional_max ? REASON_RISK_NOTIONAL : reason;
}

/* The position as if every open order of this side filled, and none of the other. An order that only reduces
 * ends below zero on this side's scale, and so passes; reduce-only ones are trimmed by the venue to do so. */
static money_t position_after(const struct candidate *order)
{
    const struct position *position = account_position(order->view->account, order->instrument);
    money_t held = (money_t)position->qty * side_sign(order->side);
    return held + order_table_open_qty(order->view->orders, order->instrument, order->side) + order->grows;
}

static enum reason check_position(const struct risk_limits *limits, const struct candidate *order)
{
    if (limits->position_max == 0 || order->reduce_only)
        return REASON_NONE;
    if (order->funds != 0 && opposite_touch(order) == 0)
        return REASON_RISK_NO_MARKET;
    if (order->grows <= 0) /* an amend to less */
        return REASON_NONE;
    return position_after(order) > limits->position_max ? REASON_RISK_POSITION : REASON_NONE;
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

/* How far beyond the touch, > 0: worse for us than it. */
static money_t beyond_touch(const struct candidate *order, px_t touch)
{
    return ((money_t)order->price - touch) * side_sign(order->side);
}

static enum reason check_collar(const struct risk_limits *limits, const struct candidate *order)
{
    if (limits->collar_bp == 0 || order->is_market)
        return REASON_NONE;
    px_t touch = opposite_touch(order);
    if (touch == 0)
        return REASON_RISK_NO_MARKET;
    money_t allowed = (money_t)(touch < 0 ? -(money_t)touch : touch) * limits->collar_bp;
    return beyond_touch(order, touch) * 10000 > allowed ? REASON_RISK_COLLAR : REASON_NONE;
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
    if (risk->paused)
        return REASON_RISK_PAUSED;
    if (order->view->stale && limits->refuse_stale)
        return REASON_STALE_BOOK;
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

static struct candidate of_request(const struct order_request *request, const struct risk_view *view)
{
    struct candidate order = {.view = view,
                              .instrument = request->instrument,
                              .side = (enum side)request->side,
                              .is_market = request->type != ORDER_LIMIT,
                              .reduce_only = (request->flags & ORDER_REDUCE_ONLY) != 0,
                              .is_new = true,
                              .price = request->price,
                              .qty = request->qty,
                              .funds = request->funds};
    if (request->funds != 0)
        order.qty = order_request_affords(view->instrument, request->funds, opposite_touch(&order));
    order.grows = order.qty;
    return order;
}

static struct candidate of_replace(const struct order *old, const struct order_request *request,
                                   const struct risk_view *view)
{
    struct candidate order = of_request(request, view);
    order.is_new = false;
    if ((request->flags & ORDER_REMAINING) && request->side == old->side)
        order.grows = 0;
    return order;
}

static struct candidate of_amend(const struct order *order, px_t price, qty_t qty, const struct risk_view *view)
{
    return (struct candidate){.view = view,
                              .instrument = order->instrument,
                              .side = (enum side)order->side,
                              .is_market = order->type != ORDER_LIMIT,
                              .reduce_only = (order->flags & ORDER_REDUCE_ONLY) != 0,
                              .is_new = false,
                              .price = price,
                              .qty = qty,
                              .grows = (money_t)qty - order->qty};
}

enum reason risk_check(struct risk *risk, const struct order_request *request, const struct risk_view *view, ns_t ts)
{
    const struct candidate order = of_request(request, view);
    return check(risk, &order, ts);
}

enum reason risk_check_replace(struct risk *risk, const struct order *old, const struct order_request *request,
                               const struct risk_view *view, ns_t ts)
{
    const struct candidate order = of_replace(old, request, view);
    return check(risk, &order, ts);
}

enum reason risk_check_amend(struct risk *risk, const struct order *order, px_t price, qty_t qty,
                             const struct risk_view *view, ns_t ts)
{
    const struct candidate amended = of_amend(order, price, qty, view);
    return check(risk, &amended, ts);
}

/* ---- the same, told ---- */

/* The figures come from where the checks get them, the verdicts from the checks themselves. */
static void tell(struct risk_report *report, enum risk_gate gate, bool off, bool exempt, enum reason reason)
{
    struct risk_figure *figure = &report->gates[gate];
    if (report->reason != REASON_NONE)
        figure->verdict = RISK_NOT_REACHED;
    else if (reason != REASON_NONE)
        figure->verdict = RISK_FAILED;
    else
        figure->verdict = off ? RISK_OFF : exempt ? RISK_EXEMPT : RISK_PASSED;
    if (report->reason == REASON_NONE)
        report->reason = reason;
}

static void know(struct risk_report *report, enum risk_gate gate, money_t figure, money_t limit, bool known)
{
    report->gates[gate].known = known;
    report->gates[gate].figure = known ? figure : 0;
    report->gates[gate].limit = limit;
}

static uint32_t orders_of_last_second(const struct gate *gate, ns_t ts)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < gate->count; i++)
        count += ts - gate->stamps[i] < NS_PER_S;
    return count;
}

/* As loss_hit would see it, without marking. */
static money_t loss_of_day(const struct risk *risk, const struct risk_view *view, ns_t ts)
{
    for (uint32_t i = 0; i < risk->day_count; i++) {
        const struct day *day = &risk->days[i];
        if (strncmp(day->currency, view->instrument->settle, NAME_SIZE) == 0 && day->number == day_of(ts))
            return day->start - (view->equity < day->low ? view->equity : day->low);
    }
    return 0;
}

static void explain(const struct risk *risk, const struct candidate *order, ns_t ts, struct risk_report *report)
{
    const struct gate *gate = &risk->gates[order->instrument];
    const struct risk_limits *limits = &gate->limits;
    const px_t touch = opposite_touch(order);
    const bool has_touch = touch != 0 && !order->is_market;
    const money_t size = touch < 0 ? -(money_t)touch : touch;
    const money_t loss = limits->daily_loss_max != 0 ? loss_of_day(risk, order->view, ts) : 0;
    const bool killed = risk->kill != KILL_NONE && !(risk->kill == KILL_LOSS_TODAY && day_of(ts) > risk->kill_day);
    money_t notional = 0;
    memset(report, 0, sizeof(*report));
    report->touch = touch;
    const bool valued = notional_of(order, &notional) == REASON_NONE;
    know(report, RISK_GATE_NOTIONAL, notional, limits->order_notional_max, valued);
    know(report, RISK_GATE_POSITION, position_after(order), limits->position_max, true);
    know(report, RISK_GATE_OPEN_ORDERS, order_table_open_count_of(order->view->orders, order->instrument),
         limits->open_orders_max, true);
    know(report, RISK_GATE_RATE, orders_of_last_second(gate, ts), limits->orders_per_second_max,
         limits->orders_per_second_max != 0); /* no stamps are kept without a limit */
    know(report, RISK_GATE_COLLAR,
         has_touch ? money_divide(beyond_touch(order, touch) * 1000000, size, ROUND_CEIL) : 0,
         (money_t)limits->collar_bp * 100, has_touch);
    know(report, RISK_GATE_DAILY_LOSS, loss, limits->daily_loss_max, limits->daily_loss_max != 0);

    tell(report, RISK_GATE_SWITCH, false, false,
         killed                                            ? REASON_RISK_KILLED
         : risk->paused                                    ? REASON_RISK_PAUSED
         : order->view->stale && gate->limits.refuse_stale ? REASON_STALE_BOOK
                                                           : REASON_NONE);
    tell(report, RISK_GATE_NOTIONAL, limits->order_notional_max == 0, false, check_notional(limits, order));
    tell(report, RISK_GATE_POSITION, limits->position_max == 0, order->reduce_only || order->grows <= 0,
         check_position(limits, order));
    tell(report, RISK_GATE_OPEN_ORDERS, limits->open_orders_max == 0, !order->is_new,
         check_open_orders(limits, order));
    tell(report, RISK_GATE_RATE, limits->orders_per_second_max == 0, false, check_rate(gate, ts));
    tell(report, RISK_GATE_COLLAR, limits->collar_bp == 0, order->is_market, check_collar(limits, order));
    tell(report, RISK_GATE_DAILY_LOSS, limits->daily_loss_max == 0, false,
         limits->daily_loss_max != 0 && loss >= limits->daily_loss_max ? REASON_RISK_DAILY_LOSS : REASON_NONE);
}

void risk_explain(const struct risk *risk, const struct order_request *request, const struct risk_view *view, ns_t ts,
                  struct risk_report *report)
{
    const struct candidate order = of_request(request, view);
    explain(risk, &order, ts, report);
}

void risk_explain_replace(const struct risk *risk, const struct order *old, const struct order_request *request,
                          const struct risk_view *view, ns_t ts, struct risk_report *report)
{
    const struct candidate order = of_replace(old, request, view);
    explain(risk, &order, ts, report);
}

void risk_explain_amend(const struct risk *risk, const struct order *order, px_t price, qty_t qty,
                        const struct risk_view *view, ns_t ts, struct risk_report *report)
{
    const struct candidate amended = of_amend(order, price, qty, view);
    explain(risk, &amended, ts, report);
}

/* ---- reading ---- */

const struct risk_limits *risk_limits_of(const struct risk *risk, uint32_t instrument)
{
    ASSERT(instrument < risk->instrument_count);
    return &risk->gates[instrument].limits;
}

uint32_t risk_orders_of_second(const struct risk *risk, uint32_t instrument, ns_t ts)
{
    ASSERT(instrument < risk->instrument_count);
    return orders_of_last_second(&risk->gates[instrument], ts);
}

bool risk_day_at(const struct risk *risk, uint32_t index, struct risk_day *day)
{
    if (index >= risk->day_count)
        return false;
    *day = (struct risk_day){risk->days[index].currency, risk->days[index].start, risk->days[index].low};
    return true;
}
