#include "data/packed.h"

#include "core/decimal.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

static int append(void *context, const char *bytes, size_t size)
{
    struct packed *packed = context;
    if (packed->failed)
        return 0;
    if (packed->capacity - packed->size < size) {
        size_t capacity = (packed->size + size) * 2;
        uint8_t *grown = realloc(packed->bytes, capacity);
        if (grown == NULL) {
            packed->failed = true;
            return 0;
        }
        packed->bytes = grown;
        packed->capacity = capacity;
    }
    memcpy(packed->bytes + packed->size, bytes, size);
    packed->size += size;
    return 0;
}

static msgpack_packer packer_of(struct packed *packed)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, packed, append);
    return packer;
}

void packed_clear(struct packed *packed)
{
    packed->size = 0;
    packed->failed = false;
}

void packed_free(struct packed *packed)
{
    free(packed->bytes);
    memset(packed, 0, sizeof(*packed));
}

void packed_map(struct packed *packed, uint32_t pairs)
{
    msgpack_packer packer = packer_of(packed);
    msgpack_pack_map(&packer, pairs);
}

void packed_array(struct packed *packed, uint32_t items)
{
    msgpack_packer packer = packer_of(packed);
    msgpack_pack_array(&packer, items);
}

void packed_u64(struct packed *packed, uint64_t value)
{
    msgpack_packer packer = packer_of(packed);
    msgpack_pack_uint64(&packer, value);
}

void packed_i64(struct packed *packed, int64_t value)
{
    msgpack_packer packer = packer_of(packed);
    msgpack_pack_int64(&packer, value);
}

void packed_bool(struct packed *packed, bool value)
{
    msgpack_packer packer = packer_of(packed);
    if (value)
        msgpack_pack_true(&packer);
    else
        msgpack_pack_false(&packer);
}

void packed_text(struct packed *packed, const char *text)
{
    msgpack_packer packer = packer_of(packed);
    size_t size = strlen(text);
    msgpack_pack_str(&packer, size);
    msgpack_pack_str_body(&packer, text, size);
}

void packed_bin(struct packed *packed, const void *bytes, size_t size)
{
    msgpack_packer packer = packer_of(packed);
    msgpack_pack_bin(&packer, size);
    if (size != 0)
        msgpack_pack_bin_body(&packer, bytes, size);
}

void packed_append(struct packed *packed, const void *bytes, size_t size)
{
    if (size != 0)
        append(packed, bytes, size);
}

void packed_money(struct packed *packed, money_t value)
{
    char text[DECIMAL_TEXT_SIZE];
    decimal_format(text, value, 0, 0);
    packed_text(packed, text);
}

/* ---- reading ---- */

struct packed_reader {
    msgpack_unpacked unpacked;
};

static const msgpack_object *object_of(const struct packed_value *value)
{
    return (const msgpack_object *)(const void *)value;
}

static const struct packed_value *value_of(const msgpack_object *object)
{
    return (const struct packed_value *)(const void *)object;
}

err_t packed_reader_open(struct packed_reader **reader)
{
    struct packed_reader *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return ERR_NOMEM;
    msgpack_unpacked_init(&opened->unpacked);
    *reader = opened;
    return ERR_OK;
}

void packed_reader_close(struct packed_reader *reader)
{
    if (reader == NULL)
        return;
    msgpack_unpacked_destroy(&reader->unpacked);
    free(reader);
}

/* ---- the shape of an object, before memory is asked for it ----
 *
 * The library reserves what a count claims and calls deep nesting "out of memory": four hostile bytes could ask for
 * gigabytes, and damage would look like a full machine. So counts and lengths are held against the bytes that are
 * there, and the depth against what a tape ever uses. */

#define NESTING_MAX 16

struct token {
    size_t skip;    /* bytes of its own after the head */
    uint64_t items; /* objects that follow inside it */
};

static uint64_t big_endian(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;
    while (size-- > 0)
        value = value << 8 | *at++;
    return value;
}

