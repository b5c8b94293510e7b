#include "cli/calibrate.h"

#include "cli/config_schema.h"
#include "cli/stop_signal.h"
#include "cli/world_up.h"
#include "strategies/scripted.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_BUDGET 65536   /* inputs between two looks at the signals */
#define ROOM       "65536" /* orders: those that a user's own config has room for need not be enough */

static const char *const kind_names[] = {"pessimistic", "optimistic", "proportional", "power",
                                         "power2",      "power3",     "log",          "log2"};

const char *calibrate_kind_name(enum queue_kind kind)
{
    ASSERT((size_t)kind < ARRAY_LEN(kind_names));
    return kind_names[kind];
}

const char *calibrate_exponent_text(const struct calibrate_model *model, char *text)
{
    text[0] = '\0';
    if (model->exponent != 0) {
        char digits[DECIMAL_TEXT_SIZE];
        decimal_format(digits, (money_t)model->exponent * 100 / QUEUE_EXPONENT_ONE, 2, 0);
        snprintf(text, 16, "%.15s", digits);
    }
    return text;
}

const char *calibrate_model_text(const struct calibrate_model *model, char *text)
{
    char exponent[16];
    calibrate_exponent_text(model, exponent);
    snprintf(text, 32, "%s%s%s", kind_names[model->kind], exponent[0] != '\0' ? " " : "", exponent);
    return text;
}

const struct calibrate_model *calibrate_find(const struct calibrate *calibrate, enum queue_kind kind)
{
    for (uint32_t i = 0; i < calibrate->model_count; i++)
        if (calibrate->models[i].kind == kind)
            return &calibrate->models[i];
    return NULL;
}

/* ---- the grid ---- */

static void add_model(struct calibrate *calibrate, enum queue_kind kind, uint32_t exponent)
{
    ASSERT(calibrate->model_count < CALIBRATE_MODELS_MAX);
    calibrate->models[calibrate->model_count++] = (struct calibrate_model){.kind = kind, .exponent = exponent};
}

/* All powers are proportional at exponent 1: it is there once. */
static void make_grid(struct calibrate *calibrate)
{
    add_model(calibrate, QUEUE_PESSIMISTIC, 0);
    for (enum queue_kind kind = QUEUE_PROPORTIONAL; kind <= QUEUE_LOG2; kind++) {
        if (!calibrate->kinds[kind])
            continue;
        if (!queue_model_has_exponent(kind)) {
            add_model(calibrate, kind, 0);
            continue;
        }
        for (uint32_t n = calibrate->exponent_first; n <= calibrate->exponent_last; n++)
            if (n != QUEUE_EXPONENT_ONE || !calibrate->kinds[QUEUE_PROPORTIONAL])
                add_model(calibrate, kind, n);
    }
    add_model(calibrate, QUEUE_OPTIMISTIC, 0);
}

/* ---- one run ---- */

struct trial {
    struct run_config *config;
    struct stage *stage;
    struct engine_sink sink;
    char said[512]; /* the last error that the strategy logged */
};

static void on_log(void *context, ns_t ts, enum log_level level, const char *text)
{
    struct trial *trial = context;
    (void)ts;
    if (level == LOG_ERROR)
        snprintf(trial->said, sizeof(trial->said), "%s", text);
}

/* The user's own settings, then what makes it a run of this model. */
static err_t load(const struct calibrate *calibrate, const struct calibrate_model *model, struct trial *trial,
                  struct err_text *why)
{
    static const char none[] = "{}\n";
    char path[2100], strategy[2300], queue[64], exponent_set[64], exponent[16];
    const char *const own[] = {strategy,
                               queue,
                               exponent_set,
                               "risk=null",
                               "output.equity_interval=0s",
                               "feed.speed=max",
                               "engine.order_capacity=" ROOM};
    struct option_list sets = {0};
    config_quote(calibrate->orders_path, path, sizeof(path));
    snprintf(strategy, sizeof(strategy),
             "strategy={name: scripted, params: {orders: %s, end_as_recorded: true, end_slack: %" PRId64 "ns}}", path,
             calibrate->tolerance);
    snprintf(queue, sizeof(queue), "venue.queue=%s", kind_names[model->kind]);
    calibrate_exponent_text(model, exponent);
    snprintf(exponent_set, sizeof(exponent_set), "venue.queue_exponent=%s", exponent[0] != '\0' ? exponent : "null");
    err_t err = ERR_OK;
    for (size_t i = 0; i < calibrate->sets->count && err == ERR_OK; i++)
        err = option_list_add(&sets, calibrate->sets->items[i]);
    for (size_t i = 0; i < ARRAY_LEN(own) && err == ERR_OK; i++)
        err = option_list_add(&sets, own[i]);
    const struct config_options options = {.sets = &sets, .tapes = calibrate->tapes};
    if (err != ERR_OK)
        err = err_say(why, err, "out of memory");
    else if (calibrate->config_path != NULL)
        err = run_config_load(&trial->config, calibrate->config_path, &options, why);
    else
        err = run_config_parse(&trial->config, "no config", none, strlen(none), &options, why);
    option_list_free(&sets);
    return err;
}

