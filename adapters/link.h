/* link.h: the contract of a venue's whole side as a state machine: what came over the wire in, events, bytes to send
 * and the next moment out.
 *
 *              ┌───────────────────────── link ─────────────────────────┐
 *   input ───► │ connections, subscriptions, limits, staleness          │ ──► open, close, send, ping, get
 *   (bytes,    │    └─► market machine (market.h): frames to events     │ ──► events (market_sink)
 *    time)     │                                                        │ ──► due: when it wants to be woken
 *              └────────────────────────────────────────────────────────┘
 *
 * A link opens no socket, asks no clock and draws no randomness but from its seed. Whoever runs it (a shell with
 * sockets, a simulated network, a recorded session) brings every input with its time, in the order in which it
 * came, and carries out what the link asks for. So a session is a function of its inputs, and recording these is
 * recording all of it.
 *
 * A link has up to LINK_CONNS connections (a stream that is being renewed has two for a while) and any number of
 * requests under way. It reconnects by itself: whoever runs it only tells that a connection is gone.
 *
 * What is asked for is fire and forget: open is answered by LINK_UP or LINK_DOWN, get by LINK_ANSWER or LINK_FAILED,
 * ping by LINK_PONG; nothing is answered within the call. After close(conn) no input of that connection comes but
 * one LINK_DOWN. Slots and ids may be used again after their last answer.
 *
 * Time. ts never falls. Timers of the link: an input (any) with ts >= due makes it do what was due; when nothing
 * arrives, a LINK_TICK does.
 */
#ifndef TAPEDECK_ADAPTERS_LINK_H
#define TAPEDECK_ADAPTERS_LINK_H

#include "adapters/market.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LINK_CONNS       16
#define LINK_SYMBOLS_MAX 1024
#define LINK_URL_SIZE    2048 /* with its end */

/* code, name */
#define LINK_WHAT_MAP(X)                                                                                             \
    X(UP, "up")           /* conn is open */                                                                         \
    X(DOWN, "down")       /* conn is closed, or could not be opened; status: the WebSocket close code, or the HTTP   \
                             status of a refused handshake, 0: neither; text: why */                                 \
    X(TEXT, "text")       /* a whole text message of conn */                                                         \
    X(BINARY, "binary")   /* a whole binary message of conn */                                                       \
    X(PONG, "pong")       /* conn answered a ping */                                                                 \
    X(ANSWER, "answer")   /* of request id: status, head: the header lines, text: the body */                        \
    X(FAILED, "failed")   /* request id has no whole answer; text: why */                                            \
    X(TICK, "tick")       /* nothing but time */                                                                     \
    X(CLOCK, "clock")     /* the local clock was stepped by `value` ns against the monotonic one: forward, ts jumped \
                             by that; back, ts goes on as before */                                                  \
    X(DROPPED, "dropped") /* `value` inputs of this link had to be thrown away before this one; conn: of which */    \
    X(COMMAND, "command") /* of an operator; text: "pause", "resume", "stop", "set KEY=VALUE"; not for one link */
#define LINK_ENUM(name, text) LINK_##name,
enum link_what { LINK_WHAT_MAP(LINK_ENUM) LINK_WHAT_COUNT };
#undef LINK_ENUM

struct link_input {
    ns_t ts;
    int64_t value;
    uint64_t id;      /* of a request */
    const char *head; /* header lines, each with its CR LF; may be NULL */
    const char *text; /* followed by FRAME_PADDING readable bytes; may be NULL when text_size is 0 */
    uint32_t head_size;
    uint32_t text_size;
    int32_t status;
    uint16_t link; /* number of the link in its session */
    uint8_t conn;
    uint8_t what; /* enum link_what */
};

