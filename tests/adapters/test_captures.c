/* The real captures through the machines: counts, chains and best prices are the ones that an independent
 * reconstruction in exact decimals gave. */
#include "core/book.h"
#include "market_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A book kept from the events. A best price says what the book must be at its update id, and may come before or after
 * the diff that ends with this id: whichever is second makes the comparison. */
#define BBOS_KEPT 4096 /* a power of two */

struct checker {
    struct book book;
    void *memory;
    uint64_t delta_seq;
    struct {
        uint64_t seq;
        struct level levels[2];
    } bbos[BBOS_KEPT]; /* the last ones */
    uint64_t bbo_count;
    uint64_t compared;
    uint64_t wrong;
    uint64_t crossed;
};

static void compare(struct checker *checker, const struct level *levels)
{
    struct level bid, ask;
    checker->compared++;
    if (!book_best(&checker->book, SIDE_BUY, &bid) || !book_best(&checker->book, SIDE_SELL, &ask) ||
        memcmp(&bid, &levels[0], sizeof(bid)) != 0 || memcmp(&ask, &levels[1], sizeof(ask)) != 0)
        checker->wrong++;
}

static void watch(void *context, const struct event *event)
{
    struct checker *checker = context;
    if (event->kind == EVENT_TRADE)
        return;
    if (event->kind == EVENT_BBO) {
        if (event->seq == checker->delta_seq)
            compare(checker, event->levels);
        checker->bbos[checker->bbo_count & (BBOS_KEPT - 1)].seq = event->seq;
        memcpy(checker->bbos[checker->bbo_count++ & (BBOS_KEPT - 1)].levels, event->levels, 2 * sizeof(struct level));
        return;
    }
    book_apply(&checker->book, event);
    checker->crossed += (checker->book.flags & BOOK_CROSSED) != 0;
    checker->delta_seq = event->kind == EVENT_BOOK_DELTA ? event->seq : 0;
    for (uint64_t i = 0; checker->delta_seq != 0 && i < BBOS_KEPT; i++)
        if (checker->bbos[i].seq == checker->delta_seq)
            compare(checker, checker->bbos[i].levels);
}

/* "<local ns> <json>" */
static void feed_lines(struct market_fixture *fixture, const char *path, const char *symbol)
{
    struct gz_lines *lines = gz_open(path);
    if (lines == NULL)
        cr_skip_test("skipped: no capture %s", path);
    size_t size;
    for (char *line; (line = gz_next(lines, &size)) != NULL;) {
        char *space = memchr(line, ' ', size);
        if (space == NULL)
            continue;
        ns_t ts = strtoll(line, NULL, 10);
        if (ts < 10000000000000000) /* microseconds */
            ts *= NS_PER_US;
        struct frame frame = {.ts = ts,
                              .text = space + 1,
                              .size = size - (size_t)(space + 1 - line),
                              .symbol = symbol,
                              .symbol_size = symbol == NULL ? 0 : strlen(symbol)};
        err_clear(&fixture->why);
        err_t err = fixture->market->ops->frame(fixture->market, &frame, &fixture->why);
        cr_assert_eq(err, ERR_OK, "%s: %.*s", fixture->why.text, 200, line);
    }
    gz_close(lines);
}

struct expected {
    const char *files[2];
    const char *symbol;
    unsigned price_decimals, qty_decimals;
    enum binance_flavour flavour;
    uint64_t applied, seen, compared;
    const char *bid, *ask;
};

static void check_capture(const struct expected *expected)
{
    struct market_fixture fixture;
    static struct checker checker;
    memset(&checker, 0, sizeof(checker));
    struct instrument instrument;
    cr_assert_eq(instrument_init(&instrument, "test", "X", "B", "Q", CONTRACT_SPOT, expected->price_decimals,
                                 expected->qty_decimals),
                 ERR_OK);
    checker.memory = aligned_alloc(64, (book_size(BOOK_WINDOW_DEFAULT, BOOK_FAR_DEFAULT) + 63) / 64 * 64);
    book_init(&checker.book, checker.memory, BOOK_WINDOW_DEFAULT, BOOK_FAR_DEFAULT, &instrument);
    fixture_binance(&fixture, BINANCE_AUTO, expected->price_decimals, expected->qty_decimals);
    fixture.quiet = true;
    fixture.watch = watch;
    fixture.watch_context = &checker;
    for (int i = 0; i < 2 && expected->files[i] != NULL; i++)
        feed_lines(&fixture, expected->files[i], expected->symbol);
    cr_assert_eq(fixture.count, 1);
    cr_assert_eq(binance_market_flavour(fixture.market), expected->flavour);
    const struct market_stats *stats = stats_of(&fixture, 0);
    cr_assert_eq(stats->diffs_seen, expected->seen, "seen %llu", (unsigned long long)stats->diffs_seen);
    cr_assert_eq(stats->diffs_applied, expected->applied, "applied %llu", (unsigned long long)stats->diffs_applied);
    cr_assert_eq(stats->diffs_old, expected->seen - expected->applied);
    cr_assert_eq(stats->gaps, 0);
    cr_assert_eq(stats->snapshots, 1);
    cr_assert_eq(stats->duplicates, 0);
    cr_assert_eq(stats->exch_ts_backwards, 0);
    cr_assert_eq(fixture.events[EVENT_BOOK_DELTA], expected->applied);
    cr_assert_eq(checker.crossed, 0);
    cr_assert_eq(checker.compared, expected->compared, "compared %llu", (unsigned long long)checker.compared);
    cr_assert_eq(checker.wrong, 0);
    struct level best;
    char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE], text[2 * DECIMAL_TEXT_SIZE];
    for (int side = 0; side < 2; side++) {
        cr_assert(book_best(&checker.book, side, &best));
        decimal_format(price, best.price, expected->price_decimals, expected->price_decimals);
        decimal_format(qty, best.qty, expected->qty_decimals, 0);
        snprintf(text, sizeof(text), "%s@%s", price, qty);
        cr_assert_str_eq(text, side == SIDE_BUY ? expected->bid : expected->ask);
    }
    fixture_close(&fixture);
    free(checker.memory);
}

