/* capture_scratch.h: small files for the tests of captures, in a folder that goes away with the test. */
#ifndef TAPEDECK_TESTS_DATA_CAPTURE_SCRATCH_H
#define TAPEDECK_TESTS_DATA_CAPTURE_SCRATCH_H

#include "data/capture_reader.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* The text into a new file; returns its path, which the caller frees with scratch_remove. */
static inline char *scratch_write(const void *text, size_t size)
{
    char *path = strdup("/tmp/tapedeck-capture-XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert(write(fd, text, size) == (ssize_t)size);
    close(fd);
    return path;
}

static inline char *scratch_text(const char *text)
{
    return scratch_write(text, strlen(text));
}

/* The text gzipped in memory; the caller frees it. */
static inline unsigned char *scratch_gzip(const void *text, size_t size, size_t *packed_size)
{
    z_stream stream = {0};
    cr_assert(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    size_t room = deflateBound(&stream, size) + 64;
    unsigned char *packed = malloc(room);
    stream.next_in = (unsigned char *)(uintptr_t)text;
    stream.avail_in = (uInt)size;
    stream.next_out = packed;
    stream.avail_out = (uInt)room;
    cr_assert(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    *packed_size = stream.total_out;
    deflateEnd(&stream);
    return packed;
}

static inline void scratch_remove(char *path)
{
    unlink(path);
    free(path);
}

static inline struct capture_reader *scratch_open(const char *const *paths, uint32_t count)
{
    struct capture_reader *reader = NULL;
    struct err_text why = {0};
    err_t err = capture_reader_open(&reader, paths, count, NULL, &why);
    cr_assert(err == ERR_OK, "%s: %s", err_name(err), why.text);
    return reader;
}

/* The next record must be a good one. */
static inline struct capture_record scratch_next(struct capture_reader *reader)
{
    struct capture_record record = {0};
    struct err_text why = {0};
    err_t err = capture_reader_next(reader, &record, &why);
    cr_assert(err == ERR_OK, "%s: %s", err_name(err), why.text);
    return record;
}

static inline bool record_is(const struct capture_record *record, const char *text)
{
    return record->size == strlen(text) && memcmp(record->text, text, record->size) == 0;
}

#endif
