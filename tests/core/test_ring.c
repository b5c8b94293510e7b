#include "core/prng.h"
#include "core/ring.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY 4096

static struct ring *new_ring(uint64_t capacity)
{
    struct ring *ring = aligned_alloc(64, align64(sizeof(*ring)));
    ring_init(ring, aligned_alloc(64, capacity), capacity);
    return ring;
}

static void free_ring(struct ring *ring)
{
    free(ring->memory);
    free(ring);
}

static bool put(struct ring *ring, const char *text)
{
    void *room = ring_reserve(ring, (uint32_t)strlen(text), 0);
    if (room == NULL)
        return false;
    memcpy(room, text, strlen(text));
    ring_commit(ring, (uint32_t)strlen(text));
    return true;
}

static void expect(struct ring *ring, const char *text)
{
    uint32_t size = 0;
    const void *found = ring_peek(ring, &size);
    cr_assert_not_null(found);
    cr_assert_eq(size, strlen(text));
    cr_assert_arr_eq(found, text, size);
    ring_release(ring);
}

Test(ring, records_come_out_in_the_order_in_which_they_went_in)
{
    struct ring *ring = new_ring(CAPACITY);
    uint32_t size;
    cr_assert_null(ring_peek(ring, &size));
    cr_assert(put(ring, "one"));
    cr_assert(put(ring, ""));
    cr_assert(put(ring, "three"));
    expect(ring, "one");
    expect(ring, "");
    expect(ring, "three");
    cr_assert_null(ring_peek(ring, &size));
    free_ring(ring);
}

Test(ring, a_record_that_is_not_committed_is_not_seen)
{
    struct ring *ring = new_ring(CAPACITY);
    uint32_t size;
    cr_assert_not_null(ring_reserve(ring, 100, 0));
    cr_assert_null(ring_peek(ring, &size));
    cr_assert(put(ring, "other"));
    expect(ring, "other");
    free_ring(ring);
}

Test(ring, a_full_ring_says_so_and_takes_more_after_a_release)
{
    struct ring *ring = new_ring(CAPACITY);
    int count = 0;
    while (put(ring, "0123456789abcdef"))
        count++;
    cr_assert_eq(count, CAPACITY / 32);
    expect(ring, "0123456789abcdef");
    cr_assert(put(ring, "0123456789abcdef"));
    cr_assert_not(put(ring, "0123456789abcdef"));
    free_ring(ring);
}

Test(ring, how_full_it_was_at_most_is_known_to_a_sixty_fourth_long_before_it_is_full)
{
    struct ring *ring = new_ring(CAPACITY);
    for (int i = 0; i < 40; i++) /* 32 bytes each: 1280 in use */
        cr_assert(put(ring, "record"));
    for (int i = 0; i < 40; i++)
        expect(ring, "record");
    for (int i = 0; i < 8; i++) {
        cr_assert(put(ring, "record"));
        expect(ring, "record");
    }
    cr_assert_geq(ring->producer.fullest, 1280 - 32 - CAPACITY / RING_FULLEST_PART);
    cr_assert_leq(ring->producer.fullest, 1280);
    free_ring(ring);
}

Test(ring, what_is_kept_free_is_there_for_those_who_keep_nothing)
{
    struct ring *ring = new_ring(CAPACITY);
    while (ring_reserve(ring, 16, 1024) != NULL)
        ring_commit(ring, 16);
    cr_assert_eq(ring_used(ring), CAPACITY - 1024);
    cr_assert_not_null(ring_reserve(ring, 16, 0));
    free_ring(ring);
}

/* Sizes and contents drawn twice from one seed: what comes out is what went in, also around the end of the memory. */
struct stream {
    struct ring *ring;
    uint64_t seed, count;
};

static uint32_t draw(struct prng *prng, uint8_t *record)
{
    const uint32_t size = (uint32_t)prng_below(prng, RING_RECORD_MAX(CAPACITY) + 1);
    const uint8_t byte = (uint8_t)prng_next(prng);
    memset(record, byte, size);
    return size;
}

static void *produce(void *context)
{
    struct stream *stream = context;
    struct prng prng;
    uint8_t record[RING_RECORD_MAX(CAPACITY)];
    prng_init(&prng, stream->seed, 0);
    for (uint64_t i = 0; i < stream->count; i++) {
        const uint32_t size = draw(&prng, record);
        void *room;
        while ((room = ring_reserve(stream->ring, size, 0)) == NULL)
            sched_yield();
        memcpy(room, record, size);
        ring_commit(stream->ring, size);
    }
    return NULL;
}

Test(ring, two_threads_agree_on_every_byte)
{
    struct stream stream = {new_ring(CAPACITY), 7, 20000};
    struct prng prng;
    uint8_t record[RING_RECORD_MAX(CAPACITY)];
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, produce, &stream), 0);
    prng_init(&prng, stream.seed, 0);
    for (uint64_t i = 0; i < stream.count; i++) {
        const uint32_t size = draw(&prng, record);
        uint32_t found_size = 0;
        const void *found;
        while ((found = ring_peek(stream.ring, &found_size)) == NULL)
            sched_yield();
        cr_assert_eq(found_size, size, "seed %llu, record %llu", (unsigned long long)stream.seed,
                     (unsigned long long)i);
        cr_assert_eq(memcmp(found, record, size), 0);
        ring_release(stream.ring);
    }
    pthread_join(thread, NULL);
    free_ring(stream.ring);
}
