#include "adapters/binance/link.h"

#include "adapters/binance/link_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void link_wake(struct binance_link *link, ns_t ts)
{
    if (ts < link->due)
        link->due = ts;
}

void link_say(struct binance_link *link, err_t code, const char *fmt, ...)
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
static bool is_refusal(err_t err)
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
    ns_t wait = book_retry_wait(book);
    book_new_epoch(book);
    book_want(link, book, link->ts + (calm ? 0 : wait));
}

static err_t link_emit(void *context, const struct event *event)
{
    struct binance_link *link = context;
    if (UNLIKELY(event->kind == EVENT_GAP))
        note_gap(link, event->instrument);
    link->event_seq = event->seq;
    link->event_exch_ts = event->exch_ts;
    return link->sink.emit(link->sink.context, event);
}

err_t book_lost(struct binance_link *link, struct link_book *book, bool ask, const char *reason)
{
    book_new_epoch(book);
    err_t err = machine_lost_one(book->symbol, link->ts, reason);
    if (book->stream_of[OF_DIFF] == NO_STREAM)
        return err;
    if (!ask)
        book_want_none(link, book);
    else if (!book->wanted)
        book_want(link, book, link->ts);
    return err;
}

/* --- frames --- */

enum { C_STREAM, C_RESULT, C_ID, C_ERROR, C_CODE, C_MSG, C_EVENT, C_SHUTDOWN, C_COUNT };

/* A frame that is for nobody in particular could not be read: it may have been a diff of any book of the connection.
 */
static err_t unread(struct binance_link *link, uint8_t slot, err_t code, const char *why)
{
    link->stats.refused++;
    link_say(link, code, "%s", why);
    const struct link_line *line = &link->lines[link->conns[slot].line];
    for (uint32_t i = line->first; i < line->first + line->count; i++) {
        struct line_stream *stream = &link->streams[i];
        if (stream->owner != slot)
            continue;
        err_t err = stream_lost(link, stream, true, "a message could not be read");
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
        uint32_t index = stream_find(link, values[C_STREAM].text, values[C_STREAM].size);
        if (index != NO_STREAM)
            return data_frame(link, input, index);
        link->stats.refused++;
        link_say(link, ERR_UNSUPPORTED, "a message of a stream that was not asked for: %.*s",
                 values[C_STREAM].size < 90 ? (int)values[C_STREAM].size : 90, values[C_STREAM].text);
        return ERR_OK;
    }
    if (json_is(&values[C_EVENT], "serverShutdown", 14) || values[C_SHUTDOWN].kind != JSON_ABSENT) {
        struct link_line *line = &link->lines[link->conns[input->conn].line];
        if (line->now == input->conn)
            line_renew(link, line, "the venue is about to shut this server down");
        return ERR_OK;
    }
    uint64_t id = 0;
    const struct json_value *error = &values[values[C_ERROR].kind != JSON_ABSENT ? C_ERROR : C_MSG];
    bool refused = error->kind != JSON_ABSENT || values[C_CODE].kind != JSON_ABSENT;
    if (values[C_ID].kind != JSON_ABSENT && wire_u64(&values[C_ID], "id", &id, &why) != ERR_OK)
        id = 0;
    if (id != 0 || refused)
        return conn_answered(link, input->conn, id, refused, error->text, error->size);
    /* Understood by the machine (and counted there), or not at all. */
    const struct frame frame = {.ts = input->ts, .text = input->text, .size = input->text_size};
    err = link->market->ops->frame(link->market, &frame, &why);
    if (err == ERR_OK || !is_refusal(err))
        return err;
    link->stats.refused++;
    link_say(link, err, "%s", why.text);
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
    link_say(link, code, "%.*s: %s", (int)stream->name_size, stream->name, why);
    return stream_lost(link, stream, true, "a message could not be read");
}

