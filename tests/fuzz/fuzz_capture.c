/* fuzz_capture.c: any bytes as a capture file, through the whole import (but for the tape).
 *
 * What must hold: no crash, no endless loop, and every line is accounted for: a record that cannot be used comes
 * with its line. The file is an anonymous one in memory, reached through /proc, for the reader wants a path. */
#define _GNU_SOURCE /* memfd_create */
#include "cli/import_run.h"
#include "data/capture_reader.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_records(const char *path)
{
    struct capture_reader *reader;
    struct err_text why = {0};
    if (capture_reader_open(&reader, &path, 1, NULL, &why) != ERR_OK) {
        ASSERT(why.text[0] != '\0');
        return;
    }
    for (;;) {
        struct capture_record record;
        err_clear(&why);
        err_t err = capture_reader_next(reader, &record, &why);
        if (err == ERR_END)
            break;
        ASSERT(err == ERR_OK || why.text[0] != '\0');
        ASSERT(err == ERR_OK || err == ERR_SYNTAX || err == ERR_RANGE || err == ERR_TRUNCATED || err == ERR_CORRUPT);
        if (err == ERR_OK && record.kind != CAPTURE_RECONNECT) {
            ASSERT(record.line > 0 && record.text != NULL);
            volatile char last = record.text[record.size + CAPTURE_PADDING - 1]; /* must be readable */
            (void)last;
        }
    }
    capture_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("capture", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    char path[48];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    read_records(path);
    const char *files[] = {path};
    static const enum import_clock clocks[] = {IMPORT_CLOCK_NONE, IMPORT_CLOCK_CONSTANT, IMPORT_CLOCK_DRIFT};
    struct import_options options = {
        .files = files, .file_count = 1, .clock = clocks[size % 3], .scan_bytes = size % 2 == 0 ? 1 : 0};
    struct import_result result;
    struct err_text why = {0};
    err_t err = import_run(&options, &result, &why);
    ASSERT(err == ERR_OK || why.text[0] != '\0');
    if (import_has_result(&result)) {
        for (uint16_t i = 0; i < result.instrument_count; i++) {
            const struct market_stats *stats = &result.instruments[i].stats;
            ASSERT(stats->diffs_seen ==
                   stats->diffs_applied + stats->diffs_buffered + stats->diffs_old + stats->diffs_dropped);
        }
        import_result_free(&result);
    }
    close(fd);
    return 0;
}
