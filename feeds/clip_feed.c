/* How: books are built only when something lies before `from`, and freed once their snapshots were given. A batch
 * that straddles an end of the stretch is given in part, under its own handle. */
#include "feeds/clip_feed.h"

#include "core/book.h"

#include <stdlib.h>
#include <string.h>

#define SNAPSHOT_HANDLE UINT32_MAX

struct clip_feed {
    struct feed feed; /* first */
    struct feed *inner;
    const struct instrument *instruments;
    uint16_t instrument_count;
    uint16_t lane;
    ns_t from, to;
    struct book *books; /* one an instrument, made when first needed: `memory` NULL until then */
    void **memory;
    bool *known; /* the instrument had a book message before `from` */
    bool warm, ended;
    struct event_batch rest; /* the first batch that reaches into the stretch, while snapshots are out */
    struct event *snapshots;
    struct level *levels;
};

static err_t fail(struct clip_feed *clip, err_t err, const char *words)
{
    return err_say(&clip->feed.why, err, "%s", words);
}

/* The book of an instrument, made at its first message. */
static err_t reach_book(struct clip_feed *clip, uint16_t i)
{
    if (clip->memory[i] != NULL)
        return ERR_OK;
    size_t size = (book_size(BOOK_WINDOW_DEFAULT, BOOK_FAR_DEFAULT) + 63) & ~(size_t)63;
    clip->memory[i] = aligned_alloc(64, size);
    if (clip->memory[i] == NULL)
        return fail(clip, ERR_NOMEM, "no memory to build the books before the start");
    memset(clip->memory[i], 0, size);
    book_init(&clip->books[i], clip->memory[i], BOOK_WINDOW_DEFAULT, BOOK_FAR_DEFAULT, &clip->instruments[i]);
    return ERR_OK;
}

static err_t warm_up_event(struct clip_feed *clip, const struct event *event)
{
    if (event->kind == EVENT_GAP && event->instrument == INSTRUMENT_NONE) { /* of the whole source */
        for (uint16_t i = 0; i < clip->instrument_count; i++)
            if (clip->known[i])
                book_apply(&clip->books[i], event);
        return ERR_OK;
    }
    if (event->instrument >= clip->instrument_count ||
        (event->kind != EVENT_BOOK_SNAPSHOT && event->kind != EVENT_BOOK_DELTA && event->kind != EVENT_GAP))
        return ERR_OK;
    const uint16_t i = event->instrument;
    err_t err = reach_book(clip, i);
    if (err != ERR_OK)
        return err;
    book_apply(&clip->books[i], event);
    clip->known[i] = true;
    return ERR_OK;
}

static err_t make_snapshots(struct clip_feed *clip, uint32_t *count)
{
    size_t levels = 1, books = 1;
    for (uint16_t i = 0; i < clip->instrument_count; i++)
        if (clip->known[i]) {
            books++;
            levels +=
                (size_t)book_level_count(&clip->books[i], SIDE_BUY) + book_level_count(&clip->books[i], SIDE_SELL);
        }
    clip->snapshots = calloc(books, sizeof(*clip->snapshots));
    clip->levels = calloc(levels, sizeof(*clip->levels));
    if (clip->snapshots == NULL || clip->levels == NULL)
        return fail(clip, ERR_NOMEM, "no memory for the books at the start");
    struct level *at = clip->levels;
    *count = 0;
    for (uint16_t i = 0; i < clip->instrument_count; i++) {
        if (!clip->known[i])
            continue;
        const struct book *book = &clip->books[i];
        struct event *event = &clip->snapshots[(*count)++];
        *event = (struct event){.ts = clip->from,
                                .exch_ts = clip->from,
                                .seq = book->seq,
                                .instrument = i,
                                .lane = clip->lane,
                                .kind = EVENT_GAP};
        if (book->flags & BOOK_STALE)
            continue;
        event->kind = EVENT_BOOK_SNAPSHOT;
        event->flags = book->flags & BOOK_PARTIAL ? EVENT_PARTIAL : 0;
        event->levels = at;
        event->bid_count = book_top(book, SIDE_BUY, at, UINT32_MAX);
        at += event->bid_count;
        event->ask_count = book_top(book, SIDE_SELL, at, UINT32_MAX);
        at += event->ask_count;
    }
    for (uint16_t i = 0; i < clip->instrument_count; i++) {
        free(clip->memory[i]);
        clip->memory[i] = NULL;
    }
    return ERR_OK;
}

/* Read up to the stretch; its first part waits in `rest`. */
static err_t warm_up(struct clip_feed *clip)
{
    for (;;) {
        struct event_batch batch;
        err_t err = clip->inner->ops->next(clip->inner, &batch);
        if (err != ERR_OK)
            return err == ERR_END ? ERR_END : fail(clip, err, clip->inner->why.text);
        uint32_t skip = 0;
        while (skip < batch.count && batch.events[skip].ts < clip->from) {
            err = warm_up_event(clip, &batch.events[skip++]);
            if (err != ERR_OK)
                return err;
        }
        if (skip < batch.count) {
            clip->rest = (struct event_batch){batch.events + skip, batch.count - skip, batch.handle};
            return ERR_OK;
        }
        clip->inner->ops->release(clip->inner, batch.handle);
    }
}

