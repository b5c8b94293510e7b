/* net_ws.h: WebSocket connections of one thread: libwebsockets behind six verbs. The only file that includes it on
 * the client's side is net_ws.c.
 *
 *   net_ws_open ─► (TLS, handshake) ─► up ─► message ... message ─► down
 *                                 └─► down (status of the answer, or 0, and why)
 *
 * TLS 1.2 or later, the chain and the host's name are verified, always. `ws:` (no TLS) is refused but for this very
 * machine. No Origin header is sent, no redirect followed. Server pings are answered here. Fragments are put
 * together; a message larger than NET_WS_MESSAGE_MAX closes its connection.
 *
 * A connection is known by a key of the caller's. Everything, callbacks too, happens in the thread that calls
 * net_ws_service, but net_ws_wake, which any thread may call.
 */
#ifndef TAPEDECK_ADAPTERS_SHELL_NET_WS_H
#define TAPEDECK_ADAPTERS_SHELL_NET_WS_H

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NET_WS_CONNS       256
#define NET_WS_MESSAGE_MAX (4u << 20)

struct net_ws_events {
    void *context;
    void (*up)(void *context, uint32_t key);
    /* Once a connection, also after net_ws_close. status: close code, or HTTP status of a refused handshake; 0: none
     */
    void (*down)(void *context, uint32_t key, int status, const char *why);
    void (*message)(void *context, uint32_t key, bool binary, const char *text, size_t size);
    void (*pong)(void *context, uint32_t key);
    void (*woken)(void *context); /* after net_ws_wake, and once a second */
};

struct net_ws;
struct net_ws_options {
    const char *ca_file;   /* trusted, and nothing else is; NULL: the system's, or the environment's SSL_CERT_FILE */
    const char *proxy;     /* host:port of an HTTP proxy that tunnels to other machines; NULL: none */
    const char *no_proxy;  /* hosts that are called directly: names, ".suffix", "*"; this machine always is */
    uint32_t connect_secs; /* 0: 10 */
};
err_t net_ws_new(struct net_ws **ws, const struct net_ws_options *options, const struct net_ws_events *events,
                 struct err_text *why) MUST_USE;
/* Wait for the network, or for net_ws_wake, and call back. */
err_t net_ws_service(struct net_ws *ws) MUST_USE;
/* The same, but wait `wait` ns at most, in whole milliseconds; less than one: only look. */
err_t net_ws_service_for(struct net_ws *ws, ns_t wait) MUST_USE;
void net_ws_wake(struct net_ws *ws);
/* Closes what is open, without callbacks. */
void net_ws_free(struct net_ws *ws);

/* A url that cannot be opened is `down` too, before this returns. The key must not be in use (asserted). */
void net_ws_open(struct net_ws *ws, uint32_t key, const char *url);
/* Nothing comes of it any more but its `down`, within a second. A key not in use: nothing happens. */
void net_ws_close(struct net_ws *ws, uint32_t key);
/* Queued; false: there is no such open connection, or so much is queued that it is given up: a `down` follows. */
bool net_ws_send(struct net_ws *ws, uint32_t key, const char *text, size_t size);
bool net_ws_ping(struct net_ws *ws, uint32_t key);

#ifdef __cplusplus
}
#endif
#endif
