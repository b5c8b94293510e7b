/* Random markets and random orders, on the venue and on the slow one (slow_venue.h): the same executions, the
 * same places in the queue. Beside that, what must hold whatever the rules are: no displayed quantity taken
 * twice, no trade used twice, places that never grow, and cash that is right to the last digit. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/prng.h"
#include "slow_venue.h"

struct rig {
    uint64_t seed;
    int step;
    struct prng prng;
    struct instrument instrument;
    struct venue_config config;
    struct venue *venue;
    struct slow_venue slow;
    struct slow_said said[SLOW_SAID];
    int said_count;
    uint64_t trade_id, venue_order;
    struct {
        uint64_t id;
        enum side side;
    } sides[4096];                  /* by order id */
    money_t cash;                   /* at 10^-8 of the quote: what fills and fees moved */
    qty_t held;                     /* base bought less sold */
    money_t supply[2][SLOW_PRICES]; /* ever displayed as new, since the last gap */
    money_t took[2];                /* by us as taker, or by crossing */
    uint64_t next_id;
    px_t center;
    uint64_t fills;
};

#define CONTEXT "seed %" PRIu64 " step %d"

static void on_execution(void *context, ns_t ts, const struct execution *execution, uint16_t instrument)
{
    struct rig *rig = context;
    (void)instrument;
    cr_assert_lt(rig->said_count, SLOW_SAID);
    cr_assert_eq(execution->venue_ts, ts);
    rig->said[rig->said_count++] = (struct slow_said){execution->order_id,
                                                      (enum exec_kind)execution->kind,
                                                      (enum reason)execution->reason,
                                                      execution->price,
                                                      execution->qty,
                                                      execution->maker};
    if (execution->kind == EXEC_ACK) {
        cr_assert_gt(execution->venue_order, rig->venue_order);
        rig->venue_order = execution->venue_order;
    }
    if (execution->kind != EXEC_FILL)
        return;
    int64_t rate = execution->maker ? rig->instrument.maker_fee : rig->instrument.taker_fee;
    money_t fee = slow_fee(rate, execution->price, execution->qty);
    enum side side = rig->sides[execution->order_id].side;
    /* A spot fill may be cut by some 10^-8 to what the order reserved, never more. */
    cr_assert(execution->fee == fee ||
                  (rig->config.check_funds && execution->fee < fee && execution->fee >= fee - 32),
              CONTEXT ": fee %" PRId64 ", not %" PRId64, rig->seed, rig->step, (int64_t)execution->fee, (int64_t)fee);
    cr_assert_eq(execution->fee_decimals, 8);
    cr_assert_str_eq(execution->fee_currency, "KRW");
    cr_assert_eq(execution->trade_id, ++rig->trade_id);
    rig->cash -= side_sign(side) * (money_t)execution->price * execution->qty * 100000000 + execution->fee;
    rig->held += side_sign(side) * execution->qty;
    rig->fills++;
}

static const struct queue_model queues[] = {
    {QUEUE_PESSIMISTIC, 0, 1, false}, {QUEUE_OPTIMISTIC, 0, 1, false}, {QUEUE_PROPORTIONAL, 0, 1, false},
    {QUEUE_POWER, 1, 1, false},       {QUEUE_POWER, 6, 1, false},      {QUEUE_POWER, 8, 1, false},
    {QUEUE_POWER, 12, 1, false},      {QUEUE_POWER2, 3, 1, false},     {QUEUE_POWER2, 10, 1, false},
    {QUEUE_POWER2, 20, 1, false},     {QUEUE_POWER3, 2, 1, false},     {QUEUE_POWER3, 12, 1, false},
    {QUEUE_LOG, 0, 1, false},         {QUEUE_LOG2, 0, 1, false},
};

