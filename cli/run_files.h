/* run_files.h: the files of a run directory that its strategy writes, line by line (strategy_write).
 *
 * They are made with their first line. Names that the run itself uses are not given away.
 */
#ifndef TAPEDECK_CLI_RUN_FILES_H
#define TAPEDECK_CLI_RUN_FILES_H

#include "core/strategy.h"

#include <stdio.h>

#define RUN_FILES_MAX 16

struct run_rows;

struct run_files {
    const struct run_rows *rows; /* who takes the lines; NULL: files of `dir` do */
    struct {
        char name[STRATEGY_FILE_NAME_MAX + 1];
        FILE *file; /* NULL: nothing is kept */
    } at[RUN_FILES_MAX];
    uint32_t count;
};

/* `dir` NULL: the name is checked and the line is gone. ERR_CONFIG: a name that the run uses, or one file too many;
 * ERR_IO, ERR_NOSPACE. A full disk shows when a buffer goes out. */
err_t run_files_write(struct run_files *files, const char *dir, const char *name, const char *line,
                      struct err_text *why) MUST_USE;
/* Hand what is buffered to the system. */
err_t run_files_flush(struct run_files *files, const char *dir, struct err_text *why) MUST_USE;
/* Flush and close all. */
err_t run_files_close(struct run_files *files, const char *dir, struct err_text *why) MUST_USE;

#endif
