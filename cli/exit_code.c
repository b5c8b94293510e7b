#include "cli/exit_code.h"

#include <stdio.h>

/* A switch without default: a new err_t does not compile until someone decides what it means here. */
int exit_code_of(err_t err)
{
    switch (err) {
    case ERR_OK:
    case ERR_END:
        return EXIT_CODE_OK;
    case ERR_MISMATCH:
        return EXIT_CODE_DIFFERENCE;
    case ERR_USAGE:
        return EXIT_CODE_USAGE;
    case ERR_CONFIG:
        return EXIT_CODE_CONFIG;
    case ERR_SYNTAX:
    case ERR_RANGE:
    case ERR_PRECISION:
    case ERR_UNKNOWN:
    case ERR_UNSUPPORTED:
    case ERR_VERSION:
    case ERR_CORRUPT:
    case ERR_TRUNCATED:
    case ERR_ORDER:
    case ERR_GAP:
    case ERR_STALE:
        return EXIT_CODE_DATA;
    case ERR_NOTFOUND:
    case ERR_EXISTS:
    case ERR_IO:
    case ERR_PERMISSION:
        return EXIT_CODE_IO;
    case ERR_NOSPACE:
        return EXIT_CODE_NOSPACE;
    case ERR_RISK:
    case ERR_REJECTED:
        return EXIT_CODE_RUN;
    case ERR_INVARIANT:
        return EXIT_CODE_INVARIANT;
    case ERR_INTERRUPTED:
        return EXIT_CODE_SIGINT;
    case ERR_AGAIN:
    case ERR_WAIT:
    case ERR_STATE:
    case ERR_FULL:
    case ERR_NOMEM:
    case ERR_COUNT:
        return EXIT_CODE_INTERNAL;
    }
    return EXIT_CODE_INTERNAL;
}

int exit_with_run(const char *verb, const struct err_text *why)
{
    const int code = exit_with(verb, why);
    return why->code == ERR_STATE ? EXIT_CODE_UNENDED : code;
}

int exit_with(const char *verb, const struct err_text *why)
{
    const char *text = why->text[0] != '\0' ? why->text : err_words(why->code);
    /* Sentences that begin with a place (file:line) and span lines read best when nothing is put before them. */
    fflush(stdout);
    fprintf(stderr, "tapedeck %s: %s\n", verb, text);
    if (why->code == ERR_USAGE)
        fprintf(stderr, "Try 'tapedeck help %s'.\n", verb);
    return exit_code_of(why->code);
}
