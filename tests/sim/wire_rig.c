#include "tests/sim/wire_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep(struct wire_rig *rig, uint32_t client, enum wire_opcode opcode, uint16_t code, const char *text,
                 size_t size)
{
    cr_assert_lt(rig->count, RIG_KEPT, "the rig keeps %d messages", RIG_KEPT);
    struct rig_said *said = &rig->said[rig->count++];
    *said = (struct rig_said){client, opcode, code, malloc(size + 1), size};
    memcpy(said->text, text, size);
    said->text[size] = '\0';
}

static void on_frame(void *context, uint32_t client, enum wire_opcode opcode, const char *bytes, size_t size)
{
    struct wire_rig *rig = context;
    if (rig->hear != NULL)
        rig->hear(rig->hear_context, client, opcode, bytes, size);
    else
        keep(rig, client, opcode, 0, bytes, size);
}

static void on_close(void *context, uint32_t client, uint16_t code, const char *reason)
{
    keep(context, client, WIRE_CLOSE, code, reason, strlen(reason));
}

static void on_freeze(void *context, uint32_t client)
{
    (void)client;
    ((struct wire_rig *)context)->frozen++;
}

static void on_answer(void *context, const struct wire_answer *answer)
{
    struct wire_rig *rig = context;
    size_t at = 0;
    free(rig->body);
    rig->body = malloc(answer->body_size + 1);
    memcpy(rig->body, answer->body, answer->body_size);
    rig->body[answer->body_size] = '\0';
    rig->status = answer->status;
    rig->delay = answer->delay;
    rig->cut = answer->cut;
    rig->cut_size = answer->cut_size;
    rig->headers[0] = '\0';
    for (uint32_t i = 0; i < answer->header_count; i++)
        at += (size_t)snprintf(rig->headers + at, sizeof(rig->headers) - at, "%s: %s\n", answer->headers[i].name,
                               answer->headers[i].value);
}

void rig_init(struct wire_rig *rig, enum wire_venue venue)
{
    static const char *const symbols[2][2] = {{"BTCUSDT", "ETHUSDT"}, {"KRW-BTC", "KRW-ETH"}};
    static const char *const bases[2] = {"BTC", "ETH"};
    const bool upbit = venue == WIRE_UPBIT;
    *rig = (struct wire_rig){.now = RIG_BASE};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(instrument_init(&rig->instruments[i], wire_venue_name(venue), symbols[upbit][i], bases[i],
                                     upbit ? "KRW" : "USDT",
                                     venue == WIRE_BINANCE_USDM ? CONTRACT_LINEAR : CONTRACT_SPOT, 2, 3),
                     ERR_OK);
        rig->instruments[i].price_show = upbit ? 0 : 2;
        rig->instruments[i].qty_show = upbit ? 0 : 3;
    }
    rig->config = (struct wire_config){.venue = venue,
                                       .seed = 7,
                                       .instruments = rig->instruments,
                                       .instrument_count = 2,
                                       .clock = {RIG_BASE, RIG_BASE, 1, 1},
                                       .client_max = 16,
                                       .stream_max = 256,
                                       .peer_max = 8,
                                       .book_window = 4096,
                                       .far_capacity = 4096};
}

void rig_open(struct wire_rig *rig)
{
    struct err_text why = {0};
    const struct wire_calls calls = {rig, on_frame, on_close, on_freeze, on_answer};
    cr_assert_eq(wire_open(&rig->wire, &rig->config, &calls, &why), ERR_OK, "%s", why.text);
}

void rig_close(struct wire_rig *rig)
{
    rig_clear(rig);
    free(rig->body);
    rig->body = NULL;
    wire_close(rig->wire);
}

void rig_clear(struct wire_rig *rig)
{
    for (size_t i = 0; i < rig->count; i++)
        free(rig->said[i].text);
    rig->count = 0;
}

void rig_wait(struct wire_rig *rig, ns_t time)
{
    const ns_t until = rig->now + time;
    for (ns_t due = wire_due(rig->wire); due <= until; due = wire_due(rig->wire)) {
        rig->now = due > rig->now ? due : rig->now;
        wire_timer(rig->wire, rig->now);
    }
    rig->now = until;
    wire_timer(rig->wire, rig->now);
}

bool rig_hello(struct wire_rig *rig, uint32_t client, const char *path, const char *query)
{
    const struct wire_header headers[] = {{"Host", "localhost"}, {"Upgrade", "websocket"}};
    return wire_hello(rig->wire, rig->now, client,
                      &(struct wire_request){.id = client,
                                             .peer = 1,
                                             .method = "GET",
                                             .path = path,
                                             .query = query,
                                             .headers = headers,
                                             .header_count = 2});
}

void rig_text(struct wire_rig *rig, uint32_t client, const char *text)
{
    wire_frame(rig->wire, rig->now, client, WIRE_TEXT, text, strlen(text));
}

uint16_t rig_get(struct wire_rig *rig, const char *path, const char *query)
{
    rig->status = 0;
    wire_request(rig->wire, rig->now,
                 &(struct wire_request){.id = 99, .peer = 1, .method = "GET", .path = path, .query = query});
    cr_assert_neq(rig->status, 0, "a request was not answered");
    return rig->status;
}

void rig_book(struct wire_rig *rig, uint8_t kind, const char *levels, uint64_t first, uint64_t last,
              uint64_t previous)
{
    const struct instrument *instrument = &rig->instruments[0];
    struct level rows[256];
    struct event event = {.ts = rig->now,
                          .exch_ts = rig->now,
                          .seq = last,
                          .seq_first = first,
                          .seq_prev = previous,
                          .levels = rows,
                          .kind = kind};
    uint32_t *count = &event.bid_count;
    for (const char *at = levels; *at != '\0';) {
        const size_t size = strcspn(at, " ");
        if (at[0] == '/') {
            count = &event.ask_count;
        } else {
            const size_t split = strcspn(at, "x");
            struct level *row = &rows[event.bid_count + event.ask_count];
            cr_assert_eq(decimal_parse(at, split, instrument->price_decimals, ROUND_EXACT, &row->price), ERR_OK);
            cr_assert_eq(
                decimal_parse(at + split + 1, size - split - 1, instrument->qty_decimals, ROUND_EXACT, &row->qty),
                ERR_OK);
            ++*count;
        }
        at += size;
        at += *at == ' ';
    }
    wire_market(rig->wire, rig->now, &event);
}

void rig_trade(struct wire_rig *rig, const char *price, const char *qty, bool sold, uint64_t id)
{
    const struct instrument *instrument = &rig->instruments[0];
    struct level level;
    cr_assert_eq(decimal_parse(price, strlen(price), instrument->price_decimals, ROUND_EXACT, &level.price), ERR_OK);
    cr_assert_eq(decimal_parse(qty, strlen(qty), instrument->qty_decimals, ROUND_EXACT, &level.qty), ERR_OK);
    const struct event event = {.ts = rig->now,
                                .exch_ts = rig->now,
                                .seq = id,
                                .levels = &level,
                                .bid_count = 1,
                                .kind = EVENT_TRADE,
                                .flags = sold ? EVENT_SELL : 0};
    wire_market(rig->wire, rig->now, &event);
}

const char *rig_at(const struct wire_rig *rig, size_t i)
{
    return i < rig->count ? rig->said[i].text : "";
}