static err_t data_frame(struct binance_link *link, const struct link_input *input, uint32_t index)
{
    struct line_stream *stream = &link->streams[index];
    struct link_conn *conn = &link->conns[input->conn];
    struct err_text why;
    err_t err;
    if (UNLIKELY(stream->line != conn->line)) {
        link->stats.refused++;
        link_say(link, ERR_UNSUPPORTED, "%.*s came over a connection that did not ask for it", (int)stream->name_size,
                 stream->name);
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
        err = overlap_takes(link, stream, input->conn, input, &take);
        if (err != ERR_OK || !take)
            return err;
    }
    if (UNLIKELY(stream->look_for_holes) && (err = look_for_hole(link, stream, input)) != ERR_OK)
        return err;
    const struct frame frame = {.ts = input->ts, .text = input->text, .size = input->text_size};
    why.code = ERR_OK;
    link->event_seq = 0;
    err = link->market->ops->frame(link->market, &frame, &why);
    if (UNLIKELY(err != ERR_OK))
        return is_refusal(err) ? frame_refused(link, stream, err, why.text) : err;
    stale_watch_seen(&stream->watch, input->ts);
    stream->silences = 0;
    if (stream->kind == OF_DIFF) {
        struct link_book *book = &link->books[stream->symbol];
        if (UNLIKELY(book->first_diff)) {
            book->first_diff = false;
            book_want(link, book, input->ts);
        }
    } else if (stream->kind == OF_TRADE) {
        stream->gap_told = false;
    } else {
        note_key(link, stream);
    }
    if (UNLIKELY(stream->held != 0))
        overlap_caught_up(link, stream);
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
            uint32_t index = stream_find(link, name, (size_t)(quote - name));
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
        err = lines_look(link);
        if (err == ERR_OK)
            err = requests_look(link);
    }
    if (err == ERR_OK)
        err = lines_due(link);
    if (err == ERR_OK)
        requests_due(link);
    link_wake(link, link->look_at);
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
        book_want(link, book, link->ts);
    }
    link->due = link->ts;
}

/* --- the verbs --- */

static err_t event_input(struct binance_link *link, const struct link_input *input)
{
    switch ((enum link_what)input->what) {
    case LINK_UP:
        return conn_up(link, input->conn);
    case LINK_DOWN:
        return conn_down(link, input->conn, input->status, input->text, input->text_size);
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
        return request_answered(link, input);
    case LINK_FAILED:
        return request_failed(link, input);
    case LINK_CLOCK:
        clock_stepped(link, input->value);
        return ERR_OK;
    case LINK_DROPPED:
        return conn_dropped(link, input->conn, input->value);
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

/* --- opening --- */

static unsigned kinds_of(unsigned streams)
{
    static const unsigned bits[STREAM_KINDS] = {LINK_BOOK, LINK_PARTIAL, LINK_TRADES, LINK_BBO,
                                                LINK_MARK, LINK_CANDLES, LINK_TICKER};
    unsigned kinds = 0;
    for (unsigned kind = 0; kind < STREAM_KINDS; kind++)
        if (streams & bits[kind])
            kinds |= 1u << kind;
    return kinds;
}

static err_t check_base(const char *base, const char *scheme, struct err_text *why)
{
    if (base == NULL)
        return ERR_OK;
    size_t size = strlen(base), length = strlen(scheme);
    if (strncmp(base, scheme, length) != 0 || size == length)
        return err_say(why, ERR_CONFIG, "endpoint \"%.100s\": expected %shost[:port]", base, scheme);
    if (size > 512 || base[size - 1] == '/')
        return err_say(why, ERR_CONFIG, "endpoint \"%.100s\": %s", base,
                       size > 512 ? "more than 512 bytes" : "no / at its end, please");
    return ERR_OK;
}

/* Streams are named in small letters. */
static bool same_letters(const char *a, const char *b)
{
    for (;; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a - 'A' + 'a') : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b - 'A' + 'a') : *b;
        if (x != y)
            return false;
        if (x == '\0')
            return true;
    }
}

#define DURATION_MAX (INT64_C(30) * 24 * 3600 * NS_PER_S)

