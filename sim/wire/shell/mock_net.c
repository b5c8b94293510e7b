/* Raw sockets of libwebsockets, with its TLS. A connection's output is one buffer that is filled at the end and sent
 * from the beginning: many frames go out in one write, and so in one TLS record. */
#include "sim/wire/shell/mock_net.h"

#include "core/base.h"

/* OpenSSL, which comes with it, has a type of that name. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <libwebsockets.h>
#undef ERR_STATE
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WRITE_MAX      65536 /* bytes of one write, and how many of them a turn has */
#define WRITES_MAX     16
#define FROZEN_SECONDS 600

struct conn {
    struct lws *wsi; /* NULL: free */
    char *out;       /* LWS_PRE bytes of room, then what waits */
    size_t from, size, capacity;
    int64_t hold_until;
    bool ending, cut, frozen, overrun;
    bool listed; /* among the dirty ones; outlives the connection, as its entry there does */
    int idle;    /* seconds without a byte after which it is ended; 0: none */
};

struct mock_net {
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct mock_net_options options;
    struct mock_net_events events;
    struct conn *conns;
    uint32_t *dirty; /* slots with something to send that was not asked to be sent yet */
    uint32_t dirty_count;
    uint32_t held; /* how many are held */
    uint64_t refused;
    lws_sorted_usec_list_t wake;
    int port;
};

/* What libwebsockets keeps of a connection for us: its slot + 1. */
struct session {
    uint32_t slot_and_one;
};

int64_t mock_net_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint32_t peer_of(struct lws *wsi)
{
    char text[64] = "";
    uint32_t hash = 2166136261u;
    lws_get_peer_simple(wsi, text, sizeof(text));
    for (const char *at = text; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    return hash;
}

static int on_open(struct mock_net *net, struct lws *wsi, struct session *session)
{
    session->slot_and_one = 0;
    for (uint32_t slot = 0; slot < net->options.slots; slot++) {
        struct conn *conn = &net->conns[slot];
        if (conn->wsi != NULL)
            continue;
        char *out = conn->out;
        const size_t capacity = conn->capacity;
        *conn = (struct conn){.wsi = wsi, .out = out, .capacity = capacity, .listed = conn->listed};
        session->slot_and_one = slot + 1;
        if (net->events.opened(net->events.context, slot, peer_of(wsi)))
            return 0;
        conn->wsi = NULL;
        session->slot_and_one = 0;
        return -1;
    }
    net->refused++;
    return -1;
}

static int on_writable(struct mock_net *net, uint32_t slot)
{
    struct conn *conn = &net->conns[slot];
    if (conn->frozen)
        return 0;
    if (conn->cut || conn->overrun)
        return -1;
    if (conn->hold_until != 0 && mock_net_now() < conn->hold_until)
        return 0;
    /* A burst must leave faster than the next one comes: as long as the socket takes it. */
    for (int i = 0; i < WRITES_MAX && conn->size > 0 && (i == 0 || !lws_send_pipe_choked(conn->wsi)); i++) {
        const size_t size = conn->size < WRITE_MAX ? conn->size : WRITE_MAX;
        const int sent = lws_write(conn->wsi, (unsigned char *)conn->out + LWS_PRE + conn->from, size, LWS_WRITE_RAW);
        if (sent < 0)
            return -1;
        conn->from += (size_t)sent;
        conn->size -= (size_t)sent;
        if (conn->size == 0)
            conn->from = 0;
    }
    if (conn->size > 0) {
        lws_callback_on_writable(conn->wsi);
        return 0;
    }
    return conn->ending ? -1 : 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    struct session *session = user;
    struct lws_context *context = lws_get_context(wsi);
    struct mock_net *net = context != NULL ? lws_context_user(context) : NULL;
    if (net == NULL)
        return 0;
    if (reason == LWS_CALLBACK_RAW_ADOPT)
        return on_open(net, wsi, session);
    if (session == NULL || session->slot_and_one == 0)
        return 0;
    const uint32_t slot = session->slot_and_one - 1;
    struct conn *conn = &net->conns[slot];
    switch (reason) {
    case LWS_CALLBACK_RAW_RX:
        /* The library leaves the timeout of the handshake on raw connections; ours, or none, takes its place. */
        if (!conn->ending)
            lws_set_timeout(wsi, conn->idle > 0 ? PENDING_TIMEOUT_USER_OK : NO_PENDING_TIMEOUT, conn->idle);
        if (!conn->frozen && !conn->ending)
            net->events.bytes(net->events.context, slot, in, size);
        return conn->cut ? -1 : 0;
    case LWS_CALLBACK_RAW_WRITEABLE:
        return on_writable(net, slot);
    case LWS_CALLBACK_RAW_CLOSE:
        session->slot_and_one = 0;
        conn->wsi = NULL;
        conn->size = conn->from = 0;
        net->held -= conn->hold_until != 0;
        conn->hold_until = 0;
        net->events.closed(net->events.context, slot, conn->overrun);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "mock", .callback = callback, .per_session_data_size = sizeof(struct session), .rx_buffer_size = 65536},
    {.name = NULL},
};

static void on_wake(lws_sorted_usec_list_t *list)
{
    (void)list; /* only to end the wait */
}

err_t mock_net_open(struct mock_net **made, const struct mock_net_options *options,
                    const struct mock_net_events *events, struct err_text *why)
{
    struct mock_net *net = calloc(1, sizeof(*net));
    if (net == NULL)
        return err_say(why, ERR_NOMEM, "no memory for a server");
    net->options = *options;
    net->events = *events;
    net->conns = calloc(options->slots, sizeof(*net->conns));
    net->dirty = calloc(options->slots, sizeof(*net->dirty));
    if (net->conns == NULL || net->dirty == NULL) {
        mock_net_close(net);
        return err_say(why, ERR_NOMEM, "no memory for %u connections", options->slots);
    }
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof(info));
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.user = net;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    info.pt_serv_buf_size = 65536;
    net->context = lws_create_context(&info);
    if (net->context == NULL) {
        mock_net_close(net);
        return err_say(why, ERR_NOMEM, "libwebsockets gave no context");
    }
    info.port = options->port;
    info.iface = options->address;
    info.protocols = protocols;
    info.ssl_cert_filepath = options->cert;
    info.ssl_private_key_filepath = options->key;
    info.ssl_options_set = 0;
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_ADOPT_APPLY_LISTEN_ACCEPT_CONFIG |
                   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
    info.listen_accept_role = "raw-skt";
    info.listen_accept_protocol = "mock";
    info.vhost_name = "mock";
    info.alpn = "http/1.1";
    net->vhost = lws_create_vhost(net->context, &info);
    if (net->vhost == NULL) {
        mock_net_close(net);
        return err_say(why, ERR_IO,
                       "%s:%d: cannot listen there; is another server there already? Port 0 takes a free one",
                       options->address, options->port);
    }
    net->port = lws_get_vhost_listen_port(net->vhost);
    *made = net;
    return ERR_OK;
}

