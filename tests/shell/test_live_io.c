#include "adapters/shell/live_clock.h"
#include "tests/shell/shell_rig.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_pattern(const char *text, size_t size, bool backwards)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] != "0123456789abcdef"[(backwards ? size - 1 - i : i) % 16])
            return false;
    return true;
}

/* ---- messages ---- */

Both(live_io, messages_come_whole_and_in_their_order)
{
    struct rig rig;
    rig_start(&rig);
    rig_connect(&rig, 3, GOOD, "/mixed");
    rig_expect(&rig, 3, LINK_UP);
    rig_expect_text(&rig, 3, "one");
    const struct link_input *input = rig_expect(&rig, 3, LINK_BINARY);
    cr_assert(input->text_size == 3 && memcmp(input->text, "\x00\x01\xff", 3) == 0);
    rig_expect_text(&rig, 3, "fragments");
    input = rig_expect(&rig, 3, LINK_TEXT);
    cr_assert_eq(input->text_size, 300000);
    cr_assert(is_pattern(input->text, 300000, false));
    for (int i = 0; i < FRAME_PADDING; i++)
        cr_assert_eq(input->text[input->text_size + (size_t)i], 0, "padding for the reader of JSON");
    rig_expect_text(&rig, 3, "");
    input = rig_expect(&rig, 3, LINK_BINARY);
    cr_assert_eq(input->text_size, 70000);
    cr_assert(is_pattern(input->text, 70000, true));
    struct live_io_stats stats;
    live_io_read_stats(rig.io, &stats);
    cr_assert_eq(stats.messages, 6);
    cr_assert_eq(stats.bytes, 3 + 3 + 9 + 300000 + 70000);
    cr_assert_eq(stats.dropped, 0);
    rig_end(&rig);
}

Both(live_io, what_is_sent_arrives_in_its_order_and_whole)
{
    struct rig rig;
    char text[40], *large = malloc(200001);
    rig_start(&rig);
    rig_connect(&rig, 0, GOOD, "/echo");
    rig_expect(&rig, 0, LINK_UP);
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof(text), "message %d", i);
        rig_send(&rig, 0, text);
    }
    memset(large, 'z', 200000);
    large[200000] = '\0';
    rig_send(&rig, 0, large);
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof(text), "message %d", i);
        rig_expect_text(&rig, 0, text);
    }
    rig_expect_text(&rig, 0, large);
    free(large);
    rig_end(&rig);
}

Both(live_io, a_ping_is_answered_by_a_pong_on_either_side)
{
    struct rig rig;
    rig_start(&rig);
    rig_connect(&rig, 1, GOOD, "/ping");
    rig_expect(&rig, 1, LINK_UP);
    rig_expect_text(&rig, 1, "10 are you there");
    rig.wire->ping(rig.wire->context, 0, 1);
    rig_expect(&rig, 1, LINK_PONG);
    rig_end(&rig);
}

Both(live_io, many_connections_at_once_are_told_apart)
{
    struct rig rig;
    rig_start(&rig);
    for (uint8_t i = 0; i < LINK_CONNS; i++)
        rig_connect(&rig, i, i % 2 == 0 ? GOOD : PLAIN, "/echo");
    for (uint8_t i = 0; i < LINK_CONNS; i++)
        cr_assert_eq(rig_next(&rig)->what, LINK_UP);
    for (uint8_t i = 0; i < LINK_CONNS; i++) {
        char text[2] = {(char)('a' + i), '\0'};
        rig_send(&rig, i, text);
        rig_expect_text(&rig, i, text);
    }
    rig_end(&rig);
}

/* ---- the end of connections ---- */

Both(live_io, the_close_code_and_the_reason_are_told)
{
    struct rig rig;
    rig_start(&rig);
    rig_connect(&rig, 0, GOOD, "/close?code=4321&reason=enough");
    rig_expect(&rig, 0, LINK_UP);
    rig_expect_text(&rig, 0, "last words");
    const struct link_input *input = rig_expect(&rig, 0, LINK_DOWN);
    cr_assert_eq(input->status, 4321);
    cr_assert(rig_says(input, "enough"));
    rig_connect(&rig, 0, GOOD, "/close");
    rig_expect(&rig, 0, LINK_UP);
    rig_expect_text(&rig, 0, "last words");
    cr_assert_eq(rig_expect(&rig, 0, LINK_DOWN)->status, 0, "a close without a code has none");
    rig_end(&rig);
}

Both(live_io, a_connection_that_is_cut_is_down_without_a_code)
{
    struct rig rig;
    rig_start(&rig);
    rig_connect(&rig, 0, GOOD, "/cut");
    rig_expect(&rig, 0, LINK_UP);
    rig_expect_text(&rig, 0, "before");
    const struct link_input *input = rig_expect(&rig, 0, LINK_DOWN);
    cr_assert_eq(input->status, 0);
    cr_assert(rig_says(input, "lost"));
    rig_end(&rig);
}

