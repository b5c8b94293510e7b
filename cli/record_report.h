/* record_report.h: how a recording goes, on one line; what was noticed, line by line; and what the data are worth. */
#ifndef TAPEDECK_CLI_RECORD_REPORT_H
#define TAPEDECK_CLI_RECORD_REPORT_H

#include "adapters/shell/live_io.h"
#include "adapters/wire_feed.h"
#include "cli/config.h"
#include "cli/link_said.h"
#include "cli/json_out.h"
#include "cli/record_tapes.h"

struct record_state {
    const struct live_io *io;
    const struct wire_feed *wire;
    const struct record_tapes *tapes;
    const struct run_config *config;
    ns_t now;
};

struct record_report {
    ns_t began, last;
    ns_t cpu_began; /* CPU time of the process, all threads */
    uint64_t last_messages;
    bool shown, drawn;
    struct link_said said;
};

void record_report_begin(struct record_report *report, ns_t now, bool shown);
/* Once a second: what links have to say, on stderr; the line, on a terminal. */
void record_report_line(struct record_report *report, const struct record_state *state);
void record_report_end(struct record_report *report);
json_t *record_report_json(const struct record_report *report, const struct record_state *state);
/* The summary, on stdout. */
void record_report_print(const struct record_report *report, const struct record_state *state, bool json);

#endif
