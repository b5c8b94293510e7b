/* How: every input first makes happen what was due, then is dealt with by its kind. What the market machine emits
 * comes to on_event, which knows where the frame came from. */
#include "adapters/upbit/link_state.h"

#include "adapters/upbit/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_REST    "https://api.upbit.com"
#define DEFAULT_STREAM  "wss://api.upbit.com"
#define DEFAULT_STALE   (10 * NS_PER_S)
#define DEFAULT_SILENCE (90 * NS_PER_S)
#define DEFAULT_RENEW   ((23 * 60 + 30) * 60 * NS_PER_S)
#define POLL_MIN        (50 * NS_PER_MS)
#define ALL_STREAMS     (LINK_BOOK | LINK_PARTIAL | LINK_TRADES | LINK_CANDLES | LINK_TICKER)
#define BOOKS           (LINK_BOOK | LINK_PARTIAL)
/* Bytes of a subscription: four types, each with every code, and the words around. */
#define TEXT_SIZE(symbols) (4096 + (size_t)(symbols)*4 * (SYMBOL_SIZE + 8))

void upbit_note(struct upbit_link *link, err_t code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char text[sizeof(link->stats.said.text)];
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)err_say(&link->stats.said, code, "%s", text);
}

/* ---- what was lost ---- */

err_t upbit_lost(struct upbit_link *link, struct upbit_symbol *symbol, const char *reason)
{
    symbol->market->has_book = false;
    if (symbol->lost)
        return ERR_OK;
    symbol->lost = true;
    symbol->market->stats->gaps++;
    struct event_text body = {{0}};
    snprintf(body.text, sizeof(body.text), "%s", reason);
    const struct event gap = {.ts = link->ts, .body = &body, .instrument = symbol->instrument, .kind = EVENT_GAP};
    return link->sink.emit(link->sink.context, &gap);
}

err_t upbit_lost_all(struct upbit_link *link, const char *reason)
{
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < link->symbol_count && err == ERR_OK; i++)
        err = upbit_lost(link, &link->symbols[i], reason);
    return err;
}

/* ---- what the market machine emits ---- */

static enum stream_kind kind_of(uint8_t event)
{
    return event == EVENT_BOOK_SNAPSHOT ? OF_BOOK : event == EVENT_TICKER ? OF_TICKER : OF_CANDLE;
}

/* The other connection, or the answer, brought it before. */
static bool is_told(struct upbit_link *link, struct upbit_symbol *symbol, const struct event *event)
{
    if (event->kind == EVENT_TRADE)
        return false; /* the machine keeps their ids */
    const enum stream_kind kind = kind_of(event->kind);
    const bool told = symbol->last[kind].from != link->from && event->exch_ts <= symbol->last[kind].stamp &&
                      symbol->last[kind].stamp != 0;
    if (!told) {
        symbol->last[kind].stamp = event->exch_ts;
        symbol->last[kind].from = link->from;
    }
    return told;
}

static err_t on_event(void *context, const struct event *event)
{
    struct upbit_link *link = context;
    struct upbit_symbol *symbol = &link->symbols[link->symbol_of[event->instrument] - 1];
    const bool told = is_told(link, symbol, event);
    if (event->kind == EVENT_BOOK_SNAPSHOT) {
        (void)stale_watch_seen(&symbol->watch, link->ts);
        if (link->from != FROM_REST) {
            symbol->stream_stamp = event->exch_ts;
            symbol->heard_round[link->from] = link->conns[link->from].round;
            symbol->dead = 0;
        }
    } else if (link->from != FROM_REST && (symbol->streams & BOOKS) == 0) {
        symbol->heard_round[link->from] = link->conns[link->from].round;
    }
    /* A book that was lost comes back even when it is the same as before. */
    if (told && !(symbol->lost && event->kind == EVENT_BOOK_SNAPSHOT))
        return ERR_OK;
    if (event->kind == EVENT_BOOK_SNAPSHOT || (symbol->streams & BOOKS) == 0)
        symbol->lost = false;
    return link->sink.emit(link->sink.context, event);
}

