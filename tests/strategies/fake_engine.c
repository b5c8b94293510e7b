#include "tests/strategies/fake_engine.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_CAPACITY 1024

static struct fake *fake_of(struct strategy_ctx *ctx)
{
    return (struct fake *)ctx;
}

static void *aligned(size_t size)
{
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
    cr_assert_not_null(memory);
    memset(memory, 0, size);
    return memory;
}

/* ---- verbs ---- */

static ns_t verb_now(struct strategy_ctx *ctx)
{
    return fake_of(ctx)->now;
}

static void tell_order(struct fake *fake, const struct order *order, const struct execution *execution)
{
    if (fake->strategy->order != NULL)
        fake->strategy->order(&fake->ctx, fake->state, order, execution);
}

static err_t verb_submit(struct strategy_ctx *ctx, const struct order_request *request, uint64_t *order_id)
{
    struct fake *fake = fake_of(ctx);
    cr_assert_eq(request->instrument, 0);
    cr_assert_gt(request->qty, 0);
    cr_assert_eq(request->qty % fake->instrument.lot, 0, "quantity off the lot");
    if (request->type == ORDER_LIMIT)
        cr_assert(instrument_on_tick(&fake->instrument, request->price, fake->now), "price off the tick grid");
    struct order *order;
    err_t err = order_table_add(fake->orders, request, fake->now, &order);
    if (err != ERR_OK)
        return err;
    uint64_t id = order->id;
    if (fake->refuse_next) {
        fake->refuse_next = false;
        fake_report(fake, id, EXEC_REJECT, REASON_RISK_POSITION);
        return ERR_RISK;
    }
    fake->submitted++;
    if (order_id != NULL)
        *order_id = id;
    return ERR_OK;
}

static err_t verb_cancel(struct strategy_ctx *ctx, uint64_t order_id)
{
    struct fake *fake = fake_of(ctx);
    struct order *order = order_table_find(fake->orders, order_id);
    if (order == NULL || !order_is_open(order))
        return ERR_NOTFOUND;
    if (order->cancel_pending)
        return ERR_STATE;
    order->cancel_pending = 1;
    fake->cancelled++;
    return ERR_OK;
}

static err_t verb_amend(struct strategy_ctx *ctx, uint64_t order_id, px_t price, qty_t qty)
{
    (void)ctx, (void)order_id, (void)price, (void)qty;
    cr_assert_fail("no shipped strategy amends");
    return ERR_UNSUPPORTED;
}

static err_t verb_timer_at(struct strategy_ctx *ctx, ns_t deadline, uint64_t *timer_id)
{
    struct fake *fake = fake_of(ctx);
    cr_assert_geq(deadline, fake->now);
    for (unsigned i = 0; i < FAKE_TIMERS; i++)
        if (fake->timers[i].id == 0) {
            fake->timers[i] = (struct fake_timer){.id = ++fake->timer_last, .deadline = deadline};
            if (timer_id != NULL)
                *timer_id = fake->timer_last;
            return ERR_OK;
        }
    return ERR_FULL;
}

static err_t verb_timer_cancel(struct strategy_ctx *ctx, uint64_t timer_id)
{
    struct fake *fake = fake_of(ctx);
    for (unsigned i = 0; i < FAKE_TIMERS; i++)
        if (timer_id != 0 && fake->timers[i].id == timer_id) {
            fake->timers[i].id = 0;
            return ERR_OK;
        }
    return ERR_NOTFOUND;
}

static uint16_t verb_instrument_count(struct strategy_ctx *ctx)
{
    (void)ctx;
    return 1;
}

static const struct instrument *verb_instrument(struct strategy_ctx *ctx, uint16_t instrument)
{
    return instrument == 0 ? &fake_of(ctx)->instrument : NULL;
}

static const struct book *verb_book(struct strategy_ctx *ctx, uint16_t instrument)
{
    return instrument == 0 ? &fake_of(ctx)->book : NULL;
}

static const struct position *verb_position(struct strategy_ctx *ctx, uint16_t instrument)
{
    return instrument == 0 ? &fake_of(ctx)->position : NULL;
}

static const struct account *verb_account(struct strategy_ctx *ctx)
{
    (void)ctx;
    return NULL;
}

static struct order_table *verb_orders(struct strategy_ctx *ctx)
{
    return fake_of(ctx)->orders;
}

static uint64_t verb_random(struct strategy_ctx *ctx)
{
    (void)ctx;
    return 4; /* no shipped strategy draws */
}

static void verb_log(struct strategy_ctx *ctx, enum log_level level, const char *text)
{
    struct fake *fake = fake_of(ctx);
    (void)level;
    fake->logged++;
    snprintf(fake->last_log, sizeof(fake->last_log), "%s", text);
}

static void verb_plot(struct strategy_ctx *ctx, const char *name, int64_t value, unsigned decimals)
{
    (void)ctx, (void)value;
    cr_assert_not_null(name);
    cr_assert_leq(decimals, DECIMALS_MAX);
}

