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
 *
 * Decimals. A capture does not say how many decimals a symbol has. So an importer measures first and decodes
 * then:
 *
 *   scan(frame) ... scan(frame)        texts of prices and quantities ─► decimal_measure ─► an instrument
 *   frame(frame) ... ERR_PRECISION     a later text needs more: widen the instrument, begin again
 *
 * A frame that is refused has emitted nothing and changed nothing but what `discover` was asked.
 */
#ifndef TAPEDECK_ADAPTERS_MARKET_H
#define TAPEDECK_ADAPTERS_MARKET_H

#include "core/event.h"
#include "core/instrument.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the machine counted, one per instrument, and one (INSTRUMENT_NONE) for frames of no instrument and of
 * instruments that `discover` declined.
 * Always: diffs_seen == diffs_applied + diffs_buffered + diffs_old + diffs_dropped. */
struct market_stats {
    uint64_t diffs_seen;     /* book diffs received (Upbit: whole books) */
    uint64_t diffs_applied;  /* of them, emitted as deltas (or snapshots) */
    uint64_t diffs_buffered; /* waiting for a snapshot now */
    uint64_t diffs_old;      /* already contained in the snapshot or the book (Upbit: stamped before the last) */
    uint64_t diffs_dropped;  /* pushed out of the full buffer, or thrown away with it when the connection broke */
    uint64_t snapshots;      /* emitted */
    uint64_t snapshots_old;  /* not emitted: older than the book, or too old to meet the buffered diffs */
    uint64_t gaps;           /* chain breaks and lost connections: each is an EVENT_GAP */
    uint64_t trades;
    uint64_t bbos;
    uint64_t others;            /* klines, mark prices, tickers, answers ... understood; some are not emitted */
    uint64_t duplicates;        /* a trade whose id was seen before: dropped */
    uint64_t exch_ts_backwards; /* within one stream */
};

/* Receives events in order. Levels and bodies live for the call. Event ts is the frame's arrival ts (diffs that
 * waited for a snapshot: the snapshot's), `lane` is 0. */
struct market_sink {
    void *context;
    err_t (*emit)(void *context, const struct event *event);
    /* A symbol seen for the first time: give it a number and the instrument whose decimals are to be used (copied
     * out at once), or INSTRUMENT_NONE to ignore it. The machine asks once a symbol. Any error is final. */
    err_t (*discover)(void *context, const char *symbol, size_t symbol_size, uint16_t *number,
                      const struct instrument **instrument);
};

/* One pair of texts as they stand in a frame; they live for the call. */
struct market_texts {
    const char *symbol; /* "" when neither the frame nor its body names one (a bare REST snapshot) */
    size_t symbol_size;
    const char *price; /* NULL: only a quantity */
    size_t price_size;
    const char *qty; /* NULL: only a price */
    size_t qty_size;
};
typedef err_t (*market_found_fn)(void *context, const struct market_texts *texts);

enum frame_kind {
    FRAME_WS,            /* a WebSocket message (combined wrapper or bare) */
    FRAME_REST_SNAPSHOT, /* a REST depth answer; `symbol` says of what when the body does not */
    FRAME_REST_PARTIAL,  /* the same with the top levels only, where books are polled: not to be chained to diffs */
};

struct frame {
    ns_t ts;          /* arrival */
    const char *text; /* followed by FRAME_PADDING readable bytes (for the JSON parser) */
    size_t size;
    enum frame_kind kind;
    const char *symbol; /* of a body that names none: of the request's URL, say; may be NULL */
    size_t symbol_size;
};
#define FRAME_PADDING  64
#define FRAME_SIZE_MAX (64u << 20) /* larger frames are refused: ERR_RANGE */

struct market;
struct market_ops {
    const char *venue;
    /* One frame. ERR_SYNTAX/ERR_RANGE/ERR_PRECISION/ERR_UNSUPPORTED: this frame was not understood, `why` says
     * which field; the machine goes on with the next. Other codes are final (the sink refused, no memory). */
    err_t (*frame)(struct market *market, const struct frame *frame, struct err_text *why);
    /* Show every price and quantity text of a frame that must be kept exactly; nothing is emitted, nothing
     * remembered. Errors as with `frame`; an error of `found` comes back as it is. */
    err_t (*scan)(struct market *market, const struct frame *frame, market_found_fn found, void *context,
                  struct err_text *why);
    /* The connection was lost or data are known to be missing: GAP for every synchronised book. */
    err_t (*disconnected)(struct market *market, ns_t ts);
    /* NULL: no such number. Lives as long as the machine and changes with it. */
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
