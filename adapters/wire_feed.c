/* How: events of an input are staged (headers, and behind them levels and bodies by offset), and when a batch is full
 * copied into a chunk of memory in one piece. A chunk is used again when all its batches were handed back; batches
 * come back in about the order in which they went out, so a few chunks go round. */
#include "adapters/wire_feed.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE    (1u << 20)
#define EVENTS_FIRST  1024
#define PAYLOAD_FIRST (256u << 10)

struct chunk {
    uint8_t *memory;
    size_t size, used;
    uint32_t live; /* batches not handed back */
};

struct slot {
    struct link *link;
    struct wire_feed *wire;
    const char *venue;
};

struct wire_feed {
    struct feed feed; /* first */
    struct wire_source *source;
    struct link_wire below; /* all NULL: nobody */
    struct link_wire wire;
    struct slot slots[WIRE_LINKS_MAX];
    const struct instrument *instruments;
    uint16_t instrument_count, link_count, lane;
    uint32_t batch_events;
    ns_t ts; /* of the input being handled, or the last */
    err_t ended;
    /* the batch being collected */
    struct event *events;
    size_t *offsets; /* into the payload; SIZE_MAX: no levels, no body */
    uint32_t event_count, event_capacity;
    uint8_t *payload;
    size_t payload_size, payload_capacity;
    struct chunk *chunks;
    uint32_t chunk_count, chunk_capacity, current;
    struct digest requests;
    uint64_t request_count, requests_told;
    struct wire_feed_stats stats;
};

/* ---- memory ---- */

static err_t grow(void **memory, size_t *capacity, size_t wanted, size_t item)
{
    size_t room = *capacity;
    while (room < wanted)
        room *= 2;
    void *grown = realloc(*memory, room * item);
    if (grown == NULL)
        return ERR_NOMEM;
    *memory = grown;
    *capacity = room;
    return ERR_OK;
}

static err_t room_for_event(struct wire_feed *wire)
{
    if (LIKELY(wire->event_count < wire->event_capacity))
        return ERR_OK;
    size_t capacity = wire->event_capacity, offsets = wire->event_capacity;
    void *events = wire->events, *places = wire->offsets;
    err_t err = grow(&events, &capacity, wire->event_count + 1u, sizeof(*wire->events));
    wire->events = events;
    if (err == ERR_OK)
        err = grow(&places, &offsets, wire->event_count + 1u, sizeof(*wire->offsets));
    wire->offsets = places;
    if (err == ERR_OK)
        wire->event_capacity = (uint32_t)capacity;
    return err;
}

static err_t keep_payload(struct wire_feed *wire, const void *bytes, size_t size, size_t *offset)
{
    const size_t at = (wire->payload_size + 15) & ~(size_t)15;
    if (UNLIKELY(at + size > wire->payload_capacity)) {
        void *payload = wire->payload;
        err_t err = grow(&payload, &wire->payload_capacity, at + size, 1);
        wire->payload = payload;
        if (err != ERR_OK)
            return err;
    }
    memcpy(wire->payload + at, bytes, size);
    *offset = at;
    wire->payload_size = at + size;
    return ERR_OK;
}

static err_t new_chunk(struct wire_feed *wire, size_t size, uint32_t *number)
{
    if (wire->chunk_count == wire->chunk_capacity) {
        const uint32_t capacity = wire->chunk_capacity == 0 ? 16 : wire->chunk_capacity * 2;
        struct chunk *grown = realloc(wire->chunks, capacity * sizeof(*grown));
        if (grown == NULL)
            return ERR_NOMEM;
        wire->chunks = grown;
        wire->chunk_capacity = capacity;
    }
    const size_t room = size > CHUNK_SIZE ? (size + 63) & ~(size_t)63 : CHUNK_SIZE;
    uint8_t *memory = aligned_alloc(64, room);
    if (memory == NULL)
        return ERR_NOMEM;
    wire->chunks[wire->chunk_count] = (struct chunk){.memory = memory, .size = room};
    wire->stats.memory += room;
    *number = wire->chunk_count++;
    return ERR_OK;
}

