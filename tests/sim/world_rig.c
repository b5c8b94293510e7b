#include "world_rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH INT64_C(1000000)

/* ---- the market ---- */

struct maker {
    struct market *market;
    const struct market_options *options;
    struct prng prng;
    ns_t ts;
    px_t centers[RIG_INSTRUMENTS];
    bool stale[RIG_INSTRUMENTS];
};

static uint16_t book_lane(const struct market *market, uint16_t instrument)
{
    return instrument % market->lanes;
}

static uint16_t trade_lane(const struct market *market, uint16_t instrument)
{
    return (uint16_t)((instrument + 1) % market->lanes);
}

static ns_t draw_stamp(struct maker *maker)
{
    const uint64_t draw = prng_below(&maker->prng, 10);
    if (maker->options->no_stamps || draw == 0)
        return 0;
    if (draw == 1)
        return maker->ts + prng_range(&maker->prng, 1, 20);
    return maker->ts - (draw == 2 ? prng_range(&maker->prng, 50, 200) : prng_range(&maker->prng, 0, 25));
}

static struct market_event *add(struct maker *maker, uint16_t lane, uint16_t instrument, enum event_kind kind)
{
    struct market *market = maker->market;
    if (market->counts[lane] == RIG_LANE_EVENTS)
        return NULL;
    struct market_event *made = &market->events[lane][market->counts[lane]++];
    made->event = (struct event){.ts = maker->ts,
                                 .exch_ts = draw_stamp(maker),
                                 .seq = market->counts[lane],
                                 .levels = made->levels,
                                 .instrument = instrument,
                                 .kind = (uint8_t)kind,
                                 .lane = lane};
    return made;
}

static void put(struct market_event *made, enum side side, px_t price, qty_t qty)
{
    const uint32_t count = made->event.bid_count + made->event.ask_count;
    if (count == RIG_LEVELS || price < RIG_BASE || price >= RIG_BASE + RIG_PRICES)
        return;
    cr_assert(side == SIDE_SELL || made->event.ask_count == 0);
    made->levels[count] = (struct level){price, qty};
    made->event.bid_count += side == SIDE_BUY;
    made->event.ask_count += side == SIDE_SELL;
}

static void make_snapshot(struct maker *maker, uint16_t i)
{
    struct market_event *made = add(maker, book_lane(maker->market, i), i, EVENT_BOOK_SNAPSHOT);
    if (made == NULL)
        return;
    maker->stale[i] = false;
    for (px_t step = 1; step <= 8; step++)
        put(made, SIDE_BUY, maker->centers[i] - step, prng_range(&maker->prng, 1, 30));
    for (px_t step = 0; step < 8; step++)
        put(made, SIDE_SELL, maker->centers[i] + step, prng_range(&maker->prng, 1, 30));
}

/* The center moves by one price at most; what would be crossed goes in the same message. */
static void make_delta(struct maker *maker, uint16_t i)
{
    struct market_event *made = add(maker, book_lane(maker->market, i), i, EVENT_BOOK_DELTA);
    if (made == NULL)
        return;
    const px_t old = maker->centers[i];
    px_t center = old + prng_range(&maker->prng, -1, 1);
    if (center < RIG_BASE + 12 || center > RIG_BASE + RIG_PRICES - 12)
        center = old;
    maker->centers[i] = center;
    if (center < old)
        put(made, SIDE_BUY, center, 0);
    for (uint64_t n = prng_below(&maker->prng, 4); n-- > 0;)
        put(made, SIDE_BUY, center - prng_range(&maker->prng, 1, 10), prng_range(&maker->prng, 0, 30));
    if (center > old)
        put(made, SIDE_SELL, old, 0);
    for (uint64_t n = prng_below(&maker->prng, 4); n-- > 0;)
        put(made, SIDE_SELL, center + prng_range(&maker->prng, 0, 9), prng_range(&maker->prng, 0, 30));
}

static void make_trade(struct maker *maker, uint16_t i)
{
    struct market_event *made = add(maker, trade_lane(maker->market, i), i, EVENT_TRADE);
    if (made == NULL)
        return;
    const bool sell = prng_below(&maker->prng, 2) == 0;
    made->levels[0] =
        (struct level){maker->centers[i] - sell + prng_range(&maker->prng, -1, 1), prng_range(&maker->prng, 1, 25)};
    made->event.bid_count = 1;
    made->event.flags = sell ? EVENT_SELL : 0;
}

