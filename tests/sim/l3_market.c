#include "l3_market.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* ---- the recording ---- */

static struct event *push(struct l3_market *market, const struct event *event, const struct level *levels)
{
    const size_t count = event_has_levels(event->kind) ? event->bid_count + event->ask_count : 0;
    if (market->count == market->capacity) {
        market->capacity = market->capacity == 0 ? 1024 : market->capacity * 2;
        market->events = realloc(market->events, market->capacity * sizeof(struct event));
    }
    while (market->level_count + count > market->level_capacity) {
        market->level_capacity = market->level_capacity == 0 ? 4096 : market->level_capacity * 2;
        market->levels = realloc(market->levels, market->level_capacity * sizeof(struct level));
    }
    if (count != 0)
        memcpy(market->levels + market->level_count, levels, count * sizeof(struct level));
    market->level_count += count;
    market->events[market->count] = *event;
    return &market->events[market->count++];
}

/* Arrays stand still now: events get the address of their levels. */
static void settle(struct l3_market *market)
{
    const struct level *at = market->levels;
    for (uint32_t i = 0; i < market->count; i++) {
        struct event *event = &market->events[i];
        if (!event_has_levels(event->kind)) {
            event->body = NULL;
            continue;
        }
        event->levels = at;
        at += event->bid_count + event->ask_count;
    }
}

void l3_market_free(struct l3_market *market)
{
    free(market->events);
    free(market->levels);
}

/* ---- the small one ---- */

#define ORDERS 120

struct resting {
    uint64_t id;
    enum side side;
    px_t price;
    qty_t qty;
};

struct maker {
    struct l3_market *market;
    struct prng prng;
    struct resting orders[ORDERS]; /* in the order of joining */
    int count;
    uint64_t last_id;
    ns_t exch_ts, ts;
    bool silent; /* a gap: what happens is not told */
};

static bool better(enum side side, px_t a, px_t b)
{
    return side == SIDE_BUY ? a > b : a < b;
}

static struct event base_event(const struct maker *maker, enum event_kind kind)
{
    return (struct event){.ts = maker->ts, .exch_ts = maker->exch_ts, .kind = (uint8_t)kind};
}

static void tell(struct maker *maker, enum event_kind kind, const struct resting *order, qty_t qty)
{
    const struct level level = {order->price, qty};
    struct event event = base_event(maker, kind);
    event.bid_count = 1;
    event.seq_first = order->id;
    event.flags = order->side == SIDE_SELL ? EVENT_SELL : 0;
    if (kind == EVENT_TRADE) {
        event.seq_first = 0;
        event.flags ^= EVENT_SELL; /* the aggressor's side */
    }
    if (!maker->silent)
        push(maker->market, &event, &level);
}

static void tell_all(struct maker *maker)
{
    const struct event event = base_event(maker, EVENT_BOOK_SNAPSHOT);
    push(maker->market, &event, NULL);
    for (px_t price = L3_SMALL_BASE; price < L3_SMALL_BASE + L3_SMALL_PRICES; price++)
        for (int i = 0; i < maker->count; i++)
            if (maker->orders[i].price == price)
                tell(maker, EVENT_L3_ADD, &maker->orders[i], maker->orders[i].qty);
}

static void tell_levels(struct maker *maker)
{
    struct level levels[2 * L3_SMALL_PRICES];
    struct event event = base_event(maker, EVENT_BOOK_SNAPSHOT);
    uint32_t counts[2] = {0, 0};
    for (int side = 0; side < 2; side++)
        for (px_t n = 0; n < L3_SMALL_PRICES; n++) {
            const px_t price = L3_SMALL_BASE + (side == SIDE_BUY ? L3_SMALL_PRICES - 1 - n : n);
            qty_t sum = 0;
            for (int i = 0; i < maker->count; i++)
                if (maker->orders[i].price == price && (int)maker->orders[i].side == side)
                    sum += maker->orders[i].qty;
            if (sum != 0)
                levels[counts[0] + counts[side] * (side == SIDE_SELL)] = (struct level){price, sum};
            counts[side] += sum != 0;
        }
    event.bid_count = counts[0];
    event.ask_count = counts[1];
    if (!maker->silent && counts[0] + counts[1] != 0)
        push(maker->market, &event, levels);
}

