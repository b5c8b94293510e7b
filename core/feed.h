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
struct feed {
    const struct feed_ops *ops;
    struct err_text why;
};

#ifdef __cplusplus
}
#endif
#endif