/* A gap of the whole source only where all books come through one lane: between lanes nobody knows which was first.
 */
static void make_gap(struct maker *maker, uint16_t i)
{
    const bool all = maker->market->lanes == 1 && prng_below(&maker->prng, 2) == 0;
    struct market_event *made = add(maker, book_lane(maker->market, i), all ? INSTRUMENT_NONE : i, EVENT_GAP);
    if (made == NULL)
        return;
    made->event.body = NULL;
    for (uint16_t j = 0; j < maker->market->instruments; j++)
        maker->stale[j] |= all || i == j;
}

static void plan(struct maker *maker, struct market_event *made)
{
    made->act = (enum act)prng_range(&maker->prng, ACT_IOC, ACT_TIMER);
    made->act_instrument = (uint16_t)prng_below(&maker->prng, maker->market->instruments);
    made->act_side = (uint8_t)prng_below(&maker->prng, 2);
    made->act_offset = (int)prng_range(&maker->prng, -3, 4);
    made->act_qty = prng_range(&maker->prng, 1, 40);
}

/* When the venue sees each event: the header of sim_world.h, word for word. */
static void reckon(struct market *market, uint16_t lane)
{
    ns_t clock = INT64_MIN, delay = 0;
    for (uint32_t n = 0; n < market->counts[lane]; n++) {
        struct market_event *made = &market->events[lane][n];
        const ns_t stamp = made->event.exch_ts != 0 ? made->event.exch_ts : made->event.ts - delay;
        const ns_t seen = stamp < made->event.ts ? stamp : made->event.ts;
        clock = made->venue_ts = seen > clock ? seen : clock;
        if (made->event.exch_ts != 0)
            delay = stamp < made->event.ts ? made->event.ts - stamp : 0;
    }
}

void market_make(struct market *market, const struct market_options *options)
{
    struct maker maker = {.market = market, .options = options, .ts = EPOCH};
    *market = (struct market){.lanes = options->lanes, .instruments = options->instruments};
    prng_init(&maker.prng, options->seed, 11);
    for (uint16_t lane = 0; lane < market->lanes; lane++) {
        market->events[lane] = calloc(RIG_LANE_EVENTS, sizeof(struct market_event));
        cr_assert(market->events[lane] != NULL);
    }
    for (uint16_t i = 0; i < market->instruments; i++) {
        maker.centers[i] = RIG_BASE + RIG_PRICES / 2 + i;
        make_snapshot(&maker, i);
    }
    for (uint32_t message = 0; message < options->messages; message++) {
        const uint16_t i = (uint16_t)prng_below(&maker.prng, market->instruments);
        const uint64_t draw = prng_below(&maker.prng, 100);
        maker.ts += prng_below(&maker.prng, 3) == 0 ? 0 : prng_range(&maker.prng, 0, 9);
        if (draw < 2)
            make_gap(&maker, i);
        else if (maker.stale[i] ? draw < 30 : draw < 5)
            make_snapshot(&maker, i);
        else if (draw < 65)
            make_delta(&maker, i);
        else
            make_trade(&maker, i);
        const uint16_t lane = (uint16_t)prng_below(&maker.prng, market->lanes);
        if (message >= options->acts_from && prng_below(&maker.prng, 1000) < options->per_mille &&
            market->counts[lane] != 0)
            plan(&maker, &market->events[lane][market->counts[lane] - 1]);
    }
    for (uint16_t lane = 0; lane < market->lanes; lane++)
        reckon(market, lane);
}

void market_free(struct market *market)
{
    for (uint16_t lane = 0; lane < market->lanes; lane++)
        free(market->events[lane]);
}

/* ---- the oracle ---- */

struct plain_book {
    qty_t shown[2][RIG_PRICES];
    bool stale;
};

