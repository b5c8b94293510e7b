#include "link_fixture.h"

#include "adapters/market.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct link_fixture *fixture, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void put(struct link_fixture *fixture, const char *fmt, ...)
{
    if (fixture->capacity - fixture->used < 16384) {
        fixture->capacity = fixture->capacity * 2 + 65536;
        fixture->out = realloc(fixture->out, fixture->capacity);
    }
    va_list args;
    va_start(args, fmt);
    fixture->used += (size_t)vsnprintf(fixture->out + fixture->used, 16384, fmt, args);
    va_end(args);
}

static err_t fixture_emit(void *context, const struct event *event)
{
    struct link_fixture *fixture = context;
    if (fixture->emit_error != ERR_OK)
        return fixture->emit_error;
    cr_assert(event->ts <= fixture->ts, "an event of the future");
    fixture->events[event->kind]++;
    if (fixture->watch != NULL)
        fixture->watch(fixture->watch_context, event);
    if (fixture->quiet)
        return ERR_OK;
    put(fixture, "%s", event_kind_name(event->kind));
    if (event->instrument == INSTRUMENT_NONE) {
        put(fixture, "\n");
        return ERR_OK;
    }
    const struct instrument *instrument = &fixture->instruments[event->instrument];
    put(fixture, " %s", instrument->symbol);
    if (event->kind == EVENT_GAP)
        put(fixture, " %s", ((const struct event_text *)event->body)->text);
    if (event->seq != 0 && event->seq_first != 0)
        put(fixture, " %" PRIu64 "..%" PRIu64, event->seq_first, event->seq);
    else if (event->seq != 0)
        put(fixture, " %" PRIu64, event->seq);
    if (event->flags & EVENT_PARTIAL)
        put(fixture, " partial");
    for (uint32_t i = 0; event_has_levels(event->kind) && i < event->bid_count + event->ask_count; i++) {
        char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE];
        instrument_format_price(instrument, event->levels[i].price, price);
        instrument_format_qty(instrument, event->levels[i].qty, qty);
        if (i == 0 && event->bid_count > 0 && event->kind != EVENT_TRADE)
            put(fixture, " bids");
        if (i == event->bid_count)
            put(fixture, " asks");
        put(fixture, " %sx%s", price, qty);
    }
    put(fixture, "\n");
    return ERR_OK;
}

static void put_quoted(struct link_fixture *fixture, const char *text, size_t size)
{
    size_t begin = fixture->used;
    put(fixture, "%.*s\n", (int)size, text);
    for (size_t i = begin; i < fixture->used; i++)
        if (fixture->out[i] == '"')
            fixture->out[i] = '\'';
}

static void wire_open(void *context, uint16_t link, uint8_t conn, const char *url)
{
    (void)link;
    put(context, "open %u %s\n", conn, url);
}

static void wire_close(void *context, uint16_t link, uint8_t conn)
{
    (void)link;
    put(context, "close %u\n", conn);
}

static void wire_send(void *context, uint16_t link, uint8_t conn, const char *text, size_t size)
{
    (void)link;
    put(context, "send %u ", conn);
    put_quoted(context, text, size);
}

static void wire_ping(void *context, uint16_t link, uint8_t conn)
{
    (void)link;
    put(context, "ping %u\n", conn);
}

static void wire_get(void *context, uint16_t link, uint64_t id, const char *url, ns_t timeout)
{
    struct link_fixture *fixture = context;
    (void)link;
    cr_assert_gt(timeout, 0);
    if (fixture->hide_time && strstr(url, "/time") != NULL) {
        fixture->time_id = id;
        return;
    }
    fixture->last_get = id;
    snprintf(fixture->last_url, sizeof(fixture->last_url), "%s", url);
    put(fixture, "get %" PRIu64 " %s\n", id, url);
}

void link_fixture_init(struct link_fixture *fixture, const char *const *names, uint32_t count,
                       unsigned price_decimals, unsigned qty_decimals, struct market_sink *sink,
                       struct link_wire *wire)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->instruments = calloc(count, sizeof(*fixture->instruments));
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(instrument_init(&fixture->instruments[i], "test", names[i], "BASE", "QUOTE", CONTRACT_SPOT,
                                     price_decimals, qty_decimals),
                     ERR_OK);
    fixture->ts = LINK_FIXTURE_EPOCH;
    fixture->hide_time = true;
    *sink = (struct market_sink){fixture, fixture_emit, NULL};
    *wire = (struct link_wire){fixture, wire_open, wire_close, wire_send, wire_ping, wire_get};
}

