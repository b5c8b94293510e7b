/* digest.h: the running digest: what makes two runs the same run.
 *
 *   fed: words of 8 bytes        ┌── block: 4096 bytes ──┐
 *   w1 w2 w3 ... ──────────────► │ high │ w1 w2 ... w511 │ ─► XXH3-128, seed low ─► (low, high) of the next
 *                                └───────────────────────┘
 *
 * Only words are fed: digest_u64 feeds one, little-endian; digest_bytes feeds the length as a word, then the
 * bytes, the last word filled up with zeros. A full block is hashed with XXH3-128; the lower half of the hash
 * seeds the next block and the upper half is its first word. So the digest depends on every word and on their
 * order. It does not depend on when it is read, nor on anything but the sequence of words: two calls
 * digest_bytes("ab"), digest_bytes("c") are another sequence than one digest_bytes("abc"), on purpose.
 * Only explicit fields are fed, never structs with padding.
 */
#ifndef TAPEDECK_CORE_DIGEST_H
#define TAPEDECK_CORE_DIGEST_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DIGEST_BUFFER    4096
#define DIGEST_TEXT_SIZE 33 /* 32 hex digits and NUL */

struct digest {
    uint64_t low, high; /* the chain so far */
    uint32_t used;      /* bytes of the block in the buffer, its first word included */
    uint64_t count;     /* bytes fed: 8 a word */
    uint8_t buffer[DIGEST_BUFFER];
};

void digest_init(struct digest *digest, uint64_t seed);
void digest_fold(struct digest *digest); /* internal: hashes the full block, begins the next */
/* `bytes` may be NULL when size is 0. */
void digest_bytes(struct digest *digest, const void *bytes, size_t size);

/* Internal: a word into the block. */
static inline void digest_put(struct digest *digest, uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    __builtin_memcpy(digest->buffer + digest->used, &value, 8);
    digest->used += 8;
}

static inline void digest_u64(struct digest *digest, uint64_t value)
{
    if (UNLIKELY(digest->used == DIGEST_BUFFER))
        digest_fold(digest);
    digest_put(digest, value);
    digest->count += 8;
}

struct digest_value {
    uint64_t low, high;
};
/* The digest of everything fed so far; feeding may go on. */
struct digest_value digest_value(const struct digest *digest);
/* 32 lower-case hex digits. */
void digest_text(struct digest_value value, char text[DIGEST_TEXT_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
