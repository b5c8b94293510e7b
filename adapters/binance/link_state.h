/* link_state.h: what a Binance link is made of (private to adapters/binance).
 *
 *   struct binance_link
 *   ├── market      the market machine: frames to events; every symbol is known to it from the start
 *   ├── symbols[]   in the config's order: its book's synchronisation by REST
 *   ├── streams[]   sorted by line: whose connection counts, when it spoke last
 *   ├── lines[]     a run of streams, the connection that serves it and the one that is to take over
 *   ├── conns[]     by slot: what is asked for and not answered yet
 *   ├── requests[]  GETs under way
 *   └── limits      weight, connections
 *
 * Everything is sized when the link is opened.
 *
 * Time. `due` is when run_due has something to do. The path of an ordinary frame only compares with it; whoever makes
 * something due earlier lowers it (binance_link_wake). Everything that may be late by LOOK_EVERY (silence, timeouts,
 * renewals) is found by looking at all of it that often.
 */
#ifndef TAPEDECK_ADAPTERS_BINANCE_LINK_STATE_H
#define TAPEDECK_ADAPTERS_BINANCE_LINK_STATE_H

#include "adapters/backoff.h"
#include "adapters/binance/link.h"
#include "adapters/venue_clock.h"
#include "adapters/machine.h"
#include "adapters/rate_limit.h"
#include "adapters/stale_watch.h"

#define LOOK_EVERY         (250 * NS_PER_MS)
#define OPEN_TIMEOUT       (20 * NS_PER_S) /* from open to LINK_UP */
#define ACK_TIMEOUT        (10 * NS_PER_S) /* from SUBSCRIBE to its answer */
#define CLOSE_TIMEOUT      (30 * NS_PER_S) /* after inputs were dropped: a LINK_DOWN that will not come */
#define OVERLAP_MAX        (10 * NS_PER_S) /* streams that did not speak by then change over unseen */
#define REQUEST_TIMEOUT    (10 * NS_PER_S)
#define REQUEST_GRACE      (5 * NS_PER_S) /* beyond it the answer was lost on the way to us */
#define FIRST_DIFF_WAIT    (1 * NS_PER_S) /* a snapshot is asked for after the first diff, or after this */
#define SNAPSHOT_RETRY     (250 * NS_PER_MS)
#define SNAPSHOT_RETRY_MAX (30 * NS_PER_S)
#define SNAPSHOT_CALM      (2 * NS_PER_S) /* a book that lived so long had no trouble before */
#define SNAPSHOT_LEVELS    1000
#define SNAPSHOTS_AT_ONCE  4
#define REQUESTS_MAX       32
#define TIME_FIRST         (1 * NS_PER_S)
#define TIME_FIRST_COUNT   5
#define TIME_EVERY         (30 * NS_PER_S)
#define SILENT_START       (15 * NS_PER_S) /* a stream that never spoke is told of after so long at least */
#define STREAMS_PER_LINE   1024
#define LINES_MAX          14 /* two slots are left to renewals */
#define STREAM_NAME_SIZE   96
#define ASKS_MAX           8    /* SUBSCRIBE messages without an answer, a connection */
#define ASK_SIZE           3800 /* bytes of one, about */
#define NO_CONN            UINT8_MAX
#define NO_STREAM          UINT32_MAX

enum stream_kind { OF_DIFF, OF_PARTIAL, OF_TRADE, OF_BBO, OF_MARK, OF_CANDLE, OF_TICKER, STREAM_KINDS };
enum route { ROUTE_PUBLIC, ROUTE_MARKET, ROUTE_COUNT }; /* spot: everything is on the first */

struct line_stream {
    const char *name; /* "btcusdt@depth@100ms" */
    uint16_t name_size;
    uint8_t kind; /* enum stream_kind */
    uint8_t line;
    uint32_t symbol;
    uint8_t owner;       /* slot of the connection whose messages count; NO_CONN: none yet */
    bool meeting;        /* a new owner: what the old one brought already is passed over */
    bool next_spoke;     /* the connection that is to take over brought something */
    bool look_for_holes; /* trades may be missing before the next one */
    bool gap_told;       /* of trades: since the last one */
    bool again;          /* to be unsubscribed and subscribed again */
    uint64_t key;        /* of best prices, marks ...: the last one's id or stamp; 0: none */
    uint64_t held;       /* last id that the next connection brought before its owner did; 0: none */
    struct stale_watch watch;
    uint32_t silences; /* in a row */
};

