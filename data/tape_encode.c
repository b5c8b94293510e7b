/* How: every message is copied into the columns of its group as it arrives; finishing turns columns into
 * streams. Columns keep their memory from block to block. Deltas are taken at the end, when the whole column is
 * known, so that adding stays cheap and the step of the prices can be chosen by what is really there. */
#include "data/tape_codec.h"

#include "data/packed.h"
#include "data/tape_body.h"
#include "data/tape_columns.h"
#include "data/tape_stream.h"

#include <stdlib.h>
#include <string.h>

struct column {
    uint64_t *numbers;
    size_t count, capacity;
};

struct group {
    enum tape_class class_;
    uint16_t instrument;
    uint32_t messages;
    /* the first message's own values are the bases, so that first deltas are zero */
    ns_t exch_base;
    uint64_t seq_base, first_base;
    /* running values */
    ns_t exch;
    uint64_t seq, first;
    struct column columns[COLUMN_COUNT];
    struct column prices, qtys; /* as given */
};

struct tag {
    uint8_t kind, flags, attributes;
    uint16_t instrument, group;
};

struct tape_encoder {
    uint16_t instrument_count;
    int64_t *ticks, *lots; /* candidates for the step of a group, one an instrument */
    uint16_t *group_of;    /* (instrument, class) -> group of this block, or GROUP_NONE */
    struct group *groups;
    size_t group_count, group_capacity;
    struct tag *tags;
    size_t tag_count, tag_capacity;
    struct column message_tags, ts_deltas;
    struct packed bodies;
    uint32_t body_count, messages, levels;
    ns_t first_ts, last_ts;
    struct packed out;
    uint8_t *stream; /* scratch for one encoded stream */
    size_t stream_capacity;
    struct column scratch;
};

static bool column_push(struct column *column, uint64_t number)
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

err_t tape_encoder_open(struct tape_encoder **encoder, const struct instrument *instruments,
                        uint16_t instrument_count)
{
    struct tape_encoder *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return ERR_NOMEM;
    size_t count = instrument_count == 0 ? 1 : instrument_count;
    opened->instrument_count = instrument_count;
    opened->ticks = calloc(count, sizeof(int64_t));
    opened->lots = calloc(count, sizeof(int64_t));
    opened->group_of = malloc(count * CLASS_COUNT * sizeof(uint16_t));
    if (opened->ticks == NULL || opened->lots == NULL || opened->group_of == NULL) {
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
        opened->ticks[i] = tick == INT64_MAX ? 1 : tick;
        opened->lots[i] = instrument->lot > 0 ? instrument->lot : 1;
    }
    *encoder = opened;
    return ERR_OK;
}

static void group_free(struct group *group)
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
    for (size_t g = 0; g < encoder->group_capacity; g++)
        group_free(&encoder->groups[g]);
    free(encoder->groups);
    free(encoder->tags);
    free(encoder->ticks);
    free(encoder->lots);
    free(encoder->group_of);
    free(encoder->message_tags.numbers);
    free(encoder->ts_deltas.numbers);
    free(encoder->scratch.numbers);
    free(encoder->stream);
    packed_free(&encoder->bodies);
    packed_free(&encoder->out);
    free(encoder);
}

uint32_t tape_encoder_messages(const struct tape_encoder *encoder)
{
    return encoder->messages;
}
uint32_t tape_encoder_levels(const struct tape_encoder *encoder)
{
    return encoder->levels;
}
ns_t tape_encoder_first_ts(const struct tape_encoder *encoder)
{
    return encoder->first_ts;
}
ns_t tape_encoder_last_ts(const struct tape_encoder *encoder)
{
    return encoder->last_ts;
}

