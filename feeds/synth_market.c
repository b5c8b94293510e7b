#include "feeds/synth_market.h"

#include "feeds/synth_publisher.h"

#include <string.h>

/* A batch is full when it has its events, or when another event of the largest size might not fit. */
#define BATCH_LEVELS (SYNTH_EVENT_LEVELS + 16384)

struct batch {
    struct event *events;
    struct level *levels;
    uint32_t event_count, level_count;
    uint64_t first; /* the number of its first message */
    bool out;       /* handed out and not released */
};

struct synth_market {
    struct feed feed; /* first: the feed is the market */
    struct synth_config config;
    struct synth_stats stats;
    struct synth_tables tables;
    struct instrument *instruments;
    struct synth_publisher *publishers;
    struct batch batches[SYNTH_BATCHES];
    uint32_t *heap; /* instruments that have a next event, the earliest on top */
    uint32_t heap_count;
    ns_t now;
    uint64_t again; /* batches that are out are handed out again, from this message on; NOT_AGAIN: none */
};
#define NOT_AGAIN UINT64_MAX

size_t synth_market_size(const struct synth_config *config)
{
    size_t count = config->instrument_count;
    return align64(sizeof(struct synth_market)) + align64(count * sizeof(struct instrument)) +
           align64(count * sizeof(struct synth_publisher)) + align64(count * sizeof(uint32_t)) +
           SYNTH_BATCHES *
               (align64(SYNTH_BATCH_EVENTS * sizeof(struct event)) + align64(BATCH_LEVELS * sizeof(struct level))) +
           count * synth_publisher_size();
}

/* ---- the merge: a binary heap by (ts, instrument) ---- */

static bool before(const struct synth_market *market, uint32_t a, uint32_t b)
{
    /* Whoever is in the heap has a pending event. */
    const struct synth_publisher *pa = &market->publishers[a], *pb = &market->publishers[b];
    ns_t ts_a = pa->events[pa->taken].ts, ts_b = pb->events[pb->taken].ts;
    return ts_a != ts_b ? ts_a < ts_b : a < b;
}

static void sift_down(struct synth_market *market, uint32_t at)
{
    uint32_t *heap = market->heap, moving = heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= market->heap_count)
            break;
        if (child + 1 < market->heap_count && before(market, heap[child + 1], heap[child]))
            child++;
        if (!before(market, heap[child], moving))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

/* The top instrument's event was taken: look at its next one. */
static void advance_top(struct synth_market *market)
{
    struct synth_publisher *publisher = &market->publishers[market->heap[0]];
    synth_publisher_take(publisher);
    if (synth_publisher_peek(publisher) == NULL) {
        market->heap[0] = market->heap[--market->heap_count];
        if (market->heap_count == 0)
            return;
    }
    sift_down(market, 0);
}

/* ---- the feed ---- */

static void copy_event(struct synth_market *market, struct batch *batch, const struct event *event)
{
    struct event *copy = &batch->events[batch->event_count++];
    uint32_t count = event->bid_count + event->ask_count;
    *copy = *event;
    copy->levels = batch->levels + batch->level_count;
    memcpy(batch->levels + batch->level_count, event->levels, count * sizeof(struct level));
    batch->level_count += count;
    market->now = event->exch_ts > market->now ? event->exch_ts : market->now;
    market->stats.messages++;
    market->stats.levels += count;
    market->stats.trades += event->kind == EVENT_TRADE;
    market->stats.deltas += event->kind == EVENT_BOOK_DELTA;
    market->stats.snapshots += event->kind == EVENT_BOOK_SNAPSHOT;
    market->stats.bbos += event->kind == EVENT_BBO;
    market->stats.level3 += event->kind >= EVENT_L3_ADD && event->kind <= EVENT_L3_EXECUTE;
}

/* The heap's events are made when it is built and when it advances; the very first ones here, so that init is
 * cheap to reason about: it makes no event. */
static void fill_heap(struct synth_market *market)
{
    for (uint32_t i = 0; i < market->config.instrument_count; i++)
        if (synth_publisher_peek(&market->publishers[i]) != NULL)
            market->heap[market->heap_count++] = i;
    for (uint32_t i = market->heap_count / 2; i-- > 0;)
        sift_down(market, i);
}

/* What was handed out already, in the order in which it was. False: there is no more of it. */
static bool give_again(struct synth_market *market, struct event_batch *out)
{
    uint32_t handle = SYNTH_BATCHES;
    for (uint32_t i = 0; i < SYNTH_BATCHES; i++)
        if (market->batches[i].out && market->batches[i].first >= market->again &&
            (handle == SYNTH_BATCHES || market->batches[i].first < market->batches[handle].first))
            handle = i;
    if (handle == SYNTH_BATCHES) {
        market->again = NOT_AGAIN;
        return false;
    }
    const struct batch *batch = &market->batches[handle];
    market->again = batch->first + batch->event_count;
    *out = (struct event_batch){.events = batch->events, .count = batch->event_count, .handle = handle};
    return true;
}

