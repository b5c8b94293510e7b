/* json_out.h: JSON for --json and result.json, over jansson. Keys keep the order they are set in; money, prices
 * and quantities are strings of decimal text (a JSON number is a double to most readers), counters are numbers.
 */
#ifndef TAPEDECK_CLI_JSON_OUT_H
#define TAPEDECK_CLI_JSON_OUT_H

#include "core/instrument.h"

#include <jansson.h>
#include <stdio.h>

/* Set a key of an object. Ids above INT64_MAX (JSON integers end there) become strings. */
void json_set_u64(json_t *object, const char *key, uint64_t value);
void json_set_i64(json_t *object, const char *key, int64_t value);
void json_set_bool(json_t *object, const char *key, bool value);
void json_set_text(json_t *object, const char *key, const char *value); /* NULL: null */
void json_set_decimal(json_t *object, const char *key, money_t value, unsigned decimals);
void json_set_price(json_t *object, const char *key, const struct instrument *instrument, px_t price);
void json_set_qty(json_t *object, const char *key, const struct instrument *instrument, qty_t qty);
/* key: ISO-8601 text and key_ns: the number; 0 gives null in both. */
void json_set_time(json_t *object, const char *key, ns_t ts);
/* Takes the reference of `value`. */
void json_set(json_t *object, const char *key, json_t *value);

/* Print with a newline and drop the reference; `lines`: compact, one line (JSON lines), not
 * flushed. ERR_IO, ERR_NOSPACE. */
err_t json_print(FILE *file, json_t *value, bool lines) MUST_USE;

#endif
