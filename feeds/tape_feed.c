#include "feeds/tape_feed.h"

#include <stdlib.h>

#define HELD_MAX 64 /* as many as a reader has buffers */

struct tape_feed {
    struct feed feed; /* first */
    struct tape_reader *reader;
    uint64_t position;
    uint64_t first_of[HELD_MAX]; /* by buffer: the number of its first message */
};

static err_t tape_next(struct feed *feed, struct event_batch *batch)
{
    struct tape_feed *tape = (struct tape_feed *)(void *)feed;
    struct tape_block block;
    err_clear(&feed->why);
    err_t err = tape_reader_next(tape->reader, &block, &feed->why);
    if (err != ERR_OK)
        return err;
    ASSERT(block.buffer < HELD_MAX);
    tape->position += block.event_count;
    tape->first_of[block.buffer] = block.first_message;
    *batch = (struct event_batch){block.events, block.event_count, block.buffer};
    return ERR_OK;
}

static void tape_release(struct feed *feed, uint32_t handle)
{
    tape_reader_release(((struct tape_feed *)(void *)feed)->reader, handle);
}

static void tape_close(struct feed *feed)
{
    struct tape_feed *tape = (struct tape_feed *)(void *)feed;
    tape_reader_close(tape->reader);
    free(tape);
}

static const struct feed_ops tape_ops = {tape_next, tape_release, tape_close};

static err_t tape_mark(const struct feed *feed, uint32_t handle, struct feed_mark *mark)
{
    mark->message = ((const struct tape_feed *)(const void *)feed)->first_of[handle];
    return ERR_OK;
}

static err_t tape_seek(struct feed *feed, const struct feed_mark *mark)
{
    struct tape_feed *tape = (struct tape_feed *)(void *)feed;
    err_clear(&feed->why);
    if (mark->message == FEED_MARK_END) {
        tape->position = tape_reader_info(tape->reader)->messages;
        return ERR_OK; /* nobody asks again */
    }
    tape->position = mark->message;
    return tape_reader_seek_message(tape->reader, mark->message, &feed->why);
}

static const struct feed_place_ops tape_place = {tape_mark, tape_seek};

err_t tape_feed_open(struct feed **feed, const char *path, const struct tape_feed_options *options,
                     struct err_text *why)
{
    struct tape_feed *tape = calloc(1, sizeof(*tape));
    if (tape == NULL)
        return err_say(why, ERR_NOMEM, "no memory for a tape feed");
    const struct tape_reader_options reader_options = {.buffers = options->lookahead == 0 ? 4 : options->lookahead,
                                                       .read_ahead = options->read_ahead};
    tape->feed.ops = &tape_ops;
    tape->feed.place = &tape_place;
    err_t err = tape_reader_open(&tape->reader, path, &reader_options, why);
    if (err == ERR_OK && tape_reader_map(tape->reader, options->map, options->lane) != ERR_OK)
        err = err_say(why, ERR_NOMEM, "no memory for a tape feed");
    if (err != ERR_OK) {
        tape_reader_close(tape->reader);
        free(tape);
        return err;
    }
    *feed = &tape->feed;
    return ERR_OK;
}

const struct tape_info *tape_feed_info(const struct feed *feed)
{
    return tape_reader_info(((const struct tape_feed *)(const void *)feed)->reader);
}

uint64_t tape_feed_position(const struct feed *feed)
{
    return ((const struct tape_feed *)(const void *)feed)->position;
}

void tape_feed_profile(const struct feed *feed, struct tape_reader_profile *profile)
{
    tape_reader_profile(((const struct tape_feed *)(const void *)feed)->reader, profile);
}
