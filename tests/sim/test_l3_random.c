/* Exact queues through the whole simulated world, against the slow venue that keeps lists (slow_l3.c).
 *
 * A strategy that trades at random runs on a recording of single orders. Written down on the way: requests as they
 * leave and as they reach the venue, every word of the venue, every word that reaches the strategy, every move of a
 * place in a queue. Then the slow venue is given the recording and the requests, merged by venue time, and must say
 * the same, to the last digit of every fee. Beside that, without the slow venue:
 *
 *   - no displayed quantity fills twice: an execution fills at most its quantity; of a price no more is taken than
 *     orders showed there since it was last empty
 *   - nothing fills before it arrived, and nobody hears of it before the answer has come back
 *   - a place in a queue never grows, and moves only with the orders ahead of it
 *   - cash, positions and fees of the venue and of the strategy are the sums over the fills */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/engine.h"
#include "l3_market.h"
#include "sim/sim_world.h"
#include "sim/why.h"
#include "slow_l3.h"

#define OWN_MAX    8
#define LOG_MAX    200000
#define PRICES_MAX 8192

struct arrived {
    ns_t sent, ts;
    struct venue_request request;
};

struct heard {
    ns_t ts;
    const struct event *cause; /* what the venue was handling; NULL: a request */
    struct execution execution;
};

struct place {
    uint64_t order_id;
    qty_t ahead;
};

struct rig {
    uint64_t seed;
    const struct l3_market *market;
    struct l3_feed feed;
    struct prng prng;
    uint32_t act_per_mille;
    bool constant; /* latencies */
    ns_t entry, response;
    struct risk_limits limits;
    struct venue_sink sink;
    struct venue_watch watch;
    struct world *world;
    void *world_memory;
    struct venue *venue;
    struct engine *engine;
    struct rig *self;
    struct arrived *arrived;
    struct heard *said, *heard; /* at the venue, by the strategy */
    ns_t *sent;
    int sent_count, arrived_count, said_count, heard_count;
    struct place places[OWN_MAX + 1]; /* last told */
    int place_count;
    uint64_t moves;
    /* the second reading, beside the slow venue */
    struct slow_l3 slow;
    int told;                  /* words of the venue held against the slow one */
    qty_t *added[2], *took[2]; /* by price, since the price was last empty */
    px_t lowest;
    uint64_t fills, taken, crossed, executed;
};

#define CONTEXT "seed %" PRIu64

/* ---- the watch ---- */

static bool wants(void *context, uint64_t order_id)
{
    (void)context;
    (void)order_id;
    return true;
}

static struct place *place_of(struct rig *rig, uint64_t order_id)
{
    for (int i = 0; i < rig->place_count; i++)
        if (rig->places[i].order_id == order_id)
            return &rig->places[i];
    return NULL;
}

static void on_note(void *context, const struct why_note *note)
{
    struct rig *rig = context;
    struct place *place = place_of(rig, note->order_id);
    switch (note->kind) {
    case WHY_SENT:
        cr_assert_lt(rig->sent_count, LOG_MAX);
        rig->sent[rig->sent_count++] = note->ts;
        break;
    case WHY_ARRIVED:
        cr_assert(rig->arrived_count < rig->sent_count);
        rig->arrived[rig->arrived_count] =
            (struct arrived){rig->sent[rig->arrived_count], note->ts, note->arrived.request};
        rig->arrived_count++;
        break;
    case WHY_JOINED:
        if (place == NULL) {
            cr_assert_leq(rig->place_count, OWN_MAX);
            place = &rig->places[rig->place_count++];
        }
        *place = (struct place){note->order_id, note->joined.ahead};
        break;
    case WHY_DISPLAY: {
        const struct event *cause = note->cause;
        /* After a gap those ahead are told again, one by one. */
        const bool told_again = rig->market->faults && cause->kind == EVENT_L3_ADD;
        cr_assert_not_null(place);
        rig->moves++;
        cr_assert(place->ahead == note->moved.before.ahead || told_again, CONTEXT ": it moved untold", rig->seed);
        cr_assert(note->moved.after.ahead < place->ahead || told_again, CONTEXT ": it grew", rig->seed);
        cr_assert(event_is_level3(cause->kind), CONTEXT ": moved by %s", rig->seed,
                  event_kind_name((enum event_kind)cause->kind));
        place->ahead = note->moved.after.ahead;
        break;
    }
    default:
        break;
    }
}

