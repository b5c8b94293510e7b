/* How: one lws context, one protocol; every connection is a slot whose address is the connection's user data. What is
 * to be sent waits in the slot as a list of buffers with room for the frame's head; lws asks for one at a time. */
#define ERR_STATE openssl_err_state /* a type of OpenSSL's, which libwebsockets.h brings along */
#include <libwebsockets.h>
#undef ERR_STATE

#include "adapters/shell/net_ws.h"

#include "adapters/shell/net_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RX_SIZE         (128u << 10)
#define QUEUE_MAX       64
#define CLOSE_PATIENCE  1 /* s, for the other side to answer a close */
#define SECOND_US       1000000
#define URL_SIZE        2048
#define WHY_SIZE        256
#define STATUS_OVERSIZE 1009

struct outgoing {
    struct outgoing *next;
    size_t size;
    bool ping;
    uint8_t bytes[]; /* LWS_PRE, then size */
};

enum slot_state { SLOT_FREE, SLOT_OPENING, SLOT_OPEN, SLOT_CLOSING };

struct slot {
    struct net_ws *ws;
    struct lws *wsi;
    enum slot_state state;
    uint32_t key;
    int status; /* of the close that the other side began, or why we did */
    struct outgoing *first, **last;
    uint32_t queued;
    char *message;
    size_t message_size, message_capacity;
    char why[WHY_SIZE];
};

struct net_ws {
    struct lws_context *context;
    struct lws_vhost *direct, *proxied; /* proxied NULL: there is no proxy */
    const char *no_proxy;
    struct net_ws_events events;
    struct slot slots[NET_WS_CONNS];
    lws_sorted_usec_list_t second, soon;
};

static struct slot *find(struct net_ws *ws, uint32_t key)
{
    for (uint32_t i = 0; i < NET_WS_CONNS; i++)
        if (ws->slots[i].state != SLOT_FREE && ws->slots[i].key == key)
            return &ws->slots[i];
    return NULL;
}

static void drop_queue(struct slot *slot)
{
    while (slot->first != NULL) {
        struct outgoing *next = slot->first->next;
        free(slot->first);
        slot->first = next;
    }
    slot->last = &slot->first;
    slot->queued = 0;
}

static void empty(struct slot *slot)
{
    drop_queue(slot);
    free(slot->message);
    slot->message = NULL;
    slot->message_capacity = 0;
    slot->state = SLOT_FREE;
    slot->wsi = NULL;
}

static void end(struct slot *slot, int status, const char *why)
{
    if (slot->state == SLOT_FREE)
        return;
    const uint32_t key = slot->key;
    struct net_ws *ws = slot->ws;
    char words[WHY_SIZE];
    snprintf(words, sizeof(words), "%s", why);
    empty(slot);
    ws->events.down(ws->events.context, key, status, words);
}

static bool has_room(struct slot *slot, size_t size)
{
    if (slot->message_size + size <= slot->message_capacity)
        return true;
    size_t capacity = slot->message_capacity == 0 ? RX_SIZE : slot->message_capacity;
    while (capacity < slot->message_size + size)
        capacity *= 2;
    char *grown = capacity <= 2 * (size_t)NET_WS_MESSAGE_MAX ? realloc(slot->message, capacity) : NULL;
    if (grown == NULL)
        return false;
    slot->message = grown;
    slot->message_capacity = capacity;
    return true;
}

/* A piece of a message. Returns what the lws callback is to return. */
static int receive(struct slot *slot, const char *piece, size_t size)
{
    struct lws *wsi = slot->wsi;
    if (slot->state != SLOT_OPEN)
        return 0;
    if (lws_is_first_fragment(wsi))
        slot->message_size = 0;
    const bool whole = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
    if (whole && slot->message_size == 0) {
        slot->ws->events.message(slot->ws->events.context, slot->key, lws_frame_is_binary(wsi), piece, size);
        return 0;
    }
    if (slot->message_size + size > NET_WS_MESSAGE_MAX || !has_room(slot, size)) {
        slot->status = STATUS_OVERSIZE;
        snprintf(slot->why, sizeof(slot->why), "a message of more than %u bytes", NET_WS_MESSAGE_MAX);
        slot->state = SLOT_CLOSING;
        return -1;
    }
    memcpy(slot->message + slot->message_size, piece, size);
    slot->message_size += size;
    if (whole) {
        slot->ws->events.message(slot->ws->events.context, slot->key, lws_frame_is_binary(wsi), slot->message,
                                 slot->message_size);
        slot->message_size = 0;
    }
    return 0;
}