static void open_rig(struct rig *rig, uint64_t seed)
{
    struct venue_sink sink = {rig, on_execution};
    memset(rig, 0, sizeof(*rig));
    rig->seed = seed;
    prng_init(&rig->prng, seed, 7);
    bool spot = seed % 2 == 0;
    cr_assert_eq(instrument_init(&rig->instrument, seed % 4 == 1 ? "binance-usdm" : "synthetic", "KRW-BTC", "BTC",
                                 "KRW", spot ? CONTRACT_SPOT : CONTRACT_LINEAR, 0, 0),
                 ERR_OK);
    rig->instrument.maker_fee = seed % 3 == 0 ? -100007 : 200003;
    rig->instrument.taker_fee = 500009;
    rig->config = (struct venue_config){.instruments = &rig->instrument,
                                        .instrument_count = 1,
                                        .book_window = BOOK_WINDOW_MIN,
                                        .book_far = 16,
                                        .own_orders_max = SLOW_ORDERS,
                                        .check_funds = spot,
                                        .stp = (enum stp_mode)(seed / 3 % STP_MODE_COUNT),
                                        .queue = queues[seed % ARRAY_LEN(queues)],
                                        .stamp_slack = seed % 5 == 0 ? 2 : 0};
    size_t size = (venue_size(&rig->config) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, size);
    memset(memory, 0, size);
    rig->venue = venue_init(memory, &rig->config, &sink);
    rig->slow = (struct slow_venue){.linear = !spot,
                                    .check_funds = spot,
                                    .requeues = seed % 4 == 1,
                                    .stp = rig->config.stp == STP_DEFAULT ? STP_REJECT : rig->config.stp,
                                    .stale = true,
                                    .maker_fee = rig->instrument.maker_fee,
                                    .taker_fee = rig->instrument.taker_fee,
                                    .slack = rig->config.stamp_slack,
                                    .queue = rig->config.queue,
                                    .cover = {-1, -1}};
    if (spot) {
        cr_assert_eq(account_deposit(venue_account(rig->venue), "KRW", money_pow10(MONEY_DECIMALS) * 60000), ERR_OK);
        cr_assert_eq(account_deposit(venue_account(rig->venue), "BTC", money_pow10(MONEY_DECIMALS) * 60), ERR_OK);
    }
    rig->next_id = 1;
    rig->center = SLOW_PRICES / 2;
}

/* ---- what is drawn ---- */

static px_t clamp_price(px_t at)
{
    return at < 1 ? 1 : at > SLOW_PRICES - 2 ? SLOW_PRICES - 2 : at;
}

static px_t near_center(struct rig *rig, int spread)
{
    return clamp_price(rig->center + prng_range(&rig->prng, -spread, spread));
}

static void draw_stamp(struct rig *rig, struct event *event, ns_t ts)
{
    uint64_t draw = prng_below(&rig->prng, 10);
    event->ts = ts;
    event->exch_ts = draw == 0 ? 0 : draw < 7 ? ts : ts - prng_range(&rig->prng, 0, 8);
    if (event->exch_ts < 0)
        event->exch_ts = 1;
}

static void draw_snapshot(struct rig *rig, struct event *event, struct level *levels)
{
    uint32_t depth = 2 + (uint32_t)prng_below(&rig->prng, 20);
    event->kind = EVENT_BOOK_SNAPSHOT;
    event->flags = prng_below(&rig->prng, 2) ? EVENT_PARTIAL : 0;
    for (px_t at = rig->center - 1; at > 0 && event->bid_count < depth; at--)
        if (prng_below(&rig->prng, 4) != 0)
            levels[event->bid_count++] = (struct level){at + SLOW_BASE, prng_range(&rig->prng, 1, 20)};
    for (px_t at = rig->center; at < SLOW_PRICES - 1 && event->ask_count < depth; at++)
        if (prng_below(&rig->prng, 4) != 0)
            levels[event->bid_count + event->ask_count++] =
                (struct level){at + SLOW_BASE, prng_range(&rig->prng, 1, 20)};
}

/* Mostly a market: bids below the center, asks from it on; now and then crossed. */
static void draw_delta(struct rig *rig, struct event *event, struct level *levels)
{
    bool used[2][SLOW_PRICES] = {{false}};
    event->kind = EVENT_BOOK_DELTA;
    rig->center = clamp_price(rig->center + prng_range(&rig->prng, -1, 1));
    for (int side = 0; side < 2; side++) {
        uint64_t count = prng_below(&rig->prng, 6);
        for (uint64_t i = 0; i < count; i++) {
            px_t at = near_center(rig, 8);
            bool own_half = side == SIDE_BUY ? at < rig->center : at >= rig->center;
            qty_t qty = own_half || prng_below(&rig->prng, 20) == 0 ? prng_range(&rig->prng, 0, 20) : 0;
            if (used[side][at])
                continue;
            used[side][at] = true;
            levels[event->bid_count + event->ask_count] = (struct level){at + SLOW_BASE, qty};
            *(side == SIDE_BUY ? &event->bid_count : &event->ask_count) += 1;
        }
    }
}