/* ---- the words of the venue ---- */

static void on_emit(void *context, ns_t venue_ts, const struct execution *execution, uint16_t instrument)
{
    struct rig *rig = context;
    cr_assert_lt(rig->said_count, LOG_MAX);
    rig->said[rig->said_count++] = (struct heard){venue_ts, rig->watch.market, *execution};
    const bool ends = execution->kind == EXEC_CANCELLED || execution->kind == EXEC_EXPIRED ||
                      (execution->kind == EXEC_FILL && execution->leaves == 0);
    struct place *place = place_of(rig, execution->order_id);
    if (ends && place != NULL)
        *place = rig->places[--rig->place_count];
    rig->sink.emit(rig->sink.context, venue_ts, execution, instrument);
}

/* ---- the strategy ---- */

static struct rig *rig_in(void *state)
{
    return *(struct rig **)state;
}

static struct order *any_open(struct rig *rig, struct strategy_ctx *ctx)
{
    struct order_table *orders = strategy_orders(ctx);
    const uint32_t count = order_table_open_count(orders);
    if (count == 0)
        return NULL;
    struct order *order = order_table_next_open(orders, NULL);
    for (uint64_t skip = prng_below(&rig->prng, count); skip > 0; skip--)
        order = order_table_next_open(orders, order);
    return order->cancel_pending || order->amend_pending ? NULL : order;
}

static void place_order(struct rig *rig, struct strategy_ctx *ctx)
{
    const struct book *book = strategy_book(ctx, 0);
    const enum side side = (enum side)prng_below(&rig->prng, 2);
    const px_t tick = rig->market->instrument.tick_tables[0].bands[0].tick;
    const qty_t lot = rig->market->instrument.lot;
    struct level touch;
    if (!book_best(book, side, &touch) && !book_best(book, side_opposite(side), &touch))
        return;
    const uint64_t draw = prng_below(&rig->prng, 100);
    px_t price = touch.price + side_sign(side) * prng_range(&rig->prng, -4, 2) * tick;
    price = price < tick ? tick : price;
    (void)!strategy_submit(ctx,
                           &(struct order_request){.side = (uint8_t)side,
                                                   .type = draw < 8 ? ORDER_MARKET : ORDER_LIMIT,
                                                   .tif = draw < 8    ? TIF_IOC
                                                          : draw < 16 ? TIF_IOC
                                                          : draw < 22 ? TIF_FOK
                                                                      : TIF_GTC,
                                                   .flags = (uint8_t)((draw > 70 ? ORDER_POST_ONLY : 0) |
                                                                      (draw % 10 == 0 ? ORDER_REDUCE_ONLY : 0)),
                                                   .price = draw < 8 ? 0 : price,
                                                   .qty = prng_range(&rig->prng, 1, 14) * lot},
                           NULL);
}

static void on_market(struct strategy_ctx *ctx, void *state, const struct event *event)
{
    struct rig *rig = rig_in(state);
    (void)event;
    if (prng_below(&rig->prng, 1000) >= rig->act_per_mille)
        return;
    const uint64_t draw = prng_below(&rig->prng, 10);
    struct order *order;
    if (draw < 6) {
        place_order(rig, ctx);
    } else if ((order = any_open(rig, ctx)) != NULL && draw < 8) {
        (void)!strategy_cancel(ctx, order->id);
    } else if (order != NULL && order->type == ORDER_LIMIT) {
        const px_t move = prng_range(&rig->prng, -1, 1) * rig->market->instrument.tick_tables[0].bands[0].tick;
        const qty_t qty = order->qty + prng_range(&rig->prng, -3, 2) * rig->market->instrument.lot;
        if (qty > 0 && order->price + move > 0)
            (void)!strategy_amend(ctx, order->id, order->price + move, qty);
    }
}

