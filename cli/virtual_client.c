/* How: nothing is answered within the call; whatever is asked for is a parcel that reaches the venue, or comes back,
 * some time later. */
#include "cli/virtual_state.h"

#include <string.h>

static struct conn *conn_of(struct virtual_wire *all, uint16_t venue, uint8_t conn)
{
    ASSERT(venue < all->config.venue_count && conn < LINK_CONNS);
    return &all->venues[venue].conns[conn];
}

static void ask_open(void *context, uint16_t link, uint8_t slot, const char *url)
{
    struct virtual_wire *all = context;
    struct conn *conn = conn_of(all, link, slot);
    ASSERT(!conn->open);
    const uint32_t generation = conn->generation + 1;
    *conn = (struct conn){.generation = generation, .open = true, .client = CLIENTS_MAX};
    /* TCP, TLS, and the request: three ways there, two back */
    const ns_t at = virtual_net_in_line(&conn->to_venue, all->now + 5 * all->net.delay + virtual_net_way(all));
    struct parcel *parcel = virtual_net_make(all, P_HELLO, link, slot, at, strlen(url) + 1);
    if (parcel != NULL)
        memcpy(parcel->bytes, url, strlen(url) + 1);
    virtual_net_push(all, parcel);
}

static void ask_close(void *context, uint16_t link, uint8_t slot)
{
    static const char why[] = "closed by us";
    struct virtual_wire *all = context;
    struct conn *conn = conn_of(all, link, slot);
    if (!conn->open)
        return;
    struct parcel *goodbye = virtual_net_make(
        all, P_GOODBYE, link, slot, virtual_net_in_line(&conn->to_venue, all->now + virtual_net_way(all)), 0);
    if (goodbye != NULL)
        goodbye->input.id = conn->client;
    virtual_net_push(all, goodbye);
    /* what is under way to us, and what the venue still says, is void; the DOWN belongs to a generation of its own */
    conn->generation++;
    conn->client = CLIENTS_MAX;
    virtual_net_push(
        all, virtual_net_input(all, LINK_DOWN, link, slot, all->now + 2 * all->net.delay, NULL, 0, why, strlen(why)));
}

static void ask_bytes(struct virtual_wire *all, enum parcel_kind kind, uint16_t link, uint8_t slot, const char *text,
                      size_t size)
{
    struct conn *conn = conn_of(all, link, slot);
    if (!conn->open || conn->frozen)
        return;
    struct parcel *parcel = virtual_net_make(
        all, kind, link, slot, virtual_net_in_line(&conn->to_venue, all->now + virtual_net_way(all)), size);
    if (parcel != NULL && size > 0)
        memcpy(parcel->bytes, text, size);
    virtual_net_push(all, parcel);
}

static void ask_send(void *context, uint16_t link, uint8_t slot, const char *text, size_t size)
{
    ask_bytes(context, P_SEND, link, slot, text, size);
}

static void ask_ping(void *context, uint16_t link, uint8_t slot)
{
    ask_bytes(context, P_PING, link, slot, NULL, 0);
}

static void ask_get(void *context, uint16_t link, uint64_t id, const char *url, ns_t timeout)
{
    struct virtual_wire *all = context;
    if (virtual_net_happens(all, all->net.request_loss)) {
        virtual_net_fail(all, link, id, all->now + timeout, "timed out: the request was lost");
        return;
    }
    struct parcel *parcel =
        virtual_net_make(all, P_REQUEST, link, LINK_CONNS, all->now + virtual_net_way(all), strlen(url) + 1);
    if (parcel != NULL) {
        memcpy(parcel->bytes, url, strlen(url) + 1);
        parcel->input.id = id;
        parcel->deadline = all->now + timeout;
    }
    virtual_net_push(all, parcel);
}

struct link_wire virtual_client_wire(struct virtual_wire *all)
{
    return (struct link_wire){
        .context = all, .open = ask_open, .close = ask_close, .send = ask_send, .ping = ask_ping, .get = ask_get};
}
