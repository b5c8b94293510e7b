/* How: every message is copied into the columns of its group as it arrives; tape_pack.c turns columns into streams.
 * Columns keep their memory from block to block. */
#include "data/tape_codec.h"

#include "data/tape_body.h"
#include "data/tape_pack.h"
#include "data/tape_stream.h"

#include <stdlib.h>
#include <string.h>

struct tape_encoder {
    uint16_t instrument_count;
    uint16_t *group_of; /* (instrument, class) -> group of this block, or GROUP_NONE */
    size_t group_capacity, tag_capacity;
    struct tape_collected block;
    struct tape_packer packer;
};

err_t tape_encoder_open(struct tape_encoder **encoder, const struct instrument *instruments,
                        uint16_t instrument_count)
{
    struct tape_encoder *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return ERR_NOMEM;
    size_t count = instrument_count == 0 ? 1 : instrument_count;
    opened->instrument_count = instrument_count;
    struct tape_collected *block = &opened->block;
    block->ticks = calloc(count, sizeof(int64_t));
    block->lots = calloc(count, sizeof(int64_t));
    opened->group_of = malloc(count * CLASS_COUNT * sizeof(uint16_t));
    if (block->ticks == NULL || block->lots == NULL || opened->group_of == NULL) {
        tape_encoder_close(opened);
        return ERR_NOMEM;
    }
    memset(opened->group_of, 0xff, count * CLASS_COUNT * sizeof(uint16_t));
    for (uint16_t i = 0; i < instrument_count; i++) {
        const struct instrument *instrument = &instruments[i];
        /* the smallest tick of any table and band divides what the venue can send */
        int64_t tick = INT64_MAX;
        for (uint32_t t = 0; t < instrument->tick_table_count; t++)
            for (uint32_t b = 0; b < instrument->tick_tables[t].band_count; b++)
                if (instrument->tick_tables[t].bands[b].tick < tick)
                    tick = instrument->tick_tables[t].bands[b].tick;
        block->ticks[i] = tick == INT64_MAX ? 1 : tick;
        block->lots[i] = instrument->lot > 0 ? instrument->lot : 1;
    }
    *encoder = opened;
    return ERR_OK;
}

static void group_free(struct tape_group *group)
{
    for (int c = 0; c < COLUMN_COUNT; c++)
        free(group->columns[c].numbers);
    free(group->prices.numbers);
    free(group->qtys.numbers);
}

void tape_encoder_close(struct tape_encoder *encoder)
{
    if (encoder == NULL)
        return;
    struct tape_collected *block = &encoder->block;
    for (size_t g = 0; g < encoder->group_capacity; g++)
        group_free(&block->groups[g]);
    free(block->groups);
    free(block->tags);
    free(block->ticks);
    free(block->lots);
    free(encoder->group_of);
    free(block->message_tags.numbers);
    free(block->ts_deltas.numbers);
    packed_free(&block->bodies);
    tape_pack_free(&encoder->packer);
    free(encoder);
}

uint32_t tape_encoder_messages(const struct tape_encoder *encoder)
{
    return encoder->block.messages;
}
uint32_t tape_encoder_levels(const struct tape_encoder *encoder)
{
    return encoder->block.levels;
}
size_t tape_encoder_bytes(const struct tape_encoder *encoder)
{
    return encoder->block.bodies.size;
}
ns_t tape_encoder_first_ts(const struct tape_encoder *encoder)
{
    return encoder->block.first_ts;
}
ns_t tape_encoder_last_ts(const struct tape_encoder *encoder)
{
    return encoder->block.last_ts;
}

static err_t find_group(struct tape_encoder *encoder, uint16_t instrument, enum tape_class class_, uint16_t *found)
{
    uint16_t *slot = &encoder->group_of[(size_t)instrument * CLASS_COUNT + class_];
    if (LIKELY(*slot != GROUP_NONE)) {
        *found = *slot;
        return ERR_OK;
    }
    struct tape_collected *block = &encoder->block;
    if (block->group_count == encoder->group_capacity) {
        size_t capacity = encoder->group_capacity == 0 ? 8 : encoder->group_capacity * 2;
        struct tape_group *grown = realloc(block->groups, capacity * sizeof(*grown));
        if (grown == NULL)
            return ERR_NOMEM;
        memset(grown + encoder->group_capacity, 0, (capacity - encoder->group_capacity) * sizeof(*grown));
        block->groups = grown;
        encoder->group_capacity = capacity;
    }
    struct tape_group *group = &block->groups[block->group_count];
    group->class_ = class_;
    group->instrument = instrument;
    group->messages = 0;
    group->exch = group->exch_base = 0;
    group->seq = group->seq_base = 0;
    group->first = group->first_base = 0;
    for (int c = 0; c < COLUMN_COUNT; c++)
        group->columns[c].count = 0;
    group->prices.count = group->qtys.count = 0;
    *found = *slot = (uint16_t)block->group_count++;
    return ERR_OK;
}

