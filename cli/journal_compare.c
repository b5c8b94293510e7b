#include "cli/journal_compare.h"

#include "data/packed.h"
#include "data/tape_body.h"
#include "data/tape_reader.h"

#include <stdlib.h>
#include <string.h>

STATIC_ASSERT(sizeof(((struct journal_entry *)0)->body) == TAPE_BODY_SIZE, "room for any body");

struct journal_compare {
    struct journal journal;
    struct tape_reader *reader;
    struct tape_block block;
    uint32_t at; /* in the block */
    bool held, over;
    bool past; /* the journal ended before the run did */
    bool cut;  /* the journal is: it ends without its index */
    uint64_t records;
    struct journal_difference difference;
    struct packed then, now; /* bodies as they lie in a tape: what they say, and nothing else */
    err_t broken;
    struct err_text why;
};

static size_t body_size(const struct event *event)
{
    return event->kind == EVENT_EXECUTION ? sizeof(struct execution) : event_body_size((enum event_kind)event->kind);
}

static void keep(struct journal_entry *entry, uint64_t number, const struct event *event)
{
    *entry = (struct journal_entry){.number = number, .event = *event};
    if (event->body != NULL) {
        memcpy(entry->body, event->body, body_size(event));
        entry->event.body = entry->body;
    }
}

static void keep_before(struct journal_compare *compare, uint64_t number, const struct event *event)
{
    struct journal_difference *difference = &compare->difference;
    if (difference->before_count == JOURNAL_COMPARE_BEFORE) {
        memmove(&difference->before[0], &difference->before[1],
                (JOURNAL_COMPARE_BEFORE - 1) * sizeof(difference->before[0]));
        difference->before_count--;
        for (uint32_t i = 0; i < difference->before_count; i++)
            if (difference->before[i].event.body != NULL)
                difference->before[i].event.body = difference->before[i].body;
    }
    keep(&difference->before[difference->before_count++], number, event);
}

/* A block with records that were not compared yet, if there is any. */
static void fill(struct journal_compare *compare)
{
    while (!compare->over && (!compare->held || compare->at == compare->block.event_count)) {
        if (compare->held)
            tape_reader_release(compare->reader, compare->block.buffer);
        compare->held = false;
        const err_t err = tape_reader_next(compare->reader, &compare->block, &compare->why);
        if (err == ERR_OK) {
            compare->held = true;
            compare->at = 0;
        } else {
            compare->over = true;
            compare->cut = err == ERR_TRUNCATED;
            if (err != ERR_END && err != ERR_TRUNCATED)
                compare->broken = err;
        }
    }
}

/* The next record of the journal; NULL: there are no more, or reading failed. */
static const struct event *next_then(struct journal_compare *compare, uint64_t *number)
{
    fill(compare);
    if (compare->over)
        return NULL;
    *number = compare->block.first_message + compare->at;
    return &compare->block.events[compare->at++];
}

static bool is_same(struct journal_compare *compare, const struct event *then, const struct event *now)
{
    if (then->kind != now->kind || then->ts != now->ts || then->instrument != now->instrument)
        return false;
    /* Nearly always; where spare bytes of a body differ, what they say decides. */
    if (then->exch_ts == now->exch_ts && then->seq == now->seq && then->body != NULL && now->body != NULL &&
        memcmp(then->body, now->body, body_size(now)) == 0)
        return true;
    packed_clear(&compare->then);
    packed_clear(&compare->now);
    tape_body_pack(&compare->then, then);
    tape_body_pack(&compare->now, now);
    return !compare->then.failed && compare->then.size == compare->now.size &&
           memcmp(compare->then.bytes, compare->now.bytes, compare->now.size) == 0;
}

static void on_record(void *context, const struct event *now)
{
    struct journal_compare *compare = context;
    struct journal_difference *difference = &compare->difference;
    uint64_t number = compare->records;
    if (difference->verdict != JOURNAL_SAME || compare->past || compare->broken != ERR_OK)
        return;
    const struct event *then = next_then(compare, &number);
    if (then == NULL) {
        compare->past = compare->broken == ERR_OK;
        if (compare->past)
            keep(&difference->now, compare->records, now);
    } else if (is_same(compare, then, now)) {
        compare->records++;
        keep_before(compare, number, then);
    } else {
        difference->verdict = JOURNAL_DIFFERS;
        keep(&difference->then, number, then);
        keep(&difference->now, number, now);
    }
}

