#include "cli/calibrate.h"

#include "cli/json_out.h"
#include "cli/table.h"
#include "cli/values.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CALIBRATE_LEFT_KEY(name, key, words)   key,
#define CALIBRATE_LEFT_WORDS(name, key, words) words,
static const char *const left_keys[] = {CALIBRATE_LEFT_MAP(CALIBRATE_LEFT_KEY)};
static const char *const left_words[] = {CALIBRATE_LEFT_MAP(CALIBRATE_LEFT_WORDS)};

static const struct calibrate_model *best_of(const struct calibrate *calibrate)
{
    return &calibrate->models[calibrate->best];
}
static const struct calibrate_model *last_of(const struct calibrate *calibrate)
{
    return &calibrate->models[calibrate->model_count - 1];
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : 100 * (double)part / (double)whole;
}

/* The standard error of the exponent: a delete-one-fold jackknife, when every fold chose the same kind. */
static bool exponent_error(const struct calibrate *calibrate, double *error, double *least, double *most)
{
    const struct calibrate_model *best = best_of(calibrate);
    const uint32_t folds = calibrate->set.fold_count;
    double mean = 0, squares = 0;
    if (best->exponent == 0 || folds < 2)
        return false;
    *least = *most = 0;
    for (uint32_t k = 0; k < folds; k++) {
        const struct calibrate_model *model = &calibrate->models[calibrate->chosen[k]];
        const double n = (double)model->exponent / QUEUE_EXPONENT_ONE;
        if (model->kind != best->kind)
            return false;
        *least = k == 0 || n < *least ? n : *least;
        *most = k == 0 || n > *most ? n : *most;
        mean += n / folds;
    }
    for (uint32_t k = 0; k < folds; k++) {
        const double apart = (double)calibrate->models[calibrate->chosen[k]].exponent / QUEUE_EXPONENT_ONE - mean;
        squares += apart * apart;
    }
    *error = sqrt(squares * (folds - 1) / folds);
    return true;
}

/* ---- warnings ---- */

