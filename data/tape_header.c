#include "data/tape_header.h"

#include <stdlib.h>
#include <string.h>

#define FORMAT_WORDS "tapedeck tape"

static void pack_instrument(struct packed *out, const struct instrument *instrument)
{
    packed_map(out, 19);
    packed_text(out, "venue");
    packed_text(out, instrument->venue);
    packed_text(out, "symbol");
    packed_text(out, instrument->symbol);
    packed_text(out, "base");
    packed_text(out, instrument->base);
    packed_text(out, "quote");
    packed_text(out, instrument->quote);
    packed_text(out, "settle");
    packed_text(out, instrument->settle);
    packed_text(out, "contract");
    packed_text(out, contract_kind_name(instrument->contract));
    packed_text(out, "price_decimals");
    packed_u64(out, instrument->price_decimals);
    packed_text(out, "qty_decimals");
    packed_u64(out, instrument->qty_decimals);
    packed_text(out, "price_show");
    packed_u64(out, instrument->price_show);
    packed_text(out, "qty_show");
    packed_u64(out, instrument->qty_show);
    packed_text(out, "lot");
    packed_i64(out, instrument->lot);
    packed_text(out, "qty_min");
    packed_i64(out, instrument->qty_min);
    packed_text(out, "qty_max");
    packed_i64(out, instrument->qty_max);
    packed_text(out, "notional_min");
    packed_money(out, instrument->notional_min);
    packed_text(out, "multiplier");
    packed_i64(out, instrument->multiplier);
    packed_text(out, "multiplier_decimals");
    packed_u64(out, instrument->multiplier_decimals);
    packed_text(out, "maker_fee");
    packed_i64(out, instrument->maker_fee);
    packed_text(out, "taker_fee");
    packed_i64(out, instrument->taker_fee);
    packed_text(out, "tick_tables");
    packed_array(out, instrument->tick_table_count);
    for (uint32_t t = 0; t < instrument->tick_table_count; t++) {
        const struct tick_table *table = &instrument->tick_tables[t];
        packed_array(out, 2);
        packed_i64(out, table->from_ts);
        packed_array(out, table->band_count);
        for (uint32_t b = 0; b < table->band_count; b++) {
            packed_array(out, 2);
            packed_i64(out, table->bands[b].from);
            packed_i64(out, table->bands[b].tick);
        }
    }
}

void tape_header_pack(struct packed *packed, const struct instrument *instruments, uint16_t instrument_count,
                      const char *source, const char *created_by, const char *session)
{
    packed_map(packed, session == NULL ? 5 : 6);
    packed_text(packed, "format");
    packed_text(packed, FORMAT_WORDS);
    packed_text(packed, "version");
    packed_u64(packed, 1);
    packed_text(packed, "source");
    packed_text(packed, source == NULL ? "" : source);
    packed_text(packed, "created_by");
    packed_text(packed, created_by == NULL ? "" : created_by);
    packed_text(packed, "instruments");
    packed_array(packed, instrument_count);
    for (uint16_t i = 0; i < instrument_count; i++)
        pack_instrument(packed, &instruments[i]);
    if (session != NULL) {
        packed_text(packed, "session");
        packed_bin(packed, session, strlen(session));
    }
}

void tape_header_free(struct tape_header *header)
{
    free(header->instruments);
    free(header->session);
}

static bool text_of(const struct packed_value *map, const char *key, char *text, size_t size)
{
    return packed_get_text(packed_key(map, key), text, size) == ERR_OK;
}

static bool u8_of(const struct packed_value *map, const char *key, uint8_t *out)
{
    uint64_t value;
    if (packed_get_u64(packed_key(map, key), UINT8_MAX, &value) != ERR_OK)
        return false;
    *out = (uint8_t)value;
    return true;
}

static bool i64_of(const struct packed_value *map, const char *key, int64_t *out)
{
    return packed_get_i64(packed_key(map, key), out) == ERR_OK;
}

static bool unpack_tick_tables(const struct packed_value *list, struct instrument *instrument)
{
    if (packed_count(list, &instrument->tick_table_count) != ERR_OK || instrument->tick_table_count > TICK_TABLES_MAX)
        return false;
    for (uint32_t t = 0; t < instrument->tick_table_count; t++) {
        struct tick_table *table = &instrument->tick_tables[t];
        const struct packed_value *item = packed_at(list, t), *bands = packed_at(item, 1);
        if (packed_get_i64(packed_at(item, 0), &table->from_ts) != ERR_OK ||
            packed_count(bands, &table->band_count) != ERR_OK || table->band_count > TICK_BANDS_MAX)
            return false;
        for (uint32_t b = 0; b < table->band_count; b++)
            if (packed_get_i64(packed_at(packed_at(bands, b), 0), &table->bands[b].from) != ERR_OK ||
                packed_get_i64(packed_at(packed_at(bands, b), 1), &table->bands[b].tick) != ERR_OK)
                return false;
    }
    return true;
}

