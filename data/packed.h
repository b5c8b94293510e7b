/* packed.h: msgpack out and in, by a small table of verbs. packed.c is the one file that includes msgpack.
 *
 * Writing appends to a growing buffer; a failed allocation sets `failed` and later calls do nothing, so that it
 * is checked once at the end. Reading parses a whole object and gives values that point into the bytes.
 */
#ifndef TAPEDECK_DATA_PACKED_H
#define TAPEDECK_DATA_PACKED_H

#include "core/err.h"

struct packed {
    uint8_t *bytes;
    size_t size, capacity;
    bool failed;
};

void packed_clear(struct packed *packed); /* keeps the memory */
void packed_free(struct packed *packed);
void packed_map(struct packed *packed, uint32_t pairs);
void packed_array(struct packed *packed, uint32_t items);
void packed_u64(struct packed *packed, uint64_t value);
void packed_i64(struct packed *packed, int64_t value);
void packed_bool(struct packed *packed, bool value);
void packed_text(struct packed *packed, const char *text);
void packed_bin(struct packed *packed, const void *bytes, size_t size);
/* Bytes that are msgpack already. */
void packed_append(struct packed *packed, const void *bytes, size_t size);
/* A money_t as decimal integer text: msgpack has no 128-bit integers. */
void packed_money(struct packed *packed, money_t value);

struct packed_reader;
/* Opaque: lives until the reader parses again or is closed. */
struct packed_value;

err_t packed_reader_open(struct packed_reader **reader) MUST_USE;
void packed_reader_close(struct packed_reader *reader);
/* Parse one object that must fill `size` bytes exactly; ERR_CORRUPT otherwise. Binary and text values point into
 * `bytes`. */
err_t packed_parse(struct packed_reader *reader, const uint8_t *bytes, size_t size,
                   const struct packed_value **root) MUST_USE;

/* All of these: ERR_CORRUPT for another type or a missing key or index. A NULL value gives ERR_CORRUPT too, so that
 * look-ups chain. */
const struct packed_value *packed_key(const struct packed_value *map, const char *key);
const struct packed_value *packed_at(const struct packed_value *array, uint32_t index);
err_t packed_count(const struct packed_value *array, uint32_t *count) MUST_USE;
err_t packed_get_u64(const struct packed_value *value, uint64_t maximum, uint64_t *out) MUST_USE;
err_t packed_get_i64(const struct packed_value *value, int64_t *out) MUST_USE;
err_t packed_get_bin(const struct packed_value *value, const uint8_t **bytes, size_t *size) MUST_USE;
/* Copies and terminates; ERR_RANGE when it does not fit. */
err_t packed_get_text(const struct packed_value *value, char *text, size_t text_size) MUST_USE;
err_t packed_get_money(const struct packed_value *value, money_t *out) MUST_USE;

#endif
