/* fuzz_tape.c: arbitrary bytes as a tape, and arbitrary bytes as the inside of a tape's block.
 *
 *   byte 0, bits: 1 the rest is a block (else a whole file)   2 read ahead in a thread   4 seek in the middle
 *   a block:      bytes 1-2 the messages and 3-4 the levels that its seal claims (little-endian), then its raw bytes
 *
 * A block is compressed and sealed as a writer does it, so that the hashes are right and the decoder is reached.
 * Whatever comes: the reader gives events that could have been written, in order, or says why not. What the decoder
 * takes, the encoder must take too, and give back the same. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include "data/tape_block.h"
#include "data/tape_codec.h"
#include "data/tape_reader.h"
#include "data/tape_stream.h"
#include "data/tape_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define INSTRUMENTS 3

static uint64_t sum; /* of all that was read, so that the sanitizers see it */

static void look_at(const struct event *event, uint16_t instrument_count)
{
    ASSERT(event->kind > EVENT_NONE && event->kind < EVENT_KIND_COUNT);
    ASSERT(event->instrument < instrument_count || event->instrument == INSTRUMENT_NONE);
    if (event_has_levels(event->kind)) {
        for (uint32_t i = 0; i < event->bid_count + event->ask_count; i++) {
            ASSERT(event->levels[i].qty >= 0);
            sum += (uint64_t)event->levels[i].price + (uint64_t)event->levels[i].qty;
        }
        return;
    }
    const size_t size =
        event->kind == EVENT_EXECUTION ? 128 : event_body_size((enum event_kind)event->kind); /* struct execution */
    ASSERT(size == 0 || event->body != NULL || event->kind == EVENT_GAP);
    if (event->kind == EVENT_WIRE && event->body != NULL) {
        const struct event_wire *wire = event->body;
        for (uint32_t i = 0; wire->head != NULL && i < wire->head_size + EVENT_WIRE_PADDING; i++)
            sum += (uint8_t)wire->head[i];
        for (uint32_t i = 0; wire->text != NULL && i < wire->text_size + EVENT_WIRE_PADDING; i++)
            sum += (uint8_t)wire->text[i];
    }
    for (size_t i = 0; i < size && event->body != NULL; i++)
        sum += ((const uint8_t *)event->body)[i];
}

/* A file in memory with a path of its own. */
static int memory_file(const uint8_t *data, size_t size, char path[64])
{
    int file = memfd_create("tape", 0);
    ASSERT(file >= 0);
    for (size_t done = 0; done < size;) {
        ssize_t wrote = write(file, data + done, size - done);
        ASSERT(wrote > 0);
        done += (size_t)wrote;
    }
    snprintf(path, 64, "/proc/self/fd/%d", file);
    return file;
}

/* Read all; returns the events, and in *err how it ended. */
static uint64_t read_all(const char *path, const struct tape_reader_options *options, bool jump, err_t *err)
{
    struct tape_reader *reader;
    struct tape_block block;
    struct err_text why = {0};
    uint64_t events = 0;
    *err = tape_reader_open(&reader, path, options, &why);
    if (*err != ERR_OK) {
        ASSERT(why.code == *err && why.text[0] != '\0');
        return 0;
    }
    const struct tape_info *info = tape_reader_info(reader);
    struct err_text check = {0};
    for (uint16_t i = 0; i < info->instrument_count; i++)
        ASSERT(instrument_check(&info->instruments[i], &check) == ERR_OK);
    if (jump) {
        *err = tape_reader_seek_ts(reader, info->first_ts / 2 + info->last_ts / 2, &why);
        if (*err == ERR_OK)
            *err = tape_reader_seek_message(reader, info->messages / 2, &why);
    }
    ns_t last = INT64_MIN;
    while (*err == ERR_OK && (*err = tape_reader_next(reader, &block, &why)) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count; i++) {
            ASSERT(block.events[i].ts >= last);
            last = block.events[i].ts;
            look_at(&block.events[i], info->instrument_count);
        }
        events += block.event_count;
        tape_reader_release(reader, block.buffer);
    }
    ASSERT(*err == ERR_END || (why.code == *err && why.text[0] != '\0'));
    if (!jump)
        ASSERT(tape_reader_next(reader, &block, &why) == *err); /* it stays so */
    tape_reader_close(reader);
    return events;
}

/* ---- a block ---- */

static bool same_event(const struct event *a, const struct event *b)
{
    struct event plain_a = *a, plain_b = *b;
    plain_a.levels = plain_b.levels = NULL;
    if (memcmp(&plain_a, &plain_b, sizeof(plain_a)) != 0)
        return false;
    if (event_has_levels(a->kind))
        return a->bid_count + a->ask_count == 0 ||
               memcmp(a->levels, b->levels, (a->bid_count + a->ask_count) * sizeof(struct level)) == 0;
    const size_t size = a->kind == EVENT_EXECUTION ? 128 : event_body_size((enum event_kind)a->kind);
    return size == 0 || (a->body == NULL) == (b->body == NULL);
}

