#include "sim/wire/shell/mock_server.h"

#include "sim/wire/shell/mock_crypto.h"
#include "sim/wire/shell/mock_net.h"
#include "sim/wire/wire_http.h"

#include <stdlib.h>

#define IN_MAX       (WIRE_HTTP_HEAD_MAX + WIRE_HTTP_BODY_MAX + WIRE_WS_MESSAGE_MAX)
#define BURST        512 /* events played before clients are looked at */
#define OUT_DEFAULT  (16u << 20)
#define IDLE_DEFAULT 75

struct session {
    bool open, websocket, ending;
    uint32_t peer;
    struct wire_text in;      /* bytes that are no whole request or frame yet */
    struct wire_text message; /* fragments of one */
    uint8_t message_opcode;   /* 0: none is begun */
};

struct mock_server {
    struct mock_config config;
    struct mock_source source;
    struct wire *wire;
    struct mock_net *net;
    struct session *sessions;
    struct wire_http *http;
    struct wire_text scratch;
    bool keep_alive; /* of the request in hand */
    bool started, ended;
    ns_t wall_start, market_start;
    uint64_t played;
    struct mock_stats stats;
};

ns_t mock_server_now(void)
{
    return mock_net_now();
}

/* ---- what the wire says ---- */

static void on_frame(void *context, uint32_t client, enum wire_opcode opcode, const char *bytes, size_t size)
{
    struct mock_server *server = context;
    char head[WIRE_WS_HEAD_MAX];
    server->stats.bytes_out += size;
    mock_net_send2(server->net, client, head, wire_ws_head(head, opcode, size), bytes, size);
}

static void on_close(void *context, uint32_t client, uint16_t code, const char *reason)
{
    struct mock_server *server = context;
    server->sessions[client].ending = true;
    if (code != 0) {
        wire_text_clear(&server->scratch);
        wire_ws_put_close(&server->scratch, code, reason);
        mock_net_send(server->net, client, server->scratch.bytes, server->scratch.size);
    }
    mock_net_end(server->net, client, code == 0);
}

static void on_freeze(void *context, uint32_t client)
{
    struct mock_server *server = context;
    mock_net_freeze(server->net, client);
}

static void on_answer(void *context, const struct wire_answer *answer)
{
    struct mock_server *server = context;
    const uint32_t slot = (uint32_t)answer->request;
    const bool keep = server->keep_alive && !answer->cut;
    wire_text_clear(&server->scratch);
    wire_http_put_answer(&server->scratch, answer, keep);
    server->stats.bytes_out += server->scratch.size;
    mock_net_send(server->net, slot, server->scratch.bytes, server->scratch.size);
    if (answer->delay > 0)
        mock_net_hold(server->net, slot, mock_net_now() + answer->delay);
    if (!keep) {
        server->sessions[slot].ending = true;
        mock_net_end(server->net, slot, false);
    }
}

/* ---- what clients say ---- */

static bool on_opened(void *context, uint32_t slot, uint32_t peer)
{
    struct mock_server *server = context;
    struct session *session = &server->sessions[slot];
    struct wire_text in = session->in, message = session->message;
    wire_text_clear(&in);
    wire_text_clear(&message);
    *session = (struct session){.open = true, .peer = peer, .in = in, .message = message};
    server->stats.opened++;
    mock_net_idle(server->net, slot, server->config.idle);
    return session->in.bytes != NULL ||
           (wire_text_init(&session->in, 4096) && wire_text_init(&session->message, 256));
}

static void on_closed(void *context, uint32_t slot, bool overrun)
{
    struct mock_server *server = context;
    struct session *session = &server->sessions[slot];
    server->stats.slow += overrun;
    if (session->websocket)
        wire_goodbye(server->wire, mock_net_now(), slot);
    session->open = session->websocket = false;
}