static err_t feed_next(struct feed *feed, struct event_batch *out)
{
    struct synth_market *market = (struct synth_market *)(void *)feed;
    if (UNLIKELY(market->again != NOT_AGAIN) && give_again(market, out))
        return ERR_OK;
    uint32_t handle = 0;
    while (handle < SYNTH_BATCHES && market->batches[handle].out)
        handle++;
    if (handle == SYNTH_BATCHES)
        return ERR_FULL;
    struct batch *batch = &market->batches[handle];
    batch->event_count = batch->level_count = 0;
    batch->first = market->stats.messages;
    /* The event delivered last is taken off only now, so that the truth stays with it until the next call. */
    while (batch->event_count < market->config.batch_events &&
           batch->level_count + SYNTH_EVENT_LEVELS <= BATCH_LEVELS) {
        if (market->stats.messages == 0)
            fill_heap(market);
        else if (market->heap_count > 0)
            advance_top(market);
        if (market->heap_count == 0)
            break;
        copy_event(market, batch, synth_publisher_peek(&market->publishers[market->heap[0]]));
    }
    if (batch->event_count == 0)
        return ERR_END;
    batch->out = true;
    *out = (struct event_batch){.events = batch->events, .count = batch->event_count, .handle = handle};
    return ERR_OK;
}

static void feed_release(struct feed *feed, uint32_t handle)
{
    struct synth_market *market = (struct synth_market *)(void *)feed;
    ASSERT(handle < SYNTH_BATCHES && market->batches[handle].out);
    market->batches[handle].out = false;
}

static void feed_close(struct feed *feed)
{
    (void)feed; /* the memory is the caller's */
}

static const struct feed_ops ops = {.next = feed_next, .release = feed_release, .close = feed_close};

static err_t feed_mark(const struct feed *feed, uint32_t handle, struct feed_mark *mark)
{
    mark->message = ((const struct synth_market *)(const void *)feed)->batches[handle].first;
    return ERR_OK;
}

/* Events lie one behind the other, and so do their levels. */
static void link_levels(struct event *events, uint32_t count, const struct level *levels)
{
    for (uint32_t i = 0; i < count; i++) {
        events[i].levels = levels;
        levels += events[i].bid_count + events[i].ask_count;
    }
}

static err_t feed_seek(struct feed *feed, const struct feed_mark *mark)
{
    struct synth_market *market = (struct synth_market *)(void *)feed;
    for (uint32_t i = 0; i < SYNTH_BATCHES; i++)
        link_levels(market->batches[i].events, market->batches[i].event_count, market->batches[i].levels);
    for (uint32_t i = 0; i < market->config.instrument_count; i++)
        link_levels(market->publishers[i].events, market->publishers[i].event_count, market->publishers[i].levels);
    market->again = mark->message == FEED_MARK_END ? NOT_AGAIN : mark->message;
    return ERR_OK;
}

static const struct feed_place_ops place = {feed_mark, feed_seek};

void synth_market_addresses(struct synth_market *market, void *context,
                            void (*address)(void *context, void *at, size_t size))
{
    address(context, &market->again, sizeof(market->again)); /* how it came here is no part of what it is */
    for (uint32_t i = 0; i < SYNTH_BATCHES; i++)
        for (uint32_t j = 0; j < SYNTH_BATCH_EVENTS; j++)
            address(context, &market->batches[i].events[j].levels, sizeof(const struct level *));
    for (uint32_t i = 0; i < market->config.instrument_count; i++)
        for (uint32_t j = 0; j < SYNTH_PENDING_EVENTS; j++)
            address(context, &market->publishers[i].events[j].levels, sizeof(const struct level *));
}

struct synth_market *synth_market_init(void *memory, const struct synth_config *config)
{
    ASSERT(((uintptr_t)memory & 63) == 0 && synth_config_check(config, NULL) == ERR_OK);
    uint8_t *at = memory;
    struct synth_market *market = memory;
    uint32_t count = config->instrument_count;
    memset(market, 0, sizeof(*market));
    market->feed.ops = &ops;
    market->feed.place = &place;
    market->again = NOT_AGAIN;
    market->config = *config;
    market->now = config->start_ts;
    synth_tables_init(&market->tables);
    at += align64(sizeof(struct synth_market));
    market->instruments = (struct instrument *)(void *)at;
    at += align64(count * sizeof(struct instrument));
    market->publishers = (struct synth_publisher *)(void *)at;
    at += align64(count * sizeof(struct synth_publisher));
    market->heap = (uint32_t *)(void *)at;
    at += align64(count * sizeof(uint32_t));
    for (unsigned i = 0; i < SYNTH_BATCHES; i++) {
        market->batches[i].events = (struct event *)(void *)at;
        at += align64(SYNTH_BATCH_EVENTS * sizeof(struct event));
        market->batches[i].levels = (struct level *)(void *)at;
        at += align64(BATCH_LEVELS * sizeof(struct level));
    }
    for (uint32_t i = 0; i < count; i++) {
        int64_t price = synth_instrument_init(&market->instruments[i], config, i);
        synth_publisher_init(&market->publishers[i], at, &market->config, &market->tables, &market->stats,
                             &market->instruments[i], (uint16_t)i, price);
        at += synth_publisher_size();
    }
    return market;
}

