/* live_source.h: what the sockets bring, behind the face that a session reads (adapters/wire_feed.h).
 *
 *   live_io ─► live_source ─► (tee) ─► wire_feed
 *
 * wait() spins for live_io_options.spin, then sleeps until something comes or is due.
 */
#ifndef TAPEDECK_ADAPTERS_SHELL_LIVE_SOURCE_H
#define TAPEDECK_ADAPTERS_SHELL_LIVE_SOURCE_H

#include "adapters/shell/live_io.h"
#include "adapters/wire_feed.h"

#ifdef __cplusplus
extern "C" {
#endif

struct live_source {
    struct wire_source source; /* first */
    struct live_io *io;
    ns_t due; /* said by the last wait */
};

/* `io` outlives it; closing the source does nothing to it. */
void live_source_init(struct live_source *live, struct live_io *io);

#ifdef __cplusplus
}
#endif
#endif
