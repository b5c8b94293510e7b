/* one_way_offset.h: how far the local clock ran behind or ahead of the venue's, seen from one direction.
 *
 *     d = local - venue                 ·   ·        ·
 *       │        ·    ·  ·   ·     ·       ·    ·        · ·
 *       │   ·  ·   ·    ·  ·   ·  ·  ·  ·    ·    ·  ·  _.--·      each message is a point; queueing only
 *       │ ·  ·   ·  ·   ·   _·_.--·-'·  ·   _.--·'                 ever lifts it
 *       │__·___.--·--'·--''         lower convex hull: the line under all points
 *     ──┼──────────────────────────────────────────────── local time
 *
 *     d(t) = offset + drift x t + least delay + queueing,   queueing >= 0
 *
 * One-way data give the sum of clock offset and least delay, never the two apart. When that sum is below
 * zero the local clock is behind for certain, since no message arrives before it is sent. Correcting moves
 * the sum to a base latency that the user states:
 *
 *   constant   the least d of the whole capture
 *   drift      the line under all points whose summed distance to them is least: the edge of the lower hull
 *              that crosses the mean of t (Zhang, Liu, Xia, "Clock Synchronization Algorithms for Network
 *              Measurements", INFOCOM 2002; the same optimum as the linear program of Moon, Skelly, Towsley,
 *              INFOCOM 1999)
 *
 * Andrew's monotone chain on integers with 128-bit cross products: exact, and the same everywhere. Venues
 * stamp in whole milliseconds, cut off, so a d is up to 1 ms too large: the least one hardly is.
 */
#ifndef TAPEDECK_DATA_ONE_WAY_OFFSET_H
#define TAPEDECK_DATA_ONE_WAY_OFFSET_H

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct clock_point {
    ns_t local; /* when it came */
    ns_t delta; /* local - venue */
};

/* delta(t) through two points; from.local == to.local: a constant. */
struct clock_line {
    struct clock_point from, to;
};

struct one_way_offset {
    struct clock_point *hull; /* lower hull of the points so far, rising by time */
    uint32_t hull_count;
    uint32_t hull_capacity;
    bool hull_full; /* the hull had no room: a line can no longer be given */
    uint64_t samples;
    uint64_t skipped;         /* without a venue stamp, or with falling local time */
    struct clock_point least; /* the first point of least delta */
    ns_t first_local, last_local;
    u128_t local_sum; /* of (local - first_local) */
};

/* 65,536 points are 1 MiB; the hull of a day's capture has some tens. */
#define CLOCK_HULL_DEFAULT 65536

/* `hull` is the caller's, for `capacity` > 1 points; NULL and 0: only the constant is wanted. */
void one_way_offset_init(struct one_way_offset *clock, struct clock_point *hull, uint32_t capacity);
/* A message that the venue stamped `exch_ts` came at `local`. exch_ts 0 (no stamp) is skipped. */
void one_way_offset_add(struct one_way_offset *clock, ns_t local, ns_t exch_ts);

/* ERR_NOTFOUND: no sample. */
err_t one_way_offset_constant(const struct one_way_offset *clock, struct clock_line *line) MUST_USE;
/* ERR_NOTFOUND: no sample; ERR_FULL: the hull outgrew its room; ERR_RANGE: a drift above CLOCK_DRIFT_MAX_PPM,
 * which no clock has (the stamps are damaged, or the clock was set meanwhile). */
err_t one_way_offset_drift(const struct one_way_offset *clock, struct clock_line *line) MUST_USE;
#define CLOCK_DRIFT_MAX_PPM 10000

/* The line's delta at a local time, rounded down; extended beyond both ends. */
ns_t clock_line_at(const struct clock_line *line, ns_t local);
/* Local time put right: the line's least latency becomes `base_latency`. Never falls while `local` does not. */
ns_t clock_line_correct(const struct clock_line *line, ns_t local, ns_t base_latency);
/* Drift in parts per 10^9, rounded toward zero; 0 for a constant. */
int64_t clock_line_ppb(const struct clock_line *line);

#ifdef __cplusplus
}
#endif
#endif
