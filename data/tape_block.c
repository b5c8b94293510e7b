#include "data/tape_block.h"

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include <stdlib.h>
#include <string.h>

#define TRAILER_MAGIC   0x184D2A5Eu /* skippable frames are 0x184D2A50 to 0x184D2A5F */
#define SEAL_HASH_AT    112
#define TRAILER_HASH_AT 88

const uint8_t tape_magic[TAPE_MAGIC_SIZE] = {0x5D, 0x2A, 0x4D, 0x18}; /* 0x184D2A5D: a skippable frame too */
static const char seal_word[8] = {'T', 'A', 'P', 'E', 'D', 'E', 'C', 'K'};
static const char trailer_word[8] = {'T', 'A', 'P', 'E', '-', 'E', 'N', 'D'};

static void put32(uint8_t *out, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(x >> (8 * i));
}
static void put64(uint8_t *out, uint64_t x)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(x >> (8 * i));
}
static uint32_t get32(const uint8_t *in)
{
    return in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}
static uint64_t get64(const uint8_t *in)
{
    return get32(in) | (uint64_t)get32(in + 4) << 32;
}

static struct tape_hash hash_of(const void *bytes, size_t size)
{
    struct tape_hash hash;
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, size));
    memcpy(hash.bytes, canonical.digest, sizeof(hash.bytes));
    return hash;
}

bool tape_hash_equal(const struct tape_hash *a, const struct tape_hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void tape_hash_text(const struct tape_hash *hash, char text[33])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        text[2 * i] = digits[hash->bytes[i] >> 4];
        text[2 * i + 1] = digits[hash->bytes[i] & 15];
    }
    text[32] = '\0';
}

void tape_seal_write(struct tape_seal *seal, uint8_t out[TAPE_SEAL_SIZE])
{
    memset(out, 0, TAPE_SEAL_SIZE);
    memcpy(out, tape_magic, TAPE_MAGIC_SIZE);
    put32(out + 4, TAPE_SEAL_SIZE - 8);
    memcpy(out + 8, seal_word, 8);
    out[16] = (uint8_t)seal->type;
    out[17] = TAPE_VERSION;
    put32(out + 20, seal->frame_size);
    put32(out + 24, seal->raw_size);
    put32(out + 28, seal->messages);
    put32(out + 32, seal->levels);
    put64(out + 40, seal->number);
    put64(out + 48, seal->first_message);
    put64(out + 56, (uint64_t)seal->first_ts);
    put64(out + 64, (uint64_t)seal->last_ts);
    memcpy(out + 72, seal->previous.bytes, 16);
    memcpy(out + 88, seal->frame.bytes, 16);
    seal->hash = hash_of(out, SEAL_HASH_AT);
    memcpy(out + SEAL_HASH_AT, seal->hash.bytes, 16);
}

err_t tape_seal_read(const uint8_t in[TAPE_SEAL_SIZE], struct tape_seal *seal)
{
    struct tape_hash hash = hash_of(in, SEAL_HASH_AT);
    if (memcmp(in, tape_magic, TAPE_MAGIC_SIZE) != 0 || get32(in + 4) != TAPE_SEAL_SIZE - 8 ||
        memcmp(in + 8, seal_word, 8) != 0 || memcmp(in + SEAL_HASH_AT, hash.bytes, 16) != 0)
        return ERR_CORRUPT;
    if (in[17] != TAPE_VERSION)
        return ERR_VERSION;
    if (in[16] < TAPE_FRAME_HEADER || in[16] > TAPE_FRAME_INDEX)
        return ERR_CORRUPT;
    struct tape_seal read = {.type = (enum tape_frame_type)in[16],
                             .frame_size = get32(in + 20),
                             .raw_size = get32(in + 24),
                             .messages = get32(in + 28),
                             .levels = get32(in + 32),
                             .number = get64(in + 40),
                             .first_message = get64(in + 48),
                             .first_ts = (ns_t)get64(in + 56),
                             .last_ts = (ns_t)get64(in + 64),
                             .hash = hash};
    memcpy(read.previous.bytes, in + 72, 16);
    memcpy(read.frame.bytes, in + 88, 16);
    if (read.frame_size > TAPE_FRAME_LIMIT || read.raw_size > TAPE_FRAME_LIMIT)
        return ERR_CORRUPT;
    *seal = read;
    return ERR_OK;
}

