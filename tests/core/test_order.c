#include "core/order.h"

#include "core/prng.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct order pending(void)
{
    return (struct order){.id = 1, .price = 100, .qty = 10, .submit_ts = 1, .state = ORDER_PENDING};
}

static struct execution report(enum exec_kind kind, qty_t qty)
{
    return (struct execution){.order_id = 1, .kind = (uint8_t)kind, .price = 100, .qty = qty};
}

/* ---- the transition table ---- */

/* One line a state: what may reach it, as letters; the rest is refused.
 * A ack, J reject, F fill, C cancelled, X expired, c cancel reject, M amended, m amend reject, P payment */
static const struct {
    enum order_state state;
    const char *legal;
} rows[] = {
    {ORDER_NONE, ""},         {ORDER_PENDING, "AJFCXcMmR"}, {ORDER_LIVE, "AFCXcMmR"}, {ORDER_FILLED, "Acm"},
    {ORDER_CANCELLED, "Acm"}, {ORDER_EXPIRED, "Acm"},       {ORDER_REJECTED, "cm"},
};
static const char letters[] = "AJFCXcMmPR"; /* in the order of enum exec_kind */

Test(order, transitions_are_those_of_the_table)
{
    cr_assert_eq(strlen(letters), (size_t)EXEC_KIND_COUNT);
    for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
        for (int kind = 0; kind < EXEC_KIND_COUNT; kind++) {
            bool legal = strchr(rows[r].legal, letters[kind]) != NULL;
            cr_expect_eq(order_transition_legal(rows[r].state, (enum exec_kind)kind), legal, "%s + %s",
                         order_state_name(rows[r].state), exec_kind_name((enum exec_kind)kind));
            struct order order = pending(), before;
            order.state = (uint8_t)rows[r].state;
            before = order;
            struct execution execution = report((enum exec_kind)kind, 10);
            err_t err = order_apply(&order, &execution, 5);
            cr_expect_eq(err, legal ? ERR_OK : ERR_STATE, "%s + %s: %s", order_state_name(rows[r].state),
                         exec_kind_name((enum exec_kind)kind), err_name(err));
            if (!legal)
                cr_expect(memcmp(&order, &before, sizeof(order)) == 0, "a refused report changed the order");
        }
    }
    cr_expect(!order_transition_legal(ORDER_LIVE, (enum exec_kind)EXEC_KIND_COUNT));
    cr_expect(!order_transition_legal((enum order_state)ORDER_STATE_COUNT, EXEC_FILL));
}

Test(order, each_report_leads_to_its_state)
{
    static const struct {
        enum order_state from;
        enum exec_kind kind;
        qty_t qty;
        enum order_state to;
    } steps[] = {
        {ORDER_PENDING, EXEC_ACK, 0, ORDER_LIVE},
        {ORDER_PENDING, EXEC_REJECT, 0, ORDER_REJECTED},
        {ORDER_PENDING, EXEC_FILL, 4, ORDER_LIVE},
        {ORDER_PENDING, EXEC_FILL, 10, ORDER_FILLED},
        {ORDER_PENDING, EXEC_CANCELLED, 0, ORDER_CANCELLED},
        {ORDER_PENDING, EXEC_EXPIRED, 0, ORDER_EXPIRED},
        {ORDER_PENDING, EXEC_CANCEL_REJECT, 0, ORDER_PENDING},
        {ORDER_LIVE, EXEC_FILL, 9, ORDER_LIVE},
        {ORDER_LIVE, EXEC_FILL, 10, ORDER_FILLED},
        {ORDER_LIVE, EXEC_CANCELLED, 0, ORDER_CANCELLED},
        {ORDER_LIVE, EXEC_EXPIRED, 0, ORDER_EXPIRED},
        {ORDER_LIVE, EXEC_AMENDED, 12, ORDER_LIVE},
        {ORDER_FILLED, EXEC_CANCEL_REJECT, 0, ORDER_FILLED},
        {ORDER_FILLED, EXEC_ACK, 0, ORDER_FILLED},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct order order = pending();
        order.state = (uint8_t)steps[i].from;
        struct execution execution = report(steps[i].kind, steps[i].qty);
        cr_expect_eq(order_apply(&order, &execution, 5), ERR_OK, "step %zu", i);
        cr_expect_eq(order.state, steps[i].to, "step %zu: %s", i, order_state_name((enum order_state)order.state));
        bool ended = steps[i].to != steps[i].from && !order_is_open(&order);
        cr_expect_eq(order.done_ts, ended ? 5 : 0, "step %zu", i);
    }
}

