/* tape_compare.h: the first message that two tapes do not share.
 *
 *   a: header │ block │ block │ block │ ...        chains of hashes: the same as long as the blocks are
 *   b: header │ block │ block │ BLOCK │ ...
 *                              └─ found by their seals; only from here on are messages decoded
 *
 * Of tapes with the same header O(log n) seals are read, by the chain; of others every seal, by the hash of its
 * block. Tapes whose blocks are cut elsewhere, or compressed otherwise, are compared message by message: slower, and
 * as exact. Instruments are compared by their number in the tape.
 */
#ifndef TAPEDECK_DATA_TAPE_COMPARE_H
#define TAPEDECK_DATA_TAPE_COMPARE_H

#include "core/event.h"

/* A message with what it points to. */
struct tape_message {
    bool known; /* false: the tape has no such message */
    struct event event;
    void *owned;
};

struct tape_difference {
    bool differs;
    uint64_t message; /* the number of the first one that is not the same, from 0, in both */
    struct tape_message a, b;
    uint64_t same_blocks_to; /* messages that were known to be the same by their seals */
    uint64_t decoded;        /* messages read to find it, of each */
};

/* The same in every field, levels and body included; the lane is not looked at. */
bool tape_event_same(const struct event *a, const struct event *b);
/* ERR_NOMEM. */
err_t tape_message_keep(struct tape_message *message, const struct event *event) MUST_USE;
void tape_message_free(struct tape_message *message);

/* Failures name the tape; `difference` is to be freed in any case. */
err_t tape_compare(const char *a, const char *b, struct tape_difference *difference, struct err_text *why) MUST_USE;
void tape_difference_free(struct tape_difference *difference);

#endif
