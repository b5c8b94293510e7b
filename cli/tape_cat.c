/* How: by hand into stdio's buffer and not through a JSON library: a tape has hundreds of millions of levels, and
 * what is written is numbers, fixed words and short names. */
#include "cli/rules_up.h"
#include "cli/tape_cat.h"

#include "cli/values.h"

#include "adapters/link.h"

#include "core/account.h"
#include "core/digest.h"
#include "core/order.h"

#include <inttypes.h>
#include <string.h>

static const struct instrument *instrument_of(const struct tape_cat *cat, const struct event *event)
{
    return event->instrument < cat->instrument_count ? &cat->instruments[event->instrument] : NULL;
}

/* Prices of an instrument that the tape does not define are shown as the integers they are. */
static const char *price_text(const struct instrument *instrument, px_t price, char *text)
{
    if (instrument != NULL)
        instrument_format_price(instrument, price, text);
    else
        snprintf(text, DECIMAL_TEXT_SIZE, "%" PRId64, price);
    return text;
}

static const char *qty_text(const struct instrument *instrument, qty_t qty, char *text)
{
    if (instrument != NULL)
        instrument_format_qty(instrument, qty, text);
    else
        snprintf(text, DECIMAL_TEXT_SIZE, "%" PRId64, qty);
    return text;
}

static const char *decimal_text(money_t value, unsigned decimals, char *text)
{
    decimal_format(text, value, decimals, 0);
    return text;
}

static void json_text(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(file, "\\%c", c);
        else if (c < 0x20)
            fprintf(file, "\\u%04x", c);
        else
            fputc(c, file);
    }
    fputc('"', file);
}

/* A text that a body carries; it need not be terminated. */
struct bounded {
    char text[128];
};
static struct bounded bound(const char *text, size_t size)
{
    struct bounded copy;
    size_t length = strnlen(text, size < sizeof(copy.text) - 1 ? size : sizeof(copy.text) - 1);
    memcpy(copy.text, text, length);
    copy.text[length] = '\0';
    return copy;
}

/* ---- bodies: name and value pairs, the same for both forms ---- */

struct pairs {
    FILE *file;
    bool json;
};

static void pair_text(const struct pairs *pairs, const char *name, const char *value)
{
    if (!pairs->json) {
        fprintf(pairs->file, "  %s=%s", name, value);
        return;
    }
    fprintf(pairs->file, ",\"%s\":", name);
    json_text(pairs->file, value);
}

static void pair_number(const struct pairs *pairs, const char *name, int64_t value)
{
    fprintf(pairs->file, pairs->json ? ",\"%s\":%" PRId64 : "  %s=%" PRId64, name, value);
}

static void pair_u64(const struct pairs *pairs, const char *name, uint64_t value)
{
    fprintf(pairs->file, pairs->json ? ",\"%s\":%" PRIu64 : "  %s=%" PRIu64, name, value);
}

static void pair_time(const struct pairs *pairs, const char *name, ns_t ts)
{
    char text[VALUE_TEXT_SIZE];
    if (ts != 0)
        pair_text(pairs, name, value_time_text(ts, text));
}

static void put_mark(const struct pairs *pairs, const struct instrument *instrument, const struct event_mark *mark)
{
    char text[DECIMAL_TEXT_SIZE];
    pair_text(pairs, "mark", price_text(instrument, mark->mark_price, text));
    if (mark->index_price != 0)
        pair_text(pairs, "index", price_text(instrument, mark->index_price, text));
    pair_text(pairs, "funding_rate", decimal_text(mark->funding_rate, 12, text));
    pair_time(pairs, "next_funding", mark->next_funding_ts);
}