static err_t on_discover(void *context, const char *text, size_t size, uint16_t *number,
                         const struct instrument **instrument)
{
    struct upbit_link *link = context;
    *number = INSTRUMENT_NONE;
    *instrument = NULL;
    for (uint32_t i = 0; i < link->symbol_count; i++)
        if (strlen(link->symbols[i].text) == size && memcmp(link->symbols[i].text, text, size) == 0)
            *number = link->symbols[i].instrument;
    return ERR_OK;
}

/* ---- frames ---- */

err_t upbit_frame(struct upbit_link *link, const struct link_input *input, enum frame_kind kind, uint8_t from)
{
    const struct frame frame = {.ts = input->ts, .text = input->text, .size = input->text_size, .kind = kind};
    struct err_text why = {0};
    link->from = from;
    const err_t err = link->market->ops->frame(link->market, &frame, &why);
    if (LIKELY(err == ERR_OK))
        return ERR_OK;
    if (err != ERR_SYNTAX && err != ERR_RANGE && err != ERR_PRECISION && err != ERR_UNSUPPORTED)
        return err;
    link->stats.refused++;
    link->stats.said = why;
    if (from != FROM_REST && strstr(why.text, "Too Many") != NULL) {
        (void)rate_limit_answer(&link->conns[from].messages, link->ts, 429, NULL, 0, NULL, 0, 0);
        link->conns[from].again = true;
    }
    /* Whose it was is not known: an error of the venue is nobody's, a book that cannot be read may be anybody's. */
    return err == ERR_UNSUPPORTED ? ERR_OK : upbit_lost_all(link, "a message could not be read");
}

/* ---- time ---- */

static err_t look_at_books(struct upbit_link *link)
{
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < link->symbol_count && err == ERR_OK; i++) {
        struct upbit_symbol *symbol = &link->symbols[i];
        if (stale_watch_look(&symbol->watch, link->ts) == STALE_NO)
            continue;
        link->stats.stale++;
        upbit_note(link, ERR_STALE, "%s: nothing of its book for %lld ms", symbol->text,
                   (long long)(stale_watch_age(&symbol->watch, link->ts) / NS_PER_MS));
        err = upbit_lost(link, symbol, "the book was not heard of for too long");
        if (link->poll == 0)
            upbit_resubscribe(link);
    }
    return err;
}

static err_t look(struct upbit_link *link)
{
    if (!link->begun) {
        link->begun = true;
        link->open_at = link->poll_at = link->ts;
    }
    link->look_at = link->ts + LOOK_EVERY;
    err_t err = look_at_books(link);
    if (err == ERR_OK && link->poll == 0)
        err = upbit_conns_look(link);
    if (err == ERR_OK)
        upbit_rest_look(link);
    return err;
}

static ns_t link_due(const struct link *face)
{
    const struct upbit_link *link = (const struct upbit_link *)face;
    ns_t due = link->look_at;
    if (link->poll > 0 && link->poll_at < due)
        due = link->poll_at;
    return due;
}

static void clock_step(struct upbit_link *link, ns_t step)
{
    link->stats.clock_steps++;
    if (step <= 0)
        return; /* ts goes on as if nothing had happened */
    venue_clock_stepped(&link->clock, step);
    for (uint32_t i = 0; i < link->symbol_count; i++)
        stale_watch_shift(&link->symbols[i].watch, step);
    rate_limit_shift(&link->connects, step);
    rate_limit_shift(&link->gets, step);
    for (unsigned i = 0; i < CONN_SLOTS; i++) {
        rate_limit_shift(&link->conns[i].messages, step);
        link->conns[i].heard += step;
        link->conns[i].since += step;
        link->conns[i].pinged_at += step;
    }
    for (unsigned i = 0; i < REQUESTS_MAX; i++)
        link->requests[i].sent += step;
}

/* ---- inputs ---- */

static err_t heard(struct upbit_link *link, const struct link_input *input)
{
    struct upbit_conn *conn = &link->conns[input->conn];
    conn->heard = input->ts;
    link->stats.frames++;
    return conn->state == CONN_UP ? upbit_frame(link, input, FRAME_WS, input->conn) : ERR_OK;
}

