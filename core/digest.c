/* digest.c: the only file that includes xxHash, and its header-only part alone: nothing is linked. */
#include "core/digest.h"

#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wshadow"
#define XXH_INLINE_ALL
#include <xxhash.h>
#pragma GCC diagnostic pop

STATIC_ASSERT(DIGEST_BUFFER % 8 == 0, "folds fall between words");

/* A block starts with the upper half of the chain; the lower half is the seed: all 128 bits go on. */
static void begin_block(struct digest *digest)
{
    digest->used = 0;
    digest_put(digest, digest->high);
}

void digest_init(struct digest *digest, uint64_t seed)
{
    memset(digest, 0, sizeof(*digest));
    digest->low = seed;
    begin_block(digest);
}

void digest_fold(struct digest *digest)
{
    ASSERT(digest->used == DIGEST_BUFFER);
    XXH128_hash_t hash = XXH3_128bits_withSeed(digest->buffer, DIGEST_BUFFER, digest->low);
    digest->low = hash.low64;
    digest->high = hash.high64;
    begin_block(digest);
}

void digest_bytes(struct digest *digest, const void *bytes, size_t size)
{
    digest_u64(digest, size);
    const uint8_t *at = bytes;
    size_t words_size = size & ~(size_t)7;
    while (words_size > 0) {
        if (digest->used == DIGEST_BUFFER)
            digest_fold(digest);
        size_t room = DIGEST_BUFFER - digest->used;
        size_t part = words_size < room ? words_size : room;
        memcpy(digest->buffer + digest->used, at, part);
        digest->used += (uint32_t)part;
        digest->count += part;
        at += part;
        words_size -= part;
    }
    if (size & 7) { /* the last word: zeros after the bytes; the length above tells them apart */
        uint8_t tail[8] = {0};
        memcpy(tail, at, size & 7);
        uint64_t word = 0;
        for (int i = 0; i < 8; i++)
            word |= (uint64_t)tail[i] << (8 * i);
        digest_u64(digest, word);
    }
}

struct digest_value digest_value(const struct digest *digest)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(digest->buffer, digest->used, digest->low);
    return (struct digest_value){.low = hash.low64, .high = hash.high64};
}

void digest_text(struct digest_value value, char text[DIGEST_TEXT_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        text[i] = hex[value.high >> (60 - 4 * i) & 15];
        text[16 + i] = hex[value.low >> (60 - 4 * i) & 15];
    }
    text[32] = '\0';
}
