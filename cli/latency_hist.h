/* latency_hist.h: any number of times in fixed memory, and percentiles of them that are off by 0.4 % at most.
 *
 *   0 ns ... 127 ns        each its own bucket
 *   2^k ... 2^(k+1) - 1    128 buckets of the same width, up to 39 hours; what is longer counts as that long
 *
 * What is told of a bucket is its middle: at most half a width, 1/256 of the value, from what was put in. Least, most
 * and mean are exact. Times may be negative (two clocks disagree): they have buckets of their own.
 */
#ifndef TAPEDECK_CLI_LATENCY_HIST_H
#define TAPEDECK_CLI_LATENCY_HIST_H

#include "core/base.h"

#define LATENCY_HIST_BITS    7  /* buckets of an octave: 2^7 */
#define LATENCY_HIST_TOP     47 /* ns below 2^47 */
#define LATENCY_HIST_BUCKETS ((LATENCY_HIST_TOP - LATENCY_HIST_BITS + 1) << LATENCY_HIST_BITS)

/* All zero: empty. Plain memory: it may be shared and copied. */
struct latency_hist {
    uint64_t count;
    ns_t least, most; /* valid when count > 0 */
    int64_t sum;      /* 292 years */
    uint64_t above[LATENCY_HIST_BUCKETS];
    uint64_t below[LATENCY_HIST_BUCKETS]; /* of -1 and less, by size */
};

void latency_hist_add(struct latency_hist *hist, ns_t time);
/* The smallest time that `per_10000` of all do not exceed (5000: the median; 9900: P99). 0 when there is none. */
ns_t latency_hist_at(const struct latency_hist *hist, uint32_t per_10000);
ns_t latency_hist_mean(const struct latency_hist *hist); /* 0 when there is none */

#endif
