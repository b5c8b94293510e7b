#include "cli/mock_say.h"

#include "cli/json_out.h"
#include "cli/values.h"

#include <inttypes.h>
#include <string.h>

struct endpoint {
    const char *what, *scheme, *path;
};

static const struct endpoint usdm[] = {{"rest", "https", ""},
                                       {"public", "wss", "/public"},
                                       {"market", "wss", "/market"},
                                       {"private", "wss", "/private"}};
static const struct endpoint other[] = {{"rest", "https", ""}, {"stream", "wss", ""}};
static const struct endpoint upbit[] = {{"rest", "https", ""}, {"stream", "wss", "/websocket/v1"}};

static size_t endpoints_of(enum wire_venue venue, const struct endpoint **endpoints)
{
    *endpoints = venue == WIRE_BINANCE_USDM ? usdm : venue == WIRE_UPBIT ? upbit : other;
    return venue == WIRE_BINANCE_USDM ? ARRAY_LEN(usdm) : ARRAY_LEN(other);
}

void mock_say_place(const struct mock_place *place)
{
    const struct endpoint *endpoints;
    const size_t count = endpoints_of(place->venue, &endpoints);
    printf("mock %s\n", wire_venue_name(place->venue));
    for (size_t i = 0; i < count; i++)
        printf("  %-8s %s://%s:%d%s\n", endpoints[i].what, endpoints[i].scheme, place->host, place->port,
               endpoints[i].path);
    printf("  %-8s %s\n", "CA", place->ca);
    printf("  %-8s %s\n\n", "markets", place->symbols);
    /* Lines of a run's config that listen here (docs/mock.md). */
    if (place->venue != WIRE_BINANCE_COINM)
        printf("session:\n  ca_file: %s\nfeed:\n  live:\n    - venue: %s\n      symbols: [%s]\n"
               "      rest: https://%s:%d\n      stream: wss://%s:%d\n\n",
               place->ca, wire_venue_name(place->venue), place->symbols, place->host, place->port, place->host,
               place->port);
    fflush(stdout);
}

err_t mock_say_place_json(const struct mock_place *place)
{
    const struct endpoint *endpoints;
    const size_t count = endpoints_of(place->venue, &endpoints);
    json_t *root = json_object();
    json_set_bool(root, "ready", true);
    json_set_text(root, "venue", wire_venue_name(place->venue));
    json_set_text(root, "host", place->host);
    json_set_i64(root, "port", place->port);
    json_set_text(root, "ca", place->ca);
    json_set_text(root, "symbols", place->symbols);
    for (size_t i = 0; i < count; i++) {
        char url[512];
        snprintf(url, sizeof(url), "%s://%s:%d%s", endpoints[i].scheme, place->host, place->port, endpoints[i].path);
        json_set_text(root, endpoints[i].what, url);
    }
    const err_t err = json_print(stdout, root, true);
    return err == ERR_OK && fflush(stdout) == 0 ? ERR_OK : ERR_IO;
}

void mock_say_stats(const struct mock_stats *stats, ns_t elapsed)
{
    const struct wire_stats *wire = &stats->wire;
    char count[VALUE_TEXT_SIZE], bytes[VALUE_TEXT_SIZE], span[VALUE_TEXT_SIZE], late[VALUE_TEXT_SIZE];
    const uint64_t rate = elapsed > 0 ? (uint64_t)((u128_t)wire->frames * (uint64_t)NS_PER_S / (uint64_t)elapsed) : 0;
    printf("%s frames (%" PRIu64 "/s), %s, in %s; %" PRIu64 " market events, at most %s late\n",
           value_count_text(wire->frames, count), rate, value_size_text(stats->bytes_out, bytes),
           value_span_text(elapsed, span), wire->market_events,
           value_duration_text(stats->late_max / NS_PER_US * NS_PER_US, late));
    printf("%" PRIu64 " connections (%" PRIu64 " WebSockets, %" PRIu64 " refused), %" PRIu64 " requests, %" PRIu64
           " limited, %" PRIu64 " faults on purpose\n",
           stats->opened, wire->connections, wire->refused, wire->requests, wire->limited, wire->faults);
    printf("%" PRIu64 " ended by the venue, %" PRIu64 " cut off because they did not read, %" PRIu64
           " against the protocol, %" PRIu64 " refused for want of room\n",
           wire->closed, stats->slow, stats->bad, wire->full + stats->no_room);
}

err_t mock_say_stats_json(const struct mock_stats *stats, ns_t elapsed)
{
    const struct wire_stats *wire = &stats->wire;
    json_t *root = json_object();
    json_set_i64(root, "elapsed_ns", elapsed);
    json_set_u64(root, "market_events", wire->market_events);
    json_set_u64(root, "market_ignored", wire->market_ignored);
    json_set_time(root, "market_time", stats->market_ts);
    json_set_bool(root, "market_ended", stats->ended);
    json_set_i64(root, "late_max_ns", stats->late_max);
    json_set_u64(root, "frames", wire->frames);
    json_set_u64(root, "controls", wire->controls);
    json_set_u64(root, "bytes", stats->bytes_out);
    json_set_u64(root, "connections", stats->opened);
    json_set_u64(root, "websockets", wire->connections);
    json_set_u64(root, "refused", wire->refused);
    json_set_u64(root, "requests", wire->requests);
    json_set_u64(root, "limited", wire->limited);
    json_set_u64(root, "faults", wire->faults);
    json_set_u64(root, "closed", wire->closed);
    json_set_u64(root, "slow", stats->slow);
    json_set_u64(root, "no_room", stats->no_room);
    json_set_u64(root, "bad", stats->bad);
    json_set_u64(root, "full", wire->full);
    return json_print(stdout, root, true);
}

void mock_say_progress(const struct mock_stats *stats)
{
    char time[VALUE_TEXT_SIZE], frames[VALUE_TEXT_SIZE], bytes[VALUE_TEXT_SIZE];
    value_time_text(stats->market_ts, time);
    time[19] = '\0';
    fprintf(stderr, "\r\033[Kmock  %s%s  %u clients  %u streams  %s frames  %s  %" PRIu64 " requests", time,
            stats->ended ? " (end)" : "", stats->wire.clients, stats->wire.streams,
            value_count_text(stats->wire.frames, frames), value_size_text(stats->bytes_out, bytes),
            stats->wire.requests);
}