static err_t find_tag(struct tape_encoder *encoder, struct tape_tag tag, uint64_t *found)
{
    struct tape_collected *block = &encoder->block;
    for (size_t t = 0; t < block->tag_count; t++) {
        const struct tape_tag *have = &block->tags[t];
        if (have->kind == tag.kind && have->flags == tag.flags && have->attributes == tag.attributes &&
            have->instrument == tag.instrument) {
            *found = t;
            return ERR_OK;
        }
    }
    if (block->tag_count == UINT16_MAX)
        return ERR_FULL;
    if (block->tag_count == encoder->tag_capacity) {
        size_t capacity = encoder->tag_capacity == 0 ? 16 : encoder->tag_capacity * 2;
        struct tape_tag *grown = realloc(block->tags, capacity * sizeof(*grown));
        if (grown == NULL)
            return ERR_NOMEM;
        block->tags = grown;
        encoder->tag_capacity = capacity;
    }
    block->tags[block->tag_count] = tag;
    *found = block->tag_count++;
    return ERR_OK;
}

static bool shape_is_right(const struct tape_encoder *encoder, const struct event *event)
{
    if (event->kind == EVENT_NONE || event->kind >= EVENT_KIND_COUNT)
        return false;
    if (event->instrument != INSTRUMENT_NONE && event->instrument >= encoder->instrument_count)
        return false;
    if (event->kind == EVENT_WIRE && event->body != NULL) {
        const struct event_wire *wire = event->body;
        return (uint64_t)wire->head_size + wire->text_size <= TAPE_BODY_BYTES_LIMIT;
    }
    if (!event_has_levels(event->kind))
        return true;
    if (event->instrument == INSTRUMENT_NONE)
        return false;
    if (event->kind == EVENT_BBO)
        return event->bid_count == 1 && event->ask_count == 1;
    if (event->kind == EVENT_BOOK_SNAPSHOT || event->kind == EVENT_BOOK_DELTA)
        return true;
    return event->bid_count == 1 && event->ask_count == 0;
}

/* What the message does not carry, and so need not be stored. */
static uint8_t attributes_of(const struct tape_group *group, const struct event *event)
{
    uint8_t attributes = 0;
    attributes |= event->exch_ts == 0 ? ATTR_NO_EXCH : 0;
    attributes |= event->seq == 0 ? ATTR_NO_SEQ : 0;
    attributes |= event->seq_first == 0 ? ATTR_NO_FIRST : 0;
    if (event->seq_prev == 0)
        attributes |= ATTR_NO_PREV;
    else if (group->messages != 0 && event->seq_prev == group->seq)
        attributes |= ATTR_PREV_CHAIN;
    return attributes;
}

static bool push_levels(struct tape_group *group, const struct event *event, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!tape_pack_push(&group->prices, (uint64_t)event->levels[i].price) ||
            !tape_pack_push(&group->qtys, (uint64_t)event->levels[i].qty))
            return false;
    return true;
}

