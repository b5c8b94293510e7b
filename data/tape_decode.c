/* How: a block's columns are decoded whole into one scratch array, its levels straight into the level array; then
 * one pass over the messages fills the event headers, each taking the next numbers of its group. Everything is
 * checked: the sums of the parts must be what the block says, so that a block either decodes to exactly what
 * was written or not at all. */
#include "data/tape_codec.h"

#include "data/packed.h"
#include "data/tape_body.h"
#include "data/tape_columns.h"
#include "data/tape_stream.h"

#include <stdlib.h>
#include <string.h>

struct group {
    /* running state of the message pass */
    ns_t exch;
    uint64_t seq, first;
    const uint64_t *next[COLUMN_COUNT];
    const uint64_t *end[COLUMN_COUNT];
    const struct level *level, *level_end;
    uint64_t stride;
    uint32_t messages;
    uint16_t instrument;
    uint8_t class_;
};

struct tag {
    struct group *group; /* NULL: a body */
    uint16_t instrument;
    uint8_t kind, flags, attributes;
};

struct tape_decoder {
    uint16_t instrument_count;
    struct packed_reader *reader;
    struct group *groups;
    uint32_t group_capacity;
    struct tag *tags;
    uint32_t tag_capacity;
    uint64_t *scratch; /* ts deltas, columns, and what the level decoder needs */
    size_t scratch_capacity;
};

err_t tape_decoder_open(struct tape_decoder **decoder, uint16_t instrument_count)
{
    struct tape_decoder *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return ERR_NOMEM;
    opened->instrument_count = instrument_count;
    err_t err = packed_reader_open(&opened->reader);
    if (err != ERR_OK) {
        free(opened);
        return err;
    }
    *decoder = opened;
    return ERR_OK;
}

void tape_decoder_close(struct tape_decoder *decoder)
{
    if (decoder == NULL)
        return;
    packed_reader_close(decoder->reader);
    free(decoder->groups);
    free(decoder->tags);
    free(decoder->scratch);
    free(decoder);
}

void tape_decoded_free(struct tape_decoded *decoded)
{
    free(decoded->events);
    free(decoded->levels);
    free(decoded->bodies);
    free(decoded->texts);
    memset(decoded, 0, sizeof(*decoded));
}

/* Room for at least `count` items of `size` bytes; what was there is not kept. */
static err_t reserve(void **memory, size_t capacity, size_t count, size_t size, size_t *new_capacity)
{
    if (capacity >= count)
        return ERR_OK;
    size_t wanted = count + count / 4;
    void *fresh = aligned_alloc(64, (wanted * size + 63) & ~(size_t)63);
    if (fresh == NULL)
        return ERR_NOMEM;
    free(*memory);
    *memory = fresh;
    *new_capacity = wanted;
    return ERR_OK;
}

static err_t reserve_u32(void **memory, uint32_t *capacity, size_t count, size_t size)
{
    size_t grown = *capacity;
    err_t err = reserve(memory, *capacity, count, size, &grown);
    *capacity = (uint32_t)grown;
    return err;
}

static err_t read_tags(struct tape_decoder *decoder, const struct packed_value *root, uint32_t group_count,
                       const uint16_t *map, uint32_t *tag_count)
{
    const struct packed_value *list = packed_key(root, "tags");
    if (packed_count(list, tag_count) != ERR_OK || *tag_count > UINT16_MAX + 1u)
        return ERR_CORRUPT;
    void *tags = decoder->tags;
    err_t err = reserve_u32(&tags, &decoder->tag_capacity, *tag_count, sizeof(struct tag));
    decoder->tags = tags;
    if (err != ERR_OK)
        return err;
    for (uint32_t t = 0; t < *tag_count; t++) {
        const struct packed_value *item = packed_at(list, t);
        uint64_t kind, flags, attributes, instrument, group;
        if (packed_get_u64(packed_at(item, 0), EVENT_KIND_COUNT - 1, &kind) != ERR_OK ||
            packed_get_u64(packed_at(item, 1), UINT8_MAX, &flags) != ERR_OK ||
            packed_get_u64(packed_at(item, 2), 31, &attributes) != ERR_OK ||
            packed_get_u64(packed_at(item, 3), INSTRUMENT_NONE, &instrument) != ERR_OK ||
            packed_get_u64(packed_at(item, 4), GROUP_NONE, &group) != ERR_OK || kind == EVENT_NONE)
            return ERR_CORRUPT;
        if (instrument != INSTRUMENT_NONE && instrument >= decoder->instrument_count)
            return ERR_CORRUPT;
        struct tag *tag = &decoder->tags[t];
        *tag = (struct tag){NULL, (uint16_t)instrument, (uint8_t)kind, (uint8_t)flags, (uint8_t)attributes};
        if (event_has_levels((uint8_t)kind)) {
            if (group >= group_count)
                return ERR_CORRUPT;
            tag->group = &decoder->groups[group];
            if (tag->group->class_ != tape_class_of((uint8_t)kind) || tag->group->instrument != instrument)
                return ERR_CORRUPT;
        } else if (group != GROUP_NONE) {
            return ERR_CORRUPT;
        }
        if (map != NULL && instrument != INSTRUMENT_NONE)
            tag->instrument = map[instrument];
    }
    return ERR_OK;
}

