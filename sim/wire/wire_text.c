#include "sim/wire/wire_text.h"

#include "core/decimal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool wire_text_init(struct wire_text *text, size_t capacity)
{
    *text = (struct wire_text){.bytes = malloc(capacity), .capacity = capacity};
    return text->bytes != NULL;
}

void wire_text_deinit(struct wire_text *text)
{
    free(text->bytes);
    *text = (struct wire_text){0};
}

bool wire_text_grow(struct wire_text *text, size_t more)
{
    if (text->failed || text->fixed) {
        text->failed = true;
        return false;
    }
    size_t capacity = text->capacity * 2;
    if (capacity < text->size + more)
        capacity = text->size + more;
    char *bytes = realloc(text->bytes, capacity);
    if (bytes == NULL) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

/* Digits of `value`, at least `least` of them, written so that they end before `end`; returns their beginning. */
static char *digits(char *end, uint64_t value, unsigned least)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    char *at = end;
    while (value >= 100) {
        const uint64_t rest = value / 100;
        const char *pair = pairs + 2 * (value - rest * 100);
        *--at = pair[1];
        *--at = pair[0];
        value = rest;
    }
    if (value >= 10) {
        *--at = pairs[2 * value + 1];
        *--at = pairs[2 * value];
    } else if (value > 0 || at == end) {
        *--at = (char)('0' + value);
    }
    while (end - at < (ptrdiff_t)least)
        *--at = '0';
    return at;
}

void wire_put_u64(struct wire_text *text, uint64_t value)
{
    char room[24];
    const char *at = digits(room + sizeof(room), value, 1);
    wire_put_bytes(text, at, (size_t)(room + sizeof(room) - at));
}

void wire_put_i64(struct wire_text *text, int64_t value)
{
    if (value < 0)
        wire_put_char(text, '-');
    wire_put_u64(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void wire_put_decimal(struct wire_text *text, int64_t value, unsigned decimals, unsigned show)
{
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    while (decimals > show && rest % 10 == 0) {
        rest /= 10;
        decimals--;
    }
    /* Digits with one free place, into which the whole part is moved to make room for the point. */
    char room[48];
    char *end = room + sizeof(room);
    char *at = digits(end, rest, decimals + 1);
    if (decimals > 0) {
        const size_t whole = (size_t)(end - at) - decimals;
        at--;
        memmove(at, at + 1, whole);
        at[whole] = '.';
    }
    if (value < 0)
        *--at = '-';
    wire_put_bytes(text, at, (size_t)(end - at));
}

void wire_put_money(struct wire_text *text, money_t value, unsigned decimals, unsigned show)
{
    char room[DECIMAL_TEXT_SIZE];
    wire_put_bytes(text, room, decimal_format(room, value, decimals, show));
}

void wire_put_string(struct wire_text *text, const char *value, size_t size)
{
    wire_put_char(text, '"');
    for (size_t i = 0; i < size; i++) {
        const unsigned char byte = (unsigned char)value[i];
        if (byte == '"' || byte == '\\') {
            wire_put_char(text, '\\');
            wire_put_char(text, (char)byte);
        } else if (byte < 0x20) {
            wire_put_format(text, "\\u%04x", byte);
        } else {
            wire_put_char(text, (char)byte);
        }
    }
    wire_put_char(text, '"');
}

void wire_put_format(struct wire_text *text, const char *fmt, ...)
{
    char room[512];
    va_list args;
    va_start(args, fmt);
    const int size = vsnprintf(room, sizeof(room), fmt, args);
    va_end(args);
    ASSERT(size >= 0 && (size_t)size < sizeof(room));
    wire_put_bytes(text, room, (size_t)size);
}
