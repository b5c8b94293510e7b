/* why_fills.c: each fill with the trade or book message that made it, its price and its fee. The fills of a taker's
 * walk through many levels are told in one line. */
#include "cli/why_lines.h"

#include <inttypes.h>
#include <string.h>

#define WALK_FEW 3

static const char *how_text(struct why_text *text, const struct why_entry *entry, const struct why_moved *reached)
{
    const struct why_fill *fill = &entry->note.fill;
    struct words *words = &text->words;
    const enum side opposite = side_opposite((enum side)text->order->order.side);
    const char *word = opposite == SIDE_SELL ? "offered" : "bid";
    switch (fill->how) {
    case WHY_AT_PRICE:
        if (reached == NULL)
            break;
        if (reached->reach == reached->over)
            return words_print(words, "%s, nothing ahead%s", words_source(words, &entry->cause),
                               why_reach(words, &entry->cause, reached));
        return words_print(words, "%s: %s of it for what was ahead, %s for us%s", words_source(words, &entry->cause),
                           words_qty(words, reached->reach - reached->over), words_qty(words, reached->over),
                           why_reach(words, &entry->cause, reached));
    case WHY_THROUGH:
        return words_print(words, "%s: through its price%s", words_source(words, &entry->cause),
                           event_is_level3(entry->cause.kind) ? "" : ", so it had to fill whole");
    case WHY_CROSSED:
        return words_print(words, "%s shows %s x %s %s, at or through its price", words_source(words, &entry->cause),
                           words_price(words, fill->touch[opposite].price),
                           words_qty(words, fill->touch[opposite].qty), word);
    case WHY_TAKEN:
        return words_print(words, "what is displayed there, %s", words_qty(words, fill->displayed));
    case WHY_OWN:
        return "an order of ours: self-trades are allowed";
    }
    return words_source(words, &entry->cause);
}

/* Twice the price, to be exact about the mid. */
static void put_price(struct why_text *text, ns_t ts, const struct why_fill *fill, money_t price_twice,
                      const char *what)
{
    struct words *words = &text->words;
    const unsigned decimals = words->instrument->price_decimals + 1u;
    const money_t mid = (money_t)fill->touch[SIDE_BUY].price + fill->touch[SIDE_SELL].price;
    const money_t better = (mid - price_twice) * side_sign((enum side)text->order->order.side);
    const money_t size = (better < 0 ? -better : better) * 5;
    if (fill->touch[SIDE_BUY].qty == 0 || fill->touch[SIDE_SELL].qty == 0 || mid <= 0)
        return;
    why_line(text, ts, NULL, "price", "%s%s (%s bp) %s than %s, the mid of the venue's book", what,
             words_decimal(words, size, decimals, decimals),
             words_decimal(words, money_divide(size * 1000000, mid * 5, ROUND_HALF_EVEN), 2, 2),
             better < 0 ? "worse" : "better", words_decimal(words, mid * 5, decimals, decimals));
}

static const char *rounding_text(enum rounding rounding)
{
    switch (rounding) {
    case ROUND_CEIL:
        return "rounded up";
    case ROUND_FLOOR:
        return "rounded down";
    case ROUND_HALF_EVEN:
        return "rounded half to even";
    case ROUND_HALF_AWAY:
        return "rounded half away from zero";
    default:
        return "rounded";
    }
}

/* Of what the fill brought, not of what it cost. */
static bool fee_in_base(const struct words *words, const struct why_fill *fill)
{
    return words->instrument->contract == CONTRACT_SPOT && words->instrument->fee_received &&
           strcmp(fill->fee.currency, words->instrument->base) == 0;
}

static money_t value_of(const struct words *words, const struct why_fill *fill)
{
    money_t value;
    if (fee_in_base(words, fill))
        return money_rescale(fill->qty, words->instrument->qty_decimals, MONEY_DECIMALS, ROUND_HALF_EVEN, &value) ==
                       ERR_OK
                   ? value
                   : 0;
    if (account_notional(words->instrument, fill->price, fill->qty, ROUND_HALF_EVEN, &value) != ERR_OK)
        return 0; /* such a fill is never made */
    return value;
}

static bool fee_was_cut(const struct words *words, const struct why_fill *fill)
{
    struct fee whole;
    return fee_compute(words->instrument, fill->rule, fee_in_base(words, fill) ? SIDE_BUY : SIDE_SELL, fill->rate,
                       fill->price, fill->qty, &whole) == ERR_OK &&
           whole.amount != fill->fee.amount;
}

static void put_fee(struct why_text *text, ns_t ts, const struct why_fill *fill, money_t fee, money_t value, bool cut,
                    const char *each)
{
    struct words *words = &text->words;
    why_line(text, ts, NULL, "fee", "%s%s %s: %s %% (%s) of %s, %s%s at %u decimals%s%s", fee < 0 ? "rebate " : "",
             words_decimal(words, fee < 0 ? -fee : fee, fill->fee.decimals, fill->fee.decimals), fill->fee.currency,
             words_decimal(words, (money_t)fill->rate * 100, FEE_DECIMALS, FEE_DECIMALS),
             fill->maker ? "maker" : "taker", words_money(words, value), each, rounding_text(fill->rule->rounding),
             fill->rule->decimals,
             fill->rule->venue[0] != '\0' ? words_print(words, " (rule of %s)", fill->rule->venue) : "",
             cut ? ", cut to what the order had reserved" : "");
}

