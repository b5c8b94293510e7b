#include "cli/watch_text.h"

#include "cli/values.h"

#include "core/decimal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *watch_say(char *text, const char *fmt, ...)
{
    va_list list;
    va_start(list, fmt);
    (void)vsnprintf(text, WATCH_TEXT, fmt, list);
    va_end(list);
    return text;
}

const char *watch_add(char *text, const char *fmt, ...)
{
    const size_t used = strlen(text);
    va_list list;
    va_start(list, fmt);
    (void)vsnprintf(text + used, WATCH_TEXT - used, fmt, list);
    va_end(list);
    return text;
}

const char *watch_price(const struct instrument *instrument, px_t price, char *text)
{
    instrument_format_price(instrument, price, text);
    return text;
}

/* ---- quantities ---- */

/* As many decimals as fit, cut toward zero: it is never more than it says. */
static void in_units(money_t value, unsigned decimals, int width, char *text)
{
    static const char letters[] = "kMGTPE";
    for (unsigned i = 0; letters[i] != '\0'; i++) {
        const unsigned scale = decimals + 3 * (i + 1);
        if (scale > DECIMAL_MONEY_MAX)
            break;
        for (unsigned show = 3; show-- > 0;) {
            const money_t cut = money_divide(value, money_pow10(scale - show), ROUND_DOWN);
            const size_t size = decimal_format(text, cut, show, 0);
            if (cut == 0 || (int)size + 1 > width)
                continue;
            text[size] = letters[i];
            text[size + 1] = '\0';
            return;
        }
    }
    strcpy(text, "#");
}

const char *watch_qty(const struct instrument *instrument, qty_t qty, int width, char *text)
{
    if ((int)instrument_format_qty(instrument, qty, text) > width)
        in_units(qty, instrument->qty_decimals, width, text);
    return text;
}

const char *watch_ahead(const struct instrument *instrument, qty_t ahead, int width, char *text)
{
    if (ahead == INT64_MAX)
        return strcpy(text, "?");
    return ahead == 0 ? strcpy(text, "first") : watch_qty(instrument, ahead, width, text);
}

const char *watch_money(money_t value, unsigned show, char *text)
{
    char plain[DECIMAL_TEXT_SIZE];
    decimal_format(plain, money_divide(value, money_pow10(MONEY_DECIMALS - show), ROUND_HALF_EVEN), show, 0);
    const char *from = plain;
    char *to = text;
    if (*from == '-')
        *to++ = *from++;
    for (size_t whole = strcspn(from, "."); whole > 0; whole--) {
        *to++ = *from++;
        if (whole > 1 && (whole - 1) % 3 == 0)
            *to++ = ',';
    }
    strcpy(to, from);
    return text;
}

/* ---- time ---- */

const char *watch_moment(ns_t ts, char *text)
{
    char full[VALUE_TEXT_SIZE];
    if (ts == 0)
        return strcpy(text, "-");
    value_time_text(ts, full);
    return watch_say(text, "%.10s %.18s", full, full + 11);
}

const char *watch_clock(ns_t ts, char *text)
{
    char full[VALUE_TEXT_SIZE];
    if (ts == 0)
        return strcpy(text, "start");
    value_time_text(ts, full);
    return watch_say(text, "%.12s", full + 11);
}

const char *watch_age(ns_t span, char *text)
{
    if (span < 0)
        return strcpy(text, "-");
    if (span < NS_PER_MS)
        return watch_say(text, "%" PRId64 " us", span / NS_PER_US);
    if (span < 10 * NS_PER_S)
        return watch_say(text, "%" PRId64 " ms", span / NS_PER_MS);
    return value_span_text(span, text);
}

/* ---- orders ---- */

const char *watch_state(const struct watch_order *order, char *text)
{
    const bool pending = order->state == ORDER_PENDING;
    const char *base = order_state_name((enum order_state)order->state);
    if (pending)
        base = order->place == PLACE_AWAY ? "on its way" : "ack under way";
    else if (order->place == PLACE_AWAY)
        base = "end under way";
    else if (order->place == PLACE_FILL)
        base = "fill under way";
    else if (order->place == PLACE_NEWS)
        base = "news under way";
    return watch_say(text, "%s%s%s", base, order->cancel_pending != CANCEL_NONE ? ", cancel sent" : "",
                     order->amend_pending != 0 ? ", amend sent" : "");
}

