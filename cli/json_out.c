#include "cli/json_out.h"

#include "cli/values.h"

#include <errno.h>
#include <inttypes.h>

void json_set(json_t *object, const char *key, json_t *value)
{
    /* jansson fails here only for want of memory or for text that is not UTF-8; the value is then null and
     * the document still has its key. */
    if (json_object_set_new(object, key, value) != 0)
        (void)json_object_set_new(object, key, json_null());
}

void json_set_u64(json_t *object, const char *key, uint64_t value)
{
    if (value <= INT64_MAX) {
        json_set(object, key, json_integer((json_int_t)value));
        return;
    }
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    json_set(object, key, json_string(text));
}

void json_set_i64(json_t *object, const char *key, int64_t value)
{
    json_set(object, key, json_integer(value));
}

void json_set_bool(json_t *object, const char *key, bool value)
{
    json_set(object, key, json_boolean(value));
}

void json_set_text(json_t *object, const char *key, const char *value)
{
    json_set(object, key, value == NULL ? json_null() : json_string(value));
}

void json_set_decimal(json_t *object, const char *key, money_t value, unsigned decimals)
{
    char text[DECIMAL_TEXT_SIZE];
    decimal_format(text, value, decimals, 0);
    json_set(object, key, json_string(text));
}

void json_set_price(json_t *object, const char *key, const struct instrument *instrument, px_t price)
{
    char text[DECIMAL_TEXT_SIZE];
    instrument_format_price(instrument, price, text);
    json_set(object, key, json_string(text));
}

void json_set_qty(json_t *object, const char *key, const struct instrument *instrument, qty_t qty)
{
    char text[DECIMAL_TEXT_SIZE];
    instrument_format_qty(instrument, qty, text);
    json_set(object, key, json_string(text));
}

void json_set_time(json_t *object, const char *key, ns_t ts)
{
    char text[VALUE_TEXT_SIZE], key_ns[96];
    snprintf(key_ns, sizeof(key_ns), "%s_ns", key);
    json_set(object, key, ts == 0 ? json_null() : json_string(value_time_text(ts, text)));
    json_set(object, key_ns, ts == 0 ? json_null() : json_integer(ts));
}

err_t json_print(FILE *file, json_t *value, bool lines)
{
    errno = 0;
    size_t flags = lines ? JSON_COMPACT : JSON_INDENT(2);
    bool bad = json_dumpf(value, file, flags | JSON_ENCODE_ANY) != 0 || fputc('\n', file) == EOF;
    bad = bad || (!lines && fflush(file) != 0);
    json_decref(value);
    if (!bad)
        return ERR_OK;
    return errno == ENOSPC ? ERR_NOSPACE : ERR_IO;
}
