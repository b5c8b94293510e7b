/* Journals: what verify finds in them, and that it finds everything. */
#include "cli/journal_compare.h"
#include "cli/rerun.h"
#include "core/prng.h"
#include "data/tape_check.h"
#include "data/tape_index.h"
#include "data/tape_reader.h"
#include "data/tape_writer.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scratch scratch;
static struct ran ran;

#define RUN_YAML                                                                                                     \
    "journal: on\n"                                                                                                  \
    "feed: {synth: {seed: 7, duration: 40s}}\n"                                                                      \
    "venue: {queue: power, queue_exponent: \"2\"}\n"                                                                 \
    "account: {balances: {USDT: \"1000\"}}\n"                                                                        \
    "strategy: {name: grid, params: {levels: 4, spacing: 3, half_spread: 1, size: \"0.5\", position_max: \"5\"}}\n"

static void setup(void)
{
    scratch_begin(&scratch);
    scratch_write(&scratch, "run.yaml", RUN_YAML);
    run_program(&scratch, &ran, "run run.yaml --out run -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(verify, .init = setup, .fini = teardown);

Test(verify, a_run_is_identical_to_itself)
{
    run_program(&scratch, &ran, "verify run");
    cr_expect_eq(ran.code, 0, "%s", ran.err);
    cr_expect_not_null(strstr(ran.out, "identical, digest"), "%s", ran.out);
    cr_expect_not_null(strstr(ran.out, "records of the journal"), "%s", ran.out);
    run_program(&scratch, &ran, "verify run --json");
    cr_expect_not_null(strstr(ran.out, "\"verdict\": \"identical\""), "%s", ran.out);
}

Test(verify, a_journal_changes_no_digest)
{
    char one[33], two[33];
    run_program(&scratch, &ran, "run run.yaml --no-output --set journal=off --json -q");
    sscanf(strstr(ran.out, "\"digest\": \"") + 11, "%32[0-9a-f]", one);
    run_program(&scratch, &ran, "verify run --json");
    sscanf(strstr(ran.out, "\"digest\": \"") + 11, "%32[0-9a-f]", two);
    cr_expect_str_eq(one, two);
}

Test(verify, a_changed_constant_is_found_where_it_shows_first)
{
    run_program(&scratch, &ran, "verify run"); /* before */
    cr_assert_eq(ran.code, 0);
    size_t size;
    char *config = scratch_read(scratch_path(&scratch, "run/config.yaml"), &size);
    char *skew = strstr(config, "size: \"0.5\"");
    if (skew == NULL)
        skew = strstr(config, "size: 0.5");
    cr_assert_not_null(skew, "%s", config);
    *strchr(skew, '5') = '4';
    scratch_write(&scratch, "run/config.yaml", config);
    free(config);
    run_program(&scratch, &ran, "verify run");
    cr_expect_eq(ran.code, 1, "%s%s", ran.out, ran.err);
    cr_expect_not_null(strstr(ran.out, "DIFFERS at record 0 of its journal"), "%s", ran.out);
    cr_expect_not_null(strstr(ran.out, "  then  0  "), "%s", ran.out);
    cr_expect_not_null(strstr(ran.out, "  now   0  "), "%s", ran.out);
}

Test(verify, a_journal_that_is_gone_is_missed)
{
    remove(scratch_path(&scratch, "run/journal.tape"));
    run_program(&scratch, &ran, "verify run");
    cr_expect_eq(ran.code, 5, "%d %s", ran.code, ran.err);
}

/* ---- damage ---- */

Test(verify, a_flipped_bit_anywhere_names_its_block)
{
    char copy[512], own[512];
    run_program(&scratch, &ran, "run run.yaml --out long -q --set feed.synth.duration=5m");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    snprintf(own, sizeof(own), "%s", scratch_path(&scratch, "long/journal.tape"));
    snprintf(copy, sizeof(copy), "%s", scratch_path(&scratch, "flipped.tape"));
    size_t size;
    char *bytes = scratch_read(own, &size);
    struct tape_index index;
    struct tape_check_report *report = malloc(sizeof(*report));
    const struct tape_check_options options = {.index = &index};
    tape_index_init(&index);
    cr_assert_eq(tape_check(own, &options, report, NULL), ERR_OK);
    cr_assert_eq(report->fault_count, 0);
    cr_assert_gt(index.count, 1, "more blocks than one are wanted");
    const uint64_t blocks_end = report->prefix.bytes;
    const uint64_t seed = 20241108;
    struct prng prng;
    prng_init(&prng, seed, 0);
    for (int round = 0; round < 1000; round++) {
        const uint64_t bit = prng_below(&prng, size * 8);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        FILE *file = fopen(copy, "w");
        cr_assert_eq(fwrite(bytes, 1, size, file), size);
        fclose(file);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        const err_t err = tape_check(copy, NULL, report, NULL);
        if (bit / 8 < index.entries[0].offset) { /* the header */
            cr_assert(err != ERR_OK || report->fault_count > 0, "seed %" PRIu64 " bit %" PRIu64, seed, bit);
            continue;
        }
        cr_assert_eq(err, ERR_OK);
        cr_assert_gt(report->fault_count, 0, "seed %" PRIu64 " bit %" PRIu64, seed, bit);
        if (bit / 8 >= blocks_end)
            continue; /* index and trailer: no record is lost, and it is said */
        uint32_t block = 0;
        while (block + 1 < index.count && index.entries[block + 1].offset <= bit / 8)
            block++;
        cr_assert_eq(report->faults[0].block, block, "bit %" PRIu64 ": %" PRIu64, bit, report->faults[0].block);
        cr_assert_eq(report->faults[0].first_message, index.entries[block].first_message);
        cr_assert_neq(report->faults[0].message_count, 0);
    }
    /* and the program tells it */
    const uint64_t at = index.entries[1].offset + 300;
    bytes[at] ^= 4;
    FILE *file = fopen(own, "w");
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
    run_program(&scratch, &ran, "verify long");
    cr_expect_eq(ran.code, 4, "%s", ran.out);
    cr_expect_not_null(strstr(ran.out, "block 1: records 4096 to "), "%s", ran.out);
    tape_index_free(&index);
    free(report);
    free(bytes);
}

/* ---- forgery: a changed record in a journal whose checksums and chain are right again ---- */

struct records {
    struct journal_entry *entries;
    uint64_t count;
    struct instrument instruments[4];
    uint16_t instrument_count;
};

static void load(struct records *records, const char *path)
{
    struct tape_reader *reader;
    struct tape_block block;
    cr_assert_eq(tape_reader_open(&reader, path, NULL, NULL), ERR_OK);
    const struct tape_info *info = tape_reader_info(reader);
    records->instrument_count = info->instrument_count;
    memcpy(records->instruments, info->instruments, info->instrument_count * sizeof(*info->instruments));
    records->entries = calloc(info->messages, sizeof(*records->entries));
    while (tape_reader_next(reader, &block, NULL) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count; i++) {
            struct journal_entry *entry = &records->entries[records->count++];
            entry->event = block.events[i];
            if (entry->event.body != NULL)
                memcpy(entry->body, entry->event.body, sizeof(entry->body));
            entry->event.body = entry->body;
        }
        tape_reader_release(reader, block.buffer);
    }
    tape_reader_close(reader);
}

static void save(const struct records *records, const char *path, uint64_t left_out)
{
    struct tape_writer *writer;
    const struct tape_writer_options options = {.block_levels = 4096};
    cr_assert_eq(tape_writer_open(&writer, path, records->instruments, records->instrument_count, &options, NULL),
                 ERR_OK);
    for (uint64_t i = 0; i < records->count; i++)
        if (i != left_out)
            cr_assert_eq(tape_writer_add(writer, &records->entries[i].event), ERR_OK);
    cr_assert_eq(tape_writer_close(writer, NULL, NULL), ERR_OK);
}

/* One field of a record, told. */
static const char *forge(struct prng *prng, struct journal_entry *entry)
{
    struct execution *execution = (struct execution *)(void *)entry->body;
    struct event_output *output = (struct event_output *)(void *)entry->body;
    uint64_t *words = (uint64_t *)(void *)entry->body;
    const uint64_t bit = UINT64_C(1) << prng_below(prng, 30);
    switch (entry->event.kind) {
    case EVENT_EXECUTION:
        switch (prng_below(prng, 7)) {
        case 0:
            execution->price ^= (px_t)bit;
            return "price";
        case 1:
            execution->qty ^= (qty_t)bit;
            return "quantity";
        case 2:
            execution->order_id ^= bit;
            return "order";
        case 3:
            execution->fee ^= (money_t)bit;
            return "fee";
        case 4:
            execution->venue_ts ^= (ns_t)bit;
            return "venue_ts";
        case 5:
            execution->maker ^= 1;
            return "maker";
        default:
            execution->kind = (uint8_t)((execution->kind + 1) % 8);
            return "kind";
        }
    case EVENT_OUTPUT:
        switch (prng_below(prng, 5)) {
        case 0:
            output->price ^= (px_t)bit;
            return "price";
        case 1:
            output->qty ^= (qty_t)bit;
            return "quantity";
        case 2:
            output->order_id ^= bit;
            return "order";
        case 3:
            output->detail ^= bit;
            return "detail";
        default:
            entry->event.seq ^= bit;
            return "input";
        }
    default:
        words[prng_below(prng, 8)] ^= bit;
        return "digest";
    }
}

static struct journal_difference compare(const char *path, uint64_t *records)
{
    struct rerun *rerun;
    struct journal_compare *compare;
    struct err_text why = {0};
    char dir[512];
    snprintf(dir, sizeof(dir), "%s", scratch_path(&scratch, "run"));
    cr_assert_eq(rerun_open(&rerun, dir, &(struct rerun_options){0}, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(journal_compare_open(&compare, path, &why), ERR_OK, "%s", why.text);
    const struct stage_watch watch = {.journal = journal_compare_journal(compare)};
    cr_assert_eq(rerun_stage(rerun, NULL, &watch, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(rerun_start(rerun, &why), ERR_OK);
    err_t err = ERR_OK;
    while (err == ERR_OK && !journal_compare_differs(compare))
        err = rerun_advance(rerun, 4096, &why);
    if (!journal_compare_differs(compare)) {
        cr_assert_eq(rerun_finish(rerun, &why), ERR_OK, "%s", why.text);
        cr_assert_eq(journal_compare_finish(compare, true, &why), ERR_OK, "%s", why.text);
    }
    const struct journal_difference difference = *journal_compare_difference(compare);
    *records = journal_compare_records(compare);
    journal_compare_close(compare);
    rerun_close(rerun);
    return difference;
}

static unsigned rounds(void)
{
    const char *text = getenv("TAPEDECK_FORGERIES");
    return text != NULL ? (unsigned)atoi(text) : 100;
}

Test(verify, a_forged_record_is_named_exactly, .timeout = 600)
{
    char path[512];
    struct records records = {0};
    const uint64_t seed = 8;
    struct prng prng;
    uint64_t same;
    prng_init(&prng, seed, 0);
    snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "run/journal.tape"));
    load(&records, path);
    cr_assert_gt(records.count, 100);
    snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "forged.tape"));
    save(&records, path, UINT64_MAX);
    cr_assert_eq(compare(path, &same).verdict, JOURNAL_SAME, "rewritten and not changed");
    cr_assert_eq(same, records.count);
    const unsigned count = rounds();
    for (unsigned round = 0; round < count; round++) {
        const uint64_t at = prng_below(&prng, records.count);
        const struct journal_entry saved = records.entries[at];
        const bool drop = prng_below(&prng, 10) == 0;
        const char *what = drop ? "left out" : forge(&prng, &records.entries[at]);
        save(&records, path, drop ? at : UINT64_MAX);
        const struct journal_difference difference = compare(path, &same);
        memcpy(records.entries[at].body, saved.body, sizeof(saved.body));
        records.entries[at].event = saved.event;
        cr_assert_eq(difference.verdict, drop && at == records.count - 1 ? JOURNAL_ENDS : JOURNAL_DIFFERS,
                     "seed %" PRIu64 " round %u: %s of record %" PRIu64, seed, round, what, at);
        cr_assert_eq(same, at, "seed %" PRIu64 " round %u: %s of record %" PRIu64 " found at %" PRIu64, seed, round,
                     what, at, same);
        cr_assert_eq(difference.now.number, at);
    }
    free(records.entries);
}