/* A chunk with room for a batch of `size` bytes. */
static err_t find_chunk(struct wire_feed *wire, size_t size, uint32_t *number)
{
    const struct chunk *current = &wire->chunks[wire->current];
    *number = wire->current;
    if (LIKELY(current->size - current->used >= size))
        return ERR_OK;
    for (uint32_t i = 1; i < wire->chunk_count; i++) {
        *number = (wire->current + i) % wire->chunk_count;
        if (wire->chunks[*number].live == 0 && wire->chunks[*number].size >= size)
            return ERR_OK;
    }
    return new_chunk(wire, size, number);
}

/* ---- what links emit ---- */

static err_t on_event(void *context, const struct event *event)
{
    struct wire_feed *wire = ((struct slot *)context)->wire;
    const size_t size = event_has_levels(event->kind)
                            ? ((size_t)event->bid_count + event->ask_count) * sizeof(struct level)
                        : event->body != NULL ? event_body_size((enum event_kind)event->kind)
                                              : 0;
    err_t err = room_for_event(wire);
    if (err != ERR_OK)
        return err;
    size_t offset = SIZE_MAX;
    if (size != 0 && (err = keep_payload(wire, event->levels, size, &offset)) != ERR_OK)
        return err;
    struct event *kept = &wire->events[wire->event_count];
    *kept = *event;
    kept->ts = wire->ts;
    kept->lane = wire->lane;
    kept->reserved = 0;
    wire->offsets[wire->event_count++] = offset;
    wire->stats.events++;
    return ERR_OK;
}

static err_t on_discover(void *context, const char *symbol, size_t symbol_size, uint16_t *number,
                         const struct instrument **instrument)
{
    const struct slot *slot = context;
    const struct wire_feed *wire = slot->wire;
    *number = INSTRUMENT_NONE;
    *instrument = NULL;
    for (uint16_t i = 0; i < wire->instrument_count; i++) {
        const struct instrument *one = &wire->instruments[i];
        if (strcmp(one->venue, slot->venue) != 0 || strlen(one->symbol) != symbol_size ||
            memcmp(one->symbol, symbol, symbol_size) != 0)
            continue;
        *number = i;
        *instrument = one;
        break;
    }
    return ERR_OK;
}

/* ---- what links ask for ---- */

enum asking { ASK_OPEN = 1, ASK_CLOSE, ASK_SEND, ASK_PING, ASK_GET };

static struct digest *fold(struct wire_feed *wire, enum asking what, uint16_t link, uint64_t which)
{
    wire->request_count++;
    digest_u64(&wire->requests, (uint64_t)what << 56 | link);
    digest_u64(&wire->requests, which);
    return &wire->requests;
}

static void on_open(void *context, uint16_t link, uint8_t conn, const char *url)
{
    struct wire_feed *wire = context;
    digest_bytes(fold(wire, ASK_OPEN, link, conn), url, strlen(url));
    if (wire->below.open != NULL)
        wire->below.open(wire->below.context, link, conn, url);
}

static void on_close(void *context, uint16_t link, uint8_t conn)
{
    struct wire_feed *wire = context;
    (void)fold(wire, ASK_CLOSE, link, conn);
    if (wire->below.close != NULL)
        wire->below.close(wire->below.context, link, conn);
}

static void on_send(void *context, uint16_t link, uint8_t conn, const char *text, size_t size)
{
    struct wire_feed *wire = context;
    digest_bytes(fold(wire, ASK_SEND, link, conn), text, size);
    if (wire->below.send != NULL)
        wire->below.send(wire->below.context, link, conn, text, size);
}

static void on_ping(void *context, uint16_t link, uint8_t conn)
{
    struct wire_feed *wire = context;
    (void)fold(wire, ASK_PING, link, conn);
    if (wire->below.ping != NULL)
        wire->below.ping(wire->below.context, link, conn);
}

