#include "tape_fixture.h"

#include "data/tape_block.h"
#include "data/tape_stream.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

/* Read the whole tape and compare with the first events of the fixture; returns how many were read. */
static uint32_t read_and_compare(const char *path, const struct fixture *fixture, bool read_ahead, err_t *end)
{
    struct tape_reader *reader;
    struct err_text why = {0};
    const struct tape_reader_options options = {.read_ahead = read_ahead};
    err_t err = tape_reader_open(&reader, path, &options, &why);
    *end = err;
    if (err != ERR_OK)
        return 0;
    uint32_t count = 0;
    struct tape_block block;
    while ((err = tape_reader_next(reader, &block, &why)) == ERR_OK) {
        cr_assert_eq(block.first_message, count);
        for (uint32_t i = 0; i < block.event_count; i++, count++) {
            cr_assert_lt(count, fixture->count);
            cr_assert(fixture_same(&fixture->events[count], &block.events[i]), "event %u", count);
        }
        tape_reader_release(reader, block.buffer);
    }
    cr_assert(err == ERR_END || why.text[0] != '\0', "a failure without a sentence");
    tape_reader_close(reader);
    *end = err;
    return count;
}

static void round_trip(uint64_t seed, uint32_t count, int style, uint32_t block_levels, bool portable,
                       bool read_ahead)
{
    struct fixture fixture;
    fixture_make(&fixture, seed, count, style);
    const char *path = fixture_write(&fixture, "round", block_levels);
    tape_stream_force_portable(portable);
    err_t end;
    uint32_t read = read_and_compare(path, &fixture, read_ahead, &end);
    tape_stream_force_portable(false);
    cr_assert_eq(end, ERR_END, "seed %llu", (unsigned long long)seed);
    cr_assert_eq(read, count);
    unlink(path);
    fixture_free(&fixture);
}

Test(tape, every_event_comes_back_as_it_was_written)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        round_trip(seed, 3000, 0, 256, false, false);
        round_trip(seed, 3000, 0, 65536, false, false);
        round_trip(seed, 3000, 1, 1024, false, false);
    }
}

Test(tape, portable_loops_and_shuffles_decode_the_same)
{
    for (uint64_t seed = 20; seed <= 24; seed++) {
        round_trip(seed, 3000, 0, 4096, true, false);
        round_trip(seed, 3000, 1, 4096, true, false);
    }
}

Test(tape, read_ahead_gives_the_same_blocks)
{
    round_trip(31, 20000, 0, 256, false, true);
    round_trip(32, 20000, 1, 512, false, true);
}

Test(tape, an_empty_tape_is_a_tape)
{
    round_trip(1, 0, 0, 256, false, false);
}

Test(tape, a_message_larger_than_a_block_is_kept_whole)
{
    struct fixture fixture;
    fixture_make(&fixture, 1, 1, 0);
    struct level *levels = calloc(100000, sizeof(*levels));
    for (int i = 0; i < 100000; i++)
        levels[i] = (struct level){i, i + 1};
    fixture.events[0] = (struct event){.ts = 5, .kind = EVENT_BOOK_SNAPSHOT, .levels = levels, .bid_count = 100000};
    const char *path = fixture_write(&fixture, "large", 64);
    err_t end;
    cr_assert_eq(read_and_compare(path, &fixture, false, &end), 1);
    cr_assert_eq(end, ERR_END);
    unlink(path);
    free(levels);
    fixture_free(&fixture);
}

