/* How: the event handled last is the one before the place that the world's run of inputs has come to; it lives until
 * the world is asked for more, which is inside of the next step. */
#include "cli/watch_step.h"

#include "cli/run_progress.h"

#include <stdlib.h>

struct watch_step {
    const char *run;
    const struct rerun_options *options;
    const struct engine_sink *sink;
    const struct stage_watch *watch;
    struct rerun *rerun;
    uint64_t at;
    const struct event *event;
};

/* A run that was killed ends where it is known to have come to, one that crashed before the input that broke it. */
static err_t limit(struct rerun *rerun, struct err_text *why)
{
    struct run_progress_mark mark;
    const bool marked = rerun->unended && run_progress_read(rerun->dir, &mark);
    if (rerun->unended && !rerun->crashed && !marked)
        return err_say(why, ERR_STATE,
                       "%s: was killed before it wrote how far it had come; 'tapedeck verify' holds what is there "
                       "against a run",
                       rerun->dir);
    if (marked && mark.inputs > rerun->inputs)
        rerun->inputs = mark.inputs;
    rerun->partial |= rerun->unended;
    return ERR_OK;
}

/* A rerun that has begun, in the place of the one before. */
static err_t begin(struct watch_step *step, struct err_text *why)
{
    rerun_close(step->rerun);
    step->rerun = NULL;
    step->at = 0;
    step->event = NULL;
    err_t err = rerun_open(&step->rerun, step->run, step->options, why);
    if (err == ERR_OK)
        err = limit(step->rerun, why);
    if (err == ERR_OK)
        err = rerun_stage(step->rerun, step->sink, step->watch, why);
    return err == ERR_OK ? rerun_start(step->rerun, why) : err;
}

err_t watch_step_open(struct watch_step **step, const char *run, const struct rerun_options *options,
                      const struct engine_sink *sink, const struct stage_watch *watch, struct err_text *why)
{
    static const struct stage_watch nobody = {NULL, NULL, NULL};
    struct watch_step *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    *opened =
        (struct watch_step){.run = run, .options = options, .sink = sink, .watch = watch != NULL ? watch : &nobody};
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
    free(step);
}

err_t watch_step_to(struct watch_step *step, uint64_t input, uint64_t budget, struct err_text *why)
{
    if (input < step->at) {
        const err_t err = begin(step, why);
        if (err != ERR_OK)
            return err;
    }
    if (input == step->at)
        return ERR_OK;
    const uint64_t left = input - step->at;
    step->event = NULL;
    const err_t err = rerun_advance(step->rerun, left < budget ? left : budget, why);
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
