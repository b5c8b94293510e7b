/* session_door.h: a paper session to the outside, once a second: its status to the operator's socket (ctl_server.h)
 * and the health port, a line on the terminal, what its links have to say; and its time against the wall's
 * (session_watch.h).
 */
#ifndef TAPEDECK_CLI_SESSION_DOOR_H
#define TAPEDECK_CLI_SESSION_DOOR_H

#include "cli/live_up.h"
#include "core/invariants.h"

#define SESSION_SOCKET "ctl.sock" /* in the run's directory */

struct session_door;
/* ERR_EXISTS: a session goes on in that directory, and nobody else shall write there. */
err_t session_door_vacant(const char *dir, struct err_text *why) MUST_USE;
/* `dir` NULL: no socket. `shown`: a line, if stderr is a terminal. */
err_t session_door_open(struct session_door **door, const struct run_config *config, const char *dir, bool shown,
                        struct live_up *live, struct err_text *why) MUST_USE;
/* After inputs were handled; cheap, but for once a second. ERR_INVARIANT: the session's time is not the wall's. */
err_t session_door_look(struct session_door *door, const struct stage *stage, struct err_text *why) MUST_USE;
/* No more inputs come. The same error. */
err_t session_door_end(struct session_door *door, const struct stage *stage, struct err_text *why) MUST_USE;
/* After ERR_INVARIANT: what does not hold; else NULL. `door` may be NULL. */
const struct breach *session_door_breach(const struct session_door *door);
void session_door_close(struct session_door *door); /* removes the socket; NULL is fine */

#endif
