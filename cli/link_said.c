#include "cli/link_said.h"

#include "core/time_text.h"

#include <stdio.h>
#include <string.h>

void link_said_tell(struct link_said *said, const struct wire_feed *wire, ns_t now, void (*wipe)(void *context),
                    void *context)
{
    const struct link *link;
    for (uint16_t i = 0; i < CONFIG_LINKS_MAX && (link = wire_feed_link(wire, i)) != NULL; i++) {
        struct link_stats stats;
        char time[TIME_TEXT_SIZE];
        link->ops->stats(link, &stats);
        if (stats.said.text[0] == '\0' || strcmp(stats.said.text, said->last[i]) == 0)
            continue;
        snprintf(said->last[i], sizeof(said->last[i]), "%s", stats.said.text);
        if (wipe != NULL)
            wipe(context);
        fprintf(stderr, "%.19s %s: %s\n", time_format(now, time), link->ops->venue, stats.said.text);
    }
}
