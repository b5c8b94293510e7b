/* run_dir.h: the directory of one run: made new, never mixed with another's, files put in whole. */
#ifndef TAPEDECK_CLI_RUN_DIR_H
#define TAPEDECK_CLI_RUN_DIR_H

#include "core/err.h"

#define PATH_SIZE 4096

/* "dir/name"; false: too long. */
bool run_dir_path(char path[PATH_SIZE], const char *dir, const char *name);
/* A new directory <parent>/<strategy>-<first 8 digits of hash>-<n>, n the lowest that is free; parents are made.
 * `dir` is to be freed. */
err_t run_dir_new(const char *parent, const char *strategy, const char *hash, char **dir,
                  struct err_text *why) MUST_USE;
/* This very directory, made when missing. ERR_EXISTS: something is in it and `force` is false; with `force` the files
 * of an earlier run in it are removed, others are left alone. */
err_t run_dir_use(const char *path, bool force, char **dir, struct err_text *why) MUST_USE;
/* Written beside its name, synced and renamed. */
err_t run_dir_write(const char *dir, const char *name, const char *text, struct err_text *why) MUST_USE;

#endif
