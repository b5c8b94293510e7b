#include "adapters/upbit/rules.h"

#include <string.h>

err_t upbit_rules_instrument(const char *market, size_t market_size, unsigned price_decimals, unsigned qty_decimals,
                             struct instrument *instrument)
{
    char symbol[SYMBOL_SIZE];
    if (market_size >= sizeof(symbol))
        return ERR_RANGE;
    memcpy(symbol, market, market_size);
    symbol[market_size] = '\0';
    char *dash = strchr(symbol, '-');
    if (dash == NULL || dash == symbol || dash[1] == '\0')
        return ERR_SYNTAX;
    *dash = '\0';
    const char *base = dash + 1;
    char name[SYMBOL_SIZE];
    memcpy(name, market, market_size);
    name[market_size] = '\0';
    err_t err = instrument_init(instrument, "upbit", name, base, symbol, CONTRACT_SPOT, price_decimals, qty_decimals);
    if (err != ERR_OK)
        return err;
    if (qty_decimals > UPBIT_QTY_DECIMALS)
        instrument->lot = decimal_pow10(qty_decimals - UPBIT_QTY_DECIMALS);
    if (!venue_rules_put_ticks(&upbit_profile, instrument))
        return ERR_UNKNOWN;
    /* The newest rules; a run on the tape takes those of its days. */
    struct err_text why = {0};
    struct venue_rules rules;
    err = venue_rules_resolve(&upbit_profile, instrument, &rules, &why);
    if (err != ERR_OK)
        return err;
    const struct venue_span *newest = &rules.spans[rules.span_count - 1];
    instrument->notional_min = newest->notional_min;
    instrument->maker_fee = newest->maker_fee;
    instrument->taker_fee = newest->taker_fee;
    return ERR_OK;
}
