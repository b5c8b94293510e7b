/* http_head.h: what is wanted of an answer's header lines.
 *
 *   "HTTP/1.1 200 OK\r\n"                        (a status line may stand there or not)
 *   "X-MBX-USED-WEIGHT-1M: 40\r\n"               http_head_number(..., "x-mbx-used-weight-1m", &n)
 *   "Remaining-Req: group=default; min=1800; sec=29\r\n"      http_remaining_req
 *   "Retry-After: 5\r\n"                         http_retry_after
 *
 * Names match in any case; spaces around values do not count; of equal names the last one does; lines may end in LF
 * alone. Nothing here fails: what is absent or malformed is absent.
 */
#ifndef TAPEDECK_ADAPTERS_HTTP_HEAD_H
#define TAPEDECK_ADAPTERS_HTTP_HEAD_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The value of a header: a slice of `head`. */
bool http_head_find(const char *head, size_t size, const char *name, const char **value, size_t *value_size);
/* A header that is a whole number. */
bool http_head_number(const char *head, size_t size, const char *name, uint64_t *number);
/* Retry-After in seconds, as a duration of at most 30 days. The form with a date is taken with the answer's own
 * Date, so that no clock of ours is needed; without one it is absent. */
bool http_retry_after(const char *head, size_t size, ns_t *wait);

/* When the answer was made by the clock of whoever made it, in whole seconds (cut off); in nanoseconds. */
bool http_date(const char *head, size_t size, ns_t *date);

/* Upbit's "group=default; min=1800; sec=29", parts in any order, unknown ones passed over. `group` is a slice. */
struct http_remaining {
    const char *group;
    size_t group_size;
    uint64_t sec;
};
bool http_remaining_req(const char *head, size_t size, struct http_remaining *remaining);

/* "... banned until 1591702613943 ..." in a body: epoch milliseconds of the venue's clock, as nanoseconds. */
bool http_banned_until(const char *text, size_t size, ns_t *until);

#ifdef __cplusplus
}
#endif
#endif