static void leave(struct maker *maker, int at)
{
    memmove(maker->orders + at, maker->orders + at + 1, (size_t)(maker->count - at - 1) * sizeof(*maker->orders));
    maker->count--;
}

/* First come at the best price; -1: the side is empty. */
static int front(const struct maker *maker, enum side side)
{
    int found = -1;
    for (int i = 0; i < maker->count; i++)
        if (maker->orders[i].side == side &&
            (found < 0 || better(side, maker->orders[i].price, maker->orders[found].price)))
            found = i;
    return found;
}

static void execute(struct maker *maker, int at, qty_t qty)
{
    struct resting *order = &maker->orders[at];
    tell(maker, EVENT_TRADE, order, qty);
    tell(maker, EVENT_L3_EXECUTE, order, qty);
    order->qty -= qty;
    if (order->qty == 0)
        leave(maker, at);
}

/* A taker; returns what its limit left of it. */
static qty_t take(struct maker *maker, enum side side, px_t limit, qty_t qty)
{
    for (int at; qty > 0 && (at = front(maker, side_opposite(side))) >= 0;) {
        if (better(side_opposite(side), limit, maker->orders[at].price))
            break;
        const qty_t met = maker->orders[at].qty < qty ? maker->orders[at].qty : qty;
        execute(maker, at, met);
        qty -= met;
    }
    return qty;
}

static void join(struct maker *maker, enum side side, px_t price, qty_t qty)
{
    if (maker->count == ORDERS || qty <= 0)
        return;
    maker->orders[maker->count] = (struct resting){++maker->last_id, side, price, qty};
    tell(maker, EVENT_L3_ADD, &maker->orders[maker->count++], qty);
}

static px_t draw_price(struct maker *maker)
{
    return L3_SMALL_BASE + prng_range(&maker->prng, 0, L3_SMALL_PRICES - 1);
}

/* An order that takes what it can; one in fifty comes to rest through the other side, as in no fair market. */
static void limit_order(struct maker *maker)
{
    const enum side side = (enum side)prng_below(&maker->prng, 2);
    const px_t price = draw_price(maker);
    qty_t qty = prng_range(&maker->prng, 1, 12);
    if (maker->market->fair || prng_below(&maker->prng, 50) != 0)
        qty = take(maker, side, price, prng_below(&maker->prng, 2) != 0 ? qty : 1);
    join(maker, side, price, qty);
}

static void modify(struct maker *maker, int at)
{
    struct resting order = maker->orders[at];
    const qty_t qty = prng_below(&maker->prng, 2) != 0 ? order.qty : prng_range(&maker->prng, 1, 12);
    if (prng_below(&maker->prng, 2) != 0)
        order.price = draw_price(maker);
    const int other = front(maker, side_opposite(order.side));
    if (other >= 0 && !better(side_opposite(order.side), order.price, maker->orders[other].price))
        order.price = maker->orders[at].price; /* it would take: it stays */
    const bool stays = order.price == maker->orders[at].price && qty <= order.qty;
    order.qty = qty;
    tell(maker, EVENT_L3_MODIFY, &order, qty);
    if (stays) {
        maker->orders[at] = order;
    } else {
        leave(maker, at);
        maker->orders[maker->count++] = order;
    }
}

static void cancel(struct maker *maker, int at)
{
    struct resting *order = &maker->orders[at];
    order->qty = prng_below(&maker->prng, 3) == 0 ? prng_range(&maker->prng, 0, order->qty) : 0;
    tell(maker, EVENT_L3_CANCEL, order, order->qty);
    if (order->qty == 0)
        leave(maker, at);
}

static void fault(struct maker *maker)
{
    if (maker->silent) {
        maker->silent = false;
        tell_all(maker);
    } else if (prng_below(&maker->prng, 2) == 0) {
        const struct event event = base_event(maker, EVENT_GAP);
        push(maker->market, &event, NULL);
        maker->silent = true;
    } else { /* an order that nobody knows */
        tell(maker, EVENT_L3_CANCEL, &(struct resting){.id = 999999, .price = L3_SMALL_BASE}, 0);
        maker->silent = true;
    }
}

