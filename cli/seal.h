/* seal.h: JSON files of a run directory that notice when a byte of them changes.
 *
 *   {                                   ─┐
 *     "format": 1,                       │ hashed: the text as bytes, up to the seal's first digit
 *     ...                                │
 *     "seal": "                         ─┘ 64 digits of SHA-256, then "\n}\n
 *   }
 *
 * What follows the digits is always the same, so there is no second way to write the same file. It is no signature:
 * who can write the file can write another seal.
 */
#ifndef TAPEDECK_CLI_SEAL_H
#define TAPEDECK_CLI_SEAL_H

#include "cli/json_out.h"

/* The object as text with its seal; to be freed. It must have at least one key. */
err_t seal_text(const json_t *facts, char **text, struct err_text *why) MUST_USE;
/* Read such a file, of at most `bytes_max`. ERR_NOTFOUND, ERR_IO; ERR_CORRUPT: its seal is not that of its text, or
 * it is no JSON; ERR_VERSION: its key "format" is not `format`. */
err_t seal_read(const char *path, size_t bytes_max, int format, json_t **facts, struct err_text *why) MUST_USE;
/* A whole text file, NUL at its end; to be freed. ERR_CORRUPT: larger than `bytes_max`. */
err_t seal_read_text(const char *path, size_t bytes_max, char **text, size_t *size, struct err_text *why) MUST_USE;

#endif