static err_t verb_write(struct strategy_ctx *ctx, const char *file, const char *line)
{
    struct fake *fake = fake_of(ctx);
    cr_assert(strchr(line, '\n') == NULL && file[0] != '\0');
    const size_t used = strlen(fake->written);
    const int wrote = snprintf(fake->written + used, sizeof(fake->written) - used, "%s\n", line);
    cr_assert_lt((size_t)wrote, sizeof(fake->written) - used);
    snprintf(fake->written_to, sizeof(fake->written_to), "%s", file);
    return ERR_OK;
}

static const struct strategy_verbs fake_verbs = {
    .now = verb_now,
    .submit = verb_submit,
    .cancel = verb_cancel,
    .amend = verb_amend,
    .timer_at = verb_timer_at,
    .timer_cancel = verb_timer_cancel,
    .instrument_count = verb_instrument_count,
    .instrument = verb_instrument,
    .book = verb_book,
    .position = verb_position,
    .account = verb_account,
    .orders = verb_orders,
    .random = verb_random,
    .log = verb_log,
    .plot = verb_plot,
    .write = verb_write,
};

/* ---- life ---- */

struct fake *fake_new(const struct strategy *strategy)
{
    struct fake *fake = aligned(sizeof(*fake));
    fake->ctx.verbs = &fake_verbs;
    fake->strategy = strategy;
    fake->state = aligned(strategy->state_size + 1);
    cr_assert_eq(instrument_init(&fake->instrument, "test", "BTCUSDT", "BTC", "USDT", CONTRACT_LINEAR, 2, 3), ERR_OK);
    fake->book_memory = aligned(book_size(BOOK_WINDOW_MIN, 64));
    book_init(&fake->book, fake->book_memory, BOOK_WINDOW_MIN, 64, &fake->instrument);
    fake->orders = order_table_init(aligned(order_table_size(ORDER_CAPACITY)), ORDER_CAPACITY);
    for (uint32_t i = 0; i < strategy->param_count; i++)
        if (strategy->params[i].default_value != NULL)
            fake_param(fake, strategy->params[i].name, strategy->params[i].default_value);
    return fake;
}

void fake_free(struct fake *fake)
{
    free(fake->state);
    free(fake->book_memory);
    free(fake->orders);
    free(fake);
}

static ns_t parse_duration(const char *text)
{
    static const struct {
        const char *unit;
        ns_t ns;
    } units[] = {{"ns", 1},
                 {"us", NS_PER_US},
                 {"ms", NS_PER_MS},
                 {"s", NS_PER_S},
                 {"m", 60 * NS_PER_S},
                 {"h", 3600 * NS_PER_S},
                 {"d", 86400 * NS_PER_S}};
    char *end;
    long long value = strtoll(text, &end, 10);
    for (unsigned i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(end, units[i].unit) == 0)
            return value * units[i].ns;
    cr_assert_fail("'%s' is not a duration", text);
    return 0;
}

void fake_param(struct fake *fake, const char *name, const char *value)
{
    for (uint32_t i = 0; i < fake->strategy->param_count; i++) {
        const struct strategy_param *param = &fake->strategy->params[i];
        if (strcmp(param->name, name) != 0)
            continue;
        void *place = (char *)fake->state + param->offset;
        int64_t number = 0;
        bool truth = strcmp(value, "true") == 0;
        switch (param->type) {
        case PARAM_INT:
            cr_assert_eq(decimal_parse(value, strlen(value), 0, ROUND_EXACT, &number), ERR_OK);
            memcpy(place, &number, sizeof(number));
            return;
        case PARAM_DECIMAL:
            cr_assert_eq(decimal_parse(value, strlen(value), PARAM_DECIMALS, ROUND_EXACT, &number), ERR_OK);
            memcpy(place, &number, sizeof(number));
            return;
        case PARAM_DURATION:
            number = parse_duration(value);
            memcpy(place, &number, sizeof(number));
            return;
        case PARAM_BOOL:
            cr_assert(truth || strcmp(value, "false") == 0);
            memcpy(place, &truth, sizeof(truth));
            return;
        case PARAM_TEXT:
            cr_assert_lt(strlen(value), (size_t)PARAM_TEXT_SIZE);
            memcpy(place, value, strlen(value) + 1);
            return;
        case PARAM_FILE: /* its content, in a file of the parameter's name */
            *(struct strategy_file *)place = (struct strategy_file){name, value, strlen(value)};
            return;
        }
    }
    cr_assert_fail("no parameter '%s'", name);
}

err_t fake_start(struct fake *fake)
{
    if (fake->strategy->state_size_of != NULL) {
        const size_t size = fake->strategy->state_size_of(fake->state);
        cr_assert_geq(size, fake->strategy->state_size);
        void *state = aligned(size);
        memcpy(state, fake->state, fake->strategy->state_size);
        free(fake->state);
        fake->state = state;
    }
    return fake->strategy->start == NULL ? ERR_OK : fake->strategy->start(&fake->ctx, fake->state);
}

/* ---- the market ---- */