static err_t drive(struct trial *trial, struct err_text *why)
{
    struct engine *engine = trial->stage->engine;
    err_t err = engine_start(engine);
    if (err != ERR_OK)
        return err_say(why, ERR_CONFIG, "%s", trial->said[0] != '\0' ? trial->said : err_words(err));
    while ((err = engine_run(engine, RUN_BUDGET)) == ERR_OK)
        if (stop_signal() != 0)
            return err_say(why, ERR_INTERRUPTED, "interrupted, nothing was calibrated");
    if (err != ERR_END)
        return err_say(why, err, "%s", engine_why(engine)->text);
    (void)engine_stop(engine);
    return ERR_OK;
}

static void close_trial(struct trial *trial)
{
    stage_close(trial->stage);
    run_config_free(trial->config);
}

/* ---- what can be scored ---- */

static bool leave_out(const struct scripted_row *row, enum calibrate_left *why)
{
    const bool rests = row->type == ORDER_LIMIT && row->tif == TIF_GTC;
    *why = !row->real_told                    ? LEFT_UNTOLD
           : !rests                           ? LEFT_KIND
           : row->status == SCRIPTED_NOT_SENT ? LEFT_NOT_SENT
           : row->status == SCRIPTED_REJECTED ? LEFT_REJECTED
           : row->maker_filled < row->filled  ? LEFT_TOOK
           : row->shown < 0                   ? LEFT_NO_BOOK
                                              : LEFT_COUNT;
    return *why != LEFT_COUNT;
}

static err_t pick_orders(struct calibrate *calibrate, const struct scripted_row *rows, uint32_t count,
                         struct err_text *why)
{
    struct score_set *set = &calibrate->set;
    calibrate->row_count = count;
    calibrate->rows = malloc(count * sizeof(*calibrate->rows));
    set->orders = malloc(count * sizeof(*set->orders));
    if (calibrate->rows == NULL || set->orders == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < count; i++) {
        const struct scripted_row *row = &rows[i];
        enum calibrate_left left;
        if (leave_out(row, &left)) {
            calibrate->left[left]++;
            continue;
        }
        calibrate->rows[set->count] = i;
        set->orders[set->count++] = (struct score_order){.submit_ts = row->submit_ts,
                                                         .end_ts = row->cancel_ts,
                                                         .end_told = row->cancel_told,
                                                         .real_fill = row->real_filled != 0,
                                                         .real_ts = row->real_first_ts,
                                                         .qty = row->qty,
                                                         .real_filled = row->real_filled,
                                                         .shown = row->shown,
                                                         .instrument = row->instrument};
        calibrate->untimed += row->real_filled != 0 && row->real_first_ts == 0;
    }
    return ERR_OK;
}

static err_t take_answers(const struct calibrate *calibrate, struct calibrate_model *model,
                          const struct scripted_row *rows, struct err_text *why)
{
    const uint32_t count = calibrate->set.count;
    model->answers = malloc((count + 1) * sizeof(*model->answers));
    if (model->answers == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < count; i++) {
        const struct scripted_row *row = &rows[calibrate->rows[i]];
        model->answers[i] = (struct score_answer){.filled = row->filled, .first_ts = row->first_fill_ts};
    }
    return ERR_OK;
}

static err_t run_model(struct calibrate *calibrate, struct calibrate_model *model, struct err_text *why)
{
    struct trial trial = {.sink = {.context = &trial, .log = on_log}};
    uint32_t count;
    err_t err = load(calibrate, model, &trial, why);
    if (err == ERR_OK)
        err = run_config_check_files(trial.config, why);
    if (err == ERR_OK)
        err = stage_open(&trial.stage, trial.config, &trial.sink, why);
    if (err == ERR_OK)
        err = drive(&trial, why);
    if (err == ERR_OK) {
        const struct scripted_row *rows = scripted_rows(trial.config->strategy_state, &count);
        calibrate->levels = engine_counters(trial.stage->engine)->levels;
        calibrate->first_ts = trial.stage->first_ts;
        calibrate->last_ts = trial.stage->last_ts;
        if (calibrate->rows == NULL)
            err = pick_orders(calibrate, rows, count, why);
        if (err == ERR_OK)
            err = take_answers(calibrate, model, rows, why);
    }
    close_trial(&trial);
    return err;
}

