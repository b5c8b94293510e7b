/* clip_feed.h: a stretch of a feed, [from, to), that begins with whole books.
 *
 * What comes before `from` is read and folded into books; then each book that was there is given as one
 * BOOK_SNAPSHOT stamped `from`, and the feed goes on from the first event at or after it. So a strategy started in
 * the middle of a day sees the same books as one that ran from its beginning. Books that were stale (a gap) come as a
 * GAP instead.
 */
#ifndef TAPEDECK_FEEDS_CLIP_FEED_H
#define TAPEDECK_FEEDS_CLIP_FEED_H

#include "core/feed.h"
#include "core/instrument.h"

/* `inner` and `instruments` outlive the clip and stay their owner's. Events of instruments beyond `instrument_count`
 * (INSTRUMENT_NONE) pass through. */
err_t clip_feed_open(struct feed **feed, struct feed *inner, const struct instrument *instruments,
                     uint16_t instrument_count, ns_t from, ns_t to, uint16_t lane, struct err_text *why) MUST_USE;

#endif
