#include "feeds/number_feed.h"

#include <stdlib.h>

#define HELD_MAX 256 /* more than any reader looks ahead */

struct held {
    const struct event *events; /* NULL: a free entry */
    uint32_t count, handle;
    uint64_t first;
};

struct number_feed {
    struct feed feed; /* first */
    struct feed *inner;
    uint64_t next; /* number of the next event */
    struct held held[HELD_MAX];
    uint16_t instrument_count;
    struct numbered *last; /* book messages of batches handed back, an instrument; ts INT64_MIN: none */
};

static bool is_book(const struct event *event)
{
    return event->kind == EVENT_BOOK_SNAPSHOT || event->kind == EVENT_BOOK_DELTA || event->kind == EVENT_GAP;
}

static struct numbered numbered_of(const struct held *held, const struct event *event)
{
    return (struct numbered){.number = held->first + (uint64_t)(event - held->events),
                             .ts = event->ts,
                             .exch_ts = event->exch_ts,
                             .seq = event->seq,
                             .kind = event->kind};
}

static err_t number_next(struct feed *feed, struct event_batch *batch)
{
    struct number_feed *numbers = (struct number_feed *)(void *)feed;
    struct held *held = numbers->held;
    while (held < numbers->held + HELD_MAX && held->events != NULL)
        held++;
    if (held == numbers->held + HELD_MAX)
        return err_say(&feed->why, ERR_FULL, "more batches are held than are numbered");
    err_t err = numbers->inner->ops->next(numbers->inner, batch);
    if (err != ERR_OK) {
        feed->why = numbers->inner->why;
        return err;
    }
    *held = (struct held){batch->events, batch->count, batch->handle, numbers->next};
    numbers->next += batch->count;
    return ERR_OK;
}

static void number_release(struct feed *feed, uint32_t handle)
{
    struct number_feed *numbers = (struct number_feed *)(void *)feed;
    for (struct held *held = numbers->held; held < numbers->held + HELD_MAX; held++) {
        if (held->events == NULL || held->handle != handle)
            continue;
        for (const struct event *event = held->events; event < held->events + held->count; event++)
            if (event->instrument < numbers->instrument_count && is_book(event))
                numbers->last[event->instrument] = numbered_of(held, event);
        held->events = NULL;
        break;
    }
    numbers->inner->ops->release(numbers->inner, handle);
}

static void number_close(struct feed *feed)
{
    struct number_feed *numbers = (struct number_feed *)(void *)feed;
    free(numbers->last);
    free(numbers);
}

static const struct feed_ops number_ops = {number_next, number_release, number_close};

static err_t number_mark(const struct feed *feed, uint32_t handle, struct feed_mark *mark)
{
    const struct feed *inner = ((const struct number_feed *)(const void *)feed)->inner;
    return inner->place == NULL ? ERR_STATE : inner->place->mark(inner, handle, mark);
}

/* What was handed back before is not known any more. */
static err_t number_seek(struct feed *feed, const struct feed_mark *mark)
{
    struct number_feed *numbers = (struct number_feed *)(void *)feed;
    if (numbers->inner->place == NULL)
        return ERR_STATE;
    numbers->next = mark->message;
    for (uint16_t i = 0; i < numbers->instrument_count; i++)
        numbers->last[i].ts = INT64_MIN;
    err_t err = numbers->inner->place->seek(numbers->inner, mark);
    feed->why = numbers->inner->why;
    return err;
}

static const struct feed_place_ops number_place = {number_mark, number_seek};

err_t number_feed_open(struct feed **feed, struct feed *inner, uint16_t instrument_count, struct err_text *why)
{
    struct number_feed *numbers = calloc(1, sizeof(*numbers));
    struct numbered *last = calloc(instrument_count != 0 ? instrument_count : 1u, sizeof(*last));
    if (numbers == NULL || last == NULL) {
        free(numbers);
        free(last);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    numbers->feed.ops = &number_ops;
    numbers->feed.place = &number_place;
    numbers->inner = inner;
    numbers->instrument_count = instrument_count;
    numbers->last = last;
    for (uint16_t i = 0; i < instrument_count; i++)
        last[i].ts = INT64_MIN;
    *feed = &numbers->feed;
    return ERR_OK;
}

bool number_feed_find(const struct feed *feed, const struct event *event, uint64_t *number)
{
    const struct number_feed *numbers = (const struct number_feed *)(const void *)feed;
    for (const struct held *held = numbers->held; held < numbers->held + HELD_MAX; held++) {
        if (held->events == NULL || (uintptr_t)event < (uintptr_t)held->events ||
            (uintptr_t)event >= (uintptr_t)(held->events + held->count))
            continue;
        *number = numbered_of(held, event).number;
        return true;
    }
    return false;
}

/* The first event of a batch after `ts`: stamps rise. */
static uint32_t after(const struct held *held, ns_t ts)
{
    uint32_t low = 0, high = held->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (held->events[middle].ts <= ts)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool number_feed_book(const struct feed *feed, uint16_t instrument, ns_t ts, uint64_t seq, struct numbered *message)
{
    const struct number_feed *numbers = (const struct number_feed *)(const void *)feed;
    struct numbered best = {.ts = INT64_MIN};
    bool found = false;
    if (instrument < numbers->instrument_count && numbers->last[instrument].seq == seq) {
        best = numbers->last[instrument];
        found = best.ts != INT64_MIN && best.ts <= ts;
    }
    for (const struct held *held = numbers->held; held < numbers->held + HELD_MAX; held++) {
        if (held->events == NULL || (found && held->first < best.number))
            continue;
        for (uint32_t i = after(held, ts); i > 0; i--) {
            const struct event *event = &held->events[i - 1];
            if (event->instrument != instrument || !is_book(event) || event->seq != seq)
                continue;
            if (!found || held->first + i - 1 > best.number)
                best = numbered_of(held, event);
            found = true;
            break;
        }
    }
    if (found)
        *message = best;
    return found;
}
