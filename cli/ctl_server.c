#include "cli/ctl_server.h"

#include "adapters/shell/live_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_SIZE 256
#define PATIENCE_MS  2000 /* for a client to say its line, and to take the answer */

struct ctl_server {
    struct live_io *io;
    char path[4096];
    int door, health, over;
    bool bound, runs, recording;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    char status[CTL_STATUS_SIZE];
    ns_t said; /* monotonic */
};

/* ---- answers ---- */

static void answer_status(struct ctl_server *ctl, char *answer)
{
    pthread_mutex_lock(&ctl->lock);
    snprintf(answer, CTL_LINE_SIZE, "{\"ok\":true,\"said_ms_ago\":%lld,\"status\":%s}",
             (long long)((live_clock_monotonic() - ctl->said) / NS_PER_MS), ctl->status);
    pthread_mutex_unlock(&ctl->lock);
}

static bool is_command(const struct ctl_server *ctl, const char *request)
{
    if (ctl->recording)
        return strcmp(request, "stop") == 0;
    static const char *const words[] = {"pause", "resume", "cancel", "kill", "clear", "stop"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(request, words[i]) == 0)
            return true;
    return strncmp(request, "set ", 4) == 0 && strchr(request, '=') != NULL;
}

static void answer_to(struct ctl_server *ctl, const char *request, char *answer)
{
    if (strcmp(request, "status") == 0) {
        answer_status(ctl, answer);
        return;
    }
    if (!is_command(ctl, request)) {
        snprintf(answer, CTL_LINE_SIZE, "{\"ok\":false,\"error\":\"expected %s\"}",
                 ctl->recording ? "status or stop: a recording knows no more"
                                : "status, pause, resume, cancel, kill, clear, stop or set NAME=VALUE");
        return;
    }
    const err_t err = live_io_command(ctl->io, request);
    if (err == ERR_OK)
        snprintf(answer, CTL_LINE_SIZE, "{\"ok\":true}");
    else
        snprintf(answer, CTL_LINE_SIZE, "{\"ok\":false,\"error\":\"%s\"}",
                 err == ERR_RANGE ? "the command is too long" : "too many commands wait; try again");
}

/* ---- one client at a time ---- */

static bool wait_for(int fd, short events)
{
    struct pollfd poller = {.fd = fd, .events = events};
    return poll(&poller, 1, PATIENCE_MS) > 0;
}

/* A line without its end. */
static bool read_line(int fd, char *line, size_t size)
{
    size_t used = 0;
    while (used + 1 < size && wait_for(fd, POLLIN)) {
        const ssize_t got = recv(fd, line + used, size - 1 - used, 0);
        if (got <= 0)
            break;
        used += (size_t)got;
        line[used] = '\0';
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
            return true;
        }
    }
    line[used] = '\0';
    return false;
}

static void write_all(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        const ssize_t sent = wait_for(fd, POLLOUT) ? send(fd, text, left, MSG_NOSIGNAL) : -1;
        if (sent <= 0)
            return;
        text += sent;
        left -= (size_t)sent;
    }
}

static void serve(struct ctl_server *ctl, int fd)
{
    char request[REQUEST_SIZE], answer[CTL_LINE_SIZE];
    if (!read_line(fd, request, sizeof(request)))
        snprintf(answer, sizeof(answer), "{\"ok\":false,\"error\":\"expected one line of at most %d bytes\"}",
                 REQUEST_SIZE - 2);
    else
        answer_to(ctl, request, answer);
    write_all(fd, answer);
    write_all(fd, "\n");
}

static void serve_health(struct ctl_server *ctl, int fd)
{
    char request[REQUEST_SIZE], answer[CTL_LINE_SIZE], head[256];
    (void)read_line(fd, request, sizeof(request));
    pthread_mutex_lock(&ctl->lock);
    const bool fresh = live_clock_monotonic() - ctl->said < HEALTH_FRESH;
    pthread_mutex_unlock(&ctl->lock);
    answer_status(ctl, answer);
    snprintf(head, sizeof(head),
             "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
             fresh ? "200 OK" : "503 Service Unavailable", strlen(answer) + 1);
    write_all(fd, head);
    write_all(fd, answer);
    write_all(fd, "\n");
    shutdown(fd, SHUT_WR);
    (void)read_line(fd, request, sizeof(request)); /* what it had to say still: else it would be reset */
}

static void *listen_to_them(void *context)
{
    struct ctl_server *ctl = context;
    for (;;) {
        struct pollfd fds[] = {{.fd = ctl->over, .events = POLLIN},
                               {.fd = ctl->door, .events = POLLIN},
                               {.fd = ctl->health, .events = POLLIN}}; /* -1 is passed over */
        if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
            return NULL;
        if ((fds[0].revents & POLLIN) != 0)
            return NULL;
        for (int i = 1; i < 3; i++) {
            if ((fds[i].revents & POLLIN) == 0)
                continue;
            const int client = accept(fds[i].fd, NULL, NULL);
            if (client < 0)
                continue;
            if (i == 1)
                serve(ctl, client);
            else
                serve_health(ctl, client);
            close(client);
        }
    }
}

/* ---- from beginning to end ---- */

static err_t say_errno(struct err_text *why, const char *what, const char *where)
{
    return err_say(why, ERR_IO, "%s %s: %s", what, where, strerror(errno));
}

static bool somebody_listens(const struct sockaddr_un *address)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool there = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
    if (fd >= 0)
        close(fd);
    return there;
}