Test(order, fills_add_up)
{
    struct order order = pending();
    struct execution fill = report(EXEC_FILL, 3);
    fill.fee = 7;
    fill.fee_decimals = 2;
    fill.venue_order = 99;
    cr_assert_eq(order_apply(&order, &fill, 5), ERR_OK);
    fill = report(EXEC_FILL, 7);
    fill.price = 90;
    fill.fee = -1; /* a rebate, at a finer scale */
    fill.fee_decimals = 3;
    cr_assert_eq(order_apply(&order, &fill, 6), ERR_OK);
    cr_expect_eq(order.filled, 10);
    cr_expect_eq(order.fill_count, 2);
    cr_expect(order.cost == 3 * 100 + 7 * 90);
    cr_expect(order.fee == 69 && order.fee_decimals == 3, "0.07 - 0.001 = 0.069");
    cr_expect_eq(order.venue_order, 99);
    cr_expect_eq(order.done_ts, 6);
    cr_expect_eq(order_leaves(&order), 0);
}

static err_t pay(struct order *order, money_t fee, const char *currency)
{
    struct execution fill = report(EXEC_FILL, 1);
    fill.fee = fee;
    fill.fee_decimals = 2;
    strcpy(fill.fee_currency, currency);
    return order_apply(order, &fill, 5);
}

Test(order, fees_of_another_currency_are_never_added)
{
    struct order order = pending();
    cr_assert_eq(pay(&order, 0, "USDT"), ERR_OK);
    cr_expect_str_eq(order.fee_currency, "USDT");
    cr_assert_eq(pay(&order, 5, "BNB"), ERR_OK); /* nothing was paid in the other so far */
    cr_expect_str_eq(order.fee_currency, "BNB");
    cr_expect_eq(order.fee_split, 0);
    cr_assert_eq(pay(&order, 6, "BNB"), ERR_OK);
    cr_assert_eq(pay(&order, 0, "USDT"), ERR_OK);
    cr_expect(order.fee == 11 && order.fee_split == 0, "nothing of another is no other");
    cr_assert_eq(pay(&order, 700, "USDT"), ERR_OK); /* the tokens have run out */
    cr_expect_str_eq(order.fee_currency, "BNB");
    cr_expect(order.fee == 11);
    cr_expect_eq(order.fee_split, 1);
    cr_assert_eq(pay(&order, 4, "BNB"), ERR_OK);
    cr_expect(order.fee == 15 && order.fee_split == 1);
}

Test(order, fills_beyond_the_leaves_or_of_nothing_change_nothing)
{
    static const qty_t wrong[] = {0, -1, 8, INT64_MAX, INT64_MIN};
    struct order order = pending();
    struct execution fill = report(EXEC_FILL, 3);
    cr_assert_eq(order_apply(&order, &fill, 5), ERR_OK);
    struct order before = order;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        fill = report(EXEC_FILL, wrong[i]);
        fill.venue_order = 1234;
        cr_expect_eq(order_apply(&order, &fill, 6), ERR_RANGE, "%lld", (long long)wrong[i]);
        cr_expect(memcmp(&order, &before, sizeof(order)) == 0);
    }
}

Test(order, fee_that_does_not_fit_is_refused_with_the_whole_fill)
{
    struct order order = pending();
    struct execution fill = report(EXEC_FILL, 3);
    fill.fee = (money_t)(~(u128_t)0 >> 1);
    fill.fee_decimals = 2;
    cr_assert_eq(order_apply(&order, &fill, 5), ERR_OK);
    struct order before = order;
    cr_expect_eq(order_apply(&order, &fill, 6), ERR_RANGE);
    fill.fee = 1;
    fill.fee_decimals = 3; /* the old sum would have to grow tenfold */
    cr_expect_eq(order_apply(&order, &fill, 6), ERR_RANGE);
    fill.fee_decimals = 200;
    cr_expect_eq(order_apply(&order, &fill, 6), ERR_RANGE);
    cr_expect(memcmp(&order, &before, sizeof(order)) == 0);
}

