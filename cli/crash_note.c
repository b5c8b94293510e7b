/* How: whatever the handler needs is put into static places beforehand. __fpending tells how much of a stream's
 * buffer has not been written; where the C library has another layout of buffers, their rows are lost. */
#include "cli/crash_note.h"

#include "cli/run_dir.h"
#include "cli/version.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

#define STREAMS_MAX     24
#define ALTERNATE_STACK (64 * 1024) /* a strategy may have run out of the usual one */

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGABRT, "SIGABRT"}, {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}};

static struct {
    char path[PATH_SIZE]; /* empty: not armed */
    const struct engine *volatile engine;
    char build[64], config[33];
    struct {
        FILE *file;
        const char *buffer;
    } streams[STREAMS_MAX];
    volatile sig_atomic_t stream_count, running;
    struct sigaction before[ARRAY_LEN(signals)];
    char stack[ALTERNATE_STACK];
} note;

/* ---- in the handler ---- */

static void put(int file, const char *text, size_t size)
{
    while (size != 0) {
        const ssize_t done = write(file, text, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return; /* nobody is there to be told */
        text += done;
        size -= (size_t)done;
    }
}

static void put_text(int file, const char *text)
{
    put(file, text, strlen(text));
}

static void put_number(int file, int64_t value)
{
    char text[24];
    size_t at = sizeof(text);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        text[--at] = '-';
    put(file, text + at, sizeof(text) - at);
}

static void put_line(int file, const char *key, const char *value)
{
    put_text(file, key);
    put_text(file, value);
    put_text(file, "\n");
}

static void put_count(int file, const char *key, int64_t value)
{
    put_text(file, key);
    put_number(file, value);
    put_text(file, "\n");
}

static void write_note(const char *signal_name)
{
    const int file = open(note.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return;
    const struct assert_place *place = assert_failed_at();
    const struct engine *engine = note.engine;
    put_line(file, "signal ", signal_name);
    if (place->condition != NULL) {
        put_text(file, "assertion ");
        put_text(file, place->file);
        put_text(file, ":");
        put_number(file, place->line);
        put_line(file, ": ", place->condition);
    }
    put_count(file, "inputs ", (int64_t)engine_counters(engine)->inputs);
    put_count(file, "time_ns ", engine_now(engine));
    put_line(file, "build ", note.build);
    put_line(file, "config ", note.config);
    (void)fsync(file);
    close(file);
}

static void write_rows(void)
{
#ifdef __GLIBC__
    for (int i = 0; i < note.stream_count; i++) {
        const size_t pending = __fpending(note.streams[i].file);
        put(fileno_unlocked(note.streams[i].file), note.streams[i].buffer, pending);
    }
#endif
}

static void handle(int number, siginfo_t *info, void *context)
{
    (void)context;
    const int error = errno;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        if (signals[i].number != number)
            continue;
        sigaction(number, &note.before[i], NULL);
        if (!note.running && note.path[0] != '\0') {
            note.running = 1;
            write_note(signals[i].name);
            write_rows();
        }
    }
    /* A fault of an instruction happens again on return; a signal that was sent has to be sent again. */
    if (info->si_code <= 0)
        (void)raise(number);
    errno = error;
}

/* ---- outside ---- */

void crash_note_engine(const struct engine *engine)
{
    note.engine = engine;
}

void crash_note_arm(const char *dir, const struct engine *engine, const char *config_hash)
{
    if (!run_dir_path(note.path, dir, CRASH_NOTE_FILE)) {
        note.path[0] = '\0';
        return;
    }
    note.engine = engine;
    note.running = 0;
    note.stream_count = 0;
    snprintf(note.build, sizeof(note.build), "%s", cli_build_id());
    snprintf(note.config, sizeof(note.config), "%s", config_hash);
    const stack_t stack = {.ss_sp = note.stack, .ss_size = sizeof(note.stack)};
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO;
    stack_t old;
    /* A sanitizer may have a stack of its own. */
    if ((sigaltstack(NULL, &old) == 0 && (old.ss_flags & SS_DISABLE) == 0) || sigaltstack(&stack, NULL) == 0)
        action.sa_flags |= SA_ONSTACK;
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        sigaction(signals[i].number, &action, &note.before[i]);
}

void crash_note_stream(FILE *file, const char *buffer)
{
    if (note.stream_count == STREAMS_MAX)
        return;
    note.streams[note.stream_count].file = file;
    note.streams[note.stream_count].buffer = buffer;
    note.stream_count++;
}

void crash_note_disarm(void)
{
    note.stream_count = 0;
    if (note.path[0] == '\0')
        return;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        sigaction(signals[i].number, &note.before[i], NULL);
    note.path[0] = '\0';
}