static void plain_apply(struct plain_book *book, const struct event *event)
{
    if (event->kind == EVENT_GAP)
        book->stale = true;
    if (event->kind == EVENT_BOOK_SNAPSHOT)
        *book = (struct plain_book){.stale = false};
    if (event->kind != EVENT_BOOK_SNAPSHOT && event->kind != EVENT_BOOK_DELTA)
        return;
    for (uint32_t n = 0; n < event->bid_count + event->ask_count; n++)
        book->shown[n >= event->bid_count][event->levels[n].price - RIG_BASE] = event->levels[n].qty;
}

/* The book of an instrument as the venue shows it at `ts`: all events of that time or before, in the order of
 * (venue time, lane, position). */
static void plain_at(const struct market *market, uint16_t instrument, ns_t ts, struct plain_book *book)
{
    uint32_t at[RIG_LANES] = {0};
    *book = (struct plain_book){.stale = true};
    for (;;) {
        const struct market_event *next = NULL;
        for (uint16_t lane = 0; lane < market->lanes; lane++) {
            const struct market_event *made = &market->events[lane][at[lane]];
            if (at[lane] < market->counts[lane] && (next == NULL || made->venue_ts < next->venue_ts))
                next = made;
        }
        if (next == NULL || next->venue_ts > ts)
            return;
        if (next->event.instrument == instrument || next->event.instrument == INSTRUMENT_NONE)
            plain_apply(book, &next->event);
        at[next->event.lane]++;
    }
}

static void check_venue_book(struct world_rig *rig, uint16_t instrument, ns_t ts, uint64_t order_id)
{
    struct plain_book plain;
    plain_at(rig->market, instrument, ts, &plain);
    const struct book *book = venue_book(rig->venue, instrument);
    cr_assert_eq((book->flags & BOOK_STALE) != 0, plain.stale, "seed %" PRIu64 " order %" PRIu64, rig->seed,
                 order_id);
    for (int side = 0; side < 2; side++)
        for (px_t at = 0; at < RIG_PRICES; at++)
            cr_assert_eq(book_qty_at(book, (enum side)side, at + RIG_BASE), plain.shown[side][at],
                         "seed %" PRIu64 " order %" PRIu64 " at %" PRId64 ": %s %" PRId64 " shown %" PRId64
                         ", not %" PRId64,
                         rig->seed, order_id, ts, side_name((enum side)side), at + RIG_BASE,
                         book_qty_at(book, (enum side)side, at + RIG_BASE), plain.shown[side][at]);
}

/* Between the venue and the world: the first word about an order comes at the moment of its arrival. */
static void on_emit(void *context, ns_t venue_ts, const struct execution *execution, uint16_t instrument)
{
    struct world_rig *rig = context;
    cr_assert_eq(execution->venue_ts, venue_ts);
    if (execution->kind == EXEC_ACK || execution->kind == EXEC_REJECT) {
        rig->answered++;
        const ns_t least = rig->submitted[execution->order_id] + rig->latency.entry;
        cr_assert(rig->model != NULL ? venue_ts >= least : venue_ts == least, "seed %" PRIu64, rig->seed);
        if (!rig->late)
            check_venue_book(rig, instrument, venue_ts, execution->order_id);
    }
    rig->sink.emit(rig->sink.context, venue_ts, execution, instrument);
}

/* ---- feeds ---- */

static err_t feed_next(struct feed *base, struct event_batch *batch)
{
    struct fake_feed *feed = (struct fake_feed *)(void *)base;
    const bool ticks = feed->live && feed->tick != 0 && feed->at == feed->let_in;
    if (feed->live && !feed->over && feed->at == feed->let_in && !ticks)
        return ERR_AGAIN;
    if (feed->at == feed->count && !ticks)
        return feed->end == ERR_END ? ERR_END : err_say(&base->why, feed->end, "block 7 is damaged");
    if (feed->given - feed->released == feed->held_max)
        return ERR_FULL;
    uint32_t count = feed->batch != 0 ? feed->batch : (uint32_t)prng_range(&feed->prng, 0, 40);
    const uint32_t end = feed->live ? feed->let_in : feed->count;
    if (count > end - feed->at)
        count = end - feed->at;
    uint32_t slot = 0;
    while (feed->held[slot] != NULL)
        slot++;
    struct event *events = malloc((count + 1) * sizeof(*events)); /* freed when released: who looks later is caught */
    for (uint32_t n = 0; n < count; n++)
        events[n] = feed->events[feed->at + n].event;
    feed->at += count;
    if (ticks) {
        events[count++] = (struct event){.ts = feed->tick, .instrument = INSTRUMENT_NONE, .kind = EVENT_TICK};
        feed->tick = 0;
    }
    feed->held[slot] = events;
    feed->given++;
    *batch = (struct event_batch){events, count, slot};
    return ERR_OK;
}

