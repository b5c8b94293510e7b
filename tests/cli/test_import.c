#include "cli/import_pass.h"
#include "cli/import_run.h"
#include "core/prng.h"
#include "data/tape_reader.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATA(path) TEST_DATA "/" path
#define NEEDS(path)                                                                                                  \
    if (access(path, R_OK) != 0)                                                                                     \
    cr_skip_test("skipped: no real captures here")

/* A folder of its own for each test; criterion runs each in its own process. */
static char folder[64], tape[96];

static void setup(void)
{
    strcpy(folder, "/tmp/tapedeck-import-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(tape, sizeof(tape), "%s/out.tape", folder);
}

static void teardown(void)
{
    char command[96];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(import, .init = setup, .fini = teardown);

static const char *write_file(const char *name, const char *text)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % ARRAY_LEN(paths)];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    fputs(text, file);
    fclose(file);
    return path;
}

static struct import_result run(struct import_options options, const char *const *files, uint32_t count)
{
    struct import_result result;
    struct err_text why = {0};
    options.files = files;
    options.file_count = count;
    if (options.out == NULL)
        options.out = tape;
    err_t err = import_run(&options, &result, &why);
    cr_assert_eq(err, ERR_OK, "%s: %s", err_name(err), why.text);
    return result;
}

static err_t fail(struct import_options options, const char *const *files, uint32_t count, struct err_text *why)
{
    struct import_result result;
    err_clear(why);
    options.files = files;
    options.file_count = count;
    err_t err = import_run(&options, &result, why);
    if (import_has_result(&result))
        import_result_free(&result);
    return err;
}

/* Call `each` with every event of the tape. */
static uint64_t read_tape(const char *path, void (*each)(const struct event *event, void *context), void *context,
                          struct instrument *first)
{
    struct tape_reader *reader;
    struct err_text why = {0};
    struct tape_reader_options options = {0};
    cr_assert_eq(tape_reader_open(&reader, path, &options, &why), ERR_OK, "%s", why.text);
    if (first != NULL)
        *first = tape_reader_info(reader)->instruments[0];
    struct tape_block block;
    uint64_t count = 0;
    err_t err;
    while ((err = tape_reader_next(reader, &block, &why)) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count; i++)
            if (each != NULL)
                each(&block.events[i], context);
        count += block.event_count;
        tape_reader_release(reader, block.buffer);
    }
    cr_assert_eq(err, ERR_END, "%s", why.text);
    tape_reader_close(reader);
    return count;
}

/* ---- the real captures: the figures of a rebuilding in exact decimals by other code ---- */

struct expected {
    uint64_t applied, seen, gaps, compared;
    const char *bid, *ask; /* price@quantity */
};

static void check_best(const struct import_instrument *item, enum side side, const char *expected)
{
    struct level best;
    cr_assert(book_best(&item->quality.book, side, &best));
    char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE], text[2 * DECIMAL_TEXT_SIZE];
    instrument_format_price(&item->instrument, best.price, price);
    instrument_format_qty(&item->instrument, best.qty, qty);
    snprintf(text, sizeof(text), "%s@%s", price, qty);
    cr_assert_str_eq(text, expected);
}

static void check_capture(const char *const *files, uint32_t count, const char *venue, struct expected expected)
{
    struct import_result result = run((struct import_options){0}, files, count);
    cr_assert_str_eq(result.venue, venue);
    cr_assert_eq(result.instrument_count, 1);
    const struct import_instrument *item = &result.instruments[0];
    cr_assert_eq(item->stats.diffs_applied, expected.applied);
    cr_assert_eq(item->stats.diffs_seen, expected.seen);
    cr_assert_eq(item->quality.gaps, expected.gaps);
    cr_assert_eq(item->quality.crossed, 0);
    cr_assert_eq(item->quality.bbo_compared, expected.compared);
    cr_assert_eq(item->quality.bbo_wrong, 0);
    cr_assert_eq(result.dropped_lines, 0);
    check_best(item, SIDE_BUY, expected.bid);
    check_best(item, SIDE_SELL, expected.ask);
    cr_assert_eq(read_tape(tape, NULL, NULL, NULL), item->messages);
    import_result_free(&result);
}

