/* How: a slot holds a batch of the inner feed and the headers that we hand out for it. Slots keep their room when
 * they are released, so that after the first batches nothing is allocated. */
#include "feeds/delay_feed.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 1024

/* What the next event's arrival hangs on. */
struct so_far {
    ns_t last;       /* ts of the event handed out last */
    ns_t stamp;      /* the last one believed */
    uint64_t number; /* events of that stamp so far, in a row */
    ns_t shift;      /* by how much the last stamped event was moved */
    struct delay_stats stats;
};

struct slot {
    struct event *events;
    uint32_t room;   /* of events */
    uint32_t handle; /* the inner feed's */
    bool used;
    struct so_far before; /* its first event */
};

struct delay_feed {
    struct feed feed; /* first */
    struct feed *inner;
    struct delay_config config;
    struct slot *slots;
    struct so_far now;
};

static ns_t sum(ns_t a, ns_t b)
{
    ns_t result;
    if (__builtin_add_overflow(a, b, &result))
        return a > 0 ? NS_MAX : INT64_MIN;
    return result;
}

static bool is_stamped(const struct event *event)
{
    return event->exch_ts != 0 && event->exch_ts <= sum(event->ts, DELAY_STAMP_AHEAD_MAX);
}

static ns_t arrival(struct delay_feed *delay, const struct event *event)
{
    ns_t ts;
    delay->now.stats.events++;
    if (is_stamped(event)) {
        if (event->exch_ts != delay->now.stamp)
            delay->now.number = 0;
        delay->now.stamp = event->exch_ts;
        ts = sum(event->exch_ts, delay->config.delay(delay->config.context, event->exch_ts, delay->now.number++));
    } else {
        delay->now.stats.unstamped++;
        ts = sum(event->ts, delay->now.shift);
    }
    if (ts < delay->now.last) {
        delay->now.stats.held_up++;
        ts = delay->now.last;
    }
    if (is_stamped(event) && __builtin_sub_overflow(ts, event->ts, &delay->now.shift))
        delay->now.shift = 0;
    return delay->now.last = ts;
}

static err_t reach_room(struct delay_feed *delay, struct slot *slot, uint32_t count)
{
    if (slot->room >= count)
        return ERR_OK;
    uint32_t room = slot->room > 0 ? slot->room : ROOM_MIN;
    while (room < count)
        room *= 2;
    free(slot->events);
    slot->events = malloc(room * sizeof(*slot->events));
    slot->room = slot->events != NULL ? room : 0;
    return slot->events != NULL ? ERR_OK : err_say(&delay->feed.why, ERR_NOMEM, "no memory for a delayed feed");
}

static err_t delay_next(struct feed *feed, struct event_batch *batch)
{
    struct delay_feed *delay = (struct delay_feed *)(void *)feed;
    struct event_batch inner;
    uint32_t number = 0;
    err_clear(&feed->why);
    while (number < delay->config.batches_max && delay->slots[number].used)
        number++;
    if (number == delay->config.batches_max)
        return ERR_FULL;
    err_t err = delay->inner->ops->next(delay->inner, &inner);
    if (err == ERR_END || err == ERR_AGAIN || err == ERR_FULL)
        return err;
    if (err != ERR_OK)
        return err_say(&feed->why, err, "%s", delay->inner->why.text);
    struct slot *slot = &delay->slots[number];
    err = reach_room(delay, slot, inner.count);
    if (err != ERR_OK) {
        delay->inner->ops->release(delay->inner, inner.handle);
        return err;
    }
    slot->before = delay->now;
    for (uint32_t i = 0; i < inner.count; i++) {
        slot->events[i] = inner.events[i];
        slot->events[i].ts = arrival(delay, &inner.events[i]);
    }
    slot->handle = inner.handle;
    slot->used = true;
    *batch = (struct event_batch){slot->events, inner.count, number};
    return ERR_OK;
}

static void delay_release(struct feed *feed, uint32_t handle)
{
    struct delay_feed *delay = (struct delay_feed *)(void *)feed;
    ASSERT(handle < delay->config.batches_max && delay->slots[handle].used);
    delay->slots[handle].used = false;
    delay->inner->ops->release(delay->inner, delay->slots[handle].handle);
}

static void delay_close(struct feed *feed)
{
    struct delay_feed *delay = (struct delay_feed *)(void *)feed;
    for (uint32_t i = 0; i < delay->config.batches_max && delay->slots != NULL; i++)
        free(delay->slots[i].events);
    free(delay->slots);
    free(delay);
}

static const struct feed_ops delay_ops = {delay_next, delay_release, delay_close};

static err_t delay_mark(const struct feed *feed, uint32_t handle, struct feed_mark *mark)
{
    const struct delay_feed *delay = (const struct delay_feed *)(const void *)feed;
    const struct slot *slot = &delay->slots[handle];
    const struct so_far *before = &slot->before;
    if (delay->inner->place == NULL)
        return ERR_STATE;
    mark->delay_last = before->last;
    mark->delay_stamp = before->stamp;
    mark->delay_shift = before->shift;
    mark->delay_number = before->number;
    mark->delay_events = before->stats.events;
    mark->delay_unstamped = before->stats.unstamped;
    mark->delay_held_up = before->stats.held_up;
    return delay->inner->place->mark(delay->inner, slot->handle, mark);
}

static err_t delay_seek(struct feed *feed, const struct feed_mark *mark)
{
    struct delay_feed *delay = (struct delay_feed *)(void *)feed;
    if (delay->inner->place == NULL)
        return ERR_STATE;
    delay->now = (struct so_far){
        .last = mark->delay_last,
        .stamp = mark->delay_stamp,
        .number = mark->delay_number,
        .shift = mark->delay_shift,
        .stats = {mark->delay_events, mark->delay_unstamped, mark->delay_held_up},
    };
    err_t err = delay->inner->place->seek(delay->inner, mark);
    return err == ERR_OK ? ERR_OK : err_say(&feed->why, err, "%s", delay->inner->why.text);
}

static const struct feed_place_ops delay_place = {delay_mark, delay_seek};

err_t delay_feed_open(struct feed **feed, struct feed *inner, const struct delay_config *config, struct err_text *why)
{
    ASSERT(config->delay != NULL && config->batches_max >= 1);
    struct delay_feed *delay = calloc(1, sizeof(*delay));
    if (delay == NULL)
        return err_say(why, ERR_NOMEM, "no memory for a delayed feed");
    delay->feed.ops = &delay_ops;
    delay->feed.place = &delay_place;
    delay->inner = inner;
    delay->config = *config;
    delay->now.last = INT64_MIN;
    delay->slots = calloc(config->batches_max, sizeof(*delay->slots));
    if (delay->slots == NULL) {
        delay_close(&delay->feed);
        return err_say(why, ERR_NOMEM, "no memory for a delayed feed");
    }
    *feed = &delay->feed;
    return ERR_OK;
}

const struct delay_stats *delay_feed_stats(const struct feed *feed)
{
    return &((const struct delay_feed *)(const void *)feed)->now.stats;
}
