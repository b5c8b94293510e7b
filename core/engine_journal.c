/* What the journal is told. Every call is behind a look at engine->journal: a run without one pays that. */
#include "core/engine_state.h"

#include <string.h>

static void record(struct engine *engine, enum event_kind kind, uint16_t instrument, ns_t exch_ts, const void *body)
{
    const struct event event = {.ts = engine->now,
                                .exch_ts = exch_ts,
                                .seq = engine->counters.inputs,
                                .body = body,
                                .instrument = instrument,
                                .kind = (uint8_t)kind};
    engine->journal->record(engine->journal->context, &event);
}

void engine_journal_execution(struct engine *engine, const struct execution *execution)
{
    const struct order *order = order_table_find(engine->orders, execution->order_id);
    record(engine, EVENT_EXECUTION, order != NULL ? order->instrument : INSTRUMENT_NONE, execution->venue_ts,
           execution);
}

/* FNV-1a: long lines are kept as their beginning, and this of the whole. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return hash;
}

/* As much as there is room for, in whole characters. */
static size_t append(struct event_output *output, size_t used, const char *text)
{
    const size_t room = sizeof(output->text) - 1 - used;
    size_t size = strlen(text);
    if (size > room)
        for (size = room; size > 0 && ((uint8_t)text[size] & 0xc0) == 0x80;)
            size--;
    memcpy(output->text + used, text, size);
    return used + size;
}

void engine_journal_order(struct engine *engine, enum output_kind kind, const struct order *order, px_t price,
                          qty_t qty)
{
    struct event_output output = {
        .order_id = order->id,
        .price = price,
        .qty = qty,
        .detail = (uint64_t)order->stp << 32 | (uint64_t)order->side << 24 | (uint64_t)order->type << 16 |
                  (uint64_t)order->tif << 8 | order->flags,
        .tag = order->tag,
        .kind = (uint8_t)kind,
    };
    char number[DECIMAL_TEXT_SIZE];
    size_t used = 0;
    if (order->funds != 0) {
        decimal_format(number, order->funds, MONEY_DECIMALS, 0);
        used = append(&output, append(&output, 0, "funds "), number);
    }
    if (order->expire_ts != 0) {
        decimal_format(number, order->expire_ts, 0, 0);
        (void)append(&output, append(&output, used, used != 0 ? " until " : "until "), number);
    }
    record(engine, EVENT_OUTPUT, order->instrument, 0, &output);
}

void engine_journal_request(struct engine *engine, enum digest_mark mark, uint64_t a, uint64_t b)
{
    struct event_output output = {.price = (int64_t)a, .qty = (int64_t)b, .detail = mark, .kind = OUTPUT_REQUEST};
    (void)append(&output, 0,
                 mark == DIGEST_REPLACE      ? "replace"
                 : mark == DIGEST_CANCEL_ALL ? "cancel_all"
                 : mark == DIGEST_COUNTDOWN  ? "countdown"
                                             : "batch");
    record(engine, EVENT_OUTPUT, INSTRUMENT_NONE, 0, &output);
}

void engine_journal_text(struct engine *engine, enum output_kind kind, const char *name, const char *text,
                         int64_t value, uint64_t detail)
{
    struct event_output output = {.qty = value, .detail = detail, .kind = (uint8_t)kind};
    output.tag = hash_text(hash_text(UINT64_C(0xcbf29ce484222325), name) ^ 0xff, text);
    size_t used = append(&output, 0, name);
    if (used != 0 && text[0] != '\0')
        used = append(&output, used, " ");
    (void)append(&output, used, text);
    record(engine, EVENT_OUTPUT, INSTRUMENT_NONE, 0, &output);
}

void engine_journal_checkpoint(struct engine *engine)
{
    const struct digest_value market = digest_value(&engine->market), outputs = digest_value(&engine->outputs);
    const struct event_checkpoint checkpoint = {
        .inputs = engine->counters.inputs,
        .executions = engine->counters.by_kind[EVENT_EXECUTION],
        .orders = engine->counters.orders,
        .fills = engine->counters.fills,
        .market = {market.low, market.high},
        .outputs = {outputs.low, outputs.high},
    };
    record(engine, EVENT_CHECKPOINT, INSTRUMENT_NONE, 0, &checkpoint);
    engine->checkpoint_due = engine->counters.inputs + JOURNAL_CHECKPOINT;
}
