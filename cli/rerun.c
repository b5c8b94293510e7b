/* How: what the run left says first which tapes it read (rerun_record.c). A recorded path may be relative: to where
 * the run was started, or to here. */
#include "cli/config_params.h"
#include "cli/evidence.h"
#include "cli/rerun_inside.h"
#include "cli/run_output.h"
#include "cli/version.h"

#include "data/tape_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- tapes ---- */

static err_t hash_of(const char *path, char hash[33], struct err_text *why)
{
    struct tape_reader *reader;
    err_t err = tape_reader_open(&reader, path, NULL, why);
    if (err != ERR_OK)
        return err;
    memcpy(hash, tape_reader_info(reader)->hash, 33);
    tape_reader_close(reader);
    return ERR_OK;
}

static err_t keep_path(struct rerun *rerun, uint32_t lane, const char *path, struct err_text *why)
{
    rerun->inside->paths[lane] = strdup(path);
    if (rerun->inside->paths[lane] == NULL ||
        option_list_add(&rerun->inside->tapes, rerun->inside->paths[lane]) != ERR_OK)
        return err_say(why, ERR_NOMEM, "out of memory");
    return ERR_OK;
}

/* A tape that travels with the run (bundle.h), named by its hash. False: it does not. */
static bool beside(const struct rerun *rerun, const char *hash, char path[PATH_SIZE])
{
    char folder[PATH_SIZE], file[64];
    snprintf(file, sizeof(file), "%.32s.tape", hash);
    return run_dir_path(folder, rerun->dir, EVIDENCE_TAPES) && run_dir_path(path, folder, file) &&
           access(path, R_OK) == 0;
}

/* A session's inputs lie in the run's own directory. Their hash is not looked at: a cut tape has another one, and the
 * bytes are checked block by block when they are read. */
static bool is_own(const struct rerun *rerun, const char *path, char joined[PATH_SIZE])
{
    return strcmp(path, RUN_INPUTS_FILE) == 0 && run_dir_path(joined, rerun->dir, RUN_INPUTS_FILE) &&
           access(joined, R_OK) == 0;
}

/* Beside the run first, then where it was started: there the path meant this tape. */
static err_t find_recorded(struct rerun *rerun, uint32_t lane, const char *path, const char *hash,
                           struct err_text *why)
{
    char joined[PATH_SIZE], got[33];
    const char *found = path;
    if (beside(rerun, hash, joined))
        found = joined;
    else if (path[0] != '/' && rerun->inside->started_in[0] != '\0' &&
             run_dir_path(joined, rerun->inside->started_in, path) && access(joined, R_OK) == 0)
        found = joined;
    if (access(found, R_OK) != 0)
        return err_say(why, ERR_NOTFOUND,
                       "%s: the tape that the run read is not there (%s); say where it is now with "
                       "--tape FILE",
                       path, strerror(errno));
    err_t err = hash_of(found, got, why);
    if (err != ERR_OK)
        return err;
    if (strcmp(got, hash) != 0)
        return err_say(why, ERR_MISMATCH,
                       "%s: is not the tape that the run read: its hash is %s, the run's was %s; say where that tape "
                       "is with --tape FILE",
                       found, got, hash);
    return keep_path(rerun, lane, found, why);
}

static err_t find_given(struct rerun *rerun, uint32_t lane, const char *path, const char *hash,
                        const struct option_list *given, struct err_text *why)
{
    for (size_t i = 0; i < given->count; i++) {
        char got[33];
        err_t err = hash_of(given->items[i], got, why);
        if (err != ERR_OK)
            return err;
        if (strcmp(got, hash) == 0)
            return keep_path(rerun, lane, given->items[i], why);
    }
    return err_say(why, ERR_MISMATCH, "no tape given with --tape is the one that the run read as %s (hash %s)", path,
                   hash);
}

