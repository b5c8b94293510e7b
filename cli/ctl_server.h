/* ctl_server.h: a session's door for its operator: a socket in the run's directory, and a thread that answers there.
 *
 *   tapedeck ctl RUN pause ──► RUN/ctl.sock ──► thread ──► live_io_command ──► LINK_COMMAND, an input of the session
 *                         ◄── one line ──────────┘
 *
 * A request is one line, the answer is one line of JSON: {"ok":true,...} or {"ok":false,"error":"..."}.
 *
 *   status                              what the session last said of itself (ctl_server_say), and how long ago
 *   pause resume cancel kill clear stop come into the session's journal and to its engine (core/engine_operator.c)
 *   set NAME=VALUE                      a parameter of the strategy
 *
 * The socket belongs to the user alone (0600). What is asked is not done when the answer comes: it is on its way, and
 * the session's log says what came of it.
 *
 * `health` is a TCP port on this machine for those who watch (HTTP GET, any path): 200 and the status while the
 * session said something of itself within the last HEALTH_FRESH, else 503.
 *
 * The path may be longer than the address of a socket: then the way goes through a descriptor of its directory.
 */
#ifndef TAPEDECK_CLI_CTL_SERVER_H
#define TAPEDECK_CLI_CTL_SERVER_H

#include "adapters/shell/live_io.h"

#define CTL_STATUS_SIZE 65536
#define HEALTH_FRESH    (10 * NS_PER_S)

struct ctl_server;
struct ctl_options {
    const char *path; /* of the socket; a stale one is replaced, one that somebody listens to is ERR_EXISTS; NULL:
                         there is none */
    uint16_t health;  /* 0: no port */
    bool recording;   /* nothing trades: status and stop only */
    struct live_io *io;
};
err_t ctl_server_open(struct ctl_server **ctl, const struct ctl_options *options, struct err_text *why) MUST_USE;
/* The session's status, as a JSON object. From the session's thread; copied. One that is longer than CTL_STATUS_SIZE
 * says so in its place. */
void ctl_server_say(struct ctl_server *ctl, const char *json);
void ctl_server_close(struct ctl_server *ctl); /* removes the socket; NULL is fine */

#define CTL_LINE_SIZE (CTL_STATUS_SIZE + 128)
/* The other side: one request, one answer, both without their line end. ERR_NOTFOUND: nobody listens there. */
err_t ctl_ask(const char *path, const char *request, char answer[CTL_LINE_SIZE], struct err_text *why) MUST_USE;

#endif