static void on_get(void *context, uint16_t link, uint64_t id, const char *url, ns_t timeout)
{
    struct wire_feed *wire = context;
    struct digest *digest = fold(wire, ASK_GET, link, id);
    digest_u64(digest, (uint64_t)timeout);
    digest_bytes(digest, url, strlen(url));
    if (wire->below.get != NULL)
        wire->below.get(wire->below.context, link, id, url, timeout);
}

/* ---- inputs ---- */

static err_t emit_own(struct wire_feed *wire, enum event_kind kind, const void *body)
{
    const struct event event = {.instrument = INSTRUMENT_NONE, .kind = (uint8_t)kind, .body = body};
    return on_event(&wire->slots[0], &event);
}

static err_t take_command(struct wire_feed *wire, const struct link_input *input)
{
    const char *text = input->text;
    size_t size = input->text_size;
    const bool set = size > 4 && memcmp(text, "set ", 4) == 0;
    if (set) {
        text += 4;
        size -= 4;
    }
    if (size == 0 || size > WIRE_COMMAND_MAX || memchr(text, '\0', size) != NULL) {
        wire->stats.commands_refused++;
        return ERR_OK;
    }
    struct event_text body = {.text = ""};
    memcpy(body.text, text, size);
    if (strcmp(body.text, "stop") == 0 && !set)
        wire->ended = ERR_END;
    return emit_own(wire, set ? EVENT_PARAMETER : EVENT_OPERATOR, &body);
}

static err_t give(struct wire_feed *wire, uint16_t number, const struct link_input *input)
{
    struct link *link = wire->slots[number].link;
    struct err_text why = {0};
    err_t err = link->ops->input(link, input, &why);
    return err == ERR_OK
               ? ERR_OK
               : err_say(&wire->feed.why, err, "link %u (%s) ended at input %llu: %s", number, link->ops->venue,
                         (unsigned long long)wire->stats.inputs, why.text[0] != '\0' ? why.text : err_words(err));
}

static err_t give_all(struct wire_feed *wire, const struct link_input *input)
{
    err_t err = ERR_OK;
    struct link_input own = *input;
    for (own.link = 0; own.link < wire->link_count && err == ERR_OK; own.link++)
        err = give(wire, own.link, &own);
    return err;
}

static err_t apply(struct wire_feed *wire, const struct link_input *input)
{
    err_t err;
    switch (input->what) {
    case LINK_COMMAND:
        return take_command(wire, input);
    case LINK_TICK:
        err = give_all(wire, input);
        return err == ERR_OK ? emit_own(wire, EVENT_TICK, NULL) : err;
    case LINK_CLOCK: {
        const struct event_signal step = {.name = "clock_step", .value = input->value};
        err = give_all(wire, input);
        return err == ERR_OK ? emit_own(wire, EVENT_SIGNAL, &step) : err;
    }
    default:
        return give(wire, input->link, input);
    }
}

static err_t check(struct wire_feed *wire, const struct link_input *input)
{
    if (UNLIKELY(input->what >= LINK_WHAT_COUNT))
        return err_say(&wire->feed.why, ERR_CORRUPT, "input %llu is of a kind (%u) that there is not",
                       (unsigned long long)wire->stats.inputs, input->what);
    if (UNLIKELY(input->link >= wire->link_count))
        return err_say(&wire->feed.why, ERR_MISMATCH, "input %llu is of link %u, and the session has %u",
                       (unsigned long long)wire->stats.inputs, input->link, wire->link_count);
    if (UNLIKELY(input->conn >= LINK_CONNS))
        return err_say(&wire->feed.why, ERR_CORRUPT, "input %llu is of connection %u, and a link has at most %u",
                       (unsigned long long)wire->stats.inputs, input->conn, LINK_CONNS);
    if (UNLIKELY(input->ts < wire->ts))
        return err_say(&wire->feed.why, ERR_ORDER, "input %llu is of %lld, after one of %lld",
                       (unsigned long long)wire->stats.inputs, (long long)input->ts, (long long)wire->ts);
    return ERR_OK;
}

