/* wire_upbit_rest.c: what Upbit answers over HTTP: the public side.
 *
 * Every answer says how many calls of its group are left in this second. Errors of public calls have a number for a
 * name, those of private ones a word. There are no accounts here: private calls are told that they bring no token. */
#include "sim/wire/wire_upbit_call.h"

static const struct {
    const char *name;
    uint32_t limit, minute; /* `minute` is what the header still says, and nobody keeps */
    ns_t length;
} groups[] = {
    [UPBIT_MARKET] = {"market", 10, 600, NS_PER_S},
    [UPBIT_CANDLE] = {"candle", 10, 600, NS_PER_S},
    [UPBIT_TRADE] = {"trade", 10, 600, NS_PER_S},
    [UPBIT_TICKER] = {"ticker", 10, 600, NS_PER_S},
    [UPBIT_ORDERBOOK] = {"orderbook", 10, 600, NS_PER_S},
    [UPBIT_PRIVATE] = {"default", 30, 1800, NS_PER_S},
    [UPBIT_CONNECT] = {"websocket-connect", 5, 300, NS_PER_S},
    [UPBIT_ORIGIN] = {"origin", 1, 6, 10 * NS_PER_S},
};

static void answer(struct wire *wire, const struct wire_request *request, uint16_t status, enum upbit_group group,
                   uint32_t left)
{
    char words[96];
    struct wire_text text = wire_text_in(words, sizeof(words));
    wire_put_format(&text, "group=%s; min=%u; sec=%u", groups[group].name, groups[group].minute, left);
    words[text.size] = '\0';
    const struct wire_header header = {"remaining-req", words};
    wire_answer_json(wire, request, status, &header, 1);
}

bool upbit_pay(struct wire *wire, ns_t now, const struct wire_request *request, enum upbit_group group,
               uint32_t *left)
{
    const uint64_t serial = wire->request_serial;
    struct wire_verdict verdict =
        wire_limits_ask(&wire->limits, now, request->peer, group, groups[group].length, groups[group].limit, 1);
    *left = verdict.used < groups[group].limit ? groups[group].limit - verdict.used : 0;
    const bool handshake = group == UPBIT_CONNECT;
    if (verdict.status == 200 && !handshake && WIRE_FAULT_HITS(wire, http_418, 0, serial)) {
        wire->stats.faults++;
        wire_limits_ban(&wire->limits, now, request->peer);
        verdict.status = 418;
        verdict.wait = wire->limits.ban_time;
    } else if (verdict.status == 200 && !handshake && WIRE_FAULT_HITS(wire, http_429, 0, serial)) {
        wire->stats.faults++;
        verdict.status = 429;
        verdict.wait = NS_PER_S - now % NS_PER_S;
    } else if (verdict.status != 200) {
        wire->stats.limited++;
    }
    wire_text_clear(&wire->answer);
    if (verdict.status != 200) {
        char seconds[24];
        struct wire_text text = wire_text_in(seconds, sizeof(seconds));
        wire_put_u64(&text, (uint64_t)((verdict.wait + NS_PER_S - 1) / NS_PER_S));
        seconds[text.size] = '\0';
        const struct wire_header header = {"retry-after", seconds};
        wire_put(&wire->answer,
                 verdict.status == 429
                     ? "{\"error\":{\"name\":\"too_many_requests\",\"message\":\"Too many API requests.\"}}"
                     : "{\"error\":{\"name\":\"too_many_requests\",\"message\":\"I'm a teapot\"}}");
        wire_answer_json(wire, request, verdict.status, &header,
                         WIRE_FAULT_HITS(wire, retry_after, 0, serial) ? 1 : 0);
        return false;
    }
    if (!handshake && WIRE_FAULT_HITS(wire, http_503, 0, serial)) {
        wire->stats.faults++;
        wire_put(&wire->answer,
                 "{\"error\":{\"name\":\"internal_server_error\",\"message\":\"Service Unavailable\"}}");
        wire_answer_json(wire, request, 503, NULL, 0);
        return false;
    }
    return true;
}

void upbit_finish(const struct upbit_call *call, uint16_t status)
{
    answer(call->wire, call->request, status, call->group, call->left);
}

void upbit_fail(const struct upbit_call *call, uint16_t status, const char *words)
{
    wire_text_clear(&call->wire->answer);
    wire_put_format(&call->wire->answer, "{\"error\":{\"name\":%u,\"message\":\"%s\"}}", status, words);
    upbit_finish(call, status);
}

void upbit_request(struct wire *wire, ns_t now, const struct wire_request *request)
{
    struct upbit_call call = {.wire = wire, .request = request, .group = UPBIT_MARKET, .rest = ""};
    void (*run)(struct upbit_call *) = NULL;
    for (size_t i = 0; i < upbit_call_count && run == NULL; i++) {
        const size_t size = strlen(upbit_calls[i].path);
        const bool open = upbit_calls[i].path[size - 1] == '*';
        if (open ? strncmp(request->path, upbit_calls[i].path, size - 1) != 0
                 : strcmp(request->path, upbit_calls[i].path) != 0)
            continue;
        run = upbit_calls[i].run;
        call.group = upbit_calls[i].group;
        call.rest = request->path + (open ? size - 1 : size);
    }
    /* Who says where he comes from is a browser, and gets one call in ten seconds. */
    const bool browser = wire_header_of(request, "Origin") != NULL && call.group != UPBIT_PRIVATE;
    if (!upbit_pay(wire, now, request, browser ? UPBIT_ORIGIN : call.group, &call.left))
        return;
    if (run == NULL || (call.group != UPBIT_PRIVATE && strcmp(request->method, "GET") != 0))
        upbit_fail(&call, 404, "no Route matched with those values");
    else
        run(&call);
}
