/* wire_upbit.c: connections of Upbit: requests over the socket, formats, and when a stream speaks.
 *
 * A request is a whole: it is read to its end before anything changes, and then replaces what was subscribed. What
 * opens a stream is a SNAPSHOT, unless only what is live was asked for. */
#include "sim/wire/wire_upbit.h"

#include "core/decimal.h"

#define MESSAGES_A_SECOND 5
#define MESSAGES_A_MINUTE 100
#define MESSAGES_BLOCKED  10 /* over the limit so often: the connection is ended */

#define ONLY_SNAPSHOT 1u
#define ONLY_LIVE     2u

/* ---- saying ---- */

/* Recorded frames are binary, the pages' samples text: clients take both. */
static enum wire_opcode opcode_of(const struct wire *wire)
{
    return wire->config.text_frames ? WIRE_TEXT : WIRE_BINARY;
}

/* The format's message of a stream in wire->wrap, brackets and all. False: nothing to say. */
static bool make(struct wire *wire, const struct wire_symbol *symbol, const struct wire_stream *stream,
                 unsigned format, bool live)
{
    struct wire_text *text = &wire->wrap;
    wire_text_clear(text);
    if ((format & UPBIT_LIST) != 0)
        wire_put_char(text, '[');
    if (!upbit_say(wire, symbol, stream, (format & UPBIT_SIMPLE) != 0, live, text))
        return false;
    if ((format & UPBIT_LIST) != 0)
        wire_put_char(text, ']');
    if (wire_text_ok(text))
        return true;
    wire->stats.full++;
    return false;
}

/* Each format that somebody wants is made once. */
static void deliver(struct wire *wire, const struct wire_symbol *symbol, uint32_t number)
{
    const struct wire_stream *stream = &wire->streams[number];
    for (unsigned format = 0; format < 4; format++) {
        bool made = false;
        for (uint32_t i = stream->first_sub; i != WIRE_NONE; i = wire->subs[i].next_of_stream) {
            const struct wire_sub *sub = &wire->subs[i];
            if (sub->silent || wire->clients[sub->client].format != format)
                continue;
            if (!made && !make(wire, symbol, stream, format, true))
                return;
            made = true;
            wire_deliver_to(wire, sub->client, opcode_of(wire), wire->wrap.bytes, wire->wrap.size);
        }
    }
}

static void deliver_kind(struct wire *wire, const struct wire_symbol *symbol, enum wire_kind kind)
{
    for (uint32_t i = symbol->first_stream; i != WIRE_NONE; i = wire->streams[i].next)
        if (wire->streams[i].kind == kind && wire->streams[i].beat == BEAT_NONE)
            deliver(wire, symbol, i);
}

static void depth(struct wire *wire, struct wire_symbol *symbol, const struct wire_diff *diff)
{
    if (WIRE_FAULT_HITS(wire, depth_gap, symbol->number + UINT64_C(1000000), diff->last)) {
        wire->stats.faults++;
        return;
    }
    deliver_kind(wire, symbol, WIRE_TOP);
}

static void bbo(struct wire *wire, struct wire_symbol *symbol)
{
    (void)wire, (void)symbol; /* Upbit has no such stream */
}

static void print(struct wire *wire, struct wire_symbol *symbol, const struct wire_trade *trade)
{
    (void)trade; /* the last of the symbol's prints, which is what is told */
    deliver_kind(wire, symbol, WIRE_PRINTS);
    deliver_kind(wire, symbol, WIRE_TICKER);
}

static void aggregate(struct wire *wire, struct wire_symbol *symbol, const struct wire_trade *trade)
{
    (void)wire, (void)symbol, (void)trade;
}

/* Candles: at most one a second, when something was traded. */
static void beat(struct wire *wire, struct wire_symbol *symbol, uint32_t number)
{
    struct wire_stream *stream = &wire->streams[number];
    if (symbol == NULL || stream->said == symbol->candles.trades)
        return;
    stream->said = symbol->candles.trades;
    deliver(wire, symbol, number);
}

