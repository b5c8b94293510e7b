#include "cli/ci_baseline.h"

#include "cli/ci_case.h"
#include "cli/run_dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool ci_baseline_path(const struct ci_suite *suite, const struct ci_case *one, char path[CI_PATH_SIZE])
{
    const int size = snprintf(path, CI_PATH_SIZE, "%s/%s.json", suite->baselines, one->name);
    return size > 0 && size < CI_PATH_SIZE;
}

static bool all_texts(const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) if (!json_is_string(value)) return false;
    return json_is_object(object);
}

/* Whoever reads a record below may rely on this. */
static const char *missing_of(const json_t *record)
{
    static const char *const texts[] = {"digest", "config_hash"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!json_is_string(json_object_get(record, texts[i])))
            return texts[i];
    if (!all_texts(json_object_get(record, "metrics")))
        return "metrics";
    if (!all_texts(json_object_get(record, "config")))
        return "config";
    if (!all_texts(json_object_get(record, "binary")))
        return "binary";
    if (!json_is_array(json_object_get(record, "tapes")))
        return "tapes";
    if (!json_is_array(json_object_get(record, "checkpoints")))
        return "checkpoints";
    return NULL;
}

err_t ci_baseline_read(const struct ci_suite *suite, const struct ci_case *one, json_t **record, struct err_text *why)
{
    char path[CI_PATH_SIZE];
    json_error_t error;
    if (!ci_baseline_path(suite, one, path))
        return err_say(why, ERR_RANGE, "%s/%s.json: the path is too long", suite->baselines, one->name);
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return err_say(why, ERR_NOTFOUND, "%s is not there: 'tapedeck ci record %s' writes it", path, suite->path);
    json_t *read = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (read == NULL)
        return err_say(why, ERR_CORRUPT, "%s:%d:%d: %s", path, error.line, error.column, error.text);
    const json_t *format = json_object_get(read, "format");
    err_t err = ERR_OK;
    if (!json_is_integer(format))
        err = err_say(why, ERR_CORRUPT, "%s: has no 'format': not a baseline", path);
    else if (json_integer_value(format) != CI_FORMAT)
        err = err_say(why, ERR_VERSION, "%s: its format is %lld, this program writes %d: record it anew", path,
                      (long long)json_integer_value(format), CI_FORMAT);
    else if (missing_of(read) != NULL)
        err = err_say(why, ERR_CORRUPT, "%s: '%s' is not there, or not as it should be: record it anew", path,
                      missing_of(read));
    if (err != ERR_OK) {
        json_decref(read);
        return err;
    }
    *record = read;
    return ERR_OK;
}

/* All but the binary. */
static bool says_the_same(const json_t *a, const json_t *b)
{
    json_t *left = json_copy((json_t *)(uintptr_t)a), *right = json_copy((json_t *)(uintptr_t)b);
    (void)json_object_del(left, "binary");
    (void)json_object_del(right, "binary");
    const bool same = left != NULL && right != NULL && json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return same;
}

err_t ci_baseline_write(const struct ci_suite *suite, const struct ci_case *one, json_t *record,
                        enum ci_recorded *recorded, struct err_text *why)
{
    json_t *before = NULL;
    char name[CI_PATH_SIZE];
    err_t err = ci_baseline_read(suite, one, &before, NULL);
    *recorded = err == ERR_NOTFOUND ? CI_RECORDED_NEW : CI_RECORDED_CHANGED;
    if (err == ERR_OK && says_the_same(before, record))
        *recorded = CI_RECORDED_SAME;
    json_decref(before);
    if (*recorded == CI_RECORDED_SAME)
        return ERR_OK;
    if (mkdir(suite->baselines, 0777) != 0 && errno != EEXIST)
        return err_say(why, errno == EACCES ? ERR_PERMISSION : ERR_IO, "%s: cannot be made: %s", suite->baselines,
                       strerror(errno));
    char *text = json_dumps(record, JSON_INDENT(2) | JSON_SORT_KEYS);
    const size_t size = text != NULL ? strlen(text) : 0;
    char *lines = text != NULL ? realloc(text, size + 2) : NULL;
    if (lines == NULL) {
        free(text);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    strcpy(lines + size, "\n");
    snprintf(name, sizeof(name), "%s.json", one->name);
    err = run_dir_write(suite->baselines, name, lines, why);
    free(lines);
    return err;
}
