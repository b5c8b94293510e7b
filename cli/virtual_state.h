/* virtual_state.h: what the files of virtual_wire share.
 *
 *   virtual_wire.c    the source: what is next, a parcel, a timer of a venue, an event of its market, or a tick
 *   virtual_net.c     parcels, the heap of them, and how long each is under way
 *   virtual_client.c  what the links ask for becomes parcels to a venue
 *   virtual_venue.c   parcels reach the venue's wire; what it says then becomes parcels to the links
 *
 * Everything is in the time of the true clock; the client's is told apart only where an input gets its ts. Every
 * connection has a generation, which ends with it: parcels of an older one are void.
 */
#ifndef TAPEDECK_CLI_VIRTUAL_STATE_H
#define TAPEDECK_CLI_VIRTUAL_STATE_H

#include "cli/virtual_wire.h"

#include "core/prng.h"

#define CLIENTS_MAX 64

enum parcel_kind {
    /* to the venue */
    P_HELLO,
    P_SEND,
    P_PING,
    P_PONG_BACK, /* to a ping of the venue's */
    P_GOODBYE,
    P_REQUEST,
    P_CUT,
    /* to the client */
    P_INPUT,
    P_STEP,
};

struct parcel {
    ns_t at;
    uint64_t number;
    enum parcel_kind kind;
    uint16_t venue;
    uint8_t conn;
    uint32_t generation;
    ns_t deadline;           /* of a request */
    struct link_input input; /* P_INPUT; head_size and text_size count what is in `bytes` */
    size_t size;
    char bytes[]; /* head, text, padding */
};

struct conn {
    uint32_t generation;
    bool open;                /* for the client: between open and DOWN */
    bool frozen;              /* nothing gets through, and nobody knows */
    uint32_t client;          /* of the wire; CLIENTS_MAX: none */
    ns_t to_venue, to_client; /* the latest moment given so far: first in, first out */
};

struct venue {
    struct virtual_wire *all;
    uint16_t number;
    struct wire *wire;
    struct feed *market;
    struct event_batch batch;
    uint32_t at;
    bool holding, ended;
    ns_t last; /* moment of the last market event */
    struct conn conns[LINK_CONNS];
    uint8_t conn_of[CLIENTS_MAX]; /* LINK_CONNS: free */
    /* of the request or the handshake that is being answered */
    const struct parcel *asking;
    bool answered;
    char *fetched; /* virtual_wire_fetch */
    size_t fetched_size;
    uint16_t fetched_status;
    bool fetching;
};

struct virtual_wire {
    struct wire_source source; /* first */
    struct link_wire wire;
    struct virtual_wire_config config;
    struct virtual_net net;
    struct venue *venues;
    struct prng prng;
    struct parcel **heap;
    size_t count, capacity;
    uint64_t numbers;
    ns_t now, due, offset, last_ts;
    bool due_known, failed;
    struct parcel *given; /* to the reader: lives until the next call */
};

/* ---- virtual_net.c ---- */

/* Takes the parcel; NULL, or no memory for it, makes the wire fail. */
void virtual_net_push(struct virtual_wire *all, struct parcel *parcel);
/* The first by (moment, number); there must be one. The caller's to free. */
struct parcel *virtual_net_pop(struct virtual_wire *all);
/* Of the connection's present generation. conn LINK_CONNS: of none. NULL: out of memory. */
struct parcel *virtual_net_make(struct virtual_wire *all, enum parcel_kind kind, uint16_t venue, uint8_t conn,
                                ns_t at, size_t size);
/* An input, with its texts behind it. */
struct parcel *virtual_net_input(struct virtual_wire *all, enum link_what what, uint16_t venue, uint8_t conn, ns_t at,
                                 const char *head, size_t head_size, const char *text, size_t text_size);
/* The request `id` gets no answer, and at `at` that is known. */
void virtual_net_fail(struct virtual_wire *all, uint16_t venue, uint64_t id, ns_t at, const char *why);
bool virtual_net_happens(struct virtual_wire *all, uint32_t in_a_million);
ns_t virtual_net_way(struct virtual_wire *all); /* how long this one is under way */
/* Not before what went that way before it. */
ns_t virtual_net_in_line(ns_t *last, ns_t at);

/* ---- virtual_client.c ---- */

struct link_wire virtual_client_wire(struct virtual_wire *all);

/* ---- virtual_venue.c ---- */

err_t virtual_venue_open(struct virtual_wire *all, uint16_t number, struct err_text *why) MUST_USE;
void virtual_venue_close(struct venue *venue);
/* A parcel that is not for the client has come to its place. It stays the caller's. */
void virtual_venue_arrive(struct virtual_wire *all, struct parcel *parcel);
/* When the next market event happens; NS_MAX: there is no more. */
err_t virtual_venue_next(struct venue *venue, ns_t *at) MUST_USE;
/* It happens. */
void virtual_venue_market(struct venue *venue, ns_t at);
err_t virtual_venue_fetch(struct venue *venue, const char *url, char **body, size_t *size,
                          struct err_text *why) MUST_USE;

#endif
