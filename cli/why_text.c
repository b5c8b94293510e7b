/* How: a line is a clock (ours or the venue's), a label and a sentence, broken at spaces. Moves in the queue are
 * gathered into stretches between other entries, and a long stretch is told in sums (why_moves.c). */
#include "cli/why_text.h"

#include "cli/values.h"
#include "cli/why_lines.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define TEXT_COLUMN 38
#define TEXT_WIDTH  120

/* ---- lines ---- */

static void put_wrapped(FILE *file, const char *sentence)
{
    const size_t width = TEXT_WIDTH - TEXT_COLUMN;
    while (strlen(sentence) > width) {
        size_t end = width;
        while (end > 0 && sentence[end] != ' ')
            end--;
        if (end == 0)
            break;
        fprintf(file, "%.*s\n%*s", (int)end, sentence, TEXT_COLUMN, "");
        sentence += end + 1;
    }
    fprintf(file, "%s\n", sentence);
}

void why_line(struct why_text *text, ns_t ts, const char *clock, const char *label, const char *fmt, ...)
{
    char sentence[2048], day[VALUE_TEXT_SIZE];
    va_list list;
    va_start(list, fmt);
    (void)vsnprintf(sentence, sizeof(sentence), fmt, list);
    va_end(list);
    value_time_text(ts, day);
    if (clock != NULL && strncmp(day, text->day, 10) != 0) {
        snprintf(text->day, sizeof(text->day), "%.10s", day);
        fprintf(text->file, "%s\n", text->day);
    }
    fprintf(text->file, "%-18s  %-5s  %-9s  ", clock != NULL ? words_time(&text->words, ts) : "",
            clock != NULL ? clock : "", label);
    put_wrapped(text->file, sentence);
}

/* ---- the decision ---- */

static const char *occasion(struct why_text *text, const struct why_decided *decided, ns_t ts)
{
    struct words *words = &text->words;
    if (decided->on.known)
        return words_print(words, "on %s%s", words_source(words, &decided->on),
                           decided->on.kind == EVENT_EXECUTION ? "" : words_stamp(words, ts, decided->on.exch_ts));
    if (decided->timer_id != 0)
        return words_print(words, "on its timer %" PRIu64, decided->timer_id);
    return decided->inputs == 0 ? "at the start, before any input" : "at the stop";
}

static void put_seen(struct why_text *text, const struct why_decided *decided, ns_t ts)
{
    struct words *words = &text->words;
    const struct numbered *book = &decided->book;
    const char *stale = decided->book_flags & BOOK_STALE ? "a STALE book, " : "";
    if (!decided->book_known) {
        why_line(text, ts, NULL, "saw", "%s%s, here for %s", stale, words_touch(words, decided->touch),
                 decided->book_ts == 0 ? "no time: no message yet" : words_span(words, ts - decided->book_ts));
        return;
    }
    const bool same = decided->on.known && decided->on.numbered && decided->on.lane == decided->book_lane &&
                      decided->on.number == book->number;
    const char *message = same ? "that message"
                               : words_print(words, book->seq != 0 ? "%s u %" PRIu64 " (%s)" : "%s%.0" PRIu64 " (%s)",
                                             event_kind_name((enum event_kind)book->kind), book->seq,
                                             words_message(words, decided->book_lane, book->number));
    why_line(text, ts, NULL, "saw", "%s%s, by %s%s%s", stale, words_touch(words, decided->touch), message,
             same ? "" : words_print(words, ", here for %s", words_span(words, ts - book->ts)),
             same ? "" : words_stamp(words, book->ts, book->exch_ts));
}

