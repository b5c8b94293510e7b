#include "cli/run_start.h"

#include "cli/hash_file.h"
#include "cli/run_dir.h"
#include "cli/seal.h"
#include "cli/version.h"

#include <stdlib.h>
#include <unistd.h>

json_t *run_binary_json(void)
{
    json_t *object = json_object();
    json_set_text(object, "version", cli_version());
    json_set_text(object, "build_id", cli_build_id());
    json_set_text(object, "compiler", cli_compiler());
    return object;
}

json_t *run_tapes_json(const struct stage *stage)
{
    json_t *list = json_array();
    for (uint16_t i = 0; i < stage->lane_count; i++) {
        json_t *entry = json_object();
        json_set_text(entry, "path", stage->tapes[i].path);
        json_set_text(entry, "hash", stage->tapes[i].hash);
        json_set_bool(entry, "closed", stage->tapes[i].closed);
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *facts_of(const struct run_config *config, const struct stage *stage, const struct run_inputs *inputs,
                        const char *config_sha256)
{
    char cwd[PATH_SIZE];
    json_t *object = json_object(), *strategy = json_object();
    json_set_u64(object, "format", RUN_START_FORMAT);
    json_set_u64(object, "seed", config->seed);
    json_set_text(object, "config_hash", config->hash);
    json_set_text(object, "config_sha256", config_sha256);
    json_set(object, "binary", run_binary_json());
    json_set_text(strategy, "name", config->strategy->name);
    json_set_text(strategy, "version", config->strategy->version);
    json_set(object, "strategy", strategy);
    json_set(object, "tapes", run_tapes_json(stage));
    json_set(object, "inputs_read", run_inputs_json(inputs));
    json_set_bool(object, "journal", config->journal == RUN_JOURNAL_ON);
    json_set_text(object, "cwd", getcwd(cwd, sizeof(cwd)));
    return object;
}

err_t run_start_write(const char *dir, const struct run_config *config, const struct stage *stage,
                      const struct run_inputs *inputs, struct err_text *why)
{
    char path[PATH_SIZE], hash[SHA256_TEXT_SIZE], *text = NULL;
    uint64_t size;
    if (dir == NULL)
        return ERR_OK;
    if (!run_dir_path(path, dir, "config.yaml"))
        return err_say(why, ERR_RANGE, "%s: too long", dir);
    err_t err = hash_file(path, false, hash, &size, why);
    if (err != ERR_OK)
        return err;
    json_t *facts = facts_of(config, stage, inputs, hash);
    err = seal_text(facts, &text, why);
    if (err == ERR_OK)
        err = run_dir_write(dir, RUN_START_FILE, text, why);
    free(text);
    json_decref(facts);
    return err;
}

err_t run_start_read(const char *dir, json_t **start, struct err_text *why)
{
    char path[PATH_SIZE];
    return run_dir_path(path, dir, RUN_START_FILE) ? seal_read(path, RUN_START_MAX, RUN_START_FORMAT, start, why)
                                                   : err_say(why, ERR_RANGE, "%s: too long", dir);
}
