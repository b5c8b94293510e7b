/* How long it takes to be anywhere in a run, from snapshots (cli/snapshot.h). */
#include "bench/bench.h"

#include "cli/config.h"
#include "cli/snapshot.h"
#include "core/prng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PLACES     100
#define SPACING_S  0.2 /* as `tapedeck state` makes them */
#define STATE_STEP (1u << 16)

static double wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct place {
    struct run_config *config;
    struct stage *stage;
    struct stage_image *fresh;
    struct snapshot_key key;
};

static err_t open_place(struct place *place, const char *tape, struct err_text *why)
{
    struct option_list list = {0};
    *place = (struct place){0};
    err_t err = option_list_add(&list, tape);
    const struct config_options options = {.tapes = &list};
    if (err == ERR_OK)
        err = run_config_parse(&place->config, "bench.yaml", bench_maker, strlen(bench_maker), &options, why);
    if (err == ERR_OK)
        err = snapshot_key_of(&place->key, place->config, why);
    if (err == ERR_OK)
        err = stage_open(&place->stage, place->config, NULL, why);
    if (err == ERR_OK)
        err = stage_start(place->stage);
    if (err == ERR_OK)
        err = stage_image_take(&place->fresh, place->stage, why);
    option_list_free(&list);
    return err;
}

static void close_place(struct place *place)
{
    stage_image_free(place->fresh);
    stage_close(place->stage);
    run_config_free(place->config);
}

/* The whole run once, which leaves the snapshots. */
static err_t leave(const char *tape, const char *folder, uint64_t *inputs, struct err_text *why)
{
    struct place place;
    err_t err = open_place(&place, tape, why);
    double kept = wall_s();
    while (err == ERR_OK) {
        err = engine_run(place.stage->engine, STATE_STEP);
        if (err != ERR_OK || wall_s() - kept < SPACING_S)
            continue;
        err = snapshot_write(folder, &place.key, place.stage, place.fresh, why);
        kept = wall_s();
    }
    *inputs = place.stage != NULL ? engine_counters(place.stage->engine)->inputs : 0;
    close_place(&place);
    return err == ERR_END ? ERR_OK : err;
}

static err_t visit(const char *tape, const char *folder, uint64_t inputs, struct err_text *why)
{
    struct place place;
    struct snapshot_name name;
    err_t err = open_place(&place, tape, why);
    bool spoilt;
    if (err == ERR_OK && snapshot_find(folder, inputs, NS_MAX, &name))
        err = snapshot_read(name.path, &place.key, place.stage, place.fresh, &spoilt, why);
    while (err == ERR_OK && engine_counters(place.stage->engine)->inputs < inputs)
        err = engine_run(place.stage->engine, inputs - engine_counters(place.stage->engine)->inputs);
    close_place(&place);
    return err;
}

static int by_seconds(const void *a, const void *b)
{
    const double one = *(const double *)a, two = *(const double *)b;
    return (one > two) - (one < two);
}

static void remove_all(const char *folder)
{
    struct snapshot_name name;
    while (snapshot_find(folder, UINT64_MAX, NS_MAX, &name) && unlink(name.path) == 0)
        ;
    (void)rmdir(folder);
}

err_t bench_state(const char *tape, const char *dir, double *p99_s, struct err_text *why)
{
    char folder[512];
    double seconds[PLACES];
    uint64_t inputs;
    struct prng prng;
    prng_init(&prng, 1, 1);
    snprintf(folder, sizeof(folder), "%s/tapedeck-bench-%d-snapshots", dir, (int)getpid());
    err_t err = leave(tape, folder, &inputs, why);
    for (int i = 0; i < PLACES && err == ERR_OK; i++) {
        const uint64_t at = 1 + prng_below(&prng, inputs);
        const double t0 = wall_s();
        err = visit(tape, folder, at, why);
        seconds[i] = wall_s() - t0;
    }
    remove_all(folder);
    if (err != ERR_OK)
        return err;
    qsort(seconds, PLACES, sizeof(*seconds), by_seconds);
    *p99_s = seconds[PLACES - 2];
    return ERR_OK;
}