static void refuse(struct mock_server *server, uint32_t slot, uint16_t status)
{
    static const struct wire_header type = {"content-type", "text/plain"};
    server->stats.bad++;
    server->keep_alive = false;
    on_answer(server, &(struct wire_answer){.request = slot, .status = status, .headers = &type, .header_count = 1});
}

/* One request from the bytes that wait. False: no more of them for now. */
static bool take_request(struct mock_server *server, uint32_t slot, const char *bytes, size_t size, size_t *used)
{
    struct session *session = &server->sessions[slot];
    struct wire_http *http = server->http;
    const ns_t now = mock_net_now();
    const err_t err = wire_http_parse(http, bytes, size, used);
    if (err == ERR_AGAIN)
        return false;
    if (err != ERR_OK) {
        refuse(server, slot, err == ERR_RANGE ? 431 : err == ERR_UNSUPPORTED ? 411 : 400);
        return false;
    }
    http->request.id = slot;
    http->request.peer = session->peer;
    server->keep_alive = http->keep_alive;
    if (!http->upgrade) {
        wire_request(server->wire, now, &http->request);
        return !session->ending;
    }
    /* A venue says nothing in a handshake but that it is refused: the 101 can follow the decision. */
    char accept[32];
    server->keep_alive = false;
    session->websocket = wire_hello(server->wire, now, slot, &http->request);
    if (!session->websocket)
        return false;
    mock_net_idle(server->net, slot, 0); /* the venue's own rules from here on */
    mock_crypto_accept(http->upgrade_key, accept);
    wire_text_clear(&server->scratch);
    wire_http_put_upgrade(&server->scratch, accept);
    mock_net_send(server->net, slot, server->scratch.bytes, server->scratch.size);
    return true;
}

static void end_websocket(struct mock_server *server, uint32_t slot, uint16_t code, const char *reason)
{
    struct session *session = &server->sessions[slot];
    wire_goodbye(server->wire, mock_net_now(), slot);
    session->websocket = false;
    on_close(server, slot, code, reason);
}

/* One frame from the bytes that wait. False: no more of them for now. */
static bool take_frame(struct mock_server *server, uint32_t slot, char *bytes, size_t size, size_t *used)
{
    struct session *session = &server->sessions[slot];
    struct wire_ws frame;
    const err_t err = wire_ws_parse(&frame, bytes, size, used);
    if (err == ERR_AGAIN)
        return false;
    if (err != ERR_OK) {
        server->stats.bad++;
        end_websocket(server, slot, err == ERR_RANGE ? 1009 : 1002, "");
        return false;
    }
    const ns_t now = mock_net_now();
    if (frame.opcode == WIRE_CLOSE) {
        /* The same code back, as the protocol asks. */
        const uint16_t code = frame.size >= 2
                                  ? (uint16_t)((unsigned char)frame.payload[0] << 8 | (unsigned char)frame.payload[1])
                                  : 1000;
        end_websocket(server, slot, code, "");
        return false;
    }
    if (frame.opcode >= WIRE_PING) {
        wire_frame(server->wire, now, slot, frame.opcode, frame.payload, frame.size);
        return !session->ending;
    }
    const bool begins = frame.opcode != 0;
    if (begins != (session->message_opcode == 0)) {
        server->stats.bad++;
        end_websocket(server, slot, 1002, "");
        return false;
    }
    if (begins && frame.last) {
        wire_frame(server->wire, now, slot, frame.opcode, frame.payload, frame.size);
        return !session->ending;
    }
    if (begins) {
        session->message_opcode = (uint8_t)frame.opcode;
        wire_text_clear(&session->message);
    }
    if (session->message.size + frame.size > WIRE_WS_MESSAGE_MAX) {
        server->stats.bad++;
        end_websocket(server, slot, 1009, "");
        return false;
    }
    wire_put_bytes(&session->message, frame.payload, frame.size);
    if (frame.last) {
        const enum wire_opcode opcode = (enum wire_opcode)session->message_opcode;
        session->message_opcode = 0;
        wire_frame(server->wire, now, slot, opcode, session->message.bytes, session->message.size);
    }
    return !session->ending;
}