static uint8_t *load_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size);
    cr_assert_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void save_file(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

Test(tape, a_cut_at_any_byte_keeps_the_blocks_before_it_and_is_noticed)
{
    struct fixture fixture;
    fixture_make(&fixture, 5, 120, 0);
    char path[160];
    snprintf(path, sizeof(path), "%s", fixture_write(&fixture, "cut", 64));
    size_t size;
    uint8_t *bytes = load_file(path, &size);
    uint32_t before = 0;
    for (size_t cut = 0; cut < size; cut++) {
        save_file(path, bytes, cut);
        err_t end;
        uint32_t read = read_and_compare(path, &fixture, false, &end);
        cr_assert(end == ERR_TRUNCATED, "cut at %zu of %zu: %s", cut, size, err_name(end));
        cr_assert(read >= before, "cut at %zu: fewer events than with a shorter file", cut);
        before = read;
    }
    cr_assert_eq(before, fixture.count, "the whole of the blocks is there before the index is");
    free(bytes);
    unlink(path);
    fixture_free(&fixture);
}

Test(tape, no_flipped_bit_goes_unnoticed)
{
    struct fixture fixture;
    fixture_make(&fixture, 6, 400, 0);
    char path[160];
    snprintf(path, sizeof(path), "%s", fixture_write(&fixture, "flip", 256));
    size_t size;
    uint8_t *bytes = load_file(path, &size);
    struct prng prng;
    prng_init(&prng, 1, 1);
    int fd = open(path, O_RDWR);
    for (int i = 0; i < 10000; i++) {
        uint64_t bit = prng_below(&prng, size * 8);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        cr_assert_eq(pwrite(fd, &bytes[bit / 8], 1, (off_t)(bit / 8)), 1);
        err_t end;
        /* events before the damage must still be right: read_and_compare asserts that */
        read_and_compare(path, &fixture, false, &end);
        cr_assert(end != ERR_END && end != ERR_OK, "seed 1, flip %d: bit %llu of %zu bytes was not noticed", i,
                  (unsigned long long)bit, size);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        cr_assert_eq(pwrite(fd, &bytes[bit / 8], 1, (off_t)(bit / 8)), 1);
    }
    close(fd);
    free(bytes);
    unlink(path);
    fixture_free(&fixture);
}

Test(tape, bytes_after_the_trailer_are_noticed)
{
    struct fixture fixture;
    fixture_make(&fixture, 6, 100, 0);
    const char *path = fixture_write(&fixture, "after", 256);
    FILE *file = fopen(path, "ab");
    fputc('x', file);
    fclose(file);
    err_t end;
    read_and_compare(path, &fixture, false, &end);
    cr_assert_eq(end, ERR_CORRUPT);
    unlink(path);
    fixture_free(&fixture);
}

Test(tape, a_foreign_or_empty_file_is_refused_with_a_sentence)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/tapedeck-foreign-%d", (int)getpid());
    static const char *const contents[] = {
        "", "x", "1723161255030314667 {\"stream\":\"btcusdt@depth\"}\n",
        ("\x5d\x2a\x4d\x18 but nothing like a seal after it ......................"
         "...........................................................................")};
    static const err_t expected[] = {ERR_TRUNCATED, ERR_CORRUPT, ERR_CORRUPT, ERR_CORRUPT};
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        save_file(path, (const uint8_t *)contents[i], strlen(contents[i]));
        struct tape_reader *reader;
        struct err_text why = {0};
        cr_assert_eq(tape_reader_open(&reader, path, NULL, &why), expected[i], "%zu: %s", i, why.text);
        cr_assert(strstr(why.text, path) != NULL);
    }
    unlink(path);
    struct tape_reader *reader;
    struct err_text why = {0};
    cr_assert_eq(tape_reader_open(&reader, path, NULL, &why), ERR_NOTFOUND);
    err_clear(&why);
    cr_assert_eq(tape_reader_open(&reader, "/tmp", NULL, &why), ERR_UNSUPPORTED);
}

Test(tape, seeks_find_the_block_by_time_and_by_message)
{
    struct fixture fixture;
    fixture_make(&fixture, 9, 5000, 0);
    const char *path = fixture_write(&fixture, "seek", 256);
    struct err_text why = {0};
    struct prng prng;
    prng_init(&prng, 3, 3);
    for (int ahead = 0; ahead < 2; ahead++) {
        struct tape_reader *reader;
        const struct tape_reader_options options = {.read_ahead = ahead};
        cr_assert_eq(tape_reader_open(&reader, path, &options, &why), ERR_OK);
        for (int i = 0; i < 200; i++) {
            uint32_t target = (uint32_t)prng_below(&prng, fixture.count);
            struct tape_block block;
            if (i % 2 == 0) {
                cr_assert_eq(tape_reader_seek_message(reader, target, &why), ERR_OK, "%s", why.text);
                cr_assert_eq(tape_reader_next(reader, &block, &why), ERR_OK, "%s", why.text);
                cr_assert(block.first_message <= target && target < block.first_message + block.event_count);
            } else {
                ns_t ts = fixture.events[target].ts + (ns_t)prng_below(&prng, 2);
                uint32_t first = 0;
                while (first < fixture.count && fixture.events[first].ts < ts)
                    first++;
                err_t err = tape_reader_seek_ts(reader, ts, &why);
                cr_assert_eq(err, first == fixture.count ? ERR_END : ERR_OK);
                if (err != ERR_OK)
                    continue;
                cr_assert_eq(tape_reader_next(reader, &block, &why), ERR_OK, "%s", why.text);
                cr_assert(block.first_message <= first && first < block.first_message + block.event_count,
                          "message %u is not in the block of %llu", first, (unsigned long long)block.first_message);
            }
            for (uint32_t e = 0; e < block.event_count; e++)
                cr_assert(fixture_same(&fixture.events[block.first_message + e], &block.events[e]));
            tape_reader_release(reader, block.buffer);
        }
        tape_reader_close(reader);
    }
    unlink(path);
    fixture_free(&fixture);
}

