#include "cli/explain_program.h"

#include "cli/stop_signal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX   1000 /* of what it says on standard error */
#define NOT_STARTED 127

struct talk {
    char *text; /* its standard output */
    size_t size;
    FILE *said; /* its standard error */
    int status;
};

static void talk_end(struct talk *talk)
{
    free(talk->text);
    if (talk->said != NULL)
        fclose(talk->said);
}

static _Noreturn void become(char *const *arguments, int output, FILE *said)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it is nobody's when its asker is gone */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (dup2(output, STDOUT_FILENO) >= 0 && dup2(fileno(said), STDERR_FILENO) >= 0)
        execv(arguments[0], arguments);
    _exit(NOT_STARTED);
}

/* Until it has said all. False: we are to stop. */
static bool listen_to(struct talk *talk, int input, err_t *err)
{
    FILE *text = open_memstream(&talk->text, &talk->size);
    char bytes[16384];
    bool going = true;
    *err = text == NULL ? ERR_NOMEM : ERR_OK;
    while (*err == ERR_OK && going) {
        struct pollfd fd = {.fd = input, .events = POLLIN};
        if (stop_signal() != 0)
            break;
        if (poll(&fd, 1, 200) <= 0)
            continue;
        const ssize_t got = read(input, bytes, sizeof(bytes));
        if (got < 0 && errno == EINTR)
            continue;
        going = got > 0;
        if (going && fwrite(bytes, 1, (size_t)got, text) != (size_t)got)
            *err = ERR_NOMEM;
    }
    if (text != NULL && fclose(text) != 0)
        *err = ERR_NOMEM;
    return !going;
}

static err_t ask(char *const *arguments, struct talk *talk, struct err_text *why)
{
    int ends[2];
    err_t err = ERR_OK;
    if (access(arguments[0], X_OK) != 0)
        return err_say(why, errno == EACCES ? ERR_PERMISSION : ERR_NOTFOUND, "%s: %s", arguments[0], strerror(errno));
    if ((talk->said = tmpfile()) == NULL || pipe(ends) != 0)
        return err_say(why, ERR_IO, "%s cannot be started: %s", arguments[0], strerror(errno));
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        become(arguments, ends[1], talk->said);
    }
    close(ends[1]);
    const bool whole = pid > 0 && listen_to(talk, ends[0], &err);
    close(ends[0]);
    if (pid < 0)
        return err_say(why, ERR_NOMEM, "%s cannot be started: %s", arguments[0], strerror(errno));
    if (!whole)
        kill(pid, SIGKILL);
    while (waitpid(pid, &talk->status, 0) < 0 && errno == EINTR)
        continue;
    if (err != ERR_OK)
        return err_say(why, err, "out of memory");
    return whole ? ERR_OK : err_say(why, ERR_INTERRUPTED, "interrupted");
}

err_t explain_program_build(const char *program, char build[EXPLAIN_BUILD_SIZE], struct err_text *why)
{
    char *const arguments[] = {(char *)(uintptr_t)program, (char *)(uintptr_t) "--version", NULL};
    struct talk talk = {0};
    err_t err = ask(arguments, &talk, why);
    const char *line = err == ERR_OK && talk.size != 0 ? strstr(talk.text, "\nbuild ") : NULL;
    if (err == ERR_OK &&
        (line == NULL || strncmp(talk.text, "tapedeck ", 9) != 0 || sscanf(line, " build %79s", build) != 1))
        err = err_say(why, ERR_UNSUPPORTED, "%s: is no tapedeck: --version does not tell its build", program);
    talk_end(&talk);
    return err;
}

/* ---- a run ---- */

/* Its last words, without the name of the verb that it says them as. */
static void last_words(FILE *said, char words[WORDS_MAX + 1])
{
    static const char head[] = "tapedeck run: ";
    words[0] = '\0';
    if (fseek(said, 0, SEEK_END) != 0)
        return;
    const long size = ftell(said);
    if (size <= 0 || fseek(said, size > WORDS_MAX ? size - WORDS_MAX : 0, SEEK_SET) != 0)
        return;
    size_t got = fread(words, 1, WORDS_MAX, said);
    while (got > 0 && words[got - 1] == '\n')
        got--;
    words[got] = '\0';
    if (strncmp(words, head, sizeof(head) - 1) == 0)
        memmove(words, words + sizeof(head) - 1, got + 2 - sizeof(head));
}

static err_t take_result(const char *program, struct talk *talk, json_t **result, struct err_text *why)
{
    char words[WORDS_MAX + 1];
    json_error_t error;
    last_words(talk->said, words);
    if (!WIFEXITED(talk->status))
        return err_say(why, ERR_CONFIG, "%s was ended by signal %d%s%.700s", program, WTERMSIG(talk->status),
                       words[0] != '\0' ? ": " : "", words);
    if (WEXITSTATUS(talk->status) != 0)
        return err_say(why, ERR_CONFIG, "%s says: %.700s", program, words);
    *result = json_loadb(talk->text, talk->size, 0, &error);
    return *result != NULL ? ERR_OK
                           : err_say(why, ERR_CORRUPT, "%s: its result is not JSON: %s", program, error.text);
}

static err_t write_config(char *path, const char *config, struct err_text *why)
{
    const int fd = mkstemps(path, 5);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    const bool written = file != NULL && fputs(config, file) >= 0;
    if (file != NULL ? fclose(file) == 0 && written : false)
        return ERR_OK;
    err_t err =
        err_say(why, errno == ENOSPC ? ERR_NOSPACE : ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (fd >= 0)
        unlink(path);
    return err;
}

err_t explain_program_run(const char *program, const char *config, json_t **result, struct err_text *why)
{
    char path[4096];
    const char *root = getenv("TMPDIR");
    struct talk talk = {0};
    snprintf(path, sizeof(path), "%.4000s/tapedeck-explain-XXXXXX.yaml",
             root != NULL && root[0] != '\0' ? root : "/tmp");
    err_t err = write_config(path, config, why);
    if (err != ERR_OK)
        return err;
    char *const arguments[] = {(char *)(uintptr_t)program,        (char *)(uintptr_t) "run",    path,
                               (char *)(uintptr_t) "--no-output", (char *)(uintptr_t) "--json", NULL};
    err = ask(arguments, &talk, why);
    unlink(path);
    if (err == ERR_OK)
        err = take_result(program, &talk, result, why);
    talk_end(&talk);
    return err;
}