static const char *left_text(struct words *words, qty_t leaves)
{
    if (leaves == LEAVES_UNKNOWN)
        return "; funds left";
    return leaves == 0 ? "; complete" : words_print(words, "; %s left", words_qty(words, leaves));
}

static const char *impact_text(struct words *words, px_t impact)
{
    return impact == 0 ? ""
                       : words_print(words, "; our own impact makes prices %s worse", words_price(words, impact));
}

static void put_fill(struct why_text *text, const struct why_entry *entry, const struct why_moved *reached)
{
    const struct why_fill *fill = &entry->note.fill;
    struct words *words = &text->words;
    why_line(text, entry->ts, "venue", "FILL", "%s at %s, %s, %s %s%s%s", words_qty(words, fill->qty),
             words_price(words, fill->price), fill->maker ? "maker" : "taker", fill->how == WHY_TAKEN ? "of" : "by",
             how_text(text, entry, reached), impact_text(words, fill->impact), left_text(words, fill->leaves));
    put_price(text, entry->ts, fill, 2 * (money_t)fill->price, "");
    put_fee(text, entry->ts, fill, fill->fee.amount, value_of(words, fill), fee_was_cut(words, fill), "");
}

/* ---- a taker's walk through the book ---- */

static bool is_fill(const struct why_entry *entry)
{
    return entry->kind == WHY_NOTE && entry->note.kind == WHY_FILL;
}

/* The entry behind a walk that begins at `at`; `count`: of its fills. Between two of them stands the answer. */
static uint32_t walk_end(const struct why_order *order, uint32_t at, uint32_t *count)
{
    uint32_t end = at;
    for (*count = 0; end < order->count; end++) {
        const struct why_entry *entry = &order->entries[end];
        if (is_fill(entry) && entry->note.fill.how == WHY_TAKEN)
            ++*count;
        else if (entry->kind != WHY_NOTE || entry->note.kind != WHY_ANSWERED || entry->execution == NULL ||
                 entry->execution->kind != EXEC_FILL)
            break;
    }
    return end;
}

static void put_walk(struct why_text *text, uint32_t at, uint32_t end, uint32_t count)
{
    struct words *words = &text->words;
    const struct why_entry *first = &text->order->entries[at];
    const struct why_fill *last = &first->note.fill;
    money_t qty = 0, cost = 0, fees = 0, value = 0;
    bool cut = false;
    for (uint32_t i = at; i < end; i++) {
        const struct why_entry *entry = &text->order->entries[i];
        if (!is_fill(entry))
            continue;
        last = &entry->note.fill;
        qty += last->qty;
        cost += (money_t)last->price * last->qty;
        fees += last->fee.amount;
        value += value_of(words, last);
        cut |= fee_was_cut(words, last);
    }
    const unsigned decimals = words->instrument->price_decimals + 3u;
    const money_t average = money_divide(cost * 1000, qty, ROUND_HALF_EVEN);
    why_line(text, first->ts, "venue", "FILL",
             "%s, taker, through %" PRIu32 " displayed levels from %s to %s, %s on average%s%s",
             words_qty(words, (qty_t)qty), count, words_price(words, first->note.fill.price),
             words_price(words, last->price), words_decimal(words, average, decimals, decimals),
             impact_text(words, last->impact), left_text(words, last->leaves));
    put_price(text, first->ts, &first->note.fill, money_divide(2 * cost, qty, ROUND_HALF_EVEN), "on average ");
    put_fee(text, first->ts, last, fees, value, cut, "each fill ");
}

uint32_t why_fills_print(struct why_text *text, uint32_t at)
{
    uint32_t count;
    const struct why_entry *entry = &text->order->entries[at];
    const struct why_entry *before = at > 0 ? entry - 1 : NULL;
    const uint32_t end = walk_end(text->order, at, &count);
    if (count > WALK_FEW && !text->full) {
        put_walk(text, at, end, count);
        return end;
    }
    put_fill(text, entry,
             before != NULL && before->kind == WHY_NOTE && before->note.kind == WHY_TRADE ? &before->note.moved
                                                                                          : NULL);
    return at + 1;
}

uint32_t why_learnt_fills(struct why_text *text, uint32_t at)
{
    const struct why_order *order = text->order;
    const struct why_entry *first = &order->entries[at], *last = first;
    uint32_t count = 0;
    for (uint32_t i = at; i < order->count; i++, count++) {
        const struct why_entry *entry = &order->entries[i];
        if (entry->kind != WHY_LEARNT || entry->execution == NULL || entry->execution->kind != EXEC_FILL ||
            !entry->learnt.answered)
            break;
        last = entry;
    }
    if (count <= WALK_FEW)
        return 0;
    why_line(text, first->ts, "us", "learnt", "%" PRIu32 " fills, the last %s after it was made; position now %s",
             count, words_span(&text->words, last->ts - last->learnt.left),
             words_qty(&text->words, last->learnt.position));
    return count;
}
