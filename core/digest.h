/* digest.h: the running digest: what makes two runs the same run.
 *
 * Records are appended to a small buffer; a full buffer is folded with XXH3-128, seeded by the fold
 * before it, so the digest depends on every byte and on the order, and not on how callers group them.
 * Only explicit fields are fed, never structs with padding; integers are fed little-endian.
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
    uint32_t used;      /* bytes waiting in the buffer */
    uint64_t count;     /* bytes fed */
    uint8_t buffer[DIGEST_BUFFER];
};

void digest_init(struct digest *digest, uint64_t seed);
void digest_fold(struct digest *digest); /* internal: empties a full buffer */
void digest_bytes(struct digest *digest, const void *bytes, size_t size);

static inline void digest_u64(struct digest *digest, uint64_t value)
{
    if (UNLIKELY(digest->used > DIGEST_BUFFER - 8))
        digest_fold(digest);
    __builtin_memcpy(digest->buffer + digest->used, &value, 8);
    digest->used += 8;
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