/* Cut a batch at `to`. */
static err_t give(struct clip_feed *clip, struct event_batch batch, struct event_batch *out)
{
    if (batch.count != 0 && batch.events[batch.count - 1].ts >= clip->to) {
        clip->ended = true;
        uint32_t count = 0;
        while (batch.events[count].ts < clip->to)
            count++;
        if (count == 0) {
            clip->inner->ops->release(clip->inner, batch.handle);
            return ERR_END;
        }
        batch.count = count;
    }
    *out = batch;
    return ERR_OK;
}

static err_t clip_next(struct feed *feed, struct event_batch *batch)
{
    struct clip_feed *clip = (struct clip_feed *)(void *)feed;
    err_clear(&feed->why);
    if (clip->ended)
        return ERR_END;
    err_t err;
    if (!clip->warm) {
        clip->warm = true;
        uint32_t count = 0;
        err = warm_up(clip);
        if (err == ERR_OK)
            err = make_snapshots(clip, &count);
        if (err != ERR_OK)
            return err;
        /* a clip that ends before the tape goes on has no books to show either */
        if (count != 0 && clip->from < clip->to) {
            *batch = (struct event_batch){clip->snapshots, count, SNAPSHOT_HANDLE};
            return ERR_OK;
        }
    }
    if (clip->rest.count != 0) {
        struct event_batch rest = clip->rest;
        clip->rest.count = 0;
        return give(clip, rest, batch);
    }
    struct event_batch next;
    err = clip->inner->ops->next(clip->inner, &next);
    if (err != ERR_OK)
        return err == ERR_END || err == ERR_AGAIN ? err : fail(clip, err, clip->inner->why.text);
    while (UNLIKELY(next.count != 0 && next.events->ts < clip->from)) { /* the first one, come back to */
        next.events++;
        next.count--;
    }
    return give(clip, next, batch);
}

static void clip_release(struct feed *feed, uint32_t handle)
{
    struct clip_feed *clip = (struct clip_feed *)(void *)feed;
    if (handle != SNAPSHOT_HANDLE)
        clip->inner->ops->release(clip->inner, handle);
}

static void clip_close(struct feed *feed)
{
    struct clip_feed *clip = (struct clip_feed *)(void *)feed;
    if (clip->rest.count != 0) /* held here, never given */
        clip->inner->ops->release(clip->inner, clip->rest.handle);
    for (uint16_t i = 0; i < clip->instrument_count && clip->memory != NULL; i++)
        free(clip->memory[i]);
    free(clip->memory);
    free(clip->books);
    free(clip->known);
    free(clip->snapshots);
    free(clip->levels);
    free(clip);
}

static const struct feed_ops clip_ops = {clip_next, clip_release, clip_close};

static err_t clip_mark(const struct feed *feed, uint32_t handle, struct feed_mark *mark)
{
    const struct feed *inner = ((const struct clip_feed *)(const void *)feed)->inner;
    return handle == SNAPSHOT_HANDLE || inner->place == NULL ? ERR_STATE : inner->place->mark(inner, handle, mark);
}

/* Behind the snapshots. What was held back for them is read again, if it is still to come. */
static err_t clip_seek(struct feed *feed, const struct feed_mark *mark)
{
    struct clip_feed *clip = (struct clip_feed *)(void *)feed;
    if (clip->inner->place == NULL)
        return ERR_STATE;
    if (clip->rest.count != 0)
        clip->inner->ops->release(clip->inner, clip->rest.handle);
    clip->rest.count = 0;
    clip->warm = true;
    clip->ended = mark->message == FEED_MARK_END;
    err_t err = clip->inner->place->seek(clip->inner, mark);
    return err == ERR_OK ? ERR_OK : fail(clip, err, clip->inner->why.text);
}

static const struct feed_place_ops clip_place = {clip_mark, clip_seek};

err_t clip_feed_open(struct feed **feed, struct feed *inner, const struct instrument *instruments,
                     uint16_t instrument_count, ns_t from, ns_t to, uint16_t lane, struct err_text *why)
{
    struct clip_feed *clip = calloc(1, sizeof(*clip));
    if (clip == NULL)
        return err_say(why, ERR_NOMEM, "no memory for a stretch of a tape");
    clip->feed.ops = &clip_ops;
    clip->feed.place = &clip_place;
    clip->inner = inner;
    clip->instruments = instruments;
    clip->instrument_count = instrument_count;
    clip->from = from;
    clip->to = to;
    clip->lane = lane;
    clip->books = calloc(instrument_count + 1u, sizeof(*clip->books));
    clip->memory = calloc(instrument_count + 1u, sizeof(*clip->memory));
    clip->known = calloc(instrument_count + 1u, sizeof(*clip->known));
    if (clip->books == NULL || clip->memory == NULL || clip->known == NULL) {
        clip_close(&clip->feed);
        return err_say(why, ERR_NOMEM, "no memory for a stretch of a tape");
    }
    *feed = &clip->feed;
    return ERR_OK;
}
