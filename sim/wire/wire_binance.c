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

enum route {
    ROUTE_ALL,    /* spot, COIN-M: one place for all */
    ROUTE_LEGACY, /* USD-M without a route: connects, answers, and delivers public data only */
    ROUTE_PUBLIC,
    ROUTE_MARKET,
    ROUTE_PRIVATE,
};

/* ---- names of streams ---- */

struct sort {
    const char *name; /* behind the "@"; "*": a number or an interval follows */
    enum wire_kind kind;
    enum wire_beat futures, spot;
    enum route home; /* on USD-M */
};

/* Longer names first where one begins like another. */
static const struct sort sorts[] = {
    {"bookTicker", WIRE_BBO, BEAT_NONE, BEAT_NONE, ROUTE_PUBLIC},
    {"aggTrade", WIRE_AGGREGATES, BEAT_NONE, BEAT_NONE, ROUTE_MARKET},
    {"trade", WIRE_PRINTS, BEAT_NONE, BEAT_NONE, ROUTE_MARKET},
    {"markPrice", WIRE_MARK, BEAT_3S, BEAT_3S, ROUTE_MARKET},
    {"miniTicker", WIRE_MINI_TICKER, BEAT_500MS, BEAT_1S, ROUTE_MARKET},
    {"ticker", WIRE_TICKER, BEAT_2S, BEAT_1S, ROUTE_MARKET},
};

static bool same(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && memcmp(text, word, size) == 0;
}