static void on_order(struct strategy_ctx *ctx, void *state, const struct order *order,
                     const struct execution *execution)
{
    struct rig *rig = rig_in(state);
    (void)order;
    cr_assert_lt(rig->heard_count, LOG_MAX);
    rig->heard[rig->heard_count++] = (struct heard){strategy_now(ctx), NULL, *execution};
}

static const struct strategy trader = {
    .abi = STRATEGY_ABI, .name = "random", .book = on_market, .trade = on_market, .order = on_order};

/* ---- up and down ---- */

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

static void draw_latency(struct rig *rig, struct latency_model *model)
{
    static const ns_t delays[] = {0, 1, 7, 40, 300, 5000};
    struct latency_config config = {0};
    config.entry.value = delays[prng_below(&rig->prng, ARRAY_LEN(delays))];
    config.response.value = delays[prng_below(&rig->prng, ARRAY_LEN(delays))];
    rig->constant = prng_below(&rig->prng, 3) != 0;
    if (!rig->constant) {
        config.entry.kind = config.response.kind = LATENCY_LOGNORMAL;
        config.entry.value += 20;
        config.response.value += 20;
        config.entry.min = config.entry.value / 3;
        config.response.min = config.response.value / 3;
        config.entry.sigma = config.response.sigma = 700000000;
        config.seed = rig->seed;
    }
    cr_assert_eq(latency_model_init(model, &config, NULL), ERR_OK);
    rig->entry = latency_entry_min(model);
    rig->response = latency_response_min(model);
}

static void open_rig(struct rig *rig)
{
    struct latency_model latency;
    draw_latency(rig, &latency);
    l3_feed_init(&rig->feed, rig->market, rig->seed,
                 rig->market->count > 8000 ? 2000 : 60 + (uint32_t)prng_below(&rig->prng, 300));
    rig->watch = (struct venue_watch){.context = rig, .wants = wants, .note = on_note};
    struct feed *lanes[1] = {&rig->feed.feed};
    const struct venue_config venue = {.instruments = &rig->market->instrument,
                                       .instrument_count = 1,
                                       .book_window = BOOK_WINDOW_MIN,
                                       .book_far = 4096,
                                       .own_orders_max = OWN_MAX,
                                       .queue = {.kind = QUEUE_L3_FIFO},
                                       .l3_orders = 16384,
                                       .watch = &rig->watch};
    struct sim_config world = {.lanes = lanes,
                               .lane_count = 1,
                               .latency = &latency,
                               .requests_max = 4096,
                               .instrument_count = 1,
                               .watch = &rig->watch};
    const struct engine_config engine = {.instruments = &rig->market->instrument,
                                         .checks = ENGINE_CHECKS_ALL,
                                         .limits = &rig->limits,
                                         .instrument_count = 1,
                                         .book_window = BOOK_WINDOW_MIN,
                                         .book_far = 4096,
                                         .l3_orders = 16384,
                                         .order_capacity = 4096,
                                         .timer_capacity = 16,
                                         .seed = rig->seed,
                                         .strategy = &trader};
    rig->world_memory = fresh(sim_world_size(&world));
    rig->sink = sim_world_sink(rig->world_memory, 0);
    rig->venue = venue_init(fresh(venue_size(&venue)), &venue, &(struct venue_sink){rig, on_emit});
    world.venue = rig->venue;
    rig->world = sim_world_init(rig->world_memory, &world);
    rig->self = rig;
    rig->engine = engine_init(fresh(engine_size(&engine)), &engine, rig->world, &rig->self);
    sim_world_books(rig->world, books, rig->engine);
}

