/* wire_binance_rest.c: what Binance answers over HTTP: the public side.
 *
 *   path ─► prefix of the market ("/fapi/v1", "/dapi/v1", "/api/v3") ─► row of `calls` ─► weight ─► answer
 *
 * Every answer says what has been used of the minute's weight. There are no accounts here: a call that needs a key is
 * told that its key is not known, as a stranger's would be. */
#include "sim/wire/wire_binance_call.h"

#define GROUP_WEIGHT 0
#define MINUTE       (60 * NS_PER_S)

void call_finish(const struct call *call, uint16_t status)
{
    char used[16];
    struct wire_text text = wire_text_in(used, sizeof(used));
    wire_put_u64(&text, call->used);
    used[text.size] = '\0';
    const struct wire_header header = {"x-mbx-used-weight-1m", used};
    wire_answer_json(call->wire, call->request, status, &header, 1);
}

void call_fail(const struct call *call, uint16_t status, int code, const char *words)
{
    struct wire_text *answer = &call->wire->answer;
    wire_text_clear(answer);
    wire_put_format(answer, "{\"code\":%d,\"msg\":\"%s\"}", code, words);
    call_finish(call, status);
}

void call_put_number(struct wire_text *text, const char *name, uint64_t value)
{
    wire_put(text, name);
    wire_put_u64(text, value);
}

/* ---- limits ---- */

/* The spot page promises Retry-After; the futures page does not speak of it. */
static void answer_limited(const struct call *call, uint16_t status, ns_t wait)
{
    struct wire *wire = call->wire;
    char used[16], seconds[24];
    struct wire_text text = wire_text_in(used, sizeof(used));
    wire_put_u64(&text, call->used);
    used[text.size] = '\0';
    text = wire_text_in(seconds, sizeof(seconds));
    wire_put_u64(&text, (uint64_t)((wait + NS_PER_S - 1) / NS_PER_S));
    seconds[text.size] = '\0';
    const struct wire_header headers[] = {{"x-mbx-used-weight-1m", used}, {"retry-after", seconds}};
    const bool tells = binance_wire_is_spot(wire) ? !WIRE_FAULT_HITS(wire, no_retry_after, 0, wire->request_serial)
                                                  : WIRE_FAULT_HITS(wire, retry_after, 0, wire->request_serial);
    wire_text_clear(&wire->answer);
    if (status == 418) {
        call_put_number(&wire->answer, "{\"code\":-1003,\"msg\":\"Way too many requests; IP(127.0.0.1) banned until ",
                        wire_stamp_ms(wire, wire_venue_time(wire, call->now + wait)));
        wire_put(&wire->answer, ". Please use the websocket for live updates to avoid bans.\"}");
    } else {
        call_put_number(&wire->answer,
                        "{\"code\":-1003,\"msg\":\"Too many requests; current limit of IP(127.0.0.1) is ",
                        binance_wire_is_spot(wire) ? 6000 : 2400);
        wire_put(&wire->answer,
                 " requests per minute. Please use the websocket for live updates to avoid polling the API.\"}");
    }
    wire_answer_json(wire, call->request, status, headers, tells ? 2 : 1);
}

bool call_pay(struct call *call, uint32_t weight)
{
    struct wire *wire = call->wire;
    const uint64_t serial = wire->request_serial;
    const uint32_t limit = binance_wire_is_spot(wire) ? 6000 : 2400;
    struct wire_verdict verdict =
        wire_limits_ask(&wire->limits, call->now, call->request->peer, GROUP_WEIGHT, MINUTE, limit, weight);
    call->used = verdict.used;
    if (verdict.status == 200 && WIRE_FAULT_HITS(wire, http_418, 0, serial)) {
        wire->stats.faults++;
        wire_limits_ban(&wire->limits, call->now, call->request->peer);
        verdict.status = 418;
        verdict.wait = wire->limits.ban_time;
    } else if (verdict.status == 200 && WIRE_FAULT_HITS(wire, http_429, 0, serial)) {
        wire->stats.faults++;
        verdict.status = 429;
        verdict.wait = MINUTE - call->now % MINUTE;
    } else if (verdict.status != 200) {
        wire->stats.limited++;
    }
    if (verdict.status != 200) {
        answer_limited(call, verdict.status, verdict.wait);
        return false;
    }
    if (WIRE_FAULT_HITS(wire, http_503, 0, serial)) {
        static const struct {
            int code;
            const char *words;
        } wordings[] = {
            {-1000, "Unknown error, please check your request or try again later."},
            {-1000, "Service Unavailable."},
            {-1001, "Internal error; unable to process your request. Please try again."},
            {-1008, "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. "
                    "Please try again."},
        };
        wire->stats.faults++;
        call_fail(call, 503, wordings[serial % ARRAY_LEN(wordings)].code,
                  wordings[serial % ARRAY_LEN(wordings)].words);
        return false;
    }
    return true;
}

