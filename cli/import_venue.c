#include "cli/import_venue.h"

#include "adapters/binance/market.h"
#include "adapters/upbit/market.h"

#include <stdio.h>
#include <string.h>

/* ---- Binance ---- */

static enum binance_flavour flavour_of(const char *venue)
{
    static const enum binance_flavour flavours[] = {BINANCE_SPOT, BINANCE_USDM, BINANCE_COINM};
    for (size_t i = 0; venue != NULL && i < ARRAY_LEN(flavours); i++)
        if (strcmp(binance_flavour_venue(flavours[i]), venue) == 0)
            return flavours[i];
    return BINANCE_AUTO;
}

static err_t binance_open(const char *venue, const struct market_sink *sink, struct market **market)
{
    return binance_market_open(flavour_of(venue), sink, market);
}

static const char *binance_venue(const struct market *market)
{
    enum binance_flavour flavour = binance_market_flavour(market);
    return flavour == BINANCE_AUTO ? NULL : binance_flavour_venue(flavour);
}

/* Currencies in which Binance has quoted pairs. Longer names first where one ends in another. */
static const char *const binance_quotes[] = {
    "FDUSD", "USDT", "USDC", "TUSD",  "BUSD", "USDP", "USDS", "IDRT", "BIDR", "BVND", "BKRW", "AEUR", "EURI",
    "RLUSD", "USD1", "USDE", "BFUSD", "XUSD", "DOGE", "BTC",  "ETH",  "BNB",  "EUR",  "GBP",  "TRY",  "BRL",
    "JPY",   "AUD",  "RUB",  "UAH",   "NGN",  "ZAR",  "PLN",  "RON",  "ARS",  "MXN",  "CZK",  "COP",  "VAI",
    "DAI",   "PAX",  "XRP",  "TRX",   "DOT",  "SOL",  "USD",  "IDR",  "KZT",  "USDQ", "NGN",
};

static size_t length_before(const char *text, char stop)
{
    const char *end = strchr(text, stop);
    return end != NULL ? (size_t)(end - text) : strlen(text);
}

static err_t split_suffix(const char *pair, size_t size, char *base, char *quote)
{
    for (size_t i = 0; i < ARRAY_LEN(binance_quotes); i++) {
        size_t length = strlen(binance_quotes[i]);
        if (size <= length || memcmp(pair + size - length, binance_quotes[i], length) != 0)
            continue;
        if (size - length >= NAME_SIZE)
            return ERR_RANGE;
        memcpy(base, pair, size - length);
        base[size - length] = '\0';
        strcpy(quote, binance_quotes[i]);
        return ERR_OK;
    }
    return ERR_UNKNOWN;
}

/* BTCUSDT, BTCUSDT_240927 (a delivery contract), BTCUSD_PERP. */
static err_t binance_describe(const char *venue, const char *symbol, struct instrument *instrument)
{
    err_t err = split_suffix(symbol, length_before(symbol, '_'), instrument->base, instrument->quote);
    if (err != ERR_OK)
        return err;
    enum binance_flavour flavour = flavour_of(venue);
    bool inverse = flavour == BINANCE_COINM;
    instrument->contract = inverse ? CONTRACT_INVERSE : flavour == BINANCE_USDM ? CONTRACT_LINEAR : CONTRACT_SPOT;
    strcpy(instrument->settle, inverse ? instrument->base : instrument->quote);
    if (inverse) /* a contract is worth 100 USD of BTC and 10 USD of anything else */
        instrument->multiplier = strcmp(instrument->base, "BTC") == 0 ? 100 : 10;
    return ERR_OK;
}

static const struct import_family binance = {
    .name = "binance",
    .open = binance_open,
    .venue = binance_venue,
    .describe = binance_describe,
};

/* ---- Upbit ---- */

static err_t upbit_open(const char *venue, const struct market_sink *sink, struct market **market)
{
    (void)venue;
    return upbit_market_open(sink, market);
}

static const char *upbit_venue(const struct market *market)
{
    (void)market;
    return "upbit";
}

/* KRW-BTC: quote first. */
static err_t upbit_describe(const char *venue, const char *symbol, struct instrument *instrument)
{
    (void)venue;
    size_t size = strlen(symbol), quote = length_before(symbol, '-');
    if (quote == 0 || quote + 1 >= size)
        return ERR_UNKNOWN;
    if (quote >= NAME_SIZE || size - quote - 1 >= NAME_SIZE)
        return ERR_RANGE;
    memcpy(instrument->quote, symbol, quote);
    strcpy(instrument->base, symbol + quote + 1);
    strcpy(instrument->settle, instrument->quote);
    instrument->contract = CONTRACT_SPOT;
    return ERR_OK;
}

static const struct import_family upbit = {
    .name = "upbit",
    .open = upbit_open,
    .venue = upbit_venue,
    .describe = upbit_describe,
};

/* ---- the table ---- */

const struct import_family *const import_families[] = {&binance, &upbit, NULL};

const struct import_family *import_family_of(const char *venue)
{
    if (flavour_of(venue) != BINANCE_AUTO)
        return &binance;
    return strcmp(venue, "upbit") == 0 ? &upbit : NULL;
}

const char *import_venue_names(void)
{
    return "binance-spot, binance-usdm, binance-coinm, upbit";
}

static err_t take_assets(const char *assets, struct instrument *instrument)
{
    size_t base = length_before(assets, '/');
    size_t size = strlen(assets);
    if (base == 0 || base + 1 >= size)
        return ERR_SYNTAX;
    if (base >= NAME_SIZE || size - base - 1 >= NAME_SIZE)
        return ERR_RANGE;
    memset(instrument->base, 0, NAME_SIZE);
    memset(instrument->quote, 0, NAME_SIZE);
    memcpy(instrument->base, assets, base);
    memcpy(instrument->quote, assets + base + 1, size - base - 1);
    strcpy(instrument->settle, instrument->contract == CONTRACT_INVERSE ? instrument->base : instrument->quote);
    return ERR_OK;
}

err_t import_instrument(const struct import_family *family, const char *venue, const struct scale *scale,
                        const char *assets, struct instrument *instrument, struct err_text *why)
{
    struct instrument known = {.multiplier = 1};
    err_t err = family->describe(venue, scale->symbol, &known);
    if (assets != NULL && (err == ERR_OK || err == ERR_UNKNOWN))
        err = take_assets(assets, &known);
    if (err != ERR_OK)
        return err_say(why, err,
                       "symbol %s of %s: its base and quote currency cannot be told; say --assets %s=BASE/QUOTE",
                       scale->symbol, venue, scale->symbol);
    struct scale_choice price, qty;
    scale_side_choose(&scale->price, &price);
    scale_side_choose(&scale->qty, &qty);
    struct instrument made;
    err = instrument_init(&made, venue, scale->symbol, known.base, known.quote, known.contract, price.decimals,
                          qty.decimals);
    if (err != ERR_OK)
        return err_say(why, err, "symbol %s of %s: not a name that can be kept", scale->symbol, venue);
    strcpy(made.settle, known.settle);
    made.multiplier = known.multiplier;
    made.price_show = price.show;
    made.qty_show = qty.show;
    made.lot = qty.step;
    instrument_set_tick(&made, price.step);
    if (family->rules != NULL)
        family->rules(&made);
    err = instrument_check(&made, why);
    if (err != ERR_OK)
        return err;
    *instrument = made;
    return ERR_OK;
}
