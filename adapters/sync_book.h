/* sync_book.h: keeping one book in step with a venue that sends a snapshot and diffs.
 *
 *                      diffs: buffered                       diffs: applied
 *            ┌────────────────────────────┐  snapshot   ┌─────────────────────┐
 *   start ─► │ WAITING                    │ ──────────► │ FIRST: one must meet │ ─ it does ─► LIVE: each must follow
 *            └────────────────────────────┘             │ the snapshot         │                      │
 *                     ▲         ▲                       └─────────────────────┘                      │
 *                     │         └─ does not meet: GAP ────────────┘                                  │
 *                     └──────────────── chain broken, connection lost: GAP ──────────────────────────┘
 *
 * A diff covers the update ids [first, last]; futures also give `previous`, the last id of the diff before it.
 * S is the id of the snapshot, or of the last diff applied.
 *
 *   rule            already contained   meets a snapshot                       follows
 *   SYNC_FUTURES    last < S            previous <= S <= last                  previous == S (last <= S: a
 * repetition) SYNC_SPOT       last <= S           first <= S + 1                         first <= S + 1
 *
 * The venue states "first <= S <= last" for meeting a futures snapshot. Ids are shared by all symbols there, and
 * previous < first, so that is contained in ours, which also takes the first diff after a quiet stretch
 * (previous <= S < first): no update of this symbol lies between, so nothing was missed.
 *
 * A snapshot older than a live book is not emitted (the book would go back); neither is one that is too old to meet
 * the oldest buffered diff: a later one may. Both are counted. A snapshot newer than a live book replaces it.
 *
 * Buffered diffs are emitted right after their snapshot with its arrival ts (ts must never fall) and their own
 * exch_ts. The buffer is bounded; when it is full the oldest diffs go, because the newest are those that the next
 * snapshot will meet. It grows only while there is no book, never on the way of a live one.
 */
#ifndef TAPEDECK_ADAPTERS_SYNC_BOOK_H
#define TAPEDECK_ADAPTERS_SYNC_BOOK_H

#include "adapters/market.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SYNC_DIFFS_MAX  16384  /* buffered diffs, at most */
#define SYNC_LEVELS_MAX 524288 /* and their levels: 8 MiB */

enum sync_rule { SYNC_FUTURES, SYNC_SPOT };
enum sync_state { SYNC_WAITING, SYNC_FIRST, SYNC_LIVE };

/* A diff, or a snapshot (last: its id). Levels: bids, then asks; they belong to the caller. */
struct sync_message {
    ns_t exch_ts;
    uint64_t first;
    uint64_t last;
    uint64_t previous;
    const struct level *levels;
    uint32_t bid_count;
    uint32_t ask_count;
};

struct sync_buffer {
    struct sync_message *diffs; /* levels NULL: they start at level_starts[i] */
    uint32_t *level_starts;
    struct level *levels;
    uint32_t head, count; /* diffs in use: [head, head + count) */
    uint32_t diff_capacity;
    uint32_t level_used;
    uint32_t level_capacity;
};

struct sync_book {
    enum sync_state state;
    uint64_t seq; /* S; meaningless while waiting */
    struct sync_buffer buffer;
    /* The caller's, set before the first call: */
    const struct market_sink *sink;
    struct market_stats *stats;
    uint16_t instrument;
};

void sync_book_init(struct sync_book *sync, uint16_t instrument, const struct market_sink *sink,
                    struct market_stats *stats);
void sync_book_deinit(struct sync_book *sync);

/* Errors: of the sink, and ERR_NOMEM. Counts everything but exch_ts_backwards. */
err_t sync_book_diff(struct sync_book *sync, enum sync_rule rule, ns_t ts, const struct sync_message *diff) MUST_USE;
err_t sync_book_snapshot(struct sync_book *sync, enum sync_rule rule, ns_t ts,
                         const struct sync_message *snapshot) MUST_USE;
/* From now on the diffs come from another source of the same stream (a connection that takes over): the next one has
 * to meet the book, as after a snapshot, and need not follow the last. */
void sync_book_meet(struct sync_book *sync);
/* Data are known to be missing: GAP if there was a book; buffered diffs are thrown away (and counted). */
err_t sync_book_lost(struct sync_book *sync, ns_t ts, const char *reason) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
