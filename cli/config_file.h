/* config_file.h: a file that a key of the config names, read whole. */
#ifndef TAPEDECK_CLI_CONFIG_FILE_H
#define TAPEDECK_CLI_CONFIG_FILE_H

#include "cli/config.h"

struct config_text {
    char *bytes; /* a NUL follows that is not counted */
    size_t size;
};

/* Read `path`, a regular file of at most `bytes_max`. With `keep` into memory of the config's tree, else the caller
 * frees the bytes. ERR_CONFIG at `key`, with the path; ERR_NOMEM. */
err_t config_file_read(const struct run_config *config, const char *key, const char *path, size_t bytes_max,
                       bool keep, struct config_text *text, struct err_text *why) MUST_USE;

#endif