/* "notional 61.8 <= 1000": the comparison that decides, as it came out. */
static const char *gate_text(struct why_text *text, enum risk_gate gate, const struct risk_figure *figure)
{
    static const struct {
        const char *name, *unit;
        bool below; /* the figure must stay below the limit, not only at it */
    } gates[] = {{"kill switch", "", false},   {"notional", "", false},    {"position if filled", "", false},
                 {"open orders", "", true},    {"order rate", "/s", true}, {"price beyond the touch", " bp", false},
                 {"loss of the day", "", true}};
    struct words *words = &text->words;
    const unsigned qty = words->instrument->qty_decimals;
    const unsigned decimals[] = {0, MONEY_DECIMALS, qty, 0, 0, 2, MONEY_DECIMALS};
    const bool failed = figure->verdict == RISK_FAILED;
    switch (figure->verdict) {
    case RISK_EXEMPT:
        return words_print(words, "%s does not apply", gates[gate].name);
    case RISK_OFF:
        return text->full ? words_print(words, "%s has no limit", gates[gate].name) : NULL;
    case RISK_NOT_REACHED:
        return text->full ? words_print(words, "%s not reached", gates[gate].name) : NULL;
    default:
        break;
    }
    if (gate == RISK_GATE_SWITCH)
        return failed ? "the kill switch is set" : text->full ? "kill switch clear" : NULL;
    if (!figure->known)
        return words_print(words, "%s: no fresh price to tell it by", gates[gate].name);
    return words_print(words, "%s %s %s %s%s", gates[gate].name,
                       words_decimal(words, figure->figure, decimals[gate], 8),
                       gates[gate].below ? (failed ? ">=" : "<") : (failed ? ">" : "<="),
                       words_decimal(words, figure->limit, decimals[gate], 8), gates[gate].unit);
}

static void put_gate(struct why_text *text, ns_t ts, const struct risk_report *report)
{
    char sentence[1200] = "";
    size_t size = 0;
    for (int gate = 0; gate < RISK_GATE_COUNT; gate++) {
        const char *part = gate_text(text, (enum risk_gate)gate, &report->gates[gate]);
        if (part == NULL)
            continue;
        const char *mark = report->gates[gate].verdict == RISK_FAILED ? "REFUSED: " : "";
        const int wrote =
            snprintf(sentence + size, sizeof(sentence) - size, "%s%s%s", size != 0 ? ", " : "", mark, part);
        size += wrote > 0 && (size_t)wrote < sizeof(sentence) - size ? (size_t)wrote : 0;
    }
    why_line(text, ts, NULL, "risk gate", "%s%s", report->reason == REASON_NONE && size != 0 ? "passed: " : "",
             size != 0 ? sentence : "no limit is set");
}

static void put_decided(struct why_text *text, const struct why_entry *entry)
{
    const struct why_decided *decided = entry->decided;
    struct words *words = &text->words;
    static const char *const labels[] = {[WHY_SUBMIT] = "decided", [WHY_CANCEL] = "cancel", [WHY_AMEND] = "amend"};
    const char *what =
        decided->verb == WHY_AMEND
            ? words_print(words, "to %s at %s, ", words_qty(words, decided->qty), words_price(words, decided->price))
            : "";
    text->decided = decided;
    why_line(text, entry->ts, "us", labels[decided->verb], "%s%s; position %s", what,
             occasion(text, decided, entry->ts), words_qty(words, decided->position));
    put_seen(text, decided, entry->ts);
    if (decided->verb != WHY_CANCEL)
        put_gate(text, entry->ts, &decided->report);
}

/* ---- on the way and at the venue ---- */

static const char *request_name(enum venue_request_kind kind)
{
    return kind == VENUE_NEW      ? "order"
           : kind == VENUE_CANCEL ? "cancel"
           : kind == VENUE_AMEND  ? "amendment"
                                  : "replacement";
}

static void put_sent(struct why_text *text, const struct why_entry *entry)
{
    const struct why_sent *sent = &entry->note.sent;
    struct words *words = &text->words;
    const ns_t waits = sent->arrival - entry->ts - sent->drawn;
    const char *behind =
        waits > 0 ? words_print(words, ", and %s behind the request before it", words_span(words, waits)) : "";
    if (entry->note.kind == WHY_LOST)
        why_line(text, entry->ts, "us", "lost", "the %s never reaches the venue (latency model); known after %s%s",
                 request_name(sent->request.kind), words_span(words, sent->drawn), behind);
    else
        why_line(text, entry->ts, "us", "sent", "entry latency %s%s", words_span(words, sent->drawn), behind);
}

static const char *moved_text(struct why_text *text, const char *what, px_t by)
{
    struct words *words = &text->words;
    return by == 0 ? ""
                   : words_print(words, ", best %s %s %s than seen", what, words_price(words, by < 0 ? -by : by),
                                 by > 0 ? "higher" : "lower");
}