/* ---- the second reading ---- */

static qty_t *at_price(struct rig *rig, qty_t *const by_price[2], enum side side, px_t price)
{
    cr_assert(price >= rig->lowest && price < rig->lowest + PRICES_MAX, CONTEXT ": price %" PRId64, rig->seed, price);
    return &by_price[side][price - rig->lowest];
}

/* What an event is about to show that is new at its price. */
static void note_supply(struct rig *rig, const struct event *event)
{
    if ((event->kind != EVENT_L3_ADD && event->kind != EVENT_L3_MODIFY) || rig->slow.lost)
        return;
    const enum side side = event->flags & EVENT_SELL ? SIDE_SELL : SIDE_BUY;
    const px_t price = event->levels[0].price;
    if (slow_l3_shown(&rig->slow, side, price) == 0)
        *at_price(rig, rig->added, side, price) = *at_price(rig, rig->took, side, price) = 0;
    *at_price(rig, rig->added, side, price) += event->levels[0].qty;
}

/* Fills of one moment of the venue against what there was. */
static void check_supply(struct rig *rig, const struct heard *said, int count)
{
    qty_t executed = 0, crossed = 0;
    for (int i = 0; i < count; i++) {
        const struct execution *fill = &said[i].execution;
        const struct event *cause = said[i].cause;
        if (fill->kind != EXEC_FILL)
            continue;
        const struct order *order = order_table_find(engine_orders(rig->engine), fill->order_id);
        cr_assert_not_null(order);
        const enum side side = (enum side)order->side, opposite = side_opposite(side);
        rig->fills++;
        if (fill->maker == 0) {
            rig->taken++;
            qty_t *took = at_price(rig, rig->took, opposite, fill->price);
            *took += fill->qty;
            cr_assert_leq(*took, *at_price(rig, rig->added, opposite, fill->price),
                          CONTEXT ": more taken at %" PRId64 " than was shown", rig->seed, fill->price);
            continue;
        }
        cr_assert(cause != NULL && event_is_level3(cause->kind), CONTEXT ": it rested and filled by nothing",
                  rig->seed);
        const bool execution = cause->kind == EVENT_L3_EXECUTE;
        rig->executed += execution;
        rig->crossed += !execution;
        cr_assert_eq(side,
                     (cause->flags & EVENT_SELL) != 0 ? (execution ? SIDE_SELL : SIDE_BUY)
                                                      : (execution ? SIDE_BUY : SIDE_SELL),
                     CONTEXT, rig->seed);
        /* Where the recording itself is crossed, what lay there before may fill us when our queue moves. */
        if (!rig->market->fair && !execution)
            continue;
        cr_assert(side == SIDE_BUY ? fill->price >= cause->levels[0].price : fill->price <= cause->levels[0].price,
                  CONTEXT ": filled at %" PRId64 " by what was at %" PRId64, rig->seed, fill->price,
                  cause->levels[0].price);
        *(execution ? &executed : &crossed) += fill->qty;
        cr_assert_leq(execution ? executed : crossed, cause->levels[0].qty, CONTEXT ": one quantity filled twice",
                      rig->seed);
    }
}

