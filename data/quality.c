#include "data/quality.h"

static size_t book_part(uint32_t window, uint32_t far_capacity)
{
    return (book_size(window, far_capacity) + 63) & ~(size_t)63;
}

size_t quality_size(uint32_t window, uint32_t far_capacity)
{
    return book_part(window, far_capacity) + QUALITY_TICKERS * sizeof(struct quality_ticker);
}

void quality_init(struct quality *quality, void *memory, uint32_t window, uint32_t far_capacity,
                  const struct instrument *instrument, ns_t silence_min)
{
    ASSERT(silence_min > 0);
    *quality = (struct quality){.silence_min = silence_min, .latency_min = NS_MAX};
    quality->waiting = (struct quality_ticker *)(void *)((char *)memory + book_part(window, far_capacity));
    book_init(&quality->book, memory, window, far_capacity, instrument);
}

static void watch_silence(struct quality *quality, ns_t ts)
{
    if (quality->messages == 0)
        quality->first_ts = quality->last_ts = ts;
    ns_t silence = ts - quality->last_ts;
    if (UNLIKELY(silence > quality->silence_min)) {
        if (quality->silences < QUALITY_LISTED)
            quality->listed[quality->silences] = (struct quality_silence){quality->last_ts, ts};
        quality->silences++;
    }
    if (silence > quality->silence_longest)
        quality->silence_longest = silence;
    quality->last_ts = ts;
}

static void watch_stamps(struct quality *quality, const struct event *event, ns_t latency)
{
    ns_t exch_ts = event->exch_ts;
    if (exch_ts == 0)
        return;
    ns_t *stream_ts = &quality->stream_ts[event->kind];
    if (exch_ts < *stream_ts)
        quality->backwards++;
    *stream_ts = exch_ts;
    if (exch_ts < quality->exch_ts)
        quality->backwards_across++;
    quality->exch_ts = exch_ts;
    if (latency < quality->latency_min)
        quality->latency_min = latency;
}

/* The ticker of an update id shows the book as that update left it. */
static void compare_ticker(struct quality *quality, uint64_t seq, const struct level *told)
{
    quality->bbo_compared++;
    for (int side = 0; side < 2; side++) {
        struct level best = {0};
        bool have = book_best(&quality->book, side, &best);
        if (!have || best.price != told[side].price || best.qty != told[side].qty) {
            if (quality->bbo_wrong++ == 0)
                quality->bbo_wrong_seq = seq;
            return;
        }
    }
}

static void take_ticker(struct quality *quality, const struct event *event)
{
    if (event->seq == 0 || event->bid_count != 1 || event->ask_count != 1)
        return;
    if (event->seq == quality->delta_seq) {
        compare_ticker(quality, event->seq, event->levels);
        return;
    }
    if (event->seq < quality->delta_seq)
        return;
    if (quality->waiting_end - quality->waiting_first == QUALITY_TICKERS)
        quality->waiting_first++;
    struct quality_ticker *ticker = &quality->waiting[quality->waiting_end++ % QUALITY_TICKERS];
    *ticker = (struct quality_ticker){event->seq, {event->levels[0], event->levels[1]}};
}

/* The book stands at `seq` now: tickers of that id are due, older ones are past. */
static void compare_waiting(struct quality *quality, uint64_t seq)
{
    while (quality->waiting_first != quality->waiting_end) {
        const struct quality_ticker *ticker = &quality->waiting[quality->waiting_first % QUALITY_TICKERS];
        if (ticker->seq > seq)
            return;
        if (ticker->seq == seq)
            compare_ticker(quality, seq, ticker->best);
        quality->waiting_first++;
    }
}

void quality_apply(struct quality *quality, const struct event *event, ns_t latency)
{
    ASSERT(event->kind < EVENT_KIND_COUNT);
    watch_silence(quality, event->ts);
    watch_stamps(quality, event, latency);
    quality->messages++;
    quality->by_kind[event->kind]++;
    switch (event->kind) {
    case EVENT_BOOK_SNAPSHOT:
    case EVENT_BOOK_DELTA:
        quality->levels += (uint64_t)event->bid_count + event->ask_count;
        book_apply(&quality->book, event);
        quality->crossed += (quality->book.flags & BOOK_CROSSED) != 0;
        quality->delta_seq = event->kind == EVENT_BOOK_DELTA ? event->seq : 0;
        if (quality->delta_seq != 0)
            compare_waiting(quality, event->seq);
        break;
    case EVENT_GAP:
        quality->gaps++;
        quality->delta_seq = 0;
        book_apply(&quality->book, event);
        break;
    case EVENT_BBO:
        take_ticker(quality, event);
        break;
    default:
        break;
    }
}