/* ---- requests over the socket ---- */

static void say_error(struct wire *wire, uint32_t client, const char *name, const char *words)
{
    wire_text_clear(&wire->answer);
    wire_put(&wire->answer, "{\"error\":{\"name\":\"");
    wire_put(&wire->answer, name);
    wire_put(&wire->answer, "\",\"message\":\"");
    wire_put(&wire->answer, words);
    wire_put(&wire->answer, "\"}}");
    wire_say_to(wire, client, opcode_of(wire), &wire->answer);
}

/* What one object of a request asks for. */
struct wish {
    enum wire_kind kind;
    int32_t param;
    uint32_t codes; /* token of the array */
    const struct wire_token *level;
    uint8_t bits;
    const struct wire_token *type;
};
#define WISHES_MAX 256

static bool parse_type(const struct wire_token *type, struct wish *wish)
{
    static const uint32_t minutes[] = {1, 3, 5, 10, 15, 30, 60, 240};
    wish->type = type;
    wish->param = 0;
    if (type->size > 16)
        return false;
    if (wire_token_is(type, "ticker"))
        wish->kind = WIRE_TICKER;
    else if (wire_token_is(type, "trade"))
        wish->kind = WIRE_PRINTS;
    else if (wire_token_is(type, "orderbook"))
        wish->kind = WIRE_TOP;
    else if (wire_token_is(type, "candle.1s"))
        wish->kind = WIRE_KLINE;
    else if (type->size > 8 && memcmp(type->text, "candle.", 7) == 0 && type->text[type->size - 1] == 'm') {
        uint64_t count;
        const struct wire_token number = {.kind = TOKEN_NUMBER, .text = type->text + 7, .size = type->size - 8};
        if (!wire_token_u64(&number, &count))
            return false;
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(minutes); i++)
            known |= minutes[i] == count;
        for (int i = 0; i < WIRE_INTERVALS; i++)
            if (wire_interval_seconds[i] == count * 60)
                wish->param = i;
        wish->kind = WIRE_KLINE;
        return known;
    } else {
        return false;
    }
    return true;
}

/* "KRW-BTC.15" ─► KRW-BTC and 15; units that are none of the four are 30. */
static void split_code(const struct wire_token *code, size_t *size, int32_t *units)
{
    const char *point = memchr(code->text, '.', code->size);
    *size = point == NULL ? code->size : (size_t)(point - code->text);
    *units = UPBIT_UNITS;
    if (point == NULL)
        return;
    uint64_t count;
    const struct wire_token number = {
        .kind = TOKEN_NUMBER, .text = point + 1, .size = (uint32_t)(code->size - *size - 1)};
    if (wire_token_u64(&number, &count) && (count == 1 || count == 5 || count == 15))
        *units = (int32_t)count;
}

static void subscribe_code(struct wire *wire, uint32_t number, const struct wish *wish, const struct wire_token *code)
{
    struct wire_stream stream = {.kind = (uint8_t)wish->kind, .beat = BEAT_NONE, .param = wish->param};
    size_t size;
    int32_t units;
    split_code(code, &size, &units);
    stream.symbol = wire_find_symbol(wire, code->text, size);
    /* Codes are written large; what is not listed is silent. */
    if (stream.symbol == INSTRUMENT_NONE ||
        memcmp(wire->symbols[stream.symbol].instrument.symbol, code->text, size) != 0)
        return;
    if (wish->kind == WIRE_TOP) {
        stream.param = units;
        if (wish->level != NULL && decimal_parse(wish->level->text, wish->level->size,
                                                 wire->symbols[stream.symbol].instrument.price_decimals, ROUND_EXACT,
                                                 &stream.grouping) != ERR_OK)
            stream.grouping = -1; /* a grouping that there is not: no data */
    }
    if (wish->kind == WIRE_KLINE)
        stream.beat = BEAT_1S;
    struct wire_text name = wire_text_in(stream.name, sizeof(stream.name));
    wire_put_bytes(&name, wish->type->text, wish->type->size);
    wire_put_char(&name, ' ');
    wire_put_i64(&name, stream.param);
    wire_put_char(&name, ' ');
    wire_put_i64(&name, stream.grouping);
    ASSERT(wire_text_ok(&name));
    stream.name_size = (uint16_t)name.size;
    if (!wire_subscribe(wire, number, &stream, (wish->bits & ONLY_SNAPSHOT) != 0, wish->bits))
        return;
    const struct wire_symbol *symbol = &wire->symbols[stream.symbol];
    const uint32_t at = wire_stream_find(wire, stream.symbol, stream.name, stream.name_size);
    if ((wish->bits & ONLY_LIVE) == 0 && make(wire, symbol, &wire->streams[at], wire->clients[number].format, false))
        wire_deliver_to(wire, number, opcode_of(wire), wire->wrap.bytes, wire->wrap.size);
}