struct feed *synth_feed(struct synth_market *market)
{
    return &market->feed;
}

const struct instrument *synth_instruments(const struct synth_market *market)
{
    return market->instruments;
}

const struct synth_stats *synth_stats(const struct synth_market *market)
{
    return &market->stats;
}

ns_t synth_now(const struct synth_market *market)
{
    return market->now;
}

unsigned synth_kind_levels(uint8_t kind)
{
    switch (kind) {
    case EVENT_TRADE:
        return SYNTH_BOTH;
    case EVENT_BOOK_SNAPSHOT:
    case EVENT_BOOK_DELTA:
    case EVENT_BBO:
        return SYNTH_LEVEL2;
    case EVENT_L3_ADD:
    case EVENT_L3_MODIFY:
    case EVENT_L3_CANCEL:
    case EVENT_L3_EXECUTE:
        return SYNTH_LEVEL3;
    default:
        return 0;
    }
}

void synth_digest(struct digest *digest, const struct event *event)
{
    digest_u64(digest, (uint64_t)event->ts);
    digest_u64(digest, (uint64_t)event->exch_ts);
    digest_u64(digest, event->seq);
    digest_u64(digest, event->seq_first);
    digest_u64(digest, event->seq_prev);
    digest_u64(digest, (uint64_t)event->bid_count << 32 | event->ask_count);
    digest_u64(digest, (uint64_t)event->instrument << 16 | (uint64_t)event->kind << 8 | event->flags);
    for (uint32_t i = 0; i < event->bid_count + event->ask_count; i++) {
        digest_u64(digest, (uint64_t)event->levels[i].price);
        digest_u64(digest, (uint64_t)event->levels[i].qty);
    }
}

/* ---- the truth ---- */

static const struct synth_publisher *publisher_of(const struct synth_market *market, uint16_t instrument)
{
    ASSERT(instrument < market->config.instrument_count);
    return &market->publishers[instrument];
}

qty_t synth_qty_at(const struct synth_market *market, uint16_t instrument, enum side side, px_t price)
{
    const struct synth_publisher *publisher = publisher_of(market, instrument);
    if (price % publisher->tick != 0)
        return 0;
    return synth_book_lots(&publisher->book, side, price / publisher->tick) * publisher->lot;
}

bool synth_best(const struct synth_market *market, uint16_t instrument, enum side side, struct level *level)
{
    const struct synth_publisher *publisher = publisher_of(market, instrument);
    if (publisher->book.order_count[side] == 0)
        return false;
    int64_t tick = publisher->book.best[side];
    *level = (struct level){tick * publisher->tick, synth_book_level(&publisher->book, tick)->lots * publisher->lot};
    return true;
}

bool synth_next(const struct synth_market *market, uint16_t instrument, enum side side, px_t price,
                struct level *level)
{
    const struct synth_publisher *publisher = publisher_of(market, instrument);
    int64_t tick;
    if (!synth_book_next(&publisher->book, side, price / publisher->tick, &tick))
        return false;
    *level = (struct level){tick * publisher->tick, synth_book_level(&publisher->book, tick)->lots * publisher->lot};
    return true;
}

uint32_t synth_queue(const struct synth_market *market, uint16_t instrument, enum side side, px_t price,
                     struct synth_queued *orders, uint32_t capacity)
{
    const struct synth_publisher *publisher = publisher_of(market, instrument);
    const struct synth_book *book = &publisher->book;
    if (synth_qty_at(market, instrument, side, price) == 0)
        return 0;
    const struct synth_level *level = synth_book_level(book, price / publisher->tick);
    uint32_t index = level->head;
    for (uint32_t i = 0; i < capacity && index != SYNTH_NO_ORDER; i++, index = book->orders[index].next)
        orders[i] = (struct synth_queued){book->orders[index].id, book->orders[index].lots * publisher->lot};
    return level->count;
}

int64_t synth_value_q16(const struct synth_market *market, uint16_t instrument)
{
    return publisher_of(market, instrument)->flow.clock.value_q16;
}
