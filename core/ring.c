/* How: a record begins with its size in 16 bytes of their own, so that every record is aligned. A size of SKIP says
 * that the rest of the memory is not used and the next record is at the start. */
#include "core/ring.h"

#define HEADER 16
#define SKIP   UINT32_MAX

static uint64_t stride(uint32_t size)
{
    return HEADER + (((uint64_t)size + 15) & ~UINT64_C(15));
}

void ring_init(struct ring *ring, void *memory, uint64_t capacity)
{
    ASSERT(capacity >= 4096 && (capacity & (capacity - 1)) == 0 && ((uintptr_t)memory & 63) == 0);
    *ring = (struct ring){.memory = memory, .capacity = capacity};
}

static uint8_t *at(const struct ring *ring, uint64_t position)
{
    return ring->memory + (position & (ring->capacity - 1));
}

static void set_size(const struct ring *ring, uint64_t position, uint32_t size)
{
    *(uint32_t *)(void *)at(ring, position) = size;
}

void *ring_reserve(struct ring *ring, uint32_t size, uint64_t keep)
{
    ASSERT(size <= RING_RECORD_MAX(ring->capacity));
    const uint64_t tail = ring->producer.tail;
    const uint64_t to_end = ring->capacity - (tail & (ring->capacity - 1));
    const uint64_t skipped = to_end < stride(size) ? to_end : 0;
    const uint64_t end = tail + skipped + stride(size) + keep;
    /* The consumer is looked at when the copy says full, and when the ring may be fuller than it was ever seen. */
    const bool may_be_most =
        tail - ring->producer.head_seen > ring->producer.fullest + ring->capacity / RING_FULLEST_PART;
    if (UNLIKELY(end - ring->producer.head_seen > ring->capacity || may_be_most)) {
        ring->producer.head_seen = __atomic_load_n(&ring->consumer.head, __ATOMIC_ACQUIRE);
        if (tail - ring->producer.head_seen > ring->producer.fullest)
            __atomic_store_n(&ring->producer.fullest, tail - ring->producer.head_seen, __ATOMIC_RELAXED);
        if (end - ring->producer.head_seen > ring->capacity)
            return NULL;
    }
    if (skipped > 0)
        set_size(ring, tail, SKIP);
    ring->producer.reserved = tail + skipped;
    return at(ring, ring->producer.reserved) + HEADER;
}

void ring_commit(struct ring *ring, uint32_t size)
{
    set_size(ring, ring->producer.reserved, size);
    __atomic_store_n(&ring->producer.tail, ring->producer.reserved + stride(size), __ATOMIC_RELEASE);
}

uint64_t ring_used(const struct ring *ring)
{
    return ring->producer.tail - __atomic_load_n(&ring->consumer.head, __ATOMIC_ACQUIRE);
}

/* The tail that is known lies beyond `head`, or does so after a look. */
static bool is_beyond(struct ring *ring, uint64_t head)
{
    if (ring->consumer.tail_seen == head)
        ring->consumer.tail_seen = __atomic_load_n(&ring->producer.tail, __ATOMIC_ACQUIRE);
    return ring->consumer.tail_seen != head;
}

const void *ring_peek(struct ring *ring, uint32_t *size)
{
    uint64_t head = ring->consumer.head;
    if (!is_beyond(ring, head))
        return NULL;
    uint32_t found = *(const uint32_t *)(const void *)at(ring, head);
    if (found == SKIP) {
        head += ring->capacity - (head & (ring->capacity - 1));
        __atomic_store_n(&ring->consumer.head, head, __ATOMIC_RELEASE);
        found = *(const uint32_t *)(const void *)at(ring, head);
    }
    *size = found;
    return at(ring, head) + HEADER;
}

void ring_release(struct ring *ring)
{
    const uint64_t head = ring->consumer.head;
    const uint32_t size = *(const uint32_t *)(const void *)at(ring, head);
    __atomic_store_n(&ring->consumer.head, head + stride(size), __ATOMIC_RELEASE);
}
