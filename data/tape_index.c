#include "data/tape_index.h"

#include <stdlib.h>
#include <string.h>

void tape_index_init(struct tape_index *index)
{
    memset(index, 0, sizeof(*index));
    index->stride = 1;
}

void tape_index_free(struct tape_index *index)
{
    free(index->entries);
    tape_index_init(index);
}

static err_t push(struct tape_index *index, const struct tape_index_entry *entry)
{
    if (index->count == index->capacity) {
        uint32_t capacity = index->capacity == 0 ? 64 : index->capacity * 2;
        struct tape_index_entry *grown = realloc(index->entries, capacity * sizeof(*grown));
        if (grown == NULL)
            return ERR_NOMEM;
        index->entries = grown;
        index->capacity = capacity;
    }
    index->entries[index->count++] = *entry;
    return ERR_OK;
}

err_t tape_index_add(struct tape_index *index, const struct tape_index_entry *entry)
{
    if (entry->number % index->stride != 0)
        return ERR_OK;
    if (index->count == TAPE_INDEX_MAX) {
        for (uint32_t i = 0; i < TAPE_INDEX_MAX / 2; i++)
            index->entries[i] = index->entries[2 * i];
        index->count = TAPE_INDEX_MAX / 2;
        index->stride *= 2;
        if (entry->number % index->stride != 0)
            return ERR_OK;
    }
    return push(index, entry);
}

void tape_index_pack(const struct tape_index *index, struct packed *packed)
{
    packed_map(packed, 2);
    packed_text(packed, "stride");
    packed_u64(packed, index->stride);
    packed_text(packed, "blocks");
    packed_array(packed, index->count);
    for (uint32_t i = 0; i < index->count; i++) {
        const struct tape_index_entry *entry = &index->entries[i];
        packed_array(packed, 4);
        packed_u64(packed, entry->offset);
        packed_u64(packed, entry->number);
        packed_u64(packed, entry->first_message);
        packed_i64(packed, entry->first_ts);
    }
}

err_t tape_index_unpack(const uint8_t *bytes, size_t size, struct tape_index *index)
{
    struct packed_reader *reader;
    err_t err = packed_reader_open(&reader);
    if (err != ERR_OK)
        return err;
    struct tape_index read;
    tape_index_init(&read);
    const struct packed_value *root, *list;
    uint32_t count = 0;
    err = packed_parse(reader, bytes, size, &root);
    list = err == ERR_OK ? packed_key(root, "blocks") : NULL;
    if (err == ERR_OK)
        err = packed_get_u64(packed_key(root, "stride"), UINT64_MAX / 2, &read.stride);
    if (err == ERR_OK)
        err = packed_count(list, &count);
    if (err == ERR_OK && (count > TAPE_INDEX_MAX || read.stride == 0))
        err = ERR_CORRUPT;
    for (uint32_t i = 0; i < count && err == ERR_OK; i++) {
        const struct packed_value *item = packed_at(list, i);
        struct tape_index_entry entry;
        if (packed_get_u64(packed_at(item, 0), UINT64_MAX, &entry.offset) != ERR_OK ||
            packed_get_u64(packed_at(item, 1), UINT64_MAX, &entry.number) != ERR_OK ||
            packed_get_u64(packed_at(item, 2), UINT64_MAX, &entry.first_message) != ERR_OK ||
            packed_get_i64(packed_at(item, 3), &entry.first_ts) != ERR_OK)
            err = ERR_CORRUPT;
        else
            err = push(&read, &entry);
    }
    packed_reader_close(reader);
    if (err != ERR_OK) {
        tape_index_free(&read);
        return err;
    }
    *index = read;
    return ERR_OK;
}

const struct tape_index_entry *tape_index_by_ts(const struct tape_index *index, ns_t ts)
{
    uint32_t low = 0, high = index->count; /* entries below `low` begin before ts */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index->entries[middle].first_ts < ts)
            low = middle + 1;
        else
            high = middle;
    }
    if (index->count == 0)
        return NULL;
    return &index->entries[low == 0 ? 0 : low - 1];
}

const struct tape_index_entry *tape_index_by_message(const struct tape_index *index, uint64_t message)
{
    uint32_t low = 0, high = index->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index->entries[middle].first_message <= message)
            low = middle + 1;
        else
            high = middle;
    }
    if (index->count == 0)
        return NULL;
    return &index->entries[low == 0 ? 0 : low - 1];
}