/* How many numbers a column has cannot be known before the tags are counted; they are counted once, here. */
static err_t count_columns(const struct tape_decoder *decoder, const uint8_t *message_tags, size_t width,
                           uint32_t messages, uint32_t tag_count, uint32_t (*counts)[COLUMN_COUNT],
                           uint32_t *group_messages)
{
    uint32_t *uses = calloc(tag_count == 0 ? 1 : tag_count, sizeof(*uses));
    if (uses == NULL)
        return ERR_NOMEM;
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < messages; i++) {
        uint32_t t = width == 1 ? message_tags[i] : message_tags[2 * i] | (uint32_t)message_tags[2 * i + 1] << 8;
        if (t >= tag_count) {
            err = ERR_CORRUPT;
            break;
        }
        uses[t]++;
    }
    for (uint32_t t = 0; t < tag_count && err == ERR_OK; t++) {
        const struct tag *tag = &decoder->tags[t];
        if (tag->group == NULL)
            continue;
        size_t g = (size_t)(tag->group - decoder->groups);
        group_messages[g] += uses[t];
        counts[g][COLUMN_EXCH] += tag->attributes & ATTR_NO_EXCH ? 0 : uses[t];
        counts[g][COLUMN_SEQ] += tag->attributes & ATTR_NO_SEQ ? 0 : uses[t];
        counts[g][COLUMN_FIRST] += tag->attributes & ATTR_NO_FIRST ? 0 : uses[t];
        counts[g][COLUMN_PREV] += tag->attributes & (ATTR_NO_PREV | ATTR_PREV_CHAIN) ? 0 : uses[t];
        if (tag->group->class_ == CLASS_BOOK) {
            counts[g][COLUMN_BIDS] += uses[t];
            counts[g][COLUMN_ASKS] += uses[t];
        }
    }
    free(uses);
    return err;
}

struct group_head {
    uint64_t class_, instrument, messages, levels;
    int64_t exch_base, price_base, step, lot;
    uint64_t seq_base, first_base;
    uint64_t plain; /* prices are plain differences, not zigzag */
};

static err_t read_head(const struct packed_value *item, struct group_head *head)
{
    uint32_t parts;
    if (packed_count(item, &parts) != ERR_OK || parts != GROUP_WORDS + COLUMN_COUNT + 2 ||
        packed_get_u64(packed_at(item, 0), CLASS_COUNT - 1, &head->class_) != ERR_OK ||
        packed_get_u64(packed_at(item, 1), INSTRUMENTS_MAX - 1, &head->instrument) != ERR_OK ||
        packed_get_u64(packed_at(item, 2), TAPE_BLOCK_MESSAGES_LIMIT, &head->messages) != ERR_OK ||
        packed_get_u64(packed_at(item, 3), TAPE_BLOCK_LEVELS_LIMIT, &head->levels) != ERR_OK ||
        packed_get_i64(packed_at(item, 4), &head->exch_base) != ERR_OK ||
        packed_get_u64(packed_at(item, 5), UINT64_MAX, &head->seq_base) != ERR_OK ||
        packed_get_u64(packed_at(item, 6), UINT64_MAX, &head->first_base) != ERR_OK ||
        packed_get_i64(packed_at(item, 7), &head->price_base) != ERR_OK ||
        packed_get_i64(packed_at(item, 8), &head->step) != ERR_OK ||
        packed_get_i64(packed_at(item, 9), &head->lot) != ERR_OK ||
        packed_get_u64(packed_at(item, 10), 1, &head->plain) != ERR_OK || head->step <= 0 || head->lot <= 0)
        return ERR_CORRUPT;
    return ERR_OK;
}

