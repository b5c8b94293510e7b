/* How: everything goes through diff_journal_at, which holds one block, so that what is counted is what was read. */
#include "cli/diff_journal.h"

#include "data/tape_compare.h"

#include <inttypes.h>
#include <string.h>

#define HISTORY_BLOCKS 16 /* how far back the records of an order are looked for */

err_t diff_journal_open(struct diff_journal *journal, const char *path, struct err_text *why)
{
    *journal = (struct diff_journal){.path = path};
    err_t err = tape_reader_open(&journal->reader, path, NULL, why);
    if (err != ERR_OK)
        return err;
    const struct tape_info *info = tape_reader_info(journal->reader);
    journal->records = info->messages;
    journal->blocks = info->blocks;
    if (info->indexed)
        return ERR_OK;
    err = err_say(why, ERR_TRUNCATED, "%s: the journal was not closed; 'tapedeck tape repair' closes it", path);
    diff_journal_close(journal);
    return err;
}

void diff_journal_close(struct diff_journal *journal)
{
    if (journal->held)
        tape_reader_release(journal->reader, journal->block.buffer);
    tape_reader_close(journal->reader);
    journal->reader = NULL;
    journal->held = false;
}

err_t diff_journal_at(struct diff_journal *journal, uint64_t number, const struct event **record,
                      struct err_text *why)
{
    const uint64_t first = journal->block.first_message, end = first + journal->block.event_count;
    if (!journal->held || number < first || number >= end) {
        const bool next = journal->held && number == end;
        if (journal->held)
            tape_reader_release(journal->reader, journal->block.buffer);
        journal->held = false;
        if (number >= journal->records)
            return ERR_END;
        err_t err = next ? ERR_OK : tape_reader_seek_message(journal->reader, number, why);
        if (err == ERR_OK)
            err = tape_reader_next(journal->reader, &journal->block, why);
        if (err != ERR_OK)
            return err;
        journal->held = true;
        journal->blocks_read++;
    }
    *record = &journal->block.events[number - journal->block.first_message];
    return ERR_OK;
}

void diff_entry_keep(struct journal_entry *entry, uint64_t number, const struct event *record)
{
    *entry = (struct journal_entry){.number = number, .event = *record};
    if (record->body != NULL) {
        const size_t size = record->kind == EVENT_EXECUTION ? sizeof(struct execution)
                                                            : event_body_size((enum event_kind)record->kind);
        memcpy(entry->body, record->body, size);
    }
    entry->event.body = NULL;
}

struct event diff_entry_event(const struct journal_entry *entry)
{
    struct event event = entry->event;
    event.body = entry->body;
    return event;
}

uint64_t diff_order_of(const struct event *record)
{
    if (record->kind == EVENT_EXECUTION)
        return ((const struct execution *)record->body)->order_id;
    if (record->kind == EVENT_OUTPUT)
        return ((const struct event_output *)record->body)->order_id;
    return 0;
}

/* ---- checkpoints ---- */

/* The first at or after `from` and before `limit`. ERR_AGAIN: there is none. */
static err_t find_checkpoint(struct diff_journal *journal, uint64_t from, uint64_t limit, struct diff_mark *mark,
                             struct err_text *why)
{
    for (; from < limit; from++) {
        const struct event *record;
        err_t err = diff_journal_at(journal, from, &record, why);
        if (err != ERR_OK)
            return err == ERR_END ? ERR_AGAIN : err;
        if (record->kind != EVENT_CHECKPOINT)
            continue;
        journal->checkpoints_read++;
        *mark = (struct diff_mark){.record = from, .ts = record->ts};
        memcpy(&mark->at, record->body, sizeof(mark->at));
        return ERR_OK;
    }
    return ERR_AGAIN;
}

typedef err_t (*mark_test)(void *context, const struct diff_mark *mark, bool *holds, struct err_text *why);

/* The last checkpoint before record `limit` for which the test holds; it holds up to some checkpoint and not after.
 */
static err_t last_mark(struct diff_journal *journal, uint64_t limit, mark_test test, void *context,
                       struct diff_mark *last, struct err_text *why)
{
    uint64_t left = 0, right = limit;
    *last = (struct diff_mark){.start = true};
    while (left < right) {
        const uint64_t middle = left + (right - left) / 2;
        struct diff_mark mark;
        bool holds = false;
        err_t err = find_checkpoint(journal, middle, right, &mark, why);
        if (err == ERR_OK)
            err = test(context, &mark, &holds, why);
        if (err != ERR_OK && err != ERR_AGAIN)
            return err;
        if (holds) {
            *last = mark;
            left = mark.record + 1;
        } else {
            right = middle;
        }
    }
    return ERR_OK;
}

