/* wire_binance.c: connections of Binance: routes, names of streams, control frames, and when a stream speaks.
 *
 * The diffs of the tape are the fastest stream that there is: "@100ms" (and "@0ms", which the venue has never written
 * down) says them one for one, slower ones gather. A stream on a route where it does not belong is taken and never
 * speaks, as on the venue. */
#include "sim/wire/wire_binance.h"

#define MESSAGE_LIMIT_FUTURES 10 /* a second, pings and pongs included */
#define MESSAGE_LIMIT_SPOT    5
#define CONNECT_LIMIT         300 /* in five minutes, of an address */
#define GROUP_CONNECT         8

static bool speaks_there(enum binance_route route, enum binance_route home)
{
    return route == ROUTE_ALL || route == home || (route == ROUTE_LEGACY && home == ROUTE_PUBLIC);
}

static bool subscribe(struct wire *wire, uint32_t client, const char *name, size_t size)
{
    struct wire_stream stream;
    enum binance_route home;
    if (size == 0 || size >= WIRE_NAME_SIZE)
        return false;
    binance_parse_stream(wire, name, size, &stream, &home);
    return wire_subscribe(wire, client, &stream, !speaks_there((enum binance_route)wire->clients[client].route, home),
                          0);
}

/* ---- the handshake ---- */

static bool refuse(struct wire *wire, const struct wire_request *request, uint16_t status, int code,
                   const char *words)
{
    wire_text_clear(&wire->answer);
    wire_put_format(&wire->answer, "{\"code\":%d,\"msg\":\"%s\"}", code, words);
    wire_answer_json(wire, request, status, NULL, 0);
    return false;
}

/* The names between slashes. False: one was refused. */
static bool subscribe_path(struct wire *wire, uint32_t client, const char *names)
{
    while (*names != '\0') {
        const size_t size = strcspn(names, "/");
        if (size > 0 && !subscribe(wire, client, names, size))
            return false;
        names += size;
        names += *names == '/';
    }
    return true;
}

static bool hello(struct wire *wire, ns_t now, uint32_t number, const struct wire_request *request)
{
    static const struct {
        const char *prefix;
        enum binance_route route;
    } routes[] = {{"/public", ROUTE_PUBLIC}, {"/market", ROUTE_MARKET}, {"/private", ROUTE_PRIVATE}};
    struct wire_client *client = &wire->clients[number];
    const char *path = request->path;
    const struct wire_verdict verdict =
        wire_limits_ask(&wire->limits, now, request->peer, GROUP_CONNECT, 300 * NS_PER_S, CONNECT_LIMIT, 1);
    if (verdict.status != 200) {
        wire->stats.limited++;
        return refuse(wire, request, verdict.status, -1003, "Too many connections; 300 in 5 minutes are allowed.");
    }
    client->route = ROUTE_ALL;
    if (wire->config.venue == WIRE_BINANCE_USDM) {
        client->route = ROUTE_LEGACY;
        for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
            const size_t size = strlen(routes[i].prefix);
            if (strncmp(path, routes[i].prefix, size) == 0 && path[size] == '/') {
                client->route = (uint8_t)routes[i].route;
                path += size;
            }
        }
    }
    char names[WIRE_CLIENT_TEXT / 4];
    if (strcmp(path, "/stream") == 0) {
        client->combined = true;
        if (!wire_query(request->query, "streams", names, sizeof(names)))
            names[0] = '\0';
    } else if (strcmp(path, "/ws") == 0 || strncmp(path, "/ws/", 4) == 0) {
        const size_t size = strlen(path);
        if (size - 3 >= sizeof(names))
            return refuse(wire, request, 414, -1100, "URI too long.");
        memcpy(names, path[3] == '/' ? path + 4 : "", path[3] == '/' ? size - 3 : 1);
    } else {
        return refuse(wire, request, 404, -1100, "No such route; /ws and /stream are.");
    }
    /* The keys of user streams are no streams of the market. */
    if (client->route == ROUTE_PRIVATE)
        return true;
    return subscribe_path(wire, number, names) ||
           refuse(wire, request, 400, -1130, "A stream is too long, or there are too many of them.");
}

