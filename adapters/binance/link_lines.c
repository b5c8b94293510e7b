/* link_lines.c: the connections of a Binance link: opened, subscribed, pinged, watched, renewed, lost.
 *
 *   now:    FREE ─► OPENING ─► UP ─► (subscribing) ─► live ─────────────────────► CLOSING ─► FREE
 *   next:                              OPENING ─► UP ─► live ─► every stream has changed over ─► it is `now`
 *
 * Whatever ends a connection that was not meant to end goes through conn_lost: either the next one is live and takes
 * over, or the streams are lost and the line comes back with back-off.
 */
#include "adapters/binance/link_state.h"

#include <stdio.h>
#include <string.h>

struct link_line *binance_line_of(struct binance_link *link, const struct link_conn *conn)
{
    return &link->lines[conn->line];
}

static bool has_stream(const struct link_book *book, enum stream_kind kind)
{
    return book->stream_of[kind] != NO_STREAM;
}

static err_t emit_connection(struct binance_link *link, enum event_kind kind)
{
    const struct event event = {.ts = link->ts, .instrument = INSTRUMENT_NONE, .kind = (uint8_t)kind};
    return link->sink.emit(link->sink.context, &event);
}

/* --- streams --- */

/* `slot` serves them from now on. */
void binance_streams_serve(struct binance_link *link, uint8_t slot, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++)
        binance_stream_serve(link, &link->streams[i], slot);
}

void binance_stream_serve(struct binance_link *link, struct line_stream *stream, uint8_t slot)
{
    if (stream->owner != NO_CONN)
        return;
    stream->owner = slot;
    stream->meeting = false;
    stream->held = 0;
    stale_watch_start(&stream->watch, link->ts);
    if (stream->kind != OF_DIFF)
        return;
    struct link_book *book = &link->books[stream->symbol];
    book->tries = 0;
    binance_book_want(link, book, link->ts + FIRST_DIFF_WAIT);
    book->first_diff = true;
}

/* What one stream's messages are missing of. `served`: they come again already. */
err_t binance_stream_lost(struct binance_link *link, struct line_stream *stream, bool served, const char *reason)
{
    struct link_book *book = &link->books[stream->symbol];
    switch ((enum stream_kind)stream->kind) {
    case OF_DIFF:
        return binance_book_lost(link, book, served, reason);
    case OF_PARTIAL:
        return has_stream(book, OF_DIFF) ? ERR_OK : binance_book_lost(link, book, served, reason);
    case OF_TRADE:
        stream->look_for_holes = true;
        return ERR_OK;
    case OF_BBO:
    case OF_MARK:
    case OF_CANDLE:
    case OF_TICKER:
    case STREAM_KINDS:
        break;
    }
    return ERR_OK;
}

