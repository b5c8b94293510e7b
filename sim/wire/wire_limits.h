/* wire_limits.h: how much an address and a connection may ask for, and what becomes of who asks more.
 *
 *   request ─► banned? ─► 418                          (until the ban ends)
 *          └─► over the window's limit? ─► 429          the WIRE_LIMIT_PATIENCE-th of them in a row bans the address
 *          └─► counted
 *
 * Windows are whole multiples of their length of `now`, as the venues' are. A ban lasts ban_time, and each further
 * one twice as long as the one before, three days at most.
 */
#ifndef TAPEDECK_SIM_WIRE_LIMITS_H
#define TAPEDECK_SIM_WIRE_LIMITS_H

#include "core/base.h"

#define WIRE_LIMIT_PATIENCE 10
#define WIRE_LIMIT_GROUPS   10
#define WIRE_BAN_FIRST      (120 * NS_PER_S)
#define WIRE_BAN_MAX        (259200 * NS_PER_S)

struct wire_window {
    int64_t number; /* of the window since 1970 */
    uint32_t count;
};

struct wire_peer {
    bool used;
    uint32_t number;
    ns_t heard;
    struct wire_window groups[WIRE_LIMIT_GROUPS];
    uint32_t over; /* answers 429 since the last one that was not */
    uint32_t bans;
    ns_t banned_until;
};

struct wire_limits {
    struct wire_peer *peers;
    uint32_t peer_max;
    bool off;
    ns_t ban_time;
};

struct wire_verdict {
    uint16_t status; /* 200, 429 or 418 */
    uint32_t used;   /* in this window, this one included when it was counted */
    ns_t wait;       /* 429 and 418: how long until it is of use to ask again */
};

/* Count `weight` against `limit` in windows of `length`. What is over the limit is not counted. */
bool wire_window_take(struct wire_window *window, ns_t now, ns_t length, uint32_t limit, uint32_t weight);
uint32_t wire_window_used(const struct wire_window *window, ns_t now, ns_t length);

struct wire_peer *wire_limits_peer(struct wire_limits *limits, ns_t now, uint32_t number);
struct wire_verdict wire_limits_ask(struct wire_limits *limits, ns_t now, uint32_t peer, unsigned group, ns_t length,
                                    uint32_t limit, uint32_t weight);
/* Ban an address from now on. */
void wire_limits_ban(struct wire_limits *limits, ns_t now, uint32_t peer);

#endif
