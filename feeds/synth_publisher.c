#include "feeds/synth_publisher.h"

#include <string.h>

#define LATENCY_STREAM (UINT64_C(1) << 32) /* apart from the flow's: latency must not change the market */

/* ---- messages ---- */

/* An instant of the venue: when it reaches us. One draw an instant, and no overtaking. */
static ns_t arrival(struct synth_publisher *publisher, ns_t exch_ts)
{
    const struct synth_config *config = publisher->config;
    ns_t ts = exch_ts + config->latency_base_ns;
    if (config->latency_jitter_ns > 0)
        ts += prng_exponential(&publisher->latency, config->latency_jitter_ns);
    if (ts > publisher->line_ts)
        publisher->line_ts = ts;
    return publisher->line_ts;
}

static struct event *push(struct synth_publisher *publisher, enum event_kind kind, ns_t exch_ts, uint64_t seq)
{
    ASSERT(publisher->event_count < SYNTH_PENDING_EVENTS);
    struct event *event = &publisher->events[publisher->event_count++];
    *event = (struct event){
        .ts = publisher->line_ts,
        .exch_ts = exch_ts,
        .seq = seq,
        .levels = publisher->levels + publisher->level_count,
        .instrument = publisher->instrument,
        .kind = (uint8_t)kind,
    };
    return event;
}

static void push_level(struct synth_publisher *publisher, int64_t tick, int64_t lots)
{
    ASSERT(publisher->level_count < SYNTH_PENDING_LEVELS);
    publisher->levels[publisher->level_count++] =
        (struct level){.price = tick * publisher->tick, .qty = lots * publisher->lot};
}

/* A message with one level, whose side is in the flags. */
static struct event *push_single(struct synth_publisher *publisher, enum event_kind kind, ns_t exch_ts, uint64_t seq,
                                 const struct synth_change *change, unsigned side)
{
    struct event *event = push(publisher, kind, exch_ts, seq);
    push_level(publisher, change->tick, change->lots);
    event->bid_count = 1;
    event->flags = side == SIDE_SELL ? EVENT_SELL : 0;
    return event;
}

static void push_level3(struct synth_publisher *publisher, ns_t exch_ts, const struct synth_change *change)
{
    static const uint8_t kinds[] = {EVENT_L3_ADD, EVENT_L3_CANCEL, EVENT_L3_MODIFY, EVENT_L3_EXECUTE};
    struct event *event =
        push_single(publisher, kinds[change->kind], exch_ts, change->update_id, change, change->side);
    event->seq_first = change->order_id;
}

static void push_snapshot(struct synth_publisher *publisher, ns_t exch_ts)
{
    const struct synth_book *book = &publisher->book;
    struct event *event = push(publisher, EVENT_BOOK_SNAPSHOT, exch_ts, book->update_id);
    uint32_t counts[2] = {0, 0};
    for (unsigned side = SIDE_BUY; side <= SIDE_SELL; side++) {
        int64_t tick = book->best[side];
        do {
            push_level(publisher, tick, synth_book_level(book, tick)->lots);
            counts[side]++;
        } while (synth_book_next(book, side, tick, &tick));
    }
    event->bid_count = counts[SIDE_BUY];
    event->ask_count = counts[SIDE_SELL];
    publisher->delta_seq = book->update_id;
}

/* What changed since the last delta, in absolute quantities. */
static void push_delta(struct synth_publisher *publisher, ns_t exch_ts)
{
    struct synth_book *book = &publisher->book;
    struct event *event = push(publisher, EVENT_BOOK_DELTA, exch_ts, book->update_id);
    uint32_t counts[2];
    for (unsigned side = SIDE_BUY; side <= SIDE_SELL; side++) {
        counts[side] = synth_book_take_changes(book, side, publisher->ticks);
        for (uint32_t i = 0; i < counts[side]; i++)
            push_level(publisher, publisher->ticks[i], synth_book_lots(book, side, publisher->ticks[i]));
    }
    event->bid_count = counts[SIDE_BUY];
    event->ask_count = counts[SIDE_SELL];
    event->seq_first = publisher->delta_seq + 1;
    event->seq_prev = publisher->delta_seq;
    publisher->delta_seq = book->update_id;
    publisher->diff_ts = NS_MAX;
}

static void push_bbo_if_changed(struct synth_publisher *publisher, ns_t exch_ts)
{
    const struct synth_book *book = &publisher->book;
    struct level touch[2];
    for (unsigned side = SIDE_BUY; side <= SIDE_SELL; side++)
        touch[side] = (struct level){book->best[side], synth_book_level(book, book->best[side])->lots};
    if (memcmp(touch, publisher->touch, sizeof(touch)) == 0)
        return;
    memcpy(publisher->touch, touch, sizeof(touch));
    struct event *event = push(publisher, EVENT_BBO, exch_ts, book->update_id);
    push_level(publisher, touch[SIDE_BUY].price, touch[SIDE_BUY].qty);
    push_level(publisher, touch[SIDE_SELL].price, touch[SIDE_SELL].qty);
    event->bid_count = event->ask_count = 1;
}