err_t binance_link_check(enum binance_flavour flavour, const struct link_config *config, struct err_text *why)
{
    if (flavour != BINANCE_SPOT && flavour != BINANCE_USDM)
        return err_say(why, ERR_UNSUPPORTED, "%s: a session reads binance-spot or binance-usdm",
                       binance_flavour_venue(flavour));
    err_t err = check_base(config->rest, "https://", why);
    if (err == ERR_OK)
        err = check_base(config->stream, "wss://", why);
    if (err != ERR_OK)
        return err;
    if (config->symbol_count == 0 || config->symbol_count > LINK_SYMBOLS_MAX)
        return err_say(why, ERR_CONFIG, "%u symbols: a link has 1 to %d", config->symbol_count, LINK_SYMBOLS_MAX);
    const ns_t durations[] = {config->poll, config->stale, config->silence, config->renew};
    for (size_t i = 0; i < ARRAY_LEN(durations); i++)
        if (durations[i] < 0 || durations[i] > DURATION_MAX)
            return err_say(why, ERR_CONFIG, "a duration of %lld ns: expected 0 to 30 days", (long long)durations[i]);
    uint32_t counts[ROUTE_COUNT] = {0};
    for (uint32_t i = 0; i < config->symbol_count; i++) {
        const struct link_symbol *symbol = &config->symbols[i];
        char name[STREAM_NAME_SIZE];
        size_t size = strlen(symbol->symbol);
        if (size == 0 || size >= SYMBOL_SIZE)
            return err_say(why, ERR_CONFIG, "symbol \"%.60s\": expected 1 to %d bytes", symbol->symbol,
                           SYMBOL_SIZE - 1);
        if (symbol->instrument >= INSTRUMENTS_MAX)
            return err_say(why, ERR_CONFIG, "%s: instrument %u; there are at most %d", symbol->symbol,
                           symbol->instrument, INSTRUMENTS_MAX);
        unsigned kinds = kinds_of(symbol->streams);
        if (kinds == 0)
            return err_say(why, ERR_CONFIG, "%s: no stream is asked for", symbol->symbol);
        for (uint32_t k = 0; k < i; k++)
            if (same_letters(config->symbols[k].symbol, symbol->symbol) ||
                config->symbols[k].instrument == symbol->instrument)
                return err_say(why, ERR_CONFIG, "%s: this symbol, or its instrument %u, is there twice",
                               symbol->symbol, symbol->instrument);
        for (unsigned kind = 0; kind < STREAM_KINDS; kind++) {
            if ((kinds & 1u << kind) == 0)
                continue;
            err = stream_name(flavour, config, symbol->symbol, (enum stream_kind)kind, name, &size, why);
            if (err != ERR_OK)
                return err;
            counts[route_of(flavour, (enum stream_kind)kind)]++;
        }
    }
    uint32_t lines = 0;
    for (unsigned route = 0; route < ROUTE_COUNT; route++)
        lines += (counts[route] + STREAMS_PER_LINE - 1) / STREAMS_PER_LINE;
    if (lines > LINES_MAX)
        return err_say(why, ERR_CONFIG, "%u streams: a link has at most %d connections of %d streams",
                       counts[0] + counts[1], LINES_MAX, STREAMS_PER_LINE);
    if (config->poll > 0 && config->partial_levels > 1000)
        return err_say(why, ERR_CONFIG, "polled books of %u levels: at most 1000", config->partial_levels);
    return ERR_OK;
}

