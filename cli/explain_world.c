#include "cli/explain_world.h"

#include "cli/explain_program.h"
#include "cli/run_output.h"
#include "cli/run_result.h"
#include "cli/stop_signal.h"
#include "core/decimal.h"

#include <string.h>

#define BUDGET 65536

struct world_run {
    struct run_config *config;
    struct run_output *output; /* writes nothing; keeps the strategy's last error */
    struct run_metrics *metrics;
    struct stage *stage;
};

/* ---- executing ---- */

static err_t open_world(struct world_run *run, const struct explain_world *world, struct err_text *why)
{
    const struct run_output_options files = {.none = true};
    err_t err = run_config_parse(&run->config, world->name, world->config, strlen(world->config), NULL, why);
    if (err == ERR_OK)
        err = run_config_check_files(run->config, why);
    if (err == ERR_OK)
        err = run_output_new(&run->output, run->config, why);
    if (err == ERR_OK)
        err = run_metrics_new(&run->metrics, run_output_sink(run->output, true), why);
    if (err == ERR_OK)
        err = stage_open(&run->stage, run->config, run_metrics_sink(run->metrics), why);
    if (err == ERR_OK)
        err = run_metrics_open(run->metrics, run->stage, why);
    if (err == ERR_OK)
        err = run_output_open(run->output, &files, run->stage->instruments, run->stage->instrument_count,
                              run->stage->engine, why);
    return err;
}

static err_t execute(struct world_run *run, json_t **result, struct err_text *why)
{
    struct engine *engine = run->stage->engine;
    err_t err = stage_start(run->stage);
    if (err != ERR_OK) {
        const char *said = run_output_last_error(run->output);
        return err_say(why, ERR_CONFIG, "the strategy '%s' refused to start: %s", run->config->strategy->name,
                       said != NULL ? said : err_words(err));
    }
    while (err == ERR_OK)
        err = stop_signal() != 0 ? ERR_INTERRUPTED : engine_run(engine, BUDGET);
    if (err != ERR_END)
        return err_say(why, err, "the run broke: %s",
                       err == ERR_INTERRUPTED ? "interrupted" : engine_why(engine)->text);
    const ns_t last_ts = engine_now(engine);
    const struct run_summary summary = {.config = run->config,
                                        .stage = run->stage,
                                        .digest = stage_stop(run->stage),
                                        .end = RUN_FINISHED,
                                        .last_ts = last_ts,
                                        .metrics = run->metrics};
    *result = run_result_json(&summary);
    return ERR_OK;
}

json_t *explain_world_run(const struct explain_world *world)
{
    struct world_run run = {0};
    struct err_text why = {0};
    json_t *outcome = json_object(), *result = NULL;
    err_t err;
    if (world->program != NULL) {
        err = explain_program_run(world->program, world->config, &result, &why);
    } else {
        err = open_world(&run, world, &why);
        if (err == ERR_OK)
            err = execute(&run, &result, &why);
        stage_close(run.stage);
        run_metrics_free(run.metrics);
        run_output_free(run.output);
        run_config_free(run.config);
    }
    json_set_text(outcome, "error", err == ERR_OK ? NULL : why.text[0] != '\0' ? why.text : err_words(err));
    if (result != NULL)
        json_set(outcome, "result", result);
    return outcome;
}

/* ---- figures ---- */

const char *explain_part_name(enum explain_part part)
{
#define PART_NAME(name, word) word,
    static const char *const names[] = {EXPLAIN_PART_MAP(PART_NAME)};
#undef PART_NAME
    return names[part];
}

struct reader {
    struct explain_figures *figures;
    const char *name;
    struct err_text *why;
};

static err_t read_money(const struct reader *reader, const json_t *value, const char *what, money_t *money)
{
    const char *text = json_string_value(value);
    *money = 0;
    if (value == NULL || json_is_null(value)) /* of a run without an order and without a grid */
        return ERR_OK;
    if (text != NULL && decimal_parse_money(text, strlen(text), MONEY_DECIMALS, ROUND_EXACT, money) == ERR_OK)
        return ERR_OK;
    return err_say(reader->why, ERR_CORRUPT, "%s: its result has no '%s' that is money", reader->name, what);
}

