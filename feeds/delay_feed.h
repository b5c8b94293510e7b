/* delay_feed.h: a feed whose messages arrive when a model says, and not when the recorder had them.
 *
 *   recorded    exch_ts ──── as late as it was ────► ts
 *   remodelled  exch_ts ──── delay(exch_ts, n) ────► ts'       n tells messages of one stamp apart: 0, 1, ...
 *
 * A tape made beside the venue, or by a slow recorder, tells what the market was and not when you would have known
 * it. Here each event's ts is made anew from the venue's own stamp; the stamp, the order of the lane and all else
 * stay. So the venue, which lives on exch_ts, sees the same market.
 *
 *  - First in, first out: an event is never before the one ahead of it in its lane, but arrives with it.
 *  - An event without a stamp (exch_ts 0) is moved by as much as the last stamped one before it was: whatever lay
 *    between the two keeps its place. Before the first stamp nothing is known, and nothing is moved. A stamp more
 * than an hour after the recorded arrival is no stamp: the clock of one of the two was broken.
 *
 * Where the delay comes from is the caller's: a pure function of (stamp, number), so that an event more or less
 * changes no other's delay. Batches of the inner feed are handed out whole, with a copy of their headers (64 bytes a
 * message, levels stay where they are): memory is that of the batches that the reader holds, and is used again.
 */
#ifndef TAPEDECK_FEEDS_DELAY_FEED_H
#define TAPEDECK_FEEDS_DELAY_FEED_H

#include "core/feed.h"

#define DELAY_STAMP_AHEAD_MAX (3600 * NS_PER_S)

struct delay_config {
    void *context; /* of `delay`; outlives the feed */
    /* >= 0, the same for the same arguments */
    ns_t (*delay)(void *context, ns_t exch_ts, uint64_t number);
    uint32_t batches_max; /* held unreleased at once: as many as the inner feed allows; at least 1 */
};

struct delay_stats {
    uint64_t events;
    uint64_t unstamped; /* of them without a stamp, or with one that was not believed */
    uint64_t held_up;   /* arrived later than drawn, behind the one ahead */
};

/* `inner` outlives the feed and stays its owner's. */
err_t delay_feed_open(struct feed **feed, struct feed *inner, const struct delay_config *config,
                      struct err_text *why) MUST_USE;
const struct delay_stats *delay_feed_stats(const struct feed *feed);

#endif