static void draw_trade(struct rig *rig, struct event *event, struct level *levels)
{
    event->kind = EVENT_TRADE;
    event->bid_count = 1;
    bool sell = prng_below(&rig->prng, 2) != 0;
    px_t at = clamp_price(rig->center - sell + prng_range(&rig->prng, -2, 2));
    levels[0] = (struct level){at + SLOW_BASE, prng_range(&rig->prng, 1, 25)};
    event->flags = sell ? EVENT_SELL : 0;
    if (prng_below(&rig->prng, 10) == 0)
        event->flags |= EVENT_NO_SIDE;
    if (prng_below(&rig->prng, 20) == 0)
        event->flags |= EVENT_SPECIAL;
}

static uint64_t draw_known_id(struct rig *rig)
{
    const uint64_t recent = rig->next_id < 20 ? rig->next_id : 20;
    if (rig->slow.order_count > 0 && prng_below(&rig->prng, 5) != 0)
        return rig->slow.orders[prng_below(&rig->prng, (uint64_t)rig->slow.order_count)].request.order_id;
    return rig->next_id - prng_below(&rig->prng, recent);
}

static void draw_terms(struct rig *rig, struct venue_request *request)
{
    const uint64_t type = prng_below(&rig->prng, 12);
    request->side = (uint8_t)prng_below(&rig->prng, 2);
    request->type = type < 2 ? ORDER_MARKET : type == 2 ? ORDER_BEST : ORDER_LIMIT;
    request->tif = prng_below(&rig->prng, 3) == 0 ? (uint8_t)(1 + prng_below(&rig->prng, 2)) : TIF_GTC;
    if (request->type == ORDER_BEST && request->tif == TIF_GTC)
        request->tif = TIF_IOC;
    if (request->type == ORDER_LIMIT && request->tif == TIF_GTC && prng_below(&rig->prng, 4) == 0) {
        request->tif = TIF_GTD;
        request->expire_ts = rig->slow.now + prng_range(&rig->prng, 0, 40);
        request->expire_ts += request->expire_ts == 0;
    }
    if (prng_below(&rig->prng, 3) == 0)
        request->stp = (uint8_t)prng_below(&rig->prng, STP_MODE_COUNT);
    if (prng_below(&rig->prng, 5) == 0 && request->type != ORDER_BEST)
        request->flags |= ORDER_POST_ONLY;
    if (prng_below(&rig->prng, 6) == 0)
        request->flags |= ORDER_REDUCE_ONLY;
    if (request->type != ORDER_LIMIT && request->side == SIDE_BUY && rig->config.check_funds &&
        prng_below(&rig->prng, 2) == 0)
        request->funds = prng_range(&rig->prng, 1, 30 * SLOW_BASE) * money_pow10(MONEY_DECIMALS);
}

