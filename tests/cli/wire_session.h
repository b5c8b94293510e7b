/* wire_session.h: a session of a real adapter with a mock venue on the virtual wire, whose books are held against the
 * venue's own.
 *
 *   synth market ─► wire (sim/wire) ─► virtual network ─► link (adapters) ─► books
 *                     └── what its book was, after each of its events ──────────► equal, or stale
 *
 * After every update the book that the events build must be the one that the venue had at that update, unless it is
 * marked stale; and one that is not stale must not be older than any silence may last.
 */
#ifndef TAPEDECK_TESTS_CLI_WIRE_SESSION_H
#define TAPEDECK_TESTS_CLI_WIRE_SESSION_H

#include "cli/virtual_wire.h"
#include "core/book.h"
#include "core/feed.h"

#define SESSION_START       (INT64_C(1704067200) * NS_PER_S)
#define SESSION_INSTRUMENTS 2

/* A market that is played slowly: a day of it costs what an hour of a lively one does. */
struct slow_feed {
    struct feed feed; /* first */
    struct feed *from;
    int64_t times;
    struct event events[64];
};

struct synth_market;

/* What the venue had, after each of its market events. */
struct moment {
    uint64_t key; /* update id; Upbit: the stamp in ms */
    ns_t at;
    uint64_t hash;
};
struct history {
    struct moment *moments;
    size_t count, capacity, then; /* then: the last one before now - old */
};

struct session {
    /* the caller's */
    enum wire_venue venue;
    uint64_t seed;
    ns_t span;              /* from SESSION_START */
    uint32_t stretch;       /* the market is played so many times as slowly */
    uint32_t actions_per_s; /* of the market */
    ns_t diff_interval;
    struct virtual_net net;
    struct wire_faults faults;
    ns_t renew, silence, stale; /* of the link; 0: its own */
    ns_t old;                   /* a book that is not stale is no older than this */
    /* the session's */
    struct synth_market *market;
    void *market_memory;
    struct slow_feed slow;
    struct instrument instruments[SESSION_INSTRUMENTS];
    struct virtual_wire *virtual;
    struct wire_feed *feed;
    struct history histories[SESSION_INSTRUMENTS];
    struct book books[SESSION_INSTRUMENTS];
    void *memory[SESSION_INSTRUMENTS];
    uint64_t keys[SESSION_INSTRUMENTS]; /* of the client's books */
    bool known[SESSION_INSTRUMENTS];
    /* what came of it */
    uint64_t compared, gaps, events;
};

/* From opening to closing; fails the test that calls it, with venue and seed, where a book is wrong. */
void session_run(struct session *session);

#endif
