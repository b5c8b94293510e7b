/* Pacing with a wall clock made of numbers: every wait is known. */
#include "feeds/pace_feed.h"

#include <criterion/criterion.h>
#include <string.h>

#define EVENTS_MAX 16

/* An inner feed: a table of batches. */
struct table_feed {
    struct feed feed;
    struct event events[EVENTS_MAX];
    uint32_t batch_sizes[EVENTS_MAX]; /* 0 ends */
    uint32_t batch, event;
    uint32_t released;
    bool closed;
};

static err_t table_next(struct feed *feed, struct event_batch *batch)
{
    struct table_feed *table = (struct table_feed *)(void *)feed;
    uint32_t count = table->batch_sizes[table->batch];
    if (count == 0)
        return ERR_END;
    *batch = (struct event_batch){&table->events[table->event], count, 100 + table->batch};
    table->event += count;
    table->batch++;
    return ERR_OK;
}

static void table_release(struct feed *feed, uint32_t handle)
{
    struct table_feed *table = (struct table_feed *)(void *)feed;
    cr_assert(handle == 100 + table->released, "released in the order given, once");
    table->released++;
}

static void table_close(struct feed *feed)
{
    ((struct table_feed *)(void *)feed)->closed = true;
}

static const struct feed_ops table_ops = {.next = table_next, .release = table_release, .close = table_close};

/* A wall clock: sleeping moves it, and it may wake early or be interrupted. */
struct wall {
    ns_t now;
    ns_t slept;
    uint32_t sleeps;
    uint32_t interrupt_at; /* the number of the sleep that is interrupted; 0: none */
    bool wakes_early;
};

static ns_t wall_now(void *context)
{
    return ((struct wall *)context)->now;
}

static err_t wall_sleep(void *context, ns_t duration_ns)
{
    struct wall *wall = context;
    cr_assert(duration_ns > 0);
    if (++wall->sleeps == wall->interrupt_at)
        return ERR_INTERRUPTED;
    if (wall->wakes_early && duration_ns > 1)
        duration_ns /= 2;
    wall->now += duration_ns;
    wall->slept += duration_ns;
    return ERR_OK;
}

static struct table_feed table;
static struct wall wall;
static struct pace_feed pace;

/* Events at ts[0], ts[1] ... in batches of the given sizes. */
static void open_pace(const ns_t *ts, const uint32_t *sizes, uint64_t num, uint64_t den, ns_t slice, ns_t gap_max)
{
    uint32_t count = 0;
    memset(&table, 0, sizeof(table));
    table.feed.ops = &table_ops;
    for (uint32_t i = 0; sizes[i] != 0; i++) {
        table.batch_sizes[i] = sizes[i];
        count += sizes[i];
    }
    for (uint32_t i = 0; i < count; i++)
        table.events[i] = (struct event){.ts = ts[i], .seq = i, .kind = EVENT_TICK};
    wall = (struct wall){.now = 5000};
    const struct pace_config config = {.speed_num = num,
                                       .speed_den = den,
                                       .slice_ns = slice,
                                       .gap_max_ns = gap_max,
                                       .context = &wall,
                                       .now = wall_now,
                                       .sleep = wall_sleep};
    cr_assert(pace_feed_init(&pace, &table.feed, &config, NULL) == ERR_OK);
}

/* The next slice: so many events, from this one, handed out at this wall time. */
static uint32_t expect(uint32_t first, uint32_t count, ns_t at)
{
    struct event_batch batch;
    cr_assert(pace.feed.ops->next(&pace.feed, &batch) == ERR_OK);
    cr_assert(batch.count == count, "%u events, expected %u", batch.count, count);
    cr_assert(batch.events[0].seq == first, "from event %lu, expected %u", (unsigned long)batch.events[0].seq, first);
    cr_assert(wall.now == at, "at %ld, expected %ld", (long)wall.now, (long)at);
    return batch.handle;
}

static void expect_end(void)
{
    struct event_batch batch;
    cr_assert(pace.feed.ops->next(&pace.feed, &batch) == ERR_END);
}