static void on_bytes(void *context, uint32_t slot, const char *bytes, size_t size)
{
    struct mock_server *server = context;
    struct session *session = &server->sessions[slot];
    wire_put_bytes(&session->in, bytes, size);
    size_t at = 0, used = 0;
    bool more = true;
    while (more && at < session->in.size && !session->ending) {
        char *from = session->in.bytes + at;
        const size_t left = session->in.size - at;
        used = 0;
        more = session->websocket ? take_frame(server, slot, from, left, &used)
                                  : take_request(server, slot, from, left, &used);
        at += used;
    }
    memmove(session->in.bytes, session->in.bytes + at, session->in.size - at);
    session->in.size -= at;
    if (session->in.size > IN_MAX || session->in.failed)
        mock_net_end(server->net, slot, true);
}

/* ---- the market ---- */

static void set_clock(struct mock_server *server, ns_t base, ns_t venue, uint64_t num, uint64_t den)
{
    wire_set_clock(server->wire, &(struct wire_clock){base, venue, num, den});
}

/* Until the market begins, the venue's clock stands at its first event. */
static void stand(struct mock_server *server, ns_t venue)
{
    if (server->config.wall_stamps)
        set_clock(server, 0, 0, 1, 1);
    else
        set_clock(server, mock_net_now(), venue, 0, 1);
}

static ns_t due_of(const struct mock_server *server, const struct event *event)
{
    switch (server->config.pace) {
    case MOCK_MAX:
        return 0;
    case MOCK_RATE:
        return server->wall_start + (ns_t)((u128_t)server->played * (uint64_t)NS_PER_S / server->config.rate);
    case MOCK_SPEED:
        break;
    }
    const money_t since = (money_t)(event->ts - server->market_start);
    return server->wall_start + (ns_t)(since * (money_t)server->config.den / (money_t)server->config.num);
}

static void play(struct mock_server *server, ns_t now, const struct event *event)
{
    struct event stamped = *event;
    server->stats.market_ts = event->ts;
    if (server->config.wall_stamps)
        stamped.exch_ts = now;
    else if (server->config.pace != MOCK_SPEED)
        set_clock(server, now, event->ts, 0, 1);
    wire_market(server->wire, now, &stamped);
    server->played++;
}

static bool may_start(struct mock_server *server)
{
    struct wire_stats stats;
    wire_stats_get(server->wire, &stats);
    return server->config.hold == 0 || (stats.clients >= server->config.hold && wire_is_followed(server->wire));
}

/* The first books are there before the first client: a venue that opens is not empty. */
static err_t prime(struct mock_server *server, struct err_text *why)
{
    const struct event *event = server->source.peek(server->source.context, why);
    if (event == NULL)
        return why->code;
    server->market_start = event->ts;
    stand(server, event->ts);
    const ns_t first = event->ts;
    while (event != NULL && event->ts == first && event->kind == EVENT_BOOK_SNAPSHOT) {
        play(server, mock_net_now(), event);
        server->source.take(server->source.context);
        event = server->source.peek(server->source.context, why);
    }
    server->played = 0;
    return event == NULL ? why->code : ERR_OK;
}

static void start(struct mock_server *server, ns_t now)
{
    server->started = true;
    server->wall_start = now;
    if (!server->config.wall_stamps && server->config.pace == MOCK_SPEED)
        set_clock(server, now, server->market_start, server->config.num, server->config.den);
}

