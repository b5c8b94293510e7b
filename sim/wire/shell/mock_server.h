/* mock_server.h: a venue's wire behind TLS sockets, with a market that is played to it in real time or faster.
 *
 *   source ─► pace ─► wire_market ─┐
 *                                  ├─► wire (pure) ─► frames and answers ─► mock_net (TLS, libwebsockets)
 *   bytes of clients ─► HTTP, WebSocket frames ─┘
 *
 * The only clock of the whole is in here. One thread: what happens, happens in mock_server_step, which waits no
 * longer than until the next thing is due.
 *
 *   pace      an event is played when
 *   SPEED     its ts is due: (ts - first ts) * den / num after the start
 *   MAX       the last one was: as fast as clients take them; nobody is cut off, the market waits for the slowest
 *   RATE      its turn comes, so many a second, whatever its stamp says
 */
#ifndef TAPEDECK_SIM_WIRE_SHELL_MOCK_SERVER_H
#define TAPEDECK_SIM_WIRE_SHELL_MOCK_SERVER_H

#include "sim/wire/wire.h"

/* Where market events come from. Their exch_ts is the venue's stamp and never 0; their ts is when they are to be
 * said, on the venue's clock, and never falls. */
struct mock_source {
    void *context;
    /* The next event, which stays until `take`. NULL: the end; `why` tells whether it was an error. */
    const struct event *(*peek)(void *context, struct err_text *why);
    void (*take)(void *context);
};

enum mock_pace { MOCK_SPEED, MOCK_MAX, MOCK_RATE };

struct mock_config {
    struct wire_config wire; /* its clock is set by the server */
    const char *address;
    int port; /* 0: any */
    const char *cert, *key;
    size_t out_max; /* bytes that may wait for a client; 0: 16 MiB */
    int idle;       /* seconds that an HTTP connection may say nothing; 0: 75 */
    enum mock_pace pace;
    uint64_t num, den; /* SPEED */
    uint32_t rate;     /* RATE: events a second */
    bool wall_stamps;  /* events are stamped when they are played, and the venue's clock is the wall's */
    uint32_t hold;     /* the market begins when so many clients are subscribed; 0: at once */
};

struct mock_stats {
    struct wire_stats wire;
    uint64_t opened, slow; /* connections; those that were cut off because they did not read */
    uint64_t no_room;      /* connections closed at once, since there were as many as may be */
    uint64_t bad;          /* connections that were no HTTP or no WebSocket */
    uint64_t bytes_out;
    ns_t late_max;    /* the farthest that an event was behind its time */
    ns_t market_ts;   /* stamp of the last event */
    uint64_t waiting; /* bytes that wait for the slowest client */
    bool ended;       /* the market has no more events */
};

struct mock_server;
err_t mock_server_open(struct mock_server **server, const struct mock_config *config,
                       const struct mock_source *source, struct err_text *why) MUST_USE;
void mock_server_close(struct mock_server *server);
int mock_server_port(const struct mock_server *server);
/* Play what is due, serve who asks, wait `wait_max` at most. An error of the source or of the sockets ends it. */
err_t mock_server_step(struct mock_server *server, ns_t wait_max, struct err_text *why) MUST_USE;
void mock_server_stats(const struct mock_server *server, struct mock_stats *stats);
/* The wall clock, ns since 1970. */
ns_t mock_server_now(void);

#endif