/* [{"type":"trade","codes":["KRW-BTC"]}, ...] of what is subscribed, one object a stream of each type and level. */
static void say_subscriptions(struct wire *wire, uint32_t number)
{
    const struct wire_client *client = &wire->clients[number];
    struct upbit_writer writer, item;
    wire_text_clear(&wire->answer);
    upbit_open(&writer, &wire->answer, (client->format & UPBIT_SIMPLE) != 0);
    upbit_text(&writer, "method", "mthd", "LIST_SUBSCRIPTIONS");
    upbit_name(&writer, "result", "rslt");
    wire_put_char(&wire->answer, '[');
    for (uint32_t i = client->first_sub; i != WIRE_NONE; i = wire->subs[i].next_of_client) {
        const struct wire_stream *stream = &wire->streams[wire->subs[i].stream];
        bool first = true;
        for (uint32_t j = client->first_sub; j != i && first; j = wire->subs[j].next_of_client) {
            const struct wire_stream *other = &wire->streams[wire->subs[j].stream];
            first =
                other->name_size != stream->name_size || memcmp(other->name, stream->name, stream->name_size) != 0;
        }
        if (!first)
            continue;
        if (i != client->first_sub)
            wire_put_char(&wire->answer, ',');
        upbit_open(&item, &wire->answer, writer.brief);
        upbit_name(&item, "type", "ty");
        wire_put_string(&wire->answer, stream->name, strcspn(stream->name, " "));
        upbit_name(&item, "codes", "cds");
        wire_put_char(&wire->answer, '[');
        bool any = false;
        for (uint32_t j = i; j != WIRE_NONE; j = wire->subs[j].next_of_client) {
            const struct wire_stream *other = &wire->streams[wire->subs[j].stream];
            if (other->name_size != stream->name_size || memcmp(other->name, stream->name, stream->name_size) != 0)
                continue;
            wire_put(&wire->answer, any ? ",\"" : "\"");
            wire_put(&wire->answer, wire->symbols[other->symbol].instrument.symbol);
            if (other->kind == WIRE_TOP && other->param != UPBIT_UNITS)
                wire_put_format(&wire->answer, ".%d", other->param);
            wire_put_char(&wire->answer, '"');
            any = true;
        }
        wire_put_char(&wire->answer, ']');
        if (stream->kind == WIRE_TOP) {
            upbit_name(&item, "level", "lv");
            upbit_number(&wire->answer, stream->grouping, wire->symbols[stream->symbol].instrument.price_decimals, 0);
        }
        upbit_close(&item);
    }
    wire_put_char(&wire->answer, ']');
    upbit_text(&writer, "ticket", "tckt", client->ticket);
    upbit_close(&writer);
    wire_say_to(wire, number, opcode_of(wire), &wire->answer);
}

static bool parse_format(const struct wire_token *token, uint8_t *format)
{
    static const char *const names[] = {"DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST"};
    for (uint8_t i = 0; i < ARRAY_LEN(names); i++) {
        if (wire_token_is(token, names[i])) {
            *format = i;
            return true;
        }
    }
    return false;
}

