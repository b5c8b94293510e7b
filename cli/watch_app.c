#include "cli/watch_app_state.h"

#include "cli/values.h"
#include "cli/watch_go.h"
#include "cli/watch_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE_NS UINT64_C(20000000)
#define CHUNK    1024 /* inputs between two looks at the clock */

static const struct stage *stage_of(const struct watch_app *app)
{
    return watch_scout_rerun(app->scout)->stage;
}

void watch_app_say(struct watch_app *app, bool alarm, const char *text)
{
    watch_say(app->message, "%s", text);
    app->alarm = alarm;
}

/* ---- open and close ---- */

err_t watch_app_open(struct watch_app **app, const char *name, const char *dir, const struct rerun_options *options,
                     struct err_text *why)
{
    struct watch_app *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    opened->name = name;
    opened->kinds = WATCH_ALL;
    const struct watch_model *model;
    err_t err = watch_scout_open(&opened->scout, dir, options, why);
    if (err == ERR_OK)
        err = watch_view_open(&opened->view, dir, options, watch_scout_trail(opened->scout), why);
    if (err == ERR_OK)
        err = watch_view_to(opened->view, 0, 1, &model, why);
    if (err != ERR_OK) {
        watch_app_close(opened);
        return err;
    }
    opened->model = *model;
    opened->inputs = watch_scout_rerun(opened->scout)->inputs;
    *app = opened;
    return ERR_OK;
}

void watch_app_close(struct watch_app *app)
{
    if (app == NULL)
        return;
    watch_view_close(app->view);
    watch_scout_close(app->scout);
    free(app);
}

const struct watch_scout *watch_app_scout(const struct watch_app *app)
{
    return app->scout;
}

/* ---- goals ---- */

void watch_app_go_input(struct watch_app *app, uint64_t input)
{
    app->goal = (struct goal){.kind = GOAL_INPUT, .input = input < app->inputs ? input : app->inputs};
}

const char *watch_kinds_word(unsigned kinds)
{
    return kinds == WATCH_FILLS ? "fill" : kinds == WATCH_LOGS ? "line of the log" : "event of an own order";
}

err_t watch_app_go(struct watch_app *app, const char *text, struct err_text *why)
{
    const struct watch_place_now now = {app->model.input, app->inputs,
                                        app->model.ts != 0 ? app->model.ts : stage_of(app)->first_ts};
    struct watch_where where;
    const err_t err = watch_go_parse(text, &now, &where, why);
    if (err != ERR_OK)
        return err;
    if (where.timed)
        app->goal = (struct goal){.kind = GOAL_MOMENT, .ts = where.ts};
    else
        watch_app_go_input(app, where.input);
    return ERR_OK;
}

void watch_app_show_instrument(struct watch_app *app, uint16_t instrument)
{
    app->instrument = instrument;
    watch_view_instrument(app->view, instrument);
    watch_app_go_input(app, watch_app_stand(app));
}

err_t watch_app_instrument(struct watch_app *app, const char *symbol, struct err_text *why)
{
    const struct stage *stage = stage_of(app);
    for (uint16_t i = 0; i < stage->instrument_count; i++) {
        if (strcmp(stage->instruments[i].symbol, symbol) != 0)
            continue;
        watch_app_show_instrument(app, i);
        return ERR_OK;
    }
    return err_say(why, ERR_USAGE, "the run has no instrument '%s' (its first one is %s)", symbol,
                   stage->instruments[0].symbol);
}

/* ---- work ---- */

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Read on ahead; ERR_END: the run is read whole. */
static err_t scout_on(struct watch_app *app, uint64_t inputs, struct err_text *why)
{
    const err_t err = watch_scout_run(app->scout, inputs, why);
    if (err == ERR_END && watch_scout_at(app->scout) < app->inputs)
        app->inputs = watch_scout_at(app->scout); /* it comes out shorter than result.json says */
    return err;
}

/* For a goal that is looked for: the end of the run may hold it, so it is looked at once more. */
static err_t read_on(struct watch_app *app, struct err_text *why)
{
    const err_t err = scout_on(app, CHUNK, why);
    return err == ERR_END ? ERR_OK : err;
}

static void arrive(struct watch_app *app, const struct watch_model *model)
{
    app->model = *model;
    app->goal.kind = GOAL_NONE;
}

/* What was read ahead has inputs that are not there for the picture. */
static err_t parted(const struct watch_app *app, struct err_text *why)
{
    return err_say(why, ERR_MISMATCH,
                   "executed twice, the run came out differently: the second time it ended after %" PRIu64
                   " inputs; does a plug-in keep something between two runs, or ask a clock?",
                   watch_view_at(app->view));
}

static err_t work_input(struct watch_app *app, struct err_text *why)
{
    const uint64_t read = watch_scout_at(app->scout), input = app->goal.input;
    if (read < input && !watch_scout_ended(app->scout)) {
        const err_t err = scout_on(app, input - read < CHUNK ? input - read : CHUNK, why);
        if (err == ERR_END)
            watch_app_go_input(app, input);
        return err == ERR_END ? ERR_OK : err;
    }
    const struct watch_model *model;
    const err_t err = watch_view_to(app->view, input, CHUNK * 4, &model, why);
    if (err == ERR_OK)
        arrive(app, model);
    return err == ERR_AGAIN ? ERR_OK : err == ERR_END ? parted(app, why) : err;
}

