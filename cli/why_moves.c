/* why_moves.c: how the place in the queue came forward.
 *
 * A stretch of moves is told three ways: each on its line when they are few or all are asked for; else neighbours of
 * one cause in one line; and when even those are many, the whole stretch in one. */
#include "cli/why_lines.h"

#include <inttypes.h>
#include <string.h>

#define FEW 12

enum cause { CAUSE_TRADE, CAUSE_LATE, CAUSE_NONE, CAUSE_CANCEL, CAUSE_CLAMP, CAUSE_SEEN, CAUSE_COUNT };

static enum cause cause_of(const struct why_entry *entry)
{
    const struct why_moved *moved = &entry->note.moved;
    const bool stays = moved->before.ahead == moved->after.ahead;
    if (entry->note.kind == WHY_TRADE)
        return moved->late && !stays ? CAUSE_LATE : stays ? CAUSE_NONE : CAUSE_TRADE;
    if (moved->before.ahead == INT64_MAX)
        return CAUSE_SEEN;
    return stays ? CAUSE_NONE : moved->split ? CAUSE_CANCEL : CAUSE_CLAMP;
}

/* Neighbours of one cause, summed. */
struct stretch {
    enum cause cause;
    uint32_t count;
    ns_t first, last;
    qty_t before, after; /* ahead */
    qty_t reach, cancelled;
};

static void add(struct stretch *stretch, const struct why_entry *entry)
{
    const struct why_moved *moved = &entry->note.moved;
    if (stretch->count++ == 0) {
        stretch->cause = cause_of(entry);
        stretch->first = entry->ts;
        stretch->before = moved->before.ahead;
    }
    stretch->last = entry->ts;
    stretch->after = moved->after.ahead;
    stretch->reach += moved->reach;
    stretch->cancelled += moved->split ? moved->cancelled : 0;
}

/* ---- one move ---- */

const char *why_reach(struct words *words, const struct why_source *trade, const struct why_moved *moved)
{
    if (moved->reach >= trade->qty)
        return "";
    return words_print(words, ", %s went to orders of ours before it", words_qty(words, trade->qty - moved->reach));
}

/* p is the part of the cancelled quantity that stood behind us. */
static const char *share_text(struct words *words, const struct why_moved *moved)
{
    const qty_t fell = moved->before.ahead - moved->after.ahead;
    if (moved->before.ahead >= moved->shown)
        return ", and nothing stands behind";
    if (fell > moved->cancelled || moved->after.ahead == moved->displayed)
        return ", and what is ahead is never more than what is displayed";
    /* exact: with the fractions that a place carries */
    const money_t whole = (money_t)moved->cancelled << QUEUE_PART_BITS;
    const money_t ahead = ((money_t)fell << QUEUE_PART_BITS) - moved->before.part + moved->after.part;
    return words_print(words, ", %s of it ahead (p %s behind)",
                       words_decimal(words, ahead * 1000000 >> QUEUE_PART_BITS, words->instrument->qty_decimals + 6u,
                                     words->instrument->qty_decimals + 2u),
                       words_decimal(words, (whole - ahead) * 1000000 / whole, 6, 3));
}

static void put_one(struct why_text *text, const struct why_entry *entry)
{
    struct words *words = &text->words;
    const struct why_moved *moved = &entry->note.moved;
    const char *from = words_ahead(words, moved->before.ahead), *to = words_ahead(words, moved->after.ahead);
    const char *source = words_source(words, &entry->cause);
    switch (cause_of(entry)) {
    case CAUSE_TRADE: {
        const qty_t fell = moved->before.ahead - moved->after.ahead;
        const char *part = fell < moved->reach - moved->over
                               ? words_print(words, " (the display had shown %s of it)",
                                             words_qty(words, moved->reach - moved->over - fell))
                               : "";
        why_line(text, entry->ts, "venue", "trade", "%s%s: ahead %s -> %s%s", source + strlen("trade "),
                 why_reach(words, &entry->cause, moved), from, to, part);
        break;
    }
    case CAUSE_LATE:
        why_line(text, entry->ts, "venue", "late",
                 "%s explains what the display had lost, taken for a cancel: ahead %s -> %s", source, from, to);
        break;
    case CAUSE_CANCEL:
        why_line(text, entry->ts, "venue", "cancel", "%s of %s is cancelled%s: ahead %s -> %s; %s",
                 words_qty(words, moved->cancelled), words_qty(words, moved->shown), share_text(words, moved), from,
                 to, source);
        break;
    case CAUSE_CLAMP:
        if (event_is_level3(entry->cause.kind)) { /* the place is known */
            why_line(text, entry->ts, "venue", "order", "%s: ahead %s -> %s", source, from, to);
            break;
        }
        why_line(text, entry->ts, "venue", "display", "falls to %s: ahead %s -> %s; %s",
                 words_qty(words, moved->displayed), from, to, source);
        break;
    case CAUSE_SEEN:
        why_line(text, entry->ts, "venue", "display", "shows the level for the first time: %s ahead; %s", to, source);
        break;
    case CAUSE_NONE:
    case CAUSE_COUNT:
        if (text->full)
            why_line(text, entry->ts, "venue", entry->note.kind == WHY_TRADE ? "trade" : "display",
                     "%s: counted before, ahead stays %s (at most %s)", source, to,
                     words_ahead(words, moved->after.bound));
        break;
    }
}

