/* Inputs of a session on disk: all of them, in their order, with every byte; what a slow disk and a sudden death do.
 */
#include "core/prng.h"
#include "data/raw_tape.h"
#include "data/tape_reader.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *scratch(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "/tmp/tapedeck-raw-%s-%d.tape", name, (int)getpid());
    return path;
}

static char noise[1u << 20];

/* Input number `i` of a made session: texts of all lengths, a few very long ones. */
static struct event_wire input_of(uint64_t i)
{
    struct prng prng;
    prng_init(&prng, i, 3);
    struct event_wire wire = {.what = (uint8_t)(i % 11), .link = (uint16_t)(i % 3), .conn = (uint8_t)(i % 5)};
    wire.id = prng_next(&prng);
    wire.value = (int64_t)prng_next(&prng);
    wire.status = (int32_t)prng_range(&prng, -1, 600);
    wire.head_size = i % 7 == 0 ? (uint32_t)prng_below(&prng, 200) : 0;
    wire.text_size = (uint32_t)prng_below(&prng, i % 1000 == 999 ? 400000 : i % 4 == 0 ? 3000 : 300);
    wire.head = wire.head_size != 0 ? noise + prng_below(&prng, 1000) : NULL;
    wire.text = wire.text_size != 0 ? noise + prng_below(&prng, 500000) : NULL;
    return wire;
}

static void make_noise(void)
{
    struct prng prng;
    prng_init(&prng, 1, 1);
    for (size_t i = 0; i < sizeof(noise); i += 8) {
        const uint64_t word = prng_next(&prng);
        memcpy(noise + i, &word, 8);
    }
}

static bool same_bytes(const char *a, const char *b, uint32_t size)
{
    return size == 0 ? a == NULL : memcmp(a, b, size) == 0;
}

static bool is_input(const struct event *event, uint64_t i)
{
    const struct event_wire *got = event->body, wanted = input_of(i);
    return event->kind == EVENT_WIRE && got->what == wanted.what && got->link == wanted.link &&
           got->conn == wanted.conn && got->id == wanted.id && got->value == wanted.value &&
           got->status == wanted.status && got->head_size == wanted.head_size && got->text_size == wanted.text_size &&
           same_bytes(got->head, wanted.head, got->head_size) && same_bytes(got->text, wanted.text, got->text_size);
}

/* How many inputs there are, each checked; a checkpoint with their number comes behind every 100th. */
static uint64_t read_back(const char *path, err_t *end)
{
    struct tape_reader *reader;
    struct tape_block block;
    uint64_t inputs = 0;
    cr_assert_eq(tape_reader_open(&reader, path, NULL, NULL), ERR_OK);
    while ((*end = tape_reader_next(reader, &block, NULL)) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count; i++) {
            const struct event *event = &block.events[i];
            if (event->kind == EVENT_CHECKPOINT) {
                cr_assert_eq(((const struct event_checkpoint *)event->body)->inputs, inputs);
                continue;
            }
            cr_assert(is_input(event, inputs), "input %" PRIu64 " came back as another", inputs);
            cr_assert_eq(event->ts, (ns_t)(1000 + inputs));
            inputs++;
        }
        tape_reader_release(reader, block.buffer);
    }
    tape_reader_close(reader);
    return inputs;
}

static struct raw_tape *open_tape(const char *path, uint32_t half_bytes)
{
    struct raw_tape *tape;
    struct err_text why = {0};
    const struct raw_tape_options options = {.source = "a test", .created_by = "test", .half_bytes = half_bytes};
    cr_assert_eq(raw_tape_open(&tape, path, NULL, 0, &options, &why), ERR_OK, "%s", why.text);
    return tape;
}

static err_t add(struct raw_tape *tape, uint64_t i)
{
    const struct event_wire input = input_of(i);
    err_t err = raw_tape_add(tape, (ns_t)(1000 + i), &input);
    const struct event_checkpoint checkpoint = {.inputs = i + 1};
    if (err == ERR_OK && i % 100 == 99)
        err = raw_tape_checkpoint(tape, (ns_t)(1000 + i), &checkpoint);
    return err;
}