Test(import, usdm_btcusdt_20240808_rebuilds_its_book)
{
    const char *files[] = {DATA("binance_hftbacktest/usdm__btcusdt_20240808.gz")};
    NEEDS(files[0]);
    check_capture(files, 1, "binance-usdm",
                  (struct expected){6547, 6551, 0, 629, "61659.70@1.486", "61659.80@0.981"});
}

Test(import, usdm_ethusdt_20240808_rebuilds_its_book)
{
    const char *files[] = {DATA("binance_hftbacktest/usdm__ethusdt_20240808.gz")};
    NEEDS(files[0]);
    check_capture(files, 1, "binance-usdm", (struct expected){6581, 6586, 0, 551, "2681.38@8.486", "2681.39@22.624"});
}

Test(import, day_files_that_chain_are_one_capture_in_any_order)
{
    const char *files[] = {DATA("binance_hftbacktest/usdm__btcusdt_20240719.gz"),
                           DATA("binance_hftbacktest/usdm__btcusdt_20240718.gz")};
    NEEDS(files[0]);
    check_capture(files, 2, "binance-usdm",
                  (struct expected){9017, 9022, 0, 625, "63867.40@0.002", "63867.50@5.045"});
}

Test(import, coinm_btcusd_perp_rebuilds_its_book)
{
    const char *files[] = {DATA("binance_hftbacktest/cm__btcusd_perp_20240808.gz"),
                           DATA("binance_hftbacktest/cm__btcusd_perp_20240809.gz")};
    NEEDS(files[0]);
    check_capture(files, 2, "binance-coinm", (struct expected){44772, 44795, 0, 1885, "61600.0@27", "61600.1@1647"});
    struct instrument instrument;
    read_tape(tape, NULL, NULL, &instrument);
    cr_assert_eq(instrument.contract, CONTRACT_INVERSE);
    cr_assert_eq(instrument.multiplier, 100);
    cr_assert_str_eq(instrument.settle, "BTC");
}

Test(import, spot_btcusdt_rebuilds_its_book)
{
    const char *files[] = {DATA("binance_hftbacktest/spot__btcusdt_20240808.gz"),
                           DATA("binance_hftbacktest/spot__btcusdt_20240809.gz")};
    NEEDS(files[0]);
    check_capture(files, 2, "binance-spot",
                  (struct expected){6493, 6495, 0, 1072, "61602.01@1.67177", "61602.02@2.66795"});
}

Test(import, a_capture_with_microsecond_stamps_shows_its_silences)
{
    const char *files[] = {DATA("binance_nexo/spot__nexousdt_20240723.dat.gz"),
                           DATA("binance_nexo/spot__nexousdt_20240724.dat.gz")};
    NEEDS(files[0]);
    struct import_result result = run((struct import_options){0}, files, 2);
    const struct import_instrument *item = &result.instruments[0];
    cr_assert_eq(item->stats.diffs_applied, item->stats.diffs_seen);
    cr_assert_eq(item->stats.diffs_seen, 68182);
    cr_assert_eq(item->quality.silences, 15);
    cr_assert_eq(item->quality.silence_longest, 43499519 * NS_PER_US);
    cr_assert_eq(item->quality.bbo_wrong, 0);
    import_result_free(&result);
}

Test(import, cryptofeed_files_of_several_symbols_rebuild_every_book)
{
    const char *files[] = {DATA("binance_cryptofeed/BINANCE_FUTURES-20210722.ws.1.0.gz"),
                           DATA("binance_cryptofeed/BINANCE_FUTURES-20210722.http.0.0.gz")};
    NEEDS(files[0]);
    struct import_result result = run((struct import_options){0}, files, 2);
    cr_assert_eq(result.instrument_count, 4);
    for (uint16_t i = 0; i < 4; i++) {
        const struct import_instrument *item = &result.instruments[i];
        cr_assert(item->stats.diffs_applied > 100 && item->stats.diffs_seen - item->stats.diffs_applied <= 5);
        cr_assert(item->quality.bbo_compared > 0);
        cr_assert_eq(item->quality.bbo_wrong, 0);
        cr_assert_eq(item->quality.gaps, 0);
    }
    import_result_free(&result);
}

