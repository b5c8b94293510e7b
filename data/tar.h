/* tar.h: one entry of a tar archive: the 512 bytes before a file, and back (POSIX.1-2017, pax, "ustar Interchange
 * Format").
 *
 *   header │ content, padded to 512 │ header │ content ... │ 1024 zeros
 *
 * Written headers hold nothing of the machine that wrote them: mode 0644, no owner, time 0. So the archive is a
 * function of names and contents. Bytes in, bytes out: files belong to the caller.
 */
#ifndef TAPEDECK_DATA_TAR_H
#define TAPEDECK_DATA_TAR_H

#include "core/err.h"

#define TAR_BLOCK     512
#define TAR_NAME_SIZE 257 /* prefix, slash, name and a NUL */
#define TAR_SIZE_MAX  (UINT64_C(1) << 60)

struct tar_entry {
    char name[TAR_NAME_SIZE];
    uint64_t size;
};

/* ERR_RANGE: the name does not fit 155 + 100 bytes at a slash, or the size is beyond TAR_SIZE_MAX. Sizes from 8 GiB
 * on are written in base 256, as GNU tar does. */
err_t tar_header_write(const struct tar_entry *entry, uint8_t block[TAR_BLOCK]) MUST_USE;
/* ERR_END: a block of zeros. ERR_CORRUPT: not a header. ERR_UNSUPPORTED: not a regular file. */
err_t tar_header_read(const uint8_t block[TAR_BLOCK], struct tar_entry *entry) MUST_USE;
/* Bytes after a content of `size`. */
static inline size_t tar_padding(uint64_t size)
{
    return (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

#endif
