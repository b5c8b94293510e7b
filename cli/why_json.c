/* One object an order; its history is a list of objects, one an entry, in the order of time. What an entry was caused
 * by is its "cause" (or "on"): a market message with its tape and position, null for a request of ours. */
#include "cli/why_text.h"

#include <string.h>

struct json_why {
    const struct stage *stage;
    const struct instrument *instrument;
};

static void set_message(const struct json_why *why, json_t *object, uint16_t lane, uint64_t number)
{
    json_set_text(object, "tape", why->stage->tapes[lane].path);
    json_set_u64(object, "message", number);
}

static json_t *source_json(const struct json_why *why, const struct why_source *source)
{
    if (!source->known)
        return json_null();
    json_t *object = json_object();
    json_set_text(object, "kind", event_kind_name((enum event_kind)source->kind));
    json_set_time(object, "ts", source->ts);
    json_set_time(object, "exch_ts", source->exch_ts);
    if (source->kind == EVENT_EXECUTION) {
        json_set_u64(object, "order", source->order_id);
        json_set_text(object, "execution", exec_kind_name((enum exec_kind)source->exec_kind));
        return object;
    }
    json_set_u64(object, "seq", source->seq);
    if (source->kind == EVENT_TRADE) {
        json_set_price(object, "price", why->instrument, source->price);
        json_set_qty(object, "qty", why->instrument, source->qty);
        json_set_text(object, "aggressor",
                      source->flags & EVENT_NO_SIDE ? NULL
                      : source->flags & EVENT_SELL  ? "sell"
                                                    : "buy");
    }
    if (event_is_level3(source->kind)) {
        json_set_u64(object, "order", source->seq_first);
        json_set_price(object, "price", why->instrument, source->price);
        json_set_qty(object, "qty", why->instrument, source->qty);
    }
    if (source->numbered)
        set_message(why, object, source->lane, source->number);
    return object;
}

static json_t *touch_json(const struct json_why *why, const struct level touch[2])
{
    static const char *const prices[] = {"bid", "ask"}, *const quantities[] = {"bid_qty", "ask_qty"};
    json_t *object = json_object();
    for (int side = 0; side < 2; side++) {
        if (touch[side].qty == 0) {
            json_set(object, prices[side], json_null());
            continue;
        }
        json_set_price(object, prices[side], why->instrument, touch[side].price);
        json_set_qty(object, quantities[side], why->instrument, touch[side].qty);
    }
    return object;
}

static void set_ahead(const struct json_why *why, json_t *object, const char *key, qty_t ahead)
{
    if (ahead == INT64_MAX)
        json_set(object, key, json_null());
    else
        json_set_qty(object, key, why->instrument, ahead);
}

/* ---- the decision ---- */

static void set_figure(const struct json_why *why, json_t *object, const char *key, enum risk_gate gate,
                       money_t value)
{
    switch (gate) {
    case RISK_GATE_NOTIONAL:
    case RISK_GATE_DAILY_LOSS:
        json_set_decimal(object, key, value, MONEY_DECIMALS);
        break;
    case RISK_GATE_POSITION:
        json_set_decimal(object, key, value, why->instrument->qty_decimals);
        break;
    case RISK_GATE_COLLAR:
        json_set_decimal(object, key, value, 2);
        break;
    default:
        json_set_i64(object, key, (int64_t)value);
    }
}

static json_t *report_json(const struct json_why *why, const struct risk_report *report)
{
    static const char *const names[] = {"kill_switch", "notional",     "position",  "open_orders",
                                        "order_rate",  "price_collar", "daily_loss"};
    static const char *const verdicts[] = {"off", "exempt", "passed", "failed", "not_reached"};
    json_t *list = json_array();
    for (int gate = 0; gate < RISK_GATE_COUNT; gate++) {
        const struct risk_figure *figure = &report->gates[gate];
        json_t *entry = json_object();
        json_set_text(entry, "check", names[gate]);
        json_set_text(entry, "verdict", verdicts[figure->verdict]);
        if (gate != RISK_GATE_SWITCH) {
            if (figure->known)
                set_figure(why, entry, "figure", (enum risk_gate)gate, figure->figure);
            else
                json_set(entry, "figure", json_null());
            if (figure->limit != 0)
                set_figure(why, entry, "limit", (enum risk_gate)gate, figure->limit);
            else
                json_set(entry, "limit", json_null());
        }
        json_array_append_new(list, entry);
    }
    return list;
}

