#include "cli/seal.h"

#include "cli/hash_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEAL_KEY "  \"seal\": \""
#define SEAL_END "\"\n}\n"

err_t seal_text(const json_t *facts, char **text, struct err_text *why)
{
    char hash[SHA256_TEXT_SIZE];
    char *body = json_dumps(facts, JSON_INDENT(2));
    const size_t size = body != NULL ? strlen(body) : 0;
    const size_t room = size + sizeof(SEAL_KEY) + sizeof(hash) + sizeof(SEAL_END) + 2;
    char *sealed = size > 2 ? malloc(room) : NULL;
    if (sealed == NULL) {
        free(body);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    /* Without its closing brace. */
    const size_t head = (size_t)snprintf(sealed, room, "%.*s,\n" SEAL_KEY, (int)size - 2, body);
    free(body);
    err_t err = hash_bytes(sealed, head, hash, why);
    if (err != ERR_OK) {
        free(sealed);
        return err;
    }
    snprintf(sealed + head, room - head, "%s" SEAL_END, hash);
    *text = sealed;
    return ERR_OK;
}

err_t seal_read_text(const char *path, size_t bytes_max, char **text, size_t *size, struct err_text *why)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return err_say(why, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    char *all = malloc(bytes_max + 1);
    const size_t got = all != NULL ? fread(all, 1, bytes_max + 1, file) : 0;
    const bool bad = ferror(file) != 0;
    fclose(file);
    if (all == NULL || bad || got > bytes_max) {
        free(all);
        return err_say(why,
                       all == NULL ? ERR_NOMEM
                       : bad       ? ERR_IO
                                   : ERR_CORRUPT,
                       "%s: %s", path,
                       all == NULL ? "out of memory"
                       : bad       ? "cannot be read"
                                   : "is too large to be one");
    }
    all[got] = '\0';
    *text = all;
    *size = got;
    return ERR_OK;
}

static err_t check(const char *path, const char *text, size_t size, struct err_text *why)
{
    char hash[SHA256_TEXT_SIZE];
    const size_t digits = SHA256_TEXT_SIZE - 1, key = strlen(SEAL_KEY), end = strlen(SEAL_END);
    const size_t tail = key + digits + end;
    if (size < tail || memcmp(text + size - tail, SEAL_KEY, key) != 0 ||
        memcmp(text + size - end, SEAL_END, end) != 0)
        return err_say(why, ERR_CORRUPT, "%s: damaged: it does not end in its seal", path);
    err_t err = hash_bytes(text, size - digits - end, hash, why);
    if (err != ERR_OK)
        return err;
    if (memcmp(hash, text + size - digits - end, digits) != 0)
        return err_say(why, ERR_CORRUPT,
                       "%s: damaged: its seal is %.*s, its text has %s; nothing in it can be believed", path,
                       (int)digits, text + size - digits - end, hash);
    return ERR_OK;
}

err_t seal_read(const char *path, size_t bytes_max, int format, json_t **facts, struct err_text *why)
{
    char *text;
    size_t size;
    json_error_t error;
    err_t err = seal_read_text(path, bytes_max, &text, &size, why);
    if (err != ERR_OK)
        return err;
    err = check(path, text, size, why);
    json_t *read = err == ERR_OK ? json_loadb(text, size, 0, &error) : NULL;
    free(text);
    if (err == ERR_OK && read == NULL)
        err = err_say(why, ERR_CORRUPT, "%s:%d: not JSON: %s", path, error.line, error.text);
    else if (err == ERR_OK && json_integer_value(json_object_get(read, "format")) != format)
        err = err_say(why, ERR_VERSION, "%s: its format is not %d: written by another version of tapedeck", path,
                      format);
    if (err != ERR_OK) {
        json_decref(read);
        return err;
    }
    *facts = read;
    return ERR_OK;
}
