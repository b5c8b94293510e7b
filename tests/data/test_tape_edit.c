/* The check, the repair, the cut and the merge, against tapes of random events and damage at every place. */
#include "tape_fixture.h"

#include "core/book.h"
#include "data/tape_edit.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tape_check_report report;

static uint8_t *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    cr_assert_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void spill(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static const char *temporary(const char *name)
{
    static char paths[8][128];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof(paths[0]), "/tmp/tapedeck-edit-%s-%d.tape", name, (int)getpid());
    unlink(path);
    return path;
}

static err_t check(const char *path)
{
    struct err_text why = {0};
    err_t err = tape_check(path, NULL, &report, &why);
    cr_assert(err == ERR_OK || why.text[0] != '\0');
    return err;
}

/* All events of a tape, compared with the fixture's from `first` on; returns how many. */
static uint32_t compare(const char *path, const struct fixture *fixture, uint32_t first)
{
    struct tape_reader *reader;
    struct err_text why = {0};
    struct tape_block block;
    uint32_t count = 0;
    cr_assert_eq(tape_reader_open(&reader, path, NULL, &why), ERR_OK, "%s", why.text);
    err_t err;
    while ((err = tape_reader_next(reader, &block, &why)) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count; i++, count++)
            cr_assert(fixture_same(&fixture->events[first + count], &block.events[i]));
        tape_reader_release(reader, block.buffer);
    }
    cr_assert_eq(err, ERR_END, "%s", why.text);
    tape_reader_close(reader);
    return count;
}

Test(tape_check, a_whole_tape_has_no_fault)
{
    struct fixture fixture;
    fixture_make(&fixture, 7, 3000, 0);
    const char *path = fixture_write(&fixture, "whole", 256);
    cr_assert_eq(check(path), ERR_OK);
    cr_assert_eq(report.fault_count, 0);
    cr_assert(report.closed);
    cr_assert_eq(report.messages, fixture.count);
    cr_assert_eq(report.prefix.messages, fixture.count);
    cr_assert_eq(report.first_ts, fixture.events[0].ts);
    cr_assert_eq(report.last_ts, fixture.events[fixture.count - 1].ts);
    struct tape_reader *reader;
    cr_assert_eq(tape_reader_open(&reader, path, NULL, NULL), ERR_OK);
    cr_assert_str_eq(report.hash, tape_reader_info(reader)->hash);
    tape_reader_close(reader);
    unlink(path);
    fixture_free(&fixture);
}

Test(tape_check, every_truncation_is_found_and_repaired_to_its_whole_blocks)
{
    struct fixture fixture;
    fixture_make(&fixture, 8, 120, 0);
    const char *path = fixture_write(&fixture, "short", 64), *cut = temporary("cut"), *out = temporary("out");
    size_t size;
    uint8_t *bytes = slurp(path, &size);
    cr_assert_eq(check(path), ERR_OK);
    const uint64_t all_blocks = report.blocks;
    uint64_t least = UINT64_MAX, most = 0;
    spill(cut, bytes, size);
    for (size_t length = size - 1; length >= 128; length--) {
        struct err_text why = {0};
        cr_assert_eq(truncate(cut, (off_t)length), 0);
        cr_assert_eq(check(cut), ERR_OK);
        cr_assert_neq(report.fault_count, 0, "length %zu", length);
        if (length % 97 != 0 && length + 1 != size) /* each repair waits for the disk */
            continue;
        struct tape_edit_options options = {.replace = true};
        err_t err = tape_repair(cut, out, &options, &report, &why);
        cr_assert_neq(report.fault_count, 0, "length %zu", length);
        if (report.prefix.bytes == 0) { /* inside the header */
            cr_assert_eq(err, ERR_CORRUPT, "length %zu", length);
            continue;
        }
        cr_assert_eq(err, ERR_OK, "length %zu: %s", length, why.text);
        const uint64_t blocks = report.prefix.blocks, messages = report.prefix.messages;
        cr_assert_leq(blocks, least);
        least = blocks;
        most = blocks > most ? blocks : most;
        cr_assert_eq(check(out), ERR_OK);
        cr_assert_eq(report.fault_count, 0, "length %zu", length);
        cr_assert_eq(report.blocks, blocks);
        cr_assert_eq(compare(out, &fixture, 0), messages);
    }
    cr_assert_eq(most, all_blocks);
    cr_assert_gt(all_blocks, 2);
    unlink(path);
    unlink(cut);
    unlink(out);
    free(bytes);
    fixture_free(&fixture);
}