static void put_candle(const struct pairs *pairs, const struct instrument *instrument,
                       const struct event_candle *candle)
{
    char text[DECIMAL_TEXT_SIZE], span[VALUE_TEXT_SIZE];
    unsigned decimals = instrument != NULL ? (unsigned)instrument->price_decimals + instrument->qty_decimals : 0;
    pair_time(pairs, "open_ts", candle->open_ts);
    pair_text(pairs, "interval", value_duration_text(candle->interval, span));
    pair_text(pairs, "open", price_text(instrument, candle->open, text));
    pair_text(pairs, "high", price_text(instrument, candle->high, text));
    pair_text(pairs, "low", price_text(instrument, candle->low, text));
    pair_text(pairs, "close", price_text(instrument, candle->close, text));
    pair_text(pairs, "volume", qty_text(instrument, candle->volume, text));
    pair_text(pairs, "quote_volume", decimal_text(candle->quote_volume, decimals, text));
    pair_number(pairs, "closed", candle->closed);
}

static void put_ticker(const struct pairs *pairs, const struct instrument *instrument,
                       const struct event_ticker *ticker)
{
    char text[DECIMAL_TEXT_SIZE];
    pair_text(pairs, "last", price_text(instrument, ticker->last_price, text));
    pair_text(pairs, "last_qty", qty_text(instrument, ticker->last_qty, text));
    pair_text(pairs, "open_24h", price_text(instrument, ticker->open_24h, text));
    pair_text(pairs, "high_24h", price_text(instrument, ticker->high_24h, text));
    pair_text(pairs, "low_24h", price_text(instrument, ticker->low_24h, text));
    pair_text(pairs, "volume_24h", qty_text(instrument, ticker->volume_24h, text));
}

static void put_execution(const struct pairs *pairs, const struct instrument *instrument,
                          const struct execution *execution)
{
    char text[DECIMAL_TEXT_SIZE];
    pair_text(pairs, "execution", exec_kind_name((enum exec_kind)execution->kind));
    pair_u64(pairs, "order", execution->order_id);
    pair_u64(pairs, "venue_order", execution->venue_order);
    pair_u64(pairs, "trade", execution->trade_id);
    pair_time(pairs, "venue_ts", execution->venue_ts);
    pair_text(pairs, "price", price_text(instrument, execution->price, text));
    pair_text(pairs, "qty", qty_text(instrument, execution->qty, text));
    pair_text(pairs, "leaves", qty_text(instrument, execution->leaves, text));
    if (order_id_is_venues(execution->order_id))
        pair_text(pairs, "order_side", side_name((enum side)execution->side));
    if (execution->kind == EXEC_FILL || execution->kind == EXEC_PAYMENT) {
        struct bounded currency = bound(execution->fee_currency, sizeof(execution->fee_currency));
        unsigned decimals =
            execution->fee_decimals <= DECIMAL_MONEY_MAX ? execution->fee_decimals : DECIMAL_MONEY_MAX;
        pair_text(pairs, "fee", decimal_text(execution->fee, decimals, text));
        pair_text(pairs, "fee_currency", currency.text);
    }
    if (execution->kind == EXEC_FILL)
        pair_text(pairs, "liquidity", execution->maker != 0 ? "maker" : "taker");
    if (execution->kind == EXEC_PAYMENT)
        pair_text(pairs, "rate", decimal_text(execution->rate, 12, text));
    if (execution->reason != REASON_NONE)
        pair_text(pairs, "reason", reason_name((enum reason)execution->reason));
    if (execution->venue_code != 0) {
        char code[VENUE_CODE_TEXT_SIZE];
        const struct venue_profile *profile = instrument != NULL ? rules_profile(instrument->venue) : NULL;
        pair_number(pairs, "venue_code", execution->venue_code);
        if (profile != NULL && profile->code_words != NULL)
            pair_text(pairs, "venue_error", venue_code_text(profile, execution->venue_code, code));
    }
}

