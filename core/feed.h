/* feed.h: the contract of everything that says what happened next.
 *
 * A feed hands out batches of events, each batch and the whole in rising ts. A batch stays readable
 * until it is released; a feed may be asked for more batches before earlier ones are released, up to its
 * own limit (`ERR_FULL`), so that a reader may look ahead.
 */
#ifndef TAPEDECK_CORE_FEED_H
#define TAPEDECK_CORE_FEED_H

#include "core/event.h"

#ifdef __cplusplus
extern "C" {
#endif

struct event_batch {
    const struct event *events;
    uint32_t count;
    uint32_t handle; /* what release wants back */
};

struct feed;
struct feed_ops {
    /* ERR_END: no more; ERR_AGAIN: nothing now (live feeds); ERR_FULL: release a batch first;
     * another code: broken, `feed->why` says where and why. */
    err_t (*next)(struct feed *feed, struct event_batch *batch) MUST_USE;
    void (*release)(struct feed *feed, uint32_t handle);
    void (*close)(struct feed *feed);
};

/* Where a batch begins, so that a feed over the same source can come back to it. Numbers only: it may be written to a
 * file and read by another process. */
struct feed_mark {
    uint64_t message; /* the running number of the batch's first event in its source; FEED_MARK_END: after the last */
    ns_t delay_last, delay_stamp, delay_shift; /* delay_feed.h: as they were before the batch */
    uint64_t delay_number, delay_events, delay_unstamped, delay_held_up;
};
#define FEED_MARK_END UINT64_MAX
struct feed_place_ops {
    /* Of a batch that is held. ERR_STATE: it was made up on the way, and is nowhere in the source. */
    err_t (*mark)(const struct feed *feed, uint32_t handle, struct feed_mark *mark) MUST_USE;
    /* What `next` hands out now is that batch, and those after it. No batch may be held, but for a source that keeps
     * its batches in memory that was put back (synth_market.h). */
    err_t (*seek)(struct feed *feed, const struct feed_mark *mark) MUST_USE;
};

struct feed {
    const struct feed_ops *ops;
    const struct feed_place_ops *place; /* NULL: it can only be read on */
    struct err_text why;
};

#ifdef __cplusplus
}
#endif
#endif