Test(order, largest_price_and_quantity_do_not_overflow_the_cost)
{
    struct order order = pending();
    order.qty = INT64_MAX;
    struct execution fill = report(EXEC_FILL, INT64_MAX - 1);
    fill.price = INT64_MAX;
    cr_assert_eq(order_apply(&order, &fill, 5), ERR_OK);
    fill.qty = 1;
    cr_assert_eq(order_apply(&order, &fill, 5), ERR_OK);
    cr_assert(order.cost == (money_t)INT64_MAX * INT64_MAX);
    cr_assert_eq(order.state, ORDER_FILLED);
}

Test(order, acknowledgement_may_come_late_but_only_once)
{
    struct order order = pending();
    struct execution fill = report(EXEC_FILL, 10), ack = report(EXEC_ACK, 0);
    ack.venue_order = 5;
    cr_assert_eq(order_apply(&order, &fill, 5), ERR_OK);
    cr_assert_eq(order.ack_ts, 0);
    cr_assert_eq(order_apply(&order, &ack, 6), ERR_OK);
    cr_assert_eq(order.ack_ts, 6);
    cr_assert_eq(order.state, ORDER_FILLED);
    cr_assert_eq(order.venue_order, 5);
    cr_assert_eq(order_apply(&order, &ack, 7), ERR_STATE);
    cr_assert_eq(order.ack_ts, 6);

    order = pending();
    cr_assert_eq(order_apply(&order, &ack, 6), ERR_OK);
    cr_assert_eq(order_apply(&order, &ack, 7), ERR_STATE);
}

Test(order, amendment_sets_price_and_total_quantity_above_what_is_filled)
{
    struct order order = pending();
    struct execution fill = report(EXEC_FILL, 4), amended = report(EXEC_AMENDED, 4);
    order.amend_pending = 1;
    cr_assert_eq(order_apply(&order, &fill, 5), ERR_OK);
    cr_assert_eq(order_apply(&order, &amended, 6), ERR_RANGE);
    cr_assert_eq(order.amend_pending, 1);
    amended.qty = 5;
    amended.price = 77;
    cr_assert_eq(order_apply(&order, &amended, 6), ERR_OK);
    cr_assert(order.qty == 5 && order.price == 77 && order.filled == 4 && order.amend_pending == 0);
    cr_assert_eq(order_leaves(&order), 1);
}

Test(order, refused_requests_leave_the_order_as_it_is_and_no_longer_wait)
{
    struct order order = pending();
    order.cancel_pending = order.amend_pending = 1;
    struct execution no = report(EXEC_CANCEL_REJECT, 0);
    cr_assert_eq(order_apply(&order, &no, 5), ERR_OK);
    cr_assert(order.cancel_pending == 0 && order.amend_pending == 1 && order.state == ORDER_PENDING);
    no = report(EXEC_AMEND_REJECT, 0);
    cr_assert_eq(order_apply(&order, &no, 5), ERR_OK);
    cr_assert(order.amend_pending == 0 && order.price == 100 && order.qty == 10);
}

Test(order, end_keeps_its_reason)
{
    struct order order = pending();
    struct execution no = report(EXEC_REJECT, 0);
    no.reason = REASON_POST_ONLY;
    cr_assert_eq(order_apply(&order, &no, 5), ERR_OK);
    cr_assert_eq(order.reason, REASON_POST_ONLY);

    order = pending();
    order.cancel_pending = 1;
    struct execution gone = report(EXEC_CANCELLED, 0);
    gone.reason = REASON_USER;
    cr_assert_eq(order_apply(&order, &gone, 5), ERR_OK);
    cr_assert(order.reason == REASON_USER && order.cancel_pending == 0);
}

/* ---- the table of orders ---- */

static struct order_table *new_table(uint32_t capacity)
{
    size_t size = (order_table_size(capacity) + 63) & ~(size_t)63;
    void *memory = aligned_alloc(64, size);
    memset(memory, 0xa5, size); /* init must not count on zeros */
    return order_table_init(memory, capacity);
}

static uint64_t add(struct order_table *table, uint16_t instrument, enum side side, qty_t qty)
{
    struct order_request request = {
        .instrument = instrument, .side = (uint8_t)side, .price = 100, .qty = qty, .tag = 7};
    struct order *order = NULL;
    err_t err = order_table_add(table, &request, 3, &order);
    return err == ERR_OK ? order->id : 0;
}

static err_t tell(struct order_table *table, uint64_t id, enum exec_kind kind, qty_t qty)
{
    struct execution execution = report(kind, qty);
    struct order *order = NULL;
    execution.order_id = id;
    return order_table_apply(table, &execution, 9, &order);
}

