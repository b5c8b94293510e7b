/* tape_file.h: a tape as a file, for tape_reader.c alone: opened, walked from seal to seal, checked.
 *
 *     seal frame │ seal frame │ seal frame │ ... │ seal frame │ trailer
 *     (header)     (block 0)    (block 1)          (index)
 *        ▲            ▲ the cursor: what the next seal must say (offset, number, message, hash, stamp)
 *        └ read when opening, with the trailer
 *
 *     tape_file_open ─► [tape_file_seek] ─► tape_file_next ─► (decode file->raw) ─► tape_file_step ─► ... ERR_END
 *
 * It owns the descriptor, the header's instruments and the two buffers that frames are read and decompressed into.
 * It knows bytes, seals and the chain; what a block's bytes mean is the codec's, and threads, decoded blocks and who
 * holds them are the reader's. One thread at a time. All errors name the file.
 */
#ifndef TAPEDECK_DATA_TAPE_FILE_H
#define TAPEDECK_DATA_TAPE_FILE_H

#include "data/tape_block.h"
#include "data/tape_header.h"

#include <time.h>

struct tape_file {
    int fd;
    char *path;
    uint64_t size_bytes;
    struct tape_header header;
    uint64_t data_offset; /* of block 0's seal */
    struct tape_hash header_hash;
    struct tape_trailer trailer; /* of an unclosed tape: what its seals say */
    bool indexed;

    /* where the next block is expected, and what it must say */
    uint64_t offset, number, message;
    struct tape_hash previous;
    ns_t last_ts;

    struct tape_decompressor *decompressor;
    uint8_t *frame, *raw; /* of the last seal whose frame was read: as it is in the file, and decompressed */
    size_t frame_capacity, raw_capacity;

    /* wall clock and bytes of the frames read so far */
    uint64_t read_ns, zstd_ns;
    uint64_t compressed_bytes, raw_bytes;
};

/* On failure there is nothing to close. */
err_t tape_file_open(struct tape_file *file, const char *path, struct err_text *why) MUST_USE;
void tape_file_close(struct tape_file *file);

/* The next block: its seal continues the chain and its frame is whole; `file->raw` holds seal->raw_size bytes, and
 * TAPE_STREAM_SLACK zeros, until the next call. The cursor stays. ERR_END: index and trailer were there, and agree.
 */
err_t tape_file_next(struct tape_file *file, struct tape_seal *seal, struct err_text *why) MUST_USE;
/* The content was accepted too: the cursor goes behind the block. */
void tape_file_step(struct tape_file *file, const struct tape_seal *seal);
void tape_file_rewind(struct tape_file *file);
/* Set the cursor to the block with the first event at or after the stamp, or with the message of that number.
 * ERR_END: the tape ends earlier. */
err_t tape_file_seek(struct tape_file *file, bool by_ts, int64_t target, struct err_text *why) MUST_USE;

/* For profiles only: nothing that is read depends on it. */
static inline uint64_t tape_file_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
