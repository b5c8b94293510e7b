/* watch_app_state.h: what the two files of watch_app.h share: watch_keys.c has the keys, watch_app.c all else. */
#ifndef TAPEDECK_CLI_WATCH_APP_STATE_H
#define TAPEDECK_CLI_WATCH_APP_STATE_H

#include "cli/watch_app.h"
#include "cli/watch_text.h"
#include "cli/watch_view.h"

#define PROMPT_MAX 48

enum goal_kind {
    GOAL_NONE,
    GOAL_INPUT,
    GOAL_MOMENT,
    GOAL_NEXT,  /* of `kinds` and `order` */
    GOAL_ORDER, /* the first entry of it */
};

struct goal {
    enum goal_kind kind;
    uint64_t input; /* INPUT; MOMENT: how far the looking has come, once it has begun */
    bool begun;
    ns_t ts;
    unsigned kinds;
    uint64_t order;
};

struct watch_app {
    const char *name;
    struct watch_scout *scout;
    struct watch_view *view;
    struct watch_model model; /* what is shown */
    struct goal goal;
    uint64_t inputs; /* of the run */
    uint16_t instrument;
    uint64_t count; /* typed before a key; 0: none */
    unsigned kinds;
    uint64_t order; /* looked for last; 0: none */
    char prompt;    /* 'g', '/'; 0: none is open */
    char typed[PROMPT_MAX + 1];
    char message[WATCH_TEXT]; /* empty: none */
    bool alarm, help, variables;
};

void watch_app_say(struct watch_app *app, bool alarm, const char *text);
void watch_app_go_input(struct watch_app *app, uint64_t input);
void watch_app_show_instrument(struct watch_app *app, uint16_t instrument);
/* From where a step is counted: the place that is shown, or the one that we are on the way to. */
static inline uint64_t watch_app_stand(const struct watch_app *app)
{
    return app->goal.kind == GOAL_INPUT ? app->goal.input : app->model.input;
}
/* "fill", "line of the log" */
const char *watch_kinds_word(unsigned kinds);

#endif
