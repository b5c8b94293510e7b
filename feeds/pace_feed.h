/* pace_feed.h: a feed at wall speed, or N times as fast.
 *
 *   inner feed ─► batch ─► wait until the wall says it is time ─► batch, cut so that it can be waited for
 *
 *   due(event) = wall_start + (event.ts - ts_start) / speed
 *
 * The first event starts both clocks. A batch of the inner feed is handed out in slices: an event and those behind
 * it that are due within `slice_ns` of wall time after it, so that events are never early by more than that,
 * and a burst costs one wait. Events are never reordered, changed or dropped: a consumer that is slow sees them
 * late, and catches up.
 *
 * Nothing here knows what time it is: the wall clock and the sleep are functions that the caller gives. The decision
 * itself (pace_due, pace_wait) is pure. Speed is a ratio of whole numbers; its products are exact.
 */
#ifndef TAPEDECK_FEEDS_PACE_FEED_H
#define TAPEDECK_FEEDS_PACE_FEED_H

#include "core/feed.h"

struct pace_config {
    uint64_t speed_num, speed_den; /* 1/1 is wall speed, 10/1 ten times faster; both 1..10^12 */
    ns_t slice_ns;                 /* wall time by which events of one slice may differ, >= 0 */
    ns_t gap_max_ns;            /* wait at most this long between two events, and shift what follows; 0: no limit */
    void *context;              /* of the two functions */
    ns_t (*now)(void *context); /* the wall clock; any origin; monotonic */
    /* Wait for `duration_ns` > 0. May return early: ERR_OK, it is asked again. ERR_INTERRUPTED ends the feed's call
     * with that code, and nothing is lost. */
    err_t (*sleep)(void *context, ns_t duration_ns);
};

#define PACE_INNER_MAX 8 /* batches of the inner feed that may be unreleased at once */

struct pace_feed {
    struct feed feed; /* first */
    struct feed *inner;
    struct pace_config config;
    bool started;
    ns_t wall_start, ts_start;
    ns_t last_ts;
    struct {
        struct event_batch batch; /* of the inner feed */
        uint32_t given;           /* events handed out */
        uint32_t out;             /* slices handed out and not released */
        bool used;
    } held[PACE_INNER_MAX];
    uint32_t current; /* in held: the batch being sliced, PACE_INNER_MAX: none */
    ns_t late_max_ns; /* the farthest that a slice was behind its time when handed out */
};

/* ERR_RANGE: a speed of zero or beyond its range, a negative time. `pace` is the caller's memory. */
err_t pace_feed_init(struct pace_feed *pace, struct feed *inner, const struct pace_config *config,
                     struct err_text *why) MUST_USE;

/* When an event of `ts` is due on the wall: wall_start + (ts - ts_start) * den / num, rounded down; NS_MAX when that
 * is beyond all time. ts >= ts_start. */
ns_t pace_due(ns_t wall_start, ns_t ts_start, ns_t ts, uint64_t speed_num, uint64_t speed_den);
/* How long to wait at wall time `now` for something due at `due`: 0 when it is due or late. */
ns_t pace_wait(ns_t now, ns_t due);

#endif