Test(import, upbit_books_and_trades_come_with_the_rules_of_their_day)
{
    const char *files[] = {DATA("upbit_cryptofeed/UPBIT-20210417.0.gz"),
                           DATA("upbit_cryptofeed/UPBIT-20210417.ws.62.0.gz")};
    NEEDS(files[0]);
    struct import_result result = run((struct import_options){0}, files, 2);
    cr_assert_str_eq(result.venue, "upbit");
    cr_assert_eq(result.dropped_lines, 0);
    for (uint16_t i = 0; i < result.instrument_count; i++) {
        const struct import_instrument *item = &result.instruments[i];
        if (strcmp(item->instrument.symbol, "KRW-WAVES") != 0)
            continue;
        cr_assert_eq(item->stats.diffs_applied, 26);
        cr_assert_eq(item->instrument.tick_table_count, 3);
        check_best(item, SIDE_BUY, "20230@23.55726098");
        check_best(item, SIDE_SELL, "20240@50");
    }
    import_result_free(&result);
}

Test(import, the_csv_with_an_injected_error_has_exactly_one_gap)
{
#define MERGED                                                                                                       \
    "binance_dlasota/merged_depth_snapshot_difference_depth_stream_trade_stream_usd_m_futures_trxusdt_14-04-2025_"
    const char *good[] = {DATA(MERGED "positive.csv.gz")};
    const char *bad[] = {DATA(MERGED "negative.csv.gz")};
    NEEDS(good[0]);
    struct import_result result = run((struct import_options){0}, good, 1);
    cr_assert_eq(result.instruments[0].quality.gaps, 0);
    cr_assert_eq(result.instruments[0].stats.diffs_applied, 155);
    import_result_free(&result);
    result = run((struct import_options){0}, bad, 1);
    cr_assert_eq(result.instruments[0].quality.gaps, 1);
    cr_assert_eq(result.instruments[0].stats.trades, 199);
    import_result_free(&result);
}

struct latencies {
    ns_t least, last_ts;
    bool fell;
};

static void note_latency(const struct event *event, void *context)
{
    struct latencies *latencies = context;
    if (event->ts < latencies->last_ts)
        latencies->fell = true;
    latencies->last_ts = event->ts;
    if (event->exch_ts != 0 && event->ts - event->exch_ts < latencies->least)
        latencies->least = event->ts - event->exch_ts;
}

Test(import, a_clock_behind_the_venue_is_reported_and_put_right_on_request)
{
    const char *files[] = {DATA("binance_hftbacktest/usdm__btcusdt_20240808.gz")};
    NEEDS(files[0]);
    static const struct {
        enum import_clock clock;
        ns_t low, high; /* of the least latency on the tape */
    } cases[] = {
        {IMPORT_CLOCK_NONE, -1272402468, -1272402468},
        {IMPORT_CLOCK_CONSTANT, 2500000, 2500000},
        {IMPORT_CLOCK_DRIFT, 2500000, 2500000},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct import_options options = {.clock = cases[i].clock, .base_latency = 2500000};
        struct import_result result = run(options, files, 1);
        struct latencies latencies = {.least = NS_MAX};
        struct tape_reader *reader;
        read_tape(tape, note_latency, &latencies, NULL);
        cr_assert(latencies.least >= cases[i].low && latencies.least <= cases[i].high, "%zu: %ld", i,
                  (long)latencies.least);
        cr_assert(!latencies.fell);
        cr_assert_eq(result.clock_offset, -1272402468);
        cr_assert_eq(result.clock_corrected, cases[i].clock != IMPORT_CLOCK_NONE);
        cr_assert_eq(result.instruments[0].quality.latency_min, -1272402468);
        struct err_text why = {0};
        cr_assert_eq(tape_reader_open(&reader, tape, &(struct tape_reader_options){0}, &why), ERR_OK);
        bool told = strstr(tape_reader_info(reader)->source, "clock") != NULL;
        cr_assert_eq(told, cases[i].clock != IMPORT_CLOCK_NONE, "%s", tape_reader_info(reader)->source);
        tape_reader_close(reader);
        import_result_free(&result);
    }
}

/* ---- made captures ---- */

