/* diff_report.h: what was found, as text and as JSON. */
#ifndef TAPEDECK_CLI_DIFF_REPORT_H
#define TAPEDECK_CLI_DIFF_REPORT_H

#include "cli/diff_find.h"

/* {"verdict": "identical" | "identical_so_far" | "differs", "a": {...}, "b": {...}, "config": [...], ...}; `found`
 * NULL: nothing was looked for, the digests are the same. */
json_t *diff_report_json(const struct diff_side *a, const struct diff_side *b, const struct diff_found *found);
void diff_report_print(FILE *file, const struct diff_side *a, const struct diff_side *b,
                       const struct diff_found *found);
/* One line: "input 5003, message 4930 of m.tape". */
void diff_report_where(const struct diff_side *a, const struct diff_found *found, char *text, size_t room);

/* The first difference alone, both sides and what differs: for a report that has the rest. */
void diff_report_first(FILE *file, const struct diff_side *a, const struct diff_side *b,
                       const struct diff_found *found);

/* Fields of two JSON objects that are not the same: [{"field", "a", "b"}]. */
json_t *diff_fields(const json_t *a, const json_t *b);
/* An event as JSON, instruments by the side's journal; and the fields of two of them, without where they lie. */
json_t *diff_event_json(const struct diff_side *side, uint64_t number, const struct event *event);
json_t *diff_entry_json(const struct diff_side *side, const struct journal_entry *entry);
json_t *diff_event_fields(const json_t *a, const json_t *b);
/* Keys of the config, and tapes by their hashes, that are not the same: [{"field" | "lane", ..., "a", "b"}]. */
json_t *diff_config_fields(const struct diff_side *a, const struct diff_side *b);
json_t *diff_tape_fields(const struct diff_side *a, const struct diff_side *b);

#endif
