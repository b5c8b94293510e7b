/* latency_traffic.h: what the TCP connections of this process have carried, as the kernel counts it (TCP_INFO): TLS
 * and handshakes included, IP and TCP heads not. Looked at from time to time; of a connection that ends in between,
 * what it carried since the last look is missed. */
#ifndef TAPEDECK_CLI_LATENCY_TRAFFIC_H
#define TAPEDECK_CLI_LATENCY_TRAFFIC_H

#include "core/base.h"

#define LATENCY_SOCKETS 256

struct latency_traffic {
    uint64_t in, out;     /* bytes */
    uint64_t connections; /* that were seen */
};

/* Plain memory, all zero at first. */
struct latency_meter {
    struct latency_traffic ended; /* of connections that are no more */
    uint32_t count;
    struct {
        uint64_t cookie; /* tells sockets apart for ever */
        uint64_t in, out;
        bool there;
    } sockets[LATENCY_SOCKETS];
};

/* Look now, and what it comes to since the beginning. */
void latency_meter_look(struct latency_meter *meter, struct latency_traffic *sum);

#endif
