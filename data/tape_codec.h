/* tape_codec.h: events to the raw (uncompressed) bytes of a block and back. Bytes in, records out: files and
 * compression belong to others. The layout is told in data/TAPE.md, section "Blocks".
 *
 *   messages ─► tag a message ─► per (instrument, class) group: columns of stamps, ids, counts, prices, quantities
 */
#ifndef TAPEDECK_DATA_TAPE_CODEC_H
#define TAPEDECK_DATA_TAPE_CODEC_H

#include "core/event.h"
#include "core/instrument.h"

#define TAPE_BLOCK_MESSAGES_LIMIT (1u << 20)
#define TAPE_BLOCK_LEVELS_LIMIT   (1u << 22)
#define TAPE_BLOCK_RAW_LIMIT      (1u << 28)
#define TAPE_BODY_BYTES_LIMIT     (1u << 27) /* texts of one EVENT_WIRE */

struct tape_encoder;
err_t tape_encoder_open(struct tape_encoder **encoder, const struct instrument *instruments,
                        uint16_t instrument_count) MUST_USE;
void tape_encoder_close(struct tape_encoder *encoder);
/* Collect a copy. ERR_RANGE: a field that a tape cannot hold (negative quantity, unknown instrument, wrong level
 * counts for the kind), and nothing was added. ERR_FULL: the block's limits; finish it first. */
err_t tape_encoder_add(struct tape_encoder *encoder, const struct event *event) MUST_USE;
uint32_t tape_encoder_messages(const struct tape_encoder *encoder);
uint32_t tape_encoder_levels(const struct tape_encoder *encoder);
/* Bytes of bodies collected. */
size_t tape_encoder_bytes(const struct tape_encoder *encoder);
ns_t tape_encoder_first_ts(const struct tape_encoder *encoder);
ns_t tape_encoder_last_ts(const struct tape_encoder *encoder);
/* The raw bytes of what was collected; they live until the next add. Starts a new block. */
err_t tape_encoder_finish(struct tape_encoder *encoder, const uint8_t **bytes, size_t *size) MUST_USE;

struct tape_decoder;
err_t tape_decoder_open(struct tape_decoder **decoder, uint16_t instrument_count) MUST_USE;
void tape_decoder_close(struct tape_decoder *decoder);

/* Memory of one decoded block; zero it at first, it grows as needed. */
struct tape_decoded {
    struct event *events;
    struct level *levels;
    void *bodies;
    uint8_t *texts; /* of EVENT_WIRE */
    size_t text_capacity;
    uint32_t event_count, level_count;
    uint32_t event_capacity, level_capacity, body_capacity;
};
void tape_decoded_free(struct tape_decoded *decoded);
/* Decode `size` raw bytes (followed by TAPE_STREAM_SLACK readable bytes) that claim `messages` and `levels`.
 * Instrument i becomes map[i] (map NULL: itself); every event gets `lane`. ERR_CORRUPT when anything at all does
 * not add up; then `decoded` holds nothing. */
err_t tape_decode(struct tape_decoder *decoder, const uint8_t *bytes, size_t size, uint32_t messages, uint32_t levels,
                  const uint16_t *map, uint16_t lane, struct tape_decoded *decoded) MUST_USE;

#endif
