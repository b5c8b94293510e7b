/* How: streams whose writes land here. They are line buffered, so that a write is seen while the input that caused it
 * is being handled. */
#include "cli/rows_compare.h"

#include "cli/evidence.h"
#include "cli/run_dir.h"
#include "cli/run_progress.h"
#include "cli/run_start.h"
#include "cli/run_tail.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX 64 /* of then and of now: a run writes 22 at most */
#define ROWS_NAME 128

struct row_file {
    struct rows_compare *all;
    char name[ROWS_NAME];
    FILE *then;            /* NULL: there was none */
    uint64_t size, at;     /* of then; found the same */
    uint64_t lines, begin; /* line ends before `at`; where the line of `at` begins */
    bool opened;           /* by the run now */
    bool own;              /* of a name that every run may have */
};

struct rows_compare {
    char *dir;
    const struct engine *engine;
    struct run_rows rows;
    struct row_file files[FILES_MAX];
    size_t count;
    uint64_t bytes, input;
    bool differs;
    struct rows_difference difference;
};

/* Files of a run directory that hold no rows. */
static bool is_other(const char *name)
{
    static const char *const names[] = {"config.yaml",  "journal.tape", "inputs.tape", "crash.txt",
                                        "timing.json",  "result.json",  RUN_PROGRESS_FILE,
                                        RUN_START_FILE, RUN_TAIL_FILE,  EVIDENCE_FILE};
    const size_t size = strlen(name);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return size > 4 && strcmp(name + size - 4, ".tmp") == 0;
}