/* The group's columns of one message with levels; attributes say which of them it has. */
static bool push_message(struct tape_group *group, const struct event *event, uint8_t attributes)
{
    bool ok = true;
    const uint64_t stride = tape_seq_stride(group->class_);
    if (group->messages == 0) {
        group->exch = group->exch_base = event->exch_ts;
        group->seq = group->seq_base = attributes & ATTR_NO_SEQ ? 0 : event->seq - stride;
        group->first = group->first_base = event->seq_first;
    }
    if (!(attributes & ATTR_NO_EXCH)) {
        ok &= tape_pack_push(&group->columns[COLUMN_EXCH], (uint64_t)event->exch_ts - (uint64_t)group->exch);
        group->exch = event->exch_ts;
    }
    if (!(attributes & ATTR_NO_SEQ))
        ok &= tape_pack_push(&group->columns[COLUMN_SEQ], zigzag((int64_t)(event->seq - group->seq - stride)));
    if (!(attributes & ATTR_NO_FIRST)) {
        /* a diff's first id lies near the last one before it; level-3 order ids near each other */
        uint64_t reference = group->class_ == CLASS_BOOK ? group->seq : group->first;
        ok &= tape_pack_push(&group->columns[COLUMN_FIRST], zigzag((int64_t)(event->seq_first - reference)));
        group->first = event->seq_first;
    }
    if (!(attributes & (ATTR_NO_PREV | ATTR_PREV_CHAIN)))
        ok &= tape_pack_push(&group->columns[COLUMN_PREV], zigzag((int64_t)(event->seq_prev - group->seq)));
    if (!(attributes & ATTR_NO_SEQ))
        group->seq = event->seq;
    if (group->class_ == CLASS_BOOK) {
        ok &= tape_pack_push(&group->columns[COLUMN_BIDS], event->bid_count);
        ok &= tape_pack_push(&group->columns[COLUMN_ASKS], event->ask_count);
    }
    group->messages++;
    return ok;
}

err_t tape_encoder_add(struct tape_encoder *encoder, const struct event *event)
{
    struct tape_collected *block = &encoder->block;
    if (!shape_is_right(encoder, event))
        return ERR_RANGE;
    const bool has_levels = event_has_levels(event->kind);
    const uint64_t count = has_levels ? (uint64_t)event->bid_count + event->ask_count : 0;
    if (count > TAPE_BLOCK_LEVELS_LIMIT)
        return ERR_RANGE;
    if (block->messages == TAPE_BLOCK_MESSAGES_LIMIT || block->levels + count > TAPE_BLOCK_LEVELS_LIMIT)
        return ERR_FULL;
    int64_t negative = 0;
    for (uint64_t i = 0; i < count; i++)
        negative |= event->levels[i].qty;
    if (negative < 0)
        return ERR_RANGE;
    if (block->messages != 0 && event->ts < block->last_ts)
        return ERR_ORDER;

    struct tape_tag tag = {event->kind, event->flags, 0, event->instrument, GROUP_NONE};
    struct tape_group *group = NULL;
    if (has_levels) {
        err_t err = find_group(encoder, event->instrument, tape_class_of(event->kind), &tag.group);
        if (err != ERR_OK)
            return err;
        group = &block->groups[tag.group];
        tag.attributes = attributes_of(group, event);
    }
    uint64_t number;
    err_t err = find_tag(encoder, tag, &number);
    if (err != ERR_OK)
        return err;

    bool ok = true;
    if (has_levels) {
        ok = push_levels(group, event, (uint32_t)count) && push_message(group, event, tag.attributes);
    } else {
        tape_body_pack(&block->bodies, event);
        block->body_count++;
        ok = !block->bodies.failed;
    }
    ns_t before = block->messages == 0 ? event->ts : block->last_ts;
    ok = ok && tape_pack_push(&block->message_tags, number) &&
         tape_pack_push(&block->ts_deltas, (uint64_t)event->ts - (uint64_t)before);
    if (!ok)
        return ERR_NOMEM; /* the block is half written: the caller must give up */
    if (block->messages == 0)
        block->first_ts = event->ts;
    block->last_ts = event->ts;
    block->messages++;
    block->levels += (uint32_t)count;
    return ERR_OK;
}

err_t tape_encoder_finish(struct tape_encoder *encoder, const uint8_t **bytes, size_t *size)
{
    struct tape_collected *block = &encoder->block;
    const bool ok = tape_pack_block(&encoder->packer, block);
    for (size_t g = 0; g < block->group_count; g++) {
        const struct tape_group *group = &block->groups[g];
        encoder->group_of[(size_t)group->instrument * CLASS_COUNT + group->class_] = GROUP_NONE;
    }
    block->group_count = block->tag_count = 0;
    block->message_tags.count = block->ts_deltas.count = 0;
    block->messages = block->levels = block->body_count = 0;
    packed_clear(&block->bodies);
    if (!ok)
        return ERR_NOMEM;
    *bytes = encoder->packer.out.bytes;
    *size = encoder->packer.out.size;
    return ERR_OK;
}
