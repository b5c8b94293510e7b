/* The form that the cryptofeed recorder writes: one line a message, Python's idea of text.
 *
 *   wss://host/path <-> 1633998511.159679                            connected (again: data may be missing)
 *   wss://host/path <- 1618678262.670261: [...]                      sent by the recorder: a subscription
 *   https://host/path?symbol=X&limit=1000 -> 1633998512.320639: {..} an HTTP answer
 *   1633998512.0633569: {"stream":...}                               a frame that came as text
 *   1618678263.010785: b'{"ty":"orderbook",...}'                     a frame that came as bytes, as Python shows it
 *   configuration: {...}                                             what was recorded
 *
 * The HTTP answers often lie in a file of their own; the reader merges them by stamp. */
#include "data/capture_form.h"

#include <stdlib.h>
#include <string.h>

#define LINES_LOOKED_AT 16

struct state {
    bool connected; /* the file has told of a connection before */
};

static const struct {
    const char *part; /* of an address */
    const char *venue;
} hosts[] = {
    {"fstream.binance.com", "binance-usdm"},
    {"fapi.binance.com", "binance-usdm"},
    {"dstream.binance.com", "binance-coinm"},
    {"dapi.binance.com", "binance-coinm"},
    {"stream.binance.com", "binance-spot"},
    {"api.binance.com", "binance-spot"},
    {"api.upbit.com", "upbit"},
};

/* The host of scheme://host[:port]/... ends in one of the known names ("api" also as "api1"). */
static const char *venue_of(const char *url, size_t size)
{
    const char *host = memchr(url, ':', size);
    if (host == NULL || (size_t)(host - url) + 3 > size)
        return NULL;
    host += 3;
    size_t left = size - (size_t)(host - url);
    size_t length = 0;
    while (length < left && host[length] != '/' && host[length] != ':')
        length++;
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        if (strlen(hosts[i].part) == length && memcmp(host, hosts[i].part, length) == 0)
            return hosts[i].venue;
    return NULL;
}

static bool is_url(const char *text, size_t size)
{
    return capture_starts_with(text, size, "wss://") || capture_starts_with(text, size, "ws://") ||
           capture_starts_with(text, size, "https://") || capture_starts_with(text, size, "http://");
}

static bool is_stamped(const char *text, size_t size)
{
    ns_t ts;
    size_t at = 0;
    return capture_stamp_parse(text, size, &ts, &at) == ERR_OK && at + 1 < size && text[at] == ':' &&
           text[at + 1] == ' ';
}

static bool detect(const char *head, size_t size)
{
    const char *line;
    size_t line_size;
    for (int i = 0; i < LINES_LOOKED_AT && capture_head_line(&head, &size, &line, &line_size); i++)
        if (is_url(line, line_size) || is_stamped(line, line_size))
            return true;
    return false;
}

static err_t open_state(struct capture_source *source)
{
    source->state = calloc(1, sizeof(struct state));
    return source->state == NULL ? ERR_NOMEM : ERR_OK;
}

