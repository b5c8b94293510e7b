/* How: a heap of parcels by (moment, number). What goes to a venue is given to its wire when its moment comes, and
 * what the wire says then becomes parcels to the client. Every connection has a generation: parcels of an older one
 * are void. Time is the true clock; the client's is told apart only where an input gets its ts. */
#include "cli/virtual_wire.h"

#include "core/prng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_MAX 64
#define HEAD_SIZE   2048
#define PEER        1

enum parcel_kind {
    /* to the venue */
    P_HELLO,
    P_SEND,
    P_PING,
    P_PONG_BACK, /* to a ping of the venue's */
    P_GOODBYE,
    P_REQUEST,
    P_CUT,
    /* to the client */
    P_INPUT,
    P_STEP,
};

struct parcel {
    ns_t at;
    uint64_t number;
    enum parcel_kind kind;
    uint16_t venue;
    uint8_t conn;
    uint32_t generation;
    ns_t deadline;           /* of a request */
    struct link_input input; /* P_INPUT; head_size and text_size count what is in `bytes` */
    size_t size;
    char bytes[]; /* head, text, padding */
};

struct conn {
    uint32_t generation;
    bool open;                /* for the client: between open and DOWN */
    bool frozen;              /* nothing gets through, and nobody knows */
    uint32_t client;          /* of the wire; CLIENTS_MAX: none */
    ns_t to_venue, to_client; /* the latest moment given so far: first in, first out */
};

struct venue {
    struct virtual_wire *all;
    uint16_t number;
    struct wire *wire;
    struct feed *market;
    struct event_batch batch;
    uint32_t at;
    bool holding, ended;
    ns_t last; /* moment of the last market event */
    struct conn conns[LINK_CONNS];
    uint8_t conn_of[CLIENTS_MAX]; /* LINK_CONNS: free */
    /* of the request or the handshake that is being answered */
    const struct parcel *asking;
    bool answered;
    char *fetched; /* virtual_wire_fetch */
    size_t fetched_size;
    uint16_t fetched_status;
    bool fetching;
};

struct virtual_wire {
    struct wire_source source; /* first */
    struct link_wire wire;
    struct virtual_wire_config config;
    struct virtual_net net;
    struct venue *venues;
    struct prng prng;
    struct parcel **heap;
    size_t count, capacity;
    uint64_t numbers;
    ns_t now, due, offset, last_ts;
    bool due_known, failed;
    struct parcel *given; /* to the reader: lives until the next call */
};

/* ---- parcels ---- */

static bool is_before(const struct parcel *a, const struct parcel *b)
{
    return a->at != b->at ? a->at < b->at : a->number < b->number;
}

static void push(struct virtual_wire *all, struct parcel *parcel)
{
    if (parcel == NULL) {
        all->failed = true;
        return;
    }
    if (all->count == all->capacity) {
        const size_t capacity = all->capacity == 0 ? 1024 : 2 * all->capacity;
        struct parcel **grown = realloc(all->heap, capacity * sizeof(struct parcel *));
        if (grown == NULL) {
            free(parcel);
            all->failed = true;
            return;
        }
        all->heap = grown;
        all->capacity = capacity;
    }
    size_t i = all->count++;
    for (; i > 0 && is_before(parcel, all->heap[(i - 1) / 2]); i = (i - 1) / 2)
        all->heap[i] = all->heap[(i - 1) / 2];
    all->heap[i] = parcel;
}

static struct parcel *pop(struct virtual_wire *all)
{
    struct parcel *first = all->heap[0], *last = all->heap[--all->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < all->count; i = child) {
        if (child + 1 < all->count && is_before(all->heap[child + 1], all->heap[child]))
            child++;
        if (!is_before(all->heap[child], last))
            break;
        all->heap[i] = all->heap[child];
    }
    all->heap[i] = last;
    return first;
}