/* ---- instants ---- */

/* The changes of one action, and with them what a venue says at once: trades, orders, the touch. */
static void publish_changes(struct synth_publisher *publisher, ns_t exch_ts)
{
    const struct synth_config *config = publisher->config;
    const struct synth_flow *flow = &publisher->flow;
    struct synth_stats *stats = publisher->stats;
    if (flow->change_count == 0)
        return;
    arrival(publisher, exch_ts);
    for (uint32_t i = 0; i < flow->change_count; i++) {
        const struct synth_change *change = &flow->changes[i];
        uint64_t *const counters[] = {&stats->added, &stats->cancelled, &stats->modified, &stats->executed};
        ++*counters[change->kind];
        if (change->kind == SYNTH_EXECUTE)
            push_single(publisher, EVENT_TRADE, exch_ts, ++publisher->trade_id, change, flow->aggressor);
        if (config->levels & SYNTH_LEVEL3)
            push_level3(publisher, exch_ts, change);
    }
    if (!(config->levels & SYNTH_LEVEL2))
        return;
    if (config->diff_interval_ns == 0) {
        push_delta(publisher, exch_ts);
        if (exch_ts >= publisher->snapshot_ts) {
            push_snapshot(publisher, exch_ts);
            publisher->snapshot_ts += config->snapshot_interval_ns;
        }
    } else if (publisher->diff_ts == NS_MAX) {
        /* The first instant of the grid after this one; the last batch comes at the end, on the grid or not. */
        ns_t passed = (exch_ts - config->start_ts) / config->diff_interval_ns;
        ns_t next = config->start_ts + (passed + 1) * config->diff_interval_ns;
        publisher->diff_ts = next < publisher->flow_end ? next : publisher->flow_end;
    }
    if (config->bbo)
        push_bbo_if_changed(publisher, exch_ts);
}

static void publish_diffs(struct synth_publisher *publisher, ns_t exch_ts)
{
    const struct synth_config *config = publisher->config;
    arrival(publisher, exch_ts);
    push_delta(publisher, exch_ts);
    if (exch_ts < publisher->snapshot_ts)
        return;
    push_snapshot(publisher, exch_ts);
    while (publisher->snapshot_ts <= exch_ts)
        publisher->snapshot_ts += config->snapshot_interval_ns;
}

static void open_level2(struct synth_publisher *publisher)
{
    const struct synth_config *config = publisher->config;
    arrival(publisher, config->start_ts);
    publisher->delta_seq = publisher->book.update_id;
    if (config->levels & SYNTH_LEVEL2) {
        push_snapshot(publisher, config->start_ts);
        if (config->bbo)
            push_bbo_if_changed(publisher, config->start_ts);
    }
    publisher->opening_tick = publisher->book.low;
    publisher->phase = config->levels & SYNTH_LEVEL3 ? SYNTH_OPENING_ORDERS : SYNTH_RUNNING;
}

/* The resting orders of the start, from the lowest price up, as many as `pending` holds. */
static void open_level3(struct synth_publisher *publisher)
{
    const struct synth_book *book = &publisher->book;
    for (; publisher->opening_tick < book->low + SYNTH_WINDOW; publisher->opening_tick++) {
        const struct synth_level *level = synth_book_level(book, publisher->opening_tick);
        uint32_t index = level->head, told = 0;
        for (; index != SYNTH_NO_ORDER; index = book->orders[index].next) {
            if (told++ < publisher->opening_skip)
                continue;
            if (publisher->event_count == SYNTH_PENDING_EVENTS)
                return;
            const struct synth_order *order = &book->orders[index];
            struct synth_change change = {.order_id = order->id,
                                          .update_id = book->update_id,
                                          .tick = order->tick,
                                          .lots = order->lots,
                                          .kind = SYNTH_ADD,
                                          .side = order->side};
            push_level3(publisher, publisher->config->start_ts, &change);
            publisher->opening_skip++;
        }
        publisher->opening_skip = 0;
    }
    publisher->phase = SYNTH_RUNNING;
}

/* Orders that the market left far behind are cancelled, in rounds of one instant each time; then the window moves.
 * What the move would push out of the window unpublished is published before. */
