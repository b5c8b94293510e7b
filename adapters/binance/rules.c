#include "adapters/binance/rules.h"

#include "adapters/binance/link.h"
#include "adapters/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_fees(enum binance_flavour flavour, struct instrument *instrument)
{
    instrument->maker_fee = flavour == BINANCE_SPOT ? 1000000 : 200000;
    instrument->taker_fee = flavour == BINANCE_SPOT ? 1000000 : 500000;
}

static enum contract_kind contract_of(enum binance_flavour flavour)
{
    return flavour == BINANCE_COINM ? CONTRACT_INVERSE : flavour == BINANCE_USDM ? CONTRACT_LINEAR : CONTRACT_SPOT;
}

/* --- by name --- */

/* The longest ending counts: "FDUSD" before "USD". */
static size_t quote_size(const char *symbol, size_t size)
{
    static const char *const quotes[] = {
        "USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USDP", "USDS", "USD1", "PAX",  "DAI",  "USD", "BTC",
        "ETH",  "BNB",  "XRP",   "TRX",  "DOGE", "DOT",  "EUR",  "EURI", "AEUR", "GBP",  "TRY", "BRL",
        "JPY",  "AUD",  "RUB",   "ZAR",  "IDR",  "MXN",  "PLN",  "ARS",  "UAH",  "NGN",  "COP", "CZK",
        "RON",  "VAI",  "BIDR",  "IDRT", "BKRW", "BVND", "UST",  "SOL",  "KZT",  "AEUR",
    };
    size_t best = 0;
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        size_t length = strlen(quotes[i]);
        if (length > best && length < size && memcmp(symbol + size - length, quotes[i], length) == 0)
            best = length;
    }
    return best;
}

err_t binance_rules_guess(enum binance_flavour flavour, const char *symbol, size_t symbol_size,
                          unsigned price_decimals, unsigned qty_decimals, struct instrument *instrument)
{
    char name[SYMBOL_SIZE], base[NAME_SIZE], quote[NAME_SIZE];
    if (symbol_size >= sizeof(name))
        return ERR_RANGE;
    memcpy(name, symbol, symbol_size);
    name[symbol_size] = '\0';
    const char *bar = flavour == BINANCE_SPOT ? NULL : strchr(name, '_'); /* _PERP, _250328 */
    size_t pair_size = bar == NULL ? symbol_size : (size_t)(bar - name);
    size_t quoted = quote_size(name, pair_size);
    size_t base_size = pair_size - quoted;
    if (base_size >= sizeof(base))
        return ERR_RANGE;
    memcpy(base, name, base_size);
    base[base_size] = '\0';
    memcpy(quote, quoted > 0 ? name + base_size : "?", quoted > 0 ? quoted : 1);
    quote[quoted > 0 ? quoted : 1] = '\0';
    err_t err = instrument_init(instrument, binance_flavour_venue(flavour), name, base, quote, contract_of(flavour),
                                price_decimals, qty_decimals);
    if (err != ERR_OK)
        return err;
    if (flavour == BINANCE_COINM)
        instrument->multiplier = strcmp(base, "BTC") == 0 ? 100 : 10;
    set_fees(flavour, instrument);
    return ERR_OK;
}

/* --- by exchangeInfo --- */

enum { ROOT_SYMBOLS, ROOT_COUNT };
enum { S_SYMBOL, S_BASE, S_QUOTE, S_FILTERS, S_PRICE_PRECISION, S_QTY_PRECISION, S_CONTRACT_SIZE, S_STATUS, S_COUNT };
enum { R_TYPE, R_TICK, R_STEP, R_QTY_MIN, R_QTY_MAX, R_NOTIONAL, R_NOTIONAL_MIN, R_COUNT };

/* Texts of a symbol's filters, before its decimals are known. */
struct filters {
    struct json_value tick, step, qty_min, qty_max, notional;
};

struct rules_parser {
    struct json *json;
    struct json_shape root, symbol, filter;
    struct json_value row[R_COUNT];
};

static err_t take_filter(void *context, const struct json_value *row, struct err_text *why)
{
    (void)why;
    struct filters *filters = context;
    if (json_is(&row[R_TYPE], "PRICE_FILTER", 12)) {
        filters->tick = row[R_TICK];
    } else if (json_is(&row[R_TYPE], "LOT_SIZE", 8)) {
        filters->step = row[R_STEP];
        filters->qty_min = row[R_QTY_MIN];
        filters->qty_max = row[R_QTY_MAX];
    } else if (json_is(&row[R_TYPE], "MIN_NOTIONAL", 12) || json_is(&row[R_TYPE], "NOTIONAL", 8)) {
        filters->notional = row[R_NOTIONAL].kind != JSON_ABSENT ? row[R_NOTIONAL] : row[R_NOTIONAL_MIN];
    }
    return ERR_OK;
}