#define SNAPSHOT(ts, symbol_text)                                                                                    \
    ts " {\"lastUpdateId\":10,\"E\":1723161255000,\"T\":1723161255000," symbol_text                                  \
       "\"bids\":[[\"100.10\",\"1.000\"]],\"asks\":[[\"100.20\",\"2.000\"]]}\n"
#define DIFF(ts, symbol, u, pu, bids, asks)                                                                          \
    ts " {\"e\":\"depthUpdate\",\"E\":1723161255001,\"T\":1723161255001,\"s\":\"" symbol "\",\"U\":" u ",\"u\":" u   \
       ",\"pu\":" pu ",\"b\":[" bids "],\"a\":[" asks "]}\n"
#define LEVEL(price, qty) "[\"" price "\",\"" qty "\"]"

Test(import, a_snapshot_without_symbol_belongs_to_the_only_symbol_of_its_file)
{
    const char *files[] = {
        write_file("a", SNAPSHOT("1723161255100000000", "")
                            DIFF("1723161255200000000", "BTCUSDT", "12", "10", LEVEL("100.10", "3.000"), "")),
        write_file("b", SNAPSHOT("1723161255100000001", "")
                            DIFF("1723161255200000001", "ETHUSDT", "12", "10", LEVEL("100.10", "4.000"), ""))};
    struct import_result result = run((struct import_options){0}, files, 2);
    cr_assert_eq(result.instrument_count, 2);
    check_best(&result.instruments[0], SIDE_BUY, "100.10@3.000");
    check_best(&result.instruments[1], SIDE_BUY, "100.10@4.000");
    cr_assert_eq(result.dropped_lines, 0);
    import_result_free(&result);
}

Test(import, decimals_and_symbols_that_appear_late_begin_the_import_again)
{
    const char *files[] = {
        write_file("a", SNAPSHOT("1723161255100000000", "")
                            DIFF("1723161255200000000", "BTCUSDT", "12", "10", LEVEL("100.10", "3.000"), "")
                                DIFF("1723161255300000000", "BTCUSDT", "13", "12", LEVEL("100.1234", "0.0000001"), "")
                                    DIFF("1723161255400000000", "ETHUSDT", "14", "13", LEVEL("1", "1"), ""))};
    struct import_result result = run((struct import_options){.scan_bytes = 1}, files, 1);
    cr_assert_eq(result.restarts, 1);
    cr_assert_eq(result.instrument_count, 2);
    cr_assert_eq(result.dropped_lines, 0);
    check_best(&result.instruments[0], SIDE_BUY, "100.1234@0.0000001");
    cr_assert_eq(read_tape(tape, NULL, NULL, NULL), result.instruments[0].messages + result.instruments[1].messages);
    import_result_free(&result);
}

Test(import, a_price_off_the_tick_that_was_learnt_begins_the_import_again)
{
    const char *files[] = {write_file(
        "a", DIFF("1723161255050000000", "BTCUSDT", "9", "8", LEVEL("100.50", "3.000"),
                  "") "1723161255100000000 "
                      "{\"lastUpdateId\":10,\"E\":1,\"T\":1,\"bids\":[[\"100.50\",\"1.000\"]],\"asks\":[]}"
                      "\n" DIFF("1723161255200000000", "BTCUSDT", "12", "10", LEVEL("100.50", "3.000"), "")
                          DIFF("1723161255300000000", "BTCUSDT", "13", "12", LEVEL("100.70", "3.000"), ""))};
    struct import_result result = run((struct import_options){.scan_bytes = 1}, files, 1);
    cr_assert_eq(result.restarts, 1);
    cr_assert_eq(result.instruments[0].instrument.tick_tables[0].bands[0].tick, 10); /* 0.10, not 0.50 */
    check_best(&result.instruments[0], SIDE_BUY, "100.70@3.000");
    import_result_free(&result);
}

