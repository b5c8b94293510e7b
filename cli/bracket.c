#include "cli/bracket.h"

#include "cli/table.h"

#include <inttypes.h>
#include <string.h>

uint16_t bracket_followers(const struct run_config *config, struct queue_model followers[STAGE_FOLLOWERS_MAX])
{
    static const enum queue_kind bounds[] = {QUEUE_PESSIMISTIC, QUEUE_OPTIMISTIC};
    STATIC_ASSERT(ARRAY_LEN(bounds) == STAGE_FOLLOWERS_MAX, "room for both bounds");
    uint16_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(bounds) && config->venue.bracket; i++)
        if (config->venue.queue.kind != bounds[i])
            followers[count++] =
                (struct queue_model){.kind = bounds[i], .by_quantity = config->venue.queue.by_quantity};
    return count;
}

/* Pessimistic, the run's own, optimistic; as far as they are different models. */
struct model {
    const char *name;
    const struct engine *engine;
    struct digest_value digest;
};

static uint16_t models_of(const struct run_summary *summary, struct model models[1 + STAGE_FOLLOWERS_MAX])
{
    const struct stage *stage = summary->stage;
    uint16_t count = 0;
    bool own = false;
    for (uint16_t i = 0; i <= stage->follower_count; i++) {
        const struct stage_follower *follower = i < stage->follower_count ? &stage->followers[i] : NULL;
        const bool above = follower == NULL || follower->queue.kind == QUEUE_OPTIMISTIC;
        if (!own && (above || summary->config->venue.queue.kind == QUEUE_PESSIMISTIC)) {
            models[count++] =
                (struct model){queue_kind_name(summary->config->venue.queue.kind), stage->engine, summary->digest};
            own = true;
        }
        if (follower != NULL)
            models[count++] =
                (struct model){queue_kind_name(follower->queue.kind), follower->engine, follower->digest};
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

/* Does an earlier instrument settle in the same currency? */
static bool is_repeated(const struct stage *stage, uint16_t number)
{
    for (uint16_t i = 0; i < number; i++)
        if (strcmp(stage->instruments[i].settle, stage->instruments[number].settle) == 0)
            return true;
    return false;
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
        json_t *interval = json_object();
        if (is_repeated(stage, i)) {
            json_decref(interval);
            continue;
        }
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
        json_set_text(entry, "digest", digest);
        json_set_u64(entry, "orders", counters->orders);
        json_set_u64(entry, "fills", counters->fills);
        json_set_u64(entry, "maker_fills", counters->maker_fills);
        for (uint16_t k = 0; k < stage->instrument_count; k++)
            if (!is_repeated(stage, k))
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
        if (is_repeated(stage, i))
            continue;
        char title[NAME_SIZE + 16];
        snprintf(title, sizeof(title), "profit, %s", currency);
        struct table *table = table_new("lrrr", "queue model", "orders", "fills", title);
        for (uint16_t k = 0; k < count; k++) {
            table_cell(table, "%s", models[k].name);
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
