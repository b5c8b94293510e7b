#include "cli/why_record.h"

#include <stdlib.h>
#include <string.h>

struct range {
    uint64_t from, to;
};
struct slot {
    uint64_t id;
    struct why_order *order; /* NULL: dropped */
};

struct why_record {
    struct venue_watch watch;
    struct engine_observer observer;
    struct engine_sink sink;
    struct stage_watch both;
    const struct stage *stage;
    struct range *ranges;
    size_t range_count;
    bool all, only_filled, broken;
    struct slot *slots; /* rising by id, as orders are told */
    size_t slot_count, slot_capacity;
};

/* ---- which, and where they are kept ---- */

static bool wants(void *context, uint64_t id)
{
    const struct why_record *record = context;
    if (record->all)
        return true;
    for (size_t i = 0; i < record->range_count; i++)
        if (id >= record->ranges[i].from && id <= record->ranges[i].to)
            return true;
    return false;
}

static struct slot *find(const struct why_record *record, uint64_t id)
{
    size_t low = 0, high = record->slot_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (record->slots[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < record->slot_count && record->slots[low].id == id ? &record->slots[low] : NULL;
}

static struct why_order *add_order(struct why_record *record, const struct order *order)
{
    if (record->slot_count == record->slot_capacity) {
        const size_t capacity = record->slot_capacity == 0 ? 64 : record->slot_capacity * 2;
        struct slot *grown = realloc(record->slots, capacity * sizeof(*grown));
        if (grown == NULL) {
            record->broken = true;
            return NULL;
        }
        record->slots = grown;
        record->slot_capacity = capacity;
    }
    struct why_order *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        record->broken = true;
        return NULL;
    }
    made->order = *order;
    made->first_qty = order->qty;
    made->first_price = order->price;
    size_t at = record->slot_count++;
    for (; at > 0 && record->slots[at - 1].id > order->id; at--) /* behind the orders that the venue makes */
        record->slots[at] = record->slots[at - 1];
    record->slots[at] = (struct slot){order->id, made};
    return made;
}

static struct why_order *order_of(const struct why_record *record, uint64_t id)
{
    const struct slot *slot = find(record, id);
    return slot != NULL ? slot->order : NULL;
}

static struct why_entry *add_entry(struct why_record *record, struct why_order *order, enum why_entry_kind kind,
                                   ns_t ts)
{
    if (order->count == order->capacity) {
        const uint32_t capacity = order->capacity == 0 ? 16 : order->capacity * 2;
        struct why_entry *grown = realloc(order->entries, capacity * sizeof(*grown));
        if (grown == NULL) {
            record->broken = true;
            return NULL;
        }
        order->entries = grown;
        order->capacity = capacity;
    }
    struct why_entry *entry = &order->entries[order->count++];
    memset(entry, 0, sizeof(*entry));
    entry->kind = kind;
    entry->ts = ts;
    return entry;
}

static void free_order(struct why_order *order)
{
    if (order == NULL)
        return;
    for (uint32_t i = 0; i < order->count; i++) {
        if (order->entries[i].kind == WHY_DECIDED)
            free(order->entries[i].decided);
        free(order->entries[i].execution);
    }
    free(order->entries);
    free(order);
}

static struct execution *copy_execution(struct why_record *record, const struct execution *execution)
{
    struct execution *copy = malloc(sizeof(*copy));
    if (copy == NULL)
        record->broken = true;
    else
        *copy = *execution;
    return copy;
}

/* ---- messages ---- */

static struct why_source source_of(const struct why_record *record, const struct event *event)
{
    if (event == NULL)
        return (struct why_source){.known = false};
    struct why_source source = {.known = true,
                                .kind = event->kind,
                                .flags = event->flags,
                                .lane = event->lane,
                                .ts = event->ts,
                                .exch_ts = event->exch_ts,
                                .seq = event->seq,
                                .seq_first = event->seq_first};
    if (event->kind == EVENT_EXECUTION) {
        const struct execution *execution = event->body;
        source.order_id = execution->order_id;
        source.exec_kind = execution->kind;
    } else if (event->lane < record->stage->lane_count) {
        source.numbered = number_feed_find(record->stage->numbers[event->lane], event, &source.number);
    }
    if (event->kind == EVENT_TRADE || event_is_level3(event->kind)) {
        source.price = event->levels[0].price;
        source.qty = event->levels[0].qty;
    }
    return source;
}

/* ---- what is told ---- */

static void on_note(void *context, const struct why_note *note)
{
    struct why_record *record = context;
    struct why_order *order = order_of(record, note->order_id);
    if (order == NULL && order_id_is_venues(note->order_id)) { /* nobody of ours decided it: it begins here */
        const struct order made = {.id = note->order_id, .instrument = note->instrument, .state = ORDER_PENDING};
        order = add_order(record, &made);
    }
    struct why_entry *entry = order != NULL ? add_entry(record, order, WHY_NOTE, note->ts) : NULL;
    if (entry == NULL)
        return;
    entry->note = *note;
    entry->note.cause = NULL;
    entry->cause = source_of(record, note->cause);
    if (note->kind == WHY_ANSWERED) {
        entry->execution = copy_execution(record, note->answered.execution);
        entry->note.answered.execution = NULL;
    }
}

/* The lane that brought the book's last message. */
static void find_book(const struct why_record *record, struct why_decided *decided, uint16_t instrument)
{
    for (uint16_t lane = 0; lane < record->stage->lane_count; lane++) {
        struct numbered message;
        if (!number_feed_book(record->stage->numbers[lane], instrument, decided->book_ts, decided->book_seq,
                              &message) ||
            (decided->book_known && message.ts <= decided->book.ts))
            continue;
        decided->book_known = true;
        decided->book_lane = lane;
        decided->book = message;
    }
}

static void decide(struct why_record *record, const struct engine_decision *decision, const struct order *order,
                   enum why_verb verb, px_t price, qty_t qty, const struct risk_report *report)
{
    if (!wants(record, order->id))
        return;
    struct why_order *kept = verb == WHY_SUBMIT ? add_order(record, order) : order_of(record, order->id);
    struct why_entry *entry = kept != NULL ? add_entry(record, kept, WHY_DECIDED, decision->now) : NULL;
    if (entry == NULL)
        return;
    const struct book *book = decision->book;
    struct why_decided *decided = entry->decided = calloc(1, sizeof(*decided));
    if (decided == NULL) {
        kept->count--;
        record->broken = true;
        return;
    }
    decided->verb = verb;
    decided->on = source_of(record, decision->event);
    decided->timer_id = decision->timer_id;
    decided->deadline = decision->deadline;
    decided->inputs = decision->inputs;
    decided->touch[SIDE_BUY] = book->touch[SIDE_BUY];
    decided->touch[SIDE_SELL] = book->touch[SIDE_SELL];
    decided->book_flags = book->flags;
    decided->book_ts = book->ts;
    decided->book_seq = book->seq;
    decided->price = price;
    decided->qty = qty;
    decided->position = account_position(engine_account_view(record->stage->engine), order->instrument)->qty;
    if (report != NULL)
        decided->report = *report;
    find_book(record, decided, order->instrument);
}

static void on_submit(void *context, const struct engine_decision *decision, const struct order *order,
                      const struct risk_report *report)
{
    decide(context, decision, order, WHY_SUBMIT, order->price, order->qty, report);
}

static void on_cancel(void *context, const struct engine_decision *decision, const struct order *order)
{
    decide(context, decision, order, WHY_CANCEL, order->price, order->qty, NULL);
}

static void on_amend(void *context, const struct engine_decision *decision, const struct order *order, px_t price,
                     qty_t qty, const struct risk_report *report)
{
    decide(context, decision, order, WHY_AMEND, price, qty, report);
}

/* When the answer left the venue, and how long it was drawn to be under way. */
static void find_answer(const struct why_order *order, struct why_entry *learnt)
{
    for (uint32_t i = 0; i < order->count; i++) {
        const struct why_entry *entry = &order->entries[i];
        if (entry->kind != WHY_NOTE || entry->note.kind != WHY_ANSWERED || entry->execution == NULL ||
            memcmp(entry->execution, learnt->execution, sizeof(struct execution)) != 0)
            continue;
        learnt->learnt.answered = true;
        learnt->learnt.drawn = entry->note.answered.drawn;
        learnt->learnt.left = entry->ts;
    }
}

static void on_order(void *context, ns_t ts, const struct order *order, const struct execution *execution)
{
    struct why_record *record = context;
    struct slot *slot = find(record, order->id);
    if (slot == NULL || slot->order == NULL)
        return;
    if (slot->order->first_qty == 0)
        slot->order->first_qty = order->qty;
    slot->order->order = *order;
    if (execution == NULL) /* that it was sent is told by the world */
        return;
    if (record->only_filled && order->filled == 0 && !order_is_open(order)) {
        free_order(slot->order);
        slot->order = NULL;
        return;
    }
    struct why_entry *entry = add_entry(record, slot->order, WHY_LEARNT, ts);
    if (entry == NULL)
        return;
    entry->execution = copy_execution(record, execution);
    entry->learnt.position = account_position(engine_account_view(record->stage->engine), order->instrument)->qty;
    if (entry->execution != NULL)
        find_answer(slot->order, entry);
}

/* ---- the record ---- */

struct why_record *why_record_new(void)
{
    struct why_record *record = calloc(1, sizeof(*record));
    if (record == NULL)
        return NULL;
    record->watch = (struct venue_watch){.context = record, .wants = wants, .note = on_note};
    record->observer =
        (struct engine_observer){.context = record, .submit = on_submit, .cancel = on_cancel, .amend = on_amend};
    record->sink = (struct engine_sink){.context = record, .order = on_order};
    record->both = (struct stage_watch){.venue = &record->watch, .engine = &record->observer};
    return record;
}

err_t why_record_want(struct why_record *record, uint64_t from, uint64_t to)
{
    struct range *grown = realloc(record->ranges, (record->range_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return ERR_NOMEM;
    record->ranges = grown;
    record->ranges[record->range_count++] = (struct range){from, to};
    return ERR_OK;
}

void why_record_want_all(struct why_record *record, bool only_filled)
{
    record->all = true;
    record->only_filled = only_filled;
}

const struct engine_sink *why_record_sink(struct why_record *record)
{
    return &record->sink;
}
const struct stage_watch *why_record_watch(struct why_record *record)
{
    return &record->both;
}
void why_record_stage(struct why_record *record, const struct stage *stage)
{
    record->stage = stage;
}
bool why_record_broken(const struct why_record *record)
{
    return record->broken;
}
/* By insertion: they are nearly sorted. */
static void sort_entries(struct why_order *order)
{
    for (uint32_t i = 1; i < order->count; i++) {
        const struct why_entry entry = order->entries[i];
        uint32_t at = i;
        for (; at > 0 && order->entries[at - 1].ts > entry.ts; at--)
            order->entries[at] = order->entries[at - 1];
        order->entries[at] = entry;
    }
}

void why_record_sort(struct why_record *record)
{
    for (size_t i = 0; i < record->slot_count; i++)
        if (record->slots[i].order != NULL)
            sort_entries(record->slots[i].order);
}

size_t why_record_count(const struct why_record *record)
{
    return record->slot_count;
}

const struct why_order *why_record_at(const struct why_record *record, size_t index)
{
    const struct why_order *order = record->slots[index].order;
    return order != NULL && record->only_filled && order->order.filled == 0 ? NULL : order;
}

void why_record_free(struct why_record *record)
{
    if (record == NULL)
        return;
    for (size_t i = 0; i < record->slot_count; i++)
        free_order(record->slots[i].order);
    free(record->slots);
    free(record->ranges);
    free(record);
}