void mock_net_close(struct mock_net *net)
{
    if (net == NULL)
        return;
    if (net->context != NULL)
        lws_context_destroy(net->context);
    for (uint32_t i = 0; net->conns != NULL && i < net->options.slots; i++)
        free(net->conns[i].out);
    free(net->conns);
    free(net->dirty);
    free(net);
}

int mock_net_port(const struct mock_net *net)
{
    return net->port;
}

/* ---- sending ---- */

static void ask(struct mock_net *net, uint32_t slot)
{
    if (!net->conns[slot].listed) {
        net->conns[slot].listed = true;
        net->dirty[net->dirty_count++] = slot;
    }
}

static bool make_room(struct mock_net *net, struct conn *conn, size_t size)
{
    if (conn->size + size > net->options.out_max)
        return false;
    if (conn->from + conn->size + size <= conn->capacity)
        return true;
    if (conn->size + size <= conn->capacity / 2) {
        memmove(conn->out + LWS_PRE, conn->out + LWS_PRE + conn->from, conn->size);
        conn->from = 0;
        return true;
    }
    size_t capacity = conn->capacity == 0 ? 65536 : conn->capacity;
    while (capacity < 2 * (conn->size + size))
        capacity *= 2;
    char *out = malloc(LWS_PRE + capacity);
    if (out == NULL)
        return false;
    if (conn->size > 0)
        memcpy(out + LWS_PRE, conn->out + LWS_PRE + conn->from, conn->size);
    free(conn->out);
    conn->out = out;
    conn->from = 0;
    conn->capacity = capacity;
    return true;
}