/* ---- all of it ---- */

/* Without these there is nothing to compare: found out after the first run, not after the last. */
static err_t check_truth(const struct calibrate *calibrate, struct err_text *why)
{
    const struct score_set *set = &calibrate->set;
    uint32_t real = 0;
    for (uint32_t i = 0; i < set->count; i++)
        real += set->orders[i].real_fill;
    if (calibrate->left[LEFT_UNTOLD] == calibrate->row_count)
        return err_say(why, ERR_CONFIG,
                       "%s: no order tells what became of it: give the column `filled` (0 for none), and "
                       "`first_fill_ts` where it filled",
                       calibrate->orders_path);
    if (real == 0 || real == set->count)
        return err_say(
            why, ERR_RANGE,
            "%s: %s of the %u orders that can be scored filled in reality (of %u; %u untold, %u that do not "
            "queue, %u not sent, %u rejected, %u took, %u without a book): there is nothing to tell models "
            "apart by",
            calibrate->orders_path, real == 0 ? "none" : "each", set->count, calibrate->row_count,
            calibrate->left[LEFT_UNTOLD], calibrate->left[LEFT_KIND], calibrate->left[LEFT_NOT_SENT],
            calibrate->left[LEFT_REJECTED], calibrate->left[LEFT_TOOK], calibrate->left[LEFT_NO_BOOK]);
    return ERR_OK;
}

static void choose(struct calibrate *calibrate)
{
    struct score_counts counts[CALIBRATE_MODELS_MAX];
    for (uint32_t i = 0; i < calibrate->model_count; i++)
        counts[i] = calibrate->models[i].counts = score_all(&calibrate->set, calibrate->models[i].answers);
    calibrate->best = score_choose(counts, calibrate->model_count);
    for (uint32_t k = 0; k < calibrate->set.fold_count; k++) {
        for (uint32_t i = 0; i < calibrate->model_count; i++)
            counts[i] = score_others(&calibrate->set, calibrate->models[i].answers, k);
        calibrate->chosen[k] = score_choose(counts, calibrate->model_count);
    }
}

static err_t hold_out(struct calibrate *calibrate, struct err_text *why)
{
    const struct score_answer *answers[CALIBRATE_MODELS_MAX];
    uint32_t same[SCORE_FOLDS_MAX];
    const struct calibrate_model *proportional = calibrate_find(calibrate, QUEUE_PROPORTIONAL);
    struct {
        uint32_t model;
        struct score_held_out *out;
    } fixed[] = {
        {0, &calibrate->pessimistic},
        {calibrate->model_count - 1, &calibrate->optimistic},
        {proportional != NULL ? (uint32_t)(proportional - calibrate->models) : UINT32_MAX, &calibrate->proportional}};
    for (uint32_t i = 0; i < calibrate->model_count; i++)
        answers[i] = calibrate->models[i].answers;
    err_t err = score_held_out(&calibrate->set, answers, calibrate->chosen, &calibrate->held_out);
    for (size_t i = 0; i < ARRAY_LEN(fixed) && err == ERR_OK; i++) {
        if (fixed[i].model == UINT32_MAX)
            continue;
        for (uint32_t k = 0; k < SCORE_FOLDS_MAX; k++)
            same[k] = fixed[i].model;
        err = score_held_out(&calibrate->set, answers, same, fixed[i].out);
    }
    calibrate->rate_alone = score_rate_alone(&calibrate->set);
    return err == ERR_OK ? ERR_OK : err_say(why, err, "out of memory");
}

err_t calibrate_run(struct calibrate *calibrate, struct err_text *why)
{
    err_t err = ERR_OK;
    make_grid(calibrate);
    calibrate->set.tolerance = calibrate->tolerance;
    for (uint32_t i = 0; i < calibrate->model_count && err == ERR_OK; i++) {
        progress_update(&calibrate->progress, i, calibrate->model_count, i * calibrate->levels, 0);
        err = run_model(calibrate, &calibrate->models[i], why);
        if (err == ERR_OK && i == 0)
            err = check_truth(calibrate, why);
        if (err == ERR_OK && i == 0)
            err = score_prepare(&calibrate->set, calibrate->folds_wanted, why);
    }
    if (err != ERR_OK)
        return err;
    choose(calibrate);
    return hold_out(calibrate, why);
}

void calibrate_free(struct calibrate *calibrate)
{
    for (uint32_t i = 0; i < calibrate->model_count; i++)
        free(calibrate->models[i].answers);
    free(calibrate->set.orders);
    free(calibrate->rows);
}
