#include "cli/record_tapes.h"

#include "data/tape_reader.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIDNIGHT (INT64_C(1704153600) * NS_PER_S) /* 2024-01-02 */

static struct scratch scratch;

static void setup(void)
{
    scratch_begin(&scratch);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(record_tapes, .init = setup, .fini = teardown);

/* Inputs of its own making: one tick after another. */
struct ticks {
    struct wire_source source;
    ns_t ts;
};

static err_t next_tick(struct wire_source *source, struct link_input *input)
{
    struct ticks *ticks = (struct ticks *)(void *)source;
    *input = (struct link_input){.ts = ticks->ts, .what = LINK_TICK};
    return ERR_OK;
}

static const struct wire_source_ops tick_ops = {.next = next_tick};

static struct instrument instrument;

static void book_event(struct record_tapes *tapes, ns_t ts, enum event_kind kind, px_t bid, qty_t qty, uint64_t seq)
{
    const struct level levels[] = {{bid, qty}, {bid + 10, qty}};
    const struct event event = {
        .ts = ts, .exch_ts = ts, .seq = seq, .levels = levels, .bid_count = 1, .ask_count = 1, .kind = (uint8_t)kind};
    cr_assert_eq(record_tapes_event(tapes, &event), ERR_OK, "%s", tapes->why.text);
}

/* "raw-..." and "market-..." in the order of their names, one a line. */
static const char *names_in(const char *dir)
{
    static char text[2048];
    struct dirent **entries;
    const int count = scandir(dir, &entries, NULL, alphasort);
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            strcat(text, entries[i]->d_name);
            strcat(text, "\n");
        }
        free(entries[i]);
    }
    free(entries);
    return text;
}

/* What is on a tape: kind@seconds from midnight, with the best bid of books. */
static const char *told(const char *dir, const char *name)
{
    static char text[2048];
    char path[512];
    struct tape_reader *reader;
    struct tape_block block;
    struct err_text why = {0};
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    text[0] = '\0';
    cr_assert_eq(tape_reader_open(&reader, path, NULL, &why), ERR_OK, "%s", why.text);
    while (tape_reader_next(reader, &block, &why) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count; i++) {
            const struct event *event = &block.events[i];
            char line[96];
            snprintf(line, sizeof(line), "%s@%lld", event_kind_name((enum event_kind)event->kind),
                     (long long)((event->ts - MIDNIGHT) / NS_PER_S));
            strcat(text, line);
            if (event_has_levels(event->kind)) {
                snprintf(line, sizeof(line), ":%lldx%lld#%llu", (long long)event->levels[0].price,
                         (long long)event->levels[0].qty, (unsigned long long)event->seq);
                strcat(text, line);
            }
            strcat(text, " ");
        }
        tape_reader_release(reader, block.buffer);
    }
    tape_reader_close(reader);
    return text;
}

static void open_tapes(struct record_tapes *tapes, struct ticks *ticks, const char *dir, bool one_pair)
{
    struct err_text why = {0};
    const struct record_options options = {.dir = dir, .source = "test", .created_by = "test", .one_pair = one_pair};
    cr_assert_eq(instrument_init(&instrument, "binance-usdm", "BTCUSDT", "BTC", "USDT", CONTRACT_LINEAR, 2, 3),
                 ERR_OK);
    *ticks = (struct ticks){.source.ops = &tick_ops, .ts = MIDNIGHT - 60 * NS_PER_S};
    cr_assert_eq(record_tapes_open(tapes, &options, &instrument, 1, &ticks->source, ticks->ts, &why), ERR_OK, "%s",
                 why.text);
}

static void pull(struct record_tapes *tapes, struct ticks *ticks, ns_t ts)
{
    struct link_input input;
    ticks->ts = ts;
    struct wire_source *source = record_tapes_source(tapes);
    cr_assert_eq(source->ops->next(source, &input), ERR_OK);
}

static void close_tapes(struct record_tapes *tapes)
{
    struct err_text why = {0};
    cr_assert_eq(record_tapes_close(tapes, &why), ERR_OK, "%s", why.text);
    record_tapes_free(tapes);
}