Test(tape, held_blocks_stay_whole_and_the_reader_says_when_it_has_no_more)
{
    struct fixture fixture;
    fixture_make(&fixture, 9, 3000, 0);
    const char *path = fixture_write(&fixture, "hold", 256);
    for (int ahead = 0; ahead < 2; ahead++) {
        struct tape_reader *reader;
        struct err_text why = {0};
        const struct tape_reader_options options = {.buffers = 3, .read_ahead = ahead};
        cr_assert_eq(tape_reader_open(&reader, path, &options, &why), ERR_OK);
        struct tape_block held[3], more;
        for (int i = 0; i < 3; i++)
            cr_assert_eq(tape_reader_next(reader, &held[i], &why), ERR_OK);
        cr_assert_eq(tape_reader_next(reader, &more, &why), ERR_FULL);
        for (int i = 0; i < 3; i++)
            for (uint32_t e = 0; e < held[i].event_count; e++)
                cr_assert(fixture_same(&fixture.events[held[i].first_message + e], &held[i].events[e]));
        tape_reader_release(reader, held[1].buffer);
        cr_assert_eq(tape_reader_next(reader, &more, &why), ERR_OK);
        cr_assert_eq(more.first_message, held[2].first_message + held[2].event_count);
        tape_reader_close(reader);
    }
    unlink(path);
    fixture_free(&fixture);
}

Test(tape, what_a_tape_cannot_hold_is_refused_and_changes_nothing)
{
    struct fixture fixture;
    fixture_make(&fixture, 2, 1, 0);
    struct level level = {100, -1};
    struct tape_writer *writer;
    struct err_text why = {0};
    char path[64];
    snprintf(path, sizeof(path), "/tmp/tapedeck-refuse-%d.tape", (int)getpid());
    cr_assert_eq(tape_writer_open(&writer, path, fixture.instruments, 1, NULL, &why), ERR_OK);
    struct event trade = {.ts = 100, .kind = EVENT_TRADE, .levels = &level, .bid_count = 1};
    cr_assert_eq(tape_writer_add(writer, &trade), ERR_RANGE, "a negative quantity");
    level.qty = 1;
    trade.instrument = 1;
    cr_assert_eq(tape_writer_add(writer, &trade), ERR_RANGE, "an instrument that the header does not name");
    trade.instrument = 0;
    trade.ask_count = 1;
    cr_assert_eq(tape_writer_add(writer, &trade), ERR_RANGE, "a trade of two levels");
    trade.ask_count = 0;
    cr_assert_eq(tape_writer_add(writer, &trade), ERR_OK);
    trade.ts = 99;
    cr_assert_eq(tape_writer_add(writer, &trade), ERR_ORDER, "time that falls");
    cr_assert_eq(tape_writer_flush(writer), ERR_OK);
    cr_assert_eq(tape_writer_add(writer, &trade), ERR_ORDER, "time that falls below the block before");
    struct tape_writer_stats stats;
    cr_assert_eq(tape_writer_close(writer, &stats, &why), ERR_OK);
    cr_assert_eq(stats.messages, 1);
    unlink(path);
    fixture_free(&fixture);
}

