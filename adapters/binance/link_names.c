/* link_names.c: what things are called at Binance: streams, routes, URLs, subscription messages, weights. */
#include "adapters/binance/link_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *binance_default_rest(enum binance_flavour flavour)
{
    return flavour == BINANCE_SPOT ? "https://api.binance.com" : "https://fapi.binance.com";
}

const char *binance_default_stream(enum binance_flavour flavour)
{
    return flavour == BINANCE_SPOT ? "wss://stream.binance.com:9443" : "wss://fstream.binance.com";
}

enum route binance_route_of(enum binance_flavour flavour, enum stream_kind kind)
{
    bool market = kind == OF_TRADE || kind == OF_MARK || kind == OF_CANDLE || kind == OF_TICKER;
    return flavour == BINANCE_USDM && market ? ROUTE_MARKET : ROUTE_PUBLIC;
}

const char *binance_route_path(enum binance_flavour flavour, enum route route)
{
    if (flavour == BINANCE_SPOT)
        return "";
    return route == ROUTE_MARKET ? "/market" : "/public";
}

/* --- streams --- */

/* "@100ms" and the like; NULL: there is no such speed. The venue's default has no suffix. */
static const char *speed_of(enum binance_flavour flavour, uint32_t depth_ms)
{
    if (depth_ms == 0 || depth_ms == 100)
        return "@100ms";
    if (flavour == BINANCE_SPOT)
        return depth_ms == 1000 ? "" : NULL;
    return depth_ms == 250 ? "" : depth_ms == 500 ? "@500ms" : NULL;
}

err_t binance_stream_name(enum binance_flavour flavour, const struct link_config *config, const char *symbol,
                          enum stream_kind kind, char *name, size_t *size, struct err_text *why)
{
    const char *speed = speed_of(flavour, config->depth_ms);
    uint32_t levels = config->partial_levels == 0 ? 20 : config->partial_levels;
    char what[40];
    if (speed == NULL && (kind == OF_DIFF || kind == OF_PARTIAL))
        return err_say(why, ERR_CONFIG, "book updates every %u ms: %s has them every %s ms", config->depth_ms,
                       binance_flavour_venue(flavour), flavour == BINANCE_SPOT ? "100 or 1000" : "100, 250 or 500");
    switch (kind) {
    case OF_DIFF:
        snprintf(what, sizeof(what), "depth%s", speed);
        break;
    case OF_PARTIAL:
        if (levels != 5 && levels != 10 && levels != 20)
            return err_say(why, ERR_CONFIG, "partial books of %u levels: Binance has them with 5, 10 or 20", levels);
        snprintf(what, sizeof(what), "depth%u%s", levels, speed);
        break;
    case OF_TRADE:
        snprintf(what, sizeof(what), "%s", flavour == BINANCE_SPOT ? "trade" : "aggTrade");
        break;
    case OF_BBO:
        snprintf(what, sizeof(what), "bookTicker");
        break;
    case OF_MARK:
        if (flavour == BINANCE_SPOT)
            return err_say(why, ERR_CONFIG, "%s: Binance spot has no mark prices", symbol);
        snprintf(what, sizeof(what), "markPrice@1s");
        break;
    case OF_CANDLE: {
        static const char *const intervals[] = {"1s", "1m", "3m", "5m",  "15m", "30m", "1h", "2h",
                                                "4h", "6h", "8h", "12h", "1d",  "3d",  "1w", "1M"};
        const char *interval = config->interval == NULL ? "1m" : config->interval;
        bool known = false;
        for (size_t i = flavour == BINANCE_SPOT ? 0 : 1; i < ARRAY_LEN(intervals); i++)
            known = known || strcmp(intervals[i], interval) == 0;
        if (!known)
            return err_say(why, ERR_CONFIG,
                           "candles of \"%s\": %s has %s1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, "
                           "12h, 1d, 3d, 1w and 1M",
                           interval, binance_flavour_venue(flavour), flavour == BINANCE_SPOT ? "1s, " : "");
        snprintf(what, sizeof(what), "kline_%s", interval);
        break;
    }
    case OF_TICKER:
        snprintf(what, sizeof(what), "ticker");
        break;
    case STREAM_KINDS:
        break;
    }
    size_t length = strlen(symbol);
    if (length + 1 + strlen(what) >= STREAM_NAME_SIZE)
        return err_say(why, ERR_CONFIG, "%s: the symbol is too long", symbol);
    for (size_t i = 0; i < length; i++)
        name[i] = symbol[i] >= 'A' && symbol[i] <= 'Z' ? (char)(symbol[i] - 'A' + 'a') : symbol[i];
    name[length] = '@';
    strcpy(name + length + 1, what);
    *size = length + 1 + strlen(what);
    return ERR_OK;
}

static uint32_t name_hash(const char *name, size_t size)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
    return (uint32_t)(hash ^ hash >> 32);
}

/* Also puts: the slot where it is, or would be. */
static uint32_t slot_of(const struct binance_link *link, const char *name, size_t size)
{
    for (uint32_t slot = name_hash(name, size) & link->slot_mask;; slot = (slot + 1) & link->slot_mask) {
        uint32_t index = link->slots[slot];
        if (index == 0)
            return slot;
        const struct line_stream *stream = &link->streams[index - 1];
        if (stream->name_size == size && memcmp(stream->name, name, size) == 0)
            return slot;
    }
}

