/* wire_binance_info.c: exchangeInfo and the 24-hour statistics: long answers that are asked for seldom.
 *
 * Filters say what the instrument says; what an instrument does not say (a largest quantity, a smallest notional) is
 * a wide bound, so that no client refuses what the venue would take. */
#include "sim/wire/wire_binance.h"

#include "core/decimal.h"

static void put_text(struct wire_text *text, const char *name, const char *value)
{
    wire_put(text, name);
    wire_put_string(text, value, strlen(value));
}

static void put_price(struct wire_text *text, const char *name, const struct instrument *instrument, px_t price)
{
    wire_put(text, name);
    binance_put_price(text, instrument, price);
}

static void put_qty(struct wire_text *text, const char *name, const struct instrument *instrument, qty_t qty)
{
    wire_put(text, name);
    binance_put_qty(text, instrument, qty);
}

static void put_filters(struct wire *wire, const struct wire_symbol *symbol, bool spot)
{
    const struct instrument *instrument = &symbol->instrument;
    const struct tick_table *table = instrument_tick_table(instrument, wire_venue_time(wire, wire->now));
    struct wire_text *answer = &wire->answer;
    px_t tick = table->bands[0].tick;
    struct level bid, ask;
    wire_touch(symbol, &bid, &ask);
    if (bid.price > 0 && instrument_tick(instrument, bid.price, wire_venue_time(wire, wire->now), &tick) != ERR_OK)
        tick = table->bands[0].tick;
    const qty_t most =
        instrument->qty_max != 0
            ? instrument->qty_max
            : 1000000 * (qty_t)decimal_pow10(instrument->qty_decimals < 9 ? instrument->qty_decimals : 9);
    const qty_t least = instrument->qty_min != 0 ? instrument->qty_min : instrument->lot;
    const px_t highest =
        (px_t)decimal_pow10(instrument->price_decimals < 11 ? instrument->price_decimals : 11) * 1000000;
    put_price(answer, ",\"filters\":[{\"filterType\":\"PRICE_FILTER\",\"minPrice\":", instrument, tick);
    put_price(answer, ",\"maxPrice\":", instrument, highest);
    put_price(answer, ",\"tickSize\":", instrument, tick);
    for (int market = 0; market < 2; market++) {
        put_qty(answer,
                market ? "},{\"filterType\":\"MARKET_LOT_SIZE\",\"minQty\":"
                       : "},{\"filterType\":\"LOT_SIZE\",\"minQty\":",
                instrument, least);
        put_qty(answer, ",\"maxQty\":", instrument, most);
        put_qty(answer, ",\"stepSize\":", instrument, instrument->lot);
    }
    wire_put(answer, spot ? "},{\"filterType\":\"MAX_NUM_ORDERS\",\"maxNumOrders\":200"
                          : "},{\"filterType\":\"MAX_NUM_ORDERS\",\"limit\":200");
    wire_put(answer, spot ? "},{\"filterType\":\"NOTIONAL\",\"minNotional\":\""
                          : "},{\"filterType\":\"MIN_NOTIONAL\",\"notional\":\"");
    wire_put_money(answer, instrument->notional_min, (unsigned)instrument->price_decimals + instrument->qty_decimals,
                   0);
    wire_put(answer,
             spot ? "\",\"applyMinToMarket\":true,\"maxNotional\":\"9000000.00000000\",\"applyMaxToMarket\":false,"
                    "\"avgPriceMins\":5},{\"filterType\":\"PERCENT_PRICE_BY_SIDE\",\"bidMultiplierUp\":\"5\","
                    "\"bidMultiplierDown\":\"0.2\",\"askMultiplierUp\":\"5\",\"askMultiplierDown\":\"0.2\","
                    "\"avgPriceMins\":5}]"
                  : "\"},{\"filterType\":\"PERCENT_PRICE\",\"multiplierUp\":\"1.0500\","
                    "\"multiplierDown\":\"0.9500\",\"multiplierDecimal\":\"4\"}]");
}

