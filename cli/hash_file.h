/* hash_file.h: SHA-256 of files, as hex digits: what a stranger checks with sha256sum. */
#ifndef TAPEDECK_CLI_HASH_FILE_H
#define TAPEDECK_CLI_HASH_FILE_H

#include "cli/sha256.h"
#include "core/err.h"

err_t hash_bytes(const void *bytes, size_t size, char text[SHA256_TEXT_SIZE], struct err_text *why) MUST_USE;
/* Of a whole file, with its size. `sync`: what was read is on the disk when this returns. ERR_NOTFOUND: there is no
 * such file; ERR_IO, ERR_PERMISSION. */
err_t hash_file(const char *path, bool sync, char text[SHA256_TEXT_SIZE], uint64_t *size,
                struct err_text *why) MUST_USE;

#endif
