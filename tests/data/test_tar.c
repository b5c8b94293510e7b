/* Headers of archives against tar(1)'s own rules, and archives against damage at every byte. */
#include "data/tar.h"
#include "data/zst_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tar_entry entry_of(const char *name, uint64_t size)
{
    struct tar_entry entry = {.size = size};
    snprintf(entry.name, sizeof(entry.name), "%s", name);
    return entry;
}

Test(tar, a_header_comes_back_as_it_was_written)
{
    static const uint64_t sizes[] = {0, 1, 511, 512, UINT64_C(8589934591), UINT64_C(8589934592), TAR_SIZE_MAX};
    char longest[TAR_NAME_SIZE] = {0};
    memset(longest, 'a', 256);
    longest[155] = '/';
    const char *const names[] = {"run/fills.csv", "x", longest};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        for (size_t j = 0; j < ARRAY_LEN(names); j++) {
            const struct tar_entry wrote = entry_of(names[j], sizes[i]);
            struct tar_entry read;
            uint8_t block[TAR_BLOCK];
            cr_assert_eq(tar_header_write(&wrote, block), ERR_OK, "%s", names[j]);
            cr_assert_eq(tar_header_read(block, &read), ERR_OK);
            cr_assert_str_eq(read.name, wrote.name);
            cr_assert_eq(read.size, wrote.size);
        }
}

Test(tar, names_that_no_slash_parts_and_sizes_beyond_all_are_refused)
{
    char name[TAR_NAME_SIZE] = {0};
    uint8_t block[TAR_BLOCK];
    memset(name, 'a', 101);
    struct tar_entry entry = entry_of(name, 1);
    cr_assert_eq(tar_header_write(&entry, block), ERR_RANGE);
    entry = entry_of("", 1);
    cr_assert_eq(tar_header_write(&entry, block), ERR_RANGE);
    entry = entry_of("x", TAR_SIZE_MAX + 1);
    cr_assert_eq(tar_header_write(&entry, block), ERR_RANGE);
}

Test(tar, a_flipped_bit_anywhere_in_a_header_is_found_or_changes_nothing)
{
    const struct tar_entry wrote = entry_of("run/fills.csv", 12345);
    uint8_t block[TAR_BLOCK];
    cr_assert_eq(tar_header_write(&wrote, block), ERR_OK);
    for (size_t bit = 0; bit < 8 * sizeof(block); bit++) {
        struct tar_entry read;
        block[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (tar_header_read(block, &read) == ERR_OK)
            cr_assert(read.size == wrote.size && strcmp(read.name, wrote.name) == 0, "bit %zu", bit);
        block[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

Test(tar, tar_itself_reads_what_was_written)
{
    if (system("tar --version >/dev/null 2>&1") != 0)
        cr_skip_test("skipped: there is no tar here");
    char path[] = "/tmp/tapedeck-tar.XXXXXX", command[128], line[64] = "";
    const int file = mkstemp(path);
    static const uint8_t end[2 * TAR_BLOCK];
    uint8_t block[TAR_BLOCK], content[TAR_BLOCK] = "hello\n";
    const struct tar_entry entry = entry_of("run/hello.txt", 6);
    cr_assert_eq(tar_header_write(&entry, block), ERR_OK);
    cr_assert(write(file, block, sizeof(block)) == TAR_BLOCK && write(file, content, sizeof(content)) == TAR_BLOCK &&
              write(file, end, sizeof(end)) == (ssize_t)sizeof(end));
    close(file);
    snprintf(command, sizeof(command), "tar -xOf %s run/hello.txt", path);
    FILE *out = popen(command, "r");
    cr_assert_not_null(fgets(line, sizeof(line), out));
    cr_assert_eq(pclose(out), 0);
    cr_assert_str_eq(line, "hello\n");
    unlink(path);
}

/* Read to the end, where the checksum of it all is. ERR_MISMATCH: all is said to be right, and is not. */
static err_t read_all(const char *path, const uint8_t *wanted, size_t size)
{
    struct zst_reader *reader = NULL;
    uint8_t chunk[1000];
    size_t at = 0, got = 1;
    bool same = true;
    err_t err = zst_reader_open(&reader, path, NULL);
    if (err != ERR_OK)
        return err;
    while (err == ERR_OK && got != 0) {
        err = zst_reader_get(reader, chunk, sizeof(chunk), &got, NULL);
        if (err != ERR_OK)
            break;
        same = same && at + got <= size && memcmp(chunk, wanted + at, got) == 0;
        at += got;
    }
    zst_reader_close(reader);
    return err == ERR_OK && (!same || at != size) ? ERR_MISMATCH : err;
}

static void put_file(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    cr_assert(fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

Test(zst_file, a_stream_comes_back_and_damage_never_gives_another_content, .timeout = 60)
{
    char path[64], other[64];
    static uint8_t content[50000], file[60000];
    snprintf(path, sizeof(path), "/tmp/tapedeck-zst-%d.zst", getpid());
    snprintf(other, sizeof(other), "/tmp/tapedeck-zst-%d.bad", getpid());
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t)(i * i >> 7 ^ i % 97);
    struct zst_writer *writer = NULL;
    struct err_text why = {0};
    cr_assert_eq(zst_writer_open(&writer, path, &why), ERR_OK, "%s", why.text);
    for (size_t at = 0; at < sizeof(content); at += 5000)
        cr_assert_eq(zst_writer_put(writer, content + at, 5000, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(zst_writer_close(writer, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(read_all(path, content, sizeof(content)), ERR_OK);
    cr_assert_eq(zst_writer_open(&writer, path, NULL), ERR_EXISTS);
    cr_assert(zst_is_file(path) && !zst_is_file("/dev/null"));

    FILE *in = fopen(path, "rb");
    unsigned flips = 0, found = 0;
    const size_t size = fread(file, 1, sizeof(file), in);
    fclose(in);
    for (size_t at = 0; at < size; at += 1 + size / 400) {
        file[at] ^= 0x10;
        put_file(other, file, size);
        const err_t err = read_all(other, content, sizeof(content));
        cr_assert_neq(err, ERR_MISMATCH, "byte %zu", at);
        flips++;
        found += err != ERR_OK; /* some bits of a frame mean nothing: then the content is what it was */
        file[at] ^= 0x10;
        put_file(other, file, at);
        cr_assert_neq(read_all(other, content, sizeof(content)), ERR_OK, "cut at %zu", at);
    }
    cr_assert(found * 10 >= flips * 9, "%u of %u", found, flips);
    unlink(path);
    unlink(other);
}