/* A path that does not fit is taken from its directory, which stays open in `dir` (-1: not needed) for as long as the
 * address is used. */
static err_t address_of(const char *path, struct sockaddr_un *address, int *dir, struct err_text *why)
{
    char folder[4096];
    const char *name = strrchr(path, '/');
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *dir = -1;
    if (strlen(path) < sizeof(address->sun_path)) {
        strcpy(address->sun_path, path);
        return ERR_OK;
    }
    if (name == NULL || (size_t)(name - path) >= sizeof(folder) || strlen(name) > 64)
        return err_say(why, ERR_RANGE, "%s: the path of a socket has at most %zu bytes", path,
                       sizeof(address->sun_path) - 1);
    snprintf(folder, sizeof(folder), "%.*s", (int)(name - path), path);
    *dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*dir < 0)
        return say_errno(why, "directory", folder);
    snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d%.64s", *dir, name);
    return ERR_OK;
}

static void close_fd(int dir)
{
    if (dir >= 0)
        close(dir);
}

static err_t open_door(struct ctl_server *ctl, struct err_text *why)
{
    struct sockaddr_un address;
    int dir;
    err_t err = address_of(ctl->path, &address, &dir, why);
    if (err == ERR_OK && somebody_listens(&address))
        err = err_say(why, ERR_EXISTS, "%s: another session listens there", ctl->path);
    if (err == ERR_OK) {
        (void)unlink(ctl->path);
        ctl->door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const mode_t mask = umask(0177);
        ctl->bound = ctl->door >= 0 && bind(ctl->door, (const struct sockaddr *)&address, sizeof(address)) == 0;
        (void)umask(mask);
        if (!ctl->bound || listen(ctl->door, 8) != 0)
            err = say_errno(why, "socket", ctl->path);
    }
    close_fd(dir);
    return err;
}

static err_t open_health(struct ctl_server *ctl, uint16_t port, struct err_text *why)
{
    char name[32];
    snprintf(name, sizeof(name), "127.0.0.1:%u", port);
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int one = 1;
    ctl->health = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ctl->health < 0 || setsockopt(ctl->health, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(ctl->health, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(ctl->health, 8) != 0)
        return say_errno(why, "health port", name);
    return ERR_OK;
}

err_t ctl_server_open(struct ctl_server **out, const struct ctl_options *options, struct err_text *why)
{
    struct ctl_server *ctl = calloc(1, sizeof(*ctl));
    if (ctl == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    pthread_mutex_init(&ctl->lock, NULL);
    ctl->io = options->io;
    ctl->recording = options->recording;
    ctl->door = ctl->health = -1;
    ctl->over = eventfd(0, EFD_CLOEXEC);
    ctl->said = live_clock_monotonic();
    strcpy(ctl->status, "{}");
    err_t err = ctl->over < 0 ? say_errno(why, "event", "of the operator") : ERR_OK;
    if (err == ERR_OK && options->path != NULL) {
        const int used = snprintf(ctl->path, sizeof(ctl->path), "%s", options->path);
        err = used >= (int)sizeof(ctl->path) ? err_say(why, ERR_RANGE, "%s: too long", options->path)
                                             : open_door(ctl, why);
    }
    if (err == ERR_OK && options->health != 0)
        err = open_health(ctl, options->health, why);
    if (err == ERR_OK) {
        ctl->runs = pthread_create(&ctl->thread, NULL, listen_to_them, ctl) == 0;
        if (!ctl->runs)
            err = err_say(why, ERR_NOMEM, "no thread for the operator could be started");
    }
    if (err != ERR_OK) {
        ctl_server_close(ctl);
        return err;
    }
    *out = ctl;
    return ERR_OK;
}

void ctl_server_say(struct ctl_server *ctl, const char *json)
{
    pthread_mutex_lock(&ctl->lock);
    if (strlen(json) < sizeof(ctl->status))
        strcpy(ctl->status, json);
    else
        snprintf(ctl->status, sizeof(ctl->status),
                 "{\"error\":\"the status has %zu bytes, at most %zu can be told\"}", strlen(json),
                 sizeof(ctl->status) - 1);
    ctl->said = live_clock_monotonic();
    pthread_mutex_unlock(&ctl->lock);
}

void ctl_server_close(struct ctl_server *ctl)
{
    if (ctl == NULL)
        return;
    if (ctl->runs) {
        const uint64_t one = 1;
        while (write(ctl->over, &one, sizeof(one)) < 0 && errno == EINTR)
            continue;
        pthread_join(ctl->thread, NULL);
    }
    if (ctl->bound)
        (void)unlink(ctl->path);
    close_fd(ctl->door);
    close_fd(ctl->health);
    close_fd(ctl->over);
    pthread_mutex_destroy(&ctl->lock);
    free(ctl);
}

/* ---- the other side ---- */

err_t ctl_ask(const char *path, const char *request, char answer[CTL_LINE_SIZE], struct err_text *why)
{
    struct sockaddr_un address;
    int dir;
    err_t err = address_of(path, &address, &dir, why);
    if (err != ERR_OK)
        return err;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        err = say_errno(why, "socket", path);
    else if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        err = err_say(why, ERR_NOTFOUND, "%s: no session listens there: %s", path, strerror(errno));
    if (err == ERR_OK) {
        write_all(fd, request);
        write_all(fd, "\n");
        if (!read_line(fd, answer, CTL_LINE_SIZE))
            err = err_say(why, ERR_IO, "%s: the session did not answer", path);
    }
    close_fd(dir);
    close_fd(fd);
    return err;
}
