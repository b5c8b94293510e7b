#include "capture_scratch.h"

Test(cryptofeed, frames_answers_and_connections_are_told_apart)
{
    char *path =
        scratch_text("wss://fstream.binance.com/stream?streams=a@depth <-> 1626992740.179554\n"
                     "wss://fstream.binance.com/stream <- 1626992740.2: {\"method\":\"SUBSCRIBE\"}\n"
                     "1626992741.06217: {\"stream\":\"a@bookTicker\"}\n"
                     "https://fapi.binance.com/fapi/v1/depth?symbol=SUSHIUSDT&limit=1000 -> 1626992741.301402: "
                     "{\"lastUpdateId\":1}\n"
                     "https://fapi.binance.com/fapi/v1/exchangeInfo -> 1626992741.4: {\"timezone\":\"UTC\"}\n"
                     "configuration: {\"trades\":[]}\n"
                     "wss://fstream.binance.com/stream?streams=a@depth <-> 1626992742.0\n"
                     "\n");
    const char *paths[] = {path};
    struct capture_reader *reader = scratch_open(paths, 1);
    cr_assert_str_eq(capture_reader_file(reader, 0)->form, "cryptofeed");
    struct capture_record record = scratch_next(reader);
    cr_assert(record_is(&record, "{\"stream\":\"a@bookTicker\"}"));
    cr_assert_eq(record.kind, CAPTURE_FRAME);
    cr_assert_eq(record.ts, 1626992741062170000);
    cr_assert_eq(record.line, 3);
    record = scratch_next(reader);
    cr_assert_eq(record.kind, CAPTURE_SNAPSHOT);
    cr_assert(record_is(&record, "{\"lastUpdateId\":1}"));
    cr_assert(record.symbol_size == 9 && memcmp(record.symbol, "SUSHIUSDT", 9) == 0);
    record = scratch_next(reader);
    cr_assert_eq(record.kind, CAPTURE_RECONNECT);
    cr_assert_eq(record.ts, 1626992742000000000);
    struct err_text why = {0};
    cr_assert_eq(capture_reader_next(reader, &record, &why), ERR_END);
    const struct capture_file_info *info = capture_reader_file(reader, 0);
    cr_assert_str_eq(info->venue, "binance-usdm");
    cr_assert_eq(info->passed_over, 5);
    capture_reader_close(reader);
    scratch_remove(path);
}

Test(cryptofeed, bytes_as_python_shows_them_become_bytes_again)
{
    char *path = scratch_text("1618678263.010785: b'{\"cd\":\"KRW-LAMB\"}'\n"
                              "1618678263.1: b'{\"n\":\"\\xeb\\xb9\\x84\",\"q\":\"\\'\\\\\\n\"}'\n"
                              "1618678263.2: b\"{'a'}\"\n"
                              "1618678263.3: b'{\"cut\n"
                              "1618678263.4: b'\\q'\n"
                              "1618678263.5: b'\\x4'\n"
                              "1618678263.6: b'\\'\n"
                              "1618678263.7: \n"
                              "1618678263.8: {}\n");
    const char *paths[] = {path};
    struct capture_reader *reader = scratch_open(paths, 1);
    struct capture_record record = scratch_next(reader);
    cr_assert(record_is(&record, "{\"cd\":\"KRW-LAMB\"}"));
    record = scratch_next(reader);
    cr_assert(record_is(&record, "{\"n\":\"\xeb\xb9\x84\",\"q\":\"'\\\n\"}"), "%.*s", (int)record.size, record.text);
    record = scratch_next(reader);
    cr_assert(record_is(&record, "{'a'}"));
    for (uint64_t line = 4; line <= 8; line++) {
        struct err_text why = {0};
        cr_assert_eq(capture_reader_next(reader, &record, &why), ERR_SYNTAX);
        cr_assert_eq(record.line, line, "%s", why.text);
    }
    record = scratch_next(reader);
    cr_assert(record_is(&record, "{}"));
    capture_reader_close(reader);
    scratch_remove(path);
}

Test(cryptofeed, socket_and_http_files_of_one_session_are_merged)
{
    const char *paths[] = {TEST_DATA "/binance_cryptofeed/BINANCE-20211012.ws.1.0.gz",
                           TEST_DATA "/binance_cryptofeed/BINANCE-20211012.http.0.0.gz"};
    if (access(paths[0], R_OK) != 0)
        cr_skip_test("skipped: no real captures here");
    struct capture_reader *reader = scratch_open(paths, 2);
    struct capture_record record;
    struct err_text why = {0};
    err_t err;
    ns_t last = 0;
    unsigned frames = 0, snapshots = 0;
    while ((err = capture_reader_next(reader, &record, &why)) == ERR_OK) {
        cr_assert(record.ts >= last);
        last = record.ts;
        frames += record.kind == CAPTURE_FRAME;
        snapshots += record.kind == CAPTURE_SNAPSHOT;
    }
    cr_assert_eq(err, ERR_END, "%s", why.text);
    cr_assert_eq(frames, 265); /* 267 lines without the connection and the empty one at the end */
    cr_assert_eq(snapshots, 4);
    cr_assert_str_eq(capture_reader_file(reader, 0)->venue, "binance-spot");
    capture_reader_close(reader);
}
