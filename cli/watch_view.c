#include "cli/watch_view.h"

#include <stdlib.h>
#include <string.h>

struct watch_view {
    struct watch_step *step;
    uint16_t instrument;
    uint64_t from; /* each input after it was looked at, up to where the step is; UINT64_MAX: none was */
    struct watch_trade trades[WATCH_LOOKBACK];
    size_t trade_count;            /* ever since `from`; a ring */
    struct watch_model *kept;      /* ring of WATCH_KEEP, by input */
    uint64_t kept_from, kept_size; /* inputs of the models kept: from, how many */
};

err_t watch_view_open(struct watch_view **view, const char *dir, const struct rerun_options *options,
                      const struct watch_trail *trail, struct err_text *why)
{
    struct watch_view *opened = calloc(1, sizeof(*opened));
    struct watch_model *kept = calloc(WATCH_KEEP, sizeof(*kept));
    if (opened == NULL || kept == NULL) {
        free(opened);
        free(kept);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    opened->kept = kept;
    const err_t err = watch_step_open(&opened->step, dir, options, NULL, NULL, trail, why);
    if (err != ERR_OK) {
        watch_view_close(opened);
        return err;
    }
    *view = opened;
    return ERR_OK;
}

void watch_view_close(struct watch_view *view)
{
    if (view == NULL)
        return;
    watch_step_close(view->step);
    free(view->kept);
    free(view);
}

void watch_view_instrument(struct watch_view *view, uint16_t instrument)
{
    if (instrument != view->instrument)
        view->kept_size = 0;
    view->instrument = instrument;
}

uint64_t watch_view_at(const struct watch_view *view)
{
    return watch_step_at(view->step);
}

/* ---- trades ---- */

static void look(struct watch_view *view)
{
    const struct event *event = watch_step_event(view->step);
    if (event == NULL || event->kind != EVENT_TRADE)
        return;
    view->trades[view->trade_count++ % WATCH_LOOKBACK] = (struct watch_trade){.input = watch_step_at(view->step),
                                                                              .ts = event->ts,
                                                                              .price = event->levels[0].price,
                                                                              .qty = event->levels[0].qty,
                                                                              .instrument = event->instrument,
                                                                              .flags = event->flags};
}

/* The last of the instrument, oldest first. */
static void take_trades(const struct watch_view *view, struct watch_model *model)
{
    const size_t kept = view->trade_count < WATCH_LOOKBACK ? view->trade_count : WATCH_LOOKBACK;
    struct watch_trade newest[WATCH_TRADES];
    uint32_t count = 0;
    for (size_t i = view->trade_count; i > view->trade_count - kept && count < WATCH_TRADES; i--) {
        const struct watch_trade *trade = &view->trades[(i - 1) % WATCH_LOOKBACK];
        if (trade->input + WATCH_LOOKBACK <= model->input)
            break;
        if (trade->instrument == view->instrument)
            newest[count++] = *trade;
    }
    for (uint32_t i = 0; i < count; i++)
        model->trades[i] = newest[count - 1 - i];
    model->trade_count = count;
}

/* ---- models ---- */

static struct watch_model *kept_at(const struct watch_view *view, uint64_t input)
{
    return input >= view->kept_from && input - view->kept_from < view->kept_size ? &view->kept[input % WATCH_KEEP]
                                                                                 : NULL;
}

static void keep(struct watch_view *view)
{
    const uint64_t at = watch_step_at(view->step);
    if (view->kept_size == 0 || at != view->kept_from + view->kept_size) {
        view->kept_from = at;
        view->kept_size = 0;
    }
    struct watch_model *model = &view->kept[at % WATCH_KEEP];
    const struct rerun *rerun = watch_step_rerun(view->step);
    watch_model_take(model, rerun->stage, rerun->config->strategy, view->instrument, watch_step_event(view->step));
    take_trades(view, model);
    if (view->kept_size == WATCH_KEEP)
        view->kept_from++;
    else
        view->kept_size++;
}

/* To where the looking begins for `input`. */
static err_t reach(struct watch_view *view, uint64_t need, uint64_t budget, struct err_text *why)
{
    view->from = UINT64_MAX;
    view->kept_size = 0;
    const err_t err = watch_step_to(view->step, need, budget, why);
    if (err != ERR_OK)
        return err;
    view->from = need;
    view->trade_count = 0;
    return ERR_OK;
}

err_t watch_view_to(struct watch_view *view, uint64_t input, uint64_t budget, const struct watch_model **model,
                    struct err_text *why)
{
    const uint64_t need = input > WATCH_LOOKBACK ? input - WATCH_LOOKBACK : 0;
    *model = kept_at(view, input);
    if (*model != NULL)
        return ERR_OK;
    if (watch_step_at(view->step) > input || watch_step_at(view->step) < need || view->from > need) {
        const err_t err = reach(view, need, budget, why);
        if (err != ERR_OK)
            return err;
    }
    if (watch_step_at(view->step) == 0 || watch_step_at(view->step) == input)
        keep(view);
    while (watch_step_at(view->step) < input) {
        const err_t err = watch_step_to(view->step, watch_step_at(view->step) + 1, 1, why);
        if (err != ERR_OK)
            return err;
        look(view);
        if (input - watch_step_at(view->step) < WATCH_KEEP)
            keep(view);
    }
    *model = kept_at(view, input);
    ASSERT(*model != NULL);
    return ERR_OK;
}
