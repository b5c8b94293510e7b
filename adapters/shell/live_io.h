/* live_io.h: the shell around links: a thread that moves bytes, stamps their arrival and hands them over.
 *
 *   engine's thread                                   I/O thread                       HTTP thread
 *   ┌─────────────────────┐      inputs (ring)       ┌───────────────────────┐ answers ┌───────────────┐
 *   │ links, engine       │ ◄─────────────────────── │ sockets, TLS, stamps  │ ◄────── │ GET requests  │
 *   │ live_io_next        │ ───────────────────────► │ (net_ws)              │         │ (net_http)    │
 *   └─────────────────────┘  open, close, send, ping └───────────────────────┘         └───────────────┘
 *             └───────────────────────── get ──────────────────────────────────────────────►
 *
 * Nobody waits for anybody: rings are bounded. Messages of connections leave an eighth of the ring of inputs free;
 * when that is used up they are thrown away, counted, and told in their place as LINK_DROPPED, so that the books in
 * question go stale and are built anew. Everything else (connections, answers, commands) has that eighth; should it
 * be full too, the I/O thread waits.
 *
 * Requests have a thread of their own since handshakes and answers of megabytes would hold up the market's frames;
 * what it brings is stamped by the I/O thread, like all the rest, so that there is one order.
 *
 * One thread (live_io_options.one_thread): there is no I/O thread; live_io_wait moves the bytes when the engine has
 * nothing else to do. Nothing has to be handed from core to core and nobody is woken, which is what most of the way
 * of a frame is spent on where cores are few. The price: what arrives while the engine is busy stays in the kernel
 * and is stamped when it is read, and a name that is looked up for a new connection holds the engine up. The rings
 * and the inputs are the same.
 *
 * A TICK is made by live_io_next, in the engine's thread, when nothing has arrived and a moment is due. ts never
 * falls: what was stamped a moment before such a tick but arrives behind it counts as of the tick.
 */
#ifndef TAPEDECK_ADAPTERS_SHELL_LIVE_IO_H
#define TAPEDECK_ADAPTERS_SHELL_LIVE_IO_H

#include "adapters/link.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LIVE_LINKS_MAX  64
#define LIVE_RING_BYTES (32u << 20)

struct live_io_options {
    const char *ca_file; /* trusted instead of the system's certificates (SSL_CERT_FILE); NULL: none */
    const char *proxy;   /* of an HTTP proxy, "host:port"; NULL: https_proxy or HTTPS_PROXY of the environment */
    const char *agent;   /* User-Agent */
    uint32_t ring_bytes; /* a power of two, at least 1 MiB; 0: LIVE_RING_BYTES */
    bool one_thread;     /* see below */
    ns_t spin;           /* live_io_wait looks for so long before it sleeps */
    ns_t tick;           /* with nothing due, a TICK after so long; 0: 1 s */
};

struct live_io_stats {
    uint64_t messages, bytes;       /* of connections, handed over */
    uint64_t dropped;               /* of connections, thrown away */
    uint64_t waits;                 /* for room, of the I/O thread */
    uint64_t ring_bytes, ring_most; /* size, most in use */
    uint64_t requests;
    uint64_t clock_steps;
};

struct live_io;
err_t live_io_open(struct live_io **io, const struct live_io_options *options, struct err_text *why) MUST_USE;
/* What links ask for: give it to them. The engine's thread only. */
const struct link_wire *live_io_wire(struct live_io *io);
/* The next input; it lives until the next call. ERR_AGAIN: nothing has arrived and nothing is due. Another error: the
 * thread ended, or could not follow. The engine's thread only. */
err_t live_io_next(struct live_io *io, ns_t due, struct link_input *input, struct err_text *why) MUST_USE;
/* Return when there may be something for live_io_next, or it is `due`, or after a second. */
void live_io_wait(struct live_io *io, ns_t due);
/* The time that an input would have now. Any thread. */
ns_t live_io_now(const struct live_io *io);
/* An operator's word, to come in as LINK_COMMAND. Any thread. ERR_FULL: too many wait; ERR_RANGE: too long. */
err_t live_io_command(struct live_io *io, const char *text) MUST_USE;
void live_io_read_stats(const struct live_io *io, struct live_io_stats *stats);
void live_io_close(struct live_io *io);

#ifdef __cplusplus
}
#endif
#endif
