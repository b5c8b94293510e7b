/* How: a block is read from the file (tape_file.c) and decoded into one of a few buffers that the caller hands back.
 * With read-ahead one thread does all of that for the next free buffer; the caller sees the same blocks in the same
 * order. The file belongs to that thread while it runs: who wants to seek stops it first. */
#include "data/tape_reader.h"

#include "data/tape_codec.h"
#include "data/tape_file.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUFFERS_MAX 64

enum buffer_state { BUFFER_FREE, BUFFER_READY, BUFFER_HELD };

struct buffer {
    struct tape_decoded decoded;
    struct tape_seal seal;
    enum buffer_state state;
    err_t err; /* READY with an error: no block, this is why */
    struct err_text why;
};

struct tape_reader {
    struct tape_file file;
    struct tape_info info;
    bool ended;

    struct tape_decoder *decoder;
    uint64_t decode_ns;
    uint16_t *map;
    uint16_t lane;

    struct buffer buffers[BUFFERS_MAX];
    uint32_t buffer_count;
    uint32_t queue[BUFFERS_MAX]; /* READY buffers in order */
    uint32_t queue_head, queue_count;

    bool read_ahead, running, stop;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

/* The work of one block, on the caller's thread or on the read-ahead thread. */
static err_t load(struct tape_reader *reader, struct buffer *buffer, struct err_text *why)
{
    struct tape_file *file = &reader->file;
    struct tape_seal seal;
    err_t err = tape_file_next(file, &seal, why);
    if (err != ERR_OK)
        return err;
    const uint64_t t0 = tape_file_clock_ns();
    err = tape_decode(reader->decoder, file->raw, seal.raw_size, seal.messages, seal.levels, reader->map,
                      reader->lane, &buffer->decoded);
    reader->decode_ns += tape_file_clock_ns() - t0;
    if (err == ERR_OK && (buffer->decoded.events[0].ts != seal.first_ts ||
                          buffer->decoded.events[seal.messages - 1].ts != seal.last_ts))
        err = ERR_CORRUPT;
    if (err != ERR_OK)
        return err_say(why, err,
                       "%s: block %llu (byte %llu) has a valid checksum but its content does not add up: %s",
                       file->path, (unsigned long long)seal.number, (unsigned long long)file->offset, err_words(err));
    buffer->seal = seal;
    tape_file_step(file, &seal);
    return ERR_OK;
}

/* ---- read-ahead ---- */

static struct buffer *free_buffer(struct tape_reader *reader, uint32_t *number)
{
    for (uint32_t i = 0; i < reader->buffer_count; i++)
        if (reader->buffers[i].state == BUFFER_FREE) {
            *number = i;
            return &reader->buffers[i];
        }
    return NULL;
}

static void enqueue(struct tape_reader *reader, uint32_t number)
{
    reader->buffers[number].state = BUFFER_READY;
    reader->queue[(reader->queue_head + reader->queue_count++) % BUFFERS_MAX] = number;
}

static void *read_ahead_thread(void *context)
{
    struct tape_reader *reader = context;
    pthread_mutex_lock(&reader->mutex);
    while (!reader->stop) {
        uint32_t number;
        struct buffer *buffer = free_buffer(reader, &number);
        if (buffer == NULL) {
            pthread_cond_wait(&reader->changed, &reader->mutex);
            continue;
        }
        pthread_mutex_unlock(&reader->mutex);
        err_clear(&buffer->why);
        buffer->err = load(reader, buffer, &buffer->why);
        pthread_mutex_lock(&reader->mutex);
        enqueue(reader, number);
        pthread_cond_broadcast(&reader->changed);
        if (buffer->err != ERR_OK)
            break;
    }
    pthread_mutex_unlock(&reader->mutex);
    return NULL;
}

static void stop_thread(struct tape_reader *reader)
{
    if (!reader->running)
        return;
    pthread_mutex_lock(&reader->mutex);
    reader->stop = true;
    pthread_cond_broadcast(&reader->changed);
    pthread_mutex_unlock(&reader->mutex);
    pthread_join(reader->thread, NULL);
    reader->running = reader->stop = false;
}

/* ---- opening ---- */

static void fill_info(struct tape_info *info, const struct tape_file *file)
{
    const struct tape_trailer *trailer = &file->trailer;
    info->version = TAPE_VERSION;
    memcpy(info->source, file->header.source, sizeof(info->source));
    memcpy(info->created_by, file->header.created_by, sizeof(info->created_by));
    info->instrument_count = file->header.instrument_count;
    info->instruments = file->header.instruments;
    info->session = file->header.session;
    info->file_bytes = file->size_bytes;
    info->indexed = file->indexed;
    info->blocks = trailer->blocks;
    info->messages = trailer->messages;
    info->levels = trailer->levels;
    info->first_ts = trailer->first_ts;
    info->last_ts = trailer->last_ts;
    tape_hash_text(&trailer->chain, info->hash);
}

err_t tape_reader_open(struct tape_reader **reader, const char *path, const struct tape_reader_options *options,
                       struct err_text *why)
{
    struct tape_reader *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "no memory for a tape reader");
    err_t err = tape_file_open(&opened->file, path, why);
    if (err != ERR_OK) {
        free(opened);
        return err;
    }
    pthread_mutex_init(&opened->mutex, NULL);
    pthread_cond_init(&opened->changed, NULL);
    opened->buffer_count = options != NULL && options->buffers != 0 ? options->buffers : 2;
    opened->read_ahead = options != NULL && options->read_ahead;
    if (opened->read_ahead)
        opened->buffer_count++;
    ASSERT(opened->buffer_count <= BUFFERS_MAX);
    if (tape_decoder_open(&opened->decoder, opened->file.header.instrument_count) != ERR_OK) {
        tape_reader_close(opened);
        return err_say(why, ERR_NOMEM, "no memory for a tape reader");
    }
    fill_info(&opened->info, &opened->file);
    *reader = opened;
    return ERR_OK;
}