static void put_output(const struct pairs *pairs, const struct instrument *instrument,
                       const struct event_output *output)
{
    char text[DECIMAL_TEXT_SIZE];
    pair_text(pairs, "what", output_kind_name((enum output_kind)output->kind));
    if (output->order_id != 0) {
        pair_u64(pairs, "order", output->order_id);
        pair_text(pairs, "order_side", side_name((enum side)(output->detail >> 24 & 1)));
        pair_text(pairs, "price", price_text(instrument, output->price, text));
        pair_text(pairs, "qty", qty_text(instrument, output->qty, text));
        return;
    }
    struct bounded said = bound(output->text, sizeof(output->text));
    pair_text(pairs, "text", said.text);
    if (output->kind == OUTPUT_PLOT)
        pair_text(pairs, "value",
                  decimal_text(output->qty, output->detail <= DECIMALS_MAX ? (unsigned)output->detail : 0, text));
}

static void put_checkpoint(const struct pairs *pairs, const struct event_checkpoint *checkpoint)
{
    char text[DIGEST_TEXT_SIZE];
    pair_u64(pairs, "inputs", checkpoint->inputs);
    pair_u64(pairs, "executions", checkpoint->executions);
    pair_u64(pairs, "orders", checkpoint->orders);
    pair_u64(pairs, "fills", checkpoint->fills);
    digest_text((struct digest_value){checkpoint->market[0], checkpoint->market[1]}, text);
    pair_text(pairs, "market", text);
    digest_text((struct digest_value){checkpoint->outputs[0], checkpoint->outputs[1]}, text);
    pair_text(pairs, "outputs", text);
}

/* ---- raw inputs ---- */

#define SHOWN_BYTES 400 /* of a text, for eyes, unless all levels are wanted too */

static bool is_utf8(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    while (at < end) {
        const unsigned more = *at < 0x80                   ? 0
                              : *at >= 0xc2 && *at <= 0xdf ? 1
                              : *at >= 0xe0 && *at <= 0xef ? 2
                              : *at >= 0xf0 && *at <= 0xf4 ? 3
                                                           : 4;
        if (more == 4 || (size_t)(end - at) <= more || *at == 0)
            return false;
        for (unsigned i = 1; i <= more; i++)
            if ((at[i] & 0xc0) != 0x80)
                return false;
        /* overlong forms, surrogates, beyond the last code point */
        if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) || (*at == 0xf0 && at[1] < 0x90) ||
            (*at == 0xf4 && at[1] > 0x8f))
            return false;
        at += more + 1;
    }
    return true;
}

static void put_hex(FILE *file, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        fprintf(file, "%02x", (unsigned char)bytes[i]);
}

/* As it came; control characters as escapes, and what is not text in hexadecimal. */
static void put_text(const struct pairs *pairs, const char *name, const char *text, uint32_t size, uint32_t most)
{
    FILE *file = pairs->file;
    if (size == 0)
        return;
    const bool plain = is_utf8(text, size);
    uint32_t shown = pairs->json || size <= most ? size : most;
    while (plain && shown < size && ((unsigned char)text[shown] & 0xc0) == 0x80)
        shown--; /* not in the middle of a character */
    fprintf(file, pairs->json ? ",\"%s%s\":\"" : "  %s%s=", name, plain ? "" : "_hex");
    if (!plain)
        put_hex(file, text, shown);
    for (uint32_t i = 0; plain && i < shown; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c < 0x20)
            fprintf(file, pairs->json ? "\\u%04x" : "\\x%02x", c);
        else if (pairs->json && (c == '"' || c == '\\'))
            fprintf(file, "\\%c", c);
        else
            fputc(c, file);
    }
    if (pairs->json)
        fputc('"', file);
    else if (shown < size)
        fprintf(file, " (%" PRIu32 " more bytes)", size - shown);
}

static void put_wire(const struct pairs *pairs, const struct event_wire *wire, uint32_t most)
{
    pair_text(pairs, "what", link_what_name((enum link_what)wire->what));
    pair_number(pairs, "link", wire->link);
    pair_number(pairs, "conn", wire->conn);
    if (wire->status != 0)
        pair_number(pairs, "status", wire->status);
    if (wire->id != 0)
        pair_u64(pairs, "id", wire->id);
    if (wire->value != 0)
        pair_number(pairs, "value", wire->value);
    put_text(pairs, "head", wire->head, wire->head_size, most);
    put_text(pairs, "text", wire->text, wire->text_size, most);
}

