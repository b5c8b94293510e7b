#include "cli/run_metrics.h"

#include "cli/json_out.h"
#include "cli/suggest.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run_metrics {
    struct engine_sink sink;
    const struct engine_sink *behind;
    const struct stage *stage; /* NULL: not open yet */
    struct metrics *metrics;
    money_t *realised; /* of each instrument, as it was after its last fill */
    bool started;      /* the equity at the start is known */
    struct run_metric *list;
    size_t count, room;
};

/* ---- the sink ---- */

static void take_equity(struct run_metrics *own, const struct engine *engine)
{
    struct metrics *metrics = own->metrics;
    for (uint32_t i = 0; i < metrics->currency_count; i++) {
        const char *currency = metrics->money[i].currency;
        metrics_equity(metrics, currency, engine_equity(engine, currency));
    }
    own->started = true;
}

/* The equity at the start is that before the first order, or of the first point of the grid: then there is a market
 * to value spot holdings by. */
static void on_order(void *context, ns_t ts, const struct order *order, const struct execution *execution)
{
    struct run_metrics *own = context;
    if (UNLIKELY(!own->started) && own->metrics != NULL)
        take_equity(own, own->stage->engine);
    if (own->behind != NULL && own->behind->order != NULL)
        own->behind->order(own->behind->context, ts, order, execution);
}

static money_t fee_of(const struct execution *execution, const char *settle, err_t *failed)
{
    money_t fee = 0;
    if (execution->fee == 0 || strncmp(execution->fee_currency, settle, sizeof(execution->fee_currency)) != 0)
        return 0;
    if (money_rescale(execution->fee, execution->fee_decimals, MONEY_DECIMALS, ROUND_HALF_EVEN, &fee) != ERR_OK)
        *failed = ERR_RANGE;
    return fee;
}

static void on_fill(void *context, ns_t ts, const struct order *order, const struct execution *execution)
{
    struct run_metrics *own = context;
    if (own->metrics != NULL) {
        const uint16_t number = order->instrument;
        const money_t realised = account_position(engine_account_view(own->stage->engine), number)->realised;
        const struct metrics_fill fill = {
            .instrument = number,
            .side = (enum side)order->side,
            .maker = execution->maker != 0,
            .price = execution->price,
            .qty = execution->qty,
            .realised = realised - own->realised[number],
            .fee = fee_of(execution, own->stage->instruments[number].settle, &own->metrics->failed)};
        metrics_fill(own->metrics, &fill);
        own->realised[number] = realised;
    }
    if (own->behind != NULL && own->behind->fill != NULL)
        own->behind->fill(own->behind->context, ts, order, execution);
}

static void on_payment(void *context, ns_t ts, uint16_t instrument, const struct execution *execution)
{
    const struct engine_sink *behind = ((struct run_metrics *)context)->behind;
    if (behind != NULL && behind->payment != NULL)
        behind->payment(behind->context, ts, instrument, execution);
}

static void on_equity(void *context, ns_t ts, const struct engine *engine)
{
    struct run_metrics *own = context;
    if (own->metrics != NULL)
        take_equity(own, engine);
    if (own->behind != NULL && own->behind->equity != NULL)
        own->behind->equity(own->behind->context, ts, engine);
}

static void on_log(void *context, ns_t ts, enum log_level level, const char *text)
{
    const struct engine_sink *behind = ((struct run_metrics *)context)->behind;
    if (behind != NULL && behind->log != NULL)
        behind->log(behind->context, ts, level, text);
}

static void on_plot(void *context, ns_t ts, const char *name, int64_t value, unsigned decimals)
{
    const struct engine_sink *behind = ((struct run_metrics *)context)->behind;
    if (behind != NULL && behind->plot != NULL)
        behind->plot(behind->context, ts, name, value, decimals);
}

static void on_write(void *context, ns_t ts, const char *file, const char *line)
{
    const struct engine_sink *behind = ((struct run_metrics *)context)->behind;
    if (behind != NULL && behind->write != NULL)
        behind->write(behind->context, ts, file, line);
}

