/* How long `tapedeck diff --where` takes for two long runs of the market maker that differ in one trade of their
 * tapes. */
#include "bench/bench.h"

#include "cli/diff_find.h"
#include "data/tape_reader.h"
#include "data/tape_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The first trade of the last eighth, a lot larger. */
struct change {
    struct tape_writer *writer;
    uint64_t from, number, changed;
    bool done;
};

static err_t copy_changed(struct change *change, const struct tape_block *block, qty_t lot)
{
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < block->event_count && err == ERR_OK; i++, change->number++) {
        struct event event = block->events[i];
        struct level level;
        if (!change->done && event.kind == EVENT_TRADE && change->number >= change->from) {
            level = event.levels[0];
            level.qty += lot;
            event.levels = &level;
            change->changed = change->number;
            change->done = true;
        }
        err = tape_writer_add(change->writer, &event);
    }
    return err;
}

static err_t make_other(const char *tape, const char *out, uint64_t *changed, struct err_text *why)
{
    struct tape_reader *reader;
    struct tape_block block;
    err_t err = tape_reader_open(&reader, tape, &(struct tape_reader_options){.read_ahead = true}, why);
    if (err != ERR_OK)
        return err;
    const struct tape_info *info = tape_reader_info(reader);
    struct change change = {.from = info->messages / 8 * 7};
    const struct tape_writer_options options = {.source = info->source};
    err = tape_writer_open(&change.writer, out, info->instruments, info->instrument_count, &options, why);
    if (err == ERR_OK) {
        while ((err = tape_reader_next(reader, &block, why)) == ERR_OK) {
            err = copy_changed(&change, &block, info->instruments[0].lot);
            tape_reader_release(reader, block.buffer);
            if (err != ERR_OK)
                break;
        }
        if (err == ERR_END) {
            err = tape_writer_close(change.writer, NULL, why);
        } else {
            (void)err_say(why, err, "%s", tape_writer_why(change.writer)->text);
            tape_writer_abandon(change.writer);
        }
    }
    tape_reader_close(reader);
    *changed = change.changed;
    return err == ERR_OK && !change.done ? err_say(why, ERR_CORRUPT, "%s: has no trade to change", tape) : err;
}

/* A run with a journal, as `tapedeck run` makes it; removed with the side. */
static err_t make_run(struct diff_side *side, char label, const char *config, const char *tape, struct err_text *why)
{
    struct option_list tapes = {0};
    err_t err = option_list_add(&tapes, tape);
    if (err == ERR_OK)
        err = diff_side_open(side, label, config, NULL, &(struct rerun_options){.tapes = &tapes}, why);
    option_list_free(&tapes);
    side->options.tapes = NULL;
    return err;
}

static double elapsed_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static err_t look_once(const char *dir_a, const char *dir_b, uint64_t changed, struct bench_diff *result,
                       struct err_text *why)
{
    static struct diff_side a, b;
    struct diff_found *found = malloc(sizeof(*found));
    if (found == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    *found = (struct diff_found){0};
    const double t0 = elapsed_s();
    err_t err = diff_side_open(&a, 'a', dir_a, NULL, &(struct rerun_options){0}, why);
    if (err == ERR_OK)
        err = diff_side_open(&b, 'b', dir_b, NULL, &(struct rerun_options){0}, why);
    if (err == ERR_OK)
        err = diff_side_journal(&a, why);
    if (err == ERR_OK)
        err = diff_side_journal(&b, why);
    if (err == ERR_OK)
        err = diff_find(&a, &b, &(struct diff_options){.only_where = true}, found, why);
    const double spent = elapsed_s() - t0;
    if (err == ERR_OK && (!found->market.differs || found->market.message != changed || found->market.input_a == 0))
        err = err_say(why, ERR_MISMATCH, "diff names message %" PRIu64 ", and %" PRIu64 " was changed",
                      found->market.message, changed);
    if (err == ERR_OK && (result->seconds == 0 || spent < result->seconds)) {
        *result = (struct bench_diff){.seconds = spent,
                                      .inputs = a.inputs,
                                      .records = a.journal.records,
                                      .blocks = a.journal.blocks,
                                      .blocks_read = a.journal.blocks_read,
                                      .checkpoints = a.inputs / JOURNAL_CHECKPOINT + 1,
                                      .checkpoints_read = a.journal.checkpoints_read,
                                      .messages_decoded = found->market.decoded};
    }
    diff_found_free(found);
    diff_side_close(&a);
    diff_side_close(&b);
    free(found);
    return err;
}

err_t bench_diff(const char *tape, const char *dir, uint64_t events, uint32_t rounds, struct bench_diff *best,
                 struct err_text *why)
{
    static struct diff_side a, b;
    char other[512], longer[512], config[512];
    uint64_t changed;
    const char *one = tape;
    snprintf(other, sizeof(other), "%s/tapedeck-bench-%d-other.tape", dir, (int)getpid());
    snprintf(longer, sizeof(longer), "%s/tapedeck-bench-%d-longer.tape", dir, (int)getpid());
    snprintf(config, sizeof(config), "%s/tapedeck-bench-%d-diff.yaml", dir, (int)getpid());
    *best = (struct bench_diff){0};
    FILE *file = fopen(config, "w");
    if (file == NULL)
        return err_say(why, ERR_IO, "%s: cannot be created", config);
    fputs(bench_maker, file);
    fclose(file);
    err_t err = ERR_OK;
    if (events != 0) {
        err = bench_repeat(tape, longer, events, why);
        one = longer;
    }
    if (err == ERR_OK)
        err = make_other(one, other, &changed, why);
    if (err == ERR_OK)
        err = make_run(&a, 'a', config, one, why);
    if (err == ERR_OK)
        err = make_run(&b, 'b', config, other, why);
    for (uint32_t round = 0; round < rounds && err == ERR_OK; round++)
        err = look_once(a.dir, b.dir, changed, best, why);
    diff_side_close(&a);
    diff_side_close(&b);
    unlink(config);
    unlink(other);
    unlink(longer);
    return err;
}