void link_fixture_close(struct link_fixture *fixture)
{
    if (fixture->link != NULL)
        fixture->link->ops->close(fixture->link);
    free(fixture->instruments);
    free(fixture->out);
}

/* A copy of exactly the text and its padding, which holds what could go on. */
static char *padded(const char *text, size_t size)
{
    char *copy = malloc(size + FRAME_PADDING);
    if (size > 0)
        memcpy(copy, text, size);
    memset(copy + size, '7', FRAME_PADDING);
    return copy;
}

err_t give(struct link_fixture *fixture, struct link_input input)
{
    char *copy = padded(input.text, input.text_size);
    input.ts = fixture->ts;
    input.text = copy;
    fixture->why.code = ERR_OK;
    err_t err = fixture->link->ops->input(fixture->link, &input, &fixture->why);
    free(copy);
    return err;
}

static void give_text(struct link_fixture *fixture, struct link_input input, const char *text)
{
    char *copy = strdup(text == NULL ? "" : text);
    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    input.text = copy;
    input.text_size = (uint32_t)strlen(copy);
    cr_assert_eq(give(fixture, input), ERR_OK, "%s", fixture->why.text);
    free(copy);
}

void at(struct link_fixture *fixture, int64_t ms)
{
    fixture->ts = LINK_FIXTURE_EPOCH + ms * NS_PER_MS;
}

void tick(struct link_fixture *fixture)
{
    if (fixture->time_id != 0) {
        char body[64];
        snprintf(body, sizeof(body), "{'serverTime':%lld}", (long long)(fixture->ts / NS_PER_MS));
        uint64_t id = fixture->time_id;
        fixture->time_id = 0;
        answer(fixture, id, 200, "", body);
    }
    cr_assert_eq(give(fixture, (struct link_input){.what = LINK_TICK}), ERR_OK);
}

void ticks_until(struct link_fixture *fixture, int64_t ms)
{
    const ns_t end = LINK_FIXTURE_EPOCH + ms * NS_PER_MS;
    int idle = 0;
    for (;;) {
        ns_t due = fixture->link->ops->due(fixture->link);
        if (due > end)
            break;
        cr_assert(due > fixture->ts || ++idle < 1000, "it wants to be woken without end");
        idle = due > fixture->ts ? 0 : idle;
        fixture->ts = due > fixture->ts ? due : fixture->ts;
        tick(fixture);
    }
    fixture->ts = end;
    tick(fixture);
}

void up(struct link_fixture *fixture, uint8_t conn)
{
    give_text(fixture, (struct link_input){.what = LINK_UP, .conn = conn}, "");
}

void down(struct link_fixture *fixture, uint8_t conn, int32_t status, const char *text)
{
    give_text(fixture, (struct link_input){.what = LINK_DOWN, .conn = conn, .status = status}, text);
}

void pong(struct link_fixture *fixture, uint8_t conn)
{
    give_text(fixture, (struct link_input){.what = LINK_PONG, .conn = conn}, "");
}

void text(struct link_fixture *fixture, uint8_t conn, const char *text)
{
    give_text(fixture, (struct link_input){.what = LINK_TEXT, .conn = conn}, text);
}

void answer(struct link_fixture *fixture, uint64_t id, int32_t status, const char *head, const char *body)
{
    give_text(fixture,
              (struct link_input){
                  .what = LINK_ANSWER, .id = id, .status = status, .head = head, .head_size = (uint32_t)strlen(head)},
              body);
}

void failed(struct link_fixture *fixture, uint64_t id, const char *why)
{
    give_text(fixture, (struct link_input){.what = LINK_FAILED, .id = id}, why);
}

void forget(struct link_fixture *fixture)
{
    fixture->used = 0;
    if (fixture->out != NULL)
        fixture->out[0] = '\0';
}

void shown_at(struct link_fixture *fixture, const char *expected, const char *file, int line)
{
    const char *got = fixture->used == 0 ? "" : fixture->out;
    struct link_stats stats = stats_now(fixture);
    cr_assert(strcmp(got, expected) == 0, "%s:%d:\nexpected\n%sgot\n%s(said: %s)", file, line, expected, got,
              stats.said.text);
    forget(fixture);
}

void shown_piece_at(struct link_fixture *fixture, const char *piece, const char *file, int line)
{
    const char *got = fixture->used == 0 ? "" : fixture->out;
    cr_assert(strstr(got, piece) != NULL, "%s:%d:\nexpected\n%s\nin\n%s", file, line, piece, got);
    forget(fixture);
}

struct link_stats stats_now(const struct link_fixture *fixture)
{
    struct link_stats stats;
    fixture->link->ops->stats(fixture->link, &stats);
    return stats;
}
