/* tape_fixture.h: seeded random events of every kind, and their comparison, for the tests of tapes. */
#ifndef TAPEDECK_TESTS_TAPE_FIXTURE_H
#define TAPEDECK_TESTS_TAPE_FIXTURE_H

#include "core/order.h"
#include "core/prng.h"
#include "data/tape_reader.h"
#include "data/tape_writer.h"

#define FIXTURE_INSTRUMENTS 3

struct fixture {
    struct instrument instruments[FIXTURE_INSTRUMENTS];
    struct event *events;
    struct level *levels;
    void *bodies;
    uint32_t count;
};

/* `style` 0: like a venue (small steps, chained ids); 1: wild (every value of every field may be extreme). */
void fixture_make(struct fixture *fixture, uint64_t seed, uint32_t count, int style);
void fixture_free(struct fixture *fixture);
/* Write all events; returns the path, a static buffer. */
const char *fixture_write(const struct fixture *fixture, const char *name, uint32_t block_levels);
/* False, and a line on stderr, where the two differ. */
bool fixture_same(const struct event *a, const struct event *b);

#endif