static err_t find_tapes(struct rerun *rerun, const struct option_list *given, struct err_text *why)
{
    const json_t *tapes = json_object_get(rerun->inside->result, "tapes");
    const size_t count = json_array_size(tapes);
    rerun->inside->paths = calloc(count + 1, sizeof(char *));
    if (rerun->inside->paths == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const json_t *tape = json_array_get(tapes, i);
        const char *path = json_string_value(json_object_get(tape, "path"));
        const char *hash = json_string_value(json_object_get(tape, "hash"));
        if (path == NULL || hash == NULL)
            return err_say(why, ERR_CORRUPT, "%s/%s: tapes[%zu] has no path or no hash", rerun->dir,
                           rerun_record_name(rerun), i);
        if (count == 1 && hash[0] == '\0' && strcmp(path, "synth") == 0)
            return ERR_OK; /* made on the way, from the config */
        char own[PATH_SIZE];
        err_t err = is_own(rerun, path, own)             ? keep_path(rerun, (uint32_t)i, own, why)
                    : given != NULL && given->count != 0 ? find_given(rerun, (uint32_t)i, path, hash, given, why)
                                                         : find_recorded(rerun, (uint32_t)i, path, hash, why);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* ---- the config ---- */

static err_t read_text(const char *path, char **text, size_t *size, struct err_text *why)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return err_say(why, ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    char *all = NULL;
    size_t room = 0, used = 0;
    for (;;) {
        if (used + 4096 > room) {
            char *grown = realloc(all, room = room * 2 + 8192);
            if (grown == NULL) {
                free(all);
                fclose(file);
                return err_say(why, ERR_NOMEM, "out of memory");
            }
            all = grown;
        }
        const size_t got = fread(all + used, 1, room - used - 1, file);
        if (got == 0)
            break;
        used += got;
    }
    const bool bad = ferror(file) != 0;
    fclose(file);
    if (bad) {
        free(all);
        return err_say(why, ERR_IO, "%s: cannot be read", path);
    }
    all[used] = '\0';
    *text = all;
    *size = used;
    return ERR_OK;
}

/* A relative plug-in or latency file is looked for where the run was started. */
err_t rerun_load_config(const struct rerun *rerun, const char *file, const struct option_list *more,
                        struct run_config **config, struct err_text *why)
{
    char path[PATH_SIZE], as_if[PATH_SIZE + 16] = "config.yaml";
    char *text = NULL;
    size_t size = 0;
    if (!run_dir_path(path, rerun->dir, file))
        return err_say(why, ERR_RANGE, "%s: too long", rerun->dir);
    err_t err = read_text(path, &text, &size, why);
    if (err != ERR_OK)
        return err;
    if (rerun->inside->started_in[0] != '\0')
        snprintf(as_if, sizeof(as_if), "%s/config.yaml", rerun->inside->started_in);
    struct option_list sets = {0};
    const struct option_list *files = rerun_files_sets(&rerun->inside->files);
    for (size_t i = 0; files != NULL && i < files->count && err == ERR_OK; i++)
        err = option_list_add(&sets, files->items[i]);
    for (size_t i = 0; more != NULL && i < more->count && err == ERR_OK; i++)
        err = option_list_add(&sets, more->items[i]);
    const struct config_options options = {.sets = &sets, .tapes = &rerun->inside->tapes};
    struct err_text inner = {0};
    if (err == ERR_OK)
        err = run_config_parse(config, as_if, text, size, &options, &inner);
    free(text);
    option_list_free(&sets);
    if (err == ERR_OK)
        (*config)->venue.bracket = false;                  /* the models beside it change nothing of the run */
    if (err != ERR_OK && more != NULL && more->count != 0) /* the file itself was read before */
        return err_say(why, err, "%s", inner.text);
    return err == ERR_OK ? ERR_OK
                         : err_say(why, err, "%s cannot be run again (made by tapedeck %s, this is %s): %s", path,
                                   rerun->version, cli_version(), inner.text);
}

/* A fork (stage_fork.h) is executed under its parent's config first. */
static err_t load_fork(struct rerun *rerun, struct err_text *why)
{
    struct rerun_inside *inside = rerun->inside;
    char path[PATH_SIZE];
    if (!run_dir_path(path, rerun->dir, RERUN_FORK_FILE) || access(path, F_OK) != 0)
        return ERR_OK;
    json_t *fork = json_load_file(path, 0, NULL);
    const json_t *at = json_object_get(fork, "at");
    if (!json_is_integer(at) || json_integer_value(at) <= 0) {
        json_decref(fork);
        return err_say(why, ERR_CORRUPT, "%s: does not say after how many inputs ('at')", path);
    }
    inside->fork_at = (uint64_t)json_integer_value(at);
    json_decref(fork);
    return rerun_load_config(rerun, RERUN_PARENT_FILE, NULL, &inside->parent, why);
}

/* ---- the run ---- */

err_t rerun_find(struct rerun **rerun, const char *run, const struct rerun_options *options, struct err_text *why)
{
    struct rerun *opened = calloc(1, sizeof(*opened));
    if (opened != NULL)
        opened->inside = calloc(1, sizeof(*opened->inside));
    if (opened == NULL || opened->inside == NULL) {
        free(opened);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    struct rerun_inside *inside = opened->inside;
    err_t err = rerun_record_read(opened, run, options, why);
    if (err == ERR_OK && !options->no_tapes)
        err = find_tapes(opened, options->tapes, why);
    if (err == ERR_OK && !options->no_files)
        err = rerun_files_find(&inside->files, opened->dir, inside->started_in,
                               json_object_get(inside->result, "inputs_read"), options, why);
    if (err != ERR_OK) {
        rerun_close(opened);
        return err;
    }
    *rerun = opened;
    return ERR_OK;
}

err_t rerun_open(struct rerun **rerun, const char *run, const struct rerun_options *options, struct err_text *why)
{
    struct rerun *opened = NULL;
    ASSERT(!options->no_tapes && !options->no_files);
    err_t err = rerun_find(&opened, run, options, why);
    if (err != ERR_OK)
        return err;
    err = rerun_files_machine(&opened->inside->files, why);
    if (err == ERR_OK)
        err = rerun_load_config(opened, "config.yaml", NULL, &opened->config, why);
    if (err == ERR_OK)
        err = load_fork(opened, why);
    if (err != ERR_OK) {
        rerun_close(opened);
        return err;
    }
    *rerun = opened;
    return ERR_OK;
}

/* The parameters are in the strategy's state, which the run goes on to change. */
static err_t keep_first_state(const struct run_config *config, void **first, struct err_text *why)
{
    const size_t size = config->strategy->state_size;
    *first = malloc(size != 0 ? size : 1);
    if (*first == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    if (size != 0)
        memcpy(*first, config->strategy_state, size);
    return ERR_OK;
}

static struct run_config *first_config(const struct rerun *rerun)
{
    return rerun->inside->parent != NULL ? rerun->inside->parent : rerun->config;
}

static err_t open_stage(struct rerun *rerun, struct err_text *why)
{
    struct rerun_inside *inside = rerun->inside;
    return stage_open_watched(&rerun->stage, first_config(rerun), inside->sink,
                              inside->watched ? &inside->watch : NULL, why);
}

err_t rerun_stage(struct rerun *rerun, const struct engine_sink *sink, const struct stage_watch *watch,
                  struct err_text *why)
{
    struct rerun_inside *inside = rerun->inside;
    inside->sink = sink;
    inside->watched = watch != NULL;
    if (watch != NULL)
        inside->watch = *watch;
    err_t err = keep_first_state(rerun->config, &inside->first_state, why);
    if (err == ERR_OK && inside->parent != NULL)
        err = keep_first_state(inside->parent, &inside->parent_state, why);
    return err != ERR_OK ? err : open_stage(rerun, why);
}

static void close_stages(struct rerun *rerun)
{
    struct rerun_inside *inside = rerun->inside;
    stage_close(rerun->stage);
    stage_close(inside->before_fork);
    stage_image_free(inside->fork_first);
    rerun->stage = inside->before_fork = NULL;
    inside->fork_first = NULL;
    inside->started = false;
}

err_t rerun_stage_again(struct rerun *rerun, struct err_text *why)
{
    struct rerun_inside *inside = rerun->inside;
    close_stages(rerun);
    config_params_renew(rerun->config, inside->first_state);
    if (inside->parent != NULL)
        config_params_renew(inside->parent, inside->parent_state);
    return open_stage(rerun, why);
}

err_t rerun_start(struct rerun *rerun, struct err_text *why)
{
    struct rerun_inside *inside = rerun->inside;
    err_t err = stage_start(rerun->stage);
    inside->started = err == ERR_OK;
    if (err != ERR_OK)
        return err_say(why, ERR_MISMATCH, "the strategy '%s' refuses to start (%s), which it did not in the run",
                       rerun->config->strategy->name, err_words(err));
    return inside->parent == NULL ? ERR_OK : stage_image_take(&inside->fork_first, rerun->stage, why);
}

/* Does the run part from its parent here? */
static err_t fork_here(struct rerun *rerun, struct err_text *why)
{
    struct rerun_inside *inside = rerun->inside;
    if (inside->parent == NULL || inside->before_fork != NULL ||
        engine_counters(rerun->stage->engine)->inputs != inside->fork_at)
        return ERR_OK;
    return stage_fork(rerun->stage, inside->fork_first, rerun->config, inside->sink,
                      inside->watched ? &inside->watch : NULL, &inside->before_fork, why);
}

err_t rerun_advance_until(struct rerun *rerun, ns_t ts, uint64_t budget, struct err_text *why)
{
    const struct rerun_inside *inside = rerun->inside;
    err_t err = fork_here(rerun, why);
    if (err != ERR_OK)
        return err;
    struct engine *engine = rerun->stage->engine;
    const uint64_t done = engine_counters(engine)->inputs;
    if (rerun->partial && rerun->inputs - done < budget)
        budget = rerun->inputs - done;
    if (inside->parent != NULL && done < inside->fork_at && inside->fork_at - done < budget)
        budget = inside->fork_at - done;
    if (budget == 0)
        return ERR_END;
    const uint64_t to_mark = rerun_bound_left(rerun, done);
    err = engine_run_until(engine, ts, to_mark < budget ? to_mark : budget);
    rerun_bound_look(rerun);
    if (err == ERR_WAIT) /* the tape of a session that was killed: what came next is not known */
        return ERR_END;
    if (err == ERR_OK || err == ERR_END || (err == ERR_AGAIN && ts != NS_MAX))
        return err;
    if (rerun->partial && engine_counters(engine)->inputs == rerun->inputs)
        return ERR_END; /* it broke here, then as now */
    return err_say(why, err, "%s", engine_why(engine)->text);
}

err_t rerun_advance(struct rerun *rerun, uint64_t budget, struct err_text *why)
{
    return rerun_advance_until(rerun, NS_MAX, budget, why);
}

err_t rerun_finish(struct rerun *rerun, struct err_text *why)
{
    if (rerun->unended)
        return rerun_bound_finish(rerun, why);
    digest_text(stage_stop(rerun->stage), rerun->got);
    if (strcmp(rerun->got, rerun->digest) == 0)
        return ERR_OK;
    const bool other_binary = strcmp(rerun->build_id, cli_build_id()) != 0;
    const bool other_config = strcmp(rerun->config_hash, rerun->config->hash) != 0;
    return err_say(
        why, ERR_MISMATCH,
        "%s: NOT THE SAME RUN. Executed again it gives the digest %s, its result.json says %s, so nothing that could "
        "be "
        "told of it would be true. %s%s%s%s%s",
        rerun->dir, rerun->got, rerun->digest, other_binary ? "It was made by another binary (build " : "",
        other_binary ? rerun->build_id : "", other_binary ? "): take that one, or run it anew with this one. " : "",
        other_config ? "Its config.yaml was changed, or has other keys in this version." : "",
        !other_binary && !other_config ? "Binary, config and tapes are the same: the plug-in or the latency file was "
                                         "changed, or result.json was; else please report it."
                                       : "");
}

bool rerun_file(const struct rerun *rerun, size_t number, const char **path, const char **sha256)
{
    const struct rerun_files *files = &rerun->inside->files;
    if (number >= files->count)
        return false;
    *path = files->at[number].path;
    *sha256 = files->at[number].sha256;
    return true;
}

err_t rerun_try_fork(struct rerun *rerun, const struct run_config *config, struct err_text *why)
{
    struct rerun_inside *inside = rerun->inside;
    return inside->fresh == NULL
               ? ERR_OK
               : stage_fork(rerun->stage, inside->fresh, config, NULL, NULL, &inside->before_fork, why);
}

bool rerun_is_fork(const struct rerun *rerun)
{
    return rerun->inside->parent != NULL;
}

bool rerun_tape(const struct rerun *rerun, size_t lane, const char **path, const char **hash)
{
    const struct rerun_inside *inside = rerun->inside;
    if (lane >= inside->tapes.count)
        return false;
    *path = inside->tapes.items[lane];
    *hash =
        json_string_value(json_object_get(json_array_get(json_object_get(inside->result, "tapes"), lane), "hash"));
    return true;
}

bool rerun_tape_is_own(const struct rerun *rerun, size_t lane)
{
    const char *path = lane < rerun->inside->tapes.count ? rerun->inside->tapes.items[lane] : "";
    const size_t size = strlen(rerun->dir);
    return strncmp(path, rerun->dir, size) == 0 && path[size] == '/' && strcmp(path + size + 1, RUN_INPUTS_FILE) == 0;
}

void rerun_close(struct rerun *rerun)
{
    if (rerun == NULL)
        return;
    close_stages(rerun);
    run_config_free(rerun->config);
    run_config_free(rerun->inside->parent);
    json_decref(rerun->inside->result);
    const size_t count = rerun->inside->tapes.count;
    option_list_free(&rerun->inside->tapes);
    for (size_t i = 0; rerun->inside->paths != NULL && i < count; i++)
        free(rerun->inside->paths[i]);
    free(rerun->inside->paths);
    free(rerun->inside->first_state);
    free(rerun->inside->parent_state);
    rerun_files_free(&rerun->inside->files);
    stage_image_free(rerun->inside->fresh);
    run_close(&rerun->inside->run);
    free(rerun->inside);
    free(rerun);
}
