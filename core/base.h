/* base.h: the words that every other file is written in.
 *
 * Scalars with a unit, the assertion that stays on in every build, and the few compiler attributes
 * that the rest of the program uses by name.
 *
 * Nothing here reads a clock, the environment or a file.
 */
#ifndef TAPEDECK_CORE_BASE_H
#define TAPEDECK_CORE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define STATIC_ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* Nanoseconds since 1970-01-01T00:00:00Z, or a duration in nanoseconds. */
typedef int64_t ns_t;
/* A price in units of 10^-price_decimals of its instrument. May be negative (spreads, some futures). */
typedef int64_t px_t;
/* A quantity in units of 10^-qty_decimals of its instrument; 0 in a book delta deletes the level. */
typedef int64_t qty_t;
/* An exact amount of money; its scale (decimals) is said where it is kept. */
__extension__ typedef __int128 money_t;
__extension__ typedef unsigned __int128 u128_t;

#define NS_MAX    INT64_MAX
#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

enum side { SIDE_BUY = 0, SIDE_SELL = 1 };

static inline enum side side_opposite(enum side side)
{
    return side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;
}

/* +1 for a buy, -1 for a sell. */
static inline int side_sign(enum side side)
{
    return side == SIDE_BUY ? 1 : -1;
}

#define MUST_USE                           __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt_index, args_index) __attribute__((format(printf, fmt_index, args_index)))
#define LIKELY(x)                          __builtin_expect(!!(x), 1)
#define UNLIKELY(x)                        __builtin_expect(!!(x), 0)
#define ARRAY_LEN(a)                       (sizeof(a) / sizeof((a)[0]))

/* A programmer's error: on in every build, prints the place and aborts. */
void assert_failed(const char *condition, const char *file, int line) __attribute__((noreturn, cold));
/* Which assertion failed, for whoever handles the abort; `condition` NULL: none. */
struct assert_place {
    const char *condition, *file;
    int line;
};
const struct assert_place *assert_failed_at(void);
#define ASSERT(condition)                                                                                            \
    do {                                                                                                             \
        if (UNLIKELY(!(condition)))                                                                                  \
            assert_failed(#condition, __FILE__, __LINE__);                                                           \
    } while (0)

/* Up to the next cache line: pieces of one block of memory begin there. */
static inline size_t align64(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

#ifdef __cplusplus
}
#endif
#endif
