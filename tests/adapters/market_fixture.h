/* market_fixture.h: a machine whose events are written down as lines of text.
 *
 *   feed(fixture, 5, "{...}")  ─►  "5 delta BTCUSDT exch 1 seq 3 (2..3 after 1) bids 100.1x2 asks 100.2x0\n"
 *
 * Times are in milliseconds in the text; prices and quantities have the decimals of the fixture. Frames may be
 * written with ' for ". A frame that is refused leaves "! ERR_SYNTAX the sentence".
 */
#ifndef TAPEDECK_TESTS_ADAPTERS_MARKET_FIXTURE_H
#define TAPEDECK_TESTS_ADAPTERS_MARKET_FIXTURE_H

#include "adapters/binance/market.h"
#include "adapters/upbit/market.h"

#define FIXTURE_SYMBOLS_MAX 512

struct market_fixture {
    struct market *market;
    struct instrument *instruments;
    uint16_t count;
    unsigned price_decimals;
    unsigned qty_decimals;
    const char *ignore; /* a symbol that discover declines */
    err_t emit_error;   /* what emit says; ERR_OK */
    bool quiet;         /* events are counted, not written */
    uint64_t events[EVENT_KIND_COUNT];
    ns_t last_ts;
    char *out;
    size_t used;
    size_t capacity;
    struct err_text why;
    void (*watch)(void *context, const struct event *event);
    void *watch_context;
};

void fixture_binance(struct market_fixture *fixture, enum binance_flavour flavour, unsigned price_decimals,
                     unsigned qty_decimals);
void fixture_upbit(struct market_fixture *fixture, unsigned price_decimals, unsigned qty_decimals);
void fixture_close(struct market_fixture *fixture);

/* Feed one frame as it stands (copied to a place of exactly its size and the padding). */
err_t fixture_bytes(struct market_fixture *fixture, const char *text, size_t size, const char *symbol);
/* Feed a frame written with ' for ". Time passes by a millisecond a frame. */
err_t feed(struct market_fixture *fixture, const char *text);
err_t feed_of(struct market_fixture *fixture, const char *text, const char *symbol);
err_t feed_lost(struct market_fixture *fixture);
/* Scan a frame; the texts become lines "SYMBOL price qty". */
err_t fixture_scan(struct market_fixture *fixture, const char *text);

/* What was written so far must be this; then it is forgotten. */
#define expect(fixture, text) expect_text(fixture, text, __FILE__, __LINE__)
void expect_text(struct market_fixture *fixture, const char *text, const char *file, int line);
/* The last refusal: its code, and a piece of its sentence. */
#define expect_refused(fixture, err, code, piece) expect_refused_at(fixture, err, code, piece, __FILE__, __LINE__)
void expect_refused_at(struct market_fixture *fixture, err_t err, err_t code, const char *piece, const char *file,
                       int line);

const struct market_stats *stats_of(const struct market_fixture *fixture, uint16_t number);

/* The lines of a gzipped capture, one after the other; NULL at the end. The line is padded for the parser. */
struct gz_lines;
struct gz_lines *gz_open(const char *path); /* NULL: absent */
char *gz_next(struct gz_lines *lines, size_t *size);
void gz_close(struct gz_lines *lines);

#endif
