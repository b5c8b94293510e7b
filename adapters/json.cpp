// json.cpp: the only file that includes simdjson. On-Demand finds the structure, we take slices of the text.
//
// simdjson's first pass (which bytes are structure, are the quotes balanced, is it UTF-8) runs over the whole
// text with the machine's widest instructions; the walk over an object then costs a few nanoseconds a member.
// Arrays and objects that are wanted come out as raw text without being looked at: whoever reads them (see
// adapters/wire.h) checks every byte.
#include "adapters/json.h"

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include <cstring>
#include <new>

using namespace simdjson;

struct json {
    ondemand::parser parser;
};

namespace
{

// The first bytes of a name and its length decide its slot. Reading eight bytes past a key is fine: texts are padded.
inline uint32_t name_slot(const char *text, size_t size)
{
    uint64_t word;
    std::memcpy(&word, text, sizeof(word));
    if (size < 8)
        word &= (UINT64_C(1) << (8 * size)) - 1;
    word ^= static_cast<uint64_t>(size) << 56;
    return static_cast<uint32_t>((word * UINT64_C(0x9E3779B97F4A7C15)) >> 56);
}

// The index of the name that starts at `key` (just after its quote), or -1. Most of the venues' names are one letter.
inline int name_find(const json_shape *shape, const char *key)
{
    if (key[1] == '"' && key[0] != '"')
        return shape->letters[static_cast<unsigned char>(key[0])] - 1;
    size_t size = 0;
    while (key[size] != '"') {
        if (key[size] == '\\' || ++size >= JSON_NAME_MAX)
            return -1;
    }
    for (uint32_t slot = name_slot(key, size);; slot = (slot + 1) & 255) {
        unsigned index = shape->slots[slot];
        if (index == 0)
            return -1;
        const json_shape::json_name *name = &shape->names[index - 1];
        if (name->size == size && std::memcmp(name->text, key, size) == 0)
            return static_cast<int>(index - 1);
    }
}

inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// A scalar's token runs to the next structural character: cut the spaces, and of strings the quotes.
inline void set_scalar(json_value *out, std::string_view token, json_kind kind)
{
    size_t size = token.size();
    while (size > 0 && is_space(token[size - 1]))
        size--;
    const char *text = token.data();
    if (kind == JSON_STRING && size >= 2) {
        text++;
        size -= 2;
    }
    out->text = text;
    out->size = static_cast<uint32_t>(size);
    out->kind = kind;
}

inline void set_raw(json_value *out, std::string_view raw, json_kind kind)
{
    size_t size = raw.size();
    while (size > 0 && is_space(raw[size - 1]))
        size--;
    out->text = raw.data();
    out->size = static_cast<uint32_t>(size);
    out->kind = kind;
}

inline error_code take(ondemand::value &value, json_value *out)
{
    ondemand::json_type type;
    if (auto error = value.type().get(type))
        return error;
    std::string_view raw;
    switch (type) {
    case ondemand::json_type::array: {
        ondemand::array array;
        if (auto error = value.get_array().get(array))
            return error;
        if (auto error = array.raw_json().get(raw))
            return error;
        set_raw(out, raw, JSON_ARRAY);
        return SUCCESS;
    }
    case ondemand::json_type::object: {
        ondemand::object object;
        if (auto error = value.get_object().get(object))
            return error;
        if (auto error = object.raw_json().get(raw))
            return error;
        set_raw(out, raw, JSON_OBJECT);
        return SUCCESS;
    }
    case ondemand::json_type::string:
        set_scalar(out, value.raw_json_token(), JSON_STRING);
        return SUCCESS;
    case ondemand::json_type::number:
        set_scalar(out, value.raw_json_token(), JSON_NUMBER);
        return SUCCESS;
    case ondemand::json_type::boolean: {
        bool truth;
        std::string_view token = value.raw_json_token();
        if (auto error = value.get_bool().get(truth))
            return error;
        set_scalar(out, token, JSON_BOOL);
        return SUCCESS;
    }
    case ondemand::json_type::null: {
        std::string_view token = value.raw_json_token();
        bool null = false;
        if (auto error = value.is_null().get(null))
            return error;
        if (!null)
            return N_ATOM_ERROR;
        set_scalar(out, token, JSON_NULL);
        return SUCCESS;
    }
    }
    return TAPE_ERROR;
}

error_code fill(ondemand::object object, const json_shape *shape, json_value *values, bool may_descend)
{
    for (auto result : object) {
        if (result.error() != SUCCESS)
            return result.error();
        // Used where it lies: a copy of it, two words written and read as one, costs more than the rest of the loop.
        ondemand::field &&field = std::move(result).value_unsafe();
        int index = name_find(shape, field.key().raw());
        if (index < 0)
            continue;
        if (may_descend && static_cast<uint32_t>(index) == shape->descend) {
            ondemand::json_type type;
            if (auto error = field.value().type().get(type))
                return error;
            if (type == ondemand::json_type::object) {
                ondemand::object inner;
                if (auto error = field.value().get_object().get(inner))
                    return error;
                if (auto error = fill(inner, shape, values, false))
                    return error;
                values[index].kind = JSON_OBJECT;
                continue;
            }
        }
        if (auto error = take(field.value(), &values[index]))
            return error;
    }
    return SUCCESS;
}

err_t not_json(error_code error, const char *expected, err_text *why)
{
    if (error == MEMALLOC)
        return ERR_NOMEM;
    if (error == CAPACITY)
        return err_say(why, ERR_RANGE, "the text is too large for the JSON parser");
    return err_say(why, ERR_SYNTAX, "not %s in JSON, or cut short: %s", expected, error_message(error));
}

// `size` may not be 0 for simdjson; an empty text is not JSON anyway.
error_code start(json *parser, const char *text, size_t size, ondemand::document &document)
{
    if (size == 0)
        return EMPTY;
    return parser->parser.iterate(text, size, size + JSON_PADDING).get(document);
}

error_code finish(ondemand::document &document)
{
    // The place of the walk is out of bounds exactly when nothing is left.
    const char *place;
    return document.current_location().get(place) == OUT_OF_BOUNDS ? SUCCESS : TRAILING_CONTENT;
}

bool hex4(const char *text, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        char c = text[i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = static_cast<uint32_t>(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            digit = static_cast<uint32_t>((c | 32) - 'a' + 10);
        else
            return false;
        *code = *code << 4 | digit;
    }
    return true;
}

size_t utf8_write(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = static_cast<char>(code);
        return 1;
    }
    if (code < 0x800) {
        out[0] = static_cast<char>(0xC0 | code >> 6);
        out[1] = static_cast<char>(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = static_cast<char>(0xE0 | code >> 12);
        out[1] = static_cast<char>(0x80 | (code >> 6 & 63));
        out[2] = static_cast<char>(0x80 | (code & 63));
        return 3;
    }
    out[0] = static_cast<char>(0xF0 | code >> 18);
    out[1] = static_cast<char>(0x80 | (code >> 12 & 63));
    out[2] = static_cast<char>(0x80 | (code >> 6 & 63));
    out[3] = static_cast<char>(0x80 | (code & 63));
    return 4;
}

} // namespace

STATIC_ASSERT(SIMDJSON_PADDING <= JSON_PADDING, "the padding that we promise is the parser's");

void json_shape_init(json_shape *shape, const char *const *names, size_t count, const char *descend)
{
    ASSERT(count <= JSON_FIELDS_MAX);
    std::memset(shape, 0, sizeof(*shape));
    shape->count = static_cast<uint32_t>(count);
    shape->descend = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t size = std::strlen(names[i]);
        ASSERT(size < JSON_NAME_MAX);
        std::memcpy(shape->names[i].text, names[i], size);
        shape->names[i].size = static_cast<uint8_t>(size);
        if (descend != nullptr && std::strcmp(descend, names[i]) == 0)
            shape->descend = static_cast<uint32_t>(i);
        if (size == 1) {
            uint8_t *letter = &shape->letters[static_cast<unsigned char>(names[i][0])];
            ASSERT(*letter == 0);
            *letter = static_cast<uint8_t>(i + 1);
            continue;
        }
        uint32_t slot = name_slot(shape->names[i].text, size);
        while (shape->slots[slot] != 0) {
            ASSERT(std::strcmp(shape->names[shape->slots[slot] - 1].text, names[i]) != 0);
            slot = (slot + 1) & 255;
        }
        shape->slots[slot] = static_cast<uint8_t>(i + 1);
    }
    ASSERT(descend == nullptr || shape->descend != UINT32_MAX);
}