static err_t find_group(struct tape_encoder *encoder, uint16_t instrument, enum tape_class class_, uint16_t *found)
{
    uint16_t *slot = &encoder->group_of[(size_t)instrument * CLASS_COUNT + class_];
    if (LIKELY(*slot != GROUP_NONE)) {
        *found = *slot;
        return ERR_OK;
    }
    if (encoder->group_count == encoder->group_capacity) {
        size_t capacity = encoder->group_capacity == 0 ? 8 : encoder->group_capacity * 2;
        struct group *grown = realloc(encoder->groups, capacity * sizeof(*grown));
        if (grown == NULL)
            return ERR_NOMEM;
        memset(grown + encoder->group_capacity, 0, (capacity - encoder->group_capacity) * sizeof(*grown));
        encoder->groups = grown;
        encoder->group_capacity = capacity;
    }
    struct group *group = &encoder->groups[encoder->group_count];
    group->class_ = class_;
    group->instrument = instrument;
    group->messages = 0;
    group->exch = group->exch_base = 0;
    group->seq = group->seq_base = 0;
    group->first = group->first_base = 0;
    for (int c = 0; c < COLUMN_COUNT; c++)
        group->columns[c].count = 0;
    group->prices.count = group->qtys.count = 0;
    *found = *slot = (uint16_t)encoder->group_count++;
    return ERR_OK;
}

static err_t find_tag(struct tape_encoder *encoder, struct tag tag, uint64_t *found)
{
    for (size_t t = 0; t < encoder->tag_count; t++) {
        const struct tag *have = &encoder->tags[t];
        if (have->kind == tag.kind && have->flags == tag.flags && have->attributes == tag.attributes &&
            have->instrument == tag.instrument) {
            *found = t;
            return ERR_OK;
        }
    }
    if (encoder->tag_count == UINT16_MAX)
        return ERR_FULL;
    if (encoder->tag_count == encoder->tag_capacity) {
        size_t capacity = encoder->tag_capacity == 0 ? 16 : encoder->tag_capacity * 2;
        struct tag *grown = realloc(encoder->tags, capacity * sizeof(*grown));
        if (grown == NULL)
            return ERR_NOMEM;
        encoder->tags = grown;
        encoder->tag_capacity = capacity;
    }
    encoder->tags[encoder->tag_count] = tag;
    *found = encoder->tag_count++;
    return ERR_OK;
}

static bool shape_is_right(const struct tape_encoder *encoder, const struct event *event)
{
    if (event->kind == EVENT_NONE || event->kind >= EVENT_KIND_COUNT)
        return false;
    if (event->instrument != INSTRUMENT_NONE && event->instrument >= encoder->instrument_count)
        return false;
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

static bool push_levels(struct group *group, const struct event *event, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!column_push(&group->prices, (uint64_t)event->levels[i].price) ||
            !column_push(&group->qtys, (uint64_t)event->levels[i].qty))
            return false;
    return true;
}

/* The group's columns of one message with levels; attributes say which of them it has. */
static bool push_message(struct group *group, const struct event *event, uint8_t attributes)
{
    bool ok = true;
    const uint64_t stride = tape_seq_stride(group->class_);
    if (group->messages == 0) {
        group->exch = group->exch_base = event->exch_ts;
        group->seq = group->seq_base = attributes & ATTR_NO_SEQ ? 0 : event->seq - stride;
        group->first = group->first_base = event->seq_first;
    }
    if (!(attributes & ATTR_NO_EXCH)) {
        ok &= column_push(&group->columns[COLUMN_EXCH], (uint64_t)event->exch_ts - (uint64_t)group->exch);
        group->exch = event->exch_ts;
    }
    if (!(attributes & ATTR_NO_SEQ))
        ok &= column_push(&group->columns[COLUMN_SEQ], zigzag((int64_t)(event->seq - group->seq - stride)));
    if (!(attributes & ATTR_NO_FIRST)) {
        /* a diff's first id lies near the last one before it; level-3 order ids near each other */
        uint64_t reference = group->class_ == CLASS_BOOK ? group->seq : group->first;
        ok &= column_push(&group->columns[COLUMN_FIRST], zigzag((int64_t)(event->seq_first - reference)));
        group->first = event->seq_first;
    }
    if (!(attributes & (ATTR_NO_PREV | ATTR_PREV_CHAIN)))
        ok &= column_push(&group->columns[COLUMN_PREV], zigzag((int64_t)(event->seq_prev - group->seq)));
    if (!(attributes & ATTR_NO_SEQ))
        group->seq = event->seq;
    if (group->class_ == CLASS_BOOK) {
        ok &= column_push(&group->columns[COLUMN_BIDS], event->bid_count);
        ok &= column_push(&group->columns[COLUMN_ASKS], event->ask_count);
    }
    group->messages++;
    return ok;
}