static struct parcel *make(struct virtual_wire *all, enum parcel_kind kind, uint16_t venue, uint8_t conn, ns_t at,
                           size_t size)
{
    struct parcel *parcel = calloc(1, sizeof(*parcel) + size + FRAME_PADDING);
    if (parcel == NULL)
        return NULL;
    parcel->kind = kind;
    parcel->venue = venue;
    parcel->conn = conn;
    parcel->at = at;
    parcel->number = all->numbers++;
    parcel->size = size;
    if (conn < LINK_CONNS)
        parcel->generation = all->venues[venue].conns[conn].generation;
    return parcel;
}

/* An input, with its texts behind it. */
static struct parcel *make_input(struct virtual_wire *all, enum link_what what, uint16_t venue, uint8_t conn, ns_t at,
                                 const char *head, size_t head_size, const char *text, size_t text_size)
{
    struct parcel *parcel = make(all, P_INPUT, venue, conn, at, head_size + text_size);
    if (parcel == NULL)
        return NULL;
    parcel->input = (struct link_input){.link = venue,
                                        .conn = conn < LINK_CONNS ? conn : 0,
                                        .what = (uint8_t)what,
                                        .head_size = (uint32_t)head_size,
                                        .text_size = (uint32_t)text_size};
    if (head_size > 0)
        memcpy(parcel->bytes, head, head_size);
    if (text_size > 0)
        memcpy(parcel->bytes + head_size, text, text_size);
    return parcel;
}

static bool happens(struct virtual_wire *all, uint32_t in_a_million)
{
    return in_a_million > 0 && prng_below(&all->prng, 1000000) < in_a_million;
}

static ns_t on_the_way(struct virtual_wire *all)
{
    ns_t way = all->net.delay;
    if (all->net.jitter > 0)
        way += prng_exponential(&all->prng, all->net.jitter);
    if (happens(all, all->net.stall))
        way += all->net.stall_time;
    return way;
}

/* Behind what went that way before it. */
static ns_t in_line(ns_t *last, ns_t at)
{
    if (at < *last)
        at = *last;
    *last = at;
    return at;
}

/* ---- what the client asks for ---- */

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
    const ns_t at = in_line(&conn->to_venue, all->now + 5 * all->net.delay + on_the_way(all));
    struct parcel *parcel = make(all, P_HELLO, link, slot, at, strlen(url) + 1);
    if (parcel != NULL)
        memcpy(parcel->bytes, url, strlen(url) + 1);
    push(all, parcel);
}

static void ask_close(void *context, uint16_t link, uint8_t slot)
{
    static const char why[] = "closed by us";
    struct virtual_wire *all = context;
    struct conn *conn = conn_of(all, link, slot);
    if (!conn->open)
        return;
    struct parcel *goodbye =
        make(all, P_GOODBYE, link, slot, in_line(&conn->to_venue, all->now + on_the_way(all)), 0);
    if (goodbye != NULL)
        goodbye->input.id = conn->client;
    push(all, goodbye);
    /* what is under way to us, and what the venue still says, is void; the DOWN belongs to a generation of its own */
    conn->generation++;
    conn->client = CLIENTS_MAX;
    push(all, make_input(all, LINK_DOWN, link, slot, all->now + 2 * all->net.delay, NULL, 0, why, strlen(why)));
}

static void ask_bytes(struct virtual_wire *all, enum parcel_kind kind, uint16_t link, uint8_t slot, const char *text,
                      size_t size)
{
    struct conn *conn = conn_of(all, link, slot);
    if (!conn->open || conn->frozen)
        return;
    struct parcel *parcel = make(all, kind, link, slot, in_line(&conn->to_venue, all->now + on_the_way(all)), size);
    if (parcel != NULL && size > 0)
        memcpy(parcel->bytes, text, size);
    push(all, parcel);
}

static void ask_send(void *context, uint16_t link, uint8_t slot, const char *text, size_t size)
{
    ask_bytes(context, P_SEND, link, slot, text, size);
}

static void ask_ping(void *context, uint16_t link, uint8_t slot)
{
    ask_bytes(context, P_PING, link, slot, NULL, 0);
}