Test(import, one_absurd_number_does_not_spoil_the_scale)
{
    char text[8192];
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", SNAPSHOT("1723161255100000000", ""));
    for (int i = 0; i < 20; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               DIFF("17231612552000000%02d", "BTCUSDT", "%d", "%d", LEVEL("100.10", "3.000"), ""), i,
                               12 + i, 12 + i, i == 0 ? 10 : 11 + i);
    snprintf(text + at, sizeof(text) - at, "%s%s%s",
             DIFF("1723161255300000000", "BTCUSDT", "32", "31", LEVEL("0.0000000000000000001", "1.000"), ""),
             DIFF("1723161255300000001", "BTCUSDT", "32", "31", LEVEL("123456789012345678901234567890", "1.000"), ""),
             DIFF("1723161255300000002", "BTCUSDT", "32", "31", LEVEL("-5.00", "1.000"), ""));
    const char *files[] = {write_file("a", text)};
    struct import_result result = run((struct import_options){0}, files, 1);
    cr_assert_eq(result.dropped_lines, 3);
    cr_assert_eq(result.instruments[0].dropped_lines, 3);
    for (uint32_t i = 0; i < 3; i++)
        cr_assert_eq(result.drops[i].line, 22 + i, "%s", result.drops[i].reason);
    cr_assert_eq(result.instruments[0].instrument.price_decimals, 2);
    check_best(&result.instruments[0], SIDE_BUY, "100.10@3.000");
    import_result_free(&result);
}

Test(import, lines_that_are_of_no_use_are_counted_with_their_numbers_and_reasons)
{
    const char *files[] = {write_file(
        "a", SNAPSHOT("1723161255100000000",
                      "") "1723161255100000001 {\"e\":\"depthUpdate\",\"E\":17231612\n"
                          "half a line\n" DIFF("1723161255200000000", "BTCUSDT", "\"x\"", "10",
                                               LEVEL("100.10", "3.000"), "")
                              DIFF("1723161255200000000", "BTCUSDT", "12", "10", LEVEL("100.10", "3.000"), "")
                                  DIFF("1723161255200000001", "NOSUCHQUOTE", "12", "10", LEVEL("100.10", "3.000"),
                                       "") "1723161255200000002 "
                                           "{\"unknown\":{\"field\":[1,2,3]},\"e\":\"trade\",\"E\":1723161255001,"
                                           "\"T\":1723161255001,\"s\":\"BTCUSDT\",\"t\":5,\"p\":\"100.10\",\"q\":\"1."
                                           "000\",\"X\":\"MARKET\",\"m\":true}\n")};
    struct import_result result = run((struct import_options){0}, files, 1);
    static const uint64_t lines[] = {2, 3, 4, 6};
    cr_assert_eq(result.dropped_lines, ARRAY_LEN(lines));
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        cr_assert_eq(result.drops[i].line, lines[i], "%s", result.drops[i].reason);
        cr_assert(result.drops[i].reason[0] != '\0');
    }
    cr_assert(strstr(result.drops[3].reason, "--assets NOSUCHQUOTE=BASE/QUOTE") != NULL, "%s",
              result.drops[3].reason);
    cr_assert_eq(result.instruments[0].stats.trades, 1);
    import_result_free(&result);
    const char *assets[] = {"NOSUCHQUOTE=NOSUCH/QUOTE"};
    result = run((struct import_options){.assets = assets, .asset_count = 1}, files, 1);
    cr_assert_eq(result.instrument_count, 2);
    cr_assert_eq(result.dropped_lines, 3);
    import_result_free(&result);
}

Test(import, stamps_that_fall_are_raised_and_counted)
{
    const char *files[] = {
        write_file("a", SNAPSHOT("1723161255100000000", "")
                            DIFF("1723161255200000000", "BTCUSDT", "12", "10", LEVEL("100.10", "3"), "")
                                DIFF("1723161255150000000", "BTCUSDT", "13", "12", LEVEL("100.10", "4"), "")
                                    DIFF("1723161255300000000", "BTCUSDT", "14", "13", LEVEL("100.10", "5"), ""))};
    struct import_result result = run((struct import_options){0}, files, 1);
    cr_assert_eq(result.local_backwards, 1);
    cr_assert_eq(result.local_backwards_longest, 50 * NS_PER_MS);
    struct latencies latencies = {.least = NS_MAX};
    cr_assert_eq(read_tape(tape, note_latency, &latencies, NULL), 4);
    cr_assert(!latencies.fell);
    import_result_free(&result);
}

