/* bench_live_report.h: the figures of `tapedeck bench --live`, as a table or as JSON. */
#ifndef TAPEDECK_CLI_BENCH_LIVE_REPORT_H
#define TAPEDECK_CLI_BENCH_LIVE_REPORT_H

#include "bench/bench_live.h"

void bench_live_print(const struct bench_live *figures, const struct bench_live_options *options);
err_t bench_live_print_json(const struct bench_live *figures, const struct bench_live_options *options) MUST_USE;

#endif