/* To the last input at or before it: the one before the first that is later, which is looked for among few, one at a
 * time. */
static err_t work_moment(struct watch_app *app, struct err_text *why)
{
    struct goal *goal = &app->goal;
    const struct watch_model *model;
    if (!goal->begun && watch_index_time(watch_scout_index(app->scout), goal->ts, &goal->input)) {
        goal->begun = true;
    } else if (!goal->begun && !watch_scout_ended(app->scout)) {
        return read_on(app, why);
    } else if (!goal->begun) {
        watch_app_go_input(app, app->inputs);
        watch_app_say(app, false, "the run ends before that");
        return ERR_OK;
    }
    const err_t err = watch_view_to(app->view, goal->input, CHUNK * 4, &model, why);
    if (err != ERR_OK)
        return err == ERR_AGAIN ? ERR_OK : err == ERR_END ? parted(app, why) : err;
    if (model->input != 0 && model->ts > goal->ts)
        watch_app_go_input(app, goal->input - 1);
    else
        goal->input++;
    return ERR_OK;
}

static err_t work_find(struct watch_app *app, struct err_text *why)
{
    const struct goal *goal = &app->goal;
    const struct watch_index *index = watch_scout_index(app->scout);
    const struct watch_entry *entry = goal->kind == GOAL_ORDER
                                          ? watch_index_first(index, goal->order)
                                          : watch_index_next(index, app->model.input, goal->kinds, goal->order);
    if (entry != NULL) {
        watch_app_go_input(app, entry->input);
        return ERR_OK;
    }
    if (!watch_scout_ended(app->scout))
        return read_on(app, why);
    if (goal->kind == GOAL_ORDER)
        watch_say(app->message, "the run has no order %" PRIu64, goal->order);
    else if (goal->order != 0)
        watch_say(app->message, "no event of order %" PRIu64 " after this", goal->order);
    else
        watch_say(app->message, "no %s after this", watch_kinds_word(goal->kinds));
    app->goal.kind = GOAL_NONE;
    return ERR_OK;
}

static err_t work(struct watch_app *app, struct err_text *why)
{
    switch (app->goal.kind) {
    case GOAL_INPUT:
        return work_input(app, why);
    case GOAL_MOMENT:
        return work_moment(app, why);
    case GOAL_NEXT:
    case GOAL_ORDER:
        return work_find(app, why);
    case GOAL_NONE:
        break;
    }
    const err_t err = watch_scout_ended(app->scout) ? ERR_END : scout_on(app, CHUNK, why);
    return err == ERR_END ? ERR_AGAIN : err;
}

err_t watch_app_work(struct watch_app *app, struct err_text *why)
{
    const uint64_t start = clock_ns();
    const bool goal = watch_app_on_the_way(app);
    err_t err;
    do
        err = work(app, why);
    while (err == ERR_OK && watch_app_on_the_way(app) == goal && clock_ns() - start < SLICE_NS);
    return err;
}

bool watch_app_on_the_way(const struct watch_app *app)
{
    return app->goal.kind != GOAL_NONE;
}

/* ---- the picture ---- */

static const char *foot(const struct watch_app *app, char *text)
{
    char at[VALUE_TEXT_SIZE], all[VALUE_TEXT_SIZE];
    const uint64_t read = watch_scout_at(app->scout), shown = watch_view_at(app->view);
    if (app->prompt == 'g')
        return watch_say(text, "go to (12345  50%%  10:00:01.5  +5s  a date and time): %s_", app->typed);
    if (app->prompt == '/')
        return watch_say(text, "order id: %s_", app->typed);
    if (app->message[0] != '\0')
        return app->message;
    if (app->goal.kind != GOAL_NONE) {
        const bool reading = app->goal.kind != GOAL_INPUT || read < app->goal.input;
        return watch_say(text, "executing the run: input %s of %s; Esc stops",
                         value_count_text(reading ? read : shown, at), value_count_text(app->inputs, all));
    }
    return app->count != 0 ? watch_say(text, "%s times ...", value_count_text(app->count, at)) : NULL;
}

void watch_app_draw(struct watch_app *app, struct screen *screen)
{
    char text[WATCH_TEXT];
    const struct rerun *rerun = watch_scout_rerun(app->scout);
    struct watch_frame frame = {.run = app->name,
                                .strategy = rerun->config->strategy->name,
                                .inputs = app->inputs,
                                .end = rerun->crashed   ? "crashed"
                                       : rerun->unended ? "killed"
                                       : rerun->partial ? "not finished"
                                                        : NULL,
                                .instruments = rerun->stage->instruments,
                                .model = &app->model,
                                .index = watch_scout_index(app->scout),
                                .variables = app->variables,
                                .kinds = app->kinds,
                                .order = app->order,
                                .journal = watch_scout_journal(app->scout, app->model.input),
                                .scouted = watch_scout_at(app->scout),
                                .message = foot(app, text),
                                .alarm = app->alarm && app->prompt == 0,
                                .help = app->help};
    frame.proof = watch_scout_proof(app->scout, app->model.input, &frame.proof_from);
    watch_layout(screen, &frame);
}
