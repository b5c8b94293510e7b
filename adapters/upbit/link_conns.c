#include "adapters/upbit/link_state.h"

#include <stdio.h>
#include <string.h>

#define BOOKS (LINK_BOOK | LINK_PARTIAL)

/* ---- the subscription ---- */

struct writer {
    char *text;
    size_t size, used;
};

static void put(struct writer *writer, const char *text)
{
    const size_t size = strlen(text);
    ASSERT(writer->used + size < writer->size);
    memcpy(writer->text + writer->used, text, size);
    writer->used += size;
}

/* {"type":"trade","codes":["KRW-BTC","KRW-ETH"]}, of the symbols that have any of `streams`. */
static void put_type(struct upbit_link *link, struct writer *writer, const char *type, unsigned streams)
{
    bool any = false;
    for (uint32_t i = 0; i < link->symbol_count; i++) {
        if ((link->symbols[i].streams & streams) == 0)
            continue;
        if (!any) {
            put(writer, ",{\"type\":\"");
            put(writer, type);
            put(writer, "\",\"codes\":[\"");
        } else {
            put(writer, ",\"");
        }
        put(writer, link->symbols[i].text);
        if ((streams & BOOKS) != 0 && link->levels != 0) {
            char levels[16];
            snprintf(levels, sizeof(levels), ".%u", link->levels);
            put(writer, levels);
        }
        put(writer, "\"");
        any = true;
    }
    if (any)
        put(writer, (streams & LINK_TRADES) != 0 ? "],\"is_only_realtime\":true}" : "]}");
}

/* A random UUID of version 4, from the session's own generator. */
static void put_ticket(struct upbit_link *link, struct writer *writer)
{
    char text[64];
    const uint64_t high = prng_next(&link->prng), low = prng_next(&link->prng);
    snprintf(text, sizeof(text), "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(high >> 32),
             (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff), (unsigned)(0x8000 | (low >> 48 & 0x3fff)),
             (unsigned long long)(low & 0xffffffffffff));
    put(writer, text);
}

static void subscribe(struct upbit_link *link, uint8_t slot)
{
    struct upbit_conn *conn = &link->conns[slot];
    ns_t when;
    if (!rate_limit_ask(&conn->messages, link->ts, 1, &when)) {
        link->stats.held += !conn->again;
        conn->again = true;
        return;
    }
    rate_limit_settle(&conn->messages, link->ts, rate_limit_take(&conn->messages, link->ts, 1));
    char candle[32];
    snprintf(candle, sizeof(candle), "candle.%s", link->candle);
    struct writer writer = {link->text, link->text_size, 0};
    put(&writer, "[{\"ticket\":\"");
    put_ticket(link, &writer);
    put(&writer, "\"}");
    put_type(link, &writer, "orderbook", BOOKS);
    put_type(link, &writer, "trade", LINK_TRADES);
    put_type(link, &writer, "ticker", LINK_TICKER);
    put_type(link, &writer, candle, LINK_CANDLES);
    put(&writer, ",{\"format\":\"");
    put(&writer, link->format);
    put(&writer, "\"}]");
    link->wire.send(link->wire.context, link->number, slot, writer.text, writer.used);
    conn->again = false;
    conn->subscribed = true;
    conn->subscribed_at = link->ts;
    conn->round++;
}

void upbit_resubscribe(struct upbit_link *link)
{
    if (link->now == NO_SLOT || link->conns[link->now].state != CONN_UP)
        return;
    if (link->ts - link->conns[link->now].subscribed_at >= RESUBSCRIBE_EVERY)
        link->conns[link->now].again = true;
}

/* ---- opening and closing ---- */

static void open_conn(struct upbit_link *link, uint8_t slot)
{
    struct upbit_conn *conn = &link->conns[slot];
    char url[LINK_URL_SIZE];
    snprintf(url, sizeof(url), "%s/websocket/v1", link->stream);
    conn->state = CONN_OPENING;
    conn->planned = conn->subscribed = conn->again = conn->pinged = false;
    conn->since = conn->heard = link->ts;
    conn->connect_ticket = rate_limit_take(&link->connects, link->ts, 1);
    link->wire.open(link->wire.context, link->number, slot, url);
}