Both(live_io, a_message_that_is_too_large_ends_its_connection)
{
    struct rig rig;
    rig_start(&rig);
    rig_connect(&rig, 0, GOOD, "/huge");
    rig_expect(&rig, 0, LINK_UP);
    const struct link_input *input = rig_expect(&rig, 0, LINK_DOWN);
    cr_assert_eq(input->status, 1009);
    cr_assert(rig_says(input, "more than"));
    rig_end(&rig);
}

Both(live_io, bytes_that_are_no_frame_end_their_connection)
{
    struct rig rig;
    rig_start(&rig);
    rig_connect(&rig, 0, GOOD, "/broken");
    rig_expect(&rig, 0, LINK_UP);
    rig_expect(&rig, 0, LINK_DOWN);
    rig_end(&rig);
}

Both(live_io, a_connection_that_is_closed_brings_its_down_and_nothing_else)
{
    struct rig rig;
    rig_start(&rig);
    rig_connect(&rig, 0, GOOD, "/echo");
    rig_expect(&rig, 0, LINK_UP);
    for (int i = 0; i < 20; i++)
        rig_send(&rig, 0, "again");
    rig_expect_text(&rig, 0, "again"); /* the others are in the ring, or on their way */
    rig.wire->close(rig.wire->context, 0, 0);
    const struct link_input *input = rig_expect(&rig, 0, LINK_DOWN);
    cr_assert(rig_says(input, "closed by us"));
    rig.wire->close(rig.wire->context, 0, 0); /* of nothing: nothing */
    rig_expect_nothing(&rig, NS_PER_S / 4);
    rig_connect(&rig, 0, GOOD, "/echo");
    rig_expect(&rig, 0, LINK_UP);
    rig_send(&rig, 0, "anew");
    rig_expect_text(&rig, 0, "anew");
    rig_end(&rig);
}

static ns_t close_takes(struct rig *rig, enum port port, const char *path, bool opens)
{
    rig_connect(rig, 0, port, path);
    if (opens)
        rig_expect(rig, 0, LINK_UP);
    else
        rig_expect_nothing(rig, NS_PER_S / 4);
    const ns_t began = live_clock_monotonic();
    rig->wire->close(rig->wire->context, 0, 0);
    cr_assert(rig_says(rig_expect(rig, 0, LINK_DOWN), "closed by us"));
    return live_clock_monotonic() - began;
}

Both(live_io, a_close_takes_no_longer_than_promised_whatever_the_other_side_does)
{
    struct rig rig;
    rig_start(&rig);
    cr_assert_lt(close_takes(&rig, GOOD, "/stubborn", true), 2500 * NS_PER_MS, "no answer to the close");
    cr_assert_lt(close_takes(&rig, GOOD, "/deaf", true), 2500 * NS_PER_MS, "nobody reads");
    cr_assert_lt(close_takes(&rig, GOOD, "/never", false), 2500 * NS_PER_MS, "in the middle of the handshake");
    cr_assert_lt(close_takes(&rig, PLAIN, "/stubborn", true), 2500 * NS_PER_MS);
    char *large = malloc(250001);
    memset(large, 'z', 250000);
    large[250000] = '\0';
    rig_connect(&rig, 0, GOOD, "/deaf");
    rig_expect(&rig, 0, LINK_UP);
    for (int i = 0; i < 12; i++)
        rig_send(&rig, 0, large);
    free(large);
    const ns_t began = live_clock_monotonic();
    rig.wire->close(rig.wire->context, 0, 0);
    rig_expect(&rig, 0, LINK_DOWN);
    cr_assert_lt(live_clock_monotonic() - began, 2500 * NS_PER_MS, "with much that was not taken");
    rig_end(&rig);
}

Both(live_io, a_connection_that_does_not_take_what_is_sent_is_given_up)
{
    struct rig rig;
    char *large = malloc(250001);
    memset(large, 'z', 250000);
    large[250000] = '\0';
    rig_start(&rig);
    rig_connect(&rig, 0, GOOD, "/deaf");
    rig_expect(&rig, 0, LINK_UP);
    for (int i = 0; i < 200; i++) { /* far more than the sockets and the queue hold */
        rig_send(&rig, 0, large);
        live_io_wait(rig.io, live_io_now(rig.io) + 2 * NS_PER_MS);
    }
    const struct link_input *input = rig_expect(&rig, 0, LINK_DOWN);
    cr_assert(rig_says(input, "piled up"), "%.*s", (int)input->text_size, input->text);
    free(large);
    rig_end(&rig);
}

/* ---- shutting down ---- */

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    cr_assert_not_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