static void set_decided(const struct json_why *why, json_t *object, const struct why_decided *decided)
{
    static const char *const verbs[] = {[WHY_SUBMIT] = "submit", [WHY_CANCEL] = "cancel", [WHY_AMEND] = "amend"};
    json_t *saw = touch_json(why, decided->touch);
    json_set_text(object, "verb", verbs[decided->verb]);
    json_set(object, "on", source_json(why, &decided->on));
    json_set_u64(object, "timer", decided->timer_id);
    json_set_u64(object, "inputs", decided->inputs);
    json_set_bool(saw, "stale", (decided->book_flags & BOOK_STALE) != 0);
    json_set_time(saw, "ts", decided->book_ts);
    json_set_u64(saw, "seq", decided->book_seq);
    if (decided->book_known) {
        json_set_time(saw, "exch_ts", decided->book.exch_ts);
        set_message(why, saw, decided->book_lane, decided->book.number);
    }
    json_set(object, "saw", saw);
    json_set_qty(object, "position", why->instrument, decided->position);
    if (decided->verb == WHY_CANCEL)
        return;
    json_set_price(object, "price", why->instrument, decided->price);
    json_set_qty(object, "qty", why->instrument, decided->qty);
    json_set_text(object, "refused",
                  decided->report.reason == REASON_NONE ? NULL : reason_name(decided->report.reason));
    json_set(object, "risk_gate", report_json(why, &decided->report));
}

/* ---- notes ---- */

static const char *request_name(enum venue_request_kind kind)
{
    return kind == VENUE_NEW ? "new" : kind == VENUE_CANCEL ? "cancel" : kind == VENUE_AMEND ? "amend" : "replace";
}

static void set_arrived(const struct json_why *why, json_t *object, const struct why_arrived *arrived)
{
    json_t *book = touch_json(why, arrived->touch);
    json_set_text(object, "request", request_name(arrived->request.kind));
    json_set_bool(book, "stale", (arrived->book_flags & BOOK_STALE) != 0);
    json_set_u64(book, "seq", arrived->book_seq);
    json_set_time(book, "exch_ts", arrived->book_stamp);
    json_set(object, "book", book);
    if (arrived->request.kind != VENUE_CANCEL) {
        json_set_qty(object, "displayed", why->instrument, arrived->displayed);
        json_set_qty(object, "takeable", why->instrument, arrived->takeable);
    }
    if (arrived->request.kind == VENUE_NEW || arrived->request.kind == VENUE_REPLACE)
        return;
    json_set_bool(object, "rests", arrived->rests);
    if (arrived->rests) {
        json_set_qty(object, "leaves", why->instrument, arrived->leaves);
        set_ahead(why, object, "ahead", arrived->ahead);
    }
}

static void set_moved(const struct json_why *why, json_t *object, const struct why_note *note)
{
    const struct why_moved *moved = &note->moved;
    set_ahead(why, object, "ahead_before", moved->before.ahead);
    set_ahead(why, object, "ahead", moved->after.ahead);
    set_ahead(why, object, "ahead_at_most", moved->after.bound);
    json_set_qty(object, "displayed", why->instrument, moved->displayed);
    if (note->kind == WHY_TRADE) {
        json_set_qty(object, "reach", why->instrument, moved->reach);
        json_set_qty(object, "over", why->instrument, moved->over);
        json_set_bool(object, "late", moved->late);
        json_set_bool(object, "counted_before", moved->known);
    } else if (moved->split) {
        json_set_qty(object, "split_of", why->instrument, moved->shown);
        json_set_qty(object, "cancelled", why->instrument, moved->cancelled);
    }
}

static void set_fill(const struct json_why *why, json_t *object, const struct why_fill *fill)
{
    static const char *const hows[] = {"trade_at_price", "trade_through", "crossed", "taken", "own"};
    json_set_text(object, "how", hows[fill->how]);
    json_set_price(object, "price", why->instrument, fill->price);
    json_set_qty(object, "qty", why->instrument, fill->qty);
    json_set_qty(object, "leaves", why->instrument, fill->leaves);
    json_set_text(object, "liquidity", fill->maker ? "maker" : "taker");
    json_set(object, "book", touch_json(why, fill->touch));
    json_set_price(object, "impact", why->instrument, fill->impact);
    json_set_decimal(object, "fee", fill->fee.amount, fill->fee.decimals);
    json_set_text(object, "fee_currency", fill->fee.currency);
    json_set_decimal(object, "fee_rate", fill->rate, FEE_DECIMALS);
    json_set_i64(object, "fee_decimals", fill->rule->decimals);
    json_set_text(object, "fee_rule", fill->rule->venue);
}