static int write_one(struct slot *slot)
{
    if (slot->state == SLOT_CLOSING) {
        lws_close_reason(slot->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
        return -1;
    }
    struct outgoing *out = slot->first;
    if (out == NULL)
        return 0;
    const int written =
        lws_write(slot->wsi, out->bytes + LWS_PRE, out->size, out->ping ? LWS_WRITE_PING : LWS_WRITE_TEXT);
    if (written < (int)out->size)
        return -1;
    slot->first = out->next;
    if (slot->first == NULL)
        slot->last = &slot->first;
    else
        lws_callback_on_writable(slot->wsi);
    slot->queued--;
    free(out);
    return 0;
}

/* The other side says why it closes: two bytes of status, then words. */
static void note_close(struct slot *slot, const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return;
    slot->status = bytes[0] << 8 | bytes[1];
    snprintf(slot->why, sizeof(slot->why), "closed by the other side: %.*s", (int)(size - 2),
             (const char *)bytes + 2);
}

/* The library's words for TLS name a function of OpenSSL; those for a refusal leave out the status. */
static void refused(struct slot *slot, const char *words)
{
    int status = (int)lws_http_client_http_response(slot->wsi);
    char text[WHY_SIZE];
    if (status == 101)
        status = 0;
    if (slot->state == SLOT_CLOSING)
        snprintf(text, sizeof(text), "%s", slot->why);
    else if (status != 0)
        snprintf(text, sizeof(text), "the handshake was answered with HTTP %d", status);
    else if (words != NULL && strstr(words, "SSL") != NULL)
        snprintf(
            text, sizeof(text),
            "TLS failed: the certificate is not of a known authority (ca_file, SSL_CERT_FILE), not of this host, "
            "or out of date, or the other side does not speak TLS 1.2");
    else
        snprintf(text, sizeof(text), "%s", words != NULL ? words : "no connection");
    end(slot, status, text);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    struct slot *slot = user;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        if (slot->state == SLOT_CLOSING)
            return -1;
        slot->state = SLOT_OPEN;
        slot->ws->events.up(slot->ws->events.context, slot->key);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(slot, in, size);
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        if (slot->state == SLOT_OPEN)
            slot->ws->events.pong(slot->ws->events.context, slot->key);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_one(slot);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        note_close(slot, in, size);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        refused(slot, in);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        end(slot, slot->status, slot->why[0] != '\0' ? slot->why : "the connection was lost");
        return 0;
    case LWS_CALLBACK_WSI_DESTROY: /* the last of a connection: of one that ended in its handshake, the only one */
        if (slot != NULL && slot->wsi == wsi)
            end(slot, slot->status, slot->why[0] != '\0' ? slot->why : "no connection");
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED: {
        struct net_ws *ws = lws_context_user(lws_get_context(wsi));
        ws->events.woken(ws->events.context);
        return 0;
    }
    default:
        return 0;
    }
}

static void on_second(lws_sorted_usec_list_t *list)
{
    struct net_ws *ws = lws_container_of(list, struct net_ws, second);
    ws->events.woken(ws->events.context);
    lws_sul_schedule(ws->context, 0, &ws->second, on_second, SECOND_US);
}

static const struct lws_protocols protocols[] = {
    {.name = "", .callback = on_event, .rx_buffer_size = RX_SIZE},
    {.name = NULL},
};

/* [http://]host:port[/] */
static bool split_proxy(const char *text, char *host, size_t host_size, unsigned *port)
{
    if (strncmp(text, "http://", 7) == 0)
        text += 7;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || (size_t)(colon - text) >= host_size)
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    char *end_of_port;
    const unsigned long number = strtoul(colon + 1, &end_of_port, 10);
    *port = (unsigned)number;
    return number > 0 && number < 65536 && (*end_of_port == '\0' || *end_of_port == '/');
}

