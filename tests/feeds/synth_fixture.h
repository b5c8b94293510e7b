/* synth_fixture.h: a synthetic market for a test, and a model of single orders to hold it against. */
#ifndef TAPEDECK_TESTS_FEEDS_SYNTH_FIXTURE_H
#define TAPEDECK_TESTS_FEEDS_SYNTH_FIXTURE_H

#include "core/book.h"
#include "feeds/synth_market.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline size_t round64(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

struct fixture {
    void *memory;
    struct synth_market *market;
    struct feed *feed;
};

static inline struct fixture fixture_open(const struct synth_config *config)
{
    struct fixture fixture = {.memory = aligned_alloc(64, round64(synth_market_size(config)))};
    cr_assert(fixture.memory != NULL);
    /* Whoever reads what init did not write reads rubbish, and other rubbish than last time. */
    static uint8_t rubbish = 0x5a;
    memset(fixture.memory, rubbish += 0x31, synth_market_size(config));
    fixture.market = synth_market_init(fixture.memory, config);
    fixture.feed = synth_feed(fixture.market);
    return fixture;
}

static inline void fixture_close(struct fixture *fixture)
{
    fixture->feed->ops->close(fixture->feed);
    free(fixture->memory);
}

/* Short, one event a batch: the truth is that of the event just delivered. */
static inline struct synth_config stepping(uint64_t seed, ns_t duration)
{
    struct synth_config config;
    synth_config_default(&config);
    config.seed = seed;
    config.duration_ns = duration;
    config.batch_events = 1;
    return config;
}

/* The next event, NULL at the end. Lives until the next call. */
static inline const struct event *fixture_next(struct fixture *fixture)
{
    static struct event_batch batch;
    err_t err = fixture->feed->ops->next(fixture->feed, &batch);
    if (err == ERR_END)
        return NULL;
    cr_assert(err == ERR_OK && batch.count == 1);
    fixture->feed->ops->release(fixture->feed, batch.handle);
    return &batch.events[0];
}

static inline struct book *book_new(const struct instrument *instrument, void **memory)
{
    struct book *book = malloc(sizeof(*book));
    *memory = aligned_alloc(64, round64(book_size(BOOK_WINDOW_MIN, BOOK_FAR_DEFAULT)));
    cr_assert(book != NULL && *memory != NULL);
    memset(*memory, 0, book_size(BOOK_WINDOW_MIN, BOOK_FAR_DEFAULT)); /* what book.c asks of its memory */
    book_init(book, *memory, BOOK_WINDOW_MIN, BOOK_FAR_DEFAULT, instrument);
    return book;
}

/* Every level of both sides, in order. */
static inline bool book_equals_truth(const struct book *book, const struct synth_market *market, uint16_t instrument)
{
    for (unsigned side = SIDE_BUY; side <= SIDE_SELL; side++) {
        struct level ours, truth;
        bool more = book_best(book, side, &ours), more_truth = synth_best(market, instrument, side, &truth);
        for (;;) {
            if (more != more_truth)
                return false;
            if (!more)
                break;
            if (ours.price != truth.price || ours.qty != truth.qty)
                return false;
            more = book_next(book, side, ours.price, &ours);
            more_truth = synth_next(market, instrument, side, truth.price, &truth);
        }
    }
    return true;
}

#endif