static err_t read_group_heads(struct tape_decoder *decoder, const struct packed_value *list, uint32_t group_count,
                              uint32_t levels)
{
    uint64_t total = 0;
    for (uint32_t g = 0; g < group_count; g++) {
        struct group_head head;
        if (read_head(packed_at(list, g), &head) != ERR_OK || head.instrument >= decoder->instrument_count)
            return ERR_CORRUPT;
        struct group *group = &decoder->groups[g];
        memset(group, 0, sizeof(*group));
        group->class_ = (uint8_t)head.class_;
        group->instrument = (uint16_t)head.instrument;
        group->messages = (uint32_t)head.messages;
        group->stride = tape_seq_stride((enum tape_class)head.class_);
        group->exch = head.exch_base;
        group->seq = head.seq_base;
        group->first = head.first_base;
        total += head.levels;
    }
    return total == levels ? ERR_OK : ERR_CORRUPT;
}

/* Columns and levels of all groups. `numbers` is where the columns go, `rest` what the level decoder may use. */
static err_t read_columns(struct tape_decoder *decoder, const struct packed_value *list, uint32_t group_count,
                          uint32_t (*counts)[COLUMN_COUNT], struct level *levels, uint64_t *numbers, uint64_t *rest)
{
    for (uint32_t g = 0; g < group_count; g++) {
        struct group *group = &decoder->groups[g];
        const struct packed_value *item = packed_at(list, g);
        struct group_head head;
        if (read_head(item, &head) != ERR_OK)
            return ERR_CORRUPT;
        for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
            const uint8_t *bytes;
            size_t size;
            if (packed_get_bin(packed_at(item, GROUP_WORDS + c), &bytes, &size) != ERR_OK ||
                tape_stream_decode(bytes, size, numbers, counts[g][c]) != ERR_OK)
                return ERR_CORRUPT;
            group->next[c] = numbers;
            numbers += counts[g][c];
            group->end[c] = numbers;
        }
        const uint8_t *prices, *qtys;
        size_t prices_size, qtys_size;
        if (packed_get_bin(packed_at(item, GROUP_WORDS + COLUMN_COUNT), &prices, &prices_size) != ERR_OK ||
            packed_get_bin(packed_at(item, GROUP_WORDS + 1 + COLUMN_COUNT), &qtys, &qtys_size) != ERR_OK ||
            tape_stream_decode_levels(prices, prices_size, qtys, qtys_size, group->class_ == CLASS_BBO,
                                      head.plain != 0, head.price_base, head.step, head.lot, levels, head.levels,
                                      rest) != ERR_OK)
            return ERR_CORRUPT;
        group->level = levels;
        levels += head.levels;
        group->level_end = levels;
    }
    return ERR_OK;
}

/* The message pass. False: the parts do not add up. */
/* The texts of an input leave the raw bytes, with room behind each. */
static void keep_texts(struct event_wire *wire, uint8_t **at)
{
    const char **const texts[] = {&wire->head, &wire->text};
    const uint32_t sizes[] = {wire->head_size, wire->text_size};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (sizes[i] == 0) {
            *texts[i] = NULL;
            continue;
        }
        memcpy(*at, *texts[i], sizes[i]);
        memset(*at + sizes[i], 0, EVENT_WIRE_PADDING);
        *texts[i] = (const char *)*at;
        *at += sizes[i] + EVENT_WIRE_PADDING;
    }
}

