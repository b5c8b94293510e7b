/* How: blocks are found by walking from seal to seal; a block is read with two preads, checked, decompressed and
 * decoded into one of a few buffers that the caller hands back. With read-ahead one thread does all of that for
 * the next free buffer; the caller sees the same blocks in the same order. The file is never mapped: resident
 * memory must not grow with the tape. */
#include "data/tape_reader.h"

#include "data/tape_block.h"
#include "data/tape_codec.h"
#include "data/tape_header.h"
#include "data/tape_index.h"
#include "data/tape_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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
    int fd;
    char *path;
    struct tape_info info;
    struct tape_header header;
    uint64_t data_offset; /* of block 0's seal */
    struct tape_hash header_hash;
    struct tape_trailer trailer;
    uint64_t index_frame_at; /* where the index's frame begins, when indexed */
    struct tape_seal index_seal;

    /* where the next block is expected, and what it must say */
    uint64_t offset, number, message;
    struct tape_hash previous;
    ns_t last_ts;
    bool ended;

    struct tape_decompressor *decompressor;
    struct tape_decoder *decoder;
    uint8_t *frame, *raw;
    size_t frame_capacity, raw_capacity;
    uint16_t *map;
    uint16_t lane;
    struct tape_reader_profile profile;

    struct buffer buffers[BUFFERS_MAX];
    uint32_t buffer_count;
    uint32_t queue[BUFFERS_MAX]; /* READY buffers in order */
    uint32_t queue_head, queue_count;

    bool read_ahead, running, stop;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Bytes read, less than `size` only at the end of the file; -1: errno. */
