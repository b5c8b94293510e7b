#include "sim/wire/wire_read.h"

#include <string.h>

struct reader {
    const char *at, *end;
    struct wire_token *tokens;
    uint32_t capacity, count;
    err_t err;
};

static void skip_spaces(struct reader *reader)
{
    while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) != NULL && *reader->at != '\0')
        reader->at++;
}

static bool fail(struct reader *reader, err_t err)
{
    reader->err = err;
    return false;
}

static bool add(struct reader *reader, enum wire_token_kind kind, const char *text, size_t size)
{
    if (reader->count == reader->capacity)
        return fail(reader, ERR_RANGE);
    struct wire_token *token = &reader->tokens[reader->count++];
    *token = (struct wire_token){.kind = kind, .next = reader->count, .text = text, .size = (uint32_t)size};
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool read_string(struct reader *reader, enum wire_token_kind kind)
{
    const char *text = ++reader->at;
    while (reader->at < reader->end && *reader->at != '"') {
        if ((unsigned char)*reader->at < 0x20)
            return fail(reader, ERR_SYNTAX);
        if (*reader->at++ != '\\')
            continue;
        if (reader->at == reader->end)
            return fail(reader, ERR_SYNTAX);
        const char escaped = *reader->at++;
        if (escaped == 'u') {
            for (int i = 0; i < 4; i++)
                if (reader->at == reader->end || !is_hex(*reader->at++))
                    return fail(reader, ERR_SYNTAX);
        } else if (strchr("\"\\/bfnrt", escaped) == NULL || escaped == '\0') {
            return fail(reader, ERR_SYNTAX);
        }
    }
    if (reader->at == reader->end)
        return fail(reader, ERR_SYNTAX);
    return add(reader, kind, text, (size_t)(reader->at++ - text));
}

static size_t read_digits(struct reader *reader)
{
    const char *from = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    return (size_t)(reader->at - from);
}

static bool read_number(struct reader *reader)
{
    const char *text = reader->at;
    if (*reader->at == '-')
        reader->at++;
    const bool zero = reader->at < reader->end && *reader->at == '0';
    const size_t whole = read_digits(reader);
    if (whole == 0 || (zero && whole > 1))
        return fail(reader, ERR_SYNTAX);
    if (reader->at < reader->end && *reader->at == '.') {
        reader->at++;
        if (read_digits(reader) == 0)
            return fail(reader, ERR_SYNTAX);
    }
    if (reader->at < reader->end && (*reader->at == 'e' || *reader->at == 'E')) {
        reader->at++;
        if (reader->at < reader->end && (*reader->at == '+' || *reader->at == '-'))
            reader->at++;
        if (read_digits(reader) == 0)
            return fail(reader, ERR_SYNTAX);
    }
    return add(reader, TOKEN_NUMBER, text, (size_t)(reader->at - text));
}

static bool read_word(struct reader *reader)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const size_t size = strlen(words[i]);
        if ((size_t)(reader->end - reader->at) >= size && memcmp(reader->at, words[i], size) == 0) {
            reader->at += size;
            return add(reader, TOKEN_WORD, reader->at - size, size);
        }
    }
    return fail(reader, ERR_SYNTAX);
}

static bool read_value(struct reader *reader, unsigned depth);

static bool read_key(struct reader *reader)
{
    skip_spaces(reader);
    if (reader->at == reader->end || *reader->at != '"' || !read_string(reader, TOKEN_KEY))
        return fail(reader, reader->err == ERR_OK ? ERR_SYNTAX : reader->err);
    skip_spaces(reader);
    if (reader->at == reader->end || *reader->at++ != ':')
        return fail(reader, ERR_SYNTAX);
    return true;
}

