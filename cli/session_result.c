#include "cli/session_result.h"

#include "adapters/wire_feed.h"
#include "core/time_text.h"

#include <inttypes.h>
#include <stdio.h>

json_t *session_link_json(const struct link *link)
{
    struct link_stats stats;
    json_t *object = json_object();
    link->ops->stats(link, &stats);
    json_set_text(object, "venue", link->ops->venue);
    json_set_u64(object, "frames", stats.frames);
    json_set_u64(object, "refused", stats.refused);
    json_set_u64(object, "connects", stats.connects);
    json_set_u64(object, "downs", stats.downs);
    json_set_u64(object, "renewals", stats.renewals);
    json_set_u64(object, "requests", stats.requests);
    json_set_u64(object, "failures", stats.failures);
    json_set_u64(object, "limited", stats.limited);
    json_set_u64(object, "stale", stats.stale);
    json_set_u64(object, "dropped", stats.dropped);
    json_set_u64(object, "clock_steps", stats.clock_steps);
    if (stats.clock_samples != 0) {
        json_set(object, "clock_offset_ns", json_integer(stats.clock_offset));
        json_set(object, "clock_uncertainty_ns", json_integer(stats.clock_uncertainty));
    }
    json_set_text(object, "said", stats.said.text);
    return object;
}

json_t *session_json(const struct stage *stage)
{
    const struct wire_feed_stats *stats = wire_feed_stats(stage->wire);
    const struct sim_stats sim = sim_world_stats(stage->world);
    struct wire_asked asked;
    char digest[DIGEST_TEXT_SIZE];
    json_t *object = json_object(), *links = json_array();
    wire_feed_asked(stage->wire, &asked);
    digest_text(asked.digest, digest);
    json_set_u64(object, "inputs", stats->inputs);
    json_set_u64(object, "events", stats->events);
    json_set_i64(object, "silence_longest_ns", stats->heart.longest);
    json_set_u64(object, "heartbeats_missed", stats->heart.missed);
    json_set_u64(object, "commands", stats->by_what[LINK_COMMAND]);
    json_set_u64(object, "commands_refused", stats->commands_refused);
    json_set_u64(object, "asked", asked.requests);
    json_set_text(object, "asked_digest", digest);
    json_set_u64(object, "late_events", sim.late_events);
    json_set_u64(object, "late_words", sim.late_words);
    const struct link *link;
    for (uint16_t i = 0; (link = wire_feed_link(stage->wire, i)) != NULL; i++)
        json_array_append_new(links, session_link_json(link));
    json_set(object, "links", links);
    return object;
}

void session_print(const struct stage *stage)
{
    const struct sim_stats sim = sim_world_stats(stage->world);
    const struct heartbeat *heart = &wire_feed_stats(stage->wire)->heart;
    const struct link *link;
    if (sim.late_events != 0)
        printf("warning: %" PRIu64 " market events came after the simulated venue had handled something later;\n"
               "         with venue.latency.response longer than market data are late, none do (docs/paper.md)\n\n",
               sim.late_events);
    if (heart->missed != 0) {
        char time[TIME_TEXT_SIZE];
        printf("warning: %" PRIu64
               " times the session was without any input for longer than %.1f s (up to %.1f s, from %s on):\n"
               "         the machine was busy with something else, or the process was stopped (docs/paper.md)\n\n",
               heart->missed, (double)heart->limit / 1e9, (double)heart->longest / 1e9,
               time_format(heart->longest_at, time));
    }
    for (uint16_t i = 0; (link = wire_feed_link(stage->wire, i)) != NULL; i++) {
        struct link_stats stats;
        link->ops->stats(link, &stats);
        if (stats.dropped != 0)
            printf("warning: %s: %" PRIu64
                   " messages were dropped since the session did not follow; their books were "
                   "stale until told anew\n\n",
                   link->ops->venue, stats.dropped);
        if (stats.refused != 0)
            printf("warning: %s: %" PRIu64 " messages were not understood; last: %s\n\n", link->ops->venue,
                   stats.refused, stats.said.text);
    }
}
