#include "cli/rerun_files.h"

#include "cli/config_schema.h"
#include "cli/hash_file.h"
#include "cli/run_dir.h"
#include "cli/run_inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One entry of inputs_read. */
struct wanted {
    const char *key, *path, *sha256;
};

/* Beside the run: it travelled with it. */
static bool beside(const char *dir, const struct wanted *wanted, char path[PATH_SIZE])
{
    char folder[PATH_SIZE], name[RUN_INPUT_NAME_MAX];
    run_input_name(wanted->sha256, wanted->path, name);
    return run_dir_path(folder, dir, RUN_INPUTS_FOLDER) && run_dir_path(path, folder, name) &&
           access(path, R_OK) == 0;
}

static err_t given_one(const struct option_list *given, const struct wanted *wanted, char path[PATH_SIZE],
                       bool *found, struct err_text *why)
{
    *found = false;
    for (size_t i = 0; given != NULL && i < given->count && !*found; i++) {
        char got[SHA256_TEXT_SIZE];
        uint64_t size;
        err_t err = hash_file(given->items[i], false, got, &size, why);
        if (err != ERR_OK)
            return err;
        *found = strcmp(got, wanted->sha256) == 0;
        if (*found)
            snprintf(path, PATH_SIZE, "%s", given->items[i]);
    }
    return ERR_OK;
}

/* Where the run was started the path meant this file. */
static void recorded(const char *started_in, const struct wanted *wanted, char path[PATH_SIZE])
{
    if (wanted->path[0] == '/' || started_in[0] == '\0' || !run_dir_path(path, started_in, wanted->path) ||
        access(path, R_OK) != 0)
        snprintf(path, PATH_SIZE, "%s", wanted->path);
}

#define WHERE "say where it is now (verify and bundle: --file FILE; explain: --plugin FILE)"

static err_t check(const struct wanted *wanted, const char *path, struct err_text *why)
{
    char got[SHA256_TEXT_SIZE];
    uint64_t size;
    if (access(path, R_OK) != 0)
        return err_say(why, ERR_NOTFOUND,
                       "%s: the file that the run read (%s) is not there (%s); put it back, or " WHERE, wanted->path,
                       wanted->key, strerror(errno));
    err_t err = hash_file(path, false, got, &size, why);
    if (err != ERR_OK || strcmp(got, wanted->sha256) == 0)
        return err;
    return err_say(why, ERR_MISMATCH,
                   "%s: has changed since the run read it (%s): its SHA-256 is %s, the run's was %s; put that file "
                   "back, or " WHERE,
                   path, wanted->key, got, wanted->sha256);
}

static err_t keep(struct rerun_files *files, const struct wanted *wanted, const char *path, struct err_text *why)
{
    char quoted[2 * PATH_SIZE], set[2 * PATH_SIZE + 160];
    config_quote(path, quoted, sizeof(quoted));
    snprintf(set, sizeof(set), "%s=%s", wanted->key, quoted);
    struct rerun_found *found = &files->at[files->count];
    found->path = strdup(path);
    found->set = strdup(set);
    snprintf(found->sha256, sizeof(found->sha256), "%s", wanted->sha256);
    files->count++;
    if (found->path == NULL || found->set == NULL || option_list_add(&files->sets, found->set) != ERR_OK)
        return err_say(why, ERR_NOMEM, "out of memory");
    return ERR_OK;
}

static err_t find(struct rerun_files *files, const char *dir, const char *started_in, const struct wanted *wanted,
                  const struct option_list *given, struct err_text *why)
{
    char path[PATH_SIZE];
    bool found;
    err_t err = given_one(given, wanted, path, &found, why);
    if (err != ERR_OK)
        return err;
    if (!found && !beside(dir, wanted, path))
        recorded(started_in, wanted, path);
    err = check(wanted, path, why);
    return err == ERR_OK ? keep(files, wanted, path, why) : err;
}

static bool is_set(const struct option_list *sets, const char *key)
{
    const size_t size = strlen(key);
    for (size_t i = 0; sets != NULL && i < sets->count; i++)
        if (strncmp(sets->items[i], key, size) == 0 && sets->items[i][size] == '=')
            return true;
    return false;
}

err_t rerun_files_find(struct rerun_files *files, const char *dir, const char *started_in, const json_t *list,
                       const struct rerun_options *options, struct err_text *why)
{
    const size_t count = json_array_size(list);
    files->at = calloc(count + 1, sizeof(*files->at));
    if (files->at == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i);
        const struct wanted wanted = {json_string_value(json_object_get(entry, "what")),
                                      json_string_value(json_object_get(entry, "path")),
                                      json_string_value(json_object_get(entry, "sha256"))};
        if (wanted.key == NULL || wanted.path == NULL || wanted.sha256 == NULL ||
            strlen(wanted.sha256) != SHA256_TEXT_SIZE - 1 || strlen(wanted.key) > 127 ||
            strlen(wanted.path) >= PATH_SIZE)
            return err_say(why, ERR_CORRUPT, "%s: inputs_read[%zu] has no what, path or sha256", dir, i);
        if (is_set(options->sets, wanted.key))
            continue;
        err_t err = find(files, dir, started_in, &wanted, options->files, why);
        if (err != ERR_OK)
            return err;
    }
    for (size_t i = 0; options->sets != NULL && i < options->sets->count; i++)
        if (option_list_add(&files->sets, options->sets->items[i]) != ERR_OK)
            return err_say(why, ERR_NOMEM, "out of memory");
    return ERR_OK;
}

err_t rerun_files_machine(const struct rerun_files *files, struct err_text *why)
{
    static const char key[] = "strategy.plugin=";
    for (size_t i = 0; i < files->count; i++) {
        char machine[24];
        if (strncmp(files->at[i].set, key, sizeof(key) - 1) != 0)
            continue;
        run_input_machine(files->at[i].path, machine);
        if (machine[0] != '\0' && strcmp(machine, run_input_own_machine()) != 0)
            return err_say(why, ERR_MISMATCH,
                           "%s: the run's plug-in was compiled for %s, this is tapedeck for %s: execute the run on "
                           "such a machine",
                           files->at[i].path, machine, run_input_own_machine());
    }
    return ERR_OK;
}

const struct option_list *rerun_files_sets(const struct rerun_files *files)
{
    return &files->sets;
}

void rerun_files_free(struct rerun_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->at[i].path);
        free(files->at[i].set);
    }
    free(files->at);
    option_list_free(&files->sets);
    *files = (struct rerun_files){0};
}