static err_t tell_asked(struct wire_feed *wire)
{
    if (LIKELY(wire->request_count == wire->requests_told))
        return ERR_OK;
    wire->requests_told = wire->request_count;
    if (wire->source->ops->asked == NULL)
        return ERR_OK;
    struct wire_asked asked;
    wire_feed_asked(wire, &asked);
    err_t err = wire->source->ops->asked(wire->source, &asked);
    return err == ERR_OK ? ERR_OK : err_say(&wire->feed.why, err, "%s", wire->source->why.text);
}

static err_t take_input(struct wire_feed *wire)
{
    struct link_input input;
    err_t err = wire->source->ops->next(wire->source, &input);
    if (err != ERR_OK) {
        if (err != ERR_AGAIN && err != ERR_END)
            err_say(&wire->feed.why, err, "%s", wire->source->why.text);
        return err;
    }
    err = check(wire, &input);
    if (err != ERR_OK)
        return err;
    wire->ts = input.ts;
    wire->stats.inputs++;
    wire->stats.by_what[input.what]++;
    heartbeat_beat(&wire->stats.heart, input.ts, input.what == LINK_CLOCK && input.value > 0 ? input.value : 0);
    err = apply(wire, &input);
    return err == ERR_OK ? tell_asked(wire) : err;
}

/* ---- the feed ---- */

static struct wire_feed *wire_of(struct feed *feed)
{
    return (struct wire_feed *)(void *)feed;
}

/* What was staged, in one piece. */
static err_t hand_out(struct wire_feed *wire, struct event_batch *batch)
{
    const size_t heads = wire->event_count * sizeof(struct event);
    const size_t size = (heads + wire->payload_size + 63) & ~(size_t)63;
    uint32_t number;
    err_t err = find_chunk(wire, size, &number);
    if (err != ERR_OK)
        return err;
    struct chunk *chunk = &wire->chunks[number];
    wire->current = number;
    if (chunk->live == 0)
        chunk->used = 0;
    uint8_t *at = chunk->memory + chunk->used;
    chunk->used += size;
    chunk->live++;
    struct event *events = (struct event *)(void *)at;
    memcpy(events, wire->events, heads);
    if (wire->payload_size != 0)
        memcpy(at + heads, wire->payload, wire->payload_size);
    for (uint32_t i = 0; i < wire->event_count; i++)
        events[i].body = wire->offsets[i] == SIZE_MAX ? NULL : at + heads + wire->offsets[i];
    *batch = (struct event_batch){.events = events, .count = wire->event_count, .handle = number};
    wire->event_count = 0;
    wire->payload_size = 0;
    return ERR_OK;
}

static err_t on_next(struct feed *feed, struct event_batch *batch)
{
    struct wire_feed *wire = wire_of(feed);
    err_t err = wire->ended;
    while (err == ERR_OK && wire->event_count < wire->batch_events) {
        err = take_input(wire);
        err = err == ERR_OK ? wire->ended : err;
    }
    /* what came before the end, or before the damage, is given first */
    if (err != ERR_OK && err != ERR_AGAIN)
        wire->ended = err;
    return wire->event_count == 0 ? err : hand_out(wire, batch);
}

static void on_release(struct feed *feed, uint32_t handle)
{
    struct chunk *chunk = &wire_of(feed)->chunks[handle];
    ASSERT(chunk->live != 0);
    chunk->live--;
}

static void wire_free(struct wire_feed *wire)
{
    for (uint32_t i = 0; i < wire->chunk_count; i++)
        free(wire->chunks[i].memory);
    free(wire->chunks);
    free(wire->events);
    free(wire->offsets);
    free(wire->payload);
    free(wire);
}

