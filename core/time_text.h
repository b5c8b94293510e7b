/* time_text.h: moments as people write them, and back. UTC; nothing is rounded.
 *
 *   2024-08-08   2024-08-08T12:30   2024-08-08T12:30:01.123456789Z   2024-08-08 12:30:01+09:00   1723075200000000000
 */
#ifndef TAPEDECK_CORE_TIME_TEXT_H
#define TAPEDECK_CORE_TIME_TEXT_H

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TIME_TEXT_SIZE 64

/* A date, a date and a time (without a zone: UTC), or whole nanoseconds since 1970. ERR_SYNTAX: of another shape, or
 * more than nine decimals of a second; ERR_RANGE: no such moment, or not between 1970 and 2261. */
err_t time_parse(const char *text, size_t size, ns_t *value) MUST_USE;
/* 2024-08-08T00:00:01.500000000Z, always nine digits, into a buffer of TIME_TEXT_SIZE; returns it. */
const char *time_format(ns_t value, char *text);

#ifdef __cplusplus
}
#endif
#endif