static void check_word(const struct rig *rig, const struct heard *said, const struct slow_said *slow)
{
    const struct execution *execution = &said->execution;
    const bool fill = slow->kind == EXEC_FILL;
    const bool same = said->ts == slow->ts && execution->venue_ts == slow->ts &&
                      execution->order_id == slow->order_id && execution->kind == slow->kind &&
                      execution->reason == slow->reason &&
                      (!fill || (execution->price == slow->price && execution->qty == slow->qty &&
                                 execution->leaves == slow->leaves && (execution->maker != 0) == slow->maker &&
                                 execution->fee == slow->fee && execution->fee_decimals == 8));
    cr_assert(same,
              CONTEXT " at %" PRId64 ": the venue says %s %" PRIu64 " %s %" PRId64 " x %" PRId64 " leaves %" PRId64
                      " fee %" PRId64 ", not %s %" PRIu64 " %s %" PRId64 " x %" PRId64 " leaves %" PRId64
                      " fee %" PRId64 " at %" PRId64,
              rig->seed, said->ts, exec_kind_name((enum exec_kind)execution->kind), execution->order_id,
              reason_name((enum reason)execution->reason), execution->price, execution->qty, execution->leaves,
              (int64_t)execution->fee, exec_kind_name(slow->kind), slow->order_id, reason_name(slow->reason),
              slow->price, slow->qty, slow->leaves, (int64_t)slow->fee, slow->ts);
}

/* After the slow venue has handled something: the venue must have said the same. */
static void check_words(struct rig *rig, const struct event *cause)
{
    const int from = rig->told;
    for (; rig->told < rig->slow.said_count; rig->told++) {
        cr_assert_lt(rig->told, rig->said_count, CONTEXT " at %" PRId64 ": %s of %" PRIu64 " was not said", rig->seed,
                     rig->slow.now, exec_kind_name(rig->slow.said[rig->told].kind),
                     rig->slow.said[rig->told].order_id);
        check_word(rig, &rig->said[rig->told], &rig->slow.said[rig->told]);
        cr_assert_eq(rig->said[rig->told].cause, cause, CONTEXT, rig->seed);
    }
    check_supply(rig, rig->said + from, rig->told - from);
}

static void check_arrivals(const struct rig *rig)
{
    ns_t last = INT64_MIN;
    for (int i = 0; i < rig->arrived_count; i++) {
        const struct arrived *arrived = &rig->arrived[i];
        cr_assert(rig->constant ? arrived->ts == arrived->sent + rig->entry
                                : arrived->ts >= arrived->sent + rig->entry,
                  CONTEXT ": sent %" PRId64 ", arrived %" PRId64, rig->seed, arrived->sent, arrived->ts);
        cr_assert(arrived->ts >= last, CONTEXT ": overtaken", rig->seed);
        last = arrived->ts;
    }
    cr_assert_eq(rig->sent_count, rig->arrived_count);
    cr_assert_eq(rig->heard_count, rig->said_count, CONTEXT, rig->seed);
    last = INT64_MIN;
    for (int i = 0; i < rig->heard_count; i++) {
        const struct heard *heard = &rig->heard[i];
        const ns_t least = rig->said[i].ts + rig->response;
        cr_assert_eq(memcmp(&heard->execution, &rig->said[i].execution, sizeof(heard->execution)), 0, CONTEXT,
                     rig->seed);
        cr_assert(rig->constant ? heard->ts == least : heard->ts >= least && heard->ts >= last,
                  CONTEXT ": said at %" PRId64 ", heard at %" PRId64, rig->seed, rig->said[i].ts, heard->ts);
        last = heard->ts;
    }
}

static void check_account(const struct rig *rig, const struct account *account, const char *whose)
{
    const struct instrument *rules = &rig->market->instrument;
    const struct slow_l3 *slow = &rig->slow;
    const struct balance *quote = account_balance(account, rules->quote),
                         *base = account_balance(account, rules->base);
    const money_t unit = money_pow10(MONEY_DECIMALS - rules->price_decimals - rules->qty_decimals);
    const money_t fees = slow->fees * money_pow10(MONEY_DECIMALS - 8);
    const money_t total = quote == NULL ? 0 : quote->total;
    const px_t mark = 12345;
    money_t profit = 0;
    cr_assert_eq(account_position(account, 0)->qty, slow->position, CONTEXT " %s", rig->seed, whose);
    if (rules->contract == CONTRACT_SPOT) {
        cr_assert((base == NULL ? 0 : base->total) ==
                      slow->position * money_pow10(MONEY_DECIMALS - rules->qty_decimals),
                  CONTEXT ": base of %s", rig->seed, whose);
        cr_assert(total == -slow->paid * unit - fees, CONTEXT ": quote of %s", rig->seed, whose);
    } else {
        cr_assert_eq(account_unrealised(account, 0, mark, &profit), ERR_OK);
        cr_assert(total + profit == ((money_t)slow->position * mark - slow->paid) * unit - fees,
                  CONTEXT ": cash of %s", rig->seed, whose);
    }
    cr_assert((quote == NULL ? 0 : quote->fees) == fees, CONTEXT ": fees of %s", rig->seed, whose);
}