static err_t decimals_of(const struct json_value *step, const struct json_value *precision, bool printed,
                         struct wire_place place, unsigned *decimals, struct err_text *why)
{
    unsigned needed = 0, written = 0;
    uint64_t shown = 0;
    if ((step->kind != JSON_STRING && step->kind != JSON_NUMBER) ||
        decimal_measure(step->text, step->size, &needed, &written) != ERR_OK)
        return err_say(why, ERR_SYNTAX, "%s \"%s\": expected a decimal number", place.symbol, place.field);
    if (printed && precision->kind != JSON_ABSENT) {
        err_t err = wire_u64(precision, place.field, &shown, why);
        if (err != ERR_OK)
            return err;
    }
    if (needed > DECIMALS_MAX || shown > DECIMALS_MAX)
        return err_say(why, ERR_RANGE, "%s \"%s\": more than %d decimals", place.symbol, place.field, DECIMALS_MAX);
    *decimals = needed > shown ? needed : (unsigned)shown;
    return ERR_OK;
}

/* Prices, quantities and the contract size of a symbol whose decimals are set. A tick or step of 0 says that there
 * is no grid: one unit then. */
static err_t put_filters(const struct filters *filters, const struct json_value *values,
                         struct instrument *instrument, struct err_text *why)
{
    const char *name = instrument->symbol;
    int64_t tick, lot;
    err_t err;
    if ((err = wire_decimal(&filters->tick, (struct wire_place){name, "tickSize"}, instrument->price_decimals,
                            ROUND_EXACT, WIRE_NOT_NEGATIVE, &tick, why)) != ERR_OK ||
        (err = wire_decimal(&filters->step, (struct wire_place){name, "stepSize"}, instrument->qty_decimals,
                            ROUND_EXACT, WIRE_NOT_NEGATIVE, &lot, why)) != ERR_OK)
        return err;
    instrument_set_tick(instrument, tick > 0 ? tick : 1);
    instrument->lot = lot > 0 ? lot : 1;
    if (filters->qty_min.kind != JSON_ABSENT &&
        (err = wire_decimal(&filters->qty_min, (struct wire_place){name, "minQty"}, instrument->qty_decimals,
                            ROUND_UP, WIRE_NOT_NEGATIVE, &instrument->qty_min, why)) != ERR_OK)
        return err;
    if (filters->qty_max.kind != JSON_ABSENT &&
        (err = wire_decimal(&filters->qty_max, (struct wire_place){name, "maxQty"}, instrument->qty_decimals,
                            ROUND_DOWN, WIRE_NOT_NEGATIVE, &instrument->qty_max, why)) != ERR_OK)
        return err;
    const struct json_value *notional = &filters->notional;
    if (notional->kind != JSON_ABSENT &&
        ((notional->kind != JSON_STRING && notional->kind != JSON_NUMBER) ||
         decimal_parse_money(notional->text, notional->size,
                             (unsigned)instrument->price_decimals + instrument->qty_decimals, ROUND_UP,
                             &instrument->notional_min) != ERR_OK ||
         instrument->notional_min < 0))
        return err_say(why, ERR_SYNTAX, "%s \"notional\": expected an amount of money", name);
    if (instrument->contract == CONTRACT_INVERSE)
        return wire_decimal(&values[S_CONTRACT_SIZE], (struct wire_place){name, "contractSize"}, 0, ROUND_EXACT,
                            WIRE_POSITIVE, &instrument->multiplier, why);
    return ERR_OK;
}

static err_t put_symbol(struct rules_parser *parser, enum binance_flavour flavour, const struct json_value *values,
                        struct instrument *instrument, struct err_text *why)
{
    char symbol[SYMBOL_SIZE], base[SYMBOL_SIZE], quote[SYMBOL_SIZE];
    size_t size;
    struct filters filters;
    unsigned price_decimals, qty_decimals;
    memset(&filters, 0, sizeof(filters));
    err_t err;
    if ((err = machine_symbol_text(&values[S_SYMBOL], "symbol", symbol, &size, why)) != ERR_OK ||
        (err = machine_symbol_text(&values[S_BASE], "baseAsset", base, &size, why)) != ERR_OK ||
        (err = machine_symbol_text(&values[S_QUOTE], "quoteAsset", quote, &size, why)) != ERR_OK)
        return err;
    const struct json_value *rows = &values[S_FILTERS];
    if (rows->kind != JSON_ARRAY)
        return err_say(why, ERR_SYNTAX, "%s \"filters\": expected an array", symbol);
    err = json_rows(parser->json, rows->text, rows->size, &parser->filter, parser->row, take_filter, &filters, why);
    bool printed = flavour != BINANCE_SPOT; /* spot prints eight decimals of everything */
    if (err != ERR_OK ||
        (err = decimals_of(&filters.tick, &values[S_PRICE_PRECISION], printed,
                           (struct wire_place){symbol, "tickSize"}, &price_decimals, why)) != ERR_OK ||
        (err = decimals_of(&filters.step, &values[S_QTY_PRECISION], printed, (struct wire_place){symbol, "stepSize"},
                           &qty_decimals, why)) != ERR_OK)
        return err;
    err = instrument_init(instrument, binance_flavour_venue(flavour), symbol, base, quote, contract_of(flavour),
                          price_decimals, qty_decimals);
    if (err != ERR_OK)
        return err_say(why, err, "%s: its name or its currencies' are too long", symbol);
    set_fees(flavour, instrument);
    err = put_filters(&filters, values, instrument, why);
    return err != ERR_OK ? err : instrument_check(instrument, why);
}

