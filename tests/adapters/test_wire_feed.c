/* A session's inputs through its links to events: what becomes of each kind, what is asked for, and that batches
 * change nothing. */
#include "adapters/wire_feed.h"

#include "tiny_link.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

/* ---- a source that is written out ---- */

struct written {
    struct wire_source source; /* first */
    const struct link_input *inputs;
    uint32_t count, at;
    bool dry; /* says ERR_AGAIN between two inputs */
    bool said;
    err_t end;
    struct wire_asked asked[64];
    uint32_t asked_count;
};

static err_t written_next(struct wire_source *source, struct link_input *input)
{
    struct written *written = (struct written *)(void *)source;
    written->said = written->dry && !written->said;
    if (written->said)
        return ERR_AGAIN;
    if (written->at == written->count)
        return written->end == ERR_END ? ERR_END : err_say(&source->why, written->end, "the line is cut");
    *input = written->inputs[written->at++];
    return ERR_OK;
}

static err_t written_asked(struct wire_source *source, const struct wire_asked *asked)
{
    struct written *written = (struct written *)(void *)source;
    written->asked[written->asked_count++] = *asked;
    return ERR_OK;
}

static err_t written_wait(struct wire_source *source, ns_t due)
{
    (void)source, (void)due;
    return ERR_OK;
}

static const struct wire_source_ops written_ops = {written_next, written_wait, written_asked, NULL};

/* ---- what links ask for, as text ---- */

struct asked_text {
    char text[4096];
    size_t size;
};

static void asked_open(void *context, uint16_t link, uint8_t conn, const char *url)
{
    struct asked_text *asked = context;
    asked->size += (size_t)sprintf(asked->text + asked->size, "open %u.%u %s\n", link, conn, url);
}

static void asked_get(void *context, uint16_t link, uint64_t id, const char *url, ns_t timeout)
{
    struct asked_text *asked = context;
    (void)timeout;
    asked->size += (size_t)sprintf(asked->text + asked->size, "get %u #%" PRIu64 " %s\n", link, id, url);
}

/* ---- a session ---- */

#define DIFF(u, pu, price)                                                                                           \
    "{\"stream\":\"btcusdt@depth\",\"data\":{\"e\":\"depthUpdate\",\"E\":1000,\"T\":1000,\"s\":\"BTCUSDT\","         \
    "\"U\":" #u ",\"u\":" #u ",\"pu\":" #pu ",\"b\":[[\"" price "\",\"1.000\"]],\"a\":[]}}"
#define BOOK(last)                                                                                                   \
    "{\"lastUpdateId\":" #last ",\"E\":1000,\"T\":1000,\"bids\":[[\"100.0\",\"1.000\"]],"                            \
    "\"asks\":[[\"101.0\",\"1.000\"]]}"

static char texts[32][512]; /* padded for the parser */
static uint32_t text_count;

static struct link_input input_of(ns_t ts, enum link_what what, const char *text)
{
    struct link_input input = {.ts = ts, .what = (uint8_t)what};
    if (text != NULL) {
        ASSERT(text_count < ARRAY_LEN(texts));
        input.text_size = (uint32_t)strlen(text);
        memset(texts[text_count], 0, sizeof(texts[0]));
        input.text = memcpy(texts[text_count++], text, input.text_size);
    }
    return input;
}

struct session {
    struct written written;
    struct asked_text asked;
    struct instrument instruments[2];
    struct wire_feed *wire;
    struct digest digest; /* of the events */
    char lines[8192];
    size_t size;
};

static void session_open(struct session *session, const struct link_input *inputs, uint32_t count,
                         uint32_t batch_events, bool dry)
{
    memset(session, 0, sizeof(*session));
    digest_init(&session->digest, 0);
    session->written =
        (struct written){.source = {.ops = &written_ops}, .inputs = inputs, .count = count, .dry = dry};
    session->written.end = ERR_END;
    strcpy(session->instruments[0].venue, "upbit");
    strcpy(session->instruments[0].symbol, "BTCUSDT");
    strcpy(session->instruments[1].venue, "binance-usdm");
    strcpy(session->instruments[1].symbol, "BTCUSDT");
    session->instruments[1].price_decimals = 1;
    session->instruments[1].qty_decimals = 3;
    const struct link_wire below = {.context = &session->asked, .open = asked_open, .get = asked_get};
    const struct wire_feed_config config = {.source = &session->written.source,
                                            .wire = &below,
                                            .instruments = session->instruments,
                                            .instrument_count = 2,
                                            .link_count = 2,
                                            .lane = 3,
                                            .batch_events = batch_events};
    cr_assert_eq(wire_feed_open(&session->wire, &config, NULL), ERR_OK);
    for (uint16_t i = 0; i < 2; i++) {
        const struct market_sink sink = wire_feed_sink(session->wire, i, "binance-usdm");
        wire_feed_set(session->wire, i,
                      tiny_link_open(i, i == 0 ? "wss://one" : "wss://two", &sink, wire_feed_wire(session->wire)));
    }
}