static void feed_release(struct feed *base, uint32_t handle)
{
    struct fake_feed *feed = (struct fake_feed *)(void *)base;
    cr_assert(handle < ARRAY_LEN(feed->held) && feed->held[handle] != NULL, "released twice");
    free(feed->held[handle]);
    feed->held[handle] = NULL;
    feed->released++;
}

static const struct feed_ops feed_ops = {feed_next, feed_release, NULL};

/* ---- the strategy ---- */

static struct world_rig *rig_in(void *state)
{
    return *(struct world_rig **)state;
}

static void send(struct world_rig *rig, struct strategy_ctx *ctx, const struct order_request *request)
{
    uint64_t id = 0;
    err_t err = strategy_submit(ctx, request, &id);
    cr_assert(err == ERR_OK || err == ERR_RISK || err == ERR_FULL, "%s", err_name(err));
    cr_assert_lt(id, ARRAY_LEN(rig->submitted));
    if (err == ERR_OK)
        rig->submitted[id] = strategy_now(ctx);
    if (request->tag >= RIG_TAG_FAR)
        rig->far_id[request->tag - RIG_TAG_FAR] = id;
}

static void send_near(struct world_rig *rig, struct strategy_ctx *ctx, uint16_t instrument, enum side side,
                      int offset, qty_t qty, uint8_t type, uint8_t tif, uint8_t flags, uint64_t tag)
{
    struct level touch;
    if (!book_best(strategy_book(ctx, instrument), side_opposite(side), &touch))
        touch.price = RIG_BASE + RIG_PRICES / 2;
    const struct order_request request = {.instrument = instrument,
                                          .side = (uint8_t)side,
                                          .type = type,
                                          .tif = tif,
                                          .flags = flags,
                                          .price = type == ORDER_MARKET ? 0 : touch.price + side_sign(side) * offset,
                                          .qty = qty,
                                          .tag = tag};
    send(rig, ctx, &request);
}

/* The oldest open order that is not there to wake a venue. */
static struct order *oldest(struct strategy_ctx *ctx)
{
    struct order *order = order_table_next_open(strategy_orders(ctx), NULL);
    while (order != NULL && (order->tag >= RIG_TAG_FAR || order->cancel_pending || order->amend_pending))
        order = order_table_next_open(strategy_orders(ctx), order);
    return order;
}

/* Both in one message: they arrive at one instant. */
static void send_pair(struct world_rig *rig, struct strategy_ctx *ctx, struct order_request request)
{
    struct order_action actions[3] = {{.kind = ACTION_SUBMIT, .request = request},
                                      {.kind = ACTION_SUBMIT, .request = request},
                                      {.kind = ACTION_CANCEL, .order_id = 1}};
    actions[1].request.price -= side_sign((enum side)request.side) * 2;
    actions[1].request.tag++;
    cr_assert_eq(strategy_batch(ctx, actions, 3), ERR_OK);
    for (int i = 0; i < 2; i++)
        if (actions[i].result == ERR_OK)
            rig->submitted[actions[i].order_id] = strategy_now(ctx);
}

static void replace_oldest(struct world_rig *rig, struct strategy_ctx *ctx, const struct market_event *made,
                           struct order_request request)
{
    const struct order *old = oldest(ctx);
    uint64_t id;
    if (old == NULL)
        return;
    request.instrument = old->instrument;
    request.side = old->side;
    request.price = old->price + made->act_offset;
    request.flags = made->act_qty % 2 != 0 ? ORDER_REMAINING : 0;
    if (strategy_replace(ctx, old->id, &request,
                         made->act_qty % 3 != 0 ? REPLACE_STOP_ON_FAILURE : REPLACE_ALLOW_FAILURE, &id) == ERR_OK)
        rig->submitted[id] = strategy_now(ctx);
}

