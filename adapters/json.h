/* json.h: the one door to the JSON parser; values come out as pieces of the text they stand in.
 *
 *   {"stream":"btcusdt@trade","data":{"e":"trade","p":"61800.30","m":false,"x":[...]}}
 *      │                        │       │             │            │         └ unknown: skipped
 *      ▼                        ▼       ▼             ▼            ▼
 *   values[STREAM]        (descended) values[E]    values[P]    values[M]      one call, one pass
 *
 * A venue writes down the names that it wants once (a shape); json_members fills one value a name. Numbers stay
 * raw text and strings stay raw bytes, so that no price passes through a double and no id loses a digit. One
 * named member (the venues' "data") is descended into, and its members land in the same array. Key order does
 * not matter; of equal keys the last one counts; unknown keys are skipped, and what is inside of them is not
 * looked at beyond its brackets and quotes.
 *
 * Every text must be followed by JSON_PADDING readable bytes; their content does not matter. Pieces are slices
 * of that text: they live as long as it does, and are followed by as many bytes.
 */
#ifndef TAPEDECK_ADAPTERS_JSON_H
#define TAPEDECK_ADAPTERS_JSON_H

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define JSON_PADDING    64
#define JSON_FIELDS_MAX 64
#define JSON_NAME_MAX   32 /* longest name of a shape */

enum json_kind { JSON_ABSENT, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value {
    const char *text; /* strings: without the quotes, escapes as they stand; the rest: as it stands */
    uint32_t size;
    uint8_t kind; /* enum json_kind */
};

/* The names that are wanted, as a hash table. */
struct json_shape {
    uint32_t count;
    uint32_t descend; /* index of the member to go into, or UINT32_MAX */
    struct json_name {
        char text[JSON_NAME_MAX];
        uint8_t size;
    } names[JSON_FIELDS_MAX];
    uint8_t letters[256]; /* names of one letter: index + 1, 0: none */
    uint8_t slots[256];   /* longer ones, hashed: index + 1, 0: free */
};

/* `names[i]` becomes values[i]; at most JSON_FIELDS_MAX of at most JSON_NAME_MAX - 1 bytes, all different
 * (asserted). `descend` is one of the names, or NULL. */
void json_shape_init(struct json_shape *shape, const char *const *names, size_t count, const char *descend);

struct json;
/* A parser for texts up to `text_size_max` bytes; larger ones make it grow, between texts. ERR_NOMEM. */
err_t json_open(size_t text_size_max, struct json **json) MUST_USE;
void json_close(struct json *json); /* NULL is fine */

/* The kind of the whole text, by its first character. */
enum json_kind json_peek(const char *text, size_t size);

/* Fill values[0 .. shape->count) from one object. ERR_SYNTAX: not an object, or not JSON. */
err_t json_members(struct json *json, const char *text, size_t size, const struct json_shape *shape,
                  struct json_value *values, struct err_text *why) MUST_USE;

/* Each object of an array in turn: values are filled, then `row` is called. An error of `row` ends the walk and
 * is returned. `row` must not use the same parser. ERR_SYNTAX: not an array of objects. */
typedef err_t (*json_row_fn)(void *context, const struct json_value *values, struct err_text *why);
err_t json_rows(struct json *json, const char *text, size_t size, const struct json_shape *shape,
                struct json_value *values, json_row_fn row, void *context, struct err_text *why) MUST_USE;

/* The elements of an array as pieces. ERR_FULL: more than `capacity`. */
err_t json_items(struct json *json, const char *text, size_t size, struct json_value *items, size_t capacity,
                 size_t *count, struct err_text *why) MUST_USE;

/* Copy a string piece with its escapes resolved, NUL-terminated. ERR_RANGE: longer than capacity - 1;
 * ERR_SYNTAX: a bad escape. */
err_t json_copy_string(const struct json_value *value, char *text, size_t capacity, size_t *size) MUST_USE;

static inline bool json_is(const struct json_value *value, const char *word, size_t word_size)
{
    return value->kind == JSON_STRING && value->size == word_size &&
           __builtin_memcmp(value->text, word, word_size) == 0;
}

#ifdef __cplusplus
}
#endif
#endif