static void note(struct session *session, const struct event *event)
{
    char *at = session->lines + session->size;
    session->size += (size_t)sprintf(at, "%" PRId64 " %s", event->ts, event_kind_name((enum event_kind)event->kind));
    at = session->lines + session->size;
    if (event->kind == EVENT_BOOK_DELTA || event->kind == EVENT_BOOK_SNAPSHOT)
        session->size += (size_t)sprintf(at, " u=%" PRIu64 " bid %" PRId64, event->seq, event->levels[0].price);
    else if (event->kind == EVENT_PARAMETER || event->kind == EVENT_OPERATOR)
        session->size += (size_t)sprintf(at, " '%s'", ((const struct event_text *)event->body)->text);
    else if (event->kind == EVENT_SIGNAL)
        session->size += (size_t)sprintf(at, " %s %" PRId64, ((const struct event_signal *)event->body)->name,
                                         ((const struct event_signal *)event->body)->value);
    session->size += (size_t)sprintf(session->lines + session->size, "\n");
    cr_assert_eq(event->lane, 3);
}

/* All of it, batches held for a while so that chunks go round; what the last next said. */
static err_t session_run(struct session *session, uint32_t hold)
{
    struct feed *feed = wire_feed_lane(session->wire);
    uint32_t handles[64], held = 0;
    err_t err = ERR_OK;
    while (err == ERR_OK || err == ERR_AGAIN) {
        struct event_batch batch;
        err = feed->ops->next(feed, &batch);
        if (err != ERR_OK)
            continue;
        for (uint32_t i = 0; i < batch.count; i++)
            note(session, &batch.events[i]);
        handles[held++] = batch.handle;
        if (held > hold) {
            feed->ops->release(feed, handles[0]);
            memmove(handles, handles + 1, --held * sizeof(*handles));
        }
    }
    return err;
}

static uint32_t write_session(struct link_input inputs[32])
{
    uint32_t n = 0;
    text_count = 0;
    inputs[n++] = input_of(1, LINK_TICK, NULL);
    inputs[n++] = input_of(2, LINK_UP, NULL);
    inputs[n++] = input_of(3, LINK_TEXT, DIFF(11, 10, "100.1"));
    inputs[n++] = input_of(4, LINK_ANSWER, BOOK(10));
    inputs[n++] = input_of(5, LINK_TEXT, DIFF(12, 11, "100.2"));
    inputs[n++] = input_of(5, LINK_COMMAND, "pause");
    inputs[n++] = input_of(6, LINK_COMMAND, "set half_spread=20");
    inputs[n++] = input_of(7, LINK_CLOCK, NULL);
    inputs[n - 1].value = -1500;
    inputs[n++] = input_of(8, LINK_DROPPED, NULL);
    inputs[n++] = input_of(9, LINK_TEXT, DIFF(20, 19, "100.3"));
    inputs[n++] = input_of(10, LINK_ANSWER, BOOK(19));
    inputs[n++] = input_of(11, LINK_DOWN, "gone");
    return n;
}

static const char wanted[] = "1 tick\n"
                             "4 snapshot u=10 bid 1000\n4 delta u=11 bid 1001\n5 delta u=12 bid 1002\n"
                             "5 operator 'pause'\n6 parameter 'half_spread=20'\n7 signal clock_step -1500\n"
                             "8 gap\n10 snapshot u=19 bid 1000\n10 delta u=20 bid 1003\n11 gap\n";

Test(wire_feed, every_kind_of_input_becomes_what_the_header_says)
{
    struct link_input inputs[32];
    const uint32_t count = write_session(inputs);
    struct session *session = calloc(1, sizeof(*session));
    session_open(session, inputs, count, 1, false);
    cr_expect_eq(session_run(session, 0), ERR_END);
    cr_expect_str_eq(session->lines, wanted);
    cr_expect_str_eq(session->asked.text, "open 0.0 wss://one\nopen 1.0 wss://two\n"
                                          "get 0 #1 https://x/depth?symbol=BTCUSDT\n"
                                          "get 0 #2 https://x/depth?symbol=BTCUSDT\nopen 0.0 wss://one\n");
    cr_expect_eq(wire_feed_due(session->wire), 7 + TINY_PERIOD, "the other link was woken by the clock last");
    wire_feed_lane(session->wire)->ops->close(wire_feed_lane(session->wire));
    free(session);
}

