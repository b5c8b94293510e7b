/* shell_rig.h: a live_io and, in another process, a venue that misbehaves to order (tls_server.py).
 *
 *   test ─► live_io ─► TLS, TCP of this machine ─► tls_server.py
 *              └── inputs, in order ──► rig_next
 *
 * Certificates are made for each test: of localhost and exchange.test, of another host, out of date, and of an
 * authority that nobody trusts.
 */
#ifndef TAPEDECK_TESTS_SHELL_SHELL_RIG_H
#define TAPEDECK_TESTS_SHELL_SHELL_RIG_H

#include "adapters/shell/live_io.h"

#include <sys/types.h>

enum port { GOOD, WRONG, EXPIRED, STRANGER, OLD, PLAIN, PROXY, CLOSED, PORTS };

struct rig {
    char folder[256], ca[300];
    pid_t server;
    int feeds; /* the server's standard input: its end is the server's */
    int ports[PORTS];
    struct live_io *io;
    const struct link_wire *wire;
};

/* A test of both kinds of live_io: with a thread for the sockets, and without. */
extern bool rig_one_thread;
#define Both(suite, name)                                                                                            \
    static void both_##suite##_##name(void);                                                                         \
    Test(suite, name)                                                                                                \
    {                                                                                                                \
        both_##suite##_##name();                                                                                     \
    }                                                                                                                \
    Test(suite##_one_thread, name)                                                                                   \
    {                                                                                                                \
        rig_one_thread = true;                                                                                       \
        both_##suite##_##name();                                                                                     \
    }                                                                                                                \
    static void both_##suite##_##name(void)

/* The server; no live_io yet. */
void rig_begin(struct rig *rig);
/* With the rig's authority, unless options (NULL: none) name another. */
void rig_open(struct rig *rig, const struct live_io_options *options);
/* rig_begin and rig_open. */
void rig_start(struct rig *rig);
/* Closes what is open. */
void rig_end(struct rig *rig);

/* "wss://127.0.0.1:port/path", "https:..." or without TLS; in turn one of eight. */
const char *rig_wss(const struct rig *rig, enum port port, const char *path);
const char *rig_https(const struct rig *rig, enum port port, const char *path);
/* Connection `conn` of link 0. */
void rig_connect(struct rig *rig, uint8_t conn, enum port port, const char *path);
void rig_send(struct rig *rig, uint8_t conn, const char *text);
/* The next input that is no TICK and no CLOCK; fails the test after 20 s without one. Its texts live until the next
 * call. */
const struct link_input *rig_next(struct rig *rig);
/* The same, and it must be this. */
const struct link_input *rig_expect(struct rig *rig, uint8_t conn, enum link_what what);
void rig_expect_text(struct rig *rig, uint8_t conn, const char *text);
/* Nothing comes for so long. */
void rig_expect_nothing(struct rig *rig, ns_t time);
bool rig_says(const struct link_input *input, const char *word); /* in the text */

#endif
