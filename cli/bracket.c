#include "cli/bracket.h"

#include "cli/table.h"

#include <inttypes.h>
#include <string.h>

uint16_t bracket_followers(const struct run_config *config, struct queue_model followers[STAGE_FOLLOWERS_MAX])
{
    /* A trade through our price could fill more than the truth, were it to fill us whole: the lower bound takes its
     * quantity, the upper bound not. */
    static const struct queue_model bounds[] = {{.kind = QUEUE_PESSIMISTIC, .by_quantity = true},
                                                {.kind = QUEUE_OPTIMISTIC, .by_quantity = false}};
    STATIC_ASSERT(ARRAY_LEN(bounds) == STAGE_FOLLOWERS_MAX, "room for both bounds");
    uint16_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(bounds) && config->venue.bracket; i++)
        if (config->venue.queue.kind != bounds[i].kind || config->venue.queue.by_quantity != bounds[i].by_quantity)
            followers[count++] = bounds[i];
    return count;
}

/* Pessimistic, the run's own, optimistic; as far as they are different models. */
struct model {
    const char *name;
    bool by_quantity;
    const struct engine *engine;
    struct digest_value digest;
};

static uint16_t models_of(const struct run_summary *summary, struct model models[1 + STAGE_FOLLOWERS_MAX])
{
    const struct stage *stage = summary->stage;
    const struct queue_model *queue = &summary->config->venue.queue;
    uint16_t count = 0;
    bool own = false;
    for (uint16_t i = 0; i <= stage->follower_count; i++) {
        const struct stage_follower *follower = i < stage->follower_count ? &stage->followers[i] : NULL;
        if (!own && (follower == NULL || follower->queue.kind == QUEUE_OPTIMISTIC)) {
            models[count++] =
                (struct model){queue_kind_name(queue->kind), queue->by_quantity, stage->engine, summary->digest};
            own = true;
        }
        if (follower != NULL)
            models[count++] = (struct model){queue_kind_name(follower->queue.kind), follower->queue.by_quantity,
                                             follower->engine, follower->digest};
    }
    return count;
}

/* What the run earned in a currency: what is there now less what it started with. */
static money_t profit_of(const struct run_summary *summary, const struct engine *engine, const char *currency)
{
    money_t profit = engine_equity(engine, currency);
    for (uint32_t i = 0; i < summary->config->balance_count; i++)
        if (strcmp(summary->config->balances[i].currency, currency) == 0)
            profit -= summary->config->balances[i].amount;
    return profit;
}

static money_t extreme(const struct run_summary *summary, const struct model *models, uint16_t count,
                       const char *currency, bool highest)
{
    money_t found = profit_of(summary, models[0].engine, currency);
    for (uint16_t i = 1; i < count; i++) {
        const money_t profit = profit_of(summary, models[i].engine, currency);
        if (highest ? profit > found : profit < found)
            found = profit;
    }
    return found;
}

json_t *bracket_json(const struct run_summary *summary)
{
    const struct stage *stage = summary->stage;
    struct model models[1 + STAGE_FOLLOWERS_MAX];
    if (stage->follower_count == 0)
        return NULL;
    const uint16_t count = models_of(summary, models);
    json_t *object = json_object(), *profit = json_object(), *list = json_array();
    for (uint16_t i = 0; i < stage->instrument_count; i++) {
        const char *currency = stage->instruments[i].settle;
        if (!instrument_is_first_of_settle(stage->instruments, i))
            continue;
        json_t *interval = json_object();
        json_set_decimal(interval, "low", extreme(summary, models, count, currency, false), MONEY_DECIMALS);
        json_set_decimal(interval, "high", extreme(summary, models, count, currency, true), MONEY_DECIMALS);
        json_set(profit, currency, interval);
    }
    json_set(object, "profit", profit);
    for (uint16_t i = 0; i < count; i++) {
        const struct engine_counters *counters = engine_counters(models[i].engine);
        json_t *entry = json_object(), *profits = json_object();
        char digest[DIGEST_TEXT_SIZE];
        digest_text(models[i].digest, digest);
        json_set_text(entry, "queue", models[i].name);
        json_set_text(entry, "trade_through", models[i].by_quantity ? "by_quantity" : "whole");
        json_set_text(entry, "digest", digest);
        json_set_u64(entry, "orders", counters->orders);
        json_set_u64(entry, "fills", counters->fills);
        json_set_u64(entry, "maker_fills", counters->maker_fills);
        for (uint16_t k = 0; k < stage->instrument_count; k++)
            if (instrument_is_first_of_settle(stage->instruments, k))
                json_set_decimal(profits, stage->instruments[k].settle,
                                 profit_of(summary, models[i].engine, stage->instruments[k].settle), MONEY_DECIMALS);
        json_set(entry, "profit", profits);
        json_array_append_new(list, entry);
    }
    json_set(object, "models", list);
    return object;
}

/* For eyes: eight decimals. result.json has all. */
static const char *money_text(money_t value, char text[DECIMAL_TEXT_SIZE])
{
    decimal_format(text, money_divide(value, money_pow10(MONEY_DECIMALS - 8), ROUND_HALF_EVEN), 8, 2);
    return text;
}

void bracket_print(const struct run_summary *summary)
{
    const struct stage *stage = summary->stage;
    struct model models[1 + STAGE_FOLLOWERS_MAX];
    char low[DECIMAL_TEXT_SIZE], high[DECIMAL_TEXT_SIZE];
    if (stage->follower_count == 0)
        return;
    const uint16_t count = models_of(summary, models);
    for (uint16_t i = 0; i < stage->instrument_count; i++) {
        const char *currency = stage->instruments[i].settle;
        if (!instrument_is_first_of_settle(stage->instruments, i))
            continue;
        char title[NAME_SIZE + 16];
        snprintf(title, sizeof(title), "profit, %s", currency);
        struct table *table = table_new("llrrr", "queue model", "trade through", "orders", "fills", title);
        for (uint16_t k = 0; k < count; k++) {
            table_cell(table, "%s", models[k].name);
            table_cell(table, "%s", models[k].by_quantity ? "by quantity" : "whole");
            table_cell(table, "%" PRIu64, engine_counters(models[k].engine)->orders);
            table_cell(table, "%" PRIu64, engine_counters(models[k].engine)->fills);
            table_cell(table, "%s", money_text(profit_of(summary, models[k].engine, currency), low));
        }
        putchar('\n');
        table_print(table, stdout);
        printf("profit between %s and %s %s\n", money_text(extreme(summary, models, count, currency, false), low),
               money_text(extreme(summary, models, count, currency, true), high), currency);
    }
}