static ssize_t read_at(const struct tape_reader *reader, void *bytes, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(reader->fd, (uint8_t *)bytes + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static err_t reserve(uint8_t **memory, size_t *capacity, size_t size)
{
    if (*capacity >= size)
        return ERR_OK;
    size_t wanted = size + size / 4;
    uint8_t *grown = realloc(*memory, wanted);
    if (grown == NULL)
        return ERR_NOMEM;
    *memory = grown;
    *capacity = wanted;
    return ERR_OK;
}

/* Read and check one seal. ERR_TRUNCATED: the file ends here or in the middle of it. */
static err_t read_seal(const struct tape_reader *reader, uint64_t offset, struct tape_seal *seal,
                       struct err_text *why)
{
    uint8_t bytes[TAPE_SEAL_SIZE];
    ssize_t got = read_at(reader, bytes, sizeof(bytes), offset);
    if (got < 0)
        return err_say(why, ERR_IO, "%s: cannot read at byte %llu: %s", reader->path, (unsigned long long)offset,
                       strerror(errno));
    if (got < (ssize_t)sizeof(bytes))
        return err_say(why, ERR_TRUNCATED,
                       "%s: the tape ends at byte %llu without an index: it was not closed (a crash, or a recording "
                       "still going on); everything before is whole; `tapedeck tape repair` closes it",
                       reader->path, (unsigned long long)(offset + (uint64_t)got));
    err_t err = tape_seal_read(bytes, seal);
    if (err == ERR_VERSION)
        return err_say(why, err, "%s: the tape is of format version %u; this program reads version %u", reader->path,
                       bytes[17], TAPE_VERSION);
    if (err != ERR_OK)
        return err_say(why, err, "%s: damaged at byte %llu: no valid seal; run `tapedeck tape check`", reader->path,
                       (unsigned long long)offset);
    return ERR_OK;
}

/* Read, check and decompress the frame of a seal into reader->raw. */
static err_t read_frame(struct tape_reader *reader, uint64_t seal_offset, const struct tape_seal *seal,
                        struct err_text *why)
{
    err_t err = reserve(&reader->frame, &reader->frame_capacity, seal->frame_size);
    if (err == ERR_OK)
        err = reserve(&reader->raw, &reader->raw_capacity, (size_t)seal->raw_size + TAPE_STREAM_SLACK);
    if (err != ERR_OK)
        return err_say(why, err, "%s: no memory for a block of %u bytes", reader->path, seal->raw_size);
    const uint64_t t0 = now_ns();
    ssize_t got = read_at(reader, reader->frame, seal->frame_size, seal_offset + TAPE_SEAL_SIZE);
    if (got < 0)
        return err_say(why, ERR_IO, "%s: cannot read at byte %llu: %s", reader->path,
                       (unsigned long long)(seal_offset + TAPE_SEAL_SIZE), strerror(errno));
    if (got < (ssize_t)seal->frame_size)
        return err_say(why, ERR_TRUNCATED,
                       "%s: the tape ends inside block %llu, at byte %llu; everything before the block is whole; "
                       "`tapedeck tape repair` closes it",
                       reader->path, (unsigned long long)seal->number,
                       (unsigned long long)(seal_offset + TAPE_SEAL_SIZE + (uint64_t)got));
    const uint64_t t1 = now_ns();
    err = tape_decompress(reader->decompressor, seal, reader->frame, reader->raw);
    const uint64_t t2 = now_ns();
    reader->profile.read_ns += t1 - t0;
    reader->profile.zstd_ns += t2 - t1;
    reader->profile.compressed_bytes += seal->frame_size + TAPE_SEAL_SIZE;
    reader->profile.raw_bytes += seal->raw_size;
    if (err != ERR_OK)
        return err_say(why, err,
                       "%s: block %llu (messages %llu to %llu, byte %llu) is damaged: its checksum does not match; "
                       "run `tapedeck tape check`",
                       reader->path, (unsigned long long)seal->number, (unsigned long long)seal->first_message,
                       (unsigned long long)(seal->first_message + seal->messages - (seal->messages != 0)),
                       (unsigned long long)seal_offset);
    memset(reader->raw + seal->raw_size, 0, TAPE_STREAM_SLACK);
    return ERR_OK;
}

/* Does `seal` continue the chain? */
static err_t check_chain(const struct tape_reader *reader, const struct tape_seal *seal, struct err_text *why)
{
    if (!tape_hash_equal(&seal->previous, &reader->previous))
        return err_say(why, ERR_CORRUPT,
                       "%s: the block at byte %llu does not follow the one before it (the chain is broken); run "
                       "`tapedeck tape check`",
                       reader->path, (unsigned long long)reader->offset);
    if (seal->type == TAPE_FRAME_BLOCK &&
        (seal->number != reader->number || seal->first_message != reader->message || seal->messages == 0 ||
         seal->last_ts < seal->first_ts || (seal->number != 0 && seal->first_ts < reader->last_ts)))
        return err_say(why, ERR_CORRUPT, "%s: the seal of block %llu at byte %llu contradicts the blocks before it",
                       reader->path, (unsigned long long)seal->number, (unsigned long long)reader->offset);
    return ERR_OK;
}

/* The index and the trailer are the rest of the file, and agree with what was read. */
static err_t check_end(struct tape_reader *reader, const struct tape_seal *seal, struct err_text *why)
{
    err_t err = read_frame(reader, reader->offset, seal, why);
    if (err != ERR_OK)
        return err;
    uint8_t bytes[TAPE_TRAILER_SIZE + 1];
    struct tape_trailer trailer;
    ssize_t got = read_at(reader, bytes, sizeof(bytes), reader->offset + TAPE_SEAL_SIZE + seal->frame_size);
    if (got >= 0 && got < TAPE_TRAILER_SIZE)
        return err_say(why, ERR_TRUNCATED, "%s: the tape ends inside its index; `tapedeck tape repair` closes it",
                       reader->path);
    if (got != TAPE_TRAILER_SIZE || tape_trailer_read(bytes, &trailer) != ERR_OK ||
        trailer.index_offset != reader->offset || trailer.blocks != reader->number ||
        trailer.messages != reader->message || !tape_hash_equal(&trailer.chain, &reader->previous))
        return err_say(why, ERR_CORRUPT, "%s: the trailer is damaged or bytes follow it; run `tapedeck tape check`",
                       reader->path);
    return ERR_OK;
}

/* The work of one block, on the caller's thread or on the read-ahead thread. */
static err_t load(struct tape_reader *reader, struct buffer *buffer, struct err_text *why)
{
    struct tape_seal seal;
    err_t err = read_seal(reader, reader->offset, &seal, why);
    if (err == ERR_OK)
        err = check_chain(reader, &seal, why);
    if (err != ERR_OK)
        return err;
    if (seal.type == TAPE_FRAME_INDEX) {
        err = check_end(reader, &seal, why);
        return err == ERR_OK ? ERR_END : err;
    }
    if (seal.type != TAPE_FRAME_BLOCK)
        return err_say(why, ERR_CORRUPT, "%s: a second header at byte %llu", reader->path,
                       (unsigned long long)reader->offset);
    err = read_frame(reader, reader->offset, &seal, why);
    if (err != ERR_OK)
        return err;
    const uint64_t t0 = now_ns();
    err = tape_decode(reader->decoder, reader->raw, seal.raw_size, seal.messages, seal.levels, reader->map,
                      reader->lane, &buffer->decoded);
    reader->profile.decode_ns += now_ns() - t0;
    if (err == ERR_OK && (buffer->decoded.events[0].ts != seal.first_ts ||
                          buffer->decoded.events[seal.messages - 1].ts != seal.last_ts))
        err = ERR_CORRUPT;
    if (err != ERR_OK)
        return err_say(
            why, err, "%s: block %llu (byte %llu) has a valid checksum but its content does not add up: %s",
            reader->path, (unsigned long long)seal.number, (unsigned long long)reader->offset, err_words(err));
    buffer->seal = seal;
    reader->offset += TAPE_SEAL_SIZE + seal.frame_size;
    reader->number++;
    reader->message += seal.messages;
    reader->previous = seal.hash;
    reader->last_ts = seal.last_ts;
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

static err_t open_header(struct tape_reader *reader, struct err_text *why)
{
    uint8_t first[TAPE_SEAL_SIZE];
    ssize_t got = read_at(reader, first, sizeof(first), 0);
    if (got < 0)
        return err_say(why, ERR_IO, "%s: cannot read: %s", reader->path, strerror(errno));
    if (got == 0)
        return err_say(why, ERR_TRUNCATED, "%s: the file is empty, not a tape", reader->path);
    static const uint8_t magic[4] = {0x5d, 0x2a, 0x4d, 0x18};
    if (memcmp(first, magic, (size_t)got < 4 ? (size_t)got : 4) != 0)
        return err_say(why, ERR_CORRUPT,
                       "%s: not a tape: it does not begin with a seal (captures are made into tapes by `tapedeck "
                       "import`)",
                       reader->path);
    struct tape_seal seal;
    err_t err = read_seal(reader, 0, &seal, why);
    if (err != ERR_OK)
        return err;
    if (seal.type != TAPE_FRAME_HEADER)
        return err_say(why, ERR_CORRUPT, "%s: the tape does not begin with its header", reader->path);
    err = read_frame(reader, 0, &seal, why);
    if (err != ERR_OK)
        return err;
    struct err_text inner;
    err_clear(&inner);
    err = tape_header_unpack(reader->raw, seal.raw_size, &reader->header, &inner);
    if (err != ERR_OK)
        return err_say(why, err, "%s: %s", reader->path, inner.text);
    reader->data_offset = TAPE_SEAL_SIZE + seal.frame_size;
    reader->header_hash = seal.hash;
    return ERR_OK;
}

static void fill_info(struct tape_reader *reader, const struct tape_trailer *trailer)
{
    struct tape_info *info = &reader->info;
    info->blocks = trailer->blocks;
    info->messages = trailer->messages;
    info->levels = trailer->levels;
    info->first_ts = trailer->first_ts;
    info->last_ts = trailer->last_ts;
    tape_hash_text(&trailer->chain, info->hash);
}

/* The trailer of a closed tape, or what the seals of an unclosed one say. */
static void open_summary(struct tape_reader *reader)
{
    uint8_t bytes[TAPE_TRAILER_SIZE];
    struct tape_trailer *trailer = &reader->trailer;
    if (reader->info.file_bytes >= TAPE_TRAILER_SIZE &&
        read_at(reader, bytes, sizeof(bytes), reader->info.file_bytes - TAPE_TRAILER_SIZE) == TAPE_TRAILER_SIZE &&
        tape_trailer_read(bytes, trailer) == ERR_OK) {
        reader->info.indexed = true;
        fill_info(reader, trailer);
        return;
    }
    memset(trailer, 0, sizeof(*trailer));
    trailer->chain = reader->header_hash;
    uint64_t offset = reader->data_offset;
    struct tape_seal seal;
    while (read_seal(reader, offset, &seal, NULL) == ERR_OK && seal.type == TAPE_FRAME_BLOCK &&
           tape_hash_equal(&seal.previous, &trailer->chain) &&
           offset + TAPE_SEAL_SIZE + seal.frame_size <= reader->info.file_bytes) {
        if (trailer->blocks == 0)
            trailer->first_ts = seal.first_ts;
        trailer->last_ts = seal.last_ts;
        trailer->blocks++;
        trailer->messages += seal.messages;
        trailer->levels += seal.levels;
        trailer->chain = seal.hash;
        offset += TAPE_SEAL_SIZE + seal.frame_size;
    }
    fill_info(reader, trailer);
}

static void rewind_to_start(struct tape_reader *reader)
{
    reader->offset = reader->data_offset;
    reader->number = reader->message = 0;
    reader->previous = reader->header_hash;
    reader->last_ts = 0;
    reader->ended = false;
}

err_t tape_reader_open(struct tape_reader **reader, const char *path, const struct tape_reader_options *options,
                       struct err_text *why)
{
    struct tape_reader *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "no memory for a tape reader");
    opened->fd = -1;
    pthread_mutex_init(&opened->mutex, NULL);
    pthread_cond_init(&opened->changed, NULL);
    opened->buffer_count = options != NULL && options->buffers != 0 ? options->buffers : 2;
    opened->read_ahead = options != NULL && options->read_ahead;
    if (opened->read_ahead)
        opened->buffer_count++;
    ASSERT(opened->buffer_count <= BUFFERS_MAX);
    opened->path = strdup(path);
    err_t err = opened->path == NULL ? err_say(why, ERR_NOMEM, "no memory for a tape reader") : ERR_OK;
    struct stat status;
    if (err == ERR_OK) {
        opened->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (opened->fd < 0 || fstat(opened->fd, &status) != 0)
            err = err_say(why,
                          errno == ENOENT   ? ERR_NOTFOUND
                          : errno == EACCES ? ERR_PERMISSION
                                            : ERR_IO,
                          "%s: cannot open the tape: %s", path, strerror(errno));
        else if (!S_ISREG(status.st_mode))
            err = err_say(why, ERR_UNSUPPORTED, "%s: not a regular file", path);
        else
            opened->info.file_bytes = (uint64_t)status.st_size;
    }
    if (err == ERR_OK && tape_decompressor_open(&opened->decompressor) != ERR_OK)
        err = err_say(why, ERR_NOMEM, "no memory for a tape reader");
    if (err == ERR_OK)
        err = open_header(opened, why);
    if (err == ERR_OK && tape_decoder_open(&opened->decoder, opened->header.instrument_count) != ERR_OK)
        err = err_say(why, ERR_NOMEM, "no memory for a tape reader");
    if (err != ERR_OK) {
        tape_reader_close(opened);
        return err;
    }
    struct tape_info *info = &opened->info;
    info->version = TAPE_VERSION;
    memcpy(info->source, opened->header.source, sizeof(info->source));
    memcpy(info->created_by, opened->header.created_by, sizeof(info->created_by));
    info->instrument_count = opened->header.instrument_count;
    info->instruments = opened->header.instruments;
    open_summary(opened);
    rewind_to_start(opened);
    posix_fadvise(opened->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *reader = opened;
    return ERR_OK;
}

void tape_reader_close(struct tape_reader *reader)
{
    if (reader == NULL)
        return;
    stop_thread(reader);
    if (reader->fd >= 0)
        close(reader->fd);
    for (uint32_t i = 0; i < reader->buffer_count; i++)
        tape_decoded_free(&reader->buffers[i].decoded);
    tape_decompressor_close(reader->decompressor);
    tape_decoder_close(reader->decoder);
    free(reader->header.instruments);
    free(reader->frame);
    free(reader->raw);
    free(reader->map);
    free(reader->path);
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
    reader->queue_head = (reader->queue_head + 1) % BUFFERS_MAX;
    reader->queue_count--;
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
                return err_say(why, ERR_NOMEM, "%s: cannot start the read-ahead thread", reader->path);
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
    }
    if (err != ERR_OK) {
        reader->ended = err == ERR_END;
        return err;
    }
    buffer->state = BUFFER_HELD;
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

static const struct tape_index_entry *index_entry(struct tape_reader *reader, struct tape_index *index, bool by_ts,
                                                  int64_t target)
{
    struct tape_seal seal;
    if (!reader->info.indexed || read_seal(reader, reader->trailer.index_offset, &seal, NULL) != ERR_OK ||
        seal.type != TAPE_FRAME_INDEX || read_frame(reader, reader->trailer.index_offset, &seal, NULL) != ERR_OK ||
        tape_index_unpack(reader->raw, seal.raw_size, index) != ERR_OK)
        return NULL;
    return by_ts ? tape_index_by_ts(index, target) : tape_index_by_message(index, (uint64_t)target);
}

/* Walk seals from the best known block before the target to the block that holds it. */
static err_t seek(struct tape_reader *reader, bool by_ts, int64_t target, struct err_text *why)
{
    stop_thread(reader);
    for (uint32_t i = 0; i < reader->buffer_count; i++)
        if (reader->buffers[i].state == BUFFER_READY)
            reader->buffers[i].state = BUFFER_FREE;
    reader->queue_count = 0;
    rewind_to_start(reader);

    struct tape_index index;
    tape_index_init(&index);
    const struct tape_index_entry *entry = index_entry(reader, &index, by_ts, target);
    uint64_t offset = entry != NULL ? entry->offset : reader->data_offset;
    bool first = true;
    err_t err;
    for (;;) {
        struct tape_seal seal;
        err = read_seal(reader, offset, &seal, why);
        if (err == ERR_OK && seal.type == TAPE_FRAME_INDEX)
            err = ERR_END;
        if (err != ERR_OK)
            break;
        if (!first && !tape_hash_equal(&seal.previous, &reader->previous)) {
            err = err_say(why, ERR_CORRUPT, "%s: the chain is broken at byte %llu; run `tapedeck tape check`",
                          reader->path, (unsigned long long)offset);
            break;
        }
        bool here = by_ts ? seal.last_ts >= target : seal.first_message + seal.messages > (uint64_t)target;
        /* What the block must say to be accepted by load(): its own words, as its seal is whole. */
        reader->offset = offset;
        reader->number = seal.number;
        reader->message = seal.first_message;
        reader->previous = seal.previous;
        reader->last_ts = seal.first_ts;
        if (here)
            break;
        reader->previous = seal.hash;
        offset += TAPE_SEAL_SIZE + seal.frame_size;
        first = false;
    }
    tape_index_free(&index);
    if (err == ERR_END)
        reader->ended = true;
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
    *profile = reader->profile;
}
