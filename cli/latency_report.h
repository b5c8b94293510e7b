/* latency_report.h: what the channels of `tapedeck latency` measured, as tables or as JSON. */
#ifndef TAPEDECK_CLI_LATENCY_REPORT_H
#define TAPEDECK_CLI_LATENCY_REPORT_H

#include "cli/latency_channel.h"

struct latency_state {
    const struct latency_shared *shared;
    uint32_t channel_count;
    const char *venue, *symbols;
    ns_t offset, uncertainty; /* of the venue's clock, at the end */
    ns_t drift;               /* how far the estimate went between the beginning and the end */
    uint64_t samples;         /* 0: ages are not corrected */
};

/* "WebSocket", "REST 100ms". `text` holds LATENCY_NAME bytes. */
#define LATENCY_NAME 80
const char *latency_name(const struct latency_channel *channel, char *text);
void latency_report(const struct latency_state *state);
err_t latency_report_json(const struct latency_state *state) MUST_USE;

#endif