/* All that `slot` served. Where `heir` is a slot, it serves them from now on. */
static err_t streams_lost(struct binance_link *link, struct link_line *line, uint8_t slot, uint8_t heir,
                          const char *reason)
{
    for (uint32_t i = line->first; i < line->first + line->count; i++) {
        struct line_stream *stream = &link->streams[i];
        if (stream->owner != slot)
            continue;
        stream->owner = heir;
        stream->meeting = heir != slot; /* what it brings next may have come already */
        stream->held = 0;
        if (heir == NO_CONN)
            stale_watch_stop(&stream->watch);
        err_t err = binance_stream_lost(link, stream, heir != NO_CONN, reason);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

err_t binance_streams_inherit(struct binance_link *link, struct link_line *line, uint8_t slot, uint8_t heir)
{
    for (uint32_t i = line->first; i < line->first + line->count; i++) {
        struct line_stream *stream = &link->streams[i];
        uint64_t key = 0, held = stream->held;
        if (stream->owner != slot)
            continue;
        stream->owner = heir;
        stream->meeting = true;
        stream->look_for_holes = stream->kind == OF_TRADE; /* it may have been silent before the heir came */
        stream->held = 0;
        if (held == 0 || (binance_stream_key(link, stream, &key) && held <= key))
            continue;
        stream->meeting = false;
        err_t err = binance_stream_lost(link, stream, true, "the connection ended before the next one had caught up");
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

void binance_forget_again(struct binance_link *link, struct link_line *line)
{
    for (uint32_t i = line->first; i < line->first + line->count && line->again > 0; i++) {
        line->again -= link->streams[i].again;
        link->streams[i].again = false;
    }
    line->left = false;
}

/* --- opening and closing --- */

static uint8_t free_slot(const struct binance_link *link)
{
    for (uint8_t slot = 0; slot < LINK_CONNS; slot++)
        if (link->conns[slot].state == CONN_FREE)
            return slot;
    return NO_CONN;
}

/* False: not now; it is tried again when it may be. */
static bool conn_open(struct binance_link *link, struct link_line *line, uint8_t *slot)
{
    ns_t when;
    uint8_t found = free_slot(link);
    if (found == NO_CONN) {
        binance_link_wake(link, link->ts + LOOK_EVERY);
        return false;
    }
    if (!rate_limit_ask(&link->connects, link->ts, 1, &when)) {
        link->stats.held += !link->connect_held;
        link->connect_held = true;
        binance_link_wake(link, when);
        return false;
    }
    link->connect_held = false;
    struct link_conn *conn = &link->conns[found];
    struct rate_rule messages = conn->messages.rule;
    *conn = (struct link_conn){.state = CONN_OPENING, .line = (uint8_t)(line - link->lines), .since = link->ts};
    rate_limit_init(&conn->messages, &messages);
    conn->connect_ticket = rate_limit_take(&link->connects, link->ts, 1);
    stale_watch_init(&conn->data, link->silence << (line->quiet_row < 3 ? line->quiet_row : 3));
    *slot = found;
    char url[LINK_URL_SIZE];
    binance_line_url(link, line, url);
    link->wire.open(link->wire.context, link->number, found, url);
    return true;
}

static void connect_ended(struct binance_link *link, struct link_conn *conn)
{
    if (conn->connect_ticket != 0)
        rate_limit_settle(&link->connects, link->ts, conn->connect_ticket);
    conn->connect_ticket = 0;
}

void binance_conn_close(struct binance_link *link, uint8_t slot)
{
    struct link_conn *conn = &link->conns[slot];
    connect_ended(link, conn);
    link->stats.downs += conn->state == CONN_UP;
    conn->state = CONN_CLOSING;
    conn->since = link->ts;
    link->wire.close(link->wire.context, link->number, slot);
}

/* A connection ended that was to go on. Its slot is not looked at any more. */
static err_t conn_lost(struct binance_link *link, uint8_t slot, const char *reason)
{
    struct link_conn *conn = &link->conns[slot];
    struct link_line *line = binance_line_of(link, conn);
    binance_link_wake(link, link->ts);
    if (line->next == slot) {
        line->next = NO_CONN;
        line->renew_at = link->ts + backoff_next(&line->renewal);
        return streams_lost(link, line, slot, line->now, reason);
    }
    uint8_t next = line->next;
    const struct link_conn *heir = next == NO_CONN ? NULL : &link->conns[next];
    line->now = next;
    line->next = NO_CONN;
    line->renew_at = NS_MAX;
    binance_forget_again(link, line);
    if (heir == NULL)
        line->open_at = link->ts + backoff_next(&line->backoff);
    err_t err;
    if (heir != NULL && heir->state == CONN_UP) {
        line->renew_at = binance_renewal_time(link);
        err = heir->live ? binance_streams_inherit(link, line, slot, next)
                         : streams_lost(link, line, slot, NO_CONN, reason);
        binance_streams_serve(link, next, line->first, heir->next_stream - line->first);
        for (uint32_t i = line->first; i < line->first + line->count; i++)
            link->streams[i].meeting = true; /* what is on its way may have come over the old one */
        return err;
    }
    err = streams_lost(link, line, slot, NO_CONN, reason);
    if (err != ERR_OK || line->lost || conn->state != CONN_UP)
        return err;
    line->lost = true;
    return emit_connection(link, EVENT_CONNECTION_DOWN);
}

err_t binance_conn_fail(struct binance_link *link, uint8_t slot, const char *reason)
{
    binance_link_say(link, ERR_IO, "connection %u%s: %s", slot,
                     binance_route_path(link->flavour, (enum route)binance_line_of(link, &link->conns[slot])->route),
                     reason);
    err_t err = conn_lost(link, slot, reason);
    binance_conn_close(link, slot);
    return err;
}

ns_t binance_renewal_time(struct binance_link *link)
{
    /* Not all lines at the same time. */
    return link->ts + link->renew - (ns_t)prng_below(&link->prng, (uint64_t)link->renew / 50 + 1);
}

void binance_line_renew(struct binance_link *link, struct link_line *line, const char *why)
{
    if (line->now == NO_CONN || link->conns[line->now].state != CONN_UP || line->next != NO_CONN ||
        line->renew_at <= link->ts)
        return;
    binance_link_say(link, ERR_AGAIN, "connection %u%s: %s; another one is opened beside it", line->now,
                     binance_route_path(link->flavour, (enum route)line->route), why);
    line->renew_at = link->ts;
    binance_link_wake(link, link->ts);
}

/* --- subscribing --- */

static bool may_tell(struct binance_link *link, struct link_conn *conn)
{
    ns_t when;
    if (conn->asks_out == ASKS_MAX)
        return false;
    if (rate_limit_ask(&conn->messages, link->ts, 1, &when))
        return true;
    link->stats.held++;
    binance_link_wake(link, when);
    return false;
}

static void tell(struct binance_link *link, uint8_t slot, uint32_t first, bool again, bool unsubscribe)
{
    struct link_conn *conn = &link->conns[slot];
    struct link_line *line = binance_line_of(link, conn);
    struct link_ask *ask = conn->asks;
    while (ask->used)
        ask++;
    *ask = (struct link_ask){.id = ++link->last_id,
                             .ticket = rate_limit_take(&conn->messages, link->ts, 1),
                             .sent = link->ts,
                             .first = first,
                             .used = true,
                             .again = again,
                             .unsubscribe = unsubscribe};
    conn->asks_out++;
    size_t size = binance_subscribe_text(link, line, first, again, unsubscribe, ask->id, &ask->count);
    link->wire.send(link->wire.context, link->number, slot, link->text, size);
}

static void conn_live(struct binance_link *link, uint8_t slot)
{
    struct link_conn *conn = &link->conns[slot];
    conn->live = true;
    conn->live_at = link->ts;
}

/* Streams that were silent, or refused, are asked for again: first left, then joined. */
static void pump_again(struct binance_link *link, struct link_line *line)
{
    struct link_conn *conn = &link->conns[line->now];
    if (line->again == 0 || conn->asks_out > 0)
        return;
    if (line->again_at > link->ts) {
        binance_link_wake(link, line->again_at);
        return;
    }
    if (!may_tell(link, conn))
        return;
    if (!line->left) {
        line->left = true;
        tell(link, line->now, line->first, true, true);
        return;
    }
    line->left = false;
    tell(link, line->now, line->first, true, false);
    line->again = 0;
    const struct link_ask *ask = conn->asks;
    while (!ask->used)
        ask++;
    for (uint32_t i = line->first; i < line->first + line->count; i++) {
        struct line_stream *stream = &link->streams[i];
        if (i < ask->first + ask->count && stream->again) {
            stream->again = false;
            stale_watch_start(&stream->watch, link->ts);
        }
        line->again += stream->again;
    }
}

void binance_ask_again(struct binance_link *link, struct line_stream *stream, ns_t at)
{
    struct link_line *line = &link->lines[stream->line];
    if (stream->again)
        return;
    if (line->again++ == 0 || at < line->again_at)
        line->again_at = at;
    stream->again = true;
    binance_link_wake(link, at);
}

static void conn_pump(struct binance_link *link, uint8_t slot)
{
    struct link_conn *conn = &link->conns[slot];
    struct link_line *line = binance_line_of(link, conn);
    if (conn->state != CONN_UP)
        return;
    while (conn->next_stream < line->first + line->count && may_tell(link, conn)) {
        uint32_t before = conn->next_stream;
        tell(link, slot, before, false, false);
        for (const struct link_ask *ask = conn->asks; ask < conn->asks + ASKS_MAX; ask++)
            if (ask->used && ask->first == before && !ask->again)
                conn->next_stream = before + ask->count;
    }
    if (conn->live && line->now == slot)
        pump_again(link, line);
}

err_t binance_conn_answered(struct binance_link *link, uint8_t slot, uint64_t id, bool refused, const char *text,
                            size_t size)
{
    struct link_conn *conn = &link->conns[slot];
    struct link_line *line = binance_line_of(link, conn);
    struct link_ask *ask = conn->asks;
    while (ask < conn->asks + ASKS_MAX && !(ask->used && ask->id == id))
        ask++;
    bool found = ask < conn->asks + ASKS_MAX;
    if (refused) {
        const struct line_stream *first = found ? &link->streams[ask->first] : NULL;
        link->stats.refused++;
        binance_link_say(link, ERR_REJECTED, "the venue refused %s%.*s%s: %.*s", found ? "to serve " : "a message",
                         found ? (int)first->name_size : 0, found ? first->name : "",
                         found && ask->count > 1 ? " and those asked for with it" : "", size < 300 ? (int)size : 300,
                         size > 0 ? text : "");
    }
    if (!found)
        return ERR_OK;
    rate_limit_settle(&conn->messages, link->ts, ask->ticket);
    ask->used = false;
    conn->asks_out--;
    for (uint32_t i = ask->first; i < ask->first + ask->count && !ask->again; i++) {
        if (refused && line->now == slot)
            binance_ask_again(link, &link->streams[i], link->ts + 60 * NS_PER_S);
        else if (line->now == slot)
            binance_stream_serve(link, &link->streams[i], slot);
    }
    if (!conn->live && conn->next_stream == line->first + line->count && conn->asks_out == 0)
        conn_live(link, slot);
    binance_link_wake(link, link->ts);
    return ERR_OK;
}

/* --- up, down, dropped --- */

err_t binance_conn_up(struct binance_link *link, uint8_t slot)
{
    struct link_conn *conn = &link->conns[slot];
    struct link_line *line = binance_line_of(link, conn);
    if (conn->state != CONN_OPENING)
        return ERR_OK; /* it is being closed */
    connect_ended(link, conn);
    link->stats.connects++;
    conn->state = CONN_UP;
    conn->since = conn->heard = conn->ping_at = link->ts;
    conn->next_stream = line->first + line->in_url;
    stale_watch_start(&conn->data, link->ts);
    binance_link_wake(link, link->ts);
    if (line->in_url == line->count)
        conn_live(link, slot);
    if (line->next == slot) {
        for (uint32_t i = line->first; i < line->first + line->count; i++) {
            link->streams[i].next_spoke = false;
            link->streams[i].held = 0;
        }
        return ERR_OK;
    }
    line->renew_at = binance_renewal_time(link);
    binance_streams_serve(link, slot, line->first, line->in_url);
    if (!line->lost)
        return ERR_OK;
    line->lost = false;
    return emit_connection(link, EVENT_CONNECTION_UP);
}

err_t binance_conn_down(struct binance_link *link, uint8_t slot, int32_t status, const char *text, size_t size)
{
    struct link_conn *conn = &link->conns[slot];
    err_t err = ERR_OK;
    if (conn->state == CONN_FREE)
        return ERR_OK;
    if (conn->state != CONN_CLOSING) {
        struct event_text reason;
        bool opening = conn->state == CONN_OPENING;
        int shown = size < 60 ? (int)size : 60;
        connect_ended(link, conn);
        link->stats.downs += !opening;
        if (rate_limit_answer(&link->connects, link->ts, opening ? status : 0, NULL, 0, NULL, 0, 0) > 0)
            link->stats.limited++;
        snprintf(reason.text, sizeof(reason.text), "the connection was %s (%d%s%.*s)",
                 opening ? "not opened" : "lost", status, size > 0 ? ", " : "", shown, size > 0 ? text : "");
        const struct link_line *line = binance_line_of(link, conn);
        const char *path = binance_route_path(link->flavour, (enum route)line->route);
        err = conn_lost(link, slot, reason.text);
        if (line->open_at != NS_MAX && line->now == NO_CONN)
            binance_link_say(link, ERR_IO, "connection %u%s: %s; attempt %u follows in %lld ms", slot, path,
                             reason.text, line->backoff.attempts,
                             (long long)((line->open_at - link->ts) / NS_PER_MS));
        else
            binance_link_say(link, ERR_IO, "connection %u%s: %s", slot, path, reason.text);
    }
    conn->state = CONN_FREE;
    binance_link_wake(link, link->ts);
    return err;
}

static err_t dropped_of(struct binance_link *link, uint8_t slot, const char *reason)
{
    struct link_conn *conn = &link->conns[slot];
    struct link_line *line = binance_line_of(link, conn);
    if (conn->state != CONN_UP)
        return ERR_OK; /* what it would have said is found missing in time */
    if (!conn->live || conn->asks_out > 0 || line->next == slot)
        return binance_conn_fail(link, slot, reason);
    if (conn->pinged) {
        conn->pinged = false; /* the pong may have been among them */
        rate_limit_settle(&conn->messages, link->ts, conn->ping_ticket);
    }
    conn->heard = link->ts;
    return streams_lost(link, line, slot, slot, reason);
}

err_t binance_conn_dropped(struct binance_link *link, uint8_t slot, int64_t count)
{
    struct event_text reason;
    link->dropped_any = true;
    link->stats.dropped += count > 0 ? (uint64_t)count : 0;
    snprintf(reason.text, sizeof(reason.text), "%lld inputs were thrown away before they were read",
             (long long)count);
    binance_link_say(link, ERR_GAP, "%s", reason.text);
    err_t err = ERR_OK;
    for (uint8_t i = 0; i < LINK_CONNS && err == ERR_OK; i++)
        if (i == slot || slot >= LINK_CONNS)
            err = dropped_of(link, i, reason.text);
    return err;
}

/* --- what is due --- */

err_t binance_lines_due(struct binance_link *link)
{
    for (struct link_line *line = link->lines; line < link->lines + link->line_count; line++) {
        if (line->now == NO_CONN) {
            if (line->open_at <= link->ts) {
                if (conn_open(link, line, &line->now))
                    line->open_at = NS_MAX;
            } else {
                binance_link_wake(link, line->open_at);
            }
            continue;
        }
        conn_pump(link, line->now);
        if (line->next != NO_CONN)
            conn_pump(link, line->next);
        else if (line->renew_at <= link->ts && link->conns[line->now].state == CONN_UP)
            (void)conn_open(link, line, &line->next);
        else
            binance_link_wake(link, line->renew_at > link->ts ? line->renew_at : NS_MAX);
    }
    return ERR_OK;
}
