/* tape_stream.h: arrays of integers as byte streams that decode four at a time.
 *
 *   stream of n numbers:   width (1 byte) | controls: ceil(n / 4) bytes | data: 1 to 4 bytes a number
 *
 *   width 0   all numbers are zero; nothing follows
 *   width 1   every number fits 32 bits: one controls + data part
 *   width 2   64 bits: the low halves' controls + data, then the high halves' controls + data
 *
 * A control byte holds four 2-bit lengths (number of bytes - 1), the first number in the lowest bits. Data
 * bytes are little-endian. Numbers missing in the last group of four count as zero (one byte each).
 * Signed numbers are stored as zigzag: (x << 1) ^ (x >> 63).
 * The idea is that of Lemire, Kurz and Rupp, "Stream VByte" (2017): lengths apart from the data, so that a
 * table of shuffles replaces the branches.
 *
 * Decoding never reads more than TAPE_STREAM_SLACK bytes past `size`; callers pad their buffers.
 */
#ifndef TAPEDECK_DATA_TAPE_STREAM_H
#define TAPEDECK_DATA_TAPE_STREAM_H

#include "core/event.h"

#define TAPE_STREAM_SLACK 320 /* readable bytes after an encoded stream */
#define TAPE_STREAM_SPARE 4   /* numbers that a decoder may write past `count` */

/* Largest encoded size of `count` numbers. */
size_t tape_stream_bound(size_t count);
/* Encode with the smallest width, or with width 2 when `wide`; `out` has tape_stream_bound(count) bytes; returns
 * the size. */
size_t tape_stream_encode(const uint64_t *numbers, size_t count, bool wide, uint8_t *out);
/* Decode exactly `count` numbers from exactly `size` bytes, or ERR_CORRUPT. `numbers` has room for
 * count + TAPE_STREAM_SPARE. */
err_t tape_stream_decode(const uint8_t *in, size_t size, uint64_t *numbers, size_t count) MUST_USE;

/* The two streams of a group's levels at once, straight into level structs.
 * Prices: price = price_base + step * running sum of p, where p is a difference: as it is when `plain` (rising prices
 * cost a bit less, falling ones are taken modulo 2^32 or 2^64 by width), else zigzag. Quantities: lot * q, or, for `paired`
 * (best bid and offer), lot * running sum over every second one of unzigzag(q). In streams of width 1 running
 * sums are taken as signed 32-bit numbers (they wrap): the encoder uses width 2 where they would not fit.
 * `levels` has room for count + TAPE_STREAM_SPARE; `scratch` for 2 * (count + TAPE_STREAM_SPARE) numbers.
 * ERR_CORRUPT as above, also for a negative or overflowing quantity. */
err_t tape_stream_decode_levels(const uint8_t *prices, size_t prices_size, const uint8_t *qtys, size_t qtys_size,
                                bool paired, bool plain, px_t price_base, int64_t step, int64_t lot, struct level *levels,
                                size_t count, uint64_t *scratch) MUST_USE;

/* Use the portable loops even where the machine has shuffles (tests compare both). */
void tape_stream_force_portable(bool portable);

static inline uint64_t zigzag(int64_t x)
{
    return ((uint64_t)x << 1) ^ (uint64_t)(x >> 63);
}
static inline int64_t unzigzag(uint64_t x)
{
    return (int64_t)((x >> 1) ^ (~(x & 1) + 1));
}

#endif