Test(import, only_the_symbols_that_are_asked_for_are_imported)
{
    const char *files[] = {
        write_file("a", DIFF("1723161255100000000", "BTCUSDT", "12", "10", LEVEL("100.10", "3"),
                             "") "1723161255200000000 "
                                 "{\"e\":\"trade\",\"E\":1723161255001,\"T\":1723161255001,\"s\":\"ETHUSDT\",\"t\":5,"
                                 "\"p\":\"100.10\",\"q\":\"1.000\",\"X\":\"MARKET\",\"m\":true}\n")};
    const char *eth[] = {"ETHUSDT"}, *foo[] = {"FOO"};
    struct import_result result = run((struct import_options){.symbols = eth, .symbol_count = 1}, files, 1);
    cr_assert_eq(result.instrument_count, 1);
    cr_assert_str_eq(result.instruments[0].instrument.symbol, "ETHUSDT");
    cr_assert_eq(result.other_frames, 1);
    cr_assert_eq(result.dropped_lines, 0);
    import_result_free(&result);
    struct err_text why;
    cr_assert_eq(fail((struct import_options){.out = tape, .symbols = foo, .symbol_count = 1}, files, 1, &why),
                 ERR_UNKNOWN);
    cr_assert(strstr(why.text, "BTCUSDT, ETHUSDT") != NULL, "%s", why.text);
}

static void count_tickers(const struct event *event, void *context)
{
    *(uint64_t *)context += event->kind == EVENT_BBO;
}

Test(import, tickers_are_compared_but_left_out_on_request)
{
    const char *files[] = {DATA("binance_hftbacktest/usdm__btcusdt_20240718.gz")};
    NEEDS(files[0]);
    uint64_t with = 0, without = 0;
    struct import_result result = run((struct import_options){0}, files, 1);
    uint64_t compared = result.instruments[0].quality.bbo_compared;
    read_tape(tape, count_tickers, &with, NULL);
    import_result_free(&result);
    result = run((struct import_options){.no_bbo = true}, files, 1);
    read_tape(tape, count_tickers, &without, NULL);
    cr_assert_eq(result.instruments[0].quality.bbo_compared, compared);
    cr_assert(with > 0 && without == 0 && compared > 0);
    import_result_free(&result);
}

Test(import, files_of_two_venues_are_not_mixed)
{
    const char *files[] = {
        write_file("a", DIFF("1723161255100000000", "BTCUSDT", "12", "10", LEVEL("100.10", "3"), "")),
        write_file("b",
                   "1723161255100000000 {\"e\":\"depthUpdate\",\"E\":1723161255001,\"s\":\"BTCUSDT\",\"U\":1,\"u\":2,"
                   "\"b\":[[\"100.10000000\",\"3.00000000\"]],\"a\":[]}\n")};
    struct err_text why;
    cr_assert_eq(fail((struct import_options){.out = tape}, files, 2, &why), ERR_UNKNOWN);
    cr_assert(strstr(why.text, "binance-spot") != NULL && strstr(why.text, "binance-usdm") != NULL, "%s", why.text);
    cr_assert(access(tape, F_OK) != 0, "no tape is begun");
}

Test(import, a_file_without_one_usable_frame_is_an_error_that_says_why)
{
    const char *files[] = {write_file("a", "1723161255100000000 {\"foo\":1}\n1723161255100000000 {\"foo\":2}\n")};
    struct err_text why;
    cr_assert_eq(fail((struct import_options){.out = tape}, files, 1, &why), ERR_UNKNOWN);
    cr_assert(strstr(why.text, "2 lines") != NULL && strstr(why.text, "line 1") != NULL, "%s", why.text);
    cr_assert(access(tape, F_OK) != 0, "no tape is begun");
}

Test(import, the_tape_does_not_replace_its_own_input)
{
    const char *files[] = {
        write_file("a", DIFF("1723161255100000000", "BTCUSDT", "12", "10", LEVEL("100.10", "3"), ""))};
    struct err_text why;
    cr_assert_eq(fail((struct import_options){.out = files[0]}, files, 1, &why), ERR_USAGE);
}

