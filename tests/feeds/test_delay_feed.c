/* Arrivals made anew: when, in which order, and that nothing else of a message changes. */
#include "feeds/delay_feed.h"

#include "core/prng.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 400

/* ---- a feed of given events, cut into batches ---- */

struct fake {
    struct feed feed; /* first */
    const struct event *events;
    uint32_t count, at, batch;
    uint32_t held, held_most, held_max;
    err_t end;
};

static err_t fake_next(struct feed *feed, struct event_batch *batch)
{
    struct fake *fake = (struct fake *)(void *)feed;
    if (fake->held == fake->held_max)
        return ERR_FULL;
    if (fake->at == fake->count)
        return fake->end == ERR_END ? ERR_END : err_say(&feed->why, fake->end, "block 3 is damaged");
    const uint32_t left = fake->count - fake->at;
    *batch = (struct event_batch){fake->events + fake->at, left < fake->batch ? left : fake->batch, fake->at};
    fake->at += batch->count;
    fake->held++;
    fake->held_most = fake->held > fake->held_most ? fake->held : fake->held_most;
    return ERR_OK;
}

static void fake_release(struct feed *feed, uint32_t handle)
{
    (void)handle;
    ((struct fake *)(void *)feed)->held--;
}

static const struct feed_ops fake_ops = {fake_next, fake_release, NULL};

static struct fake fake_of(const struct event *events, uint32_t count, uint32_t batch)
{
    return (struct fake){
        .feed = {.ops = &fake_ops}, .events = events, .count = count, .batch = batch, .held_max = 8, .end = ERR_END};
}

/* Read to the end, each batch held until `hold` are out. */
static uint32_t read_all(struct feed *feed, struct event *events, uint32_t hold)
{
    uint32_t handles[8], out = 0, count = 0;
    struct event_batch batch;
    err_t err;
    while ((err = feed->ops->next(feed, &batch)) == ERR_OK) {
        memcpy(events + count, batch.events, batch.count * sizeof(*events));
        count += batch.count;
        handles[out++] = batch.handle;
        if (out == hold) {
            feed->ops->release(feed, handles[0]);
            memmove(handles, handles + 1, --out * sizeof(*handles));
        }
    }
    while (out > 0)
        feed->ops->release(feed, handles[--out]);
    cr_assert_eq(err, ERR_END, "%s", feed->why.text);
    return count;
}

/* The delay of the tests: 100 of each `number`, and of the last digits of the stamp. */
static ns_t by_name(void *context, ns_t exch_ts, uint64_t number)
{
    (void)context;
    return exch_ts % 10 * 10 + (ns_t)number * 100;
}

static struct feed *delayed(struct fake *fake)
{
    const struct delay_config config = {.delay = by_name, .batches_max = 8};
    struct feed *feed;
    struct err_text why = {0};
    cr_assert_eq(delay_feed_open(&feed, &fake->feed, &config, &why), ERR_OK);
    return feed;
}

static uint32_t arrivals(const ns_t (*stamps)[2], uint32_t count, ns_t *arrivals)
{
    struct event events[16] = {{0}}, got[16];
    for (uint32_t i = 0; i < count; i++)
        events[i] = (struct event){.exch_ts = stamps[i][0], .ts = stamps[i][1], .kind = EVENT_TICK};
    struct fake fake = fake_of(events, count, 3);
    struct feed *feed = delayed(&fake);
    cr_assert_eq(read_all(feed, got, 1), count);
    for (uint32_t i = 0; i < count; i++)
        arrivals[i] = got[i].ts;
    const uint32_t unstamped = (uint32_t)delay_feed_stats(feed)->unstamped;
    feed->ops->close(feed);
    return unstamped;
}

Test(delay_feed, an_arrival_is_the_stamp_and_the_delay)
{
    static const ns_t stamps[][2] = {{1001, 1900}, {2002, 2002}, {3000, 9999}};
    ns_t got[3];
    arrivals(stamps, 3, got);
    cr_expect(got[0] == 1011 && got[1] == 2022 && got[2] == 3000);
}

Test(delay_feed, messages_of_one_stamp_have_numbers)
{
    static const ns_t stamps[][2] = {{1001, 1900}, {1001, 1900}, {1001, 1901}, {1500, 1901}};
    ns_t got[4];
    arrivals(stamps, 4, got);
    cr_expect(got[0] == 1011 && got[1] == 1111 && got[2] == 1211 && got[3] == 1500);
}

Test(delay_feed, nothing_overtakes)
{
    static const ns_t stamps[][2] = {{1009, 1100}, {1010, 1101}, {1005, 1102}, {1095, 1103}, {1100, 1104}};
    ns_t got[5];
    arrivals(stamps, 5, got);
    cr_expect(got[0] == 1099 && got[1] == 1099 && got[2] == 1099, "arrive with the one ahead");
    cr_expect(got[3] == 1145 && got[4] == 1145);
}