/* ---- many ---- */

static const char *in_text(struct words *words, const struct stretch *stretch)
{
    return stretch->first == stretch->last
               ? "at once"
               : words_print(words, "in %s", words_span(words, stretch->last - stretch->first));
}

static void put_stretch(struct why_text *text, const struct stretch *stretch, const struct why_entry *only)
{
    static const char *const labels[] = {
        [CAUSE_TRADE] = "trades", [CAUSE_LATE] = "late", [CAUSE_CANCEL] = "cancels", [CAUSE_CLAMP] = "display"};
    struct words *words = &text->words;
    if (stretch->count == 1 || stretch->cause == CAUSE_SEEN) {
        put_one(text, only);
        return;
    }
    const char *what =
        stretch->cause == CAUSE_TRADE
            ? words_print(words, "%" PRIu32 " trades, %s", stretch->count, words_qty(words, stretch->reach))
        : stretch->cause == CAUSE_LATE
            ? words_print(words, "%" PRIu32 " late trades explain what was taken for cancels", stretch->count)
        : stretch->cause == CAUSE_CANCEL
            ? words_print(words, "%" PRIu32 " cancels, %s", stretch->count, words_qty(words, stretch->cancelled))
            : words_print(words, "%" PRIu32 " changes of the display", stretch->count);
    why_line(text, stretch->first, "venue", labels[stretch->cause], "%s: ahead %s -> %s (%s)", what,
             words_ahead(words, stretch->before), words_ahead(words, stretch->after), in_text(words, stretch));
}

/* Calls `put` for each run of neighbours with one cause; moves that move nothing join no run. Returns how many. */
static uint32_t each_stretch(struct why_text *text, uint32_t from, uint32_t to, bool put)
{
    struct stretch stretch = {.count = 0};
    const struct why_entry *last = NULL;
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i++) {
        const struct why_entry *entry = &text->order->entries[i];
        const enum cause cause = cause_of(entry);
        if (cause == CAUSE_NONE)
            continue;
        if (stretch.count != 0 && cause != stretch.cause) {
            if (put)
                put_stretch(text, &stretch, last);
            stretch = (struct stretch){.count = 0};
        }
        count += stretch.count == 0;
        add(&stretch, entry);
        last = entry;
    }
    if (put && stretch.count != 0)
        put_stretch(text, &stretch, last);
    return count;
}

/* "37 trades of 5.3, 12 late trades, 301 cancels of 12.2" */
static void put_sum(struct why_text *text, uint32_t from, uint32_t to)
{
    static const char *const one[] = {"trade", "late trade", "", "cancel", "display change", "first sight"};
    struct words *words = &text->words;
    uint32_t counts[CAUSE_COUNT] = {0}, moves = 0;
    struct stretch all = {.count = 0};
    qty_t traded = 0;
    char sentence[512] = "";
    size_t size = 0;
    for (uint32_t i = from; i < to; i++) {
        const struct why_entry *entry = &text->order->entries[i];
        const enum cause cause = cause_of(entry);
        if (cause == CAUSE_NONE)
            continue;
        counts[cause]++;
        moves++;
        add(&all, entry);
        traded += cause == CAUSE_TRADE ? entry->note.moved.reach : 0;
    }
    for (int cause = 0; cause < CAUSE_COUNT; cause++) {
        if (counts[cause] == 0)
            continue;
        const char *of = cause == CAUSE_TRADE    ? words_print(words, " (%s)", words_qty(words, traded))
                         : cause == CAUSE_CANCEL ? words_print(words, " (%s)", words_qty(words, all.cancelled))
                                                 : "";
        const int wrote =
            snprintf(sentence + size, sizeof(sentence) - size, "%s%" PRIu32 " %s%s%s", size != 0 ? ", " : "",
                     counts[cause], one[cause], counts[cause] == 1 ? "" : "s", of);
        size += wrote > 0 && (size_t)wrote < sizeof(sentence) - size ? (size_t)wrote : 0;
    }
    if (moves != 0)
        why_line(text, all.first, "venue", "queue", "%s: ahead %s -> %s (%s)", sentence,
                 words_ahead(words, all.before), words_ahead(words, all.after), in_text(words, &all));
}

void why_moves_print(struct why_text *text, uint32_t from, uint32_t to)
{
    uint32_t moves = 0;
    for (uint32_t i = from; i < to; i++)
        moves += cause_of(&text->order->entries[i]) != CAUSE_NONE;
    if (text->full || moves <= FEW) {
        for (uint32_t i = from; i < to; i++)
            put_one(text, &text->order->entries[i]);
    } else if (each_stretch(text, from, to, false) <= FEW) {
        (void)each_stretch(text, from, to, true);
    } else {
        put_sum(text, from, to);
    }
}