/* What became of the best prices since the strategy looked. */
static const char *market_moved(struct why_text *text, const struct level seen[2], const struct level now[2])
{
    if (seen[SIDE_BUY].qty == 0 || seen[SIDE_SELL].qty == 0 || now[SIDE_BUY].qty == 0 || now[SIDE_SELL].qty == 0)
        return "";
    const px_t bid = now[SIDE_BUY].price - seen[SIDE_BUY].price, ask = now[SIDE_SELL].price - seen[SIDE_SELL].price;
    if (bid == ask)
        return bid == 0 ? ", best prices as seen" : moved_text(text, "prices", bid);
    return words_print(&text->words, "%s%s", moved_text(text, "bid", bid), moved_text(text, "ask", ask));
}

static const char *book_text(struct why_text *text, const struct why_arrived *arrived, ns_t ts)
{
    struct words *words = &text->words;
    const struct why_decided *seen = text->decided;
    const char *moved = seen != NULL ? market_moved(text, seen->touch, arrived->touch) : "";
    return words_print(words, "%s%s%s%s%s", arrived->book_flags & BOOK_STALE ? "STALE, " : "",
                       words_touch(words, arrived->touch),
                       arrived->book_seq == 0 ? "" : words_print(words, ", u %" PRIu64, arrived->book_seq),
                       words_stamp(words, ts, arrived->book_stamp), moved);
}

static void put_arrived(struct why_text *text, const struct why_entry *entry)
{
    const struct why_arrived *arrived = &entry->note.arrived;
    struct words *words = &text->words;
    const char *book = book_text(text, arrived, entry->ts);
    text->arrived = arrived;
    if (arrived->request.kind == VENUE_NEW || arrived->request.kind == VENUE_REPLACE)
        why_line(text, entry->ts, "venue", "arrived", "book there: %s", book);
    else if (arrived->rests)
        why_line(text, entry->ts, "venue", "arrived",
                 "the %s; the order rests with %s left, %s ahead; book there: %s",
                 request_name(arrived->request.kind), words_qty(words, arrived->leaves),
                 words_ahead(words, arrived->ahead), book);
    else
        why_line(text, entry->ts, "venue", "arrived", "the %s; the order does not rest any more",
                 request_name(arrived->request.kind));
}

static void put_joined(struct why_text *text, const struct why_entry *entry)
{
    const struct why_joined *joined = &entry->note.joined;
    struct words *words = &text->words;
    const char *ours = joined->ours != 0 ? words_print(words, "; %" PRIu32 " of ours before it (%s)", joined->ours,
                                                       words_qty(words, joined->ours_qty))
                                         : "";
    if (joined->ahead == INT64_MAX)
        why_line(text, entry->ts, "venue", "joins",
                 "%s, deeper than the feed shows: its queue is unknown until the level is displayed%s",
                 words_price(words, joined->price), ours);
    else if (joined->displayed == 0)
        why_line(text, entry->ts, "venue", "joins", "%s: nothing is displayed there, nothing is ahead%s",
                 words_price(words, joined->price), ours);
    else
        why_line(text, entry->ts, "venue", "joins", "the back of %s: %s displayed, %s ahead%s",
                 words_price(words, joined->price), words_qty(words, joined->displayed),
                 words_ahead(words, joined->ahead), ours);
}

/* ---- answers ---- */

/* What ended the order at the venue before `ts`. */
static const struct why_entry *end_before(const struct why_order *order, ns_t ts)
{
    const struct why_entry *end = NULL;
    for (uint32_t i = 0; i < order->count && order->entries[i].ts <= ts; i++) {
        const struct why_entry *entry = &order->entries[i];
        if (entry->kind != WHY_NOTE || entry->note.kind != WHY_ANSWERED || entry->execution == NULL)
            continue;
        const uint8_t kind = entry->execution->kind;
        if (kind == EXEC_CANCELLED || kind == EXEC_EXPIRED || (kind == EXEC_FILL && entry->execution->leaves == 0))
            end = entry;
    }
    return end;
}