static void ponged(struct upbit_link *link, const struct link_input *input)
{
    struct upbit_conn *conn = &link->conns[input->conn];
    conn->heard = input->ts;
    if (conn->pinged)
        rate_limit_settle(&conn->messages, input->ts, conn->ping_ticket);
    conn->pinged = false;
}

static err_t dropped(struct upbit_link *link, const struct link_input *input)
{
    link->stats.dropped += (uint64_t)input->value;
    upbit_note(link, ERR_GAP, "%lld messages were thrown away because the session could not follow",
               (long long)input->value);
    return input->conn < CONN_SLOTS ? upbit_lost_all(link, "messages were thrown away") : ERR_OK;
}

static err_t link_input(struct link *face, const struct link_input *input, struct err_text *why)
{
    struct upbit_link *link = (struct upbit_link *)face;
    link->ts = input->ts;
    link->stats.inputs++;
    link->stats.bytes += input->text_size + input->head_size;
    err_t err = ERR_OK;
    if (input->what == LINK_CLOCK)
        clock_step(link, input->value);
    if (input->ts >= link_due(face))
        err = look(link);
    if (err != ERR_OK)
        return err_say(why, err, "upbit: %s", err_words(err));
    const bool of_conn = input->what <= LINK_PONG;
    if (of_conn && input->conn >= CONN_SLOTS)
        return ERR_OK;
    switch ((enum link_what)input->what) {
    case LINK_TEXT:
    case LINK_BINARY:
        err = heard(link, input);
        break;
    case LINK_UP:
        err = upbit_conn_up(link, input->conn);
        break;
    case LINK_DOWN:
        err = upbit_conn_down(link, input);
        break;
    case LINK_PONG:
        ponged(link, input);
        break;
    case LINK_ANSWER:
        err = upbit_answered(link, input);
        break;
    case LINK_FAILED:
        upbit_failed(link, input);
        break;
    case LINK_DROPPED:
        err = dropped(link, input);
        break;
    case LINK_TICK:
    case LINK_CLOCK:
    case LINK_COMMAND:
    case LINK_WHAT_COUNT:
        break;
    }
    return err == ERR_OK ? ERR_OK : err_say(why, err, "upbit: %s", err_words(err));
}

/* ---- what is asked of it ---- */

static const struct market_stats *link_market(const struct link *face, uint16_t instrument)
{
    const struct upbit_link *link = (const struct upbit_link *)face;
    return link->market->ops->stats(link->market, instrument);
}

static void link_read_stats(const struct link *face, struct link_stats *stats)
{
    const struct upbit_link *link = (const struct upbit_link *)face;
    *stats = link->stats;
    stats->clock_offset = link->clock.offset;
    stats->clock_uncertainty = link->clock.uncertainty;
    stats->clock_samples = link->clock.samples;
}

static void link_close(struct link *face)
{
    struct upbit_link *link = (struct upbit_link *)face;
    if (link == NULL)
        return;
    if (link->market != NULL)
        link->market->ops->close(link->market);
    free(link->symbols);
    free(link->symbol_of);
    free(link->names);
    free(link->rest);
    free(link->stream);
    free(link->text);
    free(link);
}

static const struct link_ops ops = {"upbit", link_input, link_due, link_market, link_read_stats, link_close};