void mock_net_send2(struct mock_net *net, uint32_t slot, const char *head, size_t head_size, const char *bytes,
                    size_t size)
{
    struct conn *conn = &net->conns[slot];
    if (conn->wsi == NULL || conn->ending || conn->cut || conn->frozen || conn->overrun)
        return;
    if (!make_room(net, conn, head_size + size)) {
        conn->overrun = true;
        ask(net, slot);
        /* It is not read, so it may never be writable again. */
        lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        return;
    }
    char *at = conn->out + LWS_PRE + conn->from + conn->size;
    memcpy(at, head, head_size);
    if (size > 0)
        memcpy(at + head_size, bytes, size);
    conn->size += head_size + size;
    ask(net, slot);
}

void mock_net_send(struct mock_net *net, uint32_t slot, const char *bytes, size_t size)
{
    mock_net_send2(net, slot, bytes, size, NULL, 0);
}

void mock_net_hold(struct mock_net *net, uint32_t slot, int64_t until_ns)
{
    struct conn *conn = &net->conns[slot];
    if (conn->wsi == NULL)
        return;
    net->held += (until_ns != 0) - (conn->hold_until != 0);
    conn->hold_until = until_ns;
    ask(net, slot);
}

void mock_net_end(struct mock_net *net, uint32_t slot, bool cut)
{
    struct conn *conn = &net->conns[slot];
    if (conn->wsi == NULL)
        return;
    conn->ending = true;
    conn->cut = cut || conn->frozen;
    if (conn->cut)
        lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    else
        lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, 10); /* who does not read is not waited for */
    ask(net, slot);
}

void mock_net_freeze(struct mock_net *net, uint32_t slot)
{
    struct conn *conn = &net->conns[slot];
    if (conn->wsi == NULL)
        return;
    conn->frozen = true;
    conn->size = conn->from = 0;
    lws_rx_flow_control(conn->wsi, 0);
    lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, FROZEN_SECONDS);
}

void mock_net_idle(struct mock_net *net, uint32_t slot, int seconds)
{
    struct conn *conn = &net->conns[slot];
    if (conn->wsi == NULL || conn->ending)
        return;
    conn->idle = seconds;
    lws_set_timeout(conn->wsi, seconds > 0 ? PENDING_TIMEOUT_USER_OK : NO_PENDING_TIMEOUT, seconds);
}

size_t mock_net_waiting(const struct mock_net *net, uint32_t slot)
{
    return net->conns[slot].size;
}

size_t mock_net_waiting_max(const struct mock_net *net)
{
    size_t most = 0;
    for (uint32_t i = 0; i < net->options.slots; i++)
        most = net->conns[i].size > most ? net->conns[i].size : most;
    return most;
}

uint64_t mock_net_refused(const struct mock_net *net)
{
    return net->refused;
}

/* ---- the loop ---- */

static void flush(struct mock_net *net)
{
    for (uint32_t i = 0; i < net->dirty_count; i++) {
        struct conn *conn = &net->conns[net->dirty[i]];
        conn->listed = false;
        if (conn->wsi != NULL)
            lws_callback_on_writable(conn->wsi);
    }
    net->dirty_count = 0;
}

err_t mock_net_service(struct mock_net *net, int64_t wait_ns)
{
    /* What was held and is due is asked to be written; what is not due shortens the wait. */
    if (net->held > 0) {
        const int64_t now = mock_net_now();
        for (uint32_t i = 0; i < net->options.slots; i++) {
            struct conn *conn = &net->conns[i];
            if (conn->wsi == NULL || conn->hold_until == 0)
                continue;
            if (conn->hold_until <= now) {
                conn->hold_until = 0;
                net->held--;
                ask(net, i);
            } else if (conn->hold_until - now < wait_ns) {
                wait_ns = conn->hold_until - now;
            }
        }
    }
    flush(net);
    /* The library waits in whole milliseconds, and would spin through what is less. */
    if (wait_ns > 0)
        lws_sul_schedule(net->context, 0, &net->wake, on_wake, (lws_usec_t)((wait_ns + 999999) / 1000000 * 1000));
    return lws_service(net->context, wait_ns > 0 ? 0 : -1) < 0 ? ERR_IO : ERR_OK;
}