/* What was decoded can be written, and reads back the same. */
static void round_trip(struct tape_decoder *decoder, const struct instrument *instruments,
                       const struct tape_decoded *decoded)
{
    struct tape_encoder *encoder;
    struct tape_decoded again = {0};
    const uint8_t *bytes;
    size_t size;
    ASSERT(tape_encoder_open(&encoder, instruments, INSTRUMENTS) == ERR_OK);
    for (uint32_t i = 0; i < decoded->event_count; i++)
        ASSERT(tape_encoder_add(encoder, &decoded->events[i]) == ERR_OK);
    const uint32_t messages = tape_encoder_messages(encoder), levels = tape_encoder_levels(encoder);
    ASSERT(messages == decoded->event_count && levels == decoded->level_count);
    ASSERT(tape_encoder_finish(encoder, &bytes, &size) == ERR_OK);
    uint8_t *padded = calloc(1, size + TAPE_STREAM_SLACK);
    memcpy(padded, bytes, size);
    ASSERT(tape_decode(decoder, padded, size, messages, levels, NULL, 0, &again) == ERR_OK);
    for (uint32_t i = 0; i < messages; i++)
        ASSERT(same_event(&decoded->events[i], &again.events[i]));
    free(padded);
    tape_decoded_free(&again);
    tape_encoder_close(encoder);
}

/* The header of a tape of three instruments, made once. */
static const uint8_t *header_bytes(size_t *size, struct tape_seal *seal, struct instrument *instruments)
{
    static uint8_t bytes[65536];
    static size_t header_size;
    static struct tape_seal header_seal;
    static struct instrument kept[INSTRUMENTS];
    if (header_size == 0) {
        static const char *const symbols[INSTRUMENTS] = {"A", "B", "C"};
        struct tape_writer *writer;
        struct err_text why = {0};
        const struct tape_writer_options options = {.source = "fuzz"};
        char path[64];
        for (int i = 0; i < INSTRUMENTS; i++)
            ASSERT(instrument_init(&kept[i], "fuzz", symbols[i], "B", "Q", CONTRACT_SPOT, 2, 8) == ERR_OK);
        int file = memory_file(NULL, 0, path);
        ASSERT(tape_writer_open(&writer, path, kept, INSTRUMENTS, &options, &why) == ERR_OK);
        tape_writer_abandon(writer);
        ASSERT(pread(file, bytes, sizeof(bytes), 0) >= TAPE_SEAL_SIZE);
        ASSERT(tape_seal_read(bytes, &header_seal) == ERR_OK && header_seal.type == TAPE_FRAME_HEADER);
        header_size = TAPE_SEAL_SIZE + header_seal.frame_size;
        close(file);
    }
    *size = header_size;
    *seal = header_seal;
    memcpy(instruments, kept, sizeof(kept));
    return bytes;
}

static void fuzz_block(const uint8_t *data, size_t size, const struct tape_reader_options *options)
{
    if (size < 4)
        return;
    const uint32_t messages = data[0] | (uint32_t)data[1] << 8, levels = data[2] | (uint32_t)data[3] << 8;
    const uint8_t *raw = data + 4;
    const size_t raw_size = size - 4;
    struct instrument instruments[INSTRUMENTS];
    struct tape_seal header;
    size_t header_size;
    const uint8_t *header_at = header_bytes(&header_size, &header, instruments);

    struct tape_decoder *decoder;
    struct tape_decoded decoded = {0};
    uint8_t *padded = malloc(raw_size + TAPE_STREAM_SLACK);
    memcpy(padded, raw, raw_size);
    memset(padded + raw_size, 0xa5, TAPE_STREAM_SLACK);
    ASSERT(tape_decoder_open(&decoder, INSTRUMENTS) == ERR_OK);
    err_t err = tape_decode(decoder, padded, raw_size, messages, levels, NULL, 0, &decoded);
    ASSERT(err == ERR_OK || err == ERR_CORRUPT);
    struct tape_seal seal = {
        .type = TAPE_FRAME_BLOCK, .messages = messages, .levels = levels, .previous = header.hash};
    bool ordered = err == ERR_OK;
    if (err == ERR_OK) {
        ASSERT(decoded.event_count == messages && decoded.level_count == levels);
        for (uint32_t i = 0; i < messages; i++) {
            look_at(&decoded.events[i], INSTRUMENTS);
            ordered &= i == 0 || decoded.events[i].ts >= decoded.events[i - 1].ts;
        }
        ASSERT(ordered); /* the decoder's own word: stamps of a block never fall */
        if (messages != 0) {
            seal.first_ts = decoded.events[0].ts;
            seal.last_ts = decoded.events[messages - 1].ts;
        }
        round_trip(decoder, instruments, &decoded);
    }

    struct tape_compressor *compressor;
    const uint8_t *frame;
    size_t frame_size;
    char path[64];
    ASSERT(tape_compressor_open(&compressor, 1) == ERR_OK);
    ASSERT(tape_compress(compressor, raw, raw_size, &seal, &frame, &frame_size) == ERR_OK);
    uint8_t *whole = malloc(header_size + frame_size);
    memcpy(whole, header_at, header_size);
    memcpy(whole + header_size, frame, frame_size);
    int file = memory_file(whole, header_size + frame_size, path);
    err_t ended;
    const uint64_t events = read_all(path, options, false, &ended);
    if (err == ERR_OK && messages != 0)
        ASSERT(ended == ERR_TRUNCATED && events == messages); /* whole, but nobody closed the tape */
    if (err != ERR_OK)
        ASSERT(ended == ERR_CORRUPT && events == 0);
    close(file);
    free(whole);
    tape_compressor_close(compressor);
    tape_decoded_free(&decoded);
    tape_decoder_close(decoder);
    free(padded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct tape_reader_options options = {.read_ahead = (data[0] & 2) != 0};
    if (data[0] & 1) {
        fuzz_block(data + 1, size - 1, &options);
        return 0;
    }
    char path[64];
    err_t err;
    int file = memory_file(data + 1, size - 1, path);
    (void)read_all(path, &options, (data[0] & 4) != 0, &err);
    close(file);
    return 0;
}
