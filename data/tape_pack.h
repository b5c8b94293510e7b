/* tape_pack.h: the columns of a block to its raw bytes (inside the encoder only).
 *
 *   messages ──► tape_encode.c ──► struct tape_collected ──► tape_pack.c ──► msgpack of streams
 *                sorts into        a tag and a stamp a       deltas, units,
 *                groups            message, columns a group  steps, widths
 *
 * The encoder owns what was collected, keeps its memory from block to block and empties it. Packing uses it up:
 * stamps are overwritten with what is stored of them. A packer owns the bytes that come out and its scratch memory,
 * nothing else; it holds nothing from one block to the next. The layout is told in data/TAPE.md, section "Blocks".
 */
#ifndef TAPEDECK_DATA_TAPE_PACK_H
#define TAPEDECK_DATA_TAPE_PACK_H

#include "data/packed.h"
#include "data/tape_columns.h"

#include <stdlib.h>

struct tape_pack_column {
    uint64_t *numbers;
    size_t count, capacity;
};

/* The messages of one instrument and one class. */
struct tape_group {
    enum tape_class class_;
    uint16_t instrument;
    uint32_t messages;
    /* the first message's own values are the bases, so that first deltas are zero */
    ns_t exch_base;
    uint64_t seq_base, first_base;
    /* running values */
    ns_t exch;
    uint64_t seq, first;
    struct tape_pack_column columns[COLUMN_COUNT];
    struct tape_pack_column prices, qtys; /* as given */
};

/* What many messages have in common; a message names its tag by number. */
struct tape_tag {
    uint8_t kind, flags, attributes;
    uint16_t instrument, group;
};

/* A block as it was collected. */
struct tape_collected {
    int64_t *ticks, *lots; /* candidates for the step of a group, one an instrument */
    struct tape_group *groups;
    size_t group_count;
    struct tape_tag *tags;
    size_t tag_count;
    struct tape_pack_column message_tags, ts_deltas; /* one a message */
    struct packed bodies;
    uint32_t body_count, messages, levels;
    ns_t first_ts, last_ts;
};

/* Zero it at first. */
struct tape_packer {
    struct packed out; /* the bytes of the last block */
    uint8_t *stream;   /* scratch for one encoded stream */
    size_t stream_capacity;
    struct tape_pack_column scratch;
};

/* False: no memory. Inline: it is called for every number of every message. */
static inline bool tape_pack_push(struct tape_pack_column *column, uint64_t number)
{
    if (UNLIKELY(column->count == column->capacity)) {
        size_t capacity = column->capacity == 0 ? 1024 : column->capacity * 2;
        uint64_t *grown = realloc(column->numbers, capacity * sizeof(*grown));
        if (grown == NULL)
            return false;
        column->numbers = grown;
        column->capacity = capacity;
    }
    column->numbers[column->count++] = number;
    return true;
}

/* Into packer->out, where the bytes stay until the next block. False: no memory. */
bool tape_pack_block(struct tape_packer *packer, struct tape_collected *block) MUST_USE;
void tape_pack_free(struct tape_packer *packer);

#endif
