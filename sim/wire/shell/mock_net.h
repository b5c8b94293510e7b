/* mock_net.h: TLS connections of a server as bytes in and bytes out: libwebsockets behind a few verbs.
 *
 *   listen ─► opened(slot) ─► bytes(slot) ... ◄─ mock_net_out(slot): append, mock_net_flush ─► closed(slot)
 *
 * The library brings the sockets, TLS and the loop; what the bytes mean is wire_http.h's. So a server can do what
 * venues do and libraries do not: answer no ping, end in the middle of a body, go silent without ending. It is the
 * only file of sim/ that includes it. One thread.
 *
 * Output is bounded: a client that does not read what it asked for is cut off when `out_max` bytes wait for it, as
 * venues do, and counted by the caller (closed says why). */
#ifndef TAPEDECK_SIM_WIRE_SHELL_MOCK_NET_H
#define TAPEDECK_SIM_WIRE_SHELL_MOCK_NET_H

#include "core/err.h"

struct mock_net_events {
    void *context;
    /* False: it is closed at once. `peer` tells addresses apart. */
    bool (*opened)(void *context, uint32_t slot, uint32_t peer);
    void (*bytes)(void *context, uint32_t slot, const char *bytes, size_t size);
    /* Once for each opened one. `overrun`: it did not read. */
    void (*closed)(void *context, uint32_t slot, bool overrun);
};

struct mock_net_options {
    const char *address;    /* "127.0.0.1" */
    int port;               /* 0: any */
    const char *cert, *key; /* files */
    uint32_t slots;
    size_t out_max; /* bytes that may wait for a client */
};

struct mock_net;
err_t mock_net_open(struct mock_net **net, const struct mock_net_options *options,
                    const struct mock_net_events *events, struct err_text *why) MUST_USE;
void mock_net_close(struct mock_net *net);
int mock_net_port(const struct mock_net *net);

/* Bytes for a client, sent in the order of these calls when it reads. Not open: nothing happens. */
void mock_net_send(struct mock_net *net, uint32_t slot, const char *bytes, size_t size);
/* The head of a frame and its payload in one go. */
void mock_net_send2(struct mock_net *net, uint32_t slot, const char *head, size_t head_size, const char *bytes,
                    size_t size);
/* Nothing more is sent before this wall time (mock_net_now); 0: go on. */
void mock_net_hold(struct mock_net *net, uint32_t slot, int64_t until_ns);
/* End it when all that waits was sent; `cut`: now, and without a word. `closed` follows. */
void mock_net_end(struct mock_net *net, uint32_t slot, bool cut);
/* End it, without a word, when nothing came for so many seconds; 0: never. Holds until it is called again. */
void mock_net_idle(struct mock_net *net, uint32_t slot, int seconds);
/* Nothing is read or sent any more, and it is not ended for ten minutes: that the other side is gone is not seen. */
void mock_net_freeze(struct mock_net *net, uint32_t slot);
/* Bytes that wait, of one and of the one with the most. */
size_t mock_net_waiting(const struct mock_net *net, uint32_t slot);
size_t mock_net_waiting_max(const struct mock_net *net);
/* Connections that were closed at once, since all slots were taken. */
uint64_t mock_net_refused(const struct mock_net *net);
/* Wait for the network, `wait_ns` at most (0: only look), and call back. */
err_t mock_net_service(struct mock_net *net, int64_t wait_ns) MUST_USE;

/* The wall clock, ns since 1970. */
int64_t mock_net_now(void);

#endif