err_t tape_encoder_add(struct tape_encoder *encoder, const struct event *event)
{
    if (!shape_is_right(encoder, event))
        return ERR_RANGE;
    const bool has_levels = event_has_levels(event->kind);
    const uint64_t count = has_levels ? (uint64_t)event->bid_count + event->ask_count : 0;
    if (count > TAPE_BLOCK_LEVELS_LIMIT)
        return ERR_RANGE;
    if (encoder->messages == TAPE_BLOCK_MESSAGES_LIMIT || encoder->levels + count > TAPE_BLOCK_LEVELS_LIMIT)
        return ERR_FULL;
    int64_t negative = 0;
    for (uint64_t i = 0; i < count; i++)
        negative |= event->levels[i].qty;
    if (negative < 0)
        return ERR_RANGE;
    if (encoder->messages != 0 && event->ts < encoder->last_ts)
        return ERR_ORDER;

    struct tag tag = {event->kind, event->flags, 0, event->instrument, GROUP_NONE};
    struct group *group = NULL;
    if (has_levels) {
        err_t err = find_group(encoder, event->instrument, tape_class_of(event->kind), &tag.group);
        if (err != ERR_OK)
            return err;
        group = &encoder->groups[tag.group];
        tag.attributes |= event->exch_ts == 0 ? ATTR_NO_EXCH : 0;
        tag.attributes |= event->seq == 0 ? ATTR_NO_SEQ : 0;
        tag.attributes |= event->seq_first == 0 ? ATTR_NO_FIRST : 0;
        if (event->seq_prev == 0)
            tag.attributes |= ATTR_NO_PREV;
        else if (group->messages != 0 && event->seq_prev == group->seq)
            tag.attributes |= ATTR_PREV_CHAIN;
    }
    uint64_t number;
    err_t err = find_tag(encoder, tag, &number);
    if (err != ERR_OK)
        return err;

    bool ok = true;
    if (has_levels) {
        ok = push_levels(group, event, (uint32_t)count) && push_message(group, event, tag.attributes);
    } else {
        tape_body_pack(&encoder->bodies, event);
        encoder->body_count++;
        ok = !encoder->bodies.failed;
    }
    ns_t before = encoder->messages == 0 ? event->ts : encoder->last_ts;
    ok = ok && column_push(&encoder->message_tags, number) &&
         column_push(&encoder->ts_deltas, (uint64_t)event->ts - (uint64_t)before);
    if (!ok)
        return ERR_NOMEM; /* the block is half written: the caller must give up */
    if (encoder->messages == 0)
        encoder->first_ts = event->ts;
    encoder->last_ts = event->ts;
    encoder->messages++;
    encoder->levels += (uint32_t)count;
    return ERR_OK;
}

/* ---- finishing ---- */

static bool pack_stream(struct tape_encoder *encoder, const uint64_t *numbers, size_t count, bool wide)
{
    if (count == 0) {
        packed_bin(&encoder->out, "", 0);
        return true;
    }
    size_t bound = tape_stream_bound(count);
    if (encoder->stream_capacity < bound) {
        uint8_t *grown = realloc(encoder->stream, bound);
        if (grown == NULL)
            return false;
        encoder->stream = grown;
        encoder->stream_capacity = bound;
    }
    packed_bin(&encoder->out, encoder->stream, tape_stream_encode(numbers, count, wide, encoder->stream));
    return true;
}

static bool all_multiples(const struct column *column, int64_t of)
{
    for (size_t i = 0; i < column->count; i++)
        if (column->numbers[i] != 0 && (int64_t)column->numbers[i] % of != 0)
            return false;
    return true;
}