static void set_execution(const struct json_why *why, json_t *object, const struct execution *execution)
{
    if (execution == NULL)
        return;
    json_set_text(object, "execution", exec_kind_name((enum exec_kind)execution->kind));
    json_set_text(object, "reason",
                  execution->reason == REASON_NONE ? NULL : reason_name((enum reason)execution->reason));
    json_set_i64(object, "venue_code", execution->venue_code);
    json_set_qty(object, "leaves", why->instrument, execution->leaves);
    if (execution->kind == EXEC_FILL || execution->kind == EXEC_AMENDED) {
        json_set_price(object, "price", why->instrument, execution->price);
        json_set_qty(object, "qty", why->instrument, execution->qty);
    }
    if (execution->kind == EXEC_FILL)
        json_set_u64(object, "trade_id", execution->trade_id);
}

static void set_note(const struct json_why *why, json_t *object, const struct why_entry *entry)
{
    const struct why_note *note = &entry->note;
    const bool caused = note->kind != WHY_SENT && note->kind != WHY_LOST && note->kind != WHY_ARRIVED;
    if (caused)
        json_set(object, "cause", source_json(why, &entry->cause));
    switch (note->kind) {
    case WHY_SENT:
    case WHY_LOST:
        json_set_text(object, "request", request_name(note->sent.request.kind));
        json_set_i64(object, "latency_ns", note->sent.drawn);
        json_set_time(object, "arrival", note->sent.arrival);
        break;
    case WHY_ARRIVED:
        set_arrived(why, object, &note->arrived);
        break;
    case WHY_JOINED:
        json_set_price(object, "price", why->instrument, note->joined.price);
        json_set_qty(object, "displayed", why->instrument, note->joined.displayed);
        set_ahead(why, object, "ahead", note->joined.ahead);
        json_set_i64(object, "ours_before", note->joined.ours);
        break;
    case WHY_TRADE:
    case WHY_DISPLAY:
        set_moved(why, object, note);
        break;
    case WHY_FILL:
        set_fill(why, object, &note->fill);
        break;
    case WHY_ANSWERED:
        set_execution(why, object, entry->execution);
        json_set_i64(object, "latency_ns", note->answered.drawn);
        json_set_time(object, "arrival", note->answered.arrival);
        break;
    }
}

static json_t *entry_json(const struct json_why *why, const struct why_entry *entry)
{
    static const char *const notes[] = {"sent", "lost", "arrived", "joined", "trade", "display", "fill", "answered"};
    json_t *object = json_object();
    const bool ours = entry->kind != WHY_NOTE || entry->note.kind == WHY_SENT || entry->note.kind == WHY_LOST;
    json_set_time(object, "ts", entry->ts);
    json_set_text(object, "clock", ours ? "us" : "venue");
    json_set_text(object, "what",
                  entry->kind == WHY_DECIDED  ? "decided"
                  : entry->kind == WHY_LEARNT ? "learnt"
                                              : notes[entry->note.kind]);
    if (entry->kind == WHY_DECIDED) {
        set_decided(why, object, entry->decided);
    } else if (entry->kind == WHY_NOTE) {
        set_note(why, object, entry);
    } else {
        set_execution(why, object, entry->execution);
        if (entry->learnt.answered)
            json_set_i64(object, "latency_ns", entry->learnt.drawn);
        else
            json_set(object, "latency_ns", json_null());
        json_set_qty(object, "position", why->instrument, entry->learnt.position);
    }
    return object;
}

json_t *why_json(const struct stage *stage, const struct why_order *kept)
{
    const struct order *order = &kept->order;
    const struct json_why why = {stage, &stage->instruments[order->instrument]};
    json_t *object = json_object(), *history = json_array();
    json_set_u64(object, "order", order->id);
    json_set_text(object, "venue", why.instrument->venue);
    json_set_text(object, "instrument", why.instrument->symbol);
    json_set_text(object, "side", side_name((enum side)order->side));
    json_set_text(object, "type", order_type_name((enum order_type)order->type));
    json_set_text(object, "tif", tif_name((enum time_in_force)order->tif));
    json_set_bool(object, "post_only", (order->flags & ORDER_POST_ONLY) != 0);
    json_set_bool(object, "reduce_only", (order->flags & ORDER_REDUCE_ONLY) != 0);
    json_set_price(object, "price", why.instrument, order->price);
    json_set_qty(object, "qty", why.instrument, order->qty);
    json_set_qty(object, "filled", why.instrument, order->filled);
    json_set_text(object, "state", order_state_name((enum order_state)order->state));
    json_set_text(object, "reason", order->reason == REASON_NONE ? NULL : reason_name((enum reason)order->reason));
    for (uint32_t i = 0; i < kept->count; i++)
        json_array_append_new(history, entry_json(&why, &kept->entries[i]));
    json_set(object, "history", history);
    return object;
}