static bool fill_events(const struct tape_decoder *decoder, const uint8_t *message_tags, size_t width,
                        const uint64_t *ts_deltas, uint32_t messages, ns_t ts, uint64_t unit, uint16_t lane,
                        const struct packed_value *bodies, uint32_t body_count, struct tape_decoded *decoded)
{
    uint32_t body = 0;
    uint8_t *texts = decoded->texts;
    uint64_t time = (uint64_t)ts;
    for (uint32_t i = 0; i < messages; i++) {
        const uint32_t t =
            width == 1 ? message_tags[i] : message_tags[2 * i] | (uint32_t)message_tags[2 * i + 1] << 8;
        const struct tag *tag = &decoder->tags[t];
        struct event *event = &decoded->events[i];
        const uint64_t before = time;
        time += ts_deltas[i];
        if (UNLIKELY((int64_t)time < (int64_t)before))
            return false;
        event->ts = (ns_t)time;
        event->instrument = tag->instrument;
        event->kind = tag->kind;
        event->flags = tag->flags;
        event->lane = lane;
        event->reserved = 0;
        struct group *group = tag->group;
        if (UNLIKELY(group == NULL)) {
            event->bid_count = event->ask_count = 0;
            if (body == body_count)
                return false;
            void *memory = (uint8_t *)decoded->bodies + (size_t)body * TAPE_BODY_SIZE;
            memset(memory, 0, TAPE_BODY_SIZE);
            if (tape_body_unpack(packed_at(bodies, body++), event, memory) != ERR_OK)
                return false;
            if (UNLIKELY(event->kind == EVENT_WIRE) && event->body != NULL)
                keep_texts(memory, &texts);
            continue;
        }
        event->exch_ts = 0;
        if (!(tag->attributes & ATTR_NO_EXCH)) {
            group->exch = (ns_t)((uint64_t)group->exch + (uint64_t)unzigzag(*group->next[COLUMN_EXCH]++) * unit);
            event->exch_ts = group->exch;
        }
        const uint64_t seq_before = group->seq;
        event->seq = 0;
        if (!(tag->attributes & ATTR_NO_SEQ)) {
            group->seq += group->stride + (uint64_t)unzigzag(*group->next[COLUMN_SEQ]++);
            event->seq = group->seq;
        }
        event->seq_first = 0;
        if (!(tag->attributes & ATTR_NO_FIRST)) {
            uint64_t reference = group->class_ == CLASS_BOOK ? seq_before : group->first;
            group->first = reference + (uint64_t)unzigzag(*group->next[COLUMN_FIRST]++);
            event->seq_first = group->first;
        }
        event->seq_prev = 0;
        if (tag->attributes & ATTR_PREV_CHAIN)
            event->seq_prev = seq_before;
        else if (!(tag->attributes & ATTR_NO_PREV))
            event->seq_prev = seq_before + (uint64_t)unzigzag(*group->next[COLUMN_PREV]++);
        uint64_t bids = 1, asks = group->class_ == CLASS_BBO;
        if (group->class_ == CLASS_BOOK) {
            bids = *group->next[COLUMN_BIDS]++;
            asks = *group->next[COLUMN_ASKS]++;
        }
        const uint64_t left = (uint64_t)(group->level_end - group->level);
        if (UNLIKELY(bids > left || asks > left - bids))
            return false;
        event->levels = group->level;
        event->bid_count = (uint32_t)bids;
        event->ask_count = (uint32_t)asks;
        group->level += bids + asks;
    }
    return body == body_count;
}

static bool has_texts(const struct tape_decoder *decoder, uint32_t tag_count)
{
    for (uint32_t t = 0; t < tag_count; t++)
        if (decoder->tags[t].kind == EVENT_WIRE)
            return true;
    return false;
}

static err_t decode_block(struct tape_decoder *decoder, const struct packed_value *root, size_t size,
                          uint32_t messages, uint32_t levels, const uint16_t *map, uint16_t lane,
                          struct tape_decoded *decoded)
{
    uint64_t said_messages, said_levels, unit, ts_unit;
    int64_t ts;
    const struct packed_value *groups = packed_key(root, "groups"), *bodies = packed_key(root, "bodies");
    uint32_t group_count, body_count, tag_count;
    const uint8_t *message_tags, *deltas, *rests;
    size_t message_tags_size, deltas_size, rests_size;
    if (packed_get_u64(packed_key(root, "messages"), TAPE_BLOCK_MESSAGES_LIMIT, &said_messages) != ERR_OK ||
        packed_get_u64(packed_key(root, "levels"), TAPE_BLOCK_LEVELS_LIMIT, &said_levels) != ERR_OK ||
        packed_get_u64(packed_key(root, "exch_unit"), NS_PER_S, &unit) != ERR_OK ||
        packed_get_i64(packed_key(root, "ts"), &ts) != ERR_OK || packed_count(groups, &group_count) != ERR_OK ||
        packed_count(bodies, &body_count) != ERR_OK ||
        packed_get_bin(packed_key(root, "tag"), &message_tags, &message_tags_size) != ERR_OK ||
        packed_get_u64(packed_key(root, "ts_unit"), NS_PER_S, &ts_unit) != ERR_OK ||
        packed_get_bin(packed_key(root, "ts_delta"), &deltas, &deltas_size) != ERR_OK ||
        packed_get_bin(packed_key(root, "ts_rest"), &rests, &rests_size) != ERR_OK)
        return ERR_CORRUPT;
    if (said_messages != messages || said_levels != levels || body_count > messages ||
        group_count > INSTRUMENTS_MAX * CLASS_COUNT)
        return ERR_CORRUPT;