static void check_books(struct rig *rig)
{
    const struct book *book = venue_book(rig->venue, 0);
    if (rig->arrived_count == 0)
        return; /* it never woke */
    cr_assert_eq((book->flags & BOOK_STALE) != 0, rig->slow.lost || rig->slow.fresh, CONTEXT, rig->seed);
    for (int side = 0; side < 2; side++)
        for (px_t price = rig->lowest; price < rig->lowest + PRICES_MAX && !rig->slow.lost; price++)
            if (rig->added[side][price - rig->lowest] != 0)
                cr_assert_eq(book_qty_at(book, (enum side)side, price),
                             slow_l3_shown(&rig->slow, (enum side)side, price), CONTEXT ": shown at %" PRId64,
                             rig->seed, price);
}

static void check_rest(struct rig *rig)
{
    for (int i = 0; i < rig->slow.count; i++) {
        const struct slow_one *one = &rig->slow.line[i];
        struct venue_order_view view;
        if (!one->ours)
            continue;
        cr_assert(venue_order(rig->venue, one->id, &view), CONTEXT ": %" PRIu64 " rests", rig->seed, one->id);
        cr_assert(view.leaves == one->left && view.price == one->price &&
                      view.ahead == slow_l3_ahead(&rig->slow, one->id),
                  CONTEXT ": %" PRIu64 " has %" PRId64 " ahead, not %" PRId64, rig->seed, one->id, view.ahead,
                  slow_l3_ahead(&rig->slow, one->id));
    }
}

/* The recording and the requests by venue time, a market event first. */
static void second_reading(struct rig *rig)
{
    const struct l3_market *market = rig->market;
    ns_t clock = INT64_MIN;
    int request = 0;
    slow_l3_init(&rig->slow, &market->instrument, OWN_MAX);
    for (uint32_t i = 0; i <= market->count; i++) {
        const struct event *event = i < market->count ? &market->events[i] : NULL;
        if (event != NULL) {
            const ns_t seen = event->exch_ts < event->ts ? event->exch_ts : event->ts;
            clock = seen > clock ? seen : clock;
        }
        for (; request < rig->arrived_count && (event == NULL || rig->arrived[request].ts < clock); request++) {
            slow_l3_request(&rig->slow, rig->arrived[request].ts, &rig->arrived[request].request);
            check_words(rig, NULL);
        }
        if (event == NULL)
            break;
        note_supply(rig, event);
        slow_l3_market(&rig->slow, clock, event);
        check_words(rig, event);
    }
    cr_assert_eq(rig->told, rig->said_count, CONTEXT ": the venue said more: %s of %" PRIu64 " at %" PRId64,
                 rig->seed, exec_kind_name((enum exec_kind)rig->said[rig->told].execution.kind),
                 rig->said[rig->told].execution.order_id, rig->said[rig->told].ts);
}

/* ---- runs ---- */

struct sum {
    uint64_t fills, taken, crossed, executed, moves, words;
};

