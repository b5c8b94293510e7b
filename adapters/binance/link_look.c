/* link_look.c: what is found by looking, a few times a second: silence, answers that do not come, renewals that are
 * done.
 */
#include "adapters/binance/link_state.h"

/* --- renewing --- */

static void renewal_done(struct binance_link *link, struct link_line *line)
{
    uint8_t old = line->now;
    line->now = line->next;
    line->next = NO_CONN;
    line->renew_at = binance_renewal_time(link);
    backoff_reset(&line->renewal);
    binance_forget_again(link, line);
    link->stats.renewals++;
    binance_conn_close(link, old);
    binance_link_wake(link, link->ts);
}

/* Streams that have not changed over by the end of the overlap are quiet, or the new connection does not bring them:
 * where the old one spoke meanwhile, it is the latter. */
static err_t renewal_look(struct binance_link *link, struct link_line *line)
{
    const struct link_conn *next = &link->conns[line->next];
    if (!next->live)
        return ERR_OK;
    bool all = true, silent = false;
    for (uint32_t i = line->first; i < line->first + line->count; i++) {
        const struct line_stream *stream = &link->streams[i];
        all = all && stream->owner == line->next;
        silent = silent || (stream->owner == line->now && !stream->next_spoke && stream->watch.state == STALE_FRESH &&
                            stream->watch.last > next->live_at + OVERLAP_MAX / 4);
    }
    if (!all && link->ts - next->live_at < OVERLAP_MAX)
        return ERR_OK;
    if (!all && silent)
        return binance_conn_fail(link, line->next, "it does not bring what the one before brings");
    if (!all) {
        err_t err = binance_streams_inherit(link, line, line->now, line->next);
        for (uint32_t i = line->first; i < line->first + line->count && err == ERR_OK; i++)
            binance_stream_serve(link, &link->streams[i], line->next); /* those that never had an owner */
        if (err != ERR_OK)
            return err;
    }
    renewal_done(link, line);
    return ERR_OK;
}

/* --- looking --- */

static err_t conn_look(struct binance_link *link, uint8_t slot)
{
    struct link_conn *conn = &link->conns[slot];
    struct link_line *line = binance_line_of(link, conn);
    const ns_t ts = link->ts;
    if (conn->state == CONN_OPENING)
        return ts - conn->since < OPEN_TIMEOUT ? ERR_OK : binance_conn_fail(link, slot, "no answer to its opening");
    if (conn->state == CONN_CLOSING) {
        if (link->dropped_any && ts - conn->since >= CLOSE_TIMEOUT)
            conn->state = CONN_FREE;
        return ERR_OK;
    }
    if (conn->state != CONN_UP)
        return ERR_OK;
    for (const struct link_ask *ask = conn->asks; ask < conn->asks + ASKS_MAX; ask++)
        if (ask->used && ts - ask->sent >= ACK_TIMEOUT)
            return binance_conn_fail(link, slot, "a subscription was not answered");
    if (ts - conn->heard >= link->silence)
        return binance_conn_fail(link, slot, "neither data nor an answer to a ping");
    ns_t quiet = conn->heard > conn->ping_at ? conn->heard : conn->ping_at;
    ns_t when;
    if (!conn->pinged && ts - quiet >= link->silence / 3 && rate_limit_ask(&conn->messages, ts, 1, &when)) {
        conn->pinged = true;
        conn->ping_at = ts;
        conn->ping_ticket = rate_limit_take(&conn->messages, ts, 1);
        link->wire.ping(link->wire.context, link->number, slot);
    }
    if (stale_watch_look(&conn->data, ts) == STALE_NO || line->now != slot)
        return ERR_OK;
    line->quiet_row++;
    binance_line_renew(link, line,
                       conn->spoke
                           ? "it answers pings and brings nothing"
                           : "it never brought anything: is this the route of its streams? Binance is silent on "
                             "another one");
    return ERR_OK;
}

static err_t stream_look(struct binance_link *link, struct line_stream *stream)
{
    enum stale_verdict verdict = stale_watch_look(&stream->watch, link->ts);
    if (LIKELY(verdict == STALE_NO))
        return ERR_OK;
    const bool watched = stream->kind == OF_DIFF || stream->kind == OF_PARTIAL || stream->kind == OF_MARK;
    const char *path = binance_route_path(link->flavour, (enum route)link->lines[stream->line].route);
    stream->silences++;
    if (verdict == STALE_NEVER)
        binance_link_say(
            link, ERR_STALE,
            "%.*s never brought anything in %lld s%s%s: it is quiet, or this is not its route (Binance accepts "
            "that and is silent)",
            (int)stream->name_size, stream->name, (long long)(stream->watch.patience / NS_PER_S),
            path[0] != '\0' ? " on " : "", path);
    else if (watched)
        binance_link_say(link, ERR_STALE, "%.*s: nothing for %lld s", (int)stream->name_size, stream->name,
                         (long long)(stream->watch.patience / NS_PER_S));
    if (!watched)
        return ERR_OK;
    link->stats.stale++;
    if (stream->kind == OF_MARK || stream->kind == OF_PARTIAL || stream->silences > 1)
        binance_ask_again(link, stream, link->ts);
    return stream->kind == OF_MARK
               ? ERR_OK
               : binance_stream_lost(link, stream, true, "nothing came for so long that it is stale");
}

err_t binance_lines_look(struct binance_link *link)
{
    err_t err = ERR_OK;
    for (uint8_t slot = 0; slot < LINK_CONNS && err == ERR_OK; slot++)
        err = conn_look(link, slot);
    for (struct link_line *line = link->lines; line < link->lines + link->line_count && err == ERR_OK; line++)
        if (line->next != NO_CONN)
            err = renewal_look(link, line);
    for (uint32_t i = 0; i < link->stream_count && err == ERR_OK; i++)
        err = stream_look(link, &link->streams[i]);
    return err;
}