STATIC_ASSERT(sizeof(struct engine_sink) == 8 * sizeof(void *), "a new function of the sink is to be passed on here");

/* ---- beginning and end ---- */

err_t run_metrics_new(struct run_metrics **metrics, const struct engine_sink *behind, struct err_text *why)
{
    struct run_metrics *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    made->behind = behind;
    made->sink = (struct engine_sink){.context = made,
                                      .order = on_order,
                                      .fill = on_fill,
                                      .payment = on_payment,
                                      .equity = on_equity,
                                      .log = on_log,
                                      .plot = on_plot,
                                      .write = on_write};
    *metrics = made;
    return ERR_OK;
}

const struct engine_sink *run_metrics_sink(struct run_metrics *metrics)
{
    return &metrics->sink;
}

err_t run_metrics_open(struct run_metrics *metrics, const struct stage *stage, struct err_text *why)
{
    void *memory = malloc(metrics_size(stage->instrument_count));
    metrics->realised = calloc(stage->instrument_count, sizeof(*metrics->realised));
    if (memory == NULL || metrics->realised == NULL) {
        free(memory);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    metrics->stage = stage;
    metrics->metrics = metrics_init(memory, stage->instruments, stage->instrument_count);
    return ERR_OK;
}

void run_metrics_free(struct run_metrics *metrics)
{
    if (metrics == NULL)
        return;
    free(metrics->metrics);
    free(metrics->realised);
    free(metrics->list);
    free(metrics);
}

/* ---- the list ---- */

/* Every name, for suggestions and for the list alike. */
static const char *const count_names[] = {"orders", "refused", "rejects", "fills",       "maker_fills",
                                          "closed", "wins",    "losses",  "round_trips", "gaps"};
static const char *const money_names[] = {"profit",   "realised", "fees", "funding", "equity",
                                          "drawdown", "gained",   "lost", "traded"};
static const char *const ratio_names[] = {"profit_factor", "turnover"};

static bool is_money(const char *name, size_t size)
{
    for (size_t i = 0; i < ARRAY_LEN(money_names); i++)
        if (strlen(money_names[i]) == size && memcmp(money_names[i], name, size) == 0)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(ratio_names); i++)
        if (strlen(ratio_names[i]) == size && memcmp(ratio_names[i], name, size) == 0)
            return true;
    return false;
}

bool run_metric_known(const char *name, char *hint)
{
    struct suggestion suggestion;
    const size_t size = strcspn(name, ".");
    if (is_money(name, size))
        return name[size] == '\0' || (name[size + 1] != '\0' && strchr(name + size + 1, '.') == NULL);
    for (size_t i = 0; i < ARRAY_LEN(count_names); i++)
        if (strcmp(count_names[i], name) == 0)
            return true;
    if (strcmp(name, "win_rate") == 0)
        return true;
    if (hint != NULL) {
        suggest_start(&suggestion, name, strlen(name));
        for (size_t i = 0; i < ARRAY_LEN(count_names); i++)
            suggest_offer(&suggestion, count_names[i]);
        for (size_t i = 0; i < ARRAY_LEN(money_names); i++)
            suggest_offer(&suggestion, money_names[i]);
        for (size_t i = 0; i < ARRAY_LEN(ratio_names); i++)
            suggest_offer(&suggestion, ratio_names[i]);
        suggest_offer(&suggestion, "win_rate");
        suggest_text(&suggestion, hint);
    }
    return false;
}

static struct run_metric *add(struct run_metrics *own, const char *name, const char *currency)
{
    ASSERT(own->count < own->room);
    struct run_metric *metric = &own->list[own->count++];
    snprintf(metric->name, sizeof(metric->name), "%s%s%s", name, currency != NULL ? "." : "",
             currency != NULL ? currency : "");
    metric->value = (struct metrics_value){0, 1, 0};
    metric->none = false;
    return metric;
}

static void add_count(struct run_metrics *own, const char *name, uint64_t value)
{
    add(own, name, NULL)->value.numerator = (money_t)value;
}

