#include "cli/hash_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (64 * 1024)

static err_t cannot(const char *path, int number, struct err_text *why)
{
    const err_t code = number == ENOENT || number == ENOTDIR ? ERR_NOTFOUND
                       : number == EACCES || number == EPERM ? ERR_PERMISSION
                                                             : ERR_IO;
    return err_say(why, code, "%s: cannot be read: %s", path, strerror(number));
}

static err_t no_hash(struct err_text *why)
{
    return err_say(why, ERR_NOMEM, "SHA-256 is not to be had from the crypto library");
}

err_t hash_bytes(const void *bytes, size_t size, char text[SHA256_TEXT_SIZE], struct err_text *why)
{
    struct sha256 *hash = sha256_new();
    const bool done = hash != NULL && sha256_add(hash, bytes, size) && sha256_text(hash, text);
    sha256_free(hash);
    return done ? ERR_OK : no_hash(why);
}

static err_t add_file(struct sha256 *hash, int file, const char *path, uint64_t *size, struct err_text *why)
{
    char chunk[CHUNK];
    for (;;) {
        const ssize_t got = read(file, chunk, sizeof(chunk));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannot(path, errno, why);
        if (got == 0)
            return ERR_OK;
        if (!sha256_add(hash, chunk, (size_t)got))
            return no_hash(why);
        *size += (uint64_t)got;
    }
}

err_t hash_file(const char *path, bool sync, char text[SHA256_TEXT_SIZE], uint64_t *size, struct err_text *why)
{
    uint64_t bytes = 0;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return cannot(path, errno, why);
    struct sha256 *hash = sha256_new();
    err_t err = hash != NULL ? add_file(hash, file, path, &bytes, why) : no_hash(why);
    if (err == ERR_OK && sync && fsync(file) != 0)
        err = cannot(path, errno, why);
    if (err == ERR_OK && !sha256_text(hash, text))
        err = no_hash(why);
    sha256_free(hash);
    close(file);
    if (err == ERR_OK)
        *size = bytes;
    return err;
}
