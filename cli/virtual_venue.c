/* How: what comes to a venue is given to its wire when its moment has come; what the wire says within the call goes
 * on its way at once. */
#include "cli/virtual_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_SIZE 2048
#define PEER      1 /* the links are one address */

/* ---- what the venue says ---- */

static void down(struct virtual_wire *all, uint16_t venue, uint8_t slot, ns_t at, int status, const char *why)
{
    struct parcel *parcel = virtual_net_input(all, LINK_DOWN, venue, slot, at, NULL, 0, why, strlen(why));
    if (parcel != NULL)
        parcel->input.status = status;
    virtual_net_push(all, parcel);
}

static void let_client_go(struct venue *venue, uint32_t client)
{
    if (client < CLIENTS_MAX)
        venue->conn_of[client] = LINK_CONNS;
}

static void on_frame(void *context, uint32_t client, enum wire_opcode opcode, const char *bytes, size_t size)
{
    struct venue *venue = context;
    struct virtual_wire *all = venue->all;
    const uint8_t slot = venue->conn_of[client];
    if (slot == LINK_CONNS)
        return;
    struct conn *conn = &venue->conns[slot];
    if (conn->frozen || conn->client != client)
        return;
    const ns_t at = virtual_net_in_line(&conn->to_client, all->now + virtual_net_way(all));
    switch (opcode) {
    case WIRE_TEXT:
    case WIRE_BINARY:
        if (virtual_net_happens(all, all->net.drop)) {
            struct parcel *lost = virtual_net_input(all, LINK_DROPPED, venue->number, slot, at, NULL, 0, NULL, 0);
            if (lost != NULL)
                lost->input.value = 1;
            virtual_net_push(all, lost);
            return;
        }
        virtual_net_push(all, virtual_net_input(all, opcode == WIRE_TEXT ? LINK_TEXT : LINK_BINARY, venue->number,
                                                slot, at, NULL, 0, bytes, size));
        break;
    case WIRE_PONG:
        virtual_net_push(all, virtual_net_input(all, LINK_PONG, venue->number, slot, at, NULL, 0, NULL, 0));
        break;
    case WIRE_PING: { /* answered by whoever holds the socket, with the same bytes */
        struct parcel *pong = virtual_net_make(all, P_PONG_BACK, venue->number, slot,
                                               virtual_net_in_line(&conn->to_venue, at + virtual_net_way(all)), size);
        if (pong != NULL && size > 0)
            memcpy(pong->bytes, bytes, size);
        virtual_net_push(all, pong);
        break;
    }
    case WIRE_CLOSE:
        break;
    }
}

static void on_close(void *context, uint32_t client, uint16_t code, const char *reason)
{
    struct venue *venue = context;
    struct virtual_wire *all = venue->all;
    const uint8_t slot = venue->conn_of[client];
    let_client_go(venue, client);
    if (slot == LINK_CONNS || venue->conns[slot].client != client)
        return;
    struct conn *conn = &venue->conns[slot];
    conn->client = CLIENTS_MAX;
    if (!conn->frozen)
        down(all, venue->number, slot, virtual_net_in_line(&conn->to_client, all->now + virtual_net_way(all)), code,
             reason);
}

static void on_freeze(void *context, uint32_t client)
{
    struct venue *venue = context;
    const uint8_t slot = venue->conn_of[client];
    if (slot != LINK_CONNS && venue->conns[slot].client == client)
        venue->conns[slot].frozen = true;
}

static size_t head_text(const struct wire_answer *answer, char *text)
{
    size_t used = (size_t)snprintf(text, HEAD_SIZE, "HTTP/1.1 %u\r\n", answer->status);
    for (uint32_t i = 0; i < answer->header_count && used < HEAD_SIZE - 1; i++)
        used += (size_t)snprintf(text + used, HEAD_SIZE - used, "%s: %s\r\n", answer->headers[i].name,
                                 answer->headers[i].value);
    return used < HEAD_SIZE ? used : HEAD_SIZE - 1;
}

static void keep_fetched(struct venue *venue, const struct wire_answer *answer)
{
    venue->fetched_status = answer->status;
    venue->fetched = calloc(1, answer->body_size + FRAME_PADDING);
    venue->fetched_size = answer->body_size;
    if (venue->fetched != NULL && answer->body_size > 0)
        memcpy(venue->fetched, answer->body, answer->body_size);
}

