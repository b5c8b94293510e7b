/* zst_file.h: a plain .zst file as a stream of bytes, either way. `zstd -d` opens it.
 *
 * For archives only: a tape is not one of these, it has frames and seals of its own (tape_block.h). The frame carries
 * a checksum of its content, so that damage is found on reading. With the same zstd library the same bytes give the
 * same file.
 */
#ifndef TAPEDECK_DATA_ZST_FILE_H
#define TAPEDECK_DATA_ZST_FILE_H

#include "core/err.h"

struct zst_writer;
/* Written beside its name, as PATH.tmp. ERR_EXISTS: `path` is there already. */
err_t zst_writer_open(struct zst_writer **writer, const char *path, struct err_text *why) MUST_USE;
/* The same, for what is read again soon: less pressed, several times as fast. */
err_t zst_writer_open_fast(struct zst_writer **writer, const char *path, struct err_text *why) MUST_USE;
err_t zst_writer_put(struct zst_writer *writer, const void *bytes, size_t size, struct err_text *why) MUST_USE;
/* Synced and renamed. The writer is gone in any case; on an error so is the file. */
err_t zst_writer_close(struct zst_writer *writer, struct err_text *why) MUST_USE;
/* Give it up; NULL is nothing. */
void zst_writer_abandon(struct zst_writer *writer);

struct zst_reader;
/* ERR_CORRUPT: not a zstd file. */
err_t zst_reader_open(struct zst_reader **reader, const char *path, struct err_text *why) MUST_USE;
/* Up to `size` bytes; `got` less than that: the end. Bytes are proved only by the end: the checksum stands there.
 * ERR_CORRUPT, ERR_TRUNCATED, ERR_IO. */
err_t zst_reader_get(struct zst_reader *reader, void *bytes, size_t size, size_t *got, struct err_text *why) MUST_USE;
void zst_reader_close(struct zst_reader *reader);
/* Does the file begin like one? */
bool zst_is_file(const char *path);

#endif
