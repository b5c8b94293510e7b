#include "data/tape_result.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

err_t tape_errno(int number)
{
    switch (number) {
    case ENOENT:
        return ERR_NOTFOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_PERMISSION;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_NOSPACE;
    default:
        return ERR_IO;
    }
}

char *tape_path_join(const char *path, const char *suffix)
{
    size_t size = strlen(path) + strlen(suffix) + 1;
    char *joined = malloc(size);
    if (joined != NULL)
        snprintf(joined, size, "%s%s", path, suffix);
    return joined;
}

err_t tape_result_begin(struct tape_result *result, const char *path, bool replace, struct err_text *why)
{
    *result = (struct tape_result){NULL, NULL};
    if (!replace && access(path, F_OK) == 0)
        return err_say(why, ERR_EXISTS, "%s: exists already; nothing was overwritten", path);
    result->path = strdup(path);
    result->temporary = tape_path_join(path, ".tmp");
    if (result->path == NULL || result->temporary == NULL) {
        free(result->path);
        free(result->temporary);
        *result = (struct tape_result){NULL, NULL};
        return err_say(why, ERR_NOMEM, "%s: out of memory", path);
    }
    return ERR_OK;
}

err_t tape_result_end(struct tape_result *result, err_t err, struct err_text *why)
{
    if (err == ERR_OK && rename(result->temporary, result->path) != 0)
        err = err_say(why, tape_errno(errno), "%s: cannot rename %s: %s", result->path, result->temporary,
                      strerror(errno));
    if (err != ERR_OK)
        (void)unlink(result->temporary);
    free(result->path);
    free(result->temporary);
    *result = (struct tape_result){NULL, NULL};
    return err;
}
