/* wire_text.h: messages as text, written from left to right into one buffer.
 *
 *     wire_put(out, "{\"e\":\"depthUpdate\",\"E\":");  wire_put_u64(out, ms);  ...
 *
 * Numbers are exact: integers at a scale become digits and a point, never a double. The buffer grows as it must; when
 * it cannot, the text is marked failed, and whoever would send it asks wire_text_ok first. Nothing is copied twice,
 * and what a message costs is about what its bytes cost.
 */
#ifndef TAPEDECK_SIM_WIRE_TEXT_H
#define TAPEDECK_SIM_WIRE_TEXT_H

#include "core/base.h"

#include <string.h>

struct wire_text {
    char *bytes;
    size_t size, capacity;
    bool failed; /* no memory: what is there is cut short */
    bool fixed;  /* the bytes are the caller's, and do not grow */
};

bool wire_text_init(struct wire_text *text, size_t capacity) MUST_USE;
void wire_text_deinit(struct wire_text *text);
/* A text in the caller's bytes: what does not fit makes it fail. */
static inline struct wire_text wire_text_in(char *bytes, size_t capacity)
{
    return (struct wire_text){.bytes = bytes, .capacity = capacity, .fixed = true};
}
/* Make room for `more` bytes behind the text. False: there is none, and the text has failed. */
bool wire_text_grow(struct wire_text *text, size_t more);

static inline void wire_text_clear(struct wire_text *text)
{
    text->size = 0;
    text->failed = false;
}
static inline bool wire_text_ok(const struct wire_text *text)
{
    return !text->failed;
}
static inline bool wire_text_room(struct wire_text *text, size_t more)
{
    return LIKELY(text->capacity - text->size >= more) || wire_text_grow(text, more);
}
static inline void wire_put_bytes(struct wire_text *text, const char *bytes, size_t size)
{
    if (LIKELY(wire_text_room(text, size))) {
        memcpy(text->bytes + text->size, bytes, size);
        text->size += size;
    }
}
/* A NUL-terminated text as it is; literals cost no strlen. */
static inline __attribute__((always_inline)) void wire_put(struct wire_text *text, const char *words)
{
    wire_put_bytes(text, words, strlen(words));
}
static inline void wire_put_char(struct wire_text *text, char byte)
{
    wire_put_bytes(text, &byte, 1);
}
void wire_put_u64(struct wire_text *text, uint64_t value);
void wire_put_i64(struct wire_text *text, int64_t value);
/* `value` at `decimals`, with `show` decimals at least and no more zeros behind them than that: (617000, 2, 1) is
 * 6170.0. show <= decimals <= 18. */
void wire_put_decimal(struct wire_text *text, int64_t value, unsigned decimals, unsigned show);
/* The same of 128 bits; decimals <= 36. */
void wire_put_money(struct wire_text *text, money_t value, unsigned decimals, unsigned show);
/* "text" with quotes, and escaped as JSON asks. */
void wire_put_string(struct wire_text *text, const char *value, size_t size);
void wire_put_format(struct wire_text *text, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