/* "price off the tick grid: 61800.05 is no multiple of the tick 0.10 (the venue's code -4014)" */
static const char *no_text(struct why_text *text, const struct why_entry *entry)
{
    struct words *words = &text->words;
    const struct execution *execution = entry->execution;
    const enum reason reason = (enum reason)execution->reason;
    const char *numbers = text->arrived != NULL ? words_rejection(words, reason, text->arrived, entry->ts) : NULL;
    return words_print(
        words, "%s%s%s%s", reason_words(reason), numbers != NULL ? ": " : "", numbers != NULL ? numbers : "",
        execution->venue_code != 0 ? words_print(words, " (the venue's code %d)", execution->venue_code) : "");
}

static void put_refused_request(struct why_text *text, const struct why_entry *entry, const char *what)
{
    struct words *words = &text->words;
    const enum reason reason = (enum reason)entry->execution->reason;
    const struct why_entry *end = reason == REASON_UNKNOWN_ORDER ? end_before(text->order, entry->ts) : NULL;
    if (end != NULL)
        why_line(text, entry->ts, "venue", "too late", "the %s lost its race: the order was %s %s before, at %s",
                 what,
                 end->execution->kind == EXEC_FILL ? "filled" : exec_kind_name((enum exec_kind)end->execution->kind),
                 words_span(words, entry->ts - end->ts), words_time(words, end->ts));
    else
        why_line(text, entry->ts, "venue", "refused", "the %s: %s", what, no_text(text, entry));
}

static void put_answered(struct why_text *text, const struct why_entry *entry)
{
    const struct execution *execution = entry->execution;
    struct words *words = &text->words;
    if (execution == NULL)
        return;
    const enum reason reason = (enum reason)execution->reason;
    switch (execution->kind) {
    case EXEC_ACK:
        why_line(text, entry->ts, "venue", "accepted", "all checks passed; the venue's order %" PRIu64,
                 execution->venue_order);
        break;
    case EXEC_REJECT:
        why_line(text, entry->ts, "venue", "REJECTED", "%s", no_text(text, entry));
        break;
    case EXEC_FILL: /* told by its own note */
        break;
    case EXEC_CANCELLED:
        why_line(text, entry->ts, "venue", "cancelled", "%s",
                 reason == REASON_NONE ? "as asked" : reason_words(reason));
        break;
    case EXEC_EXPIRED:
        why_line(text, entry->ts, "venue", "expired", "%s", no_text(text, entry));
        break;
    case EXEC_CANCEL_REJECT:
        put_refused_request(text, entry, "cancel");
        break;
    case EXEC_AMENDED:
        why_line(text, entry->ts, "venue", "amended", "%s at %s; %s left", words_qty(words, execution->qty),
                 words_price(words, execution->price), words_qty(words, execution->leaves));
        break;
    case EXEC_AMEND_REJECT:
        put_refused_request(text, entry, "amendment");
        break;
    case EXEC_REDUCED:
        why_line(text, entry->ts, "venue", "reduced", "%s; %s left", reason_words(reason),
                 execution->leaves < 0 ? "less of its funds" : words_qty(words, execution->leaves));
        break;
    default:
        why_line(text, entry->ts, "venue", "answer", "%s", exec_kind_name((enum exec_kind)execution->kind));
    }
}

static void put_learnt(struct why_text *text, const struct why_entry *entry)
{
    struct words *words = &text->words;
    const struct execution *execution = entry->execution;
    if (execution == NULL)
        return;
    const char *kind = exec_kind_name((enum exec_kind)execution->kind);
    const char *position = execution->kind == EXEC_FILL
                               ? words_print(words, "; position now %s", words_qty(words, entry->learnt.position))
                               : "";
    if (!entry->learnt.answered) {
        why_line(text, entry->ts, "us", "learnt", "%s%s%s", kind, execution->reason != REASON_NONE ? ": " : "",
                 reason_words((enum reason)execution->reason));
        return;
    }
    const ns_t late = entry->ts - entry->learnt.left - entry->learnt.drawn;
    why_line(text, entry->ts, "us", "learnt", "%s, response latency %s%s%s", kind,
             words_span(words, entry->learnt.drawn),
             late > 0 ? words_print(words, ", and %s behind the answer before it", words_span(words, late)) : "",
             position);
}

/* ---- one order ---- */

