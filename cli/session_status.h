/* session_status.h: how a session goes on, as it would be told at this moment: to its operator, and on one line. */
#ifndef TAPEDECK_CLI_SESSION_STATUS_H
#define TAPEDECK_CLI_SESSION_STATUS_H

#include "adapters/shell/live_io.h"
#include "cli/json_out.h"
#include "cli/world_up.h"

#define STATUS_INSTRUMENTS 100 /* told one by one; the others are counted */

struct session_view {
    const struct run_config *config;
    const struct stage *stage;
    const struct live_io *io;
    const char *dir; /* NULL: nothing is written */
    ns_t began, now;
    uint64_t inputs_bytes, journal_bytes; /* on disk so far */
    uint64_t inputs_per_s;
};

/* docs/paper.md tells the keys. */
json_t *session_status_json(const struct session_view *view);
/* Of the terminal; up to `size` bytes with its end. */
void session_status_line(const struct session_view *view, char *line, size_t size);

#endif