Test(order_table, ids_rise_from_one_and_find_their_order)
{
    struct order_table *table = new_table(4);
    cr_assert_eq(order_table_last_id(table), 0);
    cr_assert_eq(add(table, 0, SIDE_BUY, 5), 1);
    cr_assert_eq(add(table, 1, SIDE_SELL, 6), 2);
    cr_assert_eq(order_table_last_id(table), 2);
    const struct order *order = order_table_find(table, 2);
    cr_assert_not_null(order);
    cr_assert(order->id == 2 && order->instrument == 1 && order->side == SIDE_SELL && order->qty == 6 &&
              order->tag == 7 && order->submit_ts == 3 && order->state == ORDER_PENDING);
    cr_assert_null(order_table_find(table, 0));
    cr_assert_null(order_table_find(table, 3));
    cr_assert_null(order_table_find(table, UINT64_MAX));
    cr_assert_eq(tell(table, 3, EXEC_ACK, 0), ERR_NOTFOUND);
    free(table);
}

Test(order_table, wrong_requests_take_no_id)
{
    struct order_table *table = new_table(4);
    cr_assert_eq(add(table, 0, SIDE_BUY, 0), 0);
    cr_assert_eq(add(table, 0, SIDE_BUY, -5), 0);
    cr_assert_eq(add(table, INSTRUMENT_NONE, SIDE_BUY, 5), 0);
    cr_assert_eq(order_table_last_id(table), 0);
    cr_assert_eq(order_table_open_count(table), 0);
    free(table);
}

Test(order_table, full_of_open_orders_refuses_and_evicts_none)
{
    struct order_table *table = new_table(4);
    for (uint64_t id = 1; id <= 4; id++)
        cr_assert_eq(add(table, 0, SIDE_BUY, 5), id);
    struct order_request request = {.qty = 1};
    struct order *order = NULL;
    cr_assert_eq(order_table_add(table, &request, 3, &order), ERR_FULL);
    cr_assert_null(order);
    cr_assert_eq(order_table_last_id(table), 4);
    cr_assert_eq(tell(table, 2, EXEC_REJECT, 0), ERR_OK);
    cr_assert_eq(add(table, 0, SIDE_BUY, 5), 5);
    cr_assert_null(order_table_find(table, 2));
    for (uint64_t id = 1; id <= 5; id++)
        cr_assert(id == 2 || order_table_find(table, id)->id == id);
    free(table);
}

Test(order_table, oldest_end_is_forgotten_first_and_only_when_room_is_needed)
{
    struct order_table *table = new_table(4);
    for (int i = 0; i < 3; i++)
        add(table, 0, SIDE_BUY, 5);
    cr_assert_eq(tell(table, 3, EXEC_REJECT, 0), ERR_OK);
    cr_assert_eq(tell(table, 1, EXEC_REJECT, 0), ERR_OK);
    add(table, 0, SIDE_BUY, 5); /* the fourth slot is still fresh */
    cr_assert_not_null(order_table_find(table, 3));
    add(table, 0, SIDE_BUY, 5);
    cr_assert_null(order_table_find(table, 3), "3 ended before 1");
    cr_assert_not_null(order_table_find(table, 1));
    add(table, 0, SIDE_BUY, 5);
    cr_assert_null(order_table_find(table, 1));
    free(table);
}

Test(order_table, walk_survives_the_end_of_the_order_it_stands_on_and_of_others)
{
    /* Each text: at order n of the walk, which orders end. The walk must then visit the expected ones. */
    static const struct {
        const char *ends[9];
        const char *visited;
    } cases[] = {
        {{0}, "12345678"},
        {{[1] = "1", [2] = "2", [3] = "3", [4] = "4", [5] = "5", [6] = "6", [7] = "7", [8] = "8"}, "12345678"},
        {{[3] = "3"}, "12345678"},
        {{[3] = "34"}, "1235678"},
        {{[3] = "345678"}, "123"},
        {{[3] = "43"}, "1235678"},
        {{[3] = "312"}, "12345678"},
        {{[3] = "3451"}, "123678"},
        {{[3] = "5"}, "1234678"},
    };
    for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
        struct order_table *table = new_table(8);
        for (int i = 0; i < 8; i++)
            add(table, 0, SIDE_BUY, 5);
        char visited[16] = "";
        struct order *order = NULL;
        while ((order = order_table_next_open(table, order)) != NULL) {
            size_t n = strlen(visited);
            cr_assert_lt(n, 9);
            visited[n] = (char)('0' + order->id);
            visited[n + 1] = '\0';
            const char *ends = cases[c].ends[order->id];
            for (; ends != NULL && *ends != '\0'; ends++)
                cr_assert_eq(tell(table, (uint64_t)(*ends - '0'), EXEC_CANCELLED, 0), ERR_OK);
        }
        cr_expect_str_eq(visited, cases[c].visited, "case %zu", c);
        free(table);
    }
}