err_t journal_compare_open(struct journal_compare **compare, const char *path, struct err_text *why)
{
    struct journal_compare *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    opened->journal = (struct journal){opened, on_record};
    const struct tape_reader_options options = {.read_ahead = true};
    const err_t err = tape_reader_open(&opened->reader, path, &options, why);
    if (err != ERR_OK) {
        free(opened);
        return err;
    }
    *compare = opened;
    return ERR_OK;
}

struct journal *journal_compare_journal(struct journal_compare *compare)
{
    return &compare->journal;
}

err_t journal_compare_instruments(struct journal_compare *compare, const struct instrument *instruments,
                                  uint16_t instrument_count, struct err_text *why)
{
    const struct tape_info *info = tape_reader_info(compare->reader);
    if (info->instrument_count != instrument_count)
        return err_say(why, ERR_MISMATCH, "the journal is of %u instruments, the run now has %u",
                       info->instrument_count, instrument_count);
    for (uint16_t i = 0; i < instrument_count; i++) {
        const struct instrument *then = &info->instruments[i], *now = &instruments[i];
        if (strcmp(then->venue, now->venue) != 0 || strcmp(then->symbol, now->symbol) != 0)
            return err_say(why, ERR_MISMATCH, "instrument %u of the journal is %s of %s, of the run now %s of %s", i,
                           then->symbol, then->venue, now->symbol, now->venue);
        if (then->maker_fee != now->maker_fee || then->taker_fee != now->taker_fee || then->lot != now->lot ||
            then->price_decimals != now->price_decimals || then->qty_decimals != now->qty_decimals ||
            then->multiplier != now->multiplier)
            return err_say(why, ERR_MISMATCH,
                           "%s of %s has other fees, lot, decimals or multiplier than in the journal's header",
                           now->symbol, now->venue);
    }
    return ERR_OK;
}

bool journal_compare_differs(const struct journal_compare *compare)
{
    return compare->difference.verdict != JOURNAL_SAME;
}

err_t journal_compare_finish(struct journal_compare *compare, bool ended, struct err_text *why)
{
    struct journal_difference *difference = &compare->difference;
    uint64_t number;
    if (compare->broken != ERR_OK)
        return err_say(why, compare->broken, "%s", compare->why.text);
    if (difference->verdict != JOURNAL_SAME)
        return ERR_OK;
    if (compare->past) {
        difference->verdict = ended && !compare->cut ? JOURNAL_ENDS : JOURNAL_SAME;
        return ERR_OK;
    }
    const struct event *then = next_then(compare, &number);
    if (then != NULL) {
        difference->verdict = JOURNAL_GOES_ON;
        keep(&difference->then, number, then);
    }
    return compare->broken == ERR_OK ? ERR_OK : err_say(why, compare->broken, "%s", compare->why.text);
}

const struct journal_difference *journal_compare_difference(const struct journal_compare *compare)
{
    return &compare->difference;
}

bool journal_compare_over(struct journal_compare *compare)
{
    fill(compare);
    return compare->over;
}

bool journal_compare_past(const struct journal_compare *compare)
{
    return compare->past;
}

uint64_t journal_compare_input(const struct journal_compare *compare)
{
    const struct journal_difference *difference = &compare->difference;
    return difference->before_count == 0 ? 0 : difference->before[difference->before_count - 1].event.seq;
}

uint64_t journal_compare_next_input(const struct journal_compare *compare)
{
    return compare->block.events[compare->at].seq;
}

uint64_t journal_compare_records(const struct journal_compare *compare)
{
    return compare->records;
}

void journal_compare_close(struct journal_compare *compare)
{
    if (compare == NULL)
        return;
    if (compare->held)
        tape_reader_release(compare->reader, compare->block.buffer);
    tape_reader_close(compare->reader);
    packed_free(&compare->then);
    packed_free(&compare->now);
    free(compare);
}