static void warn(struct calibrate_warnings *warnings, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void warn(struct calibrate_warnings *warnings, const char *fmt, ...)
{
    va_list args;
    ASSERT(warnings->count < CALIBRATE_WARNINGS_MAX);
    va_start(args, fmt);
    vsnprintf(warnings->text[warnings->count++], sizeof(warnings->text[0]), fmt, args);
    va_end(args);
}

void calibrate_warn(const struct calibrate *calibrate, struct calibrate_warnings *warnings)
{
    const struct score_counts *low = &calibrate->models[0].counts, *high = &last_of(calibrate)->counts;
    const struct calibrate_model *best = best_of(calibrate);
    const double outside = percent(low->early + high->late, low->orders);
    char text[32];
    uint32_t others = 0, ties = 0;
    const struct calibrate_model *tie = NULL;
    warnings->count = 0;
    if (low->real < CALIBRATE_FILLS_FEW)
        warn(warnings, "only %" PRIu64 " orders filled in reality: below some %d the choice is mostly chance",
             low->real, CALIBRATE_FILLS_FEW);
    if (outside > 10)
        warn(warnings,
             "%.1f %% of the orders are outside of the bounds (filled before the optimistic model or later than the "
             "pessimistic one): look at the clock of the stamps, venue.latency and the depth of the tape first",
             outside);
    if (calibrate->untimed != 0)
        warn(warnings, "%u filled orders have no first_fill_ts: for them only whether they filled is compared",
             calibrate->untimed);
    if (best->exponent != 0 && calibrate->exponent_first != calibrate->exponent_last &&
        (best->exponent == calibrate->exponent_first || best->exponent == calibrate->exponent_last))
        warn(warnings, "%s is at the edge of the grid: widen --exponents", calibrate_model_text(best, text));
    for (uint32_t k = 0; k < calibrate->set.fold_count; k++)
        others += calibrate->models[calibrate->chosen[k]].kind != best->kind;
    if (others != 0)
        warn(warnings, "%u of %u folds choose another model than %s: the data do not tell them apart well", others,
             calibrate->set.fold_count, calibrate_kind_name(best->kind));
    for (uint32_t i = 0; i < calibrate->model_count; i++) {
        const struct score_counts *counts = &calibrate->models[i].counts;
        ties += i != calibrate->best && counts->miss == best->counts.miss &&
                counts->early + counts->late == best->counts.early + best->counts.late;
        if (ties == 1 && tie == NULL)
            tie = &calibrate->models[i];
    }
    if (ties != 0)
        warn(warnings, "%s%s do exactly as well on these orders: the first of the list is taken",
             calibrate_model_text(tie, text), ties > 1 ? " and others" : " would");
    if (calibrate->held_out.brier.value >= calibrate->rate_alone.brier.value)
        warn(warnings, "held out, the model tells no more than how often orders fill at all");
}

/* ---- text ---- */

static void print_head(const struct calibrate *calibrate)
{
    char first[VALUE_TEXT_SIZE], last[VALUE_TEXT_SIZE];
    const struct score_counts *counts = &calibrate->models[0].counts;
    printf("%u of %u orders scored, %" PRIu64 " of them filled in reality; tapes from %.19sZ to %.19sZ\n",
           calibrate->set.count, calibrate->row_count, counts->real, value_time_text(calibrate->first_ts, first),
           value_time_text(calibrate->last_ts, last));
    for (int i = 0; i < LEFT_COUNT; i++)
        if (calibrate->left[i] != 0)
            printf("left out: %u that %s\n", calibrate->left[i], left_words[i]);
    putchar('\n');
}

/* Of each kind the best exponent, or all. */
static bool is_shown(const struct calibrate *calibrate, uint32_t number)
{
    const struct calibrate_model *model = &calibrate->models[number];
    if (number == calibrate->best || model->exponent == 0)
        return true;
    if (calibrate->models[calibrate->best].kind == model->kind)
        return false;
    for (uint32_t i = 0; i < calibrate->model_count; i++) {
        const struct calibrate_model *other = &calibrate->models[i];
        if (other->kind == model->kind &&
            (other->counts.miss < model->counts.miss || (other->counts.miss == model->counts.miss && i < number)))
            return false;
    }
    return true;
}

static void print_models(const struct calibrate *calibrate)
{
    struct table *table =
        table_new("lrrrrrr", "model", "fills", "in reality", "too early", "too late", "wrong", "miss");
    for (uint32_t i = 0; i < calibrate->model_count; i++) {
        const struct calibrate_model *model = &calibrate->models[i];
        const struct score_counts *counts = &model->counts;
        char text[32];
        if (!is_shown(calibrate, i))
            continue;
        table_cell(table, "%s%s", calibrate_model_text(model, text), i == calibrate->best ? " *" : "");
        table_cell(table, "%" PRIu64, counts->yes);
        table_cell(table, "%" PRIu64, counts->real);
        table_cell(table, "%" PRIu64, counts->early);
        table_cell(table, "%" PRIu64, counts->late);
        table_cell(table, "%.1f %%", percent(counts->early + counts->late, counts->orders));
        table_cell(table, "%.2f", (double)counts->miss / 1e6);
    }
    table_print(table, stdout);
    printf(
        "\n* the smallest miss of %u models; of each kind with an exponent only the best is shown (--json: all)\n\n",
        calibrate->model_count);
}

static void cell_mean(struct table *table, struct score_mean mean, double scale, const char *unit)
{
    if (isnan(mean.error))
        table_cell(table, "%.*f%s", unit[0] != '\0' ? 1 : 4, mean.value * scale, unit);
    else
        table_cell(table, "%.*f +- %.*f%s", unit[0] != '\0' ? 1 : 4, mean.value * scale, unit[0] != '\0' ? 1 : 4,
                   mean.error * scale, unit);
}

static void print_held_row(struct table *table, const char *name, const struct score_held_out *row, bool is_model)
{
    char text[VALUE_TEXT_SIZE];
    table_cell(table, "%s", name);
    cell_mean(table, row->brier, 1, "");
    cell_mean(table, row->log_score, 1, "");
    cell_mean(table, row->fill_rate_error, 100, " %");
    if (is_model)
        cell_mean(table, row->qty_error, 100, " %");
    else
        table_cell(table, "-");
    if (row->time_error < 0)
        table_cell(table, "-");
    else
        table_cell(table, "%s", value_duration_text(row->time_error / NS_PER_MS * NS_PER_MS, text));
}

static void print_held_out(const struct calibrate *calibrate)
{
    const uint32_t folds = calibrate->set.fold_count;
    double error, least, most;
    printf("held out: %u folds %s, the model chosen without the fold that it is scored on\n\n", folds,
           calibrate->set.by_day ? "of whole days" : "of time");
    struct table *table =
        table_new("lrrrrr", "", "Brier", "log score", "fill rate error", "quantity error", "time error");
    print_held_row(table, "chosen", &calibrate->held_out, true);
    print_held_row(table, "pessimistic", &calibrate->pessimistic, true);
    if (calibrate->proportional.orders != 0)
        print_held_row(table, "proportional", &calibrate->proportional, true);
    print_held_row(table, "optimistic", &calibrate->optimistic, true);
    print_held_row(table, "fill rate alone", &calibrate->rate_alone, false);
    table_print(table, stdout);
    printf("\nchosen by the folds:");
    for (uint32_t k = 0; k < folds; k++) {
        char text[32];
        printf("%s %s", k == 0 ? "" : ",", calibrate_model_text(&calibrate->models[calibrate->chosen[k]], text));
    }
    if (exponent_error(calibrate, &error, &least, &most))
        printf("; standard error of n: %.2f", error);
    fputs("\n\n", stdout);
}

static void print_lines(const struct calibrate *calibrate)
{
    const struct calibrate_model *best = best_of(calibrate);
    char exponent[16];
    printf("venue:\n  queue: %s\n", calibrate_kind_name(best->kind));
    if (best->exponent != 0)
        printf("  queue_exponent: \"%s\"\n", calibrate_exponent_text(best, exponent));
}

void calibrate_print(const struct calibrate *calibrate)
{
    struct calibrate_warnings warnings;
    print_head(calibrate);
    print_models(calibrate);
    print_held_out(calibrate);
    calibrate_warn(calibrate, &warnings);
    for (uint32_t i = 0; i < warnings.count; i++)
        printf("warning: %s\n", warnings.text[i]);
    if (warnings.count != 0)
        putchar('\n');
    print_lines(calibrate);
}

/* ---- JSON ---- */

static json_t *model_json(const struct calibrate_model *model)
{
    char exponent[16];
    json_t *object = json_object();
    json_set_text(object, "queue", calibrate_kind_name(model->kind));
    json_set_text(object, "queue_exponent", model->exponent != 0 ? calibrate_exponent_text(model, exponent) : NULL);
    return object;
}

static json_t *counts_json(const struct calibrate_model *model)
{
    const struct score_counts *counts = &model->counts;
    json_t *object = model_json(model);
    json_set_u64(object, "fills", counts->yes);
    json_set_u64(object, "fills_in_both", counts->yes_real);
    json_set_u64(object, "too_early", counts->early);
    json_set_u64(object, "too_late", counts->late);
    json_set_u64(object, "miss_ppm", counts->miss);
    json_set_u64(object, "qty_error_sum_ppm", counts->qty_error_ppm);
    return object;
}

static void set_mean(json_t *object, const char *key, struct score_mean mean)
{
    json_t *pair = json_object();
    json_set(pair, "value", json_real(mean.value));
    json_set(pair, "standard_error", isnan(mean.error) ? json_null() : json_real(mean.error));
    json_set(object, key, pair);
}

static json_t *held_json(const struct score_held_out *row, bool is_model)
{
    if (row->orders == 0)
        return json_null();
    json_t *object = json_object();
    set_mean(object, "brier", row->brier);
    set_mean(object, "log_score", row->log_score);
    set_mean(object, "fill_rate_error", row->fill_rate_error);
    if (!is_model)
        return object;
    set_mean(object, "qty_error", row->qty_error);
    if (row->time_error < 0)
        json_set(object, "time_error_ns", json_null());
    else
        json_set_i64(object, "time_error_ns", row->time_error);
    return object;
}

static json_t *folds_json(const struct calibrate *calibrate)
{
    json_t *list = json_array();
    for (uint32_t k = 0; k < calibrate->set.fold_count; k++) {
        json_t *fold = model_json(&calibrate->models[calibrate->chosen[k]]);
        json_set_u64(fold, "orders", calibrate->set.folds[k].count);
        json_set_time(fold, "first", calibrate->set.folds[k].first_ts);
        json_array_append_new(list, fold);
    }
    return list;
}

err_t calibrate_print_json(const struct calibrate *calibrate)
{
    json_t *object = json_object(), *left = json_object(), *models = json_array(), *held = json_object(),
           *words = json_array(), *best = model_json(best_of(calibrate));
    struct calibrate_warnings warnings;
    double error, least, most;
    json_set_u64(object, "format", 1);
    json_set_u64(object, "orders", calibrate->row_count);
    json_set_u64(object, "scored", calibrate->set.count);
    json_set_u64(object, "real_fills", calibrate->models[0].counts.real);
    for (int i = 0; i < LEFT_COUNT; i++)
        json_set_u64(left, left_keys[i], calibrate->left[i]);
    json_set(object, "left_out", left);
    json_set_u64(object, "buckets", calibrate->set.bucket_count);
    if (exponent_error(calibrate, &error, &least, &most))
        json_set(best, "standard_error", json_real(error));
    json_set(object, "best", best);
    for (uint32_t i = 0; i < calibrate->model_count; i++)
        json_array_append_new(models, counts_json(&calibrate->models[i]));
    json_set(object, "models", models);
    json_set_bool(held, "by_day", calibrate->set.by_day);
    json_set(held, "folds", folds_json(calibrate));
    json_set(held, "chosen", held_json(&calibrate->held_out, true));
    json_set(held, "pessimistic", held_json(&calibrate->pessimistic, true));
    json_set(held, "proportional", held_json(&calibrate->proportional, true));
    json_set(held, "optimistic", held_json(&calibrate->optimistic, true));
    json_set(held, "fill_rate_alone", held_json(&calibrate->rate_alone, false));
    json_set(object, "held_out", held);
    calibrate_warn(calibrate, &warnings);
    for (uint32_t i = 0; i < warnings.count; i++)
        json_array_append_new(words, json_string(warnings.text[i]));
    json_set(object, "warnings", words);
    return json_print(stdout, object, false);
}