static void draw_request(struct rig *rig, struct venue_request *request)
{
    uint64_t draw = prng_below(&rig->prng, 24);
    *request = (struct venue_request){.kind = VENUE_NEW, .order_id = rig->next_id};
    if (rig->slow.order_count < 3 && prng_below(&rig->prng, 4) != 0)
        draw = 3; /* something must rest before it can be changed */
    /* With funds one order must rest, whose end sets all free: what is held behind each is not told by the slow
     * venue. */
    if (draw < 3 && (!rig->config.check_funds || rig->slow.order_count == 1)) {
        request->kind = VENUE_REPLACE;
        request->old_id = draw_known_id(rig);
        request->replace_mode = prng_below(&rig->prng, 2) ? REPLACE_ALLOW_FAILURE : REPLACE_STOP_ON_FAILURE;
        draw_terms(rig, request);
        if (prng_below(&rig->prng, 3) == 0 && request->funds == 0)
            request->flags |= ORDER_REMAINING;
        rig->sides[rig->next_id++].side = (enum side)request->side;
    } else if (draw < 15) {
        draw_terms(rig, request);
        if (prng_below(&rig->prng, 40) == 0 && rig->next_id > 3)
            request->order_id = rig->next_id - 1 - prng_below(&rig->prng, 2);
        else
            rig->sides[rig->next_id++].side = (enum side)request->side;
    } else if (draw < 23) {
        request->kind = draw < 19 ? VENUE_CANCEL : VENUE_AMEND;
        request->order_id = draw_known_id(rig);
    } else {
        request->kind = prng_below(&rig->prng, 4) == 0 ? VENUE_CANCEL_ALL : VENUE_COUNTDOWN;
        request->order_id = 0;
        request->delay = prng_below(&rig->prng, 3) != 0 ? 0 : prng_range(&rig->prng, 1, 60);
        return;
    }
    request->qty = request->funds != 0 ? 0 : prng_range(&rig->prng, prng_below(&rig->prng, 30) == 0 ? 0 : 1, 30);
    request->price = near_center(rig, 6) + SLOW_BASE;
    if (prng_below(&rig->prng, 60) == 0)
        request->price = 0;
    struct venue_order_view view;
    if (request->kind == VENUE_AMEND && venue_order(rig->venue, request->order_id, &view) &&
        (rig->config.check_funds || prng_below(&rig->prng, 2))) {
        /* With funds only a smaller quantity in place: what more would cost is not told by the slow venue. */
        request->price = view.price;
        if (rig->config.check_funds)
            request->qty = view.leaves > 1 ? prng_range(&rig->prng, 1, view.leaves) : 0;
    }
    if (request->type != ORDER_LIMIT)
        request->price = 0;
}

/* ---- what must hold ---- */

static void check_answers(const struct rig *rig)
{
    const struct slow_venue *slow = &rig->slow;
    for (int i = 0; i < rig->said_count && i < slow->said_count; i++) {
        const struct slow_said *a = &rig->said[i], *b = &slow->said[i];
        bool same = a->order_id == b->order_id && a->kind == b->kind && a->reason == b->reason;
        if (a->kind == EXEC_REDUCED)
            same = same && a->qty == b->qty;
        if (a->kind == EXEC_FILL || a->kind == EXEC_AMENDED)
            same = same && a->price == b->price && a->qty == b->qty && a->maker == b->maker;
        cr_assert(same,
                  CONTEXT ", answer %d: %s %" PRIu64 " %s %" PRId64 "x%" PRId64 ", not %s %" PRIu64 " %s %" PRId64
                          "x%" PRId64,
                  rig->seed, rig->step, i, exec_kind_name(a->kind), a->order_id, reason_name(a->reason), a->price,
                  a->qty, exec_kind_name(b->kind), b->order_id, reason_name(b->reason), b->price, b->qty);
    }
    cr_assert_eq(rig->said_count, slow->said_count, CONTEXT ": %d answers, not %d", rig->seed, rig->step,
                 rig->said_count, slow->said_count);
}

static void check_places(const struct rig *rig)
{
    cr_assert_eq(venue_open_count(rig->venue), (uint32_t)rig->slow.order_count, CONTEXT, rig->seed, rig->step);
    cr_assert_eq(venue_open_count_of(rig->venue, 0), (uint32_t)rig->slow.order_count);
    for (int i = 0; i < rig->slow.order_count; i++) {
        const struct slow_order *order = &rig->slow.orders[i];
        struct venue_order_view view;
        cr_assert(venue_order(rig->venue, order->request.order_id, &view), CONTEXT, rig->seed, rig->step);
        cr_assert_eq(view.ahead, slow_ahead(&rig->slow, order),
                     CONTEXT ": order %" PRIu64 " has %" PRId64 " ahead, not %" PRId64, rig->seed, rig->step,
                     view.order_id, view.ahead, slow_ahead(&rig->slow, order));
        cr_assert_eq(view.leaves, order->request.qty - order->filled, CONTEXT, rig->seed, rig->step);
        cr_assert_eq(view.price, order->request.price);
    }
}

