/* wire_state.h: how a wire lies in memory, for the files of this folder and no others.
 *
 *   wire_market.c     events ─► symbols: the venue's books, last trades, candles; and calls of the venue's ops
 *   wire_streams.c    who hears what: streams, subscriptions, delivery to clients, beats
 *   wire_limits.c     what an address and a connection may ask for
 *   wire_faults.c     what goes wrong on purpose
 *   wire_binance*.c   the words of Binance   ┐ struct wire_ops
 *   wire_upbit*.c     the words of Upbit     ┘
 *   wire_clients.c    pings, ages and ends of connections
 *   wire.c            inputs, timers
 *
 * A stream is (symbol, kind, parameters), and is there as long as somebody is subscribed to it. Streams that speak
 * when something happens have BEAT_NONE, the others have a beat: they speak at whole multiples of it on the venue's
 * clock, if there is something to say.
 */
#ifndef TAPEDECK_SIM_WIRE_STATE_H
#define TAPEDECK_SIM_WIRE_STATE_H

#include "core/book.h"
#include "sim/wire/wire.h"
#include "sim/wire/wire_candles.h"
#include "sim/wire/wire_limits.h"
#include "sim/wire/wire_read.h"
#include "sim/wire/wire_text.h"

#define WIRE_NONE        UINT32_MAX
#define WIRE_NAME_SIZE   96
#define WIRE_TRADES      1024 /* kept for REST, of each sort */
#define WIRE_BATCHES     4    /* slower streams of diffs of a market */
#define WIRE_TOKENS      8192 /* of a client's message */
#define WIRE_CLIENT_TEXT 65536

/* name, period on the venue's clock */
#define WIRE_BEAT_MAP(X)                                                                                             \
    X(100MS, 100 * NS_PER_MS)                                                                                        \
    X(250MS, 250 * NS_PER_MS)                                                                                        \
    X(500MS, 500 * NS_PER_MS)                                                                                        \
    X(1S, NS_PER_S)                                                                                                  \
    X(2S, 2 * NS_PER_S)                                                                                              \
    X(3S, 3 * NS_PER_S)
#define WIRE_BEAT_ENUM(name, period) BEAT_##name,
enum wire_beat { WIRE_BEAT_MAP(WIRE_BEAT_ENUM) BEAT_COUNT, BEAT_NONE = BEAT_COUNT };
#undef WIRE_BEAT_ENUM
extern const ns_t wire_beat_periods[BEAT_COUNT];

enum wire_kind {
    WIRE_SILENT, /* a name that the venue takes and never speaks of */
    WIRE_DEPTH,  /* diffs */
    WIRE_TOP,    /* the best levels; param: how many */
    WIRE_BBO,
    WIRE_PRINTS,
    WIRE_AGGREGATES,
    WIRE_MARK,
    WIRE_KLINE, /* param: number of the interval */
    WIRE_TICKER,
    WIRE_MINI_TICKER,
};

/* Changes of a book that are gathered for a slower stream of diffs. */
struct wire_batch {
    struct wire_change {
        px_t price;
        uint8_t side;
    } * changes;
    uint32_t count, capacity;
    uint64_t first, last; /* ids of the diffs in it; last 0: none */
    uint64_t previous;    /* id of the last one said */
    ns_t stamp;
    bool active;
};

struct wire_trade {
    uint64_t id, first, last; /* an aggregate's own id, and the prints in it; of prints all the same */
    px_t price;
    qty_t qty;
    ns_t stamp;
    uint8_t flags; /* enum event_flag */
};
struct wire_trades {
    struct wire_trade *rows; /* WIRE_TRADES */
    uint64_t count;          /* ever; row i is at i % WIRE_TRADES */
};

struct wire_symbol {
    struct instrument instrument;
    uint16_t number;
    char lower[SYMBOL_SIZE];
    uint32_t first_stream;
    uint32_t stream_count;

    struct book book, old; /* old: as it was, for stale answers; only with that fault */
    void *book_memory, *old_memory;
    bool has_book, has_old;
    bool bridged;     /* the last book message was a snapshot: ids of the next diff may begin later */
    uint64_t book_id; /* a snapshot of now carries it */
    uint64_t old_id;
    uint64_t said_id;  /* of the last diff; 0: none yet */
    uint64_t id_shift; /* what is added to ids of the tape so that they rise */
    ns_t book_stamp, old_stamp;
    struct wire_batch batches[WIRE_BATCHES];

    bool has_bbo;        /* the tape brings best prices: they are not made of the books */
    struct level bbo[2]; /* qty 0: that side is empty */
    uint64_t bbo_id;
    ns_t bbo_stamp;