static void on_answer(void *context, const struct wire_answer *answer)
{
    struct venue *venue = context;
    struct virtual_wire *all = venue->all;
    venue->answered = true;
    if (venue->fetching) {
        keep_fetched(venue, answer);
        return;
    }
    const struct parcel *asking = venue->asking;
    const ns_t at = all->now + answer->delay + virtual_net_way(all);
    if (asking->kind == P_HELLO) {
        struct conn *conn = &venue->conns[asking->conn];
        down(all, venue->number, asking->conn, virtual_net_in_line(&conn->to_client, at), answer->status, "refused");
        return;
    }
    const uint64_t id = asking->input.id;
    if (at > asking->deadline) {
        virtual_net_fail(all, venue->number, id, asking->deadline, "timed out");
        return;
    }
    if (answer->cut) {
        virtual_net_fail(all, venue->number, id, at, "the connection ended before the answer did");
        return;
    }
    char head[HEAD_SIZE];
    const size_t head_size = head_text(answer, head);
    struct parcel *parcel = virtual_net_input(all, LINK_ANSWER, venue->number, LINK_CONNS, at, head, head_size,
                                              answer->body, answer->body_size);
    if (parcel != NULL) {
        parcel->input.id = id;
        parcel->input.status = answer->status;
    }
    virtual_net_push(all, parcel);
}

/* ---- parcels that arrive at the venue ---- */

/* scheme://host[:port]/path?query, in place. */
static struct wire_request request_of(char *url, uint64_t id)
{
    char *host = strstr(url, "://");
    char *path = host != NULL ? strchr(host + 3, '/') : NULL;
    char *query = path != NULL ? strchr(path, '?') : NULL;
    if (query != NULL)
        *query++ = '\0';
    return (struct wire_request){.id = id,
                                 .peer = PEER,
                                 .method = "GET",
                                 .path = path != NULL ? path : "/",
                                 .query = query != NULL ? query : ""};
}

static void greet(struct virtual_wire *all, struct venue *venue, struct parcel *parcel)
{
    struct conn *conn = &venue->conns[parcel->conn];
    uint32_t client = 0;
    while (client < CLIENTS_MAX && venue->conn_of[client] != LINK_CONNS)
        client++;
    if (client == CLIENTS_MAX) {
        down(all, venue->number, parcel->conn, all->now + virtual_net_way(all), 0, "no room at the venue");
        return;
    }
    const struct wire_request request = request_of(parcel->bytes, 0);
    venue->asking = parcel;
    venue->conn_of[client] = parcel->conn;
    conn->client = client;
    /* the UP comes before whatever the venue says within the call */
    const ns_t up = virtual_net_in_line(&conn->to_client, all->now + virtual_net_way(all));
    const uint64_t number = all->numbers++;
    const bool accepted = wire_hello(venue->wire, all->now, client, &request);
    venue->asking = NULL;
    if (!accepted) {
        let_client_go(venue, client);
        conn->client = CLIENTS_MAX;
        return;
    }
    struct parcel *input = virtual_net_input(all, LINK_UP, venue->number, parcel->conn, up, NULL, 0, NULL, 0);
    if (input != NULL)
        input->number = number;
    virtual_net_push(all, input);
    if (all->net.cut > 0)
        virtual_net_push(all, virtual_net_make(all, P_CUT, venue->number, parcel->conn,
                                               all->now + NS_PER_MS + prng_exponential(&all->prng, all->net.cut), 0));
}

/* The cable. */
static void cut(struct virtual_wire *all, struct venue *venue, uint8_t slot)
{
    struct conn *conn = &venue->conns[slot];
    if (virtual_net_happens(all, all->net.silent)) {
        conn->frozen = true;
        return;
    }
    const uint32_t client = conn->client;
    if (client < CLIENTS_MAX) {
        let_client_go(venue, client);
        conn->client = CLIENTS_MAX;
        wire_goodbye(venue->wire, all->now, client);
    }
    conn->generation++; /* what was under way is lost */
    down(all, venue->number, slot, all->now + all->net.delay, 1006, "the connection was lost");
}

static void ask_wire(struct virtual_wire *all, struct venue *venue, struct parcel *parcel)
{
    const struct wire_request request = request_of(parcel->bytes, 1);
    venue->asking = parcel;
    venue->answered = false;
    wire_request(venue->wire, all->now, &request);
    ASSERT(venue->answered);
    venue->asking = NULL;
}

