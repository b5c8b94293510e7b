#include "cli/links_up.h"

#include "adapters/binance/link.h"
#include "adapters/shell/net_http.h"
#include "adapters/upbit/link.h"
#include "cli/config_schema.h"
#include "cli/config_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES_TIMEOUT (20 * NS_PER_S)
#define RULES_TRIES   3
#define KEY_SIZE      64

struct stream_word {
    const char *word;
    unsigned stream;
};
static const struct stream_word stream_words[] = {
    {"book", LINK_BOOK}, {"partial", LINK_PARTIAL}, {"trades", LINK_TRADES}, {"bbo", LINK_BBO},
    {"mark", LINK_MARK}, {"candles", LINK_CANDLES}, {"ticker", LINK_TICKER},
};

const char *links_venue(const struct config_link *link)
{
    static const char *const names[] = {"binance-usdm", "binance-spot", "upbit"};
    return names[link->venue];
}

static enum binance_flavour flavour_of(const struct config_link *link)
{
    return link->venue == LINK_BINANCE_SPOT ? BINANCE_SPOT : BINANCE_USDM;
}

static const char *key_of(uint32_t entry, const char *name, char *key)
{
    snprintf(key, KEY_SIZE, "feed.live[%u].%s", entry, name);
    return key;
}

/* ---- lists of words ---- */

/* The next word of "a, b": false when there is none. */
static bool next_word(const char **at, const char **word, size_t *size)
{
    *at += strspn(*at, ", ");
    *word = *at;
    *size = strcspn(*at, ", ");
    *at += *size;
    return *size > 0;
}

static err_t read_streams(const struct run_config *config, uint32_t entry, unsigned *streams, struct err_text *why)
{
    char key[KEY_SIZE];
    const char *at = config->feed.links[entry].streams, *word;
    size_t size;
    *streams = 0;
    while (next_word(&at, &word, &size)) {
        size_t i = 0;
        while (i < ARRAY_LEN(stream_words) &&
               (strlen(stream_words[i].word) != size || memcmp(stream_words[i].word, word, size) != 0))
            i++;
        if (i == ARRAY_LEN(stream_words))
            return run_config_error(config, key_of(entry, "streams", key), why,
                                    "'%.*s': expected book, partial, trades, bbo, mark, candles or ticker", (int)size,
                                    word);
        *streams |= stream_words[i].stream;
    }
    if (*streams == 0)
        return run_config_error(config, key_of(entry, "streams", key), why, "expected at least one stream");
    return ERR_OK;
}

/* The symbols of one entry, each in a text of its own. */
struct symbols {
    char (*texts)[SYMBOL_SIZE];
    struct link_symbol *symbols;
    uint32_t count;
};

static void free_symbols(struct symbols *symbols)
{
    free(symbols->texts);
    free(symbols->symbols);
}

