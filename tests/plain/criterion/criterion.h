/* criterion.h, the plain one: as much of Criterion as tests/shell uses, for a build under the thread sanitizer, which
 * wants the addresses that Criterion's runner takes for itself. Each test is a child process; TAP is printed. */
#ifndef TAPEDECK_TESTS_PLAIN_CRITERION_H
#define TAPEDECK_TESTS_PLAIN_CRITERION_H

#include <stdbool.h>
#include <string.h>

struct plain_options {
    double timeout; /* s; 0: 120 */
};
void plain_add(const char *suite, const char *name, void (*test)(void), struct plain_options options);
void plain_fail(const char *file, int line, const char *what, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 4, 5)));
void plain_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define Test(suite, name, ...)                                                                                       \
    static void suite##_##name(void);                                                                                \
    __attribute__((constructor)) static void suite##_##name##_add(void)                                              \
    {                                                                                                                \
        plain_add(#suite, #name, suite##_##name, (struct plain_options){__VA_ARGS__});                               \
    }                                                                                                                \
    static void suite##_##name(void)

#define plain_check(condition, what, ...)                                                                            \
    do {                                                                                                             \
        if (!(condition))                                                                                            \
            plain_fail(__FILE__, __LINE__, what, "" __VA_ARGS__);                                                    \
    } while (0)
#define cr_assert(condition, ...)     plain_check(condition, #condition, __VA_ARGS__)
#define cr_assert_not(condition, ...) plain_check(!(condition), "not " #condition, __VA_ARGS__)
#define cr_assert_eq(a, b, ...)       plain_check((a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...)      plain_check((a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...)       plain_check((a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...)      plain_check((a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...)       plain_check((a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...)      plain_check((a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_assert_null(a, ...)        plain_check((a) == NULL, #a " is NULL", __VA_ARGS__)
#define cr_assert_not_null(a, ...)    plain_check((a) != NULL, #a " is not NULL", __VA_ARGS__)
#define cr_assert_fail(...)           plain_fail(__FILE__, __LINE__, "never here", "" __VA_ARGS__)
#define cr_log_info(...)              plain_say(__VA_ARGS__)
#define cr_log_warn(...)              plain_say(__VA_ARGS__)

#endif