static bool is_true(const struct wire_token *token)
{
    return token != NULL && token->kind == TOKEN_WORD && wire_token_is(token, "true");
}

struct request {
    const struct wire_token *ticket;
    uint8_t format;
    bool list;
    struct wish wishes[WISHES_MAX];
    uint32_t count;
};

/* False: an error was said. */
static bool parse_request(struct wire *wire, uint32_t client, const char *text, size_t size, struct request *request)
{
    const struct wire_token *tokens = wire->tokens;
    uint32_t count;
#define REFUSE(name, words) (say_error(wire, client, name, words), false)
    if (size > WIRE_CLIENT_TEXT || wire_json(text, size, wire->tokens, WIRE_TOKENS, &count) != ERR_OK ||
        tokens[0].kind != TOKEN_ARRAY)
        return REFUSE("WRONG_FORMAT", "Format 이 맞지 않습니다.");
    for (uint32_t i = 1; i < tokens[0].next; i = tokens[i].next) {
        if (tokens[i].kind != TOKEN_OBJECT)
            return REFUSE("WRONG_FORMAT", "Format 이 맞지 않습니다.");
        const struct wire_token *ticket = wire_json_get(tokens, i, "ticket"),
                                *type = wire_json_get(tokens, i, "type");
        const struct wire_token *format = wire_json_get(tokens, i, "format"),
                                *method = wire_json_get(tokens, i, "method");
        if (ticket != NULL)
            request->ticket = ticket;
        if (format != NULL && !parse_format(format, &request->format))
            return REFUSE("WRONG_FORMAT", "Format 이 맞지 않습니다.");
        if (method != NULL) {
            if (!wire_token_is(method, "LIST_SUBSCRIPTIONS"))
                return REFUSE("INVALID_PARAM", "지원하지 않는 method 입니다.");
            request->list = true;
        }
        if (type == NULL) {
            if (ticket == NULL && format == NULL && method == NULL)
                return REFUSE("NO_TYPE", "type 필드가 존재하지 않습니다.");
            continue;
        }
        if (request->count == WISHES_MAX)
            return REFUSE("INVALID_PARAM", "요청 항목이 너무 많습니다.");
        struct wish *wish = &request->wishes[request->count++];
        wish->bits = 0;
        if (!parse_type(type, wish))
            return REFUSE("INVALID_PARAM", "지원하지 않는 type 입니다.");
        const struct wire_token *codes = wire_json_get(tokens, i, "codes");
        if (codes == NULL)
            return REFUSE("NO_CODES", "codes 필드가 존재하지 않습니다.");
        wish->codes = (uint32_t)(codes - tokens);
        if (codes->kind != TOKEN_ARRAY || codes->next == wish->codes + 1)
            return REFUSE("INVALID_PARAM", "codes 필드가 올바르지 않습니다.");
        for (uint32_t c = wish->codes + 1; c < codes->next; c = tokens[c].next)
            if (tokens[c].kind != TOKEN_STRING)
                return REFUSE("INVALID_PARAM", "codes 필드가 올바르지 않습니다.");
        wish->level = wire_json_get(tokens, i, "level");
        /* The second spelling is older, and still taken. */
        if (is_true(wire_json_get(tokens, i, "is_only_snapshot")) ||
            is_true(wire_json_get(tokens, i, "isOnlySnapshot")))
            wish->bits |= ONLY_SNAPSHOT;
        if (is_true(wire_json_get(tokens, i, "is_only_realtime")) ||
            is_true(wire_json_get(tokens, i, "isOnlyRealtime")))
            wish->bits |= ONLY_LIVE;
    }
    if (request->ticket == NULL || request->ticket->kind != TOKEN_STRING)
        return REFUSE("NO_TICKET", "ticket 필드가 존재하지 않습니다.");
    if (request->count == 0 && !request->list)
        return REFUSE("NO_TYPE", "type 필드가 존재하지 않습니다.");
#undef REFUSE
    return true;
}