/* Draws one after the other: compilers differ in the order of arguments. */
static void market_order(struct maker *maker)
{
    const enum side side = (enum side)prng_below(&maker->prng, 2);
    const bool to_the_end = prng_below(&maker->prng, 2) == 0;
    const px_t limit = side == SIDE_BUY ? INT64_MAX : 0, reach = draw_price(maker);
    (void)take(maker, side, to_the_end ? limit : reach, prng_range(&maker->prng, 1, 15));
}

static void act(struct maker *maker, bool faults)
{
    const uint64_t draw = prng_below(&maker->prng, 1000);
    const int at = maker->count == 0 ? -1 : (int)prng_below(&maker->prng, (uint64_t)maker->count);
    if (faults && draw < (maker->silent ? 60 : 3))
        fault(maker);
    else if (at < 0 || draw < 430 || maker->count < 20)
        limit_order(maker);
    else if (draw < 560)
        modify(maker, at);
    else if (draw < 790)
        cancel(maker, at);
    else if (maker->market->fair || draw < 990)
        market_order(maker);
    else /* executed before those in front of it */
        execute(maker, at, prng_range(&maker->prng, 1, maker->orders[at].qty));
}

void l3_market_small(struct l3_market *market, uint64_t seed, uint32_t actions, bool levels, bool faults, bool fair)
{
    struct maker maker = {.market = market, .exch_ts = 1000, .ts = 1005};
    *market = (struct l3_market){.fair = fair, .faults = faults};
    prng_init(&maker.prng, seed, 21);
    cr_assert_eq(instrument_init(&market->instrument, "synthetic", "TEST", "BTC", "USDT",
                                 seed % 3 == 0 ? CONTRACT_SPOT : CONTRACT_LINEAR, seed % 2, seed % 4),
                 ERR_OK);
    for (int i = 0; i < 30; i++) {
        const px_t price = draw_price(&maker);
        join(&maker, price < L3_SMALL_BASE + L3_SMALL_PRICES / 2 ? SIDE_BUY : SIDE_SELL, price,
             prng_range(&maker.prng, 1, 12));
    }
    for (uint32_t i = 0; i < actions; i++) {
        if (prng_below(&maker.prng, 3) != 0)
            maker.exch_ts += prng_range(&maker.prng, 0, 20);
        const ns_t arrival = maker.exch_ts + 5 + prng_range(&maker.prng, 0, 9);
        maker.ts = arrival > maker.ts ? arrival : maker.ts;
        act(&maker, faults);
        if (levels && prng_below(&maker.prng, 12) == 0)
            tell_levels(&maker);
    }
    settle(market);
}

/* ---- the synthetic one ---- */

void l3_market_synth(struct l3_market *market, const struct synth_config *config)
{
    void *memory = aligned_alloc(64, (synth_market_size(config) + 63) / 64 * 64);
    struct synth_market *synth = synth_market_init(memory, config);
    struct feed *feed = synth_feed(synth);
    struct event_batch batch;
    *market = (struct l3_market){.instrument = synth_instruments(synth)[0], .fair = true};
    while (feed->ops->next(feed, &batch) == ERR_OK) {
        for (uint32_t i = 0; i < batch.count; i++)
            push(market, &batch.events[i], batch.events[i].levels);
        feed->ops->release(feed, batch.handle);
    }
    free(memory);
    settle(market);
}

/* ---- the feed ---- */

static err_t feed_next(struct feed *base, struct event_batch *batch)
{
    struct l3_feed *feed = (struct l3_feed *)(void *)base;
    const uint32_t left = feed->market->count - feed->at;
    if (left == 0)
        return ERR_END;
    uint32_t count = 1 + (uint32_t)prng_below(&feed->prng, feed->batch_max);
    count = count < left ? count : left;
    *batch = (struct event_batch){feed->market->events + feed->at, count, 0};
    feed->at += count;
    return ERR_OK;
}

static void feed_release(struct feed *feed, uint32_t handle)
{
    (void)feed;
    (void)handle;
}

static const struct feed_ops feed_ops = {feed_next, feed_release, NULL};

void l3_feed_init(struct l3_feed *feed, const struct l3_market *market, uint64_t seed, uint32_t batch_max)
{
    *feed = (struct l3_feed){.feed = {.ops = &feed_ops}, .market = market, .batch_max = batch_max};
    prng_init(&feed->prng, seed, 5);
}
