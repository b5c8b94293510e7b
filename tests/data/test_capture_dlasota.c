#include "capture_scratch.h"

#define DIFF_HEADER                                                                                                  \
    "TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,FirstUpdateId,FinalUpdateId,"              \
    "FinalUpdateIdInLastStream,IsAsk,Price,Quantity\n"
#define TRADE_HEADER                                                                                                 \
    "TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,TradeId,Price,Quantity,"                   \
    "IsBuyerMarketMaker,XUnknownParameter\n"

Test(dlasota, rows_of_one_message_become_its_frame)
{
    char *path = scratch_text(
        "# a comment\n" DIFF_HEADER
        "1741046400085,t@depth,depthUpdate,1741046400083,1741046400049,TRXUSDT,10,20,9,0,0.23098,17739.0\n"
        "1741046400085,t@depth,depthUpdate,1741046400083,1741046400049,TRXUSDT,10,20,9,1,0.23104,14763.0\n"
        "1741046400085,t@depth,depthUpdate,1741046400083,1741046400049,TRXUSDT,10,20,9,0,0.23097,0.0\n"
        "1741046400185,t@depth,depthUpdate,1741046400183,1741046400149,TRXUSDT,21,30,20,1,0.3,1\n");
    const char *paths[] = {path};
    struct capture_reader *reader = scratch_open(paths, 1);
    cr_assert_str_eq(capture_reader_file(reader, 0)->form, "dlasota");
    struct capture_record record = scratch_next(reader);
    cr_assert(record_is(&record,
                        "{\"e\":\"depthUpdate\",\"E\":1741046400083,\"T\":1741046400049,\"s\":\"TRXUSDT\",\"U\":10,"
                        "\"u\":20,\"pu\":9,\"b\":[[\"0.23098\",\"17739.0\"],[\"0.23097\",\"0.0\"]],\"a\":[["
                        "\"0.23104\",\"14763.0\"]]}"),
              "%.*s", (int)record.size, record.text);
    cr_assert_eq(record.ts, 1741046400085000000);
    cr_assert_eq(record.line, 3);
    cr_assert_eq(record.line_count, 3);
    record = scratch_next(reader);
    cr_assert_eq(record.line, 6);
    struct err_text why = {0};
    cr_assert_eq(capture_reader_next(reader, &record, &why), ERR_END);
    cr_assert_str_eq(capture_reader_file(reader, 0)->venue, "binance-usdm");
    capture_reader_close(reader);
    scratch_remove(path);
}

Test(dlasota, trades_become_trade_frames)
{
    char *path = scratch_text(
        TRADE_HEADER
        "1741046404352,t@trade,trade,1741046404349,1741046404348,TRXUSDT,548321769,0.23103,243.0,0,MARKET\n"
        "1741046404362,t@trade,trade,1741046404360,1741046404359,TRXUSDT,548321770,0.23102,85.0,1,MARKET\n");
    const char *paths[] = {path};
    struct capture_reader *reader = scratch_open(paths, 1);
    struct capture_record record = scratch_next(reader);
    cr_assert(record_is(&record,
                        "{\"e\":\"trade\",\"E\":1741046404349,\"T\":1741046404348,\"s\":\"TRXUSDT\",\"t\":548321769,"
                        "\"p\":\"0.23103\",\"q\":\"243.0\",\"X\":\"MARKET\",\"m\":false}"),
              "%.*s", (int)record.size, record.text);
    record = scratch_next(reader);
    cr_assert_eq(record.ts, 1741046404362000000);
    cr_assert(strstr(record.text, "\"m\":true") != NULL);
    capture_reader_close(reader);
    scratch_remove(path);
}

Test(dlasota, a_bad_row_spoils_its_message_and_no_other)
{
    char *path = scratch_text(DIFF_HEADER "1741046400085,t,d,1,1,TRXUSDT,10,20,9,0,0.1,1\n"
                                          "1741046400085,t,d,1,1,TRXUSDT,10,20,9,0,\"x,1\n"
                                          "1741046400085,t,d,1,1,TRXUSDT,10,20,9,0,0.3,1\n"
                                          "1741046400185,t,d,2,2,TRXUSDT,21,30,20,1,0.3,1\n");
    const char *paths[] = {path};
    struct capture_reader *reader = scratch_open(paths, 1);
    struct capture_record record;
    struct err_text why = {0};
    cr_assert_eq(capture_reader_next(reader, &record, &why), ERR_SYNTAX);
    cr_assert_eq(record.line, 3);
    cr_assert(strstr(why.text, "column Price") != NULL, "%s", why.text);
    err_clear(&why);
    cr_assert_eq(capture_reader_next(reader, &record, &why), ERR_SYNTAX);
    cr_assert_eq(record.line, 2);
    cr_assert_eq(record.line_count, 2);
    cr_assert(strstr(why.text, "line 3 could not be read") != NULL, "%s", why.text);
    record = scratch_next(reader);
    cr_assert_eq(record.line, 5);
    capture_reader_close(reader);
    scratch_remove(path);
}

Test(dlasota, a_row_of_an_unknown_message_spoils_both_neighbours)
{
    char *path = scratch_text(DIFF_HEADER "1741046400085,t,d,1,1,TRXUSDT,10,20,9,0,0.1,1\n"
                                          "1741046400185,t,d,2\n"
                                          "1741046400185,t,d,2,2,TRXUSDT,21,30,20,1,0.3,1\n"
                                          "1741046400285,t,d,3,3,TRXUSDT,31,40,30,1,0.3,1\n");
    const char *paths[] = {path};
    struct capture_reader *reader = scratch_open(paths, 1);
    struct capture_record record;
    static const uint64_t lines[] = {3, 2, 4};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct err_text why = {0};
        cr_assert_eq(capture_reader_next(reader, &record, &why), ERR_SYNTAX);
        cr_assert_eq(record.line, lines[i], "%s", why.text);
    }
    record = scratch_next(reader);
    cr_assert_eq(record.line, 5);
    capture_reader_close(reader);
    scratch_remove(path);
}

Test(dlasota, a_merged_day_gives_its_book_its_diffs_and_its_trades)
{
    const char *path = TEST_DATA "/binance_dlasota/"
                                 "merged_depth_snapshot_difference_depth_stream_trade_stream_usd_m_futures_trxusdt_"
                                 "14-04-2025_negative.csv.gz";
    if (access(path, R_OK) != 0)
        cr_skip_test("skipped: no real captures here");
    struct capture_reader *reader = scratch_open(&path, 1);
    struct capture_record record = scratch_next(reader);
    cr_assert_eq(record.kind, CAPTURE_SNAPSHOT);
    cr_assert_eq(record.line_count, 5521);
    cr_assert_eq(record.ts, 1744588799938000000);
    cr_assert(memcmp(record.text, "{\"lastUpdateId\":7267631271246,", 30) == 0);
    unsigned diffs = 0, trades = 0;
    struct err_text why = {0};
    err_t err;
    uint64_t rows = record.line_count;
    while ((err = capture_reader_next(reader, &record, &why)) == ERR_OK) {
        bool trade = strstr(record.text, "\"e\":\"trade\"") != NULL;
        trades += trade;
        diffs += !trade;
        rows += record.line_count;
    }
    cr_assert_eq(err, ERR_END, "%s", why.text);
    cr_assert_eq(rows, 9856);
    cr_assert(diffs > 100 && trades > 10, "%u %u", diffs, trades);
    cr_assert_str_eq(capture_reader_file(reader, 0)->venue, "binance-usdm");
    capture_reader_close(reader);
}