static void close_state(struct capture_source *source)
{
    free(source->state);
    source->state = NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One escape at text[at] (behind the backslash); moves `at` behind it. -1: not an escape that Python writes. */
static int unescape(const char *text, size_t size, size_t *at)
{
    char c = text[(*at)++];
    switch (c) {
    case '\\':
    case '\'':
    case '"':
        return c;
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'x':
        if (size - *at >= 2 && hex_digit(text[*at]) >= 0 && hex_digit(text[*at + 1]) >= 0) {
            int byte = hex_digit(text[*at]) * 16 + hex_digit(text[*at + 1]);
            *at += 2;
            return byte;
        }
        return -1;
    default:
        return -1;
    }
}

/* The bytes that a Python b'...' stands for, in place: escapes only ever shrink. */
static err_t decode_bytes(char **start, size_t *size, struct err_text *why)
{
    char *text = *start;
    char quote = text[1];
    if (*size < 3 || text[*size - 1] != quote)
        return err_say(why, ERR_SYNTAX, "its b%c...%c has no closing quote (cut off?)", quote, quote);
    size_t end = *size - 1, from = 2, to = 0;
    if (memchr(text + from, '\\', end - from) == NULL) {
        *start = text + from;
        *size = end - from;
        return ERR_OK;
    }
    while (from < end) {
        char c = text[from++];
        if (c == '\\') {
            int byte = from < end ? unescape(text, end, &from) : -1;
            if (byte < 0)
                return err_say(why, ERR_SYNTAX, "an escape that Python does not write, at byte %zu of its payload",
                               from);
            c = (char)byte;
        }
        text[to++] = c;
    }
    *size = to;
    return ERR_OK;
}

/* The payload behind "<stamp>: ". */
static err_t take_payload(char *text, size_t size, struct capture_record *record, struct err_text *why)
{
    if (size == 0)
        return err_say(why, ERR_SYNTAX, "a stamp without a frame (cut off?)");
    if (size >= 2 && text[0] == 'b' && (text[1] == '\'' || text[1] == '"')) {
        err_t err = decode_bytes(&text, &size, why);
        if (err != ERR_OK)
            return err;
    }
    record->text = text;
    record->size = size;
    return ERR_OK;
}

static err_t take_stamp(const char *text, size_t size, ns_t *ts, size_t *used, struct err_text *why)
{
    err_t err = capture_stamp_parse(text, size, ts, used);
    if (err != ERR_OK)
        return err_say(why, err, "its stamp is no time: seconds since 1970 were expected");
    return ERR_OK;
}

static err_t take_frame(char *text, size_t size, struct capture_record *record, struct err_text *why)
{
    size_t at = 0;
    err_t err = take_stamp(text, size, &record->ts, &at, why);
    if (err != ERR_OK)
        return err;
    if (size - at < 2 || text[at] != ':' || text[at + 1] != ' ')
        return err_say(why, ERR_SYNTAX, "not of the form <seconds>: <frame>");
    record->kind = CAPTURE_FRAME;
    return take_payload(text + at + 2, size - at - 2, record, why);
}

static bool query_symbol(const char *url, size_t size, struct capture_record *record)
{
    static const char key[] = "symbol=";
    const char *end = url + size;
    const char *query = memchr(url, '?', size);
    while (query != NULL) {
        query++;
        if (capture_starts_with(query, (size_t)(end - query), key)) {
            record->symbol = query + sizeof(key) - 1;
            const char *stop = memchr(record->symbol, '&', (size_t)(end - record->symbol));
            record->symbol_size = (size_t)((stop != NULL ? stop : end) - record->symbol);
            return true;
        }
        query = memchr(query, '&', (size_t)(end - query));
    }
    return false;
}

/* "<url> <arrow> <stamp>[: payload]". ERR_AGAIN: understood, but no market data. */
static err_t take_traffic(struct capture_source *source, char *text, size_t size, struct capture_record *record,
                          struct err_text *why)
{
    struct state *state = source->state;
    const char *space = memchr(text, ' ', size);
    if (space == NULL)
        return err_say(why, ERR_SYNTAX, "an address without an arrow and a stamp (cut off?)");
    size_t url_size = (size_t)(space - text), at = url_size + 1;
    const char *venue = venue_of(text, url_size);
    if (venue != NULL && source->info->venue == NULL)
        source->info->venue = venue;
    const char *arrow = text + at;
    const char *arrow_end = memchr(arrow, ' ', size - at);
    if (arrow_end == NULL)
        return err_say(why, ERR_SYNTAX, "an address without a stamp (cut off?)");
    size_t arrow_size = (size_t)(arrow_end - arrow), used = 0;
    at += arrow_size + 1;
    err_t err = take_stamp(text + at, size - at, &record->ts, &used, why);
    if (err != ERR_OK)
        return err;
    at += used;
    if (arrow_size == 3 && memcmp(arrow, "<->", 3) == 0) {
        bool again = state->connected;
        state->connected = true;
        record->kind = CAPTURE_RECONNECT;
        record->text = text + size;
        record->size = 0;
        return again ? ERR_OK : ERR_AGAIN;
    }
    if (arrow_size != 2 || memcmp(arrow, "->", 2) != 0 || !capture_starts_with(text, size, "http"))
        return ERR_AGAIN;
    if (size - at < 2 || text[at] != ':' || text[at + 1] != ' ')
        return err_say(why, ERR_SYNTAX, "an HTTP answer without a body (cut off?)");
    err = take_payload(text + at + 2, size - at - 2, record, why);
    if (err != ERR_OK)
        return err;
    if (!capture_is_depth_answer(record->text, record->size))
        return ERR_AGAIN;
    if (!query_symbol(text, url_size, record))
        record->symbol = NULL;
    record->kind = CAPTURE_SNAPSHOT;
    return ERR_OK;
}

static err_t next(struct capture_source *source, struct capture_record *record, struct err_text *why)
{
    for (;;) {
        char *text;
        size_t size;
        err_t err = capture_lines_next(&source->lines, &text, &size, why);
        if (err != ERR_OK)
            return err;
        if (size == 0 || capture_starts_with(text, size, "configuration: "))
            err = ERR_AGAIN;
        else if (is_url(text, size))
            err = take_traffic(source, text, size, record, why);
        else
            err = take_frame(text, size, record, why);
        if (err != ERR_AGAIN)
            return err;
        source->info->passed_over++;
    }
}

const struct capture_form capture_form_cryptofeed = {
    .name = "cryptofeed",
    .summary = "<seconds>: <json or b'...'> a line, with lines for connections and HTTP answers",
    .detect = detect,
    .open = open_state,
    .next = next,
    .close = close_state,
};
