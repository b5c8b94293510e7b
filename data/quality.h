/* quality.h: what there is to say about the data of one instrument, learnt from its events.
 *
 *   every event ─► counts by kind, silences, stamps that fall
 *                ─► a book ─► crossed messages, gaps, the best prices at the end
 *   ticker      ─► has a diff the same update id? then price and size of both sides must be those of our
 *                  book after that diff: the venue itself checks our rebuilding
 *
 * Nothing here judges: counts and places are told, the reader of the report decides. Stamps are compared
 * within a stream (a kind of event), where a venue keeps order, and apart from that across the streams of
 * the instrument, where venues do not.
 *
 * Ticker and diff come on different streams, either first. A ticker that is ahead waits (the QUALITY_TICKERS
 * latest do) until a diff with its id is applied; one whose id was passed over was never comparable.
 *
 * The caller brings the memory, zeroed; nothing is allocated on the way.
 */
#ifndef TAPEDECK_DATA_QUALITY_H
#define TAPEDECK_DATA_QUALITY_H

#include "core/book.h"
#include "core/instrument.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QUALITY_LISTED  20   /* places of each kind that are kept; all are counted */
#define QUALITY_TICKERS 2048 /* a power of two; the busiest tenth of a second on record has some hundreds */

struct quality_ticker {
    uint64_t seq;
    struct level best[2]; /* bid, ask */
};

struct quality_silence {
    ns_t from; /* the last event before */
    ns_t to;   /* the first event after */
};

struct quality {
    struct book book;
    uint64_t messages; /* events of all kinds */
    uint64_t by_kind[EVENT_KIND_COUNT];
    uint64_t levels; /* in book snapshots and deltas */
    uint64_t gaps;
    uint64_t crossed;          /* book messages after which best bid >= best ask */
    uint64_t bbo_compared;     /* tickers with the id of a diff that was applied */
    uint64_t bbo_wrong;        /* of them, with another price or size than our book */
    uint64_t backwards;        /* venue stamps that fell within a stream */
    uint64_t backwards_across; /* venue stamps below that of the event before, of any stream */
    uint64_t silences;         /* longer than `silence_min` */
    struct quality_silence listed[QUALITY_LISTED];
    ns_t silence_min;
    ns_t silence_longest;
    ns_t first_ts, last_ts;
    ns_t latency_min;       /* least (ts - exch_ts); NS_MAX: no event had a venue stamp */
    uint64_t bbo_wrong_seq; /* update id of the first ticker that was wrong */
    /* inside */
    uint64_t delta_seq;             /* of the diff applied last; 0: none since the last snapshot or gap */
    struct quality_ticker *waiting; /* ring of QUALITY_TICKERS, ahead of the book */
    uint32_t waiting_first, waiting_end;
    ns_t stream_ts[EVENT_KIND_COUNT];
    ns_t exch_ts;
};

size_t quality_size(uint32_t window, uint32_t far_capacity);
/* `memory`: quality_size() zeroed bytes at a 64-byte boundary, for the book (sizes as with book_init).
 * `silence_min` > 0. */
void quality_init(struct quality *quality, void *memory, uint32_t window, uint32_t far_capacity,
                  const struct instrument *instrument, ns_t silence_min);
/* One event of the instrument, in order. `latency` is local arrival - venue stamp, before any correction
 * (unused when exch_ts is 0). */
void quality_apply(struct quality *quality, const struct event *event, ns_t latency);

#ifdef __cplusplus
}
#endif
#endif
