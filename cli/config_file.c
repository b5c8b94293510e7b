#include "cli/config_file.h"

#include "cli/config_tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

err_t config_file_read(const struct run_config *config, const char *key, const char *path, size_t bytes_max,
                       bool keep, struct config_text *text, struct err_text *why)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return run_config_error(config, key, why, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return run_config_error(config, key, why, "%s: expected a file", path);
    const size_t size = (size_t)status.st_size;
    if (size > bytes_max)
        return run_config_error(config, key, why, "%s: larger than %zu MiB; leave rows out", path, bytes_max >> 20);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return run_config_error(config, key, why, "%s: %s", path, strerror(errno));
    char *bytes = keep ? config_tree_alloc(config->tree, size + 1) : malloc(size + 1);
    if (bytes == NULL) {
        fclose(file);
        return err_say(why, ERR_NOMEM, "%s: out of memory", path);
    }
    const bool whole = fread(bytes, 1, size, file) == size && ferror(file) == 0;
    fclose(file);
    if (!whole) {
        if (!keep)
            free(bytes);
        return run_config_error(config, key, why, "%s: could not be read whole", path);
    }
    bytes[size] = '\0';
    *text = (struct config_text){bytes, size};
    return ERR_OK;
}
