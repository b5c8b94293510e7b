#include "tape_fixture.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEVELS_MAX  40
#define BODY_STRIDE 128

static int64_t wild(struct prng *prng)
{
    switch (prng_below(prng, 6)) {
    case 0:
        return 0;
    case 1:
        return (int64_t)prng_next(prng);
    case 2:
        return INT64_MAX - (int64_t)prng_below(prng, 3);
    case 3:
        return INT64_MIN + (int64_t)prng_below(prng, 3);
    default:
        return prng_range(prng, -1000, 1000);
    }
}

static qty_t wild_qty(struct prng *prng)
{
    int64_t x = wild(prng);
    return x < 0 ? -(x + 1) : x;
}

static void fill_body(struct prng *prng, struct event *event, void *memory)
{
    memset(memory, 0, BODY_STRIDE);
    event->body = memory;
    switch (event->kind) {
    case EVENT_MARK:
        *(struct event_mark *)memory = (struct event_mark){wild(prng), wild(prng), wild(prng), wild(prng)};
        break;
    case EVENT_CANDLE: {
        struct event_candle *candle = memory;
        candle->open_ts = wild(prng);
        candle->interval = wild(prng);
        candle->open = wild(prng);
        candle->high = wild(prng);
        candle->low = wild(prng);
        candle->close = wild(prng);
        candle->volume = wild(prng);
        candle->quote_volume = (money_t)wild(prng) * wild(prng);
        candle->closed = (uint8_t)prng_below(prng, 2);
        break;
    }
    case EVENT_TICKER:
        *(struct event_ticker *)memory =
            (struct event_ticker){wild(prng), wild(prng), wild(prng), wild(prng), wild(prng), wild(prng)};
        break;
    case EVENT_EXECUTION: {
        struct execution *execution = memory;
        execution->order_id = (uint64_t)wild(prng);
        execution->venue_order = (uint64_t)wild(prng);
        execution->trade_id = (uint64_t)wild(prng);
        execution->venue_ts = wild(prng);
        execution->price = wild(prng);
        execution->qty = wild(prng);
        execution->leaves = wild(prng);
        execution->fee = (money_t)wild(prng) * wild(prng);
        snprintf(execution->fee_currency, sizeof(execution->fee_currency), "C%u", (unsigned)prng_below(prng, 9));
        execution->fee_decimals = (uint8_t)prng_below(prng, 19);
        execution->kind = (uint8_t)prng_below(prng, EXEC_KIND_COUNT);
        execution->maker = (uint8_t)prng_below(prng, 2);
        execution->reason = (uint16_t)prng_below(prng, REASON_COUNT);
        execution->venue_code = (int16_t)prng_range(prng, -5100, 5100);
        execution->side = (uint8_t)prng_below(prng, 2);
        execution->rate = wild(prng);
        break;
    }
    case EVENT_BALANCE:
    case EVENT_POSITION: {
        struct event_balance *balance = memory;
        snprintf(balance->currency, sizeof(balance->currency), "CUR%u", (unsigned)prng_below(prng, 99));
        balance->total = (money_t)wild(prng) * 1000;
        balance->locked = wild(prng);
        break;
    }
    case EVENT_SIGNAL: {
        struct event_signal *signal = memory;
        snprintf(signal->name, sizeof(signal->name), "s%u", (unsigned)prng_below(prng, 99));
        signal->value = wild(prng);
        break;
    }
    case EVENT_OUTPUT: {
        struct event_output *output = memory;
        output->kind = (uint8_t)prng_below(prng, OUTPUT_KIND_COUNT);
        output->order_id = prng_below(prng, 2) == 0 ? 0 : (uint64_t)wild(prng);
        output->price = wild(prng);
        output->qty = wild(prng);
        output->detail = (uint64_t)wild(prng);
        output->tag = prng_next(prng);
        snprintf(output->text, sizeof(output->text), "said %" PRIu64, prng_next(prng));
        break;
    }
    case EVENT_WIRE: {
        struct event_wire *wire = memory;
        char *texts = (char *)memory + sizeof(*wire);
        wire->what = (uint8_t)prng_below(prng, 11);
        wire->link = (uint16_t)prng_below(prng, 3);
        wire->conn = (uint8_t)prng_below(prng, 16);
        wire->status = (int32_t)prng_range(prng, -5, 600);
        wire->id = prng_below(prng, 2) == 0 ? 0 : prng_next(prng);
        wire->value = wild(prng);
        const bool bytes = prng_below(prng, 8) == 0; /* anything, not text */
        for (int i = 0; i < 60; i++)
            texts[i] = bytes ? (char)prng_below(prng, 256) : (char)prng_range(prng, i % 7 == 0 ? 1 : ' ', '~');
        wire->head_size = (uint32_t)prng_below(prng, 30);
        wire->text_size = (uint32_t)prng_below(prng, 30);
        wire->head = wire->head_size != 0 ? texts : NULL;
        wire->text = wire->text_size != 0 ? texts + 30 : NULL;
        break;
    }
    case EVENT_CHECKPOINT: {
        struct event_checkpoint *checkpoint = memory;
        checkpoint->inputs = prng_next(prng);
        checkpoint->executions = prng_next(prng);
        checkpoint->orders = prng_next(prng);
        checkpoint->fills = prng_next(prng);
        for (int i = 0; i < 2; i++) {
            checkpoint->market[i] = prng_next(prng);
            checkpoint->outputs[i] = prng_next(prng);
        }
        break;
    }
    case EVENT_GAP:
    case EVENT_PARAMETER:
    case EVENT_OPERATOR:
        if (prng_below(prng, 4) == 0) {
            event->body = NULL;
            break;
        }
        snprintf(((struct event_text *)memory)->text, sizeof(((struct event_text *)memory)->text), "text %" PRIu64,
                 prng_next(prng));
        break;
    default:
        event->body = NULL;
        break;
    }
}

