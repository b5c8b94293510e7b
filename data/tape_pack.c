/* How: deltas are taken here, when the whole column is known, so that adding stays cheap and the step of the prices
 * can be chosen by what is really there. Every choice (units, step, lot, plain or zigzag) is of the block's own
 * content, so the same messages give the same bytes. */
#include "data/tape_pack.h"

#include "data/tape_stream.h"

#include <stdlib.h>

static bool stream_room(struct tape_packer *packer, size_t size)
{
    if (packer->stream_capacity >= size)
        return true;
    uint8_t *grown = realloc(packer->stream, size);
    if (grown == NULL)
        return false;
    packer->stream = grown;
    packer->stream_capacity = size;
    return true;
}

static bool pack_stream(struct tape_packer *packer, const uint64_t *numbers, size_t count, bool wide)
{
    if (count == 0) {
        packed_bin(&packer->out, "", 0);
        return true;
    }
    if (!stream_room(packer, tape_stream_bound(count)))
        return false;
    packed_bin(&packer->out, packer->stream, tape_stream_encode(numbers, count, wide, packer->stream));
    return true;
}

static bool all_multiples(const struct tape_pack_column *column, int64_t of)
{
    for (size_t i = 0; i < column->count; i++)
        if (column->numbers[i] != 0 && (int64_t)column->numbers[i] % of != 0)
            return false;
    return true;
}

/* The largest of 1 ms, 1 us, 1 ns that divides every venue stamp step of the block. */
static uint64_t exch_unit(const struct tape_collected *block)
{
    bool ms = true, us = true;
    for (size_t g = 0; g < block->group_count; g++) {
        const struct tape_pack_column *column = &block->groups[g].columns[COLUMN_EXCH];
        ms = ms && all_multiples(column, NS_PER_MS);
        us = us && (ms || all_multiples(column, NS_PER_US));
    }
    return ms ? (uint64_t)NS_PER_MS : us ? (uint64_t)NS_PER_US : 1;
}

/* `candidate` when it divides the distance of every number to `base`, else 1. */
static int64_t common_step(const struct tape_pack_column *column, int64_t base, int64_t candidate)
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
static bool price_multiples(struct tape_packer *packer, const struct tape_group *group, px_t base, int64_t step)
{
    const uint64_t inverse = UINT64_MAX / (uint64_t)step + 1;
    packer->scratch.count = 0;
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
        if (!tape_pack_push(&packer->scratch, (uint64_t)multiple))
            return false;
    }
    return true;
}

/* Differences of the prices into the scratch column. Zigzag treats rises and falls alike; plain differences save a
 * bit on rises (most venues send a side's levels rising) and spend four bytes on a fall. They wrap modulo 2^64, as
 * they do in the decoder. */
static bool price_deltas(struct tape_packer *packer, const struct tape_group *group, px_t base, int64_t step,
                         bool plain, bool *wide)
{
    if (!price_multiples(packer, group, base, step))
        return false;
    uint64_t *numbers = packer->scratch.numbers;
    const size_t count = packer->scratch.count;
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

static bool rises_mostly(const struct tape_group *group)
{
    size_t falls = 0;
    for (size_t i = 1; i < group->prices.count; i++)
        falls += (int64_t)group->prices.numbers[i] < (int64_t)group->prices.numbers[i - 1];
    return falls * 16 < group->prices.count;
}

static bool pack_qtys(struct tape_packer *packer, const struct tape_group *group, int64_t lot)
{
    packer->scratch.count = 0;
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
        if (!tape_pack_push(&packer->scratch, number))
            return false;
    }
    return pack_stream(packer, packer->scratch.numbers, packer->scratch.count, wide);
}

/* Wrapping differences of absurd prices must not be divided: unit step then. */
static bool may_be_divided(const struct tape_pack_column *prices)
{
    bool sane = true;
    for (size_t i = 0; i < prices->count; i++)
        sane &= (int64_t)prices->numbers[i] < INT64_MAX / 4 && (int64_t)prices->numbers[i] > INT64_MIN / 4;
    return sane;
}

