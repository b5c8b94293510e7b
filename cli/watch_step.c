/* How: the event handled last is the one before the place that the world's run of inputs has come to; it lives until
 * the world is asked for more, which is inside of the next step. */
#include "cli/watch_step.h"

#include <stdlib.h>

struct watch_step {
    const char *run;
    const struct rerun_options *options;
    const struct engine_sink *sink;
    const struct stage_watch *watch;
    const struct watch_trail *trail;
    struct rerun *rerun;
    struct stage_image *fresh; /* with a trail: the stage when it had just started; NULL: it cannot be put anywhere */
    uint64_t at;
    const struct event *event;
};

/* A rerun that has begun, in the place of the one before. */
static err_t begin(struct watch_step *step, struct err_text *why)
{
    struct err_text unheard = {0};
    rerun_close(step->rerun);
    stage_image_free(step->fresh);
    step->rerun = NULL;
    step->fresh = NULL;
    step->at = 0;
    step->event = NULL;
    err_t err = rerun_open(&step->rerun, step->run, step->options, why);
    if (err == ERR_OK)
        err = rerun_bound(step->rerun, 0, why);
    if (err == ERR_OK)
        err = rerun_stage(step->rerun, step->sink, step->watch, why);
    if (err == ERR_OK)
        err = rerun_start(step->rerun, why);
    if (err == ERR_OK && step->trail != NULL &&
        stage_image_take(&step->fresh, step->rerun->stage, &unheard) != ERR_OK)
        step->fresh = NULL;
    return err;
}

/* To where the way to `input` is shortest: here, a state of the trail, or the start. */
static err_t approach(struct watch_step *step, uint64_t input, struct err_text *why)
{
    struct err_text unheard = {0};
    const uint64_t kept = step->fresh != NULL ? watch_trail_before(step->trail, input) : 0;
    const bool back = input < step->at;
    if (kept != 0 && (back || kept > step->at)) {
        const err_t err = watch_trail_put(step->trail, step->rerun->stage, step->fresh, input, &unheard);
        if (err == ERR_OK) {
            step->at = kept;
            step->event = NULL;
            return ERR_OK;
        }
        if (err != ERR_STATE)
            return begin(step, why);
    }
    return back ? begin(step, why) : ERR_OK;
}

err_t watch_step_open(struct watch_step **step, const char *run, const struct rerun_options *options,
                      const struct engine_sink *sink, const struct stage_watch *watch,
                      const struct watch_trail *trail, struct err_text *why)
{
    static const struct stage_watch nobody = {NULL, NULL, NULL};
    struct watch_step *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    *opened = (struct watch_step){
        .run = run, .options = options, .sink = sink, .watch = watch != NULL ? watch : &nobody, .trail = trail};
    const err_t err = begin(opened, why);
    if (err != ERR_OK) {
        watch_step_close(opened);
        return err;
    }
    *step = opened;
    return ERR_OK;
}

void watch_step_close(struct watch_step *step)
{
    if (step == NULL)
        return;
    rerun_close(step->rerun);
    stage_image_free(step->fresh);
    free(step);
}

err_t watch_step_to(struct watch_step *step, uint64_t input, uint64_t budget, struct err_text *why)
{
    err_t err = input == step->at + 1 ? ERR_OK : approach(step, input, why);
    if (err != ERR_OK || input == step->at)
        return err;
    const uint64_t left = input - step->at;
    step->event = NULL;
    err = rerun_advance(step->rerun, left < budget ? left : budget, why);
    const uint64_t at = engine_counters(step->rerun->stage->engine)->inputs;
    if (at != step->at)
        step->event = step->rerun->stage->world->run.at - 1;
    step->at = at;
    if (err != ERR_OK && err != ERR_END)
        return err;
    return at == input ? ERR_OK : err == ERR_END ? ERR_END : ERR_AGAIN;
}

uint64_t watch_step_at(const struct watch_step *step)
{
    return step->at;
}

const struct event *watch_step_event(const struct watch_step *step)
{
    return step->event;
}

struct rerun *watch_step_rerun(const struct watch_step *step)
{
    return step->rerun;
}
