/* wire.h: the contract of a venue's protocol side: what a venue says to its clients, and what it answers.
 *
 *                       market events (a tape, a synthetic market)
 *                                     │ wire_market
 *                                     ▼
 *   client bytes ──►  shell  ──►  ┌────────┐  ──►  calls->frame    a WebSocket frame to client c
 *   (sockets, or      wire_hello  │  wire  │       calls->close    end the connection of client c
 *    a simulated      wire_frame  │        │       calls->freeze   client c's socket is half open from now on
 *    network)         wire_request└────────┘       calls->answer   an HTTP answer
 *                     wire_timer ◄── wire_due
 *
 * A wire is one venue with its markets, its limits and its faults. It has no socket, no clock and no chance of its
 * own: what it says is a function of (config, the order of its inputs). So one program puts it behind TLS sockets
 * (sim/wire/shell/), and another one behind a network that is simulated. It shares no code with adapters/, since each
 * is there to check the other.
 *
 * Time. Every input brings `now`, which never falls. It is the time of connections: pings, limits and ages are
 * counted in it. The venue's own clock, the one in its messages, is another (struct wire_clock): on a tape of 2024
 * that is played ten times as fast, the venue lives in 2024 and its clock runs ten times as fast. Whoever wants them
 * to be one gives base and venue_base the same value and speed 1/1, and events whose exch_ts are times of `now`.
 *
 * Order. The outputs of an input are made in the call; they are in the order in which the venue would send them. What
 * was due at or before an input's `now` is said first, as if wire_timer had been called.
 *
 * Memory is allocated at wire_open by the limits of the config. What does not fit later is refused by name and
 * counted (struct wire_stats), never in silence.
 */
#ifndef TAPEDECK_SIM_WIRE_WIRE_H
#define TAPEDECK_SIM_WIRE_WIRE_H

#include "core/event.h"
#include "core/instrument.h"