/* NULL: there is no room for it, and it was said. */
static struct explain_money *add_currency(const struct reader *reader, const char *currency)
{
    struct explain_figures *figures = reader->figures;
    if (strlen(currency) >= NAME_SIZE || figures->money_count == CURRENCIES_MAX) {
        (void)err_say(reader->why, ERR_CORRUPT, "%s: its result has more currencies than a run can have, or '%s'",
                      reader->name, currency);
        return NULL;
    }
    struct explain_money *money = &figures->money[figures->money_count++];
    *money = (struct explain_money){.settles = false};
    strcpy(money->currency, currency);
    return money;
}

static err_t sum_up(const struct reader *reader, money_t *parts)
{
    money_t rest;
    err_t err = money_subtract(parts[EXPLAIN_PART_PROFIT], parts[EXPLAIN_PART_REALISED], &rest);
    if (err == ERR_OK)
        err = money_add(rest, parts[EXPLAIN_PART_FEES], &rest);
    if (err == ERR_OK)
        err = money_subtract(rest, parts[EXPLAIN_PART_FUNDING], &parts[EXPLAIN_PART_MARKED]);
    return err == ERR_OK ? ERR_OK : err_say(reader->why, err, "%s: its profit does not fit", reader->name);
}

static err_t read_settled(const struct reader *reader, const json_t *metrics)
{
    static const enum explain_part told[] = {EXPLAIN_PART_PROFIT, EXPLAIN_PART_REALISED, EXPLAIN_PART_FEES,
                                             EXPLAIN_PART_FUNDING};
    const char *currency;
    json_t *value, *profits = json_object_get(metrics, "profit");
    json_object_foreach(profits, currency, value)
    {
        struct explain_money *money = add_currency(reader, currency);
        err_t err = money != NULL ? ERR_OK : ERR_CORRUPT;
        for (size_t i = 0; i < ARRAY_LEN(told) && err == ERR_OK; i++) {
            const char *part = explain_part_name(told[i]);
            err = read_money(reader, json_object_get(json_object_get(metrics, part), currency), part,
                             &money->parts[told[i]]);
        }
        if (err == ERR_OK)
            err = sum_up(reader, money->parts);
        if (err != ERR_OK)
            return err;
        money->settles = true;
    }
    return ERR_OK;
}

/* Fees in a currency that no instrument settles in: a discount token, the base of a spot fill. */
static err_t read_other_fees(const struct reader *reader, const json_t *balances)
{
    size_t i;
    json_t *balance;
    json_array_foreach(balances, i, balance)
    {
        const char *currency = json_string_value(json_object_get(balance, "currency"));
        money_t fees;
        err_t err = read_money(reader, json_object_get(balance, "fees"), "account.balances.fees", &fees);
        if (err != ERR_OK)
            return err;
        if (currency == NULL || fees == 0 || explain_figures_money(reader->figures, currency)->settles)
            continue;
        struct explain_money *money = add_currency(reader, currency);
        if (money == NULL)
            return ERR_CORRUPT;
        money->parts[EXPLAIN_PART_FEES] = fees;
    }
    return ERR_OK;
}

err_t explain_figures_read(struct explain_figures *figures, const json_t *result, const char *name,
                           struct err_text *why)
{
    const struct reader reader = {figures, name, why};
    const json_t *metrics = json_object_get(result, "metrics");
    const char *digest = json_string_value(json_object_get(result, "digest"));
    *figures = (struct explain_figures){.money_count = 0};
    if (digest == NULL || strlen(digest) >= sizeof(figures->digest))
        return err_say(why, ERR_CORRUPT, "%s: its result has no digest", name);
    if (!json_is_object(json_object_get(metrics, "profit")))
        return err_say(why, ERR_VERSION, "%s: its result tells no profit (metrics.profit): made by an older version",
                       name);
    strcpy(figures->digest, digest);
    figures->orders = (uint64_t)json_integer_value(json_object_get(result, "orders"));
    figures->fills = (uint64_t)json_integer_value(json_object_get(result, "fills"));
    err_t err = read_settled(&reader, metrics);
    return err == ERR_OK ? read_other_fees(&reader, json_object_get(json_object_get(result, "account"), "balances"))
                         : err;
}

const struct explain_money *explain_figures_money(const struct explain_figures *figures, const char *currency)
{
    static const struct explain_money none;
    for (uint32_t i = 0; i < figures->money_count; i++)
        if (strcmp(figures->money[i].currency, currency) == 0)
            return &figures->money[i];
    return &none;
}