Test(tape_check, every_flipped_bit_is_found_and_what_is_good_after_it_is_counted)
{
    struct fixture fixture;
    fixture_make(&fixture, 9, 1500, 0);
    const char *path = fixture_write(&fixture, "flip", 256), *flipped = temporary("flipped");
    size_t size;
    uint8_t *bytes = slurp(path, &size);
    cr_assert_eq(check(path), ERR_OK);
    const uint64_t all = report.blocks;
    struct prng prng;
    prng_init(&prng, 4711, 0);
    spill(flipped, bytes, size);
    int fd = open(flipped, O_WRONLY);
    cr_assert_geq(fd, 0);
    for (int i = 0; i < 1500; i++) {
        size_t at = prng_below(&prng, size);
        uint8_t bit = (uint8_t)(1 << prng_below(&prng, 8));
        uint8_t wrong = bytes[at] ^ bit;
        cr_assert_eq(pwrite(fd, &wrong, 1, (off_t)at), 1);
        err_t err = check(flipped);
        cr_assert_eq(pwrite(fd, &bytes[at], 1, (off_t)at), 1);
        if (err != ERR_OK) {
            cr_assert_lt(at, 128u, "seed 4711, byte %zu: %s", at, err_words(err));
            continue;
        }
        cr_assert_neq(report.fault_count, 0, "seed 4711, byte %zu, bit %d", at, bit);
        /* One flip costs one block, or none (header, index, trailer). A lost seal may cost the chain of the next. */
        cr_assert_leq(report.fault_count, 2, "byte %zu", at);
        if (report.faults[0].kind != TAPE_FAULT_HEADER)
            cr_assert_geq(report.blocks, all - 2, "byte %zu: %llu of %llu", at, (unsigned long long)report.blocks,
                          (unsigned long long)all);
    }
    close(fd);
    unlink(path);
    unlink(flipped);
    free(bytes);
    fixture_free(&fixture);
}

Test(tape_check, a_fault_tells_block_messages_and_time)
{
    struct fixture fixture;
    fixture_make(&fixture, 10, 2000, 0);
    const char *path = fixture_write(&fixture, "tells", 256);
    struct tape_reader *reader;
    struct tape_block block;
    cr_assert_eq(tape_reader_open(&reader, path, NULL, NULL), ERR_OK);
    uint64_t first = 0, count = 0;
    ns_t from = 0, to = 0;
    while (tape_reader_next(reader, &block, NULL) == ERR_OK) {
        if (block.number == 3) {
            first = block.first_message;
            count = block.event_count;
            from = block.events[0].ts;
            to = block.events[count - 1].ts;
        }
        tape_reader_release(reader, block.buffer);
    }
    tape_reader_close(reader);
    struct tape_index index;
    tape_index_init(&index);
    struct tape_check_options options = {.index = &index};
    cr_assert_eq(tape_check(path, &options, &report, NULL), ERR_OK);
    size_t size;
    uint8_t *bytes = slurp(path, &size);
    bytes[index.entries[3].offset + 128 + 20] ^= 1; /* in the frame, after its seal */
    spill(path, bytes, size);
    cr_assert_eq(check(path), ERR_OK);
    cr_assert_eq(report.fault_count, 1);
    const struct tape_fault *fault = &report.faults[0];
    cr_assert_eq(fault->kind, TAPE_FAULT_FRAME);
    cr_assert_eq(fault->offset, index.entries[3].offset);
    cr_assert_eq(fault->block, 3);
    cr_assert_eq(fault->first_message, first);
    cr_assert_eq(fault->message_count, count);
    cr_assert_eq(fault->first_ts, from);
    cr_assert_eq(fault->last_ts, to);
    cr_assert_eq(report.prefix.blocks, 3);
    /* A damaged seal tells the same by its neighbours. */
    bytes[index.entries[3].offset + 128 + 20] ^= 1;
    bytes[index.entries[3].offset + 40] ^= 1;
    spill(path, bytes, size);
    cr_assert_eq(check(path), ERR_OK);
    cr_assert_eq(report.faults[0].kind, TAPE_FAULT_SEAL);
    cr_assert_eq(report.faults[0].block, 3);
    cr_assert_eq(report.faults[0].block_count, 1);
    cr_assert_eq(report.faults[0].first_message, first);
    cr_assert_eq(report.faults[0].message_count, count);
    tape_index_free(&index);
    free(bytes);
    unlink(path);
    fixture_free(&fixture);
}