    struct wire_trades prints, aggregates;
    bool has_prints, has_aggregates; /* the tape brings them */
    bool open_aggregate;             /* the last of `aggregates` may still grow, and was not said */
    struct wire_candles candles;

    struct event_mark mark;
    bool has_mark;
    struct event_ticker ticker; /* of the tape */
    bool has_ticker;
};

struct wire_stream {
    char name[WIRE_NAME_SIZE];
    uint16_t name_size;
    uint16_t symbol; /* INSTRUMENT_NONE: of all */
    uint8_t kind;    /* enum wire_kind */
    uint8_t beat;    /* enum wire_beat */
    uint8_t batch;   /* slower diffs: which of the symbol's batches */
    uint8_t reserved;
    int32_t param;
    px_t grouping; /* Upbit: price distance of grouped levels, 0: none */
    uint64_t said; /* what was said last: an id or a count of its kind */
    ns_t running;  /* candles: beginning of the interval that is running, 0: none yet */
    uint32_t next; /* of the symbol, or of the free ones */
    uint32_t first_sub, sub_count;
};

/* One client hears one stream. */
struct wire_sub {
    uint32_t client, stream;
    uint32_t next_of_stream, next_of_client;
    bool silent;  /* the wrong route */
    uint8_t bits; /* the venue's own */
};

struct wire_client {
    bool used;
    bool frozen;
    bool combined; /* Binance: frames come wrapped, with the name of their stream */
    uint8_t route; /* the venue's own */
    uint8_t format;
    uint32_t peer;
    uint64_t serial; /* of the connection */
    uint32_t first_sub, sub_count;
    ns_t since, active; /* connected; last anything, either way */
    ns_t pinged;        /* last ping of ours; 0: none yet */
    ns_t waits_since;   /* for a pong; 0: for none */
    uint64_t ping_payload;
    ns_t ends;    /* by its age or by a fault; NS_MAX: never */
    ns_t up_next; /* Upbit: next {"status":"UP"}, NS_MAX: none */
    struct wire_window messages[2];
    uint32_t over;         /* messages over the limit, in a row */
    uint64_t frames;       /* of market data, said or dropped */
    struct wire_text held; /* a frame that changes places with the next */
    uint8_t held_opcode;
    char ticket[64]; /* Upbit */
};

struct wire;
struct wire_diff {
    uint64_t first, last, previous;
    ns_t stamp;
    const struct level *levels;
    uint32_t bid_count, ask_count;
};

/* What a venue does its own way. */
struct wire_ops {
    /* Path, query and headers of a handshake are right, and the client's subscriptions made; else it has answered. */
    bool (*hello)(struct wire *wire, ns_t now, uint32_t client, const struct wire_request *request);
    void (*message)(struct wire *wire, ns_t now, uint32_t client, enum wire_opcode opcode, const char *text,
                    size_t size);
    void (*request)(struct wire *wire, ns_t now, const struct wire_request *request);
    /* Something changed: say it to the streams without a beat. */
    void (*depth)(struct wire *wire, struct wire_symbol *symbol, const struct wire_diff *diff);
    void (*bbo)(struct wire *wire, struct wire_symbol *symbol);
    void (*print)(struct wire *wire, struct wire_symbol *symbol, const struct wire_trade *trade);
    void (*aggregate)(struct wire *wire, struct wire_symbol *symbol, const struct wire_trade *trade);
    /* A beat of a stream. */
    void (*beat)(struct wire *wire, struct wire_symbol *symbol, uint32_t stream);
    /* 0: the venue does not */
    ns_t ping_interval[WIRE_VENUE_COUNT], pong_wait[WIRE_VENUE_COUNT], idle_max, life;
    uint32_t streams_of_client_max;
};
extern const struct wire_ops wire_binance_ops, wire_upbit_ops;

struct wire {
    struct wire_config config; /* instruments: NULL */
    struct wire_calls calls;
    const struct wire_ops *ops;
    struct wire_symbol *symbols;
    struct wire_client *clients;
    struct wire_stream *streams;
    struct wire_sub *subs;
    uint32_t sub_max;
    uint32_t free_stream, free_sub;
    uint32_t all_stream; /* first of the streams of all symbols */
    uint32_t stream_top; /* streams ever used are below it */
    uint32_t beat_streams[BEAT_COUNT];
    ns_t beat_next[BEAT_COUNT]; /* venue time */
    ns_t due;                   /* of the next timer; NS_MAX: none */
    ns_t now;
    ns_t venue_last; /* latest stamp of an event: the venue's clock is never behind it */
    ns_t stale_next;
    struct wire_limits limits;
    struct wire_stats stats;
    uint64_t request_serial, connection_serial;
    struct wire_text say, wrap, answer; /* a message, the same wrapped, the body of an answer */
    struct level *levels;               /* scratch */
    uint32_t level_capacity;
    struct wire_token *tokens;
};