static void take_request(struct wire *wire, uint32_t number, const char *text, size_t size)
{
    struct wire_client *client = &wire->clients[number];
    struct request request;
    request.ticket = NULL;
    request.format = client->format;
    request.list = false;
    request.count = 0;
    if (!parse_request(wire, number, text, size, &request))
        return;
    const size_t ticket =
        request.ticket->size < sizeof(client->ticket) - 1 ? request.ticket->size : sizeof(client->ticket) - 1;
    memcpy(client->ticket, request.ticket->text, ticket);
    client->ticket[ticket] = '\0';
    client->format = request.format;
    if (request.count > 0) {
        wire_unsubscribe_all(wire, number);
        for (uint32_t i = 0; i < request.count; i++) {
            const struct wish *wish = &request.wishes[i];
            for (uint32_t c = wish->codes + 1; c < wire->tokens[wish->codes].next; c = wire->tokens[c].next)
                subscribe_code(wire, number, wish, &wire->tokens[c]);
        }
    }
    if (request.list)
        say_subscriptions(wire, number);
}

/* False: too many messages. */
static bool may_speak(struct wire *wire, ns_t now, uint32_t number)
{
    struct wire_client *client = &wire->clients[number];
    if (wire->config.no_limits ||
        (wire_window_take(&client->messages[0], now, NS_PER_S, MESSAGES_A_SECOND, 1) &&
         wire_window_take(&client->messages[1], now, 60 * NS_PER_S, MESSAGES_A_MINUTE, 1))) {
        client->over = 0;
        return true;
    }
    wire->stats.limited++;
    if (++client->over >= MESSAGES_BLOCKED) {
        say_error(wire, number, "I'm a teapot", "요청이 차단되었습니다.");
        wire_end(wire, number, 1008, "I'm a teapot");
    } else {
        say_error(wire, number, "Too Many Requests", "요청 수 제한을 초과하였습니다.");
    }
    return false;
}

static void message(struct wire *wire, ns_t now, uint32_t number, enum wire_opcode opcode, const char *text,
                    size_t size)
{
    struct wire_client *client = &wire->clients[number];
    if (opcode == WIRE_PONG)
        return;
    if (opcode == WIRE_PING) {
        if (WIRE_FAULT_HITS(wire, no_pong, client->serial, client->frames++)) {
            wire->stats.faults++;
            return;
        }
        wire_text_clear(&wire->answer);
        wire_put_bytes(&wire->answer, text, size);
        wire_say_to(wire, number, WIRE_PONG, &wire->answer);
        return;
    }
    if (!may_speak(wire, now, number))
        return;
    if (size == 4 && memcmp(text, "PING", 4) == 0)
        client->up_next = now;
    else
        take_request(wire, number, text, size);
}

static bool hello(struct wire *wire, ns_t now, uint32_t number, const struct wire_request *request)
{
    (void)number;
    uint32_t left;
    const bool origin = wire_header_of(request, "Origin") != NULL;
    if (!upbit_pay(wire, now, request, origin ? UPBIT_ORIGIN : UPBIT_CONNECT, &left))
        return false;
    wire_text_clear(&wire->answer);
    if (strcmp(request->path, "/websocket/v1") == 0)
        return true;
    if (strcmp(request->path, "/websocket/v1/private") == 0) {
        wire_put(&wire->answer,
                 "{\"error\":{\"name\":\"INVALID_AUTH\",\"message\":\"인증 정보가 올바르지 않습니다.\"}}");
        wire_answer_json(wire, request, 401, NULL, 0);
    } else {
        wire_put(&wire->answer, "{\"error\":{\"name\":404,\"message\":\"no Route matched with those values\"}}");
        wire_answer_json(wire, request, 404, NULL, 0);
    }
    return false;
}

const struct wire_ops wire_upbit_ops = {
    .hello = hello,
    .message = message,
    .request = upbit_request,
    .depth = depth,
    .bbo = bbo,
    .print = print,
    .aggregate = aggregate,
    .beat = beat,
    .idle_max = 120 * NS_PER_S,
    .life = 86400 * NS_PER_S,
    .streams_of_client_max = 4096,
};
