#include "cli/latency_traffic.h"

#include <linux/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define FDS 1024 /* looked through; a channel has a few dozen */

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

/* The socket's place; NULL: no room (its bytes are not counted). */
static uint32_t find(struct latency_meter *meter, uint64_t cookie)
{
    uint32_t i = 0;
    while (i < meter->count && meter->sockets[i].cookie != cookie)
        i++;
    if (i == meter->count && i < LATENCY_SOCKETS) {
        meter->sockets[i].cookie = cookie;
        meter->sockets[i].in = meter->sockets[i].out = 0;
        meter->ended.connections++;
        meter->count++;
    }
    return i;
}

static void look_at(struct latency_meter *meter, int fd)
{
    struct tcp_info info;
    uint64_t cookie;
    socklen_t size = sizeof(cookie), info_size = sizeof(info);
    memset(&info, 0, sizeof(info));
    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0 ||
        getsockopt(fd, 6 /* IPPROTO_TCP */, TCP_INFO, &info, &info_size) != 0)
        return;
    const uint32_t i = find(meter, cookie);
    if (i == LATENCY_SOCKETS)
        return;
    meter->sockets[i].there = true;
    meter->sockets[i].in = info.tcpi_bytes_received;
    meter->sockets[i].out = info.tcpi_bytes_acked > 0 ? info.tcpi_bytes_acked - 1 : 0; /* the SYN counts as one */
}

void latency_meter_look(struct latency_meter *meter, struct latency_traffic *sum)
{
    for (uint32_t i = 0; i < meter->count; i++)
        meter->sockets[i].there = false;
    for (int fd = 0; fd < FDS; fd++)
        look_at(meter, fd);
    *sum = meter->ended;
    for (uint32_t i = 0; i < meter->count;) {
        sum->in += meter->sockets[i].in;
        sum->out += meter->sockets[i].out;
        if (meter->sockets[i].there) {
            i++;
            continue;
        }
        meter->ended.in += meter->sockets[i].in;
        meter->ended.out += meter->sockets[i].out;
        meter->sockets[i] = meter->sockets[--meter->count];
    }
}
