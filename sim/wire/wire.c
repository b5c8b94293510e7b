#include "sim/wire/wire_state.h"

#include <stdlib.h>
#include <strings.h>

/* ---- names ---- */

static const char *const venue_names[WIRE_VENUE_COUNT] = {"binance-usdm", "binance-coinm", "binance-spot", "upbit"};

const char *wire_venue_name(enum wire_venue venue)
{
    return venue_names[venue];
}

err_t wire_venue_parse(const char *name, enum wire_venue *venue)
{
    for (unsigned i = 0; i < WIRE_VENUE_COUNT; i++) {
        if (strcmp(name, venue_names[i]) == 0) {
            *venue = (enum wire_venue)i;
            return ERR_OK;
        }
    }
    return ERR_UNKNOWN;
}

/* ---- opening ---- */

#define NAMED_OR(value, otherwise) ((value) != 0 ? (value) : (otherwise))

static err_t check_faults(const struct wire_faults *faults, struct err_text *why)
{
#define CHECK_RATE(name)                                                                                             \
    if (faults->name > 1000000)                                                                                      \
        return err_say(why, ERR_RANGE, "fault %s: %u parts in a million are more than all", #name, faults->name);
#define CHECK_SIGNED_RATE(name)                                                                                      \
    if (faults->name > 1000000 || faults->name < -500000)                                                            \
        return err_say(why, ERR_RANGE, "fault %s: %d parts in a million are no drift of a clock", #name,             \
                       faults->name);
#define CHECK_TIME(name)                                                                                             \
    if (faults->name < 0)                                                                                            \
        return err_say(why, ERR_RANGE, "fault %s: a time below 0", #name);
#define CHECK_SIGNED_TIME(name)
#define CHECK_FAULT(name, type, text) CHECK_##type(name)
    WIRE_FAULT_MAP(CHECK_FAULT)
#undef CHECK_FAULT
    return ERR_OK;
}

static err_t take_config(struct wire *wire, const struct wire_config *config, struct err_text *why)
{
    struct wire_config *own = &wire->config;
    *own = *config;
    own->client_max = NAMED_OR(config->client_max, 256);
    own->peer_max = NAMED_OR(config->peer_max, 256);
    own->stream_max = NAMED_OR(config->stream_max, 4096);
    own->book_window = NAMED_OR(config->book_window, BOOK_WINDOW_DEFAULT);
    own->far_capacity = NAMED_OR(config->far_capacity, BOOK_FAR_DEFAULT);
    own->faults.stale_age = NAMED_OR(config->faults.stale_age, 2 * NS_PER_S);
    own->faults.ban_time = NAMED_OR(config->faults.ban_time, WIRE_BAN_FIRST);
    own->faults.slow_time = NAMED_OR(config->faults.slow_time, 3 * NS_PER_S);
    if (config->clock.den == 0)
        own->clock.num = own->clock.den = 1;
    if ((unsigned)config->venue >= WIRE_VENUE_COUNT)
        return err_say(why, ERR_RANGE, "no such venue");
    if (config->instrument_count == 0 || config->instrument_count > INSTRUMENTS_MAX)
        return err_say(why, ERR_RANGE, "a venue has 1 to %d markets, not %u", INSTRUMENTS_MAX,
                       config->instrument_count);
    if (own->client_max > 65536 || own->peer_max > 65536 || own->stream_max > 1000000)
        return err_say(why, ERR_RANGE, "a venue has at most 65536 clients and addresses and 1000000 streams");
    return check_faults(&own->faults, why);
}

static void link_free(struct wire *wire)
{
    for (uint32_t i = 0; i < wire->config.stream_max; i++)
        wire->streams[i].next = i + 1 < wire->config.stream_max ? i + 1 : WIRE_NONE;
    for (uint32_t i = 0; i < wire->sub_max; i++)
        wire->subs[i].next_of_client = i + 1 < wire->sub_max ? i + 1 : WIRE_NONE;
    wire->free_stream = wire->free_sub = 0;
    wire->all_stream = WIRE_NONE;
}

err_t wire_open(struct wire **made, const struct wire_config *config, const struct wire_calls *calls,
                struct err_text *why)
{
    struct wire *wire = calloc(1, sizeof(*wire));
    if (wire == NULL)
        return err_say(why, ERR_NOMEM, "no memory for a venue");
    err_t err = take_config(wire, config, why);
    if (err != ERR_OK) {
        free(wire);
        return err;
    }
    const struct wire_config *own = &wire->config;
    wire->calls = *calls;
    wire->ops = own->venue == WIRE_UPBIT ? &wire_upbit_ops : &wire_binance_ops;
    wire->due = NS_MAX;
    wire->now = INT64_MIN;
    wire->venue_last = INT64_MIN;
    wire->stale_next = INT64_MIN;
    wire->sub_max = own->stream_max * 4;
    wire->level_capacity = 65536;
    wire->symbols = calloc(own->instrument_count, sizeof(*wire->symbols));
    wire->clients = calloc(own->client_max, sizeof(*wire->clients));
    wire->streams = calloc(own->stream_max, sizeof(*wire->streams));
    wire->subs = calloc(wire->sub_max, sizeof(*wire->subs));
    wire->levels = malloc(wire->level_capacity * sizeof(*wire->levels));
    wire->tokens = malloc(WIRE_TOKENS * sizeof(*wire->tokens));
    wire->limits = (struct wire_limits){.peers = calloc(own->peer_max, sizeof(*wire->limits.peers)),
                                        .peer_max = own->peer_max,
                                        .off = own->no_limits,
                                        .ban_time = own->faults.ban_time};
    if (wire->symbols == NULL || wire->clients == NULL || wire->streams == NULL || wire->subs == NULL ||
        wire->levels == NULL || wire->tokens == NULL || wire->limits.peers == NULL ||
        !wire_text_init(&wire->say, 1 << 20) || !wire_text_init(&wire->wrap, 1 << 20) ||
        !wire_text_init(&wire->answer, 1 << 20)) {
        wire_close(wire);
        return err_say(why, ERR_NOMEM, "no memory for a venue of %u clients and %u streams", own->client_max,
                       own->stream_max);
    }
    link_free(wire);
    for (uint16_t i = 0; i < own->instrument_count && err == ERR_OK; i++)
        err = wire_symbol_init(&wire->symbols[i], own, i, why);
    if (err != ERR_OK) {
        wire_close(wire);
        return err;
    }
    wire->config.instruments = NULL;
    *made = wire;
    return ERR_OK;
}

void wire_close(struct wire *wire)
{
    if (wire == NULL)
        return;
    for (uint16_t i = 0; wire->symbols != NULL && i < wire->config.instrument_count; i++)
        wire_symbol_deinit(&wire->symbols[i]);
    for (uint32_t i = 0; wire->clients != NULL && i < wire->config.client_max; i++)
        wire_text_deinit(&wire->clients[i].held);
    wire_text_deinit(&wire->say);
    wire_text_deinit(&wire->wrap);
    wire_text_deinit(&wire->answer);
    free(wire->symbols);
    free(wire->clients);
    free(wire->streams);
    free(wire->subs);
    free(wire->levels);
    free(wire->tokens);
    free(wire->limits.peers);
    free(wire);
}

/* ---- time ---- */

ns_t wire_venue_time(const struct wire *wire, ns_t now)
{
    const struct wire_clock *clock = &wire->config.clock;
    ns_t venue = clock->venue_base;
    if (now > clock->base)
        venue += (ns_t)((money_t)(now - clock->base) * (money_t)clock->num / (money_t)clock->den);
    /* A venue does not live before what it has said already. */
    return venue > wire->venue_last ? venue : wire->venue_last;
}

uint64_t wire_stamp_ms(const struct wire *wire, ns_t stamp)
{
    const ns_t skewed = stamp + wire_fault_skew(wire, stamp);
    return skewed > 0 ? (uint64_t)(skewed / NS_PER_MS) : 0;
}

void wire_set_clock(struct wire *wire, const struct wire_clock *clock)
{
    ASSERT(clock->den > 0);
    wire->config.clock = *clock;
    wire->due = wire->now; /* whatever was reckoned by the old clock is reckoned anew */
}

/* ---- timers ---- */

ns_t wire_due(const struct wire *wire)
{
    return wire->due;
}

static bool aggregates_flush(struct wire *wire)
{
    const ns_t venue = wire_venue_time(wire, wire->now);
    bool open = false;
    for (uint16_t i = 0; i < wire->config.instrument_count; i++) {
        struct wire_symbol *symbol = &wire->symbols[i];
        if (!symbol->open_aggregate)
            continue;
        if (venue - wire_trade_at(&symbol->aggregates, symbol->aggregates.count - 1)->stamp >= 100 * NS_PER_MS)
            wire_flush_aggregate(wire, symbol);
        open |= symbol->open_aggregate;
    }
    return open;
}

static void run_due(struct wire *wire)
{
    ns_t due = NS_MAX;
    if (aggregates_flush(wire))
        due = wire->now + 20 * NS_PER_MS;
    wire_run_beats(wire);
    for (uint32_t i = 0; i < wire->config.client_max; i++) {
        if (wire->clients[i].used)
            wire_look_at(wire, i);
        if (!wire->clients[i].used)
            continue;
        const ns_t at = wire_client_due(wire, &wire->clients[i]);
        due = at < due ? at : due;
    }
    const ns_t beats = wire_beats_due(wire);
    wire->due = beats < due ? beats : due;
    /* What is due again at once (a clock that was set back) is not worth a loop without time. */
    if (wire->due <= wire->now)
        wire->due = wire->now + 1;
}

void wire_timer(struct wire *wire, ns_t now)
{
    if (now > wire->now)
        wire->now = now;
    if (wire->now >= wire->due)
        run_due(wire);
}

/* ---- inputs ---- */

void wire_market(struct wire *wire, ns_t now, const struct event *event)
{
    wire_timer(wire, now);
    wire_market_event(wire, event);
    /* A clock that follows the events (speed 0) beats with them. */
    if (wire->config.clock.num == 0)
        wire_run_beats(wire);
    if (event->kind == EVENT_TRADE)
        wire_wake_at(wire, wire->now + 20 * NS_PER_MS);
}

bool wire_hello(struct wire *wire, ns_t now, uint32_t number, const struct wire_request *request)
{
    ASSERT(number < wire->config.client_max && !wire->clients[number].used);
    wire_timer(wire, now);
    struct wire_client *client = &wire->clients[number];
    const struct wire_text held = client->held;
    const uint64_t serial = ++wire->connection_serial;
    *client = (struct wire_client){.used = true,
                                   .peer = request->peer,
                                   .serial = serial,
                                   .first_sub = WIRE_NONE,
                                   .since = wire->now,
                                   .active = wire->now,
                                   .up_next = NS_MAX,
                                   .ends = wire_fault_end(wire, serial, wire->now, wire->ops->life),
                                   .held = held};
    wire->stats.clients++;
    bool accepted = false;
    if (WIRE_FAULT_HITS(wire, refuse_handshake, serial, 0)) {
        wire->stats.faults++;
        wire_text_clear(&wire->answer);
        wire_put(&wire->answer, "Service Unavailable.");
        const struct wire_header type = {"content-type", "text/plain"};
        wire->calls.answer(wire->calls.context, &(struct wire_answer){.request = request->id,
                                                                      .status = 503,
                                                                      .headers = &type,
                                                                      .header_count = 1,
                                                                      .body = wire->answer.bytes,
                                                                      .body_size = wire->answer.size});
    } else {
        accepted = wire->ops->hello(wire, wire->now, number, request);
    }
    if (accepted) {
        wire->stats.connections++;
        wire_wake_at(wire, wire_client_due(wire, client));
    } else {
        wire->stats.refused++;
        wire_forget(wire, number);
    }
    return accepted;
}

void wire_goodbye(struct wire *wire, ns_t now, uint32_t client)
{
    wire_timer(wire, now);
    if (wire->clients[client].used)
        wire_forget(wire, client);
}

void wire_frame(struct wire *wire, ns_t now, uint32_t number, enum wire_opcode opcode, const char *bytes, size_t size)
{
    wire_timer(wire, now);
    struct wire_client *client = &wire->clients[number];
    if (!client->used || client->frozen || opcode == WIRE_CLOSE)
        return;
    client->active = wire->now;
    wire->ops->message(wire, wire->now, number, opcode, bytes, size);
    if (client->used)
        wire_wake_at(wire, wire_client_due(wire, client));
}

void wire_request(struct wire *wire, ns_t now, const struct wire_request *request)
{
    wire_timer(wire, now);
    wire->stats.requests++;
    wire->request_serial++;
    wire_text_clear(&wire->answer);
    wire->ops->request(wire, wire->now, request);
}

/* ---- answers ---- */

const char *wire_header_of(const struct wire_request *request, const char *name)
{
    for (uint32_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

void wire_answer_json(struct wire *wire, const struct wire_request *request, uint16_t status,
                      const struct wire_header *headers, uint32_t header_count)
{
    struct wire_header all[WIRE_ANSWER_HEADERS_MAX] = {{"content-type", "application/json;charset=UTF-8"}};
    struct wire_answer answer = {.request = request->id, .status = status, .headers = all};
    const uint64_t serial = wire->request_serial;
    ASSERT(header_count < WIRE_ANSWER_HEADERS_MAX);
    for (uint32_t i = 0; i < header_count; i++)
        all[i + 1] = headers[i];
    answer.header_count = header_count + 1;
    if (!wire_text_ok(&wire->answer)) {
        wire_text_clear(&wire->answer);
        wire->stats.full++;
        answer.status = 503;
    }
    if (WIRE_FAULT_HITS(wire, http_html, 0, serial)) {
        wire->stats.faults++;
        all[0].value = "text/html";
        answer.status = 502;
        answer.header_count = 1;
        wire_text_clear(&wire->answer);
        wire_put(&wire->answer,
                 "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad "
                 "Gateway</h1></center>\r\n</body>\r\n</html>\r\n");
    }
    answer.body = wire->answer.bytes;
    answer.body_size = wire->answer.size;
    if (WIRE_FAULT_HITS(wire, slow, 0, serial)) {
        wire->stats.faults++;
        answer.delay = wire->config.faults.slow_time;
    }
    if (answer.body_size > 0 && WIRE_FAULT_HITS(wire, truncate, 0, serial)) {
        wire->stats.faults++;
        answer.cut = true;
        answer.cut_size = answer.body_size / 2;
    }
    wire->calls.answer(wire->calls.context, &answer);
}

/* ---- questions ---- */

uint16_t wire_find_symbol(const struct wire *wire, const char *text, size_t size)
{
    for (uint16_t i = 0; i < wire->config.instrument_count; i++) {
        const char *symbol = wire->symbols[i].instrument.symbol;
        if (strlen(symbol) == size && strncasecmp(symbol, text, size) == 0)
            return i;
    }
    return INSTRUMENT_NONE;
}

void wire_stats_get(const struct wire *wire, struct wire_stats *stats)
{
    *stats = wire->stats;
}

bool wire_is_followed(const struct wire *wire)
{
    return wire->stats.streams > 0;
}

const struct book *wire_book(const struct wire *wire, uint16_t instrument, uint64_t *seq)
{
    if (instrument >= wire->config.instrument_count)
        return NULL;
    *seq = wire->symbols[instrument].book_id;
    return &wire->symbols[instrument].book;
}
