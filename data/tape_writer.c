/* How: the encoder collects, the compressor makes seal and frame, one write appends both. When a write fails half
 * way (a full disk) the file is cut back to the end of the last whole block, so that what is on disk is a valid
 * tape without an index. */
#include "data/tape_writer.h"

#include "data/packed.h"
#include "data/tape_block.h"
#include "data/tape_codec.h"
#include "data/tape_header.h"
#include "data/tape_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODY_BYTES (4u << 20) /* a block of texts ends with the input that brings it there */

struct tape_writer {
    int fd;
    char *path;
    uint32_t block_levels;
    ns_t flush_ns;
    bool sync;
    err_t broken; /* sticky */
    struct err_text why;
    struct tape_encoder *encoder;
    struct tape_compressor *compressor;
    struct tape_index index;
    struct tape_hash previous;
    uint64_t offset; /* bytes in the file */
    ns_t first_ts, last_ts;
    struct tape_writer_stats stats;
};

static err_t break_with(struct tape_writer *writer, err_t err, const char *what)
{
    writer->broken = err;
    if (err == ERR_IO || err == ERR_NOSPACE) {
        int number = errno;
        return err_say(&writer->why, err, "%s: %s: %s; the tape is whole up to byte %llu", writer->path, what,
                       strerror(number), (unsigned long long)writer->offset);
    }
    return err_say(&writer->why, err, "%s: %s: %s", writer->path, what, err_words(err));
}

static err_t append(struct tape_writer *writer, const uint8_t *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t wrote = write(writer->fd, bytes + done, size - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            int number = wrote == 0 ? EIO : errno;
            if (done != 0 && ftruncate(writer->fd, (off_t)writer->offset) == 0)
                (void)lseek(writer->fd, (off_t)writer->offset, SEEK_SET);
            errno = number;
            return break_with(writer, number == ENOSPC || number == EDQUOT || number == EFBIG ? ERR_NOSPACE : ERR_IO,
                              "cannot write");
        }
        done += (size_t)wrote;
    }
    writer->offset += size;
    writer->stats.bytes = writer->offset;
    if (writer->sync && fdatasync(writer->fd) != 0)
        return break_with(writer, ERR_IO, "cannot sync");
    return ERR_OK;
}

static err_t append_frame(struct tape_writer *writer, const uint8_t *raw, size_t raw_size, struct tape_seal *seal)
{
    const uint8_t *bytes;
    size_t size;
    seal->previous = writer->previous;
    err_t err = tape_compress(writer->compressor, raw, raw_size, seal, &bytes, &size);
    if (err != ERR_OK)
        return break_with(writer, err, "cannot compress");
    err = append(writer, bytes, size);
    if (err == ERR_OK)
        writer->previous = seal->hash;
    return err;
}

static err_t write_header(struct tape_writer *writer, const struct instrument *instruments, uint16_t instrument_count,
                          const struct tape_writer_options *options)
{
    struct packed packed = {0};
    tape_header_pack(&packed, instruments, instrument_count, options->source, options->created_by, options->session);
    err_t err;
    if (packed.failed) {
        err = break_with(writer, ERR_NOMEM, "cannot pack the header");
    } else {
        struct tape_seal seal = {.type = TAPE_FRAME_HEADER};
        err = append_frame(writer, packed.bytes, packed.size, &seal);
    }
    packed_free(&packed);
    return err;
}

static void writer_free(struct tape_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    tape_encoder_close(writer->encoder);
    tape_compressor_close(writer->compressor);
    tape_index_free(&writer->index);
    free(writer->path);
    free(writer);
}

err_t tape_writer_open(struct tape_writer **writer, const char *path, const struct instrument *instruments,
                       uint16_t instrument_count, const struct tape_writer_options *options, struct err_text *why)
{
    static const struct tape_writer_options defaults;
    if (options == NULL)
        options = &defaults;
    uint32_t block_levels = options->block_levels == 0 ? TAPE_BLOCK_LEVELS_DEFAULT : options->block_levels;
    if (block_levels < 64 || block_levels > 65536)
        return err_say(why, ERR_RANGE, "block size of %u levels: expected 64 to 65536", block_levels);
    if (instrument_count > INSTRUMENTS_MAX)
        return err_say(why, ERR_RANGE, "%u instruments: a tape holds at most %u", instrument_count, INSTRUMENTS_MAX);
    for (uint16_t i = 0; i < instrument_count; i++) {
        err_t err = instrument_check(&instruments[i], why);
        if (err != ERR_OK)
            return err;
    }
    struct tape_writer *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "no memory for a tape writer");
    opened->fd = -1;
    tape_index_init(&opened->index);
    opened->block_levels = block_levels;
    opened->flush_ns = options->flush_ns;
    opened->sync = options->sync;
    opened->path = strdup(path);
    err_t err = opened->path == NULL ? ERR_NOMEM : ERR_OK;
    if (err == ERR_OK)
        err = tape_encoder_open(&opened->encoder, instruments, instrument_count);
    if (err == ERR_OK)
        err = tape_compressor_open(&opened->compressor, options->zstd_level);
    if (err != ERR_OK) {
        writer_free(opened);
        return err_say(why, err, "no memory for a tape writer");
    }
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (options->exclusive ? O_EXCL : O_TRUNC);
    opened->fd = open(path, flags, 0644);
    if (opened->fd < 0) {
        err = errno == EEXIST   ? ERR_EXISTS
              : errno == EACCES ? ERR_PERMISSION
              : errno == ENOSPC ? ERR_NOSPACE
                                : ERR_IO;
        err_say(why, err, "%s: cannot create the tape: %s", path, strerror(errno));
        writer_free(opened);
        return err;
    }
    err = write_header(opened, instruments, instrument_count, options);
    if (err != ERR_OK) {
        err_say(why, err, "%s", opened->why.text);
        writer_free(opened);
        return err;
    }
    *writer = opened;
    return ERR_OK;
}

