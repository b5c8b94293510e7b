/* A consumer that is too slow: what was thrown away is told where it was, and counted. */
#include "adapters/shell/live_clock.h"
#include "tests/shell/shell_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESSAGES 6000

struct told {
    uint64_t next; /* number that is due */
    uint64_t messages, dropped;
    bool up, down;
};

static void take(struct told *told, const struct link_input *input)
{
    char number[9] = {0};
    switch (input->what) {
    case LINK_UP:
        told->up = true;
        break;
    case LINK_TEXT:
        memcpy(number, input->text, 8);
        cr_assert_eq(strtoull(number, NULL, 10), told->next, "message %s after %llu", number,
                     (unsigned long long)told->next);
        told->next++;
        told->messages++;
        break;
    case LINK_DROPPED:
        cr_assert_gt(input->value, 0);
        told->next += (uint64_t)input->value;
        told->dropped += (uint64_t)input->value;
        break;
    case LINK_DOWN:
        cr_assert_eq(input->status, 1000);
        told->down = true;
        break;
    default:
        cr_assert_fail("an input of kind %u", input->what);
    }
}

/* Two connections flood a ring of 1 MiB. Now and then the consumer sleeps. */
Test(live_ring, what_is_thrown_away_is_told_in_its_place_and_counted)
{
    struct rig rig;
    struct told told[2] = {{0}, {0}};
    char path[60];
    rig_begin(&rig);
    rig_open(&rig, &(struct live_io_options){.ring_bytes = 1u << 20});
    snprintf(path, sizeof(path), "/flood?count=%d&size=1000", MESSAGES);
    rig_connect(&rig, 0, PLAIN, path);
    rig_connect(&rig, 1, PLAIN, path);
    for (unsigned i = 0; !told[0].down || !told[1].down; i++) {
        const struct timespec pause = {.tv_nsec = 100 * NS_PER_MS};
        if (i % 1500 == 0)
            nanosleep(&pause, NULL);
        const struct link_input *input = rig_next(&rig);
        cr_assert_leq(input->conn, 1);
        take(&told[input->conn], input);
    }
    struct live_io_stats stats;
    live_io_read_stats(rig.io, &stats);
    for (int i = 0; i < 2; i++)
        cr_assert(told[i].up && told[i].next == MESSAGES, "%llu", (unsigned long long)told[i].next);
    cr_assert_gt(stats.dropped, 0, "the ring was never full");
    cr_assert_eq(stats.dropped, told[0].dropped + told[1].dropped);
    cr_assert_eq(stats.messages, told[0].messages + told[1].messages);
    cr_assert_leq(stats.ring_most, stats.ring_bytes);
    rig_end(&rig);
}

/* While nothing is read, what is no message still finds its eighth. */
Test(live_ring, connections_answers_and_commands_are_never_thrown_away)
{
    struct rig rig;
    struct live_io_stats stats;
    rig_begin(&rig);
    rig_open(&rig, &(struct live_io_options){.ring_bytes = 1u << 20});
    rig_connect(&rig, 0, PLAIN, "/flood?count=4000&size=1000");
    do {
        const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
        nanosleep(&pause, NULL);
        live_io_read_stats(rig.io, &stats);
    } while (stats.messages + stats.dropped < 4000);
    rig_connect(&rig, 1, GOOD, "/echo");
    rig.wire->get(rig.wire->context, 0, 3, rig_https(&rig, GOOD, "/hello"), 10 * NS_PER_S);
    cr_assert_eq(live_io_command(rig.io, "pause"), ERR_OK);
    bool up = false, answered = false, paused = false, down = false;
    uint64_t dropped = 0;
    while (!up || !answered || !paused || !down) {
        const struct link_input *input = rig_next(&rig);
        up = up || (input->what == LINK_UP && input->conn == 1);
        down = down || (input->what == LINK_DOWN && input->conn == 0);
        answered = answered || (input->what == LINK_ANSWER && input->id == 3);
        paused = paused || (input->what == LINK_COMMAND && rig_says(input, "pause"));
        dropped += input->what == LINK_DROPPED ? (uint64_t)input->value : 0;
    }
    cr_assert_gt(dropped, 0);
    cr_assert_eq(dropped, stats.dropped);
    rig_end(&rig);
}

Test(live_ring, a_message_larger_than_the_ring_takes_is_thrown_away_and_told)
{
    struct rig rig;
    rig_begin(&rig);
    rig_open(&rig, &(struct live_io_options){.ring_bytes = 1u << 20});
    rig_connect(&rig, 4, GOOD, "/mixed");
    rig_expect(&rig, 4, LINK_UP);
    rig_expect_text(&rig, 4, "one");
    rig_expect(&rig, 4, LINK_BINARY);
    rig_expect_text(&rig, 4, "fragments");
    cr_assert_eq(rig_expect(&rig, 4, LINK_DROPPED)->value, 1, "300,000 bytes of 262,144");
    rig_expect_text(&rig, 4, "");
    rig_end(&rig);
}

Test(live_ring, closing_while_the_ring_is_full_does_not_hang)
{
    struct rig rig;
    struct live_io_stats stats;
    rig_begin(&rig);
    rig_open(&rig, &(struct live_io_options){.ring_bytes = 1u << 20});
    for (uint64_t i = 0; i < 100; i++) /* answers alone fill it */
        rig.wire->get(rig.wire->context, 0, i, rig_https(&rig, PLAIN, "/big?size=200000"), 20 * NS_PER_S);
    do {
        const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
        nanosleep(&pause, NULL);
        live_io_read_stats(rig.io, &stats);
    } while (stats.waits == 0);
    const ns_t began = live_clock_monotonic();
    live_io_close(rig.io);
    rig.io = NULL;
    cr_assert_lt(live_clock_monotonic() - began, 3 * NS_PER_S);
    rig_end(&rig);
}