#define HFT TEST_DATA "/binance_hftbacktest/"

Test(captures, usdm_btcusdt_day_end_is_rebuilt)
{
    check_capture(&(struct expected){{HFT "usdm__btcusdt_20240808.gz"},
                                     NULL,
                                     2,
                                     3,
                                     BINANCE_USDM,
                                     6547,
                                     6551,
                                     629,
                                     "61659.70@1.486",
                                     "61659.80@0.981"});
}

Test(captures, usdm_ethusdt_is_rebuilt)
{
    check_capture(&(struct expected){{HFT "usdm__ethusdt_20240808.gz"},
                                     NULL,
                                     2,
                                     3,
                                     BINANCE_USDM,
                                     6581,
                                     6586,
                                     551,
                                     "2681.38@8.486",
                                     "2681.39@22.624"});
}

Test(captures, two_day_files_chain_over_midnight)
{
    check_capture(&(struct expected){{HFT "usdm__btcusdt_20240718.gz", HFT "usdm__btcusdt_20240719.gz"},
                                     NULL,
                                     2,
                                     3,
                                     BINANCE_USDM,
                                     9017,
                                     9022,
                                     625,
                                     "63867.40@0.002",
                                     "63867.50@5.045"});
}

Test(captures, coin_margined_perpetual_is_rebuilt)
{
    check_capture(&(struct expected){{HFT "cm__btcusd_perp_20240808.gz", HFT "cm__btcusd_perp_20240809.gz"},
                                     NULL,
                                     1,
                                     0,
                                     BINANCE_COINM,
                                     44772,
                                     44795,
                                     1885,
                                     "61600.0@27",
                                     "61600.1@1647"});
}

Test(captures, spot_is_rebuilt)
{
    check_capture(&(struct expected){{HFT "spot__btcusdt_20240808.gz", HFT "spot__btcusdt_20240809.gz"},
                                     NULL,
                                     2,
                                     8,
                                     BINANCE_SPOT,
                                     6493,
                                     6495,
                                     1072,
                                     "61602.01@1.67177",
                                     "61602.02@2.66795"});
}

Test(captures, a_snapshot_that_comes_first_starts_a_spot_book)
{
    struct market_fixture fixture;
    fixture_binance(&fixture, BINANCE_AUTO, 8, 8);
    fixture.quiet = true;
    feed_lines(&fixture, TEST_DATA "/binance_nexo/spot__nexousdt_20240723.dat.gz", "NEXOUSDT");
    const struct market_stats *stats = stats_of(&fixture, 0);
    cr_assert_eq(stats->diffs_applied, 1188);
    cr_assert_eq(stats->diffs_seen, 1188);
    cr_assert_eq(stats->gaps, 0);
    fixture_close(&fixture);
}

Test(captures, a_day_without_a_snapshot_is_buffered_bounded_and_counted)
{
    struct market_fixture fixture;
    fixture_binance(&fixture, BINANCE_USDM, 2, 3);
    fixture.quiet = true;
    feed_lines(&fixture, HFT "cm__btcusd_perp_20240809.gz", NULL);
    const struct market_stats *stats = stats_of(&fixture, 0);
    cr_assert_eq(stats->diffs_applied, 0);
    cr_assert_gt(stats->diffs_buffered, 0);
    cr_assert_gt(stats->diffs_dropped, 0);
    cr_assert_eq(fixture.events[EVENT_BOOK_DELTA], 0);
    cr_assert_gt(stats->trades, 0);
    fixture_close(&fixture);
}

/* "<float seconds>: b'<json>'" between lines of the connection. */
Test(captures, upbit_simple_frames_are_read)
{
    struct market_fixture fixture;
    fixture_upbit(&fixture, 8, 8);
    fixture.quiet = true;
    struct gz_lines *lines = gz_open(TEST_DATA "/upbit_cryptofeed/UPBIT-20210417.ws.62.0.gz");
    if (lines == NULL)
        cr_skip_test("skipped: no Upbit capture");
    size_t size;
    for (char *line; (line = gz_next(lines, &size)) != NULL;) {
        char *payload = memchr(line, '{', size);
        if (size < 20 || line[0] != '1' || payload == NULL)
            continue;
        size_t payload_size = size - (size_t)(payload - line);
        while (payload_size > 0 && payload[payload_size - 1] != '}')
            payload_size--;
        cr_assert_eq(fixture_bytes(&fixture, payload, payload_size, NULL), ERR_OK, "%s", fixture.why.text);
    }
    gz_close(lines);
    struct market_stats sum = {0};
    for (uint16_t i = 0; i < fixture.count; i++) {
        const struct market_stats *stats = stats_of(&fixture, i);
        sum.diffs_seen += stats->diffs_seen;
        sum.diffs_applied += stats->diffs_applied;
        sum.trades += stats->trades;
        sum.duplicates += stats->duplicates;
    }
    cr_assert_eq(fixture.events[EVENT_TRADE], sum.trades);
    cr_assert_eq(fixture.events[EVENT_BOOK_SNAPSHOT], sum.diffs_applied);
    cr_assert_eq(sum.trades + sum.duplicates, 304);
    cr_assert_eq(sum.diffs_seen, 145);
    cr_assert_eq(sum.diffs_applied, 145);
    fixture_close(&fixture);
}
