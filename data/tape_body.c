#include "data/tape_body.h"

#include "core/order.h"

#include <string.h>

STATIC_ASSERT(sizeof(struct event_mark) <= TAPE_BODY_SIZE && sizeof(struct event_candle) <= TAPE_BODY_SIZE &&
                  sizeof(struct event_ticker) <= TAPE_BODY_SIZE && sizeof(struct event_text) <= TAPE_BODY_SIZE &&
                  sizeof(struct event_signal) <= TAPE_BODY_SIZE && sizeof(struct event_balance) <= TAPE_BODY_SIZE &&
                  sizeof(struct execution) <= TAPE_BODY_SIZE && sizeof(struct event_output) <= TAPE_BODY_SIZE &&
                  sizeof(struct event_checkpoint) <= TAPE_BODY_SIZE && sizeof(struct event_wire) <= TAPE_BODY_SIZE,
              "every body fits its slot");

/* One list of fields a kind, walked in both directions, so that the two cannot drift apart. */
struct walk {
    struct packed *out;            /* writing, or NULL */
    const struct packed_value *in; /* reading */
    uint32_t index;
    err_t err;
};

static void walk_i64(struct walk *walk, int64_t *field)
{
    if (walk->out != NULL)
        packed_i64(walk->out, *field);
    else if (walk->err == ERR_OK)
        walk->err = packed_get_i64(packed_at(walk->in, walk->index++), field);
}

static void walk_u64(struct walk *walk, uint64_t *field)
{
    if (walk->out != NULL)
        packed_u64(walk->out, *field);
    else if (walk->err == ERR_OK)
        walk->err = packed_get_u64(packed_at(walk->in, walk->index++), UINT64_MAX, field);
}

static void walk_u8(struct walk *walk, uint8_t *field)
{
    uint64_t wide = *field;
    walk_u64(walk, &wide);
    if (wide > UINT8_MAX)
        walk->err = ERR_CORRUPT;
    else
        *field = (uint8_t)wide;
}

static void walk_u16(struct walk *walk, uint16_t *field)
{
    uint64_t wide = *field;
    walk_u64(walk, &wide);
    if (wide > UINT16_MAX)
        walk->err = ERR_CORRUPT;
    else
        *field = (uint16_t)wide;
}

static void walk_i16(struct walk *walk, int16_t *field)
{
    int64_t wide = *field;
    walk_i64(walk, &wide);
    if (wide != (int16_t)wide)
        walk->err = ERR_CORRUPT;
    else
        *field = (int16_t)wide;
}

static void walk_text(struct walk *walk, char *field, size_t size)
{
    if (walk->out != NULL)
        packed_text(walk->out, field);
    else if (walk->err == ERR_OK)
        walk->err = packed_get_text(packed_at(walk->in, walk->index++), field, size);
}

static void walk_i32(struct walk *walk, int32_t *field)
{
    int64_t wide = *field;
    walk_i64(walk, &wide);
    if (wide != (int32_t)wide)
        walk->err = ERR_CORRUPT;
    else
        *field = (int32_t)wide;
}

static void walk_bytes(struct walk *walk, const char **bytes, uint32_t *size)
{
    if (walk->out != NULL) {
        packed_bin(walk->out, *size != 0 ? *bytes : "", *size);
        return;
    }
    const uint8_t *at = NULL;
    size_t got = 0;
    if (walk->err == ERR_OK)
        walk->err = packed_get_bin(packed_at(walk->in, walk->index++), &at, &got);
    if (got > UINT32_MAX)
        walk->err = ERR_CORRUPT;
    *bytes = (const char *)at;
    *size = (uint32_t)got;
}

static void walk_money(struct walk *walk, money_t *field)
{
    if (walk->out != NULL)
        packed_money(walk->out, *field);
    else if (walk->err == ERR_OK)
        walk->err = packed_get_money(packed_at(walk->in, walk->index++), field);
}

static void walk_execution(struct walk *walk, struct execution *execution)
{
    walk_u8(walk, &execution->kind);
    walk_u64(walk, &execution->order_id);
    walk_u64(walk, &execution->venue_order);
    walk_u64(walk, &execution->trade_id);
    walk_i64(walk, &execution->venue_ts);
    walk_i64(walk, &execution->price);
    walk_i64(walk, &execution->qty);
    walk_i64(walk, &execution->leaves);
    walk_money(walk, &execution->fee);
    walk_text(walk, execution->fee_currency, sizeof(execution->fee_currency));
    walk_u8(walk, &execution->fee_decimals);
    walk_u8(walk, &execution->maker);
    walk_u16(walk, &execution->reason);
    walk_i16(walk, &execution->venue_code);
    walk_u8(walk, &execution->side);
    walk_i64(walk, &execution->rate);
}

/* How many fields a kind has; 0: no body. */
static uint32_t field_count(uint8_t kind)
{
    switch (kind) {
    case EVENT_MARK:
        return 4;
    case EVENT_CANDLE:
        return 9;
    case EVENT_TICKER:
        return 6;
    case EVENT_EXECUTION:
        return 16;
    case EVENT_WIRE:
        return 8;
    case EVENT_BALANCE:
    case EVENT_POSITION:
        return 3;
    case EVENT_SIGNAL:
        return 2;
    case EVENT_OUTPUT:
        return 7;
    case EVENT_CHECKPOINT:
        return 8;
    case EVENT_GAP:
    case EVENT_PARAMETER:
    case EVENT_OPERATOR:
        return 1;
    default:
        return 0;
    }
}