/* ---- opening ---- */

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static err_t check_symbol(const struct link_config *config, uint32_t at, struct err_text *why)
{
    const struct link_symbol *symbol = &config->symbols[at];
    const char *dash = symbol->symbol != NULL ? strchr(symbol->symbol, '-') : NULL;
    const size_t size = symbol->symbol != NULL ? strlen(symbol->symbol) : 0;
    if (dash == NULL || dash == symbol->symbol || dash[1] == '\0' || size >= SYMBOL_SIZE ||
        strspn(symbol->symbol, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != size)
        return err_say(why, ERR_CONFIG, "'%.40s' is no market of Upbit: quote and base in capitals, as KRW-BTC",
                       symbol->symbol != NULL ? symbol->symbol : "");
    if (symbol->streams == 0 || (symbol->streams & ~(unsigned)ALL_STREAMS) != 0)
        return err_say(why, ERR_CONFIG, "%s: Upbit has the streams book, trades, candles and ticker", symbol->symbol);
    for (uint32_t i = 0; i < at; i++)
        if (strcmp(config->symbols[i].symbol, symbol->symbol) == 0 ||
            config->symbols[i].instrument == symbol->instrument)
            return err_say(why, ERR_CONFIG, "%s stands there twice", symbol->symbol);
    return ERR_OK;
}

err_t upbit_link_check(const struct link_config *config, struct err_text *why)
{
    static const char *const formats[] = {"DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST"};
    static const char *const candles[] = {"1s", "1m", "3m", "5m", "10m", "15m", "30m", "60m", "240m"};
    const uint32_t levels = config->partial_levels;
    if (config->symbol_count == 0 || config->symbol_count > LINK_SYMBOLS_MAX)
        return err_say(why, ERR_CONFIG, "upbit: 1 to %d symbols", LINK_SYMBOLS_MAX);
    if (config->format != NULL && !is_one_of(config->format, formats, ARRAY_LEN(formats)))
        return err_say(why, ERR_CONFIG, "format '%.20s': DEFAULT, SIMPLE, JSON_LIST or SIMPLE_LIST", config->format);
    if (config->interval != NULL && !is_one_of(config->interval, candles, ARRAY_LEN(candles)))
        return err_say(why, ERR_CONFIG, "interval '%.20s': 1s, 1m, 3m, 5m, 10m, 15m, 30m, 60m or 240m",
                       config->interval);
    if (levels != 0 && levels != 1 && levels != 5 && levels != 15 && levels != 30)
        return err_say(why, ERR_CONFIG, "%u levels: Upbit has 1, 5, 15 or 30", levels);
    if (config->poll < 0 || (config->poll > 0 && config->poll < POLL_MIN))
        return err_say(why, ERR_CONFIG, "poll: at least 50ms");
    if (config->stale < 0 || config->silence < 0 || config->renew < 0)
        return err_say(why, ERR_CONFIG, "stale, silence and renew: durations that are not negative");
    for (uint32_t i = 0; i < config->symbol_count; i++) {
        const err_t err = check_symbol(config, i, why);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static char *copy_text(const char *text, const char *instead)
{
    const char *from = text != NULL ? text : instead;
    char *copy = malloc(strlen(from) + 1);
    if (copy != NULL)
        strcpy(copy, from);
    return copy;
}

/* The instruments of the config, by number, for the market machine. */
struct opening {
    struct upbit_link *link;
    const struct link_config *config;
};

static void open_symbol(struct upbit_link *link, const struct link_config *config, uint32_t at, char *name)
{
    const struct link_symbol *from = &config->symbols[at];
    struct upbit_symbol *symbol = &link->symbols[at];
    symbol->text = strcpy(name, from->symbol);
    symbol->instrument = from->instrument;
    symbol->streams = from->streams;
    stale_watch_init(&symbol->watch, link->stale);
    link->symbol_of[from->instrument] = at + 1;
}

static err_t discover_at_start(void *context, const char *text, size_t size, uint16_t *number,
                               const struct instrument **instrument)
{
    const struct opening *opening = context;
    const err_t err = on_discover(opening->link, text, size, number, instrument);
    if (*number != INSTRUMENT_NONE)
        *instrument = &opening->config->instruments[*number];
    return err;
}

static err_t make(struct upbit_link *link, const struct link_config *config)
{
    uint16_t highest = 0;
    for (uint32_t i = 0; i < config->symbol_count; i++)
        if (config->symbols[i].instrument > highest)
            highest = config->symbols[i].instrument;
    link->instrument_count = highest + 1u;
    link->symbol_count = config->symbol_count;
    link->text_size = TEXT_SIZE(config->symbol_count);
    link->symbols = calloc(config->symbol_count, sizeof(*link->symbols));
    link->symbol_of = calloc(link->instrument_count, sizeof(*link->symbol_of));
    link->names = calloc(config->symbol_count, SYMBOL_SIZE);
    link->text = malloc(link->text_size);
    link->rest = copy_text(config->rest, DEFAULT_REST);
    link->stream = copy_text(config->stream, DEFAULT_STREAM);
    if (link->symbols == NULL || link->symbol_of == NULL || link->names == NULL || link->text == NULL ||
        link->rest == NULL || link->stream == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < config->symbol_count; i++)
        open_symbol(link, config, i, link->names + (size_t)i * SYMBOL_SIZE);
    return ERR_OK;
}

/* Every symbol is known to the machine from the start, so that it never asks later. */
static err_t open_market(struct upbit_link *link, const struct link_config *config)
{
    struct opening opening = {link, config};
    const struct market_sink first = {&opening, on_event, discover_at_start};
    err_t err = upbit_market_open(&first, &link->market);
    if (err != ERR_OK)
        return err;
    struct machine *machine = &((struct upbit *)(void *)link->market)->machine;
    struct err_text unheard = {0};
    for (uint32_t i = 0; i < link->symbol_count && err == ERR_OK; i++)
        err = machine_symbol(machine, link->symbols[i].text, strlen(link->symbols[i].text), &link->symbols[i].market,
                             &unheard);
    machine->sink = (struct market_sink){link, on_event, on_discover};
    for (uint32_t i = 0; i < link->symbol_count && err == ERR_OK; i++)
        link->symbols[i].market->sync.sink = &machine->sink;
    return err;
}

static void set_limits(struct upbit_link *link)
{
    const struct rate_rule connects = {
        .windows = {{5, NS_PER_S}}, .stop_429 = 2 * NS_PER_S, .stop_418 = 300 * NS_PER_S};
    const struct rate_rule messages = {
        .windows = {{5, NS_PER_S}, {100, 60 * NS_PER_S}}, .stop_429 = 2 * NS_PER_S, .stop_418 = 300 * NS_PER_S};
    const struct rate_rule gets = {.windows = {{10, NS_PER_S}}, .stop_429 = NS_PER_S, .stop_418 = 300 * NS_PER_S};
    rate_limit_init(&link->connects, &connects);
    rate_limit_init(&link->gets, &gets);
    for (unsigned i = 0; i < CONN_SLOTS; i++)
        rate_limit_init(&link->conns[i].messages, &messages);
}

err_t upbit_link_open(const struct link_config *config, const struct market_sink *sink, const struct link_wire *wire,
                      struct link **out)
{
    struct err_text unheard = {0};
    err_t err = upbit_link_check(config, &unheard);
    if (err != ERR_OK)
        return err;
    struct upbit_link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return ERR_NOMEM;
    link->link.ops = &ops;
    link->number = config->number;
    link->sink = *sink;
    link->wire = *wire;
    link->poll = config->poll;
    link->stale = config->stale != 0 ? config->stale : DEFAULT_STALE;
    link->silence = config->silence != 0 ? config->silence : DEFAULT_SILENCE;
    link->renew = config->renew != 0 ? config->renew : DEFAULT_RENEW;
    link->levels = config->partial_levels;
    snprintf(link->candle, sizeof(link->candle), "%s", config->interval != NULL ? config->interval : "1m");
    snprintf(link->format, sizeof(link->format), "%s", config->format != NULL ? config->format : "SIMPLE");
    link->now = link->next = NO_SLOT;
    link->open_at = link->renew_at = link->overlap_until = NS_MAX;
    link->look_at = INT64_MIN;
    prng_init(&link->prng, config->seed, config->number);
    backoff_init(&link->backoff, NS_PER_S, 60 * NS_PER_S, config->seed, 1);
    backoff_init(&link->renewal, 60 * NS_PER_S, 900 * NS_PER_S, config->seed, 2);
    venue_clock_init(&link->clock);
    set_limits(link);
    err = make(link, config);
    if (err == ERR_OK)
        err = open_market(link, config);
    if (err != ERR_OK) {
        link_close(&link->link);
        return err;
    }
    *out = &link->link;
    return ERR_OK;
}