/* The largest of 1 ms, 1 us, 1 ns that divides every venue stamp step of the block. */
static uint64_t exch_unit(const struct tape_encoder *encoder)
{
    bool ms = true, us = true;
    for (size_t g = 0; g < encoder->group_count; g++) {
        const struct column *column = &encoder->groups[g].columns[COLUMN_EXCH];
        ms = ms && all_multiples(column, NS_PER_MS);
        us = us && (ms || all_multiples(column, NS_PER_US));
    }
    return ms ? (uint64_t)NS_PER_MS : us ? (uint64_t)NS_PER_US : 1;
}

/* `candidate` when it divides the distance of every number to `base`, else 1. */
static int64_t common_step(const struct column *column, int64_t base, int64_t candidate)
{
    if (candidate <= 1)
        return 1;
    const uint64_t inverse = UINT64_MAX / (uint64_t)candidate + 1;
    const bool small = candidate < INT64_C(1) << 22;
    for (size_t i = 0; i < column->count; i++) {
        const int64_t distance = (int64_t)(column->numbers[i] - (uint64_t)base);
        /* the lower half of the product tells multiples from others (see price_multiples) */
        const uint64_t size = distance < 0 ? 0 - (uint64_t)distance : (uint64_t)distance;
        const bool divides = small && size < UINT64_C(1) << 41 ? size * inverse < inverse : distance % candidate == 0;
        if (!divides)
            return 1;
    }
    return candidate;
}

/* The prices as multiples of the step above the base, into the scratch column; all of them are multiples. Small steps
 * are divided by multiplication: the quotient of d is the upper half of d x ceil(2^64 / step) while d x step stays
 * below 2^64. */
static bool price_multiples(struct tape_encoder *encoder, const struct group *group, px_t base, int64_t step)
{
    const uint64_t inverse = UINT64_MAX / (uint64_t)step + 1;
    encoder->scratch.count = 0;
    for (size_t i = 0; i < group->prices.count; i++) {
        const int64_t distance = (int64_t)(group->prices.numbers[i] - (uint64_t)base);
        int64_t multiple;
        if (step == 1) {
            multiple = distance;
        } else if (step < INT64_C(1) << 22 && distance < INT64_C(1) << 41 && distance > -(INT64_C(1) << 41)) {
            const uint64_t size = distance < 0 ? 0 - (uint64_t)distance : (uint64_t)distance;
            multiple = (int64_t)(uint64_t)(((u128_t)size * inverse) >> 64);
            multiple = distance < 0 ? -multiple : multiple;
        } else {
            multiple = distance / step;
        }
        if (!column_push(&encoder->scratch, (uint64_t)multiple))
            return false;
    }
    return true;
}

/* Differences of the prices into the scratch column. Zigzag treats rises and falls alike; plain differences save a
 * bit on rises (most venues send a side's levels rising) and spend four bytes on a fall. They wrap modulo 2^64, as
 * they do in the decoder. */
static bool price_deltas(struct tape_encoder *encoder, const struct group *group, px_t base, int64_t step, bool plain,
                         bool *wide)
{
    if (!price_multiples(encoder, group, base, step))
        return false;
    uint64_t *numbers = encoder->scratch.numbers;
    const size_t count = encoder->scratch.count;
    *wide = false;
    uint64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t offset = (int64_t)numbers[i];
        const int64_t delta = (int64_t)(numbers[i] - before);
        *wide |= offset != (int32_t)offset || delta != (int32_t)delta;
        before = numbers[i];
        numbers[i] = plain ? (uint64_t)delta : zigzag(delta);
    }
    for (size_t i = 0; plain && !*wide && i < count; i++)
        numbers[i] &= UINT32_MAX;
    return true;
}

static bool rises_mostly(const struct group *group)
{
    size_t falls = 0;
    for (size_t i = 1; i < group->prices.count; i++)
        falls += (int64_t)group->prices.numbers[i] < (int64_t)group->prices.numbers[i - 1];
    return falls * 16 < group->prices.count;
}

