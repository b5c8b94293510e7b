/* wire_streams.c: who hears what.
 *
 *   symbol ─► stream ─► stream ─► ...          a client's subscriptions are a list as well, so that
 *                │                             its end costs as much as it heard
 *                └─► sub ─► sub ─► ...
 *
 * A message is written once and sent to all that hear its stream; its wrapped form is made when the first of them
 * wants it. Faults are drawn for each client by itself, as venues lose messages for one connection and not for
 * another. */
#include "sim/wire/wire_state.h"

#define BEAT_PERIOD(name, period) period,
const ns_t wire_beat_periods[BEAT_COUNT] = {WIRE_BEAT_MAP(BEAT_PERIOD)};
#undef BEAT_PERIOD

static uint32_t *stream_list(struct wire *wire, uint16_t symbol)
{
    return symbol == INSTRUMENT_NONE ? &wire->all_stream : &wire->symbols[symbol].first_stream;
}

uint32_t wire_stream_find(const struct wire *wire, uint16_t symbol, const char *name, size_t size)
{
    uint32_t stream = symbol == INSTRUMENT_NONE ? wire->all_stream : wire->symbols[symbol].first_stream;
    while (stream != WIRE_NONE &&
           (wire->streams[stream].name_size != size || memcmp(wire->streams[stream].name, name, size) != 0))
        stream = wire->streams[stream].next;
    return stream;
}

uint32_t wire_stream_get(struct wire *wire, const struct wire_stream *like)
{
    uint32_t stream = wire_stream_find(wire, like->symbol, like->name, like->name_size);
    if (stream != WIRE_NONE)
        return stream;
    stream = wire->free_stream;
    const bool gathers = like->kind == WIRE_DEPTH && like->beat != BEAT_NONE && like->symbol != INSTRUMENT_NONE;
    uint8_t batch = 0;
    while (gathers && batch < WIRE_BATCHES && wire->symbols[like->symbol].batches[batch].active)
        batch++;
    if (stream == WIRE_NONE || batch == WIRE_BATCHES)
        return WIRE_NONE;
    uint32_t *list = stream_list(wire, like->symbol);
    wire->free_stream = wire->streams[stream].next;
    wire->streams[stream] = *like;
    wire->streams[stream].next = *list;
    wire->streams[stream].first_sub = WIRE_NONE;
    wire->streams[stream].sub_count = 0;
    *list = stream;
    wire->stats.streams++;
    if (like->beat != BEAT_NONE && wire->beat_streams[like->beat]++ == 0) {
        const ns_t venue = wire_venue_time(wire, wire->now), period = wire_beat_periods[like->beat];
        wire->beat_next[like->beat] = venue - venue % period + period;
    }
    if (gathers) {
        struct wire_batch *fresh = &wire->symbols[like->symbol].batches[batch];
        wire->streams[stream].batch = batch;
        fresh->active = true;
        fresh->count = 0;
        fresh->last = 0;
        fresh->previous = wire->symbols[like->symbol].said_id;
    }
    wire_wake_at(wire, wire->now);
    return stream;
}

static void stream_drop(struct wire *wire, uint32_t stream)
{
    struct wire_stream *gone = &wire->streams[stream];
    uint32_t *link = stream_list(wire, gone->symbol);
    while (*link != stream)
        link = &wire->streams[*link].next;
    *link = gone->next;
    if (gone->beat != BEAT_NONE)
        wire->beat_streams[gone->beat]--;
    if (gone->kind == WIRE_DEPTH && gone->beat != BEAT_NONE && gone->symbol != INSTRUMENT_NONE)
        wire->symbols[gone->symbol].batches[gone->batch].active = false;
    gone->next = wire->free_stream;
    wire->free_stream = stream;
    wire->stats.streams--;
}

