/* market.h: the contract of a venue's market-data state machine: bytes and time in, events out.
 *
 *   frame (text as received, arrival ts) ─► market_frame() ─► emit(event) ... emit(event)
 *
 * No socket, file, clock or randomness in here: importing a capture, recording, paper and live all run
 * this same code, over a capture reader in one case and over sockets in the others.
 *
 * Every venue gives one `struct market_ops`. The machine follows the venue's rule for keeping a book in
 * step (Binance spot U/u, futures pu, Upbit whole books). Where the chain breaks it emits EVENT_GAP and
 * waits for the next snapshot. Nothing is dropped in silence: see struct market_stats.
 */
#ifndef TAPEDECK_ADAPTERS_MARKET_H
#define TAPEDECK_ADAPTERS_MARKET_H

#include "core/event.h"
#include "core/instrument.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the machine counted, one per instrument. */
struct market_stats {
    uint64_t diffs_seen;     /* book diffs received (Upbit: whole books) */
    uint64_t diffs_applied;  /* of them, emitted as deltas (or snapshots) */
    uint64_t diffs_buffered; /* waiting for a snapshot now */
    uint64_t diffs_old;      /* already contained in the snapshot */
    uint64_t snapshots;
    uint64_t gaps; /* chain breaks: each is an EVENT_GAP */
    uint64_t trades;
    uint64_t bbos;
    uint64_t others;            /* klines, mark prices, tickers ... understood */
    uint64_t duplicates;        /* the same id again: dropped and counted */
    uint64_t exch_ts_backwards; /* within one stream */
};

/* Receives events in order. Levels live for the call. */
struct market_sink {
    void *context;
    err_t (*emit)(void *context, const struct event *event);
    /* A symbol seen for the first time: give it a number, or INSTRUMENT_NONE to ignore it. The machine asks
     * once. `instrument` is what the machine knows of it (venue, symbol, decimals guessed or known). */
    err_t (*discover)(void *context, const char *symbol, size_t symbol_size, uint16_t *number,
                      const struct instrument **instrument);
};

enum frame_kind {
    FRAME_WS,            /* a WebSocket message (combined wrapper or bare) */
    FRAME_REST_SNAPSHOT, /* a REST depth answer; `symbol` says of what when the body does not */
};

struct frame {
    ns_t ts;          /* arrival */
    const char *text; /* followed by FRAME_PADDING readable bytes (for the JSON parser) */
    size_t size;
    enum frame_kind kind;
    const char *symbol; /* may be NULL */
    size_t symbol_size;
};
#define FRAME_PADDING 64

struct market;
struct market_ops {
    const char *venue;
    /* One frame. ERR_SYNTAX/ERR_RANGE/ERR_PRECISION/ERR_UNSUPPORTED: this frame was not understood, `why` says
     * which field; the machine goes on with the next. Other codes are final (the sink refused). */
    err_t (*frame)(struct market *market, const struct frame *frame, struct err_text *why);
    /* The connection was lost or data are known to be missing: GAP for every synchronised book. */
    err_t (*disconnected)(struct market *market, ns_t ts);
    const struct market_stats *(*stats)(const struct market *market, uint16_t number);
    void (*close)(struct market *market);
};
struct market {
    const struct market_ops *ops;
};

#ifdef __cplusplus
}
#endif
#endif
