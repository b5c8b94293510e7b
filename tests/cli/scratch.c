#include "scratch.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

void scratch_begin(struct scratch *scratch)
{
    const char *root = getenv("TMPDIR");
    snprintf(scratch->dir, sizeof(scratch->dir), "%.180s/tapedeck-cli-XXXXXX", root != NULL ? root : "/tmp");
    cr_assert_not_null(mkdtemp(scratch->dir));
}

void scratch_end(struct scratch *scratch)
{
    char command[512];
    snprintf(command, sizeof(command), "rm -rf '%s'", scratch->dir);
    cr_assert_eq(system(command), 0);
}

const char *scratch_path(const struct scratch *scratch, const char *name)
{
    static char paths[8][512];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", scratch->dir, name);
    return path;
}

const char *scratch_write(const struct scratch *scratch, const char *name, const char *text)
{
    const char *path = scratch_path(scratch, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file, "%s", path);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
    return path;
}

char *scratch_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    fseek(file, 0, SEEK_END);
    size_t length = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(length + 1);
    cr_assert_eq(fread(text, 1, length, file), length);
    fclose(file);
    text[length] = '\0';
    if (size != NULL)
        *size = length;
    return text;
}

static void take(const struct scratch *scratch, const char *name, char *text, size_t room)
{
    char *all = scratch_read(scratch_path(scratch, name), NULL);
    cr_assert_not_null(all);
    snprintf(text, room, "%s", all);
    free(all);
    cr_assert_eq(remove(scratch_path(scratch, name)), 0);
}

void run_program(const struct scratch *scratch, struct ran *ran, const char *fmt, ...)
{
    char arguments[2048], command[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(arguments, sizeof(arguments), fmt, args);
    va_end(args);
    snprintf(command, sizeof(command), "cd '%s' && '%s' %s >.out 2>.err", scratch->dir, TEST_PROGRAM, arguments);
    int status = system(command);
    ran->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    take(scratch, ".out", ran->out, sizeof(ran->out));
    take(scratch, ".err", ran->err, sizeof(ran->err));
}
