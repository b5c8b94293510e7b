/* values.h: values as people write them: durations, times, sizes; and back to text.
 *
 * Everything is exact: "1.5s" is 1,500,000,000 ns, "0.3ns" is refused. Times are UTC.
 */
#ifndef TAPEDECK_CLI_VALUES_H
#define TAPEDECK_CLI_VALUES_H

#include "core/err.h"

#define VALUE_TEXT_SIZE 64

/* 250ms, 1.5s, 5m, 2h, 1d, 10us, 7ns; 0 needs no unit. ERR_SYNTAX: shape or unit; ERR_PRECISION: not a whole
 * number of ns; ERR_RANGE: more than 292 years. May be negative. */
err_t value_duration(const char *text, size_t size, ns_t *value) MUST_USE;
/* 2024-08-08, 2024-08-08T12:30, 2024-08-08T12:30:01.123456789Z, +09:00 offsets, or whole ns since 1970. */
err_t value_time(const char *text, size_t size, ns_t *value) MUST_USE;
/* 4096, 64K, 64KiB, 16M, 2G, 20e6. */
err_t value_size(const char *text, size_t size, uint64_t *value) MUST_USE;

/* What the three above expect, for messages. */
extern const char value_duration_expected[];
extern const char value_time_expected[];
extern const char value_size_expected[];

/* Text into a buffer of VALUE_TEXT_SIZE; return the buffer. */
const char *value_duration_text(ns_t value, char *text);  /* the largest unit that is exact: "250ms" */
const char *value_time_text(ns_t value, char *text);      /* 2024-08-08T00:00:01.500000000Z, always nine digits */
const char *value_size_text(uint64_t bytes, char *text);  /* "12.3 MiB", for people */
const char *value_span_text(ns_t value, char *text);      /* "1d 03:25:10", for people, whole seconds */
const char *value_count_text(uint64_t count, char *text); /* "1,234,567" */

#endif