bool wire_subscribe(struct wire *wire, uint32_t number, const struct wire_stream *like, bool silent, uint8_t bits)
{
    struct wire_client *client = &wire->clients[number];
    uint32_t stream = wire_stream_find(wire, like->symbol, like->name, like->name_size);
    if (stream != WIRE_NONE) {
        for (uint32_t i = client->first_sub; i != WIRE_NONE; i = wire->subs[i].next_of_client)
            if (wire->subs[i].stream == stream)
                return true;
    }
    if (client->sub_count == wire->ops->streams_of_client_max || wire->free_sub == WIRE_NONE ||
        (stream = wire_stream_get(wire, like)) == WIRE_NONE) {
        wire->stats.full++;
        return false;
    }
    const uint32_t i = wire->free_sub;
    struct wire_sub *sub = &wire->subs[i];
    wire->free_sub = sub->next_of_client;
    *sub = (struct wire_sub){.client = number,
                             .stream = stream,
                             .next_of_stream = WIRE_NONE,
                             .next_of_client = WIRE_NONE,
                             .silent = silent,
                             .bits = bits};
    /* At the end of both lists: who came first is told first, and lists his streams in his order. */
    uint32_t *link = &wire->streams[stream].first_sub;
    while (*link != WIRE_NONE)
        link = &wire->subs[*link].next_of_stream;
    *link = i;
    link = &client->first_sub;
    while (*link != WIRE_NONE)
        link = &wire->subs[*link].next_of_client;
    *link = i;
    wire->streams[stream].sub_count++;
    client->sub_count++;
    return true;
}

void wire_unsubscribe(struct wire *wire, uint32_t number, uint32_t stream)
{
    struct wire_client *client = &wire->clients[number];
    uint32_t *link = &client->first_sub;
    while (*link != WIRE_NONE && wire->subs[*link].stream != stream)
        link = &wire->subs[*link].next_of_client;
    if (*link == WIRE_NONE)
        return;
    const uint32_t i = *link;
    *link = wire->subs[i].next_of_client;
    link = &wire->streams[stream].first_sub;
    while (*link != i)
        link = &wire->subs[*link].next_of_stream;
    *link = wire->subs[i].next_of_stream;
    wire->subs[i].next_of_client = wire->free_sub;
    wire->free_sub = i;
    client->sub_count--;
    if (--wire->streams[stream].sub_count == 0)
        stream_drop(wire, stream);
}

void wire_unsubscribe_all(struct wire *wire, uint32_t client)
{
    while (wire->clients[client].first_sub != WIRE_NONE)
        wire_unsubscribe(wire, client, wire->subs[wire->clients[client].first_sub].stream);
}

/* ---- delivery ---- */

static void emit(struct wire *wire, uint32_t client, enum wire_opcode opcode, const char *bytes, size_t size)
{
    wire->stats.frames++;
    wire->stats.bytes += size;
    wire->clients[client].active = wire->now;
    wire->calls.frame(wire->calls.context, client, opcode, bytes, size);
}

void wire_deliver_to(struct wire *wire, uint32_t number, enum wire_opcode opcode, const char *bytes, size_t size)
{
    struct wire_client *client = &wire->clients[number];
    const struct wire_faults *faults = &wire->config.faults;
    if (UNLIKELY(client->frozen))
        return;
    if (LIKELY((faults->drop | faults->duplicate | faults->reorder) == 0 && faults->silence_after == 0)) {
        emit(wire, number, opcode, bytes, size);
        return;
    }
    const uint64_t frame = client->frames++;
    if ((faults->silence_after != 0 && wire->now - client->since >= faults->silence_after) ||
        WIRE_FAULT_HITS(wire, drop, client->serial, frame)) {
        wire->stats.faults++;
        return;
    }
    if (client->held.size == 0 && WIRE_FAULT_HITS(wire, reorder, client->serial, frame)) {
        if (client->held.bytes != NULL || wire_text_init(&client->held, 4096)) {
            wire_put_bytes(&client->held, bytes, size);
            client->held_opcode = (uint8_t)opcode;
            wire->stats.faults++;
            return;
        }
    }
    emit(wire, number, opcode, bytes, size);
    if (WIRE_FAULT_HITS(wire, duplicate, client->serial, frame)) {
        wire->stats.faults++;
        emit(wire, number, opcode, bytes, size);
    }
    if (client->held.size != 0 && wire_text_ok(&client->held))
        emit(wire, number, (enum wire_opcode)client->held_opcode, client->held.bytes, client->held.size);
    wire_text_clear(&client->held);
}

