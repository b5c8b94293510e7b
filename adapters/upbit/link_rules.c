#include "adapters/json.h"
#include "adapters/upbit/link.h"
#include "adapters/upbit/rules.h"
#include "adapters/wire.h"

#include <stdio.h>
#include <string.h>

err_t upbit_instruments_url(const char *rest, const char *symbol, char *url, size_t url_size)
{
    const int size = snprintf(url, url_size, "%s/v1/orderbook/instruments?markets=%s",
                              rest != NULL ? rest : "https://api.upbit.com", symbol);
    return size < 0 || (size_t)size >= url_size ? ERR_RANGE : ERR_OK;
}

enum rule_field { R_MARKET, R_TICK, R_COUNT };

struct wanted {
    const char *symbol;
    bool found;
    int64_t tick; /* at UPBIT_PRICE_DECIMALS */
};

static err_t take_row(void *context, const struct json_value *values, struct err_text *why)
{
    struct wanted *wanted = context;
    if (!json_is(&values[R_MARKET], wanted->symbol, strlen(wanted->symbol)))
        return ERR_OK;
    wanted->found = true;
    return wire_decimal(&values[R_TICK], (struct wire_place){wanted->symbol, "tick_size"}, UPBIT_PRICE_DECIMALS,
                        ROUND_EXACT, WIRE_POSITIVE, &wanted->tick, why);
}

static err_t read_answer(const char *text, size_t size, struct wanted *wanted, struct err_text *why)
{
    static const char *const names[R_COUNT] = {[R_MARKET] = "market", [R_TICK] = "tick_size"};
    struct json_shape shape;
    struct json_value values[R_COUNT];
    struct json *json;
    json_shape_init(&shape, names, R_COUNT, NULL);
    err_t err = json_open(size, &json);
    if (err != ERR_OK)
        return err_say(why, err, "out of memory");
    err = json_rows(json, text, size, &shape, values, take_row, wanted, why);
    json_close(json);
    return err;
}

static bool has_tick(const struct instrument *instrument, int64_t tick)
{
    const struct tick_table *table = &instrument->tick_tables[instrument->tick_table_count - 1];
    for (uint32_t i = 0; i < table->band_count; i++)
        if (table->bands[i].tick == tick)
            return true;
    return false;
}

err_t upbit_instruments(const char *text, size_t size, const char *symbol, struct instrument *instrument,
                        struct err_text *why)
{
    struct wanted wanted = {.symbol = symbol};
    err_t err = read_answer(text, size, &wanted, why);
    if (err != ERR_OK)
        return err;
    if (!wanted.found)
        return err_say(why, ERR_NOTFOUND, "upbit does not list %s", symbol);
    err = upbit_rules_instrument(symbol, strlen(symbol), UPBIT_PRICE_DECIMALS, UPBIT_QTY_DECIMALS, instrument);
    if (err != ERR_OK)
        return err_say(why, err, "%s: no rules for this market are known", symbol);
    if (!has_tick(instrument, wanted.tick))
        return err_say(why, ERR_STATE,
                       "%s: the venue tells a tick of %lld units of 10^-%d, which none of the bands that are "
                       "known has: its rules have changed",
                       symbol, (long long)wanted.tick, UPBIT_PRICE_DECIMALS);
    return ERR_OK;
}