static bool pack_qtys(struct tape_encoder *encoder, const struct group *group, int64_t lot)
{
    encoder->scratch.count = 0;
    bool wide = false;
    uint64_t before[2] = {0, 0};
    for (size_t i = 0; i < group->qtys.count; i++) {
        uint64_t qty = group->qtys.numbers[i] / (uint64_t)lot;
        uint64_t number = qty;
        if (group->class_ == CLASS_BBO) {
            number = zigzag((int64_t)(qty - before[i & 1]));
            before[i & 1] = qty;
            wide |= qty > INT32_MAX || number > UINT32_MAX;
        }
        if (!column_push(&encoder->scratch, number))
            return false;
    }
    return pack_stream(encoder, encoder->scratch.numbers, encoder->scratch.count, wide);
}

static bool pack_group(struct tape_encoder *encoder, struct group *group, uint64_t unit)
{
    struct packed *out = &encoder->out;
    px_t base = group->prices.count != 0 ? (px_t)group->prices.numbers[0] : 0;
    /* Wrapping differences of absurd prices must not be divided: unit step then. */
    bool sane = true;
    for (size_t i = 0; i < group->prices.count; i++)
        sane &=
            (int64_t)group->prices.numbers[i] < INT64_MAX / 4 && (int64_t)group->prices.numbers[i] > INT64_MIN / 4;
    int64_t step = sane ? common_step(&group->prices, base, encoder->ticks[group->instrument]) : 1;
    int64_t lot = common_step(&group->qtys, 0, encoder->lots[group->instrument]);
    const bool plain = rises_mostly(group);
    bool wide;
    packed_array(out, GROUP_WORDS + COLUMN_COUNT + 2);
    packed_u64(out, group->class_);
    packed_u64(out, group->instrument);
    packed_u64(out, group->messages);
    packed_u64(out, group->prices.count);
    packed_i64(out, group->exch_base);
    packed_u64(out, group->seq_base);
    packed_u64(out, group->first_base);
    packed_i64(out, base);
    packed_i64(out, step);
    packed_i64(out, lot);
    packed_u64(out, plain);
    struct column *exch = &group->columns[COLUMN_EXCH];
    for (size_t i = 0; i < exch->count; i++)
        exch->numbers[i] = zigzag((int64_t)exch->numbers[i] / (int64_t)unit);
    bool ok = true;
    for (int c = 0; c < COLUMN_COUNT; c++)
        ok &= pack_stream(encoder, group->columns[c].numbers, group->columns[c].count, false);
    ok = ok && price_deltas(encoder, group, base, step, plain, &wide) &&
         pack_stream(encoder, encoder->scratch.numbers, encoder->scratch.count, wide);
    return ok && pack_qtys(encoder, group, lot);
}

/* Stamps are often finer than the clock behind them (a clock of 100 ns or 1 us steps): deltas are stored as multiples
 * of a unit and a rest that is nearly always zero. The unit is the one that costs the fewest bytes in the block's
 * first messages. */
static ns_t ts_unit(const struct column *deltas)
{
    static const ns_t units[] = {1, 100, NS_PER_US, NS_PER_MS};
    ns_t best = 1;
    uint64_t best_cost = UINT64_MAX;
    for (size_t u = 0; u < ARRAY_LEN(units); u++) {
        uint64_t cost = 0;
        for (size_t i = 0; i < deltas->count && i < 512; i++) {
            uint64_t multiple = (deltas->numbers[i] + (uint64_t)units[u] / 2) / (uint64_t)units[u];
            uint64_t rest = deltas->numbers[i] - multiple * (uint64_t)units[u];
            cost += multiple == 0 ? 1 : (71u - (unsigned)__builtin_clzll(multiple)) / 8;
            cost += rest == 0 ? 0 : 2;
        }
        if (cost < best_cost) {
            best_cost = cost;
            best = units[u];
        }
    }
    return best;
}

