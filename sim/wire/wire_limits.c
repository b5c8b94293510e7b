#include "sim/wire/wire_limits.h"

uint32_t wire_window_used(const struct wire_window *window, ns_t now, ns_t length)
{
    return window->number == now / length ? window->count : 0;
}

bool wire_window_take(struct wire_window *window, ns_t now, ns_t length, uint32_t limit, uint32_t weight)
{
    const uint32_t used = wire_window_used(window, now, length);
    window->number = now / length;
    window->count = used;
    if (weight > limit || used > limit - weight)
        return false;
    window->count = used + weight;
    return true;
}

struct wire_peer *wire_limits_peer(struct wire_limits *limits, ns_t now, uint32_t number)
{
    struct wire_peer *oldest = &limits->peers[0];
    for (uint32_t i = 0; i < limits->peer_max; i++) {
        struct wire_peer *peer = &limits->peers[i];
        if (peer->used && peer->number == number) {
            peer->heard = now;
            return peer;
        }
        if (oldest->used && (!peer->used || peer->heard < oldest->heard))
            oldest = peer;
    }
    *oldest = (struct wire_peer){.used = true, .number = number, .heard = now};
    for (unsigned i = 0; i < WIRE_LIMIT_GROUPS; i++)
        oldest->groups[i].number = -1;
    return oldest;
}

static void ban(struct wire_limits *limits, ns_t now, struct wire_peer *peer)
{
    ns_t time = limits->ban_time;
    for (uint32_t i = 0; i < peer->bans && time < WIRE_BAN_MAX; i++)
        time *= 2;
    peer->bans++;
    peer->over = 0;
    peer->banned_until = now + (time < WIRE_BAN_MAX ? time : WIRE_BAN_MAX);
}

void wire_limits_ban(struct wire_limits *limits, ns_t now, uint32_t number)
{
    ban(limits, now, wire_limits_peer(limits, now, number));
}

struct wire_verdict wire_limits_ask(struct wire_limits *limits, ns_t now, uint32_t number, unsigned group,
                                    ns_t length, uint32_t limit, uint32_t weight)
{
    struct wire_peer *peer = wire_limits_peer(limits, now, number);
    struct wire_window *window = &peer->groups[group];
    if (!limits->off && now < peer->banned_until)
        return (struct wire_verdict){418, wire_window_used(window, now, length), peer->banned_until - now};
    if (limits->off || wire_window_take(window, now, length, limit, weight)) {
        peer->over = 0;
        return (struct wire_verdict){200, wire_window_used(window, now, length), 0};
    }
    if (++peer->over >= WIRE_LIMIT_PATIENCE) {
        ban(limits, now, peer);
        return (struct wire_verdict){418, wire_window_used(window, now, length), peer->banned_until - now};
    }
    return (struct wire_verdict){429, wire_window_used(window, now, length), length - now % length};
}