/* Members of an object or items of an array, up to the closing bracket. */
static bool read_inside(struct reader *reader, bool object, unsigned depth)
{
    const char closing = object ? '}' : ']';
    const uint32_t self = reader->count;
    if (depth >= WIRE_DEPTH_MAX)
        return fail(reader, ERR_RANGE);
    if (!add(reader, object ? TOKEN_OBJECT : TOKEN_ARRAY, reader->at, 0))
        return false;
    reader->at++;
    skip_spaces(reader);
    bool empty = reader->at < reader->end && *reader->at == closing;
    while (!empty) {
        const uint32_t key = reader->count;
        if ((object && !read_key(reader)) || !read_value(reader, depth + 1))
            return false;
        if (object)
            reader->tokens[key].next = reader->count;
        skip_spaces(reader);
        if (reader->at == reader->end)
            return fail(reader, ERR_SYNTAX);
        if (*reader->at == closing)
            break;
        if (*reader->at++ != ',')
            return fail(reader, ERR_SYNTAX);
    }
    reader->at++;
    reader->tokens[self].size = (uint32_t)(reader->at - reader->tokens[self].text);
    reader->tokens[self].next = reader->count;
    return true;
}

static bool read_value(struct reader *reader, unsigned depth)
{
    skip_spaces(reader);
    if (reader->at == reader->end)
        return fail(reader, ERR_SYNTAX);
    switch (*reader->at) {
    case '{':
        return read_inside(reader, true, depth);
    case '[':
        return read_inside(reader, false, depth);
    case '"':
        return read_string(reader, TOKEN_STRING);
    case 't':
    case 'f':
    case 'n':
        return read_word(reader);
    default:
        return read_number(reader);
    }
}

err_t wire_json(const char *text, size_t size, struct wire_token *tokens, uint32_t capacity, uint32_t *count)
{
    struct reader reader = {.at = text, .end = text + size, .tokens = tokens, .capacity = capacity};
    if (size >= UINT32_MAX)
        return ERR_RANGE;
    if (!read_value(&reader, 0))
        return reader.err;
    skip_spaces(&reader);
    if (reader.at != reader.end)
        return ERR_SYNTAX;
    *count = reader.count;
    return ERR_OK;
}

const struct wire_token *wire_json_get(const struct wire_token *tokens, uint32_t object, const char *key)
{
    if (tokens[object].kind != TOKEN_OBJECT)
        return NULL;
    for (uint32_t i = object + 1; i < tokens[object].next; i = tokens[i].next)
        if (wire_token_is(&tokens[i], key))
            return &tokens[i + 1];
    return NULL;
}

bool wire_token_is(const struct wire_token *token, const char *text)
{
    const size_t size = strlen(text);
    return token->size == size && memcmp(token->text, text, size) == 0;
}

static bool whole_number(const char *text, size_t size, uint64_t *value)
{
    uint64_t number = 0;
    if (size == 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(number, UINT64_C(10), &number) ||
            __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number))
            return false;
    }
    *value = number;
    return true;
}

bool wire_token_u64(const struct wire_token *token, uint64_t *value)
{
    return (token->kind == TOKEN_NUMBER || token->kind == TOKEN_STRING) &&
           whole_number(token->text, token->size, value);
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode(const char *text, size_t size, char *value, size_t capacity)
{
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        char byte = text[i] == '+' ? ' ' : text[i];
        if (text[i] == '%') {
            if (i + 2 >= size || hex_of(text[i + 1]) < 0 || hex_of(text[i + 2]) < 0)
                return false;
            byte = (char)(hex_of(text[i + 1]) * 16 + hex_of(text[i + 2]));
            i += 2;
        }
        if (length + 1 >= capacity || byte == '\0')
            return false;
        value[length++] = byte;
    }
    value[length] = '\0';
    return true;
}

bool wire_query(const char *query, const char *name, char *value, size_t capacity)
{
    const size_t name_size = strlen(name);
    for (const char *at = query; *at != '\0';) {
        const size_t size = strcspn(at, "&");
        if (size > name_size && memcmp(at, name, name_size) == 0 && at[name_size] == '=')
            return decode(at + name_size + 1, size - name_size - 1, value, capacity);
        at += size;
        at += *at == '&';
    }
    return false;
}

bool wire_query_u64(const char *query, const char *name, uint64_t *value, bool *given)
{
    char text[32];
    *given = wire_query(query, name, text, sizeof(text));
    return !*given || whole_number(text, strlen(text), value);
}