static void put_body(const struct tape_cat *cat, const struct pairs *pairs, const struct instrument *instrument,
                     const struct event *event)
{
    char text[DECIMAL_TEXT_SIZE];
    struct bounded name;
    if (event->body == NULL)
        return;
    switch (event->kind) {
    case EVENT_MARK:
        put_mark(pairs, instrument, event->body);
        break;
    case EVENT_CANDLE:
        put_candle(pairs, instrument, event->body);
        break;
    case EVENT_TICKER:
        put_ticker(pairs, instrument, event->body);
        break;
    case EVENT_EXECUTION:
        put_execution(pairs, instrument, event->body);
        break;
    case EVENT_OUTPUT:
        put_output(pairs, instrument, event->body);
        break;
    case EVENT_CHECKPOINT:
        put_checkpoint(pairs, event->body);
        break;
    case EVENT_WIRE:
        put_wire(pairs, event->body, cat->levels_max == UINT32_MAX ? UINT32_MAX : SHOWN_BYTES);
        break;
    case EVENT_GAP:
    case EVENT_PARAMETER:
    case EVENT_OPERATOR:
        name = bound(((const struct event_text *)event->body)->text, sizeof(struct event_text));
        pair_text(pairs, "text", name.text);
        break;
    case EVENT_SIGNAL:
        name = bound(((const struct event_signal *)event->body)->name, 32);
        pair_text(pairs, "name", name.text);
        pair_text(pairs, "value", decimal_text(((const struct event_signal *)event->body)->value, 9, text));
        break;
    case EVENT_BALANCE:
    case EVENT_POSITION:
        name = bound(((const struct event_balance *)event->body)->currency, NAME_SIZE);
        pair_text(pairs, "currency", name.text);
        pair_text(pairs, "total", decimal_text(((const struct event_balance *)event->body)->total, 18, text));
        pair_text(pairs, "locked", decimal_text(((const struct event_balance *)event->body)->locked, 18, text));
        break;
    default:
        break;
    }
}

/* ---- levels ---- */

static bool is_single(uint8_t kind)
{
    return kind == EVENT_TRADE || (kind >= EVENT_L3_ADD && kind <= EVENT_L3_EXECUTE);
}

static void put_side_text(const struct tape_cat *cat, const struct instrument *instrument, const char *name,
                          const struct level *levels, uint32_t count)
{
    char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE];
    uint32_t shown = count < cat->levels_max ? count : cat->levels_max;
    if (count == 0)
        return;
    fprintf(cat->file, "  %s", name);
    for (uint32_t i = 0; i < shown; i++)
        fprintf(cat->file, "%s %s %s", i > 0 ? "," : "", price_text(instrument, levels[i].price, price),
                qty_text(instrument, levels[i].qty, qty));
    if (shown < count)
        fprintf(cat->file, "%s (%" PRIu32 " more)", shown > 0 ? "," : "", count - shown);
}

static void put_side_json(const struct tape_cat *cat, const struct instrument *instrument, const char *name,
                          const struct level *levels, uint32_t count)
{
    char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE];
    uint32_t shown = count < cat->levels_max ? count : cat->levels_max;
    fprintf(cat->file, ",\"%s\":[", name);
    for (uint32_t i = 0; i < shown; i++)
        fprintf(cat->file, "%s[\"%s\",\"%s\"]", i > 0 ? "," : "", price_text(instrument, levels[i].price, price),
                qty_text(instrument, levels[i].qty, qty));
    fputc(']', cat->file);
    if (shown < count)
        fprintf(cat->file, ",\"%s_count\":%" PRIu32, name, count);
}

