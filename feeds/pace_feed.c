#include "feeds/pace_feed.h"

#include <inttypes.h>
#include <string.h>

#define SPEED_MAX UINT64_C(1000000000000)

ns_t pace_due(ns_t wall_start, ns_t ts_start, ns_t ts, uint64_t speed_num, uint64_t speed_den)
{
    ASSERT(ts >= ts_start && speed_num > 0 && speed_den > 0);
    u128_t passed = (u128_t)((uint64_t)ts - (uint64_t)ts_start) * speed_den / speed_num;
    money_t due = wall_start + (money_t)passed;
    return due > NS_MAX ? NS_MAX : (ns_t)due;
}

ns_t pace_wait(ns_t now, ns_t due)
{
    if (due <= now)
        return 0;
    money_t wait = (money_t)due - now;
    return wait > NS_MAX ? NS_MAX : (ns_t)wait;
}

static ns_t due_of(const struct pace_feed *pace, ns_t ts)
{
    return pace_due(pace->wall_start, pace->ts_start, ts, pace->config.speed_num, pace->config.speed_den);
}

/* The batch being sliced, or the inner feed's next one. */
static err_t current_batch(struct pace_feed *pace)
{
    if (pace->current != PACE_INNER_MAX)
        return ERR_OK;
    uint32_t slot = 0;
    while (slot < PACE_INNER_MAX && pace->held[slot].used)
        slot++;
    if (slot == PACE_INNER_MAX)
        return ERR_FULL;
    struct event_batch batch;
    err_t err = pace->inner->ops->next(pace->inner, &batch);
    if (err != ERR_OK) {
        pace->feed.why = pace->inner->why;
        return err;
    }
    if (batch.count == 0) {
        pace->inner->ops->release(pace->inner, batch.handle);
        return ERR_AGAIN;
    }
    pace->held[slot].batch = batch;
    pace->held[slot].given = pace->held[slot].out = 0;
    pace->held[slot].used = true;
    pace->current = slot;
    return ERR_OK;
}

/* A silence longer than the limit: the wall's start moves back, so that the next event is due when the limit is
 * over, and all that follows keeps its distance to it. */
static void shorten_gap(struct pace_feed *pace, ns_t ts)
{
    if (pace->config.gap_max_ns == 0)
        return;
    ns_t last_due = due_of(pace, pace->last_ts), due = due_of(pace, ts);
    if (due - last_due > pace->config.gap_max_ns)
        pace->wall_start -= due - last_due - pace->config.gap_max_ns;
}

static err_t pace_next(struct feed *feed, struct event_batch *out)
{
    struct pace_feed *pace = (struct pace_feed *)(void *)feed;
    err_t err = current_batch(pace);
    if (err != ERR_OK)
        return err;
    uint32_t slot = pace->current, given = pace->held[slot].given;
    const struct event_batch *batch = &pace->held[slot].batch;
    ns_t first_ts = batch->events[given].ts;
    ns_t now = pace->config.now(pace->config.context);
    if (!pace->started) {
        pace->started = true;
        pace->wall_start = now;
        pace->ts_start = pace->last_ts = first_ts;
    }
    if (first_ts < pace->last_ts)
        return err_say(&feed->why, ERR_ORDER, "pace: ts falls from %" PRId64 " to %" PRId64, pace->last_ts, first_ts);
    shorten_gap(pace, first_ts);
    pace->last_ts = first_ts; /* before the wait: an interrupted call that comes again must not shorten twice */
    ns_t due = due_of(pace, first_ts), wait;
    while ((wait = pace_wait(now, due)) > 0) {
        err = pace->config.sleep(pace->config.context, wait);
        if (err != ERR_OK)
            return err;
        now = pace->config.now(pace->config.context);
    }
    if (now - due > pace->late_max_ns)
        pace->late_max_ns = now - due;
    /* Late or not, the slice reaches as far as what is due now, and a little further. */
    ns_t until = now > NS_MAX - pace->config.slice_ns ? NS_MAX : now + pace->config.slice_ns;
    uint32_t end = given + 1;
    while (end < batch->count && batch->events[end].ts >= batch->events[end - 1].ts &&
           due_of(pace, batch->events[end].ts) <= until)
        end++;
    *out = (struct event_batch){.events = batch->events + given, .count = end - given, .handle = slot};
    pace->last_ts = batch->events[end - 1].ts;
    pace->held[slot].given = end;
    pace->held[slot].out++;
    if (end == batch->count)
        pace->current = PACE_INNER_MAX;
    return ERR_OK;
}

static void pace_release(struct feed *feed, uint32_t handle)
{
    struct pace_feed *pace = (struct pace_feed *)(void *)feed;
    ASSERT(handle < PACE_INNER_MAX && pace->held[handle].used && pace->held[handle].out > 0);
    pace->held[handle].out--;
    if (pace->held[handle].out > 0 || handle == pace->current)
        return;
    pace->inner->ops->release(pace->inner, pace->held[handle].batch.handle);
    pace->held[handle].used = false;
}

static void pace_close(struct feed *feed)
{
    struct pace_feed *pace = (struct pace_feed *)(void *)feed;
    pace->inner->ops->close(pace->inner);
}

static const struct feed_ops ops = {.next = pace_next, .release = pace_release, .close = pace_close};

err_t pace_feed_init(struct pace_feed *pace, struct feed *inner, const struct pace_config *config,
                     struct err_text *why)
{
    if (config->speed_num == 0 || config->speed_den == 0 || config->speed_num > SPEED_MAX ||
        config->speed_den > SPEED_MAX)
        return err_say(why, ERR_RANGE, "pace: a speed of %" PRIu64 "/%" PRIu64 "; expected a ratio of 1 to %" PRIu64,
                       config->speed_num, config->speed_den, SPEED_MAX);
    if (config->slice_ns < 0 || config->gap_max_ns < 0)
        return err_say(why, ERR_RANGE, "pace: a negative time (slice %" PRId64 " ns, longest gap %" PRId64 " ns)",
                       config->slice_ns, config->gap_max_ns);
    ASSERT(config->now != NULL && config->sleep != NULL);
    memset(pace, 0, sizeof(*pace));
    pace->feed.ops = &ops;
    pace->inner = inner;
    pace->config = *config;
    pace->current = PACE_INNER_MAX;
    return ERR_OK;
}
