#include "feeds/tape_feed.h"

#include "data/tape_writer.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGES 500

static char path[64];

/* Trades of three instruments, in blocks of 64. */
static void write_tape(void)
{
    struct instrument instruments[3];
    struct tape_writer *writer;
    struct tape_writer_stats stats;
    struct err_text why = {0};
    static const char *const symbols[] = {"A", "B", "C"};
    const struct tape_writer_options options = {.block_levels = 64};
    strcpy(path, "/tmp/tapedeck-feed-XXXXXX");
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    close(file);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(instrument_init(&instruments[i], "synthetic", symbols[i], "B", "Q", CONTRACT_LINEAR, 0, 0),
                     ERR_OK);
    cr_assert_eq(tape_writer_open(&writer, path, instruments, 3, &options, &why), ERR_OK, "%s", why.text);
    for (uint32_t n = 0; n < MESSAGES; n++) {
        const struct level level = {100 + n % 7, 1 + n};
        const struct event event = {.ts = n,
                                    .exch_ts = n,
                                    .seq = n,
                                    .levels = &level,
                                    .bid_count = 1,
                                    .instrument = (uint16_t)(n % 3),
                                    .kind = EVENT_TRADE};
        cr_assert_eq(tape_writer_add(writer, &event), ERR_OK);
    }
    cr_assert_eq(tape_writer_close(writer, &stats, &why), ERR_OK);
    cr_assert_geq(stats.blocks, 7);
}

static void remove_tape(void)
{
    unlink(path);
}

TestSuite(tape_feed, .init = write_tape, .fini = remove_tape);

Test(tape_feed, every_message_comes_once_with_the_lane_and_number_of_the_run)
{
    static const uint16_t map[] = {7, INSTRUMENT_NONE, 2};
    for (int n = 0; n < 4; n++) {
        const struct tape_feed_options options = {.read_ahead = n % 2 == 1, .map = n < 2 ? map : NULL, .lane = 9};
        struct feed *feed;
        struct event_batch batch;
        struct err_text why = {0};
        uint32_t count = 0;
        err_t err;
        cr_assert_eq(tape_feed_open(&feed, path, &options, &why), ERR_OK, "%s", why.text);
        cr_expect_eq(tape_feed_info(feed)->messages, MESSAGES);
        cr_expect_eq(tape_feed_position(feed), 0);
        while ((err = feed->ops->next(feed, &batch)) == ERR_OK) {
            for (uint32_t i = 0; i < batch.count; i++, count++) {
                const struct event *event = &batch.events[i];
                cr_assert(event->seq == count && event->lane == 9 && event->levels[0].qty == 1 + count);
                cr_assert_eq(event->instrument, n < 2 ? map[count % 3] : count % 3);
            }
            cr_expect_eq(tape_feed_position(feed), count);
            feed->ops->release(feed, batch.handle);
        }
        cr_assert_eq(err, ERR_END);
        cr_assert_eq(count, MESSAGES);
        feed->ops->close(feed);
    }
}

Test(tape_feed, batches_stay_readable_until_released_and_no_more_are_held_than_asked_for)
{
    for (uint32_t lookahead = 0; lookahead <= 6; lookahead += 3) {
        const struct tape_feed_options options = {.lookahead = lookahead};
        const uint32_t room = lookahead == 0 ? 4 : lookahead;
        struct feed *feed;
        struct event_batch batches[8], more;
        struct err_text why = {0};
        cr_assert_eq(tape_feed_open(&feed, path, &options, &why), ERR_OK, "%s", why.text);
        for (uint32_t i = 0; i < room; i++)
            cr_assert_eq(feed->ops->next(feed, &batches[i]), ERR_OK);
        cr_assert_eq(feed->ops->next(feed, &more), ERR_FULL);
        uint64_t seq = 0;
        for (uint32_t i = 0; i < room; i++)
            for (uint32_t n = 0; n < batches[i].count; n++)
                cr_assert_eq(batches[i].events[n].seq, seq++);
        feed->ops->release(feed, batches[1].handle); /* in any order */
        cr_assert_eq(feed->ops->next(feed, &more), ERR_OK);
        cr_assert_eq(more.events[0].seq, seq);
        cr_assert_eq(feed->ops->next(feed, &more), ERR_FULL);
        cr_assert_eq(batches[0].events[0].seq, 0);
        feed->ops->close(feed); /* with batches held */
    }
}

Test(tape_feed, a_tape_that_is_not_there_is_named)
{
    const struct tape_feed_options options = {.lookahead = 2};
    struct feed *feed = NULL;
    struct err_text why = {0};
    cr_expect_eq(tape_feed_open(&feed, "/nowhere/x.tape", &options, &why), ERR_NOTFOUND);
    cr_expect(strstr(why.text, "/nowhere/x.tape") != NULL, "%s", why.text);
    cr_expect(feed == NULL);
}

static void flip_a_bit_in_the_middle(void)
{
    FILE *file = fopen(path, "r+b");
    cr_assert(file != NULL && fseek(file, 0, SEEK_END) == 0);
    const long middle = ftell(file) / 2;
    cr_assert_eq(fseek(file, middle, SEEK_SET), 0);
    const int byte = fgetc(file);
    cr_assert(fseek(file, middle, SEEK_SET) == 0 && fputc(byte ^ 1, file) != EOF && fclose(file) == 0);
}

Test(tape_feed, a_damaged_block_ends_the_feed_with_its_place_and_for_good, .timeout = 10)
{
    flip_a_bit_in_the_middle();
    for (int ahead = 0; ahead < 2; ahead++) {
        const struct tape_feed_options options = {.lookahead = 2, .read_ahead = ahead != 0};
        struct feed *feed;
        struct event_batch batch;
        struct err_text why = {0};
        err_t err;
        uint32_t count = 0;
        cr_assert_eq(tape_feed_open(&feed, path, &options, &why), ERR_OK, "%s", why.text);
        while ((err = feed->ops->next(feed, &batch)) == ERR_OK) {
            count += batch.count;
            feed->ops->release(feed, batch.handle);
        }
        for (int again = 0; again < 3; again++) { /* asking once more neither waits for ever nor goes on behind it */
            cr_expect_eq(err, ERR_CORRUPT);
            cr_expect(strstr(feed->why.text, path) != NULL, "%s", feed->why.text);
            err = feed->ops->next(feed, &batch);
        }
        cr_expect(count > 0 && count < MESSAGES);
        feed->ops->close(feed);
    }
}