static void clear(struct synth_publisher *publisher)
{
    ns_t now = publisher->flow.clock.now;
    bool done = synth_flow_clear_far(&publisher->flow, publisher->centre);
    publish_changes(publisher, now);
    if (!done)
        return;
    if (synth_book_changes_outside(&publisher->book, publisher->centre)) {
        if (publisher->config->levels & SYNTH_LEVEL2)
            push_delta(publisher, now);
        else
            memset(publisher->book.changed, 0, sizeof(publisher->book.changed));
    }
    synth_book_recentre(&publisher->book, publisher->centre);
    publisher->phase = SYNTH_RUNNING;
}

static void run(struct synth_publisher *publisher)
{
    if (!publisher->action_due) {
        bool acts = synth_flow_next(&publisher->flow, publisher->flow_end);
        publisher->action_due = true;
        publisher->action_ts = acts ? publisher->flow.clock.now : NS_MAX;
    }
    if (publisher->diff_ts <= publisher->action_ts && publisher->diff_ts != NS_MAX) {
        publish_diffs(publisher, publisher->diff_ts);
        return;
    }
    if (publisher->action_ts == NS_MAX) {
        publisher->phase = SYNTH_ENDED;
        return;
    }
    publisher->action_due = false;
    publisher->stats->actions++;
    synth_flow_act(&publisher->flow);
    publish_changes(publisher, publisher->action_ts);
    if (synth_flow_off_centre(&publisher->flow, &publisher->centre))
        publisher->phase = SYNTH_CLEARING;
}

static void step(struct synth_publisher *publisher)
{
    switch (publisher->phase) {
    case SYNTH_OPENING:
        open_level2(publisher);
        break;
    case SYNTH_OPENING_ORDERS:
        open_level3(publisher);
        break;
    case SYNTH_RUNNING:
        run(publisher);
        break;
    case SYNTH_CLEARING:
        clear(publisher);
        break;
    case SYNTH_ENDED:
        break;
    }
}

const struct event *synth_publisher_peek(struct synth_publisher *publisher)
{
    if (LIKELY(publisher->taken < publisher->event_count))
        return &publisher->events[publisher->taken];
    publisher->taken = publisher->event_count = publisher->level_count = 0;
    while (publisher->event_count < publisher->run_events && publisher->level_count < SYNTH_RUN_LEVELS &&
           publisher->phase != SYNTH_ENDED)
        step(publisher);
    return publisher->event_count > 0 ? &publisher->events[0] : NULL;
}

/* ---- the start ---- */

size_t synth_publisher_size(void)
{
    return align64(synth_book_size(SYNTH_ORDERS)) + align64(synth_flow_size()) +
           align64(SYNTH_PENDING_EVENTS * sizeof(struct event)) +
           align64(SYNTH_PENDING_LEVELS * sizeof(struct level)) + align64(SYNTH_WINDOW * sizeof(int64_t));
}

void synth_publisher_init(struct synth_publisher *publisher, void *memory, const struct synth_config *config,
                          const struct synth_tables *tables, struct synth_stats *stats,
                          const struct instrument *instrument, uint16_t number, int64_t price)
{
    uint8_t *at = memory;
    memset(publisher, 0, sizeof(*publisher));
    publisher->config = config;
    publisher->stats = stats;
    publisher->run_events = config->batch_events < SYNTH_RUN_EVENTS ? config->batch_events : SYNTH_RUN_EVENTS;
    publisher->instrument = number;
    publisher->tick = instrument->tick_tables[0].bands[0].tick;
    publisher->lot = instrument->lot;
    publisher->flow_end = config->duration_ns == 0 ? NS_MAX : config->start_ts + config->duration_ns;
    publisher->diff_ts = NS_MAX;
    publisher->snapshot_ts =
        config->snapshot_interval_ns == 0 ? NS_MAX : config->start_ts + config->snapshot_interval_ns;
    synth_book_init(&publisher->book, at, SYNTH_ORDERS, price);
    at += align64(synth_book_size(SYNTH_ORDERS));
    const struct synth_flow_config flow_config = {
        .actions_per_s = config->actions_per_s,
        .branching_ppm = config->branching_ppm,
        .market_ppm = config->market_ppm,
        .volatility_ppm = config->volatility_ppm,
    };
    synth_flow_init(&publisher->flow, at, tables, &flow_config, &publisher->book, config->seed, number, price,
                    config->start_ts);
    at += align64(synth_flow_size());
    publisher->events = (struct event *)(void *)at;
    at += align64(SYNTH_PENDING_EVENTS * sizeof(struct event));
    publisher->levels = (struct level *)(void *)at;
    at += align64(SYNTH_PENDING_LEVELS * sizeof(struct level));
    publisher->ticks = (int64_t *)(void *)at;
    prng_init(&publisher->latency, config->seed, LATENCY_STREAM | number);
    publisher->line_ts = config->start_ts;
}
