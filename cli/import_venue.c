#include "cli/import_venue.h"

#include "adapters/binance/market.h"
#include "adapters/binance/rules.h"
#include "adapters/upbit/market.h"
#include "adapters/upbit/rules.h"

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

static err_t binance_instrument(const char *venue, const char *symbol, unsigned price_decimals, unsigned qty_decimals,
                                struct instrument *instrument)
{
    err_t err =
        binance_rules_guess(flavour_of(venue), symbol, strlen(symbol), price_decimals, qty_decimals, instrument);
    if (err == ERR_OK && strcmp(instrument->quote, "?") == 0)
        return ERR_UNKNOWN;
    return err;
}

static const struct import_family binance = {
    .name = "binance",
    .open = binance_open,
    .venue = binance_venue,
    .instrument = binance_instrument,
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

static err_t upbit_instrument(const char *venue, const char *symbol, unsigned price_decimals, unsigned qty_decimals,
                              struct instrument *instrument)
{
    (void)venue;
    err_t err = upbit_rules_instrument(symbol, strlen(symbol), price_decimals, qty_decimals, instrument);
    /* A quote currency without rules still tells its name. */
    return err == ERR_UNKNOWN ? ERR_OK : err;
}

static const struct import_family upbit = {
    .name = "upbit",
    .has_ticks = true,
    .open = upbit_open,
    .venue = upbit_venue,
    .instrument = upbit_instrument,
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

/* "BASE/QUOTE" instead of what the symbol's name says. */
static err_t take_assets(const char *assets, struct instrument *instrument)
{
    const char *slash = strchr(assets, '/');
    size_t base = slash == NULL ? 0 : (size_t)(slash - assets);
    size_t quote = slash == NULL ? 0 : strlen(slash + 1);
    if (base == 0 || quote == 0)
        return ERR_SYNTAX;
    if (base >= NAME_SIZE || quote >= NAME_SIZE)
        return ERR_RANGE;
    memset(instrument->base, 0, NAME_SIZE);
    memset(instrument->quote, 0, NAME_SIZE);
    memcpy(instrument->base, assets, base);
    memcpy(instrument->quote, slash + 1, quote);
    const char *settle = instrument->contract == CONTRACT_INVERSE ? instrument->base : instrument->quote;
    memcpy(instrument->settle, settle, NAME_SIZE);
    return ERR_OK;
}

err_t import_instrument(const struct import_family *family, const char *venue, const struct scale *scale,
                        const char *assets, struct instrument *instrument, struct err_text *why)
{
    struct scale_choice price, qty;
    scale_side_choose(&scale->price, &price);
    scale_side_choose(&scale->qty, &qty);
    struct instrument made;
    err_t err = family->instrument(venue, scale->symbol, price.decimals, qty.decimals, &made);
    if (assets != NULL && (err == ERR_OK || err == ERR_UNKNOWN))
        err = take_assets(assets, &made);
    if (err == ERR_UNKNOWN)
        return err_say(why, err,
                       "symbol %s of %s: its base and quote currency cannot be told; say --assets %s=BASE/QUOTE",
                       scale->symbol, venue, scale->symbol);
    if (err != ERR_OK)
        return err_say(why, err, "symbol %s: not a symbol of %s", scale->symbol, venue);
    made.price_show = price.show;
    made.qty_show = qty.show;
    if (!family->has_ticks) {
        made.lot = qty.step;
        instrument_set_tick(&made, price.step);
    }
    err = instrument_check(&made, why);
    if (err != ERR_OK)
        return err;
    *instrument = made;
    return ERR_OK;
}
