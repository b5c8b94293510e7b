/* The small Python reader (tests/tape_reader.py) was written from data/TAPE.md alone: where it and the program agree
 * on every message of random tapes, of every kind of event, the page says what the program does. */
#include "tape_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(const char *command)
{
    fflush(NULL);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void need_python(void)
{
    if (run("/usr/bin/python3 -c 'import msgpack, zstandard' 2>/dev/null") != 0)
        cr_skip_test("no /usr/bin/python3 with msgpack and zstandard");
}

static int compare(const char *path)
{
    char command[1024];
    snprintf(command, sizeof(command),
             "'%s' tape cat '%s' --json | /usr/bin/python3 '%s/tests/tape_reader.py' '%s' --against - >/dev/null",
             TEST_PROGRAM, path, TEST_SOURCE, path);
    return run(command);
}

Test(python_reader, agrees_on_every_message_of_random_tapes)
{
    need_python();
    for (uint64_t seed = 100; seed < 104; seed++)
        for (int style = 0; style <= 1; style++) {
            struct fixture fixture;
            fixture_make(&fixture, seed, 1500, style);
            const char *path = fixture_write(&fixture, "python", seed % 2 == 0 ? 256 : 65536);
            cr_assert_eq(compare(path), 0, "seed %llu style %d", (unsigned long long)seed, style);
            unlink(path);
            fixture_free(&fixture);
        }
}

/* A reader that accepts anything would agree too: a flipped bit must not pass. Each flip starts an interpreter, so
 * there are few; tests of our own reader flip thousands. */
Test(python_reader, finds_flipped_bits)
{
    const uint64_t seed = 7;
    need_python();
    struct fixture fixture;
    fixture_make(&fixture, seed, 300, 1);
    const char *path = fixture_write(&fixture, "python_flip", 256);
    fixture_free(&fixture);

    char command[1024];
    snprintf(command, sizeof(command), "/usr/bin/python3 '%s/tests/tape_reader.py' '%s' >/dev/null 2>&1", TEST_SOURCE,
             path);
    cr_assert_eq(run(command), 0, "the whole tape is read");
    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    struct prng prng;
    prng_init(&prng, seed, 9);
    for (unsigned i = 0; i < 12; i++) {
        long at = i == 0 ? 0 : i == 1 ? size - 1 : (long)prng_below(&prng, (uint64_t)size);
        int bit = 1 << prng_below(&prng, 8);
        fseek(file, at, SEEK_SET);
        int byte = fgetc(file);
        for (int flipped = 1; flipped >= 0; flipped--) { /* flip, read, flip back */
            fseek(file, at, SEEK_SET);
            fputc(flipped ? byte ^ bit : byte, file);
            fflush(file);
            if (flipped)
                cr_assert_eq(run(command), 4, "seed %llu: byte %ld, bit %d passed", (unsigned long long)seed, at,
                             bit);
        }
    }
    fclose(file);
    unlink(path);
}
