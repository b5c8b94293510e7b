/* tape_block.h: what holds a tape together: seals, checksums, the chain, compression. tape_block.c is the one
 * file that includes zstd; bytes in, bytes out.
 *
 *   file:   seal frame │ seal frame │ ... │ seal frame │ trailer
 *           (header)     (block 0)          (index)
 *
 * A seal is a skippable zstd frame of 128 bytes, so that `zstd -d` opens a tape and prints the msgpack objects of
 * all frames. It carries the counts and stamps of the frame after it, the hash of that frame, the hash of the
 * seal before it and its own: a flipped bit anywhere is found, and a block cannot be left out or moved.
 */
#ifndef TAPEDECK_DATA_TAPE_BLOCK_H
#define TAPEDECK_DATA_TAPE_BLOCK_H

#include "core/err.h"

#define TAPE_VERSION            1
#define TAPE_MAGIC_SIZE         4
#define TAPE_SEAL_SIZE          128
#define TAPE_TRAILER_SIZE       104
#define TAPE_FRAME_LIMIT        (1u << 28)
#define TAPE_ZSTD_LEVEL_DEFAULT 4

enum tape_frame_type { TAPE_FRAME_HEADER = 1, TAPE_FRAME_BLOCK = 2, TAPE_FRAME_INDEX = 3 };

/* The four bytes that every seal begins with. */
extern const uint8_t tape_magic[TAPE_MAGIC_SIZE];

struct tape_hash {
    uint8_t bytes[16];
};

struct tape_seal {
    enum tape_frame_type type;
    uint32_t frame_size; /* compressed bytes that follow the seal */
    uint32_t raw_size;   /* of them uncompressed */
    uint32_t messages, levels;
    uint64_t number;        /* of the block, from 0; header and index: 0 */
    uint64_t first_message; /* running number of the block's first message */
    ns_t first_ts, last_ts;
    struct tape_hash previous; /* hash of the seal before; zeros in the header's */
    struct tape_hash frame;    /* XXH3-128 of the frame's bytes */
    struct tape_hash hash;     /* XXH3-128 of the seal's bytes before this field */
};

struct tape_trailer {
    uint64_t index_offset; /* of the index's seal */
    uint64_t blocks, messages, levels;
    ns_t first_ts, last_ts;
    struct tape_hash chain; /* hash of the last block's seal (of the header's, when there is no block) */
};

/* Fills seal->hash too. */
void tape_seal_write(struct tape_seal *seal, uint8_t out[TAPE_SEAL_SIZE]);
/* ERR_CORRUPT: not a seal, or damaged. ERR_VERSION: of another version. */
err_t tape_seal_read(const uint8_t in[TAPE_SEAL_SIZE], struct tape_seal *seal) MUST_USE;
void tape_trailer_write(const struct tape_trailer *trailer, uint8_t out[TAPE_TRAILER_SIZE]);
err_t tape_trailer_read(const uint8_t in[TAPE_TRAILER_SIZE], struct tape_trailer *trailer) MUST_USE;

struct tape_compressor;
err_t tape_compressor_open(struct tape_compressor **compressor, int level) MUST_USE;
void tape_compressor_close(struct tape_compressor *compressor);
/* Compress `raw` and write seal and frame, ready to be appended to the file. `seal` brings type, counts, stamps and
 * previous; sizes and hashes are filled in. The bytes live until the next call. */
err_t tape_compress(struct tape_compressor *compressor, const uint8_t *raw, size_t raw_size, struct tape_seal *seal,
                    const uint8_t **bytes, size_t *size) MUST_USE;

struct tape_decompressor;
err_t tape_decompressor_open(struct tape_decompressor **decompressor) MUST_USE;
void tape_decompressor_close(struct tape_decompressor *decompressor);
/* Check the frame's hash and decompress; `raw` holds seal->raw_size bytes. */
err_t tape_decompress(struct tape_decompressor *decompressor, const struct tape_seal *seal, const uint8_t *frame,
                      uint8_t *raw) MUST_USE;

bool tape_hash_equal(const struct tape_hash *a, const struct tape_hash *b);
/* 32 hex digits and a NUL. */
void tape_hash_text(const struct tape_hash *hash, char text[33]);

#endif
