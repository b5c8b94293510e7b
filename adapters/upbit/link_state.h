/* link_state.h: what an Upbit link is made of (private to adapters/upbit).
 *
 *   struct upbit_link
 *   ├── market     the market machine; what it emits passes on_event, which keeps one of two that are the same
 *   ├── symbols[]  in the config's order: when its book was heard of, what is asked about it
 *   ├── conns[2]   the one that counts and the one that is to take over, by slot
 *   └── requests[] GETs under way
 *
 * Everything is sized when the link is opened. Whatever may be late by LOOK_EVERY is found by looking at all of it
 * that often; the path of a frame only compares with `due`.
 */
#ifndef TAPEDECK_ADAPTERS_UPBIT_LINK_STATE_H
#define TAPEDECK_ADAPTERS_UPBIT_LINK_STATE_H

#include "adapters/backoff.h"
#include "adapters/venue_clock.h"
#include "adapters/rate_limit.h"
#include "adapters/stale_watch.h"
#include "adapters/upbit/frame.h"
#include "adapters/upbit/link.h"

#define LOOK_EVERY        (250 * NS_PER_MS)
#define OPEN_TIMEOUT      (20 * NS_PER_S)
#define CLOSE_TIMEOUT     (30 * NS_PER_S) /* a LINK_DOWN that will not come */
#define PING_EVERY        (30 * NS_PER_S) /* the venue closes after 120 s without a word */
#define OVERLAP           (10 * NS_PER_S)
#define LAG               (2 * NS_PER_S) /* a stream may be behind REST by so much */
#define REQUEST_TIMEOUT   (5 * NS_PER_S)
#define REQUEST_GRACE     (5 * NS_PER_S)
#define RESUBSCRIBE_EVERY (5 * NS_PER_S) /* at most */
#define REQUESTS_MAX      16
#define MARKETS_PER_GET   40
#define CONN_SLOTS        2
#define NO_SLOT           UINT8_MAX
#define FROM_REST         CONN_SLOTS /* where an event came from: a slot, or an answer */

enum conn_state { CONN_FREE, CONN_OPENING, CONN_UP, CONN_CLOSING };

struct upbit_conn {
    uint8_t state;
    bool planned;    /* its end is */
    bool subscribed; /* the request went out */
    bool again;      /* it is to go out again */
    bool refused;    /* the venue said so of the last one */
    bool pinged;
    ns_t since, heard, pinged_at, subscribed_at;
    uint32_t round; /* of subscriptions: which symbols were heard of since */
    uint64_t connect_ticket, ping_ticket;
    struct rate_limit messages;
};

enum stream_kind { OF_BOOK, OF_TICKER, OF_CANDLE, STREAM_KINDS };

struct upbit_symbol {
    const char *text;
    uint16_t instrument;
    unsigned streams;
    struct market_symbol *market;
    bool lost;  /* a GAP was told and nothing came since */
    bool asked; /* a GET about it is under way */
    ns_t asked_at;
    struct stale_watch watch; /* of its book */
    ns_t stream_stamp;        /* of the last book that the stream brought */
    uint32_t heard_round[CONN_SLOTS];
    uint32_t dead; /* times in a row that REST knew more than the stream */
    struct {
        ns_t stamp;
        uint8_t from;
    } last[STREAM_KINDS];
};

struct upbit_get {
    uint64_t id, ticket; /* id 0: free */
    ns_t sent;
    uint32_t first, count; /* symbols */
};

struct upbit_link {
    struct link link;
    uint16_t number;
    struct market *market;
    struct market_sink sink;
    struct link_wire wire;
    struct upbit_symbol *symbols;
    uint32_t symbol_count;
    uint32_t *symbol_of; /* by instrument: index + 1, 0: none */
    uint32_t instrument_count;
    char *names; /* all texts */
    char *rest, *stream;
    char candle[16], format[16];
    uint32_t levels;
    ns_t poll, stale, silence, renew;
    char *text; /* the subscription, or an address */
    size_t text_size;

    struct upbit_conn conns[CONN_SLOTS];
    uint8_t now, next;
    bool lost; /* CONNECTION_DOWN was told */
    ns_t open_at, renew_at, overlap_until;
    struct backoff backoff, renewal;
    struct rate_limit connects, gets;
    struct upbit_get requests[REQUESTS_MAX];
    uint64_t last_id;
    ns_t poll_at;
    struct venue_clock clock;
    struct prng prng;
    bool begun, held;
    uint8_t from; /* of the frame being read: slot, or FROM_REST */
    ns_t ts, look_at;
    struct link_stats stats;
};

/* --- link.c --- */
void upbit_note(struct upbit_link *link, err_t code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Something of a symbol may be missing: a GAP, once until something comes. */
err_t upbit_lost(struct upbit_link *link, struct upbit_symbol *symbol, const char *reason);
err_t upbit_lost_all(struct upbit_link *link, const char *reason);
/* One message for the market machine; what it does not understand is counted, and the books go stale. */
err_t upbit_frame(struct upbit_link *link, const struct link_input *input, enum frame_kind kind, uint8_t from);

/* --- link_conns.c --- */
err_t upbit_conns_look(struct upbit_link *link);
err_t upbit_conn_up(struct upbit_link *link, uint8_t slot);
err_t upbit_conn_down(struct upbit_link *link, const struct link_input *input);
void upbit_resubscribe(struct upbit_link *link);
void upbit_renew(struct upbit_link *link, const char *why);

/* --- link_rest.c --- */
void upbit_rest_look(struct upbit_link *link);
err_t upbit_answered(struct upbit_link *link, const struct link_input *input);
void upbit_failed(struct upbit_link *link, const struct link_input *input);

#endif
