/* wire.h: pieces of a venue's text to integers, each failure naming its field.
 *
 *   json.h gives   "61800.30"   1723161256322   [["61800.20","2.909"],...]
 *                       │             │                  │
 *   wire.h gives   px 6180030    ns ...322000000   struct level[]
 *
 * Every function here says in `why` which field it was, what stood there and what was expected:
 *   ERR_SYNTAX     absent, of another type, or not a number
 *   ERR_RANGE      negative, zero where nothing can be zero, or too large to keep
 *   ERR_PRECISION  more decimals than the instrument keeps (the sentence says how many are needed)
 * Outputs are untouched on failure.
 */
#ifndef TAPEDECK_ADAPTERS_WIRE_H
#define TAPEDECK_ADAPTERS_WIRE_H

#include "adapters/json.h"
#include "core/event.h"
#include "core/instrument.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a value stands, for the words: the symbol may be empty. */
struct wire_place {
    const char *symbol;
    const char *field;
};

/* A whole number without sign, as a number or as a string of digits. */
err_t wire_u64(const struct json_value *value, const char *field, uint64_t *number, struct err_text *why) MUST_USE;
/* Epoch milliseconds (or microseconds, when the number is that large) to nanoseconds. 0 stays 0. */
err_t wire_time(const struct json_value *value, const char *field, ns_t *ts, struct err_text *why) MUST_USE;
err_t wire_bool(const struct json_value *value, const char *field, bool *truth, struct err_text *why) MUST_USE;
/* "2021-04-17T16:51:00" (UTC) to nanoseconds. */
err_t wire_iso_utc(const struct json_value *value, const char *field, ns_t *ts, struct err_text *why) MUST_USE;

/* Smallest value that a decimal may have. */
enum wire_floor { WIRE_ANY, WIRE_NOT_NEGATIVE, WIRE_POSITIVE };
/* A decimal, as a string or as a number, at `decimals`. */
err_t wire_decimal(const struct json_value *value, struct wire_place place, unsigned decimals, enum rounding rounding,
                   enum wire_floor floor, int64_t *number, struct err_text *why) MUST_USE;

/* [["price","quantity"],...] to levels; prices positive, quantities not negative; elements after the second of a
 * level are skipped. Writes to `levels` (room for text size / 9 + 1 levels is always enough, asserted by way of
 * `capacity`). */
err_t wire_levels(const struct json_value *value, struct wire_place place, unsigned price_decimals,
                  unsigned qty_decimals, struct level *levels, size_t capacity, uint32_t *count,
                  struct err_text *why) MUST_USE;
/* The most levels that a text of this size can hold. */
static inline size_t wire_levels_max(size_t text_size)
{
    return text_size / 9 + 1;
}

/* The texts of each level in turn, unparsed. An error of `pair` ends the walk and is returned. */
typedef err_t (*wire_pair_fn)(void *context, const char *price, size_t price_size, const char *qty, size_t qty_size);
err_t wire_level_texts(const struct json_value *value, const char *field, wire_pair_fn pair, void *context,
                       struct err_text *why) MUST_USE;

/* One side of a snapshot as the engine wants it: best first, no empty levels. Removes levels of quantity 0 and
 * sorts when the venue did not. ERR_SYNTAX: a price twice. */
err_t wire_snapshot_side(struct level *levels, uint32_t *count, enum side side, struct wire_place place,
                         struct err_text *why) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
