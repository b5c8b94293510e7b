/* What a run left of itself: result.json, or start.json when it was killed; timing.json tells where it was started.
 */
#include "cli/rerun_inside.h"

#include "cli/crash_note.h"
#include "cli/run_start.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

err_t rerun_say_unended(const char *dir, struct err_text *why)
{
    char path[PATH_SIZE];
    if (!run_dir_path(path, dir, "config.yaml") || access(path, R_OK) != 0)
        return err_say(why, ERR_NOTFOUND, "%s: has neither result.json nor config.yaml: not a run", dir);
    return err_say(
        why, ERR_STATE,
        "%s: has no result.json: it was killed, crashed, or is still going on, and what is asked for needs "
        "a whole run. 'tapedeck verify %s' tells how far it is proved; 'tapedeck run %s --out NEW' makes "
        "it again, whole",
        dir, dir, path);
}

static err_t find_dir(struct rerun *rerun, const char *run, const char *runs, bool unended, struct err_text *why)
{
    char result[PATH_SIZE];
    err_t err = run_open(&rerun->inside->run, run, runs, why);
    if (err != ERR_OK)
        return err;
    rerun->dir = rerun->inside->run.dir;
    rerun->name = rerun->inside->run.temporary != NULL ? run : rerun->dir;
    if (!run_dir_path(result, rerun->dir, "result.json"))
        return err_say(why, ERR_RANGE, "%s: too long", rerun->dir);
    if (access(result, R_OK) == 0)
        return ERR_OK;
    if (!unended)
        return rerun_say_unended(rerun->dir, why);
    rerun->unended = true;
    return ERR_OK;
}

const char *rerun_record_name(const struct rerun *rerun)
{
    return rerun->unended ? RUN_START_FILE : "result.json";
}

static err_t copy_text(const struct rerun *rerun, const json_t *object, const char *key, char *text, size_t room,
                       struct err_text *why)
{
    const char *value = json_string_value(json_object_get(object, key));
    if (value == NULL || strlen(value) >= room)
        return err_say(why, ERR_CORRUPT, "%s/%s: '%s' is not there, or not a text", rerun->dir,
                       rerun_record_name(rerun), key);
    strcpy(text, value);
    return ERR_OK;
}

static err_t copy_count(const struct rerun *rerun, const json_t *object, const char *key, uint64_t *value,
                        struct err_text *why)
{
    const json_t *number = json_object_get(object, key);
    if (!json_is_integer(number) || json_integer_value(number) < 0)
        return err_say(why, ERR_CORRUPT, "%s/result.json: '%s' is not there, or not a count", rerun->dir, key);
    *value = (uint64_t)json_integer_value(number);
    return ERR_OK;
}

/* What result.json and start.json say alike. */
static err_t read_identity(struct rerun *rerun, struct err_text *why)
{
    const json_t *record = rerun->inside->result, *binary = json_object_get(record, "binary");
    err_t err = copy_text(rerun, record, "config_hash", rerun->config_hash, sizeof(rerun->config_hash), why);
    if (err == ERR_OK)
        err = copy_text(rerun, binary, "version", rerun->version, sizeof(rerun->version), why);
    if (err == ERR_OK)
        err = copy_text(rerun, binary, "build_id", rerun->build_id, sizeof(rerun->build_id), why);
    return err;
}

static err_t read_result(struct rerun *rerun, struct err_text *why)
{
    char path[PATH_SIZE];
    json_error_t error;
    if (!run_dir_path(path, rerun->dir, "result.json"))
        return err_say(why, ERR_RANGE, "%s: too long", rerun->dir);
    json_t *result = rerun->inside->result = json_load_file(path, 0, &error);
    if (result == NULL)
        return err_say(why, ERR_CORRUPT, "%s:%d: not JSON: %s", path, error.line, error.text);
    if (json_integer_value(json_object_get(result, "format")) != 1)
        return err_say(why, ERR_VERSION, "%s: its format is not 1: written by another version of tapedeck", path);
    err_t err = copy_text(rerun, result, "digest", rerun->digest, sizeof(rerun->digest), why);
    if (err == ERR_OK)
        err = read_identity(rerun, why);
    if (err == ERR_OK)
        err = copy_count(rerun, result, "inputs", &rerun->inputs, why);
    if (err == ERR_OK)
        err = copy_count(rerun, result, "orders", &rerun->orders, why);
    rerun->partial = json_is_true(json_object_get(result, "partial"));
    return err;
}

/* How far a run came that broke: crash.txt counts the input that broke it. */
static void read_crash(struct rerun *rerun)
{
    char path[PATH_SIZE], line[256];
    FILE *file = run_dir_path(path, rerun->dir, CRASH_NOTE_FILE) ? fopen(path, "r") : NULL;
    if (file == NULL)
        return;
    rerun->crashed = rerun->partial = true;
    while (fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "inputs %" SCNu64, &rerun->inputs) == 1 && rerun->inputs != 0)
            rerun->inputs--;
    fclose(file);
}

/* Of a run that was killed. */
static err_t read_start(struct rerun *rerun, struct err_text *why)
{
    struct err_text inner = {0};
    char path[PATH_SIZE];
    err_t err = run_start_read(rerun->dir, &rerun->inside->result, &inner);
    if (err == ERR_NOTFOUND) {
        if (!run_dir_path(path, rerun->dir, "config.yaml") || access(path, R_OK) != 0)
            return err_say(why, ERR_NOTFOUND, "%s: has neither result.json nor config.yaml: not a run", rerun->dir);
        return err_say(why, ERR_STATE,
                       "%s: has neither result.json nor " RUN_START_FILE
                       ": it was killed before its first input (or by "
                       "a version that did not write " RUN_START_FILE "); there is nothing to hold against a run",
                       rerun->dir);
    }
    if (err != ERR_OK)
        return err_say(why, err, "%s", inner.text);
    read_crash(rerun);
    return read_identity(rerun, why);
}

static bool take_started_in(struct rerun *rerun, const json_t *record)
{
    const char *started_in = json_string_value(json_object_get(record, "cwd"));
    if (started_in == NULL || strlen(started_in) >= sizeof(rerun->inside->started_in) || !is_directory(started_in))
        return false;
    strcpy(rerun->inside->started_in, started_in);
    return true;
}

/* Where the run was started; nothing when it was not written, or is no directory here. */
static void read_started_in(struct rerun *rerun)
{
    char path[PATH_SIZE];
    if (!run_dir_path(path, rerun->dir, "timing.json"))
        return;
    json_t *timing = json_load_file(path, 0, NULL);
    if (!take_started_in(rerun, timing))
        (void)take_started_in(rerun, rerun->inside->result);
    json_decref(timing);
}

err_t rerun_record_read(struct rerun *rerun, const char *run, const struct rerun_options *options,
                        struct err_text *why)
{
    err_t err = find_dir(rerun, run, options->runs, options->unended, why);
    if (err == ERR_OK)
        err = rerun->unended ? read_start(rerun, why) : read_result(rerun, why);
    if (err == ERR_OK)
        read_started_in(rerun);
    return err;
}