static void run(uint64_t seed, struct l3_market *market, uint32_t act_per_mille, struct sum *sum)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    *rig = (struct rig){.seed = seed, .market = market, .act_per_mille = act_per_mille};
    prng_init(&rig->prng, seed, 31);
    market->instrument.maker_fee = seed % 2 ? 200000 : -50000;
    market->instrument.taker_fee = 543210;
    rig->arrived = calloc(LOG_MAX, sizeof(*rig->arrived));
    rig->said = calloc(LOG_MAX, sizeof(*rig->said));
    rig->heard = calloc(LOG_MAX, sizeof(*rig->heard));
    rig->sent = calloc(LOG_MAX, sizeof(*rig->sent));
    for (int side = 0; side < 2; side++) {
        rig->added[side] = calloc(PRICES_MAX, sizeof(qty_t));
        rig->took[side] = calloc(PRICES_MAX, sizeof(qty_t));
    }
    px_t lowest = INT64_MAX;
    for (uint32_t i = 0; i < market->count; i++)
        if (event_is_level3(market->events[i].kind) && market->events[i].levels[0].price < lowest)
            lowest = market->events[i].levels[0].price;
    rig->lowest = lowest;
    open_rig(rig);
    cr_assert_eq(engine_start(rig->engine), ERR_OK);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_END, CONTEXT ": %s", seed, engine_why(rig->engine)->text);
    check_arrivals(rig);
    second_reading(rig);
    check_books(rig);
    check_rest(rig);
    check_account(rig, venue_account(rig->venue), "the venue");
    check_account(rig, engine_account(rig->engine), "the strategy");
    sum->fills += rig->fills;
    sum->taken += rig->taken;
    sum->crossed += rig->crossed;
    sum->executed += rig->executed;
    sum->moves += rig->moves;
    sum->words += (uint64_t)rig->said_count;
    rig->world->ops->close(rig->world);
    for (int side = 0; side < 2; side++) {
        free(rig->added[side]);
        free(rig->took[side]);
    }
    free(rig->world_memory);
    free(rig->venue);
    free(rig->engine);
    free(rig->arrived);
    free(rig->said);
    free(rig->heard);
    free(rig->sent);
    slow_l3_free(&rig->slow);
    free(rig);
}

static void print_sum(const char *what, const struct sum *sum)
{
    fprintf(stderr,
            "%s: %" PRIu64 " answers, %" PRIu64 " fills (%" PRIu64 " taken, %" PRIu64 " crossed, %" PRIu64
            " executed), %" PRIu64 " moves in queues\n",
            what, sum->words, sum->fills, sum->taken, sum->crossed, sum->executed, sum->moves);
}

Test(l3_fifo, equals_a_slow_venue_on_small_wild_markets)
{
    struct sum sum = {0};
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct l3_market market;
        l3_market_small(&market, seed, 3000, seed % 4 >= 2, seed % 5 != 0, seed % 3 != 0);
        run(seed, &market, 60 + (uint32_t)seed % 300, &sum);
        l3_market_free(&market);
    }
    print_sum("small markets", &sum);
    cr_assert(sum.taken > 5000 && sum.crossed > 5000 && sum.executed > 20000 && sum.moves > 15000,
              "the markets drawn are too quiet to test anything");
}

Test(l3_fifo, equals_a_slow_venue_on_synthetic_markets)
{
    struct sum sum = {0};
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct l3_market market;
        struct synth_config config;
        synth_config_default(&config);
        config.seed = seed;
        config.duration_ns = 2 * NS_PER_S;
        config.levels = seed % 2 ? SYNTH_LEVEL3 : SYNTH_BOTH;
        config.contract = seed % 3 == 0 ? CONTRACT_SPOT : CONTRACT_LINEAR;
        config.market_ppm = 100000;
        l3_market_synth(&market, &config);
        run(seed, &market, 40, &sum);
        l3_market_free(&market);
    }
    print_sum("synthetic markets", &sum);
    cr_assert(sum.taken > 150 && sum.executed > 250 && sum.moves > 1000,
              "the markets drawn are too quiet to test anything");
}
