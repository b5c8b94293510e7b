#include "cli/why_words.h"

#include "cli/values.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char *next_text(struct words *words)
{
    return words->kept[words->next++ % WORDS_KEPT];
}

const char *words_print(struct words *words, const char *fmt, ...)
{
    char *text = next_text(words);
    va_list list;
    va_start(list, fmt);
    (void)vsnprintf(text, WORDS_SIZE, fmt, list);
    va_end(list);
    return text;
}

const char *words_price(struct words *words, px_t price)
{
    char *text = next_text(words);
    instrument_format_price(words->instrument, price, text);
    return text;
}

const char *words_qty(struct words *words, qty_t qty)
{
    char *text = next_text(words);
    instrument_format_qty(words->instrument, qty, text);
    return text;
}

const char *words_ahead(struct words *words, qty_t ahead)
{
    return ahead == INT64_MAX ? "unknown" : words_qty(words, ahead);
}

const char *words_decimal(struct words *words, money_t value, unsigned decimals, unsigned show)
{
    char *text = next_text(words);
    if (decimals > show) {
        value = money_divide(value, money_pow10(decimals - show), ROUND_HALF_EVEN);
        decimals = show;
    }
    decimal_format(text, value, decimals, 0);
    return text;
}

const char *words_money(struct words *words, money_t value)
{
    return words_decimal(words, value, MONEY_DECIMALS, 8);
}