void virtual_venue_arrive(struct virtual_wire *all, struct parcel *parcel)
{
    struct venue *venue = &all->venues[parcel->venue];
    if (parcel->kind == P_REQUEST) {
        ask_wire(all, venue, parcel);
        return;
    }
    if (parcel->kind == P_GOODBYE) {
        const uint32_t client = (uint32_t)parcel->input.id;
        if (client < CLIENTS_MAX && venue->conn_of[client] == parcel->conn) {
            let_client_go(venue, client);
            wire_goodbye(venue->wire, all->now, client);
        }
        return;
    }
    struct conn *conn = &venue->conns[parcel->conn];
    if (parcel->generation != conn->generation || conn->frozen)
        return;
    if (parcel->kind == P_HELLO)
        greet(all, venue, parcel);
    else if (parcel->kind == P_CUT)
        cut(all, venue, parcel->conn);
    else if (conn->client < CLIENTS_MAX)
        wire_frame(venue->wire, all->now, conn->client,
                   parcel->kind == P_SEND   ? WIRE_TEXT
                   : parcel->kind == P_PING ? WIRE_PING
                                            : WIRE_PONG,
                   parcel->bytes, parcel->size);
}

/* ---- the market ---- */

static ns_t moment_of(const struct venue *venue, const struct event *event)
{
    const ns_t ts = event->exch_ts != 0 ? event->exch_ts : event->ts;
    return ts > venue->last ? ts : venue->last;
}

err_t virtual_venue_next(struct venue *venue, ns_t *at)
{
    *at = NS_MAX;
    while (!venue->ended && (!venue->holding || venue->at == venue->batch.count)) {
        if (venue->holding)
            venue->market->ops->release(venue->market, venue->batch.handle);
        venue->holding = false;
        const err_t err = venue->market->ops->next(venue->market, &venue->batch);
        if (err == ERR_END)
            venue->ended = true;
        else if (err != ERR_OK)
            return err_say(&venue->all->source.why, err, "%s", venue->market->why.text);
        else
            venue->holding = true;
        venue->at = 0;
    }
    if (!venue->ended)
        *at = moment_of(venue, &venue->batch.events[venue->at]);
    return ERR_OK;
}

void virtual_venue_market(struct venue *venue, ns_t at)
{
    const struct virtual_wire *all = venue->all;
    const struct event *event = &venue->batch.events[venue->at++];
    venue->last = at;
    wire_market(venue->wire, at, event);
    if (all->config.on_market != NULL)
        all->config.on_market(all->config.context, venue->number, venue->wire, at, event);
}

err_t virtual_venue_fetch(struct venue *venue, const char *url, char **body, size_t *size, struct err_text *why)
{
    char *copy = strdup(url);
    if (copy == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    const struct wire_request request = request_of(copy, 0);
    venue->fetching = true;
    wire_request(venue->wire, venue->all->now, &request);
    venue->fetching = false;
    free(copy);
    if (venue->fetched == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    if (venue->fetched_status != 200) {
        const err_t err = err_say(why, ERR_IO, "%s: HTTP %u: %.200s", url, venue->fetched_status, venue->fetched);
        free(venue->fetched);
        venue->fetched = NULL;
        return err;
    }
    *body = venue->fetched;
    *size = venue->fetched_size;
    venue->fetched = NULL;
    return ERR_OK;
}

/* ---- from beginning to end ---- */

err_t virtual_venue_open(struct virtual_wire *all, uint16_t number, struct err_text *why)
{
    struct venue *venue = &all->venues[number];
    const struct virtual_venue *from = &all->config.venues[number];
    struct wire_config config = from->wire;
    config.clock = (struct wire_clock){.base = all->config.from, .venue_base = all->config.from, .num = 1, .den = 1};
    config.client_max = CLIENTS_MAX;
    const struct wire_calls calls = {
        .context = venue, .frame = on_frame, .close = on_close, .freeze = on_freeze, .answer = on_answer};
    venue->all = all;
    venue->number = number;
    venue->market = from->market;
    venue->last = INT64_MIN;
    for (uint32_t i = 0; i < CLIENTS_MAX; i++)
        venue->conn_of[i] = LINK_CONNS;
    for (uint32_t i = 0; i < LINK_CONNS; i++)
        venue->conns[i].client = CLIENTS_MAX;
    return wire_open(&venue->wire, &config, &calls, why);
}

void virtual_venue_close(struct venue *venue)
{
    if (venue->holding)
        venue->market->ops->release(venue->market, venue->batch.handle);
    if (venue->wire != NULL)
        wire_close(venue->wire);
}