Test(pace, due_times_are_exact_ratios)
{
    const struct {
        ns_t wall_start, ts_start, ts;
        uint64_t num, den;
        ns_t due;
    } rows[] = {
        {0, 0, 1000, 1, 1, 1000},
        {500, 100, 1100, 1, 1, 1500},
        {500, 100, 1100, 10, 1, 600},
        {0, 0, 10, 3, 1, 3},
        {0, 0, 1000, 1, 4, 4000},
        {-50, 0, 100, 3, 2, 16},
        /* A century at one millionth of wall speed is beyond time. */
        {0, 0, INT64_C(3155760000) * NS_PER_S, 1, 1000000, NS_MAX},
        {0, NS_MAX - 10, NS_MAX, 1, 1, 10},
        {7, -5, 5, 1, 1, 17},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_assert(pace_due(rows[i].wall_start, rows[i].ts_start, rows[i].ts, rows[i].num, rows[i].den) == rows[i].due,
                  "row %zu", i);
    cr_assert(pace_wait(10, 25) == 15 && pace_wait(25, 25) == 0 && pace_wait(26, 25) == 0);
    cr_assert(pace_wait(INT64_MIN, NS_MAX) == NS_MAX);
}

Test(pace, events_come_when_they_are_due)
{
    const ns_t ts[] = {1000, 1000, 1500, 4000};
    const uint32_t sizes[] = {3, 1, 0};
    open_pace(ts, sizes, 1, 1, 0, 0);
    pace.feed.ops->release(&pace.feed, expect(0, 2, 5000));
    cr_assert(table.released == 0, "the rest of the batch is still to come");
    pace.feed.ops->release(&pace.feed, expect(2, 1, 5500));
    cr_assert(table.released == 1);
    pace.feed.ops->release(&pace.feed, expect(3, 1, 8000));
    expect_end();
    cr_assert(wall.sleeps == 2 && table.released == 2 && pace.late_max_ns == 0);
    pace.feed.ops->close(&pace.feed);
    cr_assert(table.closed);
}

Test(pace, ten_times_as_fast_takes_a_tenth)
{
    const ns_t ts[] = {0, 1000, 2005};
    const uint32_t sizes[] = {1, 1, 1, 0};
    open_pace(ts, sizes, 10, 1, 0, 0);
    expect(0, 1, 5000);
    expect(1, 1, 5100);
    expect(2, 1, 5200);
    expect_end();
}

Test(pace, a_slice_is_given_together_and_never_earlier_than_allowed)
{
    const ns_t ts[] = {0, 40, 100, 101, 200};
    const uint32_t sizes[] = {5, 0};
    open_pace(ts, sizes, 1, 1, 100, 0);
    expect(0, 3, 5000);
    expect(3, 2, 5101);
    expect_end();
}

Test(pace, a_late_consumer_catches_up_without_waiting)
{
    const ns_t ts[] = {0, 100, 200, 300, 10000};
    const uint32_t sizes[] = {1, 3, 1, 0};
    open_pace(ts, sizes, 1, 1, 0, 0);
    expect(0, 1, 5000);
    wall.now += 250; /* busy */
    expect(1, 2, 5250);
    cr_assert(pace.late_max_ns == 150);
    expect(3, 1, 5300);
    expect(4, 1, 15000);
    expect_end();
}

Test(pace, a_sleep_that_ends_early_is_slept_again)
{
    const ns_t ts[] = {0, 1000};
    const uint32_t sizes[] = {2, 0};
    open_pace(ts, sizes, 1, 1, 0, 0);
    wall.wakes_early = true;
    expect(0, 1, 5000);
    expect(1, 1, 6000);
    cr_assert(wall.sleeps > 5 && wall.slept == 1000);
}

Test(pace, an_interrupted_sleep_loses_nothing)
{
    const ns_t ts[] = {0, 1000, 2000};
    const uint32_t sizes[] = {3, 0};
    struct event_batch batch;
    open_pace(ts, sizes, 1, 1, 0, 0);
    expect(0, 1, 5000);
    wall.interrupt_at = 1;
    cr_assert(pace.feed.ops->next(&pace.feed, &batch) == ERR_INTERRUPTED);
    expect(1, 1, 6000);
    expect(2, 1, 7000);
    expect_end();
}

Test(pace, a_long_silence_is_cut_and_what_follows_keeps_its_distance)
{
    const ns_t ts[] = {0, 100, 1000000, 1000050, 1001000};
    const uint32_t sizes[] = {5, 0};
    open_pace(ts, sizes, 1, 1, 0, 500);
    expect(0, 1, 5000);
    expect(1, 1, 5100);
    wall.interrupt_at = wall.sleeps + 1;
    struct event_batch batch;
    cr_assert(pace.feed.ops->next(&pace.feed, &batch) == ERR_INTERRUPTED);
    expect(2, 1, 5600); /* and not cut twice */
    expect(3, 1, 5650);
    expect(4, 1, 6150); /* 950 later, cut to 500 */
    expect_end();
}

Test(pace, slices_may_be_held_and_the_limit_is_named)
{
    ns_t ts[EVENTS_MAX] = {0};
    uint32_t sizes[EVENTS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 0}, handles[PACE_INNER_MAX];
    struct event_batch batch;
    open_pace(ts, sizes, 1, 1, 0, 0);
    for (uint32_t i = 0; i < PACE_INNER_MAX; i++)
        handles[i] = expect(i, 1, 5000);
    cr_assert(pace.feed.ops->next(&pace.feed, &batch) == ERR_FULL);
    pace.feed.ops->release(&pace.feed, handles[0]);
    expect(PACE_INNER_MAX, 1, 5000);
    pace.feed.ops->release(&pace.feed, handles[1]);
    expect_end();
}

Test(pace, a_falling_ts_is_an_error_with_both_times)
{
    const ns_t ts[] = {1000, 900};
    const uint32_t sizes[] = {2, 0};
    struct event_batch batch;
    open_pace(ts, sizes, 1, 1, 0, 0);
    expect(0, 1, 5000);
    cr_assert(pace.feed.ops->next(&pace.feed, &batch) == ERR_ORDER);
    cr_assert(strstr(pace.feed.why.text, "1000") != NULL && strstr(pace.feed.why.text, "900") != NULL);
}

Test(pace, a_speed_of_zero_is_refused)
{
    struct err_text why = {0};
    struct pace_config config = {.speed_num = 0, .speed_den = 1, .now = wall_now, .sleep = wall_sleep};
    cr_assert(pace_feed_init(&pace, &table.feed, &config, &why) == ERR_RANGE && strstr(why.text, "0/1") != NULL);
    config.speed_num = UINT64_C(1000000000001);
    cr_assert(pace_feed_init(&pace, &table.feed, &config, NULL) == ERR_RANGE);
    config.speed_num = 1;
    config.slice_ns = -1;
    cr_assert(pace_feed_init(&pace, &table.feed, &config, NULL) == ERR_RANGE);
}