static err_t symbols_up(struct binance_link *link, const struct link_config *config)
{
    struct err_text why;
    for (uint32_t i = 0; i < config->symbol_count; i++)
        if (config->symbols[i].instrument >= link->instrument_count)
            link->instrument_count = config->symbols[i].instrument + 1u;
    link->book_count = config->symbol_count;
    link->books = calloc(link->book_count, sizeof(*link->books));
    link->book_of = calloc(link->instrument_count, sizeof(*link->book_of));
    if (link->books == NULL || link->book_of == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < link->book_count; i++) {
        struct link_book *book = &link->books[i];
        const struct link_symbol *symbol = &config->symbols[i];
        book->size = (uint8_t)strlen(symbol->symbol);
        memcpy(book->text, symbol->symbol, book->size);
        book->instrument = symbol->instrument;
        book->streams = symbol->streams;
        for (unsigned kind = 0; kind < STREAM_KINDS; kind++)
            book->stream_of[kind] = NO_STREAM;
        link->book_of[symbol->instrument] = i + 1;
        stale_watch_init(&book->poll_watch, link->stale);
        why.code = ERR_OK;
        err_t err = machine_symbol((struct machine *)link->market, book->text, book->size, &book->symbol, &why);
        if (err != ERR_OK)
            return is_refusal(err) ? ERR_CONFIG : err;
    }
    return ERR_OK;
}

/* Streams in order of routes, then kinds, then symbols: the books of a route stand in its URLs. */
static err_t streams_up(struct binance_link *link, const struct link_config *config)
{
    uint32_t count = 0, index = 0;
    for (uint32_t i = 0; i < link->book_count; i++)
        count += (uint32_t)__builtin_popcount(kinds_of(link->books[i].streams));
    uint32_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    link->streams = calloc(count, sizeof(*link->streams));
    link->names = calloc(count, STREAM_NAME_SIZE);
    link->slots = calloc(slots, sizeof(*link->slots));
    link->slot_mask = slots - 1;
    if (link->streams == NULL || link->names == NULL || link->slots == NULL)
        return ERR_NOMEM;
    for (unsigned route = 0; route < ROUTE_COUNT; route++) {
        struct link_line *line = NULL;
        for (unsigned kind = 0; kind < STREAM_KINDS; kind++) {
            for (uint32_t i = 0; i < link->book_count; i++) {
                struct link_book *book = &link->books[i];
                if ((kinds_of(book->streams) & 1u << kind) == 0 ||
                    route_of(link->flavour, (enum stream_kind)kind) != route)
                    continue;
                if (line == NULL || line->count == STREAMS_PER_LINE) {
                    line = &link->lines[link->line_count++];
                    *line = (struct link_line){.route = (uint8_t)route,
                                               .first = index,
                                               .now = NO_CONN,
                                               .next = NO_CONN,
                                               .open_at = NS_MAX,
                                               .renew_at = NS_MAX};
                }
                struct line_stream *stream = &link->streams[index];
                char *name = link->names + (size_t)index * STREAM_NAME_SIZE;
                size_t size;
                err_t err = stream_name(link->flavour, config, book->text, (enum stream_kind)kind, name, &size, NULL);
                if (err != ERR_OK)
                    return err;
                stream->name = name;
                stream->name_size = (uint16_t)size;
                stream->kind = (uint8_t)kind;
                stream->line = (uint8_t)(link->line_count - 1);
                stream->symbol = i;
                stream->owner = NO_CONN;
                bool book_stream = kind == OF_DIFF || kind == OF_PARTIAL;
                ns_t patience = book_stream || link->stale > SILENT_START ? link->stale : SILENT_START;
                stale_watch_init(&stream->watch, patience);
                book->stream_of[kind] = index;
                line->count++;
                link->stream_count = ++index;
                if (!stream_put(link, index - 1))
                    return ERR_CONFIG; /* two symbols that differ in their letters' case only */
            }
        }
    }
    for (uint32_t i = 0; i < link->line_count; i++) {
        struct link_line *line = &link->lines[i];
        line->in_url = streams_in_url(link, line);
        backoff_init(&line->backoff, NS_PER_S, 60 * NS_PER_S, config->seed, 2 * (uint64_t)i + 1);
        backoff_init(&line->renewal, NS_PER_S, 60 * NS_PER_S, config->seed, 2 * (uint64_t)i + 2);
    }
    return ERR_OK;
}

