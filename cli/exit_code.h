/* exit_code.h: what the shell learns: one small number, the same for every verb (docs/exit-codes.md). */
#ifndef TAPEDECK_CLI_EXIT_CODE_H
#define TAPEDECK_CLI_EXIT_CODE_H

#include "core/err.h"

/* code, number, meaning */
#define EXIT_CODE_MAP(X)                                                                                             \
    X(OK, 0, "done, and nothing was wrong")                                                                          \
    X(DIFFERENCE, 1, "a check found a difference or damage")                                                         \
    X(USAGE, 2, "wrong command line")                                                                                \
    X(CONFIG, 3, "wrong configuration or strategy")                                                                  \
    X(DATA, 4, "bad input data: a damaged or foreign tape, a broken capture")                                        \
    X(IO, 5, "a file could not be read or written")                                                                  \
    X(NOSPACE, 6, "no space left on the device")                                                                     \
    X(INTERNAL, 7, "a fault of the program itself, or out of memory")                                                \
    X(RUN, 8, "the run was ended by a risk or money failure")                                                        \
    X(INVARIANT, 9, "an invariant of the run does not hold")                                                         \
    X(CI_WARNING, 10, "ci: the same digests; warnings")                                                              \
    X(CI_DIGEST, 11, "ci: a digest differs, the metrics are equal or within their bounds")                           \
    X(UNENDED, 12, "the run has not ended: it is still going on, was killed, or crashed")                            \
    X(PREFIX, 13, "verify, diff: a run was killed or crashed; identical as far as it was written")                   \
    X(CI_STRICT_WARNING, 20, "ci --strict: warnings, as failures")                                                   \
    X(CI_STRICT_DIGEST, 21, "ci --strict: a digest differs")                                                         \
    X(CI_SPEED, 22, "ci: a run is slower than its bound")                                                            \
    X(CI_METRICS, 23, "ci: metrics are outside of their bounds")                                                     \
    X(CI_BASELINE, 24, "ci: a baseline is missing, or cannot be read")                                               \
    X(CI_BROKEN, 25, "ci: a run could not be made, broke, or an invariant does not hold")                            \
    X(SIGINT, 130, "interrupted (Ctrl-C); what was finished is kept")                                                \
    X(SIGTERM, 143, "terminated; what was finished is kept")
#define EXIT_CODE_ENUM(name, number, text) EXIT_CODE_##name = number,
enum exit_code { EXIT_CODE_MAP(EXIT_CODE_ENUM) };
#undef EXIT_CODE_ENUM

/* The exit code that an outside failure ends the program with. */
int exit_code_of(err_t err);
/* Print `tapedeck VERB: sentence` on stderr and return the exit code of `why->code`, so that a verb ends in
 *     return exit_with(verb, &why);
 * Usage errors add where the help is. */
int exit_with(const char *verb, const struct err_text *why);
/* Of a verb that opens a run (rerun.h): ERR_STATE is one that has not ended. */
int exit_with_run(const char *verb, const struct err_text *why);

#endif
