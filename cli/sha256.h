/* sha256.h: SHA-256, over OpenSSL. sha256.c is the one file that includes it, and it cannot include core/err.h
 * beside: both have an ERR_STATE. So these functions only say whether they worked. */
#ifndef TAPEDECK_CLI_SHA256_H
#define TAPEDECK_CLI_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#define SHA256_TEXT_SIZE 65 /* 64 hex digits and a NUL */

struct sha256;
/* NULL: out of memory. */
struct sha256 *sha256_new(void);
bool sha256_add(struct sha256 *hash, const void *bytes, size_t size);
/* Once, after the last sha256_add. */
bool sha256_text(struct sha256 *hash, char text[SHA256_TEXT_SIZE]);
void sha256_free(struct sha256 *hash);

#endif