err_t json_open(size_t text_size_max, json **out)
{
    json *parser = new (std::nothrow) json;
    if (parser == nullptr)
        return ERR_NOMEM;
    if (parser->parser.allocate(text_size_max) != SUCCESS) {
        delete parser;
        return ERR_NOMEM;
    }
    *out = parser;
    return ERR_OK;
}

void json_close(json *parser)
{
    delete parser;
}

json_kind json_peek(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size && is_space(text[at]))
        at++;
    if (at == size)
        return JSON_ABSENT;
    switch (text[at]) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
    case 'f':
        return JSON_BOOL;
    case 'n':
        return JSON_NULL;
    case '-':
        return JSON_NUMBER;
    default:
        return text[at] >= '0' && text[at] <= '9' ? JSON_NUMBER : JSON_ABSENT;
    }
}

err_t json_members(json *parser, const char *text, size_t size, const json_shape *shape, json_value *values,
                  err_text *why)
{
    std::memset(values, 0, shape->count * sizeof(*values));
    ondemand::document document;
    ondemand::object object;
    error_code error = start(parser, text, size, document);
    if (error == SUCCESS)
        error = document.get_object().get(object);
    if (error == SUCCESS)
        error = fill(object, shape, values, true);
    if (error == SUCCESS)
        error = finish(document);
    return error == SUCCESS ? ERR_OK : not_json(error, "an object", why);
}

