/* How: a half is one piece of memory with records one behind the other, each a header and its two texts. The mutex is
 * held for a copy, or for a change of the halves, never for a write. */
#include "data/raw_tape.h"

#include "data/tape_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK_RECORDS 8192
#define WORTH_BYTES   (1u << 20) /* so much is written at once, without waiting for the clock */

struct record {
    ns_t ts;
    uint8_t kind; /* enum event_kind */
    union {
        struct event_wire wire; /* its texts follow */
        struct event_checkpoint checkpoint;
    };
};

struct half {
    uint8_t *bytes;
    size_t used, size;
};

struct raw_tape {
    struct tape_writer *writer; /* the thread's, until it has ended */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* under the mutex */
    struct half halves[2];
    unsigned filling;
    bool writing; /* the other half */
    bool ending;
    err_t broken;
    struct raw_tape_stats stats;

    struct err_text why; /* written once, before `broken` is seen */
};

static size_t aligned(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

/* ---- the writer's thread ---- */

static err_t write_record(struct raw_tape *tape, const struct record *record)
{
    struct event event = {.ts = record->ts, .instrument = INSTRUMENT_NONE, .kind = record->kind};
    struct event_wire wire;
    if (record->kind == EVENT_CHECKPOINT) {
        event.body = &record->checkpoint;
    } else {
        wire = record->wire;
        wire.head = (const char *)(record + 1);
        wire.text = wire.head + wire.head_size;
        event.body = &wire;
    }
    return tape_writer_add(tape->writer, &event);
}

static size_t record_size(const struct record *record)
{
    return aligned(sizeof(*record) +
                   (record->kind == EVENT_WIRE ? (size_t)record->wire.head_size + record->wire.text_size : 0));
}

static err_t write_half(struct raw_tape *tape, const struct half *half)
{
    err_t err = ERR_OK;
    for (size_t at = 0; at < half->used && err == ERR_OK;) {
        const struct record *record = (const struct record *)(const void *)(half->bytes + at);
        err = write_record(tape, record);
        at += record_size(record);
    }
    return err == ERR_OK ? tape_writer_flush(tape->writer) : err;
}

static void break_with(struct raw_tape *tape, err_t err, const char *words)
{
    if (tape->broken != ERR_OK)
        return;
    (void)err_say(&tape->why, err, "%s", words);
    tape->broken = err;
}

static struct timespec later(ns_t span)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    const ns_t ns = at.tv_nsec + span;
    return (struct timespec){.tv_sec = at.tv_sec + (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

/* Until there is enough, or a while has passed; with the mutex. */
static void wait_for_work(struct raw_tape *tape)
{
    const struct timespec until = later(RAW_TAPE_FLUSH);
    while (!tape->ending && tape->halves[tape->filling].used < WORTH_BYTES)
        if (pthread_cond_timedwait(&tape->changed, &tape->mutex, &until) != 0)
            return;
}

static void *write_all(void *context)
{
    struct raw_tape *tape = context;
    pthread_mutex_lock(&tape->mutex);
    for (;;) {
        wait_for_work(tape);
        struct half *half = &tape->halves[tape->filling];
        if (half->used == 0) {
            if (tape->ending)
                break;
            continue;
        }
        tape->filling ^= 1;
        tape->writing = true;
        const bool broken = tape->broken != ERR_OK && tape->broken != ERR_FULL;
        pthread_mutex_unlock(&tape->mutex);
        const err_t err = broken ? ERR_OK : write_half(tape, half);
        pthread_mutex_lock(&tape->mutex);
        half->used = 0;
        tape->writing = false;
        if (err != ERR_OK)
            break_with(tape, err, tape_writer_why(tape->writer)->text);
        tape->stats.blocks = tape_writer_stats(tape->writer)->blocks;
        tape->stats.written = tape_writer_stats(tape->writer)->bytes;
    }
    pthread_mutex_unlock(&tape->mutex);
    return NULL;
}

/* ---- the engine's thread ---- */

/* Room for a record; with the mutex. */
static err_t make_room(struct raw_tape *tape, size_t size, struct record **record)
{
    struct half *half = &tape->halves[tape->filling];
    if (tape->broken != ERR_OK)
        return tape->broken;
    if (UNLIKELY(half->size - half->used < size)) {
        if (half->used != 0) { /* and so the thread is still busy with the other one, or has not come yet */
            break_with(tape, ERR_FULL,
                       "the disk did not follow the session: more inputs came than could be written down; nothing "
                       "after the last one written was applied");
            return tape->broken;
        }
        uint8_t *grown = realloc(half->bytes, size);
        if (grown == NULL) {
            break_with(tape, ERR_NOMEM, "no memory for an input");
            return tape->broken;
        }
        half->bytes = grown;
        half->size = size;
    }
    *record = (struct record *)(void *)(half->bytes + half->used);
    half->used += size;
    if (half->used > tape->stats.most_held)
        tape->stats.most_held = half->used;
    tape->stats.records++;
    tape->stats.bytes += size;
    return ERR_OK;
}

err_t raw_tape_add(struct raw_tape *tape, ns_t ts, const struct event_wire *input)
{
    struct record *record;
    const size_t size = aligned(sizeof(*record) + (size_t)input->head_size + input->text_size);
    pthread_mutex_lock(&tape->mutex);
    err_t err = make_room(tape, size, &record);
    if (err == ERR_OK) {
        record->ts = ts;
        record->kind = EVENT_WIRE;
        record->wire = *input;
        uint8_t *texts = (uint8_t *)(record + 1);
        if (input->head_size != 0)
            memcpy(texts, input->head, input->head_size);
        if (input->text_size != 0)
            memcpy(texts + input->head_size, input->text, input->text_size);
        if (!tape->writing && tape->halves[tape->filling].used >= WORTH_BYTES)
            pthread_cond_signal(&tape->changed);
    }
    pthread_mutex_unlock(&tape->mutex);
    return err;
}

err_t raw_tape_checkpoint(struct raw_tape *tape, ns_t ts, const struct event_checkpoint *checkpoint)
{
    struct record *record;
    pthread_mutex_lock(&tape->mutex);
    err_t err = make_room(tape, aligned(sizeof(*record)), &record);
    if (err == ERR_OK) {
        record->ts = ts;
        record->kind = EVENT_CHECKPOINT;
        record->checkpoint = *checkpoint;
    }
    pthread_mutex_unlock(&tape->mutex);
    return err;
}

const struct err_text *raw_tape_why(const struct raw_tape *tape)
{
    return &tape->why;
}

void raw_tape_read_stats(struct raw_tape *tape, struct raw_tape_stats *stats)
{
    pthread_mutex_lock(&tape->mutex);
    *stats = tape->stats;
    pthread_mutex_unlock(&tape->mutex);
}

/* ---- opening and closing ---- */

static void release(struct raw_tape *tape)
{
    free(tape->halves[0].bytes);
    free(tape->halves[1].bytes);
    free(tape);
}

static err_t start_thread(struct raw_tape *tape)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&tape->mutex, NULL);
    pthread_cond_init(&tape->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    const int failed = pthread_create(&tape->thread, NULL, write_all, tape);
    if (failed == 0)
        return ERR_OK;
    pthread_cond_destroy(&tape->changed);
    pthread_mutex_destroy(&tape->mutex);
    errno = failed;
    return ERR_NOMEM;
}

err_t raw_tape_open(struct raw_tape **tape, const char *path, const struct instrument *instruments,
                    uint16_t instrument_count, const struct raw_tape_options *options, struct err_text *why)
{
    struct raw_tape *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "%s: no memory for the inputs", path);
    for (int i = 0; i < 2; i++) {
        opened->halves[i].size = options->half_bytes != 0 ? options->half_bytes : RAW_TAPE_HALF;
        opened->halves[i].bytes = malloc(opened->halves[i].size);
    }
    if (opened->halves[0].bytes == NULL || opened->halves[1].bytes == NULL) {
        release(opened);
        return err_say(why, ERR_NOMEM, "%s: no memory for the inputs", path);
    }
    const struct tape_writer_options writer = {.block_levels = BLOCK_RECORDS,
                                               .zstd_level = 3,
                                               .exclusive = options->exclusive,
                                               .source = options->source,
                                               .created_by = options->created_by,
                                               .session = options->session};
    err_t err = tape_writer_open(&opened->writer, path, instruments, instrument_count, &writer, why);
    if (err == ERR_OK && start_thread(opened) != ERR_OK) {
        err = err_say(why, ERR_NOMEM, "%s: no thread for the inputs: %s", path, strerror(errno));
        tape_writer_abandon(opened->writer);
    }
    if (err != ERR_OK) {
        release(opened);
        return err;
    }
    *tape = opened;
    return ERR_OK;
}

err_t raw_tape_close(struct raw_tape *tape, struct raw_tape_stats *stats, struct err_text *why)
{
    if (tape == NULL)
        return ERR_OK;
    pthread_mutex_lock(&tape->mutex);
    tape->ending = true;
    pthread_cond_broadcast(&tape->changed);
    pthread_mutex_unlock(&tape->mutex);
    pthread_join(tape->thread, NULL);
    err_t err = tape->broken;
    if (err != ERR_OK)
        (void)err_say(why, err, "%s", tape->why.text);
    struct tape_writer_stats written = *tape_writer_stats(tape->writer);
    if (err == ERR_OK || err == ERR_FULL) {
        err_t closed = tape_writer_close(tape->writer, &written, why);
        err = err != ERR_OK ? err : closed;
    } else {
        tape_writer_abandon(tape->writer);
    }
    tape->stats.blocks = written.blocks;
    tape->stats.written = written.bytes;
    if (stats != NULL)
        *stats = tape->stats;
    pthread_cond_destroy(&tape->changed);
    pthread_mutex_destroy(&tape->mutex);
    release(tape);
    return err;
}