struct link_book {
    uint16_t instrument;
    char text[SYMBOL_SIZE];
    uint8_t size;
    unsigned streams;
    uint32_t stream_of[STREAM_KINDS]; /* index, or NO_STREAM */
    struct market_symbol *symbol;
    bool wanted;     /* a snapshot; poll mode: the next poll */
    bool first_diff; /* the request waits for the first diff, or for wanted_at */
    bool asked;      /* it is under way */
    ns_t wanted_at;
    ns_t synced_at;
    uint32_t tries;
    uint32_t epoch; /* a snapshot that was asked for in an earlier one says nothing any more */
    struct stale_watch poll_watch;
};

enum conn_state { CONN_FREE, CONN_OPENING, CONN_UP, CONN_CLOSING };

struct link_ask { /* a SUBSCRIBE or UNSUBSCRIBE without an answer */
    uint64_t id, ticket;
    ns_t sent;
    uint32_t first, count; /* streams */
    bool used, unsubscribe;
    bool again; /* of them those marked so */
};

struct link_conn {
    uint8_t state; /* enum conn_state */
    uint8_t line;
    bool live;   /* everything is subscribed */
    bool pinged; /* and not answered */
    bool spoke;  /* brought data */
    ns_t since;  /* of the state */
    ns_t live_at;
    ns_t heard, ping_at; /* anything at all; the last ping */
    struct stale_watch data;
    uint32_t next_stream; /* the first one that is not asked for yet */
    uint32_t asks_out;
    struct link_ask asks[ASKS_MAX];
    uint64_t connect_ticket, ping_ticket;
    struct rate_limit messages;
};

struct link_line {
    uint8_t route;
    uint32_t first, count; /* streams */
    uint32_t in_url;       /* of them */
    uint8_t now, next;     /* slots, or NO_CONN */
    bool lost;             /* CONNECTION_DOWN was told */
    uint32_t quiet_row;    /* connections in a row that brought nothing */
    uint32_t again;        /* streams to be asked for again */
    bool left;             /* they are unsubscribed by now */
    ns_t again_at;
    ns_t open_at;  /* when the next attempt is due; NS_MAX: none */
    ns_t renew_at; /* when another connection is opened beside this one */
    struct backoff backoff, renewal;
};

enum request_kind { REQUEST_FREE, REQUEST_SNAPSHOT, REQUEST_POLL, REQUEST_TIME };
struct link_request {
    uint64_t id, ticket;
    ns_t sent;
    uint32_t book, epoch;
    uint8_t kind; /* enum request_kind */
};

struct binance_link {
    struct link link;
    enum binance_flavour flavour;
    uint16_t number;
    struct market *market;
    struct market_sink sink;
    struct link_wire wire;
    char *rest, *stream;
    ns_t poll, stale, silence, renew;
    uint32_t poll_levels, poll_weight;

    uint32_t book_count, stream_count, line_count;
    struct link_book *books;
    uint32_t *book_of; /* by instrument: index + 1, 0: none */
    uint32_t instrument_count;
    const struct instrument *instruments; /* the config's */
    struct line_stream *streams;
    char *names;
    uint32_t *slots; /* hash table of streams: index + 1 */
    uint32_t slot_mask;
    uint32_t last_stream; /* found last */
    struct link_line lines[LINES_MAX];
    struct link_conn conns[LINK_CONNS];
    struct link_request requests[REQUESTS_MAX];
    uint32_t requests_out, snapshots_out, wanted;
    uint64_t last_id;
    struct rate_limit weight, connects;
    struct venue_clock clock;
    struct json *json;
    struct json_shape control, span;
    bool begun, dropped_any;
    bool weight_held, connect_held;
    ns_t ts; /* of the last input */
    ns_t due, look_at, want_at, time_at;
    uint32_t times; /* asked */
    uint32_t time_epoch;
    struct link_stats stats;
    struct prng prng;
    /* Of the frame that is being read: what the machine emitted last. */
    uint64_t event_seq;
    ns_t event_exch_ts;
    char text[8192]; /* of what is being sent */
};