err_t tape_writer_flush(struct tape_writer *writer)
{
    if (writer->broken != ERR_OK)
        return writer->broken;
    const uint32_t messages = tape_encoder_messages(writer->encoder), levels = tape_encoder_levels(writer->encoder);
    if (messages == 0)
        return ERR_OK;
    struct tape_seal seal = {.type = TAPE_FRAME_BLOCK,
                             .messages = messages,
                             .levels = levels,
                             .number = writer->stats.blocks,
                             .first_message = writer->stats.messages,
                             .first_ts = tape_encoder_first_ts(writer->encoder),
                             .last_ts = tape_encoder_last_ts(writer->encoder)};
    const uint8_t *raw;
    size_t raw_size;
    err_t err = tape_encoder_finish(writer->encoder, &raw, &raw_size);
    if (err != ERR_OK)
        return break_with(writer, err, "cannot pack a block");
    struct tape_index_entry entry = {writer->offset, seal.number, seal.first_message, seal.first_ts};
    err = append_frame(writer, raw, raw_size, &seal);
    if (err != ERR_OK)
        return err;
    err = tape_index_add(&writer->index, &entry);
    if (err != ERR_OK)
        return break_with(writer, err, "cannot keep the index");
    if (writer->stats.blocks == 0)
        writer->first_ts = seal.first_ts;
    writer->last_ts = seal.last_ts;
    writer->stats.blocks++;
    writer->stats.messages += messages;
    writer->stats.levels += levels;
    return ERR_OK;
}

err_t tape_writer_add(struct tape_writer *writer, const struct event *event)
{
    if (UNLIKELY(writer->broken != ERR_OK))
        return writer->broken;
    err_clear(&writer->why);
    if (UNLIKELY(writer->stats.blocks != 0 && event->ts < writer->last_ts))
        return err_say(&writer->why, ERR_ORDER, "%s: an event of %lld after one of %lld", writer->path,
                       (long long)event->ts, (long long)writer->last_ts);
    if (writer->flush_ns != 0 && tape_encoder_messages(writer->encoder) != 0 &&
        event->ts - tape_encoder_first_ts(writer->encoder) >= writer->flush_ns) {
        err_t err = tape_writer_flush(writer);
        if (err != ERR_OK)
            return err;
    }
    err_t err = tape_encoder_add(writer->encoder, event);
    if (UNLIKELY(err == ERR_FULL)) {
        err = tape_writer_flush(writer);
        if (err == ERR_OK)
            err = tape_encoder_add(writer->encoder, event);
    }
    if (UNLIKELY(err != ERR_OK)) {
        if (err == ERR_NOMEM)
            return break_with(writer, err, "cannot keep an event");
        return err_say(&writer->why, err, "%s: a %s event that a tape cannot hold: %s", writer->path,
                       event_kind_name((enum event_kind)event->kind), err_words(err));
    }
    if (tape_encoder_levels(writer->encoder) >= writer->block_levels ||
        tape_encoder_messages(writer->encoder) >= writer->block_levels ||
        tape_encoder_bytes(writer->encoder) >= BODY_BYTES)
        return tape_writer_flush(writer);
    return ERR_OK;
}

static err_t write_index(struct tape_writer *writer)
{
    struct tape_trailer trailer = {.index_offset = writer->offset,
                                   .blocks = writer->stats.blocks,
                                   .messages = writer->stats.messages,
                                   .levels = writer->stats.levels,
                                   .first_ts = writer->first_ts,
                                   .last_ts = writer->last_ts,
                                   .chain = writer->previous};
    struct packed packed = {0};
    tape_index_pack(&writer->index, &packed);
    if (packed.failed) {
        packed_free(&packed);
        return break_with(writer, ERR_NOMEM, "cannot pack the index");
    }
    struct tape_seal seal = {.type = TAPE_FRAME_INDEX};
    err_t err = append_frame(writer, packed.bytes, packed.size, &seal);
    packed_free(&packed);
    if (err != ERR_OK)
        return err;
    uint8_t bytes[TAPE_TRAILER_SIZE];
    tape_trailer_write(&trailer, bytes);
    return append(writer, bytes, sizeof(bytes));
}

err_t tape_writer_close(struct tape_writer *writer, struct tape_writer_stats *stats, struct err_text *why)
{
    err_t err = tape_writer_flush(writer);
    if (err == ERR_OK)
        err = write_index(writer);
    if (err == ERR_OK && close(writer->fd) != 0) {
        writer->fd = -1;
        err = break_with(writer, errno == ENOSPC ? ERR_NOSPACE : ERR_IO, "cannot close");
    } else if (err == ERR_OK) {
        writer->fd = -1;
    }
    if (stats != NULL)
        *stats = writer->stats;
    if (err != ERR_OK)
        err_say(why, err, "%s", writer->why.text);
    writer_free(writer);
    return err;
}

void tape_writer_abandon(struct tape_writer *writer)
{
    if (writer != NULL)
        writer_free(writer);
}

const struct tape_writer_stats *tape_writer_stats(const struct tape_writer *writer)
{
    return &writer->stats;
}

const struct err_text *tape_writer_why(const struct tape_writer *writer)
{
    return &writer->why;
}
