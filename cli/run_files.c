#include "cli/run_files.h"

#include "cli/run_dir.h"
#include "cli/run_output.h"

#include <errno.h>
#include <string.h>

#define BUFFER_SIZE (256 * 1024)

/* What run_output and verb_run write (docs/results.md), and what they may begin to write one day. */
static const char *const taken[] = {"config.yaml",  "crash.txt",     "equity.csv", "fills.csv", "journal.tape", "inputs.tape",
                                    "log.txt",      "manifest.json", "orders.csv", "plot.csv",  "payments.csv",
                                    "progress.txt", "result.json",   "start.json", "tail.txt",  "timing.json"};

static err_t cannot(const char *dir, const char *name, int number, struct err_text *why)
{
    return err_say(why, number == ENOSPC || number == EDQUOT ? ERR_NOSPACE : ERR_IO, "%s/%s: cannot write: %s", dir,
                   name, strerror(number != 0 ? number : EIO));
}

static err_t open_file(struct run_files *files, const char *dir, const char *name, struct err_text *why)
{
    char path[PATH_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (strcmp(name, taken[i]) == 0)
            return err_say(why, ERR_CONFIG, "the strategy writes a file '%s', which is a name of the run's own files",
                           name);
    if (files->count == RUN_FILES_MAX)
        return err_say(why, ERR_CONFIG, "the strategy writes more than %d files ('%s' is one too many)",
                       RUN_FILES_MAX, name);
    FILE *file = NULL;
    if (files->rows != NULL) {
        if ((file = files->rows->open(files->rows->context, name)) == NULL)
            return cannot(dir, name, errno, why);
    } else if (dir != NULL) {
        if (!run_dir_path(path, dir, name))
            return cannot(dir, name, ENAMETOOLONG, why);
        if ((file = fopen(path, "w")) == NULL)
            return cannot(dir, name, errno, why);
        setvbuf(file, NULL, _IOFBF, BUFFER_SIZE);
    }
    files->at[files->count].file = file;
    strcpy(files->at[files->count++].name, name); /* the engine has checked its length */
    return ERR_OK;
}

err_t run_files_write(struct run_files *files, const char *dir, const char *name, const char *line,
                      struct err_text *why)
{
    uint32_t i = 0;
    while (i < files->count && strcmp(files->at[i].name, name) != 0)
        i++;
    if (i == files->count) {
        err_t err = open_file(files, dir, name, why);
        if (err != ERR_OK)
            return err;
    }
    FILE *file = files->at[i].file;
    if (file == NULL)
        return ERR_OK;
    errno = 0;
    if (fputs(line, file) < 0 || fputc('\n', file) == EOF)
        return cannot(dir, name, errno, why);
    return ERR_OK;
}

err_t run_files_flush(struct run_files *files, const char *dir, struct err_text *why)
{
    for (uint32_t i = 0; i < files->count; i++) {
        errno = 0;
        if (files->at[i].file != NULL && fflush(files->at[i].file) != 0)
            return cannot(dir, files->at[i].name, errno, why);
    }
    return ERR_OK;
}

err_t run_files_close(struct run_files *files, const char *dir, struct err_text *why)
{
    err_t first = ERR_OK;
    for (uint32_t i = 0; i < files->count; i++) {
        FILE *file = files->at[i].file;
        if (file == NULL)
            continue;
        errno = 0;
        const bool bad = ferror(file) != 0;
        if ((fclose(file) != 0 || bad) && first == ERR_OK)
            first = cannot(dir, files->at[i].name, errno, why);
        files->at[i].file = NULL;
    }
    return first;
}