static bool is_own(const char *name)
{
    static const char *const names[] = {"orders.csv", "fills.csv",    "equity.csv",
                                        "plot.csv",   "payments.csv", "log.txt"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static err_t add(struct rows_compare *rows, const char *name, const char *path, struct err_text *why)
{
    struct row_file *file = &rows->files[rows->count];
    struct stat status;
    *file = (struct row_file){.all = rows, .own = is_own(name)};
    snprintf(file->name, sizeof(file->name), "%.*s", ROWS_NAME - 1, name);
    if (path != NULL) {
        file->then = fopen(path, "rb");
        if (file->then == NULL || fstat(fileno(file->then), &status) != 0) {
            const int number = errno;
            if (file->then != NULL)
                fclose(file->then);
            return err_say(why, ERR_IO, "%s: cannot be read: %s", path, strerror(number));
        }
        file->size = (uint64_t)status.st_size;
    }
    rows->count++;
    return ERR_OK;
}

static err_t add_all(struct rows_compare *rows, struct err_text *why)
{
    char path[PATH_SIZE];
    DIR *handle = opendir(rows->dir);
    if (handle == NULL)
        return err_say(why, ERR_NOTFOUND, "%s: cannot open the directory: %s", rows->dir, strerror(errno));
    err_t err = ERR_OK;
    for (const struct dirent *entry; err == ERR_OK && (entry = readdir(handle)) != NULL;) {
        struct stat status;
        if (is_other(entry->d_name) || strlen(entry->d_name) >= ROWS_NAME ||
            !run_dir_path(path, rows->dir, entry->d_name) || lstat(path, &status) != 0 || !S_ISREG(status.st_mode))
            continue;
        err = rows->count < FILES_MAX / 2
                  ? add(rows, entry->d_name, path, why)
                  : err_say(why, ERR_FULL, "%s: holds more files than a run writes", rows->dir);
    }
    closedir(handle);
    return err;
}

err_t rows_compare_open(struct rows_compare **rows, const char *dir, struct err_text *why)
{
    struct rows_compare *opened = calloc(1, sizeof(*opened));
    if (opened == NULL || (opened->dir = strdup(dir)) == NULL) {
        free(opened);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    err_t err = add_all(opened, why);
    if (err != ERR_OK) {
        rows_compare_close(opened);
        return err;
    }
    *rows = opened;
    return ERR_OK;
}

/* ---- rows, as they come ---- */

/* The line of then that `at` lies in. */
static void then_line(struct row_file *file, char line[ROWS_LINE])
{
    line[0] = '\0';
    if (fseeko(file->then, (off_t)file->begin, SEEK_SET) == 0 && fgets(line, ROWS_LINE, file->then) != NULL)
        line[strcspn(line, "\n")] = '\0';
}

static void differ(struct row_file *file, const char *now, size_t size)
{
    struct rows_compare *rows = file->all;
    struct rows_difference *difference = &rows->difference;
    rows->differs = true;
    difference->file = file->name;
    difference->line = file->lines + 1;
    difference->input = engine_counters(rows->engine)->inputs;
    then_line(file, difference->then);
    /* What is the same of the line, and then what came now. */
    size_t used = (size_t)(file->at - file->begin);
    used = used < ROWS_LINE - 1 ? used : ROWS_LINE - 1;
    memcpy(difference->now, difference->then, used);
    const char *end = memchr(now, '\n', size);
    snprintf(difference->now + used, ROWS_LINE - used, "%.*s", (int)(end != NULL ? end - now : (ptrdiff_t)size), now);
}

static ssize_t on_rows(void *cookie, const char *bytes, size_t size)
{
    struct row_file *file = cookie;
    struct rows_compare *rows = file->all;
    char then[4096];
    for (size_t done = 0; done < size && file->at < file->size && !rows->differs;) {
        const uint64_t left = file->size - file->at;
        size_t wanted = size - done < sizeof(then) ? size - done : sizeof(then);
        wanted = left < wanted ? (size_t)left : wanted;
        if (fread(then, 1, wanted, file->then) != wanted) {
            differ(file, bytes + done, size - done); /* it became shorter while it was read */
            break;
        }
        size_t same = 0;
        while (same < wanted && then[same] == bytes[done + same]) {
            file->at++;
            if (then[same++] == '\n') {
                file->lines++;
                file->begin = file->at;
            }
        }
        rows->bytes += same;
        if (same != 0)
            rows->input = engine_counters(rows->engine)->inputs;
        if (same < wanted)
            differ(file, bytes + done + same, size - done - same);
        done += wanted;
    }
    return (ssize_t)size;
}

static FILE *open_rows(void *context, const char *name)
{
    struct rows_compare *rows = context;
    size_t i = 0;
    while (i < rows->count && strcmp(rows->files[i].name, name) != 0)
        i++;
    if (i == FILES_MAX) {
        errno = EMFILE;
        return NULL;
    }
    if (i == rows->count && add(rows, name, NULL, NULL) != ERR_OK)
        return NULL;
    rows->files[i].opened = true;
    FILE *stream = fopencookie(&rows->files[i], "w", (cookie_io_functions_t){.write = on_rows});
    if (stream != NULL)
        setvbuf(stream, NULL, _IOLBF, 4096);
    return stream;
}

const struct run_rows *rows_compare_rows(struct rows_compare *rows, const struct engine *engine)
{
    rows->engine = engine;
    rows->rows = (struct run_rows){rows, open_rows};
    return &rows->rows;
}

/* ---- what was found ---- */

bool rows_compare_done(const struct rows_compare *rows)
{
    for (size_t i = 0; i < rows->count && !rows->differs; i++)
        if (rows->files[i].at < rows->files[i].size)
            return false;
    return true;
}

const struct rows_difference *rows_compare_difference(const struct rows_compare *rows)
{
    return rows->differs ? &rows->difference : NULL;
}

void rows_compare_finish(struct rows_compare *rows, bool cut)
{
    for (size_t i = 0; i < rows->count && !rows->differs && !cut; i++) {
        struct row_file *file = &rows->files[i];
        if (file->at < file->size && (file->opened || file->own))
            differ(file, "", 0);
    }
}

uint64_t rows_compare_bytes(const struct rows_compare *rows)
{
    return rows->bytes;
}

uint64_t rows_compare_input(const struct rows_compare *rows)
{
    return rows->input;
}

const char *rows_compare_unknown(const struct rows_compare *rows, size_t number)
{
    for (size_t i = 0; i < rows->count; i++)
        if (!rows->files[i].opened && !rows->files[i].own && number-- == 0)
            return rows->files[i].name;
    return NULL;
}

void rows_compare_close(struct rows_compare *rows)
{
    if (rows == NULL)
        return;
    for (size_t i = 0; i < rows->count; i++)
        if (rows->files[i].then != NULL)
            fclose(rows->files[i].then);
    free(rows->dir);
    free(rows);
}