/* --- link.c --- */
void binance_link_wake(struct binance_link *link, ns_t ts);
void binance_link_say(struct binance_link *link, err_t code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Something of a book may be missing: GAP if there is one; what is on its way to it is old. `ask`: for a snapshot
 * now (its stream is served). */
err_t binance_book_lost(struct binance_link *link, struct link_book *book, bool ask, const char *reason);

bool binance_is_refusal(err_t err);
void binance_control_shape_init(struct json_shape *shape);
err_t binance_link_emit(void *context, const struct event *event);
const struct link_ops *binance_link_ops(enum binance_flavour flavour);

/* --- link_names.c --- */
err_t binance_stream_name(enum binance_flavour flavour, const struct link_config *config, const char *symbol,
                          enum stream_kind kind, char *name, size_t *size, struct err_text *why);
enum route binance_route_of(enum binance_flavour flavour, enum stream_kind kind);
const char *binance_route_path(enum binance_flavour flavour, enum route route); /* "/public", "" for spot */
const char *binance_default_rest(enum binance_flavour flavour);
const char *binance_default_stream(enum binance_flavour flavour);
/* How many of the line's streams fit into a URL. */
uint32_t binance_streams_in_url(const struct binance_link *link, const struct link_line *line);
void binance_line_url(const struct binance_link *link, const struct link_line *line, char *url); /* LINK_URL_SIZE */
/* "{"method":...}" for streams from `first`; how many went in. `again`: only those marked so. */
size_t binance_subscribe_text(struct binance_link *link, const struct link_line *line, uint32_t first, bool again,
                              bool unsubscribe, uint64_t id, uint32_t *count);
void binance_depth_url(const struct binance_link *link, const struct link_book *book, uint32_t levels, char *url);
void binance_time_url(const struct binance_link *link, char *url);
uint32_t binance_depth_weight(enum binance_flavour flavour, uint32_t levels);
uint32_t binance_stream_find(struct binance_link *link, const char *name, size_t size);
/* Into the table. False: a stream of this name is there already. */
bool binance_stream_put(struct binance_link *link, uint32_t index);

/* --- link_lines.c: connections --- */
err_t binance_lines_due(struct binance_link *link);
struct link_line *binance_line_of(struct binance_link *link, const struct link_conn *conn);
void binance_streams_serve(struct binance_link *link, uint8_t slot, uint32_t first, uint32_t count);
/* `heir` is live and brings the same: nothing is missing but what it brought already and the other one never did. */
err_t binance_streams_inherit(struct binance_link *link, struct link_line *line, uint8_t slot, uint8_t heir);
/* Another connection asks for all of them anyway. */
void binance_forget_again(struct binance_link *link, struct link_line *line);
void binance_ask_again(struct binance_link *link, struct line_stream *stream, ns_t at);
void binance_conn_close(struct binance_link *link, uint8_t slot);
/* It is ended by us, because it is of no use any more. */
err_t binance_conn_fail(struct binance_link *link, uint8_t slot, const char *reason);
err_t binance_conn_up(struct binance_link *link, uint8_t slot);
err_t binance_conn_down(struct binance_link *link, uint8_t slot, int32_t status, const char *text, size_t size);
err_t binance_conn_dropped(struct binance_link *link, uint8_t slot, int64_t count);
err_t binance_conn_answered(struct binance_link *link, uint8_t slot, uint64_t id, bool refused, const char *text,
                            size_t size);
/* `slot` serves the stream from now on, unless another one does. */
void binance_stream_serve(struct binance_link *link, struct line_stream *stream, uint8_t slot);
/* Messages of the stream are missing. `served`: it is served now. */
err_t binance_stream_lost(struct binance_link *link, struct line_stream *stream, bool served, const char *reason);
ns_t binance_renewal_time(struct binance_link *link);
/* Give the line another connection beside the one it has. */
void binance_line_renew(struct binance_link *link, struct link_line *line, const char *why);

/* --- link_look.c --- */
err_t binance_lines_look(struct binance_link *link);

/* --- link_overlap.c: who counts while two connections bring the same --- */
struct stream_span {
    uint64_t previous, last;
    bool chained; /* `previous` is the last of the message before */
};
void binance_span_shape_init(struct json_shape *shape);
/* The ids of a message. False: they cannot be read. */
bool binance_stream_span_of(struct binance_link *link, const struct line_stream *stream,
                            const struct link_input *input, struct stream_span *span);
/* The last that was given on. False: nothing yet, or nothing that anything must meet. */
bool binance_stream_key(const struct binance_link *link, const struct line_stream *stream, uint64_t *key);
/* A message of a stream that comes over `slot`, which is not its owner or a new one: is it given on? */
err_t binance_overlap_takes(struct binance_link *link, struct line_stream *stream, uint8_t slot,
                            const struct link_input *input, bool *take);
/* Its owner has caught up with what the next one brought already: it changes over. */
void binance_overlap_caught_up(struct binance_link *link, struct line_stream *stream);
/* Trades after a hole in the connection: GAP when ids are missing before this one. */
err_t binance_look_for_hole(struct binance_link *link, struct line_stream *stream, const struct link_input *input);

/* --- link_rest.c: snapshots, polls, the venue's time --- */
void binance_book_want(struct binance_link *link, struct link_book *book, ns_t at);
void binance_book_want_none(struct binance_link *link, struct link_book *book);
/* What is on its way to the book says nothing any more. */
void binance_book_new_epoch(struct link_book *book);
/* How long to wait before the next attempt, which is counted. */
ns_t binance_book_retry_wait(struct link_book *book);
void binance_requests_due(struct binance_link *link);
err_t binance_requests_look(struct binance_link *link);
err_t binance_request_answered(struct binance_link *link, const struct link_input *input);
err_t binance_request_failed(struct binance_link *link, const struct link_input *input);

#endif