uint32_t binance_stream_find(struct binance_link *link, const char *name, size_t size)
{
    if (link->last_stream < link->stream_count) {
        const struct line_stream *last = &link->streams[link->last_stream];
        if (last->name_size == size && memcmp(last->name, name, size) == 0)
            return link->last_stream;
    }
    if (link->stream_count == 0)
        return NO_STREAM;
    uint32_t index = link->slots[slot_of(link, name, size)];
    if (index == 0)
        return NO_STREAM;
    return link->last_stream = index - 1;
}

bool binance_stream_put(struct binance_link *link, uint32_t index)
{
    const struct line_stream *stream = &link->streams[index];
    uint32_t *slot = &link->slots[slot_of(link, stream->name, stream->name_size)];
    if (*slot != 0)
        return false;
    *slot = index + 1;
    return true;
}

/* --- URLs --- */

/* Symbols may hold any letter; a URL may not. */
static size_t url_encode(const char *text, size_t size, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    char *at = out;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '_' || c == '.' || c == '~' || c == '@';
        if (plain) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    return (size_t)(at - out);
}

static size_t encoded_size(const char *text, size_t size)
{
    char out[3 * STREAM_NAME_SIZE];
    return url_encode(text, size, out);
}

#define STREAMS_PATH "/stream?streams="

uint32_t binance_streams_in_url(const struct binance_link *link, const struct link_line *line)
{
    size_t used =
        strlen(link->stream) + strlen(binance_route_path(link->flavour, line->route)) + sizeof(STREAMS_PATH);
    uint32_t count = 0;
    for (; count < line->count; count++) {
        const struct line_stream *stream = &link->streams[line->first + count];
        used += encoded_size(stream->name, stream->name_size) + 1;
        if (used > LINK_URL_SIZE)
            break;
    }
    return count;
}

void binance_line_url(const struct binance_link *link, const struct link_line *line, char *url)
{
    char *at = url + snprintf(url, LINK_URL_SIZE, "%s%s" STREAMS_PATH, link->stream,
                              binance_route_path(link->flavour, line->route));
    for (uint32_t i = 0; i < line->in_url; i++) {
        const struct line_stream *stream = &link->streams[line->first + i];
        if (i > 0)
            *at++ = '/';
        at += url_encode(stream->name, stream->name_size, at);
    }
    *at = '\0';
}

uint32_t binance_depth_weight(enum binance_flavour flavour, uint32_t levels)
{
    if (flavour == BINANCE_SPOT)
        return levels <= 100 ? 5 : levels <= 500 ? 25 : levels <= 1000 ? 50 : 250;
    return levels <= 50 ? 2 : levels <= 100 ? 5 : levels <= 500 ? 10 : 20;
}

static const char *rest_path(enum binance_flavour flavour)
{
    return flavour == BINANCE_SPOT ? "/api/v3" : "/fapi/v1";
}

void binance_depth_url(const struct binance_link *link, const struct link_book *book, uint32_t levels, char *url)
{
    char symbol[3 * SYMBOL_SIZE + 1];
    symbol[url_encode(book->text, book->size, symbol)] = '\0';
    snprintf(url, LINK_URL_SIZE, "%s%s/depth?symbol=%s&limit=%u", link->rest, rest_path(link->flavour), symbol,
             levels);
}

void binance_time_url(const struct binance_link *link, char *url)
{
    snprintf(url, LINK_URL_SIZE, "%s%s/time", link->rest, rest_path(link->flavour));
}

err_t binance_exchange_info_url(enum binance_flavour flavour, const char *rest, const char *symbol, char *url,
                                size_t url_size)
{
    ASSERT(flavour == BINANCE_SPOT || flavour == BINANCE_USDM);
    char encoded[3 * SYMBOL_SIZE + 1];
    size_t size = strlen(symbol);
    if (size >= SYMBOL_SIZE)
        return ERR_RANGE;
    encoded[url_encode(symbol, size, encoded)] = '\0';
    bool alone = flavour == BINANCE_SPOT;
    int written =
        snprintf(url, url_size, "%s%s/exchangeInfo%s%s", rest == NULL ? binance_default_rest(flavour) : rest,
                 rest_path(flavour), alone ? "?symbol=" : "", alone ? encoded : "");
    return written >= 0 && (size_t)written < url_size ? ERR_OK : ERR_RANGE;
}

/* --- messages --- */

static size_t json_string(const char *text, size_t size, char *out)
{
    char *at = out;
    *at++ = '"';
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            *at++ = '\\';
        *at++ = text[i];
    }
    *at++ = '"';
    return (size_t)(at - out);
}

size_t binance_subscribe_text(struct binance_link *link, const struct link_line *line, uint32_t first, bool again,
                              bool unsubscribe, uint64_t id, uint32_t *count)
{
    char *text = link->text, *at = text;
    at += sprintf(at, "{\"method\":\"%s\",\"params\":[", unsubscribe ? "UNSUBSCRIBE" : "SUBSCRIBE");
    bool any = false;
    uint32_t i = first;
    for (; i < line->first + line->count && at - text < ASK_SIZE; i++) {
        const struct line_stream *stream = &link->streams[i];
        if (again && !stream->again)
            continue;
        if (any)
            *at++ = ',';
        at += json_string(stream->name, stream->name_size, at);
        any = true;
    }
    *count = i - first;
    at += sprintf(at, "],\"id\":%" PRIu64 "}", id);
    return (size_t)(at - text);
}
