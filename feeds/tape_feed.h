/* tape_feed.h: a tape as a feed: decoded blocks are batches. */
#ifndef TAPEDECK_FEEDS_TAPE_FEED_H
#define TAPEDECK_FEEDS_TAPE_FEED_H

#include "core/feed.h"
#include "data/tape_reader.h"

struct tape_feed_options {
    uint32_t lookahead;  /* batches that may be held at once; 0: 4 */
    bool read_ahead;     /* a thread decodes the next block */
    const uint16_t *map; /* tape's instrument number -> run's; NULL: the same */
    uint16_t lane;
};

err_t tape_feed_open(struct feed **feed, const char *path, const struct tape_feed_options *options,
                     struct err_text *why) MUST_USE;
const struct tape_info *tape_feed_info(const struct feed *feed);
/* Messages handed out so far, for a progress bar. */
uint64_t tape_feed_position(const struct feed *feed);
void tape_feed_profile(const struct feed *feed, struct tape_reader_profile *profile);

#endif