/* ---- entries ---- */

const char *watch_entry_word(const struct watch_entry *entry)
{
    static const char *const levels[] = {"debug", "log", "warning", "error"};
    switch ((enum watch_kind)entry->kind) {
    case WATCH_SENT:
        return "order";
    case WATCH_CANCEL:
        return "cancel";
    case WATCH_AMEND:
        return "amend";
    case WATCH_FILL:
        return "FILL";
    case WATCH_PAYMENT:
        return "payment";
    case WATCH_LOG:
        return entry->level < ARRAY_LEN(levels) ? levels[entry->level] : "log";
    case WATCH_REPORT:
        break;
    }
    return entry->exec_kind == EXEC_CANCEL_REJECT  ? "too late"
           : entry->exec_kind == EXEC_AMEND_REJECT ? "refused"
                                                   : exec_kind_name((enum exec_kind)entry->exec_kind);
}

static const char *fee_text(const struct watch_index *index, const struct watch_entry *entry, char *text)
{
    char number[DECIMAL_TEXT_SIZE];
    decimal_format(number, entry->fee, WATCH_FEE_DECIMALS, 0);
    return watch_say(text, "%s %s", number, watch_index_currency(index, entry));
}

/* "buy 0.01 at 30000.4", of several instruments "BTCUSDT buy ..."; `said`: bought or sold. */
static void deal_text(const struct instrument *instrument, bool named, const struct watch_entry *entry, bool said,
                      char *text)
{
    char qty[WATCH_TEXT], price[WATCH_TEXT];
    const bool buy = entry->side == SIDE_BUY;
    watch_say(text, "%s%s%s %s", named ? instrument->symbol : "", named ? " " : "",
              said ? (buy ? "bought" : "sold") : side_name((enum side)entry->side),
              watch_qty(instrument, entry->qty, 24, qty));
    if (entry->price != 0)
        watch_add(text, " at %s", watch_price(instrument, entry->price, price));
}

const char *watch_entry_text(const struct watch_index *index, const struct instrument *instruments,
                             uint16_t instrument_count, const struct watch_entry *entry, char *text)
{
    char deal[WATCH_TEXT], fee[WATCH_TEXT];
    const struct instrument *instrument = &instruments[entry->instrument < instrument_count ? entry->instrument : 0];
    const bool named = instrument_count > 1;
    switch ((enum watch_kind)entry->kind) {
    case WATCH_LOG:
        return watch_say(text, "%s", watch_index_text(index, entry));
    case WATCH_PAYMENT:
        return watch_say(text, "%s%s, %s", entry->fee < 0 ? "" : "+", fee_text(index, entry, fee),
                         reason_words((enum reason)entry->reason));
    case WATCH_FILL:
        deal_text(instrument, named, entry, true, deal);
        return watch_say(text, "%" PRIu64 " %s, %s, fee %s", entry->order_id, deal, entry->maker ? "maker" : "taker",
                         fee_text(index, entry, fee));
    case WATCH_SENT:
        deal_text(instrument, named, entry, false, deal);
        return watch_say(text, "%" PRIu64 " %s%s%s%s", entry->order_id, deal,
                         entry->type == ORDER_MARKET ? ", market"
                         : entry->type == ORDER_BEST ? ", best"
                                                     : "",
                         (entry->flags & ORDER_POST_ONLY) != 0 ? ", post-only" : "",
                         (entry->flags & ORDER_REDUCE_ONLY) != 0 ? ", reduce-only" : "");
    case WATCH_AMEND:
        deal_text(instrument, named, entry, false, deal);
        return watch_say(text, "%" PRIu64 " to %s", entry->order_id, deal);
    case WATCH_CANCEL:
    case WATCH_REPORT:
        break;
    }
    deal_text(instrument, named, entry, false, deal);
    const char *reason = entry->reason != REASON_NONE ? reason_words((enum reason)entry->reason) : "";
    return watch_say(text, "%" PRIu64 "%s%s%s%s", entry->order_id, entry->qty != 0 ? " " : "",
                     entry->qty != 0 ? deal : "", reason[0] != '\0' ? ", " : "", reason);
}
