#include "cli/run_open.h"

#include "cli/bundle.h"
#include "cli/evidence.h"
#include "cli/run_dir.h"
#include "cli/run_inputs.h"
#include "cli/suggest.h"
#include "data/zst_file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* What bundle_extract makes: files, and folders of files. */
static void remove_files(const char *dir)
{
    char path[PATH_SIZE];
    DIR *handle = opendir(dir);
    if (handle == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(handle)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            run_dir_path(path, dir, entry->d_name))
            (void)unlink(path);
    closedir(handle);
    (void)rmdir(dir);
}

static err_t unpack(struct run_opened *run, const char *bundle, struct err_text *why)
{
    const char *parent = getenv("TMPDIR");
    char path[PATH_SIZE];
    struct bundle_sums sums;
    if (!run_dir_path(path, parent != NULL && parent[0] != '\0' ? parent : "/tmp", "tapedeck-run.XXXXXX"))
        return err_say(why, ERR_RANGE, "TMPDIR: too long");
    if (mkdtemp(path) == NULL)
        return err_say(why, errno == ENOSPC ? ERR_NOSPACE : ERR_IO, "%s: cannot make a directory to unpack to: %s",
                       path, strerror(errno));
    run->temporary = strdup(path);
    run->dir = strdup(path);
    if (run->temporary == NULL || run->dir == NULL) {
        (void)rmdir(path);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    return bundle_extract(bundle, path, &sums, why);
}

/* A file is no run, whatever it is; a name may be a slip of the hand. */
static err_t say_none(const char *name, const char *runs, struct err_text *why)
{
    struct suggestion near;
    char meant[128] = "";
    if (access(name, F_OK) == 0)
        return err_say(why, ERR_NOTFOUND,
                       "%s: is a file, and no run: a run is a directory, the name of one under %s/, or a bundle "
                       "('tapedeck bundle' makes one)",
                       name, runs);
    DIR *handle = opendir(runs);
    suggest_start(&near, name, strlen(name));
    static char best[NAME_MAX + 1]; /* what is offered lives as long as its entry */
    for (const struct dirent *entry; handle != NULL && (entry = readdir(handle)) != NULL;) {
        suggest_offer(&near, entry->d_name);
        if (near.best == entry->d_name) {
            snprintf(best, sizeof(best), "%s", entry->d_name);
            near.best = best;
        }
    }
    if (handle != NULL)
        closedir(handle);
    return err_say(why, ERR_NOTFOUND,
                   "%s: there is no such directory or bundle, and no run of that name under %s/ (--runs names "
                   "another)%s",
                   name, runs, suggest_text(&near, meant));
}

err_t run_open(struct run_opened *run, const char *name, const char *runs, struct err_text *why)
{
    char path[PATH_SIZE];
    const char *found = name;
    *run = (struct run_opened){0};
    if (runs == NULL)
        runs = "runs";
    if (!is_directory(name)) {
        if (zst_is_file(name)) {
            err_t err = unpack(run, name, why);
            if (err != ERR_OK)
                run_close(run);
            return err;
        }
        if (!run_dir_path(path, runs, name) || !is_directory(path))
            return say_none(name, runs, why);
        found = path;
    }
    run->dir = strdup(found);
    if (run->dir == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    for (size_t size = strlen(run->dir); size > 1 && run->dir[size - 1] == '/'; size--)
        run->dir[size - 1] = '\0';
    return ERR_OK;
}

void run_close(struct run_opened *run)
{
    static const char *const folders[] = {EVIDENCE_TAPES, RUN_INPUTS_FOLDER};
    char folder[PATH_SIZE];
    if (run->temporary != NULL) {
        for (size_t i = 0; i < ARRAY_LEN(folders); i++)
            if (run_dir_path(folder, run->temporary, folders[i]))
                remove_files(folder);
        remove_files(run->temporary);
    }
    free(run->temporary);
    free(run->dir);
    *run = (struct run_opened){0};
}
