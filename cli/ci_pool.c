#include "cli/ci_pool.h"

#include "cli/json_out.h"
#include "cli/stop_signal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_A_TIME_MAX 256
#define SAID_MAX      400 /* of a broken job's standard error */

struct worker {
    pid_t pid;
    uint32_t index;
    int pipe;   /* to read the result from */
    FILE *said; /* its standard error */
    char *text;
    size_t size, room;
};

struct pool {
    uint32_t at_a_time, running, next, count;
    struct worker workers[AT_A_TIME_MAX];
    ci_job job;
    void *context;
    json_t **results;
};

static void write_all(int pipe, const char *text, size_t size)
{
    while (size != 0) {
        const ssize_t wrote = write(pipe, text, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return; /* the parent is gone */
        text += wrote;
        size -= (size_t)wrote;
    }
}

/* In the child. */
static void work(const struct pool *pool, uint32_t index, int pipe, FILE *said)
{
    if (said != NULL)
        (void)dup2(fileno(said), STDERR_FILENO);
    json_t *result = pool->job(pool->context, index);
    char *text = json_dumps(result, JSON_COMPACT);
    if (text != NULL)
        write_all(pipe, text, strlen(text));
    fflush(stderr);
    _exit(text != NULL ? 0 : 1);
}

static err_t begin(struct pool *pool, struct err_text *why)
{
    int ends[2];
    struct worker *worker = &pool->workers[pool->running];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_say(why, ERR_NOMEM, "no pipe for a job: %s", strerror(errno));
    *worker = (struct worker){.index = pool->next, .pipe = ends[0], .said = tmpfile()};
    fflush(NULL);
    worker->pid = fork();
    if (worker->pid == 0) {
        close(ends[0]);
        work(pool, pool->next, ends[1], worker->said);
    }
    close(ends[1]);
    if (worker->pid < 0) {
        close(ends[0]);
        if (worker->said != NULL)
            fclose(worker->said);
        return err_say(why, ERR_NOMEM, "no process for a job: %s", strerror(errno));
    }
    pool->next++;
    pool->running++;
    return ERR_OK;
}

static void last_words(FILE *said, char words[SAID_MAX + 1])
{
    words[0] = '\0';
    if (said == NULL || fseek(said, 0, SEEK_END) != 0)
        return;
    const long size = ftell(said);
    if (size <= 0 || fseek(said, size > SAID_MAX ? size - SAID_MAX : 0, SEEK_SET) != 0)
        return;
    size_t got = fread(words, 1, SAID_MAX, said);
    while (got > 0 && (words[got - 1] == '\n' || (unsigned char)words[got - 1] >= 0x80))
        got--;
    words[got] = '\0';
    for (size_t i = 0; i < got; i++)
        if ((unsigned char)words[i] >= 0x80)
            words[i] = '?'; /* the beginning may be the middle of a character */
}

static json_t *broken(const struct worker *worker, int status)
{
    char words[SAID_MAX + 1];
    last_words(worker->said, words);
    json_t *result = json_object();
    if (WIFSIGNALED(status))
        json_set(result, "error",
                 json_sprintf("the run was ended by signal %d (%s)%s%s", WTERMSIG(status),
                              strsignal(WTERMSIG(status)), words[0] != '\0' ? ": " : "", words));
    else
        json_set(result, "error",
                 json_sprintf("the run ended without a result%s%s", words[0] != '\0' ? ": " : "", words));
    return result;
}

/* The pipe has ended, and so has the job. */
static void finish(struct pool *pool, uint32_t at)
{
    struct worker *worker = &pool->workers[at];
    int status = 0;
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    json_t *result = worker->size != 0 ? json_loadb(worker->text, worker->size, 0, NULL) : NULL;
    if (result == NULL || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        json_decref(result);
        result = broken(worker, status);
    }
    pool->results[worker->index] = result;
    if (worker->pipe >= 0)
        close(worker->pipe);
    if (worker->said != NULL)
        fclose(worker->said);
    free(worker->text);
    *worker = pool->workers[--pool->running];
}

/* True: it has ended. */
static bool take(struct worker *worker)
{
    if (worker->room - worker->size < 4096) {
        char *grown = realloc(worker->text, worker->room * 2 + 8192);
        if (grown == NULL)
            return true;
        worker->text = grown;
        worker->room = worker->room * 2 + 8192;
    }
    const ssize_t got = read(worker->pipe, worker->text + worker->size, worker->room - worker->size);
    if (got < 0)
        return errno != EINTR;
    worker->size += (size_t)got;
    return got == 0;
}

static void end_all(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->running; i++) {
        kill(pool->workers[i].pid, SIGTERM);
        close(pool->workers[i].pipe); /* nobody is to wait for it to be read */
        pool->workers[i].pipe = -1;
    }
    while (pool->running != 0)
        finish(pool, 0);
}

err_t ci_pool_run(uint32_t count, uint32_t at_a_time, ci_job job, ci_done done, void *context, json_t **results,
                  struct err_text *why)
{
    struct pool pool = {.at_a_time = at_a_time < 1               ? 1
                                     : at_a_time > AT_A_TIME_MAX ? AT_A_TIME_MAX
                                                                 : at_a_time,
                        .count = count,
                        .job = job,
                        .context = context,
                        .results = results};
    while (pool.next < count || pool.running != 0) {
        struct pollfd fds[AT_A_TIME_MAX];
        err_t err = ERR_OK;
        while (err == ERR_OK && pool.next < count && pool.running < pool.at_a_time)
            err = begin(&pool, why);
        if (err == ERR_OK && stop_signal() != 0)
            err = err_say(why, ERR_INTERRUPTED, "interrupted");
        if (err != ERR_OK) {
            end_all(&pool);
            return err;
        }
        for (uint32_t i = 0; i < pool.running; i++)
            fds[i] = (struct pollfd){.fd = pool.workers[i].pipe, .events = POLLIN};
        if (poll(fds, pool.running, 200) <= 0)
            continue;
        for (uint32_t i = pool.running; i-- > 0;) {
            if (fds[i].revents == 0 || !take(&pool.workers[i]))
                continue;
            const uint32_t index = pool.workers[i].index;
            finish(&pool, i); /* moves the last one to this place: that one was looked at */
            if (done != NULL)
                done(context, index);
        }
    }
    return ERR_OK;
}