static err_t read_symbols(const struct run_config *config, uint32_t entry, struct symbols *symbols,
                          struct err_text *why)
{
    char key[KEY_SIZE];
    const char *list = config->feed.links[entry].symbols, *at = list, *word;
    size_t size;
    uint32_t count = 0;
    unsigned streams;
    *symbols = (struct symbols){0};
    err_t err = read_streams(config, entry, &streams, why);
    if (err != ERR_OK)
        return err;
    while (next_word(&at, &word, &size))
        count++;
    if (count == 0 || count > LINK_SYMBOLS_MAX)
        return run_config_error(config, key_of(entry, "symbols", key), why, "expected 1 to %d symbols",
                                LINK_SYMBOLS_MAX);
    symbols->texts = calloc(count, sizeof(*symbols->texts));
    symbols->symbols = calloc(count, sizeof(*symbols->symbols));
    if (symbols->texts == NULL || symbols->symbols == NULL) {
        free_symbols(symbols);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    for (at = list; next_word(&at, &word, &size); symbols->count++) {
        if (size >= SYMBOL_SIZE) {
            free_symbols(symbols);
            return run_config_error(config, key_of(entry, "symbols", key), why, "'%.*s': at most %d characters",
                                    (int)size, word, SYMBOL_SIZE - 1);
        }
        memcpy(symbols->texts[symbols->count], word, size);
        symbols->symbols[symbols->count] =
            (struct link_symbol){.symbol = symbols->texts[symbols->count], .streams = streams};
    }
    return ERR_OK;
}

/* ---- one entry ---- */

static struct link_config config_of(const struct run_config *config, uint32_t entry, const struct symbols *symbols,
                                    const struct instrument *instruments)
{
    const struct config_link *from = &config->feed.links[entry];
    return (struct link_config){.number = (uint16_t)entry,
                                .symbols = symbols->symbols,
                                .symbol_count = symbols->count,
                                .instruments = instruments,
                                .rest = from->rest,
                                .stream = from->stream,
                                .interval = from->interval,
                                .format = from->format,
                                .depth_ms = (uint32_t)(from->depth / NS_PER_MS),
                                .partial_levels = from->levels,
                                .poll = from->poll,
                                .stale = from->stale,
                                .silence = from->silence,
                                .renew = from->renew,
                                .seed = config->seed + entry};
}

static err_t check_link(const struct config_link *from, const struct link_config *link, struct err_text *why)
{
    return from->venue == LINK_UPBIT ? upbit_link_check(link, why) : binance_link_check(flavour_of(from), link, why);
}

err_t links_check(const struct run_config *config, struct err_text *why)
{
    for (uint32_t i = 0; i < config->feed.link_count; i++) {
        struct symbols symbols;
        struct err_text inner = {0};
        char key[KEY_SIZE];
        err_t err = read_symbols(config, i, &symbols, why);
        if (err != ERR_OK)
            return err;
        for (uint32_t j = 0; j < symbols.count; j++)
            symbols.symbols[j].instrument = (uint16_t)j;
        const struct link_config link = config_of(config, i, &symbols, NULL);
        err = check_link(&config->feed.links[i], &link, &inner);
        free_symbols(&symbols);
        if (err != ERR_OK) {
            snprintf(key, sizeof(key), "feed.live[%u]", i);
            return run_config_error(config, key, why, "%s", inner.text);
        }
    }
    return ERR_OK;
}

/* ---- the venues' rules ---- */

static err_t fetch(const struct run_config *config, const char *url, char **body, size_t *size, struct err_text *why)
{
    const struct net_http_options options = {.ca_file = config->session.ca_file, .agent = "tapedeck"};
    err_t err = ERR_IO;
    for (int i = 0; i < RULES_TRIES && err == ERR_IO; i++) {
        *why = (struct err_text){0};
        err = net_http_fetch(&options, url, RULES_TIMEOUT, body, size, why);
    }
    if (err != ERR_OK)
        return err;
    char *padded = realloc(*body, *size + FRAME_PADDING);
    if (padded == NULL) {
        free(*body);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    memset(padded + *size, 0, FRAME_PADDING);
    *body = padded;
    return ERR_OK;
}

/* Spot and Upbit answer for one symbol, futures for all at once: `answer` is kept between symbols then. */
struct answer {
    char *body;
    size_t size;
};

static err_t rules_of(const struct run_config *config, const struct config_link *from, const char *symbol,
                      struct answer *answer, struct instrument *instrument, struct err_text *why)
{
    char url[LINK_URL_SIZE];
    err_t err = from->venue == LINK_UPBIT
                    ? upbit_instruments_url(from->rest, symbol, url, sizeof(url))
                    : binance_exchange_info_url(flavour_of(from), from->rest, symbol, url, sizeof(url));
    if (err != ERR_OK)
        return err_say(why, err, "%s: the address for the rules of %s is too long", links_venue(from), symbol);
    if (answer->body == NULL)
        err = fetch(config, url, &answer->body, &answer->size, why);
    if (err != ERR_OK)
        return err;
    struct err_text inner = {0};
    err = from->venue == LINK_UPBIT
              ? upbit_instruments(answer->body, answer->size, symbol, instrument, &inner)
              : binance_exchange_info(flavour_of(from), answer->body, answer->size, symbol, instrument, &inner);
    if (from->venue != LINK_BINANCE_USDM) {
        free(answer->body);
        answer->body = NULL;
    }
    if (err == ERR_OK)
        return ERR_OK;
    if (err == ERR_STATE) { /* not trading now, or an unknown tick: known well enough to listen to */
        fprintf(stderr, "tapedeck: %s: %s\n", links_venue(from), inner.text);
        return ERR_OK;
    }
    return err_say(why, err, "%s: %s: %s", links_venue(from), symbol, inner.text);
}

static err_t rules_of_entry(const struct run_config *config, uint32_t entry, const struct symbols *symbols,
                            struct instrument *instruments, uint16_t *count, struct err_text *why)
{
    struct answer answer = {0};
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < symbols->count && err == ERR_OK; i++) {
        err = rules_of(config, &config->feed.links[entry], symbols->texts[i], &answer, &instruments[*count], why);
        *count += err == ERR_OK;
    }
    free(answer.body);
    return err;
}

static err_t no_room(const struct run_config *config, struct err_text *why)
{
    return run_config_error(config, "feed.live", why, "more than %d symbols", INSTRUMENTS_MAX);
}

err_t links_rules(const struct run_config *config, struct instrument **instruments, uint16_t *count,
                  struct err_text *why)
{
    struct instrument *made = calloc(INSTRUMENTS_MAX, sizeof(*made));
    if (made == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    err_t err = ERR_OK;
    *count = 0;
    for (uint32_t i = 0; i < config->feed.link_count && err == ERR_OK; i++) {
        struct symbols symbols;
        err = read_symbols(config, i, &symbols, why);
        if (err != ERR_OK)
            break;
        err = *count + symbols.count > INSTRUMENTS_MAX ? no_room(config, why)
                                                       : rules_of_entry(config, i, &symbols, made, count, why);
        free_symbols(&symbols);
    }
    if (err != ERR_OK) {
        free(made);
        return err;
    }
    *instruments = made;
    return ERR_OK;
}

/* ---- opening ---- */

static err_t find_instruments(const char *venue, struct symbols *symbols, const struct instrument *instruments,
                              uint16_t count, struct err_text *why)
{
    for (uint32_t i = 0; i < symbols->count; i++) {
        uint16_t number = 0;
        while (number < count && (strcmp(instruments[number].venue, venue) != 0 ||
                                  strcmp(instruments[number].symbol, symbols->texts[i]) != 0))
            number++;
        if (number == count)
            return err_say(why, ERR_MISMATCH, "%s of %s is not an instrument of this session", symbols->texts[i],
                           venue);
        symbols->symbols[i].instrument = number;
    }
    return ERR_OK;
}

static err_t open_one(const struct run_config *config, uint32_t entry, const struct symbols *symbols,
                      const struct instrument *instruments, struct wire_feed *wire, struct err_text *why)
{
    const struct config_link *from = &config->feed.links[entry];
    const struct link_config link = config_of(config, entry, symbols, instruments);
    const struct market_sink sink = wire_feed_sink(wire, (uint16_t)entry, links_venue(from));
    struct link *opened = NULL;
    const err_t err = from->venue == LINK_UPBIT
                          ? upbit_link_open(&link, &sink, wire_feed_wire(wire), &opened)
                          : binance_link_open(flavour_of(from), &link, &sink, wire_feed_wire(wire), &opened);
    if (err != ERR_OK)
        return err_say(why, err, "%s could not be opened: %s", links_venue(from), err_words(err));
    wire_feed_set(wire, (uint16_t)entry, opened);
    return ERR_OK;
}

err_t links_open(const struct run_config *config, const struct instrument *instruments, uint16_t count,
                 struct wire_feed *wire, struct err_text *why)
{
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < config->feed.link_count && err == ERR_OK; i++) {
        struct symbols symbols;
        err = read_symbols(config, i, &symbols, why);
        if (err != ERR_OK)
            return err;
        err = find_instruments(links_venue(&config->feed.links[i]), &symbols, instruments, count, why);
        if (err == ERR_OK)
            err = open_one(config, i, &symbols, instruments, wire, why);
        free_symbols(&symbols);
    }
    return err;
}

/* ---- as text ---- */

char *links_text(const struct run_config *config)
{
    static const char prefix[] = "feed.live[].";
    static char value[CONFIG_WORDS_MAX + 400];
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        return NULL;
    fputs("feed:\n  live:\n", file);
    for (uint32_t i = 0; i < config->feed.link_count; i++) {
        const char *mark = "-";
        for (const struct config_key *key = NULL; (key = config_key_next(prefix, key)) != NULL; mark = " ") {
            config_value_text(key, &config->feed.links[i], value, sizeof(value));
            fprintf(file, "    %s %s: %s\n", mark, config_key_name(key), value);
        }
    }
    if (fclose(file) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
