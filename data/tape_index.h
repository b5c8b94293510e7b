/* tape_index.h: where the blocks are: for seeking by time and by message number. The index names every
 * `stride`-th block and never more than TAPE_INDEX_MAX of them: when full it forgets every second entry and doubles
 * the stride, so that its memory does not grow with the tape; a seek walks the seals of at most stride - 1 blocks. */
#ifndef TAPEDECK_DATA_TAPE_INDEX_H
#define TAPEDECK_DATA_TAPE_INDEX_H

#include "data/packed.h"

#define TAPE_INDEX_MAX 32768

struct tape_index_entry {
    uint64_t offset; /* of the block's seal */
    uint64_t number;
    uint64_t first_message;
    ns_t first_ts;
};

struct tape_index {
    struct tape_index_entry *entries;
    uint32_t count, capacity;
    uint64_t stride;
};

void tape_index_init(struct tape_index *index);
void tape_index_free(struct tape_index *index);
/* Called for every block in order; keeps it or not. */
err_t tape_index_add(struct tape_index *index, const struct tape_index_entry *entry) MUST_USE;
void tape_index_pack(const struct tape_index *index, struct packed *packed);
err_t tape_index_unpack(const uint8_t *bytes, size_t size, struct tape_index *index) MUST_USE;
/* The last entry whose first_ts < `ts` (so that blocks that begin with equal stamps are not skipped), or the first
 * one. NULL: empty. */
const struct tape_index_entry *tape_index_by_ts(const struct tape_index *index, ns_t ts);
/* The last entry whose first_message <= `message`. */
const struct tape_index_entry *tape_index_by_message(const struct tape_index *index, uint64_t message);

#endif