Test(raw_tape, holds_every_byte_of_every_input)
{
    enum { COUNT = 20000 };
    make_noise();
    const char *path = scratch("all");
    struct raw_tape *tape = open_tape(path, 0);
    struct raw_tape_stats stats;
    for (uint64_t i = 0; i < COUNT; i++)
        cr_assert_eq(add(tape, i), ERR_OK);
    cr_assert_eq(raw_tape_close(tape, &stats, NULL), ERR_OK);
    cr_expect_eq(stats.records, COUNT + COUNT / 100);
    cr_expect_gt(stats.blocks, 2);
    err_t end;
    cr_expect_eq(read_back(path, &end), COUNT);
    cr_expect_eq(end, ERR_END);
    unlink(path);
}

Test(raw_tape, an_input_larger_than_a_half_is_kept_whole)
{
    make_noise();
    const char *path = scratch("large");
    struct raw_tape *tape = open_tape(path, 64);
    cr_assert_eq(add(tape, 0), ERR_OK);
    cr_assert_eq(raw_tape_close(tape, NULL, NULL), ERR_OK);
    err_t end;
    cr_expect_eq(read_back(path, &end), 1);
    unlink(path);
}

Test(raw_tape, what_was_added_a_second_ago_survives_a_kill)
{
    enum { COUNT = 300 };
    make_noise();
    const char *path = scratch("kill");
    const pid_t child = fork();
    if (child == 0) {
        struct raw_tape *tape = open_tape(path, 0);
        for (uint64_t i = 0; i < COUNT; i++)
            (void)add(tape, i);
        for (;;)
            pause();
    }
    usleep(1000000);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    err_t end;
    cr_expect_eq(read_back(path, &end), COUNT);
    cr_expect_eq(end, ERR_TRUNCATED);
    unlink(path);
}

/* ---- a disk that does not follow: a pipe that nobody reads for a while ---- */

struct slow_disk {
    const char *pipe, *file;
    int go[2]; /* a byte: begin to read */
};

static void *drain(void *context)
{
    const struct slow_disk *disk = context;
    const int from = open(disk->pipe, O_RDONLY), to = open(disk->file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    static uint8_t bytes[65536];
    char go;
    ssize_t got = read(disk->go[0], &go, 1);
    while (got > 0 && (got = read(from, bytes, sizeof(bytes))) > 0)
        if (write(to, bytes, (size_t)got) != got)
            break;
    close(from);
    close(to);
    return NULL;
}

Test(raw_tape, a_disk_that_does_not_follow_ends_the_session_and_leaves_nothing_out, .timeout = 60)
{
    make_noise();
    char pipe_path[160], file_path[160];
    snprintf(pipe_path, sizeof(pipe_path), "%s.pipe", scratch("slow"));
    snprintf(file_path, sizeof(file_path), "%s", scratch("slow"));
    cr_assert_eq(mkfifo(pipe_path, 0600), 0);
    struct slow_disk disk = {.pipe = pipe_path, .file = file_path};
    cr_assert_eq(pipe(disk.go), 0);
    pthread_t reader;
    cr_assert_eq(pthread_create(&reader, NULL, drain, &disk), 0);
    struct raw_tape *tape = open_tape(pipe_path, 2u << 20);
    uint64_t added = 0;
    err_t err = ERR_OK;
    while (err == ERR_OK && added < 1000000) {
        err = add(tape, added);
        added += err == ERR_OK;
    }
    cr_expect_eq(err, ERR_FULL);
    cr_expect_eq(add(tape, added), ERR_FULL, "and nothing is added after it");
    cr_assert_eq(write(disk.go[1], "x", 1), 1);
    struct err_text why = {0};
    cr_expect_eq(raw_tape_close(tape, NULL, &why), ERR_FULL);
    cr_expect(strstr(why.text, "did not follow") != NULL, "%s", why.text);
    pthread_join(reader, NULL);
    err_t end;
    const uint64_t kept = read_back(file_path, &end);
    /* the checkpoint behind an input may be what found no room */
    cr_expect(kept == added || kept == added + 1, "%" PRIu64 " kept of %" PRIu64, kept, added);
    cr_expect_eq(end, ERR_END);
    unlink(pipe_path);
    unlink(file_path);
}