static void check_cash(struct rig *rig)
{
    struct account *account = venue_account(rig->venue);
    const struct balance *quote = account_balance(account, "KRW"), *base = account_balance(account, "BTC");
    const money_t unit = money_pow10(MONEY_DECIMALS), digit = money_pow10(MONEY_DECIMALS - 8);
    money_t total = quote == NULL ? 0 : quote->total, profit;
    if (rig->config.check_funds) {
        cr_assert(total == 60000 * unit + rig->cash * digit, CONTEXT, rig->seed, rig->step);
        cr_assert(base->total == (60 + rig->held) * unit, CONTEXT, rig->seed, rig->step);
        cr_assert(base->locked >= 0 && base->locked <= base->total, CONTEXT ": base", rig->seed, rig->step);
        cr_assert(quote->locked >= 0 && quote->locked <= quote->total, CONTEXT ": quote", rig->seed, rig->step);
        if (rig->slow.order_count == 0)
            cr_assert(base->locked == 0 && quote->locked == 0, CONTEXT ": locked for nothing", rig->seed, rig->step);
    } else {
        px_t mark = rig->center + SLOW_BASE;
        cr_assert_eq(account_unrealised(account, 0, mark, &profit), ERR_OK);
        cr_assert(total + profit == rig->cash * digit + (money_t)rig->held * mark * unit, CONTEXT ": cash", rig->seed,
                  rig->step);
        cr_assert_eq(account_position(account, 0)->qty, rig->held);
        cr_assert_eq(rig->slow.position, rig->held);
    }
}

/* Whatever the rules: a message's fills are covered by what it brought. */
static void check_supply(struct rig *rig, const struct event *event)
{
    money_t at_price = 0, supply[2] = {0, 0};
    for (int i = 0; i < rig->said_count; i++) {
        const struct slow_said *said = &rig->said[i];
        if (said->kind != EXEC_FILL)
            continue;
        enum side side = rig->sides[said->order_id].side;
        if (event != NULL && event->kind == EVENT_TRADE) {
            px_t at = event->levels[0].price;
            cr_assert(said->maker);
            cr_assert(side == SIDE_BUY ? said->price >= at : said->price <= at, CONTEXT, rig->seed, rig->step);
            at_price += said->price == at ? said->qty : 0;
        } else if (event == NULL && said->maker) {
            rig->took[side] -= said->qty; /* one of ours got it from another of ours */
        } else {
            rig->took[side_opposite(side)] += said->qty;
        }
    }
    if (event != NULL && event->kind == EVENT_TRADE)
        cr_assert(at_price <= event->levels[0].qty, CONTEXT ": a trade used twice", rig->seed, rig->step);
    for (int side = 0; side < 2; side++)
        for (int at = 0; at < SLOW_PRICES; at++)
            supply[side] += rig->supply[side][at];
    cr_assert(rig->took[0] <= supply[0] && rig->took[1] <= supply[1], CONTEXT ": more taken than displayed",
              rig->seed, rig->step);
}

static void add_supply(struct rig *rig, const struct event *event, const qty_t before[2][SLOW_PRICES])
{
    if (event->kind == EVENT_TRADE || event->kind == EVENT_GAP)
        return;
    for (int side = 0; side < 2; side++)
        for (int at = 0; at < SLOW_PRICES; at++) {
            qty_t more = rig->slow.shown[side][at] - before[side][at];
            rig->supply[side][at] += more > 0 ? more : 0;
        }
}

