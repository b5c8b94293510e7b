/* How: from the nearest snapshot at or before the place, if there is one that is nearer than where the run is; else
 * by executing from there, or from the beginning. A snapshot that cannot be used is said once, and the one before it
 * is taken. Snapshots are made by the time that executing took: what took long is not to take long again. */
#include "cli/rerun_inside.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SEEK_BUDGET (1u << 16)
#define SPACING_NS  (200 * NS_PER_MS) /* of wall time, between two snapshots */

static uint64_t wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t done(const struct rerun *rerun)
{
    return engine_counters(rerun->stage->engine)->inputs;
}

static void say(struct rerun *rerun, const char *text)
{
    if (rerun->said[0] == '\0')
        snprintf(rerun->said, sizeof(rerun->said), "%s", text);
}

/* ---- the folder ---- */

/* False: snapshots are not for this run. */
static bool open_folder(struct rerun *rerun)
{
    struct rerun_inside *inside = rerun->inside;
    struct err_text why = {0};
    if (inside->folder_state != FOLDER_UNKNOWN)
        return inside->folder_state == FOLDER_OPEN;
    inside->folder_state = FOLDER_NONE;
    if (rerun->snapshots == RERUN_SNAPSHOTS_OFF || inside->run.temporary != NULL || inside->parent != NULL ||
        !run_dir_path(inside->folder, rerun->dir, SNAPSHOT_FOLDER) || strcmp(rerun->config->hash, "") == 0)
        return false;
    if (snapshot_key_of(&inside->key, rerun->config, &why) != ERR_OK)
        return false;
    inside->folder_state = FOLDER_OPEN;
    inside->spacing = rerun->spacing_ns != 0 ? rerun->spacing_ns : SPACING_NS;
    return true;
}

static void keep(struct rerun *rerun)
{
    struct rerun_inside *inside = rerun->inside;
    struct err_text why = {0};
    err_t err = snapshot_write(inside->folder, &inside->key, rerun->stage, inside->fresh, &why);
    if (err == ERR_OK && ++inside->written % 16 == 0 && snapshot_thin_out(inside->folder))
        inside->spacing *= 2;
    if (err != ERR_OK && err != ERR_STATE && err != ERR_EXISTS) {
        say(rerun, why.text);
        rerun->snapshots = RERUN_SNAPSHOTS_USE; /* a disk that is full stays so */
    }
    inside->kept_at = wall_ns();
}

uint32_t rerun_snapshots_written(const struct rerun *rerun)
{
    return rerun->inside->written;
}

/* ---- to a place ---- */

static err_t start_fresh(struct rerun *rerun, struct err_text *why)
{
    struct rerun_inside *inside = rerun->inside;
    err_t err = rerun_start(rerun, why);
    stage_image_free(inside->fresh);
    inside->fresh = NULL;
    inside->kept_at = wall_ns();
    return err != ERR_OK || !open_folder(rerun) ? err : stage_image_take(&inside->fresh, rerun->stage, why);
}

static err_t begin_again(struct rerun *rerun, struct err_text *why)
{
    err_t err = rerun_stage_again(rerun, why);
    return err == ERR_OK ? start_fresh(rerun, why) : err;
}

/* Put the run at the nearest snapshot that can be used, if one is after `from`. */
static err_t jump(struct rerun *rerun, uint64_t from, uint64_t inputs, ns_t ts, bool *jumped, struct err_text *why)
{
    struct rerun_inside *inside = rerun->inside;
    struct snapshot_name name;
    *jumped = false;
    while (inside->fresh != NULL && snapshot_find(inside->folder, inputs, ts, &name) && name.inputs > from) {
        struct err_text text = {0};
        bool spoilt;
        if (rerun->partial && name.inputs > rerun->inputs)
            text.code = ERR_RANGE;
        else
            text.code = snapshot_read(name.path, &inside->key, rerun->stage, inside->fresh, &spoilt, &text);
        inside->kept_at = wall_ns();
        if (text.code == ERR_OK) {
            *jumped = true;
            return ERR_OK;
        }
        say(rerun, text.text);
        if (text.code != ERR_RANGE && spoilt) {
            err_t err = begin_again(rerun, why);
            if (err != ERR_OK)
                return err;
            from = 0;
        }
        inputs = name.inputs - 1;
    }
    return ERR_OK;
}

static err_t reach(struct rerun *rerun, uint64_t inputs, ns_t ts, struct err_text *why)
{
    bool jumped = false;
    err_t err = rerun->inside->started ? ERR_OK : start_fresh(rerun, why);
    if (err != ERR_OK)
        return err;
    const bool back = inputs < done(rerun) || ts < engine_now(rerun->stage->engine);
    if (back && rerun->inside->fresh == NULL)
        err = begin_again(rerun, why);
    if (err == ERR_OK)
        err = jump(rerun, back ? 0 : done(rerun), inputs, ts, &jumped, why);
    if (err == ERR_OK && back && !jumped && done(rerun) != 0)
        err = begin_again(rerun, why);
    return err;
}

static err_t seek(struct rerun *rerun, uint64_t inputs, ns_t ts, struct err_text *why)
{
    const struct rerun_inside *inside = rerun->inside;
    rerun->seeking = true;
    err_t err = reach(rerun, inputs, ts, why);
    while (err == ERR_OK && done(rerun) < inputs) {
        const uint64_t left = inputs - done(rerun);
        err = rerun_advance_until(rerun, ts, left < SEEK_BUDGET ? left : SEEK_BUDGET, why);
        if (err == ERR_OK && rerun->snapshots == RERUN_SNAPSHOTS_MAKE && inside->fresh != NULL &&
            wall_ns() - inside->kept_at >= inside->spacing)
            keep(rerun);
    }
    rerun->seeking = false;
    return err;
}

err_t rerun_seek(struct rerun *rerun, uint64_t inputs, struct err_text *why)
{
    return seek(rerun, inputs, NS_MAX, why);
}

err_t rerun_seek_time(struct rerun *rerun, ns_t ts, struct err_text *why)
{
    err_t err = seek(rerun, UINT64_MAX, ts, why);
    return err == ERR_AGAIN ? ERR_OK : err;
}