static uint8_t pick_kind(struct prng *prng)
{
    uint64_t draw = prng_below(prng, 100);
    if (draw < 45)
        return EVENT_BOOK_DELTA;
    if (draw < 65)
        return EVENT_TRADE;
    if (draw < 85)
        return EVENT_BBO;
    if (draw < 87)
        return EVENT_BOOK_SNAPSHOT;
    if (draw < 95)
        return (uint8_t)prng_range(prng, EVENT_L3_ADD, EVENT_L3_EXECUTE);
    return (uint8_t)prng_range(prng, EVENT_MARK, EVENT_KIND_COUNT - 1);
}

void fixture_make(struct fixture *fixture, uint64_t seed, uint32_t count, int style)
{
    struct prng prng;
    prng_init(&prng, seed, 7);
    memset(fixture, 0, sizeof(*fixture));
    static const char *const symbols[FIXTURE_INSTRUMENTS] = {"AAAUSDT", "BBBUSDT", "KRW-CCC"};
    for (int i = 0; i < FIXTURE_INSTRUMENTS; i++)
        cr_assert_eq(instrument_init(&fixture->instruments[i], "test", symbols[i], "X", "Y",
                                     i == 2 ? CONTRACT_SPOT : CONTRACT_LINEAR, 1, 3),
                     ERR_OK);
    instrument_set_tick(&fixture->instruments[2], 1000); /* stored in steps where every price allows it */
    fixture->instruments[2].lot = 10;
    fixture->events = calloc(count, sizeof(struct event));
    fixture->levels = calloc((size_t)count * LEVELS_MAX, sizeof(struct level));
    fixture->bodies = aligned_alloc(64, (size_t)count * BODY_STRIDE);
    fixture->count = count;
    ns_t ts = INT64_C(1700000000000000000);
    px_t mid[FIXTURE_INSTRUMENTS] = {600000, 27000, 150000};
    uint64_t id[FIXTURE_INSTRUMENTS] = {5123107832006u, 1, 77};
    struct level *level = fixture->levels;
    for (uint32_t i = 0; i < count; i++) {
        struct event *event = &fixture->events[i];
        ts += style == 1 && prng_below(&prng, 50) == 0 ? (ns_t)prng_below(&prng, UINT64_C(9000000000000))
                                                       : (ns_t)prng_below(&prng, 3) * 17000;
        event->ts = ts;
        event->kind = pick_kind(&prng);
        event->instrument = (uint16_t)prng_below(&prng, FIXTURE_INSTRUMENTS);
        uint16_t n = event->instrument;
        event->flags = (uint8_t)(style == 1 ? prng_below(&prng, 32) : prng_below(&prng, 2));
        event->exch_ts = prng_below(&prng, 10) == 0 ? 0 : ts - ts % 1000000 - (ns_t)prng_below(&prng, 5) * 1000000;
        id[n] += prng_below(&prng, 900);
        event->seq = id[n];
        if (event->kind == EVENT_BOOK_DELTA) {
            event->seq_first = id[n] - prng_below(&prng, 50);
            event->seq_prev = id[n] - 60;
        }
        if (style == 1) {
            event->exch_ts = prng_below(&prng, 4) == 0 ? wild(&prng) : event->exch_ts;
            event->seq = (uint64_t)wild(&prng);
            event->seq_first = (uint64_t)wild(&prng);
            event->seq_prev = (uint64_t)wild(&prng);
        }
        if (!event_has_levels(event->kind)) {
            if (prng_below(&prng, 3) == 0)
                event->instrument = INSTRUMENT_NONE;
            fill_body(&prng, event, (uint8_t *)fixture->bodies + (size_t)i * BODY_STRIDE);
            continue;
        }
        bool book = event->kind == EVENT_BOOK_DELTA || event->kind == EVENT_BOOK_SNAPSHOT;
        event->bid_count = book ? (uint32_t)prng_below(&prng, LEVELS_MAX / 2) : 1;
        event->ask_count = book ? (uint32_t)prng_below(&prng, LEVELS_MAX / 2) : event->kind == EVENT_BBO;
        event->levels = level;
        for (uint32_t l = 0; l < event->bid_count + event->ask_count; l++, level++) {
            level->price = (mid[n] += prng_range(&prng, -3, 3)) * (n == 2 ? 1000 : 1);
            level->qty = prng_below(&prng, 3) == 0 ? 0 : (qty_t)prng_below(&prng, 100000) * (n == 2 ? 10 : 1);
            if (style == 1 && prng_below(&prng, 8) == 0)
                *level = (struct level){wild(&prng), wild_qty(&prng)};
        }
    }
}