Test(order_table, sums_of_large_quantities_are_cut_and_come_back)
{
    struct order_table *table = new_table(4);
    uint64_t a = add(table, 3, SIDE_SELL, INT64_MAX), b = add(table, 3, SIDE_SELL, INT64_MAX);
    cr_assert_eq(order_table_open_qty(table, 3, SIDE_SELL), INT64_MAX);
    cr_assert_eq(tell(table, a, EXEC_CANCELLED, 0), ERR_OK);
    cr_assert_eq(tell(table, b, EXEC_FILL, INT64_MAX - 1), ERR_OK);
    cr_assert_eq(order_table_open_qty(table, 3, SIDE_SELL), 1);
    cr_assert_eq(order_table_open_qty(table, 3, SIDE_BUY), 0);
    free(table);
}

/* ---- against a table that only a fool would ship ---- */

#define MODEL_MAX 40000
#define SEED      11

struct model {
    struct order orders[MODEL_MAX]; /* by id */
    uint64_t ended[MODEL_MAX];      /* ids in the order of their ends */
    uint64_t ended_count, forgotten;
    uint64_t last;
};

static uint64_t model_open(const struct model *model)
{
    uint64_t open = 0;
    for (uint64_t id = 1; id <= model->last; id++)
        open += order_is_open(&model->orders[id]);
    return open;
}

static bool model_knows(const struct model *model, uint64_t id)
{
    if (id == 0 || id > model->last)
        return false;
    for (uint64_t i = 0; i < model->forgotten; i++) {
        if (model->ended[i] == id)
            return false;
    }
    return true;
}

static void compare(struct order_table *table, const struct model *model, int step)
{
    const struct order *order = NULL;
    for (uint64_t id = 1; id <= model->last; id++) {
        if (!order_is_open(&model->orders[id]))
            continue;
        order = order_table_next_open(table, order);
        cr_assert(order != NULL && order->id == id, "seed %d, step %d: order %llu is not next", SEED, step,
                  (unsigned long long)id);
        cr_assert(order->qty == model->orders[id].qty && order->filled == model->orders[id].filled);
    }
    cr_assert_null(order_table_next_open(table, order));
    for (uint16_t i = 0; i < 3; i++) {
        uint32_t count = 0;
        qty_t qty[2] = {0, 0};
        for (uint64_t id = 1; id <= model->last; id++) {
            const struct order *o = &model->orders[id];
            if (o->instrument == i && order_is_open(o)) {
                count++;
                qty[o->side] += order_leaves(o);
            }
        }
        cr_assert_eq(order_table_open_count_of(table, i), count, "seed %d, step %d", SEED, step);
        for (int side = 0; side < 2; side++)
            cr_assert_eq(order_table_open_qty(table, i, (enum side)side), qty[side], "seed %d, step %d", SEED, step);
    }
}

