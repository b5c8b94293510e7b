/* link_said.h: each new sentence of a link, once, on stderr: "2026-11-21T07:40:12 upbit: ...". */
#ifndef TAPEDECK_CLI_LINK_SAID_H
#define TAPEDECK_CLI_LINK_SAID_H

#include "adapters/wire_feed.h"
#include "cli/config.h"

struct link_said {
    char last[CONFIG_LINKS_MAX][sizeof(((struct err_text *)0)->text)];
};

/* `wipe` is called before something is written (a line that stands on the terminal goes); may be NULL. */
void link_said_tell(struct link_said *said, const struct wire_feed *wire, ns_t now, void (*wipe)(void *context),
                    void *context);

#endif