static bool outputs_equal(const struct event_checkpoint *a, const struct event_checkpoint *b)
{
    return a->inputs == b->inputs && a->executions == b->executions && a->orders == b->orders &&
           a->fills == b->fills && memcmp(a->outputs, b->outputs, sizeof(a->outputs)) == 0;
}

static bool market_equal(const struct event_checkpoint *a, const struct event_checkpoint *b)
{
    return a->inputs == b->inputs && memcmp(a->market, b->market, sizeof(a->market)) == 0;
}

struct twin {
    struct diff_journal *other;
    bool market;
};

static err_t same_in_other(void *context, const struct diff_mark *mark, bool *holds, struct err_text *why)
{
    struct twin *twin = context;
    const struct event *record;
    *holds = false;
    err_t err = diff_journal_at(twin->other, mark->record, &record, why);
    if (err != ERR_OK)
        return err == ERR_END ? ERR_OK : err;
    if (record->kind != EVENT_CHECKPOINT)
        return ERR_OK;
    twin->other->checkpoints_read++;
    *holds = twin->market ? market_equal(&mark->at, record->body) : outputs_equal(&mark->at, record->body);
    return ERR_OK;
}

/* ---- the segment ---- */

static bool records_same(const struct event *a, const struct event *b)
{
    if (a->kind == EVENT_CHECKPOINT && b->kind == EVENT_CHECKPOINT)
        return a->ts == b->ts && a->seq == b->seq && outputs_equal(a->body, b->body);
    return tape_event_same(a, b);
}

static void keep_before(struct diff_journals *found, uint64_t number, const struct event *record)
{
    if (found->before_count == DIFF_BEFORE) {
        memmove(&found->before[0], &found->before[1], (DIFF_BEFORE - 1) * sizeof(found->before[0]));
        found->before_count--;
    }
    diff_entry_keep(&found->before[found->before_count++], number, record);
}

/* What is told of the records before the difference, where the last checkpoint is close. */
static err_t lead_in(struct diff_journal *a, uint64_t from, struct diff_journals *found, struct err_text *why)
{
    for (uint64_t number = from > DIFF_BEFORE ? from - DIFF_BEFORE : 0; number < from; number++) {
        const struct event *record;
        err_t err = diff_journal_at(a, number, &record, why);
        if (err != ERR_OK)
            return err;
        keep_before(found, number, record);
    }
    return ERR_OK;
}

/* A journal ends with a checkpoint, wherever the run did: what the other has in its place is more, and no other word
 * of the same thing. */
static bool is_end(const struct diff_journal *journal, uint64_t number, const struct event *record,
                   const struct event *other)
{
    return record->kind == EVENT_CHECKPOINT && number + 1 == journal->records && record->seq <= other->seq &&
           (other->kind != EVENT_CHECKPOINT || record->seq != other->seq);
}

static err_t walk(struct diff_journal *a, struct diff_journal *b, struct diff_journals *found, struct err_text *why)
{
    uint64_t number = found->outputs_same.start ? 0 : found->outputs_same.record + 1;
    err_t err = lead_in(a, number, found, why);
    for (; err == ERR_OK; number++) {
        const struct event *left, *right;
        const err_t of_a = diff_journal_at(a, number, &left, why), of_b = diff_journal_at(b, number, &right, why);
        if ((of_a != ERR_OK && of_a != ERR_END) || (of_b != ERR_OK && of_b != ERR_END))
            return of_a != ERR_OK && of_a != ERR_END ? of_a : of_b;
        found->has_a = of_a == ERR_OK;
        found->has_b = of_b == ERR_OK;
        if (!found->has_a && !found->has_b)
            return ERR_OK;
        if ((!found->has_a && a->unended) || (!found->has_b && b->unended)) {
            found->has_a = found->has_b = false;
            return ERR_OK;
        }
        if (found->has_a && found->has_b && records_same(left, right)) {
            keep_before(found, number, left);
            continue;
        }
        found->outputs_differ = true;
        if (found->has_a && found->has_b) {
            const bool ends_a = is_end(a, number, left, right), ends_b = !ends_a && is_end(b, number, right, left);
            found->has_a = !ends_a;
            found->has_b = !ends_b;
        }
        if (found->has_a)
            diff_entry_keep(&found->a, number, left);
        if (found->has_b)
            diff_entry_keep(&found->b, number, right);
        found->unrecorded = found->has_a && found->has_b && left->kind == EVENT_CHECKPOINT &&
                            right->kind == EVENT_CHECKPOINT && left->seq == right->seq;
        found->at_end = found->unrecorded && number + 1 == a->records && number + 1 == b->records;
        return ERR_OK;
    }
    return err;
}