static void close_conn(struct upbit_link *link, uint8_t slot, bool planned)
{
    struct upbit_conn *conn = &link->conns[slot];
    if (conn->state == CONN_OPENING)
        rate_limit_settle(&link->connects, link->ts, conn->connect_ticket);
    conn->state = CONN_CLOSING;
    conn->planned = planned;
    conn->since = link->ts;
    link->wire.close(link->wire.context, link->number, slot);
}

static err_t tell(const struct upbit_link *link, enum event_kind kind)
{
    const struct event event = {.ts = link->ts, .instrument = INSTRUMENT_NONE, .kind = (uint8_t)kind};
    return link->sink.emit(link->sink.context, &event);
}

/* The connection that counted is gone, and nothing took its place. */
static err_t now_lost(struct upbit_link *link, const char *reason)
{
    link->now = NO_SLOT;
    link->renew_at = NS_MAX;
    for (uint32_t i = 0; i < link->symbol_count; i++)
        stale_watch_stop(&link->symbols[i].watch);
    err_t err = link->lost ? ERR_OK : tell(link, EVENT_CONNECTION_DOWN);
    link->lost = true;
    if (err == ERR_OK)
        err = upbit_lost_all(link, reason);
    if (link->next != NO_SLOT) { /* what was to take over takes over as it is */
        link->now = link->next;
        link->next = NO_SLOT;
        link->overlap_until = NS_MAX;
    } else {
        link->open_at = link->ts + backoff_next(&link->backoff);
    }
    return err;
}

void upbit_renew(struct upbit_link *link, const char *why)
{
    if (link->now == NO_SLOT || link->next != NO_SLOT || link->renew_at <= link->ts)
        return;
    upbit_note(link, ERR_OK, "the connection is renewed: %s", why);
    link->renew_at = link->ts;
}

static err_t take_over(struct upbit_link *link)
{
    const uint8_t old = link->now;
    link->now = link->next;
    link->next = NO_SLOT;
    link->overlap_until = NS_MAX;
    link->renew_at = link->conns[link->now].since + link->renew;
    link->stats.renewals++;
    backoff_reset(&link->renewal);
    close_conn(link, old, true);
    return ERR_OK;
}

/* Was everything that is followed heard of over the next connection since it was subscribed? */
static bool is_in_step(const struct upbit_link *link)
{
    for (uint32_t i = 0; i < link->symbol_count; i++)
        if (link->symbols[i].heard_round[link->next] != link->conns[link->next].round)
            return false;
    return true;
}

/* ---- inputs ---- */

err_t upbit_conn_up(struct upbit_link *link, uint8_t slot)
{
    struct upbit_conn *conn = &link->conns[slot];
    if (conn->state != CONN_OPENING)
        return ERR_OK;
    rate_limit_settle(&link->connects, link->ts, conn->connect_ticket);
    conn->state = CONN_UP;
    conn->since = conn->heard = conn->pinged_at = link->ts;
    link->stats.connects++;
    subscribe(link, slot);
    if (slot == link->next) {
        link->overlap_until = link->ts + OVERLAP;
        return ERR_OK;
    }
    link->renew_at = link->ts + link->renew;
    backoff_reset(&link->backoff);
    for (uint32_t i = 0; i < link->symbol_count; i++)
        if ((link->symbols[i].streams & BOOKS) != 0)
            stale_watch_start(&link->symbols[i].watch, link->ts);
    if (!link->lost)
        return ERR_OK;
    link->lost = false;
    return tell(link, EVENT_CONNECTION_UP);
}

err_t upbit_conn_down(struct upbit_link *link, const struct link_input *input)
{
    const uint8_t slot = input->conn;
    struct upbit_conn *conn = &link->conns[slot];
    const enum conn_state was = conn->state;
    if (was == CONN_FREE)
        return ERR_OK;
    if (conn->pinged)
        rate_limit_settle(&conn->messages, link->ts, conn->ping_ticket);
    conn->pinged = false;
    conn->state = CONN_FREE;
    if (was == CONN_OPENING)
        rate_limit_settle(&link->connects, link->ts, conn->connect_ticket);
    if (input->status == 429 || input->status == 418) {
        link->stats.limited++;
        (void)rate_limit_answer(&link->connects, link->ts, input->status, NULL, 0, input->text, input->text_size,
                                link->clock.offset);
    }
    if (conn->planned && was == CONN_CLOSING)
        return ERR_OK;
    link->stats.downs += was != CONN_OPENING;
    upbit_note(link, ERR_IO, "a connection ended (status %d): %.*s", input->status,
               (int)(input->text_size < 160 ? input->text_size : 160), input->text != NULL ? input->text : "");
    if (slot == link->next) {
        link->next = NO_SLOT;
        link->overlap_until = NS_MAX;
        link->renew_at = link->ts + backoff_next(&link->renewal);
        return ERR_OK;
    }
    return slot == link->now ? now_lost(link, "the connection was lost") : ERR_OK;
}