/* ---- parameters ---- */

bool call_need_symbol(const struct call *call)
{
    if (call->symbol != NULL)
        return true;
    if (call->asked)
        call_fail(call, 400, -1121, "Invalid symbol.");
    else
        call_fail(call, 400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.");
    return false;
}

bool call_take_limit(struct call *call, uint64_t otherwise, uint64_t most)
{
    if (!call->has_limit)
        call->limit = otherwise;
    if (call->limit > most && binance_wire_is_spot(call->wire))
        call->limit = most;
    if (call->limit >= 1 && call->limit <= most)
        return true;
    call_fail(call, 400, -1130, "Data sent for parameter 'limit' is not valid.");
    return false;
}

bool call_take_time(const struct call *call, const char *name, ns_t otherwise, ns_t *ts)
{
    uint64_t ms;
    bool given;
    if (!wire_query_u64(call->request->query, name, &ms, &given) || (given && ms > INT64_MAX / NS_PER_MS)) {
        call_fail(call, 400, -1100, "Illegal characters found in a parameter; a time in milliseconds was expected.");
        return false;
    }
    *ts = given ? (ns_t)ms * NS_PER_MS : otherwise;
    return true;
}

/* "/fapi/v1/depth" ─► "/depth". NULL: not of this market. */
static const char *path_of(const struct wire *wire, const char *path)
{
    static const char *const prefixes[] = {
        [WIRE_BINANCE_USDM] = "/fapi/v", [WIRE_BINANCE_COINM] = "/dapi/v", [WIRE_BINANCE_SPOT] = "/api/v"};
    const char *prefix = prefixes[wire->config.venue];
    const size_t size = strlen(prefix);
    if (strncmp(path, prefix, size) != 0 || path[size] < '1' || path[size] > '3' || path[size + 1] != '/')
        return NULL;
    return path + size + 1;
}

void binance_request(struct wire *wire, ns_t now, const struct wire_request *request)
{
    struct call call = {.wire = wire, .request = request, .now = now};
    const char *path = path_of(wire, request->path);
    char name[SYMBOL_SIZE];
    if (wire_query(request->query, "symbol", name, sizeof(name))) {
        const uint16_t symbol = wire_find_symbol(wire, name, strlen(name));
        call.asked = true;
        /* Requests write symbols large. */
        if (symbol != INSTRUMENT_NONE && strcmp(wire->symbols[symbol].instrument.symbol, name) == 0)
            call.symbol = &wire->symbols[symbol];
    }
    if (!wire_query_u64(request->query, "limit", &call.limit, &call.has_limit)) {
        call_fail(&call, 400, -1100,
                  "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'.");
        return;
    }
    const unsigned on = binance_wire_is_spot(wire) ? CALL_ON_SPOT : CALL_ON_FUTURES;
    for (size_t i = 0; path != NULL && i < binance_call_count; i++) {
        if (strcmp(path, binance_calls[i].path) != 0 || (binance_calls[i].on & on) == 0)
            continue;
        if (!binance_calls[i].any_method && strcmp(request->method, "GET") != 0)
            break;
        binance_calls[i].run(&call);
        return;
    }
    if (!call_pay(&call, 1))
        return;
    wire_text_clear(&wire->answer);
    wire_put(&wire->answer, "{\"code\":-5000,\"msg\":\"Path ");
    const size_t size = strlen(request->path) < 200 ? strlen(request->path) : 200;
    for (size_t i = 0; i < size; i++)
        if (request->path[i] >= ' ' && request->path[i] != '"' && request->path[i] != '\\' && request->path[i] < 127)
            wire_put_char(&wire->answer, request->path[i]);
    wire_put_format(&wire->answer, ", Method %.10s is invalid\"}", request->method);
    call_finish(&call, 404);
}
