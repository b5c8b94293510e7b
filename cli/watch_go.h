/* watch_go.h: a place in a run, as people write it.
 *
 *   12345  12,345   an input         +500  -500     inputs from here
 *   50%             of the run       +5s   -250ms   a span from here
 *   10:00:01.5      a time of this day; 2024-08-08T10:00:01.5Z, 2024-08-08, nanoseconds since 1970: a moment
 */
#ifndef TAPEDECK_CLI_WATCH_GO_H
#define TAPEDECK_CLI_WATCH_GO_H

#include "core/err.h"

struct watch_place_now {
    uint64_t input, inputs; /* where we are, and how many there are */
    ns_t ts;                /* of it; before the first input: of that one */
};

struct watch_where {
    bool timed;
    uint64_t input; /* at most `inputs` */
    ns_t ts;        /* timed: after everything up to it */
};

extern const char watch_go_expected[];
/* ERR_USAGE: none of these. */
err_t watch_go_parse(const char *text, const struct watch_place_now *now, struct watch_where *where,
                     struct err_text *why) MUST_USE;

#endif