/* Carries out what links ask for. A recorded session has one that does nothing. Texts live for the call. */
struct link_wire {
    void *context;
    void (*open)(void *context, uint16_t link, uint8_t conn, const char *url); /* wss://host[:port]/path?query */
    void (*close)(void *context, uint16_t link, uint8_t conn);
    void (*send)(void *context, uint16_t link, uint8_t conn, const char *text, size_t size); /* a text message */
    void (*ping)(void *context, uint16_t link, uint8_t conn);
    /* GET; `timeout` from being sent to the last byte of the answer. Answers come in any order. */
    void (*get)(void *context, uint16_t link, uint64_t id, const char *url, ns_t timeout);
};

/* Which streams of a symbol. */
enum link_stream {
    LINK_BOOK = 1 << 0,    /* the whole book: diffs and snapshots; Upbit: orderbook */
    LINK_PARTIAL = 1 << 1, /* the top levels only, as the venue sends them */
    LINK_TRADES = 1 << 2,  /* trade; USD-M futures: aggTrade */
    LINK_BBO = 1 << 3,
    LINK_MARK = 1 << 4,
    LINK_CANDLES = 1 << 5,
    LINK_TICKER = 1 << 6,
};

struct link_symbol {
    const char *symbol; /* as the venue writes it: BTCUSDT, KRW-BTC */
    uint16_t instrument;
    unsigned streams; /* enum link_stream */
};

struct link_config {
    uint16_t number;
    const struct link_symbol *symbols; /* copied */
    uint32_t symbol_count;
    const struct instrument *instruments; /* by link_symbol.instrument; outlive the link */
    const char *rest;                     /* https://host[:port], NULL: the venue's own */
    const char *stream;                   /* wss://host[:port], NULL: the venue's own */
    const char *interval;                 /* of candles, as the venue writes it; NULL: one minute */
    const char *format;                   /* Upbit: "DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST"; NULL: SIMPLE */
    uint32_t depth_ms;                    /* book updates every so often, 0: the fastest there is */
    uint32_t partial_levels;              /* 0: 20 */
    ns_t poll;     /* > 0: books by REST every so often, no stream: a comparison, not for trading */
    ns_t stale;    /* nothing of a symbol's book for so long: it is stale; 0: 10 s */
    ns_t silence;  /* nothing at all over a connection for so long: it is dead; 0: 30 s */
    ns_t renew;    /* a connection is replaced after so long; 0: 23 h 30 min */
    uint64_t seed; /* of ids and jitter */
};

struct link_stats {
    uint64_t inputs, bytes;
    uint64_t frames;             /* messages over connections */
    uint64_t refused;            /* of them not understood; the last is in `said` */
    uint64_t connects, downs;    /* connections that came up, that went down */
    uint64_t renewals;           /* of connections that ended as planned */
    uint64_t requests, failures; /* GETs, those without an answer that could be used */
    uint64_t limited;            /* answers 429 and 418 */
    uint64_t held;               /* requests and messages that waited for a limit */
    uint64_t stale;              /* times a symbol was found stale */
    uint64_t dropped;            /* inputs that never got here */
    uint64_t clock_steps;
    ns_t clock_offset;      /* the venue's clock minus ours, estimated; valid when clock_samples > 0 */
    ns_t clock_uncertainty; /* the true one is within +- this */
    uint64_t clock_samples;
    struct err_text said;
};

struct link;
struct link_ops {
    const char *venue;
    /* One input. OK also when a frame was not understood (counted, and the book goes stale when that is called for).
     * An error is final: the sink refused, no memory. */
    err_t (*input)(struct link *link, const struct link_input *input, struct err_text *why);
    /* When it next wants to be woken; NS_MAX: never. */
    ns_t (*due)(const struct link *link);
    /* Of one instrument (INSTRUMENT_NONE: of no instrument); NULL: unknown. */
    const struct market_stats *(*market)(const struct link *link, uint16_t instrument);
    void (*stats)(const struct link *link, struct link_stats *stats);
    void (*close)(struct link *link);
};
/* The first input (any; usually a LINK_TICK) makes it begin. */
struct link {
    const struct link_ops *ops;
};

const char *link_what_name(enum link_what what);

#ifdef __cplusplus
}
#endif
#endif