static void put_futures(struct wire *wire, const struct wire_symbol *symbol)
{
    const struct instrument *instrument = &symbol->instrument;
    const char *name = instrument->symbol;
    const size_t pair = strcspn(name, "_");
    const bool dated = name[pair] == '_' && name[pair + 1] >= '0' && name[pair + 1] <= '9';
    struct wire_text *answer = &wire->answer;
    put_text(answer, "{\"symbol\":", name);
    wire_put(answer, ",\"pair\":");
    wire_put_string(answer, name, pair);
    wire_put(answer, dated ? ",\"contractType\":\"CURRENT_QUARTER\"" : ",\"contractType\":\"PERPETUAL\"");
    wire_put(answer, ",\"deliveryDate\":4133404800000,\"onboardDate\":1569398400000");
    wire_put(answer, wire->config.venue == WIRE_BINANCE_COINM ? ",\"contractStatus\":\"TRADING\",\"contractSize\":"
                                                              : ",\"status\":\"TRADING\"");
    if (wire->config.venue == WIRE_BINANCE_COINM)
        wire_put_decimal(answer, instrument->multiplier, instrument->multiplier_decimals, 0);
    wire_put(answer, ",\"maintMarginPercent\":\"2.5000\",\"requiredMarginPercent\":\"5.0000\"");
    put_text(answer, ",\"baseAsset\":", instrument->base);
    put_text(answer, ",\"quoteAsset\":", instrument->quote);
    put_text(answer, ",\"marginAsset\":", instrument->settle);
    wire_put_format(answer,
                    ",\"pricePrecision\":%u,\"quantityPrecision\":%u,\"baseAssetPrecision\":8,\"quotePrecision\":8",
                    instrument->price_decimals, instrument->qty_decimals);
    wire_put(answer,
             ",\"underlyingType\":\"COIN\",\"underlyingSubType\":[],\"settlePlan\":0,\"triggerProtect\":\"0.0500\","
             "\"liquidationFee\":\"0.012500\",\"marketTakeBound\":\"0.05\"");
    put_filters(wire, symbol, false);
    wire_put(answer,
             ",\"orderTypes\":[\"LIMIT\",\"MARKET\",\"STOP\",\"STOP_MARKET\",\"TAKE_PROFIT\",\"TAKE_PROFIT_MARKET\","
             "\"TRAILING_STOP_MARKET\"],\"timeInForce\":[\"GTC\",\"IOC\",\"FOK\",\"GTX\",\"GTD\"]}");
}

static void put_spot(struct wire *wire, const struct wire_symbol *symbol)
{
    const struct instrument *instrument = &symbol->instrument;
    struct wire_text *answer = &wire->answer;
    put_text(answer, "{\"symbol\":", instrument->symbol);
    put_text(answer, ",\"status\":\"TRADING\",\"baseAsset\":", instrument->base);
    put_text(answer, ",\"baseAssetPrecision\":8,\"quoteAsset\":", instrument->quote);
    wire_put(answer,
             ",\"quotePrecision\":8,\"quoteAssetPrecision\":8,\"baseCommissionPrecision\":8,"
             "\"quoteCommissionPrecision\":8,\"orderTypes\":[\"LIMIT\",\"LIMIT_MAKER\",\"MARKET\",\"STOP_LOSS\","
             "\"STOP_LOSS_LIMIT\",\"TAKE_PROFIT\",\"TAKE_PROFIT_LIMIT\"],\"icebergAllowed\":true,\"ocoAllowed\":true,"
             "\"quoteOrderQtyMarketAllowed\":true,\"allowTrailingStop\":true,\"cancelReplaceAllowed\":true,"
             "\"isSpotTradingAllowed\":true,\"isMarginTradingAllowed\":false");
    put_filters(wire, symbol, true);
    wire_put(
        answer,
        ",\"permissions\":[],\"permissionSets\":[[\"SPOT\"]],\"defaultSelfTradePreventionMode\":\"EXPIRE_MAKER\","
        "\"allowedSelfTradePreventionModes\":[\"EXPIRE_TAKER\",\"EXPIRE_MAKER\",\"EXPIRE_BOTH\"]}");
}

static void put_assets(struct wire *wire)
{
    struct wire_text *answer = &wire->answer;
    bool any = false;
    wire_put(answer, ",\"assets\":[");
    for (uint16_t i = 0; i < wire->config.instrument_count; i++) {
        const char *settle = wire->symbols[i].instrument.settle;
        bool said = false;
        for (uint16_t j = 0; j < i && !said; j++)
            said = strcmp(wire->symbols[j].instrument.settle, settle) == 0;
        if (said)
            continue;
        put_text(answer, any ? ",{\"asset\":" : "{\"asset\":", settle);
        wire_put(answer, ",\"marginAvailable\":true,\"autoAssetExchange\":\"-10000\"}");
        any = true;
    }
    wire_put_char(answer, ']');
}