Test(wire_feed, batches_and_waits_change_nothing)
{
    struct link_input inputs[32];
    const uint32_t count = write_session(inputs);
    struct wire_asked first[8];
    for (uint32_t pass = 0; pass < 6; pass++) {
        static const uint32_t batches[] = {1, 2, 3, 5, 100, 0};
        struct session *session = calloc(1, sizeof(*session));
        session_open(session, inputs, count, batches[pass], pass % 2 == 1);
        cr_expect_eq(session_run(session, pass * 3), ERR_END);
        cr_expect_str_eq(session->lines, wanted);
        cr_assert_eq(session->written.asked_count, 4, "after the tick, the answer to up, the loss and the end");
        for (uint32_t i = 0; i < 4; i++) {
            const struct wire_asked *asked = &session->written.asked[i];
            if (pass == 0)
                first[i] = *asked;
            cr_expect_eq(asked->inputs, first[i].inputs);
            cr_expect_eq(asked->requests, first[i].requests);
            cr_expect(asked->digest.low == first[i].digest.low && asked->digest.high == first[i].digest.high);
        }
        wire_feed_lane(session->wire)->ops->close(wire_feed_lane(session->wire));
        free(session);
    }
    cr_expect_eq(first[0].requests, 2);
    cr_expect_eq(first[3].requests, 5);
    cr_expect_eq(first[3].inputs, count);
}

Test(wire_feed, a_source_that_breaks_gives_what_came_before_it_first)
{
    struct link_input inputs[32];
    (void)write_session(inputs);
    struct session *session = calloc(1, sizeof(*session));
    session_open(session, inputs, 4, 100, false);
    session->written.end = ERR_CORRUPT;
    cr_expect_eq(session_run(session, 0), ERR_CORRUPT);
    cr_expect_str_eq(session->lines, "1 tick\n4 snapshot u=10 bid 1000\n4 delta u=11 bid 1001\n");
    cr_expect_str_eq(wire_feed_lane(session->wire)->why.text, "the line is cut");
    wire_feed_lane(session->wire)->ops->close(wire_feed_lane(session->wire));
    free(session);
}

Test(wire_feed, inputs_that_cannot_be_are_refused)
{
    static const struct {
        struct link_input input;
        err_t err;
    } cases[] = {{{.ts = 4, .what = LINK_TICK}, ERR_ORDER},
                 {{.ts = 5, .what = LINK_UP, .link = 2}, ERR_MISMATCH},
                 {{.ts = 5, .what = LINK_UP, .conn = LINK_CONNS}, ERR_CORRUPT},
                 {{.ts = 5, .what = LINK_WHAT_COUNT}, ERR_CORRUPT}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct link_input inputs[2] = {{.ts = 5, .what = LINK_TICK}, cases[i].input};
        struct session *session = calloc(1, sizeof(*session));
        session_open(session, inputs, 2, 0, false);
        cr_expect_eq(session_run(session, 0), cases[i].err);
        cr_expect_neq(wire_feed_lane(session->wire)->why.text[0], '\0');
        wire_feed_lane(session->wire)->ops->close(wire_feed_lane(session->wire));
        free(session);
    }
}

Test(wire_feed, a_command_too_long_for_an_event_is_counted_and_left_out)
{
    char text[160] = "set a=";
    memset(text + 6, 'x', 140);
    struct link_input inputs[2] = {{.ts = 1, .what = LINK_COMMAND, .text = text, .text_size = 146},
                                   {.ts = 1, .what = LINK_COMMAND, .text = text, .text_size = 4 + WIRE_COMMAND_MAX}};
    struct session *session = calloc(1, sizeof(*session));
    session_open(session, inputs, 2, 0, false);
    cr_expect_eq(session_run(session, 0), ERR_END);
    cr_expect_eq(wire_feed_stats(session->wire)->commands_refused, 1);
    cr_expect_eq(wire_feed_stats(session->wire)->events, 1);
    wire_feed_lane(session->wire)->ops->close(wire_feed_lane(session->wire));
    free(session);
}

/* Small batches are held by the thousand: memory grows to what is held, and no further. */
Test(wire_feed, memory_follows_what_is_held)
{
    enum { COUNT = 60000, HELD = 20000 };
    struct link_input *inputs = calloc(COUNT, sizeof(*inputs));
    for (uint32_t i = 0; i < COUNT; i++)
        inputs[i] = (struct link_input){.ts = i, .what = LINK_TICK};
    struct session *session = calloc(1, sizeof(*session));
    session_open(session, inputs, COUNT, 1, false);
    struct feed *feed = wire_feed_lane(session->wire);
    static struct event_batch held[HELD];
    for (uint32_t i = 0; i < COUNT; i++) {
        struct event_batch *batch = &held[i % HELD];
        if (i >= HELD) {
            cr_assert_eq(batch->events[0].ts, i - HELD, "a held batch stays as it was");
            feed->ops->release(feed, batch->handle);
        }
        cr_assert_eq(feed->ops->next(feed, batch), ERR_OK);
    }
    cr_expect_leq(wire_feed_stats(session->wire)->memory, (HELD * 64u / (1u << 20) + 3) << 20);
    feed->ops->close(feed);
    free(session);
    free(inputs);
}