Test(import, a_full_disk_is_told_from_other_failures)
{
    const char *files[] = {DATA("binance_hftbacktest/usdm__btcusdt_20240718.gz")};
    NEEDS(files[0]);
    struct err_text why;
    cr_assert_eq(fail((struct import_options){.out = "/dev/full"}, files, 1, &why), ERR_NOSPACE);
    cr_assert(strstr(why.text, "No space left") != NULL, "%s", why.text);
}

Test(import, an_interrupted_import_leaves_a_whole_tape)
{
    const char *files[] = {DATA("binance_hftbacktest/usdm__btcusdt_20240808.gz")};
    NEEDS(files[0]);
    /* The scan would notice the flag first, so raise it from the capture's first event on. */
    static volatile sig_atomic_t flag;
    struct import_options options = {
        .files = files, .file_count = 1, .out = tape, .interrupted = &flag, .scan_bytes = 1};
    flag = 0;
    struct import_result whole = run(options, files, 1);
    uint64_t messages = whole.instruments[0].messages;
    import_result_free(&whole);
    flag = 1;
    struct import_result result;
    struct err_text why = {0};
    cr_assert_eq(import_run(&options, &result, &why), ERR_INTERRUPTED);
    if (import_has_result(&result)) {
        cr_assert_eq(read_tape(tape, NULL, NULL, NULL), result.instruments[0].messages);
        cr_assert(result.instruments[0].messages < messages);
        import_result_free(&result);
    }
}

Test(import, multiples_are_told_as_division_tells_them)
{
    struct prng prng;
    prng_init(&prng, 20240808, 1);
    for (int i = 0; i < 200000; i++) {
        int64_t divisor = 1 + (int64_t)(prng_next(&prng) >> (1 + prng_next(&prng) % 62));
        int64_t value = (int64_t)prng_next(&prng) >> prng_next(&prng) % 63;
        if (i % 2 == 0)
            value -= value % divisor;
        struct import_multiple of = import_multiple_of(divisor);
        cr_assert_eq(import_is_multiple(&of, value), value % divisor == 0, "%ld by %ld (seed 20240808)", (long)value,
                     (long)divisor);
    }
}

/* ---- the program ---- */

static json_t *run_program(const char *arguments, int *code)
{
    char command[512];
    snprintf(command, sizeof(command), "%s import %s 2>/dev/null", TEST_PROGRAM, arguments);
    FILE *pipe = popen(command, "r");
    json_error_t error;
    json_t *json = json_loadf(pipe, 0, &error);
    int status = pclose(pipe);
    *code = WEXITSTATUS(status);
    return json;
}

Test(import, the_program_prints_its_summary_as_json)
{
    const char *path = DATA("binance_hftbacktest/usdm__btcusdt_20240718.gz");
    NEEDS(path);
    char arguments[400];
    snprintf(arguments, sizeof(arguments), "%s -o %s --json", path, tape);
    int code;
    json_t *json = run_program(arguments, &code);
    cr_assert_eq(code, 0);
    json_t *item = json_array_get(json_object_get(json, "instruments"), 0);
    static const char *const fields[] = {"messages",     "levels",  "trades",       "diffs_seen", "diffs_applied",
                                         "gaps",         "crossed", "bbo_compared", "bbo_wrong",  "clock_offset_ns",
                                         "dropped_lines"};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        cr_assert(json_is_integer(json_object_get(item, fields[i])), "%s", fields[i]);
    cr_assert_str_eq(json_string_value(json_object_get(item, "instrument")), "BTCUSDT");
    static const char *const sides[] = {"best_bid", "best_ask"};
    for (size_t i = 0; i < 2; i++) {
        json_t *best = json_object_get(item, sides[i]);
        cr_assert(json_is_string(json_object_get(best, "price")) && json_is_string(json_object_get(best, "qty")));
    }
    json_decref(json);
}

Test(import, the_program_ends_with_the_listed_codes)
{
    char arguments[400];
    int code;
    cr_assert(run_program("/nonexistent/file --json", &code) == NULL);
    cr_assert_eq(code, 5);
    run_program("", &code);
    cr_assert_eq(code, 2);
    run_program("--venue nowhere x", &code);
    cr_assert_eq(code, 2);
    snprintf(arguments, sizeof(arguments), "%s --json", write_file("foreign", "hello\n"));
    run_program(arguments, &code);
    cr_assert_eq(code, 4);
}