err_t json_rows(json *parser, const char *text, size_t size, const json_shape *shape, json_value *values,
                json_row_fn row, void *context, err_text *why)
{
    ondemand::document document;
    ondemand::array array;
    error_code error = start(parser, text, size, document);
    if (error == SUCCESS)
        error = document.get_array().get(array);
    if (error != SUCCESS)
        return not_json(error, "an array of objects", why);
    for (auto result : array) {
        ondemand::object object;
        error = result.get_object().get(object);
        std::memset(values, 0, shape->count * sizeof(*values));
        if (error == SUCCESS)
            error = fill(object, shape, values, true);
        if (error != SUCCESS)
            return not_json(error, "an array of objects", why);
        err_t err = row(context, values, why);
        if (err != ERR_OK)
            return err;
    }
    error = finish(document);
    return error == SUCCESS ? ERR_OK : not_json(error, "an array of objects", why);
}

err_t json_items(json *parser, const char *text, size_t size, json_value *items, size_t capacity, size_t *count,
                 err_text *why)
{
    ondemand::document document;
    ondemand::array array;
    error_code error = start(parser, text, size, document);
    if (error == SUCCESS)
        error = document.get_array().get(array);
    if (error != SUCCESS)
        return not_json(error, "an array", why);
    size_t found = 0;
    for (auto result : array) {
        ondemand::value value;
        error = result.get(value);
        if (error != SUCCESS)
            return not_json(error, "an array", why);
        if (found == capacity)
            return err_say(why, ERR_FULL, "an array of more than %zu elements", capacity);
        error = take(value, &items[found]);
        if (error != SUCCESS)
            return not_json(error, "an array", why);
        found++;
    }
    error = finish(document);
    if (error != SUCCESS)
        return not_json(error, "an array", why);
    *count = found;
    return ERR_OK;
}

err_t json_copy_string(const json_value *value, char *text, size_t capacity, size_t *size)
{
    ASSERT(value->kind == JSON_STRING && capacity > 0);
    const char *from = value->text;
    const char *end = from + value->size;
    size_t written = 0;
    while (from < end) {
        char bytes[4];
        size_t count = 1;
        if (*from != '\\') {
            bytes[0] = *from++;
        } else {
            static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
            if (end - from < 2)
                return ERR_SYNTAX;
            char kind = from[1];
            if (kind == 'u') {
                uint32_t code;
                if (end - from < 6 || !hex4(from + 2, &code))
                    return ERR_SYNTAX;
                from += 6;
                if (code >= 0xD800 && code < 0xDC00) {
                    uint32_t low;
                    if (end - from < 6 || from[0] != '\\' || from[1] != 'u' || !hex4(from + 2, &low) ||
                        low < 0xDC00 || low > 0xDFFF)
                        return ERR_SYNTAX;
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                    from += 6;
                } else if (code >= 0xDC00 && code <= 0xDFFF) {
                    return ERR_SYNTAX;
                }
                count = utf8_write(code, bytes);
            } else {
                const char *hit = nullptr;
                for (size_t i = 0; i + 1 < sizeof(escapes); i += 2)
                    if (escapes[i] == kind)
                        hit = &escapes[i + 1];
                if (hit == nullptr)
                    return ERR_SYNTAX;
                bytes[0] = *hit;
                from += 2;
            }
        }
        if (written + count >= capacity)
            return ERR_RANGE;
        std::memcpy(text + written, bytes, count);
        written += count;
    }
    text[written] = '\0';
    *size = written;
    return ERR_OK;
}