/* Orders that end by themselves, requests about several, and self-trades in every mode. False: as a plain strategy.
 */
static bool act_rich(struct world_rig *rig, struct strategy_ctx *ctx, const struct market_event *made)
{
    struct level touch = {RIG_BASE + RIG_PRICES / 2, 0};
    const enum side side = (enum side)made->act_side;
    (void)book_best(strategy_book(ctx, made->act_instrument), side_opposite(side), &touch);
    struct order_request request = {.instrument = made->act_instrument,
                                    .side = made->act_side,
                                    .stp = (uint8_t)(made->act_qty % STP_MODE_COUNT),
                                    .price = touch.price + side_sign(side) * made->act_offset,
                                    .qty = made->act_qty,
                                    .tag = made->event.lane * UINT64_C(10000) + made->event.seq};
    switch (made->act) {
    case ACT_GTC:
        request.tif = TIF_GTD;
        request.expire_ts = strategy_now(ctx) + made->act_qty * 4;
        send(rig, ctx, &request);
        return true;
    case ACT_IOC:
        request.type = ORDER_BEST;
        request.price = 0;
        request.tif = made->act_qty % 2 != 0 ? TIF_IOC : TIF_FOK;
        send(rig, ctx, &request);
        return true;
    case ACT_CANCEL:
        if (made->act_qty % 4 == 0)
            (void)!strategy_cancel_all(ctx, made->act_instrument);
        else
            replace_oldest(rig, ctx, made, request);
        return true;
    case ACT_TIMER:
        cr_assert_eq(strategy_countdown(ctx, made->act_instrument, made->act_qty % 5 * 9), ERR_OK);
        send_pair(rig, ctx, request);
        return true;
    default:
        return false;
    }
}

static void act(struct world_rig *rig, struct strategy_ctx *ctx, const struct market_event *made)
{
    if (rig->rich && act_rich(rig, ctx, made))
        return;
    const uint16_t i = made->act_instrument;
    const enum side side = (enum side)made->act_side;
    const uint64_t tag = made->event.lane * UINT64_C(10000) + made->event.seq;
    struct order *order;
    switch (made->act) {
    case ACT_NONE:
        break;
    case ACT_IOC:
        send_near(rig, ctx, i, side, made->act_offset, made->act_qty, ORDER_LIMIT, TIF_IOC, 0, tag);
        break;
    case ACT_GTC:
        send_near(rig, ctx, i, side, made->act_offset, made->act_qty, ORDER_LIMIT, TIF_GTC, 0, tag);
        break;
    case ACT_POST:
        send_near(rig, ctx, i, side, -1, made->act_qty, ORDER_LIMIT, TIF_GTC, ORDER_POST_ONLY, tag);
        break;
    case ACT_MARKET:
        send_near(rig, ctx, i, side, 0, made->act_qty, ORDER_MARKET, TIF_IOC, 0, tag);
        break;
    case ACT_CANCEL:
        if ((order = oldest(ctx)) != NULL)
            (void)!strategy_cancel(ctx, order->id);
        break;
    case ACT_AMEND:
        if ((order = oldest(ctx)) != NULL && order->type == ORDER_LIMIT)
            (void)!strategy_amend(ctx, order->id, order->price + made->act_offset, order->filled + made->act_qty);
        break;
    case ACT_TIMER:
        (void)!strategy_timer_at(ctx, strategy_now(ctx) + made->act_qty, NULL);
        break;
    }
}

static void wake_all(struct world_rig *rig, struct strategy_ctx *ctx)
{
    for (uint16_t i = 0; i < rig->market->instruments; i++)
        send(rig, ctx,
             &(struct order_request){.instrument = i,
                                     .side = SIDE_BUY,
                                     .price = 1,
                                     .qty = 1,
                                     .flags = ORDER_POST_ONLY,
                                     .tag = RIG_TAG_FAR + i});
}

