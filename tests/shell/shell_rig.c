#define _GNU_SOURCE /* memmem */
#include "tests/shell/shell_rig.h"

#include "tests/shell/shell_certs.h"

#include "adapters/shell/live_clock.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE (20 * NS_PER_S)

extern char **environ;

/* ---- from beginning to end ---- */

static void start_server(struct rig *rig)
{
    char script[] = TEST_SOURCE "/tests/shell/tls_server.py";
    int in[2], out[2];
    cr_assert_eq(pipe(in), 0);
    cr_assert_eq(pipe(out), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addclose(&actions, in[1]);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    char python[] = "python3", *words[] = {python, script, rig->folder, NULL};
    cr_assert_eq(posix_spawnp(&rig->server, "python3", &actions, NULL, words, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    rig->feeds = in[1];
    FILE *ports = fdopen(out[0], "r");
    cr_assert_not_null(ports);
    for (int i = 0; i < PORTS; i++)
        cr_assert_eq(fscanf(ports, "%d", &rig->ports[i]), 1, "tls_server.py did not begin");
    fclose(ports);
}

bool rig_one_thread;

void rig_begin(struct rig *rig)
{
    const char *root = getenv("TMPDIR");
    *rig = (struct rig){0};
    snprintf(rig->folder, sizeof(rig->folder), "%.180s/tapedeck-shell-XXXXXX", root != NULL ? root : "/tmp");
    cr_assert_not_null(mkdtemp(rig->folder));
    snprintf(rig->ca, sizeof(rig->ca), "%s/ca.pem", rig->folder);
    shell_certs(rig->folder);
    start_server(rig);
}

void rig_open(struct rig *rig, const struct live_io_options *options)
{
    struct live_io_options known = options != NULL ? *options : (struct live_io_options){0};
    struct err_text why = {0};
    if (known.ca_file == NULL)
        known.ca_file = rig->ca;
    known.one_thread = rig_one_thread;
    cr_assert_eq(live_io_open(&rig->io, &known, &why), ERR_OK, "%s", why.text);
    rig->wire = live_io_wire(rig->io);
}

void rig_start(struct rig *rig)
{
    rig_begin(rig);
    rig_open(rig, NULL);
}

void rig_end(struct rig *rig)
{
    char command[300];
    live_io_close(rig->io);
    close(rig->feeds);
    kill(rig->server, SIGKILL);
    waitpid(rig->server, NULL, 0);
    snprintf(command, sizeof(command), "rm -rf '%s'", rig->folder);
    cr_assert_eq(system(command), 0);
}

/* ---- asking ---- */

static const char *address(const struct rig *rig, const char *scheme, enum port port, const char *path)
{
    static char texts[8][256];
    static unsigned turn;
    char *text = texts[turn++ % 8];
    snprintf(text, sizeof(texts[0]), "%s://127.0.0.1:%d%s", scheme, rig->ports[port], path);
    return text;
}

const char *rig_wss(const struct rig *rig, enum port port, const char *path)
{
    return address(rig, port == PLAIN ? "ws" : "wss", port, path);
}

const char *rig_https(const struct rig *rig, enum port port, const char *path)
{
    return address(rig, port == PLAIN ? "http" : "https", port, path);
}

void rig_connect(struct rig *rig, uint8_t conn, enum port port, const char *path)
{
    rig->wire->open(rig->wire->context, 0, conn, rig_wss(rig, port, path));
}

void rig_send(struct rig *rig, uint8_t conn, const char *text)
{
    rig->wire->send(rig->wire->context, 0, conn, text, strlen(text));
}

/* ---- what comes ---- */

static const struct link_input *next_within(struct rig *rig, ns_t patience)
{
    static struct link_input input;
    struct err_text why = {0};
    const ns_t until = live_clock_monotonic() + patience;
    while (live_clock_monotonic() < until) {
        const ns_t before = input.ts;
        const err_t err = live_io_next(rig->io, NS_MAX, &input, &why);
        if (err == ERR_AGAIN) {
            live_io_wait(rig->io, live_io_now(rig->io) + NS_PER_S / 20);
            continue;
        }
        cr_assert_eq(err, ERR_OK, "%s", why.text);
        cr_assert_geq(input.ts, before, "time fell");
        if (input.what != LINK_TICK && input.what != LINK_CLOCK)
            return &input;
    }
    return NULL;
}

const struct link_input *rig_next(struct rig *rig)
{
    const struct link_input *input = next_within(rig, PATIENCE);
    cr_assert_not_null(input, "nothing came");
    return input;
}

const struct link_input *rig_expect(struct rig *rig, uint8_t conn, enum link_what what)
{
    const struct link_input *input = rig_next(rig);
    cr_assert(input->what == what && input->conn == conn, "%u of connection %u instead of %u of %u: %d, %.*s",
              input->what, input->conn, what, conn, input->status,
              (int)(input->text_size < 200 ? input->text_size : 200), input->text);
    return input;
}

void rig_expect_text(struct rig *rig, uint8_t conn, const char *text)
{
    const struct link_input *input = rig_expect(rig, conn, LINK_TEXT);
    cr_assert(input->text_size == strlen(text) && memcmp(input->text, text, strlen(text)) == 0, "'%.*s', not '%s'",
              (int)(input->text_size < 200 ? input->text_size : 200), input->text, text);
}

void rig_expect_nothing(struct rig *rig, ns_t time)
{
    const struct link_input *input = next_within(rig, time);
    cr_assert_null(input, "an input of kind %u came", input != NULL ? input->what : 0);
}

bool rig_says(const struct link_input *input, const char *word)
{
    return memmem(input->text, input->text_size, word, strlen(word)) != NULL;
}