void wire_deliver(struct wire *wire, uint32_t stream, enum wire_opcode opcode)
{
    const struct wire_text *say = &wire->say;
    bool wrapped = false;
    if (UNLIKELY(!wire_text_ok(say))) {
        wire->stats.full++;
        return;
    }
    for (uint32_t i = wire->streams[stream].first_sub; i != WIRE_NONE; i = wire->subs[i].next_of_stream) {
        const struct wire_sub *sub = &wire->subs[i];
        if (sub->silent)
            continue;
        if (!wire->clients[sub->client].combined) {
            wire_deliver_to(wire, sub->client, opcode, say->bytes, say->size);
            continue;
        }
        if (!wrapped) {
            wire_text_clear(&wire->wrap);
            wire_put(&wire->wrap, "{\"stream\":\"");
            wire_put_bytes(&wire->wrap, wire->streams[stream].name, wire->streams[stream].name_size);
            wire_put(&wire->wrap, "\",\"data\":");
            wire_put_bytes(&wire->wrap, say->bytes, say->size);
            wire_put_char(&wire->wrap, '}');
            wrapped = true;
        }
        if (wire_text_ok(&wire->wrap))
            wire_deliver_to(wire, sub->client, opcode, wire->wrap.bytes, wire->wrap.size);
        else
            wire->stats.full++;
    }
}

/* ---- beats ---- */

static void run_list(struct wire *wire, struct wire_symbol *symbol, uint32_t first, unsigned beat)
{
    uint32_t next;
    for (uint32_t stream = first; stream != WIRE_NONE; stream = next) {
        next = wire->streams[stream].next;
        if (wire->streams[stream].beat == beat)
            wire->ops->beat(wire, symbol, stream);
    }
}

void wire_run_beats(struct wire *wire)
{
    const ns_t venue = wire_venue_time(wire, wire->now);
    for (unsigned beat = 0; beat < BEAT_COUNT; beat++) {
        if (wire->beat_streams[beat] == 0 || venue < wire->beat_next[beat])
            continue;
        /* Beats that were slept over are one: what would be said is the state of now. */
        wire->beat_next[beat] = venue - venue % wire_beat_periods[beat] + wire_beat_periods[beat];
        for (uint16_t i = 0; i < wire->config.instrument_count; i++)
            run_list(wire, &wire->symbols[i], wire->symbols[i].first_stream, beat);
        run_list(wire, NULL, wire->all_stream, beat);
    }
}

/* When the venue's clock gets to a time; NS_MAX: never, as it goes now. */
static ns_t now_of_venue(const struct wire *wire, ns_t venue)
{
    const struct wire_clock *clock = &wire->config.clock;
    if (clock->num == 0)
        return NS_MAX;
    const money_t product = (money_t)(venue - clock->venue_base) * (money_t)clock->den;
    return clock->base + (ns_t)((product + (money_t)clock->num - 1) / (money_t)clock->num);
}

ns_t wire_beats_due(const struct wire *wire)
{
    ns_t due = NS_MAX;
    for (unsigned beat = 0; beat < BEAT_COUNT; beat++) {
        if (wire->beat_streams[beat] == 0)
            continue;
        const ns_t at = now_of_venue(wire, wire->beat_next[beat]);
        due = at < due ? at : due;
    }
    return due;
}