Test(order_table, random_orders_agree_with_a_plain_list)
{
    enum { CAPACITY = 64, STEPS = 6000 };
    struct order_table *table = new_table(CAPACITY);
    struct model *model = calloc(1, sizeof(*model));
    struct prng prng;
    prng_init(&prng, SEED, 0);
    for (int step = 0; step < STEPS; step++) {
        if (prng_below(&prng, 3) == 0) {
            struct order_request request = {.instrument = (uint16_t)prng_below(&prng, 3),
                                            .side = (uint8_t)prng_below(&prng, 2),
                                            .qty = prng_range(&prng, 1, 100)};
            bool full = model_open(model) == CAPACITY;
            struct order *order = NULL;
            cr_assert_eq(order_table_add(table, &request, step + 1, &order), full ? ERR_FULL : ERR_OK);
            if (!full) {
                if (model->last - model->forgotten == CAPACITY) /* no fresh slot: the oldest end goes */
                    model->forgotten++;
                model->orders[++model->last] = *order;
                cr_assert_eq(order->id, model->last);
            }
        } else {
            /* mostly recent ids, sometimes any */
            uint64_t back = prng_below(&prng, prng_below(&prng, 4) == 0 ? model->last + 2 : 100);
            uint64_t id = back > model->last ? model->last + 1 : model->last - back;
            struct execution execution = report((enum exec_kind)prng_below(&prng, EXEC_KIND_COUNT), 0);
            execution.order_id = id;
            execution.qty = prng_range(&prng, 0, 120);
            struct order *order = NULL;
            err_t err = order_table_apply(table, &execution, step + 1, &order);
            err_t want = ERR_NOTFOUND;
            if (model_knows(model, id)) {
                bool was_open = order_is_open(&model->orders[id]);
                want = order_apply(&model->orders[id], &execution, step + 1);
                if (was_open && !order_is_open(&model->orders[id]))
                    model->ended[model->ended_count++] = id;
            }
            cr_assert_eq(err, want, "seed %d, step %d: %s, expected %s", SEED, step, err_name(err), err_name(want));
            if (err == ERR_OK)
                cr_assert(memcmp(order, &model->orders[id], sizeof(*order)) == 0, "seed %d, step %d", SEED, step);
        }
        cr_assert_eq(order_table_open_count(table), model_open(model));
        cr_assert_eq(order_table_open_count_of(table, INSTRUMENT_NONE), model_open(model));
        if (step % 16 == 0)
            compare(table, model, step);
        for (uint64_t id = model->last > 90 ? model->last - 90 : 0; id <= model->last + 1; id++)
            cr_assert_eq(order_table_find(table, id) != NULL, model_knows(model, id), "seed %d, step %d, id %llu",
                         SEED, step, (unsigned long long)id);
    }
    cr_assert_gt(model->forgotten, 200, "the draw must reuse slots: %llu", (unsigned long long)model->forgotten);
    free(model);
    free(table);
}

/* ---- names ---- */

Test(order, names_are_those_of_the_lists)
{
    cr_expect_str_eq(order_state_name(ORDER_CANCELLED), "cancelled");
    cr_expect_str_eq(exec_kind_name(EXEC_AMEND_REJECT), "amend_reject");
    cr_expect_str_eq(reason_name(REASON_RISK_NOTIONAL), "RISK_NOTIONAL");
    cr_expect_str_eq(reason_words(REASON_POST_ONLY), "post-only order would take");
    cr_expect_str_eq(tif_name(TIF_FOK), "fok");
    cr_expect_str_eq(order_type_name(ORDER_MARKET), "market");
    cr_expect_str_eq(order_type_name(ORDER_BEST), "best");
    cr_expect_str_eq(tif_name(TIF_GTD), "gtd");
    cr_expect_str_eq(stp_mode_name(STP_DEFAULT), "default");
    cr_expect_str_eq(stp_mode_name(STP_DECREMENT), "decrement");
    cr_expect_str_eq(side_name(SIDE_SELL), "sell");
    cr_expect_str_eq(reason_name((enum reason)REASON_COUNT), "?");
    cr_expect_str_eq(order_state_name((enum order_state)77), "?");
}

/* ---- reductions ---- */

Test(order, a_reduction_makes_the_total_smaller_and_never_ends_the_order)
{
    struct order order = pending();
    struct execution reduced = report(EXEC_REDUCED, 7), fill = report(EXEC_FILL, 5);
    order.amend_pending = 1;
    cr_assert_eq(order_apply(&order, &reduced, 1), ERR_OK);
    cr_expect(order.qty == 7 && order.state == ORDER_LIVE);
    cr_expect_eq(order.amend_pending, 1, "it answers no amendment");
    cr_assert_eq(order_apply(&order, &fill, 2), ERR_OK);
    reduced.qty = 8;
    cr_expect_eq(order_apply(&order, &reduced, 3), ERR_RANGE, "more");
    reduced.qty = 5;
    cr_expect_eq(order_apply(&order, &reduced, 3), ERR_RANGE, "no more than what is filled");
    reduced.qty = 6;
    cr_assert_eq(order_apply(&order, &reduced, 3), ERR_OK);
    cr_expect_eq(order_leaves(&order), 1);
}

Test(order, a_best_order_learns_its_limit)
{
    struct order order = pending();
    struct execution ack = report(EXEC_ACK, 10);
    order.type = ORDER_BEST;
    order.price = 0;
    cr_assert_eq(order_apply(&order, &ack, 1), ERR_OK);
    cr_expect_eq(order.price, 100);
}