#ifdef __cplusplus
extern "C" {
#endif

enum wire_venue { WIRE_BINANCE_USDM, WIRE_BINANCE_COINM, WIRE_BINANCE_SPOT, WIRE_UPBIT, WIRE_VENUE_COUNT };
/* "binance-usdm", "binance-coinm", "binance-spot", "upbit": as instruments name their venue. */
const char *wire_venue_name(enum wire_venue venue);
err_t wire_venue_parse(const char *name, enum wire_venue *venue) MUST_USE;

/* The numbers are those of RFC 6455. */
enum wire_opcode { WIRE_TEXT = 1, WIRE_BINARY = 2, WIRE_CLOSE = 8, WIRE_PING = 9, WIRE_PONG = 10 };

/* venue time = venue_base + (now - base) * num / den, rounded down. */
struct wire_clock {
    ns_t base, venue_base;
    uint64_t num, den; /* 1/1: as fast as `now`; 0/1: it stands still until it is set anew */
};

/* ---- faults: each is off at 0 ---- */

/* name, type, what it does; rates are parts in a million and are drawn from the config's seed */
#define WIRE_FAULT_MAP(X)                                                                                            \
    X(drop, RATE, "a market message is not sent to a client")                                                        \
    X(duplicate, RATE, "a market message is sent twice")                                                             \
    X(reorder, RATE, "a market message changes places with the next one to that client")                             \
    X(depth_gap, RATE, "a depth diff is sent to nobody: U/u and pu show a hole")                                     \
    X(stale_snapshot, RATE, "a REST book is answered as it was some time ago, with its id of then")                  \
    X(stale_age, TIME, "how long ago, at most: a copy of the books is taken so often (default 2s)")                  \
    X(silence_after, TIME, "a connection gets no more market data after so long, and still answers pings")           \
    X(half_open_after, TIME, "a connection is half open after so long: nothing arrives, nothing leaves, no end")     \
    X(no_pong, RATE, "a ping is not answered")                                                                       \
    X(drop_connection, TIME, "connections end without a close frame, after so long on average")                      \
    X(refuse_handshake, RATE, "a WebSocket handshake is answered with 503")                                          \
    X(http_429, RATE, "a request is answered with 429 though no limit was reached")                                  \
    X(http_418, RATE, "the same with 418, and the address is banned for ban_time")                                   \
    X(ban_time, TIME, "how long the first ban lasts (default 2m); each further one lasts twice as long")             \
    X(retry_after, RATE, "a 429 or 418 says Retry-After where the venue's pages promise none (USD-M, Upbit)")        \
    X(no_retry_after, RATE, "and none where they do (spot)")                                                         \
    X(http_503, RATE, "a request is answered with 503, in one of the venue's wordings")                              \
    X(http_html, RATE, "a request is answered with 502 and a page of HTML")                                          \
    X(slow, RATE, "an answer is held back by slow_time")                                                             \
    X(slow_time, TIME, "how long (default 3s)")                                                                      \
    X(truncate, RATE, "an answer ends in the middle of its body, and the connection with it")                        \
    X(clock_skew, SIGNED_TIME, "the venue's clock is ahead by so much (negative: behind)")                           \
    X(clock_drift, SIGNED_RATE, "and gains so many parts in a million")                                              \
    X(life, TIME, "connections are closed after so long (default 24h, as the venues do)")

#define WIRE_FAULT_TYPE_RATE        uint32_t
#define WIRE_FAULT_TYPE_SIGNED_RATE int32_t
#define WIRE_FAULT_TYPE_TIME        ns_t
#define WIRE_FAULT_TYPE_SIGNED_TIME ns_t
struct wire_faults {
#define WIRE_FAULT_FIELD(name, type, text) WIRE_FAULT_TYPE_##type name;
    WIRE_FAULT_MAP(WIRE_FAULT_FIELD)
#undef WIRE_FAULT_FIELD
};

struct wire_config {
    enum wire_venue venue;
    uint64_t seed;                        /* of the faults */
    const struct instrument *instruments; /* copied; of the venue that is played, whatever their own venue says */
    uint16_t instrument_count;            /* market events of other numbers are counted and ignored */
    struct wire_clock clock;
    struct wire_faults faults;
    bool no_limits;        /* nobody is refused for asking too much (tests of other things) */
    uint32_t client_max;   /* WebSocket connections at once; 0: 256 */
    uint32_t peer_max;     /* addresses whose limits are kept; 0: 256. The one that was longest quiet is forgotten */
    uint32_t stream_max;   /* different streams that are subscribed at once; 0: 4096 */
    uint32_t book_window;  /* of the books (core/book.h); 0: BOOK_WINDOW_DEFAULT */
    uint32_t far_capacity; /* 0: BOOK_FAR_DEFAULT */
    ns_t ping_interval;    /* 0: the venue's own (3 min USD-M, 20 s spot, none Upbit) */
    bool text_frames;      /* Upbit: data come in text frames instead of binary ones, as its pages show them */
};

/* ---- inputs and outputs ---- */

struct wire_header {
    const char *name;  /* any case */
    const char *value; /* NUL-terminated */
};

/* A request, or the handshake of a WebSocket. Texts live for the call. */
struct wire_request {
    uint64_t id;        /* the caller's: comes back with the answer */
    uint32_t peer;      /* the caller's number of the client's address: limits are kept by it */
    const char *method; /* "GET" */
    const char *path;   /* "/fapi/v1/depth", still percent-encoded */
    const char *query;  /* "symbol=BTCUSDT&limit=1000", still percent-encoded; "" for none */
    const struct wire_header *headers;
    uint32_t header_count;
    const char *body; /* NULL: none */
    size_t body_size;
};

#define WIRE_ANSWER_HEADERS_MAX 12
struct wire_answer {
    uint64_t request; /* id of it */
    uint16_t status;
    const struct wire_header *headers; /* content-type first; without content-length, date and connection */
    uint32_t header_count;
    const char *body;
    size_t body_size;
    ns_t delay; /* send it so much later (a fault); 0: now */
    bool cut;   /* send only cut_size bytes of the body, with the content-length of the whole, and hang up */
    size_t cut_size;
};

/* Bytes live for the call. None of these may call back into the wire. */
struct wire_calls {
    void *context;
    void (*frame)(void *context, uint32_t client, enum wire_opcode opcode, const char *bytes, size_t size);
    /* The client is forgotten by the wire when this is called; wire_goodbye is not expected for it. Code 0: without a
     * close frame, as when a cable is cut. */
    void (*close)(void *context, uint32_t client, uint16_t code, const char *reason);
    /* Nothing shall enter or leave this socket any more, and it shall not end. The wire is silent to it by itself;
     * the caller stops reading it (so that its pings go unanswered). wire_goodbye is still expected. May be NULL. */
    void (*freeze)(void *context, uint32_t client);
    void (*answer)(void *context, const struct wire_answer *answer);
};

struct wire_stats {
    uint64_t market_events;    /* taken in */
    uint64_t market_ignored;   /* of unknown instruments or kinds */
    uint64_t frames, bytes;    /* market data frames said, copies counted */
    uint64_t controls;         /* control answers, pings and pongs said */
    uint64_t connections;      /* accepted handshakes */
    uint64_t refused;          /* handshakes that were answered by an error */
    uint64_t closed;           /* connections that the venue ended */
    uint64_t requests;         /* HTTP */
    uint64_t limited;          /* answers 429 and 418, for cause */
    uint64_t faults;           /* things that went wrong on purpose */
    uint64_t full;             /* subscriptions refused for want of room */
    uint32_t clients, streams; /* now */
};

struct wire;
/* ERR_RANGE: a number of the config out of its range, or an instrument that does not check; ERR_NOMEM. */
err_t wire_open(struct wire **wire, const struct wire_config *config, const struct wire_calls *calls,
                struct err_text *why) MUST_USE;
void wire_close(struct wire *wire);

/* A market event: books (snapshot, delta, gap), trades, best prices, marks, candles, tickers; others are counted and
 * ignored. A snapshot after the first one becomes the diff between the books, on venues that send diffs: the clients
 * of a venue do not notice that a recorder missed something. */
void wire_market(struct wire *wire, ns_t now, const struct event *event);

/* A client asks for a WebSocket: `client` is a number below client_max that is not in use. True: accepted, and the
 * frames go to it. False: refused, calls->answer was called. */
bool wire_hello(struct wire *wire, ns_t now, uint32_t client, const struct wire_request *request);
/* The client is gone. */
void wire_goodbye(struct wire *wire, ns_t now, uint32_t client);
/* A whole message of a client, or a control frame. Pings are answered here (calls->frame with WIRE_PONG). A
 * WIRE_CLOSE is the caller's business: it says wire_goodbye. */
void wire_frame(struct wire *wire, ns_t now, uint32_t client, enum wire_opcode opcode, const char *bytes,
                size_t size);
/* calls->answer is called exactly once, before it returns. */
void wire_request(struct wire *wire, ns_t now, const struct wire_request *request);

/* When wire_timer wants to be called; NS_MAX: not as things are. */
ns_t wire_due(const struct wire *wire);
void wire_timer(struct wire *wire, ns_t now);

/* Set the venue's clock anew (a replay that waited for its first client, a change of speed). */
void wire_set_clock(struct wire *wire, const struct wire_clock *clock);
/* The venue's time at `now`, faults included. */
ns_t wire_venue_time(const struct wire *wire, ns_t now);
void wire_stats_get(const struct wire *wire, struct wire_stats *stats);
/* Is anybody subscribed to anything? */
bool wire_is_followed(const struct wire *wire);

struct book;
/* The venue's book of an instrument, as its clients should have it after all that was said. NULL: no such number.
 * `seq` is the id that a snapshot of now would carry. */
const struct book *wire_book(const struct wire *wire, uint16_t instrument, uint64_t *seq);

#ifdef __cplusplus
}
#endif
#endif