static const char *side_word(const struct event *event)
{
    if (event->kind == EVENT_TRADE)
        return (event->flags & EVENT_NO_SIDE) != 0 ? "unknown" : (event->flags & EVENT_SELL) != 0 ? "sell" : "buy";
    return (event->flags & EVENT_SELL) != 0 ? "ask" : "bid";
}

/* ---- the two forms ---- */

void tape_cat_text(const struct tape_cat *cat, uint64_t message, const struct event *event)
{
    const struct instrument *instrument = instrument_of(cat, event);
    struct pairs pairs = {cat->file, false};
    char time[VALUE_TEXT_SIZE], price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE];
    fprintf(cat->file, "%" PRIu64 "  %s  ", message, value_time_text(event->ts, time));
    if (instrument != NULL)
        fprintf(cat->file, "%s:%s", instrument->venue, instrument->symbol);
    else
        fputc('-', cat->file);
    fprintf(cat->file, "  %s", event_kind_name((enum event_kind)event->kind));
    if (event->seq != 0)
        pair_u64(&pairs, "seq", event->seq);
    if (event->seq_first != 0)
        pair_u64(&pairs, "first", event->seq_first);
    if (event->seq_prev != 0)
        pair_u64(&pairs, "prev", event->seq_prev);
    pair_time(&pairs, "exch", event->exch_ts);
    if ((event->flags & EVENT_AGGREGATE) != 0)
        fputs("  aggregate", cat->file);
    if ((event->flags & EVENT_SPECIAL) != 0)
        fputs("  special", cat->file);
    if ((event->flags & EVENT_PARTIAL) != 0)
        fputs("  partial", cat->file);
    if (!event_has_levels(event->kind)) {
        put_body(cat, &pairs, instrument, event);
    } else if (is_single(event->kind) && event->bid_count + event->ask_count > 0) {
        fprintf(cat->file, "  %s %s %s", side_word(event), price_text(instrument, event->levels[0].price, price),
                qty_text(instrument, event->levels[0].qty, qty));
    } else {
        put_side_text(cat, instrument, "bids", event->levels, event->bid_count);
        put_side_text(cat, instrument, "asks", event->levels + event->bid_count, event->ask_count);
    }
    fputc('\n', cat->file);
}

void tape_cat_json(const struct tape_cat *cat, uint64_t message, const struct event *event)
{
    const struct instrument *instrument = instrument_of(cat, event);
    struct pairs pairs = {cat->file, true};
    char time[VALUE_TEXT_SIZE], price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE];
    fprintf(cat->file,
            "{\"message\":%" PRIu64 ",\"ts\":\"%s\",\"ts_ns\":%" PRId64 ",\"exch_ts_ns\":%" PRId64 ",\"kind\":\"%s\"",
            message, value_time_text(event->ts, time), event->ts, event->exch_ts,
            event_kind_name((enum event_kind)event->kind));
    if (instrument != NULL) {
        fputs(",\"venue\":", cat->file);
        json_text(cat->file, instrument->venue);
        fputs(",\"instrument\":", cat->file);
        json_text(cat->file, instrument->symbol);
    }
    pair_u64(&pairs, "seq", event->seq);
    pair_u64(&pairs, "seq_first", event->seq_first);
    pair_u64(&pairs, "seq_prev", event->seq_prev);
    pair_number(&pairs, "flags", event->flags);
    if (!event_has_levels(event->kind)) {
        put_body(cat, &pairs, instrument, event);
    } else if (is_single(event->kind) && event->bid_count + event->ask_count > 0) {
        pair_text(&pairs, "side", side_word(event));
        pair_text(&pairs, "price", price_text(instrument, event->levels[0].price, price));
        pair_text(&pairs, "qty", qty_text(instrument, event->levels[0].qty, qty));
    } else {
        put_side_json(cat, instrument, "bids", event->levels, event->bid_count);
        put_side_json(cat, instrument, "asks", event->levels + event->bid_count, event->ask_count);
    }
    fputs("}\n", cat->file);
}
