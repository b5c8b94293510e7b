/* link_fixture.h: a venue's link whose requests and events are written down as lines of text.
 *
 *   at(&f, 1000); up(&f, 0);  text(&f, 0, "{'stream':...}");  answer(&f, 3, 200, "", "{...}");
 *   ─► "open 0 wss://..."  "get 3 https://..."  "send 0 {'method':...}"  "ping 0"  "close 0"
 *      "delta BTCUSDT 101..105 bids 100.1x2 asks 100.2x0"  "gap BTCUSDT why"  "connection_down"
 *
 * Texts are written with ' for ". Times are in milliseconds since the fixture's own epoch.
 */
#ifndef TAPEDECK_TESTS_ADAPTERS_LINK_FIXTURE_H
#define TAPEDECK_TESTS_ADAPTERS_LINK_FIXTURE_H

#include "adapters/link.h"

#define LINK_FIXTURE_EPOCH (INT64_C(1700000000) * NS_PER_S)

struct link_fixture {
    struct link *link;
    struct instrument *instruments;
    ns_t ts;
    char *out;
    size_t used, capacity;
    err_t emit_error;
    bool quiet;
    bool hide_time; /* requests for the venue's time are not written, and answered at the next tick */
    uint64_t time_id;
    uint64_t last_get;
    char last_url[LINK_URL_SIZE];
    uint64_t events[EVENT_KIND_COUNT];
    void (*watch)(void *context, const struct event *event);
    void *watch_context;
    struct err_text why;
};

/* `count` instruments called by `names`, with these decimals; then the caller opens fixture->link with the sink and
 * wire given here. */
void link_fixture_init(struct link_fixture *fixture, const char *const *names, uint32_t count,
                       unsigned price_decimals, unsigned qty_decimals, struct market_sink *sink,
                       struct link_wire *wire);
void link_fixture_close(struct link_fixture *fixture);

void at(struct link_fixture *fixture, int64_t ms);
err_t give(struct link_fixture *fixture, struct link_input input); /* at the fixture's time; texts are padded */
void tick(struct link_fixture *fixture);
/* Ticks at every due moment until then. */
void ticks_until(struct link_fixture *fixture, int64_t ms);
void up(struct link_fixture *fixture, uint8_t conn);
void down(struct link_fixture *fixture, uint8_t conn, int32_t status, const char *text);
void pong(struct link_fixture *fixture, uint8_t conn);
void text(struct link_fixture *fixture, uint8_t conn, const char *text);
void answer(struct link_fixture *fixture, uint64_t id, int32_t status, const char *head, const char *body);
void failed(struct link_fixture *fixture, uint64_t id, const char *why);

#define shown(fixture, expected) shown_at(fixture, expected, __FILE__, __LINE__)
void shown_at(struct link_fixture *fixture, const char *expected, const char *file, int line);
/* Something of what was written holds this; then all is forgotten. */
#define shown_piece(fixture, piece) shown_piece_at(fixture, piece, __FILE__, __LINE__)
void shown_piece_at(struct link_fixture *fixture, const char *piece, const char *file, int line);
void forget(struct link_fixture *fixture);
struct link_stats stats_now(const struct link_fixture *fixture);

#endif
