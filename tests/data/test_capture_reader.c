#include "capture_scratch.h"
#include "data/capture_form.h"

Test(capture, stamps_of_every_unit_become_nanoseconds)
{
    static const struct {
        const char *text;
        ns_t ts;
        size_t used;
    } cases[] = {
        {"1723161256172216566 {", 1723161256172216566, 19},
        {"1721749182850494 {", 1721749182850494000, 16},
        {"1744588799938,", 1744588799938000000, 13},
        {"1633998512.0633569: ", 1633998512063356900, 18},
        {"1633998512", 1633998512000000000, 10},
        {"1633998512.0000000019", 1633998512000000001, 21},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ns_t ts = 0;
        size_t used = 0;
        cr_assert(capture_stamp_parse(cases[i].text, strlen(cases[i].text), &ts, &used) == ERR_OK, "%s",
                  cases[i].text);
        cr_assert_eq(ts, cases[i].ts, "%s", cases[i].text);
        cr_assert_eq(used, cases[i].used, "%s", cases[i].text);
    }
}

Test(capture, what_is_no_stamp_is_refused)
{
    static const struct {
        const char *text;
        err_t err;
    } cases[] = {
        {"", ERR_SYNTAX},
        {"x", ERR_SYNTAX},
        {"-1723161256", ERR_SYNTAX},
        {"12", ERR_RANGE},
        {"1633998512.", ERR_SYNTAX},
        {"99999999999999999999", ERR_RANGE},
        {"9999999999999999999", ERR_RANGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ns_t ts = 0;
        size_t used = 0;
        cr_assert_eq(capture_stamp_parse(cases[i].text, strlen(cases[i].text), &ts, &used), cases[i].err, "%s",
                     cases[i].text);
    }
}

Test(capture, stamped_lines_give_frames_and_depth_answers)
{
    char *path = scratch_text("1723161256172216566 {\"e\":\"trade\"}\r\n"
                              "\n"
                              "1723161256172 \t {\"lastUpdateId\": 1}\n"
                              "1723161256.5 {\"stream\":\"x\"}");
    const char *paths[] = {path};
    struct capture_reader *reader = scratch_open(paths, 1);
    struct capture_record record = scratch_next(reader);
    cr_assert(record_is(&record, "{\"e\":\"trade\"}"));
    cr_assert_eq(record.ts, 1723161256172216566);
    cr_assert_eq(record.kind, CAPTURE_FRAME);
    cr_assert_eq(record.line, 1);
    record = scratch_next(reader);
    cr_assert_eq(record.kind, CAPTURE_SNAPSHOT);
    cr_assert_eq(record.line, 3);
    record = scratch_next(reader);
    cr_assert_eq(record.line, 4);
    struct err_text why = {0};
    cr_assert_eq(capture_reader_next(reader, &record, &why), ERR_END);
    cr_assert_eq(capture_reader_next(reader, &record, &why), ERR_END);
    cr_assert_str_eq(capture_reader_file(reader, 0)->form, "stamped");
    capture_reader_close(reader);
    scratch_remove(path);
}

Test(capture, a_bad_line_is_reported_with_its_number_and_reading_goes_on)
{
    char *path = scratch_text("1723161256172216566 {\"a\":1}\n"
                              "garbage\n"
                              "17 {}\n"
                              "1723161256172216567 \n"
                              "1723161256172216568 {\"b\":1}\n");
    const char *paths[] = {path};
    struct capture_reader *reader = scratch_open(paths, 1);
    struct capture_record record = scratch_next(reader);
    static const struct {
        err_t err;
        const char *part;
    } bad[] = {
        {ERR_SYNTAX, ":2: not of the form"}, {ERR_RANGE, ":3: its stamp"}, {ERR_SYNTAX, ":4: a stamp without"}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err_text why = {0};
        cr_assert_eq(capture_reader_next(reader, &record, &why), bad[i].err);
        cr_assert_eq(record.line, i + 2);
        cr_assert(strstr(why.text, bad[i].part) != NULL, "%s", why.text);
    }
    record = scratch_next(reader);
    cr_assert(record_is(&record, "{\"b\":1}"));
    capture_reader_close(reader);
    scratch_remove(path);
}

Test(capture, files_are_merged_by_stamp_and_ties_go_by_the_command_line)
{
    char *a =
        scratch_text("1723161256000000001 {\"a\":1}\n1723161256000000005 {\"a\":5}\n1723161256000000009 {\"a\":9}\n");
    char *b = scratch_text("1723161256000000005 {\"b\":5}\n1723161256000000006 {\"b\":6}\n");
    char *c = scratch_text("1723161256000000000 {\"c\":0}\n");
    const char *paths[] = {b, a, c};
    struct capture_reader *reader = scratch_open(paths, 3);
    static const char *const expected[] = {"{\"c\":0}", "{\"a\":1}", "{\"b\":5}",
                                           "{\"a\":5}", "{\"b\":6}", "{\"a\":9}"};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        struct capture_record record = scratch_next(reader);
        cr_assert(record_is(&record, expected[i]), "%zu: %.*s", i, (int)record.size, record.text);
    }
    struct capture_record record;
    struct err_text why = {0};
    cr_assert_eq(capture_reader_next(reader, &record, &why), ERR_END);
    uint64_t done, total;
    capture_reader_progress(reader, &done, &total);
    cr_assert_eq(done, total);
    capture_reader_close(reader);
    scratch_remove(a);
    scratch_remove(b);
    scratch_remove(c);
}