const char *words_span(struct words *words, ns_t span)
{
    static const struct {
        const char *name;
        unsigned decimals; /* of one in ns */
    } units[] = {{"s", 9}, {"ms", 6}, {"us", 3}};
    const ns_t size = span < 0 ? -span : span;
    if (size >= 60 * NS_PER_S) {
        char *text = next_text(words);
        return value_span_text(span, text);
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (size >= decimal_pow10(units[i].decimals))
            return words_print(words, "%s %s", words_decimal(words, span, units[i].decimals, 3), units[i].name);
    return words_print(words, "%" PRId64 " ns", span);
}

const char *words_time(struct words *words, ns_t ts)
{
    char text[VALUE_TEXT_SIZE];
    value_time_text(ts, text);
    const char *day_end = strchr(text, 'T');
    return words_print(words, "%.18s", day_end != NULL ? day_end + 1 : text);
}

const char *words_stamp(struct words *words, ns_t ts, ns_t stamp)
{
    if (stamp == 0)
        return "";
    if (stamp > ts) /* the clock of the recording ran behind the venue's */
        return words_print(words, ", stamped %s later than that", words_span(words, stamp - ts));
    return words_print(words, ", stamped %s before", words_span(words, ts - stamp));
}

static const char *side_text(struct words *words, const struct level *level)
{
    return level->qty == 0
               ? "none"
               : words_print(words, "%s x %s", words_price(words, level->price), words_qty(words, level->qty));
}

const char *words_touch(struct words *words, const struct level touch[2])
{
    return words_print(words, "%s | %s", side_text(words, &touch[SIDE_BUY]), side_text(words, &touch[SIDE_SELL]));
}

static const char *tape_name(const struct words *words, uint16_t lane)
{
    const struct stage_tape *tape = &words->stage->tapes[lane];
    const char *slash = strrchr(tape->path, '/');
    return tape->hash[0] == '\0' ? "the made market" : slash != NULL ? slash + 1 : tape->path;
}

const char *words_message(struct words *words, uint16_t lane, uint64_t number)
{
    return words_print(words, "message %" PRIu64 " of %s", number, tape_name(words, lane));
}

const char *words_source(struct words *words, const struct why_source *source)
{
    const char *where =
        source->numbered ? words_print(words, " (%s)", words_message(words, source->lane, source->number)) : "";
    const char *kind = event_kind_name((enum event_kind)source->kind);
    if (source->kind == EVENT_EXECUTION)
        return words_print(words, "the report of order %" PRIu64 ": %s", source->order_id,
                           exec_kind_name((enum exec_kind)source->exec_kind));
    if (source->kind == EVENT_TRADE)
        return words_print(words, "trade %" PRIu64 ": %s %s at %s%s", source->seq, words_qty(words, source->qty),
                           source->flags & EVENT_NO_SIDE ? "traded"
                           : source->flags & EVENT_SELL  ? "sold"
                                                         : "bought",
                           words_price(words, source->price), where);
    if (event_is_level3(source->kind))
        return words_print(words, "%s of order %" PRIu64 ", %s at %s%s", kind, source->seq_first,
                           words_qty(words, source->qty), words_price(words, source->price), where);
    if (source->seq == 0)
        return words_print(words, "%s%s", kind, where);
    return words_print(words, "%s u %" PRIu64 "%s", kind, source->seq, where);
}

/* ---- why not ---- */

/* Told only where the instrument's own numbers show it: venues have further rules (NULL: the reason must do). */

static const char *no_qty(struct words *words, qty_t qty)
{
    const struct instrument *instrument = words->instrument;
    if (qty % instrument->lot != 0)
        return words_print(words, "%s is no multiple of the lot %s", words_qty(words, qty),
                           words_qty(words, instrument->lot));
    if (instrument->qty_min != 0 && qty < instrument->qty_min)
        return words_print(words, "%s is less than the least, %s", words_qty(words, qty),
                           words_qty(words, instrument->qty_min));
    if (instrument->qty_max != 0 && qty > instrument->qty_max)
        return words_print(words, "%s is more than the most, %s", words_qty(words, qty),
                           words_qty(words, instrument->qty_max));
    return NULL;
}

static const char *no_price(struct words *words, px_t price, ns_t ts)
{
    px_t tick;
    if (price <= 0 || instrument_tick(words->instrument, price, ts, &tick) != ERR_OK)
        return words_print(words, "%s is no price of this instrument", words_price(words, price));
    if (price % tick == 0)
        return NULL;
    return words_print(words, "%s is no multiple of the tick %s", words_price(words, price),
                       words_price(words, tick));
}

const char *words_rejection(struct words *words, enum reason reason, const struct why_arrived *arrived, ns_t ts)
{
    const struct venue_request *asked = &arrived->request;
    const struct instrument *instrument = words->instrument;
    const enum side opposite = side_opposite((enum side)(asked->side <= SIDE_SELL ? asked->side : SIDE_BUY));
    const struct level *touch = &arrived->touch[opposite];
    const unsigned decimals = (unsigned)instrument->price_decimals + instrument->qty_decimals;
    switch (reason) {
    case REASON_BAD_QTY:
        return no_qty(words, asked->qty);
    case REASON_BAD_PRICE:
        return no_price(words, asked->price, ts);
    case REASON_MIN_NOTIONAL:
        if (asked->type == ORDER_MARKET || instrument_notional(asked->price, asked->qty) >= instrument->notional_min)
            return NULL;
        return words_print(words, "worth %s, the least is %s",
                           words_decimal(words, instrument_notional(asked->price, asked->qty), decimals, 8),
                           words_decimal(words, instrument->notional_min, decimals, 8));
    case REASON_POST_ONLY:
        if (touch->qty == 0)
            return NULL;
        return words_print(words, "%s is %s at %s when it arrives", words_qty(words, touch->qty),
                           opposite == SIDE_SELL ? "offered" : "bid", words_price(words, touch->price));
    case REASON_SELF_TRADE:
        if (!arrived->has_own)
            return NULL;
        return words_print(words,
                           "an order of ours rests at %s on the other side, and what is displayed before that "
                           "is not enough for %s",
                           words_price(words, arrived->own), words_qty(words, asked->qty));
    case REASON_FOK:
    case REASON_NO_LIQUIDITY:
        return words_print(words, "%s of %s can be taken within its limit", words_qty(words, arrived->takeable),
                           words_qty(words, asked->qty));
    case REASON_STALE_BOOK:
        return words_print(words, "data were missed, and no snapshot has come since");
    default:
        return NULL;
    }
}