/* What is looked for: every symbol, or one. */
struct search {
    enum binance_flavour flavour;
    const char *only; /* NULL: every one */
    binance_rules_fn found;
    void *context;
    bool seen;
    bool trading;
    char status[40];
};

static err_t walk(struct rules_parser *parser, struct search *search, const char *text, size_t size,
                  struct json_value *items, size_t capacity, struct err_text *why)
{
    struct json_value root[ROOT_COUNT], values[S_COUNT];
    struct instrument instrument;
    size_t count;
    err_t err = json_members(parser->json, text, size, &parser->root, root, why);
    if (err != ERR_OK)
        return err;
    if (root[ROOT_SYMBOLS].kind != JSON_ARRAY)
        return err_say(why, ERR_SYNTAX, "\"symbols\": expected an array; is this an exchangeInfo answer?");
    err = json_items(parser->json, root[ROOT_SYMBOLS].text, root[ROOT_SYMBOLS].size, items, capacity, &count, why);
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        err = json_members(parser->json, items[i].text, items[i].size, &parser->symbol, values, why);
        if (err != ERR_OK)
            break;
        if (search->only != NULL && !json_is(&values[S_SYMBOL], search->only, strlen(search->only)))
            continue;
        const struct json_value *status = &values[S_STATUS];
        search->seen = true;
        search->trading = status->kind == JSON_ABSENT || json_is(status, "TRADING", 7);
        if (status->kind == JSON_STRING)
            snprintf(search->status, sizeof(search->status), "%.*s", status->size < 30 ? (int)status->size : 30,
                     status->text);
        err = put_symbol(parser, search->flavour, values, &instrument, why);
        if (err == ERR_OK)
            err = search->found(search->context, &instrument);
    }
    return err;
}

static err_t parse(struct search *search, const char *text, size_t size, struct err_text *why)
{
    static const char *const root_names[ROOT_COUNT] = {"symbols"};
    static const char *const symbol_names[S_COUNT] = {"symbol",       "baseAsset",      "quoteAsset",
                                                      "filters",      "pricePrecision", "quantityPrecision",
                                                      "contractSize", "status"};
    static const char *const filter_names[R_COUNT] = {"filterType", "tickSize", "stepSize",   "minQty",
                                                      "maxQty",     "notional", "minNotional"};
    ASSERT(search->flavour != BINANCE_AUTO);
    if (size > FRAME_SIZE_MAX)
        return err_say(why, ERR_RANGE, "exchangeInfo of %zu bytes; at most %u are taken", size, FRAME_SIZE_MAX);
    /* The smallest symbol that could be right takes far more than 64 bytes. */
    size_t capacity = size / 64 + 1;
    struct rules_parser *parser = calloc(1, sizeof(*parser));
    struct json_value *items = calloc(capacity, sizeof(*items));
    err_t err = parser == NULL || items == NULL ? ERR_NOMEM : json_open(size, &parser->json);
    if (err == ERR_OK) {
        json_shape_init(&parser->root, root_names, ROOT_COUNT, NULL);
        json_shape_init(&parser->symbol, symbol_names, S_COUNT, NULL);
        json_shape_init(&parser->filter, filter_names, R_COUNT, NULL);
        err = walk(parser, search, text, size, items, capacity, why);
    }
    if (parser != NULL)
        json_close(parser->json);
    free(parser);
    free(items);
    return err == ERR_FULL ? ERR_SYNTAX : err;
}

err_t binance_rules_parse(enum binance_flavour flavour, const char *text, size_t size, binance_rules_fn found,
                          void *context, struct err_text *why)
{
    struct search search = {.flavour = flavour, .found = found, .context = context};
    return parse(&search, text, size, why);
}

static err_t take_instrument(void *context, const struct instrument *instrument)
{
    memcpy(context, instrument, sizeof(*instrument));
    return ERR_OK;
}

err_t binance_exchange_info(enum binance_flavour flavour, const char *text, size_t size, const char *symbol,
                            struct instrument *instrument, struct err_text *why)
{
    struct search search = {.flavour = flavour, .only = symbol, .found = take_instrument, .context = instrument};
    err_t err = parse(&search, text, size, why);
    if (err != ERR_OK)
        return err;
    if (!search.seen)
        return err_say(why, ERR_NOTFOUND, "%s is not listed on %s; symbols are written like BTCUSDT", symbol,
                       binance_flavour_venue(flavour));
    if (!search.trading)
        return err_say(why, ERR_STATE, "%s is not trading on %s now: its status is %s", symbol,
                       binance_flavour_venue(flavour), search.status);
    return ERR_OK;
}