/* ---- control frames ---- */

static void put_id(struct wire_text *text, const struct wire_token *id)
{
    if (id == NULL || id->kind == TOKEN_OBJECT || id->kind == TOKEN_ARRAY)
        wire_put(text, "null");
    else if (id->kind == TOKEN_STRING) {
        wire_put_char(text, '"');
        wire_put_bytes(text, id->text, id->size);
        wire_put_char(text, '"');
    } else {
        wire_put_bytes(text, id->text, id->size);
    }
}

static void say_error(struct wire *wire, uint32_t client, int code, const char *words, const struct wire_token *id)
{
    wire_text_clear(&wire->answer);
    wire_put_format(&wire->answer, "{\"code\":%d,\"msg\":\"%s\"", code, words);
    if (id != NULL) {
        wire_put(&wire->answer, ",\"id\":");
        put_id(&wire->answer, id);
    }
    wire_put_char(&wire->answer, '}');
    wire_say_to(wire, client, WIRE_TEXT, &wire->answer);
}

static void put_subscriptions(struct wire *wire, const struct wire_client *client)
{
    wire_put_char(&wire->answer, '[');
    for (uint32_t i = client->first_sub; i != WIRE_NONE; i = wire->subs[i].next_of_client) {
        const struct wire_stream *stream = &wire->streams[wire->subs[i].stream];
        if (i != client->first_sub)
            wire_put_char(&wire->answer, ',');
        wire_put_string(&wire->answer, stream->name, stream->name_size);
    }
    wire_put_char(&wire->answer, ']');
}

static bool all_strings(const struct wire_token *tokens, uint32_t array)
{
    for (uint32_t i = array + 1; i < tokens[array].next; i = tokens[i].next)
        if (tokens[i].kind != TOKEN_STRING)
            return false;
    return true;
}

static void unsubscribe(struct wire *wire, uint32_t number, const char *name, size_t size)
{
    const struct wire_client *client = &wire->clients[number];
    for (uint32_t i = client->first_sub; i != WIRE_NONE; i = wire->subs[i].next_of_client) {
        const struct wire_stream *stream = &wire->streams[wire->subs[i].stream];
        if (stream->name_size == size && memcmp(stream->name, name, size) == 0) {
            wire_unsubscribe(wire, number, wire->subs[i].stream);
            return;
        }
    }
}

