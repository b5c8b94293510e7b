#include "adapters/binance/link.h"

#include "adapters/binance/link_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void binance_link_wake(struct binance_link *link, ns_t ts)
{
    if (ts < link->due)
        link->due = ts;
}

void binance_link_say(struct binance_link *link, err_t code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    link->stats.said.code = code;
    vsnprintf(link->stats.said.text, sizeof(link->stats.said.text), fmt, args);
    va_end(args);
}

static struct binance_link *of(struct link *link)
{
    return (struct binance_link *)link;
}

/* Refusals of a frame; anything else is final. */
bool binance_is_refusal(err_t err)
{
    return err == ERR_SYNTAX || err == ERR_RANGE || err == ERR_PRECISION || err == ERR_UNSUPPORTED;
}

/* --- what comes out of the machine --- */

/* A book that broke asks for a snapshot: at once, unless it broke just now. */
static void note_gap(struct binance_link *link, uint16_t instrument)
{
    uint32_t index = instrument < link->instrument_count ? link->book_of[instrument] : 0;
    if (index == 0)
        return;
    struct link_book *book = &link->books[index - 1];
    if (book->stream_of[OF_TRADE] != NO_STREAM)
        link->streams[book->stream_of[OF_TRADE]].gap_told = true;
    if (book->stream_of[OF_DIFF] == NO_STREAM)
        return;
    if (link->ts - book->synced_at > SNAPSHOT_CALM)
        book->tries = 0;
    bool calm = book->tries == 0;
    ns_t wait = binance_book_retry_wait(book);
    binance_book_new_epoch(book);
    binance_book_want(link, book, link->ts + (calm ? 0 : wait));
}

err_t binance_link_emit(void *context, const struct event *event)
{
    struct binance_link *link = context;
    if (UNLIKELY(event->kind == EVENT_GAP))
        note_gap(link, event->instrument);
    link->event_seq = event->seq;
    link->event_exch_ts = event->exch_ts;
    return link->sink.emit(link->sink.context, event);
}

err_t binance_book_lost(struct binance_link *link, struct link_book *book, bool ask, const char *reason)
{
    binance_book_new_epoch(book);
    err_t err = machine_lost_one(book->symbol, link->ts, reason);
    if (book->stream_of[OF_DIFF] == NO_STREAM)
        return err;
    if (!ask)
        binance_book_want_none(link, book);
    else if (!book->wanted)
        binance_book_want(link, book, link->ts);
    return err;
}

/* --- frames --- */

enum { C_STREAM, C_RESULT, C_ID, C_ERROR, C_CODE, C_MSG, C_EVENT, C_SHUTDOWN, C_COUNT };

void binance_control_shape_init(struct json_shape *shape)
{
    static const char *const names[C_COUNT] = {"stream", "result", "id", "error", "code", "msg", "e", "event"};
    json_shape_init(shape, names, C_COUNT, NULL);
}

/* A frame that is for nobody in particular could not be read: it may have been a diff of any book of the connection.
 */