/* Earlier records of the order, from the journal of a: they are the same in both. */
static err_t history(struct diff_journal *a, struct diff_journals *found, struct err_text *why)
{
    const struct event told = diff_entry_event(found->has_a ? &found->a : &found->b);
    const uint64_t order = diff_order_of(&told), blocks = a->blocks_read;
    uint64_t number = found->before_count != 0 ? found->before[0].number : 0;
    if (order == 0)
        return ERR_OK;
    while (number-- > 0 && found->history_count < DIFF_HISTORY && a->blocks_read - blocks < HISTORY_BLOCKS) {
        const struct event *record;
        err_t err = diff_journal_at(a, number, &record, why);
        if (err != ERR_OK)
            return err;
        if (diff_order_of(record) != order)
            continue;
        diff_entry_keep(&found->history[found->history_count++], number, record);
        if (record->kind == EVENT_OUTPUT && ((const struct event_output *)record->body)->kind == OUTPUT_ORDER)
            break;
    }
    for (uint32_t i = 0; i < found->history_count / 2; i++) {
        const struct journal_entry swapped = found->history[i];
        found->history[i] = found->history[found->history_count - 1 - i];
        found->history[found->history_count - 1 - i] = swapped;
    }
    return ERR_OK;
}

err_t diff_journals(struct diff_journal *a, struct diff_journal *b, struct diff_journals *found, struct err_text *why)
{
    const uint64_t shorter = a->records < b->records ? a->records : b->records;
    struct twin twin = {.other = b};
    *found = (struct diff_journals){0};
    err_t err = last_mark(a, shorter, same_in_other, &twin, &found->outputs_same, why);
    if (err == ERR_OK)
        err = walk(a, b, found, why);
    if (err != ERR_OK)
        return err;
    uint64_t limit = shorter; /* to where the numbers of the records are the same */
    if (found->outputs_differ)
        limit = (found->has_a ? found->a.number : found->b.number) + found->unrecorded;
    twin.market = true;
    err = last_mark(a, limit, same_in_other, &twin, &found->market_same, why);
    if (err == ERR_OK) {
        const uint64_t from = found->market_same.start ? 0 : found->market_same.record + 1;
        err = find_checkpoint(a, from, limit, &found->market_shown, why);
        found->market_differs = err == ERR_OK;
        if (err == ERR_AGAIN)
            err = ERR_OK;
    }
    return err == ERR_OK && found->outputs_differ ? history(a, found, why) : err;
}

/* ---- numbers of inputs ---- */

static err_t market_at_most(void *context, const struct diff_mark *mark, bool *holds, struct err_text *why)
{
    (void)why;
    *holds = mark->at.inputs - mark->at.executions <= *(const uint64_t *)context;
    return ERR_OK;
}

/* A refusal of the gate is no input: the engine makes it, at its own time. */
static bool is_refusal(const struct event *record)
{
    const struct execution *execution = record->body;
    return execution->kind == EXEC_REJECT && execution->venue_ts == record->ts && execution->venue_order == 0;
}

/* Executions are inputs too; each is the first record of its input. The next checkpoint says how many there were. */
err_t diff_journal_input(struct diff_journal *journal, uint64_t message, uint64_t *input, struct err_text *why)
{
    struct diff_mark mark;
    err_t err = last_mark(journal, journal->records, market_at_most, &message, &mark, why);
    if (err != ERR_OK)
        return err;
    uint64_t number = mark.start ? 0 : mark.record + 1;
    uint64_t handled = mark.start ? 0 : mark.at.inputs, executions = mark.start ? 0 : mark.at.executions;
    const uint64_t market = handled - executions; /* messages handled there */
    uint64_t last = handled, after = 0, seen = executions;
    bool found = false;
    for (;; number++) {
        const struct event *record;
        err = diff_journal_at(journal, number, &record, why);
        if (err == ERR_END)
            break;
        if (err != ERR_OK)
            return err;
        if (record->kind == EVENT_CHECKPOINT) {
            struct event_checkpoint end;
            memcpy(&end, record->body, sizeof(end));
            if (end.executions != seen)
                return ERR_AGAIN;
            break;
        }
        if (record->kind == EVENT_EXECUTION && record->seq > last && !is_refusal(record)) {
            seen++;
            /* messages before this execution: those of the inputs up to it that are no executions */
            found = found || record->seq - 1 - (seen - 1) > message;
            after += !found;
        }
        if (record->seq > last)
            last = record->seq;
    }
    *input = handled + (message - market) + after + 1;
    return ERR_OK;
}

static err_t before_ts(void *context, const struct diff_mark *mark, bool *holds, struct err_text *why)
{
    (void)why;
    *holds = mark->ts < *(const ns_t *)context;
    return ERR_OK;
}

err_t diff_journal_before(struct diff_journal *journal, ns_t ts, struct diff_mark *mark, struct err_text *why)
{
    return last_mark(journal, journal->records, before_ts, &ts, mark, why);
}
