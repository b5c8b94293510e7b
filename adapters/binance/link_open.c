/* link_open.c: a config is looked at, and becomes a link: streams onto lines, symbols into the machine, limits. */
#include "adapters/binance/link_state.h"

#include <stdlib.h>
#include <string.h>

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
        if (config->poll > 0 && (symbol->streams & (LINK_BOOK | LINK_PARTIAL)) == 0)
            return err_say(why, ERR_CONFIG, "%s: polling brings books only, and no book is asked for",
                           symbol->symbol);
        for (uint32_t k = 0; k < i; k++)
            if (same_letters(config->symbols[k].symbol, symbol->symbol) ||
                config->symbols[k].instrument == symbol->instrument)
                return err_say(why, ERR_CONFIG, "%s: this symbol, or its instrument %u, is there twice",
                               symbol->symbol, symbol->instrument);
        for (unsigned kind = 0; kind < STREAM_KINDS; kind++) {
            if ((kinds & 1u << kind) == 0)
                continue;
            err = binance_stream_name(flavour, config, symbol->symbol, (enum stream_kind)kind, name, &size, why);
            if (err != ERR_OK)
                return err;
            counts[binance_route_of(flavour, (enum stream_kind)kind)]++;
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
            return binance_is_refusal(err) ? ERR_CONFIG : err;
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
                    binance_route_of(link->flavour, (enum stream_kind)kind) != route)
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
                err_t err =
                    binance_stream_name(link->flavour, config, book->text, (enum stream_kind)kind, name, &size, NULL);
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
                if (!binance_stream_put(link, index - 1))
                    return ERR_CONFIG; /* two symbols that differ in their letters' case only */
            }
        }
    }
    for (uint32_t i = 0; i < link->line_count; i++) {
        struct link_line *line = &link->lines[i];
        line->in_url = binance_streams_in_url(link, line);
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
    err_t err = binance_link_check(flavour, config, NULL);
    if (err != ERR_OK)
        return err;
    struct binance_link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return ERR_NOMEM;
    link->link.ops = binance_link_ops(flavour);
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
    link->poll_weight = binance_depth_weight(flavour, link->poll_levels);
    link->due = link->want_at = NS_MAX;
    link->last_stream = NO_STREAM;
    link->rest = copy_text(config->rest != NULL ? config->rest : binance_default_rest(flavour));
    link->stream = copy_text(config->stream != NULL ? config->stream : binance_default_stream(flavour));
    prng_init(&link->prng, config->seed, UINT64_C(0x62696e6c));
    limits_up(link);
    venue_clock_init(&link->clock);
    binance_control_shape_init(&link->control);
    binance_span_shape_init(&link->span);
    const struct market_sink own = {link, binance_link_emit, link_discover};
    err = link->rest == NULL || link->stream == NULL ? ERR_NOMEM : json_open(64u << 10, &link->json);
    if (err == ERR_OK)
        err = binance_market_open(flavour, &own, &link->market);
    if (err == ERR_OK)
        err = symbols_up(link, config);
    if (err == ERR_OK && link->poll == 0)
        err = streams_up(link, config);
    if (err != ERR_OK) {
        link->link.ops->close(&link->link);
        return err;
    }
    *out = &link->link;
    return ERR_OK;
}
