/* ring.h: records of any size from one thread to one other, in order, without a lock.
 *
 *        head (consumer)             tail (producer)
 *          ▼                           ▼
 *   ┌──────┬───────┬──────────┬────────┬──────────────┐
 *   │ free │ record│ record   │ record │     free     │     each: size, bytes, up to 16 bytes of rest
 *   └──────┴───────┴──────────┴────────┴──────────────┘
 *
 * A record lies in one piece; one that would not fit before the end of the memory begins at its start. The producer
 * reserves, fills and commits; the consumer peeks, reads in place and releases. Neither waits: full and empty are
 * answers. What the consumer sees of a record is what was written before the commit (release and acquire).
 *
 * Positions count bytes for ever; each side keeps a copy of the other's, so that a cache line is fetched only when
 * the copy says full or empty.
 */
#ifndef TAPEDECK_CORE_RING_H
#define TAPEDECK_CORE_RING_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_RECORD_MAX(capacity) ((capacity) / 4)
#define RING_FULLEST_PART         64

struct ring {
    uint8_t *memory;
    uint64_t capacity; /* a power of two */
    struct {
        uint64_t tail;      /* committed; written by the producer only */
        uint64_t head_seen; /* head is at least here */
        uint64_t reserved;  /* where the reserved record begins */
        uint64_t fullest;   /* most bytes in use, less a RING_FULLEST_PART of the capacity at most; any thread
                               may read it, atomically */
    } producer __attribute__((aligned(64)));
    struct {
        uint64_t head; /* released; written by the consumer only */
        uint64_t tail_seen;
    } consumer __attribute__((aligned(64)));
};

/* `memory` is 64-byte aligned, of `capacity` bytes: a power of two, at least 4096. */
void ring_init(struct ring *ring, void *memory, uint64_t capacity);

/* ---- the producer's side ---- */
/* Room for a record of `size` bytes (at most RING_RECORD_MAX), aligned to 16, of which `keep` bytes of the ring stay
 * free; NULL: there is none now. Unless it is committed, the next reserve takes its place. */
void *ring_reserve(struct ring *ring, uint32_t size, uint64_t keep);
void ring_commit(struct ring *ring, uint32_t size); /* at most the size reserved */
/* Bytes in use, as far as the producer knows. */
uint64_t ring_used(const struct ring *ring);

/* ---- the consumer's side ---- */
/* The oldest record, NULL: none. It stays until it is released. */
const void *ring_peek(struct ring *ring, uint32_t *size);
void ring_release(struct ring *ring);

#ifdef __cplusplus
}
#endif
#endif
