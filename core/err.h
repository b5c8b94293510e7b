/* err.h: outside failures have one list, which makes codes, names and texts.
 *
 *   a programmer's error       ASSERT (base.h), aborts in every build
 *   an outside failure         a must-use err_t; outputs come last and are untouched
 *   an ordinary absence        ERR_AGAIN (nothing now), ERR_WAIT (nothing yet), ERR_END (nothing ever again)
 *
 * Core gives codes. The edges (data, adapters, cli) add the words in a struct err_text: which file,
 * which line, which field, what was expected, what to do.
 */
#ifndef TAPEDECK_CORE_ERR_H
#define TAPEDECK_CORE_ERR_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ERR_MAP(X)                                                                                                   \
    X(OK, "ok")                                                                                                      \
    X(AGAIN, "nothing now")                                                                                          \
    X(END, "no more")                                                                                                \
    X(SYNTAX, "malformed input")                                                                                     \
    X(RANGE, "value out of range")                                                                                   \
    X(PRECISION, "more decimals than can be kept")                                                                   \
    X(UNKNOWN, "unknown name")                                                                                       \
    X(UNSUPPORTED, "not supported")                                                                                  \
    X(VERSION, "version mismatch")                                                                                   \
    X(CORRUPT, "damaged data")                                                                                       \
    X(TRUNCATED, "cut short")                                                                                        \
    X(ORDER, "out of order")                                                                                         \
    X(GAP, "missed data")                                                                                            \
    X(STATE, "not allowed in this state")                                                                            \
    X(FULL, "capacity reached")                                                                                      \
    X(NOMEM, "out of memory")                                                                                        \
    X(NOTFOUND, "not found")                                                                                         \
    X(EXISTS, "exists already")                                                                                      \
    X(IO, "input/output error")                                                                                      \
    X(NOSPACE, "no space left on device")                                                                            \
    X(PERMISSION, "permission denied")                                                                               \
    X(CONFIG, "configuration error")                                                                                 \
    X(USAGE, "wrong use of the command")                                                                             \
    X(INTERRUPTED, "interrupted")                                                                                    \
    X(RISK, "refused by the risk gate")                                                                              \
    X(REJECTED, "rejected by the venue")                                                                             \
    X(STALE, "the book is stale")                                                                                    \
    X(MISMATCH, "results differ")                                                                                    \
    X(INVARIANT, "an invariant does not hold")                                                                       \
    X(WAIT, "nothing yet")

#define ERR_ENUM(name, text) ERR_##name,
typedef enum err { ERR_MAP(ERR_ENUM) ERR_COUNT } err_t;
#undef ERR_ENUM

/* "ERR_RANGE"; static storage. */
const char *err_name(err_t err);
/* "value out of range"; static storage. */
const char *err_words(err_t err);

/* One sentence for a person: what is wrong where, what was expected, what to do. */
struct err_text {
    err_t code;
    char text[760];
};

/* Write the sentence and return `code`, so that a failing function ends in
 *     return err_say(why, ERR_SYNTAX, "%s:%zu: ...", path, line);
 * `why` may be NULL: then only the code is returned. The first sentence wins until it is cleared:
 * inner layers know more than outer ones. */
err_t err_say(struct err_text *why, err_t code, const char *fmt, ...) PRINTF_LIKE(3, 4);
void err_clear(struct err_text *why);

#ifdef __cplusplus
}
#endif
#endif