Test(delay_feed, what_has_no_stamp_moves_with_the_one_before)
{
    static const ns_t stamps[][2] = {{0, 900}, {1001, 1100}, {0, 1107}, {2000, 2500}, {0, 2600}, {0, 2601}};
    ns_t got[6];
    cr_expect_eq(arrivals(stamps, 6, got), 4);
    cr_expect_eq(got[0], 900, "nothing is known yet");
    cr_expect(got[1] == 1011 && got[2] == 1018, "89 earlier, both");
    cr_expect(got[3] == 2000 && got[4] == 2100 && got[5] == 2101);
}

Test(delay_feed, a_stamp_far_ahead_of_its_arrival_is_none)
{
    const ns_t far = 1100 + DELAY_STAMP_AHEAD_MAX;
    const ns_t stamps[][2] = {{1001, 1100}, {far + 10, 1109}, {far, 1110}};
    ns_t got[3];
    cr_expect_eq(arrivals(stamps, 2, got), 1);
    cr_expect(got[1] == 1020);
    cr_expect_eq(arrivals(stamps, 3, got), 1, "a clock that ran behind the venue's is what this is for");
    cr_expect_eq(got[2], far + far % 10 * 10);
}

Test(delay_feed, moments_at_the_end_of_time_stay_there)
{
    static const ns_t stamps[][2] = {{NS_MAX - 1, NS_MAX - 5}, {NS_MAX, NS_MAX}};
    ns_t got[2];
    arrivals(stamps, 2, got);
    cr_expect(got[0] == NS_MAX && got[1] == NS_MAX);
}

Test(delay_feed, batches_change_nothing_and_all_else_is_kept)
{
    static struct event events[EVENTS_MAX], first[EVENTS_MAX], got[EVENTS_MAX];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct prng prng;
        ns_t ts = 5000;
        prng_init(&prng, seed, 8);
        for (uint32_t i = 0; i < EVENTS_MAX; i++) {
            ts += prng_range(&prng, 0, 40);
            events[i] = (struct event){.ts = ts,
                                       .exch_ts = prng_below(&prng, 8) == 0 ? 0 : ts - prng_range(&prng, -30, 60),
                                       .seq = i,
                                       .levels = (const struct level *)(uintptr_t)(i + 1),
                                       .kind = EVENT_BOOK_DELTA,
                                       .flags = (uint8_t)prng_below(&prng, 4),
                                       .lane = 3};
        }
        static const uint32_t batches[] = {EVENTS_MAX, 1, 7, 64};
        for (size_t b = 0; b < ARRAY_LEN(batches); b++) {
            struct fake fake = fake_of(events, EVENTS_MAX, batches[b]);
            struct feed *feed = delayed(&fake);
            cr_assert_eq(read_all(feed, b == 0 ? first : got, 1 + (uint32_t)(seed % 4)), EVENTS_MAX);
            cr_expect_eq(fake.held, 0, "every batch was given back");
            feed->ops->close(feed);
            if (b > 0)
                cr_expect(memcmp(first, got, sizeof(got)) == 0, "seed %" PRIu64 ", batches of %u", seed, batches[b]);
        }
        for (uint32_t i = 0; i < EVENTS_MAX; i++) {
            struct event same = first[i];
            cr_expect(i == 0 || first[i].ts >= first[i - 1].ts, "seed %" PRIu64, seed);
            cr_expect(events[i].exch_ts == 0 || first[i].ts >= events[i].exch_ts, "seed %" PRIu64, seed);
            same.ts = events[i].ts;
            cr_expect(memcmp(&same, &events[i], sizeof(same)) == 0, "seed %" PRIu64 ", event %u", seed, i);
        }
    }
}

Test(delay_feed, what_the_inner_feed_says_is_passed_on)
{
    struct event events[4] = {{0}};
    struct event_batch batch;
    struct fake fake = fake_of(events, 4, 1);
    struct feed *feed = delayed(&fake);
    fake.held_max = 2;
    fake.end = ERR_CORRUPT;
    uint32_t handles[2];
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(feed->ops->next(feed, &batch), ERR_OK);
        handles[i] = batch.handle;
    }
    cr_expect_eq(feed->ops->next(feed, &batch), ERR_FULL);
    for (int i = 0; i < 2; i++)
        feed->ops->release(feed, handles[i]);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(feed->ops->next(feed, &batch), ERR_OK);
        feed->ops->release(feed, batch.handle);
    }
    cr_expect_eq(feed->ops->next(feed, &batch), ERR_CORRUPT);
    cr_expect_str_eq(feed->why.text, "block 3 is damaged");
    cr_expect_eq(fake.held_most, 2);
    feed->ops->close(feed);
}
