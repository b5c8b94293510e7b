#include "adapters/sync_book.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sync_book_init(struct sync_book *sync, uint16_t instrument, const struct market_sink *sink,
                    struct market_stats *stats)
{
    memset(sync, 0, sizeof(*sync));
    sync->instrument = instrument;
    sync->sink = sink;
    sync->stats = stats;
}

void sync_book_deinit(struct sync_book *sync)
{
    free(sync->buffer.diffs);
    free(sync->buffer.level_starts);
    free(sync->buffer.levels);
    memset(&sync->buffer, 0, sizeof(sync->buffer));
}

/* --- what comes out --- */

static err_t emit_levels(struct sync_book *sync, uint8_t kind, ns_t ts, const struct sync_message *message)
{
    const struct event event = {.ts = ts,
                                .exch_ts = message->exch_ts,
                                .seq = message->last,
                                .seq_first = message->first,
                                .seq_prev = message->previous,
                                .levels = message->levels,
                                .bid_count = message->bid_count,
                                .ask_count = message->ask_count,
                                .instrument = sync->instrument,
                                .kind = kind};
    return sync->sink->emit(sync->sink->context, &event);
}

static err_t emit_gap(struct sync_book *sync, ns_t ts, ns_t exch_ts, const struct event_text *body)
{
    const struct event event = {
        .ts = ts, .exch_ts = exch_ts, .body = body, .instrument = sync->instrument, .kind = EVENT_GAP};
    sync->stats->gaps++;
    return sync->sink->emit(sync->sink->context, &event);
}

static err_t apply(struct sync_book *sync, ns_t ts, const struct sync_message *diff)
{
    sync->state = SYNC_LIVE;
    sync->seq = diff->last;
    sync->stats->diffs_applied++;
    return emit_levels(sync, EVENT_BOOK_DELTA, ts, diff);
}

/* --- the rules --- */

enum verdict { VERDICT_APPLY, VERDICT_OLD, VERDICT_GAP };

static enum verdict judge(enum sync_rule rule, enum sync_state state, uint64_t seq, const struct sync_message *diff)
{
    if (rule == SYNC_SPOT) {
        if (diff->last <= seq)
            return VERDICT_OLD;
        return diff->first <= seq + 1 ? VERDICT_APPLY : VERDICT_GAP;
    }
    if (state == SYNC_FIRST) {
        if (diff->last < seq)
            return VERDICT_OLD;
        return diff->previous <= seq ? VERDICT_APPLY : VERDICT_GAP;
    }
    if (diff->last <= seq)
        return VERDICT_OLD;
    return diff->previous == seq ? VERDICT_APPLY : VERDICT_GAP;
}

static err_t break_chain(struct sync_book *sync, enum sync_rule rule, ns_t ts, const struct sync_message *diff)
{
    struct event_text body = {{0}};
    if (rule == SYNC_SPOT)
        snprintf(body.text, sizeof(body.text), "diff begins at %" PRIu64 " (U), the book is at %" PRIu64, diff->first,
                 sync->seq);
    else
        snprintf(body.text, sizeof(body.text), "diff follows %" PRIu64 " (pu), the book is at %" PRIu64,
                 diff->previous, sync->seq);
    sync->state = SYNC_WAITING;
    return emit_gap(sync, ts, diff->exch_ts, &body);
}

/* --- the buffer --- */

static uint32_t level_count(const struct sync_message *message)
{
    return message->bid_count + message->ask_count;
}

static void buffer_pop(struct sync_buffer *buffer)
{
    buffer->head++;
    if (--buffer->count == 0)
        buffer->head = buffer->level_used = 0;
}

/* Move what is in use to the front. */
static void buffer_pack(struct sync_buffer *buffer)
{
    if (buffer->head == 0)
        return;
    uint32_t start = buffer->level_starts[buffer->head];
    memmove(buffer->diffs, buffer->diffs + buffer->head, buffer->count * sizeof(*buffer->diffs));
    memmove(buffer->level_starts, buffer->level_starts + buffer->head, buffer->count * sizeof(*buffer->level_starts));
    if (buffer->level_used > start)
        memmove(buffer->levels, buffer->levels + start, (buffer->level_used - start) * sizeof(*buffer->levels));
    for (uint32_t i = 0; i < buffer->count; i++)
        buffer->level_starts[i] -= start;
    buffer->level_used -= start;
    buffer->head = 0;
}

static err_t buffer_grow(struct sync_buffer *buffer, uint32_t levels)
{
    if (buffer->head + buffer->count == buffer->diff_capacity && buffer->diff_capacity < SYNC_DIFFS_MAX) {
        uint32_t capacity = buffer->diff_capacity == 0 ? 64 : buffer->diff_capacity * 2;
        struct sync_message *diffs = realloc(buffer->diffs, capacity * sizeof(*diffs));
        if (diffs == NULL)
            return ERR_NOMEM;
        buffer->diffs = diffs;
        uint32_t *starts = realloc(buffer->level_starts, capacity * sizeof(*starts));
        if (starts == NULL)
            return ERR_NOMEM;
        buffer->level_starts = starts;
        buffer->diff_capacity = capacity;
    }
    while (buffer->level_capacity - buffer->level_used < levels && buffer->level_capacity < SYNC_LEVELS_MAX) {
        uint32_t capacity = buffer->level_capacity == 0 ? 4096 : buffer->level_capacity * 2;
        struct level *grown = realloc(buffer->levels, capacity * sizeof(*grown));
        if (grown == NULL)
            return ERR_NOMEM;
        buffer->levels = grown;
        buffer->level_capacity = capacity;
    }
    return ERR_OK;
}

