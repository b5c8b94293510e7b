#include "cli/watch_index.h"

#include <stdlib.h>
#include <string.h>

#define CURRENCIES_KEPT 255

struct watch_index {
    struct engine_sink sink;
    struct engine_observer observer;
    uint64_t input; /* what is told is seen after it */
    bool broken;
    struct watch_entry *entries;
    size_t count, capacity;
    ns_t *times; /* of every WATCH_STRIDE-th input */
    size_t time_count, time_capacity;
    ns_t last_ts; /* of the last input */
    char *texts;
    size_t text_size, text_capacity;
    char currencies[CURRENCIES_KEPT][NAME_SIZE];
    uint8_t currency_count;
};

/* Room for `more` items of `size` bytes behind `count`. */
static bool reserve(struct watch_index *index, void **items, size_t count, size_t more, size_t *capacity, size_t size)
{
    if (count + more <= *capacity)
        return true;
    size_t wanted = *capacity == 0 ? 1024 : *capacity * 2;
    while (wanted < count + more)
        wanted *= 2;
    void *grown = realloc(*items, wanted * size);
    if (grown == NULL) {
        index->broken = true;
        return false;
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

static struct watch_entry *add(struct watch_index *index, enum watch_kind kind, ns_t ts)
{
    void *entries = index->entries;
    if (!reserve(index, &entries, index->count, 1, &index->capacity, sizeof(*index->entries)))
        return NULL;
    index->entries = entries;
    struct watch_entry *entry = &index->entries[index->count++];
    memset(entry, 0, sizeof(*entry));
    entry->input = index->input;
    entry->ts = ts;
    entry->kind = (uint8_t)kind;
    entry->instrument = INSTRUMENT_NONE;
    return entry;
}

static uint8_t currency_of(struct watch_index *index, const char *name)
{
    for (uint8_t i = 0; i < index->currency_count; i++)
        if (strncmp(index->currencies[i], name, NAME_SIZE) == 0)
            return i;
    if (index->currency_count == CURRENCIES_KEPT - 1) { /* accounts hold 64 */
        index->broken = true;
        return 0;
    }
    memcpy(index->currencies[index->currency_count], name, NAME_SIZE - 1);
    return index->currency_count++;
}

/* What does not fit an entry is not told: 92 billion of anything. */
static int64_t fee_for_eyes(money_t fee, unsigned decimals)
{
    money_t scaled;
    if (money_rescale(fee, decimals, WATCH_FEE_DECIMALS, ROUND_HALF_EVEN, &scaled) != ERR_OK || scaled > INT64_MAX ||
        scaled < INT64_MIN)
        return 0;
    return (int64_t)scaled;
}

/* ---- what is told ---- */

static struct watch_entry *add_order(struct watch_index *index, enum watch_kind kind, ns_t ts,
                                     const struct order *order, px_t price, qty_t qty)
{
    struct watch_entry *entry = add(index, kind, ts);
    if (entry == NULL)
        return NULL;
    entry->order_id = order->id;
    entry->price = price;
    entry->qty = qty;
    entry->instrument = order->instrument;
    entry->side = order->side;
    entry->type = order->type;
    entry->flags = order->flags;
    return entry;
}

static void on_submit(void *context, const struct engine_decision *decision, const struct order *order,
                      const struct risk_report *report)
{
    (void)report; /* a refusal comes as a report */
    (void)add_order(context, WATCH_SENT, decision->now, order, order->price, order->qty);
}

static void on_cancel(void *context, const struct engine_decision *decision, const struct order *order)
{
    (void)add_order(context, WATCH_CANCEL, decision->now, order, order->price, order_leaves(order));
}

static void on_amend(void *context, const struct engine_decision *decision, const struct order *order, px_t price,
                     qty_t qty, const struct risk_report *report)
{
    (void)report;
    (void)add_order(context, WATCH_AMEND, decision->now, order, price, qty);
}

static void on_order(void *context, ns_t ts, const struct order *order, const struct execution *execution)
{
    struct watch_index *index = context;
    if (execution == NULL) /* told by the observer, before the gate */
        return;
    const bool fill = execution->kind == EXEC_FILL;
    struct watch_entry *entry = add_order(index, fill ? WATCH_FILL : WATCH_REPORT, ts, order, execution->price,
                                          fill ? execution->qty : order_leaves(order));
    if (entry == NULL)
        return;
    entry->exec_kind = execution->kind;
    entry->reason = execution->reason;
    entry->maker = execution->maker != 0;
    if (!fill)
        entry->price = order->price;
    if (fill) {
        entry->fee = fee_for_eyes(execution->fee, execution->fee_decimals);
        entry->currency = currency_of(index, execution->fee_currency);
    }
}

static void on_payment(void *context, ns_t ts, uint16_t instrument, const struct execution *execution)
{
    struct watch_index *index = context;
    struct watch_entry *entry = add(index, WATCH_PAYMENT, ts);
    if (entry == NULL)
        return;
    entry->instrument = instrument;
    entry->reason = execution->reason;
    entry->price = execution->price;
    entry->qty = execution->qty;
    entry->fee = fee_for_eyes(-execution->fee, execution->fee_decimals);
    entry->currency = currency_of(index, execution->fee_currency);
}

static void on_log(void *context, ns_t ts, enum log_level level, const char *text)
{
    struct watch_index *index = context;
    const size_t size = strlen(text) + 1;
    void *texts = index->texts;
    if (!reserve(index, &texts, index->text_size, size, &index->text_capacity, 1))
        return;
    index->texts = texts;
    struct watch_entry *entry = add(index, WATCH_LOG, ts);
    if (entry == NULL)
        return;
    entry->level = (uint8_t)level;
    entry->text = index->text_size;
    memcpy(index->texts + index->text_size, text, size);
    index->text_size += size;
}

/* ---- the index ---- */

struct watch_index *watch_index_new(void)
{
    struct watch_index *index = calloc(1, sizeof(*index));
    if (index == NULL)
        return NULL;
    index->sink = (struct engine_sink){.context = index, .order = on_order, .payment = on_payment, .log = on_log};
    index->observer =
        (struct engine_observer){.context = index, .submit = on_submit, .cancel = on_cancel, .amend = on_amend};
    return index;
}

void watch_index_free(struct watch_index *index)
{
    if (index == NULL)
        return;
    free(index->entries);
    free(index->times);
    free(index->texts);
    free(index);
}

const struct engine_sink *watch_index_sink(struct watch_index *index)
{
    return &index->sink;
}

struct engine_observer *watch_index_observer(struct watch_index *index)
{
    return &index->observer;
}

void watch_index_begin(struct watch_index *index, uint64_t input)
{
    ASSERT(input >= index->input);
    index->input = input;
}

void watch_index_end(struct watch_index *index, ns_t ts)
{
    index->last_ts = ts;
    if (index->input % WATCH_STRIDE != 0)
        return;
    void *times = index->times;
    if (!reserve(index, &times, index->time_count, 1, &index->time_capacity, sizeof(*index->times)))
        return;
    index->times = times;
    index->times[index->time_count++] = ts;
}

bool watch_index_broken(const struct watch_index *index)
{
    return index->broken;
}

const struct watch_entry *watch_index_at(const struct watch_index *index, size_t number)
{
    ASSERT(number < index->count);
    return &index->entries[number];
}

size_t watch_index_upto(const struct watch_index *index, uint64_t input)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (index->entries[middle].input <= input)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool matches(const struct watch_entry *entry, unsigned kinds, uint64_t order_id)
{
    return (kinds >> entry->kind & 1u) != 0 && (order_id == 0 || entry->order_id == order_id);
}

const struct watch_entry *watch_index_next(const struct watch_index *index, uint64_t input, unsigned kinds,
                                           uint64_t order_id)
{
    for (size_t i = watch_index_upto(index, input); i < index->count; i++)
        if (matches(&index->entries[i], kinds, order_id))
            return &index->entries[i];
    return NULL;
}

const struct watch_entry *watch_index_previous(const struct watch_index *index, uint64_t input, unsigned kinds,
                                               uint64_t order_id)
{
    for (size_t i = input == 0 ? 0 : watch_index_upto(index, input - 1); i > 0; i--)
        if (matches(&index->entries[i - 1], kinds, order_id))
            return &index->entries[i - 1];
    return NULL;
}

const struct watch_entry *watch_index_first(const struct watch_index *index, uint64_t order_id)
{
    for (size_t i = 0; i < index->count; i++)
        if (matches(&index->entries[i], WATCH_OWN, order_id))
            return &index->entries[i];
    return NULL;
}

bool watch_index_time(const struct watch_index *index, ns_t ts, uint64_t *input)
{
    if (index->input == 0 || index->last_ts <= ts)
        return false;
    size_t low = 0, high = index->time_count; /* the first kept time that is later */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (index->times[middle] <= ts)
            low = middle + 1;
        else
            high = middle;
    }
    *input = low * WATCH_STRIDE; /* that of times[low - 1]: times[0] is of input WATCH_STRIDE */
    return true;
}

const char *watch_index_text(const struct watch_index *index, const struct watch_entry *entry)
{
    ASSERT(entry->kind == WATCH_LOG);
    return index->texts + entry->text;
}

const char *watch_index_currency(const struct watch_index *index, const struct watch_entry *entry)
{
    return index->currencies[entry->currency];
}