/* Is it the world's own word, and not of a lane? Then its order is checked. */
static bool is_notice(struct world_rig *rig, const struct event *event)
{
    const struct market_event *events = rig->market->events[0];
    if (rig->faults == NULL)
        return false;
    bool of_lane = false;
    for (uint16_t lane = 0; lane < rig->market->lanes && event_has_levels(event->kind); lane++) {
        events = rig->market->events[lane];
        of_lane |= (uintptr_t)event->levels >= (uintptr_t)events &&
                   (uintptr_t)event->levels < (uintptr_t)(events + rig->market->counts[lane]);
    }
    const bool is_gap = event->kind == EVENT_GAP && rig->gap_due;
    if (of_lane || (event->kind == EVENT_GAP && !is_gap))
        return false;
    rig->notices[event->kind]++;
    if (rig->first_notice == 0)
        rig->first_notice = event->ts;
    cr_assert(rig->seen == 0 || event->ts > rig->seen_ts, "seed %" PRIu64 ": first of its instant", rig->seed);
    if (event->kind == EVENT_CONNECTION_DOWN && (event->flags & EVENT_PRIVATE) == 0) {
        cr_assert(!rig->line_down);
        rig->line_down = rig->gap_due = true;
    } else if (is_gap) {
        cr_assert(event->instrument == INSTRUMENT_NONE);
        rig->gap_due = false;
    } else if (event->kind == EVENT_CONNECTION_UP && (event->flags & EVENT_PRIVATE) == 0) {
        cr_assert(rig->line_down && !rig->gap_due);
        rig->line_down = false;
    } else if (event->kind == EVENT_BOOK_SNAPSHOT) {
        cr_assert(!rig->line_down);
    }
    return true;
}

static void on_market(struct strategy_ctx *ctx, void *state, const struct event *event)
{
    struct world_rig *rig = rig_in(state);
    if (is_notice(rig, event)) {
        if (rig->acts_on_notice && (event->kind == EVENT_CONNECTION_DOWN || event->kind == EVENT_CONNECTION_UP))
            send_near(rig, ctx, 0, SIDE_BUY, 1, 5, ORDER_LIMIT, TIF_IOC, 0, 600000 + (uint64_t)(event->ts % 50000));
        return;
    }
    cr_assert(!rig->line_down, "seed %" PRIu64 ": heard over a line that is cut", rig->seed);
    cr_assert(rig->seen == 0 || event->ts > rig->seen_ts ||
                  (event->ts == rig->seen_ts && event->lane >= rig->seen_lane),
              "seed %" PRIu64 ": %" PRId64 " of lane %u after %" PRId64 " of lane %u", rig->seed, event->ts,
              event->lane, rig->seen_ts, rig->seen_lane);
    if (rig->faults == NULL)
        cr_assert_eq(event->seq, rig->seen_position[event->lane] + 1, "position in the lane");
    cr_assert_gt(event->seq, rig->seen_position[event->lane], "position in the lane");
    rig->seen_position[event->lane] = event->seq;
    rig->seen++;
    rig->seen_ts = event->ts;
    rig->seen_lane = event->lane;
    if (rig->far_from != 0 && event->lane == 0 && event->seq == rig->far_from)
        wake_all(rig, ctx);
    if (rig->stubborn && rig->seen == 1)
        cr_assert_eq(strategy_timer_at(ctx, event->ts + 1, NULL), ERR_OK);
    if (!rig->quiet)
        act(rig, ctx, &rig->market->events[event->lane][event->seq - 1]);
}