static bool buffer_has_room(const struct sync_buffer *buffer, uint32_t levels)
{
    return buffer->head + buffer->count < buffer->diff_capacity &&
           buffer->level_capacity - buffer->level_used >= levels;
}

/* Half of the diffs go at once when it is full, so that packing is paid once for many diffs. */
static err_t buffer_push(struct sync_book *sync, const struct sync_message *diff)
{
    struct sync_buffer *buffer = &sync->buffer;
    uint32_t levels = level_count(diff);
    if (!buffer_has_room(buffer, levels)) {
        buffer_pack(buffer);
        err_t err = buffer_grow(buffer, levels);
        if (err != ERR_OK)
            return err;
        while (!buffer_has_room(buffer, levels) && buffer->count > 0) {
            for (uint32_t half = (buffer->count + 1) / 2; half > 0; half--) {
                buffer_pop(buffer);
                sync->stats->diffs_buffered--;
                sync->stats->diffs_dropped++;
            }
            if (buffer->count > 0)
                buffer_pack(buffer);
        }
    }
    if (!buffer_has_room(buffer, levels)) {
        sync->stats->diffs_dropped++; /* one diff larger than the whole buffer */
        return ERR_OK;
    }
    uint32_t at = buffer->head + buffer->count++;
    buffer->diffs[at] = *diff;
    buffer->diffs[at].levels = NULL;
    buffer->level_starts[at] = buffer->level_used;
    if (levels > 0)
        memcpy(buffer->levels + buffer->level_used, diff->levels, levels * sizeof(*diff->levels));
    buffer->level_used += levels;
    sync->stats->diffs_buffered++;
    return ERR_OK;
}

static struct sync_message buffer_front(const struct sync_buffer *buffer)
{
    struct sync_message diff = buffer->diffs[buffer->head];
    if (buffer->levels != NULL)
        diff.levels = buffer->levels + buffer->level_starts[buffer->head];
    return diff;
}

/* --- the verbs --- */

err_t sync_book_diff(struct sync_book *sync, enum sync_rule rule, ns_t ts, const struct sync_message *diff)
{
    sync->stats->diffs_seen++;
    if (UNLIKELY(sync->state == SYNC_WAITING))
        return buffer_push(sync, diff);
    switch (judge(rule, sync->state, sync->seq, diff)) {
    case VERDICT_APPLY:
        return apply(sync, ts, diff);
    case VERDICT_OLD:
        sync->stats->diffs_old++;
        return ERR_OK;
    case VERDICT_GAP:
        break;
    }
    /* The diff that broke the chain may be the one that the next snapshot meets: kept. */
    err_t err = break_chain(sync, rule, ts, diff);
    return err != ERR_OK ? err : buffer_push(sync, diff);
}

/* Drop the buffered diffs that a snapshot at `seq` contains. */
static void drop_contained(struct sync_book *sync, enum sync_rule rule, uint64_t seq)
{
    while (sync->buffer.count > 0 &&
           judge(rule, SYNC_FIRST, seq, &sync->buffer.diffs[sync->buffer.head]) == VERDICT_OLD) {
        buffer_pop(&sync->buffer);
        sync->stats->diffs_buffered--;
        sync->stats->diffs_old++;
    }
}

/* The buffered diffs in turn, until one does not fit; that one and the rest stay. */
static err_t replay_buffer(struct sync_book *sync, enum sync_rule rule, ns_t ts)
{
    while (sync->buffer.count > 0) {
        struct sync_message diff = buffer_front(&sync->buffer);
        enum verdict verdict = judge(rule, sync->state, sync->seq, &diff);
        if (verdict == VERDICT_GAP)
            return break_chain(sync, rule, ts, &diff);
        sync->stats->diffs_buffered--;
        if (verdict == VERDICT_OLD) {
            sync->stats->diffs_old++;
        } else {
            err_t err = apply(sync, ts, &diff);
            if (err != ERR_OK)
                return err;
        }
        buffer_pop(&sync->buffer);
    }
    return ERR_OK;
}

err_t sync_book_snapshot(struct sync_book *sync, enum sync_rule rule, ns_t ts, const struct sync_message *snapshot)
{
    if (sync->state != SYNC_WAITING && snapshot->last <= sync->seq) {
        sync->stats->snapshots_old++;
        return ERR_OK;
    }
    drop_contained(sync, rule, snapshot->last);
    if (sync->buffer.count > 0 &&
        judge(rule, SYNC_FIRST, snapshot->last, &sync->buffer.diffs[sync->buffer.head]) == VERDICT_GAP) {
        sync->stats->snapshots_old++;
        return ERR_OK;
    }
    sync->state = SYNC_FIRST;
    sync->seq = snapshot->last;
    sync->stats->snapshots++;
    err_t err = emit_levels(sync, EVENT_BOOK_SNAPSHOT, ts, snapshot);
    return err != ERR_OK ? err : replay_buffer(sync, rule, ts);
}

void sync_book_meet(struct sync_book *sync)
{
    if (sync->state == SYNC_LIVE)
        sync->state = SYNC_FIRST;
}

err_t sync_book_lost(struct sync_book *sync, ns_t ts, const char *reason)
{
    sync->stats->diffs_dropped += sync->buffer.count;
    sync->stats->diffs_buffered -= sync->buffer.count;
    sync->buffer.head = sync->buffer.count = sync->buffer.level_used = 0;
    if (sync->state == SYNC_WAITING)
        return ERR_OK;
    sync->state = SYNC_WAITING;
    struct event_text body = {{0}};
    snprintf(body.text, sizeof(body.text), "%s", reason);
    return emit_gap(sync, ts, 0, &body);
}