Test(tape_repair, in_place_keeps_the_damaged_tape_beside_it_and_never_twice)
{
    struct fixture fixture;
    fixture_make(&fixture, 11, 500, 0);
    const char *path = fixture_write(&fixture, "place", 128);
    char backup[160];
    snprintf(backup, sizeof(backup), "%s.bak", path);
    unlink(backup);
    size_t size, kept_size;
    uint8_t *bytes = slurp(path, &size);
    spill(path, bytes, size - 300);
    struct tape_edit_options options = {0};
    struct err_text why = {0};
    cr_assert_eq(tape_repair(path, NULL, &options, &report, &why), ERR_OK, "%s", why.text);
    uint8_t *kept = slurp(backup, &kept_size);
    cr_assert_eq(kept_size, size - 300);
    cr_assert_eq(memcmp(kept, bytes, kept_size), 0);
    cr_assert_eq(check(path), ERR_OK);
    cr_assert_eq(report.fault_count, 0);
    spill(path, bytes, size - 300);
    cr_assert_eq(tape_repair(path, NULL, &options, &report, &why), ERR_EXISTS);
    cr_assert_eq(check(path), ERR_OK);
    cr_assert_neq(report.fault_count, 0, "the tape is as it was");
    unlink(path);
    unlink(backup);
    free(kept);
    free(bytes);
    fixture_free(&fixture);
}

/* ---- cut and merge ---- */

static void make_books(struct book *books, void **memory, const struct instrument *instruments)
{
    for (int i = 0; i < FIXTURE_INSTRUMENTS; i++) {
        size_t size = (book_size(BOOK_WINDOW_MIN, 4096) + 63) / 64 * 64;
        memory[i] = aligned_alloc(64, size);
        memset(memory[i], 0, size);
        book_init(&books[i], memory[i], BOOK_WINDOW_MIN, 4096, &instruments[i]);
    }
}

static void same_levels(const struct book *a, const struct book *b, enum side side)
{
    struct level x, y;
    bool more_a = book_best(a, side, &x), more_b = book_best(b, side, &y);
    while (more_a && more_b) {
        cr_assert_eq(x.price, y.price);
        cr_assert_eq(x.qty, y.qty);
        more_a = book_next(a, side, x.price, &x);
        more_b = book_next(b, side, y.price, &y);
    }
    cr_assert_eq(more_a, more_b);
}

Test(tape_cut, books_of_a_cut_end_as_those_of_the_whole_tape)
{
    struct fixture fixture;
    fixture_make(&fixture, 12, 4000, 0);
    const char *path = fixture_write(&fixture, "cutting", 256), *out = temporary("cutout");
    struct tape_span span = {.from = fixture.events[fixture.count / 2].ts, .to = NS_MAX};
    struct tape_edit_options options = {0};
    struct tape_writer_stats stats;
    struct err_text why = {0};
    cr_assert_eq(tape_cut(path, out, &span, &options, &stats, &why), ERR_OK, "%s", why.text);

    struct book whole[FIXTURE_INSTRUMENTS], cut[FIXTURE_INSTRUMENTS];
    void *memory[2 * FIXTURE_INSTRUMENTS];
    make_books(whole, memory, fixture.instruments);
    make_books(cut, memory + FIXTURE_INSTRUMENTS, fixture.instruments);
    for (uint32_t i = 0; i < fixture.count; i++) {
        if (fixture.events[i].instrument < FIXTURE_INSTRUMENTS)
            book_apply(&whole[fixture.events[i].instrument], &fixture.events[i]);
    }
    struct tape_reader *reader;
    struct tape_block block;
    cr_assert_eq(tape_reader_open(&reader, out, NULL, &why), ERR_OK, "%s", why.text);
    while (tape_reader_next(reader, &block, &why) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count; i++) {
            cr_assert_geq(block.events[i].ts, span.from);
            if (block.events[i].instrument < FIXTURE_INSTRUMENTS)
                book_apply(&cut[block.events[i].instrument], &block.events[i]);
        }
        tape_reader_release(reader, block.buffer);
    }
    tape_reader_close(reader);
    int compared = 0;
    for (int i = 0; i < FIXTURE_INSTRUMENTS; i++) {
        if ((whole[i].flags & BOOK_STALE) != 0)
            continue;
        cr_assert_eq(cut[i].flags, whole[i].flags);
        same_levels(&whole[i], &cut[i], SIDE_BUY);
        same_levels(&whole[i], &cut[i], SIDE_SELL);
        compared++;
    }
    cr_assert_gt(compared, 0, "the fixture must leave a book that can be compared");
    for (int i = 0; i < 2 * FIXTURE_INSTRUMENTS; i++)
        free(memory[i]);
    unlink(path);
    unlink(out);
    fixture_free(&fixture);
}

