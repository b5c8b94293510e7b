#include "cli/explain_side.h"

#include "cli/config_schema.h"
#include "cli/evidence.h"
#include "cli/hash_file.h"
#include "cli/run_dir.h"
#include "cli/run_open.h"
#include "cli/version.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- plug-ins ---- */

/* What the manifest says of the plug-in. False: built in, or there is no manifest. */
static bool plugin_then(const char *dir, char hash[SHA256_TEXT_SIZE])
{
    char path[PATH_SIZE];
    size_t i;
    json_t *manifest = run_dir_path(path, dir, EVIDENCE_FILE) ? json_load_file(path, 0, NULL) : NULL;
    const json_t *inputs = json_object_get(manifest, "inputs_read");
    json_t *input;
    bool found = false;
    json_array_foreach(inputs, i, input)
    {
        const char *what = json_string_value(json_object_get(input, "what"));
        const char *sha256 = json_string_value(json_object_get(input, "sha256"));
        if (what == NULL || sha256 == NULL || strcmp(what, "strategy.plugin") != 0 ||
            strlen(sha256) >= SHA256_TEXT_SIZE)
            continue;
        strcpy(hash, sha256);
        found = true;
    }
    json_decref(manifest);
    return found;
}

/* The one of --plugin that the run was made with, as a --set. It is known by its content. */
static err_t find_plugin(struct explain_side *side, const char *run, const struct explain_side_options *options,
                         struct err_text *why)
{
    char then[SHA256_TEXT_SIZE], now[SHA256_TEXT_SIZE], path[PATH_MAX], quoted[2 * PATH_MAX];
    struct run_opened opened = {0};
    err_t err = options->plugins->count != 0 ? run_open(&opened, run, options->runs, why) : ERR_OK;
    const bool wanted = opened.dir != NULL && plugin_then(opened.dir, then);
    for (size_t i = 0; i < options->plugins->count && wanted && err == ERR_OK && side->set == NULL; i++) {
        uint64_t size;
        err = hash_file(options->plugins->items[i], false, now, &size, why);
        if (err != ERR_OK || strcmp(then, now) != 0 || realpath(options->plugins->items[i], path) == NULL)
            continue;
        config_quote(path, quoted, sizeof(quoted));
        const size_t room = strlen(quoted) + sizeof("strategy.plugin=");
        side->set = malloc(room);
        if (side->set == NULL)
            err = err_say(why, ERR_NOMEM, "out of memory");
        else
            snprintf(side->set, room, "strategy.plugin=%s", quoted);
    }
    run_close(&opened);
    return err;
}

/* For the message, when the run does not come out as it did. */
static void compare_plugin(struct explain_side *side)
{
    char then[SHA256_TEXT_SIZE], now[SHA256_TEXT_SIZE];
    uint64_t size;
    const char *path = side->run->config->strategy_source.plugin;
    if (path != NULL && plugin_then(side->run->dir, then) && hash_file(path, false, now, &size, NULL) == ERR_OK &&
        strcmp(then, now) != 0)
        snprintf(side->plugin_then, sizeof(side->plugin_then), "%s", then);
}

/* ---- a run ---- */

static err_t read_figures(struct explain_side *side, struct err_text *why)
{
    char path[PATH_SIZE];
    json_error_t error;
    if (!run_dir_path(path, side->run->dir, "result.json"))
        return err_say(why, ERR_RANGE, "%s: too long", side->run->dir);
    json_t *result = json_load_file(path, 0, &error);
    if (result == NULL)
        return err_say(why, ERR_CORRUPT, "%s:%d: not JSON: %s", path, error.line, error.text);
    err_t err = explain_figures_read(&side->figures, result, path, why);
    json_decref(result);
    return err;
}

err_t explain_side_open(struct explain_side *side, const char *run, const struct explain_side_options *options,
                        struct err_text *why)
{
    struct option_list sets = {0};
    struct rerun_options rerun = {.tapes = options->tapes, .runs = options->runs, .sets = &sets};
    err_t err = find_plugin(side, run, options, why);
    if (err == ERR_OK && side->set != NULL)
        err = option_list_add(&sets, side->set);
    if (err == ERR_OK)
        err = rerun_open(&side->run, run, &rerun, why);
    option_list_free(&sets);
    if (err != ERR_OK)
        return err;
    if (rerun_is_fork(side->run))
        return err_say(
            why, ERR_UNSUPPORTED,
            "%s: is a fork: two configs, one after the other, and no runs lie between it and another one. "
            "'tapedeck diff' tells where they part; 'tapedeck run %s/config.yaml --out NEW' makes a run of "
            "its config from the beginning, which can be explained",
            side->run->name, side->run->dir);
    if (side->run->partial)
        return err_say(
            why, ERR_MISMATCH,
            "%s: was interrupted or broke after %llu inputs; only whole runs can be explained: run it again, "
            "with feed.to where it ended",
            side->run->name, (unsigned long long)side->run->inputs);
    compare_plugin(side);
    return read_figures(side, why);
}

err_t explain_side_programs(struct explain_side sides[2], const struct option_list *binaries, struct err_text *why)
{
    for (size_t i = 0; i < binaries->count; i++) {
        char build[EXPLAIN_BUILD_SIZE];
        bool made = false;
        err_t err = explain_program_build(binaries->items[i], build, why);
        if (err != ERR_OK)
            return err;
        for (int k = 0; k < 2; k++) {
            if (strcmp(sides[k].run->build_id, build) != 0)
                continue;
            made = true;
            if (strcmp(build, cli_build_id()) != 0)
                sides[k].program = binaries->items[i];
        }
        if (!made)
            return err_say(why, ERR_USAGE, "--binary %s: is build %s, and the runs were made by %s and %s",
                           binaries->items[i], build, sides[0].run->build_id, sides[1].run->build_id);
    }
    return ERR_OK;
}

void explain_side_close(struct explain_side *side)
{
    rerun_close(side->run);
    free(side->set);
}