/* Read the head of an object and move behind it. False: cut short, or not msgpack. */
static bool read_token(const uint8_t **at, const uint8_t *end, struct token *token)
{
    /* 0xc4 to 0xdf: size of the length that follows, and bytes of its own (with a length: in addition to it) */
    static const uint8_t lengths[28] = {1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0,
                                        0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
    static const uint8_t fixed[28] = {0, 0, 0, 1, 1, 1, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17};
    const uint8_t head = *(*at)++;
    *token = (struct token){0, 0};
    if (head < 0x80 || head >= 0xe0 || head == 0xc0 || head == 0xc2 || head == 0xc3)
        return true;
    if (head == 0xc1)
        return false;
    if (head < 0xc0) {
        if (head < 0x90)
            token->items = 2u * (head & 15);
        else if (head < 0xa0)
            token->items = head & 15;
        else
            token->skip = head & 31;
        return true;
    }
    const unsigned size = lengths[head - 0xc4];
    if ((size_t)(end - *at) < size)
        return false;
    const uint64_t length = big_endian(*at, size);
    *at += size;
    if (head >= 0xdc)
        token->items = head >= 0xde ? 2 * length : length;
    else
        token->skip = fixed[head - 0xc4] + length;
    return true;
}

static bool shape_is_sound(const uint8_t *at, size_t size)
{
    const uint8_t *end = at + size;
    uint64_t left[NESTING_MAX + 1] = {1};
    for (unsigned depth = 0;;) {
        while (left[depth] == 0) {
            if (depth == 0)
                return at == end;
            depth--;
        }
        left[depth]--;
        struct token token;
        if (at == end || !read_token(&at, end, &token) || token.skip > (size_t)(end - at) ||
            token.items > (size_t)(end - at))
            return false;
        at += token.skip;
        if (token.items == 0)
            continue;
        if (depth == NESTING_MAX)
            return false;
        left[++depth] = token.items;
    }
}

err_t packed_parse(struct packed_reader *reader, const uint8_t *bytes, size_t size, const struct packed_value **root)
{
    size_t offset = 0;
    if (!shape_is_sound(bytes, size))
        return ERR_CORRUPT;
    msgpack_unpack_return result = msgpack_unpack_next(&reader->unpacked, (const char *)bytes, size, &offset);
    if (result == MSGPACK_UNPACK_NOMEM_ERROR)
        return ERR_NOMEM;
    if (result != MSGPACK_UNPACK_SUCCESS || offset != size)
        return ERR_CORRUPT;
    *root = value_of(&reader->unpacked.data);
    return ERR_OK;
}

const struct packed_value *packed_key(const struct packed_value *map, const char *key)
{
    const msgpack_object *object = object_of(map);
    if (object == NULL || object->type != MSGPACK_OBJECT_MAP)
        return NULL;
    size_t size = strlen(key);
    for (uint32_t i = 0; i < object->via.map.size; i++) {
        const msgpack_object_kv *pair = &object->via.map.ptr[i];
        if (pair->key.type == MSGPACK_OBJECT_STR && pair->key.via.str.size == size &&
            memcmp(pair->key.via.str.ptr, key, size) == 0)
            return value_of(&pair->val);
    }
    return NULL;
}

const struct packed_value *packed_at(const struct packed_value *array, uint32_t index)
{
    const msgpack_object *object = object_of(array);
    if (object == NULL || object->type != MSGPACK_OBJECT_ARRAY || index >= object->via.array.size)
        return NULL;
    return value_of(&object->via.array.ptr[index]);
}

err_t packed_count(const struct packed_value *array, uint32_t *count)
{
    const msgpack_object *object = object_of(array);
    if (object == NULL || object->type != MSGPACK_OBJECT_ARRAY)
        return ERR_CORRUPT;
    *count = object->via.array.size;
    return ERR_OK;
}

err_t packed_get_u64(const struct packed_value *value, uint64_t maximum, uint64_t *out)
{
    const msgpack_object *object = object_of(value);
    if (object == NULL || object->type != MSGPACK_OBJECT_POSITIVE_INTEGER || object->via.u64 > maximum)
        return ERR_CORRUPT;
    *out = object->via.u64;
    return ERR_OK;
}

err_t packed_get_i64(const struct packed_value *value, int64_t *out)
{
    const msgpack_object *object = object_of(value);
    if (object != NULL && object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 <= INT64_MAX)
        *out = (int64_t)object->via.u64;
    else if (object != NULL && object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        *out = object->via.i64;
    else
        return ERR_CORRUPT;
    return ERR_OK;
}

err_t packed_get_bin(const struct packed_value *value, const uint8_t **bytes, size_t *size)
{
    const msgpack_object *object = object_of(value);
    if (object == NULL || object->type != MSGPACK_OBJECT_BIN)
        return ERR_CORRUPT;
    *bytes = (const uint8_t *)object->via.bin.ptr;
    *size = object->via.bin.size;
    return ERR_OK;
}

err_t packed_get_text(const struct packed_value *value, char *text, size_t text_size)
{
    const msgpack_object *object = object_of(value);
    if (object == NULL || object->type != MSGPACK_OBJECT_STR)
        return ERR_CORRUPT;
    if (object->via.str.size >= text_size)
        return ERR_RANGE;
    memcpy(text, object->via.str.ptr, object->via.str.size);
    text[object->via.str.size] = '\0';
    return ERR_OK;
}

err_t packed_get_money(const struct packed_value *value, money_t *out)
{
    char text[DECIMAL_TEXT_SIZE];
    if (packed_get_text(value, text, sizeof(text)) != ERR_OK)
        return ERR_CORRUPT;
    return decimal_parse_money(text, strlen(text), 0, ROUND_EXACT, out) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}