static void on_feed_close(struct feed *feed)
{
    struct wire_feed *wire = wire_of(feed);
    for (uint16_t i = 0; i < wire->link_count; i++)
        if (wire->slots[i].link != NULL)
            wire->slots[i].link->ops->close(wire->slots[i].link);
    wire_free(wire);
}

static const struct feed_ops feed_ops = {on_next, on_release, on_feed_close};

err_t wire_feed_open(struct wire_feed **wire, const struct wire_feed_config *config, struct err_text *why)
{
    ASSERT(config->link_count >= 1 && config->link_count <= WIRE_LINKS_MAX);
    struct wire_feed *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "no memory for the session's inputs");
    opened->feed.ops = &feed_ops;
    opened->source = config->source;
    if (config->wire != NULL)
        opened->below = *config->wire;
    opened->wire = (struct link_wire){opened, on_open, on_close, on_send, on_ping, on_get};
    opened->instruments = config->instruments;
    opened->instrument_count = config->instrument_count;
    opened->link_count = config->link_count;
    opened->lane = config->lane;
    opened->batch_events = config->batch_events == 0 ? 1 : config->batch_events;
    opened->stats.heart.limit = config->heartbeat;
    opened->ts = INT64_MIN;
    opened->event_capacity = EVENTS_FIRST;
    opened->payload_capacity = PAYLOAD_FIRST;
    opened->events = malloc(EVENTS_FIRST * sizeof(*opened->events));
    opened->offsets = malloc(EVENTS_FIRST * sizeof(*opened->offsets));
    opened->payload = malloc(PAYLOAD_FIRST);
    digest_init(&opened->requests, 0);
    for (uint16_t i = 0; i < WIRE_LINKS_MAX; i++)
        opened->slots[i].wire = opened;
    uint32_t first;
    if (opened->events == NULL || opened->offsets == NULL || opened->payload == NULL ||
        new_chunk(opened, CHUNK_SIZE, &first) != ERR_OK) {
        wire_free(opened);
        return err_say(why, ERR_NOMEM, "no memory for the session's inputs");
    }
    *wire = opened;
    return ERR_OK;
}

struct market_sink wire_feed_sink(struct wire_feed *wire, uint16_t number, const char *venue)
{
    ASSERT(number < wire->link_count);
    wire->slots[number].venue = venue;
    return (struct market_sink){&wire->slots[number], on_event, on_discover};
}

const struct link_wire *wire_feed_wire(struct wire_feed *wire)
{
    return &wire->wire;
}

void wire_feed_set(struct wire_feed *wire, uint16_t number, struct link *link)
{
    ASSERT(number < wire->link_count && wire->slots[number].link == NULL);
    wire->slots[number].link = link;
}

struct feed *wire_feed_lane(struct wire_feed *wire)
{
    return &wire->feed;
}

ns_t wire_feed_due(const struct wire_feed *wire)
{
    ns_t due = NS_MAX;
    for (uint16_t i = 0; i < wire->link_count; i++) {
        const ns_t one = wire->slots[i].link->ops->due(wire->slots[i].link);
        due = one < due ? one : due;
    }
    return due;
}

err_t wire_feed_wait(struct wire_feed *wire, ns_t due, struct err_text *why)
{
    const ns_t links = wire_feed_due(wire);
    ASSERT(wire->source->ops->wait != NULL);
    err_t err = wire->source->ops->wait(wire->source, links < due ? links : due);
    return err == ERR_OK || err == ERR_END ? err : err_say(why, err, "%s", wire->source->why.text);
}

const struct link *wire_feed_link(const struct wire_feed *wire, uint16_t number)
{
    return number < wire->link_count ? wire->slots[number].link : NULL;
}

void wire_feed_asked(const struct wire_feed *wire, struct wire_asked *asked)
{
    *asked = (struct wire_asked){wire->stats.inputs, wire->request_count, digest_value(&wire->requests)};
}

const struct wire_feed_stats *wire_feed_stats(const struct wire_feed *wire)
{
    return &wire->stats;
}
