/* virtual_wire.h: adapters and mock venues in one process, over a network that does not exist, in virtual time.
 *
 *   links (adapters/) ◄── inputs ── virtual_wire ── hello, frames, requests ──► wires (sim/wire/)
 *           │                      a heap of parcels,                               ▲
 *           └─ open, send, get ──► each with its moment                             └── market events (feeds)
 *
 * It is a wire_source: whoever reads it plays a session, and a day passes as fast as it can be worked out. What
 * happens depends on the seed alone.
 *
 * The network. Every message takes `delay` and an exponential part of mean `jitter`; a connection is first in, first
 * out (TCP); connections and requests overtake each other. A lost packet is a stall of what is behind it: `stall`
 * in a million messages take `stall_time` longer. Connections are cut after `cut` on average: both sides learn of it,
 * and what was under way is lost; `silent` in a million cuts are noticed by nobody (half open). Requests are lost
 * `request_loss` in a million times. `drop` in a million messages do not fit into the session's ring.
 *
 * What goes wrong at the venue is the wire's own business (struct wire_faults).
 */
#ifndef TAPEDECK_CLI_VIRTUAL_WIRE_H
#define TAPEDECK_CLI_VIRTUAL_WIRE_H

#include "adapters/wire_feed.h"
#include "core/feed.h"
#include "sim/wire/wire.h"

struct virtual_net {
    ns_t delay, jitter; /* one way */
    uint32_t stall;     /* in a million messages */
    ns_t stall_time;
    ns_t cut; /* mean; 0: never */
    uint32_t silent, request_loss, drop;
    ns_t clock_offset; /* our clock minus the true one */
    ns_t step_at;      /* 0: never; a moment of the true clock */
    ns_t step;         /* our clock is set by so much then */
};

struct virtual_venue {
    struct wire_config wire; /* its clock is set by virtual_wire_open: the true one */
    struct feed *market;     /* in the order of its exch_ts, or ts where it has none; outlives the wire */
};

struct virtual_wire_config {
    uint64_t seed;
    const struct virtual_net *net;
    const struct virtual_venue *venues; /* one a link */
    uint16_t venue_count;
    ns_t from, to; /* of the true clock; the session ends at `to` */
    void *context;
    /* The venue has taken in a market event; may be NULL. */
    void (*on_market)(void *context, uint16_t venue, const struct wire *wire, ns_t now, const struct event *event);
};

struct virtual_wire;
err_t virtual_wire_open(struct virtual_wire **virtual, const struct virtual_wire_config *config,
                        struct err_text *why) MUST_USE;
struct wire_source *virtual_wire_source(struct virtual_wire *virtual);
const struct link_wire *virtual_wire_wire(struct virtual_wire *virtual);
const struct wire *virtual_wire_venue(const struct virtual_wire *virtual, uint16_t venue);
ns_t virtual_wire_now(const struct virtual_wire *virtual); /* the true clock */
/* One GET of before the session, answered at once and without faults of the network. The body is the caller's to
 * free, and padded like a frame. */
err_t virtual_wire_fetch(struct virtual_wire *virtual, uint16_t venue, const char *url, char **body, size_t *size,
                         struct err_text *why) MUST_USE;
void virtual_wire_close(struct virtual_wire *virtual);

#endif