/* The library's own words are of no use to our users: what matters arrives in callbacks. */
static void say_nothing(int level, const char *line)
{
    (void)level;
    (void)line;
}

err_t net_ws_new(struct net_ws **out, const struct net_ws_options *options, const struct net_ws_events *events,
                 struct err_text *why)
{
    if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0) /* the library would go on without it */
        return err_say(why, ERR_IO, "the file of trusted authorities, '%s', cannot be read: %s", options->ca_file,
                       strerror(errno));
    struct net_ws *ws = calloc(1, sizeof(*ws));
    if (ws == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    ws->events = *events;
    for (uint32_t i = 0; i < NET_WS_CONNS; i++)
        ws->slots[i].ws = ws;
    lws_set_log_level(LLL_ERR, say_nothing);
    ws->no_proxy = options->no_proxy;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (options->ca_file != NULL ? LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS : 0),
        .ssl_client_options_set = (long)(SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1),
        .client_ssl_ca_filepath = options->ca_file,
        .pt_serv_buf_size = RX_SIZE,
        .timeout_secs = options->connect_secs != 0 ? options->connect_secs : 10,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .user = ws,
    };
    ws->context = lws_create_context(&info);
    bool made = ws->context != NULL;
    if (made) {
        info.vhost_name = "direct";
        info.http_proxy_address = ""; /* else it looks into the environment itself */
        ws->direct = lws_create_vhost(ws->context, &info);
        made = ws->direct != NULL;
    }
    char proxy[300];
    if (made && options->proxy != NULL) {
        made = split_proxy(options->proxy, proxy, sizeof(proxy), &info.http_proxy_port);
        info.vhost_name = "proxied";
        info.http_proxy_address = proxy;
        ws->proxied = made ? lws_create_vhost(ws->context, &info) : NULL;
        made = ws->proxied != NULL;
    }
    if (!made) {
        if (ws->context != NULL)
            lws_context_destroy(ws->context);
        free(ws);
        return err_say(why, ERR_IO, "the WebSocket client could not be started: CA file '%s', proxy '%s'",
                       options->ca_file != NULL ? options->ca_file : "the system's",
                       options->proxy != NULL ? options->proxy : "none");
    }
    lws_sul_schedule(ws->context, 0, &ws->second, on_second, SECOND_US);
    *out = ws;
    return ERR_OK;
}

err_t net_ws_service(struct net_ws *ws)
{
    return lws_service(ws->context, 0) < 0 ? ERR_IO : ERR_OK;
}

static void on_soon(lws_sorted_usec_list_t *list)
{
    (void)list; /* it only ends the waiting */
}

err_t net_ws_service_for(struct net_ws *ws, ns_t wait)
{
    /* The library waits in whole milliseconds, and would spin through what is less in its own loop. */
    if (wait < NS_PER_MS)
        return lws_service(ws->context, -1) < 0 ? ERR_IO : ERR_OK;
    lws_sul_schedule(ws->context, 0, &ws->soon, on_soon, (lws_usec_t)(wait / NS_PER_MS * 1000));
    const err_t err = net_ws_service(ws);
    lws_sul_cancel(&ws->soon);
    return err;
}

void net_ws_wake(struct net_ws *ws)
{
    lws_cancel_service(ws->context);
}

static void ignore_down(void *context, uint32_t key, int status, const char *why)
{
    (void)context;
    (void)key;
    (void)status;
    (void)why;
}

static void ignore_woken(void *context)
{
    (void)context;
}

void net_ws_free(struct net_ws *ws)
{
    if (ws == NULL)
        return;
    ws->events.down = ignore_down;
    ws->events.woken = ignore_woken;
    for (uint32_t i = 0; i < NET_WS_CONNS; i++)
        if (ws->slots[i].state != SLOT_FREE)
            ws->slots[i].state = SLOT_CLOSING;
    lws_context_destroy(ws->context);
    for (uint32_t i = 0; i < NET_WS_CONNS; i++)
        empty(&ws->slots[i]);
    free(ws);
}

static struct lws_vhost *vhost_for(const struct net_ws *ws, const char *host)
{
    const bool directly = ws->proxied == NULL || net_host_is_here(host) || net_host_is_listed(ws->no_proxy, host);
    return directly ? ws->direct : ws->proxied;
}