static uint32_t poll_levels_of(const struct link_config *config)
{
    static const uint32_t sizes[] = {5, 10, 20, 50, 100, 500, 1000};
    uint32_t wanted = config->partial_levels == 0 ? 20 : config->partial_levels;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (sizes[i] >= wanted)
            return sizes[i];
    return 1000;
}

static void limits_up(struct binance_link *link)
{
    bool spot = link->flavour == BINANCE_SPOT;
    const struct rate_rule weight = {
        .windows = {{spot ? 5400 : 2160, 60 * NS_PER_S}}, .stop_429 = 60 * NS_PER_S, .stop_418 = 120 * NS_PER_S};
    const struct rate_rule connects = {
        .windows = {{270, 300 * NS_PER_S}}, .stop_429 = 60 * NS_PER_S, .stop_418 = 120 * NS_PER_S};
    const struct rate_rule messages = {
        .windows = {{spot ? 3 : 8, NS_PER_S}}, .stop_429 = NS_PER_S, .stop_418 = NS_PER_S};
    rate_limit_init(&link->weight, &weight);
    rate_limit_init(&link->connects, &connects);
    for (unsigned i = 0; i < LINK_CONNS; i++)
        rate_limit_init(&link->conns[i].messages, &messages);
}

/* Asked only while the symbols of the config are made known to the machine, and for those of frames that we never
 * asked for. */
static err_t link_discover(void *context, const char *symbol, size_t size, uint16_t *number,
                           const struct instrument **instrument)
{
    struct binance_link *link = context;
    *number = INSTRUMENT_NONE;
    *instrument = NULL;
    for (uint32_t i = 0; i < link->book_count; i++) {
        const struct link_book *book = &link->books[i];
        if (book->size == size && memcmp(book->text, symbol, size) == 0) {
            *number = book->instrument;
            *instrument = &link->instruments[book->instrument];
        }
    }
    return ERR_OK;
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

err_t binance_link_open(enum binance_flavour flavour, const struct link_config *config,
                        const struct market_sink *sink, const struct link_wire *wire, struct link **out)
{
    static const char *const control[C_COUNT] = {"stream", "result", "id", "error", "code", "msg", "e", "event"};
    err_t err = binance_link_check(flavour, config, NULL);
    if (err != ERR_OK)
        return err;
    struct binance_link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return ERR_NOMEM;
    link->link.ops = flavour == BINANCE_SPOT ? &spot_ops : &usdm_ops;
    link->flavour = flavour;
    link->number = config->number;
    link->sink = *sink;
    link->wire = *wire;
    link->instruments = config->instruments;
    link->poll = config->poll;
    link->stale = config->stale > 0 ? config->stale : 10 * NS_PER_S;
    link->silence = config->silence > 0 ? config->silence : 30 * NS_PER_S;
    link->renew = config->renew > 0 ? config->renew : (23 * 60 + 30) * 60 * NS_PER_S;
    link->poll_levels = poll_levels_of(config);
    link->poll_weight = depth_weight(flavour, link->poll_levels);
    link->due = link->want_at = NS_MAX;
    link->last_stream = NO_STREAM;
    link->rest = copy_text(config->rest != NULL ? config->rest : default_rest(flavour));
    link->stream = copy_text(config->stream != NULL ? config->stream : default_stream(flavour));
    prng_init(&link->prng, config->seed, UINT64_C(0x62696e6c));
    limits_up(link);
    venue_clock_init(&link->clock);
    json_shape_init(&link->control, control, C_COUNT, NULL);
    span_shape_init(&link->span);
    const struct market_sink own = {link, link_emit, link_discover};
    err = link->rest == NULL || link->stream == NULL ? ERR_NOMEM : json_open(64u << 10, &link->json);
    if (err == ERR_OK)
        err = binance_market_open(flavour, &own, &link->market);
    if (err == ERR_OK)
        err = symbols_up(link, config);
    if (err == ERR_OK && link->poll == 0)
        err = streams_up(link, config);
    if (err != ERR_OK) {
        link_close(&link->link);
        return err;
    }
    *out = &link->link;
    return ERR_OK;
}
