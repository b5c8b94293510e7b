/* wire_read.h: what clients send: query strings and small JSON.
 *
 * A JSON text becomes a flat list of tokens in the order in which they begin; an array or object says where what it
 * holds ends, so that it can be stepped over:
 *
 *     [{"ticket":"t"},{"type":"trade"}]      ARRAY ┬ OBJECT ┬ KEY ─ STRING
 *                                            next ─┼─► ...  │
 *                                                  └ OBJECT ┴ KEY ─ STRING
 *
 * A server is asked by strangers: nothing here trusts a byte. Texts that are no JSON, too deep or too large for the
 * list are refused.
 */
#ifndef TAPEDECK_SIM_WIRE_READ_H
#define TAPEDECK_SIM_WIRE_READ_H

#include "core/err.h"

enum wire_token_kind {
    TOKEN_OBJECT,
    TOKEN_ARRAY,
    TOKEN_KEY,
    TOKEN_STRING, /* text without the quotes, escapes as written */
    TOKEN_NUMBER,
    TOKEN_WORD, /* true, false, null */
};

struct wire_token {
    enum wire_token_kind kind;
    uint32_t next;    /* index behind this value and all that it holds; of a key: behind its value */
    const char *text; /* strings, numbers, words */
    uint32_t size;
};

#define WIRE_DEPTH_MAX 16

/* The tokens of a whole text. ERR_SYNTAX: no JSON; ERR_RANGE: more than `capacity` tokens, or too deep. */
err_t wire_json(const char *text, size_t size, struct wire_token *tokens, uint32_t capacity,
                uint32_t *count) MUST_USE;
/* The value of a key of the object at `object`, NULL: it has none. */
const struct wire_token *wire_json_get(const struct wire_token *tokens, uint32_t object, const char *key);
bool wire_token_is(const struct wire_token *token, const char *text);
/* A whole number, as a number or as a string of digits. False: it is neither. */
bool wire_token_u64(const struct wire_token *token, uint64_t *value);

/* The value of a name in "a=1&b=2", percent-decoded, with its NUL, into `value`. False: not there, or longer than
 * `capacity` - 1, or not decodable. */
bool wire_query(const char *query, const char *name, char *value, size_t capacity);
/* The value of a name as a whole number. False in `given`: not there; the result: there, and not one. */
bool wire_query_u64(const char *query, const char *name, uint64_t *value, bool *given);

#endif
