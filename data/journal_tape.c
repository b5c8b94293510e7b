#include "data/journal_tape.h"

#include "core/order.h"
#include "data/tape_body.h"
#include "data/tape_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HALF_RECORDS  8192
#define JOURNAL_BLOCK 4096 /* records: what a damaged block costs */

struct slot {
    struct event event;
    uint8_t body[TAPE_BODY_SIZE] __attribute__((aligned(16)));
};

struct half {
    struct slot *slots;
    uint32_t count;
};

struct journal_tape {
    struct journal journal;
    bool live;
    struct tape_writer *writer;
    struct half *filling; /* the engine thread's */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* under the mutex */
    struct half *handed; /* NULL: the thread is idle */
    bool ending, flush;
    err_t broken;
    struct err_text why;

    struct half halves[2];
};

static void write_half(struct journal_tape *tape, struct half *half, bool flush)
{
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < half->count && err == ERR_OK; i++)
        err = tape_writer_add(tape->writer, &half->slots[i].event);
    half->count = 0;
    if (err == ERR_OK && flush)
        err = tape_writer_flush(tape->writer);
    if (err == ERR_OK)
        return;
    pthread_mutex_lock(&tape->mutex);
    if (tape->broken == ERR_OK) {
        tape->broken = err;
        tape->why = *tape_writer_why(tape->writer);
    }
    pthread_mutex_unlock(&tape->mutex);
}

static void *write_all(void *context)
{
    struct journal_tape *tape = context;
    pthread_mutex_lock(&tape->mutex);
    for (;;) {
        while (tape->handed == NULL && !tape->ending)
            pthread_cond_wait(&tape->changed, &tape->mutex);
        struct half *half = tape->handed;
        if (half == NULL)
            break;
        const bool broken = tape->broken != ERR_OK && tape->broken != ERR_FULL, flush = tape->flush;
        tape->flush = false;
        pthread_mutex_unlock(&tape->mutex);
        if (!broken)
            write_half(tape, half, flush);
        half->count = 0;
        pthread_mutex_lock(&tape->mutex);
        tape->handed = NULL;
        pthread_cond_broadcast(&tape->changed);
    }
    pthread_mutex_unlock(&tape->mutex);
    return NULL;
}

/* `wait`: for the half that the thread still writes; else it goes on filling. */
static void hand_over(struct journal_tape *tape, bool wait)
{
    pthread_mutex_lock(&tape->mutex);
    while (wait && tape->handed != NULL)
        pthread_cond_wait(&tape->changed, &tape->mutex);
    if (tape->handed == NULL && tape->filling->count != 0) {
        tape->handed = tape->filling;
        tape->filling = tape->filling == &tape->halves[0] ? &tape->halves[1] : &tape->halves[0];
        pthread_cond_broadcast(&tape->changed);
    }
    pthread_mutex_unlock(&tape->mutex);
}

/* Both halves are full and nobody waits: what comes is not kept, and that is said. */
static void give_up(struct journal_tape *tape)
{
    pthread_mutex_lock(&tape->mutex);
    if (tape->broken == ERR_OK) {
        tape->broken = ERR_FULL;
        (void)err_say(&tape->why, ERR_FULL, "the disk did not follow the journal");
    }
    pthread_mutex_unlock(&tape->mutex);
}

static void on_record(void *context, const struct event *record)
{
    struct journal_tape *tape = context;
    if (UNLIKELY(tape->filling->count == HALF_RECORDS)) { /* only when nobody waits */
        hand_over(tape, false);
        if (tape->filling->count == HALF_RECORDS) {
            give_up(tape);
            return;
        }
    }
    struct slot *slot = &tape->filling->slots[tape->filling->count++];
    slot->event = *record;
    if (record->body != NULL) {
        memcpy(slot->body, record->body,
               record->kind == EVENT_EXECUTION ? sizeof(struct execution)
                                               : event_body_size((enum event_kind)record->kind));
        slot->event.body = slot->body;
    }
    if (tape->filling->count == HALF_RECORDS)
        hand_over(tape, !tape->live);
    else if (record->kind == EVENT_CHECKPOINT && tape->filling->count >= HALF_RECORDS / 8)
        hand_over(tape, false);
}

static void release(struct journal_tape *tape)
{
    free(tape->halves[0].slots);
    free(tape->halves[1].slots);
    free(tape);
}

err_t journal_tape_open(struct journal_tape **tape, const char *path, const struct instrument *instruments,
                        uint16_t instrument_count, const struct journal_tape_options *options, struct err_text *why)
{
    struct journal_tape *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "%s: no memory for the journal", path);
    for (int i = 0; i < 2; i++)
        opened->halves[i].slots = calloc(HALF_RECORDS, sizeof(struct slot));
    if (opened->halves[0].slots == NULL || opened->halves[1].slots == NULL) {
        release(opened);
        return err_say(why, ERR_NOMEM, "%s: no memory for the journal", path);
    }
    opened->live = options->live;
    opened->filling = &opened->halves[0];
    opened->journal = (struct journal){opened, on_record};
    const struct tape_writer_options writer = {
        .block_levels = JOURNAL_BLOCK, .zstd_level = 1, .source = options->source, .created_by = options->created_by};
    err_t err = tape_writer_open(&opened->writer, path, instruments, instrument_count, &writer, why);
    if (err != ERR_OK) {
        release(opened);
        return err;
    }
    pthread_mutex_init(&opened->mutex, NULL);
    pthread_cond_init(&opened->changed, NULL);
    const int failed = pthread_create(&opened->thread, NULL, write_all, opened);
    if (failed != 0) {
        tape_writer_abandon(opened->writer);
        release(opened);
        return err_say(why, ERR_NOMEM, "%s: no thread for the journal: %s", path, strerror(failed));
    }
    *tape = opened;
    return ERR_OK;
}

struct journal *journal_tape_journal(struct journal_tape *tape)
{
    return &tape->journal;
}

void journal_tape_flush(struct journal_tape *tape)
{
    pthread_mutex_lock(&tape->mutex);
    tape->flush = true;
    pthread_mutex_unlock(&tape->mutex);
    hand_over(tape, false);
}

err_t journal_tape_error(struct journal_tape *tape, struct err_text *why)
{
    pthread_mutex_lock(&tape->mutex);
    const err_t err = tape->broken == ERR_OK ? ERR_OK : err_say(why, tape->broken, "%s", tape->why.text);
    pthread_mutex_unlock(&tape->mutex);
    return err;
}

err_t journal_tape_close(struct journal_tape *tape, struct err_text *why)
{
    if (tape == NULL)
        return ERR_OK;
    hand_over(tape, true);
    pthread_mutex_lock(&tape->mutex);
    while (tape->handed != NULL)
        pthread_cond_wait(&tape->changed, &tape->mutex);
    tape->ending = true;
    pthread_cond_broadcast(&tape->changed);
    pthread_mutex_unlock(&tape->mutex);
    pthread_join(tape->thread, NULL);
    err_t err = journal_tape_error(tape, why);
    if (err == ERR_OK || err == ERR_FULL) {
        const err_t closed = tape_writer_close(tape->writer, NULL, why);
        err = err != ERR_OK ? err : closed;
    } else {
        tape_writer_abandon(tape->writer);
    }
    pthread_cond_destroy(&tape->changed);
    pthread_mutex_destroy(&tape->mutex);
    release(tape);
    return err;
}