static void on_order(struct strategy_ctx *ctx, void *state, const struct order *order,
                     const struct execution *execution)
{
    struct world_rig *rig = rig_in(state);
    const bool refusal = execution->reason == REASON_VENUE, lost = refusal && execution->venue_ts == 0;
    const ns_t least = execution->venue_ts + rig->latency.response;
    rig->refused += refusal && !lost && execution->kind == EXEC_REJECT;
    rig->lost += lost && execution->kind == EXEC_REJECT;
    const bool made_up = execution->reason == REASON_TIMEOUT || execution->reason == REASON_OUTAGE;
    rig->timed_out += execution->reason == REASON_TIMEOUT && execution->kind == EXEC_REJECT;
    rig->turned_away += execution->reason == REASON_OUTAGE && execution->kind == EXEC_REJECT;
    rig->queried += execution->reason == REASON_QUERIED;
    if (!refusal && !made_up)
        cr_assert(rig->model != NULL || rig->faults != NULL || rig->late ? strategy_now(ctx) >= least
                                                                         : strategy_now(ctx) == least,
                  "seed %" PRIu64, rig->seed);
    if (order->tag >= RIG_TAG_FAR) {
        if (execution->kind == EXEC_ACK)
            cr_assert_eq(strategy_cancel(ctx, order->id), ERR_OK);
        return;
    }
    cr_assert_lt(rig->said_count, RIG_LOG);
    rig->said[rig->said_count++] = (struct said){.ts = strategy_now(ctx),
                                                 .venue_ts = execution->venue_ts,
                                                 .tag = order->tag,
                                                 .kind = execution->kind,
                                                 .maker = execution->maker,
                                                 .reason = execution->reason,
                                                 .price = execution->price,
                                                 .qty = execution->qty};
    /* orders sent from inside an answer: every eighth fill is turned around */
    if (execution->kind == EXEC_FILL && order->tag % 8 == 0)
        send_near(rig, ctx, order->instrument, side_opposite((enum side)order->side), 1, execution->qty, ORDER_LIMIT,
                  TIF_IOC, 0, order->tag + 1);
    if (rig->stubborn && execution->kind == EXEC_REJECT)
        send_near(rig, ctx, order->instrument, SIDE_BUY, 0, 0x7fffffff, ORDER_LIMIT, TIF_GTC, ORDER_POST_ONLY, 9);
}

static void on_timer(struct strategy_ctx *ctx, void *state, uint64_t timer_id, ns_t deadline)
{
    struct world_rig *rig = rig_in(state);
    if (rig->stubborn)
        cr_assert_eq(strategy_timer_at(ctx, deadline + 1, NULL), ERR_OK);
    else
        send_near(rig, ctx, (uint16_t)(timer_id % rig->market->instruments), timer_id % 2 ? SIDE_BUY : SIDE_SELL, 1,
                  7, ORDER_LIMIT, TIF_IOC, 0, 500000 + timer_id);
}

static err_t on_start(struct strategy_ctx *ctx, void *state)
{
    struct world_rig *rig = rig_in(state);
    if (rig->order_in_start)
        wake_all(rig, ctx);
    return ERR_OK;
}

static const struct strategy planned = {.abi = STRATEGY_ABI,
                                        .name = "planned",
                                        .start = on_start,
                                        .book = on_market,
                                        .trade = on_market,
                                        .order = on_order,
                                        .timer = on_timer};

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

struct world_rig *rig_new(const struct market *market, uint64_t seed)
{
    struct world_rig *rig = calloc(1, sizeof(*rig));
    cr_assert(rig != NULL);
    rig->seed = seed;
    rig->market = market;
    rig->batch = 1000;
    rig->held_max = ARRAY_LEN(rig->feeds[0].held);
    rig->requests_max = 1024;
    rig->latency = (struct rig_latency){20, 10};
    return rig;
}