static bool unpack_instrument(const struct packed_value *map, struct instrument *instrument)
{
    char contract[16];
    return text_of(map, "venue", instrument->venue, sizeof(instrument->venue)) &&
           text_of(map, "symbol", instrument->symbol, sizeof(instrument->symbol)) &&
           text_of(map, "base", instrument->base, sizeof(instrument->base)) &&
           text_of(map, "quote", instrument->quote, sizeof(instrument->quote)) &&
           text_of(map, "settle", instrument->settle, sizeof(instrument->settle)) &&
           text_of(map, "contract", contract, sizeof(contract)) &&
           contract_kind_parse(contract, &instrument->contract) == ERR_OK &&
           u8_of(map, "price_decimals", &instrument->price_decimals) &&
           u8_of(map, "qty_decimals", &instrument->qty_decimals) &&
           u8_of(map, "price_show", &instrument->price_show) && u8_of(map, "qty_show", &instrument->qty_show) &&
           i64_of(map, "lot", &instrument->lot) && i64_of(map, "qty_min", &instrument->qty_min) &&
           i64_of(map, "qty_max", &instrument->qty_max) &&
           packed_get_money(packed_key(map, "notional_min"), &instrument->notional_min) == ERR_OK &&
           i64_of(map, "multiplier", &instrument->multiplier) &&
           u8_of(map, "multiplier_decimals", &instrument->multiplier_decimals) &&
           i64_of(map, "maker_fee", &instrument->maker_fee) && i64_of(map, "taker_fee", &instrument->taker_fee) &&
           unpack_tick_tables(packed_key(map, "tick_tables"), instrument);
}

static err_t unpack(const struct packed_value *root, struct tape_header *header, struct err_text *why)
{
    char format[32];
    uint64_t version;
    if (!text_of(root, "format", format, sizeof(format)) || strcmp(format, FORMAT_WORDS) != 0 ||
        packed_get_u64(packed_key(root, "version"), UINT32_MAX, &version) != ERR_OK)
        return err_say(why, ERR_CORRUPT, "the header does not say \"%s\"", FORMAT_WORDS);
    if (version != 1)
        return err_say(why, ERR_VERSION, "the tape is of version %llu; this program reads version 1",
                       (unsigned long long)version);
    const struct packed_value *list = packed_key(root, "instruments");
    uint32_t count;
    if (!text_of(root, "source", header->source, sizeof(header->source)) ||
        !text_of(root, "created_by", header->created_by, sizeof(header->created_by)) ||
        packed_count(list, &count) != ERR_OK || count > INSTRUMENTS_MAX)
        return err_say(why, ERR_CORRUPT, "the header lacks a field or has one of another type");
    header->instruments = calloc(count == 0 ? 1 : count, sizeof(*header->instruments));
    if (header->instruments == NULL)
        return err_say(why, ERR_NOMEM, "no memory for %u instruments", count);
    header->instrument_count = (uint16_t)count;
    for (uint32_t i = 0; i < count; i++) {
        if (!unpack_instrument(packed_at(list, i), &header->instruments[i]))
            return err_say(why, ERR_CORRUPT, "instrument %u of the header lacks a field or has one of another type",
                           i);
        err_t err = instrument_check(&header->instruments[i], why);
        if (err != ERR_OK)
            return err;
    }
    const uint8_t *bytes;
    size_t size;
    if (packed_key(root, "session") == NULL)
        return ERR_OK;
    if (packed_get_bin(packed_key(root, "session"), &bytes, &size) != ERR_OK)
        return err_say(why, ERR_CORRUPT, "the header has a session of another type");
    header->session = malloc(size + 1);
    if (header->session == NULL)
        return err_say(why, ERR_NOMEM, "no memory for the header");
    memcpy(header->session, bytes, size);
    header->session[size] = '\0';
    return ERR_OK;
}

err_t tape_header_unpack(const uint8_t *bytes, size_t size, struct tape_header *header, struct err_text *why)
{
    struct tape_header read;
    memset(&read, 0, sizeof(read));
    struct packed_reader *reader;
    err_t err = packed_reader_open(&reader);
    if (err != ERR_OK)
        return err_say(why, err, "no memory to read the header");
    const struct packed_value *root;
    err = packed_parse(reader, bytes, size, &root);
    if (err != ERR_OK)
        err_say(why, err, "the header is not one msgpack object");
    else
        err = unpack(root, &read, why);
    packed_reader_close(reader);
    if (err != ERR_OK) {
        tape_header_free(&read);
        return err;
    }
    *header = read;
    return ERR_OK;
}