    void *memory = decoder->groups;
    err_t err = reserve_u32(&memory, &decoder->group_capacity, group_count, sizeof(struct group));
    decoder->groups = memory;
    if (err == ERR_OK)
        err = read_group_heads(decoder, groups, group_count, levels);
    if (err == ERR_OK)
        err = read_tags(decoder, root, group_count, map, &tag_count);
    if (err != ERR_OK)
        return err;
    const size_t width = tag_count > 256 ? 2 : 1;
    if (message_tags_size != messages * width)
        return ERR_CORRUPT;

    memory = decoded->events;
    err = reserve_u32(&memory, &decoded->event_capacity, messages, sizeof(struct event));
    decoded->events = memory;
    if (err != ERR_OK)
        return err;
    memory = decoded->levels;
    err = reserve_u32(&memory, &decoded->level_capacity, (size_t)levels + TAPE_STREAM_SPARE, sizeof(struct level));
    decoded->levels = memory;
    if (err != ERR_OK)
        return err;
    err = reserve_u32(&decoded->bodies, &decoded->body_capacity, body_count, TAPE_BODY_SIZE);
    if (err != ERR_OK)
        return err;
    if (has_texts(decoder, tag_count)) { /* together they are less than the block, and each is padded */
        memory = decoded->texts;
        err = reserve(&memory, decoded->text_capacity, size + (size_t)body_count * 2 * EVENT_WIRE_PADDING, 1,
                      &decoded->text_capacity);
        decoded->texts = memory;
        if (err != ERR_OK)
            return err;
    }
    /* two streams of stamps, six columns at most of every message, and two arrays for the general level decoder */
    size_t scratch_wanted = (size_t)messages * (2 + COLUMN_COUNT) + 2 * ((size_t)levels + TAPE_STREAM_SPARE) + 64;
    memory = decoder->scratch;
    err = reserve(&memory, decoder->scratch_capacity, scratch_wanted, sizeof(uint64_t), &decoder->scratch_capacity);
    decoder->scratch = memory;
    if (err != ERR_OK)
        return err;

    size_t counts_size = (size_t)(group_count + 1) * (sizeof(uint32_t[COLUMN_COUNT]) + sizeof(uint32_t));
    uint32_t *counts_memory = calloc(1, counts_size);
    if (counts_memory == NULL)
        return ERR_NOMEM;
    uint32_t(*counts)[COLUMN_COUNT] = (uint32_t(*)[COLUMN_COUNT])(void *)counts_memory;
    uint32_t *group_messages = counts_memory + (size_t)(group_count + 1) * COLUMN_COUNT;
    err = count_columns(decoder, message_tags, width, messages, tag_count, counts, group_messages);
    for (uint32_t g = 0; g < group_count && err == ERR_OK; g++)
        if (group_messages[g] != decoder->groups[g].messages)
            err = ERR_CORRUPT;
    if (err == ERR_OK)
        err = tape_stream_decode(deltas, deltas_size, decoder->scratch, messages);
    if (err == ERR_OK)
        err = tape_stream_decode(rests, rests_size, decoder->scratch + messages, messages);
    for (uint32_t i = 0; i < messages && err == ERR_OK; i++)
        decoder->scratch[i] = decoder->scratch[i] * ts_unit + (uint64_t)unzigzag(decoder->scratch[messages + i]);
    if (err == ERR_OK)
        err = read_columns(decoder, groups, group_count, counts, decoded->levels,
                           decoder->scratch + 2 * (size_t)messages,
                           decoder->scratch + (size_t)messages * (2 + COLUMN_COUNT));
    free(counts_memory);
    if (err != ERR_OK)
        return err;
    if (!fill_events(decoder, message_tags, width, decoder->scratch, messages, ts, unit, lane, bodies, body_count,
                     decoded))
        return ERR_CORRUPT;
    for (uint32_t g = 0; g < group_count; g++)
        if (decoder->groups[g].level != decoder->groups[g].level_end)
            return ERR_CORRUPT;
    return ERR_OK;
}

err_t tape_decode(struct tape_decoder *decoder, const uint8_t *bytes, size_t size, uint32_t messages, uint32_t levels,
                  const uint16_t *map, uint16_t lane, struct tape_decoded *decoded)
{
    decoded->event_count = decoded->level_count = 0;
    if (messages > TAPE_BLOCK_MESSAGES_LIMIT || levels > TAPE_BLOCK_LEVELS_LIMIT)
        return ERR_CORRUPT;
    const struct packed_value *root;
    err_t err = packed_parse(decoder->reader, bytes, size, &root);
    if (err == ERR_OK)
        err = decode_block(decoder, root, size, messages, levels, map, lane, decoded);
    if (err != ERR_OK)
        return err;
    decoded->event_count = messages;
    decoded->level_count = levels;
    return ERR_OK;
}