Both(live_io, closing_with_everything_under_way_leaves_nothing_open)
{
    struct rig rig;
    rig_begin(&rig);
    rig_open(&rig, NULL); /* libraries keep a few things of their first use */
    live_io_close(rig.io);
    const unsigned before = open_files();
    for (int i = 0; i < 3; i++) {
        rig_open(&rig, NULL);
        rig_connect(&rig, 0, GOOD, "/mixed");
        rig_expect(&rig, 0, LINK_UP);
        rig_connect(&rig, 1, GOOD, "/never");
        rig_connect(&rig, 2, GOOD, "/stubborn");
        rig_connect(&rig, 3, PLAIN, "/flood?count=1000&size=1000");
        rig.wire->get(rig.wire->context, 0, 1, rig_https(&rig, GOOD, "/slow"), 60 * NS_PER_S);
        rig.wire->get(rig.wire->context, 0, 2, rig_https(&rig, GOOD, "/big?size=200000"), 60 * NS_PER_S);
        rig_next(&rig);
        rig_send(&rig, 0, "never read");
        rig.wire->close(rig.wire->context, 0, 2);
        cr_assert_eq(live_io_command(rig.io, "stop"), ERR_OK);
        live_io_close(rig.io);
        rig.io = NULL;
    }
    cr_assert_eq(open_files(), before);
    rig_end(&rig);
}

/* ---- commands, time, signals ---- */

static void *command(void *context)
{
    struct rig *rig = context;
    char text[40];
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof(text), "set threshold=%d", i);
        while (live_io_command(rig->io, text) == ERR_FULL)
            sched_yield();
    }
    return NULL;
}

Both(live_io, commands_come_once_and_in_their_order)
{
    struct rig rig;
    pthread_t thread;
    rig_start(&rig);
    cr_assert_eq(pthread_create(&thread, NULL, command, &rig), 0);
    for (int i = 0; i < 200; i++) {
        char text[40];
        snprintf(text, sizeof(text), "set threshold=%d", i);
        const struct link_input *input = rig_expect(&rig, 0, LINK_COMMAND);
        cr_assert(input->text_size == strlen(text) && memcmp(input->text, text, input->text_size) == 0);
    }
    pthread_join(thread, NULL);
    char large[200];
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    cr_assert_eq(live_io_command(rig.io, large), ERR_RANGE);
    rig_end(&rig);
}

Both(live_io, with_nothing_arriving_time_passes_in_ticks)
{
    struct rig rig;
    struct link_input input;
    struct err_text why = {0};
    rig_begin(&rig);
    rig_open(&rig, &(struct live_io_options){.tick = NS_PER_S});
    const ns_t began = live_io_now(rig.io), due = began + 30 * NS_PER_MS;
    while (live_io_next(rig.io, due, &input, &why) == ERR_AGAIN)
        live_io_wait(rig.io, due);
    cr_assert_eq(input.what, LINK_TICK);
    cr_assert(input.ts >= due && input.ts < due + NS_PER_S, "when it is due");
    const ns_t last = input.ts;
    while (live_io_next(rig.io, NS_MAX, &input, &why) == ERR_AGAIN)
        live_io_wait(rig.io, NS_MAX);
    cr_assert_eq(input.what, LINK_TICK);
    cr_assert(input.ts >= last + NS_PER_S && input.ts < last + 3 * NS_PER_S, "and once a tick");
    rig_end(&rig);
}

static volatile sig_atomic_t signalled;
static pthread_t signalled_in;

static void on_signal(int number)
{
    (void)number;
    signalled_in = pthread_self();
    signalled = 1;
}

static void *raise_soon(void *context)
{
    (void)context;
    const struct timespec pause = {.tv_nsec = 50 * NS_PER_MS};
    nanosleep(&pause, NULL);
    kill(getpid(), SIGUSR1);
    return NULL;
}

Both(live_io, a_signal_comes_to_the_engines_thread_and_ends_its_wait)
{
    struct rig rig;
    pthread_t thread;
    sigset_t one;
    rig_begin(&rig);
    rig_open(&rig, &(struct live_io_options){.tick = 20 * NS_PER_S});
    signal(SIGUSR1, on_signal);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &one, NULL); /* for the thread that raises it */
    cr_assert_eq(pthread_create(&thread, NULL, raise_soon, NULL), 0);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    const ns_t began = live_clock_monotonic();
    while (!signalled)
        live_io_wait(rig.io, NS_MAX);
    cr_assert_lt(live_clock_monotonic() - began, 900 * NS_PER_MS);
    cr_assert(pthread_equal(signalled_in, pthread_self()));
    pthread_join(thread, NULL);
    rig_connect(&rig, 0, GOOD, "/echo");
    rig_expect(&rig, 0, LINK_UP);
    rig_end(&rig);
}