void fake_time(struct fake *fake, ns_t ts)
{
    for (;;) {
        struct fake_timer *first = NULL;
        for (unsigned i = 0; i < FAKE_TIMERS; i++) {
            struct fake_timer *timer = &fake->timers[i];
            if (timer->id == 0 || timer->deadline > ts)
                continue;
            if (first == NULL || timer->deadline < first->deadline ||
                (timer->deadline == first->deadline && timer->id < first->id))
                first = timer;
        }
        if (first == NULL)
            break;
        struct fake_timer due = *first;
        first->id = 0;
        fake->now = due.deadline;
        fake->strategy->timer(&fake->ctx, fake->state, due.id, due.deadline);
    }
    fake->now = ts;
}

static void deliver(struct fake *fake, struct event *event)
{
    event->ts = fake->now;
    event->exch_ts = fake->now;
    event->seq = ++fake->seq;
    book_apply(&fake->book, event);
    if (event->kind == EVENT_TRADE) {
        if (fake->strategy->trade != NULL)
            fake->strategy->trade(&fake->ctx, fake->state, event);
    } else if (fake->strategy->book != NULL) {
        fake->strategy->book(&fake->ctx, fake->state, event);
    }
}

void fake_touch(struct fake *fake, px_t bid, qty_t bid_qty, px_t ask, qty_t ask_qty)
{
    struct level levels[2];
    struct event event = {.kind = EVENT_BOOK_SNAPSHOT, .levels = levels};
    if (bid_qty != 0)
        levels[event.bid_count++] = (struct level){bid, bid_qty};
    if (ask_qty != 0)
        levels[event.bid_count + event.ask_count++] = (struct level){ask, ask_qty};
    deliver(fake, &event);
}

void fake_gap(struct fake *fake)
{
    struct event event = {.kind = EVENT_GAP};
    deliver(fake, &event);
}

void fake_trade(struct fake *fake, px_t price, qty_t qty, unsigned flags)
{
    struct level level = {price, qty};
    struct event event = {.kind = EVENT_TRADE, .levels = &level, .bid_count = 1, .flags = (uint8_t)flags};
    deliver(fake, &event);
}

/* ---- the venue ---- */

void fake_report(struct fake *fake, uint64_t order_id, enum exec_kind kind, enum reason reason)
{
    struct execution execution = {
        .order_id = order_id, .venue_ts = fake->now, .kind = (uint8_t)kind, .reason = (uint16_t)reason};
    struct order *order;
    cr_assert_eq(order_table_apply(fake->orders, &execution, fake->now, &order), ERR_OK);
    tell_order(fake, order, &execution);
}

void fake_fill(struct fake *fake, uint64_t order_id, px_t price, qty_t qty)
{
    struct order *order = order_table_find(fake->orders, order_id);
    cr_assert_not_null(order);
    struct execution execution = {.order_id = order_id,
                                  .trade_id = ++fake->trade_last,
                                  .venue_ts = fake->now,
                                  .price = price,
                                  .qty = qty,
                                  .leaves = order_leaves(order) - qty,
                                  .fee = fake->fee,
                                  .fee_decimals = 2,
                                  .kind = EXEC_FILL,
                                  .maker = 1};
    if (fake->fee_currency != NULL)
        strcpy(execution.fee_currency, fake->fee_currency);
    cr_assert_eq(order_table_apply(fake->orders, &execution, fake->now, &order), ERR_OK);
    fake->position.qty += side_sign(order->side) * qty;
    if (fake->strategy->fill != NULL)
        fake->strategy->fill(&fake->ctx, fake->state, order, &execution);
    tell_order(fake, order, &execution);
}

void fake_answer(struct fake *fake)
{
    for (bool busy = true; busy;) {
        busy = false;
        for (struct order *order = NULL; (order = order_table_next_open(fake->orders, order)) != NULL;) {
            if (order->state == ORDER_PENDING)
                fake_report(fake, order->id, EXEC_ACK, REASON_NONE);
            else if (order->cancel_pending)
                fake_report(fake, order->id, EXEC_CANCELLED, REASON_USER);
            else
                continue;
            busy = true; /* the report may have led to other orders: begin again */
            break;
        }
    }
}

struct order *fake_open(struct fake *fake, enum side side)
{
    struct order *found = NULL;
    for (struct order *order = NULL; (order = order_table_next_open(fake->orders, order)) != NULL;)
        if (order->side == side) {
            cr_assert_null(found, "two open orders on one side");
            found = order;
        }
    return found;
}

const char *fake_open_text(struct fake *fake)
{
    static char text[16384];
    size_t used = 0;
    snprintf(text, sizeof(text), "-");
    for (struct order *order = NULL; (order = order_table_next_open(fake->orders, order)) != NULL;) {
        char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE];
        decimal_format(price, order->price, fake->instrument.price_decimals, fake->instrument.price_decimals);
        decimal_format(qty, order_leaves(order), fake->instrument.qty_decimals, fake->instrument.qty_decimals);
        int wrote =
            snprintf(text + used, sizeof(text) - used, "%s%s %s@%s%s", used == 0 ? "" : " ", side_name(order->side),
                     qty, order->type == ORDER_MARKET ? "market" : price, order->cancel_pending ? "!" : "");
        cr_assert_lt((size_t)wrote, sizeof(text) - used);
        used += (size_t)wrote;
    }
    return text;
}