void tape_trailer_write(const struct tape_trailer *trailer, uint8_t out[TAPE_TRAILER_SIZE])
{
    memset(out, 0, TAPE_TRAILER_SIZE);
    put32(out, TRAILER_MAGIC);
    put32(out + 4, TAPE_TRAILER_SIZE - 8);
    memcpy(out + 8, trailer_word, 8);
    put64(out + 16, trailer->index_offset);
    put64(out + 24, trailer->blocks);
    put64(out + 32, trailer->messages);
    put64(out + 40, trailer->levels);
    put64(out + 48, (uint64_t)trailer->first_ts);
    put64(out + 56, (uint64_t)trailer->last_ts);
    memcpy(out + 64, trailer->chain.bytes, 16);
    /* bytes 80 to 87 are zero */
    struct tape_hash hash = hash_of(out, TRAILER_HASH_AT);
    memcpy(out + TRAILER_HASH_AT, hash.bytes, 16);
}

err_t tape_trailer_read(const uint8_t in[TAPE_TRAILER_SIZE], struct tape_trailer *trailer)
{
    struct tape_hash hash = hash_of(in, TRAILER_HASH_AT);
    if (get32(in) != TRAILER_MAGIC || memcmp(in + 8, trailer_word, 8) != 0 ||
        memcmp(in + TRAILER_HASH_AT, hash.bytes, 16) != 0)
        return ERR_CORRUPT;
    trailer->index_offset = get64(in + 16);
    trailer->blocks = get64(in + 24);
    trailer->messages = get64(in + 32);
    trailer->levels = get64(in + 40);
    trailer->first_ts = (ns_t)get64(in + 48);
    trailer->last_ts = (ns_t)get64(in + 56);
    memcpy(trailer->chain.bytes, in + 64, 16);
    return ERR_OK;
}

/* ---- compression ---- */

struct tape_compressor {
    ZSTD_CCtx *zstd;
    int level;
    uint8_t *bytes;
    size_t capacity;
};

err_t tape_compressor_open(struct tape_compressor **compressor, int level)
{
    struct tape_compressor *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return ERR_NOMEM;
    opened->zstd = ZSTD_createCCtx();
    opened->level = level == 0 ? TAPE_ZSTD_LEVEL_DEFAULT : level;
    if (opened->zstd == NULL) {
        free(opened);
        return ERR_NOMEM;
    }
    *compressor = opened;
    return ERR_OK;
}

void tape_compressor_close(struct tape_compressor *compressor)
{
    if (compressor == NULL)
        return;
    ZSTD_freeCCtx(compressor->zstd);
    free(compressor->bytes);
    free(compressor);
}

err_t tape_compress(struct tape_compressor *compressor, const uint8_t *raw, size_t raw_size, struct tape_seal *seal,
                    const uint8_t **bytes, size_t *size)
{
    if (raw_size > TAPE_FRAME_LIMIT)
        return ERR_RANGE;
    size_t capacity = TAPE_SEAL_SIZE + ZSTD_compressBound(raw_size);
    if (compressor->capacity < capacity) {
        uint8_t *grown = realloc(compressor->bytes, capacity);
        if (grown == NULL)
            return ERR_NOMEM;
        compressor->bytes = grown;
        compressor->capacity = capacity;
    }
    uint8_t *frame = compressor->bytes + TAPE_SEAL_SIZE;
    size_t frame_size =
        ZSTD_compressCCtx(compressor->zstd, frame, capacity - TAPE_SEAL_SIZE, raw, raw_size, compressor->level);
    if (ZSTD_isError(frame_size))
        return ERR_NOMEM;
    seal->frame_size = (uint32_t)frame_size;
    seal->raw_size = (uint32_t)raw_size;
    seal->frame = hash_of(frame, frame_size);
    tape_seal_write(seal, compressor->bytes);
    *bytes = compressor->bytes;
    *size = TAPE_SEAL_SIZE + frame_size;
    return ERR_OK;
}

struct tape_decompressor {
    ZSTD_DCtx *zstd;
};

err_t tape_decompressor_open(struct tape_decompressor **decompressor)
{
    struct tape_decompressor *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return ERR_NOMEM;
    opened->zstd = ZSTD_createDCtx();
    if (opened->zstd == NULL) {
        free(opened);
        return ERR_NOMEM;
    }
    *decompressor = opened;
    return ERR_OK;
}

void tape_decompressor_close(struct tape_decompressor *decompressor)
{
    if (decompressor == NULL)
        return;
    ZSTD_freeDCtx(decompressor->zstd);
    free(decompressor);
}

err_t tape_decompress(struct tape_decompressor *decompressor, const struct tape_seal *seal, const uint8_t *frame,
                      uint8_t *raw)
{
    struct tape_hash hash = hash_of(frame, seal->frame_size);
    if (!tape_hash_equal(&hash, &seal->frame))
        return ERR_CORRUPT;
    size_t size = ZSTD_decompressDCtx(decompressor->zstd, raw, seal->raw_size, frame, seal->frame_size);
    return !ZSTD_isError(size) && size == seal->raw_size ? ERR_OK : ERR_CORRUPT;
}