void rig_up(struct world_rig *rig)
{
    const struct market *market = rig->market;
    for (uint16_t i = 0; i < market->instruments; i++) {
        char symbol[8] = {'X', (char)('A' + i), 0};
        cr_assert_eq(instrument_init(&rig->instruments[i], "synthetic", symbol, "B", "USDT", CONTRACT_LINEAR, 0, 0),
                     ERR_OK);
    }
    for (uint16_t lane = 0; lane < market->lanes; lane++) {
        struct fake_feed *feed = &rig->feeds[lane];
        *feed = (struct fake_feed){.feed = {.ops = &feed_ops},
                                   .events = market->events[lane],
                                   .count = market->counts[lane],
                                   .batch = rig->batch,
                                   .held_max = rig->held_max,
                                   .live = rig->live,
                                   .end = ERR_END};
        prng_init(&feed->prng, rig->seed, lane);
        rig->lanes[lane] = &feed->feed;
    }
    const struct venue_config venue = {.instruments = rig->instruments,
                                       .instrument_count = market->instruments,
                                       .book_window = BOOK_WINDOW_MIN,
                                       .book_far = 16,
                                       .own_orders_max = 64};
    const struct latency_config constant = {.entry = {.value = rig->latency.entry},
                                            .response = {.value = rig->latency.response}};
    struct latency_model latency;
    cr_assert_eq(latency_model_init(&latency, rig->model != NULL ? rig->model : &constant, NULL), ERR_OK);
    rig->latency.entry = latency_entry_min(&latency);
    rig->latency.response = latency_response_min(&latency);
    struct sim_config world = {.lanes = rig->lanes,
                               .lane_count = market->lanes,
                               .latency = &latency,
                               .requests_max = rig->requests_max,
                               .faults = rig->faults,
                               .instruments = rig->instruments,
                               .book_window = BOOK_WINDOW_MIN,
                               .book_far = 16,
                               .instrument_count = market->instruments,
                               .causal = rig->causal,
                               .lookahead = rig->causal ? ARRAY_LEN(rig->feeds[0].held) : 0};
    const struct engine_config engine = {.instruments = rig->instruments,
                                         .checks = ENGINE_CHECKS_ALL,
                                         .limits = rig->limits,
                                         .instrument_count = market->instruments,
                                         .book_window = BOOK_WINDOW_MIN,
                                         .book_far = 16,
                                         .order_capacity = 256,
                                         .timer_capacity = 256,
                                         .equity_interval = rig->equity_interval,
                                         .seed = rig->seed,
                                         .strategy = &planned};
    rig->venue_memory = fresh(venue_size(&venue));
    rig->world_memory = fresh(sim_world_size(&world));
    rig->engine_memory = fresh(engine_size(&engine));
    rig->sink = sim_world_sink(rig->world_memory, 0);
    rig->venue = venue_init(rig->venue_memory, &venue, &(struct venue_sink){rig, on_emit});
    world.venue = rig->venue;
    rig->world = sim_world_init(rig->world_memory, &world);
    rig->self = rig;
    rig->engine = engine_init(rig->engine_memory, &engine, rig->world, &rig->self);
    sim_world_books(rig->world, books, rig->engine);
}

struct digest_value rig_run(struct world_rig *rig)
{
    rig_up(rig);
    cr_assert_eq(engine_start(rig->engine), ERR_OK);
    err_t err = engine_run(rig->engine, UINT64_MAX);
    return rig_end(rig, err);
}

struct digest_value rig_end(struct world_rig *rig, err_t err)
{
    cr_assert_eq(err, ERR_END, "seed %" PRIu64 ": %s %s", rig->seed, err_name(err), engine_why(rig->engine)->text);
    uint64_t total = 0;
    for (uint16_t lane = 0; lane < rig->market->lanes; lane++)
        total += rig->market->counts[lane];
    const struct sim_fault_stats faults = sim_world_stats(rig->world).faults;
    cr_assert_eq(rig->seen + faults.unheard, total, "seed %" PRIu64 ": %" PRIu64 " of %" PRIu64 " events", rig->seed,
                 rig->seen, total);
    cr_assert_eq(engine_counters(rig->engine)->illegal_reports, 0, "seed %" PRIu64, rig->seed);
    cr_assert_gt(engine_check_counts(rig->engine).audits, 0, "seed %" PRIu64, rig->seed);
    /* whatever was sent was answered, at the venue and here */
    cr_assert_eq(rig->answered + rig->lost + rig->timed_out + rig->turned_away, engine_counters(rig->engine)->orders,
                 "seed %" PRIu64, rig->seed);
    for (struct order *order = NULL; (order = order_table_next_open(engine_orders(rig->engine), order)) != NULL;)
        cr_assert(order->state == ORDER_LIVE && !order->cancel_pending && !order->amend_pending, "seed %" PRIu64,
                  rig->seed);
    return engine_stop(rig->engine);
}

void rig_free(struct world_rig *rig)
{
    rig->world->ops->close(rig->world);
    for (uint16_t lane = 0; lane < rig->market->lanes; lane++)
        cr_assert_eq(rig->feeds[lane].given, rig->feeds[lane].released, "lane %u", lane);
    free(rig->venue_memory);
    free(rig->world_memory);
    free(rig->engine_memory);
    free(rig);
}