void net_ws_open(struct net_ws *ws, uint32_t key, const char *url)
{
    ASSERT(find(ws, key) == NULL);
    uint32_t i = 0;
    while (i < NET_WS_CONNS && ws->slots[i].state != SLOT_FREE)
        i++;
    if (i == NET_WS_CONNS) {
        ws->events.down(ws->events.context, key, 0, "too many connections at once");
        return;
    }
    struct slot *slot = &ws->slots[i];
    *slot = (struct slot){.ws = ws, .state = SLOT_OPENING, .key = key};
    slot->last = &slot->first;
    char text[URL_SIZE], path[URL_SIZE + 1], host[300];
    const char *scheme, *address, *rest;
    int port;
    if (snprintf(text, sizeof(text), "%s", url) >= (int)sizeof(text) ||
        lws_parse_uri(text, &scheme, &address, &port, &rest) != 0) {
        end(slot, 0, "not a WebSocket address");
        return;
    }
    const bool tls = strcmp(scheme, "wss") == 0;
    if (!tls && !(strcmp(scheme, "ws") == 0 && net_host_is_here(address))) {
        end(slot, 0, "not a wss: address; without TLS only this machine is called");
        return;
    }
    snprintf(path, sizeof(path), "%s%s", rest[0] == '/' ? "" : "/", rest);
    if (port == (tls ? 443 : 80))
        snprintf(host, sizeof(host), "%.280s", address);
    else
        snprintf(host, sizeof(host), "%.280s:%d", address, port);
    const struct lws_client_connect_info info = {
        .context = ws->context,
        .vhost = vhost_for(ws, address),
        .address = address,
        .port = port,
        .ssl_connection = (tls ? LCCSCF_USE_SSL : 0) | LCCSCF_PRIORITIZE_READS | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .path = path,
        .host = host,
        .local_protocol_name = protocols[0].name,
        .alpn = "http/1.1",
        .userdata = slot,
        .pwsi = &slot->wsi};
    if (lws_client_connect_via_info(&info) == NULL)
        end(slot, 0, "no connection could be begun");
}

void net_ws_close(struct net_ws *ws, uint32_t key)
{
    struct slot *slot = find(ws, key);
    if (slot == NULL || slot->state == SLOT_CLOSING)
        return;
    const bool was_open = slot->state == SLOT_OPEN;
    slot->state = SLOT_CLOSING;
    slot->status = 0;
    snprintf(slot->why, sizeof(slot->why), "closed by us");
    drop_queue(slot);
    if (!was_open) {
        lws_set_timeout(slot->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        return;
    }
    lws_set_timeout(slot->wsi, PENDING_TIMEOUT_CLOSE_SEND, CLOSE_PATIENCE);
    lws_callback_on_writable(slot->wsi);
}

/* Whoever asked for a message to be sent must be able to rely on it: a connection that cannot has ended. */
static void give_up(struct slot *slot, const char *why)
{
    slot->state = SLOT_CLOSING;
    slot->status = 0;
    snprintf(slot->why, sizeof(slot->why), "%s", why);
    drop_queue(slot);
    lws_set_timeout(slot->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static bool queue(struct net_ws *ws, uint32_t key, const char *text, size_t size, bool ping)
{
    struct slot *slot = find(ws, key);
    if (slot == NULL || slot->state != SLOT_OPEN)
        return false;
    struct outgoing *out = slot->queued < QUEUE_MAX ? malloc(sizeof(*out) + LWS_PRE + size) : NULL;
    if (out == NULL) {
        give_up(slot, "what was to be sent piled up: the other side does not take it");
        return false;
    }
    *out = (struct outgoing){.size = size, .ping = ping};
    if (size > 0)
        memcpy(out->bytes + LWS_PRE, text, size);
    *slot->last = out;
    slot->last = &out->next;
    slot->queued++;
    lws_callback_on_writable(slot->wsi);
    return true;
}

bool net_ws_send(struct net_ws *ws, uint32_t key, const char *text, size_t size)
{
    return queue(ws, key, text, size, false);
}

bool net_ws_ping(struct net_ws *ws, uint32_t key)
{
    return queue(ws, key, NULL, 0, true);
}
