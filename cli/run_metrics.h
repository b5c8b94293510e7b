/* run_metrics.h: the figures that a run is judged by (core/metrics.h), taken as it goes and listed by name.
 *
 *   engine ──► sink of run_metrics ──► the sink behind it (files)
 *                    └─► core/metrics ──┐
 *   engine's account and counters ──────┴─► list: "closed" 412, "win_rate" 230/412, "profit.USDT" 12.5 ...
 *
 * One list for result.json, for the printed result and for `tapedeck ci`; names are those of docs/results.md.
 */
#ifndef TAPEDECK_CLI_RUN_METRICS_H
#define TAPEDECK_CLI_RUN_METRICS_H

#include "cli/world_up.h"
#include "core/metrics.h"

#include "cli/json_out.h"

struct run_metrics;

/* `behind` is told everything too; it may be NULL, and outlives the metrics. */
err_t run_metrics_new(struct run_metrics **metrics, const struct engine_sink *behind, struct err_text *why) MUST_USE;
/* For stage_open; lives as long as the metrics. */
const struct engine_sink *run_metrics_sink(struct run_metrics *metrics);
/* After stage_open, before stage_start. The stage outlives the metrics' last use. */
err_t run_metrics_open(struct run_metrics *metrics, const struct stage *stage, struct err_text *why) MUST_USE;
void run_metrics_free(struct run_metrics *metrics);

#define RUN_METRIC_NAME_SIZE 48
struct run_metric {
    char name[RUN_METRIC_NAME_SIZE]; /* "closed"; of a currency: "profit.USDT" */
    bool none;                       /* there is no such value: a win rate without trades */
    struct metrics_value value;
};
/* All of them, after stage_stop. The array lives as long as the metrics. ERR_RANGE, ERR_FULL: what the metrics are
 * made of did not fit. */
err_t run_metrics_list(struct run_metrics *metrics, const struct run_metric **list, size_t *count,
                       struct err_text *why) MUST_USE;
/* "12.5", "230/412", "none"; exact. Buffer of METRIC_TEXT_SIZE; returns it. */
#define METRIC_TEXT_SIZE 64
const char *run_metric_text(const struct run_metric *metric, char *text);

/* result.json: by name, those of a currency by name and currency. NULL: the list could not be made. */
json_t *run_metrics_json(struct run_metrics *metrics);
void run_metrics_print(struct run_metrics *metrics);

/* Is this the name of a metric ("profit"), or of one of a currency ("profit.USDT")? `hint` (128 bytes, may be NULL)
 * gets a suggestion when not. */
bool run_metric_known(const char *name, char *hint);

#endif
