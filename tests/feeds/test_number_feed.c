#include "feeds/number_feed.h"

#include "feeds/synth_market.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct feed *inner, *feed;
static void *memory;

static void set_up(void)
{
    struct synth_config config;
    struct err_text why = {0};
    synth_config_default(&config);
    config.duration_ns = 60 * NS_PER_S;
    config.instrument_count = 2;
    memory = aligned_alloc(64, (synth_market_size(&config) + 63) & ~(size_t)63);
    memset(memory, 0, synth_market_size(&config));
    inner = synth_feed(synth_market_init(memory, &config));
    cr_assert_eq(number_feed_open(&feed, inner, 2, &why), ERR_OK, "%s", why.text);
}
static void tear_down(void)
{
    feed->ops->close(feed);
    free(memory);
}
TestSuite(number_feed, .init = set_up, .fini = tear_down);

Test(number_feed, events_are_counted_over_batches_while_they_are_held)
{
    struct event_batch first, second;
    uint64_t number;
    cr_assert_eq(feed->ops->next(feed, &first), ERR_OK);
    cr_assert_eq(feed->ops->next(feed, &second), ERR_OK);
    cr_assert(number_feed_find(feed, &first.events[0], &number) && number == 0);
    cr_assert(number_feed_find(feed, &first.events[first.count - 1], &number) && number == first.count - 1);
    cr_assert(number_feed_find(feed, &second.events[3], &number) && number == first.count + 3);
    cr_expect(!number_feed_find(feed, &first.events[first.count], &number) ||
              first.events + first.count == second.events);
    const struct event other = {0};
    cr_expect(!number_feed_find(feed, &other, &number));
    const struct event *gone = first.events;
    feed->ops->release(feed, first.handle);
    cr_expect(!number_feed_find(feed, gone, &number) || gone == second.events);
    feed->ops->release(feed, second.handle);
}

/* Held or handed back: the last book message at any moment, against a plain scan. */
Test(number_feed, the_last_book_message_is_known_at_any_moment)
{
    struct numbered last[2] = {{.ts = INT64_MIN}, {.ts = INT64_MIN}};
    struct event_batch batch, before = {0};
    uint64_t number = 0;
    int checked = 0, old = 0;
    while (checked < 20000 && feed->ops->next(feed, &batch) == ERR_OK) {
        if (before.count != 0)
            feed->ops->release(feed, before.handle);
        before = batch;
        for (uint32_t i = 0; i < batch.count; i++, number++) {
            const struct event *event = &batch.events[i];
            if (event->instrument < 2 && (event->kind == EVENT_BOOK_SNAPSHOT || event->kind == EVENT_BOOK_DELTA))
                last[event->instrument] =
                    (struct numbered){number, event->ts, event->exch_ts, event->seq, event->kind};
            for (uint16_t k = 0; k < 2 && i < 50; k++) {
                struct numbered got;
                /* others of the same instant are younger: the sequence tells */
                if (last[k].ts == INT64_MIN)
                    continue;
                cr_assert(number_feed_book(feed, k, event->ts, last[k].seq, &got));
                cr_assert_eq(got.number, last[k].number);
                cr_assert_eq(got.exch_ts, last[k].exch_ts);
                old += last[k].number < number - i;
                checked++;
            }
        }
    }
    cr_expect_gt(checked, 1000);
    cr_expect_gt(old, 0, "no message of a batch that was handed back");
    if (before.count != 0)
        feed->ops->release(feed, before.handle);
}