void binance_put_exchange_info(struct wire *wire, const uint16_t *symbols, uint32_t count)
{
    const bool spot = binance_wire_is_spot(wire);
    struct wire_text *answer = &wire->answer;
    wire_put(answer, "{\"timezone\":\"UTC\",\"serverTime\":");
    wire_put_u64(answer, wire_stamp_ms(wire, wire_venue_time(wire, wire->now)));
    if (spot) {
        wire_put(answer,
                 ",\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,"
                 "\"limit\":6000},{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,"
                 "\"limit\":100},{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\",\"intervalNum\":1,"
                 "\"limit\":200000},{\"rateLimitType\":\"RAW_REQUESTS\",\"interval\":\"MINUTE\",\"intervalNum\":5,"
                 "\"limit\":61000}],\"exchangeFilters\":[]");
    } else {
        wire_put(answer, ",\"futuresType\":");
        wire_put(answer, wire->config.venue == WIRE_BINANCE_USDM ? "\"U_MARGINED\"" : "\"COIN_MARGINED\"");
        wire_put(answer,
                 ",\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,"
                 "\"limit\":2400},{\"rateLimitType\":\"ORDERS\",\"interval\":\"MINUTE\",\"intervalNum\":1,"
                 "\"limit\":1200},{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,"
                 "\"limit\":300}],\"exchangeFilters\":[]");
        put_assets(wire);
    }
    wire_put(answer, ",\"symbols\":[");
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            wire_put_char(answer, ',');
        (spot ? put_spot : put_futures)(wire, &wire->symbols[symbols[i]]);
    }
    wire_put(answer, "]}");
}

void binance_put_day(struct wire *wire, const struct wire_symbol *symbol, bool mini)
{
    const struct instrument *instrument = &symbol->instrument;
    struct wire_text *answer = &wire->answer;
    struct binance_day day;
    if (!binance_day_of(wire, symbol, &day))
        return;
    const struct wire_candle *candle = &day.candle;
    const struct wire_trade *last = wire_trade_at(&symbol->prints, symbol->prints.count - 1);
    put_text(answer, "{\"symbol\":", instrument->symbol);
    if (!mini) {
        put_price(answer, ",\"priceChange\":", instrument, day.change);
        wire_put(answer, ",\"priceChangePercent\":\"");
        wire_put_decimal(answer, day.change_percent, 3, 3);
        put_price(answer, "\",\"weightedAvgPrice\":", instrument, day.average);
        if (binance_wire_is_spot(wire))
            put_price(answer, ",\"prevClosePrice\":", instrument, candle->open);
    }
    put_price(answer, ",\"lastPrice\":", instrument, candle->close);
    if (!mini)
        put_qty(answer, ",\"lastQty\":", instrument, last->qty);
    if (!mini && binance_wire_is_spot(wire)) {
        put_price(answer, ",\"bidPrice\":", instrument, day.bid.price);
        put_qty(answer, ",\"bidQty\":", instrument, day.bid.qty);
        put_price(answer, ",\"askPrice\":", instrument, day.ask.price);
        put_qty(answer, ",\"askQty\":", instrument, day.ask.qty);
    }
    put_price(answer, ",\"openPrice\":", instrument, candle->open);
    put_price(answer, ",\"highPrice\":", instrument, candle->high);
    put_price(answer, ",\"lowPrice\":", instrument, candle->low);
    put_qty(answer, ",\"volume\":", instrument, candle->volume);
    wire_put(answer, ",\"quoteVolume\":\"");
    wire_put_money(answer, candle->value, (unsigned)instrument->price_decimals + instrument->qty_decimals, 0);
    wire_put_format(
        answer, "\",\"openTime\":%lld,\"closeTime\":%lld,\"firstId\":%llu,\"lastId\":%llu,\"count\":%llu}",
        (long long)(day.open_ts / NS_PER_MS), (long long)(day.close_ts / NS_PER_MS),
        (unsigned long long)candle->first_id, (unsigned long long)candle->last_id, (unsigned long long)candle->count);
}