/* ---- time ---- */

static uint8_t free_slot(const struct upbit_link *link)
{
    for (uint8_t slot = 0; slot < CONN_SLOTS; slot++)
        if (link->conns[slot].state == CONN_FREE)
            return slot;
    return NO_SLOT;
}

static void open_what_is_due(struct upbit_link *link)
{
    ns_t when;
    const bool first = link->now == NO_SLOT && link->ts >= link->open_at;
    const bool second = link->now != NO_SLOT && link->next == NO_SLOT && link->ts >= link->renew_at &&
                        link->conns[link->now].state == CONN_UP;
    const uint8_t slot = first || second ? free_slot(link) : NO_SLOT;
    if (slot == NO_SLOT)
        return;
    if (!rate_limit_ask(&link->connects, link->ts, 1, &when)) {
        link->stats.held += !link->held;
        link->held = true;
        return;
    }
    link->held = false;
    open_conn(link, slot);
    if (first) {
        link->now = slot;
        link->open_at = NS_MAX;
    } else {
        link->next = slot;
    }
}

static void ping(struct upbit_link *link, uint8_t slot)
{
    struct upbit_conn *conn = &link->conns[slot];
    ns_t when;
    const ns_t every = link->silence / 2 < PING_EVERY ? link->silence / 2 : PING_EVERY;
    if (conn->pinged || link->ts - conn->pinged_at < every || !rate_limit_ask(&conn->messages, link->ts, 1, &when))
        return;
    conn->ping_ticket = rate_limit_take(&conn->messages, link->ts, 1);
    conn->pinged = true;
    conn->pinged_at = link->ts;
    link->wire.ping(link->wire.context, link->number, slot);
}

/* One slot. *dead: it counted, or was about to, and has to be given up. */
static void look_at_conn(struct upbit_link *link, uint8_t slot, const char **dead)
{
    struct upbit_conn *conn = &link->conns[slot];
    switch ((enum conn_state)conn->state) {
    case CONN_OPENING:
        if (link->ts - conn->since >= OPEN_TIMEOUT)
            *dead = "no connection came about";
        break;
    case CONN_UP:
        if (link->ts - conn->heard >= link->silence)
            *dead = "nothing at all was heard, not even a pong";
        else if (conn->again || !conn->subscribed)
            subscribe(link, slot);
        else
            ping(link, slot);
        break;
    case CONN_CLOSING:
        if (link->ts - conn->since >= CLOSE_TIMEOUT)
            conn->state = CONN_FREE;
        break;
    case CONN_FREE:
        break;
    }
}

err_t upbit_conns_look(struct upbit_link *link)
{
    err_t err = ERR_OK;
    for (uint8_t slot = 0; slot < CONN_SLOTS && err == ERR_OK; slot++) {
        const char *dead = NULL;
        look_at_conn(link, slot, &dead);
        if (dead == NULL)
            continue;
        upbit_note(link, ERR_IO, "a connection is given up: %s", dead);
        link->stats.downs += link->conns[slot].state == CONN_UP;
        close_conn(link, slot, true);
        if (slot == link->next) {
            link->next = NO_SLOT;
            link->overlap_until = NS_MAX;
            link->renew_at = link->ts + backoff_next(&link->renewal);
        } else if (slot == link->now) {
            err = now_lost(link, dead);
        }
    }
    if (err == ERR_OK && link->next != NO_SLOT && link->conns[link->next].state == CONN_UP &&
        (is_in_step(link) || link->ts >= link->overlap_until))
        err = take_over(link);
    if (err == ERR_OK)
        open_what_is_due(link);
    return err;
}
