/* wire_clients.c: what becomes of a connection by time alone: pings, ages, silence, and the faults of sockets. */
#include "sim/wire/wire_state.h"

#define NAMED_OR(value, otherwise) ((value) != 0 ? (value) : (otherwise))

void wire_say_to(struct wire *wire, uint32_t client, enum wire_opcode opcode, const struct wire_text *text)
{
    if (wire->clients[client].frozen || !wire_text_ok(text))
        return;
    wire->stats.controls++;
    wire->calls.frame(wire->calls.context, client, opcode, text->bytes, text->size);
}

void wire_forget(struct wire *wire, uint32_t client)
{
    wire_unsubscribe_all(wire, client);
    wire->clients[client].used = false;
    wire_text_clear(&wire->clients[client].held);
    wire->stats.clients--;
}

void wire_end(struct wire *wire, uint32_t client, uint16_t code, const char *reason)
{
    wire_forget(wire, client);
    wire->stats.closed++;
    wire->calls.close(wire->calls.context, client, code, reason);
}

static ns_t ping_interval(const struct wire *wire)
{
    return NAMED_OR(wire->config.ping_interval, wire->ops->ping_interval[wire->config.venue]);
}

static ns_t sooner(ns_t a, ns_t b)
{
    return a < b ? a : b;
}

/* When the client wants to be looked at again. */
ns_t wire_client_due(const struct wire *wire, const struct wire_client *client)
{
    const struct wire_ops *ops = wire->ops;
    const ns_t interval = ping_interval(wire), half_open = wire->config.faults.half_open_after;
    ns_t due = client->ends;
    if (client->frozen)
        return due;
    if (interval != 0)
        due = sooner(due, (client->pinged != 0 ? client->pinged : client->since) + interval);
    if (client->waits_since != 0 && ops->pong_wait[wire->config.venue] != 0)
        due = sooner(due, client->waits_since + ops->pong_wait[wire->config.venue]);
    if (ops->idle_max != 0)
        due = sooner(due, client->active + ops->idle_max);
    if (half_open != 0)
        due = sooner(due, client->since + half_open);
    return sooner(due, client->up_next);
}

static void ping(struct wire *wire, uint32_t number)
{
    struct wire_client *client = &wire->clients[number];
    client->pinged = wire->now;
    if (client->waits_since == 0)
        client->waits_since = wire->now;
    client->ping_payload = wire_stamp_ms(wire, wire_venue_time(wire, wire->now));
    wire_text_clear(&wire->answer);
    wire_put_u64(&wire->answer, client->ping_payload);
    wire_say_to(wire, number, WIRE_PING, &wire->answer);
}

static void freeze(struct wire *wire, uint32_t number)
{
    wire->clients[number].frozen = true;
    wire->stats.faults++;
    wire_unsubscribe_all(wire, number);
    if (wire->calls.freeze != NULL)
        wire->calls.freeze(wire->calls.context, number);
}

void wire_look_at(struct wire *wire, uint32_t number)
{
    struct wire_client *client = &wire->clients[number];
    const struct wire_ops *ops = wire->ops;
    const struct wire_faults *faults = &wire->config.faults;
    const ns_t now = wire->now, pong_wait = ops->pong_wait[wire->config.venue];
    if (now >= client->ends) {
        const bool aged = now >= client->since + NAMED_OR(faults->life, ops->life);
        wire->stats.faults += !aged;
        wire_end(wire, number, aged ? 1001 : 0, aged ? "connections live 24 hours" : "");
        return;
    }
    if (client->frozen)
        return;
    if (faults->half_open_after != 0 && now >= client->since + faults->half_open_after)
        freeze(wire, number);
    else if (pong_wait != 0 && client->waits_since != 0 && now >= client->waits_since + pong_wait)
        wire_end(wire, number, 1008, "no pong");
    else if (ops->idle_max != 0 && now >= client->active + ops->idle_max)
        wire_end(wire, number, 1000, "idle");
    if (!client->used || client->frozen)
        return;
    if (ping_interval(wire) != 0 &&
        now >= (client->pinged != 0 ? client->pinged : client->since) + ping_interval(wire))
        ping(wire, number);
    if (now >= client->up_next) {
        client->up_next = now + 10 * NS_PER_S;
        client->active = now;
        wire_text_clear(&wire->answer);
        wire_put(&wire->answer, "{\"status\":\"UP\"}");
        wire_say_to(wire, number, WIRE_TEXT, &wire->answer);
    }
}