static bool pack_group(struct tape_packer *packer, const struct tape_collected *block, struct tape_group *group,
                       uint64_t unit)
{
    struct packed *out = &packer->out;
    px_t base = group->prices.count != 0 ? (px_t)group->prices.numbers[0] : 0;
    int64_t step =
        may_be_divided(&group->prices) ? common_step(&group->prices, base, block->ticks[group->instrument]) : 1;
    int64_t lot = common_step(&group->qtys, 0, block->lots[group->instrument]);
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
    struct tape_pack_column *exch = &group->columns[COLUMN_EXCH];
    for (size_t i = 0; i < exch->count; i++)
        exch->numbers[i] = zigzag((int64_t)exch->numbers[i] / (int64_t)unit);
    bool ok = true;
    for (int c = 0; c < COLUMN_COUNT; c++)
        ok &= pack_stream(packer, group->columns[c].numbers, group->columns[c].count, false);
    ok = ok && price_deltas(packer, group, base, step, plain, &wide) &&
         pack_stream(packer, packer->scratch.numbers, packer->scratch.count, wide);
    return ok && pack_qtys(packer, group, lot);
}

/* Stamps are often finer than the clock behind them (a clock of 100 ns or 1 us steps): deltas are stored as multiples
 * of a unit and a rest that is nearly always zero. The unit is the one that costs the fewest bytes in the block's
 * first messages. */
static ns_t ts_unit(const struct tape_pack_column *deltas)
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

static bool pack_stamps(struct tape_packer *packer, struct tape_collected *block)
{
    struct tape_pack_column *deltas = &block->ts_deltas;
    const uint64_t unit = (uint64_t)ts_unit(deltas);
    packer->scratch.count = 0;
    for (size_t i = 0; i < deltas->count; i++) {
        uint64_t multiple = (deltas->numbers[i] + unit / 2) / unit;
        if (!tape_pack_push(&packer->scratch, zigzag((int64_t)(deltas->numbers[i] - multiple * unit))))
            return false;
        deltas->numbers[i] = multiple;
    }
    packed_text(&packer->out, "ts_unit");
    packed_u64(&packer->out, unit);
    packed_text(&packer->out, "ts_delta");
    bool ok = pack_stream(packer, deltas->numbers, deltas->count, false);
    packed_text(&packer->out, "ts_rest");
    return ok && pack_stream(packer, packer->scratch.numbers, packer->scratch.count, false);
}

static bool pack_tags(struct tape_packer *packer, const struct tape_collected *block)
{
    struct packed *out = &packer->out;
    packed_text(out, "tags");
    packed_array(out, (uint32_t)block->tag_count);
    for (size_t t = 0; t < block->tag_count; t++) {
        const struct tape_tag *tag = &block->tags[t];
        packed_array(out, 5);
        packed_u64(out, tag->kind);
        packed_u64(out, tag->flags);
        packed_u64(out, tag->attributes);
        packed_u64(out, tag->instrument);
        packed_u64(out, tag->group);
    }
    packed_text(out, "tag");
    size_t width = block->tag_count > 256 ? 2 : 1;
    size_t size = block->messages * width;
    if (!stream_room(packer, size))
        return false;
    for (size_t i = 0; i < block->messages; i++) {
        packer->stream[i * width] = (uint8_t)block->message_tags.numbers[i];
        if (width == 2)
            packer->stream[i * width + 1] = (uint8_t)(block->message_tags.numbers[i] >> 8);
    }
    packed_bin(out, packer->stream, size);
    return true;
}

bool tape_pack_block(struct tape_packer *packer, struct tape_collected *block)
{
    struct packed *out = &packer->out;
    packed_clear(out);
    packed_map(out, 11);
    packed_text(out, "messages");
    packed_u64(out, block->messages);
    packed_text(out, "levels");
    packed_u64(out, block->levels);
    packed_text(out, "ts");
    packed_i64(out, block->first_ts);
    const uint64_t unit = exch_unit(block);
    packed_text(out, "exch_unit");
    packed_u64(out, unit);
    bool ok = pack_tags(packer, block);
    ok = ok && pack_stamps(packer, block);
    packed_text(out, "groups");
    packed_array(out, (uint32_t)block->group_count);
    for (size_t g = 0; g < block->group_count && ok; g++)
        ok = pack_group(packer, block, &block->groups[g], unit);
    if (!ok || block->bodies.failed)
        return false;
    packed_text(out, "bodies");
    packed_array(out, block->body_count);
    packed_append(out, block->bodies.bytes, block->bodies.size);
    return !out->failed;
}

void tape_pack_free(struct tape_packer *packer)
{
    packed_free(&packer->out);
    free(packer->stream);
    free(packer->scratch.numbers);
}