void fixture_free(struct fixture *fixture)
{
    free(fixture->events);
    free(fixture->levels);
    free(fixture->bodies);
}

const char *fixture_write(const struct fixture *fixture, const char *name, uint32_t block_levels)
{
    static char path[128];
    snprintf(path, sizeof(path), "/tmp/tapedeck-%s-%d.tape", name, (int)getpid());
    struct tape_writer *writer;
    struct err_text why = {0};
    const struct tape_writer_options options = {.block_levels = block_levels, .source = "test", .created_by = "test"};
    cr_assert_eq(tape_writer_open(&writer, path, fixture->instruments, FIXTURE_INSTRUMENTS, &options, &why), ERR_OK,
                 "%s", why.text);
    for (uint32_t i = 0; i < fixture->count; i++)
        cr_assert_eq(tape_writer_add(writer, &fixture->events[i]), ERR_OK, "event %u: %s", i,
                     tape_writer_why(writer)->text);
    cr_assert_eq(tape_writer_close(writer, NULL, &why), ERR_OK, "%s", why.text);
    return path;
}

static bool differ(const char *what, int64_t a, int64_t b)
{
    fprintf(stderr, "%s: %" PRId64 " against %" PRId64 "\n", what, a, b);
    return false;
}

static bool same_text(const char *a, uint32_t a_size, const char *b, uint32_t b_size)
{
    static const char zeros[EVENT_WIRE_PADDING];
    if (a_size != b_size || (a == NULL) != (b == NULL))
        return false;
    return a == NULL ||
           (memcmp(a, b, a_size) == 0 && memcmp(b + b_size, zeros, EVENT_WIRE_PADDING) == 0 /* readable */);
}

static bool same_wire(const struct event_wire *a, const struct event_wire *b)
{
    return a->value == b->value && a->id == b->id && a->status == b->status && a->link == b->link &&
           a->conn == b->conn && a->what == b->what && same_text(a->head, a->head_size, b->head, b->head_size) &&
           same_text(a->text, a->text_size, b->text, b->text_size);
}

bool fixture_same(const struct event *a, const struct event *b)
{
#define COMPARE(field)                                                                                               \
    if (a->field != b->field)                                                                                        \
    return differ(#field, (int64_t)a->field, (int64_t)b->field)
    COMPARE(ts);
    COMPARE(exch_ts);
    COMPARE(seq);
    COMPARE(seq_first);
    COMPARE(seq_prev);
    COMPARE(bid_count);
    COMPARE(ask_count);
    COMPARE(instrument);
    COMPARE(kind);
    COMPARE(flags);
#undef COMPARE
    if (event_has_levels(a->kind)) {
        for (uint32_t i = 0; i < a->bid_count + a->ask_count; i++) {
            if (a->levels[i].price != b->levels[i].price)
                return differ("price", a->levels[i].price, b->levels[i].price);
            if (a->levels[i].qty != b->levels[i].qty)
                return differ("qty", a->levels[i].qty, b->levels[i].qty);
        }
        return true;
    }
    if ((a->body == NULL) != (b->body == NULL))
        return differ("body", a->body != NULL, b->body != NULL);
    if (a->kind == EVENT_WIRE && a->body != NULL)
        return same_wire(a->body, b->body) || differ("wire", a->kind, b->kind);
    size_t size = a->kind == EVENT_EXECUTION ? sizeof(struct execution) : event_body_size((enum event_kind)a->kind);
    if (a->body != NULL && memcmp(a->body, b->body, size) != 0)
        return differ("body of kind", a->kind, b->kind);
    return true;
}