Test(tape, a_disk_that_fills_leaves_a_tape_of_whole_blocks)
{
    struct fixture fixture;
    fixture_make(&fixture, 3, 4000, 0);
    signal(SIGXFSZ, SIG_IGN);
    char path[64];
    snprintf(path, sizeof(path), "/tmp/tapedeck-full-%d.tape", (int)getpid());
    for (rlim_t limit = 20; limit < 60000; limit += 3001) {
        struct rlimit rlimit = {limit, RLIM_INFINITY};
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &rlimit), 0);
        struct tape_writer *writer;
        struct err_text why = {0};
        const struct tape_writer_options options = {.block_levels = 256};
        err_t err = tape_writer_open(&writer, path, fixture.instruments, FIXTURE_INSTRUMENTS, &options, &why);
        if (err == ERR_OK) {
            uint32_t written = 0;
            while (written < fixture.count && (err = tape_writer_add(writer, &fixture.events[written])) == ERR_OK)
                written++;
            err_t sticky = tape_writer_flush(writer);
            cr_assert_eq(sticky, err, "a writer that failed stays failed");
            cr_assert(tape_writer_why(writer)->text[0] != '\0');
            tape_writer_abandon(writer);
        }
        cr_assert_eq(err, ERR_NOSPACE, "limit %lu: %s", (unsigned long)limit, err_name(err));
        struct stat status;
        cr_assert_eq(stat(path, &status), 0);
        cr_assert((rlim_t)status.st_size <= limit);
        err_t end;
        read_and_compare(path, &fixture, false, &end);
        cr_assert_eq(end, ERR_TRUNCATED);
    }
    unlink(path);
    fixture_free(&fixture);
}

Test(tape, time_flush_writes_a_block_before_it_is_full)
{
    struct fixture fixture;
    fixture_make(&fixture, 3, 2, 0);
    struct tape_writer *writer;
    struct err_text why = {0};
    char path[64];
    snprintf(path, sizeof(path), "/tmp/tapedeck-flush-%d.tape", (int)getpid());
    const struct tape_writer_options options = {.flush_ns = NS_PER_S};
    cr_assert_eq(tape_writer_open(&writer, path, fixture.instruments, 1, &options, &why), ERR_OK);
    struct event tick = {.kind = EVENT_TICK, .instrument = INSTRUMENT_NONE};
    for (int i = 0; i < 10; i++) {
        tick.ts = i * (NS_PER_S / 2);
        cr_assert_eq(tape_writer_add(writer, &tick), ERR_OK);
    }
    cr_assert_eq(tape_writer_stats(writer)->blocks, 4, "events of 0 to 3.5 s are on disk in blocks of a second");
    cr_assert_eq(tape_writer_close(writer, NULL, &why), ERR_OK);
    unlink(path);
    fixture_free(&fixture);
}

Test(tape, the_map_renumbers_instruments)
{
    struct fixture fixture;
    fixture_make(&fixture, 4, 500, 0);
    const char *path = fixture_write(&fixture, "map", 256);
    struct tape_reader *reader;
    struct err_text why = {0};
    cr_assert_eq(tape_reader_open(&reader, path, NULL, &why), ERR_OK);
    const uint16_t map[FIXTURE_INSTRUMENTS] = {7, INSTRUMENT_NONE, 5};
    cr_assert_eq(tape_reader_map(reader, map, 3), ERR_OK);
    struct tape_block block;
    while (tape_reader_next(reader, &block, &why) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count; i++) {
            const struct event *was = &fixture.events[block.first_message + i];
            uint16_t expected = was->instrument == INSTRUMENT_NONE ? INSTRUMENT_NONE : map[was->instrument];
            cr_assert_eq(block.events[i].instrument, expected);
            cr_assert_eq(block.events[i].lane, 3);
        }
        tape_reader_release(reader, block.buffer);
    }
    tape_reader_close(reader);
    unlink(path);
    fixture_free(&fixture);
}

Test(tape_stream, numbers_of_every_size_come_back)
{
    struct prng prng;
    prng_init(&prng, 11, 1);
    for (int round = 0; round < 2000; round++) {
        uint64_t numbers[100], back[100 + TAPE_STREAM_SPARE];
        uint8_t bytes[2048] = {0};
        size_t count = prng_below(&prng, 100);
        unsigned bits = (unsigned)prng_below(&prng, 65);
        for (size_t i = 0; i < count; i++)
            numbers[i] = bits == 0 ? 0 : prng_next(&prng) >> (64 - bits);
        size_t size = count == 0 ? 0 : tape_stream_encode(numbers, count, round % 2, bytes);
        cr_assert(size <= tape_stream_bound(count));
        cr_assert_eq(tape_stream_decode(bytes, size, back, count), ERR_OK);
        cr_assert_eq(memcmp(numbers, back, count * sizeof(*numbers)), 0, "seed 11, round %d", round);
        if (size > 0)
            cr_assert_neq(tape_stream_decode(bytes, size - 1, back, count), ERR_OK, "one byte short");
        cr_assert_neq(tape_stream_decode(bytes, size + 1, back, count), count == 0 && size == 0 ? ERR_END : ERR_OK);
    }
}
