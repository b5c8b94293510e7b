/* live_up.h: a session that goes on now, for mode paper: sockets, the rules of the venues, the tape of its inputs.
 *
 *   live_up_open ─► links_rules ─► live_io ─► live_source ─► tee ─► stage (world_up.h)
 *   live_up_record ───────────────────────────────────────────┘
 *                              RUN/inputs.tape
 *
 * The first input is a LINK_TICK of the moment in which the session was opened.
 */
#ifndef TAPEDECK_CLI_LIVE_UP_H
#define TAPEDECK_CLI_LIVE_UP_H

#include "cli/world_up.h"

struct live_up;
/* Asks the venues of feed.live for their rules, and starts the thread with the sockets. */
err_t live_up_open(struct live_up **live, const struct run_config *config, struct err_text *why) MUST_USE;
/* For stage_open_session; lives as long as the session. */
const struct stage_session *live_up_session(const struct live_up *live);
struct live_io *live_up_io(const struct live_up *live);
/* Write inputs down, from the first one on, in `dir` (NULL: nowhere). */
err_t live_up_record(struct live_up *live, const char *dir, struct err_text *why) MUST_USE;
/* The last input was handled: close the tape, and tell the stage its hash. */
err_t live_up_finish(struct live_up *live, struct stage *stage, struct err_text *why) MUST_USE;
/* After the stage. */
void live_up_close(struct live_up *live);

#endif