/* What is due now. `next`: when something is due again. */
static err_t pump(struct mock_server *server, ns_t *next, struct err_text *why)
{
    *next = NS_MAX;
    if (server->ended)
        return ERR_OK;
    ns_t now = mock_net_now();
    if (!server->started) {
        if (!may_start(server))
            return ERR_OK;
        start(server, now);
    }
    for (uint32_t i = 0; i < BURST; i++) {
        const struct event *event = server->source.peek(server->source.context, why);
        if (event == NULL) {
            server->ended = true;
            return why->code;
        }
        const ns_t due = due_of(server, event);
        if (due > now) {
            *next = due;
            return ERR_OK;
        }
        if (server->config.pace == MOCK_MAX && mock_net_waiting_max(server->net) > server->config.out_max / 4) {
            *next = now + NS_PER_MS;
            return ERR_OK;
        }
        if (server->config.pace != MOCK_MAX && now - due > server->stats.late_max)
            server->stats.late_max = now - due;
        play(server, now, event);
        server->source.take(server->source.context);
        now = i % 16 == 15 ? mock_net_now() : now;
    }
    *next = now;
    return ERR_OK;
}

/* ---- the server ---- */

err_t mock_server_open(struct mock_server **made, const struct mock_config *config, const struct mock_source *source,
                       struct err_text *why)
{
    struct mock_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return err_say(why, ERR_NOMEM, "no memory for a server");
    server->config = *config;
    server->source = *source;
    if (server->config.out_max == 0)
        server->config.out_max = OUT_DEFAULT;
    if (server->config.idle == 0)
        server->config.idle = IDLE_DEFAULT;
    if (server->config.wire.client_max == 0)
        server->config.wire.client_max = 256;
    server->sessions = calloc(server->config.wire.client_max, sizeof(*server->sessions));
    server->http = malloc(sizeof(*server->http));
    err_t err = ERR_OK;
    if (server->sessions == NULL || server->http == NULL || !wire_text_init(&server->scratch, 1 << 20))
        err = err_say(why, ERR_NOMEM, "no memory for a server");
    const struct wire_calls calls = {server, on_frame, on_close, on_freeze, on_answer};
    const struct mock_net_events events = {server, on_opened, on_bytes, on_closed};
    const struct mock_net_options options = {.address = config->address,
                                             .port = config->port,
                                             .cert = config->cert,
                                             .key = config->key,
                                             .slots = server->config.wire.client_max,
                                             .out_max = server->config.out_max};
    if (err == ERR_OK)
        err = wire_open(&server->wire, &server->config.wire, &calls, why);
    if (err == ERR_OK)
        err = prime(server, why);
    if (err == ERR_OK)
        err = mock_net_open(&server->net, &options, &events, why);
    if (err != ERR_OK) {
        mock_server_close(server);
        return err;
    }
    *made = server;
    return ERR_OK;
}

void mock_server_close(struct mock_server *server)
{
    if (server == NULL)
        return;
    mock_net_close(server->net);
    wire_close(server->wire);
    for (uint32_t i = 0; server->sessions != NULL && i < server->config.wire.client_max; i++) {
        wire_text_deinit(&server->sessions[i].in);
        wire_text_deinit(&server->sessions[i].message);
    }
    wire_text_deinit(&server->scratch);
    free(server->sessions);
    free(server->http);
    free(server);
}

int mock_server_port(const struct mock_server *server)
{
    return mock_net_port(server->net);
}

err_t mock_server_step(struct mock_server *server, ns_t wait_max, struct err_text *why)
{
    ns_t next;
    const err_t err = pump(server, &next, why);
    if (err != ERR_OK)
        return err;
    const ns_t now = mock_net_now(), due = wire_due(server->wire);
    if (due <= now)
        wire_timer(server->wire, now);
    next = next < wire_due(server->wire) ? next : wire_due(server->wire);
    ns_t wait = next > now ? next - now : 0;
    wait = wait < wait_max ? wait : wait_max;
    return mock_net_service(server->net, wait) == ERR_OK
               ? ERR_OK
               : err_say(why, ERR_IO, "the sockets failed: libwebsockets stopped serving");
}

void mock_server_stats(const struct mock_server *server, struct mock_stats *stats)
{
    *stats = server->stats;
    wire_stats_get(server->wire, &stats->wire);
    stats->ended = server->ended;
    stats->waiting = mock_net_waiting_max(server->net);
    stats->no_room = mock_net_refused(server->net);
}
