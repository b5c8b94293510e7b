/* mock_say.h: what the mock server tells whoever started it: where it is, how to point somebody there, how it went.
 */
#ifndef TAPEDECK_CLI_MOCK_SAY_H
#define TAPEDECK_CLI_MOCK_SAY_H

#include "sim/wire/shell/mock_server.h"

struct mock_place {
    enum wire_venue venue;
    const char *host; /* as clients write it */
    int port;
    const char *ca;      /* file */
    const char *symbols; /* with commas */
};

/* For people: endpoints, the CA, and the lines of a config. */
void mock_say_place(const struct mock_place *place);
/* For scripts: one line of JSON. */
err_t mock_say_place_json(const struct mock_place *place) MUST_USE;
void mock_say_stats(const struct mock_stats *stats, ns_t elapsed);
err_t mock_say_stats_json(const struct mock_stats *stats, ns_t elapsed) MUST_USE;
/* One line on a terminal. */
void mock_say_progress(const struct mock_stats *stats);

#endif