/* ---- wire.c ---- */
/* Stamps as the venue's clock has them, in ms: the skew is in it. */
uint64_t wire_stamp_ms(const struct wire *wire, ns_t stamp);
/* Something is due at `at`, at the latest. */
static inline void wire_wake_at(struct wire *wire, ns_t at)
{
    if (at < wire->due)
        wire->due = at;
}
/* Answer a request with wire->answer, subject to the faults. */
void wire_answer_json(struct wire *wire, const struct wire_request *request, uint16_t status,
                      const struct wire_header *headers, uint32_t header_count);
/* The number of a symbol, in any case, or INSTRUMENT_NONE. */
uint16_t wire_find_symbol(const struct wire *wire, const char *text, size_t size);
const char *wire_header_of(const struct wire_request *request, const char *name);

/* ---- wire_clients.c ---- */
/* Send a control text to a client. */
void wire_say_to(struct wire *wire, uint32_t client, enum wire_opcode opcode, const struct wire_text *text);
/* The venue ends a connection. */
void wire_end(struct wire *wire, uint32_t client, uint16_t code, const char *reason);
/* It is gone, whoever ended it. */
void wire_forget(struct wire *wire, uint32_t client);
/* When a client wants to be looked at again, and that look. */
ns_t wire_client_due(const struct wire *wire, const struct wire_client *client);
void wire_look_at(struct wire *wire, uint32_t client);

/* ---- wire_streams.c ---- */
/* The stream of that name, made when it is not there; WIRE_NONE: no room. `like` has all but the links. */
uint32_t wire_stream_get(struct wire *wire, const struct wire_stream *like);
uint32_t wire_stream_find(const struct wire *wire, uint16_t symbol, const char *name, size_t size);
/* False: no room, or the client has as many as the venue allows. */
bool wire_subscribe(struct wire *wire, uint32_t client, const struct wire_stream *like, bool silent, uint8_t bits);
void wire_unsubscribe(struct wire *wire, uint32_t client, uint32_t stream);
void wire_unsubscribe_all(struct wire *wire, uint32_t client);
/* Send wire->say to everybody who hears the stream (Binance: wrapped where they want it so). */
void wire_deliver(struct wire *wire, uint32_t stream, enum wire_opcode opcode);
/* A frame of market data to one client, subject to the faults. */
void wire_deliver_to(struct wire *wire, uint32_t client, enum wire_opcode opcode, const char *bytes, size_t size);
/* The beats up to the venue's time. */
void wire_run_beats(struct wire *wire);
ns_t wire_beats_due(const struct wire *wire);

/* ---- wire_market.c ---- */
err_t wire_symbol_init(struct wire_symbol *symbol, const struct wire_config *config, uint16_t number,
                       struct err_text *why) MUST_USE;
void wire_symbol_deinit(struct wire_symbol *symbol);
void wire_market_event(struct wire *wire, const struct event *event);
/* Close an aggregate that can grow no more, and say it. */
void wire_flush_aggregate(struct wire *wire, struct wire_symbol *symbol);
/* The levels that a batch gathered, in wire->levels, bids first; the batch is empty after. False: there are none. */
bool wire_batch_take(struct wire *wire, struct wire_symbol *symbol, uint32_t batch, struct wire_diff *diff);
/* Room for `count` levels in wire->levels, what is there is kept. False: no memory. */
bool wire_levels_room(struct wire *wire, uint32_t count);
/* The best bid and ask as last told. */
void wire_touch(const struct wire_symbol *symbol, struct level *bid, struct level *ask);
static inline const struct wire_trade *wire_trade_at(const struct wire_trades *trades, uint64_t i)
{
    return &trades->rows[i % WIRE_TRADES];
}
static inline uint64_t wire_trades_first(const struct wire_trades *trades)
{
    return trades->count > WIRE_TRADES ? trades->count - WIRE_TRADES : 0;
}

/* ---- wire_faults.c ---- */
/* Does a fault of that rate hit the number-th thing of a source? `which` tells the faults apart. */
bool wire_fault_hits(const struct wire *wire, uint32_t rate, uint64_t source, uint64_t number, uint64_t which);
#define WIRE_FAULT_HITS(wire, name, source, number)                                                                  \
    ((wire)->config.faults.name != 0 &&                                                                              \
     wire_fault_hits(wire, (wire)->config.faults.name, source, number, offsetof(struct wire_faults, name)))
/* Skew and drift at a venue time. */
ns_t wire_fault_skew(const struct wire *wire, ns_t venue_time);
/* When a new connection ends: by its age, or because a cable is cut. */
ns_t wire_fault_end(const struct wire *wire, uint64_t serial, ns_t now, ns_t life);

#endif