static void walk_body(struct walk *walk, uint8_t kind, void *memory)
{
    switch (kind) {
    case EVENT_MARK: {
        struct event_mark *mark = memory;
        walk_i64(walk, &mark->mark_price);
        walk_i64(walk, &mark->index_price);
        walk_i64(walk, &mark->funding_rate);
        walk_i64(walk, &mark->next_funding_ts);
        break;
    }
    case EVENT_CANDLE: {
        struct event_candle *candle = memory;
        walk_i64(walk, &candle->open_ts);
        walk_i64(walk, &candle->interval);
        walk_i64(walk, &candle->open);
        walk_i64(walk, &candle->high);
        walk_i64(walk, &candle->low);
        walk_i64(walk, &candle->close);
        walk_i64(walk, &candle->volume);
        walk_money(walk, &candle->quote_volume);
        walk_u8(walk, &candle->closed);
        break;
    }
    case EVENT_TICKER: {
        struct event_ticker *ticker = memory;
        walk_i64(walk, &ticker->last_price);
        walk_i64(walk, &ticker->last_qty);
        walk_i64(walk, &ticker->open_24h);
        walk_i64(walk, &ticker->high_24h);
        walk_i64(walk, &ticker->low_24h);
        walk_i64(walk, &ticker->volume_24h);
        break;
    }
    case EVENT_EXECUTION:
        walk_execution(walk, memory);
        break;
    case EVENT_BALANCE:
    case EVENT_POSITION: {
        struct event_balance *balance = memory;
        walk_text(walk, balance->currency, sizeof(balance->currency));
        walk_money(walk, &balance->total);
        walk_money(walk, &balance->locked);
        break;
    }
    case EVENT_SIGNAL: {
        struct event_signal *signal = memory;
        walk_text(walk, signal->name, sizeof(signal->name));
        walk_i64(walk, &signal->value);
        break;
    }
    case EVENT_OUTPUT: {
        struct event_output *output = memory;
        walk_u8(walk, &output->kind);
        walk_u64(walk, &output->order_id);
        walk_i64(walk, &output->price);
        walk_i64(walk, &output->qty);
        walk_u64(walk, &output->detail);
        walk_u64(walk, &output->tag);
        walk_text(walk, output->text, sizeof(output->text));
        break;
    }
    case EVENT_CHECKPOINT: {
        struct event_checkpoint *checkpoint = memory;
        walk_u64(walk, &checkpoint->inputs);
        walk_u64(walk, &checkpoint->executions);
        walk_u64(walk, &checkpoint->orders);
        walk_u64(walk, &checkpoint->fills);
        walk_u64(walk, &checkpoint->market[0]);
        walk_u64(walk, &checkpoint->market[1]);
        walk_u64(walk, &checkpoint->outputs[0]);
        walk_u64(walk, &checkpoint->outputs[1]);
        break;
    }
    case EVENT_WIRE: {
        struct event_wire *wire = memory;
        walk_u8(walk, &wire->what);
        walk_u16(walk, &wire->link);
        walk_u8(walk, &wire->conn);
        walk_i32(walk, &wire->status);
        walk_u64(walk, &wire->id);
        walk_i64(walk, &wire->value);
        walk_bytes(walk, &wire->head, &wire->head_size);
        walk_bytes(walk, &wire->text, &wire->text_size);
        break;
    }
    case EVENT_GAP:
    case EVENT_PARAMETER:
    case EVENT_OPERATOR: {
        struct event_text *text = memory;
        walk_text(walk, text->text, sizeof(text->text));
        break;
    }
    default:
        break;
    }
}

size_t tape_body_size(uint8_t kind)
{
    return kind == EVENT_EXECUTION ? sizeof(struct execution)
           : kind == EVENT_WIRE    ? sizeof(struct event_wire)
                                   : event_body_size((enum event_kind)kind);
}

void tape_body_pack(struct packed *packed, const struct event *event)
{
    packed_array(packed, 5);
    packed_i64(packed, event->exch_ts);
    packed_u64(packed, event->seq);
    packed_u64(packed, event->seq_first);
    packed_u64(packed, event->seq_prev);
    uint32_t fields = event->body == NULL ? 0 : field_count(event->kind);
    packed_array(packed, fields);
    if (fields == 0)
        return;
    /* The walk does not write to the body in this direction. */
    struct walk walk = {.out = packed};
    uint8_t copy[TAPE_BODY_SIZE] __attribute__((aligned(16))) = {0};
    memcpy(copy, event->body, tape_body_size(event->kind));
    walk_body(&walk, event->kind, copy);
}

err_t tape_body_unpack(const struct packed_value *item, struct event *event, void *memory)
{
    uint32_t parts, fields;
    const struct packed_value *list = packed_at(item, 4);
    if (packed_count(item, &parts) != ERR_OK || parts != 5 || packed_count(list, &fields) != ERR_OK ||
        packed_get_i64(packed_at(item, 0), &event->exch_ts) != ERR_OK ||
        packed_get_u64(packed_at(item, 1), UINT64_MAX, &event->seq) != ERR_OK ||
        packed_get_u64(packed_at(item, 2), UINT64_MAX, &event->seq_first) != ERR_OK ||
        packed_get_u64(packed_at(item, 3), UINT64_MAX, &event->seq_prev) != ERR_OK)
        return ERR_CORRUPT;
    event->body = NULL;
    if (fields == 0)
        return ERR_OK;
    if (fields != field_count(event->kind))
        return ERR_CORRUPT;
    struct walk walk = {.in = list, .err = ERR_OK};
    walk_body(&walk, event->kind, memory);
    if (walk.err != ERR_OK)
        return ERR_CORRUPT;
    event->body = memory;
    return ERR_OK;
}