Test(record_tapes, a_new_pair_begins_at_midnight_with_the_books_as_they_are)
{
    struct record_tapes tapes;
    struct ticks ticks;
    const char *dir = scratch.dir;
    open_tapes(&tapes, &ticks, dir, false);
    pull(&tapes, &ticks, MIDNIGHT - 50 * NS_PER_S);
    book_event(&tapes, MIDNIGHT - 50 * NS_PER_S, EVENT_BOOK_SNAPSHOT, 10000, 5, 7);
    pull(&tapes, &ticks, MIDNIGHT + 10 * NS_PER_S);
    book_event(&tapes, MIDNIGHT + 10 * NS_PER_S, EVENT_BOOK_DELTA, 10000, 6, 8);
    pull(&tapes, &ticks, MIDNIGHT + 20 * NS_PER_S);
    close_tapes(&tapes);
    cr_assert_str_eq(names_in(dir), "market-2024-01-01T235900Z.tape\nmarket-2024-01-02T000000Z.tape\n"
                                    "raw-2024-01-01T235900Z.tape\nraw-2024-01-02T000000Z.tape\n");
    cr_assert_str_eq(told(dir, "market-2024-01-01T235900Z.tape"), "snapshot@-50:10000x5#7 ");
    cr_assert_str_eq(told(dir, "market-2024-01-02T000000Z.tape"), "snapshot@0:10000x5#7 delta@10:10000x6#8 ");
    cr_assert_str_eq(told(dir, "raw-2024-01-01T235900Z.tape"), "wire@-50 wire@10 ");
    cr_assert_str_eq(told(dir, "raw-2024-01-02T000000Z.tape"), "wire@20 ");
}

Test(record_tapes, a_stale_book_is_a_gap_on_the_new_tape)
{
    struct record_tapes tapes;
    struct ticks ticks;
    const char *dir = scratch.dir;
    open_tapes(&tapes, &ticks, dir, false);
    book_event(&tapes, MIDNIGHT - 50 * NS_PER_S, EVENT_BOOK_SNAPSHOT, 10000, 5, 7);
    const struct event gap = {.ts = MIDNIGHT - 40 * NS_PER_S, .kind = EVENT_GAP};
    cr_assert_eq(record_tapes_event(&tapes, &gap), ERR_OK);
    const struct event tick = {.ts = MIDNIGHT + 3 * NS_PER_S, .instrument = INSTRUMENT_NONE, .kind = EVENT_TICK};
    cr_assert_eq(record_tapes_event(&tapes, &tick), ERR_OK);
    book_event(&tapes, MIDNIGHT + 5 * NS_PER_S, EVENT_BOOK_SNAPSHOT, 10010, 1, 9);
    close_tapes(&tapes);
    cr_assert_str_eq(told(dir, "market-2024-01-02T000000Z.tape"), "gap@0 snapshot@5:10010x1#9 ");
}

Test(record_tapes, one_pair_goes_on_over_midnight)
{
    struct record_tapes tapes;
    struct ticks ticks;
    const char *dir = scratch.dir;
    open_tapes(&tapes, &ticks, dir, true);
    book_event(&tapes, MIDNIGHT - 50 * NS_PER_S, EVENT_BOOK_SNAPSHOT, 10000, 5, 7);
    book_event(&tapes, MIDNIGHT + 10 * NS_PER_S, EVENT_BOOK_DELTA, 10000, 6, 8);
    close_tapes(&tapes);
    cr_assert_str_eq(names_in(dir), "market-2024-01-01T235900Z.tape\nraw-2024-01-01T235900Z.tape\n");
}

Test(record_tapes, nothing_is_written_over)
{
    struct record_tapes tapes, again;
    struct ticks ticks;
    struct err_text why = {0};
    const char *dir = scratch.dir;
    open_tapes(&tapes, &ticks, dir, false);
    const struct record_options options = {.dir = dir, .source = "test", .created_by = "test"};
    cr_assert_eq(record_tapes_open(&again, &options, &instrument, 1, &ticks.source, MIDNIGHT - 60 * NS_PER_S, &why),
                 ERR_EXISTS);
    close_tapes(&tapes);
}

Test(record_tapes, what_is_known_of_the_data_stays_after_the_end)
{
    struct record_tapes tapes;
    struct ticks ticks;
    struct err_text why = {0};
    open_tapes(&tapes, &ticks, scratch.dir, false);
    book_event(&tapes, MIDNIGHT - 50 * NS_PER_S, EVENT_BOOK_SNAPSHOT, 10000, 5, 7);
    book_event(&tapes, MIDNIGHT - 10 * NS_PER_S, EVENT_BOOK_DELTA, 10000, 6, 8);
    cr_assert_eq(record_tapes_close(&tapes, &why), ERR_OK);
    cr_assert_eq(tapes.quality[0].messages, 2);
    cr_assert_eq(tapes.quality[0].silences, 1);
    cr_assert_eq(tapes.quality[0].silence_longest, 40 * NS_PER_S);
    record_tapes_free(&tapes);
}