static bool begins(const char *text, size_t size, const char *word)
{
    return size >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

/* "depth", "depth@100ms", "depth20@500ms": what follows "depth". */
static void depth_stream(const struct wire *wire, const char *rest, size_t size, struct wire_stream *stream)
{
    const bool spot = binance_wire_is_spot(wire);
    size_t at = 0;
    int32_t levels = 0;
    while (at < size && rest[at] >= '0' && rest[at] <= '9' && at < 3)
        levels = levels * 10 + (rest[at++] - '0');
    if (at > 0 && levels != 5 && levels != 10 && levels != 20)
        return;
    const char *speed = rest + at;
    const size_t speed_size = size - at;
    enum wire_beat beat;
    if (speed_size == 0)
        beat = spot ? BEAT_1S : BEAT_250MS;
    else if (same(speed, speed_size, "@100ms") || (levels == 0 && same(speed, speed_size, "@0ms")))
        beat = levels == 0 ? BEAT_NONE : BEAT_100MS;
    else if (!spot && same(speed, speed_size, "@250ms"))
        beat = BEAT_250MS;
    else if (!spot && same(speed, speed_size, "@500ms"))
        beat = BEAT_500MS;
    else if (spot && same(speed, speed_size, "@1000ms"))
        beat = BEAT_1S;
    else
        return;
    stream->kind = levels == 0 ? WIRE_DEPTH : WIRE_TOP;
    stream->param = levels;
    stream->beat = (uint8_t)beat;
}

/* What a name means. Names that mean nothing are silent streams: the venue takes them too. */
static void parse_stream(const struct wire *wire, const char *name, size_t size, struct wire_stream *stream,
                         enum route *home)
{
    const bool spot = binance_wire_is_spot(wire);
    *stream = (struct wire_stream){
        .name_size = (uint16_t)size, .symbol = INSTRUMENT_NONE, .kind = WIRE_SILENT, .beat = BEAT_NONE};
    memcpy(stream->name, name, size);
    *home = ROUTE_MARKET;
    const char *at = memchr(name, '@', size);
    if (name[0] == '!') {
        if (same(name, size, "!bookTicker")) {
            stream->kind = WIRE_BBO;
            *home = ROUTE_PUBLIC;
        } else if (same(name, size, "!ticker@arr") || same(name, size, "!miniTicker@arr")) {
            stream->kind = name[1] == 't' ? WIRE_TICKER : WIRE_MINI_TICKER;
            stream->beat = BEAT_1S;
        } else if (!spot && (same(name, size, "!markPrice@arr") || same(name, size, "!markPrice@arr@1s"))) {
            stream->kind = WIRE_MARK;
            stream->beat = name[size - 1] == 's' ? BEAT_1S : BEAT_3S;
        }
        return;
    }
    if (at == NULL)
        return;
    const size_t symbol_size = (size_t)(at - name);
    const char *type = at + 1;
    const size_t type_size = size - symbol_size - 1;
    if (begins(type, type_size, "depth"))
        *home = ROUTE_PUBLIC;
    /* Symbols are written small in the names of streams. */
    for (size_t i = 0; i < symbol_size; i++)
        if (name[i] >= 'A' && name[i] <= 'Z')
            return;
    const uint16_t symbol = wire_find_symbol(wire, name, symbol_size);
    if (symbol == INSTRUMENT_NONE)
        return;
    stream->symbol = symbol;
    if (begins(type, type_size, "depth")) {
        depth_stream(wire, type + 5, type_size - 5, stream);
        return;
    }
    if (begins(type, type_size, "kline_")) {
        const int interval = wire_interval_find(type + 6, type_size - 6);
        if (interval < 0 || strcmp(wire_interval_names[interval], "10m") == 0)
            return;
        stream->kind = WIRE_KLINE;
        stream->param = interval;
        stream->beat = spot ? (interval == 0 ? BEAT_1S : BEAT_2S) : BEAT_250MS;
        return;
    }
    if (!spot && same(type, type_size, "markPrice@1s")) {
        stream->kind = WIRE_MARK;
        stream->beat = BEAT_1S;
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(sorts); i++) {
        if (!same(type, type_size, sorts[i].name) || (spot && sorts[i].kind == WIRE_MARK))
            continue;
        stream->kind = (uint8_t)sorts[i].kind;
        stream->beat = (uint8_t)(spot ? sorts[i].spot : sorts[i].futures);
        *home = sorts[i].home;
        return;
    }
}

static bool speaks_there(enum route route, enum route home)
{
    return route == ROUTE_ALL || route == home || (route == ROUTE_LEGACY && home == ROUTE_PUBLIC);
}

static bool subscribe(struct wire *wire, uint32_t client, const char *name, size_t size)
{
    struct wire_stream stream;
    enum route home;
    if (size == 0 || size >= WIRE_NAME_SIZE)
        return false;
    parse_stream(wire, name, size, &stream, &home);
    return wire_subscribe(wire, client, &stream, !speaks_there((enum route)wire->clients[client].route, home), 0);
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
        enum route route;
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

/* ---- when streams speak ---- */

static void deliver_kind(struct wire *wire, const struct wire_symbol *symbol, enum wire_kind kind)
{
    for (uint32_t i = symbol->first_stream; i != WIRE_NONE; i = wire->streams[i].next)
        if (wire->streams[i].kind == kind && wire->streams[i].beat == BEAT_NONE)
            wire_deliver(wire, i, WIRE_TEXT);
}

static bool hears(const struct wire *wire, uint32_t first, enum wire_kind kind)
{
    for (uint32_t i = first; i != WIRE_NONE; i = wire->streams[i].next)
        if (wire->streams[i].kind == kind && wire->streams[i].beat == BEAT_NONE)
            return true;
    return false;
}

static void depth(struct wire *wire, struct wire_symbol *symbol, const struct wire_diff *diff)
{
    if (!hears(wire, symbol->first_stream, WIRE_DEPTH))
        return;
    if (WIRE_FAULT_HITS(wire, depth_gap, symbol->number + UINT64_C(1000000), diff->last)) {
        wire->stats.faults++;
        return;
    }
    binance_say_depth(wire, symbol, diff);
    deliver_kind(wire, symbol, WIRE_DEPTH);
}

static void bbo(struct wire *wire, struct wire_symbol *symbol)
{
    const bool own = hears(wire, symbol->first_stream, WIRE_BBO), all = hears(wire, wire->all_stream, WIRE_BBO);
    if (!own && !all)
        return;
    binance_say_bbo(wire, symbol);
    deliver_kind(wire, symbol, WIRE_BBO);
    for (uint32_t i = all ? wire->all_stream : WIRE_NONE; i != WIRE_NONE; i = wire->streams[i].next)
        if (wire->streams[i].kind == WIRE_BBO)
            wire_deliver(wire, i, WIRE_TEXT);
}

static void print(struct wire *wire, struct wire_symbol *symbol, const struct wire_trade *trade)
{
    if (!hears(wire, symbol->first_stream, WIRE_PRINTS))
        return;
    binance_say_print(wire, symbol, trade);
    deliver_kind(wire, symbol, WIRE_PRINTS);
}

static void aggregate(struct wire *wire, struct wire_symbol *symbol, const struct wire_trade *trade)
{
    if (!hears(wire, symbol->first_stream, WIRE_AGGREGATES))
        return;
    binance_say_aggregate(wire, symbol, trade);
    deliver_kind(wire, symbol, WIRE_AGGREGATES);
}

/* An interval that ended is said once more, closed; then the one that is running, if anything was traded. */
static void beat_kline(struct wire *wire, struct wire_symbol *symbol, uint32_t number)
{
    struct wire_stream *stream = &wire->streams[number];
    const unsigned interval = (unsigned)stream->param;
    const ns_t start = wire_interval_start(interval, wire_venue_time(wire, wire->now));
    struct wire_candle candle;
    if (stream->running != 0 && start > stream->running &&
        wire_candles_list(&symbol->candles, interval, stream->running, wire_interval_next(interval, stream->running),
                          true, &candle, 1) == 1) {
        binance_say_kline(wire, symbol, interval, &candle, true);
        wire_deliver(wire, number, WIRE_TEXT);
    }
    const bool fresh = stream->running != start || stream->said != symbol->candles.trades;
    stream->running = start;
    if (!fresh || wire_candles_list(&symbol->candles, interval, start, wire_interval_next(interval, start), true,
                                    &candle, 1) != 1)
        return;
    stream->said = symbol->candles.trades;
    binance_say_kline(wire, symbol, interval, &candle, false);
    wire_deliver(wire, number, WIRE_TEXT);
}

/* !ticker@arr and its like: what changed since the last beat. */
static void beat_all(struct wire *wire, uint32_t number)
{
    const struct wire_stream *stream = &wire->streams[number];
    struct binance_day day;
    bool any = false;
    wire_text_clear(&wire->say);
    for (uint16_t i = 0; i < wire->config.instrument_count; i++) {
        const struct wire_symbol *symbol = &wire->symbols[i];
        if (stream->kind == WIRE_MARK ? binance_mark_of(wire, symbol).mark_price == 0
                                      : !binance_day_of(wire, symbol, &day))
            continue;
        wire_put_char(&wire->say, any ? ',' : '[');
        any = true;
        if (stream->kind == WIRE_MARK)
            binance_put_mark(wire, symbol);
        else
            binance_put_ticker(wire, symbol, stream->kind == WIRE_MINI_TICKER);
    }
    if (!any)
        return;
    wire_put_char(&wire->say, ']');
    wire_deliver(wire, number, WIRE_TEXT);
}

static void beat(struct wire *wire, struct wire_symbol *symbol, uint32_t number)
{
    struct wire_stream *stream = &wire->streams[number];
    struct wire_diff diff;
    struct binance_day day;
    if (symbol == NULL) {
        beat_all(wire, number);
        return;
    }
    switch ((enum wire_kind)stream->kind) {
    case WIRE_DEPTH:
        if (!wire_batch_take(wire, symbol, stream->batch, &diff))
            return;
        binance_say_depth(wire, symbol, &diff);
        break;
    case WIRE_TOP:
        if (!symbol->has_book || stream->said == symbol->book_id)
            return;
        binance_say_top(wire, symbol, stream);
        break;
    case WIRE_KLINE:
        beat_kline(wire, symbol, number);
        return;
    case WIRE_MARK:
        if (binance_mark_of(wire, symbol).mark_price == 0)
            return;
        wire_text_clear(&wire->say);
        binance_put_mark(wire, symbol);
        break;
    case WIRE_TICKER:
    case WIRE_MINI_TICKER:
        if (stream->said == symbol->candles.trades || !binance_day_of(wire, symbol, &day))
            return;
        stream->said = symbol->candles.trades;
        wire_text_clear(&wire->say);
        binance_put_ticker(wire, symbol, stream->kind == WIRE_MINI_TICKER);
        break;
    default:
        return;
    }
    wire_deliver(wire, number, WIRE_TEXT);
}

const struct wire_ops wire_binance_ops = {
    .hello = hello,
    .message = message,
    .request = binance_request,
    .depth = depth,
    .bbo = bbo,
    .print = print,
    .aggregate = aggregate,
    .beat = beat,
    .ping_interval = {[WIRE_BINANCE_USDM] = 180 * NS_PER_S,
                      [WIRE_BINANCE_COINM] = 180 * NS_PER_S,
                      [WIRE_BINANCE_SPOT] = 20 * NS_PER_S},
    .pong_wait = {[WIRE_BINANCE_USDM] = 600 * NS_PER_S,
                  [WIRE_BINANCE_COINM] = 600 * NS_PER_S,
                  [WIRE_BINANCE_SPOT] = 60 * NS_PER_S},
    .life = 86400 * NS_PER_S,
    .streams_of_client_max = 1024,
};