void tape_reader_close(struct tape_reader *reader)
{
    if (reader == NULL)
        return;
    stop_thread(reader);
    for (uint32_t i = 0; i < reader->buffer_count; i++)
        tape_decoded_free(&reader->buffers[i].decoded);
    tape_decoder_close(reader->decoder);
    tape_file_close(&reader->file);
    free(reader->map);
    pthread_mutex_destroy(&reader->mutex);
    pthread_cond_destroy(&reader->changed);
    free(reader);
}

const struct tape_info *tape_reader_info(const struct tape_reader *reader)
{
    return &reader->info;
}

err_t tape_reader_map(struct tape_reader *reader, const uint16_t *map, uint16_t lane)
{
    ASSERT(!reader->running);
    uint16_t *copy = NULL;
    if (map != NULL) {
        size_t size = reader->info.instrument_count * sizeof(*copy);
        copy = malloc(size == 0 ? 1 : size);
        if (copy == NULL)
            return ERR_NOMEM;
        memcpy(copy, map, size);
    }
    free(reader->map);
    reader->map = copy;
    reader->lane = lane;
    return ERR_OK;
}

/* ---- reading ---- */

static err_t take_ready(struct tape_reader *reader, uint32_t *number)
{
    pthread_mutex_lock(&reader->mutex);
    uint32_t held = 0;
    for (uint32_t i = 0; i < reader->buffer_count; i++)
        held += reader->buffers[i].state == BUFFER_HELD;
    /* One buffer is the thread's: the caller gets as many as without it. */
    if (held >= reader->buffer_count - 1) {
        pthread_mutex_unlock(&reader->mutex);
        return ERR_FULL;
    }
    while (reader->queue_count == 0)
        pthread_cond_wait(&reader->changed, &reader->mutex);
    *number = reader->queue[reader->queue_head];
    /* The thread ends with the first failure: that stays at the head, for whoever asks again. */
    if (reader->buffers[*number].err == ERR_OK) {
        reader->buffers[*number].state = BUFFER_HELD; /* here, where the thread cannot be looking for a free one */
        reader->queue_head = (reader->queue_head + 1) % BUFFERS_MAX;
        reader->queue_count--;
    }
    pthread_mutex_unlock(&reader->mutex);
    return ERR_OK;
}

err_t tape_reader_next(struct tape_reader *reader, struct tape_block *block, struct err_text *why)
{
    if (reader->ended)
        return ERR_END;
    uint32_t number;
    struct buffer *buffer;
    err_t err;
    if (reader->read_ahead) {
        if (!reader->running) {
            if (pthread_create(&reader->thread, NULL, read_ahead_thread, reader) != 0)
                return err_say(why, ERR_NOMEM, "%s: cannot start the read-ahead thread", reader->file.path);
            reader->running = true;
        }
        err = take_ready(reader, &number);
        if (err != ERR_OK)
            return err;
        buffer = &reader->buffers[number];
        err = buffer->err;
        if (err != ERR_OK && err != ERR_END)
            err_say(why, err, "%s", buffer->why.text);
    } else {
        buffer = free_buffer(reader, &number);
        if (buffer == NULL)
            return ERR_FULL;
        err = load(reader, buffer, why);
        if (err == ERR_OK)
            buffer->state = BUFFER_HELD;
    }
    if (err != ERR_OK) {
        reader->ended = err == ERR_END;
        return err;
    }
    *block = (struct tape_block){.events = buffer->decoded.events,
                                 .event_count = buffer->decoded.event_count,
                                 .level_count = buffer->decoded.level_count,
                                 .number = buffer->seal.number,
                                 .first_message = buffer->seal.first_message,
                                 .buffer = number};
    return ERR_OK;
}

void tape_reader_release(struct tape_reader *reader, uint32_t buffer)
{
    ASSERT(buffer < reader->buffer_count);
    if (!reader->read_ahead) {
        reader->buffers[buffer].state = BUFFER_FREE;
        return;
    }
    pthread_mutex_lock(&reader->mutex);
    reader->buffers[buffer].state = BUFFER_FREE;
    pthread_cond_broadcast(&reader->changed);
    pthread_mutex_unlock(&reader->mutex);
}

/* ---- seeking ---- */

static err_t seek(struct tape_reader *reader, bool by_ts, int64_t target, struct err_text *why)
{
    stop_thread(reader);
    for (uint32_t i = 0; i < reader->buffer_count; i++)
        if (reader->buffers[i].state == BUFFER_READY)
            reader->buffers[i].state = BUFFER_FREE;
    reader->queue_count = 0;
    err_t err = tape_file_seek(&reader->file, by_ts, target, why);
    reader->ended = err == ERR_END;
    return err;
}

err_t tape_reader_seek_ts(struct tape_reader *reader, ns_t ts, struct err_text *why)
{
    return seek(reader, true, ts, why);
}

err_t tape_reader_seek_message(struct tape_reader *reader, uint64_t message, struct err_text *why)
{
    if (message > INT64_MAX)
        return ERR_END;
    return seek(reader, false, (int64_t)message, why);
}

void tape_reader_profile(const struct tape_reader *reader, struct tape_reader_profile *profile)
{
    const struct tape_file *file = &reader->file;
    *profile = (struct tape_reader_profile){.zstd_ns = file->zstd_ns,
                                            .read_ns = file->read_ns,
                                            .decode_ns = reader->decode_ns,
                                            .compressed_bytes = file->compressed_bytes,
                                            .raw_bytes = file->raw_bytes};
}