static void add_money(struct run_metrics *own, const char *name, const char *currency, bool there, money_t value)
{
    struct run_metric *metric = add(own, name, currency);
    metric->value = (struct metrics_value){there ? value : 0, 1, MONEY_DECIMALS};
    metric->none = !there;
}

static void add_ratio(struct run_metrics *own, const char *name, const char *currency, money_t numerator,
                      money_t denominator)
{
    struct run_metric *metric = add(own, name, currency);
    money_t ratio = 0;
    metric->none = denominator <= 0 || metrics_ratio(numerator, denominator, METRICS_RATE_DECIMALS, &ratio) != ERR_OK;
    metric->value = (struct metrics_value){ratio, 1, METRICS_RATE_DECIMALS};
}

/* traded / equity at the start, a day: two roundings, both half-even. */
static void add_turnover(struct run_metrics *own, const struct metrics_money *money, ns_t span)
{
    struct run_metric *metric = add(own, "turnover", money->currency);
    money_t ratio = 0, day = 0;
    metric->none = money->equity_points == 0 || money->equity_start <= 0 || span <= 0 ||
                   metrics_ratio(money->traded, money->equity_start, METRICS_RATE_DECIMALS, &ratio) != ERR_OK ||
                   money_multiply(ratio, 86400 * NS_PER_S, &day) != ERR_OK;
    metric->value =
        (struct metrics_value){metric->none ? 0 : money_divide(day, span, ROUND_HALF_EVEN), 1, METRICS_RATE_DECIMALS};
}

static void list_money(struct run_metrics *own, const struct metrics_money *money)
{
    const struct engine *engine = own->stage->engine;
    const struct balance *balance = account_balance(engine_account_view(engine), money->currency);
    static const struct balance nothing;
    const char *currency = money->currency;
    const bool marked = money->equity_points != 0, grid = money->equity_points > 2;
    if (balance == NULL)
        balance = &nothing;
    add_money(own, "profit", currency, marked, money->equity_end - money->equity_start);
    add_money(own, "realised", currency, true, balance->realised);
    add_money(own, "fees", currency, true, balance->fees);
    add_money(own, "funding", currency, true, balance->funding);
    add_money(own, "equity", currency, marked, money->equity_end);
    add_money(own, "drawdown", currency, grid, money->drawdown);
    add_money(own, "gained", currency, true, money->gains);
    add_money(own, "lost", currency, true, money->losses);
    add_money(own, "traded", currency, true, money->traded);
    add_ratio(own, "profit_factor", currency, money->gains, money->losses);
    add_turnover(own, money, engine_now(engine) - own->stage->first_ts);
}

err_t run_metrics_list(struct run_metrics *own, const struct run_metric **list, size_t *count, struct err_text *why)
{
    const struct metrics *metrics = own->metrics;
    const struct engine_counters *counters = engine_counters(own->stage->engine);
    if (metrics->failed != ERR_OK)
        return err_say(why, metrics->failed, "the metrics of the run cannot be told: %s", err_words(metrics->failed));
    if (own->list == NULL) {
        own->room =
            ARRAY_LEN(count_names) + 1 + metrics->currency_count * (ARRAY_LEN(money_names) + ARRAY_LEN(ratio_names));
        own->list = calloc(own->room, sizeof(*own->list));
        if (own->list == NULL)
            return err_say(why, ERR_NOMEM, "out of memory");
    }
    own->count = 0;
    add_count(own, "orders", counters->orders);
    add_count(own, "refused", counters->refused);
    add_count(own, "rejects", counters->rejects);
    add_count(own, "fills", metrics->fills);
    add_count(own, "maker_fills", metrics->maker_fills);
    add_count(own, "closed", metrics->closed);
    add_count(own, "wins", metrics->wins);
    add_count(own, "losses", metrics->losses);
    struct run_metric *rate = add(own, "win_rate", NULL);
    rate->none = metrics->closed == 0;
    rate->value = (struct metrics_value){(money_t)metrics->wins, rate->none ? 1 : metrics->closed, 0};
    add_count(own, "round_trips", metrics->round_trips);
    add_count(own, "gaps", counters->gaps);
    for (uint32_t i = 0; i < metrics->currency_count; i++)
        list_money(own, &metrics->money[i]);
    *list = own->list;
    *count = own->count;
    return ERR_OK;
}