static void fail_request(struct virtual_wire *all, uint16_t venue, uint64_t id, ns_t at, const char *why)
{
    struct parcel *parcel = make_input(all, LINK_FAILED, venue, LINK_CONNS, at, NULL, 0, why, strlen(why));
    if (parcel != NULL)
        parcel->input.id = id;
    push(all, parcel);
}

static void ask_get(void *context, uint16_t link, uint64_t id, const char *url, ns_t timeout)
{
    struct virtual_wire *all = context;
    if (happens(all, all->net.request_loss)) {
        fail_request(all, link, id, all->now + timeout, "timed out: the request was lost");
        return;
    }
    struct parcel *parcel = make(all, P_REQUEST, link, LINK_CONNS, all->now + on_the_way(all), strlen(url) + 1);
    if (parcel != NULL) {
        memcpy(parcel->bytes, url, strlen(url) + 1);
        parcel->input.id = id;
        parcel->deadline = all->now + timeout;
    }
    push(all, parcel);
}

/* ---- what the venue says ---- */

static void down(struct virtual_wire *all, uint16_t venue, uint8_t slot, ns_t at, int status, const char *why)
{
    struct parcel *parcel = make_input(all, LINK_DOWN, venue, slot, at, NULL, 0, why, strlen(why));
    if (parcel != NULL)
        parcel->input.status = status;
    push(all, parcel);
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
    const ns_t at = in_line(&conn->to_client, all->now + on_the_way(all));
    switch (opcode) {
    case WIRE_TEXT:
    case WIRE_BINARY:
        if (happens(all, all->net.drop)) {
            struct parcel *lost = make_input(all, LINK_DROPPED, venue->number, slot, at, NULL, 0, NULL, 0);
            if (lost != NULL)
                lost->input.value = 1;
            push(all, lost);
            return;
        }
        push(all, make_input(all, opcode == WIRE_TEXT ? LINK_TEXT : LINK_BINARY, venue->number, slot, at, NULL, 0,
                             bytes, size));
        break;
    case WIRE_PONG:
        push(all, make_input(all, LINK_PONG, venue->number, slot, at, NULL, 0, NULL, 0));
        break;
    case WIRE_PING: { /* answered by whoever holds the socket, with the same bytes */
        struct parcel *pong =
            make(all, P_PONG_BACK, venue->number, slot, in_line(&conn->to_venue, at + on_the_way(all)), size);
        if (pong != NULL && size > 0)
            memcpy(pong->bytes, bytes, size);
        push(all, pong);
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
        down(all, venue->number, slot, in_line(&conn->to_client, all->now + on_the_way(all)), code, reason);
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
    const ns_t at = all->now + answer->delay + on_the_way(all);
    if (asking->kind == P_HELLO) {
        struct conn *conn = &venue->conns[asking->conn];
        down(all, venue->number, asking->conn, in_line(&conn->to_client, at), answer->status, "refused");
        return;
    }
    const uint64_t id = asking->input.id;
    if (at > asking->deadline) {
        fail_request(all, venue->number, id, asking->deadline, "timed out");
        return;
    }
    if (answer->cut) {
        fail_request(all, venue->number, id, at, "the connection ended before the answer did");
        return;
    }
    char head[HEAD_SIZE];
    const size_t head_size = head_text(answer, head);
    struct parcel *parcel =
        make_input(all, LINK_ANSWER, venue->number, LINK_CONNS, at, head, head_size, answer->body, answer->body_size);
    if (parcel != NULL) {
        parcel->input.id = id;
        parcel->input.status = answer->status;
    }
    push(all, parcel);
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
        down(all, venue->number, parcel->conn, all->now + on_the_way(all), 0, "no room at the venue");
        return;
    }
    const struct wire_request request = request_of(parcel->bytes, 0);
    venue->asking = parcel;
    venue->conn_of[client] = parcel->conn;
    conn->client = client;
    /* the UP comes before whatever the venue says within the call */
    const ns_t up = in_line(&conn->to_client, all->now + on_the_way(all));
    const uint64_t number = all->numbers++;
    const bool accepted = wire_hello(venue->wire, all->now, client, &request);
    venue->asking = NULL;
    if (!accepted) {
        let_client_go(venue, client);
        conn->client = CLIENTS_MAX;
        return;
    }
    struct parcel *input = make_input(all, LINK_UP, venue->number, parcel->conn, up, NULL, 0, NULL, 0);
    if (input != NULL)
        input->number = number;
    push(all, input);
    if (all->net.cut > 0)
        push(all, make(all, P_CUT, venue->number, parcel->conn,
                       all->now + NS_PER_MS + prng_exponential(&all->prng, all->net.cut), 0));
}

/* The cable. */
static void cut(struct virtual_wire *all, struct venue *venue, uint8_t slot)
{
    struct conn *conn = &venue->conns[slot];
    if (happens(all, all->net.silent)) {
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

static void arrive(struct virtual_wire *all, struct parcel *parcel)
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

/* When the venue's next market event happens; NS_MAX: no more. */
static err_t next_market(struct venue *venue, ns_t *at)
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

static void market_happens(struct virtual_wire *all, struct venue *venue, ns_t at)
{
    const struct event *event = &venue->batch.events[venue->at++];
    venue->last = at;
    wire_market(venue->wire, at, event);
    if (all->config.on_market != NULL)
        all->config.on_market(all->config.context, venue->number, venue->wire, at, event);
}

/* ---- the source ---- */

static ns_t local(const struct virtual_wire *all, ns_t at)
{
    const ns_t ts = at + all->offset;
    return ts > all->last_ts ? ts : all->last_ts;
}

/* Our clock is set: forward it is followed, back it is not (adapters/shell/live_clock.h). */
static void step(struct virtual_wire *all, struct link_input *input)
{
    *input = (struct link_input){.what = LINK_CLOCK, .value = all->net.step};
    if (all->net.step > 0)
        all->offset += all->net.step;
}

static bool give(struct virtual_wire *all, struct parcel *parcel, struct link_input *input)
{
    if (parcel->kind == P_STEP) {
        step(all, input);
        return true;
    }
    if (parcel->conn < LINK_CONNS) {
        struct conn *conn = &all->venues[parcel->venue].conns[parcel->conn];
        if (parcel->generation != conn->generation)
            return false;
        if (conn->frozen && parcel->input.what != LINK_DOWN)
            return false;
        if (parcel->input.what == LINK_DOWN) {
            conn->open = false;
            conn->generation++;
        }
    }
    *input = parcel->input;
    input->head = parcel->bytes;
    input->text = parcel->bytes + input->head_size;
    return true;
}

/* What happens next at the venues: the earliest timer or market event. */
static err_t next_of_venues(struct virtual_wire *all, struct venue **which, bool *timer, ns_t *at)
{
    *which = NULL;
    *at = NS_MAX;
    for (uint16_t i = 0; i < all->config.venue_count; i++) {
        struct venue *venue = &all->venues[i];
        ns_t market;
        const err_t err = next_market(venue, &market);
        if (err != ERR_OK)
            return err;
        const ns_t due = wire_due(venue->wire);
        if (due < *at) {
            *at = due;
            *which = venue;
            *timer = true;
        }
        if (market < *at) {
            *at = market;
            *which = venue;
            *timer = false;
        }
    }
    if (*at < all->now)
        *at = all->now;
    return ERR_OK;
}

static err_t source_next(struct wire_source *source, struct link_input *input)
{
    struct virtual_wire *all = (struct virtual_wire *)(void *)source;
    free(all->given);
    all->given = NULL;
    if (!all->due_known)
        return ERR_AGAIN;
    for (;;) {
        struct venue *venue;
        bool timer = false;
        ns_t at;
        const err_t err = next_of_venues(all, &venue, &timer, &at);
        if (err != ERR_OK)
            return err;
        if (all->failed)
            return err_say(&source->why, ERR_NOMEM, "out of memory");
        const ns_t parcel_at = all->count > 0 ? all->heap[0]->at : NS_MAX;
        const ns_t tick = all->due == NS_MAX                  ? NS_MAX
                          : all->due - all->offset > all->now ? all->due - all->offset
                                                              : all->now;
        const ns_t first = parcel_at < tick ? parcel_at : tick;
        if ((at < first ? at : first) >= all->config.to)
            return ERR_END;
        if (at <= first) {
            all->now = at;
            if (timer)
                wire_timer(venue->wire, at);
            else
                market_happens(all, venue, at);
            continue;
        }
        all->now = first;
        if (tick < parcel_at) {
            *input = (struct link_input){.what = LINK_TICK};
        } else {
            struct parcel *parcel = pop(all);
            if (parcel->kind != P_INPUT && parcel->kind != P_STEP) {
                arrive(all, parcel);
                free(parcel);
                continue;
            }
            if (!give(all, parcel, input)) {
                free(parcel);
                continue;
            }
            all->given = parcel;
        }
        input->ts = all->last_ts = local(all, all->now);
        all->due_known = false;
        return ERR_OK;
    }
}

static err_t source_wait(struct wire_source *source, ns_t due)
{
    struct virtual_wire *all = (struct virtual_wire *)(void *)source;
    all->due = due;
    all->due_known = true;
    return ERR_OK;
}

static void source_close(struct wire_source *source)
{
    (void)source;
}

static const struct wire_source_ops source_ops = {
    .next = source_next, .wait = source_wait, .asked = NULL, .close = source_close};

/* ---- from beginning to end ---- */

static err_t open_venue(struct virtual_wire *all, uint16_t number, struct err_text *why)
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

err_t virtual_wire_open(struct virtual_wire **out, const struct virtual_wire_config *config, struct err_text *why)
{
    struct virtual_wire *all = calloc(1, sizeof(*all));
    struct venue *venues = calloc(config->venue_count, sizeof(*venues));
    if (all == NULL || venues == NULL) {
        free(all);
        free(venues);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    all->source.ops = &source_ops;
    all->wire = (struct link_wire){
        .context = all, .open = ask_open, .close = ask_close, .send = ask_send, .ping = ask_ping, .get = ask_get};
    all->config = *config;
    all->net = *config->net;
    all->venues = venues;
    all->now = config->from;
    all->offset = all->net.clock_offset;
    all->last_ts = config->from + all->offset;
    prng_init(&all->prng, config->seed, 0x77697265);
    err_t err = ERR_OK;
    for (uint16_t i = 0; i < config->venue_count && err == ERR_OK; i++)
        err = open_venue(all, i, why);
    if (err == ERR_OK && all->net.step_at != 0)
        push(all, make(all, P_STEP, 0, LINK_CONNS, all->net.step_at, 0));
    if (err != ERR_OK) {
        virtual_wire_close(all);
        return err;
    }
    *out = all;
    return ERR_OK;
}

struct wire_source *virtual_wire_source(struct virtual_wire *all)
{
    return &all->source;
}

const struct link_wire *virtual_wire_wire(struct virtual_wire *all)
{
    return &all->wire;
}

const struct wire *virtual_wire_venue(const struct virtual_wire *all, uint16_t venue)
{
    return all->venues[venue].wire;
}

ns_t virtual_wire_now(const struct virtual_wire *all)
{
    return all->now;
}

err_t virtual_wire_fetch(struct virtual_wire *all, uint16_t number, const char *url, char **body, size_t *size,
                         struct err_text *why)
{
    struct venue *venue = &all->venues[number];
    char *copy = strdup(url);
    if (copy == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    const struct wire_request request = request_of(copy, 0);
    venue->fetching = true;
    wire_request(venue->wire, all->now, &request);
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

void virtual_wire_close(struct virtual_wire *all)
{
    if (all == NULL)
        return;
    for (uint16_t i = 0; i < all->config.venue_count; i++) {
        struct venue *venue = &all->venues[i];
        if (venue->holding)
            venue->market->ops->release(venue->market, venue->batch.handle);
        if (venue->wire != NULL)
            wire_close(venue->wire);
    }
    for (size_t i = 0; i < all->count; i++)
        free(all->heap[i]);
    free(all->heap);
    free(all->given);
    free(all->venues);
    free(all);
}
