/* number_feed.h: a feed as it is, and which message of it an event was.
 *
 *   inner ─► number_feed ─► (clip) ─► world        find(event) = its running number, from 0
 *
 * Batches pass through untouched; what is kept is their numbers, and of each instrument the last book message of the
 * batches that were handed back. For explaining a run, not for running one: each batch is read once more.
 */
#ifndef TAPEDECK_FEEDS_NUMBER_FEED_H
#define TAPEDECK_FEEDS_NUMBER_FEED_H

#include "core/feed.h"

/* Closes with its wrapper only: `inner` stays its owner's and outlives it. */
err_t number_feed_open(struct feed **feed, struct feed *inner, uint16_t instrument_count,
                       struct err_text *why) MUST_USE;

/* The number of an event of a batch that is still held. False: not an event of this feed. */
bool number_feed_find(const struct feed *feed, const struct event *event, uint64_t *number);

struct numbered {
    uint64_t number;
    ns_t ts, exch_ts;
    uint64_t seq;
    uint8_t kind;
};
/* The last book message of an instrument that arrived at or before `ts` and carries `seq`. False: not known any more,
 * or never of this feed. */
bool number_feed_book(const struct feed *feed, uint16_t instrument, ns_t ts, uint64_t seq, struct numbered *message);

#endif