static void market_step(struct rig *rig, ns_t ts)
{
    struct level levels[2 * SLOW_PRICES];
    struct event event = {.levels = levels};
    qty_t before[2][SLOW_PRICES];
    qty_t places[SLOW_ORDERS];
    uint64_t ids[SLOW_ORDERS], draw = prng_below(&rig->prng, 100);
    int count = rig->slow.order_count;
    draw_stamp(rig, &event, ts);
    if (rig->step == 0 || draw < 4)
        draw_snapshot(rig, &event, levels);
    else if (draw < 6)
        event.kind = EVENT_GAP;
    else if (draw < 50)
        draw_trade(rig, &event, levels);
    else
        draw_delta(rig, &event, levels);
    for (int i = 0; i < count; i++) {
        struct venue_order_view view;
        ids[i] = rig->slow.orders[i].request.order_id;
        cr_assert(venue_order(rig->venue, ids[i], &view));
        places[i] = view.ahead;
    }
    memcpy(before, rig->slow.shown, sizeof(before));
    slow_pass(&rig->slow, ts);
    venue_market(rig->venue, ts, &event);
    ns_t stamp = event.exch_ts != 0 && event.exch_ts < ts ? event.exch_ts : ts;
    if (event.kind == EVENT_TRADE)
        slow_trade(&rig->slow, &event, stamp);
    else
        slow_book(&rig->slow, &event, stamp);
    add_supply(rig, &event, before);
    check_supply(rig, &event);
    for (int i = 0; i < count; i++) {
        struct venue_order_view view;
        cr_assert(!venue_order(rig->venue, ids[i], &view) || view.ahead <= places[i], CONTEXT ": ahead grew",
                  rig->seed, rig->step);
    }
}

static void request_step(struct rig *rig, ns_t ts)
{
    struct venue_request request;
    struct account *account = venue_account(rig->venue);
    venue_pass(rig->venue, ts);
    slow_pass(&rig->slow, ts);
    draw_request(rig, &request);
    const struct balance *quote = account_balance(account, "KRW"), *base = account_balance(account, "BTC");
    rig->slow.quote_free = account_free(account, "KRW") / money_pow10(MONEY_DECIMALS - 8);
    rig->slow.base_free = account_free(account, "BTC") / money_pow10(MONEY_DECIMALS);
    if (request.kind == VENUE_REPLACE && rig->config.check_funds &&
        venue_order(rig->venue, request.old_id, &(struct venue_order_view){0})) {
        rig->slow.quote_free = quote->total / money_pow10(MONEY_DECIMALS - 8);
        rig->slow.base_free = base->total / money_pow10(MONEY_DECIMALS);
    }
    venue_request(rig->venue, ts, &request);
    slow_request(&rig->slow, &request);
    check_supply(rig, NULL);
}

static uint64_t reasons[REASON_COUNT];

static uint64_t run(uint64_t seed, int steps)
{
    static struct rig rig;
    ns_t ts = 100;
    open_rig(&rig, seed);
    for (rig.step = 0; rig.step < steps; rig.step++) {
        ts += prng_range(&rig.prng, 0, 3);
        rig.slow.now = ts;
        rig.said_count = rig.slow.said_count = 0;
        if (rig.step > 0 && prng_below(&rig.prng, 3) == 0)
            request_step(&rig, ts);
        else
            market_step(&rig, ts);
        check_answers(&rig);
        for (int i = 0; i < rig.said_count; i++)
            reasons[rig.said[i].reason]++;
        check_places(&rig);
        check_cash(&rig);
    }
    free(rig.venue);
    return rig.fills;
}

Test(venue, agrees_with_a_slow_one_on_random_markets)
{
    uint64_t fills = 0;
    for (uint64_t seed = 1; seed <= 280; seed++)
        fills += run(seed, 3000);
    cr_assert_gt(fills, 30000, "only %" PRIu64 " fills: the markets drawn are too quiet to test anything", fills);
    /* what the markets and orders drawn must reach */
    static const enum reason wanted[] = {REASON_EXPIRED_GTD,      REASON_BAD_EXPIRY,        REASON_FUNDS_SPENT,
                                         REASON_STP_EXPIRE_TAKER, REASON_STP_EXPIRE_MAKER,  REASON_STP_EXPIRE_BOTH,
                                         REASON_STP_DECREMENT,    REASON_AMENDED_TO_FILLED, REASON_AMENDED_TO_TAKE,
                                         REASON_REPLACED,         REASON_REPLACE_GONE,      REASON_CANCEL_ALL,
                                         REASON_COUNTDOWN,        REASON_SELF_TRADE,        REASON_FOK,
                                         REASON_REDUCE_ONLY,      REASON_INSUFFICIENT_FUNDS};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        cr_expect_gt(reasons[wanted[i]], 50, "only %" PRIu64 " %s", reasons[wanted[i]], reason_name(wanted[i]));
}