static err_t unread(struct binance_link *link, uint8_t slot, err_t code, const char *why)
{
    link->stats.refused++;
    binance_link_say(link, code, "%s", why);
    const struct link_line *line = &link->lines[link->conns[slot].line];
    for (uint32_t i = line->first; i < line->first + line->count; i++) {
        struct line_stream *stream = &link->streams[i];
        if (stream->owner != slot)
            continue;
        err_t err = binance_stream_lost(link, stream, true, "a message could not be read");
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static err_t data_frame(struct binance_link *link, const struct link_input *input, uint32_t index);

/* What does not begin with its stream: answers to our messages, notices, and data written in another order. */
static err_t control_frame(struct binance_link *link, const struct link_input *input)
{
    struct json_value values[C_COUNT];
    struct err_text why = {.code = ERR_OK};
    err_t err = json_members(link->json, input->text, input->text_size, &link->control, values, &why);
    if (err != ERR_OK)
        return err == ERR_NOMEM ? err : unread(link, input->conn, err, why.text);
    if (values[C_STREAM].kind == JSON_STRING) {
        uint32_t index = binance_stream_find(link, values[C_STREAM].text, values[C_STREAM].size);
        if (index != NO_STREAM)
            return data_frame(link, input, index);
        link->stats.refused++;
        binance_link_say(link, ERR_UNSUPPORTED, "a message of a stream that was not asked for: %.*s",
                         values[C_STREAM].size < 90 ? (int)values[C_STREAM].size : 90, values[C_STREAM].text);
        return ERR_OK;
    }
    if (json_is(&values[C_EVENT], "serverShutdown", 14) || values[C_SHUTDOWN].kind != JSON_ABSENT) {
        struct link_line *line = &link->lines[link->conns[input->conn].line];
        if (line->now == input->conn)
            binance_line_renew(link, line, "the venue is about to shut this server down");
        return ERR_OK;
    }
    uint64_t id = 0;
    const struct json_value *error = &values[values[C_ERROR].kind != JSON_ABSENT ? C_ERROR : C_MSG];
    bool refused = error->kind != JSON_ABSENT || values[C_CODE].kind != JSON_ABSENT;
    if (values[C_ID].kind != JSON_ABSENT && wire_u64(&values[C_ID], "id", &id, &why) != ERR_OK)
        id = 0;
    if (id != 0 || refused)
        return binance_conn_answered(link, input->conn, id, refused, error->text, error->size);
    /* Understood by the machine (and counted there), or not at all. */
    const struct frame frame = {.ts = input->ts, .text = input->text, .size = input->text_size};
    err = link->market->ops->frame(link->market, &frame, &why);
    if (err == ERR_OK || !binance_is_refusal(err))
        return err;
    link->stats.refused++;
    binance_link_say(link, err, "%s", why.text);
    return ERR_OK;
}

/* The stamp or id by which the next connection's messages are told from those that came already. */
static void note_key(struct binance_link *link, struct line_stream *stream)
{
    if (stream->kind == OF_PARTIAL || stream->kind == OF_BBO)
        stream->key = link->event_seq;
    else
        stream->key = (uint64_t)link->event_exch_ts;
}

static err_t frame_refused(struct binance_link *link, struct line_stream *stream, err_t code, const char *why)
{
    link->stats.refused++;
    binance_link_say(link, code, "%.*s: %s", (int)stream->name_size, stream->name, why);
    return binance_stream_lost(link, stream, true, "a message could not be read");
}

static err_t data_frame(struct binance_link *link, const struct link_input *input, uint32_t index)
{
    struct line_stream *stream = &link->streams[index];
    struct link_conn *conn = &link->conns[input->conn];
    struct err_text why;
    err_t err;
    if (UNLIKELY(stream->line != conn->line)) {
        link->stats.refused++;
        binance_link_say(link, ERR_UNSUPPORTED, "%.*s came over a connection that did not ask for it",
                         (int)stream->name_size, stream->name);
        return ERR_OK;
    }
    stale_watch_seen(&conn->data, input->ts);
    if (UNLIKELY(!conn->spoke)) {
        conn->spoke = true;
        struct link_line *line = &link->lines[conn->line];
        line->quiet_row = 0;
        backoff_reset(&line->backoff);
    }
    if (UNLIKELY(stream->owner != input->conn || stream->meeting)) {
        bool take;
        err = binance_overlap_takes(link, stream, input->conn, input, &take);
        if (err != ERR_OK || !take)
            return err;
    }
    if (UNLIKELY(stream->look_for_holes) && (err = binance_look_for_hole(link, stream, input)) != ERR_OK)
        return err;
    const struct frame frame = {.ts = input->ts, .text = input->text, .size = input->text_size};
    why.code = ERR_OK;
    link->event_seq = 0;
    err = link->market->ops->frame(link->market, &frame, &why);
    if (UNLIKELY(err != ERR_OK))
        return binance_is_refusal(err) ? frame_refused(link, stream, err, why.text) : err;
    stale_watch_seen(&stream->watch, input->ts);
    stream->silences = 0;
    if (stream->kind == OF_DIFF) {
        struct link_book *book = &link->books[stream->symbol];
        if (UNLIKELY(book->first_diff)) {
            book->first_diff = false;
            binance_book_want(link, book, input->ts);
        }
    } else if (stream->kind == OF_TRADE) {
        stream->gap_told = false;
    } else {
        note_key(link, stream);
    }
    if (UNLIKELY(stream->held != 0))
        binance_overlap_caught_up(link, stream);
    return ERR_OK;
}

#define STREAM_HEAD "{\"stream\":\""

static err_t text_frame(struct binance_link *link, const struct link_input *input)
{
    const size_t head = sizeof(STREAM_HEAD) - 1;
    struct link_conn *conn = &link->conns[input->conn];
    link->stats.frames++;
    if (UNLIKELY(conn->state != CONN_UP))
        return ERR_OK; /* one that is being closed */
    conn->heard = input->ts;
    if (LIKELY(input->text_size > head && memcmp(input->text, STREAM_HEAD, head) == 0)) {
        const char *name = input->text + head;
        size_t most = input->text_size - head;
        const char *quote = memchr(name, '"', most < STREAM_NAME_SIZE ? most : STREAM_NAME_SIZE);
        if (LIKELY(quote != NULL)) {
            uint32_t index = binance_stream_find(link, name, (size_t)(quote - name));
            if (LIKELY(index != NO_STREAM))
                return data_frame(link, input, index);
        }
    }
    return control_frame(link, input);
}

/* --- time --- */

static void shift(ns_t *ts, ns_t step)
{
    if (*ts != NS_MAX && *ts > 0)
        *ts = *ts > NS_MAX - step ? NS_MAX : *ts + step;
}

/* Our clock was set. Forward, `ts` jumps: what looks like time did not pass, so everything that waits waits on.
 * Backward: `ts` never falls, so nothing that waits is wrong, only late. */
static void clock_stepped(struct binance_link *link, ns_t step)
{
    link->stats.clock_steps++;
    if (step <= 0)
        return; /* the venue's clock has not moved against `ts` either */
    venue_clock_stepped(&link->clock, step);
    link->time_epoch++;
    rate_limit_shift(&link->weight, step);
    rate_limit_shift(&link->connects, step);
    for (uint32_t i = 0; i < link->stream_count; i++)
        stale_watch_shift(&link->streams[i].watch, step);
    for (uint32_t i = 0; i < link->book_count; i++) {
        shift(&link->books[i].wanted_at, step);
        shift(&link->books[i].synced_at, step);
        stale_watch_shift(&link->books[i].poll_watch, step);
    }
    for (uint32_t i = 0; i < link->line_count; i++) {
        shift(&link->lines[i].open_at, step);
        shift(&link->lines[i].renew_at, step);
    }
    for (unsigned i = 0; i < LINK_CONNS; i++) {
        struct link_conn *conn = &link->conns[i];
        shift(&conn->since, step);
        shift(&conn->live_at, step);
        shift(&conn->heard, step);
        shift(&conn->ping_at, step);
        stale_watch_shift(&conn->data, step);
        rate_limit_shift(&conn->messages, step);
        for (unsigned k = 0; k < ASKS_MAX; k++)
            shift(&conn->asks[k].sent, step);
    }
    for (unsigned i = 0; i < REQUESTS_MAX; i++)
        shift(&link->requests[i].sent, step);
    shift(&link->look_at, step);
    shift(&link->want_at, step);
    shift(&link->time_at, step);
}

static err_t run_due(struct binance_link *link)
{
    link->due = NS_MAX;
    err_t err = ERR_OK;
    if (link->ts >= link->look_at) {
        link->look_at = link->ts + LOOK_EVERY;
        err = binance_lines_look(link);
        if (err == ERR_OK)
            err = binance_requests_look(link);
    }
    if (err == ERR_OK)
        err = binance_lines_due(link);
    if (err == ERR_OK)
        binance_requests_due(link);
    binance_link_wake(link, link->look_at);
    return err;
}

static void begin(struct binance_link *link)
{
    link->begun = true;
    link->look_at = link->time_at = link->ts;
    for (uint32_t i = 0; i < link->line_count; i++)
        link->lines[i].open_at = link->ts;
    for (uint32_t i = 0; i < link->book_count && link->poll > 0; i++) {
        struct link_book *book = &link->books[i];
        if ((book->streams & (LINK_BOOK | LINK_PARTIAL)) == 0)
            continue;
        stale_watch_start(&book->poll_watch, link->ts);
        binance_book_want(link, book, link->ts);
    }
    link->due = link->ts;
}

/* --- the verbs --- */

static err_t event_input(struct binance_link *link, const struct link_input *input)
{
    switch ((enum link_what)input->what) {
    case LINK_UP:
        return binance_conn_up(link, input->conn);
    case LINK_DOWN:
        return binance_conn_down(link, input->conn, input->status, input->text, input->text_size);
    case LINK_PONG: {
        struct link_conn *conn = &link->conns[input->conn];
        if (conn->state == CONN_UP && conn->pinged) {
            conn->pinged = false;
            conn->heard = input->ts;
            rate_limit_settle(&conn->messages, input->ts, conn->ping_ticket);
        }
        return ERR_OK;
    }
    case LINK_ANSWER:
        return binance_request_answered(link, input);
    case LINK_FAILED:
        return binance_request_failed(link, input);
    case LINK_CLOCK:
        clock_stepped(link, input->value);
        return ERR_OK;
    case LINK_DROPPED:
        return binance_conn_dropped(link, input->conn, input->value);
    case LINK_TEXT:
    case LINK_BINARY:
    case LINK_TICK:
    case LINK_COMMAND:
    case LINK_WHAT_COUNT:
        break;
    }
    return ERR_OK;
}

static err_t link_input(struct link *self, const struct link_input *input, struct err_text *why)
{
    struct binance_link *link = of(self);
    err_t err;
    link->stats.inputs++;
    link->stats.bytes += input->text_size + (uint64_t)input->head_size;
    if (LIKELY(input->ts > link->ts))
        link->ts = input->ts;
    if (UNLIKELY(!link->begun))
        begin(link);
    if (LIKELY((input->what == LINK_TEXT || input->what == LINK_BINARY) && input->conn < LINK_CONNS))
        err = text_frame(link, input);
    else if (input->conn < LINK_CONNS || input->what == LINK_ANSWER || input->what == LINK_FAILED ||
             input->what == LINK_DROPPED)
        err = event_input(link, input);
    else
        err = ERR_OK;
    if (UNLIKELY(err == ERR_OK && link->ts >= link->due))
        err = run_due(link);
    return err == ERR_OK ? ERR_OK : err_say(why, err, "%s: %s", link->link.ops->venue, err_words(err));
}

static ns_t link_due(const struct link *self)
{
    const struct binance_link *link = (const struct binance_link *)self;
    return link->begun ? link->due : 0;
}

static const struct market_stats *link_market(const struct link *self, uint16_t instrument)
{
    const struct binance_link *link = (const struct binance_link *)self;
    if (instrument == INSTRUMENT_NONE)
        return machine_stats((const struct machine *)link->market, instrument);
    uint32_t index = instrument < link->instrument_count ? link->book_of[instrument] : 0;
    return index == 0 ? NULL : link->books[index - 1].symbol->stats;
}

static void link_stats(const struct link *self, struct link_stats *stats)
{
    const struct binance_link *link = (const struct binance_link *)self;
    *stats = link->stats;
    stats->clock_offset = link->clock.offset;
    stats->clock_uncertainty = link->clock.uncertainty;
    stats->clock_samples = link->clock.samples;
}

static void link_close(struct link *self)
{
    if (self == NULL)
        return;
    struct binance_link *link = of(self);
    if (link->market != NULL)
        link->market->ops->close(link->market);
    json_close(link->json);
    free(link->rest);
    free(link->stream);
    free(link->books);
    free(link->book_of);
    free(link->streams);
    free(link->names);
    free(link->slots);
    free(link);
}

static const struct link_ops spot_ops = {"binance-spot", link_input, link_due, link_market, link_stats, link_close};
static const struct link_ops usdm_ops = {"binance-usdm", link_input, link_due, link_market, link_stats, link_close};

const struct link_ops *binance_link_ops(enum binance_flavour flavour)
{
    return flavour == BINANCE_SPOT ? &spot_ops : &usdm_ops;
}