static void control(struct wire *wire, uint32_t number, const char *text, size_t size)
{
    static const char *const methods[] = {"SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY",
                                          "GET_PROPERTY"};
    struct wire_client *client = &wire->clients[number];
    const struct wire_token *tokens = wire->tokens;
    uint32_t count;
    if (size > WIRE_CLIENT_TEXT || wire_json(text, size, wire->tokens, WIRE_TOKENS, &count) != ERR_OK) {
        say_error(wire, number, 3, "Invalid JSON: expected value at line 1 column 1", NULL);
        return;
    }
    const struct wire_token *method = wire_json_get(tokens, 0, "method");
    const struct wire_token *params = wire_json_get(tokens, 0, "params");
    const struct wire_token *id = wire_json_get(tokens, 0, "id");
    size_t which = 0;
    while (method != NULL && which < ARRAY_LEN(methods) && !wire_token_is(method, methods[which]))
        which++;
    if (method == NULL || which == ARRAY_LEN(methods)) {
        say_error(wire, number, 2,
                  "Invalid request: unknown variant, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, "
                  "`LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`",
                  id);
        return;
    }
    const uint32_t array = params == NULL ? 0 : (uint32_t)(params - tokens);
    const bool list = params != NULL && params->kind == TOKEN_ARRAY;
    if ((which < 2 && (!list || !all_strings(tokens, array))) || (which > 2 && !list)) {
        say_error(wire, number, 2, "Invalid request: invalid type, expected a sequence of strings in `params`", id);
        return;
    }
    bool taken = true;
    for (uint32_t i = array + 1; which < 2 && i < tokens[array].next; i = tokens[i].next) {
        if (which == 0)
            taken &= subscribe(wire, number, tokens[i].text, tokens[i].size);
        else
            unsubscribe(wire, number, tokens[i].text, tokens[i].size);
    }
    if (!taken) {
        say_error(wire, number, 2, "Invalid request: at most 1024 streams of at most 95 letters", id);
        return;
    }
    if (which > 2 && (tokens[array].next < array + 2 || !wire_token_is(&tokens[array + 1], "combined"))) {
        say_error(wire, number, 0, "Unknown property", id);
        return;
    }
    if (which == 3) {
        if (tokens[array].next != array + 3 || tokens[array + 2].kind != TOKEN_WORD) {
            say_error(wire, number, 1, "Invalid value type: expected Boolean", id);
            return;
        }
        client->combined = wire_token_is(&tokens[array + 2], "true");
    }
    wire_text_clear(&wire->answer);
    wire_put(&wire->answer, "{\"result\":");
    if (which == 2)
        put_subscriptions(wire, client);
    else
        wire_put(&wire->answer, which != 4 ? "null" : client->combined ? "true" : "false");
    wire_put(&wire->answer, ",\"id\":");
    put_id(&wire->answer, id);
    wire_put_char(&wire->answer, '}');
    wire_say_to(wire, number, WIRE_TEXT, &wire->answer);
}

static void message(struct wire *wire, ns_t now, uint32_t number, enum wire_opcode opcode, const char *text,
                    size_t size)
{
    struct wire_client *client = &wire->clients[number];
    const bool spot = binance_wire_is_spot(wire);
    if (!wire->config.no_limits && !wire_window_take(&client->messages[0], now, NS_PER_S,
                                                     spot ? MESSAGE_LIMIT_SPOT : MESSAGE_LIMIT_FUTURES, 1)) {
        wire->stats.limited++;
        wire_end(wire, number, 1008, "Too many requests");
        return;
    }
    if (opcode == WIRE_PING) {
        if (WIRE_FAULT_HITS(wire, no_pong, client->serial, client->frames++)) {
            wire->stats.faults++;
            return;
        }
        wire_text_clear(&wire->answer);
        wire_put_bytes(&wire->answer, text, size);
        wire_say_to(wire, number, WIRE_PONG, &wire->answer);
    } else if (opcode == WIRE_PONG) {
        /* Spot: only an echo of what was sent is an answer. */
        wire_text_clear(&wire->answer);
        wire_put_u64(&wire->answer, client->ping_payload);
        if (!spot || (size == wire->answer.size && memcmp(text, wire->answer.bytes, size) == 0))
            client->waits_since = 0;
    } else {
        control(wire, number, text, size);
    }
}

const struct wire_ops wire_binance_ops = {
    .hello = hello,
    .message = message,
    .request = binance_request,
    .depth = binance_on_depth,
    .bbo = binance_on_bbo,
    .print = binance_on_print,
    .aggregate = binance_on_aggregate,
    .beat = binance_on_beat,
    .ping_interval = {[WIRE_BINANCE_USDM] = 180 * NS_PER_S,
                      [WIRE_BINANCE_COINM] = 180 * NS_PER_S,
                      [WIRE_BINANCE_SPOT] = 20 * NS_PER_S},
    .pong_wait = {[WIRE_BINANCE_USDM] = 600 * NS_PER_S,
                  [WIRE_BINANCE_COINM] = 600 * NS_PER_S,
                  [WIRE_BINANCE_SPOT] = 60 * NS_PER_S},
    .life = 86400 * NS_PER_S,
    .streams_of_client_max = 1024,
};