Test(capture, two_hundred_files_that_follow_each_other_are_open_one_at_a_time)
{
    enum { FILES = 200 };
    char *paths[FILES];
    for (int i = 0; i < FILES; i++) {
        char text[160];
        snprintf(text, sizeof(text), "17231612560000%05d {\"n\":%d}\n17231612560000%05d {\"n\":%d}\n", 2 * i, 2 * i,
                 2 * i + 1, 2 * i + 1);
        paths[FILES - 1 - i] = scratch_text(text);
    }
    int free_fd = dup(0);
    close(free_fd);
    struct capture_reader *reader = scratch_open((const char *const *)paths, FILES);
    for (int i = 0; i < 2 * FILES; i++) {
        struct capture_record record = scratch_next(reader);
        char expected[32];
        snprintf(expected, sizeof(expected), "{\"n\":%d}", i);
        cr_assert(record_is(&record, expected), "%d: %.*s", i, (int)record.size, record.text);
        int fd = dup(0);
        close(fd);
        cr_assert(fd <= free_fd + 2, "%d files are open", fd - free_fd);
    }
    capture_reader_close(reader);
    for (int i = 0; i < FILES; i++)
        scratch_remove(paths[i]);
}

Test(capture, foreign_and_empty_files_are_refused_with_a_sentence)
{
    static const struct {
        const char *text;
        size_t size;
        const char *part;
    } cases[] = {
        {"", 0, "is empty"},
        {"hello world\n", 12, "it begins with \"hello world\""},
        {"\x89PNG\r\n\x1a\n\0\0", 10, "not a capture"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *path = scratch_write(cases[i].text, cases[i].size);
        const char *paths[] = {path};
        struct capture_reader *reader = NULL;
        struct err_text why = {0};
        cr_assert_eq(capture_reader_open(&reader, paths, 1, NULL, &why), ERR_UNKNOWN);
        cr_assert(strstr(why.text, cases[i].part) != NULL, "%s", why.text);
        cr_assert(strstr(why.text, path) != NULL, "%s", why.text);
        scratch_remove(path);
    }
    struct capture_reader *reader = NULL;
    struct err_text why = {0};
    const char *absent[] = {"/nonexistent/capture"};
    cr_assert_eq(capture_reader_open(&reader, absent, 1, NULL, &why), ERR_NOTFOUND);
    const char *folder[] = {"/tmp"};
    err_clear(&why);
    cr_assert_eq(capture_reader_open(&reader, folder, 1, NULL, &why), ERR_UNSUPPORTED);
    err_clear(&why);
    cr_assert_eq(capture_reader_open(&reader, folder, 1, "nonsense", &why), ERR_UNKNOWN);
    cr_assert(strstr(why.text, "dlasota, cryptofeed, stamped") != NULL, "%s", why.text);
}

/* ---- lines and gzip ---- */

static char *many_lines(int count, size_t *size)
{
    char *text = malloc((size_t)count * 48);
    size_t at = 0;
    for (int i = 0; i < count; i++)
        at += (size_t)sprintf(text + at, "17231612560%08d {\"n\":%d}\n", i, i);
    *size = at;
    return text;
}

Test(capture, a_file_in_several_gzip_members_reads_like_the_plain_one)
{
    size_t size, first_size, second_size;
    char *text = many_lines(40000, &size);
    unsigned char *first = scratch_gzip(text, size / 2 + 7, &first_size);
    unsigned char *second = scratch_gzip(text + size / 2 + 7, size - size / 2 - 7, &second_size);
    unsigned char *both = calloc(1, first_size + second_size + 512);
    memcpy(both, first, first_size);
    memcpy(both + first_size, second, second_size);
    char *path = scratch_write(both, first_size + second_size + 512); /* zeros behind: a padded block */
    const char *paths[] = {path};
    struct capture_reader *reader = scratch_open(paths, 1);
    for (int i = 0; i < 40000; i++) {
        struct capture_record record = scratch_next(reader);
        char expected[32];
        snprintf(expected, sizeof(expected), "{\"n\":%d}", i);
        cr_assert(record_is(&record, expected), "line %d", i + 1);
    }
    struct capture_record record;
    struct err_text why = {0};
    cr_assert_eq(capture_reader_next(reader, &record, &why), ERR_END);
    capture_reader_close(reader);
    scratch_remove(path);
    free(text);
    free(first);
    free(second);
    free(both);
}

static err_t read_all(const char *path, uint64_t *records, struct err_text *why)
{
    const char *paths[] = {path};
    struct capture_reader *reader = scratch_open(paths, 1);
    struct capture_record record;
    err_t err;
    *records = 0;
    while ((err = capture_reader_next(reader, &record, why)) == ERR_OK)
        ++*records;
    capture_reader_close(reader);
    return err;
}

Test(capture, a_gzip_file_that_is_cut_short_gives_its_whole_lines_and_says_so)
{
    size_t size, packed_size;
    char *text = many_lines(40000, &size);
    unsigned char *packed = scratch_gzip(text, size, &packed_size);
    char *path = scratch_write(packed, packed_size / 2);
    struct err_text why = {0};
    uint64_t records;
    cr_assert_eq(read_all(path, &records, &why), ERR_TRUNCATED);
    cr_assert(strstr(why.text, "cut short") != NULL, "%s", why.text);
    cr_assert(records > 10000 && records < 40000, "%lu", (unsigned long)records);
    scratch_remove(path);
    free(text);
    free(packed);
}

Test(capture, a_damaged_gzip_file_is_told_from_a_short_one)
{
    size_t size, packed_size;
    char *text = many_lines(40000, &size);
    unsigned char *packed = scratch_gzip(text, size, &packed_size);
    packed[packed_size - 6] ^= 1; /* in the checksum of the text */
    char *path = scratch_write(packed, packed_size);
    struct err_text why = {0};
    uint64_t records;
    cr_assert_eq(read_all(path, &records, &why), ERR_CORRUPT);
    cr_assert(strstr(why.text, "damaged gzip data") != NULL, "%s", why.text);
    scratch_remove(path);
    packed[packed_size - 6] ^= 1;
    unsigned char *more = malloc(packed_size + 5);
    memcpy(more, packed, packed_size);
    memcpy(more + packed_size, "hello", 5);
    path = scratch_write(more, packed_size + 5);
    err_clear(&why);
    cr_assert_eq(read_all(path, &records, &why), ERR_CORRUPT);
    cr_assert_eq(records, 40000);
    scratch_remove(path);
    free(text);
    free(packed);
    free(more);
}

Test(capture, lines_longer_than_the_window_are_read_and_longer_than_the_limit_passed_over)
{
    size_t big = 3u << 20, too_big = (size_t)CAPTURE_LINE_MAX + 100;
    char *text = malloc(big + too_big + 200);
    size_t at = (size_t)sprintf(text, "1723161256000000001 {");
    memset(text + at, 'x', big);
    at += big;
    at += (size_t)sprintf(text + at, "}\n");
    memset(text + at, 'y', too_big);
    at += too_big;
    at += (size_t)sprintf(text + at, "\n1723161256000000002 {}\n");
    char *path = scratch_write(text, at);
    const char *paths[] = {path};
    struct capture_reader *reader = scratch_open(paths, 1);
    struct capture_record record = scratch_next(reader);
    cr_assert_eq(record.size, big + 2);
    struct err_text why = {0};
    cr_assert_eq(capture_reader_next(reader, &record, &why), ERR_RANGE);
    cr_assert_eq(record.line, 2);
    cr_assert(strstr(why.text, "longer than 64 MiB") != NULL, "%s", why.text);
    record = scratch_next(reader);
    cr_assert(record_is(&record, "{}"));
    cr_assert_eq(record.line, 3);
    capture_reader_close(reader);
    scratch_remove(path);
    free(text);
}
