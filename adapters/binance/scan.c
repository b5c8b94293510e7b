/* scan.c: the texts of prices and quantities in Binance's messages, for whoever chooses the decimals. */
#include "adapters/binance/frame.h"

struct scan {
    market_found_fn found;
    void *context;
    struct market_texts texts;
};

static err_t scan_pair(void *context, const char *price, size_t price_size, const char *qty, size_t qty_size)
{
    struct scan *scan = context;
    scan->texts.price = price;
    scan->texts.price_size = price_size;
    scan->texts.qty = qty;
    scan->texts.qty_size = qty_size;
    return scan->found(scan->context, &scan->texts);
}

static bool is_text(const struct json_value *value)
{
    return (value->kind == JSON_STRING || value->kind == JSON_NUMBER) && value->size > 0;
}

/* A price, a quantity, or both; what is absent or of another type is left to `frame` to complain about. */
static err_t scan_values(struct scan *scan, const struct json_value *price, const struct json_value *qty)
{
    bool has_price = price != NULL && is_text(price), has_qty = qty != NULL && is_text(qty);
    if (!has_price && !has_qty)
        return ERR_OK;
    return scan_pair(scan, has_price ? price->text : NULL, has_price ? price->size : 0, has_qty ? qty->text : NULL,
                     has_qty ? qty->size : 0);
}

static err_t scan_prices(struct scan *scan, const struct json_value *values, const unsigned *fields, size_t count)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = scan_values(scan, &values[fields[i]], NULL);
    return err;
}

static err_t scan_kline(struct binance *binance, struct scan *scan, struct err_text *why)
{
    static const unsigned prices[] = {K_OPEN, K_HIGH, K_LOW, K_CLOSE};
    const struct json_value *object = &binance->values[F_KLINE];
    if (object->kind != JSON_OBJECT)
        return err_say(why, ERR_SYNTAX, "\"k\": expected an object");
    err_t err =
        json_members(binance->machine.json, object->text, object->size, &binance->kline_shape, binance->kline, why);
    return err != ERR_OK ? err : scan_prices(scan, binance->kline, prices, ARRAY_LEN(prices));
}

static err_t scan_message(struct binance *binance, const struct frame *frame, struct scan *scan, struct err_text *why)
{
    static const unsigned ticker_prices[] = {F_OPEN, F_HIGH, F_LAST_TRADE};
    const struct json_value *values = binance->values;
    char symbol[SYMBOL_SIZE];
    enum binance_kind kind;
    err_t err = binance_kind_of(binance, &kind, why);
    if (err != ERR_OK || kind == BINANCE_OTHER || (err = binance_learn(binance, kind, why)) != ERR_OK)
        return err;
    scan->texts.symbol = symbol;
    scan->texts.symbol_size = 0;
    if (kind == BINANCE_SNAPSHOT)
        err = binance_snapshot_symbol(binance, frame, symbol, &scan->texts.symbol_size, why);
    else
        err = machine_symbol_text(&values[F_SYMBOL], "s", symbol, &scan->texts.symbol_size, why);
    if (err != ERR_OK)
        return err;
    if (scan->texts.symbol_size == 0)
        scan->texts.symbol = "";
    switch (kind) {
    case BINANCE_DIFF:
        if (binance_depth_of(&values[F_STREAM]) == DEPTH_FOREIGN)
            return ERR_OK;
        err = wire_level_texts(&values[F_BIDS], "b", scan_pair, scan, why);
        return err != ERR_OK ? err : wire_level_texts(&values[F_ASKS], "a", scan_pair, scan, why);
    case BINANCE_SNAPSHOT:
        err = wire_level_texts(&values[F_SNAPSHOT_BIDS], "bids", scan_pair, scan, why);
        return err != ERR_OK ? err : wire_level_texts(&values[F_SNAPSHOT_ASKS], "asks", scan_pair, scan, why);
    case BINANCE_TRADE:
    case BINANCE_AGGREGATE:
        return scan_values(scan, &values[F_PRICE], &values[F_QTY]);
    case BINANCE_BBO:
        err = scan_values(scan, &values[F_BIDS], &values[F_BID_QTY]);
        return err != ERR_OK ? err : scan_values(scan, &values[F_ASKS], &values[F_ASK_QTY]);
    case BINANCE_KLINE:
        return scan_kline(binance, scan, why);
    case BINANCE_TICKER:
        err = scan_values(scan, &values[F_CLOSE], &values[F_LAST_QTY]);
        return err != ERR_OK ? err : scan_prices(scan, values, ticker_prices, ARRAY_LEN(ticker_prices));
    case BINANCE_MARK: /* rounded: says nothing of the book's decimals, but names the symbol */
    case BINANCE_OTHER:
        break;
    }
    return ERR_OK;
}

static err_t scan_items(struct binance *binance, const struct frame *frame, const char *text, size_t size,
                        struct scan *scan, struct err_text *why)
{
    struct machine *machine = &binance->machine;
    size_t count = 0;
    err_t err = machine_items(machine, text, size, &count, why);
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        const struct json_value *item = &machine->items[i];
        err = json_members(machine->json, item->text, item->size, &binance->shape, binance->values, why);
        if (err == ERR_OK)
            err = scan_message(binance, frame, scan, why);
    }
    return err;
}

err_t binance_scan(struct market *market, const struct frame *frame, market_found_fn found, void *context,
                   struct err_text *why)
{
    struct binance *binance = (struct binance *)market;
    struct scan scan = {.found = found, .context = context};
    err_t err = machine_begin(&binance->machine, frame, why);
    if (err != ERR_OK)
        return err;
    if (json_peek(frame->text, frame->size) == JSON_ARRAY)
        return scan_items(binance, frame, frame->text, frame->size, &scan, why);
    err = json_members(binance->machine.json, frame->text, frame->size, &binance->shape, binance->values, why);
    if (err != ERR_OK)
        return err;
    const struct json_value *data = &binance->values[F_DATA];
    if (data->kind == JSON_ARRAY)
        return scan_items(binance, frame, data->text, data->size, &scan, why);
    if (data->kind != JSON_ABSENT && data->kind != JSON_OBJECT)
        return err_say(why, ERR_SYNTAX, "\"data\": expected an object or an array, found another type");
    return scan_message(binance, frame, &scan, why);
}
