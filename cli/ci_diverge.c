#include "cli/ci_diverge.h"

#include "cli/diff_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool kept_path(const struct ci_kept *kept, const struct ci_case *one, const char *digest, char path[PATH_SIZE])
{
    char name[160];
    const int size = snprintf(name, sizeof(name), "%s-%s", one->name, digest);
    return size > 0 && (size_t)size < sizeof(name) && run_dir_path(path, kept->runs, name);
}

static bool is_there(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* As the suite runs it, and with a journal. */
static err_t run_case(struct diff_side *side, char label, const struct ci_case *one, const char *binary,
                      const char *digest, struct err_text *why)
{
    const struct rerun_options options = {.tapes = &one->tapes};
    err_t err = diff_side_run(side, label, one->config, binary, &one->sets, &options, why);
    side->options.tapes = NULL; /* where the run says that they are */
    if (err != ERR_OK || strcmp(side->digest, digest) == 0)
        return err;
    return binary != NULL
               ? err_say(why, ERR_MISMATCH,
                         "%s does not make the baseline's run of this case: its digest is %s (was the case "
                         "itself changed?)",
                         binary, side->digest)
               : err_say(why, ERR_MISMATCH, "run once more, its digest is %s: the run is not repeatable",
                         side->digest);
}

static json_t *outcome(err_t err, const struct err_text *why)
{
    json_t *object = json_object();
    json_set_text(object, "error", err == ERR_OK ? NULL : why->text[0] != '\0' ? why->text : err_words(err));
    return object;
}

json_t *ci_keep(const struct ci_case *one, const struct ci_kept *kept, const char *digest)
{
    static struct diff_side side;
    struct err_text why = {0};
    char path[PATH_SIZE];
    err_t err = kept_path(kept, one, digest, path) ? ERR_OK
                                                   : err_say(&why, ERR_RANGE, "%s: the path is too long", kept->runs);
    if (err == ERR_OK && is_there(path))
        return outcome(ERR_OK, &why);
    if (err == ERR_OK && mkdir(kept->runs, 0777) != 0 && errno != EEXIST)
        err = err_say(&why, ERR_IO, "%s: cannot be made: %s", kept->runs, strerror(errno));
    side.parent = kept->runs;
    if (err == ERR_OK)
        err = run_case(&side, 'a', one, NULL, digest, &why);
    if (err == ERR_OK)
        err = diff_side_keep(&side, path, &why);
    diff_side_close(&side);
    return outcome(err, &why);
}

static err_t open_baseline(struct diff_side *side, const struct ci_case *one, const struct ci_kept *kept,
                           const char *digest, struct err_text *why)
{
    static char path[PATH_SIZE];
    if (kept->runs != NULL && kept_path(kept, one, digest, path) && is_there(path))
        return diff_side_open(side, 'a', path, NULL, &(struct rerun_options){0}, why);
    if (kept->binary != NULL)
        return run_case(side, 'a', one, kept->binary, digest, why);
    return err_say(why, ERR_NOTFOUND, "%s has no run of the baseline ('tapedeck ci record --runs' keeps it)",
                   kept->runs);
}

static void tell(json_t *object, const struct diff_side *a, const struct diff_side *b, const struct diff_found *found)
{
    char where[PATH_SIZE], *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file != NULL) {
        diff_report_first(file, a, b, found);
        fclose(file);
        json_set_text(object, "text", text);
        free(text);
    }
    diff_report_where(a, found, where, sizeof(where));
    json_set_text(object, "where", where);
    json_set(object, "report", diff_report_json(a, b, found));
}

json_t *ci_diverge(const struct ci_case *one, const struct ci_kept *kept, const char *baseline_digest,
                   const char *now_digest)
{
    static struct diff_side a, b;
    static struct diff_found found;
    struct err_text why = {0};
    err_t err = open_baseline(&a, one, kept, baseline_digest, &why);
    if (err == ERR_OK)
        err = run_case(&b, 'b', one, NULL, now_digest, &why);
    a.head = "then";
    b.head = "now";
    if (err == ERR_OK)
        err = diff_side_journal(&a, &why);
    if (err == ERR_OK)
        err = diff_side_journal(&b, &why);
    if (err == ERR_OK)
        err = diff_find(&a, &b, &(struct diff_options){0}, &found, &why);
    json_t *object = outcome(err, &why);
    if (err == ERR_OK)
        tell(object, &a, &b, &found);
    diff_found_free(&found);
    diff_side_close(&a);
    diff_side_close(&b);
    return object;
}