static bool pack_stamps(struct tape_encoder *encoder)
{
    struct column *deltas = &encoder->ts_deltas;
    const uint64_t unit = (uint64_t)ts_unit(deltas);
    encoder->scratch.count = 0;
    for (size_t i = 0; i < deltas->count; i++) {
        uint64_t multiple = (deltas->numbers[i] + unit / 2) / unit;
        if (!column_push(&encoder->scratch, zigzag((int64_t)(deltas->numbers[i] - multiple * unit))))
            return false;
        deltas->numbers[i] = multiple;
    }
    packed_text(&encoder->out, "ts_unit");
    packed_u64(&encoder->out, unit);
    packed_text(&encoder->out, "ts_delta");
    bool ok = pack_stream(encoder, deltas->numbers, deltas->count, false);
    packed_text(&encoder->out, "ts_rest");
    return ok && pack_stream(encoder, encoder->scratch.numbers, encoder->scratch.count, false);
}

static bool pack_tags(struct tape_encoder *encoder)
{
    struct packed *out = &encoder->out;
    packed_text(out, "tags");
    packed_array(out, (uint32_t)encoder->tag_count);
    for (size_t t = 0; t < encoder->tag_count; t++) {
        const struct tag *tag = &encoder->tags[t];
        packed_array(out, 5);
        packed_u64(out, tag->kind);
        packed_u64(out, tag->flags);
        packed_u64(out, tag->attributes);
        packed_u64(out, tag->instrument);
        packed_u64(out, tag->group);
    }
    packed_text(out, "tag");
    size_t width = encoder->tag_count > 256 ? 2 : 1;
    size_t size = encoder->messages * width;
    if (encoder->stream_capacity < size) {
        uint8_t *grown = realloc(encoder->stream, size);
        if (grown == NULL)
            return false;
        encoder->stream = grown;
        encoder->stream_capacity = size;
    }
    for (size_t i = 0; i < encoder->messages; i++) {
        encoder->stream[i * width] = (uint8_t)encoder->message_tags.numbers[i];
        if (width == 2)
            encoder->stream[i * width + 1] = (uint8_t)(encoder->message_tags.numbers[i] >> 8);
    }
    packed_bin(out, encoder->stream, size);
    return true;
}

err_t tape_encoder_finish(struct tape_encoder *encoder, const uint8_t **bytes, size_t *size)
{
    struct packed *out = &encoder->out;
    packed_clear(out);
    packed_map(out, 11);
    packed_text(out, "messages");
    packed_u64(out, encoder->messages);
    packed_text(out, "levels");
    packed_u64(out, encoder->levels);
    packed_text(out, "ts");
    packed_i64(out, encoder->first_ts);
    const uint64_t unit = exch_unit(encoder);
    packed_text(out, "exch_unit");
    packed_u64(out, unit);
    bool ok = pack_tags(encoder);
    ok = ok && pack_stamps(encoder);
    packed_text(out, "groups");
    packed_array(out, (uint32_t)encoder->group_count);
    for (size_t g = 0; g < encoder->group_count && ok; g++)
        ok = pack_group(encoder, &encoder->groups[g], unit);
    ok = ok && !out->failed && !encoder->bodies.failed;
    for (size_t g = 0; g < encoder->group_count; g++) {
        const struct group *group = &encoder->groups[g];
        encoder->group_of[(size_t)group->instrument * CLASS_COUNT + group->class_] = GROUP_NONE;
    }
    if (ok) {
        packed_text(out, "bodies");
        packed_array(out, encoder->body_count);
        packed_append(out, encoder->bodies.bytes, encoder->bodies.size);
        ok = !out->failed;
    }
    encoder->group_count = encoder->tag_count = 0;
    encoder->message_tags.count = encoder->ts_deltas.count = 0;
    encoder->messages = encoder->levels = encoder->body_count = 0;
    packed_clear(&encoder->bodies);
    if (!ok)
        return ERR_NOMEM;
    *bytes = out->bytes;
    *size = out->size;
    return ERR_OK;
}