const char *run_metric_text(const struct run_metric *metric, char *text)
{
    if (metric->none)
        return strcpy(text, "none");
    const size_t size = decimal_format(text, metric->value.numerator, metric->value.decimals, 0);
    if (strcmp(metric->name, "win_rate") == 0)
        snprintf(text + size, METRIC_TEXT_SIZE - size, "/%" PRIu64, metric->value.denominator);
    return text;
}

/* ---- showing ---- */

static json_t *value_json(const struct run_metric *metric)
{
    char text[METRIC_TEXT_SIZE];
    money_t rate;
    if (metric->none)
        return json_null();
    if (strcmp(metric->name, "win_rate") == 0) { /* the fraction itself is wins / closed */
        err_t err =
            metrics_ratio(metric->value.numerator, (money_t)metric->value.denominator, METRICS_RATE_DECIMALS, &rate);
        if (err != ERR_OK)
            return json_null();
        decimal_format(text, rate, METRICS_RATE_DECIMALS, 0);
        return json_string(text);
    }
    if (metric->value.decimals == 0)
        return json_integer((json_int_t)metric->value.numerator);
    return json_string(run_metric_text(metric, text));
}

json_t *run_metrics_json(struct run_metrics *own)
{
    const struct run_metric *list;
    size_t count;
    if (run_metrics_list(own, &list, &count, NULL) != ERR_OK)
        return NULL;
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++) {
        const char *point = strchr(list[i].name, '.');
        char name[RUN_METRIC_NAME_SIZE];
        if (point == NULL) {
            json_set(object, list[i].name, value_json(&list[i]));
            continue;
        }
        snprintf(name, sizeof(name), "%.*s", (int)(point - list[i].name), list[i].name);
        if (json_object_get(object, name) == NULL)
            json_set(object, name, json_object());
        json_set(json_object_get(object, name), point + 1, value_json(&list[i]));
    }
    return object;
}

/* For eyes: eight decimals. result.json has all. */
static void cell(struct table *table, const struct run_metric *metric)
{
    char text[DECIMAL_TEXT_SIZE];
    if (metric->none) {
        table_cell(table, "-");
        return;
    }
    const unsigned shown = metric->value.decimals == MONEY_DECIMALS ? 8 : 4;
    decimal_format(
        text, money_divide(metric->value.numerator, money_pow10(metric->value.decimals - shown), ROUND_HALF_EVEN),
        shown, 2);
    table_cell(table, "%s", text);
}

static void print_money(const struct run_metrics *own, struct table *table, const char *currency)
{
    static const char *const shown[] = {"profit", "drawdown", "traded", "profit_factor"};
    char name[RUN_METRIC_NAME_SIZE];
    table_cell(table, "%s", currency);
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        snprintf(name, sizeof(name), "%s.%s", shown[i], currency);
        for (size_t k = 0; k < own->count; k++)
            if (strcmp(own->list[k].name, name) == 0)
                cell(table, &own->list[k]);
    }
}

void run_metrics_print(struct run_metrics *own)
{
    const struct run_metric *list;
    size_t count;
    const struct metrics *metrics = own->metrics;
    if (run_metrics_list(own, &list, &count, NULL) != ERR_OK || metrics->fills == 0)
        return;
    printf("\nclosed trades %" PRIu64 ", won %" PRIu64 ", lost %" PRIu64 ", round trips %" PRIu64 "\n\n",
           metrics->closed, metrics->wins, metrics->losses, metrics->round_trips);
    struct table *table = table_new("lrrrr", "currency", "profit", "drawdown", "traded", "profit factor");
    for (uint32_t i = 0; i < metrics->currency_count; i++)
        print_money(own, table, metrics->money[i].currency);
    table_print(table, stdout);
}
