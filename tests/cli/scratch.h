/* scratch.h: a folder for one test, and the program run as a user would run it. */
#ifndef TAPEDECK_TESTS_CLI_SCRATCH_H
#define TAPEDECK_TESTS_CLI_SCRATCH_H

#include <stddef.h>

struct scratch {
    char dir[256];
};

void scratch_begin(struct scratch *scratch);
void scratch_end(struct scratch *scratch);
/* A file in it; returns its path (static storage, eight in turn). */
const char *scratch_path(const struct scratch *scratch, const char *name);
const char *scratch_write(const struct scratch *scratch, const char *name, const char *text);
/* The whole file, to be freed; NULL: not there. */
char *scratch_read(const char *path, size_t *size);

struct ran {
    int code;
    char out[65536], err[16384];
};
/* `tapedeck <arguments>` inside the folder, words as the shell splits them. */
void run_program(const struct scratch *scratch, struct ran *ran, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
