#include "cli/run_progress.h"

#include "cli/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE 128 /* of both lines: the second begins here */

STATIC_ASSERT(sizeof(((struct run_progress *)0)->path) == PATH_SIZE, "room for any path");

static err_t cannot(const char *path, int number, struct err_text *why)
{
    return err_say(why, number == ENOSPC || number == EDQUOT ? ERR_NOSPACE : ERR_IO, "%s: cannot write: %s", path,
                   strerror(number != 0 ? number : EIO));
}

err_t run_progress_open(struct run_progress *progress, const char *dir, struct err_text *why)
{
    *progress = (struct run_progress){.file = -1};
    if (dir == NULL)
        return ERR_OK;
    if (!run_dir_path(progress->path, dir, RUN_PROGRESS_FILE))
        return cannot(dir, ENAMETOOLONG, why);
    progress->file = open(progress->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return progress->file >= 0 ? ERR_OK : cannot(progress->path, errno, why);
}

static void sum_of(const char *text, size_t size, char sum[17])
{
    struct digest digest;
    digest_init(&digest, 0);
    digest_bytes(&digest, text, size);
    snprintf(sum, 17, "%016" PRIx64, digest_value(&digest).low);
}

err_t run_progress_write(struct run_progress *progress, const struct engine *engine, bool ended, struct err_text *why)
{
    char line[LINE + 1], digest[DIGEST_TEXT_SIZE], sum[17];
    if (progress->file < 0)
        return ERR_OK;
    digest_text(engine_digest(engine), digest);
    const int head = snprintf(line, sizeof(line), "inputs=%14" PRIu64 " ts_ns=%20" PRId64 " digest=%s %s",
                              engine_counters(engine)->inputs, engine_now(engine), digest, ended ? "ended" : "going");
    ASSERT(head > 0 && head <= LINE - 23);
    sum_of(line, (size_t)head, sum);
    const int used = head + snprintf(line + head, sizeof(line) - (size_t)head, " sum=%s", sum);
    memset(line + used, ' ', (size_t)(LINE - 1 - used));
    line[LINE - 1] = '\n';
    const off_t at = (off_t)(progress->turn++ & 1) * LINE;
    for (size_t done = 0; done < LINE;) {
        const ssize_t wrote = pwrite(progress->file, line + done, LINE - done, at + (off_t)done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return cannot(progress->path, errno, why);
        done += (size_t)wrote;
    }
    return ERR_OK;
}

void run_progress_close(struct run_progress *progress)
{
    if (progress->file >= 0)
        close(progress->file);
    progress->file = -1;
}

void run_progress_remove(struct run_progress *progress)
{
    if (progress->file >= 0)
        (void)unlink(progress->path);
    run_progress_close(progress);
}

static bool read_line(const char *line, size_t size, struct run_progress_mark *mark)
{
    char text[LINE + 1], sum[17], wanted[17], state[6];
    int head = 0;
    if (size < LINE)
        return false;
    memcpy(text, line, LINE);
    text[LINE] = '\0';
    if (sscanf(text, "inputs=%" SCNu64 " ts_ns=%" SCNd64 " digest=%32[0-9a-f] %5[a-z]%n", &mark->inputs, &mark->ts,
               mark->digest, state, &head) != 4 ||
        sscanf(text + head, " sum=%16[0-9a-f]", wanted) != 1)
        return false;
    sum_of(text, (size_t)head, sum);
    mark->ended = strcmp(state, "ended") == 0;
    return strcmp(sum, wanted) == 0;
}

bool run_progress_read(const char *dir, struct run_progress_mark *mark)
{
    char path[PATH_SIZE], text[2 * LINE];
    struct run_progress_mark found;
    bool any = false;
    if (!run_dir_path(path, dir, RUN_PROGRESS_FILE))
        return false;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    const size_t size = fread(text, 1, sizeof(text), file);
    fclose(file);
    for (size_t at = 0; at < size; at += LINE)
        if (read_line(text + at, size - at, &found) &&
            (!any || found.inputs > mark->inputs || (found.inputs == mark->inputs && found.ended))) {
            *mark = found;
            any = true;
        }
    return any;
}
