/* tape_result.h: a result that appears whole or not at all: written as NAME.tmp, renamed at the end. */
#ifndef TAPEDECK_DATA_TAPE_RESULT_H
#define TAPEDECK_DATA_TAPE_RESULT_H

#include "core/err.h"

struct tape_result {
    char *path, *temporary;
};

/* ERR_EXISTS when `path` is there and `replace` is false. */
err_t tape_result_begin(struct tape_result *result, const char *path, bool replace, struct err_text *why) MUST_USE;
/* Rename (err == OK) or remove the temporary file; returns `err` or what went wrong now. Frees. */
err_t tape_result_end(struct tape_result *result, err_t err, struct err_text *why) MUST_USE;
/* "path" + "suffix" in new memory; NULL: none left. */
char *tape_path_join(const char *path, const char *suffix);
/* The code for an errno, as the tape functions use them. */
err_t tape_errno(int number);

#endif
