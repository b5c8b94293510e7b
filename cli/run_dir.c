#include "cli/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUNS_MAX 1000000

static err_t say(struct err_text *why, const char *path, const char *what, int number)
{
    err_t code = number == ENOSPC || number == EDQUOT    ? ERR_NOSPACE
                 : number == EACCES || number == EROFS   ? ERR_PERMISSION
                 : number == EEXIST || number == ENOTDIR ? ERR_EXISTS
                                                         : ERR_IO;
    return err_say(why, code, "%s: %s: %s", path, what, strerror(number));
}

bool run_dir_path(char path[PATH_SIZE], const char *dir, const char *name)
{
    int size = snprintf(path, PATH_SIZE, "%s/%s", dir, name);
    return size > 0 && size < PATH_SIZE;
}

/* mkdir -p */
static err_t make_parents(const char *path, struct err_text *why)
{
    char part[PATH_SIZE];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof(part))
        return say(why, path, "cannot make the directory", ENAMETOOLONG);
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST && errno != EISDIR)
            return say(why, part, "cannot make the directory", errno);
    }
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return say(why, path, "cannot make the directory", ENOTDIR);
    return ERR_OK;
}

err_t run_dir_new(const char *parent, const char *strategy, const char *hash, char **dir, struct err_text *why)
{
    char path[PATH_SIZE];
    err_t err = make_parents(parent, why);
    for (unsigned n = 1; err == ERR_OK && n <= RUNS_MAX; n++) {
        int size = snprintf(path, sizeof(path), "%s/%.64s-%.8s-%u", parent, strategy, hash, n);
        if (size <= 0 || (size_t)size >= sizeof(path))
            return say(why, parent, "cannot make the directory", ENAMETOOLONG);
        if (mkdir(path, 0777) == 0) { /* mkdir decides: two runs at once get two directories */
            *dir = strdup(path);
            return *dir != NULL ? ERR_OK : err_say(why, ERR_NOMEM, "out of memory");
        }
        if (errno != EEXIST)
            err = say(why, path, "cannot make the directory", errno);
    }
    return err != ERR_OK ? err
                         : err_say(why, ERR_EXISTS, "%s: %d runs of one config are there already", parent, RUNS_MAX);
}

static err_t count_entries(const char *path, size_t *count, struct err_text *why)
{
    DIR *handle = opendir(path);
    if (handle == NULL)
        return say(why, path, "cannot open the directory", errno);
    *count = 0;
    for (const struct dirent *entry; (entry = readdir(handle)) != NULL;)
        *count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(handle);
    return ERR_OK;
}

/* A manifest or result of an earlier run must not stand beside the files of this one: they go first. */
static void remove_earlier(const char *dir)
{
    static const char *const names[] = {"manifest.json", "result.json",  "timing.json", "orders.csv",
                                        "fills.csv",     "equity.csv",   "plot.csv",    "log.txt",
                                        "config.yaml",   "tail.txt",     "crash.txt",   "payments.csv",
                                        "outcomes.csv",  "journal.tape", "inputs.tape", "start.json",  "progress.txt"};
    char path[PATH_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (run_dir_path(path, dir, names[i]))
            (void)unlink(path);
    }
}

err_t run_dir_use(const char *path, bool force, char **dir, struct err_text *why)
{
    size_t entries = 0;
    err_t err = make_parents(path, why);
    if (err == ERR_OK)
        err = count_entries(path, &entries, why);
    if (err == ERR_OK && entries > 0 && !force)
        err = err_say(why, ERR_EXISTS,
                      "%s: is not empty; name another directory, or --force to write over an earlier run", path);
    if (err != ERR_OK)
        return err;
    remove_earlier(path);
    *dir = strdup(path);
    return *dir != NULL ? ERR_OK : err_say(why, ERR_NOMEM, "out of memory");
}

err_t run_dir_write(const char *dir, const char *name, const char *text, struct err_text *why)
{
    char path[PATH_SIZE], temporary[PATH_SIZE + 8];
    if (!run_dir_path(path, dir, name))
        return say(why, dir, "cannot write", ENAMETOOLONG);
    snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    FILE *file = fopen(temporary, "w");
    if (file == NULL)
        return say(why, temporary, "cannot create", errno);
    errno = 0;
    bool bad = fputs(text, file) == EOF || fflush(file) != 0 || fsync(fileno(file)) != 0;
    int number = errno;
    if (fclose(file) != 0 && !bad) {
        bad = true;
        number = errno;
    }
    if (!bad && rename(temporary, path) != 0) {
        bad = true;
        number = errno;
    }
    if (!bad)
        return ERR_OK;
    (void)unlink(temporary);
    return say(why, path, "cannot write", number);
}