Test(tape_merge, order_is_time_then_the_tape_named_first)
{
    struct fixture fixture;
    fixture_make(&fixture, 13, 900, 0);
    /* Events dealt out to three tapes by a seeded draw; merged they come back in order of time. */
    const char *paths[3] = {temporary("m0"), temporary("m1"), temporary("m2")}, *out = temporary("merged");
    struct tape_writer *writers[3];
    struct err_text why = {0};
    struct prng prng;
    prng_init(&prng, 5, 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(tape_writer_open(&writers[i], paths[i], fixture.instruments, FIXTURE_INSTRUMENTS, NULL, &why),
                     ERR_OK);
    for (uint32_t i = 0; i < fixture.count; i++)
        cr_assert_eq(tape_writer_add(writers[prng_below(&prng, 3)], &fixture.events[i]), ERR_OK);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(tape_writer_close(writers[i], NULL, &why), ERR_OK);
    struct tape_edit_options options = {0};
    struct tape_writer_stats stats;
    cr_assert_eq(tape_merge(paths, 3, out, &options, &stats, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(stats.messages, fixture.count);

    /* The same by the rule itself: repeatedly the smallest (ts, tape). */
    prng_init(&prng, 5, 0);
    uint8_t *tape_of = malloc(fixture.count);
    bool *used = calloc(fixture.count, sizeof(*used));
    for (uint32_t i = 0; i < fixture.count; i++)
        tape_of[i] = (uint8_t)prng_below(&prng, 3);
    struct tape_reader *reader;
    struct tape_block block;
    cr_assert_eq(tape_reader_open(&reader, out, NULL, &why), ERR_OK);
    while (tape_reader_next(reader, &block, &why) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count; i++) {
            uint32_t best = UINT32_MAX;
            for (uint32_t j = 0; j < fixture.count; j++) {
                if (!used[j] && (best == UINT32_MAX || fixture.events[j].ts < fixture.events[best].ts ||
                                 (fixture.events[j].ts == fixture.events[best].ts && tape_of[j] < tape_of[best])))
                    best = j;
            }
            used[best] = true;
            cr_assert(fixture_same(&fixture.events[best], &block.events[i]));
        }
        tape_reader_release(reader, block.buffer);
    }
    tape_reader_close(reader);
    for (int i = 0; i < 3; i++)
        unlink(paths[i]);
    unlink(out);
    free(tape_of);
    free(used);
    fixture_free(&fixture);
}

Test(tape_merge, instruments_defined_otherwise_are_refused_and_nothing_is_left)
{
    struct instrument a, b;
    cr_assert_eq(instrument_init(&a, "v", "S", "B", "Q", CONTRACT_SPOT, 2, 2), ERR_OK);
    b = a;
    b.lot = 5;
    const char *paths[2] = {temporary("d0"), temporary("d1")}, *out = temporary("dout");
    struct tape_writer *writer;
    struct err_text why = {0};
    cr_assert_eq(tape_writer_open(&writer, paths[0], &a, 1, NULL, &why), ERR_OK);
    cr_assert_eq(tape_writer_close(writer, NULL, &why), ERR_OK);
    cr_assert_eq(tape_writer_open(&writer, paths[1], &b, 1, NULL, &why), ERR_OK);
    cr_assert_eq(tape_writer_close(writer, NULL, &why), ERR_OK);
    struct tape_edit_options options = {0};
    struct tape_writer_stats stats;
    cr_assert_eq(tape_merge(paths, 2, out, &options, &stats, &why), ERR_UNSUPPORTED);
    cr_assert_neq(access(out, F_OK), 0);
    unlink(paths[0]);
    unlink(paths[1]);
}