static void put_head(struct why_text *text, const struct run_config *config)
{
    struct words *words = &text->words;
    const struct why_order *kept = text->order;
    const struct order *order = &kept->order;
    const char *price =
        order->type == ORDER_LIMIT ? words_print(words, " at %s", words_price(words, kept->first_price)) : "";
    const char *reason = reason_words((enum reason)order->reason);
    fprintf(text->file, "order %" PRIu64 ": %s %s %s%s, %s %s%s%s", order->id, side_name((enum side)order->side),
            words_qty(words, kept->first_qty), words->instrument->symbol, price,
            order_type_name((enum order_type)order->type), tif_name((enum time_in_force)order->tif),
            order->flags & ORDER_POST_ONLY ? ", post-only" : "",
            order->flags & ORDER_REDUCE_ONLY ? ", reduce-only" : "");
    fprintf(text->file, "\n%s: %s", words->instrument->venue, order_state_name((enum order_state)order->state));
    if (reason[0] != '\0')
        fprintf(text->file, " (%s)", reason);
    if (order->filled != 0) {
        /* cost is at price and quantity decimals; the average is for eyes */
        const money_t average = money_divide(order->cost * 1000, order->filled, ROUND_HALF_EVEN);
        char average_text[DECIMAL_TEXT_SIZE];
        decimal_format(average_text, average, words->instrument->price_decimals + 3u, words->instrument->price_show);
        fprintf(text->file, ", filled %s of %s in %" PRIu32 " at %s", words_qty(words, order->filled),
                words_qty(words, order->qty), order->fill_count, average_text);
    }
    fprintf(text->file, "; queue model %s%s%s\n\n", queue_kind_name(config->venue.queue.kind),
            queue_model_has_exponent(config->venue.queue.kind) ? " " : "",
            queue_model_has_exponent(config->venue.queue.kind)
                ? words_decimal(words, (money_t)config->venue.queue.exponent * 25, 2, 2)
                : "");
}

static bool is_move(const struct why_entry *entry)
{
    return entry->kind == WHY_NOTE && (entry->note.kind == WHY_TRADE || entry->note.kind == WHY_DISPLAY);
}

static void put_note(struct why_text *text, uint32_t at)
{
    const struct why_entry *entry = &text->order->entries[at];
    switch (entry->note.kind) {
    case WHY_SENT:
    case WHY_LOST:
        put_sent(text, entry);
        break;
    case WHY_ARRIVED:
        put_arrived(text, entry);
        break;
    case WHY_JOINED:
        put_joined(text, entry);
        break;
    case WHY_FILL: /* in stretches, by why_fills.c */
    case WHY_ANSWERED:
        put_answered(text, entry);
        break;
    case WHY_TRADE:
    case WHY_DISPLAY:
        break;
    }
}

void why_text_print(FILE *file, const struct stage *stage, const struct run_config *config,
                    const struct why_order *order, bool full)
{
    struct why_text text = {.file = file,
                            .order = order,
                            .full = full,
                            .words = {.stage = stage, .instrument = &stage->instruments[order->order.instrument]}};
    put_head(&text, config);
    for (uint32_t at = 0; at < order->count; at++) {
        const struct why_entry *entry = &order->entries[at];
        if (is_move(entry)) {
            uint32_t end = at + 1;
            while (end < order->count && is_move(&order->entries[end]))
                end++;
            /* the last trade is told by the fill that it made */
            const bool fills = end < order->count && order->entries[end].kind == WHY_NOTE &&
                               order->entries[end].note.kind == WHY_FILL &&
                               order->entries[end].note.fill.how == WHY_AT_PRICE;
            why_moves_print(&text, at, fills ? end - 1 : end);
            at = end - 1;
        } else if (entry->kind == WHY_NOTE && entry->note.kind == WHY_FILL) {
            at = why_fills_print(&text, at) - 1;
        } else if (entry->kind == WHY_DECIDED) {
            put_decided(&text, entry);
        } else if (entry->kind == WHY_LEARNT) {
            const uint32_t fills = text.full ? 0 : why_learnt_fills(&text, at);
            if (fills > 1)
                at += fills - 1;
            else
                put_learnt(&text, entry);
        } else {
            put_note(&text, at);
        }
    }
    if (order_is_open(&order->order))
        fprintf(file, "%-18s  %-5s  %-9s  the run ends with %s of it open\n", "", "", "open",
                words_qty(&text.words, order_leaves(&order->order)));
}
